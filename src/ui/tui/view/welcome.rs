//! No inventory yet: what this is, the drills, and the way to one's own clusters.
//!
//! ```text
//!  Breakglass shows what every node of a broken cluster knows, side by side, …
//!
//!  ▶ Three nodes, all stopped                                   level 1 of 5
//!    The lights go out                                          level 2 of 5
//!
//!  your own clusters      ~/.config/breakglass/inventory.toml …
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Ink;
use super::super::model::Model;
use super::paint::fit;
use super::sheet::{List, Sheet, inset};

/// The drills, the chosen one marked.
pub(super) fn draw(model: &Model, at: usize, area: Rect, buf: &mut Buffer) {
    let (look, area) = (model.look, inset(area));
    let sheet = || Sheet::new(look, area.width);
    let mut head = sheet();
    head.text(
        Ink::Text,
        "Breakglass shows what every node of a broken database cluster knows, side by side, and says which holds the most.",
    );
    head.text(
        Ink::Text,
        "It then walks you through bringing it back, step by guarded step, with a record that can be proved.",
    );
    head.blank();
    let drills =
        if model.drills.is_empty() { "There is no drill." } else { "Drills, on a simulated cluster:" };
    head.text(Ink::Title, drills);
    let mut list = List::new(head);
    for (place, drill) in model.drills.iter().enumerate() {
        let level = format!("level {} of 5", drill.level);
        let mut entry = sheet();
        let (mark, ink) = if place == at { (look.signs.now, Ink::Chosen) } else { (" ", Ink::Text) };
        let room = usize::from(area.width).saturating_sub(level.len() + 4);
        let title = fit(drill.title.as_str(), room, look);
        let level_ink = if place == at { Ink::Chosen } else { Ink::Dim };
        entry.cells(&[(ink, mark), (ink, " "), (ink, &title), (level_ink, "  "), (level_ink, &level)]);
        list.entry(entry);
    }
    let mut foot = sheet();
    foot.row(&[]);
    if let Some(cluster) = model.cluster() {
        foot.labelled("m", 23, Ink::Asked, &format!("back to {}, where you left it", cluster.name));
    }
    let dot = look.signs.dot;
    foot.labelled(
        "your own clusters",
        23,
        Ink::Text,
        &format!("~/.config/breakglass/inventory.toml {dot} the README has an example"),
    );
    foot.labelled("a real practice cluster", 23, Ink::Text, "sudo breakglass lab up shop (on this host)");
    list.foot(foot);
    list.draw(at, look, area, buf);
}
