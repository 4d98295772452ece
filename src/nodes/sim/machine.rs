//! One simulated machine: its unit, its server process, its data directory with the state files' text, its journal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::rng::Rng;
use crate::ask::{grastate, gvwstate};
use crate::facts::NodeName;

/// The stock unit's name, its server and its version, as `tests/fixtures/sim/healthy-g1.txt` has them.
pub(super) const UNIT: &str = "mariadb.service";
pub(super) const VERSION: &str = "10.11.19-MariaDB-0+deb12u1";
pub(super) const DATADIR: &str = "/var/lib/mysql";
/// A UUID that is none.
pub(super) const ZERO: &str = "00000000-0000-0000-0000-000000000000";
/// The longest journal that is kept; the probe reads no further back.
const JOURNAL: usize = 30_000;

/// A machine.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) name: NodeName,
    pub(super) address: String,
    /// /etc/machine-id.
    pub(super) id: String,
    pub(super) boot_id: String,
    pub(super) host_key: String,
    pub(super) unit: Unit,
    pub(super) server: Option<Server>,
    pub(super) dir: Dir,
    pub(super) lease: Option<Lease>,
    pub(super) ops: BTreeMap<String, Op>,
    /// The op whose start is under way.
    pub(super) job: Option<String>,
    pub(super) journal: Vec<Line>,
    /// How many files were put into quarantine.
    pub(super) kept: u64,
    /// Its applier is slow.
    pub(super) slow: bool,
    /// Counts starts and ends, so that what was planned for an earlier process finds out.
    pub(super) run: u64,
    last_pid: u64,
}

/// The server's unit, as `systemctl show` tells it.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) active: &'static str,
    pub(super) sub: &'static str,
    pub(super) result: &'static str,
    /// Whether `Restart=on-abnormal` stands there, or a drop-in says `no`.
    pub(super) restart: bool,
    /// The session whose drop-in freezes it.
    pub(super) frozen: Option<String>,
    pub(super) main_pid: u64,
    pub(super) exec_pid: u64,
    pub(super) started: Option<Timestamp>,
    pub(super) exited: Option<Timestamp>,
    /// The `CLD_` number of the last end, and its status or signal.
    pub(super) end: (u8, u8),
    pub(super) restarts: u64,
}

/// How far a server process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The unit's start recovers the position first (galera_recovery).
    Recovering,
    /// It tries the other members.
    Connecting,
    /// It waits for a Primary Component, and answers no SQL.
    Waiting,
    /// It is a member and takes what it lacks.
    Joining,
    /// It is in sync.
    Synced,
    /// It lost its Primary Component.
    NonPrimary,
}

/// A server process.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) pid: u64,
    /// Its start in ticks after the machine's.
    pub(super) ticks: u64,
    pub(super) phase: Phase,
    /// Its UUID in the group.
    pub(super) member: String,
    /// Started as a new cluster.
    pub(super) founds: bool,
    /// The position it was started with.
    pub(super) from: String,
    /// Whose transfer it gives: it is Donor/Desynced meanwhile.
    pub(super) gives: bool,
    /// What it takes is a full transfer.
    pub(super) takes_all: bool,
}

/// A data directory.
#[derive(Clone, Debug)]
pub(super) struct Dir {
    /// grastate.dat: its text and when it was written.
    pub(super) grastate: Option<(String, Timestamp)>,
    /// gvwstate.dat likewise.
    pub(super) gvwstate: Option<(String, Timestamp)>,
    pub(super) engine: Engine,
    /// The lowest write-set its gcache still has.
    pub(super) cached_from: u64,
}

/// What the storage engine holds.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub(super) uuid: String,
    pub(super) seqno: u64,
    /// Rows of the check table; `None` where its schema is not there.
    pub(super) marks: Option<BTreeSet<String>>,
    /// When a server last opened it, and when it last wrote its log.
    pub(super) opened: Timestamp,
    pub(super) logged: Timestamp,
}

/// Who holds the node.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) session: String,
    pub(super) holder: String,
    pub(super) since: String,
}

