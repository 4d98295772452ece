//! The same ways back as those with a file of answers, walked on the screen by somebody who reads it and types.
//!
//! Whoever waits here waits for what is to be seen. Every screen that is looked at says in words that it is the lab's.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::act::{ALL, fingerprints, kill_apart, nothing_acknowledged_is_lost, processes, units, whole};
use crate::lab::{Lab, until};
use crate::pty::{BREAKGLASS, Home, Screen, text};
use crate::tmux::Tmux;
use crate::walk::Desk;

/// How long what the program shows by itself may take, a survey included.
const SOON: Duration = Duration::from_secs(20);
/// How long a whole run may take.
const RUN: Duration = Duration::from_secs(90);
/// Enough for most, and for a confirmation.
const USUAL: (u16, u16) = (80, 24);
/// The least the program is for.
const LEAST: (u16, u16) = (60, 15);

/// Killed at different moments under load: the positions are read, a node that is behind is refused, the best one is
/// bootstrapped, and every acknowledged row is everywhere.
pub(crate) fn killed_and_back() -> Result<(), String> {
    let lab = Lab::up("bgt-kill", &[]);
    let desk = Desk::new(&lab, "desk");
    kill_apart(&lab);
    let mut operator = Operator::sits_down(&desk, lab.path(), &[]);
    operator.sees(SOON, &["OUTAGE", "READ-ONLY", "→ galera-positions"]);
    positions(&lab, &operator);
    let (_, status) = desk.status();
    let candidates = names(&status["clusters"][0]["candidates"]);
    let best = candidates.first().expect("a candidate").clone();
    eprintln!("  candidates: {}", candidates.join(", "));
    behind(&lab, &desk);

    // The finding leads to the runbook; who changes something says why before.
    let breaks_the_glass = || {
        operator.presses("<enter>", &["▶ galera-bootstrap", "suggested"]);
        operator.presses("<enter>", &["BREAK THE GLASS", "then walks", "galera-bootstrap"]);
        operator.gives_a_reason("three killed one after the other");
    };
    if candidates.len() > 1 {
        let before = stands(&lab);
        breaks_the_glass();
        operator.opens_the_choice("BEHIND by");
        operator.chooses("g3");
        refused(&operator);
        assert_eq!(changed(&before, &stands(&lab)), [""; 0], "the choice of g3");
        operator.presses("m", &["OUTAGE", "→ galera-bootstrap"]);
        operator.presses("C", &["the glass is closed", "READ-ONLY"]);
    }
    breaks_the_glass();
    if candidates.len() > 1 {
        operator.opens_the_choice("CANDIDATE");
        operator.chooses(&best);
    }
    confirms_while_the_terminal_changes(&operator, &best);

    operator.sees_line(RUN, &["▶", "join", "runs"]);
    operator = operator.looks_away_until("\"step\":\"stable\"");
    operator.sees(RUN, &["DONE", "exit code 0"]);
    operator.presses("m", &["HEALTHY", "size 3"]);
    operator.sees_on_all("standing", "✓ SYNCED");
    whole(&lab, &desk);
    nothing_acknowledged_is_lost(&lab);
    operator.leaves("q", 0);

    let open: Vec<Value> =
        desk.records().into_iter().filter(|record| record["type"] == "session.open").collect();
    let said = |runbook: &str| {
        let last = open.iter().rev().find(|record| record["body"]["runbook"] == runbook);
        last.map(|record| (record["body"]["reason"].clone(), record["body"]["incident"].clone()))
    };
    assert_eq!(said("galera-positions"), Some((Value::Null, Value::Null)), "reads need no reason");
    let given = (Value::from("three killed one after the other"), Value::from("LAB-1"));
    assert_eq!(said("galera-bootstrap"), Some(given));
    Ok(())
}

/// From the finding to the positions: reads only, so that nothing is asked and nothing changes.
fn positions(lab: &Lab, operator: &Operator<'_>) {
    let before = stands(lab);
    operator.presses("<enter>", &["galera.all-crashed", "▶ galera-positions", "suggested"]);
    operator.presses("<enter>", &["1 capture", "recover g3"]);
    operator.sees(RUN, &["DONE", "exit code 0", "READ-ONLY"]);
    assert_eq!(changed(&before, &stands(lab)), [""; 0], "the positions");
    operator.presses("m", &["OUTAGE", "★ CANDIDATE", "‹ BEHIND by", "→ galera-bootstrap"]);
    operator.sees_on_all("position", "recovered");
}

