//! Breaking a lab on purpose, and taking the means of it away again. Healing never starts a server.

use std::net::Ipv4Addr;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::cgroup::{Hierarchies, Process};
use super::error::LabError;
use super::host;
use super::name::LabName;
use super::state::{Fault, Lab, Lock};
use super::{Say, each, machine, rules};

const DROP_IN: &str = "/run/systemd/system/mariadb.service.d/breakglass-lab.conf";

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
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Crash,
        Self::Kill,
        Self::Stop,
        Self::Freeze,
        Self::FreezeMachine,
        Self::Unreachable,
        Self::Partition,
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
        }
    }

    /// What it does to a running server, for those that need one.
    fn needs_server(self) -> Option<&'static str> {
        match self {
            Self::Crash | Self::Kill => Some("kill"),
            Self::Freeze => Some("freeze"),
            Self::Stop | Self::FreezeMachine | Self::Unreachable | Self::Partition => None,
        }
    }

    /// Whether setting it needs the machine's service manager.
    fn needs_manager(self) -> bool {
        matches!(self, Self::Kill | Self::Stop)
    }
}

/// Sets a fault on some nodes of a lab and gives its id.
pub fn fault(name: &LabName, kind: FaultKind, nodes: &[String], say: Say<'_>) -> Result<String, LabError> {
    host::require_root()?;
    let _lock = Lock::existing(name, say)?;
    let mut lab = Lab::load(name)?;
    let mut named: Vec<String> = Vec::new();
    for node in nodes {
        let node = &lab.node(node)?.name;
        if !named.contains(node) {
            named.push(node.clone());
        }
    }
    if kind == FaultKind::Partition && named.len() == lab.node.len() {
        return Err(LabError::NothingToCut { lab: name.to_string() });
    }
    for node in &named {
        machine::init(name, node)?;
        if kind.needs_manager() {
            unblocked(&lab, node)?;
        }
    }
    // All servers are found before the first is touched: a fault is set on all its nodes or on none.
    let servers = match kind.needs_server() {
        Some(verb) => named.iter().map(|node| server(name, node, verb)).collect::<Result<Vec<_>, _>>()?,
        None => Vec::new(),
    };
    let id = format!("f{}", lab.next_fault);
    lab.next_fault += 1;
    lab.fault.push(Fault { id: id.clone(), kind, nodes: named.clone(), since: jiff::Timestamp::now() });
    // Noted first: what is set half-way when this process ends can still be healed.
    lab.save()?;
    if let Err(error) = set(&lab, kind, &id, &named, &servers) {
        // What the half-set fault left is taken away; where that fails too it stays listed, to be healed later.
        if named.iter().all(|node| clear(&lab, kind, &id, node).is_ok()) {
            lab.fault.retain(|fault| fault.id != id);
            lab.save()?;
        }
        return Err(error);
    }
    Ok(id)
}

fn server(lab: &LabName, node: &str, verb: &'static str) -> Result<Process, LabError> {
    Hierarchies::of_this_host()?.server(lab, node, "mariadbd").ok_or_else(|| LabError::ServerDown {
        lab: lab.to_string(),
        node: node.to_owned(),
        program: "mariadbd",
        verb,
    })
}

/// A machine that stands still answers no service manager's call; better said at once than after a timeout.
fn unblocked(lab: &Lab, node: &str) -> Result<(), LabError> {
    if !Hierarchies::of_this_host()?.frozen(&lab.name, node) {
        return Ok(());
    }
    let fault = lab.fault_on(node, FaultKind::FreezeMachine, "").map_or("", |fault| &fault.id);
    Err(LabError::Blocked { lab: lab.name.to_string(), node: node.to_owned(), fault: fault.to_owned() })
}

fn set(lab: &Lab, kind: FaultKind, id: &str, nodes: &[String], servers: &[Process]) -> Result<(), LabError> {
    match kind {
        FaultKind::Crash => signal(servers, Signal::KILL),
        FaultKind::Freeze => signal(servers, Signal::STOP),
        FaultKind::Kill => {
            all(nodes, |node| {
                let script = r#"set -eu; mkdir -p "${1%/*}"; printf '[Service]\nRestart=no\n' > "$1"; systemctl daemon-reload"#;
                machine::inside(&lab.name, node)?.args(["sh", "-c", script, "sh", DROP_IN]).run()?;
                Ok(())
            })?;
            // Together and at once, as when the power fails: only signals are left to send.
            signal(servers, Signal::KILL)
        }
        FaultKind::Stop => nodes.iter().try_for_each(|node| {
            machine::inside(&lab.name, node)?
                .args(["systemctl", "stop", "mariadb.service"])
                .limit(120)
                .run()?;
            Ok(())
        }),
        FaultKind::FreezeMachine => {
            let groups = Hierarchies::of_this_host()?;
            nodes.iter().try_for_each(|node| groups.freeze(&lab.name, node, true))
        }
        FaultKind::Unreachable => {
            all(nodes, |node| rules::set(machine::init(&lab.name, node)?, &rules::unreachable(id)))
        }
        FaultKind::Partition => {
            let text = rules::partition(id, &others(lab, nodes));
            all(nodes, |node| rules::set(machine::init(&lab.name, node)?, &text))
        }
    }
}

