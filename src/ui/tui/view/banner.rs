//! The first row of every screen but the typed ones: where we are, and whether anything can be changed.
//!
//! ```text
//!  LIVE  shop · galera · 3 data nodes      GLASS BROKEN 01:12 INC-4711 · 7F3K-Q2MD
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::paint;
use crate::facts::{Family, Mode, Role};
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::{Cluster, Layer, Model, RecordState};

/// A part of the row. The one of the highest rank goes first where there is no room for all; rank 0 stays.
struct Part {
    rank: u8,
    text: String,
    ink: Ink,
}

impl Part {
    fn new(rank: u8, text: impl Into<String>, ink: Ink) -> Self {
        Self { rank, text: text.into(), ink }
    }
}

/// Mode and cluster, for the screens that have their own layout.
pub(super) fn words(model: &Model) -> Line<'static> {
    let parts = left(model).into_iter().filter(|part| part.rank == 0);
    let spans = parts.map(|part| Span::styled(part.text, model.look.style(part.ink)));
    Line::from(spans.collect::<Vec<_>>())
}

/// Draws the row.
pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let look = model.look;
    let (mut left, mut right) = (left(model), right(model));
    let wide = |parts: &[Part]| parts.iter().map(|part| paint::width(&part.text)).sum::<usize>();
    while wide(&left) + wide(&right) + 1 > usize::from(area.width) {
        let last = left.iter().chain(&right).map(|part| part.rank).filter(|rank| *rank > 0).max();
        let Some(last) = last else { break };
        left.retain(|part| part.rank != last);
        right.retain(|part| part.rank != last);
    }
    // While the glass is broken for what is shown the whole row says so (U1).
    let broken =
        about(model).is_some() && model.glass.as_ref().is_some_and(|glass| model.open == Some(glass.cluster));
    if broken {
        paint::fill(buf, Rect { height: 1, ..area }, look.style(Ink::Glass));
    }
    let ink = |part: &Part| match part.ink {
        Ink::Text | Ink::Dim | Ink::Title | Ink::Unknown | Ink::Warn if broken => Ink::Glass,
        ink => ink,
    };
    let line = |parts: Vec<Part>| {
        let spans = parts.into_iter().map(|part| {
            let style = look.style(ink(&part));
            Span::styled(part.text, style)
        });
        Line::from(spans.collect::<Vec<_>>())
    };
    let room = paint::cells(wide(&right)).min(area.width);
    paint::line(buf, (area.x, area.y), area.width, &line(left), look);
    // What can be changed is said even where the cluster's name is cut for it.
    let x = area.right().saturating_sub(room);
    paint::line(buf, (x, area.y), room, &line(right), look);
}

fn left(model: &Model) -> Vec<Part> {
    let dot = model.look.signs.dot;
    let Some(cluster) = about(model) else {
        let mut parts = vec![Part::new(0, " BREAKGLASS ", Ink::Title)];
        if !model.clusters.is_empty() {
            let word = if model.clusters.len() == 1 { "cluster" } else { "clusters" };
            parts.push(Part::new(1, format!(" {} {word}", model.clusters.len()), Ink::Dim));
        }
        return parts;
    };
    let (word, ink) = match cluster.mode() {
        Some(Mode::Live) => (" LIVE ", Ink::Live),
        Some(Mode::Lab) => (" LAB ", Ink::Lab),
        Some(Mode::Drill) => (" DRILL ", Ink::Drill),
        Some(Mode::Bundle) => (" BUNDLE ", Ink::Bundle),
        // Until a node has said what it is, it is neither.
        None => (" MODE ? ", Ink::Unknown),
    };
    let Family::Galera = cluster.family;
    let data = cluster.nodes.iter().filter(|(_, role)| *role == Role::Data).count();
    let nodes = if data == 1 { "node" } else { "nodes" };
    vec![
        Part::new(0, word, ink),
        Part::new(0, format!(" {}", cluster.name), Ink::Title),
        Part::new(5, format!(" {dot} galera"), Ink::Dim),
        Part::new(6, format!(" {dot} {data} data {nodes}"), Ink::Dim),
    ]
}

/// The cluster the screen is about: none on the screens over all of them.
fn about(model: &Model) -> Option<&Cluster> {
    let over_all = |layer: &Layer| matches!(layer, Layer::Welcome { .. } | Layer::Fleet { .. });
    // Help, palette and filter are about what they lie on.
    let of =
        model.layers.iter().rev().find(|layer| {
            !matches!(layer, Layer::Help { .. } | Layer::Palette { .. } | Layer::Filter { .. })
        });
    if of.is_none_or(over_all) { None } else { model.cluster() }
}

fn right(model: &Model) -> Vec<Part> {
    let dot = model.look.signs.dot;
    let cluster = about(model);
    let mut parts = Vec::new();
    if let (Some(cluster), Some(drill)) = (cluster, cluster.and_then(Cluster::drill)) {
        let time = paint::clock(cluster.now.duration_since(drill.began));
        parts.push(Part::new(3, format!("{time} "), Ink::Drill));
        parts.push(Part::new(3, " ", Ink::Text));
    }
    if let Some(walk) = model.running() {
        // Wherever the operator looks meanwhile.
        let (word, ink) = if walk.asked.is_some() { ("RUN WAITS", Ink::Asked) } else { ("RUNS", Ink::Title) };
        parts.push(Part::new(1, format!("{word} "), ink));
    }
    match &model.glass {
        None => parts.push(Part::new(0, "READ-ONLY ", Ink::ReadOnly)),
        Some(glass) => {
            let time = paint::clock(model.now.duration_since(glass.since));
            let elsewhere = cluster.is_none() || model.open != Some(glass.cluster);
            let of = model.clusters.get(glass.cluster).filter(|_| elsewhere);
            let of = of.map(|other| format!(" {}", other.name)).unwrap_or_default();
            parts.push(Part::new(0, format!(" GLASS BROKEN{of}"), Ink::Glass));
            parts.push(Part::new(1, format!(" {time}"), Ink::Glass));
            if !glass.incident.is_empty() {
                let incident = paint::cut(&glass.incident, 16, model.look);
                parts.push(Part::new(4, format!(" {incident}"), Ink::Glass));
            }
            parts.push(Part::new(0, " ", Ink::Glass));
        }
    }
    if let Some((text, ink)) = cluster.map(|cluster| record(model, cluster, model.look)) {
        parts.push(Part::new(2, format!("{dot} {text}"), ink));
    }
    parts.push(Part::new(7, " ", Ink::Text));
    parts
}

/// The state of the cluster's record; while a run writes it, the head as the run knows it.
fn record(model: &Model, cluster: &Cluster, look: Look) -> (String, Ink) {
    let walk = model.running().filter(|walk| model.open == Some(walk.cluster));
    if let Some(head) = walk.and_then(|walk| walk.head.clone()) {
        return (head, Ink::Title);
    }
    // Nothing is ever done to files, so they have no record.
    if cluster.mode() == Some(Mode::Bundle) {
        return ("from files".to_owned(), Ink::Dim);
    }
    match &cluster.record {
        RecordState::Unread => ("record not read".to_owned(), Ink::Unknown),
        RecordState::Ready => ("record ready".to_owned(), Ink::Dim),
        RecordState::Head { code, open: 0, .. } => (code.clone(), Ink::Title),
        RecordState::Head { code, open, .. } => (format!("{code} {open} open"), Ink::Warn),
        RecordState::Trouble(_) => (format!("{} RECORD TROUBLE", look.signs.not), Ink::Warn),
    }
}
