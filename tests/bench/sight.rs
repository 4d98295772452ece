//! How long the four other nodes of five take to be complete, with the fifth out of reach and with it healed.
//!
//! Needs root and a lab: `cargo bench --bench sight`. It prints the medians of 20 paired runs and their ratio, the
//! healed survey being the peer of the same run; the target is a ratio of at most 1.1.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

#[path = "../support/lab.rs"]
#[expect(dead_code, reason = "shared with the lab suite")]
mod lab;

use jiff::Timestamp;

use lab::Lab;

const PAIRS: usize = 20;

fn main() {
    if let Err(why) = lab::requirements() {
        println!("sight: not run ({why})");
        return;
    }
    let lab = Lab::up("bgb-five", &["--nodes", "5"]);
    // One survey to warm the caches of both ends; it is not counted.
    complete(&lab);
    for kind in ["unreachable", "freeze-machine"] {
        let (mut broken, mut healed) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            let id = lab.fault(kind, &["g5"]);
            broken.push(complete(&lab));
            lab.heal(&id);
            lab.until_healthy();
            healed.push(complete(&lab));
        }
        let (broken, healed) = (median(&mut broken), median(&mut healed));
        println!(
            "sight: {kind}: four nodes complete after {broken:.3} s, healed {healed:.3} s, ratio {:.2} \
             (median of {PAIRS} pairs)",
            broken / healed
        );
    }
}

/// Seconds from the start of the program until the last of the first four nodes was complete.
fn complete(lab: &Lab) -> f64 {
    let begun = Timestamp::now();
    let (_, status) = lab.status();
    let nodes = status["clusters"][0]["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .take(4)
        .map(|node| node["at"].as_str().expect("at").parse::<Timestamp>().expect("a time"))
        .map(|at| at.duration_since(begun).as_secs_f64())
        .fold(0.0, f64::max)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap()
}
