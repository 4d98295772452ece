//! Votes: arbitrators, two-node clusters, even sizes, ties (cases 7, 36, 37).

use super::{Context, Finding, Severity, Sign, list, logged, quoted};
use crate::facts::{NodeName, Role, keys};
use crate::judge::{NodeReading, Verdict, verdict};

/// Two data nodes and no third vote, and one of them is missing (case 37).
pub(super) fn two_nodes(context: &Context<'_>) -> Vec<Finding> {
    let voters = context.reading.nodes.iter().filter(|node| verdict::may_vote(node)).count();
    let missing = context.data(|node, _| !node.survey.ssh.is_ok() || node.is_gone());
    let left = context.data(|node, _| node.survey.ssh.is_ok() && !node.is_gone());
    if voters != 2 || context.reading.primary.is_some() || missing.len() != 1 || left.len() != 1 {
        return Vec::new();
    }
    let sign = Sign {
        id: "galera.two-nodes",
        cases: &[37],
        severity: if context.verdict == Verdict::Outage { Severity::Outage } else { Severity::Degraded },
        next: "Prove that the other is down (its process, its port 4567, its power), or fence it and say so: only then may the \
               survivor go on, and only if the other holds nothing more. An arbitrator on a third machine prevents this.",
        facts: super::VIEW_FACTS,
    };
    let text = format!(
        "Two nodes are two votes, and one of two is no majority: with {} down or out of reach, {} cannot tell a crash from a cut \
         network, and serves nobody.",
        list(&missing),
        list(&left)
    );
    sign.that(&left, text)
        .into_iter()
        .map(|found| Finding { blocked_by: context.bootstrap_blockers(), ..found })
        .collect()
}

/// Several candidates (case 7).
pub(super) fn tie(context: &Context<'_>) -> Vec<Finding> {
    if context.candidates.len() < 2 {
        return Vec::new();
    }
    let nodes = context.data(|node, _| context.candidates.contains(node.name()));
    let names: Vec<&str> = context.candidates.iter().map(NodeName::as_str).collect();
    // One seqno is one history only where no bootstrap may stand between the two (case 49).
    let doubt = context.reading.relations.iter().find(|relation| {
        context.candidates.contains(&relation.node) && context.candidates.contains(&relation.other)
    });
    let worth = match doubt {
        None => "any one of them will do".to_owned(),
        Some(doubt) => {
            format!("whether they hold the same rows is not known ({}: {})", doubt.node, doubt.why)
        }
    };
    Sign {
        id: "galera.tie",
        cases: &[7],
        severity: Severity::Warning,
        next: "Choose one, and bootstrap that one alone: two at once become two histories of one UUID.",
        facts: super::POSITION_FACTS,
    }
    .that(&nodes, format!("{} hold the same, the highest position: {worth}.", names.join(", ")))
}

/// Arbitrators: one that is missing, one that is in the way, one that does not speak the group's protocol (case 36).
pub(super) fn arbitrator(context: &Context<'_>) -> Vec<Finding> {
    let primary = context.reading.primary.as_ref();
    let arbitrators = || context.reading.nodes.iter().filter(|node| node.survey.role == Role::Arbitrator);
    // A member that was not read may be another copy.
    let votes = arbitrators().count() as u64 + 1;
    let alone = primary.filter(|primary| primary.members.len() == 1 && (2..=votes).contains(&primary.size));
    Sign {
        id: "galera.arbitrator",
        cases: &[36],
        severity: Severity::Warning,
        next: "An arbitrator votes and holds nothing: never a candidate, never a donor. Stop it before a cold bootstrap, start \
               it again when the first data nodes are SYNCED.",
        facts: &[
            keys::ARBITRATOR_PROCESS.name(),
            keys::ARBITRATOR_GROUP.name(),
            keys::ARBITRATOR_ADDRESS.name(),
            keys::WSREP_PEERS.name(),
            keys::LOG_KNOWN.name(),
        ],
    }
    .of(arbitrators(), |node| {
        let facts = &node.survey.facts;
        if let Some(seen) = logged(node, &["protocol-unsupported", "tls-handshake", "tls-expired"]) {
            return Some(quoted(&seen));
        }
        let process = facts.get(keys::ARBITRATOR_PROCESS);
        let process = process.known()?.to_string();
        if process.is_empty() {
            return Some("no garbd runs: its vote is missing".to_owned());
        }
        if let Some(primary) = alone {
            let last: Vec<&str> = primary.members.iter().map(NodeName::as_str).collect();
            return Some(format!("with it, {} alone is a Primary Component: one copy of the data left", last.join(", ")));
        }
        // One that was left alone stays a component of its own, and nobody looks for it (tests/fixtures/lab/garbd-alone).
        let outside = primary.filter(|primary| primary.members.len() as u64 == primary.size);
        strange_group(context, node).or_else(|| match (outside, primary) {
            (_, None) => Some(format!("garbd runs ({process}) while there is no Primary Component")),
            (Some(primary), _) => Some(format!(
                "garbd runs, and all {} members of the Primary Component are data nodes: its vote is missing until garbd is \
                 restarted",
                primary.size
            )),
            (None, Some(_)) => None,
        })
    })
}

/// garbd was started for another group than the data nodes are in.
fn strange_group(context: &Context<'_>, node: &NodeReading<'_>) -> Option<String> {
    let group = node.survey.facts.get(keys::ARBITRATOR_GROUP);
    let group = group.known().filter(|group| !group.as_str().is_empty())?;
    let names: Vec<String> = context
        .reading
        .data()
        .filter_map(|node| node.survey.facts.get(keys::VAR_CLUSTER_NAME).known().map(ToString::to_string))
        .collect();
    let first = names.first()?;
    names
        .iter()
        .all(|name| name != group.as_str())
        .then(|| format!("garbd was started for the group {group}, and the data nodes are in {first}"))
}

/// An even number of votes: a cut in the middle stops both halves.
pub(super) fn even(context: &Context<'_>) -> Vec<Finding> {
    // What the group counts, which may have members that nobody listed.
    let voters = context.reading.primary.as_ref().map_or(0, |primary| primary.size);
    if context.verdict != Verdict::Healthy || voters % 2 == 1 || voters == 0 {
        return Vec::new();
    }
    let nodes = context.data(|_, _| true);
    Sign {
        id: "galera.even-size",
        cases: &[37],
        severity: Severity::Info,
        next: "Add a node or an arbitrator on a machine of its own when there is time.",
        facts: &[keys::WSREP_CLUSTER_SIZE.name()],
    }
    .that(
        &nodes,
        format!("{voters} votes: a network cut in the middle leaves neither half with more than half, and both stop serving."),
    )
}
