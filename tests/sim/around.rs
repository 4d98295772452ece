//! What is around the servers: ways that fail, other operators, watchdogs, arbitrators, load balancers.

use std::time::Duration;

use breakglass::ask::act::{Answer, Look, answer};
use breakglass::engine::{Nodes as _, Outcome, RunResult};
use breakglass::facts::{Facts, Key, Mode, OpId, Plain, ReachWord, Role, WhyKind, keys};
use breakglass::judge::{self, Standing, Verdict};
use breakglass::nodes::sim::{Fault, Sim, Topology};

use crate::walk::{self, Walk, name, sim, topology};

fn happens(sim: &Sim, line: &str) {
    sim.fault(&line.parse::<Fault>().unwrap()).unwrap();
}

fn seconds(sim: &Sim, seconds: u64) {
    sim.pass(Duration::from_secs(seconds));
}

fn text(facts: &Facts, key: Key<Plain>) -> String {
    facts.get(key).known().map(ToString::to_string).unwrap_or_default()
}

fn lines(facts: &Facts, key: Key<Vec<Plain>>) -> Vec<String> {
    facts.get(key).known().unwrap().iter().map(ToString::to_string).collect()
}

fn synced(sim: &Sim, node: &str) -> bool {
    sim.truth().nodes.iter().any(|truth| truth.name.as_str() == node && truth.synced)
}

#[tokio::test]
async fn one_that_cannot_be_reached_costs_its_deadlines_and_nobody_elses() {
    let sim = sim(1);
    happens(&sim, "unreachable g2");
    let before = sim.clock().elapsed();
    let survey = walk::survey(&sim).await;
    // The session that stood opens no channel in 5 s, a new connection is not there in 5 s more.
    let took = sim.clock().elapsed().saturating_sub(before);
    assert!((10..11).contains(&took.as_secs()), "{took:?}");
    assert_eq!(survey.mode, Mode::Drill, "it is simulated, reached or not");
    let words: Vec<ReachWord> = survey.nodes.iter().map(|node| node.ssh.word).collect();
    assert_eq!(words, [ReachWord::Ok, ReachWord::Timeout, ReachWord::Ok]);
    let node = survey.node(&name("g2")).unwrap();
    assert_eq!(node.ssh.detail.as_str(), "10.99.0.12:22 did not answer in 5s");
    assert_eq!(node.facts.get(keys::UNIT_ACTIVE).why().unwrap().kind, WhyKind::NotRead);
    let before = sim.clock().elapsed();
    assert_eq!(sim.survey(&name("g2")).await.ssh.word, ReachWord::Timeout);
    assert_eq!(sim.clock().elapsed().saturating_sub(before).as_secs(), 5, "no session stands any more");
    happens(&sim, "reachable g2");
    assert!(sim.survey(&name("g2")).await.ssh.is_ok());
    assert!(synced(&sim, "g2"), "its server never knew");
}

#[tokio::test]
async fn a_name_that_leads_to_another_machine_shows_that_machine_and_is_refused() {
    let sim = sim(1);
    let before = [sim.survey(&name("g1")).await, sim.survey(&name("g2")).await];
    happens(&sim, "swap g1 g2");
    let after = sim.survey(&name("g1")).await;
    for key in [keys::HOST_NAME, keys::HOST_MACHINE_ID, keys::HOST_KEY, keys::DATADIR_IDENTITY] {
        assert_eq!(text(&after.facts, key), text(&before[1].facts, key));
        assert_ne!(text(&after.facts, key), text(&before[0].facts, key));
    }
    // Who asks for what it sent to the machine that was shown hears of the other.
    let machine = before[0].facts.get(keys::HOST_MACHINE_ID).known().unwrap().clone();
    let look = Look::Follow { machine, op: OpId::new(1, [1; 10]), settle: true };
    let Outcome::Exited { stdout, .. } = sim.look(&name("g1"), &look, Duration::from_secs(5)).await else {
        panic!("no answer");
    };
    assert!(matches!(answer(&stdout), Ok(Answer::Refused { word, .. }) if word == "identity"));
    happens(&sim, "swap g1 g2");
    assert_eq!(text(&sim.survey(&name("g1")).await.facts, keys::HOST_NAME), "g1");
}

