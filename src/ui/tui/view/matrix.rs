//! The open cluster: nodes as columns, facts as rows, and what was found below.
//!
//! ```text
//!  OUTAGE  No Primary Component. Which node holds the most is not known.
//! ─────────────────┬────────────────────┬────────────────────┬────────────────────
//!  4 s ago         │▶ g1                │  g2               ▲│  g3
//!  server          │  crashed           │  crashed           │  crashed
//!  standing        │? UNKNOWN           │? UNKNOWN           │? UNKNOWN
//! ─────────────────┴────────────────────┴────────────────────┴──────── 2 findings ─
//!  g1 UNKNOWN: its position is not known
//! ▶1 ● outage   Every server has crashed; there is no …       → galera-start-all
//! ```
//!
//! The order of the columns is the inventory's, whatever happens (U8).

mod findings;
mod rows;
mod window;

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

pub(super) use self::findings::severity_ink;
use self::rows::{Mark, Shown};
use self::window::Window;
use super::paint;
use crate::facts::{NodeName, Role};
use crate::judge::Verdict;
use crate::ui::cells::sentence;
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::{Cluster, MatrixAt, Model};
use crate::ui::tui::walk::Ask;

/// Columns for the names of the rows.
const NAMES: u16 = 17;

/// A survey that takes longer says whom it waits for.
const LONG: SignedDuration = SignedDuration::from_secs(4);

/// Where everything stands.
struct Layout {
    verdict: Vec<Line<'static>>,
    rows: Vec<Shown>,
    window: Window,
    between: Vec<Line<'static>>,
    top: Rect,
    header: Rect,
    table: Rect,
    bottom: Rect,
    rest: Rect,
    findings: Rect,
}

/// Draws it.
pub(super) fn draw(model: &Model, at: &MatrixAt, area: Rect, buf: &mut Buffer) {
    let Some(cluster) = model.cluster() else { return };
    let look = model.look;
    let layout = layout(model, cluster, at, area);
    paint::scrolled(
        &layout.verdict,
        0,
        Rect { height: paint::cells(layout.verdict.len()), ..area },
        look,
        buf,
    );
    layout.window.rule(layout.top, look.signs.tee_down, look, buf);
    beyond(&layout, look, buf);
    header(model, cluster, at, &layout, buf);
    let room = usize::from(layout.table.height);
    let above = at.scroll.min(layout.rows.len().saturating_sub(room));
    for (y, row) in (layout.table.top()..layout.table.bottom()).zip(layout.rows.iter().skip(above)) {
        draw_row(row, &layout, y, look, buf);
    }
    layout.window.rule(layout.bottom, look.signs.tee_up, look, buf);
    let below = layout.rows.len().saturating_sub(above.saturating_add(room));
    let hidden = hidden(above, below, "rows", look);
    paint::text(buf, (area.x, layout.bottom.y), layout.bottom.width, &hidden, look.style(Ink::Key), look);
    paint::scrolled(&layout.between, 0, layout.rest, look, buf);
    findings::draw(model, at.finding, layout.findings, layout.bottom, buf);
}

/// How far the rows can be scrolled.
pub(super) fn extent(model: &Model, at: &MatrixAt, area: Rect) -> usize {
    let Some(cluster) = model.cluster() else { return 0 };
    let layout = layout(model, cluster, at, area);
    layout.rows.len().saturating_sub(usize::from(layout.table.height))
}

/// How many rows are seen at once.
pub(super) fn room(model: &Model, at: &MatrixAt, area: Rect) -> usize {
    model.cluster().map_or(0, |cluster| usize::from(layout(model, cluster, at, area).table.height))
}

/// ` ↑ 2 ↓ 3 rows `, where there are any.
fn hidden(above: usize, below: usize, what: &str, look: Look) -> String {
    let part = |sign: &str, count: usize| if count > 0 { format!("{sign} {count} ") } else { String::new() };
    match (part(look.signs.up, above), part(look.signs.down, below)) {
        (up, down) if up.is_empty() && down.is_empty() => String::new(),
        (up, down) => format!(" {up}{down}{what} "),
    }
}

