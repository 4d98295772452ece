//! The whole screen for what is typed: its own frame, mode and cluster in its first line, the asked text always in sight.
//!
//! ```text
//! ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃  LIVE  shop                   ┃   always
//! ┃  BOOTSTRAP g2                 ┃   always
//! ┃  host      g2 · SHA256:…      ┃   scrolls
//! ┃  Type   g2 lose 0   to go on. ┃   always
//! ┃  ▶ › _                        ┃   always
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::super::look::{Ink, Look};
use super::super::model::Model;
use super::banner;
use super::field::{self, Field};
use super::paint::{self, Page, cells};
use super::sheet::Sheet;

/// Smaller than this there is no frame.
const FRAMED: (u16, u16) = (24, 8);
/// What a frame is made of: the corners clockwise from the top left, across, along.
type Edges = [&'static str; 6];

/// A screen of its own.
#[derive(Debug)]
pub(super) struct Framed<'a> {
    /// Frame and title look like this.
    pub(super) ink: Ink,
    /// The frame, in signs and in ASCII.
    pub(super) edges: (Edges, Edges),
    /// Verb and object.
    pub(super) title: &'a str,
    /// What scrolls, made for a width.
    pub(super) text: Sheet,
    /// What has to be typed, and what was wrong.
    pub(super) asked: Sheet,
    /// Where it is typed.
    pub(super) fields: &'a [Field<'a>],
}

/// Where its parts are.
struct Parts {
    mode: Rect,
    title: Rect,
    text: Rect,
    asked: Rect,
    fields: Rect,
}

/// A confirmation's frame.
pub(super) const HEAVY: (Edges, Edges) = (["┏", "┓", "┛", "┗", "━", "┃"], ["#", "#", "#", "#", "=", "#"]);
/// A waiver's.
pub(super) const DOUBLE: (Edges, Edges) = (["╔", "╗", "╝", "╚", "═", "║"], ["!", "!", "!", "!", "!", "!"]);

/// The columns that words have.
pub(super) fn columns(area: Rect) -> u16 {
    inner(area).width
}

fn framed(area: Rect) -> bool {
    area.width >= FRAMED.0 && area.height >= FRAMED.1
}

fn inner(area: Rect) -> Rect {
    if !framed(area) {
        return area;
    }
    Rect {
        x: area.x.saturating_add(3),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(6),
        height: area.height.saturating_sub(2),
    }
}

/// What is typed and asked has its rows first, then title and mode, then the text; what is left sets them apart.
fn parts(area: Rect, text: usize, asked: usize, fields: usize) -> Parts {
    let inner = inner(area);
    let mut left = inner.height;
    let mut take = |rows: u16| {
        let rows = rows.min(left);
        left = left.saturating_sub(rows);
        rows
    };
    let (of_fields, of_asked, of_title, of_mode) =
        (take(cells(fields)), take(cells(asked)), take(1), take(1));
    let of_text = take(cells(text));
    let (above_asked, above_text, above_title, above_fields) = (take(1), take(1), take(1), take(1));
    let mut y = inner.y;
    let mut next = |gap: u16, rows: u16| {
        let part = Rect { y: y.saturating_add(gap), height: rows, ..inner };
        y = part.bottom();
        part
    };
    Parts {
        mode: next(0, of_mode),
        title: next(above_title, of_title),
        text: next(above_text, of_text),
        asked: next(above_asked, of_asked),
        fields: next(above_fields, of_fields),
    }
}

impl Framed<'_> {
    /// Draws it, the text scrolled.
    pub(super) fn draw(self, model: &Model, scroll: usize, area: Rect, buf: &mut Buffer) {
        let look = model.look;
        let (text, asked) = (self.text.lines(), self.asked.lines());
        let parts = parts(area, text.len(), asked.len(), self.fields.len());
        let text = Page { lines: text, area: parts.text };
        paint::fill(buf, area, look.style(Ink::Text));
        if framed(area) {
            let more = if text.extent() > 0 { " pgdn reads on " } else { "" };
            border(buf, area, self.edges, more, look.style(self.ink), look);
        }
        show(buf, parts.mode, &banner::words(model), look);
        show(buf, parts.title, &Line::styled(format!(" {} ", self.title), look.style(self.ink)), look);
        text.draw(scroll, look, buf);
        for (line, y) in asked.iter().zip(parts.asked.top()..parts.asked.bottom()) {
            paint::line(buf, (parts.asked.x, y), parts.asked.width, line, look);
        }
        field::draw(model, self.fields, parts.fields, buf);
    }

    /// The text and its room.
    pub(super) fn page(self, area: Rect) -> Page {
        let text = self.text.lines();
        let parts = parts(area, text.len(), self.asked.lines().len(), self.fields.len());
        Page { lines: text, area: parts.text }
    }

    /// Where is typed.
    pub(super) fn cursor(self, model: &Model, area: Rect) -> Option<(u16, u16)> {
        let parts = parts(area, self.text.lines().len(), self.asked.lines().len(), self.fields.len());
        field::cursor(model, self.fields, parts.fields)
    }
}

fn show(buf: &mut Buffer, area: Rect, line: &Line<'_>, look: Look) {
    if area.height > 0 {
        paint::line(buf, (area.x, area.y), area.width, line, look);
    }
}

fn border(buf: &mut Buffer, area: Rect, edges: (Edges, Edges), more: &str, style: Style, look: Look) {
    let [top_left, top_right, bottom_right, bottom_left, across, along] =
        if look.signs.across.is_ascii() { edges.1 } else { edges.0 };
    let between = across.repeat(usize::from(area.width.saturating_sub(2)));
    let (last, right) = (area.bottom().saturating_sub(1), area.right().saturating_sub(1));
    let top = format!("{top_left}{between}{top_right}");
    let bottom = format!("{bottom_left}{between}{bottom_right}");
    paint::text(buf, (area.x, area.y), area.width, &top, style, look);
    paint::text(buf, (area.x, last), area.width, &bottom, style, look);
    let beside = Rect { width: area.width.saturating_sub(3), ..area };
    paint::right(buf, beside, last, more, style, look);
    for y in area.y.saturating_add(1)..last {
        paint::text(buf, (area.x, y), 1, along, style, look);
        paint::text(buf, (right, y), 1, along, style, look);
    }
}
