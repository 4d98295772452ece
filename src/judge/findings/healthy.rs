//! Nothing is wrong, or nothing that we know of.

use super::{Context, Finding, Severity, VIEW_FACTS, Verdict, evidence, names};
use crate::facts::{Plain, Role, keys};
use crate::judge::blockers::unlisted;

pub(super) fn healthy(context: &Context<'_>) -> Vec<Finding> {
    if context.verdict != Verdict::Healthy {
        return Vec::new();
    }
    let nodes = context.data(|_, _| true);
    vec![Finding {
        id: "galera.healthy",
        cases: vec![],
        severity: Severity::Info,
        nodes: names(&nodes),
        text: Plain::new(
            "One Primary Component; every data node is SYNCED in it and confirmed by every other.",
        ),
        next: Plain::new("Nothing to do."),
        evidence: evidence(&nodes, VIEW_FACTS),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// The view has more members than the inventory has nodes.
pub(super) fn unknown_member(context: &Context<'_>) -> Vec<Finding> {
    let Some(primary) = &context.reading.primary else {
        let Some(blocked) = unlisted(context.reading) else { return Vec::new() };
        let nodes = context.data(|node, _| node.survey.facts.get(keys::GVWSTATE_MEMBERS).known().is_some());
        return vec![Finding {
            id: "galera.unknown-member",
            cases: vec![36],
            severity: Severity::Degraded,
            nodes: names(&nodes),
            text: Plain::new(format!("Breakglass cannot see all who were in the cluster: {}.", blocked.why)),
            next: blocked.would_change,
            evidence: evidence(&nodes, &[keys::GVWSTATE_MEMBERS.name()]),
            runbook: None,
            blocked_by: vec![],
        }];
    };
    let listed = context
        .reading
        .nodes
        .iter()
        .filter(|node| matches!(node.survey.role, Role::Data | Role::Arbitrator))
        .count();
    let listed = u64::try_from(listed).unwrap_or(u64::MAX);
    if primary.size <= listed {
        return Vec::new();
    }
    let members = context.data(|node, _| context.reading.is_member(node.name()));
    vec![Finding {
        id: "galera.unknown-member",
        cases: vec![36],
        severity: Severity::Warning,
        nodes: names(&members),
        text: Plain::new(format!(
            "The Primary Component has {} members, the inventory {listed} nodes that vote: somebody is in the group \
             whom Breakglass cannot see.",
            primary.size
        )),
        next: Plain::new("Add the missing node to the inventory, an arbitrator with role = \"arbitrator\"."),
        evidence: evidence(&members, VIEW_FACTS),
        runbook: None,
        blocked_by: vec![],
    }]
}
