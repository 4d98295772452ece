//! One simulated machine: its unit, its server process, its data directory with the state files' text, its journal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::Offset;

use super::automation::Around;
use super::history::Holds;
use super::journal::Journal;
use super::network::Silence;
use super::reach::Way;
use super::rng::Rng;
use super::world::Event;
use crate::ask::gvwstate;
use crate::facts::{NodeName, Role};

/// The stock unit's name, its server and its version, as `tests/fixtures/sim/healthy-g1.txt` has them.
pub(super) const UNIT: &str = "mariadb.service";
pub(super) const VERSION: &str = "10.11.19-MariaDB-0+deb12u1";
pub(super) const DATADIR: &str = "/var/lib/mysql";
/// A UUID that is none.
pub(super) const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// A machine.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) name: NodeName,
    /// What runs there: a data node's server, an arbitrator's garbd, a proxy.
    pub(super) role: Role,
    /// It has power, and is not standing still.
    pub(super) power: bool,
    pub(super) still: bool,
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
    pub(super) journal: Journal,
    /// How many files each session put into quarantine.
    pub(super) kept: BTreeMap<String, u64>,
    /// How it is reached from here.
    pub(super) way: Way,
    /// What else works or lies on it.
    pub(super) around: Around,
    /// Its applier is slow.
    pub(super) slow: bool,
    /// What else takes room on its data volume, in KiB.
    pub(super) filler: u64,
    /// When it booted, on the virtual clock; `None` where that was before it began.
    pub(super) booted: Option<u64>,
    /// What waits until it goes on, and of which run.
    pub(super) later: Vec<(u64, Event)>,
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
    /// Somebody ordered it stopped: it does not come back by itself, however its process ends.
    pub(super) called_off: bool,
}

impl Unit {
    /// As a boot finds it.
    pub(super) fn new(restart: bool) -> Self {
        Self {
            active: "inactive",
            sub: "dead",
            result: "success",
            restart,
            frozen: None,
            main_pid: 0,
            exec_pid: 0,
            started: None,
            exited: None,
            end: (0, 0),
            restarts: 0,
            called_off: false,
        }
    }

    /// A unit that nothing else keeps loaded forgets its last process (tests/fixtures/sim/stopped-g1.txt).
    pub(super) fn forget(&mut self) {
        (self.active, self.sub, self.result) = ("inactive", "dead", "success");
        (self.main_pid, self.exec_pid, self.end, self.started, self.exited) = (0, 0, (0, 0), None, None);
    }

    /// Whether it starts its server again by itself: on a signal or after a timeout, never on an exit code
    /// (`Restart=on-abnormal`), and never where somebody ordered it stopped (tests/fixtures/lab/restart-one-fails,
    /// tests/fixtures/lab/stop-waiting).
    pub(super) fn comes_back(&self) -> bool {
        let abnormal = matches!(self.result, "signal" | "timeout");
        abnormal && self.restart && self.frozen.is_none() && !self.called_off
    }
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
    /// It runs on and is in no group any more.
    Disconnected,
    /// Likewise, of a server that left by itself: it could not take what the others sent
    /// (tests/fixtures/galera/06-diskfull/full/g2.txt).
    Left,
    /// It was voted out, or found that what it was given does not fit: in no group, and its state is given up.
    Inconsistent,
}

/// What a member believes of its group: the last view it heard of, which may be wrong by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) primary: bool,
    /// wsrep_cluster_conf_id.
    pub(super) conf: u64,
    pub(super) members: Vec<usize>,
}

/// A server process.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is so or not, whatever the others are")]
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
    /// It gives a transfer: it is Donor/Desynced meanwhile.
    pub(super) gives: bool,
    /// To whom it gives a full one: it sees no view until that is over (tests/fixtures/lab/stop-in-sst).
    pub(super) gives_all: Option<usize>,
    /// What it takes is a full transfer.
    pub(super) takes_all: bool,
    /// Who gives it what it lacks.
    pub(super) donor: Option<usize>,
    /// It took clients' connections once: it does until it ends.
    pub(super) ready: bool,
    /// It is stopped by SIGSTOP.
    pub(super) stopped: bool,
    /// When it last stood still, by itself or with its machine.
    pub(super) silence: Option<Silence>,
    /// It was told to end before it took connections, and did not: it answers no client, though it may listen and be a
    /// member (tests/fixtures/galera/03-kill9/stuck-activating-after-third/g1.txt).
    pub(super) deaf: bool,
    /// What it believes of its group.
    pub(super) view: Option<View>,
    /// wsrep_cluster_conf_id of the last Primary it was in.
    pub(super) last_conf: Option<u64>,
}

