//! What stands around the servers: who else may act, certificates, clocks, memory, units, backups (cases 9, 35, 44).

use jiff::SignedDuration;

use super::{Context, Finding, Severity, Sign, is_in, logged, quoted};
use crate::facts::{Known, keys};
use crate::judge::{NodeReading, Server, Verdict};

/// Clocks further apart than this make the times of two logs hard to compare, seconds.
const APART: i64 = 5;
/// A certificate is said to end this long before it does.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A backup older than this is said to be old.
const OLD: SignedDuration = SignedDuration::from_hours(48);

/// Somebody else may start or stop a server in the middle of a recovery (case 9).
pub(super) fn automation(context: &Context<'_>) -> Vec<Finding> {
    let calm = context.verdict == Verdict::Healthy;
    Sign {
        id: "galera.automation",
        cases: &[9],
        severity: if calm { Severity::Info } else { Severity::Warning },
        next: "Freeze it before the first act (monit unmonitor, pcs resource unmanage, disable the cron entry, pause the \
               operator), prove that it is frozen, and give it back last.",
        facts: &[keys::AUTOMATION.name(), keys::UNIT_RESTART.name()],
    }
    .on(context, |node| {
        let found = node.survey.facts.get(keys::AUTOMATION);
        let found: Vec<String> = found.known()?.iter().map(ToString::to_string).collect();
        (!found.is_empty()).then(|| format!("its server can be started or stopped by others too ({})", found.join("; ")))
    })
}

const CERTIFICATE: &[&str] = &[
    keys::CERT_FILE.name(),
    keys::CERT_NOT_BEFORE.name(),
    keys::CERT_NOT_AFTER.name(),
    keys::CERT_CA_NOT_AFTER.name(),
    keys::HOST_CLOCK.name(),
    keys::LOG_KNOWN.name(),
];

/// A certificate that is not valid now, or a handshake that failed (case 35).
pub(super) fn expired(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.certificate",
        cases: &[35],
        severity: Severity::Degraded,
        next: "Renew it on every node before anything is started or bootstrapped: a member goes on with what it has loaded, \
               and at its next start no peer will talk to it. TLS trouble looks like a timeout in the logs.",
        facts: CERTIFICATE,
    }
    .on(context, |node| {
        let facts = &node.survey.facts;
        if let Known::Known(now) = facts.get(keys::HOST_CLOCK) {
            for (what, key) in [("", keys::CERT_NOT_AFTER), ("its authority's ", keys::CERT_CA_NOT_AFTER)] {
                if let Some(ended) = facts.get(key).known().filter(|ended| **ended <= now) {
                    return Some(format!("{what}replication certificate has expired at {ended:.0}"));
                }
            }
            if let Some(from) = facts.get(keys::CERT_NOT_BEFORE).known().filter(|from| **from > now) {
                return Some(format!("its replication certificate is valid only from {from:.0} on; is its clock right?"));
            }
        }
        logged(node, &["tls-expired", "tls-handshake"]).map(|seen| quoted(&seen))
    })
}

/// A certificate that will soon end.
pub(super) fn expiring(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.certificate",
        cases: &[35],
        severity: Severity::Warning,
        next: "Renew it on every node before it ends; each node reads it at its next start.",
        facts: CERTIFICATE,
    }
    .on(context, |node| {
        let facts = &node.survey.facts;
        let now = *facts.get(keys::HOST_CLOCK).known()?;
        let ends = [keys::CERT_NOT_AFTER, keys::CERT_CA_NOT_AFTER].map(|key| facts.get(key).known().copied());
        let first = ends.into_iter().flatten().min()?;
        (first > now && first.duration_since(now) < SOON).then(|| {
            format!(
                "a replication certificate ends at {first:.0}, in {} days",
                first.duration_since(now).as_hours() / 24
            )
        })
    })
}

