//! Whether a record is what was written, as far as that can be proved. Offline; writes nothing.

use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;

use super::body::BlobRef;
use super::chain::Chain;
use super::error::ReadError;
use super::fault::{Fault, Reason};
use super::line::{Record, hash, is_hash};
use super::place::{Head, open_file};
use super::semantics::Story;

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Intact, signed, closed, and up to a remembered head. (This version signs nothing: it never says so.)
    Ok,
    /// Not what was written.
    Broken,
    /// Intact as far as can be seen, and not proved.
    NotProvable,
}

impl Finding {
    /// The word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Broken => "broken",
            Self::NotProvable => "not-provable",
        }
    }
}

/// What `audit verify` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that keeps the record from being proved, the most severe first.
    pub faults: Vec<Fault>,
    /// Lines of the log.
    pub records: u64,
    /// The log's own head, where it has one.
    pub head: Option<Head>,
    /// The number of the remembered head, where the log holds it. What follows rests on the chain alone, which
    /// whoever can write the file can make anew.
    pub proved: Option<u64>,
}

impl Verdict {
    /// What is to be said of a record of which a head is remembered, and whose folder holds no log any more.
    pub fn gone(dir: &Path) -> Self {
        let why = format!("{} holds no log.jsonl, and a head of it was remembered", dir.display());
        Self { faults: vec![Fault::of_all(Reason::Truncated, why)], records: 0, head: None, proved: None }
    }

    /// The answer in one word.
    pub fn result(&self) -> Finding {
        match self.worst() {
            None => Finding::Ok,
            Some(fault) if fault.reason.is_broken() => Finding::Broken,
            Some(_) => Finding::NotProvable,
        }
    }

    /// The most severe of the faults.
    pub fn worst(&self) -> Option<&Fault> {
        self.faults.first()
    }

    /// The program's exit code: 0, 60 or 61.
    pub fn exit(&self) -> u8 {
        match self.result() {
            Finding::Ok => 0,
            Finding::Broken => 60,
            Finding::NotProvable => 61,
        }
    }
}

/// Checks the record in `dir` against the head that was remembered of it. A head of another log (its record 0 has
/// another hash) makes it a fork: whoever knows that it belongs to something else passes `None`.
pub fn verify(dir: &Path, remembered: Option<&Head>) -> Result<Verdict, ReadError> {
    let chain = Chain::walk(&bytes(dir)?);
    let mut faults = chain.faults.clone();
    let first = chain.lines.first();
    if let Some(head) = remembered {
        faults.extend(compare(&chain, head));
    } else {
        faults.push(Fault::of_all(
            Reason::NoHead,
            "nothing remembered to compare with; its end may have been cut off",
        ));
    }
    // Where lines are missing or not to be believed, what they say together means nothing.
    if chain.faults.is_empty() {
        let story = tell(&chain.records, &mut faults);
        for (seq, session) in story.open_sessions() {
            let at = chain.line(seq).map_or(0, |line| line.offset);
            let why = format!("session {session} has no close");
            faults.push(Fault::at(Reason::NotClosed, seq, at, why));
        }
        for seq in story.gaps() {
            let at = chain.line(*seq).map_or(0, |line| line.offset);
            faults.push(Fault::at(
                Reason::Gap,
                *seq,
                at,
                "something that happened is declared to be missing",
            ));
        }
    }
    if !chain.torn.is_empty() {
        let why = format!("its last {} bytes are a write that never finished", chain.torn.len());
        let torn = Fault { offset: Some(chain.len), ..Fault::of_all(Reason::NotClosed, why) };
        faults.push(torn);
    }
    blobs(dir, &chain.records, &mut faults)?;
    faults.push(Fault::of_all(Reason::Unsigned, "its heads carry no signature: this version signs nothing"));
    faults.sort_by_key(|fault| (fault.reason, fault.seq));
    let proved = remembered
        .filter(|head| first.is_some_and(|line| line.hash == head.log))
        .filter(|head| chain.line(head.seq).is_some_and(|line| line.hash == head.hash))
        .map(|head| head.seq);
    let head = first.zip(chain.lines.last()).map(|(first, last)| Head {
        log: first.hash.clone(),
        seq: last.seq,
        hash: last.hash.clone(),
    });
    Ok(Verdict { faults, records: chain.lines.len() as u64, head, proved })
}

/// The log against a head.
fn compare(chain: &Chain, head: &Head) -> Option<Fault> {
    let (Some(first), Some(last)) = (chain.lines.first(), chain.lines.last()) else {
        let why = format!("it is empty, and record {} was remembered", head.seq);
        return Some(Fault::of_all(Reason::Truncated, why));
    };
    if first.hash != head.log {
        return Some(Fault::at(Reason::Fork, 0, 0, "its first record is not the one that was remembered"));
    }
    match chain.line(head.seq) {
        None => {
            let why = format!("it ends with record {}, and record {} was remembered", last.seq, head.seq);
            Some(Fault { offset: Some(chain.len), ..Fault::at(Reason::Truncated, last.seq, 0, why) })
        }
        Some(line) if line.hash != head.hash => {
            let why = "another record stands here than the one that was remembered";
            Some(Fault::at(Reason::Fork, line.seq, line.offset, why))
        }
        Some(_) => None,
    }
}

fn tell(records: &[Record], faults: &mut Vec<Fault>) -> Story {
    let mut story = Story::default();
    for record in records {
        if let Err(why) = story.check(record) {
            faults.push(Fault::at(Reason::Semantics, record.seq, record.offset, why));
        }
        story.apply(record);
    }
    story
}

fn blobs(dir: &Path, records: &[Record], faults: &mut Vec<Fault>) -> Result<(), ReadError> {
    for record in records {
        for blob in record.body.blobs() {
            if let Some(why) = missing(dir, blob)? {
                faults.push(Fault::at(Reason::BlobMissing, record.seq, record.offset, why));
            }
        }
    }
    Ok(())
}

/// What is wrong with a piece of evidence.
fn missing(dir: &Path, blob: &BlobRef) -> Result<Option<String>, ReadError> {
    let name = &blob.sha256;
    if !is_hash(name) {
        return Ok(Some(format!("{name:?} is the name of no evidence")));
    }
    let path = dir.join("blob").join(name);
    let read = || {
        let mut bytes = Vec::new();
        open_file(&path)?.take(blob.bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 == blob.bytes && hash(&bytes) == *name => Ok(None),
        Ok(_) => Ok(Some(format!("evidence {name} is not what was kept"))),
        Err(error) if is_absent(&error) => Ok(Some(format!("evidence {name} is not there"))),
        Err(error) => Err(ReadError::io("reading", path)(error)),
    }
}

/// Nothing there, or nothing that we would have put there.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
    ) || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// All of a log's bytes.
pub(super) fn bytes(dir: &Path) -> Result<Vec<u8>, ReadError> {
    let path = dir.join("log.jsonl");
    let mut bytes = Vec::new();
    match open_file(&path) {
        Ok(mut file) => file.read_to_end(&mut bytes).map_err(ReadError::io("reading", path))?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(ReadError::None { dir: dir.to_owned() });
        }
        Err(error) => return Err(ReadError::io("opening", path)(error)),
    };
    Ok(bytes)
}
