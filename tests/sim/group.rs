//! Views and quorum of the simulated group, beside what real groups did.

use std::time::Duration;

use breakglass::engine::Nodes as _;
use breakglass::facts::{NodeSurvey, keys};
use breakglass::nodes::sim::{Fault, Sim, Topology};

use crate::walk::{name, sim, topology};

pub(crate) fn does(sim: &Sim, lines: &[&str]) {
    for line in lines {
        sim.fault(&line.parse::<Fault>().unwrap()).unwrap();
    }
}

fn after(sim: &Sim, millis: u64) {
    sim.pass(Duration::from_millis(millis));
}

async fn told(sim: &Sim) -> Vec<String> {
    let mut all = Vec::new();
    for node in sim.names() {
        let survey: NodeSurvey = sim.survey(&node).await;
        let word = |key| survey.facts.get(key).known().map_or("?".to_owned(), ToString::to_string);
        let size =
            survey.facts.get(keys::WSREP_CLUSTER_SIZE).known().map_or("?".to_owned(), ToString::to_string);
        all.push(format!("{} {} {size}", word(keys::WSREP_CLUSTER_STATUS), word(keys::WSREP_LOCAL_COMMENT)));
    }
    all
}

fn primaries(sim: &Sim) -> Vec<usize> {
    sim.truth().primaries.iter().map(Vec::len).collect()
}

/// tests/fixtures/galera/04-partition/nonprim: +5.2 s still Primary, +6.2 s none; /healed: whole again after 3.9 s.
#[tokio::test]
async fn all_apart_nobody_is_primary_and_healed_it_re_forms_by_itself() {
    let sim = sim(3);
    does(&sim, &["partition g1", "partition g2", "partition g3"]);
    after(&sim, 5_200);
    assert_eq!(told(&sim).await, ["Primary Synced 3"; 3]);
    after(&sim, 1_500);
    assert_eq!(told(&sim).await, ["non-Primary Initialized 1"; 3]);
    let before = sim.truth();
    does(&sim, &["heal"]);
    after(&sim, 6_500);
    assert_eq!(told(&sim).await, ["Primary Synced 3"; 3]);
    assert_eq!(sim.truth().formed.last().unwrap().by, None);
    assert!(before.primaries.is_empty());
}

#[tokio::test]
async fn the_larger_side_goes_on_and_the_smaller_comes_back_by_ist() {
    let sim = sim(4);
    does(&sim, &["partition g3"]);
    after(&sim, 7_000);
    assert_eq!(told(&sim).await, ["Primary Synced 2", "Primary Synced 2", "non-Primary Initialized 1"]);
    does(&sim, &["heal"]);
    after(&sim, 9_000);
    assert_eq!(told(&sim).await, ["Primary Synced 3"; 3]);
    let truth = sim.truth();
    assert!(truth.nodes.iter().all(|node| node.holds == truth.nodes[0].holds), "{truth:?}");
}

#[test]
fn a_weight_decides_who_goes_on() {
    let sim = Sim::new(Topology { weights: vec![3, 1, 1], ..topology() }, 5);
    does(&sim, &["partition g1"]);
    after(&sim, 7_000);
    assert_eq!(sim.truth().primaries, [vec![name("g1")]]);
}

/// tests/fixtures/galera/04-partition/healed/g2-log.txt: `turning message relay requesting on`.
#[test]
fn what_two_cannot_send_each_other_a_third_relays() {
    let sim = sim(6);
    does(&sim, &["cut g1 g2", "cut g2 g1"]);
    after(&sim, 20_000);
    assert_eq!(primaries(&sim), [3]);
}

/// tests/fixtures/galera/04-partition/pcbootstrap-one-side.
#[tokio::test]
async fn one_side_is_made_primary_and_the_others_join_it_when_they_can() {
    let sim = sim(7);
    does(&sim, &["partition g1", "partition g2", "partition g3"]);
    after(&sim, 8_000);
    does(&sim, &["pc-bootstrap g1"]);
    after(&sim, 1_000);
    assert_eq!(
        told(&sim).await,
        ["Primary Synced 1", "non-Primary Initialized 1", "non-Primary Initialized 1"]
    );
    does(&sim, &["heal"]);
    after(&sim, 12_000);
    assert_eq!(told(&sim).await, ["Primary Synced 3"; 3]);
}

/// tests/fixtures/galera/04-partition/split-brain and split-brain-healed; tests/fixtures/lab/bootstrap-both.
#[tokio::test]
async fn both_sides_made_primary_meet_as_conflicting_or_stay_apart() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..12 {
        let sim = sim(seed);
        does(&sim, &["partition g1"]);
        after(&sim, 8_000);
        does(&sim, &["pc-bootstrap g1"]);
        after(&sim, 3_000);
        assert_eq!(primaries(&sim).len(), 2);
        does(&sim, &["heal"]);
        after(&sim, 25_000);
        let told = told(&sim).await;
        if primaries(&sim).len() == 2 {
            seen.insert("apart");
        } else {
            assert!(told.iter().any(|node| node == "Disconnected Initialized 0"), "{told:?}");
            seen.insert("conflict");
        }
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}

