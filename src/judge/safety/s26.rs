//! S26: An AHEAD node is never started while its unit restarts by itself: it would abort, zero its state file and overwrite
//! itself seconds later.
//!
//! S8 refuses to start one at all. What stands here is that it cannot start by itself while anything else is started: a
//! Primary that appears is what it would abort against.

use super::{Blocked, s21};
use crate::facts::NodeSurvey;
use crate::judge::Standing;

/// An AHEAD or DIVERGED node that answers and is not proved frozen.
pub fn would_overwrite_itself(node: &NodeSurvey, standing: Option<Standing>) -> Option<Blocked> {
    if !node.ssh.is_ok() || !matches!(standing, Some(Standing::Ahead(_) | Standing::Diverged)) {
        return None;
    }
    let open = s21::not_frozen(node)?;
    Some(Blocked::on(
        "S26",
        &node.name,
        format!("started by itself beside a Primary it would be overwritten, and {}", open.why),
        open.would_change.as_str(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, Known, NodeName, Plain, Reach, Role, keys};

    #[test]
    fn an_ahead_node_has_to_be_frozen_before_anything_starts() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let name = NodeName::new("g2").unwrap();
        let facts = Facts::new();
        let mut node = NodeSurvey { name, role: Role::Data, ssh: Reach::ok(), sql: Reach::ok(), facts, at };
        assert_eq!(would_overwrite_itself(&node, Some(Standing::Behind(3))), None);
        assert!(would_overwrite_itself(&node, Some(Standing::Ahead(3))).is_some());
        for (key, value) in [(keys::HOST_MANAGER, "systemd"), (keys::UNIT_FROZEN, "01J")] {
            node.facts.set(key, Known::Known(Plain::new(value)), &Plain::new("test"), at);
        }
        assert_eq!(would_overwrite_itself(&node, Some(Standing::Diverged)), None);
    }
}
