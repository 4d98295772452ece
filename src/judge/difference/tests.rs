use proptest::prelude::*;

use super::*;
use crate::facts::Plain;
use crate::judge::judge;

#[path = "../../../tests/support/surveys.rs"]
#[expect(dead_code, clippy::duplicate_mod, reason = "shared builders; each user needs some of them")]
mod surveys;

use surveys::{Node, OTHER_UUID, plain, survey, uuid};

const ALL: &[&str] = &["g1", "g2", "g3"];

fn between(before: Vec<Node>, after: Vec<Node>) -> Difference {
    let (old, new) = (survey(before), survey(after));
    difference((&old, &judge(&old)), (&new, &judge(&new)))
}

fn healthy(at: i64) -> Vec<Node> {
    ALL.iter().map(|name| Node::new(name).synced(3, ALL, at)).collect()
}

fn node<'a>(difference: &'a Difference, name: &str) -> &'a NodeDifference {
    difference.nodes.iter().find(|node| node.name.as_str() == name).unwrap()
}

fn fact<'a>(difference: &'a Difference, node: &str, name: &str) -> Option<&'a FactTurn> {
    self::node(difference, node).facts.iter().find(|fact| fact.name == name)
}

#[test]
fn that_a_cluster_writes_is_no_change_and_is_counted() {
    let difference = between(healthy(100), healthy(122));
    assert!(difference.is_nothing(), "{difference:?}");
    let counted: Vec<(&str, u64)> =
        difference.advanced.iter().map(|(name, by)| (name.as_str(), *by)).collect();
    assert_eq!(counted, [("g1", 22), ("g2", 22), ("g3", 22)]);
}

#[test]
fn a_node_that_is_killed() {
    let mut after = healthy(100);
    after[2] = Node::new("g3").crashed(ALL);
    let difference = between(healthy(100), after);
    assert_eq!(difference.verdict, Some(Turn { from: Verdict::Healthy, to: Verdict::Degraded }));
    let g3 = node(&difference, "g3");
    let server = g3.server.as_ref().unwrap();
    assert_eq!((&server.from, &server.to), (&Known::Known(Server::Running), &Known::Known(Server::Crashed)));
    let position = g3.position.as_ref().unwrap();
    assert!(position.from.known().is_some() && position.to.known().is_none() && position.by().is_none());
    assert_eq!(
        fact(&difference, "g3", "wsrep.last_committed").unwrap().fate(),
        Fate::Lost,
        "it moves, and is lost"
    );
    assert_eq!(fact(&difference, "g3", "unit.exec_main_code").unwrap().fate(), Fate::Learnt);
    assert_eq!(fact(&difference, "g3", "unit.active_state").unwrap().fate(), Fate::Changed);
    let came =
        difference.findings.iter().filter(|turn| turn.from.is_none()).filter_map(|turn| turn.to.as_ref());
    assert!(came.into_iter().any(|finding| finding.id == "galera.node-down"), "{:?}", difference.findings);
    let went: Vec<&str> = difference
        .findings
        .iter()
        .filter(|turn| turn.to.is_none())
        .filter_map(|turn| turn.from.as_ref())
        .map(|finding| finding.id)
        .collect();
    assert_eq!(went, ["galera.healthy"]);
}

#[test]
fn a_finding_about_other_nodes_has_changed_and_has_not_come() {
    let living = |members: &[&str]| {
        let node = |name: &&str| {
            let node = Node::new(name);
            if members.contains(name) { node.synced(4, members, 100) } else { node.stopped(90) }
        };
        ALL.iter().map(node).collect::<Vec<_>>()
    };
    let difference = between(living(&["g1", "g2"]), living(&["g1"]));
    let down: Vec<_> = difference
        .findings
        .iter()
        .filter(|turn| turn.from.iter().chain(&turn.to).any(|finding| finding.id == "galera.node-down"))
        .collect();
    assert_eq!(down.len(), 1, "{down:?}");
    let nodes = |finding: &Option<Finding>| finding.as_ref().unwrap().nodes.len();
    assert_eq!((nodes(&down[0].from), nodes(&down[0].to)), (1, 2));
}

#[test]
fn a_node_that_answers_again() {
    let mut before = healthy(100);
    before[1] = Node::new("g2").unreachable();
    let difference = between(before, healthy(100));
    let g2 = node(&difference, "g2");
    assert_eq!(g2.ssh, Some(Turn { from: ReachWord::Timeout, to: ReachWord::Ok }));
    assert!(g2.facts.len() > 20 && g2.facts.iter().all(|fact| fact.fate() == Fate::Learnt), "{g2:?}");
}

#[test]
fn positions_of_one_history_have_a_distance_and_others_have_none() {
    let stopped = |at| ALL.iter().map(|name| Node::new(name).stopped(at)).collect::<Vec<_>>();
    let by = |after: Vec<Node>| node(&between(stopped(100), after), "g1").position.clone().unwrap().by();
    assert_eq!(by(stopped(130)), Some(Ok(30)));
    assert_eq!(by(stopped(90)), Some(Err(10)));
    let elsewhere = ALL.iter().map(|name| Node::new(name).stopped(130).state_file(OTHER_UUID, 130)).collect();
    assert_eq!(by(elsewhere), None);
}

