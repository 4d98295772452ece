//! How the histories of the data nodes stand to each other.

use jiff::Timestamp;

use super::log::{Bootstrap, SLACK, apart, bootstraps, here, one_event};
use super::{Kind, Past, Relation, moment};
use crate::ask::lines;
use crate::facts::{Known, NodeName, Position, WhyKind, keys};

/// Everything that stands between two of the nodes. `voters` is how many nodes of the inventory vote: a component
/// formed by bootstrap with that many members left nobody outside.
pub fn relations(nodes: &[Past<'_>], voters: u64) -> Vec<Relation> {
    // What is found first of two nodes is what is said of them: not the inventory's order decides it.
    let mut sorted: Vec<&Past<'_>> = nodes.iter().collect();
    sorted.sort_by_key(|node| node.name);
    let nodes = sorted.as_slice();
    let all: Vec<Bootstrap<'_>> = nodes.iter().flat_map(|node| bootstraps(node.name, node.facts)).collect();
    let parts: Vec<(&NodeName, Known<Timestamp>)> =
        nodes.iter().map(|node| (node.name, took_part(node, &all))).collect();
    let since = nodes.iter().zip(&parts).filter_map(|(node, (_, part))| match part {
        Known::Known(part) => Some((node.name, *part)),
        Known::Unknown(_) => Some((node.name, at_least(node, &all)?)),
    });
    let since = since.collect();
    let mut found = Found { nodes, parts, since, voters, relations: Vec::new() };
    for later in &all {
        for earlier in &all {
            found.two(earlier, later);
        }
    }
    for bootstrap in all.iter().filter(|bootstrap| bootstrap.members.is_none_or(|members| members < voters)) {
        for node in nodes {
            found.outside(bootstrap, node, &all);
        }
    }
    found.members();
    for node in nodes.iter().filter(|node| node.down && !node.member && node.position.known().is_some()) {
        found.reach(node);
    }
    found.relations
}

struct Found<'a> {
    nodes: &'a [&'a Past<'a>],
    /// When each node was last in a Primary Component, on this workstation's clock.
    parts: Vec<(&'a NodeName, Known<Timestamp>)>,
    /// The same moment, or where its log does not show until when, the last one at which it certainly was in one.
    since: Vec<(&'a NodeName, Timestamp)>,
    voters: u64,
    relations: Vec<Relation>,
}

impl Found<'_> {
    /// Notes it, unless these two are known to have parted already.
    fn note(&mut self, node: &NodeName, other: &NodeName, kind: Kind, why: String, own: Option<u64>) {
        let known = self.relations.iter().any(|there| {
            there.node == *node && there.other == *other && (there.kind.is_certain() || there.why == why)
        });
        if !known && node != other {
            self.relations.push(Relation { node: node.clone(), other: other.clone(), kind, why, own });
        }
    }

    /// A doubt between a node that may be started and another that bootstrapped: said of the first. Whoever was in a Primary
    /// Component after that may have been in that one, and stands to the first as it does: it would not be told apart with
    /// the one that bootstrapped left out (tests/regressions/doubt-past-a-waiver.txt).
    fn doubt(&mut self, node: &Past<'_>, other: &NodeName, why: &str, since: Option<Timestamp>) {
        if node.member {
            return self.note(other, node.name, Kind::Doubted, format!("{}: {why}", node.name), None);
        }
        self.note(node.name, other, Kind::Doubted, why.to_owned(), None);
        self.doubt_those_after(node, since, why);
    }

    /// The same doubt between a node and all that were in a Primary Component after a moment; all, where it is not known.
    fn doubt_those_after(&mut self, node: &Past<'_>, since: Option<Timestamp>, why: &str) {
        for third in self.nodes.iter().filter(|third| third.position.known().is_some()) {
            let after = since.is_none_or(|moment| {
                self.since(third).is_some_and(|since| since.duration_since(moment) >= SLACK)
            });
            if after {
                self.note(node.name, third.name, Kind::Doubted, why.to_owned(), None);
            }
        }
    }

    /// Two bootstraps of one history by two nodes.
    fn two(&mut self, earlier: &Bootstrap<'_>, later: &Bootstrap<'_>) {
        let said = |bootstrap: &Bootstrap<'_>| match &bootstrap.at {
            Known::Known(at) => moment(*at),
            Known::Unknown(_) => "an unknown time".to_owned(),
        };
        match apart(earlier, later) {
            Known::Known(false) => return,
            Known::Known(true) => {
                for (one, other) in [(later, earlier), (earlier, later)] {
                    let why = format!(
                        "it bootstrapped at {}, and {} at {}, apart from each other",
                        said(one),
                        other.node,
                        said(other)
                    );
                    let own = self.beyond(one.node, other);
                    self.note(one.node, other.node, Kind::Apart, why, own);
                }
            }
            Known::Unknown(why) => {
                let why = format!(
                    "it and {} both bootstrapped, and which followed which is not known: {}",
                    earlier.node, why.text
                );
                self.note(later.node, earlier.node, Kind::Doubted, why, None);
                return;
            }
        }
        let Known::Known(parted) = earlier.at else { return };
        let fork = match (earlier.seqno, later.seqno) {
            (Some(a), Some(b)) => Some(a.min(b)),
            _ => None,
        };
        for third in self.nodes {
            let Known::Known(held) = third.position else { continue };
            let theirs =
                [earlier.uuid, later.uuid].into_iter().flatten().any(|uuid| uuid != held.position.uuid);
            let nothing_beyond = fork.is_some_and(|fork| held.position.seqno <= fork);
            let with_a_member = third.member && self.is_member(&[earlier.node, later.node]);
            let before = self.since(third).is_none_or(|at| parted.duration_since(at) >= SLACK);
            if theirs
                || nothing_beyond
                || with_a_member
                || before
                || [earlier.node, later.node].contains(&third.name)
            {
                continue;
            }
            let why = format!(
                "{} and {} bootstrapped apart from each other, and in whose group it was since is not known",
                earlier.node, later.node
            );
            for other in [earlier.node, later.node] {
                if third.member {
                    self.note(other, third.name, Kind::Doubted, format!("{}: {why}", third.name), None);
                } else {
                    self.note(third.name, other, Kind::Ambiguous, why.clone(), None);
                }
            }
        }
    }

    /// One bootstrap and a node that may have been outside it.
    fn outside(&mut self, bootstrap: &Bootstrap<'_>, node: &Past<'_>, all: &[Bootstrap<'_>]) {
        let Known::Known(held) = node.position else { return };
        let together = node.member && self.is_member(&[bootstrap.node]);
        let its_own = all.iter().any(|own| own.node == node.name && one_event(own, bootstrap));
        if node.name == bootstrap.node
            || together
            || its_own
            || !self.one_history(bootstrap, held.position)
            || bootstrap.seqno.is_some_and(|seqno| held.position.seqno <= seqno)
        {
            return;
        }
        let by = bootstrap.node;
        let at = match &bootstrap.at {
            Known::Known(at) => *at,
            Known::Unknown(why) => {
                let why = format!("{by} bootstrapped, and whether without it is not known: {}", why.text);
                return self.doubt(node, by, &why, None);
            }
        };
        let part = match (self.part(node), self.since(node)) {
            (Known::Known(part), _) => part,
            // Until when is not seen, and it was in one after that.
            (Known::Unknown(_), Some(since)) if since.duration_since(at) >= SLACK => since,
            (Known::Unknown(why), _) => {
                let why = format!(
                    "{by} bootstrapped at {}, and when this node was last in the group is not known: {}",
                    moment(at),
                    why.text
                );
                return self.doubt(node, by, &why, Some(at));
            }
        };
        if part.duration_since(at).abs() < SLACK {
            let why = format!(
                "{by} bootstrapped at {}, within {} s of when this node was last in the group",
                moment(at),
                SLACK.as_secs()
            );
            return self.doubt(node, by, &why, Some(at));
        }
        if part > at {
            return self.ran_through(bootstrap, at, part, node);
        }
        let Some(began) = bootstrap.seqno else {
            let why = format!(
                "{by} formed a Primary Component by bootstrap at {} without it, at a position that is not known",
                moment(at)
            );
            return self.doubt(node, by, &why, Some(at));
        };
        let own = held.position.seqno.beyond(began);
        let why = format!(
            "it was last in the group at {}, {by} bootstrapped without it at {} from {began}, and it holds at least {own} \
             write-sets of its own since",
            moment(part),
            moment(at)
        );
        let mut inside = vec![by];
        for third in self.nodes {
            let beyond = third
                .position
                .is(|held| held.position.seqno > began && Some(held.position.uuid) == bootstrap.uuid);
            if third.name != node.name
                && beyond
                && self.since(third).is_some_and(|since| since.duration_since(at) >= SLACK)
            {
                inside.push(third.name);
            }
        }
        for other in inside {
            self.note(node.name, other, Kind::Parted, why.clone(), Some(own));
            let side = if other == by { "it" } else { by.as_str() };
            let mirrored = format!(
                "{side} bootstrapped at {} from {began} without {}, which holds write-sets of its own since",
                moment(at),
                node.name
            );
            let its = self.beyond(other, bootstrap);
            self.note(other, node.name, Kind::Parted, mirrored, its);
        }
    }

    /// A node that was in a Primary Component after another's bootstrap: in that one's, or in another. Until it has more than
    /// half of those that vote, what was formed does not take the others' place, and a Primary can have gone on beside it
    /// (tests/regressions/pc-bootstrap-beside-a-primary.txt). And a server that ran all through the bootstrap of a group
    /// was in another Primary, or in none, until it came to this one; which, no moment tells.
    fn ran_through(&mut self, bootstrap: &Bootstrap<'_>, at: Timestamp, part: Timestamp, node: &Past<'_>) {
        let by = bootstrap.node;
        let until = bootstrap.grew.iter().filter(|(_, since)| part.duration_since(*since) >= -SLACK);
        let most = until.map(|(members, _)| *members).max();
        // And whoever was in a Primary while nobody had come into this one was in another, whatever the members' weights.
        let grew = |most: u64| bootstrap.members.is_none_or(|began| most > began);
        if let Some(most) = most.filter(|most| most.saturating_mul(2) <= self.voters || !grew(*most)) {
            let why = format!(
                "{by} formed a Primary Component by bootstrap at {}, which by its log had no more than {most} of {} members \
                 when this node was last in one: whether in another is not known",
                moment(at),
                self.voters
            );
            return self.doubt(node, by, &why, Some(at));
        }
        let Known::Known(started) = node.facts.get(keys::UNIT_STARTED).and_then(|at| here(node.facts, at))
        else {
            return;
        };
        if bootstrap.group && at.duration_since(started) > SLACK {
            let why = format!(
                "its server ran while {by} bootstrapped a group at {}: whether it was in another Primary then is not known",
                moment(at)
            );
            self.doubt(node, by, &why, Some(at));
        }
    }

    /// Members of one Primary are of one history: who parted from one of them parted from all.
    fn members(&mut self) {
        let certain: Vec<Relation> =
            self.relations.iter().filter(|there| there.kind.is_certain()).cloned().collect();
        let members: Vec<&NodeName> =
            self.nodes.iter().filter(|node| node.member).map(|node| node.name).collect();
        for relation in certain {
            if members.contains(&&relation.other) && !members.contains(&&relation.node) {
                for member in &members {
                    let mirrored = format!("{} parted from its group: {}", relation.node, relation.why);
                    self.note(&relation.node, member, Kind::Parted, relation.why.clone(), relation.own);
                    self.note(member, &relation.node, Kind::Parted, mirrored, None);
                }
            }
        }
        // A certainty takes the place of a doubt.
        let certain: Vec<(NodeName, NodeName)> = self
            .relations
            .iter()
            .filter(|there| there.kind.is_certain())
            .map(|there| (there.node.clone(), there.other.clone()))
            .collect();
        self.relations.retain(|there| {
            there.kind.is_certain()
                || !certain.iter().any(|(node, other)| *node == there.node && *other == there.other)
        });
    }

    /// What the others' logs cannot have seen of the time since the node was last in the group. A machine that lost its power
    /// logged no end; whoever's log reaches back to a moment before that end shows all that came after it.
    fn reach(&mut self, node: &Past<'_>) {
        let part = match self.since(node) {
            Some(since) => Known::Known(since),
            None => self.part(node),
        };
        for other in self.nodes.iter().filter(|other| other.read && other.name != node.name) {
            let their = other.name;
            let reach = other.facts.get(keys::LOG_REACH).and_then(|at| here(other.facts, at));
            let why = match (&part, reach, other.facts.get(keys::LOG_BOOTSTRAPS)) {
                (Known::Unknown(why), _, _) => {
                    format!("when it was last in the group is not known: {}", why.text)
                }
                (_, Known::Unknown(why), _) => {
                    format!("how far back the log of {their} reaches is not known: {}", why.text)
                }
                (_, _, Known::Unknown(why)) => {
                    format!("whether {their} bootstrapped is not known: {}", why.text)
                }
                (Known::Known(part), Known::Known(reach), _) if reach > *part => format!(
                    "{their}'s log does not reach back to when it was last in the group ({}): a bootstrap there would not \
                     be seen",
                    moment(*part)
                ),
                _ => continue,
            };
            self.note(node.name, their, Kind::Doubted, why.clone(), None);
            if let Some(since) = self.since(node) {
                self.doubt_those_after(node, Some(since), &why);
            }
        }
    }

    fn part(&self, node: &Past<'_>) -> Known<Timestamp> {
        match self.parts.iter().find(|(name, _)| *name == node.name) {
            Some((_, part)) => part.clone(),
            None => Known::unknown(WhyKind::NotRead, "not read"),
        }
    }

    fn since(&self, node: &Past<'_>) -> Option<Timestamp> {
        self.since.iter().find(|(name, _)| *name == node.name).map(|(_, since)| *since)
    }

    fn is_member(&self, names: &[&NodeName]) -> bool {
        self.nodes.iter().any(|node| node.member && names.contains(&node.name))
    }

    /// Whether a position may be of the history that was bootstrapped.
    fn one_history(&self, bootstrap: &Bootstrap<'_>, position: Position) -> bool {
        let uuid = bootstrap.uuid.or_else(|| {
            let by = self.nodes.iter().find(|node| node.name == bootstrap.node)?;
            by.position.known().map(|held| held.position.uuid)
        });
        uuid.is_none_or(|uuid| uuid == position.uuid)
    }

    /// How far the node came beyond where a bootstrap began.
    fn beyond(&self, name: &NodeName, bootstrap: &Bootstrap<'_>) -> Option<u64> {
        let node = self.nodes.iter().find(|node| node.name == name)?;
        let position = node.position.known()?.position;
        let began = bootstrap.seqno?;
        (Some(position.uuid) == bootstrap.uuid).then(|| position.seqno.beyond(began))
    }
}

/// When the node was last in a Primary Component, on this workstation's clock.
fn took_part(node: &Past<'_>, all: &[Bootstrap<'_>]) -> Known<Timestamp> {
    if node.member {
        return Known::Known(Timestamp::MAX);
    }
    let said = node.facts.get(keys::LOG_TOOK_PART).and_then(|at| here(node.facts, at));
    said.map(|said| bootstrapped(node, all).map_or(said, |latest| said.max(latest)))
}

/// Its own last bootstrap: that took part, whatever else the log says.
fn bootstrapped(node: &Past<'_>, all: &[Bootstrap<'_>]) -> Option<Timestamp> {
    let own = all.iter().filter(|bootstrap| bootstrap.node == node.name);
    own.filter_map(|bootstrap| bootstrap.at.known().copied()).max()
}

/// The lines of which each says that the server was in a Primary Component at that moment.
const IN_A_PRIMARY: &[&str] = &["became-primary", "formed-again"];

/// The last moment at which its log shows the node in a Primary Component, where it does not show until when it stayed
/// (tests/regressions/power-lost-by-who-holds-the-most.txt).
fn at_least(node: &Past<'_>, all: &[Bootstrap<'_>]) -> Option<Timestamp> {
    let seen = lines::seen(node.facts);
    let seen = seen.known().into_iter().flatten().filter(|seen| IN_A_PRIMARY.contains(&seen.line.id));
    let last = seen.filter_map(|seen| here(node.facts, seen.last?).known().copied()).max();
    last.max(bootstrapped(node, all))
}
