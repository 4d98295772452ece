//! Drills through the program: played to their end line by line, listed, and their files held to every check.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use breakglass::engine::{self, Nodes as _};
use breakglass::facts::{Family, Mode, keys};
use breakglass::judge::{self, Verdict};
use breakglass::practice::drill::{self, Drill};
use serde_json::Value;
use tempfile::TempDir;

/// A workstation of its own; `typed` goes to standard input.
fn run(home: &Path, arguments: &[&str], typed: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.args(arguments).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn records(home: &Path) -> Vec<Value> {
    let log = fs::read_to_string(home.join("state/audit/drill/shop/log.jsonl")).unwrap();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn play(home: &TempDir, typed: &str) -> (i32, String) {
    let state = home.path().join("state");
    let arguments =
        ["drill", "play", "all-killed", "--plain", "--seed", "1", "--state-dir", state.to_str().unwrap()];
    let output = run(home.path(), &arguments, typed);
    (output.status.code().unwrap(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

#[test]
fn the_last_view_is_started_together_and_the_drill_is_won() {
    let home = tempfile::tempdir().unwrap();
    let (code, said) = play(&home, "1\n1\nstatus\n1\ngalera-start-all\n");
    assert_eq!(code, 0, "{said}");
    for words in [
        "All three were killed",
        "OUTAGE  shop · galera · DRILL",
        "galera-positions on shop: drill: All three were killed",
        "HEALTHY  shop · galera · DRILL",
        "The last view formed again by itself, going on from",
        "DRILL all-killed seed 1: won in",
        "0 write-sets dropped; 0 wrong confirmations, 0 refusals, 0 waivers; diagnosis right, node right",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    let records = records(home.path());
    assert!(records.iter().all(|record| record["mode"] == "drill"), "every record says what it is");
    assert!(records.iter().all(|record| record["body"]["class"] != "destructive"));
    // What was done can be proved like the real thing.
    let log = home.path().join("state/audit/drill/shop");
    let verified = run(home.path(), &["audit", "verify", log.to_str().unwrap()], "");
    let told = format!("{}{}", text(&verified.stdout), text(&verified.stderr));
    // A drill's head is remembered nowhere: its record is intact, and not provable.
    assert_eq!(verified.status.code(), Some(61), "{told}");
    assert!(told.contains("NOT PROVABLE: no-head"), "{told}");
}

#[test]
fn a_bootstrap_is_confirmed_by_its_own_words_and_a_slip_is_counted() {
    let home = tempfile::tempdir().unwrap();
    // Once to learn what is asked; what it asks for depends on the seed alone.
    let (code, said) = play(&home, "2\n\ngalera-bootstrap\nyes\nquit\n");
    assert_eq!(code, 10, "{said}");
    assert!(said.contains("1 wrong confirmations"), "{said}");
    assert!(said.contains("diagnosis wrong, node not answered"), "{said}");
    assert!(said.contains("still to be reached: db1, db2, db3: not SYNCED"), "{said}");
    let asked =
        said.lines().find_map(|line| line.trim().strip_prefix("Type   ")?.split_once("   to go on")).unwrap();
    let (code, said) = play(&home, &format!("1\n1\n3\n{}\n", asked.0));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("was bootstrapped at") && said.contains("it alone held the most"), "{said}");
    assert!(said.contains("No write-set that a surveyed node held was dropped"), "{said}");
    assert!(said.contains("0 wrong confirmations"), "the first play is not this one's: {said}");
}

#[test]
fn whoever_leaves_has_not_won() {
    let home = tempfile::tempdir().unwrap();
    let (code, said) = play(&home, "\n\n9\ngalera-start-al\nquit\n");
    assert_eq!(code, 10, "{said}");
    assert!(said.contains("there is no runbook \"9\""), "{said}");
    assert!(said.contains("did you mean galera-start-all?"), "{said}");
    assert!(said.contains("not won in"), "{said}");
    // An input that ends is a way to leave, too.
    assert_eq!(play(&home, "1\n").0, 10);
}

#[test]
fn the_list_of_drills() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["drill", "list"], "");
    assert!(
        text(&output.stdout).starts_with("all-killed\n    All three were killed\n"),
        "{}",
        text(&output.stdout)
    );
    let output = run(home.path(), &["drill", "list", "--json"], "");
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["schema"], "breakglass.drills/1");
    assert_eq!(all["drills"][0]["id"], "all-killed");
    assert_eq!(all["drills"][0]["nodes"], serde_json::json!(["db1", "db2", "db3"]));
    let output = run(home.path(), &["drill", "play", "all-kiled"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean all-killed?"));
}

const SCENARIO: &str = include_str!("../assets/drills/all-killed.toml");

#[test]
fn a_broken_scenario_is_refused_with_line_and_caret() {
    for (broken, line, wanted) in [
        (
            SCENARIO.replace("node = \"db3\"\naction = \"slow\"", "node = \"db4\"\naction = \"slow\""),
            "db4",
            "expected \"db1\", \"db2\" or \"db3\"",
        ),
        (
            SCENARIO.replace("action = \"slow\"", "action = \"explode\""),
            "explode",
            "expected \"crash\", \"kill\", \"stop\", \"slow\" or",
        ),
        (SCENARIO.replace("level = 1", "level = 9"), "level = 9", "expected a whole number from 1 to 5"),
        (SCENARIO.replacen("right = true", "right = false", 1), "[diagnosis]", "exactly one of them right"),
        (SCENARIO.replace("backend = \"sim\"", "backend = \"lab\""), "backend", "expected \"sim\""),
        (SCENARIO.replace("load = 60", "lod = 60"), "lod", "load"),
        (SCENARIO.replace("\"one-uuid\"", "\"won\""), "won", "`needs` cannot hold"),
        (SCENARIO.replace("https://", "ftp://"), "ftp://", "begins with `https://`"),
        (SCENARIO.replace("[debrief]", "[debrif]"), "debrif", "has no `debrief`"),
    ] {
        assert_ne!(broken, SCENARIO, "{line}");
        let error = drill::parse("broken.toml", broken.as_bytes()).unwrap_err().to_string();
        for words in [line, wanted, "^", "--> broken.toml:"] {
            assert!(error.contains(words), "{words}:\n{error}");
        }
    }
}

#[test]
fn files_are_checked_by_the_program() {
    let home = tempfile::tempdir().unwrap();
    let (good, bad) = (home.path().join("good.toml"), home.path().join("bad.toml"));
    fs::write(&good, SCENARIO).unwrap();
    fs::write(&bad, SCENARIO.replace("right = true", "right = 1")).unwrap();
    let output = run(home.path(), &["drill", "check", good.to_str().unwrap()], "");
    assert_eq!(
        (output.status.code(), text(&output.stdout).contains("good.toml: all-killed, 4 faults")),
        (Some(0), true)
    );
    let output = run(home.path(), &["drill", "check", good.to_str().unwrap(), bad.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("`right` must be true or false") && said.contains('^') && said.contains("bad.toml:"),
        "{said}"
    );
    let output = run(home.path(), &["drill", "check"], "");
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(0), "built in: all-killed, 4 faults\n")
    );
}

#[test]
fn every_file_of_the_folder_is_a_drill_of_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/drills");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut known: Vec<String> =
        drill::library().iter().map(|scenario| format!("{}.toml", scenario.id)).collect();
    known.sort();
    assert_eq!(names, known);
}

#[tokio::test]
async fn every_drill_begins_in_an_outage_that_its_own_right_answers_tell() {
    for scenario in drill::library() {
        for seed in 0..20 {
            let drill = Drill::begin(scenario.clone(), Some(seed)).unwrap();
            let clock = drill.sim.clock();
            let names = drill.names();
            let survey =
                engine::survey(&drill.sim, drill.cluster(), Family::Galera, &names, || clock.now(), |_| ());
            let survey = survey.await.unwrap();
            let judgement = judge::judge(&survey);
            assert_eq!(
                (survey.mode, judgement.verdict),
                (Mode::Drill, Verdict::Outage),
                "{} {seed}",
                scenario.id
            );
            assert!(judgement.candidates.is_empty(), "no position is known yet: {} {seed}", scenario.id);
            assert!(judge::re_forms(&survey), "{} {seed}", scenario.id);
            assert!(drill.won(&survey, &judgement).is(|won| !won));
            let held: Vec<u64> = drill.sim.truth().nodes.iter().map(|node| node.seqno.get()).collect();
            let apart = held.iter().max().unwrap() - held.iter().min().unwrap();
            assert!((1..=12).contains(&apart), "{held:?} with seed {seed}");
        }
    }
}

#[tokio::test]
async fn a_seed_makes_the_same_drill_to_the_last_byte() {
    let epoch = "2026-11-21T03:00:00Z".parse().unwrap();
    let mut all = Vec::new();
    for _ in 0..2 {
        let drill = Drill::begin_at(drill::library().remove(0), Some(5), epoch).unwrap();
        let survey = drill.sim.survey(&drill.names()[2]).await;
        assert!(survey.facts.get(keys::HOST_DRILL).is(|is| *is));
        all.push(serde_json::to_string(&survey.facts).unwrap());
    }
    assert_eq!(all[0], all[1]);
}
