//! Colours and signs, by what they mean. Nothing is said by a colour alone: a word stands beside it, and mostly a sign.

use std::env;

use ratatui::style::{Color, Modifier, Style};

use crate::ui::cli::locale_is_utf8;

/// What a piece of text is, from which its look follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ink {
    /// Ordinary text.
    Text,
    /// What stands back: labels, ages, sources.
    Dim,
    /// A heading.
    Title,
    /// Lines between regions.
    Rule,
    /// The row or column the keys act on.
    Chosen,
    /// A key in the footer.
    Key,
    /// Not known.
    Unknown,
    /// Right, in sync, done.
    Good,
    /// It will hurt later, or is different from its neighbours.
    Warn,
    /// The one worst thing on the screen (U9).
    Bad,
    /// The highest position, a candidate.
    Best,
    /// The banner of real nodes.
    Live,
    /// The banner of a lab.
    Lab,
    /// The banner of a drill.
    Drill,
    /// The banner of files that somebody collected.
    Bundle,
    /// Nothing can be changed.
    ReadOnly,
    /// The glass is broken.
    Glass,
    /// The frame and the title of a confirmation.
    Danger,
    /// The frame and the title of a waiver.
    Waiver,
    /// What has to be typed.
    Asked,
}

/// A set of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    /// The sixteen colours of the terminal, as its owner set them.
    Ansi,
    /// Black and white with the strongest marks.
    Contrast,
    /// No colour at all: bold, reversed, underlined.
    Mono,
}

impl Palette {
    /// What it is called.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ansi => "the terminal's own",
            Self::Contrast => "high contrast",
            Self::Mono => "none",
        }
    }
}

/// Colours and signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// The colours.
    pub(crate) palette: Palette,
    /// The signs.
    pub(crate) signs: &'static Signs,
}

/// The signs. Each is one column wide.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signs {
    /// Not known.
    pub(crate) unknown: &'static str,
    /// Other than the other nodes'.
    pub(crate) differs: &'static str,
    /// The highest position.
    pub(crate) best: &'static str,
    /// A candidate.
    pub(crate) candidate: &'static str,
    /// Behind.
    pub(crate) behind: &'static str,
    /// Done, holds.
    pub(crate) done: &'static str,
    /// Refused, failed, does not hold.
    pub(crate) not: &'static str,
    /// Runs now, or is chosen.
    pub(crate) now: &'static str,
    /// Skipped, left out.
    pub(crate) skipped: &'static str,
    /// A line of the log that warns.
    pub(crate) warning: &'static str,
    /// A finding.
    pub(crate) finding: &'static str,
    /// The way to what answers it.
    pub(crate) arrow: &'static str,
    /// Between words.
    pub(crate) dot: &'static str,
    /// The end of a text that was cut.
    pub(crate) cut: char,
    /// More above.
    pub(crate) up: &'static str,
    /// More below.
    pub(crate) down: &'static str,
    /// More to the left.
    pub(crate) left: &'static str,
    /// More to the right.
    pub(crate) right: &'static str,
    /// Where something is typed.
    pub(crate) prompt: &'static str,
    /// Horizontal line.
    pub(crate) across: &'static str,
    /// Vertical line.
    pub(crate) along: &'static str,
    /// Where a vertical line begins below a horizontal one.
    pub(crate) tee_down: &'static str,
    /// Where both cross.
    pub(crate) cross: &'static str,
    /// Where a vertical line ends on a horizontal one.
    pub(crate) tee_up: &'static str,
    /// A sparkline's steps, lowest first.
    pub(crate) spark: &'static [&'static str],
}

static UTF8: Signs = Signs {
    unknown: "?",
    differs: "≠",
    best: "▲",
    candidate: "★",
    behind: "‹",
    done: "✓",
    not: "✗",
    now: "▶",
    skipped: "–",
    warning: "!",
    finding: "●",
    arrow: "→",
    dot: "·",
    cut: '…',
    up: "↑",
    down: "↓",
    left: "←",
    right: "→",
    prompt: "›",
    across: "─",
    along: "│",
    tee_down: "┬",
    cross: "┼",
    tee_up: "┴",
    spark: &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
};

static ASCII: Signs = Signs {
    unknown: "?",
    differs: "!",
    best: "^",
    candidate: "*",
    behind: "<",
    done: "+",
    not: "x",
    now: ">",
    skipped: "-",
    warning: "!",
    finding: "o",
    arrow: ">",
    dot: "-",
    cut: '~',
    up: "^",
    down: "v",
    left: "<",
    right: ">",
    prompt: ">",
    across: "-",
    along: "|",
    tee_down: "+",
    cross: "+",
    tee_up: "+",
    spark: &["_", ".", ":", "-", "=", "+", "*", "#"],
};

impl Look {
    /// As the environment asks: NO_COLOR and terminals without colour get none; signs as the locale has them.
    pub(crate) fn of_environment() -> Self {
        let term = env::var("TERM").unwrap_or_default();
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let mono = set("NO_COLOR") || matches!(term.as_str(), "dumb" | "vt100" | "vt220");
        let utf8 = locale_is_utf8() && !matches!(term.as_str(), "dumb" | "linux" | "vt100" | "vt220");
        Self {
            palette: if mono { Palette::Mono } else { Palette::Ansi },
            signs: if utf8 { &UTF8 } else { &ASCII },
        }
    }

