//! What stands behind a cluster on the screen: its nodes and its clock, real or simulated, and where its record is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use jiff::Timestamp;

use super::drills::Begun;
use crate::ask::act::Look;
use crate::engine::{Authorization, Nodes, Outcome, Ports, Stop, SurveyError};
use crate::facts::{ClusterName, Family, NodeName, NodeSurvey, Role};
use crate::nodes::real::RealNodes;
use crate::nodes::sim::{Sim, SimPorts};
use crate::ui::cli::RealPorts;
use crate::ui::survey::{Asked, Memory, Picture};

/// One cluster's.
#[derive(Clone)]
pub(crate) struct Seat {
    /// Its name.
    pub(crate) name: ClusterName,
    /// Its kind.
    pub(crate) family: Family,
    /// All nodes, in the inventory's order.
    pub(crate) nodes: Vec<(NodeName, Role)>,
    /// What answers.
    pub(crate) reached: Reached,
    /// Digest of the inventory.
    pub(crate) inventory: String,
    /// Where records are kept.
    pub(crate) state: Option<PathBuf>,
    /// What was read of its record.
    pub(crate) memory: Arc<Memory>,
    /// The drill it is.
    pub(crate) drill: Option<Arc<Begun>>,
}

/// Real nodes or simulated ones.
#[derive(Clone)]
pub(crate) enum Reached {
    /// Over SSH and SQL.
    Real(Arc<RealNodes>),
    /// In this process.
    Sim(Sim, SimPorts),
}

impl Seat {
    /// All nodes' names.
    pub(crate) fn names(&self) -> Vec<NodeName> {
        self.nodes.iter().map(|(name, _)| name.clone()).collect()
    }

    /// One survey with its judgement; `arrived` hears of every node that has answered.
    pub(crate) async fn picture(&self, arrived: impl Fn(&NodeSurvey)) -> Result<Picture, SurveyError> {
        let names = self.names();
        let asked = Asked {
            nodes: &self.reached,
            cluster: &self.name,
            family: self.family,
            names: &names,
            state: self.state.as_deref(),
            memory: &self.memory,
            now: &|| self.now(),
        };
        asked.picture(arrived).await
    }

    /// The clock that its facts' ages are told by.
    pub(crate) fn now(&self) -> Timestamp {
        match &self.reached {
            Reached::Real(_) => Timestamp::now(),
            Reached::Sim(_, ports) => ports.now(),
        }
    }

    /// Clock, waiting and stopping for a run; `stop` is how far it is to be stopped.
    pub(crate) fn surroundings(&self, stop: &Arc<AtomicU8>) -> Surroundings {
        match &self.reached {
            Reached::Real(_) => Surroundings::Real(RealPorts::new(Arc::clone(stop))),
            Reached::Sim(_, ports) => Surroundings::Sim(ports.clone(), RealPorts::new(Arc::clone(stop))),
        }
    }
}

impl Nodes for Reached {
    async fn survey(&self, node: &NodeName) -> NodeSurvey {
        match self {
            Self::Real(nodes) => nodes.survey(node).await,
            Self::Sim(sim, _) => sim.survey(node).await,
        }
    }

    async fn look(&self, node: &NodeName, look: &Look, limit: Duration) -> Outcome {
        match self {
            Self::Real(nodes) => nodes.look(node, look, limit).await,
            Self::Sim(sim, _) => sim.look(node, look, limit).await,
        }
    }

    async fn perform(&self, authorization: &Authorization, limit: Duration) -> Outcome {
        match self {
            Self::Real(nodes) => nodes.perform(authorization, limit).await,
            Self::Sim(sim, _) => sim.perform(authorization, limit).await,
        }
    }
}

/// The surroundings of a run.
pub(crate) enum Surroundings {
    /// This workstation's.
    Real(RealPorts),
    /// A drill's clock; names and stops are this workstation's.
    Sim(SimPorts, RealPorts),
}

impl Ports for Surroundings {
    fn now(&self) -> Timestamp {
        match self {
            Self::Real(ports) => ports.now(),
            Self::Sim(ports, _) => ports.now(),
        }
    }

    fn mono(&self) -> u64 {
        match self {
            Self::Real(ports) => ports.mono(),
            Self::Sim(ports, _) => ports.mono(),
        }
    }

    async fn sleep(&self, time: Duration) {
        match self {
            Self::Real(ports) => ports.sleep(time).await,
            Self::Sim(ports, _) => ports.sleep(time).await,
        }
    }

    fn random(&self) -> Option<[u8; 10]> {
        match self {
            // Two sessions never have one name, however often a drill is walked.
            Self::Real(ports) | Self::Sim(_, ports) => ports.random(),
        }
    }

    fn stop(&self) -> Stop {
        match self {
            Self::Real(ports) | Self::Sim(_, ports) => ports.stop(),
        }
    }
}
