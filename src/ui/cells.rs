//! What a survey says of each node, cell by cell, and of the cluster in one sentence: the same words on the page of text
//! and on the screen.

use crate::facts::{
    ClusterUuid, Facts, Key, Known, NodeName, NodeSurvey, Plain, PositionSource, Reach, Role, ValueType, keys,
};
use crate::judge::{self, Blocked, Judgement, NodeJudgement, Standing, Transfer, Verdict};

/// What one cell says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// A value.
    Is(String),
    /// Not known.
    Unknown(String),
    /// Nothing to say.
    Blank,
}

/// One fact of every node.
pub(super) struct Row {
    /// What it is called.
    pub(super) name: &'static str,
    /// Whether a difference between nodes is worth a mark.
    pub(super) compared: bool,
    /// Whether it is what the judgement found, which a survey that is not complete does not have.
    pub(super) judged: bool,
    /// What its cell of a node says.
    pub(super) cell: Tell,
}

/// The rows in their order.
pub(super) const ROWS: &[Row] = &[
    judged("server", server),
    judged("standing", standing),
    judged("position", position),
    row("cluster uuid", true, uuid),
    row("group", false, group),
    row("wsrep state", false, state),
    row("state file", false, state_file),
    row("last view", true, view),
    row("unit", false, unit),
    row("restarts itself", true, restarts),
    row("flush", true, flush),
    row("free room", false, room),
    row("transfer", false, transfer),
    judged("way back", way_back),
    row("votes in", false, votes),
    row("serves", false, serves),
    row("ssh", false, |node, _| reach(&node.ssh)),
    row("sql", false, |node, _| reach(&node.sql)),
];

type Tell = fn(&NodeSurvey, &NodeJudgement) -> Cell;

const fn row(name: &'static str, compared: bool, cell: Tell) -> Row {
    Row { name, compared, judged: false, cell }
}

const fn judged(name: &'static str, cell: Tell) -> Row {
    Row { name, compared: false, judged: true, cell }
}

impl Row {
    /// Which of its cells say something else than the first that says anything, where that is worth a mark.
    pub(super) fn differing(&self, cells: &[Cell]) -> Vec<bool> {
        let first = cells.iter().find(|cell| matches!(cell, Cell::Is(_)));
        let other = |cell: &Cell| matches!(cell, Cell::Is(_)) && first != Some(cell);
        cells.iter().map(|cell| self.compared && other(cell)).collect()
    }
}

/// What is at stake, in one sentence.
pub(super) fn sentence(judgement: &Judgement) -> String {
    if let Some(primary) = &judgement.primary {
        let members: Vec<&str> = primary.members.iter().map(NodeName::as_str).collect();
        let loss = match &judgement.loss {
            Known::Known(lost) if lost.0 == 0 => String::new(),
            Known::Known(lost) => format!(" {} write-sets exist only outside it.", lost.0),
            Known::Unknown(why) => {
                format!(" Whether all surveyed write-sets are in it is unknown: {}.", why.text)
            }
        };
        return format!(
            "Primary Component {} at {}, size {}: {}.{loss}",
            primary.uuid.short(),
            primary.seqno,
            primary.size,
            members.join(" ")
        );
    }
    if judgement.findings.iter().any(|finding| finding.id == "galera.two-primaries") {
        return "Split brain: more than one Primary Component.".to_owned();
    }
    let loss = match &judgement.loss {
        Known::Known(lost) => format!("going on from it loses {} write-sets of the surveyed nodes", lost.0),
        Known::Unknown(why) => format!("what going on from it would lose is unknown: {}", why.text),
    };
    match &judgement.candidates[..] {
        [] if judgement.verdict == Verdict::Outage => {
            "No Primary Component. Which node holds the most is not known.".to_owned()
        }
        [] => "Whether there is a Primary Component is not known, nor which node holds the most.".to_owned(),
        [one] => format!("No Primary Component. {one} has the highest position; {loss}."),
        several => {
            let names: Vec<&str> = several.iter().map(NodeName::as_str).collect();
            format!("No Primary Component. {} have the highest position; {loss}.", names.join(", "))
        }
    }
}

