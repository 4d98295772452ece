//! Guards over surveys: when each predicate passes, fails or is not known.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

#[expect(dead_code, reason = "shared with the tests of the judge")]
#[path = "support/surveys.rs"]
mod surveys;

use breakglass::facts::{NodeName, Role, Survey, WhyKind, keys};
use breakglass::judge::{Server, judge};
use breakglass::runbook::{Guard, PREDICATES, Predicate, Scene, Verdict};
use surveys::{Node, plain, survey};

const ALL: &[&str] = &["g1", "g2", "g3"];

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

fn names(texts: &[&str]) -> Vec<NodeName> {
    texts.iter().map(|text| name(text)).collect()
}

/// The word of a guard on a node of a survey, every data node being planned.
fn word(survey: &Survey, predicate: Predicate, node: &str) -> &'static str {
    let planned: Vec<NodeName> = survey.data_nodes().map(|node| node.name.clone()).collect();
    verdict(survey, predicate, Some(node), &planned, false).as_str()
}

fn verdict(
    survey: &Survey,
    predicate: Predicate,
    node: Option<&str>,
    planned: &[NodeName],
    reforms: bool,
) -> Verdict {
    let judgement = judge(survey);
    let node = node.map(name);
    let scene = Scene { survey, judgement: &judgement, node: node.as_ref(), planned, reforms };
    let guard = Guard { predicate };
    let verdict = guard.hold(&scene);
    match &verdict {
        Verdict::Pass { says } => assert!(!says.is_empty()),
        Verdict::Fail { why, remedy } | Verdict::Unknown { why, remedy } => {
            assert!(!why.is_empty() && !remedy.is_empty(), "{guard}: {why} / {remedy}");
        }
    }
    verdict
}

fn healthy() -> Vec<Node> {
    ALL.iter().map(|name| Node::new(name).synced(3, ALL, 100)).collect()
}

fn waiting(name: &str) -> Node {
    Node::new(name)
        .process("activating", "start")
        .set(keys::LOG_WAITING, true)
        .set(keys::SERVER_PIDS, vec![plain("811 S mysql 90312")])
}

#[test]
fn what_a_node_is_is_told_from_what_is_not_known() {
    let mixed = survey(vec![Node::new("g1").stopped(100), waiting("g2"), Node::new("g3").unreachable()]);
    let words = |predicate: Predicate| {
        ALL.iter().map(|node| word(&mixed, predicate.clone(), node)).collect::<Vec<_>>()
    };
    assert_eq!(words(Predicate::Reachable), ["pass", "pass", "fail"]);
    assert_eq!(words(Predicate::ServerDown), ["pass", "fail", "unknown"]);
    assert_eq!(
        words(Predicate::ServerIs(vec![Server::Starting, Server::Running])),
        ["fail", "pass", "unknown"]
    );
    assert_eq!(words(Predicate::ServerWaiting), ["fail", "pass", "unknown"]);
    assert_eq!(words(Predicate::PositionKnown), ["pass", "fail", "fail"]);
    assert_eq!(words(Predicate::PositionUnknown), ["fail", "fail", "unknown"]);
    assert_eq!(words(Predicate::HasLeftovers), ["fail", "fail", "unknown"]);
    assert_eq!(words(Predicate::NoLeftovers), ["pass", "pass", "unknown"]);
    // No node's drop-ins were read in these.
    assert_eq!(words(Predicate::Frozen), ["unknown"; 3]);
    assert_eq!(words(Predicate::NotFrozen), ["unknown"; 3]);
    let silent = verdict(&mixed, Predicate::ServerDown, Some("g3"), &[], false);
    assert_eq!(
        silent,
        Verdict::Unknown {
            why: "what runs is not known: g3 does not answer (no SSH banner in 5 s)".into(),
            remedy: "look at its console".into(),
        }
    );
}

