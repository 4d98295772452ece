//! The machine: who it is, whose clock it has, what runs on it and what could start there.

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::frame::{Frame, Status};
use super::process::{self, Kind, Process};
use super::unit::{Setter, Unit, of_cgroup};
use super::{leftovers, listen, state};
use crate::facts::{Facts, Key, Known, Plain, Role, SessionId, Why, WhyKind, keys};

/// The node's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    /// What it said.
    pub(super) now: Option<Timestamp>,
    /// The node's zone, in which a server writes its own log file.
    pub(super) offset: Option<Offset>,
}

impl Clock {
    /// Reads `SECONDS.NANOS ±HHMM`; a busybox without `%N` prints no digits there.
    pub(super) fn parse(text: &str) -> Self {
        let (moment, zone) = text.split_once(' ').unwrap_or((text, ""));
        let (seconds, nanos) = moment.split_once('.').unwrap_or((moment, ""));
        let nanos = nanos.parse().ok().filter(|_| nanos.len() == 9).unwrap_or_default();
        let digits = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit());
        let now = digits.then(|| seconds.parse().ok()).flatten().and_then(|s| Timestamp::new(s, nanos).ok());
        Self { now, offset: offset(zone) }
    }
}

/// Reads `+0130`.
fn offset(zone: &str) -> Option<Offset> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2).filter(|(_, minutes)| minutes.len() == 2)?;
    let number =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i32>().ok()).flatten();
    Offset::from_seconds(sign * (number(hours)? * 3600 + number(minutes)? * 60)).ok()
}

/// The machine's facts.
pub(super) fn facts(frame: &Frame<'_>, role: Role, clock: Clock, at: Timestamp, out: &mut Facts) {
    let source = Plain::from("the probe");
    let mut set = Setter { out, source: &source, at };
    set.set(keys::HOST_NAME, frame.word("hostname", "the host name"));
    set.set(keys::HOST_MACHINE_ID, frame.text("machine-id", "/etc/machine-id").and_then(machine_id));
    set.set(keys::HOST_USER, frame.word("user", "the user"));
    set.set(keys::HOST_MANAGER, frame.word("manager", "the service manager"));
    let lab = match frame.section("lab").map(|section| section.status) {
        // Only what the kernel says does not exist makes a machine that belongs to no lab.
        Some(Status::Missing) => Known::Known(Plain::default()),
        _ => frame.text("lab", "/etc/breakglass-lab").map(|text| Plain::new(text.trim())),
    };
    set.set(keys::HOST_LAB, lab);
    let now = match clock.now {
        Some(now) => Known::Known(now),
        None => Known::unknown(WhyKind::Malformed, "the clock could not be read"),
    };
    let skew = |now: Timestamp| {
        now.duration_since(at).round(jiff::Unit::Second).unwrap_or(SignedDuration::ZERO).as_secs()
    };
    set.set(keys::HOST_CLOCK, now.clone());
    set.set(keys::HOST_CLOCK_SKEW, now.map(skew));
    let boot = frame.text("boot-id", "/proc/sys/kernel/random/boot_id").map(|text| Plain::new(text.trim()));
    set.set(keys::HOST_BOOT_ID, boot);
    set.set(keys::UNIT_FROZEN, frame.text("freeze", "the freeze of the unit").and_then(freeze));
    set.set(keys::HOST_LEASE, frame.text("lease", "the node's lease").and_then(lease));
    set.set(keys::HOST_UPTIME, frame.text("uptime", "/proc/uptime").and_then(uptime));

    let listen = frame.text("listen", "/proc/net/tcp").and_then(|text| match listen::ports(text) {
        Some(ports) => Known::Known(ports),
        None => Known::unknown(WhyKind::Malformed, "/proc/net/tcp is not of the kernel's form"),
    });
    let source = Plain::from("/proc/net/tcp and tcp6");
    let mut set = Setter { out, source: &source, at };
    for (key, port) in [
        (keys::LISTEN_SQL, 3306),
        (keys::LISTEN_GROUP, 4567),
        (keys::LISTEN_IST, 4568),
        (keys::LISTEN_SST, 4444),
    ] {
        set.set(key, listen.as_ref().map(|ports| ports.contains(&port)));
    }
    let peers = frame.text("peers", "the group's connections (ss)");
    let source = Plain::from("ss -ltnp");
    let owners = frame.text("listen-owners", "who listens (ss)").and_then(listen::owners);
    out.set(keys::LISTEN_OWNERS, owners, &source, at);
    let source = Plain::from("ss -tin");
    let mut set = Setter { out, source: &source, at };
    set.set(keys::WSREP_PEERS, peers.as_ref().map(|text| listen::peers(text)));
    set.set(keys::WSREP_PEERS_SILENT, peers.map(listen::silent_peers));
    out.set(
        keys::LEFTOVERS,
        leftovers_of(frame, role),
        &Plain::from("option files, units, flag files, the manager's environment and gvwstate.dat"),
        at,
    );
}

