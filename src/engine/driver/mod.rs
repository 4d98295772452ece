//! The one loop that acts.
//!
//! ```text
//! open    first survey, the record, whatever a dead session left open          (open.rs)
//! step    facts fresh? → rules and guards → waivers → confirmation             (step.rs, gate.rs)
//!         → intent on disk → act → outcome on disk → check                     (send.rs, watch.rs)
//! close   what must happen on every way out, the verdict of the run            (close.rs)
//! ```

mod bury;
mod close;
mod gate;
mod gauge;
mod ground;
mod open;
mod send;
mod step;
mod together;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{ClusterName, Family, NodeName, Plain, SessionId};
use crate::judge::{Waiver, Waivers};
use crate::record::body::{BlobRef, Body, OpIntent, Operator as RecordedOperator};
use crate::record::{Log, Receipt, Record, WriteError};
use crate::runbook::Plan;

use super::authorization::{Confirmed, NotAuthorized};
use super::machine::{Illegal, Machine, Op};
use super::operator::{Event, Operator};
use super::ports::Ports;
use super::{Nodes, SurveyError};
use gauge::Gauge;
use ground::Ground;

pub use bury::RESOLVE_STEP;
pub use close::{Ended, RunResult};
pub use ground::{Recovered, recall, remembered};
pub use open::{RunError, run};

/// What a run is about.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its kind.
    pub family: Family,
    /// All nodes, in the inventory's order.
    pub names: Vec<NodeName>,
    /// Those that hold data.
    pub data: Vec<NodeName>,
    /// Who runs it.
    pub operator: RecordedOperator,
    /// This process.
    pub pid: u32,
    /// Why the glass is broken; none for a run that only reads.
    pub reason: Option<String>,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// Digest of the inventory.
    pub inventory: String,
    /// Version of the program.
    pub version: String,
}

/// Where a run's records go: the record's one writer, or what a test puts in its place.
pub trait Book {
    /// Writes; on disk whenever the system pleases.
    fn append(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError>;
    /// Writes, and returns once it is on stable storage.
    fn durable(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError>;
    /// Writes an intent and returns its receipt once it is on stable storage (S20).
    fn intent(
        &mut self,
        session: &SessionId,
        at: Moment,
        intent: OpIntent,
    ) -> Result<(Receipt, Record), WriteError>;
    /// Keeps bytes beside the log.
    fn blob(&mut self, bytes: &[u8]) -> Result<BlobRef, WriteError>;
    /// Remembers the head outside of the log's folder.
    fn remember_head(&mut self) -> Result<(), WriteError>;
}

impl Book for Log {
    fn append(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError> {
        Self::append(self, session, at.t, at.mono, body)
    }

    fn durable(&mut self, session: &SessionId, at: Moment, body: Body) -> Result<Record, WriteError> {
        Self::durable(self, session, at.t, at.mono, body)
    }

    fn intent(
        &mut self,
        session: &SessionId,
        at: Moment,
        intent: OpIntent,
    ) -> Result<(Receipt, Record), WriteError> {
        Self::intent(self, session, at.t, at.mono, intent)
    }

    fn blob(&mut self, bytes: &[u8]) -> Result<BlobRef, WriteError> {
        Self::blob(self, bytes)
    }

    fn remember_head(&mut self) -> Result<(), WriteError> {
        Self::remember_head(self)
    }
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// This workstation's clock.
    pub t: jiff::Timestamp,
    /// Nanoseconds since the session was opened.
    pub mono: u64,
}

/// What ends a run at once. Nothing more is sent, not even to undo.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The record cannot be written, so nothing may happen any more (S20).
    #[error("{0} Nothing more was sent; what is frozen stays frozen until the next run.")]
    Write(#[from] WriteError),
    /// The engine broke its own order.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The engine broke its own order.
    #[error(transparent)]
    NotAuthorized(#[from] NotAuthorized),
    /// The nodes are not of one cluster.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The system gives no random bits.
    #[error("no random bits for a name: look at this workstation")]
    NoRandom,
    /// The operator, or a signal, ended the run at once.
    #[error(
        "stopped at once; what was sent and not answered is an open unknown, and the next run resolves it"
    )]
    Stopped,
}

/// One run.
pub(crate) struct Driver<'a, N, B, P, O> {
    nodes: &'a N,
    book: B,
    ports: &'a P,
    operator: &'a mut O,
    setting: &'a Setting,
    machine: Machine,
    session: SessionId,
    opened: u64,
    plan: Plan,
    waivers: Waivers,
    /// The same, with the step each was given at.
    given: Vec<(String, Waiver)>,
    recovered: BTreeMap<NodeName, Recovered>,
    ground: Ground,
    /// Nodes that were acted on since the ground was read.
    touched: BTreeSet<NodeName>,
    confirmed: Vec<Confirmed>,
    /// Nodes that stay out of what the run makes, and why.
    left_out: BTreeMap<NodeName, Plain>,
    /// A position that was to be recovered was not.
    missing: BTreeMap<NodeName, Plain>,
    /// Leases of other workstations that the operator broke by a typed word.
    broken: BTreeMap<NodeName, SessionId>,
    failed_transfers: u32,
    /// What was seen of the data directories of nodes that take a transfer.
    gauges: BTreeMap<NodeName, Gauge>,
    verdict: Option<crate::judge::Verdict>,
}

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    fn moment(&self) -> Moment {
        Moment { t: self.ports.now(), mono: self.ports.mono().saturating_sub(self.opened) }
    }

    /// Records, and tells.
    fn note(&mut self, body: Body) -> Result<Record, Fatal> {
        let record = self.book.append(&self.session, self.moment(), body)?;
        self.told(record)
    }

    /// As [`Self::note`]; the record is on disk when this returns.
    fn keep(&mut self, body: Body) -> Result<Record, Fatal> {
        let record = self.book.durable(&self.session, self.moment(), body)?;
        self.told(record)
    }

    fn told(&mut self, record: Record) -> Result<Record, Fatal> {
        self.machine.apply(&record)?;
        self.operator.hear(&Event::Recorded(&record));
        Ok(record)
    }

    /// The acts of this session so far.
    fn ops(&self) -> &[Op] {
        self.machine.session(&self.session).map(|session| session.ops.as_slice()).unwrap_or_default()
    }

    fn say(&mut self, step: &str, node: Option<&NodeName>, text: impl AsRef<str>) {
        let text = Plain::new(text);
        self.operator.hear(&Event::Said { step, node, text: &text });
    }
}

/// The most that a record says of a node's words; the whole stands beside the log.
const WORDS: usize = 4096;

/// Remote words, short enough for any record.
fn clipped(text: &str) -> String {
    if text.len() <= WORDS {
        return text.to_owned();
    }
    let mut end = WORDS;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} … ({} bytes in all)", text.get(..end).unwrap_or_default(), text.len())
}
