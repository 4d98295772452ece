//! Text for a pane: words wrapped to its width, each piece with its ink; and lists of which one entry is chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar as _;

use super::super::look::{Ink, Look};
use super::paint::{self, cells, clean, fit, width, wrap};

/// What a tab is shown as.
const TAB: &str = "    ";

/// Lines under construction.
#[derive(Debug)]
pub(super) struct Sheet {
    look: Look,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl Sheet {
    /// An empty one, so many columns wide.
    pub(super) fn new(look: Look, width: u16) -> Self {
        Self { look, width: usize::from(width), lines: Vec::new() }
    }

    /// An empty line; never the first, and never two in a row.
    pub(super) fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| line.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    /// Words.
    pub(super) fn text(&mut self, ink: Ink, text: &str) {
        self.after(&[], ink, text);
    }

    /// Words behind a head; the other lines begin below the first one's words.
    pub(super) fn after(&mut self, head: &[(Ink, &str)], ink: Ink, text: &str) {
        let used: usize = head.iter().map(|(_, part)| width(part)).sum();
        // A head that leaves no room for words stands above them.
        let indent = if used * 2 > self.width { self.width.min(2) } else { used };
        let room = self.width.saturating_sub(indent);
        let mut pieces = wrap(text, cells(room)).into_iter();
        let mut spans: Vec<Span<'static>> = head.iter().map(|(ink, part)| self.span(*ink, part)).collect();
        if indent == used {
            spans.push(self.span(ink, &pieces.next().unwrap_or_default()));
        }
        self.lines.push(Line::from(spans));
        for piece in pieces {
            let line = Line::from(vec![Span::raw(" ".repeat(indent)), self.span(ink, &piece)]);
            self.lines.push(line);
        }
    }

    /// A label in a column of its own, and words behind it.
    pub(super) fn labelled(&mut self, label: &str, columns: usize, ink: Ink, text: &str) {
        let label = format!("{} ", fit(label, columns, self.look));
        self.after(&[(Ink::Dim, &label)], ink, text);
    }

    /// One line of pieces as they are.
    pub(super) fn row(&mut self, parts: &[(Ink, &str)]) {
        let line = Line::from(parts.iter().map(|(ink, part)| self.span(*ink, part)).collect::<Vec<_>>());
        self.lines.push(line);
    }

    /// Pieces that must be read as one, and words behind them where there is room beside, else below.
    pub(super) fn whole(&mut self, parts: &[(Ink, &str)], text: &str) {
        let used: usize = parts.iter().map(|(_, part)| width(part)).sum();
        let last = [parts, &[(Ink::Dim, "  "), (Ink::Dim, text)]].concat();
        if used + 2 + width(text) <= self.width {
            return self.row(&last);
        }
        if used <= self.width {
            self.row(parts);
        } else {
            // Each on rows of its own, and nothing of it is cut away.
            for (ink, part) in parts {
                for piece in chopped(part.trim(), self.width) {
                    self.row(&[(*ink, &piece)]);
                }
            }
        }
        self.text(Ink::Dim, text);
    }

    /// One line of pieces, cut and filled up to the whole width: what may be reversed.
    pub(super) fn cells(&mut self, parts: &[(Ink, &str)]) {
        let mut room = self.width;
        let (mut spans, mut last) = (Vec::new(), Ink::Text);
        for (ink, part) in parts {
            let part = paint::cut(part, room, self.look);
            room = room.saturating_sub(width(&part));
            spans.push(self.span(*ink, &part));
            last = *ink;
        }
        spans.push(self.span(last, &" ".repeat(room)));
        self.lines.push(Line::from(spans));
    }

    /// One line with something at its right end.
    pub(super) fn ends(&mut self, left: (Ink, &str), right: (Ink, &str)) {
        let room = self.width.saturating_sub(width(right.1) + 1);
        if right.1.is_empty() || room < 8 || width(left.1) > room {
            self.text(left.0, left.1);
            if !right.1.is_empty() {
                self.text(right.0, right.1);
            }
            return;
        }
        let left = (left.0, format!("{} ", fit(left.1, room, self.look)));
        self.row(&[(left.0, &left.1), right]);
    }

    /// Text as it stands, line by line, cut where it must and never between words; each behind `indent`.
    pub(super) fn block(&mut self, indent: &str, ink: Ink, text: &str) {
        for line in text.lines() {
            let mut head = indent.to_owned();
            for piece in chopped(&shown(line), self.width.saturating_sub(width(indent))) {
                self.row(&[(Ink::Dim, &head), (ink, &piece)]);
                head = " ".repeat(width(indent));
            }
        }
    }

    /// The lines.
    pub(super) fn lines(self) -> Vec<Line<'static>> {
        self.lines
    }

    fn span(&self, ink: Ink, text: &str) -> Span<'static> {
        let text = if self.look.signs.across.is_ascii() { ascii(text) } else { text.to_owned() };
        Span::styled(text, self.look.style(ink))
    }
}

/// The room of a screen of text: a column is left free at either side.
pub(super) fn inset(area: Rect) -> Rect {
    if area.width < 20 {
        return area;
    }
    Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(2), ..area }
}

/// A line of foreign text as a terminal may have it: tabs as blanks, everything else visible.
pub(super) fn shown(line: &str) -> String {
    clean(&line.trim_end_matches('\r').replace('\t', TAB)).into_owned()
}

