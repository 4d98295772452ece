//! Three machines in memory, just enough to walk a bootstrap: what an act does to them, and what a survey then shows.
//! It proves the engine's order of things; what servers really do is proved on real ones.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use breakglass::ask::act::{Deed, Look};
use breakglass::engine::{Authorization, Nodes, Outcome, Ports, Stop};
use breakglass::facts::{NodeName, NodeSurvey, Reach, ReachWord, keys};
use jiff::Timestamp;

use super::surveys::{self, Node, UUID, plain};

pub(crate) const NAMES: [&str; 3] = ["g1", "g2", "g3"];

/// One machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) up: bool,
    pub(crate) clean: bool,
    pub(crate) at: i64,
    pub(crate) reachable: bool,
    pub(crate) frozen: Option<String>,
    pub(crate) lease: Option<(String, String)>,
    /// Answers by op.
    pub(crate) ops: BTreeMap<String, String>,
    pub(crate) row: Option<String>,
}

/// The three of them, and a clock that only waiting moves.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) machines: Mutex<BTreeMap<String, Machine>>,
    pub(crate) bootstraps: AtomicU64,
    pub(crate) acts: Mutex<Vec<String>>,
    /// The next act on a machine is done, and its answer is lost.
    pub(crate) lose_answer: Mutex<Option<&'static str>>,
    /// This deed on this node is refused by its script.
    pub(crate) refuses: Mutex<Option<(&'static str, &'static str)>>,
    /// This node is out of reach once that deed was done on it, and its answer is lost.
    pub(crate) cut_after: Mutex<Option<(&'static str, &'static str)>>,
    /// How far the operator wants to be stopped.
    pub(crate) stop: AtomicU8,
    /// A node that ends by itself some seconds after it showed the row.
    pub(crate) falls: Mutex<Option<&'static str>>,
    fall_at: Mutex<Option<(&'static str, u64)>>,
    nanos: AtomicU64,
    random: AtomicU64,
    /// Where every act must stand as an intent before it is done.
    pub(crate) log: PathBuf,
}

impl World {
    pub(crate) fn new(log: PathBuf, clean: bool, at: [i64; 3]) -> Self {
        let machine = |at| Machine {
            up: false,
            clean,
            at,
            reachable: true,
            frozen: None,
            lease: None,
            ops: BTreeMap::new(),
            row: None,
        };
        let machines = NAMES.iter().zip(at).map(|(name, at)| ((*name).to_owned(), machine(at))).collect();
        Self {
            machines: Mutex::new(machines),
            bootstraps: AtomicU64::new(0),
            acts: Mutex::default(),
            lose_answer: Mutex::default(),
            refuses: Mutex::default(),
            cut_after: Mutex::default(),
            stop: AtomicU8::new(0),
            falls: Mutex::default(),
            fall_at: Mutex::default(),
            nanos: AtomicU64::new(0),
            random: AtomicU64::new(1),
            log,
        }
    }

