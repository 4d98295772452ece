//! The one table of keys: context × key → intent. The footer, the help, the palette and the manual are made of it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Context {
    /// Everywhere but where text is typed.
    Everywhere,
    Welcome,
    Fleet,
    Brief,
    Matrix,
    Node,
    Log,
    Finding,
    Changes,
    Picker,
    Diagnose,
    Reason,
    Walker,
    Choose,
    Confirm,
    Waive,
    Script,
    Record,
    Help,
    Palette,
    Filter,
    Leave,
    Secret,
    Debrief,
}

impl Context {
    /// Whether letters are text here.
    pub(crate) fn is_typed(self) -> bool {
        matches!(
            self,
            Self::Reason | Self::Confirm | Self::Waive | Self::Palette | Self::Filter | Self::Secret
        )
    }

    /// What the place is called.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Welcome => "welcome",
            Self::Fleet => "clusters",
            Self::Brief => "the pager",
            Self::Matrix => "matrix",
            Self::Node => "node",
            Self::Log => "log",
            Self::Finding => "finding",
            Self::Changes => "changes",
            Self::Picker => "runbooks",
            Self::Diagnose => "diagnosis",
            Self::Reason => "break the glass",
            Self::Walker => "walker",
            Self::Choose => "choice",
            Self::Confirm => "confirmation",
            Self::Waive => "waiver",
            Self::Script => "script",
            Self::Record => "record",
            Self::Help => "help",
            Self::Palette => "palette",
            Self::Filter => "filter",
            Self::Leave => "leaving",
            Self::Secret => "secret",
            Self::Debrief => "debrief",
        }
    }
}

/// What the operator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    /// Go in, go on, do it.
    Enter,
    /// One layer back; always safe.
    Back,
    Quit,
    Help,
    Palette,
    Filter,
    /// Survey now.
    Refresh,
    /// Survey again and again, or no longer.
    AutoRefresh,
    /// The selected node's evidence.
    Evidence,
    Runbooks,
    BreakGlass,
    /// Close the glass again.
    CloseGlass,
    Record,
    /// The open cluster's matrix.
    Matrix,
    /// Begin again from the beginning.
    Anew,
    /// The run under way.
    Walker,
    /// The clusters.
    Fleet,
    /// What the pager said.
    Brief,
    /// The next tab or field.
    Next,
    /// The one before.
    Previous,
    /// The exact script.
    Script,
    /// The run goes no further.
    Decline,
    StopAfter,
    /// Stop after this step; once more: at once.
    Interrupt,
    /// The next line of the log that is known.
    NextKnown,
    /// The one before.
    PreviousKnown,
    /// Which lines of the log are shown.
    Only,
    /// What known lines of the log mean.
    Explain,
    /// What changed.
    Changes,
    /// Later surveys are compared with this one.
    Pin,
    Copy,
    Theme,
    Suspend,
    Redraw,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Where it counts.
    pub(crate) context: Context,
    /// The keys, the first one is shown.
    pub(crate) keys: &'static [&'static str],
    /// What it means.
    pub(crate) intent: Intent,
    /// In a word, for the footer; empty where it does not stand there.
    pub(crate) word: &'static str,
    /// In a sentence, for the help and the palette.
    pub(crate) about: &'static str,
}

macro_rules! keys {
    ($($context:ident $([$($key:literal),+] $intent:ident $word:literal $about:literal;)+)*) => {
        /// The table. Within one context the order is the footer's.
        pub(crate) const KEYS: &[Binding] = &[$($(Binding {
            context: Context::$context,
            keys: &[$($key),+],
            intent: Intent::$intent,
            word: $word,
            about: $about,
        }),+),*];
    };
}

