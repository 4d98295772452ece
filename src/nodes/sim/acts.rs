//! What the acts' scripts do and say, on a simulated machine (src/ask/act/*.sh).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::machine::{DATADIR, Lease, Machine, Op, Phase, UNIT};
use super::sql;
use super::world::{Event, MILLI, World, get};
use crate::ask::act::{Act, Deed, Identity};

/// What a client hears outside a Primary Component (tests/fixtures/galera/04-partition/g1-nonprim-what-works.txt).
const NOT_PREPARED: &str =
    "ERROR 1047 (08S01) at line 1: WSREP has not yet prepared node for application use";

/// What an act came to at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// Its answer.
    Answered(String),
    /// It goes on by itself, under its name.
    Runs,
}

pub(super) fn refused(word: &str, text: impl AsRef<str>) -> Begun {
    Begun::Answered(format!("refused {word} {}\n", text.as_ref()))
}

pub(super) fn done(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    if text.is_empty() { "done 0\n".to_owned() } else { format!("done 0\n{text}\n") }
}

impl World {
    /// Does what was ordered, as its script would: the host first, then the lease, then the name, then what the deed checks.
    pub(super) fn act(&mut self, index: usize, act: &Act) -> Begun {
        let Some(machine) = self.machines.get(index) else { return refused("identity", "no such machine") };
        if let Some(why) = self.another_host(index, &act.identity) {
            return refused("identity", why);
        }
        let session = act.session.to_string();
        let holder = machine.lease.as_ref();
        let theirs = holder.filter(|lease| lease.session != session);
        let words =
            |lease: &Lease| format!("{} since {}, session {}", lease.holder, lease.since, lease.session);
        match &act.deed {
            Deed::TakeLease { over, .. } => {
                let over = over.as_ref().map(ToString::to_string);
                if let Some(lease) = theirs.filter(|lease| over.as_ref() != Some(&lease.session)) {
                    return refused("lease", words(lease));
                }
            }
            Deed::ReleaseLease { .. } => {
                if let Some(lease) = theirs {
                    return refused("lease", words(lease));
                }
            }
            _ => match (holder, theirs) {
                (None, _) => return refused("lease", "nobody holds the lease of this node"),
                (_, Some(lease)) => return refused("lease", words(lease)),
                _ => {}
            },
        }
        let op = act.op.to_string();
        if machine.ops.contains_key(&op) {
            return Begun::Answered(self.follow(index, &op, false));
        }
        if let Some(machine) = get(&mut self.machines, index) {
            let (session, said) = (session.clone(), String::new());
            machine.ops.insert(op.clone(), Op { session, deed: act.deed.name(), said, answer: None });
        }
        let begun = self.work(index, act, &session);
        // Given back is given back: its own name goes too.
        let released = matches!(act.deed, Deed::ReleaseLease { .. })
            && matches!(&begun, Begun::Answered(said) if said.starts_with("done 0"));
        let op = get(&mut self.machines, index).and_then(|machine| machine.ops.get_mut(&op));
        if let (Some(op), Begun::Answered(said)) = (op, &begun) {
            op.answer = Some(said.clone());
        }
        if let Some(machine) = get(&mut self.machines, index).filter(|_| released) {
            machine.ops.remove(act.op.as_str());
        }
        begun
    }

    /// Why the machine is not the one that was shown (S18).
    pub(super) fn another_host(&self, index: usize, shown: &Identity) -> Option<String> {
        let machine = self.machines.get(index)?;
        if machine.id != shown.machine_id.as_str() {
            return Some(format!(
                "this machine's id is {}, the one shown was {}",
                machine.id, shown.machine_id
            ));
        }
        let here = match shown.datadir.as_str() {
            DATADIR => identity(index),
            _ => "not readable".to_owned(),
        };
        (shown.datadir.as_str() != DATADIR || shown.datadir_identity.as_str() != here).then(|| {
            format!("{} is {here}, the data directory shown was {}", shown.datadir, shown.datadir_identity)
        })
    }

    fn work(&mut self, index: usize, act: &Act, session: &str) -> Begun {
        let since = self.time().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let Some(machine) = get(&mut self.machines, index) else { return refused("identity", "gone") };
        match &act.deed {
            Deed::TakeLease { holder, .. } => {
                let before = machine.lease.replace(Lease {
                    session: session.to_owned(),
                    holder: holder.to_string(),
                    since,
                });
                Begun::Answered(done(match before {
                    None => "taken".to_owned(),
                    Some(before) if before.session == session => {
                        format!("held already, since {}", before.since)
                    }
                    Some(before) => format!("taken over from session {}", before.session),
                }))
            }
            Deed::ReleaseLease { buried } => self.release(index, session, buried),
            Deed::Freeze => self.freeze(index, session),
            Deed::Unfreeze => self.unfreeze(index, session),
            Deed::EndStuck { pid, started } => self.end_stuck(index, *pid, *started),
            Deed::ClearLeftovers => self.clear_leftovers(index, session),
            Deed::RecoverDirect => self.server_is_there(index).unwrap_or_else(|| {
                let delay = self.about(500);
                self.plan(delay, usize::MAX, Event::Direct(act.op.to_string()));
                Begun::Runs
            }),
            Deed::Bootstrap { position, peers } => {
                self.bootstrap(index, act.op.as_str(), session, *position, peers)
            }
            Deed::Start { .. } => {
                let refusal = self.server_is_there(index);
                refusal.or_else(|| self.would_found(index)).unwrap_or_else(|| {
                    self.launch(index, act.op.as_str(), false);
                    Begun::Runs
                })
            }
            Deed::Write { token } => self.write(index, token.as_str()),
            Deed::DropCheck => self.drop_check(index),
        }
    }

