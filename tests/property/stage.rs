//! The simulated cluster as the engine meets it here: what the history says happens at its time, also in the middle of a
//! read or an act, and every act is looked at before and after.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use breakglass::ask::act::Look;
use breakglass::engine::{Authorization, Nodes, Outcome, Ports, Stop};
use breakglass::facts::{EvidenceDigest, NodeName, NodeSurvey};
use breakglass::judge::Standing;
use breakglass::nodes::sim::{Fault, NotPossible, Part, Sim, SimPorts, Truth};
use futures_util::future::{Either, select};
use jiff::Timestamp;

use super::history::{History, Line};
use super::oracle;
use super::tally::Tally;

/// A promise that was not kept; what it unwinds with.
pub(crate) struct Broken(pub(crate) String);

/// Ends the play of a history: this must not be.
pub(crate) fn broken(why: impl Into<String>) -> ! {
    resume_unwind(Box::new(Broken(why.into())))
}

/// Breakglass's own process ends.
pub(crate) struct Died;

/// How long a run may take, on the virtual clock; and after what time the person who walks it stops it at once.
const LONGEST_RUN: Duration = Duration::from_hours(3);
const PATIENCE: Duration = Duration::from_mins(20);

/// When a node was last read, whether it answered, which machine that was, and what it really held then.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) machine: NodeName,
    pub(crate) at: Timestamp,
    pub(crate) answered: bool,
    pub(crate) held: Vec<Part>,
}

/// What is known of the run that is walked.
#[derive(Default)]
pub(crate) struct Walked {
    pub(crate) read: BTreeMap<NodeName, Read>,
    /// Rule and node of every waiver that was given.
    pub(crate) waived: Vec<(String, NodeName)>,
    /// The evidence of the last judgement.
    pub(crate) evidence: Option<EvidenceDigest>,
    /// Where each node stood by it.
    pub(crate) standings: BTreeMap<NodeName, Standing>,
    /// Node and evidence of the last confirmation.
    pub(crate) confirmed: Option<(NodeName, EvidenceDigest)>,
    /// Where in the record the intent of each op begins, in bytes.
    pub(crate) intents: BTreeMap<String, u64>,
    pub(crate) acts: Vec<String>,
    /// When it began, and how much had happened by then.
    pub(crate) began: Duration,
    pub(crate) past: usize,
    /// Breakglass ends at the send of this number, before or after the node has it.
    pub(crate) dies: Option<(usize, bool)>,
    /// Where no overlay can be had.
    pub(crate) no_overlay: Option<NodeName>,
}

pub(crate) struct Inner {
    schedule: VecDeque<(Duration, Fault)>,
    on: Vec<(String, Fault)>,
    /// What happened past Breakglass so far, in order.
    pub(crate) happened: Vec<Fault>,
    /// Whose machine a name leads to, where it is not its own.
    leads: BTreeMap<NodeName, NodeName>,
    pub(crate) walked: Walked,
    pub(crate) tally: Tally,
    pub(crate) trace: Option<Vec<String>>,
    /// Where every act must stand as an intent before it leaves.
    log: PathBuf,
}

impl Inner {
    /// What happened since the run began.
    pub(crate) fn happened_in_run(&self) -> impl Iterator<Item = &Fault> {
        self.happened.iter().skip(self.walked.past)
    }

    /// The machine that a name leads to.
    fn machine(&self, name: &NodeName) -> NodeName {
        self.leads.get(name).unwrap_or(name).clone()
    }
}

/// The cluster, its clock, and what is looked at.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) clock: SimPorts,
    inner: Arc<Mutex<Inner>>,
    live: bool,
}

impl Stage {
    pub(crate) fn new(history: &History, log: &Path, traced: bool) -> Self {
        let sim = Sim::new(history.topology.clone(), history.seed);
        let clock = sim.clock();
        let timed = history.lines.iter().filter_map(|line| match line {
            Line::At(at, fault) => Some((*at, fault.clone())),
            Line::On(..) | Line::Dies { .. } => None,
        });
        let on = history.lines.iter().filter_map(|line| match line {
            Line::On(deed, fault) => Some((deed.clone(), fault.clone())),
            Line::At(..) | Line::Dies { .. } => None,
        });
        let inner = Inner {
            schedule: timed.collect(),
            on: on.collect(),
            happened: Vec::new(),
            leads: BTreeMap::new(),
            walked: Walked::default(),
            tally: Tally::default(),
            trace: traced.then(Vec::new),
            log: log.to_owned(),
        };
        Self {
            sim,
            clock,
            inner: Arc::new(Mutex::new(inner)),
            live: std::env::var("BREAKGLASS_LIVE").is_ok(),
        }
    }

