//! The start of a node beside a living Primary.
//!
//! Waivers that let a bootstrap leave a node out say nothing of starting that node: here only S13 and S17, and a doubt of
//! S25, can be lifted. A history that parted for certain stays out.

use super::{Answer, Asked, other_primary, stranger};
use crate::facts::{Known, NodeName, Plain, keys};
use crate::judge::safety::s25::{self, Kind, Relation};
use crate::judge::safety::{Blocked, s03, s05, s07, s09, s10, s13, s17};
use crate::judge::{NodeReading, Server, Standing, standing};

/// What a doubt of S25 asks of whoever waives it: the start that follows is an incremental one, and parted histories of one
/// seqno become members with different rows that nothing shows (tests/fixtures/lab/view-alone/steps-healed.txt).
const DOUBT: &str = "show both logs from further back. A waiver says that the two are one history: where they are not, it becomes \
                     SYNCED with rows of its own, and nothing shows it. In doubt, by hand: copy its data directory, then take its \
                     state file away so that a member fills it whole";

pub(super) fn answer(asked: &Asked<'_>, name: &NodeName) -> Answer {
    let mut answer = Answer::default();
    let Some(node) = asked.node(name) else {
        answer.block([stranger(name)]);
        return answer;
    };
    let standings = standing::standings(&asked.whole);
    let of = |name: &NodeName| standings.iter().find(|(of, _)| *of == name).map(|(_, stands)| stands);
    answer.block(primary(asked));
    answer.block(other_primary(&asked.whole));
    answer.block(forms_another(asked, node));
    answer.block(s05::not_proved_down(node.survey, &node.server));
    answer.block(s03::edited(node.survey));
    answer.block(s03::contradicted(node.survey));
    answer.block(s03::perhaps_edited(node.survey, &node.position));
    answer.block(s10::leftovers(node.survey));
    answer.block(asked.whole.data().filter_map(|node| s09::stale(node.survey, asked.now)));
    asked.acted_on(&[node], &mut answer);
    asked.before_a_start(&[name], &mut answer);
    let stands = of(name);
    let word = stands.and_then(|stands| stands.word);
    answer.block(worth(name, word, stands.map(|stands| stands.why.as_str()).unwrap_or_default()));
    if word != Some(Standing::Empty) {
        answer.block(s07::not_cleared(node.survey));
    }

    let mut waivable: Vec<(u8, Blocked)> = Vec::new();
    if word == Some(Standing::Empty) {
        waivable.extend(s13::may_hold_rows(node.survey, standing::is_bare(node)).map(|found| (13, found)));
    }
    let transfer = s17::in_the_way(&s17::Join {
        joiner: node.survey,
        position: match (&node.position, word) {
            (Known::Known(held), Some(Standing::Behind(_))) => Some(held.position.seqno),
            _ => None,
        },
        members: members(asked)
            .map(|member| (member.survey, of(member.name()).and_then(|stands| stands.word)))
            .collect(),
        busy: asked
            .whole
            .data()
            .filter(|other| other.name() != name && busy(other, of(other.name()).and_then(|s| s.word)))
            .map(NodeReading::name)
            .collect(),
    });
    waivable.extend(transfer.into_iter().map(|found| (17, found)));
    // Of an EMPTY node nothing is compared: it takes everything.
    if word != Some(Standing::Empty) {
        let certain = related(asked, name).any(|relation| relation.kind.is_certain());
        for found in s25::blocked(related(asked, name)) {
            let would_change = if certain { found.would_change } else { Plain::new(DOUBT) };
            waivable.push((25, Blocked { would_change, ..found }));
        }
        if certain {
            let (parted, rest): (Vec<_>, Vec<_>) = waivable.into_iter().partition(|(rule, _)| *rule == 25);
            answer.block(parted.into_iter().map(|(_, found)| found));
            waivable = rest;
        }
    }
    for (rule, found) in waivable {
        if asked.lifts(rule, name) {
            answer.waived.push(found);
        } else {
            answer.block([found]);
        }
    }
    say(&mut answer, name);
    answer
}

/// S6, the other way round: a join needs the one Primary.
fn primary(asked: &Asked<'_>) -> Option<Blocked> {
    let reading = &asked.whole;
    if reading.views.split() {
        return Some(Blocked::cluster(
            "S6",
            "more than one Primary Component is there, or is claimed",
            "choose one and end the other before anything joins",
        ));
    }
    reading.primary.is_none().then(|| {
        Blocked::cluster(
            "S6",
            "no Primary Component is proved by its members",
            "reach its members; without a Primary, galera-bootstrap begins one",
        )
    })
}

