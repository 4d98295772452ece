//! A run as a fold over its records: what is open, what is done, what is not known. Pure.
//!
//! The record is the truth: nothing that decides how a run goes on lives only in memory. A restart folds the record and
//! is where the run was.

use std::collections::BTreeMap;

use crate::ask::act::Class;
use crate::facts::{NodeName, OpId, Plain, SessionId};
use crate::record::body::{Body, OpIntent, Outcome};
use crate::record::{OpState, Record, lifecycle};

/// All sessions of a record.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    sessions: BTreeMap<SessionId, Session>,
}

/// One broken glass, as its records tell it.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Its acts, in the order of their intents.
    pub ops: Vec<Op>,
    /// Whether it was closed.
    pub closed: bool,
    /// Whether it was stopped in order: everything was put back.
    pub paused: bool,
}

/// One act, as its records tell it.
#[derive(Clone, Debug)]
pub struct Op {
    /// Its name.
    pub op: OpId,
    /// Its step.
    pub step: String,
    /// What it does.
    pub deed: String,
    /// Its node.
    pub node: NodeName,
    /// The machine it was sent to (S18).
    pub machine: Plain,
    /// What it may do to the world.
    pub class: Class,
    /// Where it stands.
    pub state: OpState,
}

/// How many sessions are named at most; what older ones left went with theirs.
const MOST_BURIED: usize = 32;

/// A record that does not follow from those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} does not follow from the records before it: {why}")]
pub struct Illegal {
    /// Which record.
    pub seq: u64,
    /// What is wrong.
    pub why: String,
}

impl Machine {
    /// Folds records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Self, Illegal> {
        let mut machine = Self::default();
        for record in records {
            machine.apply(record)?;
        }
        Ok(machine)
    }

    /// Folds one record more.
    pub fn apply(&mut self, record: &Record) -> Result<(), Illegal> {
        let illegal = |why: String| Illegal { seq: record.seq, why };
        if let Body::OpResolve(resolve) = &record.body {
            // Whoever finds out says so, in whatever session; the act is another one's.
            let mut ops = self.sessions.values_mut().flat_map(|session| session.ops.iter_mut());
            let op = ops.find(|op| op.op.as_str() == resolve.op);
            let op = op.ok_or_else(|| illegal(format!("op {} has no intent", resolve.op)))?;
            op.state =
                lifecycle::next(Some(op.state), &record.body).map_err(|edge| illegal(edge.to_string()))?;
            return Ok(());
        }
        let session = self.sessions.entry(record.session.clone()).or_default();
        if session.closed {
            return Err(illegal(format!("session {} was closed", record.session)));
        }
        match &record.body {
            Body::SessionClose(_) => session.closed = true,
            Body::SessionPause(_) => session.paused = true,
            Body::OpIntent(intent) => {
                let op = op_of(intent).ok_or_else(|| illegal("its op or node is no name".to_owned()))?;
                if session.ops.iter().any(|other| other.op == op.op) {
                    return Err(illegal(format!("op {} was intended before", op.op)));
                }
                session.ops.push(op);
            }
            body => {
                let Some(name) = body.op() else { return Ok(()) };
                let op = session.ops.iter_mut().find(|op| op.op.as_str() == name);
                let op = op.ok_or_else(|| illegal(format!("op {name} has no intent")))?;
                op.state = lifecycle::next(Some(op.state), body).map_err(|edge| illegal(edge.to_string()))?;
            }
        }
        Ok(())
    }

    /// Acts of other sessions than `own` of which it is not known whether they happened, the oldest first.
    pub fn open_beside(&self, own: &SessionId) -> Vec<(SessionId, Op)> {
        let others = self.sessions.iter().filter(|(id, _)| *id != own);
        others.flat_map(|(id, session)| session.open().map(|op| (id.clone(), op.clone()))).collect()
    }

    /// Sessions that were opened and never closed: whoever wrote them is gone, for the record has one writer.
    pub fn unclosed(&self) -> Vec<SessionId> {
        self.sessions.iter().filter(|(_, session)| !session.closed).map(|(id, _)| id.clone()).collect()
    }

    /// Other sessions that acted on the node, none of whose acts there is open: what they left can go.
    pub fn buried(&self, own: &SessionId, node: &NodeName) -> Vec<SessionId> {
        let on = |session: &Session| session.ops.iter().any(|op| op.node == *node && op.class != Class::Read);
        let open = |session: &Session| session.open().any(|op| op.node == *node);
        let others = self.sessions.iter().rev().filter(|(id, _)| *id != own);
        others
            .filter(|(_, session)| on(session) && !open(session))
            .map(|(id, _)| id.clone())
            .take(MOST_BURIED)
            .collect()
    }

    /// One session.
    pub fn session(&self, id: &SessionId) -> Option<&Session> {
        self.sessions.get(id)
    }

    /// Whether the session is one of this record's.
    pub fn knows(&self, id: &SessionId) -> bool {
        self.sessions.contains_key(id)
    }

    /// Whether the schema of the check may still be there: an earlier session may have written, and nobody is known to have
    /// dropped it since. Sessions' names sort by time.
    pub fn check_is_left(&self) -> bool {
        let ops = self.sessions.values().flat_map(|session| session.ops.iter());
        ops.fold(false, |left, op| match op.deed.as_str() {
            "write" => left || op.may_have_happened(),
            "drop-check" => left && !op.is_done(),
            _ => left,
        })
    }

    /// The session whose act of this step on this node is known to have been done, the latest; sessions' names sort by
    /// time.
    pub fn done(&self, step: &str, node: &NodeName) -> Option<&SessionId> {
        let did = |session: &Session| {
            session.ops.iter().any(|op| op.step == step && op.node == *node && op.is_done())
        };
        self.sessions.iter().rev().find(|(_, session)| did(session)).map(|(id, _)| id)
    }
}

impl Session {
    /// Acts of which it is not known whether they happened.
    pub fn open(&self) -> impl Iterator<Item = &Op> {
        self.ops.iter().filter(|op| op.is_open())
    }

    /// Whether an act left that cannot be undone; an unknown one counts.
    pub fn destroyed(&self) -> bool {
        self.ops.iter().any(|op| op.class == Class::Destructive && op.may_have_happened())
    }
}

impl Op {
    /// Whether it is not known how it ended.
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether it happened, or may have: only what was not sent, or was refused by the node, did not.
    pub fn may_have_happened(&self) -> bool {
        !matches!(
            self.state,
            OpState::NotSent | OpState::Refused | OpState::Resolved(Outcome::NotSent | Outcome::Refused)
        )
    }

    /// Whether it is known to have been done.
    pub fn is_done(&self) -> bool {
        matches!(self.state, OpState::Done | OpState::Resolved(Outcome::Done))
    }
}

fn op_of(intent: &OpIntent) -> Option<Op> {
    Some(Op {
        op: OpId::parse(&intent.op)?,
        step: intent.step.clone(),
        deed: intent.deed.clone(),
        node: NodeName::new(&intent.node).ok()?,
        machine: Plain::new(&intent.machine_id),
        class: intent.class,
        state: OpState::Intended,
    })
}
