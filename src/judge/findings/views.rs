//! What the nodes say of the group, held against each other.

use super::{Context, Finding, Severity, Sign, VIEW_FACTS, evidence, is_in, list, logged, names, quoted};
use crate::facts::{Plain, keys};
use crate::judge::view::{Claim, has_all_peers};
use crate::judge::{NodeReading, Server, Standing, Verdict};

/// Two Primary Components, each confirmed by its members (case 20).
pub(super) fn two_primaries(context: &Context<'_>) -> Vec<Finding> {
    let proved = context.reading.views.proved();
    let rivals = context.reading.views.rivals();
    if !context.reading.views.split() {
        return Vec::new();
    }
    let nodes = context.data(|node, _| context.reading.views.claims(node.name()));
    let side =
        |claims: &[&Claim]| claims.iter().map(|claim| claim.node.as_str()).collect::<Vec<_>>().join(", ");
    let mut sides: Vec<String> = proved.iter().map(|claims| side(claims)).collect();
    if !rivals.is_empty() {
        sides.push(format!("{}, not confirmed", side(&rivals)));
    }
    vec![Finding {
        id: "galera.two-primaries",
        cases: vec![7, 20],
        severity: Severity::Outage,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "Split brain: more than one Primary Component takes writes, apart from each other ({}).",
            sides.join(" | ")
        )),
        next: Plain::new(
            "Stop the writers of one side now, and keep its servers and data as they are: its write-sets exist nowhere \
             else. Do not heal the network before you have chosen: when the two meet, either can abort the other, or both can \
             stay as they are.",
        ),
        evidence: evidence(&nodes, VIEW_FACTS),
        runbook: None,
        blocked_by: context.bootstrap_blockers(),
    }]
}

/// Claims of a Primary that do not confirm each other: stale views, or too few of the view's members were read.
pub(super) fn contradict(context: &Context<'_>) -> Vec<Finding> {
    let views = &context.reading.views;
    if views.split() {
        return Vec::new();
    }
    let doubted = context.data(|node, _| views.says(node.name()) && !context.reading.is_member(node.name()));
    if doubted.is_empty() {
        return Vec::new();
    }
    let claims = context.data(|node, _| views.says(node.name()));
    let say = if doubted.len() == 1 { "says that it is" } else { "say that they are" };
    let text = if context.reading.primary.is_some() {
        format!(
            "{} {say} in a Primary Component, and the proved one does not confirm it: a view from before a freeze or a \
             partition.",
            list(&doubted)
        )
    } else if views.groups.len() > 1 {
        format!(
            "{} claim different Primary Components, and none is confirmed by more than half of its members.",
            list(&doubted)
        )
    } else {
        format!(
            "{} {say} in a Primary Component, but too few of that view's members confirm it. One node's view is not \
             truth: it can be seconds old.",
            list(&doubted)
        )
    };
    vec![Finding {
        id: "galera.views-contradict",
        cases: vec![10],
        severity: Severity::Degraded,
        nodes: names(&doubted),
        text: Plain::new(text),
        next: Plain::new(
            "Read again in a few seconds; stale views do not last. If it stays, reach the missing members.",
        ),
        evidence: evidence(&claims, VIEW_FACTS),
        runbook: None,
        blocked_by: context.bootstrap_blockers(),
    }]
}

fn without_wsrep(node: &NodeReading<'_>) -> bool {
    is_in(node, Server::Running) && node.survey.facts.get(keys::VAR_WSREP_ON).is(|on| !on)
}

