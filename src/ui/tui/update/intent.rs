//! What the operator means, layer by layer.

use super::super::keymap::{self, Intent};
use super::super::model::{Cluster, DrillView, Layer, MatrixAt, Model, NodeAt, NodeTab, RecordState};
use super::super::msg::{Effect, Hidden, Reply};
use super::super::view;
use super::super::walk::Stopping;
use super::begin::{self, say};
use super::{asked, copy, looking, open, stop, survey_of, typing};

/// The exit code of a run that was declined before anything was done.
const REFUSED: u8 = 40;

/// The exit code of a run that rests and can go on.
const PAUSED: u8 = 130;
/// The exit code of a drill that was left before everything was reached.
const NOT_WON: u8 = 10;

/// Does it.
pub(super) fn act(model: &mut Model, intent: Intent) -> Vec<Effect> {
    match intent {
        Intent::Back => back(model),
        Intent::Quit => quit(model),
        Intent::Interrupt => interrupt(model),
        Intent::Help => push(model, |of| Layer::Help { of, scroll: 0 }),
        Intent::Palette => push(model, |_| Layer::Palette { typed: String::new(), at: 0 }),
        Intent::Theme => {
            model.look = model.look.next();
            let word = format!("colours: {}", model.look.palette.word());
            say(model, &word)
        }
        Intent::Suspend => suspend(model),
        Intent::Redraw => vec![Effect::Redraw],
        Intent::Copy => copy::copy(model),
        Intent::Up | Intent::Down | Intent::PageUp | Intent::PageDown | Intent::Top | Intent::Bottom => {
            move_by(model, intent)
        }
        Intent::Left | Intent::Right => sideways(model, intent == Intent::Right),
        Intent::Next | Intent::Previous => next(model, intent == Intent::Next),
        Intent::Enter => enter(model),
        Intent::Filter => filter(model),
        Intent::Refresh => refresh(model),
        Intent::AutoRefresh => auto(model),
        Intent::Evidence if matches!(model.top(), Some(Layer::Finding { .. })) => looking::to_evidence(model),
        Intent::Evidence => {
            let node = matrix(model).map_or(0, |at| at.node);
            model.layers.push(Layer::Node(NodeAt { node, ..NodeAt::default() }));
            Vec::new()
        }
        Intent::Runbooks => {
            model.layers.push(Layer::Picker { at: 0 });
            Vec::new()
        }
        Intent::BreakGlass => begin::break_glass(model),
        Intent::CloseGlass => match (model.running().is_some(), model.glass.take()) {
            (true, glass) => {
                model.glass = glass;
                say(model, "a run is under way: it has to end first (s stops it after its step)")
            }
            (false, Some(_)) => say(model, "the glass is closed: read-only"),
            (false, None) => say(model, "it is read-only already"),
        },
        Intent::Record => model.open.map(Effect::ShowRecord).into_iter().collect(),
        Intent::Matrix => to_matrix(model),
        Intent::Anew => anew(model),
        Intent::Walker => walker(model),
        Intent::Fleet => fleet(model),
        Intent::Brief => {
            if model.cluster().is_some_and(|cluster| cluster.drill().is_some()) {
                model.layers.push(Layer::Brief { scroll: 0 });
                return Vec::new();
            }
            say(model, "no pager: this is no drill")
        }
        Intent::Script => script(model),
        Intent::Decline => {
            if asked(model).is_none() {
                return say(model, "nothing is asked");
            }
            begin::answer(model, Reply::Refused("the operator declined".to_owned()))
        }
        Intent::StopAfter => stop_after(model),
        Intent::NextKnown | Intent::PreviousKnown => looking::known(model, intent == Intent::NextKnown),
        Intent::Only => looking::only(model),
        Intent::Explain => looking::explain(model),
        Intent::Changes => looking::changes(model),
        Intent::Pin => looking::pin(model),
    }
}

fn push(model: &mut Model, layer: impl FnOnce(keymap::Context) -> Layer) -> Vec<Effect> {
    if let Some(context) = model.top().map(Layer::context) {
        model.layers.push(layer(context));
    }
    Vec::new()
}

