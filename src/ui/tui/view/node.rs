//! One node's evidence.
//!
//! ```text
//!  g2 · data node · crashed                                   ▶facts   files   log
//!  g2.shop.internal · SHA256:Zk3q… · machine 4f1c…
//!  ssh ✓ ok  sql ✓ ok
//!  UNKNOWN: no position: not recovered since its server last ran
//! ────────────────────────────────────────────────────────────────────────────────
//!  grastate.seqno             ? -1: it was running or has crashed
//!                               /var/lib/mysql/grastate.dat, 4 s ago
//! ```

mod files;
mod log;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::paint::{self, Page};
use super::values;
use crate::ask::lines::KnownLine;
use crate::facts::{Fact, Facts, Key, Known, NodeSurvey, Plain, Reach, Role, ValueType, keys};
use crate::judge::NodeJudgement;
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::{Model, NodeAt, NodeTab, Only};

/// Facts that have a tab of their own.
const ELSEWHERE: &[(&str, &str)] = &[
    (keys::GRASTATE_RAW.name(), "in the files"),
    (keys::GVWSTATE_RAW.name(), "in the files"),
    (keys::LOG_TAIL.name(), "in the log"),
    (keys::LOG_MARKS.name(), "in the log"),
    (keys::LOG_KNOWN.name(), "in the log"),
];

/// What a tab is made of.
struct Seen<'a> {
    node: &'a NodeSurvey,
    now: Timestamp,
    look: Look,
    width: u16,
}

/// What a row is about.
#[derive(Clone, Debug)]
enum Of {
    /// A fact, by its name.
    Fact(&'static str),
    /// A line of the log as it was read, and what it is known as.
    Logged(String, Option<&'static KnownLine>),
}

/// A line of a tab; the first one of what it is about names that.
#[derive(Clone, Debug)]
struct Row {
    line: Line<'static>,
    of: Option<Of>,
}

/// Where a fact or a line of the log stands on the screen.
#[derive(Debug)]
pub(crate) struct Place {
    /// The row, counted from the top of all that can be scrolled.
    pub(crate) row: usize,
    /// The fact's name, or the line as it was read.
    pub(crate) what: String,
    /// What the line is known as.
    pub(crate) known: Option<&'static KnownLine>,
}

impl From<Line<'static>> for Row {
    fn from(line: Line<'static>) -> Self {
        Self { line, of: None }
    }
}

impl Row {
    fn blank() -> Self {
        Line::default().into()
    }

    /// Lines about one thing.
    fn of(of: &Of, lines: Vec<Line<'static>>) -> Vec<Self> {
        let named = |at| (at == 0).then(|| of.clone());
        lines.into_iter().enumerate().map(|(at, line)| Self { line, of: named(at) }).collect()
    }

