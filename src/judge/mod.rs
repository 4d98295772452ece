//! Facts → standings, verdict and findings. Pure: the same survey always gets the same judgement.
//!
//! ```text
//! survey ─▶ server   what runs on each node           (server.rs)
//!        ─▶ position what each node's history reaches (position.rs; S2, S3)
//!        ─▶ view     is there one proved Primary?     (view.rs; S6)
//!        ─▶ standing what each history is worth       (standing.rs; S1, S4, S7, S8)
//!        ─▶ verdict, loss, findings                   (verdict.rs, findings/)
//! ```
//!
//! The safety rules stand in [`safety`], one file each; this room asks them and never decides past them.

mod digest;
mod findings;
mod position;
pub mod safety;
mod server;
mod standing;
mod verdict;
mod view;

use serde::Serialize;

use crate::facts::{ClusterUuid, EvidenceDigest, Known, NodeName, Plain, Seqno, Survey, Why};

pub use findings::{Finding, Severity};
pub use position::Held;
pub use safety::Blocked;
pub use server::Server;
pub use standing::Standing;
pub use verdict::Verdict;

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
}

impl Judgement {
    /// What was found out about one node.
    pub fn node(&self, name: &NodeName) -> Option<&NodeJudgement> {
        self.nodes.iter().find(|node| node.name == *name)
    }
}

/// Judges a survey.
pub fn judge(survey: &Survey) -> Judgement {
    let reading = Reading::of(survey);
    let standings = standing::standings(&reading);
    let verdict = verdict::verdict(&reading, &standings);
    let candidates = standings
        .iter()
        .filter(|(_, standing)| standing.word == Some(Standing::Candidate))
        .map(|(name, _)| (*name).clone())
        .collect::<Vec<_>>();
    let loss = verdict::loss(&reading, &standings, &candidates);
    let nodes: Vec<NodeJudgement> = reading
        .nodes
        .iter()
        .zip(&standings)
        .map(|(node, (_, standing))| NodeJudgement {
            name: node.name().clone(),
            server: node.server.clone(),
            standing: standing.word,
            why: standing.why.clone(),
            position: node.position.clone(),
        })
        .collect();
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
}

/// One node of a [`Reading`].
struct NodeReading<'a> {
    survey: &'a crate::facts::NodeSurvey,
    server: Known<Server>,
    position: Known<Held>,
}

impl<'a> Reading<'a> {
    fn of(survey: &'a Survey) -> Self {
        let nodes: Vec<NodeReading<'a>> = survey
            .nodes
            .iter()
            .map(|node| {
                let server = server::server(node);
                let position = position::held(node, &server);
                NodeReading { survey: node, server, position }
            })
            .collect();
        let views = view::Views::of(&nodes);
        let primary = views.primary(&nodes);
        Self { survey, nodes, views, primary }
    }

    /// The nodes that hold data.
    fn data(&self) -> impl Iterator<Item = &NodeReading<'a>> {
        self.nodes.iter().filter(|node| node.is_data())
    }

    fn is_member(&self, name: &NodeName) -> bool {
        self.primary.as_ref().is_some_and(|primary| primary.members.contains(name))
    }
}

impl NodeReading<'_> {
    fn name(&self) -> &NodeName {
        &self.survey.name
    }

    /// S7 over the reading.
    fn tainted(&self) -> Option<String> {
        safety::s07::tainted(self.survey, self.server.known(), &self.position)
    }

    fn is_data(&self) -> bool {
        self.survey.role == crate::facts::Role::Data
    }
}

/// The reason of an unknown as a sentence fragment, or nothing.
fn reason(why: Option<&Why>) -> String {
    why.map(|why| why.text.to_string()).unwrap_or_default()
}