/// One layer back. What was typed in it is gone, and nothing has happened.
fn back(model: &mut Model) -> Vec<Effect> {
    match model.layers.last_mut() {
        Some(Layer::Walker { at, scroll }) if at.is_some() => {
            (*at, *scroll) = (None, 0);
            return Vec::new();
        }
        Some(Layer::Secret) => {
            model.secret = None;
            model.layers.pop();
            return vec![Effect::Secret(None)];
        }
        Some(Layer::Filter { .. }) => {
            model.layers.pop();
            if let Some(filter) = model.layers.last_mut().and_then(typing::filter_of) {
                filter.clear();
            }
            return Vec::new();
        }
        Some(layer) => {
            // A filter goes before its layer does.
            if let Some(filter) = typing::filter_of(layer).filter(|filter| !filter.is_empty()) {
                filter.clear();
                return Vec::new();
            }
        }
        None => {}
    }
    if model.layers.len() > 1 {
        model.layers.pop();
        return Vec::new();
    }
    say(model, "q leaves")
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if model.layers.len() > 1 {
        return back(model);
    }
    leave(model)
}

/// The program ends; never through a run.
fn leave(model: &mut Model) -> Vec<Effect> {
    if model.running().is_some() {
        model.layers.push(Layer::Leave);
        return Vec::new();
    }
    // Whoever walked a runbook and leaves has its exit code, as `run` has; whoever was to walk one and did not, refused.
    let ended = model.walk.as_ref().and_then(|walk| walk.ended.as_ref());
    let exit = match model.clusters.iter().find_map(Cluster::drill) {
        // As `drill play --plain`: whether it was won.
        Some(drill) if drill.debrief.is_empty() => {
            ended.map(|finish| finish.exit).filter(|exit| *exit == PAUSED).unwrap_or(NOT_WON)
        }
        Some(_) => 0,
        None => ended.map_or(if model.preset.is_some() { REFUSED } else { 0 }, |finish| finish.exit),
    };
    vec![Effect::Quit(exit)]
}

fn interrupt(model: &mut Model) -> Vec<Effect> {
    if model.top().is_some_and(|top| top.context().is_typed()) {
        return back(model);
    }
    if model.running().is_some() { stop(model) } else { leave(model) }
}

fn suspend(model: &mut Model) -> Vec<Effect> {
    if model.running().is_some_and(super::super::walk::Walk::acts) {
        return say(
            model,
            "an act is on its way: put aside, its answer would be lost. Wait for it, or use another terminal",
        );
    }
    vec![Effect::Suspend]
}

fn stop_after(model: &mut Model) -> Vec<Effect> {
    if matches!(model.top(), Some(Layer::Leave)) {
        model.layers.pop();
        model.leaving = model.running().is_some();
    }
    match model.running().map(|walk| walk.stopping) {
        None => say(model, "nothing runs"),
        Some(Stopping::No) => stop(model),
        Some(_) => say(model, "it stops after this step already; ctrl-c stops at once"),
    }
}

/// Where the operator is on the matrix.
pub(super) fn matrix(model: &Model) -> Option<&MatrixAt> {
    model.layers.iter().rev().find_map(|layer| match layer {
        Layer::Matrix(at) => Some(at),
        _ => None,
    })
}