/// A target that is behind is refused, and everything is as it was.
fn behind(lab: &Lab, desk: &Desk<'_>) {
    let before = stands(lab);
    let operator = Operator::sits_down(desk, lab.path(), &["run", "galera-bootstrap", "--set", "target=g3"]);
    operator.sees(SOON, &["BREAK THE GLASS", "then walks", "galera-bootstrap"]);
    operator.gives_a_reason("the wrong one");
    refused(&operator);
    operator.leaves("qq", 40);
    assert_eq!(changed(&before, &stands(lab)), [""; 0], "the start with g3");
    desk.verify();
}

/// All that a refusal or a read leaves as it is: files, processes, what the service managers were told.
fn stands(lab: &Lab) -> Vec<String> {
    [fingerprints(lab), processes(lab), units(lab)].concat()
}

/// The lines that are only in one of the two.
fn changed<'s>(before: &'s [String], after: &'s [String]) -> Vec<&'s str> {
    let only = |one: &'s String, other: &'s String| {
        let there: BTreeSet<&str> = other.lines().collect();
        one.lines().filter(move |line| !there.contains(line))
    };
    let both = before.iter().zip(after);
    both.flat_map(|(before, after)| only(before, after).chain(only(after, before))).collect()
}

/// By S7, with what would change it; what was prepared for it is undone.
fn refused(operator: &Operator<'_>) {
    operator.sees(RUN, &["REFUSED", "exit code 40", "S7 on g3: g3 is BEHIND by", "choose a candidate"]);
    operator.sees_line(SOON, &["✗", "bootstrap g3", "refused"]);
    operator.sees_line(SOON, &["✓", "unfreeze"]);
    operator.sees_line(SOON, &["✓", "release"]);
}

/// What is asked stays in sight at every size, and what was typed stays typed; what is pasted is no answer.
fn confirms_while_the_terminal_changes(operator: &Operator<'_>, best: &str) {
    let (title, asked) = (format!("BOOTSTRAP {best}"), format!("{best} lose 0"));
    operator.sees(RUN, &["WAITING FOR YOU", &title]);
    operator.presses("<enter>", &[&title, "machine", "loses", "backup", "evidence", &asked]);
    for other in ALL.iter().filter(|node| **node != best) {
        operator.sees(SOON, &[&format!("{other} joins")]);
    }
    operator.screen.paste(&asked);
    let (begun, rest) = asked.split_at(5);
    let typed = format!("▶ › {begun}");
    let is_whole = |seen: &str, (columns, rows): (u16, u16)| {
        let last = seen.lines().nth(usize::from(rows) - 1).unwrap_or_default();
        last.starts_with('┗') && last.chars().count() == usize::from(columns)
    };
    operator.screen.keys(begun);
    for size in [USUAL, LEAST, USUAL] {
        operator.screen.resize(size.0, size.1);
        operator.looks(SOON, &format!("the confirmation at {size:?}"), |seen| {
            // What was typed, and nothing of what was pasted.
            seen.lines().any(|line| line.trim_matches(['┃', ' ']) == typed)
                && seen.contains(&title)
                && flat(seen).contains(&asked)
                && is_whole(seen, size)
        });
    }
    operator.presses(rest, &[&format!("› {asked}")]);
    operator.screen.keys("<enter>");
}

/// A node out of reach is waived by its name, rule by rule; it is left out until it is there again, and then rejoined.
pub(crate) fn one_is_missing() -> Result<(), String> {
    let lab = Lab::up("bgt-miss", &[]);
    let desk = Desk::new(&lab, "desk");
    lab.sql("g1", "CREATE DATABASE t; CREATE TABLE t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100)); INSERT INTO t.w (pad) VALUES ('x')");
    lab.until_healthy();
    lab.fault("kill", &ALL);
    let away = lab.fault("unreachable", &["g3"]);

    let operator = Operator::sits_down(&desk, lab.path(), &[]);
    operator.sees(SOON, &["OUTAGE", "UNKNOWN", "✗ timeout"]);
    operator.walks("galera-bootstrap");
    operator.sees(SOON, &["BREAK THE GLASS"]);
    operator.gives_a_reason("g3 does not answer");
    // Nobody is a candidate while a node is not known; the one to choose says why.
    let best = operator.opens_the_choice("the highest known position, but that of g3 is not known");
    operator.chooses(&best);
    operator.waives("S4", "g3 lose 0", "g3 lose unknown");
    operator.waives("S5", "g3", "g3 is fenced");
    operator.sees(RUN, &["WAITING FOR YOU", &format!("BOOTSTRAP {best}")]);
    let asked = format!("{best} lose 0");
    operator.presses("<enter>", &[&format!("BOOTSTRAP {best}"), &asked, "g3 stays out"]);
    operator.presses(&asked, &[&format!("› {asked}")]);
    operator.screen.keys("<enter>");
    operator.sees(RUN, &["PARTIAL", "exit code 10", "g3 stays out"]);
    operator.presses("m", &["DEGRADED", "✓ SYNCED", "g3 was not read"]);

    lab.heal(&away);
    // What it holds is read first; the finding leads there, and then back into the cluster.
    operator.sees(SOON, &["DEGRADED", "✗ crashed", "→ galera-positions"]);
    operator.presses("<enter>", &["▶ galera-positions", "suggested"]);
    operator.screen.keys("<enter>");
    operator.sees(RUN, &["DONE", "exit code 0"]);
    operator.presses("m", &["DEGRADED", "recovered", "→ galera-rejoin"]);
    operator.presses("<enter>", &["▶ galera-rejoin", "suggested"]);
    operator.screen.keys("<enter>");
    operator.sees(RUN, &["WAITING FOR YOU", "JOIN g3"]);
    operator.presses("<enter>", &["JOIN g3", "g3 lose 0"]);
    operator.presses("g3 lose 0", &["› g3 lose 0"]);
    operator.screen.keys("<enter>");
    operator.sees(RUN, &["DONE", "exit code 0"]);
    operator.presses("m", &["HEALTHY", "size 3"]);
    whole(&lab, &desk);
    operator.leaves("q", 0);
    Ok(())
}

