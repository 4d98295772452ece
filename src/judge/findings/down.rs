//! Servers that are down: one of a living cluster, or all of them.

use super::{
    Blocked, Context, Finding, POSITION_FACTS, SERVER_FACTS, Server, Severity, Verdict, evidence, is_gone,
    is_in, list, names,
};
use crate::facts::{Known, NodeName, Plain, keys};
use crate::judge::safety::s07;
use crate::judge::{NodeReading, Standing};

/// Some server is down, and a Primary is proved without it.
pub(super) fn node_down(context: &Context<'_>) -> Vec<Finding> {
    let down = context.data(|node, _| is_gone(node));
    if context.verdict != Verdict::Degraded || down.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.node-down",
        cases: vec![],
        severity: Severity::Degraded,
        nodes: names(&down),
        text: Plain::new(format!(
            "{} {} down; the Primary Component goes on without.",
            list(&down),
            are(&down)
        )),
        next: Plain::new(rejoin(context, &down)),
        evidence: evidence(&down, &[SERVER_FACTS, POSITION_FACTS].concat()),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// Which of the nodes that are down can be started, and what has to come first for the others (S8, S26).
fn rejoin(context: &Context<'_>, down: &[&NodeReading<'_>]) -> String {
    let of = |test: fn(Standing) -> bool| -> Vec<&NodeReading<'_>> {
        down.iter().copied().filter(|node| context.standing(node.name()).is_some_and(test)).collect()
    };
    let behind = of(|standing| matches!(standing, Standing::Behind(_)));
    let unknown = of(|standing| matches!(standing, Standing::Unknown | Standing::Empty));
    let mut next = Vec::new();
    if !behind.is_empty() {
        next.push(format!(
            "{} is behind and can be started (systemctl start), one node at a time, the next when the one before is \
             SYNCED; look at the end of its log first for why it went down. Not if anybody bootstrapped this cluster twice \
             since: then its rows can differ at any seqno, and it needs a full transfer.",
            list(&behind)
        ));
    }
    if !unknown.is_empty() {
        next.push(format!(
            "{}: recover the position first (mariadbd --wsrep-recover on an overlay or a copy of the data directory). A \
             node that turns out to be ahead of the Primary would, once started, abort and be overwritten.",
            list(&unknown)
        ));
    }
    if behind.len() + unknown.len() < down.len() {
        next.push("The others have findings of their own: do not start them.".to_owned());
    }
    next.push("Never bootstrap beside a living Primary.".to_owned());
    next.join(" ")
}

/// No Primary is proved, and servers are down: what stopped, what crashed, who holds the most, what is in the way.
pub(super) fn all_down(context: &Context<'_>) -> Vec<Finding> {
    let down = context.data(|node, _| is_gone(node));
    if down.is_empty() || !context.reading.views.proved().is_empty() {
        return Vec::new();
    }
    let up = context.data(|node, _| !is_gone(node) && node.server.known().is_some());
    let unread = context.data(|node, _| !is_gone(node) && node.server.known().is_none());
    let stopped = down.iter().filter(|node| is_in(node, Server::Stopped)).count();
    let crashed = down.iter().filter(|node| is_in(node, Server::Crashed)).count();
    let (id, cases, how) = if !up.is_empty() {
        ("galera.no-primary", vec![], "is down")
    } else if stopped == down.len() {
        ("galera.all-stopped", vec![4, 48], "has stopped cleanly")
    } else if crashed == down.len() {
        ("galera.all-crashed", vec![12, 13], "has crashed")
    } else {
        ("galera.all-down", vec![4, 12], "is down")
    };
    let mut text = vec![match (up.is_empty(), unread.is_empty()) {
        (true, true) => format!("Every server {how}; there is no Primary Component."),
        (true, false) => format!("Every server that could be read {how}."),
        (false, _) => {
            format!("{} {} down, and {} in no proved Primary Component.", list(&down), are(&down), list(&up))
        }
    }];
    if !unread.is_empty() {
        let were = if unread.len() == 1 { "was" } else { "were" };
        let may = if context.verdict == Verdict::Outage {
            "hold more"
        } else {
            "be in a Primary Component, or hold more"
        };
        text.push(format!("{} {were} not read and may {may}.", list(&unread)));
    }
    let candidates: Vec<&str> = context.candidates.iter().map(NodeName::as_str).collect();
    text.push(match candidates.as_slice() {
        [] => "Which node holds the most is not known.".to_owned(),
        [one] => format!("{one} has the highest position."),
        several => {
            format!("{} have the same position, the highest; the choice is yours.", several.join(", "))
        }
    });
    if crashed > 1 {
        text.push(
            "Galera can lose acknowledged writes when nodes crash close together; no position shows those."
                .to_owned(),
        );
    }
    let blocked_by = context.bootstrap_blockers();
    vec![Finding {
        id,
        cases,
        severity: if context.verdict == Verdict::Outage { Severity::Outage } else { Severity::Degraded },
        nodes: names(&down),
        text: Plain::new(text.join(" ")),
        next: Plain::new(next(context, &down, &unread, &up, &blocked_by)),
        evidence: evidence(&down, &[SERVER_FACTS, POSITION_FACTS, &[keys::GVWSTATE_VIEW.name()]].concat()),
        runbook: None,
        blocked_by,
    }]
}

