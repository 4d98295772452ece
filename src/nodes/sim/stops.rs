//! How a server is told to end, by an operator or by a timeout of its unit, and what it makes of that.

use super::life::RESTART;
use super::machine::{Machine, Phase, UNIT};
use super::world::{Event, SECOND, World, get};

/// TimeoutStopSec= of the stock unit.
const STOP_TIMEOUT: u64 = 900 * SECOND;

impl World {
    /// `systemctl stop`.
    pub(super) fn stop(&mut self, index: usize) {
        let Some(machine) = get(&mut self.machines, index) else { return };
        if machine.server.is_none() {
            // A restart that was planned is called off.
            machine.run += 1;
            if machine.unit.active == "activating" {
                (machine.unit.active, machine.unit.sub) = ("inactive", "dead");
            }
            return;
        }
        if machine.unit.main_pid == 0 || machine.unit.active == "deactivating" {
            // It is nobody's any more, or was told already.
            return;
        }
        machine.unit.called_off = true;
        self.go_on_by_signal(index);
        if self.machines.get(index).is_some_and(Machine::answers) {
            return self.shut_down(index);
        }
        // The start that was under way is called off by it.
        self.job_ended(index, false);
        self.terminate(index);
    }

    /// TimeoutStartSec= is over (tests/fixtures/lab/restart-one-fails).
    pub(super) fn timed_out(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        if machine.unit.active != "activating" || machine.server.is_none() || machine.unit.frozen.is_some() {
            return;
        }
        machine.by_systemd(at, &format!("{UNIT}: start operation timed out. Terminating."));
        machine.unit.result = "timeout";
        self.job_ended(index, false);
        self.go_on_by_signal(index);
        self.terminate(index);
    }

    /// SIGTERM to a server that never took connections, and to all that belongs to it.
    fn terminate(&mut self, index: usize) {
        let Some(machine) = get(&mut self.machines, index) else { return };
        let Some(server) = machine.server.as_mut() else { return };
        if server.phase == Phase::Recovering {
            return self.ends_its_recovery(index);
        }
        if server.phase == Phase::Joining && server.takes_all {
            return self.breaks_off(index);
        }
        // It does not obey while it waits (tests/fixtures/galera/03-kill9/stuck-activating/g1.txt).
        server.deaf = true;
        (machine.unit.active, machine.unit.sub) = ("deactivating", "stop-sigterm");
        self.plan(STOP_TIMEOUT, index, Event::StopTimedOut);
    }

    /// The shell around the recovery obeys, and nothing else runs yet.
    fn ends_its_recovery(&mut self, index: usize) {
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.run += 1;
        machine.server = None;
        machine.unit.forget();
    }

    /// The script of a full transfer obeys, and its server aborts: what is there is half of a copy under an empty state file
    /// (tests/fixtures/lab/stop-in-sst).
    fn breaks_off(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let donor = machine.server.as_ref().and_then(|server| server.donor);
        machine.by_server(
            at,
            "ERROR",
            "WSREP: Failed to read uuid:seqno and wsrep_gtid_domain_id from joiner script.",
        );
        machine.by_server(
            at,
            "ERROR",
            "WSREP: Application state transfer failed. This is unrecoverable condition, restart required.",
        );
        machine.dir.gvwstate = None;
        self.fail(index, "signal", 2, 6);
        self.left(index);
        if let Some(donor) = donor {
            self.sent(donor);
        }
    }

    /// A server that was told to end while it waited, and has become a member since: it ends at once
    /// (tests/fixtures/lab/stop-waiting, tests/fixtures/lab/restart-one-fails), or never does
    /// (tests/fixtures/galera/03-kill9/stuck-activating-after-third). Both were seen.
    pub(super) fn may_obey(&mut self, index: usize) {
        let deaf = |machine: &Machine| machine.server.as_ref().is_some_and(|server| server.deaf);
        if self.machines.get(index).is_some_and(deaf) && self.rng.between(0, 1) == 0 {
            let delay = self.about(300);
            self.plan(delay, index, Event::Obeys);
        }
    }

    /// The server ends in good order, whatever its unit thinks of it.
    pub(super) fn shut_down(&mut self, index: usize) {
        let at = self.time();
        let last = self.group_of(index).is_some_and(|group| group.members == [index]);
        let Some(machine) = get(&mut self.machines, index) else { return };
        let member = matches!(machine.phase(), Some(Phase::Synced | Phase::Joining));
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
        if !machine.gave_up() {
            let uuid = machine.dir.engine.uuid.clone();
            machine.write_grastate(at, &uuid, i64::try_from(seqno).unwrap_or(-1), last && member);
        }
        machine.dir.gvwstate = None;
        machine.dir.cache_closed = true;
        machine.dir.engine.flushed();
        (machine.dir.engine.opened, machine.dir.engine.logged) = (at, at);
        if machine.unit.result == "success" {
            machine.unit.forget();
        } else if machine.unit.main_pid != 0 {
            // It ended well, and a start that timed out stays one.
            machine.by_systemd(at, &format!("{UNIT}: Failed with result '{}'.", machine.unit.result));
            let unit = &mut machine.unit;
            (unit.active, unit.sub, unit.main_pid) = ("failed", "failed", 0);
            (unit.exited, unit.end) = (Some(at), (1, 0));
            if unit.comes_back() {
                (unit.active, unit.sub) = ("activating", "auto-restart");
                self.plan(RESTART, index, Event::Restart);
            }
        }
        if member {
            self.left(index);
        }
    }

    /// systemd sends SIGCONT after the signal that ends something (systemd.kill(5)): what was stopped goes on.
    fn go_on_by_signal(&mut self, index: usize) {
        let stopped = |machine: &Machine| machine.server.as_ref().is_some_and(|server| server.stopped);
        if self.machines.get(index).is_some_and(stopped) {
            // It was stopped: so there is no reason why it could not go on.
            let _ = self.thaw_server(index);
        }
    }

    /// TimeoutStopSec= is over, twice: by SendSIGKILL=no nothing more is done, and the unit has failed while its process is
    /// there as before (`stop-timeout` in tests/fixtures/log/published.tsv).
    pub(super) fn stop_timed_out(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.unit.main_pid != 0)
        else {
            return;
        };
        let sub = machine.unit.sub;
        let skips = format!("{UNIT}: State '{sub}' timed out. Skipping SIGKILL.");
        machine.unit.result = "timeout";
        if sub == "stop-sigterm" {
            machine.by_systemd(at, &skips);
            machine.unit.sub = "final-sigterm";
            return self.plan(STOP_TIMEOUT, index, Event::StopTimedOut);
        }
        machine.by_systemd(at, &format!("{skips} Entering failed mode."));
        machine.by_systemd(at, &format!("{UNIT}: Failed with result 'timeout'."));
        (machine.unit.active, machine.unit.sub, machine.unit.main_pid) = ("failed", "failed", 0);
    }
}