    fn holds(&self, filter: &str) -> bool {
        self.line.to_string().to_lowercase().contains(filter)
    }
}

/// Draws it.
pub(super) fn draw(model: &Model, at: &NodeAt, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let (node, tab, filter) = (at.node, at.tab, at.filter.as_str());
    let head = head(model, at, area);
    let height = paint::cells(head.len()).min(area.height);
    paint::scrolled(&head, 0, Rect { height, ..area }, look, buf);
    tabs(model, node, tab, filter, area, buf);
    let rule = Rect { y: area.y.saturating_add(height), height: u16::from(height < area.height), ..area };
    paint::rule(buf, rule, look);
    let rows = rows(model, at, area.width);
    let chosen = places_in(&rows).into_iter().find(|place| Some(&place.what) == at.at.as_ref());
    let page = tab_page(model, at, rows, area);
    page.draw(at.scroll, look, buf);
    // What a key has led to is marked at the edge.
    let above = at.scroll.min(page.extent());
    let y = chosen.and_then(|place| place.row.checked_sub(above)).filter(|y| *y < page.room());
    if let Some(y) = y {
        let at = (page.area.x, page.area.y.saturating_add(paint::cells(y)));
        paint::text(buf, at, page.area.width.min(1), look.signs.now, look.style(Ink::Key), look);
    }
}

/// The tab's text, and where it stands.
pub(super) fn page(model: &Model, at: &NodeAt, area: Rect) -> Page {
    tab_page(model, at, rows(model, at, area.width), area)
}

fn tab_page(model: &Model, at: &NodeAt, rows: Vec<Row>, area: Rect) -> Page {
    let used = paint::cells(head(model, at, area).len().saturating_add(1)).min(area.height);
    let area = Rect { y: area.y.saturating_add(used), height: area.height.saturating_sub(used), ..area };
    Page { lines: rows.into_iter().map(|row| row.line).collect(), area }
}

/// Where every fact and every line of the log stands.
pub(crate) fn places(model: &Model, at: &NodeAt) -> Vec<Place> {
    places_in(&rows(model, at, model.size.0))
}

fn places_in(rows: &[Row]) -> Vec<Place> {
    let places = rows.iter().enumerate().filter_map(|(row, one)| {
        let (what, known) = match one.of.as_ref()? {
            Of::Fact(name) => ((*name).to_owned(), None),
            Of::Logged(line, known) => (line.clone(), *known),
        };
        Some(Place { row, what, known })
    });
    places.collect()
}

/// All rows of a tab that hold what is filtered for.
fn rows(model: &Model, at: &NodeAt, width: u16) -> Vec<Row> {
    let look = model.look;
    let Some((survey, _, now)) = surveyed(model, at.node) else {
        return vec![Line::styled(" nothing was read of it yet", look.style(Ink::Unknown)).into()];
    };
    let seen = Seen { node: survey, now, look, width };
    let filter = at.filter.trim().to_lowercase();
    let rows = match at.tab {
        NodeTab::Facts => seen.facts(&filter),
        NodeTab::Files => seen.files(&filter),
        NodeTab::Log => seen.log(at, &filter),
    };
    if rows.is_empty() {
        let text = match (filter.as_str(), at.only) {
            ("", Only::All) => " nothing was read".to_owned(),
            ("", only) => format!(" there are none of these: {}", only.word()),
            (filter, _) => format!(" nothing holds \"{filter}\""),
        };
        return vec![Line::styled(text, look.style(Ink::Dim)).into()];
    }
    rows
}

/// The node as the last survey has it; while the first one is under way as it arrived, with no judgement.
fn surveyed(model: &Model, node: usize) -> Option<(&NodeSurvey, Option<&NodeJudgement>, Timestamp)> {
    let cluster = model.cluster()?;
    if let Some((survey, judged)) = cluster.column(node) {
        return Some((survey, Some(judged), cluster.now));
    }
    let (name, _) = cluster.nodes.get(node)?;
    let arrived = cluster.reading.as_ref()?.arrived.iter().find(|survey| survey.name == *name)?;
    Some((arrived, None, cluster.now))
}

/// Who it is, and how far we got on the ways to it.
fn head(model: &Model, at: &NodeAt, area: Rect) -> Vec<Line<'static>> {
    let (look, width, node) = (model.look, area.width, at.node);
    let dot = look.signs.dot;
    let Some((name, role)) = model.cluster().and_then(|cluster| cluster.nodes.get(node)) else {
        return vec![Line::styled(" there is no such node", look.style(Ink::Unknown))];
    };
    let role = match role {
        Role::Data => "data node",
        Role::Arbitrator => "arbitrator",
        Role::Router => "router",
        Role::Proxy => "proxy",
    };
    let mut first = vec![
        Span::styled(format!(" {name}"), look.style(Ink::Title)),
        Span::styled(format!(" {dot} {role}"), look.style(Ink::Dim)),
    ];
    let Some((survey, judged, _)) = surveyed(model, node) else { return vec![Line::from(first)] };
    if let Some(server) = judged.and_then(|judged| judged.server.known()) {
        first.push(Span::styled(format!(" {dot} {server}"), look.style(Ink::Text)));
    }
    let mut lines = vec![Line::from(first)];
    let facts = &survey.facts;
    let who = [
        word(facts, keys::HOST_NAME, "host name"),
        word(facts, keys::HOST_KEY, "host key"),
        word(facts, keys::HOST_MACHINE_ID, "machine id").map(|id| format!("machine {id}")),
    ];
    // Only a server that runs says an address.
    let address = word(facts, keys::VAR_NODE_ADDRESS, "address").ok().map(Ok);
    let who: Vec<Span<'static>> = who
        .into_iter()
        .chain(address)
        .enumerate()
        .flat_map(|(at, part)| {
            let (text, ink) = match part {
                Ok(text) => (text, Ink::Text),
                Err(text) => (format!("{} {text}", look.signs.unknown), Ink::Unknown),
            };
            let lead = if at == 0 { " ".to_owned() } else { format!(" {dot} ") };
            [Span::styled(lead, look.style(Ink::Dim)), Span::styled(text, look.style(ink))]
        })
        .collect();
    // Where there is little room each has one line; the facts say it all.
    let tight = area.height < 16 || (at.tab == NodeTab::Log && area.height < 30);
    if tight {
        lines.push(Line::from(who));
    } else {
        lines.extend(joined(&who, width, look));
    }
    let calm = |reach: &Reach| reach.is_ok() && reach.detail.as_str().is_empty();
    if tight || (calm(&survey.ssh) && calm(&survey.sql)) {
        let [ssh, sql] = [way("ssh", &survey.ssh, look), way("sql", &survey.sql, look)];
        lines.push(Line::from([ssh, sql].concat()));
    } else {
        lines.extend(reached("ssh", &survey.ssh, width, look));
        lines.extend(reached("sql", &survey.sql, width, look));
    }
    if let Some(judged) = judged {
        lines.extend(stands(judged, if tight { u16::MAX } else { width }, look));
    }
    lines
}

