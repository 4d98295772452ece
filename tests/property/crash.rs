//! Breakglass's own crash, everywhere: at every record and at every send of every runbook, before and after. Run again as
//! an operator would, it converges: all members SYNCED, one Primary Component formed and no second, nothing of ours left
//! on any node, no act of which nobody knows, the record whole.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use breakglass::engine::RunResult;
use breakglass::facts::NodeName;
use breakglass::runbook;

use super::history::{History, Who};
use super::operator::Waives;
use super::play::{How, staged};
use super::stage::broken;

/// A runbook, what befell the cluster before, and how many Primary Components are formed until all is well.
struct Scenario {
    runbook: &'static str,
    set: &'static [(&'static str, &'static str)],
    /// Where no overlay can be had.
    no_overlay: Option<&'static str>,
    before: &'static str,
    formed: usize,
}

/// Every runbook, where it does its whole work.
const SCENARIOS: &[Scenario] = &[
    Scenario {
        runbook: "galera-positions",
        set: &[],
        no_overlay: None,
        before: "seed 1\nnodes 3\n1.0 kill g1\n1.1 kill g2\n1.2 kill g3",
        formed: 1,
    },
    // No overlay is to be had, so that the position is recovered in place.
    Scenario {
        runbook: "galera-positions",
        set: &[("direct", "g1")],
        no_overlay: Some("g1"),
        before: "seed 2\nnodes 3\n1.0 kill g1\n1.1 kill g2\n1.2 kill g3",
        formed: 1,
    },
    Scenario {
        runbook: "galera-start-all",
        set: &[],
        no_overlay: None,
        before: "seed 3\nnodes 3\nrestarts no\n1.0 kill g1\n1.1 kill g2\n1.2 kill g3",
        formed: 1,
    },
    // One waits for a Primary Component, and a leftover would found another cluster.
    Scenario {
        runbook: "galera-bootstrap",
        set: &[],
        no_overlay: None,
        before: "seed 4\nnodes 3\n1.0 kill g1\n1.1 kill g2\n1.2 kill g3\n4.0 leftover-flag g3\n5.0 start g2",
        formed: 1,
    },
    Scenario {
        runbook: "galera-bootstrap",
        set: &[],
        no_overlay: None,
        before: "seed 5\nnodes 3\nload 0\n1.0 stop g1\n2.0 stop g3\n3.0 stop g2",
        formed: 1,
    },
    // What the others lack is no longer cached: they take everything.
    Scenario {
        runbook: "galera-bootstrap",
        set: &[],
        no_overlay: None,
        before: "seed 6\nnodes 3\ngcache 60\nload 400\n1.0 kill g1\n12.0 stop g2\n14.0 stop g3",
        formed: 1,
    },
    Scenario {
        runbook: "galera-rejoin",
        set: &[("node", "g3")],
        no_overlay: None,
        before: "seed 7\nnodes 3\n1.0 kill g3\n4.0 leftover-flag g3",
        formed: 0,
    },
    Scenario {
        runbook: "galera-rejoin",
        set: &[("node", "g2")],
        no_overlay: None,
        before: "seed 8\nnodes 3\ngcache 60\nload 400\n1.0 kill g2",
        formed: 0,
    },
];

/// Where Breakglass ends.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Record(usize, bool),
    Send(usize, bool),
}

impl Scenario {
    fn history(&self) -> History {
        format!("operator plain\narrives 30.0\n{}", self.before).parse().unwrap()
    }

    fn how(&self, cut: Option<Cut>) -> How {
        let inputs: BTreeMap<String, NodeName> = self
            .set
            .iter()
            .map(|(input, node)| ((*input).to_owned(), NodeName::new(node).unwrap()))
            .collect();
        let (dies, dies_sending) = match cut {
            Some(Cut::Record(at, before)) => (Some((at, before)), None),
            Some(Cut::Send(at, before)) => (None, Some((at, before))),
            None => (None, None),
        };
        let no_overlay = self.no_overlay.map(|node| NodeName::new(node).unwrap());
        How { inputs, dies, dies_sending, no_overlay }
    }