/// What is in the way, nodes with the same reason and remedy on one line: rule, nodes, reason, remedy.
pub(super) fn blocked(all: &[Blocked]) -> Vec<(&'static str, String, &Plain, &Plain)> {
    let mut rows: Vec<(&'static str, String, &Plain, &Plain)> = Vec::new();
    for one in all {
        let node = one.node.as_ref().map(|node| format!(" {node}")).unwrap_or_default();
        match rows.iter_mut().find(|row| (row.0, row.2, row.3) == (one.rule, &one.why, &one.would_change)) {
            Some(row) => row.1.push_str(&node),
            None => rows.push((one.rule, node, &one.why, &one.would_change)),
        }
    }
    rows
}

fn server(_: &NodeSurvey, judged: &NodeJudgement) -> Cell {
    match &judged.server {
        Known::Known(server) => Cell::Is(server.to_string()),
        Known::Unknown(_) => Cell::Unknown("unknown".to_owned()),
    }
}

fn standing(_: &NodeSurvey, judged: &NodeJudgement) -> Cell {
    match judged.standing {
        None => Cell::Blank,
        Some(Standing::Unknown) => Cell::Unknown("UNKNOWN".to_owned()),
        standing => Cell::Is(stands(standing)),
    }
}

/// A standing with its distance; a role that has no history has none.
pub(super) fn stands(standing: Option<Standing>) -> String {
    let Some(standing) = standing else { return "none".to_owned() };
    match standing.by() {
        Some(by) => format!("{} by {by}", standing.as_str()),
        None => standing.as_str().to_owned(),
    }
}

/// Where a position was read, in a word.
pub(super) fn source(source: PositionSource) -> &'static str {
    match source {
        PositionSource::Status => "live",
        PositionSource::StateFile => "state file",
        PositionSource::Recover => "recovered",
        PositionSource::Journal => "logged",
    }
}

fn position(_: &NodeSurvey, judged: &NodeJudgement) -> Cell {
    match &judged.position {
        Known::Known(held) => Cell::Is(format!("{} {}", held.position.seqno, source(held.source))),
        Known::Unknown(_) if judged.standing.is_none_or(|s| s == Standing::Arbitrator) => Cell::Blank,
        Known::Unknown(_) => Cell::Unknown("not known".to_owned()),
    }
}

fn uuid(node: &NodeSurvey, judged: &NodeJudgement) -> Cell {
    if let Known::Known(held) = &judged.position {
        return Cell::Is(held.position.uuid.short());
    }
    of_data(node, || show(&node.facts, keys::GRASTATE_UUID, ClusterUuid::short))
}

fn group(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    let size = node.facts.get(keys::WSREP_CLUSTER_SIZE);
    let size = size.known().map(|size| format!(" of {size}")).unwrap_or_default();
    optional(&node.facts, keys::WSREP_CLUSTER_STATUS, |status| format!("{status}{size}"))
}

fn state(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    let ready = node.facts.get(keys::WSREP_READY);
    let ready = if ready.is(|ready| *ready) { "" } else { ", not ready" };
    optional(&node.facts, keys::WSREP_LOCAL_COMMENT, |state| format!("{state}{ready}"))
}

fn state_file(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    of_data(node, || file_cell(&node.facts))
}

fn file_cell(facts: &Facts) -> Cell {
    let file = match facts.get(keys::GRASTATE_FILE) {
        Known::Known(file) => file,
        Known::Unknown(why) => return unknown(&why.text),
    };
    if file.as_str() != "valid" {
        return Cell::Is(file.to_string());
    }
    let seqno = match facts.get(keys::GRASTATE_SEQNO) {
        Known::Known(seqno) => seqno.to_string(),
        Known::Unknown(why) => why.text.as_str().split([' ', ':']).next().unwrap_or("?").to_owned(),
    };
    let safe = match facts.get(keys::GRASTATE_SAFE) {
        Known::Known(true) => ", safe 1",
        Known::Known(false) => ", safe 0",
        Known::Unknown(_) => ", safe ?",
    };
    Cell::Is(format!("{seqno}{safe}"))
}

fn view(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    match node.facts.get(keys::GVWSTATE_FILE) {
        Known::Known(file) if file.as_str() != "valid" => Cell::Is(file.to_string()),
        Known::Known(_) => {
            show(&node.facts, keys::GVWSTATE_MEMBERS, |members| format!("{} members", members.len()))
        }
        Known::Unknown(why) => of_data(node, || unknown(&why.text)),
    }
}

fn unit(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    let sub = node.facts.get(keys::UNIT_SUB);
    let sub = sub.known().map(|sub| format!("/{sub}")).unwrap_or_default();
    show(&node.facts, keys::UNIT_ACTIVE, |active| format!("{active}{sub}"))
}

