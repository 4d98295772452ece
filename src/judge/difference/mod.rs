//! What changed between two surveys of one cluster.
//!
//! ```text
//! verdict · primary · candidates · loss     as they turned
//! findings                                  came, went, or about other nodes now
//! nodes      ways · server · standing · position · facts, known now, known no longer
//! ```
//!
//! What moves by itself while all stays as it is (counters, clocks, ages) is no change: [`moving`] says what that is.
//! A reading that moves and becomes unknown, or known, has changed like any other.

mod moving;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::position::Held;
use super::{Finding, Judgement, NodeJudgement, Primary, Server, Standing, Verdict, WriteSets};
use crate::facts::{
    Known, NodeName, NodeSurvey, PositionSource, ReachWord, Survey, Unit, Value, WhyKind, keys,
};

/// Something as it was and as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn<T> {
    /// In the earlier survey.
    pub from: T,
    /// In the later one.
    pub to: T,
}

/// What changed between two surveys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// When the two were complete.
    pub taken: Turn<Timestamp>,
    /// The one word for the cluster.
    pub verdict: Option<Turn<Verdict>>,
    /// The proved Primary Component: another history, size or membership, or that there is one. That it writes is none.
    pub primary: Option<Turn<Option<Primary>>>,
    /// The nodes of standing CANDIDATE.
    pub candidates: Option<Turn<Vec<NodeName>>>,
    /// What going on would lose of what the surveyed nodes hold.
    pub loss: Option<Turn<Known<WriteSets>>>,
    /// Findings: those that came (`from` is `None`), those that are about other nodes, are better or worse, or are held
    /// back by other rules now, and those that are no longer the case (`to` is `None`).
    pub findings: Vec<Turn<Option<Finding>>>,
    /// The nodes of which something changed, in the later survey's order.
    pub nodes: Vec<NodeDifference>,
    /// How many write-sets each running server has committed meanwhile, where that is all its position did.
    pub advanced: Vec<(NodeName, u64)>,
}

/// What changed on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDifference {
    /// The node.
    pub name: NodeName,
    /// How far we got on the way to the machine.
    pub ssh: Option<Turn<ReachWord>>,
    /// How far we got on the way to the server.
    pub sql: Option<Turn<ReachWord>>,
    /// What runs there.
    pub server: Option<Turn<Known<Server>>>,
    /// What its history is worth.
    pub standing: Option<Turn<Option<Standing>>>,
    /// What it holds.
    pub position: Option<Turn<Known<Held>>>,
    /// Its facts, in the order of their table.
    pub facts: Vec<FactTurn>,
}

/// A fact that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactTurn {
    /// Its name.
    pub name: &'static str,
    /// What its number counts.
    pub unit: Unit,
    /// Its value before and after.
    pub value: Turn<Known<Value>>,
}

/// What became of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has another value.
    Changed,
    /// It was not known, and is.
    Learnt,
    /// It was known, and is not.
    Lost,
}

impl Difference {
    /// Whether nothing changed but what moves by itself.
    pub fn is_nothing(&self) -> bool {
        self.verdict.is_none()
            && self.primary.is_none()
            && self.candidates.is_none()
            && self.loss.is_none()
            && self.findings.is_empty()
            && self.nodes.is_empty()
    }
}

impl FactTurn {
    /// What became of it.
    pub fn fate(&self) -> Fate {
        match (&self.value.from, &self.value.to) {
            (Known::Unknown(_), _) => Fate::Learnt,
            (_, Known::Unknown(_)) => Fate::Lost,
            (Known::Known(_), Known::Known(_)) => Fate::Changed,
        }
    }
}

impl Turn<Known<Held>> {
    /// By how many write-sets the position is higher (`Ok`) or lower (`Err`) now. `None` where one of the two is not known
    /// or they are of different histories (S1).
    pub fn by(&self) -> Option<Result<u64, u64>> {
        let (from, to) = (self.from.known()?.position, self.to.known()?.position);
        (from.uuid == to.uuid).then(|| {
            if to.seqno >= from.seqno {
                Ok(to.seqno.beyond(from.seqno))
            } else {
                Err(from.seqno.beyond(to.seqno))
            }
        })
    }
}

/// What changed between two surveys of one cluster, with what each was judged to mean.
pub fn difference(before: (&Survey, &Judgement), after: (&Survey, &Judgement)) -> Difference {
    let ((old, was), (new, is)) = (before, after);
    let mut difference = Difference {
        taken: Turn { from: old.taken, to: new.taken },
        verdict: turn(&was.verdict, &is.verdict),
        primary: primary(was.primary.as_ref(), is.primary.as_ref()),
        candidates: turn(&was.candidates, &is.candidates),
        loss: told(&was.loss, &is.loss, PartialEq::eq),
        findings: findings(&was.findings, &is.findings),
        nodes: Vec::new(),
        advanced: Vec::new(),
    };
    for (node, judged) in new.nodes.iter().filter_map(|node| Some((node, is.node(&node.name)?))) {
        // The inventory names the same nodes for as long as the program runs.
        let Some((earlier, was)) = old.node(&node.name).zip(was.node(&node.name)) else { continue };
        let advanced = advanced(&was.position, &judged.position);
        if let Some(by) = advanced.filter(|by| *by > 0) {
            difference.advanced.push((node.name.clone(), by));
        }
        let turned = NodeDifference {
            name: node.name.clone(),
            ssh: turn(&earlier.ssh.word, &node.ssh.word),
            sql: turn(&earlier.sql.word, &node.sql.word),
            server: told(&was.server, &judged.server, PartialEq::eq),
            standing: standing(was, judged, is.primary.is_some()),
            position: match advanced {
                Some(_) => None,
                None => told(&was.position, &judged.position, |a, b| {
                    (a.position, a.source) == (b.position, b.source)
                }),
            },
            facts: facts(earlier, node, &judged.server),
        };
        if !turned.is_nothing() {
            difference.nodes.push(turned);
        }
    }
    difference
}

