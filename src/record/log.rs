//! The one writer of a log.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};

use super::body::{BlobRef, Body, OpIntent, TornTail};
use super::chain::Chain;
use super::disk::{Disk, Files, Folder};
use super::error::{OpenError, WriteError};
use super::fault::{Fault, Reason};
use super::line::{LineError, NO_HASH, Record, hash};
use super::place::{Head, Place, short_code};
use super::semantics::Story;
use crate::ask::act::Class;
use crate::facts::{Mode, Plain, SessionId};

/// Less than this free, and the glass is not broken: a session must not end for want of space (bytes).
pub const SPACE: u64 = 32 << 20;

/// The one writer of a log. While it lives, no other process writes.
///
/// It writes nothing that `audit verify` would call broken: a record that may not stand where it would is refused, and
/// the log goes on. A write or fsync that fails is something else: what is on disk is then not known, so the log is
/// dead, every later write is refused, and the run stops. The next [`Log::open`] finds out what is there.
pub struct Log {
    disk: Box<dyn Disk>,
    /// Locked as long as we live.
    lock: Lock,
    mode: Mode,
    remembers: bool,
    story: Story,
    /// Hash of record 0.
    first: Option<String>,
    last: Option<(u64, String)>,
    /// Bytes of whole lines.
    len: u64,
    /// What stands behind them.
    torn: Vec<u8>,
    /// Written and not yet known to be on stable storage.
    dirty: bool,
    dead: Option<(&'static str, String)>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("head", &self.head()).field("dead", &self.dead).finish_non_exhaustive()
    }
}

/// The lock file, locked.
struct Lock(File);

impl Lock {
    /// Writes into it who holds it.
    fn sign(&self, who: &str) {
        let mut file = &self.0;
        // It is only for the message that another process shows; the lock itself is the kernel's.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{who}"));
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being made may hold the same open file a moment longer.
        // Where this fails, closing still frees it.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// The proof that an op's intent is on stable storage; for a destructive op, that the head is remembered too. Only
/// [`Log::intent`] makes one, and whoever sends an act asks for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    op: String,
    seq: u64,
    hash: String,
    class: Class,
}

impl Receipt {
    /// The op.
    pub fn op(&self) -> &str {
        &self.op
    }

    /// The number of its intent's record.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of its intent's record: the head at that moment.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What the op does to the world.
    pub fn class(&self) -> Class {
        self.class
    }
}

impl Log {
    /// Locks the record, reads and checks all of it, and holds it against the remembered head. Makes its folders and
    /// files where they are missing, and writes nothing else; `clock` is asked for the moment the lock is taken.
    /// Returns all records.
    pub fn open(place: &Place, clock: &dyn Fn() -> Timestamp) -> Result<(Self, Vec<Record>), OpenError> {
        Self::open_on(place, clock, |files| Box::new(files))
    }

