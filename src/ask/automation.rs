//! Who else could start or stop the server (S21, case 9): monit, Pacemaker, cron, timers, a container's runtime.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::frame::{Frame, Status};
use super::unit::Setter;
use crate::facts::{Facts, Known, Plain, Why, keys};

/// What is part of the name of a service about a database server.
const OURS: &[&str] = &["maria", "mysql", "galera", "percona", "pxc", "wsrep", "garb"];

/// The fact. That there is nobody is known only where every place was read.
pub(super) fn facts(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let mut found = Vec::new();
    let mut unread = Vec::new();
    for (section, what) in [
        ("watchers", "the processes of others"),
        ("cron", "the entries of cron"),
        ("cron-unread", ""),
        ("container", "the kind of machine"),
    ] {
        match (frame.section(section), frame.text(section, what)) {
            // It stands there only where something is wrong.
            (None, _) if section == "cron-unread" => {}
            (Some(_), Known::Unknown(why)) if section == "cron-unread" => {
                unread.push(Why { text: Plain::new(format!("{} (cron)", why.text)), ..why });
            }
            (_, Known::Unknown(why)) => unread.push(why),
            (_, Known::Known(text)) => found.extend(text.lines().filter_map(|line| entry(section, line))),
        }
    }
    let servers = out.get(keys::SERVER_PIDS).known().map(|pids| super::processes(pids)).unwrap_or_default();
    let pids: Vec<u64> = servers.iter().map(|(pid, _)| *pid).collect();
    match frame.text("monit", "what monit watches") {
        Known::Known("") => {}
        Known::Known(text) => {
            let files = frame.section("monit-unread").is_none();
            let files = files.then(|| frame.text("monit-files", "monit's files").known().copied()).flatten();
            found.extend(monit(text, files, &pids));
        }
        Known::Unknown(why) if frame.section("monit").is_some() => {
            found.push(Plain::new(format!("monit: runs, and what it watches is not known: {}", why.text)));
        }
        Known::Unknown(why) => unread.push(why),
    }
    match frame.text("timers", "the timers") {
        Known::Known(text) => found.extend(timers(text)),
        // No systemd, no timers.
        Known::Unknown(_) if frame.section("timers").is_some_and(|s| s.status == Status::Missing) => {}
        Known::Unknown(why) => unread.push(why),
    }
    let value = match unread.into_iter().next() {
        Some(why) if found.is_empty() => Known::Unknown(why),
        _ => Known::Known(found),
    };
    let source = Plain::from("processes, monit, cron, timers and the kind of machine");
    Setter { out, source: &source, at }.set(keys::AUTOMATION, value);
}

/// One line of a section as an entry; a machine that is only virtual restarts nothing.
fn entry(section: &str, line: &str) -> Option<Plain> {
    match (section, line) {
        (_, "") => None,
        ("watchers", line) => Some(Plain::new(line)),
        ("cron", line) => {
            // PLACE:LINE:WHAT; the place is a path.
            let (place, what) = line.split_once(':')?;
            let (number, what) = what.split_once(':')?;
            let good =
                place.starts_with('/') && !what.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            good.then(|| Plain::new(format!("cron: {place}:{number} {what}")))
        }
        ("container", "kubernetes") => Some(Plain::from("kubernetes: the container belongs to a pod")),
        ("container", runtime @ ("docker" | "podman")) => {
            Some(Plain::new(format!("container: {runtime} runs this machine")))
        }
        _ => None,
    }
}

