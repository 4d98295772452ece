//! How a server's process lives: started by its unit, recovered, connected, stopped, killed.
//!
//! Times are those of tests/fixtures/sim/*: a recovery 0.3 s, the first round to the peers 1 s, a graceful stop 0.05 s.

use super::machine::{Phase, Server, UNIT, VERSION, ZERO};
use super::world::{Event, MILLI, SECOND, World, get};

/// TimeoutStartSec= of the stock unit.
const START_TIMEOUT: u64 = 900 * SECOND;
/// RestartSec= of the stock unit.
const RESTART: u64 = 5 * SECOND;
/// How long a server without a saved view looks for a Primary Component: pc.announce_timeout and pc.wait_prim_timeout
/// (tests/fixtures/galera/03-kill9/no-gvwstate-after/g1-log.txt).
pub(super) const GIVES_UP: u64 = 31 * SECOND;

impl World {
    /// The unit begins to start its server; `founds` a new cluster.
    pub(super) fn start(&mut self, index: usize, founds: bool) {
        let (at, now) = (self.time(), self.now);
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.run += 1;
        let pid = machine.pid();
        let unit = &mut machine.unit;
        (unit.active, unit.sub, unit.result) = ("activating", "start", "success");
        (unit.main_pid, unit.exec_pid, unit.end) = (pid, pid, (0, 0));
        (unit.started, unit.exited) = (Some(at), None);
        let thawed = unit.frozen.is_none();
        machine.by_systemd(at, &format!("Starting {UNIT} - MariaDB 10.11.19 database server..."));
        machine.server = Some(Server {
            pid,
            ticks: 1_000_000 + now / (10 * MILLI),
            phase: Phase::Recovering,
            member: String::new(),
            founds,
            from: String::new(),
            gives: false,
            takes_all: false,
        });
        let delay = self.about(320);
        self.plan(delay, index, Event::Recovered);
        if thawed {
            self.plan(START_TIMEOUT, index, Event::TimedOut);
        }
    }

    /// The position is recovered: crash recovery has opened the engine's files, and the server itself begins.
    pub(super) fn serve(&mut self, index: usize) {
        let at = self.time();
        let fresh = self.uuid();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let position = machine.position();
        (machine.dir.engine.opened, machine.dir.engine.logged) = (at, at);
        // The same member comes back under a saved view, its sequence one higher (tests/fixtures/sim/reformed-g1.txt).
        let member = machine.saved_view().map_or(fresh, |view| next_member(view.my_uuid.as_str()));
        let Some(server) = machine.server.as_mut() else { return };
        (server.member, server.from) = (member, position.clone());
        server.phase = Phase::Connecting;
        let (pid, founds) = (server.pid, server.founds);
        machine.log(at, &format!("mariadbd[{}]", pid + 1), format!("WSREP: Recovered position {position}"));
        machine.by_server(at, "Note", &format!("Starting MariaDB {VERSION} source revision 5843d8475120241667a7ce0f8a1abb6c9b43a273 server_uid cchiOZy/u8EpvelhqwynGS4z8ts= as process {pid}"));
        machine.note(
            at,
            format!("Loading provider /usr/lib/galera/libgalera_smm.so initial position: {position}"),
        );
        let safe = machine.is_safe();
        let uuid = machine.grastate().and_then(|state| state.uuid.known().map(ToString::to_string));
        if founds && !safe {
            return self.refused(index);
        }
        if founds {
            return self.found(index);
        }
        // A running server's state file names no position (tests/fixtures/galera/01-healthy/g1.txt).
        if let (Some(machine), Some(uuid)) = (get(&mut self.machines, index), uuid) {
            machine.write_grastate(at, &uuid, -1, safe);
        }
        let delay = self.about(1030);
        self.plan(delay, index, Event::Connected);
    }

