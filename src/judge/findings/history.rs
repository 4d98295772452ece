//! Nodes whose history is not simply behind.

use super::{Context, Finding, POSITION_FACTS, Severity, evidence, list, names};
use crate::facts::{Plain, keys};
use crate::judge::{NodeReading, Standing};

/// A node beyond the Primary (case 21).
pub(super) fn ahead(context: &Context<'_>) -> Vec<Finding> {
    context
        .data(|_, judged| matches!(judged.standing, Some(Standing::Ahead(_))))
        .into_iter()
        .filter_map(|node| {
            let by = context.standing(node.name())?.by()?;
            let small = if by <= 3 { " A gap of 1 to 3 can be membership changes and hold no rows." } else { "" };
            Some(of(
                "galera.node-ahead",
                vec![21],
                Severity::Degraded,
                &[node],
                format!("{} holds {by} write-sets that the Primary does not.{small}", node.name()),
                "Do not start it: it would abort, zero its state file and, restarted by its unit, be overwritten seconds \
                 later. Set Restart=no, copy its data directory, then choose.",
                &[POSITION_FACTS, &[keys::UNIT_RESTART.name()]].concat(),
            ))
        })
        .collect()
}

/// Another history.
pub(super) fn diverged(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|_, judged| judged.standing == Some(Standing::Diverged));
    if nodes.is_empty() || context.reading.views.proved().len() > 1 {
        return Vec::new();
    }
    vec![of(
        "galera.diverged",
        vec![5, 14],
        Severity::Degraded,
        &nodes,
        format!(
            "The history of {} is another one: cluster UUIDs differ, and seqnos cannot rank them.",
            list(&nodes)
        ),
        "Do not start it beside the others: it would be overwritten by a full transfer without a word. Copy its data \
         directory, find out when it was bootstrapped (its log), then choose.",
        POSITION_FACTS,
    )]
}

/// Data that cannot be trusted whatever the position says (cases 2, 11).
pub(super) fn tainted(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|_, judged| judged.standing == Some(Standing::Tainted));
    if nodes.is_empty() {
        return Vec::new();
    }
    let why: Vec<String> = context
        .nodes
        .iter()
        .filter(|node| node.standing == Some(Standing::Tainted))
        .map(|node| format!("{}: {}", node.name, node.why))
        .collect();
    vec![of(
        "galera.tainted",
        vec![2, 11],
        Severity::Degraded,
        &nodes,
        format!("Never a candidate. {}.", why.join("; ")),
        "It needs a full state transfer from a SYNCED member; keep a copy of its data directory until then.",
        &[keys::LOG_EVICTED.name(), keys::TRANSFER_MARKERS.name(), keys::WSREP_LOCAL_COMMENT.name()],
    )]
}

/// Nothing there that could be ranked (case 1).
pub(super) fn empty(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|_, judged| judged.standing == Some(Standing::Empty));
    if nodes.is_empty() {
        return Vec::new();
    }
    vec![of(
        "galera.empty",
        vec![1],
        Severity::Warning,
        &nodes,
        format!(
            "{} shows no cluster identity. Galera reads such a state file as safe to bootstrap; bootstrapped, it would \
             start a new and empty history.",
            list(&nodes)
        ),
        "A joiner only. A zeroed state file can hide data: recover its position before you call it empty.",
        &[
            POSITION_FACTS,
            &[keys::GRASTATE_FILE.name(), keys::GRASTATE_SAFE.name(), keys::DATADIR_SYSTEM_SCHEMA.name()],
        ]
        .concat(),
    )]
}

fn of(
    id: &'static str,
    cases: Vec<u8>,
    severity: Severity,
    nodes: &[&NodeReading<'_>],
    text: String,
    next: &str,
    facts: &[&'static str],
) -> Finding {
    Finding {
        id,
        cases,
        severity,
        nodes: names(nodes),
        text: Plain::new(text),
        next: Plain::new(next),
        evidence: evidence(nodes, facts),
        runbook: None,
        blocked_by: vec![],
    }
}
