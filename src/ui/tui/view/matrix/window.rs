//! Which node columns are seen: all of them, or a window sideways that holds the chosen one, the names pinned.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint;
use super::NAMES;
use crate::ui::tui::look::{Ink, Look};

/// A node column is never narrower, its line at the left included.
const NARROWEST: u16 = 14;
/// A node column gains nothing from being wider.
const WIDEST: u16 = 34;

/// The columns that are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The first node.
    first: usize,
    /// How many.
    shown: usize,
    /// How many there are.
    all: usize,
    /// The width of one, its line included.
    width: u16,
    /// Where the first begins.
    x: u16,
}

impl Window {
    /// The page of columns that holds `chosen`: it does not move while the choice moves inside of it.
    pub(super) fn of(all: usize, chosen: usize, area: Rect) -> Self {
        let room = area.width.saturating_sub(NAMES);
        let shown = usize::from(room / NARROWEST).max(1).min(all);
        let page = chosen.min(all.saturating_sub(1)).checked_div(shown).unwrap_or(0);
        let first = page.saturating_mul(shown).min(all.saturating_sub(shown));
        let width = room.checked_div(paint::cells(shown)).unwrap_or(0).min(WIDEST);
        Self { first, shown, all, width, x: area.x.saturating_add(NAMES) }
    }

    /// Where each begins, and which node it is.
    pub(super) fn columns(self) -> impl Iterator<Item = (u16, usize)> {
        (0..self.shown).map(move |at| {
            let x = self.x.saturating_add(self.width.saturating_mul(paint::cells(at)));
            (x, self.first.saturating_add(at))
        })
    }

    /// The columns of text in a cell beside its sign.
    pub(super) fn cell(self) -> u16 {
        self.width.saturating_sub(3)
    }

    /// The room in the column that begins at `place`, its line not counted.
    pub(super) fn inside(self, place: u16, area: Rect) -> u16 {
        let end = place.saturating_add(self.width).min(area.right());
        end.saturating_sub(place.saturating_add(1))
    }

    /// How many are hidden at the left and at the right.
    pub(super) fn beyond(self) -> (usize, usize) {
        (self.first, self.all.saturating_sub(self.first.saturating_add(self.shown)))
    }

    /// A line across with a tee at every column.
    pub(super) fn rule(self, area: Rect, tee: &str, look: Look, buf: &mut Buffer) {
        paint::rule(buf, area, look);
        if area.height == 0 {
            return;
        }
        for (place, _) in self.columns().filter(|(place, _)| *place < area.right()) {
            paint::text(buf, (place, area.y), 1, tee, look.style(Ink::Rule), look);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(all: usize, chosen: usize, width: u16) -> Vec<usize> {
        let window = Window::of(all, chosen, Rect::new(0, 0, width, 10));
        window.columns().map(|(_, node)| node).collect()
    }

    #[test]
    fn three_nodes_fit_into_sixty_columns() {
        assert_eq!(seen(3, 0, 60), [0, 1, 2]);
        assert_eq!(seen(3, 2, 80), [0, 1, 2]);
    }

    #[test]
    fn the_chosen_column_is_always_seen() {
        for all in 1..12 {
            for chosen in 0..all {
                for width in 1..200 {
                    assert!(seen(all, chosen, width).contains(&chosen), "{chosen} of {all} at {width}");
                }
            }
        }
    }

    #[test]
    fn the_window_stays_while_the_choice_moves_inside_of_it() {
        assert_eq!(seen(9, 0, 80), seen(9, 3, 80));
        assert_eq!(seen(9, 8, 80), [5, 6, 7, 8]);
        assert_eq!(Window::of(9, 4, Rect::new(0, 0, 80, 1)).beyond(), (4, 1));
    }

    #[test]
    fn no_node_is_no_column() {
        assert_eq!(seen(0, 0, 80), Vec::<usize>::new());
    }
}
