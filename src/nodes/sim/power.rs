//! Power and standstill: machines that lose their power and boot, machines and servers that stand still for a while.

use super::flush::Ends;
use super::machine::{Machine, Unit};
use super::world::{Event, MILLI, SECOND, World, get};
use crate::facts::Role;

/// How long a boot takes until its SSH answers and its units start: not at once, that is all that matters here.
const BOOT: u64 = 10_000;

impl Machine {
    /// Seconds since its boot, at this moment of the virtual clock.
    pub(super) fn up(&self, now: u64) -> u64 {
        // One that was never off was there long before the cluster.
        self.booted.map_or(500_000 + now / SECOND, |booted| now.saturating_sub(booted) / SECOND)
    }

    /// The same, in ticks of /proc/PID/stat.
    pub(super) fn ticks(&self, now: u64) -> u64 {
        let since = self.booted.map_or(now, |booted| now.saturating_sub(booted));
        let before = if self.booted.is_some() { 0 } else { 1_000_000 };
        before + since / (10 * MILLI)
    }
}

impl World {
    /// The power is gone: what was in memory and in /run goes with it, files stay as they were on the disk. What runs is
    /// not seen by others any more, as if it had been killed.
    pub(super) fn power_off(&mut self, index: usize) -> Result<(), &'static str> {
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.power) else {
            return Err("it has no power");
        };
        let ran = machine.server.is_some();
        if ran {
            self.in_flight(index);
            self.crashed(index, Ends::Machine);
        }
        let Some(machine) = get(&mut self.machines, index) else { return Ok(()) };
        machine.power = false;
        machine.still = false;
        machine.run += 1;
        machine.later.clear();
        // Nobody was left to tidy up (tests/fixtures/lab/kill-joiner/all-killed-joiner.txt,
        // tests/fixtures/lab/kill-donor/all-killed-donor.txt).
        machine.dir.left_behind = machine.transfer_files();
        machine.server = None;
        if ran {
            machine.dir.cache_closed = false;
        }
        // The freeze is a drop-in in /run: it is gone, too (src/ask/act/unit.sh).
        machine.unit = Unit::new(machine.unit.restart);
        machine.job = None;
        // Whoever worked on an act is gone without an answer (src/ask/act/prelude.sh, `follow`).
        for op in machine.ops.values_mut() {
            op.answer.get_or_insert_with(|| "vanished\n".to_owned());
        }
        if ran {
            self.member_lost(index);
        }
        Ok(())
    }

    /// It boots.
    pub(super) fn power_on(&mut self, index: usize) -> Result<(), &'static str> {
        if self.machines.get(index).is_none_or(|machine| machine.power) {
            return Err("it has power already");
        }
        let delay = self.about(BOOT);
        self.plan(delay, index, Event::Booted);
        Ok(())
    }

    /// It is up again, under a new boot id, and starts what is enabled.
    pub(super) fn booted(&mut self, index: usize) {
        let now = self.now;
        let Some(machine) = get(&mut self.machines, index).filter(|machine| !machine.power) else { return };
        machine.boot_id = super::machine::boot_id(&mut self.rng);
        (machine.power, machine.booted) = (true, Some(now));
        machine.first_pid();
        // Packages enable garbd's and HAProxy's units; whether the server's is, the topology says.
        if machine.role != Role::Data || self.topology.enabled {
            self.start(index, false);
        }
    }

    /// SIGSTOP to the server: its ports accept, and it answers nothing (tests/fixtures/galera/13-hangs/sigstop-mariadbd.txt).
    pub(super) fn freeze_server(&mut self, index: usize) -> Result<(), &'static str> {
        let server = get(&mut self.machines, index).and_then(|machine| machine.server.as_mut());
        let Some(server) = server.filter(|server| !server.stopped) else {
            return Err("no server runs there that could be stopped");
        };
        server.stopped = true;
        self.frozen(index);
        Ok(())
    }

    /// SIGCONT: what waited happens now.
    pub(super) fn thaw_server(&mut self, index: usize) -> Result<(), &'static str> {
        let server = get(&mut self.machines, index).and_then(|machine| machine.server.as_mut());
        let Some(server) = server.filter(|server| server.stopped) else {
            return Err("no stopped server is there");
        };
        server.stopped = false;
        self.catch_up(index);
        Ok(())
    }

    /// The whole machine stands still: its kernel takes connections, and nothing behind it answers
    /// (tests/fixtures/galera/13-hangs/frozen-node.txt).
    pub(super) fn freeze_machine(&mut self, index: usize) -> Result<(), &'static str> {
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is_awake()) else {
            return Err("it stands still, or has no power");
        };
        machine.still = true;
        if machine.server.is_some() {
            self.frozen(index);
        }
        Ok(())
    }

    /// It goes on.
    pub(super) fn thaw_machine(&mut self, index: usize) -> Result<(), &'static str> {
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.still) else {
            return Err("it does not stand still");
        };
        machine.still = false;
        self.catch_up(index);
        Ok(())
    }

    fn catch_up(&mut self, index: usize) {
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is_awake()) else {
            return;
        };
        let run = machine.run;
        for (_, event) in std::mem::take(&mut machine.later).into_iter().filter(|(of, _)| *of == run) {
            let delay = self.about(50);
            self.plan(delay, index, event);
        }
        if self.machines.get(index).is_some_and(|machine| machine.server.is_some()) {
            self.thawed(index);
            self.look_around();
        }
    }

    /// Keeps what would happen on a machine that stands still, or in a server that is stopped, for later; whether it did.
    /// The service manager goes on where only the server is stopped.
    pub(super) fn is_put_off(&mut self, index: usize, event: &Event) -> bool {
        let Some(machine) = get(&mut self.machines, index) else { return false };
        let stopped = machine.server.as_ref().is_some_and(|server| server.stopped);
        let managers = matches!(event, Event::Restart | Event::TimedOut | Event::StopTimedOut);
        let waits = machine.still || stopped && !managers;
        if waits {
            machine.later.push((machine.run, event.clone()));
        }
        waits
    }
}
