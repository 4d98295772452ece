//! The error log: what it says, then its last lines with those marked that were understood.

use ratatui::text::{Line, Span};

use super::super::paint;
use super::Seen;
use crate::facts::{Known, Plain, keys};
use crate::ui::tui::look::Ink;

/// A mark is kept up to this many characters; a longer line is the same where it begins so.
const KEPT: usize = 240;

impl Seen<'_> {
    /// The log's lines that hold `filter`.
    pub(super) fn log(&self, filter: &str) -> Vec<Line<'static>> {
        let look = self.look;
        let holds = |line: &Line<'_>| line.to_string().to_lowercase().contains(filter);
        let said = [
            self.labelled(keys::LOG_SOURCE, "read from"),
            self.labelled(keys::LOG_REACH, "reaches back to"),
            self.labelled(keys::LOG_LAST_END, "last run ended"),
            self.labelled(keys::LOG_LAST_END_AT, "that was at"),
            self.labelled(keys::LOG_POSITION, "recovered position"),
            self.labelled(keys::LOG_POSITION_AT, "logged at"),
            self.labelled(keys::LOG_TOOK_PART, "last in a Primary"),
            self.labelled(keys::LOG_WAITING, "waits for a Primary"),
            self.labelled(keys::LOG_TRANSFER, "last transfer"),
            self.labelled(keys::LOG_EVICTED, "evicted"),
            self.labelled(keys::LOG_HALF_FILLED, "half-filled"),
            self.labelled(keys::LOG_PREPARED, "prepared transactions"),
            self.labelled(keys::LOG_BOOTSTRAPS, "bootstraps"),
        ];
        let mut lines: Vec<Line<'static>> = said.concat().into_iter().filter(holds).collect();
        let marks = self.node.facts.get(keys::LOG_MARKS).known().cloned().unwrap_or_default();
        let tail = match self.node.facts.get(keys::LOG_TAIL) {
            Known::Known(tail) => tail,
            Known::Unknown(why) => {
                lines.push(Line::default());
                let lead = Span::styled(format!(" {} ", look.signs.unknown), look.style(Ink::Unknown));
                let why = format!("the last lines: {}", why.text);
                lines.extend(paint::hanging(&[lead], &why, look.style(Ink::Unknown), self.width));
                Vec::new()
            }
        };
        let is = |line: &Plain, mark: &Plain| line.as_str().chars().take(KEPT).eq(mark.as_str().chars());
        let named = |text: &Plain| text.as_str().to_lowercase().contains(filter);
        let earlier: Vec<&Plain> =
            marks.iter().filter(|mark| !tail.iter().any(|line| is(line, mark)) && named(mark)).collect();
        if !earlier.is_empty() {
            lines.push(Line::default());
            lines.push(paint::heading(" earlier lines that say where the server stood", look));
            lines.extend(earlier.into_iter().flat_map(|line| self.logged(line, true)));
        }
        let shown: Vec<&Plain> = tail.iter().filter(|line| named(line)).collect();
        if !shown.is_empty() {
            lines.push(Line::default());
            let heading = format!(" the last lines; {} marks those that were understood", look.signs.finding);
            lines.push(paint::heading(&heading, look));
            lines.extend(
                shown.into_iter().flat_map(|line| self.logged(line, marks.iter().any(|mark| is(line, mark)))),
            );
        }
        lines
    }

    fn logged(&self, line: &Plain, understood: bool) -> Vec<Line<'static>> {
        let look = self.look;
        let (sign, ink) = if understood { (look.signs.finding, Ink::Title) } else { (" ", Ink::Text) };
        let lead = Span::styled(format!(" {sign} "), look.style(ink));
        paint::hanging(&[lead], line.as_str(), look.style(ink), self.width)
    }
}
