//! S11: Learn before touching: state files and status are captured before any act, even one expected to be refused (a
//! refused bootstrap rewrites the seqno to -1). No running node is stopped to learn what can be learnt while it runs.
//!
//! The capture itself is a step of every runbook; what stands here is that the survey an act is decided on has read the
//! state files, of which "missing" is a reading.

use super::Blocked;
use crate::facts::{Known, NodeSurvey, keys};

/// What was not learnt of a node that answers; `None` where all of it was.
pub fn not_learnt(node: &NodeSurvey) -> Option<Blocked> {
    if !node.ssh.is_ok() {
        return None;
    }
    let facts = &node.facts;
    let (grastate, view) = (facts.get(keys::GRASTATE_FILE), facts.get(keys::GVWSTATE_FILE));
    let members = match &view {
        Known::Known(file) if file.as_str() == "valid" => facts.get(keys::GVWSTATE_MEMBERS).why().cloned(),
        _ => None,
    };
    let unknown = [
        ("grastate.dat", grastate.why().cloned()),
        ("gvwstate.dat", view.why().cloned()),
        ("the view in gvwstate.dat", members),
    ];
    let (what, why) = unknown.into_iter().find_map(|(what, why)| Some((what, why?)))?;
    Some(Blocked::on(
        "S11",
        &node.name,
        format!("{what} was not read: {}", why.text),
        "read its data directory as root, or with `become = true`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, NodeName, Plain, Reach, Role};

    #[test]
    fn a_missing_file_is_learnt_and_an_unread_one_is_not() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let name = NodeName::new("g1").unwrap();
        let mut node = NodeSurvey {
            name,
            role: Role::Data,
            ssh: Reach::ok(),
            sql: Reach::ok(),
            facts: Facts::new(),
            at,
        };
        assert!(not_learnt(&node).unwrap().why.as_str().starts_with("grastate.dat was not read"));
        for key in [keys::GRASTATE_FILE, keys::GVWSTATE_FILE] {
            node.facts.set(key, Known::Known(Plain::new("missing")), &Plain::new("test"), at);
        }
        assert_eq!(not_learnt(&node), None);
        node.facts.set(keys::GVWSTATE_FILE, Known::Known(Plain::new("valid")), &Plain::new("test"), at);
        assert!(not_learnt(&node).unwrap().why.as_str().starts_with("the view"));
    }
}
