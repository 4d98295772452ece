//! Looking closer: from a finding to where its evidence was read, from one known line of a log to the next, and what
//! changed meanwhile.

use super::super::model::{Layer, Model, NodeAt, NodeTab};
use super::super::msg::Effect;
use super::super::view::{self, Place};
use super::begin::say;
use crate::facts::keys;

/// Lines kept above what a key leads to.
const ABOVE: usize = 2;

/// The next piece of evidence, or the one before; where the chosen one is out of sight it comes into sight first.
pub(super) fn next_evidence(model: &mut Model, forward: bool) {
    let (rows, room, extent) = (view::evidence_rows(model), view::room(model), view::extent(model));
    let Some(Layer::Finding { scroll, evidence, .. }) = model.layers.last_mut() else { return };
    let from = (*scroll).min(extent);
    let in_sight = |row: usize| row >= from && row < (from + room).saturating_sub(1);
    if rows.get(*evidence).is_some_and(|row| in_sight(*row)) {
        let count = rows.len();
        *evidence = if forward { (*evidence + 1) % count } else { (*evidence + count - 1) % count };
    }
    if let Some(row) = rows.get(*evidence).copied().filter(|row| !in_sight(*row)) {
        *scroll = row.saturating_sub(room / 2).min(extent);
    }
}

/// To the chosen piece of evidence, where it was read.
pub(super) fn to_evidence(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Finding { at, evidence, .. }) = model.top() else { return Vec::new() };
    let Some((cluster, finding)) = model.cluster().zip(model.finding(*at)) else { return Vec::new() };
    let place = |name: &str| cluster.nodes.iter().position(|(node, _)| node.as_str() == name);
    let named = finding.evidence.get(*evidence).and_then(|name| {
        cluster.nodes.iter().enumerate().find_map(|(at, (node, _))| {
            let fact = name.strip_prefix(node.as_str())?.strip_prefix('.')?;
            keys::ALL.iter().find(|key| key.name == fact).map(|key| (at, key.name))
        })
    });
    // Where nothing was read, what is known of the ways to the node stands on its screen.
    let Some((node, fact)) = named.or_else(|| Some((place(finding.nodes.first()?.as_str())?, ""))) else {
        return say(model, "this finding is about no node");
    };
    let finding = finding.id;
    let tab = NodeTab::of(fact);
    let mut at = NodeAt { node, tab, at: (!fact.is_empty()).then(|| fact.to_owned()), ..NodeAt::default() };
    if tab == NodeTab::Log {
        // The lines themselves say more than that there are some.
        let points = |place: &Place| place.known.is_some_and(|line| line.finding == Some(finding));
        at.at = view::places(model, &at).into_iter().rfind(points).map(|place| place.what).or(at.at);
    }
    for layer in &mut model.layers {
        if let Layer::Matrix(matrix) = layer {
            matrix.node = node;
        }
    }
    model.layers.push(Layer::Node(at));
    reveal(model);
    Vec::new()
}

/// The next known line of the log, or the one before.
pub(super) fn known(model: &mut Model, forward: bool) -> Vec<Effect> {
    let Some(at) = log(model) else { return Vec::new() };
    let places = view::places(model, at);
    let known: Vec<Place> = places.into_iter().filter(|place| place.known.is_some()).collect();
    let from = at.scroll.min(view::extent(model));
    let chosen = at.at.as_ref().and_then(|what| known.iter().position(|place| place.what == *what));
    let next = match (chosen, forward) {
        (Some(chosen), true) => chosen.checked_add(1),
        (Some(chosen), false) => chosen.checked_sub(1),
        // The first one that is in sight.
        (None, true) => known.iter().position(|place| place.row >= from),
        (None, false) => known.iter().rposition(|place| place.row < from),
    };
    let Some(next) = next.and_then(|next| known.get(next)) else {
        return say(model, if forward { "no known line further down" } else { "no known line further up" });
    };
    let what = next.what.clone();
    if let Some(Layer::Node(at)) = model.layers.last_mut() {
        at.at = Some(what);
    }
    reveal(model);
    Vec::new()
}

