//! Three operators. What they decide comes from the history's seed.

use std::time::Duration;

use breakglass::engine::{Answered, Challenge, Choice, Event, Operator, WaiverAsked, WaiverGiven};
use breakglass::facts::{Mode, NodeName};
use breakglass::nodes::sim::NodeTruth;
use breakglass::record::body::Body;

use super::history::Who;
use super::holds::lacks;
use super::rng::Rng;
use super::stage::{Stage, holding};

/// How far an operator goes with waivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waives {
    Nothing,
    Everything,
    /// Only where nothing is lost by it, as only who knows what really is can tell.
    Harmless,
}

/// Whoever walks one run.
pub(crate) struct Person<'a> {
    stage: &'a Stage,
    rng: &'a mut Rng,
    who: Who,
    waives: Waives,
    /// Asks for a stop once so much was heard, and how hard.
    stops: Option<(u64, u8)>,
    heard: u64,
}

impl<'a> Person<'a> {
    pub(crate) fn new(stage: &'a Stage, rng: &'a mut Rng, who: Who, waives: Waives) -> Self {
        let stops = (who == Who::Random && rng.percent(20))
            .then(|| (rng.between(1, 120), u8::try_from(rng.between(1, 2)).unwrap()));
        Self { stage, rng, who, waives, stops, heard: 0 }
    }

    /// A person takes a while to read and to type.
    async fn thinks(&mut self) {
        let most = if self.rng.percent(20) { 25_000 } else { 1500 };
        let time = Duration::from_millis(self.rng.between(0, most));
        breakglass::engine::Ports::sleep(self.stage, time).await;
    }

    /// A node that holds what any other holds, and more than nothing.
    fn holds_all(&self) -> Option<NodeName> {
        let truth = self.stage.sim.truth();
        let all =
            |one: &NodeTruth| truth.nodes.iter().all(|other| lacks(&one.holds, &other.holds).is_empty());
        truth.nodes.iter().find(|node| !node.holds.is_empty() && all(node)).map(|node| node.name.clone())
    }

    /// Whether waiving a rule on this node gives up nothing: what it holds is with those that go on.
    fn is_harmless(&self, node: &NodeName) -> bool {
        let truth = self.stage.sim.truth();
        // Whom to go on from is not left out.
        if truth.primaries.is_empty() && self.holds_all().as_ref() == Some(node) {
            return false;
        }
        let held = holding(&truth, node);
        let runs = truth.nodes.iter().any(|of| of.name == *node && of.running);
        let kept = |of: &NodeName| of != node && lacks(&holding(&truth, of), &held).is_empty();
        let primary = truth.primaries.first();
        match primary {
            Some(members) => members.contains(node) || members.iter().any(kept),
            None => !runs && truth.nodes.iter().any(|of| kept(&of.name)),
        }
    }
}

impl Operator for Person<'_> {
    fn mode(&mut self, mode: Mode) -> Result<(), String> {
        if mode == Mode::Drill { Ok(()) } else { Err("no drill".to_owned()) }
    }

    async fn choose(&mut self, choice: &Choice) -> Answered<NodeName> {
        self.thinks().await;
        if self.who == Who::Random && self.rng.percent(15) {
            let names = self.stage.sim.data();
            return Answered::Given(self.rng.pick(&names).clone());
        }
        if let (Waives::Harmless, true, Some(node)) = (self.waives, choice.among.is_empty(), self.holds_all())
        {
            return Answered::Given(node);
        }
        if choice.among.is_empty() {
            return Answered::Refused("there is nothing to choose".to_owned());
        }
        Answered::Given(self.rng.pick(&choice.among).clone())
    }

    async fn confirm(&mut self, challenge: &Challenge) -> Answered<String> {
        self.stage.tell(|| format!("confirm? {}: {:?}", challenge.title, challenge.asked));
        {
            let mut known = self.stage.known();
            known.tally.add("asked", challenge.title.split(' ').next().unwrap_or_default());
            let evidence = known.walked.evidence.clone();
            known.walked.confirmed = evidence.map(|evidence| (challenge.node.clone(), evidence));
        }
        self.thinks().await;
        if self.who == Who::Random && self.rng.percent(12) {
            return if self.rng.percent(50) {
                Answered::Refused("rather not".to_owned())
            } else {
                Answered::Given("yes".to_owned())
            };
        }
        Answered::Given(challenge.asked.clone())
    }

    async fn waive(&mut self, waiver: &WaiverAsked) -> Answered<WaiverGiven> {
        self.stage
            .tell(|| format!("waive? {} on {}: {}", waiver.blocked.rule, waiver.node, waiver.blocked.why));
        self.thinks().await;
        let gives = match self.waives {
            Waives::Nothing => false,
            Waives::Everything => true,
            Waives::Harmless => self.is_harmless(&waiver.node),
        };
        if !gives {
            return Answered::Refused("nothing is waived".to_owned());
        }
        let mut known = self.stage.known();
        known.tally.add("waived", waiver.blocked.rule);
        known.walked.waived.push((waiver.blocked.rule.to_owned(), waiver.node.clone()));
        drop(known);
        self.stage.tell(|| format!("waived {} on {}", waiver.blocked.rule, waiver.node));
        Answered::Given(WaiverGiven {
            typed: waiver.asked.clone(),
            reason: "a history".to_owned(),
            holds: Duration::from_mins(30),
        })
    }

    fn hear(&mut self, event: &Event<'_>) {
        self.heard += 1;
        if let Some((after, how)) = self.stops
            && self.heard == after
        {
            self.stage.tell(|| format!("stop ({how})"));
            self.stage.clock.stopper().store(how, std::sync::atomic::Ordering::SeqCst);
        }
        match event {
            Event::Surveyed { judgement, .. } => {
                {
                    let mut known = self.stage.known();
                    known.walked.evidence = Some(judgement.evidence_digest.clone());
                    let stands =
                        judgement.nodes.iter().filter_map(|node| Some((node.name.clone(), node.standing?)));
                    known.walked.standings = stands.collect();
                }
                self.stage.tell(|| {
                    let nodes = judgement.nodes.iter().map(|node| {
                        format!("{}={}", node.name, node.standing.map_or("-", |standing| standing.as_str()))
                    });
                    format!("   sees {} {}", judgement.verdict, nodes.collect::<Vec<_>>().join(" "))
                });
            }
            Event::Step { step, node, .. } => {
                self.stage.tell(|| format!("step {step} {}", node.map(NodeName::as_str).unwrap_or_default()));
            }
            Event::Said { text, .. } => self.stage.tell(|| format!("says {text}")),
            Event::Recorded(record) => {
                if let Body::Step(step) = &record.body {
                    self.stage
                        .tell(|| format!("     {} {}: {}", step.step, step.state.as_str(), step.detail));
                }
            }
            Event::Planned(_) | Event::Progress { .. } => {}
        }
    }
}
