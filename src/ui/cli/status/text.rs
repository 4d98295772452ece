//! The status as a page of text: nodes as columns, facts as rows, then the findings.
//!
//! ```text
//!  OUTAGE  shop · galera · LIVE                                2026-11-21 03:12:07Z
//!  All crashed …
//!
//!                   g1                   g2                   g3
//!  server           crashed              crashed              crashed
//!  standing         UNKNOWN              UNKNOWN              UNKNOWN
//!  …
//!
//!  1 outage    galera.all-crashed  g1 g2 g3
//!    What is the case …
//!    → what to do next …
//! ```

use unicode_width::UnicodeWidthStr as _;

use super::super::output::{Glyphs, fit, wrap};
use super::Picture;
use crate::facts::{
    ClusterUuid, Facts, Key, Known, Mode, NodeSurvey, Plain, PositionSource, Reach, ValueType, keys,
};
use crate::judge::{Blocked, Finding, Judgement, NodeJudgement, Standing, Verdict};

/// Width of the column of row names, its margin included.
const NAMES: usize = 18;
/// Node columns are never narrower; more nodes than fit go into further blocks below.
const NARROWEST: usize = 19;
/// A node column gains nothing from being wider.
const WIDEST: usize = 34;

/// What one cell says.
enum Cell {
    /// A value.
    Is(String),
    /// Not known.
    Unknown(String),
    /// Nothing to say.
    Blank,
}

type Row = (&'static str, bool, fn(&NodeSurvey, &NodeJudgement) -> Cell);

/// The rows: name, whether a difference between nodes is worth a mark, and what the cell says.
const ROWS: &[Row] = &[
    ("server", false, server),
    ("standing", false, standing),
    ("position", false, position),
    ("cluster uuid", true, uuid),
    ("group", false, group),
    ("wsrep state", false, state),
    ("state file", false, state_file),
    ("last view", true, view),
    ("unit", false, unit),
    ("restarts itself", true, restarts),
    ("flush", true, flush),
    ("room", false, room),
    ("transfer", false, transfer),
    ("ssh", false, |node, _| reach(&node.ssh)),
    ("sql", false, |node, _| reach(&node.sql)),
];

/// The whole page of one cluster, `columns` wide.
pub(super) fn page(picture: &Picture, columns: usize, glyphs: Glyphs) -> String {
    let mut lines = head(picture, columns, glyphs);
    lines.push(String::new());
    lines.extend(table(picture, columns, glyphs));
    for (index, finding) in picture.judgement.findings.iter().enumerate() {
        lines.push(String::new());
        lines.extend(self::finding(index + 1, finding, columns, glyphs));
    }
    lines.push(String::new());
    let mut page = String::new();
    for line in lines {
        page.push_str(line.trim_end());
        page.push('\n');
    }
    page
}

fn head(picture: &Picture, columns: usize, glyphs: Glyphs) -> Vec<String> {
    let Picture { survey, judgement } = picture;
    let mode = match survey.mode {
        Mode::Live => "LIVE",
        Mode::Lab => "LAB",
        Mode::Drill => "DRILL",
    };
    let dot = glyphs.dot;
    let left = format!(
        " {}  {} {dot} galera {dot} {mode}",
        judgement.verdict.as_str().to_uppercase(),
        survey.cluster
    );
    let time = survey.taken.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let used = left.width() + time.width() + 1;
    let mut lines = if used < columns {
        vec![format!("{left}{}{time}", " ".repeat(columns - used))]
    } else {
        // The name and the word come first; the time has a line of its own.
        vec![fit(&left, columns, glyphs.cut), fit(&format!(" {time}"), columns, glyphs.cut)]
    };
    lines.extend(
        wrap(&sentence(judgement), columns.saturating_sub(2)).into_iter().map(|line| format!(" {line}")),
    );
    lines
}

/// What is at stake, in one sentence.
fn sentence(judgement: &Judgement) -> String {
    if let Some(primary) = &judgement.primary {
        let members: Vec<&str> = primary.members.iter().map(crate::facts::NodeName::as_str).collect();
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
            let names: Vec<&str> = several.iter().map(crate::facts::NodeName::as_str).collect();
            format!("No Primary Component. {} have the highest position; {loss}.", names.join(", "))
        }
    }
}

