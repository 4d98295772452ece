//! S13 (waivable): Abandoning a node's state needs a SYNCED member of a Primary Component of the same epoch whose position
//! is at least the node's; a loss above 0 or unknown is waived with the exact number of write-sets or the word unknown.
//! Never the last good copy; never two nodes at once.
//!
//! A start beside a Primary abandons what the node holds beyond it. A BEHIND node holds nothing beyond (S25 says where that
//! does not follow). An EMPTY one holds nothing only where its engine was asked: an abort for being ahead zeroes the state
//! file and leaves the rows. An engine of no history beside no state file holds no write-set; rows it can hold.

use super::Blocked;
use crate::facts::{NodeSurvey, WhyKind, keys};

/// Whether the engine was asked and said that it holds no position.
pub fn holds_none(node: &NodeSurvey) -> bool {
    node.facts.get(keys::RECOVERED).why().is_some_and(|why| why.kind == WhyKind::Undefined)
}

/// Why it is not known that an EMPTY node holds nothing; `None` where it is. `bare` is a data directory without even a
/// system schema.
pub fn may_hold_rows(empty: &NodeSurvey, bare: bool) -> Option<Blocked> {
    if bare {
        return None;
    }
    if !holds_none(empty) {
        return Some(Blocked::on(
            "S13",
            &empty.name,
            "its state file names no history, and what its engine holds is not known: it would be overwritten",
            "recover its position first (galera-positions)",
        ));
    }
    // Galera wrote no file here: such an engine is new (tests/fixtures/lab/trixie/g1-bootstrap-journal.txt), or a hand filled it.
    let file = empty.facts.get(keys::GRASTATE_FILE);
    (!file.is(|file| file.as_str() == "valid")).then(|| {
        Blocked::on(
            "S13",
            &empty.name,
            "its engine is of no history, and no state file says that Galera left it so: rows that a hand put there, such as a \
             restored backup's, would be overwritten",
            "look into its data directory, and see that its volume is mounted; if nothing there is wanted, say so by a waiver",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, Known, NodeName, Plain, Reach, Role};

    #[test]
    fn an_empty_node_holds_nothing_only_where_its_engine_said_so() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let name = NodeName::new("g3").unwrap();
        let facts = Facts::new();
        let mut node = NodeSurvey { name, role: Role::Data, ssh: Reach::ok(), sql: Reach::ok(), facts, at };
        assert!(may_hold_rows(&node, false).is_some());
        assert_eq!(may_hold_rows(&node, true), None);
        let asked = Known::unknown(WhyKind::Undefined, "the engine holds no position");
        node.facts.set(keys::RECOVERED, asked, &Plain::new("test"), at);
        let file = |word: &str| Known::Known(Plain::new(word));
        node.facts.set(keys::GRASTATE_FILE, file("missing"), &Plain::new("test"), at);
        let why = may_hold_rows(&node, false).unwrap().why;
        assert!(why.as_str().contains("restored backup"), "{why}");
        node.facts.set(keys::GRASTATE_FILE, file("valid"), &Plain::new("test"), at);
        assert_eq!(may_hold_rows(&node, false), None);
    }
}
