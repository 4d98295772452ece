//! S15: A process is ended by a pid that was shown and is proved the same at that moment, never by a name pattern.
//!
//! The acting script proves the pid. What stands here is that there is one process to end, and that ending it takes nothing
//! away: a start or a stop that waits for a Primary Component, and answers no SQL.

use super::Blocked;
use crate::facts::{Known, NodeSurvey, ReachWord, keys};
use crate::judge::Server;

/// What speaks against ending the node's waiting server.
pub fn in_the_way(node: &NodeSurvey, server: &Known<Server>) -> Vec<Blocked> {
    let facts = &node.facts;
    let blocked = |why: String, remedy: &str| Blocked::on("S15", &node.name, why, remedy);
    let mut found = Vec::new();
    match facts.get(keys::SERVER_PIDS) {
        Known::Known(pids) if pids.len() == 1 => {}
        Known::Known(pids) => found.push(blocked(
            format!("{} server processes are shown, and one can be ended", pids.len()),
            "look which of them is the unit's",
        )),
        Known::Unknown(why) => found.push(blocked(
            format!("which process is the server is not known: {}", why.text),
            "read its processes",
        )),
    }
    match server {
        Known::Known(Server::Starting | Server::Stopping) => {}
        Known::Known(other) => found.push(blocked(
            format!("its server is {other}, and only one that is stuck in its start or stop is ended"),
            "nothing to do here",
        )),
        Known::Unknown(why) => {
            found.push(blocked(format!("what runs there is not known: {}", why.text), "read the node"));
        }
    }
    match facts.get(keys::LOG_WAITING) {
        Known::Known(true) => {}
        Known::Known(false) => found.push(blocked(
            "by its log it does not wait for a Primary Component: it may be in the middle of a transfer"
                .to_owned(),
            "wait for it; its start or stop is under way",
        )),
        Known::Unknown(why) => found.push(blocked(
            format!("whether it waits for a Primary Component is not known: {}", why.text),
            "read its log",
        )),
    }
    let silent =
        matches!(node.sql.word, ReachWord::Down | ReachWord::Refused | ReachWord::Timeout | ReachWord::Lost)
            || facts.get(keys::LISTEN_SQL).is(|open| !open);
    if !silent || facts.get(keys::WSREP_CLUSTER_STATUS).known().is_some() {
        found.push(blocked(
            "it answers SQL, or whether it does is not known".to_owned(),
            "a server that answers is asked, and not ended",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, NodeName, Plain, Reach, Role};

    #[test]
    fn one_silent_server_that_waits_is_ended_and_no_other() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let name = NodeName::new("g1").unwrap();
        let sql = Reach::failed(ReachWord::Timeout, "no greeting", "");
        let mut node = NodeSurvey { name, role: Role::Data, ssh: Reach::ok(), sql, facts: Facts::new(), at };
        let starting = Known::Known(Server::Starting);
        assert_eq!(in_the_way(&node, &starting).len(), 2, "neither the pid nor the waiting is known");
        let source = Plain::new("test");
        node.facts.set(keys::SERVER_PIDS, Known::Known(vec![Plain::new("7 S mysql 99")]), &source, at);
        node.facts.set(keys::LOG_WAITING, Known::Known(true), &source, at);
        assert!(in_the_way(&node, &starting).is_empty());
        assert_eq!(in_the_way(&node, &Known::Known(Server::Running)).len(), 1);
        let two = vec![Plain::new("7 S mysql 99"), Plain::new("8 S mysql 99")];
        node.facts.set(keys::SERVER_PIDS, Known::Known(two), &source, at);
        node.sql = Reach::ok();
        assert_eq!(in_the_way(&node, &starting).len(), 2);
    }
}
