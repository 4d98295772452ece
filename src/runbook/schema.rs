//! The format as a JSON Schema, made of the same tables the parser reads by: editors complete and check runbooks with
//! it. What steps owe each other is `runbook check`'s to say.

use serde_json::{Value, json};

use super::parse::{TEXT, TITLE};
use super::{Action, Choose, PREDICATES, PredicateInfo};

/// The JSON Schema of a runbook, draft 2020-12.
pub fn schema() -> Value {
    let name = json!({ "type": "string", "pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$" });
    let title = json!({ "type": "string", "minLength": 1, "maxLength": TITLE });
    let text = json!({ "type": "string", "minLength": 1, "maxLength": TEXT });
    let guards = json!({ "type": "array", "items": { "$ref": "#/$defs/guard" } });
    let described = |mut value: Value, about: &str| {
        if let Some(map) = value.as_object_mut() {
            map.insert("description".to_owned(), json!(about));
        }
        value
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A runbook of Breakglass",
        "type": "object",
        "additionalProperties": false,
        "required": ["format", "id", "title", "about", "family", "step"],
        "properties": {
            "format": { "const": "breakglass.runbook/1" },
            "id": name,
            "title": described(title.clone(), "What it does, in one line."),
            "about": described(text.clone(), "When to use it, and what it leaves behind."),
            "family": { "enum": ["galera"] },
            "answers": {
                "type": "array",
                "minItems": 1,
                "items": { "type": "string", "pattern": "^[a-z][a-z0-9-]*\\.[a-z][a-z0-9-]*$" },
                "description": "Ids of the findings it answers.",
            },
            "input": { "type": "array", "items": { "$ref": "#/$defs/input" } },
            "step": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/step" } },
        },
        "$defs": {
            "input": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "kind", "choose", "about"],
                "properties": {
                    "name": name,
                    "also": described(json!({ "type": "array", "minItems": 1, "items": name }), "Other names it may be given under."),
                    "kind": { "enum": ["data-node"] },
                    "choose": { "oneOf": Choose::ALL.map(|choose| word(choose.name(), choose.about())) },
                    "about": text,
                },
            },
            "step": {
                "type": "object",
                "additionalProperties": false,
                "required": ["id", "title", "explain", "action", "on"],
                "properties": {
                    "id": name,
                    "title": title,
                    "explain": text,
                    "action": { "oneOf": Action::ALL.iter().map(action).collect::<Vec<_>>() },
                    "input": described(name.clone(), "The input that a `choose` step asks for."),
                    "on": {
                        "description": "Which nodes it is for; the plan names them one by one.",
                        "oneOf": [
                            { "enum": ["cluster", "each"] },
                            only("input", &name),
                            only("others", &name),
                        ],
                    },
                    "when": described(guards.clone(), "All Pass: the step is needed. Any Fail: it is skipped as unnecessary."),
                    "guards": described(guards.clone(), "All must Pass before the action, beside the safety rules."),
                    "check": described(guards, "All must Pass afterwards; they are watched until they do."),
                    "refused": {
                        "enum": ["stop", "leave-out"],
                        "description": "What becomes of the run where the step is refused; `stop` unless said.",
                    },
                    "always": { "type": "boolean", "description": "It runs on every way out." },
                    "covered_by": described(name.clone(), "The earlier step whose typed confirmation names this one's consequence too."),
                    "needs": described(name.clone(), "The optional input without which the step is not in the plan."),
                },
            },
            "guard": { "oneOf": PREDICATES.iter().map(guard).collect::<Vec<_>>() },
        },
    })
}

fn word(name: &str, about: &str) -> Value {
    json!({ "const": name, "description": about })
}

fn action(action: &Action) -> Value {
    let rules: Vec<String> = action.rules().iter().map(|rule| format!("S{rule}")).collect();
    let undo = action.undo().map_or_else(String::new, |undo| format!(" Undo: {undo}."));
    let about = format!(
        "It {}. On {}. Class: {}. Rules: {}.{undo}",
        action.about(),
        action.on().wanted(),
        super::class_word(action.class()),
        rules.join(", ")
    );
    word(action.name(), &about)
}

fn guard(row: &PredicateInfo) -> Value {
    let subject = if row.node { "About the step's node." } else { "About the cluster." };
    let about = format!("{} {subject}", row.about);
    match row.argument {
        None => word(row.name, &about),
        Some(argument) => json!({
            "type": "object",
            "description": about,
            "additionalProperties": false,
            "required": ["predicate", argument.name],
            "properties": {
                "predicate": { "const": row.name },
                argument.name: { "type": "array", "minItems": 1, "items": { "enum": argument.words } },
            },
        }),
    }
}

fn only(key: &str, name: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": [key], "properties": { key: name } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_and_predicate_stands_in_it() {
        let text = schema().to_string();
        for name in Action::ALL.iter().map(Action::name).chain(PREDICATES.iter().map(|row| row.name)) {
            assert!(text.contains(&format!("\"const\":\"{name}\"")), "{name}");
        }
        for choose in Choose::ALL {
            assert!(text.contains(&format!("\"const\":\"{}\"", choose.name())), "{}", choose.name());
        }
    }
}
