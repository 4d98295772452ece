//! The state files: whose they are, what they contradict, and which last view they remember (cases 13, 14, 16 to 18, 28, 31,
//! 33, 45).

use std::collections::BTreeSet;

use super::{Context, Finding, POSITION_FACTS, Severity, Sign, is_in, logged, quoted, size};
use crate::facts::{Known, Plain, WhyKind, keys};
use crate::judge::safety::s03;
use crate::judge::{NodeReading, Server, Standing};

const FILE_FACTS: &[&str] = &[
    keys::GRASTATE_STAT.name(),
    keys::GRASTATE_MTIME.name(),
    keys::DATADIR_OWNER.name(),
    keys::SERVER_USER.name(),
    keys::LOG_KNOWN.name(),
];

/// A state file or a data directory that is not the server's (case 28).
pub(super) fn wrong_owner(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.wrong-owner",
        cases: &[28],
        severity: Severity::Degraded,
        next: "Give it back to the server's user (chown, on that file alone) before any start: a server that cannot write \
               its state file does not start, one that cannot read it starts without a position.",
        facts: FILE_FACTS,
    }
    .on(context, |node| {
        let facts = &node.survey.facts;
        let user = facts.get(keys::SERVER_USER);
        let strange = |owner: &str| {
            let user = user.known().filter(|user| !user.as_str().is_empty())?;
            let name = owner.split(':').next()?;
            (name != user.as_str()).then(|| format!("is {owner}, and the server runs as {user}"))
        };
        let file = facts.get(keys::GRASTATE_STAT);
        // Size, owner and group, mode.
        let owner = file
            .known()
            .and_then(|stat| stat.as_str().split([' ', ',']).find(|word| word.contains(':')).map(str::to_owned));
        if let Some(how) = owner.as_deref().and_then(strange) {
            return Some(format!("grastate.dat {how}"));
        }
        let datadir = facts.get(keys::DATADIR_OWNER);
        let owner = datadir.known().and_then(|owner| owner.as_str().split(' ').next().map(str::to_owned));
        if let Some(how) = owner.as_deref().and_then(strange) {
            return Some(format!("the data directory {how}"));
        }
        // Whose they are now is seen, and right. That it could not open the file for reading, a server also says of one that
        // is not there.
        if file.known().is_some() && datadir.known().is_some() && user.known().is_some() {
            return None;
        }
        logged(node, &["state-file-unwritable"]).map(|seen| quoted(&seen))
    })
}

/// No data node has an identity left (case 14).
pub(super) fn no_identity(context: &Context<'_>) -> Vec<Finding> {
    let nodes = context.data(|_, _| true);
    let zero = |node: &NodeReading<'_>| {
        let facts = &node.survey.facts;
        let undefined =
            facts.get(keys::GRASTATE_UUID).why().is_some_and(|why| why.kind == WhyKind::Undefined);
        let missing = facts.get(keys::GRASTATE_FILE).is(|file| matches!(file.as_str(), "missing" | "empty"));
        node.is_gone() && (undefined || missing) && node.position.known().is_none()
    };
    if nodes.is_empty() || !nodes.iter().all(|node| zero(node)) {
        return Vec::new();
    }
    let used: Vec<String> = nodes
        .iter()
        .map(|node| match node.survey.facts.get(keys::DATADIR_USED) {
            Known::Known(used) => format!("{} {}", node.name(), size(used)),
            Known::Unknown(_) => format!("{} not known", node.name()),
        })
        .collect();
    let sign = Sign {
        id: "galera.no-identity",
        cases: &[14],
        severity: Severity::Outage,
        next: "Recover every node's position: an engine can still know its history. Where none does, choose by what the data \
               directories hold (copies of them, mounted elsewhere), or restore a backup; a bootstrap then begins a new \
               history, and every other node takes it whole.",
        facts: POSITION_FACTS,
    };
    let text = format!(
        "No node's state file names a cluster: each reads as no history at all, and Galera can take each of them for safe \
         to bootstrap. The data directories take: {}.",
        used.join(", ")
    );
    sign.that(&nodes, text)
        .into_iter()
        .map(|found| Finding { runbook: Some("galera-positions"), ..found })
        .collect()
}

/// A position outside its grammar (case 31).
pub(super) fn malformed(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.position-malformed",
        cases: &[31],
        severity: Severity::Warning,
        next: "Read the line yourself; it counts as no position. Recover it anew from the engine.",
        facts: &[keys::GRASTATE_RAW.name(), keys::GRASTATE_FILE.name()],
    }
    .on(context, |node| {
        let facts = &node.survey.facts;
        let bad = |why: Option<String>| why.filter(|_| !is_in(node, Server::Running));
        let file = facts.get(keys::GRASTATE_FILE);
        if file.is(|file| file.as_str().starts_with("malformed")) {
            return bad(Some(format!("grastate.dat is {}", file.known().map_or("", Plain::as_str))));
        }
        let of = |what: &str, why: Option<&crate::facts::Why>| {
            let why = why.filter(|why| why.kind == WhyKind::Malformed)?;
            Some(format!("{what}: {}", why.text))
        };
        let recovered = facts.get(keys::RECOVERED);
        let logged = facts.get(keys::LOG_POSITION);
        bad(of("the recovered position", recovered.why()).or_else(|| of("the logged position", logged.why())))
    })
}

