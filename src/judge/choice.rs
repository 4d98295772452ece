//! Which nodes could be bootstrapped where no CANDIDATE is left: by statements about other nodes that an operator could make.

use jiff::{SignedDuration, Timestamp};

use super::{NodeJudgement, Standing, Waiver, Waivers, judge_with};
use crate::facts::{NodeName, Survey};

/// The rules whose waiver leaves another node out: its position is missed, it does not answer.
const UNREAD: &[u8] = &[4, 5];
/// And those that leave a parted history out (S8).
const PARTED: &[u8] = &[4, 5, 8, 25];

/// The CANDIDATEs; where there are none, those that would be if every unknown position were waived by name (S4, S5); where
/// histories parted and nobody serves, each node that would be if the other histories were left out (S8). That a node is
/// named waives nothing: each statement is asked for by itself.
pub fn on_offer(survey: &Survey, waivers: &Waivers, now: Timestamp) -> Vec<NodeName> {
    let judgement = judge_with(survey, waivers, now);
    if !judgement.candidates.is_empty() || judgement.primary.is_some() {
        return judgement.candidates;
    }
    let with = |rules: &[u8], out: &dyn Fn(&NodeJudgement) -> bool| {
        let mut waivers = waivers.clone();
        for node in judgement.nodes.iter().filter(|node| out(node)) {
            for rule in rules {
                let until = now + SignedDuration::from_hours(1);
                waivers.give(Waiver { rule: *rule, node: node.name.clone(), until });
            }
        }
        judge_with(survey, &waivers, now).candidates
    };
    let missing = |node: &NodeJudgement| node.position.known().is_none();
    let known = with(UNREAD, &missing);
    if !known.is_empty() {
        return known;
    }
    let parted =
        |node: &NodeJudgement| matches!(node.standing, Some(Standing::Diverged | Standing::Ahead(_)));
    let stands = judgement.nodes.iter().filter(|node| parted(node));
    let chosen = stands.filter(|node| {
        let out = |other: &NodeJudgement| other.name != node.name && (missing(other) || parted(other));
        with(PARTED, &out).contains(&node.name)
    });
    chosen.map(|node| node.name.clone()).collect()
}
