//! Servers that are down: one of a living cluster, or all of them.

use super::{
    Context, Finding, POSITION_FACTS, SERVER_FACTS, Server, Severity, Verdict, evidence, is_down, is_in,
    list, names,
};
use crate::facts::{Plain, keys};
use crate::judge::NodeReading;

/// Some server is down, and a Primary is proved without it.
pub(super) fn node_down(context: &Context<'_>) -> Vec<Finding> {
    let down = context.data(|node, _| is_down(node));
    if context.verdict != Verdict::Degraded || down.is_empty() {
        return Vec::new();
    }
    let verb = if down.len() == 1 { "is" } else { "are" };
    vec![Finding {
        id: "galera.node-down",
        cases: vec![],
        severity: Severity::Degraded,
        nodes: names(&down),
        text: Plain::new(format!("{} {verb} down; the Primary Component goes on without.", list(&down))),
        next: Plain::new(
            "Look at the end of the log for why, then start one node at a time (systemctl start) and wait until it is \
             SYNCED. Never start a node that is AHEAD or DIVERGED, and never bootstrap.",
        ),
        evidence: evidence(&down, &[SERVER_FACTS, POSITION_FACTS].concat()),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// Every server that could be read is down, and no Primary is.
pub(super) fn all_down(context: &Context<'_>) -> Vec<Finding> {
    let down = context.data(|node, _| is_down(node));
    let up = context.data(|node, _| node.server.known().is_some() && !is_down(node));
    if down.is_empty() || !up.is_empty() {
        return Vec::new();
    }
    let unread = context.data(|node, _| node.server.known().is_none());
    let crashed = down.iter().filter(|node| is_in(node, Server::Crashed)).count();
    let (id, cases, how) = match crashed {
        0 => ("galera.all-stopped", vec![4, 48], "stopped cleanly"),
        n if n == down.len() => ("galera.all-crashed", vec![12, 13], "crashed"),
        _ => ("galera.all-down", vec![4, 12], "down, some stopped cleanly and some crashed"),
    };
    let scope = if unread.is_empty() { "Every server has" } else { "Every server that could be read has" };
    let how = if crashed > 0 && crashed < down.len() { format!("gone {how}") } else { how.to_owned() };
    let mut text = format!("{scope} {how}; no Primary Component can form by itself.");
    if !unread.is_empty() {
        text = format!(
            "{scope} {how}. {} was not read and may be in a Primary Component, or hold more.",
            list(&unread)
        );
    }
    if context.verdict == Verdict::Outage {
        let most = match context.candidates {
            [] => "Which node holds the most is not known.".to_owned(),
            [one] => format!("{one} holds the most."),
            several => {
                let all: Vec<&str> = several.iter().map(crate::facts::NodeName::as_str).collect();
                format!("{} hold the same, the most; choose one.", all.join(", "))
            }
        };
        text = format!("{text} {most}");
    }
    let severity = if context.verdict == Verdict::Outage { Severity::Outage } else { Severity::Degraded };
    vec![Finding {
        id,
        cases,
        severity,
        nodes: names(&down),
        text: Plain::new(text),
        next: Plain::new(next(context, &down, unread.is_empty(), crashed > 0)),
        evidence: evidence(&down, &[SERVER_FACTS, POSITION_FACTS, &[keys::GVWSTATE_VIEW.name()]].concat()),
        runbook: None,
        blocked_by: context.bootstrap_blockers(),
    }]
}

fn next(context: &Context<'_>, down: &[&NodeReading<'_>], all_read: bool, crashed: bool) -> String {
    if !all_read {
        return "Reach the missing nodes first: nothing may be bootstrapped past a node that was not seen."
            .to_owned();
    }
    if crashed && re_forms(down) {
        return "All members of the last Primary view are here with their saved view (gvwstate.dat): started together \
                (systemctl start on all of them within seconds) they re-form it by themselves, with no bootstrap."
            .to_owned();
    }
    match context.candidates {
        [] => "Recover the position of every node (mariadbd --wsrep-recover as the server's user, on an overlay or a \
               copy of the data directory) before any start; safe_to_bootstrap is only a hint."
            .to_owned(),
        _ => "Copy every node's grastate.dat first, then bootstrap the candidate (galera_new_cluster) and start the \
              others one at a time, each after the one before is SYNCED."
            .to_owned(),
    }
}

/// All members of one saved Primary view are here, each with that view.
fn re_forms(down: &[&NodeReading<'_>]) -> bool {
    let view = |node: &NodeReading<'_>| node.survey.facts.get(keys::GVWSTATE_VIEW).known().cloned();
    let Some(first) = down.first().and_then(|node| view(node)) else { return false };
    down.iter().all(|node| {
        view(node).as_ref() == Some(&first)
            && node.survey.facts.get(keys::GVWSTATE_MEMBERS).is(|members| members.len() == down.len())
    })
}
