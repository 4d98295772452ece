//! From the bytes of a log to its records: the lines, their numbers and the links between them.

use super::fault::{Fault, Reason, worst};
use super::line::{LineError, NO_HASH, Record, hash};

/// The bytes of a log, walked from its beginning to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// The records that could be read, in the file's order.
    pub(super) records: Vec<Record>,
    /// All lines, also those that could not be read.
    pub(super) lines: Vec<Line>,
    /// What is wrong with lines, numbers and links.
    pub(super) faults: Vec<Fault>,
    /// Bytes up to and with the last LF.
    pub(super) len: u64,
    /// What stands behind the last LF: a write that never finished. Empty where there is none.
    pub(super) torn: Vec<u8>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number; of one that could not be read, the number that belongs there.
    pub(super) seq: u64,
    /// Where it begins, in bytes.
    pub(super) offset: u64,
    /// SHA-256 of it, without its LF.
    pub(super) hash: String,
}

impl Chain {
    /// Walks a whole log. Total: any bytes are a chain, most of them a broken one.
    pub(super) fn walk(bytes: &[u8]) -> Self {
        let mut chain = Self::default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(text) = line.strip_suffix(b"\n") else {
                chain.torn = line.to_vec();
                break;
            };
            chain.take(text);
            chain.len = chain.len.saturating_add(line.len() as u64);
        }
        chain
    }

    /// Takes the next line, which begins where the last one ended.
    fn take(&mut self, text: &[u8]) {
        let offset = self.len;
        let next = self.lines.last().map_or(0, |line| line.seq.saturating_add(1));
        match Record::read(text, offset) {
            Ok(record) => {
                self.faults.extend(self.link(&record, next));
                self.lines.push(Line { seq: record.seq, offset, hash: record.hash.clone() });
                self.records.push(record);
            }
            Err(error) => {
                let (reason, why) = match error {
                    LineError::Bad(why) => (Reason::Altered, why),
                    LineError::Newer(why) => (Reason::NewerSchema, why),
                };
                self.faults.push(Fault::at(reason, next, offset, why));
                self.lines.push(Line { seq: next, offset, hash: hash(text) });
            }
        }
    }

    /// Whether `record` may stand where the number `next` belongs.
    fn link(&self, record: &Record, next: u64) -> Option<Fault> {
        let last = self.lines.last();
        let links = record.prev == last.map_or(NO_HASH, |line| line.hash.as_str());
        match (record.seq == next, links) {
            (true, true) => None,
            (false, true) => {
                let why = format!("its number is {}, and it follows the record before it", record.seq);
                Some(Fault::at(Reason::Altered, next, record.offset, why))
            }
            (false, false) => {
                let why = format!("record {} stands where {next} belongs", record.seq);
                Some(Fault::at(Reason::Order, record.seq, record.offset, why))
            }
            (true, false) => Some(match last {
                Some(line) => {
                    let why = "its hash is not the one that the next record holds";
                    Fault::at(Reason::Altered, line.seq, line.offset, why)
                }
                None => Fault::at(Reason::Altered, 0, 0, "the first record holds the hash of one before it"),
            }),
        }
    }

    /// The most severe of what is wrong.
    pub(super) fn worst(&self) -> Option<&Fault> {
        worst(&self.faults)
    }

    /// The line of that number.
    pub(super) fn line(&self, seq: u64) -> Option<&Line> {
        self.lines.iter().find(|line| line.seq == seq)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples;
    use super::*;

    fn lines() -> Vec<String> {
        samples::closed_log().iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect()
    }

    fn found(lines: &[String]) -> Option<(Reason, Option<u64>)> {
        Chain::walk(lines.concat().as_bytes()).worst().map(|fault| (fault.reason, fault.seq))
    }

    #[test]
    fn what_is_whole_has_no_fault() {
        let chain = Chain::walk(lines().concat().as_bytes());
        assert_eq!(chain.faults, []);
        assert_eq!(chain.records, samples::closed_log());
        assert_eq!(chain.line(3), chain.lines.get(3));
        assert_eq!(chain.len, lines().concat().len() as u64);
    }

    #[test]
    fn lines_out_of_place() {
        let good = lines();
        for at in 0..good.len() - 1 {
            let mut swapped = good.clone();
            swapped.swap(at, at + 1);
            assert_eq!(found(&swapped).map(|(reason, _)| reason), Some(Reason::Order), "swapped {at}");
            let mut gone = good.clone();
            gone.remove(at);
            assert_eq!(found(&gone), Some((Reason::Order, Some(at as u64 + 1))), "removed {at}");
        }
        for at in 0..good.len() {
            let mut doubled = good.clone();
            doubled.insert(at, good[at].clone());
            assert_eq!(found(&doubled), Some((Reason::Order, Some(at as u64))), "doubled {at}");
        }
    }

    #[test]
    fn a_changed_record_is_named() {
        let good = lines();
        for at in 0..good.len() - 1 {
            let mut changed = good.clone();
            changed[at] = changed[at].replace("\"mono\":", "\"mono\":1");
            assert_eq!(found(&changed), Some((Reason::Altered, Some(at as u64))), "changed {at}");
        }
    }

    #[test]
    fn an_end_without_a_line_feed_is_torn_and_not_a_record() {
        let text = lines().concat();
        let chain = Chain::walk(&text.as_bytes()[..text.len() - 1]);
        assert_eq!(chain.records.len(), lines().len() - 1);
        assert_eq!(chain.torn.len(), lines().last().unwrap().len() - 1);
        assert_eq!(chain.faults, []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let chain = Chain::walk(&bytes);
            prop_assert_eq!(chain.len + chain.torn.len() as u64, bytes.len() as u64);
        }
    }
}
