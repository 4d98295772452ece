//! What a drill came to: a fold over its records, beside what really was on the nodes.

use std::time::Duration;

use super::{Drill, Question};
use crate::facts::{Mode, Plain, Survey};
use crate::judge;
use crate::nodes::sim::{Formed, Truth};
use crate::record::Record;
use crate::record::body::{Body, Outcome, StepState};

/// What is said after a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debrief {
    /// Sentences, the facts first, then what to take away.
    pub lines: Vec<Plain>,
    /// All of it in one line, for a list of drills.
    pub one_line: Plain,
}

/// What the records say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    sessions: usize,
    confirmed: usize,
    /// Confirmations that were typed wrong.
    wrong: usize,
    /// Steps and acts that were refused, as `step on node`.
    refused: Vec<String>,
    waived: Vec<String>,
    destructive: usize,
}

fn tally(records: &[Record]) -> Tally {
    let mut tally = Tally::default();
    for record in records.iter().filter(|record| record.mode == Mode::Drill) {
        match &record.body {
            Body::SessionOpen(_) => tally.sessions += 1,
            Body::Confirm(confirm) if confirm.matched => tally.confirmed += 1,
            Body::Confirm(_) => tally.wrong += 1,
            Body::Waiver(waiver) => tally.waived.push(format!("{} on {}", waiver.rule, waiver.node)),
            Body::OpIntent(intent) if intent.class == crate::ask::act::Class::Destructive => {
                tally.destructive += 1;
            }
            Body::OpOutcome(outcome) if outcome.outcome == Outcome::Refused => {
                tally.refused.push(outcome.detail.lines().next().unwrap_or_default().to_owned());
            }
            Body::Step(step) if step.state == StepState::Refused => {
                let on = step.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
                tally.refused.push(format!("{}{on}", step.step));
            }
            _ => {}
        }
    }
    tally
}

impl Drill {
    /// What the drill came to. `records` are those made since it began, for the log may hold earlier drills; `survey` is
    /// the last one.
    pub fn debrief(&self, records: &[Record], survey: &Survey) -> Debrief {
        let tally = tally(records);
        let truth = self.sim.truth();
        let judgement = judge::judge(survey);
        let missing = self.missing(survey, &judgement);
        let won = self.won(survey, &judgement).is(|won| *won);
        let took = span(survey.taken.duration_since(self.paged).unsigned_abs());
        let dropped = dropped(&truth);
        let lost: u64 = dropped.iter().map(|(_, sets)| sets).sum();
        let mut lines = vec![if won {
            format!("Won: everything was reached {took} after the pager rang, on the drill's clock.")
        } else {
            let missing: Vec<&str> = missing.iter().map(Plain::as_str).collect();
            format!("Not won after {took} on the drill's clock: {}.", missing.join("; "))
        }];
        lines.extend(truth.formed.iter().map(how));
        if truth.formed.is_empty() {
            lines.push("No Primary Component was formed.".to_owned());
        }
        lines.push(self.held());
        lines.push(if dropped.is_empty() {
            "No write-set that a surveyed node held was dropped; acknowledged writes may still be missing."
                .to_owned()
        } else {
            let each = dropped.iter().map(|(node, sets)| format!("{sets} of {node}"));
            format!("Dropped write-sets: {}.", each.collect::<Vec<_>>().join(", "))
        });
        lines.push(format!(
            "{} runs; {} destructive acts; {} confirmations typed, {} of them wrong.",
            tally.sessions,
            tally.destructive,
            tally.confirmed + tally.wrong,
            tally.wrong
        ));
        lines.push(listed("Refused", &tally.refused));
        lines.push(listed("Waived", &tally.waived));
        let diagnosis = answered(&self.scenario.diagnosis, self.answers.diagnosis);
        let node = answered(&self.scenario.node, self.answers.node);
        lines.push(format!("What is wrong: {}", diagnosis.1));
        lines.push(format!("Which node: {}", node.1));
        let one_line = format!(
            "DRILL {} seed {}: {} in {took}; {lost} write-sets dropped; {} wrong confirmations, {} refusals, {} waivers; \
             diagnosis {}, node {}",
            self.scenario.id,
            self.seed,
            if won { "won" } else { "not won" },
            tally.wrong,
            tally.refused.len(),
            tally.waived.len(),
            diagnosis.0,
            node.0
        );
        let told = lines.into_iter().map(Plain::new).chain(self.scenario.debrief.iter().cloned());
        Debrief { lines: told.collect(), one_line: Plain::new(one_line) }
    }

    /// What every node held when the pager rang, as nobody could know then.
    fn held(&self) -> String {
        let each = self.found.nodes.iter().map(|node| format!("{} {}", node.name, node.seqno));
        format!("What they held when the pager rang: {}.", each.collect::<Vec<_>>().join(", "))
    }
}

/// Write-sets that a node held and the cluster went on without, each node once.
fn dropped(truth: &Truth) -> Vec<(String, u64)> {
    let beyond = |formed: &Formed, name: &str| {
        let held = formed.held.iter().find(|(node, _)| node.as_str() == name);
        held.map_or(0, |(_, held)| held.beyond(formed.position))
    };
    let nodes = truth.nodes.iter().map(|node| {
        let most = truth.formed.iter().map(|formed| beyond(formed, node.name.as_str())).max();
        (node.name.to_string(), most.unwrap_or_default())
    });
    nodes.filter(|(_, sets)| *sets > 0).collect()
}

/// How a Primary Component came to be, and what that was worth.
fn how(formed: &Formed) -> String {
    let Some(by) = &formed.by else {
        return format!(
            "The last view formed again by itself, going on from {}: nothing was bootstrapped.",
            formed.position
        );
    };
    let most = formed.held.iter().map(|(_, held)| *held).max().unwrap_or(formed.position);
    let others = formed.held.iter().filter(|(node, held)| node != by && *held == formed.position).count();
    let worth = if formed.position < most {
        format!("another node held {} more", most.beyond(formed.position))
    } else if others > 0 {
        "it held the most, as others did".to_owned()
    } else {
        "it alone held the most".to_owned()
    };
    format!("{by} was bootstrapped at {}: {worth}.", formed.position)
}

fn listed(what: &str, items: &[String]) -> String {
    if items.is_empty() { format!("{what}: nothing.") } else { format!("{what}: {}.", items.join("; ")) }
}

/// Right, wrong or not answered, and why.
fn answered(question: &Question, given: Option<usize>) -> (&'static str, String) {
    let right = question.options.iter().find(|option| option.right);
    let told = right.map_or_else(String::new, |right| format!("{} {}", right.text, right.why));
    match given.and_then(|given| question.options.get(given)) {
        None => ("not answered", format!("not answered. {told}")),
        Some(option) if option.right => ("right", format!("right. {}", option.why)),
        Some(option) => ("wrong", format!("wrong. {} Right is: {told}", option.why)),
    }
}

/// `2 min 31 s`.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}
