//! The error log: what it says, its known lines with their meaning, and the others as they were read.
//!
//! ```text
//!  last run ended        killed
//!  ● 02:51:00 Synchronized with group, ready for connections
//!    02:51:03 [Note] Event Scheduler: Loaded 0 events
//!  ✗ 02:58:12 SST failed: …
//!             error: The joiner could not … (seen in the lab) → galera.transfer-failed
//! ```

use std::collections::BTreeMap;

use ratatui::text::{Line, Span};

use super::super::paint;
use super::{Of, Row, Seen};
use crate::ask::lines::{self, KnownLine, Proof, Weight, classify, message};
use crate::facts::{Known, Plain, keys};
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::{NodeAt, Only};

/// A mark is kept up to this many characters; a longer line is the same where it begins so.
const KEPT: usize = 240;
/// Columns of a sign and a time.
const TIME: usize = 11;

/// A line with what it is known as.
struct Logged<'a> {
    line: &'a Plain,
    known: Option<&'static KnownLine>,
}

impl Seen<'_> {
    /// The log's lines that hold `filter`.
    pub(super) fn log(&self, at: &NodeAt, filter: &str) -> Vec<Row> {
        let look = self.look;
        let mut rows = if at.only == Only::All { self.log_says(filter) } else { Vec::new() };
        let counted = self.counted(at, filter);
        if !rows.is_empty() && !counted.is_empty() {
            rows.push(Row::blank());
        }
        rows.extend(counted);
        let marks = self.node.facts.get(keys::LOG_MARKS).known().cloned().unwrap_or_default();
        let tail = match self.node.facts.get(keys::LOG_TAIL) {
            Known::Known(tail) => tail,
            Known::Unknown(why) => {
                let lead = Span::styled(format!(" {} ", look.signs.unknown), look.style(Ink::Unknown));
                let why = format!("the last lines: {}", why.text);
                rows.push(Row::blank());
                rows.extend(Row::of(
                    &Of::Fact(keys::LOG_TAIL.name()),
                    paint::hanging(&[lead], &why, look.style(Ink::Unknown), self.width),
                ));
                Vec::new()
            }
        };
        let is = |line: &Plain, mark: &Plain| line.as_str().chars().take(KEPT).eq(mark.as_str().chars());
        let earlier: Vec<&Plain> =
            marks.iter().filter(|mark| !tail.iter().any(|line| is(line, mark))).collect();
        let mut told = BTreeMap::new();
        for (all, head, of) in [
            (earlier, "earlier lines that say where the server stood", keys::LOG_MARKS.name()),
            (tail.iter().collect(), "the last lines", keys::LOG_TAIL.name()),
        ] {
            let shown = shown(&all, at.only, filter);
            if shown.is_empty() {
                continue;
            }
            if !rows.is_empty() {
                rows.push(Row::blank());
            }
            let head = format!(" {head}: {}", count(&shown));
            rows.extend(Row::of(&Of::Fact(of), vec![paint::heading(&head, look)]));
            let mut day = "";
            for logged in shown {
                let (date, _, _) = parts(logged.line.as_str());
                if !date.is_empty() && date != day {
                    rows.push(Line::styled(format!("   {date}"), look.style(Ink::Dim)).into());
                    day = date;
                }
                rows.extend(self.logged(&logged, at, &mut told));
            }
        }
        rows
    }

    /// What the log says as a whole.
    fn log_says(&self, filter: &str) -> Vec<Row> {
        let facts = &self.node.facts;
        // A time without its event has the event's reason.
        let timed = |known: bool, rows: Vec<Row>| if known { rows } else { Vec::new() };
        let ended = facts.get(keys::LOG_LAST_END).known().is_some();
        let recovered = facts.get(keys::LOG_POSITION).known().is_some();
        let said = [
            self.labelled(keys::LOG_SOURCE, "read from"),
            self.labelled(keys::LOG_REACH, "reaches back to"),
            self.labelled(keys::LOG_LAST_END, "last run ended"),
            timed(ended, self.labelled(keys::LOG_LAST_END_AT, "that was at")),
            self.labelled(keys::LOG_POSITION, "recovered position"),
            timed(recovered, self.labelled(keys::LOG_POSITION_AT, "logged at")),
            self.labelled(keys::LOG_TOOK_PART, "last in a Primary"),
            self.labelled(keys::LOG_TRANSFER, "last transfer"),
            self.labelled(keys::LOG_BOOTSTRAPS, "bootstraps"),
            self.labelled(keys::LOG_STARTS, "starts, last hour"),
            self.labelled(keys::LOG_TRANSFERS, "transfers, no sync"),
            self.log_answers(),
        ];
        said.concat().into_iter().filter(|row| row.holds(filter)).collect()
    }

    /// What the log was asked; where the answer is no, all of it in one line.
    fn log_answers(&self) -> Vec<Row> {
        let questions = [
            (keys::LOG_WAITING, "waits for a Primary"),
            (keys::LOG_EVICTED, "evicted"),
            (keys::LOG_HALF_FILLED, "half-filled"),
            (keys::LOG_PREPARED, "prepared transactions"),
        ];
        let is_no = |key| self.node.facts.get(key).is(|yes| !yes);
        let (no, other): (Vec<_>, Vec<_>) = questions.into_iter().partition(|(key, _)| is_no(*key));
        let mut rows: Vec<Row> =
            other.into_iter().flat_map(|(key, label)| self.labelled(key, label)).collect();
        if !no.is_empty() {
            let no: Vec<&str> = no.into_iter().map(|(_, label)| label).collect();
            let (text, look) = (no.join(", "), self.look);
            let lines = paint::labelled(" no", 22, &text, look.style(Ink::Text), self.width, look);
            rows.extend(lines.into_iter().map(Row::from));
        }
        rows
    }

    /// The known warnings and errors of all that was read of the log, also where the last lines do not reach so far.
    fn counted(&self, at: &NodeAt, filter: &str) -> Vec<Row> {
        let look = self.look;
        let seen = match lines::seen(&self.node.facts) {
            Known::Known(seen) => seen,
            Known::Unknown(_) if self.fact(keys::LOG_KNOWN.name()).is_none() => return Vec::new(),
            Known::Unknown(_) => return self.labelled(keys::LOG_KNOWN, "known lines"),
        };
        let all = at.explained && at.only != Only::Bad;
        let lightest = if all { Weight::Info } else { Weight::Warning };
        let mut rows = Vec::new();
        for one in seen.iter().filter(|one| one.line.weight >= lightest && names(one.line, filter)) {
            if rows.is_empty() {
                let head = paint::heading(" known in all that was read, the latest last", look);
                rows.extend(Row::of(&Of::Fact(keys::LOG_KNOWN.name()), vec![head]));
            }
            let time = |at: Option<jiff::Timestamp>| at.map(|at| at.strftime("%m-%d %H:%M:%S").to_string());
            let when = match (time(one.first), time(one.last)) {
                (Some(first), Some(last)) if first != last => format!(" from {first} to {last}"),
                (_, Some(last)) => format!(" at {last}"),
                _ => String::new(),
            };
            let times = if one.count == 1 { String::new() } else { format!(" {} times", one.count) };
            let (sign, ink) = sign(Some(one.line), look);
            let lead = [
                Span::styled(format!(" {sign} "), look.style(ink)),
                Span::styled(format!("{}  ", one.line.id), look.style(ink)),
            ];
            let text = format!("{times}{when}");
            rows.extend(
                paint::hanging(&lead, text.trim_start(), look.style(Ink::Text), self.width)
                    .into_iter()
                    .map(Row::from),
            );
        }
        rows
    }

    /// One line, and what it means where that is shown. Lines that were said before word for word have names of their own.
    fn logged(&self, logged: &Logged<'_>, at: &NodeAt, told: &mut BTreeMap<String, usize>) -> Vec<Row> {
        let look = self.look;
        let raw = logged.line.as_str();
        let times = told.entry(raw.to_owned()).and_modify(|times| *times += 1).or_insert(1);
        let what = if *times == 1 { raw.to_owned() } else { format!("{raw} ({times})") };
        let chosen = at.at.as_deref() == Some(what.as_str());
        let (_, time, rest) = parts(raw);
        let (sign, ink) = sign(logged.known, look);
        let text = if logged.known.is_some() { message(raw) } else { rest };
        let time = if time.is_empty() { String::new() } else { format!("{time} ") };
        let lead =
            [Span::styled(format!(" {sign} "), look.style(ink)), Span::styled(time, look.style(Ink::Dim))];
        let mut lines = paint::hanging(&lead, text, look.style(ink), self.width);
        if let Some(known) =
            logged.known.filter(|known| chosen || at.explained || known.weight >= Weight::Warning)
        {
            lines.extend(self.meaning(known));
        }
        Row::of(&Of::Logged(what, logged.known), lines)
    }

    /// How much a known line matters, what it means, how that is known, and the finding it points to.
    fn meaning(&self, known: &KnownLine) -> Vec<Line<'static>> {
        let look = self.look;
        let word = match known.weight {
            Weight::Error => "error",
            Weight::Warning => "warning",
            Weight::Notice => "notice",
            Weight::Info => "info",
        };
        let proof = match known.proof {
            Proof::Lab => "seen in the lab",
            Proof::Source => "from the source",
            Proof::Doc => "from the documentation",
        };
        let finding =
            known.finding.map(|finding| format!(" {} {finding}", look.signs.arrow)).unwrap_or_default();
        let indent = if self.width < 60 { 3 } else { TIME + 1 };
        let lead = [Span::raw(" ".repeat(indent)), Span::styled(format!("{word}: "), look.style(Ink::Key))];
        let text = format!("{} ({proof}){finding}", known.meaning);
        paint::hanging(&lead, &text, look.style(Ink::Text), self.width)
    }
}