/// A server that runs without Galera: whatever it takes is in no history.
pub(super) fn wsrep_off(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|node, _| without_wsrep(node));
    if nodes.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.wsrep-off",
        cases: vec![],
        severity: Severity::Outage,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "{} with wsrep_on=OFF: no part of the cluster, and whatever is written there exists nowhere else.",
            if nodes.len() == 1 { format!("{} runs", list(&nodes)) } else { format!("{} run", list(&nodes)) }
        )),
        next: Plain::new(
            "Keep clients away from it, find out who started it so and why, and keep a copy of its data directory: as a \
             joiner it would lose those writes.",
        ),
        evidence: evidence(&nodes, &[keys::VAR_WSREP_ON.name(), keys::WSREP_CLUSTER_STATUS.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// Some member is looking for a new view at this moment, or does not hear a peer.
pub(super) fn changing(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|node, _| {
        let facts = &node.survey.facts;
        context.reading.views.claims(node.name())
            && (facts.get(keys::WSREP_EVS_STATE).is(|state| state.as_str() != "OPERATIONAL")
                || facts.get(keys::WSREP_PEERS_SILENT).is(|peers| !peers.is_empty())
                || facts.get(keys::WSREP_PEERS).known().is_some() && !has_all_peers(facts))
    });
    if nodes.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.view-changing",
        cases: vec![],
        severity: Severity::Degraded,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "On {}, a peer is silent or gone, or a new view is being sought: what is shown of the group may hold no longer.",
            list(&nodes)
        )),
        next: Plain::new("Read again in a few seconds: a peer is given up after 5 s (evs.suspect_timeout)."),
        evidence: evidence(&nodes, &[keys::WSREP_EVS_STATE.name(), keys::WSREP_PEERS_SILENT.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// Servers run and are in no Primary Component.
pub(super) fn non_primary(context: &Context<'_>) -> Vec<Finding> {
    let nodes =
        context.data(|node, judged| judged.standing == Some(Standing::NonPrimary) && !without_wsrep(node));
    // In a split brain the network is not to be mended: that finding says what is.
    if nodes.is_empty() || context.reading.views.split() {
        return Vec::new();
    }
    let verb = if nodes.len() == 1 { "runs" } else { "run" };
    let (severity, text, next) = if context.reading.primary.is_some() {
        (
            Severity::Degraded,
            format!("{} {verb} outside the Primary Component: cut off, or not let back in.", list(&nodes)),
            "Repair the network between the members (ports 4567, 4568, 4444); a node that is only cut off comes back by \
             itself. Disconnected does not: read its log before any restart.",
        )
    } else {
        (
            Severity::Outage,
            format!(
                "{} {verb} without a Primary Component: no side has more than half of the last one, so none serves.",
                list(&nodes)
            ),
            "Repair the network between the members first: when all members of the last Primary come back and nobody has \
             bootstrapped, they merge by themselves in seconds. If one is lost for good, who may go on is decided by all \
             positions, dead nodes' included: stop the servers that run (nothing is lost, for none serves), then \
             galera-positions and galera-bootstrap. pc.bootstrap on a lower node would lose what a higher one holds.",
        )
    };
    let severity = if context.verdict == Verdict::Undetermined { Severity::Degraded } else { severity };
    let stopping = nodes.iter().any(|node| is_in(node, Server::Stopping));
    vec![Finding {
        id: "galera.non-primary",
        cases: if stopping { vec![19, 37] } else { vec![37] },
        severity,
        nodes: names(&nodes),
        text: Plain::new(text),
        next: Plain::new(next),
        evidence: evidence(&nodes, VIEW_FACTS),
        runbook: None,
        blocked_by: context.blockers_without_primary(),
    }]
}

/// Two Primary Components have met, and one side gave up (cases 5, 20).
pub(super) fn conflicting(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.conflicting-prims",
        cases: &[5, 20],
        severity: Severity::Degraded,
        next: "Do not restart it: it would abort as ahead, zero its state file and be overwritten. The side with more writes can \
               be the one that gave up. Keep a copy of its data directory, then compare what each side took.",
        facts: &[keys::LOG_KNOWN.name(), keys::WSREP_CLUSTER_STATUS.name(), keys::GRASTATE_SEQNO.name()],
    }
    .on(context, |node| {
        let synced = context.standing(node.name()) == Some(Standing::Synced);
        logged(node, &["conflicting-prims", "older-overrides"]).filter(|_| !synced).map(|seen| quoted(&seen))
    })
}

/// pc.bootstrap was tried and refused (case 19).
pub(super) fn refused(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.pc-bootstrap-refused",
        cases: &[19],
        severity: Severity::Degraded,
        next: "Do not repeat it: it will be refused again. Repair the network, or stop all of them and begin from the highest \
               position.",
        facts: &[keys::LOG_KNOWN.name(), keys::WSREP_CLUSTER_STATUS.name(), keys::WSREP_EVS_STATE.name()],
    }
    .on(context, |node| logged(node, &["pc-bootstrap-refused"]).map(|seen| quoted(&seen)))
}
