//! How near the simulated nodes are to real ones: their facts beside those of probes that ran on a lab's machines
//! (tests/fixtures/sim), key by key.

use std::time::Duration;

use breakglass::engine::Nodes as _;
use breakglass::nodes::sim::{Fault, Sim, Topology};

use crate::beside::{DIFFERS, KIND_DIFFERS, captured, differences, told};
use crate::walk::{name, topology};

async fn compare(sim: &Sim, node: &str, capture: &str) {
    let survey = sim.survey(&name(node)).await;
    let real = captured(capture, "2026-11-21T17:20:00Z".parse().unwrap());
    let wrong: Vec<String> = differences(&told(survey.facts.iter()), &told(real.facts.iter()))
        .into_iter()
        .map(|(key, both)| format!("{key}: {both}"))
        .collect();
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
        sim.fault(&Fault::Start(node.clone())).unwrap();
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
    sim.fault(&Fault::Bootstrap(name("g3"))).unwrap();
    sim.pass(Duration::from_secs(2));
    compare(&sim, "g3", "refused-g3").await;
    sim.fault(&Fault::Bootstrap(name("g1"))).unwrap();
    sim.pass(Duration::from_secs(2));
    compare(&sim, "g1", "bootstrapped-g1").await;
    sim.fault(&Fault::Start(name("g2"))).unwrap();
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
    sim.fault(&Fault::Bootstrap(name("g1"))).unwrap();
    sim.pass(Duration::from_secs(2));
    for node in ["g2", "g3"] {
        sim.fault(&Fault::Start(name(node))).unwrap();
        sim.pass(Duration::from_secs(8));
    }
    crash_all(&sim);
    sim.fault(&Fault::Start(name("g1"))).unwrap();
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
