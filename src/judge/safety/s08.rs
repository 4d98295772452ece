//! S8 (waivable): A tie is shown and the operator chooses (the input; no waiver); an AHEAD or DIVERGED node stops the
//! normal path.
//!
//! So does one that is no candidate by S7 and may hold rows that nobody else does: one whose engine says more than every other
//! node holds, for half a copy, an eviction and an abort for being ahead can look the same, and in the last of them the rows are
//! real; and one that was evicted, whose number the group has passed since with rows of its own.

use super::{Blocked, s01};
use crate::facts::{NodeName, Position};
use crate::judge::Standing;

/// The nodes that stop the normal path.
pub fn off_the_path<'a>(standings: impl IntoIterator<Item = (&'a NodeName, Standing)>) -> Vec<Blocked> {
    standings
        .into_iter()
        .filter_map(|(name, standing)| match standing {
            Standing::Ahead(by) => Some(Blocked::on(
                "S8",
                name,
                format!("it is ahead of the Primary by {by} write-sets"),
                "choose: go on from it, export what only it holds, or abandon its state",
            )),
            Standing::Diverged => Some(Blocked::on(
                "S8",
                name,
                "its history is another one, and no seqno can rank it",
                "choose which history is the one, and abandon or export the other",
            )),
            _ => None,
        })
        .collect()
}

/// A TAINTED node whose position is beyond `top`, the highest that any other node holds, or of another history, or that was
/// `evicted` with rows of its own; `None` where it does not and `top` covers it. How many of its write-sets are whole nobody can
/// tell, so none of them is said to be worthless.
pub fn beyond(tainted: &NodeName, held: Position, top: Position, evicted: bool) -> Option<Blocked> {
    let more = match s01::compare(held, top) {
        Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal) if !evicted => return None,
        Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal) => {
            format!("{}, and which of its rows nobody else has is not known", held.seqno)
        }
        Some(std::cmp::Ordering::Greater) => {
            let by = held.seqno.beyond(top.seqno);
            let sets = if by == 1 { "write-set" } else { "write-sets" };
            format!("{by} {sets} beyond {}, the most that is held elsewhere", top.seqno)
        }
        None => format!("{} of another history ({})", held.seqno, held.uuid.short()),
    };
    Some(Blocked::on(
        "S8",
        tainted,
        format!(
            "its data cannot be trusted, and its position is {more}: what that is worth is not known, and a bootstrap goes on \
             without it"
        ),
        "copy its data directory first; then going on without it is a waiver",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClusterUuid, Seqno};

    fn at(uuid: u128, seqno: i64) -> Position {
        Position { uuid: ClusterUuid::new(uuid).unwrap(), seqno: Seqno::new(seqno).unwrap() }
    }

    #[test]
    fn what_only_a_tainted_node_says_is_named_by_its_number() {
        let g1 = NodeName::new("g1").unwrap();
        assert_eq!(beyond(&g1, at(1, 10222), at(1, 10222), false), None);
        let why = beyond(&g1, at(1, 10222), at(1, 10222), true).unwrap().why;
        assert!(why.as_str().contains("which of its rows nobody else has is not known"), "{why}");
        let why = beyond(&g1, at(1, 10333), at(1, 10222), false).unwrap().why;
        assert!(why.as_str().contains("its position is 111 write-sets beyond 10222"), "{why}");
        let why = beyond(&g1, at(2, 5), at(1, 10222), false).unwrap().why;
        assert!(why.as_str().contains("is 5 of another history"), "{why}");
    }
}
