//! How a run ends: what must happen on every way out (S21), and what it came to.

use std::collections::BTreeSet;

use crate::facts::{NodeName, SessionId, keys};
use crate::judge::Standing;
use crate::record::OpState;
use crate::record::body::{Automation, Body, CloseResult, SessionClose, SessionPause};
use crate::runbook::{Action, PlanStep};

use super::super::Nodes;
use super::super::machine::Op;
use super::super::operator::Operator;
use super::super::ports::{Ports, Stop};
use super::step::End;
use super::{Book, Driver, Fatal, clipped};

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunResult {
    /// All of it was done and seen.
    Done,
    /// Some of it: a node stays out, or a refusal after the first destructive act.
    Partial,
    /// A rule, a guard, a lease or an answer stopped it before anything destructive.
    Refused,
    /// What happened, or whether it had its effect, is not known.
    Unknown,
    /// A signal or the operator stopped it; the session stays open.
    Paused,
}

impl RunResult {
    /// The word in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Paused => "paused",
        }
    }

    /// The exit code.
    pub fn exit(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Partial => 10,
            Self::Refused => 40,
            Self::Unknown => 50,
            Self::Paused => 130,
        }
    }
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its session.
    pub session: SessionId,
    /// What it came to.
    pub result: RunResult,
    /// Why, for people; a sentence a line.
    pub detail: String,
}