    fn pass(&self, time: Duration) {
        self.nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap(), Ordering::SeqCst);
    }

    /// What the scripts would print.
    fn done(&self, act: &breakglass::ask::act::Act) -> String {
        let mut machines = self.machines.lock().unwrap();
        let anybody = machines.values().any(|machine| machine.up);
        let session = act.session.to_string();
        let machine = machines.get_mut(act.node.as_str()).unwrap();
        if let Some(answer) = machine.ops.get(act.op.as_str()) {
            return answer.clone();
        }
        let owned = machine.lease.as_ref().is_some_and(|(owner, _)| *owner == session);
        if !owned && !matches!(act.deed, Deed::TakeLease { .. }) {
            return "refused lease somebody else's".to_owned();
        }
        let answer = match &act.deed {
            Deed::TakeLease { holder, over } => match &machine.lease {
                Some((theirs, held))
                    if *theirs != session && over.as_ref().is_none_or(|over| over.as_str() != theirs) =>
                {
                    format!("refused lease {held}")
                }
                _ => {
                    machine.lease = Some((session, holder.to_string()));
                    "done 0".to_owned()
                }
            },
            Deed::ReleaseLease { .. } => {
                machine.lease = None;
                machine.ops.clear();
                return "done 0".to_owned();
            }
            Deed::Freeze => {
                machine.frozen = Some(session);
                "done 0".to_owned()
            }
            Deed::Unfreeze => {
                machine.frozen = None;
                "done 0".to_owned()
            }
            Deed::Bootstrap { .. } => {
                assert!(!anybody, "bootstrapped beside a Primary");
                machine.up = true;
                self.bootstraps.fetch_add(1, Ordering::SeqCst);
                "done 0".to_owned()
            }
            Deed::Start { together } => {
                assert!(anybody || *together, "a start without a Primary would wait for ever");
                machine.up = true;
                "done 0".to_owned()
            }
            Deed::Write { token } => {
                let token = token.to_string();
                machine.ops.insert(act.op.to_string(), "done 0".to_owned());
                for other in machines.values_mut() {
                    other.row = Some(token.clone());
                }
                return "done 0".to_owned();
            }
            Deed::DropCheck => {
                machine.ops.insert(act.op.to_string(), "done 0".to_owned());
                for other in machines.values_mut() {
                    other.row = None;
                }
                return "done 0".to_owned();
            }
            other => panic!("nobody expected {other:?}"),
        };
        machine.ops.insert(act.op.to_string(), answer.clone());
        answer
    }

    fn node(&self, name: &str) -> NodeSurvey {
        if let Some((fallen, at)) = *self.fall_at.lock().unwrap()
            && self.mono() >= at
        {
            self.machines.lock().unwrap().get_mut(fallen).unwrap().up = false;
        }
        let machines = self.machines.lock().unwrap();
        let machine = &machines[name];
        if !machine.reachable {
            let mut survey = Node::new(name).unreachable().0;
            survey.at = self.now();
            return survey;
        }
        let members: Vec<&str> = NAMES.iter().copied().filter(|name| machines[*name].up).collect();
        let top = machines.values().map(|machine| machine.at).max().unwrap();
        let node = Node::new(name);
        let node = match (machine.up, machine.clean) {
            (true, _) => node.synced(3 + members.len() as u64, &members, top),
            (false, true) => node.stopped(machine.at),
            (false, false) => node.crashed(&NAMES),
        };
        let by = machine.frozen.clone().unwrap_or_default();
        let lease = machine
            .lease
            .as_ref()
            .map(|(session, holder)| format!("{session} {holder} 2026-11-21"))
            .unwrap_or_default();
        let timeout = if by.is_empty() { "15min" } else { "infinity" };
        let mut survey = node
            .set(keys::UNIT_FROZEN, plain(&by))
            .set(keys::HOST_LEASE, plain(&lease))
            .set(keys::UNIT_START_TIMEOUT, plain(timeout))
            .set(keys::DATADIR_PATH, plain("/var/lib/mysql"))
            .set(keys::SERVER_USER, plain("mysql"))
            .set(keys::ENGINE_STAMP, plain(&format!("{} {}", machine.at, machine.up)))
            .set(keys::LISTEN_IST, false)
            .set(keys::LISTEN_SST, false)
            .set(keys::DISK_FREE, 1 << 40)
            .set(keys::DISK_READ_ONLY, false)
            .set(keys::DATADIR_USED, 1 << 30)
            .set(keys::VAR_PROVIDER_OPTIONS, plain("gcache.page_size = 128M; pc.weight = 1"))
            .set(keys::VAR_READ_ONLY, plain("OFF"))
            .set(keys::VAR_CLUSTER_ADDRESS, plain("gcomm://10.0.0.11,10.0.0.12,10.0.0.13"))
            .0;
        survey.at = self.now();
        survey
    }
}

fn exited(state: &str, output: &str) -> Outcome {
    Outcome::Exited {
        status: 0,
        stdout: format!("%breakglass-act 1\n{state}\n{output}").into_bytes(),
        stderr: Vec::new(),
        dropped: 0,
    }
}

