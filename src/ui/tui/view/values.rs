//! Facts in words: a value with its unit, its source and its age.

use jiff::Timestamp;

use super::paint;
use crate::facts::{Fact, Known, Unit, Value};
use crate::ui::cells::bytes;

/// What a fact says, a text a line: its value with its unit, or why it has none.
pub(super) fn words(fact: &Fact, now: Timestamp) -> Vec<String> {
    match &fact.value {
        Known::Unknown(why) => vec![why.text.to_string()],
        Known::Known(value) => said(value, fact.unit, now),
    }
}

/// What a value of that unit says, a text a line.
pub(super) fn said(value: &Value, of: Unit, now: Timestamp) -> Vec<String> {
    let unit = |count: &str| match of {
        Unit::None | Unit::Bytes => count.to_owned(),
        Unit::Seconds => format!("{count} s"),
        Unit::WriteSets | Unit::Nodes | Unit::Inodes => format!("{count} {}", of.as_str()),
    };
    match value {
        Value::Flag(yes) => vec![if *yes { "yes" } else { "no" }.to_owned()],
        Value::Count(count) if of == Unit::Bytes => vec![format!("{} ({count} bytes)", bytes(*count))],
        Value::Count(count) => vec![unit(&count.to_string())],
        Value::Signed(count) => vec![unit(&count.to_string())],
        // A seqno is a place in a history, and no number of write-sets.
        Value::Seqno(at) => vec![at.to_string()],
        Value::Uuid(uuid) => vec![uuid.to_string()],
        Value::Position(position) => vec![position.to_string()],
        Value::Time(at) => vec![format!("{at:.0} ({})", paint::ago(*at, now))],
        Value::Text(text) if text.as_str().is_empty() => vec!["empty".to_owned()],
        Value::Text(text) => vec![text.to_string()],
        Value::Texts(all) if all.is_empty() => vec!["none".to_owned()],
        Value::Texts(all) => all.iter().map(ToString::to_string).collect(),
    }
}

/// Where it was read and how long ago.
pub(super) fn origin(fact: &Fact, now: Timestamp) -> String {
    match fact.source.as_str() {
        "" => paint::ago(fact.at, now),
        source => format!("{source}, {}", paint::ago(fact.at, now)),
    }
}
