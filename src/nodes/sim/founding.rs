//! What founds a cluster on a simulated machine and what keeps one from being founded: the bootstrap's act, the leftovers,
//! and how a start ends (src/ask/act/bootstrap.sh, clear_leftovers.sh, unit.sh, quarantine.sh).

use std::fmt::Write as _;
use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::acts::{Begun, done, refused};
use super::machine::{DATADIR, Machine};
use super::world::{World, get};
use crate::facts::Position;

/// What a bootstrap leaves that dies half-way (tests/fixtures/sim/fault-leftover-flag/set-g3.txt), and what stands in it
/// (src/practice/lab/faults/files.rs).
pub(super) const FLAG: &str = "/run/mariadb-wsrep-new-cluster";
const FLAG_TEXT: &str = "_WSREP_NEW_CLUSTER='--wsrep-new-cluster'\n";
pub(super) const VARIABLE: &str = "_WSREP_NEW_CLUSTER=--wsrep-new-cluster";

impl World {
    pub(super) fn bootstrap(
        &mut self,
        index: usize,
        op: &str,
        session: &str,
        chosen: Position,
        peers: &[String],
    ) -> Begun {
        if let Some(begun) = self.server_is_there(index) {
            return begun;
        }
        let Some(machine) = self.machines.get(index) else { return refused("identity", "gone") };
        let state = machine.dir.grastate.as_ref().map_or("", |(text, _)| text.as_str());
        if field(state, "version").is_empty() {
            return refused("state-file", format!("{DATADIR}/grastate.dat is no state file"));
        }
        let (uuid, seqno) = (field(state, "uuid"), field(state, "seqno"));
        if uuid.to_ascii_lowercase() != chosen.uuid.to_string() {
            let chosen = chosen.uuid;
            return refused(
                "state-file",
                format!("grastate.dat names the history {uuid}, the node was chosen for {chosen}"),
            );
        }
        if seqno != "-1" && seqno != chosen.seqno.to_string() {
            let chosen = chosen.seqno;
            return refused(
                "state-file",
                format!("grastate.dat says seqno {seqno}, the node was chosen for {chosen}"),
            );
        }
        if let Some(begun) = self.ask_peers(index, peers) {
            return begun;
        }
        // The flag is set in a copy that is renamed over, the original kept (S12).
        let (at, text) =
            (self.time(), self.machines.get(index).and_then(|machine| machine.dir.grastate.clone()));
        if let Some((text, written)) = text {
            let path = format!("{DATADIR}/grastate.dat");
            let kept = self.quarantine(
                index,
                session,
                &path,
                &text,
                &format!("mysql:mysql 660 {}", written.as_second()),
            );
            if let Some(machine) = get(&mut self.machines, index) {
                machine.dir.grastate = Some((marked(&text, true), at));
                if let Some(op) = machine.ops.get_mut(op) {
                    op.said = kept;
                }
            }
        }
        self.launch(index, op, true);
        Begun::Runs
    }

