//! The runbooks: possible now, or why not (U10). The chosen one says what it is.
//!
//! ```text
//!  ▶ galera-start-all     suggested   the answer to galera.all-crashed
//!      Start all members of the last view together …
//!      changes nodes, and can be taken back · 12 steps
//!    galera-bootstrap     possible    it answers galera.all-crashed too
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Ink, Look};
use super::super::model::Model;
use super::paint::fit;
use super::sheet::{List, Sheet, inset};
use crate::ask::act::Class;
use crate::runbook::{Fit, Origin, Outlook, Runbook};

/// The widest word of [`Fit`].
const WORD: usize = 10;

/// The runbooks for the cluster in front, as places in [`Model::runbooks`]: the best fit first, within one in the library's
/// order. All of them where no cluster is open.
pub(crate) fn order(model: &Model) -> Vec<usize> {
    sorted(model).into_iter().map(|(at, _)| at).collect()
}

fn sorted(model: &Model) -> Vec<(usize, Option<Outlook>)> {
    let cluster = model.cluster();
    let picture = cluster.and_then(|cluster| cluster.picture.as_ref());
    let fits = |book: &Runbook| cluster.is_none_or(|cluster| cluster.family == book.family);
    let mut all: Vec<(usize, Option<Outlook>)> = model
        .runbooks
        .iter()
        .enumerate()
        .filter(|(_, book)| fits(book))
        .map(|(at, book)| {
            let outlook = picture.map(|picture| book.outlook(&picture.survey, &picture.judgement));
            (at, outlook)
        })
        .collect();
    all.sort_by_key(|(_, outlook)| outlook.as_ref().map(|outlook| outlook.fit));
    all
}

/// The list, the chosen one unfolded.
pub(super) fn draw(model: &Model, at: usize, area: Rect, buf: &mut Buffer) {
    let (look, area) = (model.look, inset(area));
    let books = sorted(model);
    let mut head = Sheet::new(look, area.width);
    head.text(Ink::Title, "Runbooks");
    if model.cluster().is_some_and(|cluster| cluster.picture.is_none()) {
        head.text(Ink::Unknown, "Nothing was read of the cluster yet: what is possible is not known.");
    }
    if books.is_empty() {
        head.text(Ink::Dim, "There is none for this kind of cluster.");
    }
    let longest = books.iter().filter_map(|(at, _)| model.runbooks.get(*at)).map(|book| book.id.len()).max();
    let mut list = List::new(head);
    for (place, (book, outlook)) in books.iter().enumerate() {
        let Some(book) = model.runbooks.get(*book) else { continue };
        let mut entry = Sheet::new(look, area.width);
        row(&mut entry, look, book, outlook.as_ref(), place == at, longest.unwrap_or(0).min(28));
        if place == at {
            unfold(&mut entry, look, book, outlook.as_ref());
        }
        list.entry(entry);
    }
    list.draw(at, look, area, buf);
}

/// Its line: name, word, why.
fn row(
    sheet: &mut Sheet,
    look: Look,
    book: &Runbook,
    outlook: Option<&Outlook>,
    chosen: bool,
    longest: usize,
) {
    let mark = if chosen { look.signs.now } else { " " };
    let site = if book.origin == Origin::BuiltIn { "" } else { " (site)" };
    let (word, ink) = match outlook.map(|outlook| outlook.fit) {
        Some(fit @ Fit::Suggested) => (fit.as_str(), Ink::Best),
        Some(fit @ Fit::Possible) => (fit.as_str(), Ink::Text),
        Some(fit @ (Fit::Blocked | Fit::Unneeded)) => (fit.as_str(), Ink::Dim),
        None => ("not known", Ink::Unknown),
    };
    let name = fit(&format!("{}{site}", book.id), longest, look);
    let why = outlook.and_then(|outlook| outlook.why.first()).map_or("", String::as_str);
    let of = |ink| if chosen { Ink::Chosen } else { ink };
    let left = format!("{mark} {name}  ");
    let word = fit(word, WORD, look);
    let why = if chosen { String::new() } else { format!("  {why}") };
    sheet.cells(&[(of(Ink::Text), &left), (of(ink), &word), (of(Ink::Dim), &why)]);
}

fn unfold(sheet: &mut Sheet, look: Look, book: &Runbook, outlook: Option<&Outlook>) {
    let indent = [(Ink::Text, "    ")];
    sheet.after(&indent, Ink::Title, book.title.as_str());
    for why in outlook.iter().flat_map(|outlook| &outlook.why) {
        let (why, change) = parted(why);
        let sign = format!("    {} ", if change.is_some() { look.signs.not } else { look.signs.dot });
        sheet.after(&[(Ink::Dim, &sign)], Ink::Text, why);
        if let Some(change) = change {
            let arrow = format!("      {} ", look.signs.arrow);
            sheet.after(&[(Ink::Key, &arrow)], Ink::Text, change);
        }
    }
    sheet.after(&indent, Ink::Text, book.about.as_str());
    sheet.after(&indent, Ink::Dim, &facts(book, look));
    if let Origin::Site(path) = &book.origin {
        sheet.after(&indent, Ink::Dim, &format!("the site's own: {}", path.display()));
    }
}

/// What it may do, and how long it is.
fn facts(book: &Runbook, look: Look) -> String {
    let (sure, severest) = (book.class(), book.severest());
    let with = if sure == severest {
        String::new()
    } else {
        let inputs = book.steps.iter().filter(|step| step.action.class() == severest);
        let mut names: Vec<&str> = inputs.filter_map(|step| book.condition(step)).collect();
        names.dedup();
        format!("; with {} it {}", names.join(" or "), class(severest))
    };
    let steps = if book.steps.len() == 1 { "step" } else { "steps" };
    format!("{}{with} {} {} {steps}", class(sure), look.signs.dot, book.steps.len())
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Read => "reads only",
        Class::Reversible => "changes nodes, nothing for good",
        Class::Destructive => "changes nodes, some of it for good",
    }
}

/// A reason, and what would change it where it says so.
pub(super) fn parted(why: &str) -> (&str, Option<&str>) {
    for mark in ["; what would change it: ", "; next: "] {
        if let Some((why, change)) = why.split_once(mark) {
            return (why, Some(change));
        }
    }
    (why, None)
}
