//! What the probe prints on a simulated machine: the same sections in the same frame (src/ask/probe.sh,
//! tests/fixtures/sim/*.txt).

use std::fmt::Write as _;

use jiff::Timestamp;

use super::machine::{DATADIR, Line, Machine, Phase, UNIT};
use super::sql;
use super::world::{SECOND, World};

/// What of the journal the probe keeps as marks; the texts are the probe's own.
const MARKS: &[&str] = &[
    "Recovered position",
    "initial position: ",
    "Starting MariaDB",
    "Starting mariadb",
    "hutdown complete",
    "Normal shutdown",
    "ain process exited",
    "Failed with result",
    "start operation timed out",
    "New COMPONENT: primary",
    "No nodes coming from prim",
    "Synchronized with group",
    "synced with group",
    "ready for connections",
    "bootstrapping new group",
    "Reversing history",
    "Aborting",
    "failed to reach primary view",
    "not be safe to bootstrap",
    "Shifting ",
    "IST uuid:",
    "SST received",
    "SST started on joiner",
    "SST completed on joiner",
    "IST completed on joiner",
    "no longer in the group",
    "GCache history reset",
];

/// Where the stock unit's processes are, on a machine of today.
const CGROUP: &str = "0::/system.slice/mariadb.service";

/// Lines of the journal's end, of its beginning, and marks that are shown.
const TAIL: usize = 200;
const FIRST: usize = 20;
const MARKED: usize = 300;

struct Frame(String);

impl Frame {
    fn say(&mut self, name: &str, body: &str) {
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
    fn file(&mut self, name: &str, file: Option<&(String, Timestamp)>) {
        let Some((text, at)) = file else {
            self.with(name, "missing", "");
            self.with(&format!("{name}-stat"), "missing", "");
            return;
        };
        let rows = text.as_bytes().chunks(16).map(|row| {
            let words: Vec<String> = row.iter().map(|byte| format!(" {byte:02x}")).collect();
            words.concat()
        });
        let rows: Vec<String> = rows.collect();
        self.say(name, &rows.join("\n"));
        self.say(&format!("{name}-stat"), &format!("{} mysql:mysql 660 {}", text.len(), at.as_second()));
    }
}

impl World {
    /// The probe's whole answer.
    pub(super) fn probe(&self, index: usize) -> Option<String> {
        let machine = self.machines.get(index)?;
        let mut frame = Frame("%breakglass-probe 1\n".to_owned());
        frame.say("hostname", machine.name.as_str());
        frame.say("machine-id", &machine.id);
        frame.say("boot-id", &machine.boot_id);
        frame.say("user", "root");
        // No lab's machine: a drill says of itself what it is past the probe.
        frame.with("lab", "missing", "");
        frame.say("manager", "systemd");
        frame.say("unit", &unit(machine));
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
        frame.say("transfer-roles", if takes_all { "joiner\njoiner\n" } else { "" });
        frame.say("server-cgroup", if server.is_some() { CGROUP } else { "" });
        frame.file("grastate", machine.dir.grastate.as_ref());
        frame.file("gvwstate", machine.dir.gvwstate.as_ref());
        frame.say("system-schema", "yes");
        // What a full transfer leaves there while it runs (tests/fixtures/galera/08-sst-fail/rsync-mid/g2-ls.txt).
        frame.say(
            "markers",
            if takes_all { "sst_in_progress\nrsync_sst.conf\nrsync_sst.pid\nwsrep_sst.pid\n" } else { "" },
        );
        frame.say("engine-stamp", &machine.stamp());
        self.room(&mut frame);
        frame.say("listen", &listen(machine, takes_all));
        frame.say("peers", &self.peers(index));
        frame.say("listen-owners", &owners(machine, takes_all));
        let address = self.cluster_address();
        frame.say(
            "leftovers",
            &format!("/etc/mysql/mariadb.conf.d/60-galera.cnf:12:wsrep_cluster_address = {address}"),
        );
        frame.say("environment", "");
        frame.say("log-file", "");
        journal(machine, &mut frame);
        frame.say("binary", "/usr/sbin/mariadbd");
        frame.say("server-user", "mysql");
        frame.say("socket", "/run/mysqld/mysqld.sock");
        frame.say("sql", &sql::client(self, index));
        frame.say("gcache-head", &gcache(machine));
        frame.say("gcache-sizes", "33555736");
        for nothing in ["encryption", "key-file", "cert-file", "arbitrator", "proxy", "container"] {
            frame.say(nothing, "");
        }
        for nobody in ["watchers", "monit", "cron", "timers"] {
            frame.say(nobody, "");
        }
        frame.say("kernel", "journal\n");
        let up = 500_000 + self.now / SECOND;
        frame.say("uptime", &format!("{up}.25 {}.50", up * 2));
        let now = self.time();
        frame.say("clock", &now.strftime("%s.%9f +0000").to_string());
        frame.0.push_str("%end\n");
        Some(frame.0)
    }

