//! The left pane: every step and what became of it. Where there is no room for all, the nodes of one step share a line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::super::look::{Ink, Look};
use super::super::super::model::Model;
use super::super::super::walk::{StepLine, Walk};
use super::super::paint::{self, fit, width};
use super::super::picker::parted;
use super::super::sheet::{Sheet, window};
use crate::facts::NodeName;
use crate::record::body::StepState;

/// The fewest rows worth saying why in, the rule above them not counted.
const WHY: usize = 2;

/// A line of the pane: the steps from `first` on, so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    first: usize,
    count: usize,
    number: usize,
}

/// Draws it; `chosen` says that the operator looks at the shown step, and not at whichever runs.
pub(super) fn draw(
    model: &Model,
    walk: &Walk,
    shown: Option<usize>,
    chosen: bool,
    area: Rect,
    buf: &mut Buffer,
) {
    let look = model.look;
    let room = usize::from(area.height);
    let rows = rows(walk, room);
    let at =
        rows.iter().position(|row| shown.is_some_and(|at| row.first <= at && at < row.first + row.count));
    let lines: Vec<Line<'static>> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| one(walk, *row, at == Some(place), chosen, area.width, look))
        .collect();
    let scroll = at.map_or(0, |at| window(at, 1, lines.len(), room));
    paint::scrolled(&lines, scroll, area, look, buf);
    let left = room.saturating_sub(lines.len() + 1);
    if left >= WHY
        && let Some(why) = why_not(walk, &rows, area.width, look)
    {
        let below = why.len().min(left);
        let height = paint::cells(below);
        let y = area.bottom().saturating_sub(height);
        for (line, y) in why.iter().zip(y..area.bottom()) {
            paint::line(buf, (area.x, y), area.width, line, look);
        }
    }
}

/// One row a step and node, or one row a step where that does not fit.
fn rows(walk: &Walk, room: usize) -> Vec<Row> {
    let mut grouped: Vec<Row> = Vec::new();
    let mut single: Vec<Row> = Vec::new();
    let mut before: Option<&str> = None;
    for (at, line) in walk.steps.iter().enumerate() {
        let number = grouped.len() + usize::from(before != Some(line.id.as_str()));
        match grouped.last_mut().filter(|_| before == Some(line.id.as_str())) {
            Some(row) => row.count += 1,
            None => grouped.push(Row { first: at, count: 1, number }),
        }
        single.push(Row { first: at, count: 1, number });
        before = Some(&line.id);
    }
    if single.len() <= room { single } else { grouped }
}

/// The step's number: its place among the steps, the nodes of one step not counted.
pub(super) fn number(walk: &Walk, at: usize) -> usize {
    rows(walk, 0).iter().find(|row| row.first <= at && at < row.first + row.count).map_or(0, |row| row.number)
}

/// How many steps there are, the nodes of one step not counted.
pub(super) fn count(walk: &Walk) -> usize {
    rows(walk, 0).len()
}

fn one(walk: &Walk, row: Row, shown: bool, chosen: bool, columns: u16, look: Look) -> Line<'static> {
    let steps: Vec<&StepLine> = walk.steps.iter().skip(row.first).take(row.count).collect();
    let (sign, ink) = mark(&steps, look);
    let alone = steps.first().map(|line| line.id.replace('-', " ")).unwrap_or_default();
    let nodes: Vec<&str> = steps.iter().filter_map(|line| line.node.as_ref()).map(NodeName::as_str).collect();
    let named = if nodes.is_empty() { alone.clone() } else { format!("{alone} {}", nodes.join(" ")) };
    let room = usize::from(columns).saturating_sub(7);
    let words = words(&steps, walk.asked.is_some());
    let word_of = |at: usize| words.get(at).or(words.last()).map_or("", String::as_str);
    // The nodes go before the word does, and of the word its end; where even that is too much, the name is cut.
    let tries = [(&named, word_of(0)), (&named, word_of(1)), (&alone, word_of(0)), (&alone, word_of(1))];
    let short = if steps.len() > 1 { &alone } else { &named };
    let fits =
        |(name, word): &&(&String, &str)| width(name) + width(word) + usize::from(!word.is_empty()) <= room;
    let ways = tries.iter().filter(|(name, _)| steps.len() > 1 || *name == &named);
    let (name, word) = ways.clone().find(fits).map_or((short, word_of(1)), |(name, word)| (*name, *word));
    let gap = usize::from(!word.is_empty());
    let name = fit(name, room.saturating_sub(width(word) + gap), look);
    let pick = if shown && chosen { look.signs.now } else { " " };
    let number = format!("{:>3}", row.number);
    let of = |ink| look.style(if shown { Ink::Chosen } else { ink });
    let text_ink = if ink == Ink::Dim { Ink::Dim } else { Ink::Text };
    Line::from(vec![
        Span::styled(pick, of(Ink::Text)),
        Span::styled(sign, of(ink)),
        Span::styled(number, of(Ink::Dim)),
        Span::styled(format!(" {name}"), of(text_ink)),
        Span::styled(format!("{}{word}", " ".repeat(gap)), of(ink)),
        Span::styled(" ", of(Ink::Text)),
    ])
}

