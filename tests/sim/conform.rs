//! How near the simulated nodes are to real ones: their facts beside those of probes that ran on a lab's machines
//! (tests/fixtures/sim), key by key.

use std::collections::BTreeMap;
use std::time::Duration;

use breakglass::ask::probe::{self, Request};
use breakglass::engine::Nodes as _;
use breakglass::facts::{ClusterUuid, Known, Plain, Value, WhyKind};
use breakglass::inventory::{Server, Sql};
use breakglass::nodes::sim::{Fault, Sim, Topology};

use crate::walk::{name, topology};

/// What may differ, and why. Everything else has to be the same: known or unknown, why it is unknown, and the value.
const DIFFERS: &[(&str, &str)] = &[
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
    ("wsrep.incoming_addresses", "whose they are"),
    ("wsrep.peers_connected", "whose they are"),
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
const KIND_DIFFERS: &[&str] =
    &["host.drill", "host.key", "recover.position", "var.innodb_flush_log_at_trx_commit", "var.sync_binlog"];

/// Facts by name, each as its value or the kind of its ignorance.
type Told = BTreeMap<String, Result<Value, WhyKind>>;

fn captured(name: &str) -> Told {
    let path = format!("{}/tests/fixtures/sim/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let nothing = Server::default();
    let at = "2026-11-21T17:20:00Z".parse().unwrap();
    let answer = probe::read(&Request::new(&nothing, &Sql::Probe), &bytes, at).unwrap();
    told(answer.facts.iter())
}

fn told<'a>(facts: impl Iterator<Item = (&'static str, &'a breakglass::facts::Fact)>) -> Told {
    facts
        .map(|(name, fact)| {
            let value = match &fact.value {
                Known::Known(Value::Texts(lines)) if name == "log.bootstraps" => {
                    Ok(Value::Texts(lines.iter().map(|line| Plain::new(timeless(line.as_str()))).collect()))
                }
                Known::Known(value) => Ok(value.clone()),
                Known::Unknown(why) => Err(why.kind),
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// A bootstrap as its log tells it, without when and whose it was.
fn timeless(line: &str) -> String {
    let word = |word: &str| match word.split_once(':') {
        _ if word.parse::<jiff::Timestamp>().is_ok() => "TIME".to_owned(),
        Some((uuid, _)) if uuid.parse::<ClusterUuid>().is_ok() => "UUID:SEQNO".to_owned(),
        _ => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

async fn compare(sim: &Sim, node: &str, capture: &str) {
    let survey = sim.survey(&name(node)).await;
    let (ours, theirs) = (told(survey.facts.iter()), captured(capture));
    let mut wrong = Vec::new();
    for (key, real) in &theirs {
        let ours = ours.get(key);
        let same = ours == Some(real);
        let same_kind = match (ours, real) {
            (Some(Ok(_)), Ok(_)) => true,
            (Some(Err(ours)), Err(real)) => ours == real,
            _ => false,
        };
        let may_differ = DIFFERS.iter().any(|(name, _)| name == key);
        if !(same || may_differ && (same_kind || KIND_DIFFERS.contains(&key.as_str()))) {
            wrong.push(format!("{key}: simulated {ours:?}, real {real:?}"));
        }
    }
    assert!(wrong.is_empty(), "{node} beside {capture}:\n{}", wrong.join("\n"));
}

fn calm() -> Sim {
    Sim::new(Topology { load: 0, ..topology() }, 1)
}

fn kill_all(sim: &Sim) {
    for node in sim.names() {
        sim.fault(&Fault::Kill(node)).unwrap();
    }
    sim.pass(Duration::from_secs(1));
}

/// All crashed, restarted by nobody.
fn crash_all(sim: &Sim) {
    for node in sim.names() {
        sim.fault(&Fault::Crash(node)).unwrap();
    }
    for node in sim.names() {
        sim.fault(&Fault::Stop(node)).unwrap();
    }
    sim.pass(Duration::from_secs(1));
}

/// The captures are of one lab, one after the other: it was killed and formed again before it was stopped.
fn formed_again() -> Sim {
    let sim = calm();
    crash_all(&sim);
    for node in sim.names() {
        sim.start(&node).unwrap();
    }
    sim.pass(Duration::from_secs(15));
    sim
}

fn stop_one_by_one(sim: &Sim) {
    for node in ["g3", "g2", "g1"] {
        sim.fault(&Fault::Stop(name(node))).unwrap();
        sim.pass(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn healthy() {
    for node in ["g1", "g2", "g3"] {
        compare(&calm(), node, &format!("healthy-{node}")).await;
    }
}

#[tokio::test]
async fn all_killed() {
    let sim = calm();
    kill_all(&sim);
    for node in ["g1", "g2", "g3"] {
        compare(&sim, node, &format!("killed-{node}")).await;
    }
}

#[tokio::test]
async fn stopped() {
    let sim = formed_again();
    stop_one_by_one(&sim);
    for node in ["g1", "g2", "g3"] {
        compare(&sim, node, &format!("stopped-{node}")).await;
    }
}

#[tokio::test]
async fn refused_founded_and_joined() {
    let sim = formed_again();
    stop_one_by_one(&sim);
    sim.bootstrap(&name("g3")).unwrap();
    sim.pass(Duration::from_secs(2));
    compare(&sim, "g3", "refused-g3").await;
    sim.bootstrap(&name("g1")).unwrap();
    sim.pass(Duration::from_secs(2));
    compare(&sim, "g1", "bootstrapped-g1").await;
    sim.start(&name("g2")).unwrap();
    sim.pass(Duration::from_secs(8));
    compare(&sim, "g2", "rejoin2-g2").await;
}

#[tokio::test]
async fn formed_again_by_itself() {
    compare(&formed_again(), "g1", "reformed-g1").await;
}

#[tokio::test]
async fn waiting() {
    let sim = formed_again();
    stop_one_by_one(&sim);
    sim.bootstrap(&name("g1")).unwrap();
    sim.pass(Duration::from_secs(2));
    for node in ["g2", "g3"] {
        sim.start(&name(node)).unwrap();
        sim.pass(Duration::from_secs(8));
    }
    crash_all(&sim);
    sim.start(&name("g1")).unwrap();
    sim.pass(Duration::from_secs(4));
    compare(&sim, "g1", "waiting-g1").await;
}

#[test]
fn every_difference_is_of_a_fact_that_there_is() {
    let known: Vec<&str> = breakglass::facts::keys::ALL.iter().map(|key| key.name).collect();
    for (key, why) in DIFFERS {
        assert!(known.contains(key), "{key}");
        assert!(!why.is_empty());
    }
    assert!(KIND_DIFFERS.iter().all(|key| DIFFERS.iter().any(|(name, _)| name == key)));
    // The list is no hole for what decides.
    for key in
        ["wsrep.cluster_status", "wsrep.local_state", "unit.active_state", "server.state", "log.last_end"]
    {
        assert!(DIFFERS.iter().all(|(name, _)| *name != key), "{key}");
    }
}
