//! The form that breaks the glass: why, and for which incident.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::{Model, ReasonForm};
use super::field::{self, Field};
use super::paint::Page;
use super::sheet::{Sheet, inset};

/// Rows of the two fields.
const FIELDS: u16 = 2;

/// What it means, and the two lines.
pub(super) fn draw(model: &Model, form: &ReasonForm, area: Rect, buf: &mut Buffer) {
    page(model, form, area).draw(0, model.look, buf);
    field::draw(model, &fields(form), bottom(area), buf);
}

/// The text above the fields, and its room.
pub(super) fn page(model: &Model, form: &ReasonForm, area: Rect) -> Page {
    let area = inset(area);
    let below = FIELDS + u16::from(area.height > FIELDS + 3);
    let area = Rect { height: area.height.saturating_sub(below), ..area };
    Page { lines: lines(model, form, area.width), area }
}

/// Where is typed.
pub(super) fn cursor(model: &Model, form: &ReasonForm, area: Rect) -> Option<(u16, u16)> {
    field::cursor(model, &fields(form), bottom(area))
}

fn bottom(area: Rect) -> Rect {
    let area = inset(area);
    let height = area.height.min(FIELDS);
    Rect { y: area.bottom().saturating_sub(height), height, ..area }
}

fn fields(form: &ReasonForm) -> [Field<'_>; 2] {
    [
        Field {
            label: "reason",
            typed: &form.reason,
            empty: "what is wrong, and what you are about to do",
            active: form.field == 0,
        },
        Field {
            label: "incident",
            typed: &form.incident,
            empty: "its reference, such as INC-4711",
            active: form.field == 1,
        },
    ]
}

fn lines(model: &Model, form: &ReasonForm, width: u16) -> Vec<Line<'static>> {
    let look = model.look;
    let mut sheet = Sheet::new(look, width);
    let cluster = model.cluster().map(|cluster| cluster.name.to_string()).unwrap_or_default();
    sheet.after(&[(Ink::Title, "BREAK THE GLASS  ")], Ink::Title, &cluster);
    match form.runbook.and_then(|at| model.runbooks.get(at)) {
        Some(book) => sheet.after(&[(Ink::Dim, "then walks  ")], Ink::Title, &book.id),
        None => sheet.after(&[(Ink::Dim, "then  ")], Ink::Text, "back to the matrix; r shows the runbooks"),
    }
    sheet.blank();
    let dot = format!("{} ", look.signs.dot);
    let mut say = |text: &str| sheet.after(&[(Ink::Dim, &dot)], Ink::Text, text);
    // All of it has to stand above the fields at 60×15: it does not scroll.
    say("Read-only ends, for this cluster alone.");
    say("The record begins: who, why, what is seen and done.");
    say("Every act keeps its rules; what cannot be taken back is typed first.");
    say("It closes by itself after 15 minutes without a key while nothing runs.");
    sheet.lines()
}
