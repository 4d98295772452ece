//! Acts on one node that start nothing.

use super::{Answer, Asked, DoingKind, other_primary, stranger};
use crate::facts::NodeName;
use crate::judge::Standing;
use crate::judge::safety::{Blocked, s09, s14, s15, s18, s21};

pub(super) fn answer(asked: &Asked<'_>, kind: DoingKind, name: &NodeName) -> Answer {
    let mut answer = Answer::default();
    let Some(node) = asked.node(name) else {
        answer.block([stranger(name)]);
        return answer;
    };
    answer.say("S11", format!("the state files of {name} were read"));
    answer.say("S21", format!("{name} is frozen"));
    match kind {
        // What gives back asks for nothing that could keep it from being given back.
        DoingKind::Unfreeze | DoingKind::Lease | DoingKind::Write => {
            answer.block(s09::stale(node.survey, asked.now));
            answer.block(s18::unproved(node.survey));
            answer.block(s18::twins(node.survey, asked.survey.data_nodes()));
        }
        _ => asked.acted_on(&[node], &mut answer),
    }
    match kind {
        DoingKind::EndStuck => {
            answer.block(s15::in_the_way(node.survey, &node.server));
            answer.block(s21::not_frozen(node.survey));
            if asked.whole.views.said() {
                answer.block([Blocked::on(
                    "S6",
                    name,
                    "a Primary Component is there, or is claimed: the waiting server may be its member, or become one",
                    "mend the network to the Primary's members: the server joins by itself",
                )]);
            }
            answer.say("S6", "nobody shows a Primary Component that it could be a member of");
        }
        DoingKind::Recover => answer.block(s14::in_the_way(node.survey)),
        DoingKind::RecoverDirect => {
            answer.block(s14::in_the_way(node.survey));
            answer.block(s21::not_frozen(node.survey));
        }
        DoingKind::Write => {
            answer.block(other_primary(&asked.whole));
            answer.say("S6", "no other Primary Component is claimed");
            let synced =
                asked.judgement.node(name).is_some_and(|judged| judged.standing == Some(Standing::Synced));
            if !synced || !asked.whole.is_member(name) {
                answer.block([Blocked::on(
                    "S22",
                    name,
                    "it is not SYNCED in a proved Primary Component, and a write there proves nothing",
                    "wait until it is, confirmed by the others",
                )]);
            }
        }
        _ => {}
    }
    answer
}