#[tokio::test]
async fn a_lost_answer_is_found_out_whether_the_node_had_the_act_or_not() {
    for (line, results) in [
        // The first act takes the lease: it never began, and the run ends before anything is done.
        ("lose-before g3", [RunResult::Refused, RunResult::Partial].as_slice()),
        ("lose-after g3", [RunResult::Done].as_slice()),
    ] {
        let sim = sim(3);
        happens(&sim, "kill g3");
        seconds(&sim, 30);
        happens(&sim, line);
        let mut walk = Walk::new(&sim);
        let ended = walk.run("galera-rejoin", &[("node", "g3")]).await;
        let told = walk.told(&ended);
        assert!(results.contains(&ended.result), "{line}: {:?}: {told}", ended.result);
        assert!(told.contains("transport read"), "{line}: {told}");
        assert_eq!(synced(&sim, "g3"), ended.result == RunResult::Done, "{line}: {told}");
        let truth = sim.truth();
        assert!(
            truth.nodes.iter().all(|node| node.lease.is_none() && node.frozen.is_none()),
            "{line}: {told}"
        );
    }
}

#[tokio::test]
async fn a_start_goes_on_where_its_line_is_lost_and_is_found_again() {
    let sim = sim(4);
    happens(&sim, "kill g3");
    seconds(&sim, 30);
    // Everything has to be copied: the start is followed for some ten seconds.
    sim.load(40_000);
    let clock = sim.clock();
    let mut walk = Walk::new(&sim);
    let trouble = async {
        use breakglass::engine::Ports as _;
        while !sim.truth().nodes[2].running {
            clock.sleep(Duration::from_millis(200)).await;
        }
        happens(&sim, "unreachable g3");
        clock.sleep(Duration::from_secs(25)).await;
        happens(&sim, "reachable g3");
    };
    let (ended, ()) = futures_util::join!(walk.run("galera-rejoin", &[("node", "g3")]), trouble);
    let told = walk.told(&ended);
    assert!(told.contains("It is not known whether"), "{told}");
    assert_eq!(ended.result, RunResult::Done, "{told}");
    assert!(synced(&sim, "g3"));
    assert_eq!(sim.truth().overwritten.len(), 1, "it was started once");
}

#[tokio::test]
async fn a_node_that_another_operator_holds_is_taken_over_only_by_a_typed_word() {
    let sim = sim(3);
    happens(&sim, "kill g3");
    seconds(&sim, 30);
    happens(&sim, "hold g3");
    let held = sim.truth().nodes[2].lease.clone().unwrap();
    let facts = sim.survey(&name("g3")).await.facts;
    assert!(text(&facts, keys::HOST_LEASE).contains("bob on ws2"), "{}", text(&facts, keys::HOST_LEASE));
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-rejoin", &[("node", "g3")]).await;
    let told = walk.told(&ended);
    assert_eq!(ended.result, RunResult::Done, "{told}");
    assert!(told.contains(&format!("taken over from session {held}")), "{told}");
    assert_eq!(walk.asked.len(), 2, "its lease, and its start: {:?}", walk.asked);
}

