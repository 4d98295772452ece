//! grastate.dat: the state file of the Galera library.
//!
//! Galera's own reader takes almost anything: a missing, empty or cut file reads as `safe_to_bootstrap: 1`, and
//! `seqno: abc` as 0. This one believes only what Galera itself writes.

use crate::facts::{ClusterUuid, Known, Plain, Seqno, Why, WhyKind};

/// The longest file that can be one; a real one has about 115 bytes.
const MAX: usize = 4096;

/// What a grastate.dat says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grastate {
    /// `valid`, `empty` or `malformed`.
    pub file: &'static str,
    /// The version line.
    pub version: Known<Plain>,
    /// The cluster state UUID; Unknown where it is zero (S1).
    pub uuid: Known<ClusterUuid>,
    /// The seqno; Unknown where it is -1 (S2).
    pub seqno: Known<Seqno>,
    /// The safe_to_bootstrap line, a hint only (S3).
    pub safe: Known<bool>,
}

impl Grastate {
    fn nothing(file: &'static str, kind: WhyKind, why: &str) -> Self {
        Self {
            file,
            version: Known::unknown(kind, why),
            uuid: Known::unknown(kind, why),
            seqno: Known::unknown(kind, why),
            safe: Known::unknown(kind, why),
        }
    }
}

/// Reads the file's bytes. Total: every value is what stands in a well-formed, complete line, or Unknown.
pub fn parse(bytes: &[u8]) -> Grastate {
    if bytes.is_empty() {
        return Grastate::nothing(
            "empty",
            WhyKind::Undefined,
            "grastate.dat is empty; Galera reads it as safe to bootstrap",
        );
    }
    if bytes.len() > MAX {
        return Grastate::nothing("malformed", WhyKind::Malformed, "grastate.dat is far too long");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Grastate::nothing("malformed", WhyKind::Malformed, "grastate.dat is not text");
    };
    let lines = Lines::of(text);
    let no_line = |key| Why::new(WhyKind::Malformed, format!("no {key} line"));
    let no_flag = Why::new(WhyKind::Undefined, "no safe_to_bootstrap line; Galera reads that as 1");
    let mut read = Grastate {
        file: "valid",
        version: lines.value("version", no_line("version")).and_then(version),
        uuid: lines.value("uuid", no_line("uuid")).and_then(uuid),
        seqno: lines.value("seqno", no_line("seqno")).and_then(seqno),
        safe: lines.value("safe_to_bootstrap", no_flag).and_then(safe),
    };
    let reasons = [read.version.why(), read.uuid.why(), read.seqno.why(), read.safe.why()];
    if lines.strange || reasons.into_iter().flatten().any(|why| why.kind == WhyKind::Malformed) {
        read.file = "malformed";
    }
    read
}

/// The `key: value` lines.
struct Lines<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    /// The key of a last line without its newline, which may be cut.
    open: Option<&'a str>,
    /// Whether a line stands there that Galera never writes.
    strange: bool,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let mut lines = Self { pairs: Vec::new(), open: None, strange: false };
        for raw in text.split_inclusive('\n') {
            let whole = raw.ends_with('\n');
            // Galera pads with blanks after the last newline to overwrite what stood there; an editor may add CR.
            let line = raw.trim_matches(|c: char| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if line.is_empty() || (whole && line.starts_with('#')) {
                continue;
            }
            match line.split_once(':') {
                Some((key, value))
                    if matches!(key, "version" | "uuid" | "seqno" | "safe_to_bootstrap" | "cert_index") =>
                {
                    let value = value.trim_matches([' ', '\t']);
                    // Blanks after an unended line prove that it is not cut: they are Galera's padding.
                    let ended = whole || raw.len() > raw.trim_end_matches([' ', '\t', '\r']).len();
                    let complete = key == "safe_to_bootstrap" && matches!(value, "0" | "1");
                    if !(ended || complete) {
                        lines.open = Some(key);
                        lines.strange = true;
                    }
                    lines.pairs.push((key, value));
                }
                _ => lines.strange = true,
            }
        }
        lines
    }

    /// The value of `key`. A line that may be cut and lines that contradict each other have none.
    fn value(&self, key: &str, if_missing: Why) -> Known<&'a str> {
        if self.open == Some(key) {
            return Known::unknown(
                WhyKind::Malformed,
                format!("the {key} line may be cut: the file ends in it"),
            );
        }
        let mut values = self.pairs.iter().filter(|(k, _)| *k == key).map(|(_, value)| *value);
        match values.next() {
            None => Known::Unknown(if_missing),
            Some(first) if values.all(|other| other == first) => Known::Known(first),
            Some(_) => {
                Known::unknown(WhyKind::Malformed, format!("{key} stands there with different values"))
            }
        }
    }
}

fn version(text: &str) -> Known<Plain> {
    let well_formed = text.split_once('.').is_some_and(|(major, minor)| {
        [major, minor]
            .iter()
            .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    });
    if well_formed { Known::Known(Plain::new(text)) } else { malformed("version", text) }
}

fn uuid(text: &str) -> Known<ClusterUuid> {
    match ClusterUuid::parse(text) {
        Ok(Some(uuid)) => Known::Known(uuid),
        Ok(None) => Known::unknown(WhyKind::Undefined, "the UUID is zero: no identity"),
        Err(_) => malformed("uuid", text),
    }
}

