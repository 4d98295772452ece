//! The state files as they are, beside what was read of them.

use ratatui::text::{Line, Span};

use super::super::paint;
use super::{Row, Seen};
use crate::facts::{Key, Known, Plain, keys};
use crate::ui::tui::look::Ink;

/// From this width on the two stand side by side.
const BESIDE: u16 = 100;
/// A line feed as [`Plain`] holds it.
const LINE_FEED: &str = "\\u{a}";

impl Seen<'_> {
    /// grastate.dat and gvwstate.dat; of what was read, the lines that hold `filter`.
    pub(super) fn files(&self, filter: &str) -> Vec<Row> {
        let beside = self.width >= BESIDE;
        let half = Seen { width: if beside { self.width / 2 } else { self.width }, ..*self };
        let grastate = [
            half.labelled(keys::GRASTATE_FILE, "file"),
            half.labelled(keys::GRASTATE_STAT, "size, owner, mode"),
            half.labelled(keys::GRASTATE_MTIME, "written"),
            half.labelled(keys::GRASTATE_VERSION, "version"),
            half.labelled(keys::GRASTATE_UUID, "uuid"),
            half.labelled(keys::GRASTATE_SEQNO, "seqno"),
            half.labelled(keys::GRASTATE_SAFE, "safe to bootstrap"),
        ];
        let gvwstate = [
            half.labelled(keys::GVWSTATE_FILE, "file"),
            half.labelled(keys::GVWSTATE_STAT, "size, owner, mode"),
            half.labelled(keys::GVWSTATE_MTIME, "written"),
            half.labelled(keys::GVWSTATE_MY_UUID, "my uuid"),
            half.labelled(keys::GVWSTATE_VIEW, "view"),
            half.labelled(keys::GVWSTATE_VIEW_SEQ, "view number"),
            half.labelled(keys::GVWSTATE_MEMBERS, "members"),
            half.labelled(keys::GVWSTATE_BOOTSTRAP, "bootstrap"),
        ];
        let mut lines = half.file("grastate.dat", keys::GRASTATE_RAW, grastate.concat(), filter, beside);
        if !lines.is_empty() {
            lines.push(Row::blank());
        }
        lines.extend(half.file("gvwstate.dat", keys::GVWSTATE_RAW, gvwstate.concat(), filter, beside));
        lines
    }

    /// One file: as it is, then what was read of it; `self` is half as wide where they stand side by side.
    fn file(&self, name: &str, raw: Key<Plain>, read: Vec<Row>, filter: &str, beside: bool) -> Vec<Row> {
        let look = self.look;
        let holds = |line: &Line<'_>| line.to_string().to_lowercase().contains(filter);
        let read: Vec<Row> = read.into_iter().filter(|row| row.holds(filter)).collect();
        let raw: Vec<Line<'static>> = self.raw(raw).into_iter().filter(holds).collect();
        if raw.is_empty() && read.is_empty() {
            return Vec::new();
        }
        let mut lines: Vec<Row> = vec![paint::heading(&format!(" {name}"), look).into()];
        if !beside {
            lines.extend(raw.into_iter().map(Row::from));
            lines.push(Line::styled(" what was read of it", look.style(Ink::Dim)).into());
            lines.extend(read);
            return lines;
        }
        let mut raw = raw.into_iter();
        let mut read = read.into_iter();
        loop {
            let (left, right) = (raw.next(), read.next());
            if left.is_none() && right.is_none() {
                return lines;
            }
            let left = left.unwrap_or_default();
            let room = usize::from(self.width).saturating_sub(2);
            let used: usize = left.spans.iter().map(|span| paint::width(&span.content)).sum();
            let mut spans = left.spans;
            spans.push(Span::raw(" ".repeat(room.saturating_sub(used))));
            spans.push(Span::styled(look.signs.along, look.style(Ink::Rule)));
            let right = right.unwrap_or_else(Row::blank);
            spans.extend(right.line.spans);
            lines.push(Row { line: Line::from(spans), of: right.of });
        }
    }

    /// A file's own lines, or why it was not read.
    fn raw(&self, key: Key<Plain>) -> Vec<Line<'static>> {
        let look = self.look;
        match self.node.facts.get(key) {
            Known::Known(text) => {
                let rows = text.as_str().trim_end_matches(LINE_FEED).split(LINE_FEED);
                let room = usize::from(self.width).saturating_sub(4);
                rows.map(|row| {
                    Line::styled(format!(" {}", paint::cut(row, room, look)), look.style(Ink::Text))
                })
                .collect()
            }
            Known::Unknown(why) => {
                let lead = Span::styled(format!(" {} ", look.signs.unknown), look.style(Ink::Unknown));
                paint::hanging(
                    &[lead],
                    why.text.as_str(),
                    look.style(Ink::Unknown),
                    self.width.saturating_sub(3),
                )
            }
        }
    }
}
