//! A simulated Galera cluster behind the engine's [`Nodes`]: machines in memory that answer with the text of the real
//! probe and of the real acts, which the very same parsers read.
//!
//! It is seeded and has a clock of its own. What it does is what servers did in the captures of `tests/fixtures`, which
//! the code names where it follows them; what was never seen is not simulated.

mod acts;
mod group;
mod life;
mod machine;
mod ports;
mod probe;
mod rng;
mod sql;
mod topology;
mod world;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use ports::SimPorts;
pub use topology::{Fault, Formed, NoSuchNode, NodeTruth, Overwritten, Pace, Topology, Truth};

use super::surveyed::{fill, probed, simulated, unread};
use crate::ask::act::Look;
use crate::ask::probe::Request;
use crate::engine::{Authorization, Nodes, Outcome};
use crate::facts::{Known, NodeName, NodeSurvey, Plain, Reach, ReachWord, Role, keys};
use crate::inventory::{Server, Sql};
use acts::Begun;
use ports::Shared;
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
    names: Arc<[NodeName]>,
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
        let names = topology.nodes.clone().into();
        Self { shared: Arc::new(Shared::new(World::new(topology, seed), seed)), names }
    }

    /// The engine's surroundings on this cluster's clock.
    pub fn clock(&self) -> SimPorts {
        SimPorts::new(Arc::clone(&self.shared))
    }

    /// The nodes.
    pub fn names(&self) -> Vec<NodeName> {
        self.names.to_vec()
    }

    /// Lets virtual time pass, and what happens in it happen.
    pub fn pass(&self, time: Duration) {
        let time = world::span(time);
        self.shared.with(|world| world.run_to(world.now.saturating_add(time)));
    }

    /// Does something to a node, at this moment of the virtual clock.
    pub fn fault(&self, fault: &Fault) -> Result<(), NoSuchNode> {
        self.shared.with(|world| {
            let index = world.find(fault.node()).ok_or_else(|| NoSuchNode(fault.node().clone()))?;
            match fault {
                Fault::Crash(_) => world.kill(index),
                Fault::Kill(_) => {
                    if let Some(machine) = world::get(&mut world.machines, index) {
                        machine.unit.restart = false;
                    }
                    world.kill(index);
                }
                Fault::Stop(_) => world.stop(index),
                Fault::Slow(_) => {
                    if let Some(machine) = world::get(&mut world.machines, index) {
                        machine.slow = true;
                    }
                }
                Fault::MarkSafe(_) => {
                    if let Some((text, _)) = world::get(&mut world.machines, index)
                        .and_then(|machine| machine.dir.grastate.as_mut())
                    {
                        *text = text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1");
                    }
                }
            }
            Ok(())
        })
    }

    /// Somebody starts the server of a node, past Breakglass.
    pub fn start(&self, node: &NodeName) -> Result<(), NoSuchNode> {
        self.somebody(node, false)
    }

    /// Somebody types `galera_new_cluster` on a node, past Breakglass.
    pub fn bootstrap(&self, node: &NodeName) -> Result<(), NoSuchNode> {
        self.somebody(node, true)
    }

    fn somebody(&self, node: &NodeName, founds: bool) -> Result<(), NoSuchNode> {
        self.shared.with(|world| {
            let index = world.find(node).ok_or_else(|| NoSuchNode(node.clone()))?;
            let startable = |machine: &machine::Machine| machine.is_down() && machine.unit.frozen.is_none();
            if world.machines.get(index).is_some_and(startable) {
                world.start(index, founds);
            }
            Ok(())
        })
    }

    /// Commits that many write-sets on the Primary Component; nothing where there is none.
    pub fn load(&self, write_sets: u64) {
        self.shared.with(|world| world.commit(write_sets));
    }

    /// What really is: for debriefs and tests only.
    pub fn truth(&self) -> Truth {
        self.shared.with(|world| world.truth())
    }

    fn place(&self, node: &NodeName) -> Option<usize> {
        self.names.iter().position(|name| name == node)
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
        self.shared.wait(PROBE).await;
        let Some(index) = self.place(node) else {
            let at = self.shared.with(|world| world.time());
            return unread(node.clone(), Role::Data, no_such_node(node), at);
        };
        let (answer, key, at) = self.shared.with(|world| {
            let key = world.machines.get(index).map(|machine| machine.host_key.clone());
            (world.probe(index).unwrap_or_default(), key.unwrap_or_default(), world.time())
        });
        let nothing = Server::default();
        let request = Request::new(&nothing, &Sql::Probe);
        let (mut survey, _) = probed((node.clone(), Role::Data), &request, exited(answer), true, at);
        survey.facts.set(keys::HOST_KEY, Known::Known(Plain::new(key)), &Plain::new("the simulator"), at);
        simulated(&mut survey, true);
        fill(&mut survey);
        survey
    }

    async fn look(&self, node: &NodeName, look: &Look, _limit: Duration) -> Outcome {
        let Some(index) = self.place(node) else { return Outcome::NotSent { why: no_such_node(node) } };
        // A recovery opens the engine (0.22 s and 0.41 s were seen); the others only read.
        let takes = if matches!(look, Look::Recover { .. }) { 400 } else { 30 };
        self.shared.wait(Duration::from_millis(takes)).await;
        said(&self.shared.with(|world| world.look(index, look)))
    }

    async fn perform(&self, authorization: &Authorization, _limit: Duration) -> Outcome {
        let act = authorization.act();
        let Some(index) = self.place(&act.node) else {
            return Outcome::NotSent { why: no_such_node(&act.node) };
        };
        let takes = self.shared.with(|world| world.takes(&act.deed));
        self.shared.wait(Duration::from_millis(takes)).await;
        match self.shared.with(|world| world.act(index, act)) {
            Begun::Answered(answer) => said(&answer),
            Begun::Runs => {
                let mut waited = Duration::ZERO;
                loop {
                    let answer = self.shared.with(|world| world.follow(index, act.op.as_str(), false));
                    if answer != "running\n" || waited >= WAITS {
                        return said(&answer);
                    }
                    self.shared.wait(NAP).await;
                    waited += NAP;
                }
            }
        }
    }
}
