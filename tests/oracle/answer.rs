//! The oracle: the design's words and safety rules, read a second time, over paper.
//!
//! It answers by sets and by what must hold of all nodes together. It calls nothing of the judge.

use std::collections::BTreeSet;

use super::paper::{Group, Part, Place, Set, Sheet, View};
use super::stories::{Found, Stories};

/// What must be true of a survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) verdict: &'static str,
    /// The standing's word, and by how many write-sets; `None` where two readings of S25 are both right.
    pub(crate) standings: Vec<Option<(&'static str, Option<u64>)>>,
    /// Nodes of standing CANDIDATE.
    pub(crate) candidates: Set,
    /// Nothing that a surveyed node holds would be lost; else that is not known.
    pub(crate) loses_nothing: bool,
    /// More heads than half of the smallest view that was kept could still be a Primary, whoever they are: a coarser answer
    /// than the stories', and never a bolder one.
    pub(crate) by_heads: bool,
    /// `S5 0`: the rules in the way of every bootstrap, with the node's index.
    pub(crate) in_the_way: BTreeSet<(&'static str, usize)>,
}

impl Answer {
    /// Whether a bootstrap of this node may be begun.
    pub(crate) fn may_bootstrap(&self, node: usize) -> bool {
        self.candidates >> node & 1 == 1 && self.in_the_way.is_empty()
    }
}

/// The Primary Components that the nodes' words prove.
struct Primaries {
    /// Views with the members whose word proves them.
    proved: Vec<(View, Set)>,
    /// All views that anybody claims.
    claimed: BTreeSet<View>,
    /// There is more than one.
    split: bool,
}

/// Reads the paper.
pub(crate) fn answer(sheets: &[Sheet], stories: &mut Stories) -> Answer {
    let primaries = primaries(sheets);
    let primary = primary(sheets, &primaries);
    let parted = parted(sheets);
    let says = set(sheets, |sheet| matches!(sheet.group, Group::Says { .. }));
    let found: Vec<Found> = sheets.iter().map(found).collect();
    let somewhere = found.contains(&Found::Unread) && stories.any(&found);
    let table = Table { sheets, primaries: &primaries, primary, parted: &parted };
    let standings: Vec<_> = (0..sheets.len()).map(|node| table.standing(node)).collect();
    let word = |node: usize| standings[node].map(|(word, _)| word);
    let candidates = (0..sheets.len()).filter(|node| word(*node) == Some("CANDIDATE")).map(|n| 1 << n).sum();
    let well = |node: usize| {
        matches!(sheets[node].group, Group::Says { part: Part::Synced, .. }) && word(node) == Some("SYNCED")
    };
    let verdict = if !primaries.proved.is_empty() {
        let whole = primaries.claimed.len() == 1 && (0..sheets.len()).all(well);
        if whole { "healthy" } else { "degraded" }
    } else if says != 0 || somewhere {
        "undetermined"
    } else {
        "outage"
    };

    let mut in_the_way = BTreeSet::new();
    for (node, sheet) in sheets.iter().enumerate() {
        if unaccounted(sheets, sheet) {
            in_the_way.insert(("S8", node));
        }
        in_the_way.extend(sheet.holds_back.iter().map(|rule| (*rule, node)));
        if sheet.place.is_none() {
            in_the_way.insert(("S4", node));
        }
        if somewhere && found[node] == Found::Unread && sheet.server == "unknown" {
            in_the_way.insert(("S6", node));
        }
        if matches!(word(node), Some("AHEAD" | "DIVERGED")) {
            in_the_way.insert(("S8", node));
        }
    }
    in_the_way.extend(parted.iter().flat_map(|(a, b)| [("S25", *a), ("S25", *b)]));
    let doubts: BTreeSet<usize> = doubted(sheets).collect();
    in_the_way.extend(doubts.iter().map(|node| ("S25", *node)));
    // Beside a living Primary nobody is left frozen for the sake of forming one.
    if primary.is_some() {
        in_the_way.retain(|(rule, _)| *rule != "S21");
    }
    let at_stake = |node: usize| {
        let sheet = &sheets[node];
        let member = primary.is_some_and(|(members, _)| members >> node & 1 == 1);
        let kept = |top: Place| sheet.place.is_some_and(|at| at.0 == top.0 && at.1 <= top.1);
        let doubtful = sheet.place.is_none()
            || sheet.holds_back.contains(&"S7")
            || doubts.contains(&node)
            || matches!(word(node), None | Some("TAINTED" | "DIVERGED" | "UNKNOWN" | "AHEAD"))
            || primary.is_some_and(|(_, top)| !kept(top));
        doubtful && !member
    };
    let goes_on = primary.is_some() || candidates != 0;
    let loses_nothing = goes_on && !(0..sheets.len()).any(at_stake);
    Answer { verdict, standings, candidates, loses_nothing, by_heads: by_heads(&found), in_the_way }
}

/// The promise over all rules: what a surveyed node holds is not dropped without a word. Of a node whose data cannot be trusted
/// nobody goes on, so what it says it holds has to be held by one that can be: by the furthest, where those are of one history.
/// Of one that was evicted no number says that its rows are the others'.
fn unaccounted(sheets: &[Sheet], sheet: &Sheet) -> bool {
    let trusted: Vec<Place> = sheets.iter().filter(|one| !one.tainted).filter_map(|one| one.place).collect();
    let Some(furthest) = trusted.iter().max_by_key(|place| place.1) else { return false };
    let one_history = trusted.iter().all(|place| place.0 == furthest.0);
    let covered = |place: Place| place.0 == furthest.0 && place.1 <= furthest.1;
    sheet.tainted && one_history && sheet.place.is_some_and(|place| sheet.evicted || !covered(place))
}

pub(crate) fn by_heads(found: &[Found]) -> bool {
    let heads = found.iter().filter(|node| matches!(node, Found::Unread | Found::Out(None))).count();
    let kept = found.iter().filter_map(|node| match node {
        Found::Out(Some(view)) => Some(view.count_ones() as usize),
        Found::Out(None) | Found::Unread => None,
    });
    found.contains(&Found::Unread) && kept.min().is_none_or(|smallest| heads * 2 > smallest)
}

fn set(sheets: &[Sheet], is: impl Fn(&Sheet) -> bool) -> Set {
    sheets.iter().enumerate().filter(|(_, sheet)| is(sheet)).map(|(i, _)| 1 << i).sum()
}

fn found(sheet: &Sheet) -> Found {
    match sheet.group {
        Group::Out(saved) | Group::NonPrimary(saved) => Found::Out(saved),
        // Whoever says where it is was read; it is in no other Component than the one it says.
        Group::Says { view, .. } => Found::Out(Some(view.members)),
        Group::Silent { .. } | Group::Filling { .. } => Found::Unread,
    }
}

/// S6: one node's view is not truth. More than half of a view have to say so, each for all the others; who takes its data
/// with the door closed counts where everybody who speaks for the view hears everybody.
fn primaries(sheets: &[Sheet]) -> Primaries {
    let filling = set(sheets, |sheet| matches!(sheet.group, Group::Filling { .. })).count_ones();
    let claims = |wanted: View, only_firm: bool| {
        set(sheets, |sheet| match sheet.group {
            Group::Says { view, firm, .. } => view == wanted && (firm || !only_firm),
            _ => false,
        })
    };
    let claimed: BTreeSet<View> = sheets
        .iter()
        .filter_map(|sheet| match sheet.group {
            Group::Says { view, .. } => Some(view),
            _ => None,
        })
        .collect();
    let proved: Vec<(View, Set)> = claimed
        .iter()
        .map(|view| (*view, claims(*view, true)))
        .filter(|(view, firm)| {
            let size = view.members.count_ones();
            let silent =
                if claims(*view, false) == *firm { filling.min(size - firm.count_ones()) } else { 0 };
            *firm != 0 && (firm.count_ones() + silent) * 2 > size
        })
        .collect();
    let rival = proved.first().is_some_and(|(first, _)| {
        claimed.iter().any(|view| view.of == first.of && view.members & first.members == 0)
            || claimed.iter().any(|view| view.of != first.of && view.members & first.members == 0)
    });
    // Two Primaries have no member in common: views that share one are one group's, before and after a change.
    let apart = |one: &(View, Set), other: &(View, Set)| one.0.members & other.0.members == 0;
    let two =
        proved.iter().enumerate().any(|(at, one)| proved[at + 1..].iter().any(|other| apart(one, other)));
    let split = two || (proved.len() == 1 && rival);
    Primaries { proved, claimed, split }
}

/// The one Primary: its members and the furthest place they hold.
fn primary(sheets: &[Sheet], primaries: &Primaries) -> Option<(Set, Place)> {
    let (view, members) =
        primaries.proved.first().filter(|_| !primaries.split && primaries.proved.len() == 1)?;
    let held = |node: usize| sheets[node].place.filter(|place| place.0 == view.of);
    let top = (0..sheets.len()).filter(|node| members >> node & 1 == 1).filter_map(held).max()?;
    Some((*members, top))
}

/// S25: pairs whose histories parted for certain. Who bootstraps begins a new epoch for whoever is not there: one that was
/// last in a Primary before, and holds more than the epoch began with, or that bootstrapped apart.
fn parted(sheets: &[Sheet]) -> BTreeSet<(usize, usize)> {
    let mut pairs = BTreeSet::new();
    for (one, began) in sheets.iter().enumerate() {
        let (Some((from, minutes, _)), Some(place)) = (began.log.bootstrap, began.place) else { continue };
        for (other, sheet) in sheets.iter().enumerate().filter(|(other, _)| *other != one) {
            let Some(theirs) = sheet.place else { continue };
            let outside = sheet.log.took_part.is_some_and(|at| at > minutes) && sheet.log.bootstrap.is_none();
            let beyond = theirs.0 == place.0 && theirs.1 > from;
            let apart = sheet.log.bootstrap.is_some_and(|(_, at, before)| at <= minutes && before > minutes);
            if is_down(sheet) && (outside && beyond || apart && theirs.0 == place.0) {
                pairs.insert((one.min(other), one.max(other)));
            }
        }
    }
    pairs
}

/// S25: of whom it is not known whether its history parted. Who is down, holds something, and was last in a Primary when
/// another's log does not reach: a bootstrap there would not be seen. And who holds more than somebody's epoch began with,
/// is in no Primary, and of whose last time in one nothing is known, or nothing after that epoch began. A log without an end
/// leaves open until when it was in one, and not that it was at the moment that it shows.
fn doubted(sheets: &[Sheet]) -> impl Iterator<Item = usize> {
    let doubted = |(node, sheet): (usize, &Sheet)| {
        let Some(place) = sheet.place else { return false };
        let mut others =
            sheets.iter().enumerate().filter(|(other, _)| *other != node).map(|(_, other)| other);
        if let Some(at) = sheet.log.took_part {
            return is_down(sheet) && others.any(|other| other.log.reach < at);
        }
        let unseen = |other: &Sheet| sheet.log.seen_in.is_none_or(|at| other.log.reach < at);
        let without = |other: &Sheet| {
            let (Some((from, minutes, _)), Some(theirs)) = (other.log.bootstrap, other.place) else {
                return false;
            };
            let after = sheet.log.seen_in.is_some_and(|at| at < minutes);
            theirs.0 == place.0 && place.1 > from && !after
        };
        others.any(|other| is_down(sheet) && other.server != "unknown" && unseen(other) || without(other))
    };
    sheets.iter().enumerate().filter(move |(node, sheet)| doubted((*node, sheet))).map(|(node, _)| node)
}

fn is_down(sheet: &Sheet) -> bool {
    matches!(sheet.server, "stopped" | "crashed")
}

struct Table<'a> {
    sheets: &'a [Sheet],
    primaries: &'a Primaries,
    primary: Option<(Set, Place)>,
    parted: &'a BTreeSet<(usize, usize)>,
}