    pub(super) fn launch(&mut self, index: usize, op: &str, founds: bool) {
        if let Some(machine) = get(&mut self.machines, index) {
            machine.job = Some(op.to_owned());
        }
        self.start(index, founds);
    }

    /// What proves that no server is there and none on its way (src/ask/act/server.sh).
    pub(super) fn server_is_there(&self, index: usize) -> Option<Begun> {
        let machine = self.machines.get(index)?;
        if let Some(server) = &machine.server {
            // While its position is recovered, the process is the recovery's.
            let pid = server.pid + u64::from(server.phase == Phase::Recovering);
            return Some(refused("server", format!("a server runs: mariadbd ({pid})")));
        }
        if let Some(orphan) = machine.orphan() {
            return Some(refused("transfer", format!("a state transfer runs: rsync ({})", orphan.pid)));
        }
        if let Some(path) = machine.unfinished_transfer() {
            let words = format!("{path} says that a state transfer has not ended");
            return Some(refused("transfer", words));
        }
        (!machine.is_down())
            .then(|| refused("server", format!("{UNIT} is not down: ActiveState={}", machine.unit.active)))
    }

    fn release(&mut self, index: usize, session: &str, buried: &[crate::facts::SessionId]) -> Begun {
        let Some(machine) = get(&mut self.machines, index) else { return refused("identity", "gone") };
        let place = format!("/run/systemd/system/{UNIT}.d/zz-breakglass.conf");
        match &machine.unit.frozen {
            Some(by) if by == session => {
                return refused("frozen", format!("this session's freeze is still there: {place}"));
            }
            Some(by) => {
                return refused(
                    "frozen",
                    format!(
                        "the freeze of session {by} is still there: freeze it again, which makes it this session's, and unfreeze it: {place}"
                    ),
                );
            }
            None => {}
        }
        let gone = |op: &Op| op.session == session || buried.iter().any(|dead| dead.as_str() == op.session);
        let runs = |(_, op): &(&String, &Op)| gone(op) && op.answer.is_none() && op.deed != "release-lease";
        if let Some(name) = machine.ops.iter().find(runs).map(|(name, _)| name.clone()) {
            machine.ops.retain(|other, op| *other >= name || !(gone(op) || op.session.is_empty()));
            return Begun::Answered(format!("done 1\nact {name} still runs\n"));
        }
        machine.ops.retain(|_, op| !gone(op) && !op.session.is_empty());
        let held = machine.lease.take();
        Begun::Answered(done(if held.is_some() { "released" } else { "nobody held it" }))
    }

    fn freeze(&mut self, index: usize, session: &str) -> Begun {
        let Some(machine) = get(&mut self.machines, index) else { return refused("identity", "gone") };
        machine.unit.frozen = Some(session.to_owned());
        let mut text = String::new();
        if machine.unit.sub == "auto-restart" {
            machine.run += 1;
            (machine.unit.active, machine.unit.sub) = ("inactive", "dead");
            text.push_str("the planned restart was called off\n");
        }
        let _ = write!(text, "{UNIT} is frozen");
        Begun::Answered(done(text))
    }

    fn unfreeze(&mut self, index: usize, session: &str) -> Begun {
        let Some(machine) = get(&mut self.machines, index) else { return refused("identity", "gone") };
        if let Some(by) = machine.unit.frozen.as_ref().filter(|by| *by != session) {
            return refused("freeze", format!("{UNIT} is frozen by session {by}"));
        }
        if machine.unit.active == "activating" {
            return refused(
                "starting",
                format!("{UNIT} is starting: with its own start timeout back it could be ended at once"),
            );
        }
        machine.unit.frozen = None;
        let restart = if machine.unit.restart { "on-abnormal" } else { "no" };
        Begun::Answered(done(format!("{UNIT} is no longer frozen: Restart={restart}")))
    }

