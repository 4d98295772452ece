//! Nodes and servers that did not answer.

use super::{Context, Finding, Severity, evidence, is_in, list, names};
use crate::facts::{Plain, Reach, ReachWord, Role, keys};
use crate::judge::{NodeReading, Server};

/// Machines that were not reached: one finding per node, for each has its own reason and next step (case 6).
pub(super) fn unreachable(context: &Context<'_>) -> Vec<Finding> {
    context
        .reading
        .nodes
        .iter()
        .filter(|node| !node.survey.ssh.is_ok())
        .map(|node| {
            let severity =
                if node.survey.role == Role::Data { Severity::Degraded } else { Severity::Warning };
            let text = format!(
                "{} was not read ({}): {}. Not answering is not being down.",
                node.name(),
                node.survey.ssh.word.as_str(),
                node.survey.ssh.detail
            );
            finding("galera.unreachable", vec![6], severity, node, text, &node.survey.ssh)
        })
        .collect()
}

/// A server process that is stopped by a signal.
pub(super) fn frozen(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|node, _| is_in(node, Server::Frozen));
    if nodes.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.server-frozen",
        cases: vec![10],
        severity: Severity::Degraded,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "The server on {} is stopped by a signal (state T): its ports accept and nothing answers. Its peers give it \
             up after some seconds; thawed, it claims its old view for seconds more.",
            list(&nodes)
        )),
        next: Plain::new("Find out who stopped it before you continue it (kill -CONT PID)."),
        evidence: evidence(&nodes, &[keys::SERVER_STATE.name(), keys::SERVER_PIDS.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// The machine answers, a server runs, and SQL does not.
pub(super) fn sql_unanswered(context: &Context<'_>) -> Vec<Finding> {
    context
        .data(|node, _| {
            node.survey.ssh.is_ok()
                && is_in(node, Server::Running)
                && !matches!(node.survey.sql.word, ReachWord::Ok | ReachWord::NotTried)
        })
        .into_iter()
        .map(|node| {
            let sql = &node.survey.sql;
            let text = format!(
                "The server on {} runs and could not be asked ({}): {}.",
                node.name(),
                sql.word.as_str(),
                sql.detail
            );
            finding("galera.sql-unanswered", vec![], Severity::Degraded, node, text, sql)
        })
        .collect()
}

fn finding(
    id: &'static str,
    cases: Vec<u8>,
    severity: Severity,
    node: &NodeReading<'_>,
    text: String,
    reach: &Reach,
) -> Finding {
    Finding {
        id,
        cases,
        severity,
        nodes: vec![node.name().clone()],
        text: Plain::new(text),
        next: reach.next.clone(),
        evidence: evidence(&[node], &[keys::SERVER_STATE.name(), keys::UNIT_ACTIVE.name()]),
        runbook: None,
        blocked_by: vec![],
    }
}