#[tokio::test]
async fn what_a_bootstrap_left_founds_a_cluster_at_the_next_start() {
    let sim = Sim::new(Topology { load: 0, ..topology() }, 1);
    for node in ["g3", "g2", "g1"] {
        happens(&sim, &format!("stop {node}"));
        seconds(&sim, 1);
    }
    happens(&sim, "leftover-flag g1");
    let facts = sim.survey(&name("g1")).await.facts;
    let found = lines(&facts, keys::LEFTOVERS);
    assert!(found.iter().any(|line| line.contains("/run/mariadb-wsrep-new-cluster")), "{found:?}");
    assert!(found.iter().any(|line| line.contains("_WSREP_NEW_CLUSTER=")), "{found:?}");
    let before = sim.truth().formed.len();
    happens(&sim, "start g1");
    seconds(&sim, 3);
    let truth = sim.truth();
    assert_eq!(truth.formed.len(), before + 1);
    assert_eq!(truth.formed[before].by, Some(name("g1")), "nobody asked for a new cluster");
}

#[tokio::test]
async fn leftovers_are_cleared_before_a_bootstrap() {
    let sim = sim(2);
    for node in sim.names() {
        sim.fault(&Fault::Kill(node)).unwrap();
    }
    seconds(&sim, 2);
    happens(&sim, "leftover-flag g2");
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-bootstrap", &[]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    let found = lines(&sim.survey(&name("g2")).await.facts, keys::LEFTOVERS);
    assert!(found.is_empty(), "{found:?}");
    let founded = sim.truth().formed.iter().filter(|formed| formed.by.is_some()).count();
    assert_eq!(founded, 1, "one, and by us: {:?}", sim.truth().formed);
}

/// The last member of a Primary Component, of which the others took their leave, is killed: with its saved view it would be
/// one again by itself. That view goes into quarantine, and it is bootstrapped like anybody; so is an only node.
#[tokio::test]
async fn a_sole_survivor_that_crashed_is_cleared_and_bootstrapped() {
    for others in [&["g3", "g2"][..], &[]] {
        let mut nodes = topology().nodes;
        nodes.truncate(1 + others.len());
        let sim = Sim::new(Topology { restarts: false, nodes, ..topology() }, 2);
        for node in others {
            happens(&sim, &format!("stop {node}"));
            seconds(&sim, 4);
        }
        happens(&sim, "kill g1");
        seconds(&sim, 2);
        let found = lines(&sim.survey(&name("g1")).await.facts, keys::LEFTOVERS);
        assert_eq!(found, ["/var/lib/mysql/gvwstate.dat: a saved view of this node alone"]);
        let survey = walk::survey(&sim).await;
        let offered = judge::judge(&survey).findings.iter().find_map(|finding| finding.runbook);
        assert_ne!(offered, Some("galera-start-all"), "alone it has nobody to form a view with");

        let mut walk = Walk::new(&sim);
        let before = sim.truth().formed.len();
        let ended = walk.run("galera-bootstrap", &[]).await;
        assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
        assert!(sim.names().iter().all(|node| synced(&sim, node.as_str())));
        let by: Vec<_> = sim.truth().formed[before..].iter().map(|formed| formed.by.clone()).collect();
        assert_eq!(by, [Some(name("g1"))], "once, and by us");
    }
}

#[tokio::test]
async fn a_transfer_that_outlived_its_server_is_seen_and_stops_a_start() {
    let sim = sim(3);
    happens(&sim, "kill g3");
    seconds(&sim, 30);
    happens(&sim, "orphan-transfer g3");
    let facts = sim.survey(&name("g3")).await.facts;
    let transfers = lines(&facts, keys::TRANSFER_PROCESSES);
    assert!(transfers[0].contains("rsync"), "{transfers:?}");
    assert!(lines(&facts, keys::LISTEN_OWNERS).iter().any(|line| line.starts_with("4444 ")));
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-rejoin", &[("node", "g3")]).await;
    assert_eq!(ended.result, RunResult::Refused, "{}", walk.told(&ended));
    assert!(!synced(&sim, "g3"));
}

