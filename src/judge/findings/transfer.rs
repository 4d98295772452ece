//! State transfers: under way, timed out, failed, repeated, left over (cases 2, 22 to 25, 32).

use super::{Context, Finding, Severity, Sign, is_in, logged, quoted, size};
use crate::facts::{Known, Plain, Role, keys};
use crate::judge::{NodeReading, Server, Standing, verdict};

const FACTS: &[&str] = &[
    keys::TRANSFER_MARKERS.name(),
    keys::TRANSFER_PROCESSES.name(),
    keys::TRANSFER_ROLE.name(),
    keys::LISTEN_OWNERS.name(),
    keys::LISTEN_SST.name(),
    keys::LISTEN_IST.name(),
    keys::LOG_KNOWN.name(),
    keys::LOG_TRANSFERS.name(),
];

/// Transfers begun in one hour from which on it is a loop.
const MANY: u64 = 3;

fn is_recovery(process: &Plain) -> bool {
    process.as_str().contains("wsrep-recover")
}

/// The transfer's processes, a recovery of the position not counted.
fn processes(node: &NodeReading<'_>) -> Vec<Plain> {
    let all = node.survey.facts.get(keys::TRANSFER_PROCESSES);
    all.known().into_iter().flatten().filter(|process| !is_recovery(process)).cloned().collect()
}

fn joins(node: &NodeReading<'_>, context: &Context<'_>) -> bool {
    context.standing(node.name()) == Some(Standing::Joining)
}

/// What of a transfer still runs, or listens, where no server does (case 24).
pub(super) fn orphan(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.orphan-transfer",
        cases: &[24],
        severity: Severity::Degraded,
        next: "End that process by its pid (kill PID), never by name; then the next start can take a transfer. See that the \
               node is not half-filled before it is trusted.",
        facts: FACTS,
    }
    .on(context, |node| {
        if !node.is_gone() {
            return None;
        }
        let facts = &node.survey.facts;
        let on = |key, port| facts.get(key).is(|listens| *listens).then_some(port);
        let ports: Vec<&str> =
            [on(keys::LISTEN_SST, "4444"), on(keys::LISTEN_IST, "4568")].into_iter().flatten().collect();
        let owners = facts.get(keys::LISTEN_OWNERS);
        let owners = owners.known().into_iter().flatten();
        let owners: Vec<String> = owners
            .filter(|owner| ports.iter().any(|port| owner.as_str().starts_with(port)))
            .map(ToString::to_string)
            .collect();
        let left: Vec<String> = processes(node).iter().map(ToString::to_string).collect();
        if ports.is_empty() && left.is_empty() {
            return None;
        }
        let mut words = vec!["no server runs".to_owned()];
        if !ports.is_empty() {
            words.push(format!("something listens on port {}", ports.join(" and ")));
        }
        let who = if owners.is_empty() { left } else { owners };
        if !who.is_empty() {
            words.push(format!("left over from a state transfer: {}", who.join(", ")));
        }
        Some(words.join("; "))
    })
}

/// One transfer after the other (case 23).
pub(super) fn repeated(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.transfer-loop",
        cases: &[23, 38],
        severity: Severity::Degraded,
        next: "Stop its restarts first (Restart=no, monit unmonitor): every full one wipes its data and takes a donor. Then read \
               in both logs, the joiner's and the donor's, why the transfer ends: room, time, or the network.",
        facts: FACTS,
    }
    .on(context, |node| {
        let begun = *node.survey.facts.get(keys::LOG_TRANSFERS).known()?;
        let synced = context.standing(node.name()) == Some(Standing::Synced);
        (begun >= MANY && !synced).then(|| format!("{begun} state transfers begun within its log's last hour, and it has not been in sync since"))
    })
}

/// The last transfer did not come to its end (cases 2, 25).
pub(super) fn failed(context: &Context<'_>) -> Vec<Finding> {
    // What only the joiner says.
    const IDS: &[&str] = &["never-receives-state", "donor-gone", "sst-no-space", "ist-failed"];
    // Every member logs that a transfer between two of them failed: of a joiner it tells, of the donor it tells nothing.
    const OF_ANYBODY: &[&str] =
        &["sst-failed", "never-receives-state", "donor-gone", "sst-no-space", "ist-failed"];
    Sign {
        id: "galera.transfer-failed",
        cases: &[2, 25],
        severity: Severity::Degraded,
        next: "Where a full copy had begun, what is there is neither its old data nor the donor's: never bootstrap it. Before the \
               next transfer see that the donor is SYNCED and complete: it may be the last good copy.",
        facts: FACTS,
    }
    .on(context, |node| {
        if context.standing(node.name()) == Some(Standing::Synced) {
            return None;
        }
        let standing = context.standing(node.name());
        let took = node.survey.facts.get(keys::LOG_HALF_FILLED).is(|half| *half)
            || matches!(standing, Some(Standing::Tainted | Standing::Empty));
        let ids = if took { OF_ANYBODY } else { IDS };
        logged(node, ids).filter(|_| standing != Some(Standing::Donor)).map(|seen| quoted(&seen))
    })
}