/// A line in pieces of at most `width` columns; never empty.
pub(super) fn chopped(line: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let (mut pieces, mut last, mut used) = (Vec::new(), String::new(), 0);
    for letter in line.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide > width {
            pieces.push(std::mem::take(&mut last));
            used = 0;
        }
        last.push(letter);
        used += wide;
    }
    pieces.push(last);
    pieces
}

/// The signs that our own sentences hold, for a terminal that may not have them.
fn ascii(text: &str) -> String {
    let plainer = |c: char| match c {
        '·' | '–' => '-',
        '…' => '~',
        '→' => '>',
        '←' => '<',
        '’' | '‘' => '\'',
        '“' | '”' => '"',
        c => c,
    };
    text.chars().map(plainer).collect()
}

/// A line in pieces of at most `width` columns, cut at blanks where there are any; no blank within a piece is lost.
pub(super) fn folded(line: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    loop {
        let first = chopped(rest, width).into_iter().next().unwrap_or_default();
        let Some(after) = rest.get(first.len()..).filter(|after| !after.is_empty()) else {
            pieces.push(first);
            return pieces;
        };
        // Where a word is cut in two, the blank before it is the better place.
        let end = match first.rfind(' ') {
            Some(at) if !after.starts_with(' ') && !first.get(..at).unwrap_or_default().trim().is_empty() => {
                at
            }
            _ => first.len(),
        };
        pieces.push(first.get(..end).unwrap_or_default().to_owned());
        rest = rest.get(end..).unwrap_or_default().trim_start_matches(' ');
        if rest.is_empty() {
            return pieces;
        }
    }
}

/// A list below its head; the chosen entry is always to be seen.
#[derive(Debug)]
pub(super) struct List {
    head: Vec<Line<'static>>,
    entries: Vec<Vec<Line<'static>>>,
    foot: Vec<Line<'static>>,
}

impl List {
    /// Below this.
    pub(super) fn new(head: Sheet) -> Self {
        Self { head: head.lines(), entries: Vec::new(), foot: Vec::new() }
    }

    /// One entry more; its first line is the one that is reversed where it is chosen.
    pub(super) fn entry(&mut self, entry: Sheet) {
        self.entries.push(entry.lines());
    }

    /// What stands below.
    pub(super) fn foot(&mut self, foot: Sheet) {
        self.foot = foot.lines();
    }

    /// Shows it, scrolled as far as the chosen entry needs.
    pub(super) fn draw(self, at: usize, look: Look, area: Rect, buf: &mut Buffer) {
        let before: usize = self.entries.iter().take(at).map(Vec::len).sum::<usize>() + self.head.len();
        let height = self.entries.get(at).map_or(1, Vec::len);
        let body = self.entries.into_iter().flatten();
        let lines: Vec<Line<'static>> = self.head.into_iter().chain(body).chain(self.foot).collect();
        let scroll = window(before, height, lines.len(), usize::from(area.height));
        paint::scrolled(&lines, scroll, area, look, buf);
    }
}

/// From which line on to show `room` of `all`, so that those from `at` on are among them: as far down as it must, one line
/// spared at either end for the sign that there is more.
pub(super) fn window(at: usize, height: usize, all: usize, room: usize) -> usize {
    if all <= room {
        return 0;
    }
    let end = (at + height + 1).min(all);
    let top = at.saturating_sub(1);
    end.saturating_sub(room).min(top)
}

#[cfg(test)]
mod tests {
    use super::super::super::look::Palette;
    use super::*;

    fn sheet(width: u16) -> Sheet {
        Sheet::new(Look::of(Palette::Mono, true), width)
    }

    fn text(sheet: Sheet) -> Vec<String> {
        sheet.lines().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_stand_below_words() {
        let mut words = sheet(20);
        words.labelled("undo", 5, Ink::Text, "stop the server again");
        assert_eq!(text(words), ["undo  stop the", "      server again"]);
    }

    #[test]
    fn a_head_too_wide_stands_above() {
        let mut words = sheet(12);
        words.after(&[(Ink::Dim, "a long head ")], Ink::Text, "and words");
        assert_eq!(text(words), ["a long head ", "  and words"]);
    }

    #[test]
    fn a_script_keeps_its_blanks_and_hides_nothing() {
        let mut block = sheet(10);
        block.block("", Ink::Text, "if true\n\tthen\u{1b}[2J");
        assert_eq!(text(block), ["if true", "    then\\u", "{1b}[2J"]);
    }

    #[test]
    fn a_folded_line_keeps_its_blanks_and_its_words() {
        assert_eq!(folded("03:00  a note", 20), ["03:00  a note"]);
        assert_eq!(folded("03:00  a note of more", 12), ["03:00  a", "note of more"]);
        assert_eq!(folded("abcdefgh", 4), ["abcd", "efgh"]);
        assert_eq!(folded("   abcdef", 4), ["   a", "bcde", "f"]);
        assert_eq!(folded("", 4), [""]);
    }

    #[test]
    fn what_must_be_read_as_one_is_never_cut_away() {
        let mut narrow = sheet(10);
        narrow.whole(&[(Ink::Text, "Type   "), (Ink::Asked, "g2 lose 1024")], "or not");
        assert_eq!(text(narrow), ["Type", "g2 lose 10", "24", "or not"]);
    }

    #[test]
    fn the_chosen_entry_is_among_what_is_shown() {
        assert_eq!(window(0, 1, 5, 10), 0);
        for at in 0..30 {
            let top = window(at, 1, 30, 6);
            assert!(top <= at && at < top + 6, "{at}: {top}");
        }
        assert_eq!(window(3, 9, 30, 6), 2, "the beginning of what is taller than the room");
    }
}
