//! Facts → standings, verdict and findings. Pure: the same survey always gets the same judgement.
//!
//! ```text
//! survey ─▶ server   what runs on each node           (server.rs)
//!        ─▶ position what each node's history reaches (position.rs; S2, S3)
//!        ─▶ view     is there one proved Primary?     (view.rs; S6)
//!        ─▶ standing what each history is worth       (standing.rs; S1, S4, S7, S8)
//!        ─▶ forecast what each way back would take    (forecast.rs; S17)
//!        ─▶ verdict, loss, findings                   (verdict.rs, findings/)
//!        ─▶ permit  which rules hold an act back      (permit/, blockers.rs)
//! two of them ─▶ difference: what changed between  (difference/)
//! ```
//!
//! The safety rules stand in [`safety`], one file each; this room asks them and never decides past them.

mod blockers;
mod choice;
mod difference;
mod digest;
mod findings;
mod forecast;
mod permit;
mod position;
mod proxy;
pub mod safety;
mod server;
mod standing;
mod verdict;
mod view;
pub mod waiver;

use std::cell::OnceCell;

use jiff::Timestamp;
use serde::Serialize;

use crate::ask::lines::{self, Seen};
use crate::facts::{ClusterUuid, EvidenceDigest, Known, NodeName, Plain, Seqno, Survey, Why};

pub use choice::on_offer;
pub use difference::{Difference, FactTurn, Fate, NodeDifference, Turn, difference};
pub use findings::{Finding, Severity, re_forms};
pub use forecast::{Forecast, Transfer};
pub use permit::{Doing, DoingKind, Ruling, permit, rules_of};
pub use position::Held;
pub use proxy::sends_to;
pub use safety::Blocked;
pub use server::Server;
pub use standing::Standing;
pub use verdict::Verdict;
pub use waiver::{Waiver, Waivers};

use waiver::Lifted;

/// What a survey means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The one word for the cluster.
    pub verdict: Verdict,
    /// The proved Primary Component, where there is exactly one.
    pub primary: Option<Primary>,
    /// The nodes of standing CANDIDATE, in the inventory's order.
    pub candidates: Vec<NodeName>,
    /// What going on from the candidates, or from the Primary, would lose of what the surveyed nodes hold.
    pub loss: Known<WriteSets>,
    /// Each node, in the inventory's order.
    pub nodes: Vec<NodeJudgement>,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Over the facts that the verdict read.
    pub evidence_digest: EvidenceDigest,
}

/// A number of write-sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct WriteSets(pub u64);

/// A Primary Component that its members confirm mutually.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Primary {
    /// Its cluster state UUID.
    pub uuid: ClusterUuid,
    /// The highest seqno its surveyed members have committed.
    pub seqno: Seqno,
    /// How many members the view has, arbitrators included.
    pub size: u64,
    /// The surveyed members, in the inventory's order.
    pub members: Vec<NodeName>,
}

/// What one node's facts mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeJudgement {
    /// The node.
    pub name: NodeName,
    /// What runs there.
    pub server: Known<Server>,
    /// What its history is worth; `None` for a router or a proxy, which have none.
    pub standing: Option<Standing>,
    /// Why it is that, in one sentence.
    pub why: Plain,
    /// What it holds and where that was read.
    pub position: Known<Held>,
    /// What its way back into the group would take; `None` where it is in, on its way, or nobody could give.
    pub forecast: Option<Forecast>,
}

impl Judgement {
    /// What was found out about one node.
    pub fn node(&self, name: &NodeName) -> Option<&NodeJudgement> {
        self.nodes.iter().find(|node| node.name == *name)
    }
}

/// Judges a survey.
pub fn judge(survey: &Survey) -> Judgement {
    judge_with(survey, &Waivers::NONE, survey.taken)
}

/// Judges a survey as the operator's waivers let it be judged at `now`: a position waived by S4 is not missed, a node
/// fenced by S5's statement is in no Primary, a history waived by S8 or S25 is left out of every comparison and its node
/// is never a candidate.
pub fn judge_with(survey: &Survey, waivers: &Waivers, now: Timestamp) -> Judgement {
    let reading = Reading::of(survey, Lifted { waivers, now });
    let standings = standing::standings(&reading);
    let verdict = verdict::verdict(&reading, &standings);
    let candidates = standings
        .iter()
        .filter(|(_, standing)| standing.word == Some(Standing::Candidate))
        .map(|(name, _)| (*name).clone())
        .collect::<Vec<_>>();
    let loss = verdict::loss(&reading, &standings, &candidates);
    let mut nodes: Vec<NodeJudgement> = reading
        .nodes
        .iter()
        .zip(&standings)
        .map(|(node, (_, standing))| NodeJudgement {
            name: node.name().clone(),
            server: node.server.clone(),
            standing: standing.word,
            why: standing.why.clone(),
            position: node.position.clone(),
            forecast: None,
        })
        .collect();
    let forecasts: Vec<Option<Forecast>> =
        (0..nodes.len()).map(|at| forecast::forecast(&reading, &nodes, at)).collect();
    for (node, forecast) in nodes.iter_mut().zip(forecasts) {
        node.forecast = forecast;
    }
    let findings = findings::findings(&findings::Context {
        reading: &reading,
        nodes: &nodes,
        verdict,
        candidates: &candidates,
        loss: &loss,
    });
    let evidence_digest = digest::digest(&reading, &nodes, verdict);
    Judgement {
        verdict,
        primary: reading.primary.clone(),
        candidates,
        loss,
        nodes,
        findings,
        evidence_digest,
    }
}

