//! What stands in the part of a log that was read, each line counted once.
//!
//! A log is read twice: its last lines, and from further back the lines that say where the server stood. The second are
//! cut after some hundred bytes.

use std::collections::HashMap;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::{Seen, classify};
use crate::ask::marks::{self, Entry, Mark};
use crate::facts::{Known, Plain, WhyKind};

/// Lines of the two readings that agree so far are one line. Less than what the probe leaves of a line.
const TELLS_APART: usize = 300;

/// The lines of both readings, oldest first. A line that stands n times in one and m times in the other stands in the
/// log as often as the greater says. Where one was not read, the other's; where none was, why.
pub(in crate::ask) fn merged<'a>(
    marks: Known<&Vec<Entry<'a>>>,
    tail: Known<&Vec<Entry<'a>>>,
) -> Known<Vec<Entry<'a>>> {
    let (marks, tail) = match (marks, tail) {
        (Known::Known(marks), Known::Known(tail)) => (marks, tail),
        (Known::Known(one), _) | (_, Known::Known(one)) => return Known::Known(one.clone()),
        (Known::Unknown(why), _) => return Known::Unknown(why),
    };
    let mut known = HashMap::new();
    for entry in marks {
        *known.entry(name(entry)).or_insert(0u32) += 1;
    }
    let mut all = marks.clone();
    for entry in tail {
        match known.get_mut(&name(entry)) {
            Some(count @ 1..) => *count -= 1,
            _ => all.push(*entry),
        }
    }
    // Stable: lines of one moment, and all of a log without times, stay in the order they were read.
    all.sort_by_key(|entry| entry.at);
    Known::Known(all)
}

fn name<'a>(entry: &Entry<'a>) -> (Option<Timestamp>, &'a [u8]) {
    let line = entry.line.as_bytes();
    (entry.at, line.get(..TELLS_APART).unwrap_or(line))
}

/// The known lines among the entries, the latest last. `beside` are those of the journal, where the server logs to a file
/// of its own: what systemd says of the unit stands only there.
pub(in crate::ask) fn of(entries: &[Entry<'_>], beside: &[Entry<'_>]) -> Vec<Plain> {
    let mut entries: Vec<&Entry<'_>> = entries.iter().chain(beside).collect();
    entries.sort_by_key(|entry| entry.at);
    let mut seen: Vec<Seen> = Vec::new();
    for entry in entries {
        let Some(line) = classify(entry.message) else { continue };
        let mut one = Seen { line, count: 0, first: entry.at, last: entry.at };
        if let Some(at) = seen.iter().position(|seen| seen.line.id == line.id) {
            one = seen.remove(at);
        }
        seen.push(Seen { count: one.count + 1, last: entry.at.or(one.last), ..one });
    }
    seen.iter().map(Seen::describe).collect()
}

/// Starts of the server in the last hour of the log. The server that galera_recovery starts to say its position is none.
/// Unknown where its lines have no times.
pub(in crate::ask) fn starts(entries: &[Entry<'_>]) -> Known<u64> {
    last_hour(entries).map(|entries| {
        let mut starts = 0;
        for entry in entries {
            match entry.mark() {
                Some(Mark::Start(_)) => starts += 1,
                // With a colon it is the server's own line: it was started for nothing else.
                Some(Mark::Recovered(_)) if entry.message.starts_with("Recovered position:") => {
                    starts = u64::saturating_sub(starts, 1);
                }
                _ => {}
            }
        }
        starts
    })
}

/// State transfers begun on this joiner in the last hour of the log, and since it was last in sync: one that came to its
/// end is no round of a loop. The server and its script both say that one begins. Unknown where its lines have no times.
pub(in crate::ask) fn transfers(entries: &[Entry<'_>]) -> Known<u64> {
    last_hour(entries).map(|entries| {
        let mut transfers = 0;
        let mut under_way = false;
        for entry in entries {
            match entry.mark() {
                Some(Mark::Transferring) => {
                    transfers += u64::from(!under_way);
                    under_way = true;
                }
                Some(Mark::Synced) => (transfers, under_way) = (0, false),
                Some(Mark::Start(_) | Mark::End(_) | Mark::Caught | Mark::Transferred) => under_way = false,
                _ => {}
            }
        }
        transfers
    })
}

/// The entries of the hour before the last one. Where the zone of a server's own stamps is not known they tell how far
/// apart two lines are, all the same; a line without one belongs to the one before it.
fn last_hour<'e, 'a>(entries: &'e [Entry<'a>]) -> Known<Vec<&'e Entry<'a>>> {
    let dated = entries.iter().any(|entry| entry.at.is_some());
    let mut before = None;
    let times: Vec<Option<Timestamp>> = entries
        .iter()
        .map(|entry| {
            before = if dated { entry.at } else { local(entry.line) }.or(before);
            before
        })
        .collect();
    let Some(last) = times.iter().copied().flatten().max() else {
        return if entries.is_empty() {
            Known::Known(Vec::new())
        } else {
            Known::unknown(WhyKind::Undefined, "the lines of the log have no times")
        };
    };
    let since = last.checked_sub(SignedDuration::from_hours(1)).ok();
    let within = |at: &Option<Timestamp>| since.is_none_or(|since| at.is_none_or(|at| at >= since));
    Known::Known(entries.iter().zip(&times).filter(|(_, at)| within(at)).map(|(entry, _)| entry).collect())
}

/// The stamp of a server's line, as if its zone were UTC; it may stand behind the name of who logged it.
fn local(line: &str) -> Option<Timestamp> {
    let read = |line: &str| marks::time_of(line, Some(Offset::UTC));
    read(line).or_else(|| line.split_once("]: ").and_then(|(_, rest)| read(rest)))
}
