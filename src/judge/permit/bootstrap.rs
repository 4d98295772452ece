//! The bootstrap: one node begins the Primary Component anew.

use super::{Answer, Asked, stranger};
use crate::facts::{Known, NodeName};
use crate::judge::safety::{Blocked, s18};
use crate::judge::{NodeJudgement, NodeReading, Reading, Standing, blockers, standing};

pub(super) fn answer(asked: &Asked<'_>, target: &NodeName, others: &[NodeName]) -> Answer {
    let mut answer = Answer::default();
    let Some(node) = asked.node(target) else {
        answer.block([stranger(target)]);
        return answer;
    };
    for other in others.iter().filter(|other| *other != target && asked.node(other).is_none()) {
        answer.block([stranger(other)]);
    }
    let held = in_the_way(asked, &asked.waived, &asked.judgement.nodes, target);
    answer.waived = lifted(asked, target, &held);
    let not_the_one = not_the_one(asked, target, &held);
    answer.block(held);
    answer.block(not_the_one);
    answer.block(s18::unproved(node.survey));
    answer.block(s18::twins(node.survey, asked.survey.data_nodes()));
    asked.before_a_start(&[target], &mut answer);
    answer.say("S7", format!("{target} is a candidate, and nobody's data speaks against it"));
    answer
}

/// What is in the way of going on from the target. A doubt said of the target is said of the other node too: left out, the
/// target is not the one to go on from, and only a waiver on the other leads on from it.
fn in_the_way(
    asked: &Asked<'_>,
    reading: &Reading<'_>,
    nodes: &[NodeJudgement],
    target: &NodeName,
) -> Vec<Blocked> {
    let mut held = blockers::of_bootstrap(reading, nodes, asked.now);
    let doubts = reading.relations.iter().filter(|there| there.node == *target && !there.kind.is_certain());
    for doubt in doubts {
        let said = held.iter().any(|one| one.rule == "S25" && one.node.as_ref() == Some(&doubt.other));
        if !said {
            held.push(Blocked::on(
                "S25",
                &doubt.other,
                format!("its history and that of {target} may have parted: {target}: {}", doubt.why),
                format!("show both logs from further back; or leave {} out by a waiver", doubt.other),
            ));
        }
    }
    held
}

/// What would hold it back with nothing waived, and a waiver of that very node lifts.
fn lifted(asked: &Asked<'_>, target: &NodeName, held: &[Blocked]) -> Vec<Blocked> {
    let standings = standing::standings(&asked.whole);
    let nodes: Vec<NodeJudgement> = asked
        .judgement
        .nodes
        .iter()
        .map(|judged| {
            let whole = standings.iter().find(|(name, _)| **name == judged.name);
            NodeJudgement { standing: whole.and_then(|(_, stands)| stands.word), ..judged.clone() }
        })
        .collect();
    let by_a_waiver = |was: &Blocked| {
        was.node.as_ref().is_some_and(|node| match was.rule {
            "S4" => asked.lifts(4, node),
            "S5" | "S6" => asked.lifts(5, node),
            "S8" | "S25" => asked.waived.lifted.leaves_out(node),
            _ => false,
        })
    };
    in_the_way(asked, &asked.whole, &nodes, target)
        .into_iter()
        .filter(|was| by_a_waiver(was) && !held.iter().any(|is| is.rule == was.rule && is.node == was.node))
        .collect()
}

/// Why the target is not the node to go on from; `None` where it is a CANDIDATE.
fn not_the_one(asked: &Asked<'_>, target: &NodeName, held: &[Blocked]) -> Option<Blocked> {
    let judged = asked.judgement.node(target)?;
    let why = &judged.why;
    let choose = "choose a candidate";
    Some(match judged.standing? {
        Standing::Candidate => return None,
        Standing::Behind(by) => {
            let holders = holders(asked, target, by);
            let sets = if by == 1 { "write-set" } else { "write-sets" };
            let verb = if holders.contains(" and ") { "hold" } else { "holds" };
            Blocked::on(
                "S7",
                target,
                format!("{target} is BEHIND by {by}: it would lose {by} {sets} that {holders} {verb}"),
                choose,
            )
        }
        standing @ (Standing::Ahead(_) | Standing::Diverged) => {
            let why = format!("{target} is {}: {why}", standing.as_str());
            Blocked::on(
                "S8",
                target,
                why,
                "choose which history is the one; the other is left out by a waiver",
            )
        }
        Standing::Unknown if asked.waived.lifted.leaves_out(target) => {
            Blocked::on("S8", target, why.as_str(), "a node that is left out is not the one to go on from")
        }
        // Whatever keeps it from being known stands there by its own name, and is waived by that.
        Standing::Unknown if held.iter().any(|one| matches!(one.rule, "S4" | "S6")) => return None,
        Standing::Unknown => Blocked::on(
            "S4",
            target,
            format!("{target} is not known to hold the most: {why}"),
            "make every position known, or waive the missing one by name",
        ),
        other => Blocked::on("S7", target, format!("{target} is {}: {why}", other.as_str()), choose),
    })
}

/// Who holds what the target lacks.
fn holders(asked: &Asked<'_>, target: &NodeName, by: u64) -> String {
    let position = |name: &NodeName| match asked.judgement.node(name).map(|node| &node.position) {
        Some(Known::Known(held)) => Some(held.position),
        _ => None,
    };
    let Some(own) = position(target) else { return "another node".to_owned() };
    let names: Vec<&str> = asked
        .whole
        .data()
        .map(NodeReading::name)
        .filter(|name| {
            position(name).is_some_and(|held| held.uuid == own.uuid && held.seqno.beyond(own.seqno) == by)
        })
        .map(NodeName::as_str)
        .collect();
    match names.split_last() {
        None => "another node".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
