//! What an explicit key puts on the clipboard; it is on the screen too, for terminals that do not take it.

use super::super::model::{Layer, Model};
use super::super::msg::Effect;
use super::super::view;
use super::begin::say;
use super::intent::head_code;
use crate::judge::Finding;

/// Copies what the top layer is about.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let text = match model.top() {
        Some(Layer::Matrix(at)) => model.finding(at.finding).map(finding),
        Some(Layer::Finding { at, .. }) => model.finding(*at).map(finding),
        Some(Layer::Record { .. }) => head_code(model),
        Some(Layer::Walker { at, .. }) => {
            let step = at.or_else(|| model.walk.as_ref().and_then(|walk| walk.at)).unwrap_or(0);
            Some(view::script_text(model, step))
        }
        Some(Layer::Script { step, .. }) => Some(view::script_text(model, *step)),
        Some(Layer::Node(_) | Layer::Changes { .. }) => Some(view::text(model)),
        _ => None,
    };
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            let mut effects = say(model, &format!("copied: {}", text.lines().next().unwrap_or_default()));
            effects.push(Effect::Copy(text));
            effects
        }
        None => say(model, "there is nothing to copy here"),
    }
}

/// A finding as text for a ticket.
fn finding(finding: &Finding) -> String {
    let nodes: Vec<&str> = finding.nodes.iter().map(crate::facts::NodeName::as_str).collect();
    let mut text = format!(
        "{} ({}) {}\n{}\nnext: {}\nevidence: {}\n",
        finding.id,
        finding.severity.as_str(),
        nodes.join(" "),
        finding.text,
        finding.next,
        finding.evidence.join(", ")
    );
    for blocked in &finding.blocked_by {
        let node = blocked.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
        let rule = format!(
            "{}{node}: {}; what would change it: {}\n",
            blocked.rule, blocked.why, blocked.would_change
        );
        text.push_str(&rule);
    }
    text
}
