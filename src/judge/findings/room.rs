//! Room and storage under the data directories: full, filling, read-only, failing (cases 26, 27).

use super::{Context, Finding, Severity, Sign, logged, quoted, size};
use crate::facts::{Known, keys};
use crate::judge::NodeReading;
use crate::judge::safety::s17;

/// Below this, nothing that a server does goes on.
const NOTHING: u64 = 16 << 20;
/// What a gcache page takes where nobody said another size (gcache.page_size).
const PAGE: u64 = 128 << 20;

const FACTS: &[&str] = &[
    keys::DISK_FREE.name(),
    keys::DISK_SIZE.name(),
    keys::DISK_INODES_FREE.name(),
    keys::DATADIR_USED.name(),
    keys::LOG_KNOWN.name(),
];

/// No room now, or none when it mattered.
pub(super) fn full(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.disk-full",
        cases: &[26],
        severity: Severity::Degraded,
        next: "Make room on that file system without touching the data directory (other files, a larger volume) before \
               anything is started. A full member stalls or leaves the whole group: it is the one to take out, not the \
               others to restart.",
        facts: FACTS,
    }
    .on(context, full_now)
}

fn full_now(node: &NodeReading<'_>) -> Option<String> {
    let facts = &node.survey.facts;
    let free = facts.get(keys::DISK_FREE);
    if let Some(free) = free.known().filter(|free| **free < NOTHING) {
        return Some(format!("{} left on the data directory's file system", size(*free)));
    }
    if facts.get(keys::DISK_INODES_FREE).is(|free| *free < 100) {
        return Some("no inodes left on the data directory's file system".to_owned());
    }
    let seen = logged(node, &["page-no-space", "sst-no-space", "disk-full"])?;
    let now = match free {
        Known::Known(free) => format!("{} are free now: what filled it can be gone since", size(free)),
        Known::Unknown(_) => "how much is free now is not known".to_owned(),
    };
    Some(format!("{}; {now}", quoted(&seen)))
}

/// Filling up: less than a gcache page, or less than a tenth.
pub(super) fn low(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.disk-low",
        cases: &[26],
        severity: Severity::Warning,
        next: "Make room soon. A server that needs one more gcache page than there is room for aborts, long before df \
               says 100 %.",
        facts: FACTS,
    }
    .on(context, |node| {
        let facts = &node.survey.facts;
        let (Known::Known(free), Known::Known(all)) = (facts.get(keys::DISK_FREE), facts.get(keys::DISK_SIZE)) else {
            return None;
        };
        if full_now(node).is_some() {
            return None;
        }
        let page = s17::page_size(node.survey).known().copied().unwrap_or(PAGE);
        if free < page {
            return Some(format!("{} left, and one gcache page takes {}", size(free), size(page)));
        }
        (free < all / 10).then(|| format!("{} of {} left", size(free), size(all)))
    })
}

/// A file system that takes no writes.
pub(super) fn read_only(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.read-only-filesystem",
        cases: &[],
        severity: Severity::Degraded,
        next: "The kernel makes a file system read-only when its device fails: read the kernel log, copy what can still be \
               read, and repair the device first. Nothing here can be started.",
        facts: &[keys::DISK_READ_ONLY.name(), keys::KERNEL_IO_ERRORS.name(), keys::LOG_KNOWN.name()],
    }
    .on(context, |node| {
        if node.survey.facts.get(keys::DISK_READ_ONLY).is(|read_only| *read_only) {
            return Some("the data directory's file system is mounted read-only".to_owned());
        }
        logged(node, &["read-only-filesystem"]).map(|seen| quoted(&seen))
    })
}

/// A device that fails.
pub(super) fn io_errors(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.io-errors",
        cases: &[],
        severity: Severity::Degraded,
        next: "Do not make this node the source of anything before its storage is proved: copy its data directory while it \
               can be read. The errors may be of another device of the machine: the lines name it.",
        facts: &[keys::KERNEL_IO_ERRORS.name(), keys::LOG_KNOWN.name()],
    }
    .on(context, |node| {
        let errors = node.survey.facts.get(keys::KERNEL_IO_ERRORS);
        if let Some(last) = errors.known().and_then(|lines| lines.last()) {
            return Some(format!("the kernel reports failing storage ({last})"));
        }
        logged(node, &["io-error"]).map(|seen| quoted(&seen))
    })
}