/// Does it on all nodes at once.
fn all(nodes: &[String], work: impl Fn(&str) -> Result<(), LabError> + Sync) -> Result<(), LabError> {
    each(nodes, |node| work(node)).into_iter().collect()
}

fn signal(servers: &[Process], signal: Signal) -> Result<(), LabError> {
    for server in servers {
        server
            .signal(signal)
            .map_err(LabError::io("signal", std::path::Path::new(&format!("/proc/{}", server.pid))))?;
    }
    if signal != Signal::CONT {
        for server in servers {
            server.settle(signal);
        }
    }
    Ok(())
}

/// The addresses of all nodes not named.
fn others(lab: &Lab, named: &[String]) -> Vec<Ipv4Addr> {
    lab.node.iter().filter(|node| !named.contains(&node.name)).map(|node| node.address).collect()
}

/// Takes away the means of one fault, or of all, the latest first.
pub fn heal(name: &LabName, id: Option<&str>, say: Say<'_>) -> Result<(), LabError> {
    host::require_root()?;
    let _lock = Lock::existing(name, say)?;
    let mut lab = Lab::load(name)?;
    let healed: Vec<Fault> =
        lab.fault.iter().rev().filter(|fault| id.is_none_or(|id| fault.id == id)).cloned().collect();
    if let Some(id) = id
        && healed.is_empty()
        && !given(&lab, id)
    {
        return Err(LabError::NoFault {
            lab: name.to_string(),
            id: id.to_owned(),
            faults: lab.fault.into_iter().map(|fault| fault.id).collect(),
        });
    }
    let mut first = None;
    for fault in healed {
        // One that cannot be healed yet keeps no other from it.
        match fault.nodes.iter().try_for_each(|node| clear(&lab, fault.kind, &fault.id, node)) {
            Ok(()) => {
                lab.fault.retain(|other| other.id != fault.id);
                lab.save()?;
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    first.map_or(Ok(()), Err)
}

/// Whether this id was given to a fault once: healing what is healed is no mistake.
fn given(lab: &Lab, id: &str) -> bool {
    id.strip_prefix('f')
        .and_then(|number| number.parse::<u32>().ok())
        .is_some_and(|n| (1..lab.next_fault).contains(&n))
}

/// Takes one fault's means from one node. What another fault of the same kind still needs there stays.
fn clear(lab: &Lab, kind: FaultKind, id: &str, node: &str) -> Result<(), LabError> {
    let groups = Hierarchies::of_this_host()?;
    // A machine that does not run has lost its rules, its drop-in and its stopped processes with its last end.
    let Some(pid) = groups.init(&lab.name, node) else { return Ok(()) };
    if lab.fault_on(node, kind, id).is_some()
        && !matches!(kind, FaultKind::Unreachable | FaultKind::Partition)
    {
        return Ok(());
    }
    match kind {
        FaultKind::Crash | FaultKind::Stop => Ok(()),
        FaultKind::Kill => {
            unblocked(lab, node)?;
            let script =
                r#"set -eu; rm -f "$1"; rmdir "${1%/*}" 2>/dev/null || true; systemctl daemon-reload"#;
            machine::inside(&lab.name, node)?.args(["sh", "-c", script, "sh", DROP_IN]).run()?;
            Ok(())
        }
        FaultKind::Freeze => match groups.server(&lab.name, node, "mariadbd") {
            Some(server) => signal(&[server], Signal::CONT),
            None => Ok(()),
        },
        FaultKind::FreezeMachine => groups.freeze(&lab.name, node, false),
        FaultKind::Unreachable | FaultKind::Partition => rules::clear(pid, id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    #[test]
    fn a_partition_cuts_from_all_others_and_joins_the_named() {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let lab = sample();
        assert_eq!(
            others(&lab, &named(&["g1"])),
            [Ipv4Addr::new(10, 99, 7, 12), Ipv4Addr::new(10, 99, 7, 13)]
        );
        assert_eq!(others(&lab, &named(&["g1", "g3"])), [Ipv4Addr::new(10, 99, 7, 12)]);
    }

    #[test]
    fn every_kind_is_written_as_it_is_typed() {
        for kind in FaultKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
    }

    #[test]
    fn an_id_that_was_given_once_may_be_healed_again() {
        let lab = sample();
        assert!(given(&lab, "f1"));
        assert!(!given(&lab, "f2") && !given(&lab, "f0") && !given(&lab, "g1") && !given(&lab, "f"));
    }
}