/// A recovery of the position runs at this moment; beside a server or a transfer it harms (case 32).
pub(super) fn recovering(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.recover-running",
        cases: &[32],
        severity: Severity::Warning,
        next: "Let it end, and start nothing meanwhile. Beside a running server it waits 30 s for the lock and deletes that \
               server's ddl_recovery.log; beside a transfer it ruins the copy.",
        facts: &[keys::TRANSFER_PROCESSES.name(), keys::SERVER_STATE.name()],
    }
    .on(context, |node| {
        let all = node.survey.facts.get(keys::TRANSFER_PROCESSES);
        let process = all.known()?.iter().find(|process| is_recovery(process))?.clone();
        let beside = if is_in(node, Server::Running) {
            ", beside a running server"
        } else if processes(node).is_empty() {
            ""
        } else {
            ", beside a state transfer"
        };
        Some(format!("wsrep-recover runs ({process}){beside}"))
    })
}

/// A transfer that its unit would end, or has ended (case 22).
pub(super) fn timeout(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.start-timeout",
        cases: &[22, 23],
        severity: Severity::Warning,
        next: "Lift the start timeout for this join (systemctl edit --runtime: TimeoutStartSec=infinity) before it is \
               reached; a transfer that is killed leaves a node that holds nothing.",
        facts: &[keys::UNIT_START_TIMEOUT.name(), keys::UNIT_STARTED.name(), keys::LOG_KNOWN.name()],
    }
    .on(context, |node| {
        if let Some(seen) = logged(node, &["start-timeout"]) {
            return Some(quoted(&seen));
        }
        let limit = node.survey.facts.get(keys::UNIT_START_TIMEOUT);
        let limit = limit.known().filter(|limit| limit.as_str() != "infinity")?;
        let starts = node.server == Known::Known(Server::Starting);
        (joins(node, context) && starts)
            .then(|| format!("it takes a state transfer, and its unit gives its start {limit} in all"))
    })
}

/// A donor that gives to nobody (case 24).
pub(super) fn no_joiner(context: &Context<'_>) -> Vec<Finding> {
    let joiner = context.reading.data().any(|node| {
        joins(node, context)
            || matches!(node.server, Known::Known(Server::Starting) | Known::Unknown(_))
            || node.survey.facts.get(keys::WSREP_LOCAL_STATE).is(|state| *state == 1 || *state == 3)
    });
    // A member that Breakglass cannot see may be the joiner, and garbd asks a donor for a backup (case 36).
    let votes = context.reading.nodes.iter().filter(|node| verdict::may_vote(node)).count() as u64;
    let stranger = context.reading.primary.as_ref().is_none_or(|primary| primary.size > votes);
    if joiner || stranger {
        return Vec::new();
    }
    Sign {
        id: "galera.donor-without-joiner",
        cases: &[24],
        severity: Severity::Degraded,
        next: "Read its log for the transfer's end. A backup that garbd asked for looks the same: ask before anything is ended. \
               What is left over is ended by its pid; if it stays Donor/Desynced, SET GLOBAL wsrep_desync=OFF brings it back.",
        facts: FACTS,
    }
    .on(context, |node| {
        let left: Vec<String> = processes(node).iter().map(ToString::to_string).collect();
        (context.standing(node.name()) == Some(Standing::Donor) && !left.is_empty())
            .then(|| format!("it gives a state transfer to nobody who is there ({})", left.join(", ")))
    })
}

/// A transfer that goes on: how far it is, and who gives it.
pub(super) fn under_way(context: &Context<'_>) -> Vec<Finding> {
    let donors = context.data(|_, judged| judged.standing == Some(Standing::Donor));
    let whole =
        donors.iter().filter_map(|donor| donor.survey.facts.get(keys::DATADIR_USED).known().copied()).max();
    let nodes = context.reading.nodes.iter().filter(|node| node.survey.role == Role::Data);
    Sign {
        id: "galera.transfer-under-way",
        cases: &[],
        severity: Severity::Info,
        next: "Let it end. Killing either side leaves a joiner that holds nothing.",
        facts: &[
            keys::TRANSFER_ROLE.name(),
            keys::TRANSFER_PROCESSES.name(),
            keys::TRANSFER_MARKERS.name(),
            keys::DATADIR_USED.name(),
        ],
    }
    .of(nodes, |node| {
        if !joins(node, context) {
            return None;
        }
        let from: Vec<&str> = donors.iter().map(|donor| donor.name().as_str()).collect();
        let from = if from.is_empty() { String::new() } else { format!(" from {}", from.join(" or ")) };
        let so_far = match (node.survey.facts.get(keys::DATADIR_USED), whole) {
            (Known::Known(here), Some(whole)) => {
                format!("; {} here, {} at the donor", size(here), size(whole))
            }
            _ => String::new(),
        };
        Some(format!("it takes a state transfer{from}{so_far}"))
    })
}
