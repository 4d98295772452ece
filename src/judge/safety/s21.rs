//! S21: Automation is frozen first (monit, the unit's Restart=, cron, an operator), proved frozen, and unfrozen last, on
//! every way out.

use super::Blocked;
use crate::facts::{Known, NodeSurvey, keys};

/// Why the node is not proved frozen; `None` where it is, or where no service manager could start its server.
pub fn not_frozen(node: &NodeSurvey) -> Option<Blocked> {
    let blocked = |why: String, remedy: &str| Some(Blocked::on("S21", &node.name, why, remedy));
    match node.facts.get(keys::HOST_MANAGER) {
        Known::Known(manager) if manager.as_str() == "none" => return None,
        Known::Known(_) => {}
        Known::Unknown(why) => {
            let why = format!("which service manager could start it is not known: {}", why.text);
            return blocked(why, "read the node");
        }
    }
    match node.facts.get(keys::UNIT_FROZEN) {
        Known::Known(by) if !by.as_str().is_empty() => None,
        Known::Known(_) => blocked(
            "its unit can be started by itself or by others".to_owned(),
            "freeze its automation first",
        ),
        Known::Unknown(why) => {
            blocked(format!("whether its unit is frozen is not known: {}", why.text), "read its unit")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, NodeName, Plain, Reach, Role};

    #[test]
    fn frozen_is_what_was_read_so() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let name = NodeName::new("g1").unwrap();
        let facts = Facts::new();
        let mut node = NodeSurvey { name, role: Role::Data, ssh: Reach::ok(), sql: Reach::ok(), facts, at };
        let source = Plain::new("test");
        let blocked = |node: &NodeSurvey| not_frozen(node).is_some();
        assert!(blocked(&node), "nothing is known");
        node.facts.set(keys::HOST_MANAGER, Known::Known(Plain::new("systemd")), &source, at);
        assert!(blocked(&node), "whether it is frozen is not known");
        node.facts.set(keys::UNIT_FROZEN, Known::Known(Plain::default()), &source, at);
        assert!(blocked(&node), "nobody froze it");
        node.facts.set(keys::UNIT_FROZEN, Known::Known(Plain::new("01J")), &source, at);
        assert!(!blocked(&node));
    }
}
