//! What the probe prints on a simulated machine: the same sections in the same frame (src/ask/probe.sh,
//! tests/fixtures/sim/*.txt).

use std::fmt::Write as _;

use jiff::Timestamp;

use super::disk::Room;
use super::founding::{FLAG, VARIABLE};
use super::journal::Line;
use super::machine::{DATADIR, Machine, Phase, Server, UNIT};
use super::sql;
use super::world::{MILLI, World};
use crate::facts::Role;

/// Owner and mode of what the server writes.
const USUAL: &str = "mysql:mysql 660";

/// Where the stock unit's processes are, on a machine of today.
const CGROUP: &str = "0::/system.slice/mariadb.service";

/// Lines of the journal's end, of its beginning, and marks that are shown.
const TAIL: usize = 200;
const FIRST: usize = 20;
const MARKED: usize = 300;

pub(super) struct Frame(String);

impl Frame {
    pub(super) fn say(&mut self, name: &str, body: &str) {
        self.with(name, "ok", body);
    }

    fn with(&mut self, name: &str, status: &str, body: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "%section {name} {status} {}\n{body}", body.len());
    }

    /// At most the last bytes, from a whole character on.
    fn end_of(&mut self, name: &str, most: usize, body: &str) {
        let mut from = body.len().saturating_sub(most);
        while !body.is_char_boundary(from) {
            from += 1;
        }
        let status = if from == 0 { "ok" } else { "cut" };
        self.with(name, status, body.get(from..).unwrap_or_default());
    }

    /// A state file's bytes, in the form of `od -An -v -tx1`.
    fn file(&mut self, name: &str, file: Option<&(String, Timestamp)>, owner: &str) {
        let Some((text, at)) = file else {
            self.with(name, "missing", "");
            self.with(&format!("{name}-stat"), "missing", "");
            return;
        };
        let mut rows = String::with_capacity(3 * text.len());
        for (number, byte) in text.bytes().enumerate() {
            if number > 0 && number % 16 == 0 {
                rows.push('\n');
            }
            let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or_default();
            rows.extend([' ', digit(byte >> 4), digit(byte & 15)]);
        }
        self.say(name, &rows);
        self.say(&format!("{name}-stat"), &format!("{} {owner} {}", text.len(), at.as_second()));
    }
}

impl World {
    /// The probe's whole answer.
    pub(super) fn probe(&self, index: usize) -> Option<String> {
        let machine = self.machines.get(index)?;
        if machine.role != Role::Data {
            return Some(self.probe_beside(machine));
        }
        let mut frame = Frame("%breakglass-probe 1\n".to_owned());
        host(machine, &mut frame);
        frame.say("unit", &unit(machine, self.topology.enabled));
        frame.say("freeze", machine.unit.frozen.as_deref().unwrap_or_default());
        frame.say("lease", &lease(machine));
        frame.say("options", &self.options(machine));
        frame.say("datadir", DATADIR);
        let server = machine.server.as_ref();
        frame.say(
            "datadir-source",
            &server.map_or_else(
                || "the default of the packages".to_owned(),
                |server| format!("the working directory of process {}", server.pid),
            ),
        );
        frame.say(
            "datadir-stat",
            &format!("{} mysql:mysql 755", super::acts::identity(index).replace(':', " ")),
        );
        frame.say("processes", &processes(machine));
        let takes_all = server.is_some_and(|server| server.takes_all && server.phase == Phase::Joining);
        let transfers = usize::from(takes_all) * 4 + usize::from(machine.orphan().is_some());
        let gives_all = server.is_some_and(|server| server.gives_all.is_some());
        // What the donor's rsync does its command line does not say (tests/fixtures/sim/stop-in-sst/mid-g1.txt).
        let roles = "joiner\n".repeat(transfers) + if gives_all { "donor\n" } else { "" };
        frame.say("transfer-roles", &roles);
        frame.say("server-cgroup", if server.is_some() { CGROUP } else { "" });
        state_files(machine, &mut frame);
        self.room(machine, &mut frame);
        let checked = !self.topology.proxies.is_empty();
        frame.say("listen", &listen(machine, takes_all, checked));
        frame.say("peers", &self.peers(index));
        frame.say("listen-owners", &owners(machine, takes_all));
        let address = self.cluster_address();
        let mut leftovers =
            format!("/etc/mysql/mariadb.conf.d/60-galera.cnf:12:wsrep_cluster_address = {address}");
        let left = machine.leftover().is_some();
        if left {
            let _ = write!(leftovers, "\n{FLAG}%flag:0:exists");
        }
        frame.say("leftovers", &leftovers);
        frame.say("environment", if left { VARIABLE } else { "" });
        frame.say("log-file", "");
        journal(machine, &mut frame);
        frame.say("binary", "/usr/sbin/mariadbd");
        frame.say("server-user", "mysql");
        frame.say("socket", "/run/mysqld/mysqld.sock");
        // One that is stopped is not asked: its state is seen in /proc.
        if !server.is_some_and(|server| server.stopped) {
            frame.say("sql", &sql::client(self, index));
        }
        gcache(machine, &mut frame);
        for nothing in ["encryption", "key-file", "cert-file"] {
            frame.say(nothing, "");
        }
        if checked {
            frame.say("clustercheck", machine.clustercheck());
        }
        frame.say("arbitrator", "");
        frame.say("proxy", "");
        self.end(machine, &mut frame);
        Some(frame.0)
    }

