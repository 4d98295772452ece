//! The simulated cluster: recoveries walked on it to their end, what it refuses, and how near it is to real servers.

#![expect(clippy::unwrap_used, reason = "a test suite")]

#[path = "sim/around.rs"]
mod around;
#[path = "sim/beside.rs"]
mod beside;
#[path = "support/captures.rs"]
mod captures;
#[path = "sim/conform.rs"]
mod conform;
#[path = "sim/experiments.rs"]
mod experiments;
#[path = "sim/group.rs"]
mod group;
#[path = "sim/lab.rs"]
mod lab;
#[path = "sim/machine.rs"]
mod machine;
#[path = "sim/walk.rs"]
mod walk;

use std::time::Duration;

use breakglass::ask::act::Look;
use breakglass::ask::probe::{self, Request};
use breakglass::engine::{self, Authorization, Nodes, Outcome, RunResult};
use breakglass::facts::{Family, Known, Mode, NodeName, NodeSurvey, Plain, keys};
use breakglass::inventory::{Server, Sql};
use breakglass::judge::{self, Standing, Verdict};
use breakglass::nodes::sim::{Fault, Pace, Sim, Topology};
use walk::{Walk, name, sim, topology};

fn kill_all(sim: &Sim) {
    for node in sim.names() {
        sim.fault(&Fault::Kill(node)).unwrap();
        sim.pass(Duration::from_millis(80));
    }
    sim.pass(Duration::from_secs(2));
}

fn stop_one_by_one(sim: &Sim) {
    for node in ["g3", "g2", "g1"] {
        sim.fault(&Fault::Stop(name(node))).unwrap();
        sim.pass(Duration::from_secs(1));
    }
}

fn synced(sim: &Sim) -> usize {
    sim.truth().nodes.iter().filter(|node| node.synced).count()
}

#[tokio::test]
async fn a_new_one_is_healthy_and_says_that_it_is_a_drill() {
    let sim = sim(1);
    let survey = walk::survey(&sim).await;
    assert_eq!(survey.mode, Mode::Drill);
    let judgement = judge::judge(&survey);
    assert_eq!(judgement.verdict, Verdict::Healthy, "{:#?}", judgement.findings);
    assert!(survey.nodes.iter().all(|node| node.facts.get(keys::HOST_DRILL).is(|is| *is)));
}

/// A cluster of which one node was reached by somebody who does not simulate it.
struct Mixed(Sim);

impl Nodes for Mixed {
    async fn survey(&self, node: &NodeName) -> NodeSurvey {
        let mut survey = self.0.survey(node).await;
        if node.as_str() == "g3" {
            let (source, at) = (Plain::new("the transport"), survey.at);
            survey.facts.set(keys::HOST_DRILL, Known::Known(false), &source, at);
        }
        survey
    }

    async fn look(&self, node: &NodeName, look: &Look, limit: Duration) -> Outcome {
        self.0.look(node, look, limit).await
    }

    async fn perform(&self, authorization: &Authorization, limit: Duration) -> Outcome {
        self.0.perform(authorization, limit).await
    }
}

#[tokio::test]
async fn a_drill_and_real_nodes_do_not_mix() {
    let sim = sim(1);
    let (names, clock) = (sim.names(), sim.clock());
    let cluster = topology().cluster;
    let mixed = Mixed(sim);
    let refused = engine::survey(&mixed, &cluster, Family::Galera, &names, || clock.now(), |_| ()).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("g1, g2 are simulated, g3 are not"), "{error}");
}

