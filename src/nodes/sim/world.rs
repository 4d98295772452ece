//! The simulated machines and their group, moved by events on a virtual clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::machine::{Machine, Phase};
use super::network::Network;
use super::ports::nanos;
use super::rng::Rng;
use super::topology::{Formed, NodeTruth, Overwritten, Topology, Truth};
use crate::facts::{NodeName, Role, Seqno};

/// How long before the beginning the cluster was set up: its journals begin there.
const PAST: u64 = 7200 * SECOND;
pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MILLI: u64 = 1_000_000;
/// How often clients commit.
const LOAD_EVERY: u64 = 250 * MILLI;

/// What happens by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Clients commit.
    Load,
    /// The unit's own recovery of the position is done, and the server begins.
    Recovered,
    /// The server has tried the other members.
    Connected,
    /// It gives up: no saved view, and nobody there.
    GiveUp,
    /// It tries the others once more.
    Complain,
    /// The transfer is over.
    Transferred { donor: usize, full: bool },
    /// The donor has given what it had to.
    Given,
    /// systemd starts the server again.
    Restart,
    /// The start has taken too long.
    TimedOut,
    /// So has the stop.
    StopTimedOut,
    /// The machine has booted.
    Booted,
    /// A second is over on a machine.
    Second(usize),
    /// A server that was told to end does.
    Obeys,
    /// What is written finds no room.
    Cramped,
    /// The last view forms again.
    Reform(String),
    /// Those that hear each other agree on views.
    NewView,
    /// Those that were apart have found each other.
    Healed,
    /// A server that was stopped finds out what went on without it.
    Awake,
    /// A recovery in the data directory is over.
    Direct(String),
    /// The transfer's script cannot listen.
    PortTaken,
    /// What starts a machine's server whenever it is down looks again.
    Meddles(usize),
    /// monit looks again on a machine.
    Monit(usize),
    /// A proxy checks its servers.
    Checks(usize),
}

/// A Primary Component.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Its number, which is also that of its epoch (S25).
    pub(super) id: u32,
    /// The history it goes on with.
    pub(super) uuid: String,
    pub(super) members: Vec<usize>,
    /// The view's number in the group's own count, and wsrep_cluster_conf_id.
    pub(super) view: u64,
    pub(super) conf: u64,
    /// The last write-set that was committed in it.
    pub(super) seqno: u64,
    /// It was formed from a saved view.
    pub(super) reformed: bool,
    /// When a member was last lost without a word: nothing is committed until the others agree.
    pub(super) lost: Option<u64>,
    /// A member left in order since.
    pub(super) left: bool,
    /// It met another Primary, and both stayed as they were.
    pub(super) apart: bool,
}

/// Everything.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) topology: Topology,
    /// Nanoseconds since the cluster was set up.
    pub(super) now: u64,
    pub(super) machines: Vec<Machine>,
    /// The machine that each name leads to.
    pub(super) leads: Vec<usize>,
    /// The Primary Components, the oldest first.
    pub(super) groups: Vec<Group>,
    /// How many there were.
    pub(super) epochs: u32,
    pub(super) network: Network,
    pub(super) rng: Rng,
    pub(super) formed: Vec<Formed>,
    pub(super) overwritten: Vec<Overwritten>,
    /// Where a row of the check was read back since.
    pub(super) read_back: BTreeSet<usize>,
    /// By time, then in the order in which they were planned: machine, its run, what happens.
    events: BTreeMap<(u64, u64), (usize, u64, Event)>,
    planned: u64,
    /// How many happened.
    pub(super) happened: u64,
}

impl World {
    /// A cluster that was set up as a lab is, two hours before the topology's epoch, and has served since: so its journals,
    /// state files and views are those of the beginning.
    pub(super) fn new(topology: Topology, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let base = earlier(topology.epoch);
        let nodes = topology.machines().enumerate();
        let machines: Vec<Machine> = nodes
            .map(|(index, node)| {
                Machine::new(node, index, topology.restarts, base, &mut rng, topology.gcache)
            })
            .collect();
        let mut world = Self {
            topology,
            now: 0,
            leads: (0..machines.len()).collect(),
            machines,
            groups: Vec::new(),
            epochs: 0,
            network: Network::default(),
            rng,
            formed: Vec::new(),
            overwritten: Vec::new(),
            read_back: BTreeSet::new(),
            events: BTreeMap::new(),
            planned: 0,
            happened: 0,
        };
        let load = std::mem::take(&mut world.topology.load);
        for index in 0..world.machines.len() {
            world.start(index, index == 0);
            world.run_to(world.now + 60 * SECOND);
        }
        // What was committed since need not be told one by one.
        let committed = world.rng.between(8_000, 12_000);
        if load > 0 {
            world.commit(committed);
        }
        world.formed.clear();
        world.overwritten.clear();
        world.topology.load = load;
        world.now = world.now.max(PAST);
        let now = world.time();
        for machine in &mut world.machines {
            machine.dir.engine.logged = now;
        }
        world.plan(LOAD_EVERY, usize::MAX, Event::Load);
        world.watch_over();
        world.begin_seconds();
        world
    }

