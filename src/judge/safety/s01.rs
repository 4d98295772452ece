//! S1: Never compare seqnos of different UUIDs. A zero UUID is "no identity", never position 0.
//!
//! Kept by this being the only comparison of positions: [`Position`] itself has no order, and
//! a zero UUID cannot be made into one.

use std::cmp::Ordering;

use crate::facts::Position;

/// The order of two positions, or `None` where they belong to different histories.
pub fn compare(a: Position, b: Position) -> Option<Ordering> {
    (a.uuid == b.uuid).then(|| a.seqno.cmp(&b.seqno))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClusterUuid, Seqno};

    #[test]
    fn different_histories_have_no_order() {
        let at = |uuid, seqno| Position {
            uuid: ClusterUuid::new(uuid).unwrap(),
            seqno: Seqno::new(seqno).unwrap(),
        };
        assert_eq!(compare(at(1, 5), at(2, 9)), None);
        assert_eq!(compare(at(1, 5), at(1, 9)), Some(Ordering::Less));
        assert_eq!(ClusterUuid::new(0), None);
    }
}
