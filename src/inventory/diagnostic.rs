//! Errors with file, line, caret, expectation and nearest name.

use core::ops::Range;
use std::cell::RefCell;
use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::source::Shown;
use crate::facts::Plain;

/// A place in the file, in bytes.
pub(crate) type Span = Range<usize>;

/// The most errors that are shown; whoever has more mends these first.
const MOST: usize = 20;

/// Everything that is wrong with a file, for people: rustc's way of saying it.
///
/// No control character of the file and no literal password in it reaches the rendered text (S24).
#[derive(Clone, Debug, thiserror::Error)]
pub struct Diagnostics {
    file: Plain,
    shown: String,
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    title: String,
    /// Where, and what is expected there. `None` is the file as a whole.
    at: Option<(Span, String)>,
    /// Another place that has to do with it.
    also: Option<(Span, String)>,
    help: Vec<String>,
}

impl Problem {
    /// Something at a place: `title` says what is wrong, `label` beneath the caret what is expected.
    pub(crate) fn new(span: &Span, title: impl Into<String>, label: impl Into<String>) -> Self {
        Self { title: title.into(), at: Some((span.clone(), label.into())), also: None, help: Vec::new() }
    }

    /// Something about the file as a whole.
    pub(crate) fn of_file(title: impl Into<String>) -> Self {
        Self { title: title.into(), at: None, also: None, help: Vec::new() }
    }

    /// Adds what to write instead, or why.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds help where there is one.
    pub(crate) fn maybe_help(self, help: Option<impl Into<String>>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Shows another place too.
    pub(crate) fn also(mut self, span: &Span, label: impl Into<String>) -> Self {
        self.also = Some((span.clone(), label.into()));
        self
    }

    fn places(&mut self) -> impl Iterator<Item = &mut (Span, String)> {
        self.at.iter_mut().chain(self.also.iter_mut())
    }
}

/// Where the readers put what they find wrong. They go on reading, so that one look shows everything.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Notes a problem.
    pub(crate) fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// How many there are by now. A reader that compares two moments knows whether what it read is sound.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Ends the collection: `None` where nothing is wrong.
    pub(crate) fn diagnostics(self, file: &str, text: &str) -> Option<Diagnostics> {
        let problems = self.0.into_inner();
        (!problems.is_empty()).then(|| Diagnostics::new(file, text, problems))
    }
}

impl Diagnostics {
    pub(crate) fn new(file: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.at.as_ref().map(|(span, _)| span.start));
        let shown = Shown::new(text);
        for place in problems.iter_mut().flat_map(Problem::places) {
            place.0 = shown.locate(&place.0);
        }
        Self { file: Plain::new(file), shown: shown.into_text(), problems }
    }

    /// How many errors the file holds, shown or not.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// The errors as text, coloured where `colour` says so.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out: Vec<String> =
            self.problems.iter().take(MOST).map(|problem| renderer.render(&[self.group(problem)])).collect();
        match self.problems.len() {
            0 | 1 => {}
            all @ ..=MOST => out.push(format!("{all} errors in {}", self.file)),
            all => out.push(format!("{all} errors in {}, the first {MOST} are shown", self.file)),
        }
        out.join("\n\n")
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let title = Level::ERROR.primary_title(plain(&problem.title));
        let group = match &problem.at {
            None => title.element(Origin::path(self.file.as_str())),
            Some((span, label)) => {
                let primary = AnnotationKind::Primary.span(span.clone()).label(plain(label));
                let also = problem
                    .also
                    .as_ref()
                    .map(|(span, label)| AnnotationKind::Context.span(span.clone()).label(plain(label)));
                title.element(
                    Snippet::source(self.shown.as_str())
                        .path(self.file.as_str())
                        .annotation(primary)
                        .annotations(also),
                )
            }
        };
        group.elements(problem.help.iter().map(|help| Level::HELP.message(plain(help))))
    }
}

/// Messages quote the file, so they are made plain like it.
fn plain(text: &str) -> String {
    Plain::new(text).to_string()
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}
