//! A run as lines: complete on any terminal, with no colour and no cursor movement (U15).

use std::io::{self, BufRead as _, Write};
use std::time::Duration;

use crate::ask::act::Class;
use crate::engine::{Answered, Challenge, Choice, Event, WaiverAsked, WaiverGiven};
use crate::facts::{NodeName, Plain};
use crate::record::body::{Body, Outcome};

use super::super::output::Glyphs;

/// How long a waiver holds where the operator does not say.
pub(in crate::ui) const USUAL_MINUTES: u64 = 60;

/// Lines out.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) glyphs: Glyphs,
}

impl Lines {
    /// One event, as far as a person wants to read it.
    pub(super) fn tell(&self, event: &Event<'_>) {
        match event {
            Event::Step { number, of, node, title, explain, class, .. } => {
                let on = node.map(|node| format!(" {} {node}", self.glyphs.dot)).unwrap_or_default();
                let shown =
                    if *class == Class::Read { String::new() } else { format!(" [{}]", word(*class)) };
                say(&format!("\n{number}/{of} {title}{on}{shown}"));
                if node.is_none() || *class == Class::Destructive {
                    wrapped("    ", explain.as_str());
                }
            }
            Event::Progress { node, elapsed, text, .. } => {
                let on = node.map(|node| format!("{node}: ")).unwrap_or_default();
                wrapped("    ", &format!("… {} s {} {on}{text}", elapsed.as_secs(), self.glyphs.dot));
            }
            Event::Said { text, .. } => wrapped("    ", text.as_str()),
            Event::Recorded(record) => Self::record(&record.body, record.seq),
            // Lines do not show what is beside them; the record has both.
            Event::Planned(_) | Event::Surveyed { .. } => {}
        }
    }

    fn record(body: &Body, seq: u64) {
        match body {
            Body::SessionOpen(open) => {
                let reason = open.reason.as_deref().unwrap_or("reads only");
                let incident = open.incident.as_deref().map(|of| format!(" · {of}")).unwrap_or_default();
                say(&format!("{} on {}: {reason}{incident}", open.runbook, open.cluster));
            }
            Body::Verdict(verdict) => {
                if let Some(step) = &verdict.step {
                    for rule in &verdict.rules {
                        if rule.rule.starts_with('S') && rule.pass && step == "bootstrap" {
                            wrapped("    ", &format!("{} holds: {}", rule.rule, rule.why));
                        }
                    }
                } else {
                    say(&format!(
                        "    verdict: {}; candidates: {}",
                        verdict.verdict,
                        or_none(&verdict.candidates)
                    ));
                }
            }
            Body::OpIntent(intent) => {
                say(&format!("    intent: {} on {} (record {seq})", intent.deed, intent.node));
            }
            Body::OpOutcome(outcome) if outcome.outcome != Outcome::Done => {
                wrapped("    ", &format!("outcome {}: {}", outcome.outcome.as_str(), outcome.detail));
            }
            Body::OpResolve(resolve) => {
                wrapped(
                    "    ",
                    &format!(
                        "resolved by {}: {} ({})",
                        resolve.by.as_str(),
                        resolve.outcome.as_str(),
                        resolve.detail
                    ),
                );
            }
            Body::Waiver(waiver) => {
                say(&format!(
                    "    waived until {}: {} on {}: {}",
                    waiver.until, waiver.rule, waiver.node, waiver.reason
                ));
            }
            Body::Step(step) => {
                let node = step.node.as_deref().map(|node| format!("{node}: ")).unwrap_or_default();
                for (at, line) in step.detail.lines().enumerate() {
                    let head =
                        if at == 0 { format!("{}: {node}", step.state.as_str()) } else { "  ".to_owned() };
                    wrapped("    ", &format!("{head}{line}"));
                }
            }
            _ => {}
        }
    }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Read => "read",
        Class::Reversible => "reversible",
        Class::Destructive => "DESTRUCTIVE",
    }
}

/// One line, safe to show. A reader that has gone does not stop a run in the middle.
pub(in crate::ui) fn say(line: &str) {
    let mut out = io::stdout().lock();
    let shown: Vec<String> = line.split('\n').map(|line| Plain::new(line).to_string()).collect();
    let _ = writeln!(out, "{}", shown.join("\n")).and_then(|()| out.flush());
}

