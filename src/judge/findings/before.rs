//! What comes before a start: a finding that says how a server comes back knows what other findings hold against it.

use super::{Finding, Severity};
use crate::facts::{NodeName, Plain};

/// What has to be answered on a node before anybody starts its server.
const BEFORE_A_START: &[&str] = &[
    "galera.disk-full",
    "galera.read-only-filesystem",
    "galera.io-errors",
    "galera.orphan-transfer",
    "galera.transfer-loop",
    "galera.wrong-owner",
    "galera.certificate",
    "galera.encryption",
    "galera.prepared-xa",
    "galera.no-room-for-transfer",
    "galera.recover-running",
    "galera.bootstrap-leftover",
    "galera.gvwstate-empty",
    "galera.gvwstate-stale",
    "galera.peers-changed",
    "galera.positions-disagree",
];

/// A finding that says how a server comes back says first what else stands against its start: at 3 am nobody reads on.
pub(super) fn told(all: &mut [Finding]) {
    const STARTS: &[&str] = &[
        "galera.node-down",
        "galera.all-stopped",
        "galera.all-crashed",
        "galera.all-down",
        "galera.no-primary",
    ];
    let against: Vec<(&'static str, Vec<NodeName>)> = all
        .iter()
        .filter(|finding| finding.severity > Severity::Info && BEFORE_A_START.contains(&finding.id))
        .map(|finding| (finding.id, finding.nodes.clone()))
        .collect();
    for finding in all.iter_mut().filter(|finding| STARTS.contains(&finding.id)) {
        let first: Vec<String> = finding
            .nodes
            .iter()
            .filter_map(|node| {
                let ids: Vec<&str> =
                    against.iter().filter(|(_, nodes)| nodes.contains(node)).map(|(id, _)| *id).collect();
                (!ids.is_empty()).then(|| format!("{node} ({})", ids.join(", ")))
            })
            .collect();
        if !first.is_empty() {
            let next = &finding.next;
            finding.next = Plain::new(format!(
                "First what stands against a start on {}. Then: {next}",
                first.join(" and ")
            ));
        }
    }
}