/// The sign for some nodes of one step: of what runs, of what went wrong, of what is done.
fn mark(steps: &[&StepLine], look: Look) -> (&'static str, Ink) {
    let any = |state: StepState| steps.iter().any(|line| line.state == Some(state));
    if any(StepState::Begun) {
        (look.signs.now, Ink::Best)
    } else if any(StepState::Failed) || any(StepState::Refused) {
        (look.signs.not, Ink::Warn)
    } else if any(StepState::Unproven) {
        (look.signs.unknown, Ink::Warn)
    } else if any(StepState::LeftOut) {
        (look.signs.skipped, Ink::Warn)
    } else if steps.iter().any(|line| line.state.is_none()) {
        (" ", Ink::Dim)
    } else if any(StepState::Done) {
        (look.signs.done, Ink::Good)
    } else {
        (look.signs.skipped, Ink::Dim)
    }
}

/// The word for what is not simply done, the longest first.
fn words(steps: &[&StepLine], asked: bool) -> Vec<String> {
    let some = |state: StepState| steps.iter().filter(move |line| line.state == Some(state));
    let all = steps.len();
    for (state, word) in [
        (StepState::Begun, if asked { "waits" } else { "runs" }),
        (StepState::Failed, "failed"),
        (StepState::Refused, "refused"),
        (StepState::Unproven, "unproven"),
        (StepState::LeftOut, "left out"),
        (StepState::Skipped, "skipped"),
    ] {
        let count = some(state).count();
        if count == 0 || (state == StepState::Skipped && count < all) {
            continue;
        }
        let of = if count < all { format!("{count} ") } else { String::new() };
        let rule = some(state).find_map(|line| failing(line));
        let long = rule.map(|rule| format!("{of}{word} {rule}"));
        return long.into_iter().chain([format!("{of}{word}")]).collect();
    }
    Vec::new()
}

/// The rule that stood in the way.
fn failing(line: &StepLine) -> Option<&str> {
    let stood = !matches!(line.state, Some(StepState::Begun | StepState::Skipped) | None);
    let rule = line.rules.iter().find(|rule| !rule.pass && rule.rule.starts_with('S')).filter(|_| stood)?;
    Some(&rule.rule)
}

/// Why the last step that was left out or refused was, below the steps.
fn why_not(walk: &Walk, rows: &[Row], columns: u16, look: Look) -> Option<Vec<Line<'static>>> {
    let not = |line: &StepLine| {
        matches!(line.state, Some(StepState::LeftOut | StepState::Refused | StepState::Failed))
    };
    let at = walk.steps.iter().rposition(|line| not(line) && !line.detail.is_empty())?;
    let line = walk.steps.get(at)?;
    let number = rows.iter().find(|row| row.first <= at && at < row.first + row.count)?.number;
    let mut sheet = Sheet::new(look, columns.saturating_sub(2));
    let (why, _) = parted(line.detail.lines().next().unwrap_or_default());
    sheet.text(Ink::Dim, &format!("why not {number}: {why}"));
    let indent = |line: Line<'static>| {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(line.spans);
        Line::from(spans)
    };
    Some(sheet.lines().into_iter().map(indent).collect())
}
