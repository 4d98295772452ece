//! The right pane: one step, why it is, what it rests on, what it sends, what came back, what is looked at afterwards.

use ratatui::text::Line;

use super::super::super::look::Ink;
use super::super::super::model::Model;
use super::super::super::walk::{OpLine, StepLine, Walk};
use super::super::paint::{cut, fit};
use super::super::picker::parted;
use super::super::sheet::Sheet;
use super::steps;
use crate::ask::act::Class;
use crate::engine::challenge;
use crate::facts::{Key, Known, NodeName, Plain, keys};
use crate::judge::safety::RULES;
use crate::record::body::{Outcome, RuleSeen, StepState};
use crate::runbook::Guard;
use crate::ui::cli::sent;

/// Columns of the labels.
const LABEL: usize = 7;
/// Columns of a fingerprint that tell it from others at a glance; the whole stands where it is confirmed.
const KEY: usize = 12;
/// Columns of a machine id that do.
const MACHINE: usize = 8;
/// The last lines of the output that are shown while more may come.
const TAIL: usize = 8;

/// All that is to be said of it.
pub(super) fn lines(
    model: &Model,
    walk: &Walk,
    at: usize,
    line: &StepLine,
    width: u16,
) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    title(&mut sheet, model, walk, at, line);
    ended(&mut sheet, model, walk, line);
    sheet.text(Ink::Text, line.of.explain.as_str());
    sheet.blank();
    let acted = !line.ops.is_empty();
    if acted {
        ops(&mut sheet, model, line);
    }
    said(&mut sheet, model, line);
    rules(&mut sheet, model, line);
    if !acted {
        commands(&mut sheet, model, walk, line);
    }
    after(&mut sheet, line);
    sheet.lines()
}

fn title(sheet: &mut Sheet, model: &Model, walk: &Walk, at: usize, line: &StepLine) {
    let dot = model.look.signs.dot;
    let on = line.node.as_ref().map(|node| format!(" {dot} {node}")).unwrap_or_default();
    let number = steps::number(walk, at);
    sheet.after(&[(Ink::Title, &format!("{number}  "))], Ink::Title, &format!("{}{on}", line.of.title));
    // What is over threatens nobody any more (U9).
    let ahead = matches!(line.state, None | Some(StepState::Begun));
    let (word, ink) = match line.class() {
        Class::Read => ("reads only", Ink::Dim),
        Class::Reversible => ("reversible", Ink::Dim),
        Class::Destructive if ahead => ("DESTRUCTIVE", Ink::Danger),
        Class::Destructive => ("DESTRUCTIVE", Ink::Title),
    };
    let always = if line.of.always { ", on every way out" } else { "" };
    let rest = format!(" {dot} step {number} of {}, {}{always}", steps::count(walk), line.id);
    sheet.cells(&[(ink, word), (Ink::Dim, &rest)]);
}

/// How it ended, and why.
fn ended(sheet: &mut Sheet, model: &Model, walk: &Walk, line: &StepLine) {
    // One thing is red at a time (U9): once the run is over, what it came to.
    let worst = if walk.ended.is_some() { Ink::Warn } else { Ink::Bad };
    let signs = model.look.signs;
    let (sign, word, ink) = match line.state {
        None | Some(StepState::Begun) => return sheet.blank(),
        Some(StepState::Done) => (signs.done, "done", Ink::Good),
        Some(StepState::Skipped) => (signs.skipped, "skipped: not needed", Ink::Dim),
        Some(StepState::LeftOut) => (signs.skipped, "left out", Ink::Warn),
        Some(StepState::Refused) => (signs.not, "refused", worst),
        Some(StepState::Failed) => (signs.not, "failed", worst),
        Some(StepState::Unproven) => (signs.unknown, "unproven: nobody has seen its effect", worst),
    };
    sheet.row(&[(ink, sign), (ink, " "), (ink, word)]);
    for detail in line.detail.lines() {
        let (why, change) = parted(detail);
        sheet.after(&[(Ink::Text, "  ")], Ink::Text, why);
        if let Some(change) = change {
            sheet.after(&[(Ink::Key, &format!("  {} ", signs.arrow))], Ink::Text, change);
        }
    }
    sheet.blank();
}

