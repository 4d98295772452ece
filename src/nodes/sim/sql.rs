//! What the client on a simulated node prints: rows of `SHOW STATUS` and `SHOW VARIABLES`, or its error.

use std::collections::BTreeMap;

use super::machine::{Machine, Phase, VERSION, ZERO};
use super::world::World;
use crate::facts::Role;

/// Rows of a healthy node (tests/fixtures/sim/healthy-g1.txt); what is this node's own takes the place of what stands
/// there.
const STATUS: &str = include_str!("status.tsv");
const VARIABLES: &str = include_str!("variables.tsv");

/// A count that is none: Galera's -1 as an unsigned number.
const UNDEFINED: &str = "18446744073709551615";

/// The client's output: its blocks, its exit code, its errors.
pub(super) fn client(world: &World, index: usize) -> String {
    let Some(machine) = world.machines.get(index) else { return String::new() };
    if let Some(words) = refusal(machine) {
        return format!("\n%client 1\n{words}");
    }
    let view = machine.server.as_ref().and_then(|server| server.view.as_ref());
    let (members, error) = match view.filter(|view| view.primary) {
        Some(view) => {
            let row = |member: &usize| {
                let machine = world.machines.get(*member)?;
                let name = if machine.role == Role::Arbitrator { "garb" } else { machine.name.as_str() };
                Some(format!("{}\t{name}\n", world.member(*member)?))
            };
            (view.members.iter().filter_map(row).collect::<String>(), "")
        }
        // The last question is refused (tests/fixtures/sim/fault-partition/at-16-g1.txt).
        _ => (
            format!("{}\t{}\n", world.member(index).unwrap_or_default(), machine.name),
            "ERROR 1047 (08S01) at line 13: WSREP has not yet prepared node for application use\n",
        ),
    };
    let mut shown = rows(STATUS, &status(world, index, machine));
    if machine.is_disconnected() {
        shown = shown
            .lines()
            .filter(|row| !without_a_group(row))
            .fold(String::new(), |all, row| all + row + "\n");
    }
    format!(
        "%status\n{}%variables\n{}%server\n{}%members\n{members}%connections\nsystem user\t\nsystem user\t\n%xa\n%done\n\n%client 0\n{error}",
        shown,
        rows(VARIABLES, &variables(world, machine)),
        format_args!(
            "datadir\t/var/lib/mysql/\ninnodb_flush_log_at_trx_commit\t{}\nport\t3306\nread_only\tOFF\nsocket\t/run/mysqld/mysqld.sock\nsync_binlog\t1\nversion\t{VERSION}\n",
            world.topology.flush
        )
    )
}

/// What the client says where it does not get in; `None` where it does.
pub(super) fn refusal(machine: &Machine) -> Option<String> {
    if !machine.serves() {
        // A socket file stays where the process did not take it away itself.
        let number = if machine.server.is_none() && machine.unit.end == (0, 0) { 2 } else { 111 };
        return Some(format!(
            "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' ({number})"
        ));
    }
    // The kernel takes the connection, and no greeting comes (tests/fixtures/galera/13-hangs/sigstop-mariadbd.txt).
    (!machine.answers()).then(|| {
        "ERROR 2013 (HY000): Lost connection to server at 'handshake: reading initial communication packet', system error: 110".to_owned()
    })
}

type Own = BTreeMap<&'static str, String>;

fn rows(template: &str, own: &Own) -> String {
    let row = |line: &str| {
        let (name, usual) = line.split_once('\t').unwrap_or((line, ""));
        format!("{name}\t{}\n", own.get(name).map_or(usual, String::as_str))
    };
    template.lines().map(row).collect()
}

