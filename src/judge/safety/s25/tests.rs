use super::*;
use crate::facts::{ClusterUuid, Plain, Position, PositionSource, Seqno, keys};

const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";

/// A node, what it holds, when it was last in the group (`HH:MM:SS`), and its bootstraps.
struct Node {
    name: NodeName,
    facts: Facts,
    position: Known<Held>,
    member: bool,
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}Z").parse().unwrap()
}

fn node(name: &str, seqno: i64, part: &str, bootstraps: &[String]) -> Node {
    let uuid: ClusterUuid = UUID.parse().unwrap();
    let held = Held {
        position: Position { uuid, seqno: Seqno::new(seqno).unwrap() },
        source: PositionSource::StateFile,
        at: Timestamp::UNIX_EPOCH,
    };
    let node = Node {
        name: NodeName::new(name).unwrap(),
        facts: Facts::new(),
        position: Known::Known(held),
        member: false,
    };
    node.set(keys::HOST_CLOCK_SKEW, 0)
        .set(keys::LOG_REACH, at("00:00:00"))
        .set(keys::LOG_TOOK_PART, at(part))
        .set(keys::LOG_BOOTSTRAPS, bootstraps.iter().map(Plain::new).collect())
}

impl Node {
    fn set<T: crate::facts::ValueType>(mut self, key: crate::facts::Key<T>, value: T) -> Self {
        self.facts.set(key, Known::Known(value), &Plain::new("log"), Timestamp::UNIX_EPOCH);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.facts.remove(name);
        self
    }

    fn member(mut self) -> Self {
        self.member = true;
        self
    }
}

fn group(time: &str, seqno: u64, after: &str) -> String {
    format!("2026-11-21T{time}Z group {UUID}:{seqno} after 2026-11-21T{after}Z")
}

fn component(time: &str, members: u64) -> String {
    format!("2026-11-21T{time}Z component {members} after 2026-11-21T06:00:00Z")
}

fn all(nodes: &[Node]) -> Vec<Relation> {
    let pasts: Vec<Past<'_>> = nodes
        .iter()
        .map(|node| Past {
            name: &node.name,
            facts: &node.facts,
            position: &node.position,
            read: true,
            down: !node.member,
            member: node.member,
        })
        .collect();
    relations(&pasts, nodes.len() as u64)
}

/// `g1-g2 Parted`, sorted.
fn said(nodes: &[Node]) -> Vec<String> {
    let mut said: Vec<String> = all(nodes)
        .iter()
        .map(|relation| format!("{}-{} {:?}", relation.node, relation.other, relation.kind))
        .collect();
    said.sort();
    said
}

#[test]
fn bootstraps_apart_from_each_other_are_seen() {
    // Both stopped, both bootstrapped: neither followed the other.
    let a = node("g1", 12235, "08:00:00", &[group("07:00:00", 12170, "06:59:00")]);
    let b = node("g2", 12224, "08:00:00", &[group("07:00:01", 12170, "06:59:10")]);
    assert_eq!(said(&[a, b]), ["g1-g2 Apart", "g2-g1 Apart"]);
    // pc.bootstrap on both sides of a partition.
    let a = node("g1", 5, "08:00:00", &[component("07:00:00", 1)]);
    let b = node("g2", 5, "08:00:00", &[component("07:01:00", 1)]);
    assert_eq!(said(&[a, b]), ["g1-g2 Apart", "g2-g1 Apart"]);
}

#[test]
fn bootstraps_one_after_the_other_are_one_history() {
    let a = node("g1", 99, "09:00:00", &[group("07:00:00", 5, "06:00:00")]);
    let b = node("g2", 99, "09:00:00", &[group("08:00:00", 90, "07:30:00")]);
    assert!(said(&[a, b]).is_empty());
    // The last view re-formed by itself: one event in three logs.
    let again = |name, time| node(name, 9, "09:00:00", &[component(time, 3)]);
    assert!(said(&[again("g1", "07:00:00"), again("g2", "07:00:01"), again("g3", "07:00:00")]).is_empty());
    let first = "2026-11-21T05:00:00Z group 00000000-0000-0000-0000-000000000000:-1 after -".to_owned();
    let (a, b) = (node("g1", 99, "09:00:00", &[first]), node("g2", 99, "09:00:00", &[]));
    assert!(said(&[a, b]).is_empty());
}

