//! An input that is the operator's to choose (S8): every data node and what it is worth.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Ink;
use super::super::model::Model;
use super::super::walk::{Ask, Walk};
use super::paint;
use super::sheet::{List, Sheet, inset};
use crate::engine::Choice;

/// The choice that is asked for; its [`Choice::standings`] are the entries of the list.
fn asked(walk: Option<&Walk>) -> Option<&Choice> {
    match walk?.asked.as_ref()? {
        Ask::Choose(choice) => Some(choice),
        Ask::Confirm(_) | Ask::Waive(_) => None,
    }
}

/// The nodes, the chosen one marked, those that offer themselves with the sign of a candidate.
pub(super) fn draw(model: &Model, at: Option<usize>, area: Rect, buf: &mut Buffer) {
    let (look, area) = (model.look, inset(area));
    let sheet = || Sheet::new(look, area.width);
    let mut head = sheet();
    let Some(choice) = asked(model.walk.as_ref()) else {
        head.text(Ink::Dim, "Nothing is to be chosen any more. Esc goes back.");
        return List::new(head).draw(0, look, area, buf);
    };
    head.after(&[(Ink::Title, "CHOOSE  ")], Ink::Title, &choice.input);
    head.text(Ink::Text, choice.about.as_str());
    head.blank();
    let longest = choice.standings.iter().map(|(node, _)| node.as_str().len()).max().unwrap_or(0).min(24);
    let mut list = List::new(head);
    for (place, (node, standing)) in choice.standings.iter().enumerate() {
        let offers = choice.among.contains(node);
        let ink = match (Some(place) == at, offers) {
            (true, _) => Ink::Chosen,
            (false, true) => Ink::Best,
            (false, false) => Ink::Dim,
        };
        let mark = if Some(place) == at { look.signs.now } else { " " };
        let star = if offers { look.signs.candidate } else { " " };
        let mut entry = sheet();
        let node = paint::fit(node.as_str(), longest, look);
        entry.after(&[(ink, &format!("{mark} {star} {node}  "))], ink, standing);
        list.entry(entry);
    }
    let mut foot = sheet();
    foot.row(&[]);
    let text = match choice.among.as_slice() {
        [] => "No node offers itself; the rules will say what stands in the way of the one you choose.",
        [_] => "The rules let one through; of any other they will say what stands in its way.",
        _ => {
            "The rules would let each marked node through. Prefer the one with the most room and the best disks."
        }
    };
    let star = if choice.among.is_empty() { " " } else { look.signs.candidate };
    foot.after(&[(Ink::Best, star), (Ink::Dim, " ")], Ink::Dim, text);
    list.foot(foot);
    list.draw(at.unwrap_or(0), look, area, buf);
}
