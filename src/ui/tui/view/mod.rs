//! The screens: pure functions of the model.
//!
//! ```text
//! row 0        banner   where we are, and whether anything can be changed
//! rows 1…      the layer on top; a palette or a filter lies over the one below it
//! last row     footer   a notice, else the keys of the place
//! ```
//!
//! A confirmation and a waiver have the whole screen (U5).

mod banner;
mod brief;
mod changes;
mod choose;
mod confirm;
mod debrief;
mod diagnose;
mod field;
mod filter;
mod finding;
#[cfg(test)]
mod fixtures;
mod fleet;
mod footer;
mod frame;
mod help;
mod leave;
mod matrix;
mod node;
mod paint;
mod palette;
mod picker;
mod plan;
mod reason;
mod record;
mod script;
mod secret;
mod sheet;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_walk;
mod values;
mod waive;
mod walker;
#[cfg(test)]
mod walks;
mod welcome;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::keymap::Context;
use super::look::Ink;
use super::model::{Layer, Model};
pub(crate) use node::{Place, places};
pub(crate) use picker::order as picker_order;
pub(crate) use script::text as script_text;

/// Draws the whole screen.
pub(crate) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    paint::fill(buf, area, model.look.style(Ink::Text));
    draw_upto(model, model.layers.len(), area, buf);
}

/// Draws the layer under the one at `above`, with what it lies on.
fn draw_upto(model: &Model, above: usize, area: Rect, buf: &mut Buffer) {
    let Some(at) = above.checked_sub(1) else { return };
    let Some(layer) = model.layers.get(at) else { return };
    match layer {
        Layer::Palette { typed, at: chosen } => {
            draw_upto(model, at, area, buf);
            palette::draw(model, below(model, at), (typed, *chosen), body(area), buf);
            paint::fill(buf, bottom_row(area), model.look.style(Ink::Text));
            footer::draw(model, layer.context(), bottom_row(area), buf);
        }
        Layer::Filter { typed } => {
            draw_upto(model, at, area, buf);
            filter::draw(model, typed, bottom_row(area), buf);
        }
        // These have the whole screen (U5).
        Layer::Confirm { typed, wrong, scroll, .. } => {
            confirm::draw(model, typed, *wrong, *scroll, area, buf);
        }
        Layer::Waive(form) => waive::draw(model, form, area, buf),
        layer => {
            banner::draw(model, top_row(area), buf);
            footer::draw(model, layer.context(), bottom_row(area), buf);
            draw_layer(model, layer, body(area), buf);
        }
    }
}

/// Draws what lies between banner and footer.
fn draw_layer(model: &Model, layer: &Layer, area: Rect, buf: &mut Buffer) {
    match layer {
        Layer::Welcome { at } => welcome::draw(model, *at, area, buf),
        Layer::Fleet { at, filter } => fleet::draw(model, *at, filter, area, buf),
        Layer::Matrix(at) => matrix::draw(model, at, area, buf),
        Layer::Node(at) => node::draw(model, at, area, buf),
        Layer::Finding { at, scroll, evidence } => {
            finding::draw(model, (*at, *evidence), *scroll, area, buf);
        }
        Layer::Changes { pinned, scroll } => changes::draw(model, *pinned, *scroll, area, buf),
        Layer::Help { of, scroll } => help::draw(model, *of, *scroll, area, buf),
        Layer::Brief { scroll } => brief::draw(model, *scroll, area, buf),
        Layer::Picker { at } => picker::draw(model, *at, area, buf),
        Layer::Diagnose { at, .. } => diagnose::draw(model, *at, area, buf),
        Layer::Reason(form) => reason::draw(model, form, area, buf),
        Layer::Walker { at, scroll } => walker::draw(model, *at, *scroll, area, buf),
        Layer::Choose { at } => choose::draw(model, *at, area, buf),
        Layer::Script { step, scroll } => script::draw(model, *step, *scroll, area, buf),
        Layer::Plan { runbook, scroll } => plan::draw(model, runbook, *scroll, area, buf),
        Layer::Record { lines, scroll, filter } => record::draw(model, lines, *scroll, filter, area, buf),
        Layer::Leave => leave::draw(model, area, buf),
        Layer::Secret => secret::draw(model, area, buf),
        Layer::Debrief { scroll } => debrief::draw(model, *scroll, area, buf),
        // Drawn before, with what they lie on or alone.
        Layer::Palette { .. } | Layer::Filter { .. } | Layer::Confirm { .. } | Layer::Waive(_) => {}
    }
}

