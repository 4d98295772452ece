//! What the error log proves: how the last run ended, and what the unit's own start found.

use std::borrow::Cow;

use jiff::Timestamp;

use super::frame::{Frame, Status};
use super::lines::count as known_lines;
use super::machine::Clock;
use super::marks::{self, End, Entry, Mark, age};
use super::unit::Setter;
use crate::facts::{Facts, Known, Plain, Position, WhyKind, keys};

/// What the marks say, read from the oldest to the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Story {
    /// How the last run ended and when; `None` inside is a run without an end.
    pub(super) last_end: Option<(Option<End>, Option<Timestamp>)>,
    /// The position of the last start, with its time.
    pub(super) position: Known<(Position, Option<Timestamp>)>,
    /// Whether the last start waits for a Primary Component; `None` where no start is seen.
    pub(super) waiting: Option<bool>,
    /// Whether the server was found inconsistent with no full transfer and sync since.
    pub(super) evicted: bool,
    /// Whether a full transfer was begun here with no end and sync since.
    pub(super) half_filled: bool,
    /// Whether the last start found prepared transactions.
    pub(super) prepared: bool,
    /// Until when the server was in a Primary Component.
    pub(super) part: Part,
    /// The transfer that the last start took; `None` where no start is seen.
    pub(super) transfer: Option<Transfer>,
    /// The bootstraps: time and the position the group began with.
    pub(super) bootstraps: Vec<Plain>,
    /// The version the last start named.
    pub(super) version: Option<Plain>,
}

/// Until when a server was in a Primary Component, by its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It never was, in the part that was read.
    Never,
    /// It is, or was when it ended unseen.
    Still,
    /// Until then.
    Until(Option<Timestamp>),
    /// It was, and how long is not seen: the next start follows without an end.
    Unseen,
}

/// How a start got its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    /// By none.
    None,
    /// A transfer began, and whether it is a full one is not seen yet.
    Begun,
    /// By the missing write-sets alone.
    Incremental,
    /// By a whole copy.
    Full,
}

impl Transfer {
    fn after(self, mark: &Mark<'_>) -> Self {
        match mark {
            Mark::Start(_) => Self::None,
            Mark::Transferring => Self::Begun,
            Mark::Caught => Self::Incremental,
            Mark::Transferred => Self::Full,
            _ => self,
        }
    }
}

impl Part {
    fn after(self, mark: &Mark<'_>, at: Option<Timestamp>) -> Self {
        match (mark, self) {
            (Mark::Start(_), Self::Still) => Self::Unseen,
            (Mark::End(_) | Mark::NonPrimary | Mark::Left | Mark::Inconsistent, Self::Still) => {
                Self::Until(at)
            }
            (
                Mark::Bootstrap
                | Mark::Component(_)
                | Mark::View(_)
                | Mark::TookPart
                | Mark::Synced
                | Mark::Transferring
                | Mark::Caught
                | Mark::Transferred,
                _,
            ) => Self::Still,
            (_, part) => part,
        }
    }
}

/// Where the entries come from, which decides what a position in them is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The unit's journal: galera_recovery's line and the server's own.
    Journal,
    /// The server's own file. galera_recovery's line stands elsewhere; what the server was started with stands here.
    File,
}

