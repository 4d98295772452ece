//! Leaving while something runs, or the glass is broken: what that would mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::Model;
use super::super::walk::Stopping;
use super::paint::{Page, clock};
use super::sheet::{Sheet, inset};

/// What still runs, what is open, and the two ways on.
pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    page(model, area).draw(0, model.look, buf);
}

/// All of it, and its room.
pub(super) fn page(model: &Model, area: Rect) -> Page {
    let area = inset(area);
    Page { lines: lines(model, area.width), area }
}

fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(model.look, width);
    sheet.text(Ink::Title, "LEAVE?");
    sheet.blank();
    let running = model.running();
    if let Some(walk) = running {
        let what = walk.doing().unwrap_or_else(|| walk.runbook.title.to_string());
        sheet.labelled("still runs", 10, Ink::Warn, &what);
        let means = match (walk.acts(), walk.asked.is_some()) {
            (true, _) => {
                "An act is on its way. It goes on on its node whatever you do here, and its end would stay unknown until the next run asks the node."
            }
            (false, true) => "The run waits for you. Nothing is on its way.",
            (false, false) => "Nothing is on its way; the run reads, or is about to act.",
        };
        sheet.labelled("it means", 10, Ink::Text, means);
        if walk.stopping != Stopping::No {
            sheet.labelled("stopping", 10, Ink::Text, "it stops after this step already");
        }
        sheet.blank();
    }
    if let Some(glass) = &model.glass {
        let name = model.clusters.get(glass.cluster).map(|cluster| cluster.name.as_str()).unwrap_or_default();
        let since = clock(model.now.duration_since(glass.since));
        let text = format!("broken for {name}, {since} by now; leaving closes it, and the record stays");
        sheet.labelled("glass", 10, Ink::Text, &text);
        sheet.blank();
    }
    let leaves = if running.is_some() {
        "stops after the step that runs, puts back what the run froze, and leaves"
    } else {
        "leaves"
    };
    sheet.labelled("s", 10, Ink::Text, leaves);
    sheet.labelled("enter", 10, Ink::Text, "stays");
    sheet.lines()
}
