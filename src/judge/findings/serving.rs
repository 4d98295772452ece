//! Whether what is Primary also serves: the load balancer's view, flow control, desynced and closed nodes, replicas
//! (case 43).

use super::{Context, Finding, Severity, Sign, is_in};
use crate::facts::{Known, NodeName, Role, keys};
use crate::judge::proxy::{Backend, backends};
use crate::judge::{Server, Standing};

/// The part of time for which replication may be paused before it is said.
const PAUSED: f64 = 0.1;

/// A load balancer that sends clients elsewhere than the cluster serves (case 43).
pub(super) fn load_balancer(context: &Context<'_>) -> Vec<Finding> {
    let proxies = context.reading.nodes.iter().filter(|node| node.survey.role == Role::Proxy);
    let mut found = Sign {
        id: "galera.proxy-view",
        cases: &[43],
        severity: Severity::Degraded,
        next: "Look at its health check of those nodes (clustercheck: 200 or 503) and at its own configuration; of a node that was \
               not read, it may be the one that knows. The cluster is not back before a write through it is.",
        facts: &[keys::PROXY_KIND.name(), keys::PROXY_BACKENDS.name()],
    }
    .of(proxies, |proxy| {
        if proxy.survey.facts.get(keys::PROXY_KIND).is(|kind| kind.as_str().is_empty()) {
            return Some("no load balancer runs there".to_owned());
        }
        let rows = backends(proxy)?;
        let wrong: Vec<String> = context
            .reading
            .data()
            .filter_map(|node| {
                let of: Vec<&Backend> = rows.iter().filter(|row| row.is(node)).collect();
                contradicts(&of, context.standing(node.name()), node.name())
            })
            .collect();
        if wrong.is_empty() && !rows.is_empty() && !rows.iter().any(Backend::serves) {
            return Some("it sends clients to no server at all".to_owned());
        }
        (!wrong.is_empty()).then(|| wrong.join(", "))
    });
    found.extend(clustercheck(context));
    found
}

/// A server can have several rows: ProxySQL keeps a writer in reserve as SHUNNED in one group and ONLINE in another.
fn contradicts(rows: &[&Backend], standing: Option<Standing>, node: &NodeName) -> Option<String> {
    let Some(row) = rows.iter().find(|row| row.serves()).or(rows.first()) else {
        return (standing == Some(Standing::Synced))
            .then(|| format!("it does not know {node}, which is SYNCED"));
    };
    match (row.serves(), standing) {
        (true, Some(Standing::Synced | Standing::Donor | Standing::Joining)) | (_, None) => None,
        (true, Some(other)) => Some(format!("it sends clients to {node}, which is {}", other.as_str())),
        (false, Some(Standing::Synced)) => {
            Some(format!("it holds {node}, which is SYNCED, for {}", row.state))
        }
        (false, Some(_)) => None,
    }
}

/// A node's own clustercheck that says another thing than the group.
fn clustercheck(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.proxy-view",
        cases: &[43],
        severity: Severity::Warning,
        next: "Run the script by hand as its user: a wrong password or a full connection table looks like a sick node, and a \
               check that always says 200 sends clients to a dead one.",
        facts: &[keys::CLUSTERCHECK.name(), keys::WSREP_LOCAL_STATE.name()],
    }
    .on(context, |node| {
        let answer = *node.survey.facts.get(keys::CLUSTERCHECK).known()?;
        match (answer, context.standing(node.name())) {
            (200, Some(Standing::Synced | Standing::Donor) | None) => None,
            (200, Some(other)) => Some(format!("its clustercheck says 200, and it is {}", other.as_str())),
            (other, Some(Standing::Synced)) => Some(format!("its clustercheck says {other}, and it is SYNCED")),
            _ => None,
        }
    })
}

