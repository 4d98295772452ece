//! The probe's envelope: sections with a status and a length.

use std::collections::BTreeMap;

use super::probe::NotAnAnswer;
use crate::facts::{Known, Plain, WhyKind};

/// The first line of every answer this version can read.
const HEAD: &str = "%breakglass-probe 1";
const TAIL: &[u8] = b"%end\n";

/// How the reading of one section went, as the probe says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It was read.
    Ok,
    /// It was read, and what is here is only a part.
    Cut,
    /// The node refused to show it to this user.
    Denied,
    /// The kernel said that it does not exist.
    Missing,
    /// The node lacks the tool to read it.
    NoTool,
    /// The reading did not end in time.
    TimedOut,
    /// The reading failed with this exit code.
    Failed(u32),
}

impl Status {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "ok" => Self::Ok,
            "cut" => Self::Cut,
            "denied" => Self::Denied,
            "missing" => Self::Missing,
            "notool" => Self::NoTool,
            "timeout" => Self::TimedOut,
            other => Self::Failed(number(other.strip_prefix("failed-")?)?),
        })
    }
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section<'a> {
    pub(super) status: Status,
    pub(super) body: &'a [u8],
}

/// A whole answer, taken apart. Sections with names we do not know are kept and ignored: a newer probe may say more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a>(BTreeMap<&'a str, Section<'a>>);

impl<'a> Frame<'a> {
    /// Takes an answer apart. Strict: a wrong version, a wrong length, a section that stands twice or anything around
    /// the sections is no answer.
    pub(super) fn parse(output: &'a [u8]) -> Result<Self, NotAnAnswer> {
        let (first, mut rest) = line(output).ok_or_else(|| not_ours(output))?;
        if first != HEAD {
            return Err(not_ours(output));
        }
        let mut sections = BTreeMap::new();
        while rest != TAIL {
            let (header, after) = line(rest).ok_or_else(|| cut_short(rest))?;
            let (name, status, length) = heading(header).ok_or_else(|| cut_short(rest))?;
            let body = after.get(..length).ok_or_else(|| cut_short(rest))?;
            let Some((b'\n', after)) = after.get(length..).and_then(<[u8]>::split_first) else {
                return Err(NotAnAnswer(format!(
                    "section {name} of the probe's answer has another length than it says"
                )));
            };
            if sections.insert(name, Section { status, body }).is_some() {
                return Err(NotAnAnswer(format!("section {name} stands twice in the probe's answer")));
            }
            rest = after;
        }
        Ok(Self(sections))
    }

    /// A frame of one section that was read whole: what a file holds where a node's answer would have the section.
    pub(super) fn of(name: &'a str, body: &'a [u8]) -> Self {
        Self(BTreeMap::from([(name, Section { status: Status::Ok, body })]))
    }

    /// A section, whatever its status.
    pub(super) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.0.get(name)
    }

    /// The bytes of a section that was read whole; else why there are none, in terms of `what`.
    pub(super) fn bytes(&self, name: &str, what: &str) -> Known<&'a [u8]> {
        let Some(section) = self.0.get(name) else {
            return Known::unknown(WhyKind::NotAsked, format!("the answer holds nothing about {what}"));
        };
        let (kind, text) = match section.status {
            Status::Ok => return Known::Known(section.body),
            Status::Cut => (WhyKind::Malformed, format!("{what} is too long to be read whole")),
            Status::Denied => (WhyKind::Denied, format!("permission to read {what} was denied")),
            Status::Missing => (WhyKind::Undefined, format!("{what} does not exist")),
            Status::NoTool => (WhyKind::NoTool, format!("the node lacks what is needed to read {what}")),
            Status::TimedOut => (WhyKind::TimedOut, format!("reading {what} did not end in time")),
            Status::Failed(code) => (WhyKind::NotRead, format!("reading {what} failed with code {code}")),
        };
        Known::unknown(kind, text)
    }

    /// As [`Self::bytes`], as text.
    pub(super) fn text(&self, name: &str, what: &str) -> Known<&'a str> {
        self.bytes(name, what).and_then(|body| match std::str::from_utf8(body) {
            Ok(text) => Known::Known(text),
            Err(_) => Known::unknown(WhyKind::Malformed, format!("{what} is not text")),
        })
    }

    /// As [`Self::text`]; an empty one is Unknown.
    pub(super) fn word(&self, name: &str, what: &str) -> Known<Plain> {
        self.text(name, what).and_then(|text| match text {
            "" => Known::unknown(WhyKind::Undefined, format!("{what} was not found")),
            text => Known::Known(Plain::new(text)),
        })
    }
}

