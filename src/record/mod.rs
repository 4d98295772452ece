//! The record: an append-only chained log of every session of one cluster on this workstation.
//!
//! A chain alone proves little: whoever can write the file can make it anew from any record on. What protects it is
//! the remembered head, kept elsewhere: number and hash of a record stand for every byte up to it.
//!
//! # Files
//!
//! ```text
//! <state dir>/audit/<mode>/<cluster>/log.jsonl      the log
//! <state dir>/audit/<mode>/<cluster>/blob/<sha256>  evidence too long for a line, named by its SHA-256
//! <state dir>/audit/<mode>/<cluster>/lock           flock(2): who holds it writes; its text says who, for people
//! <config dir>/heads/live/<cluster>                 the remembered head of a real cluster
//! /var/lib/breakglass-lab/<cluster>/head            of a lab's, gone with it; a drill's is not remembered
//! ```
//!
//! `<mode>` is `live`, `lab` or `drill`. Folders are 0700, files 0600, all of one user; below `audit` no link is
//! followed. A head is one line of JSON: `{"log":…,"seq":…,"hash":…}`: hash of record 0 (which log), number and hash of
//! the last record at that time. It is remembered before every destructive act and after every session's close.
//!
//! # Lines
//!
//! The log is UTF-8: one JSON object per line, each ended by one LF (byte 10); at most 65536 bytes without it. All
//! sessions of the cluster stand in one log, one after the other.
//!
//! ```text
//! {"v":1,"seq":0,"prev":"<64 hex>","t":"2026-03-01T02:03:04.500000000Z","mono":0,"session":"<ULID>","mode":"live","type":"note","body":{"text":"…"}}
//! ```
//!
//! | member | what it is |
//! | --- | --- |
//! | `v` | 1. Any other number: a later version wrote it |
//! | `seq` | 0 in the first line, one more in each, over all sessions |
//! | `prev` | hash of the line before; 64 zeros in the first |
//! | `t` | RFC 3339, ends with `Z`; the workstation's clock, which may be set back |
//! | `mono` | nanoseconds since the session opened |
//! | `session` | 26 characters of Crockford's base 32 in upper case |
//! | `mode` | `live`, `lab` or `drill`; the same in the whole log |
//! | `type`, `body` | see [`Body`] and the structs it holds: their field names are the members, all others are refused |
//!
//! The hash of a record is the SHA-256 of the exact bytes of its line without the LF, in lower-case hexadecimal. It
//! stands in no line but the next one's `prev`, so there is no canonical form: read bytes, not values. With a shell:
//! `sed -n 1p log.jsonl | tr -d '\n' | sha256sum` is the `prev` of line 2, and the `log` of a head.
//!
//! A reader refuses what two readers could read differently: a key that stands twice (at any depth), a number with a
//! fraction or an exponent or beyond 64 bits, bytes that are not UTF-8, a longer line, an unknown member. A type or body
//! that it does not know is a later version's.
//!
//! # What follows what
//!
//! [`Story::check`] tells the rules that the records must keep together; [`lifecycle`] those of a single op.
//!
//! # Writing
//!
//! [`Log`] is the one writer. Before a read a record is appended; before a reversible act it is synced (`fdatasync`);
//! before a destructive one the head is remembered, too, and only then there is a [`Receipt`]. A write that was cut
//! short leaves bytes behind the last LF. The next writer keeps them as a blob, writes a `recover` record that names it
//! (right after its `session.open`, where it opens a session) and cuts the rest off: nothing is dropped silently. An
//! fsync that failed is never tried again; the run stops.
//!
//! # Verifying
//!
//! [`verify()`] reads the whole folder and tells the most severe [`Reason`]. It is *broken* (exit code 60) where bytes,
//! order, head, promises or evidence do not fit, and *not provable* (61) where nothing is remembered of it, a session
//! has no close, a gap is declared, or nothing is signed. This version signs nothing, so 61 `unsigned` is the best a
//! record can get.

pub mod body;
mod chain;
mod disk;
mod error;
mod fault;
pub mod lifecycle;
mod line;
mod log;
mod place;
#[cfg(test)]
mod samples;
pub mod semantics;
mod verify;

use std::path::Path;

pub use body::{BlobRef, Body};
pub use error::{OpenError, ReadError, WriteError};
pub use fault::{Fault, Reason};
pub use lifecycle::OpState;
pub use line::{MAX_LINE, NO_HASH, Record, VERSION, hash};
pub use log::{Log, Receipt, SPACE};
pub use place::{Head, Place, short_code};
pub use semantics::Story;
pub use verify::{Finding, Verdict, verify};

/// What a reader that takes no lock finds in a log; another process may be writing it.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The records that could be read.
    pub records: Vec<Record>,
    /// The most severe of what is wrong with lines, numbers and links.
    pub fault: Option<Fault>,
}

/// Reads a log, also a broken one, as far as it can be read. A line that is not finished yet is left out.
pub fn scan(dir: &Path) -> Result<Scan, ReadError> {
    let chain = chain::Chain::walk(&verify::bytes(dir)?);
    let fault = chain.worst().cloned();
    Ok(Scan { records: chain.records, fault })
}

/// Reads a log whose lines, numbers and links are whole.
pub fn read(dir: &Path) -> Result<Vec<Record>, ReadError> {
    let scan = scan(dir)?;
    match scan.fault {
        None => Ok(scan.records),
        Some(fault) => Err(ReadError::Broken { dir: dir.to_owned(), fault }),
    }
}