    /// What is known; a run that ended in the middle leaves nothing in halves.
    pub(crate) fn known(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, text: impl FnOnce() -> String) {
        let at = self.clock.elapsed();
        if let Some(trace) = &mut self.known().trace {
            let line = format!("{:>9.3} {}", at.as_secs_f64(), text());
            // One that never ends is looked at while it goes on.
            if self.live {
                drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes()));
            }
            trace.push(line);
        }
    }

    /// A new run begins.
    pub(crate) fn begin(&self, walked: Walked) {
        let began = self.clock.elapsed();
        let mut known = self.known();
        let past = known.happened.len();
        known.walked = Walked { began, past, ..walked };
    }

    /// When the next thing happens.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.known().schedule.front().map(|(at, _)| *at)
    }

    /// Lets happen what is due.
    fn happen(&self) {
        let now = self.clock.elapsed();
        loop {
            let mut known = self.known();
            let Some((_, fault)) = known.schedule.pop_front_if(|(at, _)| *at <= now) else { break };
            drop(known);
            self.fault(&fault);
        }
    }

    pub(crate) fn fault(&self, fault: &Fault) {
        let result = self.sim.fault(fault);
        self.tell(|| match &result {
            Ok(()) => format!("!! {fault}"),
            Err(why) => format!("!! not possible: {why}"),
        });
        let mut known = self.known();
        match result {
            Ok(()) => {
                known.tally.add("fault", fault.as_str());
                if let Fault::Swap(one, other) = fault {
                    let (a, b) = (known.machine(one), known.machine(other));
                    known.leads.insert(one.clone(), b);
                    known.leads.insert(other.clone(), a);
                }
                known.happened.push(fault.clone());
            }
            Err(NotPossible::Pointless { .. }) => known.tally.add("pointless", fault.as_str()),
            Err(NotPossible::NoSuchNode(node)) => broken(format!("{fault}: there is no node {node}")),
        }
    }

    /// Lets time pass, and what happens in it happen.
    pub(crate) fn pass(&self, time: Duration) {
        let until = self.clock.elapsed() + time;
        self.happen();
        while let Some(due) = self.next_due().filter(|due| *due < until) {
            self.sim.pass(due.saturating_sub(self.clock.elapsed()));
            self.happen();
        }
        self.sim.pass(until.saturating_sub(self.clock.elapsed()));
        self.happen();
    }

    /// Something that takes its time, and what happens meanwhile.
    async fn meanwhile<T>(&self, work: impl Future<Output = T>) -> T {
        self.happen();
        let mut work = pin!(work);
        loop {
            let Some(due) = self.next_due() else { return work.await };
            let timer = pin!(self.clock.sleep(due.saturating_sub(self.clock.elapsed())));
            match select(work.as_mut(), timer).await {
                Either::Left((done, _)) => return done,
                Either::Right(_) => self.happen(),
            }
        }
    }

    /// How far the run that is walked is, on the clock.
    fn not_for_ever(&self) {
        let began = self.known().walked.began;
        let took = self.clock.elapsed().saturating_sub(began);
        if took > LONGEST_RUN {
            broken(format!("the run goes on after {LONGEST_RUN:?}"));
        }
        if took > PATIENCE && self.clock.stop() != Stop::Now {
            self.known().tally.add("note", "stopped at once, out of patience");
            self.tell(|| "out of patience".to_owned());
            self.clock.stopper().store(2, Ordering::SeqCst);
        }
    }

    /// What was to happen on the way of an act does not happen any more.
    pub(crate) fn no_more(&self) {
        self.known().on.clear();
    }

    fn on_its_way(&self, deed: &str) {
        let mut known = self.known();
        let all = std::mem::take(&mut known.on);
        let (now, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|(on, _)| on == deed);
        known.on = later;
        drop(known);
        for (_, fault) in now {
            self.fault(&fault);
        }
    }

    /// Ends Breakglass at the send of this number, where the run is to end there.
    fn die(&self, number: usize, before: bool) {
        if self.known().walked.dies == Some((number, before)) {
            self.tell(|| "dies".to_owned());
            resume_unwind(Box::new(Died));
        }
    }
}

