//! The property over all safety rules: an operator who confirms everything that is offered and waives nothing cannot make
//! Breakglass drop a write-set that a surveyed node holds. Over random histories of faults, on simulated clusters, with
//! three operators; what is checked stands in `property/oracle.rs` and `property/play.rs`.
//!
//! `cargo test --test property` plays a few histories. `BREAKGLASS_HISTORIES=N` sets how many,
//! `BREAKGLASS_SEED=N` the first seed; a failure prints its history, shrunk, and how to play it again.

#![expect(
    clippy::cast_precision_loss,
    clippy::redundant_closure_for_method_calls,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test suite"
)]

#[path = "property/classes.rs"]
mod classes;
#[path = "property/crash.rs"]
mod crash;
#[path = "property/generate.rs"]
mod generate;
#[path = "property/history.rs"]
mod history;
#[path = "property/holds.rs"]
mod holds;
#[path = "support/memory.rs"]
mod memory;
#[path = "property/operator.rs"]
mod operator;
#[path = "property/oracle.rs"]
mod oracle;
#[path = "property/play.rs"]
mod play;
#[path = "property/rng.rs"]
mod rng;
#[path = "property/shrink.rs"]
mod shrink;
#[path = "property/stage.rs"]
mod stage;
#[path = "property/tally.rs"]
mod tally;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use history::History;
use play::play;
use tally::Tally;

/// How many histories are played where nothing else is said.
const HISTORIES: u64 = 40;
const FIRST_SEED: u64 = 1;
/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// How many seconds smaller histories are tried for.
const SHRINKS_FOR: u64 = 60;

fn number(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")),
        Err(_) => usual,
    }
}

/// To the terminal, whether the test's output is captured or not.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn random_histories_keep_the_promise() {
    let (first, count) = (number("BREAKGLASS_SEED", FIRST_SEED), number("BREAKGLASS_HISTORIES", HISTORIES));
    let begun = Instant::now();
    let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let total = Mutex::new(Tally::default());
    let failed: Mutex<Vec<(History, String)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Which are played, and since when: one that does not end is told by its seed.
    let playing: Mutex<BTreeMap<u64, Instant>> = Mutex::default();
    let work = || {
        while !over.load(Ordering::SeqCst) {
            let at = next.fetch_add(1, Ordering::SeqCst);
            if at >= count {
                break;
            }
            let history = generate::history(first + at);
            playing.lock().unwrap().insert(first + at, Instant::now());
            let played = play(&history, false);
            playing.lock().unwrap().remove(&(first + at));
            total.lock().unwrap().merge(played.tally);
            if let Some(why) = played.broken {
                say(&format!("-- seed {} ({}): {}", history.seed, history.who.as_str(), first_line(&why)));
                let mut failed = failed.lock().unwrap();
                failed.push((history, why));
                // Some more say whether they are of one kind.
                over.store(failed.len() as u64 >= number("BREAKGLASS_FAILURES", 1), Ordering::SeqCst);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
            if told.elapsed() >= TOLD_EVERY {
                told = Instant::now();
                let done = next.load(Ordering::SeqCst).min(count);
                let rate = done as f64 / begun.elapsed().as_secs_f64();
                let slow: Vec<String> = playing
                    .lock()
                    .unwrap()
                    .iter()
                    .filter(|(_, since)| since.elapsed() >= TOLD_EVERY)
                    .map(|(seed, since)| format!(", seed {seed} since {} s", since.elapsed().as_secs()))
                    .collect();
                say(&format!("   {done} of {count} histories, {rate:.0} a second{}", slow.concat()));
            }
        }
    });
    let (total, failed) = (total.into_inner().unwrap(), failed.into_inner().unwrap());
    let took = begun.elapsed().as_secs_f64();
    let played = total.sum("history");
    say(&format!(
        "property: {played} histories from seed {first} in {took:.1} s, {:.1} a second{}",
        played as f64 / took,
        total.table()
    ));
    if let Some((history, why)) = failed.first() {
        panic!("{}", told(history, why));
    }
    assert!(played >= count, "{played} of {count} were played");
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What kind of failure it is: its words without numbers, so that a shrunk one is of the same.
fn kind(why: &str) -> String {
    first_line(why).chars().filter(|c| !c.is_ascii_digit()).take(60).collect()
}

/// A failure, small, with what happened and how to play it again.
fn told(history: &History, why: &str) -> String {
    let kind_of = kind(why);
    let time = Duration::from_secs(number("BREAKGLASS_SHRINK", SHRINKS_FOR));
    let small = shrink::shrink(history, time, |smaller| {
        play(smaller, false).broken.is_some_and(|why| kind(&why) == kind_of)
    });
    let played = play(&small, true);
    let file = std::env::temp_dir().join(format!("breakglass-history-{}.txt", history.seed));
    let kept = std::fs::write(&file, format!("{small}\n"));
    let from = played.trace.len().saturating_sub(160);
    format!(
        "seed {}: {why}\n\n{small}\n\n{}\n\nplay it again: BREAKGLASS_HISTORY={} cargo test --test property one_history \
         {}\nthe whole one: BREAKGLASS_SEED={} BREAKGLASS_HISTORIES=1 cargo test --test property random\n",
        history.seed,
        played.trace[from..].join("\n"),
        file.display(),
        kept.err().map(|error| format!("(not written: {error})")).unwrap_or_default(),
        history.seed,
    )
}

/// Plays the history of the file, or of the seed, that `BREAKGLASS_HISTORY` names, and tells what happened.
#[test]
fn one_history() {
    let Ok(path) = std::env::var("BREAKGLASS_HISTORY") else { return };
    let history: History = if let Ok(seed) = path.parse() {
        generate::history(seed)
    } else {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    say(&history.to_string());
    let played = play(&history, true);
    say(&played.trace.join("\n"));
    if let Some(why) = played.broken {
        panic!("{why}");
    }
}

/// What failed once and was mended is played for ever.
#[test]
fn kept_failures_stay_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let history: History = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!history.why.is_empty(), "{} does not say what went wrong", path.display());
        if let Some(why) = play(&history, false).broken {
            panic!("{}: {why}", path.display());
        }
    }
}

#[test]
fn a_history_is_read_as_it_is_written() {
    for seed in 0..300 {
        let history = generate::history(seed);
        let read: History = history.to_string().parse().unwrap();
        assert_eq!(read, history, "seed {seed}");
    }
    for bad in ["", "seed 1", "operator plain\nnodes 3", "operator plain\nnodes 3\narrives 1.0\n1.0 burn g1"]
    {
        assert!(bad.parse::<History>().is_err(), "{bad}");
    }
}

#[test]
fn the_same_history_is_the_same_to_the_last_line() {
    let history = generate::history(4);
    let (one, other) = (play(&history, true), play(&history, true));
    assert!(one.trace.len() > 10, "{:?}", one.trace);
    assert_eq!(one.trace, other.trace);
}
