//! Text that is safe to show.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// Text without control, bidirectional, format or other invisible characters: safe for a terminal, a log and a
/// report (S24). Whatever is not plain becomes a visible escape, so nothing is hidden and two
/// different inputs stay different.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Plain(String);

impl Plain {
    /// The longest text kept, in bytes; the rest is replaced by a count. Longer evidence belongs into blobs.
    pub const MAX: usize = 64 * 1024;

    /// Makes `text` safe. What is plain already stays as it is, so that parts can be put together and made plain again.
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if is_short_and_plain(text) {
            return Self(text.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            if out.len() >= Self::MAX {
                // `write!` to a String cannot fail.
                let _ = write!(out, "… {} bytes more", text.len() - at);
                break;
            }
            match c {
                c if is_plain(c) => out.push(c),
                c => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                }
            }
        }
        Self(out)
    }

    /// Makes bytes safe; what is not UTF-8 becomes `\x..` escapes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut out = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            out.push_str(chunk.valid());
            for byte in chunk.invalid() {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
        Self::new(out)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text can stay as it is, which nearly all can: printable ASCII that need not be cut.
fn is_short_and_plain(text: &str) -> bool {
    text.len() <= Plain::MAX && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a terminal shows `c` as itself and nothing else.
fn is_plain(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width and bidi controls, line and
            // paragraph separators, invisible operators and isolates, variation selectors, BOM, interlinear
            // annotation, shorthand and musical format controls, tags, and everything for private use.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}'))
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Plain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Plain {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        if is_short_and_plain(&text) { Self(text) } else { Self::new(text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        assert_eq!(Plain::new("a\x1b[31mb").as_str(), "a\\u{1b}[31mb");
        assert_eq!(Plain::new("\u{9b}2J").as_str(), "\\u{9b}2J");
        assert_eq!(Plain::new("x\u{202e}y\u{200b}z").as_str(), "x\\u{202e}y\\u{200b}z");
        assert_eq!(Plain::new("tab\there\n").as_str(), "tab\\u{9}here\\u{a}");
        assert_eq!(Plain::new("größe 数 é").as_str(), "größe 数 é");
        assert_eq!(Plain::from_bytes(b"ok\xff\x1b").as_str(), "ok\\xff\\u{1b}");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let plain = Plain::new("x".repeat(Plain::MAX + 10));
        assert!(plain.as_str().ends_with("… 10 bytes more"));
    }

    proptest! {
        #[test]
        fn nothing_invisible_gets_through(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Plain::from_bytes(&bytes).as_str().chars().all(is_plain));
        }

        #[test]
        fn making_plain_twice_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let once = Plain::from_bytes(&bytes);
            prop_assert_eq!(Plain::new(&once), once);
        }

        #[test]
        fn plain_text_stays_as_it_is(text in "[ -~]{0,40}") {
            let plain = Plain::new(&text);
            prop_assert_eq!(plain.as_str(), text);
        }
    }
}
