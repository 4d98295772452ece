//! State transfers and room: cases 22 to 27, 32.

use breakglass::facts::keys;

use super::surveys::{Node, plain};
use super::{Case, Shows, beside, logged};

/// A joiner in the middle of a full transfer.
fn joining() -> Node {
    Node::new("g3")
        .process("activating", "start")
        .set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")])
        .set(keys::TRANSFER_PROCESSES, vec![plain("812 wsrep_sst_rsync")])
        .set(keys::UNIT_START_TIMEOUT, plain("1min 30s"))
}

pub(super) const CASES: &[Case] = &[
    Case {
        number: 22,
        shows: Shows::Survey {
            nodes: || beside(joining()),
            verdict: "degraded",
            standings: "SYNCED SYNCED JOINING",
            named: &["galera.start-timeout"],
            also: &["galera.transfer-under-way"],
            refused: &[],
        },
    },
    Case {
        number: 23,
        shows: Shows::Survey {
            nodes: || beside(joining().set(keys::LOG_TRANSFERS, 4).set(keys::LOG_STARTS, 4)),
            verdict: "degraded",
            standings: "SYNCED SYNCED JOINING",
            named: &["galera.transfer-loop"],
            also: &[],
            refused: &[],
        },
    },
    Case {
        number: 24,
        shows: Shows::Survey {
            nodes: || {
                beside(
                    Node::new("g3")
                        .stopped(90)
                        .set(keys::LISTEN_SST, true)
                        .set(keys::LISTEN_IST, false)
                        .set(keys::LISTEN_OWNERS, vec![plain("4444 991 socat")]),
                )
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.orphan-transfer"],
            also: &["galera.node-down"],
            refused: &["join g3: S17 g3"],
        },
    },
    Case {
        number: 25,
        shows: Shows::Survey {
            nodes: || {
                beside(logged(
                    Node::new("g3")
                        .no_process("failed", "failed", "killed", 6)
                        .set(keys::GRASTATE_FILE, plain("missing"))
                        .set(keys::DATADIR_SYSTEM_SCHEMA, false),
                    &["never-receives-state"],
                ))
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED EMPTY",
            named: &["galera.transfer-failed", "galera.join-forecast"],
            also: &["galera.empty"],
            refused: &["bootstrap g3: S7 g3"],
        },
    },
    Case {
        number: 26,
        shows: Shows::Survey {
            nodes: || {
                let mut nodes = beside(Node::new("g3").synced(4, &["g1", "g2"], 100));
                nodes.pop();
                let full = Node::new("g3")
                    .no_process("failed", "failed", "killed", 6)
                    .state_file(super::surveys::UUID, 90)
                    .set(keys::DISK_FREE, 512 << 10)
                    .set(keys::DISK_SIZE, 10 << 30);
                nodes.push(logged(full, &["page-no-space"]));
                nodes
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED UNKNOWN",
            named: &["galera.disk-full"],
            also: &["galera.node-down"],
            refused: &[],
        },
    },
    Case {
        number: 27,
        shows: Shows::Survey {
            nodes: || {
                beside(
                    Node::new("g3")
                        .stopped(90)
                        .roomy()
                        .set(keys::DISK_FREE, 200 << 20)
                        .set(keys::DATADIR_USED, 300 << 20),
                )
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.no-room-for-transfer"],
            also: &["galera.node-down"],
            refused: &["join g3: S17 g3"],
        },
    },
    Case {
        number: 32,
        shows: Shows::Survey {
            nodes: || {
                beside(
                    Node::new("g3")
                        .stopped(90)
                        .set(keys::TRANSFER_PROCESSES, vec![plain("77 mariadbd wsrep-recover")]),
                )
            },
            verdict: "degraded",
            standings: "SYNCED SYNCED BEHIND 10",
            named: &["galera.recover-running"],
            also: &[],
            refused: &["recover g3: S14 g3"],
        },
    },
];