/// Words in lines of at most 80 columns, each behind `indent`.
pub(in crate::ui) fn wrapped(indent: &str, text: &str) {
    for line in super::super::output::wrap(text, 80usize.saturating_sub(indent.len())) {
        say(&format!("{indent}{line}"));
    }
}

/// Asks for an input.
pub(super) fn ask_choice(choice: &Choice) -> Answered<NodeName> {
    say(&format!("\nCHOOSE {}", choice.input));
    wrapped("    ", choice.about.as_str());
    for (node, standing) in &choice.standings {
        let mark = if choice.among.contains(node) { "*" } else { " " };
        wrapped("  ", &format!("{mark} {node}: {standing}"));
    }
    if choice.among.is_empty() {
        wrapped(
            "    ",
            "No node offers itself; the rules will say what stands in the way of the one you name.",
        );
    }
    // A slip of the fingers is no decision.
    for _ in 0..3 {
        let Some(line) = read_line(&format!("{} > ", choice.input)) else {
            return Answered::Refused("nothing was chosen: the input ended".to_owned());
        };
        let line = line.trim();
        match choice.standings.iter().find(|(node, _)| node.as_str() == line) {
            Some((node, _)) => return Answered::Given(node.clone()),
            None if line.is_empty() => return Answered::Refused("nothing was chosen".to_owned()),
            None => {
                let names: Vec<&str> = choice.standings.iter().map(|(node, _)| node.as_str()).collect();
                say(&format!("    {line:?} is none of {}", names.join(", ")));
            }
        }
    }
    Answered::Refused("nothing was chosen in three answers".to_owned())
}

/// Asks for a typed confirmation: its own block, like no other.
pub(super) fn ask_confirm(challenge: &Challenge) -> Answered<String> {
    let rule = "=".repeat(78);
    say(&format!("\n{rule}\n\n    {}\n", challenge.title));
    for (label, text) in &challenge.lines {
        let mut first = true;
        for line in super::super::output::wrap(text.as_str(), 62) {
            say(&format!("    {:<10}{line}", if first { label } else { "" }));
            first = false;
        }
    }
    say(&format!(
        "\n    Type   {}   to go on. Anything else stops; nothing is lost yet.\n\n{rule}",
        challenge.asked
    ));
    match read_line("    > ") {
        Some(line) => Answered::Given(line),
        None => Answered::Refused("nothing was typed: the input ended".to_owned()),
    }
}

/// Asks for a waiver, on its own block with its own word.
pub(super) fn ask_waiver(asked: &WaiverAsked) -> Answered<WaiverGiven> {
    let rule = "!".repeat(78);
    say(&format!("\n{rule}\n\n    WAIVE {} on {}\n", asked.blocked.rule, asked.node));
    wrapped("    ", asked.blocked.why.as_str());
    wrapped("    ", &format!("Without a waiver: {}.", asked.blocked.would_change));
    say(&format!("\n    To waive it, type   {}\n    Anything else refuses.\n\n{rule}", asked.asked));
    let Some(typed) = read_line("    > ") else {
        return Answered::Refused(format!(
            "{} on {} is not waived: the input ended",
            asked.blocked.rule, asked.node
        ));
    };
    if typed != asked.asked {
        return Answered::Refused(format!("{} on {} is not waived", asked.blocked.rule, asked.node));
    }
    let reason = read_line("    reason > ").unwrap_or_default();
    let minutes = read_line(&format!("    holds for minutes [{USUAL_MINUTES}] > ")).unwrap_or_default();
    let minutes = match minutes.trim() {
        "" => USUAL_MINUTES,
        text => match text.parse::<u32>() {
            Ok(minutes) => u64::from(minutes),
            Err(_) => {
                return Answered::Refused(format!("{text:?} is no number of minutes; nothing is waived"));
            }
        },
    };
    Answered::Given(WaiverGiven { typed, reason, holds: Duration::from_secs(minutes * 60) })
}

/// One line of standard input without its end; `None` where there is none left.
pub(in crate::ui) fn read_line(prompt: &str) -> Option<String> {
    let mut out = io::stdout().lock();
    let _ = write!(out, "{prompt}").and_then(|()| out.flush());
    drop(out);
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            line.truncate(line.trim_end_matches(['\r', '\n']).len());
            Some(line)
        }
    }
}
