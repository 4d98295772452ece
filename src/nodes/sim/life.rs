//! How a server's process lives: started by its unit, recovered, connected, killed.
//!
//! Times are those of tests/fixtures/sim/*: a recovery 0.3 s, the first round to the peers 1 s, a graceful stop 0.05 s.

use super::flush::Ends;
use super::machine::{DATADIR, Phase, Server, UNIT, VERSION, ZERO};
use super::world::{Event, SECOND, World, get};
use crate::facts::Role;

/// TimeoutStartSec= of the stock unit.
const START_TIMEOUT: u64 = 900 * SECOND;
/// RestartSec= of the stock unit.
pub(super) const RESTART: u64 = 5 * SECOND;
/// How long a server without a saved view looks for a Primary Component: pc.announce_timeout and pc.wait_prim_timeout
/// (tests/fixtures/galera/03-kill9/no-gvwstate-after/g1-log.txt).
pub(super) const GIVES_UP: u64 = 31 * SECOND;

impl World {
    /// The unit begins to start its server; `founds` a new cluster.
    pub(super) fn start(&mut self, index: usize, founds: bool) {
        let (at, now) = (self.time(), self.now);
        let Some(machine) = get(&mut self.machines, index) else { return };
        if machine.role != Role::Data {
            return self.start_beside(index);
        }
        // What a bootstrap left makes any start found one (src/practice/lab/faults/files.rs).
        let founds = founds || machine.leftover().is_some();
        machine.run += 1;
        let (pid, ticks) = (machine.pid(), machine.ticks(now));
        let unit = &mut machine.unit;
        // systemd counts its own restarts, and begins anew where somebody else starts
        // (tests/fixtures/galera/03-kill9/norestart-killed/g1.txt, no-gvwstate-starting/g1.txt).
        if unit.sub != "auto-restart" {
            unit.restarts = 0;
        }
        (unit.active, unit.sub, unit.result) = ("activating", "start", "success");
        (unit.main_pid, unit.exec_pid, unit.end) = (pid, pid, (0, 0));
        (unit.started, unit.exited) = (Some(at), None);
        unit.called_off = false;
        let thawed = unit.frozen.is_none();
        machine.by_systemd(at, &format!("Starting {UNIT} - MariaDB 10.11.19 database server..."));
        machine.server = Some(Server {
            pid,
            ticks,
            phase: Phase::Recovering,
            member: String::new(),
            founds,
            from: String::new(),
            gives: false,
            gives_all: None,
            takes_all: false,
            donor: None,
            ready: false,
            stopped: false,
            silence: None,
            deaf: false,
            view: None,
            last_conf: None,
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
        // A recovery where nothing is makes an engine that holds nothing, and no schema.
        machine.dir.files = true;
        machine.dir.engine.flushed();
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
        if machine.dir.wrong_owner {
            return self.cannot_write_its_state(index);
        }
        let saved = machine.saved();
        let (uuid, safe) = (saved.uuid, saved.safe);
        machine.dir.cache_closed = false;
        machine.note(
            at,
            format!("Found saved state: {uuid}:{}, safe_to_bootstrap: {}", saved.seqno, u8::from(safe)),
        );
        // The provider makes the file that it did not find (tests/fixtures/sim/fault-orphan-transfer/started-g3.txt).
        machine.dir.grastate.get_or_insert_with(|| (String::new(), at));
        if founds && !machine.dir.schema {
            return self.lacks_its_schema(index);
        }
        if founds && !safe {
            return self.refused(index);
        }
        if founds {
            return self.found(index);
        }
        // A running server's state file names no position (tests/fixtures/galera/01-healthy/g1.txt).
        if let Some(machine) = get(&mut self.machines, index).filter(|_| uuid != ZERO) {
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
        let uuid = machine.saved().uuid;
        if uuid != ZERO {
            machine.write_grastate(at, &uuid, -1, false);
        }
        self.fail(index, "exit-code", 1, 1);
    }

    /// A state file that it may not open: the provider is not even loaded
    /// (`rootowned` in tests/fixtures/galera/11-parsing/results.txt).
    fn cannot_write_its_state(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let file = format!("{DATADIR}//grastate.dat");
        machine.by_server(at, "Warning", &format!("WSREP: Could not open state file for reading: '{file}'"));
        machine.by_server(at, "ERROR", &format!("WSREP: Could not open state file for writing: '{file}'. Check permissions and/or disk space.: System error: 13 (Permission denied)"));
        machine.by_server(
            at,
            "ERROR",
            "WSREP: Failed to create a new provider '/usr/lib/galera/libgalera_smm.so'",
        );
        machine.by_server(at, "ERROR", "Aborting");
        self.fail(index, "exit-code", 1, 1);
    }

    /// A new cluster of a directory without the system's schema, which nobody brings: the server ends
    /// (`tables-missing` in tests/fixtures/log/published.tsv).
    fn lacks_its_schema(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.by_server(
            at,
            "ERROR",
            "Fatal error: Can't open and lock privilege tables: Table 'mysql.servers' doesn't exist",
        );
        machine.by_server(at, "ERROR", "Aborting");
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
        if result == "signal" {
            self.crashed(index, Ends::Process);
        }
        let Some(machine) = get(&mut self.machines, index) else { return };
        if machine.ended(at, result, code, status) {
            (machine.unit.active, machine.unit.sub) = ("activating", "auto-restart");
            self.plan(RESTART, index, Event::Restart);
        }
        self.job_ended(index, false);
    }

    /// systemd starts it again, and counts (tests/fixtures/galera/03-kill9/autorestart-g1-log.txt).
    pub(super) fn restarted(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.server.is_none()) else {
            return;
        };
        if machine.unit.frozen.is_none() && machine.unit.sub == "auto-restart" {
            let times = machine.unit.restarts + 1;
            machine.by_systemd(at, &format!("{UNIT}: Scheduled restart job, restart counter is at {times}."));
            self.start(index, false);
            if let Some(machine) = get(&mut self.machines, index) {
                machine.unit.restarts = times;
            }
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
    pub(super) fn in_flight(&mut self, index: usize) {
        if self.topology.load == 0 || self.group_of(index).is_none() {
            return;
        }
        let slow = self.machines.get(index).is_some_and(|machine| machine.slow);
        let lacks = if slow { self.rng.between(5, 12) } else { self.rng.between(0, 2) };
        if let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is(&Phase::Synced)) {
            let engine = &mut machine.dir.engine;
            engine.lose_to(engine.seqno.saturating_sub(lacks));
        }
    }

    /// The start is over: systemd heard that the server is ready.
    pub(super) fn ready(&mut self, index: usize) {
        let at = self.time();
        let server = get(&mut self.machines, index).filter(|machine| machine.role == Role::Data);
        if let Some(machine) = server {
            machine.by_server(at, "Note", "/usr/sbin/mariadbd: ready for connections.");
            machine.dir.schema = true;
            machine.dir.left_behind = &[];
            machine.dir.engine.flushed();
            // A start that had timed out is still on its way down by systemd's word.
            if machine.unit.active == "activating" {
                (machine.unit.active, machine.unit.sub) = ("active", "running");
            }
        }
        self.may_obey(index);
        self.job_ended(index, true);
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
