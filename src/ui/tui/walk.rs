//! A run as the screens show it: a pure fold over what the engine tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::model::Picture;
use crate::ask::act::Class;
use crate::engine::{Challenge, Choice, WaiverAsked};
use crate::facts::{NodeName, Plain, SessionId};
use crate::record::body::{Body, Outcome, RuleSeen, StepState};
use crate::record::{Record, short_code};
use crate::runbook::{Plan, PlanStep, Runbook, Step};
pub(in crate::ui) use crate::ui::cli::Finish;

/// The most that is kept of one op's output for the screen; the record holds all of it.
const OUTPUT: usize = 16 * 1024;

/// What the engine tells while it walks, with everything it borrows made its own.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// Something was recorded.
    Recorded(Box<Record>),
    /// What will be done.
    Planned(Box<Plan>),
    /// What decisions rest on.
    Surveyed(Box<Picture>),
    /// A step is about to run.
    Step { step: String, node: Option<NodeName> },
    /// Something still runs.
    Progress { step: String, node: Option<NodeName>, elapsed: Duration, text: Plain },
    /// Something to be read.
    Said { step: String, node: Option<NodeName>, text: Plain },
    /// The operator is asked, and the run waits.
    Asked(Ask),
    /// It is over.
    Ended(Finish),
}

/// What the run waits for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// An input.
    Choose(Choice),
    /// A typed confirmation.
    Confirm(Challenge),
    /// A waiver.
    Waive(WaiverAsked),
}

impl Ask {
    /// Whether it is the same question on the same evidence.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Choose(one), Self::Choose(other)) => one == other,
            (Self::Confirm(one), Self::Confirm(other)) => {
                (&one.step, &one.node, &one.asked, &one.evidence)
                    == (&other.step, &other.node, &other.asked, &other.evidence)
            }
            (Self::Waive(one), Self::Waive(other)) => one == other,
            _ => false,
        }
    }
}

/// How far the operator wants the run stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stopping {
    /// Not at all.
    #[default]
    No,
    /// After the step that runs.
    AfterStep,
    /// At once; what runs on a node stays unknown.
    Now,
}

/// A run.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The cluster, by its place.
    pub(crate) cluster: usize,
    /// The runbook.
    pub(crate) runbook: Arc<Runbook>,
    /// Every step of the plan, in order.
    pub(crate) steps: Vec<StepLine>,
    /// The one that runs.
    pub(crate) at: Option<usize>,
    /// Its session.
    pub(crate) session: Option<SessionId>,
    /// When the session was opened, on the cluster's clock.
    pub(crate) opened: Option<Timestamp>,
    /// The short code of the record's head.
    pub(crate) head: Option<String>,
    /// When it, or the step that runs, began; on this workstation's clock.
    pub(crate) begun: Timestamp,
    /// What it waits for.
    pub(crate) asked: Option<Ask>,
    /// What was answered wrong, until it is asked again.
    pub(crate) answered: Option<Ask>,
    /// How far it is to be stopped.
    pub(crate) stopping: Stopping,
    /// How it ended.
    pub(crate) ended: Option<Finish>,
    /// What was said outside of any step.
    pub(crate) said: Vec<Plain>,
}

/// One step of the plan and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct StepLine {
    /// Its id.
    pub(crate) id: String,
    /// Its node.
    pub(crate) node: Option<NodeName>,
    /// Title, explanation, action, guards.
    pub(crate) of: Arc<Step>,
    /// How far it is; `None` where it has not begun.
    pub(crate) state: Option<StepState>,
    /// Why it ended as it did; a sentence a line.
    pub(crate) detail: String,
    /// The rules and guards that were asked, with the values they read.
    pub(crate) rules: Vec<RuleSeen>,
    /// What was done on nodes.
    pub(crate) ops: Vec<OpLine>,
    /// What still runs, by node.
    pub(crate) progress: BTreeMap<Option<NodeName>, Progress>,
    /// What was said.
    pub(crate) said: Vec<Plain>,
}

/// Something that still runs.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// What is waited for and what was last seen.
    pub(crate) text: Plain,
    /// For how long.
    pub(crate) elapsed: Duration,
}

/// One act on one node.
#[derive(Clone, Debug)]
pub(crate) struct OpLine {
    /// Its id.
    pub(crate) op: String,
    /// The node.
    pub(crate) node: String,
    /// What it does.
    pub(crate) deed: String,
    /// The machine that must be there.
    pub(crate) machine: String,
    /// The host key that must be there; none with a command transport.
    pub(crate) host_key: Option<String>,
    /// The exact script; empty where it is too long for a record.
    pub(crate) script: String,
    /// Its arguments.
    pub(crate) args: Vec<String>,
    /// Whether it left.
    pub(crate) sent: bool,
    /// What it printed so far.
    pub(crate) output: String,
    /// How it ended.
    pub(crate) outcome: Option<(Outcome, String)>,
}

