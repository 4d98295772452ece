//! Findings: claims about the cluster with their evidence, what they mean and what would change them.
//!
//! One small file per family; each rule is a pure function of the [`Context`]. Where no runbook answers a finding yet,
//! [`Finding::next`] says what to do by hand.

mod around;
mod before;
mod collected;
mod down;
mod frozen;
mod healthy;
mod history;
mod joining;
mod leftovers;
mod quorum;
mod reach;
mod recovery;
mod room;
mod serving;
mod state;
mod transfer;
mod views;
mod waiting;

use serde::Serialize;

pub use down::re_forms;
pub(super) use down::view_is_whole;

use jiff::{SignedDuration, Timestamp};

use super::safety::Blocked;
use super::{NodeJudgement, NodeReading, Reading, Server, Standing, Verdict, WriteSets, blockers};
use crate::ask::lines::Seen;
use crate::facts::{Fact, Known, NodeName, Plain, WhyKind, keys};

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
    state::no_identity,
    quorum::two_nodes,
    quorum::tie,
    history::ahead,
    history::aborted_ahead,
    history::diverged,
    history::tainted,
    recovery::keys_missing,
    recovery::prepared,
    room::full,
    room::read_only,
    room::io_errors,
    transfer::orphan,
    transfer::repeated,
    transfer::failed,
    transfer::recovering,
    transfer::timeout,
    transfer::no_joiner,
    state::wrong_owner,
    around::expired,
    views::conflicting,
    views::refused,
    reach::unreachable,
    reach::frozen,
    reach::sql_unanswered,
    reach::same_machine,
    reach::same_machine_id,
    reach::not_found,
    reach::not_known,
    waiting::under_way,
    down::node_down,
    joining::no_room,
    joining::no_window,
    recovery::failed,
    state::malformed,
    state::disagree,
    state::edited,
    history::empty,
    leftovers::leftovers,
    frozen::frozen,
    state::empty_view,
    state::stale_view,
    state::peers_changed,
    serving::load_balancer,
    serving::flow_control,
    serving::desynced,
    serving::rejecting,
    quorum::arbitrator,
    healthy::unknown_member,
    room::low,
    around::expiring,
    around::killed_for_memory,
    around::automation,
    around::clocks,
    around::bootstrap_unit,
    around::flushing,
    around::backup,
    transfer::under_way,
    joining::forecast,
    state::last_views,
    recovery::encrypted,
    serving::replicas,
    quorum::even,
    collected::from_files,
    healthy::healthy,
];

/// All findings, worst first; within one severity in the order of the table.
pub(super) fn findings(context: &Context<'_>) -> Vec<Finding> {
    let mut all: Vec<Finding> = RULES.iter().flat_map(|rule| rule(context)).collect();
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    if all.first().is_some_and(|worst| worst.severity > Severity::Info)
        && let Some(healthy) = all.iter_mut().find(|finding| finding.id == "galera.healthy")
    {
        healthy.next = Plain::new("Nothing to do for the group itself; see what else was found.");
    }
    before::told(&mut all);
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

/// A claim that each node that shows it makes in its own words.
struct Sign<'s> {
    id: &'static str,
    cases: &'s [u8],
    severity: Severity,
    next: &'s str,
    facts: &'s [&'static str],
}

impl Sign<'_> {
    /// One finding about all data nodes of which `say` says something; none where it says nothing of any.
    fn on<'a>(
        &self,
        context: &Context<'a>,
        say: impl Fn(&NodeReading<'a>) -> Option<String>,
    ) -> Vec<Finding> {
        self.of(context.reading.data(), say)
    }

    /// The same over these nodes.
    fn of<'n, 'a: 'n>(
        &self,
        nodes: impl Iterator<Item = &'n NodeReading<'a>>,
        say: impl Fn(&NodeReading<'a>) -> Option<String>,
    ) -> Vec<Finding> {
        let said: Vec<(&NodeReading<'a>, String)> =
            nodes.filter_map(|node| say(node).map(|words| (node, words))).collect();
        let nodes: Vec<&NodeReading<'a>> = said.iter().map(|(node, _)| *node).collect();
        let words: Vec<String> =
            said.iter().map(|(node, words)| format!("{}: {words}.", node.name())).collect();
        self.that(&nodes, words.join(" "))
    }

    /// The finding in these words about these nodes; none about none.
    fn that(&self, nodes: &[&NodeReading<'_>], text: String) -> Vec<Finding> {
        if nodes.is_empty() {
            return Vec::new();
        }
        vec![Finding {
            id: self.id,
            cases: self.cases.to_vec(),
            severity: self.severity,
            nodes: names(nodes),
            text: Plain::new(text),
            next: Plain::new(self.next),
            evidence: evidence(nodes, self.facts),
            runbook: None,
            blocked_by: Vec::new(),
        }]
    }
}

/// A log's clock and a unit's are of one machine, and a moment here or there is not.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// The latest of these known lines in the node's log that still tells: none where the node was in a Primary Component
/// after it. A line without a time tells always; where the log does not show when the node took part, and it is in a Primary
/// Component now, none does.
fn logged(node: &NodeReading<'_>, ids: &[&str]) -> Option<Seen> {
    let facts = &node.survey.facts;
    let took_part = facts.get(keys::LOG_TOOK_PART);
    let is_in = facts.get(keys::WSREP_CLUSTER_STATUS).is(|status| status.as_str() == "Primary");
    let tells = |at: Option<Timestamp>| match (at, took_part.known()) {
        (Some(at), Some(after)) => after.duration_since(at) <= SLACK,
        (_, None) => !is_in,
        (None, _) => true,
    };
    let mut wanted = node.seen().known()?.iter().rev().filter(|seen| ids.contains(&seen.line.id));
    wanted.find(|seen| tells(seen.last)).copied()
}

/// What the line means, how often and when it was last logged.
fn quoted(seen: &Seen) -> String {
    let often = if seen.count > 1 { format!("{} times, ", seen.count) } else { String::new() };
    let when = seen.last.map_or_else(|| "at an unknown time".to_owned(), |at| format!("last at {at:.0}"));
    format!("its log says ({often}{when}): {}", seen.line.meaning.trim_end_matches('.'))
}

/// A number of bytes, for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..0x40_0000 => format!("{} KiB", bytes >> 10),
        0x40_0000..0x2_8000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
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

/// `node.fact` for every node and fact that was read, also where what was read is no value: a zero UUID, a -1, a line
/// outside its grammar.
fn evidence(nodes: &[&NodeReading<'_>], facts: &[&'static str]) -> Vec<String> {
    nodes
        .iter()
        .flat_map(|node| {
            node.survey
                .facts
                .iter()
                .filter(|(name, fact)| facts.contains(name) && was_read(node, fact))
                .map(|(name, _)| format!("{}.{name}", node.name()))
        })
        .collect()
}

fn was_read(node: &NodeReading<'_>, fact: &Fact) -> bool {
    match &fact.value {
        Known::Known(_) => true,
        Known::Unknown(why) => node.survey.ssh.is_ok() && why.kind != WhyKind::NotAsked,
    }
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
