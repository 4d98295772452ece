//! A scenario: what is simulated, what happens to it, what is asked, and what has to be reached.

use std::time::Duration;

use crate::facts::{ClusterName, Family, NodeName, Plain};

/// A drill's scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub id: String,
    /// Counts its changes: results of different versions are not compared.
    pub version: u64,
    /// What happened, in one line.
    pub title: Plain,
    /// The public report it was made from.
    pub source_url: Plain,
    /// The kind of cluster.
    pub family: Family,
    /// From 1, for a first time, to 5.
    pub level: u64,
    /// The seed it has where none is given.
    pub seed: u64,
    /// What the pager says.
    pub brief: Plain,
    /// The cluster.
    pub cluster: ClusterName,
    /// Its data nodes.
    pub nodes: Vec<NodeName>,
    /// Write-sets that clients commit in a second.
    pub load: u64,
    /// Whether systemd restarts a server that crashed.
    pub restarts: bool,
    /// Write-sets that each node keeps for others.
    pub gcache: u64,
    /// What happens, in the order of its time.
    pub faults: Vec<FaultAt>,
    /// What is asked before the first act: what is wrong.
    pub diagnosis: Question,
    /// What is asked before the first act: which node, and on what evidence.
    pub node: Question,
    /// What has to be reached, all of it.
    pub win: Vec<Need>,
    /// What is said afterwards.
    pub debrief: Vec<Plain>,
    /// SHA-256 of the file's bytes, `sha256:…`.
    pub digest: String,
}

/// Something that happens to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultAt {
    /// After the beginning.
    pub at: Duration,
    /// To which node.
    pub node: NodeName,
    /// What.
    pub action: Action,
}

/// What can happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL; the service manager restarts the server where its unit says so.
    Crash,
    /// SIGKILL; the server does not come back by itself.
    Kill,
    /// It is stopped in order.
    Stop,
    /// It falls behind in applying what it receives.
    Slow,
    /// Somebody marks it safe to bootstrap by hand.
    MarkSafe,
}

impl Action {
    /// All of them, with their words.
    pub(super) const WORDS: [(&'static str, Self); 5] = [
        ("crash", Self::Crash),
        ("kill", Self::Kill),
        ("stop", Self::Stop),
        ("slow", Self::Slow),
        ("mark-safe", Self::MarkSafe),
    ];
}

/// A question with its answers, of which one is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub question: Plain,
    /// The answers, in the order in which they are shown.
    pub options: Vec<Answer>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says.
    pub text: Plain,
    /// Whether it is the right one.
    pub right: bool,
    /// Why it is right or wrong: the facts that decide it.
    pub why: Plain,
}

/// Something that has to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Every node is SYNCED in one Primary Component.
    Synced,
    /// Every node has the same cluster state UUID.
    OneUuid,
    /// A row was written and read back on every node since the Primary Component formed (S22).
    WriteProved,
    /// No node's automation is frozen any more (S21).
    NotFrozen,
}

impl Need {
    /// All of them, with their words.
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("synced", Self::Synced),
        ("one-uuid", Self::OneUuid),
        ("write-proved", Self::WriteProved),
        ("not-frozen", Self::NotFrozen),
    ];
}
