//! The error log's known lines: what each means for somebody who has to act, and which finding it points to.
//!
//! A client can put text into an error log (a user name in "Access denied", the text of a query), so a line counts only
//! where the message itself begins with the server's words: no pattern begins in the middle of a message.

mod apply;
pub(super) mod count;
mod engine;
mod group;
mod position;
mod script;
mod server;
mod strip;
mod transfer;
mod unit;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;

pub use strip::message;
pub(super) use strip::{split_at, split_colon};

use crate::facts::{Facts, Known, Plain, WhyKind, keys};

/// How much a line matters to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It says how things go; nothing is wrong.
    Info,
    /// It belongs to a change of the group or of a server, wanted or not.
    Notice,
    /// Something is not as it should be; the server goes on.
    Warning,
    /// It is why a server does not run, does not take part, or loses data.
    Error,
}

/// Where a row of the table is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A real server said it: the line stands word for word in a capture.
    Lab,
    /// The text of the program that writes it.
    Source,
    /// Documentation, or a log that somebody published.
    Doc,
}

/// One row: a line that is understood.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownLine {
    /// The name of the row, a promise to scripts.
    pub id: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// What it means, in one or two plain sentences.
    pub meaning: &'static str,
    /// The finding it points to; `None` where it is only told.
    pub finding: Option<&'static str>,
    /// Where it is known from.
    pub proof: Proof,
    /// Which programs write it.
    pub of: &'static str,
    /// How the message begins: `*` stands for any text, `$` at the end for the message's end. Any of them will do.
    patterns: &'static [&'static str],
}

// Who writes a line, where several tables say it.
const GALERA: &str = "Galera 3 and 4";
const WSREP: &str = "MariaDB and MySQL with wsrep";
const MARIADB: &str = "MariaDB";
const SERVER: &str = "MariaDB and MySQL";
const SCRIPT: &str = "the transfer scripts";
const SYSTEMD: &str = "systemd";
const GARBD: &str = "garbd";

/// A row of the table.
const fn row(
    id: &'static str,
    weight: Weight,
    finding: Option<&'static str>,
    (proof, of): (Proof, &'static str),
    patterns: &'static [&'static str],
    meaning: &'static str,
) -> KnownLine {
    KnownLine { id, weight, meaning, finding, proof, of, patterns }
}

/// All rows by topic. A message fits one row; where it fits two, the first counts and the test names the pair.
const TABLES: &[&[KnownLine]] = &[
    group::ROWS,
    position::ROWS,
    transfer::ROWS,
    script::ROWS,
    apply::ROWS,
    server::ROWS,
    engine::ROWS,
    unit::ROWS,
];

/// Every row there is.
pub static KNOWN: LazyLock<Vec<&'static KnownLine>> =
    LazyLock::new(|| TABLES.iter().copied().flatten().collect());

/// A pattern, and what it begins with up to its first `*`.
#[derive(Clone, Copy)]
struct Pattern {
    head: &'static str,
    whole: &'static str,
    line: &'static KnownLine,
}

/// The patterns by their first byte, so that a message is held against a few of them only.
static BY_FIRST: LazyLock<Vec<Vec<Pattern>>> = LazyLock::new(|| {
    let mut by_first = vec![Vec::new(); 256];
    for line in KNOWN.iter().copied() {
        for whole in line.patterns.iter().copied() {
            let head = whole.strip_suffix('$').unwrap_or(whole).split('*').next().unwrap_or_default();
            let first = whole.bytes().next().map(usize::from);
            if let Some(rows) = first.and_then(|first| by_first.get_mut(first)) {
                rows.push(Pattern { head, whole, line });
            }
        }
    }
    by_first
});

/// What a line of a log is known as; `None` where it is not. The line may be raw (journal, syslog, containers, the
/// server's own file) or as it is shown: everything before the message is taken off first.
pub fn classify(line: &str) -> Option<&'static KnownLine> {
    let message = message(line);
    let rows = BY_FIRST.get(usize::from(message.bytes().next()?))?;
    let mut likely = rows.iter().filter(|pattern| message.starts_with(pattern.head));
    likely.find(|pattern| fits(pattern.whole, message)).map(|pattern| pattern.line)
}

static BY_ID: LazyLock<BTreeMap<&'static str, &'static KnownLine>> =
    LazyLock::new(|| KNOWN.iter().rev().map(|line| (line.id, *line)).collect());

/// The row of that name.
pub fn by_id(id: &str) -> Option<&'static KnownLine> {
    BY_ID.get(id).copied()
}

/// Whether a message begins as a pattern says.
fn fits(pattern: &str, message: &str) -> bool {
    let (pattern, whole) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| message.strip_prefix(first)) else { return false };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if whole && pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    !whole || rest.is_empty()
}

/// A known line in the part of a node's log that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The row.
    pub line: &'static KnownLine,
    /// How often it stands there.
    pub count: u64,
    /// When it stands there first; `None` where the log has no times.
    pub first: Option<Timestamp>,
    /// When it stands there last; `None` where the log has no times.
    pub last: Option<Timestamp>,
}

impl Seen {
    /// As `log.known` holds it: id, how often, first, last.
    pub(super) fn describe(&self) -> Plain {
        let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"));
        Plain::new(format!("{} {} {} {}", self.line.id, self.count, time(self.first), time(self.last)))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let line = by_id(words.next()?)?;
        let count = words.next()?.parse().ok()?;
        let mut time = || match words.next()? {
            "-" => Some(None),
            at => at.parse().ok().map(Some),
        };
        let (first, last) = (time()?, time()?);
        words.next().is_none().then_some(Self { line, count, first, last })
    }
}

/// The known lines of a node's log, the latest last.
pub fn seen(facts: &Facts) -> Known<Vec<Seen>> {
    facts.get(keys::LOG_KNOWN).and_then(|entries| {
        let read = |entry: &Plain| Seen::parse(entry.as_str());
        match entries.iter().map(read).collect::<Option<Vec<Seen>>>() {
            Some(seen) => Known::Known(seen),
            None => {
                Known::unknown(WhyKind::Malformed, "log.known names a line that this version does not know")
            }
        }
    })
}

#[cfg(test)]
mod tests;