impl Nodes for Stage {
    async fn survey(&self, node: &NodeName) -> NodeSurvey {
        self.not_for_ever();
        let survey = self.meanwhile(self.sim.survey(node)).await;
        let mut known = self.known();
        let machine = known.machine(node);
        let held = holding(&self.sim.truth(), &machine);
        let read = Read { machine, at: survey.at, answered: survey.ssh.is_ok(), held };
        known.tally.add("reads", "survey");
        known.walked.read.insert(node.clone(), read);
        survey
    }

    async fn look(&self, node: &NodeName, look: &Look, limit: Duration) -> Outcome {
        if self.known().walked.no_overlay.as_ref() == Some(node) && matches!(look, Look::Recover { .. }) {
            let stdout =
                b"%breakglass-act 1\nrefused no-overlay mount: unknown filesystem type 'overlay'\n".to_vec();
            return Outcome::Exited { status: 0, stdout, stderr: Vec::new(), dropped: 0 };
        }
        let outcome = self.meanwhile(self.sim.look(node, look, limit)).await;
        self.known().tally.add("reads", look.name());
        outcome
    }

    async fn perform(&self, authorization: &Authorization, limit: Duration) -> Outcome {
        let act = authorization.act();
        self.not_for_ever();
        let number = self.known().walked.acts.len();
        self.known().walked.acts.push(act.deed.name().to_owned());
        self.die(number, true);
        self.tell(|| format!("act {} on {}", act.deed.name(), act.node));
        {
            let known = self.known();
            let begins = known.walked.intents.get(act.op.as_str());
            let intent = begins.map(|offset| line_at(&known.log, *offset)).unwrap_or_default();
            let judged = oracle::may_leave(act, &intent, self.clock.now(), &known.walked);
            drop(known);
            judged.unwrap_or_else(|why| broken(why));
        }
        self.on_its_way(act.deed.name());
        let (before, past) = (self.sim.truth(), self.known().happened.len());
        let outcome = self.meanwhile(self.sim.perform(authorization, limit)).await;
        let after = self.sim.truth();
        self.tell(|| format!("    {} on {}: {}", act.deed.name(), act.node, said(&outcome)));
        let alone = self.known().happened.len() == past;
        let mut known = self.known();
        known.tally.add("act", act.deed.name());
        let Inner { walked, tally, .. } = &mut *known;
        let judged = oracle::after(act, &before, &after, alone, walked, tally);
        drop(known);
        if let Err(why) = judged {
            broken(why);
        }
        self.die(number, false);
        outcome
    }
}

impl Ports for Stage {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn mono(&self) -> u64 {
        Ports::mono(&self.clock)
    }

    async fn sleep(&self, time: Duration) {
        self.not_for_ever();
        self.meanwhile(self.clock.sleep(time)).await;
    }

    fn random(&self) -> Option<[u8; 10]> {
        self.clock.random()
    }

    fn stop(&self) -> Stop {
        self.clock.stop()
    }
}

/// What a node really holds.
pub(crate) fn holding(truth: &Truth, node: &NodeName) -> Vec<Part> {
    truth.nodes.iter().find(|of| of.name == *node).map(|of| of.holds.clone()).unwrap_or_default()
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { stdout, .. } => {
            let text = String::from_utf8_lossy(stdout);
            text.lines().skip(1).take(2).collect::<Vec<_>>().join(" / ")
        }
        Outcome::Signalled { signal, .. } => format!("signal {signal}"),
        Outcome::Lost { why, .. } => format!("lost: {}", why.detail),
        Outcome::NotSent { why } => format!("not sent: {}", why.detail),
    }
}

/// The line of a file that begins at this byte; empty where none does.
fn line_at(path: &Path, offset: u64) -> String {
    let read = || {
        let mut file = BufReader::new(File::open(path)?);
        file.seek(SeekFrom::Start(offset))?;
        let mut line = String::new();
        file.read_line(&mut line)?;
        std::io::Result::Ok(line)
    };
    read().unwrap_or_default()
}
