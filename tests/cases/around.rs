//! What stands around the servers: cases 9, 35, 36, 43, 44.

use breakglass::facts::{Role, keys};

use super::surveys::{Node, ago, member, now, plain};
use super::{Case, Shows, beside, crashed_at, in_sync};

pub(super) const CASES: &[Case] = &[
    Case {
        number: 9,
        shows: Shows::Survey {
            nodes: || {
                crashed_at([100, 99, 98])
                    .into_iter()
                    .map(|node| node.set(keys::AUTOMATION, vec![plain("monit: mariadb Monitored")]))
                    .collect()
            },
            verdict: "outage",
            standings: "CANDIDATE BEHIND 1 BEHIND 2",
            named: &["galera.automation"],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g1: S21 g1"],
        },
    },
    Case {
        number: 35,
        shows: Shows::Survey {
            nodes: || {
                beside(
                    Node::new("g3")
                        .stopped(90)
                        .set(keys::HOST_CLOCK, now())
                        .set(keys::CERT_NOT_AFTER, ago(60 * 24)),
                )
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.certificate"],
            also: &["galera.node-down"],
            refused: &[],
        },
    },
    Case {
        number: 36,
        shows: Shows::Survey {
            // Both data nodes are down, and garbd alone is up: a vote, and no data.
            nodes: || {
                vec![
                    Node::new("g1").crashed(&["g1", "g2", "a3"]).recovered(100),
                    Node::new("g2").crashed(&["g1", "g2", "a3"]).recovered(90),
                    Node::new("a3")
                        .role(Role::Arbitrator)
                        .set(keys::ARBITRATOR_PROCESS, plain("441 _garbd"))
                        .set(keys::GVWSTATE_MY_UUID, plain(&member("a3"))),
                ]
            },
            verdict: "outage",
            standings: "CANDIDATE BEHIND 10 ARBITRATOR",
            named: &["galera.arbitrator"],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g2: S7 g2"],
        },
    },
    Case {
        number: 43,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes = in_sync();
                nodes.push(Node::new("p1").role(Role::Proxy).set(keys::PROXY_KIND, plain("haproxy")).set(
                    keys::PROXY_BACKENDS,
                    vec![
                        plain("galera/g1 10.0.0.11:3306 UP L7OK/200"),
                        plain("galera/g2 10.0.0.12:3306 DOWN L7STS/503"),
                        plain("galera/g3 10.0.0.13:3306 UP L7OK/200"),
                    ],
                ));
                nodes
            },
            verdict: "healthy",
            standings: "SYNCED SYNCED SYNCED -",
            named: &["galera.proxy-view"],
            also: &["galera.healthy"],
            refused: &[],
        },
    },
    Case {
        number: 44,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes = in_sync();
                let first = nodes.remove(0).set(keys::SERVER_UNIT, plain("mysql@bootstrap.service"));
                nodes.insert(0, first);
                nodes
            },
            verdict: "healthy",
            standings: "SYNCED SYNCED SYNCED",
            named: &["galera.bootstrap-unit"],
            also: &[],
            refused: &["bootstrap g1: S6 g2"],
        },
    },
];
