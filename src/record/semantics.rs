//! What the records of a log promise together, as a pure fold over them.

use std::collections::BTreeMap;

use super::body::{Body, OpIntent, SessionClose};
use super::lifecycle::{self, OpState};
use super::line::{Record, hash};
use crate::ask::act::Class;
use crate::facts::{Mode, SessionId};

/// What the records so far say.
#[derive(Clone, Debug, Default)]
pub struct Story {
    mode: Option<Mode>,
    sessions: BTreeMap<SessionId, Session>,
    ops: BTreeMap<String, Op>,
    confirms: BTreeMap<u64, Asked>,
    gaps: Vec<u64>,
}

/// One session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    /// `seq` of its session.open.
    opened: u64,
    closed: bool,
}

#[derive(Clone, Debug)]
struct Op {
    session: SessionId,
    state: OpState,
}

#[derive(Clone, Debug)]
struct Asked {
    session: SessionId,
    matched: bool,
}

impl Story {
    /// Whether `record` may follow; if not, why. The same rules hold for who writes a log and for who verifies one:
    ///
    /// - every record has the mode of the first one;
    /// - every record but session.open stands in a session that is open, and no session is opened twice;
    /// - nothing follows a session's close;
    /// - an op goes its way (see [`lifecycle::next`]), in the session of its intent; only to resolve it may another
    ///   session come;
    /// - a destructive op points at a confirmation of the same session before it, whose typed text matched;
    /// - an intent's script has the hash that is said of it, and stands in the record or beside it, not both;
    /// - a close lists every op of its session without a known outcome, and lists none that has one.
    pub fn check(&self, record: &Record) -> Result<(), String> {
        if let Some(mode) = self.mode.filter(|mode| *mode != record.mode) {
            let (own, other) = (record.mode.as_str(), mode.as_str());
            return Err(format!("a record of mode {own} in a log of mode {other}"));
        }
        let opens = matches!(record.body, Body::SessionOpen(_));
        match self.sessions.get(&record.session) {
            None if !opens => {
                return Err(format!("{} in a session that was never opened", record.body.kind()));
            }
            Some(_) if opens => return Err("a session opened twice".to_owned()),
            Some(session) if session.closed => {
                return Err(format!("{} after its session was closed", record.body.kind()));
            }
            _ => {}
        }
        self.check_op(record)?;
        match &record.body {
            Body::OpIntent(intent) => {
                check_script(intent)?;
                self.check_confirmed(record, intent)
            }
            Body::SessionClose(close) => self.check_close(record, close),
            _ => Ok(()),
        }
    }

    fn check_op(&self, record: &Record) -> Result<(), String> {
        let Some(name) = record.body.op() else { return Ok(()) };
        let op = self.ops.get(name);
        lifecycle::next(op.map(|op| op.state), &record.body)
            .map_err(|error| format!("op {name}: {error}"))?;
        let elsewhere = op.is_some_and(|op| op.session != record.session);
        if elsewhere && !matches!(record.body, Body::OpResolve(_)) {
            return Err(format!("op {name}: {} in another session than its intent", record.body.kind()));
        }
        Ok(())
    }

    fn check_confirmed(&self, record: &Record, intent: &OpIntent) -> Result<(), String> {
        let op = &intent.op;
        let Some(seq) = intent.confirmation else {
            return match intent.class {
                Class::Destructive => Err(format!("destructive op {op} without a confirmation")),
                Class::Read | Class::Reversible => Ok(()),
            };
        };
        match self.confirms.get(&seq) {
            Some(asked) if asked.session != record.session => {
                Err(format!("op {op} rests on record {seq}, a confirmation of another session"))
            }
            Some(asked) if !asked.matched => {
                Err(format!("op {op} rests on record {seq}, a confirmation that did not match"))
            }
            Some(_) => Ok(()),
            None => Err(format!("op {op} rests on record {seq}, which is no confirmation before it")),
        }
    }

