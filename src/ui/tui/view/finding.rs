//! One finding: what is the case, what to do, what is in the way and what would change it, and the facts it rests on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::matrix::severity_ink;
use super::paint::{self, Page};
use super::values;
use crate::facts::{Known, NodeName};
use crate::judge::Finding;
use crate::runbook::Fit;
use crate::ui::cells::blocked;
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::{Cluster, Model, Picture};

/// Draws it.
pub(super) fn draw(model: &Model, at: (usize, usize), scroll: usize, area: Rect, buf: &mut Buffer) {
    page(model, at, area).draw(scroll, model.look, buf);
}

/// Its text, and where it stands.
pub(super) fn page(model: &Model, at: (usize, usize), area: Rect) -> Page {
    Page { lines: lines(model, at, area.width).0, area }
}

/// The row of each piece of its evidence.
pub(super) fn rows(model: &Model, at: usize, width: u16) -> Vec<usize> {
    lines(model, (at, 0), width).1
}

/// All of its lines, and the rows of the evidence, of which one piece is chosen.
fn lines(model: &Model, (at, chosen): (usize, usize), width: u16) -> (Vec<Line<'static>>, Vec<usize>) {
    let look = model.look;
    let cluster = model.cluster();
    let picture = cluster.and_then(|cluster| cluster.picture.as_ref());
    let (Some(cluster), Some(picture), Some(finding)) = (cluster, picture, model.finding(at)) else {
        return (vec![Line::styled(" it is found no longer", look.style(Ink::Dim))], Vec::new());
    };
    let text = look.style(Ink::Text);
    let mut lines = head(model, at, finding, picture, width);
    lines.push(Line::default());
    lines.extend(paint::hanging(&[Span::raw(" ")], finding.text.as_str(), text, width));
    if !finding.next.as_str().is_empty() {
        let lead = Span::styled(format!(" {} ", look.signs.arrow), look.style(Ink::Key));
        lines.push(Line::default());
        lines.extend(paint::hanging(&[lead], finding.next.as_str(), text, width));
    }
    lines.extend(answer(model, finding, picture, width));
    if !finding.blocked_by.is_empty() {
        lines.push(Line::default());
        lines.push(paint::heading(" in the way of a bootstrap, and what would change it", look));
        for (rule, nodes, why, would_change) in blocked(&finding.blocked_by) {
            let lead = Span::styled(format!(" {} {rule}{nodes} ", look.signs.not), look.style(Ink::Title));
            lines.extend(paint::hanging(&[lead], why.as_str(), text, width));
            let lead = Span::styled(format!("     {} ", look.signs.arrow), look.style(Ink::Key));
            lines.extend(paint::hanging(&[lead], would_change.as_str(), text, width));
        }
    }
    lines.push(Line::default());
    lines.push(paint::heading(" evidence", look));
    if finding.evidence.is_empty() {
        lines.extend(unread(finding, picture, look, width));
    }
    let chosen = chosen.min(finding.evidence.len().saturating_sub(1));
    let names = finding.evidence.iter().map(|name| paint::width(name)).max().unwrap_or(0);
    let names = names.min(usize::from(width) / 2);
    let mut rows = Vec::new();
    for (at, name) in finding.evidence.iter().enumerate() {
        rows.push(lines.len());
        lines.extend(evidence(model, (cluster, picture), (name, names), at == chosen, width));
    }
    (lines, rows)
}

/// Where nothing was read, how far we got is the evidence.
fn unread(finding: &Finding, picture: &Picture, look: Look, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for node in finding.nodes.iter().filter_map(|name| picture.survey.node(name)) {
        for (way, reach) in [("ssh", &node.ssh), ("sql", &node.sql)] {
            let lead = Span::styled(format!("   {} {way}  ", node.name), look.style(Ink::Dim));
            let word = Span::styled(format!("{} ", reach.word.as_str()), look.style(Ink::Text));
            let text = reach.detail.as_str();
            lines.extend(paint::hanging(&[lead, word], text, look.style(Ink::Text), width));
        }
    }
    if lines.is_empty() {
        lines.push(Line::styled("   that nothing was read", look.style(Ink::Unknown)));
    }
    lines
}

