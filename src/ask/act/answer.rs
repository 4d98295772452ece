//! The answer to an act or a look.

use super::super::recovered as position;
use crate::facts::{Known, Plain, Position, WhyKind};

/// What a node answered to an act, or to the question how one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was not done, because something that must hold does not.
    Refused {
        /// The condition: `identity`, `lease`, `server`, `transfer`, ….
        word: String,
        /// What was found.
        text: Plain,
    },
    /// It has begun and goes on by itself.
    Running,
    /// It ended.
    Done {
        /// Exit status: 0 is success.
        status: i32,
        /// What it said, as it is: remote text, see [`lines`].
        output: Vec<u8>,
    },
    /// It never began and never will: its name is taken.
    Absent,
    /// It has not begun; a message on its way could still begin it.
    NotBegun,
    /// It began, left no result, and nothing of it runs: what it did is not known.
    Vanished,
}

/// What came is no answer of our scripts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an answer")]
pub struct NotAnAnswer(pub Plain);

/// Reads what a script wrote.
pub fn answer(stdout: &[u8]) -> Result<Answer, NotAnAnswer> {
    let shown = stdout.get(..200).unwrap_or(stdout);
    read(stdout).ok_or_else(|| NotAnAnswer(Plain::from_bytes(shown)))
}

fn read(stdout: &[u8]) -> Option<Answer> {
    let rest = stdout.strip_prefix(b"%breakglass-act 1\n")?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (state, output) = rest.split_at_checked(end)?;
    let output = output.get(1..)?;
    let state = String::from_utf8_lossy(state);
    let (word, rest) = state.split_once(' ').unwrap_or((&state, ""));
    Some(match (word, rest) {
        ("refused", rest) => {
            let (word, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            Answer::Refused { word: plain.then(|| word.to_owned())?, text: Plain::new(text) }
        }
        ("done", status) => {
            let number: u8 = status.parse().ok()?;
            // One number has one spelling.
            (number.to_string() == status).then_some(())?;
            Answer::Done { status: i32::from(number), output: output.to_vec() }
        }
        ("running", "") => Answer::Running,
        ("absent", "") => Answer::Absent,
        ("not-begun", "") => Answer::NotBegun,
        ("vanished", "") => Answer::Vanished,
        _ => return None,
    })
}

/// An output as lines that are safe to show.
pub fn lines(output: &[u8]) -> Vec<Plain> {
    output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(Plain::from_bytes).collect()
}

/// The engine's files as a recovery on an overlay left them, in the form of the fact `engine.stamp`: what it recovered
/// holds as long as they stay so.
pub fn stamp(output: &[u8]) -> Known<Plain> {
    let text = String::from_utf8_lossy(output);
    match text.lines().find_map(|line| line.strip_prefix("%stamp-after ")) {
        Some(stamp) => Known::Known(Plain::new(stamp)),
        None => Known::unknown(WhyKind::NotRead, "the recovery did not say what its files were"),
    }
}

/// The position in the output of a recovery ([`super::Look::Recover`], [`super::Deed::RecoverDirect`]); Unknown where
/// the server said none, and where the engine's files changed while it was recovered on an overlay.
pub fn recovered(output: &[u8]) -> Known<Position> {
    let text = String::from_utf8_lossy(output);
    let said = |what: &str| text.lines().find_map(|line| line.strip_prefix(what));
    if let (Some(before), Some(after)) = (said("%stamp-before "), said("%stamp-after "))
        && before != after
    {
        return Known::unknown(
            WhyKind::Contradicted,
            format!("the engine's files changed meanwhile: {before}, then {after}"),
        );
    }
    match said("%status ") {
        Some("0") => position::last(&text),
        Some(status) => Known::unknown(WhyKind::NotRead, format!("the recovery ended with {status}")),
        None => Known::unknown(WhyKind::NotRead, "the recovery did not say how it ended"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Answer> {
        answer(text.as_bytes()).ok()
    }

    #[test]
    fn every_state_has_one_spelling() {
        for (text, wanted) in [
            ("running\n", Answer::Running),
            ("absent\n", Answer::Absent),
            ("not-begun\n", Answer::NotBegun),
            ("vanished\n", Answer::Vanished),
            ("done 0\n", Answer::Done { status: 0, output: Vec::new() }),
            ("done 3\na\nb\n", Answer::Done { status: 3, output: b"a\nb\n".to_vec() }),
            (
                "refused lease ann on ws\x1b since x\n",
                Answer::Refused { word: "lease".to_owned(), text: Plain::new("ann on ws\x1b since x") },
            ),
        ] {
            assert_eq!(read(&format!("%breakglass-act 1\n{text}")), Some(wanted), "{text}");
        }
        for bad in [
            "",
            "done 0\n",
            "%breakglass-act 1\n",
            "%breakglass-act 1\ndone 0",
            "%breakglass-act 1\ndone\n",
            "%breakglass-act 1\ndone 00\n",
            "%breakglass-act 1\ndone 256\n",
            "%breakglass-act 1\nrunning now\n",
            "%breakglass-act 1\nrefused\n",
            "%breakglass-act 1\nrefused Lease x\n",
            "%breakglass-act 2\nrunning\n",
            " %breakglass-act 1\nrunning\n",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    const POSITION: &str = "WSREP: Recovered position: 0cb3db35-e56d-11f1-98c2-3bdded13c08b:9750";

    #[test]
    fn a_recovery_counts_where_the_files_stayed_and_the_server_ended_well() {
        let of = |stamps: (&str, &str), status: &str| {
            format!(
                "%stamp-before {}\n%stamp-after {}\n%status {status}\nx\n{POSITION}\n",
                stamps.0, stamps.1
            )
        };
        let good = of(("a 1", "a 1"), "0");
        assert!(recovered(good.as_bytes()).is(|position| position.seqno.get() == 9750));
        assert!(stamp(good.as_bytes()).is(|stamp| stamp.as_str() == "a 1"));
        let kind = |text: &str| recovered(text.as_bytes()).why().unwrap().kind;
        assert_eq!(kind(&of(("a 1", "a 2"), "0")), WhyKind::Contradicted);
        assert_eq!(kind(&of(("a 1", "a 1"), "1")), WhyKind::NotRead);
        assert_eq!(kind(POSITION), WhyKind::NotRead, "nobody said how it ended");
        let zero = "%status 0\nWSREP: Recovered position: 00000000-0000-0000-0000-000000000000:-1";
        assert_eq!(kind(zero), WhyKind::Undefined, "status 0 is not \"has data\"");
        assert!(recovered(format!("%status 0\n{POSITION}").as_bytes()).known().is_some());
        assert!(stamp(b"%status 0").why().is_some());
    }

    #[test]
    fn lines_are_safe_to_show() {
        assert_eq!(lines(b"a\x1b\n\nb"), [Plain::new("a\x1b"), Plain::from("b")]);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(answer(&bytes).is_err());
            let framed = [b"%breakglass-act 1\n".as_slice(), &bytes].concat();
            let _ = answer(&framed);
            let _ = (recovered(&bytes), stamp(&bytes), lines(&bytes));
        }

        #[test]
        fn an_output_comes_back_byte_for_byte(status in 0u8.., output in proptest::collection::vec(any::<u8>(), 0..200)) {
            let framed = [format!("%breakglass-act 1\ndone {status}\n").as_bytes(), &output].concat();
            prop_assert_eq!(answer(&framed), Ok(Answer::Done { status: i32::from(status), output }));
        }
    }
}
