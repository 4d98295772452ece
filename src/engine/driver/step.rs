//! One step: whether it is needed, what it does, how it ended.

use crate::ask::act::{Act, Deed};
use crate::facts::{Known, NodeName, Plain, keys};
use crate::judge::safety::s19;
use crate::judge::{self, Doing, Standing};
use crate::record::body::{Body, StepSeen, StepState};
use crate::runbook::{Action, Choose, Input, PlanStep, Refused, Verdict};

use super::super::authorization::{Confirmed, Pass};
use super::super::operator::{Answered, Choice, Event, Operator};
use super::super::ports::{Ports, Stop};
use super::super::{Nodes, subject};
use super::gate::Gate;
use super::{Book, Driver, Fatal, clipped};

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It did what it was to do, and the check saw it.
    Done(String),
    /// It was not needed.
    Skipped(String),
    /// Its node stays out, and the run goes on without.
    LeftOut(String),
    /// A rule, a guard or the operator stopped it before anything was sent.
    Refused(Vec<String>),
    /// The node refused it, or it failed.
    Failed(String),
    /// It was done, and what it was to bring about was not seen.
    Unproven(String),
    /// It is not known whether it happened.
    Open(String),
    /// The operator wanted to be stopped.
    Stopped,
}

impl End {
    fn state(&self) -> StepState {
        match self {
            Self::Done(_) => StepState::Done,
            Self::Skipped(_) => StepState::Skipped,
            Self::LeftOut(_) => StepState::LeftOut,
            Self::Refused(_) => StepState::Refused,
            Self::Failed(_) => StepState::Failed,
            Self::Unproven(_) | Self::Open(_) | Self::Stopped => StepState::Unproven,
        }
    }

    /// Whether the run goes on after it.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Skipped(_) | Self::LeftOut(_))
    }

    /// One step's ends on two nodes: the one after which less is known, with what both say.
    pub(super) fn with(self, other: Self) -> Self {
        if self.goes_on() {
            return other;
        }
        if other.goes_on() {
            return self;
        }
        let text = format!("{}\n{}", self.detail(), other.detail());
        match if self.rank() >= other.rank() { self } else { other } {
            Self::Refused(_) => Self::Refused(text.lines().map(str::to_owned).collect()),
            Self::Failed(_) => Self::Failed(text),
            Self::Unproven(_) => Self::Unproven(text),
            Self::Open(_) => Self::Open(text),
            end => end,
        }
    }

    /// How little is known after it.
    fn rank(&self) -> u8 {
        match self {
            Self::Done(_) | Self::Skipped(_) | Self::LeftOut(_) => 0,
            Self::Refused(_) => 1,
            Self::Failed(_) => 2,
            Self::Unproven(_) => 3,
            Self::Open(_) => 4,
            Self::Stopped => 5,
        }
    }

    pub(super) fn detail(&self) -> String {
        match self {
            Self::Done(text)
            | Self::Skipped(text)
            | Self::LeftOut(text)
            | Self::Failed(text)
            | Self::Unproven(text)
            | Self::Open(text) => text.clone(),
            Self::Refused(all) => all.join("\n"),
            Self::Stopped => "stopped by the operator".to_owned(),
        }
    }
}

/// An act with everything that stands before it, but its intent.
pub(super) struct Ready {
    pub(super) act: Act,
    pub(super) pass: Pass,
    pub(super) confirmed: Option<Confirmed>,
}