/// Its number, how bad it is, its id and its nodes.
fn head(model: &Model, at: usize, finding: &Finding, picture: &Picture, width: u16) -> Vec<Line<'static>> {
    let look = model.look;
    let ink = look.style(severity_ink(at, finding.severity));
    let nodes: Vec<&str> = finding.nodes.iter().map(NodeName::as_str).collect();
    let count = picture.judgement.findings.len();
    let mut lines = vec![Line::from(vec![
        Span::styled(format!(" {} {}", look.signs.finding, finding.severity.as_str()), ink),
        Span::styled(format!("  {}", finding.id), look.style(Ink::Title)),
        Span::styled(format!("  {} of {count}", at.saturating_add(1)), look.style(Ink::Dim)),
    ])];
    if !nodes.is_empty() {
        lines.extend(paint::labelled(" nodes", 10, &nodes.join(" "), look.style(Ink::Text), width, look));
    }
    if !finding.cases.is_empty() {
        let cases: Vec<String> = finding.cases.iter().map(ToString::to_string).collect();
        lines.extend(paint::labelled(" cases", 10, &cases.join(", "), look.style(Ink::Text), width, look));
    }
    lines
}

/// The runbook that answers it: possible now, or why not (U10).
fn answer(model: &Model, finding: &Finding, picture: &Picture, width: u16) -> Vec<Line<'static>> {
    let look = model.look;
    let book = finding.runbook.and_then(|id| model.runbooks.iter().find(|book| book.id == id));
    let Some(book) = book else { return Vec::new() };
    let outlook = book.outlook(&picture.survey, &picture.judgement);
    let (sign, ink) = match outlook.fit {
        Fit::Suggested | Fit::Possible => (look.signs.done, Ink::Good),
        Fit::Blocked => (look.signs.not, Ink::Warn),
        Fit::Unneeded => (look.signs.skipped, Ink::Dim),
    };
    let title = [
        Span::styled(format!(" {} ", look.signs.now), look.style(Ink::Key)),
        Span::styled(format!("{}  ", book.id), look.style(Ink::Title)),
    ];
    let mut lines = vec![Line::default()];
    lines.extend(paint::hanging(&title, book.title.as_str(), look.style(Ink::Text), width));
    let lead = Span::styled(format!("   {sign} {}: ", outlook.fit.as_str()), look.style(ink));
    for why in &outlook.why {
        lines.extend(paint::hanging(std::slice::from_ref(&lead), why, look.style(Ink::Text), width));
    }
    lines
}

/// A fact it rests on, `node.fact`, with its value, source and age.
fn evidence(
    model: &Model,
    (cluster, picture): (&Cluster, &Picture),
    (name, names): (&str, usize),
    chosen: bool,
    width: u16,
) -> Vec<Line<'static>> {
    let look = model.look;
    let (sign, ink) = if chosen { (look.signs.now, Ink::Text) } else { (" ", Ink::Dim) };
    // Values stand below each other.
    let label = if paint::width(name) > names { name.to_owned() } else { paint::fit(name, names, look) };
    let lead = Span::styled(format!(" {sign} {label}  "), look.style(ink));
    let found = picture.survey.nodes.iter().find_map(|node| {
        let fact = name.strip_prefix(node.name.as_str())?.strip_prefix('.')?;
        node.facts.iter().find(|(there, _)| *there == fact).map(|(_, fact)| fact)
    });
    let Some(fact) = found else {
        let lead = [lead, Span::styled(format!("{} ", look.signs.unknown), look.style(Ink::Unknown))];
        return paint::hanging(&lead, "not in this survey", look.style(Ink::Unknown), width);
    };
    let words = values::words(fact, cluster.now).join(", ");
    let (words, ink) = match &fact.value {
        Known::Known(_) => (words, Ink::Text),
        Known::Unknown(_) => (format!("{} {words}", look.signs.unknown), Ink::Unknown),
    };
    let mut lines = paint::hanging(&[lead], &words, look.style(ink), width);
    let origin = Span::styled(format!("   {}", values::origin(fact, cluster.now)), look.style(Ink::Dim));
    let used = |line: &Line<'_>| line.spans.iter().map(|span| paint::width(&span.content)).sum::<usize>();
    match lines.last_mut() {
        Some(last) if used(last) + paint::width(&origin.content) < usize::from(width) => {
            last.spans.push(origin);
        }
        _ => lines.push(Line::from(vec![Span::raw(" ".repeat(names.saturating_add(2))), origin])),
    }
    lines
}