    /// What the probe says of an arbitrator or a load balancer: nothing of state files and of a server's client
    /// (src/ask/probe.sh, tests/fixtures/lab/garbd/a1.txt, tests/fixtures/lab/haproxy/p1.txt).
    fn probe_beside(&self, machine: &Machine) -> String {
        let mut frame = Frame("%breakglass-probe 1\n".to_owned());
        host(machine, &mut frame);
        frame.say("unit", &unit_beside(machine));
        frame.say("freeze", "");
        frame.say("lease", &lease(machine));
        frame.with("options", "notool", "");
        let arbitrator = machine.role == Role::Arbitrator;
        let pid = machine.server.as_ref().map_or(machine.unit.main_pid, |server| server.pid);
        if arbitrator {
            let runs = machine.server.is_some();
            frame.say("datadir", "/");
            let source = if runs {
                format!("the working directory of process {pid}")
            } else {
                "where systemd starts a service".to_owned()
            };
            frame.say("datadir-source", &source);
            frame.say("datadir-stat", "254 2 root:root 755");
        } else {
            frame.say("datadir", DATADIR);
            let source = "the default of the packages, for the option files could not be read";
            frame.say("datadir-source", source);
            frame.with("datadir-stat", "missing", "");
        }
        frame.say("processes", &processes_beside(machine));
        frame.say("transfer-roles", "");
        let group = if machine.unit.main_pid == 0 {
            String::new()
        } else {
            format!("0::/system.slice/{}", machine.unit_name())
        };
        frame.say("server-cgroup", &group);
        if arbitrator {
            frame.file("gvwstate", None, USUAL);
        }
        frame.with("used", "missing", "");
        let room = if arbitrator { "ok" } else { "missing" };
        let rows = [
            (
                "df-k",
                "Filesystem     1024-blocks    Used Available Capacity Mounted on\n/dev/vda1       10218772 2101440   7576656      22% /",
            ),
            (
                "df-i",
                "Filesystem     Inodes IUsed  IFree IUse% Mounted on\n/dev/vda1      655360 68112 587248   11% /",
            ),
        ];
        for (name, rows) in rows {
            frame.with(name, room, if arbitrator { rows } else { "" });
        }
        frame.say(
            "mounts",
            if arbitrator { "/\n273 253 254:1 / / rw,relatime shared:12 - ext4 /dev/vda1 rw" } else { "\n" },
        );
        let port = if arbitrator { "11D7" } else { "0CEA" };
        let open = machine.unit.main_pid != 0 && (!arbitrator || machine.listens());
        frame.say("listen", &sockets(&[(open, port), (true, "0016")]));
        frame.say(
            "peers",
            &self
                .machines
                .iter()
                .position(|other| other.name == machine.name)
                .map(|index| self.peers(index))
                .unwrap_or_default(),
        );
        let owner = match (open, arbitrator) {
            (true, true) => owner(4567, "garbd", pid),
            (true, false) => owner(3306, "haproxy", pid + 2),
            (false, _) => String::new(),
        };
        frame.say("listen-owners", &owner);
        for nothing in ["leftovers", "environment", "log-file"] {
            frame.say(nothing, "");
        }
        journal(machine, &mut frame);
        frame.say("binary", if arbitrator { "/usr/bin/garbd" } else { "/usr/sbin/haproxy" });
        frame.say("server-user", if arbitrator { "nobody" } else { "root" });
        frame.say("socket", "");
        self.beside_says(machine, &mut frame);
        self.end(machine, &mut frame);
        frame.0
    }