    fn open_on(
        place: &Place,
        clock: &dyn Fn() -> Timestamp,
        disk: impl FnOnce(Files) -> Box<dyn Disk>,
    ) -> Result<(Self, Vec<Record>), OpenError> {
        let dir = place.dir.clone();
        let folder = Folder::open(&dir)?;
        let mut lock = folder.file("lock")?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(OpenError::Held { dir, by: holder(&mut lock) }),
            Err(error) => return Err(OpenError::io("locking", dir.join("lock"))(error.into())),
        }
        let lock = Lock(lock);
        lock.sign(&format!("process {}, since {:.0}", std::process::id(), clock()));
        let mut log = folder.file("log.jsonl")?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).map_err(OpenError::io("reading", dir.join("log.jsonl")))?;
        let chain = Chain::walk(&bytes);
        check(place, &chain)?;
        let free = folder.free()?;
        if free < SPACE {
            return Err(OpenError::NoSpace { dir, free, needed: SPACE });
        }
        let log = Self {
            disk: disk(Files::new(log, folder, place.head.clone())),
            lock,
            mode: place.mode,
            remembers: place.head.is_some(),
            story: chain.records.iter().collect(),
            first: chain.lines.first().map(|line| line.hash.clone()),
            last: chain.lines.last().map(|line| (line.seq, line.hash.clone())),
            len: chain.len,
            torn: chain.torn,
            // What an earlier process wrote last may not be on stable storage yet.
            dirty: true,
            dead: None,
        };
        Ok((log, chain.records))
    }

    /// Adds a record; it may be lost with the machine's power, never with our process.
    pub fn append(
        &mut self,
        session: &SessionId,
        t: Timestamp,
        mono: u64,
        body: Body,
    ) -> Result<Record, WriteError> {
        self.alive()?;
        let mut bodies = Vec::new();
        if !self.torn.is_empty() {
            let blob = self.keep(&self.torn.clone())?;
            bodies.push(Body::Recover(TornTail { blob, offset: self.len }));
        }
        // A session's first record comes before anything that stands in it.
        let at = if matches!(body, Body::SessionOpen(_)) { 0 } else { bodies.len() };
        bodies.insert(at, body);

        let mut trial = (bodies.len() > 1).then(|| self.story.clone());
        let mut records: Vec<Record> = Vec::new();
        let mut bytes = Vec::new();
        for body in bodies {
            let last = records.last().map(|record| (record.seq, record.hash.as_str()));
            let last = last.or(self.last.as_ref().map(|(seq, hash)| (*seq, hash.as_str())));
            let offset = self.len.saturating_add(bytes.len() as u64);
            let (record, line) = self.compose(last, offset, session, (t, mono), body)?;
            let story = trial.as_mut().unwrap_or(&mut self.story);
            story.check(&record).map_err(|why| WriteError::Refused { kind: record.body.kind(), why })?;
            story.apply(&record);
            bytes.extend(line.into_bytes());
            bytes.push(b'\n');
            records.push(record);
        }
        // Over the torn bytes, and the rest of them away afterwards: at every moment in between, what is left of them
        // still stands behind the last LF, where the next to open finds it.
        self.step("writing a record", |disk, len| disk.write_at(len, &bytes))?;
        self.dirty = true;
        self.len = self.len.saturating_add(bytes.len() as u64);
        if !self.torn.is_empty() {
            self.step("cutting off a torn write", |disk, len| disk.cut(len))?;
            self.torn.clear();
        }
        if let Some(story) = trial {
            self.story = story;
        }
        if let Some(first) = records.first() {
            self.first.get_or_insert_with(|| first.hash.clone());
        }
        self.last = records.last().map(|record| (record.seq, record.hash.clone()));
        let record = records.into_iter().nth(at);
        // `at` is where the body was put, so there is one.
        let record =
            record.ok_or(WriteError::Refused { kind: "record", why: "it is not there".to_owned() })?;
        if let Body::SessionOpen(open) = &record.body {
            let login = Plain::new(&open.operator.login);
            self.lock
                .sign(&format!("{login}, process {}, session {session}, since {t:.0}", std::process::id()));
        }
        Ok(record)
    }

    /// Adds a record and returns when it is on stable storage. A session's close is remembered as the head, too.
    pub fn durable(
        &mut self,
        session: &SessionId,
        t: Timestamp,
        mono: u64,
        body: Body,
    ) -> Result<Record, WriteError> {
        let record = self.append(session, t, mono, body)?;
        self.sync()?;
        if matches!(record.body, Body::SessionClose(_)) {
            self.remember_head()?;
        }
        Ok(record)
    }

    /// Writes down what is about to be done. The receipt is there only when that is on stable storage and, before a
    /// destructive op, the head remembered.
    pub fn intent(
        &mut self,
        session: &SessionId,
        t: Timestamp,
        mono: u64,
        intent: OpIntent,
    ) -> Result<(Receipt, Record), WriteError> {
        let (op, class) = (intent.op.clone(), intent.class);
        let record = self.durable(session, t, mono, intent.into())?;
        if class == Class::Destructive {
            self.remember_head()?;
        }
        Ok((Receipt { op, seq: record.seq, hash: record.hash.clone(), class }, record))
    }

    /// Keeps evidence beside the log, on stable storage, under the name of its content.
    pub fn blob(&mut self, bytes: &[u8]) -> Result<BlobRef, WriteError> {
        self.alive()?;
        self.keep(bytes)
    }

    /// Remembers the head outside the record's folder, on stable storage. Does nothing where no place for it is, or
    /// nothing was written yet.
    pub fn remember_head(&mut self) -> Result<(), WriteError> {
        self.alive()?;
        let (Some(log), Some((seq, hash))) = (self.first.clone(), self.last.clone()) else { return Ok(()) };
        if !self.remembers {
            return Ok(());
        }
        // A head that outlived its record in a power cut would look like a rollback.
        self.sync()?;
        self.step("remembering the head", |disk, _| disk.remember(Head { log, seq, hash }.line()?.as_bytes()))
    }

    /// The head as eight letters to read aloud and to paste: a witness that needs nothing else.
    pub fn head_code(&self) -> String {
        short_code(&self.head().1)
    }

    /// Number and hash of the last record; 0 and zeros before the first.
    pub fn head(&self) -> (u64, String) {
        self.last.clone().unwrap_or_else(|| (0, NO_HASH.to_owned()))
    }

    /// What the records so far say: which sessions have no close, which ops no known outcome.
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// The record of `body` that follows `last`, and its line, which the strict reader has read.
    fn compose(
        &self,
        last: Option<(u64, &str)>,
        offset: u64,
        session: &SessionId,
        (t, mono): (Timestamp, u64),
        body: Body,
    ) -> Result<(Record, String), WriteError> {
        let kind = body.kind();
        let refused = |why: String| WriteError::Refused { kind, why };
        let (seq, prev) = match last {
            Some((seq, hash)) => (seq.saturating_add(1), hash.to_owned()),
            None => (0, NO_HASH.to_owned()),
        };
        let session = session.clone();
        let mode = self.mode;
        let record = Record { seq, prev, t, mono, session, mode, body, hash: String::new(), offset };
        let line = serde_json::to_string(&record).map_err(|error| refused(error.to_string()))?;
        let read = Record::read(line.as_bytes(), offset).map_err(|error| match error {
            LineError::Bad(why) | LineError::Newer(why) => refused(why),
        })?;
        Ok((read, line))
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<BlobRef, WriteError> {
        let name = hash(bytes);
        self.step("keeping evidence", |disk, _| disk.keep(&name, bytes))?;
        Ok(BlobRef { sha256: name, bytes: bytes.len() as u64 })
    }

    fn sync(&mut self) -> Result<(), WriteError> {
        if self.dirty {
            self.step("syncing the log", |disk, _| disk.sync())?;
            self.dirty = false;
        }
        Ok(())
    }

    fn alive(&self) -> Result<(), WriteError> {
        match &self.dead {
            None => Ok(()),
            Some((what, why)) => Err(WriteError::Dead { what, why: why.clone() }),
        }
    }

    /// One step on the disk. One that fails is the last.
    fn step(
        &mut self,
        what: &'static str,
        step: impl FnOnce(&mut dyn Disk, u64) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        self.alive()?;
        step(self.disk.as_mut(), self.len).map_err(|source| {
            self.dead = Some((what, source.to_string()));
            WriteError::Failed { what, source }
        })
    }
}

