//! What could make a node bootstrap by itself (case 8, S10).

use super::{Context, Finding, Severity, evidence, list, names};
use crate::facts::{Plain, keys};

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
        next: Plain::new(
            "Take it away before any server is started, and keep what is a state file: galera-bootstrap and galera-rejoin do, \
             into quarantine.",
        ),
        evidence: evidence(&nodes, &[keys::LEFTOVERS.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}
