//! The line where a filter is typed, in the keys' place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::paint;
use crate::ui::tui::look::Ink;
use crate::ui::tui::model::Model;

/// Columns kept for the keys at the right.
const KEYS: &str = "  enter keep  esc drop ";

/// Draws it into the last row.
pub(super) fn draw(model: &Model, typed: &str, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    paint::fill(buf, area, look.style(Ink::Text));
    if area.height == 0 {
        return;
    }
    let line = Line::from(vec![
        Span::styled(" /", look.style(Ink::Key)),
        Span::styled(end_of(typed, room(area)).to_owned(), look.style(Ink::Asked)),
    ]);
    paint::line(buf, (area.x, area.y), area.width, &line, look);
    if usize::from(area.width) > paint::width(KEYS) * 2 {
        paint::right(buf, area, area.y, KEYS, look.style(Ink::Dim), look);
    }
}

/// Where it is typed.
pub(super) fn cursor(typed: &str, area: Rect) -> Option<(u16, u16)> {
    let used = paint::cells(paint::width(end_of(typed, room(area)))).saturating_add(2);
    let x = area.x.saturating_add(used);
    (area.height > 0 && x < area.right()).then_some((x, area.y))
}

fn room(area: Rect) -> usize {
    let keys = paint::width(KEYS);
    let width = usize::from(area.width);
    if width > keys * 2 { width.saturating_sub(keys + 3) } else { width.saturating_sub(3) }
}

/// The end of a typed text that fits into `width` columns: where one types is always seen.
pub(super) fn end_of(typed: &str, width: usize) -> &str {
    let start = typed
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| typed.get(*at..).is_some_and(|rest| paint::width(rest) <= width));
    start.and_then(|at| typed.get(at..)).unwrap_or_default()
}
