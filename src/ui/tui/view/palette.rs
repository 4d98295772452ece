//! All that can be done in a place, by name, over the screen it is done on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::paint;
use crate::ui::tui::keymap::{self, Context};
use crate::ui::tui::look::Ink;
use crate::ui::tui::model::Model;

/// The most offers that are seen at once.
const MOST: usize = 12;

/// Where it lies: its rules, the typed line and the offers.
fn frame(of: Context, typed: &str, area: Rect) -> Rect {
    let offers = keymap::offers(of, typed).len().clamp(1, MOST);
    Rect { height: paint::cells(offers.saturating_add(3)).min(area.height), ..area }
}

/// Draws it over what is there.
pub(super) fn draw(model: &Model, of: Context, (typed, at): (&str, usize), area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let frame = frame(of, typed, area);
    paint::fill(buf, frame, look.style(Ink::Text));
    paint::rule(buf, frame, look);
    if frame.height < 2 {
        return;
    }
    let title = format!(" {} ", of.word());
    paint::text(
        buf,
        (frame.x.saturating_add(2), frame.y),
        frame.width.saturating_sub(2),
        &title,
        look.style(Ink::Title),
        look,
    );
    let line = Line::from(vec![
        Span::styled(format!(" {} ", look.signs.prompt), look.style(Ink::Key)),
        Span::styled(tail(typed, frame.width).to_owned(), look.style(Ink::Asked)),
    ]);
    paint::line(buf, (frame.x, frame.y.saturating_add(1)), frame.width, &line, look);
    let bottom = Rect { y: frame.bottom().saturating_sub(1), height: 1, ..frame };
    let room = usize::from(frame.height.saturating_sub(3));
    if room > 0 {
        paint::rule(buf, bottom, look);
    }
    let offers = keymap::offers(of, typed);
    if offers.is_empty() && room > 0 {
        let at = (frame.x, frame.y.saturating_add(2));
        paint::text(buf, at, frame.width, "   nothing here is called that", look.style(Ink::Dim), look);
    }
    let at = at.min(offers.len().saturating_sub(1));
    let first = at.saturating_add(1).saturating_sub(room);
    for (place, row) in offers.iter().enumerate().skip(first).take(room) {
        let y = frame.y.saturating_add(2).saturating_add(paint::cells(place.saturating_sub(first)));
        let chosen = place == at;
        let sign = if chosen { look.signs.now } else { " " };
        let key = row.keys.first().map(|key| paint::key(key, look)).unwrap_or_default();
        let line = Line::from(vec![
            Span::raw(format!(" {sign} ")),
            Span::styled(format!("{} ", paint::fit(key, 6, look)), look.style(Ink::Key)),
            Span::styled(row.about, look.style(Ink::Text)),
        ]);
        paint::line(buf, (frame.x, y), frame.width, &line, look);
        if chosen {
            paint::tint(buf, Rect { y, height: 1, ..frame }, look.style(Ink::Chosen));
        }
    }
    let below = offers.len().saturating_sub(first.saturating_add(room));
    if below > 0 && room > 0 {
        let text = format!(" {} {below} more ", look.signs.down);
        paint::right(buf, bottom, bottom.y, &text, look.style(Ink::Key), look);
    }
}

/// The end of what is typed, as much as has room.
fn tail(typed: &str, width: u16) -> &str {
    super::filter::end_of(typed, usize::from(width).saturating_sub(5))
}

/// Where it is typed.
pub(super) fn cursor(of: Context, typed: &str, area: Rect) -> Option<(u16, u16)> {
    let frame = frame(of, typed, area);
    let used = paint::cells(paint::width(tail(typed, frame.width))).saturating_add(3);
    let at = (frame.x.saturating_add(used), frame.y.saturating_add(1));
    (at.0 < frame.right() && at.1 < frame.bottom()).then_some(at)
}
