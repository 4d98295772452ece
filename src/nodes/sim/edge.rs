//! The machines that hold no data: arbitrators (tests/fixtures/lab/garbd) and load balancers with what they ask the data
//! nodes (tests/fixtures/lab/haproxy, tests/fixtures/galera/10-haproxy).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::fault::{Fault, NotPossible};
use super::machine::{Machine, Phase, Server, UNIT};
use super::probe::Frame;
use super::world::{Event, MILLI, SECOND, World, get};
use crate::facts::Role;

/// HAProxy's checks in the lab: `timeout check 3s`, `inter 1s fall 2` (src/practice/lab/services.rs).
const EVERY: u64 = SECOND;
const PATIENCE: u8 = 3;
const FALL: u8 = 2;
/// HAProxy's `show stat` of a healthy server (tests/fixtures/lab/haproxy/healthy.txt): names, front, one server, back.
const STAT: &str = include_str!("haproxy.csv");
/// From its start until it is in the group (tests/fixtures/lab/garbd/a1-journal.txt).
const JOINS: u64 = 2_000;

/// What a load balancer thinks of one data node.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    up: bool,
    /// Checks that failed one after the other, and seconds without an answer.
    fails: u8,
    silent: u8,
    /// What the last check found, and since when it is up or down.
    found: Found,
    since: u64,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Ok,
    Status,
    /// Nobody took the connection, or nobody answered in it: HAProxy's manual, `check_status`.
    Connect,
    Answer,
}

impl Found {
    /// `check_status`, `check_code`, `last_chk` and `check_desc`.
    fn words(self) -> [&'static str; 4] {
        match self {
            Self::Ok => ["L7OK", "200", "", "Layer7 check passed"],
            Self::Status => ["L7STS", "503", "Service Unavailable", "Layer7 wrong status"],
            Self::Connect => ["L4TOUT", "", "", "Layer4 timeout"],
            Self::Answer => ["L7TOUT", "", "", "Layer7 timeout"],
        }
    }
}

impl Machine {
    /// The unit of what the machine is for.
    pub(super) fn unit_name(&self) -> &'static str {
        match self.role {
            Role::Data => UNIT,
            Role::Arbitrator => "garb.service",
            Role::Router | Role::Proxy => "haproxy.service",
        }
    }

    /// Whether its server is SYNCED and gives nobody anything: `wsrep_local_state` 4.
    pub(super) fn is_four(&self) -> bool {
        let server = self.server.as_ref();
        server.is_some_and(|server| server.phase == Phase::Synced && !server.gives) && self.answers()
    }

    /// What it answers on port 9200 (tests/fixtures/lab/haproxy/clustercheck.txt).
    pub(super) fn clustercheck(&self) -> &'static str {
        if self.is_four() {
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 32\r\n\r\nGalera cluster node is synced.\r\n"
        } else {
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 36\r\n\r\nGalera cluster node is not synced.\r\n"
        }
    }

    /// A line of an arbitrator, in its own form.
    pub(super) fn by_garbd(&mut self, at: Timestamp, level: &str, text: &str) {
        let pid = self.server.as_ref().map_or(self.unit.exec_pid, |server| server.pid);
        let level = if level == "Note" { " INFO" } else { "ERROR" };
        let text = text.strip_prefix("WSREP: ").unwrap_or(text);
        let line = format!("{} {level}: {text}", at.strftime("%Y-%m-%d %H:%M:%S.%3f"));
        self.log(at, &format!("garb-systemd[{pid}]"), line);
    }
}

impl World {
    /// Starts what a machine without data is for.
    pub(super) fn start_beside(&mut self, index: usize) {
        let at = self.time();
        let member = self.uuid();
        let ticks = 1_000_000 + self.now / (10 * MILLI);
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.run += 1;
        let main = machine.pid();
        let unit = &mut machine.unit;
        (unit.active, unit.sub, unit.result) = ("active", "running", "success");
        (unit.main_pid, unit.exec_pid, unit.end) = (main, main, (0, 0));
        (unit.started, unit.exited) = (Some(at), None);
        if machine.role != Role::Arbitrator {
            return self.sees_all_up(index);
        }
        machine.by_systemd(at, "Started garb.service - Galera Arbitrator Daemon.");
        // It may write nowhere, so that it saves no view (tests/fixtures/lab/garbd/a1-journal.txt).
        machine.dir.gvwstate = None;
        // Its unit's process is a script, and garbd the child of that.
        let pid = machine.pid();
        machine.server = Some(Server {
            pid,
            ticks,
            phase: Phase::Connecting,
            member,
            founds: false,
            from: String::new(),
            gives: false,
            gives_all: None,
            takes_all: false,
            donor: None,
            ready: false,
            stopped: false,
            silence: None,
            deaf: false,
            view: None,
            last_conf: None,
        });
        let delay = self.about(JOINS);
        self.plan(delay, index, Event::Connected);
    }