/// systemd's 32 hexadecimal digits; `uninitialized` is what an image says before its first boot.
fn machine_id(text: &str) -> Known<Plain> {
    if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Known::Known(Plain::new(text));
    }
    Known::unknown(WhyKind::Malformed, format!("{text:?} is not a machine id"))
}

/// The session of the freeze that holds. A freeze that systemd has not read, or whose gate is open, holds nothing.
fn freeze(text: &str) -> Known<Plain> {
    let mut words = text.split_ascii_whitespace();
    let Some(session) = words.next() else { return Known::Known(Plain::default()) };
    match (SessionId::parse(session), words.next()) {
        (Some(session), None) => Known::Known(Plain::new(session.as_str())),
        (Some(_), Some("unread")) => {
            Known::unknown(WhyKind::Contradicted, "the freeze is written, and systemd has not read it")
        }
        (Some(session), Some(_)) => Known::unknown(
            WhyKind::Contradicted,
            format!("session {session} lets the unit start at this moment"),
        ),
        (None, _) => Known::unknown(WhyKind::Malformed, format!("{session:?} is no session")),
    }
}

/// `SESSION HOLDER SINCE`, from the lease's three lines.
fn lease(text: &str) -> Known<Plain> {
    if text.trim().is_empty() {
        return Known::Known(Plain::default());
    }
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    match (value("session").and_then(SessionId::parse), value("holder"), value("since")) {
        (Some(session), Some(holder), Some(since)) => {
            Known::Known(Plain::new(format!("{session} {holder} {since}")))
        }
        _ => Known::unknown(WhyKind::Malformed, "the lease is not of our form"),
    }
}

fn uptime(text: &str) -> Known<u64> {
    match text.split(['.', ' ']).next().map(str::parse) {
        Some(Ok(seconds)) => Known::Known(seconds),
        _ => Known::unknown(WhyKind::Malformed, format!("{text:?} is not an uptime")),
    }
}

/// Everything found in any place. That nothing was found is known only where every place was read.
fn leftovers_of(frame: &Frame<'_>, role: Role) -> Known<Vec<Plain>> {
    let unit = frame.text("unit", "the unit").map(Unit::parse);
    let systemd = frame.text("manager", "the manager").is(|manager| *manager == "systemd");
    let mut unread = None;
    let files =
        frame.section("leftovers").map(|section| String::from_utf8_lossy(section.body)).unwrap_or_default();
    let mut found = leftovers::in_files(&files);
    if let Known::Unknown(why) = frame.bytes("leftovers", "all option files and drop-ins") {
        unread = Some(why);
    }
    if let Known::Known(options) = frame.text("options", "the options") {
        found.extend(leftovers::in_options(options));
    }
    match frame.text("environment", "the manager's environment") {
        Known::Known(text) => found.extend(leftovers::in_environment("manager environment", text)),
        Known::Unknown(why) if systemd => unread = Some(why),
        Known::Unknown(_) => {}
    }
    for property in ["Environment", "ExecStart"] {
        if let Some(text) = unit.known().and_then(|unit| unit.get(property).known().copied()) {
            found.extend(leftovers::in_environment(&format!("unit {property}="), text));
        }
    }
    if role == Role::Data {
        match lone_view(frame) {
            Ok(view) => found.extend(view),
            Err(why) => unread = Some(why),
        }
    }
    match unread {
        Some(why) if found.is_empty() => Known::Unknown(why),
        _ => Known::Known(found),
    }
}

/// A saved view of the node alone, with which its next server is a Primary Component at once; the view of a server that
/// runs is its own, and current. An arbitrator's is not looked at: what it forms holds no data.
fn lone_view(frame: &Frame<'_>) -> Result<Option<Plain>, Why> {
    let Some(path) = state::lone_view(frame) else { return Ok(None) };
    match all_processes(frame) {
        Known::Known(all) if all.iter().any(|process| process.ours && process.kind == Kind::Server) => {
            Ok(None)
        }
        Known::Known(_) => Ok(Some(Plain::new(format!("{path}: a saved view of this node alone")))),
        Known::Unknown(why) => Err(why),
    }
}

/// Servers, recoveries and transfers on the machine.
fn all_processes(frame: &Frame<'_>) -> Known<Vec<Process>> {
    frame.text("processes", "the processes of others").and_then(|text| match process::parse(text) {
        Some(all) => Known::Known(all),
        None => Known::unknown(WhyKind::Malformed, "the list of processes is not of our form"),
    })
}

