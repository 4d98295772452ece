//! `systemctl show`: the server's unit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::frame::Frame;
use crate::facts::{Facts, Key, Known, Plain, ValueType, WhyKind, keys};

/// The properties of one unit, by name. What stands there several times (`ExecStart`) keeps its last value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Unit<'a> {
    /// Reads `Name=value` lines.
    pub(super) fn parse(text: &'a str) -> Self {
        let named = |line: &'a str| {
            line.split_once('=')
                .filter(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        Self(text.lines().filter_map(named).collect())
    }

    /// A property as it stands there; one this systemd does not know is Unknown.
    pub(super) fn get(&self, name: &str) -> Known<&'a str> {
        match self.0.get(name) {
            Some(value) => Known::Known(value),
            None => Known::unknown(WhyKind::NotAsked, format!("systemd did not say {name}")),
        }
    }

    /// `yes` or `no`.
    fn flag(&self, name: &str) -> Known<bool> {
        self.get(name).and_then(|text| match text {
            "yes" => Known::Known(true),
            "no" => Known::Known(false),
            other => Known::unknown(WhyKind::Malformed, format!("{name}={other} is neither yes nor no")),
        })
    }

    fn number(&self, name: &str) -> Known<u64> {
        self.get(name).and_then(|text| match text.parse() {
            Ok(number) if text.bytes().all(|b| b.is_ascii_digit()) => Known::Known(number),
            _ => Known::unknown(WhyKind::Malformed, format!("{name}={text} is not a number")),
        })
    }

    /// A time, written in UTC because the probe asks so.
    fn time(&self, name: &str) -> Known<Timestamp> {
        self.get(name).and_then(|text| match text {
            "" | "n/a" => Known::unknown(WhyKind::Undefined, "it has not happened since the machine started"),
            text => match utc(text) {
                Some(time) => Known::Known(time),
                None => Known::unknown(WhyKind::Malformed, format!("{name}={text} is not a time in UTC")),
            },
        })
    }

    /// `ExecMainCode`: the `CLD_` number of the main process' end.
    fn exit_code(&self) -> Known<Plain> {
        self.number("ExecMainCode").and_then(|code| {
            Known::Known(Plain::from(match code {
                0 => "none",
                1 => "exited",
                2 => "killed",
                3 => "dumped",
                _ => {
                    return Known::unknown(
                        WhyKind::Malformed,
                        format!("ExecMainCode={code} is none we know"),
                    );
                }
            }))
        })
    }
}

/// Reads `Sat 2026-11-21 05:33:15 UTC`.
fn utc(text: &str) -> Option<Timestamp> {
    let (_, moment) = text.strip_suffix(" UTC")?.split_once(' ')?;
    let moment = DateTime::strptime("%Y-%m-%d %H:%M:%S", moment).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The unit's facts.
pub(super) fn facts(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let source = Plain::from("systemctl show");
    let unit = frame.text("unit", "the server's unit").map(Unit::parse);
    let unit = unit.as_ref();
    let mut text = |key: Key<Plain>, name: &str| {
        let value = unit.clone().and_then(|unit| unit.get(name)).map(Plain::new);
        out.set(key, value, &source, at);
    };
    text(keys::UNIT_NAME, "Id");
    text(keys::UNIT_LOAD, "LoadState");
    text(keys::UNIT_ACTIVE, "ActiveState");
    text(keys::UNIT_SUB, "SubState");
    text(keys::UNIT_RESULT, "Result");
    text(keys::UNIT_RESTART, "Restart");
    text(keys::UNIT_RESTART_DELAY, "RestartUSec");
    text(keys::UNIT_START_TIMEOUT, "TimeoutStartUSec");
    text(keys::UNIT_ENABLED, "UnitFileState");
    let mut set = Setter { out, source: &source, at };
    set.set(keys::UNIT_SENDS_SIGKILL, unit.clone().and_then(|unit| unit.flag("SendSIGKILL")));
    set.set(keys::UNIT_EXIT_CODE, unit.clone().and_then(Unit::exit_code));
    set.set(keys::UNIT_MAIN_PID, unit.clone().and_then(|unit| unit.number("MainPID")));
    set.set(keys::UNIT_EXIT_STATUS, unit.clone().and_then(|unit| unit.number("ExecMainStatus")));
    set.set(keys::UNIT_RESTARTS, unit.clone().and_then(|unit| unit.number("NRestarts")));
    set.set(keys::UNIT_STARTED, unit.clone().and_then(|unit| unit.time("ExecMainStartTimestamp")));
    set.set(keys::UNIT_EXITED, unit.and_then(|unit| unit.time("ExecMainExitTimestamp")));
}

/// The unit or container of a process, by its /proc/PID/cgroup: of the hierarchies (`9:name=systemd:/…`, `0::/…`) the one
/// that systemd keeps, and in it the innermost name that says something.
pub(super) fn of_cgroup(text: &str) -> Known<Plain> {
    let path = |name: &str| {
        text.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            rest.split_once(':').filter(|(of, _)| *of == name).map(|(_, path)| path)
        })
    };
    let unified = path("").filter(|path| *path != "/");
    let Some(path) = path("name=systemd").filter(|path| *path != "/").or(unified) else {
        return Known::unknown(
            WhyKind::Undefined,
            "the server's cgroup is its machine's own: no unit is named there",
        );
    };
    let hex = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let named = |part: &str| {
        if part.ends_with(".service") {
            return Some(part.to_owned());
        }
        // docker-ID.scope, cri-containerd-ID.scope, libpod-ID.scope, or the bare id.
        let (runtime, id) =
            part.strip_suffix(".scope").and_then(|p| p.rsplit_once('-')).unwrap_or(("", part));
        if hex(id) {
            let runtime = if runtime.is_empty() { "container" } else { runtime };
            return Some(format!("{runtime} {}", id.get(..12)?));
        }
        part.strip_suffix(".scope").map(|_| part.to_owned())
    };
    match path.rsplit('/').find_map(named) {
        Some(name) => Known::Known(Plain::new(name)),
        None => Known::unknown(WhyKind::Undefined, format!("the server's cgroup {path} names no unit")),
    }
}