/// A text fact, or that it is not known.
fn word(facts: &Facts, key: Key<Plain>, name: &str) -> Result<String, String> {
    match facts.get(key) {
        Known::Known(text) if !text.as_str().is_empty() => Ok(text.to_string()),
        _ => Err(format!("no {name}")),
    }
}

/// Spans on as many lines as they take, broken between pairs of separator and text.
fn joined(spans: &[Span<'static>], width: u16, look: Look) -> Vec<Line<'static>> {
    let mut lines: Vec<(usize, Vec<Span<'static>>)> = Vec::new();
    for pair in spans.chunks(2) {
        let wide: usize = pair.iter().map(|span| paint::width(&span.content)).sum();
        match lines.last_mut() {
            Some((used, line)) if *used + wide <= usize::from(width) => {
                *used += wide;
                line.extend(pair.iter().cloned());
            }
            _ => {
                let text = pair.last().cloned().unwrap_or_default();
                lines.push((wide, vec![Span::styled(" ", look.style(Ink::Dim)), text]));
            }
        }
    }
    lines.into_iter().map(|(_, spans)| Line::from(spans)).collect()
}

/// One way and how far we got on it, in a word.
fn way(name: &str, reach: &Reach, look: Look) -> Vec<Span<'static>> {
    let (sign, ink) = if reach.is_ok() { (look.signs.done, Ink::Good) } else { (look.signs.not, Ink::Warn) };
    vec![
        Span::styled(format!(" {name} "), look.style(Ink::Dim)),
        Span::styled(format!("{sign} {} ", reach.word.as_str()), look.style(ink)),
    ]
}

/// How far we got on one way, what was found there, and the next step where it is not far.
fn reached(name: &str, reach: &Reach, width: u16, look: Look) -> Vec<Line<'static>> {
    let mut text = reach.detail.to_string();
    if !reach.next.as_str().is_empty() {
        text = format!("{text} {} {}", look.signs.arrow, reach.next);
    }
    paint::hanging(&way(name, reach, look), &text, look.style(Ink::Text), width)
}

/// Why it is not known what runs there; what its history is worth, and why.
fn stands(judged: &NodeJudgement, width: u16, look: Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Known::Unknown(why) = &judged.server {
        let text = format!("server not known: {}", why.text);
        let lead = Span::styled(format!(" {} ", look.signs.unknown), look.style(Ink::Unknown));
        lines.extend(paint::hanging(&[lead], &text, look.style(Ink::Unknown), width));
    }
    if let Some(standing) = judged.standing {
        let lead = Span::styled(format!(" {}: ", standing.as_str()), look.style(Ink::Title));
        lines.extend(paint::hanging(&[lead], judged.why.as_str(), look.style(Ink::Text), width));
    }
    lines
}

/// The tabs at the right of the first row, the open one reversed and marked.
fn tabs(model: &Model, node: usize, open: NodeTab, filter: &str, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    if area.height == 0 {
        return;
    }
    let name = model.cluster().and_then(|cluster| cluster.nodes.get(node)).map(|(name, _)| name.as_str());
    let used = paint::cells(paint::width(name.unwrap_or_default()).saturating_add(2)).min(area.width);
    let mut end = area.right();
    if !filter.is_empty() {
        let room = Rect { x: area.x.saturating_add(used), width: area.width.saturating_sub(used), ..area };
        let text = paint::cut(&format!(" /{filter} "), usize::from(room.width), look);
        end = paint::right(buf, room, area.y, &text, look.style(Ink::Asked), look);
    }
    for tab in NodeTab::ALL.into_iter().rev() {
        let text = if tab == open {
            format!(" {}{} ", look.signs.now, tab.word())
        } else {
            format!("  {} ", tab.word())
        };
        let wide = paint::cells(paint::width(&text));
        let Some(x) = end.checked_sub(wide).filter(|x| *x >= area.x.saturating_add(used)) else { return };
        let style = if tab == open { Ink::Chosen } else { Ink::Dim };
        paint::text(buf, (x, area.y), wide, &text, look.style(style), look);
        end = x;
    }
}

impl Seen<'_> {
    /// Every fact of the table in its order, with its source and age.
    fn facts(&self, filter: &str) -> Vec<Row> {
        let facts = keys::ALL.iter().filter_map(|key| Some((key.name, self.fact(key.name)?)));
        facts.flat_map(|(name, fact)| Row::of(&Of::Fact(name), self.fact_lines(name, fact, filter))).collect()
    }

    fn fact(&self, name: &str) -> Option<&Fact> {
        self.node.facts.iter().find(|(there, _)| *there == name).map(|(_, fact)| fact)
    }

    /// A fact's lines; none where neither name nor value hold `filter`.
    fn fact_lines(&self, name: &str, fact: &Fact, filter: &str) -> Vec<Line<'static>> {
        let look = self.look;
        let mut words = values::words(fact, self.now);
        if let (Some((_, place)), Known::Known(_)) =
            (ELSEWHERE.iter().find(|(there, _)| *there == name), &fact.value)
        {
            words = vec![(*place).to_owned()];
        }
        let holds = |text: &str| text.to_lowercase().contains(filter);
        if !holds(name) && !words.iter().any(|text| holds(text)) {
            return Vec::new();
        }
        let (sign, ink) = match &fact.value {
            Known::Known(_) => (" ", Ink::Text),
            Known::Unknown(_) => (look.signs.unknown, Ink::Unknown),
        };
        let names = if self.width >= 100 { 34 } else { 26 };
        let label = Span::styled(format!(" {} ", paint::fit(name, names, look)), look.style(Ink::Dim));
        let sign = Span::styled(format!("{sign} "), look.style(ink));
        let mut lines = Vec::new();
        for text in words {
            let lead = if lines.is_empty() {
                [label.clone(), sign.clone()]
            } else {
                [Span::raw(" ".repeat(names.saturating_add(2))), Span::raw("  ")]
            };
            lines.extend(paint::hanging(&lead, &text, look.style(ink), self.width));
        }
        let origin = values::origin(fact, self.now);
        // Beside the value where there is room, else below it.
        let used =
            lines.last().map_or(0, |line| line.spans.iter().map(|span| paint::width(&span.content)).sum());
        let beside = Span::styled(format!("   {origin}"), look.style(Ink::Dim));
        match lines.last_mut() {
            Some(last) if used + paint::width(&beside.content) < usize::from(self.width) => {
                last.spans.push(beside);
            }
            _ => {
                let lead = Span::raw(" ".repeat(names.saturating_add(6).min(usize::from(self.width) / 2)));
                lines.extend(paint::hanging(&[lead], &origin, look.style(Ink::Dim), self.width));
            }
        }
        lines
    }

    /// A fact that belongs to another tab's head: its label, and what it says or why it says nothing.
    fn labelled<T: ValueType>(&self, key: Key<T>, label: &str) -> Vec<Row> {
        let Some(fact) = self.fact(key.name()) else { return Vec::new() };
        let text = values::words(fact, self.now).join(", ");
        let (text, ink) = match &fact.value {
            Known::Known(_) => (text, Ink::Text),
            Known::Unknown(_) => (format!("{} {text}", self.look.signs.unknown), Ink::Unknown),
        };
        let label = format!(" {label}");
        let lines = paint::labelled(&label, 22, &text, self.look.style(ink), self.width, self.look);
        Row::of(&Of::Fact(key.name()), lines)
    }
}
