//! Servers on their way up or down: those whose start waits for a Primary Component that does not come (cases 17,
//! 18), and those that are simply under way.

use super::{Context, Finding, Severity, evidence, is_in, list, names};
use crate::facts::{Plain, keys};
use crate::judge::{NodeReading, Server, Verdict};

fn waits(node: &NodeReading<'_>) -> bool {
    node.survey.facts.get(keys::LOG_WAITING).is(|waiting| *waiting)
}

/// A start or a stop that is under way and does not wait, as far as the log tells.
pub(super) fn under_way(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context
        .data(|node, _| (is_in(node, Server::Starting) || is_in(node, Server::Stopping)) && !waits(node));
    if nodes.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.server-under-way",
        cases: vec![],
        severity: Severity::Degraded,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "On {}, the server is starting or stopping: what it will be is not decided yet.",
            list(&nodes)
        )),
        next: Plain::new(
            "Read again in some seconds; a state transfer can take hours, and its files and processes show it.",
        ),
        evidence: evidence(
            &nodes,
            &[
                keys::UNIT_ACTIVE.name(),
                keys::UNIT_SUB.name(),
                keys::UNIT_STARTED.name(),
                keys::UNIT_START_TIMEOUT.name(),
                keys::TRANSFER_MARKERS.name(),
                keys::TRANSFER_PROCESSES.name(),
            ],
        ),
        runbook: None,
        blocked_by: context.blockers_without_primary(),
    }]
}

pub(super) fn waiting_for_primary(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context
        .data(|node, _| (is_in(node, Server::Starting) || is_in(node, Server::Stopping)) && waits(node));
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
        next: Plain::new(if context.reading.views.said() {
            "A Primary Component is there, or is claimed: mend the network to its members (ports 4567, 4568, 4444) and \
             these servers join it by themselves."
        } else if view {
            "Start the missing members of the last view: together they form it by themselves. If one is lost for good, \
             end the waiting servers by the pid shown (they ignore SIGTERM) and recover every position."
        } else {
            "Without a saved view they give up after some 30 s, and starting them together does not help. Recover every \
             position; the highest decides who may go on."
        }),
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
        runbook: if context.reading.views.said() { None } else { context.runbook() },
        blocked_by: context.blockers_without_primary(),
    }]
}
