//! The facts of simulated nodes beside those of real ones, key by key: what may differ, and how the rest is compared.

use std::collections::BTreeMap;

use breakglass::ask::probe::{self, Answer, Request};
use breakglass::facts::{ClusterUuid, Fact, Known, Plain, Value, WhyKind};
use breakglass::inventory::{Server, Sql};
use jiff::Timestamp;

/// What may differ, and why. Everything else has to be the same: known or unknown, why it is unknown, and the value.
pub(crate) const DIFFERS: &[(&str, &str)] = &[
    ("host.machine_id", "whose it is"),
    ("host.boot_id", "whose it is"),
    ("host.clock", "when it was"),
    ("host.clock_skew", "when it was: a capture is read long after it was made"),
    ("host.uptime", "when it was"),
    ("host.lab", "a lab's machine says which lab; a drill's is none"),
    ("host.drill", "the simulator's own word, which no probe can say"),
    ("host.key", "the transport's word, which no probe can say"),
    ("unit.main_pid", "a number"),
    ("unit.exec_main_start", "when it was"),
    ("unit.exec_main_exit", "when it was"),
    ("unit.file_state", "a lab starts no server at boot, a cluster that serves does"),
    ("server.pids", "numbers"),
    ("listen.owners", "numbers"),
    ("transfer.processes", "numbers"),
    ("datadir.source", "it names the process"),
    ("datadir.identity", "whose it is"),
    ("datadir.used", "a number"),
    ("disk.datadir.free", "a number"),
    ("disk.datadir.size", "a number"),
    ("disk.datadir.inodes_free", "a number"),
    ("engine.stamp", "when it was"),
    ("grastate.raw", "it holds the history's UUID and the seqno; its parts are compared"),
    ("grastate.mtime", "when it was"),
    ("grastate.uuid", "whose it is"),
    ("grastate.seqno", "a number"),
    ("gvwstate.raw", "it holds members' UUIDs; its parts are compared"),
    ("gvwstate.mtime", "when it was"),
    ("gvwstate.my_uuid", "whose it is"),
    ("gvwstate.view_id", "it holds a member's UUID"),
    ("gvwstate.view_seq", "whether members find each other at once or one by one is chance"),
    ("gvwstate.members", "whose they are"),
    ("log.tail", "the simulator logs what decides, not every line"),
    ("log.marks", "the same"),
    ("log.known", "the same"),
    ("log.starts_last_hour", "a lab's first start is within the hour, a drill's cluster has run for days"),
    ("log.transfers_last_hour", "the same"),
    ("log.reach", "when it was"),
    ("log.last_end_at", "when it was"),
    ("log.took_part_at", "when it was"),
    ("log.recovered_at", "when it was"),
    ("log.recovered_position", "whose it is"),
    ("wsrep.cluster_state_uuid", "whose it is"),
    ("wsrep.local_state_uuid", "whose it is"),
    ("wsrep.gcomm_uuid", "whose it is"),
    ("wsrep.last_committed", "a number"),
    ("wsrep.members", "whose they are"),
    ("wsrep.local_cached_downto", "a number"),
    ("wsrep.se_checkpoint", "whose it is"),
    ("gcache.uuid", "whose it is"),
    ("gcache.seqno_min", "a number"),
    ("gcache.seqno_max", "a number"),
    ("var.wsrep_cluster_address", "whose it is"),
    ("var.wsrep_cluster_name", "whose it is"),
    ("var.wsrep_node_address", "whose it is"),
    ("var.wsrep_provider_options", "it holds the node's address"),
    (
        "var.innodb_flush_log_at_trx_commit",
        "a lab sets neither in its option files, a drill's nodes set both",
    ),
    ("var.sync_binlog", "the same"),
    ("recover.position", "a run's own word"),
];

/// Where even known and unknown may differ.
pub(crate) const KIND_DIFFERS: &[&str] =
    &["host.drill", "host.key", "recover.position", "var.innodb_flush_log_at_trx_commit", "var.sync_binlog"];

/// Facts by name, each as its value or the kind of its ignorance.
pub(crate) type Told = BTreeMap<String, Result<Value, WhyKind>>;

/// The folder of the captures.
pub(crate) fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sim")
}

/// What a real node answered, as it is read at that time.
pub(crate) fn captured(name: &str, at: Timestamp) -> Answer {
    let bytes = std::fs::read(folder().join(format!("{name}.txt"))).unwrap();
    probe::read(&Request::new(&Server::default(), &Sql::Probe), &bytes, at).unwrap()
}

pub(crate) fn told<'a>(facts: impl Iterator<Item = (&'static str, &'a Fact)>) -> Told {
    facts
        .map(|(name, fact)| {
            let value = match &fact.value {
                Known::Known(Value::Texts(lines)) => Ok(Value::Texts(comparable(name, lines))),
                Known::Known(value) => Ok(value.clone()),
                Known::Unknown(why) => Err(why.kind),
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// A list without whose it is: addresses by the machine's number in its network, processes by name, bootstraps without when.
fn comparable(name: &str, lines: &[Plain]) -> Vec<Plain> {
    let number = |line: &str| line.rsplit_once('.').map_or(line, |(_, end)| end).to_owned();
    let process = |line: &str| line.split_once(' ').map_or(line, |(_, name)| name).to_owned();
    let mut lines: Vec<String> = match name {
        "log.bootstraps" => lines.iter().map(|line| timeless(line.as_str())).collect(),
        "wsrep.incoming_addresses" | "wsrep.peers_connected" | "wsrep.peers_silent" => {
            lines.iter().map(|line| number(line.as_str())).collect()
        }
        "transfer.processes" => lines.iter().map(|line| process(line.as_str())).collect(),
        _ => return lines.to_vec(),
    };
    lines.sort();
    lines.into_iter().map(Plain::new).collect()
}

/// A bootstrap as its log tells it, without when and whose it was.
fn timeless(line: &str) -> String {
    let word = |word: &str| match word.split_once(':') {
        _ if word.parse::<Timestamp>().is_ok() => "TIME".to_owned(),
        _ if word.contains('@') => format!("{}@TIME", word.split('@').next().unwrap_or_default()),
        Some((uuid, _)) if uuid.parse::<ClusterUuid>().is_ok() => "UUID:SEQNO".to_owned(),
        // How many members it had, since when.
        Some((head, _)) if head.contains('@') => {
            format!("{}@TIME", head.split('@').next().unwrap_or_default())
        }
        _ => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Every key in which the two differ and may not, each with both.
pub(crate) fn differences(simulated: &Told, real: &Told) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    for (key, real) in real {
        let ours = simulated.get(key);
        let same = ours == Some(real);
        let same_kind = match (ours, real) {
            (Some(Ok(_)), Ok(_)) => true,
            (Some(Err(ours)), Err(real)) => ours == real,
            _ => false,
        };
        let may_differ = DIFFERS.iter().any(|(name, _)| name == key);
        if !(same || may_differ && (same_kind || KIND_DIFFERS.contains(&key.as_str()))) {
            wrong.push((key.clone(), format!("simulated {ours:?}, real {real:?}")));
        }
    }
    wrong
}