fn table(picture: &Picture, columns: usize, glyphs: Glyphs) -> Vec<String> {
    let nodes: Vec<(&NodeSurvey, &NodeJudgement)> =
        picture.survey.nodes.iter().zip(&picture.judgement.nodes).collect();
    let room = columns.saturating_sub(NAMES);
    let per_block = (room / NARROWEST).max(1);
    let mut lines = Vec::new();
    for block in nodes.chunks(per_block) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let width = (room / per_block.min(nodes.len())).clamp(1, WIDEST);
        let names: Vec<String> =
            block.iter().map(|(node, _)| fit(node.name.as_str(), width - 1, glyphs.cut)).collect();
        lines.push(format!("{}{}", " ".repeat(NAMES), names.join(" ")));
        for (name, compared, cell) in ROWS {
            let cells: Vec<Cell> = block.iter().map(|(node, judged)| cell(node, judged)).collect();
            if cells.iter().all(|cell| matches!(cell, Cell::Blank)) {
                continue;
            }
            let first = cells.iter().find_map(|cell| match cell {
                Cell::Is(text) => Some(text.clone()),
                _ => None,
            });
            let shown: Vec<String> = cells
                .iter()
                .map(|cell| match cell {
                    Cell::Is(text) if *compared && first.as_ref() != Some(text) => {
                        format!("{}{text}", glyphs.differs)
                    }
                    Cell::Is(text) => text.clone(),
                    Cell::Unknown(text) => format!("{}{text}", glyphs.unknown),
                    Cell::Blank => String::new(),
                })
                .map(|text| fit(&text, width - 1, glyphs.cut))
                .collect();
            lines.push(format!(" {}{}", fit(name, NAMES - 1, glyphs.cut), shown.join(" ")));
        }
    }
    lines
}

fn finding(number: usize, finding: &Finding, columns: usize, glyphs: Glyphs) -> Vec<String> {
    let nodes: Vec<&str> = finding.nodes.iter().map(crate::facts::NodeName::as_str).collect();
    let title = format!(" {number} {:<9} {}  {}", finding.severity.as_str(), finding.id, nodes.join(" "));
    let mut lines = vec![fit(&title, columns, glyphs.cut)];
    let mut add = |lead: &str, text: &str| {
        // A lead that leaves no room beside it stands alone above its text.
        let beside = columns.saturating_sub(4 + lead.width());
        let (indent, room) =
            if beside < 16 { (0, columns.saturating_sub(4)) } else { (lead.width(), beside) };
        if indent < lead.width() {
            lines.push(fit(&format!("   {lead}"), columns, glyphs.cut));
        }
        for (index, line) in wrap(text, room).into_iter().enumerate() {
            let lead = if index == 0 && indent > 0 { lead.to_owned() } else { " ".repeat(indent) };
            lines.push(format!("   {lead}{line}"));
        }
    };
    add("", finding.text.as_str());
    if !finding.next.as_str().is_empty() {
        add(&format!("{} ", glyphs.arrow), finding.next.as_str());
    }
    if !finding.blocked_by.is_empty() {
        add("", "In the way of a bootstrap:");
    }
    for (rule, nodes, why, would_change) in blocked(&finding.blocked_by) {
        add(&format!("  {rule}{nodes}  "), &format!("{why} {} {would_change}", glyphs.arrow));
    }
    lines
}

/// What is in the way, nodes with the same reason and remedy on one line: rule, nodes, reason, remedy.
fn blocked(all: &[Blocked]) -> Vec<(&'static str, String, &Plain, &Plain)> {
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
        Some(standing) => Cell::Is(match standing.by() {
            Some(by) => format!("{} by {by}", standing.as_str()),
            None => standing.as_str().to_owned(),
        }),
    }
}

