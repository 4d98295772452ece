//! What the acts' scripts do and say, on a simulated machine (src/ask/act/*.sh).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::machine::{DATADIR, Lease, Op, Phase, UNIT};
use super::world::{Event, MILLI, World, get};
use crate::ask::act::{Act, Deed, Identity, Look};
use crate::facts::Position;

/// What an act came to at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// Its answer.
    Answered(String),
    /// It goes on by itself, under its name.
    Runs,
}

fn refused(word: &str, text: impl AsRef<str>) -> Begun {
    Begun::Answered(format!("refused {word} {}\n", text.as_ref()))
}

fn done(text: impl AsRef<str>) -> String {
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
        let begun = self.work(index, act, &session);
        // Given back is given back: its own name goes too.
        let released = matches!(act.deed, Deed::ReleaseLease { .. })
            && matches!(&begun, Begun::Answered(said) if said.starts_with("done 0"));
        if let (Some(machine), false) = (get(&mut self.machines, index), released) {
            let answer = match &begun {
                Begun::Answered(said) => Some(said.clone()),
                Begun::Runs => None,
            };
            machine.ops.insert(op, Op { session, answer });
        }
        begun
    }

    /// Why the machine is not the one that was shown (S18).
    fn another_host(&self, index: usize, shown: &Identity) -> Option<String> {
        let machine = self.machines.get(index)?;
        if machine.id != shown.machine_id.as_str() {
            return Some(format!(
                "this machine's id is {}, the one shown was {}",
                machine.id, shown.machine_id
            ));
        }
        let here = identity(index);
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
            Deed::ClearLeftovers => Begun::Answered(done("nothing is left that could bootstrap this node")),
            Deed::RecoverDirect => self.server_is_there(index).unwrap_or_else(|| {
                let delay = self.about(500);
                self.plan(delay, index, Event::Direct(act.op.to_string()));
                Begun::Runs
            }),
            Deed::Bootstrap { position, peers } => {
                self.bootstrap(index, act.op.as_str(), session, *position, peers)
            }
            Deed::Start { .. } => self.server_is_there(index).unwrap_or_else(|| {
                self.launch(index, act.op.as_str(), false);
                Begun::Runs
            }),
            Deed::Write { token } => self.write(index, token.as_str()),
            Deed::DropCheck => self.drop_check(index),
        }
    }

    fn launch(&mut self, index: usize, op: &str, founds: bool) {
        if let Some(machine) = get(&mut self.machines, index) {
            machine.job = Some(op.to_owned());
        }
        self.start(index, founds);
    }

    /// What proves that no server is there and none on its way (src/ask/act/server.sh).
    fn server_is_there(&self, index: usize) -> Option<Begun> {
        let machine = self.machines.get(index)?;
        if let Some(server) = &machine.server {
            return Some(refused("server", format!("a server runs: mariadbd ({})", server.pid)));
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
        if !matches!(machine.unit.active, "activating" | "deactivating") {
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

    fn bootstrap(
        &mut self,
        index: usize,
        op: &str,
        session: &str,
        chosen: Position,
        peers: &[String],
    ) -> Begun {
        if let Some(begun) = self.server_is_there(index) {
            return begun;
        }
        let Some(machine) = self.machines.get(index) else { return refused("identity", "gone") };
        let Some(state) = machine.grastate().filter(|state| state.version.known().is_some()) else {
            return refused("state-file", format!("{DATADIR}/grastate.dat is no state file"));
        };
        if state.uuid.known() != Some(&chosen.uuid) {
            let named = state.uuid.known().map_or_else(|| "none".to_owned(), ToString::to_string);
            return refused(
                "state-file",
                format!("grastate.dat names the history {named}, the node was chosen for {}", chosen.uuid),
            );
        }
        if let Some(seqno) = state.seqno.known().filter(|seqno| **seqno != chosen.seqno) {
            return refused(
                "state-file",
                format!("grastate.dat says seqno {seqno}, the node was chosen for {}", chosen.seqno),
            );
        }
        let host =
            |peer: &str| peer.rsplit_once(':').map_or_else(|| peer.to_owned(), |(host, _)| host.to_owned());
        let others = self.machines.iter().enumerate().filter(|(other, _)| *other != index);
        let open: Vec<String> = others
            .filter(|(_, other)| other.listens() && peers.iter().any(|peer| host(peer) == other.address))
            .map(|(_, other)| other.address.clone())
            .collect();
        if !open.is_empty() {
            return refused("peer", format!("the group port takes connections: {}", open.join(" ")));
        }
        // The flag is set in a copy that is renamed over, the original kept (S12).
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return refused("identity", "gone") };
        machine.kept += 1;
        if let Some((text, written)) = machine.dir.grastate.clone() {
            let line = format!(
                "from {DATADIR}/grastate.dat to /var/lib/breakglass/quarantine/{session}/{}-grastate.dat sha256 {} size, owner, mode, mtime {} mysql:mysql 660 {}",
                machine.kept,
                hash(&text),
                text.len(),
                written.as_second()
            );
            machine.log(at, "breakglass[1]", line);
            machine.dir.grastate = Some((text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"), at));
        }
        self.launch(index, op, true);
        Begun::Runs
    }

    /// Who takes writes; the client's words where nobody does.
    fn takes_writes(&self, index: usize) -> Result<(), Begun> {
        let Some(machine) = self.machines.get(index) else { return Err(refused("sql", "gone")) };
        if machine.is(&Phase::Synced) && self.group.as_ref().is_some_and(|group| group.lost.is_none()) {
            return Ok(());
        }
        let words = if machine.serves() {
            "ERROR 1047 (08S01) at line 1: WSREP has not yet prepared node for application use"
        } else {
            "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (111)"
        };
        Err(refused("sql", format!("the server does not answer: {words}")))
    }

    fn write(&mut self, index: usize, token: &str) -> Begun {
        if let Err(begun) = self.takes_writes(index) {
            return begun;
        }
        // The schema, the table, the row.
        self.commit(3);
        self.everywhere(|marks| {
            marks.get_or_insert_default().insert(token.to_owned());
        });
        Begun::Answered(done(""))
    }

    fn drop_check(&mut self, index: usize) -> Begun {
        if let Err(begun) = self.takes_writes(index) {
            return begun;
        }
        self.commit(1);
        self.everywhere(|marks| *marks = None);
        Begun::Answered(done(""))
    }

    fn everywhere(&mut self, change: impl Fn(&mut Option<BTreeSet<String>>)) {
        for machine in &mut self.machines {
            if machine.is(&Phase::Synced) {
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
                machine.ops.insert(
                    op.to_owned(),
                    Op { session: String::new(), answer: Some("absent\n".to_owned()) },
                );
                "absent\n".to_owned()
            }
            None => "not-begun\n".to_owned(),
        }
    }

    /// The answer to a read beyond the probe.
    pub(super) fn look(&mut self, index: usize, look: &Look) -> String {
        let machine_of = |shown: &str| {
            let machine = self.machines.get(index).map(|machine| machine.id.as_str()).unwrap_or_default();
            (machine != shown).then(|| {
                format!("refused identity this machine's id is {machine}, the one shown was {shown}\n")
            })
        };
        match look {
            Look::Recover { identity, .. } => {
                if let Some(why) = self.another_host(index, identity) {
                    return format!("refused identity {why}\n");
                }
                if let Some(Begun::Answered(said)) = self.server_is_there(index) {
                    return said;
                }
                let Some(machine) = self.machines.get(index) else { return String::new() };
                let stamp = machine.stamp();
                format!(
                    "done 0\n%stamp-before {stamp}\n%stamp-after {stamp}\n%status 0\n{}",
                    self.recovery(index)
                )
            }
            Look::ReadBack { machine, token } => {
                if let Some(said) = machine_of(machine.as_str()) {
                    return said;
                }
                if let Err(Begun::Answered(said)) = self.takes_writes(index) {
                    let words = said.split_once(": ").map(|(_, words)| words).unwrap_or_default();
                    return format!("done 1\n{words}");
                }
                let marks = self.machines.get(index).and_then(|machine| machine.dir.engine.marks.as_ref());
                match marks {
                    Some(marks) if marks.contains(token.as_str()) => {
                        self.read_back.insert(index);
                        format!("done 0\n{token}\n")
                    }
                    Some(_) => "done 1\nthe row is not there\n".to_owned(),
                    None => {
                        "done 1\nERROR 1146 (42S02) at line 1: Table 'breakglass_check.mark' doesn't exist\n"
                            .to_owned()
                    }
                }
            }
            Look::Follow { machine, op, settle } => match machine_of(machine.as_str()) {
                Some(said) => said,
                None => self.follow(index, op.as_str(), *settle),
            },
        }
    }

    /// What the server prints of a recovery (tests/fixtures/galera/03-kill9/recover/g1.txt).
    fn recovery(&self, index: usize) -> String {
        let at = self.time();
        let Some(machine) = self.machines.get(index) else { return String::new() };
        let (day, hour, rest) = (at.strftime("%Y-%m-%d"), at.strftime("%k"), at.strftime("%M:%S"));
        let line = |text: &str| format!("{day} {hour}:{rest} 0 [Note] {text}\n");
        [
            line("InnoDB: Completed initialization of buffer pool"),
            line("Plugin 'FEEDBACK' is disabled."),
            line(&format!("WSREP: Recovered position: {}", machine.position())),
        ]
        .concat()
    }

    /// A recovery in the data directory is over: the engine's files are others now.
    pub(super) fn recovered_directly(&mut self, index: usize, op: &str) {
        let at = self.time();
        let said = self.recovery(index);
        let Some(machine) = get(&mut self.machines, index) else { return };
        (machine.dir.engine.opened, machine.dir.engine.logged) = (at, at);
        if let Some(op) = machine.ops.get_mut(op) {
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

fn hash(text: &str) -> String {
    let mut out = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}
