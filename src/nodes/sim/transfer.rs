//! How a node gets what it lacks: by the missing write-sets (IST), or by everything (SST).

use jiff::Timestamp;

use super::machine::{Machine, Phase, View, ZERO};
use super::topology::Overwritten;
use super::world::{Event, SECOND, World, get, seqno};

/// What a server that runs needs for an incremental transfer, in ms, and for each write-set of it, in µs: 0.05 s for two
/// (tests/fixtures/lab/freeze-10), 1.25 s for 3516 (tests/fixtures/lab/minority).
const RUNS_ON: u64 = 50;
const EACH: u64 = 340;

impl Machine {
    /// The script of the transfer has ended, and says up to where it filled the directory. A server that runs takes an
    /// incremental transfer by itself, without the script (tests/fixtures/sim/fault-partition/healed-2-g1.txt).
    pub(super) fn script_ended(&mut self, at: Timestamp, full: bool, position: Option<&str>) {
        if !full && self.serves() {
            return;
        }
        let kind = if full { "SST" } else { "IST" };
        self.by_transfer(at, &format!("rsync {kind} completed on joiner"));
        self.note(at, "SST received");
        if let Some(position) = position {
            self.note(at, format!("Recovered position from storage: {position}"));
            self.note(at, format!("SST received: {position}"));
        }
    }
}

impl World {
    /// A node comes into the Primary: a new view, and whatever it lacks from a member.
    pub(super) fn join(&mut self, id: u32, index: usize) {
        let at = self.time();
        let Some(group) = self.groups.iter().find(|group| group.id == id && group.lost.is_none()) else {
            return;
        };
        let (members, last) = (group.members.clone(), group.seqno);
        if !self.holds_data(index) {
            return self.counts(id, index);
        }
        let Some(donor) = self.donor(&members, index) else {
            // Nobody is free to give: it asks again.
            return self.look_around();
        };
        if self.is_ahead(id, index) {
            return self.reverse_history(index, last);
        }
        if let Some(group) = self.group(id) {
            group.members.push(index);
        }
        if let Some(server) = get(&mut self.machines, index).and_then(|machine| machine.server.as_mut()) {
            (server.phase, server.donor) = (Phase::Joining, Some(donor));
        }
        self.next_view(id);
        if let Some(machine) = get(&mut self.machines, index) {
            machine.note(at, "Shifting CLOSED -> OPEN (TO: 0)");
            machine.note(at, format!("Shifting OPEN -> PRIMARY (TO: {})", last + 1));
            if machine.orphan().is_some() {
                return self.asks_in_vain(index);
            }
        }
        self.transfer(index, donor);
    }

    /// An arbitrator is a member at once: it takes nothing (tests/fixtures/galera/07-garbd/garbd.log).
    fn counts(&mut self, id: u32, index: usize) {
        if let Some(group) = self.group(id) {
            group.members.push(index);
        }
        if let Some(server) = get(&mut self.machines, index).and_then(|machine| machine.server.as_mut()) {
            server.phase = Phase::Synced;
        }
        self.next_view(id);
    }

    /// A member that can give: in sync, heard by the joiner itself, and not giving already.
    fn donor(&self, members: &[usize], index: usize) -> Option<usize> {
        let free = |machine: &Machine| {
            machine.is(&Phase::Synced)
                && machine.is_heard()
                && machine.server.as_ref().is_some_and(|server| !server.gives)
        };
        members.iter().copied().find(|donor| {
            self.holds_data(*donor)
                && self.network.joins(*donor, index)
                && self.machines.get(*donor).is_some_and(free)
        })
    }

    fn is_ahead(&self, id: u32, index: usize) -> bool {
        let group = self.groups.iter().find(|group| group.id == id);
        let (Some(machine), Some(group)) = (self.machines.get(index), group) else { return false };
        !machine.gave_up() && machine.dir.engine.uuid == group.uuid && machine.dir.engine.seqno > group.seqno
    }

