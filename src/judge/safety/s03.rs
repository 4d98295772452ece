//! S3: `safe_to_bootstrap` is a hint: a missing, empty or truncated grastate.dat, and a wiped data directory, all read
//! as 1. It never outranks a recovered position. Neither sign of grastate's seqno proves how the server stopped.
//!
//! Kept by absence: no function of this room that ranks or chooses takes the flag. What stands here is when a state
//! file's seqno counts at all.

use jiff::SignedDuration;

use super::Blocked;
use crate::facts::{Facts, Known, NodeSurvey, Position, PositionSource, WhyKind, keys};
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
        && started.duration_since(written) > SLACK
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

/// The engine's own position, recovered while no server ran and its files unchanged since. Nothing outranks it.
pub fn recovered(node: &NodeSurvey) -> Known<Held> {
    node.facts.get(keys::RECOVERED).map(|position| Held {
        position,
        source: PositionSource::Recover,
        at: node.facts.at(keys::RECOVERED).unwrap_or(node.at),
    })
}

/// The state file names another position than the engine has: the server would start with the file's (galera: grastate
/// wins over InnoDB) and skip, or take twice, what lies between.
pub fn contradicted(node: &NodeSurvey) -> Option<Blocked> {
    let facts = &node.facts;
    let engine = *facts.get(keys::RECOVERED).known()?;
    if !no_process(facts) || !facts.get(keys::GRASTATE_FILE).is(|file| file.as_str() == "valid") {
        return None;
    }
    let uuid = facts.get(keys::GRASTATE_UUID);
    let seqno = facts.get(keys::GRASTATE_SEQNO);
    // A zero UUID and a -1 leave it to the engine; what was not read does not agree.
    let unread = [uuid.why(), seqno.why()].into_iter().flatten().find(|why| why.kind != WhyKind::Undefined);
    if let Some(why) = unread {
        return Some(Blocked::on(
            "S3",
            &node.name,
            format!("whether its state file says what its engine says ({engine}) is not known: {}", why.text),
            "read the file; the server would start with its position",
        ));
    }
    if !uuid.is(|uuid| *uuid != engine.uuid) && !seqno.is(|seqno| *seqno != engine.seqno) {
        return None;
    }
    let uuid = uuid.known().map_or_else(|| "no UUID".to_owned(), ToString::to_string);
    let seqno = seqno.known().map_or_else(|| "-1".to_owned(), ToString::to_string);
    Some(Blocked::on(
        "S3",
        &node.name,
        format!(
            "its state file says {uuid}:{seqno}, its engine {engine}: the server would start with the file's"
        ),
        "set the file's seqno to -1 by hand, or restore the file from its copy",
    ))
}

/// Whether the state file and what was recovered from the engine say one thing.
fn agrees(facts: &Facts) -> bool {
    let Known::Known(engine) = facts.get(keys::RECOVERED) else { return false };
    let seqno = facts.get(keys::GRASTATE_SEQNO);
    let undefined = seqno.why().is_some_and(|why| why.kind == WhyKind::Undefined);
    facts.get(keys::GRASTATE_FILE).is(|file| file.as_str() == "valid")
        && facts.get(keys::GRASTATE_UUID).is(|uuid| *uuid == engine.uuid)
        && (undefined || seqno.is(|seqno| *seqno == engine.seqno))
}

/// The state file was written after the server's last end: by a hand, and not only the flag may have been changed.
pub fn edited(node: &NodeSurvey) -> Option<Blocked> {
    let facts = &node.facts;
    let ended = facts.get(keys::UNIT_EXITED);
    let ended = ended.known().copied().or_else(|| facts.get(keys::LOG_LAST_END_AT).known().copied())?;
    let written = *facts.get(keys::GRASTATE_MTIME).known()?;
    // What the file says of the position no longer counts once the engine said the same.
    (no_process(facts) && written.duration_since(ended) > SLACK && !agrees(facts)).then(|| {
        let why = format!(
            "its state file was written {} s after the server's last end: not by the server",
            written.duration_since(ended).as_secs()
        );
        Blocked::on("S3", &node.name, why, COMPARE)
    })
}

/// Whether the state file whose position counts was written by a hand is not known: it is not known when it was written, or
/// when the server ended.
pub fn perhaps_edited(node: &NodeSurvey, position: &Known<Held>) -> Option<Blocked> {
    let facts = &node.facts;
    let counts = position.is(|held| held.source == PositionSource::StateFile);
    let ended = facts.get(keys::UNIT_EXITED).known().or(facts.get(keys::LOG_LAST_END_AT).known()).is_some();
    let written = facts.get(keys::GRASTATE_MTIME).known().is_some();
    (counts && !(ended && written)).then(|| {
        let what = if written { "when its server ended" } else { "when its state file was written" };
        let why =
            format!("{what} is not known, so neither whether the server wrote the position in that file");
        Blocked::on("S3", &node.name, why, COMPARE)
    })
}

const COMPARE: &str =
    "recover the engine's position (mariadbd --wsrep-recover on an overlay or a copy) and compare";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClusterUuid, NodeName, Plain, Reach, Role, Seqno};

    fn node(file: Option<i64>, engine: i64) -> NodeSurvey {
        let uuid = ClusterUuid::new(7).unwrap();
        let mut facts = Facts::new();
        let (source, at) = (Plain::new("test"), jiff::Timestamp::UNIX_EPOCH);
        let seqno = |at: i64| Seqno::new(at).unwrap();
        facts.set(keys::SERVER_STATE, Known::Known(Plain::new("")), &source, at);
        facts.set(keys::GRASTATE_FILE, Known::Known(Plain::new("valid")), &source, at);
        facts.set(keys::GRASTATE_UUID, Known::Known(uuid), &source, at);
        let said = match file {
            Some(said) => Known::Known(seqno(said)),
            None => Known::unknown(WhyKind::Undefined, "-1"),
        };
        facts.set(keys::GRASTATE_SEQNO, said, &source, at);
        facts.set(keys::RECOVERED, Known::Known(Position { uuid, seqno: seqno(engine) }), &source, at);
        facts.set(keys::UNIT_EXITED, Known::Known(at), &source, at);
        let later = at + SignedDuration::from_mins(3);
        facts.set(keys::GRASTATE_MTIME, Known::Known(later), &source, at);
        let name = NodeName::new("g1").unwrap();
        NodeSurvey { name, role: Role::Data, ssh: Reach::ok(), sql: Reach::ok(), facts, at }
    }

    #[test]
    fn a_file_that_says_another_position_than_the_engine_is_in_the_way() {
        let why = contradicted(&node(Some(99999), 12504)).unwrap().why;
        assert!(why.as_str().contains(":99999, its engine") && why.as_str().contains(":12504"), "{why}");
        assert_eq!(contradicted(&node(Some(5), 5)), None);
        assert_eq!(contradicted(&node(None, 5)), None, "-1 leaves the engine to say it");
    }

    #[test]
    fn a_file_written_by_hand_is_no_matter_once_the_engine_said_the_same() {
        assert!(edited(&node(Some(4), 5)).is_some());
        assert_eq!(edited(&node(Some(5), 5)), None);
        assert_eq!(edited(&node(None, 5)), None);
    }
}
