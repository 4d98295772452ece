//! What the screens cost: start, keys, rest, refresh, memory; each beside a known program measured in the same run.
//!
//! `cargo bench --bench tui [-- PART…] [--seconds N] [--keys N] [--nodes N] [--rounds N]`; the parts are start, order,
//! keys, flood, idle, refresh and memory. Figures are printed as they were measured, with the budget beside them; a part
//! that cannot run says why. Exit 1 if a part failed.
#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a benchmark"
)]

#[path = "tui/cost.rs"]
mod cost;
#[path = "tui/keys.rs"]
mod keys;
#[path = "tui/nodes.rs"]
mod nodes;
#[path = "../support/pty.rs"]
#[expect(dead_code, reason = "shared with the test suites")]
mod pty;
#[path = "tui/rest.rs"]
mod rest;
#[path = "../support/sshd.rs"]
#[expect(dead_code, reason = "shared with the sshd suite")]
mod sshd;
#[path = "tui/start.rs"]
mod start;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    parts: Vec<String>,
    /// Length of a sample at rest.
    pub(crate) rest: Duration,
    pub(crate) keys: usize,
    /// Nodes of the refresh part.
    pub(crate) nodes: usize,
    /// Starts of each program.
    pub(crate) rounds: usize,
}

/// Why a part did not run, or that it ran.
pub(crate) type Ran = Result<(), String>;

impl Plan {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut plan =
            Self { parts: Vec::new(), rest: Duration::from_mins(1), keys: 1000, nodes: 3, rounds: 30 };
        while let Some(word) = words.next() {
            let mut number = || {
                let next = words.next().and_then(|word| word.parse::<u32>().ok());
                next.filter(|n| *n > 0).ok_or(format!("{word} needs a number"))
            };
            match word.as_str() {
                "--seconds" => plan.rest = Duration::from_secs(number()?.into()),
                "--keys" => plan.keys = number()? as usize,
                "--nodes" => plan.nodes = number()? as usize,
                "--rounds" => plan.rounds = number()? as usize,
                // Cargo's own word for a benchmark.
                "--bench" => {}
                part if PARTS.iter().any(|(name, _)| *name == part) => plan.parts.push(word),
                other => {
                    let parts: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
                    return Err(format!("{other}: the parts are {}", parts.join(", ")));
                }
            }
        }
        Ok(plan)
    }
}

type Part = fn(&Plan) -> Ran;

const PARTS: &[(&str, Part)] = &[
    ("start", start::start),
    ("order", start::order),
    ("keys", keys::calm),
    ("flood", keys::flood),
    ("idle", rest::idle),
    ("refresh", rest::refresh),
    ("memory", rest::memory),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some((nodes::ANSWER, rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        nodes::answer(rest);
        return ExitCode::SUCCESS;
    }
    let plan = match Plan::parse(words.into_iter()) {
        Ok(plan) => plan,
        Err(why) => {
            println!("tui: {why}");
            return ExitCode::from(2);
        }
    };
    println!("tui: terminal 120×40, {} processors, {}", processors(), build());
    let mut failed = false;
    for (name, part) in PARTS {
        if !plan.parts.is_empty() && !plan.parts.iter().any(|wanted| wanted == name) {
            println!("{name}: not run (not asked for)");
            continue;
        }
        let begun = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| part(&plan))) {
            Ok(Ok(())) => println!("{name}: ran in {:.0} s", begun.elapsed().as_secs_f64()),
            Ok(Err(why)) => println!("{name}: not run ({why})"),
            Err(_) => {
                println!("{name}: FAILED, see above");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug build: figures are not comparable" } else { "release build" }
}

/// The value below which this share of the values lies.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
    let at = ((values.len() as f64 - 1.0) * share).round() as usize;
    values[at]
}