    /// What happens to a machine without data; `None` where it is nothing of its own.
    pub(super) fn beside(&mut self, index: usize, fault: &Fault) -> Option<Result<(), NotPossible>> {
        let machine = self.machines.get(index).filter(|machine| machine.role != Role::Data)?;
        let (runs, comes_back) = (machine.unit.active == "active", machine.role == Role::Proxy);
        match fault {
            Fault::Unreachable(_)
            | Fault::Reachable(_)
            | Fault::LoseBefore(_)
            | Fault::LoseAfter(_)
            | Fault::Swap(..)
            | Fault::PowerOff(_)
            | Fault::PowerOn(_)
            | Fault::FreezeMachine(_)
            | Fault::ThawMachine(_)
            | Fault::Partition(_)
            | Fault::Cut(..) => return None,
            Fault::Crash(_) | Fault::Kill(_) | Fault::KillAll(_) | Fault::Stop(_) if runs => {
                self.end_beside(index, matches!(fault, Fault::Stop(_)));
                // `Restart=always`, at once; an arbitrator's unit restarts nothing.
                if comes_back && matches!(fault, Fault::Crash(_)) {
                    self.start_beside(index);
                }
            }
            Fault::Start(_) if !runs => self.start_beside(index),
            _ => return Some(Err(fault.pointless("it holds no data, or is so already"))),
        }
        Some(Ok(()))
    }

    fn end_beside(&mut self, index: usize, in_order: bool) {
        let at = self.time();
        let Some(machine) = get(&mut self.machines, index) else { return };
        machine.run += 1;
        machine.server = None;
        let unit = &mut machine.unit;
        unit.main_pid = 0;
        if in_order {
            (unit.active, unit.sub, unit.result) = ("inactive", "dead", "success");
            return self.left(index);
        }
        (unit.active, unit.sub, unit.result) = ("failed", "failed", "signal");
        (unit.exited, unit.end) = (Some(at), (2, 9));
        let name = machine.unit_name();
        machine.by_systemd(at, &format!("{name}: Main process exited, code=killed, status=9/KILL"));
        machine.by_systemd(at, &format!("{name}: Failed with result 'signal'."));
        self.member_lost(index);
    }

    /// A load balancer begins to ask the data nodes.
    pub(super) fn begin_checks(&mut self, index: usize) {
        if self.machines.get(index).is_some_and(|machine| machine.role == Role::Proxy) {
            self.sees_all_up(index);
            self.plan(EVERY, usize::MAX, Event::Checks(index));
        }
    }

    /// As it begins, all are up.
    fn sees_all_up(&mut self, index: usize) {
        let (now, data) = (self.now, self.topology.nodes.len());
        let up = Backend { up: true, fails: 0, silent: 0, found: Found::Ok, since: now };
        if let Some(machine) = get(&mut self.machines, index) {
            machine.around.backends = vec![up; data];
        }
    }

    /// It asks them once more.
    pub(super) fn checks(&mut self, index: usize) {
        let now = self.now;
        let proxy = self.machines.get(index);
        if proxy.is_some_and(|proxy| proxy.is_awake() && proxy.unit.active == "active") {
            let found: Vec<Found> = self.machines.iter().map(found).collect();
            let backends = get(&mut self.machines, index).map(|proxy| proxy.around.backends.iter_mut());
            for (backend, found) in backends.into_iter().flatten().zip(found) {
                backend.hears(found, now);
            }
        }
        self.plan(EVERY, usize::MAX, Event::Checks(index));
    }

