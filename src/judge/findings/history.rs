//! Nodes whose history is not simply behind.

use super::{Context, Finding, POSITION_FACTS, Severity, Sign, list, logged, quoted};
use crate::ask::lines::Seen;
use crate::facts::keys;
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
            // Each node that joins or leaves takes a position and carries nothing.
            let holds = if by <= context.data(|_, _| true).len() as u64 {
                "Membership changes take positions and carry nothing, so this can be no data at all, or all that it \
                 committed since the two parted."
            } else {
                "Membership changes take few of them: it holds what the Primary does not, up to all that it committed since \
                 the two parted."
            };
            let sign = Sign {
                id: "galera.node-ahead",
                cases: &[21],
                severity: Severity::Degraded,
                next: "Do not start it: it would abort, zero its state file and, restarted by its unit, be overwritten seconds \
                       later. Set Restart=no, copy its data directory, then choose.",
                facts: &[POSITION_FACTS, &[keys::UNIT_RESTART.name()]].concat(),
            };
            Some(sign.that(&[node], format!("{} is {by} positions beyond the Primary. {holds}", node.name())))
        })
        .flatten()
        .collect()
}

/// A node that aborted for being ahead: the abort took its state file's identity, and left the rows (case 21).
pub(super) fn aborted_ahead(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.node-ahead",
        cases: &[21],
        severity: Severity::Degraded,
        next: "Do not start it, and take no file away: its engine can hold write-sets that nobody else has, and the next start \
               overwrites them with a full copy. Set Restart=no, copy its data directory, recover its position from the copy \
               or an overlay, then choose.",
        facts: &[
            keys::LOG_KNOWN.name(),
            keys::GRASTATE_UUID.name(),
            keys::RECOVERED.name(),
            keys::UNIT_RESTART.name(),
        ],
    }
    .on(context, |node| {
        // Where it is still known to be ahead, that finding says by how much.
        let said = matches!(context.standing(node.name()), Some(Standing::Ahead(_)));
        reversed(node).filter(|_| !said).map(|seen| quoted(&seen))
    })
}

/// The abort's line in the log of a node that is down and has not been in the group since.
fn reversed(node: &NodeReading<'_>) -> Option<Seen> {
    logged(node, &["reversing-history"]).filter(|_| node.is_gone())
}

/// Another history.
pub(super) fn diverged(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|_, judged| judged.standing == Some(Standing::Diverged));
    if nodes.is_empty() || context.reading.views.split() {
        return Vec::new();
    }
    let why = context.nodes.iter().find(|judged| judged.standing == Some(Standing::Diverged));
    let why = why.map_or("", |judged| judged.why.as_str());
    Sign {
        id: "galera.diverged",
        cases: &[5, 49],
        severity: Severity::Degraded,
        next: "Do not start it beside the others: of another UUID it would be overwritten by a full transfer without a word; of \
               the same UUID it can be taken in as it is, and members that show one seqno then hold different rows. Copy its \
               data directory, find out when it was bootstrapped (its log), then choose.",
        facts: POSITION_FACTS,
    }
    .that(&nodes, format!("The history of {} cannot be ranked by seqno: {why}.", list(&nodes)))
}

