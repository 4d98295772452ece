//! Whether those that were not read may be a Primary Component, by telling every story that ends so.
//!
//! A story begins with some view and goes on by what Galera does: who leaves cleanly shrinks the view and keeps no saved
//! one; who is lost any other way keeps the view it was lost from, and the others go on only if they are more than half of
//! it; a node that comes back makes the view larger. The story has to end with the nodes that were read where they were
//! found, each with the saved view that it has. This is search, not arithmetic: the judge counts heads instead.

use std::collections::{HashMap, HashSet};

use super::answer::by_heads;
use super::paper::Set;

/// How a node was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Found {
    /// Not read.
    Unread,
    /// In no Primary Component, with the saved view it kept, or with none.
    Out(Option<Set>),
}

/// Stories that were told already.
#[derive(Debug, Default)]
pub(crate) struct Stories(HashMap<Vec<Found>, bool>);

impl Stories {
    /// Whether a story ends with a Primary Component among the nodes that were not read.
    pub(crate) fn any(&mut self, found: &[Found]) -> bool {
        *self.0.entry(found.to_vec()).or_insert_with(|| tell(found))
    }
}

/// The present view, and who has left for good.
type Scene = (Set, Set);

fn tell(found: &[Found]) -> bool {
    let all: Set = (1 << found.len()) - 1;
    let unread = set_of(found, |node| node == Found::Unread);
    let clean = set_of(found, |node| node == Found::Out(None));
    // With many nodes nobody comes back in a story: it would take for ever, and heads are what quorum is about.
    let returns = found.len() <= 4;
    let mut seen: HashSet<Scene> = HashSet::new();
    let mut open: Vec<Scene> =
        if returns { (1..=all).map(|view| (view, 0)).collect() } else { vec![(all, 0)] };
    while let Some((view, gone)) = open.pop() {
        if !seen.insert((view, gone)) {
            continue;
        }
        if view != 0 && view & !unread == 0 && gone | unread == all {
            return true;
        }
        // Somebody leaves cleanly, for good.
        for node in bits(view & clean) {
            open.push((view & !node, gone | node));
        }
        // Some are lost at once; those of them that stay lost are the ones that kept this very view, or were not read.
        let kept_this = set_of(found, |node| node == Found::Out(Some(view)));
        let mut lost = view;
        while lost != 0 {
            let left = view & !lost;
            if left.count_ones() * 2 > view.count_ones() {
                let for_good = lost & kept_this;
                let others = lost & !kept_this & !unread;
                if others == 0 || returns {
                    open.push((left, gone | for_good));
                }
            }
            lost = (lost - 1) & view;
        }
        if returns {
            for node in bits(all & !view & !gone) {
                open.push((view | node, gone));
            }
        }
    }
    false
}

fn set_of(found: &[Found], is: impl Fn(Found) -> bool) -> Set {
    found.iter().enumerate().filter(|(_, node)| is(**node)).map(|(i, _)| 1 << i).sum()
}

fn bits(set: Set) -> impl Iterator<Item = Set> {
    (0..Set::BITS).map(|i| 1 << i).filter(move |bit| set & bit != 0)
}

/// A view of one that was moved away (S10) reads as a clean leave. Whatever view the node was lost from before somebody
/// made it a Primary alone, the heads that are counted then leave room for every story of the others, of up to four nodes.
#[test]
fn a_view_of_one_that_was_moved_away_leaves_no_story_out() {
    let (mut stories, mut told, mut open) = (Stories::default(), 0, 0);
    for nodes in 2..=4 {
        let all: Set = (1 << nodes) - 1;
        let views =
            |node: usize| (1..=all).filter(move |view| view >> node & 1 == 1).map(Some).map(Found::Out);
        let mut founds: Vec<Vec<Found>> = views(0).map(|lost_from| vec![lost_from]).collect();
        for node in 1..nodes {
            let any = || [Found::Unread, Found::Out(None)].into_iter().chain(views(node));
            let longer = |found: Vec<Found>| {
                any().map(move |next| [found.as_slice(), &[next]].concat()).collect::<Vec<_>>()
            };
            founds = founds.into_iter().flat_map(longer).collect();
        }
        for found in founds {
            let mut moved = found.clone();
            moved[0] = Found::Out(None);
            told += 1;
            if stories.any(&found) {
                open += 1;
                assert!(by_heads(&moved), "{found:?}");
            }
        }
    }
    assert!(told > 8_000 && open > 50, "{open} of {told}");
}
