//! The host and the server that an act is about, as the survey showed them (S18).

use crate::ask::act::{Identity, Target};
use std::collections::BTreeSet;

use crate::facts::{Known, NodeSurvey, Plain, Survey, WhyKind, keys};

/// The host and the server of an act; Unknown where either is, or the node was not surveyed.
pub(super) fn about(node: Option<&NodeSurvey>) -> Known<(Identity, Target)> {
    let Some(node) = node else { return Known::unknown(WhyKind::NotAsked, "it was not surveyed") };
    identity(node).and_then(|identity| target(node).map(|target| (identity, target)))
}

/// The host that was shown; Unknown where it did not show enough of itself.
fn identity(node: &NodeSurvey) -> Known<Identity> {
    let facts = &node.facts;
    facts.get(keys::HOST_MACHINE_ID).and_then(|machine_id| {
        facts.get(keys::DATADIR_PATH).and_then(|datadir| {
            facts.get(keys::DATADIR_IDENTITY).map(|datadir_identity| Identity {
                host_key: facts.get(keys::HOST_KEY).known().cloned(),
                machine_id,
                datadir,
                datadir_identity,
            })
        })
    })
}

/// What runs, or ran, there.
fn target(node: &NodeSurvey) -> Known<Target> {
    let facts = &node.facts;
    let unit = match facts.get(keys::HOST_MANAGER) {
        Known::Known(manager) if manager.as_str() == "none" => Known::Known(None),
        Known::Known(_) => facts.get(keys::UNIT_NAME).map(Some),
        Known::Unknown(why) => Known::Unknown(why),
    };
    unit.and_then(|unit| {
        facts
            .get(keys::SERVER_USER)
            .and_then(|user| facts.get(keys::SERVER_BINARY).map(|binary| Target { unit, user, binary }))
    })
}

/// Where the other members listen, `host` or `host:port`: another vantage point, looked at once more before a bootstrap
/// (S6). What the node's cluster address names, and what the others say of themselves.
pub(super) fn peers(node: &NodeSurvey, survey: &Survey) -> Vec<String> {
    let address = node.facts.get(keys::VAR_CLUSTER_ADDRESS);
    let address = address.known().map(Plain::as_str).unwrap_or_default();
    let members = address.strip_prefix("gcomm://").unwrap_or_default().split('?').next().unwrap_or_default();
    let others = survey.data_nodes().filter(|other| other.name != node.name);
    let others = others.filter_map(|other| other.facts.get(keys::VAR_NODE_ADDRESS).known().cloned());
    let others: Vec<Plain> = others.collect();
    let all = members.split(',').chain(others.iter().map(Plain::as_str)).map(str::trim);
    let all: BTreeSet<&str> = all.filter(|host| is_host(host)).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// A name or an address, with or without a port: nothing that a shell or an option parser could read as something else.
fn is_host(host: &str) -> bool {
    host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == ':' || c == '[')
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-_[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClusterName, Facts, Family, Mode, NodeName, Reach, Role};

    #[test]
    fn the_hosts_of_a_cluster_address() {
        let mut facts = Facts::new();
        let address = "gcomm://10.0.0.1,db2:4567, [fe80::1]:4567,$(id),-x?pc.wait_prim=no";
        facts.set(
            keys::VAR_CLUSTER_ADDRESS,
            Known::Known(Plain::new(address)),
            &Plain::new("t"),
            jiff::Timestamp::UNIX_EPOCH,
        );
        let node = NodeSurvey {
            name: NodeName::new("g1").unwrap(),
            role: Role::Data,
            ssh: Reach::ok(),
            sql: Reach::ok(),
            facts,
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut other = node.clone();
        other.name = NodeName::new("g2").unwrap();
        let at = jiff::Timestamp::UNIX_EPOCH;
        let text = |text| Known::Known(Plain::new(text));
        other.facts.set(keys::VAR_NODE_ADDRESS, text("10.0.0.9"), &Plain::new("t"), at);
        let survey = Survey {
            cluster: ClusterName::new("shop").unwrap(),
            family: Family::Galera,
            mode: Mode::Live,
            taken: at,
            nodes: vec![node.clone(), other],
        };
        assert_eq!(peers(&node, &survey), ["10.0.0.1", "10.0.0.9", "[fe80::1]:4567", "db2:4567"]);
        assert!(identity(&node).known().is_none() && target(&node).known().is_none());
    }
}
