//! What is simulated, and what can be done to it.

use std::time::Duration;

use jiff::Timestamp;

use crate::facts::{ClusterName, ClusterUuid, NodeName, Role, Seqno};

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
    /// Whether the unit is enabled: a machine that boots starts its server.
    pub enabled: bool,
    /// `innodb_flush_log_at_trx_commit`: 1 flushes at every commit; with 0 the end of the process, with 0 or 2 the end of
    /// the machine, takes up to a second of commits with it.
    pub flush: u8,
    /// The size of each node's data volume, in MiB.
    pub disk: u64,
    /// `pc.weight` of each node, in order; a node that is not named has 1.
    pub weights: Vec<u64>,
    /// Arbitrators (garbd), which count in the quorum and hold no data.
    pub arbitrators: Vec<NodeName>,
    /// Proxies (HAProxy with a clustercheck on each data node).
    pub proxies: Vec<NodeName>,
    /// Whether monit watches the server of every data node beside systemd.
    pub monit: bool,
    /// When the simulation begins, on its own clock.
    pub epoch: Timestamp,
}

impl Topology {
    /// A cluster of these nodes as packages set it up, under a little load. `epoch` is when it begins.
    pub fn new(cluster: ClusterName, nodes: Vec<NodeName>, epoch: Timestamp) -> Self {
        Self {
            cluster,
            nodes,
            load: 40,
            gcache: 10_000,
            data: 700,
            restarts: true,
            enabled: true,
            flush: 1,
            disk: 4096,
            weights: Vec::new(),
            arbitrators: Vec::new(),
            proxies: Vec::new(),
            monit: false,
            epoch,
        }
    }
}

impl Topology {
    /// Its machines with what each is for, in their order.
    pub(super) fn machines(&self) -> impl Iterator<Item = (NodeName, Role)> {
        let of =
            |names: &[NodeName], role| names.iter().map(move |name| (name.clone(), role)).collect::<Vec<_>>();
        let data = of(&self.nodes, Role::Data).into_iter();
        data.chain(of(&self.arbitrators, Role::Arbitrator)).chain(of(&self.proxies, Role::Proxy))
    }
}

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
    /// The Primary Components there are, each with its members.
    pub primaries: Vec<Vec<NodeName>>,
}

/// One node as it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTruth {
    /// The node.
    pub name: NodeName,
    /// The history its engine holds; `None` where it was emptied.
    pub uuid: Option<ClusterUuid>,
    /// The last write-set its engine has committed.
    pub seqno: Seqno,
    /// Whether a server process runs.
    pub running: bool,
    /// Whether it is SYNCED in a Primary Component.
    pub synced: bool,
    /// Every write-set its engine holds, in the order in which they were committed.
    pub holds: Vec<Part>,
    /// The session whose freeze is on its unit.
    pub frozen: Option<String>,
    /// The session that holds its lease.
    pub lease: Option<String>,
    /// Whether the schema of the check is there.
    pub check_schema: bool,
}

/// A run of write-sets of one epoch: what one bootstrap's history is made of. Two nodes hold the same write-set where
/// epoch and seqno are the same, and only there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The epoch, numbered from the simulation's beginning.
    pub epoch: u32,
    /// Its first seqno.
    pub from: u64,
    /// Its last seqno.
    pub to: u64,
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
    /// What that was.
    pub holds: Vec<Part>,
}