#[test]
fn a_crashed_node_without_a_position_is_to_be_recovered() {
    let crashed = survey(ALL.iter().map(|name| Node::new(name).crashed(ALL)).collect());
    assert_eq!(word(&crashed, Predicate::PositionUnknown, "g1"), "pass");
    assert_eq!(word(&crashed, Predicate::PositionKnown, "g1"), "fail");
}

#[test]
fn only_one_shown_process_that_waits_is_ended() {
    let of = |node: Node| word(&survey(vec![node]), Predicate::ServerWaiting, "g1");
    assert_eq!(of(waiting("g1")), "pass");
    assert_eq!(of(waiting("g1").process("deactivating", "stop-sigterm")), "pass");
    assert_eq!(of(waiting("g1").set(keys::LOG_WAITING, false)), "fail");
    assert_eq!(of(waiting("g1").unknown(keys::LOG_WAITING, WhyKind::Denied, "no journal")), "unknown");
    assert_eq!(of(waiting("g1").set(keys::SERVER_PIDS, vec![])), "fail");
    assert_eq!(of(waiting("g1").set(keys::SERVER_PIDS, vec![plain("1 S a 1"), plain("2 S a 1")])), "unknown");
    assert_eq!(of(waiting("g1").unknown(keys::SERVER_PIDS, WhyKind::Denied, "no /proc")), "unknown");
    assert_eq!(of(waiting("g1").process("active", "running")), "fail");
}

#[test]
fn leftovers_and_freezes_are_read_as_they_are() {
    let node = Node::new("g1")
        .stopped(1)
        .set(keys::LEFTOVERS, vec![plain("/run/mysqld/wsrep-new-cluster")])
        .set(keys::UNIT_FROZEN, plain("01K0000000000000000000000A"));
    let one = survey(vec![node]);
    assert_eq!(word(&one, Predicate::HasLeftovers, "g1"), "pass");
    assert_eq!(word(&one, Predicate::NoLeftovers, "g1"), "fail");
    assert_eq!(word(&one, Predicate::Frozen, "g1"), "pass");
    assert_eq!(word(&one, Predicate::NotFrozen, "g1"), "fail");
    let thawed = survey(vec![Node::new("g1").stopped(1).set(keys::UNIT_FROZEN, plain(""))]);
    assert_eq!(word(&thawed, Predicate::Frozen, "g1"), "fail");
    assert_eq!(word(&thawed, Predicate::NotFrozen, "g1"), "pass");
    let bare = survey(vec![Node::new("g1").stopped(1).set(keys::HOST_MANAGER, plain("none"))]);
    assert_eq!(word(&bare, Predicate::Frozen, "g1"), "pass");
    assert_eq!(word(&bare, Predicate::NotFrozen, "g1"), "pass");
}

#[test]
fn a_standing_that_is_unknown_is_no_answer() {
    let stopped = survey(vec![
        Node::new("g1").stopped(102),
        Node::new("g2").stopped(100),
        Node::new("g3").crashed(ALL),
    ]);
    let behind = Predicate::Standing(vec!["BEHIND", "EMPTY"]);
    assert_eq!(word(&stopped, behind.clone(), "g2"), "pass");
    assert_eq!(word(&stopped, behind.clone(), "g3"), "unknown");
    assert_eq!(word(&stopped, behind, "g1"), "unknown");
    assert_eq!(word(&stopped, Predicate::Standing(vec!["UNKNOWN"]), "g3"), "pass");
    assert_eq!(word(&survey(healthy()), Predicate::Standing(vec!["BEHIND"]), "g1"), "fail");
}