/// Reads the marks. `now` is the node's clock, for ages in reasons.
pub(super) fn tell(entries: &[Entry<'_>], from: Origin, now: Option<Timestamp>) -> Story {
    let mut position = LastStart::default();
    let mut story = Story {
        last_end: None,
        position: Known::unknown(WhyKind::Undefined, "the log holds no recovered position"),
        waiting: None,
        evicted: false,
        half_filled: false,
        prepared: false,
        part: Part::Never,
        transfer: None,
        bootstraps: Vec::new(),
        version: None,
    };
    let mut sees_waiting = false;
    let mut transferred = false;
    let mut initial = None;
    let mut part = None;
    let mut founded = Founded::default();
    for entry in entries {
        let Some(mark) = entry.mark() else { continue };
        story.part = story.part.after(&mark, entry.at);
        founded.after(&mark, entry, initial, part);
        if story.transfer.is_some() || matches!(mark, Mark::Start(_)) {
            story.transfer = Some(story.transfer.unwrap_or(Transfer::None).after(&mark));
        }
        match mark {
            Mark::Start(version) => {
                story.last_end = Some((None, entry.at));
                story.version = version.map(Plain::new).or(story.version);
                story.prepared = false;
                story.waiting = Some(false);
                sees_waiting = true;
                position.server_logs_here = true;
            }
            Mark::End(end) => {
                story.waiting = Some(false);
                sees_waiting = false;
                // A run ends once, but an abort is followed by the signal it dies of.
                match (story.last_end.and_then(|(end, _)| end), end) {
                    (None, end) | (Some(End::Aborted), end @ End::Killed) => {
                        story.last_end = Some((Some(end), entry.at));
                    }
                    _ => {}
                }
            }
            Mark::Recovered(found) => position.found(found, entry),
            Mark::Initial(found, text) => {
                initial = found.why().is_none_or(|why| why.kind != WhyKind::Malformed).then_some(text);
                position.started_with(found, entry, from);
            }
            Mark::Waiting | Mark::NonPrimary => {
                if sees_waiting {
                    story.waiting = Some(true);
                }
            }
            // Whoever closes its connection has taken part before, or never came so far.
            Mark::Left | Mark::PrimView(_) => {}
            Mark::Prepared => story.prepared = true,
            Mark::Inconsistent => {
                (story.evicted, transferred) = (true, false);
                position.took_part(entry);
            }
            Mark::Bootstrap
            | Mark::Component(_)
            | Mark::View(_)
            | Mark::TookPart
            | Mark::Served
            | Mark::Synced
            | Mark::Transferring
            | Mark::Caught
            | Mark::Transferred => {
                position.took_part(entry);
                story.waiting = story.waiting.map(|_| false);
                sees_waiting = false;
                match mark {
                    Mark::Transferring => (story.half_filled, transferred) = (true, false),
                    Mark::Transferred => transferred = true,
                    // Nobody is in sync over half a copy; over rows that were voted out, one can be.
                    Mark::Synced => {
                        story.half_filled = false;
                        story.evicted &= !transferred;
                    }
                    Mark::Caught => story.half_filled = false,
                    _ => {}
                }
                part = entry.at;
            }
        }
    }
    story.bootstraps = founded.begun.into_iter().map(Begun::told).collect();
    story.position = position.worth(now);
    story
}

/// The bootstraps so far.
#[derive(Default)]
struct Founded<'a> {
    begun: Vec<Begun>,
    /// The Primary view of which no component was logged yet.
    view: Option<&'a str>,
}

impl<'a> Founded<'a> {
    /// `initial` is what the server was started with, `part` when it had taken part before.
    fn after(
        &mut self,
        mark: &Mark<'a>,
        entry: &Entry<'a>,
        initial: Option<&'a str>,
        part: Option<Timestamp>,
    ) {
        match mark {
            Mark::PrimView(id) => self.view = Some(id),
            Mark::Bootstrap | Mark::Component(_) => {
                let line = bootstrap(entry, mark, initial, self.view.take(), part);
                self.begun.push(Begun { line, grew: Vec::new() });
            }
            Mark::View(members) => {
                self.view = None;
                if let Some(begun) = self.begun.last_mut() {
                    begun.grows(*members, entry.at);
                }
            }
            // Whatever this node bootstrapped itself is overwritten by the donor's history.
            Mark::Transferred => self.begun.clear(),
            _ => {}
        }
    }
}

/// A bootstrap, and each view since that had more members than any before it.
struct Begun {
    line: Plain,
    grew: Vec<(u64, Timestamp)>,
}

impl Begun {
    fn grows(&mut self, members: Option<&str>, at: Option<Timestamp>) {
        let members = members.and_then(|members| members.parse().ok());
        if let (Some(members), Some(at)) = (members, at)
            && self.grew.iter().all(|(before, _)| *before < members)
        {
            self.grew.push((members, at));
        }
    }

    fn told(self) -> Plain {
        let views: Vec<String> =
            self.grew.iter().map(|(members, at)| format!(" {members}@{at:.0}")).collect();
        if views.is_empty() { self.line } else { Plain::new(format!("{} grew{}", self.line, views.concat())) }
    }
}

