//! The start of all members of the last Primary view, which re-form it by themselves.

use super::{Answer, Asked, stranger};
use crate::facts::NodeName;
use crate::judge::safety::{Blocked, s03, s05, s06, s07, s10, s25};
use crate::judge::{findings, standing};

pub(super) fn answer(asked: &Asked<'_>, names: &[NodeName]) -> Answer {
    let mut answer = Answer::default();
    let reading = &asked.whole;
    for name in names.iter().filter(|name| asked.node(name).is_none()) {
        answer.block([stranger(name)]);
    }
    for node in reading.data().filter(|node| !names.contains(node.name())) {
        answer.block([Blocked::on(
            "S17",
            node.name(),
            "it is not among those that are started together",
            "start all members of the last view, or bootstrap",
        )]);
    }
    if !findings::view_is_whole(reading) {
        answer.block([Blocked::cluster(
            "S17",
            "not every member of the last Primary view is here, down, with that view saved and in no doubt",
            "without the whole view nothing re-forms: galera-bootstrap begins one",
        )]);
    }
    for node in reading.data() {
        answer.block(s05::not_proved_down(node.survey, &node.server));
        answer.block(s03::edited(node.survey));
        answer.block(s03::contradicted(node.survey));
        answer.block(s03::perhaps_edited(node.survey, &node.position));
        answer.block(s10::leftovers(node.survey));
        answer.block(s07::not_cleared(node.survey));
        answer.block(node.tainted().map(|why| {
            Blocked::on("S7", node.name(), why, "it is filled whole by a member, and never started so")
        }));
    }
    let nodes: Vec<_> = reading.data().collect();
    asked.acted_on(&nodes, &mut answer);
    answer.block(s06::primary_seen(reading.data().map(|node| s06::Node {
        name: node.name(),
        server: &node.server,
        claims_primary: reading.views.claims(node.name()),
    })));
    // Who was in one view is of one history, unless their logs prove otherwise.
    answer.block(s25::blocked(reading.relations.iter().filter(|relation| relation.kind.is_certain())));
    let acting: Vec<&NodeName> = names.iter().collect();
    asked.before_a_start(&acting, &mut answer);
    for (name, stands) in standing::standings(reading) {
        let diverged = stands.word == Some(crate::judge::Standing::Diverged);
        answer.block(diverged.then(|| {
            Blocked::on("S25", name, stands.why.as_str(), "choose one history before anything is started")
        }));
    }
    answer.say("S7", "nothing speaks against the data of any of them");
    answer.say("S10", "none of them would bootstrap by itself");
    answer.say("S17", "all members of the last Primary view are started together, and need no transfer");
    answer.say("S25", "no log shows a bootstrap apart from the others");
    answer
}
