//! Records as text for people: every line sanitised, none wider than the terminal.

use std::fmt::Write as _;
use std::path::Path;

use crate::ask::act::Class;
use crate::facts::{Mode, Plain, SessionId};
use crate::record::body::{OpIntent, SessionClose};
use crate::record::{Body, Finding, Place, Record, Story, Verdict, short_code};

use super::super::output::{Glyphs, fit, wrap};

/// The sessions, the oldest first.
pub(super) fn list(place: &Place, records: &[Record], columns: usize, glyphs: Glyphs) -> String {
    let mut page = head(place, records, columns);
    let sessions = sessions(records);
    // Time 19, session 26, mode 5, result 9, open 4, and a space after each.
    let runbook = columns.saturating_sub(19 + 26 + 5 + 9 + 4 + 5).clamp(8, 40);
    let mut row = |cells: [&str; 6]| {
        let [opened, session, mode, name, result, open] = cells;
        let (name, result) = (fit(name, runbook, glyphs.cut), fit(result, 9, glyphs.cut));
        let line = format!("{opened:<19} {session:<26} {mode:<5} {name} {result} {open}");
        push(&mut page, &line);
    };
    row(["opened (UTC)", "session", "mode", "runbook", "result", "open"]);
    for session in sessions {
        let opened = session.opened.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let open = session.open.to_string();
        row([&opened, session.id.as_str(), session.mode.as_str(), &session.runbook, session.result, &open]);
    }
    page
}

/// The sessions, and then every record of them, the latest last; for a screen.
pub(in crate::ui) fn page(place: &Place, records: &[Record], columns: usize) -> Vec<String> {
    let mut page = list(place, records, columns, Glyphs::of_locale());
    for session in sessions(records) {
        let own: Vec<&Record> = records.iter().filter(|record| record.session == *session.id).collect();
        page.push('\n');
        page.push_str(&show(place, &own, columns));
    }
    page.lines().map(str::to_owned).collect()
}

struct Session<'a> {
    id: &'a SessionId,
    opened: jiff::Timestamp,
    mode: Mode,
    runbook: String,
    result: &'static str,
    /// Ops without a known outcome, by today's knowledge.
    open: usize,
}

fn sessions(records: &[Record]) -> Vec<Session<'_>> {
    let story: Story = records.iter().collect();
    let mut sessions: Vec<Session<'_>> = Vec::new();
    for record in records {
        let known = sessions.iter_mut().find(|session| *session.id == record.session);
        match (&record.body, known) {
            (Body::SessionOpen(open), None) => sessions.push(Session {
                id: &record.session,
                opened: record.t,
                mode: record.mode,
                runbook: plain(&open.runbook),
                result: "not ended",
                open: story.open_ops().iter().filter(|(_, id)| **id == record.session).count(),
            }),
            (Body::SessionPause(_), Some(session)) => session.result = "paused",
            (Body::SessionClose(close), Some(session)) => session.result = close.result.as_str(),
            (_, Some(session)) => session.result = "not ended",
            (_, None) => {}
        }
    }
    sessions
}

/// What a session did, one record after the other.
pub(super) fn show(place: &Place, records: &[&Record], columns: usize) -> String {
    let mut page = String::new();
    if let Some(first) = records.first() {
        let (mode, day) = (mode(place.mode), first.t.strftime("%Y-%m-%d"));
        push(&mut page, &format!("session {} ({mode}), opened {day}, times in UTC", first.session));
    }
    for record in records {
        let start =
            format!("{:>5} {} {:<13} ", record.seq, record.t.strftime("%H:%M:%S"), record.body.kind());
        paragraph(&mut page, &start, &plain(&says(&record.body)), columns);
    }
    page
}

