//! What can go wrong with a record's files. Each says what was attempted, what was found and what to do next.

use std::io;
use std::path::PathBuf;

use super::fault::Fault;

/// A log could not be opened for writing. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error(
        "opening the record {} for writing: it is held by {by}. Next: go on there, or watch from here; a process \
         that has ended holds nothing.",
        .dir.display()
    )]
    Held {
        /// The record's folder.
        dir: PathBuf,
        /// Who, as the lock file says.
        by: String,
    },
    /// The log is older than what was remembered of it: a tail was cut, or an old copy was put back.
    #[error(
        "opening the record {}: it ends {}, but record {head} was remembered in {}. Next: put the whole record \
         back, or look into who shortened it; to begin a new one, move both that folder and that file aside.",
        .dir.display(), ends(*.last), .remembered.display()
    )]
    RolledBack {
        /// The record's folder.
        dir: PathBuf,
        /// Its last record, if it has one.
        last: Option<u64>,
        /// The number that was remembered.
        head: u64,
        /// Where.
        remembered: PathBuf,
    },
    /// The real cluster's log is not the one that was remembered under its name.
    #[error(
        "opening the record {}: another record of this name is remembered in {}. Next: put that record back; if \
         this one is right, move that file aside.",
        .dir.display(), .remembered.display()
    )]
    OtherLog {
        /// The record's folder.
        dir: PathBuf,
        /// Where.
        remembered: PathBuf,
    },
    /// The log is not what was written.
    #[error(
        "opening the record {}: {fault}. Next: `breakglass audit verify` says more; keep the folder as evidence, \
         and to begin a new record move it{} aside.",
        .dir.display(),
        .remembered.as_ref().map(|path| format!(" and {}", path.display())).unwrap_or_default()
    )]
    Broken {
        /// The record's folder.
        dir: PathBuf,
        /// The most severe of what is wrong.
        fault: Fault,
        /// Where a head of it is remembered.
        remembered: Option<PathBuf>,
    },
    /// A later version wrote it.
    #[error("opening the record {}: {fault}. Next: use the version that wrote it, or a later one.", .dir.display())]
    NewerSchema {
        /// The record's folder.
        dir: PathBuf,
        /// What could not be read.
        fault: Fault,
    },
    /// Too little space for a whole session.
    #[error(
        "opening the record {}: {} MiB are free, {} MiB are needed. Next: make room there, or name another place \
         with --state-dir.",
        .dir.display(), free >> 20, needed >> 20
    )]
    NoSpace {
        /// The record's folder.
        dir: PathBuf,
        /// Free bytes.
        free: u64,
        /// Needed bytes.
        needed: u64,
    },
    /// A folder or file that others could have put there, or can read.
    #[error("opening the record: {} {found}. Next: {next}.", .path.display())]
    Unsafe {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        found: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// What was remembered cannot be read.
    #[error("reading the remembered head {}: {found}. Next: look at it; to do without it, move it aside.", .path.display())]
    BadHead {
        /// Its file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The files did not do what they were asked.
    #[error("opening the record: {what} {}: {source}. Next: correct the place, or name another with --state-dir.", .path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What was found.
        source: io::Error,
    },
}

fn ends(last: Option<u64>) -> String {
    last.map_or("before its first record".to_owned(), |seq| format!("with record {seq}"))
}

impl OpenError {
    /// Whether what is there is not what was written, or older than what was remembered.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::RolledBack { .. } | Self::NewerSchema { .. })
    }

    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}

/// A record was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The record may not stand in this log: see [`super::semantics`]. Nothing was written, and the log goes on.
    #[error("writing {kind} into the record: {why}. Next: this is a fault of Breakglass; report it.")]
    Refused {
        /// The record's type.
        kind: &'static str,
        /// Why.
        why: String,
    },
    /// The files did not do what they were asked. From now on the log is dead.
    #[error(
        "the record: {what}: {source}. Nothing is written to it any more, and nothing is done on any node. Next: \
         look at the disk, then run again."
    )]
    Failed {
        /// What was attempted.
        what: &'static str,
        /// What was found.
        source: io::Error,
    },
    /// An earlier write failed.
    #[error(
        "the record is closed to writing since {what} failed: {why}. Next: look at the disk, then run again."
    )]
    Dead {
        /// What failed.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// A log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("reading the record {}: there is no log.jsonl in it. Next: name the folder that holds it.", .dir.display())]
    None {
        /// The folder.
        dir: PathBuf,
    },
    /// It is broken: see `audit verify`.
    #[error("reading the record {}: {fault}. Next: `breakglass audit verify` says more.", .dir.display())]
    Broken {
        /// The folder.
        dir: PathBuf,
        /// The most severe of what is wrong.
        fault: Fault,
    },
    /// The files did not do what they were asked.
    #[error("reading the record: {what} {}: {source}. Next: look at that file's permissions and disk.", .path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What was found.
        source: io::Error,
    },
}

impl ReadError {
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
