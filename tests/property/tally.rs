//! What was counted, by kind and word.

use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<(&'static str, String), u64>);

impl Tally {
    pub(crate) fn add(&mut self, kind: &'static str, word: impl Into<String>) {
        self.many(kind, word, 1);
    }

    pub(crate) fn many(&mut self, kind: &'static str, word: impl Into<String>, count: u64) {
        *self.0.entry((kind, word.into())).or_default() += count;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (key, count) in other.0 {
            *self.0.entry(key).or_default() += count;
        }
    }

    /// All of one kind.
    pub(crate) fn sum(&self, kind: &str) -> u64 {
        self.0.iter().filter(|((of, _), _)| *of == kind).map(|(_, count)| count).sum()
    }

    /// A line of each kind.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut last = "";
        for ((kind, word), count) in &self.0 {
            if *kind == last {
                text.push_str(", ");
            } else {
                let _ = write!(text, "\n  {kind:<12} {:>8}: ", self.sum(kind));
                last = kind;
            }
            let _ = write!(text, "{word} {count}");
        }
        text
    }
}
