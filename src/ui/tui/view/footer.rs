//! The last row: a notice, else the keys of the place, as many as fit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::paint;
use crate::ui::tui::keymap::{self, Binding, Context, Intent};
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::Model;

/// Below this the screens cannot show what they must.
const NEEDED: (u16, u16) = (60, 15);

/// Draws the row for a place.
pub(super) fn draw(model: &Model, context: Context, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let look = model.look;
    let at = (area.x, area.y);
    if let Some(notice) = &model.notice {
        let text = format!(" {notice}");
        paint::text(buf, at, area.width, &text, look.style(Ink::Asked), look);
        return;
    }
    if model.size.0 < NEEDED.0 || model.size.1 < NEEDED.1 {
        let text = format!("{}x{} needed", NEEDED.0, NEEDED.1);
        paint::text(buf, at, area.width, &text, look.style(Ink::Warn), look);
        return;
    }
    paint::line(buf, at, area.width, &keys(model, context, area.width), look);
}

/// The keys that fit, the help always among them.
fn keys(model: &Model, context: Context, width: u16) -> Line<'static> {
    let look = model.look;
    let broken = model.glass.as_ref().is_some_and(|glass| model.open == Some(glass.cluster));
    let rows: Vec<&Binding> = keymap::rows(context)
        .filter(|row| !row.word.is_empty())
        .filter(|row| row.intent != Intent::BreakGlass || !broken)
        .collect();
    let (help, rest): (Vec<&Binding>, Vec<&Binding>) =
        rows.into_iter().partition(|row| row.intent == Intent::Help);
    let help: Vec<(String, &str)> = help.into_iter().map(|row| (names(row, context, look), "help")).collect();
    let wide = |(key, word): &(String, &str)| paint::width(key) + paint::width(word) + 3;
    let mut room = usize::from(width).saturating_sub(help.iter().map(wide).sum());
    let mut shown = Vec::new();
    for row in rest {
        let item = (names(row, context, look), row.word);
        let Some(left) = room.checked_sub(wide(&item)) else { continue };
        room = left;
        shown.push(item);
    }
    let mut spans = Vec::new();
    for (key, word) in shown.into_iter().chain(help) {
        spans.push(Span::raw(if spans.is_empty() { " " } else { "  " }));
        spans.push(Span::styled(key, look.style(Ink::Key)));
        spans.push(Span::styled(format!(" {word}"), look.style(Ink::Dim)));
    }
    Line::from(spans)
}

/// The first key of the row; both where it is one of a pair.
fn names(row: &Binding, context: Context, look: Look) -> String {
    let first = |row: &Binding| row.keys.first().map(|key| paint::key(key, look)).unwrap_or_default();
    let other = match row.intent {
        Intent::Down => Some(Intent::Up),
        Intent::Right => Some(Intent::Left),
        _ => None,
    };
    let other = keymap::rows(context).find(|row| Some(row.intent) == other && row.word.is_empty());
    match other {
        Some(other) if look.signs.across.is_ascii() => format!("{}/{}", first(other), first(row)),
        Some(other) => format!("{}{}", first(other), first(row)),
        None => first(row).to_owned(),
    }
}