/// A bootstrap is only ever named where nothing is in its way and nothing surveyed would be lost by it.
fn next(
    context: &Context<'_>,
    down: &[&NodeReading<'_>],
    unread: &[&NodeReading<'_>],
    up: &[&NodeReading<'_>],
    blocked_by: &[Blocked],
) -> String {
    if !unread.is_empty() {
        return "Reach the missing nodes first: nothing may be bootstrapped past a node that was not seen."
            .to_owned();
    }
    if context.nodes.iter().any(|node| node.standing == Some(Standing::Diverged)) {
        return "Start and bootstrap nothing: there is more than one history here, and the first to start decides which \
                one is overwritten. Copy the data directories, then choose."
            .to_owned();
    }
    let soon: Vec<&NodeReading<'_>> = down
        .iter()
        .copied()
        .filter(|node| {
            node.survey.facts.get(keys::UNIT_SUB).is(|sub| sub.as_str().starts_with("auto-restart"))
        })
        .collect();
    if !soon.is_empty() {
        return format!(
            "systemd is about to start {} by itself (Restart=): look again in some seconds. Members of one saved view \
             re-form it so; a node that is ahead of the others would be overwritten, and only Restart=no stops that.",
            list(&soon)
        );
    }
    if up.is_empty() && re_forms(down) && !blocked_by.iter().any(|blocked| blocked.rule == "S10") {
        return "All members of the last Primary view are here with their saved view (gvwstate.dat): started together \
                (systemctl start on all of them within seconds) they re-form it by themselves, with no bootstrap."
            .to_owned();
    }
    if blocked_by.is_empty() && context.loss.is(|loss| loss.0 == 0) {
        let behind: Vec<&NodeReading<'_>> = down
            .iter()
            .copied()
            .filter(|node| matches!(context.standing(node.name()), Some(Standing::Behind(_))))
            .collect();
        let then = if behind.is_empty() {
            String::new()
        } else {
            format!(", then start {} one at a time, each when the one before is SYNCED", list(&behind))
        };
        return format!(
            "Copy every node's grastate.dat first (a refused bootstrap rewrites it). Then bootstrap the candidate you \
             choose (galera_new_cluster){then}."
        );
    }
    if context.candidates.is_empty() {
        return "Recover the position of every node (mariadbd --wsrep-recover as the server's user, on an overlay or a \
                copy of the data directory) before any start; safe_to_bootstrap is only a hint."
            .to_owned();
    }
    match context.loss {
        Known::Unknown(why) => format!(
            "Start and bootstrap nothing yet: what that would lose is not known ({}). Settle it, and what is listed \
             below, first.",
            why.text
        ),
        Known::Known(_) => "Start and bootstrap nothing yet: clear what is listed below first.".to_owned(),
    }
}

fn are(nodes: &[&NodeReading<'_>]) -> &'static str {
    if nodes.len() == 1 { "is" } else { "are" }
}

/// All members of one saved Primary view are here, each with that view and none of them in doubt.
fn re_forms(down: &[&NodeReading<'_>]) -> bool {
    let view = |node: &NodeReading<'_>| node.survey.facts.get(keys::GVWSTATE_VIEW).known().cloned();
    let Some(first) = down.first().and_then(|node| view(node)) else { return false };
    down.iter().all(|node| {
        view(node).as_ref() == Some(&first)
            && node.survey.facts.get(keys::GVWSTATE_MEMBERS).is(|members| members.len() == down.len())
            && node.tainted().is_none()
            && s07::not_cleared(node.survey).is_none()
    })
}