/// tests/fixtures/galera/05-ahead/silent-divergence: three SYNCED at one seqno with different rows, or noticed where keys
/// collide (divergence-detected-inconsistent).
#[tokio::test]
async fn two_bootstrapped_apart_rejoin_by_ist_and_nobody_notices() {
    let mut silent = 0;
    for seed in 0..8 {
        let sim = Sim::new(Topology { load: 0, ..topology() }, seed);
        does(&sim, &["stop g3", "stop g2", "stop g1", "mark-safe g2"]);
        does(&sim, &["bootstrap g1", "partition g2", "bootstrap g2"]);
        after(&sim, 2_000);
        sim.load(5);
        does(&sim, &["stop g2"]);
        sim.load(30);
        does(&sim, &["heal", "start g2"]);
        after(&sim, 10_000);
        let told = told(&sim).await;
        let truth = sim.truth();
        let [g1, g2, _] = truth.nodes.as_slice() else { panic!() };
        if told[1] == "Primary Synced 2" {
            silent += 1;
            assert_eq!((g1.uuid, g1.seqno), (g2.uuid, g2.seqno));
            assert_ne!(g1.holds, g2.holds);
        } else {
            assert_eq!(told[1], "Disconnected Inconsistent 0");
        }
    }
    assert!((1..8).contains(&silent), "{silent}");
}

/// tests/fixtures/galera/06-diskfull/full-innodb/g2.txt.
#[tokio::test]
async fn a_row_changed_on_one_node_alone_is_voted_out() {
    let sim = sim(9);
    does(&sim, &["differ g2"]);
    after(&sim, 2_000);
    assert_eq!(told(&sim).await, ["Primary Synced 2", "Disconnected Inconsistent 0", "Primary Synced 2"]);
}

/// tests/fixtures/lab/garbd-alone.
#[test]
fn an_arbitrator_that_is_left_alone_stays_primary_and_nobody_meets_it() {
    let sim = Sim::new(Topology { arbitrators: vec![name("a1")], ..topology() }, 10);
    does(&sim, &["stop g3", "stop g2", "stop g1"]);
    after(&sim, 5_000);
    assert_eq!(sim.truth().primaries, [vec![name("a1")]]);
    does(&sim, &["bootstrap g1"]);
    after(&sim, 3_000);
    assert_eq!(sim.truth().primaries, [vec![name("a1")]], "it was not safe to bootstrap");
    does(&sim, &["mark-safe g1", "bootstrap g1", "start g2"]);
    after(&sim, 30_000);
    assert_eq!(sim.truth().primaries, [vec![name("a1")], vec![name("g1"), name("g2")]]);
}

/// A member that leaves while the others still miss another one: nobody that is dead hears of it.
#[tokio::test]
async fn the_dead_hear_of_no_views() {
    let sim = sim(6);
    does(&sim, &["kill g1"]);
    after(&sim, 2_000);
    does(&sim, &["stop g2"]);
    after(&sim, 2_000);
    does(&sim, &["stop g3"]);
    let survey = sim.survey(&name("g1")).await;
    let tail = survey.facts.get(keys::LOG_TAIL);
    let last = tail.known().unwrap().last().unwrap().to_string();
    assert!(last.contains("Failed with result 'signal'"), "{last}");
}

/// One that meets a Primary which is being lost waits, says so, and finds what there is afterwards.
#[tokio::test]
async fn whoever_meets_a_primary_that_dies_goes_on_looking() {
    let sim = Sim::new(Topology { restarts: true, ..topology() }, 28);
    does(&sim, &["crash g3"]);
    after(&sim, 4_000);
    does(&sim, &["kill g1"]);
    after(&sim, 10_000);
    let survey = sim.survey(&name("g3")).await;
    assert!(survey.facts.get(keys::LOG_WAITING).is(|waits| *waits), "{survey:?}");
}

/// tests/fixtures/lab/view-alone: started cut off it is a Primary within 3 s, and without its saved view it gives up after 34 s.
#[tokio::test]
async fn a_view_of_one_needs_nobody_and_without_it_a_start_gives_up() {
    for (gone, primary_sizes, active) in [(false, vec![2, 1], "active"), (true, vec![2], "failed")] {
        let sim = Sim::new(Topology { restarts: false, load: 0, ..topology() }, 3);
        does(&sim, &["partition g3"]);
        after(&sim, 10_000);
        does(&sim, &["pc-bootstrap g3"]);
        after(&sim, 4_000);
        does(&sim, &["kill g3"]);
        after(&sim, 2_000);
        let left = async || {
            let found = sim.survey(&name("g3")).await.facts.get(keys::LEFTOVERS).known().unwrap().clone();
            found.iter().any(|place| place.as_str().starts_with("/var/lib/mysql/gvwstate.dat: "))
        };
        assert!(left().await);
        if gone {
            does(&sim, &["start g3"]);
            after(&sim, 1_000);
            assert!(!left().await, "the view of a server that runs is its own");
            does(&sim, &["stop g3"]);
            after(&sim, 5_000);
            assert!(!left().await, "who stops cleanly keeps none");
        }
        does(&sim, &["start g3"]);
        after(&sim, if gone { 36_000 } else { 4_000 });
        assert_eq!(primaries(&sim), primary_sizes);
        let unit = sim.survey(&name("g3")).await.facts.get(keys::UNIT_ACTIVE);
        assert!(unit.is(|unit| unit.as_str() == active), "{unit:?}");
    }
}
