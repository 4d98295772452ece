//! Rules, guards, waivers and the typed confirmation: what stands between a step and its act.

use jiff::SignedDuration;

use crate::facts::{EvidenceDigest, Known, NodeName, Plain, keys};
use crate::judge::{self, Blocked, Doing, Ruling, Standing, Waiver, Waivers};
use crate::record::body::{Body, Confirm, RuleSeen, WaiverGiven as WaiverRecord};
use crate::runbook::{Action, PlanStep, Scene, Verdict};

use super::super::authorization::{Confirmed, Pass};
use super::super::operator::{Answered, Challenge, Operator, WaiverAsked};
use super::super::ports::{Ports, Stop};
use super::super::{Nodes, challenge};
use super::step::End;
use super::{Book, Driver, Fatal, clipped};

/// The longest a waiver may hold.
const LONGEST_WAIVER: SignedDuration = SignedDuration::from_hours(8);
/// Evidence younger than this was read at Enter (U7).
const AT_ENTER: SignedDuration = SignedDuration::from_secs(2);

/// What came of a challenge.
pub(super) enum Typed {
    /// What was asked, by the record of this number.
    AsAsked(u64),
    /// Something else.
    Wrong(String),
    /// Nothing, for this reason.
    Not(String),
}

/// What came out of a gate.
pub(super) enum Gate {
    /// All rules and guards passed.
    Open(Pass),
    /// The step does not happen.
    Shut(End),
}

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// Asks rules and guards on the facts at hand, and the operator for the waivers that would lift what blocks.
    pub(super) async fn gate(&mut self, step: &PlanStep, doing: &Doing<'_>) -> Result<Gate, Fatal> {
        loop {
            let (rulings, guards) = self.rule(step, doing);
            self.keep_verdict(Some(&step.id), seen(&rulings, &guards))?;
            let blocked: Vec<Blocked> = rulings.into_iter().flat_map(|ruling| ruling.blocked).collect();
            let guards_hold = guards.iter().all(|(_, verdict)| verdict.is_pass());
            if blocked.is_empty() && guards_hold {
                return Ok(Gate::Open(Pass { evidence: self.evidence(step), read: self.read_at() }));
            }
            let may = |one: &&Blocked| self.may_waive(step, doing, one);
            // Where a node could not be read, the word that it is fenced (S5) answers for what it may be doing (S6) too.
            let goes_with = |one: &&Blocked| {
                one.rule == "S6"
                    && blocked.iter().any(|other| other.rule == "S5" && other.node == one.node && may(&other))
            };
            let waivable = guards_hold && blocked.iter().all(|one| may(&one) || goes_with(&one));
            if !waivable {
                return Ok(Gate::Shut(End::Refused(reasons(&blocked, &guards))));
            }
            // One at a time: with a node left out, what stood in the way of others may be gone. The node that is acted on
            // comes last, for a waiver on it is never what is meant first.
            let mut in_turn: Vec<&Blocked> = blocked.iter().filter(may).collect();
            in_turn.sort_by_key(|one| one.node == step.node);
            let (mut refusals, asked) = (Vec::new(), in_turn.len());
            for one in in_turn {
                match self.ask_waiver(step, one).await? {
                    None => break,
                    Some(why) => refusals.push(why),
                }
            }
            if self.ports.stop() != Stop::No {
                return Ok(Gate::Shut(End::Stopped));
            }
            if refusals.len() == asked {
                let all = reasons(&blocked, &guards).into_iter().chain(refusals).collect();
                return Ok(Gate::Shut(End::Refused(all)));
            }
            self.refresh(None).await?;
            self.judge_again();
        }
    }

    /// Whether a waiver could lift it: one that was given and did not lift it never will; and what a join's rules hold
    /// against its node's position and standing is answered by another runbook, not by a word.
    fn may_waive(&self, step: &PlanStep, doing: &Doing<'_>, blocked: &Blocked) -> bool {
        let number = blocked.rule.strip_prefix('S').and_then(|number| number.parse().ok());
        let (Some(node), Some(number)) = (&blocked.node, number) else { return false };
        let lifts = !matches!(doing, Doing::Join { .. }) || matches!(number, 13 | 17 | 25);
        // A node that answers is not fenced, whatever is said.
        let lifts = lifts && (number != 5 || !self.reachable(node));
        may_be_waived(blocked.rule) && lifts && !self.waivers_at(step).lifts(number, node, self.ports.now())
    }

    /// The waivers that count at a step. Leaving a node's history out of the choice (S8, S25) says nothing of joining it
    /// afterwards: that is waived at its own step.
    fn waivers_at(&self, step: &PlanStep) -> Waivers {
        let given = self.given.iter().filter(|(at, waiver)| *at == step.id || !matches!(waiver.rule, 8 | 25));
        Waivers::new(given.map(|(_, waiver)| waiver.clone()))
    }

    fn rule(&self, step: &PlanStep, doing: &Doing<'_>) -> (Vec<Ruling>, Vec<(String, Verdict)>) {
        let now = self.ports.now();
        let survey = &self.ground.survey;
        let waivers = self.waivers_at(step);
        let judgement = judge::judge_with(survey, &waivers, now);
        let mut rulings = judge::permit(survey, &judgement, doing, &waivers, now);
        let foreign = self.frozen_by_others(doing);
        if !foreign.is_empty() {
            let says = String::new();
            rulings.push(Ruling { rule: "S21", blocked: foreign, waived: Vec::new(), says });
        }
        let planned = self.planned();
        let scene = self.scene(step.node.as_ref(), &planned);
        let guards = step.guards.iter().map(|guard| (guard.name().to_owned(), guard.hold(&scene))).collect();
        (rulings, guards)
    }

    /// S21: a freeze counts where it is this session's own. Another's may be lifted at any moment, and its holder may be about
    /// to start the node.
    fn frozen_by_others(&self, doing: &Doing<'_>) -> Vec<Blocked> {
        if !matches!(doing, Doing::Bootstrap { .. } | Doing::Join { .. } | Doing::StartTogether(_)) {
            return Vec::new();
        }
        let only = if let Doing::Join { node } = doing { Some(*node) } else { None };
        let down = self.ground.survey.data_nodes().filter(|node| {
            if only.is_some_and(|only| *only != node.name) {
                return false;
            }
            let judged = self.ground.judgement.node(&node.name);
            node.ssh.is_ok() && judged.is_some_and(|judged| judged.server.is(|server| server.is_down()))
        });
        down.filter_map(|node| {
            let by = node.facts.get(keys::UNIT_FROZEN);
            let by =
                by.known().filter(|by| !by.as_str().is_empty() && by.as_str() != self.session.as_str())?;
            Some(Blocked::on(
                "S21",
                &node.name,
                format!("it is frozen by session {by}, not by this one"),
                "ask whoever walks that session; this one needs the node's lease",
            ))
        })
        .collect()
    }

    pub(super) fn scene<'s>(&'s self, node: Option<&'s NodeName>, planned: &'s [NodeName]) -> Scene<'s> {
        Scene {
            survey: &self.ground.survey,
            judgement: &self.ground.judgement,
            node,
            planned,
            reforms: judge::re_forms(&self.ground.survey),
        }
    }

    /// What a decision on this step rests on.
    fn evidence(&self, step: &PlanStep) -> EvidenceDigest {
        let node = step.node.as_ref().map(ToString::to_string).unwrap_or_default();
        EvidenceDigest::over([
            ("judgement", self.ground.judgement.evidence_digest.to_string()),
            ("step", step.id.clone()),
            ("node", node),
            ("waivers", format!("{:?}", self.waivers)),
        ])
    }

    /// Asks for one waiver; `Some` is why there is none.
    async fn ask_waiver(&mut self, step: &PlanStep, blocked: &Blocked) -> Result<Option<String>, Fatal> {
        let Some(node) = blocked.node.clone() else { return Ok(Some("it is about no one node".to_owned())) };
        let asked = WaiverAsked {
            step: step.id.clone(),
            blocked: blocked.clone(),
            asked: challenge::waiver(&self.ground.judgement, blocked, &node),
            node: node.clone(),
        };
        let given = match self.operator.waive(&asked).await {
            Answered::Refused(why) => return Ok(Some(why)),
            Answered::Given(given) => given,
        };
        if given.typed != asked.asked {
            return Ok(Some(format!("typed {:?} where {:?} was asked", given.typed, asked.asked)));
        }
        if given.reason.trim().is_empty() {
            return Ok(Some("a waiver needs a reason".to_owned()));
        }
        let holds = SignedDuration::try_from(given.holds).unwrap_or(LONGEST_WAIVER).min(LONGEST_WAIVER);
        let until = self.ports.now() + holds;
        self.keep(Body::Waiver(WaiverRecord {
            rule: blocked.rule.to_owned(),
            node: node.to_string(),
            asked: asked.asked,
            typed: clipped(&given.typed),
            reason: clipped(&given.reason),
            until,
        }))?;
        if let Some(rule) = blocked.rule.strip_prefix('S').and_then(|number| number.parse().ok()) {
            let waiver = Waiver { rule, node, until };
            self.given.push((step.id.clone(), waiver.clone()));
            self.waivers.give(waiver);
        }
        Ok(None)
    }

    /// Asks for the typed confirmation of a step, on facts read at Enter (U7); asks again where they changed.
    pub(super) async fn confirm(
        &mut self,
        step: &PlanStep,
        node: &NodeName,
        doing: &Doing<'_>,
        mut pass: Pass,
    ) -> Result<Result<(Pass, Confirmed), End>, Fatal> {
        loop {
            let joins = self.covered(step);
            let lines = challenge::lines(
                &self.ground.survey,
                &self.ground.judgement,
                node,
                step,
                &joins,
                self.ports.now(),
            );
            let challenge = Challenge {
                step: step.id.clone(),
                node: node.clone(),
                title: challenge::title(&step.action, node),
                lines,
                asked: challenge::asked(node),
                evidence: pass.evidence.clone(),
            };
            let seq = match self.put(&challenge).await? {
                Typed::AsAsked(seq) => seq,
                Typed::Wrong(_) | Typed::Not(_) if self.ports.stop() != Stop::No => {
                    return Ok(Err(End::Stopped));
                }
                Typed::Wrong(why) | Typed::Not(why) => return Ok(Err(End::Refused(vec![why]))),
            };
            if self.ports.now().duration_since(pass.read) > AT_ENTER {
                self.look_again().await?;
                let fresh = match self.gate(step, doing).await? {
                    Gate::Open(pass) => pass,
                    Gate::Shut(end) => return Ok(Err(end)),
                };
                if fresh.evidence != pass.evidence {
                    self.say(
                        &step.id,
                        Some(node),
                        "What this rested on has changed while you typed; look again.",
                    );
                    pass = fresh;
                    continue;
                }
                pass = fresh;
            }
            let covers = self.covering(step);
            let confirmed = Confirmed { seq, evidence: pass.evidence.clone(), step: step.id.clone(), covers };
            self.confirmed.push(confirmed.clone());
            return Ok(Ok((pass, confirmed)));
        }
    }

    /// Puts a challenge to the operator, as often as the operator may try. What was typed is recorded, whether it was what
    /// was asked or not; after a stop it no longer counts.
    pub(super) async fn put(&mut self, challenge: &Challenge) -> Result<Typed, Fatal> {
        let mut left = self.operator.tries().max(1);
        loop {
            left -= 1;
            match self.put_once(challenge).await? {
                Typed::Wrong(_) if left > 0 && self.ports.stop() == Stop::No => {}
                answer => return Ok(answer),
            }
        }
    }

    async fn put_once(&mut self, challenge: &Challenge) -> Result<Typed, Fatal> {
        let begun = self.ports.mono();
        let typed = match self.operator.confirm(challenge).await {
            Answered::Refused(why) => return Ok(Typed::Not(why)),
            Answered::Given(_) if self.ports.stop() != Stop::No => {
                return Ok(Typed::Not("stopped while it was asked".to_owned()));
            }
            Answered::Given(typed) => typed,
        };
        let (asked, matched) = (&challenge.asked, typed == challenge.asked);
        let typed = clipped(Plain::new(&typed).as_str());
        let record = self.keep(Body::Confirm(Confirm {
            step: challenge.step.clone(),
            node: challenge.node.to_string(),
            asked: asked.clone(),
            typed: typed.clone(),
            millis: self.ports.mono().saturating_sub(begun) / 1_000_000,
            matched,
            evidence: challenge.evidence.to_string(),
        }))?;
        Ok(if matched {
            Typed::AsAsked(record.seq)
        } else {
            Typed::Wrong(format!("typed {typed:?} where {asked:?} was asked; nothing was sent"))
        })
    }

    /// The steps that this step's confirmation speaks for, on the nodes that its text says will follow.
    fn covering(&self, step: &PlanStep) -> Vec<(String, NodeName)> {
        let covered = self.plan.steps.iter().filter(|other| other.covered_by.as_deref() == Some(&*step.id));
        covered
            .filter_map(|other| Some((other.id.clone(), other.node.clone()?)))
            .filter(|(_, node)| challenge::follows(&self.ground.judgement, node))
            .collect()
    }

    /// The nodes of those steps.
    fn covered(&self, step: &PlanStep) -> Vec<NodeName> {
        let covered = self.plan.steps.iter().filter(|other| other.covered_by.as_deref() == Some(&*step.id));
        covered.filter_map(|other| other.node.clone()).collect()
    }

    /// The confirmation that covers a step, where one was given in this session whose text named its node.
    pub(super) fn confirmation(&self, step: &PlanStep) -> Option<Confirmed> {
        let (by, node) = (step.covered_by.as_ref()?, step.node.as_ref()?);
        let named =
            |given: &&Confirmed| given.covers.iter().any(|(id, other)| *id == step.id && other == node);
        self.confirmed.iter().rev().filter(|given| given.step == *by).find(named).cloned()
    }

    /// The data nodes that are to be members in the end. One that never answered is none of them: S4 and S5 speak of it.
    pub(super) fn planned(&self) -> Vec<NodeName> {
        let makes =
            |step: &&PlanStep| matches!(step.action, Action::Bootstrap | Action::Join | Action::Start);
        let members = self.ground.judgement.primary.iter().flat_map(|primary| primary.members.iter());
        let named: Vec<&NodeName> = self
            .plan
            .steps
            .iter()
            .filter(makes)
            .filter_map(|step| step.node.as_ref())
            .chain(members)
            .collect();
        let there = |name: &NodeName| self.reachable(name) || self.has_started_here(name);
        let wanted = |name: &&NodeName| {
            let out = self.left_out.contains_key(*name) && !self.is_synced(name);
            named.contains(name) && !out && there(name)
        };
        self.setting.data.iter().filter(wanted).cloned().collect()
    }

    /// Each data node's standing, for a choice.
    pub(super) fn standings(&self) -> Vec<(NodeName, String)> {
        let judged = self.ground.judgement.nodes.iter();
        judged
            .filter_map(|node| {
                let standing = node.standing?;
                // Why there is none stands in the reason already.
                let position = match &node.position {
                    Known::Known(held) => format!(" · {}", held.position),
                    Known::Unknown(_) => String::new(),
                };
                let by = standing.by().map(|by| format!(" by {by}")).unwrap_or_default();
                (standing != Standing::Arbitrator).then(|| {
                    (node.name.clone(), format!("{}{by}{position} · {}", standing.as_str(), node.why))
                })
            })
            .collect()
    }
}

