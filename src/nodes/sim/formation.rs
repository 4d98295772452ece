//! How a Primary Component is made where none is: a bootstrap, the last view again, or somebody's word.

use super::gcomm::component;
use super::machine::{Machine, Phase, ZERO};
use super::world::{Event, Group, World, get};

impl World {
    /// A new cluster of one: at once Primary, and safe until another joins (tests/fixtures/sim/bootstrapped-g1.txt). Where
    /// the state file names no history a new one begins, whatever the engine holds
    /// (tests/fixtures/galera/05-ahead/new-uuid).
    pub(super) fn found(&mut self, index: usize) {
        let at = self.time();
        let Some(machine) = self.machines.get(index) else { return };
        let fresh = machine.gave_up();
        let uuid = if fresh { self.uuid() } else { machine.dir.engine.uuid.clone() };
        let name = self.topology.cluster.to_string();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.note(at, format!("gcomm: bootstrapping new group '{name}'"));
        if fresh {
            machine.note(at, format!("GCache history reset: {ZERO}:0 -> {uuid}:0"));
            machine.dir.engine.begin(&uuid);
        }
        let held = machine.dir.engine.seqno;
        self.was_formed(Some(index), held);
        let id = self.form(vec![index], &uuid, held, (1, 1));
        let view = self.prim_view(id);
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.write_grastate(at, &uuid, -1, true);
        machine.note(at, view);
        machine.note(at, "Shifting CLOSED -> OPEN (TO: 0)");
        machine.note(at, "New COMPONENT: primary = yes, bootstrap = no, my_idx = 0, memb_num = 1");
        machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {})", held + 1));
        self.reaches(id, index);
        self.settle_view(id);
        self.synced(index);
        self.look_around();
    }

    /// The members of a view stand in the order of their UUIDs (tests/fixtures/galera/04-partition/healed/g1.txt).
    pub(super) fn in_order(&self, mut members: Vec<usize>) -> Vec<usize> {
        members.sort_by_key(|index| self.member(*index));
        members
    }

    /// A Primary Component where none was, in an epoch of its own, one seqno beyond what its first members hold.
    fn form(&mut self, members: Vec<usize>, uuid: &str, held: u64, (view, conf): (u64, u64)) -> u32 {
        self.epochs += 1;
        let id = self.epochs;
        let uuid = uuid.to_owned();
        let members = self.in_order(members);
        // What died of another group since its last view was agreed is in it by name only.
        for group in &mut self.groups {
            group.members.retain(|member| !members.contains(member));
        }
        self.groups.retain(|group| !group.members.is_empty());
        self.groups.push(Group {
            id,
            uuid,
            members,
            view,
            conf,
            seqno: held + 1,
            reformed: false,
            lost: None,
            left: false,
            apart: false,
        });
        id
    }

    /// Where all members of one saved view are there, it forms again by itself (pc.recovery). A view of one needs nobody
    /// (tests/fixtures/lab/view-alone).
    pub(super) fn may_re_form(&mut self) {
        let views: Vec<String> = self.machines.iter().filter_map(here).map(|view| view.0).collect();
        for view in views {
            let event = Event::Reform(view.clone());
            if self.complete(&view).is_some() && !self.is_planned(&event) {
                let delay = self.about(550);
                self.plan(delay, usize::MAX, event);
            }
        }
    }

    /// The machines of a saved view, where all its members are there and hear each other.
    fn complete(&self, view: &str) -> Option<Vec<usize>> {
        let there: Vec<(usize, usize)> = self
            .machines
            .iter()
            .enumerate()
            .filter_map(|(index, machine)| Some((index, here(machine)?)))
            .filter(|(_, (saved, _))| saved == view)
            .map(|(index, (_, members))| (index, members))
            .collect();
        let members = there.first().map(|(_, members)| *members)?;
        let there: Vec<usize> = there.into_iter().map(|(index, _)| index).collect();
        (there.len() == members && self.classes(&there) == [there.clone()]).then_some(there)
    }

    /// The last view forms again, one seqno further. Of servers that were started its number is three higher and its
    /// conf_id 0 (tests/fixtures/sim/reformed-g1.txt); of servers that were only apart conf_id goes on
    /// (tests/fixtures/galera/04-partition/healed).
    pub(super) fn reform(&mut self, view: &str) {
        let Some(members) = self.complete(view) else { return };
        let data: Vec<usize> = members.iter().copied().filter(|index| self.holds_data(*index)).collect();
        let held = |index: &usize| self.machines.get(*index).map(|machine| machine.dir.engine.seqno);
        let Some(most) = data.iter().filter_map(held).max() else { return };
        let donor = data.iter().copied().find(|index| held(index) == Some(most));
        let Some(donor) = donor else { return };
        let at = self.time();
        let number = view.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0u64) + 3;
        let apart = members
            .iter()
            .filter_map(|index| self.machines.get(*index)?.server.as_ref())
            .filter_map(|server| server.last_conf);
        let conf = apart.max();
        self.was_formed(None, most);
        let uuid =
            self.machines.get(donor).map(|machine| machine.dir.engine.uuid.clone()).unwrap_or_default();
        let id = self.form(members.clone(), &uuid, most, (number, conf.map_or(0, |conf| conf + 1)));
        if let Some(group) = self.group(id) {
            group.reformed = conf.is_none();
        }
        let (count, view) = (members.len(), self.prim_view(id));
        for (place, index) in members.iter().copied().enumerate() {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            if conf.is_some() {
                machine.note(at, "re-bootstrapping prim from partitioned components");
                machine.note(at, &view);
                machine.note(at, component("yes", "no", place, count));
            } else {
                machine.note(at, "Shifting CLOSED -> OPEN (TO: 0)");
                machine.note(at, component("no", "no", place, count));
                machine.note(at, &view);
                machine.note(at, component("yes", "yes", place, count));
            }
        }
        self.settle_view(id);
        for index in members {
            if !self.holds_data(index) || self.is_level(index, &uuid, most) {
                self.reaches(id, index);
                if let Some(machine) = get(&mut self.machines, index) {
                    machine.note(at, format!("Shifting JOINED -> SYNCED (TO: {})", most + 1));
                }
                self.synced(index);
            } else {
                self.transfer(index, donor);
            }
        }
        self.look_around();
    }

    fn is_level(&self, index: usize, uuid: &str, seqno: u64) -> bool {
        self.machines.get(index).is_some_and(|machine| {
            machine.dir.engine.uuid == uuid && machine.dir.engine.seqno == seqno && !machine.gave_up()
        })
    }

    /// Somebody sets pc.bootstrap on a server: what it can reach of those that lost their Primary becomes one
    /// (tests/fixtures/galera/04-partition/pcbootstrap-one-side). A Primary ignores it; a server that is disconnected, or
    /// answers no SQL, does not take it.
    pub(super) fn pc_bootstrap(&mut self, index: usize) -> Result<(), &'static str> {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index).filter(|machine| machine.answers()) else {
            return Err("its server answers no SQL");
        };
        match machine.phase() {
            Some(Phase::Synced | Phase::Joining) => {
                machine.note(at, "ignoring 'pc.bootstrap' in state PRIM");
                return Ok(());
            }
            Some(Phase::NonPrimary) => {}
            _ => return Err("ERROR 1210 (HY000): Incorrect arguments to SET"),
        }
        let apart: Vec<usize> = self.every(&Phase::NonPrimary);
        let Some(members) = self.classes(&apart).into_iter().find(|class| class.contains(&index)) else {
            return Err("it hears nobody, not even itself");
        };
        let held = |index: &usize| self.machines.get(*index).map(|machine| machine.dir.engine.seqno);
        let most = members.iter().filter_map(held).max().unwrap_or_default();
        let donor = members.iter().copied().find(|index| held(index) == Some(most)).unwrap_or(index);
        let Some(server) = self.machines.get(index).and_then(|machine| machine.server.as_ref()) else {
            return Err("its server is gone");
        };
        let conf = server.last_conf.unwrap_or(0) + 1;
        let uuid =
            self.machines.get(donor).map(|machine| machine.dir.engine.uuid.clone()).unwrap_or_default();
        let number = self.machines.get(index).and_then(Machine::saved_view);
        let number =
            number.and_then(|view| view.view_id.to_string().rsplit(' ').next()?.parse().ok()).unwrap_or(0u64);
        self.was_formed(Some(index), most);
        let id = self.form(members.clone(), &uuid, most, (number + 1, conf));
        if let Some(group) = self.group(id) {
            group.reformed = true;
        }
        let (count, view) = (members.len(), self.prim_view(id));
        for (place, index) in members.iter().copied().enumerate() {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            machine.note(at, &view);
            machine.note(at, component("yes", "yes", place, count));
        }
        self.settle_view(id);
        for index in members {
            if self.is_level(index, &uuid, most) {
                self.reaches(id, index);
                self.synced(index);
            } else if self.holds_data(index) {
                self.transfer(index, donor);
            }
        }
        self.look_around();
        Ok(())
    }
}

/// The saved view of a node that is there for it, and how many members that has.
fn here(machine: &Machine) -> Option<(String, usize)> {
    matches!(machine.phase(), Some(Phase::Waiting | Phase::NonPrimary)).then_some(())?;
    let view = machine.saved_view()?;
    Some((view.view_id.to_string(), view.members.len()))
}
