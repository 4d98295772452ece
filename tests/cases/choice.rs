//! Who holds the most, and who must never be chosen: cases 1 to 7, 10 to 14, 20, 21, 37, 45 to 49.

use breakglass::facts::{WhyKind, keys};

use super::surveys::{Node, OTHER_UUID, UUID, ago, now, plain};
use super::{ALL, Case, Shows, beside, crashed_at, logged};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";

pub(super) const CASES: &[Case] = &[
    Case {
        number: 1,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1")
                        .no_process("inactive", "dead", "exited", 0)
                        .state_file(ZERO, -1)
                        .set(keys::GRASTATE_SAFE, true),
                    Node::new("g2").crashed(ALL).recovered(9750),
                    Node::new("g3").crashed(ALL).recovered(9749),
                ]
            },
            verdict: "outage",
            standings: "EMPTY UNKNOWN BEHIND 1",
            named: &["galera.empty"],
            also: &[],
            refused: &["bootstrap g1: S7 g1", "bootstrap g2: S4 g1"],
        },
    },
    Case {
        number: 2,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").crashed(ALL).recovered(12454),
                    Node::new("g2").crashed(ALL).recovered(12454).set(keys::GRASTATE_FILE, plain("empty")),
                    Node::new("g3")
                        .crashed(ALL)
                        .recovered(12454)
                        .set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]),
                ]
            },
            verdict: "outage",
            standings: "CANDIDATE TAINTED TAINTED",
            named: &["galera.tainted"],
            also: &[],
            refused: &["bootstrap g2: S7 g2", "bootstrap g3: S7 g3"],
        },
    },
    Case {
        number: 3,
        shows: Shows::Survey {
            nodes: || {
                vec![Node::new("g1").stopped(7), Node::new("g2").unreachable(), Node::new("g3").unreachable()]
            },
            verdict: "undetermined",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.unreachable"],
            also: &[],
            refused: &["bootstrap g1: S4 g2", "bootstrap g1: S4 g3", "bootstrap g1: S5 g2"],
        },
    },
    Case {
        number: 4,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").stopped(2006),
                    Node::new("g2").stopped(2050),
                    Node::new("g3").stopped(2090),
                ]
            },
            verdict: "outage",
            standings: "BEHIND 84 BEHIND 40 CANDIDATE",
            named: &["galera.all-stopped"],
            also: &[],
            refused: &["bootstrap g1: S7 g1", "bootstrap g2: S7 g2"],
        },
    },
    Case {
        number: 5,
        shows: Shows::Survey {
            nodes: || beside(Node::new("g3").stopped(90)),
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.node-down"],
            also: &[],
            refused: &["bootstrap g3: S6 g1", "bootstrap g3: S6 g2", "bootstrap g3: S7 g3"],
        },
    },
    Case {
        number: 6,
        shows: Shows::Survey {
            nodes: || {
                vec![Node::new("g1").stopped(100), Node::new("g2").stopped(99), Node::new("g3").unreachable()]
            },
            verdict: "undetermined",
            standings: "UNKNOWN BEHIND 1 UNKNOWN",
            named: &["galera.unreachable"],
            also: &[],
            refused: &["bootstrap g1: S5 g3", "bootstrap g1: S6 g3", "bootstrap g1: S4 g3"],
        },
    },
    Case {
        number: 7,
        shows: Shows::Survey {
            nodes: || crashed_at([500, 500, 499]),
            verdict: "outage",
            standings: "CANDIDATE CANDIDATE BEHIND 1",
            named: &["galera.tie"],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g3: S7 g3"],
        },
    },
    Case {
        number: 10,
        shows: Shows::Survey {
            nodes: || {
                // g3 was frozen or cut off, and still tells the view from before.
                let mut nodes = beside(Node::new("g3").synced(3, ALL, 90).set(keys::WSREP_PEERS, vec![]));
                nodes.rotate_left(0);
                nodes
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED UNKNOWN",
            named: &["galera.views-contradict"],
            also: &[],
            refused: &["bootstrap g3: S6 g1", "join g3: S6 g3"],
        },
    },
    Case {
        number: 11,
        shows: Shows::Survey {
            nodes: || {
                beside(
                    Node::new("g3")
                        .no_process("failed", "failed", "exited", 1)
                        .state_file(ZERO, -1)
                        .recovered(12454)
                        .set(keys::LOG_EVICTED, true),
                )
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED TAINTED",
            named: &["galera.tainted"],
            also: &["galera.join-forecast"],
            refused: &["join g3: S7 g3", "bootstrap g3: S7 g3"],
        },
    },
    Case {
        number: 12,
        shows: Shows::Survey {
            nodes: || ALL.iter().map(|name| Node::new(name).crashed(ALL)).collect(),
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.all-crashed"],
            also: &[],
            refused: &["bootstrap g1: S4 g1", "bootstrap g1: S4 g2", "bootstrap g1: S4 g3"],
        },
    },
    Case {
        number: 13,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").crashed(ALL).view(5, &["g1", "g2"]),
                    Node::new("g2").crashed(ALL).view(5, &["g1", "g2"]),
                    Node::new("g3").crashed(ALL),
                ]
            },
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.last-views", "galera.all-crashed"],
            also: &[],
            refused: &["bootstrap g3: S4 g1"],
        },
    },
    Case {
        number: 14,
        shows: Shows::Survey {
            nodes: || {
                ALL.iter()
                    .map(|name| {
                        Node::new(name)
                            .no_process("failed", "failed", "exited", 1)
                            .state_file(ZERO, -1)
                            .set(keys::GRASTATE_SAFE, true)
                            .set(keys::DATADIR_USED, 3 << 30)
                    })
                    .collect()
            },
            verdict: "outage",
            standings: "EMPTY EMPTY EMPTY",
            named: &["galera.no-identity"],
            also: &["galera.empty"],
            refused: &["bootstrap g1: S7 g1"],
        },
    },
    Case {
        number: 20,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").synced(7, &["g1"], 12167).set(keys::GVWSTATE_BOOTSTRAP, true),
                    Node::new("g2").synced(7, &["g2", "g3"], 12171),
                    Node::new("g3").synced(7, &["g2", "g3"], 12171),
                ]
            },
            verdict: "degraded",
            standings: "DIVERGED DIVERGED DIVERGED",
            named: &["galera.two-primaries"],
            also: &[],
            refused: &["bootstrap g1: S6 g2"],
        },
    },
    Case {
        number: 21,
        shows: Shows::Survey {
            nodes: || beside(Node::new("g3").stopped(103).set(keys::UNIT_RESTART, plain("on-abnormal"))),
            verdict: "degraded",
            standings: "SYNCED SYNCED AHEAD 3",
            named: &["galera.node-ahead"],
            also: &[],
            refused: &["join g3: S8 g3", "join g3: S26 g3"],
        },
    },
    Case {
        number: 37,
        shows: Shows::Survey {
            nodes: || vec![Node::new("g1").non_primary(&["g1", "g2"], 100), Node::new("g2").unreachable()],
            verdict: "outage",
            standings: "NON-PRIMARY UNKNOWN",
            named: &["galera.two-nodes", "galera.non-primary"],
            also: &["galera.unreachable"],
            refused: &["bootstrap g1: S5 g2", "bootstrap g1: S4 g2"],
        },
    },
    Case {
        number: 45,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes: Vec<Node> =
                    ALL.iter().skip(1).map(|name| Node::new(name).crashed(ALL)).collect();
                let first = Node::new("g1")
                    .crashed(ALL)
                    .set(keys::GRASTATE_SAFE, true)
                    .set(keys::UNIT_EXITED, ago(30))
                    .set(keys::GRASTATE_MTIME, ago(5));
                nodes.insert(0, first);
                nodes
            },
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.state-file-edited"],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g1: S3 g1", "bootstrap g1: S4 g2"],
        },
    },
    Case {
        number: 46,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").crashed(ALL).recovered(100),
                    Node::new("g2").crashed(ALL).recovered(99),
                    Node::new("g3").unreachable(),
                ]
            },
            verdict: "outage",
            standings: "UNKNOWN BEHIND 1 UNKNOWN",
            named: &["galera.unreachable"],
            also: &[],
            refused: &["bootstrap g1: S4 g3", "bootstrap g1: S5 g3"],
        },
    },
    Case {
        number: 48,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").stopped(8),
                    Node::new("g2").stopped(9),
                    Node::new("g3").stopped(7).set(keys::GRASTATE_SAFE, true),
                ]
            },
            verdict: "outage",
            standings: "BEHIND 1 CANDIDATE BEHIND 2",
            named: &["galera.all-stopped"],
            also: &[],
            refused: &["bootstrap g3: S7 g3"],
        },
    },
    Case {
        number: 49,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").stopped(12237).bootstrapped(60, 12200, 90),
                    Node::new("g2").stopped(12224).bootstrapped(58, 12200, 90),
                    Node::new("g3").stopped(12199).took_part(90),
                ]
            },
            verdict: "outage",
            standings: "DIVERGED DIVERGED DIVERGED",
            named: &["galera.diverged"],
            also: &[],
            refused: &["bootstrap g1: S25 g2"],
        },
    },
    Case {
        number: 31,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").crashed(ALL).unknown(
                        keys::RECOVERED,
                        WhyKind::Malformed,
                        "\"0cb3:x\" is no position",
                    ),
                    Node::new("g2").crashed(ALL).recovered(99),
                    Node::new("g3")
                        .crashed(ALL)
                        .set(keys::GRASTATE_FILE, plain("malformed: line 4 is no seqno")),
                ]
            },
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.position-malformed"],
            also: &[],
            refused: &["bootstrap g2: S4 g1"],
        },
    },
    Case {
        number: 47,
        shows: Shows::Survey {
            nodes: || {
                // A plan made from this a quarter of an hour ago: every node is read again before anything is done.
                let mut nodes = crashed_at([100, 99, 98]);
                for node in &mut nodes {
                    node.0.at = now() - jiff::SignedDuration::from_mins(15);
                }
                nodes
            },
            verdict: "outage",
            standings: "CANDIDATE BEHIND 1 BEHIND 2",
            named: &[],
            also: &["galera.all-crashed"],
            refused: &["bootstrap g1: S9 g1", "bootstrap g1: S9 g2"],
        },
    },
    Case {
        number: 33,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    Node::new("g1").stopped(99_999).recovered(12_504),
                    Node::new("g2").stopped(12_503),
                    Node::new("g3").stopped(12_502).set(keys::GCACHE_UUID, super::surveys::uuid(OTHER_UUID)),
                ]
            },
            verdict: "outage",
            standings: "CANDIDATE BEHIND 1 BEHIND 2",
            named: &["galera.positions-disagree"],
            also: &[],
            refused: &["bootstrap g1: S3 g1"],
        },
    },
    Case {
        number: 19,
        shows: Shows::Survey {
            nodes: || {
                vec![
                    logged(Node::new("g1").non_primary(ALL, 100), &["pc-bootstrap-refused"]),
                    Node::new("g2").unreachable(),
                    Node::new("g3").unreachable(),
                ]
            },
            verdict: "undetermined",
            standings: "NON-PRIMARY UNKNOWN UNKNOWN",
            named: &["galera.pc-bootstrap-refused"],
            also: &["galera.non-primary"],
            refused: &["bootstrap g1: S4 g2"],
        },
    },
    Case {
        number: 8,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes = crashed_at([100, 99, 98]);
                let third = nodes.pop().unwrap();
                nodes.push(third.set(
                    keys::LEFTOVERS,
                    vec![plain("/run/mysqld/wsrep-new-cluster: the new-cluster flag file exists")],
                ));
                nodes
            },
            verdict: "outage",
            standings: "CANDIDATE BEHIND 1 BEHIND 2",
            named: &["galera.bootstrap-leftover"],
            also: &[],
            refused: &["bootstrap g1: S10 g3", "start-all: S10 g3"],
        },
    },
    Case {
        number: 38,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes = beside(Node::new("g3").stopped(90).roomy());
                for node in nodes.iter_mut().take(2) {
                    *node = std::mem::replace(node, Node::new("x"))
                        .set(keys::WSREP_CACHED_DOWNTO, super::surveys::seqno(95));
                }
                nodes
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.donor-window", "galera.join-forecast"],
            also: &["galera.node-down"],
            refused: &["join g3: S17 g3"],
        },
    },
    Case {
        number: 17,
        shows: Shows::Survey {
            nodes: || beside(Node::new("g3").crashed(&["g3", "g4", "g5"]).recovered(90)),
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.gvwstate-stale"],
            also: &["galera.node-down"],
            refused: &["bootstrap g3: S6 g1"],
        },
    },
    Case {
        number: 18,
        shows: Shows::Survey {
            nodes: || {
                let address = |name: &str, at: &str| {
                    Node::new(name)
                        .process("activating", "start")
                        .view(3, ALL)
                        .set(keys::LOG_WAITING, true)
                        .set(keys::VAR_NODE_ADDRESS, plain(at))
                        .set(keys::VAR_CLUSTER_ADDRESS, plain("gcomm://10.9.9.1,10.9.9.2,10.9.9.3"))
                        .state_file(UUID, -1)
                };
                vec![address("g1", "10.0.0.11"), address("g2", "10.0.0.12"), address("g3", "10.0.0.13")]
            },
            verdict: "outage",
            standings: "UNKNOWN UNKNOWN UNKNOWN",
            named: &["galera.peers-changed", "galera.waiting-for-primary"],
            also: &[],
            refused: &["bootstrap g1: S6 g2"],
        },
    },
];