/// Sources of one node's position that do not say one thing (case 33).
pub(super) fn disagree(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.positions-disagree",
        cases: &[33],
        severity: Severity::Warning,
        next: "The engine's own word, recovered now, is what the node holds; the state file is what a start would use, and \
               galera.cache only what it could give to others. Find out what was restored or copied before it is started; \
               on a joiner, move galera.cache aside.",
        facts: &[
            keys::GRASTATE_UUID.name(),
            keys::GRASTATE_SEQNO.name(),
            keys::RECOVERED.name(),
            keys::LOG_POSITION.name(),
            keys::GCACHE_UUID.name(),
            keys::GCACHE_HIGH.name(),
        ],
    }
    .on(context, contradiction)
}

fn contradiction(node: &NodeReading<'_>) -> Option<String> {
    let facts = &node.survey.facts;
    if !node.is_gone() {
        return None;
    }
    if let Some(blocked) = s03::contradicted(node.survey) {
        return Some(blocked.why.as_str().trim_end_matches('.').to_owned());
    }
    let engine = facts.get(keys::RECOVERED);
    if let (Known::Known(engine), Known::Known(start)) = (&engine, facts.get(keys::LOG_POSITION))
        && *engine != start
    {
        return Some(format!("its engine says {engine}, and its last start logged {start}"));
    }
    let file = facts.get(keys::GRASTATE_UUID);
    let own = engine.known().map(|engine| engine.uuid).or_else(|| file.known().copied())?;
    let cached = facts.get(keys::GCACHE_UUID);
    if let Some(other) = cached.known().filter(|cached| **cached != own) {
        return Some(format!(
            "its galera.cache is of another history ({}) than its data ({})",
            other.short(),
            own.short()
        ));
    }
    let held = engine.known().map(|engine| engine.seqno).or_else(|| {
        facts.get(keys::GRASTATE_SEQNO).known().copied().filter(|_| is_in(node, Server::Stopped))
    })?;
    let high = facts.get(keys::GCACHE_HIGH);
    let high = high.known().filter(|high| **high > held)?;
    Some(format!(
        "its galera.cache reaches {high}, its data {held}: what is only cached is not held, and a position from an older \
         life of this data looks like this"
    ))
}

/// A state file that a hand has written since the server ended (case 45).
pub(super) fn edited(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.state-file-edited",
        cases: &[45, 48],
        severity: Severity::Warning,
        next: "Ask who wrote it and why. A safe_to_bootstrap of 1 set after the crash is no evidence: recover the engine's \
               position and compare.",
        facts: &[
            keys::GRASTATE_MTIME.name(),
            keys::GRASTATE_SAFE.name(),
            keys::GRASTATE_SEQNO.name(),
            keys::UNIT_EXITED.name(),
            keys::LOG_LAST_END_AT.name(),
        ],
    }
    .on(context, |node| {
        let blocked = s03::edited(node.survey)?;
        let safe = node.survey.facts.get(keys::GRASTATE_SAFE).is(|safe| *safe);
        let flag = if safe { "; it says safe_to_bootstrap: 1" } else { "" };
        Some(format!("{}{flag}", blocked.why))
    })
}

/// An empty gvwstate.dat, at which a start ends (case 16).
pub(super) fn empty_view(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.gvwstate-empty",
        cases: &[16],
        severity: Severity::Warning,
        next: "Move it aside (keep the copy) before the node is started: it holds nothing.",
        facts: &[keys::GVWSTATE_FILE.name(), keys::GVWSTATE_STAT.name(), keys::LOG_KNOWN.name()],
    }
    .on(context, |node| {
        let file = node.survey.facts.get(keys::GVWSTATE_FILE);
        let file =
            file.known().filter(|_| !is_in(node, Server::Running)).map(|file| file.as_str().to_owned());
        match file.as_deref() {
            Some("empty") => Some("gvwstate.dat is empty, and a start ends at it (invalid UUID)".to_owned()),
            Some(other) if other.starts_with("malformed") => Some(format!("gvwstate.dat is {other}")),
            _ => logged(node, &["gvwstate-invalid"]).map(|seen| quoted(&seen)),
        }
    })
}