/// How the server would flush by its option files, where it could not be asked: it may be down, and what it lost when
/// it crashed depends on that. An option that stands nowhere stays Unknown: its default is the server's to say.
pub(super) fn flush_by_options(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let Known::Known(options) = frame.text("options", "the options") else { return };
    for (key, name) in
        [(keys::VAR_FLUSH, "innodb-flush-log-at-trx-commit"), (keys::VAR_SYNC_BINLOG, "sync-binlog")]
    {
        let value = option(options, name);
        if let (None, Some(value)) = (out.get(key).known(), value.and_then(|value| value.parse().ok())) {
            out.set(key, Known::Known(value), &Plain::from("the option files"), at);
        }
    }
}

/// What the server would be told by its option files, where it could not be asked: a node that is down has peers too.
pub(super) fn group_by_options(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let Known::Known(options) = frame.text("options", "the options") else { return };
    let named: [(Key<Plain>, &str); 5] = [
        (keys::VAR_CLUSTER_ADDRESS, "wsrep-cluster-address"),
        (keys::VAR_CLUSTER_NAME, "wsrep-cluster-name"),
        (keys::VAR_NODE_NAME, "wsrep-node-name"),
        (keys::VAR_NODE_ADDRESS, "wsrep-node-address"),
        (keys::VAR_SST_METHOD, "wsrep-sst-method"),
    ];
    for (key, name) in named {
        if let (None, Some(value)) = (out.get(key).known(), option(options, name)) {
            out.set(key, Known::Known(Plain::new(value)), &Plain::from("the option files"), at);
        }
    }
}

/// The value of the option `name`; the last of several wins, and `-` and `_` are one.
fn option<'a>(options: &'a str, name: &str) -> Option<&'a str> {
    options.lines().rev().find_map(|line| {
        let (option, value) = line.strip_prefix("--")?.split_once('=')?;
        (option.replace('_', "-") == name).then_some(value)
    })
}

/// What a node is in the transfer that runs, by what its processes were told.
fn transfer_role(runs: bool, roles: &str) -> Known<Plain> {
    let mut words = roles.lines().filter(|line| !line.is_empty());
    match (runs, words.next()) {
        (false, _) => Known::Known(Plain::default()),
        (true, Some(first @ ("joiner" | "donor"))) if words.all(|word| word == first) => {
            Known::Known(Plain::from(first))
        }
        (true, None) => {
            Known::unknown(WhyKind::Undefined, "a transfer's process runs, and its words tell no role")
        }
        (true, Some(_)) => Known::unknown(WhyKind::Contradicted, "processes of two transfers run here"),
    }
}

