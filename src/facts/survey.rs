//! The survey: the facts of all nodes of a cluster at one moment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::{ClusterName, Facts, NodeName, Plain};

/// The kind of cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// MariaDB or MySQL with the Galera library.
    Galera,
}

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Holds data.
    Data,
    /// Votes and holds nothing (garbd).
    Arbitrator,
    /// MySQL Router.
    Router,
    /// A load balancer.
    Proxy,
}

/// Whether the cluster is the real thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Real nodes.
    Live,
    /// A practice cluster of the lab.
    Lab,
    /// A simulated cluster of a drill.
    Drill,
    /// Files that somebody collected: read, and never acted on.
    Bundle,
}

impl Mode {
    /// The word in files and paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Lab => "lab",
            Self::Drill => "drill",
            Self::Bundle => "bundle",
        }
    }
}

/// How far we got on one way to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The word `status --json` says.
    pub word: ReachWord,
    /// What was attempted and what was found; empty where all went well and nothing has to be known of it.
    pub detail: Plain,
    /// The next step for the operator; empty where none is needed.
    pub next: Plain,
}

impl Reach {
    /// All went well.
    pub fn ok() -> Self {
        Self { word: ReachWord::Ok, detail: Plain::default(), next: Plain::default() }
    }

    /// It went wrong: what was found, and what to do next.
    pub fn failed(word: ReachWord, detail: impl AsRef<str>, next: impl AsRef<str>) -> Self {
        Self { word, detail: Plain::new(detail), next: Plain::new(next) }
    }

    /// Whether all went well.
    pub fn is_ok(&self) -> bool {
        self.word == ReachWord::Ok
    }
}

impl Serialize for Reach {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.word.serialize(serializer)
    }
}

/// How an attempt to reach a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReachWord {
    /// It answered.
    Ok,
    /// The port is closed.
    Refused,
    /// No answer in time: black hole, no banner, a hung command, no greeting.
    Timeout,
    /// The node did not accept who we are.
    Auth,
    /// The host key is unknown, changed or revoked; nothing was sent.
    HostKey,
    /// The name did not resolve, or not in time.
    Dns,
    /// The connection broke or a protocol was violated after it was made.
    Lost,
    /// The host or network is not reachable (an ICMP error).
    Unreachable,
    /// `sudo -n` was refused.
    Become,
    /// The local command of a command transport could not run or failed.
    Command,
    /// The answer was not an answer of our probe.
    Protocol,
    /// The server has no free connection (1040).
    TooManyConnections,
    /// The server answers, and refuses work: not prepared for application use (1047).
    NotReady,
    /// There is nothing to connect to: no server runs.
    Down,
    /// It was not tried, because an earlier step on the way failed or nothing asks for it.
    NotTried,
    /// The server answered with another error.
    Error,
}

impl ReachWord {
    /// The word, as in `status --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Auth => "auth",
            Self::HostKey => "host-key",
            Self::Dns => "dns",
            Self::Lost => "lost",
            Self::Unreachable => "unreachable",
            Self::Become => "become",
            Self::Command => "command",
            Self::Protocol => "protocol",
            Self::TooManyConnections => "too-many-connections",
            Self::NotReady => "not-ready",
            Self::Down => "down",
            Self::NotTried => "not-tried",
            Self::Error => "error",
        }
    }
}

/// What one survey learnt of one node, dead or alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSurvey {
    /// The node's name in the inventory.
    pub name: NodeName,
    /// What the node is for.
    pub role: Role,
    /// How far we got on the way to the machine.
    pub ssh: Reach,
    /// How far we got on the way to the server.
    pub sql: Reach,
    /// What was read.
    pub facts: Facts,
    /// When the answer was complete, on this workstation's clock.
    pub at: Timestamp,
}

/// The facts of all nodes of a cluster at one moment, in the inventory's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// Its kind.
    pub family: Family,
    /// Whether it is the real thing.
    pub mode: Mode,
    /// When the survey was complete.
    pub taken: Timestamp,
    /// The nodes, in the inventory's order.
    pub nodes: Vec<NodeSurvey>,
}

impl Survey {
    /// The nodes that hold data.
    pub fn data_nodes(&self) -> impl Iterator<Item = &NodeSurvey> {
        self.nodes.iter().filter(|node| node.role == Role::Data)
    }

    /// The node of that name.
    pub fn node(&self, name: &NodeName) -> Option<&NodeSurvey> {
        self.nodes.iter().find(|node| node.name == *name)
    }
}
