//! S9: Facts older than 10 s are read again before a decision; an approval holds while its evidence digest holds. A
//! timeout never erases what is known. Safety never decays with waiting.

use jiff::{SignedDuration, Timestamp};

use super::Blocked;
use crate::facts::NodeSurvey;

/// How old facts may be when something is decided on them.
pub const MAX_AGE: SignedDuration = SignedDuration::from_secs(10);

/// Whether the node's facts are too old to decide on at `now`. Facts from the future are: clocks that disagree prove
/// no freshness.
pub fn stale(node: &NodeSurvey, now: Timestamp) -> Option<Blocked> {
    let age = now.duration_since(node.at);
    (age > MAX_AGE || age.is_negative()).then(|| {
        Blocked::on("S9", &node.name, format!("its facts are {} s old", age.as_secs()), "read the node again")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, NodeName, Reach, Role};

    #[test]
    fn facts_grow_stale_after_ten_seconds_and_never_fresh_again() {
        let at = Timestamp::UNIX_EPOCH;
        let node = NodeSurvey {
            name: NodeName::new("g1").unwrap(),
            role: Role::Data,
            ssh: Reach::ok(),
            sql: Reach::ok(),
            facts: Facts::new(),
            at,
        };
        assert_eq!(stale(&node, at + SignedDuration::from_secs(10)), None);
        assert!(stale(&node, at + SignedDuration::from_secs(11)).is_some());
        assert!(stale(&node, at + SignedDuration::from_hours(1000)).is_some());
        assert!(stale(&node, at - SignedDuration::from_secs(1)).is_some());
    }
}
