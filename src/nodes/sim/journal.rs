//! A machine's journal, kept as the probe shows it: a line is put into words once, when it is logged.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::facts::NodeName;

/// The longest journal that is kept; the probe reads no further back.
const MOST: usize = 30_000;

/// What of the journal the probe keeps as marks, of all that is logged here; the texts are the probe's own
/// (src/ask/probe.sh).
const MARKS: &[&str] = &[
    "Recovered position",
    "initial position: ",
    "Starting MariaDB",
    "Starting mariadb",
    "hutdown complete",
    "Normal shutdown",
    "ain process exited",
    "Failed with result",
    "operation timed out",
    "New COMPONENT: primary",
    "No nodes coming from prim",
    "Synchronized with group",
    "synced with group",
    "ready for connections",
    "bootstrapping new group",
    "Reversing history",
    "Aborting",
    "failed to reach primary view",
    "not be safe to bootstrap",
    "Shifting ",
    "IST uuid:",
    "SST received",
    "SST started on joiner",
    "SST completed on joiner",
    "IST completed on joiner",
    "no longer in the group",
    "GCache history reset",
    "IST receive",
    "Receiving IST",
    "re-bootstrapping prim",
    "ever receive state",
    "nconsisten",
    "conflicting prims",
    "Cannot create new cache page",
    "Could not open state file",
    "No space left",
    "error 28",
    "State transfer to ",
    "Address already in use",
    "rocess completed with error",
    "privilege tables",
    ".pc.bootstrap.",
];

/// The lines, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal(VecDeque<Line>);

/// One line, in the form of `journalctl -o short-unix`.
#[derive(Clone, Debug)]
pub(super) struct Line {
    short: String,
    /// Where the message begins in it.
    message: usize,
    /// Whether it is one of the probe's marks.
    pub(super) marked: bool,
    /// Whether it shows that a server was started.
    pub(super) starts: bool,
}

impl Line {
    /// As the probe shows it.
    pub(super) fn short(&self) -> &str {
        &self.short
    }

    /// The message alone.
    pub(super) fn text(&self) -> &str {
        self.short.get(self.message..).unwrap_or_default()
    }
}

impl Journal {
    /// Logs a line of `who` on `machine`.
    pub(super) fn push(&mut self, at: Timestamp, machine: &NodeName, who: &str, text: &str) {
        let head = format!("{}.{:06} {machine} {who}: ", at.as_second(), at.subsec_microsecond());
        self.0.push_back(Line {
            message: head.len(),
            short: head + text,
            marked: MARKS.iter().any(|mark| text.contains(mark)),
            starts: text.contains("ecovered position"),
        });
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The lines from that one on.
    pub(super) fn from(&self, first: usize) -> impl DoubleEndedIterator<Item = &Line> {
        self.0.range(first.min(self.0.len())..)
    }

    /// The last lines.
    pub(super) fn last(&self, most: usize) -> impl DoubleEndedIterator<Item = &Line> {
        self.from(self.len().saturating_sub(most))
    }
}

#[cfg(test)]
mod tests {
    use super::MARKS;

    /// A line that is logged here and kept by the probe is kept here.
    #[test]
    fn what_is_logged_here_is_kept_as_the_probe_keeps_it() {
        let probe = include_str!("../../ask/probe.sh");
        let kept =
            probe.lines().find_map(|line| line.strip_prefix("marks='")).unwrap().trim_end_matches('\'');
        // Alternatives within an alternative are none of the list's own.
        let mut depth = 0;
        let kept: String = kept
            .replace("\\(", "")
            .chars()
            .map(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                if c == '|' && depth > 0 { '/' } else { c }
            })
            .collect();
        let sources: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/nodes/sim"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "rs"))
            // Neither logs anything.
            .filter(|path| !path.ends_with("journal.rs") && !path.ends_with("probe.rs"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let code = |line: &&str| !line.trim_start().starts_with("//");
        let mut seen = 0;
        for text in kept
            .split('|')
            .filter(|text| text.contains(' ') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' '))
        {
            for line in sources.iter().flat_map(|source| source.lines()).filter(code) {
                if line.contains(text) {
                    assert!(MARKS.iter().any(|mark| line.contains(mark)), "{text}: {line}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 15, "{seen}");
    }
}
