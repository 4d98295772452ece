//! What the way back into the group would take, joiner by joiner: the missing write-sets alone (IST) or everything (SST),
//! how large, how much room, from whom, and who goes on serving meanwhile (S17, cases 25, 27, 38).
//!
//! A forecast, not a promise: the window of a donor's gcache moves on with every write, and Galera chooses the donor.

use serde::Serialize;

use super::safety::s17;
use super::{NodeJudgement, NodeReading, Reading, Standing};
use crate::facts::{Facts, Known, NodeName, Plain, Seqno, keys};

/// What one node's join would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// By which transfer; where the node's data must not be kept, the full one that it needs, whatever Galera would choose.
    pub transfer: Transfer,
    /// Why that is forecast, in one sentence fragment.
    pub why: Plain,
    /// Positions that it lacks, membership changes among them; `None` where that is not known.
    pub write_sets: Option<u64>,
    /// What a full transfer would carry, bytes: the largest donor's data directory.
    pub bytes: Option<u64>,
    /// Room that the join needs on the joiner, bytes: a gcache page, and where everything may come, a copy and a tenth.
    pub needs: Option<u64>,
    /// Room that the joiner has for it, bytes: what is free, and where everything comes, what its old data takes.
    pub room: Option<u64>,
    /// Who could give it, in the inventory's order.
    pub donors: Vec<NodeName>,
    /// How many SYNCED members no transfer would touch meanwhile.
    pub stay_available: u64,
}

/// How a joiner gets what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transfer {
    /// The missing write-sets, from a donor's gcache.
    Ist,
    /// A full copy: what the joiner holds is overwritten.
    Sst,
    /// Not known which.
    Unknown,
}

impl Transfer {
    /// The field's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ist => "IST",
            Self::Sst => "SST",
            Self::Unknown => "IST or SST",
        }
    }
}

/// What Galera does with a node it takes for one that is only behind (case 49).
const SILENT: &str =
    "and started with its state files, Galera could send it the missing write-sets alone and keep the rest";

/// The forecast of a node's join beside the Primary, or beside the one candidate where there is none; `None` where the node
/// is in, is on its way, was not read, or where nobody could give.
pub(super) fn forecast(reading: &Reading<'_>, nodes: &[NodeJudgement], at: usize) -> Option<Forecast> {
    let (node, judged) = (reading.nodes.get(at)?, nodes.get(at)?);
    let donors = donors(reading, nodes);
    if !node.is_data() || !node.survey.ssh.is_ok() || !node.is_gone() || donors.is_empty() {
        return None;
    }
    let standing = judged.standing?;
    let top = reading.primary.as_ref().map(|primary| primary.seqno).or_else(|| {
        let held = donors.first()?.position.known()?;
        Some(held.position.seqno)
    })?;
    let doubted = reading.relations.iter().any(|relation| relation.node == *node.name());
    let own = judged.position.known().map(|held| held.position.seqno);
    let uuid = reading.primary.as_ref().map(|primary| primary.uuid);
    let same_uuid = judged.position.known().is_some_and(|held| Some(held.position.uuid) == uuid);
    let (transfer, why) = match (standing, own) {
        (Standing::Behind(_), Some(own)) if !doubted => by_window(&donors, own),
        (Standing::Behind(_), _) => {
            (Transfer::Sst, format!("it must be: its history may not be the group's, {SILENT}"))
        }
        (Standing::Empty, _) => (Transfer::Sst, "it has no identity to begin from".to_owned()),
        (Standing::Tainted, _) => {
            (Transfer::Sst, format!("it must be: its own data cannot be trusted, {SILENT}"))
        }
        (Standing::Diverged, Some(_)) if same_uuid => {
            (Transfer::Sst, format!("it must be: its history is not the group's, {SILENT}"))
        }
        (Standing::Diverged | Standing::Ahead(_), _) => (
            Transfer::Sst,
            "its history is not the group's: what it holds beyond would be overwritten".to_owned(),
        ),
        (Standing::Unknown, _) => (Transfer::Unknown, "its position is not known".to_owned()),
        _ => return None,
    };
    let used =
        donors.iter().filter_map(|donor| donor.survey.facts.get(keys::DATADIR_USED).known().copied()).max();
    let page = donors.iter().filter_map(|donor| s17::page_size(donor.survey).known().copied()).max();
    let facts = &node.survey.facts;
    let free = facts.get(keys::DISK_FREE).known().copied();
    let old = facts.get(keys::DATADIR_USED).known().copied();
    let (needs, room) = if transfer == Transfer::Ist {
        (page, free)
    } else {
        let needs = used.and_then(|used| Some(s17::copy_needs(used, page?)));
        (needs, free.and_then(|free| Some(free.saturating_add(old?))))
    };
    let synced = u64::try_from(donors.len()).unwrap_or(u64::MAX);
    Some(Forecast {
        transfer,
        why: Plain::new(why),
        write_sets: matches!(standing, Standing::Behind(_))
            .then_some(own)
            .flatten()
            .map(|own| top.beyond(own)),
        bytes: used.filter(|_| transfer != Transfer::Ist),
        needs,
        room,
        donors: donors.iter().map(|donor| donor.name().clone()).collect(),
        stay_available: if transfer == Transfer::Ist { synced } else { synced.saturating_sub(1) },
    })
}

/// The SYNCED members; without a Primary the one candidate, which would be bootstrapped.
fn donors<'r, 'a>(reading: &'r Reading<'a>, nodes: &[NodeJudgement]) -> Vec<&'r NodeReading<'a>> {
    let of = |wanted: Standing| -> Vec<&NodeReading<'a>> {
        let all = reading.nodes.iter().zip(nodes);
        all.filter(|(_, judged)| judged.standing == Some(wanted)).map(|(node, _)| node).collect()
    };
    if reading.primary.is_some() {
        return of(Standing::Synced);
    }
    let candidates = of(Standing::Candidate);
    if candidates.len() == 1 { candidates } else { Vec::new() }
}

/// The lowest seqno that a donor can still give: what a running server says, of one that is down its closed cache.
fn lowest(facts: &Facts) -> Known<Seqno> {
    let running = facts.get(keys::WSREP_CACHED_DOWNTO);
    if running.known().is_some() { running } else { facts.get(keys::GCACHE_LOW) }
}

fn by_window(donors: &[&NodeReading<'_>], own: Seqno) -> (Transfer, String) {
    let next = own.get().saturating_add(1);
    let windows: Vec<(&NodeName, Known<Seqno>)> =
        donors.iter().map(|donor| (donor.name(), lowest(&donor.survey.facts))).collect();
    let gives = |low: &Known<Seqno>| low.as_ref().map(|low| low.get() <= next);
    if windows.iter().all(|(_, low)| gives(low) == Known::Known(true)) {
        return (Transfer::Ist, "every donor still caches what it lacks".to_owned());
    }
    if windows.iter().all(|(_, low)| gives(low) == Known::Known(false)) {
        let best = windows.iter().filter_map(|(_, low)| low.known().copied()).min();
        let short = best.map_or(0, |best| best.get().saturating_sub(next));
        return (Transfer::Sst, format!("no donor caches as far back as {next}: {short} short at best"));
    }
    let some: Vec<&str> = windows
        .iter()
        .filter(|(_, low)| gives(low) == Known::Known(true))
        .map(|(name, _)| name.as_str())
        .collect();
    if some.is_empty() {
        return (Transfer::Unknown, "how far back the donors' gcache reaches is not known".to_owned());
    }
    (
        Transfer::Unknown,
        format!(
            "only {} is known to cache what it lacks; another donor would send everything",
            some.join(", ")
        ),
    )
}
