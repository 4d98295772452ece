//! The kernel's log: failed input and output, file systems gone read-only, database servers killed for want of memory.

use jiff::{SignedDuration, Timestamp};

use super::frame::Frame;
use super::machine::Clock;
use super::unit::Setter;
use crate::facts::{Facts, Known, Plain, Why, WhyKind, keys};

/// As many lines as are kept of each kind.
const MOST: usize = 20;

/// The kernel's facts.
pub(super) fn facts(frame: &Frame<'_>, clock: Clock, at: Timestamp, out: &mut Facts) {
    let text = frame.text("kernel", "the kernel's log");
    let shown = match &text {
        Known::Known(text) if text.starts_with("journal") => "journalctl -k",
        _ => "dmesg",
    };
    let booted = booted(frame, clock);
    let lines =
        text.map(|text| text.lines().skip(1).map(|line| Line::read(line, booted)).collect::<Vec<_>>());
    let pick = |test: fn(&str) -> bool| {
        lines.as_ref().map(|all| all.iter().filter(|line| test(line.text)).cloned().collect::<Vec<_>>())
    };
    let container = frame.text("container", "the kind of machine").map(|text| !text.trim().is_empty());
    let device = frame.text("mounts", "the mounts").and_then(super::disk::device);
    let failed = pick(fails).and_then(|found| {
        own(found, &container, |line| match &device {
            Known::Known(device) => names(line, device),
            Known::Unknown(_) => false,
        })
    });
    let killed = pick(kills).and_then(|found| own(found, &container, |_| false));
    let source = Plain::from(shown);
    let mut set = Setter { out, source: &source, at };
    set.set(keys::KERNEL_IO_ERRORS, failed.map(|lines| last(&lines)));
    set.set(keys::KERNEL_OOM_KILLS, killed.map(|lines| last(&lines)));
}

/// One line: when, where the log says it, and what.
#[derive(Clone)]
struct Line<'a> {
    at: Option<Timestamp>,
    text: &'a str,
}

impl<'a> Line<'a> {
    /// Reads `1795281425.586272 host kernel: text` of the journal or `[24392.103651] text` of dmesg.
    fn read(line: &'a str, booted: Option<Timestamp>) -> Self {
        let moment = |text: &str| {
            let (seconds, rest) = text.split_once('.')?;
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            (digits(seconds) && digits(rest)).then(|| seconds.parse::<i64>().ok())?
        };
        if let Some((time, text)) = line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
            let at = moment(time.trim()).zip(booted);
            let at = at.and_then(|(s, booted)| booted.checked_add(SignedDuration::from_secs(s)).ok());
            return Self { at, text };
        }
        let mut words = line.splitn(3, ' ');
        if let (Some(time), Some(_), Some(text)) = (words.next(), words.next(), words.next())
            && let Some(seconds) = moment(time)
        {
            let text = text.strip_prefix("kernel: ").unwrap_or(text);
            return Self { at: Timestamp::from_second(seconds).ok(), text };
        }
        Self { at: None, text: line }
    }

    fn show(&self) -> Plain {
        match self.at {
            Some(at) => Plain::new(format!("{at} {}", self.text)),
            None => Plain::new(self.text),
        }
    }
}

/// When the machine started, by its own clock.
fn booted(frame: &Frame<'_>, clock: Clock) -> Option<Timestamp> {
    let uptime = frame.text("uptime", "/proc/uptime");
    let seconds = uptime.known()?.split(['.', ' ']).next()?.parse().ok()?;
    let now = clock.now?.round(jiff::Unit::Second).ok()?;
    now.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

/// Whether a line says that reading or writing failed, or that a file system gave up. A floppy or an optical drive of a
/// virtual machine fails all day.
fn fails(text: &str) -> bool {
    let harmless = ["fd0", "sr0", "loop: Write error"];
    let words = [
        "I/O error",
        "Medium Error",
        "emounting filesystem read-only",
        "forced readonly",
        "Detected aborted journal",
        "Corruption",
        "corruption",
        "hutting down filesystem",
        "hutdown",
    ];
    let system = ["EXT4-fs error", "EXT4-fs (", "XFS (", "BTRFS ", "JBD2"];
    let first = words.iter().take(4).any(|word| text.contains(word));
    let of_system = system.iter().any(|word| text.contains(word))
        && (text.contains("error") || words.iter().any(|word| text.contains(word)));
    (first || of_system) && !harmless.iter().any(|word| text.contains(word))
}

/// Whether a line says that a database server was killed for want of memory.
fn kills(text: &str) -> bool {
    text.to_ascii_lowercase().contains("out of memory: kill")
        && ["(mariadbd)", "(mysqld)", "(garbd)"].iter().any(|name| text.contains(name))
}

/// What is surely this machine's. A container shares its kernel, and the kernel's log, with its neighbours.
fn own<'a>(
    found: Vec<Line<'a>>,
    container: &Known<bool>,
    surely: impl Fn(&str) -> bool,
) -> Known<Vec<Line<'a>>> {
    match container {
        Known::Known(false) => Known::Known(found),
        Known::Unknown(why) if !found.is_empty() => Known::Unknown(why.clone()),
        _ => {
            let all = found.len();
            let mine: Vec<Line<'a>> = found.into_iter().filter(|line| surely(line.text)).collect();
            if mine.is_empty() && all > 0 {
                return Known::Unknown(Why::new(
                    WhyKind::Undefined,
                    "the kernel's log tells of such, and a container shares it with other machines",
                ));
            }
            Known::Known(mine)
        }
    }
}

