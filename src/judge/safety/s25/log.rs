//! Bootstraps as the nodes' logs tell them, and moments of several nodes on one clock.

use jiff::{SignedDuration, Timestamp};

use crate::facts::{ClusterUuid, Facts, Known, NodeName, Seqno, WhyKind, keys};

/// Clocks of two machines and the whole seconds of a log are no nearer than this.
pub(super) const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// A bootstrap as its node's log tells it: `TIME KIND WHAT [in VIEW] after TIME [grew MEMBERS@TIME …]`. Times are this workstation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bootstrap<'a> {
    pub(super) node: &'a NodeName,
    /// When; Unknown where the line has no time or the machine's clock was not read.
    pub(super) at: Known<Timestamp>,
    /// The history; `None` where the line does not say (a component formed by bootstrap).
    pub(super) uuid: Option<ClusterUuid>,
    /// Where it began; `None` where the line does not say.
    pub(super) seqno: Option<Seqno>,
    /// How many members a component formed by bootstrap began with, where the line says.
    pub(super) members: Option<u64>,
    /// The id of the view that a component was formed of, the same on each of its members; `None` where the line does not say.
    pub(super) view: Option<String>,
    /// Whether it began a group of its own, instead of a component of running members.
    pub(super) group: bool,
    /// When the node had last taken part in a Primary Component before.
    pub(super) after: Option<Timestamp>,
    /// The views of what it formed while this node was in it: each that had more members than any before, and since when.
    /// Empty where none was logged.
    pub(super) grew: Vec<(u64, Timestamp)>,
}

/// A moment of the node's clock on this workstation's.
pub(super) fn here(facts: &Facts, at: Timestamp) -> Known<Timestamp> {
    match facts.get(keys::HOST_CLOCK_SKEW) {
        Known::Known(skew) => match at.checked_sub(SignedDuration::from_secs(skew)) {
            Ok(at) => Known::Known(at),
            Err(_) => Known::unknown(WhyKind::Malformed, "its clock is out of every range"),
        },
        Known::Unknown(why) => {
            Known::unknown(why.kind, format!("how its clock differs is not known: {}", why.text))
        }
    }
}

/// The bootstraps in a node's log. A line that cannot be read is a bootstrap of which nothing is known.
pub(super) fn bootstraps<'a>(node: &'a NodeName, facts: &Facts) -> Vec<Bootstrap<'a>> {
    let lines = facts.get(keys::LOG_BOOTSTRAPS);
    lines.known().map_or_else(Vec::new, |lines| {
        lines.iter().filter_map(|line| bootstrap(node, facts, line.as_str())).collect()
    })
}

/// `None` where it was the very first bootstrap, which makes the history: nobody can have been in it before.
fn bootstrap<'a>(node: &'a NodeName, facts: &Facts, line: &str) -> Option<Bootstrap<'a>> {
    let (line, grew) = line.split_once(" grew ").unwrap_or((line, ""));
    let (line, after) = line.split_once(" after ").unwrap_or((line, "-"));
    let (line, formed) = line.split_once(" in ").map_or((line, None), |(line, view)| (line, Some(view)));
    let mut words = line.split(' ');
    let time = |text: &str| text.parse::<Timestamp>().ok();
    let at = words.next().and_then(time);
    let (kind, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let group = kind == "group";
    let (uuid, seqno) = if group { what.split_once(':').unwrap_or((what, "")) } else { ("", "") };
    if ClusterUuid::parse(uuid) == Ok(None) {
        return None;
    }
    let uuid = uuid.parse::<ClusterUuid>().ok();
    let seqno = seqno.split(',').next().unwrap_or_default();
    let view = |text: &str| {
        let (members, at) = text.split_once('@')?;
        Some((members.parse().ok()?, here(facts, time(at)?).known().copied()?))
    };
    let members: Option<u64> = (kind == "component").then(|| what.parse().ok()).flatten();
    let at = match at {
        Some(at) => here(facts, at),
        None => Known::unknown(WhyKind::Undefined, "its log does not say when"),
    };
    let began = members.and_then(|members| Some((members, at.known().copied()?)));
    Some(Bootstrap {
        node,
        at,
        uuid,
        seqno: uuid.and_then(|_| Seqno::parse(seqno).ok().flatten()),
        members,
        view: formed.map(str::to_owned),
        group,
        grew: began.into_iter().chain(grew.split(' ').filter_map(view)).collect(),
        after: time(after).and_then(|at| here(facts, at).known().copied()),
    })
}

/// A component formed by bootstrap is logged by all its members, each as a bootstrap of that many. Two that were formed
/// apart can be of one size and one moment: the view's id tells them apart, and where a log does not say it, only what is no
/// further apart than clocks are is one.
pub(super) fn one_event(a: &Bootstrap<'_>, b: &Bootstrap<'_>) -> bool {
    let within = |time: SignedDuration| match (&a.at, &b.at) {
        (Known::Known(a), Known::Known(b)) => a.duration_since(*b).abs() <= time,
        _ => false,
    };
    let one = match (&a.view, &b.view) {
        // Numbers begin again where a whole cluster did.
        (Some(a), Some(b)) => a == b && within(SignedDuration::from_secs(10)),
        _ => within(SLACK),
    };
    one && a.members.is_some_and(|members| members > 1) && a.members == b.members
}

/// Whether two nodes bootstrapped one history apart from each other: the later one had not taken part in any Primary
/// Component since the earlier. Unknown where no clock tells which was the later.
pub(super) fn apart(earlier: &Bootstrap<'_>, later: &Bootstrap<'_>) -> Known<bool> {
    let same_history = match (&earlier.uuid, &later.uuid) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    if earlier.node == later.node || !same_history || one_event(earlier, later) {
        return Known::Known(false);
    }
    earlier.at.clone().and_then(|earlier_at| {
        let order = later.at.clone().map(|later_at| earlier_at <= later_at);
        order.map(|ordered| ordered && later.after.is_none_or(|after| after < earlier_at))
    })
}
