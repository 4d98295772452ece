//! How the drill went.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::{Cluster, Model};
use super::paint::Page;
use super::sheet::{Sheet, inset};

/// The debrief.
pub(super) fn draw(model: &Model, scroll: usize, area: Rect, buf: &mut Buffer) {
    page(model, area).draw(scroll, model.look, buf);
}

/// All of it, and its room.
pub(super) fn page(model: &Model, area: Rect) -> Page {
    let area = inset(area);
    Page { lines: lines(model, area.width), area }
}

fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    let Some(drill) = model.cluster().and_then(Cluster::drill) else {
        sheet.text(Ink::Dim, "No drill is under way.");
        return sheet.lines();
    };
    sheet.after(&[(Ink::Title, "DRILL  ")], Ink::Title, &format!("{}: debrief", drill.title));
    sheet.blank();
    if drill.debrief.is_empty() {
        sheet.text(Ink::Dim, "The drill is not over yet.");
    }
    for line in &drill.debrief {
        let words = line.as_str().trim_start();
        if words.is_empty() {
            sheet.blank();
            continue;
        }
        // A line may stand in, as part of the one above it.
        let indent = " ".repeat(line.as_str().len() - words.len());
        sheet.after(&[(Ink::Text, &indent)], Ink::Text, words);
    }
    sheet.lines()
}
