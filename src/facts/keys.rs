//! The table of all facts: the only place where a fact's name, type and unit stand.
//!
//! A name is a promise to scripts (`status --json`); a new fact is a new row.

use jiff::Timestamp;

use super::fact::{Key, KeyInfo, Unit};
use super::{ClusterUuid, Plain, Position, Seqno};

macro_rules! keys {
    ($($(#[$section:meta])* $const:ident: $type:ty = $name:literal, $unit:ident, $about:literal;)*) => {
        /// The rows' places in the table.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "named as the keys are")]
        enum Place { $($const),* }

        $(
            #[doc = $about]
            pub const $const: Key<$type> = Key::new($name, Unit::$unit, Place::$const as usize);
        )*

        /// Every fact there is, in the order of the table.
        pub const ALL: &[KeyInfo] = &[$(KeyInfo { name: $name, unit: Unit::$unit, about: $about }),*];
    };
}

type Texts = Vec<Plain>;

keys! {
    // The machine.
    HOST_NAME: Plain = "host.name", None, "The machine's own host name.";
    HOST_MACHINE_ID: Plain = "host.machine_id", None, "The machine's /etc/machine-id (S18).";
    HOST_KEY: Plain = "host.key", None, "Fingerprint of the SSH host key that answered (S18).";
    HOST_USER: Plain = "host.user", None, "The user the probe ran as.";
    HOST_CLOCK: Timestamp = "host.clock", None, "The machine's clock when the probe ran.";
    HOST_CLOCK_SKEW: i64 = "host.clock_skew", Seconds, "The machine's clock minus this workstation's, network delay included.";
    HOST_BOOT_ID: Plain = "host.boot_id", None, "The machine's boot, from /proc/sys/kernel/random/boot_id.";
    HOST_UPTIME: u64 = "host.uptime", Seconds, "Time since the machine started.";
    HOST_LAB: Plain = "host.lab", None, "The lab this machine belongs to; empty where it belongs to none.";
    HOST_DRILL: bool = "host.drill", None, "Whether the node is simulated, by the word of what reached it: nothing that a machine prints has a say in it.";
    HOST_MANAGER: Plain = "host.manager", None, "The service manager that was asked: systemd or none.";
    AUTOMATION: Texts = "host.automation", None, "Who else could start or stop the server (S21, case 9): kind, then place and state, as in `monit: mariadb Monitored`.";
    KERNEL_IO_ERRORS: Texts = "kernel.io_errors", None, "Lines of the kernel log about failed input and output or a file system gone read-only, oldest first.";
    KERNEL_OOM_KILLS: Texts = "kernel.oom_kills", None, "Lines of the kernel log about a database process killed for want of memory, oldest first.";

    // The unit.
    UNIT_NAME: Plain = "unit.name", None, "The server's unit.";
    UNIT_LOAD: Plain = "unit.load_state", None, "LoadState of the unit.";
    UNIT_ACTIVE: Plain = "unit.active_state", None, "ActiveState of the unit.";
    UNIT_SUB: Plain = "unit.sub_state", None, "SubState of the unit.";
    UNIT_RESULT: Plain = "unit.result", None, "Result of the unit's last run; `systemctl reset-failed` erases it.";
    UNIT_MAIN_PID: u64 = "unit.main_pid", None, "Main process of the unit; 0 where none runs.";
    UNIT_EXIT_CODE: Plain = "unit.exec_main_code", None, "How the unit's last main process ended: exited, killed, dumped, or none where none ended since boot.";
    UNIT_EXIT_STATUS: u64 = "unit.exec_main_status", None, "Exit status or signal number of the unit's last main process.";
    UNIT_STARTED: Timestamp = "unit.exec_main_start", None, "When the unit's last main process started.";
    UNIT_EXITED: Timestamp = "unit.exec_main_exit", None, "When the unit's last main process ended.";
    UNIT_RESTART: Plain = "unit.restart", None, "Restart= of the unit (S21, S26).";
    UNIT_RESTART_DELAY: Plain = "unit.restart_delay", None, "RestartSec= of the unit, as systemd says it.";
    UNIT_RESTARTS: u64 = "unit.restarts", None, "How often systemd restarted the unit by itself.";
    UNIT_START_TIMEOUT: Plain = "unit.start_timeout", None, "TimeoutStartSec= of the unit, as systemd says it.";
    UNIT_ENABLED: Plain = "unit.file_state", None, "UnitFileState of the unit: whether a boot starts it.";
    UNIT_SENDS_SIGKILL: bool = "unit.send_sigkill", None, "SendSIGKILL= of the unit: where it is no, a stop that is ignored is never forced.";

    UNIT_FROZEN: Plain = "unit.frozen_by", None, "The session whose drop-in keeps the unit from starting by itself or by others (S21); empty where none does.";
    HOST_LEASE: Plain = "host.lease", None, "Who holds this node's lease: session, operator, workstation, time; empty where nobody does.";

    // The server process.
    SERVER_PIDS: Texts = "server.pids", None, "Server processes on this data directory: pid, state letter, user, start in ticks after the machine's.";
    SERVER_STATE: Plain = "server.state", None, "State letter of the server process: S, R, D, T (stopped by a signal), …; ? where files show that one runs, and not how; empty where none does.";
    SERVER_BINARY: Plain = "server.binary", None, "The server's binary.";
    SERVER_VERSION: Plain = "server.version", None, "The server's version.";
    SERVER_USER: Plain = "server.user", None, "The user the server runs as.";
    SERVER_UNIT: Plain = "server.unit", None, "The unit or the container that the server process belongs to, by its cgroup (case 44); empty where none runs.";

    // The data directory.
    DATADIR_PATH: Plain = "datadir.path", None, "The real data directory.";
    DATADIR_REAL: Plain = "datadir.real_path", None, "The data directory with every link resolved.";
    DATADIR_SOURCE: Plain = "datadir.source", None, "How the data directory was found.";
    DATADIR_IDENTITY: Plain = "datadir.identity", None, "Device and inode of the data directory (S18).";
    DATADIR_OWNER: Plain = "datadir.owner", None, "Owner and mode of the data directory.";
    DATADIR_SYSTEM_SCHEMA: bool = "datadir.system_schema", None, "Whether the data directory holds the system schema `mysql`.";
    DATADIR_USED: u64 = "datadir.used", Bytes, "Room that the data directory takes on its file system (S17).";
    ENGINE_STAMP: Plain = "engine.stamp", None, "Inode, size and time of last change of the engine's files (system tablespace, redo, undo, Aria's control file), also where the option files put them elsewhere: the same as long as no server ran on them.";
    RECOVERED: Position = "recover.position", None, "The engine's own position, recovered by Breakglass, its files unchanged since.";
    DISK_FREE: u64 = "disk.datadir.free", Bytes, "Room left for the server on the data directory's file system.";
    DISK_SIZE: u64 = "disk.datadir.size", Bytes, "Size of the data directory's file system.";
    DISK_INODES_FREE: u64 = "disk.datadir.inodes_free", Inodes, "Free inodes on the data directory's file system.";
    DISK_READ_ONLY: bool = "disk.datadir.read_only", None, "Whether the data directory's file system is mounted read-only.";
    BACKUP_NEWEST: Plain = "backup.newest", None, "The newest entry of the folder that the inventory names as `backup`; empty where the folder is.";
    BACKUP_AT: Timestamp = "backup.newest_at", None, "When that entry was last written.";
    ENCRYPTION: Texts = "encryption.options", None, "Options of encryption at rest in use: name and, of a key file, its path (case 34).";
    ENCRYPTION_KEYS: Plain = "encryption.key_file", None, "Whether the key file is there for the server's user: readable, missing or denied; empty where none is named.";
    CERT_FILE: Plain = "cert.file", None, "The certificate of replication, by socket.ssl_cert; empty where replication is not encrypted.";
    CERT_NOT_BEFORE: Timestamp = "cert.not_before", None, "From when that certificate is valid.";
    CERT_NOT_AFTER: Timestamp = "cert.not_after", None, "Until when that certificate is valid (case 35).";
    CERT_CA_NOT_AFTER: Timestamp = "cert.ca_not_after", None, "Until when the certificate of its authority (socket.ssl_ca) is valid.";

    // grastate.dat.
    GRASTATE_FILE: Plain = "grastate.file", None, "What grastate.dat is: valid, missing, empty, or malformed.";
    GRASTATE_RAW: Plain = "grastate.raw", None, "grastate.dat as it is, control characters escaped.";
    GRASTATE_STAT: Plain = "grastate.stat", None, "Size, owner and mode of grastate.dat.";
    GRASTATE_MTIME: Timestamp = "grastate.mtime", None, "When grastate.dat was last written.";
    GRASTATE_VERSION: Plain = "grastate.version", None, "Version line of grastate.dat.";
    GRASTATE_UUID: ClusterUuid = "grastate.uuid", None, "Cluster state UUID in grastate.dat; Unknown where it is zero.";
    GRASTATE_SEQNO: Seqno = "grastate.seqno", WriteSets, "Seqno in grastate.dat; Unknown where it is -1. It proves nothing about how the server stopped (S3).";
    GRASTATE_SAFE: bool = "grastate.safe_to_bootstrap", None, "The safe_to_bootstrap line of grastate.dat: a hint only (S3); Unknown where the line is missing.";

    // gvwstate.dat.
    GVWSTATE_FILE: Plain = "gvwstate.file", None, "What gvwstate.dat is: valid, missing, empty, or malformed.";
    GVWSTATE_RAW: Plain = "gvwstate.raw", None, "gvwstate.dat as it is, control characters escaped.";
    GVWSTATE_STAT: Plain = "gvwstate.stat", None, "Size, owner and mode of gvwstate.dat.";
    GVWSTATE_MTIME: Timestamp = "gvwstate.mtime", None, "When gvwstate.dat was last written.";
    GVWSTATE_MY_UUID: Plain = "gvwstate.my_uuid", None, "The node's own UUID in the group when the view was saved.";
    GVWSTATE_VIEW: Plain = "gvwstate.view_id", None, "The saved view: type, UUID of its representative, sequence number.";
    GVWSTATE_VIEW_SEQ: u64 = "gvwstate.view_seq", None, "Sequence number of the saved view.";
    GVWSTATE_MEMBERS: Texts = "gvwstate.members", Nodes, "UUIDs of the members of the last saved Primary view.";
    GVWSTATE_BOOTSTRAP: bool = "gvwstate.bootstrap", None, "The bootstrap line of gvwstate.dat.";

    // Transfers and leftovers.
    TRANSFER_MARKERS: Texts = "transfer.markers", None, "Files in the data directory that a state transfer leaves while it runs.";
    TRANSFER_PROCESSES: Texts = "transfer.processes", None, "Processes of a state transfer on this machine: pid and name.";
    TRANSFER_ROLE: Plain = "transfer.role", None, "What this node is in a state transfer that runs, by its processes: joiner or donor; empty where none runs.";
    GCACHE_UUID: ClusterUuid = "gcache.uuid", None, "The history that galera.cache says it caches; Unknown where it was not closed cleanly.";
    GCACHE_LOW: Seqno = "gcache.seqno_min", WriteSets, "The lowest seqno in galera.cache of a server that is down; Unknown where it was not closed cleanly.";
    GCACHE_HIGH: Seqno = "gcache.seqno_max", WriteSets, "The highest seqno in galera.cache of a server that is down; Unknown where it was not closed cleanly.";
    GCACHE_BYTES: u64 = "gcache.bytes", Bytes, "Room that galera.cache and its pages take.";
    LEFTOVERS: Texts = "bootstrap.leftovers", None, "What could make this node bootstrap by itself (S10): place and text.";

    // Listeners.
    LISTEN_SQL: bool = "listen.3306", None, "Whether anything listens on the SQL port 3306.";
    LISTEN_GROUP: bool = "listen.4567", None, "Whether anything listens on the group port 4567 (S5).";
    LISTEN_IST: bool = "listen.4568", None, "Whether anything listens on the IST port 4568.";
    LISTEN_SST: bool = "listen.4444", None, "Whether anything listens on the SST port 4444.";
    LISTEN_OWNERS: Texts = "listen.owners", None, "Who listens on 3306, 4567, 4568 and 4444: port, pid and name (case 24).";
    CLUSTERCHECK: u64 = "clustercheck.answer", None, "What the node's clustercheck on port 9200 answers: an HTTP status such as 200 or 503.";

    // The log.
    LOG_SOURCE: Plain = "log.source", None, "Where the error log was read: the journal of the unit, or a file.";
    LOG_TAIL: Texts = "log.tail", None, "The last lines of the error log, oldest first.";
    LOG_LAST_END: Plain = "log.last_end", None, "How the server's last run ended by the log: clean, aborted, killed, or running where no end follows the last start.";
    LOG_POSITION: Position = "log.recovered_position", None, "The position that the unit's own start last logged, no server having taken part in the group since (S2).";
    LOG_POSITION_AT: Timestamp = "log.recovered_at", None, "When that position was logged, on the machine's clock.";
    LOG_WAITING: bool = "log.waiting_for_primary", None, "Whether the running start waits for a Primary Component by the log.";
    LOG_EVICTED: bool = "log.evicted", None, "Whether the part of the log that was read shows the server found inconsistent, with no full transfer and sync after it (S7).";
    LOG_HALF_FILLED: bool = "log.half_filled", None, "Whether the part of the log that was read shows a full transfer begun on this joiner and not followed by its end and sync (S7).";
    LOG_LAST_END_AT: Timestamp = "log.last_end_at", None, "When the server's last run ended by the log, on the machine's clock.";
    LOG_PREPARED: bool = "log.prepared_transactions", None, "Whether the last start found prepared transactions that it could not resolve (case 15).";
    LOG_REACH: Timestamp = "log.reach", None, "Time of the oldest line of the log that was read: a bootstrap before it is not seen (S25).";
    LOG_TOOK_PART: Timestamp = "log.took_part_at", None, "When the node was last in a Primary Component by the log, on the machine's clock (S25).";
    LOG_TRANSFER: Plain = "log.last_transfer", None, "How the last start of the log got its data: IST, SST, or none where it took no transfer.";
    LOG_BOOTSTRAPS: Texts = "log.bootstraps", None, "Bootstraps in the part of the log that was read, since the last full transfer (S25): time, `group` with the position or `component` with the number of members and the view's id, when the node had taken part before, and to how many members it grew when.";
    LOG_MARKS: Texts = "log.marks", None, "The latest lines of the log that say where the server stood, oldest first.";
    LOG_KNOWN: Texts = "log.known", None, "Known lines in the part of the log that was read (ask::lines), the latest last: id, how often, time of the first, time of the last.";
    LOG_STARTS: u64 = "log.starts_last_hour", None, "Starts of the server in the last hour of the log that was read (case 23).";
    LOG_TRANSFERS: u64 = "log.transfers_last_hour", None, "State transfers begun on this joiner in the last hour of the log that was read, and since it was last in sync (case 23).";

    // wsrep status.
    WSREP_CLUSTER_STATUS: Plain = "wsrep.cluster_status", None, "wsrep_cluster_status: Primary, non-Primary or Disconnected.";
    WSREP_CLUSTER_SIZE: u64 = "wsrep.cluster_size", Nodes, "wsrep_cluster_size.";
    WSREP_CONF_ID: u64 = "wsrep.cluster_conf_id", None, "wsrep_cluster_conf_id; Unknown where it is 2^64-1. It is not monotonic.";
    WSREP_CLUSTER_UUID: ClusterUuid = "wsrep.cluster_state_uuid", None, "wsrep_cluster_state_uuid; Unknown where it is zero.";
    WSREP_LOCAL_UUID: ClusterUuid = "wsrep.local_state_uuid", None, "wsrep_local_state_uuid; Unknown where it is zero.";
    WSREP_LAST_COMMITTED: Seqno = "wsrep.last_committed", WriteSets, "wsrep_last_committed; Unknown where it is -1.";
    WSREP_LOCAL_STATE: u64 = "wsrep.local_state", None, "wsrep_local_state: 0 Initialized, 1 Joining, 2 Donor/Desynced, 3 Joined, 4 Synced.";
    WSREP_LOCAL_COMMENT: Plain = "wsrep.local_state_comment", None, "wsrep_local_state_comment.";
    WSREP_READY: bool = "wsrep.ready", None, "wsrep_ready.";
    WSREP_CONNECTED: bool = "wsrep.connected", None, "wsrep_connected.";
    WSREP_EVS_STATE: Plain = "wsrep.evs_state", None, "wsrep_evs_state: OPERATIONAL, or GATHER while the group is finding a new view.";
    WSREP_GCOMM_UUID: Plain = "wsrep.gcomm_uuid", None, "wsrep_gcomm_uuid: this member's own UUID in the group.";
    WSREP_MEMBERS: Texts = "wsrep.members", Nodes, "Members of the current view by this node: UUID and name, from mysql.wsrep_cluster_members.";
    WSREP_INCOMING: Texts = "wsrep.incoming_addresses", Nodes, "wsrep_incoming_addresses; an arbitrator's is empty.";
    WSREP_WEIGHT: u64 = "wsrep.cluster_weight", None, "wsrep_cluster_weight.";
    WSREP_DESYNC: u64 = "wsrep.desync_count", None, "wsrep_desync_count.";
    WSREP_RECV_QUEUE: u64 = "wsrep.local_recv_queue", WriteSets, "wsrep_local_recv_queue.";
    WSREP_FLOW_CONTROL: Plain = "wsrep.flow_control_paused", None, "wsrep_flow_control_paused: fraction of time paused since the last FLUSH STATUS.";
    WSREP_FLOW_ACTIVE: bool = "wsrep.flow_control_active", None, "wsrep_flow_control_active: whether replication is paused at this moment.";
    WSREP_FLOW_SENT: u64 = "wsrep.flow_control_sent", None, "wsrep_flow_control_sent: pauses this node asked for since the last FLUSH STATUS.";
    WSREP_SEND_QUEUE: u64 = "wsrep.local_send_queue", WriteSets, "wsrep_local_send_queue.";
    WSREP_SE_CHECKPOINT: Position = "wsrep.se_checkpoint", None, "wsrep_se_checkpoint: the engine's own position while the server runs; its tail of GTIDs is left out.";
    XA_PREPARED: u64 = "xa.prepared", None, "Prepared XA transactions of the running server, by XA RECOVER (case 15).";
    REPLICAS: Texts = "replication.replicas", None, "Asynchronous replicas that read this node's binary log: user and host.";
    WSREP_CACHED_DOWNTO: Seqno = "wsrep.local_cached_downto", WriteSets, "wsrep_local_cached_downto: the lowest seqno in gcache.";
    WSREP_PROVIDER_VERSION: Plain = "wsrep.provider_version", None, "wsrep_provider_version.";
    WSREP_PEERS_SILENT: Texts = "wsrep.peers_silent", None, "Established group connections over which nothing came for 2 s or more: address and silence.";
    WSREP_PEERS: Texts = "wsrep.peers_connected", Nodes, "Addresses of the peers with an established group connection: fewer than the view has members says that the view is about to change.";

    // Variables.
    VAR_WSREP_ON: bool = "var.wsrep_on", None, "wsrep_on.";
    VAR_CLUSTER_NAME: Plain = "var.wsrep_cluster_name", None, "wsrep_cluster_name.";
    VAR_CLUSTER_ADDRESS: Plain = "var.wsrep_cluster_address", None, "wsrep_cluster_address.";
    VAR_NODE_NAME: Plain = "var.wsrep_node_name", None, "wsrep_node_name.";
    VAR_NODE_ADDRESS: Plain = "var.wsrep_node_address", None, "wsrep_node_address.";
    VAR_SST_METHOD: Plain = "var.wsrep_sst_method", None, "wsrep_sst_method.";
    VAR_SST_DONOR: Plain = "var.wsrep_sst_donor", None, "wsrep_sst_donor.";
    VAR_REJECT: Plain = "var.wsrep_reject_queries", None, "wsrep_reject_queries.";
    VAR_DESYNC: bool = "var.wsrep_desync", None, "wsrep_desync.";
    VAR_PROVIDER_OPTIONS: Plain = "var.wsrep_provider_options", None, "wsrep_provider_options.";
    VAR_FLUSH: u64 = "var.innodb_flush_log_at_trx_commit", None, "innodb_flush_log_at_trx_commit: below 1 a crash can lose acknowledged commits.";
    VAR_SYNC_BINLOG: u64 = "var.sync_binlog", None, "sync_binlog.";
    VAR_READ_ONLY: Plain = "var.read_only", None, "read_only.";
    VAR_DATADIR: Plain = "var.datadir", None, "datadir as the running server says it.";

    // Arbitrators and load balancers: columns of their own.
    ARBITRATOR_PROCESS: Plain = "arbitrator.process", None, "The garbd process: pid and user; empty where none runs.";
    ARBITRATOR_GROUP: Plain = "arbitrator.group", None, "The group that garbd was started for (--group).";
    ARBITRATOR_ADDRESS: Plain = "arbitrator.address", None, "The addresses that garbd was started with (--address).";
    PROXY_KIND: Plain = "proxy.kind", None, "The load balancer that was found: haproxy or proxysql; empty where none runs.";
    PROXY_BACKENDS: Texts = "proxy.backends", None, "What the load balancer thinks of each server: name, address, state, last check (case 43).";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::ALL;

    #[test]
    fn names_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for key in ALL {
            assert!(seen.insert(key.name), "{} stands twice", key.name);
            assert!(
                key.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b))
            );
            assert!(key.about.ends_with('.'), "{}", key.name);
        }
    }
}
