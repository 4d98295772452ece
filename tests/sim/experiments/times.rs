//! How long things took on real servers, and what was seen of them between two captures, each beside where it was seen.

use std::time::Duration;

use breakglass::engine::Nodes as _;
use breakglass::facts::{Known, NodeSurvey, keys};
use breakglass::judge::{self, Verdict};
use breakglass::nodes::sim::{NodeTruth, Sim, Topology};

use super::{go_to, schedules};
use crate::group::does;
use crate::walk::{self, name, topology};

const STEP: Duration = Duration::from_millis(50);

fn calm() -> Sim {
    Sim::new(Topology { load: 0, data: 150, ..topology() }, 1)
}

fn after(sim: &Sim, seconds: f64) {
    sim.pass(Duration::from_secs_f64(seconds));
}

/// Lets time pass until it is so; how long that took. A minute is too long.
fn until(sim: &Sim, is: impl Fn(&Sim) -> bool) -> f64 {
    let mut passed = Duration::ZERO;
    while !is(sim) && passed < Duration::from_mins(1) {
        sim.pass(STEP);
        passed += STEP;
    }
    passed.as_secs_f64()
}

fn takes(passed: f64, real: f64, tolerance: f64) {
    assert!((passed - real).abs() <= tolerance, "it took {passed:.2} s, and {real} s on real servers");
}

fn of(sim: &Sim, node: &str) -> NodeTruth {
    sim.truth().nodes.into_iter().find(|truth| truth.name == name(node)).unwrap()
}

fn is_synced(node: &'static str) -> impl Fn(&Sim) -> bool {
    move |sim| of(sim, node).synced
}

/// The sizes of the Primary Components, arbitrators counted.
fn primaries(sim: &Sim) -> Vec<usize> {
    sim.truth().primaries.iter().map(Vec::len).collect()
}

async fn read(sim: &Sim, node: &str) -> NodeSurvey {
    sim.survey(&name(node)).await
}

fn status(node: &NodeSurvey) -> Option<String> {
    node.facts.get(keys::WSREP_CLUSTER_STATUS).known().map(ToString::to_string)
}

/// tests/fixtures/galera/02-graceful: bootstrapped in 0.46 s, refused in 0.35 s, rejoined in 3.44 s and 4.23 s.
#[test]
fn stopped_bootstrapped_and_joined() {
    let sim = calm();
    does(&sim, &["stop g3", "stop g2", "stop g1", "bootstrap g3"]);
    takes(until(&sim, |sim| !of(sim, "g3").running), 0.35, 0.2);
    does(&sim, &["bootstrap g1"]);
    takes(until(&sim, is_synced("g1")), 0.46, 0.3);
    for (node, real) in [("g2", 3.44), ("g3", 4.23)] {
        does(&sim, &[&format!("start {node}")]);
        takes(until(&sim, |sim| of(sim, node).synced), real, 1.5);
    }
}

/// tests/fixtures/galera/03-kill9/autorestart-g1-log.txt: restarted after 5 s, formed again 8.5 s after the kill.
#[test]
fn killed_at_once_they_form_again() {
    let sim = calm();
    let seqno = of(&sim, "g1").seqno.get();
    does(&sim, &["crash g1", "crash g2", "crash g3"]);
    takes(until(&sim, |sim| of(sim, "g1").running), 5.0, 0.5);
    takes(5.0 + until(&sim, |sim| primaries(sim) == [3]), 8.5, 2.0);
    assert_eq!(of(&sim, "g1").seqno.get(), seqno + 1, "nothing is lost, and the view is a write-set");
}

/// tests/fixtures/galera/03-kill9/no-gvwstate-after/g1-log.txt: it gives up after 33 s, and nobody starts it again.
#[tokio::test]
async fn without_a_saved_view_a_start_gives_up() {
    let sim = calm();
    does(&sim, &["stop g3", "stop g2", "stop g1", "start g2"]);
    takes(until(&sim, |sim| !of(sim, "g2").running), 33.0, 2.0);
    after(&sim, 60.0);
    let node = read(&sim, "g2").await;
    let said = |key| node.facts.get(key).known().map(ToString::to_string);
    assert_eq!(said(keys::UNIT_ACTIVE).as_deref(), Some("failed"));
    assert_eq!(said(keys::UNIT_RESULT).as_deref(), Some("exit-code"));
    assert!(node.facts.get(keys::UNIT_EXIT_STATUS).is(|status| *status == 1));
}

