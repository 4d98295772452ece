//! Text where text is typed: letters, backspace, ^U for all of it, ^W for a word. What is pasted is no confirmation.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::model::{Burst, Layer, Model};
use super::super::msg::Effect;
use crate::facts::Plain;

/// The longest line that is taken.
const LONGEST: usize = 400;

/// A key that is text.
pub(super) fn typed(model: &mut Model, key: KeyEvent, apart: bool) -> Vec<Effect> {
    if let Some(text) = field(model) {
        edit(text, key);
        let empty = text.is_empty();
        came(model, apart, empty);
    }
    follow(model);
    Vec::new()
}

/// Pasted text: taken where it is only a text, refused where it would be an answer (U3).
pub(super) fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    match model.top() {
        Some(Layer::Confirm { .. }) => refuse(model),
        Some(Layer::Waive(form)) if form.field == 0 => refuse(model),
        Some(Layer::Secret) => {
            // Byte for byte up to its end: what is cut off or changed would be another secret.
            if let Some(secret) = &mut model.secret {
                secret.typed.push_str(text.split(['\r', '\n']).next().unwrap_or_default());
            }
        }
        _ => {
            let line = Plain::new(text.lines().next().unwrap_or_default()).to_string();
            if let Some(field) = field(model) {
                let room = LONGEST.saturating_sub(field.len());
                field.extend(line.chars().take(room));
            }
            follow(model);
        }
    }
    Vec::new()
}

/// What came all at once is no answer, whoever put it in.
pub(super) fn refuse(model: &mut Model) {
    model.notice = Some(Plain::new("what is pasted does not count: read it, and type it"));
}

/// Notes how the letters of an answer come.
fn came(model: &mut Model, apart: bool, empty: bool) {
    let burst = match model.layers.last_mut() {
        Some(Layer::Confirm { burst, .. }) => burst,
        Some(Layer::Waive(form)) if form.field == 0 => &mut form.burst,
        _ => return,
    };
    burst.letter(apart);
    if empty {
        *burst = Burst::default();
    }
}

/// The line that is typed now.
fn field(model: &mut Model) -> Option<&mut String> {
    match model.layers.last_mut()? {
        Layer::Reason(form) => Some(if form.field == 0 { &mut form.reason } else { &mut form.incident }),
        Layer::Confirm { typed, .. } | Layer::Palette { typed, .. } | Layer::Filter { typed } => Some(typed),
        Layer::Waive(form) => Some(match form.field {
            0 => &mut form.typed,
            1 => &mut form.reason,
            _ => &mut form.minutes,
        }),
        Layer::Secret => model.secret.as_mut().map(|secret| &mut *secret.typed),
        _ => None,
    }
}

fn edit(text: &mut String, key: KeyEvent) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('u') if control => text.clear(),
        KeyCode::Char('w') if control => {
            let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
            text.truncate(kept);
        }
        KeyCode::Char('h') if control => drop(text.pop()),
        KeyCode::Char(letter)
            if !control && !key.modifiers.contains(KeyModifiers::ALT) && text.len() < LONGEST =>
        {
            text.push(letter);
        }
        KeyCode::Backspace => drop(text.pop()),
        _ => {}
    }
}

/// What a filter or the palette narrows follows each letter.
fn follow(model: &mut Model) {
    let Some((top, below)) = model.layers.split_last_mut() else { return };
    match top {
        Layer::Palette { at, .. } => *at = 0,
        Layer::Filter { typed } => {
            if let Some(filter) = below.last_mut().and_then(filter_of) {
                filter.clone_from(typed);
            }
        }
        _ => {}
    }
}

/// The filter of a layer that has one.
pub(super) fn filter_of(layer: &mut Layer) -> Option<&mut String> {
    match layer {
        Layer::Fleet { filter, .. } | Layer::Record { filter, .. } => Some(filter),
        Layer::Matrix(at) => Some(&mut at.filter),
        Layer::Node(at) => Some(&mut at.filter),
        _ => None,
    }
}