keys! {
    Welcome
        ["↑", "k"] Up "" "the one above";
        ["↓", "j"] Down "choose" "the one below";
        ["enter"] Enter "begin" "begin the drill";
        ["m"] Matrix "" "back to the drill that was begun";
        ["N"] Anew "" "begin the drill anew; the one under way is given up";
    Fleet
        ["↑", "k"] Up "" "the cluster above";
        ["↓", "j"] Down "cluster" "the cluster below";
        ["enter", "l"] Enter "open" "open the cluster";
        ["/"] Filter "filter" "only clusters whose name holds what you type";
        ["r"] Refresh "survey" "survey all clusters now";
        ["m"] Matrix "" "back to the cluster that was open";
    Brief
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f"] PageDown "" "a page down";
        ["enter"] Enter "to the cluster" "look at the cluster";
    Matrix
        ["↑", "k"] Up "" "the finding above";
        ["↓", "j"] Down "finding" "the finding below";
        ["enter"] Enter "open" "open the finding: evidence, what would change it, the runbook";
        ["←", "h"] Left "" "the node to the left";
        ["→", "l"] Right "node" "the node to the right";
        ["e"] Evidence "evidence" "everything that was read of the node";
        ["r"] Runbooks "runbooks" "the runbooks: possible now or why not";
        ["B"] BreakGlass "break glass" "leave read-only: reason and incident go into the record";
        ["c"] Changes "changes" "what changed, survey by survey or since the pinned one";
        ["p"] Pin "" "pin this survey: changes are told since it";
        ["C"] CloseGlass "" "close the glass: read-only again";
        ["w"] Walker "" "the run under way, or the last one";
        ["R"] Refresh "" "survey now";
        ["a"] AutoRefresh "" "survey again and again, or no longer";
        ["v"] Record "" "the record of this cluster";
        ["f"] Fleet "" "all clusters";
        ["b"] Brief "" "what the pager said (drills)";
        ["pgup", "c-b"] PageUp "" "scroll the rows up";
        ["pgdn", "c-f"] PageDown "" "scroll the rows down";
        ["/"] Filter "" "only rows whose name holds what you type";
        ["y"] Copy "" "copy the finding";
    Node
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f"] PageDown "" "a page down";
        ["g", "home"] Top "" "to the top";
        ["G", "end"] Bottom "" "to the bottom";
        ["←", "h"] Left "" "the node to the left";
        ["→", "l"] Right "node" "the node to the right";
        ["tab"] Next "facts, files, log" "facts, files, log";
        ["s-tab"] Previous "" "log, files, facts";
        ["/"] Filter "filter" "only lines that hold what you type";
        ["c"] Changes "" "what changed, survey by survey or since the pinned one";
        ["R"] Refresh "" "survey now";
        ["y"] Copy "" "copy what is shown";
    Log
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f"] PageDown "" "a page down";
        ["g", "home"] Top "" "to the top";
        ["G", "end"] Bottom "" "to the latest line";
        ["n"] NextKnown "known line" "the next known line, with what it means";
        ["N"] PreviousKnown "" "the known line before";
        ["o"] Only "fewer" "known lines only; then known warnings and errors only; then all again";
        ["i"] Explain "meanings" "what every known line means, or only what warnings and errors do";
        ["←", "h"] Left "" "the node to the left";
        ["→", "l"] Right "node" "the node to the right";
        ["tab"] Next "facts, files" "facts, files, log";
        ["s-tab"] Previous "" "log, files, facts";
        ["/"] Filter "filter" "only lines that hold what you type, or are known by it";
        ["c"] Changes "" "what changed, survey by survey or since the pinned one";
        ["R"] Refresh "" "survey now";
        ["y"] Copy "" "copy what is shown";
    Finding
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f"] PageDown "" "a page down";
        ["←", "h"] Left "" "the finding before";
        ["→", "l"] Right "finding" "the finding after";
        ["enter"] Enter "walk its runbook" "walk the runbook that answers it";
        ["tab"] Next "evidence" "the next piece of evidence";
        ["s-tab"] Previous "" "the piece of evidence before";
        ["e"] Evidence "open it" "the chosen evidence where it was read: the node's fact, file or log";
        ["c"] Changes "" "what changed, survey by survey or since the pinned one";
        ["r"] Runbooks "runbooks" "the runbooks: possible now or why not";
        ["y"] Copy "copy" "copy the finding with its evidence";
    Changes
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f"] PageDown "" "a page down";
        ["g", "home"] Top "" "to the latest";
        ["G", "end"] Bottom "" "to the oldest";
        ["tab", "s-tab"] Next "each, or since the pin" "each survey, or since the pinned one";
        ["p"] Pin "pin" "pin the latest survey: changes are told since it";
        ["R"] Refresh "survey" "survey now";
        ["y"] Copy "copy" "copy what is shown";
    Picker
        ["↑", "k"] Up "" "the runbook above";
        ["↓", "j"] Down "runbook" "the runbook below";
        ["enter"] Enter "walk it" "walk the runbook; breaks the glass where it changes something";
        ["d"] Script "every command" "the plan with every command; nothing is sent";
    Diagnose
        ["↑", "k"] Up "" "the answer above";
        ["↓", "j"] Down "answer" "the answer below";
        ["enter"] Enter "that is it" "answer; the drill remembers it";
    Reason
        ["enter"] Enter "go on" "the next line; after the last one the glass breaks";
        ["tab", "↓"] Next "next line" "the next line";
        ["s-tab", "↑"] Previous "" "the line before";
    Walker
        ["enter"] Enter "" "open what the run asks for";
        ["↑", "k"] Up "" "the step above";
        ["↓", "j"] Down "step" "the step below; Esc follows the run again";
        ["pgup", "c-b"] PageUp "" "scroll the step's text up";
        ["pgdn", "c-f"] PageDown "text" "scroll the step's text down";
        ["d"] Script "exact script" "the exact script of the step";
        ["m"] Matrix "matrix" "back to the matrix; the run goes on";
        ["s"] StopAfter "stop after step" "stop after the step that runs; the session can go on later";
        ["n"] Decline "" "do not do what is asked; the run ends in good order";
        ["y"] Copy "" "copy the script of the step";
    Choose
        ["↑", "k"] Up "" "the node above";
        ["↓", "j"] Down "node" "the node below";
        ["enter"] Enter "choose" "choose this node";
    Confirm
        ["enter"] Enter "do it, once it is typed" "go on, where what was asked is typed";
        ["pgup"] PageUp "" "scroll the text up";
        ["pgdn"] PageDown "" "scroll the text down";
    Waive
        ["enter"] Enter "go on" "the next line; after the last one the waiver is given";
        ["tab", "↓"] Next "next line" "the next line";
        ["s-tab", "↑"] Previous "" "the line before";
        ["pgup"] PageUp "" "scroll the text up";
        ["pgdn"] PageDown "" "scroll the text down";
    Script
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f", "space"] PageDown "page" "a page down";
        ["y"] Copy "copy" "copy the script";
    Record
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f"] PageDown "page" "a page down";
        ["g", "home"] Top "" "to the oldest";
        ["G", "end"] Bottom "" "to the latest";
        ["/"] Filter "filter" "only lines that hold what you type";
        ["y"] Copy "copy head code" "copy the short code of the record's head";
    Help
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f", "space"] PageDown "page" "a page down";
    Palette
        ["enter"] Enter "do it" "do what is chosen";
        ["↑"] Up "" "the one above";
        ["↓", "tab"] Down "choose" "the one below";
    Filter
        ["enter"] Enter "keep" "keep the filter";
    Leave
        ["s"] StopAfter "stop, then leave" "stop after the step that runs, then leave";
        ["enter"] Enter "stay" "stay";
    Secret
        ["enter"] Enter "answer" "answer; an empty line is an empty secret";
    Debrief
        ["↑", "k"] Up "" "scroll up";
        ["↓", "j"] Down "scroll" "scroll down";
        ["pgup", "c-b"] PageUp "" "a page up";
        ["pgdn", "c-f"] PageDown "page" "a page down";
        ["enter"] Enter "to the drills" "back to the drills";
    Everywhere
        ["esc"] Back "back" "one step back; always safe";
        [":", "c-p"] Palette "palette" "all that can be done here, by name";
        ["?", "f1"] Help "?" "the keys of this place";
        ["q"] Quit "" "one step back; leaves from the first screen, never through a running act";
        ["T"] Theme "" "other colours: terminal, high contrast, none";
        ["c-c"] Interrupt "" "stop after this step; once more at once. Where text is typed: back; where nothing runs: leave";
        ["c-z"] Suspend "" "put the program aside (fg brings it back)";
        ["c-l"] Redraw "" "draw the whole screen again";
}

