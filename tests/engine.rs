//! The engine over machines in memory: the order of a run, its refusals, and its own crash at every record (S16, S19, S20).

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test suite"
)]

#[path = "support/surveys.rs"]
#[expect(dead_code, reason = "shared with the judge's tests")]
mod surveys;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use breakglass::engine::{
    self, Answered, Book, Challenge, Choice, Ended, Event, Moment, Operator, RunError, RunResult, Setting,
    WaiverAsked, WaiverGiven,
};
use breakglass::facts::{ClusterName, Family, Mode, NodeName, SessionId};
use breakglass::record::body::{BlobRef, Body, OpIntent, Operator as RecordedOperator};
use breakglass::record::{self, Finding, Log, Place, Receipt, Record, WriteError};
use breakglass::runbook;
use world::{NAMES, World};

/// Ends the program at one record: before it is written, or right after.
struct Cut {
    log: Log,
    /// The disk is full from this write on.
    full: Option<usize>,
    left: Option<usize>,
    before: bool,
}

struct Crash;

impl Cut {
    fn here(&mut self, before: bool) {
        if self.left == Some(0) && self.before == before {
            resume_unwind(Box::new(Crash));
        }
        if !before {
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
    }

    fn write<T>(&mut self, write: impl FnOnce(&mut Log) -> Result<T, WriteError>) -> Result<T, WriteError> {
        match &mut self.full {
            Some(0) => return Err(WriteError::Dead { what: "a test", why: "the disk is full".to_owned() }),
            Some(left) => *left -= 1,
            None => {}
        }
        self.here(true);
        let written = write(&mut self.log)?;
        self.here(false);
        Ok(written)
    }
}

impl Book for Cut {
    fn append(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError> {
        self.write(|log| Book::append(log, session, at, body))
    }

    fn durable(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError> {
        self.write(|log| Book::durable(log, session, at, body))
    }

    fn intent(
        &mut self,
        session: &SessionId,
        at: Moment,
        intent: OpIntent,
    ) -> Result<(Receipt, Record), WriteError> {
        self.write(|log| Book::intent(log, session, at, intent))
    }

    fn blob(&mut self, bytes: &[u8]) -> Result<BlobRef, WriteError> {
        Book::blob(&mut self.log, bytes)
    }

    fn remember_head(&mut self) -> Result<(), WriteError> {
        Book::remember_head(&mut self.log)
    }
}

/// An operator who confirms everything that is offered and waives what he is told to.
#[derive(Default)]
struct Yes {
    asked: Vec<String>,
    waives: Vec<(&'static str, &'static str)>,
    wrong: bool,
    /// Types `g3 give up …` where that is asked.
    gives_up: bool,
    /// Asks to be stopped at once, at the confirmation.
    stops: Option<Arc<World>>,
    /// The disk of the record is full from this write on.
    full: Option<usize>,
}

impl Operator for Yes {
    fn mode(&mut self, _: Mode) -> Result<(), String> {
        Ok(())
    }

    async fn choose(&mut self, choice: &Choice) -> Answered<NodeName> {
        choice.among.first().cloned().map_or_else(|| Answered::Refused("none".to_owned()), Answered::Given)
    }

    async fn confirm(&mut self, challenge: &Challenge) -> Answered<String> {
        self.asked.push(format!("{}: {}", challenge.title, challenge.asked));
        if challenge.step == engine::RESOLVE_STEP && !self.gives_up {
            return Answered::Refused("not given up".to_owned());
        }
        if let Some(world) = &self.stops {
            world.stop.store(2, Ordering::SeqCst);
        }
        Answered::Given(if self.wrong { "yes".to_owned() } else { challenge.asked.clone() })
    }

    async fn waive(&mut self, waiver: &WaiverAsked) -> Answered<WaiverGiven> {
        if self.waives.contains(&(waiver.blocked.rule, waiver.node.as_str())) {
            return Answered::Given(WaiverGiven {
                typed: waiver.asked.clone(),
                reason: "a test".to_owned(),
                holds: std::time::Duration::from_mins(10),
            });
        }
        Answered::Refused("not waived".to_owned())
    }

    fn hear(&mut self, _: &Event<'_>) {}
}

fn setting() -> Setting {
    Setting {
        cluster: ClusterName::new("shop").unwrap(),
        family: Family::Galera,
        names: world::node_names(),
        data: world::node_names(),
        operator: RecordedOperator {
            login: "me".to_owned(),
            uid: 0,
            workstation: "here".to_owned(),
            ssh_key: None,
        },
        pid: 1,
        reason: Some("a test".to_owned()),
        incident: Some("T-1".to_owned()),
        inventory: "sha256:0".to_owned(),
        version: "test".to_owned(),
    }
}

fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn place(folder: &Path) -> Place {
    Place::new(folder, Mode::Live, &ClusterName::new("shop").unwrap(), Some(folder.join("head")))
}

fn world(folder: &Path, clean: bool, at: [i64; 3]) -> World {
    World::new(place(folder).dir.join("log.jsonl"), clean, at)
}

/// Walks a runbook; with `cut` the program ends at that record.
fn walk(
    folder: &Path,
    world: &World,
    runbook: &str,
    inputs: &[(&str, &str)],
    operator: &mut Yes,
    cut: Option<(usize, bool)>,
) -> Option<Result<Ended, RunError>> {
    let runbook = runbook::library().into_iter().find(|book| book.id == runbook).unwrap();
    let inputs: BTreeMap<String, NodeName> =
        inputs.iter().map(|(name, node)| ((*name).to_owned(), NodeName::new(node).unwrap())).collect();
    let plan = runbook::plan(&runbook, &world::node_names(), &inputs).unwrap();
    let setting = setting();
    let operator_full = operator.full;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let book = |_: Mode| {
        let (log, records) = Log::open(&place(folder), &surveys::now)?;
        let full = operator_full;
        Ok((
            Cut { log, full, left: cut.map(|(at, _)| at), before: cut.is_some_and(|(_, before)| before) },
            records,
        ))
    };
    let run = engine::run(world, world, operator, &setting, plan, book);
    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(run))) {
        Ok(ended) => Some(ended),
        Err(panic) if panic.is::<Crash>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

fn ended(walked: Option<Result<Ended, RunError>>) -> Ended {
    walked.expect("no crash").unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn all_is_well(folder: &Path, world: &World) {
    for (name, machine) in world.machines.lock().unwrap().iter() {
        assert!(machine.up, "{name} is down");
        assert!(
            machine.frozen.is_none() && machine.lease.is_none() && machine.row.is_none(),
            "{name}: {machine:?}"
        );
    }
    assert_eq!(world.bootstraps.load(Ordering::SeqCst), 1);
    not_broken(folder);
}

#[track_caller]
fn not_broken(folder: &Path) {
    let verdict = record::verify(&place(folder).dir, None).unwrap();
    assert_ne!(verdict.result(), Finding::Broken, "{verdict:?}");
}

#[test]
fn a_killed_cluster_comes_back_with_one_confirmation() {
    let folder = folder();
    let world = world(folder.path(), false, [9750, 9750, 9749]);
    let mut yes = Yes::default();
    let end = ended(walk(folder.path(), &world, "galera-bootstrap", &[("target", "g2")], &mut yes, None));
    assert_eq!((end.result, end.detail.as_str()), (RunResult::Done, ""));
    assert_eq!(yes.asked, ["BOOTSTRAP g2: g2 lose 0"]);
    all_is_well(folder.path(), &world);
}

#[test]
fn a_wrong_answer_and_a_target_behind_change_nothing_for_good() {
    for (target, wrong) in [("g1", true), ("g3", false)] {
        let folder = folder();
        let world = world(folder.path(), false, [9750, 9748, 9749]);
        let mut operator = Yes { wrong, ..Yes::default() };
        let end = ended(walk(
            folder.path(),
            &world,
            "galera-bootstrap",
            &[("target", target)],
            &mut operator,
            None,
        ));
        assert_eq!(end.result, RunResult::Refused, "{}", end.detail);
        for machine in world.machines.lock().unwrap().values() {
            assert!(!machine.up && machine.frozen.is_none() && machine.lease.is_none());
        }
        not_broken(folder.path());
    }
}

#[test]
fn a_node_out_of_reach_is_named_and_waived_by_name() {
    let folder = folder();
    let world = world(folder.path(), false, [9750, 9749, 9749]);
    world.machines.lock().unwrap().get_mut("g3").unwrap().reachable = false;
    let target = [("target", "g1")];
    let end = ended(walk(folder.path(), &world, "galera-bootstrap", &target, &mut Yes::default(), None));
    assert_eq!(end.result, RunResult::Refused);
    assert!(end.detail.contains("S4 on g3") && end.detail.contains("S5 on g3"), "{}", end.detail);
    let mut operator = Yes { waives: vec![("S4", "g3"), ("S5", "g3"), ("S25", "g3")], ..Yes::default() };
    let end = ended(walk(folder.path(), &world, "galera-bootstrap", &target, &mut operator, None));
    assert_eq!(end.result, RunResult::Partial, "{}", end.detail);
    assert!(end.detail.contains("g3 stays out"), "{}", end.detail);
    not_broken(folder.path());
}

#[test]
fn a_lost_answer_is_unknown_and_then_told_by_the_node() {
    let folder = folder();
    let world = world(folder.path(), true, [2008, 2007, 2006]);
    *world.lose_answer.lock().unwrap() = Some("bootstrap");
    let end = ended(walk(
        folder.path(),
        &world,
        "galera-bootstrap",
        &[("target", "g1")],
        &mut Yes::default(),
        None,
    ));
    assert_eq!(end.result, RunResult::Done, "{}", end.detail);
    let log = std::fs::read_to_string(&world.log).unwrap();
    assert!(log.contains("\"unknown\"") && log.contains("op.resolve"));
    all_is_well(folder.path(), &world);
}

/// Breakglass ends at every record of `galera-bootstrap`, before and after it is written; the next run finishes, and
/// nothing is bootstrapped twice.
#[test]
fn a_crash_at_every_record_converges() {
    let mut crashes = 0;
    for before in [true, false] {
        for at in 0.. {
            let folder = folder();
            let world = world(folder.path(), at % 2 == 0, [9750, 9749, 9749]);
            let target = [("target", "g1")];
            let first = walk(
                folder.path(),
                &world,
                "galera-bootstrap",
                &target,
                &mut Yes::default(),
                Some((at, before)),
            );
            if let Some(end) = first {
                assert_eq!(end.unwrap().result, RunResult::Done);
                assert!(at > 30, "only {at} records");
                break;
            }
            crashes += 1;
            let end =
                ended(walk(folder.path(), &world, "galera-bootstrap", &target, &mut Yes::default(), None));
            assert_eq!(end.result, RunResult::Done, "cut at {at}, before {before}: {}", end.detail);
            all_is_well(folder.path(), &world);
        }
    }
    assert!(crashes > 60, "{crashes}");
    assert_eq!(NAMES.len(), 3);
}

/// At whatever write the disk fills up: nothing is sent from there on, and nothing is called done.
#[test]
fn a_record_that_cannot_be_written_stops_every_act() {
    let mut stopped = 0;
    for full in 0.. {
        let folder = folder();
        let world = world(folder.path(), true, [2008, 2007, 2006]);
        let mut operator = Yes { full: Some(full), ..Yes::default() };
        let target = [("target", "g1")];
        let end = walk(folder.path(), &world, "galera-bootstrap", &target, &mut operator, None).unwrap();
        let Err(error) = end else { break };
        assert!(error.to_string().contains("the disk is full"), "{error}");
        let log = std::fs::read_to_string(&world.log).unwrap();
        let intents = log.matches("\"type\":\"op.intent\"").count();
        assert!(world.acts.lock().unwrap().len() <= intents, "full at {full}: more acts than intents");
        stopped += 1;
    }
    assert!(stopped > 60, "{stopped}");
}

/// The last look has to hold: a member that falls while it is watched makes the run no success.
#[test]
fn what_is_not_seen_for_ten_seconds_is_not_done() {
    let folder = folder();
    let world = world(folder.path(), true, [2008, 2007, 2006]);
    *world.falls.lock().unwrap() = Some("g3");
    let end = ended(walk(
        folder.path(),
        &world,
        "galera-bootstrap",
        &[("target", "g1")],
        &mut Yes::default(),
        None,
    ));
    assert_eq!(end.result, RunResult::Unknown, "{}", end.detail);
    assert!(end.detail.contains("it held, and then did not"), "{}", end.detail);
    for machine in world.machines.lock().unwrap().values() {
        assert!(machine.frozen.is_none() && machine.lease.is_none() && machine.row.is_none(), "{machine:?}");
    }
    not_broken(folder.path());
}

/// The last view is whole and nobody bootstrapped: all are started together, and nobody is asked anything.
#[test]
fn the_last_view_is_started_together() {
    let folder = folder();
    let world = world(folder.path(), false, [9750, 9750, 9749]);
    let mut yes = Yes::default();
    let end = ended(walk(folder.path(), &world, "galera-start-all", &[], &mut yes, None));
    assert_eq!((end.result, yes.asked.len()), (RunResult::Done, 0), "{}", end.detail);
    assert_eq!(world.bootstraps.load(Ordering::SeqCst), 0);
    not_broken(folder.path());
}

/// One of them refuses: the others run, which is more than nothing and less than done.
#[test]
fn a_member_that_does_not_start_makes_it_partial() {
    let folder = folder();
    let world = world(folder.path(), false, [9750, 9750, 9749]);
    *world.refuses.lock().unwrap() = Some(("start", "g2"));
    let end = ended(walk(folder.path(), &world, "galera-start-all", &[], &mut Yes::default(), None));
    assert_eq!(end.result, RunResult::Partial, "{}", end.detail);
    assert!(end.detail.contains("g2 refused start"), "{}", end.detail);
    not_broken(folder.path());
}

/// What a closed session left open is asked for by the next one, before anything else is done there.
#[test]
fn an_open_unknown_outlives_its_session() {
    let folder = folder();
    let world = world(folder.path(), true, [2008, 2007, 2006]);
    *world.cut_after.lock().unwrap() = Some(("start", "g3"));
    let target = [("target", "g1")];
    let end = ended(walk(folder.path(), &world, "galera-bootstrap", &target, &mut Yes::default(), None));
    assert_eq!(end.result, RunResult::Unknown, "{}", end.detail);
    *world.cut_after.lock().unwrap() = None;

    // Still out of reach: nothing is done, but what only reads is free.
    let again =
        ended(walk(folder.path(), &world, "galera-rejoin", &[("node", "g3")], &mut Yes::default(), None));
    assert_eq!(again.result, RunResult::Unknown, "{}", again.detail);
    let read = ended(walk(folder.path(), &world, "galera-positions", &[], &mut Yes::default(), None));
    assert_ne!(read.result, RunResult::Unknown, "{}", read.detail);

    world.machines.lock().unwrap().get_mut("g3").unwrap().reachable = true;
    let end = ended(walk(folder.path(), &world, "galera-bootstrap", &target, &mut Yes::default(), None));
    assert_eq!(end.result, RunResult::Done, "{}", end.detail);
    assert!(std::fs::read_to_string(&world.log).unwrap().contains("op.resolve"));
    all_is_well(folder.path(), &world);
}

/// Hardware that will never answer again does not lock the cluster for ever: the operator says so, by name.
#[test]
fn what_nobody_will_know_is_given_up_by_a_typed_word() {
    let folder = folder();
    let world = world(folder.path(), true, [2008, 2007, 2006]);
    *world.cut_after.lock().unwrap() = Some(("freeze", "g3"));
    let target = [("target", "g1")];
    let end = ended(walk(folder.path(), &world, "galera-bootstrap", &target, &mut Yes::default(), None));
    assert_eq!(end.result, RunResult::Unknown, "{}", end.detail);
    let mut operator =
        Yes { gives_up: true, waives: vec![("S4", "g3"), ("S5", "g3"), ("S25", "g3")], ..Yes::default() };
    let end = ended(walk(folder.path(), &world, "galera-bootstrap", &target, &mut operator, None));
    assert_eq!(end.result, RunResult::Partial, "{}", end.detail);
    assert!(operator.asked.iter().any(|asked| asked.contains("give up")), "{:?}", operator.asked);
    not_broken(folder.path());
}

/// Stopped at once while the confirmation was typed: it does not count any more.
#[test]
fn what_is_typed_after_a_stop_is_not_done() {
    let folder = folder();
    let world = Arc::new(world(folder.path(), true, [2008, 2007, 2006]));
    let mut operator = Yes { stops: Some(Arc::clone(&world)), ..Yes::default() };
    let end =
        walk(folder.path(), &world, "galera-bootstrap", &[("target", "g1")], &mut operator, None).unwrap();
    assert!(end.is_err(), "it was stopped at once");
    assert_eq!(world.bootstraps.load(Ordering::SeqCst), 0);
    world.stop.store(0, Ordering::SeqCst);
    let end = ended(walk(
        folder.path(),
        &world,
        "galera-bootstrap",
        &[("target", "g1")],
        &mut Yes::default(),
        None,
    ));
    assert_eq!(end.result, RunResult::Done, "{}", end.detail);
    all_is_well(folder.path(), &world);
}

/// A node that stays frozen is no success, and is named.
#[test]
fn what_is_not_put_back_is_not_done() {
    let folder = folder();
    let world = world(folder.path(), true, [2008, 2007, 2006]);
    *world.refuses.lock().unwrap() = Some(("unfreeze", "g3"));
    let end = ended(walk(
        folder.path(),
        &world,
        "galera-bootstrap",
        &[("target", "g1")],
        &mut Yes::default(),
        None,
    ));
    assert_eq!(end.result, RunResult::Partial, "{}", end.detail);
    assert!(end.detail.contains("g3 is still frozen"), "{}", end.detail);
    // The next run, whatever it is for, lifts it.
    *world.refuses.lock().unwrap() = None;
    let mut machines = world.machines.lock().unwrap();
    machines.get_mut("g2").unwrap().up = false;
    drop(machines);
    let end =
        ended(walk(folder.path(), &world, "galera-rejoin", &[("node", "g2")], &mut Yes::default(), None));
    assert_eq!(end.result, RunResult::Done, "{}", end.detail);
    all_is_well(folder.path(), &world);
}

/// Another workstation's lease stops the run; its freeze is nobody else's protection.
#[test]
fn a_lease_held_elsewhere_stops_the_run() {
    let folder = folder();
    let world = world(folder.path(), true, [2008, 2007, 2006]);
    let other = "01J00000000000000000000000".to_owned();
    {
        let mut machines = world.machines.lock().unwrap();
        let g3 = machines.get_mut("g3").unwrap();
        g3.lease = Some((other.clone(), "her@there".to_owned()));
        g3.frozen = Some(other);
    }
    let mut operator = Yes { wrong: true, ..Yes::default() };
    let end =
        ended(walk(folder.path(), &world, "galera-bootstrap", &[("target", "g1")], &mut operator, None));
    assert_eq!(end.result, RunResult::Refused, "{}", end.detail);
    assert!(end.detail.contains("her@there"), "{}", end.detail);
    assert_eq!(world.bootstraps.load(Ordering::SeqCst), 0);
    assert_eq!(world.machines.lock().unwrap()["g3"].frozen.as_deref(), Some("01J00000000000000000000000"));
    not_broken(folder.path());
}
