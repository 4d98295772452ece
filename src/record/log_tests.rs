use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::super::body::{CloseResult, SessionClose};
use super::super::samples::{self, close, note, open, session, twelve};
use super::super::{Finding, read, verify};
use super::*;
use crate::facts::ClusterName;

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

fn place(dir: &TempDir) -> Place {
    let head = dir.path().join("config/heads/live/shop");
    Place::new(&dir.path().join("state"), Mode::Live, &ClusterName::new("shop").unwrap(), Some(head))
}

fn start(place: &Place) -> Log {
    Log::open(place, &now).unwrap().0
}

/// How a step of the disk fails.
#[derive(Clone, Copy, Debug)]
enum How {
    /// With this error, and nothing is done.
    Errno(i32),
    /// After half of the bytes.
    Short,
    /// All is done, and it says it failed (a failing fsync is of this kind).
    Done,
}

const WAYS: [How; 4] = [How::Errno(28), How::Errno(30), How::Short, How::Done];

/// Real files of which the `fail`th step fails.
struct Faulty {
    files: Files,
    how: How,
    fail: usize,
    steps: Arc<AtomicUsize>,
}

impl Faulty {
    fn step(
        &mut self,
        half: impl FnOnce(&mut Files),
        all: impl FnOnce(&mut Files) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.steps.fetch_add(1, Ordering::Relaxed) != self.fail {
            return all(&mut self.files);
        }
        match self.how {
            How::Errno(number) => return Err(io::Error::from_raw_os_error(number)),
            How::Short => half(&mut self.files),
            How::Done => all(&mut self.files)?,
        }
        Err(io::Error::from_raw_os_error(5))
    }
}

impl Disk for Faulty {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let half = &bytes[..bytes.len() / 2];
        self.step(|files| files.write_at(offset, half).unwrap(), |files| files.write_at(offset, bytes))
    }

    fn cut(&mut self, offset: u64) -> io::Result<()> {
        self.step(|_| {}, |files| files.cut(offset))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step(|_| {}, Disk::sync)
    }

    fn keep(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(|_| {}, |files| files.keep(name, bytes))
    }

    fn remember(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.step(|_| {}, |files| files.remember(bytes))
    }
}

/// What a session was told before a step failed.
#[derive(Debug, Default)]
struct Told {
    /// Number of records that were said to be on stable storage.
    durable: usize,
    receipt: bool,
    failed: Option<WriteError>,
}

/// Writes the session of twelve records, with a piece of evidence; goes on after a failure, as no run would.
fn walk(log: &mut Log) -> Told {
    let mut told = Told::default();
    let id = session(1);
    for (at, body) in twelve().into_iter().enumerate() {
        let mono = at as u64;
        let before = told.failed.is_some();
        let done = match body {
            Body::OpIntent(intent) => log.intent(&id, now(), mono, intent).map(|_| {
                told.receipt = true;
                told.durable = at + 1;
            }),
            Body::OpOutput(_) => log
                .blob(b"evidence")
                .and_then(|blob| log.append(&id, now(), mono, samples::output("a", Some(blob)).into()))
                .map(|_| ()),
            Body::Step(_) | Body::Plan(_) => log.append(&id, now(), mono, body).map(|_| ()),
            body => log.durable(&id, now(), mono, body).map(|_| told.durable = at + 1),
        };
        match done {
            Ok(()) => assert!(!before, "record {at} was written after a failure"),
            Err(error) if before => assert!(matches!(error, WriteError::Dead { .. }), "{error}"),
            Err(error) => told.failed = Some(error),
        }
    }
    told
}