/// A survey with what follows from each node's own facts, and the views held against each other.
struct Reading<'a> {
    survey: &'a Survey,
    nodes: Vec<NodeReading<'a>>,
    views: view::Views,
    primary: Option<Primary>,
    lifted: Lifted<'a>,
    /// S25 between the data nodes, but for those whose history is left out.
    relations: Vec<safety::s25::Relation>,
}

/// One node of a [`Reading`].
struct NodeReading<'a> {
    survey: &'a crate::facts::NodeSurvey,
    server: Known<Server>,
    position: Known<Held>,
    /// The known lines of its log, read when the first of many rules asks.
    seen: OnceCell<Known<Vec<Seen>>>,
}

impl<'a> Reading<'a> {
    fn of(survey: &'a Survey, lifted: Lifted<'a>) -> Self {
        let mut reading = Self::one_by_one(survey, lifted);
        reading.views = view::Views::of(&reading.nodes);
        reading.primary = reading.views.primary(&reading.nodes);
        reading.relations = reading.related();
        reading
    }

    /// Each node by itself, held against no other.
    fn one_by_one(survey: &'a Survey, lifted: Lifted<'a>) -> Self {
        let nodes: Vec<NodeReading<'a>> = survey
            .nodes
            .iter()
            .map(|node| {
                let server = server::server(node);
                let position = position::held(node, &server);
                NodeReading { survey: node, server, position, seen: OnceCell::new() }
            })
            .collect();
        let views = view::Views::default();
        Self { survey, nodes, views, primary: None, lifted, relations: Vec::new() }
    }

    /// S25 over the reading. All nodes' bootstraps count, also those of a history that is left out: it may be another
    /// node's, too.
    fn related(&self) -> Vec<safety::s25::Relation> {
        let pasts: Vec<safety::s25::Past<'_>> = self
            .data()
            .map(|node| safety::s25::Past {
                name: node.name(),
                facts: &node.survey.facts,
                position: &node.position,
                read: node.survey.ssh.is_ok(),
                down: node.is_gone(),
                member: self.is_member(node.name()),
            })
            .collect();
        let voters = self.nodes.iter().filter(|node| verdict::may_vote(node)).count() as u64;
        let mut relations = safety::s25::relations(&pasts, voters);
        relations.retain(|relation| {
            !self.lifted.leaves_out(&relation.node) && !self.lifted.leaves_out(&relation.other)
        });
        relations
    }

    /// The nodes that hold data.
    fn data(&self) -> impl Iterator<Item = &NodeReading<'a>> {
        self.nodes.iter().filter(|node| node.is_data())
    }

    /// Whether the operator's word that the node is fenced (S5) stands: for what could not be read, and for what is down;
    /// never against a machine that answers and on which a server runs, or may run.
    fn is_fenced(&self, node: &NodeReading<'_>) -> bool {
        self.lifted.lifts(5, node.name()) && (!node.survey.ssh.is_ok() || node.is_gone())
    }

    fn is_member(&self, name: &NodeName) -> bool {
        self.primary.as_ref().is_some_and(|primary| primary.members.contains(name))
    }
}

impl NodeReading<'_> {
    fn name(&self) -> &NodeName {
        &self.survey.name
    }

    /// The known lines in the part of its log that was read.
    fn seen(&self) -> &Known<Vec<Seen>> {
        self.seen.get_or_init(|| lines::seen(&self.survey.facts))
    }

    /// S7 over the reading.
    fn tainted(&self) -> Option<String> {
        safety::s07::tainted(self.survey, self.server.known(), &self.position)
    }

    /// No server runs and none is about to, however the last one ended.
    fn is_gone(&self) -> bool {
        self.server.is(|server| server.is_down()) || server::ended(&self.survey.facts)
    }

    fn is_data(&self) -> bool {
        self.survey.role == crate::facts::Role::Data
    }
}

/// The reason of an unknown as a sentence fragment, or nothing.
fn reason(why: Option<&Why>) -> String {
    why.map(|why| why.text.to_string()).unwrap_or_default()
}