/// The verdict takes what it needs, the findings at least a third of the rest, the rows what they need of it.
fn layout(model: &Model, cluster: &Cluster, at: &MatrixAt, area: Rect) -> Layout {
    let roomy = area.height >= 20;
    let verdict = verdict(model, cluster, area.width, if roomy { 3 } else { 2 });
    let between = between(model, cluster, at, area.width, roomy);
    let window = Window::of(cluster.nodes.len(), at.node, area);
    let rows = rows::rows(model, cluster, &at.filter, window.cell());
    let fixed = verdict.len().saturating_add(between.len()).saturating_add(3);
    let free = area.height.saturating_sub(paint::cells(fixed));
    let wanted = findings::least(model, at.finding, area.width);
    let least = wanted.min(free.div_ceil(3));
    let height = paint::cells(rows.len()).min(free.saturating_sub(least));
    let mut y = area.y;
    let mut take = |height: u16| {
        let top = y.min(area.bottom());
        let height = height.min(area.bottom().saturating_sub(top));
        y = top.saturating_add(height);
        Rect { y: top, height, ..area }
    };
    take(paint::cells(verdict.len()));
    let (top, header, table, bottom) = (take(1), take(1), take(height), take(1));
    let rest = take(paint::cells(between.len()));
    let findings = take(area.height);
    Layout { verdict, rows, window, between, top, header, table, bottom, rest, findings }
}

/// The word, and what is at stake.
fn verdict(model: &Model, cluster: &Cluster, width: u16, most: usize) -> Vec<Line<'static>> {
    let look = model.look;
    let (word, ink, text) = match (&cluster.picture, &cluster.reading) {
        (Some(picture), _) => {
            let verdict = picture.judgement.verdict;
            (verdict.as_str().to_uppercase(), verdict_ink(verdict), sentence(&picture.judgement))
        }
        (None, Some(_)) => ("READING".to_owned(), Ink::Title, awaited(cluster, "waiting for")),
        (None, None) => match &cluster.failed {
            Some(why) => ("NOT READ".to_owned(), Ink::Unknown, why.to_string()),
            None => ("NOT READ".to_owned(), Ink::Unknown, "no survey yet".to_owned()),
        },
    };
    let lead = [Span::raw(" "), Span::styled(word, look.style(ink)), Span::raw("  ")];
    let indent: usize = lead.iter().map(|span| paint::width(&span.content)).sum();
    let room = usize::from(width).saturating_sub(indent).max(8);
    let rows = paint::wrap(&text, paint::cells(room));
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (at, row) in rows.iter().take(most).enumerate() {
        // The last line that has room carries the mark of what has none.
        let tail = if at + 1 == most {
            rows.iter().skip(at).cloned().collect::<Vec<_>>().join(" ")
        } else {
            row.clone()
        };
        let mut spans = if at == 0 { lead.to_vec() } else { vec![Span::raw(" ".repeat(indent))] };
        spans.push(Span::styled(paint::cut(&tail, room, look), look.style(Ink::Text)));
        lines.push(Line::from(spans));
    }
    if let (Some(_), Some(why)) = (&cluster.picture, &cluster.failed) {
        let text = format!(" {} the last survey came to nothing: {why}", look.signs.not);
        lines.push(Line::styled(text, look.style(Ink::Warn)));
    }
    lines
}

/// How the word for a cluster looks. Red is the finding's (U9).
pub(super) fn verdict_ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Healthy => Ink::Good,
        Verdict::Degraded => Ink::Warn,
        Verdict::Undetermined => Ink::Unknown,
        Verdict::Outage => Ink::Title,
    }
}

/// Whom the survey under way waits for, and for how long.
pub(super) fn awaited(cluster: &Cluster, lead: &str) -> String {
    let Some(reading) = &cluster.reading else { return String::new() };
    let names: Vec<&str> = cluster.awaited().into_iter().map(NodeName::as_str).collect();
    let time = paint::span(cluster.now.duration_since(reading.since));
    if names.is_empty() {
        format!("judging ({time})")
    } else {
        format!("{lead} {} ({time})", names.join(", "))
    }
}

