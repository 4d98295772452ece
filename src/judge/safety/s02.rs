//! S2: -1, u64::MAX, a missing line, a parse error, permission denied, a timeout: Unknown. Unknown never takes part in
//! a maximum and never picks a node. A position logged by the unit's start counts only if no server ran after it.
//!
//! The first half is kept by types: [`Known`] has no default, and a `Seqno` cannot hold an undefined number. The
//! second half is [`logged`]; the third is that [`highest`] is the only maximum of positions.

use super::s01;
use crate::facts::{Known, NodeName, NodeSurvey, Position, PositionSource, keys};
use crate::judge::Held;

/// The position that the unit's own start logged. The parser of the log hands it over only where no server took part
/// in a group after the line; a waiting start has not.
pub fn logged(node: &NodeSurvey) -> Known<Held> {
    let facts = &node.facts;
    facts.get(keys::LOG_POSITION).map(|position| Held {
        position,
        source: PositionSource::Journal,
        // Nothing is decided by it: that no server ran after it is told by the order of the lines.
        at: facts.get(keys::LOG_POSITION_AT).known().copied().unwrap_or(node.at),
    })
}

/// The highest of the known positions and who holds it; `None` where none is known or where two of them belong to
/// different histories (S1).
pub fn highest<'a>(
    held: impl IntoIterator<Item = (&'a NodeName, &'a Known<Held>)>,
) -> Option<(Position, Vec<&'a NodeName>)> {
    let mut best: Option<(Position, Vec<&NodeName>)> = None;
    for (name, held) in held {
        let Known::Known(held) = held else { continue };
        best = Some(match best {
            None => (held.position, vec![name]),
            Some((top, mut names)) => match s01::compare(held.position, top)? {
                std::cmp::Ordering::Less => (top, names),
                std::cmp::Ordering::Equal => {
                    names.push(name);
                    (top, names)
                }
                std::cmp::Ordering::Greater => (held.position, vec![name]),
            },
        });
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClusterUuid, Seqno, WhyKind};

    fn held(uuid: u128, seqno: i64) -> Known<Held> {
        Known::Known(Held {
            position: Position { uuid: ClusterUuid::new(uuid).unwrap(), seqno: Seqno::new(seqno).unwrap() },
            source: PositionSource::StateFile,
            at: jiff::Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn an_unknown_is_never_the_highest() {
        let (a, b) = (NodeName::new("a").unwrap(), NodeName::new("b").unwrap());
        let unknown = Known::unknown(WhyKind::Undefined, "18446744073709551615");
        let low = held(1, 3);
        let (top, names) = highest([(&a, &unknown), (&b, &low)]).unwrap();
        assert_eq!((top.seqno.get(), names), (3, vec![&b]));
        assert_eq!(highest([(&a, &unknown)]), None);
    }

    #[test]
    fn a_tie_names_all_and_two_histories_have_no_highest() {
        let (a, b) = (NodeName::new("a").unwrap(), NodeName::new("b").unwrap());
        let (x, y, other) = (held(1, 3), held(1, 3), held(2, 9));
        assert_eq!(highest([(&a, &x), (&b, &y)]).unwrap().1, [&a, &b]);
        assert_eq!(highest([(&a, &x), (&b, &other)]), None);
    }
}