fn may_be_waived(rule: &str) -> bool {
    let number = rule.strip_prefix('S').and_then(|number| number.parse::<u8>().ok());
    judge::safety::RULES.iter().any(|rule| rule.waivable && Some(rule.number) == number)
}

fn seen(rulings: &[Ruling], guards: &[(String, Verdict)]) -> Vec<RuleSeen> {
    let mut all = Vec::new();
    for ruling in rulings {
        if ruling.blocked.is_empty() {
            all.push(RuleSeen {
                rule: ruling.rule.to_owned(),
                node: None,
                pass: true,
                why: ruling.says.clone(),
            });
        }
        let blocked = ruling.blocked.iter().map(|one| (one, false));
        for (one, pass) in blocked.chain(ruling.waived.iter().map(|one| (one, true))) {
            let waived = if pass { "waived: " } else { "" };
            all.push(RuleSeen {
                rule: one.rule.to_owned(),
                node: one.node.as_ref().map(ToString::to_string),
                pass,
                why: format!("{waived}{}", one.why),
            });
        }
    }
    for (name, verdict) in guards {
        let (pass, why) = match verdict {
            Verdict::Pass { says } => (true, says.clone()),
            Verdict::Fail { why, .. } => (false, why.clone()),
            Verdict::Unknown { why, .. } => (false, format!("not known: {why}")),
        };
        all.push(RuleSeen { rule: name.clone(), node: None, pass, why });
    }
    all
}

/// Why a step does not happen, a sentence each: the rule, the node, the fact, what would change it (U10).
fn reasons(blocked: &[Blocked], guards: &[(String, Verdict)]) -> Vec<String> {
    let rules = blocked.iter().map(|one| {
        let node = one.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
        let waiver = if one.node.is_some() && may_be_waived(one.rule) { " (can be waived)" } else { "" };
        format!("{}{node}: {}; what would change it: {}{waiver}", one.rule, one.why, one.would_change)
    });
    let guards = guards.iter().filter_map(|(name, verdict)| match verdict {
        Verdict::Pass { .. } => None,
        Verdict::Fail { why, remedy } => Some(format!("{name}: {why}; what would change it: {remedy}")),
        Verdict::Unknown { why, remedy } => {
            Some(format!("{name}: not known: {why}; what would change it: {remedy}"))
        }
    });
    rules.chain(guards).collect()
}