/// Whether a line names a device, as a whole word.
fn names(text: &str, device: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).any(|word| word == device)
}

fn last(lines: &[Line<'_>]) -> Vec<Plain> {
    lines.iter().skip(lines.len().saturating_sub(MOST)).map(Line::show).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::answer;
    use super::*;

    const DMESG: &str = "dmesg\n[  100.5] blk_update_request: I/O error, dev sda, sector 1234 op 0x1:(WRITE)\n\
        [  101.0] EXT4-fs (sda1): Remounting filesystem read-only\n[  102.0] EXT4-fs (sda1): mounted filesystem with ordered data mode\n\
        [  103.0] Out of memory: Killed process 77 (mariadbd) total-vm:1kB\n[  104.0] Out of memory: Killed process 78 (java) total-vm:1kB\n\
        [  105.0] I/O error, dev fd0, sector 0";

    fn told(container: &str, kernel: &str) -> (Known<Vec<Plain>>, Known<Vec<Plain>>) {
        let mounts = "/var/lib/mysql\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 1 7:0 / /var/lib/mysql rw - ext4 /dev/loop3 rw";
        let answer = answer(&[
            ("kernel", "ok", kernel),
            ("container", "ok", container),
            ("uptime", "ok", "1000.25 3.0"),
            ("mounts", "ok", mounts),
        ]);
        let clock = Clock::parse("1795281450.000000000 +0000");
        let mut out = Facts::new();
        facts(&Frame::parse(answer.as_bytes()).unwrap(), clock, Timestamp::UNIX_EPOCH, &mut out);
        (out.get(keys::KERNEL_IO_ERRORS), out.get(keys::KERNEL_OOM_KILLS))
    }

    #[test]
    fn a_machine_with_a_kernel_of_its_own() {
        let (failed, killed) = told("", DMESG);
        let failed = failed.known().unwrap().clone();
        assert_eq!(failed.len(), 2);
        assert!(
            failed[0].as_str().starts_with("2026-11-21T17:02:30Z blk_update_request: I/O error"),
            "{failed:?}"
        );
        assert!(killed.is(|lines| lines.len() == 1 && lines[0].as_str().contains("(mariadbd)")));
        let journal = "journal\n1795281425.586272 g1 kernel: XFS (dm-1): Metadata corruption detected at x";
        let (failed, killed) = told("", journal);
        assert_eq!(
            failed.known().unwrap()[0].as_str(),
            "2026-11-21T17:17:05Z XFS (dm-1): Metadata corruption detected at x"
        );
        assert_eq!(killed, Known::Known(Vec::new()));
    }

    #[test]
    fn a_container_says_only_what_is_sure() {
        let (failed, killed) = told("systemd-nspawn", DMESG);
        assert!(failed.why().is_some() && killed.why().is_some());
        let (failed, _) = told("docker", &DMESG.replace("(sda1)", "(loop3)"));
        assert!(failed.is(|lines| lines.len() == 1 && lines[0].as_str().contains("loop3")), "{failed:?}");
        assert_eq!(told("docker", "dmesg\n"), (Known::Known(Vec::new()), Known::Known(Vec::new())));
    }

    proptest! {
        #[test]
        fn never_panics(text in "dmesg\n(\\[ *[0-9]{0,12}\\.?[0-9]{0,9}\\] |[0-9]{0,22}\\.[0-9]{0,9} g1 kernel: )?(I/O error|Out of memory: Kill)?\\PC{0,40}") {
            let _ = told("lxc", &text);
        }
    }
}