/// Replication is held back by a node that cannot follow.
pub(super) fn flow_control(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.flow-control",
        cases: &[26],
        severity: Severity::Warning,
        next: "The node with the longest receive queue holds the others back: look at its disk and its load, or take it out \
               (desync) until it has caught up.",
        facts: &[
            keys::WSREP_FLOW_CONTROL.name(),
            keys::WSREP_FLOW_ACTIVE.name(),
            keys::WSREP_FLOW_SENT.name(),
            keys::WSREP_RECV_QUEUE.name(),
        ],
    }
    .on(context, |node| {
        let facts = &node.survey.facts;
        let paused = facts.get(keys::WSREP_FLOW_CONTROL);
        let paused = paused.known().and_then(|text| text.as_str().parse::<f64>().ok());
        let active = facts.get(keys::WSREP_FLOW_ACTIVE).is(|active| *active);
        let long = paused.filter(|paused| *paused >= PAUSED);
        if !active && long.is_none() {
            return None;
        }
        let queue = facts.get(keys::WSREP_RECV_QUEUE);
        let queue = queue.known().map_or_else(String::new, |queue| format!(", {queue} write-sets wait to be applied"));
        Some(match (active, long) {
            (true, _) => format!("replication is paused by flow control at this moment{queue}"),
            (false, Some(long)) => format!("replication was paused for {:.0} % of the time{queue}", long * 100.0),
            (false, None) => return None,
        })
    })
}

/// A member that is Donor/Desynced with no transfer to be seen.
pub(super) fn desynced(context: &Context<'_>) -> Vec<Finding> {
    let transfers = context.reading.data().any(|node| {
        context.standing(node.name()) == Some(Standing::Joining)
            || !matches!(node.survey.facts.get(keys::TRANSFER_PROCESSES), Known::Known(all) if all.is_empty())
    });
    if transfers {
        return Vec::new();
    }
    Sign {
        id: "galera.desynced",
        cases: &[],
        severity: Severity::Warning,
        next: "Find who desynced it: wsrep_desync=ON, a backup, or FLUSH TABLES WITH READ LOCK (SHOW PROCESSLIST). Load \
               balancers take it for unavailable.",
        facts: &[keys::WSREP_LOCAL_COMMENT.name(), keys::WSREP_DESYNC.name(), keys::VAR_DESYNC.name()],
    }
    .on(context, |node| {
        let by_hand = node.survey.facts.get(keys::VAR_DESYNC).is(|on| *on);
        let how = if by_hand { "wsrep_desync is ON" } else { "a lock or a backup" };
        (context.standing(node.name()) == Some(Standing::Donor))
            .then(|| format!("it is Donor/Desynced with no state transfer to be seen ({how})"))
    })
}

/// A server that refuses clients because it was told to.
pub(super) fn rejecting(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.queries-rejected",
        cases: &[],
        severity: Severity::Warning,
        next: "SET GLOBAL wsrep_reject_queries=NONE when whoever set it agrees.",
        facts: &[keys::VAR_REJECT.name()],
    }
    .on(context, |node| {
        let reject = node.survey.facts.get(keys::VAR_REJECT);
        let reject = reject.known().filter(|_| is_in(node, Server::Running))?.to_string();
        (!reject.is_empty() && reject != "NONE")
            .then(|| format!("wsrep_reject_queries is {reject}: clients are refused"))
    })
}

/// Asynchronous replicas that read a node's binary log.
pub(super) fn replicas(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.replicas",
        cases: &[],
        severity: Severity::Info,
        next: "They stop, or diverge, when this node takes a full transfer: point them elsewhere first.",
        facts: &[keys::REPLICAS.name()],
    }
    .on(context, |node| {
        let replicas = node.survey.facts.get(keys::REPLICAS);
        let replicas: Vec<String> = replicas.known()?.iter().map(ToString::to_string).collect();
        (!replicas.is_empty())
            .then(|| format!("asynchronous replicas read from it ({})", replicas.join(", ")))
    })
}
