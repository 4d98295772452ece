//! What dead sessions left: acts of which nobody knows whether they happened, and a session without an end.

use std::time::Duration;

use crate::ask::act::{self, Answer, Class, Look};
use crate::facts::{EvidenceDigest, Known, Plain, SessionId};
use crate::judge::safety::s16;
use crate::record::OpState;
use crate::record::body::{
    Automation, Body, CloseResult, OpOutcome, OpResolve, Outcome as Ending, ResolvedBy, SessionClose,
};

use super::super::machine::Op;
use super::super::operator::{Challenge, Event, Operator};
use super::super::outcome::Outcome;
use super::super::ports::{Ports, Stop};
use super::super::{Nodes, effect};
use super::gate::Typed;
use super::step::End;
use super::{Book, Driver, Fatal, Moment};

/// How long the end of a dead session's act is asked for.
const RESOLVE_FOR: Duration = Duration::from_mins(1);
const RESOLVE_EVERY: Duration = Duration::from_secs(2);
/// The step by which answers name an act that nobody but the operator can resolve.
pub const RESOLVE_STEP: &str = "resolve";

impl<N: Nodes, B: Book, P: Ports, O: Operator> Driver<'_, N, B, P, O> {
    /// Ends what dead sessions left, the node first, then the effect, then the operator; each dead session is closed as
    /// abandoned. `Some` where something stays unknown.
    pub(super) async fn bury(&mut self) -> Result<Option<End>, Fatal> {
        for (dead, op) in self.machine.open_beside(&self.session) {
            if let Some(end) = self.bury_op(&dead, &op).await? {
                return Ok(Some(end));
            }
        }
        for dead in self.machine.unclosed() {
            if dead == self.session {
                continue;
            }
            let session = self.machine.session(&dead);
            let automation = match session {
                Some(session) if session.paused => Automation::Restored,
                Some(session) if session.ops.iter().any(|op| op.class != Class::Read) => {
                    Automation::NotRestored
                }
                _ => Automation::Untouched,
            };
            self.write_as(
                &dead,
                Body::SessionClose(SessionClose {
                    result: CloseResult::Abandoned,
                    exit: 130,
                    open: Vec::new(),
                    automation,
                    detail: format!("its process ended before its close; closed by session {}", self.session),
                }),
            )?;
        }
        Ok(None)
    }

    async fn bury_op(&mut self, dead: &SessionId, op: &Op) -> Result<Option<End>, Fatal> {
        if op.state != OpState::Unknown {
            let detail = "its session ended before the answer came".to_owned();
            let (op, checks) = (op.op.to_string(), Vec::new());
            self.write_as(dead, Body::OpOutcome(OpOutcome { op, outcome: Ending::Unknown, detail, checks }))?;
        }
        if op.class == Class::Read {
            self.found_out(op, Ending::Failed, ResolvedBy::Effect, "a read; nobody waits for it")?;
            return Ok(None);
        }
        let begun = self.ports.mono();
        loop {
            let unknown = match self.what_became(dead, op).await? {
                Ok(()) => return Ok(None),
                Err(why) => why,
            };
            if self.ports.stop() != Stop::No {
                return Ok(Some(End::Stopped));
            }
            let waited = Duration::from_nanos(self.ports.mono().saturating_sub(begun));
            if waited > RESOLVE_FOR {
                return self.give_up(dead, op, &unknown).await;
            }
            let text = Plain::new(format!("asking {} what became of {}: {unknown}", op.node, op.step));
            self.operator.hear(&Event::Progress {
                step: &op.step,
                node: Some(&op.node),
                elapsed: waited,
                text: &text,
            });
            self.pause(RESOLVE_EVERY).await?;
        }
    }

    /// Asks the node, then looks for the effect; `Err` says why it is still not known.
    async fn what_became(&mut self, dead: &SessionId, op: &Op) -> Result<Result<(), String>, Fatal> {
        let look = Look::Follow { machine: op.machine.clone(), op: op.op.clone(), settle: true };
        let outcome = self.nodes.look(&op.node, &look, Duration::from_secs(20)).await;
        let answer = match outcome {
            Outcome::Exited { stdout, .. } => act::answer(&stdout).map_err(|error| error.to_string()),
            Outcome::Signalled { signal, .. } => Err(format!("its script was ended by signal {signal}")),
            Outcome::Lost { why, .. } | Outcome::NotSent { why } => Err(why.detail.to_string()),
        };
        let (outcome, by, detail) = match answer {
            Err(why) => return Ok(Err(why)),
            Ok(answer) if !s16::tells(&answer) => {
                return Ok(Err(format!("{} does not know: {answer:?}", op.node)));
            }
            Ok(Answer::Absent | Answer::NotBegun) => {
                (Ending::NotSent, ResolvedBy::Unit, "it never began, and cannot begin any more".to_owned())
            }
            // It was begun, which is what was asked of it. What comes of it is seen in the survey.
            Ok(Answer::Running) => {
                (Ending::Done, ResolvedBy::Unit, "it was begun, and still runs".to_owned())
            }
            Ok(Answer::Refused { word, text }) => {
                (Ending::Refused, ResolvedBy::Unit, format!("{word}: {text}"))
            }
            Ok(Answer::Done { status: 0, .. }) => {
                (Ending::Done, ResolvedBy::Unit, "exit status 0".to_owned())
            }
            Ok(Answer::Done { status, .. }) => {
                (Ending::Failed, ResolvedBy::Unit, format!("exit status {status}"))
            }
            Ok(Answer::Vanished) => {
                let node = self.nodes.survey(&op.node).await;
                match effect::seen(&op.deed, &node, dead) {
                    Known::Known(true) => {
                        (Ending::Done, ResolvedBy::Effect, "its effect is there".to_owned())
                    }
                    Known::Known(false) => {
                        (Ending::Failed, ResolvedBy::Effect, "its effect is not there".to_owned())
                    }
                    Known::Unknown(why) => return Ok(Err(why.text.to_string())),
                }
            }
        };
        self.found_out(op, outcome, by, &detail)?;
        Ok(Ok(()))
    }

    /// The last who can say is the operator: that it is not asked for any more. What it did, if anything, is then what the
    /// next survey shows.
    async fn give_up(&mut self, dead: &SessionId, op: &Op, unknown: &str) -> Result<Option<End>, Fatal> {
        let node = &op.node;
        let tail: String = op.op.as_str().chars().skip(20).collect();
        let asked = format!("{node} give up {tail}");
        let evidence = EvidenceDigest::over([("op", op.op.to_string()), ("why", unknown.to_owned())]);
        let challenge = Challenge {
            step: RESOLVE_STEP.to_owned(),
            node: node.clone(),
            title: format!("GIVE UP ASKING {node} ABOUT {}", op.step),
            lines: vec![
                ("act", Plain::new(format!("{} (op {}) of session {dead}", op.deed, op.op))),
                ("unknown", Plain::new(unknown)),
                ("does", Plain::new("records that nobody will know, and goes on by what the survey shows")),
                ("next", Plain::new(format!("rather reach {node}, and run again"))),
            ],
            asked: asked.clone(),
            evidence,
        };
        let open = format!(
            "whether {} on {node} (op {}, session {dead}) happened is not known: {unknown}. Reach {node}, then run \
             again; nothing was done. If it will not come back, type {asked:?} when asked.",
            op.step, op.op
        );
        if let Typed::Wrong(_) | Typed::Not(_) = self.put(&challenge).await? {
            return Ok(Some(End::Open(open)));
        }
        self.found_out(op, Ending::Failed, ResolvedBy::Operator, "given up; the survey shows what there is")?;
        Ok(None)
    }

    /// Records in this session what became of another's act.
    fn found_out(&mut self, op: &Op, outcome: Ending, by: ResolvedBy, detail: &str) -> Result<(), Fatal> {
        let (op, detail) = (op.op.to_string(), detail.to_owned());
        self.keep(Body::OpResolve(OpResolve { op, outcome, by, detail }))?;
        Ok(())
    }

    /// Records for a session whose process is gone. Its clock went with it.
    fn write_as(&mut self, dead: &SessionId, body: Body) -> Result<(), Fatal> {
        let record = self.book.durable(dead, Moment { t: self.ports.now(), mono: 0 }, body)?;
        self.told(record)?;
        Ok(())
    }
}
