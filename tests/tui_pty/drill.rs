//! A drill by keys: from the welcome to the debrief, resized and interrupted on the way, and the record that is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::pty::{Exit, Home, Screen, text};
use crate::tmux::{self, Tmux};

/// A whole recovery, on a machine that does much else.
const RECOVERY: Duration = Duration::from_mins(2);

/// This is to be seen, on a screen that says what it is about.
fn see(screen: &Screen, wanted: &str) {
    within(screen, Duration::from_secs(30), wanted);
}

fn within(screen: &Screen, limit: Duration, wanted: &str) {
    screen.within(limit, &format!("{wanted:?} and DRILL on the screen"), |screen| {
        let text = text(screen);
        text.contains(wanted) && text.contains("DRILL")
    });
}

/// From the welcome to the matrix.
fn at_the_matrix(home: &Home, cols: u16, rows: u16) -> Screen {
    let screen = home.start(&[], &[], cols, rows);
    screen.until_text("All three were killed");
    screen.keys("<enter>");
    see(&screen, "03:00.");
    screen.keys("<enter>");
    see(&screen, "crashed");
    screen
}

/// Both questions answered, and the glass broken.
fn break_the_glass(screen: &Screen) {
    see(screen, "What is wrong?");
    screen.keys("j<enter>");
    see(screen, "Which node would you bootstrap");
    screen.keys("j<enter>");
    see(screen, "BREAK THE GLASS");
    screen.keys("all three were killed<enter>INC-4711<enter>");
    see(screen, "GLASS BROKEN");
}

/// `galera-bootstrap` up to the line in the walker that says what it waits for.
fn at_the_challenge(screen: &Screen) {
    screen.keys("r");
    see(screen, "Runbooks");
    let marked = |text: &str| text.lines().find(|line| line.contains("▶ galera-")).map(str::to_owned);
    while !screen.text().contains("▶ galera-bootstrap") {
        let before = marked(&screen.text());
        screen.keys("j");
        screen.until("another runbook is marked", |screen| marked(&text(screen)) != before);
    }
    see(screen, "▶ galera-bootstrap");
    screen.keys("<enter>");
    break_the_glass(screen);
    within(screen, RECOVERY, "WAITING FOR YOU");
}

/// What has to be typed, as the screen says it.
fn asked(screen: &Screen) -> String {
    let text = screen.text();
    let asked = text.split_once("Type   ").and_then(|(_, rest)| rest.split_once("   to go on"));
    asked.unwrap_or_else(|| panic!("nothing is asked\n{}", screen.picture())).0.to_owned()
}

/// It is left with this exit code, the terminal as it was before.
fn left(screen: &mut Screen, code: u32) {
    assert_eq!(screen.wait_exit(), Exit { code, signal: None }, "{}", screen.picture());
    screen.assert_given_back();
    assert_eq!(screen.text(), "", "something is left on the screen");
    assert_eq!(screen.obeyed(), Vec::<String>::new());
}

fn folder(home: &Home) -> PathBuf {
    home.path().join(".local/state/breakglass/audit/drill/shop")
}

fn records(folder: &Path) -> Vec<Value> {
    let log = fs::read_to_string(folder.join("log.jsonl")).unwrap_or_default();
    log.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
}

/// The bodies of all records of this type.
fn bodies(home: &Home, kind: &str) -> Vec<Value> {
    let records = records(&folder(home)).into_iter();
    records.filter(|record| record["type"] == kind).map(|record| record["body"].clone()).collect()
}

/// The record that is left is intact. Nothing outside remembers a drill's head, so it is not provable.
fn verifies(home: &Home) {
    let folder = folder(home);
    let mut page = home.start(&["audit", "verify", folder.to_str().expect("a path")], &[], 100, 30);
    assert_eq!(page.wait_exit().code, 61, "{}", page.picture());
    assert!(page.text().contains("NOT PROVABLE: no-head"), "{}", page.picture());
    assert!(records(&folder).iter().all(|record| record["mode"] == "drill"));
}

#[test]
fn the_first_drill_from_the_welcome_to_the_debrief() {
    let home = Home::new();
    let mut screen = at_the_matrix(&home, 80, 24);
    screen.keys("<enter>");
    see(&screen, "galera.all-crashed");
    screen.keys("<enter>");
    break_the_glass(&screen);
    within(&screen, RECOVERY, "DONE");
    see(&screen, "enter opens the debrief");
    screen.keys("<enter>");
    see(&screen, "won in");
    assert!(screen.text().contains("0 write-sets dropped"), "{}", screen.picture());
    screen.keys("<enter>");
    screen.until_text("Drills, on a simulated cluster");
    screen.keys("q");
    left(&mut screen, 0);
    let open = &bodies(&home, "session.open")[0];
    assert_eq!(open["reason"], "all three were killed");
    assert_eq!(open["incident"], "INC-4711");
    assert_eq!(bodies(&home, "session.close")[0]["exit"], 0);
    assert_eq!(bodies(&home, "confirm"), Vec::<Value>::new());
    verifies(&home);
}