    /// The probe's sections about what a machine without data is for, in place of those of a server.
    pub(super) fn beside_says(&self, machine: &Machine, frame: &mut Frame) {
        let data = || self.machines.iter().filter(|other| other.role == Role::Data);
        let arbitrator = match (&machine.server, machine.role) {
            (Some(server), Role::Arbitrator) => {
                let all: Vec<String> = data().map(|node| format!("{}:4567", node.address)).collect();
                let (cluster, all) = (&self.topology.cluster, all.join(","));
                format!("process {} nobody\ngroup {cluster}\naddress gcomm://{all}\n", server.pid)
            }
            // What /etc/default/garb would tell it.
            (None, Role::Arbitrator) => {
                let all: Vec<String> = data().map(|node| format!("{}:4567", node.address)).collect();
                format!("nodes {}\ngroup {}\n", all.join(" "), self.topology.cluster)
            }
            _ => String::new(),
        };
        frame.say("arbitrator", &arbitrator);
        if machine.role == Role::Proxy && machine.unit.active == "active" {
            frame.say("proxy", "haproxy");
            frame.say("proxy-backends", &format!("haproxy\n{}", self.stat(machine)));
        } else {
            frame.say("proxy", "");
        }
    }

    /// HAProxy's `show stat`.
    fn stat(&self, proxy: &Machine) -> String {
        let mut lines = STAT.lines();
        let (Some(head), Some(front), Some(server), Some(back)) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return String::new();
        };
        let names: Vec<&str> = head.trim_start_matches("# ").split(',').collect();
        let filled = |row: &str, own: &BTreeMap<&str, String>| {
            let field =
                |(name, usual): (&&str, &str)| own.get(*name).cloned().unwrap_or_else(|| usual.to_owned());
            names.iter().zip(row.split(',')).map(field).collect::<Vec<_>>().join(",")
        };
        let mut rows = vec![head.to_owned(), front.to_owned()];
        for (number, (node, backend)) in self.machines.iter().zip(&proxy.around.backends).enumerate() {
            let mut own = backend.fields(self.now);
            own.insert("svname", node.name.to_string());
            own.insert("sid", (number + 1).to_string());
            own.insert("addr", format!("{}:3306", node.address));
            rows.push(filled(server, &own));
        }
        let up = proxy.around.backends.iter().filter(|backend| backend.up).count();
        let status = if up > 0 { "UP" } else { "DOWN" };
        let own = BTreeMap::from([
            ("status", status.to_owned()),
            ("weight", up.to_string()),
            ("act", up.to_string()),
        ]);
        rows.push(filled(back, &own));
        rows.join("\n")
    }
}

/// What a check of a data node's port 9200 finds.
fn found(node: &Machine) -> Found {
    match (node.power, node.still, node.is_four()) {
        (false, ..) => Found::Connect,
        (true, true, _) => Found::Answer,
        (true, false, true) => Found::Ok,
        (true, false, false) => Found::Status,
    }
}

impl Backend {
    fn hears(&mut self, found: Found, now: u64) {
        // A check that hangs is one every three seconds.
        if matches!(found, Found::Connect | Found::Answer) {
            self.silent += 1;
            if self.silent < PATIENCE {
                return;
            }
        }
        self.silent = 0;
        self.found = found;
        self.fails = if found == Found::Ok { 0 } else { self.fails.saturating_add(1) };
        let up = match found {
            Found::Ok => true,
            _ => self.up && self.fails < FALL,
        };
        if up != self.up {
            (self.up, self.since) = (up, now);
        }
    }

    fn fields(&self, now: u64) -> BTreeMap<&'static str, String> {
        let [status, code, last, what] = self.found.words();
        let health = if self.up { FALL.saturating_sub(self.fails) } else { 0 };
        let state = match (self.up, self.fails) {
            (false, _) => "DOWN".to_owned(),
            (true, 0) => "UP".to_owned(),
            (true, _) => format!("UP {health}/{FALL}"),
        };
        let own = [
            ("status", state),
            ("lastchg", (now.saturating_sub(self.since) / SECOND).to_string()),
            ("check_status", status.to_owned()),
            ("check_code", code.to_owned()),
            ("last_chk", last.to_owned()),
            ("check_desc", what.to_owned()),
            ("check_health", health.to_string()),
        ];
        own.into()
    }
}