/// The next session finds what is there, closes what died, and the whole is intact.
fn go_on(place: &Place, least: usize) -> Vec<Record> {
    let (mut log, before) = Log::open(place, &now).unwrap();
    assert!(before.len() >= least, "{} records are left of {least} acknowledged", before.len());
    let id = session(2);
    log.append(&id, now(), 0, open().into()).unwrap();
    let died = log.story().open_sessions().into_iter().map(|(_, id)| id.clone()).find(|other| *other != id);
    if let Some(died) = died {
        let left: Vec<String> = log.story().open_ops().into_iter().map(|(op, _)| op.to_owned()).collect();
        let left: Vec<&str> = left.iter().map(String::as_str).collect();
        let abandoned = SessionClose { result: CloseResult::Abandoned, ..close(&left) };
        log.durable(&died, now(), 1, abandoned.into()).unwrap();
    }
    log.durable(&id, now(), 2, close(&[]).into()).unwrap();
    drop(log);
    let head = Head::read(place.head.as_deref().unwrap()).unwrap().unwrap();
    let verdict = verify(&place.dir, Some(&head)).unwrap();
    assert_eq!(verdict.result(), Finding::NotProvable, "{:?}", verdict.faults);
    assert_eq!(verdict.faults.len(), 1, "unsigned and nothing else: {:?}", verdict.faults);
    assert_eq!(verdict.proved, Some(verdict.records - 1));
    before
}

#[test]
fn after_any_failure_nothing_more_is_promised_and_nothing_promised_is_lost() {
    for how in WAYS {
        for fail in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let place = place(&dir);
            let steps = Arc::new(AtomicUsize::new(0));
            let (mut log, _) = Log::open_on(&place, &now, |files| {
                Box::new(Faulty { files, how, fail, steps: Arc::clone(&steps) })
            })
            .unwrap();
            let told = walk(&mut log);
            drop(log);
            // The intent is record 5: without all of it on stable storage, and the head with it, no receipt.
            assert_eq!(told.receipt, told.durable >= 6, "{how:?} at step {fail}");
            let before = go_on(&place, told.durable);
            if let Some(error) = told.failed {
                assert!(matches!(error, WriteError::Failed { .. }), "{how:?} at step {fail}: {error}");
            } else {
                assert_eq!(before.len(), 12);
                assert!(fail > 20, "{fail} steps are too few to be all of them");
                break;
            }
        }
    }
}

#[test]
fn a_destructive_op_gets_its_receipt_after_the_head_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    let mut log = start(&place);
    let id = session(1);
    log.append(&id, now(), 0, open().into()).unwrap();
    log.append(&id, now(), 0, samples::confirm(true).into()).unwrap();
    let head = || Head::read(place.head.as_deref().unwrap()).unwrap();
    let (reversible, _) = log.intent(&id, now(), 1, samples::intent("a", None)).unwrap();
    assert_eq!((reversible.op(), reversible.seq(), reversible.class()), ("a", 2, Class::Reversible));
    assert_eq!(head(), None);
    let (receipt, _) = log.intent(&id, now(), 2, samples::destructive("b", 1)).unwrap();
    let head = head().unwrap();
    assert_eq!((head.seq, head.hash.as_str()), (receipt.seq(), receipt.hash()));
    assert_eq!(log.head(), (receipt.seq(), receipt.hash().to_owned()));
    assert_eq!(log.head_code(), short_code(receipt.hash()));
}

#[test]
fn what_may_not_stand_there_is_refused_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    let mut log = start(&place);
    let id = session(1);
    let refused = |log: &mut Log, body: Body, why: &str| {
        let error = log.durable(&id, now(), 0, body).unwrap_err();
        assert!(matches!(&error, WriteError::Refused { .. }) && error.to_string().contains(why), "{error}");
    };
    refused(&mut log, note("early").into(), "never opened");
    log.durable(&session(1), now(), 0, open().into()).unwrap();
    refused(&mut log, samples::sent("a").into(), "has no intent");
    refused(&mut log, note(&"x".repeat(70_000)).into(), "the most is 65536");
    let steps = serde_json::json!([{"share": 0.5}]);
    refused(&mut log, super::super::body::PlanMade { steps, ..samples::plan() }.into(), "floating point");
    let error = log.intent(&session(1), now(), 0, samples::destructive("a", 0)).unwrap_err();
    assert!(matches!(error, WriteError::Refused { .. }), "{error}");
    log.durable(&session(1), now(), 1, close(&[]).into()).unwrap();
    drop(log);
    assert_eq!(read(&place.dir).unwrap().len(), 2);
}