/// The services of `monit status` about the server, with their state. Which those are say their names, the process they
/// watch, and monit's own files; where these could not be read, every process it watches may be one.
fn monit(text: &str, files: Option<&str>, pids: &[u64]) -> Vec<Plain> {
    let named = files.map(about_servers);
    let mut found = Vec::new();
    let mut service: Option<(&str, &str)> = None;
    let mut state = None;
    let mut watched = None;
    for line in text.lines().chain(["End ''"]) {
        if line.starts_with(' ') {
            let line = line.trim();
            if let Some(word) = line.strip_prefix("monitoring status") {
                state = Some(word.trim());
            } else if let Some(pid) = line.strip_prefix("pid ") {
                watched = pid.trim().parse::<u64>().ok();
            }
            continue;
        }
        if let (Some((kind, name)), Some(state)) = (service.take(), state.take()) {
            let by_name = OURS.iter().any(|part| name.to_ascii_lowercase().contains(part));
            let by_pid = watched.is_some_and(|pid| pids.contains(&pid));
            let by_file = named.as_ref().map_or(kind == "Process", |named| named.contains(name));
            if by_name || by_pid || by_file {
                found.push(Plain::new(format!("monit: {name} {state}")));
            }
        }
        watched = None;
        service = line.split_once(" '").and_then(|(kind, rest)| Some((kind, rest.strip_suffix('\'')?)));
    }
    found
}

/// The services that monit's files say something of a server about: `check KIND NAME` lines, each followed by the words
/// of ours that stand below it.
fn about_servers(files: &str) -> BTreeSet<&str> {
    let mut named = BTreeSet::new();
    let mut service = None;
    for line in files.lines() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("check"), Some(_), Some(name)) => service = Some(name.trim_matches('"')),
            (Some(_), None, _) => named.extend(service),
            _ => service = None,
        }
    }
    named
}