    /// The virtual clock.
    pub(super) fn time(&self) -> Timestamp {
        self.moment(self.now)
    }

    pub(super) fn moment(&self, at: u64) -> Timestamp {
        let passed = SignedDuration::try_from(Duration::from_nanos(at)).unwrap_or_default();
        earlier(self.topology.epoch).checked_add(passed).unwrap_or(self.topology.epoch)
    }

    pub(super) fn since_epoch(&self) -> u64 {
        self.now.saturating_sub(PAST)
    }

    pub(super) fn find(&self, name: &NodeName) -> Option<usize> {
        self.machines.iter().position(|machine| machine.name == *name)
    }

    /// Plans what happens to a machine after `delay`, unless its server ends or starts before.
    pub(super) fn plan(&mut self, delay: u64, index: usize, event: Event) {
        let run = self.machines.get(index).map_or(0, |machine| machine.run);
        self.planned += 1;
        self.events.insert((self.now.saturating_add(delay), self.planned), (index, run, event));
    }

    pub(super) fn is_planned(&self, event: &Event) -> bool {
        self.events.values().any(|(_, _, planned)| planned == event)
    }

    /// Whether it is to happen no later than that.
    pub(super) fn is_planned_within(&self, delay: u64, event: &Event) -> bool {
        let until = self.now.saturating_add(delay);
        let soon = self.events.range(..=(until, u64::MAX));
        soon.into_iter().any(|(_, (_, _, planned))| planned == event)
    }