#[test]
fn killed_at_any_byte_of_a_write_nothing_acknowledged_is_lost_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place { head: None, ..place(&dir) };
    let mut log = start(&place);
    let mut ends = Vec::new();
    for (at, body) in twelve().into_iter().enumerate() {
        log.append(&session(1), now(), at as u64, body).unwrap();
        ends.push(log.len);
    }
    drop(log);
    let path = place.dir.join("log.jsonl");
    let whole = std::fs::read(&path).unwrap();
    let cuts = (ends[9]..=ends[11]).step_by(7).chain([ends[10] - 1, ends[10], ends[10] + 1, ends[11] - 1]);
    for cut in cuts {
        let kept = whole.get(..usize::try_from(cut).unwrap()).unwrap();
        std::fs::write(&path, kept).unwrap();
        let lines = ends.iter().filter(|end| **end <= cut).count();
        let (mut log, before) = Log::open(&place, &now).unwrap();
        assert_eq!(before.len(), lines, "cut at {cut}");
        assert_eq!(std::fs::read(&path).unwrap(), kept, "opening changes nothing");
        log.append(&session(2), now(), 0, open().into()).unwrap();
        log.append(&session(2), now(), 1, close(&[]).into()).unwrap();
        drop(log);
        let after = read(&place.dir).unwrap();
        let torn = &kept[usize::try_from(ends[lines - 1]).unwrap()..];
        let found = after.iter().find_map(|record| match &record.body {
            Body::Recover(torn) => Some((record.seq, torn.clone())),
            _ => None,
        });
        match found {
            None => assert!(torn.is_empty(), "cut at {cut}"),
            Some((seq, recover)) => {
                assert_eq!((seq, recover.offset), (lines as u64 + 1, ends[lines - 1]));
                assert_eq!(std::fs::read(place.dir.join("blob").join(recover.blob.sha256)).unwrap(), torn);
            }
        }
        let verdict = verify(&place.dir, None).unwrap();
        assert_eq!(verdict.result(), Finding::NotProvable, "cut at {cut}: {:?}", verdict.faults);
    }
}

#[test]
fn a_torn_write_is_found_again_where_putting_it_away_failed() {
    for how in WAYS {
        for fail in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let place = place(&dir);
            let mut log = start(&place);
            log.append(&session(1), now(), 0, open().into()).unwrap();
            drop(log);
            let path = place.dir.join("log.jsonl");
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.extend([b'{'; 3000]);
            std::fs::write(&path, bytes).unwrap();
            let steps = Arc::new(AtomicUsize::new(0));
            let (mut log, _) = Log::open_on(&place, &now, |files| {
                Box::new(Faulty { files, how, fail, steps: Arc::clone(&steps) })
            })
            .unwrap();
            let failed = log.durable(&session(1), now(), 1, note("again").into()).is_err();
            drop(log);
            go_on(&place, 1);
            let recovered = read(&place.dir).unwrap();
            let recovers = recovered.iter().filter(|record| matches!(record.body, Body::Recover(_))).count();
            assert!(recovers >= 1, "{how:?} at step {fail}");
            if !failed {
                break;
            }
        }
    }
}