/// An act by its name.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) session: String,
    /// Its answer; `None` while it runs.
    pub(super) answer: Option<String>,
}

/// One line of the journal.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) who: String,
    pub(super) text: String,
}

impl Machine {
    pub(super) fn new(
        name: NodeName,
        index: usize,
        restarts: bool,
        now: Timestamp,
        rng: &mut Rng,
        size: u64,
    ) -> Self {
        let hex = |rng: &mut Rng| rng.hex(32);
        let boot = hex(rng);
        let part = |from: usize, to: usize| boot.get(from..to).unwrap_or_default();
        let boot_id =
            format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32));
        Self {
            name,
            address: format!("10.99.0.{}", 11 + index),
            id: hex(rng),
            boot_id,
            host_key: format!("SHA256:{}", rng.hex(43)),
            unit: Unit {
                active: "inactive",
                sub: "dead",
                result: "success",
                restart: restarts,
                frozen: None,
                main_pid: 0,
                exec_pid: 0,
                started: None,
                exited: None,
                end: (0, 0),
                restarts: 0,
            },
            server: None,
            dir: Dir {
                grastate: None,
                gvwstate: None,
                engine: Engine { uuid: ZERO.to_owned(), seqno: 0, marks: None, opened: now, logged: now },
                cached_from: size.min(1),
            },
            lease: None,
            ops: BTreeMap::new(),
            job: None,
            journal: Vec::new(),
            kept: 0,
            slow: false,
            run: 0,
            last_pid: 500 + rng.between(1, 60),
        }
    }

    /// A new process' number.
    pub(super) fn pid(&mut self) -> u64 {
        self.last_pid += 2;
        self.last_pid
    }

    pub(super) fn phase(&self) -> Option<&Phase> {
        self.server.as_ref().map(|server| &server.phase)
    }

    pub(super) fn is(&self, phase: &Phase) -> bool {
        self.phase() == Some(phase)
    }

    /// Whether it listens on the group's port.
    pub(super) fn listens(&self) -> bool {
        self.phase().is_some_and(|phase| *phase != Phase::Recovering)
    }

    /// Whether it answers clients' connections.
    pub(super) fn serves(&self) -> bool {
        self.is(&Phase::Synced) || self.is(&Phase::NonPrimary)
    }

    /// Whether nothing of a server is there and none is about to be: `inactive` or `failed`, and no process.
    pub(super) fn is_down(&self) -> bool {
        self.server.is_none() && matches!(self.unit.active, "inactive" | "failed")
    }

    /// A line of the journal.
    pub(super) fn log(&mut self, at: Timestamp, who: &str, text: impl Into<String>) {
        self.journal.push(Line { at, who: who.to_owned(), text: text.into() });
        if self.journal.len() > JOURNAL {
            self.journal.remove(0);
        }
    }

    /// A line of the service manager.
    pub(super) fn by_systemd(&mut self, at: Timestamp, text: &str) {
        self.log(at, "systemd[1]", text);
    }

    /// A line of the server's own, with its level: `Note`, `ERROR`.
    pub(super) fn by_server(&mut self, at: Timestamp, level: &str, text: &str) {
        let pid = self.server.as_ref().map_or(self.unit.exec_pid, |server| server.pid);
        // The server pads the hour with a blank (tests/fixtures/galera/02-graceful/right-bootstrap/g1-log.txt).
        let (day, hour, rest) = (at.strftime("%Y-%m-%d"), at.strftime("%k"), at.strftime("%M:%S"));
        self.log(at, &format!("mariadbd[{pid}]"), format!("{day} {hour}:{rest} 0 [{level}] {text}"));
    }

    /// A note of the replication.
    pub(super) fn note(&mut self, at: Timestamp, text: impl AsRef<str>) {
        self.by_server(at, "Note", &format!("WSREP: {}", text.as_ref()));
    }

    /// A line of the transfer's script.
    pub(super) fn by_transfer(&mut self, at: Timestamp, text: &str) {
        let pid = self.server.as_ref().map_or(0, |server| server.pid + 60);
        let stamp = at.strftime("%Y%m%d %H:%M:%S.%3f");
        self.log(at, &format!("mariadbd[{pid}]"), format!("WSREP_SST: [INFO] {text} ({stamp})"));
    }

    /// Writes grastate.dat. A text that is shorter than the one before is padded with blanks
    /// (tests/fixtures/galera/03-kill9/norestart-killed/g1.txt).
    pub(super) fn write_grastate(&mut self, at: Timestamp, uuid: &str, seqno: i64, safe: bool) {
        let mut text = format!(
            "# GALERA saved state\nversion: 2.1\nuuid:    {uuid}\nseqno:   {seqno}\nsafe_to_bootstrap: {}\n",
            u8::from(safe)
        );
        let before = self.dir.grastate.as_ref().map_or(0, |(text, _)| text.trim_end().len() + 1);
        while text.len() < before {
            text.push(' ');
        }
        self.dir.grastate = Some((text, at));
    }

    /// What grastate.dat says.
    pub(super) fn grastate(&self) -> Option<grastate::Grastate> {
        self.dir.grastate.as_ref().map(|(text, _)| grastate::parse(text.as_bytes()))
    }

    /// The safe_to_bootstrap line as Galera reads it: a file that is missing says 1
    /// (tests/fixtures/galera/11-parsing/results.txt).
    pub(super) fn is_safe(&self) -> bool {
        self.grastate().is_none_or(|state| state.safe.known().copied().unwrap_or(true))
    }

    /// Whether the state file gave its history up: it then takes everything, whatever its engine holds.
    pub(super) fn gave_up(&self) -> bool {
        self.grastate().is_none_or(|state| state.uuid.known().is_none())
    }

    /// The view that gvwstate.dat saved.
    pub(super) fn saved_view(&self) -> Option<gvwstate::View> {
        let (text, _) = self.dir.gvwstate.as_ref()?;
        gvwstate::parse(text.as_bytes()).view.known().cloned()
    }

    /// `UUID:seqno` of the engine.
    pub(super) fn position(&self) -> String {
        if self.dir.engine.uuid == ZERO {
            return format!("{ZERO}:-1");
        }
        format!("{}:{}", self.dir.engine.uuid, self.dir.engine.seqno)
    }

    /// The engine's files as the probe stamps them: the same as long as no server ran on them.
    pub(super) fn stamp(&self) -> String {
        let shown = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S.%9f +0000").to_string();
        let (opened, logged) = (shown(self.dir.engine.opened), shown(self.dir.engine.logged));
        format!(
            "ibdata1 17 12582912 {opened}; ib_logfile0 16 100663296 {logged}; aria_log_control 13 52 {opened}"
        )
    }

    /// The server's process ended: what systemd sees and says of it. `code` and `status` are the kernel's.
    pub(super) fn ended(&mut self, at: Timestamp, result: &'static str, code: u8, status: u8) {
        self.run += 1;
        self.server = None;
        self.unit.main_pid = 0;
        self.unit.exited = Some(at);
        self.unit.end = (code, status);
        self.unit.result = result;
        let how = match (code, status) {
            (2, 9) => "code=killed, status=9/KILL".to_owned(),
            (2, 6) => "code=killed, status=6/ABRT".to_owned(),
            (_, 1) => "code=exited, status=1/FAILURE".to_owned(),
            (_, status) => format!("code=exited, status={status}/n/a"),
        };
        self.by_systemd(at, &format!("{UNIT}: Main process exited, {how}"));
        self.by_systemd(at, &format!("{UNIT}: Failed with result '{result}'."));
        (self.unit.active, self.unit.sub) = ("failed", "failed");
    }

    /// Whether systemd starts it again by itself: on a signal, never on an exit code (`Restart=on-abnormal`).
    pub(super) fn comes_back(&self) -> bool {
        self.unit.result == "signal" && self.unit.restart && self.unit.frozen.is_none()
    }
}