impl Ended {
    pub(super) fn refused(session: SessionId, detail: String) -> Self {
        Self { session, result: RunResult::Refused, detail }
    }
}

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// Puts everything back that is put back on every way out, and closes the session.
    pub(super) async fn close(&mut self, last: End) -> Result<Ended, Fatal> {
        let (unrestored, trouble) = self.put_back().await?;
        let (result, mut detail) = self.came_to(last);
        // What is not put back is not done.
        let result =
            if result == RunResult::Done && !trouble.is_empty() { RunResult::Partial } else { result };
        for (node, why) in self.left_out.iter().filter(|(node, _)| !self.is_synced(node)) {
            detail.push(format!("{node} stays out: {}", first_line(why.as_str())));
        }
        detail.extend(trouble);
        detail.extend(self.to_be_kept_down());
        let froze = !self.frozen_here().is_empty();
        let automation = match (froze, unrestored.is_empty()) {
            (false, _) => Automation::Untouched,
            (true, true) => Automation::Restored,
            (true, false) => Automation::NotRestored,
        };
        let detail = clipped(&detail.join("\n"));
        let session = self.session.clone();
        let word = match result {
            RunResult::Done => Some(CloseResult::Done),
            RunResult::Partial => Some(CloseResult::Partial),
            RunResult::Refused => Some(CloseResult::Refused),
            RunResult::Unknown => Some(CloseResult::Unknown),
            RunResult::Paused => None,
        };
        if let Some(word) = word {
            let open = self
                .machine
                .session(&session)
                .map(|session| session.open().map(|op| op.op.to_string()).collect());
            self.keep(Body::SessionClose(SessionClose {
                result: word,
                exit: result.exit(),
                open: open.unwrap_or_default(),
                automation,
                detail: detail.clone(),
            }))?;
        } else {
            self.keep(Body::SessionPause(SessionPause { why: detail.clone() }))?;
        }
        self.book.remember_head()?;
        Ok(Ended { session, result, detail })
    }

    /// Runs the steps of every way out. Returns the nodes that are still frozen, and what went wrong.
    async fn put_back(&mut self) -> Result<(Vec<NodeName>, Vec<String>), Fatal> {
        let mut due: Vec<(usize, PlanStep)> =
            self.plan.steps.iter().cloned().enumerate().filter(|(_, step)| step.always).collect();
        due.retain(|(_, step)| self.is_due(step));
        let mut trouble = Vec::new();
        self.take_over_freezes(&mut due);
        while let Some(id) = due.first().map(|(_, step)| step.id.clone()) {
            if self.ports.stop() == Stop::Now {
                return Err(Fatal::Stopped);
            }
            let these: Vec<(usize, PlanStep)>;
            (these, due) = due.into_iter().partition(|(_, step)| step.id == id);
            let (_, end) = self.abreast(these).await?;
            if !matches!(end, End::Done(_) | End::Skipped(_)) {
                trouble.push(format!("{id} was not done everywhere: {}", end.detail().replace('\n', "; ")));
            }
        }
        let still: Vec<NodeName> =
            self.frozen_here().into_iter().filter(|node| !self.was_unfrozen(node)).collect();
        trouble.extend(still.iter().map(|node| {
            format!("{node} is still frozen: its server is not started by itself or by others until a later run, or a boot")
        }));
        Ok((still, trouble))
    }

    /// A dead session's freeze on a node that this run does not freeze itself: it is taken over, and lifted with the rest.
    fn take_over_freezes(&self, due: &mut Vec<(usize, PlanStep)>) {
        let steps = || self.plan.steps.iter().enumerate();
        let freeze = steps().find(|(_, step)| step.action == Action::Freeze);
        let unfreeze = steps().find(|(_, step)| step.action == Action::Unfreeze);
        let (Some((at, freeze)), Some((last, unfreeze))) = (freeze, unfreeze) else { return };
        let on = |node: &NodeName, at: usize, step: &PlanStep| {
            (at, PlanStep { node: Some(node.clone()), ..step.clone() })
        };
        for node in self.setting.data.iter().filter(|node| self.leased(node)) {
            let by = self.surveyed(node).map(|node| node.facts.get(keys::UNIT_FROZEN));
            let by = by.and_then(|by| SessionId::parse(by.known()?.as_str()));
            let ours =
                |by: &SessionId| self.machine.knows(by) || self.broken.values().any(|broken| broken == by);
            if by.is_some_and(|by| by != self.session && ours(&by)) {
                due.insert(0, on(node, at, freeze));
                let place = due.iter().position(|(_, step)| step.action == Action::Unfreeze);
                due.insert(place.unwrap_or(1), on(node, last, unfreeze));
            }
        }
    }

    /// Nodes that hold what the Primary does not: as long as they stand so, nothing may start them, and our freeze goes with
    /// us (S26).
    fn to_be_kept_down(&self) -> Vec<String> {
        if self.ground.judgement.primary.is_none() {
            return Vec::new();
        }
        let judged = self.ground.judgement.nodes.iter();
        let ahead =
            judged.filter(|node| matches!(node.standing, Some(Standing::Ahead(_) | Standing::Diverged)));
        ahead
            .map(|node| {
                let name = &node.name;
                format!(
                    "{name} is {} and must not be started: it would abort, and be overwritten at its next start. Until \
                     it is decided, keep everybody from starting it (systemctl mask on {name}).",
                    node.standing.map_or("", Standing::as_str)
                )
            })
            .collect()
    }

    /// Nodes that this run may have frozen: those of its plan, and those whose freeze it took over.
    fn frozen_here(&self) -> BTreeSet<NodeName> {
        let freezes = self.ops().iter().filter(|op| op.deed == "freeze" && op.may_have_happened());
        freezes.map(|op| op.node.clone()).collect()
    }

    /// Whether the freeze of this run is known to be gone from the node.
    fn was_unfrozen(&self, node: &NodeName) -> bool {
        self.ops().iter().any(|op| op.node == *node && op.deed == "unfreeze" && op.is_done())
    }

    /// Whether what the step puts back was done by this run.
    fn is_due(&self, step: &PlanStep) -> bool {
        let undoes = match step.action {
            Action::Unfreeze => Action::Freeze,
            Action::Release => Action::Lease,
            Action::DropCheck if self.drops_anothers(step) => return true,
            Action::DropCheck => Action::Write,
            _ => return true,
        };
        let same = |other: &&PlanStep| {
            other.action == undoes && (other.node == step.node || undoes == Action::Write)
        };
        self.plan.steps.iter().filter(same).any(|other| self.did(other))
    }

    /// Whether a dead session may have left its schema of the check, and it can be dropped here and now.
    fn drops_anothers(&self, step: &PlanStep) -> bool {
        let can = |node: NodeName| self.is_synced(&node) && self.leased(&node);
        self.machine.check_is_left() && self.node_of(step).is_some_and(can)
    }

    /// Whether this run took the node's lease.
    fn leased(&self, node: &NodeName) -> bool {
        let takes = |step: &&PlanStep| step.action == Action::Lease && step.node.as_ref() == Some(node);
        self.plan.steps.iter().filter(takes).any(|step| self.did(step))
    }

    /// Whether an act of that step may have happened in this session.
    fn did(&self, step: &PlanStep) -> bool {
        self.ops().iter().any(|op| {
            op.step == step.id
                && step.node.as_ref().is_none_or(|node| *node == op.node)
                && op.may_have_happened()
        })
    }

    fn came_to(&self, last: End) -> (RunResult, Vec<String>) {
        let session = self.machine.session(&self.session);
        // Where servers are started, a position that was not recovered has its say in the rules.
        let starts =
            |step: &PlanStep| matches!(step.action, Action::Bootstrap | Action::Join | Action::Start);
        let positions_are_all = !self.plan.steps.iter().any(starts);
        let open = session.is_some_and(|session| session.open().next().is_some());
        let destroyed = session.is_some_and(super::super::machine::Session::destroyed);
        let started = session.is_some_and(|session| session.ops.iter().any(has_started));
        let stopped = if destroyed { RunResult::Partial } else { RunResult::Refused };
        let (result, detail) = match last {
            End::Done(_) | End::Skipped(_) | End::LeftOut(_) => {
                let out = self.left_out.keys().any(|node| !self.is_synced(node));
                let partial = out || (positions_are_all && !self.missing.is_empty());
                let missing = self
                    .missing
                    .iter()
                    .filter(|_| positions_are_all)
                    .map(|(node, why)| format!("{node}: {why}"));
                (if partial { RunResult::Partial } else { RunResult::Done }, missing.collect())
            }
            // Servers that were started run on, whatever class their start was of.
            End::Refused(why) if started => (RunResult::Partial, why),
            End::Failed(why) if started => (RunResult::Partial, vec![why]),
            End::Refused(why) => (stopped, why),
            End::Failed(why) => (stopped, vec![why]),
            End::Unproven(why) | End::Open(why) => (RunResult::Unknown, vec![why]),
            End::Stopped => (
                RunResult::Paused,
                vec![
                    "stopped by the operator or a signal; run again: it begins with a fresh survey"
                        .to_owned(),
                ],
            ),
        };
        (if open { RunResult::Unknown } else { result }, detail)
    }
}

/// Whether a server may run by this act.
fn has_started(op: &Op) -> bool {
    matches!(op.deed.as_str(), "start" | "bootstrap") && (op.is_done() || op.state == OpState::Unknown)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
