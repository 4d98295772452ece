//! One record and its line: written plainly, read strictly.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::body::Body;
use crate::facts::{Mode, SessionId};

/// The version in every line.
pub const VERSION: u64 = 1;
/// The longest line in bytes, without its LF.
pub const MAX_LINE: usize = 64 * 1024;
/// The `prev` of record 0.
pub const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One record, as it stands in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number: gapless over all sessions of the log, from 0.
    pub seq: u64,
    /// Hash of the record before it.
    pub prev: String,
    /// When it was written.
    pub t: Timestamp,
    /// Nanoseconds since its session opened.
    pub mono: u64,
    /// Its session.
    pub session: SessionId,
    /// Whether it is practice.
    pub mode: Mode,
    /// What it says.
    pub body: Body,
    /// SHA-256 of its line without the LF; not a part of the line itself.
    pub hash: String,
    /// Where its line begins in the log, in bytes; not a part of the line itself.
    pub offset: u64,
}

/// Why a line is none of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineError {
    /// No version ever wrote this.
    Bad(String),
    /// A later version may have: another `v`, a type or a body that this one does not know.
    Newer(String),
}

/// The line's members besides `type` and `body`, in their order.
#[derive(Serialize)]
struct Out<'a> {
    v: u64,
    seq: u64,
    prev: &'a str,
    #[serde(serialize_with = "nanoseconds")]
    t: Timestamp,
    mono: u64,
    session: &'a SessionId,
    mode: Mode,
    #[serde(flatten)]
    body: &'a Body,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct In {
    v: u64,
    seq: u64,
    prev: String,
    t: String,
    mono: u64,
    session: SessionId,
    mode: Mode,
    r#type: String,
    body: Strict,
}

fn nanoseconds<S: Serializer>(t: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{t:.9}"))
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Out {
            v: VERSION,
            seq: self.seq,
            prev: &self.prev,
            t: self.t,
            mono: self.mono,
            session: &self.session,
            mode: self.mode,
            body: &self.body,
        }
        .serialize(serializer)
    }
}

impl Record {
    /// Reads one line, without its LF, that begins at `offset`.
    pub(super) fn read(line: &[u8], offset: u64) -> Result<Self, LineError> {
        let bad = |why: String| LineError::Bad(why);
        if line.len() > MAX_LINE {
            return Err(bad(format!("a line of {} bytes; the most is {MAX_LINE}", line.len())));
        }
        let text = str::from_utf8(line).map_err(|error| bad(format!("not UTF-8: {error}")))?;
        let read: In = serde_json::from_str(text).map_err(|error| why(text, &error))?;
        if read.v != VERSION {
            return Err(newer(read.v));
        }
        if !is_hash(&read.prev) {
            return Err(bad("`prev` is not 64 lower-case hexadecimal digits".to_owned()));
        }
        let t = read.t.parse().ok().filter(|_| read.t.ends_with('Z'));
        let t = t.ok_or_else(|| bad("`t` is no time of RFC 3339 in UTC".to_owned()))?;
        let body = Value::Object(Map::from_iter([
            ("type".to_owned(), Value::String(read.r#type)),
            ("body".to_owned(), read.body.0),
        ]));
        let body = Body::deserialize(body).map_err(|error| LineError::Newer(format!("its body: {error}")))?;
        Ok(Self {
            seq: read.seq,
            prev: read.prev,
            t,
            mono: read.mono,
            session: read.session,
            mode: read.mode,
            body,
            hash: hash(line),
            offset,
        })
    }
}

/// Why a line has not the form of a record of ours: a later version may have other members.
fn why(text: &str, error: &serde_json::Error) -> LineError {
    let strict = serde_json::from_str(text).ok().map(|Strict(value)| value);
    match strict.and_then(|value| value.get("v").and_then(Value::as_u64)) {
        Some(v) if v != VERSION => newer(v),
        _ => LineError::Bad(error.to_string()),
    }
}

fn newer(v: u64) -> LineError {
    LineError::Newer(format!("its version is {v}; this Breakglass reads {VERSION}"))
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Whether it could be the hash of anything.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == NO_HASH.len() && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A JSON value without duplicate keys and without floating point, at any depth: what two readers could read
/// differently is not read at all.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with whole numbers only")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let Strict(value) = access.next_value()?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("the same key twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::Note;
    use super::*;

    fn line() -> String {
        let record = Record {
            seq: 7,
            prev: NO_HASH.replace('0', "a"),
            t: "2026-03-01T02:03:04.5Z".parse().unwrap(),
            mono: u64::MAX,
            session: SessionId::new(1, [7; 10]),
            mode: Mode::Lab,
            body: Note { text: "ein \"Wort\"\n\u{202e}".to_owned() }.into(),
            hash: String::new(),
            offset: 0,
        };
        serde_json::to_string(&record).unwrap()
    }

    #[test]
    fn a_line_is_as_it_is_written_down() {
        assert_eq!(
            line(),
            format!(
                r#"{{"v":1,"seq":7,"prev":"{}","t":"2026-03-01T02:03:04.500000000Z","mono":18446744073709551615,"session":"{}","mode":"lab","type":"note","body":{{"text":"ein \"Wort\"\n{}"}}}}"#,
                "a".repeat(64),
                SessionId::new(1, [7; 10]),
                '\u{202e}',
            )
        );
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let line = line();
        let record = Record::read(line.as_bytes(), 0).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
        assert_eq!(record.hash, hash(line.as_bytes()));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_not_read() {
        let good = line();
        for (from, to) in [
            ("\"seq\":7", "\"seq\":7,\"seq\":7"),
            ("\"text\":", "\"text\":\"\",\"text\":"),
            ("\"seq\":7", "\"seq\":7.0"),
            ("\"seq\":7", "\"seq\":-7"),
            ("\"seq\":7", "\"seq\":1e3"),
            ("\"mode\":\"lab\"", "\"mode\":\"LAB\""),
            ("aaaa\"", "aaaA\""),
            ("00Z\"", "00+00:00\""),
            ("\"v\":1,", ""),
            ("\"v\":1,", "\"v\":1,\"x\":1,"),
            ("}}", "}} x"),
            ("\"mono\":18446744073709551615", "\"mono\":18446744073709551616"),
        ] {
            let line = good.replacen(from, to, 1);
            assert_ne!(line, good, "{from}");
            let read = Record::read(line.as_bytes(), 0);
            assert!(matches!(read, Err(LineError::Bad(_))), "{line}: {read:?}");
        }
        let mut bytes = good.clone().into_bytes();
        bytes[200] = 0xff;
        assert!(matches!(Record::read(&bytes, 0), Err(LineError::Bad(_))));
        let long = good.replace("Wort", &"x".repeat(MAX_LINE));
        assert!(matches!(Record::read(long.as_bytes(), 0), Err(LineError::Bad(_))));
    }

    #[test]
    fn what_a_later_version_may_have_written_is_told_apart() {
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("\"type\":\"note\"", "\"type\":\"poem\""),
            ("\"text\":", "\"rhyme\":1,\"text\":"),
        ] {
            let read = Record::read(line().replacen(from, to, 1).as_bytes(), 0);
            assert!(matches!(read, Err(LineError::Newer(_))), "{read:?}");
        }
    }
}
