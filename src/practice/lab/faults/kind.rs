//! Which faults there are, and what each asks of the nodes it is set on.

use serde::{Deserialize, Serialize};

/// What can be done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// SIGKILL to the server; its service manager is left alone and restarts it.
    Crash,
    /// SIGKILL to the server, which does not come back by itself.
    Kill,
    /// The server is stopped as an operator stops it.
    Stop,
    /// The server is stopped by SIGSTOP: its ports accept, it never answers.
    Freeze,
    /// The whole machine stands still: its ports accept, nothing answers.
    FreezeMachine,
    /// No SSH: port 22 is dropped, also in open sessions.
    Unreachable,
    /// The named nodes, still joined among themselves, are cut from all others.
    Partition,
    /// The data volume is filled to less than 1 MiB.
    FillDisk,
    /// A full transfer to the node is cut short: server and transfer are SIGKILLed at once, half-way.
    KillJoiner,
    /// A full transfer to the node is cut short: the donor's server and transfer are SIGKILLed, half-way.
    KillDonor,
    /// A transfer's process holds port 4444 though no server runs.
    OrphanTransfer,
    /// The named nodes are cut from all others, and both sides are made a Primary Component.
    BootstrapBoth,
    /// Replication is configured with a certificate that has expired; the servers are left as they are.
    ExpireCertificate,
    /// The state file belongs to root, and no other can read it.
    WrongOwner,
    /// What a bootstrap leaves that dies half-way: the next start would found a cluster.
    LeftoverFlag,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Crash,
        Self::Kill,
        Self::Stop,
        Self::Freeze,
        Self::FreezeMachine,
        Self::Unreachable,
        Self::Partition,
        Self::FillDisk,
        Self::KillJoiner,
        Self::KillDonor,
        Self::OrphanTransfer,
        Self::BootstrapBoth,
        Self::ExpireCertificate,
        Self::WrongOwner,
        Self::LeftoverFlag,
    ];

    /// Its name, as it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Freeze => "freeze",
            Self::FreezeMachine => "freeze-machine",
            Self::Unreachable => "unreachable",
            Self::Partition => "partition",
            Self::FillDisk => "fill-disk",
            Self::KillJoiner => "kill-joiner",
            Self::KillDonor => "kill-donor",
            Self::OrphanTransfer => "orphan-transfer",
            Self::BootstrapBoth => "bootstrap-both",
            Self::ExpireCertificate => "expire-certificate",
            Self::WrongOwner => "wrong-owner",
            Self::LeftoverFlag => "leftover-flag",
        }
    }

    /// What it does to a running server, for those that need one.
    pub(super) fn needs_server(self) -> Option<&'static str> {
        match self {
            Self::Crash | Self::Kill => Some("kill"),
            Self::Freeze => Some("freeze"),
            Self::BootstrapBoth => Some("bootstrap"),
            _ => None,
        }
    }

    /// Whether it can only be set, or only means something, where no server runs.
    pub(super) fn needs_no_server(self) -> bool {
        matches!(self, Self::OrphanTransfer | Self::WrongOwner)
    }

    /// Whether it is about data, or about the configuration of what holds data.
    pub(super) fn needs_data(self) -> bool {
        !matches!(
            self,
            Self::Crash
                | Self::Kill
                | Self::Stop
                | Self::Freeze
                | Self::FreezeMachine
                | Self::Unreachable
                | Self::Partition
        )
    }

    /// Whether setting it needs something that runs inside the machine, so that a machine that stands still cannot
    /// have it.
    pub(super) fn needs_machine(self) -> bool {
        !matches!(
            self,
            Self::Crash | Self::Freeze | Self::FreezeMachine | Self::Unreachable | Self::Partition
        )
    }

    /// Whether each of them has means of its own on a node, so that taking one away leaves the others'.
    pub(super) fn has_own_means(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Partition | Self::BootstrapBoth | Self::KillJoiner | Self::KillDonor
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_as_it_is_typed() {
        for kind in FaultKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
    }

    #[test]
    fn none_wants_a_server_and_no_server() {
        for kind in FaultKind::ALL {
            assert!(!kind.needs_no_server() || kind.needs_server().is_none(), "{kind:?}");
        }
    }
}
