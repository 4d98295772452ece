//! What the run waits for, does, or came to: the lines below the step, and the text where no step is shown.

use std::time::Duration;

use ratatui::text::Line;

use super::super::super::look::Ink;
use super::super::super::model::{Cluster, Model};
use super::super::super::walk::{Ask, Finish, Stopping, Walk};
use super::super::paint;
use super::super::picker::parted;
use super::super::sheet::Sheet;

/// Before what Enter opens.
const WAITING: &str = "WAITING FOR YOU  ";
/// The most nodes whose progress is shown below a step.
const NODES: usize = 4;

/// The lines that are always to be seen: what still runs, how it is stopped, what is asked; below a step also how the run
/// ended.
pub(super) fn lines(model: &Model, walk: &Walk, step: bool, width: u16) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    if let Some(finish) = walk.ended.as_ref().filter(|_| step) {
        let (word, ink) = result(finish.result);
        let text = format!("{} exit {}", model.look.signs.dot, finish.exit);
        sheet.row(&[(ink, &word), (Ink::Dim, " "), (Ink::Dim, &text)]);
        return sheet.lines();
    }
    progress(&mut sheet, model, walk);
    match walk.stopping {
        _ if walk.ended.is_some() => {}
        Stopping::No => {}
        Stopping::AfterStep => sheet.text(Ink::Warn, "Stops after this step."),
        Stopping::Now => sheet.text(Ink::Warn, "Stops at once; what runs on a node stays unknown."),
    }
    if let Some(ask) = &walk.asked {
        let opens = opens(ask);
        if usize::from(width) < WAITING.len() + paint::width(&opens) {
            sheet.text(Ink::Asked, WAITING);
            sheet.text(Ink::Text, &opens);
        } else {
            sheet.after(&[(Ink::Asked, WAITING)], Ink::Text, &opens);
        }
    }
    sheet.lines()
}

/// What Enter opens.
fn opens(ask: &Ask) -> String {
    match ask {
        Ask::Choose(choice) => format!("enter opens the choice of {}; n ends the run", choice.input),
        Ask::Confirm(challenge) => {
            format!("enter opens the confirmation of {}; n does not do it", challenge.title)
        }
        Ask::Waive(asked) => {
            format!("enter opens the waiver of {} on {}; n waives nothing", asked.blocked.rule, asked.node)
        }
    }
}

fn progress(sheet: &mut Sheet, model: &Model, walk: &Walk) {
    let running: Vec<_> = walk
        .steps
        .iter()
        .flat_map(|line| line.progress.iter().map(move |(node, progress)| (line, node, progress)))
        .collect();
    let (cut, dot) = (model.look.signs.cut, model.look.signs.dot);
    for (line, node, progress) in running.iter().take(NODES) {
        // Several nodes of one step are told apart; the one that is shown needs no name.
        let named = node.as_ref().or(line.node.as_ref()).filter(|_| running.len() > 1);
        let named = named.map(|node| format!("{node}: ")).unwrap_or_default();
        let (why, _) = parted(progress.text.as_str());
        let text = format!("{named}{why}");
        sheet.after(&[(Ink::Best, &format!("{cut} {} {dot} ", elapsed(progress.elapsed)))], Ink::Text, &text);
    }
    // Whatever it is doing, how long it takes is seen.
    if running.is_empty() && walk.ended.is_none() && walk.asked.is_none() {
        let begun = Duration::try_from(model.now.duration_since(walk.begun)).unwrap_or_default();
        let what = if walk.at.is_some() { "under way" } else { "the nodes are being read" };
        sheet.after(&[(Ink::Dim, &format!("{cut} {} {dot} ", elapsed(begun)))], Ink::Dim, what);
    }
    if running.len() > NODES {
        sheet.text(Ink::Dim, &format!("and {} more", running.len() - NODES));
    }
}

fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min {:02} s", seconds / 60, seconds % 60) }
}

/// Where no step is shown: how the run begins, or ended.
pub(super) fn summary(model: &Model, walk: &Walk, width: u16) -> Vec<Line<'static>> {
    let look = model.look;
    let mut sheet = Sheet::new(look, width);
    sheet.text(Ink::Title, &format!("{}: {}", walk.runbook.id, walk.runbook.title));
    sheet.blank();
    match &walk.ended {
        Some(finish) => end(&mut sheet, model, finish),
        None => sheet.text(Ink::Text, "The run begins: the nodes are read before its first step."),
    }
    // What was advised before it is not true after it.
    let said =
        walk.said.iter().filter(|_| walk.ended.as_ref().is_none_or(|finish| finish.result == "refused"));
    for text in said {
        sheet.after(&[(Ink::Dim, &format!("{} ", look.signs.dot))], Ink::Text, text.as_str());
    }
    sheet.blank();
    if let Some(head) = &walk.head {
        sheet.labelled(
            "record",
            7,
            Ink::Text,
            &format!("{head} {} v in the matrix shows it", look.signs.dot),
        );
    }
    if let Some(session) = &walk.session {
        sheet.labelled("session", 7, Ink::Text, session.as_str());
    }
    sheet.lines()
}

fn end(sheet: &mut Sheet, model: &Model, finish: &Finish) {
    let (word, ink) = result(finish.result);
    sheet.row(&[(ink, &word), (Ink::Dim, &format!("  exit code {}", finish.exit))]);
    for detail in finish.detail.lines() {
        let (why, change) = parted(detail);
        sheet.after(&[(Ink::Text, "  ")], Ink::Text, why);
        if let Some(change) = change {
            sheet.after(&[(Ink::Key, &format!("  {} ", model.look.signs.arrow))], Ink::Text, change);
        }
    }
    sheet.blank();
    let debrief = model.cluster().and_then(Cluster::drill).and_then(|drill| drill.debrief.first());
    match debrief {
        Some(line) => {
            sheet.labelled("drill", 7, Ink::Good, line.as_str());
            sheet.labelled("next", 7, Ink::Text, "enter opens the debrief.");
        }
        None if finish.result == "done" && model.glass.is_none() => {
            sheet.labelled("next", 7, Ink::Text, "m goes back to the matrix, which shows what comes next.");
        }
        None => sheet.labelled("next", 7, Ink::Text, next(finish.result)),
    }
}

/// The result's word and how it looks: nothing but all of it is good, and partial is called partial (U14).
fn result(result: &str) -> (String, Ink) {
    let ink = match result {
        "done" => Ink::Good,
        "partial" | "paused" => Ink::Warn,
        _ => Ink::Bad,
    };
    (result.to_uppercase(), ink)
}

/// What to do with it.
fn next(result: &str) -> &'static str {
    match result {
        "done" => "m goes back to the matrix; C there closes the glass.",
        "partial" => {
            "m goes back to the matrix: its findings say what is left, and which runbook answers it."
        }
        "paused" => "walk the same runbook again: it begins with a fresh survey, and skips what is done.",
        "unknown" => {
            "m goes back to the matrix: look at the node; the next run first finds out what became of the act."
        }
        _ => {
            "m goes back to the matrix. Where a rule stood in the way, it is named with what would change it."
        }
    }
}