/// What `verify` found.
pub(super) fn verdict(
    dir: &Path,
    mode: Option<Mode>,
    remembered: Option<&Path>,
    verdict: &Verdict,
    columns: usize,
) -> String {
    let mut page = String::new();
    let result = match verdict.result() {
        Finding::Ok => "OK",
        Finding::Broken => "BROKEN",
        Finding::NotProvable => "NOT PROVABLE",
    };
    match verdict.faults.split_first() {
        None => push(&mut page, result),
        Some((worst, others)) => {
            paragraph(&mut page, "", &plain(&format!("{result}: {worst}")), columns);
            for other in others {
                paragraph(&mut page, "  also ", &plain(&other.to_string()), columns);
            }
        }
    }
    let code = verdict.head.as_ref().map(|head| short_code(&head.hash)).unwrap_or_default();
    let of = mode.map(|mode| format!(" ({})", self::mode(mode))).unwrap_or_default();
    let what = format!("{}{of}: {} records, head {code}", dir.display(), verdict.records);
    paragraph(&mut page, "record ", &plain(&what), columns);
    let known = match (remembered, verdict.proved) {
        (None, _) => "none is remembered here; a cut tail cannot be excluded".to_owned(),
        (Some(path), None) => format!("the one in {} is not in this record", path.display()),
        (Some(path), Some(seq)) => {
            let rest = verdict.records.saturating_sub(seq.saturating_add(1));
            let after = if rest == 0 {
                "and nothing follows it".to_owned()
            } else {
                format!("the {rest} after it rest on the chain alone")
            };
            format!("record {seq} is the one in {}, {after}", path.display())
        }
    };
    paragraph(&mut page, "head   ", &plain(&known), columns);
    page
}

fn head(place: &Place, records: &[Record], columns: usize) -> String {
    let mut page = String::new();
    let code = records.last().map(|record| short_code(&record.hash)).unwrap_or_default();
    let what =
        format!("{} ({}): {} records, head {code}", place.dir.display(), mode(place.mode), records.len());
    paragraph(&mut page, "record ", &plain(&what), columns);
    page
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "LIVE",
        Mode::Lab => "LAB",
        Mode::Drill => "DRILL",
        Mode::Bundle => "BUNDLE",
    }
}

/// One record in a sentence; what it leaves out, `--json` has.
fn says(body: &Body) -> String {
    let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
    match body {
        Body::SessionOpen(open) => format!(
            "{} on {} breaks the glass over {} with {}; reason: {}; incident: {}",
            open.operator.login,
            open.operator.workstation,
            open.cluster,
            open.runbook,
            or(&open.reason, "none given"),
            or(&open.incident, "none given"),
        ),
        Body::Survey(survey) => {
            let nodes =
                survey.nodes.iter().map(|node| format!("{} {} ({})", node.name, node.standing, node.server));
            nodes.collect::<Vec<_>>().join(", ")
        }
        Body::Verdict(seen) => {
            let failed: Vec<String> = seen
                .rules
                .iter()
                .filter(|rule| !rule.pass)
                .map(|rule| format!("; {} fails: {}", rule.rule, rule.why))
                .collect();
            let candidates = match seen.candidates.as_slice() {
                [] => "no candidate".to_owned(),
                names => format!("candidates {}", names.join(", ")),
            };
            format!("{}; {candidates}; loss {}{}", seen.verdict, seen.loss, failed.concat())
        }
        Body::Plan(plan) => {
            let steps = plan.steps.as_array().map_or(0, Vec::len);
            let inputs = plan.inputs.iter().map(|(name, value)| format!(", {name} = {}", or(value, "none")));
            format!("{}, {steps} steps{}", plan.runbook, inputs.collect::<String>())
        }
        Body::Confirm(confirm) => format!(
            "{} {}: asked {:?}, typed {:?} after {} ms: {}",
            confirm.step,
            confirm.node,
            confirm.asked,
            confirm.typed,
            confirm.millis,
            if confirm.matched { "matched" } else { "DID NOT MATCH" }
        ),
        Body::Waiver(waiver) => format!(
            "{} set aside for {} until {}: {}; typed {:?}",
            waiver.rule, waiver.node, waiver.until, waiver.reason, waiver.typed
        ),
        Body::OpIntent(intent) => intends(intent),
        Body::OpSent(sent) => format!("op {}", sent.op),
        Body::OpOutput(output) => format!("op {}: {:?} ({} bytes)", output.op, output.text, output.bytes),
        Body::OpOutcome(outcome) => {
            let checks: Vec<String> = outcome.checks.iter().map(|check| format!("; {check}")).collect();
            format!("{}: {}{}, op {}", outcome.outcome.as_str(), outcome.detail, checks.concat(), outcome.op)
        }
        Body::OpResolve(resolve) => format!(
            "{}, as the {} shows: {}, op {}",
            resolve.outcome.as_str(),
            resolve.by.as_str(),
            resolve.detail,
            resolve.op
        ),
        Body::Step(step) => {
            let node = step.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
            let detail = if step.detail.is_empty() { String::new() } else { format!(": {}", step.detail) };
            format!("{}{node} {}{detail}", step.step, step.state.as_str())
        }
        Body::Quarantine(moved) => {
            format!("{}: {} moved to {} ({} bytes)", moved.node, moved.from, moved.to, moved.size)
        }
        Body::Note(note) => note.text.clone(),
        Body::Gap(gap) => gap.why.clone(),
        Body::Recover(torn) => {
            format!("{} torn bytes at byte {} put away as {}", torn.blob.bytes, torn.offset, torn.blob.sha256)
        }
        Body::Head(head) => {
            format!(
                "record {} ({}) planted in {}: {}",
                head.seq,
                short_code(&head.hash),
                head.place,
                head.receipt
            )
        }
        Body::SessionPause(pause) => pause.why.clone(),
        Body::SessionClose(close) => closes(close),
    }
}

