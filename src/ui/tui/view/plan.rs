//! A runbook's plan on the open cluster: every step with the rules it is held against and its commands. Nothing is sent.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::Model;
use super::paint::Page;
use super::sheet::{Sheet, inset};
use crate::facts::{NodeName, Role};
use crate::runbook::{Guard, PlanStep, Runbook, class_word, plan};
use crate::ui::cli::sent;

/// The plan.
pub(super) fn draw(model: &Model, runbook: &Runbook, scroll: usize, area: Rect, buf: &mut Buffer) {
    page(model, runbook, area).draw(scroll, model.look, buf);
}

/// All of it, and its room.
pub(super) fn page(model: &Model, runbook: &Runbook, area: Rect) -> Page {
    let area = inset(area);
    Page { lines: lines(model, runbook, area.width), area }
}

fn lines(model: &Model, runbook: &Runbook, width: u16) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    let nodes = model.cluster().map(|cluster| cluster.nodes.as_slice()).unwrap_or_default();
    let data: Vec<NodeName> =
        nodes.iter().filter(|(_, role)| *role == Role::Data).map(|(name, _)| name.clone()).collect();
    sheet.text(Ink::Title, &format!("{}: {}", runbook.id, runbook.title));
    sheet.text(
        Ink::Dim,
        "The plan with its commands. Nothing is sent; what only a survey can know is not in it.",
    );
    match plan(runbook, &data, &BTreeMap::new()) {
        Err(error) => sheet.text(Ink::Warn, &error.to_string()),
        Ok(plan) => {
            for (at, step) in plan.steps.iter().enumerate() {
                planned(&mut sheet, at + 1, step);
            }
        }
    }
    sheet.lines()
}

fn planned(sheet: &mut Sheet, number: usize, step: &PlanStep) {
    let on = step.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    let always = if step.always { ", on every way out" } else { "" };
    let class = class_word(step.action.class());
    sheet.blank();
    sheet.text(Ink::Title, &format!("{number} {}{on} ({class}{always})", step.title));
    let when: Vec<&str> = step.when.iter().map(Guard::name).collect();
    if !when.is_empty() {
        sheet.text(Ink::Dim, &format!("only where: {}", when.join(", ")));
    }
    let rules = step.action.rules();
    let rules = rules.iter().map(|rule| format!("S{rule}"));
    let guards = step.guards.iter().map(|guard| guard.name().to_owned());
    let held: Vec<String> = rules.chain(guards).collect();
    if !held.is_empty() {
        sheet.text(Ink::Dim, &format!("held against: {}", held.join(", ")));
    }
    for command in sent(&step.action).0 {
        sheet.after(&[(Ink::Dim, "  $ ")], Ink::Text, command);
    }
}
