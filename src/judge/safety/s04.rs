//! S4 (waivable): No bootstrap unless every data node of the inventory has a known position, or the missing one is
//! waived by name.

use super::Blocked;
use crate::facts::{Known, NodeName};
use crate::judge::{Held, Server};

/// One data node, as far as S4 looks at it.
pub struct Node<'a> {
    /// Its name.
    pub name: &'a NodeName,
    /// What runs there, for the remedy.
    pub server: &'a Known<Server>,
    /// What it holds.
    pub position: &'a Known<Held>,
    /// No recovery would find a position there: its data directory is bare, or its engine was asked and holds none.
    pub blank: bool,
}

/// The data nodes whose position is missing. An empty data directory is no exception: its volume may not be mounted.
pub fn missing<'a>(data_nodes: impl IntoIterator<Item = Node<'a>>) -> Vec<Blocked> {
    data_nodes
        .into_iter()
        .filter_map(|node| {
            let Known::Unknown(why) = node.position else { return None };
            let would_change = match node.server.known() {
                _ if node.blank => {
                    "there is nothing to recover: see that its volume is mounted; a node that is empty can be waived by name"
                }
                Some(Server::Crashed | Server::Stopped) => {
                    "recover its position (mariadbd --wsrep-recover on a copy or an overlay of its data directory)"
                }
                Some(Server::Starting | Server::Stopping) => {
                    "its start has to end, or be ended, before its position can be recovered"
                }
                Some(Server::Frozen) => "thaw the server (SIGCONT), or end it and recover its position",
                Some(Server::Running) => "reach its server by SQL",
                None => "reach the node; a node that stays out of reach can be waived by name",
            };
            Some(Blocked::on("S4", node.name, format!("its position is not known: {}", why.text), would_change))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::WhyKind;

    #[test]
    fn a_missing_position_is_named_with_its_reason_and_remedy() {
        let name = NodeName::new("g3").unwrap();
        let server = Known::Known(Server::Crashed);
        let position = Known::unknown(WhyKind::Undefined, "-1 in the state file");
        let blocked = missing([Node { name: &name, server: &server, position: &position, blank: false }]);
        assert_eq!(blocked.len(), 1);
        assert!(blocked[0].why.as_str().contains("-1 in the state file"));
        assert!(blocked[0].would_change.as_str().contains("--wsrep-recover"));
        let blocked = missing([Node { name: &name, server: &server, position: &position, blank: true }]);
        assert!(blocked[0].would_change.as_str().starts_with("there is nothing to recover"));
    }
}