/// Splits the first line off; it must be text.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    let (head, tail) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(head).ok()?, tail.get(1..)?))
}

/// Reads `%section NAME STATUS LENGTH`.
fn heading(line: &str) -> Option<(&str, Status, usize)> {
    let mut words = line.strip_prefix("%section ")?.split(' ');
    let (name, status, length) = (words.next()?, words.next()?, words.next()?);
    let good =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (good && words.next().is_none()).then_some(())?;
    Some((name, Status::parse(status)?, usize::try_from(number(length)?).ok()?))
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn not_ours(output: &[u8]) -> NotAnAnswer {
    let seen = seen(output);
    if seen.as_str().is_empty() {
        return NotAnAnswer("the node answered nothing".to_owned());
    }
    NotAnAnswer(format!("expected {HEAD:?}, and the node answered: {seen}"))
}

fn cut_short(rest: &[u8]) -> NotAnAnswer {
    let seen = seen(rest);
    if seen.as_str().is_empty() {
        return NotAnAnswer("the probe's answer ends before its end".to_owned());
    }
    NotAnAnswer(format!("the probe's answer is broken or cut at: {seen}"))
}

/// The beginning of what was seen, safe to show.
fn seen(bytes: &[u8]) -> Plain {
    let first = bytes.split(|b| *b == b'\n').find(|line| !line.is_empty()).unwrap_or_default();
    Plain::from_bytes(first.get(..160).unwrap_or(first))
}

/// An answer made of sections, each a name, a status and a body.
#[cfg(test)]
pub(super) fn answer(sections: &[(&str, &str, &str)]) -> String {
    let section = |(name, status, body): &(&str, &str, &str)| {
        format!("%section {name} {status} {}\n{body}\n", body.len())
    };
    let sections: Vec<String> = sections.iter().map(section).collect();
    format!("{HEAD}\n{}%end\n", sections.concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        Frame::parse(text.as_bytes()).unwrap_err().0
    }

    #[test]
    fn takes_an_answer_apart() {
        let frame = Frame::parse(
            b"%breakglass-probe 1\n%section a ok 5\n1\n\xc3\xbc2\n%section b denied 0\n\n%section later ok 1\nx\n%end\n",
        )
        .unwrap();
        assert_eq!(frame.text("a", "a"), Known::Known("1\nü2"));
        assert_eq!(frame.text("b", "b").why().unwrap().kind, WhyKind::Denied);
        assert_eq!(frame.text("c", "c").why().unwrap().kind, WhyKind::NotAsked);
        assert!(frame.section("later").is_some());
    }

    #[test]
    fn what_is_not_an_answer_says_what_was_seen() {
        assert_eq!(error(""), "the node answered nothing");
        assert!(error("sudo: a password is required\n").contains("sudo: a password is required"));
        assert!(error("%breakglass-probe 2\n%end\n").contains("%breakglass-probe 2"));
        assert!(error("%breakglass-probe 1\n").contains("ends before its end"));
        assert!(error("%breakglass-probe 1\n%section a ok 9\nx\n%end\n").contains("%section a ok 9"));
        assert!(error("%breakglass-probe 1\n%section a ok 1\nxy\n%end\n").contains("another length"));
        assert!(error("%breakglass-probe 1\n%section a ok 0\n\n%section a ok 0\n\n%end\n").contains("twice"));
        for header in
            ["%section a ok", "%section a ok -1", "%section a fine 0", "%section A ok 0", "%section a ok 0 0"]
        {
            assert!(
                Frame::parse(format!("%breakglass-probe 1\n{header}\n\n%end\n").as_bytes()).is_err(),
                "{header}"
            );
        }
        assert!(Frame::parse(b"%breakglass-probe 1\n%end\nmore").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Frame::parse(&bytes);
            let _ = Frame::parse(&[b"%breakglass-probe 1\n".as_slice(), &bytes].concat());
        }

        #[test]
        fn a_cut_answer_is_never_an_answer(cut in 0usize..70) {
            let whole = b"%breakglass-probe 1\n%section a ok 3\nabc\n%section b ok 0\n\n%end\n";
            if cut < whole.len() {
                prop_assert!(Frame::parse(&whole[..cut]).is_err());
            }
        }
    }
}