/// Data that cannot be trusted whatever the position says (cases 2, 11).
pub(super) fn tainted(context: &Context<'_>) -> Vec<Finding> {
    // Who aborted for being ahead has a finding that keeps what it holds.
    let nodes =
        context.data(|node, judged| judged.standing == Some(Standing::Tainted) && reversed(node).is_none());
    if nodes.is_empty() {
        return Vec::new();
    }
    let why: Vec<String> = context
        .nodes
        .iter()
        .filter(|judged| nodes.iter().any(|node| *node.name() == judged.name))
        .map(|node| format!("{}: {}", node.name, node.why))
        .collect();
    let half = |node: &&NodeReading<'_>| {
        let facts = &node.survey.facts;
        facts.get(keys::LOG_HALF_FILLED).is(|half| *half)
            && facts.get(keys::LOG_EVICTED).is(|evicted| !evicted)
    };
    // Without its state file Galera takes a node for safe to bootstrap: that is for when a member can fill it.
    let next = if !context.nodes.iter().any(|node| node.standing == Some(Standing::Synced)) {
        "Leave it as it is, state file and all, and do not start it: there is no SYNCED member that could fill it. Copy its \
         data directory, and bring a Primary Component back from the others first."
    } else if nodes.iter().all(half) {
        "What is there is part of a copy: its old data is gone. Before it is started again, read in its log and the donor's \
         why the transfer ended, and see that the donor is SYNCED and has room; then move its state file and gcache away, \
         so that a SYNCED member fills it whole."
    } else {
        "Do not simply start it: an incremental transfer would keep the bad rows. Its server stopped, copy its data directory, \
         then move its state file and gcache away, so that a SYNCED member fills it whole."
    };
    Sign {
        id: "galera.tainted",
        cases: &[2, 11],
        severity: Severity::Degraded,
        next,
        facts: &[
            keys::LOG_EVICTED.name(),
            keys::LOG_HALF_FILLED.name(),
            keys::TRANSFER_MARKERS.name(),
            keys::WSREP_LOCAL_COMMENT.name(),
        ],
    }
    .that(&nodes, format!("Never a candidate. {}.", why.join("; ")))
}

/// Nothing there that could be ranked (case 1).
pub(super) fn empty(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|_, judged| judged.standing == Some(Standing::Empty));
    if nodes.is_empty() {
        return Vec::new();
    }
    let unasked: Vec<&NodeReading<'_>> = nodes
        .iter()
        .copied()
        .filter(|node| s13::may_hold_rows(node.survey, is_bare(node)).is_some())
        .collect();
    // Whose engine was asked holds nothing of any history; a hand can have put rows there all the same.
    let (strange, unasked): (Vec<_>, Vec<_>) =
        unasked.into_iter().partition(|node| s13::holds_none(node.survey));
    let cluster = &context.reading.survey.cluster;
    let asked = if context.reading.primary.is_some() {
        format!(
            "See that its volume is mounted; then a SYNCED member fills it whole (breakglass run galera-rejoin {cluster})."
        )
    } else {
        "See that its volume is mounted, and leave it down: it is filled when there is a Primary Component again.".to_owned()
    };
    let (next, runbook) = if unasked.is_empty() {
        let first = if strange.is_empty() {
            String::new()
        } else {
            format!(
                "The engine of {} is of no history, and there is no state file: look into its data directory for what a hand \
                 put there, such as a restored backup; a waiver (S13) then lets a full transfer overwrite it. ",
                list(&strange)
            )
        };
        (first + &asked, context.reading.primary.is_some().then_some("galera-rejoin"))
    } else {
        let first = format!(
            "Do not start {}. See that its volume is mounted, read the end of its log, and recover its position (breakglass \
             run galera-positions {cluster}; by hand from a copy or an overlay): it may hold what nobody else does.",
            list(&unasked)
        );
        (first, Some("galera-positions"))
    };
    let sign = Sign {
        id: "galera.empty",
        cases: &[1],
        severity: Severity::Warning,
        next: &next,
        facts: &[
            POSITION_FACTS,
            &[keys::GRASTATE_FILE.name(), keys::GRASTATE_SAFE.name(), keys::DATADIR_SYSTEM_SCHEMA.name()],
        ]
        .concat(),
    };
    let text = format!(
        "{} shows no cluster identity. Galera reads that as safe to bootstrap; bootstrapped, it would start a new history. An \
         abort for being ahead, an eviction, a failed transfer, a removed file and a volume that is not mounted all look like \
         this.",
        list(&nodes)
    );
    sign.that(&nodes, text).into_iter().map(|found| Finding { runbook, ..found }).collect()
}
