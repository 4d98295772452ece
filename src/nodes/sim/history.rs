//! What an engine really holds: which write-sets, of which bootstrap's history (S25). Uuid and seqno cannot tell two
//! histories apart that one UUID names; this can, and only the truth is told it.

use super::topology::Part;

/// The write-sets of one engine, in the order in which they were committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds(Vec<Part>);

impl Holds {
    /// Commits everything of an epoch that comes after `after`, up to `to`.
    pub(super) fn extend(&mut self, epoch: u32, after: u64, to: u64) {
        if to <= after {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.epoch == epoch && last.to == after => last.to = to,
            _ => self.0.push(Part { epoch, from: after + 1, to }),
        }
    }

    /// Loses everything after a seqno of the history it counts now; one that was begun before it is not touched.
    pub(super) fn cut(&mut self, seqno: u64) {
        while let Some(last) = self.0.last_mut().filter(|last| last.to > seqno) {
            if last.from <= seqno {
                last.to = seqno;
                return;
            }
            let before = last.from - 1;
            self.0.pop();
            if self.0.last().is_none_or(|last| last.to != before) {
                return;
            }
        }
    }

    /// What another holds after a seqno, of the history it counts now, is applied on top, as an incremental transfer does:
    /// what is below stays as it is.
    pub(super) fn take_after(&mut self, seqno: u64, of: &Self) {
        let mut chain: Vec<Part> = Vec::new();
        for part in of.0.iter().rev().take_while(|part| part.to > seqno) {
            if chain.last().is_some_and(|later| later.from != part.to + 1) {
                break;
            }
            chain.push(*part);
        }
        for part in chain.iter().rev() {
            self.extend(part.epoch, seqno.max(part.from - 1), part.to);
        }
    }

    /// Whether everything that another holds is here too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let within = |part: &Part| {
            self.0.iter().any(|own| own.epoch == part.epoch && own.from <= part.from && part.to <= own.to)
        };
        other.0.iter().all(within)
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(parts: &[(u32, u64, u64)]) -> Holds {
        Holds(parts.iter().map(|(epoch, from, to)| Part { epoch: *epoch, from: *from, to: *to }).collect())
    }

    #[test]
    fn what_is_committed_in_one_epoch_is_one_part() {
        let mut all = Holds::default();
        all.extend(1, 0, 5);
        all.extend(1, 5, 9);
        all.extend(1, 9, 9);
        all.extend(2, 9, 12);
        assert_eq!(all, holds(&[(1, 1, 9), (2, 10, 12)]));
        all.cut(10);
        assert_eq!(all, holds(&[(1, 1, 9), (2, 10, 10)]));
        all.cut(4);
        assert_eq!(all, holds(&[(1, 1, 4)]));
    }

    /// tests/fixtures/galera/05-ahead/silent-divergence: the loser's own rows stay below what it is given.
    #[test]
    fn an_incremental_transfer_covers_nothing_up() {
        let group = holds(&[(1, 1, 10), (2, 11, 20)]);
        let mut loser = holds(&[(1, 1, 10), (3, 11, 14)]);
        loser.take_after(14, &group);
        assert_eq!(loser, holds(&[(1, 1, 10), (3, 11, 14), (2, 15, 20)]));
        assert!(!group.covers(&loser) && !loser.covers(&group));
        assert!(group.covers(&holds(&[(1, 1, 7), (2, 12, 13)])));
    }
}
