//! Runbooks: TOML files of typed inputs, named predicates and typed actions.
//!
//! ```text
//! file ─▶ parse ─▶ check ─▶ Runbook ─▶ plan ─▶ Plan: one action on one node per step
//! ```
//!
//! A runbook combines actions and can add guards. It holds no shell and no templates, it cannot lift a safety rule,
//! waive one or confirm a step: there is no key for that. What does not pass [`parse()`] does not exist as a
//! [`Runbook`]; a runbook of the site is held to the same as a built-in one.
//!
//! How a step is meant, in the engine's order:
//!
//! 1. `when`: all Pass → the step is needed; any Fail → it is skipped as unnecessary; Unknown → as `refused` says.
//! 2. the safety rules of the action and `guards`: all must Pass, else as [`Refused`] says.
//! 3. the typed confirmation, where the action is destructive: the step's own, or the one of the step that
//!    [`Step::covered_by`] names, if that one was given. If it was not given, the step needs its own.
//! 4. the action on one node.
//! 5. `check`: watched with its progress until all Pass; what never does is unproven.
//!
//! A step that is [`Step::always`] runs on every way out, also after a refusal. On a node of an input that was never
//! chosen it has nothing to do.

mod action;
mod check;
mod hold;
mod library;
mod outlook;
mod parse;
mod plan;
mod predicate;
mod schema;

use std::path::PathBuf;

pub use action::{Action, On};
pub use hold::{Scene, Verdict};
pub use library::library;
pub use outlook::{Fit, Outlook};
pub use parse::{MAX_BYTES, parse};
pub use plan::{Plan, PlanError, PlanStep, plan};
pub use predicate::{Argument, Guard, PREDICATES, Predicate, PredicateInfo};
pub use schema::schema;

use crate::ask::act::Class;
use crate::facts::{Family, Plain};

/// A runbook that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// Its name: lower-case letters, digits and `-`.
    pub id: String,
    /// What it does, in one line.
    pub title: Plain,
    /// When to use it and what it leaves behind.
    pub about: Plain,
    /// The kind of cluster it is for.
    pub family: Family,
    /// What it has to be told, in the file's order.
    pub inputs: Vec<Input>,
    /// What it does, in order; never empty, ids unique.
    pub steps: Vec<Step>,
    /// Ids of the findings it answers.
    pub answers: Vec<String>,
    /// `sha256:` and the digest of the file's bytes.
    pub digest: String,
    /// Whose it is.
    pub origin: Origin,
}

/// Whose a runbook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Part of the program.
    BuiltIn,
    /// The site's own, from this file. It is marked wherever it is shown.
    Site(PathBuf),
}

/// Something a runbook has to be told. Every input is a data node of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Other names it may be given under.
    pub also: Vec<String>,
    /// What it is.
    pub about: Plain,
    /// Where it comes from.
    pub choose: Choose,
}

/// Where an input comes from, if it is not given beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choose {
    /// The operator chooses among the nodes of standing CANDIDATE, at the `choose` step (S8).
    Candidate,
    /// The operator chooses among the data nodes whose server is down, at the `choose` step.
    DownNode,
    /// It must be given beforehand.
    Required,
    /// It may be given beforehand; else the steps that need it are not in the plan.
    Optional,
}

impl Choose {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Candidate, Self::DownNode, Self::Required, Self::Optional];

    /// The word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::DownNode => "down-node",
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }

    /// What it means.
    pub fn about(self) -> &'static str {
        match self {
            Self::Candidate => "chosen at its `choose` step among the nodes of standing CANDIDATE",
            Self::DownNode => "chosen at its `choose` step among the data nodes whose server is down",
            Self::Required => "given beforehand, with --set",
            Self::Optional => {
                "given beforehand or not; without it, the steps that need it are left out of the plan"
            }
        }
    }

    /// Whether a `choose` step asks for it.
    pub fn is_asked(self) -> bool {
        matches!(self, Self::Candidate | Self::DownNode)
    }
}

/// The word of a class, as plans and schemas say it.
pub fn class_word(class: Class) -> &'static str {
    match class {
        Class::Read => "read",
        Class::Reversible => "reversible",
        Class::Destructive => "destructive",
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in plans, answers and records.
    pub id: String,
    /// What it does, in one line.
    pub title: Plain,
    /// Why, and what the operator will see.
    pub explain: Plain,
    /// Which nodes it is for.
    pub scope: Scope,
    /// What is done.
    pub action: Action,
    /// What makes it needed.
    pub when: Vec<Guard>,
    /// What must hold before.
    pub guards: Vec<Guard>,
    /// What must hold afterwards.
    pub check: Vec<Guard>,
    /// What becomes of the run where the step is refused.
    pub refused: Refused,
    /// Whether it runs on every way out.
    pub always: bool,
    /// The step whose confirmation names this one's consequence too.
    pub covered_by: Option<String>,
    /// The optional input without which the step is not in the plan.
    pub needs: Option<String>,
}

/// Which nodes a step is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The cluster as a whole: the step names no node.
    Cluster,
    /// Each data node of the inventory, one after the other.
    EachData,
    /// The node of that input.
    Input(String),
    /// Each data node but that of the input, one after the other.
    Others(String),
}

impl Scope {
    /// The input it depends on.
    pub fn input(&self) -> Option<&str> {
        match self {
            Self::Input(input) | Self::Others(input) => Some(input),
            Self::Cluster | Self::EachData => None,
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Cluster => "the cluster".to_owned(),
            Self::EachData => "each data node".to_owned(),
            Self::Input(input) => input.clone(),
            Self::Others(input) => format!("each data node but {input}"),
        }
    }
}

/// What becomes of the run where a rule or a guard of a step does not pass, or its `when` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refused {
    /// It ends there.
    #[default]
    Stop,
    /// The node is left out of this step, which is said, and the run goes on.
    LeaveOut,
}

impl Refused {
    /// The word in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::LeaveOut => "leave-out",
        }
    }
}

impl Runbook {
    /// The input of that name, or that may be given under it.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name || input.also.iter().any(|also| also == name))
    }

    /// The step of that id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The severest class of the steps that are in every plan.
    pub fn class(&self) -> Class {
        let sure = self.steps.iter().filter(|step| self.condition(step).is_none());
        sure.map(|step| step.action.class()).max().unwrap_or(Class::Read)
    }

    /// The severest class of all steps, those of optional inputs included.
    pub fn severest(&self) -> Class {
        self.steps.iter().map(|step| step.action.class()).max().unwrap_or(Class::Read)
    }

    /// The optional input without which this step is not in the plan.
    pub fn condition<'s>(&self, step: &'s Step) -> Option<&'s str> {
        let optional = |name: &&str| self.input(name).is_some_and(|input| input.choose == Choose::Optional);
        step.needs.as_deref().or(step.scope.input()).filter(optional)
    }
}