    fn check_close(&self, record: &Record, close: &SessionClose) -> Result<(), String> {
        let open = self.open_ops();
        let unlisted = open.iter().find(|(op, session)| {
            **session == record.session && !close.open.iter().any(|listed| listed == *op)
        });
        if let Some((op, _)) = unlisted {
            return Err(format!("op {op} has no known outcome, and the close does not list it"));
        }
        match close.open.iter().find(|listed| !open.iter().any(|(op, _)| *op == listed.as_str())) {
            Some(listed) => Err(format!("the close lists op {listed}, which is not open")),
            None => Ok(()),
        }
    }

    /// Goes on with `record`, also with one that may not follow: it then tells what it can.
    pub fn apply(&mut self, record: &Record) {
        self.mode.get_or_insert(record.mode);
        if let Some(name) = record.body.op() {
            let state = self.ops.get(name).map(|op| op.state);
            if let Ok(state) = lifecycle::next(state, &record.body) {
                let op = Op { session: record.session.clone(), state };
                self.ops.entry(name.to_owned()).and_modify(|op| op.state = state).or_insert(op);
            }
        }
        match &record.body {
            Body::SessionOpen(_) => {
                let session = Session { opened: record.seq, closed: false };
                self.sessions.entry(record.session.clone()).or_insert(session);
            }
            Body::SessionClose(_) => {
                if let Some(session) = self.sessions.get_mut(&record.session) {
                    session.closed = true;
                }
            }
            Body::Confirm(confirm) => {
                let asked = Asked { session: record.session.clone(), matched: confirm.matched };
                self.confirms.insert(record.seq, asked);
            }
            Body::Gap(_) => self.gaps.push(record.seq),
            _ => {}
        }
    }

    /// Sessions without a close, with the `seq` of their session.open; the oldest first.
    pub fn open_sessions(&self) -> Vec<(u64, &SessionId)> {
        let open = self.sessions.iter().filter(|(_, session)| !session.closed);
        let mut open: Vec<_> = open.map(|(id, session)| (session.opened, id)).collect();
        open.sort();
        open
    }

    /// Ops without a known outcome, with the session of their intent; also those of closed sessions.
    pub fn open_ops(&self) -> Vec<(&str, &SessionId)> {
        let open = self.ops.iter().filter(|(_, op)| op.state.is_open());
        open.map(|(name, op)| (name.as_str(), &op.session)).collect()
    }

    /// How far an op is; `None` for one that was never intended.
    pub fn op(&self, name: &str) -> Option<OpState> {
        self.ops.get(name).map(|op| op.state)
    }

    /// `seq`s of the declared gaps.
    pub fn gaps(&self) -> &[u64] {
        &self.gaps
    }
}

fn check_script(intent: &OpIntent) -> Result<(), String> {
    let fits = match &intent.script_blob {
        None => hash(intent.script.as_bytes()) == intent.script_sha256,
        Some(blob) => intent.script.is_empty() && blob.sha256 == intent.script_sha256,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("op {}: its script has not the hash that is said of it", intent.op))
    }
}

impl<'a> FromIterator<&'a Record> for Story {
    fn from_iter<T: IntoIterator<Item = &'a Record>>(records: T) -> Self {
        let mut story = Self::default();
        records.into_iter().for_each(|record| story.apply(record));
        story
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::{BlobRef, CloseResult, Outcome};
    use super::super::samples::{self, Script, close, confirm, intent, open, outcome, resolve, sent};
    use super::*;

    /// What the last of these says when it is added to the others.
    fn last(script: Script) -> Result<(), String> {
        let records = script.records();
        let (last, before) = records.split_last().unwrap();
        let mut story = Story::default();
        for record in before {
            story.check(record).unwrap();
            story.apply(record);
        }
        story.check(last)
    }