/// Moves what is chosen, or scrolls.
fn move_by(model: &mut Model, intent: Intent) -> Vec<Effect> {
    let extent = view::extent(model);
    let page = view::room(model).saturating_sub(1).max(1);
    let count = count(model);
    let Some(layer) = model.layers.last_mut() else { return Vec::new() };
    let page_key = matches!(intent, Intent::PageUp | Intent::PageDown);
    let (place, most) = match layer {
        Layer::Matrix(at) if page_key => (&mut at.scroll, extent),
        Layer::Matrix(at) => (&mut at.finding, count.saturating_sub(1)),
        Layer::Walker { scroll, .. } if page_key => (scroll, extent),
        Layer::Walker { at, scroll } => {
            *scroll = 0;
            let current = model.walk.as_ref().and_then(|walk| walk.at).unwrap_or(0);
            (at.get_or_insert(current), count.saturating_sub(1))
        }
        // Nothing is chosen there until a key has chosen it; the first one takes the first.
        Layer::Diagnose { at, .. } | Layer::Choose { at } if at.is_none() => {
            *at = (count > 0).then_some(0);
            return Vec::new();
        }
        Layer::Diagnose { at, .. } | Layer::Choose { at } => (at.get_or_insert(0), count.saturating_sub(1)),
        Layer::Welcome { at }
        | Layer::Fleet { at, .. }
        | Layer::Picker { at }
        | Layer::Palette { at, .. } => (at, count.saturating_sub(1)),
        Layer::Brief { scroll }
        | Layer::Finding { scroll, .. }
        | Layer::Changes { scroll, .. }
        | Layer::Confirm { scroll, .. }
        | Layer::Script { scroll, .. }
        | Layer::Plan { scroll, .. }
        | Layer::Record { scroll, .. }
        | Layer::Help { scroll, .. }
        | Layer::Debrief { scroll } => (scroll, extent),
        Layer::Node(at) => (&mut at.scroll, extent),
        Layer::Waive(form) => (&mut form.scroll, extent),
        Layer::Reason(_) | Layer::Filter { .. } | Layer::Leave | Layer::Secret => return Vec::new(),
    };
    // A place beyond the end is the end's.
    let from = (*place).min(most);
    *place = match intent {
        Intent::Up => from.saturating_sub(1),
        Intent::PageUp => from.saturating_sub(page),
        Intent::PageDown => (from + page).min(most),
        Intent::Top => 0,
        Intent::Bottom => most,
        _ => (from + 1).min(most),
    };
    Vec::new()
}

/// How many there are to choose from on the top layer.
fn count(model: &Model) -> usize {
    let findings = || Some(model.cluster()?.picture.as_ref()?.judgement.findings.len());
    match model.top() {
        Some(Layer::Welcome { .. }) => model.drills.len(),
        Some(Layer::Fleet { filter, .. }) => model.fleet(filter).len(),
        Some(Layer::Matrix(_)) => findings().unwrap_or(0),
        Some(Layer::Picker { .. }) => model.runbooks.len(),
        Some(Layer::Diagnose { .. }) => {
            let question = model.cluster().and_then(Cluster::drill).and_then(DrillView::asks);
            question.map_or(0, |question| question.options.len())
        }
        Some(Layer::Walker { .. }) => model.walk.as_ref().map_or(0, |walk| walk.steps.len()),
        Some(Layer::Choose { .. }) => match asked(model) {
            Some(super::Ask::Choose(choice)) => choice.standings.len(),
            _ => 0,
        },
        Some(Layer::Palette { typed, .. }) => keymap::offers(below(model), typed).len(),
        _ => 0,
    }
}

/// The context under the top layer.
fn below(model: &Model) -> keymap::Context {
    let layer = model.layers.iter().rev().nth(1);
    layer.map_or(keymap::Context::Everywhere, Layer::context)
}

fn sideways(model: &mut Model, right: bool) -> Vec<Effect> {
    let nodes = model.cluster().map_or(0, |cluster| cluster.nodes.len());
    let findings = model
        .cluster()
        .and_then(|cluster| cluster.picture.as_ref())
        .map_or(0, |picture| picture.judgement.findings.len());
    let step = |at: &mut usize, count: usize| {
        *at = if right { (*at + 1).min(count.saturating_sub(1)) } else { at.saturating_sub(1) };
    };
    let mut column = None;
    match model.layers.last_mut() {
        Some(Layer::Matrix(at)) => step(&mut at.node, nodes),
        Some(Layer::Node(at)) => {
            step(&mut at.node, nodes);
            at.at = None;
            column = Some(at.node);
        }
        Some(Layer::Finding { at, scroll, evidence }) => {
            step(at, findings);
            (*scroll, *evidence) = (0, 0);
        }
        _ => {}
    }
    // The column on the matrix goes with the node that is looked at.
    for layer in &mut model.layers {
        if let (Layer::Matrix(at), Some(column)) = (layer, column) {
            at.node = column;
        }
    }
    Vec::new()
}

