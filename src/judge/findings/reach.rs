//! Nodes and servers that did not answer.

use super::{Context, Finding, Severity, Sign, evidence, is_in, list, names};
use crate::facts::{Mode, Plain, Reach, ReachWord, Role, WhyKind, keys};
use crate::judge::{NodeReading, Server, reason};

/// Machines that were not reached: one finding per node, for each has its own reason and next step (case 6).
pub(super) fn unreachable(context: &Context<'_>) -> Vec<Finding> {
    context
        .reading
        .nodes
        .iter()
        .filter(|node| !node.survey.ssh.is_ok())
        .map(|node| {
            let severity =
                if node.survey.role == Role::Data { Severity::Degraded } else { Severity::Warning };
            let text = format!(
                "{} was not read ({}): {}. Not answering is not being down.",
                node.name(),
                node.survey.ssh.word.as_str(),
                node.survey.ssh.detail
            );
            finding("galera.unreachable", vec![3, 6, 46], severity, node, text, &node.survey.ssh)
        })
        .collect()
}

/// A server process that is stopped by a signal.
pub(super) fn frozen(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|node, _| is_in(node, Server::Frozen));
    if nodes.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.server-frozen",
        cases: vec![10],
        severity: Severity::Degraded,
        nodes: names(&nodes),
        text: Plain::new(format!(
            "The server on {} is stopped by a signal (state T): its ports accept and nothing answers. Its peers give it \
             up after some seconds; thawed, it claims its old view for seconds more.",
            list(&nodes)
        )),
        next: Plain::new("Find out who stopped it before you continue it (kill -CONT PID)."),
        evidence: evidence(&nodes, &[keys::SERVER_STATE.name(), keys::SERVER_PIDS.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// Two names of one server: it would confirm itself (S6, S18).
pub(super) fn same_machine(context: &Context<'_>) -> Vec<Finding> {
    let identity = |node: &NodeReading<'_>| {
        let facts = &node.survey.facts;
        let machine = facts.get(keys::HOST_MACHINE_ID).known().cloned()?;
        Some((machine, facts.get(keys::DATADIR_IDENTITY).known().cloned()?))
    };
    let all = context.data(|node, _| identity(node).is_some());
    let twins: Vec<_> = all
        .iter()
        .copied()
        .filter(|a| all.iter().filter(|b| identity(a) == identity(b)).count() > 1)
        .collect();
    if twins.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "galera.same-machine",
        cases: vec![],
        severity: Severity::Degraded,
        nodes: names(&twins),
        text: Plain::new(format!(
            "{} answer with one machine id and one data directory: one machine under several names, which counts once, or \
             clones of one image.",
            list(&twins)
        )),
        next: Plain::new(
            "Correct the inventory, or give a clone a machine id of its own (systemd-machine-id-setup); until then nothing here can be \
             trusted to be another node.",
        ),
        evidence: evidence(&twins, &[keys::HOST_MACHINE_ID.name(), keys::DATADIR_IDENTITY.name()]),
        runbook: None,
        blocked_by: vec![],
    }]
}

/// Two machines that give one machine id: an act could reach the one for the other (S18).
pub(super) fn same_machine_id(context: &Context<'_>) -> Vec<Finding> {
    let of = |node: &NodeReading<'_>, key| node.survey.facts.get(key).known().cloned();
    let all = context.data(|node, _| of(node, keys::HOST_MACHINE_ID).is_some());
    let twins: Vec<_> = all
        .iter()
        .copied()
        .filter(|one| {
            all.iter().any(|other| {
                one.name() != other.name()
                    && of(one, keys::HOST_MACHINE_ID) == of(other, keys::HOST_MACHINE_ID)
                    && of(one, keys::DATADIR_IDENTITY) != of(other, keys::DATADIR_IDENTITY)
            })
        })
        .collect();
    Sign {
        id: "galera.same-machine-id",
        cases: &[],
        severity: Severity::Warning,
        next: "Give each machine an id of its own (systemd-machine-id-setup) when there is time; until then only host key and \
               data directory tell these hosts apart.",
        facts: &[keys::HOST_MACHINE_ID.name(), keys::DATADIR_IDENTITY.name(), keys::HOST_KEY.name()],
    }
    .that(
        &twins,
        format!("{} have one machine id: two servers on one host, or clones of one image.", list(&twins)),
    )
}

