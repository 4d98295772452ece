//! S19: Read-only until the glass is broken. Every mutating act: fresh facts → rules → guards → confirmation that names node
//! and consequence → intent on disk → act → check → record.
//!
//! Kept by a type: the only thing that the nodes perform is an `Authorization`, which the engine alone can make, and only from all of these. What stands here is when one is due.

use crate::ask::act::Class;

/// Whether an act of this class needs a typed confirmation.
pub fn needs_confirmation(class: Class) -> bool {
    class == Class::Destructive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_undone_is_confirmed() {
        assert!(needs_confirmation(Class::Destructive));
        assert!(!needs_confirmation(Class::Reversible) && !needs_confirmation(Class::Read));
    }
}