/// One wrong bootstrap is enough: whoever was outside and came further holds what the new epoch does not.
/// By weight fewer than half can be the Primary that others leave (tests/regressions/the-heavier-side.txt).
#[test]
fn whoever_took_part_while_nobody_came_was_elsewhere() {
    let two = |grew: &str| {
        let line =
            format!("{}{grew}", component("07:00:00", 2).replace(" after ", " in c2ec50de-8ffd,15 after "));
        let nodes = ["g2", "g3"].map(|name| node(name, 9, "09:00:00", std::slice::from_ref(&line)));
        let [g2, g3] = nodes;
        said(&[node("g1", 9, "08:00:00", &[]), g2.member(), g3.member()])
    };
    assert!(!two("").is_empty());
    assert!(!two(" grew 3@2026-11-21T08:30:00Z").is_empty(), "it came later");
    assert!(two(" grew 3@2026-11-21T07:30:00Z").is_empty());
}

/// Both sides of a cut can be bootstrapped within seconds, by one command sent to all: only the view's id tells two components
/// of one size apart (tests/fixtures/galera/03-kill9/autorestart-g1-log.txt).
#[test]
fn two_components_of_one_size_are_told_apart_by_their_views() {
    let formed = |name: &str, time: &str, view: &str| {
        let line = component(time, 2).replace(" after ", &format!("{view} after "));
        node(name, 9, "09:00:00", &[line])
    };
    let parted = |a: &str, b: &str, time: &str| {
        let nodes = [formed("g1", "07:00:00", a), formed("g2", time, b)];
        all(&nodes).iter().any(|there| there.kind == Kind::Apart)
    };
    assert!(parted(" in c2ec50de-8ffd,15", " in 0228bf06-b06c,15", "07:00:01"));
    assert!(parted(" in c2ec50de-8ffd,15", " in c2ec50de-8ffd,9", "07:00:06"));
    assert!(!parted(" in c2ec50de-8ffd,15", " in c2ec50de-8ffd,15", "07:00:06"));
    assert!(!parted("", " in c2ec50de-8ffd,15", "07:00:02"), "one moment, and one log does not say");
    assert!(parted("", " in c2ec50de-8ffd,15", "07:00:06"));
    assert!(parted("", "", "07:00:03"));
}

#[test]
fn a_node_outside_that_came_further_parted_from_all_inside() {
    let outside = |seqno, part| node("g1", seqno, part, &[]);
    let wrong = || node("g2", 140, "09:00:00", &[group("08:00:00", 100, "07:00:00")]);
    let joined = || node("g3", 140, "09:00:00", &[]);
    let parted = ["g1-g2 Parted", "g1-g3 Parted", "g2-g1 Parted", "g3-g1 Parted"];
    assert_eq!(said(&[outside(107, "07:30:00"), wrong(), joined()]), parted);
    let relations = all(&[outside(107, "07:30:00"), wrong(), joined()]);
    assert_eq!(relations[0].own, Some(7));
    assert!(relations[0].why.contains("at least 7 write-sets of its own"), "{}", relations[0].why);
    // It never came further, or it joined.
    assert!(said(&[outside(100, "07:30:00"), wrong(), joined()]).is_empty());
    assert!(said(&[outside(107, "08:30:00"), wrong(), joined()]).is_empty());
}

#[test]
fn what_is_not_known_makes_a_doubt() {
    let wrong = || node("g2", 140, "09:00:00", &[group("08:00:00", 100, "07:00:00")]);
    let outside = |part| node("g1", 107, part, &[]);
    let doubt = ["g1-g2 Doubted"];
    assert_eq!(said(&[outside("08:00:01"), wrong()]), doubt, "within the clocks' slack");
    let never = outside("07:00:00").without(keys::LOG_TOOK_PART.name());
    assert!(said(&[never, wrong()]).contains(&"g1-g2 Doubted".to_owned()));
    let no_clock = outside("07:00:00").without(keys::HOST_CLOCK_SKEW.name());
    assert!(said(&[no_clock, wrong()]).contains(&"g1-g2 Doubted".to_owned()));
    // pc.bootstrap: the line does not say from where.
    let pc = node("g2", 140, "09:00:00", &[component("08:00:00", 1)]);
    assert_eq!(said(&[outside("07:00:00"), pc]), doubt);
    let unread = node("g2", 140, "09:00:00", &[]).without(keys::LOG_BOOTSTRAPS.name());
    assert_eq!(said(&[outside("07:00:00"), unread]), doubt);
    let broken = node("g2", 140, "09:00:00", &["what".to_owned()]);
    assert_eq!(said(&[outside("07:00:00"), broken]), doubt);
}

/// The difference of the clocks is taken out before two machines' moments are compared.
#[test]
fn clocks_are_corrected() {
    let wrong = || node("g2", 140, "09:00:00", &[group("08:00:00", 100, "07:00:00")]);
    let fast = node("g1", 107, "08:30:00", &[]).set(keys::HOST_CLOCK_SKEW, 3600);
    assert_eq!(said(&[fast, wrong()]), ["g1-g2 Parted", "g2-g1 Parted"]);
}

