//! The pictures of the README, made of what the program shows on a terminal.
//!
//! `BREAKGLASS_PICTURES=write cargo test --test pictures` makes them anew.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test suite")]

#[path = "support/pty.rs"]
#[expect(dead_code, reason = "shared with the benchmark")]
mod pty;
#[path = "support/svg.rs"]
mod svg;

use std::fs;
use std::path::Path;
use std::time::Duration;

use pty::{Home, Screen, text};
use svg::Instead;

/// What differs from one play to the next, and what stands there instead: clocks, ages, the short code of the record's
/// head, the beginning of a UUID. `9` is any digit, `x` a hexadecimal one, `A` a digit or letter of a short code.
const SETTLED: [(&str, &str); 6] = [
    ("99:99", "00:42"),
    ("just now", "2 s ago "),
    ("9 s ago", "2 s ago"),
    ("99 s ago", "2 s ago "),
    ("AAAA-AAAA", "7F3K-Q2MD"),
    ("xxxxxxxx", "0cb3db35"),
];

fn drawn(bytes: &str) -> String {
    let mut parser = vt100::Parser::new(2, 12, 0);
    parser.process(bytes.as_bytes());
    svg::svg(parser.screen(), "a <screen>", &settled(parser.screen()))
}

/// The cells that differ from one play to the next.
fn settled(screen: &vt100::Screen) -> Instead {
    let (rows, cols) = screen.size();
    let mut instead = Instead::new();
    for row in 0..rows {
        let letter = |col| screen.cell(row, col).and_then(|cell| cell.contents().chars().next());
        let line: Vec<char> = (0..cols).map(|col| letter(col).unwrap_or(' ')).collect();
        for (at, (form, stand_in)) in (0..line.len()).flat_map(|at| SETTLED.map(|settled| (at, settled))) {
            if stands(&line, at, form) {
                let col = |n: usize| u16::try_from(at + n).expect("a column");
                instead.extend(stand_in.chars().enumerate().map(|(n, letter)| ((row, col(n)), letter)));
            }
        }
    }
    instead
}

/// Whether text of this form stands there, as a word of its own.
fn stands(line: &[char], at: usize, form: &str) -> bool {
    let form: Vec<char> = form.chars().collect();
    let Some(there) = line.get(at..at + form.len()) else { return false };
    let inside = |letter: Option<&char>| letter.is_some_and(|letter| letter.is_alphanumeric());
    let alone = !inside(at.checked_sub(1).and_then(|at| line.get(at))) && !inside(line.get(at + form.len()));
    alone
        && form.iter().zip(there).all(|(form, letter)| match form {
            '9' => letter.is_ascii_digit(),
            'x' => letter.is_ascii_digit() || ('a'..='f').contains(letter),
            'A' => letter.is_ascii_digit() || (letter.is_ascii_uppercase() && !"ILOU".contains(*letter)),
            form => form == letter,
        })
}

/// Draws what is on the screen now, and holds it against the picture of that name.
fn up_to_date(screen: &Screen, name: &str, title: &str) {
    let picture = screen.see(|screen| svg::svg(screen, title, &settled(screen)));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pictures").join(name);
    if std::env::var("BREAKGLASS_PICTURES").is_ok_and(|what| what == "write") {
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, picture).expect("written");
        return;
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == picture,
        "{name} is another screen than this; BREAKGLASS_PICTURES=write cargo test --test pictures draws it anew\n{}",
        screen.picture()
    );
}

fn until(screen: &Screen, wanted: &[&str]) {
    screen.within(Duration::from_mins(1), &format!("{wanted:?}"), |screen| {
        let text = text(screen);
        wanted.iter().all(|wanted| text.contains(wanted))
    });
}

#[test]
fn the_readme_pictures_are_up_to_date() {
    let screen = Home::new().start(&["drill", "play", "all-killed", "--seed", "1"], &[], 100, 30);
    until(&screen, &["03:00."]);
    screen.keys("<enter>");
    until(&screen, &["crashed", "1 finding"]);
    screen.keys("l");
    until(&screen, &["▶ db2", "db2 UNKNOWN"]);
    up_to_date(&screen, "matrix.svg", "Three killed nodes side by side, and what answers it");
    screen.keys("r");
    until(&screen, &["Runbooks"]);
    while !screen.text().contains("▶ galera-bootstrap") {
        screen.keys("j");
        screen.still(Duration::from_millis(100));
    }
    screen.keys("<enter>");
    until(&screen, &["What is wrong?"]);
    screen.keys("j<enter>");
    until(&screen, &["Which node would you bootstrap"]);
    screen.keys("j<enter>");
    until(&screen, &["BREAK THE GLASS"]);
    screen.keys("all three were killed<enter>INC-4711<enter>");
    until(&screen, &["WAITING FOR YOU"]);
    screen.still(Duration::from_millis(300));
    up_to_date(
        &screen,
        "walker.svg",
        "The steps of a bootstrap, its rules, and that it waits for a typed line",
    );
}

#[test]
fn clocks_ages_codes_and_uuids_are_always_the_same() {
    let of = |line: &str| {
        let mut parser = vt100::Parser::new(1, 60, 0);
        parser.process(line.as_bytes());
        svg::svg(parser.screen(), "", &settled(parser.screen()))
    };
    let one = of("03:17 just now │ 917fee1c WFE4-E4NV READ-ONLY INC-4711");
    assert_eq!(one, of("00:00 12 s ago │ 970ab18c 0000-AAAA READ-ONLY INC-4711"));
    assert_eq!(one, of("00:00 2 s ago  │ 970ab18c 0000-AAAA READ-ONLY INC-4711"));
    for kept in ["READ-ONLY INC-4711", "7F3K-Q2MD", "0cb3db35", "00:42"] {
        assert!(one.contains(kept), "{kept}: {one}");
    }
    assert_ne!(of("signal 9, 3.3 GiB"), of("signal 8, 3.3 GiB"));
}

#[test]
fn a_screen_becomes_a_picture() {
    let picture = drawn("\x1b[1;31mdb1\x1b[0m a<b\r\n  \x1b[7m日 \x1b[0m\x1b[38;5;208m x\x1b[2m.");
    let expected = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 126 54\" width=\"126\" height=\"54\" role=\"img\">
<title>a &lt;screen&gt;</title>
<rect width=\"126\" height=\"54\" rx=\"8\" fill=\"#11151c\"/>
<g font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"15\" fill=\"#c8ccd4\" xml:space=\"preserve\">
<text x=\"9\" y=\"23\" textLength=\"27\" fill=\"#e5534b\" font-weight=\"bold\">db1</text>
<text x=\"45\" y=\"23\" textLength=\"27\">a&lt;b</text>
<rect x=\"27\" y=\"27\" width=\"27\" height=\"18\" fill=\"#c8ccd4\"/>
<text x=\"27\" y=\"41\" textLength=\"18\" fill=\"#11151c\">日</text>
<text x=\"63\" y=\"41\" textLength=\"9\" fill=\"#ff8700\">x</text>
<text x=\"72\" y=\"41\" textLength=\"9\" fill=\"#ff8700\" opacity=\"0.6\">.</text>
</g>
</svg>
";
    assert_eq!(picture, expected);
}

#[test]
fn the_same_screen_is_the_same_picture() {
    assert_eq!(drawn("x\x1b[44my"), drawn("\x1b[44m\x1b[1;2Hy\x1b[0m\x1b[Hx"));
    assert_ne!(drawn("x"), drawn("\x1b[1mx"));
}
