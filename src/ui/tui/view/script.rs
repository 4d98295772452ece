//! The exact script of a step: as the record holds it once it is meant, as the plan has it before.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::Model;
use super::super::walk::{OpLine, StepLine};
use super::paint::Page;
use super::sheet::{Sheet, inset};
use crate::ask::quote::quote;
use crate::ui::cli::sent;

/// The script.
pub(super) fn draw(model: &Model, step: usize, scroll: usize, area: Rect, buf: &mut Buffer) {
    page(model, step, area).draw(scroll, model.look, buf);
}

/// All of it, and its room.
pub(super) fn page(model: &Model, step: usize, area: Rect) -> Page {
    let area = inset(area);
    Page { lines: lines(model, step, area.width), area }
}

fn lines(model: &Model, step: usize, width: u16) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    let Some(line) = model.walk.as_ref().and_then(|walk| walk.steps.get(step)) else {
        sheet.text(Ink::Dim, "There is no such step any more.");
        return sheet.lines();
    };
    let on = line.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    sheet.text(Ink::Title, &format!("{}{on}", line.of.title));
    if line.ops.is_empty() {
        planned(&mut sheet, line);
    }
    for op in &line.ops {
        meant(&mut sheet, op);
    }
    sheet.lines()
}

/// The bare script, for the clipboard.
pub(crate) fn text(model: &Model, step: usize) -> String {
    let Some(line) = model.walk.as_ref().and_then(|walk| walk.steps.get(step)) else { return String::new() };
    let meant: Vec<&str> =
        line.ops.iter().map(|op| op.script.as_str()).filter(|text| !text.is_empty()).collect();
    if meant.is_empty() { sent(&line.of.action).1.unwrap_or_default() } else { meant.join("\n") }
}

fn planned(sheet: &mut Sheet, line: &StepLine) {
    match sent(&line.of.action) {
        (commands, Some(body)) => {
            sheet.text(
                Ink::Dim,
                "Not sent yet. The plan's script; what only a survey can know is told it as arguments.",
            );
            sheet.blank();
            sheet.text(Ink::Dim, "What decides in it:");
            for command in commands {
                sheet.after(&[(Ink::Text, "  ")], Ink::Text, command);
            }
            sheet.blank();
            numbered(sheet, &body);
        }
        (_, None) => {
            sheet.text(Ink::Dim, "This step sends nothing of its own: it reads with the probe, or asks you.");
        }
    }
}

fn meant(sheet: &mut Sheet, op: &OpLine) {
    let sent = if op.sent { "sent" } else { "not sent yet" };
    sheet.blank();
    sheet
        .text(Ink::Dim, &format!("{} on {}, machine {}, op {}: {sent}", op.deed, op.node, op.machine, op.op));
    if !op.args.is_empty() {
        let arguments: Vec<String> = op.args.iter().map(|argument| quote(argument)).collect();
        sheet.labelled("arguments", 9, Ink::Text, &arguments.join(" "));
    }
    sheet.blank();
    if op.script.is_empty() {
        sheet.text(
            Ink::Dim,
            "It is too long for a line of the record; the record keeps it beside itself, under its hash.",
        );
    } else {
        numbered(sheet, &op.script);
    }
}

/// The lines with their numbers; what has none goes on from the line above.
fn numbered(sheet: &mut Sheet, script: &str) {
    for (at, line) in script.lines().enumerate() {
        let line = if line.is_empty() { " " } else { line };
        sheet.block(&format!("{:>4} ", at + 1), Ink::Text, line);
    }
}