/// The lines that are asked for.
fn shown<'a>(all: &[&'a Plain], only: Only, filter: &str) -> Vec<Logged<'a>> {
    let logged = all.iter().map(|line| Logged { line, known: classify(line.as_str()) });
    let wanted = |logged: &Logged<'_>| match only {
        Only::All => true,
        Only::Known => logged.known.is_some(),
        Only::Bad => logged.known.is_some_and(|known| known.weight >= Weight::Warning),
    };
    let holds = |logged: &Logged<'_>| {
        logged.line.as_str().to_lowercase().contains(filter)
            || logged.known.is_some_and(|known| names(known, filter))
    };
    logged.filter(|logged| wanted(logged) && holds(logged)).collect()
}

/// Whether a filter means this kind of line.
fn names(known: &KnownLine, filter: &str) -> bool {
    known.id.contains(filter) || known.finding.is_some_and(|finding| finding.contains(filter))
}

/// `36, of which 4 are known: 1 error, 2 warnings`.
fn count(shown: &[Logged<'_>]) -> String {
    let of =
        |weight| shown.iter().filter(|one| one.known.is_some_and(|known| known.weight == weight)).count();
    let known = shown.iter().filter(|one| one.known.is_some()).count();
    let number = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let bad = [number(of(Weight::Error), "error"), number(of(Weight::Warning), "warning")];
    let bad: Vec<String> = bad.into_iter().flatten().collect();
    let bad = if bad.is_empty() { String::new() } else { format!(": {}", bad.join(", ")) };
    format!("{}, {known} known{bad}", shown.len())
}

/// How a line is marked.
fn sign(known: Option<&KnownLine>, look: Look) -> (&'static str, Ink) {
    match known.map(|known| known.weight) {
        None => (" ", Ink::Text),
        Some(Weight::Info) => (look.signs.dot, Ink::Text),
        Some(Weight::Notice) => (look.signs.finding, Ink::Title),
        Some(Weight::Warning) => (look.signs.warning, Ink::Title),
        Some(Weight::Error) => (look.signs.not, Ink::Warn),
    }
}

/// A shown line's date, its time and the rest; without the second time and the process where the server's own level
/// follows them. Date and time are empty where the log has none.
fn parts(line: &str) -> (&str, &str, &str) {
    let stamp = line.split_once(' ').and_then(|(stamp, rest)| {
        let (date, time) = stamp.strip_suffix('Z')?.split_once('T')?;
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':'));
        (date.len() == 10 && time.len() == 8 && digits(date) && digits(time)).then_some((date, time, rest))
    });
    let (date, time, rest) = stamp.unwrap_or(("", "", line));
    let before = line.strip_suffix(message(line)).unwrap_or_default();
    let level = ["[Note]", "[Warning]", "[ERROR]", "[System]"].iter().find_map(|level| before.find(level));
    (date, time, level.and_then(|at| line.get(at..)).unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_and_nothing_but_times_and_threads_is_lost() {
        let line = "2026-11-21T05:54:03Z mariadbd[812]: 2026-11-21  6:54:03 0 [Note] InnoDB: Completed";
        assert_eq!(parts(line), ("2026-11-21", "05:54:03", "[Note] InnoDB: Completed"));
        let line = "2026-11-21T05:54:03Z systemd[1]: Started mariadb.service";
        assert_eq!(parts(line), ("2026-11-21", "05:54:03", "systemd[1]: Started mariadb.service"));
        assert_eq!(parts("no time at all"), ("", "", "no time at all"));
        assert_eq!(parts(""), ("", "", ""));
    }
}
