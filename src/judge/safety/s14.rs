//! S14: Recovering a position never touches the data directory where an overlay can be had, only on a node whose server is
//! proved absent (not starting, not stopping), with no transfer in progress, as the server's user; the check sits in the
//! same remote script.

use super::{Blocked, s07};
use crate::facts::{Key, Known, NodeSurvey, Plain, keys};
use crate::judge::server::{ended, no_process};

/// What speaks against recovering the node's position now (case 32).
pub fn in_the_way(node: &NodeSurvey) -> Vec<Blocked> {
    let facts = &node.facts;
    let mut blocked = Vec::new();
    if !ended(facts) {
        let why = if no_process(facts) {
            "its unit is about to start its server, or what the unit does is not known"
        } else {
            "it is not proved that no server runs there"
        };
        blocked.push(Blocked::on("S14", &node.name, why, "the server has to be down, and its unit at rest"));
    }
    let mut transfer = |key: Key<Vec<Plain>>, what: &str, of: fn(&[Plain]) -> Option<&Plain>| match facts
        .get(key)
    {
        Known::Known(found) => {
            if let Some(first) = of(&found) {
                let why = format!("{what} of a state transfer is there: {first}");
                let remedy =
                    "the transfer has to end; over half a copy a recovered position is plausible and false";
                blocked.push(Blocked::on("S14", &node.name, why, remedy));
            }
        }
        Known::Unknown(why) => {
            let why = format!("whether {what} of a state transfer is there is not known: {}", why.text);
            blocked.push(Blocked::on("S14", &node.name, why, "read its data directory and processes"));
        }
    };
    transfer(keys::TRANSFER_MARKERS, "a file", s07::of_a_joiner);
    transfer(keys::TRANSFER_PROCESSES, "a process", <[Plain]>::first);
    blocked
}
