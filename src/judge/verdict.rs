//! The one word for the cluster, and what is at stake.

use std::fmt;

use serde::{Serialize, Serializer};

use super::safety::s07;
use super::server::no_process;
use super::standing::{self, Stands};
use super::{NodeReading, Reading, Server, Standing, WriteSets};
use crate::facts::{Known, NodeName, Role, WhyKind, keys};

/// The one word for a cluster.
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
        let served = !super::proxy::unread_and_served(reading).is_empty();
        return if reading.views.said() || served || unread_may_hold_primary(reading) {
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
            && !node.survey.facts.get(keys::VAR_WSREP_ON).is(|on| !on)
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
/// A view can only be followed by one with more than half of its members, but for clean leaves: a node that leaves
/// cleanly counts for those that stay. It deletes its gvwstate.dat, so every read node without a view counts as one.
/// Members that the inventory does not list are unread; where a node's votes are set to another number than one, heads are
/// not counted and the answer is yes.
pub(super) fn unread_may_hold_primary(reading: &Reading<'_>) -> bool {
    let unlisted = unlisted(reading);
    // Arbitrators vote, and alone they are no Primary Component that holds data.
    let is_read = |node: &NodeReading<'_>| is_read(reading, node);
    // Where no data node was looked at at all, none was seen outside.
    if reading.data().next().is_none() {
        return true;
    }
    if reading.data().all(is_read) && unlisted == 0 {
        return false;
    }
    if reading.data().any(has_weight) {
        return true;
    }
    let unread = reading.nodes.iter().filter(|node| may_vote(node) && !is_read(node)).count() + unlisted;
    let views: Vec<usize> = reading
        .data()
        .filter(|node| is_read(node))
        .filter_map(|node| node.survey.facts.get(keys::GVWSTATE_MEMBERS).known().map(Vec::len))
        .collect();
    let left = reading.data().filter(|node| is_read(node)).count().saturating_sub(views.len());
    match views.iter().min() {
        None => true,
        Some(smallest) => (unread + left) * 2 > *smallest,
    }
}

/// How many members the largest view that was read has beyond the nodes of the inventory that vote.
pub(super) fn unlisted(reading: &Reading<'_>) -> usize {
    let listed = reading.nodes.iter().filter(|node| may_vote(node)).count();
    let views = reading.data().flat_map(|node| {
        [keys::GVWSTATE_MEMBERS, keys::WSREP_MEMBERS]
            .map(|key| node.survey.facts.get(key).known().map_or(0, Vec::len))
    });
    views.max().unwrap_or(0).saturating_sub(listed)
}

/// Whether the node's votes are set to another number than one.
fn has_weight(node: &NodeReading<'_>) -> bool {
    node.survey.facts.get(keys::VAR_PROVIDER_OPTIONS).is(|options| {
        options
            .as_str()
            .split(';')
            .filter_map(|option| option.split_once('='))
            .any(|(name, value)| name.trim() == "pc.weight" && value.trim() != "1")
    })
}

pub(super) fn may_vote(node: &NodeReading<'_>) -> bool {
    matches!(node.survey.role, Role::Data | Role::Arbitrator)
}

/// Whether we know that the node is in no Primary Component, or what it says of the one it is in.
pub(super) fn is_read(reading: &Reading<'_>, node: &NodeReading<'_>) -> bool {
    if reading.is_fenced(node) {
        return true;
    }
    let facts = &node.survey.facts;
    // How the last server ended, and whether one is about to start, may be unknown; without a process there is no member.
    if no_process(facts) {
        return true;
    }
    let said = facts.get(keys::WSREP_CLUSTER_STATUS).known().is_some();
    match node.server.known() {
        // A start that waited for long still joins as a silent member once a peer comes; only its log tells. A logged
        // position that still holds is the log's word that it has not.
        Some(Server::Starting | Server::Stopping) => {
            said || facts.get(keys::LOG_WAITING).is(|waiting| *waiting)
                || facts.get(keys::LOG_POSITION).known().is_some()
        }
        Some(Server::Running) => said,
        Some(Server::Stopped | Server::Crashed | Server::Frozen) | None => false,
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
    let beyond = if reading.primary.is_none() { standing::tainted_beyond(reading) } else { Vec::new() };
    for (node, (name, stands)) in reading.nodes.iter().zip(standings) {
        let unknown = |why: &str| Known::unknown(WhyKind::NotRead, format!("{name}: {why}"));
        if reading.lifted.leaves_out(name) && !reading.is_member(name) {
            return unknown("its history is left out by a waiver");
        }
        // Whether its history parted from the others' is not known (S25), and then neither what only it holds.
        let doubt = reading.relations.iter().find(|relation| {
            let of_primary = reading.primary.is_none() || reading.is_member(&relation.other);
            relation.node == **name && (of_primary || !relation.kind.is_certain())
        });
        if let Some(doubt) = doubt.filter(|_| !reading.is_member(name)) {
            return unknown(&doubt.why);
        }
        let loses_nothing = match (stands.word, &reading.primary) {
            (None | Some(Standing::Arbitrator), _) => true,
            _ if reading.is_member(name) => true,
            _ if s07::not_cleared(node.survey).is_some() => {
                return unknown("whether its data can be trusted is not known");
            }
            (Some(Standing::Tainted | Standing::Diverged | Standing::Unknown), _) => false,
            (_, primary) => match (node.position.known(), primary) {
                (None, _) => return unknown("its position is not known"),
                (Some(held), Some(primary)) => {
                    if held.position.uuid == primary.uuid && held.position.seqno > primary.seqno {
                        // Two histories of one UUID parted somewhere below; where is not known (S25).
                        let by = held.position.seqno.beyond(primary.seqno);
                        return unknown(&format!(
                            "at least {by} positions, membership changes among them, that the Primary does not hold"
                        ));
                    }
                    held.position.uuid == primary.uuid
                }
                // Without a Primary, candidates are the highest of one history.
                (Some(_), None) => true,
            },
        };
        if !loses_nothing {
            let more = beyond.iter().find(|found| found.node.as_ref() == Some(*name));
            return unknown(more.map_or(&stands.why, |found| &found.why).as_str());
        }
    }
    if unlisted(reading) > 0 {
        return Known::unknown(
            WhyKind::NotRead,
            "the last view has members that the inventory does not list",
        );
    }
    Known::Known(WriteSets(0))
}