fn next(model: &mut Model, forward: bool) -> Vec<Effect> {
    let turn = |at: usize, of: usize| if forward { (at + 1) % of } else { (at + of - 1) % of };
    match model.layers.last_mut() {
        Some(Layer::Node(at)) => {
            let tab = NodeTab::ALL.iter().position(|one| *one == at.tab).unwrap_or(0);
            at.tab = NodeTab::ALL.get(turn(tab, NodeTab::ALL.len())).copied().unwrap_or(at.tab);
            (at.scroll, at.at) = (0, None);
        }
        Some(Layer::Finding { .. }) => looking::next_evidence(model, forward),
        Some(Layer::Changes { pinned, scroll }) => (*pinned, *scroll) = (!*pinned, 0),
        Some(Layer::Reason(form)) => form.field = turn(form.field, 2),
        Some(Layer::Waive(form)) => form.field = turn(form.field, 3),
        _ => {}
    }
    Vec::new()
}

/// Goes in, goes on, does it.
fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(top) = model.top().cloned() else { return Vec::new() };
    match top {
        Layer::Welcome { .. }
            if model.clusters.iter().filter_map(Cluster::drill).any(|drill| drill.debrief.is_empty()) =>
        {
            say(model, "a drill is under way: m goes back to it, N begins it anew")
        }
        Layer::Welcome { .. } => anew(model),
        Layer::Fleet { at, filter } => match model.fleet(&filter).get(at) {
            Some(cluster) => open(model, *cluster),
            None => Vec::new(),
        },
        Layer::Matrix(at) => {
            if model.finding(at.finding).is_some() {
                model.layers.push(Layer::Finding { at: at.finding, scroll: 0, evidence: 0 });
            }
            Vec::new()
        }
        Layer::Finding { at, .. } => walk_answer(model, at),
        Layer::Picker { at } => match view::picker_order(model).get(at) {
            Some(runbook) => begin::begin(model, *runbook),
            None => Vec::new(),
        },
        Layer::Diagnose { at, then } => begin::diagnosed(model, at, then),
        Layer::Reason(_) => begin::reasoned(model),
        Layer::Walker { .. } => walker_enter(model),
        Layer::Choose { at } => begin::chosen(model, at),
        Layer::Confirm { .. } => begin::confirmed(model),
        Layer::Waive(_) => begin::waived(model),
        Layer::Palette { typed, at } => {
            let row = keymap::offers(below(model), &typed).get(at).copied();
            model.layers.pop();
            row.map_or_else(Vec::new, |row| act(model, row.intent))
        }
        Layer::Secret => secret(model),
        Layer::Debrief { .. } => {
            model.layers.truncate(1);
            Vec::new()
        }
        Layer::Brief { .. } | Layer::Filter { .. } | Layer::Leave => {
            model.layers.pop();
            Vec::new()
        }
        Layer::Node(_)
        | Layer::Changes { .. }
        | Layer::Script { .. }
        | Layer::Plan { .. }
        | Layer::Record { .. }
        | Layer::Help { .. } => Vec::new(),
    }
}

/// The secret is given. An empty one only on purpose: Enter may have been meant for the screen before.
fn secret(model: &mut Model) -> Vec<Effect> {
    if let Some(asked) = model.secret.as_mut().filter(|asked| asked.typed.is_empty() && !asked.empty) {
        asked.empty = true;
        return say(model, "nothing is typed: enter once more gives an empty secret, esc declines");
    }
    model.layers.pop();
    let typed = model.secret.take().map(|asked| Hidden(asked.typed));
    vec![Effect::Secret(typed)]
}

/// Walks the runbook that answers a finding.
fn walk_answer(model: &mut Model, at: usize) -> Vec<Effect> {
    let Some(finding) = model.finding(at) else { return Vec::new() };
    let Some(id) = finding.runbook else {
        return say(model, "no runbook answers this yet: what to do by hand stands in the text");
    };
    match model.runbooks.iter().position(|book| book.id == id) {
        Some(runbook) => begin::begin(model, runbook),
        None => Vec::new(),
    }
}

/// In the walker: what is asked; after the end of a drill its debrief.
fn walker_enter(model: &mut Model) -> Vec<Effect> {
    if asked(model).is_some() {
        return begin::open_asked(model);
    }
    let debrief =
        model.cluster().and_then(|cluster| cluster.drill()).is_some_and(|drill| !drill.debrief.is_empty());
    if model.running().is_none() && debrief {
        model.layers.push(Layer::Debrief { scroll: 0 });
        return Vec::new();
    }
    match model.running() {
        Some(_) => say(model, "nothing is asked: it goes on by itself"),
        None => back(model),
    }
}

