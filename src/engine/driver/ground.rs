//! What a run stands on: the last survey with what it means, and the positions that were recovered on the way.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::facts::{Known, NodeName, NodeSurvey, Plain, Position, ReachWord, Survey, WhyKind, keys};
use crate::judge::{self, Judgement};
use crate::record::Record;
use crate::record::body::{Body, NodeSeen, Note, Outcome, RuleSeen, SurveyTaken, VerdictSeen};

use super::super::operator::{Event, Operator};
use super::super::ports::Ports;
use super::super::{Nodes, survey};
use super::{Book, Driver, Fatal};

/// A survey and its judgement.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) survey: Survey,
    pub(super) judgement: Judgement,
}

/// A position that was recovered, and what has to be unchanged for it to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The engine's position; `None` where the engine said that it holds none.
    pub position: Option<Position>,
    /// The engine's files when it was recovered; `None` where the recovery itself rewrote them and they were not looked at
    /// yet.
    pub stamp: Option<Plain>,
    /// The machine.
    pub machine: Plain,
}

/// How the parts of a recovered position stand in the record.
const POSITION: &str = "position ";
const NONE: &str = "none";
const STAMP: &str = "engine files ";
const MACHINE: &str = "machine ";
const NOTED: &str = "recovered in place on ";
const BETWEEN: &str = " | ";

impl Recovered {
    /// As the checks of its outcome record.
    pub(super) fn checks(&self) -> Vec<String> {
        let stamp = self.stamp.iter().map(|stamp| format!("{STAMP}{stamp}"));
        let position = self.position.map_or_else(|| NONE.to_owned(), |position| position.to_string());
        [format!("{POSITION}{position}"), format!("{MACHINE}{}", self.machine)]
            .into_iter()
            .chain(stamp)
            .collect()
    }

    fn read(checks: &[String]) -> Option<Self> {
        let part = |name: &str| checks.iter().find_map(|check| check.strip_prefix(name));
        let position = match part(POSITION)? {
            NONE => None,
            text => Some(*crate::ask::recovered::position(text).known()?),
        };
        Some(Self { position, stamp: Some(Plain::new(part(STAMP)?)), machine: Plain::new(part(MACHINE)?) })
    }

    /// As a note: what a recovery in place found, with the files as it left them, is known only after a look at the node.
    fn note(&self, node: &NodeName) -> String {
        format!("{NOTED}{node}: {}", self.checks().join(BETWEEN))
    }

    fn of_note(text: &str) -> Option<(NodeName, Self)> {
        let (node, rest) = text.strip_prefix(NOTED)?.split_once(": ")?;
        let checks: Vec<String> = rest.split(BETWEEN).map(str::to_owned).collect();
        Some((NodeName::new(node).ok()?, Self::read(&checks)?))
    }

    /// Whether it still holds for the node: the same machine, no server, and the engine's files as they were.
    fn holds(&self, node: &NodeSurvey) -> Result<(), &'static str> {
        let facts = &node.facts;
        if !facts.get(keys::HOST_MACHINE_ID).is(|machine| *machine == self.machine) {
            return Err("another machine answers now");
        }
        if !facts.get(keys::SERVER_STATE).is(|state| state.as_str().is_empty()) {
            return Err("a server runs there now");
        }
        match &self.stamp {
            Some(stamp) if !facts.get(keys::ENGINE_STAMP).is(|now| now == stamp) => {
                Err("the engine's files have changed since: a server ran on them")
            }
            _ => Ok(()),
        }
    }
}

