//! S7: Never a candidate: EMPTY, half-filled by a transfer (its recovered position looks plausible), evicted by
//! inconsistency, rolled-back XA, arbitrator, BEHIND.
//!
//! EMPTY, arbitrator and BEHIND are standings, and a node has one standing. [`tainted`] is the rest.

use super::Blocked;
use crate::facts::{NodeSurvey, keys};
use crate::judge::Server;

/// Why the node's data cannot be trusted whatever its position says; `None` where nothing speaks against it.
pub fn tainted(node: &NodeSurvey, server: Option<&Server>) -> Option<String> {
    let facts = &node.facts;
    if facts.get(keys::LOG_EVICTED).is(|evicted| *evicted)
        || facts.get(keys::WSREP_LOCAL_COMMENT).is(|comment| comment.as_str() == "Inconsistent")
    {
        return Some("evicted by inconsistency: its rows differ from the group's".to_owned());
    }
    // While a server runs or starts, the markers belong to the transfer it is in the middle of.
    let between = server.is_none_or(|server| server.is_down() || *server == Server::Frozen);
    let markers = facts.get(keys::TRANSFER_MARKERS);
    let first = markers.known().and_then(|markers| markers.first());
    match first {
        Some(marker) if between => {
            Some(format!("half-filled: a state transfer did not end ({marker} is there, and no server runs)"))
        }
        _ => None,
    }
}

/// What has to be read before the node's data can be trusted; `None` where all of it was.
pub fn not_cleared(node: &NodeSurvey) -> Option<Blocked> {
    let evicted = node.facts.get(keys::LOG_EVICTED);
    let markers = node.facts.get(keys::TRANSFER_MARKERS);
    let (what, why) = match (evicted.why(), markers.why()) {
        (Some(why), _) => ("whether it was evicted by inconsistency", why),
        (None, Some(why)) => ("whether a state transfer left it half-filled", why),
        (None, None) => return None,
    };
    Some(Blocked::on(
        "S7",
        &node.name,
        format!("{what} is not known: {}", why.text),
        "read its log and data directory",
    ))
}