    /// What the probe says last.
    fn end(&self, machine: &Machine, frame: &mut Frame) {
        frame.say("container", "");
        frame.say("watchers", "");
        match machine.monit_says() {
            Some((services, files)) => {
                frame.say("monit", &services);
                frame.say("monit-files", files);
            }
            None => frame.say("monit", ""),
        }
        frame.say("cron", "");
        frame.say("timers", machine.timers_say());
        frame.say("kernel", "journal\n");
        let up = machine.up(self.now);
        frame.say("uptime", &format!("{up}.25 {}.50", up * 2));
        let now = self.time();
        frame.say("clock", &now.strftime("%s.%9f +0000").to_string());
        frame.0.push_str("%end\n");
    }

    pub(super) fn cluster_address(&self) -> String {
        let data = self.machines.iter().filter(|machine| machine.role == Role::Data);
        let all: Vec<&str> = data.map(|machine| machine.address.as_str()).collect();
        format!("gcomm://{}", all.join(","))
    }

    fn options(&self, machine: &Machine) -> String {
        format!(
            "--socket=/run/mysqld/mysqld.sock\n--pid-file=/run/mysqld/mysqld.pid\n--innodb_flush_log_at_trx_commit={}\n--sync_binlog=1\n--wsrep_on=ON\n--wsrep_cluster_name={}\n\
             --wsrep_cluster_address={}\n--wsrep_node_name={}\n--wsrep_node_address={}\n--wsrep_sst_method=rsync",
            self.topology.flush,
            self.topology.cluster,
            self.cluster_address(),
            machine.name,
            machine.address
        )
    }

    fn room(&self, machine: &Machine, frame: &mut Frame) {
        let Room { size, data, free } = self.room_of(machine);
        frame.say("used", &format!("{data}\t{DATADIR}/."));
        let head = "Filesystem     1024-blocks  Used Available Capacity Mounted on";
        let used = size.saturating_sub(free);
        let share = (used * 100).div_ceil(size.max(1));
        frame.say("df-k", &format!("{head}\n/dev/vdb1 {size} {used} {free} {share}% {DATADIR}"));
        frame.say(
            "df-i",
            &format!("Filesystem     Inodes IUsed IFree IUse% Mounted on\n/dev/vdb1      262144   232 261912    1% {DATADIR}"),
        );
        frame.say(
            "mounts",
            &format!("{DATADIR}\n273 253 254:1 / / rw,relatime shared:12 - ext4 /dev/vda1 rw\n274 273 254:17 / {DATADIR} rw,noatime shared:13 - ext4 /dev/vdb1 rw"),
        );
    }

