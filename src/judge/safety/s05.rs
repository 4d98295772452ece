//! S5 (waivable): "Did not answer" is not "is down". Down needs proof: no server process, not starting, not stopping,
//! port 4567 closed, seen over SSH; or the operator's fencing statement as a waiver.

use super::Blocked;
use crate::facts::{Known, NodeSurvey, keys};
use crate::judge::Server;
use crate::judge::server::ended;

/// What keeps the node from being proved down; `None` where it is.
pub fn not_proved_down(node: &NodeSurvey, server: &Known<Server>) -> Option<Blocked> {
    let blocked = |why: String, would_change: &str| Some(Blocked::on("S5", &node.name, why, would_change));
    if !node.ssh.is_ok() {
        return blocked(
            format!("it did not answer ({}), and that is not being down", node.ssh.word.as_str()),
            "reach it over SSH, or fence it and say so",
        );
    }
    match server {
        // How the last server ended may be unknown; that none is there is what has to be proved.
        Known::Unknown(_) if ended(&node.facts) => {}
        Known::Unknown(why) => {
            return blocked(
                format!("what runs there is not known: {}", why.text),
                "make the survey complete",
            );
        }
        Known::Known(server) if server.is_down() => {}
        Known::Known(server) => {
            return blocked(format!("its server is {server}"), "the server has to be down, and proved so");
        }
    }
    match node.facts.get(keys::UNIT_ACTIVE) {
        Known::Known(active) if matches!(active.as_str(), "inactive" | "failed") => {}
        Known::Known(active) => {
            return blocked(
                format!("its unit is {active}: systemd is about to start it"),
                "freeze its restarts first",
            );
        }
        Known::Unknown(_) if node.facts.get(keys::HOST_MANAGER).is(|manager| manager.as_str() == "none") => {}
        Known::Unknown(why) => {
            return blocked(format!("its unit's state is not known: {}", why.text), "read the unit's state");
        }
    }
    match node.facts.get(keys::LISTEN_GROUP) {
        Known::Known(false) => None,
        Known::Known(true) => blocked(
            "something listens on its group port 4567".to_owned(),
            "find out which process that is (ss -ltnp) and end it by its pid",
        ),
        Known::Unknown(why) => blocked(
            format!("whether its group port 4567 is closed is not known: {}", why.text),
            "read its listeners",
        ),
    }
}