#[tokio::test]
async fn a_watchdog_starts_what_is_down_until_it_is_gone() {
    let sim = sim(4);
    happens(&sim, "meddle g3");
    let found = lines(&sim.survey(&name("g3")).await.facts, keys::AUTOMATION);
    assert_eq!(found, ["service: galera-autofix.service active"]);
    happens(&sim, "kill g3");
    seconds(&sim, 20);
    assert!(synced(&sim, "g3"), "{:?}", sim.truth());
    happens(&sim, "end-meddle g3");
    happens(&sim, "kill g3");
    seconds(&sim, 60);
    assert!(!synced(&sim, "g3"));
}

#[tokio::test]
async fn a_frozen_node_is_recovered_beside_a_watchdog() {
    let sim = sim(5);
    for node in sim.names() {
        happens(&sim, &format!("kill {node}"));
    }
    // One that is down again and again while the operator works.
    happens(&sim, "meddle g2");
    let mut walk = Walk::new(&sim);
    let ended = walk.run("galera-bootstrap", &[]).await;
    assert_eq!(ended.result, RunResult::Done, "{}", walk.told(&ended));
    assert!(sim.truth().nodes.iter().all(|node| node.synced && node.frozen.is_none()));
    assert_eq!(sim.truth().overwritten.len(), 0);
}

fn monitored() -> Sim {
    Sim::new(Topology { monit: true, ..topology() }, 6)
}

#[tokio::test]
async fn monit_starts_what_it_watches_and_nothing_else() {
    let sim = monitored();
    let monit = async || lines(&sim.survey(&name("g3")).await.facts, keys::AUTOMATION);
    assert_eq!(monit().await, ["monit: mariadb Monitored"]);
    happens(&sim, "kill g3");
    seconds(&sim, 12);
    assert!(synced(&sim, "g3"), "{:?}", sim.truth());
    happens(&sim, "unmonitor g3");
    assert_eq!(monit().await, ["monit: mariadb Monitored"], "it was only asked");
    seconds(&sim, 2);
    assert_eq!(monit().await, ["monit: mariadb Not monitored"]);
    happens(&sim, "kill g3");
    seconds(&sim, 60);
    assert!(!synced(&sim, "g3"));
    happens(&sim, "monit-start g3");
    seconds(&sim, 12);
    assert!(synced(&sim, "g3"));
    assert_eq!(monit().await, ["monit: mariadb Monitored"], "a start watches again");
    happens(&sim, "monit-stop g3");
    seconds(&sim, 4);
    assert!(!sim.truth().nodes[2].running);
    assert_eq!(monit().await, ["monit: mariadb Not monitored"]);
    assert!("monit-start g1".parse::<Fault>().is_ok_and(|fault| walk::sim(1).fault(&fault).is_err()));
}

#[tokio::test]
async fn of_what_a_busy_monit_is_asked_only_the_last_counts() {
    let sim = monitored();
    for node in sim.names() {
        happens(&sim, &format!("kill {node}"));
    }
    // g1 is started and waits for the others, which nobody starts: monit waits with it.
    for node in ["g2", "g3"] {
        happens(&sim, &format!("unmonitor {node}"));
    }
    seconds(&sim, 10);
    assert!(sim.truth().nodes[0].running);
    happens(&sim, "monit-stop g1");
    seconds(&sim, 10);
    happens(&sim, "monit-start g1");
    seconds(&sim, 60);
    assert!(sim.truth().nodes[0].running, "the stop never happened");
    let found = lines(&sim.survey(&name("g1")).await.facts, keys::AUTOMATION);
    assert_eq!(found, ["monit: mariadb Monitored"]);
}

fn with_edge() -> Sim {
    let nodes = ["g1", "g2"].map(name).into();
    Sim::new(Topology { nodes, arbitrators: vec![name("a1")], proxies: vec![name("p1")], ..topology() }, 7)
}

