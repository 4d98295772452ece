//! `lab status`: what a lab is and how its machines are, read without touching it.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::Serialize;

use super::cgroup::Hierarchies;
use super::error::LabError;
use super::name::LabName;
use super::role::{self, Role};
use super::state::{Fault, Lab, Manager, Release, SshUser};
use super::{host, inventory};

/// A lab, as it is now.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// `breakglass.lab/1`.
    pub schema: &'static str,
    /// The lab's name.
    pub name: LabName,
    /// Which kind of cluster it holds.
    pub family: String,
    /// The machines' Debian release.
    pub release: Release,
    /// Who logs in.
    pub ssh_user: SshUser,
    /// Who starts a server again that ended.
    pub manager: Manager,
    /// Whether the cluster was ever healthy; else `lab up` was stopped half-way.
    pub formed: bool,
    /// Its machines.
    pub nodes: Vec<NodeStatus>,
    /// The faults set and not healed.
    pub faults: Vec<Fault>,
    /// Its inventory.
    pub inventory: PathBuf,
    /// Its bridge on this host.
    pub bridge: String,
}

/// One machine, as it is now.
#[derive(Debug, Clone, Serialize)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// What it is for.
    pub role: Role,
    /// `running`, `frozen` or `stopped`.
    pub machine: &'static str,
    /// Its first process, as this host counts.
    pub pid: Option<i32>,
    /// The process of its service (the database server, garbd, `HAProxy`): `running`, `frozen` or `stopped`.
    pub server: &'static str,
}

/// Looks at a lab.
pub fn status(name: &LabName) -> Result<Status, LabError> {
    host::require_root()?;
    let lab = Lab::load(name)?;
    let groups = Hierarchies::of_this_host()?;
    let nodes = lab
        .node
        .iter()
        .map(|node| {
            let pid = groups.init(name, &node.name);
            let machine = match pid {
                None => "stopped",
                Some(_) if groups.frozen(name, &node.name) => "frozen",
                Some(_) => "running",
            };
            let server = match role::server(&groups, name, node) {
                None => "stopped",
                Some(server) if server.stopped || machine == "frozen" => "frozen",
                Some(_) => "running",
            };
            NodeStatus {
                name: node.name.clone(),
                address: node.address,
                role: node.role,
                machine,
                pid,
                server,
            }
        })
        .collect();
    Ok(Status {
        schema: "breakglass.lab/1",
        inventory: inventory::path(&lab),
        name: lab.name,
        family: lab.family,
        release: lab.release,
        ssh_user: lab.ssh_user,
        manager: lab.manager,
        formed: lab.formed,
        nodes,
        faults: lab.fault,
        bridge: lab.bridge,
    })
}
