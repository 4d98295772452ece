//! Cases that no survey of this version can hold: 39 to 42, all of Group Replication and its Router.

use breakglass::inventory;

use super::{Case, Shows};

const WHY: &str = "it is about Group Replication, and this version reads Galera clusters only";

pub(super) const CASES: &[Case] = &[case(39), case(40), case(41), case(42)];

const fn case(number: u8) -> Case {
    Case { number, shows: Shows::Not { why: WHY, told: refused } }
}

/// An inventory with such a cluster is refused, and says so: nothing is judged by rules that are not its own.
fn refused() {
    let text = include_str!("../inventory/group_replication.toml");
    let error = inventory::parse("inventory.toml", text).unwrap_err().to_string();
    assert!(error.contains("this family is known, and not supported by this version"), "{error}");
}