#[tokio::test]
async fn an_arbitrator_counts_and_holds_nothing() {
    let sim = with_edge();
    assert_eq!(sim.names(), ["g1", "g2", "a1", "p1"].map(name));
    assert_eq!(sim.data(), ["g1", "g2"].map(name));
    let survey = walk::survey(&sim).await;
    let roles: Vec<Role> = survey.nodes.iter().map(|node| node.role).collect();
    assert_eq!(roles, [Role::Data, Role::Data, Role::Arbitrator, Role::Proxy]);
    let judgement = judge::judge(&survey);
    assert_eq!(judgement.verdict, Verdict::Healthy, "{:#?}", judgement.findings);
    assert_eq!(judgement.node(&name("a1")).unwrap().standing, Some(Standing::Arbitrator));
    let facts = &survey.node(&name("a1")).unwrap().facts;
    assert!(text(facts, keys::ARBITRATOR_PROCESS).ends_with(" nobody"));
    assert_eq!(text(facts, keys::ARBITRATOR_GROUP), "drill");
    assert_eq!(text(facts, keys::ARBITRATOR_ADDRESS), "gcomm://10.99.0.11:4567,10.99.0.12:4567");
    let data = &survey.node(&name("g1")).unwrap().facts;
    assert!(data.get(keys::WSREP_CLUSTER_SIZE).is(|size| *size == 3));
    // tests/fixtures/lab/garbd/g1-status.tsv: an empty element is the arbitrator's.
    let addresses = lines(data, keys::WSREP_INCOMING);
    assert!(addresses.iter().any(String::is_empty), "{addresses:?}");
    assert_eq!(sim.truth().nodes.len(), 2, "it holds nothing");

    happens(&sim, "kill g2");
    seconds(&sim, 8);
    assert!(synced(&sim, "g1"), "two of three go on (tests/fixtures/galera/07-garbd)");
    happens(&sim, "kill a1");
    seconds(&sim, 8);
    assert!(!synced(&sim, "g1"));
    let facts = sim.survey(&name("a1")).await.facts;
    assert_eq!(text(&facts, keys::ARBITRATOR_PROCESS), "");
    assert_eq!(text(&facts, keys::ARBITRATOR_GROUP), "drill", "its file names it still");
}

#[tokio::test]
async fn a_load_balancer_follows_what_the_nodes_answer() {
    let sim = with_edge();
    let backends = async || lines(&sim.survey(&name("p1")).await.facts, keys::PROXY_BACKENDS);
    assert_eq!(
        backends().await,
        ["galera/g1 10.99.0.11:3306 UP L7OK/200", "galera/g2 10.99.0.12:3306 UP L7OK/200"]
    );
    let check = async |node| sim.survey(&name(node)).await.facts.get(keys::CLUSTERCHECK);
    assert!(check("g2").await.is(|code| *code == 200));
    happens(&sim, "kill g2");
    seconds(&sim, 3);
    assert!(check("g2").await.is(|code| *code == 503));
    assert_eq!(backends().await[1], "galera/g2 10.99.0.12:3306 DOWN L7STS/503");
    happens(&sim, "start g2");
    seconds(&sim, 20);
    assert_eq!(backends().await[1], "galera/g2 10.99.0.12:3306 UP L7OK/200");
    happens(&sim, "kill p1");
    let facts = sim.survey(&name("p1")).await.facts;
    assert_eq!(text(&facts, keys::PROXY_KIND), "");
    assert!(facts.get(keys::PROXY_BACKENDS).known().is_none());
}

#[test]
fn nodes_that_hold_no_data_take_no_faults_of_data() {
    let sim = with_edge();
    let refused = |line: &str| {
        let fault: Fault = line.parse().unwrap();
        sim.fault(&fault).is_err()
    };
    for line in ["wipe-data a1", "mark-safe p1", "start a1", "hold a1", "bootstrap p1"] {
        assert!(refused(line), "{line}");
    }
    for line in ["unreachable a1", "reachable a1", "stop p1", "start p1", "stop a1", "start a1"] {
        assert!(!refused(line), "{line}");
    }
}
