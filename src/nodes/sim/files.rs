//! What hands do to the files of a data directory while no server works on them.

use super::machine::{Dir, Machine};
use super::world::{World, get};

impl World {
    fn at_rest(&mut self, index: usize) -> Result<&mut Machine, &'static str> {
        let machine = get(&mut self.machines, index).filter(|machine| machine.server.is_none());
        machine.ok_or("a server works on its files")
    }

    /// grastate.dat and gvwstate.dat are removed: from then on it counts as safe to bootstrap
    /// (`missing` in tests/fixtures/galera/11-parsing/results.txt).
    pub(super) fn wipe_state(&mut self, index: usize) -> Result<(), &'static str> {
        let machine = self.at_rest(index)?;
        (machine.dir.grastate, machine.dir.gvwstate, machine.dir.wrong_owner) = (None, None, false);
        Ok(())
    }

    /// The data directory is emptied: a recovery there says zero:-1.
    pub(super) fn wipe_data(&mut self, index: usize) -> Result<(), &'static str> {
        let at = self.time();
        self.at_rest(index)?.dir = Dir::emptied(at);
        Ok(())
    }

    /// The state file is root's, and the server cannot open it
    /// (`rootowned` in tests/fixtures/galera/11-parsing/results.txt).
    pub(super) fn take_state_file(&mut self, index: usize) -> Result<(), &'static str> {
        let machine = self.at_rest(index)?;
        if machine.dir.grastate.is_none() {
            return Err("it has no state file");
        }
        machine.dir.wrong_owner = true;
        Ok(())
    }
}