/// Timers about a server, and watchdogs of it that run, from `systemctl show`: of a timer `Id`, `Unit`, `ActiveState`, of a
/// service `Id`, `ActiveState` and, where it starts or stops a server, how.
fn timers(text: &str) -> Vec<Plain> {
    let blocks: Vec<Vec<(&str, &str)>> = text
        .split("\n\n")
        .map(|block| block.lines().filter_map(|line| line.split_once('=')).collect())
        .collect();
    let get = |block: &[(&str, &str)], name: &str| {
        block.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    };
    let acts = |service: &str| {
        let of = |block: &&Vec<(&str, &str)>| get(block, "Id").is_some_and(|id| id == service);
        blocks.iter().filter(of).find_map(|block| get(block, "ExecStart"))
    };
    let mut found = Vec::new();
    for block in &blocks {
        let Some(id) = get(block, "Id") else { continue };
        let active = get(block, "ActiveState").is_some_and(|state| state == "active");
        if let Some(service) = get(block, "Unit").filter(|_| active) {
            match acts(&service) {
                Some(how) => found.push(Plain::new(format!("timer: {id} {how}"))),
                None if about_a_server(&id) => found.push(Plain::new(format!("timer: {id} runs {service}"))),
                None => {}
            }
        } else if active && id.ends_with(".service") && (id.contains("autofix") || id.contains("galera")) {
            found.push(Plain::new(format!("service: {id} active")));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Whether a timer's name says that it looks after a server; a backup leaves it alone.
fn about_a_server(name: &str) -> bool {
    let harmless = ["backup", "dump", "snapshot", "purge", "rotate", "clean", "report"];
    OURS.iter().any(|part| name.contains(part)) && !harmless.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::answer;
    use super::*;
    use crate::facts::WhyKind;

    /// `monit -B status` and its files, as the probe cut them on a real machine (monit 5.33.0).
    const STATUS: &str = "Process 'db_ctrl'\n  monitoring status            Monitored\n  pid                          -\n\
        Process 'sshd'\n  monitoring status            Monitored\n  pid                          36\n\
        System 'g1'\n  monitoring status            Monitored";
    const FILES: &str =
        "check process db_ctrl\nmariadb\nmysql\ncheck process sshd\n check process mysqld\nmysql";

    fn told(sections: &[(&str, &str, &str)]) -> Known<Vec<Plain>> {
        let answer = answer(sections);
        let mut out = Facts::new();
        facts(&Frame::parse(answer.as_bytes()).unwrap(), Timestamp::UNIX_EPOCH, &mut out);
        out.get(keys::AUTOMATION)
    }

    fn texts(found: &[Plain]) -> Vec<&str> {
        found.iter().map(Plain::as_str).collect()
    }

    #[test]
    fn nobody_is_known_only_where_all_was_read() {
        let all: [(&str, &str, &str); 5] = [
            ("watchers", "ok", ""),
            ("cron", "ok", ""),
            ("container", "ok", "systemd-nspawn"),
            ("monit", "ok", ""),
            ("timers", "ok", ""),
        ];
        assert_eq!(told(&all), Known::Known(Vec::new()));
        for missing in 0..all.len() {
            let mut some = all.to_vec();
            some.remove(missing);
            assert!(told(&some).why().is_some(), "{missing}");
        }
        let mut denied = all.to_vec();
        denied.push(("cron-unread", "denied", ""));
        assert_eq!(told(&denied).why().unwrap().kind, WhyKind::Denied);
        denied[0].2 = "pacemaker: pacemakerd runs";
        assert!(told(&denied).is(|found| texts(found) == ["pacemaker: pacemakerd runs"]));
        let mut silent = all.to_vec();
        silent[3] = ("monit", "timeout", "");
        assert!(told(&silent).is(|found| found[0].as_str().starts_with("monit: runs")));
    }

    #[test]
    fn of_monit_only_what_is_about_the_server() {
        assert_eq!(texts(&monit(STATUS, Some(FILES), &[])), ["monit: db_ctrl Monitored"]);
        assert_eq!(texts(&monit(STATUS, Some(""), &[36])), ["monit: sshd Monitored"]);
        let both = monit(STATUS, None, &[]);
        assert_eq!(texts(&both), ["monit: db_ctrl Monitored", "monit: sshd Monitored"]);
        let off = STATUS.replacen("Monitored", "Not monitored", 1).replace("db_ctrl", "mariadb");
        assert_eq!(texts(&monit(&off, Some(""), &[])), ["monit: mariadb Not monitored"]);
        // The capture of a run by hand.
        let whole = "Process 'mariadb_ctrl'\n  status                       Not monitored\n  monitoring status            Not monitored\n  monitoring mode              active";
        assert_eq!(texts(&monit(whole, Some(""), &[])), ["monit: mariadb_ctrl Not monitored"]);
    }

    #[test]
    fn timers_that_start_a_server_and_those_that_do_not() {
        let text = "Unit=mariadb-watch.service\nId=mariadb-watch.timer\nActiveState=active\n\n\
            Unit=mysql-backup.service\nId=mysql-backup.timer\nActiveState=active\n\n\
            Unit=heal.service\nId=heal.timer\nActiveState=active\n\n\
            Unit=mysql-fix.service\nId=mysql-fix.timer\nActiveState=inactive\n\n\
            Id=packetfence-galera-autofix.service\nActiveState=active\n\n\
            Id=mariadb-watch.service\n\nExecStart=systemctl restart mariadb\nId=heal.service\n";
        assert_eq!(
            texts(&timers(text)),
            [
                "service: packetfence-galera-autofix.service active",
                "timer: heal.timer systemctl restart mariadb",
                "timer: mariadb-watch.timer runs mariadb-watch.service",
            ]
        );
        assert_eq!(
            entry("cron", "/etc/cron.d/db:2:systemctl restart mariadb").unwrap().as_str(),
            "cron: /etc/cron.d/db:2 systemctl restart mariadb"
        );
        assert_eq!(entry("cron", "grep: /etc/cron.d: Permission denied"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "((Process|System) '|check process |Id=|Unit=|  pid )?[\\PC\n]{0,60}") {
            let _ = (monit(&text, Some(&text), &[1]), timers(&text), entry("cron", &text));
        }
    }
}
