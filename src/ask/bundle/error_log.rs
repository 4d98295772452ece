//! error.log: a server's own file or a journal, as whatever collector left it.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{File, Folder, prefix};
use crate::ask::lines::{self, Weight};
use crate::ask::log::{self, Origin, Read};
use crate::ask::marks::{Entry, Mark};
use crate::facts::{Facts, Known, Plain, WhyKind, keys};

/// How many of the last lines are kept.
const TAIL: usize = 200;
/// How many of the latest lines are kept that say where the server stood.
const MARKS: usize = 60;

/// The log's facts; the server's are there already.
pub(super) fn facts(folder: &Folder, offset: Option<Offset>, at: Timestamp, out: &mut Facts) {
    let lines = folder.text(File::Log).and_then(|text| servers(&text, offset));
    let lines = lines.as_ref();
    let entries = lines.clone().map(|lines| entries(lines));
    let entries = entries.as_ref();
    // Only a journal has galera_recovery's and systemd's words among the server's, also where nothing says whose they are.
    let is_journal = lines.is(|lines| lines.iter().any(prefix::Line::is_named))
        || entries.is(|all| all.iter().any(|entry| is_of_the_unit(entry)));
    let part = Read {
        origin: if is_journal { Origin::Journal } else { Origin::File },
        tail: entries.clone().map(|all| all.iter().skip(all.len().saturating_sub(TAIL)).copied().collect()),
        marks: entries.clone().map(|all| all.iter().filter(|entry| is_known(entry)).copied().collect()),
        first: entries.clone().map(|all| all.iter().take(TAIL).copied().collect()),
        journal: Vec::new(),
        now: None,
    };
    let source = folder.source(File::Log);
    log::say(&part, &source, at, out);
    // Of a whole log, a line that comes every second is known, and says nothing of where the server stood.
    let stood =
        entries.map(|all| all.iter().filter(|entry| says_where(entry)).map(describe).collect::<Vec<Plain>>());
    let latest = stood.map(|all| all.iter().skip(all.len().saturating_sub(MARKS)).cloned().collect());
    out.set(keys::LOG_MARKS, latest, &source, at);
}

/// The lines, where at least one is a server's: what no server wrote must not say that none was evicted.
fn servers(text: &str, offset: Option<Offset>) -> Known<Vec<prefix::Line>> {
    let lines = prefix::read(text, offset);
    if lines.iter().any(prefix::Line::is_servers) {
        return Known::Known(lines);
    }
    if lines.is_empty() {
        return Known::unknown(
            WhyKind::NotRead,
            "error.log is empty: the server logs elsewhere, or the file was rotated",
        );
    }
    Known::unknown(
        WhyKind::Malformed,
        "no line of error.log is one that a server writes: take the file that log_error names, or `journalctl -u mariadb`",
    )
}

/// Whether the line says where the server stood, or that something went wrong there.
fn says_where(entry: &Entry<'_>) -> bool {
    entry.mark().is_some() || lines::classify(entry.message).is_some_and(|line| line.weight == Weight::Error)
}

/// The line as it is shown, cut as the probe cuts it.
fn describe(entry: &Entry<'_>) -> Plain {
    Plain::new(entry.describe().chars().take(240).collect::<String>())
}

/// Whether the line says where the server stood, or is one that a diagnosis knows.
fn is_known(entry: &Entry<'_>) -> bool {
    entry.mark().is_some() || lines::classify(entry.message).is_some()
}

/// Whether systemd or galera_recovery said it, and not the server.
fn is_of_the_unit(entry: &Entry<'_>) -> bool {
    matches!(entry.mark(), Some(Mark::Recovered(_))) || entry.message.contains("ain process exited, code=")
}

/// The lines as entries; one that does not say when takes the time of the one before it.
fn entries(lines: &[prefix::Line]) -> Vec<Entry<'_>> {
    let mut last = None;
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        last = line.at.or(last);
        all.push(Entry { at: last, line: &line.text, message: line.message() });
    }
    all
}
