//! Whole logs for the tests.

use super::body::{Body, OpResolve, Outcome, ResolvedBy};
use super::line::{NO_HASH, Record, hash};
use crate::facts::{Mode, SessionId};

#[path = "../../tests/support/records.rs"]
mod bodies;

pub(super) use bodies::*;

pub(super) fn resolve(op: &str) -> OpResolve {
    let detail = String::new();
    OpResolve { op: op.to_owned(), outcome: Outcome::Done, by: ResolvedBy::Effect, detail }
}

/// Chained records, one after the other.
#[derive(Clone)]
pub(super) struct Script {
    records: Vec<Record>,
    session: SessionId,
    mode: Mode,
}

impl Script {
    pub(super) fn new() -> Self {
        Self { records: Vec::new(), session: session(1), mode: Mode::Live }
    }

    /// What follows is of this session.
    pub(super) fn of(self, number: u8) -> Self {
        Self { session: session(number), ..self }
    }

    pub(super) fn in_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    pub(super) fn add(mut self, body: impl Into<Body>) -> Self {
        let body = body.into();
        let seq = self.records.len() as u64;
        let last = self.records.last();
        let mut record = Record {
            seq,
            prev: last.map_or(NO_HASH.to_owned(), |last| last.hash.clone()),
            t: jiff::Timestamp::from_second(1_800_000_000 + i64::try_from(seq).unwrap()).unwrap(),
            mono: seq * 1_000_000,
            session: self.session.clone(),
            mode: self.mode,
            body,
            hash: String::new(),
            offset: last
                .map_or(0, |last| last.offset + serde_json::to_string(last).unwrap().len() as u64 + 1),
        };
        record.hash = hash(serde_json::to_string(&record).unwrap().as_bytes());
        self.records.push(record);
        self
    }

    pub(super) fn records(self) -> Vec<Record> {
        self.records
    }
}

/// A closed log of 12 records.
pub(super) fn closed_log() -> Vec<Record> {
    twelve().into_iter().fold(Script::new(), Script::add).records()
}