    /// Established connections of the group's port: to whoever is there and no member of another Primary Component
    /// (tests/fixtures/sim/fault-bootstrap-both/healed-2-g1.txt).
    fn peers(&self, index: usize) -> String {
        let Some(me) = self.machines.get(index).filter(|machine| machine.listens()) else {
            return String::new();
        };
        let mine = self.group_of(index).map(|group| group.id);
        let others = self.machines.iter().enumerate().filter(|(other, machine)| {
            let theirs = self.group_of(*other).map(|group| group.id);
            *other != index
                && machine.listens()
                && !machine.is(&Phase::Connecting)
                && (theirs == mine || theirs.is_none() || mine.is_none())
                && self.is_connected(index, *other)
        });
        let lines: Vec<String> = others
            .map(|(other, machine)| {
                format!(
                    "0      0      {}:4567 {}:{}\n\t cubic wscale:7,7 rto:204 lastsnd:300 lastrcv:{} lastack:44",
                    me.address,
                    machine.address,
                    40_000 + other * 100,
                    (self.now / MILLI % 1000).max(self.nothing_came(index, other) / MILLI)
                )
            })
            .collect();
        lines.join("\n")
    }
}

/// `systemctl show`, with its properties in systemd's own order.
fn unit(machine: &Machine, enabled: bool) -> String {
    let unit = &machine.unit;
    let moment = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| at.strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string())
    };
    let frozen = unit.frozen.is_some();
    let mut drop_ins = Vec::new();
    if !unit.restart {
        drop_ins.push(format!("/etc/systemd/system/{UNIT}.d/no-restart.conf"));
    }
    if frozen {
        drop_ins.push(format!("/run/systemd/system/{UNIT}.d/zz-breakglass.conf"));
    }
    let restart = if frozen || !unit.restart { "no" } else { "on-abnormal" };
    let timeout = if frozen { "infinity" } else { "15min" };
    let enabled = if enabled { "enabled" } else { "disabled" };
    format!(
        "Restart={restart}\nRestartUSec=5s\nTimeoutStartUSec={timeout}\nSendSIGKILL=no\nMainPID={}\nResult={}\nNRestarts={}\n\
         ExecMainStartTimestamp={}\nExecMainExitTimestamp={}\nExecMainPID={}\nExecMainCode={}\nExecMainStatus={}\n\
         ExecStart={{ path=/bin/sh ; argv[]=/bin/sh -c set -f; [ ! -e /usr/bin/galera_recovery ] && VAR= ||   VAR=`/usr/bin/galera_recovery`; [ $? -eq 0 ] || exit 1;   exec /usr/sbin/mariadbd $MYSQLD_OPTS $_WSREP_NEW_CLUSTER $VAR ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}\n\
         Environment=\nId={UNIT}\nLoadState=loaded\nActiveState={}\nSubState={}\n\
         FragmentPath=/lib/systemd/system/{UNIT}\nDropInPaths={}\nUnitFileState={enabled}",
        unit.main_pid,
        unit.result,
        unit.restarts,
        moment(unit.started),
        moment(unit.exited),
        unit.exec_pid,
        unit.end.0,
        unit.end.1,
        unit.active,
        unit.sub,
        drop_ins.join(" ")
    )
}

fn lease(machine: &Machine) -> String {
    machine.lease.as_ref().map_or_else(String::new, |lease| {
        format!("session={}\nholder={}\nsince={}", lease.session, lease.holder, lease.since)
    })
}

/// The machine itself.
fn host(machine: &Machine, frame: &mut Frame) {
    frame.say("hostname", machine.name.as_str());
    frame.say("machine-id", &machine.id);
    frame.say("boot-id", &machine.boot_id);
    frame.say("user", "root");
    // No lab's machine: a drill says of itself what it is past the probe.
    frame.with("lab", "missing", "");
    frame.say("manager", "systemd");
}

/// A process with its line of /proc/PID/stat.
fn process(kind: &str, (pid, name, user): (u64, &str, &str), state: char, ticks: u64) -> String {
    format!(
        "ours\t{kind}\t{pid}\t{name}\t{user}\t{pid} ({name}) {state} 1 {pid} {pid} 0 -1 4194560 28446 88218 3 22 3 13 41 44 20 0 24 0 {ticks} 8797671325696 33535\n"
    )
}