fn position(_: &NodeSurvey, judged: &NodeJudgement) -> Cell {
    match &judged.position {
        Known::Known(held) => {
            let source = match held.source {
                PositionSource::Status => "live",
                PositionSource::StateFile => "state file",
                PositionSource::Recover => "recovered",
                PositionSource::Journal => "logged",
            };
            Cell::Is(format!("{} {source}", held.position.seqno))
        }
        Known::Unknown(_) if judged.standing.is_none_or(|s| s == Standing::Arbitrator) => Cell::Blank,
        Known::Unknown(_) => Cell::Unknown("not known".to_owned()),
    }
}

fn uuid(node: &NodeSurvey, judged: &NodeJudgement) -> Cell {
    if let Known::Known(held) = &judged.position {
        return Cell::Is(held.position.uuid.short());
    }
    show(&node.facts, keys::GRASTATE_UUID, ClusterUuid::short)
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
    let facts = &node.facts;
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
        Known::Unknown(why) => unknown(&why.text),
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
    show(&node.facts, keys::DISK_FREE, |free| format!("{}{size}", bytes(*free)))
}

fn transfer(node: &NodeSurvey, _: &NodeJudgement) -> Cell {
    match node.facts.get(keys::TRANSFER_MARKERS).known().and_then(|markers| markers.first().cloned()) {
        Some(marker) => Cell::Is(marker.to_string()),
        None => Cell::Blank,
    }
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
fn bytes(n: u64) -> String {
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
#[expect(dead_code, reason = "shared with the tests of the judge")]
#[path = "../../../../tests/support/surveys.rs"]
mod surveys;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::surveys::{Node, plain, survey};
    use super::*;
    use crate::judge::judge;

    const UTF8: Glyphs = Glyphs { unknown: "? ", differs: "≠ ", dot: "·", cut: '…', arrow: "→" };
    const ALL: &[&str] = &["g1", "g2", "g3"];

    fn shown(nodes: Vec<Node>, columns: usize) -> String {
        let survey = survey(nodes);
        let judgement = judge(&survey);
        page(&Picture { survey, judgement }, columns, UTF8)
    }

    fn snapshot(name: &str, page: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../../../tests/snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(format!("status_{name}"), page));
    }

    #[test]
    fn pages_at_80_and_160_columns() {
        let healthy = || ALL.iter().map(|name| Node::new(name).synced(3, ALL, 100)).collect();
        snapshot("healthy_80", &shown(healthy(), 80));
        snapshot("healthy_160", &shown(healthy(), 160));
        let crashed = || ALL.iter().map(|name| Node::new(name).crashed(ALL)).collect();
        snapshot("crashed_80", &shown(crashed(), 80));
        let stopped =
            |at: [i64; 3]| ALL.iter().zip(at).map(|(name, at)| Node::new(name).stopped(at)).collect();
        snapshot("stopped_80", &shown(stopped([2006, 2007, 2008]), 80));
        snapshot("tie_80", &shown(stopped([2008, 2007, 2008]), 80));
        let mixed = vec![
            Node::new("g1").synced(4, &["g1", "g2"], 12168),
            Node::new("g2").synced(4, &["g1", "g2"], 12168),
            Node::new("g3").stopped(12171),
            Node::new("g4").unreachable(),
            Node::new("g5").crashed(ALL).set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]),
        ];
        snapshot("mixed_of_five_80", &shown(mixed, 80));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(columns in 30..250usize, text in "\\PC{0,40}") {
            let nodes = vec![
                Node::new("g1").synced(3, ALL, 100).set(keys::WSREP_LOCAL_COMMENT, plain(&text)),
                Node::new("g2").unreachable(),
                Node::new("g3").crashed(ALL).set(keys::UNIT_RESTART, plain(&text)),
                Node::new("g4").stopped(7).set(keys::LEFTOVERS, vec![plain(&text)]),
            ];
            for line in shown(nodes, columns).lines() {
                prop_assert!(line.width() <= columns, "{} > {columns}: {line:?}", line.width());
            }
        }
    }

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
