//! Nodes that a session of Breakglass keeps from starting (S21): one that is under way, or one that ended badly.

use super::{Context, Finding, Severity, evidence, list, names};
use crate::facts::{Plain, keys};

pub(super) fn frozen(context: &Context<'_>) -> Vec<Finding> {
    let nodes =
        context.data(|node, _| node.survey.facts.get(keys::UNIT_FROZEN).is(|by| !by.as_str().is_empty()));
    let Some(by) = nodes.first().and_then(|node| node.survey.facts.get(keys::UNIT_FROZEN).known().cloned())
    else {
        return Vec::new();
    };
    vec![Finding {
        id: "galera.frozen",
        cases: vec![9],
        severity: Severity::Warning,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "Session {by} of Breakglass keeps {} from being started or restarted by itself or by others.",
            list(&nodes)
        )),
        next: Plain::new(
            "If nobody walks that session any more, the next run from its workstation lifts it; by hand: remove \
             zz-breakglass.conf from the unit's drop-ins in /run/systemd/system, then systemctl daemon-reload.",
        ),
        evidence: evidence(&nodes, &[keys::UNIT_FROZEN.name(), keys::HOST_LEASE.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}