/// Whoever sits at the desk: the program in tmux, and a terminal that looks at it.
struct Operator<'a> {
    desk: &'a Desk<'a>,
    tmux: Tmux,
    screen: Screen,
    /// Where the shell around the program writes its exit code.
    exit: PathBuf,
}

impl<'a> Operator<'a> {
    fn sits_down(desk: &'a Desk<'a>, inventory: &str, arguments: &[&str]) -> Self {
        let home = Home::new();
        let exit = home.path().join("exit");
        let (code, state) =
            (exit.to_string_lossy().into_owned(), desk.state().to_string_lossy().into_owned());
        let tmux = Tmux::new(&home);
        let shell = ["sh", "-c", "\"$@\"; echo $? >\"$0\"", &code, BREAKGLASS];
        let usual = ["--inventory", inventory, "--state-dir", &state];
        let screen = tmux.start(&[&shell, arguments, &usual[..]].concat(), USUAL.0, USUAL.1);
        screen.within(SOON, "the first survey", |screen| text(screen).contains(" LAB "));
        Self { desk, tmux, screen, exit }
    }

    /// Waits until all of that stands on the screen at once; a line break in between does not count.
    fn sees(&self, within: Duration, wanted: &[&str]) -> String {
        self.looks(within, &format!("{wanted:?}"), |seen| {
            let flat = flat(seen);
            wanted.iter().all(|words| seen.contains(words) || flat.contains(words))
        })
    }

    /// Waits for a line that holds all of that.
    fn sees_line(&self, within: Duration, wanted: &[&str]) -> String {
        self.looks(within, &format!("a line with {wanted:?}"), |seen| line(seen, wanted).is_some())
    }

    /// Waits until a row of the matrix says so of every node.
    fn sees_on_all(&self, row: &str, word: &str) -> String {
        let of_all = |seen: &str| {
            let row = seen.lines().find(|line| line.trim_start().starts_with(row));
            row.is_some_and(|line| line.matches(word).count() == ALL.len())
        };
        self.looks(SOON, &format!("{row}: {word} on every node"), of_all)
    }

    /// Waits until the screen is so and says whose cluster it is. What a look is for has to stand in `test`: the terminal
    /// may be in the middle of a frame.
    fn looks(&self, within: Duration, what: &str, test: impl Fn(&str) -> bool) -> String {
        let mut seen = String::new();
        self.screen.within(within, &format!("{what}, of the lab"), |screen| {
            seen = text(screen);
            is_the_labs(&seen) && test(&seen)
        });
        seen
    }

    /// Presses keys, and waits for what they lead to.
    fn presses(&self, keys: &str, wanted: &[&str]) -> String {
        self.screen.keys(keys);
        self.sees(SOON, wanted)
    }

    /// From the matrix to the runbooks, and to that one.
    fn walks(&self, runbook: &str) {
        self.screen.keys("r");
        let mut seen = self.sees(SOON, &["Runbooks", "▶ "]);
        while line(&seen, &["▶ ", runbook]).is_none() {
            let before = line(&seen, &["▶ "]).unwrap_or_default().to_owned();
            self.screen.keys("j");
            seen = self.looks(SOON, "the next runbook", |seen| {
                line(seen, &["▶ "]).is_some_and(|line| line != before)
            });
        }
        self.screen.keys("<enter>");
    }

    /// The form that breaks the glass, wrong first: both lines are needed.
    fn gives_a_reason(&self, reason: &str) {
        self.presses("<enter>", &["both go into the record", "READ-ONLY"]);
        self.presses(&format!("{reason}<enter>"), &[reason, "▶ incident"]);
        self.presses("LAB-1", &["› LAB-1"]);
        self.presses("<enter>", &["GLASS BROKEN", "LAB-1"]);
    }

