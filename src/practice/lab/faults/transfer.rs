//! Transfers cut short half-way, and a transfer's process that outlived its server.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{FaultKind, script, server};
use crate::practice::lab::cgroup::{Hierarchies, Process};
use crate::practice::lab::error::LabError;
use crate::practice::lab::role::{self, Role};
use crate::practice::lab::state::{Lab, Node};
use crate::practice::lab::{Say, machine, rules};

/// How much of a transfer gets through: more than the first small files, far less than the redo log alone.
const HALF: u64 = 20 << 20;

/// Where a node's own account of its place goes while a fault is set, so that it needs a full transfer.
const ASIDE: &str = "/var/lib/breakglass-lab-aside";

const ORPHAN_UNIT: &str = "breakglass-lab-orphan.service";

/// Takes away by what a server could ask for the missing part only. Nothing is deleted.
const NEEDS_ALL: &str = r#"set -eu
mkdir -p "$1"
for file in grastate.dat galera.cache; do
    if [ -e "$2/$file" ]; then mv "$2/$file" "$1/"; fi
done
systemctl reset-failed mariadb.service 2>/dev/null || true
systemctl start --no-block mariadb.service
"#;

/// A daemon like the one that waits for a full transfer, with its own command line. Its settings are gone once it
/// has read them, as everything else that tells of a transfer.
const ORPHAN: &str = r#"set -eu
unit=$1 address=$2 data=$3
if systemctl is-active --quiet "$unit"; then exit 0; fi
user=$(stat -c %U "$data")
printf 'use chroot = no\n[rsync_sst]\npath = %s\n' "$data" > "$data/rsync_sst.conf"
chown "$user:" "$data/rsync_sst.conf"
trap 'rm -f "$data/rsync_sst.conf"' EXIT
systemd-run --quiet --collect --unit="$unit" --uid="$user" \
    rsync --daemon --no-detach --port 4444 --config "$data/rsync_sst.conf" --address "$address"
for turn in $(seq 100); do
    if ss -Hltn 'sport = :4444' | grep -q .; then exit 0; fi
    sleep 0.1
done
echo "nothing listens on 4444 after 10 s" >&2
exit 1
"#;

/// Lets a full transfer to a node begin, holds it half-way, and kills one end of it with its server.
pub(super) fn cut(lab: &Lab, kind: FaultKind, id: &str, joiner: &Node, say: Say<'_>) -> Result<(), LabError> {
    let failed = |found: &str| LabError::NotSet {
        lab: lab.name.to_string(),
        node: joiner.name.clone(),
        kind: kind.as_str(),
        found: found.to_owned(),
    };
    let groups = Hierarchies::of_this_host()?;
    let donors: Vec<Node> = lab.of(Role::Data).into_iter().filter(|node| node != joiner).collect();
    if !donors.iter().any(|node| role::server(&groups, &lab.name, node).is_some()) {
        return Err(failed("no other data node has a server that could be the donor"));
    }
    server::stop(lab, joiner)?;
    server::no_restart(lab, joiner, id)?;
    let pid = machine::init(&lab.name, &joiner.name)?;
    // The kernel counts the bytes: whatever the machines' speed, the transfer stands still at the same place.
    rules::set(pid, &rules::half_transfer(id, HALF))?;
    script(lab, joiner, NEEDS_ALL, &[&format!("{ASIDE}/{id}"), lab.datadir()])?;
    say(&format!("waiting until the full transfer to {} is half-way", joiner.name));
    let deadline = Instant::now() + Duration::from_mins(2);
    while !rules::stalled(pid, id)? {
        if Instant::now() > deadline {
            return Err(failed("no full transfer to it came half-way within 120 s; see its journal"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    let victim = if kind == FaultKind::KillJoiner {
        joiner
    } else {
        donors
            .iter()
            .find(|node| !transfer(&groups, lab, node).is_empty())
            .ok_or_else(|| failed("no data node seems to be the donor"))?
    };
    server::no_restart(lab, victim, id)?;
    let mut processes = transfer(&groups, lab, victim);
    // All at once, as when the power fails: stopped first, so that none can tidy up after another, and children before
    // their parents, so that each is still the process that was found.
    processes.reverse();
    processes.extend(role::server(&groups, &lab.name, victim));
    server::signal(&processes, Signal::STOP)?;
    server::signal(&processes, Signal::KILL)?;
    say(&format!("{} was killed half-way through the transfer", victim.name));
    rules::clear(pid, id)?;
    // The other end finds out by itself; the joiner without a donor gives up, the donor without a joiner goes on.
    let deadline = Instant::now() + Duration::from_mins(1);
    let busy = |node: &Node| !transfer(&groups, lab, node).is_empty();
    while (donors.iter().any(busy) || !ended(lab, joiner)?) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// The processes of the transfer that a node's server runs, as a joiner or as a donor.
fn transfer(groups: &Hierarchies, lab: &Lab, node: &Node) -> Vec<Process> {
    let below = role::server(groups, &lab.name, node)
        .map(|server| groups.below(&lab.name, &node.name, server.pid))
        .unwrap_or_default();
    if below.iter().any(|process| process.name == "rsync") { below } else { Vec::new() }
}

/// Whether a node's unit is down, and not on its way there.
fn ended(lab: &Lab, node: &Node) -> Result<bool, LabError> {
    let call = machine::inside(&lab.name, &node.name)?;
    let state = call.args(["systemctl", "is-active", node.role.unit()]).ask()?.stdout;
    Ok(["failed", "inactive"].contains(&state.trim()))
}

/// Takes away what kept a node's server from coming back, and what was put aside.
pub(super) fn clear(lab: &Lab, id: &str, node: &Node, pid: i32) -> Result<(), LabError> {
    rules::clear(pid, id)?;
    server::restart(lab, node, id)?;
    script(lab, node, r#"set -eu; rm -rf "$1/$2"; rmdir "$1" 2>/dev/null || true"#, &[ASIDE, id])
}

/// Starts a transfer's daemon that no server knows.
pub(super) fn orphan(lab: &Lab, node: &Node) -> Result<(), LabError> {
    script(lab, node, ORPHAN, &[ORPHAN_UNIT, &node.address.to_string(), lab.datadir()])
}

/// Ends that daemon.
pub(super) fn end_orphan(lab: &Lab, node: &Node) -> Result<(), LabError> {
    script(
        lab,
        node,
        r#"systemctl stop "$1" 2>/dev/null; ! systemctl is-active --quiet "$1""#,
        &[ORPHAN_UNIT],
    )
}
