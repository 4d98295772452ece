//! A simulated Galera cluster behind the engine's [`Nodes`]: machines in memory that answer with the text of the real
//! probe and of the real acts, which the very same parsers read.
//!
//! It is seeded and has a clock of its own. What it does is what servers did in the captures of `tests/fixtures`, which
//! the code names where it follows them; what was never seen is not simulated.

mod acts;
mod automation;
mod disk;
mod edge;
mod fault;
mod files;
mod flush;
mod formation;
mod founding;
mod gcomm;
mod history;
mod journal;
mod life;
mod looks;
mod machine;
mod network;
mod ports;
mod power;
mod probe;
mod reach;
mod rng;
mod saved;
mod sql;
mod stops;
mod topology;
mod transfer;
mod world;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use fault::{Fault, NotAFault, NotPossible};
pub use ports::SimPorts;
pub use topology::{Formed, NodeTruth, Overwritten, Pace, Part, Topology, Truth};

use super::real::Deadlines;
use super::surveyed::{fill, probed, simulated, unread};
use crate::ask::act::Look;
use crate::ask::probe::Request;
use crate::engine::{Authorization, Nodes, Outcome};
use crate::facts::{Known, NodeName, NodeSurvey, Plain, Reach, ReachWord, Role, keys};
use crate::inventory::{Server, Sql};
use acts::Begun;
use ports::Shared;
use reach::Script;
use world::World;

/// How long the probe takes on a warm connection (43 ms, the median of tests/fixtures/galera/12-timing).
const PROBE: Duration = Duration::from_millis(43);
/// How long a script waits for a long act before it says that it runs, and how often it looks.
const WAITS: Duration = Duration::from_secs(12);
const NAP: Duration = Duration::from_millis(100);