/// Rows of the group's own, which a server without a connection to it does not have
/// (tests/fixtures/sim/vote/after-g2.txt, tests/fixtures/galera/04-partition/split-brain-healed/g2.txt).
fn without_a_group(row: &str) -> bool {
    let own = ["wsrep_cluster_weight", "wsrep_desync_count", "wsrep_gcomm_uuid", "wsrep_gmcast_segment"];
    own.iter().any(|name| row.starts_with(name)) || row.starts_with("wsrep_evs_")
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
    let view = server.and_then(|server| server.view.as_ref());
    let Some(view) = view.filter(|view| view.primary) else {
        // tests/fixtures/galera/04-partition/nonprim/g1.txt
        own.extend([
            ("wsrep_cluster_status", "non-Primary".to_owned()),
            ("wsrep_cluster_conf_id", UNDEFINED.to_owned()),
            ("wsrep_cluster_size", view.map_or(0, |view| view.members.len()).to_string()),
            ("wsrep_cluster_weight", "0".to_owned()),
            ("wsrep_local_state", "0".to_owned()),
            ("wsrep_local_state_comment", "Initialized".to_owned()),
            ("wsrep_ready", "OFF".to_owned()),
            ("wsrep_incoming_addresses", format!("{}:0", machine.address)),
        ]);
        if machine.is_disconnected() {
            // tests/fixtures/galera/04-partition/split-brain-healed/g2.txt
            own.extend([
                ("wsrep_cluster_status", "Disconnected".to_owned()),
                ("wsrep_connected", "OFF".to_owned()),
                ("wsrep_local_index", UNDEFINED.to_owned()),
                ("wsrep_cluster_state_uuid", ZERO.to_owned()),
            ]);
        }
        if matches!(machine.phase(), Some(Phase::Left | Phase::Inconsistent)) {
            // tests/fixtures/galera/06-diskfull/full/g2.txt
            own.extend([
                ("wsrep_cluster_state_uuid", engine.uuid.clone()),
                ("wsrep_incoming_addresses", String::new()),
            ]);
        }
        if machine.is(&Phase::Inconsistent) {
            // tests/fixtures/galera/05-ahead/divergence-detected-inconsistent/g2.txt
            own.extend([
                ("wsrep_local_state", "5".to_owned()),
                ("wsrep_local_state_comment", "Inconsistent".to_owned()),
                ("wsrep_local_state_uuid", ZERO.to_owned()),
                ("wsrep_last_committed", "-1".to_owned()),
                ("wsrep_checkpoint_position", format!("{ZERO}:-1")),
            ]);
        }
        return own;
    };
    let addresses: Vec<String> = view
        .members
        .iter()
        .filter_map(|member| world.machines.get(*member))
        // An arbitrator has none (tests/fixtures/lab/garbd/g1-status.tsv).
        .map(|member| if member.role == Role::Data { format!("{}:0", member.address) } else { String::new() })
        .collect();
    let place = view.members.iter().position(|member| *member == index).unwrap_or_default();
    let gives = server.is_some_and(|server| server.gives);
    let (state, comment) = match machine.phase() {
        Some(Phase::Joining) => ("1", "Joining: receiving State Transfer"),
        _ if gives => ("2", "Donor/Desynced"),
        _ => ("4", "Synced"),
    };
    let size = view.members.len().to_string();
    // The group's own, whether the server has seen its view or not (tests/fixtures/sim/stop-in-sst/after-g1.txt).
    let counted = world.group_of(index).map_or(&view.members, |group| &group.members);
    let weight: u64 = counted.iter().map(|member| world.weight(*member)).sum();
    own.extend([
        ("wsrep_cluster_status", "Primary".to_owned()),
        ("wsrep_cluster_conf_id", view.conf.to_string()),
        ("wsrep_cluster_size", size.clone()),
        ("wsrep_cluster_weight", weight.to_string()),
        ("wsrep_local_state", state.to_owned()),
        ("wsrep_local_state_comment", comment.to_owned()),
        ("wsrep_desync_count", u8::from(gives).to_string()),
        ("wsrep_ready", if state == "1" { "OFF" } else { "ON" }.to_owned()),
        ("wsrep_evs_state", if world.seeks(index) { "GATHER" } else { "OPERATIONAL" }.to_owned()),
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