/// What a key means there.
pub(crate) fn intent(context: Context, key: KeyEvent) -> Option<Intent> {
    let name = name(key)?;
    let here = |place: Context| {
        KEYS.iter().find(|row| row.context == place && row.keys.iter().any(|key| *key == name))
    };
    let row = here(context).or_else(|| here(Context::Everywhere).filter(|row| counts(row, context)))?;
    Some(row.intent)
}

/// Whether a row of everywhere counts here: where text is typed, only keys that are no text do.
fn counts(row: &Binding, context: Context) -> bool {
    !context.is_typed()
        || matches!(row.intent, Intent::Back | Intent::Interrupt | Intent::Suspend | Intent::Redraw)
}

/// The rows that count in a context, its own first.
pub(crate) fn rows(context: Context) -> impl Iterator<Item = &'static Binding> {
    let own = KEYS.iter().filter(move |row| row.context == context);
    own.chain(KEYS.iter().filter(move |row| row.context == Context::Everywhere && counts(row, context)))
}

/// What the palette offers above a context: every row that holds all typed words; while none is typed in the table's
/// order, its own first.
pub(crate) fn offers(context: Context, typed: &str) -> Vec<&'static Binding> {
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    let moves = |row: &Binding| {
        matches!(
            row.intent,
            Intent::Up
                | Intent::Down
                | Intent::Left
                | Intent::Right
                | Intent::PageUp
                | Intent::PageDown
                | Intent::Palette
        )
    };
    // The earlier the words stand in a row, the more it is about them.
    let holds = |row: &'static Binding| {
        let text = format!("{} {}", row.word, row.about).to_lowercase();
        let begins = |word: &str| format!(" {text}").find(&format!(" {word}"));
        let within = |word: &str| text.find(word).map(|at| at + text.len());
        let places: Option<Vec<usize>> =
            words.iter().map(|word| begins(word).or_else(|| within(word))).collect();
        places.map(|places| (places.into_iter().sum::<usize>(), row))
    };
    let mut found: Vec<_> = rows(context).filter(|row| !moves(row)).filter_map(holds).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, row)| row).collect()
}

