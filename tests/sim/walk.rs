//! An operator who confirms everything that is offered and waives nothing, on a simulated cluster.

#[path = "../support/memory.rs"]
mod memory;

use std::collections::BTreeMap;

use breakglass::engine::{
    self, Answered, Challenge, Choice, Ended, Event, Operator, Setting, WaiverAsked, WaiverGiven,
};
use breakglass::facts::{ClusterName, Family, Mode, NodeName, Survey};
use breakglass::nodes::sim::{Sim, Topology};
use breakglass::record::body::{Body, Operator as RecordedOperator};
use breakglass::record::{Log, Place};
use breakglass::runbook;
use tempfile::TempDir;

pub(crate) fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

pub(crate) fn topology() -> Topology {
    let nodes = ["g1", "g2", "g3"].map(name).into();
    Topology::new(ClusterName::new("drill").unwrap(), nodes, "2026-11-21T03:00:00Z".parse().unwrap())
}

pub(crate) fn sim(seed: u64) -> Sim {
    Sim::new(topology(), seed)
}

pub(crate) async fn survey(sim: &Sim) -> Survey {
    let clock = sim.clock();
    let cluster = topology().cluster;
    engine::survey(sim, &cluster, Family::Galera, &sim.names(), || clock.now(), |_| ()).await.unwrap()
}

/// A workstation beside a simulated cluster.
pub(crate) struct Walk {
    sim: Sim,
    dir: TempDir,
    pub(crate) asked: Vec<String>,
    said: Vec<String>,
}

impl Walk {
    pub(crate) fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), dir: memory::folder(), asked: Vec::new(), said: Vec::new() }
    }

    /// Walks a runbook to its end.
    pub(crate) async fn run(&mut self, id: &str, set: &[(&str, &str)]) -> Ended {
        let runbook = runbook::library().into_iter().find(|runbook| runbook.id == id).unwrap();
        let names = self.sim.names();
        let inputs: BTreeMap<String, NodeName> =
            set.iter().map(|(input, node)| ((*input).to_owned(), name(node))).collect();
        let data = self.sim.data();
        let plan = runbook::plan(&runbook, &data, &inputs).unwrap();
        let cluster = topology().cluster;
        let setting = Setting {
            cluster: cluster.clone(),
            family: Family::Galera,
            names,
            data,
            operator: RecordedOperator {
                login: "ann".to_owned(),
                uid: 1000,
                workstation: "ws".to_owned(),
                ssh_key: None,
            },
            pid: 1,
            reason: Some("a drill".to_owned()),
            incident: Some("DRILL-1".to_owned()),
            inventory: "sha256:0".to_owned(),
            version: "0.0.0".to_owned(),
        };
        let (sim, clock) = (self.sim.clone(), self.sim.clock());
        let ticks = clock.clone();
        let state = self.dir.path().to_owned();
        let book = move |mode: Mode| {
            assert_eq!(mode, Mode::Drill);
            Log::open(&Place::new(&state, mode, &cluster, None), &move || ticks.now())
        };
        engine::run(&sim, &clock, self, &setting, plan, book).await.unwrap()
    }

    /// Everything that was said, for a failed test's message.
    pub(crate) fn told(&self, ended: &Ended) -> String {
        format!("{}\n{}", self.said.join("\n"), ended.detail)
    }
}

impl Operator for Walk {
    fn mode(&mut self, mode: Mode) -> Result<(), String> {
        if mode == Mode::Drill { Ok(()) } else { Err("no drill".to_owned()) }
    }

    async fn choose(&mut self, choice: &Choice) -> Answered<NodeName> {
        choice.among.first().cloned().map_or_else(|| Answered::Refused("none".to_owned()), Answered::Given)
    }

    async fn confirm(&mut self, challenge: &Challenge) -> Answered<String> {
        self.asked.push(challenge.asked.clone());
        Answered::Given(challenge.asked.clone())
    }

    async fn waive(&mut self, waiver: &WaiverAsked) -> Answered<WaiverGiven> {
        self.said.push(format!("waiver asked: {:?}", waiver.blocked));
        Answered::Refused("nothing is waived".to_owned())
    }

    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Step { step, node, .. } => self.said.push(format!("step {step} {node:?}")),
            Event::Progress { text, elapsed, .. } => self.said.push(format!("  … {elapsed:?} {text}")),
            Event::Said { text, .. } => self.said.push(format!("  said {text}")),
            Event::Planned(_) | Event::Surveyed { .. } => {}
            Event::Recorded(record) => {
                if let Body::Step(step) = &record.body {
                    self.said.push(format!("  {} {}", step.state.as_str(), step.detail));
                }
                if let Body::OpOutcome(outcome) = &record.body {
                    self.said.push(format!("  {} {}", outcome.outcome.as_str(), outcome.detail));
                }
            }
        }
    }
}
