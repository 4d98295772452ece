//! What collectors put before a line of a log: journald, syslog, container runtimes, JSON.
//!
//! Taken off, so that what counts is the message itself: a client can put text into an error log, and a line counts only
//! where the message begins with the server's words.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

use crate::ask::{lines, marks};

/// One line without what its collector put before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// When it was logged, where the prefix or the server's own stamp says so with its zone.
    pub(super) at: Option<Timestamp>,
    /// The line as the journal's readers show it: `name[pid]: message`, or the message alone.
    pub(super) text: String,
    /// How long `name[pid]: ` is.
    pub(super) named: usize,
}

impl Line {
    /// Whether a syslog or the journal named who logged it.
    pub(super) fn is_named(&self) -> bool {
        self.named > 0
    }

    /// Whether a server, a transfer script or garbd wrote it: by its own time and level, or because the line is known.
    /// What systemd says of a unit, and the kernel of a process, says nothing of what a server wrote.
    pub(super) fn is_servers(&self) -> bool {
        let own = self.text.get(self.named..).unwrap_or_default();
        is_stamped(own)
            || lines::classify(own).is_some_and(|line| !["systemd", "monit", "the kernel"].contains(&line.of))
    }

    /// The message, without the server's own time and level.
    pub(super) fn message(&self) -> &str {
        lines::message(self.text.get(self.named..).unwrap_or_default())
    }
}

/// Reads a log. `offset` is the zone of the server's own stamps, where it is known. Where no line of it is one of a
/// server's as it stands, it is read once more, as one document or with everything before the server's stamp cut off.
pub(super) fn read(text: &str, offset: Option<Offset>) -> Vec<Line> {
    let plain = colourless(text);
    let text = plain.as_deref().unwrap_or(text);
    let lines: Vec<Line> =
        text.lines().filter(|line| !line.trim().is_empty()).flat_map(|line| wrapped(line, offset)).collect();
    if lines.iter().any(Line::is_servers) {
        return lines;
    }
    let document = document(text, offset);
    if document.iter().any(Line::is_servers) {
        return document;
    }
    cut(lines, offset)
}

/// The lines without what stands before the server's stamp. The first stamp in a line is the server's: what a client put
/// into the message stands behind it. A line that has none loses what the one before it lost, where it has it, too.
fn cut(lines: Vec<Line>, offset: Option<Offset>) -> Vec<Line> {
    let mut before = String::new();
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        let from = match stamped(&line.text) {
            Some(from) => {
                line.text.get(..from).unwrap_or_default().clone_into(&mut before);
                from
            }
            None if line.text.starts_with(&before) => before.len(),
            None => 0,
        };
        if from == 0 {
            all.push(line);
            continue;
        }
        let text = line.text.get(from..).unwrap_or_default().to_owned();
        all.push(Line { at: line.at.or_else(|| marks::time_of(&text, offset)), text, named: 0 });
    }
    all
}

/// Without the colours of a terminal.
fn colourless(text: &str) -> Option<String> {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
    }
    (!out.is_empty() || rest.len() < text.len()).then(|| out + rest)
}

/// A log whose JSON is one document, or several over many lines: an array, `-o json-pretty`, an export.
fn document(text: &str, offset: Option<Offset>) -> Vec<Line> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Vec::new();
    }
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok);
    let mut lines = Vec::new();
    for value in values {
        objects(value, offset, 0, &mut lines);
    }
    lines
}

/// The lines of a document: of each object that holds a message, at any depth.
fn objects(value: Value, offset: Option<Offset>, depth: usize, lines: &mut Vec<Line>) {
    match value {
        Value::Array(values) if depth < 8 => {
            for value in values {
                objects(value, offset, depth + 1, lines);
            }
        }
        Value::Object(_) => match of_object(&value, offset) {
            Some(found) => lines.extend(found),
            None if depth < 8 => {
                let Value::Object(fields) = value else { return };
                for (_, value) in fields {
                    objects(value, offset, depth + 1, lines);
                }
            }
            None => {}
        },
        _ => {}
    }
}

