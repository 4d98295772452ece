//! Findings: claims about the cluster with their evidence, what they mean and what would change them.
//!
//! One small file per family; each rule is a pure function of the [`Context`]. Where no runbook answers a finding yet,
//! [`Finding::next`] says what to do by hand.

mod down;
mod frozen;
mod healthy;
mod history;
mod leftovers;
mod reach;
mod views;
mod waiting;

use serde::Serialize;

pub use down::re_forms;
pub(super) use down::view_is_whole;

use super::safety::Blocked;
use super::{NodeJudgement, NodeReading, Reading, Server, Standing, Verdict, WriteSets, blockers};
use crate::facts::{Known, NodeName, Plain, keys};

/// A claim about the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable, such as `galera.all-crashed`.
    pub id: &'static str,
    /// Numbers of the failure catalogue.
    pub cases: Vec<u8>,
    /// How bad it is.
    pub severity: Severity,
    /// The nodes it is about, in the inventory's order.
    pub nodes: Vec<NodeName>,
    /// What is the case and what it means.
    pub text: Plain,
    /// What to do next, by hand where no runbook answers it.
    pub next: Plain,
    /// The facts it rests on, `node.fact`.
    pub evidence: Vec<String>,
    /// The runbook that answers it.
    pub runbook: Option<&'static str>,
    /// The rules in the way of what would answer it.
    pub blocked_by: Vec<Blocked>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// It will hurt later.
    Warning,
    /// Something is missing.
    Degraded,
    /// The cluster does not serve, or is about to lose data.
    Outage,
}

impl Severity {
    /// The word, as in `status --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Degraded => "degraded",
            Self::Outage => "outage",
        }
    }
}

/// What the rules look at.
pub(super) struct Context<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) nodes: &'a [NodeJudgement],
    pub(super) verdict: Verdict,
    pub(super) candidates: &'a [NodeName],
    pub(super) loss: &'a Known<WriteSets>,
}

type Rule = fn(&Context<'_>) -> Vec<Finding>;

/// The order within one severity: what forbids a start comes before what invites one.
const RULES: &[Rule] = &[
    views::two_primaries,
    views::wsrep_off,
    views::contradict,
    views::changing,
    down::all_down,
    waiting::waiting_for_primary,
    views::non_primary,
    history::ahead,
    history::diverged,
    history::tainted,
    reach::unreachable,
    reach::frozen,
    reach::sql_unanswered,
    reach::same_machine,
    reach::not_found,
    reach::not_known,
    waiting::under_way,
    down::node_down,
    history::empty,
    leftovers::leftovers,
    frozen::frozen,
    healthy::unknown_member,
    healthy::healthy,
];

/// All findings, worst first; within one severity in the order of the table.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let mut all: Vec<Finding> = RULES.iter().flat_map(|rule| rule(context)).collect();
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

impl<'a> Context<'a> {
    /// The data nodes with their readings and judgements that satisfy `test`.
    fn data(&self, test: impl Fn(&NodeReading<'a>, &NodeJudgement) -> bool) -> Vec<&'a NodeReading<'a>> {
        self.reading
            .nodes
            .iter()
            .zip(self.nodes)
            .filter(|(node, judged)| node.is_data() && test(node, judged))
            .map(|(node, _)| node)
            .collect()
    }

    fn standing(&self, name: &NodeName) -> Option<Standing> {
        self.nodes.iter().find(|node| node.name == *name).and_then(|node| node.standing)
    }

    /// What is in the way of a bootstrap, where there is no Primary that would make one unthinkable.
    fn blockers_without_primary(&self) -> Vec<Blocked> {
        if self.reading.primary.is_some() { Vec::new() } else { self.bootstrap_blockers() }
    }

    /// Everything in the way of a bootstrap, rule by rule.
    fn bootstrap_blockers(&self) -> Vec<Blocked> {
        blockers::of_bootstrap(self.reading, self.nodes, self.reading.survey.taken)
    }
}

fn names(nodes: &[&NodeReading<'_>]) -> Vec<NodeName> {
    nodes.iter().map(|node| node.name().clone()).collect()
}

/// `g1`, `g1 and g2`, `g1, g2 and g3`.
fn list(nodes: &[&NodeReading<'_>]) -> String {
    let names: Vec<&str> = nodes.iter().map(|node| node.name().as_str()).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// `node.fact` for every node and fact that was read.
fn evidence(nodes: &[&NodeReading<'_>], facts: &[&'static str]) -> Vec<String> {
    nodes
        .iter()
        .flat_map(|node| {
            node.survey
                .facts
                .iter()
                .filter(|(name, fact)| facts.contains(name) && fact.value.known().is_some())
                .map(|(name, _)| format!("{}.{name}", node.name()))
        })
        .collect()
}

/// The facts that say what runs on a node.
const SERVER_FACTS: &[&str] = &[
    keys::SERVER_STATE.name(),
    keys::UNIT_ACTIVE.name(),
    keys::UNIT_EXIT_CODE.name(),
    keys::UNIT_EXIT_STATUS.name(),
    keys::LOG_LAST_END.name(),
];

/// The facts that say what a node holds.
const POSITION_FACTS: &[&str] = &[
    keys::GRASTATE_UUID.name(),
    keys::GRASTATE_SEQNO.name(),
    keys::LOG_POSITION.name(),
    keys::RECOVERED.name(),
];

/// The facts that say what group a node is in.
const VIEW_FACTS: &[&str] = &[
    keys::WSREP_CLUSTER_STATUS.name(),
    keys::WSREP_CLUSTER_SIZE.name(),
    keys::WSREP_CONF_ID.name(),
    keys::WSREP_CLUSTER_UUID.name(),
    keys::WSREP_MEMBERS.name(),
];

fn is_in(node: &NodeReading<'_>, server: Server) -> bool {
    node.server == Known::Known(server)
}
