//! Breaking a lab on purpose, and taking the means of it away again. Healing never starts a server.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `kind` | which faults there are, and what each asks of its nodes |
//! | `server` | faults of the server's process |
//! | `network` | faults of the network, and two Primary Components |
//! | `transfer` | transfers cut short, and a transfer that nobody runs |
//! | `files` | faults of files, of the disk, of the configuration |

use super::cgroup::Hierarchies;
use super::error::LabError;
use super::name::LabName;
use super::role;
use super::state::{Fault, Lab, Lock, Node};
use super::{Say, each, host, machine};

mod files;
mod kind;
mod network;
mod server;
mod transfer;

pub use kind::FaultKind;

/// Sets a fault on some nodes of a lab and gives its id.
pub fn fault(name: &LabName, kind: FaultKind, nodes: &[String], say: Say<'_>) -> Result<String, LabError> {
    host::require_root()?;
    let _lock = Lock::existing(name, say)?;
    let mut lab = Lab::load(name)?;
    let mut named: Vec<Node> = Vec::new();
    for node in nodes {
        let node = lab.node(node)?;
        if !named.contains(node) {
            named.push(node.clone());
        }
    }
    if matches!(kind, FaultKind::Partition | FaultKind::BootstrapBoth) && named.len() == lab.node.len() {
        return Err(LabError::NothingToCut { lab: name.to_string() });
    }
    for node in &named {
        fits(&lab, kind, node)?;
    }
    // All servers are found before the first is touched: a fault is set on all its nodes or on none.
    let servers = match kind.needs_server() {
        Some(verb) => {
            named.iter().map(|node| role::running(name, node, verb)).collect::<Result<Vec<_>, _>>()?
        }
        None => Vec::new(),
    };
    let id = format!("f{}", lab.next_fault);
    lab.next_fault += 1;
    let on = named.iter().map(|node| node.name.clone()).collect();
    lab.fault.push(Fault { id: id.clone(), kind, nodes: on, since: jiff::Timestamp::now() });
    // Noted first: what is set half-way when this process ends can still be healed.
    lab.save()?;
    let set = match kind {
        FaultKind::Crash | FaultKind::Kill | FaultKind::Stop | FaultKind::Freeze => {
            server::set(&lab, kind, &named, &servers)
        }
        FaultKind::FreezeMachine => {
            let groups = Hierarchies::of_this_host()?;
            named.iter().try_for_each(|node| groups.freeze(name, &node.name, true))
        }
        FaultKind::Unreachable | FaultKind::Partition => network::set(&lab, kind, &id, &named),
        FaultKind::BootstrapBoth => network::bootstrap_both(&lab, &id, &named, say),
        FaultKind::KillJoiner | FaultKind::KillDonor => {
            named.iter().try_for_each(|node| transfer::cut(&lab, kind, &id, node, say))
        }
        FaultKind::OrphanTransfer => all(&named, |node| transfer::orphan(&lab, node)),
        FaultKind::FillDisk
        | FaultKind::ExpireCertificate
        | FaultKind::WrongOwner
        | FaultKind::LeftoverFlag => all(&named, |node| files::set(&lab, kind, node)),
    };
    if let Err(error) = set {
        // What the half-set fault left is taken away; where that fails too it stays listed, to be healed later.
        if touched(&lab, kind, &named).iter().all(|node| clear(&lab, kind, &id, node).is_ok()) {
            lab.fault.retain(|fault| fault.id != id);
            lab.save()?;
        }
        return Err(error);
    }
    Ok(id)
}

/// Whether this node, as it is now, can have this fault.
fn fits(lab: &Lab, kind: FaultKind, node: &Node) -> Result<(), LabError> {
    machine::init(&lab.name, &node.name)?;
    if kind.needs_data() && node.role != role::Role::Data {
        return Err(LabError::NotData {
            lab: lab.name.to_string(),
            node: node.name.clone(),
            kind: kind.as_str(),
            nodes: lab.of(role::Role::Data).into_iter().map(|node| node.name).collect(),
        });
    }
    if kind.needs_machine() {
        unblocked(lab, &node.name)?;
    }
    if kind.needs_no_server() && role::server(&Hierarchies::of_this_host()?, &lab.name, node).is_some() {
        return Err(LabError::ServerUp {
            lab: lab.name.to_string(),
            node: node.name.clone(),
            program: node.role.program(),
            kind: kind.as_str(),
        });
    }
    Ok(())
}