#[test]
fn a_second_writer_is_refused_and_told_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    let mut log = start(&place);
    log.durable(&session(1), now(), 0, open().into()).unwrap();
    let error = Log::open(&place, &now).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, OpenError::Held { .. }), "{text}");
    assert!(text.contains("ann") && text.contains(session(1).as_str()), "{text}");
    drop(log);
    assert_eq!(Log::open(&place, &now).unwrap().1.len(), 1);
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_it_makes_is_for_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    assert!(walk(&mut start(&place)).failed.is_none());
    let mut open = vec![dir.path().join("state"), dir.path().join("config")];
    while let Some(path) = open.pop() {
        let is_dir = std::fs::symlink_metadata(&path).unwrap().is_dir();
        assert_eq!(mode_of(&path), if is_dir { 0o700 } else { 0o600 }, "{}", path.display());
        if is_dir {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

#[test]
fn links_and_open_doors_are_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    drop(start(&place));
    let log = place.dir.join("log.jsonl");
    let refused = |what: &str| {
        let error = Log::open(&place, &now).unwrap_err();
        assert!(matches!(error, OpenError::Io { .. } | OpenError::Unsafe { .. }), "{what}: {error}");
    };
    let chmod =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    chmod(&log, 0o644);
    refused("a log that others read");
    chmod(&log, 0o600);
    chmod(&place.dir, 0o755);
    refused("a folder that others read");
    chmod(&place.dir, 0o700);
    std::fs::hard_link(&log, dir.path().join("second")).unwrap();
    refused("a log of two names");
    std::fs::remove_file(&log).unwrap();
    symlink(dir.path().join("second"), &log).unwrap();
    refused("a link");
    std::fs::remove_file(&log).unwrap();
    drop(start(&place));
    let moved = dir.path().join("moved");
    std::fs::rename(&place.dir, &moved).unwrap();
    symlink(&moved, &place.dir).unwrap();
    refused("a folder that is a link");
}

#[test]
fn an_older_log_than_remembered_is_not_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(&dir);
    let path = place.dir.join("log.jsonl");
    let mut log = start(&place);
    log.durable(&session(1), now(), 0, open().into()).unwrap();
    let old = std::fs::read(&path).unwrap();
    log.durable(&session(1), now(), 1, close(&[]).into()).unwrap();
    drop(log);
    let whole = std::fs::read(&path).unwrap();

    std::fs::write(&path, &old).unwrap();
    let error = Log::open(&place, &now).unwrap_err();
    assert!(matches!(error, OpenError::RolledBack { last: Some(0), head: 1, .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), old);

    std::fs::remove_file(&path).unwrap();
    let error = Log::open(&place, &now).unwrap_err();
    assert!(matches!(error, OpenError::RolledBack { last: None, head: 1, .. }), "{error}");

    let mut other = whole.clone();
    let at = other.len() - 20;
    other[at] ^= 1;
    std::fs::write(&path, &other).unwrap();
    let error = Log::open(&place, &now).unwrap_err();
    assert!(matches!(error, OpenError::Broken { .. } | OpenError::NewerSchema { .. }), "{error}");

    std::fs::write(&path, &whole).unwrap();
    assert_eq!(Log::open(&place, &now).unwrap().1.len(), 2);
}

#[test]
fn another_log_of_the_name_is_asked_about_where_it_is_real_and_begins_anew_where_it_is_practice() {
    let dir = tempfile::tempdir().unwrap();
    let live = place(&dir);
    walk(&mut start(&live));
    std::fs::remove_dir_all(&live.dir).unwrap();
    let mut log = start(&Place { head: None, ..live.clone() });
    log.durable(&session(9), now(), 0, open().into()).unwrap();
    drop(log);
    let error = Log::open(&live, &now).unwrap_err();
    assert!(matches!(error, OpenError::OtherLog { .. }), "{error}");
    assert!(error.to_string().contains("heads/live/shop"), "{error}");

    let lab = Place {
        head: live.head.clone(),
        ..Place::new(&dir.path().join("state"), Mode::Lab, &ClusterName::new("shop").unwrap(), None)
    };
    let mut log = start(&lab);
    log.durable(&session(9), now(), 0, open().into()).unwrap();
    log.durable(&session(9), now(), 0, close(&[]).into()).unwrap();
    assert_eq!(Head::read(live.head.as_deref().unwrap()).unwrap().unwrap().hash, log.head().1);
    drop(log);
    assert_eq!(Log::open(&lab, &now).unwrap().1.len(), 2);
}

#[test]
fn practice_in_the_real_ones_place_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let live = Place { head: None, ..place(&dir) };
    let mut log = start(&Place { mode: Mode::Drill, ..live.clone() });
    log.durable(&session(1), now(), 0, open().into()).unwrap();
    drop(log);
    let error = Log::open(&live, &now).unwrap_err();
    assert!(
        matches!(&error, OpenError::Broken { fault, .. } if fault.reason == Reason::Semantics),
        "{error}"
    );
}