/// A simulated cluster. A clone is the same cluster.
#[derive(Clone)]
pub struct Sim {
    shared: Arc<Shared>,
    names: Arc<[(NodeName, Role)]>,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Sim {
    /// A healthy cluster: all nodes SYNCED in one Primary Component, clients committing. The same topology and seed make
    /// the same cluster to the last byte.
    pub fn new(topology: Topology, seed: u64) -> Self {
        let names = topology.machines().collect();
        Self { shared: Arc::new(Shared::new(World::new(topology, seed), seed)), names }
    }

    /// The engine's surroundings on this cluster's clock.
    pub fn clock(&self) -> SimPorts {
        SimPorts::new(Arc::clone(&self.shared))
    }

    /// All its machines: the data nodes, then the arbitrators, then the proxies.
    pub fn names(&self) -> Vec<NodeName> {
        self.names.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Those that hold data.
    pub fn data(&self) -> Vec<NodeName> {
        let data = self.names.iter().filter(|(_, role)| *role == Role::Data);
        data.map(|(name, _)| name.clone()).collect()
    }

    /// Lets virtual time pass, and what happens in it happen.
    pub fn pass(&self, time: Duration) {
        let time = world::span(time);
        self.shared.with(|world| world.run_to(world.now.saturating_add(time)));
    }

    /// Lets something happen, at this moment of the virtual clock.
    pub fn fault(&self, fault: &Fault) -> Result<(), NotPossible> {
        self.shared.with(|world| world.fault(fault))
    }

    /// Commits that many write-sets on the Primary Component; nothing where there is none.
    pub fn load(&self, write_sets: u64) {
        self.shared.with(|world| world.commit(write_sets));
    }

    /// Commits that many write-sets on the Primary Component of one node; nothing where it is in none.
    pub fn load_on(&self, node: &NodeName, write_sets: u64) {
        if let Some(index) = self.place(node) {
            self.shared.with(|world| world.commit_beside(index, write_sets));
        }
    }

    /// What really is: for debriefs and tests only.
    pub fn truth(&self) -> Truth {
        self.shared.with(|world| world.truth())
    }

    /// How many events have happened by themselves since the cluster was set up: what was taken from the queue.
    pub fn events(&self) -> u64 {
        self.shared.with(|world| world.happened)
    }

    fn place(&self, node: &NodeName) -> Option<usize> {
        self.names.iter().position(|(name, _)| name == node)
    }

    fn role(&self, node: &NodeName) -> Role {
        self.names.iter().find(|(name, _)| name == node).map_or(Role::Data, |(_, role)| *role)
    }
}

fn no_such_node(node: &NodeName) -> Reach {
    Reach::failed(ReachWord::NotTried, format!("the drill has no node {node}"), "correct the name")
}

fn exited(stdout: String) -> Outcome {
    Outcome::Exited { status: 0, stdout: stdout.into_bytes(), stderr: Vec::new(), dropped: 0 }
}

fn said(answer: &str) -> Outcome {
    exited(format!("%breakglass-act 1\n{answer}"))
}

impl Nodes for Sim {
    async fn survey(&self, node: &NodeName) -> NodeSurvey {
        let role = self.role(node);
        let limit = Deadlines::default().script;
        let script = Script { node, host_key: None, takes: PROBE, limit, may_be_lost: false };
        let probe = |world: &mut World, index: usize| {
            let key = world.machines.get(index).map(|machine| machine.host_key.clone());
            (world.probe(index).unwrap_or_default(), key.unwrap_or_default())
        };
        let answered = self.send(&script, probe).await;
        let at = self.shared.with(|world| world.time());
        let mut survey = match answered {
            Ok((_, (answer, key))) => {
                let sql = if role == Role::Data { Sql::Probe } else { Sql::None };
                let request = Request::for_role(role, &Server::default(), &sql);
                let asked = sql == Sql::Probe;
                let (mut survey, _) = probed((node.clone(), role), &request, exited(answer), asked, at);
                let source = Plain::new("the simulator");
                survey.facts.set(keys::HOST_KEY, Known::Known(Plain::new(key)), &source, at);
                survey
            }
            Err(Outcome::NotSent { why } | Outcome::Lost { why, .. }) => unread(node.clone(), role, why, at),
            Err(Outcome::Exited { .. } | Outcome::Signalled { .. }) => {
                unread(node.clone(), role, no_such_node(node), at)
            }
        };
        simulated(&mut survey, true);
        fill(&mut survey);
        survey
    }

    async fn look(&self, node: &NodeName, look: &Look, limit: Duration) -> Outcome {
        // A recovery opens the engine (0.22 s and 0.41 s were seen); the others only read.
        let takes = Duration::from_millis(if matches!(look, Look::Recover { .. }) { 400 } else { 30 });
        let host_key = match look {
            Look::Recover { identity, .. } => identity.host_key.as_ref(),
            Look::ReadBack { .. } | Look::Follow { .. } => None,
        };
        let script = Script { node, host_key, takes, limit, may_be_lost: true };
        match self.send(&script, |world, index| world.look(index, look)).await {
            Ok((_, answer)) => said(&answer),
            Err(outcome) => outcome,
        }
    }

    async fn perform(&self, authorization: &Authorization, limit: Duration) -> Outcome {
        let act = authorization.act();
        let takes = Duration::from_millis(self.shared.with(|world| world.takes(&act.deed)));
        let host_key = act.identity.host_key.as_ref();
        let script = Script { node: &act.node, host_key, takes, limit, may_be_lost: true };
        let (index, begun) = match self.send(&script, |world, index| world.act(index, act)).await {
            Ok(done) => done,
            Err(outcome) => return outcome,
        };
        if let Begun::Answered(answer) = begun {
            return said(&answer);
        }
        let mut waited = Duration::ZERO;
        loop {
            // What runs there goes on without us (tests/fixtures/galera/13-hangs/misc.txt).
            if let Err(outcome) = self.still_there(index, limit.saturating_sub(waited)).await {
                return outcome;
            }
            let answer = self.shared.with(|world| world.follow(index, act.op.as_str(), false));
            if answer != "running\n" || waited >= WAITS {
                return said(&answer);
            }
            self.shared.wait(NAP).await;
            waited += NAP;
        }
    }
}