impl StepLine {
    fn of(step: &PlanStep) -> Self {
        Self {
            id: step.id.clone(),
            node: step.node.clone(),
            of: Arc::clone(&step.of),
            state: None,
            detail: String::new(),
            rules: Vec::new(),
            ops: Vec::new(),
            progress: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    /// What it may do to the world.
    pub(crate) fn class(&self) -> Class {
        self.of.action.class()
    }
}

impl Walk {
    /// A run that is about to begin.
    pub(crate) fn new(cluster: usize, plan: &Plan, begun: Timestamp) -> Self {
        Self {
            cluster,
            runbook: Arc::clone(&plan.runbook),
            steps: plan.steps.iter().map(StepLine::of).collect(),
            at: None,
            session: None,
            opened: None,
            head: None,
            begun,
            asked: None,
            answered: None,
            stopping: Stopping::No,
            ended: None,
            said: Vec::new(),
        }
    }

    /// Takes in what the engine told. Surveys are the cluster's, not the run's.
    pub(crate) fn hear(&mut self, told: Told) {
        match told {
            Told::Recorded(record) => self.recorded(&record),
            Told::Planned(plan) => self.planned(&plan),
            Told::Surveyed(_) => {}
            Told::Step { step, node } => {
                self.at = self.find(&step, node.as_ref());
                if let Some(line) = self.at.and_then(|at| self.steps.get_mut(at)) {
                    line.state = Some(StepState::Begun);
                }
            }
            Told::Progress { step, node, elapsed, text } => {
                if let Some(line) = self.line(&step, node.as_ref()) {
                    line.progress.insert(node, Progress { text, elapsed });
                }
            }
            Told::Said { step, node, text } => match self.line(&step, node.as_ref()) {
                Some(line) => line.said.push(text),
                None => self.said.push(text),
            },
            Told::Asked(ask) => {
                self.asked = Some(ask);
                self.answered = None;
            }
            Told::Ended(finish) => {
                self.asked = None;
                self.answered = None;
                self.at = None;
                self.ended = Some(finish);
            }
        }
    }

    /// A choice made the plan more definite: what was seen of its steps stays.
    fn planned(&mut self, plan: &Plan) {
        let old = std::mem::take(&mut self.steps);
        let at = self.at.and_then(|at| old.get(at)).map(|line| (line.id.clone(), line.node.clone()));
        self.steps = plan
            .steps
            .iter()
            .map(|step| {
                let same = |line: &&StepLine| line.id == step.id && line.node == step.node;
                let known = old.iter().find(same).or_else(|| {
                    // Before the choice it had no node.
                    old.iter().find(|line| line.id == step.id && line.node.is_none())
                });
                known.map_or_else(
                    || StepLine::of(step),
                    |line| StepLine { node: step.node.clone(), ..line.clone() },
                )
            })
            .collect();
        self.at = at.and_then(|(id, node)| self.find(&id, node.as_ref()));
    }

    fn recorded(&mut self, record: &Record) {
        self.head = Some(short_code(&record.hash));
        match &record.body {
            Body::SessionOpen(_) => {
                self.session = Some(record.session.clone());
                self.opened = Some(record.t);
            }
            Body::Verdict(verdict) => {
                let Some(step) = &verdict.step else { return };
                // A step of several nodes is judged node by node; the one that runs is meant.
                let node = self.at.and_then(|at| self.steps.get(at)).and_then(|line| line.node.clone());
                if let Some(line) = self.line(step, node.as_ref()) {
                    line.rules.clone_from(&verdict.rules);
                }
            }
            Body::OpIntent(intent) => {
                let node = NodeName::new(&intent.node).ok();
                let op = OpLine {
                    op: intent.op.clone(),
                    node: intent.node.clone(),
                    deed: intent.deed.clone(),
                    machine: intent.machine_id.clone(),
                    host_key: intent.host_key.clone(),
                    script: intent.script.clone(),
                    args: intent.args.clone(),
                    sent: false,
                    output: String::new(),
                    outcome: None,
                };
                if let Some(line) = self.line(&intent.step, node.as_ref()) {
                    line.ops.push(op);
                }
            }
            Body::OpSent(sent) => self.op(&sent.op, |op| op.sent = true),
            Body::OpOutput(output) => self.op(&output.op, |op| {
                let room = OUTPUT.saturating_sub(op.output.len());
                let end =
                    (0..=room.min(output.text.len())).rev().find(|at| output.text.is_char_boundary(*at));
                op.output.push_str(end.and_then(|end| output.text.get(..end)).unwrap_or_default());
            }),
            Body::OpOutcome(outcome) => {
                self.op(&outcome.op, |op| op.outcome = Some((outcome.outcome, outcome.detail.clone())));
                // What was last seen of it is over.
                let line = self.steps.iter_mut().find(|line| line.ops.iter().any(|op| op.op == outcome.op));
                if let Some(line) = line {
                    line.progress.clear();
                }
            }
            Body::OpResolve(resolve) => {
                self.op(&resolve.op, |op| op.outcome = Some((resolve.outcome, resolve.detail.clone())));
            }
            Body::Step(seen) => {
                let node = seen.node.as_ref().and_then(|node| NodeName::new(node).ok());
                if let Some(line) = self.line(&seen.step, node.as_ref()) {
                    line.state = Some(seen.state);
                    line.detail.clone_from(&seen.detail);
                    if seen.state != StepState::Begun {
                        line.progress.clear();
                    }
                }
            }
            _ => {}
        }
    }

    fn find(&self, step: &str, node: Option<&NodeName>) -> Option<usize> {
        let exact = self.steps.iter().position(|line| line.id == step && line.node.as_ref() == node);
        exact.or_else(|| self.steps.iter().position(|line| line.id == step))
    }

    fn line(&mut self, step: &str, node: Option<&NodeName>) -> Option<&mut StepLine> {
        let at = self.find(step, node)?;
        self.steps.get_mut(at)
    }

    fn op(&mut self, name: &str, change: impl FnOnce(&mut OpLine)) {
        let op = self.steps.iter_mut().flat_map(|line| line.ops.iter_mut()).find(|op| op.op == name);
        if let Some(op) = op {
            change(op);
        }
    }

    /// Whether an act was sent whose end is not known yet.
    pub(crate) fn acts(&self) -> bool {
        self.steps.iter().flat_map(|line| &line.ops).any(|op| op.outcome.is_none())
    }

    /// The words for what runs now: the step and its node.
    pub(crate) fn doing(&self) -> Option<String> {
        let line = self.steps.get(self.at?)?;
        let on = line.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
        Some(format!("{}{on}", line.of.title))
    }
}
