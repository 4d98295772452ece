//! From a runbook to its walk: what has to be said before, and the answers to what it asks on the way.

use std::time::Duration;

use super::super::model::{Burst, Cluster, Glass, Layer, Model, Origin, ReasonForm};
use super::super::msg::{Effect, Order, Reply};
use super::super::walk::{Ask, Walk};
use super::{asked, typing};
use crate::engine::WaiverGiven;
use crate::facts::{NodeName, Plain, Role};
use crate::runbook::plan;
use crate::ui::cli::USUAL_MINUTES;

/// How often a text may be typed wrong before the answer is no.
pub(crate) const WRONG: u8 = 3;

/// Walks a runbook on the open cluster; asks first for what is missing.
pub(super) fn begin(model: &mut Model, runbook: usize) -> Vec<Effect> {
    if let Some(walk) = model.running() {
        let what = format!("{} is under way: w shows it", walk.runbook.id);
        return say(model, &what);
    }
    let (Some(book), Some(cluster), Some(open)) = (model.runbooks.get(runbook), model.cluster(), model.open)
    else {
        return Vec::new();
    };
    let data = cluster.nodes.iter().filter(|(_, role)| *role == Role::Data);
    let data: Vec<NodeName> = data.map(|(name, _)| name.clone()).collect();
    let preset = model.preset.as_ref().filter(|(of, _)| *of == runbook);
    let inputs = preset.map(|(_, inputs)| inputs.clone()).unwrap_or_default();
    let plan = match plan(book, &data, &inputs) {
        Ok(plan) => plan,
        Err(error) => return say(model, &error.to_string()),
    };
    let reads = plan.all_reads();
    let unanswered = cluster.drill().is_some_and(|drill| drill.asks().is_some());
    if !reads && unanswered {
        model.layers.push(Layer::Diagnose { at: None, then: Some(runbook) });
        return Vec::new();
    }
    let glass = model.glass.as_ref().filter(|glass| glass.cluster == open);
    if !reads && glass.is_none() {
        model.layers.push(Layer::Reason(ReasonForm { runbook: Some(runbook), ..ReasonForm::default() }));
        return Vec::new();
    }
    let (reason, incident) = glass.map(|glass| (glass.reason.clone(), glass.incident.clone())).unzip();
    model.walk = Some(Walk::new(open, &plan, model.now));
    // What was given beforehand was given for this walk.
    model.preset = None;
    // Esc leads from the run to the matrix, whatever way led here.
    if let Some(matrix) = model.layers.iter().rposition(|layer| matches!(layer, Layer::Matrix(_))) {
        model.layers.truncate(matrix + 1);
    }
    model.layers.push(Layer::Walker { at: None, scroll: 0 });
    vec![Effect::Walk(Box::new(Order { cluster: open, plan, reason, incident }))]
}

/// Walks the runbook of a form whose lines may be filled in already.
pub(crate) fn begin_with(model: &mut Model, form: ReasonForm) -> Vec<Effect> {
    let Some(runbook) = form.runbook else { return Vec::new() };
    let whole = !form.reason.trim().is_empty() && !form.incident.trim().is_empty();
    let effects = begin(model, runbook);
    // One that only reads asks for neither.
    if let Some(Layer::Reason(asked)) = model.layers.last_mut() {
        *asked = ReasonForm { field: if whole { 1 } else { form.field }, ..form };
        if whole {
            return reasoned(model);
        }
    }
    effects
}

/// The drill's question is answered.
pub(super) fn diagnosed(model: &mut Model, at: Option<usize>, then: Option<usize>) -> Vec<Effect> {
    let Some(at) = at else { return say(model, "choose an answer with the arrows first") };
    let open = model.open.and_then(|open| model.clusters.get_mut(open));
    if let Some(Origin::Drill(drill)) = open.map(|cluster| &mut cluster.origin) {
        let answer = drill.asks().and_then(|question| question.order.get(at)).copied();
        drill.answered.extend(answer);
        if drill.asks().is_some() {
            model.layers.pop();
            model.layers.push(Layer::Diagnose { at: None, then });
            return Vec::new();
        }
    }
    model.layers.pop();
    match then {
        Some(runbook) => begin(model, runbook),
        None => break_glass(model),
    }
}

/// Asks for a reason and an incident; in a drill first what is wrong.
pub(super) fn break_glass(model: &mut Model) -> Vec<Effect> {
    if model.glass.as_ref().is_some_and(|glass| Some(glass.cluster) == model.open) {
        return say(model, "the glass is broken already; C closes it");
    }
    if let Some(walk) = model.running() {
        let what = format!("{} is under way: it has to end first", walk.runbook.id);
        return say(model, &what);
    }
    let unanswered = model.cluster().and_then(Cluster::drill).is_some_and(|drill| drill.asks().is_some());
    model.layers.push(if unanswered {
        Layer::Diagnose { at: None, then: None }
    } else {
        Layer::Reason(ReasonForm::default())
    });
    Vec::new()
}

