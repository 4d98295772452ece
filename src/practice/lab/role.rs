//! What a machine of a lab is for, and which service it runs for that.

use serde::{Deserialize, Serialize};

use super::cgroup::{Hierarchies, Process};
use super::error::LabError;
use super::name::LabName;
use super::state::Node;

/// What a machine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Holds data: a database server.
    #[default]
    Data,
    /// Votes and holds nothing: garbd.
    Arbitrator,
    /// Sends clients to the data nodes that are Synced: `HAProxy`.
    Proxy,
}

impl Role {
    /// The word in inventories.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Arbitrator => "arbitrator",
            Self::Proxy => "proxy",
        }
    }

    /// The letter its nodes' names begin with.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Data => 'g',
            Self::Arbitrator => 'a',
            Self::Proxy => 'p',
        }
    }

    /// The unit that faults break.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Data => "mariadb.service",
            Self::Arbitrator => "garb.service",
            Self::Proxy => "haproxy.service",
        }
    }

    /// The program of that unit's process.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Data => "mariadbd",
            Self::Arbitrator => "garbd",
            Self::Proxy => "haproxy",
        }
    }

    /// Where the n-th node of this role (from 1) stands in the lab's range; data nodes begin at 11.
    pub(crate) fn place(self, number: u8) -> u8 {
        number.saturating_add(match self {
            Self::Data => 0,
            Self::Arbitrator => 20,
            Self::Proxy => 30,
        })
    }
}

/// The process of a node's service, if it runs.
pub(crate) fn server(groups: &Hierarchies, lab: &LabName, node: &Node) -> Option<Process> {
    groups.server(lab, &node.name, node.role.program())
}

/// The same, for what cannot be done without it; `verb` says what that is.
pub(crate) fn running(lab: &LabName, node: &Node, verb: &'static str) -> Result<Process, LabError> {
    server(&Hierarchies::of_this_host()?, lab, node).ok_or_else(|| LabError::ServerDown {
        lab: lab.to_string(),
        node: node.name.clone(),
        program: node.role.program(),
        unit: node.role.unit(),
        verb,
    })
}
