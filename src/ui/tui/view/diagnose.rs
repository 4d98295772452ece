//! The drill's questions before the first act: what is wrong, and which node?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Ink;
use super::super::model::{Cluster, DrillView, Model};
use super::sheet::{List, Sheet, inset};

/// The question and its answers, the chosen one marked.
pub(super) fn draw(model: &Model, at: Option<usize>, area: Rect, buf: &mut Buffer) {
    let (look, area) = (model.look, inset(area));
    let sheet = || Sheet::new(look, area.width);
    let mut head = sheet();
    let Some(question) = model.cluster().and_then(Cluster::drill).and_then(DrillView::asks) else {
        head.text(Ink::Dim, "No drill asks anything.");
        return List::new(head).draw(0, look, area, buf);
    };
    head.text(Ink::Title, question.text.as_str());
    head.blank();
    let mut list = List::new(head);
    for (place, option) in question.options.iter().enumerate() {
        let (mark, ink) = if Some(place) == at { (look.signs.now, Ink::Chosen) } else { (" ", Ink::Text) };
        let number = format!("{mark} ");
        let mut entry = sheet();
        entry.after(&[(ink, &number)], ink, option.as_str());
        list.entry(entry);
    }
    let mut foot = sheet();
    foot.row(&[]);
    foot.text(
        Ink::Dim,
        "Any answer lets you go on; the debrief remembers it. Esc goes back to the evidence.",
    );
    list.foot(foot);
    list.draw(at.unwrap_or(0), look, area, buf);
}
