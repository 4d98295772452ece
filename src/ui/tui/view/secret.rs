//! A passphrase or password. What is typed is shown nowhere, not even as dots (S24).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Ink;
use super::super::model::Model;
use super::paint::Page;
use super::sheet::{Sheet, inset};

/// The question.
pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let area = inset(area);
    let mut sheet = Sheet::new(model.look, area.width);
    let question = model.secret.as_ref().map(|asked| asked.question.to_string()).unwrap_or_default();
    sheet.text(Ink::Title, "A SECRET IS ASKED FOR");
    sheet.blank();
    sheet.text(Ink::Asked, &question);
    sheet.blank();
    sheet.text(
        Ink::Text,
        "What you type is not shown. It is kept in memory until the program ends, and nowhere else.",
    );
    sheet.text(Ink::Dim, "Esc declines: what needs it cannot be reached, and says so.");
    Page { lines: sheet.lines(), area }.draw(0, model.look, buf);
}