/// The transfers that may fail before the run stops (S17).
const FAILED_TRANSFERS: u32 = 2;

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// Runs the step at `at` in the plan, with those after it that are the same read of other nodes. Returns how many
    /// steps that were.
    pub(super) async fn step(&mut self, at: usize) -> Result<(usize, End), Fatal> {
        let Some(step) = self.plan.steps.get(at).cloned() else {
            return Ok((1, End::Skipped(String::new())));
        };
        match step.action {
            Action::Recover => return self.recover_all(at).await,
            Action::Start => return self.start_all(at).await,
            Action::Lease | Action::Freeze | Action::ClearLeftovers | Action::Unfreeze | Action::Release => {
                let steps = self.alike(at).into_iter().enumerate().map(|(n, step)| (at + n, step)).collect();
                return self.abreast(steps).await;
            }
            _ => {}
        }
        self.announce(at, &step);
        let end = self.one(&step).await?;
        self.ended(&step, &end)?;
        Ok((1, end))
    }

    pub(super) fn announce(&mut self, at: usize, step: &PlanStep) {
        self.operator.hear(&Event::Step {
            number: at + 1,
            of: self.plan.steps.len(),
            step: &step.id,
            node: step.node.as_ref(),
            title: &step.title,
            explain: &step.explain,
            class: step.action.class(),
        });
    }

    /// Records how a step ended; a node that was left out stays out.
    pub(super) fn ended(&mut self, step: &PlanStep, end: &End) -> Result<(), Fatal> {
        if let (End::LeftOut(why), Some(node)) = (end, &step.node) {
            match step.action {
                Action::Join | Action::Start => {
                    let why = why.lines().next().unwrap_or_default();
                    self.left_out.entry(node.clone()).or_insert_with(|| Plain::new(why));
                }
                Action::Recover | Action::RecoverDirect => {
                    self.missing.insert(node.clone(), Plain::new(why.lines().next().unwrap_or_default()));
                }
                _ => {}
            }
        }
        // Stopped before anything left, nothing is unproven.
        let sent = self.ops().iter().any(|op| op.step == step.id);
        let (state, detail) = match end {
            End::Stopped if !sent => {
                (StepState::Skipped, "stopped by the operator; nothing was sent".to_owned())
            }
            end => (end.state(), clipped(&end.detail())),
        };
        let node = step.node.as_ref().map(ToString::to_string);
        self.note(Body::Step(StepSeen { step: step.id.clone(), node, state, detail }))?;
        Ok(())
    }

    async fn one(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let begun = self.begin(step).await?;
        if let Some(end) = begun {
            return Ok(end);
        }
        let end = match step.action {
            Action::Capture => {
                self.keep_survey()?;
                End::Done("state files and status of every reachable node are in the record".to_owned())
            }
            Action::Choose(_) => self.choose(step).await?,
            Action::Watch => self.watch(step).await?,
            Action::ReadBack => self.read_back(step).await?,
            Action::Bootstrap => self.bootstrap(step).await?,
            Action::Join => self.join(step).await?,
            _ => self.plain(step).await?,
        };
        Ok(self.or_left_out(step, end))
    }

    /// What stops the run where the runbook does not say that its node is then left out.
    pub(super) fn or_left_out(&self, step: &PlanStep, end: End) -> End {
        match (end, step.refused) {
            // Somebody else works on this cluster: nobody is left out of that.
            (end @ End::Refused(_), _) if step.action == Action::Lease => end,
            (End::Refused(why), Refused::LeaveOut) => End::LeftOut(why.join("\n")),
            (End::Failed(why), Refused::LeaveOut) if self.failed_transfers < FAILED_TRANSFERS => {
                End::LeftOut(why)
            }
            (end, _) => end,
        }
    }

    /// Whether the step is needed and its node is there; `Some` where it ends before it begins.
    pub(super) async fn begin(&mut self, step: &PlanStep) -> Result<Option<End>, Fatal> {
        let whole =
            matches!(step.action, Action::Bootstrap | Action::Join | Action::Start | Action::Choose(_));
        self.refresh(if whole { None } else { step.node.as_ref() }).await?;
        if let Some(node) = &step.node
            && !self.reachable(node)
            && !matches!(step.action, Action::Bootstrap)
        {
            let why = self.surveyed(node).map(|node| node.ssh.word.as_str()).unwrap_or_default();
            return Ok(Some(End::LeftOut(format!("{node} cannot be reached over SSH ({why})"))));
        }
        let planned = self.planned();
        let scene = self.scene(step.node.as_ref(), &planned);
        for guard in &step.when {
            match guard.hold(&scene) {
                Verdict::Pass { .. } => {}
                Verdict::Fail { why, .. } => return Ok(Some(End::Skipped(why))),
                Verdict::Unknown { why, remedy } => {
                    let why = format!("whether it is needed is not known: {why}; next: {remedy}");
                    return Ok(Some(match step.refused {
                        Refused::LeaveOut => End::LeftOut(why),
                        Refused::Stop => End::Refused(vec![why]),
                    }));
                }
            }
        }
        Ok(None)
    }

    /// An act on one node: what stands before it, the act, the check.
    async fn plain(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let ready = match self.ready(step).await? {
            Ok(ready) => ready,
            Err(end) => return Ok(end),
        };
        let end = self.send(step, &ready.act, &ready.pass, ready.confirmed.as_ref()).await?;
        self.after(step, &ready.act.node, end).await
    }

    /// Everything that stands before an act but its intent: gate, and confirmation where the class asks for one.
    pub(super) async fn ready(&mut self, step: &PlanStep) -> Result<Result<Ready, End>, Fatal> {
        let Some(node) = self.node_of(step) else {
            return Ok(Err(End::Refused(vec!["no node is left that this could be done on".to_owned()])));
        };
        if step.action == Action::Freeze && self.is_frozen_by_us(&node) {
            return Ok(Err(End::Skipped("it is frozen by this run already".to_owned())));
        }
        let doing = match step.action {
            Action::Lease | Action::Release => Doing::Lease(&node),
            Action::Freeze => Doing::Freeze(&node),
            Action::Unfreeze => Doing::Unfreeze(&node),
            Action::EndStuck => Doing::EndStuck(&node),
            Action::ClearLeftovers => Doing::ClearLeftovers(&node),
            Action::RecoverDirect => Doing::RecoverDirect(&node),
            _ => Doing::Write(&node),
        };
        if step.action == Action::Lease
            && let Some(end) = self.foreign_lease(step, &node).await?
        {
            return Ok(Err(end));
        }
        let pass = match self.gate(step, &doing).await? {
            Gate::Open(pass) => pass,
            Gate::Shut(end) => return Ok(Err(end)),
        };
        let (pass, confirmed) = if s19::needs_confirmation(step.action.class()) {
            match self.confirm(step, &node, &doing, pass).await? {
                Ok((pass, confirmed)) => (pass, Some(confirmed)),
                Err(end) => return Ok(Err(end)),
            }
        } else {
            (pass, None)
        };
        let deed = match self.deed(step, &node) {
            Ok(deed) => deed,
            Err(why) => return Ok(Err(End::Refused(vec![why]))),
        };
        Ok(self.act_on(&node, deed)?.map(|act| Ready { act, pass, confirmed }))
    }

    /// What is looked at after an act.
    pub(super) async fn after(&mut self, step: &PlanStep, node: &NodeName, end: End) -> Result<End, Fatal> {
        match (&end, &step.action) {
            (End::Done(said), Action::RecoverDirect) => {
                let position = crate::ask::act::recovered(said.as_bytes());
                let end = self.found(node, position, None).unwrap_or_else(End::Unproven);
                self.note_recovered(node).await?;
                Ok(end)
            }
            (End::Done(_), _) if !step.check.is_empty() => self.prove(step).await,
            _ => Ok(end),
        }
    }

    fn deed(&self, step: &PlanStep, node: &NodeName) -> Result<Deed, String> {
        Ok(match step.action {
            Action::Lease => Deed::TakeLease { holder: self.holder(), over: self.over(node) },
            Action::Release => Deed::ReleaseLease { buried: self.machine.buried(&self.session, node) },
            Action::Freeze => Deed::Freeze,
            Action::Unfreeze => Deed::Unfreeze,
            Action::ClearLeftovers => Deed::ClearLeftovers,
            Action::RecoverDirect => Deed::RecoverDirect,
            Action::Write => Deed::Write { token: self.token() },
            Action::DropCheck => Deed::DropCheck,
            Action::EndStuck => {
                let survey = self.surveyed(node).ok_or("the node was not surveyed")?;
                let pids = survey.facts.get(keys::SERVER_PIDS);
                let pids = pids.known().map(|pids| crate::ask::process::processes(pids)).unwrap_or_default();
                let [(pid, started)] = pids.as_slice() else {
                    return Err("not exactly one server process is shown".to_owned());
                };
                Deed::EndStuck { pid: *pid, started: *started }
            }
            _ => return Err(format!("{} is no act on a node", step.action.name())),
        })
    }

    /// The step's node; a write that names none goes to the first member in sync.
    pub(super) fn node_of(&self, step: &PlanStep) -> Option<NodeName> {
        step.node.clone().or_else(|| {
            let judged = self.ground.judgement.nodes.iter();
            judged.filter(|node| node.standing == Some(Standing::Synced)).map(|node| node.name.clone()).next()
        })
    }

    pub(super) fn is_frozen_by_us(&self, node: &NodeName) -> bool {
        self.surveyed(node).is_some_and(|node| {
            node.facts.get(keys::UNIT_FROZEN).is(|by| by.as_str() == self.session.as_str())
        })
    }

    /// What is written, and read back: this run's own.
    pub(super) fn token(&self) -> Plain {
        Plain::new(self.session.as_str())
    }

    /// Whether this run started the node's server: from then on it is missed when it does not answer.
    pub(super) fn has_started_here(&self, node: &NodeName) -> bool {
        self.ops().iter().any(|op| op.node == *node && matches!(op.deed.as_str(), "start" | "bootstrap"))
    }

    async fn choose(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let Action::Choose(name) = step.action.clone() else {
            return Ok(End::Refused(vec!["it names no input".to_owned()]));
        };
        if let Some(node) = self.plan.inputs.get(&name).cloned().flatten() {
            return Ok(End::Done(format!("{name} is {node}, as given")));
        }
        let Some(input) = self.plan.runbook.inputs.iter().find(|input| input.name == name).cloned() else {
            return Ok(End::Refused(vec![format!("the runbook has no input {name}")]));
        };
        let among = match input.choose {
            Choose::Candidate => match self.already_bootstrapped() {
                Some((node, _)) => vec![node],
                None => judge::on_offer(&self.ground.survey, &self.waivers, self.ports.now()),
            },
            Choose::DownNode => self.down_nodes(),
            Choose::Required | Choose::Optional => Vec::new(),
        };
        let node = if let [only] = among.as_slice() {
            only.clone()
        } else {
            match self.ask_for(&input, among).await {
                Ok(node) => node,
                Err(_) if self.ports.stop() != Stop::No => return Ok(End::Stopped),
                Err(why) => return Ok(End::Refused(why)),
            }
        };
        if let Err(error) = self.plan.resolve(&name, &node) {
            return Ok(End::Refused(vec![error.to_string()]));
        }
        self.operator.hear(&Event::Planned(&self.plan));
        Ok(End::Done(format!("{name} is {node}")))
    }

    /// The operator's choice; `Err` is why there is none, and where each node stands.
    async fn ask_for(&mut self, input: &Input, among: Vec<NodeName>) -> Result<NodeName, Vec<String>> {
        let standings = self.standings();
        let mut names = vec![input.name.clone()];
        names.extend(input.also.iter().cloned());
        let about = input.about.clone();
        let choice = Choice { input: input.name.clone(), names, about, among, standings: standings.clone() };
        match self.operator.choose(&choice).await {
            Answered::Given(node) if self.setting.data.contains(&node) => Ok(node),
            Answered::Given(node) => Err(vec![format!("{node} is no data node of {}", self.setting.cluster)]),
            Answered::Refused(why) => {
                let standings = standings.into_iter().map(|(node, standing)| format!("{node}: {standing}"));
                Err(std::iter::once(why).chain(standings).collect())
            }
        }
    }

    fn down_nodes(&self) -> Vec<NodeName> {
        let judged = self.ground.judgement.nodes.iter();
        let down = judged.filter(|node| {
            node.server.is(|server| server.is_down()) && node.standing != Some(Standing::Arbitrator)
        });
        down.map(|node| node.name.clone()).filter(|node| self.setting.data.contains(node)).collect()
    }

    /// The node that an earlier run of this record is known to have bootstrapped, where it is a member of the Primary
    /// now: it is not done twice.
    pub(super) fn already_bootstrapped(&self) -> Option<(NodeName, String)> {
        let primary = self.ground.judgement.primary.as_ref()?;
        let step = self.plan.steps.iter().find(|step| step.action == Action::Bootstrap)?;
        primary
            .members
            .iter()
            .find_map(|node| Some((node.clone(), self.machine.done(&step.id, node)?.to_string())))
    }

    async fn bootstrap(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let Some(node) = step.node.clone() else {
            return Ok(End::Refused(vec!["its node is not chosen".to_owned()]));
        };
        let others: Vec<NodeName> =
            self.setting.data.iter().filter(|other| **other != node).cloned().collect();
        let already = self.already_bootstrapped().filter(|(done, _)| *done == node);
        let doing = match &already {
            Some(_) => Doing::Look(&node),
            None => Doing::Bootstrap { target: &node, others: &others },
        };
        let pass = match self.gate(step, &doing).await? {
            Gate::Open(pass) => pass,
            Gate::Shut(end) => return Ok(end),
        };
        let (pass, confirmed) = match self.confirm(step, &node, &doing, pass).await? {
            Ok(both) => both,
            Err(end) => return Ok(end),
        };
        if let Some((_, session)) = already {
            return Ok(End::Skipped(format!(
                "{node} was bootstrapped by session {session} and is in the Primary"
            )));
        }
        let position = self.ground.judgement.node(&node).and_then(|node| node.position.known().copied());
        let Some(held) = position else {
            return Ok(End::Refused(vec![format!("the position of {node} is not known (S2)")]));
        };
        let survey = &self.ground.survey;
        let peers = self.surveyed(&node).map(|node| subject::peers(node, survey)).unwrap_or_default();
        if peers.is_empty() && self.setting.data.len() > 1 {
            let why = "where the other members listen is not known (wsrep_cluster_address, wsrep_node_address), so that \
                       nobody can be asked for a Primary once more right before the start; what would change it: name the \
                       members in wsrep_cluster_address";
            return Ok(End::Refused(vec![format!("S6 on {node}: {why}")]));
        }
        let deed = Deed::Bootstrap { position: held.position, peers };
        let end = match self.act_on(&node, deed)? {
            Ok(act) => self.send(step, &act, &pass, Some(&confirmed)).await?,
            Err(end) => end,
        };
        self.after(step, &node, end).await
    }

    async fn join(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let Some(node) = step.node.clone() else {
            return Ok(End::Refused(vec!["its node is not chosen".to_owned()]));
        };
        if self.is_synced(&node) {
            return Ok(End::Skipped(format!("{node} is in sync already")));
        }
        let doing = Doing::Join { node: &node };
        let pass = match self.gate(step, &doing).await? {
            Gate::Open(pass) => pass,
            Gate::Shut(end) => return Ok(end),
        };
        let (pass, confirmed): (Pass, Confirmed) = match self.confirmation(step) {
            Some(given) => (pass, given),
            None => match self.confirm(step, &node, &doing, pass).await? {
                Ok(both) => both,
                Err(end) => return Ok(end),
            },
        };
        let end = match self.act_on(&node, Deed::Start { together: false })? {
            Ok(act) => self.send(step, &act, &pass, Some(&confirmed)).await?,
            Err(end) => end,
        };
        let end = self.after(step, &node, end).await?;
        if matches!(end, End::Failed(_) | End::Unproven(_)) {
            self.failed_transfers += 1;
        }
        Ok(match end {
            End::Done(_) => {
                let how = self.surveyed(&node).map(|node| node.facts.get(keys::LOG_TRANSFER));
                End::Done(match how {
                    Some(Known::Known(how)) => {
                        format!("{node} is SYNCED and seen so by the others; its data came by {how}")
                    }
                    _ => format!(
                        "{node} is SYNCED and seen so by the others; how its data came is not in its log"
                    ),
                })
            }
            // What did not arrive is no member, and the others need not wait for it.
            End::Unproven(why) => End::Failed(why),
            end => end,
        })
    }

    pub(super) fn is_synced(&self, node: &NodeName) -> bool {
        let member =
            self.ground.judgement.primary.as_ref().is_some_and(|primary| primary.members.contains(node));
        member && self.ground.judgement.node(node).is_some_and(|node| node.standing == Some(Standing::Synced))
    }
}