#[test]
fn a_running_server_that_goes_back_has_changed() {
    let difference = between(healthy(100), healthy(90));
    assert_eq!(node(&difference, "g1").position.as_ref().unwrap().by(), Some(Err(10)));
    assert!(difference.advanced.is_empty());
}

#[test]
fn a_primary_of_another_size_has_changed() {
    let two = &ALL[..2];
    let mut after: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, two, 100)).collect();
    after.push(Node::new("g3").unreachable());
    let primary = between(healthy(100), after).primary.unwrap();
    assert_eq!((primary.from.unwrap().size, primary.to.unwrap().size), (3, 2));
}

#[test]
fn a_distance_to_a_primary_that_writes_grows_by_itself() {
    let with = |at| {
        let mut nodes: Vec<Node> =
            ["g1", "g2"].iter().map(|name| Node::new(name).synced(4, &["g1", "g2"], at)).collect();
        nodes.push(Node::new("g3").stopped(80));
        nodes
    };
    assert!(between(with(100), with(120)).is_nothing());
    let dead = |at| ALL.iter().zip([at, 90, 80]).map(|(name, at)| Node::new(name).stopped(at)).collect();
    let difference = between(dead(100), dead(120));
    assert!(node(&difference, "g3").standing.is_some(), "{difference:?}");
}

/// Any survey of three nodes, as far as the difference looks.
fn state() -> impl Strategy<Value = Vec<Node>> {
    let one = |name: &'static str| {
        (0..5u8, 0..200i64, any::<bool>()).prop_map(move |(state, at, other)| {
            let node = Node::new(name);
            let node = match state {
                0 => node.synced(3, ALL, at),
                1 => node.stopped(at),
                2 => node.crashed(ALL),
                3 => node.non_primary(ALL, at),
                _ => node.unreachable(),
            };
            if other && state == 0 { node.set(keys::WSREP_LOCAL_UUID, uuid(OTHER_UUID)) } else { node }
        })
    };
    (one("g1"), one("g2"), one("g3")).prop_map(|(a, b, c)| vec![a, b, c])
}

fn again(nodes: &[Node]) -> Vec<Node> {
    nodes.iter().map(|node| Node(node.0.clone())).collect()
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(nodes in state()) {
        prop_assert!(between(again(&nodes), nodes).is_nothing());
    }

    #[test]
    fn backwards_what_came_went(a in state(), b in state()) {
        let (forth, back) = (between(again(&a), again(&b)), between(b, a));
        let reversed = forth.verdict.map(|turn| Turn { from: turn.to, to: turn.from });
        prop_assert_eq!(reversed, back.verdict);
        let count = |difference: &Difference, came: bool| {
            difference.findings.iter().filter(|turn| if came { turn.from.is_none() } else { turn.to.is_none() }).count()
        };
        prop_assert_eq!(count(&forth, true), count(&back, false));
        prop_assert_eq!(count(&forth, false), count(&back, true));
        for node in &forth.nodes {
            let there = back.nodes.iter().find(|other| other.name == node.name);
            for fact in &node.facts {
                let fate = there.and_then(|there| there.facts.iter().find(|other| other.name == fact.name));
                match fact.fate() {
                    Fate::Learnt => prop_assert_eq!(fate.map(FactTurn::fate), Some(Fate::Lost)),
                    Fate::Lost => prop_assert_eq!(fate.map(FactTurn::fate), Some(Fate::Learnt)),
                    Fate::Changed => {}
                }
            }
        }
    }

    /// Only what an operator would call a change is one: any value of what moves by itself, on any node.
    #[test]
    fn counters_alone_are_no_change(queue in 0..u64::MAX, up in 0..u64::MAX, at in 100..i64::MAX) {
        let with = |queue: u64, up: u64, at: i64| {
            let nodes = healthy(at).into_iter();
            nodes.map(|node| node.set(keys::WSREP_RECV_QUEUE, queue).set(keys::HOST_UPTIME, up)).collect::<Vec<_>>()
        };
        prop_assert!(between(with(0, 0, 100), with(queue, up, at)).is_nothing());
    }
}

#[test]
fn the_log_is_news_where_a_line_is_known_that_was_not_there() {
    let with = |entries: &[&str]| {
        let entries: Vec<Plain> = entries.iter().map(|entry| plain(entry)).collect();
        let tail = vec![plain(&format!("{entries:?}"))];
        healthy(100)
            .into_iter()
            .map(|node| node.set(keys::LOG_KNOWN, entries.clone()).set(keys::LOG_TAIL, tail.clone()))
            .collect::<Vec<_>>()
    };
    let more = between(with(&["sst-failed 1 - -"]), with(&["sst-failed 2 - -"]));
    assert!(more.is_nothing());
    let gone = between(with(&["sst-failed 1 - -"]), with(&[]));
    assert!(gone.is_nothing(), "it is no longer in the part that is read");
    let new = between(with(&["sst-failed 1 - -"]), with(&["sst-failed 1 - -", "donor-gone 1 - -"]));
    assert!(fact(&new, "g1", "log.known").is_some());
}
