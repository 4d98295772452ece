//! S25 (waivable): A seqno compares histories only within one epoch. A bootstrap or pc.bootstrap at position P opens a new
//! one; a node outside it whose position exceeded P is DIVERGED even when its seqno is now lower, and never joins
//! incrementally. Where P is unknown and two bootstraps are possible: full transfer.
//!
//! What stands here sees two bootstraps of one history in the logs of two nodes, the later one made by a node that had
//! not taken part in any Primary Component since the earlier. Its own epoch then began outside the other's.

use jiff::Timestamp;

use super::Blocked;
use crate::facts::{Facts, NodeName, keys};

/// A bootstrap as its node's log tells it: `TIME KIND WHAT after TIME`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bootstrap<'a> {
    node: &'a NodeName,
    at: Timestamp,
    /// The history; `None` for a component formed by bootstrap, whose line does not say.
    uuid: Option<String>,
    /// How many members it began with, where the line says.
    members: Option<u64>,
    /// When the node had last taken part in a Primary Component before.
    after: Option<Timestamp>,
}

/// Nodes whose logs show that they bootstrapped apart from each other.
pub fn parted<'a>(data_nodes: impl IntoIterator<Item = (&'a NodeName, &'a Facts)>) -> Vec<Blocked> {
    let all: Vec<Bootstrap<'_>> =
        data_nodes.into_iter().flat_map(|(node, facts)| bootstraps(node, facts)).collect();
    let mut parted: Vec<Blocked> = Vec::new();
    for later in &all {
        let Some(earlier) = all.iter().find(|earlier| apart(earlier, later)) else { continue };
        for (one, other) in [(later, earlier), (earlier, later)] {
            if !parted.iter().any(|blocked| blocked.node.as_ref() == Some(one.node)) {
                parted.push(Blocked::on(
                    "S25",
                    one.node,
                    format!(
                        "it bootstrapped at {:.0}, and {} at {:.0}, apart from each other",
                        one.at, other.node, other.at
                    ),
                    "choose one history; every node of the other needs a full transfer",
                ));
            }
        }
    }
    parted
}

fn apart(earlier: &Bootstrap<'_>, later: &Bootstrap<'_>) -> bool {
    let same_history = match (&earlier.uuid, &later.uuid) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    // Re-forming the last view by itself is logged by all its members, each as a bootstrap of that many.
    let one_event = earlier.members.is_some_and(|n| n > 1)
        && earlier.members == later.members
        && later.at.duration_since(earlier.at).as_secs() < 10;
    earlier.node != later.node
        && earlier.at <= later.at
        && same_history
        && !one_event
        && later.after.is_none_or(|after| after < earlier.at)
}

fn bootstraps<'a>(node: &'a NodeName, facts: &Facts) -> Vec<Bootstrap<'a>> {
    let lines = facts.get(keys::LOG_BOOTSTRAPS);
    lines.known().map_or_else(Vec::new, |lines| {
        lines.iter().filter_map(|line| bootstrap(node, line.as_str())).collect()
    })
}

fn bootstrap<'a>(node: &'a NodeName, line: &str) -> Option<Bootstrap<'a>> {
    let (line, after) = line.split_once(" after ")?;
    let mut words = line.split(' ');
    let at = words.next()?.parse().ok()?;
    let (kind, what) = (words.next()?, words.next()?);
    let uuid = (kind == "group").then(|| what.split(':').next().unwrap_or_default().to_owned());
    // The very first bootstrap makes the history; nobody can have been in it before.
    if uuid.as_deref().is_some_and(|uuid| uuid.starts_with("00000000-")) {
        return None;
    }
    Some(Bootstrap {
        node,
        at,
        uuid,
        members: (kind == "component").then(|| what.parse().ok()).flatten(),
        after: after.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Known, Plain};

    const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";

    fn names(nodes: &[(&str, &[String])]) -> Vec<String> {
        let nodes: Vec<(NodeName, Facts)> = nodes
            .iter()
            .map(|(name, lines)| {
                let mut facts = Facts::new();
                let lines = lines.iter().map(Plain::new).collect();
                facts.set(
                    keys::LOG_BOOTSTRAPS,
                    Known::Known(lines),
                    &Plain::new("log"),
                    Timestamp::UNIX_EPOCH,
                );
                (NodeName::new(name).unwrap(), facts)
            })
            .collect();
        let parted = parted(nodes.iter().map(|(name, facts)| (name, facts)));
        parted.iter().filter_map(|blocked| blocked.node.as_ref()).map(ToString::to_string).collect()
    }

    fn group(at: &str, seqno: u64, after: &str) -> String {
        format!("2026-11-21T{at}Z group {UUID}:{seqno} after 2026-11-21T{after}Z")
    }

    #[test]
    fn bootstraps_apart_from_each_other_are_seen() {
        // Both stopped, both bootstrapped: neither followed the other.
        let (a, b) = ([group("07:00:00", 12170, "06:59:00")], [group("07:00:01", 12170, "06:59:10")]);
        assert_eq!(names(&[("g1", &a), ("g2", &b)]), ["g2", "g1"]);
        // pc.bootstrap on both sides of a partition.
        let side = |at: &str| [format!("2026-11-21T{at}Z component 1 after 2026-11-21T06:00:00Z")];
        assert_eq!(names(&[("g1", &side("07:00:00")), ("g2", &side("07:01:00"))]).len(), 2);
    }

    #[test]
    fn bootstraps_one_after_the_other_are_one_history() {
        let (a, b) = ([group("07:00:00", 5, "06:00:00")], [group("08:00:00", 90, "07:30:00")]);
        assert!(names(&[("g1", &a), ("g2", &b)]).is_empty());
        // The last view re-formed by itself: one event in three logs.
        let all = |at: &str| [format!("2026-11-21T{at}Z component 3 after 2026-11-21T06:00:00Z")];
        assert!(names(&[("g1", &all("07:00:00")), ("g2", &all("07:00:01"))]).is_empty());
        let first = ["2026-11-21T05:00:00Z group 00000000-0000-0000-0000-000000000000:-1 after -".to_owned()];
        assert!(names(&[("g1", &first), ("g2", &b)]).is_empty());
    }
}