/// The rules and guards with what they read, those that do not hold first; before they were asked, their names.
fn rules(sheet: &mut Sheet, model: &Model, line: &StepLine) {
    if line.rules.is_empty() {
        return unasked(sheet, line);
    }
    let signs = model.look.signs;
    let mut label = "rules";
    // What stands among the reasons above is not said twice.
    let new = |rule: &&RuleSeen| rule.pass || rule.why.is_empty() || !line.detail.contains(&rule.why);
    let (hold, not): (Vec<&RuleSeen>, Vec<&RuleSeen>) =
        line.rules.iter().filter(new).partition(|rule| rule.pass);
    let widest = line.rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(0).min(18);
    for rule in not.into_iter().chain(hold) {
        let (sign, ink) = if rule.pass { (signs.done, Ink::Good) } else { (signs.not, Ink::Warn) };
        let node = rule.node.as_ref().map(|node| format!("{node}: ")).unwrap_or_default();
        let why = if rule.why.is_empty() { "holds" } else { &rule.why };
        let head = format!("{label:<LABEL$} ");
        let name = format!("{} ", fit(&rule.rule, widest, model.look));
        sheet.after(
            &[(Ink::Dim, &head), (Ink::Text, &name), (ink, sign), (ink, " ")],
            Ink::Text,
            &format!("{node}{why}"),
        );
        label = "";
    }
    sheet.blank();
}

fn unasked(sheet: &mut Sheet, line: &StepLine) {
    if line.state.is_some_and(|state| state != StepState::Begun) {
        return;
    }
    if !line.of.when.is_empty() {
        sheet.labelled("only if", LABEL, Ink::Text, &names(&line.of.when));
    }
    let rules = line.of.action.rules().into_iter().map(|rule| format!("S{rule}"));
    let guards = line.of.guards.iter().map(in_words);
    let all: Vec<String> = rules.chain(guards).collect();
    if !all.is_empty() {
        sheet.labelled("rules", LABEL, Ink::Text, &all.join(", "));
    }
    sheet.blank();
}

/// Who is acted on, and the commands that decide, before anything was sent.
fn commands(sheet: &mut Sheet, model: &Model, walk: &Walk, line: &StepLine) {
    let (commands, _) = sent(&line.of.action);
    if commands.is_empty() || line.state.is_some_and(|state| state != StepState::Begun) {
        return;
    }
    match &line.node {
        Some(node) => {
            let (key, machine) = identity(model, walk, node);
            runs_on(sheet, model, node.as_str(), &key, &machine);
        }
        None => sheet.labelled("sends", LABEL, Ink::Dim, "to the node that is chosen:"),
    }
    for command in commands {
        sheet.after(&[(Ink::Text, "  ")], Ink::Text, command);
    }
    if line.class() == Class::Destructive {
        let asks = match (&line.of.covered_by, &line.node) {
            (Some(step), _) => format!("nothing of its own: the confirmation of {step} names it"),
            (None, Some(node)) => challenge::asked(node),
            (None, None) => "TARGET lose 0".to_owned(),
        };
        sheet.labelled("asks", LABEL, Ink::Asked, &asks);
    }
    sheet.blank();
}

fn runs_on(sheet: &mut Sheet, model: &Model, node: &str, key: &str, machine: &str) {
    let dot = model.look.signs.dot;
    sheet.labelled("runs on", LABEL, Ink::Text, &format!("{node} {dot} {key} {dot} {machine}:"));
}

/// Host key and machine id as the last survey read them.
fn identity(model: &Model, walk: &Walk, node: &NodeName) -> (String, String) {
    let picture = model.clusters.get(walk.cluster).and_then(|cluster| cluster.picture.as_ref());
    let facts = picture.and_then(|picture| picture.survey.node(node)).map(|node| &node.facts);
    let text = |key: Key<Plain>, columns: usize| match facts.map(|facts| facts.get(key)) {
        Some(Known::Known(text)) => cut(text.as_str(), columns, model.look),
        Some(Known::Unknown(why)) => format!("not known ({})", why.text),
        None => "not read".to_owned(),
    };
    let key = text(keys::HOST_KEY, KEY);
    // A fingerprint says itself that it is one.
    let key = if key.starts_with("not ") { format!("host key {key}") } else { key };
    (key, format!("machine {}", text(keys::HOST_MACHINE_ID, MACHINE)))
}

