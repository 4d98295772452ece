//! From bytes to a document's top table: what every file of ours is held to before its keys are read.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::DeTable;

use super::diagnostic::{Diagnostics, Problem, Problems};
use super::grammar::quoted;
use super::table::{Said, Table};

/// A kind of file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// What messages call it: "the inventory".
    pub(crate) what: &'static str,
    /// The format this version reads, less its number, which is 1: "breakglass.inventory/".
    pub(crate) format: &'static str,
    /// The largest file that is read, in bytes.
    pub(crate) most: usize,
    /// What to say of a larger one.
    pub(crate) too_large: &'static str,
    /// How such a file begins, for an empty one.
    pub(crate) begin: &'static str,
}

impl Kind {
    /// Reads a file as it came from its place: UTF-8, and not too large. `file` is only for messages.
    pub(crate) fn read_bytes<T>(
        &self,
        file: &str,
        bytes: &[u8],
        reader: impl FnOnce(&Table<'_>) -> Option<T>,
    ) -> Result<T, Diagnostics> {
        match self.decode(bytes) {
            Ok(text) => self.read(file, text, reader),
            Err(problem) => Err(Diagnostics::new(file, "", vec![*problem])),
        }
    }

    /// Reads a file's text with `reader`, which takes every key it knows from the top table, notes what is wrong and
    /// finishes the table. `None` of it without a problem noted does not pass for a value.
    pub(crate) fn read<T>(
        &self,
        file: &str,
        text: &str,
        reader: impl FnOnce(&Table<'_>) -> Option<T>,
    ) -> Result<T, Diagnostics> {
        let problems = Problems::default();
        let value = self.document(text, &problems, reader);
        match (problems.diagnostics(file, text), value) {
            (None, Some(value)) => Ok(value),
            (Some(diagnostics), _) => Err(diagnostics),
            // A reader that gives up says why; this keeps a forgotten reason from passing for a value.
            (None, None) => {
                let problem = Problem::of_file(format!("{} cannot be read", self.what));
                Err(Diagnostics::new(file, text, vec![problem]))
            }
        }
    }

    fn decode<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, Box<Problem>> {
        if bytes.len() > self.most {
            return Err(Box::new(self.too_large()));
        }
        core::str::from_utf8(bytes).map_err(|error| {
            if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                let problem = Problem::of_file(format!("{} is UTF-16", self.what));
                return Box::new(problem.help("save it as UTF-8"));
            }
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            Box::new(Problem::of_file(format!("{} is not UTF-8", self.what)).help(format!(
                "the first byte that does not fit is byte {} in line {line}",
                before.len() + 1
            )))
        })
    }

    fn too_large(&self) -> Problem {
        let most = match self.most {
            mib if mib >= 1 << 20 => format!("{} MiB", mib >> 20),
            kib => format!("{} KiB", kib >> 10),
        };
        Problem::of_file(format!("{} is larger than {most}", self.what)).help(self.too_large)
    }

    fn document<T>(
        &self,
        text: &str,
        problems: &Problems,
        reader: impl FnOnce(&Table<'_>) -> Option<T>,
    ) -> Option<T> {
        if text.len() > self.most {
            problems.push(self.too_large());
            return None;
        }
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            problems.push(Problem::of_file(format!("{} is empty", self.what)).help(self.begin));
            return None;
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        // What follows a syntax error is read by guess, so only the first is sure.
        if let Some(first) = errors.iter().min_by_key(|error| error.span().map(|span| span.start)) {
            let span = first.span().unwrap_or(0..0);
            problems.push(match text.find('\0') {
                Some(nul) => {
                    Problem::new(&(nul..nul + 1), format!("{} holds a NUL byte", self.what), "expected text")
                }
                None => Problem::new(&span, "this is not TOML", first.message()),
            });
            return None;
        }
        let top = Table::new(self.what, 0..0, document.get_ref(), problems);
        if self.is_ours(&top) { reader(&top) } else { None }
    }

    /// Checks the format. Only a file of another version is not read further: its keys may mean something else.
    fn is_ours(&self, top: &Table<'_>) -> bool {
        let first = format!("{}1", self.format);
        let Some(said) = top.text("format") else {
            if top.has("format").is_none() {
                top.missing("format", format!("begin the file with `format = \"{first}\"`"));
            }
            return true;
        };
        let version = said.value.strip_prefix(self.format).and_then(|version| version.parse::<u32>().ok());
        let title = format!("`format` cannot be {}", quoted(said.value));
        let problem = Problem::new(&said.at, title, format!("expected \"{first}\""));
        match version {
            Some(1) if said.value == first => true,
            Some(2..) => {
                top.problems.push(
                    problem.help("this file was written for a newer Breakglass; this version reads format 1"),
                );
                false
            }
            _ => {
                top.problems.push(problem);
                true
            }
        }
    }
}

/// Refuses a name that is given twice, with both places.
pub(crate) fn unique<'s, T: Ord + fmt::Display + 's>(
    names: impl Iterator<Item = &'s Said<T>>,
    what: &str,
    problems: &Problems,
) {
    let mut seen: BTreeMap<&T, &Said<T>> = BTreeMap::new();
    for name in names {
        let first = *seen.entry(&name.value).or_insert(name);
        if first.at != name.at {
            problems.push(
                Problem::new(&name.at, format!("two {what}s are called \"{}\"", name.value), "here again")
                    .also(&first.at, "first here")
                    .help("a name is the only way it is ever named, so each needs its own"),
            );
        }
    }
}
