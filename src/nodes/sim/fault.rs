//! What can be done to a simulated cluster, and how it is written: one line each, as a schedule has them.

use std::fmt;
use std::str::FromStr;

use super::automation::Asked;
use super::reach::{Lose, Way};
use super::world::World;
use crate::facts::NodeName;

/// What can happen to the cluster, past Breakglass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to the server; its service manager restarts it where its unit says so.
    Crash(NodeName),
    /// SIGKILL to the server, which does not come back by itself.
    Kill(NodeName),
    /// The same to all that runs for it, a transfer's processes too: nobody tidies up.
    KillAll(NodeName),
    /// Packets of a full transfer to it are dropped until `heal`.
    StallTransfer(NodeName),
    /// The server is stopped as an operator stops it.
    Stop(NodeName),
    /// Somebody starts the server.
    Start(NodeName),
    /// Somebody types `galera_new_cluster`.
    Bootstrap(NodeName),
    /// Somebody sets `pc.bootstrap=1` on a running server.
    PcBootstrap(NodeName),
    /// SIGSTOP to the server: its ports accept, it never answers.
    Freeze(NodeName),
    /// SIGCONT.
    Thaw(NodeName),
    /// The machine loses its power.
    PowerOff(NodeName),
    /// It boots.
    PowerOn(NodeName),
    /// The whole machine stands still.
    FreezeMachine(NodeName),
    /// It goes on.
    ThawMachine(NodeName),
    /// The named nodes, still joined among themselves, are cut from all others.
    Partition(Vec<NodeName>),
    /// What the first sends does not reach the second any more.
    Cut(NodeName, NodeName),
    /// All links between nodes are whole again.
    Heal,
    /// No SSH from here: packets are dropped.
    Unreachable(NodeName),
    /// SSH is there again.
    Reachable(NodeName),
    /// The connection of the next act is lost before the node has it.
    LoseBefore(NodeName),
    /// The connection of the next act is lost after the node has it, and before it answers.
    LoseAfter(NodeName),
    /// The addresses of two nodes lead to each other's machine.
    Swap(NodeName, NodeName),
    /// Another operator's session takes the lease.
    Hold(NodeName),
    /// It applies what it receives more slowly than the others from now on.
    Slow(NodeName),
    /// A row is changed on this node alone: the next write-set that touches it cannot be applied there.
    Differ(NodeName),
    /// Somebody writes `safe_to_bootstrap: 1` into its state file by hand.
    MarkSafe(NodeName),
    /// Somebody removes grastate.dat and gvwstate.dat.
    WipeState(NodeName),
    /// Somebody empties the data directory.
    WipeData(NodeName),
    /// The data volume is filled to less than 1 MiB.
    FillDisk(NodeName),
    /// What filled it is gone.
    FreeDisk(NodeName),
    /// The state file belongs to root, and no other can read it.
    WrongOwner(NodeName),
    /// What a bootstrap leaves that dies half-way: the next start would found a cluster.
    LeftoverFlag(NodeName),
    /// A transfer's process holds port 4444 though no server runs.
    OrphanTransfer(NodeName),
    /// Something starts the server whenever it is down, every second.
    Meddle(NodeName),
    /// It is gone.
    EndMeddle(NodeName),
    /// Somebody types `monit start mariadb`.
    MonitStart(NodeName),
    /// `monit stop mariadb`.
    MonitStop(NodeName),
    /// `monit monitor mariadb`.
    Monitor(NodeName),
    /// `monit unmonitor mariadb`.
    Unmonitor(NodeName),
}

/// Why something could not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPossible {
    /// There is no such node.
    #[error("the simulated cluster has no node {0}")]
    NoSuchNode(NodeName),
    /// It makes no sense there and then.
    #[error("{fault}: {why}")]
    Pointless {
        /// What was to happen.
        fault: String,
        /// Why it cannot.
        why: &'static str,
    },
}

/// A line that names nothing that can happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{line}` is nothing that can happen: {why}")]
pub struct NotAFault {
    /// The line.
    pub line: String,
    /// Why.
    pub why: String,
}

