//! `run --dry-run`: the plan with every command, nothing sent. What only a survey can know stands in capitals.

use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Value, json};

use super::plain;
use crate::ask::act::{Class, Deed, Identity, Look, Target};
use crate::engine::challenge;
use crate::facts::{ClusterUuid, Plain, Position, Seqno};
use crate::inventory::Cluster;
use crate::runbook::{Action, Guard, Plan, PlanStep};

pub(super) fn show(plan: &Plan, cluster: &Cluster, as_json: bool) -> Result<()> {
    let steps: Vec<Value> = plan.steps.iter().map(step).collect();
    if as_json {
        let document = json!({
            "schema": "breakglass.plan/1", "cluster": cluster.name, "runbook": plan.runbook.id,
            "digest": plan.runbook.digest, "inputs": plan.inputs, "steps": steps,
        });
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    plain::say(&format!("{} on {}: {}", plan.runbook.id, cluster.name, plan.runbook.title));
    plain::say("Nothing is sent. What only a survey can know stands in CAPITALS.");
    for (at, step) in plan.steps.iter().enumerate() {
        lines(at + 1, plan.steps.len(), step);
    }
    Ok(())
}

fn lines(number: usize, of: usize, step: &PlanStep) {
    let on = step.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    let always = if step.always { ", on every way out" } else { "" };
    plain::say(&format!("\n{number}/{of} {}{on} ({}{always})", step.title, class(step.action.class())));
    let when: Vec<&str> = step.when.iter().map(Guard::name).collect();
    if !when.is_empty() {
        plain::wrapped("    ", &format!("only where: {}", when.join(", ")));
    }
    let rules = rules(&step.action);
    let guards: Vec<&str> = step.guards.iter().map(Guard::name).collect();
    let all: Vec<&str> = rules.iter().map(String::as_str).chain(guards).collect();
    if !all.is_empty() {
        plain::wrapped("    ", &format!("held against: {}", all.join(", ")));
    }
    for command in sent(&step.action).0 {
        plain::wrapped("    $ ", command);
    }
    if let Some(asked) = asked(step) {
        plain::say(&format!("    asks for: {asked}"));
    }
}

fn step(step: &PlanStep) -> Value {
    let (commands, script) = sent(&step.action);
    json!({
        "id": step.id,
        "node": step.node,
        "title": step.title,
        "action": step.action.name(),
        "class": class(step.action.class()),
        "when": step.when.iter().map(Guard::name).collect::<Vec<_>>(),
        "commands": commands,
        "script": script,
        "rules": rules(&step.action),
        "guards": step.guards.iter().map(Guard::name).collect::<Vec<_>>(),
        "check": step.check.iter().map(Guard::name).collect::<Vec<_>>(),
        "challenge": asked(step),
        "always": step.always,
    })
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Read => "read",
        Class::Reversible => "reversible",
        Class::Destructive => "destructive",
    }
}

/// What the step will ask to be typed.
fn asked(step: &PlanStep) -> Option<String> {
    let own = step.action.class() == Class::Destructive && step.covered_by.is_none();
    own.then(|| step.node.as_ref().map_or_else(|| "TARGET lose 0".to_owned(), challenge::asked))
}

fn rules(action: &Action) -> Vec<String> {
    action.rules().iter().map(|rule| format!("S{rule}")).collect()
}

/// What a step sends: its decisive commands, and the whole script. Where it sends nothing: neither.
pub(in crate::ui) fn sent(action: &Action) -> (Vec<&'static str>, Option<String>) {
    if let Some(deed) = deed(action) {
        return (deed.commands(), Some(deed.body()));
    }
    match look(action) {
        Some(look) => (look.commands(), Some(look.body())),
        None => (Vec::new(), None),
    }
}

/// The act of an action; what it is told in earnest does not change its text.
fn deed(action: &Action) -> Option<Deed> {
    let none = Plain::default;
    Some(match action {
        Action::Lease => Deed::TakeLease { holder: none(), over: None },
        Action::Release => Deed::ReleaseLease { buried: Vec::new() },
        Action::Freeze => Deed::Freeze,
        Action::Unfreeze => Deed::Unfreeze,
        Action::EndStuck => Deed::EndStuck { pid: 0, started: 0 },
        Action::ClearLeftovers => Deed::ClearLeftovers,
        Action::RecoverDirect => Deed::RecoverDirect,
        Action::Bootstrap => {
            let position = Position { uuid: ClusterUuid::new(1)?, seqno: Seqno::new(0)? };
            Deed::Bootstrap { position, peers: Vec::new() }
        }
        Action::Join => Deed::Start { together: false },
        Action::Start => Deed::Start { together: true },
        Action::Write => Deed::Write { token: none() },
        Action::DropCheck => Deed::DropCheck,
        Action::Capture | Action::Choose(_) | Action::Watch | Action::ReadBack | Action::Recover => {
            return None;
        }
    })
}

fn look(action: &Action) -> Option<Look> {
    let none = Plain::default;
    match action {
        Action::ReadBack => Some(Look::ReadBack { machine: none(), token: none() }),
        Action::Recover => Some(Look::Recover {
            identity: Identity {
                host_key: None,
                machine_id: none(),
                datadir: none(),
                datadir_identity: none(),
            },
            target: Target { unit: None, user: none(), binary: none() },
        }),
        _ => None,
    }
}
