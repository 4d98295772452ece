//! S3: `safe_to_bootstrap` is a hint: a missing, empty or truncated grastate.dat, and a wiped data directory, all read
//! as 1. It never outranks a recovered position. Neither sign of grastate's seqno proves how the server stopped.
//!
//! Kept by absence: no function of this room that ranks or chooses takes the flag. What stands here is when a state
//! file's seqno counts at all.

use crate::facts::{Known, NodeSurvey, Position, PositionSource, keys};
use crate::judge::Held;

/// The position in grastate.dat. The caller has proved the clean stop from the unit or the log; the file cannot: a
/// running rsync donor writes a seqno of 0 or more, and a donor killed in the middle of a transfer keeps it.
pub fn state_file(cleanly_stopped: &NodeSurvey) -> Known<Held> {
    let facts = &cleanly_stopped.facts;
    facts.get(keys::GRASTATE_UUID).and_then(|uuid| {
        facts.get(keys::GRASTATE_SEQNO).map(|seqno| Held {
            position: Position { uuid, seqno },
            source: PositionSource::StateFile,
            at: facts.at(keys::GRASTATE_SEQNO).unwrap_or(cleanly_stopped.at),
        })
    })
}