/// A machine that stands still answers no service manager's call; better said at once than after a timeout.
fn unblocked(lab: &Lab, node: &str) -> Result<(), LabError> {
    if !Hierarchies::of_this_host()?.frozen(&lab.name, node) {
        return Ok(());
    }
    let fault = lab.fault_on(node, FaultKind::FreezeMachine, "").map_or("", |fault| &fault.id);
    Err(LabError::Blocked { lab: lab.name.to_string(), node: node.to_owned(), fault: fault.to_owned() })
}

/// Does it on all nodes at once.
fn all(nodes: &[Node], work: impl Fn(&Node) -> Result<(), LabError> + Sync) -> Result<(), LabError> {
    each(nodes, |node| work(node)).into_iter().collect()
}

/// Runs a script with arguments inside a machine, as its root.
fn script(lab: &Lab, node: &Node, text: &str, arguments: &[&str]) -> Result<(), LabError> {
    machine::inside(&lab.name, &node.name)?
        .args(["sh", "-c", text, "sh"])
        .args(arguments)
        .limit(120)
        .run()?;
    Ok(())
}

/// The nodes that may hold means of a fault: the named ones, and where it reaches for a donor, all data nodes.
fn touched(lab: &Lab, kind: FaultKind, named: &[Node]) -> Vec<Node> {
    if kind == FaultKind::KillDonor { lab.of(role::Role::Data) } else { named.to_vec() }
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
        let named = fault.nodes.iter().map(|node| lab.node(node).cloned()).collect::<Result<Vec<_>, _>>()?;
        // One that cannot be healed yet keeps no other from it.
        match touched(&lab, fault.kind, &named)
            .iter()
            .try_for_each(|node| clear(&lab, fault.kind, &fault.id, node))
        {
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
fn clear(lab: &Lab, kind: FaultKind, id: &str, node: &Node) -> Result<(), LabError> {
    let groups = Hierarchies::of_this_host()?;
    // A machine that does not run has lost its rules, its drop-in and its stopped processes with its last end.
    let running = groups.init(&lab.name, &node.name);
    if !kind.has_own_means() && lab.fault_on(&node.name, kind, id).is_some() {
        return Ok(());
    }
    let Some(pid) = running else { return Ok(()) };
    if kind.needs_machine() && kind != FaultKind::Stop {
        unblocked(lab, &node.name)?;
    }
    match kind {
        FaultKind::Crash | FaultKind::Kill | FaultKind::Stop | FaultKind::Freeze => {
            server::clear(lab, kind, node)
        }
        FaultKind::FreezeMachine => groups.freeze(&lab.name, &node.name, false),
        FaultKind::Unreachable | FaultKind::Partition | FaultKind::BootstrapBoth => {
            super::rules::clear(pid, id)
        }
        FaultKind::KillJoiner | FaultKind::KillDonor => transfer::clear(lab, id, node, pid),
        FaultKind::OrphanTransfer => transfer::end_orphan(lab, node),
        FaultKind::FillDisk
        | FaultKind::ExpireCertificate
        | FaultKind::WrongOwner
        | FaultKind::LeftoverFlag => files::clear(lab, kind, node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    #[test]
    fn an_id_that_was_given_once_may_be_healed_again() {
        let lab = sample();
        assert!(given(&lab, "f1"));
        assert!(!given(&lab, "f2") && !given(&lab, "f0") && !given(&lab, "g1") && !given(&lab, "f"));
    }

    #[test]
    fn a_killed_donor_is_looked_for_on_every_data_node() {
        let lab = sample();
        let named = &lab.node[..1];
        assert_eq!(touched(&lab, FaultKind::KillDonor, named).len(), 3);
        assert_eq!(touched(&lab, FaultKind::KillJoiner, named), named);
    }
}