/// A fault of one node: how it is written, and made.
type OfOne = (&'static str, fn(NodeName) -> Fault);

const OF_ONE: &[OfOne] = &[
    ("crash", Fault::Crash),
    ("kill", Fault::Kill),
    ("kill-all", Fault::KillAll),
    ("stall-transfer", Fault::StallTransfer),
    ("stop", Fault::Stop),
    ("start", Fault::Start),
    ("bootstrap", Fault::Bootstrap),
    ("pc-bootstrap", Fault::PcBootstrap),
    ("freeze", Fault::Freeze),
    ("thaw", Fault::Thaw),
    ("power-off", Fault::PowerOff),
    ("power-on", Fault::PowerOn),
    ("freeze-machine", Fault::FreezeMachine),
    ("thaw-machine", Fault::ThawMachine),
    ("unreachable", Fault::Unreachable),
    ("reachable", Fault::Reachable),
    ("lose-before", Fault::LoseBefore),
    ("lose-after", Fault::LoseAfter),
    ("hold", Fault::Hold),
    ("slow", Fault::Slow),
    ("differ", Fault::Differ),
    ("mark-safe", Fault::MarkSafe),
    ("wipe-state", Fault::WipeState),
    ("wipe-data", Fault::WipeData),
    ("fill-disk", Fault::FillDisk),
    ("free-disk", Fault::FreeDisk),
    ("wrong-owner", Fault::WrongOwner),
    ("leftover-flag", Fault::LeftoverFlag),
    ("orphan-transfer", Fault::OrphanTransfer),
    ("meddle", Fault::Meddle),
    ("end-meddle", Fault::EndMeddle),
    ("monit-start", Fault::MonitStart),
    ("monit-stop", Fault::MonitStop),
    ("monitor", Fault::Monitor),
    ("unmonitor", Fault::Unmonitor),
];

impl Fault {
    /// The nodes it names.
    pub fn nodes(&self) -> Vec<&NodeName> {
        match self {
            Self::Heal => Vec::new(),
            Self::Partition(nodes) => nodes.iter().collect(),
            Self::Cut(one, other) | Self::Swap(one, other) => vec![one, other],
            Self::Crash(node)
            | Self::Kill(node)
            | Self::KillAll(node)
            | Self::StallTransfer(node)
            | Self::Stop(node)
            | Self::Start(node)
            | Self::Bootstrap(node)
            | Self::PcBootstrap(node)
            | Self::Freeze(node)
            | Self::Thaw(node)
            | Self::PowerOff(node)
            | Self::PowerOn(node)
            | Self::FreezeMachine(node)
            | Self::ThawMachine(node)
            | Self::Unreachable(node)
            | Self::Reachable(node)
            | Self::LoseBefore(node)
            | Self::LoseAfter(node)
            | Self::Hold(node)
            | Self::Slow(node)
            | Self::Differ(node)
            | Self::MarkSafe(node)
            | Self::WipeState(node)
            | Self::WipeData(node)
            | Self::FillDisk(node)
            | Self::FreeDisk(node)
            | Self::WrongOwner(node)
            | Self::LeftoverFlag(node)
            | Self::OrphanTransfer(node)
            | Self::Meddle(node)
            | Self::EndMeddle(node)
            | Self::MonitStart(node)
            | Self::MonitStop(node)
            | Self::Monitor(node)
            | Self::Unmonitor(node) => vec![node],
        }
    }

    /// The word it is written with.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Heal => "heal",
            Self::Partition(_) => "partition",
            Self::Cut(..) => "cut",
            Self::Swap(..) => "swap",
            of_one => {
                let made = |make: &fn(NodeName) -> Self| {
                    let node = of_one.nodes().first().map(|node| (*node).clone());
                    node.is_some_and(|node| make(node) == *of_one)
                };
                OF_ONE.iter().find(|(_, make)| made(make)).map_or("", |(word, _)| word)
            }
        }
    }

    /// Whether it is done by something or somebody on the machine itself.
    fn happens_on_a_machine(&self) -> bool {
        matches!(
            self,
            Self::Crash(_)
                | Self::Kill(_)
                | Self::KillAll(_)
                | Self::Stop(_)
                | Self::Start(_)
                | Self::Bootstrap(_)
                | Self::PcBootstrap(_)
                | Self::Freeze(_)
                | Self::Thaw(_)
                | Self::Slow(_)
                | Self::Differ(_)
                | Self::MarkSafe(_)
                | Self::WipeState(_)
                | Self::WipeData(_)
                | Self::FillDisk(_)
                | Self::FreeDisk(_)
                | Self::WrongOwner(_)
                | Self::LeftoverFlag(_)
                | Self::OrphanTransfer(_)
        )
    }

    /// Why it makes no sense there and then.
    pub(super) fn pointless(&self, why: &'static str) -> NotPossible {
        NotPossible::Pointless { fault: self.to_string(), why }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        self.nodes().iter().try_for_each(|node| write!(f, " {node}"))
    }
}

