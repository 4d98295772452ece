//! The group: who is in the Primary Component, how one forms, and how a node gets what it lacks.

use super::machine::{Machine, Phase, ZERO};
use super::topology::Overwritten;
use super::world::{Event, Group, MILLI, SECOND, World, get, seqno};

/// Members that were killed are declared dead after this (evs.suspect_timeout and a second;
/// tests/fixtures/galera/07-garbd/garbd.log).
const AGREES: u64 = 6 * SECOND;
/// From then on a member says that it looks for a new view.
const SEEKS: u64 = 5 * SECOND;
/// How long a round of tries to reach the others takes.
const TRIES: u64 = SECOND;

impl World {
    /// A new cluster of one: at once Primary, and safe until another joins (tests/fixtures/sim/bootstrapped-g1.txt).
    pub(super) fn found(&mut self, index: usize) {
        let at = self.time();
        let first = self.machines.get(index).is_some_and(|machine| machine.dir.engine.uuid == ZERO);
        let history = if first { self.history() } else { String::new() };
        let name = self.topology.cluster.to_string();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.note(at, format!("gcomm: bootstrapping new group '{name}'"));
        let held = machine.dir.engine.seqno;
        self.was_formed(Some(index), held);
        let seqno = held + 1;
        let group = Group { members: vec![index], view: 1, conf: 1, seqno, reformed: false, lost: None };
        self.group = Some(group);
        let Some(machine) = get(&mut self.machines, index) else { return };
        if first {
            machine.note(at, format!("GCache history reset: {ZERO}:0 -> {history}:0"));
            machine.dir.engine.uuid = history;
        }
        let uuid = machine.dir.engine.uuid.clone();
        machine.write_grastate(at, &uuid, -1, true);
        machine.dir.engine.seqno = seqno;
        machine.note(at, "Shifting CLOSED -> OPEN (TO: 0)");
        machine.note(at, "New COMPONENT: primary = yes, bootstrap = no, my_idx = 0, memb_num = 1");
        machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {seqno})"));
        self.settle_view();
        self.synced(index);
        // Whoever waits finds it in its next round.
        self.call_the_waiting();
    }

    fn call_the_waiting(&mut self) {
        for index in 0..self.machines.len() {
            if self.machines.get(index).is_some_and(|machine| machine.is(&Phase::Waiting)) {
                let delay = self.about(TRIES / MILLI);
                self.plan(delay, index, Event::Connected);
            }
        }
    }

    /// In sync: it serves.
    fn synced(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let name = machine.name.clone();
        let Some(server) = machine.server.as_mut() else { return };
        let was_serving = server.phase == Phase::NonPrimary;
        server.phase = Phase::Synced;
        server.takes_all = false;
        machine.note(at, format!("Server {name} synced with group"));
        machine.note(at, "Synchronized with group, ready for connections");
        if !was_serving {
            self.ready(index);
        }
    }

    /// The first round to the others is over: join the Primary there is, form the last view again, or wait.
    pub(super) fn connected(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = self.machines.get(index) else { return };
        if !matches!(machine.phase(), Some(Phase::Connecting | Phase::Waiting)) {
            return;
        }
        match &self.group {
            Some(group) if group.lost.is_none() => return self.join(index),
            Some(_) => return self.plan(TRIES / 2, index, Event::Connected),
            None => {}
        }
        let waits_already = machine.is(&Phase::Waiting);
        let has_view = machine.saved_view().is_some();
        let Some(machine) = get(&mut self.machines, index) else { return };
        if let Some(server) = machine.server.as_mut() {
            server.phase = Phase::Waiting;
        }
        if waits_already {
            return;
        }
        machine.note(at, "No nodes coming from primary view, primary view is not possible");
        machine.note(at, "New COMPONENT: primary = no, bootstrap = no, my_idx = 0, memb_num = 1");
        if has_view {
            self.plan(TRIES, index, Event::Complain);
            self.may_re_form();
        } else {
            self.plan(super::life::GIVES_UP, index, Event::GiveUp);
        }
    }

    /// Once a second, for as long as it takes (tests/fixtures/sim/waiting-g1.txt).
    pub(super) fn complain(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is(&Phase::Waiting))
        else {
            return;
        };
        machine.note(at, "Failed to establish connection: Connection refused");
        self.plan(TRIES, index, Event::Complain);
    }

    /// Where all members of one saved view are there, it forms again by itself (pc.recovery).
    fn may_re_form(&mut self) {
        let views: Vec<String> = self.machines.iter().filter_map(here).map(|view| view.0).collect();
        for view in views {
            let event = Event::Reform(view.clone());
            if self.complete(&view).is_some() && !self.is_planned(&event) {
                let delay = self.about(550);
                self.plan(delay, usize::MAX, event);
            }
        }
    }

    /// The machines of a saved view, where all its members are there.
    fn complete(&self, view: &str) -> Option<Vec<usize>> {
        let there = self.machines.iter().enumerate();
        let there: Vec<(usize, usize)> = there
            .filter_map(|(index, machine)| Some((index, here(machine)?)))
            .filter(|(_, (saved, _))| saved == view)
            .map(|(index, (_, members))| (index, members))
            .collect();
        let members = there.first().map(|(_, members)| *members)?;
        (there.len() == members).then(|| there.into_iter().map(|(index, _)| index).collect())
    }

    /// The last view forms again: one seqno further, its number three higher, its conf_id 0
    /// (tests/fixtures/sim/reformed-g1.txt).
    pub(super) fn reform(&mut self, view: &str) {
        let Some(members) = self.complete(view).filter(|_| self.group.is_none()) else { return };
        let at = self.time();
        let held = |index: &usize| self.machines.get(*index).map(|machine| machine.dir.engine.seqno);
        let most = members.iter().filter_map(held).max().unwrap_or_default();
        let number = view.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0u64) + 3;
        self.was_formed(None, most);
        let group = Group {
            members: members.clone(),
            view: number,
            conf: 0,
            seqno: most + 1,
            reformed: true,
            lost: None,
        };
        self.group = Some(group);
        let count = members.len();
        let donor = members.iter().copied().find(|index| held_is(&self.machines, *index, most));
        for (place, index) in members.iter().copied().enumerate() {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            machine.note(at, "Shifting CLOSED -> OPEN (TO: 0)");
            machine.note(
                at,
                format!("New COMPONENT: primary = no, bootstrap = no, my_idx = {place}, memb_num = {count}"),
            );
            machine.note(
                at,
                format!(
                    "New COMPONENT: primary = yes, bootstrap = yes, my_idx = {place}, memb_num = {count}"
                ),
            );
        }
        self.settle_view();
        for index in members {
            if held_is(&self.machines, index, most) {
                if let Some(machine) = get(&mut self.machines, index) {
                    machine.dir.engine.seqno = most + 1;
                    machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {})", most + 1));
                }
                self.synced(index);
            } else if let Some(donor) = donor {
                self.transfer(index, donor);
            }
        }
        self.call_the_waiting();
    }

    /// A node comes into the Primary: a new view, and whatever it lacks from a member.
    fn join(&mut self, index: usize) {
        let donor = self.group.as_ref().and_then(|group| {
            let free = |index: &&usize| {
                let machine = self.machines.get(**index);
                machine.is_some_and(|machine| {
                    machine.is(&Phase::Synced) && machine.server.as_ref().is_some_and(|server| !server.gives)
                })
            };
            group.members.iter().find(free).copied()
        });
        let Some(donor) = donor else {
            // Nobody is free to give: it asks again.
            return self.plan(TRIES, index, Event::Connected);
        };
        if self.is_ahead(index) {
            return self.reverse_history(index);
        }
        let Some(group) = self.group.as_mut() else { return };
        group.members.push(index);
        self.next_view();
        let at = self.time();
        let seqno = self.group.as_ref().map_or(0, |group| group.seqno);
        if let Some(machine) = get(&mut self.machines, index) {
            machine.note(at, "Shifting CLOSED -> OPEN (TO: 0)");
            machine.note(at, format!("Shifting OPEN -> PRIMARY (TO: {seqno})"));
        }
        self.transfer(index, donor);
    }

    fn is_ahead(&self, index: usize) -> bool {
        let (Some(machine), Some(group)) = (self.machines.get(index), &self.group) else { return false };
        !machine.gave_up()
            && machine.dir.engine.uuid == self.history
            && machine.dir.engine.seqno > group.seqno
    }

    /// A node that holds more than the group aborts, and its state file is zeroed: started once more it takes everything
    /// (tests/fixtures/galera/05-ahead/rejoin-refused).
    fn reverse_history(&mut self, index: usize) {
        let at = self.time();
        let group = self.group.as_ref().map_or(0, |group| group.seqno);
        let Some(machine) = get(&mut self.machines, index) else { return };
        let held = machine.dir.engine.seqno;
        machine.by_server(at, "ERROR", &format!("WSREP: ./gcs/src/gcs_group.cpp:group_post_state_exchange():453: Reversing history: {held} -> {group}, this member has applied {} more events than the primary component.Data loss is possible. Must abort.", held - group));
        machine.write_grastate(at, ZERO, -1, true);
        self.fail(index, "signal", 2, 6);
    }

    /// By the missing write-sets where the donor still has them, else by everything (tests/fixtures/sim/rejoin2-g2.txt,
    /// tests/fixtures/sim/healthy-g2.txt).
    fn transfer(&mut self, index: usize, donor: usize) {
        let at = self.time();
        let Some(group) = self.group.as_ref() else { return };
        let last = group.seqno;
        let cached = self.machines.get(donor).map_or(u64::MAX, |machine| machine.dir.cached_from);
        let history = self.history.clone();
        let delay = self.about(2_000);
        let copying = self.topology.data.saturating_mul(10) + 3_000;
        let copying = self.about(copying);
        let Some(machine) = get(&mut self.machines, index) else { return };
        let from = machine.dir.engine.seqno + 1;
        let full = machine.gave_up() || machine.dir.engine.uuid != history || cached > from;
        if let Some(server) = machine.server.as_mut() {
            (server.phase, server.takes_all) = (Phase::Joining, full);
        }
        machine.by_transfer(at, "rsync SST started on joiner");
        let range = if full {
            format!("uuid:{ZERO} f: 0, l: {last}, STRv: 3")
        } else {
            format!("uuid:{history} f: {from}, l: {last}, STRv: 3")
        };
        machine.note(at, format!("####### IST {range}"));
        machine.note(at, format!("Shifting PRIMARY -> JOINER (TO: {last})"));
        let (delay, given) = if full { (copying, copying) } else { (delay, delay / 5) };
        if let Some(giver) = get(&mut self.machines, donor) {
            giver.note(at, format!("Shifting SYNCED -> DONOR/DESYNCED (TO: {last})"));
            if let Some(server) = giver.server.as_mut() {
                server.gives = true;
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

    /// The donor is a member like the others again.
    pub(super) fn given(&mut self, index: usize) {
        let at = self.time();
        let last = self.group.as_ref().map_or(0, |group| group.seqno);
        let Some(machine) = get(&mut self.machines, index) else { return };
        let name = machine.name.clone();
        if let Some(server) = machine.server.as_mut() {
            server.gives = false;
        }
        let uuid = machine.dir.engine.uuid.clone();
        let safe = machine.is_safe();
        machine.write_grastate(at, &uuid, -1, safe);
        machine.note(at, format!("Shifting DONOR/DESYNCED -> JOINED (TO: {last})"));
        machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {last})"));
        machine.note(at, format!("Server {name} synced with group"));
        machine.note(at, "Synchronized with group, ready for connections");
    }

    /// The joiner has everything.
    pub(super) fn transferred(&mut self, index: usize, donor: usize, full: bool) {
        let at = self.time();
        let giver = self.machines.get(donor).filter(|machine| machine.is(&Phase::Synced)).cloned();
        let (Some(giver), Some(group)) = (giver, self.group.as_ref()) else {
            return self.abandoned(index);
        };
        let last = group.seqno;
        let history = self.history.clone();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let held = machine.dir.engine.seqno;
        let kind = if full { "SST" } else { "IST" };
        machine.by_transfer(at, &format!("rsync {kind} completed on joiner"));
        let from = if full { last } else { held };
        machine.note(at, "SST received");
        machine.note(at, format!("Recovered position from storage: {history}:{from}"));
        machine.note(at, format!("SST received: {history}:{from}"));
        machine.note(at, format!("IST received: {history}:{last}"));
        machine.note(at, format!("Shifting JOINER -> JOINED (TO: {last})"));
        machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {last})"));
        let engine = &mut machine.dir.engine;
        let empty = engine.uuid == ZERO;
        engine.uuid.clone_from(&history);
        engine.seqno = last;
        engine.marks.clone_from(&giver.dir.engine.marks);
        (engine.opened, engine.logged) = if full { (at, at) } else { (engine.opened, at) };
        if full {
            // Its gcache begins anew.
            machine.dir.cached_from = last;
        }
        machine.write_grastate(at, &history, -1, false);
        let name = machine.name.clone();
        if full
            && !empty
            && let Some(held) = seqno(held)
        {
            self.overwritten.push(Overwritten { node: name, held });
        }
        self.synced(index);
    }

    /// The donor went away meanwhile (tests/fixtures/galera/08-sst-fail/rsync-after/g2-log.txt).
    fn abandoned(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.by_server(at, "ERROR", "WSREP: Donor is no longer in the group. State transfer cannot be completed, need to abort. Aborting...");
        if machine.server.as_ref().is_some_and(|server| server.takes_all) {
            machine.dir.grastate = Some((String::new(), at));
        }
        machine.dir.gvwstate = None;
        self.fail(index, "signal", 2, 6);
        self.member_lost(index);
    }

    /// A member said that it leaves: the others go on at once, one write-set further
    /// (tests/fixtures/galera/02-graceful/all-stopped).
    pub(super) fn left(&mut self, index: usize) {
        let Some(group) = self.group.as_mut() else { return };
        group.members.retain(|member| *member != index);
        if group.members.is_empty() {
            self.group = None;
        } else {
            self.next_view();
        }
    }

    /// A member is gone without a word: nobody can commit until the others agree.
    pub(super) fn member_lost(&mut self, index: usize) {
        let now = self.now;
        let alive = |index: &usize| self.machines.get(*index).is_some_and(|machine| machine.server.is_some());
        let Some(group) = self.group.as_mut().filter(|group| group.members.contains(&index)) else { return };
        if group.members.iter().any(alive) {
            group.lost = Some(now);
            self.plan(AGREES, usize::MAX, Event::NewView);
        } else {
            self.group = None;
        }
    }

    /// Whether the members look for a new view, by their own word.
    pub(super) fn seeks(&self) -> bool {
        let lost = self.group.as_ref().and_then(|group| group.lost);
        lost.is_some_and(|lost| self.now >= lost.saturating_add(SEEKS))
    }

    /// Those that are left agree: more than half of the last view go on, fewer are no Primary
    /// (tests/fixtures/galera/04-partition/nonprim).
    pub(super) fn new_view(&mut self) {
        let at = self.time();
        let now = self.now;
        let Some(group) = self.group.as_mut() else { return };
        // Another was lost since: the agreement begins anew.
        if group.lost.is_none_or(|lost| lost + AGREES > now) {
            return;
        }
        let alive = |index: &usize| {
            let phase = self.machines.get(*index).and_then(Machine::phase);
            matches!(phase, Some(Phase::Synced | Phase::Joining))
        };
        let (left, all) =
            (group.members.iter().copied().filter(alive).collect::<Vec<_>>(), group.members.len());
        group.lost = None;
        if left.len() * 2 > all {
            group.members = left;
            return self.next_view();
        }
        let count = left.len();
        self.group = None;
        for (place, index) in left.into_iter().enumerate() {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            machine.note(
                at,
                format!("New COMPONENT: primary = no, bootstrap = no, my_idx = {place}, memb_num = {count}"),
            );
            if let Some(server) = machine.server.as_mut() {
                server.phase = Phase::NonPrimary;
            }
        }
        self.may_re_form();
    }

    /// A view with other members: one write-set, one number, and every member saves it.
    fn next_view(&mut self) {
        let at = self.time();
        let Some(group) = self.group.as_mut() else { return };
        group.view += 1;
        group.conf += 1;
        group.seqno += 1;
        let (members, last) = (group.members.clone(), group.seqno);
        let count = members.len();
        for (place, index) in members.into_iter().enumerate() {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            machine.note(
                at,
                format!("New COMPONENT: primary = yes, bootstrap = no, my_idx = {place}, memb_num = {count}"),
            );
            if machine.is(&Phase::Synced) {
                machine.dir.engine.seqno = last;
                machine.dir.engine.logged = at;
            }
        }
        self.settle_view();
    }

    /// Every member writes its state files for the view: alone it is safe to bootstrap, with others it is not.
    fn settle_view(&mut self) {
        let at = self.time();
        let Some(group) = self.group.as_ref() else { return };
        let uuids: Vec<String> = group.members.iter().filter_map(|index| self.member(*index)).collect();
        let Some(head) = uuids.first() else { return };
        let lines: Vec<String> = uuids.iter().map(|uuid| format!("member: {uuid} 0\n")).collect();
        let view = format!(
            "#vwbeg\nview_id: 3 {head} {}\nbootstrap: {}\n{}#vwend\n",
            group.view,
            u8::from(group.reformed),
            lines.concat()
        );
        let alone = group.members.len() == 1;
        for (index, me) in group.members.clone().into_iter().zip(uuids) {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            machine.dir.gvwstate = Some((format!("my_uuid: {me}\n{view}"), at));
            // One whose state file gave its history up keeps it so until it has taken everything.
            if !machine.gave_up() {
                let uuid = machine.dir.engine.uuid.clone();
                machine.write_grastate(at, &uuid, -1, alone);
            }
        }
    }

    /// A member's UUID in the group.
    pub(super) fn member(&self, index: usize) -> Option<String> {
        let server = self.machines.get(index)?.server.as_ref()?;
        Some(server.member.clone())
    }
}

/// The saved view of a node that is there for it, and how many members that has.
fn here(machine: &Machine) -> Option<(String, usize)> {
    matches!(machine.phase(), Some(Phase::Waiting | Phase::NonPrimary)).then_some(())?;
    let view = machine.saved_view()?;
    Some((view.view_id.to_string(), view.members.len()))
}

fn held_is(machines: &[Machine], index: usize, seqno: u64) -> bool {
    machines.get(index).is_some_and(|machine| machine.dir.engine.seqno == seqno)
}
