//! Positions in a cluster's history.

use std::fmt;

use serde::Serialize;

use super::ClusterUuid;

/// A Galera global transaction number that names a place in a history: 0 or more, below 2^63.
///
/// -1, `u64::MAX` and everything unparsable have no `Seqno` (S2): they are Unknown before they get here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Seqno(u64);

impl Seqno {
    /// The seqno, or `None` where `value` is -1, `u64::MAX` as i64, or otherwise below zero.
    pub fn new(value: i64) -> Option<Self> {
        u64::try_from(value).ok().map(Self)
    }

    /// Reads a decimal number. `Ok(None)` is Galera's "undefined": -1 or 2^64-1. `Err` is anything that is not a
    /// 64-bit number in Galera's form.
    pub fn parse(text: &str) -> Result<Option<Self>, NotASeqno> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotASeqno);
        }
        if let Ok(value) = text.parse::<i64>() {
            return match value {
                -1 => Ok(None),
                value => Self::new(value).map(Some).ok_or(NotASeqno),
            };
        }
        match text.parse::<u64>() {
            Ok(u64::MAX) => Ok(None),
            _ => Err(NotASeqno),
        }
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// How many write-sets `self` lies beyond `other`; 0 where it does not.
    pub fn beyond(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Seqno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// The text is not a seqno in Galera's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a seqno")]
pub struct NotASeqno;

/// A cluster state UUID and a seqno inside it. Positions of different UUIDs have no order (S1), so the type has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Position {
    /// The history.
    pub uuid: ClusterUuid,
    /// The place in it.
    pub seqno: Seqno,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uuid, self.seqno)
    }
}

/// Where a position was read, as `status --json` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionSource {
    /// The running server's `wsrep_last_committed` and `wsrep_local_state_uuid`.
    Status,
    /// grastate.dat of a server that stopped cleanly.
    StateFile,
    /// The engine's own position, recovered by `--wsrep-recover`.
    Recover,
    /// What the unit's own start logged, no server having taken part in the group since.
    Journal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_galera_says_undefined() {
        assert_eq!(Seqno::parse("-1"), Ok(None));
        assert_eq!(Seqno::parse("18446744073709551615"), Ok(None));
    }

    #[test]
    fn what_is_not_a_seqno_is_never_a_number() {
        for bad in [
            "",
            "-",
            "abc",
            "+1",
            "1 ",
            " 1",
            "1.0",
            "-2",
            "9223372036854775808",
            "99999999999999999999",
            "0x1",
        ] {
            assert_eq!(Seqno::parse(bad), Err(NotASeqno), "{bad:?}");
        }
        assert_eq!(Seqno::parse("0"), Ok(Seqno::new(0)));
        assert_eq!(Seqno::parse("9223372036854775807"), Ok(Seqno::new(i64::MAX)));
    }
}