/// The processes.
fn processes(machine: &Machine) -> String {
    let mut text = String::new();
    if let Some(orphan) = machine.orphan() {
        text.push_str(&process("transfer", (orphan.pid, "rsync", "mysql"), 'S', orphan.ticks));
    }
    let Some(server) = &machine.server else { return text };
    let mut line = |kind: &str, pid: u64, name: &str, state: char| {
        text.push_str(&process(kind, (pid, name, "mysql"), state, server.ticks));
    };
    if server.phase == Phase::Recovering {
        line("wsrep-recover", server.pid + 1, "mariadbd", 'S');
    } else {
        line("server", server.pid, "mariadbd", if server.stopped { 'T' } else { 'S' });
    }
    // The joiner's daemon forks for what it takes (tests/fixtures/sim/stop-in-sst/mid-g1.txt, mid-g3.txt).
    let rsyncs: &[u64] = match server {
        _ if server.takes_all && server.phase == Phase::Joining => &[71, 73, 74],
        _ if server.gives_all.is_some() => &[71],
        _ => &[],
    };
    if !rsyncs.is_empty() {
        line("transfer", server.pid + 60, "wsrep_sst_rsync", 'S');
    }
    for after in rsyncs {
        line("transfer", server.pid + after, "rsync", 'S');
    }
    text
}

fn processes_beside(machine: &Machine) -> String {
    let main = machine.unit.main_pid;
    match (machine.role, &machine.server) {
        (Role::Arbitrator, Some(server)) => {
            process("server", (server.pid, "garbd", "nobody"), 'S', server.ticks)
        }
        // The master, and the worker that serves.
        (Role::Proxy, _) if main != 0 => {
            let line = |pid, user| process("server", (pid, "haproxy", user), 'S', 1_000_000);
            line(main, "root") + &line(main + 2, "haproxy")
        }
        _ => String::new(),
    }
}

/// `systemctl show` of Debian's garb.service or haproxy.service.
fn unit_beside(machine: &Machine) -> String {
    let unit = &machine.unit;
    let moment = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| at.strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string())
    };
    let (restart, timeout, path) = match machine.role {
        Role::Arbitrator => ("no", "2min", "/usr/bin/garb-systemd"),
        _ => ("always", "1min 30s", "/usr/sbin/haproxy"),
    };
    let id = machine.unit_name();
    format!(
        "Restart={restart}\nRestartUSec=100ms\nTimeoutStartUSec={timeout}\nSendSIGKILL=yes\nMainPID={}\nResult={}\nNRestarts=0\n\
         ExecMainStartTimestamp={}\nExecMainExitTimestamp={}\nExecMainPID={}\nExecMainCode={}\nExecMainStatus={}\n\
         ExecStart={{ path={path} ; argv[]={path} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}\n\
         Environment=\nId={id}\nLoadState=loaded\nActiveState={}\nSubState={}\nFragmentPath=/lib/systemd/system/{id}\nDropInPaths=\nUnitFileState=enabled",
        unit.main_pid,
        unit.result,
        moment(unit.started),
        moment(unit.exited),
        unit.exec_pid,
        unit.end.0,
        unit.end.1,
        unit.active,
        unit.sub
    )
}

/// Whether it waits for what comes incrementally: a full transfer is rsync's (tests/fixtures/sim/stop-in-sst/mid-g3.txt), and
/// who has no donor does not wait yet (tests/fixtures/sim/fault-orphan-transfer/started-g3.txt).
fn takes_some(machine: &Machine) -> bool {
    let waits = |server: &Server| !server.takes_all && server.donor.is_some();
    machine.is(&Phase::Joining) && machine.server.as_ref().is_some_and(waits)
}

/// The listening sockets, as /proc/net/tcp has them.
fn listen(machine: &Machine, takes_all: bool, checked: bool) -> String {
    sockets(&[
        (machine.listens(), "11D7"),
        (machine.serves(), "0CEA"),
        (takes_some(machine), "11D8"),
        (takes_all || machine.orphan().is_some(), "115C"),
        (checked, "23F0"),
        (true, "0016"),
    ])
}

fn sockets(ports: &[(bool, &str)]) -> String {
    let lines: Vec<String> = ports
        .iter()
        .filter(|(open, _)| *open)
        .enumerate()
        .map(|(number, (_, port))| {
            format!("   {number}: 00000000:{port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000   100        0 28944{number} 1\n")
        })
        .collect();
    lines.concat()
}

