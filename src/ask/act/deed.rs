//! What a deed is, in words.

use super::{Class, Deed, Look};
use crate::facts::NodeName;

impl Deed {
    /// What it does to the world.
    pub fn class(&self) -> Class {
        match self {
            // A server that waits for a Primary has not opened its engine yet: started again, it waits again.
            Self::EndStuck { .. }
            | Self::Start { together: true }
            | Self::TakeLease { .. }
            | Self::ReleaseLease { .. }
            | Self::Freeze
            | Self::Unfreeze
            | Self::ClearLeftovers
            | Self::Write { .. }
            | Self::DropCheck => Class::Reversible,
            Self::RecoverDirect | Self::Bootstrap { .. } | Self::Start { together: false } => {
                Class::Destructive
            }
        }
    }

    /// Its name in the record, in runbooks and in the node's journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TakeLease { .. } => "take-lease",
            Self::ReleaseLease { .. } => "release-lease",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::EndStuck { .. } => "end-stuck",
            Self::ClearLeftovers => "clear-leftovers",
            Self::RecoverDirect => "recover-direct",
            Self::Bootstrap { .. } => "bootstrap",
            Self::Start { .. } => "start",
            Self::Write { .. } => "write",
            Self::DropCheck => "drop-check",
        }
    }

    /// The deed that takes it back, where one does.
    pub fn undo(&self) -> Option<&'static str> {
        match self {
            Self::TakeLease { .. } => Some("release-lease"),
            Self::Freeze => Some("unfreeze"),
            Self::Write { .. } => Some("drop-check"),
            Self::ReleaseLease { .. }
            | Self::Unfreeze
            | Self::EndStuck { .. }
            | Self::ClearLeftovers
            | Self::RecoverDirect
            | Self::Bootstrap { .. }
            | Self::Start { .. }
            | Self::DropCheck => None,
        }
    }

    /// What it does on `node`, as one sentence.
    pub fn effect(&self, node: &NodeName) -> String {
        match self {
            Self::TakeLease { over: None, .. } => {
                format!("takes the lease of {node}: no other session can act on it")
            }
            Self::TakeLease { over: Some(session), .. } => {
                format!(
                    "takes the lease of {node} over from session {session}, which can then no longer act on it"
                )
            }
            Self::ReleaseLease { .. } => {
                format!("gives the lease of {node} back and removes this session's traces there")
            }
            Self::Freeze => format!(
                "keeps the server of {node} from being started or restarted by anybody but this session, and lifts its \
                 start timeout"
            ),
            Self::Unfreeze => format!("lets the server of {node} be started and restarted again as before"),
            Self::EndStuck { pid, .. } => format!(
                "kills process {pid} of {node}, a server that waits for a Primary Component and serves nobody; crash \
                 recovery runs at its next start"
            ),
            Self::ClearLeftovers => format!(
                "moves away what could make {node} bootstrap by itself; what is moved is kept in quarantine on {node}"
            ),
            Self::RecoverDirect => format!(
                "runs crash recovery in the data directory of {node} itself: the engine's files are rewritten, which \
                 cannot be undone"
            ),
            Self::Bootstrap { position, .. } => format!(
                "starts {node} as a new cluster at {position}: whatever other nodes hold beyond that position will \
                 no longer join it"
            ),
            Self::Start { .. } => format!(
                "starts the server of {node} as a member: its data may be overwritten by a state transfer from the \
                 cluster"
            ),
            Self::Write { .. } => {
                format!(
                    "creates schema breakglass_check in the cluster through {node} and writes one row into it"
                )
            }
            Self::DropCheck => format!("drops schema breakglass_check in the cluster through {node}"),
        }
    }

    /// What decides in its script, as an operator would type it.
    pub fn commands(&self) -> Vec<&'static str> {
        let commands: &[&str] = match self {
            Self::TakeLease { .. } => &["ln /var/lib/breakglass/lease.OP /var/lib/breakglass/lease"],
            Self::ReleaseLease { .. } => &["rm /var/lib/breakglass/lease"],
            Self::Freeze => &[
                "write /run/systemd/system/UNIT.d/zz-breakglass.conf: AssertPathExists=/run/breakglass/start-allowed, \
                 Restart=no, TimeoutStartSec=infinity",
                "systemctl daemon-reload",
                "systemctl stop UNIT, only where it waits for its automatic restart",
            ],
            Self::Unfreeze => {
                &["rm /run/systemd/system/UNIT.d/zz-breakglass.conf", "systemctl daemon-reload"]
            }
            Self::EndStuck { .. } => &["kill -KILL PID"],
            Self::ClearLeftovers => &[
                "mv FLAG-FILE /var/lib/breakglass/quarantine/SESSION/",
                "mv DATADIR/gvwstate.dat /var/lib/breakglass/quarantine/SESSION/, only where it saves a view of this node \
                 alone and no server runs",
                "systemctl unset-environment, for every variable with --wsrep-new-cluster",
                "comment out wsrep_new_cluster in option files and drop-ins, the original kept in quarantine",
            ],
            Self::RecoverDirect => {
                &["SERVER --user=USER --datadir=DATADIR --wsrep-recover --skip-networking"]
            }
            Self::Bootstrap { .. } => &[
                "set safe_to_bootstrap: 1 in grastate.dat, the original kept in quarantine",
                "galera_new_cluster",
            ],
            Self::Start { .. } => &["systemctl start UNIT"],
            Self::Write { .. } => &[
                "CREATE DATABASE IF NOT EXISTS breakglass_check",
                "CREATE TABLE IF NOT EXISTS breakglass_check.mark (id VARCHAR(40) PRIMARY KEY, written_at TIMESTAMP)",
                "REPLACE INTO breakglass_check.mark (id) VALUES (TOKEN)",
            ],
            Self::DropCheck => &["DROP DATABASE breakglass_check"],
        };
        commands.to_vec()
    }
}

impl Look {
    /// Its name in the record.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Recover { .. } => "recover",
            Self::ReadBack { .. } => "read-back",
            Self::Follow { .. } => "follow",
        }
    }

    /// What decides in its script, as an operator would type it.
    pub fn commands(&self) -> Vec<&'static str> {
        match self {
            Self::Recover { .. } => vec![
                "unshare -m, tmpfs, an overlay over the data directory, everything else read-only",
                "SERVER --user=USER --wsrep-recover --skip-networking",
            ],
            Self::ReadBack { .. } => {
                vec!["SET wsrep_sync_wait=1; SELECT id FROM breakglass_check.mark WHERE id = TOKEN"]
            }
            Self::Follow { .. } => vec!["cat /var/lib/breakglass/ops/OP/result"],
        }
    }
}
