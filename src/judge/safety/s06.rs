//! S6: No bootstrap while any vantage point shows a Primary Component, or while any server is starting. One node's
//! view is not truth: status lies for seconds after a partition or a thaw; views are compared pairwise.

use super::Blocked;
use crate::facts::{Known, NodeName};
use crate::judge::Server;

/// One node, as far as S6 looks at it.
pub struct Node<'a> {
    /// Its name.
    pub name: &'a NodeName,
    /// What runs there.
    pub server: &'a Known<Server>,
    /// It claims to be in a Primary Component, proved or not.
    pub claims_primary: bool,
}

/// What speaks against there being no Primary.
pub fn primary_seen<'a>(nodes: impl IntoIterator<Item = Node<'a>>) -> Vec<Blocked> {
    nodes
        .into_iter()
        .filter_map(|node| {
            if node.claims_primary {
                return Some(Blocked::on(
                    "S6",
                    node.name,
                    "it says that it is in a Primary Component, or runs and does not say",
                    "join the Primary instead; if the claim is stale, the next survey will not show it",
                ));
            }
            (node.server.known() == Some(&Server::Starting)).then(|| {
                Blocked::on(
                    "S6",
                    node.name,
                    "its server is starting and may join or form a group at any moment",
                    "the start has to end, or be ended",
                )
            })
        })
        .collect()
}

/// An arbitrator that runs beside servers that are all down: it goes on as a Primary Component by itself where the last of
/// them left in order, and would hold its vote against the new one, or meet it as another Primary (case 36,
/// tests/fixtures/lab/garbd-alone). `runs` is whether a garbd is there.
pub fn arbitrator_runs(node: &NodeName, runs: bool) -> Option<Blocked> {
    runs.then(|| {
        Blocked::on(
            "S6",
            node,
            "its garbd runs: it may be a Primary Component by itself, which holds no data",
            "stop garbd there, and start it again when the first data nodes are SYNCED",
        )
    })
}