#[test]
fn a_bootstrap_on_a_small_and_restless_terminal() {
    let home = Home::new();
    let mut screen = at_the_matrix(&home, 60, 15);
    at_the_challenge(&screen);
    screen.keys("<enter>");
    see(&screen, "to go on");
    let challenge = asked(&screen);
    assert_eq!(challenge, "db2 lose 0");
    // What is pasted is no answer, and neither is it typed.
    screen.paste(&challenge);
    see(&screen, "what is pasted does not count");
    screen.keys("<enter>");
    see(&screen, "nothing is typed yet");
    // Half of it, another size again and again, the whole screen anew, and the other half.
    let (half, rest) = challenge.split_at(5);
    screen.keys(half);
    for (cols, rows) in [(80, 24), (50, 10), (100, 30), (61, 15), (40, 9), (60, 15)].repeat(3) {
        screen.resize(cols, rows);
        std::thread::sleep(Duration::from_millis(7));
    }
    see(&screen, &format!("› {half}"));
    screen.keys("<c-l>");
    screen.keys(rest);
    see(&screen, &format!("› {challenge}"));
    let before = screen.text();
    screen.keys("<c-l>");
    screen.still(Duration::from_millis(200));
    let wanted = |text: &str| text.replace(char::is_numeric, "0");
    assert_eq!(wanted(&screen.text()), wanted(&before), "drawn anew it is another screen");
    screen.keys("<enter>");
    // The rest of the run on a terminal that never keeps its size.
    let deadline = Instant::now() + RECOVERY;
    for (cols, rows) in [(60, 15), (80, 24), (63, 17), (79, 22)].into_iter().cycle() {
        screen.resize(cols, rows);
        screen.still(Duration::from_millis(60));
        if screen.text().contains("DONE") {
            break;
        }
        assert!(Instant::now() < deadline, "{}", screen.picture());
    }
    screen.resize(80, 24);
    see(&screen, "enter opens the debrief");
    screen.keys("<enter>");
    see(&screen, "won in");
    screen.keys("<enter>");
    screen.until_text("Drills, on a simulated cluster");
    screen.keys("q");
    left(&mut screen, 0);
    let confirms = bodies(&home, "confirm");
    assert_eq!(confirms.len(), 1, "{confirms:?}");
    assert_eq!((&confirms[0]["typed"], &confirms[0]["matched"]), (&challenge.into(), &true.into()));
    verifies(&home);
}

#[test]
fn control_c_stops_a_run_in_good_order_and_the_next_one_finishes() {
    let home = Home::new();
    let mut screen = at_the_matrix(&home, 80, 24);
    at_the_challenge(&screen);
    screen.keys("<c-c>");
    see(&screen, "PAUSED");
    screen.keys("<c-c>");
    left(&mut screen, 130);
    assert_eq!(bodies(&home, "session.pause").len(), 1);
    assert_eq!(bodies(&home, "confirm"), Vec::<Value>::new());
    verifies(&home);
    finishes(&home);
}

/// The bootstrap of another drill with the same record is walked to its end.
fn finishes(home: &Home) {
    let mut screen = at_the_matrix(home, 100, 30);
    at_the_challenge(&screen);
    screen.keys("<enter>");
    see(&screen, "to go on");
    screen.keys(&format!("{}<enter>", asked(&screen)));
    within(&screen, RECOVERY, "DONE");
    // Whoever leaves before the drill is found won has not won it.
    see(&screen, "won in");
    screen.keys("<c-c>");
    left(&mut screen, 0);
    assert_eq!(bodies(home, "session.close").last().expect("it was closed")["exit"], 0);
    verifies(home);
}

#[test]
fn a_hangup_in_the_middle_of_a_run_leaves_a_session_that_rests() {
    let home = Home::new();
    let mut screen = at_the_matrix(&home, 80, 24);
    screen.keys("<enter>");
    see(&screen, "galera.all-crashed");
    screen.keys("<enter>");
    break_the_glass(&screen);
    see(&screen, "3 ");
    screen.signal(Signal::HUP);
    left(&mut screen, 130);
    assert_eq!(bodies(&home, "session.pause").len(), 1);
    assert_eq!(bodies(&home, "session.close"), Vec::<Value>::new());
    verifies(&home);
    finishes(&home);
}

