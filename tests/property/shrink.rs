//! Makes a failing history small: fewer lines, then a plainer cluster, then shorter times, as long as it fails.

use std::time::{Duration, Instant};

use super::history::{History, Line, topology};

/// The smallest that still fails by this way of making it smaller; `fails` tells. After `time` the best so far is it.
pub(crate) fn shrink(history: &History, time: Duration, fails: impl Fn(&History) -> bool) -> History {
    let begun = Instant::now();
    let mut best = history.clone();
    let mut smaller = true;
    while smaller {
        smaller = false;
        for candidate in candidates(&best) {
            if begun.elapsed() > time {
                return best;
            }
            if fails(&candidate) {
                best = candidate;
                smaller = true;
                break;
            }
        }
    }
    best
}

/// Smaller histories, the most daring first.
fn candidates(history: &History) -> Vec<History> {
    let mut all = Vec::new();
    let mut size = history.lines.len() / 2;
    while size > 0 {
        for from in (0..history.lines.len()).step_by(size) {
            let mut fewer = history.clone();
            let to = (from + size).min(fewer.lines.len());
            fewer.lines.drain(from..to);
            all.push(fewer);
        }
        size /= 2;
    }
    let usual = topology(history.topology.nodes.len());
    let mut plainer = |change: &dyn Fn(&mut History)| {
        let mut other = history.clone();
        change(&mut other);
        if other != *history {
            all.push(other);
        }
    };
    plainer(&|other| other.topology = usual.clone());
    plainer(&|other| other.topology.arbitrators = Vec::new());
    plainer(&|other| other.topology.proxies = Vec::new());
    plainer(&|other| other.topology.weights = Vec::new());
    plainer(&|other| other.topology.monit = false);
    plainer(&|other| other.topology.load = 0);
    plainer(&|other| other.topology.gcache = usual.gcache);
    plainer(&|other| other.topology.disk = usual.disk);
    plainer(&|other| other.topology.flush = usual.flush);
    plainer(&|other| other.topology.restarts = true);
    plainer(&|other| other.topology.restarts = false);
    plainer(&|other| other.topology.enabled = true);
    plainer(&|other| {
        // The last node, where nothing names it.
        let gone = other.topology.nodes.last().cloned();
        let named = other.lines.iter().any(|line| match line {
            Line::At(_, fault) | Line::On(_, fault) => {
                fault.nodes().into_iter().any(|node| Some(node) == gone.as_ref())
            }
            Line::Dies { .. } => false,
        });
        if other.topology.nodes.len() > 2 && !named {
            other.topology.nodes.pop();
        }
    });
    // Times to whole seconds.
    plainer(&|other| {
        for line in &mut other.lines {
            if let Line::At(at, _) = line {
                *at = Duration::from_secs(at.as_secs());
            }
        }
        other.arrives = Duration::from_secs(other.arrives.as_secs() + 1);
    });
    all
}
