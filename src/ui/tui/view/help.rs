//! The keys of a place, the keys of everywhere, and what the signs say.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::paint::{self, Page};
use crate::ui::tui::keymap::{self, Binding, Context};
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::Model;

/// Columns for the keys.
const KEYS: usize = 14;

/// Draws it.
pub(super) fn draw(model: &Model, of: Context, scroll: usize, area: Rect, buf: &mut Buffer) {
    page(model, of, area).draw(scroll, model.look, buf);
}

/// Its text, and where it stands.
pub(super) fn page(model: &Model, of: Context, area: Rect) -> Page {
    Page { lines: lines(model, of, area.width), area }
}

/// All of its lines.
pub(super) fn lines(model: &Model, of: Context, width: u16) -> Vec<Line<'static>> {
    let look = model.look;
    let mut lines = Vec::new();
    let mut last = None;
    for row in keymap::rows(of) {
        if last.replace(row.context) != Some(row.context) {
            if !lines.is_empty() {
                lines.push(Line::default());
            }
            lines.push(paint::heading(&format!(" {}", row.context.word()), look));
        }
        lines.extend(about(row, width, look));
    }
    lines.push(Line::default());
    lines.push(paint::heading(" signs", look));
    for (sign, text) in signs(look) {
        lines.extend(paint::labelled(&format!("   {sign}"), KEYS, text, look.style(Ink::Text), width, look));
    }
    lines.push(Line::default());
    let rules = [
        "Nothing is changed before the glass is broken: reason and incident go into the record.",
        "What could not be read is not known, and never taken for a good sign.",
        "The order of the nodes is the inventory's and never changes.",
    ];
    let text = look.style(Ink::Text);
    lines.extend(rules.into_iter().flat_map(|rule| paint::hanging(&[Span::raw(" ")], rule, text, width)));
    lines
}

fn about(row: &Binding, width: u16, look: Look) -> Vec<Line<'static>> {
    let names: Vec<&str> = row.keys.iter().map(|key| paint::key(key, look)).collect();
    let names = paint::fit(&format!("   {}", names.join("  ")), KEYS, look);
    let lead = Span::styled(format!("{names} "), look.style(Ink::Key));
    paint::hanging(&[lead], row.about, look.style(Ink::Text), width)
}

fn signs(look: Look) -> [(&'static str, &'static str); 13] {
    let signs = look.signs;
    [
        (signs.unknown, "not known, with the reason"),
        (signs.differs, "other than the first node that says anything"),
        (signs.best, "the highest position"),
        (signs.candidate, "a candidate: the highest position, nobody's missing, nothing against it"),
        (signs.behind, "behind"),
        (signs.done, "done, in sync, holds"),
        (signs.not, "refused, failed, does not hold"),
        (signs.now, "chosen, or runs now"),
        (signs.skipped, "skipped, left out"),
        (signs.finding, "a finding; in the log a known line about a change, wanted or not"),
        (signs.warning, "in the log: a known warning"),
        (signs.dot, "in the log: a known line that says how things go"),
        ("", "what a known line means was seen in the lab, or stands in the source or a manual"),
    ]
}