impl FromStr for Fault {
    type Err = NotAFault;

    /// One line: the word, then the nodes, each after a blank.
    fn from_str(line: &str) -> Result<Self, NotAFault> {
        let refuse = |why: String| NotAFault { line: line.to_owned(), why };
        let mut words = line.split_whitespace();
        let word = words.next().ok_or_else(|| refuse("it is empty".to_owned()))?;
        let nodes: Vec<NodeName> = words
            .map(|name| NodeName::new(name).map_err(|_| refuse(format!("{name} is no node's name"))))
            .collect::<Result<_, _>>()?;
        let make = OF_ONE.iter().find(|(known, _)| *known == word).map(|(_, make)| make);
        match (word, make, nodes.as_slice()) {
            ("heal", _, []) => Ok(Self::Heal),
            ("partition", _, [_, ..]) => Ok(Self::Partition(nodes)),
            ("cut", _, [one, other]) if one != other => Ok(Self::Cut(one.clone(), other.clone())),
            ("swap", _, [one, other]) if one != other => Ok(Self::Swap(one.clone(), other.clone())),
            (_, Some(make), [node]) => Ok(make(node.clone())),
            ("heal" | "partition" | "cut" | "swap", ..) | (_, Some(_), _) => {
                Err(refuse(format!("{word} does not take {} nodes", nodes.len())))
            }
            _ => Err(refuse(format!("{word} is not known"))),
        }
    }
}

