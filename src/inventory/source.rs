//! The file's text, made safe to show: nothing a terminal would obey, and no secret.

use super::diagnostic::Span;
use crate::facts::Plain;

/// The longest piece of a line that is shown, in bytes of the file.
const LONGEST: usize = 1000;

/// The file's text as it may be shown, and the way from places in the file to places in it.
pub(super) struct Shown {
    masked: String,
    text: String,
    lines: Vec<Line>,
}

/// One line, less its end: where it is in the file, and where in the shown text.
struct Line {
    file: Span,
    shown: usize,
}

impl Shown {
    pub(super) fn new(file: &str) -> Self {
        let masked = mask(file);
        let mut text = String::with_capacity(masked.len());
        let mut lines = Vec::new();
        let mut at = 0;
        for line in masked.split('\n') {
            let kept = line.strip_suffix('\r').unwrap_or(line);
            lines.push(Line { file: at..at + kept.len(), shown: text.len() });
            let short = kept.get(..kept.floor_char_boundary(LONGEST)).unwrap_or_default();
            text.push_str(&safe(short));
            if short.len() < kept.len() {
                text.push('…');
            }
            text.push('\n');
            at += line.len() + 1;
        }
        // The last line has no end to show.
        text.pop();
        Self { masked, text, lines }
    }

    /// Where `span` of the file stands in the shown text: its first line, for a caret needs no more.
    pub(super) fn locate(&self, span: &Span) -> Span {
        let after = self.lines.partition_point(|line| line.file.start <= span.start);
        let Some(line) = self.lines.get(after.saturating_sub(1)) else { return 0..0 };
        let width = |to: usize| {
            let length = to.min(line.file.end).saturating_sub(line.file.start).min(LONGEST);
            let end = self.masked.floor_char_boundary(line.file.start + length);
            self.masked.get(line.file.start..end).map_or(0, |before| safe(before).len())
        };
        let (start, end) = (width(span.start), width(span.end));
        line.shown + start..line.shown + end.max(start)
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// A tab is shown as spaces; a byte order mark is not shown, since it is no part of what the line says; everything
/// else that is not plain becomes a visible escape.
fn safe(line: &str) -> String {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let pieces: Vec<String> = line.split('\t').map(|piece| Plain::new(piece).to_string()).collect();
    pieces.join("    ")
}

/// Puts `*` over every byte of what looks like a secret's value, also where the file is no TOML: what is wrong with a
/// file is shown on screens and in tickets, and a password must not be (S24).
fn mask(file: &str) -> String {
    let mut bytes = file.as_bytes().to_vec();
    let mut at = 0;
    while let Some(word) = next_word(file, at) {
        at = word.end;
        let word = file.get(word).unwrap_or_default();
        if (is_secret(word) || word == "env")
            && let Some(secret) = value_after(file, at)
            && !(word == "env" && file.get(secret.clone()).is_some_and(is_variable))
        {
            at = secret.end;
            for byte in
                bytes.get_mut(secret).into_iter().flatten().filter(|byte| !matches!(byte, b'\r' | b'\n'))
            {
                *byte = b'*';
            }
        }
    }
    // Whole values are covered, so no character is cut.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The next run of characters a bare key can have.
fn next_word(file: &str, from: usize) -> Option<Span> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let rest = file.get(from..)?;
    let start = from + rest.find(is_key)?;
    let rest = file.get(start..)?;
    Some(start..start + rest.find(|c| !is_key(c)).unwrap_or(rest.len()))
}

/// Whether a key of this name is likely to hold a secret.
fn is_secret(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["pas", "pwd", "secret", "token"].iter().any(|part| word.contains(part))
        || ((5..=11).contains(&word.len()) && strsim::damerau_levenshtein(&word, "password") <= 3)
        || matches!(word.as_str(), "value" | "literal" | "plain" | "text")
}

/// Whether this can be the name of a variable: what stands there instead may be what the variable should hold.
fn is_variable(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))
}

