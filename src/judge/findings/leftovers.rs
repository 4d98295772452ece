//! What could make a node bootstrap by itself (case 8, S10).

use super::{Blocked, Context, Finding, Severity, evidence, list, names};
use crate::facts::{Known, Plain, keys};
use crate::judge::Reading;

pub(super) fn leftovers(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|node, _| node.survey.facts.get(keys::LEFTOVERS).is(|found| !found.is_empty()));
    if nodes.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.bootstrap-leftover",
        cases: vec![8],
        severity: Severity::Warning,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "{} would bootstrap a cluster of its own at its next start: {}.",
            list(&nodes),
            nodes
                .iter()
                .filter_map(|node| node.survey.facts.get(keys::LEFTOVERS).known().cloned())
                .flatten()
                .map(|place| place.to_string())
                .collect::<Vec<_>>()
                .join("; ")
        )),
        next: Plain::new("Remove it before any server is started."),
        evidence: evidence(&nodes, &[keys::LEFTOVERS.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}

pub(super) fn blocked(reading: &Reading<'_>) -> Vec<Blocked> {
    reading
        .data()
        .flat_map(|node| match node.survey.facts.get(keys::LEFTOVERS) {
            Known::Known(found) => found
                .iter()
                .map(|place| Blocked::on("S10", node.name(), place.as_str(), "remove it"))
                .collect::<Vec<_>>(),
            // A node that was not read at all is S4's and S5's.
            Known::Unknown(_) if !node.survey.ssh.is_ok() => Vec::new(),
            Known::Unknown(why) => {
                let why = format!("whether it would bootstrap by itself is not known: {}", why.text);
                vec![Blocked::on(
                    "S10",
                    node.name(),
                    why,
                    "read its option files, unit and manager environment",
                )]
            }
        })
        .collect()
}
