//! S10: One bootstrap authority: before any node is bootstrapped, leftovers that could bootstrap another (a config
//! fragment, `gcomm://` alone, the new-cluster flag file, a variable in the manager's environment or a saved view of a
//! node alone) are found on all nodes and cleared.
//!
//! A node that was alone in its Primary Component and did not stop cleanly keeps a gvwstate.dat that names only itself. It
//! needs nobody at its next start, and is a Primary Component beside whatever else lives (tests/fixtures/lab/view-alone).

use super::Blocked;
use crate::facts::{Known, NodeSurvey, keys};

/// What could make the node bootstrap by itself, or that it is not known to have nothing of the kind.
pub fn leftovers(node: &NodeSurvey) -> Vec<Blocked> {
    match node.facts.get(keys::LEFTOVERS) {
        Known::Known(found) => found
            .iter()
            .map(|place| {
                Blocked::on(
                    "S10",
                    &node.name,
                    place.as_str(),
                    "move it away and keep it, as the step clear-leftovers does",
                )
            })
            .collect(),
        // A node that was not read at all is S4's and S5's.
        Known::Unknown(_) if !node.ssh.is_ok() => Vec::new(),
        Known::Unknown(why) => {
            let why = format!("whether it would bootstrap by itself is not known: {}", why.text);
            let remedy = "read its option files, unit and manager environment";
            vec![Blocked::on("S10", &node.name, why, remedy)]
        }
    }
}
