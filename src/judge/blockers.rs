//! Everything in the way of a bootstrap, rule by rule: what the findings show and what an act is held by.

use jiff::Timestamp;

use super::safety::{Blocked, s03, s05, s06, s07, s08, s09, s10, s25};
use super::{NodeJudgement, Reading, proxy, standing, verdict};
use crate::facts::keys;

/// Everything in the way of a bootstrap at `now`, less what is waived, sorted. `nodes` are the judged nodes of the same
/// reading.
pub(super) fn of_bootstrap(reading: &Reading<'_>, nodes: &[NodeJudgement], now: Timestamp) -> Vec<Blocked> {
    let lifted = reading.lifted;
    let mut blocked = standing::missing(reading);
    let asked = reading.data().filter(|node| !reading.is_fenced(node));
    blocked.extend(asked.filter_map(|node| s05::not_proved_down(node.survey, &node.server)));
    blocked.extend(s06::primary_seen(reading.data().map(|node| s06::Node {
        name: node.name(),
        server: &node.server,
        claims_primary: reading.views.claims(node.name()),
    })));
    blocked.extend(reading.nodes.iter().filter_map(|node| {
        let process = node.survey.facts.get(keys::ARBITRATOR_PROCESS);
        s06::arbitrator_runs(node.name(), process.is(|process| !process.as_str().is_empty()))
    }));
    blocked.extend(unread(reading));
    blocked.extend(served(reading));
    let held = reading.data().filter(|node| node.position.known().is_some());
    blocked.extend(held.filter_map(|node| s07::not_cleared(node.survey)));
    let ranked = nodes.iter().filter(|node| !lifted.lifts(8, &node.name));
    blocked.extend(s08::off_the_path(ranked.filter_map(|node| Some((&node.name, node.standing?)))));
    let beyond = standing::tainted_beyond(reading).into_iter();
    blocked.extend(beyond.filter(|found| !found.node.as_ref().is_some_and(|node| lifted.lifts(8, node))));
    blocked.extend(reading.data().filter_map(|node| s09::stale(node.survey, now)));
    blocked.extend(reading.data().flat_map(|node| s10::leftovers(node.survey)));
    blocked.extend(reading.data().filter_map(|node| s03::edited(node.survey)));
    blocked.extend(reading.data().filter_map(|node| s03::contradicted(node.survey)));
    blocked.extend(reading.data().filter_map(|node| s03::perhaps_edited(node.survey, &node.position)));
    blocked.extend(s25::blocked(&reading.relations));
    blocked.extend(unlisted(reading));
    blocked.sort();
    blocked.dedup();
    blocked
}

/// S6 over what was not read: by the last views it may hold a Primary Component.
pub(super) fn unread(reading: &Reading<'_>) -> Vec<Blocked> {
    if !verdict::unread_may_hold_primary(reading) {
        return Vec::new();
    }
    let unread = reading.data().filter(|node| !verdict::is_read(reading, node));
    let unread = unread.filter(|node| node.server.known().is_none());
    unread
        .map(|node| {
            Blocked::on(
                "S6",
                node.name(),
                "it was not read, and may be in a Primary Component by the last views of those that were",
                "reach it, or fence it and say so (a waiver of S5)",
            )
        })
        .collect()
}

/// S6 from where the clients stand: a load balancer sends them to a node that was not read. No word of an operator stands
/// against it, for whoever serves is not fenced.
fn served(reading: &Reading<'_>) -> Vec<Blocked> {
    let found = proxy::unread_and_served(reading).into_iter();
    found
        .map(|(node, said)| {
            Blocked::on(
                "S6",
                node,
                format!("it was not read, and {said}: it may be in a Primary Component"),
                "reach it; if it is fenced, take it out of the load balancer, and the next survey will not show it",
            )
        })
        .collect()
}

/// S4 over nodes that the inventory does not name: the last view had more members than it lists.
pub(super) fn unlisted(reading: &Reading<'_>) -> Option<Blocked> {
    let unlisted = verdict::unlisted(reading);
    (unlisted > 0).then(|| {
        Blocked::cluster(
            "S4",
            format!("the last view has {unlisted} more members than the inventory has nodes that vote"),
            "add the missing node to the inventory, an arbitrator with role = \"arbitrator\"",
        )
    })
}
