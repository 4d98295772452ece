//! Faults of a node's service: its process killed, stopped or standing still.

use std::path::Path;

use rustix::process::Signal;

use super::{FaultKind, all, script};
use crate::practice::lab::cgroup::{Hierarchies, Process};
use crate::practice::lab::error::LabError;
use crate::practice::lab::machine;
use crate::practice::lab::role::{self, Role};
use crate::practice::lab::state::{Lab, Node};

/// Keeps a unit from coming back by itself; a start by hand works.
const NO_RESTART: &str =
    r#"set -eu; mkdir -p "${1%/*}"; printf '[Service]\nRestart=no\n' > "$1"; systemctl daemon-reload"#;
const RESTART: &str = r#"set -eu; rm -f "$1"; rmdir "${1%/*}" 2>/dev/null || true; systemctl daemon-reload"#;

pub(super) fn set(lab: &Lab, kind: FaultKind, nodes: &[Node], servers: &[Process]) -> Result<(), LabError> {
    match kind {
        FaultKind::Freeze => signal(servers, Signal::STOP),
        FaultKind::Kill => {
            all(nodes, |node| no_restart(lab, node, ""))?;
            // Together and at once, as when the power fails: only signals are left to send.
            signal(servers, Signal::KILL)
        }
        FaultKind::Stop => nodes.iter().try_for_each(|node| stop(lab, node)),
        _ => signal(servers, Signal::KILL),
    }
}

pub(super) fn clear(lab: &Lab, kind: FaultKind, node: &Node) -> Result<(), LabError> {
    match kind {
        FaultKind::Kill => restart(lab, node, ""),
        FaultKind::Freeze => match role::server(&Hierarchies::of_this_host()?, &lab.name, node) {
            Some(server) => signal(&[server], Signal::CONT),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Stops a node's service as an operator does.
pub(super) fn stop(lab: &Lab, node: &Node) -> Result<(), LabError> {
    machine::inside(&lab.name, &node.name)?.args(["systemctl", "stop", node.role.unit()]).limit(120).run()?;
    Ok(())
}

/// The drop-in of one fault; of an unnamed one, the one that all `kill`s of a node share.
fn drop_in(role: Role, id: &str) -> String {
    let dash = if id.is_empty() { "" } else { "-" };
    format!("/run/systemd/system/{}.d/breakglass-lab{dash}{id}.conf", role.unit())
}

/// From now on a node's service does not come back by itself.
pub(super) fn no_restart(lab: &Lab, node: &Node, id: &str) -> Result<(), LabError> {
    script(lab, node, NO_RESTART, &[&drop_in(node.role, id)])
}

/// Takes that away again.
pub(super) fn restart(lab: &Lab, node: &Node, id: &str) -> Result<(), LabError> {
    script(lab, node, RESTART, &[&drop_in(node.role, id)])
}

/// Sends a signal to processes, one right after the other, and waits until it has done what it does.
pub(super) fn signal(processes: &[Process], signal: Signal) -> Result<(), LabError> {
    for process in processes {
        process
            .signal(signal)
            .map_err(LabError::io("signal", Path::new(&format!("/proc/{}", process.pid))))?;
    }
    if signal != Signal::CONT {
        for process in processes {
            process.settle(signal);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_that_needs_its_own_drop_in_has_one() {
        assert_eq!(drop_in(Role::Data, ""), "/run/systemd/system/mariadb.service.d/breakglass-lab.conf");
        assert_eq!(drop_in(Role::Data, "f2"), "/run/systemd/system/mariadb.service.d/breakglass-lab-f2.conf");
        assert!(drop_in(Role::Arbitrator, "").contains("/garb.service.d/"));
    }
}