#[test]
fn a_log_that_does_not_reach_back_is_a_doubt_about_who_was_down() {
    let down = || node("g1", 90, "07:00:00", &[]);
    let short = || node("g2", 140, "09:00:00", &[]).set(keys::LOG_REACH, at("08:00:00"));
    assert_eq!(said(&[down(), short()]), ["g1-g2 Doubted"]);
    assert!(all(&[down(), short()])[0].why.starts_with("g2's log does not reach back"));
    assert!(said(&[down().member(), short().member()]).is_empty(), "members are of one history");
    let without = short().without(keys::LOG_REACH.name());
    assert_eq!(said(&[down(), without]), ["g1-g2 Doubted"]);
}

#[test]
fn a_third_node_after_two_bootstraps_apart_is_of_neither_for_certain() {
    let one = || node("g1", 140, "09:00:00", &[group("08:00:00", 100, "07:00:00")]);
    let other = || node("g2", 150, "09:00:00", &[group("08:00:30", 100, "07:00:00")]);
    let third = |seqno| node("g3", seqno, "08:50:00", &[]);
    let apart = ["g1-g2 Apart", "g2-g1 Apart"];
    let ambiguous = ["g3-g1 Ambiguous", "g3-g2 Ambiguous"];
    assert_eq!(said(&[one(), other(), third(130)]), [apart, ambiguous].concat());
    assert_eq!(said(&[one(), other(), third(100)]), apart, "both hold all that it holds");
}

/// A Primary went on, and somebody bootstrapped another beside it.
#[test]
fn a_server_that_ran_through_anothers_bootstrap_may_have_been_elsewhere() {
    let ran = |started: &str| node("g1", 200, "09:00:00", &[]).set(keys::UNIT_STARTED, at(started));
    let wrong = || node("g2", 140, "09:00:00", &[group("08:00:00", 100, "07:00:00")]);
    assert_eq!(said(&[ran("06:00:00"), wrong()]), ["g1-g2 Doubted"]);
    assert!(said(&[ran("08:10:00"), wrong()]).is_empty());
    // The doubt stands on the one that may be started.
    assert_eq!(said(&[ran("06:00:00").member(), wrong()]), ["g2-g1 Doubted"]);
}

/// tests/regressions/pc-bootstrap-beside-a-primary.txt: pc.bootstrap on a node that was cut off, beside a living Primary.
#[test]
fn what_had_no_more_than_half_left_room_for_another_primary() {
    let alone = |grew: &str| [format!("{}{grew}", component("10:00:00", 1))];
    let beside = |grew: &str| {
        [
            node("g1", 140, "11:00:00", &[]).member(),
            node("g2", 120, "11:00:00", &alone(grew)),
            node("g3", 140, "11:00:00", &[]).member(),
        ]
    };
    let doubted = ["g2-g1 Doubted", "g2-g3 Doubted"];
    assert_eq!(said(&beside("")), doubted);
    assert_eq!(said(&beside(" grew 1@2026-11-21T10:00:00Z")), doubted);
    let two = " grew 1@2026-11-21T10:00:00Z 2@2026-11-21T10:30:00Z";
    assert!(said(&beside(two)).is_empty(), "no Primary of more than half was beside it any more");
    // The one that was cut off goes on, alone, and others come to it: who was last in a Primary before was in another.
    let left = |part: &str| {
        [
            node("g1", 140, part, &[]),
            node("g2", 120, "11:00:00", &alone(two)).member(),
            node("g3", 90, "09:00:00", &[]).member(),
        ]
    };
    assert_eq!(said(&left("10:20:00")), ["g1-g2 Doubted", "g1-g3 Doubted"], "g3 is in that one");
    assert!(said(&left("10:40:00")).is_empty());
}

/// tests/regressions/doubt-past-a-waiver.txt: who came to the one that bootstrapped is in as much doubt as that one is.
#[test]
fn a_doubt_is_one_with_all_that_can_have_been_in_it() {
    let unseen = |name, seqno| node(name, seqno, "09:00:00", &[]).without(keys::LOG_TOOK_PART.name());
    let by = || node("g1", 140, "11:00:00", &[group("10:00:00", 100, "09:00:00")]);
    let nodes = [by(), node("g2", 130, "11:00:00", &[]), unseen("g3", 110), node("g4", 90, "09:30:00", &[])];
    let found = said(&nodes);
    for wanted in ["g3-g1 Doubted", "g3-g2 Doubted"] {
        assert!(found.contains(&wanted.to_owned()), "{found:?}");
    }
    // The same where a log begins too late for a bootstrap to be seen.
    let late = node("g1", 140, "11:00:00", &[]).set(keys::LOG_REACH, at("10:30:00"));
    let nodes = [late, node("g2", 130, "11:00:00", &[]), node("g3", 110, "10:00:00", &[])];
    assert_eq!(said(&nodes), ["g3-g1 Doubted", "g3-g2 Doubted"]);
}
