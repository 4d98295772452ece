//! The one word for the cluster, and what is at stake.

use std::fmt;

use serde::{Serialize, Serializer};

use super::standing::Stands;
use super::{NodeReading, Reading, Server, Standing, WriteSets};
use crate::facts::{Known, NodeName, Role, WhyKind, keys};

/// The verdicts of interface.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// One Primary, every data node of the inventory SYNCED in it, mutually confirmed.
    Healthy,
    /// A Primary is proved and anything of that is missing.
    Degraded,
    /// Neither proved nor excluded.
    Undetermined,
    /// No Primary, and no unread node can hold one.
    Outage,
}

impl Verdict {
    /// The word, as in `status --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Undetermined => "undetermined",
            Self::Outage => "outage",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

pub(super) fn verdict(reading: &Reading<'_>, standings: &[(&NodeName, Stands)]) -> Verdict {
    if reading.views.proved().is_empty() {
        return if !reading.views.groups.is_empty() || unread_may_hold_primary(reading) {
            Verdict::Undetermined
        } else {
            Verdict::Outage
        };
    }
    let in_sync = |node: &NodeReading<'_>| {
        let standing = standings.iter().find(|(name, _)| *name == node.name()).and_then(|(_, s)| s.word);
        standing == Some(Standing::Synced)
            && node.server == Known::Known(Server::Running)
            && reading.is_member(node.name())
            && node.survey.facts.get(keys::WSREP_READY).is(|ready| *ready)
            && node.survey.facts.get(keys::WSREP_CONNECTED).is(|connected| *connected)
    };
    // One group of claims and no other: a stale claim beside the proved Primary is not health.
    if reading.views.groups.len() == 1 && reading.data().all(in_sync) {
        Verdict::Healthy
    } else {
        Verdict::Degraded
    }
}

/// Whether what was not read could be a Primary Component, by the last views of what was read.
///
/// A view of `n` members can only be followed by one with more than half of them, but for clean leaves: each shrinks
/// the view it leaves. A clean leave deletes gvwstate.dat, so every read node without a view counts as one.
pub(super) fn unread_may_hold_primary(reading: &Reading<'_>) -> bool {
    // Arbitrators vote, and alone they are no Primary Component that holds data.
    if reading.data().all(is_read) {
        return false;
    }
    let unread = reading.nodes.iter().filter(|node| may_vote(node) && !is_read(node)).count();
    let views: Vec<usize> = reading
        .data()
        .filter(|node| is_read(node))
        .filter_map(|node| node.survey.facts.get(keys::GVWSTATE_MEMBERS).known().map(Vec::len))
        .collect();
    let left = reading.data().filter(|node| is_read(node)).count().saturating_sub(views.len());
    match views.iter().min() {
        None => true,
        Some(smallest) => unread * 2 > smallest.saturating_sub(left),
    }
}

fn may_vote(node: &NodeReading<'_>) -> bool {
    matches!(node.survey.role, Role::Data | Role::Arbitrator)
}

/// Whether we know that the node is in no Primary Component, or what it says of the one it is in.
fn is_read(node: &NodeReading<'_>) -> bool {
    let facts = &node.survey.facts;
    match node.server.known() {
        Some(Server::Stopped | Server::Crashed) => true,
        Some(Server::Starting | Server::Stopping) => {
            // A start that waited for years still joins as a silent member once a peer comes; only its log tells.
            facts.get(keys::WSREP_CLUSTER_STATUS).known().is_some()
                || facts.get(keys::LOG_WAITING).is(|waiting| *waiting)
        }
        Some(Server::Running) => facts.get(keys::WSREP_CLUSTER_STATUS).known().is_some(),
        Some(Server::Frozen) | None => false,
    }
}

/// What would be lost of what the surveyed nodes hold: by going on from the candidates, or from the Primary.
pub(super) fn loss(
    reading: &Reading<'_>,
    standings: &[(&NodeName, Stands)],
    candidates: &[NodeName],
) -> Known<WriteSets> {
    if reading.primary.is_none() && candidates.is_empty() {
        return Known::unknown(
            WhyKind::NotRead,
            "no Primary and no candidate: positions are missing or contradict",
        );
    }
    let mut lost = 0;
    for (name, stands) in standings {
        match stands.word {
            Some(Standing::Ahead(by)) => lost = lost.max(by),
            Some(Standing::Diverged) => {
                return Known::unknown(WhyKind::Contradicted, format!("{name} has another history"));
            }
            Some(Standing::Tainted) => {
                return Known::unknown(WhyKind::Contradicted, format!("{name} is tainted: {}", stands.why));
            }
            Some(Standing::Unknown) => {
                return Known::unknown(WhyKind::NotRead, format!("{name}: {}", stands.why));
            }
            Some(Standing::Empty) if !bare(reading, name) => {
                return Known::unknown(
                    WhyKind::NotRead,
                    format!("{name}: its engine's position was not recovered"),
                );
            }
            _ => {}
        }
    }
    Known::Known(WriteSets(lost))
}

fn bare(reading: &Reading<'_>, name: &NodeName) -> bool {
    reading.nodes.iter().any(|node| node.name() == name && super::standing::is_bare(node))
}