    fn end_stuck(&mut self, index: usize, pid: u64, started: u64) -> Begun {
        let Some(machine) = self.machines.get(index) else { return refused("identity", "gone") };
        let Some(server) = machine.server.as_ref().filter(|server| server.pid == pid) else {
            return refused("gone", format!("there is no process {pid}"));
        };
        if server.ticks != started {
            return refused(
                "another",
                format!("process {pid} started at tick {}, the one shown at {started}", server.ticks),
            );
        }
        if machine.unit.active == "active" {
            return refused("state", format!("{UNIT} is {}: it does not wait", machine.unit.active));
        }
        if machine.unit.frozen.is_none() && machine.unit.restart {
            return refused("not-frozen", format!("systemd would start {UNIT} again: freeze it first"));
        }
        if machine.serves() {
            return refused("serving", format!("process {pid} listens on port 3306"));
        }
        self.kill(index);
        Begun::Answered(done(format!("process {pid} ended")))
    }

    /// Whether the server takes writes; else what the client says.
    pub(super) fn takes_writes(&self, index: usize) -> Result<(), String> {
        let synced =
            self.machines.get(index).is_some_and(|machine| machine.is(&Phase::Synced) && machine.answers());
        let settled = self.group_of(index).is_some_and(|group| group.lost.is_none());
        if synced && settled { Ok(()) } else { Err(NOT_PREPARED.to_owned()) }
    }

    /// What the check of a write finds: a server outside a Primary Component still shows its schemas
    /// (src/ask/act/client.sh, `only_ours`).
    fn only_ours(&self, index: usize) -> Option<Begun> {
        let words = sql::refusal(self.machines.get(index)?)?;
        Some(refused("sql", format!("the server does not answer: {words}")))
    }

    fn write(&mut self, index: usize, token: &str) -> Begun {
        // The schema, the table, the row.
        self.statements(index, 3, |marks| {
            marks.get_or_insert_default().insert(token.to_owned());
        })
    }

    fn drop_check(&mut self, index: usize) -> Begun {
        self.statements(index, 1, |marks| *marks = None)
    }

    fn statements(
        &mut self,
        index: usize,
        sets: u64,
        change: impl Fn(&mut Option<BTreeSet<String>>),
    ) -> Begun {
        if let Some(begun) = self.only_ours(index) {
            return begun;
        }
        if let Err(words) = self.takes_writes(index) {
            return Begun::Answered(format!("done 1\n{words}\n"));
        }
        self.commit_beside(index, sets);
        self.everywhere(index, change);
        Begun::Answered(done(""))
    }

    pub(super) fn commit_beside(&mut self, index: usize, sets: u64) {
        if let Some(id) = self.group_of(index).map(|group| group.id) {
            self.commit_in(id, sets);
        }
    }

    /// On every member in sync of the node's Primary.
    fn everywhere(&mut self, index: usize, change: impl Fn(&mut Option<BTreeSet<String>>)) {
        let members = self.group_of(index).map(|group| group.members.clone()).unwrap_or_default();
        for member in members {
            if let Some(machine) =
                get(&mut self.machines, member).filter(|machine| machine.is(&Phase::Synced))
            {
                change(&mut machine.dir.engine.marks);
            }
        }
    }

    /// How an act stands (src/ask/act/prelude.sh, `follow`).
    pub(super) fn follow(&mut self, index: usize, op: &str, settle: bool) -> String {
        let Some(machine) = get(&mut self.machines, index) else { return "not-begun\n".to_owned() };
        match machine.ops.get(op) {
            Some(Op { answer: Some(answer), .. }) => answer.clone(),
            Some(Op { answer: None, .. }) => "running\n".to_owned(),
            None if settle => {
                // Taken, and by no session.
                let (session, said, answer) = (String::new(), String::new(), Some("absent\n".to_owned()));
                machine.ops.insert(op.to_owned(), Op { session, deed: "", said, answer });
                "absent\n".to_owned()
            }
            None => "not-begun\n".to_owned(),
        }
    }

    /// A recovery in the data directory is over: the engine's files are others now.
    pub(super) fn recovered_directly(&mut self, name: &str) {
        let at = self.time();
        let runs = |machine: &Machine| machine.ops.get(name).is_some_and(|op| op.answer.is_none());
        let Some(index) = self.machines.iter().position(runs) else { return };
        let said = self.recovery(index);
        let Some(machine) = get(&mut self.machines, index) else { return };
        (machine.dir.engine.opened, machine.dir.engine.logged) = (at, at);
        if let Some(op) = machine.ops.get_mut(name) {
            op.answer = Some(format!("done 0\n%status 0\n{said}"));
        }
    }

    /// How long the script takes on the node until it has said what it says, in milliseconds of the virtual clock.
    pub(super) fn takes(&mut self, deed: &Deed) -> u64 {
        let millis = match deed {
            Deed::Freeze | Deed::Unfreeze => 400,
            Deed::EndStuck { .. } => 250,
            Deed::ClearLeftovers => 120,
            _ => 90,
        };
        self.about(millis) / MILLI
    }
}

/// Device and inode of the data directory: each machine has a volume of its own.
pub(super) fn identity(index: usize) -> String {
    format!("{}:2", 1792 + index)
}

#[cfg(test)]
#[path = "acts_tests.rs"]
mod tests;
