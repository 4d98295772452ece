//! The house rules: which room may name which, and what stays out of the pure ones. Each check is a function from
//! text to complaints, with a test of its own that shows it catches what it must.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, each of which names only itself and those above it.
const ROOMS: &[&str] =
    &["facts", "inventory", "ask", "record", "judge", "runbook", "engine", "nodes", "practice", "ui"];

/// Rooms and parts of rooms that hold no clock, no files and no sockets.
const PURE: &[&str] = &[
    "facts",
    "inventory",
    "ask",
    "judge",
    "runbook",
    "engine/machine",
    "ui/cells",
    "ui/tui/keymap",
    "ui/tui/model",
    "ui/tui/msg",
    "ui/tui/update",
    "ui/tui/view",
    "ui/tui/walk",
];

/// What only the edges may name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::env",
    "std::thread",
    "tokio",
    "rustix",
    "getrandom",
    "Timestamp::now",
    "Zoned::now",
    "SystemTime",
    "Instant",
];

/// Crates that one place alone may name.
const KEPT: &[(&str, &str)] = &[
    ("ssh2", "nodes/real/"),
    ("libssh2_sys", "nodes/real/"),
    ("mysql_async", "nodes/real/"),
    ("ratatui", "ui/tui/"),
    ("crossterm", "ui/tui/"),
];

const LONGEST: usize = 600;

#[test]
fn the_house_is_in_order() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut complaints = Vec::new();
    for path in rust_files(&src) {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        complaints.extend(check_file(file, &text).into_iter().map(|what| format!("src/{file}: {what}")));
    }
    let map = fs::read_to_string(src.join("lib.rs")).unwrap();
    complaints.extend(check_map(&map, &rooms_on_disk(&src)));
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The rooms as folders or files of `src`.
fn rooms_on_disk(src: &Path) -> BTreeSet<String> {
    fs::read_dir(src)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "lib" && name != "main")
        .collect()
}

/// All that can be said of one file; `file` is relative to `src`.
fn check_file(file: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let shipped = without_tests(&code);
    let mut complaints = Vec::new();
    complaints.extend(check_order(file, &code));
    complaints.extend(check_kept(file, &code));
    complaints.extend(check_pure(file, &shipped));
    complaints.extend(check_length(text));
    complaints.extend(check_finished(&code));
    complaints
}

/// A room names only itself and the rooms above it.
fn check_order(file: &str, code: &str) -> Vec<String> {
    let Some(room) = file.split('/').next().map(|name| name.trim_end_matches(".rs")) else {
        return Vec::new();
    };
    if matches!(room, "lib" | "main") {
        return Vec::new();
    }
    let Some(own) = ROOMS.iter().position(|name| *name == room) else {
        return vec![format!("`{room}` is no room of the house")];
    };
    let named = ["crate", "breakglass", "super"].into_iter().flat_map(|root| children(code, root));
    let below: BTreeSet<String> =
        named.filter(|name| ROOMS.iter().position(|room| room == name).is_some_and(|at| at > own)).collect();
    below.into_iter().map(|name| format!("`{room}` names `{name}`, which stands below it")).collect()
}

/// A crate that one place keeps is named nowhere else.
fn check_kept(file: &str, code: &str) -> Vec<String> {
    let strangers = KEPT.iter().filter(|(name, place)| {
        let at_home = file.starts_with(place) || file == place.trim_end_matches('/').to_owned() + ".rs";
        !at_home && has_word(code, name)
    });
    strangers.map(|(name, place)| format!("`{name}` is named only in src/{place}")).collect()
}

/// A pure room looks at no clock, file, socket or process. Its tests may.
fn check_pure(file: &str, shipped: &str) -> Vec<String> {
    let pure = PURE.iter().any(|room| file.starts_with(&format!("{room}/")) || file == format!("{room}.rs"));
    if !pure {
        return Vec::new();
    }
    let grouped: BTreeSet<String> =
        children(shipped, "std").into_iter().map(|name| format!("std::{name}")).collect();
    let found = IMPURE.iter().filter(|name| has_word(shipped, name) || grouped.contains(**name));
    found.map(|name| format!("`{name}` has no place in a pure room")).collect()
}

/// A file is short enough to be read in one sitting.
fn check_length(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > LONGEST { vec![format!("{lines} lines; the most is {LONGEST}")] } else { Vec::new() }
}

/// Nothing is left for later inside the code.
fn check_finished(code: &str) -> Vec<String> {
    let left = ["todo", "unimplemented"].into_iter().filter(|name| has_word(code, &format!("{name}!")));
    left.map(|name| format!("`{name}!` is left in it")).collect()
}

