//! Waiting until something is seen on the nodes, for as long as it moves (U6, U13, S22).

use std::time::Duration;

use crate::facts::{Known, Plain, keys};
use crate::judge::safety::s22::STABLE;
use crate::runbook::{Action, Guard, PlanStep, Verdict};

use super::super::Nodes;
use super::super::operator::{Event, Operator};
use super::super::ports::{Ports, Stop};
use super::send::nanos;
use super::step::End;
use super::{Book, Driver, Fatal};

/// How long a check may stay unproved with nothing moving.
const STALLED: Duration = Duration::from_mins(2);
/// How long is waited from one look to the next: most checks hold within seconds, and whoever waits for a transfer is not
/// to be asked three times a second.
const EVERY: Duration = Duration::from_millis(300);
const LATER_EVERY: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_secs(5);
/// How often while it holds.
const STABLE_EVERY: Duration = Duration::from_secs(1);
/// Nothing is silent for longer (U13).
const TICK: Duration = Duration::from_secs(4);
/// `wsrep_local_state` of a member that has caught up.
const SYNCED: u64 = 4;
/// The name by which a runbook asks for success that holds.
const STABLE_STEP: &str = "stable";

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// A step that only looks: its guards must hold, then its check is waited for.
    pub(super) async fn watch(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let planned = self.planned();
        let scene = self.scene(step.node.as_ref(), &planned);
        let failing = step.guards.iter().find_map(|guard| failing(guard, &guard.hold(&scene)));
        if let Some(why) = failing {
            return Ok(End::Refused(vec![why]));
        }
        if step.check.is_empty() {
            return Ok(End::Done("it holds".to_owned()));
        }
        let end = self.prove(step).await?;
        if step.id == STABLE_STEP && matches!(end, End::Done(_)) { self.hold(step).await } else { Ok(end) }
    }

    /// Waits until the check of a step holds.
    pub(super) async fn prove(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let begun = self.ports.mono();
        let (mut told, mut moved) = (begun, begun);
        let mut last = String::new();
        // Facts from before the act prove nothing of it; facts read since do.
        self.refresh(None).await?;
        loop {
            let Some(why) = self.unproved(step) else { return Ok(End::Done(self.proved(step))) };
            let now = self.ports.mono();
            let seen = format!("{why} {}", self.moves(step));
            if seen != last {
                moved = now;
                last = seen;
            }
            if now.saturating_sub(moved) > nanos(STALLED) {
                return Ok(End::Unproven(format!(
                    "not seen, and nothing has moved towards it for {} s: {why}",
                    STALLED.as_secs()
                )));
            }
            // An act is followed to its end; a step that only looks ends with the operator's word.
            if step.action == Action::Watch && self.ports.stop() != Stop::No {
                return Ok(End::Stopped);
            }
            if now.saturating_sub(told) >= nanos(TICK) {
                told = now;
                let transfer = self.transfer(step).map(|says| format!("; a state transfer runs, {says}"));
                self.progress(step, begun, &format!("{why}{}", transfer.unwrap_or_default()));
            }
            let waits = if now.saturating_sub(begun) < nanos(SOON) { EVERY } else { LATER_EVERY };
            self.pause(waits).await?;
            self.look_again().await?;
        }
    }

    /// What changes on a node while it catches up. Whoever calls itself Synced has caught up: what clients commit on it
    /// leads nowhere.
    fn moves(&self, step: &PlanStep) -> String {
        let Some(node) = step.node.as_ref().and_then(|node| self.surveyed(node)) else {
            return String::new();
        };
        if node.facts.get(keys::WSREP_LOCAL_STATE).is(|state| *state == SYNCED) {
            return String::new();
        }
        let count = |known: Known<u64>| known.known().map_or_else(String::new, ToString::to_string);
        let at = node.facts.get(keys::WSREP_LAST_COMMITTED);
        let at = at.known().map_or_else(String::new, ToString::to_string);
        let (queue, size) = (node.facts.get(keys::WSREP_RECV_QUEUE), node.facts.get(keys::DATADIR_USED));
        format!("{at} {} {}", count(queue), count(size))
    }

    /// How far the transfer to the step's node is, where one runs.
    fn transfer(&mut self, step: &PlanStep) -> Option<String> {
        let node = step.node.clone()?;
        let facts = self.surveyed(&node)?.facts.clone();
        let runs = facts.get(keys::TRANSFER_PROCESSES).is(|processes| !processes.is_empty());
        if runs { self.gauged(&node, &facts) } else { None }
    }

    /// What was seen has to hold for 10 s.
    async fn hold(&mut self, step: &PlanStep) -> Result<End, Fatal> {
        let begun = self.ports.mono();
        let mut told = begun;
        loop {
            let now = self.ports.mono();
            let held = Duration::from_nanos(now.saturating_sub(begun));
            if held >= STABLE {
                return Ok(End::Done(format!("{}; stable for {} s", self.proved(step), held.as_secs())));
            }
            if self.ports.stop() != Stop::No {
                return Ok(End::Stopped);
            }
            if now.saturating_sub(told) >= nanos(TICK) {
                told = now;
                self.progress(step, begun, "it holds");
            }
            self.pause(STABLE_EVERY.min(STABLE.saturating_sub(held))).await?;
            self.look_again().await?;
            if let Some(why) = self.unproved(step) {
                return Ok(End::Unproven(format!("it held, and then did not: {why}")));
            }
        }
    }

    fn unproved(&self, step: &PlanStep) -> Option<String> {
        let planned = self.planned();
        let scene = self.scene(step.node.as_ref(), &planned);
        step.check.iter().find_map(|guard| failing(guard, &guard.hold(&scene)))
    }

    fn proved(&self, step: &PlanStep) -> String {
        let planned = self.planned();
        let scene = self.scene(step.node.as_ref(), &planned);
        let says = step.check.iter().filter_map(|guard| match guard.hold(&scene) {
            Verdict::Pass { says } => Some(says),
            Verdict::Fail { .. } | Verdict::Unknown { .. } => None,
        });
        says.collect::<Vec<_>>().join("; ")
    }

    fn progress(&mut self, step: &PlanStep, begun: u64, why: &str) {
        let elapsed = Duration::from_nanos(self.ports.mono().saturating_sub(begun));
        let text = Plain::new(why);
        self.operator.hear(&Event::Progress {
            step: &step.id,
            node: step.node.as_ref(),
            elapsed,
            text: &text,
        });
    }
}

fn failing(guard: &Guard, verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Pass { .. } => None,
        Verdict::Fail { why, remedy } => {
            Some(format!("{}: {why}; what would change it: {remedy}", guard.name()))
        }
        Verdict::Unknown { why, remedy } => {
            Some(format!("{}: not known: {why}; what would change it: {remedy}", guard.name()))
        }
    }
}