/// Sets facts that share source and time.
pub(super) struct Setter<'a> {
    pub(super) out: &'a mut Facts,
    pub(super) source: &'a Plain,
    pub(super) at: Timestamp,
}

impl Setter<'_> {
    pub(super) fn set<T: ValueType>(&mut self, key: Key<T>, value: Known<T>) {
        self.out.set(key, value, self.source, self.at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_running_unit() {
        let unit =
            Unit::parse(include_str!("../../tests/fixtures/galera/01-healthy/g1-systemctl-show-full.txt"));
        assert_eq!(unit.get("Restart"), Known::Known("on-abnormal"));
        assert_eq!(unit.number("MainPID"), Known::Known(584));
        assert_eq!(unit.exit_code(), Known::Known(Plain::from("none")));
        assert_eq!(unit.time("ExecMainStartTimestamp").known().unwrap().to_string(), "2026-11-21T05:33:15Z");
        assert!(unit.get("ExecStart").is(|v| v.contains("path=/usr/sbin/mariadbd ;")));
    }

    #[test]
    fn a_killed_unit() {
        let unit = Unit::parse(include_str!("../../tests/fixtures/galera/03-kill9/norestart-killed/g1.txt"));
        assert_eq!(unit.exit_code(), Known::Known(Plain::from("killed")));
        assert_eq!(unit.number("ExecMainStatus"), Known::Known(9));
        assert_eq!(unit.get("Result"), Known::Known("signal"));
        assert_eq!(unit.number("NRestarts"), Known::Known(1));
    }

    #[test]
    fn the_unit_or_the_container_of_a_process() {
        let hybrid = "9:name=systemd:/lab/g1/payload/system.slice/mariadb.service\n8:pids:/\n4:memory:/x/y\n0::/lab/g1/payload/system.slice/mariadb.service\n";
        let id = "0123456789ab".repeat(6).get(..64).unwrap().to_owned();
        for (text, wanted) in [
            (hybrid.to_owned(), "mariadb.service"),
            (
                "0::/system.slice/system-mysql.slice/mysql@bootstrap.service\n".to_owned(),
                "mysql@bootstrap.service",
            ),
            ("0::/user.slice/user-0.slice/session-3.scope\n".to_owned(), "session-3.scope"),
            (format!("0::/system.slice/docker-{id}.scope"), "docker 0123456789ab"),
            (format!("1:name=systemd:/docker/{id}"), "container 0123456789ab"),
            (
                format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
                "cri-containerd 0123456789ab",
            ),
            ("0::/system.slice/mariadb.service/payload".to_owned(), "mariadb.service"),
        ] {
            assert_eq!(of_cgroup(&text), Known::Known(Plain::from(wanted)), "{text}");
        }
        for text in ["", "0::/", "x", "4:memory:/a.service"] {
            assert!(of_cgroup(text).why().is_some(), "{text}");
        }
        assert_eq!(Unit::parse("SendSIGKILL=no").flag("SendSIGKILL"), Known::Known(false));
        assert!(Unit::parse("SendSIGKILL=x").flag("SendSIGKILL").why().is_some());
    }

    #[test]
    fn times_that_are_not_in_utc_are_not_believed() {
        let unit = Unit::parse("A=Sat 2026-11-21 05:33:15 CET\nB=\nC=n/a\nD=now\nMainPID=x\nExecMainCode=9");
        assert_eq!(unit.time("A").why().unwrap().kind, WhyKind::Malformed);
        assert_eq!(unit.time("B").why().unwrap().kind, WhyKind::Undefined);
        assert_eq!(unit.time("C").why().unwrap().kind, WhyKind::Undefined);
        assert_eq!(unit.time("D").why().unwrap().kind, WhyKind::Malformed);
        assert_eq!(unit.time("E").why().unwrap().kind, WhyKind::NotAsked);
        assert!(unit.number("MainPID").why().is_some());
        assert!(unit.exit_code().why().is_some());
    }

    proptest! {
        #[test]
        fn never_panics(text in "((MainPID|ExecMainCode|ExecMainStartTimestamp)=)?\\PC{0,40}") {
            let unit = Unit::parse(&text);
            let _ = (unit.number("MainPID"), unit.exit_code(), unit.time("ExecMainStartTimestamp"), of_cgroup(&text));
        }
    }
}
