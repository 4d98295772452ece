//! The typed confirmation of one act: the whole screen, like no other (U2 to U5). No button, no key that says yes.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Ink;
use super::super::model::Model;
use super::super::update::WRONG;
use super::super::walk::Ask;
use super::field::Field;
use super::frame::{Framed, HEAVY, columns};
use super::paint::{Page, span};
use super::sheet::Sheet;
use crate::engine::Challenge;

/// Columns of the labels.
const LABEL: usize = 9;
/// Said where the run has gone on without it.
pub(super) const OVER: &str = "Nothing is asked any more. Esc goes back.";

/// The screen.
pub(super) fn draw(model: &Model, typed: &str, wrong: u8, scroll: usize, area: Rect, buf: &mut Buffer) {
    with(model, typed, wrong, area, |framed| framed.draw(model, scroll, area, buf));
}

/// The text that scrolls, and its room.
pub(super) fn page(model: &Model, typed: &str, wrong: u8, area: Rect) -> Page {
    with(model, typed, wrong, area, |framed| framed.page(area))
}

/// Where is typed.
pub(super) fn cursor(model: &Model, typed: &str, wrong: u8, area: Rect) -> Option<(u16, u16)> {
    challenge(model)?;
    with(model, typed, wrong, area, |framed| framed.cursor(model, area))
}

fn challenge(model: &Model) -> Option<&Challenge> {
    let walk = model.walk.as_ref()?;
    match walk.asked.as_ref().or(walk.answered.as_ref())? {
        Ask::Confirm(challenge) => Some(challenge),
        Ask::Choose(_) | Ask::Waive(_) => None,
    }
}

fn with<T>(model: &Model, typed: &str, wrong: u8, area: Rect, show: impl FnOnce(Framed<'_>) -> T) -> T {
    let sheet = || Sheet::new(model.look, columns(area));
    let (mut text, mut asked) = (sheet(), sheet());
    let Some(challenge) = challenge(model) else {
        text.text(Ink::Dim, OVER);
        return show(Framed { ink: Ink::Title, edges: HEAVY, title: "", text, asked, fields: &[] });
    };
    for (label, words) in &challenge.lines {
        let age = evidence(model).filter(|_| *label == "evidence");
        text.labelled(label, LABEL, Ink::Text, age.as_deref().unwrap_or(words.as_str()));
    }
    ask(model, &mut asked, ("Type   ", &challenge.asked, "   to go on."), wrong);
    let fields = [Field { label: "", typed, empty: "", active: true }];
    show(Framed { ink: Ink::Danger, edges: HEAVY, title: &challenge.title, text, asked, fields: &fields })
}

/// How old the facts are now that this rests on: those that the matrix shows.
fn evidence(model: &Model) -> Option<String> {
    let cluster = model.cluster()?;
    let oldest = cluster.picture.as_ref()?.survey.nodes.iter().map(|node| node.at).min()?;
    let age = cluster.now.duration_since(oldest).max(SignedDuration::ZERO);
    Some(format!("{} old, as in the matrix; read again at enter", span(age)))
}

/// What has to be typed, what leads back, and what was wrong.
pub(super) fn ask(model: &Model, sheet: &mut Sheet, (before, asked, after): (&str, &str, &str), wrong: u8) {
    sheet.whole(
        &[(Ink::Text, before), (Ink::Asked, asked), (Ink::Text, after)],
        "Esc goes back; nothing has happened yet.",
    );
    if let Some(notice) = &model.notice {
        sheet.text(Ink::Warn, notice.as_str());
    } else if wrong > 0 {
        let text = format!("Not what is asked; nothing happened ({wrong} of {WRONG}).");
        sheet.text(Ink::Warn, &text);
    } else {
        sheet.row(&[]);
    }
}