/// `TIME group UUID:SEQNO after TIME` for a bootstrap; `TIME component MEMBERS [in VIEW] after TIME` for a component formed
/// by one, whose position the log does not say in one line. The last time is when the server had taken part in a Primary
/// Component before, `-` where that was not seen; ` grew MEMBERS@TIME …` follows where views came
/// after it, each that had more members than any before.
fn bootstrap(
    entry: &Entry<'_>,
    mark: &Mark<'_>,
    initial: Option<&str>,
    view: Option<&str>,
    before: Option<Timestamp>,
) -> Plain {
    let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"));
    let what = match (mark, initial) {
        (Mark::Component(members), _) => {
            let view = view.map(|view| format!(" in {view}")).unwrap_or_default();
            format!("component {}{view}", members.unwrap_or("?"))
        }
        (_, Some(initial)) => format!("group {initial}"),
        (_, None) => "group ?".to_owned(),
    };
    Plain::new(format!("{} {what} after {}", time(entry.at), time(before)))
}

/// The position of the last start, and whether it still holds (S2).
#[derive(Default)]
struct LastStart {
    found: Option<(Known<Position>, Option<Timestamp>)>,
    /// What took part in the group since, and when.
    since: Option<(String, Option<Timestamp>)>,
    /// Whether the server that was then started logs here: else its silence here proves nothing.
    server_logs_here: bool,
}

impl LastStart {
    fn found(&mut self, found: Known<Position>, entry: &Entry<'_>) {
        *self = Self { found: Some((found, entry.at)), since: None, server_logs_here: false };
    }

    fn started_with(&mut self, started: Known<Position>, entry: &Entry<'_>, from: Origin) {
        let recovered = match &self.found {
            Some((Known::Known(recovered), _)) if from == Origin::Journal && self.since.is_none() => {
                *recovered
            }
            _ => {
                // Without a recovered line of this same start, what the server was started with is the position. One
                // started without (a zero UUID) shows nothing of what its engine holds.
                self.found(started, entry);
                self.server_logs_here = true;
                return;
            }
        };
        self.server_logs_here = true;
        if started.known().is_some_and(|started| *started != recovered) {
            let why = format!(
                "the unit's start recovered {recovered}, and the server was started with another position"
            );
            self.found = Some((Known::unknown(WhyKind::Contradicted, why), entry.at));
        }
    }

    fn took_part(&mut self, entry: &Entry<'_>) {
        if self.since.is_none() {
            self.since = Some((entry.message.chars().take(80).collect(), entry.at));
        }
    }

    fn worth(self, now: Option<Timestamp>) -> Known<(Position, Option<Timestamp>)> {
        let Some((found, at)) = self.found else {
            return Known::unknown(WhyKind::Undefined, "the log holds no recovered position");
        };
        if let Some((message, when)) = self.since {
            let when = when.map_or_else(String::new, |when| match now {
                Some(now) => format!(" at {when:.0} ({} ago)", age(when, now)),
                None => format!(" at {when:.0}"),
            });
            return Known::unknown(WhyKind::Stale, format!("the server took part after it{when}: {message}"));
        }
        if !self.server_logs_here {
            return Known::unknown(
                WhyKind::Stale,
                "the start it belongs to is not seen here, so what the server did since is not either",
            );
        }
        found.map(|position| (position, at))
    }
}

fn transfer(transfer: Option<Transfer>) -> Known<Plain> {
    Known::Known(Plain::from(match transfer {
        Some(Transfer::None) => "none",
        Some(Transfer::Incremental) => "IST",
        Some(Transfer::Full) => "SST",
        Some(Transfer::Begun) => {
            return Known::unknown(WhyKind::Undefined, "a transfer began, and its end is not seen");
        }
        None => {
            return Known::unknown(WhyKind::Undefined, "the part of the log that was read shows no start");
        }
    }))
}

/// When the node was last in a Primary Component (S25): now, where the server that is in one runs.
fn took_part(part: Part, running: bool, now: Option<Timestamp>) -> Known<Timestamp> {
    let why = match (part, now) {
        (Part::Until(Some(at)), _) => return Known::Known(at),
        (Part::Still, Some(now)) if running => return Known::Known(now),
        (Part::Never, _) => "it took part in no Primary Component in the part of the log that was read",
        (Part::Until(None), _) => "the line that ends its part has no time",
        (Part::Still | Part::Unseen, _) => "it took part, and the log does not show until when",
    };
    Known::unknown(WhyKind::Undefined, why)
}

