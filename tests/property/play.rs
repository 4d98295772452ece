//! Plays one history: the faults, the operator, run after run; then the world is mended where only the world can, and an
//! operator who confirms everything has to come to a healthy cluster, or to a state that the tool says it has no way out
//! of (classes.rs).

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breakglass::engine::{self, Book, Ended, Fatal, Moment, RunError, RunResult, Setting};
use breakglass::facts::{Family, Key, Mode, NodeName, Plain, SessionId, Survey, keys};
use breakglass::judge::{self, Judgement, Verdict};
use breakglass::nodes::sim::Fault;
use breakglass::record::body::{BlobRef, Body, OpIntent, Operator as RecordedOperator};
use breakglass::record::{self, Finding, Log, Place, Receipt, Record, WriteError};
use breakglass::runbook::{self, Action, Choose, Fit, Runbook};
use tempfile::TempDir;

use super::classes;
use super::history::{History, Line, Who};
use super::memory::folder;
use super::operator::{Person, Waives};
use super::oracle;
use super::rng::Rng;
use super::stage::{Broken, Died, Stage, Walked, broken};
use super::tally::Tally;

/// What a history came to.
pub(crate) struct Played {
    pub(crate) tally: Tally,
    /// The promise that was broken.
    pub(crate) broken: Option<String>,
    /// What happened, line by line, where it was asked for.
    pub(crate) trace: Vec<String>,
}

/// The most runs of an operator before the world is mended, and after.
const RUNS: usize = 6;
const LAST_RUNS: usize = 16;

/// How long a machine needs at most until it answers again, and how long is waited in all for what decides itself: a start
/// and a stop of a server can take 900 s each, and transfers minutes.
const BOOTS: Duration = Duration::from_mins(1);
const WAITS: Duration = Duration::from_mins(90);

/// Polls until it is ready: on the virtual clock whoever waits can go on at once.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
}

/// Plays it.
pub(crate) fn play(history: &History, traced: bool) -> Played {
    staged(history, traced, |theatre| theatre.all())
}