    /// A node that holds more than the group aborts, and its state file is zeroed: started once more it takes everything
    /// (tests/fixtures/galera/05-ahead/rejoin-refused).
    fn reverse_history(&mut self, index: usize, group: u64) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let held = machine.dir.engine.seqno;
        machine.by_server(at, "ERROR", &format!("WSREP: ./gcs/src/gcs_group.cpp:group_post_state_exchange():453: Reversing history: {held} -> {group}, this member has applied {} more events than the primary component.Data loss is possible. Must abort.", held - group));
        machine.write_grastate(at, ZERO, -1, true);
        self.fail(index, "signal", 2, 6);
    }

    /// By the missing write-sets where the donor still has them, else by everything (tests/fixtures/sim/rejoin2-g2.txt,
    /// tests/fixtures/sim/healthy-g2.txt). A full one empties the joiner's data directory as it begins, and what is there
    /// until it ends looks like the donor's (tests/fixtures/galera/08-sst-fail/rsync-after).
    pub(super) fn transfer(&mut self, index: usize, donor: usize) {
        let at = self.time();
        let Some(group) = self.group_of(index) else { return };
        let (last, uuid) = (group.seqno, group.uuid.clone());
        let cached = self.machines.get(donor).map_or(u64::MAX, |machine| machine.dir.cached_from);
        let given_by = self.machines.get(donor).map(|machine| machine.dir.engine.seqno).unwrap_or_default();
        let serves = self.machines.get(index).is_some_and(Machine::serves);
        let held = self.machines.get(index).map_or(0, |machine| machine.dir.engine.seqno);
        let delay =
            self.about(if serves { RUNS_ON + last.saturating_sub(held) * EACH / 1_000 } else { 2_000 });
        let copying = self.topology.data.saturating_mul(10) + 3_000;
        let copying = self.about(copying);
        let Some(machine) = get(&mut self.machines, index) else { return };
        let from = machine.dir.engine.seqno + 1;
        let full = machine.gave_up() || machine.dir.engine.uuid != uuid || cached > from;
        if let Some(server) = machine.server.as_mut() {
            (server.phase, server.takes_all, server.donor) = (Phase::Joining, full, Some(donor));
        }
        if full || !serves {
            machine.by_transfer(at, "rsync SST started on joiner");
        }
        let range = if full {
            format!("uuid:{ZERO} f: 0, l: {last}, STRv: 3")
        } else {
            format!("uuid:{uuid} f: {from}, l: {last}, STRv: 3")
        };
        machine.note(at, format!("####### IST {range}"));
        machine.note(at, format!("Shifting PRIMARY -> JOINER (TO: {last})"));
        if full {
            self.overwrite(index, &uuid, given_by);
        }
        let (delay, given) = if full { (copying, copying) } else { (delay, delay / 5) };
        if let Some(giver) = get(&mut self.machines, donor) {
            giver.note(at, format!("Shifting SYNCED -> DONOR/DESYNCED (TO: {last})"));
            if let Some(server) = giver.server.as_mut() {
                (server.gives, server.gives_all) = (true, full.then_some(index));
            }
            if full {
                // A donor by rsync names its position while it gives (tests/fixtures/galera/08-sst-fail/rsync-mid/g1.txt).
                let uuid = giver.dir.engine.uuid.clone();
                giver.write_grastate(at, &uuid, i64::try_from(last).unwrap_or(-1), false);
            }
        }
        self.plan(given, donor, Event::Given);
        self.plan(delay, index, Event::Transferred { donor, full });
    }

    /// The state file is empty from the beginning of the transfer to its end
    /// (tests/fixtures/lab/kill-joiner/mid-joiner.txt), the engine's files are the donor's one by one.
    fn overwrite(&mut self, index: usize, uuid: &str, last: u64) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let engine = &mut machine.dir.engine;
        let before = std::mem::take(&mut engine.holds).parts();
        let held = engine.seqno;
        uuid.clone_into(&mut engine.uuid);
        (engine.seqno, engine.marks) = (last, None);
        machine.dir.half_filled = true;
        machine.dir.grastate = Some((String::new(), at));
        let node = machine.name.clone();
        if let (Some(held), false) = (seqno(held), before.is_empty()) {
            self.overwritten.push(Overwritten { node, held, holds: before });
        }
    }

    /// The donor has sent what it had to, where it gets through.
    pub(super) fn sent(&mut self, index: usize) {
        let to = self.machines.get(index).and_then(|machine| machine.server.as_ref()?.gives_all);
        if to.is_some_and(|to| self.network.stalls(to)) {
            return self.plan(SECOND, index, Event::Given);
        }
        self.given(index);
    }

    /// The donor is a member like the others again, and sees what became of the group
    /// (tests/fixtures/lab/stop-in-sst).
    pub(super) fn given(&mut self, index: usize) {
        let at = self.time();
        let group = self.group_of(index);
        let last = group.map_or(0, |group| group.seqno);
        let alone = group.is_some_and(|group| group.members.len() == 1);
        let view = group.map(|group| (group.conf, group.members.clone()));
        let Some(server) = self.machines.get(index).and_then(|machine| machine.server.as_ref()) else {
            return;
        };
        let gone =
            server.gives_all.filter(|to| !self.machines.get(*to).is_some_and(|to| to.is(&Phase::Joining)));
        let Some(machine) = get(&mut self.machines, index) else { return };
        if gone.is_some() {
            let name = machine.name.clone();
            machine.by_server(
                at,
                "Warning",
                &format!(
                    "WSREP: 0.0 ({name}): State transfer to -1.-1 (left the group) failed: Unknown error 255"
                ),
            );
        }
        let Some(server) = machine.server.as_mut().filter(|server| server.gives) else { return };
        (server.gives, server.gives_all) = (false, None);
        if let Some((conf, members)) = view {
            server.view = Some(View { primary: true, conf, members });
            server.last_conf = Some(conf);
        }
        let name = machine.name.clone();
        let uuid = machine.dir.engine.uuid.clone();
        machine.write_grastate(at, &uuid, -1, alone);
        machine.note(at, format!("Shifting DONOR/DESYNCED -> JOINED (TO: {last})"));
        machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {last})"));
        machine.note(at, format!("Server {name} synced with group"));
        machine.note(at, "Synchronized with group, ready for connections");
    }

    /// The joiner has everything.
    pub(super) fn transferred(&mut self, index: usize, donor: usize, full: bool) {
        let at = self.time();
        if !self.machines.get(index).is_some_and(|machine| machine.is(&Phase::Joining)) {
            return;
        }
        if full && self.network.stalls(index) {
            return self.plan(SECOND, index, Event::Transferred { donor, full });
        }
        let giver =
            self.machines.get(donor).filter(|machine| machine.is(&Phase::Synced) && machine.is_heard());
        let group = self.group_of(index).filter(|group| group.members.contains(&donor));
        let (Some(giver), Some(group)) = (giver, group) else {
            // The others find out that the donor is gone, and it does with them.
            return;
        };
        let (last, uuid, theirs) = (group.seqno, group.uuid.clone(), giver.dir.engine.clone());
        let Some(machine) = get(&mut self.machines, index) else { return };
        let held = machine.dir.engine.seqno;
        if self.finds_no_room(index, donor, full) {
            return;
        }
        let Some(machine) = self.machines.get(index) else { return };
        let parted = !full && !theirs.holds.covers(&machine.dir.engine.holds);
        if parted && self.rng.between(0, 1) == 0 {
            return self.does_not_fit(index, last);
        }
        let Some(machine) = get(&mut self.machines, index) else { return };
        let from = if full { last } else { held };
        machine.script_ended(at, full, Some(&format!("{uuid}:{from}")));
        machine.note(at, format!("IST received: {uuid}:{last}"));
        machine.note(at, format!("Shifting JOINER -> JOINED (TO: {last})"));
        machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {last})"));
        let engine = &mut machine.dir.engine;
        if full {
            (engine.opened, engine.holds) = (at, theirs.holds);
            // Its gcache begins anew.
            machine.dir.cached_from = last;
        } else {
            engine.holds.take_after(held, &theirs.holds);
        }
        let engine = &mut machine.dir.engine;
        (engine.uuid, engine.seqno, engine.marks, engine.logged) = (uuid.clone(), last, theirs.marks, at);
        machine.dir.half_filled = false;
        machine.write_grastate(at, &uuid, -1, false);
        self.synced(index);
    }

    /// What the incremental transfer brings does not fit what is there: noticed where keys collide, and only there
    /// (tests/fixtures/galera/05-ahead/divergence-detected-inconsistent). The engine then names the group's seqno, of which
    /// it has applied nothing: a later start recovers it (`12213`, silent-divergence/g2-log.txt).
    fn does_not_fit(&mut self, index: usize, last: u64) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let held = machine.dir.engine.seqno;
        let (uuid, seqno) = (machine.dir.engine.uuid.clone(), held + 1);
        machine.script_ended(at, false, Some(&format!("{uuid}:{held}")));
        machine.by_server(
            at,
            "ERROR",
            &format!("WSREP: Inconsistency detected: Failed on preordered {uuid}:{seqno}: inconsistency."),
        );
        machine.dir.engine.seqno = last;
        let was_ready = machine.server.as_ref().is_some_and(|server| server.ready);
        if let Some(server) = machine.server.as_mut() {
            server.ready = true;
        }
        self.disconnected(index, &Phase::Inconsistent);
        self.left(index);
        if !was_ready {
            self.ready(index);
        }
    }

    /// The donor, or the group, went away meanwhile (tests/fixtures/galera/08-sst-fail/rsync-after/g2-log.txt).
    pub(super) fn abandoned(&mut self, index: usize) {
        let at = self.time();
        let donor = self.machines.get(index).and_then(|machine| machine.server.as_ref()?.donor);
        // A donor that was killed keeps its last view, and its own name in it.
        let donor = donor.and_then(|donor| self.machines.get(donor)?.saved_view());
        let donor = donor.map_or_else(|| ZERO.to_owned(), |view| view.my_uuid.to_string());
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.by_server(at, "Warning", &format!("WSREP: Donor {donor} is no longer in the group. State transfer cannot be completed, need to abort."));
        machine.by_server(at, "ERROR", "WSREP: ./gcs/src/gcs_core.cpp:core_handle_state_msg():1085: Failed to handle state message: -131 (State not recoverable)");
        machine.by_server(at, "ERROR", "WSREP: ./gcs/src/gcs_core.cpp:gcs_core_recv():1345: Unrecoverable error happened above. Aborting...");
        machine.dir.gvwstate = None;
        self.fail(index, "signal", 2, 6);
        self.left(index);
    }
}