/// A saved view that names nobody who is in the group now (case 17).
pub(super) fn stale_view(context: &Context<'_>) -> Vec<Finding> {
    let Some(primary) = &context.reading.primary else { return Vec::new() };
    let present: BTreeSet<String> = context
        .data(|node, _| primary.members.contains(node.name()))
        .iter()
        .filter_map(|node| node.survey.facts.get(keys::WSREP_GCOMM_UUID).known().map(ToString::to_string))
        .collect();
    // A member that does not say who it is could be one of the view's.
    if present.len() < primary.members.len() {
        return Vec::new();
    }
    Sign {
        id: "galera.gvwstate-stale",
        cases: &[17],
        severity: Severity::Warning,
        next: "Move it aside (keep the copy) before the node is started: with it, the node looks for that group again, under \
               its old UUID.",
        facts: &[keys::GVWSTATE_MEMBERS.name(), keys::GVWSTATE_VIEW.name(), keys::GVWSTATE_MTIME.name()],
    }
    .on(context, |node| {
        if context.reading.is_member(node.name()) || is_in(node, Server::Running) {
            return None;
        }
        let members = node.survey.facts.get(keys::GVWSTATE_MEMBERS);
        let members = members.known()?;
        (!members.iter().any(|member| present.contains(member.as_str())))
            .then(|| "gvwstate.dat remembers a view of which no member is in the group now".to_owned())
    })
}

/// A cluster address that names none of the other nodes (case 18).
pub(super) fn peers_changed(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.peers-changed",
        cases: &[18],
        severity: Severity::Warning,
        next: "Correct wsrep_cluster_address (or the addresses) on that node before it is started; with a saved view it waits \
               for ever for members that do not come, and gvwstate.dat has to be moved aside.",
        facts: &[
            keys::VAR_CLUSTER_ADDRESS.name(),
            keys::VAR_NODE_ADDRESS.name(),
            keys::GVWSTATE_MEMBERS.name(),
        ],
    }
    .on(context, |node| {
        if context.reading.is_member(node.name()) {
            return None;
        }
        let said = node.survey.facts.get(keys::VAR_CLUSTER_ADDRESS);
        let said = said.known()?.as_str().strip_prefix("gcomm://")?.split('?').next()?.to_owned();
        let named: Vec<&str> = said.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
        let mut others = Vec::new();
        for other in context.reading.data().filter(|other| other.name() != node.name()) {
            let facts = &other.survey.facts;
            others.push(facts.get(keys::VAR_NODE_ADDRESS).known()?.to_string());
            others.extend(facts.get(keys::HOST_NAME).known().map(ToString::to_string));
        }
        // A name can be an alias: only addresses that are none of the others' prove it.
        let address = |host: &&str| host.trim_matches(['[', ']']).chars().all(|c| c.is_ascii_hexdigit() || ".:".contains(c));
        let host = |address: &str| address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
        let strange = !others.is_empty()
            && !named.is_empty()
            && named.iter().all(address)
            && !named.iter().any(|name| others.iter().any(|other| other == name || host(other) == host(name)));
        strange.then(|| format!("wsrep_cluster_address names {said}, and none of the other nodes has such an address"))
    })
}

/// The last views that the nodes remember, where they are not one (case 13).
pub(super) fn last_views(context: &Context<'_>) -> Vec<Finding> {
    if context.reading.primary.is_some() || context.reading.views.split() {
        return Vec::new();
    }
    let nodes = context.data(|node, judged| {
        judged.standing != Some(Standing::Tainted)
            && node.survey.facts.get(keys::GVWSTATE_MEMBERS).known().is_some()
    });
    let view = |node: &NodeReading<'_>| {
        let facts = &node.survey.facts;
        let mut members: Vec<String> =
            facts.get(keys::GVWSTATE_MEMBERS).known()?.iter().map(ToString::to_string).collect();
        members.sort();
        Some((facts.get(keys::GVWSTATE_VIEW_SEQ).known().copied(), members))
    };
    let views: BTreeSet<_> = nodes.iter().filter_map(|node| view(node)).collect();
    if views.len() < 2 {
        return Vec::new();
    }
    let said: Vec<String> = nodes
        .iter()
        .filter_map(|node| {
            let (seq, members) = view(node)?;
            let seq = seq.map_or_else(String::new, |seq| format!(" (number {seq})"));
            Some(format!("{} a view of {}{seq}", node.name(), members.len()))
        })
        .collect();
    let sign = Sign {
        id: "galera.last-views",
        cases: &[13],
        severity: Severity::Info,
        next: "Only corroborates: the view with the highest number was the last Primary that is remembered, but what decides is \
               the positions.",
        facts: &[keys::GVWSTATE_VIEW.name(), keys::GVWSTATE_MEMBERS.name()],
    };
    let text = format!("The nodes remember different last Primary views: {}.", said.join(", "));
    sign.that(&nodes, text)
}
