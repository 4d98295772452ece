//! The findings below the rows: the chosen one with more of its text, all of them with more where there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::paint;
use super::hidden;
use crate::judge::{Finding, Severity};
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::Model;

/// How many lines the chosen one and the others may have, from little room to much.
const SIZES: &[(usize, usize)] = &[(1, 1), (2, 1), (3, 1), (3, 2), (6, 3), (12, 12)];
/// What they have even where the rows would like more room.
const LEAST: (usize, usize) = (2, 1);

/// The lines they need at least.
pub(super) fn least(model: &Model, chosen: usize, width: u16) -> u16 {
    paint::cells(sized(model, chosen, width, LEAST).iter().map(Vec::len).sum::<usize>().max(1))
}

/// Draws them; on `rule`, the line above them, stands how many there are.
pub(super) fn draw(model: &Model, chosen: usize, area: Rect, rule: Rect, buf: &mut Buffer) {
    let look = model.look;
    let all = model.cluster().and_then(|cluster| cluster.picture.as_ref());
    let Some(all) = all.map(|picture| &picture.judgement.findings) else { return };
    let room = usize::from(area.height);
    let total = |items: &[Vec<Line<'static>>]| items.iter().map(Vec::len).sum::<usize>();
    let mut items = sized(model, chosen, area.width, (1, 1));
    for size in SIZES {
        let larger = sized(model, chosen, area.width, *size);
        if total(&larger) > room {
            break;
        }
        items = larger;
    }
    // The chosen one is seen, and as much before it as fits.
    let chosen = chosen.min(items.len().saturating_sub(1));
    let upto = chosen.saturating_add(1);
    let first = (0..upto)
        .find(|first| items.get(*first..upto).is_some_and(|some| total(some) <= room))
        .unwrap_or(chosen);
    let mut y = area.top();
    let mut shown = 0;
    for item in items.iter().skip(first) {
        if y >= area.bottom() {
            break;
        }
        for line in item {
            if y < area.bottom() {
                paint::line(buf, (area.x, y), area.width, line, look);
            }
            y = y.saturating_add(1);
        }
        shown += 1;
    }
    if let (Some(item), true) = (items.get(chosen), area.height > 0) {
        let above = items.get(first..chosen).map_or(0, total);
        let y = area.y.saturating_add(paint::cells(above));
        let height = 1.min(paint::cells(item.len()));
        paint::tint(buf, Rect { y, height, ..area }.intersection(area), look.style(Ink::Chosen));
    }
    if rule.height > 0 {
        let below = items.len().saturating_sub(first.saturating_add(shown));
        let word = if all.len() == 1 { "finding" } else { "findings" };
        let text = match hidden(first, below, "", look) {
            none if none.is_empty() => format!(" {} {word} ", all.len()),
            some => format!(" {} {word}: {}", all.len(), some.trim_start()),
        };
        let ink = if first + below > 0 { Ink::Key } else { Ink::Dim };
        paint::right(buf, rule, rule.y, &text, look.style(ink), look);
    }
}

/// Each finding's lines: so many of the chosen one, so many of the others.
fn sized(
    model: &Model,
    chosen: usize,
    width: u16,
    (most, others): (usize, usize),
) -> Vec<Vec<Line<'static>>> {
    let findings = model.cluster().and_then(|cluster| cluster.picture.as_ref());
    let findings = findings.map(|picture| picture.judgement.findings.as_slice()).unwrap_or_default();
    let of = |(at, finding): (usize, &Finding)| {
        item(at, finding, at == chosen, if at == chosen { most } else { others }, width, model.look)
    };
    findings.iter().enumerate().map(of).collect()
}

/// How a finding's sign and word look: one red thing at a time, the worst (U9).
pub(in super::super) fn severity_ink(at: usize, severity: Severity) -> Ink {
    match severity {
        Severity::Outage if at == 0 => Ink::Bad,
        Severity::Outage => Ink::Title,
        Severity::Degraded | Severity::Warning => Ink::Warn,
        Severity::Info => Ink::Dim,
    }
}

fn item(
    at: usize,
    finding: &Finding,
    chosen: bool,
    most: usize,
    width: u16,
    look: Look,
) -> Vec<Line<'static>> {
    let number = at.saturating_add(1);
    let sign = if chosen { look.signs.now } else { " " };
    let ink = look.style(severity_ink(at, finding.severity));
    let lead = [
        Span::raw(format!("{sign}{number} ")),
        Span::styled(format!("{} {:<9}", look.signs.finding, finding.severity.as_str()), ink),
    ];
    let indent: usize = lead.iter().map(|span| paint::width(&span.content)).sum();
    let runbook = finding.runbook.map(|id| format!(" {} {id} ", look.signs.arrow)).unwrap_or_default();
    let whole = usize::from(width).saturating_sub(indent).saturating_sub(1);
    // The runbook is said at the right as long as the text keeps its room beside it.
    let beside = whole.saturating_sub(paint::width(&runbook));
    let (beside, runbook) = if beside < 24 { (whole, String::new()) } else { (beside, runbook) };
    let mut rows = paint::wrap(finding.text.as_str(), paint::cells(beside));
    // Only the first line has the runbook beside it.
    let rest = rows.split_off(rows.len().min(1)).join(" ");
    if !rest.is_empty() {
        rows.extend(paint::wrap(&rest, paint::cells(whole)));
    }
    let mut lines = Vec::new();
    for (place, row) in rows.iter().take(most.max(1)).enumerate() {
        let last = place + 1 == most.max(1);
        let text =
            if last { rows.iter().skip(place).cloned().collect::<Vec<_>>().join(" ") } else { row.clone() };
        let text = paint::fit(&text, if place == 0 { beside } else { whole }, look);
        let mut spans = if place == 0 { lead.to_vec() } else { vec![Span::raw(" ".repeat(indent))] };
        spans.push(Span::styled(text, look.style(Ink::Text)));
        if place == 0 {
            spans.push(Span::styled(runbook.clone(), look.style(Ink::Key)));
        }
        lines.push(Line::from(spans));
    }
    lines
}
