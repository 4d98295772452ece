//! Waivers: the operator's typed statements about one rule on one node, each with its end (U11).

use jiff::Timestamp;

use super::safety::RULES;
use crate::facts::NodeName;

/// One statement: this rule does not hold the act back on this node, until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// 4, 5, 8, 13, 17 or 25; a waiver of another rule lifts nothing.
    pub rule: u8,
    /// The one node it is about.
    pub node: NodeName,
    /// From this moment on it lifts nothing.
    pub until: Timestamp,
}

/// The waivers that were given. None of them is ever global, and none outlives its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waivers(Vec<Waiver>);

impl Waivers {
    /// No waiver.
    pub const NONE: Self = Self(Vec::new());

    /// These waivers.
    pub fn new(given: impl IntoIterator<Item = Waiver>) -> Self {
        Self(given.into_iter().collect())
    }

    /// Adds one; of a rule that cannot be waived it lifts nothing.
    pub fn give(&mut self, waiver: Waiver) {
        self.0.push(waiver);
    }

    /// Whether `rule` is lifted on `node` at `now`.
    pub fn lifts(&self, rule: u8, node: &NodeName, now: Timestamp) -> bool {
        let waivable = RULES.iter().any(|row| row.number == rule && row.waivable);
        waivable && self.0.iter().any(|given| given.rule == rule && given.node == *node && now < given.until)
    }
}

static NOTHING: Waivers = Waivers::NONE;

/// The waivers as they stand at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifted<'a> {
    pub(super) waivers: &'a Waivers,
    pub(super) now: Timestamp,
}

impl Lifted<'_> {
    /// Nothing is waived.
    pub(super) fn nothing(now: Timestamp) -> Self {
        Self { waivers: &NOTHING, now }
    }

    /// Whether `rule` is lifted on `node`.
    pub(super) fn lifts(self, rule: u8, node: &NodeName) -> bool {
        self.waivers.lifts(rule, node, self.now)
    }

    /// Whether the node's history is left out of every comparison (S8, S25).
    pub(super) fn leaves_out(self, node: &NodeName) -> bool {
        self.lifts(8, node) || self.lifts(25, node)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_waiver_is_of_one_rule_on_one_node_and_ends() {
        let now = Timestamp::UNIX_EPOCH;
        let (g1, g2) = (NodeName::new("g1").unwrap(), NodeName::new("g2").unwrap());
        let until = now + SignedDuration::from_mins(30);
        let waivers = Waivers::new([4, 6].map(|rule| Waiver { rule, node: g1.clone(), until }));
        assert!(waivers.lifts(4, &g1, now));
        assert!(!waivers.lifts(4, &g2, now) && !waivers.lifts(5, &g1, now));
        assert!(!waivers.lifts(4, &g1, until), "it has ended");
        assert!(!waivers.lifts(6, &g1, now), "S6 can be lifted by nobody");
    }
}
