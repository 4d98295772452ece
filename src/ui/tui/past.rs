//! What became of a cluster while it was looked at: every change between two surveys, and the survey that later ones are
//! compared with. Whole surveys of many nodes are large, so only one is kept: of the others what they changed.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::model::Picture;
use crate::judge::{Difference, difference};

/// So many changes are kept, the latest.
const KEPT: usize = 50;

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// What changed from one survey to the next, the latest last; surveys that changed nothing are only counted.
    pub(crate) changes: VecDeque<Difference>,
    /// Changes that were kept and are no longer.
    pub(crate) forgotten: u64,
    /// Surveys that came to their end.
    pub(crate) surveys: u64,
    /// Those since the last change.
    pub(crate) quiet: u64,
    /// The survey that is compared with.
    pub(crate) pin: Option<Pin>,
}

/// A survey that later ones are compared with.
#[derive(Debug)]
pub(crate) struct Pin {
    /// The survey.
    picture: Box<Picture>,
    /// Whether the operator chose it; else it is the first that was read while the cluster was open.
    pub(crate) chosen: bool,
    /// Surveys since.
    pub(crate) surveys: u64,
    /// What has changed since.
    pub(crate) since: Difference,
}

impl Past {
    /// A survey has come; `before` is the one before it.
    pub(crate) fn hear(&mut self, before: Option<&Picture>, after: &Picture) {
        self.surveys = self.surveys.saturating_add(1);
        if let Some(pin) = &mut self.pin {
            pin.surveys = pin.surveys.saturating_add(1);
            pin.since = between(&pin.picture, after);
        }
        let Some(before) = before else { return };
        let difference = between(before, after);
        if difference.is_nothing() {
            self.quiet = self.quiet.saturating_add(1);
            return;
        }
        self.quiet = 0;
        self.changes.push_back(difference);
        while self.changes.len() > KEPT {
            self.changes.pop_front();
            self.forgotten = self.forgotten.saturating_add(1);
        }
    }

    /// Later surveys are compared with this one.
    pub(crate) fn pin(&mut self, picture: &Picture, chosen: bool) {
        let since = between(picture, picture);
        self.pin = Some(Pin { picture: Box::new(picture.clone()), chosen, surveys: 0, since });
    }
}

impl Pin {
    /// When the survey was complete.
    pub(crate) fn taken(&self) -> Timestamp {
        self.picture.survey.taken
    }
}

fn between(before: &Picture, after: &Picture) -> Difference {
    difference((&before.survey, &before.judgement), (&after.survey, &after.judgement))
}
