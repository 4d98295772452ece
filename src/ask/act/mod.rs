//! What changes a node, and the reads beyond the probe: typed, with their fixed scripts and the grammar of their answers.
//!
//! An act is named by its op id, which is also its idempotency key on the node: a directory of that name is made before
//! anything is done, so that it happens once, survives a lost connection, and can be told afterwards as done, not done
//! or unknown (S16). The script checks by itself that the host is the one that was shown (S18), that this session
//! holds the node's lease, and whatever else must hold at that moment.

mod answer;
mod deed;
mod order;

pub use answer::{Answer, NotAnAnswer, answer, lines, recovered, stamp};
pub use order::Order;

use crate::facts::{NodeName, OpId, Plain, Position, SessionId};

/// What a step does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// It changes nothing that anybody could miss.
    Read,
    /// It can be undone, and the undo is known.
    Reversible,
    /// It cannot be undone, or data may be overwritten by it.
    Destructive,
}

/// The host that was shown (S18). The host key is the transport's to hold; the rest is checked in the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Fingerprint of the SSH host key; `None` where the transport has none.
    pub host_key: Option<Plain>,
    /// `/etc/machine-id`.
    pub machine_id: Plain,
    /// The data directory.
    pub datadir: Plain,
    /// Its `device:inode`, as the fact `datadir.identity` has it.
    pub datadir_identity: Plain,
}

/// What the survey found out about the server, for the scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The systemd unit; `None` where no service manager runs.
    pub unit: Option<Plain>,
    /// The user the server runs as.
    pub user: Plain,
    /// The server's binary.
    pub binary: Plain,
}

/// What an act does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Takes the node's lease for the session; `over` is the session whose lease it may replace.
    TakeLease {
        /// Who takes it: operator and workstation, for whoever is refused.
        holder: Plain,
        /// A session known to be dead, or broken by the operator's typed word.
        over: Option<SessionId>,
    },
    /// Gives the lease back and removes the ops of the session.
    ReleaseLease {
        /// Dead sessions of the same record: what became of their ops is recorded, so they go too.
        buried: Vec<SessionId>,
    },
    /// Keeps the unit from starting by itself or by others, and lifts its start timeout (S21, case 22).
    Freeze,
    /// Takes the freeze away.
    Unfreeze,
    /// Ends a server that waits for a Primary Component and ignores SIGTERM, by its shown pid (S15).
    EndStuck {
        /// The process.
        pid: u64,
        /// Its start, in ticks after the machine's: with the pid it names one process.
        started: u64,
    },
    /// Moves away what could bootstrap this node by itself (S10); what is moved is kept in quarantine.
    ClearLeftovers,
    /// Recovers the engine's position in the data directory itself: crash recovery rewrites engine files (S14).
    RecoverDirect,
    /// Marks the node safe to bootstrap and starts it as a new Primary Component.
    Bootstrap {
        /// The position it was chosen for.
        position: Position,
        /// The other nodes, each as `host`, `host:port` or `[address]:port` (4567 where no port is named): they are
        /// tried once more before the start, which is refused where one of them takes connections and where none of
        /// them could be tried (S6). Empty says that there is no other node: nobody is asked then.
        peers: Vec<String>,
    },
    /// Starts the server as a member.
    Start {
        /// Together with all other members of the last view, which re-forms: nobody's data is overwritten by a
        /// Primary's that another node began.
        together: bool,
    },
    /// Writes one row into schema breakglass_check, made for this (S22).
    Write {
        /// What the row says.
        token: Plain,
    },
    /// Drops that schema.
    DropCheck,
}

/// A read beyond the probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The engine's position on an overlay: no byte of the data directory changes (facts of S14).
    Recover {
        /// The host.
        identity: Identity,
        /// The server.
        target: Target,
    },
    /// Reads the check row back.
    ReadBack {
        /// The machine's id, which must be there (S18).
        machine: Plain,
        /// What the row must say.
        token: Plain,
    },
    /// How an act stands. With `settle`, one that has not begun never will: its name is taken for good.
    Follow {
        /// The machine it was sent to (S18): another one knows nothing of it, and must not say so.
        machine: Plain,
        /// The act.
        op: OpId,
        /// Whether to take the name of one that has not begun.
        settle: bool,
    },
}

/// One act on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Its name.
    pub op: OpId,
    /// The session it belongs to, which must hold the node's lease.
    pub session: SessionId,
    /// The node.
    pub node: NodeName,
    /// The host that must be there.
    pub identity: Identity,
    /// What runs there.
    pub target: Target,
    /// What is done.
    pub deed: Deed,
}