    /// A look as tests want it.
    #[cfg(test)]
    pub(crate) fn of(palette: Palette, utf8: bool) -> Self {
        Self { palette, signs: if utf8 { &UTF8 } else { &ASCII } }
    }

    /// The next palette, for terminals whose colours cannot be read.
    pub(crate) fn next(self) -> Self {
        let palette = match self.palette {
            Palette::Ansi => Palette::Contrast,
            Palette::Contrast => Palette::Mono,
            Palette::Mono => Palette::Ansi,
        };
        Self { palette, ..self }
    }

    /// How a kind of text looks.
    pub(crate) fn style(self, ink: Ink) -> Style {
        match self.palette {
            Palette::Ansi => ansi(ink),
            Palette::Contrast => contrast(ink),
            Palette::Mono => mono(ink),
        }
    }
}

fn ansi(ink: Ink) -> Style {
    let plain = Style::new();
    match ink {
        Ink::Text => plain,
        Ink::Dim | Ink::Rule => plain.fg(Color::DarkGray),
        Ink::Title => plain.add_modifier(Modifier::BOLD),
        Ink::Chosen => plain.add_modifier(Modifier::REVERSED),
        Ink::Key => plain.fg(Color::Cyan),
        Ink::Unknown => plain.fg(Color::Gray).add_modifier(Modifier::ITALIC),
        Ink::Good | Ink::ReadOnly => plain.fg(Color::Green),
        Ink::Warn => plain.fg(Color::Yellow),
        Ink::Bad | Ink::Danger => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
        Ink::Best => plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Ink::Live => plain.fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
        Ink::Lab => plain.fg(Color::Black).bg(Color::Cyan).add_modifier(Modifier::BOLD),
        Ink::Drill => plain.fg(Color::Black).bg(Color::Green).add_modifier(Modifier::BOLD),
        Ink::Bundle => plain.fg(Color::Black).bg(Color::Gray).add_modifier(Modifier::BOLD),
        Ink::Glass => plain.fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::BOLD),
        Ink::Waiver => plain.fg(Color::Magenta).add_modifier(Modifier::BOLD),
        Ink::Asked => plain.fg(Color::Yellow).add_modifier(Modifier::BOLD),
    }
}

fn contrast(ink: Ink) -> Style {
    let bold = Style::new().fg(Color::White).bg(Color::Black).add_modifier(Modifier::BOLD);
    let plain = Style::new().fg(Color::White).bg(Color::Black);
    match ink {
        Ink::Text | Ink::Dim | Ink::Rule | Ink::Unknown => plain,
        Ink::Title | Ink::Key | Ink::Good | Ink::Best | Ink::ReadOnly => bold,
        Ink::Warn | Ink::Asked => bold.add_modifier(Modifier::UNDERLINED),
        Ink::Chosen
        | Ink::Bad
        | Ink::Live
        | Ink::Lab
        | Ink::Drill
        | Ink::Bundle
        | Ink::Glass
        | Ink::Danger
        | Ink::Waiver => Style::new().fg(Color::Black).bg(Color::White).add_modifier(Modifier::BOLD),
    }
}

fn mono(ink: Ink) -> Style {
    let plain = Style::new();
    match ink {
        Ink::Text | Ink::Dim | Ink::Rule | Ink::Unknown => plain,
        Ink::Title | Ink::Key | Ink::Good | Ink::Best | Ink::ReadOnly => plain.add_modifier(Modifier::BOLD),
        Ink::Warn | Ink::Asked => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Ink::Chosen
        | Ink::Bad
        | Ink::Live
        | Ink::Lab
        | Ink::Drill
        | Ink::Bundle
        | Ink::Glass
        | Ink::Danger
        | Ink::Waiver => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn every_sign_is_one_column_wide_and_ascii_where_it_must_be() {
        for signs in [&UTF8, &ASCII] {
            let Signs { unknown, differs, best, candidate, behind, done, not, now, skipped, .. } = signs;
            let Signs { warning, finding, arrow, dot, up, down, left, right, prompt, .. } = signs;
            let Signs { across, along, tee_down, cross, tee_up, .. } = signs;
            let all = [
                unknown, differs, best, candidate, behind, done, not, now, skipped, warning, finding, arrow,
                dot, up, down, left, right, prompt, across, along, tee_down, cross, tee_up,
            ];
            for sign in all.into_iter().chain(signs.spark) {
                assert_eq!(sign.width(), 1, "{sign}");
                assert!(*signs == UTF8 || sign.is_ascii(), "{sign}");
            }
        }
    }

    #[test]
    fn mono_and_contrast_use_no_hue() {
        let inks = [Ink::Bad, Ink::Live, Ink::Drill, Ink::Bundle, Ink::Glass, Ink::Unknown, Ink::Asked];
        for ink in inks {
            let style = Look::of(Palette::Mono, true).style(ink);
            assert_eq!((style.fg, style.bg), (None, None), "{ink:?}");
            let style = Look::of(Palette::Contrast, true).style(ink);
            let hueless = |color| matches!(color, Some(Color::Black | Color::White));
            assert!(hueless(style.fg) && hueless(style.bg), "{ink:?}");
        }
    }
}
