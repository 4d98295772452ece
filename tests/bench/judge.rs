//! How long a survey takes to judge: nine nodes, and three hundred clusters of three; beside reading the same facts as JSON.
//!
//! `cargo bench --bench judge [-- ROUNDS]`, on any machine. The nodes are captures of real ones, read as a probe's answer is:
//! their logs and options are of real length. The peer is `serde_json` reading the very facts that are judged from their
//! text in `status --json`, in the same run. Exit 1 where a budget is exceeded by an optimised build.
#![expect(clippy::indexing_slicing, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use breakglass::ask::probe::{self, Request};
use breakglass::facts::{
    ClusterName, Facts, Family, Key, Known, Mode, NodeName, NodeSurvey, Plain, Reach, Role, Survey,
    ValueType, keys,
};
use breakglass::inventory::{Server, Sql};
use breakglass::judge::judge;
use jiff::Timestamp;

/// What real nodes answered.
const CAPTURES: &[(&str, &[u8])] = &[
    ("healthy", include_bytes!("../fixtures/sim/healthy-g1.txt")),
    ("healthy", include_bytes!("../fixtures/sim/healthy-g2.txt")),
    ("healthy", include_bytes!("../fixtures/sim/healthy-g3.txt")),
    ("killed", include_bytes!("../fixtures/sim/killed-g1.txt")),
    ("killed", include_bytes!("../fixtures/sim/killed-g2.txt")),
    ("killed", include_bytes!("../fixtures/sim/killed-g3.txt")),
    ("stopped", include_bytes!("../fixtures/sim/stopped-g1.txt")),
    ("stopped", include_bytes!("../fixtures/sim/stopped-g2.txt")),
    ("stopped", include_bytes!("../fixtures/sim/stopped-g3.txt")),
];

/// A survey of so many nodes, each of its own machine.
fn survey(name: &str, captures: &[&Facts], nodes: usize, at: Timestamp) -> Survey {
    let node = |index: usize| {
        let name = format!("g{}", index + 1);
        let mut facts = captures[index % captures.len()].clone();
        note(&mut facts, keys::HOST_MACHINE_ID, &format!("machine-of-{name}"), at);
        NodeSurvey {
            name: NodeName::new(&name).unwrap(),
            role: Role::Data,
            ssh: Reach::ok(),
            sql: Reach::ok(),
            facts,
            at,
        }
    };
    Survey {
        cluster: ClusterName::new(name).unwrap(),
        family: Family::Galera,
        mode: Mode::Live,
        taken: at,
        nodes: (0..nodes).map(node).collect(),
    }
}

fn note(facts: &mut Facts, key: Key<Plain>, value: &str, at: Timestamp)
where
    Plain: ValueType,
{
    facts.set(key, Known::Known(Plain::new(value)), &Plain::new("bench"), at);
}

/// The facts as `status --json` says them.
fn json(surveys: &[Survey]) -> Vec<String> {
    surveys
        .iter()
        .flat_map(|survey| &survey.nodes)
        .map(|node| serde_json::to_string(&node.facts).unwrap())
        .collect()
}

fn median(rounds: usize, mut run: impl FnMut()) -> Duration {
    run();
    let mut took: Vec<Duration> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

/// Judges these surveys, and says how long it took; whether within the budget.
fn measure(what: &str, surveys: &[Survey], budget: Duration, rounds: usize) -> bool {
    let judged = median(rounds, || {
        for survey in surveys {
            black_box(judge(black_box(survey)));
        }
    });
    let texts = json(surveys);
    let read = median(rounds, || {
        for text in &texts {
            black_box(serde_json::from_str::<serde_json::Value>(black_box(text)).unwrap());
        }
    });
    let facts: usize =
        surveys.iter().flat_map(|survey| &survey.nodes).map(|node| node.facts.iter().count()).sum();
    let kib = texts.iter().map(String::len).sum::<usize>() / 1024;
    println!(
        "judge: {what}: {:.3} ms (budget {} ms); serde_json reads the same {facts} facts ({kib} KiB) in {:.3} ms; ratio {:.2}",
        judged.as_secs_f64() * 1e3,
        budget.as_millis(),
        read.as_secs_f64() * 1e3,
        judged.as_secs_f64() / read.as_secs_f64()
    );
    judged <= budget
}

fn main() -> ExitCode {
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(50);
    let at: Timestamp = "2026-11-21T18:00:00Z".parse().unwrap();
    let request = Request::new(&Server::default(), &Sql::Probe);
    let read: Vec<(&str, Facts)> = CAPTURES
        .iter()
        .map(|(state, answer)| (*state, probe::read(&request, answer, at).unwrap().facts))
        .collect();
    let in_state = |wanted: &str| -> Vec<&Facts> {
        read.iter().filter(|(state, _)| *state == wanted).map(|(_, facts)| facts).collect()
    };
    let all: Vec<&Facts> = read.iter().map(|(_, facts)| facts).collect();
    let (two, two_hundred) = (Duration::from_millis(2), Duration::from_millis(200));
    let mut within = true;
    for (state, captures) in
        [("healthy", in_state("healthy")), ("killed", in_state("killed")), ("mixed", all)]
    {
        let nine = survey("nine", &captures, 9, at);
        within &= measure(&format!("9 nodes, {state}"), &[nine], two, rounds);
    }
    let states = ["healthy", "killed", "stopped"].map(in_state);
    let fleet: Vec<Survey> =
        (0..300).map(|index| survey(&format!("c{index}"), &states[index % states.len()], 3, at)).collect();
    within &= measure("300 clusters of 3 nodes", &fleet, two_hundred, rounds.div_ceil(5));
    if cfg!(debug_assertions) {
        println!("judge: not an optimised build: its figures are held to no budget");
        return ExitCode::SUCCESS;
    }
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
