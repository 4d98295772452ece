//! Putting text into cells. Everything that is shown goes through here: what a terminal would obey, or would not show,
//! never becomes a cell; nothing is written outside of its room; what was cut says so.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar as _;

use crate::facts::Plain;
use crate::ui::cli;
use crate::ui::tui::look::{Ink, Look};

/// Lines with the room they are shown in: what a scrollable screen is made of.
#[derive(Debug)]
pub(super) struct Page {
    /// All of them, also those that have no room now.
    pub(super) lines: Vec<Line<'static>>,
    /// Where they are shown.
    pub(super) area: Rect,
}

impl Page {
    /// How far it can be scrolled.
    pub(super) fn extent(&self) -> usize {
        self.lines.len().saturating_sub(self.room())
    }

    /// How many lines are seen at once.
    pub(super) fn room(&self) -> usize {
        usize::from(self.area.height)
    }

    /// Shows it from line `scroll` on.
    pub(super) fn draw(&self, scroll: usize, look: Look, buf: &mut Buffer) {
        scrolled(&self.lines, scroll, self.area, look, buf);
    }
}

/// `text` as it may be shown: every character is one or two columns wide, and none is a command to the terminal. What
/// is neither becomes a visible escape, as in [`Plain`]; a mark that would sit on the letter before it as well.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let plain = Plain::new(text);
    let mut out = String::with_capacity(plain.as_str().len());
    for c in plain.as_str().chars() {
        match columns(c) {
            1 | 2 => out.push(c),
            // `write!` to a String cannot fail.
            _ => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

/// How many columns `text` takes once it is clean.
pub(super) fn width(text: &str) -> usize {
    clean(text).chars().map(columns).sum()
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns as a number of cells.
pub(super) fn cells(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}

/// `text` in at most `width` columns; the cut is marked.
pub(super) fn cut(text: &str, width: usize, look: Look) -> String {
    let text = clean(text);
    if text.chars().map(columns).sum::<usize>() <= width {
        return text.into_owned();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut used = 0;
    let fits = |c: &char| {
        used += columns(*c);
        used <= room
    };
    let mut out: String = text.chars().take_while(fits).collect();
    out.push(look.signs.cut);
    out
}

/// `text` in exactly `width` columns, cut or padded.
pub(super) fn fit(text: &str, width: usize, look: Look) -> String {
    let mut out = cut(text, width, look);
    let used: usize = out.chars().map(columns).sum();
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}

/// `text` in lines of at most `width` columns, broken between words.
pub(super) fn wrap(text: &str, width: u16) -> Vec<String> {
    cli::wrap(&clean(text), usize::from(width))
}

/// Writes `text` from (`x`, `y`) on, at most `width` columns and never past the buffer. Returns the columns it took.
pub(super) fn text(
    buf: &mut Buffer,
    (x, y): (u16, u16),
    width: u16,
    text: &str,
    style: Style,
    look: Look,
) -> u16 {
    let room = width.min(buf.area.right().saturating_sub(x));
    if room == 0 || y < buf.area.top() || y >= buf.area.bottom() || x < buf.area.left() {
        return 0;
    }
    halve(buf, x, y);
    let mut at = x;
    for c in cut(text, usize::from(room), look).chars() {
        let wide = cells(columns(c));
        // The other half of a wide letter is an empty cell.
        for place in at..at.saturating_add(wide) {
            if let Some(cell) = buf.cell_mut((place, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
        if let Some(cell) = buf.cell_mut((at, y)) {
            cell.set_char(c);
        }
        at = at.saturating_add(wide);
    }
    at.saturating_sub(x)
}

/// A wide letter of which the right half is about to be written over is taken away whole.
fn halve(buf: &mut Buffer, x: u16, y: u16) {
    let Some(before) = x.checked_sub(1) else { return };
    if let Some(cell) = buf.cell_mut((before, y))
        && width(cell.symbol()) > 1
    {
        cell.set_char(' ');
    }
}

/// Writes a line of several styles from (`x`, `y`) on, at most `width` columns. Returns the columns it took.
pub(super) fn line(buf: &mut Buffer, (x, y): (u16, u16), width: u16, line: &Line<'_>, look: Look) -> u16 {
    let mut used = 0;
    let mut spans = line.spans.iter().peekable();
    while let Some(span) = spans.next() {
        let room = width.saturating_sub(used);
        let style = line.style.patch(span.style);
        let wants = self::width(&span.content);
        let more = spans.peek().is_some();
        // Where the next one finds no room at all, this one carries the mark of the cut.
        if more && wants == usize::from(room) && spans.clone().any(|next| !next.content.trim().is_empty()) {
            let marked = format!("{}{}", span.content, look.signs.cut);
            return used.saturating_add(text(buf, (x.saturating_add(used), y), room, &marked, style, look));
        }
        used = used.saturating_add(text(buf, (x.saturating_add(used), y), room, &span.content, style, look));
        if wants > usize::from(room) {
            break;
        }
    }
    used
}

/// Fills `area` with blanks of one style.
pub(super) fn fill(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        halve(buf, area.left(), y);
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

/// Lays a look over what stands in `area`: the chosen row, the chosen column.
pub(super) fn tint(buf: &mut Buffer, area: Rect, style: Style) {
    buf.set_style(area.intersection(buf.area), style);
}

/// A line across `area`'s first row.
pub(super) fn rule(buf: &mut Buffer, area: Rect, look: Look) {
    let across = look.signs.across.repeat(usize::from(area.width));
    if area.height > 0 {
        text(buf, (area.x, area.y), area.width, &across, look.style(Ink::Rule), look);
    }
}

/// A line down `area`'s first column.
pub(super) fn column(buf: &mut Buffer, area: Rect, look: Look) {
    for y in area.top()..area.bottom() {
        text(buf, (area.x, y), 1.min(area.width), look.signs.along, look.style(Ink::Rule), look);
    }
}

/// Shows `lines` from `scroll` on, clamped so that the last one stays at the bottom; how many are above and below is
/// said at the right.
pub(super) fn scrolled(lines: &[Line<'_>], scroll: usize, area: Rect, look: Look, buf: &mut Buffer) {
    let room = usize::from(area.height);
    let above = scroll.min(lines.len().saturating_sub(room));
    for (y, shown) in (area.top()..area.bottom()).zip(lines.iter().skip(above)) {
        line(buf, (area.x, y), area.width, shown, look);
    }
    let below = lines.len().saturating_sub(above.saturating_add(room));
    let mut say = |y: u16, sign: &str, count: usize| {
        if count > 0 && area.height > 0 {
            right(buf, area, y, &format!(" {sign} {count} more "), look.style(Ink::Key), look);
        }
    };
    say(area.top(), look.signs.up, above);
    say(area.bottom().saturating_sub(1), look.signs.down, below);
}

/// Writes `text` at the right end of row `y` of `area`. Returns the column it begins at.
pub(super) fn right(buf: &mut Buffer, area: Rect, y: u16, what: &str, style: Style, look: Look) -> u16 {
    let wide = cells(width(what)).min(area.width);
    let x = area.right().saturating_sub(wide);
    text(buf, (x, y), wide, what, style, look);
    x
}

/// `text` in lines of at most `width` columns in one style, the first led by `lead`, the others as far in.
pub(super) fn hanging(lead: &[Span<'static>], text: &str, style: Style, width: u16) -> Vec<Line<'static>> {
    let indent: usize = lead.iter().map(|span| self::width(&span.content)).sum();
    let room = width.saturating_sub(cells(indent));
    // A lead that leaves no room beside it stands alone above its text.
    if room < 16 && indent > 4 {
        let mut lines = vec![Line::from(lead.to_vec())];
        let below = wrap(text, width.saturating_sub(2)).into_iter();
        lines.extend(below.map(|row| Line::from(vec![Span::raw("  "), Span::styled(row, style)])));
        return lines;
    }
    let rows = wrap(text, room).into_iter().enumerate();
    rows.map(|(at, row)| {
        let mut spans = if at == 0 { lead.to_vec() } else { vec![Span::raw(" ".repeat(indent))] };
        spans.push(Span::styled(row, style));
        Line::from(spans)
    })
    .collect()
}

/// A label and its value, the label `label_width` columns wide; a long value goes on below itself.
pub(super) fn labelled(
    label: &str,
    label_width: usize,
    value: &str,
    style: Style,
    width: u16,
    look: Look,
) -> Vec<Line<'static>> {
    let label = Span::styled(format!("{} ", fit(label, label_width, look)), look.style(Ink::Dim));
    hanging(&[label], value, style, width)
}

/// A heading.
pub(super) fn heading(text: &str, look: Look) -> Line<'static> {
    Line::styled(clean(text).into_owned(), look.style(Ink::Title))
}

/// A key as this look can write it: arrows are words where signs are ASCII.
pub(super) fn key(name: &'static str, look: Look) -> &'static str {
    if !look.signs.across.is_ascii() {
        return name;
    }
    match name {
        "↑" => "up",
        "↓" => "down",
        "←" => "left",
        "→" => "right",
        name => name,
    }
}

/// `4 s`, `3 min`, `5 h`, `12 d`: whole ones, the largest that fits.
pub(super) fn span(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds / 60),
        6000..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago, in words; a moment that lies ahead is `just now`.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    past(now.duration_since(then))
}

/// An age in words.
pub(super) fn past(age: SignedDuration) -> String {
    if age.as_secs() < 1 { "just now".to_owned() } else { format!("{} ago", span(age)) }
}

/// `01:12`, with hours before it where there are any.
pub(super) fn clock(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    let (minutes, rest) = (seconds / 60, seconds % 60);
    if minutes < 60 {
        format!("{minutes:02}:{rest:02}")
    } else {
        format!("{}:{:02}:{rest:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::tui::look::Palette;

    fn look() -> Look {
        Look::of(Palette::Mono, true)
    }

    fn row(buf: &Buffer, y: u16) -> String {
        (0..buf.area.width).map(|x| buf.cell((x, y)).unwrap().symbol()).collect()
    }

    fn shown(width: u16, draw: impl Fn(&mut Buffer) -> u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        draw(&mut buf);
        row(&buf, 0)
    }

    #[test]
    fn what_a_terminal_would_obey_or_hide_is_written_out() {
        assert_eq!(clean("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(clean("e\u{301}\u{202e}"), "e\\u{301}\\u{202e}");
        assert_eq!(clean("größe 数"), "größe 数");
        assert_eq!(width("数据\u{200b}"), 4 + "\\u{200b}".len());
    }

    #[test]
    fn a_cut_is_marked_and_a_wide_letter_is_whole_or_not_there() {
        assert_eq!(shown(8, |buf| text(buf, (1, 0), 5, "abcdefg", Style::new(), look())), " abcd…  ");
        assert_eq!(shown(4, |buf| text(buf, (0, 0), 4, "数据库", Style::new(), look())), "数 … ");
        assert_eq!(cut("abc", 0, look()), "");
        assert_eq!(fit("数", 4, look()), "数  ");
    }

    #[test]
    fn half_a_wide_letter_does_not_stay() {
        let over = |buf: &mut Buffer| {
            text(buf, (0, 0), 4, "数据", Style::new(), look());
            text(buf, (1, 0), 1, "x", Style::new(), look())
        };
        assert_eq!(shown(4, over), " x据 ");
    }

    #[test]
    fn nothing_is_written_outside() {
        let mut buf = Buffer::empty(Rect::new(2, 2, 3, 1));
        let before = buf.clone();
        for at in [(0, 2), (9, 2), (2, 0), (2, 3), (u16::MAX, u16::MAX)] {
            assert_eq!(text(&mut buf, at, 9, "abc", Style::new(), look()), 0, "{at:?}");
        }
        assert_eq!(buf, before);
        assert_eq!(text(&mut buf, (3, 2), 9, "abc", Style::new(), look()), 2);
    }

    #[test]
    fn a_line_that_is_cut_between_two_styles_says_so() {
        let spans = Line::from(vec![Span::raw("abc"), Span::raw("def")]);
        assert_eq!(shown(3, |buf| line(buf, (0, 0), 3, &spans, look())), "ab…");
        assert_eq!(shown(6, |buf| line(buf, (0, 0), 6, &spans, look())), "abcdef");
    }

    #[test]
    fn a_scrolled_text_counts_what_is_above_and_below() {
        let lines: Vec<Line<'static>> = (0..9).map(|n| Line::raw(n.to_string())).collect();
        let page = |scroll| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 12, 3));
            scrolled(&lines, scroll, buf.area, look(), &mut buf);
            (0..3).map(|y| row(&buf, y).trim_end().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(page(0), ["0", "1", "2  ↓ 6 more"]);
        assert_eq!(page(2), ["2  ↑ 2 more", "3", "4  ↓ 4 more"]);
        assert_eq!(page(99), ["6  ↑ 6 more", "7", "8"]);
    }

    #[test]
    fn a_lead_without_room_beside_it_stands_alone() {
        let lines = |width| {
            let lines = hanging(&[Span::raw("a lead  ")], "one two three four", Style::new(), width);
            lines.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(lines(24), ["a lead  one two three", "        four"]);
        assert_eq!(lines(20), ["a lead  ", "  one two three four"]);
    }

    #[test]
    fn times_read_well() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(span(seconds(-3)), "0 s");
        assert_eq!(span(seconds(99)), "99 s");
        assert_eq!(span(seconds(180)), "3 min");
        assert_eq!(span(seconds(7200)), "2 h");
        assert_eq!(span(seconds(86_400 * 3)), "3 d");
        assert_eq!(clock(seconds(72)), "01:12");
        assert_eq!(clock(seconds(3672)), "1:01:12");
        let now: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
        assert_eq!(ago(now - seconds(4), now), "4 s ago");
        assert_eq!(ago(now + seconds(4), now), "just now");
    }
}