/// The log's facts.
pub(super) fn facts(frame: &Frame<'_>, clock: Clock, at: Timestamp, out: &mut Facts) {
    let path = frame.text("log-file", "the log's place").known().copied().unwrap_or_default();
    let unit = out.get(keys::UNIT_NAME).known().map_or_else(|| "the unit".to_owned(), Plain::to_string);
    let (origin, source) = if path.is_empty() {
        (Origin::Journal, Plain::new(format!("the journal of {unit}")))
    } else {
        (Origin::File, Plain::new(format!("the file {path}")))
    };
    let what = source.as_str();
    let (tail, marks) = match origin {
        Origin::Journal => ("journal-tail", "journal-marks"),
        Origin::File => ("file-tail", "file-marks"),
    };
    let read = |text| match origin {
        Origin::Journal => marks::journal(text),
        Origin::File => marks::file(text, clock.offset),
    };
    let tail = end_of(frame, tail, what);
    let marks = end_of(frame, marks, what);
    let marks = marks.as_ref().and_then(|text| match whole(text) {
        Some(text) => Known::Known(text),
        None => Known::unknown(WhyKind::TimedOut, format!("{what} was not read to its end")),
    });
    let journal = end_of(frame, "journal-marks", "the journal");
    let journal = match (origin, &journal) {
        (Origin::File, Known::Known(text)) => whole(text).map(marks::journal).unwrap_or_default(),
        _ => Vec::new(),
    };
    let first = frame.text("log-reach", what).map(read);
    let part = Read {
        origin,
        tail: tail.as_ref().map(|text| read(text)),
        marks: marks.map(read),
        first,
        journal,
        now: clock.now,
    };
    say(&part, &source, at, out);
}

/// The part of a log that was read, in entries.
pub(super) struct Read<'a> {
    pub(super) origin: Origin,
    /// The last lines.
    pub(super) tail: Known<Vec<Entry<'a>>>,
    /// The lines that say where the server stood, and others that are known.
    pub(super) marks: Known<Vec<Entry<'a>>>,
    /// The first lines.
    pub(super) first: Known<Vec<Entry<'a>>>,
    /// The same of the journal, where the server logs to a file of its own.
    pub(super) journal: Vec<Entry<'a>>,
    /// The node's clock, for ages in reasons.
    pub(super) now: Option<Timestamp>,
}

/// Sets the log's facts; the processes' are there already.
pub(super) fn say(part: &Read<'_>, source: &Plain, at: Timestamp, out: &mut Facts) {
    let no_server = out.get(keys::SERVER_PIDS).is(Vec::is_empty);
    let running = out.get(keys::SERVER_PIDS).is(|pids| !pids.is_empty());
    let mut set = Setter { out, source, at };
    set.set(keys::LOG_SOURCE, part.tail.as_ref().map(|_| source.clone()));
    let tail = part.tail.as_ref().map(|tail| tail.iter().map(|e| Plain::from(e.describe())).collect());
    set.set(keys::LOG_TAIL, tail);

    let log = known_lines::merged(part.marks.as_ref(), part.tail.as_ref());
    set.set(keys::LOG_KNOWN, log.as_ref().map(|entries| known_lines::of(entries, &part.journal)));
    set.set(keys::LOG_STARTS, log.as_ref().and_then(|entries| known_lines::starts(entries)));
    set.set(keys::LOG_TRANSFERS, log.as_ref().and_then(|entries| known_lines::transfers(entries)));
    let story = part.marks.as_ref().map(|entries| tell(entries, part.origin, part.now));
    let story = story.as_ref();

    let (killed, ran) = beside(&part.journal);
    set.set(keys::LOG_LAST_END, story.clone().and_then(|story| last_end(story, killed)));
    let position = story.clone().and_then(|story| story.position.clone()).and_then(|(position, logged)| {
        match ran.filter(|ran| logged.is_none_or(|logged| *ran > logged)) {
            Some(ran) => {
                Known::unknown(WhyKind::Stale, format!("by the journal a server ran after it, at {ran:.0}"))
            }
            None => Known::Known((position, logged)),
        }
    });
    let logged = position.clone().and_then(|(_, logged)| match logged {
        Some(logged) => Known::Known(logged),
        None => Known::unknown(WhyKind::Undefined, "the line has no time"),
    });
    set.set(keys::LOG_POSITION, position.map(|(position, _)| position));
    set.set(keys::LOG_POSITION_AT, logged);
    set.set(
        keys::LOG_WAITING,
        story.clone().and_then(|story| match story.waiting {
            // A server that was killed leaves no end in its own file.
            Some(_) if no_server => Known::Known(false),
            Some(waiting) => Known::Known(waiting),
            None => Known::unknown(WhyKind::Undefined, "the part of the log that was read shows no start"),
        }),
    );
    set.set(keys::LOG_EVICTED, story.clone().map(|story| story.evicted));
    set.set(keys::LOG_HALF_FILLED, story.clone().map(|story| story.half_filled));
    let ended = story.clone().and_then(|story| match story.last_end {
        Some((Some(_), Some(at))) => Known::Known(at),
        _ => {
            Known::unknown(WhyKind::Undefined, "the part of the log that was read shows no end with its time")
        }
    });
    set.set(keys::LOG_LAST_END_AT, ended);
    set.set(keys::LOG_TRANSFER, story.clone().and_then(|story| transfer(story.transfer)));
    set.set(keys::LOG_TOOK_PART, story.clone().and_then(|story| took_part(story.part, running, part.now)));
    let reach = part.first.as_ref().and_then(|first| match first.iter().find_map(|e| e.at) {
        Some(at) => Known::Known(at),
        None => Known::unknown(WhyKind::Undefined, format!("the first lines of {source} have no time")),
    });
    set.set(keys::LOG_REACH, reach);
    set.set(keys::LOG_PREPARED, story.clone().map(|story| story.prepared));
    set.set(keys::LOG_BOOTSTRAPS, story.clone().map(|story| story.bootstraps.clone()));
    let latest = |entries: &Vec<Entry<'_>>| {
        let latest = entries.iter().skip(entries.len().saturating_sub(60));
        latest.map(|entry| Plain::from(start(entry.describe(), 240))).collect()
    };
    set.set(keys::LOG_MARKS, part.marks.as_ref().map(latest));
    set.set(
        keys::SERVER_VERSION,
        story.and_then(|story| match &story.version {
            Some(version) => Known::Known(version.clone()),
            None => Known::unknown(WhyKind::Undefined, "neither the server nor its log said a version"),
        }),
    );
}