/// Fewer lines of the log, or all of them again.
pub(super) fn only(model: &mut Model) -> Vec<Effect> {
    let Some(at) = log(model) else { return Vec::new() };
    let only = at.only.next();
    keeping(model, |at| at.only = only);
    say(model, only.word())
}

/// What every known line means, or only what the bad ones do.
pub(super) fn explain(model: &mut Model) -> Vec<Effect> {
    let Some(at) = log(model) else { return Vec::new() };
    let explained = !at.explained;
    keeping(model, |at| at.explained = explained);
    say(
        model,
        if explained {
            "every known line with what it means"
        } else {
            "warnings and errors with what they mean"
        },
    )
}

/// What changed.
pub(super) fn changes(model: &mut Model) -> Vec<Effect> {
    model.layers.push(Layer::Changes { pinned: false, scroll: 0 });
    Vec::new()
}

/// Later surveys are compared with the one that is shown.
pub(super) fn pin(model: &mut Model) -> Vec<Effect> {
    let Some(cluster) = model.open.and_then(|open| model.clusters.get_mut(open)) else { return Vec::new() };
    let Some(picture) = &cluster.picture else {
        return say(model, "nothing was read yet that could be pinned");
    };
    cluster.past.pin(picture, true);
    let text = format!(
        "pinned: c and then tab tell what changed since {}",
        picture.survey.taken.strftime("%H:%M:%S")
    );
    say(model, &text)
}

/// The log that is in front.
fn log(model: &Model) -> Option<&NodeAt> {
    match model.top() {
        Some(Layer::Node(at)) if at.tab == NodeTab::Log => Some(at),
        _ => None,
    }
}

/// Scrolls to what is chosen, where it is out of sight.
fn reveal(model: &mut Model) {
    let Some(Layer::Node(at)) = model.top() else { return };
    let (room, extent) = (view::room(model), view::extent(model));
    let from = at.scroll.min(extent);
    let row = view::places(model, at).into_iter().find(|place| Some(&place.what) == at.at.as_ref());
    // The last row of a page that goes on says how much there is.
    let Some(row) = row.map(|place| place.row).filter(|row| *row < from || *row + 2 > from + room) else {
        return;
    };
    if let Some(Layer::Node(at)) = model.layers.last_mut() {
        at.scroll = row.saturating_sub(ABOVE).min(extent);
    }
}

/// Changes what is shown of the log, and leaves in its row what is looked at.
fn keeping(model: &mut Model, change: impl FnOnce(&mut NodeAt)) {
    let Some(Layer::Node(at)) = model.top() else { return };
    let anchor = Anchor::of(model, at);
    let Some(Layer::Node(at)) = model.layers.last_mut() else { return };
    change(at);
    let mut moved = at.clone();
    if let Some(anchor) = anchor {
        anchor.put_back(model, &mut moved);
    }
    if let Some(Layer::Node(at)) = model.layers.last_mut() {
        *at = moved;
    }
    reveal(model);
}

/// What stands in which row of a node's screen, so that it stays there when rows come and go above it.
pub(super) struct Anchor {
    what: String,
    below: usize,
}

impl Anchor {
    /// What is chosen, else the first that is in sight; nothing at the top, which stays the top.
    pub(super) fn of(model: &Model, at: &NodeAt) -> Option<Self> {
        let places = view::places(model, at);
        let in_sight = || places.iter().find(|place| place.row >= at.scroll);
        let chosen =
            places.iter().find(|place| Some(&place.what) == at.at.as_ref() && place.row >= at.scroll);
        let place = chosen.or_else(in_sight).filter(|_| at.scroll > 0)?;
        Some(Self { what: place.what.clone(), below: place.row.saturating_sub(at.scroll) })
    }

    /// Scrolls so that it stands there again.
    pub(super) fn put_back(self, model: &Model, at: &mut NodeAt) {
        if let Some(place) = view::places(model, at).into_iter().find(|place| place.what == self.what) {
            at.scroll = place.row.saturating_sub(self.below);
        }
    }
}
