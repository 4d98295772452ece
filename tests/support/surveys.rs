//! Surveys of three-node clusters as a probe would have found them, for tests of the judge.

use breakglass::facts::{
    ClusterName, ClusterUuid, Facts, Family, Key, Known, Mode, NodeName, NodeSurvey, Plain, Position, Reach,
    ReachWord, Role, Seqno, Survey, ValueType, WhyKind, keys,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";
pub(crate) const OTHER_UUID: &str = "ed7c1c20-e56d-11f1-98c2-3bdded13c08b";

pub(crate) fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

/// So many minutes before the survey.
pub(crate) fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub(crate) fn uuid(text: &str) -> ClusterUuid {
    text.parse().unwrap()
}

pub(crate) fn seqno(n: i64) -> Seqno {
    Seqno::new(n).unwrap()
}

pub(crate) fn plain(text: &str) -> Plain {
    Plain::new(text)
}

/// A node under construction.
#[derive(Debug)]
pub(crate) struct Node(pub(crate) NodeSurvey);

impl Node {
    /// A machine that answers, with nothing known yet.
    pub(crate) fn new(name: &str) -> Self {
        Self(NodeSurvey {
            name: NodeName::new(name).unwrap(),
            role: Role::Data,
            ssh: Reach::ok(),
            sql: Reach::ok(),
            facts: Facts::new(),
            at: now(),
        })
        .set(keys::HOST_MANAGER, plain("systemd"))
        .set(keys::HOST_MACHINE_ID, plain(&format!("machine-of-{name}")))
        .set(keys::HOST_CLOCK_SKEW, 0)
        .set(keys::DATADIR_PATH, plain("/var/lib/mysql"))
        .set(keys::DATADIR_IDENTITY, plain("1793:2"))
        .set(keys::GVWSTATE_FILE, plain("missing"))
        .set(keys::UNIT_NAME, plain("mariadb.service"))
        .set(keys::UNIT_LOAD, plain("loaded"))
        .set(keys::SERVER_BINARY, plain("/usr/sbin/mariadbd"))
        .set(keys::TRANSFER_MARKERS, vec![])
        .set(keys::TRANSFER_PROCESSES, vec![])
        .set(keys::LEFTOVERS, vec![])
        .set(keys::LISTEN_GROUP, false)
        .set(keys::LISTEN_SQL, false)
        .set(keys::DATADIR_SYSTEM_SCHEMA, true)
        .set(keys::LOG_EVICTED, false)
        .set(keys::LOG_HALF_FILLED, false)
        .set(keys::LOG_PREPARED, false)
        .set(keys::LOG_WAITING, false)
        .set(keys::LOG_BOOTSTRAPS, vec![])
        .set(keys::LOG_REACH, now() - SignedDuration::from_hours(24 * 30))
    }

    pub(crate) fn set<T: ValueType>(mut self, key: Key<T>, value: T) -> Self {
        self.0.facts.set(key, Known::Known(value), &plain("test"), now());
        self
    }

    pub(crate) fn unknown<T: ValueType>(mut self, key: Key<T>, kind: WhyKind, why: &str) -> Self {
        self.0.facts.set(key, Known::unknown(kind, why), &plain("test"), now());
        self
    }

    /// The state file; a seqno below zero is the file's -1.
    pub(crate) fn state_file(self, id: &str, at: i64) -> Self {
        let node = self.set(keys::GRASTATE_FILE, plain("valid")).set(keys::GRASTATE_SAFE, false);
        let node = match ClusterUuid::parse(id).unwrap() {
            Some(id) => node.set(keys::GRASTATE_UUID, id),
            None => node.unknown(keys::GRASTATE_UUID, WhyKind::Undefined, "zero"),
        };
        match Seqno::new(at) {
            Some(at) => node.set(keys::GRASTATE_SEQNO, at),
            None => node.unknown(keys::GRASTATE_SEQNO, WhyKind::Undefined, "-1"),
        }
    }

    /// The saved view: `members` of a view with this sequence number.
    pub(crate) fn view(self, seq: u64, members: &[&str]) -> Self {
        let members: Vec<Plain> = members.iter().map(|name| plain(&member(name))).collect();
        self.set(keys::GVWSTATE_FILE, plain("valid"))
            .set(keys::GVWSTATE_VIEW, plain(&format!("3 {} {seq}", member("g1"))))
            .set(keys::GVWSTATE_VIEW_SEQ, seq)
            .set(keys::GVWSTATE_MEMBERS, members)
    }

    /// Cleanly stopped at a position; gvwstate.dat is gone.
    pub(crate) fn stopped(self, at: i64) -> Self {
        self.no_process("inactive", "dead", "exited", 0)
            .state_file(UUID, at)
            .set(keys::GRASTATE_MTIME, ago(10))
            .set(keys::UNIT_EXITED, ago(10))
            .set(keys::GVWSTATE_FILE, plain("missing"))
            .took_part(10)
    }

    /// Killed; its state file says -1.
    pub(crate) fn crashed(self, members: &[&str]) -> Self {
        self.no_process("failed", "failed", "killed", 9).state_file(UUID, -1).view(3, members).took_part(10)
    }

    /// When it was last in a Primary Component: so many minutes ago.
    pub(crate) fn took_part(self, minutes: i64) -> Self {
        self.set(keys::LOG_TOOK_PART, ago(minutes))
    }

    /// A bootstrap of the one history in its log, so many minutes ago, having taken part so many minutes ago before.
    pub(crate) fn bootstrapped(self, minutes: i64, seqno: i64, before: i64) -> Self {
        let line = format!("{:.0} group {UUID}:{seqno} after {:.0}", ago(minutes), ago(before));
        self.set(keys::LOG_BOOTSTRAPS, vec![plain(&line)])
    }

    /// What was recovered from its engine, its files unchanged since.
    pub(crate) fn recovered(self, at: i64) -> Self {
        self.set(keys::RECOVERED, Position { uuid: uuid(UUID), seqno: seqno(at) })
    }

    /// Its automation is frozen, and its start has all the time it needs.
    pub(crate) fn frozen(self) -> Self {
        self.set(keys::UNIT_FROZEN, plain("01JQ8ZW6V3N5D7F9H2K4M6P8R0"))
            .set(keys::UNIT_START_TIMEOUT, plain("infinity"))
    }

    /// Room, ports and options as a transfer needs them.
    pub(crate) fn roomy(self) -> Self {
        self.set(keys::LISTEN_SST, false)
            .set(keys::LISTEN_IST, false)
            .set(keys::DISK_READ_ONLY, false)
            .set(keys::DISK_FREE, 4 << 30)
            .set(keys::DATADIR_USED, 1 << 30)
            .set(keys::VAR_PROVIDER_OPTIONS, plain("base_port = 4567; gcache.page_size = 128M"))
    }

    pub(crate) fn no_process(self, active: &str, sub: &str, code: &str, status: u64) -> Self {
        self.set(keys::SERVER_STATE, plain(""))
            .set(keys::UNIT_ACTIVE, plain(active))
            .set(keys::UNIT_SUB, plain(sub))
            .set(keys::UNIT_EXIT_CODE, plain(code))
            .set(keys::UNIT_EXIT_STATUS, status)
    }

    /// A position that the unit's own start logged, nothing having happened since.
    pub(crate) fn logged(self, at: i64) -> Self {
        self.set(keys::LOG_POSITION, Position { uuid: uuid(UUID), seqno: seqno(at) })
            .set(keys::LOG_POSITION_AT, now())
    }

    /// A server process that runs under a unit in this state.
    pub(crate) fn process(self, active: &str, sub: &str) -> Self {
        self.set(keys::SERVER_STATE, plain("S"))
            .set(keys::UNIT_ACTIVE, plain(active))
            .set(keys::UNIT_SUB, plain(sub))
            .set(keys::LISTEN_GROUP, true)
            .state_file(UUID, -1)
    }

    /// A member of a Primary Component in sync: `members` and the view's number.
    pub(crate) fn synced(self, conf_id: u64, members: &[&str], at: i64) -> Self {
        self.live("Primary", conf_id, members, at)
            .set(keys::WSREP_LOCAL_STATE, 4)
            .set(keys::WSREP_LOCAL_COMMENT, plain("Synced"))
            .set(keys::WSREP_READY, true)
    }

    /// A server that runs outside any Primary Component; its saved view is the last Primary's.
    pub(crate) fn non_primary(self, last: &[&str], at: i64) -> Self {
        self.live("non-Primary", 0, last, at)
            .unknown(keys::WSREP_CONF_ID, WhyKind::Undefined, "18446744073709551615")
            .set(keys::WSREP_LOCAL_STATE, 0)
            .set(keys::WSREP_LOCAL_COMMENT, plain("Initialized"))
            .set(keys::WSREP_READY, false)
    }

    fn live(self, status: &str, conf_id: u64, members: &[&str], at: i64) -> Self {
        let name = self.0.name.to_string();
        let rows: Vec<Plain> =
            members.iter().map(|name| plain(&format!("{} {name}", member(name)))).collect();
        self.process("active", "running")
            .view(3, members)
            .set(keys::LISTEN_SQL, true)
            .set(keys::WSREP_CLUSTER_STATUS, plain(status))
            .set(keys::WSREP_CLUSTER_SIZE, members.len() as u64)
            .set(keys::WSREP_CONF_ID, conf_id)
            .set(keys::WSREP_CLUSTER_UUID, uuid(UUID))
            .set(keys::WSREP_LOCAL_UUID, uuid(UUID))
            .set(keys::WSREP_LAST_COMMITTED, seqno(at))
            .set(keys::WSREP_CONNECTED, true)
            .set(keys::WSREP_EVS_STATE, plain("OPERATIONAL"))
            .set(keys::WSREP_GCOMM_UUID, plain(&member(&name)))
            .set(keys::WSREP_MEMBERS, rows)
            .set(keys::WSREP_PEERS_SILENT, vec![])
            .set(
                keys::WSREP_PEERS,
                members.iter().filter(|m| **m != name).map(|m| plain(&address(m))).collect(),
            )
            .set(keys::VAR_NODE_ADDRESS, plain(&address(&name)))
    }

    /// A machine that did not answer.
    pub(crate) fn unreachable(mut self) -> Self {
        self.0.ssh = Reach::failed(ReachWord::Timeout, "no SSH banner in 5 s", "look at its console");
        self.0.sql = Reach::failed(ReachWord::NotTried, "", "");
        self.0.facts = Facts::new();
        self
    }

    pub(crate) fn role(mut self, role: Role) -> Self {
        self.0.role = role;
        self
    }
}

/// A member's UUID in the group.
pub(crate) fn member(name: &str) -> String {
    format!("0000000{}-e56d-11f1-af3f-2a57ada6977c", name.trim_start_matches(|c: char| !c.is_ascii_digit()))
}

pub(crate) fn address(name: &str) -> String {
    format!("10.0.0.1{}", name.trim_start_matches(|c: char| !c.is_ascii_digit()))
}

pub(crate) fn survey(nodes: Vec<Node>) -> Survey {
    Survey {
        cluster: ClusterName::new("shop").unwrap(),
        family: Family::Galera,
        mode: Mode::Live,
        taken: now(),
        nodes: nodes.into_iter().map(|node| node.0).collect(),
    }
}
