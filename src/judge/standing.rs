//! What each node's history is worth: the first standing that fits, in the order of [`Standing`].

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::safety::s25::Kind;
use super::safety::{s01, s02, s04, s07, s08, s13};
use super::waiver::{Lifted, Waiver};
use super::{Blocked, NodeReading, Reading, Server, reason};
use crate::facts::{Known, NodeName, Plain, Position, Role, WhyKind, keys};

/// What a node's history is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Votes, holds no data.
    Arbitrator,
    /// Evicted, half-filled, or with rolled-back XA: its position is plausible and its data is not.
    Tainted,
    /// A confirmed member of the Primary Component, in sync.
    Synced,
    /// A member that gives a state transfer, or was desynced.
    Donor,
    /// A member that is taking a state transfer or catching up.
    Joining,
    /// Its server runs and is in no Primary Component.
    NonPrimary,
    /// No cluster identity in the state file and no recovered position.
    Empty,
    /// No position; or the highest known while another's is missing.
    Unknown,
    /// Its history is not the Primary's, or histories differ and there is no Primary.
    Diverged,
    /// Beyond the Primary by so many write-sets.
    Ahead(u64),
    /// Behind the Primary, else the highest known, by so many write-sets.
    Behind(u64),
    /// The highest known position, nobody's missing, nothing against it.
    Candidate,
}

impl Standing {
    /// The word, as in `status --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arbitrator => "ARBITRATOR",
            Self::Tainted => "TAINTED",
            Self::Synced => "SYNCED",
            Self::Donor => "DONOR",
            Self::Joining => "JOINING",
            Self::NonPrimary => "NON-PRIMARY",
            Self::Empty => "EMPTY",
            Self::Unknown => "UNKNOWN",
            Self::Diverged => "DIVERGED",
            Self::Ahead(_) => "AHEAD",
            Self::Behind(_) => "BEHIND",
            Self::Candidate => "CANDIDATE",
        }
    }

    /// By how many write-sets, for AHEAD and BEHIND.
    pub fn by(self) -> Option<u64> {
        match self {
            Self::Ahead(by) | Self::Behind(by) => Some(by),
            _ => None,
        }
    }
}

impl Serialize for Standing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A standing with its reason. The word is missing for roles that have no history.
#[derive(Clone, Debug)]
pub(super) struct Stands {
    pub(super) word: Option<Standing>,
    pub(super) why: Plain,
}

impl Stands {
    fn new(word: Standing, why: impl AsRef<str>) -> Self {
        Self { word: Some(word), why: Plain::new(why) }
    }
}

/// What the positions of all data nodes say together.
struct Ladder<'a> {
    /// The highest known position and who holds it; `None` where none is known or histories differ.
    top: Option<(Position, Vec<&'a NodeName>)>,
    /// At least two known positions belong to different histories.
    two_histories: bool,
    /// Data nodes whose position is missing (S4).
    missing: Vec<NodeName>,
}

pub(super) fn standings<'a>(reading: &'a Reading<'_>) -> Vec<(&'a NodeName, Stands)> {
    let ladder = ladder(reading);
    reading.nodes.iter().map(|node| (node.name(), standing(reading, &ladder, node))).collect()
}

/// The standings of the same nodes with nothing waived, for those whose history a waiver leaves out.
fn as_it_was(reading: &Reading<'_>, name: &NodeName) -> Stands {
    let whole = Reading::of(reading.survey, Lifted::nothing(reading.lifted.now));
    let was = standings(&whole).into_iter().find(|(was, _)| *was == name).map(|(_, stands)| stands);
    match was {
        Some(Stands { word: Some(Standing::Candidate), .. }) | None => {
            Stands::new(Standing::Unknown, "its history is left out of the comparison by a waiver")
        }
        Some(stands) => stands,
    }
}

fn ladder<'a>(reading: &'a Reading<'_>) -> Ladder<'a> {
    // A tainted node's position is plausible and worthless (S7): it ranks nobody and is nobody's top. A history that a
    // waiver leaves out ranks nobody either.
    let trusted =
        |node: &&NodeReading<'_>| node.tainted().is_none() && !reading.lifted.leaves_out(node.name());
    let held: Vec<_> = reading.data().filter(trusted).map(|node| (node.name(), &node.position)).collect();
    let positions: Vec<Position> =
        held.iter().filter_map(|(_, held)| held.known()).map(|held| held.position).collect();
    let two_histories = positions
        .first()
        .is_some_and(|first| positions.iter().any(|other| s01::compare(*first, *other).is_none()));
    Ladder {
        top: s02::highest(held),
        two_histories,
        missing: missing(reading).into_iter().filter_map(|blocked| blocked.node).collect(),
    }
}

/// S8 over the TAINTED nodes: each whose known position no node that is trusted covers, or that was evicted. Where the trusted ones are of two
/// histories, or none holds anything, nobody is a candidate that it could be held against.
pub(super) fn tainted_beyond(reading: &Reading<'_>) -> Vec<Blocked> {
    let Some((top, _)) = ladder(reading).top else { return Vec::new() };
    let tainted = reading.data().filter(|node| node.tainted().is_some());
    let held = tainted.filter_map(|node| Some((node, node.position.known()?.position)));
    held.filter_map(|(node, held)| s08::beyond(node.name(), held, top, s07::was_evicted(node.survey)))
        .collect()
}