/// The machine answers, and there is no such unit or no data directory where one was looked for.
pub(super) fn not_found(context: &Context<'_>) -> Vec<Finding> {
    let what = |node: &NodeReading<'_>| -> Vec<String> {
        let facts = &node.survey.facts;
        let shown = |key| facts.get(key).known().map_or_else(|| "?".to_owned(), Plain::to_string);
        let mut what = Vec::new();
        if facts.get(keys::UNIT_LOAD).is(|load| load.as_str() == "not-found") {
            what.push(format!("the unit {}", shown(keys::UNIT_NAME)));
        }
        // Files hold what somebody collected: what is not among them was not looked for.
        if context.reading.survey.mode == Mode::Bundle {
            return what;
        }
        if what.is_empty()
            && facts.get(keys::UNIT_NAME).known().is_none()
            && facts.get(keys::HOST_MANAGER).is(|manager| manager.as_str() == "systemd")
        {
            what.push("any unit of a MariaDB or MySQL server".to_owned());
        }
        if facts.get(keys::SERVER_BINARY).known().is_none() {
            what.push("a server binary".to_owned());
        }
        let datadir = facts.get(keys::DATADIR_IDENTITY);
        if datadir.why().is_some_and(|why| why.kind != WhyKind::Denied) {
            what.push(format!("the data directory {}", shown(keys::DATADIR_PATH)));
        }
        what
    };
    context
        .data(|node, _| node.survey.ssh.is_ok() && !what(node).is_empty())
        .into_iter()
        .map(|node| Finding {
            id: "galera.not-found",
            cases: vec![],
            severity: Severity::Degraded,
            nodes: vec![node.name().clone()],
            text: Plain::new(format!("On {}, this was not found: {}.", node.name(), what(node).join(", "))),
            next: Plain::new(
                "Say in the inventory where they are (unit, binary, datadir), install the server, or mount the volume.",
            ),
            evidence: evidence(&[node], &[keys::UNIT_LOAD.name(), keys::DATADIR_PATH.name()]),
            runbook: None,
            blocked_by: vec![],
        })
        .collect()
}

/// The machine answers, and what runs there could not be told.
pub(super) fn not_known(context: &Context<'_>) -> Vec<Finding> {
    context
        .data(|node, _| node.survey.ssh.is_ok() && node.server.known().is_none())
        .into_iter()
        .map(|node| {
            let why = reason(node.server.why());
            let denied = node.server.why().is_some_and(|why| why.kind == WhyKind::Denied);
            let next = if denied {
                "Log in as root, or set `become = true` in the inventory: this user may not read what decides it."
            } else {
                "Look at the unit and the end of the log on the node."
            };
            Finding {
                id: "galera.server-unknown",
                cases: vec![],
                severity: Severity::Degraded,
                nodes: vec![node.name().clone()],
                text: Plain::new(format!("What the server on {} does is not known: {why}.", node.name())),
                next: Plain::new(next),
                evidence: evidence(&[node], super::SERVER_FACTS),
                runbook: None,
                blocked_by: vec![],
            }
        })
        .collect()
}

/// The machine answers, a server runs, and SQL does not.
pub(super) fn sql_unanswered(context: &Context<'_>) -> Vec<Finding> {
    context
        .data(|node, _| {
            node.survey.ssh.is_ok()
                && is_in(node, Server::Running)
                && !matches!(node.survey.sql.word, ReachWord::Ok | ReachWord::NotTried)
        })
        .into_iter()
        .map(|node| {
            let sql = &node.survey.sql;
            let text = format!(
                "The server on {} runs and could not be asked ({}): {}.",
                node.name(),
                sql.word.as_str(),
                sql.detail
            );
            finding("galera.sql-unanswered", vec![], Severity::Degraded, node, text, sql)
        })
        .collect()
}

fn finding(
    id: &'static str,
    cases: Vec<u8>,
    severity: Severity,
    node: &NodeReading<'_>,
    text: String,
    reach: &Reach,
) -> Finding {
    Finding {
        id,
        cases,
        severity,
        nodes: vec![node.name().clone()],
        text: Plain::new(text),
        next: reach.next.clone(),
        evidence: evidence(&[node], &[keys::SERVER_STATE.name(), keys::UNIT_ACTIVE.name()]),
        runbook: None,
        blocked_by: vec![],
    }
}