/// The value that follows a key which ends at `at`, without its quotes. `None` where none follows, or one that says
/// where the secret comes from instead of being it.
fn value_after(file: &str, at: usize) -> Option<Span> {
    let rest = file.get(at..)?;
    let unquoted = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start_matches([' ', '\t']);
    let value = unquoted.strip_prefix(['=', ':']).map(|value| value.trim_start_matches([' ', '\t']));
    let value = match value {
        Some(value) => value,
        // `password "x"`: no TOML, and a secret all the same.
        None if unquoted.len() < rest.len() && unquoted.starts_with(['"', '\'']) => unquoted,
        None => return None,
    };
    let start = file.len() - value.len();
    let line = value.find('\n').unwrap_or(value.len());
    let inside = |quote: &str, most: usize| {
        let text = value.get(quote.len()..most)?;
        let end = close(text, quote).unwrap_or(text.len());
        Some(start + quote.len()..start + quote.len() + end)
    };
    if value.starts_with("\"prompt\"") || value.starts_with("'prompt'") || value.starts_with('{') {
        None
    } else if let Some(quote) = ["\"\"\"", "'''"].into_iter().find(|quote| value.starts_with(quote)) {
        inside(quote, value.len())
    } else if let Some(quote) = ["\"", "'"].into_iter().find(|quote| value.starts_with(quote)) {
        inside(quote, line)
    } else {
        Some(start..start + line)
    }
}

/// Where `quote` closes `text`; a backslash hides what follows it in a basic string.
fn close(text: &str, quote: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(quote)?;
        let hidden = text.get(..at).is_some_and(|before| {
            (before.len() - before.trim_end_matches('\\').len()) % 2 == 1 && quote.starts_with('"')
        });
        if !hidden {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_escapes_tabs_and_line_ends() {
        let file = "\u{feff}a = 1\r\n\tb\u{1b} = \"é\"\r\nlast";
        let shown = Shown::new(file);
        let piece = |part: &str| {
            let start = file.find(part).unwrap();
            shown.text.get(shown.locate(&(start..start + part.len()))).unwrap()
        };
        assert_eq!(shown.text, "a = 1\n    b\\u{1b} = \"é\"\nlast");
        assert_eq!(piece("a"), "a");
        assert_eq!(piece("\"é\""), "\"é\"");
        assert_eq!(piece("\u{1b}"), "\\u{1b}");
        assert_eq!(piece("last"), "last");
        assert_eq!(shown.locate(&(file.len()..file.len())).start, shown.text.len());
    }

    #[test]
    fn no_secret_is_shown() {
        for file in [
            "password = \"hunter2\"",
            "password = 'hunter2'",
            "password = \"hunter2",
            "password = hunter2",
            "password = \"\"\"\nhunter2\n\"\"\"",
            "password = '''hunter2",
            "password = \"a\\\"hunter2\"",
            "\"password\" = \"hunter2\"",
            "sql.password=\"hunter2\"",
            "sql = { user = \"u\", password = \"hunter2\" }",
            "pasword \"hunter2\"",
            "passwd: hunter2",
            "db_pass = \"hunter2\"",
            "password = { value = \"hunter2\" }",
            "password.literal = \"hunter2\"",
            "command = [\"mariadb\", \"--password=hunter2\"]",
            "password = [\"hunter2\"]",
            "password = { env = \"hunter2!\" }",
        ] {
            assert!(!mask(file).contains("hunter2"), "{file}: {}", mask(file));
            assert_eq!(mask(file).len(), file.len());
        }
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        for file in [
            "password = \"prompt\"",
            "password = { env = \"DB_PASSWORD\" }",
            "password = { command = [\"pass\", \"show\", \"db\"] }",
            "ca = \"/etc/secret/ca.pem\"",
        ] {
            assert_eq!(mask(file), file);
        }
    }
}