/// A data directory.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is so or not, whatever the others are")]
pub(super) struct Dir {
    /// grastate.dat: its text and when it was written.
    pub(super) grastate: Option<(String, Timestamp)>,
    /// gvwstate.dat likewise.
    pub(super) gvwstate: Option<(String, Timestamp)>,
    pub(super) engine: Engine,
    /// The lowest write-set its gcache still has.
    pub(super) cached_from: u64,
    /// A full transfer into it began and did not end.
    pub(super) half_filled: bool,
    /// A row was changed in it alone.
    pub(super) differs: bool,
    /// Whether the engine's files are there at all.
    pub(super) files: bool,
    /// Whether the system's own schema is there.
    pub(super) schema: bool,
    /// grastate.dat belongs to root, and no other can read it.
    pub(super) wrong_owner: bool,
    /// galera.cache was closed by its server, and names its bounds.
    pub(super) cache_closed: bool,
    /// Files of a transfer that nobody took away.
    pub(super) left_behind: &'static [&'static str],
}

impl Dir {
    /// What is there when nothing is there: no state file, no engine's files, no schema.
    pub(super) fn emptied(at: Timestamp) -> Self {
        Self {
            grastate: None,
            gvwstate: None,
            engine: Engine {
                uuid: ZERO.to_owned(),
                seqno: 0,
                durable: 0,
                holds: Holds::default(),
                marks: None,
                opened: at,
                logged: at,
            },
            cached_from: 1,
            half_filled: false,
            differs: false,
            files: false,
            schema: false,
            wrong_owner: false,
            cache_closed: false,
            left_behind: &[],
        }
    }
}

/// What the storage engine holds.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub(super) uuid: String,
    pub(super) seqno: u64,
    /// What of it was on the disk when that was last made sure.
    pub(super) durable: u64,
    /// What that stands for.
    pub(super) holds: Holds,
    /// Rows of the check table; `None` where its schema is not there.
    pub(super) marks: Option<BTreeSet<String>>,
    /// When a server last opened it, and when it last wrote its log.
    pub(super) opened: Timestamp,
    pub(super) logged: Timestamp,
}

impl Engine {
    /// Commits what an epoch's group has up to a seqno.
    pub(super) fn commit(&mut self, epoch: u32, to: u64, at: Timestamp) {
        self.holds.extend(epoch, self.seqno, to);
        self.seqno = self.seqno.max(to);
        self.logged = at;
    }

    /// Loses everything after a seqno.
    pub(super) fn lose_to(&mut self, seqno: u64) {
        self.seqno = self.seqno.min(seqno);
        self.holds.cut(self.seqno);
    }

    /// Begins to count a new history, whatever rows are there.
    pub(super) fn begin(&mut self, uuid: &str) {
        uuid.clone_into(&mut self.uuid);
        self.seqno = 0;
    }
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
    /// What it does.
    pub(super) deed: &'static str,
    /// What it has said so far.
    pub(super) said: String,
    /// Its answer; `None` while it runs.
    pub(super) answer: Option<String>,
}

impl Machine {
    pub(super) fn new(
        (name, role): (NodeName, Role),
        index: usize,
        restarts: bool,
        now: Timestamp,
        rng: &mut Rng,
        size: u64,
    ) -> Self {
        let boot_id = boot_id(rng);
        Self {
            name,
            role,
            power: true,
            still: false,
            address: format!("10.99.0.{}", 11 + index),
            id: rng.hex(32),
            boot_id,
            host_key: format!("SHA256:{}", rng.hex(43)),
            unit: Unit::new(restarts && role == Role::Data),
            server: None,
            // As packages leave it: the engine's files and the schema are there, and no history yet.
            dir: Dir { cached_from: size.min(1), files: true, schema: true, ..Dir::emptied(now) },
            lease: None,
            ops: BTreeMap::new(),
            job: None,
            journal: Journal::default(),
            kept: BTreeMap::new(),
            way: Way::default(),
            around: Around::default(),
            slow: false,
            filler: 0,
            booted: None,
            later: Vec::new(),
            run: 0,
            last_pid: 500 + rng.between(1, 60),
        }
    }

