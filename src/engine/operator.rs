//! The operator's side of a run: what is asked, and what is told.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use crate::ask::act::Class;
use crate::facts::{EvidenceDigest, Mode, NodeName, Plain, Survey};
use crate::judge::{Blocked, Judgement};
use crate::record::Record;
use crate::runbook::Plan;

/// Whoever walks a run: a person at a terminal, or a file of answers.
pub trait Operator: Send {
    /// Hears whether the cluster is the real thing; `Err` says why this operator cannot walk it.
    fn mode(&mut self, mode: Mode) -> Result<(), String>;
    /// Asks for an input of the runbook.
    fn choose(&mut self, choice: &Choice) -> impl Future<Output = Answered<NodeName>> + Send;
    /// How often a typed confirmation may be tried before a wrong one is a refusal; every try is recorded.
    fn tries(&self) -> u8 {
        1
    }
    /// Asks for the typed confirmation of one act.
    fn confirm(&mut self, challenge: &Challenge) -> impl Future<Output = Answered<String>> + Send;
    /// Asks whether one rule is waived on one node.
    fn waive(&mut self, waiver: &WaiverAsked) -> impl Future<Output = Answered<WaiverGiven>> + Send;
    /// Hears everything that happens.
    fn hear(&mut self, event: &Event<'_>);
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered<T> {
    /// This.
    Given(T),
    /// Nothing; the reason is for the record.
    Refused(String),
}

/// An input that is to be chosen (S8: a tie is the operator's).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The input's name.
    pub input: String,
    /// Every name it goes by.
    pub names: Vec<String>,
    /// What it is for.
    pub about: Plain,
    /// The nodes that the rules would let through, or could after waivers, in the inventory's order.
    pub among: Vec<NodeName>,
    /// Each data node's standing and why, for the screen.
    pub standings: Vec<(NodeName, String)>,
}

/// A typed confirmation (U2–U4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Challenge {
    /// The step.
    pub step: String,
    /// The node.
    pub node: NodeName,
    /// The one line that says verb and object: `BOOTSTRAP g2`.
    pub title: String,
    /// Label and text, in the order of U4.
    pub lines: Vec<(&'static str, Plain)>,
    /// What has to be typed, byte for byte.
    pub asked: String,
    /// What it rests on.
    pub evidence: EvidenceDigest,
}

/// A waiver that would let a step go on (U11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaiverAsked {
    /// The step.
    pub step: String,
    /// What stands in the way: the rule, the node, the fact, what would change it.
    pub blocked: Blocked,
    /// The node.
    pub node: NodeName,
    /// What has to be typed, byte for byte.
    pub asked: String,
}

/// A waiver as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverGiven {
    /// What was typed.
    pub typed: String,
    /// Why.
    pub reason: String,
    /// How long it holds.
    pub holds: Duration,
}

/// What happens in a run, as it happens.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Something was recorded.
    Recorded(&'a Record),
    /// What is going to be done, at the beginning and whenever a choice made it more definite.
    Planned(&'a Plan),
    /// The facts that decisions rest on from here on, and what they mean.
    Surveyed {
        /// The facts.
        survey: &'a Survey,
        /// Judged with the waivers that were given.
        judgement: &'a Judgement,
    },
    /// A step is about to run.
    Step {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Its id.
        step: &'a str,
        /// Its node.
        node: Option<&'a NodeName>,
        /// What it is called.
        title: &'a Plain,
        /// What it does and why.
        explain: &'a Plain,
        /// What it may do to the world.
        class: Class,
    },
    /// Something still runs (U13).
    Progress {
        /// The step.
        step: &'a str,
        /// The node.
        node: Option<&'a NodeName>,
        /// Since when.
        elapsed: Duration,
        /// What is waited for, and what was last seen.
        text: &'a Plain,
    },
    /// Something to be read: a refusal with its reasons, an open unknown.
    Said {
        /// The step.
        step: &'a str,
        /// The node.
        node: Option<&'a NodeName>,
        /// The sentence.
        text: &'a Plain,
    },
}
