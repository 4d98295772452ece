//! What the pager says: the beginning of a drill.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::Model;
use super::paint::{self, Page};
use super::sheet::{Sheet, inset};

/// The pager's text.
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
    let Some((cluster, drill)) = model.cluster().and_then(|cluster| Some((cluster, cluster.drill()?))) else {
        sheet.text(Ink::Dim, "No drill is under way.");
        return sheet.lines();
    };
    let when = format!("pager {}", paint::ago(drill.began, cluster.now));
    sheet.ends((Ink::Title, &format!("DRILL  {}", drill.title)), (Ink::Dim, &when));
    sheet.blank();
    for line in &drill.brief {
        if line.as_str().trim().is_empty() {
            sheet.blank();
        } else {
            sheet.text(Ink::Text, line.as_str());
        }
    }
    sheet.blank();
    sheet.text(
        Ink::Dim,
        "Nothing real is touched. Before the first act you are asked what is wrong, and on what evidence.",
    );
    sheet.lines()
}