/// A line of a collector that wraps each in JSON, or a plain one.
fn wrapped(line: &str, offset: Option<Offset>) -> Vec<Line> {
    let object = line.trim().trim_start_matches('\u{1e}').trim_end_matches(',');
    let object = object.strip_prefix("data: ").unwrap_or(object);
    // fluentd writes the time and a tag before it.
    let object =
        object.rsplit_once("\t{").map_or(object, |(head, _)| object.get(head.len() + 1..).unwrap_or(object));
    let value = object.starts_with('{').then(|| serde_json::from_str::<Value>(object));
    match value {
        Some(Ok(value)) => of_object(&value, offset).unwrap_or_else(|| vec![plain(line, None, offset)]),
        _ => vec![plain(line, None, offset)],
    }
}

/// The lines of the message that an object holds.
fn of_object(value: &Value, offset: Option<Offset>) -> Option<Vec<Line>> {
    let message = message(value, 0)?;
    let at = time(value, 0);
    let field = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| is_name(text));
    let name = field("SYSLOG_IDENTIFIER").or_else(|| field("_COMM"));
    let pid = field("_PID").or_else(|| field("SYSLOG_PID")).unwrap_or("0");
    let lines = message.lines().filter(|line| !line.trim().is_empty());
    let read = lines.map(|line| match name {
        // journald says who logged it beside the message, and the message has no prefix.
        Some(name) => {
            let head = format!("{name}[{pid}]: ");
            Line { at: at.or_else(|| marks::time_of(line, offset)), named: head.len(), text: head + line }
        }
        None => plain(line, at, offset),
    });
    Some(read.collect())
}

/// The message of a wrapped line: the first of the usual names, at any depth.
fn message(value: &Value, depth: usize) -> Option<String> {
    let fields = value.as_object().filter(|_| depth < 4)?;
    let named =
        ["MESSAGE", "message", "msg", "log", "textPayload", "body", "line", "short_message", "stringValue"];
    let own = named.iter().filter_map(|name| fields.get(*name)).find_map(|value| match value {
        // One collector's line within another's.
        Value::String(text) if text.starts_with('{') => {
            let inner = serde_json::from_str::<Value>(text).ok().and_then(|value| message(&value, depth + 1));
            Some(inner.unwrap_or_else(|| text.clone()))
        }
        Value::String(text) => Some(text.clone()),
        // journald prints what is not UTF-8 as an array of bytes.
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    });
    own.or_else(|| fields.values().find_map(|value| message(value, depth + 1)))
}

/// Where in a line the first stamp of a server stands: `2026-11-21  5:54:03 0 [`, `2026-11-21T05:54:03.1Z 0 [`,
/// `261121  5:54:03 [`.
fn stamped(line: &str) -> Option<usize> {
    let begins = line.char_indices().scan(' ', |before, (at, c)| {
        let begins = c.is_ascii_digit() && !before.is_ascii_alphanumeric();
        *before = c;
        Some((at, begins))
    });
    begins.filter(|(_, begins)| *begins).map(|(at, _)| at).find(|at| line.get(*at..).is_some_and(is_stamped))
}

/// Whether a line begins with a server's own time, its thread, and a level in brackets.
fn is_stamped(line: &str) -> bool {
    if marks::time_of(line, Some(Offset::UTC)).is_none() {
        return false;
    }
    let thread = |word: &str| word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'x');
    let mut words = line.split_ascii_whitespace();
    let in_one = words.next().is_some_and(|time| time.contains('T'));
    let mut words = words.skip(usize::from(!in_one));
    match (words.next(), words.next()) {
        (Some(level), _) if level.starts_with('[') => true,
        (Some(number), Some(level)) => thread(number) && level.starts_with('['),
        _ => false,
    }
}