/// Does `work` on the history's cluster.
pub(crate) fn staged(history: &History, traced: bool, work: impl FnOnce(&mut Theatre<'_>)) -> Played {
    let dir = folder();
    let stage = Stage::new(history, &place(&dir, history).log(), traced);
    let mut theatre = Theatre::new(stage.clone(), dir, history);
    let played = catch_unwind(AssertUnwindSafe(|| work(&mut theatre)));
    if played.is_err() && traced {
        theatre.tell_all();
    }
    let broken = played.err().map(|panic| why(panic.as_ref()));
    let mut known = stage.known();
    let (mut tally, trace) = (std::mem::take(&mut known.tally), known.trace.take().unwrap_or_default());
    drop(known);
    tally.add("history", history.who.as_str());
    tally.many("events", "simulated seconds", stage.clock.elapsed().as_secs());
    Played { tally, broken, trace }
}

fn why(panic: &(dyn Any + Send)) -> String {
    if let Some(Broken(why)) = panic.downcast_ref::<Broken>() {
        return why.clone();
    }
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
    format!("it panicked: {text}")
}

pub(crate) fn place(dir: &TempDir, history: &History) -> Place {
    Place::new(dir.path(), Mode::Drill, &history.topology.cluster, Some(dir.path().join("head")))
}

/// The record, which ends the program at one of its writes.
pub(crate) struct Pen {
    log: Log,
    /// The number of the write at which it ends, from 1, and whether that comes before it or after.
    dies: Option<(usize, bool)>,
    written: Arc<AtomicUsize>,
    /// All that stands in the record.
    records: Records,
    stage: Stage,
}

type Records = Rc<RefCell<Vec<Record>>>;

impl Pen {
    fn write<T>(&mut self, write: impl FnOnce(&mut Log) -> T) -> T {
        let number = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let end = |before| {
            if self.dies == Some((number, before)) {
                resume_unwind(Box::new(Died));
            }
        };
        end(true);
        let written = write(&mut self.log);
        end(false);
        written
    }

    fn keeps(&self, record: Record) -> Record {
        self.records.borrow_mut().push(record.clone());
        record
    }
}

impl Book for Pen {
    fn append(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError> {
        let record = self.write(|log| Book::append(log, session, at, body))?;
        Ok(self.keeps(record))
    }

    fn durable(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError> {
        let record = self.write(|log| Book::durable(log, session, at, body))?;
        Ok(self.keeps(record))
    }

    fn intent(
        &mut self,
        session: &SessionId,
        at: Moment,
        intent: OpIntent,
    ) -> Result<(Receipt, Record), WriteError> {
        let op = intent.op.clone();
        let (receipt, record) = self.write(|log| Book::intent(log, session, at, intent))?;
        self.stage.known().walked.intents.insert(op, record.offset);
        Ok((receipt, self.keeps(record)))
    }

    fn blob(&mut self, bytes: &[u8]) -> Result<BlobRef, WriteError> {
        Book::blob(&mut self.log, bytes)
    }

    fn remember_head(&mut self) -> Result<(), WriteError> {
        Book::remember_head(&mut self.log)
    }
}

/// How a run is to be walked.
#[derive(Clone, Default)]
pub(crate) struct How {
    pub(crate) inputs: BTreeMap<String, NodeName>,
    /// Breakglass ends at this record.
    pub(crate) dies: Option<(usize, bool)>,
    /// Breakglass ends at this send.
    pub(crate) dies_sending: Option<(usize, bool)>,
    /// Where no overlay can be had.
    pub(crate) no_overlay: Option<NodeName>,
}

/// A workstation beside the simulated cluster, and what was seen of its runs.
pub(crate) struct Theatre<'h> {
    pub(crate) stage: Stage,
    dir: TempDir,
    history: &'h History,
    rng: Rng,
    library: Vec<Runbook>,
    runs: usize,
    /// What stands in the record, as the last run read and wrote it.
    records: Records,
    /// How many records the last run wrote.
    written: Arc<AtomicUsize>,
    /// Runbook and evidence of the runs that were walked, and how often.
    tried: BTreeMap<(String, String), u32>,
    /// What the last runs said at their end.
    pub(crate) said: Vec<String>,
}

impl<'h> Theatre<'h> {
    pub(crate) fn new(stage: Stage, dir: TempDir, history: &'h History) -> Self {
        Self {
            stage,
            dir,
            history,
            rng: Rng::new(history.seed, 2),
            library: runbook::library(),
            runs: 0,
            records: Records::default(),
            written: Arc::default(),
            tried: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    fn all(&mut self) {
        self.stage.pass(self.history.arrives);
        self.walk_about();
        // Whatever is still to happen does.
        while let Some(due) = self.stage.next_due() {
            let now = self.stage.clock.elapsed();
            self.stage.pass(due.saturating_sub(now) + Duration::from_secs(1));
        }
        self.mend();
        self.stage.pass(Duration::from_secs(30));
        self.tried.clear();
        self.walk_on();
        self.verified();
    }

    /// The history's operator, as long as there is something to do.
    fn walk_about(&mut self) {
        let who = self.history.who;
        for _ in 0..RUNS {
            let (survey, judgement) = self.look();
            let book = match who {
                Who::Random => Some(self.rng.pick(&self.library).clone()),
                Who::Plain | Who::Waiving => self.offered(&survey, &judgement),
            };
            let Some(book) = book else {
                let time = self.rng.between(2, 40);
                self.stage.pass(Duration::from_secs(time));
                continue;
            };
            let waives = if who == Who::Waiving { Waives::Everything } else { Waives::Nothing };
            let how = How { inputs: self.inputs(&book), dies: self.dies(), ..How::default() };
            self.run(&book.id, &how, who, waives);
            if who == Who::Random && self.rng.percent(10) {
                break;
            }
        }
    }

    /// Inputs as a person gives them: a random one now and then.
    fn inputs(&mut self, book: &Runbook) -> BTreeMap<String, NodeName> {
        let names = self.history.topology.nodes.clone();
        let mut inputs = BTreeMap::new();
        for input in &book.inputs {
            let often = match (self.history.who, input.choose) {
                (Who::Random, _) => 40,
                (_, Choose::Required) => 100,
                _ => 0,
            };
            if self.rng.percent(often) {
                inputs.insert(input.name.clone(), self.rng.pick(&names).clone());
            }
        }
        inputs
    }

    fn dies(&self) -> Option<(usize, bool)> {
        self.history.lines.iter().find_map(|line| match line {
            Line::Dies { run, record, before } if *run == self.runs + 1 => Some((*record, *before)),
            _ => None,
        })
    }

    /// The runbook that is offered for what was found, that was not tried on the same evidence yet.
    fn offered(&mut self, survey: &Survey, judgement: &Judgement) -> Option<Runbook> {
        let mut fits: Vec<(Fit, Runbook)> = self
            .library
            .iter()
            .map(|book| (book.outlook(survey, judgement).fit, book.clone()))
            .filter(|(fit, _)| matches!(fit, Fit::Suggested | Fit::Possible))
            .collect();
        fits.sort_by_key(|(fit, _)| *fit);
        fits.into_iter().map(|(_, book)| book).find(|book| self.is_new(book, judgement))
    }

    /// Whether it was not tried on this evidence, or once, where a node is chosen: once more can be another.
    fn is_new(&mut self, book: &Runbook, judgement: &Judgement) -> bool {
        let times = self.tried.entry((book.id.clone(), judgement.evidence_digest.to_string())).or_default();
        *times += 1;
        let chooses = book.steps.iter().any(|step| matches!(step.action, Action::Choose(_)));
        *times <= if chooses { 2 } else { 1 }
    }

    /// A survey of what there is now, as `status` makes it.
    pub(crate) fn look(&mut self) -> (Survey, Judgement) {
        self.stage.begin(Walked::default());
        let (stage, setting) = (self.stage.clone(), self.setting());
        let taken = engine::survey(
            &stage,
            &setting.cluster,
            setting.family,
            &setting.names,
            || stage.clock.now(),
            |_| (),
        );
        let mut survey = block_on(taken).unwrap_or_else(|error| broken(format!("no survey: {error}")));
        // As `status` does: what was recovered before still counts.
        engine::recall(&mut survey, &engine::remembered(&self.records.borrow()));
        let judgement = judge::judge(&survey);
        (survey, judgement)
    }

    fn setting(&self) -> Setting {
        let names = self.stage.sim.names();
        Setting {
            cluster: self.history.topology.cluster.clone(),
            family: Family::Galera,
            data: self.history.topology.nodes.clone(),
            names,
            operator: RecordedOperator {
                login: "ann".to_owned(),
                uid: 1000,
                workstation: "ws".to_owned(),
                ssh_key: None,
            },
            pid: 1,
            reason: Some("a history".to_owned()),
            incident: Some("H-1".to_owned()),
            inventory: "sha256:0".to_owned(),
            version: "0.0.0".to_owned(),
        }
    }

    /// Walks a runbook, and looks at what its run left. `None` where Breakglass ended in the middle, or did not begin.
    pub(crate) fn run(&mut self, id: &str, how: &How, who: Who, waives: Waives) -> Option<Ended> {
        let book = self.library.iter().find(|book| book.id == id).cloned();
        let book = book.unwrap_or_else(|| broken(format!("there is no runbook {id}")));
        let names = self.history.topology.nodes.clone();
        let plan = runbook::plan(&book, &names, &how.inputs).ok()?;
        let acts = !plan.all_reads();
        let setting = self.setting();
        self.runs += 1;
        let began = self.stage.clock.elapsed();
        let stage = self.stage.clone();
        stage.tell(|| format!("== run {} of {id} {:?} by {}", self.runs, how.inputs, who.as_str()));
        stage.begin(Walked {
            dies: how.dies_sending,
            no_overlay: how.no_overlay.clone(),
            ..Walked::default()
        });
        stage.clock.stopper().store(0, Ordering::SeqCst);
        let place = place(&self.dir, self.history);
        let ticks = stage.clock.clone();
        let dies = how.dies;
        self.written = Arc::default();
        let (written, records) = (Arc::clone(&self.written), Rc::clone(&self.records));
        let mut person = Person::new(&self.stage, &mut self.rng, who, waives);
        let open = |_: Mode| {
            let opened = Log::open(&place, &move || ticks.now());
            opened.map(|(log, old)| {
                records.replace(old.clone());
                (Pen { log, dies, written, records, stage: stage.clone() }, old)
            })
        };
        let run = engine::run(&stage, &stage, &mut person, &setting, plan, open);
        let walked = catch_unwind(AssertUnwindSafe(|| block_on(run)));
        stage.clock.stopper().store(0, Ordering::SeqCst);
        let took = self.stage.clock.elapsed().saturating_sub(began);
        self.stage.known().tally.many("time", "seconds in runs", took.as_secs());
        let ended = match walked {
            Ok(Ok(ended)) => ended,
            Ok(Err(RunError::Fatal(Fatal::Stopped))) => {
                self.ended(id, "stopped at once");
                return None;
            }
            Ok(Err(error)) => broken(format!("the run of {id} ended by {error}")),
            Err(panic) if panic.is::<Died>() => {
                self.ended(id, "died");
                return None;
            }
            Err(panic) => resume_unwind(panic),
        };
        self.ended(id, ended.result.as_str());
        self.stage.tell(|| format!("== {} {}", ended.result.as_str(), ended.detail));
        self.said.push(format!("{id}: {}: {}", ended.result.as_str(), ended.detail));
        self.left(&ended, acts);
        Some(ended)
    }

    fn ended(&self, id: &str, how: &str) {
        self.stage.tell(|| format!("== ended: {how}"));
        let mut known = self.stage.known();
        known.tally.add("run", format!("{id} {how}"));
    }

    /// What a run that ended in order left: nothing of its own on any node it could reach, and no act of which nobody
    /// knows whether it happened; or it says so.
    fn left(&self, ended: &Ended, acts: bool) {
        let truth = self.stage.sim.truth();
        let session = ended.session.as_str();
        let swapped = self.stage.known().happened_in_run().any(|fault| matches!(fault, Fault::Swap(..)));
        let read = self.stage.known().walked.read.clone();
        for node in &truth.nodes {
            // A name leads to a machine, at times to another's.
            let (name, names) = (&node.name, read.iter().filter(|(_, read)| read.machine == node.name));
            let answered = names.clone().any(|(_, read)| read.answered);
            let said = names.clone().any(|(name, _)| ended.detail.contains(name.as_str()));
            let frozen = node.frozen.as_deref() == Some(session);
            let leased = node.lease.as_deref() == Some(session);
            for (what, there) in [("its freeze", frozen), ("its lease", leased)] {
                // Whoever is at the other end of a name since was not asked for what is its own.
                if there && answered && !said && !swapped {
                    broken(format!(
                        "the run of {session} ended {}, and {what} is still on {name}",
                        ended.result.as_str()
                    ));
                }
                if there {
                    self.stage.known().tally.add("left", format!("{what}, and said so or out of reach"));
                }
            }
        }
        if !acts {
            return;
        }
        let records = self.records.borrow();
        let machine =
            engine::machine::Machine::of(records.iter()).unwrap_or_else(|error| broken(error.to_string()));
        let open = oracle::open_acts(&machine);
        // A run that was refused before it began its work asks nobody.
        let began = machine.session(&ended.session).is_some();
        if began && !open.is_empty() && !matches!(ended.result, RunResult::Unknown | RunResult::Paused) {
            broken(format!(
                "the run ended {}, and it is not known of {}",
                ended.result.as_str(),
                open.join(", ")
            ));
        }
    }

    /// Mends what only the world can: links, power, SSH, what stands still, full disks, and who meddles.
    fn mend(&mut self) {
        let happened = self.stage.known().happened.clone();
        self.stage.no_more();
        let mut mended = vec![Fault::Heal];
        // Of two swaps of one machine the later is undone first.
        for fault in happened.iter().rev() {
            mended.push(match fault {
                Fault::Freeze(node) => Fault::Thaw(node.clone()),
                Fault::PowerOff(node) => Fault::PowerOn(node.clone()),
                Fault::FreezeMachine(node) => Fault::ThawMachine(node.clone()),
                Fault::Unreachable(node) => Fault::Reachable(node.clone()),
                Fault::FillDisk(node) => Fault::FreeDisk(node.clone()),
                Fault::Meddle(node) => Fault::EndMeddle(node.clone()),
                Fault::Swap(one, other) => Fault::Swap(one.clone(), other.clone()),
                _ => continue,
            });
        }
        // A machine that is off, stands still or boots lets nothing of it be mended.
        let first = |fault: &Fault| matches!(fault, Fault::Heal | Fault::PowerOn(_) | Fault::ThawMachine(_));
        let (first, then): (Vec<Fault>, Vec<Fault>) = mended.into_iter().partition(first);
        self.stage.tell(|| "mended:".to_owned());
        for fault in &first {
            self.stage.fault(fault);
        }
        self.stage.pass(BOOTS);
        for fault in &then {
            self.stage.fault(fault);
        }
    }

    /// How many records the last run wrote.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }

    /// What each node shows, for a failure's trace.
    fn tell_all(&mut self) {
        let Ok((survey, judgement)) = catch_unwind(AssertUnwindSafe(|| self.look())) else { return };
        for node in &survey.nodes {
            let judged = judgement.node(&node.name);
            let text =
                |key: Key<Plain>| node.facts.get(key).known().map(ToString::to_string).unwrap_or_default();
            self.stage.tell(|| {
                format!(
                    "-- {}: ssh {} sql {} server {:?} {:?} {}; unit {}/{} {}; {}; frozen by {:?}, lease {:?}",
                    node.name,
                    node.ssh.word.as_str(),
                    node.sql.word.as_str(),
                    judged.and_then(|node| node.server.known()),
                    judged.and_then(|node| node.standing),
                    judged.map(|node| node.why.to_string()).unwrap_or_default(),
                    text(keys::UNIT_ACTIVE),
                    text(keys::UNIT_SUB),
                    text(keys::UNIT_RESULT),
                    text(keys::GRASTATE_RAW).replace("\\n", " "),
                    text(keys::UNIT_FROZEN),
                    text(keys::HOST_LEASE),
                )
            });
            let all = |key: Key<Vec<Plain>>| {
                node.facts
                    .get(key)
                    .known()
                    .map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            };
            let (took_part, reach) = (node.facts.get(keys::LOG_TOOK_PART), node.facts.get(keys::LOG_REACH));
            self.stage.tell(|| {
                format!(
                    "      bootstraps {}; took part {:?}; log from {:?}; marks {}",
                    all(keys::LOG_BOOTSTRAPS).unwrap_or_default(),
                    took_part.known(),
                    reach.known(),
                    all(keys::LOG_MARKS).unwrap_or_default()
                )
            });
            let tail = node.facts.get(keys::LOG_TAIL);
            let tail = tail.known().cloned().unwrap_or_default();
            for line in tail.iter().skip(tail.len().saturating_sub(8)) {
                self.stage.tell(|| format!("      | {line}"));
            }
        }
        for finding in &judgement.findings {
            self.stage.tell(|| format!("-- {} {}: {}", finding.id, finding.text, finding.next));
        }
        let truth = self.stage.sim.truth();
        self.stage.tell(|| format!("-- really: {truth:?}"));
    }

    fn is_whole(&self) -> bool {
        let truth = self.stage.sim.truth();
        let synced = truth.nodes.iter().filter(|node| node.synced).count();
        synced == self.history.topology.nodes.len() && classes::parts(&truth).len() == 1
    }

    /// An operator who confirms everything and waives nothing has to get there; else one who waives what loses nothing;
    /// else the state is one of those that this version says it has no way out of.
    fn walk_on(&mut self) {
        if self.gets_there(Waives::Nothing) {
            self.stage.known().tally.add("end", "healthy");
            return self.nothing_left();
        }
        self.tried.clear();
        if self.gets_there(Waives::Harmless) {
            self.stage.known().tally.add("end", "healthy, by a waiver that lost nothing");
            return self.nothing_left();
        }
        let (survey, judgement) = self.look();
        let truth = self.stage.sim.truth();
        match classes::class(&truth, &survey, &judgement, &self.said) {
            Ok(class) => self.stage.known().tally.add("class", class),
            Err(why) => broken(why),
        }
    }

    pub(crate) fn gets_there(&mut self, waives: Waives) -> bool {
        let (mut waited, mut runs) = (Duration::ZERO, 0);
        while runs < LAST_RUNS {
            let (survey, judgement) = self.look();
            if judgement.verdict == Verdict::Healthy {
                if self.arbitrators_back() {
                    runs += 1;
                    continue;
                }
                if !self.is_whole() {
                    broken(format!("it is called healthy, and is not: {:?}", self.stage.sim.truth().nodes));
                }
                return true;
            }
            let Some(book) = self.offered(&survey, &judgement) else {
                if runs < LAST_RUNS && self.by_hand(&judgement) {
                    self.tried.clear();
                    runs += 1;
                    continue;
                }
                if waited > WAITS {
                    return false;
                }
                let time = waited.clamp(Duration::from_secs(15), Duration::from_mins(10));
                waited += time;
                self.stage.tell(|| format!("   waits {time:?}: {}", findings(&judgement)));
                self.stage.pass(time);
                continue;
            };
            self.run(&book.id, &How::default(), Who::Plain, waives);
            runs += 1;
        }
        false
    }

    /// Does what a finding says is to be done by hand.
    fn by_hand(&mut self, judgement: &Judgement) -> bool {
        let topology = &self.history.topology;
        let all = [
            ("galera.arbitrator", "Stop it before a cold bootstrap", &topology.arbitrators),
            ("galera.non-primary", "stop the servers that run", &topology.nodes),
        ];
        for (id, words, nodes) in all {
            let told = judgement
                .findings
                .iter()
                .any(|finding| finding.id == id && finding.next.as_str().contains(words));
            let stop = |node: &&NodeName| self.stage.sim.fault(&Fault::Stop((*node).clone())).is_ok();
            if told && nodes.iter().filter(stop).count() > 0 {
                self.stage.tell(|| format!("by hand, as {id} says: stopped"));
                self.stage.known().tally.add("by hand", format!("{id}: stopped"));
                self.stage.pass(Duration::from_secs(10));
                return true;
            }
        }
        false
    }

    /// "Start it again when the first data nodes are SYNCED."
    fn arbitrators_back(&mut self) -> bool {
        let start = |node: &NodeName| self.stage.sim.fault(&Fault::Start(node.clone())).is_ok();
        let back = self.history.topology.arbitrators.iter().filter(|node| start(node)).count() > 0;
        if back {
            self.stage.pass(Duration::from_secs(10));
        }
        back
    }

    /// In a healthy cluster nothing of ours is left anywhere; where a dead session left something, one more run takes it
    /// away.
    pub(crate) fn nothing_left(&mut self) {
        // What is lost on its way is told, and done by the next.
        for last in [false, false, false, true] {
            let truth = self.stage.sim.truth();
            let left = truth.nodes.iter().find_map(|node| {
                let mut what = Vec::new();
                what.extend(node.frozen.as_ref().map(|by| format!("the freeze of {by}")));
                what.extend(node.lease.as_ref().map(|by| format!("the lease of {by}")));
                // Whoever left the group keeps what is dropped there, as all of its rows.
                let schema = node.check_schema && node.synced;
                what.extend(schema.then(|| "the schema breakglass_check".to_owned()));
                (!what.is_empty()).then(|| format!("{} has {}", node.name, what.join(" and ")))
            });
            let Some(left) = left else { return };
            if last {
                broken(format!("all is healthy, three more runs were walked, and {left}"));
            }
            self.stage.known().tally.add("left", "for one more run");
            self.run("galera-rejoin", &How::default(), Who::Plain, Waives::Nothing);
        }
    }

    /// The record is whole.
    pub(crate) fn verified(&self) {
        let place = place(&self.dir, self.history);
        if !place.log().exists() {
            return;
        }
        let head = place.head.as_ref().and_then(|path| record::Head::read(path).ok().flatten());
        match record::verify(&place.dir, head.as_ref()) {
            Ok(verdict) if verdict.result() == Finding::Broken => {
                broken(format!("the record is broken: {:?}", verdict.worst()));
            }
            Ok(_) => {}
            Err(error) => broken(format!("the record cannot be verified: {error}")),
        }
    }
}

pub(crate) fn findings(judgement: &Judgement) -> String {
    judgement.findings.iter().map(|finding| finding.id).collect::<Vec<_>>().join(" ")
}
