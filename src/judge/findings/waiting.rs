//! Servers whose start waits for a Primary Component that does not come (cases 17, 18).

use super::{Context, Finding, Severity, evidence, is_in, list, names};
use crate::facts::{Plain, keys};
use crate::judge::{Server, Verdict};

pub(super) fn waiting_for_primary(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|node, _| {
        (is_in(node, Server::Starting) || is_in(node, Server::Stopping))
            && node.survey.facts.get(keys::LOG_WAITING).is(|waiting| *waiting)
    });
    if nodes.is_empty() {
        return Vec::new();
    }
    let verb = if nodes.len() == 1 {
        "is stuck in its start: it waits"
    } else {
        "are stuck in their start: they wait"
    };
    let view = nodes.iter().any(|node| node.survey.facts.get(keys::GVWSTATE_MEMBERS).known().is_some());
    let why = if view {
        " With a saved view (gvwstate.dat) a server waits for all members of that view, answers no SQL, and ignores \
         SIGTERM."
    } else {
        ""
    };
    vec![Finding {
        id: "galera.waiting-for-primary",
        cases: vec![17, 18],
        severity: match context.verdict {
            Verdict::Outage => Severity::Outage,
            _ => Severity::Degraded,
        },
        nodes: names(&nodes),
        text: Plain::new(format!("{} {verb} for a Primary Component.{why}", list(&nodes))),
        next: Plain::new(
            "Start the missing members of the last view: together they form it by themselves. Only if one is lost for \
             good: end the waiting servers by the pid shown, recover all positions, then bootstrap.",
        ),
        evidence: evidence(
            &nodes,
            &[
                keys::UNIT_ACTIVE.name(),
                keys::UNIT_SUB.name(),
                keys::LOG_WAITING.name(),
                keys::GVWSTATE_VIEW.name(),
                keys::GVWSTATE_MEMBERS.name(),
                keys::SERVER_PIDS.name(),
            ],
        ),
        runbook: None,
        blocked_by: if context.reading.primary.is_some() { vec![] } else { context.bootstrap_blockers() },
    }]
}
