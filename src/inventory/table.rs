//! A cursor over one table: keys are taken by name, and what is left at the end is refused.

use core::cell::RefCell;
use core::fmt::Write as _;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::diagnostic::{Problem, Problems, Span};
use super::grammar::{Misfit, nearest, quoted};

/// What the file said under one key, and where.
#[derive(Clone, Debug)]
pub(crate) struct Said<T> {
    /// Where the key is.
    pub(crate) key: Span,
    /// Where the value is.
    pub(crate) at: Span,
    /// The value.
    pub(crate) value: T,
}

impl<T> Said<T> {
    fn with<U>(&self, value: U) -> Said<U> {
        Said { key: self.key.clone(), at: self.at.clone(), value }
    }
}

/// A cursor over one table. Every key a reader asks for is a key the table may have.
pub(crate) struct Table<'t> {
    /// What the table is, as messages say it: "a node".
    place: &'static str,
    /// The table's header, or the table itself where it is inline.
    pub(crate) span: Span,
    entries: &'t DeTable<'t>,
    asked: RefCell<Vec<&'static str>>,
    pub(crate) problems: &'t Problems,
}

impl<'t> Table<'t> {
    pub(crate) fn new(
        place: &'static str,
        span: Span,
        entries: &'t DeTable<'t>,
        problems: &'t Problems,
    ) -> Self {
        Self { place, span, entries, asked: RefCell::default(), problems }
    }

    fn entry(&self, key: &'static str) -> Option<(&'t Spanned<DeString<'t>>, &'t Spanned<DeValue<'t>>)> {
        self.asked.borrow_mut().push(key);
        self.entries.get_key_value(key)
    }

    /// Where the key is, whatever its value.
    pub(crate) fn has(&self, key: &'static str) -> Option<Span> {
        self.entry(key).map(|(key, _)| key.span())
    }

    /// The value of a key, whatever it is.
    pub(crate) fn value(&self, key: &'static str) -> Option<Said<&'t DeValue<'t>>> {
        let (key, value) = self.entry(key)?;
        Some(Said { key: key.span(), at: value.span(), value: value.get_ref() })
    }

    /// The value of a key where `read` finds in it what it wants; else a problem that names what was `wanted`.
    fn typed<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<Said<T>> {
        let said = self.value(key)?;
        let value = read(said.value);
        if value.is_none() {
            let found = said.value.type_str();
            let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
            self.problems.push(Problem::new(
                &said.at,
                format!("`{key}` must be {wanted}"),
                format!("expected {wanted}, found {article} {found}"),
            ));
        }
        Some(said.with(value?))
    }

