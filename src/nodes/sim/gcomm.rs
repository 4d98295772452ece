//! The group: who hears whom agrees on views; more than half of the last Primary Component go on, fewer are none.

use super::machine::{Machine, Phase, View, ZERO};
use super::network::Silence;
use super::world::{Event, Group, MILLI, SECOND, World, get};
use crate::facts::Role;

/// Members that fell silent are declared dead after this (evs.suspect_timeout and a second;
/// tests/fixtures/galera/07-garbd/garbd.log).
pub(super) const AGREES: u64 = 6 * SECOND;
/// From then on a member says that it looks for a new view.
const SEEKS: u64 = 5 * SECOND;
/// How long a round of tries to reach the others takes.
const TRIES: u64 = SECOND;

impl World {
    /// The Primary Component that a machine is a member of.
    pub(super) fn group_of(&self, index: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.members.contains(&index))
    }

    pub(super) fn group(&mut self, id: u32) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.id == id)
    }

    /// What a node counts in the quorum (pc.weight).
    pub(super) fn weight(&self, index: usize) -> u64 {
        self.topology.weights.get(index).copied().unwrap_or(1)
    }

    fn weigh(&self, members: &[usize]) -> u64 {
        members.iter().map(|member| self.weight(*member)).sum()
    }

    /// What is committed in the group is in the engine of a member that was up to date before.
    pub(super) fn reaches(&mut self, id: u32, index: usize) {
        let at = self.time();
        let Some(to) = self.group(id).map(|group| group.seqno) else { return };
        if let Some(machine) = get(&mut self.machines, index) {
            machine.dir.engine.commit(id, to, at);
        }
    }

    /// Who waits, or lost its Primary, finds what there is in its next round.
    pub(super) fn look_around(&mut self) {
        let delay = self.about(TRIES / MILLI);
        // Each of those that wait asks for it, at every look.
        if !self.is_planned_within(delay, &Event::NewView) {
            self.plan(delay, usize::MAX, Event::NewView);
        }
    }

    /// In sync: it serves.
    pub(super) fn synced(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let name = machine.name.clone();
        let Some(server) = machine.server.as_mut() else { return };
        let was_ready = server.ready;
        (server.phase, server.ready) = (Phase::Synced, true);
        (server.takes_all, server.donor) = (false, None);
        machine.note(at, format!("Server {name} synced with group"));
        machine.note(at, "Synchronized with group, ready for connections");
        if !was_ready {
            self.ready(index);
        }
    }

    /// The first round to the others is over: join the Primary there is, form the last view again, or wait.
    pub(super) fn connected(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = self.machines.get(index).filter(|machine| machine.is(&Phase::Connecting)) else {
            return;
        };
        let has_view = machine.saved_view().is_some();
        let Some(machine) = get(&mut self.machines, index) else { return };
        if let Some(server) = machine.server.as_mut() {
            server.phase = Phase::Waiting;
        }
        if self.primary_near(index).is_some() {
            self.new_view();
        }
        // One that is about to die, or that has nobody who could give, takes nobody in.
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.is(&Phase::Waiting))
        else {
            return;
        };
        machine.note(at, "No nodes coming from primary view, primary view is not possible");
        machine.note(at, "New COMPONENT: primary = no, bootstrap = no, my_idx = 0, memb_num = 1");
        if has_view {
            self.plan(TRIES, index, Event::Complain);
            self.may_re_form();
        } else {
            self.plan(super::life::GIVES_UP, index, Event::GiveUp);
        }
    }

    /// The Primary Component that a process which is no member can reach.
    fn primary_near(&self, index: usize) -> Option<u32> {
        let all: Vec<usize> = (0..self.machines.len()).collect();
        let class = self.classes(&all).into_iter().find(|class| class.contains(&index))?;
        self.groups
            .iter()
            .filter(|group| group.members.iter().any(|member| self.holds_data(*member)))
            .find(|group| group.members.iter().any(|member| class.contains(member)))
            .map(|group| group.id)
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

    pub(super) fn holds_data(&self, index: usize) -> bool {
        self.machines.get(index).is_some_and(|machine| machine.role == Role::Data)
    }

    pub(super) fn every(&self, phase: &Phase) -> Vec<usize> {
        let all = self.machines.iter().enumerate();
        all.filter(|(_, machine)| machine.is(phase)).map(|(index, _)| index).collect()
    }

    /// A member said that it leaves: the others go on at once, one write-set further
    /// (tests/fixtures/galera/02-graceful/all-stopped).
    pub(super) fn left(&mut self, index: usize) {
        let Some(id) = self.group_of(index).map(|group| group.id) else { return };
        let Some(group) = self.group(id) else { return };
        group.members.retain(|member| *member != index);
        if group.members.is_empty() {
            self.groups.retain(|group| group.id != id);
        } else if group.lost.is_some() {
            // The others still seek who is there: one view tells them of both.
            group.left = true;
        } else {
            self.next_view(id);
        }
    }

    /// A member is gone without a word: nobody can commit until the others agree.
    pub(super) fn member_lost(&mut self, index: usize) {
        let now = self.now;
        let alive = |index: &usize| {
            self.machines.get(*index).is_some_and(|machine| machine.server.is_some()) && !self.is_anew(*index)
        };
        let Some(group) = self.group_of(index) else { return };
        let (id, any) = (group.id, group.members.iter().any(alive));
        if !any {
            self.groups.retain(|group| group.id != id);
        } else if let Some(group) = self.group(id) {
            group.lost = Some(now);
            self.plan(AGREES, usize::MAX, Event::NewView);
        }
    }

    /// Whether the members of its group look for a new view, by their own word.
    pub(super) fn seeks(&self, index: usize) -> bool {
        let lost = self.group_of(index).and_then(|group| group.lost);
        lost.is_some_and(|lost| self.now >= lost.saturating_add(SEEKS))
    }

    /// Those that hear each other agree: groups shrink, meet, or take in whoever is none's member. An arbitrator that was
    /// left alone has forgotten everybody, and nobody looks for it (tests/fixtures/lab/garbd-alone).
    pub(super) fn new_view(&mut self) {
        for id in self.groups.iter().map(|group| group.id).collect::<Vec<_>>() {
            self.shrink(id);
        }
        let all: Vec<usize> = (0..self.machines.len()).collect();
        for class in self.classes(&all) {
            let mut near: Vec<u32> = self
                .groups
                .iter()
                .filter(|group| group.members.iter().any(|member| class.contains(member)))
                .filter(|group| group.members.iter().any(|member| self.holds_data(*member)))
                .map(|group| group.id)
                .collect();
            if near.len() > 1 {
                near = self.meet(&near);
            }
            if let [id] = near.as_slice() {
                self.take_in(*id, &class);
            }
        }
        self.may_re_form();
    }

    /// Whether its process was started since: that is another member, which has to join first.
    fn is_anew(&self, index: usize) -> bool {
        let phase = self.machines.get(index).and_then(Machine::phase);
        matches!(phase, Some(Phase::Recovering | Phase::Connecting | Phase::Waiting))
    }

    /// More than half of the last view go on; the others lose their Primary (tests/fixtures/galera/04-partition/nonprim).
    fn shrink(&mut self, id: u32) {
        let now = self.now;
        let Some(group) = self.group(id) else { return };
        // Another was lost since: the agreement begins anew.
        if group.lost.is_some_and(|lost| lost + AGREES > now) {
            return;
        }
        group.lost = None;
        let members = group.members.clone();
        let whole = self.weigh(&members);
        let there: Vec<usize> = members.iter().copied().filter(|index| !self.is_anew(*index)).collect();
        let classes = self.classes(&there);
        if classes.iter().any(|class| class.len() == members.len()) {
            if self.group(id).is_some_and(|group| std::mem::take(&mut group.left)) {
                self.next_view(id);
            }
            return;
        }
        let most = classes.iter().find(|class| self.weigh(class) * 2 > whole).cloned();
        match &most {
            Some(class) => {
                if let Some(group) = self.group(id) {
                    group.members.retain(|member| class.contains(member));
                }
            }
            None => self.groups.retain(|group| group.id != id),
        }
        for class in classes.iter().filter(|class| Some(*class) != most.as_ref()) {
            self.lose_primary(class);
        }
        if most.is_some() {
            self.next_view(id);
        }
    }

    fn lose_primary(&mut self, class: &[usize]) {
        let at = self.time();
        let count = class.len();
        for (place, index) in class.iter().copied().enumerate() {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            let seqno = machine.dir.engine.seqno;
            machine.note(at, component("no", "no", place, count));
            if machine.is(&Phase::Synced) {
                machine.note(at, format!("Shifting SYNCED -> OPEN (TO: {seqno})"));
            }
            let Some(server) = machine.server.as_mut() else { continue };
            (server.gives, server.gives_all) = (false, None);
            let joining = server.phase == Phase::Joining;
            server.last_conf = server.view.as_ref().map(|view| view.conf).or(server.last_conf);
            server.view = Some(View { primary: false, conf: u64::MAX, members: class.to_vec() });
            if joining {
                self.abandoned(index);
            } else if let Some(server) = machine.server.as_mut() {
                server.phase = Phase::NonPrimary;
            }
        }
    }

    /// Two Primary Components that hear each other. Both were seen: the one whose view is older goes on and the other's
    /// members leave the group (tests/fixtures/galera/04-partition/split-brain), or both stay as they are
    /// (tests/fixtures/lab/bootstrap-both, tests/fixtures/lab/trixie).
    fn meet(&mut self, near: &[u32]) -> Vec<u32> {
        if self.groups.iter().any(|group| near.contains(&group.id) && group.apart)
            || self.rng.between(0, 1) == 0
        {
            for group in self.groups.iter_mut().filter(|group| near.contains(&group.id)) {
                group.apart = true;
            }
            return near.to_vec();
        }
        let at = self.time();
        let Some((oldest, others)) = near.split_first() else { return Vec::new() };
        for id in others {
            let Some(group) = self.group(*id) else { continue };
            let members = std::mem::take(&mut group.members);
            self.groups.retain(|group| group.id != *id);
            for index in members {
                let Some(machine) = get(&mut self.machines, index) else { continue };
                machine.by_server(at, "ERROR", "WSREP: exception from gcomm, backend must be restarted: aborting due to conflicting prims: older overrides (FATAL)");
                self.disconnected(index, &Phase::Disconnected);
            }
        }
        vec![*oldest]
    }

    /// The server runs on without its group, and saves where it stands
    /// (tests/fixtures/galera/04-partition/split-brain-healed/g2.txt).
    pub(super) fn disconnected(&mut self, index: usize, phase: &Phase) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let seqno = machine.dir.engine.seqno;
        let safe = machine.is_safe();
        machine.note(at, "New SELF-LEAVE.");
        machine.note(at, format!("Shifting SYNCED -> CLOSED (TO: {seqno})"));
        machine.dir.gvwstate = None;
        let (uuid, seqno) = if *phase == Phase::Inconsistent {
            (ZERO.to_owned(), -1)
        } else {
            (machine.dir.engine.uuid.clone(), i64::try_from(seqno).unwrap_or(-1))
        };
        machine.write_grastate(at, &uuid, seqno, safe && *phase != Phase::Inconsistent);
        if let Some(server) = machine.server.as_mut() {
            (server.phase, server.view) = (phase.clone(), None);
            (server.gives, server.gives_all) = (false, None);
        }
    }

    /// The row that a member changed on its own cannot be changed by the others' write-set: it is voted out, keeps
    /// running, and gives its state up (tests/fixtures/galera/06-diskfull/full-innodb/g2.txt).
    pub(super) fn vote_out(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        let (uuid, seqno) = (machine.dir.engine.uuid.clone(), machine.dir.engine.seqno + 1);
        machine.dir.differs = false;
        // Its engine names the write-set that it could not apply.
        machine.dir.engine.seqno = seqno;
        machine.by_server(
            at,
            "ERROR",
            &format!("WSREP: Inconsistency detected: Inconsistent by consensus on {uuid}:{seqno}"),
        );
        self.disconnected(index, &Phase::Inconsistent);
        self.left(index);
    }

    /// Who hears a Primary and is none's member comes into it.
    fn take_in(&mut self, id: u32, class: &[usize]) {
        for index in class.iter().copied() {
            let waits = self
                .machines
                .get(index)
                .is_some_and(|machine| matches!(machine.phase(), Some(Phase::Waiting | Phase::NonPrimary)));
            if waits && self.group_of(index).is_none() {
                self.join(id, index);
            }
        }
    }

    /// A view with other members: one write-set, one number, and every member saves it.
    pub(super) fn next_view(&mut self, id: u32) {
        let at = self.time();
        let members = self.group(id).map(|group| group.members.clone()).unwrap_or_default();
        let members = self.in_order(members);
        let Some(group) = self.group(id) else { return };
        group.members.clone_from(&members);
        group.view += 1;
        group.conf += 1;
        group.seqno += 1;
        // That the view before had formed by itself is not said of this one
        // (tests/fixtures/galera/04-partition/split-brain/g3.txt).
        group.reformed = false;
        let (count, view) = (members.len(), self.prim_view(id));
        for (place, index) in members.iter().copied().enumerate() {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            machine.note(at, &view);
            machine.note(at, component("yes", "no", place, count));
            if machine.is(&Phase::Synced) {
                self.reaches(id, index);
            }
        }
        self.settle_view(id);
        // Whose donor is no member any more cannot be filled.
        for index in members.iter().copied() {
            let donor = self.machines.get(index).and_then(|machine| machine.server.as_ref()?.donor);
            if donor.is_some_and(|donor| !members.contains(&donor)) {
                self.abandoned(index);
            }
        }
    }

    /// The first line in which gcomm logs a Primary view: its representative's UUID in short, and its number
    /// (tests/fixtures/galera/03-kill9/autorestart-g1-log.txt).
    pub(super) fn prim_view(&mut self, id: u32) -> String {
        let Some((members, number)) = self.group(id).map(|group| (group.members.clone(), group.view)) else {
            return String::new();
        };
        let head = self.in_order(members).first().and_then(|index| self.member(*index)).unwrap_or_default();
        let mut parts = head.split('-');
        let (first, fourth) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
        format!("view(view_id(PRIM,{first}-{fourth},{number}) memb {{")
    }

    /// Every member writes its state files for the view: alone it is safe to bootstrap, with others it is not.
    pub(super) fn settle_view(&mut self, id: u32) {
        let at = self.time();
        let Some(group) = self.group(id) else { return };
        let group = group.clone();
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
        for (index, me) in group.members.iter().copied().zip(uuids) {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            if let Some(server) = machine.server.as_mut().filter(|server| server.gives_all.is_none()) {
                let members = group.members.clone();
                server.view = Some(View { primary: true, conf: group.conf, members });
                server.last_conf = Some(group.conf);
            }
            machine.dir.gvwstate = Some((format!("my_uuid: {me}\n{view}"), at));
            if machine.role != Role::Data {
                continue;
            }
            // One whose state file gave its history up keeps it so until it has taken everything, and a donor names its
            // position until it has given everything (tests/fixtures/sim/stop-in-sst/after-g1.txt).
            let gives_all = machine.server.as_ref().is_some_and(|server| server.gives_all.is_some());
            if !machine.gave_up() && !gives_all {
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

    /// SIGSTOP: the others miss it as if it were dead (tests/fixtures/galera/13-hangs/sigstop-mariadbd.txt).
    pub(super) fn frozen(&mut self, index: usize) {
        let now = self.now;
        if let Some(server) = get(&mut self.machines, index).and_then(|machine| machine.server.as_mut()) {
            // Whoever is stopped on a machine that stands still has been silent before.
            let goes_on = server.silence.is_none_or(|silence| silence.to.is_some());
            if goes_on {
                server.silence = Some(Silence { from: now, to: None });
            }
        }
        self.member_lost(index);
    }

    /// SIGCONT: it goes on where it was, and believes its last view for some six seconds; then it finds that it is alone,
    /// and comes back two seconds later (tests/fixtures/lab/freeze-10).
    pub(super) fn thawed(&mut self, index: usize) {
        let now = self.now;
        let server = get(&mut self.machines, index).and_then(|machine| machine.server.as_mut());
        if let Some(silence) =
            server.filter(|server| !server.stopped).and_then(|server| server.silence.as_mut())
        {
            silence.to = Some(now);
        }
        let delay = self.about(5_700);
        self.plan(delay, index, Event::Awake);
    }

    /// It has found out that the others went on without it.
    pub(super) fn awake(&mut self, index: usize) {
        let member = self.group_of(index).is_some();
        let believes = |machine: &Machine| matches!(machine.phase(), Some(Phase::Synced | Phase::Joining));
        let believes = self.machines.get(index).is_some_and(believes);
        if !member && believes {
            self.lose_primary(&[index]);
            let delay = self.about(2_000);
            self.plan(delay, usize::MAX, Event::NewView);
        }
    }
}

pub(super) fn component(primary: &str, bootstrap: &str, place: usize, count: usize) -> String {
    format!(
        "New COMPONENT: primary = {primary}, bootstrap = {bootstrap}, my_idx = {place}, memb_num = {count}"
    )
}
