//! What a crash takes with it, by `innodb_flush_log_at_trx_commit` (`Topology::flush`): with 1 every commit is on the disk
//! before it is acknowledged; with 2 it is with the kernel, which only the machine's end takes away; with 0 it is in the
//! server's memory. With 0 and 2 the log reaches the disk once a second, as InnoDB documents it
//! (`innodb_flush_log_at_timeout`). What kills took in a lab: tests/fixtures/lab/flush.
//!
//! One node that crashes alone is given again what it lost; the Primary Component loses acknowledged commits where all of
//! its members crash within that second.

use super::machine::Engine;
use super::world::{Event, MILLI, SECOND, World, get};

/// What ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The server's process, by a signal.
    Process,
    /// The whole machine.
    Machine,
}

impl Engine {
    /// All of it is on the disk.
    pub(super) fn flushed(&mut self) {
        self.durable = self.seqno;
    }
}

impl World {
    /// Begins to count the seconds of every machine, each from a moment of its own.
    pub(super) fn begin_seconds(&mut self) {
        for index in 0..self.machines.len() {
            if let Some(machine) = get(&mut self.machines, index) {
                machine.dir.engine.flushed();
            }
            if self.topology.flush != 1 {
                let offset = self.rng.between(1, 1_000) * MILLI;
                self.plan(offset, usize::MAX, Event::Second(index));
            }
        }
    }

    /// A second is over on a machine: the log of its engine is written and flushed.
    pub(super) fn second(&mut self, index: usize) {
        if let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is_awake()) {
            machine.dir.engine.flushed();
        }
        self.plan(SECOND, usize::MAX, Event::Second(index));
    }

    /// The engine is cut back to what its crash recovery will find.
    pub(super) fn crashed(&mut self, index: usize, ends: Ends) {
        let loses = matches!((self.topology.flush, ends), (0, _) | (2, Ends::Machine));
        if let Some(machine) = get(&mut self.machines, index).filter(|_| loses) {
            let engine = &mut machine.dir.engine;
            engine.lose_to(engine.durable);
        }
    }
}