    /// A new process' number.
    pub(super) fn pid(&mut self) -> u64 {
        self.last_pid += 2;
        self.last_pid
    }

    /// After a boot they begin anew.
    pub(super) fn first_pid(&mut self) {
        self.last_pid = 500 + self.run % 60;
    }

    pub(super) fn phase(&self) -> Option<&Phase> {
        self.server.as_ref().map(|server| &server.phase)
    }

    pub(super) fn is(&self, phase: &Phase) -> bool {
        self.phase() == Some(phase)
    }

    /// Whether its server runs on and has closed its connection to the group.
    pub(super) fn is_disconnected(&self) -> bool {
        matches!(self.phase(), Some(Phase::Disconnected | Phase::Left | Phase::Inconsistent))
    }

    /// Whether it listens on the group's port.
    pub(super) fn listens(&self) -> bool {
        self.phase().is_some_and(|phase| *phase != Phase::Recovering) && !self.is_disconnected()
    }

    /// Whether it listens for clients.
    pub(super) fn serves(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.ready)
    }

    /// Whether clients get answers: one that was told to stop while it waited gives none, also where it is a member since
    /// (tests/fixtures/galera/03-kill9/stuck-activating-after-third/g1.txt).
    pub(super) fn answers(&self) -> bool {
        self.serves() && self.runs() && self.server.as_ref().is_some_and(|server| !server.deaf)
    }

    /// Whether its server is there and goes on.
    fn runs(&self) -> bool {
        self.is_awake() && self.server.as_ref().is_some_and(|server| !server.stopped)
    }

    /// Whether the others of the group hear it.
    pub(super) fn is_heard(&self) -> bool {
        self.runs()
            && matches!(
                self.phase(),
                Some(Phase::Waiting | Phase::Joining | Phase::Synced | Phase::NonPrimary)
            )
    }

    /// Whether nothing of a server is there and none is about to be: `inactive` or `failed`, and no process.
    pub(super) fn is_down(&self) -> bool {
        self.server.is_none() && matches!(self.unit.active, "inactive" | "failed")
    }

    /// Whether a start by anybody would begin one: its server is down, and its unit not frozen.
    pub(super) fn can_be_started(&self) -> bool {
        self.is_awake() && self.is_down() && self.unit.frozen.is_none()
    }

    /// A line of the journal.
    pub(super) fn log(&mut self, at: Timestamp, who: &str, text: impl AsRef<str>) {
        self.journal.push(at, &self.name, who, text.as_ref());
    }

    /// A line of the service manager.
    pub(super) fn by_systemd(&mut self, at: Timestamp, text: &str) {
        self.log(at, "systemd[1]", text);
    }

    /// A line of the server's own, with its level: `Note`, `ERROR`.
    pub(super) fn by_server(&mut self, at: Timestamp, level: &str, text: &str) {
        if self.role == Role::Arbitrator {
            return self.by_garbd(at, level, text);
        }
        let pid = self.server.as_ref().map_or(self.unit.exec_pid, |server| server.pid);
        // The server pads the hour with a blank (tests/fixtures/galera/02-graceful/right-bootstrap/g1-log.txt).
        let on = Offset::UTC.to_datetime(at);
        let (date, hour, minute, second) = (on.date(), on.hour(), on.minute(), on.second());
        let text = format!("{date} {hour:2}:{minute:02}:{second:02} 0 [{level}] {text}");
        self.log(at, &format!("mariadbd[{pid}]"), text);
    }

    /// A note of the replication.
    pub(super) fn note(&mut self, at: Timestamp, text: impl AsRef<str>) {
        self.by_server(at, "Note", &format!("WSREP: {}", text.as_ref()));
    }

    /// A line of the transfer's script.
    pub(super) fn by_transfer(&mut self, at: Timestamp, text: &str) {
        self.by_script(at, "INFO", text);
    }

    /// A line of the transfer's script that says what went wrong.
    pub(super) fn by_transfer_error(&mut self, at: Timestamp, text: &str) {
        self.by_script(at, "ERROR", text);
    }

    fn by_script(&mut self, at: Timestamp, level: &str, text: &str) {
        let pid = self.server.as_ref().map_or(0, |server| server.pid + 60);
        let stamp = at.strftime("%Y%m%d %H:%M:%S.%3f");
        self.log(at, &format!("mariadbd[{pid}]"), format!("WSREP_SST: [{level}] {text} ({stamp})"));
    }

    /// The files of the transfer that runs or was left behind (tests/fixtures/galera/08-sst-fail/rsync-mid/g2-ls.txt,
    /// tests/fixtures/lab/kill-donor/all-killed-donor.txt).
    pub(super) fn transfer_files(&self) -> &'static [&'static str] {
        match &self.server {
            Some(server) if server.takes_all && server.phase == Phase::Joining => {
                &["sst_in_progress", "rsync_sst.conf", "rsync_sst.pid", "wsrep_sst.pid"]
            }
            Some(server) if server.gives_all.is_some() => &["wsrep_sst.pid"],
            _ => self.dir.left_behind,
        }
    }

    /// The file by which the acts' scripts know that a transfer has not ended (src/ask/act/server.sh).
    pub(super) fn unfinished_transfer(&self) -> Option<String> {
        let named = |name: &&&str| matches!(**name, "sst_in_progress" | "rsync_sst.pid");
        self.transfer_files().iter().find(named).map(|name| format!("{DATADIR}/{name}"))
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

    /// The view that gvwstate.dat saved.
    pub(super) fn saved_view(&self) -> Option<gvwstate::View> {
        let (text, _) = self.dir.gvwstate.as_ref()?;
        gvwstate::parse(text.as_bytes()).view.known().cloned()
    }

    /// gvwstate.dat with its time, where it saves a view of this node alone and no server runs whose view it is: what
    /// starts with it is a Primary Component by itself (tests/fixtures/lab/view-alone).
    pub(super) fn lone_view(&self) -> Option<(String, Timestamp)> {
        let (text, _) = self.dir.gvwstate.as_ref().filter(|_| self.server.is_none())?;
        let is_member = |line: &&str| line.trim_start().starts_with("member:");
        (text.lines().filter(is_member).count() == 1).then(|| self.dir.gvwstate.clone()).flatten()
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

    /// The server's process ended: what systemd sees and says of it. `code` and `status` are the kernel's. Whether it
    /// starts it again by itself.
    pub(super) fn ended(&mut self, at: Timestamp, result: &'static str, code: u8, status: u8) -> bool {
        self.run += 1;
        self.server = None;
        self.dir.cache_closed = result == "exit-code";
        // One that systemd gave up was nobody's any more.
        if std::mem::take(&mut self.unit.main_pid) == 0 {
            return false;
        }
        self.unit.exited = Some(at);
        self.unit.end = (code, status);
        // The first that went wrong counts: a start that timed out stays one.
        if self.unit.result == "success" {
            self.unit.result = result;
        }
        let how = match (code, status) {
            (2, 9) => "code=killed, status=9/KILL".to_owned(),
            (2, 6) => "code=killed, status=6/ABRT".to_owned(),
            (_, 1) => "code=exited, status=1/FAILURE".to_owned(),
            (_, status) => format!("code=exited, status={status}/n/a"),
        };
        let name = self.unit_name();
        self.by_systemd(at, &format!("{name}: Main process exited, {how}"));
        self.by_systemd(at, &format!("{name}: Failed with result '{}'.", self.unit.result));
        (self.unit.active, self.unit.sub) = ("failed", "failed");
        self.unit.comes_back()
    }
}

/// A boot's own UUID.
pub(super) fn boot_id(rng: &mut Rng) -> String {
    let boot = rng.hex(32);
    let part = |from: usize, to: usize| boot.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