/// The time of a wrapped line, at any depth.
fn time(value: &Value, depth: usize) -> Option<Timestamp> {
    let fields = value.as_object().filter(|_| depth < 4)?;
    let named =
        ["__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "@timestamp", "timestamp", "time", "ts", "t"];
    let own = named.iter().filter_map(|name| fields.get(*name)).find_map(|value| match value {
        Value::String(text) => text.parse().ok().or_else(|| since_epoch(text)),
        Value::Number(number) => since_epoch(&number.to_string()),
        _ => None,
    });
    own.or_else(|| fields.values().find_map(|value| time(value, depth + 1)))
}

/// Seconds since 1970, or thousandths, millionths, billionths of them: the number of digits tells.
fn since_epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let nanos = match whole.len() {
        9..=10 => {
            let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
            number.checked_mul(1_000_000_000)?.checked_add(fraction.parse().ok()?)?
        }
        12..=13 => number.checked_mul(1_000_000)?,
        15..=16 => number.checked_mul(1000)?,
        18..=19 => number,
        _ => return None,
    };
    Timestamp::from_nanosecond(nanos).ok()
}

/// A line that is wrapped in nothing; `at` is what its wrapper said. The time nearest to the message counts that has a
/// zone.
fn plain(line: &str, at: Option<Timestamp>, offset: Option<Offset>) -> Line {
    let line = line.trim_end_matches('\r');
    let line = composed(line.trim_start_matches('\u{feff}'));
    let (stamped, rest) = stamp(line).unwrap_or((None, line));
    let at = stamped.or(at);
    if let Some(read) = structured(line, rest, at) {
        return read;
    }
    let rest = if rest.len() < line.len() { streamed(rest.trim_start()) } else { rest };
    let host = if rest.len() < line.len() { named(rest, at) } else { None };
    let mut read = host.or_else(|| named_alone(rest, at)).unwrap_or_else(|| Line {
        at,
        text: rest.to_owned(),
        named: 0,
    });
    if read.at.is_none() {
        read.at = marks::time_of(read.text.get(read.named..).unwrap_or_default(), offset);
    }
    read
}

/// RFC 5424 behind its time: `host name pid id - message`.
fn structured(line: &str, rest: &str, at: Option<Timestamp>) -> Option<Line> {
    let (_, head) = line.strip_prefix('<')?.split_once('>')?;
    let mut words = rest.splitn(6, ' ');
    let (_host, name, pid, _id) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (data, message) = (words.next()?, words.next()?);
    let whole = head.starts_with("1 ") && data == "-" && is_name(name);
    let head = format!("{name}[{}]: ", if pid == "-" { "0" } else { pid });
    whole.then(|| Line { at, named: head.len(), text: head + message.trim_start_matches('\u{feff}') })
}

/// docker-compose's `service-1  | line`.
fn composed(line: &str) -> &str {
    match line.split_once("| ") {
        Some((head, rest)) if head.ends_with(' ') && is_name(head.trim_end()) => rest,
        _ => line,
    }
}

/// The container runtime's `stderr F line`; a line in parts (P) is read part by part.
fn streamed(rest: &str) -> &str {
    let stream = rest.strip_prefix("stderr ").or_else(|| rest.strip_prefix("stdout "));
    stream.and_then(|rest| rest.strip_prefix("F ").or_else(|| rest.strip_prefix("P "))).unwrap_or(rest)
}

/// `host name[pid]: message`, behind a time.
fn named(rest: &str, at: Option<Timestamp>) -> Option<Line> {
    let (host, line) = rest.split_once(' ')?;
    let line = line.trim_start();
    // `mysqld_safe --syslog` leaves the number out.
    let bare = line.split_once(": ").filter(|(name, _)| BARE.contains(name));
    let bare = bare.map(|(name, message)| {
        let head = format!("{name}[0]: ");
        Line { at, named: head.len(), text: head + message }
    });
    (is_name(host) && !host.contains('[')).then(|| bare.or_else(|| named_alone(line, at))).flatten()
}