    /// The other nodes' group ports, tried from this one (src/ask/act/bootstrap.sh, `ask_peers`).
    fn ask_peers(&self, index: usize, peers: &[String]) -> Option<Begun> {
        let host = |peer: &str| {
            let host = match peer.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => host,
                _ => peer,
            };
            host.to_owned()
        };
        let machine_of = |peer: &String| {
            let host = host(peer);
            self.machines
                .iter()
                .enumerate()
                .find(|(other, machine)| *other != index && machine.address == host)
        };
        let open =
            |peer: &&String| machine_of(peer).is_some_and(|(_, machine)| machine.power && machine.listens());
        let all: Vec<&str> = peers.iter().filter(open).map(String::as_str).collect();
        if !all.is_empty() {
            return Some(refused("peer", format!("the group port takes connections: {}", all.join(" "))));
        }
        // An address is tried also where nobody has it; a name that does not resolve asks nobody.
        let tried = |peer: &String| machine_of(peer).is_some() || host(peer).parse::<IpAddr>().is_ok();
        (!peers.is_empty() && !peers.iter().any(tried)).then(|| {
            let all = peers.join(" ");
            refused("peer", format!("nobody else could be asked ({all}): their names cannot be resolved here, or neither bash nor nc can connect"))
        })
    }

    /// A file goes into the session's quarantine; the manifest's line (src/ask/act/quarantine.sh).
    fn quarantine(&mut self, index: usize, session: &str, path: &str, text: &str, about: &str) -> String {
        let Some(machine) = get(&mut self.machines, index) else { return String::new() };
        let kept = machine.kept.entry(session.to_owned()).or_default();
        *kept += 1;
        let name = path.rsplit('/').next().unwrap_or_default();
        format!(
            "from {path} to /var/lib/breakglass/quarantine/{session}/{kept}-{name} sha256 {} size, owner, mode, mtime {} {about}\n",
            hash(text),
            text.len()
        )
    }

    /// What would make a start found a cluster (src/ask/act/start.sh).
    pub(super) fn would_found(&self, index: usize) -> Option<Begun> {
        let machine = self.machines.get(index)?;
        if machine.leftover().is_some() {
            return Some(refused("leftovers", format!("it would start as a new cluster: {FLAG}")));
        }
        machine.lone_view().map(|_| {
            let words = format!(
                "it would be a Primary Component by itself: {DATADIR}/gvwstate.dat saves a view of this node alone"
            );
            refused("leftovers", words)
        })
    }

    /// The flag and a view of this node alone go into quarantine, the variable out of the manager's environment
    /// (src/ask/act/clear_leftovers.sh).
    pub(super) fn clear_leftovers(&mut self, index: usize, session: &str) -> Begun {
        let alone = self.machines.get(index).and_then(Machine::lone_view);
        let left = get(&mut self.machines, index).and_then(Machine::clear_leftover);
        let mut said = String::new();
        if let Some(since) = left {
            let about = format!("root:root 644 {}", since.as_second());
            said = self.quarantine(index, session, FLAG, FLAG_TEXT, &about);
        }
        if let Some((text, written)) = alone {
            let path = format!("{DATADIR}/gvwstate.dat");
            let about = format!("mysql:mysql 660 {}", written.as_second());
            said += &self.quarantine(index, session, &path, &text, &about);
            if let Some(machine) = get(&mut self.machines, index) {
                machine.dir.gvwstate = None;
            }
        }
        if left.is_some() {
            let _ = writeln!(said, "from the manager's environment: {VARIABLE}");
        }
        Begun::Answered(done(said + "nothing is left that could bootstrap this node"))
    }

    /// The act that started a server hears how it went (src/ask/act/unit.sh, `start_left`).
    pub(super) fn job_ended(&mut self, index: usize, well: bool) {
        let Some(machine) = get(&mut self.machines, index) else { return };
        let Some(name) = machine.job.take() else { return };
        let unit = &machine.unit;
        let status = u8::from(!well);
        let mut text = format!(
            "status {status}: ActiveState={} SubState={} Result={} \n",
            unit.active, unit.sub, unit.result
        );
        if !well {
            for line in machine.journal.last(20) {
                text.push_str(line.text());
                text.push('\n');
            }
        }
        if machine.ops.get(&name).is_some_and(|op| op.deed == "bootstrap") {
            self.after_bootstrap(index, well, &mut text);
        }
        let op = get(&mut self.machines, index).and_then(|machine| machine.ops.get_mut(&name));
        if let Some(op) = op {
            op.answer = Some(format!("done {status}\n{}{text}", op.said));
        }
    }

    /// What is put back after a bootstrap (src/ask/act/bootstrap.sh, `work`). `galera_new_cluster` itself takes the flag
    /// away.
    fn after_bootstrap(&mut self, index: usize, well: bool, said: &mut String) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        if machine.clear_leftover().is_some() {
            let name = VARIABLE.split('=').next().unwrap_or_default();
            let _ = writeln!(said, "left behind in the manager's environment: {name}");
        }
        if well {
            return;
        }
        if matches!(machine.unit.active, "inactive" | "failed") {
            if let Some((text, _)) = machine.dir.grastate.take() {
                machine.dir.grastate = Some((marked(&text, false), at));
            }
            said.push_str("safe_to_bootstrap is 0 again\n");
        } else {
            let _ = writeln!(said, "the unit is {}: grastate.dat was left alone", machine.unit.active);
        }
    }
}

/// A line of grastate.dat as the script reads it: the last that holds one word.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':').map(str::trim);
    let one = |value: &&str| !value.contains(char::is_whitespace);
    text.lines().filter_map(value).rfind(one).unwrap_or_default()
}

/// A state file with the mark set or taken away (src/ask/act/bootstrap.sh, `mark_safe`).
fn marked(text: &str, safe: bool) -> String {
    let line = format!("safe_to_bootstrap: {}", u8::from(safe));
    let is_mark = |line: &str| line.starts_with("safe_to_bootstrap:");
    if !text.lines().any(is_mark) {
        return format!("{text}\n{line}\n");
    }
    let of = |old: &str| match old.strip_suffix('\n') {
        Some(old) if is_mark(old) => format!("{line}\n"),
        None if is_mark(old) => line.clone(),
        _ => old.to_owned(),
    };
    text.split_inclusive('\n').map(of).collect()
}

fn hash(text: &str) -> String {
    let mut out = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}
