//! The way from this workstation to the machines: to which one a name leads, whether it lets anybody in, and what becomes
//! of a connection. The words and the deadlines are the real transport's own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Sim;
use super::machine::Machine;
use super::world::{World, get};
use crate::engine::Outcome;
use crate::facts::{NodeName, Plain, Reach, ReachWord};
use crate::nodes::real::{Deadlines, another_host, dial_failure, lost, no_banner, not_finished};

const PORT: u16 = 22;
/// A connection that has to be made anew (the median of tests/fixtures/galera/12-timing/healthy.txt).
const ANEW: Duration = Duration::from_millis(209);
/// The kernel gives a connection up on which nothing is acknowledged any more (TCP_USER_TIMEOUT, src/nodes/real/ssh).
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// How one machine is reached from here.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// What is sent to it from here is dropped.
    pub(super) dropped: bool,
    /// What becomes of the next script's connection.
    pub(super) lose: Option<Lose>,
    /// No session stands: the next script makes one.
    cold: bool,
}

/// When a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lose {
    /// Before the node has the script.
    Before,
    /// After that, and before its answer.
    After,
}

/// A way that does not lead on: how long that takes to find out, and what is found.
#[derive(Debug)]
pub(super) struct Closed {
    after: Duration,
    why: Reach,
}

/// Why a machine says nothing.
enum Silence {
    /// Nothing that is sent to it arrives.
    Dropped,
    /// Its kernel takes connections, and nobody behind it says a word (tests/fixtures/galera/13-hangs/frozen-node.txt).
    Still,
}

impl Machine {
    fn silence(&self) -> Option<Silence> {
        match (self.way.dropped || !self.power, self.still) {
            (true, _) => Some(Silence::Dropped),
            (false, true) => Some(Silence::Still),
            (false, false) => None,
        }
    }

    fn place(&self) -> String {
        format!("{}:{PORT}", self.address)
    }
}

impl World {
    /// Opens the way to what a name leads to: its machine, and how long that takes. A session that stood is tried first.
    fn line(&mut self, place: usize) -> Result<(usize, Duration), Closed> {
        let limits = Deadlines::default();
        let called = self.machines.get(place).map(Machine::place).unwrap_or_default();
        let index = self.leads.get(place).copied().unwrap_or(place);
        let machine = get(&mut self.machines, index);
        let Some(machine) = machine else {
            let why = Reach::failed(ReachWord::NotTried, "no machine is there", "");
            return Err(Closed { after: Duration::ZERO, why });
        };
        let cold = std::mem::replace(&mut machine.way.cold, true);
        let why = match machine.silence() {
            None => {
                machine.way.cold = false;
                return Ok((index, if cold { ANEW } else { Duration::ZERO }));
            }
            Some(Silence::Still) => no_banner(PORT, limits.connect),
            Some(Silence::Dropped) => {
                let address = called.parse().unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)));
                dial_failure(&called, address, &io::ErrorKind::TimedOut.into(), limits.connect)
            }
        };
        let stood = if cold { Duration::ZERO } else { limits.channel };
        Err(Closed { after: stood + limits.connect, why })
    }

    /// What becomes of a script that was sent to a machine and has `limit` left; `None` where its answer comes.
    fn broken(&self, index: usize, limit: Duration) -> Option<Closed> {
        let machine = self.machines.get(index)?;
        Some(match machine.silence()? {
            Silence::Still => Closed { after: limit, why: not_finished(&machine.place(), limit) },
            Silence::Dropped => Closed { after: limit.min(UNACKNOWLEDGED), why: broke(machine) },
        })
    }

    /// The address of one name leads to the other's machine from now on.
    pub(super) fn swap(&mut self, one: usize, other: usize) {
        if one.max(other) < self.leads.len() {
            self.leads.swap(one, other);
        }
    }
}

/// A connection that is gone, in libssh2's words for it.
fn broke(machine: &Machine) -> Reach {
    lost(&machine.place(), "the connection broke (transport read)")
}

