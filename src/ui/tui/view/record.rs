//! The record of the open cluster, a line a record.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::{Model, RecordState};
use super::paint::Page;
use super::sheet::{Sheet, folded, inset, shown};

/// Rows above the lines.
const HEAD: u16 = 2;

/// State and lines.
pub(super) fn draw(
    model: &Model,
    records: &[String],
    scroll: usize,
    filter: &str,
    area: Rect,
    buf: &mut Buffer,
) {
    let top = inset(area);
    let top = Rect { height: top.height.min(HEAD), ..top };
    Page { lines: head(model, filter, top.width), area: top }.draw(0, model.look, buf);
    page(model, records, filter, area).draw(scroll, model.look, buf);
}

/// The lines, and their room.
pub(super) fn page(model: &Model, records: &[String], filter: &str, area: Rect) -> Page {
    let area = inset(area);
    let head = area.height.min(HEAD);
    let area = Rect { y: area.y.saturating_add(head), height: area.height.saturating_sub(head), ..area };
    Page { lines: lines(model, records, filter, area.width), area }
}

fn head(model: &Model, filter: &str, width: u16) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    let dot = model.look.signs.dot;
    let (text, ink) = match model.cluster().map(|cluster| &cluster.record) {
        Some(RecordState::Head { code, records, open }) => {
            let word = if *records == 1 { "record" } else { "records" };
            let open = if *open == 0 { String::new() } else { format!(" {dot} {open} never closed") };
            (format!("{code} {dot} {records} {word}{open}"), Ink::Title)
        }
        Some(RecordState::Ready) => ("no record yet; it begins with the first session".to_owned(), Ink::Dim),
        Some(RecordState::Trouble(why)) => (format!("{} {why}", model.look.signs.not), Ink::Bad),
        Some(RecordState::Unread) | None => ("not read yet".to_owned(), Ink::Unknown),
    };
    let head = [(Ink::Title, "Record  "), (ink, text.as_str())];
    sheet.cells(&head);
    if !filter.trim().is_empty() {
        sheet.cells(&[(Ink::Dim, "only lines that hold  "), (Ink::Asked, filter.trim())]);
    }
    sheet.lines()
}

fn lines(model: &Model, records: &[String], filter: &str, width: u16) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    let wanted = filter.trim().to_lowercase();
    let mut any = false;
    for line in records.iter().filter(|line| line.to_lowercase().contains(&wanted)) {
        any = true;
        // What does not fit goes on below, a little in.
        let line = shown(line);
        let indent = line.len() - line.trim_start_matches(' ').len() + 2;
        let mut pieces = folded(&line, width.into()).into_iter();
        let first = pieces.next().unwrap_or_default();
        sheet.row(&[(Ink::Text, &first)]);
        let rest = line.get(first.len()..).unwrap_or_default().trim_start();
        if pieces.len() > 0 {
            let before = " ".repeat(indent.min(usize::from(width / 2)));
            for piece in folded(rest, usize::from(width).saturating_sub(before.len())) {
                sheet.row(&[(Ink::Text, &before), (Ink::Text, &piece)]);
            }
        }
    }
    if !any && !records.is_empty() {
        sheet.text(Ink::Dim, &format!("No line holds {:?}.", filter.trim()));
    }
    sheet.lines()
}