    /// Opens the choice of the target, and returns the first node of which it says that.
    fn opens_the_choice(&self, wanted: &str) -> String {
        self.sees(RUN, &["WAITING FOR YOU", "the choice of target"]);
        self.screen.keys("<enter>");
        let said = |seen: &str| {
            ALL.into_iter().find(|node| entry(seen, node).is_some_and(|text| text.contains(wanted)))
        };
        let seen = self.looks(SOON, wanted, |seen| seen.contains("CHOOSE  target") && said(seen).is_some());
        said(&seen).unwrap_or_default().to_owned()
    }

    /// Goes to that node in the choice, and takes it.
    fn chooses(&self, node: &str) {
        let marked =
            |seen: &str| ALL.iter().position(|node| line(seen, &["▶ ", &format!(" {node} ")]).is_some());
        let to = ALL.iter().position(|other| *other == node);
        // Nobody is marked before the first key.
        self.screen.keys("j");
        let mut seen =
            self.looks(SOON, "a node is marked", |seen| seen.contains("CHOOSE") && marked(seen).is_some());
        while marked(&seen) != to {
            let from = marked(&seen);
            self.screen.keys(if from < to { "j" } else { "k" });
            seen = self.looks(SOON, "another node is marked", |seen| {
                marked(seen).is_some_and(|at| Some(at) != from)
            });
        }
        self.screen.keys("<enter>");
    }

    /// A waiver on g3: what is wrong is no answer, a reason is needed, and how long it holds is said.
    fn waives(&self, rule: &str, wrong: &str, asked: &str) {
        let title = format!("{rule} on g3");
        self.sees(RUN, &["WAITING FOR YOU", &format!("the waiver of {title}")]);
        self.presses("<enter>", &[&format!("WAIVE {title}"), asked, "instead", "reason", "minutes"]);
        self.presses(&format!("{wrong}<enter>"), &["Not what is asked; nothing happened (1 of 3)"]);
        self.presses(&format!("{asked}<enter>"), &[asked, "▶ reason"]);
        self.presses("it burnt down<enter>", &["it burnt down", "▶ minutes"]);
        self.presses("10", &["› 10"]);
        self.screen.keys("<enter>");
    }

    /// Detaches, and comes back when the record holds that: the run goes on while nobody looks.
    fn looks_away_until(self, recorded: &str) -> Self {
        let Self { desk, tmux, screen, exit } = self;
        tmux.detach(screen);
        until(RUN, &format!("{recorded} in the record"), || {
            std::fs::read_to_string(desk.log()).is_ok_and(|log| log.contains(recorded))
        });
        let screen = tmux.attach(USUAL.0, USUAL.1);
        screen.within(SOON, "the same screen", |screen| text(screen).contains(" LAB "));
        Self { desk, tmux, screen, exit }
    }

    /// Leaves with those keys; the program ends with that code.
    fn leaves(mut self, keys: &str, code: i32) {
        self.screen.keys(keys);
        self.screen.wait_exit();
        let exit = std::fs::read_to_string(&self.exit).unwrap_or_default();
        assert_eq!(exit.trim(), code.to_string(), "{}", self.screen.picture());
    }
}

/// Whether the first line says so, or inside a frame the second.
fn is_the_labs(seen: &str) -> bool {
    seen.lines().take(2).any(|line| line.trim_matches(['┃', '║', ' ']).starts_with("LAB "))
}

/// The first line that holds all of that.
fn line<'s>(seen: &'s str, wanted: &[&str]) -> Option<&'s str> {
    seen.lines().find(|line| wanted.iter().all(|words| line.contains(words)))
}

/// The text without its frames and line breaks, as it is read.
fn flat(seen: &str) -> String {
    let words = |line: &str| {
        let line = line.rsplit_once('│').map_or(line, |(_, right)| right);
        line.trim_matches(['┃', '║', ' ']).to_owned()
    };
    let all: Vec<String> = seen.lines().map(words).collect();
    all.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the choice says of a node: its line and those that go on from it.
fn entry(seen: &str, node: &str) -> Option<String> {
    let of = |line: &str, node: &str| {
        line.trim_start_matches([' ', '▶', '★']).strip_prefix(node).is_some_and(|rest| rest.starts_with("  "))
    };
    let mut lines = seen.lines().skip_while(|line| !of(line, node));
    let first = lines.next()?.trim();
    let more = lines.take_while(|line| !line.is_empty() && !ALL.iter().any(|other| of(line, other)));
    Some(std::iter::once(first).chain(more.map(str::trim)).collect::<Vec<_>>().join(" "))
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