/// The first characters of a line.
fn start(mut line: String, most: usize) -> String {
    // A character is a byte at least.
    if line.len() > most
        && let Some((end, _)) = line.char_indices().nth(most)
    {
        line.truncate(end);
    }
    line
}

/// The end of a log; where it is cut, from its first whole line on. Bytes that are not text become U+FFFD: a client's
/// user name in another character set must not hide the server's own words.
fn end_of<'a>(frame: &Frame<'a>, name: &str, what: &str) -> Known<Cow<'a, str>> {
    match frame.section(name) {
        Some(section) if section.status == Status::Cut => {
            let start = section.body.iter().position(|b| *b == b'\n').unwrap_or_default();
            Known::Known(section.body.get(start..).unwrap_or_default())
        }
        _ => frame.bytes(name, what),
    }
    .map(String::from_utf8_lossy)
}

/// The marks, where the reading reached the end of the log. A reading that was cut off shows old lines as the last.
fn whole(text: &str) -> Option<&str> {
    text.trim_end().strip_suffix("%code 0")
}

/// What the journal says beside a log file: when systemd last said that the server was killed, which the server cannot
/// say itself, and when a server last logged there, as one does that was started with other options.
fn beside(entries: &[Entry<'_>]) -> (Option<Timestamp>, Option<Timestamp>) {
    let last = |wanted: fn(&Mark<'_>) -> bool| {
        entries
            .iter()
            .rev()
            .find(|entry| entry.mark().is_some_and(|mark| wanted(&mark)))
            .and_then(|entry| entry.at)
    };
    (
        last(|mark| *mark == Mark::End(End::Killed)),
        last(|mark| !matches!(mark, Mark::End(_) | Mark::Recovered(_))),
    )
}

fn last_end(story: &Story, killed: Option<Timestamp>) -> Known<Plain> {
    let word = |end| {
        Known::Known(Plain::from(match end {
            None => "running",
            Some(End::Clean) => "clean",
            Some(End::Aborted) => "aborted",
            Some(End::Killed) => "killed",
        }))
    };
    match (story.last_end, killed) {
        (Some((None, Some(started))), Some(killed)) if killed >= started => word(Some(End::Killed)),
        (Some((end, _)), _) => word(end),
        (None, _) => Known::unknown(
            WhyKind::Undefined,
            "the part of the log that was read shows neither start nor end",
        ),
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