fn lost() -> Outcome {
    let why = Reach::failed(ReachWord::Lost, "the connection is gone", "reach it");
    Outcome::Lost { why, stdout: Vec::new(), stderr: Vec::new() }
}

fn not_sent() -> Outcome {
    Outcome::NotSent { why: Reach::failed(ReachWord::Timeout, "no SSH banner in 5 s", "look at its console") }
}

impl Nodes for World {
    async fn survey(&self, node: &NodeName) -> NodeSurvey {
        self.pass(Duration::from_millis(100));
        self.node(node.as_str())
    }

    async fn look(&self, node: &NodeName, look: &Look, _limit: Duration) -> Outcome {
        self.pass(Duration::from_millis(50));
        let mut machines = self.machines.lock().unwrap();
        let machine = machines.get_mut(node.as_str()).unwrap();
        if !machine.reachable {
            return not_sent();
        }
        match look {
            Look::Recover { .. } => {
                assert!(!machine.up, "recovered under a running server");
                exited(
                    "done 0",
                    &format!(
                        "%status 0\n%stamp-after {} {}\nWSREP: Recovered position: {UUID}:{}\n",
                        machine.at, machine.up, machine.at
                    ),
                )
            }
            Look::ReadBack { token, .. } => {
                if let Some(fallen) = self.falls.lock().unwrap().filter(|fallen| *fallen == node.as_str()) {
                    *self.fall_at.lock().unwrap() = Some((fallen, self.mono() + 4_000_000_000));
                }
                let there = machine.row.as_deref() == Some(token.as_str());
                exited(if there { "done 0" } else { "done 1" }, "")
            }
            Look::Follow { op, settle, .. } => match machine.ops.get(op.as_str()) {
                Some(answer) => exited(&answer.clone(), ""),
                None if *settle => {
                    machine.ops.insert(op.to_string(), "absent".to_owned());
                    exited("absent", "")
                }
                None => exited("not-begun", ""),
            },
        }
    }

    async fn perform(&self, authorization: &Authorization, _limit: Duration) -> Outcome {
        self.pass(Duration::from_millis(80));
        let act = authorization.act();
        let log = std::fs::read_to_string(&self.log).unwrap();
        let intended =
            log.lines().any(|line| line.contains("\"op.intent\"") && line.contains(act.op.as_str()));
        assert!(intended, "{} on {} was sent without an intent on disk", act.deed.name(), act.node);
        if !self.machines.lock().unwrap()[act.node.as_str()].reachable {
            return not_sent();
        }
        self.acts.lock().unwrap().push(format!("{}@{}", act.deed.name(), act.node));
        if *self.refuses.lock().unwrap() == Some((act.deed.name(), act.node.as_str())) {
            return exited("refused server it does not want to", "");
        }
        let answer = self.done(act);
        if *self.cut_after.lock().unwrap() == Some((act.deed.name(), act.node.as_str())) {
            self.machines.lock().unwrap().get_mut(act.node.as_str()).unwrap().reachable = false;
            return lost();
        }
        if self.lose_answer.lock().unwrap().take_if(|deed| *deed == act.deed.name()).is_some() {
            return lost();
        }
        exited(&answer, "")
    }
}

impl Ports for World {
    fn now(&self) -> Timestamp {
        surveys::now() + Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    fn mono(&self) -> u64 {
        self.nanos.load(Ordering::SeqCst)
    }

    async fn sleep(&self, time: Duration) {
        self.pass(time);
    }

    fn random(&self) -> Option<[u8; 10]> {
        let n = self.random.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let mut bits = [0; 10];
        bits[2..].copy_from_slice(&n);
        Some(bits)
    }

    fn stop(&self) -> Stop {
        match self.stop.load(Ordering::SeqCst) {
            0 => Stop::No,
            1 => Stop::AfterStep,
            _ => Stop::Now,
        }
    }
}

/// Names that the builders need and a survey of the world does not say by itself.
pub(crate) fn node_names() -> Vec<NodeName> {
    NAMES.iter().map(|name| NodeName::new(name).unwrap()).collect()
}
