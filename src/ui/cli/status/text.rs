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
use crate::facts::{Mode, NodeSurvey};
use crate::judge::{Finding, NodeJudgement};
use crate::runbook::{self, Fit};
use crate::ui::cells::{Cell, ROWS, blocked, sentence};
use crate::ui::survey::Picture;

/// Width of the column of row names, its margin included.
const NAMES: usize = 18;
/// Node columns are never narrower; more nodes than fit go into further blocks below.
const NARROWEST: usize = 19;
/// A node column gains nothing from being wider.
const WIDEST: usize = 34;

/// The whole page of one cluster, `columns` wide.
pub(in crate::ui) fn page(picture: &Picture, columns: usize, glyphs: Glyphs) -> String {
    let mut lines = head(picture, columns, glyphs);
    lines.push(String::new());
    lines.extend(table(picture, columns, glyphs));
    let findings = &picture.judgement.findings;
    for (index, finding) in findings.iter().enumerate() {
        lines.push(String::new());
        let same = findings.iter().take(index).position(|before| before.blocked_by == finding.blocked_by);
        lines.extend(self::finding(index + 1, finding, same.map(|before| before + 1), columns, glyphs));
    }
    lines.extend(not_now(picture, columns, glyphs));
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
        Mode::Bundle => "BUNDLE",
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
        for row in ROWS {
            let cells: Vec<Cell> = block.iter().map(|(node, judged)| (row.cell)(node, judged)).collect();
            if cells.iter().all(|cell| matches!(cell, Cell::Blank)) {
                continue;
            }
            let shown: Vec<String> = cells
                .iter()
                .zip(row.differing(&cells))
                .map(|(cell, differs)| match cell {
                    Cell::Is(text) if differs => format!("{}{text}", glyphs.differs),
                    Cell::Is(text) => text.clone(),
                    Cell::Unknown(text) => format!("{}{text}", glyphs.unknown),
                    Cell::Blank => String::new(),
                })
                .map(|text| fit(&text, width - 1, glyphs.cut))
                .collect();
            lines.push(format!(" {}{}", fit(row.name, NAMES - 1, glyphs.cut), shown.join(" ")));
        }
    }
    lines
}

/// The runbooks that answer something found and would be refused, each with what stands in its way.
fn not_now(picture: &Picture, columns: usize, glyphs: Glyphs) -> Vec<String> {
    let mut lines = Vec::new();
    for book in runbook::library() {
        let outlook = book.outlook(&picture.survey, &picture.judgement);
        if outlook.fit != Fit::Blocked {
            continue;
        }
        lines.push(String::new());
        lines.push(fit(&format!(" not now  {}", book.id), columns, glyphs.cut));
        for why in &outlook.why {
            lines.extend(wrap(why, columns.saturating_sub(3)).into_iter().map(|line| format!("   {line}")));
        }
    }
    lines
}

/// One finding; what is in its way is told once, and `same` is the number of the finding that told it.
fn finding(
    number: usize,
    finding: &Finding,
    same: Option<usize>,
    columns: usize,
    glyphs: Glyphs,
) -> Vec<String> {
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
    if finding.blocked_by.is_empty() {
        return lines;
    }
    if let Some(same) = same {
        add("", &format!("In the way of a bootstrap: the same as under {same}."));
        return lines;
    }
    add("", "In the way of a bootstrap:");
    for (rule, nodes, why, would_change) in blocked(&finding.blocked_by) {
        add(&format!("  {rule}{nodes}  "), &format!("{why} {} {would_change}", glyphs.arrow));
    }
    lines
}

#[cfg(test)]
#[expect(dead_code, clippy::duplicate_mod, reason = "shared with the tests of the judge")]
#[path = "../../../../tests/support/surveys.rs"]
mod surveys;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::surveys::{Node, plain, survey};
    use super::*;
    use crate::facts::keys;
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
}
