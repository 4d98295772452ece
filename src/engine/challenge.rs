//! What the typed confirmations and waivers say and ask for (U2–U4, U11, U12). Pure.

use jiff::{SignedDuration, Timestamp};

use crate::facts::{Known, NodeName, Plain, Survey, keys};
use crate::judge::{Blocked, Judgement, Standing};
use crate::runbook::{Action, PlanStep};

/// Verb and object.
pub fn title(action: &Action, node: &NodeName) -> String {
    let verb = match action {
        Action::Bootstrap => "BOOTSTRAP",
        Action::Join | Action::Start => "JOIN",
        Action::RecoverDirect => "CRASH-RECOVER IN PLACE",
        _ => "ACT ON",
    };
    format!("{verb} {node}")
}

/// What is typed to confirm an act on `node`. A loss above 0, or one that is not known, is never confirmed: it is waived
/// before, and what is left to confirm loses nothing of any surveyed node.
pub fn asked(node: &NodeName) -> String {
    format!("{node} lose 0")
}

/// What is typed to waive a rule on `node`: the node and what that may cost.
pub fn waiver(judgement: &Judgement, blocked: &Blocked, node: &NodeName) -> String {
    let standing = judgement.node(node).and_then(|node| node.standing);
    match (blocked.rule, standing) {
        ("S5", _) => format!("{node} is fenced"),
        ("S17", _) => format!("{node} transfer unproved"),
        (_, Some(Standing::Ahead(by))) => format!("{node} lose {by}"),
        _ => format!("{node} lose unknown"),
    }
}

/// The lines of a confirmation, in the order of U4.
pub fn lines(
    survey: &Survey,
    judgement: &Judgement,
    node: &NodeName,
    step: &PlanStep,
    joins: &[NodeName],
    now: Timestamp,
) -> Vec<(&'static str, Plain)> {
    let mut lines = vec![("host", host(survey, node))];
    let verb = match step.action {
        Action::Bootstrap => {
            format!("{node} becomes the one Primary Component; the others will follow its data")
        }
        Action::Join => format!("the server of {node} starts and takes what it lacks from the Primary"),
        Action::RecoverDirect => format!(
            "the server of {node} runs crash recovery in its data directory: engine files are rewritten, and cannot be \
             put back"
        ),
        _ => step.title.to_string(),
    };
    lines.push(("does", Plain::new(verb)));
    lines.push((
        "loses",
        Plain::new(
            "0 write-sets of any surveyed node that is not waived; Galera itself can have lost \
         acknowledged writes where nodes crashed close together",
        ),
    ));
    for other in joins {
        lines.push(("then", Plain::new(then(judgement, other))));
    }
    lines.push(("flush", Plain::new(flush(survey))));
    lines.push(("keeps", Plain::new("the state files of every node that was read, in the record; every other data directory, untouched until its own join")));
    lines.push(("backup", Plain::new("not known to Breakglass")));
    let oldest = survey.nodes.iter().map(|node| node.at).min().unwrap_or(survey.taken);
    let age = now.duration_since(oldest).max(SignedDuration::ZERO);
    lines.push(("evidence", Plain::new(format!("{} s old", age.as_secs()))));
    lines
}

fn host(survey: &Survey, node: &NodeName) -> Plain {
    let facts = survey.node(node).map(|node| &node.facts);
    let text = |key| facts.map(|facts| facts.get(key)).and_then(|known| known.known().map(Plain::to_string));
    let name = text(keys::HOST_NAME).unwrap_or_else(|| "host name not known".to_owned());
    let key = text(keys::HOST_KEY).unwrap_or_else(|| "no host key (command transport)".to_owned());
    let machine = text(keys::HOST_MACHINE_ID).unwrap_or_else(|| "not known".to_owned());
    Plain::new(format!("{name} · {key} · machine {machine} · data node of {}", survey.cluster))
}

/// Whether a bootstrap's text says of the node that it follows.
pub(super) fn follows(judgement: &Judgement, node: &NodeName) -> bool {
    let standing = judgement.node(node).and_then(|node| node.standing);
    matches!(
        standing,
        Some(
            Standing::Synced
                | Standing::Donor
                | Standing::Joining
                | Standing::Behind(_)
                | Standing::Candidate
                | Standing::Empty
        )
    )
}

/// What becomes of a node that joins afterwards, and what it loses.
fn then(judgement: &Judgement, node: &NodeName) -> String {
    let Some(judged) = judgement.node(node) else { return format!("{node} stays out") };
    match judged.standing {
        Some(Standing::Synced | Standing::Donor | Standing::Joining) => {
            format!("{node} is in the Primary already; loses 0")
        }
        Some(Standing::Behind(by)) => {
            let few = if by <= 3 { " (so small a gap can be membership changes, not data)" } else { "" };
            format!("{node} joins, behind by {by}{few}; loses 0")
        }
        Some(Standing::Candidate) => format!("{node} joins, at the same position; loses 0"),
        Some(Standing::Empty) => format!("{node} joins by a full transfer; it holds nothing, loses 0"),
        standing => {
            let word = standing.map_or("not read", Standing::as_str);
            format!("{node} stays out ({word}: {}); what it holds stays there", judged.why)
        }
    }
}

/// `innodb_flush_log_at_trx_commit` and `sync_binlog`: below 1 a crash can lose acknowledged commits.
fn flush(survey: &Survey) -> String {
    let one = |known: Known<u64>| known.known().map_or_else(|| "?".to_owned(), ToString::to_string);
    let settings: Vec<(String, String)> = survey
        .data_nodes()
        .map(|node| {
            let (log, binlog) = (node.facts.get(keys::VAR_FLUSH), node.facts.get(keys::VAR_SYNC_BINLOG));
            (node.name.to_string(), format!("{}/{}", one(log), one(binlog)))
        })
        .collect();
    if settings.iter().all(|(_, setting)| setting == "?/?") {
        return "not set in the option files; the servers' own settings are not known while they are down"
            .to_owned();
    }
    settings.iter().map(|(node, setting)| format!("{node} {setting}")).collect::<Vec<_>>().join(", ")
}
