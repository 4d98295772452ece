//! S16: Long acts survive a dropped connection, are idempotent by op id, and can be told apart after reconnecting: done,
//! not done, unknown. A lost answer is never read as success, and never re-sent blindly.
//!
//! Kept in the scripts (an act's name is a directory that is made once, before anything is done; what is long runs apart
//! from the connection) and by the engine, which asks what became of an act instead of sending it again. What stands here
//! is which answers say so.

use crate::ask::act::Answer;

/// Whether an answer to "what became of it" is about the act: another machine, or one that cannot look, does not know.
pub fn tells(answer: &Answer) -> bool {
    match answer {
        Answer::Refused { word, .. } => {
            !matches!(word.as_str(), "identity" | "malformed" | "denied" | "no-place")
        }
        Answer::Done { .. } | Answer::Absent | Answer::Running | Answer::Vanished => true,
        Answer::NotBegun => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Plain;

    #[test]
    fn only_the_machine_it_was_sent_to_can_tell() {
        let refused = |word: &str| Answer::Refused { word: word.to_owned(), text: Plain::default() };
        assert!(!tells(&refused("identity")) && !tells(&refused("denied")) && !tells(&Answer::NotBegun));
        assert!(tells(&refused("server")) && tells(&Answer::Absent));
    }
}
