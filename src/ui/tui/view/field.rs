//! Lines that are typed, one below the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Ink, Look};
use super::super::model::Model;
use super::paint;

/// A line that is typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// Before it; may be empty.
    pub(super) label: &'static str,
    /// What is typed.
    pub(super) typed: &'a str,
    /// What is shown while nothing is.
    pub(super) empty: &'static str,
    /// Whether keys go there.
    pub(super) active: bool,
}

/// A row for each, as far as there are rows; the one that is typed in is always among them.
pub(super) fn draw(model: &Model, fields: &[Field<'_>], area: Rect, buf: &mut Buffer) {
    let look = model.look;
    for (field, y) in shown(fields, area) {
        let mark = if field.active { look.signs.now } else { " " };
        let head = head(field, fields, look);
        let (of_head, of_text) = if field.active { (Ink::Asked, Ink::Text) } else { (Ink::Dim, Ink::Dim) };
        let x = area.x.saturating_add(paint::text(
            buf,
            (area.x, y),
            area.width,
            &format!("{mark}{head}"),
            look.style(of_head),
            look,
        ));
        let room = area.right().saturating_sub(x);
        if field.typed.is_empty() {
            let from = x.saturating_add(u16::from(field.active));
            let room = area.right().saturating_sub(from);
            paint::text(buf, (from, y), room, field.empty, look.style(Ink::Dim), look);
        } else {
            paint::text(buf, (x, y), room, &tail(field.typed, room), look.style(of_text), look);
        }
    }
}

/// Where the cursor stands: behind the last letter of the one that is typed in.
pub(super) fn cursor(model: &Model, fields: &[Field<'_>], area: Rect) -> Option<(u16, u16)> {
    let (field, y) = shown(fields, area).find(|(field, _)| field.active)?;
    let before = paint::cells(1 + paint::width(&head(field, fields, model.look)));
    let room = area.width.saturating_sub(before);
    let typed = paint::cells(paint::width(&tail(field.typed, room)));
    let x = area.x.saturating_add(before.saturating_add(typed));
    (x < area.right()).then_some((x, y))
}

/// The fields that have a row, and which.
fn shown<'f>(fields: &'f [Field<'f>], area: Rect) -> impl Iterator<Item = (&'f Field<'f>, u16)> {
    let active = fields.iter().position(|field| field.active).unwrap_or(0);
    let skip = (active + 1).saturating_sub(usize::from(area.height));
    fields.iter().skip(skip).zip(area.top()..area.bottom())
}

/// Sign and label, as wide as the widest of all.
fn head(field: &Field<'_>, fields: &[Field<'_>], look: Look) -> String {
    let widest = fields.iter().map(|field| field.label.len()).max().unwrap_or(0);
    let gap = if widest > 0 { " " } else { "" };
    format!(" {}{gap}{} ", paint::fit(field.label, widest, look), look.signs.prompt)
}

/// The end of what is typed, a column left for the cursor.
fn tail(typed: &str, room: u16) -> String {
    let room = usize::from(room).saturating_sub(1);
    let clean = paint::clean(typed);
    let mut from = clean.char_indices().map(|(at, _)| at).chain([clean.len()]);
    let fits = |at: &usize| clean.get(*at..).is_some_and(|rest| paint::width(rest) <= room);
    from.find(fits).and_then(|at| clean.get(at..)).unwrap_or_default().to_owned()
}