/// Holds what was read against what is remembered of it.
fn check(place: &Place, chain: &Chain) -> Result<(), OpenError> {
    let dir = place.dir.clone();
    let remembered = place.head.clone();
    if let Some(fault) = chain.worst().cloned() {
        return Err(match fault.reason {
            Reason::NewerSchema => OpenError::NewerSchema { dir, fault },
            _ => OpenError::Broken { dir, fault, remembered },
        });
    }
    if let Some(other) = chain.records.iter().find(|record| record.mode != place.mode) {
        let why = format!("its mode is {}, not {}", other.mode.as_str(), place.mode.as_str());
        let fault = Fault::at(Reason::Semantics, other.seq, other.offset, why);
        return Err(OpenError::Broken { dir, fault, remembered });
    }
    let Some(path) = remembered else { return Ok(()) };
    let head = Head::read(&path)
        .map_err(|error| OpenError::BadHead { path: path.clone(), found: error.to_string() })?;
    let Some(head) = head else { return Ok(()) };
    let last = chain.lines.last().map(|line| line.seq);
    if chain.lines.first().is_none_or(|first| first.hash != head.log) {
        return match (place.mode, last) {
            // Practice begins anew; its head is overwritten with the next.
            (Mode::Lab | Mode::Drill, _) => Ok(()),
            (Mode::Live | Mode::Bundle, Some(_)) => Err(OpenError::OtherLog { dir, remembered: path }),
            (Mode::Live | Mode::Bundle, None) => {
                Err(OpenError::RolledBack { dir, last, head: head.seq, remembered: path })
            }
        };
    }
    match chain.line(head.seq) {
        None => Err(OpenError::RolledBack { dir, last, head: head.seq, remembered: path }),
        Some(line) if line.hash != head.hash => {
            let why = "another record stands here than the one that was remembered";
            let fault = Fault::at(Reason::Fork, line.seq, line.offset, why);
            Err(OpenError::Broken { dir, fault, remembered: Some(path) })
        }
        Some(_) => Ok(()),
    }
}

/// Who holds the lock, as its file says.
fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    // It is only for the message; who cannot be named still holds it.
    match lock.take(512).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => Plain::new(text.trim()).as_str().to_owned(),
        _ => "a process that did not say its name".to_owned(),
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
