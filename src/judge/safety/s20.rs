//! S20: If the intent cannot be written, the act does not happen.
//!
//! Kept by a type: an act needs the [`Receipt`] of its own intent, and only the record makes one, after the intent is on
//! stable storage. What stands here is whether a receipt is the act's own.

use crate::ask::act::Act;
use crate::record::Receipt;

/// Whether the receipt is of this very act's intent.
pub fn is_its_own(receipt: &Receipt, act: &Act) -> bool {
    receipt.op() == act.op.as_str() && receipt.class() == act.deed.class()
}
