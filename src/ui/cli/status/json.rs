//! `status --json`, schema `breakglass.status/1`.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;

use crate::facts::{
    ClusterName, EvidenceDigest, Facts, Family, Known, Mode, NodeName, Plain, PositionSource, Reach, Role,
    Seqno,
};
use crate::judge::{Finding, Forecast, Held, Primary, Server, Standing, Verdict, WriteSets};
use crate::runbook::{self, Fit};
use crate::ui::survey::Picture;

const SCHEMA: &str = "breakglass.status/1";

#[derive(Serialize)]
struct Status<'a> {
    schema: &'static str,
    taken: Timestamp,
    clusters: Vec<Cluster<'a>>,
}

#[derive(Serialize)]
struct Cluster<'a> {
    name: &'a ClusterName,
    family: Family,
    mode: Mode,
    verdict: Verdict,
    evidence_digest: &'a EvidenceDigest,
    primary: Option<&'a Primary>,
    candidates: &'a [NodeName],
    loss: BTreeMap<&'static str, Loss<'a>>,
    nodes: Vec<Node<'a>>,
    findings: &'a [Finding],
    runbooks: Vec<Runbook>,
}

/// A runbook of the library: whether it has a point now, and why, or why not and what would change that.
#[derive(Serialize)]
struct Runbook {
    id: String,
    fit: Fit,
    why: Vec<String>,
}

/// `{"write_sets": n}` or `{"unknown": "why"}`.
#[derive(Serialize)]
#[serde(untagged)]
enum Loss<'a> {
    WriteSets(WriteSets),
    Unknown(&'a Plain),
}

#[derive(Serialize)]
struct Node<'a> {
    name: &'a NodeName,
    role: Role,
    ssh: &'a Reach,
    ssh_detail: &'a Plain,
    ssh_next: &'a Plain,
    sql: &'a Reach,
    sql_detail: &'a Plain,
    sql_next: &'a Plain,
    server: &'static str,
    standing: Option<Standing>,
    by: Option<u64>,
    why: &'a Plain,
    position: Option<Position>,
    forecast: Option<&'a Forecast>,
    facts: &'a Facts,
    at: Timestamp,
}

#[derive(Serialize)]
struct Position {
    uuid: crate::facts::ClusterUuid,
    seqno: Seqno,
    source: PositionSource,
    at: Timestamp,
}

impl From<&Held> for Position {
    fn from(held: &Held) -> Self {
        Self { uuid: held.position.uuid, seqno: held.position.seqno, source: held.source, at: held.at }
    }
}

/// Writes one document and a line feed; `pretty` is for people who read it.
pub(super) fn write(out: &mut impl Write, pictures: &[Picture], pretty: bool) -> Result<()> {
    let taken = pictures.iter().map(|picture| picture.survey.taken).max().unwrap_or_default();
    let status = Status { schema: SCHEMA, taken, clusters: pictures.iter().map(cluster).collect() };
    let text = if pretty { serde_json::to_string_pretty(&status) } else { serde_json::to_string(&status) };
    let text = text.context("putting the status into JSON")?;
    writeln!(out, "{text}").context("writing the status")
}

fn cluster(picture: &Picture) -> Cluster<'_> {
    let Picture { survey, judgement } = picture;
    let loss = match &judgement.loss {
        Known::Known(lost) => ("write_sets", Loss::WriteSets(*lost)),
        Known::Unknown(why) => ("unknown", Loss::Unknown(&why.text)),
    };
    Cluster {
        name: &survey.cluster,
        family: survey.family,
        mode: survey.mode,
        verdict: judgement.verdict,
        evidence_digest: &judgement.evidence_digest,
        primary: judgement.primary.as_ref(),
        candidates: &judgement.candidates,
        loss: BTreeMap::from([loss]),
        nodes: survey
            .nodes
            .iter()
            .zip(&judgement.nodes)
            .map(|(node, judged)| Node {
                name: &node.name,
                role: node.role,
                ssh: &node.ssh,
                ssh_detail: &node.ssh.detail,
                ssh_next: &node.ssh.next,
                sql: &node.sql,
                sql_detail: &node.sql.detail,
                sql_next: &node.sql.next,
                server: judged.server.known().map_or("unknown", |server: &Server| server.as_str()),
                standing: judged.standing,
                by: judged.standing.and_then(Standing::by),
                why: &judged.why,
                position: judged.position.known().map(Position::from),
                forecast: judged.forecast.as_ref(),
                facts: &node.facts,
                at: node.at,
            })
            .collect(),
        findings: &judgement.findings,
        runbooks: runbook::library()
            .iter()
            .map(|book| {
                let outlook = book.outlook(survey, judgement);
                Runbook { id: book.id.clone(), fit: outlook.fit, why: outlook.why }
            })
            .collect(),
    }
}
