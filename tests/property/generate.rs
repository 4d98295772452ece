//! From a seed to a history: a cluster, what befalls it before the operator comes, and what still does afterwards.

use std::time::Duration;

use breakglass::facts::NodeName;
use breakglass::nodes::sim::{Fault, Topology};

use super::history::{History, Line, Who, arbitrators, proxies, topology};
use super::rng::Rng;

/// Faults of one node, and how often each is taken.
const OF_ONE: &[(&str, u64)] = &[
    ("kill", 12),
    ("crash", 12),
    ("stop", 10),
    ("start", 10),
    ("bootstrap", 3),
    ("pc-bootstrap", 3),
    ("freeze", 4),
    ("thaw", 3),
    ("power-off", 8),
    ("power-on", 6),
    ("freeze-machine", 2),
    ("thaw-machine", 2),
    ("unreachable", 5),
    ("reachable", 4),
    ("lose-before", 3),
    ("lose-after", 4),
    ("hold", 2),
    ("kill-all", 3),
    ("stall-transfer", 2),
    ("slow", 4),
    ("differ", 4),
    ("mark-safe", 4),
    ("wipe-state", 3),
    ("wipe-data", 2),
    ("fill-disk", 3),
    ("free-disk", 2),
    ("wrong-owner", 2),
    ("leftover-flag", 4),
    ("orphan-transfer", 2),
    ("meddle", 2),
    ("end-meddle", 2),
];

/// What befalls the whole cluster, and how often.
const STORIES: &[(Story, u64)] = &[
    (killed, 14),
    (crashed, 8),
    (stopped, 10),
    (power_cut, 8),
    (rolling, 6),
    (parted, 12),
    (parted_and_founded_twice, 4),
    (one_node, 14),
    (founded_twice, 4),
    (waiting, 6),
    (alone, 14),
];

type Story = fn(&mut Telling<'_>);

/// What a story is told with: the lines so far, and how late it is.
struct Telling<'a> {
    rng: &'a mut Rng,
    nodes: &'a [NodeName],
    lines: Vec<Line>,
    at: Duration,
}

impl Telling<'_> {
    fn pass(&mut self, low: u64, high: u64) {
        self.at += Duration::from_millis(self.rng.between(low, high));
    }

    fn happens(&mut self, fault: Fault) {
        self.lines.push(Line::At(self.at, fault));
    }

    fn one(&mut self) -> NodeName {
        self.rng.pick(self.nodes).clone()
    }

    /// All nodes, in any order.
    fn mixed(&mut self) -> Vec<NodeName> {
        let mut nodes = self.nodes.to_vec();
        self.rng.shuffle(&mut nodes);
        nodes
    }

    /// The same to every node, one after the other.
    fn all(&mut self, make: fn(NodeName) -> Fault, low: u64, high: u64) {
        for node in self.mixed() {
            self.happens(make(node));
            self.pass(low, high);
        }
    }

    fn part(&mut self) -> Vec<NodeName> {
        let mut nodes = self.mixed();
        let most = nodes.len().saturating_sub(1).max(1) as u64;
        nodes.truncate(usize::try_from(self.rng.between(1, most)).unwrap());
        nodes.sort();
        nodes
    }
}

fn killed(telling: &mut Telling<'_>) {
    let gap = *telling.rng.pick(&[0, 80, 1500, 9000]);
    telling.all(Fault::Kill, gap / 2, gap);
}

fn crashed(telling: &mut Telling<'_>) {
    let gap = *telling.rng.pick(&[0, 300, 4000]);
    telling.all(Fault::Crash, gap / 2, gap);
}

fn stopped(telling: &mut Telling<'_>) {
    telling.all(Fault::Stop, 50, 4000);
}

/// The power fails, and comes back or not.
fn power_cut(telling: &mut Telling<'_>) {
    let gap = *telling.rng.pick(&[0, 100, 3000]);
    telling.all(Fault::PowerOff, 0, gap);
    telling.pass(1000, 20_000);
    let back = telling.mixed();
    let stays_off = telling.rng.percent(25);
    for node in back.into_iter().skip(usize::from(stays_off)) {
        telling.happens(Fault::PowerOn(node));
        telling.pass(0, 8000);
    }
}

/// Servers go down one by one in several ways.
fn rolling(telling: &mut Telling<'_>) {
    for node in telling.mixed() {
        let make: fn(NodeName) -> Fault = *telling.rng.pick(&[Fault::Stop, Fault::Kill, Fault::Crash]);
        telling.happens(make(node));
        telling.pass(200, 30_000);
    }
}

fn parted(telling: &mut Telling<'_>) {
    let part = telling.part();
    telling.happens(Fault::Partition(part.clone()));
    telling.pass(2000, 40_000);
    if telling.rng.percent(40) {
        let node = telling.rng.pick(&part).clone();
        telling.happens(Fault::Kill(node));
        telling.pass(500, 9000);
    }
    if telling.rng.percent(60) {
        telling.happens(Fault::Heal);
        telling.pass(500, 15_000);
    }
}

fn parted_and_founded_twice(telling: &mut Telling<'_>) {
    let part = telling.part();
    telling.happens(Fault::Partition(part.clone()));
    telling.pass(8000, 20_000);
    let inside = telling.rng.pick(&part).clone();
    telling.happens(Fault::PcBootstrap(inside));
    telling.pass(500, 20_000);
    let outside: Vec<NodeName> = telling.nodes.iter().filter(|node| !part.contains(node)).cloned().collect();
    if let (false, true) = (outside.is_empty(), telling.rng.percent(50)) {
        let node = telling.rng.pick(&outside).clone();
        telling.happens(Fault::PcBootstrap(node));
        telling.pass(500, 20_000);
    }
    if telling.rng.percent(60) {
        telling.happens(Fault::Heal);
        telling.pass(1000, 30_000);
    }
}