/// grastate.dat and gvwstate.dat, and what else the data directory says of itself.
fn state_files(machine: &Machine, frame: &mut Frame) {
    let owner = if machine.dir.wrong_owner { "root:root 600" } else { USUAL };
    frame.file("grastate", machine.dir.grastate.as_ref(), owner);
    frame.file("gvwstate", machine.dir.gvwstate.as_ref(), USUAL);
    let schema = machine.dir.schema || machine.dir.half_filled;
    frame.say("system-schema", if schema { "yes" } else { "no" });
    let markers = machine.transfer_files().iter().map(|name| format!("{name}\n"));
    frame.say("markers", &markers.collect::<String>());
    if machine.dir.files {
        frame.say("engine-stamp", &machine.stamp());
    } else {
        frame.with("engine-stamp", "missing", "");
    }
}

/// The preamble of galera.cache: its bounds stand there where the server closed it (tests/fixtures/sim/stopped-g2.txt,
/// killed-g2.txt).
fn gcache(machine: &Machine, frame: &mut Frame) {
    if !machine.dir.files {
        frame.with("gcache-head", "missing", "");
        frame.with("gcache-sizes", "missing", "");
        return;
    }
    let engine = &machine.dir.engine;
    // A process ended by a signal closes nothing, and nobody does where the power is gone.
    let bounds = if machine.dir.cache_closed {
        format!(
            "seqno_min: {}\nseqno_max: {}\noffset: 1664\nsynced: 1",
            machine.dir.cached_from, engine.seqno
        )
    } else {
        "synced: 0".to_owned()
    };
    frame.say("gcache-head", &format!("Version: 2\nGID: {}\n{bounds}", engine.uuid));
    frame.say("gcache-sizes", "33555736");
}

/// Who listens, as `ss -ltnpH` has it.
fn owners(machine: &Machine, takes_all: bool) -> String {
    let mut text = machine.orphan().map_or_else(String::new, |orphan| owner(4444, "rsync", orphan.pid));
    let Some(server) = &machine.server else { return text };
    for (open, port) in [(machine.listens(), 4567), (machine.serves(), 3306), (takes_some(machine), 4568)] {
        if open {
            text.push_str(&owner(port, "mariadbd", server.pid));
        }
    }
    if takes_all {
        text.push_str(&owner(4444, "rsync", server.pid + 71));
    }
    text
}

fn owner(port: u16, name: &str, pid: u64) -> String {
    format!("LISTEN 0      80     0.0.0.0:{port} 0.0.0.0:* users:((\"{name}\",pid={pid},fd=8))\n")
}

fn journal(machine: &Machine, frame: &mut Frame) {
    let lines = &machine.journal;
    let tail: Vec<&str> = lines.last(TAIL).map(Line::short).collect();
    frame.end_of("journal-tail", 49_152, &tail.join("\n"));
    // As the probe: the last 3000 lines, and further back only where no start is seen in them.
    let recent = lines.len().saturating_sub(3000);
    let from = if lines.from(recent).any(|line| line.starts) { recent } else { 0 };
    let first: Vec<&str> = lines.from(from).take(FIRST).map(|line| cut(line, 80)).collect();
    frame.say("log-reach", &first.join("\n"));
    let marks = lines.from(from).rev().filter(|line| line.marked).take(MARKED);
    let mut marks: Vec<&str> = marks.map(|line| cut(line, 400)).collect();
    marks.reverse();
    frame.end_of("journal-marks", 32_768, &format!("{}\n%code 0", marks.join("\n")));
}

/// The first characters of a line.
fn cut(line: &Line, most: usize) -> &str {
    let line = line.short();
    // Nearly all are ASCII, of which a character is a byte.
    if line.len() <= most {
        return line;
    }
    let ascii = line.get(..most).filter(|start| start.is_ascii());
    ascii.or_else(|| line.char_indices().nth(most).and_then(|(at, _)| line.get(..at))).unwrap_or(line)
}
