//! What an act needs before it may leave (S19, S20). Each part can only be made where it is earned, and an
//! [`Authorization`] only from all of them.

use jiff::{SignedDuration, Timestamp};

use crate::ask::act::{Act, Order};
use crate::facts::{EvidenceDigest, NodeName};
use crate::judge::safety::{s09, s19, s20};
use crate::record::Receipt;

/// All rules and guards of one step passed, on facts of one moment. Made by the gate alone.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) evidence: EvidenceDigest,
    pub(super) read: Timestamp,
}

/// The operator typed what was asked, and it is recorded. Made by the gate alone.
#[derive(Clone, Debug)]
pub(super) struct Confirmed {
    pub(super) seq: u64,
    /// The evidence it was given on.
    pub(super) evidence: EvidenceDigest,
    /// The step it was given for.
    pub(super) step: String,
    /// Steps and nodes that its text named as following.
    pub(super) covers: Vec<(String, NodeName)>,
}

impl Confirmed {
    /// The record that holds it.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }
}

/// One act that may leave.
#[derive(Clone, Debug)]
pub struct Authorization {
    act: Act,
    order: Order,
}

/// Why an act may not leave: a mistake of the engine, never of the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the act on {node} may not leave: {why}")]
pub struct NotAuthorized {
    node: String,
    why: &'static str,
}

impl Authorization {
    /// Puts the parts together; they must belong together.
    pub(super) fn new(
        act: Act,
        step: &str,
        pass: &Pass,
        confirmed: Option<&Confirmed>,
        receipt: &Receipt,
        now: Timestamp,
    ) -> Result<Self, NotAuthorized> {
        let refuse = |why| Err(NotAuthorized { node: act.node.to_string(), why });
        if !s20::is_its_own(receipt, &act) {
            return refuse("its intent is another act's");
        }
        if now.duration_since(pass.read) > s09::MAX_AGE || now < pass.read - SignedDuration::from_secs(1) {
            return refuse("the facts it rests on are no longer fresh (S9)");
        }
        if s19::needs_confirmation(act.deed.class()) {
            match confirmed {
                None => return refuse("nobody confirmed it (S19)"),
                Some(given) if given.step == step && given.evidence != pass.evidence => {
                    return refuse("what it was confirmed on has changed (U7)");
                }
                Some(given)
                    if given.step != step
                        && !given
                            .covers
                            .iter()
                            .any(|(covered, node)| covered == step && *node == act.node) =>
                {
                    return refuse("the confirmation was given for another step");
                }
                Some(_) => {}
            }
        }
        let order = act.order((receipt.seq(), receipt.hash()));
        Ok(Self { act, order })
    }

    /// The act.
    pub fn act(&self) -> &Act {
        &self.act
    }

    /// What is sent.
    pub fn order(&self) -> &Order {
        &self.order
    }
}