fn gone(why: Reach) -> Outcome {
    Outcome::Lost { why, stdout: Vec::new(), stderr: Vec::new() }
}

/// A script on its way.
pub(super) struct Script<'a> {
    pub(super) node: &'a NodeName,
    /// The only host key it may be sent to, where one was shown (S18).
    pub(super) host_key: Option<&'a Plain>,
    /// How long it takes on the node until it answers.
    pub(super) takes: Duration,
    /// How long it may take.
    pub(super) limit: Duration,
    /// Whether its connection can be lost by [`Way::lose`]; a survey's is not.
    pub(super) may_be_lost: bool,
}

impl Sim {
    /// Sends a script to what a name leads to; `run` is what it does there.
    pub(super) async fn send<T>(
        &self,
        script: &Script<'_>,
        run: impl FnOnce(&mut World, usize) -> T + Send,
    ) -> Result<(usize, T), Outcome> {
        let Some(place) = self.place(script.node) else {
            return Err(Outcome::NotSent { why: super::no_such_node(script.node) });
        };
        let index = match self.shared.with(|world| world.line(place)) {
            Ok((index, takes)) => {
                if !takes.is_zero() {
                    self.shared.wait(takes).await;
                }
                index
            }
            Err(Closed { after, why }) => {
                self.shared.wait(after).await;
                return Err(Outcome::NotSent { why });
            }
        };
        if let Some(why) = self.shared.with(|world| world.another_key(place, index, script.host_key)) {
            return Err(Outcome::NotSent { why });
        }
        self.shared.wait(script.takes).await;
        self.still_there(index, script.limit).await?;
        // One lock for both: nothing comes between the script and what becomes of its connection.
        let done = self.shared.with(|world| {
            let machine = get(&mut world.machines, index).filter(|_| script.may_be_lost);
            let lose = machine.and_then(|machine| {
                let lose = machine.way.lose.take();
                machine.way.cold |= lose.is_some();
                lose.map(|lose| (lose, broke(machine)))
            });
            match lose {
                Some((Lose::Before, why)) => Err(gone(why)),
                Some((Lose::After, why)) => {
                    run(world, index);
                    Err(gone(why))
                }
                None => Ok(run(world, index)),
            }
        })?;
        Ok((index, done))
    }

    /// Waits in vain where the machine fell silent after the script was sent.
    pub(super) async fn still_there(&self, index: usize, limit: Duration) -> Result<(), Outcome> {
        let Some(Closed { after, why }) = self.shared.with(|world| world.broken(index, limit)) else {
            return Ok(());
        };
        self.shared.wait(after).await;
        self.shared.with(|world| {
            if let Some(machine) = get(&mut world.machines, index) {
                machine.way.cold = true;
            }
        });
        Err(gone(why))
    }
}