#[test]
fn a_terminal_that_goes_away_leaves_a_session_that_rests() {
    if let Err(why) = tmux::requirements() {
        println!("not run ({why})");
        return;
    }
    let home = Home::new();
    let tmux = Tmux::new(&home);
    let screen = tmux.start(&[crate::pty::BREAKGLASS], 80, 24);
    screen.until_text("All three were killed");
    screen.keys("<enter>");
    see(&screen, "03:00.");
    screen.keys("<enter>");
    see(&screen, "crashed");
    at_the_challenge(&screen);
    drop(tmux);
    let deadline = Instant::now() + Duration::from_secs(30);
    while bodies(&home, "session.pause").is_empty() {
        assert!(Instant::now() < deadline, "no session rests: {:?}", records(&folder(&home)).last());
        std::thread::sleep(Duration::from_millis(50));
    }
    verifies(&home);
}

#[test]
fn each_key_counts_that_comes_together_with_a_resize() {
    let screen = Home::new().start(&[], &[], 80, 24);
    screen.until_text("All three were killed");
    let limit = Duration::from_secs(1);
    let is_help = |screen: &vt100::Screen| text(screen).contains("one step back; always safe");
    for round in 0..40_u16 {
        screen.resize(80 + round % 3, 24 + round % 2);
        screen.keys("?");
        screen.within(limit, "the help", is_help);
        screen.resize(81 - round % 2, 25 - round % 3);
        screen.keys("<esc>");
        screen.within(limit, "the welcome", |screen| {
            !is_help(screen) && text(screen).contains("All three were killed")
        });
    }
    screen.keys("q");
    let mut screen = screen;
    left(&mut screen, 0);
}

mod commands {
    //! Which commands open the screen, and on what.

    use super::{RECOVERY, left, see};
    use crate::pty::{Home, Screen};
    use crate::screens::unreachable;

    fn took_over(screen: &Screen) -> bool {
        screen.raw().windows(8).any(|bytes| bytes == b"\x1b[?1049h")
    }

    #[test]
    fn a_drill_opens_with_what_the_pager_says() {
        let mut screen = Home::new().start(&["drill", "play", "all-killed", "--seed", "1"], &[], 80, 24);
        see(&screen, "03:00.");
        screen.keys("<enter>");
        see(&screen, "crashed");
        screen.keys("<c-c>");
        left(&mut screen, 10);
    }

    #[test]
    fn a_runbook_that_only_reads_begins_at_once_and_gives_its_exit_code() {
        let mut screen = unreachable().start(&["run", "galera-positions"], &[], 80, 24);
        screen.within(RECOVERY, "its end", |screen| {
            let text = crate::pty::text(screen);
            ["DONE", "REFUSED", "PARTIAL"].iter().any(|word| text.contains(word))
        });
        assert!(screen.text().contains("galera-positions"), "{}", screen.picture());
        let refused = screen.text().contains("REFUSED");
        screen.keys("<c-c>");
        assert_ne!(screen.wait_exit().code, 0);
        assert_eq!(screen.wait_exit().code == 40, refused, "{}", screen.picture());
        screen.assert_given_back();
    }

    #[test]
    fn a_runbook_that_changes_something_asks_why_first() {
        let mut screen = unreachable().start(&["run", "galera-bootstrap"], &[], 80, 24);
        screen.until_text("BREAK THE GLASS");
        screen.keys("<c-c><c-c>");
        assert_eq!(screen.wait_exit().code, 40, "{}", screen.picture());
        screen.assert_given_back();
    }

    #[test]
    fn line_by_line_where_that_is_asked_for_or_nothing_else_is_possible() {
        let home = Home::new();
        for (argv, env) in
            [(&["drill", "play", "--plain"][..], &[][..]), (&["drill", "play"][..], &[("TERM", "dumb")][..])]
        {
            let mut screen = home.start(argv, env, 80, 40);
            screen.until_text("What is wrong?");
            screen.keys("<c-c>");
            screen.wait_exit();
            assert!(!took_over(&screen), "{argv:?} {env:?}\n{}", screen.picture());
            screen.assert_given_back();
        }
        // Into a pipe there are no screens, whatever the terminal can.
        for command in ["", "drill play"] {
            let script = format!("{} {command} </dev/null | cat", crate::pty::BREAKGLASS);
            let mut screen = home.run(&["sh", "-c", &script], &[], 80, 40);
            screen.wait_exit();
            assert!(!took_over(&screen), "{command}\n{}", screen.picture());
            assert!(!screen.text().is_empty());
        }
        let mut screen = home.start(&[], &[("TERM", "dumb")], 80, 40);
        assert_eq!(screen.wait_exit().code, 0, "{}", screen.picture());
        assert!(!took_over(&screen));
    }
}