#[test]
fn a_primary_is_proved_claimed_or_not_there() {
    let whole = survey(healthy());
    let down = survey(ALL.iter().zip(100..).map(|(name, at)| Node::new(name).stopped(at)).collect());
    let lone = survey(vec![
        Node::new("g1").synced(3, ALL, 100),
        Node::new("g2").unreachable(),
        Node::new("g3").unreachable(),
    ]);
    for (survey, proved, none) in
        [(&whole, "pass", "fail"), (&down, "fail", "pass"), (&lone, "unknown", "fail")]
    {
        assert_eq!(word(survey, Predicate::PrimaryProved, "g1"), proved);
        assert_eq!(word(survey, Predicate::NoPrimary, "g1"), none);
    }
    assert_eq!(word(&whole, Predicate::PrimaryIncludes, "g2"), "pass");
    assert_eq!(word(&down, Predicate::PrimaryIncludes, "g2"), "fail");
    assert_eq!(word(&lone, Predicate::PrimaryIncludes, "g1"), "unknown");

    // A node that was not read is in the way of what is planned with it, and of nothing else.
    let part =
        survey(vec![Node::new("g1").stopped(2), Node::new("g2").stopped(1), Node::new("g3").unreachable()]);
    assert_eq!(word(&part, Predicate::NoPrimary, "g1"), "unknown");
    assert_eq!(word(&part, Predicate::NoServerStarting, "g1"), "unknown");
    for predicate in [Predicate::NoPrimary, Predicate::NoServerStarting] {
        let without = verdict(&part, predicate, None, &names(&["g1", "g2"]), false);
        assert!(
            matches!(&without, Verdict::Pass { says } if says.contains("g3 was not read")),
            "{without:?}"
        );
    }
}

#[test]
fn a_server_under_way_is_waited_for() {
    let two = survey(vec![Node::new("g1").stopped(2), waiting("g2")]);
    assert_eq!(word(&two, Predicate::NoServerStarting, "g1"), "fail");
    let two = survey(vec![Node::new("g1").stopped(2), waiting("g2").process("deactivating", "stop-sigterm")]);
    assert_eq!(word(&two, Predicate::NoServerStarting, "g1"), "fail");
    assert_eq!(word(&survey(healthy()), Predicate::NoServerStarting, "g1"), "pass");
}

#[test]
fn synced_needs_every_sign_of_it() {
    let of = |change: fn(Node) -> Node, predicate: Predicate| {
        let mut nodes = healthy();
        let first = change(nodes.remove(0));
        nodes.insert(0, first);
        word(&survey(nodes), predicate, "g1")
    };
    let same = |node: Node| node;
    assert_eq!(of(same, Predicate::Synced), "pass");
    assert_eq!(of(|node| node.set(keys::WSREP_READY, false), Predicate::Synced), "fail");
    assert_eq!(of(|node| node.set(keys::WSREP_CONNECTED, false), Predicate::Synced), "fail");
    assert_eq!(
        of(|node| node.unknown(keys::WSREP_READY, WhyKind::TimedOut, "8 s"), Predicate::Synced),
        "unknown"
    );
    assert_eq!(of(|node| node.set(keys::WSREP_LOCAL_STATE, 2), Predicate::Synced), "fail");
    assert_eq!(of(same, Predicate::Writable), "unknown");
    assert_eq!(of(|node| node.set(keys::VAR_READ_ONLY, plain("OFF")), Predicate::Writable), "pass");
    assert_eq!(of(|node| node.set(keys::VAR_READ_ONLY, plain("ON")), Predicate::Writable), "fail");
    assert_eq!(of(|node| node.set(keys::WSREP_READY, false), Predicate::AllSynced), "fail");
}