impl NodeDifference {
    fn is_nothing(&self) -> bool {
        self.ssh.is_none()
            && self.sql.is_none()
            && self.server.is_none()
            && self.standing.is_none()
            && self.position.is_none()
            && self.facts.is_empty()
    }
}

fn turn<T: Clone + PartialEq>(from: &T, to: &T) -> Option<Turn<T>> {
    (from != to).then(|| Turn { from: from.clone(), to: to.clone() })
}

/// A turn between known values, or between knowing and not knowing. Another reason for not knowing is none: what became of
/// the node that did not answer, or of its server, is told where it belongs.
fn told<T: Clone>(
    from: &Known<T>,
    to: &Known<T>,
    same: impl FnOnce(&T, &T) -> bool,
) -> Option<Turn<Known<T>>> {
    let same = match (from, to) {
        (Known::Known(from), Known::Known(to)) => same(from, to),
        (Known::Unknown(_), Known::Unknown(_)) => true,
        _ => false,
    };
    (!same).then(|| Turn { from: from.clone(), to: to.clone() })
}

fn primary(from: Option<&Primary>, to: Option<&Primary>) -> Option<Turn<Option<Primary>>> {
    let shape = |primary: &Primary| (primary.uuid, primary.size, primary.members.clone());
    (from.map(shape) != to.map(shape)).then(|| Turn { from: from.cloned(), to: to.cloned() })
}

/// Of the same id and nodes it is the same claim; of the same id alone it has changed.
fn findings(from: &[Finding], to: &[Finding]) -> Vec<Turn<Option<Finding>>> {
    let is = |a: &Finding, b: &Finding| a.id == b.id && a.nodes == b.nodes;
    // How old the facts are (S9) moves by itself.
    let held = |finding: &Finding| -> Vec<(&'static str, Option<NodeName>)> {
        let rules = finding.blocked_by.iter().filter(|blocked| blocked.rule != "S9");
        rules.map(|blocked| (blocked.rule, blocked.node.clone())).collect()
    };
    let mut gone: Vec<&Finding> = from.iter().filter(|old| !to.iter().any(|new| is(old, new))).collect();
    let mut turns = Vec::new();
    for new in to {
        let old = from.iter().find(|old| is(old, new));
        if let Some(old) = old {
            if old.severity != new.severity || held(old) != held(new) {
                turns.push(Turn { from: Some(old.clone()), to: Some(new.clone()) });
            }
            continue;
        }
        let nearest = gone.iter().position(|old| old.id == new.id);
        let from = nearest.map(|at| gone.remove(at).clone());
        turns.push(Turn { from, to: Some(new.clone()) });
    }
    turns.extend(gone.into_iter().map(|old| Turn { from: Some(old.clone()), to: None }));
    turns
}

/// How far a running server's position moved on in its history; `None` where something else became of it.
fn advanced(from: &Known<Held>, to: &Known<Held>) -> Option<u64> {
    let (old, new) = (from.known()?, to.known()?);
    let live = old.source == PositionSource::Status && new.source == PositionSource::Status;
    let on = old.position.uuid == new.position.uuid && new.position.seqno >= old.position.seqno;
    (live && on).then(|| new.position.seqno.beyond(old.position.seqno))
}

/// Against a Primary that writes, a distance grows by itself.
fn standing(from: &NodeJudgement, to: &NodeJudgement, lives: bool) -> Option<Turn<Option<Standing>>> {
    let word = |standing: Option<Standing>| standing.map(Standing::as_str);
    let same = word(from.standing) == word(to.standing) && (lives || from.standing == to.standing);
    (!same).then_some(Turn { from: from.standing, to: to.standing })
}

fn facts(from: &NodeSurvey, to: &NodeSurvey, server: &Known<Server>) -> Vec<FactTurn> {
    let (from, to) = (values(from), values(to));
    let unread = Known::unknown(WhyKind::NotAsked, "not read");
    let runs = !server.is(|server| server.is_down());
    let mut turns = Vec::new();
    for key in keys::ALL {
        let (from, to) =
            (from.get(key.name).copied().unwrap_or(&unread), to.get(key.name).copied().unwrap_or(&unread));
        if let Some(value) = told(from, to, |from, to| moving::same(key.name, (from, to), runs)) {
            turns.push(FactTurn { name: key.name, unit: key.unit, value });
        }
    }
    turns
}

/// The values of a node's facts, by name.
fn values(node: &NodeSurvey) -> BTreeMap<&'static str, &Known<Value>> {
    node.facts.iter().map(|(name, fact)| (name, &fact.value)).collect()
}