/// What was sent, and what came back.
fn ops(sheet: &mut Sheet, model: &Model, line: &StepLine) {
    let (commands, _) = sent(&line.of.action);
    for op in &line.ops {
        let key = op
            .host_key
            .as_ref()
            .map_or_else(|| "no host key (command transport)".to_owned(), |key| cut(key, KEY, model.look));
        runs_on(sheet, model, &op.node, &key, &format!("machine {}", cut(&op.machine, MACHINE, model.look)));
        for command in &commands {
            sheet.after(&[(Ink::Text, "  ")], Ink::Text, command);
        }
        output(sheet, model, op);
        outcome(sheet, model, op);
    }
    sheet.blank();
}

/// What it printed; while it may print more, the end of that.
fn output(sheet: &mut Sheet, model: &Model, op: &OpLine) {
    let all = op.output.lines().count();
    let above = if op.outcome.is_none() { all.saturating_sub(TAIL) } else { 0 };
    if above > 0 {
        sheet.text(Ink::Dim, &format!("  {above} lines above; all of them are in the record"));
    }
    let along = format!("  {} ", model.look.signs.along);
    for line in op.output.lines().skip(above) {
        sheet.block(&along, Ink::Text, line);
    }
}

fn outcome(sheet: &mut Sheet, model: &Model, op: &OpLine) {
    let signs = model.look.signs;
    let (sign, ink, word, detail) = match &op.outcome {
        None if op.sent => (signs.now, Ink::Best, "sent; no answer yet", ""),
        None => (" ", Ink::Dim, "in the record, not sent yet", ""),
        Some((outcome, detail)) => {
            let (sign, ink) = match outcome {
                Outcome::Done => (signs.done, Ink::Good),
                Outcome::Failed | Outcome::Refused => (signs.not, Ink::Warn),
                Outcome::NotSent => (signs.skipped, Ink::Warn),
                Outcome::Unknown => (signs.unknown, Ink::Warn),
            };
            (sign, ink, outcome.as_str(), detail.as_str())
        }
    };
    let gap = if detail.is_empty() { "" } else { ": " };
    sheet.after(&[(ink, &format!("  {sign} "))], ink, &format!("{word}{gap}{detail}"));
}

fn said(sheet: &mut Sheet, model: &Model, line: &StepLine) {
    for text in &line.said {
        sheet.after(&[(Ink::Dim, &format!("{} ", model.look.signs.dot))], Ink::Text, text.as_str());
    }
    sheet.blank();
}

/// What is looked at afterwards, and what takes it back.
fn after(sheet: &mut Sheet, line: &StepLine) {
    if !line.of.check.is_empty() {
        sheet.labelled("check", LABEL, Ink::Text, &names(&line.of.check));
    }
    match (line.class(), line.of.action.undo()) {
        (_, Some(undo)) => sheet.labelled("undo", LABEL, Ink::Text, undo),
        (Class::Destructive, None) => {
            sheet.labelled("undo", LABEL, Ink::Text, "none: what it does cannot be taken back");
        }
        (Class::Read | Class::Reversible, None) => {}
    }
}

fn names(guards: &[Guard]) -> String {
    guards.iter().map(in_words).collect::<Vec<_>>().join(", ")
}

fn in_words(guard: &Guard) -> String {
    let words = guard.predicate.words();
    let name = guard.name().replace('-', " ");
    if words.is_empty() { name } else { format!("{name} {}", words.join(" or ")) }
}

/// A safety rule's sentence, by its name.
pub(in super::super) fn sentence(rule: &str) -> Option<&'static str> {
    let number = rule.strip_prefix('S')?.parse::<u8>().ok()?;
    RULES.iter().find(|rule| rule.number == number).map(|rule| rule.sentence)
}