/// S4 over the reading, less what is waived.
pub(super) fn missing(reading: &Reading<'_>) -> Vec<Blocked> {
    let asked = reading.data().filter(|node| !reading.lifted.lifts(4, node.name()));
    s04::missing(asked.map(|node| s04::Node {
        name: node.name(),
        server: &node.server,
        position: &node.position,
        blank: is_blank(node),
    }))
}

/// Who would be a CANDIDATE if these nodes' missing positions were waived by name (S4).
pub(super) fn candidates_without(reading: &Reading<'_>, blank: &[&NodeReading<'_>]) -> Vec<NodeName> {
    let mut waivers = reading.lifted.waivers.clone();
    for node in blank {
        waivers.give(Waiver { rule: 4, node: node.name().clone(), until: Timestamp::MAX });
    }
    let without = Reading::of(reading.survey, Lifted { waivers: &waivers, now: reading.lifted.now });
    let candidates = standings(&without).into_iter();
    let candidates = candidates.filter(|(_, stands)| stands.word == Some(Standing::Candidate));
    candidates.map(|(name, _)| name.clone()).collect()
}

/// A node that is down, and of which no recovery would tell more: its data directory is bare, or its engine was asked and
/// holds no position.
pub(super) fn is_blank(node: &NodeReading<'_>) -> bool {
    node.is_gone() && node.position.known().is_none() && (is_bare(node) || s13::holds_none(node.survey))
}

/// No server runs, and there is not even a system schema: a data directory that holds nothing, or one whose volume is
/// not mounted.
pub(super) fn is_bare(node: &NodeReading<'_>) -> bool {
    node.server.is(|server| server.is_down())
        && node.survey.facts.get(keys::DATADIR_SYSTEM_SCHEMA).is(|there| !there)
        && node.survey.facts.get(keys::GRASTATE_FILE).is(|file| file.as_str() == "missing")
}