    /// A string.
    pub(crate) fn text(&self, key: &'static str) -> Option<Said<&'t str>> {
        self.typed(key, "a string", DeValue::as_str)
    }

    /// Yes or no.
    pub(crate) fn flag(&self, key: &'static str) -> Option<Said<bool>> {
        self.typed(key, "true or false, without quotes", DeValue::as_bool)
    }

    /// A TCP port.
    pub(crate) fn port(&self, key: &'static str) -> Option<Said<u16>> {
        let said = self.typed(key, "a port, a whole number from 1 to 65535 without quotes", |value| {
            value.as_integer().map(|digits| u16::from_str_radix(digits.as_str(), digits.radix()))
        })?;
        if let Ok(port @ 1..) = said.value {
            return Some(said.with(port));
        }
        self.problems.push(Problem::new(
            &said.at,
            format!("`{key}` is out of range"),
            "expected a whole number from 1 to 65535",
        ));
        None
    }

    /// Text that follows a grammar.
    pub(crate) fn parsed<T>(
        &self,
        key: &'static str,
        grammar: impl FnOnce(&str) -> Result<T, Misfit>,
    ) -> Option<Said<T>> {
        self.fitting(key, grammar, |text| format!("`{key}` cannot be {}", quoted(text)))
    }

    /// Text that must be there and follow a grammar; `help` says what to write where it is not.
    pub(crate) fn needed<T>(
        &self,
        key: &'static str,
        help: &str,
        grammar: impl FnOnce(&str) -> Result<T, Misfit>,
    ) -> Option<Said<T>> {
        if self.has(key).is_none() {
            self.missing(key, help);
        }
        self.parsed(key, grammar)
    }

    /// Text that follows a grammar, and that is not shown where it does not: it may be a secret.
    pub(crate) fn parsed_unshown<T>(
        &self,
        key: &'static str,
        grammar: impl FnOnce(&str) -> Result<T, Misfit>,
    ) -> Option<Said<T>> {
        self.fitting(key, grammar, |_| format!("`{key}` cannot be this"))
    }

    fn fitting<T>(
        &self,
        key: &'static str,
        grammar: impl FnOnce(&str) -> Result<T, Misfit>,
        title: impl FnOnce(&str) -> String,
    ) -> Option<Said<T>> {
        let said = self.text(key)?;
        match grammar(said.value) {
            Ok(value) => Some(said.with(value)),
            Err(misfit) => {
                let label = format!("expected {}", misfit.expected);
                self.problems.push(Problem::new(&said.at, title(said.value), label).maybe_help(misfit.help));
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(&self, key: &'static str, words: &[(&'static str, T)]) -> Option<Said<T>> {
        self.parsed(key, |text| {
            let found = words.iter().find(|(word, _)| *word == text);
            found.map(|(_, value)| *value).ok_or_else(|| {
                let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                none_of(text, &names)
            })
        })
    }

    /// An argument vector: at least one word, none of them empty or with control characters.
    pub(crate) fn words(&self, key: &'static str) -> Option<Said<Vec<String>>> {
        const WANTED: &str = "a list of words, such as [\"one\", \"two\"]";
        let said = self.typed(key, WANTED, DeValue::as_array)?;
        if said.value.is_empty() {
            self.problems.push(Problem::new(
                &said.at,
                format!("`{key}` is empty"),
                "expected at least one word",
            ));
            return None;
        }
        let mut words = Vec::new();
        for item in said.value {
            let complaint = match item.get_ref() {
                DeValue::String(word) if word.is_empty() => "expected a word, found none".to_owned(),
                DeValue::String(word) if word.chars().any(char::is_control) => {
                    "expected a word without control characters".to_owned()
                }
                DeValue::String(word) => {
                    words.push(word.to_string());
                    continue;
                }
                other => format!("expected a string, found {}", other.type_str()),
            };
            self.problems.push(Problem::new(&item.span(), format!("`{key}` must be {WANTED}"), complaint));
        }
        (words.len() == said.value.len()).then(|| said.with(words))
    }

    /// A table.
    pub(crate) fn table(&self, key: &'static str, place: &'static str) -> Option<Table<'t>> {
        let said = self.typed(key, "a table", DeValue::as_table)?;
        Some(Self::new(place, said.at, said.value, self.problems))
    }

    /// A list of tables, each under `header` in double brackets.
    pub(crate) fn tables(&self, key: &'static str, place: &'static str, header: &str) -> Vec<Table<'t>> {
        let Some(said) = self.value(key) else { return Vec::new() };
        let wrong = |span: &Span, found: &DeValue<'_>| {
            self.problems.push(
                Problem::new(
                    span,
                    format!("`{key}` must be a list of tables"),
                    format!("expected tables, found {}", found.type_str()),
                )
                .help(format!("write `[[{header}]]`, once for each")),
            );
        };
        let Some(items) = said.value.as_array() else {
            wrong(&said.at, said.value);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => tables.push(Self::new(place, item.span(), table, self.problems)),
                None => wrong(&item.span(), item.get_ref()),
            }
        }
        tables
    }

    /// Says that a key is missing, and what to write.
    pub(crate) fn missing(&self, key: &str, help: impl Into<String>) {
        self.problems
            .push(Problem::new(&self.span, format!("{} has no `{key}`", self.place), "in here").help(help));
    }

    /// Refuses every key that no reader asked for. `elsewhere` knows keys that are right in another place.
    pub(crate) fn finish(&self, elsewhere: impl Fn(&str) -> Option<&'static str>) {
        let mut asked = self.asked.borrow().clone();
        asked.sort_unstable();
        asked.dedup();
        for key in self.entries.keys() {
            let name = key.get_ref().as_ref();
            if asked.contains(&name) {
                continue;
            }
            let help = elsewhere(name)
                .map(str::to_owned)
                .or_else(|| meant(name).filter(|key| asked.contains(key)).map(did_you_mean))
                .or_else(|| nearest(name, &asked).map(did_you_mean))
                .unwrap_or_else(|| format!("{} may have {}", self.place, one_of(&asked, '`')));
            self.problems.push(
                Problem::new(
                    &key.span(),
                    format!("unknown key {}", quoted(name)),
                    format!("not a key of {}", self.place),
                )
                .help(help),
            );
        }
    }
}

fn did_you_mean(key: &str) -> String {
    format!("did you mean `{key}`?")
}

/// Words other tools use for our keys; no edit distance finds these.
fn meant(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "hostname" | "address" | "addr" | "ip" | "ansiblehost" => "host",
        "username" | "login" | "sshuser" | "ansibleuser" => "user",
        "identityfile" | "identity" | "privatekey" | "sshkey" => "key",
        "sudo" => "become",
        "alias" => "ssh",
        "fingerprint" => "host_key",
        "userknownhostsfile" => "known_hosts",
        "service" => "unit",
        "type" | "kind" => "role",
        "ssl" => "tls",
        _ => return None,
    })
}

/// The misfit of a word that is none of `names`.
pub(crate) fn none_of(text: &str, names: &[&str]) -> Misfit {
    Misfit {
        expected: one_of(names, '"'),
        help: nearest(text, names).map(|word| format!("did you mean \"{word}\"?")),
    }
}

/// `a`, `b` or `c`, each in quotes of its kind.
pub(crate) fn one_of(names: &[&str], quote: char) -> String {
    let mut out = String::new();
    for (at, name) in names.iter().enumerate() {
        let join = match at {
            0 => "",
            _ if at + 1 == names.len() => " or ",
            _ => ", ",
        };
        // `write!` to a String cannot fail.
        let _ = write!(out, "{join}{quote}{name}{quote}");
    }
    out
}