    /// A bootstrap of a node that was not the last: refused, and its seqno is gone (tests/fixtures/sim/refused-g3.txt).
    fn refused(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.by_server(at, "ERROR", "WSREP: It may not be safe to bootstrap the cluster from this node. It was not the last one to leave the cluster and may not contain all the updates. To force cluster bootstrap with this node, edit the grastate.dat file manually and set safe_to_bootstrap to 1 .");
        machine.by_server(at, "ERROR", "WSREP: wsrep::connect(gcomm://) failed: 7");
        machine.by_server(at, "ERROR", "Aborting");
        if let Some(uuid) = machine.grastate().and_then(|state| state.uuid.known().map(ToString::to_string)) {
            machine.write_grastate(at, &uuid, -1, false);
        }
        self.fail(index, "exit-code", 1, 1);
    }

    /// No saved view and nobody there: an exit code, which systemd does not answer by a restart
    /// (tests/fixtures/galera/03-kill9/no-gvwstate-after/g1.txt).
    pub(super) fn give_up(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is(&Phase::Waiting))
        else {
            return;
        };
        machine.by_server(
            at,
            "ERROR",
            "WSREP: failed to open gcomm backend connection: 110: failed to reach primary view",
        );
        machine.by_server(at, "ERROR", "Aborting");
        self.fail(index, "exit-code", 1, 1);
    }

    /// The server's process ends by itself or by a signal; who waited for its start hears of it.
    pub(super) fn fail(&mut self, index: usize, result: &'static str, code: u8, status: u8) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.ended(at, result, code, status);
        if machine.comes_back() {
            (machine.unit.active, machine.unit.sub) = ("activating", "auto-restart");
            self.plan(RESTART, index, Event::Restart);
        }
        self.job_ended(index, false);
    }

    pub(super) fn restarted(&mut self, index: usize) {
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.server.is_none()) else {
            return;
        };
        if machine.unit.frozen.is_none() && machine.unit.sub == "auto-restart" {
            machine.unit.restarts += 1;
            self.start(index, false);
        }
    }

    /// SIGKILL: the kernel closes its connections at once, and the others stall until they agree
    /// (tests/fixtures/sim/killed-g1.txt).
    pub(super) fn kill(&mut self, index: usize) {
        if self.machines.get(index).is_none_or(|machine| machine.server.is_none()) {
            return;
        }
        self.in_flight(index);
        self.fail(index, "signal", 2, 9);
        self.member_lost(index);
    }

    /// What was on its way when it was killed is not in its engine: a slow one lacks more.
    fn in_flight(&mut self, index: usize) {
        if self.topology.load == 0 || self.group.is_none() {
            return;
        }
        let slow = self.machines.get(index).is_some_and(|machine| machine.slow);
        let lacks = if slow { self.rng.between(5, 12) } else { self.rng.between(0, 2) };
        if let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is(&Phase::Synced)) {
            let engine = &mut machine.dir.engine;
            engine.seqno = engine.seqno.saturating_sub(lacks);
        }
    }

    /// `systemctl stop`; a server that waits for a Primary Component obeys no SIGTERM.
    pub(super) fn stop(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let Some(phase) = machine.phase().cloned() else {
            // A restart that was planned is called off.
            machine.run += 1;
            if machine.unit.active == "activating" {
                (machine.unit.active, machine.unit.sub) = ("inactive", "dead");
            }
            return;
        };
        if !matches!(phase, Phase::Synced | Phase::NonPrimary) {
            (machine.unit.active, machine.unit.sub) = ("deactivating", "stop-sigterm");
            return;
        }
        let member = phase == Phase::Synced;
        let last = self.group.as_ref().is_some_and(|group| group.members == [index]);
        machine.by_server(at, "Note", "/usr/sbin/mariadbd (initiated by: unknown): Normal shutdown");
        let seqno = machine.dir.engine.seqno;
        if last {
            machine.note(at, format!("Shifting SYNCED -> CLOSED (TO: {seqno})"));
        } else if member {
            // Who leaves others behind sees itself alone first (tests/fixtures/sim/stopped-g3.txt).
            machine.note(at, "New COMPONENT: primary = no, bootstrap = no, my_idx = 0, memb_num = 1");
            machine.note(at, format!("Shifting SYNCED -> OPEN (TO: {seqno})"));
            machine.note(at, format!("Shifting OPEN -> CLOSED (TO: {seqno})"));
        }
        machine.by_server(at, "Note", "/usr/sbin/mariadbd: Shutdown complete");
        machine.run += 1;
        machine.server = None;
        let unit = &mut machine.unit;
        (unit.active, unit.sub, unit.result) = ("inactive", "dead", "success");
        // A unit that nothing else keeps loaded forgets its last process (tests/fixtures/sim/stopped-g1.txt).
        (unit.main_pid, unit.exec_pid, unit.end, unit.started, unit.exited) = (0, 0, (0, 0), None, None);
        let uuid = machine.dir.engine.uuid.clone();
        machine.write_grastate(at, &uuid, i64::try_from(seqno).unwrap_or(-1), last && member);
        machine.dir.gvwstate = None;
        (machine.dir.engine.opened, machine.dir.engine.logged) = (at, at);
        if member {
            self.left(index);
        }
    }

    /// TimeoutStartSec= is over: SIGTERM, which a waiting server does not obey, and SendSIGKILL=no
    /// (tests/fixtures/galera/03-kill9/stuck-activating-after-third/g1.txt).
    pub(super) fn timed_out(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        if machine.unit.active != "activating" || machine.server.is_none() || machine.unit.frozen.is_some() {
            return;
        }
        machine.by_systemd(at, &format!("{UNIT}: start operation timed out. Terminating."));
        (machine.unit.active, machine.unit.sub, machine.unit.result) =
            ("deactivating", "stop-sigterm", "timeout");
        self.job_ended(index, false);
    }

    /// The start is over: systemd heard that the server is ready.
    pub(super) fn ready(&mut self, index: usize) {
        let at = self.time();
        if let Some(machine) = get(&mut self.machines, index) {
            machine.by_server(at, "Note", "/usr/sbin/mariadbd: ready for connections.");
            // A start that had timed out is still on its way down by systemd's word.
            if machine.unit.active == "activating" {
                (machine.unit.active, machine.unit.sub) = ("active", "running");
            }
        }
        self.job_ended(index, true);
    }

    /// The act that started it hears how it went; its answer is what its script would keep.
    pub(super) fn job_ended(&mut self, index: usize, well: bool) {
        let Some(machine) = get(&mut self.machines, index) else { return };
        let Some(op) = machine.job.take() else { return };
        let unit = &machine.unit;
        let status = u8::from(!well);
        let mut text = format!(
            "done {status}\nstatus {status}: ActiveState={} SubState={} Result={} \n",
            unit.active, unit.sub, unit.result
        );
        if !well {
            let from = machine.journal.len().saturating_sub(20);
            for line in machine.journal.iter().skip(from) {
                text.push_str(&line.text);
                text.push('\n');
            }
        }
        if let Some(op) = machine.ops.get_mut(&op) {
            op.answer = Some(text);
        }
    }

    /// Whether the history was made already; the first bootstrap makes it.
    pub(super) fn history(&mut self) -> String {
        if self.history == ZERO {
            self.history = self.uuid();
        }
        self.history.clone()
    }
}

/// A member's UUID with its clock sequence, the fourth group, one higher.
fn next_member(uuid: &str) -> String {
    let mut parts: Vec<String> = uuid.split('-').map(str::to_owned).collect();
    if let Some(sequence) = parts.get_mut(3)
        && let Ok(number) = u16::from_str_radix(sequence, 16)
    {
        *sequence = format!("{:04x}", number.wrapping_add(1));
    }
    parts.join("-")
}