/// Where text is typed.
pub(crate) fn cursor(model: &Model, area: Rect) -> Option<(u16, u16)> {
    let top = model.layers.len().checked_sub(1)?;
    match model.top()? {
        Layer::Palette { typed, .. } => palette::cursor(below(model, top), typed, body(area)),
        Layer::Filter { typed } => filter::cursor(typed, bottom_row(area)),
        Layer::Reason(form) => reason::cursor(model, form, body(area)),
        Layer::Confirm { typed, wrong, .. } => confirm::cursor(model, typed, *wrong, area),
        Layer::Waive(form) => waive::cursor(model, form, area),
        _ => None,
    }
}

/// How far the text of the layer on top can be scrolled: the lines beyond its room.
pub(crate) fn extent(model: &Model) -> usize {
    let area = body(screen(model));
    match (model.top(), page(model)) {
        (Some(Layer::Matrix(at)), _) => matrix::extent(model, at, area),
        (_, Some(page)) => page.extent(),
        (_, None) => 0,
    }
}

/// How many lines of the scrollable text are seen at once: a page.
pub(crate) fn room(model: &Model) -> usize {
    let area = body(screen(model));
    match (model.top(), page(model)) {
        (Some(Layer::Matrix(at)), _) => matrix::room(model, at, area),
        (_, Some(page)) => page.room(),
        (_, None) => usize::from(area.height),
    }
}

/// The scrollable text of the layer on top.
fn page(model: &Model) -> Option<paint::Page> {
    let area = body(screen(model));
    match model.top()? {
        Layer::Node(at) => Some(node::page(model, at, area)),
        Layer::Finding { at, evidence, .. } => Some(finding::page(model, (*at, *evidence), area)),
        Layer::Changes { pinned, .. } => Some(changes::page(model, *pinned, area)),
        Layer::Help { of, .. } => Some(help::page(model, *of, area)),
        Layer::Brief { .. } => Some(brief::page(model, area)),
        Layer::Walker { at, .. } => Some(walker::page(model, *at, area)),
        Layer::Confirm { typed, wrong, .. } => Some(confirm::page(model, typed, *wrong, screen(model))),
        Layer::Waive(form) => Some(waive::page(model, form, screen(model))),
        Layer::Script { step, .. } => Some(script::page(model, *step, area)),
        Layer::Plan { runbook, .. } => Some(plan::page(model, runbook, area)),
        Layer::Record { lines, filter, .. } => Some(record::page(model, lines, filter, area)),
        Layer::Debrief { .. } => Some(debrief::page(model, area)),
        _ => None,
    }
}

/// The row of each piece of evidence of the finding on top.
pub(crate) fn evidence_rows(model: &Model) -> Vec<usize> {
    match model.top() {
        Some(Layer::Finding { at, .. }) => finding::rows(model, *at, model.size.0),
        _ => Vec::new(),
    }
}

/// What the layer at `at` lies on.
fn below(model: &Model, at: usize) -> Context {
    let under = at.checked_sub(1).and_then(|at| model.layers.get(at));
    under.map_or(Context::Everywhere, Layer::context)
}

fn screen(model: &Model) -> Rect {
    Rect::new(0, 0, model.size.0, model.size.1)
}

/// The first row.
fn top_row(area: Rect) -> Rect {
    Rect { height: area.height.min(1), ..area }
}

/// The last row, where it is not the first as well.
fn bottom_row(area: Rect) -> Rect {
    let height = u16::from(area.height > 1);
    Rect { y: area.bottom().saturating_sub(height), height, ..area }
}

/// What lies between banner and footer.
fn body(area: Rect) -> Rect {
    let top = area.height.min(1);
    Rect { y: area.y.saturating_add(top), height: area.height.saturating_sub(2), ..area }
}

/// All of what the layer on top scrolls, as text for the clipboard.
pub(crate) fn text(model: &Model) -> String {
    let lines = page(model).map(|page| page.lines).unwrap_or_default();
    let text = |line: ratatui::text::Line<'_>| -> String {
        line.spans.iter().map(|span| span.content.as_ref()).collect()
    };
    lines.into_iter().map(text).map(|line| line.trim_end().to_owned() + "\n").collect()
}
