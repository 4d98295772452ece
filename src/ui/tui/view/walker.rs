//! The run: its steps at the left, at the right the one that runs or is chosen, below it what the run waits for.
//!
//! ```text
//!  ✓ 4 recover              │ 6  Start it as the new Primary Component    destructive
//!  ✓ 5 clear leftovers      │ Its history becomes the cluster's. …
//!  ▶ 6 bootstrap db2        │ rules   S4 ✓ every node's position is known
//!    7 primary db2          │ runs on db2 (SHA256:Zk3… machine 4f1c…)
//!    8 join db1             │   galera_new_cluster
//!    9 join db3   refused S17│
//!  why not 9: db3 has …     │ WAITING FOR YOU  enter opens the confirmation of BOOTSTRAP db2
//! ```

mod status;
mod step;
mod steps;

pub(super) use step::sentence;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::look::Ink;
use super::super::model::Model;
use super::super::walk::Walk;
use super::paint::{self, Page};
use super::sheet::{Sheet, inset};

/// Narrower than this, the left pane gives way.
const NARROW: u16 = 100;
/// Below this there is one pane.
const TWO_PANES: (u16, u16) = (60, 12);

/// Where things are.
struct Panes {
    /// The steps; of no width where there is no room for two panes.
    left: Rect,
    /// The line between.
    between: Rect,
    /// The step's text.
    right: Rect,
    /// What the run waits for, or is doing.
    status: Rect,
}

/// Both panes.
pub(super) fn draw(model: &Model, at: Option<usize>, scroll: usize, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let Some(walk) = &model.walk else {
        let mut sheet = Sheet::new(look, inset(area).width);
        sheet.text(Ink::Dim, "No run was begun. The runbooks say what is possible now.");
        return paint::scrolled(&sheet.lines(), 0, inset(area), look, buf);
    };
    let says = status::lines(model, walk, shown(walk, at).is_some(), panes(area, 0).right.width);
    let panes = panes(area, says.len());
    if panes.left.width > 0 {
        steps::draw(model, walk, shown(walk, at), at.is_some(), panes.left, buf);
        paint::column(buf, panes.between, look);
    }
    Page { lines: lines(model, walk, at, panes.right.width), area: panes.right }.draw(scroll, look, buf);
    // Where not all of it fits, its end counts: what the run waits for.
    paint::scrolled(&says, usize::MAX, panes.status, look, buf);
}

/// The text of the right pane, and its room.
pub(super) fn page(model: &Model, at: Option<usize>, area: Rect) -> Page {
    let Some(walk) = &model.walk else { return Page { lines: Vec::new(), area } };
    let says = status::lines(model, walk, shown(walk, at).is_some(), panes(area, 0).right.width);
    let area = panes(area, says.len()).right;
    Page { lines: lines(model, walk, at, area.width), area }
}

/// The step that is shown: the chosen one, else the one that runs; none where the run has ended.
pub(super) fn shown(walk: &Walk, at: Option<usize>) -> Option<usize> {
    at.filter(|at| *at < walk.steps.len()).or(walk.at)
}

fn lines(model: &Model, walk: &Walk, at: Option<usize>, width: u16) -> Vec<Line<'static>> {
    match shown(walk, at).and_then(|at| Some((at, walk.steps.get(at)?))) {
        Some((at, line)) => step::lines(model, walk, at, line, width),
        None => status::summary(model, walk, width),
    }
}

fn panes(area: Rect, says: usize) -> Panes {
    let two = area.width >= TWO_PANES.0 && area.height >= TWO_PANES.1;
    let wide = match area.width {
        _ if !two => 0,
        60..80 => 24,
        80..NARROW => 27,
        _ => (area.width / 3).min(44),
    };
    let left = Rect { width: wide, ..area };
    let between = Rect { x: left.right(), width: u16::from(two), ..area };
    let right = Rect { x: between.right(), width: area.right().saturating_sub(between.right()), ..area };
    let right = inset(right);
    // The step keeps at least a third of the rows.
    let most = area.height.saturating_sub(area.height.div_ceil(3));
    let below = paint::cells(says).min(most);
    let status = Rect { y: area.bottom().saturating_sub(below), height: below, ..right };
    Panes { left, between, right: Rect { height: area.height.saturating_sub(below), ..right }, status }
}
