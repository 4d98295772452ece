//! Intent on disk, act, outcome on disk; and what a lost answer turns out to have been (S16, S19, S20).

use std::future::Future;
use std::time::Duration;

use crate::ask::act::{self, Act, Answer, Class, Deed, Look, Order};
use crate::facts::{Facts, Known, NodeName, OpId, Plain, keys};
use crate::judge::safety::s16;
use crate::record;
use crate::record::body::{
    Body, GuardSeen, OpIntent, OpOutcome, OpOutput, OpResolve, OpSent, Outcome as Ending, ResolvedBy,
};
use crate::runbook::PlanStep;

use super::super::authorization::{Authorization, Confirmed, Pass};
use super::super::operator::{Event, Operator};
use super::super::outcome::Outcome;
use super::super::ports::{Ports, Stop};
use super::super::{Nodes, effect, subject};
use super::step::End;
use super::{Book, Driver, Fatal, clipped};

/// How long one exec of an act may take; a long act then says that it runs, and is followed.
pub(super) const EXEC: Duration = Duration::from_secs(30);
/// How long a recovery of a position may take: crash recovery reads the whole redo log.
pub(super) const RECOVERY: Duration = Duration::from_hours(1);
/// How often a running act is looked at: at first, when most of them end, and later.
const FOLLOW: Duration = Duration::from_millis(400);
const FOLLOW_LATER: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_secs(10);
/// How long a lost answer is asked for again before it stays an open unknown.
const RESOLVE_FOR: Duration = Duration::from_secs(90);
/// How often.
const RESOLVE_EVERY: Duration = Duration::from_secs(2);
/// Nothing is silent for longer (U13).
const TICK: Duration = Duration::from_secs(4);
/// How much of an output stands in the log; the rest beside it.
const OUTPUT: usize = 4096;
/// How much of a script stands in the log.
const SCRIPT: usize = 24 * 1024;

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// Sends one act and follows it to its end.
    pub(super) async fn send(
        &mut self,
        step: &PlanStep,
        act: &Act,
        pass: &Pass,
        confirmed: Option<&Confirmed>,
    ) -> Result<End, Fatal> {
        let authorization = self.authorize(step, act, pass, confirmed)?;
        let nodes = self.nodes;
        let outcome = self.patiently(&step.id, Some(&act.node), nodes.perform(&authorization, EXEC)).await?;
        self.answered(step, act, outcome).await
    }

    /// The act, for the host that was shown.
    pub(super) fn act_on(&self, node: &NodeName, deed: Deed) -> Result<Result<Act, End>, Fatal> {
        let (identity, target) = match subject::about(self.surveyed(node)) {
            Known::Known(about) => about,
            Known::Unknown(why) => {
                return Ok(Err(End::Refused(vec![format!("S18 on {node}: {}", why.text)])));
            }
        };
        let op = OpId::new(self.millis(), self.ports.random().ok_or(Fatal::NoRandom)?);
        Ok(Ok(Act { op, session: self.session.clone(), node: node.clone(), identity, target, deed }))
    }

    /// Intent on disk; then, and only then, what may leave (S20).
    pub(super) fn authorize(
        &mut self,
        step: &PlanStep,
        act: &Act,
        pass: &Pass,
        confirmed: Option<&Confirmed>,
    ) -> Result<Authorization, Fatal> {
        if self.ports.stop() == Stop::Now {
            return Err(Fatal::Stopped);
        }
        let intent = self.intent(step, act, confirmed)?;
        let (receipt, record) = self.book.intent(&self.session, self.moment(), intent)?;
        self.told(record)?;
        let authorization =
            Authorization::new(act.clone(), &step.id, pass, confirmed, &receipt, self.ports.now())?;
        self.note(Body::OpSent(OpSent { op: act.op.to_string() }))?;
        // A lease and the check row change nothing that any rule reads.
        let silent = matches!(
            act.deed,
            Deed::TakeLease { .. } | Deed::ReleaseLease { .. } | Deed::Write { .. } | Deed::DropCheck
        );
        if !silent {
            self.touched.insert(act.node.clone());
        }
        Ok(authorization)
    }

    fn intent(
        &mut self,
        step: &PlanStep,
        act: &Act,
        confirmed: Option<&Confirmed>,
    ) -> Result<OpIntent, Fatal> {
        let loss = match act.deed {
            Deed::Bootstrap { .. } | Deed::Start { together: false } => {
                serde_json::json!({ "write_sets": 0 })
            }
            _ => serde_json::Value::Null,
        };
        // The head is this very record's, so the arguments are shown without it.
        let order = act.order((0, ""));
        let mut intent =
            self.intent_of(step, &act.node, &act.op, (act.deed.name(), act.deed.class()), &order)?;
        intent.machine_id = act.identity.machine_id.to_string();
        intent.datadir = act.identity.datadir.to_string();
        intent.host_key = act.identity.host_key.as_ref().map(Plain::to_string);
        intent.confirmation = confirmed.map(Confirmed::seq);
        intent.loss = loss;
        Ok(intent)
    }

    fn intent_of(
        &mut self,
        step: &PlanStep,
        node: &NodeName,
        op: &OpId,
        (deed, class): (&str, Class),
        order: &Order,
    ) -> Result<OpIntent, Fatal> {
        let text = &order.body;
        let blob = if text.len() > SCRIPT { Some(self.book.blob(text.as_bytes())?) } else { None };
        let guards = step.guards.iter().map(|guard| guard.name().to_owned());
        let seen = self.surveyed(node).map(|node| &node.facts);
        let text_of = |key| seen.and_then(|facts| facts.get(key).known().map(Plain::to_string));
        let (machine_id, datadir) = (text_of(keys::HOST_MACHINE_ID), text_of(keys::DATADIR_PATH));
        let host_key = text_of(keys::HOST_KEY);
        Ok(OpIntent {
            op: op.to_string(),
            step: step.id.clone(),
            node: node.to_string(),
            attempt: 1,
            deed: deed.to_owned(),
            class,
            machine_id: machine_id.unwrap_or_default(),
            datadir: datadir.unwrap_or_default(),
            host_key,
            script_sha256: record::hash(text.as_bytes()),
            script: if blob.is_some() { String::new() } else { text.clone() },
            script_blob: blob,
            args: order.arguments.clone(),
            guards: guards
                .map(|name| GuardSeen { name, outcome: "pass".to_owned(), read: String::new() })
                .collect(),
            confirmation: None,
            loss: serde_json::Value::Null,
            timeout_ms: EXEC.as_millis().try_into().unwrap_or(u64::MAX),
        })
    }

    fn millis(&self) -> u64 {
        self.ports.now().as_millisecond().try_into().unwrap_or(0)
    }

    pub(super) async fn answered(
        &mut self,
        step: &PlanStep,
        act: &Act,
        outcome: Outcome,
    ) -> Result<End, Fatal> {
        match outcome {
            Outcome::NotSent { why } => {
                self.outcome(&act.op, Ending::NotSent, &why.detail, Vec::new())?;
                Ok(End::Failed(format!("{} was not reached, and nothing was sent: {}", act.node, why.detail)))
            }
            Outcome::Exited { stdout, stderr, .. } => match act::answer(&stdout) {
                Ok(answer) => self.concluded(step, act, answer).await,
                Err(error) => {
                    let said = Plain::from_bytes(stderr.get(..300).unwrap_or(&stderr));
                    self.lost(step, act, &format!("its answer cannot be read: {error}; it said: {said}"))
                        .await
                }
            },
            Outcome::Signalled { signal, .. } => {
                self.lost(step, act, &format!("its script was ended by signal {signal}")).await
            }
            Outcome::Lost { why, .. } => self.lost(step, act, why.detail.as_str()).await,
        }
    }

    /// An answer that says something: the end, or that it goes on.
    async fn concluded(&mut self, step: &PlanStep, act: &Act, answer: Answer) -> Result<End, Fatal> {
        match answer {
            // A member of the last view waits for the others: whether it arrives is the next step's to see.
            Answer::Running if matches!(act.deed, Deed::Start { together: true }) => {
                self.outcome(&act.op, Ending::Done, &Plain::new("it was begun, and still runs"), Vec::new())?;
                Ok(End::Done(format!("the start of {} is under way", act.node)))
            }
            Answer::Running => self.follow(step, act).await,
            Answer::Vanished | Answer::NotBegun | Answer::Absent => {
                self.lost(step, act, "the node does not know how it ended").await
            }
            answer => self.settle(step, act, answer, false),
        }
    }

    /// Records an end that is certain.
    fn settle(&mut self, step: &PlanStep, act: &Act, answer: Answer, resolves: bool) -> Result<End, Fatal> {
        let node = &act.node;
        let (ending, end, detail) = match answer {
            Answer::Refused { word, text } => {
                let detail = format!("{word}: {text}");
                (Ending::Refused, End::Refused(vec![format!("{node} refused {}: {detail}", step.id)]), detail)
            }
            Answer::Done { status: 0, output } => {
                if !resolves {
                    self.output(&act.op, &output)?;
                }
                let said: Vec<String> = act::lines(&output).iter().map(Plain::to_string).collect();
                let said = said.join("\n");
                (Ending::Done, End::Done(said), "exit status 0".to_owned())
            }
            Answer::Done { status, output } => {
                if !resolves {
                    self.output(&act.op, &output)?;
                }
                let detail = format!("exit status {status}: {}", last_words(&output));
                (Ending::Failed, End::Failed(format!("{} on {node} failed: {detail}", step.id)), detail)
            }
            Answer::Absent => {
                let detail = "it never began, and cannot begin any more".to_owned();
                (Ending::NotSent, End::Failed(format!("{} on {node} never began", step.id)), detail)
            }
            Answer::Running | Answer::NotBegun | Answer::Vanished => {
                return Ok(End::Open(format!("how {} on {node} ended is not known", step.id)));
            }
        };
        if resolves {
            self.resolved(&act.op, ending, ResolvedBy::Unit, &detail)?;
        } else {
            self.outcome(&act.op, ending, &Plain::new(&detail), Vec::new())?;
        }
        Ok(end)
    }

    /// Looks after an act that runs on, detached from us, for as long as it runs.
    async fn follow(&mut self, step: &PlanStep, act: &Act) -> Result<End, Fatal> {
        let begun = self.ports.mono();
        let mut told = begun;
        loop {
            let soon = self.ports.mono().saturating_sub(begun) < nanos(SOON);
            self.pause(if soon { FOLLOW } else { FOLLOW_LATER }).await?;
            let now = self.ports.mono();
            if now.saturating_sub(told) >= nanos(TICK) {
                told = now;
                let seen = self.glimpse(&act.node).await;
                let text = Plain::new(format!("still runs on {}; {seen}", act.node));
                let elapsed = Duration::from_nanos(now.saturating_sub(begun));
                self.operator.hear(&Event::Progress {
                    step: &step.id,
                    node: Some(&act.node),
                    elapsed,
                    text: &text,
                });
            }
            match self.ask(act, false).await {
                Some(Answer::Running) => {}
                Some(answer @ (Answer::Done { .. } | Answer::Refused { .. })) => {
                    return self.settle(step, act, answer, false);
                }
                Some(_) | None => return self.lost(step, act, "it ran, and is not seen any more").await,
            }
        }
    }

    /// What a running start looks like from outside: where its data comes from, how much there is.
    async fn glimpse(&mut self, node: &NodeName) -> String {
        let survey = self.nodes.survey(node).await;
        let facts = &survey.facts;
        let transfer = facts.get(keys::TRANSFER_PROCESSES);
        let (transfer, size) = match transfer.known().and_then(|all| all.first().cloned()) {
            Some(process) => (format!("a state transfer runs ({process})"), self.gauged(node, facts)),
            None => ("no state transfer runs".to_owned(), None),
        };
        let size = size.map(|size| format!(", {size}")).unwrap_or_default();
        let tail = facts.get(keys::LOG_MARKS);
        let last = tail.known().and_then(|lines| lines.last()).map(|line| format!("; last: {line}"));
        format!("{transfer}{size}{}", last.unwrap_or_default())
    }

    /// How far a transfer to the node is, by its data directory and the largest of the others'.
    pub(super) fn gauged(&mut self, node: &NodeName, facts: &Facts) -> Option<String> {
        let others = self.ground.survey.data_nodes().filter(|other| other.name != *node);
        let whole = others.filter_map(|other| other.facts.get(keys::DATADIR_USED).known().copied()).max();
        let bytes = *facts.get(keys::DATADIR_USED).known()?;
        let gauge = self.gauges.entry(node.clone()).or_default();
        gauge.look(self.ports.mono(), bytes);
        gauge.says(whole)
    }

    async fn ask(&self, act: &Act, settle: bool) -> Option<Answer> {
        let look = Look::Follow { machine: act.identity.machine_id.clone(), op: act.op.clone(), settle };
        match self.nodes.look(&act.node, &look, EXEC).await {
            Outcome::Exited { stdout, .. } => act::answer(&stdout).ok().filter(s16::tells),
            _ => None,
        }
    }

    /// A lost answer: an open unknown first, then whatever the unit, the journal and the effect say.
    async fn lost(&mut self, step: &PlanStep, act: &Act, why: &str) -> Result<End, Fatal> {
        self.outcome(&act.op, Ending::Unknown, &Plain::new(why), Vec::new())?;
        self.say(
            &step.id,
            Some(&act.node),
            format!("It is not known whether {} happened: {why}. Asking the node.", step.id),
        );
        let begun = self.ports.mono();
        let mut told = begun;
        loop {
            match self.ask(act, true).await {
                Some(Answer::Running) => {
                    told = self.still(step, act, begun, told, "it runs");
                    self.pause(FOLLOW).await?;
                    continue;
                }
                Some(Answer::Vanished) => {
                    if let Some(end) = self.by_effect(step, act).await? {
                        return Ok(end);
                    }
                }
                Some(answer) => return self.settle(step, act, answer, true),
                None => {}
            }
            if self.ports.mono().saturating_sub(begun) > nanos(RESOLVE_FOR) {
                return Ok(End::Open(format!(
                    "whether {} on {} happened is not known: {why}. The next run asks again; until then nothing \
                     destructive is done on {}.",
                    step.id, act.node, act.node
                )));
            }
            told = self.still(step, act, begun, told, "the node does not answer yet");
            self.pause(RESOLVE_EVERY).await?;
        }
    }

    fn still(&mut self, step: &PlanStep, act: &Act, begun: u64, told: u64, what: &str) -> u64 {
        let now = self.ports.mono();
        if now.saturating_sub(told) < nanos(TICK) {
            return told;
        }
        let text = Plain::new(format!("asking {} what became of {}: {what}", act.node, step.id));
        let elapsed = Duration::from_nanos(now.saturating_sub(begun));
        self.operator.hear(&Event::Progress { step: &step.id, node: Some(&act.node), elapsed, text: &text });
        now
    }

    async fn by_effect(&mut self, step: &PlanStep, act: &Act) -> Result<Option<End>, Fatal> {
        let survey = self.nodes.survey(&act.node).await;
        let Known::Known(there) = effect::seen(act.deed.name(), &survey, &self.session) else {
            return Ok(None);
        };
        let (ending, end) = if there {
            (Ending::Done, End::Done("its effect is there".to_owned()))
        } else {
            (
                Ending::Failed,
                End::Failed(format!("{} on {} was cut short: its effect is not there", step.id, act.node)),
            )
        };
        self.resolved(&act.op, ending, ResolvedBy::Effect, "the effect was probed")?;
        Ok(Some(end))
    }

    fn outcome(
        &mut self,
        op: &OpId,
        outcome: Ending,
        detail: &Plain,
        checks: Vec<String>,
    ) -> Result<(), Fatal> {
        let detail = clipped(detail.as_str());
        self.keep(Body::OpOutcome(OpOutcome { op: op.to_string(), outcome, detail, checks }))?;
        Ok(())
    }

    fn resolved(&mut self, op: &OpId, outcome: Ending, by: ResolvedBy, detail: &str) -> Result<(), Fatal> {
        let detail = clipped(detail);
        self.keep(Body::OpResolve(OpResolve { op: op.to_string(), outcome, by, detail }))?;
        Ok(())
    }

    fn output(&mut self, op: &OpId, output: &[u8]) -> Result<(), Fatal> {
        if output.is_empty() {
            return Ok(());
        }
        let blob = if output.len() > OUTPUT { Some(self.book.blob(output)?) } else { None };
        let lines: Vec<String> =
            act::lines(output.get(..OUTPUT).unwrap_or(output)).iter().map(Plain::to_string).collect();
        let text = lines.join("\n");
        let bytes = output.len() as u64;
        self.note(Body::OpOutput(OpOutput { op: op.to_string(), text, blob, bytes }))?;
        Ok(())
    }

    /// The intent of a read beyond the probe: recorded, though nothing waits for the disk.
    pub(super) fn intend_look(
        &mut self,
        step: &PlanStep,
        node: &NodeName,
        look: &Look,
    ) -> Result<OpId, Fatal> {
        let op = OpId::new(self.millis(), self.ports.random().ok_or(Fatal::NoRandom)?);
        let order = look.order();
        let mut intent = self.intent_of(step, node, &op, (look.name(), Class::Read), &order)?;
        if let Look::Recover { identity, .. } = look {
            intent.machine_id = identity.machine_id.to_string();
            intent.datadir = identity.datadir.to_string();
            intent.timeout_ms = RECOVERY.as_millis().try_into().unwrap_or(u64::MAX);
        }
        self.note(Body::OpIntent(intent))?;
        self.note(Body::OpSent(OpSent { op: op.to_string() }))?;
        Ok(op)
    }

    /// What a recovery on an overlay said.
    pub(super) fn looked(
        &mut self,
        step: &PlanStep,
        node: &NodeName,
        op: &OpId,
        outcome: Outcome,
    ) -> Result<End, Fatal> {
        let failed = |why: String| (Ending::Failed, Vec::new(), End::LeftOut(why));
        let (ending, checks, end) = match said(outcome) {
            Err(why) => failed(format!("the position of {node} was not recovered: {why}")),
            Ok(Answer::Done { output, .. }) => {
                self.output(op, &output)?;
                let stamp = act::stamp(&output).known().cloned();
                let position = act::recovered(&output);
                match self.found(node, position, stamp) {
                    Ok(end) => {
                        let checks = self.recovered.get(node).map(super::ground::Recovered::checks);
                        (Ending::Done, checks.unwrap_or_default(), end)
                    }
                    Err(why) => failed(why),
                }
            }
            Ok(Answer::Refused { word, text }) if word == "no-overlay" => failed(format!(
                "{node} cannot have an overlay ({text}). The direct way rewrites engine files: breakglass run \
                 galera-positions {} --set direct={node}",
                self.setting.cluster
            )),
            Ok(Answer::Refused { word, text }) => {
                failed(format!("{node} refused {}: {word}: {text}", step.id))
            }
            Ok(_) => failed(format!("{node} did not say a position")),
        };
        self.outcome(op, ending, &Plain::new(end.detail()), checks)?;
        Ok(end)
    }

    /// Reads the check row back on one node (S22).
    pub(super) async fn read_back(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let Some(node) = step.node.clone() else { return Ok(End::Skipped("it names no node".to_owned())) };
        let machine = self.surveyed(&node).map(|survey| survey.facts.get(keys::HOST_MACHINE_ID));
        let Some(Known::Known(machine)) = machine else {
            return Ok(End::Unproven(format!("the machine of {node} is not known (S18)")));
        };
        let look = Look::ReadBack { machine, token: self.token() };
        let op = self.intend_look(step, &node, &look)?;
        let nodes = self.nodes;
        let outcome = self.patiently(&step.id, Some(&node), nodes.look(&node, &look, EXEC)).await?;
        let (ending, end) = match said(outcome) {
            Ok(Answer::Done { status: 0, .. }) => (Ending::Done, End::Done(format!("the row is on {node}"))),
            Ok(Answer::Done { output, .. }) => {
                let words = last_words(&output);
                (Ending::Failed, End::Unproven(format!("the row could not be read on {node}: {words}")))
            }
            Ok(Answer::Refused { text, .. }) => {
                (Ending::Refused, End::Unproven(format!("{node} could not be asked for the row: {text}")))
            }
            Ok(_) => (Ending::Failed, End::Unproven(format!("{node} said nothing about the row"))),
            Err(why) => (Ending::Failed, End::Unproven(format!("{node} was not asked for the row: {why}"))),
        };
        self.outcome(&op, ending, &Plain::new(end.detail()), Vec::new())?;
        Ok(end)
    }

    /// Waits, unless the run is to end at once.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), Fatal> {
        if self.ports.stop() == Stop::Now {
            return Err(Fatal::Stopped);
        }
        self.ports.sleep(time).await;
        Ok(())
    }

    /// Waits for something on the nodes, and says every few seconds that it still does.
    pub(super) async fn patiently<T>(
        &mut self,
        step: &str,
        node: Option<&NodeName>,
        work: impl Future<Output = T>,
    ) -> Result<T, Fatal> {
        let begun = self.ports.mono();
        let mut told = begun;
        let mut work = std::pin::pin!(work);
        let ports = self.ports;
        loop {
            let tick = std::pin::pin!(ports.sleep(Duration::from_millis(200)));
            match futures_util::future::select(work.as_mut(), tick).await {
                futures_util::future::Either::Left((done, _)) => return Ok(done),
                futures_util::future::Either::Right(_) => {}
            }
            if ports.stop() == Stop::Now {
                return Err(Fatal::Stopped);
            }
            let now = ports.mono();
            if now.saturating_sub(told) >= nanos(TICK) {
                told = now;
                let text = Plain::new("no answer yet");
                let elapsed = Duration::from_nanos(now.saturating_sub(begun));
                self.operator.hear(&Event::Progress { step, node, elapsed, text: &text });
            }
        }
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

fn said(outcome: Outcome) -> Result<Answer, String> {
    match outcome {
        Outcome::Exited { stdout, .. } => act::answer(&stdout).map_err(|error| error.to_string()),
        Outcome::Signalled { signal, .. } => Err(format!("its script was ended by signal {signal}")),
        Outcome::Lost { why, .. } | Outcome::NotSent { why } => Err(why.detail.to_string()),
    }
}

fn last_words(output: &[u8]) -> String {
    let lines = act::lines(output);
    lines.iter().skip(lines.len().saturating_sub(3)).map(Plain::as_str).collect::<Vec<_>>().join(" / ")
}