/// Why a node without a position holds nothing of any history; `None` where that is not known.
fn empty(node: &NodeReading<'_>) -> Option<&'static str> {
    let facts = &node.survey.facts;
    if is_bare(node) {
        return Some("there is nothing in its data directory");
    }
    let file = facts.get(keys::GRASTATE_FILE);
    let zero = facts.get(keys::GRASTATE_UUID).why().is_some_and(|why| why.kind == WhyKind::Undefined);
    // Where what runs is not known, the file's word stands; a joiner that runs has a zero UUID for a moment.
    let at_rest = node.server.known().is_none_or(|server| server.is_down());
    if zero && at_rest && file.is(|file| file.as_str() == "valid") {
        return Some("no cluster identity in its state file, no position");
    }
    // Galera reads a file that is not there, or is empty, as a zero UUID (tests/fixtures/galera/11-parsing/results.txt).
    let unwritten = file.is(|file| matches!(file.as_str(), "missing" | "empty"));
    (unwritten && node.is_gone() && s13::holds_none(node.survey))
        .then_some("no state file, and its engine holds no position")
}

fn standing(reading: &Reading<'_>, ladder: &Ladder<'_>, node: &NodeReading<'_>) -> Stands {
    match node.survey.role {
        Role::Arbitrator => return Stands::new(Standing::Arbitrator, "an arbitrator holds no data"),
        Role::Router | Role::Proxy => return Stands { word: None, why: Plain::default() },
        Role::Data => {}
    }
    if let Some(why) = node.tainted() {
        return Stands::new(Standing::Tainted, why);
    }
    if let Some(stands) = live(reading, node) {
        return stands;
    }
    let held = match &node.position {
        Known::Known(held) => held,
        Known::Unknown(why) => {
            if let Some(why) = empty(node) {
                return Stands::new(Standing::Empty, why);
            }
            return Stands::new(Standing::Unknown, format!("no position: {}", why.text));
        }
    };
    if reading.views.claims(node.name()) {
        // Had it said what it is in, its standing would be a live one.
        return Stands::new(Standing::Unknown, "its server runs, and what group it is in is not known");
    }
    if reading.lifted.leaves_out(node.name()) {
        return as_it_was(reading, node.name());
    }
    if let Some(primary) = &reading.primary {
        let parted =
            reading.relations.iter().filter(|relation| relation.node == *node.name()).find(|relation| {
                relation.kind == Kind::Apart
                    || relation.kind == Kind::Parted && reading.is_member(&relation.other)
            });
        return match parted {
            Some(parted) => Stands::new(Standing::Diverged, &parted.why),
            None => beside_primary(held.position, primary),
        };
    }
    let stands = without_primary(reading, ladder, node.name(), held.position);
    if stands.word == Some(Standing::Candidate) && reading.views.any() {
        return Stands::new(Standing::Unknown, "some node may be in a Primary Component (S6)");
    }
    stands
}

fn beside_primary(position: Position, primary: &super::Primary) -> Stands {
    let top = Position { uuid: primary.uuid, seqno: primary.seqno };
    match s01::compare(position, top) {
        None => Stands::new(
            Standing::Diverged,
            format!("its UUID {} is not the Primary's {}", position.uuid.short(), top.uuid.short()),
        ),
        Some(std::cmp::Ordering::Greater) => {
            let by = position.seqno.beyond(top.seqno);
            Stands::new(
                Standing::Ahead(by),
                format!("{} against the Primary's {}", position.seqno, top.seqno),
            )
        }
        Some(_) => {
            let by = top.seqno.beyond(position.seqno);
            Stands::new(
                Standing::Behind(by),
                format!("{} against the Primary's {}", position.seqno, top.seqno),
            )
        }
    }
}

fn without_primary(
    reading: &Reading<'_>,
    ladder: &Ladder<'_>,
    name: &NodeName,
    position: Position,
) -> Stands {
    if ladder.two_histories {
        return Stands::new(
            Standing::Diverged,
            format!("UUIDs differ and there is no Primary; its own is {}", position.uuid.short()),
        );
    }
    if let Some(stands) = parted(reading, name) {
        return stands;
    }
    let Some((top, holders)) = &ladder.top else {
        return Stands::new(Standing::Unknown, "positions cannot be ranked");
    };
    if !holders.contains(&name) {
        return Stands::new(
            Standing::Behind(top.seqno.beyond(position.seqno)),
            format!("{} against the highest known {}", position.seqno, top.seqno),
        );
    }
    if ladder.missing.is_empty() {
        return Stands::new(Standing::Candidate, "the highest known position, and every node's is known");
    }
    let missing: Vec<&str> = ladder.missing.iter().map(NodeName::as_str).collect();
    Stands::new(
        Standing::Unknown,
        format!("the highest known position, but that of {} is not known", missing.join(", ")),
    )
}

/// Where histories parted and there is no Primary, nobody can be ranked: who is in neither side's group for certain is not
/// known to be of another history, and is not known to be of one.
fn parted(reading: &Reading<'_>, name: &NodeName) -> Option<Stands> {
    let of = |kinds: &[Kind]| {
        let own = reading.relations.iter().find(|there| there.node == *name && kinds.contains(&there.kind));
        own.map(|relation| relation.why.clone())
    };
    if let Some(why) = of(&[Kind::Apart, Kind::Parted]) {
        return Some(Stands::new(Standing::Diverged, format!("histories parted: {why}")));
    }
    if let Some(why) = of(&[Kind::Ambiguous]) {
        return Some(Stands::new(Standing::Unknown, why));
    }
    let any = reading.relations.iter().find(|there| there.kind.is_certain())?;
    Some(Stands::new(Standing::Diverged, format!("histories parted: {}: {}", any.node, any.why)))
}

/// The standings of a server that answers.
fn live(reading: &Reading<'_>, node: &NodeReading<'_>) -> Option<Stands> {
    let facts = &node.survey.facts;
    if is_joining(node) {
        return Some(Stands::new(Standing::Joining, "its server is starting and a state transfer runs"));
    }
    let status = facts.get(keys::WSREP_CLUSTER_STATUS);
    let status = status.known()?;
    if node.server.is(|server| server.is_down()) {
        return None;
    }
    if status.as_str() != "Primary" {
        return Some(Stands::new(Standing::NonPrimary, format!("wsrep_cluster_status is {status}")));
    }
    // A claim is worth a live standing only inside the Primary that others confirm. Alone against a proved one it is a
    // stale view, alone without one nobody's word but its own, and where two are proved, a second history.
    if reading.views.split() {
        return Some(Stands::new(
            Standing::Diverged,
            "there is more than one Primary Component, and it claims one",
        ));
    }
    if !reading.is_member(node.name()) {
        return Some(Stands::new(Standing::Unknown, "it claims a Primary Component that is not confirmed"));
    }
    let state = facts.get(keys::WSREP_LOCAL_STATE);
    Some(match state.known() {
        Some(4) => Stands::new(Standing::Synced, "wsrep_local_state is 4 (Synced)"),
        Some(2) => Stands::new(Standing::Donor, "wsrep_local_state is 2 (Donor/Desynced)"),
        Some(1 | 3) => Stands::new(Standing::Joining, "it is taking or applying a state transfer"),
        Some(other) => {
            Stands::new(Standing::Unknown, format!("wsrep_local_state is {other} inside a Primary Component"))
        }
        None => Stands::new(Standing::Unknown, format!("wsrep_local_state: {}", reason(state.why()))),
    })
}

/// Whether a starting server takes a state transfer, by its files or its processes.
pub(super) fn is_joining(node: &NodeReading<'_>) -> bool {
    let facts = &node.survey.facts;
    let transfers = |process: &Plain| !process.as_str().contains("wsrep-recover");
    node.server == Known::Known(Server::Starting)
        && (facts.get(keys::TRANSFER_MARKERS).is(|markers| !markers.is_empty())
            || facts.get(keys::TRANSFER_PROCESSES).is(|processes| processes.iter().any(transfers)))
}