impl World {
    /// Why the script is not sent: who answers has another host key than the one that was shown (S18).
    fn another_key(&self, place: usize, index: usize, shown: Option<&Plain>) -> Option<Reach> {
        let (called, machine) = (self.machines.get(place)?, self.machines.get(index)?);
        let shown = shown.filter(|shown| shown.as_str() != machine.host_key)?;
        Some(another_host(&called.place(), shown.as_str(), &machine.host_key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::act::Look;
    use crate::engine::Nodes as _;
    use crate::facts::{ClusterName, OpId};
    use crate::nodes::sim::{Fault, Topology};

    fn sim() -> Sim {
        let nodes = ["g1", "g2", "g3"].map(|name| NodeName::new(name).unwrap()).into();
        let begin = "2026-11-21T03:00:00Z".parse().unwrap();
        Sim::new(Topology::new(ClusterName::new("drill").unwrap(), nodes, begin), 1)
    }

    fn change(sim: &Sim, change: impl FnOnce(&mut Machine)) {
        sim.shared.with(|world| change(&mut world.machines[0]));
    }

    fn follow(sim: &Sim) -> Look {
        let machine = sim.shared.with(|world| Plain::new(&world.machines[0].id));
        Look::Follow { machine, op: OpId::new(1, [1; 10]), settle: true }
    }

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_machine_that_stands_still_takes_connections_and_says_nothing() {
        let sim = sim();
        let g1 = NodeName::new("g1").unwrap();
        change(&sim, |machine| machine.still = true);
        let survey = sim.survey(&g1).await;
        assert_eq!(survey.ssh, no_banner(22, Duration::from_secs(5)));
        let took = sim.clock().elapsed();
        assert_eq!(took, Duration::from_secs(10), "the session that stood, then a new connection");
        let since = |took: Duration| sim.clock().elapsed().saturating_sub(took);
        change(&sim, |machine| (machine.still, machine.power) = (false, false));
        let survey = sim.survey(&g1).await;
        assert_eq!(survey.ssh.detail.as_str(), "10.99.0.11:22 did not answer in 5s");
        assert_eq!(since(took), Duration::from_secs(5));
        change(&sim, |machine| machine.power = true);
        let before = sim.clock().elapsed();
        assert!(sim.survey(&g1).await.ssh.is_ok());
        assert_eq!(since(before), ANEW + Duration::from_millis(43));
    }

    #[tokio::test]
    async fn what_was_sent_is_waited_for_as_long_as_it_may_take() {
        for (still, seconds, word) in [(true, 30, ReachWord::Timeout), (false, 10, ReachWord::Lost)] {
            let sim = sim();
            let g1 = NodeName::new("g1").unwrap();
            let look = follow(&sim);
            let clock = sim.clock();
            let trouble = async {
                use crate::engine::Ports as _;
                clock.sleep(Duration::from_millis(10)).await;
                change(&sim, |machine| if still { machine.still = true } else { machine.way.dropped = true });
            };
            let (outcome, ()) = futures_util::join!(sim.look(&g1, &look, LIMIT), trouble);
            let Outcome::Lost { why, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!((why.word, sim.clock().elapsed().as_secs()), (word, seconds), "{}", why.detail);
        }
    }

    #[tokio::test]
    async fn a_lost_connection_had_its_effect_or_had_it_not() {
        for (line, taken) in [("lose-before g1", false), ("lose-after g1", true)] {
            let sim = sim();
            let g1 = NodeName::new("g1").unwrap();
            let look = follow(&sim);
            sim.fault(&line.parse::<Fault>().unwrap()).unwrap();
            assert!(sim.survey(&g1).await.ssh.is_ok(), "a survey is none of it");
            let outcome = sim.look(&g1, &look, LIMIT).await;
            assert!(matches!(outcome, Outcome::Lost { .. }), "{outcome:?}");
            let ops = sim.shared.with(|world| world.machines[0].ops.len());
            assert_eq!(ops == 1, taken, "{line}");
            let outcome = sim.look(&g1, &look, LIMIT).await;
            assert!(matches!(outcome, Outcome::Exited { .. }), "once: {outcome:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_to_another_host_key() {
        let sim = sim();
        sim.fault(&"swap g1 g2".parse::<Fault>().unwrap()).unwrap();
        let key = sim.shared.with(|world| Plain::new(&world.machines[0].host_key));
        let g1 = NodeName::new("g1").unwrap();
        let script = Script {
            node: &g1,
            host_key: Some(&key),
            takes: Duration::ZERO,
            limit: LIMIT,
            may_be_lost: true,
        };
        let mut ran = None;
        let sent = sim.send(&script, |_, index| ran = Some(index)).await;
        let Err(Outcome::NotSent { why }) = sent else { panic!("sent") };
        assert_eq!((why.word, ran), (ReachWord::HostKey, None));
        let script = Script { host_key: None, ..script };
        assert_eq!(sim.send(&script, |_, index| index).await.unwrap(), (1, 1));
    }
}