/// Somebody bootstraps two nodes, one after the other.
fn founded_twice(telling: &mut Telling<'_>) {
    telling.all(Fault::Stop, 50, 2000);
    for node in telling.mixed().into_iter().take(2) {
        telling.happens(Fault::MarkSafe(node.clone()));
        telling.happens(Fault::Bootstrap(node.clone()));
        telling.pass(2000, 20_000);
        telling.happens(Fault::Stop(node));
        telling.pass(500, 4000);
    }
}

/// All are killed, and somebody starts some of them.
fn waiting(telling: &mut Telling<'_>) {
    telling.all(Fault::Kill, 50, 800);
    telling.pass(500, 8000);
    let part = telling.part();
    for node in part {
        telling.happens(Fault::Start(node));
        telling.pass(0, 5000);
    }
}

fn one_node(telling: &mut Telling<'_>) {
    let node = telling.one();
    let make: fn(NodeName) -> Fault =
        *telling.rng.pick(&[Fault::Kill, Fault::Crash, Fault::Stop, Fault::PowerOff]);
    telling.happens(make(node.clone()));
    telling.pass(500, 60_000);
    if telling.rng.percent(25) {
        let make: fn(NodeName) -> Fault =
            *telling.rng.pick(&[Fault::WipeState, Fault::WipeData, Fault::WrongOwner]);
        telling.happens(make(node));
    }
}

/// Nothing that belongs together.
fn alone(_: &mut Telling<'_>) {}

fn weighted<'a, T>(rng: &mut Rng, table: &'a [(T, u64)]) -> &'a T {
    let all: u64 = table.iter().map(|(_, weight)| weight).sum();
    let mut at = rng.between(0, all - 1);
    for (what, weight) in table {
        if at < *weight {
            return what;
        }
        at -= weight;
    }
    &table[0].0
}

fn any_fault(rng: &mut Rng, nodes: &[NodeName]) -> Fault {
    if nodes.len() > 1 && rng.percent(12) {
        let mut two = nodes.to_vec();
        rng.shuffle(&mut two);
        return match rng.between(0, 5) {
            0 | 1 => Fault::Heal,
            2 => Fault::Cut(two[0].clone(), two[1].clone()),
            3 => Fault::Swap(two[0].clone(), two[1].clone()),
            _ => Fault::Partition(vec![two[0].clone()]),
        };
    }
    let word = weighted(rng, OF_ONE);
    format!("{word} {}", rng.pick(nodes)).parse().unwrap()
}

fn cluster(rng: &mut Rng) -> Topology {
    let nodes = *weighted(rng, &[(2, 12), (3, 58), (4, 10), (5, 20)]);
    let mut topology = topology(nodes);
    topology.load = *rng.pick(&[40, 40, 40, 0, 400]);
    topology.gcache = *rng.pick(&[10_000, 10_000, 500, 60]);
    topology.restarts = rng.percent(65);
    topology.enabled = rng.percent(60);
    topology.flush = *rng.pick(&[1, 1, 1, 0, 2]);
    if rng.percent(20) {
        topology.disk = 1500;
    }
    if rng.percent(8) {
        topology.weights = (0..nodes).map(|_| rng.between(0, 3).max(1)).collect();
    }
    if rng.percent(if nodes == 2 { 50 } else { 8 }) {
        topology.arbitrators = arbitrators(1);
    }
    if rng.percent(10) {
        topology.proxies = proxies(1);
    }
    topology.monit = rng.percent(8);
    topology
}

/// The history of a seed.
pub(crate) fn history(seed: u64) -> History {
    let mut rng = Rng::new(seed, 1);
    let topology = cluster(&mut rng);
    let nodes = topology.nodes.clone();
    let story = *weighted(&mut rng, STORIES);
    let mut telling =
        Telling { rng: &mut rng, nodes: &nodes, lines: Vec::new(), at: Duration::from_millis(500) };
    if telling.rng.percent(25) {
        let node = telling.one();
        telling.happens(Fault::Slow(node));
        telling.pass(10, 3000);
    }
    story(&mut telling);
    let more = if telling.lines.is_empty() { telling.rng.between(1, 5) } else { telling.rng.between(0, 3) };
    for _ in 0..more {
        telling.pass(50, 12_000);
        let fault = any_fault(telling.rng, &nodes);
        telling.happens(fault);
    }
    telling.pass(100, 60_000);
    let (mut lines, arrives) = (telling.lines, telling.at);
    for _ in 0..rng.between(0, 3) {
        if rng.percent(35) {
            let at = arrives + Duration::from_millis(rng.between(10, 120_000));
            lines.push(Line::At(at, any_fault(&mut rng, &nodes)));
        }
    }
    if rng.percent(25) {
        let deed =
            rng.pick(&["freeze", "bootstrap", "start", "write", "end-stuck", "unfreeze", "take-lease"]);
        lines.push(Line::On((*deed).to_owned(), any_fault(&mut rng, &nodes)));
    }
    if rng.percent(20) {
        let run = usize::try_from(rng.between(1, 2)).unwrap();
        let record = usize::try_from(rng.between(1, 90)).unwrap();
        lines.push(Line::Dies { run, record, before: rng.percent(50) });
    }
    lines.sort_by_key(|line| match line {
        Line::At(at, _) => *at,
        Line::On(..) | Line::Dies { .. } => Duration::MAX,
    });
    let who = Who::ALL[usize::try_from(seed % 3).unwrap()];
    History { why: String::new(), seed, who, topology, arrives, lines }
}
