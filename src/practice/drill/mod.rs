//! Drills: a scenario on a simulated cluster, walked with the very same engine, rules and runbooks as the real thing.

mod debrief;
mod parse;
mod scenario;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

pub use debrief::Debrief;
pub use parse::{MAX_BYTES, parse};
pub use scenario::{Action, Answer, FaultAt, Need, Question, Scenario};

use crate::engine::Setting;
use crate::facts::{ClusterName, Known, Mode, NodeName, Plain, Survey, WhyKind, keys};
use crate::judge::{Judgement, Standing};
use crate::nodes::sim::{Fault, NotPossible, Sim, Topology, Truth};
use crate::record::Place;
use crate::record::body::Operator;

/// The built-in scenarios' files.
const FILES: &[(&str, &str)] = &[("all-killed.toml", include_str!("../../../assets/drills/all-killed.toml"))];

/// After the last fault: the pager takes a while.
const PAGED: Duration = Duration::from_secs(40);

/// The built-in scenarios, the easiest first. A test proves that every file is one.
pub fn library() -> Vec<Scenario> {
    FILES.iter().filter_map(|(name, text)| parse(name, text.as_bytes()).ok()).collect()
}

/// A drill could not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    /// A fault names a node that is not there, or makes no sense where it stands.
    #[error(transparent)]
    NotPossible(#[from] NotPossible),
    /// The cluster was not healthy before anything was done to it.
    #[error(
        "the simulated cluster was not healthy to begin with; report this with the scenario and its seed"
    )]
    NotSteady,
}

/// What was answered before the first act: the number of each answer, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// To [`Scenario::diagnosis`].
    pub diagnosis: Option<usize>,
    /// To [`Scenario::node`].
    pub node: Option<usize>,
}

/// A drill under way.
#[derive(Clone, Debug)]
pub struct Drill {
    /// What it is.
    pub scenario: Scenario,
    /// The seed it was begun with.
    pub seed: u64,
    /// The cluster, behind the engine's `Nodes`; its clock is [`Sim::clock`].
    pub sim: Sim,
    /// What was answered.
    pub answers: Answers,
    /// When the pager rang, on the drill's clock.
    pub paged: Timestamp,
    /// What was on the nodes then.
    found: Truth,
}

impl Drill {
    /// Begins a drill now: the cluster is proved healthy, then everything of the scenario happens, then the pager rings.
    /// `None` takes the scenario's own seed.
    pub fn begin(scenario: Scenario, seed: Option<u64>) -> Result<Self, NotBegun> {
        Self::begin_at(scenario, seed, Timestamp::now())
    }

    /// As [`Self::begin`], at a moment of one's own: with the seed it makes the same drill to the last byte.
    pub fn begin_at(scenario: Scenario, seed: Option<u64>, epoch: Timestamp) -> Result<Self, NotBegun> {
        let seed = seed.unwrap_or(scenario.seed);
        let usual = Topology::new(scenario.cluster.clone(), scenario.nodes.clone(), epoch);
        let topology =
            Topology { load: scenario.load, restarts: scenario.restarts, gcache: scenario.gcache, ..usual };
        let sim = Sim::new(topology, seed);
        if !is_steady(&sim.truth()) {
            return Err(NotBegun::NotSteady);
        }
        let mut passed = Duration::ZERO;
        for fault in &scenario.faults {
            sim.pass(fault.at.saturating_sub(passed));
            passed = fault.at;
            let node = fault.node.clone();
            sim.fault(&match fault.action {
                Action::Crash => Fault::Crash(node),
                Action::Kill => Fault::Kill(node),
                Action::Stop => Fault::Stop(node),
                Action::Slow => Fault::Slow(node),
                Action::MarkSafe => Fault::MarkSafe(node),
            })?;
        }
        sim.pass(PAGED);
        let (paged, found) = (sim.clock().now(), sim.truth());
        Ok(Self { scenario, seed, sim, answers: Answers::default(), paged, found })
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &ClusterName {
        &self.scenario.cluster
    }

    /// All nodes; all of them hold data.
    pub fn names(&self) -> Vec<NodeName> {
        self.scenario.nodes.clone()
    }

    /// What the engine is told of a run on this cluster.
    pub fn setting(&self, operator: Operator, pid: u32) -> Setting {
        Setting {
            cluster: self.scenario.cluster.clone(),
            family: self.scenario.family,
            names: self.names(),
            data: self.names(),
            operator,
            pid,
            reason: Some(format!("drill: {}", self.scenario.title)),
            incident: Some(format!("DRILL {} seed {}", self.scenario.id, self.seed)),
            inventory: self.scenario.digest.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Where its record is, apart from every real one; no head of it is remembered elsewhere.
    pub fn place(&self, state_dir: &Path) -> Place {
        Place::new(state_dir, Mode::Drill, &self.scenario.cluster, None)
    }

    /// Whether everything is reached that has to be; Unknown where a node was not read.
    pub fn won(&self, survey: &Survey, judgement: &Judgement) -> Known<bool> {
        if let Some(node) = survey.nodes.iter().find(|node| !node.ssh.is_ok()) {
            return Known::unknown(WhyKind::NotRead, format!("{} was not read", node.name));
        }
        Known::Known(self.missing(survey, judgement).is_empty())
    }

    /// What is still to be reached, a sentence each.
    pub fn missing(&self, survey: &Survey, judgement: &Judgement) -> Vec<Plain> {
        let truth = self.sim.truth();
        let needs = self.scenario.win.iter();
        needs.filter_map(|need| lacking(*need, survey, judgement, &truth)).collect()
    }
}

/// Whether the cluster is whole: all SYNCED, one history, one position.
fn is_steady(truth: &Truth) -> bool {
    let mut nodes = truth.nodes.iter();
    let Some(first) = nodes.next() else { return false };
    first.synced && nodes.all(|node| node.synced && node.uuid == first.uuid && node.seqno == first.seqno)
}

fn lacking(need: Need, survey: &Survey, judgement: &Judgement, truth: &Truth) -> Option<Plain> {
    let nodes = |bad: Vec<&NodeName>, what: &str| {
        let names: Vec<&str> = bad.into_iter().map(NodeName::as_str).collect();
        (!names.is_empty()).then(|| Plain::new(format!("{}: {what}", names.join(", "))))
    };
    match need {
        Need::Synced => {
            let members =
                judgement.primary.as_ref().map(|primary| primary.members.as_slice()).unwrap_or_default();
            let bad = judgement
                .nodes
                .iter()
                .filter(|node| node.standing != Some(Standing::Synced) || !members.contains(&node.name));
            nodes(bad.map(|node| &node.name).collect(), "not SYNCED in one Primary Component")
        }
        Need::OneUuid => {
            let uuid = judgement.primary.as_ref().map(|primary| primary.uuid);
            let bad = survey
                .nodes
                .iter()
                .filter(|node| node.facts.get(keys::WSREP_LOCAL_UUID).known() != uuid.as_ref());
            nodes(bad.map(|node| &node.name).collect(), "not of the Primary's UUID")
        }
        Need::WriteProved => {
            let bad = truth.nodes.iter().filter(|node| !truth.read_back.contains(&node.name));
            nodes(bad.map(|node| &node.name).collect(), "no row was read back there since the Primary formed")
        }
        Need::NotFrozen => {
            let frozen = |node: &&crate::facts::NodeSurvey| {
                !node.facts.get(keys::UNIT_FROZEN).is(|by| by.as_str().is_empty())
            };
            nodes(survey.nodes.iter().filter(frozen).map(|node| &node.name).collect(), "still frozen")
        }
    }
}
