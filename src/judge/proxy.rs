//! What the load balancers say of the data nodes: a vantage point of its own (S6, case 43).

use super::{NodeReading, Reading};
use crate::facts::{NodeName, Plain, Role, keys};

/// A row of a load balancer: the name it gives the server, its address, and whether it sends clients there.
pub(super) struct Backend {
    name: String,
    address: String,
    /// `UP`, `ONLINE`, `DOWN`, …
    pub(super) state: String,
}

impl Backend {
    /// `galera/g2 10.99.0.12:3306 DOWN L7STS/503`.
    fn read(row: &str) -> Option<Self> {
        let mut words = row.split_ascii_whitespace();
        let (name, address, state) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            name: name.rsplit('/').next()?.to_owned(),
            address: address.to_owned(),
            state: state.to_ascii_uppercase(),
        })
    }

    /// Whether clients are sent there.
    pub(super) fn serves(&self) -> bool {
        self.state.starts_with("UP") || self.state == "ONLINE"
    }

    /// Whether it is this node, by its name or by the address its server says.
    pub(super) fn is(&self, node: &NodeReading<'_>) -> bool {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        self.name == node.name().as_str()
            || node.survey.facts.get(keys::VAR_NODE_ADDRESS).is(|address| address.as_str() == host)
    }
}

/// Whether a row of a load balancer ([`keys::PROXY_BACKENDS`]) says that it sends clients to that server.
pub fn sends_to(row: &Plain) -> bool {
    Backend::read(row.as_str()).is_some_and(|backend| backend.serves())
}

/// The rows of one load balancer; `None` where it was not read.
pub(super) fn backends(proxy: &NodeReading<'_>) -> Option<Vec<Backend>> {
    let rows = proxy.survey.facts.get(keys::PROXY_BACKENDS);
    Some(rows.known()?.iter().filter_map(|row| Backend::read(row.as_str())).collect())
}

/// The data nodes that were not read and that a load balancer sends clients to, or may: which, by whom, and in its words. A
/// row that is none of the nodes that were read may be any of those that were not.
pub(super) fn unread_and_served<'r>(reading: &'r Reading<'_>) -> Vec<(&'r NodeName, String)> {
    let unread: Vec<&NodeReading<'_>> = reading.data().filter(|node| !node.survey.ssh.is_ok()).collect();
    let mut found = Vec::new();
    for proxy in reading.nodes.iter().filter(|node| node.survey.role == Role::Proxy) {
        for row in backends(proxy).unwrap_or_default().iter().filter(|row| row.serves()) {
            if reading.data().any(|node| node.survey.ssh.is_ok() && row.is(node)) {
                continue;
            }
            let named: Vec<_> = unread.iter().filter(|node| row.is(node)).collect();
            let may = if named.is_empty() { unread.iter().collect() } else { named };
            for node in may {
                let said = format!("{} sends clients to {} ({})", proxy.name(), row.address, row.state);
                found.push((node.name(), said));
            }
        }
    }
    found
}