/// The facts of the processes, and the server process that is stopped by a signal, where one is.
pub(super) fn processes(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) -> Option<u64> {
    let all = all_processes(frame);
    let main = out.get(keys::UNIT_MAIN_PID).known().copied();
    let source = Plain::from("/proc");
    let mut set = Setter { out, source: &source, at };
    let servers = all.as_ref().map(|all| {
        let mut ours: Vec<&Process> = all.iter().filter(|p| p.ours && p.kind == Kind::Server).collect();
        // The unit's own first, should there be several.
        ours.sort_by_key(|process| Some(process.pid) != main);
        ours
    });
    set.set(
        keys::SERVER_PIDS,
        servers.as_ref().map(|all| all.iter().map(|process| process.describe()).collect()),
    );
    let state =
        |all: &Vec<&Process>| all.first().map_or_else(Plain::default, |p| Plain::new(p.state.to_string()));
    set.set(keys::SERVER_STATE, servers.as_ref().map(state));
    let transfers = all.as_ref().map(|all| {
        let others = all.iter().filter(|process| process.kind != Kind::Server);
        others
            .map(|process| match process.kind {
                Kind::Recover => Plain::new(format!("{} {} wsrep-recover", process.pid, process.name)),
                _ => Plain::new(format!("{} {}", process.pid, process.name)),
            })
            .collect()
    });
    set.set(keys::TRANSFER_PROCESSES, transfers);
    let runs = all.as_ref().map(|all| all.iter().any(|process| process.kind == Kind::Transfer));
    let roles = frame.text("transfer-roles", "the processes of others");
    set.set(keys::TRANSFER_ROLE, runs.and_then(|runs| roles.and_then(|roles| transfer_role(runs, roles))));
    let unit = servers.as_ref().and_then(|servers| {
        if servers.is_empty() {
            return Known::Known(Plain::default());
        }
        frame.text("server-cgroup", "the server's cgroup").and_then(of_cgroup)
    });
    set.set(keys::SERVER_UNIT, unit);
    set.set(keys::SERVER_BINARY, frame.word("binary", "the server's binary"));
    set.set(keys::SERVER_USER, frame.word("server-user", "the server's user"));
    servers.known()?.first().filter(|process| process.frozen()).map(|process| process.pid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clocks() {
        let clock = Clock::parse("1795253918.073310750 +0130");
        assert_eq!(clock.now.unwrap().as_nanosecond(), 1_795_253_918_073_310_750);
        assert_eq!(clock.offset.unwrap().seconds(), 5400);
        assert_eq!(Clock::parse("1795253918.%N -0200").now.unwrap().as_second(), 1_795_253_918);
        assert_eq!(Clock::parse("1795253918.%N -0200").offset.unwrap().seconds(), -7200);
        assert_eq!(Clock::parse("date: invalid"), Clock::default());
        assert_eq!(Clock::parse(""), Clock::default());
    }

    #[test]
    fn ids() {
        assert!(machine_id("uninitialized").why().is_some());
        assert!(machine_id("3d1219c7c4c5404aaa1f6d2a48adfda4").known().is_some());
        assert_eq!(uptime("2293.72 3401.74"), Known::Known(2293));
        assert!(uptime("").why().is_some());
    }

    #[test]
    fn a_freeze_and_a_lease() {
        let session = "01ARZ3NDEKTSV4RRFFQ69G5FA1";
        assert_eq!(freeze(""), Known::Known(Plain::default()));
        assert_eq!(freeze(session), Known::Known(Plain::from(session)));
        let kind = |text: String| freeze(&text).why().unwrap().kind;
        assert_eq!(kind(format!("{session} unread")), WhyKind::Contradicted);
        assert_eq!(kind(format!("{session} open")), WhyKind::Contradicted);
        assert_eq!(kind("somebody".to_owned()), WhyKind::Malformed);
        assert_eq!(lease(""), Known::Known(Plain::default()));
        let text = format!("session={session}\nholder=ann on ws\nsince=2026-11-21T14:35:34Z\n");
        assert!(
            lease(&text)
                .is(|lease| lease.as_str().starts_with(session) && lease.as_str().contains("ann on ws"))
        );
        assert_eq!(lease("session=x\n").why().unwrap().kind, WhyKind::Malformed, "it is somebody's");
    }

    #[test]
    fn a_transfer_has_one_role() {
        assert_eq!(transfer_role(false, ""), Known::Known(Plain::default()));
        assert_eq!(transfer_role(true, "joiner\njoiner\n"), Known::Known(Plain::from("joiner")));
        assert_eq!(transfer_role(true, "donor"), Known::Known(Plain::from("donor")));
        assert_eq!(transfer_role(true, "").why().unwrap().kind, WhyKind::Undefined);
        for two in ["donor\njoiner", "x"] {
            assert_eq!(transfer_role(true, two).why().unwrap().kind, WhyKind::Contradicted);
        }
    }

    #[test]
    fn a_server_that_is_down_has_its_peers_by_its_option_files() {
        let options = "--wsrep_cluster_address=gcomm://a\n--wsrep-cluster-address=gcomm://a,b\n--wsrep_on=ON";
        let answer = format!("%breakglass-probe 1\n%section options ok {}\n{options}\n%end\n", options.len());
        let mut facts = Facts::new();
        group_by_options(&Frame::parse(answer.as_bytes()).unwrap(), Timestamp::UNIX_EPOCH, &mut facts);
        assert!(facts.get(keys::VAR_CLUSTER_ADDRESS).is(|address| address.as_str() == "gcomm://a,b"));
        assert!(facts.get(keys::VAR_NODE_NAME).why().is_some());
    }

    #[test]
    fn a_server_that_is_down_flushes_by_its_option_files() {
        let options =
            "--sync_binlog=1\n--innodb-flush-log-at-trx-commit=2\n--innodb_flush_log_at_trx_commit=0";
        let answer = format!("%breakglass-probe 1\n%section options ok {}\n{options}\n%end\n", options.len());
        let frame = Frame::parse(answer.as_bytes()).unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let mut facts = Facts::new();
        flush_by_options(&frame, at, &mut facts);
        assert_eq!(facts.get(keys::VAR_FLUSH), Known::Known(0), "the last one counts");
        assert_eq!(facts.get(keys::VAR_SYNC_BINLOG), Known::Known(1));
        facts.set(keys::VAR_FLUSH, Known::Known(1), &Plain::from("SQL"), at);
        flush_by_options(&frame, at, &mut facts);
        assert_eq!(facts.get(keys::VAR_FLUSH), Known::Known(1), "the running server's word comes first");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[0-9]{0,22}\\.?[0-9%N]{0,10} ?[+-]?[0-9]{0,6}\\PC{0,4}") {
            let _ = (Clock::parse(&text), machine_id(&text), uptime(&text));
        }
    }
}