/// tests/fixtures/galera/04-partition: GATHER after 5.2 s and still Primary by its own word, none after 6.2 s; healed in 3.9
/// s. What clients commit meanwhile hangs.
#[tokio::test]
async fn cut_into_three_and_healed() {
    let sim = calm();
    let seqno = of(&sim, "g1").seqno;
    does(&sim, &["partition g1", "partition g2"]);
    after(&sim, 3.0);
    sim.load(5);
    assert_eq!(of(&sim, "g1").seqno, seqno);
    after(&sim, 2.2);
    let node = read(&sim, "g1").await;
    assert_eq!(status(&node).as_deref(), Some("Primary"));
    assert!(node.facts.get(keys::WSREP_EVS_STATE).is(|state| state.as_str() == "GATHER"));
    assert!(node.facts.get(keys::WSREP_READY).is(|ready| *ready));
    takes(5.25 + until(&sim, |sim| primaries(sim).is_empty()), 6.2, 0.5);
    let node = read(&sim, "g1").await;
    assert_eq!(status(&node).as_deref(), Some("non-Primary"));
    assert!(node.facts.get(keys::WSREP_CONF_ID).known().is_none(), "2^64-1 is no number of a view");
    assert!(node.facts.get(keys::GVWSTATE_MEMBERS).is(|members| members.len() == 3));
    after(&sim, 10.0);
    does(&sim, &["heal"]);
    takes(until(&sim, |sim| primaries(sim) == [3]), 3.9, 1.0);
    assert_eq!(of(&sim, "g1").seqno.get(), seqno.get() + 1);
}

/// tests/fixtures/galera/04-partition/pcbootstrap-one-side: Primary at once (30 ms); the others are back from 5.6 s
/// after the heal on. Where it is Primary already nothing happens.
#[test]
fn one_side_bootstrapped_by_pc_bootstrap() {
    let sim = calm();
    does(&sim, &["pc-bootstrap g1"]);
    assert_eq!(primaries(&sim), [3], "a Primary ignores it");
    does(&sim, &["partition g1", "partition g2"]);
    after(&sim, 8.0);
    does(&sim, &["pc-bootstrap g1"]);
    takes(until(&sim, |sim| primaries(sim) == [1]), 0.03, 0.1);
    does(&sim, &["heal"]);
    takes(until(&sim, |sim| primaries(sim) == [3] && sim.truth().nodes.iter().all(|n| n.synced)), 5.6, 1.5);
}

/// tests/fixtures/galera/05-ahead/rejoin-refused: it aborts, its state file is zeroed, systemd starts it again, and its rows
/// are overwritten some 16 s after the restart.
#[tokio::test]
async fn one_that_is_ahead_is_overwritten_by_nobodys_decision() {
    let sim = calm();
    does(&sim, &["partition g2"]);
    after(&sim, 8.0);
    does(&sim, &["pc-bootstrap g2"]);
    sim.load_on(&name("g2"), 7);
    let held = of(&sim, "g2").holds;
    does(&sim, &["stop g2", "heal", "start g2"]);
    let aborts = until(&sim, |sim| !of(sim, "g2").running);
    let node = read(&sim, "g2").await;
    assert!(node.facts.get(keys::GRASTATE_UUID).known().is_none(), "zeroed");
    assert!(node.facts.get(keys::GRASTATE_SAFE).is(|safe| *safe));
    assert!(node.facts.get(keys::UNIT_SUB).is(|sub| sub.as_str() == "auto-restart"));
    assert_eq!(of(&sim, "g2").holds, held, "its engine still has them");
    takes(aborts + until(&sim, is_synced("g2")), 16.0, 5.0);
    let truth = sim.truth();
    assert_eq!(truth.overwritten.len(), 1);
    assert_eq!(truth.nodes[1].holds, truth.nodes[0].holds);
}

/// tests/fixtures/galera/05-ahead (abandoned): stopped, its state files removed, started: 5.4 s to 6.3 s of some 150 MB.
#[test]
fn a_state_that_is_abandoned() {
    let sim = calm();
    does(&sim, &["stop g2", "wipe-state g2", "start g2"]);
    takes(until(&sim, is_synced("g2")), 5.9, 1.5);
    assert_eq!(sim.truth().overwritten.len(), 1, "by a full transfer, whatever it held");
}