/// The map in lib.rs, its modules and the folders are the same rooms, and the map tells them in their order.
fn check_map(lib: &str, on_disk: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mapped: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`")?.split_once("`]").map(|(room, _)| room))
        .collect();
    let set: BTreeSet<String> = mapped.iter().map(|room| (*room).to_owned()).collect();
    let modules: BTreeSet<String> = code_of(lib)
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    for (what, other) in [("module of lib.rs", &modules), ("folder of src", on_disk)] {
        for room in set.difference(other) {
            complaints.push(format!("src/lib.rs: the map tells of `{room}`, which is no {what}"));
        }
        for room in other.difference(&set) {
            complaints.push(format!("src/lib.rs: the {what} `{room}` is missing in the map"));
        }
    }
    let known: Vec<&str> = ROOMS.iter().copied().filter(|room| set.contains(*room)).collect();
    if mapped != known {
        complaints.push(format!("src/lib.rs: the map tells {mapped:?}, the order is {known:?}"));
    }
    complaints
}

/// The code without its comments and without what stands in strings and characters, line by line as before.
fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest, out.chars().next_back()) {
            length
        } else if first == '"' {
            quoted(rest)
        } else if first == '\'' {
            character(rest)
        } else {
            out.push(first);
            rest = rest.split_at(first.len_utf8()).1;
            continue;
        };
        let (gone, kept) = rest.split_at(skipped);
        out.push(' ');
        out.extend(gone.matches('\n').map(|_| '\n'));
        rest = kept;
    }
    out
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r"…"`, `br#"…"#` and the like at the start of `text`.
fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(is_word) {
        return None;
    }
    let after = text.strip_prefix(['b', 'c']).unwrap_or(text).strip_prefix('r')?;
    let opened = after.trim_start_matches('#');
    let hashes = "#".repeat(after.len() - opened.len());
    let body = opened.strip_prefix('"')?;
    let end = format!("\"{hashes}");
    Some(text.len() - body.len() + body.find(&end).map_or(body.len(), |at| at + end.len()))
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, or of the mark of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some(_)) => chars.find(|(_, c)| *c == '\'').map_or(text.len(), |(at, _)| at + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The code without the modules under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, test) = rest.split_at(at);
        out.push_str(before);
        let mut depth = 0usize;
        let end = test.char_indices().find(|(_, c)| match c {
            '{' => {
                depth += 1;
                false
            }
            '}' => {
                depth -= 1;
                depth == 0
            }
            ';' => depth == 0,
            _ => false,
        });
        rest = test.split_at(end.map_or(test.len(), |(at, _)| at + 1)).1;
    }
    out + rest
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in the code as itself, not as a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (code.split_at(at).0, code.split_at(at + word.len()).1);
        !before.chars().next_back().is_some_and(is_word) && !after.chars().next().is_some_and(is_word)
    })
}

/// The names right beneath `root` in all paths, also in groups: `root::a::b` and `root::{a::b, c}` name `a` and `c`.
/// `super::super::a` names `a`, since every step may be the one out of the room.
fn children(code: &str, root: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let tight: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let tight = tight.replace(" ::", "::").replace(":: ", "::");
    let start = format!("{root}::");
    for (at, _) in tight.match_indices(&start) {
        let (before, path) = (tight.split_at(at).0, tight.split_at(at + start.len()).1);
        if before.chars().next_back().is_some_and(is_word) {
            continue;
        }
        let Some(group) = path.strip_prefix('{') else {
            names.insert(path.split(|c| !is_word(c)).next().unwrap_or_default().to_owned());
            continue;
        };
        let (mut depth, mut fresh) = (0usize, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && is_word(c) => {
                    fresh = false;
                    let name = group.split_at(at).1.split(|c| !is_word(c)).next();
                    names.insert(name.unwrap_or_default().to_owned());
                }
                _ => {}
            }
        }
    }
    names
}

mod each_check_catches {
    use super::*;

    fn order(file: &str, text: &str) -> Vec<String> {
        check_order(file, &code_of(text))
    }

    #[test]
    fn a_room_that_names_one_below() {
        assert_eq!(
            order("facts/fact.rs", "use crate::judge::Standing;"),
            ["`facts` names `judge`, which stands below it"]
        );
        assert_eq!(
            order("facts/fact.rs", "use crate::{\n    facts::Known,\n    ask::{probe, quote},\n};").len(),
            1
        );
        assert_eq!(order("judge/safety/s01.rs", "fn f() { crate :: nodes::real::go() }").len(), 1);
        assert_eq!(order("judge/mod.rs", "use super::engine::Nodes;").len(), 1);
        assert_eq!(order("judge/safety/s01.rs", "use super::super::super::ui::cli;").len(), 1);
        assert_eq!(order("attic/mod.rs", "").len(), 1);
        assert!(
            order("judge/mod.rs", "use crate::{facts::Known, judge::x}; use super::facts::Key;").is_empty()
        );
        assert!(
            order(
                "facts/mod.rs",
                "//! See [`crate::judge`].\n/* crate::ui */ const A: &str = \"crate::ui\";"
            )
            .is_empty()
        );
        assert!(order("lib.rs", "pub mod ui; use crate::ui::cli;").is_empty());
    }