#[test]
fn all_synced_means_the_planned_nodes_and_nobody_else() {
    let whole = survey(healthy());
    let all = |survey: &Survey, planned: &[&str]| {
        verdict(survey, Predicate::AllSynced, None, &names(planned), false)
    };
    assert!(all(&whole, ALL).is_pass());
    let stranger = all(&whole, &["g1", "g2"]);
    assert!(
        matches!(&stranger, Verdict::Fail { why, .. } if why.starts_with("g3 is a member")),
        "{stranger:?}"
    );
    assert_eq!(all(&whole, &["g1", "g2", "g3", "g4"]).as_str(), "unknown");

    // Somebody whom the inventory does not know makes the view one larger than planned.
    let four = &["g1", "g2", "g3", "g9"];
    let crowd = survey(ALL.iter().map(|name| Node::new(name).synced(3, four, 100)).collect());
    assert_eq!(all(&crowd, ALL).as_str(), "fail");
    // The same size with an arbitrator in the inventory is as planned; one that is known to be down is not it.
    let with = |arbitrator: Node| {
        let mut nodes: Vec<Node> = ALL.iter().map(|name| Node::new(name).synced(3, four, 100)).collect();
        nodes.push(arbitrator.role(Role::Arbitrator));
        survey(nodes)
    };
    assert!(all(&with(Node::new("a1").process("active", "running")), ALL).is_pass());
    assert!(all(&with(Node::new("a1").unreachable()), ALL).is_pass());
    assert_eq!(all(&with(Node::new("a1").stopped(1)), ALL).as_str(), "fail");
    assert_eq!(all(&survey(vec![Node::new("g1").stopped(1)]), &["g1"]).as_str(), "fail");
}

#[test]
fn the_last_view_is_the_judges_to_say() {
    let crashed = survey(ALL.iter().map(|name| Node::new(name).crashed(ALL)).collect());
    let of = |reforms| verdict(&crashed, Predicate::LastViewComplete, None, &names(ALL), reforms);
    assert!(of(true).is_pass());
    assert!(matches!(of(false), Verdict::Fail { remedy, .. } if remedy.contains("galera-bootstrap")));
}

fn every_predicate() -> Vec<Predicate> {
    vec![
        Predicate::Reachable,
        Predicate::ServerDown,
        Predicate::ServerWaiting,
        Predicate::ServerIs(vec![Server::Running]),
        Predicate::NoServerStarting,
        Predicate::PositionKnown,
        Predicate::PositionUnknown,
        Predicate::HasLeftovers,
        Predicate::NoLeftovers,
        Predicate::Frozen,
        Predicate::NotFrozen,
        Predicate::Standing(vec!["BEHIND"]),
        Predicate::NoPrimary,
        Predicate::PrimaryProved,
        Predicate::PrimaryIncludes,
        Predicate::Synced,
        Predicate::AllSynced,
        Predicate::Writable,
        Predicate::LastViewComplete,
    ]
}

#[test]
fn a_guard_about_a_node_passes_for_no_node_and_for_no_stranger() {
    assert_eq!(every_predicate().len(), PREDICATES.len());
    let whole = survey(healthy());
    for predicate in every_predicate() {
        let guard = Guard { predicate: predicate.clone() };
        if guard.is_about_node() {
            assert_eq!(
                verdict(&whole, predicate.clone(), None, &names(ALL), true).as_str(),
                "unknown",
                "{guard}"
            );
            assert_eq!(
                verdict(&whole, predicate, Some("g9"), &names(ALL), true).as_str(),
                "unknown",
                "{guard}"
            );
        }
    }
}

#[test]
fn nothing_read_passes_nothing_that_is_about_the_world() {
    let dark = survey(ALL.iter().map(|name| Node::new(name).unreachable()).collect());
    for predicate in every_predicate() {
        let verdict = verdict(&dark, predicate.clone(), Some("g1"), &names(ALL), false);
        assert!(!verdict.is_pass(), "{predicate:?}: {verdict:?}");
    }
}

#[test]
fn a_guard_names_the_nodes_and_facts_it_reads() {
    let whole = survey(healthy());
    let judgement = judge(&whole);
    let g1 = name("g1");
    let planned = names(ALL);
    let scene =
        Scene { survey: &whole, judgement: &judgement, node: Some(&g1), planned: &planned, reforms: false };
    let nodes = |predicate| Guard { predicate }.nodes(&scene);
    assert_eq!(nodes(Predicate::Frozen), names(&["g1"]));
    assert_eq!(nodes(Predicate::AllSynced), names(ALL));
    for predicate in every_predicate() {
        for fact in (Guard { predicate }).facts() {
            assert!(keys::ALL.iter().any(|key| key.name == *fact), "{fact}");
        }
    }
}
