//! Writing to the terminal, a pipe or a file: widths, glyphs, and nothing raw.

use std::env;
use std::io;

use rustix::termios;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width of a terminal that does not say.
const DEFAULT_COLUMNS: usize = 80;
/// The height of one.
const DEFAULT_ROWS: usize = 24;

/// Columns and rows of standard output; 80 and 24 where it is no terminal or does not say.
pub(super) fn size() -> (usize, usize) {
    let size = termios::tcgetwinsize(io::stdout()).ok();
    let or = |said: Option<u16>, default| said.map(usize::from).filter(|n| *n > 0).unwrap_or(default);
    (or(size.map(|size| size.ws_col), DEFAULT_COLUMNS), or(size.map(|size| size.ws_row), DEFAULT_ROWS))
}

/// The signs used beside words. Words alone say everything; a sign only catches the eye.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyphs {
    /// Before what is not known.
    pub(super) unknown: &'static str,
    /// Before what differs from the first node's.
    pub(super) differs: &'static str,
    /// Between words of one line.
    pub(super) dot: &'static str,
    /// Of a cut text's end.
    pub(super) cut: char,
    /// Before the next step.
    pub(super) arrow: &'static str,
}

impl Glyphs {
    /// UTF-8 signs where the locale has them, else ASCII.
    pub(super) fn of_locale() -> Self {
        if locale_is_utf8() && env::var("TERM").as_deref() != Ok("dumb") {
            Self { unknown: "? ", differs: "≠ ", dot: "·", cut: '…', arrow: "→" }
        } else {
            Self { unknown: "? ", differs: "! ", dot: "-", cut: '~', arrow: "->" }
        }
    }
}

/// Whether the locale says that the terminal shows UTF-8.
pub(in crate::ui) fn locale_is_utf8() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
    locale.is_some_and(|value| value.to_ascii_uppercase().replace('-', "").contains("UTF8"))
}

/// `text` in exactly `width` columns, cut or padded.
pub(in crate::ui) fn fit(text: &str, width: usize, cut: char) -> String {
    let all = text.width();
    if all <= width {
        return format!("{text}{}", " ".repeat(width - all));
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let (head, _) = text.split_at(fitting(text, room));
    format!("{head}{cut}{}", " ".repeat(room - head.width()))
}

/// How many bytes of `text` fit into `width` columns, whole characters only.
fn fitting(text: &str, width: usize) -> usize {
    let mut used = 0;
    text.char_indices()
        .find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > width
        })
        .map_or(text.len(), |(at, _)| at)
}

/// `text` in lines of at most `width` columns, broken between words; a longer word is broken where it must.
pub(in crate::ui) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word;
        while let Some(line) = lines.last_mut() {
            let used = line.width();
            let gap = usize::from(used > 0);
            if used + gap + word.width() <= width {
                line.push_str(if gap == 1 { " " } else { "" });
                line.push_str(word);
                break;
            }
            if used == 0 {
                let (head, rest) = word.split_at(fitting(word, width));
                line.push_str(head);
                word = rest;
            }
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_have_their_width_whatever_is_in_them() {
        assert_eq!(fit("abc", 5, '…'), "abc  ");
        assert_eq!(fit("abcdef", 4, '…'), "abc…");
        assert_eq!(fit("数据库", 5, '…'), "数据…");
        assert_eq!(fit("数据库", 4, '…'), "数… ");
        assert_eq!(fit("abc", 0, '…'), "");
    }

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("0cb3db35-e56d-11f1", 10).concat(), "0cb3db35-e56d-11f1");
        assert_eq!(wrap("", 10), [""]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked_and_no_letter_is_lost(text in "\\PC{0,80}", width in 8..40usize) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn a_cell_is_exactly_as_wide_as_asked(text in "\\PC{0,80}", width in 1..40usize) {
            prop_assert_eq!(fit(&text, width, '…').width(), width);
        }
    }
}
