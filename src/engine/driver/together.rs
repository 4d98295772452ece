//! What is done on several nodes at once: reads that need not wait for each other, and the members of the last view, which
//! wait for each other.

use futures_util::future::join_all;

use crate::ask::act::{Act, Deed, Look};
use crate::facts::{Known, NodeName, OpId, Plain, Position, WhyKind, keys};
use crate::judge::Doing;
use crate::judge::safety::s09;
use crate::runbook::PlanStep;

use super::super::authorization::Authorization;
use super::super::operator::Operator;
use super::super::ports::Ports;
use super::super::{Nodes, subject};
use super::gate::Gate;
use super::ground::Recovered;
use super::send::EXEC;
use super::step::{End, Ready};
use super::{Book, Driver, Fatal};

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// The steps from `at` on that are the same for other nodes.
    pub(super) fn alike(&self, at: usize) -> Vec<PlanStep> {
        let id = self.plan.steps.get(at).map(|step| step.id.clone()).unwrap_or_default();
        self.plan.steps.iter().skip(at).take_while(|step| step.id == id).cloned().collect()
    }

    /// The position of every stopped node at once: they wait for each other's disks in vain.
    pub(super) async fn recover_all(&mut self, at: usize) -> Result<(usize, End), Fatal> {
        let steps = self.alike(at);
        let id = steps.first().map(|step| step.id.clone()).unwrap_or_default();
        let mut asked: Vec<(PlanStep, NodeName, OpId, Look)> = Vec::new();
        for (offset, step) in steps.iter().enumerate() {
            self.announce(at + offset, step);
            let end = match self.begin(step).await? {
                Some(end) => Some(end),
                None => self.ready_to_recover(step, &mut asked).await?,
            };
            if let Some(end) = end {
                let end = if let End::Refused(why) = end { End::LeftOut(why.join("\n")) } else { end };
                self.ended(step, &end)?;
            }
        }
        let nodes = self.nodes;
        let looks = asked
            .iter()
            .map(|(_, node, _, look)| async move { nodes.look(node, look, super::send::RECOVERY).await });
        let outcomes = self.patiently(&id, None, join_all(looks)).await?;
        for ((step, node, op, _), outcome) in asked.iter().zip(outcomes) {
            let end = self.looked(step, node, op, outcome)?;
            self.ended(step, &end)?;
        }
        self.judge_recovered();
        Ok((steps.len().max(1), End::Done(String::new())))
    }

    async fn ready_to_recover(
        &mut self,
        step: &PlanStep,
        asked: &mut Vec<(PlanStep, NodeName, OpId, Look)>,
    ) -> Result<Option<End>, Fatal> {
        let Some(node) = step.node.clone() else {
            return Ok(Some(End::Skipped("it names no node".to_owned())));
        };
        match self.gate(step, &Doing::Recover(&node)).await? {
            Gate::Shut(end) => return Ok(Some(end)),
            Gate::Open(_) => {}
        }
        let (identity, target) = match subject::about(self.surveyed(&node)) {
            Known::Known(about) => about,
            Known::Unknown(why) => return Ok(Some(End::LeftOut(why.text.to_string()))),
        };
        let look = Look::Recover { identity, target };
        let op = self.intend_look(step, &node, &look)?;
        asked.push((step.clone(), node, op, look));
        Ok(None)
    }

    /// Takes a recovered position; `Err` says why there is none.
    pub(super) fn found(
        &mut self,
        node: &NodeName,
        position: Known<Position>,
        stamp: Option<Plain>,
    ) -> Result<End, String> {
        let machine = self.surveyed(node).map(|node| node.facts.get(keys::HOST_MACHINE_ID));
        self.missing.remove(node);
        match (position, machine) {
            (Known::Known(position), Some(Known::Known(machine))) => {
                let found = Recovered { position: Some(position), stamp, machine };
                self.recovered.insert(node.clone(), found);
                Ok(End::Done(format!("{node} holds {position}")))
            }
            // A zero UUID or -1 is an answer: nothing is held there.
            (Known::Unknown(why), Some(Known::Known(machine))) if why.kind == WhyKind::Undefined => {
                self.recovered.insert(node.clone(), Recovered { position: None, stamp, machine });
                Ok(End::Done(format!("{node} holds no position: {}", why.text)))
            }
            (Known::Unknown(why), _) => Err(format!("the position of {node} stays unknown: {}", why.text)),
            (_, _) => Err(format!("the machine of {node} is not known")),
        }
    }

    /// All members of the last view at once, as one decision: each start waits for the others to form the view again.
    pub(super) async fn start_all(&mut self, at: usize) -> Result<(usize, End), Fatal> {
        let steps = self.alike(at);
        let Some(first) = steps.first().cloned() else { return Ok((1, End::Skipped(String::new()))) };
        for (offset, step) in steps.iter().enumerate() {
            self.announce(at + offset, step);
        }
        if let Some(end) = self.begin(&first).await? {
            // All or none: without one of them the view does not form again.
            let end = if let End::LeftOut(why) = end { End::Refused(vec![why]) } else { end };
            self.ended(&first, &end)?;
            return Ok((steps.len(), end));
        }
        let together: Vec<NodeName> = steps.iter().filter_map(|step| step.node.clone()).collect();
        let pass = match self.gate(&first, &Doing::StartTogether(&together)).await? {
            Gate::Open(pass) => pass,
            Gate::Shut(end) => {
                self.ended(&first, &end)?;
                return Ok((steps.len(), end));
            }
        };
        let mut ready = Vec::new();
        for step in &steps {
            let Some(node) = step.node.clone() else { continue };
            match self.act_on(&node, Deed::Start { together: true })? {
                Ok(act) => ready.push((step.clone(), Ready { act, pass: pass.clone(), confirmed: None })),
                Err(end) => {
                    self.ended(step, &end)?;
                    return Ok((steps.len(), end));
                }
            }
        }
        let end = self.send_all(&first.id, ready).await?;
        Ok((steps.len(), end))
    }

    /// The same reversible act on several nodes: each with its own rules, intent and check, none waiting for another's
    /// answer. What stops one before anything is sent stops all, but on the way out, where each counts for itself.
    pub(super) async fn abreast(&mut self, steps: Vec<(usize, PlanStep)>) -> Result<(usize, End), Fatal> {
        let count = steps.len();
        let Some((_, first)) = steps.first() else { return Ok((1, End::Skipped(String::new()))) };
        let id = first.id.clone();
        let mut ready = Vec::new();
        let mut worst = End::Done(String::new());
        for (at, step) in steps {
            self.announce(at, &step);
            let end = match self.begin(&step).await? {
                Some(end) => end,
                None => match self.ready(&step).await? {
                    Ok(act) => {
                        ready.push((step, act));
                        continue;
                    }
                    Err(end) => self.or_left_out(&step, end),
                },
            };
            self.ended(&step, &end)?;
            let goes_on = end.goes_on();
            worst = worst.with(end);
            if !goes_on && !step.always {
                return Ok((count, worst));
            }
        }
        let ready = match self.still_fresh(ready).await? {
            Ok(ready) => ready,
            Err(end) => return Ok((count, end)),
        };
        let end = self.send_all(&id, ready).await?;
        Ok((count, worst.with(end)))
    }

    /// What the first acts rest on grew old while the others were made ready, by nodes that do not answer or by typing: all
    /// of it is asked once more (S9). Of nothing that is left is anybody asked again.
    async fn still_fresh(
        &mut self,
        ready: Vec<(PlanStep, Ready)>,
    ) -> Result<Result<Vec<(PlanStep, Ready)>, End>, Fatal> {
        let now = self.ports.now();
        if ready.iter().all(|(_, ready)| now.duration_since(ready.pass.read) <= s09::MAX_AGE) {
            return Ok(Ok(ready));
        }
        self.look_again().await?;
        let mut again = Vec::new();
        for (step, _) in ready {
            match self.ready(&step).await? {
                Ok(ready) => again.push((step, ready)),
                Err(end) => {
                    let end = self.or_left_out(&step, end);
                    self.ended(&step, &end)?;
                    if !end.goes_on() && !step.always {
                        return Ok(Err(end));
                    }
                }
            }
        }
        Ok(Ok(again))
    }

    /// Intents first, then all at once; the end is that of all of them.
    async fn send_all(&mut self, id: &str, ready: Vec<(PlanStep, Ready)>) -> Result<End, Fatal> {
        let mut acts: Vec<(PlanStep, Act, Authorization)> = Vec::new();
        for (step, Ready { act, pass, confirmed }) in ready {
            let authorization = self.authorize(&step, &act, &pass, confirmed.as_ref())?;
            acts.push((step, act, authorization));
        }
        let nodes = self.nodes;
        let work = join_all(acts.iter().map(|(_, _, authorization)| nodes.perform(authorization, EXEC)));
        let outcomes = self.patiently(id, None, work).await?;
        let mut worst = End::Done(String::new());
        for ((step, act, _), outcome) in acts.iter().zip(outcomes) {
            let end = self.answered(step, act, outcome).await?;
            let end = self.after(step, &act.node, end).await?;
            let end = self.or_left_out(step, end);
            self.ended(step, &end)?;
            worst = worst.with(end);
        }
        Ok(worst)
    }
}
