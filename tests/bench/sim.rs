//! How fast the simulated cluster goes: events of its queue, surveys, and whole histories, each by the second.
//!
//! `cargo bench --bench sim [-- ROUNDS [events|surveys|histories]]`, on any machine. An event is what the world takes from its queue: clients that
//! commit (four a second), a server that has recovered its position, a view that forms, a restart. A survey is what the
//! engine makes of three nodes: the probe's text written, read and judged; its peer is `serde_json` reading the very facts
//! that were read, from their text in `status --json`, in the same run. A history is a cluster of three that is set up,
//! killed, and recovered by `galera-bootstrap` with its whole record. Exit 1 where an optimised build is below a budget.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

#[path = "../sim/walk.rs"]
mod walk;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use breakglass::engine::RunResult;
use breakglass::facts::Survey;
use breakglass::judge::judge;
use breakglass::nodes::sim::{Fault, Sim};
use tokio::runtime::Runtime;
use walk::{Walk, name};

/// What an optimised build must do in a second.
const EVENTS: f64 = 100_000.0;
const SURVEYS: f64 = 1_000.0;
const HISTORIES: f64 = 20.0;

fn kill_all(sim: &Sim) {
    for node in sim.names() {
        sim.fault(&Fault::Kill(node)).unwrap();
        sim.pass(Duration::from_millis(80));
    }
    sim.pass(Duration::from_secs(2));
}

/// Days of a cluster of which a node crashes every hour, and all of which crash once a day: how many events, in what time.
fn events(rounds: u64) -> (u64, Duration) {
    let (began, mut events) = (Instant::now(), 0);
    for seed in 0..rounds {
        let sim = walk::sim(seed);
        for (hour, node) in (0..48).zip(["g1", "g2", "g3"].into_iter().cycle()) {
            sim.fault(&Fault::Crash(name(node))).unwrap();
            if hour % 24 == 23 {
                for node in sim.names() {
                    // The one that has just crashed has no server.
                    let _ = sim.fault(&Fault::Crash(node));
                }
            }
            sim.pass(Duration::from_hours(1));
        }
        assert!(sim.truth().nodes.iter().all(|node| node.synced), "seed {seed}: {:?}", sim.truth());
        events += sim.events();
    }
    (events, began.elapsed())
}

/// Surveys of one cluster, each judged; and the last of them.
fn surveys(runtime: &Runtime, sim: &Sim, rounds: u64) -> (Survey, Duration) {
    let mut last = runtime.block_on(walk::survey(sim));
    let began = Instant::now();
    for _ in 0..rounds {
        last = runtime.block_on(walk::survey(sim));
        black_box(judge(&last));
    }
    (last, began.elapsed())
}

/// Surveys of a cluster in this state, beside what `serde_json` takes.
fn beside(runtime: &Runtime, state: &str, sim: &Sim, rounds: u64) -> bool {
    let (survey, took) = surveys(runtime, sim, rounds);
    let within = rate(&format!("surveys of a {state} cluster"), rounds, took, SURVEYS);
    let (bytes, read) = json(&survey, rounds);
    let each = |took: Duration| took.as_secs_f64() * 1e3 / f64::from(u32::try_from(rounds).unwrap());
    println!(
        "sim:   each {:.3} ms; serde_json reads the same facts ({} KiB) in {:.3} ms; ratio {:.2}",
        each(took),
        bytes / 1024,
        each(read),
        each(took) / each(read)
    );
    within
}

/// The facts as `status --json` says them, read back: how long it takes for one survey.
fn json(survey: &Survey, rounds: u64) -> (usize, Duration) {
    let texts: Vec<String> =
        survey.nodes.iter().map(|node| serde_json::to_string(&node.facts).unwrap()).collect();
    let began = Instant::now();
    for _ in 0..rounds {
        for text in &texts {
            black_box(serde_json::from_str::<serde_json::Value>(black_box(text)).unwrap());
        }
    }
    (texts.iter().map(String::len).sum(), began.elapsed())
}

/// Histories to their end.
fn histories(runtime: &Runtime, rounds: u64) -> Duration {
    let began = Instant::now();
    for seed in 0..rounds {
        let sim = walk::sim(seed);
        kill_all(&sim);
        let mut walk = Walk::new(&sim);
        let ended = runtime.block_on(walk.run("galera-bootstrap", &[]));
        assert_eq!(ended.result, RunResult::Done, "seed {seed}: {}", walk.told(&ended));
        assert!(sim.truth().nodes.iter().all(|node| node.synced), "seed {seed}: {:?}", sim.truth());
    }
    began.elapsed()
}

fn rate(what: &str, count: u64, took: Duration, budget: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = count as f64 / took.as_secs_f64();
    println!("sim: {what}: {rate:.0} a second ({count} in {:.3} s; budget {budget:.0})", took.as_secs_f64());
    rate >= budget
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(20);
    let parts = ["events", "surveys", "histories"];
    let named: Vec<&str> = parts.into_iter().filter(|part| words.iter().any(|word| word == part)).collect();
    let wanted = |part| named.is_empty() || named.contains(&part);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut within = true;
    if wanted("events") {
        let (count, took) = events(rounds);
        within &= rate("events", count, took, EVENTS);
    }
    if wanted("surveys") {
        let (healthy, killed) = (walk::sim(1), walk::sim(1));
        kill_all(&killed);
        for (state, sim) in [("healthy", &healthy), ("killed", &killed)] {
            within &= beside(&runtime, state, sim, rounds * 20);
        }
    }
    if wanted("histories") {
        within &= rate("histories", rounds, histories(&runtime, rounds), HISTORIES);
    }
    if cfg!(debug_assertions) {
        println!("sim: not an optimised build: its figures are held to no budget");
        return ExitCode::SUCCESS;
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