fn intends(intent: &OpIntent) -> String {
    let class = match intent.class {
        Class::Read => "read",
        Class::Reversible => "reversible",
        Class::Destructive => "DESTRUCTIVE",
    };
    let covered = intent.confirmation.map(|seq| format!(", confirmed by record {seq}")).unwrap_or_default();
    let loss = &intent.loss;
    format!("{} on {} ({class}, loss {loss}{covered}), op {}", intent.step, intent.node, intent.op)
}

fn closes(close: &SessionClose) -> String {
    let open = match close.open.as_slice() {
        [] => "nothing open".to_owned(),
        ops => format!("OPEN: {}", ops.join(", ")),
    };
    let detail = if close.detail.is_empty() { String::new() } else { format!("; {}", close.detail) };
    let (result, automation) = (close.result.as_str(), close.automation.as_str());
    format!("{result} (exit {}); {open}; automation {automation}{detail}", close.exit)
}

fn plain(text: &str) -> String {
    Plain::new(text).as_str().to_owned()
}

fn push(page: &mut String, line: &str) {
    page.push_str(line.trim_end());
    page.push('\n');
}

/// Text behind a start, broken within the width and indented under itself.
fn paragraph(page: &mut String, start: &str, text: &str, columns: usize) {
    let indent = start.chars().count();
    let lines = wrap(text, columns.saturating_sub(indent));
    for (at, line) in lines.iter().enumerate() {
        let before = if at == 0 { start.to_owned() } else { " ".repeat(indent) };
        push(page, &format!("{before}{line}"));
    }
}

/// JSON text that shows what it holds: what a terminal would obey or hide becomes JSON's own escape.
pub(super) fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut one = [0; 4];
    for c in json.chars() {
        if Plain::new(c.encode_utf8(&mut one)).as_str().chars().eq([c]) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // `write!` to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_still_the_same_value() {
        let json = serde_json::to_string("a\u{202e}b\u{9b}c\u{e0001}d\né").unwrap();
        let shown = visible(&json);
        assert_eq!(shown, "\"a\\u202eb\\u009bc\\udb40\\udc01d\\né\"");
        let (one, other): (String, String) =
            (serde_json::from_str(&json).unwrap(), serde_json::from_str(&shown).unwrap());
        assert_eq!(one, other);
    }

    #[test]
    fn a_paragraph_is_indented_under_itself() {
        let mut page = String::new();
        paragraph(&mut page, "   12 note ", "one two three four", 20);
        assert_eq!(page, "   12 note one two\n           three\n           four\n");
    }
}