/// Enter in the form that breaks the glass.
pub(super) fn reasoned(model: &mut Model) -> Vec<Effect> {
    let (Some(Layer::Reason(form)), Some(cluster)) = (model.layers.last_mut(), model.open) else {
        return Vec::new();
    };
    let empty = [&form.reason, &form.incident].iter().position(|text| text.trim().is_empty());
    if form.field == 0 && !form.reason.trim().is_empty() {
        form.field = 1;
        return Vec::new();
    }
    if let Some(empty) = empty {
        form.field = empty;
        return say(model, "both go into the record: a reason, and the incident it belongs to");
    }
    let (reason, incident) = (form.reason.trim().to_owned(), form.incident.trim().to_owned());
    let runbook = form.runbook;
    let now = model.now;
    model.glass = Some(Glass { cluster, since: now, reason, incident, last_key: now });
    model.layers.pop();
    runbook.map_or_else(Vec::new, |runbook| begin(model, runbook))
}

/// Opens what the run asks for.
pub(super) fn open_asked(model: &mut Model) -> Vec<Effect> {
    let layer = match asked(model) {
        Some(Ask::Choose(_)) => Layer::Choose { at: None },
        Some(Ask::Confirm(_)) => {
            Layer::Confirm { typed: String::new(), burst: Burst::default(), wrong: 0, scroll: 0 }
        }
        Some(Ask::Waive(_)) => Layer::Waive(super::super::model::WaiveForm::default()),
        None => return Vec::new(),
    };
    model.layers.push(layer);
    Vec::new()
}

/// A node is chosen.
pub(super) fn chosen(model: &mut Model, at: Option<usize>) -> Vec<Effect> {
    let Some(Ask::Choose(choice)) = asked(model) else { return Vec::new() };
    let Some(at) = at else { return say(model, "choose a node with the arrows first") };
    match choice.standings.get(at).map(|(node, _)| node.clone()) {
        Some(node) => answer(model, Reply::Chosen(node)),
        None => Vec::new(),
    }
}

/// Enter in a confirmation. Only what was asked goes on; whatever was typed stands in the record. The engine asks again
/// after a slip of the fingers, and not for ever.
pub(super) fn confirmed(model: &mut Model) -> Vec<Effect> {
    let Some(Ask::Confirm(challenge)) = asked(model) else {
        return say(model, "the line before is still being written down: enter once more");
    };
    let want = challenge.asked.clone();
    let Some(Layer::Confirm { typed, burst, wrong, .. }) = model.layers.last_mut() else {
        return Vec::new();
    };
    if typed.is_empty() {
        return say(model, "nothing is typed yet, and nothing has happened");
    }
    let text = std::mem::take(typed);
    if std::mem::take(burst).is_paste() {
        typing::refuse(model);
        return Vec::new();
    }
    *wrong += 1;
    if text == want || *wrong >= WRONG {
        return answer(model, Reply::Typed(text));
    }
    // The screen stays; nothing is taken before it is asked again.
    if let Some(walk) = &mut model.walk {
        walk.answered = walk.asked.take();
    }
    vec![Effect::Answer(Reply::Typed(text))]
}

/// Enter in a waiver.
pub(super) fn waived(model: &mut Model) -> Vec<Effect> {
    let Some(Ask::Waive(asked)) = asked(model) else { return Vec::new() };
    let (want, rule, node) = (asked.asked.clone(), asked.blocked.rule, asked.node.clone());
    let Some(Layer::Waive(form)) = model.layers.last_mut() else { return Vec::new() };
    if form.field == 0 && std::mem::take(&mut form.burst).is_paste() {
        form.typed.clear();
        typing::refuse(model);
        return Vec::new();
    }
    if form.typed != want {
        if form.typed.is_empty() {
            form.field = 0;
            return say(model, "nothing is typed yet, and nothing is waived");
        }
        form.typed.clear();
        form.burst = Burst::default();
        form.field = 0;
        form.wrong += 1;
        if form.wrong >= WRONG {
            return answer(
                model,
                Reply::Refused(format!("{rule} on {node} is not waived: the text was wrong")),
            );
        }
        return Vec::new();
    }
    if form.field < 2 {
        form.field += 1;
        return Vec::new();
    }
    if form.reason.trim().is_empty() {
        form.field = 1;
        return say(model, "a waiver needs a reason");
    }
    let minutes = match form.minutes.trim() {
        "" => Some(USUAL_MINUTES),
        text => text.parse::<u64>().ok().filter(|minutes| (1..=480).contains(minutes)),
    };
    let Some(minutes) = minutes else {
        return say(model, "minutes: a number from 1 to 480");
    };
    let given = WaiverGiven {
        typed: want,
        reason: form.reason.trim().to_owned(),
        holds: Duration::from_secs(minutes * 60),
    };
    answer(model, Reply::Waived(given))
}

/// Answers what the run asked; it goes on.
pub(super) fn answer(model: &mut Model, reply: Reply) -> Vec<Effect> {
    if let Some(walk) = &mut model.walk {
        walk.asked = None;
        walk.answered = None;
    }
    model.layers.retain(|layer| !super::is_answer(layer));
    vec![Effect::Answer(reply)]
}

/// One line for the operator.
pub(super) fn say(model: &mut Model, text: &str) -> Vec<Effect> {
    model.notice = Some(Plain::new(text));
    Vec::new()
}
