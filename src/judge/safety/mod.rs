//! The safety case: one file per rule, one table.
//!
//! [`RULES`] holds every rule's number, its sentence, how it is kept, whether a waiver can lift it, and the test that
//! proves it. The files beside hold the rules that are kept by judging; a rule not kept yet says by which capability
//! it will be. No runbook and no screen can lift a rule.

pub mod s01;
pub mod s02;
pub mod s03;
pub mod s04;
pub mod s05;
pub mod s06;
pub mod s07;
pub mod s08;
pub mod s09;
pub mod s10;
pub mod s11;
pub mod s12;
pub mod s13;
pub mod s14;
pub mod s15;
pub mod s16;
pub mod s17;
pub mod s18;
pub mod s19;
pub mod s20;
pub mod s21;
pub mod s22;
pub mod s24;
pub mod s25;
pub mod s26;
mod table;

use serde::Serialize;

use crate::facts::{NodeName, Plain};

pub use table::RULES;

/// A row of the safety case.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// 1 to 31: `S1` to `S31`.
    pub number: u8,
    /// The rule, in one sentence.
    pub sentence: &'static str,
    /// How it is kept.
    pub kept: Kept,
    /// Whether a waiver can lift it, on one node, with a reason and an expiry.
    pub waivable: bool,
    /// The test that proves it; empty where the rule is not kept yet.
    pub proof: &'static str,
}

/// How a rule is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// By a function of this folder that every judgement passes through.
    ByRule,
    /// By a type: what breaks the rule cannot be written.
    ByType,
    /// By a clause of the script that acts on the node: it is looked at again there, at that moment.
    InScript,
    /// By the engine: no act leaves it without.
    ByEngine,
    /// Not yet: it concerns something the program cannot do yet, named here.
    NotYet(&'static str),
}

/// A rule that stands in the way, and what would change that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Blocked {
    /// `S1` to `S31`.
    pub rule: &'static str,
    /// The node it is about; `None` where it is about the cluster.
    pub node: Option<NodeName>,
    /// The fact behind it.
    pub why: Plain,
    /// What would change the answer.
    pub would_change: Plain,
}

impl Blocked {
    /// A rule in the way on one node.
    pub fn on(
        rule: &'static str,
        node: &NodeName,
        why: impl AsRef<str>,
        would_change: impl AsRef<str>,
    ) -> Self {
        Self { rule, node: Some(node.clone()), why: Plain::new(why), would_change: Plain::new(would_change) }
    }

    /// A rule in the way of the whole cluster.
    pub fn cluster(rule: &'static str, why: impl AsRef<str>, would_change: impl AsRef<str>) -> Self {
        Self { rule, node: None, why: Plain::new(why), would_change: Plain::new(would_change) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_row_in_order() {
        let numbers: Vec<u8> = RULES.iter().map(|rule| rule.number).collect();
        assert_eq!(numbers, (1..=31).collect::<Vec<_>>());
    }

    #[test]
    fn a_rule_is_kept_and_proved_or_says_by_what_it_will_be() {
        for rule in RULES {
            match rule.kept {
                Kept::NotYet(capability) => {
                    assert!(!capability.is_empty() && rule.proof.is_empty(), "S{}", rule.number);
                }
                Kept::ByRule | Kept::ByType | Kept::InScript | Kept::ByEngine => {
                    assert!(!rule.proof.is_empty(), "S{}", rule.number);
                }
            }
        }
    }

    #[test]
    fn only_the_rules_marked_so_can_be_waived() {
        let waivable: Vec<u8> = RULES.iter().filter(|rule| rule.waivable).map(|rule| rule.number).collect();
        assert_eq!(waivable, [4, 5, 8, 13, 17, 25]);
    }

    /// A proof is `path::to::test`; the last word must be a test function in the file the rest names.
    #[test]
    fn every_proof_that_is_named_exists() {
        for rule in RULES.iter().filter(|rule| !rule.proof.is_empty()) {
            let (file, test) = rule.proof.rsplit_once("::").expect("a proof is file::test");
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let code =
                std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("S{}: {file}: {e}", rule.number));
            assert!(code.contains(&format!("fn {test}(")), "S{}: no {test} in {file}", rule.number);
        }
    }
}