fn seqno(text: &str) -> Known<Seqno> {
    match Seqno::parse(text) {
        Ok(Some(seqno)) => Known::Known(seqno),
        Ok(None) => {
            Known::unknown(WhyKind::Undefined, "-1: the server runs, or ended without writing its position")
        }
        Err(_) => Known::unknown(
            WhyKind::Malformed,
            format!("seqno {text:?} is no number; Galera would read 0 or worse"),
        ),
    }
}

fn safe(text: &str) -> Known<bool> {
    match text {
        "0" => Known::Known(false),
        "1" => Known::Known(true),
        other => malformed("safe_to_bootstrap", other),
    }
}

fn malformed<T>(key: &str, text: &str) -> Known<T> {
    Known::unknown(WhyKind::Malformed, format!("{key} {text:?} is not in Galera's form"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            parse(include_bytes!(concat!("../../tests/fixtures/galera/11-parsing/", $name, ".grastate.dat")))
        };
    }

    const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";

    fn is(read: &Grastate, file: &str, uuid: bool, seqno: Option<i64>, safe: Option<bool>) {
        assert_eq!(read.file, file, "{read:?}");
        assert_eq!(read.uuid.known().copied(), uuid.then(|| UUID.parse().unwrap()), "{read:?}");
        assert_eq!(read.seqno.known().copied(), seqno.and_then(Seqno::new), "{read:?}");
        assert_eq!(read.safe.known().copied(), safe, "{read:?}");
    }

    #[test]
    fn what_galera_wrote_is_read() {
        is(&fixture!("clean-control"), "valid", true, Some(12481), Some(false));
        is(&fixture!("crlf"), "valid", true, Some(12491), Some(false));
        is(&fixture!("uppercase-uuid"), "valid", true, Some(12501), Some(false));
        is(&fixture!("no-newline-end"), "valid", true, Some(12499), Some(false));
        is(&fixture!("wrong-seqno-ahead"), "valid", true, Some(99999), Some(false));
    }

    #[test]
    fn what_galera_reads_as_safe_is_unknown() {
        is(&fixture!("v20-no-safe"), "valid", true, Some(12493), None);
        is(&fixture!("v21-no-safe"), "valid", true, Some(12495), None);
        is(&fixture!("empty"), "empty", false, None, None);
        is(&fixture!("truncated"), "malformed", false, None, None);
        is(&fixture!("garbage"), "malformed", false, None, None);
        assert!(fixture!("v21-no-safe").safe.why().unwrap().text.as_str().contains("as 1"));
    }

    #[test]
    fn a_seqno_that_is_no_number_is_never_zero() {
        let read = fixture!("seqno-nan");
        is(&read, "malformed", true, None, Some(false));
        assert_eq!(read.seqno.why().unwrap().kind, WhyKind::Malformed);
    }

    #[test]
    fn padding_minus_one_and_zero_uuid() {
        let crashed = parse(
            format!(
                "# GALERA saved state\nversion: 2.1\nuuid:    {UUID}\nseqno:   -1\nsafe_to_bootstrap: 0\n   "
            )
            .as_bytes(),
        );
        is(&crashed, "valid", true, None, Some(false));
        assert_eq!(crashed.seqno.why().unwrap().kind, WhyKind::Undefined);
        let zero = parse(
            b"version: 2.1\nuuid: 00000000-0000-0000-0000-000000000000\nseqno: -1\nsafe_to_bootstrap: 1\n",
        );
        is(&zero, "valid", false, None, Some(true));
        assert_eq!(zero.uuid.why().unwrap().kind, WhyKind::Undefined);
        let max = parse(b"seqno: 18446744073709551615\n");
        assert_eq!(max.seqno.why().unwrap().kind, WhyKind::Undefined);
    }

    #[test]
    fn a_line_that_may_be_cut_says_nothing() {
        let cut = parse(format!("version: 2.1\nuuid: {UUID}\nseqno: 20").as_bytes());
        is(&cut, "malformed", true, None, None);
        assert_eq!(cut.seqno.why().unwrap().kind, WhyKind::Malformed);
    }

    #[test]
    fn lines_that_contradict_each_other_say_nothing() {
        let twice = parse(
            format!("version: 2.1\nuuid: {UUID}\nseqno: 1\nseqno: 2\nsafe_to_bootstrap: 0\n").as_bytes(),
        );
        is(&twice, "malformed", true, None, Some(false));
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            invents_nothing(&bytes)?;
        }

        #[test]
        fn a_mutated_file_yields_only_what_stands_in_it(
            at in 0usize..116, with in any::<u8>(), cut in 0usize..117,
        ) {
            let mut bytes = include_bytes!("../../tests/fixtures/galera/11-parsing/clean-control.grastate.dat").to_vec();
            bytes[at] = with;
            bytes.truncate(cut);
            invents_nothing(&bytes)?;
        }
    }

    fn invents_nothing(bytes: &[u8]) -> Result<(), TestCaseError> {
        let read = parse(bytes);
        let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        if let Some(uuid) = read.uuid.known() {
            prop_assert!(text.contains(&uuid.to_string()));
        }
        if let Some(seqno) = read.seqno.known() {
            let whole = text.lines().any(|l| {
                l.trim().strip_prefix("seqno:").is_some_and(|v| {
                    v.trim().trim_start_matches('0') == seqno.to_string().trim_start_matches('0')
                })
            });
            prop_assert!(whole, "{:?} in {:?}", seqno, text);
        }
        if let Some(safe) = read.safe.known() {
            let line = format!("safe_to_bootstrap: {}", u8::from(*safe));
            prop_assert!(
                text.replace('\t', " ")
                    .split_whitespace()
                    .collect::<String>()
                    .contains(&line.replace(' ', ""))
            );
        }
        Ok(())
    }
}