/// Who logs without a number behind the name.
const BARE: [&str; 8] =
    ["mysqld", "mariadbd", "mysqld_safe", "mariadbd-safe", "mysql", "mariadb", "garbd", "systemd"];

/// `name[pid]: message`.
fn named_alone(line: &str, at: Option<Timestamp>) -> Option<Line> {
    let (head, _) = line.split_once(": ")?;
    let is_kernel = head == "kernel";
    let is_process =
        head.strip_suffix(']').and_then(|head| head.split_once('[')).is_some_and(|(name, pid)| {
            is_name(name.trim_matches(['(', ')']))
                && !pid.is_empty()
                && pid.bytes().all(|b| b.is_ascii_digit())
        });
    (is_kernel || is_process).then(|| Line { at, named: head.len() + 2, text: line.to_owned() })
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b'@' | b':'))
        && !text.ends_with(':')
}

/// The time before a line, where one is, and what follows. A time without its year or its zone is none.
fn stamp(line: &str) -> Option<(Option<Timestamp>, &str)> {
    // syslog's priority, and the version of its later form.
    let line = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((number, rest)) if number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()) => {
            rest.strip_prefix("1 ").unwrap_or(rest)
        }
        _ => line,
    };
    monotonic(line)
        .or_else(|| unix(line))
        .or_else(|| iso(line))
        .or_else(|| full(line))
        .or_else(|| short(line))
}