/// Clocks that are apart.
pub(super) fn clocks(context: &Context<'_>) -> Vec<Finding> {
    let skews: Vec<(&NodeReading<'_>, i64)> = context
        .data(|_, _| true)
        .into_iter()
        .filter_map(|node| Some((node, node.survey.facts.get(keys::HOST_CLOCK_SKEW).known().copied()?)))
        .collect();
    let (Some(low), Some(high)) =
        (skews.iter().map(|(_, skew)| *skew).min(), skews.iter().map(|(_, skew)| *skew).max())
    else {
        return Vec::new();
    };
    if high.saturating_sub(low) < APART {
        return Vec::new();
    }
    let nodes: Vec<&NodeReading<'_>> = skews.iter().map(|(node, _)| *node).collect();
    let said: Vec<String> = skews.iter().map(|(node, skew)| format!("{} {skew:+} s", node.name())).collect();
    Sign {
        id: "galera.clock-skew",
        cases: &[],
        severity: Severity::Warning,
        next: "Times of different nodes' logs cannot be held against each other as they stand; set the clocks right (NTP) when \
               the cluster runs again.",
        facts: &[keys::HOST_CLOCK_SKEW.name(), keys::HOST_CLOCK.name()],
    }
    .that(&nodes, format!("The nodes' clocks are {} s apart ({}).", high.saturating_sub(low), said.join(", ")))
}

/// A server that runs under the name of a bootstrap (case 44).
pub(super) fn bootstrap_unit(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.bootstrap-unit",
        cases: &[44],
        severity: Severity::Warning,
        next: "Stop it by that name only, when at least two others are SYNCED, and start the usual unit instead: the usual \
               name stops nothing, and a reboot would bootstrap again.",
        facts: &[keys::SERVER_UNIT.name(), keys::UNIT_NAME.name()],
    }
    .on(context, |node| {
        if node.is_gone() {
            return None;
        }
        let facts = &node.survey.facts;
        let unit = [keys::SERVER_UNIT, keys::UNIT_NAME].into_iter().find_map(|key| {
            facts.get(key).known().filter(|unit| unit.as_str().contains("@bootstrap")).cloned()
        })?;
        Some(format!("its server runs as {unit}"))
    })
}

/// The kernel has killed a database process for want of memory.
pub(super) fn killed_for_memory(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.oom-kill",
        cases: &[],
        severity: Severity::Warning,
        next: "Give it less to take (innodb_buffer_pool_size, a neighbour on the machine) before the next start, or the next \
               recovery and transfer end the same way.",
        facts: &[keys::KERNEL_OOM_KILLS.name()],
    }
    .on(context, |node| {
        let lines = node.survey.facts.get(keys::KERNEL_OOM_KILLS);
        let last = lines.known()?.last()?.clone();
        Some(format!("the kernel killed a database process for want of memory ({last})"))
    })
}

/// How commits were flushed on nodes that crashed: what Galera can lose.
pub(super) fn flushing(context: &Context<'_>) -> Vec<Finding> {
    let crashed = context.data(|node, _| is_in(node, Server::Crashed));
    let lax: Vec<String> = crashed
        .iter()
        .filter_map(|node| {
            let flush = node.survey.facts.get(keys::VAR_FLUSH);
            flush.known().filter(|flush| **flush != 1).map(|flush| format!("{} {flush}", node.name()))
        })
        .collect();
    if crashed.len() < 2 || lax.is_empty() {
        return Vec::new();
    }
    Sign {
        id: "galera.flush-settings",
        cases: &[12],
        severity: Severity::Warning,
        next: "Compare with what applications hold as committed, and with binary logs and replicas, before clients return.",
        facts: &[keys::VAR_FLUSH.name(), keys::VAR_SYNC_BINLOG.name()],
    }
    .that(
        &crashed,
        format!(
            "innodb_flush_log_at_trx_commit is not 1 on {}: nodes that crashed close together can have lost about a second \
             of acknowledged commits, and no position shows those.",
            lax.join(", ")
        ),
    )
}

/// The newest backup that is known of.
pub(super) fn backup(context: &Context<'_>) -> Vec<Finding> {
    let newest = context
        .data(|_, _| true)
        .into_iter()
        .filter_map(|node| Some((*node.survey.facts.get(keys::BACKUP_AT).known()?, node)))
        .max_by_key(|(at, _)| *at);
    let Some((at, node)) = newest else { return Vec::new() };
    let facts = &node.survey.facts;
    let now = facts.get(keys::HOST_CLOCK).known().copied().unwrap_or(node.survey.at);
    let age = now.duration_since(at);
    if age < OLD && context.verdict == Verdict::Healthy {
        return Vec::new();
    }
    let name = facts.get(keys::BACKUP_NEWEST).known().map(ToString::to_string).unwrap_or_default();
    Sign {
        id: "galera.backup",
        cases: &[],
        severity: if age < OLD { Severity::Info } else { Severity::Warning },
        next: "Whether it can be restored only a restore tells.",
        facts: &[keys::BACKUP_NEWEST.name(), keys::BACKUP_AT.name()],
    }
    .that(
        &[node],
        format!("The newest backup known is {} hours old: {name} on {}.", age.as_hours(), node.name()),
    )
}
