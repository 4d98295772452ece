//! What can be wrong with a record, and what cannot be proved of one.

use std::fmt;

use serde::Serialize;

/// Why a record is not proved. In order: the first that applies is the one that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Bytes are not what was written.
    Altered,
    /// Records are missing, doubled or out of their order.
    Order,
    /// A signature does not fit. (This version signs nothing and checks none.)
    Signature,
    /// The log ends before the remembered head: its tail was cut, or an older copy was put back.
    Truncated,
    /// Another record stands where the remembered head was.
    Fork,
    /// The records contradict what every record promises.
    Semantics,
    /// Evidence beside the log is missing or not what was written.
    BlobMissing,
    /// A later version wrote records this one cannot read.
    NewerSchema,
    /// There is no remembered head: a cut tail cannot be excluded.
    NoHead,
    /// A session has no close.
    NotClosed,
    /// A gap is declared.
    Gap,
    /// The heads carry no signature.
    Unsigned,
}

impl Reason {
    /// The word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Order => "order",
            Self::Signature => "signature",
            Self::Truncated => "truncated",
            Self::Fork => "fork",
            Self::Semantics => "semantics",
            Self::BlobMissing => "blob-missing",
            Self::NewerSchema => "newer-schema",
            Self::NoHead => "no-head",
            Self::NotClosed => "not-closed",
            Self::Gap => "gap",
            Self::Unsigned => "unsigned",
        }
    }

    /// Whether it makes the record broken; else it is intact and only not provable.
    pub fn is_broken(self) -> bool {
        self < Self::NoHead
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub reason: Reason,
    /// The record it is about, where it is about one.
    pub seq: Option<u64>,
    /// Where that record begins in the log, in bytes.
    pub offset: Option<u64>,
    /// What was found.
    pub detail: String,
}

impl Fault {
    pub(super) fn at(reason: Reason, seq: u64, offset: u64, detail: impl Into<String>) -> Self {
        Self { reason, seq: Some(seq), offset: Some(offset), detail: detail.into() }
    }

    pub(super) fn of_all(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, seq: None, offset: None, detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if let Some(seq) = self.seq {
            write!(f, " at record {seq}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, " (byte {offset})")?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// The most severe; of equals the first in the log.
pub(super) fn worst(faults: &[Fault]) -> Option<&Fault> {
    faults.iter().min_by_key(|fault| (fault.reason, fault.seq))
}
