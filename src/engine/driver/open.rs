//! How a run begins: the first survey, the record, what a dead session left open, the lease.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{EvidenceDigest, Mode, NodeName, Plain, SessionId, keys};
use crate::judge::{self, Waivers};
use crate::record::body::{Body, PlanMade, SessionOpen};
use crate::record::{OpenError, Record};
use crate::runbook::{Action, Plan, PlanStep};

use super::super::machine::Machine;
use super::super::operator::{Challenge, Event, Operator};
use super::super::ports::{Ports, Stop};
use super::super::{Nodes, survey};
use super::close::Ended;
use super::gate::Typed;
use super::ground::{self, Ground};
use super::step::End;
use super::{Book, Driver, Fatal, Setting};

/// A run did not come to its end, or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The record cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was ended in the middle.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Walks a plan from its first survey to the close of its session.
///
/// `book` opens the record once it is known whether the cluster is the real thing.
pub async fn run<N: Nodes, B: Book, P: Ports, O: Operator>(
    nodes: &N,
    ports: &P,
    operator: &mut O,
    setting: &Setting,
    plan: Plan,
    book: impl FnOnce(Mode) -> Result<(B, Vec<Record>), OpenError>,
) -> Result<Ended, RunError> {
    let random = ports.random().ok_or(Fatal::NoRandom)?;
    let session = SessionId::new(ports.now().as_millisecond().try_into().unwrap_or(0), random);
    let taken = survey(nodes, &setting.cluster, setting.family, &setting.names, || ports.now(), |_| ());
    let mut first = taken.await.map_err(Fatal::from)?;
    let mode = first.mode;
    if let Err(why) = operator.mode(mode) {
        return Ok(Ended::refused(session, why));
    }
    let (book, records) = match book(mode) {
        Ok(opened) => opened,
        Err(error @ OpenError::Held { .. }) => return Ok(Ended::refused(session, error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let machine = Machine::of(&records).map_err(Fatal::from)?;
    // What was recovered before still counts where the engine's files are as they were.
    let recovered = ground::remembered(&records);
    ground::recall(&mut first, &recovered);
    let waivers = Waivers::default();
    let judgement = judge::judge_with(&first, &waivers, ports.now());
    let mut driver = Driver {
        nodes,
        book,
        ports,
        operator,
        setting,
        machine,
        session,
        opened: ports.mono(),
        plan,
        waivers,
        given: Vec::new(),
        recovered,
        verdict: None,
        ground: Ground { survey: first, judgement },
        touched: BTreeSet::new(),
        confirmed: Vec::new(),
        left_out: BTreeMap::new(),
        missing: BTreeMap::new(),
        broken: BTreeMap::new(),
        failed_transfers: 0,
        gauges: BTreeMap::new(),
    };
    Ok(driver.walk().await?)
}

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    async fn walk(&mut self) -> Result<Ended, Fatal> {
        self.keep(Body::SessionOpen(SessionOpen {
            version: self.setting.version.clone(),
            operator: self.setting.operator.clone(),
            pid: self.setting.pid,
            reason: self.setting.reason.clone(),
            incident: self.setting.incident.clone(),
            runbook: self.plan.runbook.id.clone(),
            cluster: self.setting.cluster.to_string(),
            inventory: self.setting.inventory.clone(),
            signature: None,
        }))?;
        let inputs = self.plan.inputs.iter();
        let inputs = inputs.map(|(name, node)| (name.clone(), node.as_ref().map(ToString::to_string)));
        self.note(Body::Plan(PlanMade {
            runbook: self.plan.runbook.id.clone(),
            digest: self.plan.runbook.digest.clone(),
            inputs: inputs.collect(),
            steps: steps(&self.plan),
        }))?;
        self.operator.hear(&Event::Planned(&self.plan));
        self.verdict = Some(self.ground.judgement.verdict);
        self.show_ground();
        self.keep_survey()?;
        self.keep_verdict(None, Vec::new())?;
        // A run that only reads leaves everything as it is, an open unknown too.
        if !self.plan.all_reads()
            && let Some(end) = self.bury().await?
        {
            return self.close(end).await;
        }
        if self.plan.steps.iter().any(|step| step.action == Action::Bootstrap)
            && judge::re_forms(&self.ground.survey)
        {
            let text = format!(
                "All members of the last view are here, and nobody bootstrapped: breakglass run galera-start-all {} \
                 re-forms it with no bootstrap at all, and gives up nothing.",
                self.setting.cluster
            );
            self.say("begin", None, text);
        }
        let mut at = 0;
        let mut last = End::Done(String::new());
        while at < self.plan.steps.len() {
            if self.plan.steps.get(at).is_some_and(|step| step.always) {
                at += 1;
                continue;
            }
            if self.ports.stop() != Stop::No {
                last = End::Stopped;
                break;
            }
            let (steps, end) = self.step(at).await?;
            at += steps;
            if !end.goes_on() {
                last = end;
                break;
            }
        }
        self.close(last).await
    }

    pub(super) fn holder(&self) -> Plain {
        let operator = &self.setting.operator;
        Plain::new(format!("{}@{}", operator.login, operator.workstation))
    }

    /// The session whose lease on the node may be replaced: one of this record, which has one writer, so that it is
    /// dead; or one that the operator broke.
    pub(super) fn over(&self, node: &NodeName) -> Option<SessionId> {
        let held = self.lease(node)?;
        // A record that was copied from another workstation knows sessions that live there.
        let here = format!("@{} ", self.setting.operator.workstation);
        let text = self.surveyed(node)?.facts.get(keys::HOST_LEASE);
        let ours = self.machine.knows(&held)
            && held != self.session
            && text.is(|text| text.as_str().contains(&here));
        (ours || self.broken.get(node) == Some(&held)).then_some(held)
    }

    fn lease(&self, node: &NodeName) -> Option<SessionId> {
        let lease = self.surveyed(node)?.facts.get(keys::HOST_LEASE);
        SessionId::parse(lease.known()?.as_str().split_whitespace().next()?)
    }

    /// A lease of another workstation: refused, or broken by a typed word, which is recorded.
    pub(super) async fn foreign_lease(
        &mut self,
        step: &PlanStep,
        node: &NodeName,
    ) -> Result<Option<End>, Fatal> {
        let Some(held) = self.lease(node).filter(|held| *held != self.session && self.over(node).is_none())
        else {
            return Ok(None);
        };
        let whose = self.surveyed(node).map(|node| node.facts.get(keys::HOST_LEASE));
        let whose = whose.and_then(|known| known.known().cloned()).unwrap_or_default();
        let tail: String = held.as_str().chars().skip(20).collect();
        let asked = format!("{node} break {tail}");
        let evidence = EvidenceDigest::over([("lease", whose.to_string())]);
        let challenge = Challenge {
            step: step.id.clone(),
            node: node.clone(),
            title: format!("BREAK THE LEASE ON {node}"),
            lines: vec![
                ("held", whose.clone()),
                (
                    "does",
                    Plain::new(
                        "that session can no longer act on this node; it may be in the middle of something",
                    ),
                ),
                (
                    "next",
                    Plain::new(
                        "ask its holder first; break it only where nobody walks that session any more",
                    ),
                ),
            ],
            asked,
            evidence,
        };
        if let Typed::Wrong(why) | Typed::Not(why) = self.put(&challenge).await? {
            let how = format!("it is broken by typing {:?}", challenge.asked);
            return Ok(Some(End::Refused(vec![format!(
                "the lease on {node} is held: {whose}; {why}; {how}"
            )])));
        }
        self.broken.insert(node.clone(), held);
        Ok(None)
    }
}

/// The plan as it stands in the record.
fn steps(plan: &Plan) -> serde_json::Value {
    plan.steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "id": step.id,
                "node": step.node,
                "action": step.action.name(),
                "class": step.action.class(),
            })
        })
        .collect()
}
