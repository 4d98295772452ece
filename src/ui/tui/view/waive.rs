//! A waiver: one rule, one node, a reason, an end (U11). Another screen and another word than a confirmation's.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Ink;
use super::super::model::{Model, WaiveForm};
use super::super::walk::Ask;
use super::confirm::{OVER, ask};
use super::field::Field;
use super::frame::{DOUBLE, Framed, columns};
use super::paint::Page;
use super::sheet::Sheet;
use super::walker::sentence;
use crate::engine::WaiverAsked;

/// Columns of the labels.
const LABEL: usize = 9;

/// The screen.
pub(super) fn draw(model: &Model, form: &WaiveForm, area: Rect, buf: &mut Buffer) {
    with(model, form, area, |framed| framed.draw(model, form.scroll, area, buf));
}

/// The text that scrolls, and its room.
pub(super) fn page(model: &Model, form: &WaiveForm, area: Rect) -> Page {
    with(model, form, area, |framed| framed.page(area))
}

/// Where is typed.
pub(super) fn cursor(model: &Model, form: &WaiveForm, area: Rect) -> Option<(u16, u16)> {
    waiver(model)?;
    with(model, form, area, |framed| framed.cursor(model, area))
}

fn waiver(model: &Model) -> Option<&WaiverAsked> {
    match model.walk.as_ref()?.asked.as_ref()? {
        Ask::Waive(asked) => Some(asked),
        Ask::Choose(_) | Ask::Confirm(_) => None,
    }
}

fn with<T>(model: &Model, form: &WaiveForm, area: Rect, show: impl FnOnce(Framed<'_>) -> T) -> T {
    let sheet = || Sheet::new(model.look, columns(area));
    let (mut text, mut asked) = (sheet(), sheet());
    let Some(waiver) = waiver(model) else {
        text.text(Ink::Dim, OVER);
        return show(Framed { ink: Ink::Title, edges: DOUBLE, title: "", text, asked, fields: &[] });
    };
    let blocked = &waiver.blocked;
    text.labelled("blocks", LABEL, Ink::Text, &format!("step {}", waiver.step));
    text.labelled("fact", LABEL, Ink::Title, blocked.why.as_str());
    text.labelled("instead", LABEL, Ink::Text, blocked.would_change.as_str());
    let rule = sentence(blocked.rule).unwrap_or("");
    text.labelled("rule", LABEL, Ink::Text, &format!("{}: {rule}", blocked.rule));
    text.labelled(
        "waiving",
        LABEL,
        Ink::Text,
        "sets this one rule aside on this one node until it ends, eight hours at most. Who, why and until when go into the record.",
    );
    ask(
        model,
        &mut asked,
        ("To waive it, type   ", &waiver.asked, ""),
        if form.field == 0 { form.wrong } else { 0 },
    );
    let field = |at: usize, label, typed, empty| Field { label, typed, empty, active: form.field == at };
    let fields = [
        field(0, "type", &form.typed, ""),
        field(1, "reason", &form.reason, "why, in your words"),
        field(2, "minutes", &form.minutes, "60 where nothing is typed"),
    ];
    let title = format!("WAIVE {} on {}", blocked.rule, waiver.node);
    show(Framed { ink: Ink::Waiver, edges: DOUBLE, title: &title, text, asked, fields: &fields })
}