/// The key's name in the table; `None` for what the table cannot hold.
pub(crate) fn name(key: KeyEvent) -> Option<String> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let word = match key.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(letter) if control => format!("c-{}", letter.to_ascii_lowercase()),
        KeyCode::Char(letter) => letter.to_string(),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab => "tab".to_owned(),
        KeyCode::BackTab => "s-tab".to_owned(),
        KeyCode::Backspace => "backspace".to_owned(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        KeyCode::PageUp => "pgup".to_owned(),
        KeyCode::PageDown => "pgdn".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        KeyCode::F(number) => format!("f{number}"),
        _ => return None,
    };
    Some(word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let contexts: BTreeSet<Context> = KEYS.iter().map(|row| row.context).collect();
        for context in contexts {
            let mut seen = BTreeSet::new();
            for key in KEYS.iter().filter(|row| row.context == context).flat_map(|row| row.keys) {
                assert!(seen.insert(*key), "{key} twice in {context:?}");
            }
        }
    }

    #[test]
    fn escape_goes_back_everywhere_and_letters_are_text_where_text_is_typed() {
        let contexts: BTreeSet<Context> = KEYS.iter().map(|row| row.context).collect();
        for context in contexts {
            let esc = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
            assert_eq!(intent(context, esc), Some(Intent::Back), "{context:?}");
            let q = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
            assert_eq!(intent(context, q).is_none(), context.is_typed(), "{context:?}");
        }
    }

    /// The manual's chapter of keys, made of the table.
    fn chapter() -> String {
        let mut text =
            "# Keys\n\nMade of the program's own table, as are the footer, `?` and the palette.\n".to_owned();
        let mut contexts: Vec<Context> = Vec::new();
        for row in KEYS {
            if !contexts.contains(&row.context) {
                contexts.push(row.context);
            }
        }
        for context in contexts {
            let head = format!("\n## {}\n\n| key | |\n| --- | --- |\n", context.word());
            text.push_str(&head);
            for row in KEYS.iter().filter(|row| row.context == context) {
                let keys: Vec<String> = row.keys.iter().map(|key| format!("`{key}`")).collect();
                let line = format!("| {} | {} |\n", keys.join(" "), row.about);
                text.push_str(&line);
            }
        }
        text
    }

    #[test]
    fn the_manual_says_what_the_table_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/manual/keys.md");
        if std::env::var_os("BREAKGLASS_WRITE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, chapter()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(written, chapter(), "write it anew with BREAKGLASS_WRITE=1 cargo test --lib keymap");
    }

    #[test]
    fn every_row_says_what_it_does() {
        for row in KEYS {
            assert!(!row.about.is_empty() && !row.keys.is_empty(), "{row:?}");
        }
    }
}