/// What is said between the rows and the findings: a run, a slow survey, and why the chosen node stands as it does.
fn between(model: &Model, cluster: &Cluster, at: &MatrixAt, width: u16, roomy: bool) -> Vec<Line<'static>> {
    let look = model.look;
    let mut lines = Vec::new();
    if let Some(walk) = model.running().filter(|walk| model.open == Some(walk.cluster)) {
        let (text, ink) = match (&walk.asked, walk.doing()) {
            (Some(Ask::Choose(_)), _) => ("waits for your choice".to_owned(), Ink::Asked),
            (Some(Ask::Confirm(_)), _) => ("waits for your confirmation".to_owned(), Ink::Asked),
            (Some(Ask::Waive(_)), _) => ("waits for a waiver".to_owned(), Ink::Asked),
            (None, Some(doing)) => (doing, Ink::Text),
            (None, None) => ("is being prepared".to_owned(), Ink::Text),
        };
        let text = format!(" {} {}: {text}  (w)", look.signs.now, walk.runbook.id);
        lines.push(Line::styled(paint::cut(&text, usize::from(width), look), look.style(ink)));
    }
    let slow = |since| cluster.now.duration_since(since) >= LONG;
    if cluster.picture.is_some() && cluster.reading.as_ref().is_some_and(|reading| slow(reading.since)) {
        let text = format!(" {}", awaited(cluster, "reading again, waiting for"));
        lines.push(Line::styled(paint::cut(&text, usize::from(width), look), look.style(Ink::Dim)));
    }
    if let Some((_, judged)) = cluster.column(at.node).filter(|_| roomy)
        && let Some(standing) = judged.standing
        && !judged.why.as_str().is_empty()
    {
        let text = format!(" {} {}: {}", judged.name, standing.as_str(), judged.why);
        lines.push(Line::styled(paint::cut(&text, usize::from(width), look), look.style(Ink::Dim)));
    }
    lines
}

fn header(model: &Model, cluster: &Cluster, at: &MatrixAt, layout: &Layout, buf: &mut Buffer) {
    let look = model.look;
    let area = layout.header;
    if area.height == 0 {
        return;
    }
    let corner = corner(cluster, at);
    let names = NAMES.min(area.width);
    paint::text(buf, (area.x, area.y), names, &format!(" {corner}"), look.style(Ink::Dim), look);
    let highest = rows::highest(cluster);
    for (place, node) in layout.window.columns() {
        let Some((name, role)) = cluster.nodes.get(node) else { continue };
        paint::column(buf, Rect { x: place, width: 1, ..area }, look);
        let x = place.saturating_add(1);
        let room = layout.window.inside(place, area);
        let chosen = node == at.node;
        let sign = if chosen { look.signs.now } else { " " };
        let used =
            paint::text(buf, (x, area.y), room, &format!("{sign} {name} "), look.style(Ink::Title), look);
        let word = match role {
            Role::Data => "",
            Role::Arbitrator => "arbitrator",
            Role::Router => "router",
            Role::Proxy => "proxy",
        };
        let role_at = (x.saturating_add(used), area.y);
        paint::text(buf, role_at, room.saturating_sub(used), word, look.style(Ink::Dim), look);
        if chosen {
            paint::tint(buf, Rect { x, width: used, ..area }, look.style(Ink::Chosen));
        }
        if highest.contains(name) {
            let end = Rect { x, width: room, ..area };
            paint::right(buf, end, area.y, &format!(" {} ", look.signs.best), look.style(Ink::Best), look);
        }
    }
}

/// How many columns are hidden at either side.
fn beyond(layout: &Layout, look: Look, buf: &mut Buffer) {
    let (left, right) = layout.window.beyond();
    let (area, style) = (layout.top, look.style(Ink::Key));
    if left > 0 && area.height > 0 {
        let text = format!(" {} {left} more ", look.signs.left);
        paint::text(buf, (area.x, area.y), area.width, &text, style, look);
    }
    if right > 0 && area.height > 0 {
        paint::right(buf, area, area.y, &format!(" {right} more {} ", look.signs.right), style, look);
    }
}

/// How old what is shown is; of a filter, what it is.
fn corner(cluster: &Cluster, at: &MatrixAt) -> String {
    if !at.filter.is_empty() {
        return format!("/{}", at.filter);
    }
    let Some(age) = cluster.age().map(paint::past) else { return String::new() };
    if cluster.auto { age } else { format!("{age} held") }
}

fn draw_row(row: &Shown, layout: &Layout, y: u16, look: Look, buf: &mut Buffer) {
    let area = layout.table;
    let name = format!(" {}", row.name);
    paint::text(buf, (area.x, y), NAMES.min(area.width), &name, look.style(Ink::Dim), look);
    for (place, node) in layout.window.columns() {
        paint::column(buf, Rect { x: place, y, width: 1, height: 1 }, look);
        let Some(Mark { sign, text, ink }) = row.cells.get(node) else { continue };
        let x = place.saturating_add(1);
        let room = layout.window.inside(place, area);
        paint::text(buf, (x, y), room, &format!("{sign} {text}"), look.style(*ink), look);
    }
}