#[test]
fn nothing_that_a_machine_prints_makes_it_a_drill() {
    let real = include_str!("fixtures/sim/healthy-g1.txt");
    let claims =
        ["drill", "host-drill", "breakglass-drill"].map(|name| format!("%section {name} ok 4\ntrue\n"));
    let claimed = real.replace("%end\n", &format!("{}%end\n", claims.concat()));
    let nothing = Server::default();
    let request = Request::new(&nothing, &Sql::Probe);
    let answer = probe::read(&request, claimed.as_bytes(), jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert!(answer.facts.get(keys::HOST_DRILL).known().is_none());
    assert!(answer.facts.get(keys::HOST_LAB).is(|lab| lab.as_str() == "probecap"));
}

#[tokio::test]
async fn the_same_seed_and_schedule_say_the_same_to_the_last_byte() {
    let run = async |seed| {
        let sim = sim(seed);
        kill_all(&sim);
        let mut all = Vec::new();
        for node in sim.names() {
            all.push(sim.survey(&node).await);
        }
        serde_json::to_string(&all.iter().map(|node| &node.facts).collect::<Vec<_>>()).unwrap()
    };
    let (first, again, other) = (run(7).await, run(7).await, run(8).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test]
async fn start_all_forms_the_last_view_again() {
    let sim = sim(1);
    kill_all(&sim);
    let before = sim.truth();
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-start-all", &[]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    assert_eq!(synced(&sim), 3);
    assert!(walk.asked.is_empty(), "nothing destructive was done: {:?}", walk.asked);
    let most = before.nodes.iter().map(|node| node.seqno).max().unwrap();
    assert_eq!(
        sim.truth().formed.iter().map(|formed| (&formed.by, formed.position)).collect::<Vec<_>>(),
        [(&None, most)]
    );
}

#[tokio::test]
async fn positions_then_bootstrap_then_everybody_joins() {
    let sim = sim(2);
    kill_all(&sim);
    let before = sim.truth();
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-positions", &[]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    let ended = walk.run("galera-bootstrap", &[]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    assert_eq!(synced(&sim), 3);
    let most = before.nodes.iter().map(|node| node.seqno).max().unwrap();
    let truth = sim.truth();
    let formed = &truth.formed[0];
    assert_eq!(formed.position, most, "the node that held the most was taken: {before:?}");
    assert!(truth.overwritten.is_empty(), "{truth:?}");
}

#[tokio::test]
async fn whatever_the_seed_nothing_held_is_given_up() {
    for seed in 10..18 {
        let sim = sim(seed);
        sim.fault(&Fault::Slow(name("g2"))).unwrap();
        kill_all(&sim);
        let mut walk = Walk::new(&sim);
        let ended = walk.run("galera-bootstrap", &[]).await;
        assert_eq!(ended.result, RunResult::Done, "seed {seed}: {}", walk.told(&ended));
        let truth = sim.truth();
        let formed = &truth.formed[0];
        assert!(formed.held.iter().all(|(_, held)| *held <= formed.position), "seed {seed}: {formed:?}");
        assert_eq!((synced(&sim), truth.read_back.len(), truth.overwritten.len()), (3, 3, 0), "seed {seed}");
    }
}

#[tokio::test]
async fn a_node_that_crashed_comes_back_by_ist() {
    let sim = sim(3);
    sim.fault(&Fault::Kill(name("g3"))).unwrap();
    sim.pass(Duration::from_secs(30));
    assert_eq!(synced(&sim), 2);
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-rejoin", &[("node", "g3")]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    assert_eq!(synced(&sim), 3);
    let node = sim.survey(&name("g3")).await;
    assert!(
        node.facts.get(keys::LOG_TRANSFER).is(|how| how.as_str() == "IST"),
        "{:?}",
        node.facts.get(keys::LOG_TRANSFER)
    );
}

#[tokio::test]
async fn past_the_gcache_everything_is_copied() {
    let sim = sim(4);
    sim.fault(&Fault::Kill(name("g3"))).unwrap();
    sim.pass(Duration::from_secs(30));
    sim.load(40_000);
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-rejoin", &[("node", "g3")]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    let node = sim.survey(&name("g3")).await;
    assert!(
        node.facts.get(keys::LOG_TRANSFER).is(|how| how.as_str() == "SST"),
        "{:?}",
        node.facts.get(keys::LOG_TRANSFER)
    );
    assert_eq!(sim.truth().overwritten.len(), 1);
}

#[tokio::test]
async fn one_that_is_restarted_by_systemd_is_back_by_itself() {
    let sim = sim(5);
    sim.fault(&Fault::Crash(name("g2"))).unwrap();
    sim.pass(Duration::from_secs(1));
    let node = sim.survey(&name("g2")).await;
    assert!(node.facts.get(keys::UNIT_SUB).is(|sub| sub.as_str() == "auto-restart"));
    sim.pass(Duration::from_secs(30));
    assert_eq!(synced(&sim), 3);
    let node = sim.survey(&name("g2")).await;
    assert!(node.facts.get(keys::UNIT_RESTARTS).is(|times| *times == 1));
}

#[tokio::test]
async fn all_that_crash_are_back_by_themselves_in_some_ten_seconds() {
    let sim = sim(6);
    for node in sim.names() {
        sim.fault(&Fault::Crash(node)).unwrap();
    }
    sim.pass(Duration::from_secs(4));
    assert_eq!(synced(&sim), 0);
    sim.pass(Duration::from_secs(8));
    assert_eq!(synced(&sim), 3);
}

#[tokio::test]
async fn stopped_one_by_one_they_differ_by_one_and_the_last_is_safe() {
    let sim = Sim::new(Topology { load: 0, ..topology() }, 1);
    let at = sim.truth().nodes[0].seqno.get();
    stop_one_by_one(&sim);
    let truth = sim.truth();
    let held: Vec<u64> = truth.nodes.iter().map(|node| node.seqno.get() - at).collect();
    assert_eq!(held, [2, 1, 0], "every leave is a write-set");
    let survey = walk::survey(&sim).await;
    let safe: Vec<bool> =
        survey.nodes.iter().map(|node| *node.facts.get(keys::GRASTATE_SAFE).known().unwrap()).collect();
    assert_eq!(safe, [true, false, false]);
    let judgement = judge::judge(&survey);
    assert_eq!(judgement.candidates, [name("g1")]);
}

#[tokio::test]
async fn a_bootstrap_of_one_that_was_not_the_last_is_refused_and_takes_the_seqno_with_it() {
    let sim = sim(1);
    stop_one_by_one(&sim);
    sim.fault(&Fault::Bootstrap(name("g3"))).unwrap();
    sim.pass(Duration::from_secs(2));
    let node = sim.survey(&name("g3")).await;
    assert!(node.facts.get(keys::GRASTATE_RAW).is(|text| text.as_str().contains("seqno:   -1")));
    assert!(node.facts.get(keys::UNIT_RESULT).is(|result| result.as_str() == "exit-code"));
    assert!(node.facts.get(keys::LOG_LAST_END).is(|end| end.as_str() == "aborted"));
    assert_eq!(synced(&sim), 0);
}

#[tokio::test]
async fn one_of_a_saved_view_waits_for_ever() {
    let sim = sim(1);
    kill_all(&sim);
    sim.fault(&Fault::Start(name("g1"))).unwrap();
    sim.pass(Duration::from_mins(10));
    let node = sim.survey(&name("g1")).await;
    assert!(node.facts.get(keys::UNIT_ACTIVE).is(|active| active.as_str() == "activating"));
    assert!(node.facts.get(keys::LOG_WAITING).is(|waiting| *waiting));
    // systemd gives up, and the server does not hear of it.
    sim.pass(Duration::from_mins(10));
    let node = sim.survey(&name("g1")).await;
    assert!(node.facts.get(keys::UNIT_SUB).is(|sub| sub.as_str() == "stop-sigterm"));
    assert!(node.facts.get(keys::SERVER_PIDS).is(|pids| pids.len() == 1));
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-bootstrap", &[]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    assert_eq!(synced(&sim), 3);
}

#[tokio::test]
async fn fewer_than_half_are_no_primary() {
    let sim = sim(1);
    for node in ["g1", "g2"] {
        sim.fault(&Fault::Kill(name(node))).unwrap();
    }
    sim.pass(Duration::from_secs(10));
    let survey = walk::survey(&sim).await;
    let judgement = judge::judge(&survey);
    assert_eq!(judgement.node(&name("g3")).unwrap().standing, Some(Standing::NonPrimary));
    assert_eq!(judgement.verdict, Verdict::Outage);
}

#[tokio::test]
async fn one_that_is_ahead_aborts_gives_its_history_up_and_is_overwritten() {
    let sim = Sim::new(Topology { load: 0, ..topology() }, 1);
    stop_one_by_one(&sim);
    let held = sim.truth().nodes[0].seqno;
    sim.fault(&Fault::MarkSafe(name("g3"))).unwrap();
    sim.fault(&Fault::Bootstrap(name("g3"))).unwrap();
    sim.pass(Duration::from_secs(2));
    sim.fault(&Fault::Start(name("g1"))).unwrap();
    sim.pass(Duration::from_secs(2));
    let node = sim.survey(&name("g1")).await;
    assert!(node.facts.get(keys::UNIT_RESULT).is(|result| result.as_str() == "signal"), "{:?}", sim.truth());
    assert!(node.facts.get(keys::UNIT_SUB).is(|sub| sub.as_str() == "auto-restart"), "and it comes back");
    assert!(node.facts.get(keys::GRASTATE_UUID).why().is_some(), "zeroed");
    assert_eq!(sim.truth().nodes[0].seqno, held, "its engine still holds it");
    sim.pass(Duration::from_mins(1));
    let truth = sim.truth();
    let lost: Vec<_> = truth.overwritten.iter().map(|lost| (lost.node.as_str(), lost.held)).collect();
    assert_eq!(lost, [("g1", held)]);
    assert!(truth.nodes[0].synced);
}

#[tokio::test]
async fn waits_at_once_take_as_long_as_the_longest() {
    use breakglass::engine::Ports as _;
    let clock = sim(1).clock();
    let before = clock.elapsed();
    let wait = async |seconds| clock.sleep(Duration::from_secs(seconds)).await;
    futures_util::join!(wait(3), wait(1), wait(2));
    assert_eq!(clock.elapsed(), before + Duration::from_secs(3));
    // One that is given up holds nobody.
    let given_up = futures_util::future::select(Box::pin(wait(50)), Box::pin(wait(1))).await;
    drop(given_up);
    assert_eq!(clock.elapsed(), before + Duration::from_secs(4));
}

#[tokio::test]
async fn a_lively_clock_goes_with_the_real_one_and_a_wait_takes_a_tenth() {
    use breakglass::engine::Ports as _;
    let clock = sim(1).clock().paced(Pace::Lively);
    let (begun, before) = (std::time::Instant::now(), clock.elapsed());
    clock.sleep(Duration::from_secs(3)).await;
    let (real, passed) = (begun.elapsed(), clock.elapsed());
    assert!(passed >= before + Duration::from_secs(3), "{passed:?}");
    assert!(real >= Duration::from_millis(300) && real < Duration::from_secs(2), "{real:?}");
    std::thread::sleep(Duration::from_millis(50));
    assert!(clock.elapsed() >= passed + Duration::from_millis(50));
}
