//! S7: Never a candidate: EMPTY, half-filled by a transfer (its recovered position looks plausible), evicted by
//! inconsistency, rolled-back XA, arbitrator, BEHIND.
//!
//! EMPTY, arbitrator and BEHIND are standings, and a node has one standing. [`tainted`] is eviction and half-filled data;
//! [`not_cleared`] holds every act on a node while prepared transactions stand open or the evidence was not read.

use super::Blocked;
use crate::facts::{Key, Known, NodeSurvey, Plain, WhyKind, keys};
use crate::judge::{Held, Server};

/// Why the node's data cannot be trusted whatever its position says; `None` where nothing speaks against it.
pub fn tainted(node: &NodeSurvey, server: Option<&Server>, position: &Known<Held>) -> Option<String> {
    let facts = &node.facts;
    if was_evicted(node) {
        return Some("evicted by inconsistency: its rows differ from the group's".to_owned());
    }
    if facts.get(keys::LOG_HALF_FILLED).is(|half| *half) && server.is_none_or(|server| server.is_down()) {
        return Some("half-filled: by its log, its last state transfer did not end".to_owned());
    }
    // An aborted transfer and an eviction take the state file's identity away and leave an engine whose position looks
    // plausible (galera: a recovered position equal to the real one, over half a copy).
    let no_identity = facts.get(keys::GRASTATE_FILE).is(|file| file.as_str() != "valid")
        || facts.get(keys::GRASTATE_UUID).why().is_some_and(|why| why.kind == WhyKind::Undefined);
    if no_identity && position.known().is_some() && server.is_none_or(|server| server.is_down()) {
        return Some(
            "its engine has a position and its state file no identity: evicted, half-filled, or aborted for being ahead".to_owned(),
        );
    }
    // While a server runs or starts, the markers belong to the transfer it is in the middle of.
    let between = server.is_none_or(|server| server.is_down() || *server == Server::Frozen);
    let markers = facts.get(keys::TRANSFER_MARKERS);
    match markers.known().and_then(|markers| of_a_joiner(markers)) {
        Some(marker) if between => {
            Some(format!("half-filled: a state transfer did not end ({marker} is there, and no server runs)"))
        }
        _ => None,
    }
}

/// Whether the group found it inconsistent and went on without it: it has rows that the group has not.
pub fn was_evicted(node: &NodeSurvey) -> bool {
    node.facts.get(keys::LOG_EVICTED).is(|evicted| *evicted)
        || node.facts.get(keys::WSREP_LOCAL_COMMENT).is(|comment| comment.as_str() == "Inconsistent")
}

/// The first file that a transfer leaves on a joiner alone. A donor has `wsrep_sst.pid` too, and one that is killed keeps it
/// over data that is whole: it can be the last good copy.
pub fn of_a_joiner(markers: &[Plain]) -> Option<&Plain> {
    markers.iter().find(|marker| marker.as_str() != "wsrep_sst.pid")
}

/// What has to be read before the node's data can be trusted; `None` where all of it was.
pub fn not_cleared(node: &NodeSurvey) -> Option<Blocked> {
    if node.facts.get(keys::LOG_PREPARED).is(|prepared| *prepared) {
        return Some(Blocked::on(
            "S7",
            &node.name,
            "its last start found prepared transactions that it could not resolve",
            "keep a copy of its data directory; rolled back, it is never a candidate",
        ));
    }
    let unknown = |key: Key<bool>| node.facts.get(key).why().cloned();
    let identity = node.facts.get(keys::GRASTATE_UUID);
    let identity = identity.why().filter(|why| why.kind != WhyKind::Undefined).cloned();
    let (what, why) = [
        ("whether it was evicted by inconsistency", unknown(keys::LOG_EVICTED)),
        (
            "whether a state transfer left it half-filled",
            node.facts.get(keys::TRANSFER_MARKERS).why().cloned(),
        ),
        ("whether its last full transfer ended", unknown(keys::LOG_HALF_FILLED)),
        ("whether prepared transactions stand open", unknown(keys::LOG_PREPARED)),
        (
            "whether its state file still names its history",
            node.facts.get(keys::GRASTATE_FILE).why().cloned().or(identity),
        ),
    ]
    .into_iter()
    .find_map(|(what, why)| Some((what, why?)))?;
    Some(Blocked::on(
        "S7",
        &node.name,
        format!("{what} is not known: {}", why.text),
        "read its log and data directory",
    ))
}
