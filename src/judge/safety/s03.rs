//! S3: `safe_to_bootstrap` is a hint: a missing, empty or truncated grastate.dat, and a wiped data directory, all read
//! as 1. It never outranks a recovered position. Neither sign of grastate's seqno proves how the server stopped.
//!
//! Kept by absence: no function of this room that ranks or chooses takes the flag. What stands here is when a state
//! file's seqno counts at all.

use jiff::SignedDuration;

use super::Blocked;
use crate::facts::{Known, NodeSurvey, Position, PositionSource, WhyKind, keys};
use crate::judge::Held;
use crate::judge::server::no_process;

/// Times of files and of units are of one clock, and a second here or there is not.
const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// The position in grastate.dat. The caller has proved the clean stop from the unit or the log; the file cannot: a
/// running rsync donor writes a seqno of 0 or more, and a donor killed in the middle of a transfer keeps it.
pub fn state_file(cleanly_stopped: &NodeSurvey) -> Known<Held> {
    let facts = &cleanly_stopped.facts;
    // A file with a line that does not follow the grammar was not left so by a server (S2).
    if let Some(other) = facts.get(keys::GRASTATE_FILE).known().filter(|file| file.as_str() != "valid") {
        return Known::unknown(WhyKind::Malformed, format!("the state file is {other}"));
    }
    // A run with wsrep writes the file at its start. One that did not left an older file, and rows that are in no history.
    if let (Known::Known(written), Known::Known(started)) =
        (facts.get(keys::GRASTATE_MTIME), facts.get(keys::UNIT_STARTED))
        && written < started - SLACK
    {
        return Known::unknown(
            WhyKind::Stale,
            "the server ran after its state file was written, and did not write it",
        );
    }
    facts.get(keys::GRASTATE_UUID).and_then(|uuid| {
        facts.get(keys::GRASTATE_SEQNO).map(|seqno| Held {
            position: Position { uuid, seqno },
            source: PositionSource::StateFile,
            at: facts.at(keys::GRASTATE_SEQNO).unwrap_or(cleanly_stopped.at),
        })
    })
}

/// The state file was written after the server's last end: by a hand, and not only the flag may have been changed.
pub fn edited(node: &NodeSurvey) -> Option<Blocked> {
    let facts = &node.facts;
    let ended = facts.get(keys::UNIT_EXITED);
    let ended = ended.known().copied().or_else(|| facts.get(keys::LOG_LAST_END_AT).known().copied())?;
    let written = *facts.get(keys::GRASTATE_MTIME).known()?;
    (no_process(facts) && written > ended + SLACK).then(|| {
        Blocked::on(
            "S3",
            &node.name,
            format!(
                "its state file was written {} s after the server's last end: not by the server",
                written.duration_since(ended).as_secs()
            ),
            "recover the engine's position (mariadbd --wsrep-recover on an overlay or a copy) and compare",
        )
    })
}