impl World {
    /// Lets something happen.
    pub(super) fn fault(&mut self, fault: &Fault) -> Result<(), NotPossible> {
        let mut places = Vec::new();
        for node in fault.nodes() {
            places.push(self.find(node).ok_or_else(|| NotPossible::NoSuchNode(node.clone()))?);
        }
        let index = places.first().copied().unwrap_or_default();
        if fault.happens_on_a_machine()
            && !self.machines.get(index).is_some_and(super::machine::Machine::is_awake)
        {
            return Err(fault.pointless("its machine has no power, or stands still"));
        }
        if let Some(done) = self.beside(index, fault) {
            return done;
        }
        let startable =
            |world: &Self| world.machines.get(index).is_some_and(super::machine::Machine::can_be_started);
        match fault {
            Fault::Crash(_) => self.kill(index),
            Fault::Kill(_) | Fault::KillAll(_) => {
                if let Some(machine) = self.machines.get_mut(index) {
                    machine.unit.restart = false;
                    // Of a server alone that is killed the transfer's script tidies up
                    // (tests/fixtures/galera/08-sst-fail/joiner-killed).
                    if matches!(fault, Fault::KillAll(_)) {
                        machine.dir.left_behind = machine.transfer_files();
                    }
                }
                self.kill(index);
            }
            Fault::Stop(_) => self.stop(index),
            Fault::Start(_) | Fault::Bootstrap(_) => {
                if !startable(self) {
                    return Err(fault.pointless("its server is not down, or its unit is frozen"));
                }
                self.start(index, matches!(fault, Fault::Bootstrap(_)));
            }
            Fault::Slow(_) => {
                if let Some(machine) = self.machines.get_mut(index) {
                    machine.slow = true;
                }
            }
            Fault::MarkSafe(_) => {
                if let Some((text, _)) =
                    self.machines.get_mut(index).and_then(|machine| machine.dir.grastate.as_mut())
                {
                    *text = text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1");
                }
            }
            Fault::Partition(_) => self.partition(&places),
            Fault::Cut(..) => {
                if let [from, to] = places.as_slice() {
                    self.cut(*from, *to);
                }
            }
            Fault::Heal => self.heal(),
            Fault::StallTransfer(_) => self.stall(index),
            Fault::PcBootstrap(_) => self.pc_bootstrap(index).map_err(|why| fault.pointless(why))?,
            Fault::Differ(_) => {
                let member = self.group_of(index).is_some_and(|group| group.members.len() > 1);
                let Some(machine) =
                    self.machines.get_mut(index).filter(|machine| member && machine.answers())
                else {
                    return Err(fault.pointless("it is no member beside others"));
                };
                machine.dir.differs = true;
            }
            Fault::Unreachable(_) => self.way(index, |way| way.dropped = true),
            Fault::Reachable(_) => self.way(index, |way| way.dropped = false),
            Fault::LoseBefore(_) => self.way(index, |way| way.lose = Some(Lose::Before)),
            Fault::LoseAfter(_) => self.way(index, |way| way.lose = Some(Lose::After)),
            Fault::Swap(..) => self.swap(index, places.get(1).copied().unwrap_or(index)),
            Fault::Hold(_) => self.hold(index),
            Fault::LeftoverFlag(_) => self.leave_flag(index),
            Fault::OrphanTransfer(_) => {
                if self.machines.get(index).is_some_and(|machine| machine.server.is_some()) {
                    return Err(fault.pointless("a server runs there"));
                }
                self.orphan(index);
            }
            Fault::Meddle(_) => self.meddle(index, true),
            Fault::EndMeddle(_) => self.meddle(index, false),
            Fault::MonitStart(_) => return self.ask_monit(index, Asked::Start, fault),
            Fault::MonitStop(_) => return self.ask_monit(index, Asked::Stop, fault),
            Fault::Monitor(_) => return self.ask_monit(index, Asked::Watch, fault),
            Fault::Unmonitor(_) => return self.ask_monit(index, Asked::Unwatch, fault),
            Fault::Freeze(_) => self.freeze_server(index).map_err(|why| fault.pointless(why))?,
            Fault::Thaw(_) => self.thaw_server(index).map_err(|why| fault.pointless(why))?,
            Fault::PowerOff(_) => self.power_off(index).map_err(|why| fault.pointless(why))?,
            Fault::PowerOn(_) => self.power_on(index).map_err(|why| fault.pointless(why))?,
            Fault::FreezeMachine(_) => self.freeze_machine(index).map_err(|why| fault.pointless(why))?,
            Fault::ThawMachine(_) => self.thaw_machine(index).map_err(|why| fault.pointless(why))?,
            Fault::WipeState(_) => self.wipe_state(index).map_err(|why| fault.pointless(why))?,
            Fault::WipeData(_) => self.wipe_data(index).map_err(|why| fault.pointless(why))?,
            Fault::WrongOwner(_) => self.take_state_file(index).map_err(|why| fault.pointless(why))?,
            Fault::FillDisk(_) => self.fill_disk(index),
            Fault::FreeDisk(_) => {
                if let Some(machine) = self.machines.get_mut(index) {
                    machine.filler = 0;
                }
            }
        }
        Ok(())
    }

    fn way(&mut self, index: usize, change: impl FnOnce(&mut Way)) {
        if let Some(machine) = self.machines.get_mut(index) {
            change(&mut machine.way);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_as_it_is_written() {
        let lines: Vec<String> = OF_ONE
            .iter()
            .map(|(word, _)| format!("{word} g1"))
            .chain(["heal", "partition g1 g2", "cut g1 g2", "swap g1 g3"].map(str::to_owned))
            .collect();
        for line in lines {
            assert_eq!(line.parse::<Fault>().unwrap().to_string(), line);
        }
        for line in
            ["", "kill", "kill g1 g2", "heal g1", "partition", "cut g1", "swap g1 g1", "burn g1", "kill -"]
        {
            assert!(line.parse::<Fault>().is_err(), "{line}");
        }
    }
}
