//! Nodes whose history is not simply behind.

use super::{Context, Finding, POSITION_FACTS, Severity, evidence, list, names};
use crate::facts::{Plain, keys};
use crate::judge::safety::s13;
use crate::judge::standing::is_bare;
use crate::judge::{NodeReading, Standing};

/// A node beyond the Primary (case 21).
pub(super) fn ahead(context: &Context<'_>) -> Vec<Finding> {
    context
        .data(|_, judged| matches!(judged.standing, Some(Standing::Ahead(_))))
        .into_iter()
        .filter_map(|node| {
            let by = context.standing(node.name())?.by()?;
            let small = if by <= 3 { " Membership changes count too: a gap of 1 to 3 can be empty, or not." } else { "" };
            Some(of(
                "galera.node-ahead",
                vec![21],
                Severity::Degraded,
                &[node],
                format!(
                    "{} is {by} beyond the Primary: it holds at least that many write-sets that the Primary does not, and \
                     all it committed since the two parted.{small}",
                    node.name()
                ),
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
    if nodes.is_empty() || context.reading.views.split() {
        return Vec::new();
    }
    vec![of(
        "galera.diverged",
        vec![5, 49],
        Severity::Degraded,
        &nodes,
        format!(
            "The history of {} cannot be ranked by seqno: {}.",
            list(&nodes),
            context
                .nodes
                .iter()
                .find(|judged| judged.standing == Some(Standing::Diverged))
                .map_or("", |judged| judged.why.as_str())
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
        "Do not simply start it: an incremental transfer would keep the bad rows. Copy its data directory, then take its \
         state file and gcache away, so that a SYNCED member fills it whole.",
        &[keys::LOG_EVICTED.name(), keys::TRANSFER_MARKERS.name(), keys::WSREP_LOCAL_COMMENT.name()],
    )]
}

/// Nothing there that could be ranked (case 1).
pub(super) fn empty(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|_, judged| judged.standing == Some(Standing::Empty));
    if nodes.is_empty() {
        return Vec::new();
    }
    let unasked = |node: &&&NodeReading<'_>| s13::may_hold_rows(node.survey, is_bare(node)).is_some();
    let runbook = match nodes.iter().find(unasked) {
        Some(_) => Some("galera-positions"),
        None => context.reading.primary.is_some().then_some("galera-rejoin"),
    };
    let found = of(
        "galera.empty",
        vec![1],
        Severity::Warning,
        &nodes,
        format!(
            "{} shows no cluster identity. Galera reads that as safe to bootstrap; bootstrapped, it would start a new \
             history. An abort for being ahead, an eviction, a failed transfer, a removed file and a volume that is not \
             mounted all look like this.",
            list(&nodes)
        ),
        &format!(
            "Do not start it. See that its volume is mounted, read the end of its log, and recover its position \
             (breakglass run galera-positions {}; by hand from a copy or an overlay): it may hold what nobody else does.",
            context.reading.survey.cluster
        ),
        &[
            POSITION_FACTS,
            &[keys::GRASTATE_FILE.name(), keys::GRASTATE_SAFE.name(), keys::DATADIR_SYSTEM_SCHEMA.name()],
        ]
        .concat(),
    );
    vec![Finding { runbook, ..found }]
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