    fn refused(script: Script, why: &str) {
        let error = last(script).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn a_whole_session_and_the_next_may_follow() {
        let mut story = Story::default();
        for record in samples::closed_log() {
            story.check(&record).unwrap();
            story.apply(&record);
        }
        assert!(story.open_sessions().is_empty() && story.open_ops().is_empty());
        last(Script::new().add(open()).add(close(&[])).of(2).add(open())).unwrap();
    }

    #[test]
    fn sessions_have_a_beginning_and_an_end() {
        refused(Script::new().add(sent("a")), "never opened");
        refused(Script::new().add(open()).add(open()), "opened twice");
        refused(Script::new().add(open()).add(close(&[])).add(sent("a")), "after its session was closed");
        refused(Script::new().add(open()).add(close(&[])).add(close(&[])), "after its session was closed");
        refused(
            Script::new().add(open()).in_mode(Mode::Drill).add(close(&[])),
            "mode drill in a log of mode live",
        );
    }

    #[test]
    fn an_act_needs_its_intent() {
        refused(Script::new().add(open()).add(sent("a")), "has no intent");
        refused(Script::new().add(open()).add(outcome("a", Outcome::Done)), "has no intent");
        refused(Script::new().add(open()).add(intent("a", None)).add(intent("a", None)), "not sent");
        refused(
            Script::new().add(open()).add(intent("a", None)).of(2).add(open()).add(sent("a")),
            "another session",
        );
    }

    #[test]
    fn a_script_is_the_one_that_is_said() {
        let other = OpIntent { script: "true\n".to_owned(), ..intent("a", None) };
        refused(Script::new().add(open()).add(other), "script has not the hash");
        let blob = Some(BlobRef { sha256: hash(b"x"), bytes: 1 });
        let both = OpIntent { script_blob: blob.clone(), script_sha256: hash(b"x"), ..intent("a", None) };
        refused(Script::new().add(open()).add(both.clone()), "script has not the hash");
        last(Script::new().add(open()).add(OpIntent { script: String::new(), ..both })).unwrap();
    }

    #[test]
    fn a_destructive_act_needs_the_word_of_its_own_session() {
        let destructive = |seq| OpIntent { class: Class::Destructive, ..intent("a", seq) };
        refused(Script::new().add(open()).add(destructive(None)), "without a confirmation");
        refused(Script::new().add(open()).add(destructive(Some(0))), "no confirmation before it");
        refused(Script::new().add(open()).add(destructive(Some(7))), "no confirmation before it");
        refused(Script::new().add(open()).add(confirm(false)).add(destructive(Some(1))), "did not match");
        refused(
            Script::new().add(open()).add(confirm(true)).of(2).add(open()).add(destructive(Some(1))),
            "another session",
        );
        last(Script::new().add(open()).add(confirm(true)).add(destructive(Some(1)))).unwrap();
    }

    #[test]
    fn a_close_lists_what_is_open_and_nothing_else() {
        let begun = || Script::new().add(open()).add(intent("a", None)).add(sent("a"));
        refused(begun().add(close(&[])), "does not list it");
        refused(begun().add(outcome("a", Outcome::Unknown)).add(close(&[])), "does not list it");
        refused(begun().add(outcome("a", Outcome::Done)).add(close(&["a"])), "is not open");
        refused(Script::new().add(open()).add(close(&["b"])), "is not open");
        last(begun().add(close(&["a"]))).unwrap();
        let unknown = || begun().add(outcome("a", Outcome::Unknown));
        last(unknown().add(close(&["a"]))).unwrap();
        last(unknown().add(resolve("a")).add(close(&[]))).unwrap();
    }

    #[test]
    fn the_next_session_closes_one_that_died_and_may_resolve_what_it_left() {
        let died = || Script::new().add(open()).add(intent("a", None)).add(sent("a")).of(2).add(open());
        let story: Story = died().records().iter().collect();
        assert_eq!(story.open_sessions().len(), 2);
        let abandoned = SessionClose { result: CloseResult::Abandoned, ..close(&["a"]) };
        let script = died().of(1).add(outcome("a", Outcome::Unknown)).add(abandoned).of(2);
        let story: Story = script.clone().records().iter().collect();
        assert_eq!(story.open_sessions().len(), 1);
        assert_eq!(story.op("a"), Some(OpState::Unknown));
        last(script.clone().add(close(&[]))).unwrap();
        last(script.add(resolve("a"))).unwrap();
    }
}
