//! Room on the data volume, and what happens where there is none.

use super::machine::{DATADIR, Machine, Phase};
use super::world::{Event, SECOND, World, get};

/// gcache.page_size: a page is made whole or not at all.
const PAGE: u64 = 128 << 10;
/// The temporary tablespace that InnoDB makes at every start (`ibtmp1`, 12 MiB;
/// tests/fixtures/galera/06-diskfull/full/g2-log.txt).
const TEMPORARY: u64 = 12 << 10;
/// What an empty directory takes.
const EMPTY: u64 = 4;
/// What a volume that was filled has left (tests/fixtures/galera/06-diskfull/sst-into-full/g2.txt).
const LEFT: u64 = 16;

/// The room on a data volume, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// The volume's size.
    pub(super) size: u64,
    /// What the data directory takes.
    pub(super) data: u64,
    /// What is left.
    pub(super) free: u64,
}

impl World {
    pub(super) fn room_of(&self, machine: &Machine) -> Room {
        let size = self.topology.disk << 10;
        let data = if machine.dir.files { self.topology.data << 10 } else { EMPTY };
        Room { size, data, free: size.saturating_sub(data).saturating_sub(machine.filler) }
    }

    /// What is left on the data volume of a machine, in KiB.
    pub(super) fn free_kib(&self, index: usize) -> u64 {
        self.machines.get(index).map_or(0, |machine| self.room_of(machine).free)
    }

    /// Something else on the data volume takes what is left.
    pub(super) fn fill_disk(&mut self, index: usize) {
        let takes = self.free_kib(index).saturating_sub(LEFT);
        if let Some(machine) = get(&mut self.machines, index) {
            machine.filler += takes;
        }
    }

    /// What a member has just been given to write needs room: its files grow, and what a slow applier has not come to is
    /// kept beyond the ring buffer in pages.
    pub(super) fn needs_room(&mut self, index: usize) {
        let Some(machine) = self.machines.get(index) else { return };
        let needs = if machine.slow { PAGE } else { TEMPORARY };
        if self.free_kib(index) < needs {
            self.plan(SECOND, index, Event::Cramped);
        }
    }

    /// There is none. A page is not made, long before the volume is full: the server leaves the group and aborts
    /// (tests/fixtures/galera/06-diskfull/full/g2-log.txt, at 79 % of the volume). A table cannot grow: it aborts
    /// (tests/fixtures/sim/fault-fill-disk/written-g1.txt).
    pub(super) fn cramped(&mut self, index: usize) {
        let at = self.time();
        let free = self.free_kib(index);
        if self.group_of(index).is_none() {
            return;
        }
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is(&Phase::Synced))
        else {
            return;
        };
        if machine.slow && free < PAGE {
            no_page(machine, at, free);
            machine.by_server(at, "ERROR", "WSREP: ./gcs/src/gcs_defrag.cpp:gcs_defrag_handle_frag():116: Could not allocate memory for new action of size: 1000304");
            machine.by_server(at, "ERROR", "WSREP: ./gcs/src/gcs_core.cpp:gcs_core_recv():1345: Unrecoverable error happened above. Aborting...");
            // It closes its end of the group before it aborts, and its view with it.
            machine.dir.gvwstate = None;
            self.fail(index, "signal", 2, 6);
            self.left(index);
        } else if free < TEMPORARY {
            machine.by_server(
                at,
                "ERROR",
                "InnoDB: preallocating 475136 bytes for file ./t/big.ibd failed with error 28",
            );
            self.fail(index, "signal", 2, 6);
            self.member_lost(index);
        }
    }

    /// Where a transfer would not fit, what becomes of it; whether that is so.
    pub(super) fn finds_no_room(&mut self, index: usize, donor: usize, full: bool) -> bool {
        let Some(machine) = self.machines.get(index) else { return false };
        let Room { data, free, .. } = self.room_of(machine);
        let takes = (self.topology.data << 10).saturating_sub(data) + TEMPORARY;
        if full && free < takes {
            self.fills_up(index, donor);
            true
        } else if !full && machine.slow && free < PAGE {
            self.no_page_for_ist(index, free);
            true
        } else {
            false
        }
    }

    /// A full transfer into a full volume: the donor gives up and is a member like the others again, the joiner aborts with
    /// an empty state file (tests/fixtures/galera/06-diskfull/sst-into-full).
    fn fills_up(&mut self, index: usize, donor: usize) {
        let at = self.time();
        let names = |index: usize| {
            let machine = self.machines.get(index);
            let place = self.group_of(index).and_then(|group| group.members.iter().position(|m| *m == index));
            format!(
                "{}.0 ({})",
                place.unwrap_or_default(),
                machine.map(|machine| machine.name.as_str()).unwrap_or_default()
            )
        };
        let failed = format!("State transfer to {} failed: Unknown error 255", names(index));
        let failed = format!("WSREP: {}: {failed}", names(donor));
        if let Some(giver) = get(&mut self.machines, donor) {
            giver.by_transfer_error(at, "find/rsync returned code 123:");
            giver.by_server(at, "Warning", &failed);
        }
        self.given(donor);
        let Some(machine) = get(&mut self.machines, index) else { return };
        let line =
            "rsync: [receiver] write failed on \"/t/big.ibd\" (in rsync_sst): No space left on device (28)";
        machine.log(at, "rsyncd[1]", line);
        machine.by_server(at, "Warning", &failed);
        machine.by_server(at, "ERROR", "WSREP: ./gcs/src/gcs_group.cpp:gcs_group_handle_join_msg():1225: Will never receive state. Need to abort.");
        machine.dir.gvwstate = None;
        self.fail(index, "signal", 2, 6);
        self.left(index);
    }

    /// What comes incrementally needs a page, too: the server runs on, in no group
    /// (tests/fixtures/galera/06-diskfull/full/g2.txt).
    fn no_page_for_ist(&mut self, index: usize, free: u64) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.script_ended(at, false, None);
        no_page(machine, at, free);
        machine.by_server(at, "ERROR", "WSREP: Receiving IST failed, node restart required: IST receiver reported failure: 'got exception while reading IST stream: Failed to read: Bad address: System error: 14 (Bad address)");
        let was_ready = machine.server.as_ref().is_some_and(|server| server.ready);
        if let Some(server) = machine.server.as_mut() {
            server.ready = true;
        }
        self.disconnected(index, &Phase::Left);
        self.left(index);
        if !was_ready {
            self.ready(index);
        }
    }
}

fn no_page(machine: &mut Machine, at: jiff::Timestamp, free: u64) {
    let (asked, free) = (PAGE << 10, free << 10);
    machine.by_server(at, "ERROR", &format!("WSREP: Cannot create new cache page: Requested size {asked} for '{DATADIR}/gcache.page.000000' exceeds available storage space {free}"));
}