/// `[ 1234.567890] `.
fn monotonic(line: &str) -> Option<(Option<Timestamp>, &str)> {
    let (inside, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let inside = inside.trim_start();
    let number = inside.contains('.') && inside.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    number.then_some((None, rest))
}

/// `1795239243.120000 `.
fn unix(line: &str) -> Option<(Option<Timestamp>, &str)> {
    let (first, rest) = line.split_once(' ')?;
    let at = first.contains('.').then(|| since_epoch(first)).flatten()?;
    Some((Some(at), rest))
}

/// `2026-11-21T05:54:03.123456Z `, also with an offset with or without its colon.
fn iso(line: &str) -> Option<(Option<Timestamp>, &str)> {
    let (first, rest) = line.split_once(' ')?;
    let dated = first
        .get(..11)
        .is_some_and(|head| head.ends_with('T') && head.starts_with(|c: char| c.is_ascii_digit()));
    if !dated {
        return None;
    }
    let written = first.replace(',', ".");
    if let Ok(at) = written.parse::<Timestamp>() {
        // MySQL's own stamp: the thread and the level follow, and belong to it.
        let own = rest
            .trim_start()
            .split_once(" [")
            .is_some_and(|(thread, _)| thread.bytes().all(|b| b.is_ascii_digit()));
        return if own { None } else { Some((Some(at), rest)) };
    }
    written.parse::<DateTime>().ok().map(|_| (None, rest))
}

/// `Sat 2026-11-21 05:54:03 UTC `.
fn full(line: &str) -> Option<(Option<Timestamp>, &str)> {
    let mut words = line.splitn(5, ' ');
    let (day, date, time, zone, rest) =
        (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&day);
    let moment: DateTime = weekday.then(|| format!("{date}T{time}").parse().ok()).flatten()?;
    let utc = matches!(zone, "UTC" | "GMT").then(|| moment.to_zoned(TimeZone::UTC).ok()).flatten();
    Some((utc.map(|moment| moment.timestamp()), rest))
}

/// `Nov 21 05:54:03 `, with or without a fraction: no year and no zone, so no time.
fn short(line: &str) -> Option<(Option<Timestamp>, &str)> {
    let (month, rest) = line.split_at_checked(4)?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    let clock = |b: u8| b.is_ascii_digit() || matches!(b, b':' | b'.');
    let good = months.contains(&month.trim_end())
        && day.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day))
        && time.matches(':').count() == 2
        && time.bytes().all(clock);
    good.then_some((None, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAID: &str = "2026-11-21  5:54:03 0 [Note] WSREP: New COMPONENT: primary = no, bootstrap = no";
    const MESSAGE: &str = "New COMPONENT: primary = no, bootstrap = no";

    fn one(line: &str) -> Line {
        let mut lines = read(line, None);
        assert_eq!(lines.len(), 1, "{line}");
        lines.remove(0)
    }

    fn at(line: &Line) -> Option<String> {
        line.at.map(|at| format!("{at:.0}"))
    }

    #[test]
    fn every_prefix_of_a_named_line() {
        for (prefix, timed) in [
            ("Nov 21 05:54:03 g1 mariadbd[7015]: ", false),
            ("Nov  1 05:54:03.123456 g1 mariadbd[7015]: ", false),
            ("2026-11-21T05:54:03+0000 g1 mariadbd[7015]: ", true),
            ("2026-11-21T05:54:03+00:00 g1 mariadbd[7015]: ", true),
            ("2026-11-21T06:54:03.123456+01:00 g1 mariadbd[7015]: ", true),
            ("1795240443.120000 g1 mariadbd[7015]: ", true),
            ("Sat 2026-11-21 05:54:03 UTC g1 mariadbd[7015]: ", true),
            ("Sat 2026-11-21 06:54:03 CET g1 mariadbd[7015]: ", false),
            ("[12345.678901] g1 mariadbd[7015]: ", false),
            ("[ 345.678901] g1 mariadbd[7015]: ", false),
            ("<30>Nov 21 05:54:03 g1 mariadbd[7015]: ", false),
            ("2026-11-21T05:54:03Z mariadbd[7015]: ", true),
            ("mariadbd[7015]: ", false),
        ] {
            let line = one(&format!("{prefix}{SAID}"));
            assert_eq!(line.message(), MESSAGE, "{prefix}");
            assert!(line.is_named() && line.text.starts_with("mariadbd[7015]: "), "{prefix}");
            assert_eq!(at(&line), timed.then(|| "2026-11-21T05:54:03Z".to_owned()), "{prefix}");
        }
        let systemd = one(
            "Nov 21 05:54:03 g1 systemd[1]: mariadb.service: Main process exited, code=killed, status=9/KILL",
        );
        assert_eq!(systemd.message(), "Main process exited, code=killed, status=9/KILL");
        let start = one(
            "2026-11-21T05:54:03+0000 g1 sh[99]: WSREP: Recovered position 0cb3db35-e56d-11f1-98c2-3bdded13c08b:7",
        );
        assert!(start.message().starts_with("Recovered position 0cb3"));
        assert_eq!(
            one("Nov 21 05:54:03 g1 kernel: Out of memory: Killed process 9").message(),
            "Out of memory: Killed process 9"
        );
    }

    #[test]
    fn every_prefix_of_a_container() {
        for prefix in [
            "2026-11-21T05:54:03.123456789Z ",
            "2026-11-21T05:54:03.123456789Z stderr F ",
            "2026-11-21T05:54:03.123456789+00:00 stdout P ",
            "galera-1  | 2026-11-21T05:54:03.123Z ",
        ] {
            let line = one(&format!("{prefix}{SAID}"));
            assert_eq!((line.message(), line.is_named()), (MESSAGE, false), "{prefix}");
            assert_eq!(at(&line).as_deref(), Some("2026-11-21T05:54:03Z"), "{prefix}");
        }
        let script =
            one("2026-11-21T05:54:03Z WSREP_SST: [INFO] rsync SST started on joiner (20261121 05:33:23.165)");
        assert_eq!(script.message(), "rsync SST started on joiner (20261121 05:33:23.165)");
        assert_eq!(one(&format!("galera-1  | {SAID}")).message(), MESSAGE);
    }

    #[test]
    fn the_servers_own_stamps() {
        assert_eq!(one(SAID).at, None, "its zone is not known");
        let utc = read(SAID, Some(Offset::UTC));
        assert_eq!(at(&utc[0]).as_deref(), Some("2026-11-21T05:54:03Z"));
        let mysql = one(
            "2026-11-21T05:54:04.123456Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting as process 9",
        );
        assert_eq!(mysql.message(), "(mysqld 8.0.36) starting as process 9");
        assert_eq!(at(&mysql).as_deref(), Some("2026-11-21T05:54:04Z"));
        let journal = read(&format!("Nov 21 05:54:03 g1 mariadbd[7015]: {SAID}"), Some(Offset::UTC));
        assert_eq!(journal[0].message(), MESSAGE);
    }

    #[test]
    fn every_collector_that_wraps_lines_in_json() {
        let bytes: Vec<String> = SAID.bytes().map(|byte| byte.to_string()).collect();
        for (line, named) in [
            (
                format!(
                    r#"{{"MESSAGE":"{SAID}","__REALTIME_TIMESTAMP":"1795240443120000","SYSLOG_IDENTIFIER":"mariadbd","_PID":"7015"}}"#
                ),
                true,
            ),
            (
                format!(
                    r#"{{"MESSAGE":[{}],"__REALTIME_TIMESTAMP":"1795240443120000","_COMM":"mariadbd","_PID":"7015"}}"#,
                    bytes.join(",")
                ),
                true,
            ),
            (format!(r#"{{"log":"{SAID}\n","stream":"stderr","time":"2026-11-21T05:54:03.1Z"}}"#), false),
            (format!(r#"{{"message":"{SAID}","@timestamp":"2026-11-21T05:54:03.1Z"}}"#), false),
            (format!(r#"{{"msg":"{SAID}","ts":1795240443.12}}"#), false),
            (format!(r#"{{"msg":"{SAID}","ts":1795240443120}}"#), false),
            (
                format!(
                    r#"{{"kubernetes":{{"pod":"g1"}},"_source":{{"message":"{SAID}","timestamp":"2026-11-21T05:54:03Z"}}}},"#
                ),
                false,
            ),
            (format!(r#"{{"log":"2026-11-21T05:54:03.1Z stderr F {SAID}"}}"#), false),
        ] {
            let line = one(&line);
            assert_eq!((line.message(), line.is_named()), (MESSAGE, named), "{line:?}");
            assert_eq!(at(&line).as_deref(), Some("2026-11-21T05:54:03Z"), "{line:?}");
        }
        let cut = format!(r#"{{"message":"{SAID}","#);
        assert!(one(&cut).text.starts_with(SAID), "what is no JSON any more is cut at the server's stamp");
        assert_eq!(read(r#"{"log":"one\ntwo\n"}"#, None).len(), 2);
    }

    #[test]
    fn a_client_cannot_forge_a_line() {
        for forged in [
            "2026-11-21  5:52:12 9 [Warning] Access denied for user 'x[1]: WSREP: New COMPONENT: primary = no'@'h'",
            "2026-11-21  5:52:12 9 [Warning] Access denied for user '| New COMPONENT: primary = no'@'h'",
            "some-collector 2026-11-21  5:52:12 9 [Warning] Access denied for user '2026-11-21  5:52:12 9 [Note] WSREP: New COMPONENT: primary = no'@'h'",
            "Nov 21 05:54:03 g1 mariadbd[7]: 2026-11-21  5:52:12 9 [Warning] Access denied for user '{\"MESSAGE\":\"New COMPONENT: primary = no\"}'",
        ] {
            assert!(one(forged).message().starts_with("Access denied"), "{forged}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "(([0-9]{10}\\.[0-9]{6}|Nov 21 05:54:03|2026-11-21T05:54:03Z|Sat 2026-11-21 05:54:03 UTC|\\[ 1\\.2\\]|<30>|\\{\"log\":\")? ?(g1 )?([a-z]{1,3}\\[[0-9]\\]: )?\\PC{0,30}\\n?){0,4}") {
            for line in read(&text, Some(Offset::UTC)) {
                let _ = line.message();
            }
        }
    }
}
