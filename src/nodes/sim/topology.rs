//! What is simulated, and what can be done to it.

use std::time::Duration;

use jiff::Timestamp;

use crate::facts::{ClusterName, ClusterUuid, NodeName, Seqno};

/// A simulated cluster before anything happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Its name.
    pub cluster: ClusterName,
    /// Its data nodes.
    pub nodes: Vec<NodeName>,
    /// Write-sets that clients commit in a second.
    pub load: u64,
    /// Write-sets that each node's gcache keeps for others.
    pub gcache: u64,
    /// What the data directory of each node takes, in MiB; a full transfer copies it.
    pub data: u64,
    /// Whether systemd restarts a server that crashed (`Restart=on-abnormal`, the stock unit), or nobody does.
    pub restarts: bool,
    /// When the simulation begins, on its own clock.
    pub epoch: Timestamp,
}

impl Topology {
    /// A cluster of these nodes as packages set it up, under a little load. `epoch` is when it begins.
    pub fn new(cluster: ClusterName, nodes: Vec<NodeName>, epoch: Timestamp) -> Self {
        Self { cluster, nodes, load: 40, gcache: 10_000, data: 700, restarts: true, epoch }
    }
}

/// What can be done to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to the server; its service manager restarts it where its unit says so.
    Crash(NodeName),
    /// SIGKILL to the server, which does not come back by itself.
    Kill(NodeName),
    /// The server is stopped as an operator stops it.
    Stop(NodeName),
    /// It applies what it receives more slowly than the others from now on.
    Slow(NodeName),
    /// Somebody writes `safe_to_bootstrap: 1` into its state file by hand.
    MarkSafe(NodeName),
}

impl Fault {
    /// The node.
    pub fn node(&self) -> &NodeName {
        match self {
            Self::Crash(node)
            | Self::Kill(node)
            | Self::Stop(node)
            | Self::Slow(node)
            | Self::MarkSafe(node) => node,
        }
    }

    /// The word in a scenario.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Crash(_) => "crash",
            Self::Kill(_) => "kill",
            Self::Stop(_) => "stop",
            Self::Slow(_) => "slow",
            Self::MarkSafe(_) => "mark-safe",
        }
    }
}

/// There is no such node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulated cluster has no node {0}")]
pub struct NoSuchNode(pub NodeName);

/// How the virtual clock goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Waiting only moves it.
    #[default]
    Instant,
    /// It goes with the real one; a wait takes a tenth of its time, a second at most.
    Lively,
}

/// What really is on the nodes: for debriefs and tests, never for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Each node, in the topology's order.
    pub nodes: Vec<NodeTruth>,
    /// How a Primary Component was formed since the simulation began, oldest first.
    pub formed: Vec<Formed>,
    /// Nodes on which a row of the check was read back since a Primary Component was last formed where none was.
    pub read_back: Vec<NodeName>,
    /// Full transfers, with what their joiner held before.
    pub overwritten: Vec<Overwritten>,
}

/// One node as it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTruth {
    /// The node.
    pub name: NodeName,
    /// The history its engine holds.
    pub uuid: ClusterUuid,
    /// The last write-set its engine has committed.
    pub seqno: Seqno,
    /// Whether a server process runs.
    pub running: bool,
    /// Whether it is SYNCED in a Primary Component.
    pub synced: bool,
}

/// A Primary Component that was formed where none was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formed {
    /// When, after the beginning of the simulation.
    pub at: Duration,
    /// The node that was bootstrapped; `None` where the last view formed again by itself.
    pub by: Option<NodeName>,
    /// The position it went on from.
    pub position: Seqno,
    /// What every node held at that moment.
    pub held: Vec<(NodeName, Seqno)>,
}

/// A node whose data was replaced by another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwritten {
    /// The node.
    pub node: NodeName,
    /// What it held.
    pub held: Seqno,
}
