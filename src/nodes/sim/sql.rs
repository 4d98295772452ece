//! What the client on a simulated node prints: rows of `SHOW STATUS` and `SHOW VARIABLES`, or its error.

use std::collections::BTreeMap;

use super::machine::{Machine, Phase, VERSION, ZERO};
use super::world::World;

/// Rows of a healthy node (tests/fixtures/sim/healthy-g1.txt); what is this node's own takes the place of what stands
/// there.
const STATUS: &str = include_str!("status.tsv");
const VARIABLES: &str = include_str!("variables.tsv");

/// A count that is none: Galera's -1 as an unsigned number.
const UNDEFINED: &str = "18446744073709551615";

/// The client's output: its blocks, its exit code, its errors.
pub(super) fn client(world: &World, index: usize) -> String {
    let Some(machine) = world.machines.get(index) else { return String::new() };
    if !machine.serves() {
        // A socket file stays where the process did not take it away itself.
        let number = if machine.server.is_none() && machine.unit.end == (0, 0) { 2 } else { 111 };
        return format!(
            "\n%client 1\nERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' ({number})"
        );
    }
    let (members, code, error) = match &world.group {
        Some(group) if machine.is(&Phase::Synced) => {
            let row = |member: &usize| {
                let name = world.machines.get(*member)?.name.as_str();
                Some(format!("{}\t{name}\n", world.member(*member)?))
            };
            (group.members.iter().filter_map(row).collect::<String>(), 0, "")
        }
        _ => (format!("{}\t{}\n", world.member(index).unwrap_or_default(), machine.name), 0, ""),
    };
    format!(
        "%status\n{}%variables\n{}%server\n{}%members\n{members}%connections\nsystem user\t\nsystem user\t\n%xa\n%done\n\n%client {code}\n{error}",
        rows(STATUS, &status(world, index, machine)),
        rows(VARIABLES, &variables(world, machine)),
        format_args!(
            "datadir\t/var/lib/mysql/\ninnodb_flush_log_at_trx_commit\t1\nport\t3306\nread_only\tOFF\nsocket\t/run/mysqld/mysqld.sock\nsync_binlog\t1\nversion\t{VERSION}\n"
        )
    )
}

type Own = BTreeMap<&'static str, String>;

fn rows(template: &str, own: &Own) -> String {
    let row = |line: &str| {
        let (name, usual) = line.split_once('\t').unwrap_or((line, ""));
        format!("{name}\t{}\n", own.get(name).map_or(usual, String::as_str))
    };
    template.lines().map(row).collect()
}

fn status(world: &World, index: usize, machine: &Machine) -> Own {
    let engine = &machine.dir.engine;
    let server = machine.server.as_ref();
    let mut own: Own = BTreeMap::from([
        ("wsrep_local_state_uuid", engine.uuid.clone()),
        ("wsrep_last_committed", engine.seqno.to_string()),
        ("wsrep_local_cached_downto", machine.dir.cached_from.to_string()),
        ("wsrep_gcomm_uuid", server.map_or_else(|| ZERO.to_owned(), |server| server.member.clone())),
        ("wsrep_checkpoint_position", machine.position()),
        ("wsrep_se_checkpoint", format!("{} 0-1-{}", machine.position(), engine.seqno)),
        ("wsrep_cluster_state_uuid", engine.uuid.clone()),
    ]);
    let Some(group) = world.group.as_ref().filter(|_| machine.is(&Phase::Synced)) else {
        // tests/fixtures/galera/04-partition/nonprim/g1.txt
        own.extend([
            ("wsrep_cluster_status", "non-Primary".to_owned()),
            ("wsrep_cluster_conf_id", UNDEFINED.to_owned()),
            ("wsrep_cluster_size", "1".to_owned()),
            ("wsrep_cluster_weight", "0".to_owned()),
            ("wsrep_local_state", "0".to_owned()),
            ("wsrep_local_state_comment", "Initialized".to_owned()),
            ("wsrep_ready", "OFF".to_owned()),
            ("wsrep_incoming_addresses", format!("{}:0", machine.address)),
        ]);
        return own;
    };
    let addresses: Vec<String> = group
        .members
        .iter()
        .filter_map(|member| world.machines.get(*member))
        .map(|member| format!("{}:0", member.address))
        .collect();
    let place = group.members.iter().position(|member| *member == index).unwrap_or_default();
    let gives = server.is_some_and(|server| server.gives);
    let (state, comment) = if gives { ("2", "Donor/Desynced") } else { ("4", "Synced") };
    let size = group.members.len().to_string();
    own.extend([
        ("wsrep_cluster_status", "Primary".to_owned()),
        ("wsrep_cluster_conf_id", group.conf.to_string()),
        ("wsrep_cluster_size", size.clone()),
        ("wsrep_cluster_weight", size),
        ("wsrep_local_state", state.to_owned()),
        ("wsrep_local_state_comment", comment.to_owned()),
        ("wsrep_desync_count", u8::from(gives).to_string()),
        ("wsrep_evs_state", if world.seeks() { "GATHER" } else { "OPERATIONAL" }.to_owned()),
        ("wsrep_local_index", place.to_string()),
        ("wsrep_incoming_addresses", addresses.join(",")),
        ("wsrep_local_recv_queue", if machine.slow { "7" } else { "0" }.to_owned()),
    ]);
    own
}

fn variables(world: &World, machine: &Machine) -> Own {
    let usual =
        VARIABLES.lines().find_map(|line| line.strip_prefix("wsrep_provider_options\t")).unwrap_or_default();
    // The addresses in it are the node's own.
    let options: Vec<String> = usual
        .split("; ")
        .map(|option| match option.split_once(" = ") {
            Some((name @ ("base_host" | "ist.recv_addr"), _)) => format!("{name} = {}", machine.address),
            _ => option.to_owned(),
        })
        .collect();
    let from = machine.server.as_ref().map(|server| server.from.clone());
    BTreeMap::from([
        ("wsrep_cluster_address", world.cluster_address()),
        ("wsrep_cluster_name", world.topology.cluster.to_string()),
        ("wsrep_node_address", machine.address.clone()),
        ("wsrep_node_name", machine.name.to_string()),
        ("wsrep_provider_options", options.join("; ")),
        ("wsrep_start_position", from.unwrap_or_default()),
    ])
}