    pub(super) fn cluster_address(&self) -> String {
        let all: Vec<&str> = self.machines.iter().map(|machine| machine.address.as_str()).collect();
        format!("gcomm://{}", all.join(","))
    }

    fn options(&self, machine: &Machine) -> String {
        format!(
            "--socket=/run/mysqld/mysqld.sock\n--pid-file=/run/mysqld/mysqld.pid\n--innodb_flush_log_at_trx_commit=1\n--sync_binlog=1\n--wsrep_on=ON\n--wsrep_cluster_name={}\n\
             --wsrep_cluster_address={}\n--wsrep_node_name={}\n--wsrep_node_address={}\n--wsrep_sst_method=rsync",
            self.topology.cluster,
            self.cluster_address(),
            machine.name,
            machine.address
        )
    }

    fn room(&self, frame: &mut Frame) {
        let used = self.topology.data.saturating_mul(1024);
        let size = used.saturating_mul(4).max(4 << 20);
        frame.say("used", &format!("{used}\t{DATADIR}/."));
        let head = "Filesystem     1024-blocks  Used Available Capacity Mounted on";
        let (free, share) = (size - used, used * 100 / size);
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

    /// Established connections of the group's port: to the members of one's view that are there.
    fn peers(&self, index: usize) -> String {
        let Some(me) = self.machines.get(index).filter(|machine| machine.listens()) else {
            return String::new();
        };
        let mine = self.is_member(index);
        let others = self.machines.iter().enumerate().filter(|(other, machine)| {
            *other != index
                && machine.listens()
                && !machine.is(&Phase::Connecting)
                && self.is_member(*other) == mine
        });
        let lines: Vec<String> = others
            .map(|(other, machine)| {
                format!(
                    "0      0      {}:4567 {}:{}\n\t cubic wscale:7,7 rto:204 lastsnd:300 lastrcv:{} lastack:44",
                    me.address,
                    machine.address,
                    40_000 + other * 100,
                    self.now / 1_000_000 % 1000
                )
            })
            .collect();
        lines.join("\n")
    }

    pub(super) fn is_member(&self, index: usize) -> bool {
        self.group.as_ref().is_some_and(|group| group.members.contains(&index))
    }
}

/// `systemctl show`, with its properties in systemd's own order.
fn unit(machine: &Machine) -> String {
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
    format!(
        "Restart={restart}\nRestartUSec=5s\nTimeoutStartUSec={timeout}\nSendSIGKILL=no\nMainPID={}\nResult={}\nNRestarts={}\n\
         ExecMainStartTimestamp={}\nExecMainExitTimestamp={}\nExecMainPID={}\nExecMainCode={}\nExecMainStatus={}\n\
         ExecStart={{ path=/bin/sh ; argv[]=/bin/sh -c set -f; [ ! -e /usr/bin/galera_recovery ] && VAR= ||   VAR=`/usr/bin/galera_recovery`; [ $? -eq 0 ] || exit 1;   exec /usr/sbin/mariadbd $MYSQLD_OPTS $_WSREP_NEW_CLUSTER $VAR ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}\n\
         Environment=\nId={UNIT}\nLoadState=loaded\nActiveState={}\nSubState={}\n\
         FragmentPath=/lib/systemd/system/{UNIT}\nDropInPaths={}\nUnitFileState=enabled",
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

/// The processes, each with its line of /proc/PID/stat.
fn processes(machine: &Machine) -> String {
    let Some(server) = &machine.server else { return String::new() };
    let line = |kind: &str, pid: u64, name: &str| {
        format!(
            "ours\t{kind}\t{pid}\t{name}\tmysql\t{pid} ({name}) S 1 {pid} {pid} 0 -1 4194560 28446 88218 3 22 3 13 41 44 20 0 24 0 {} 8797671325696 33535\n",
            server.ticks
        )
    };
    let mut text = if server.phase == Phase::Recovering {
        line("wsrep-recover", server.pid + 1, "mariadbd")
    } else {
        line("server", server.pid, "mariadbd")
    };
    if server.takes_all && server.phase == Phase::Joining {
        text.push_str(&line("transfer", server.pid + 60, "wsrep_sst_rsync"));
        text.push_str(&line("transfer", server.pid + 71, "rsync"));
    }
    text
}

/// The listening sockets, as /proc/net/tcp has them.
fn listen(machine: &Machine, takes_all: bool) -> String {
    let joins = machine.is(&Phase::Joining);
    let ports = [
        (machine.listens(), "11D7"),
        (machine.serves(), "0CEA"),
        (joins, "11D8"),
        (joins && takes_all, "115C"),
        (true, "0016"),
    ];
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

/// The preamble of galera.cache: its bounds stand there where the server closed it (tests/fixtures/sim/stopped-g2.txt,
/// killed-g2.txt).
fn gcache(machine: &Machine) -> String {
    let engine = &machine.dir.engine;
    // A process ended by a signal closes nothing.
    let bounds = if machine.server.is_none() && machine.unit.end.0 < 2 {
        format!(
            "seqno_min: {}\nseqno_max: {}\noffset: 1664\nsynced: 1",
            machine.dir.cached_from, engine.seqno
        )
    } else {
        "synced: 0".to_owned()
    };
    format!("Version: 2\nGID: {}\n{bounds}", engine.uuid)
}

/// Who listens, as `ss -ltnpH` has it.
fn owners(machine: &Machine, takes_all: bool) -> String {
    let Some(server) = &machine.server else { return String::new() };
    let line = |port: u16, name: &str, pid: u64| {
        format!("LISTEN 0      80     0.0.0.0:{port} 0.0.0.0:* users:((\"{name}\",pid={pid},fd=8))\n")
    };
    let joins = machine.is(&Phase::Joining);
    let mut text = String::new();
    for (open, port) in [(machine.listens(), 4567), (machine.serves(), 3306), (joins, 4568)] {
        if open {
            text.push_str(&line(port, "mariadbd", server.pid));
        }
    }
    if joins && takes_all {
        text.push_str(&line(4444, "rsync", server.pid + 71));
    }
    text
}

fn journal(machine: &Machine, frame: &mut Frame) {
    let short = |line: &Line| {
        let at = line.at;
        format!(
            "{}.{:06} {} {}: {}",
            at.as_second(),
            at.subsec_microsecond(),
            machine.name,
            line.who,
            line.text
        )
    };
    let lines = &machine.journal;
    let tail: Vec<String> = lines.iter().skip(lines.len().saturating_sub(TAIL)).map(short).collect();
    frame.end_of("journal-tail", 49_152, &tail.join("\n"));
    // As the probe: the last 3000 lines, and further back only where no start is seen in them.
    let recent = lines.len().saturating_sub(3000);
    let seen = lines.iter().skip(recent).any(|line| line.text.contains("ecovered position"));
    let from = if seen { recent } else { 0 };
    let cut = |line: &Line, most: usize| short(line).chars().take(most).collect::<String>();
    let first: Vec<String> = lines.iter().skip(from).take(FIRST).map(|line| cut(line, 80)).collect();
    frame.say("log-reach", &first.join("\n"));
    let marks = lines.iter().skip(from).filter(|line| MARKS.iter().any(|mark| line.text.contains(mark)));
    let marks: Vec<String> = marks.map(|line| cut(line, 400)).collect();
    let marks = marks.get(marks.len().saturating_sub(MARKED)..).unwrap_or_default().join("\n");
    frame.end_of("journal-marks", 32_768, &format!("{marks}\n%code 0"));
}
