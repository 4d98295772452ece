//! Who hears whom on the group's port.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::Machine;
use super::world::{Event, MILLI, World};

/// A connection over which nothing comes is closed after this (gmcast.peer_timeout, from the last message on): 2.2 s to
/// 3.7 s (tests/fixtures/lab/weight, tests/fixtures/lab/asymmetric), where a server was stopped 2.5 s
/// (tests/fixtures/sim/fault-freeze/at-2-g2.txt).
const CLOSES: u64 = 2_600 * MILLI;
/// A process that goes on finds its connections closed, and has made them again after this
/// (tests/fixtures/sim/fault-freeze/healed-2-g1.txt).
const CONNECTS: u64 = 1_500 * MILLI;

/// A time when a process was there and sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    pub(super) from: u64,
    /// When it went on.
    pub(super) to: Option<u64>,
}

/// A link in one direction on which nothing comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    since: u64,
    /// Packets go through again, and the members have not found each other yet.
    healing: bool,
}

/// Cut links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Network {
    cut: BTreeMap<(usize, usize), Cut>,
    /// To whom full transfers stand still.
    stalled: BTreeSet<usize>,
}

impl Network {
    /// Whether packets go both ways: a connection that is acknowledged in one direction only is none.
    pub(super) fn joins(&self, one: usize, other: usize) -> bool {
        self.apart_since(one, other).is_none()
    }

    /// Nothing comes through from now on, if not before.
    fn cut(&mut self, from: usize, to: usize, now: u64) {
        self.cut.entry((from, to)).or_insert(Cut { since: now, healing: false }).healing = false;
    }

    /// Whether nothing of a full transfer to it comes through.
    pub(super) fn stalls(&self, to: usize) -> bool {
        self.stalled.contains(&to)
    }

    fn apart_since(&self, one: usize, other: usize) -> Option<u64> {
        let cut = [self.cut.get(&(one, other)), self.cut.get(&(other, one))];
        cut.into_iter().flatten().map(|cut| cut.since).min()
    }
}

impl World {
    /// The named machines are cut from all others, and stay joined among themselves.
    pub(super) fn partition(&mut self, side: &[usize]) {
        for one in side {
            for other in (0..self.machines.len()).filter(|other| !side.contains(other)) {
                self.network.cut(*one, other, self.now);
                self.network.cut(other, *one, self.now);
            }
        }
        self.disturbed();
    }

    /// What one sends does not reach the other any more.
    pub(super) fn cut(&mut self, from: usize, to: usize) {
        self.network.cut(from, to, self.now);
        self.disturbed();
    }

    /// Packets of full transfers to it are dropped until all is healed: both ends wait for them
    /// (tests/fixtures/lab/stop-in-sst).
    pub(super) fn stall(&mut self, to: usize) {
        self.network.stalled.insert(to);
    }

    /// Every link is whole again. Whoever starts from now on finds the others as ever; members that were apart find each
    /// other in one of their next rounds of tries: two sides within 1.2 s to 2 s (tests/fixtures/lab/minority,
    /// tests/fixtures/sim/fault-partition/healed-2-g1.txt), more of them one after the other within 3.2 s to 5 s
    /// (tests/fixtures/lab/pc-bootstrap-minority,
    /// tests/fixtures/galera/04-partition/pcbootstrap-one-side/g2-heal-log.txt).
    pub(super) fn heal(&mut self) {
        let all: Vec<usize> = (0..self.machines.len()).collect();
        let (least, most) = if self.classes(&all).len() > 2 { (3_200, 5_000) } else { (1_200, 1_900) };
        self.network.stalled.clear();
        if self.network.cut.is_empty() {
            return;
        }
        let there: BTreeSet<usize> = all.into_iter().filter(|index| self.takes_part(*index)).collect();
        self.network.cut.retain(|(from, to), _| there.contains(from) && there.contains(to));
        for cut in self.network.cut.values_mut() {
            cut.healing = true;
        }
        let delay = self.rng.between(least, most) * MILLI;
        self.plan(delay, usize::MAX, Event::Healed);
    }

    /// They have found each other; links that were cut once more since stay so.
    pub(super) fn healed(&mut self) {
        self.network.cut.retain(|_, cut| !cut.healing);
        self.new_view();
        self.plan(super::gcomm::AGREES, usize::MAX, Event::NewView);
    }

    /// Members that cannot hear each other stall until they agree on who is left.
    fn disturbed(&mut self) {
        let now = self.now;
        for at in 0..self.groups.len() {
            let Some(group) = self.groups.get(at) else { continue };
            let members = group.members.clone();
            if self.classes(&members).len() > 1
                && let Some(group) = self.groups.get_mut(at)
            {
                group.lost.get_or_insert(now);
            }
        }
        self.plan(super::gcomm::AGREES + MILLI, usize::MAX, Event::NewView);
    }

    fn silence(&self, index: usize) -> Option<Silence> {
        self.machines.get(index)?.server.as_ref()?.silence
    }

    /// How long nothing has come from the other over their connection, beyond the beats of every second; in ns.
    pub(super) fn nothing_came(&self, one: usize, other: usize) -> u64 {
        let stands = self.silence(other).filter(|silence| silence.to.is_none()).map(|silence| silence.from);
        let since = self.network.apart_since(one, other).into_iter().chain(stands).min();
        since.map_or(0, |since| self.now.saturating_sub(since))
    }

    /// Whether the connection of two processes of the group stands: it outlasts a short silence, and is made anew after a
    /// long one.
    pub(super) fn is_connected(&self, one: usize, other: usize) -> bool {
        let outlasts = |since: u64, to: u64| to < since.saturating_add(CLOSES);
        let cut = self.network.apart_since(one, other);
        cut.is_none_or(|since| outlasts(since, self.now))
            && [one, other].into_iter().filter_map(|index| self.silence(index)).all(|silence| {
                outlasts(silence.from, silence.to.unwrap_or(self.now))
                    || silence.to.is_some_and(|to| self.now >= to.saturating_add(CONNECTS))
            })
    }

    /// Whether a process of the group is there and answers the others.
    pub(super) fn takes_part(&self, index: usize) -> bool {
        self.machines.get(index).is_some_and(Machine::is_heard)
    }

    /// Those of `among` that take part, in classes of which each hears itself: what two cannot send each other is relayed
    /// by a third (`turning message relay requesting on`, tests/fixtures/galera/04-partition/healed/g2-log.txt).
    pub(super) fn classes(&self, among: &[usize]) -> Vec<Vec<usize>> {
        let mut left: BTreeSet<usize> =
            among.iter().copied().filter(|index| self.takes_part(*index)).collect();
        let mut classes = Vec::new();
        while let Some(first) = left.pop_first() {
            let mut class = vec![first];
            let mut at = 0;
            while let Some(one) = class.get(at).copied() {
                let near: Vec<usize> =
                    left.iter().copied().filter(|other| self.network.joins(one, *other)).collect();
                left.retain(|other| !near.contains(other));
                class.extend(near);
                at += 1;
            }
            class.sort_unstable();
            classes.push(class);
        }
        classes
    }
}