fn restarts(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    let delay = node.facts.get(keys::UNIT_RESTART_DELAY);
    let delay = delay.known().map(|delay| format!(" {delay}")).unwrap_or_default();
    show(&node.facts, keys::UNIT_RESTART, |restart| match restart.as_str() {
        "no" => "no".to_owned(),
        restart => format!("{restart}{delay}"),
    })
}

fn flush(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    let sync = node.facts.get(keys::VAR_SYNC_BINLOG);
    let sync = sync.known().map_or_else(|| "?".to_owned(), u64::to_string);
    optional(&node.facts, keys::VAR_FLUSH, |flush| format!("{flush}/{sync}"))
}

fn room(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    let size = node.facts.get(keys::DISK_SIZE);
    let size = size.known().map(|size| format!(" of {}", bytes(*size))).unwrap_or_default();
    let free = |free: &u64| format!("{}{size}", bytes(*free));
    match node.role {
        Role::Data => show(&node.facts, keys::DISK_FREE, free),
        _ => optional(&node.facts, keys::DISK_FREE, free),
    }
}

fn transfer(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    match node.facts.get(keys::TRANSFER_MARKERS).known().and_then(|markers| markers.first().cloned()) {
        Some(marker) => Cell::Is(marker.to_string()),
        None => Cell::Blank,
    }
}

/// What its join would take.
fn way_back(_: &NodeSurvey, judged: &NodeJudgement) -> Cell {
    let Some(forecast) = &judged.forecast else { return Cell::Blank };
    match (forecast.transfer, forecast.write_sets, forecast.bytes) {
        (Transfer::Ist, Some(lacks), _) => Cell::Is(format!("IST of {lacks}")),
        (Transfer::Unknown, _, _) => Cell::Unknown(Transfer::Unknown.as_str().to_owned()),
        (transfer, _, Some(size)) => Cell::Is(format!("{} of {}", transfer.as_str(), bytes(size))),
        (transfer, _, None) => Cell::Is(transfer.as_str().to_owned()),
    }
}

/// The group that an arbitrator votes in.
fn votes(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    match node.role {
        Role::Arbitrator => show(&node.facts, keys::ARBITRATOR_GROUP, Plain::to_string),
        _ => Cell::Blank,
    }
}

/// What clients are told of a node by its clustercheck; of a load balancer, how many servers it sends them to.
fn serves(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    if node.role != Role::Proxy {
        return optional(&node.facts, keys::CLUSTERCHECK, |answer| format!("clustercheck {answer}"));
    }
    show(&node.facts, keys::PROXY_BACKENDS, |rows| {
        let up = rows.iter().filter(|row| judge::sends_to(row)).count();
        format!("{up} of {} up", rows.len())
    })
}

/// What only a node that holds data has; others are not blamed for it.
fn of_data(node: &NodeSurvey, tell: impl FnOnce() -> Cell) -> Cell {
    if node.role == Role::Data { tell() } else { Cell::Blank }
}

fn reach(reach: &Reach) -> Cell {
    match (reach.is_ok(), reach.detail.as_str()) {
        (true, "") => Cell::Is("ok".to_owned()),
        (true, detail) => Cell::Is(format!("ok, {detail}")),
        (false, _) => Cell::Is(reach.word.as_str().to_owned()),
    }
}

/// A fact every node should have: its absence is worth a mark.
fn show<T: ValueType>(facts: &Facts, key: Key<T>, tell: impl Fn(&T) -> String) -> Cell {
    match facts.get(key) {
        Known::Known(value) => Cell::Is(tell(&value)),
        Known::Unknown(why) => unknown(&why.text),
    }
}

/// A fact that only a running server has.
fn optional<T: ValueType>(facts: &Facts, key: Key<T>, tell: impl Fn(&T) -> String) -> Cell {
    facts.get(key).known().map_or(Cell::Blank, |value| Cell::Is(tell(value)))
}

fn unknown(why: &Plain) -> Cell {
    Cell::Unknown(why.to_string())
}

/// `780 MiB`, `1.0 GiB`: binary units, one digit below ten.
pub(super) fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut scale = 1u64;
    let mut unit = "B";
    for next in units {
        unit = next;
        if n / scale < 1024 || next == "EiB" {
            break;
        }
        scale = scale.saturating_mul(1024);
    }
    let whole = n / scale;
    if whole < 10 && scale > 1 {
        let tenth = (n % scale) * 10 / scale;
        return format!("{whole}.{tenth} {unit}");
    }
    format!("{whole} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(780 << 20), "780 MiB");
        assert_eq!(bytes(1 << 30), "1.0 GiB");
        assert_eq!(bytes(u64::MAX), "15 EiB");
    }
}
