//! State files, recovery and encryption: cases 15, 16, 28 to 30, 34.

use breakglass::facts::{WhyKind, keys};

use super::surveys::{Node, plain};
use super::{ALL, Case, Shows, beside, crashed_at, logged};

pub(super) const CASES: &[Case] = &[
    Case {
        number: 15,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes = crashed_at([100, 99, 98]);
                nodes.remove(0);
                nodes.insert(0, Node::new("g1").crashed(ALL).set(keys::LOG_PREPARED, true));
                nodes
            },
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN BEHIND 1",
            named: &["galera.prepared-xa"],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g1: S4 g1"],
        },
    },
    Case {
        number: 16,
        shows: Shows::Survey {
            nodes: || beside(Node::new("g3").stopped(90).set(keys::GVWSTATE_FILE, plain("empty"))),
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.gvwstate-empty"],
            also: &["galera.node-down"],
            refused: &[],
        },
    },
    Case {
        number: 28,
        shows: Shows::Survey {
            nodes: || {
                beside(
                    logged(Node::new("g3").stopped(90), &["state-file-unwritable"])
                        .set(keys::SERVER_USER, plain("mysql"))
                        .set(keys::GRASTATE_STAT, plain("113 bytes, root:root, mode 600")),
                )
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.wrong-owner"],
            also: &["galera.node-down"],
            refused: &[],
        },
    },
    Case {
        number: 29,
        shows: Shows::Survey {
            // The recovery ended with 0, and its line went to another log: no position, never 0.
            nodes: || {
                let silent = |name: &str| {
                    Node::new(name).crashed(ALL).unknown(
                        keys::RECOVERED,
                        WhyKind::NotRead,
                        "the output holds no recovered position",
                    )
                };
                vec![silent("g1"), silent("g2"), silent("g3")]
            },
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.recovery-failed"],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g1: S4 g1"],
        },
    },
    Case {
        number: 30,
        shows: Shows::Survey {
            nodes: || {
                ALL.iter().map(|name| logged(Node::new(name).crashed(ALL), &["recovery-skipped"])).collect()
            },
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.recovery-failed"],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g2: S4 g2"],
        },
    },
    Case {
        number: 34,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes = crashed_at([100, 99, 98]);
                let third = nodes.pop().unwrap();
                nodes.push(
                    third
                        .set(keys::ENCRYPTION, vec![plain("file-key-management-filename=/etc/mysql/keys")])
                        .set(keys::ENCRYPTION_KEYS, plain("missing")),
                );
                nodes
            },
            verdict: "outage",
            standings: "CANDIDATE BEHIND 1 BEHIND 2",
            named: &["galera.encryption"],
            also: &["galera.all-crashed"],
            refused: &[],
        },
    },
];
