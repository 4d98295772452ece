//! S18: The host that receives an act is the host that was shown: host key, machine id, and the data directory's device
//! and inode, checked in the same script.
//!
//! What stands here is that there is an identity to check, and that no two nodes share one.

use super::Blocked;
use crate::facts::{Key, Known, NodeSurvey, Plain, keys};

/// What of the node's identity is not known: the acting script could not prove it the same.
pub fn unproved(node: &NodeSurvey) -> Vec<Blocked> {
    let unknown = |key: Key<Plain>, what: &str| {
        let why = node.facts.get(key).why().cloned()?;
        let why = format!("{what} is not known: {}", why.text);
        Some(Blocked::on("S18", &node.name, why, "reach the node and read it as root"))
    };
    [
        unknown(keys::HOST_MACHINE_ID, "its machine id"),
        unknown(keys::DATADIR_PATH, "its data directory"),
        unknown(keys::DATADIR_IDENTITY, "the identity of its data directory"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The other data nodes that answer with this node's machine id: which of them would receive an act cannot be told.
pub fn twins<'a>(node: &NodeSurvey, data_nodes: impl IntoIterator<Item = &'a NodeSurvey>) -> Vec<Blocked> {
    let Known::Known(own) = node.facts.get(keys::HOST_MACHINE_ID) else { return Vec::new() };
    data_nodes
        .into_iter()
        .filter(|other| other.name != node.name && other.facts.get(keys::HOST_MACHINE_ID).is(|id| *id == own))
        .map(|other| {
            Blocked::on(
                "S18",
                &node.name,
                format!("{} answers with the same machine id", other.name),
                "correct the inventory; cloned machines need an id of their own (systemd-machine-id-setup)",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, NodeName, Reach, Role};

    #[test]
    fn an_identity_is_known_and_nobody_elses() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let node = |name: &str| {
            let name = NodeName::new(name).unwrap();
            NodeSurvey { name, role: Role::Data, ssh: Reach::ok(), sql: Reach::ok(), facts: Facts::new(), at }
        };
        let (mut a, mut b) = (node("g1"), node("g2"));
        assert_eq!(unproved(&a).len(), 3);
        for (node, id) in [(&mut a, "1"), (&mut b, "2")] {
            for key in [keys::HOST_MACHINE_ID, keys::DATADIR_PATH, keys::DATADIR_IDENTITY] {
                node.facts.set(key, Known::Known(Plain::new(id)), &Plain::new("test"), at);
            }
        }
        assert!(unproved(&a).is_empty() && twins(&a, [&a, &b]).is_empty());
        b.facts.set(keys::HOST_MACHINE_ID, Known::Known(Plain::new("1")), &Plain::new("test"), at);
        assert_eq!(twins(&a, [&a, &b]).len(), 1);
    }
}