fn walker(model: &mut Model) -> Vec<Effect> {
    let Some(cluster) = model.walk.as_ref().map(|walk| walk.cluster) else {
        return say(model, "no runbook was walked yet: r shows them");
    };
    if model.open != Some(cluster) {
        let name = model.clusters.get(cluster).map(|of| of.name.to_string()).unwrap_or_default();
        return say(model, &format!("the run is on {name}"));
    }
    model.layers.push(Layer::Walker { at: None, scroll: 0 });
    Vec::new()
}

/// Begins the drill that is chosen, whatever became of the one before.
fn anew(model: &mut Model) -> Vec<Effect> {
    if model.running().is_some() {
        return say(model, "a run is under way: m and then w lead to it; it has to end first");
    }
    let Some(Layer::Welcome { at }) = model.top() else { return Vec::new() };
    let drill = model.drills.get(*at).map(|drill| Effect::BeginDrill(drill.id.clone()));
    drill.into_iter().collect()
}

/// The open cluster's matrix, from below or from above.
fn to_matrix(model: &mut Model) -> Vec<Effect> {
    if let Some(at) = model.layers.iter().rposition(|layer| matches!(layer, Layer::Matrix(_))) {
        model.layers.truncate(at + 1);
        return Vec::new();
    }
    if model.open.is_none() {
        return say(model, "no cluster was opened yet");
    }
    model.layers.push(Layer::Matrix(MatrixAt::default()));
    Vec::new()
}

fn fleet(model: &mut Model) -> Vec<Effect> {
    match model.layers.iter().position(|layer| matches!(layer, Layer::Fleet { .. } | Layer::Welcome { .. })) {
        Some(at) => {
            model.layers.truncate(at + 1);
            Vec::new()
        }
        None => say(model, "this is the only cluster"),
    }
}

fn filter(model: &mut Model) -> Vec<Effect> {
    let typed = model.layers.last_mut().and_then(typing::filter_of).map(|filter| filter.clone());
    if let Some(typed) = typed {
        model.layers.push(Layer::Filter { typed });
    }
    Vec::new()
}

fn refresh(model: &mut Model) -> Vec<Effect> {
    if matches!(model.top(), Some(Layer::Fleet { .. })) {
        return (0..model.clusters.len()).filter_map(|at| survey_of(model, at)).collect();
    }
    let Some(open) = model.open else { return Vec::new() };
    match survey_of(model, open) {
        Some(effect) => vec![effect],
        None if model.running().is_some() => {
            say(model, "the run reads the nodes itself, before whatever it does")
        }
        None => say(model, "the nodes are being read already"),
    }
}

fn auto(model: &mut Model) -> Vec<Effect> {
    let Some(cluster) = model.open.and_then(|open| model.clusters.get_mut(open)) else { return Vec::new() };
    cluster.auto = !cluster.auto;
    let words = if cluster.auto {
        "surveyed again every 5 s"
    } else {
        "no longer surveyed by itself: R surveys; ages are as of the last key"
    };
    say(model, words)
}

/// The exact script of the step that is looked at; on the runbooks' screen the whole plan.
fn script(model: &mut Model) -> Vec<Effect> {
    match model.top() {
        Some(Layer::Walker { at, .. }) => {
            let step = at.or_else(|| model.walk.as_ref().and_then(|walk| walk.at)).unwrap_or(0);
            model.layers.push(Layer::Script { step, scroll: 0 });
            Vec::new()
        }
        Some(Layer::Picker { at }) => {
            let order = view::picker_order(model);
            match order.get(*at).and_then(|at| model.runbooks.get(*at)).cloned() {
                Some(book) => {
                    model.layers.push(Layer::Plan { runbook: book, scroll: 0 });
                    Vec::new()
                }
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// The short code of the open cluster's record.
pub(super) fn head_code(model: &Model) -> Option<String> {
    let walked = model.walk.as_ref().filter(|walk| Some(walk.cluster) == model.open);
    walked.and_then(|walk| walk.head.clone()).or_else(|| match &model.cluster()?.record {
        RecordState::Head { code, .. } => Some(code.clone()),
        _ => None,
    })
}