    /// Lets the time pass until then.
    pub(super) fn run_to(&mut self, until: u64) {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), (index, run, event)) = entry.remove_entry();
            self.now = self.now.max(at);
            let current = self.machines.get(index).map_or(0, |machine| machine.run);
            if current == run && !self.is_put_off(index, &event) {
                self.happened += 1;
                self.happen(index, event);
            }
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, index: usize, event: Event) {
        self.happened += 1;
        match event {
            Event::Load => {
                self.clients_commit();
                self.plan(LOAD_EVERY, usize::MAX, Event::Load);
            }
            Event::Recovered => self.serve(index),
            Event::Connected => self.connected(index),
            Event::GiveUp => self.give_up(index),
            Event::Complain => self.complain(index),
            Event::Transferred { donor, full } => self.transferred(index, donor, full),
            Event::Given => self.sent(index),
            Event::Restart => self.restarted(index),
            Event::TimedOut => self.timed_out(index),
            Event::StopTimedOut => self.stop_timed_out(index),
            Event::Booted => self.booted(index),
            Event::Second(index) => self.second(index),
            Event::Obeys => self.shut_down(index),
            Event::Cramped => self.cramped(index),
            Event::Reform(view) => self.reform(&view),
            Event::NewView => self.new_view(),
            Event::Healed => self.healed(),
            Event::Awake => self.awake(index),
            Event::Direct(op) => self.recovered_directly(&op),
            Event::PortTaken => self.port_taken(index),
            Event::Meddles(index) => self.meddles(index),
            Event::Monit(index) => self.monit_looks(index),
            Event::Checks(index) => self.checks(index),
        }
    }

    fn clients_commit(&mut self) {
        let usual = self.topology.load * LOAD_EVERY / SECOND;
        if usual > 0 {
            let sets = self.rng.between(usual / 2, usual + usual / 2);
            self.commit(sets);
        }
    }

    /// Clients commit in every Primary that takes writes.
    pub(super) fn commit(&mut self, sets: u64) {
        for id in self.groups.iter().map(|group| group.id).collect::<Vec<_>>() {
            self.commit_in(id, sets);
        }
    }

    /// Commits write-sets in a Primary, where it takes writes.
    pub(super) fn commit_in(&mut self, id: u32, sets: u64) {
        let now = self.time();
        let Some(group) = self.groups.iter().find(|group| group.id == id && group.lost.is_none()) else {
            return;
        };
        let members = group.members.clone();
        let applies = |machine: &Machine| machine.is(&Phase::Synced) && machine.role == Role::Data;
        if !members.iter().filter_map(|index| self.machines.get(*index)).any(applies) {
            return;
        }
        let differs: Vec<usize> = members
            .iter()
            .copied()
            .filter(|index| {
                self.machines.get(*index).is_some_and(|machine| applies(machine) && machine.dir.differs)
            })
            .collect();
        for index in differs {
            self.vote_out(index);
        }
        let Some(group) = self.group(id) else { return };
        group.seqno += sets;
        let (seqno, members, keeps) = (group.seqno, group.members.clone(), self.topology.gcache);
        for index in members {
            let Some(machine) = get(&mut self.machines, index) else { continue };
            if applies(machine) {
                machine.dir.engine.commit(id, seqno, now);
                machine.dir.cached_from = machine.dir.cached_from.max(seqno.saturating_sub(keeps) + 1);
                self.needs_room(index);
            }
        }
    }

    /// What really is.
    pub(super) fn truth(&self) -> Truth {
        let node = |(index, machine): (usize, &Machine)| {
            Some(NodeTruth {
                name: machine.name.clone(),
                uuid: machine.dir.engine.uuid.parse().ok(),
                seqno: seqno(machine.dir.engine.seqno)?,
                running: machine.server.is_some(),
                // One that was thawed believes it, and is no member any more.
                synced: machine.is(&Phase::Synced) && self.group_of(index).is_some(),
                holds: machine.dir.engine.holds.parts(),
                frozen: machine.unit.frozen.clone(),
                lease: machine.lease.as_ref().map(|lease| lease.session.clone()),
                check_schema: machine.dir.engine.marks.is_some(),
            })
        };
        // In the topology's order, not in that of their UUIDs.
        let names = |members: &[usize]| {
            let all = self.machines.iter().enumerate();
            all.filter(|(index, _)| members.contains(index))
                .map(|(_, machine)| machine.name.clone())
                .collect()
        };
        Truth {
            nodes: self
                .machines
                .iter()
                .enumerate()
                .filter(|(_, machine)| machine.role == Role::Data)
                .filter_map(node)
                .collect(),
            formed: self.formed.clone(),
            read_back: self
                .read_back
                .iter()
                .filter_map(|index| self.machines.get(*index))
                .map(|machine| machine.name.clone())
                .collect(),
            overwritten: self.overwritten.clone(),
            primaries: self.groups.iter().map(|group| names(&group.members)).collect(),
        }
    }

    /// Notes that a Primary Component was formed where none was.
    pub(super) fn was_formed(&mut self, by: Option<usize>, position: u64) {
        self.read_back.clear();
        let Some(position) = seqno(position) else { return };
        let held = |machine: &Machine| Some((machine.name.clone(), seqno(machine.dir.engine.seqno)?));
        self.formed.push(Formed {
            at: Duration::from_nanos(self.since_epoch()),
            by: by.and_then(|index| self.machines.get(index)).map(|machine| machine.name.clone()),
            position,
            held: self
                .machines
                .iter()
                .filter(|machine| machine.role == Role::Data)
                .filter_map(held)
                .collect(),
        });
    }

    /// A delay of about so many milliseconds: a tenth more or less.
    pub(super) fn about(&mut self, millis: u64) -> u64 {
        let tenth = millis / 10;
        self.rng.between(millis - tenth, millis + tenth) * MILLI
    }

    /// A UUID of the form that a member or a history gets: from the clock.
    pub(super) fn uuid(&mut self) -> String {
        let ticks = u64::try_from(self.time().as_microsecond()).unwrap_or(0).wrapping_mul(10);
        let (sequence, node) = (self.rng.between(0x8000, 0xbfff), self.rng.hex(12));
        format!("{:08x}-e56d-11f1-{sequence:04x}-{node}", ticks & 0xffff_ffff)
    }
}

pub(super) fn get(machines: &mut [Machine], index: usize) -> Option<&mut Machine> {
    machines.get_mut(index)
}

pub(super) fn seqno(value: u64) -> Option<Seqno> {
    i64::try_from(value).ok().and_then(Seqno::new)
}

fn earlier(epoch: Timestamp) -> Timestamp {
    let past = SignedDuration::try_from(Duration::from_nanos(PAST)).unwrap_or_default();
    epoch.checked_sub(past).unwrap_or(epoch)
}

/// How long something takes, in the world's own unit.
pub(super) fn span(time: Duration) -> u64 {
    nanos(time)
}