    #[test]
    fn a_crate_outside_its_place() {
        assert_eq!(check_kept("engine/mod.rs", "use ssh2::Session;").len(), 1);
        assert_eq!(check_kept("nodes/mod.rs", "mysql_async::Conn").len(), 1);
        assert_eq!(check_kept("ui/cli/mod.rs", "use ratatui::Frame; use crossterm::event;").len(), 2);
        assert!(check_kept("nodes/real/ssh.rs", "use ssh2::Session; use mysql_async::Conn;").is_empty());
        assert!(check_kept("ui/tui/app.rs", "use ratatui::Frame;").is_empty());
        assert!(check_kept("ui/tui.rs", "use ratatui::Frame;").is_empty());
        assert!(check_kept("ask/mod.rs", "fn my_ssh2_thing() {}").is_empty());
    }

    #[test]
    fn a_pure_room_that_looks_at_the_world() {
        let pure = |text| check_pure("ask/probe.rs", &without_tests(&code_of(text)));
        for text in [
            "use std::fs::File;",
            "use std::{collections::BTreeMap, fs};",
            "use std::{\n    env::{self, vars},\n};",
            "std::net::TcpStream::connect(x)",
            "std::process::exit(1)",
            "tokio::spawn(x)",
            "let now = jiff::Timestamp::now();",
            "Instant::now()",
            "SystemTime::now()",
            "#[cfg(test)]\nmod tests { fn f() { \"}\"; } }\nuse std::fs;",
            "#[cfg(test)]\nuse x::y;\nuse std::fs;",
        ] {
            assert_eq!(pure(text).len(), 1, "{text}");
        }
        for text in [
            "use std::fmt;",
            "/// Not tokio, not std::fs.\nconst A: &str = \"std::fs\";",
            "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f() { if x { tokio() } }\n}",
            "use core::net::Ipv6Addr;",
            "struct Instantly;",
        ] {
            assert!(pure(text).is_empty(), "{text}");
        }
        assert!(!check_pure("ui/tui/update/begin.rs", "use std::fs;").is_empty());
        assert!(!check_pure("ui/tui/walk.rs", "let now = Timestamp::now();").is_empty());
        assert!(check_pure("ui/tui/app.rs", "use std::fs;").is_empty());
        assert!(check_pure("nodes/real/ssh.rs", "use std::fs;").is_empty());
    }

    #[test]
    fn a_file_that_is_too_long() {
        assert!(check_length(&"x\n".repeat(LONGEST)).is_empty());
        assert_eq!(check_length(&"x\n".repeat(LONGEST + 1)).len(), 1);
    }

    #[test]
    fn what_is_left_for_later() {
        assert_eq!(check_finished(&code_of("fn f() { todo!() }")).len(), 1);
        assert_eq!(check_finished(&code_of("fn f() { unimplemented!(\"x\") }")).len(), 1);
        assert!(check_finished(&code_of("// todo!\nfn todo() { let todo = \"todo!\"; }")).is_empty());
    }

    #[test]
    fn a_map_that_is_not_true() {
        let lib = "//! | [`facts`] | values |\n//! | [`judge`] | rules |\n\npub mod facts;\npub mod judge;\n";
        let rooms = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert!(check_map(lib, &rooms(&["facts", "judge"])).is_empty());
        assert_eq!(check_map(lib, &rooms(&["facts"])).len(), 1);
        assert_eq!(check_map(lib, &rooms(&["facts", "judge", "ui"])).len(), 1);
        assert_eq!(check_map(&lib.replace("pub mod judge;", ""), &rooms(&["facts", "judge"])).len(), 1);
        assert_eq!(check_map(&(lib.to_owned() + "mod ui;\n"), &rooms(&["facts", "judge"])).len(), 1);
        let turned =
            "//! | [`judge`] | rules |\n//! | [`facts`] | values |\npub mod facts;\npub mod judge;\n";
        assert_eq!(check_map(turned, &rooms(&["facts", "judge"])).len(), 1);
    }

    #[test]
    fn code_apart_from_what_it_says() {
        for (text, code) in [
            ("a /* b /* c */ d */ e", "a   e"),
            ("let c = '\"'; let d = \"x\";", "let c =  ; let d =  ;"),
            ("f(r#\"a \" b\"#, b\"x\", '\\'', '\\u{1b}')", "f( , b ,  ,  )"),
            ("fn f<'a>(x: &'a str) {}", "fn f< a>(x: & a str) {}"),
            ("// x\ny", " \ny"),
        ] {
            assert_eq!(code_of(text), code, "{text}");
        }
    }
}