    /// How many records and sends a whole run takes.
    fn whole(&self) -> (usize, usize) {
        let history = self.history();
        let mut size = (0, 0);
        let played = staged(&history, true, |theatre| {
            theatre.stage.pass(history.arrives);
            let ended = theatre.run(self.runbook, &self.how(None), Who::Plain, Waives::Nothing);
            if ended.as_ref().is_none_or(|ended| ended.result != RunResult::Done) {
                broken(format!("uncut, it ended {ended:?}"));
            }
            size = (theatre.written(), theatre.stage.known().walked.acts.len());
            self.converges(theatre);
        });
        if let Some(why) = played.broken {
            panic!("{} {}: {why}\n{}", self.runbook, self.before, played.trace.join("\n"));
        }
        size
    }

    fn cut(&self, cut: Cut) -> Result<(), String> {
        let history = self.history();
        let walk = |traced| {
            staged(&history, traced, |theatre| {
                theatre.stage.pass(history.arrives);
                let ended = theatre.run(self.runbook, &self.how(Some(cut)), Who::Plain, Waives::Nothing);
                if let Some(ended) = ended {
                    broken(format!("it did not end there: {ended:?}"));
                }
                theatre.stage.pass(Duration::from_secs(3));
                theatre.run(self.runbook, &self.how(None), Who::Plain, Waives::Nothing);
                self.converges(theatre);
            })
        };
        match walk(false).broken {
            None => Ok(()),
            Some(why) => {
                let trace = walk(true).trace;
                let from = trace.len().saturating_sub(250);
                Err(format!(
                    "{} cut at {cut:?}: {why}\n{}\n{}",
                    self.runbook,
                    self.before,
                    trace[from..].join("\n")
                ))
            }
        }
    }

    fn converges(&self, theatre: &mut super::play::Theatre<'_>) {
        if !theatre.gets_there(Waives::Nothing) {
            let (_, judgement) = theatre.look();
            broken(format!("it does not get there: {}", super::play::findings(&judgement)));
        }
        theatre.nothing_left();
        theatre.verified();
        let formed = theatre.stage.sim.truth().formed;
        if formed.len() != self.formed {
            broken(format!("{} Primary Components were formed: {formed:?}", formed.len()));
        }
    }
}

#[test]
fn every_runbook_has_a_scenario() {
    for book in runbook::library() {
        assert!(SCENARIOS.iter().any(|scenario| scenario.runbook == book.id), "{}", book.id);
    }
}

/// `BREAKGLASS_CRASHES=all` cuts everywhere; without, every seventh place of each runbook is taken.
#[test]
fn a_crash_at_every_record_and_send_converges() {
    let every = if std::env::var("BREAKGLASS_CRASHES").is_ok_and(|word| word == "all") { 1 } else { 7 };
    let mut cuts: Vec<(&Scenario, Cut)> = Vec::new();
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        let (records, sends) = scenario.whole();
        let both = [true, false];
        let all = both.into_iter().flat_map(|before| {
            let records = (1..=records).map(move |at| Cut::Record(at, before));
            records.chain((0..sends).map(move |at| Cut::Send(at, before)))
        });
        cuts.extend(all.skip(number % every).step_by(every).map(|cut| (scenario, cut)));
    }
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((scenario, cut)) = cuts.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(why) = scenario.cut(*cut) {
                        failed.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    super::say(&format!(
        "crash: {} of Breakglass's own crashes, {} did not converge",
        cuts.len(),
        failed.len()
    ));
    for why in failed.iter().skip(1).take(40) {
        super::say(why.lines().next().unwrap_or_default());
    }
    assert!(failed.is_empty(), "{} of {}; the first:\n{}", failed.len(), cuts.len(), failed[0]);
    assert!(cuts.len() > 100, "only {} places", cuts.len());
}