impl Table<'_> {
    /// The first of the design's words that fits.
    fn standing(&self, node: usize) -> Option<(&'static str, Option<u64>)> {
        let sheet = &self.sheets[node];
        if sheet.tainted {
            return Some(("TAINTED", None));
        }
        match sheet.group {
            Group::Filling { seen: true } => return Some(("JOINING", None)),
            Group::NonPrimary(_) => return Some(("NON-PRIMARY", None)),
            Group::Says { .. } if self.primaries.split => return Some(("DIVERGED", None)),
            Group::Says { part, .. } => {
                let member = self.primary.is_some_and(|(members, _)| members >> node & 1 == 1);
                return Some((if member { word(part) } else { "UNKNOWN" }, None));
            }
            Group::Out(_) | Group::Silent { .. } | Group::Filling { seen: false } => {}
        }
        if sheet.empty {
            return Some(("EMPTY", None));
        }
        let Some(own) = sheet.place else { return Some(("UNKNOWN", None)) };
        if !self.parted.is_empty() {
            return self.of_parted(node);
        }
        match self.primary {
            Some((_, top)) => Some(beside(own, top)),
            None => Some(self.without_primary(own)),
        }
    }

    /// Which of the others are of which side, S25 leaves to what the logs say; that the two sides are apart it does not.
    fn of_parted(&self, node: usize) -> Option<(&'static str, Option<u64>)> {
        let is_one = self.parted.iter().any(|(a, b)| *a == node || *b == node);
        (is_one && self.primary.is_none() && self.one_history()).then_some(("DIVERGED", None))
    }

    /// All positions that count are of one history.
    fn one_history(&self) -> bool {
        let histories: BTreeSet<_> = self.trusted().map(|place| place.0).collect();
        histories.len() <= 1
    }

    fn trusted(&self) -> impl Iterator<Item = Place> {
        self.sheets.iter().filter(|sheet| !sheet.tainted).filter_map(|sheet| sheet.place)
    }

    fn without_primary(&self, own: Place) -> (&'static str, Option<u64>) {
        if !self.one_history() {
            return ("DIVERGED", None);
        }
        let top = self.trusted().map(|place| place.1).max().unwrap_or(own.1);
        if own.1 < top {
            return ("BEHIND", Some(top - own.1));
        }
        let all_known = self.sheets.iter().all(|sheet| sheet.place.is_some());
        let primary_seen = self
            .sheets
            .iter()
            .any(|sheet| matches!(sheet.group, Group::Says { .. } | Group::Silent { runs: true }));
        (if all_known && !primary_seen { "CANDIDATE" } else { "UNKNOWN" }, None)
    }
}

fn word(part: Part) -> &'static str {
    match part {
        Part::Synced | Part::SyncedAndNotWell => "SYNCED",
        Part::Donor => "DONOR",
        Part::Joining => "JOINING",
    }
}

fn beside(own: Place, top: Place) -> (&'static str, Option<u64>) {
    if own.0 != top.0 {
        ("DIVERGED", None)
    } else if own.1 > top.1 {
        ("AHEAD", Some(own.1 - top.1))
    } else {
        ("BEHIND", Some(top.1 - own.1))
    }
}