/// The positions that a record remembers, the latest of each node.
pub fn remembered(records: &[Record]) -> BTreeMap<NodeName, Recovered> {
    let mut nodes: BTreeMap<&str, NodeName> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for record in records {
        match &record.body {
            Body::OpIntent(intent) => {
                if let Ok(node) = NodeName::new(&intent.node) {
                    nodes.insert(&intent.op, node);
                }
            }
            Body::OpOutcome(outcome) if outcome.outcome == Outcome::Done => {
                if let (Some(node), Some(position)) =
                    (nodes.get(outcome.op.as_str()), Recovered::read(&outcome.checks))
                {
                    found.insert(node.clone(), position);
                }
            }
            Body::Note(note) => {
                if let Some((node, position)) = Recovered::of_note(&note.text) {
                    found.insert(node, position);
                }
            }
            _ => {}
        }
    }
    found
}

/// Gives each node its recovered position, as far as it still holds.
pub fn recall(survey: &mut Survey, recovered: &BTreeMap<NodeName, Recovered>) {
    for node in &mut survey.nodes {
        let Some(found) = recovered.get(&node.name) else { continue };
        if !node.ssh.is_ok() {
            continue;
        }
        let value = match found.holds(node) {
            Ok(()) => match found.position {
                Some(position) => Known::Known(position),
                None => Known::unknown(WhyKind::Undefined, "the engine holds no position"),
            },
            Err(why) => Known::unknown(WhyKind::Stale, why),
        };
        node.facts.set(keys::RECOVERED, value, &Plain::new("mariadbd --wsrep-recover"), node.at);
    }
}

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// Reads all nodes and judges what they say; records it where the verdict changed.
    pub(super) async fn look_again(&mut self) -> Result<(), Fatal> {
        let ports = self.ports;
        let setting = self.setting;
        let taken =
            survey(self.nodes, &setting.cluster, setting.family, &setting.names, || ports.now(), |_| ());
        let mut survey = taken.await?;
        // A recovery in place rewrote the engine's files: as they are now they belong to the position.
        for node in &survey.nodes {
            if let Some(found) = self.recovered.get_mut(&node.name)
                && found.stamp.is_none()
            {
                found.stamp = node.facts.get(keys::ENGINE_STAMP).known().cloned();
            }
        }
        recall(&mut survey, &self.recovered);
        let judgement = judge::judge_with(&survey, &self.waivers, ports.now());
        self.ground = Ground { survey, judgement };
        self.show_ground();
        self.touched.clear();
        if self.verdict != Some(self.ground.judgement.verdict) {
            self.verdict = Some(self.ground.judgement.verdict);
            self.keep_survey()?;
            self.keep_verdict(None, Vec::new())?;
        }
        Ok(())
    }

    /// Looks at a node after a recovery in place, and records what was found with the engine's files as they are now.
    pub(super) async fn note_recovered(&mut self, node: &NodeName) -> Result<(), Fatal> {
        self.look_again().await?;
        if let Some(text) = self.recovered.get(node).map(|found| found.note(node)) {
            self.keep(Body::Note(Note { text }))?;
        }
        Ok(())
    }

    /// Judges the survey at hand again, with the positions that were recovered meanwhile.
    pub(super) fn judge_recovered(&mut self) {
        recall(&mut self.ground.survey, &self.recovered);
        self.judge_again();
    }

    /// Judges the survey at hand again, after a waiver.
    pub(super) fn judge_again(&mut self) {
        self.ground.judgement = judge::judge_with(&self.ground.survey, &self.waivers, self.ports.now());
        self.show_ground();
    }

    /// Lets the operator see what the next decision rests on (U4).
    pub(super) fn show_ground(&mut self) {
        let Ground { survey, judgement } = &self.ground;
        self.operator.hear(&Event::Surveyed { survey, judgement });
    }

    /// Reads again what is too old to decide on (S9), or was acted on.
    pub(super) async fn refresh(&mut self, node: Option<&NodeName>) -> Result<(), Fatal> {
        let now = self.ports.now();
        let stale =
            self.ground.survey.nodes.iter().any(|node| judge::safety::s09::stale(node, now).is_some());
        let touched = match node {
            Some(node) => self.touched.contains(node),
            None => !self.touched.is_empty(),
        };
        if stale || touched { self.look_again().await } else { Ok(()) }
    }

    pub(super) fn surveyed(&self, node: &NodeName) -> Option<&NodeSurvey> {
        self.ground.survey.node(node)
    }

    pub(super) fn reachable(&self, node: &NodeName) -> bool {
        self.surveyed(node).is_some_and(|node| node.ssh.is_ok())
    }

    /// Records the survey: its frame in the log, all its facts beside it (S11: this is the capture).
    pub(super) fn keep_survey(&mut self) -> Result<(), Fatal> {
        let survey = &self.ground.survey;
        let facts: BTreeMap<&str, _> =
            survey.nodes.iter().map(|node| (node.name.as_str(), &node.facts)).collect();
        // Facts hold no floats and no maps with other keys than text; should that change, the survey is not kept.
        let bytes = serde_json::to_vec(&facts).unwrap_or_default();
        let nodes = survey.nodes.iter().map(|node| self.node_seen(node)).collect();
        let taken = survey.taken;
        let blob = self.book.blob(&bytes)?;
        self.note(Body::Survey(SurveyTaken { taken, nodes, facts: blob }))?;
        Ok(())
    }

    fn node_seen(&self, node: &NodeSurvey) -> NodeSeen {
        let judged = self.ground.judgement.node(&node.name);
        let text = |key| node.facts.get(key).known().map(Plain::to_string);
        let word = |word: ReachWord| word.as_str().to_owned();
        NodeSeen {
            name: node.name.to_string(),
            ssh: word(node.ssh.word),
            sql: word(node.sql.word),
            server: judged
                .and_then(|judged| judged.server.known())
                .map_or("unknown", |server| server.as_str())
                .to_owned(),
            standing: judged
                .and_then(|judged| judged.standing)
                .map_or("", judge::Standing::as_str)
                .to_owned(),
            position: judged.and_then(|judged| judged.position.known()).map(|held| held.position.to_string()),
            host_key: text(keys::HOST_KEY),
            machine_id: text(keys::HOST_MACHINE_ID),
        }
    }

    /// Records what the facts mean, and what the rules of a step said.
    pub(super) fn keep_verdict(&mut self, step: Option<&str>, rules: Vec<RuleSeen>) -> Result<(), Fatal> {
        let judgement = &self.ground.judgement;
        let loss = match &judgement.loss {
            Known::Known(loss) => serde_json::json!({ "write_sets": loss.0 }),
            Known::Unknown(why) => serde_json::json!({ "unknown": why.text }),
        };
        let verdict = VerdictSeen {
            step: step.map(str::to_owned),
            evidence: judgement.evidence_digest.to_string(),
            verdict: judgement.verdict.as_str().to_owned(),
            candidates: judgement.candidates.iter().map(ToString::to_string).collect(),
            loss,
            rules,
        };
        self.note(Body::Verdict(verdict))?;
        Ok(())
    }

    /// The moment the facts at hand were read.
    pub(super) fn read_at(&self) -> Timestamp {
        let oldest = self.ground.survey.nodes.iter().map(|node| node.at).min();
        oldest.unwrap_or(self.ground.survey.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClusterUuid, Seqno};

    #[test]
    fn what_was_recovered_in_place_is_read_back_from_its_note() {
        let position = Position { uuid: ClusterUuid::new(7).unwrap(), seqno: Seqno::new(6).unwrap() };
        let node = NodeName::new("g1").unwrap();
        for position in [Some(position), None] {
            let stamp = Some(Plain::new("ibdata1 12 34 2026-11-21 03:00:00.1; ib_logfile0 13 35 2026"));
            let found = Recovered { position, stamp, machine: Plain::new("4f1c") };
            assert_eq!(Recovered::of_note(&found.note(&node)), Some((node.clone(), found)));
        }
        assert_eq!(Recovered::of_note("recovered in place on g1: position what"), None);
    }
}