/// tests/fixtures/galera/05-ahead/silent-divergence/row-counts.txt: three SYNCED, one seqno, one UUID, all is said to be
/// healthy, and the rows differ.
#[tokio::test]
async fn histories_part_and_nothing_that_is_read_shows_it() {
    let sim = go_to(&schedules::DIVERGED, "05-ahead/silent-divergence").await;
    let survey = walk::survey(&sim).await;
    let truth = sim.truth();
    let [g1, g2, _] = truth.nodes.as_slice() else { panic!("{truth:?}") };
    assert!(truth.nodes.iter().all(|node| node.synced));
    assert_eq!((g1.uuid, g1.seqno), (g2.uuid, g2.seqno));
    assert_ne!(g1.holds, g2.holds);
    for node in &survey.nodes {
        let same = |other: &NodeSurvey| {
            other.facts.get(keys::WSREP_LAST_COMMITTED) == node.facts.get(keys::WSREP_LAST_COMMITTED)
                && other.facts.get(keys::WSREP_CLUSTER_UUID) == node.facts.get(keys::WSREP_CLUSTER_UUID)
                && matches!(other.facts.get(keys::WSREP_LAST_COMMITTED), Known::Known(_))
        };
        assert!(survey.nodes.iter().all(same));
    }
    assert_eq!(judge::judge(&survey).verdict, Verdict::Healthy);
}

/// tests/fixtures/galera/07-garbd: a node and the arbitrator go on 6.0 s after the other was killed; without the arbitrator
/// it is no Primary after 6.3 s. The captured one could save its view, and so formed it again within 6 s; that of Debian's
/// unit can write nowhere (tests/fixtures/lab/garbd/a1-journal.txt) and is another member when it comes back.
#[test]
fn an_arbitrator_decides() {
    let sim = arbitrated();
    does(&sim, &["kill g2"]);
    takes(until(&sim, |sim| primaries(sim) == [2]), 6.0, 0.7);
    sim.load(5);
    assert_eq!(of(&sim, "g1").seqno.get(), of(&sim, "g2").seqno.get() + 6, "it takes writes");
    does(&sim, &["kill a1"]);
    takes(until(&sim, |sim| primaries(sim).is_empty()), 6.3, 0.7);
    does(&sim, &["start a1"]);
    after(&sim, 30.0);
    assert!(primaries(&sim).is_empty());
}

/// tests/fixtures/galera/07-garbd/garbd.log: `is inconsistent to restored view`: for 45 s and more.
#[test]
fn an_arbitrator_makes_no_primary_of_a_stale_node() {
    let sim = arbitrated();
    does(&sim, &["kill g2"]);
    after(&sim, 8.0);
    does(&sim, &["kill g1"]);
    after(&sim, 8.0);
    does(&sim, &["start g2"]);
    after(&sim, 45.0);
    assert!(primaries(&sim).is_empty());
    assert!(of(&sim, "g2").running, "it waits");
}

fn arbitrated() -> Sim {
    let (nodes, arbitrators) = (["g1", "g2"].map(name).into(), vec![name("a1")]);
    let sim = Sim::new(Topology { load: 0, nodes, arbitrators, restarts: false, ..topology() }, 1);
    assert_eq!(primaries(&sim), [3]);
    sim
}

/// tests/fixtures/galera/08-sst-fail/rsync-after: the joiner gives up some 5 s after its donor died; what is left in it
/// names the donor's position, and is not its data.
#[tokio::test]
async fn a_donor_that_dies_leaves_a_joiner_that_looks_whole() {
    let sim = go_to(&schedules::DONOR_KILLED, "08-sst-fail/rsync-mid").await;
    let donor = of(&sim, "g3");
    does(&sim, &["kill g3"]);
    takes(until(&sim, |sim| !of(sim, "g2").running), 5.5, 1.0);
    let joiner = of(&sim, "g2");
    assert_eq!((joiner.uuid, joiner.seqno), (donor.uuid, donor.seqno));
    assert_ne!(joiner.holds, donor.holds);
    let node = read(&sim, "g2").await;
    assert!(node.facts.get(keys::GRASTATE_FILE).is(|file| file.as_str() == "empty"));
    assert!(node.facts.get(keys::TRANSFER_MARKERS).is(Vec::is_empty), "its marks are gone, too");
    assert!(is_synced("g1")(&sim), "the third goes on alone");
}

/// tests/fixtures/galera/13-hangs/sigstop-mariadbd.txt: the others drop it after 6.6 s; thawed it is sure of its old view
/// for 4 s and more, and is back in some 9 s.
#[tokio::test]
async fn a_stopped_server_thaws_and_lies() {
    let sim = calm();
    does(&sim, &["freeze g2"]);
    takes(until(&sim, |sim| primaries(sim) == [2]), 6.6, 0.8);
    after(&sim, 5.0);
    does(&sim, &["thaw g2"]);
    after(&sim, 3.9);
    let node = read(&sim, "g2").await;
    assert_eq!(status(&node).as_deref(), Some("Primary"));
    assert!(node.facts.get(keys::WSREP_CLUSTER_SIZE).is(|size| *size == 3));
    assert_eq!(primaries(&sim), [2], "which it is no member of");
    takes(3.95 + until(&sim, is_synced("g2")), 9.0, 2.0);
}
