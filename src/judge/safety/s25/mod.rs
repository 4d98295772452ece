//! S25 (waivable): A seqno compares histories only within one epoch. A bootstrap or pc.bootstrap at position P opens a new
//! one; a node outside it whose position exceeded P is DIVERGED even when its seqno is now lower, and never joins
//! incrementally. Where P is unknown and two bootstraps are possible: full transfer.
//!
//! [`relations`] holds every bootstrap in the nodes' logs against when each other node was last in a Primary Component
//! and how far it came. What it finds is certain or a doubt; a pair of which it says nothing has one history.

mod log;
mod relate;

use jiff::Timestamp;

use super::Blocked;
use crate::facts::{Facts, Known, NodeName};
use crate::judge::Held;

pub use relate::relations;

/// One data node, as far as S25 looks at it.
pub struct Past<'a> {
    /// Its name.
    pub name: &'a NodeName,
    /// What was read on it.
    pub facts: &'a Facts,
    /// What it holds.
    pub position: &'a Known<Held>,
    /// Whether the machine answered.
    pub read: bool,
    /// Whether no server runs and none is about to.
    pub down: bool,
    /// Whether it is a confirmed member of the one proved Primary Component: then it takes part now.
    pub member: bool,
}

/// What stands between the histories of two nodes, said of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The node it is said of.
    pub node: NodeName,
    /// The node it is held against.
    pub other: NodeName,
    /// How sure it is.
    pub kind: Kind,
    /// Why, in words about `node`.
    pub why: String,
    /// How many write-sets `node` holds beyond where the two parted, at least; `None` where that is not known.
    pub own: Option<u64>,
}

/// How sure a relation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The histories parted.
    Parted,
    /// The two bootstrapped apart from each other: certain too, whoever else is where.
    Apart,
    /// Two others bootstrapped apart, and in whose epoch this node was is not known.
    Ambiguous,
    /// Whether they parted is not known.
    Doubted,
}

impl Kind {
    /// Whether the histories parted for certain.
    pub fn is_certain(self) -> bool {
        matches!(self, Self::Parted | Self::Apart)
    }
}

/// The relations as what is in the way: of certain ones the first of each node, of doubts all.
pub fn blocked<'a>(relations: impl IntoIterator<Item = &'a Relation>) -> Vec<Blocked> {
    let relations: Vec<&Relation> = relations.into_iter().collect();
    let mut blocked: Vec<Blocked> = Vec::new();
    for relation in relations.iter().filter(|relation| relation.kind.is_certain()) {
        if !blocked.iter().any(|there| there.node.as_ref() == Some(&relation.node)) {
            blocked.push(Blocked::on(
                "S25",
                &relation.node,
                &relation.why,
                "choose one history; every node of the other needs a full transfer",
            ));
        }
    }
    for relation in relations.iter().filter(|relation| !relation.kind.is_certain()) {
        let remedy = format!(
            "show its log and that of {} from further back; or waive S25 for one of the two and give it a full transfer",
            relation.other
        );
        let doubt = Blocked::on("S25", &relation.node, &relation.why, remedy);
        if !blocked.contains(&doubt) {
            blocked.push(doubt);
        }
    }
    blocked
}

/// A moment as people read it.
fn moment(at: Timestamp) -> String {
    format!("{at:.0}")
}

#[cfg(test)]
mod tests;