/// S6: whoever is lost keeps its last view, and forms it again with the others of it as soon as all of them are there
/// (pc.recovery). Where those run outside of the Primary, by a cut network, that is a second one.
fn forms_another(asked: &Asked<'_>, node: &NodeReading<'_>) -> Option<Blocked> {
    let facts = &node.survey.facts;
    let (view, own) = (facts.get(keys::GVWSTATE_MEMBERS), facts.get(keys::GVWSTATE_MY_UUID));
    let (view, own) = (view.known()?, own.known()?);
    let outside: Vec<&NodeReading<'_>> = asked
        .whole
        .nodes
        .iter()
        .filter(|other| other.name() != node.name() && !asked.whole.is_member(other.name()))
        .filter(|other| !other.server.is(|server| server.is_down()))
        .collect();
    let runs = |uuid: &str| {
        let says = |other: &&&NodeReading<'_>| {
            let facts = &other.survey.facts;
            facts.get(keys::WSREP_GCOMM_UUID).is(|own| own.as_str() == uuid)
                || facts.get(keys::GVWSTATE_MY_UUID).is(|own| own.as_str() == uuid)
        };
        outside.iter().find(says).map(|other| other.name().as_str())
    };
    let words = view.iter().filter_map(|row| row.as_str().split_whitespace().next());
    let others: Vec<&str> = words.filter(|uuid| *uuid != own.as_str()).map(runs).collect::<Option<_>>()?;
    // A view of the node alone is S10's.
    (!others.is_empty()).then(|| {
        Blocked::on(
            "S6",
            node.name(),
            format!(
                "its last view is of it and of {}, outside of the Primary Component too: together they would form a second one",
                others.join(", ")
            ),
            "mend the network between the members, so that they come into the Primary first",
        )
    })
}

/// What the node's history is worth beside the Primary, and what answers it where that is not a start.
fn worth(name: &NodeName, word: Option<Standing>, why: &str) -> Option<Blocked> {
    let by_hand = |rule, standing: &str, remedy: &str| {
        Some(Blocked::on(rule, name, format!("{name} is {standing}: {why}"), remedy))
    };
    match word {
        Some(Standing::Behind(_) | Standing::Empty) => None,
        Some(Standing::Ahead(by)) => by_hand(
            "S8",
            &format!("AHEAD by {by}"),
            "galera-adopt-ahead or galera-abandon-state (not built yet; by hand: copy its data directory, then go on from \
             it, or take its state files away so that a member fills it whole)",
        ),
        Some(Standing::Diverged) => by_hand(
            "S8",
            "DIVERGED",
            "galera-export-divergence or galera-abandon-state (not built yet; by hand: copy its data directory and what \
             only it holds, then take its state files away so that a member fills it whole)",
        ),
        Some(Standing::Tainted) if why.starts_with("evicted") => by_hand(
            "S7",
            "TAINTED",
            "galera-evicted-node (not built yet; by hand: copy its data directory, then take its state file and gcache \
             away so that a member fills it whole)",
        ),
        Some(Standing::Tainted) => by_hand(
            "S7",
            "TAINTED",
            "galera-abandon-state (not built yet; by hand: copy its data directory, then take its state file and gcache \
             away so that a member fills it whole)",
        ),
        Some(Standing::Unknown) => by_hand("S4", "UNKNOWN", "recover its position first (galera-positions)"),
        other => {
            let standing = other.map_or("no data node", Standing::as_str);
            Some(Blocked::on(
                "S5",
                name,
                format!("{name} is {standing}: {why}"),
                "only a node whose server is down is started",
            ))
        }
    }
}

fn members<'b, 'a>(asked: &'b Asked<'a>) -> impl Iterator<Item = &'b NodeReading<'a>> {
    asked.whole.data().filter(|node| asked.whole.is_member(node.name()))
}

/// Whether the node takes or gives a transfer, or may be about to.
fn busy(node: &NodeReading<'_>, word: Option<Standing>) -> bool {
    matches!(word, Some(Standing::Joining | Standing::Donor))
        || node.server.is(|server| matches!(server, Server::Starting))
}

/// What stands between this node's history and the Primary's, said of this one: a history that parted from another node's
/// that stays out is none of it, but for two that bootstrapped apart, whose groups anybody may have joined.
fn related<'b>(asked: &'b Asked<'_>, name: &'b NodeName) -> impl Iterator<Item = &'b Relation> {
    asked.whole.relations.iter().filter(move |relation| {
        relation.node == *name && (relation.kind != Kind::Parted || asked.whole.is_member(&relation.other))
    })
}

fn say(answer: &mut Answer, name: &NodeName) {
    answer.say("S4", format!("the position of {name} is known, or it has none"));
    answer.say("S5", format!("{name} is proved down"));
    answer.say("S6", "one Primary Component is proved, and no other is claimed");
    answer.say("S7", format!("nothing speaks against the data of {name}"));
    answer.say("S8", format!("{name} is not AHEAD and not DIVERGED"));
    answer.say("S10", format!("{name} would not bootstrap by itself"));
    answer.say(
        "S25",
        format!("the history of {name} did not part from the Primary's, by logs that reach back"),
    );
}
