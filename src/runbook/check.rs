//! What the steps of a runbook owe each other. A file that breaks one of these rules is no runbook, whoever wrote it.

use super::{Action, Choose, Guard, Input, Refused, Scope, Step};
use crate::ask::act::Class;
use crate::inventory::diagnostic::{Problem, Problems, Span};
use crate::inventory::grammar::nearest;
use crate::inventory::table::Said;

/// A guard, and where it stands.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) at: Span,
    pub(super) guard: Guard,
}

/// An input, and where its names stand.
#[derive(Debug)]
pub(super) struct DraftInput {
    pub(super) input: Input,
    pub(super) names: Vec<Said<String>>,
    pub(super) at: Span,
}

/// A step, and where its parts stand.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) step: Step,
    pub(super) at: Span,
    pub(super) action: Span,
    pub(super) on: Span,
    pub(super) refused: Option<Span>,
    pub(super) always: Option<Span>,
    pub(super) covered_by: Option<Span>,
    pub(super) needs: Option<Span>,
    pub(super) guards: [(&'static str, Vec<Placed>); 3],
}

impl Draft {
    /// The draft with its guards in the step too.
    pub(super) fn whole(mut self) -> Self {
        let of = |placed: &Vec<Placed>| placed.iter().map(|placed| placed.guard.clone()).collect();
        let [(_, when), (_, guards), (_, check)] = &self.guards;
        (self.step.when, self.step.guards, self.step.check) = (of(when), of(guards), of(check));
        self
    }

    fn class(&self) -> Class {
        self.step.action.class()
    }

    fn changes(&self) -> bool {
        self.class() != Class::Read
    }
}

/// Holds the steps against each other and against the inputs.
pub(super) fn check(inputs: &[DraftInput], steps: &[Draft], problems: &Problems) {
    let book = Book { inputs, steps, problems };
    for (at, draft) in steps.iter().enumerate() {
        let before = steps.get(..at).unwrap_or_default();
        book.references(draft);
        book.alone(draft);
        book.choice(draft, before);
        book.confirmation(draft, before);
        book.way_out(draft, before);
        book.order(draft, before);
    }
    book.frame();
    book.used();
}

struct Book<'a> {
    inputs: &'a [DraftInput],
    steps: &'a [Draft],
    problems: &'a Problems,
}

impl<'a> Book<'a> {
    fn refuse(&self, span: &Span, title: impl Into<String>, label: impl Into<String>, help: &str) {
        self.problems.push(Problem::new(span, title, label).help(help));
    }

    fn input(&self, name: &str) -> Option<&'a Input> {
        self.inputs.iter().map(|draft| &draft.input).find(|input| input.name == name)
    }

    /// The optional input without which the step is not in the plan.
    fn condition<'s>(&self, step: &'s Step) -> Option<&'s str> {
        let optional = |name: &&str| self.input(name).is_some_and(|input| input.choose == Choose::Optional);
        step.needs.as_deref().or(step.scope.input()).filter(optional)
    }

    /// Whether `by` is in every plan that `of` is in.
    fn is_there_for(&self, by: &Step, of: &Step) -> bool {
        let condition = self.condition(by);
        condition.is_none() || condition == self.condition(of)
    }

    /// Inputs a step names must be there, and what it needs must be optional.
    fn references(&self, draft: &Draft) {
        let names: Vec<&str> = self.inputs.iter().map(|draft| draft.input.name.as_str()).collect();
        let known = |name: &str, span: &Span| {
            if names.contains(&name) {
                return;
            }
            let help = match nearest(name, &names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("declare it: `[[input]]` with `name = \"{name}\"`"),
            };
            self.refuse(span, format!("there is no input \"{name}\""), "not an input of this runbook", &help);
        };
        if let Some(name) = draft.step.scope.input() {
            known(name, &draft.on);
        }
        if let Action::Choose(name) = &draft.step.action {
            known(name, &draft.action);
        }
        if let (Some(name), Some(span)) = (&draft.step.needs, &draft.needs) {
            known(name, span);
            if self.input(name).is_some_and(|input| input.choose != Choose::Optional) {
                self.refuse(
                    span,
                    format!("\"{name}\" is always there"),
                    "expected an input with `choose = \"optional\"`",
                    "leave `needs` out",
                );
            }
        }
    }

    /// What a step owes by itself: its action's place, its guards' subject, what can be left out.
    fn alone(&self, draft: &Draft) {
        let step = &draft.step;
        if !step.action.on().allows(&step.scope) {
            self.refuse(
                &draft.on,
                format!("`{}` cannot be on {}", step.action.name(), step.scope.describe()),
                format!("expected {}", step.action.on().wanted()),
                &format!("it {}", step.action.about()),
            );
        }
        for (key, placed) in draft.guards.iter().flat_map(|(key, all)| all.iter().map(move |one| (key, one)))
        {
            if step.scope == Scope::Cluster && placed.guard.is_about_node() {
                self.refuse(
                    &placed.at,
                    format!("`{}` is about a node, and this step names none", placed.guard.name()),
                    format!("in `{key}` of a step on \"cluster\""),
                    "put the step on nodes, or use a predicate about the cluster, such as \"all-synced\"",
                );
            }
        }
        if let (Refused::LeaveOut, Some(span)) = (step.refused, &draft.refused)
            && matches!(step.scope, Scope::Cluster | Scope::Input(_))
        {
            self.refuse(
                span,
                "there is nobody else to go on with",
                "\"leave-out\" is for a step on each of several nodes",
                "leave `refused` out: the run stops there",
            );
        }
    }

    /// An input is chosen once, before its first use.
    fn choice(&self, draft: &Draft, before: &[Draft]) {
        let chooses =
            |draft: &Draft, name: &str| matches!(&draft.step.action, Action::Choose(of) if of == name);
        if let Action::Choose(name) = &draft.step.action
            && let Some(input) = self.input(name)
        {
            if !input.choose.is_asked() {
                self.refuse(
                    &draft.action,
                    format!("there is nothing to choose for \"{name}\""),
                    format!("its `choose` is \"{}\"", input.choose.name()),
                    "leave this step out, or let the input be chosen: \"candidate\" or \"down-node\"",
                );
            }
            if before.iter().any(|earlier| chooses(earlier, name)) {
                self.refuse(
                    &draft.at,
                    format!("\"{name}\" is chosen twice"),
                    "here again",
                    "a plan's node never changes: keep the first",
                );
            }
        }
        if let Some(name) = draft.step.scope.input()
            && self.input(name).is_some_and(|input| input.choose.is_asked())
            && !before.iter().any(|earlier| chooses(earlier, name))
        {
            self.refuse(
                &draft.on,
                format!("\"{name}\" is used before it is chosen"),
                "expected a `choose` step earlier",
                &format!("write a step with `action = \"choose\"` and `input = \"{name}\"` before this one"),
            );
        }
    }

    /// A destructive step has its own typed confirmation, or an earlier one that reaches at least as far.
    fn confirmation(&self, draft: &Draft, before: &[Draft]) {
        let step = &draft.step;
        let (Some(name), Some(span)) = (&step.covered_by, &draft.covered_by) else { return };
        let refuse = |title: String, label: &str, help: &str| self.refuse(span, title, label, help);
        if draft.class() != Class::Destructive {
            return refuse(
                format!("`{}` is confirmed by nobody", step.action.name()),
                "only a destructive step has a confirmation",
                "leave `covered_by` out",
            );
        }
        let Some(by) = before.iter().find(|earlier| earlier.step.id == *name) else {
            let names: Vec<&str> = before.iter().map(|earlier| earlier.step.id.as_str()).collect();
            let help = match nearest(name, &names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => {
                    "name an earlier, destructive step, or leave it out: the step then has its own".to_owned()
                }
            };
            return refuse(
                format!("no earlier step is called \"{name}\""),
                "expected an earlier step",
                &help,
            );
        };
        if by.class() != Class::Destructive || by.step.covered_by.is_some() {
            return refuse(
                format!("\"{name}\" has no confirmation of its own"),
                "expected a step that the operator confirms",
                "name a destructive step that is not covered itself",
            );
        }
        if !(by.step.action.speaks_for_all() || reaches(&by.step.scope, &step.scope))
            || !self.is_there_for(&by.step, step)
        {
            refuse(
                format!("the confirmation of \"{name}\" does not reach as far as this step"),
                "expected a step on the same nodes or more",
                "leave `covered_by` out: the step then has its own confirmation on each node",
            );
        }
    }

    /// What runs on every way out comes last, does no harm, and cannot be kept from running.
    fn way_out(&self, draft: &Draft, before: &[Draft]) {
        let step = &draft.step;
        if !step.always {
            if let Some(earlier) = before.iter().rev().find(|earlier| earlier.step.always) {
                self.problems.push(
                    Problem::new(
                        &draft.at,
                        "an ordinary step after one that always runs",
                        "this one is ordinary",
                    )
                    .also(&earlier.at, "this one runs on every way out")
                    .help("steps with `always = true` come last"),
                );
            }
            return;
        }
        let always = draft.always.as_ref().unwrap_or(&draft.at);
        if draft.class() == Class::Destructive {
            self.refuse(
                always,
                format!("`{}` cannot always run", step.action.name()),
                "it cannot be undone",
                "a way out only takes back: drop-check, unfreeze, release-lease",
            );
        }
        for (key, placed) in draft.guards.iter().filter(|(key, _)| *key != "check") {
            if let Some(first) = placed.first() {
                self.refuse(
                    &first.at,
                    format!("`{key}` could keep a step from running that always runs"),
                    "in here",
                    "leave it out; a `check` may say what must hold afterwards",
                );
            }
        }
    }

    /// Leases first, learning before touching, freezing before starting, a row before it is read.
    fn order(&self, draft: &Draft, before: &[Draft]) {
        let step = &draft.step;
        let earlier = |action: &Action| {
            before.iter().filter(|earlier| earlier.step.action == *action).find(|earlier| {
                self.is_there_for(&earlier.step, step)
                    && (reaches(&earlier.step.scope, &step.scope) || earlier.step.scope == Scope::Cluster)
            })
        };
        let name = step.action.name();
        if draft.changes() && step.action != Action::Lease {
            if earlier(&Action::Lease).is_none() {
                self.refuse(
                    &draft.action,
                    format!("`{name}` changes a node without its lease"),
                    "expected a `take-lease` step earlier",
                    "begin with a step of `action = \"take-lease\"` on \"each\", end with one of `release-lease`",
                );
            }
            // A freeze takes away no evidence; everything else may (S11).
            if step.action != Action::Freeze && !step.always && earlier(&Action::Capture).is_none() {
                self.refuse(
                    &draft.action,
                    format!("`{name}` touches a node before anything was learnt from it"),
                    "expected a `capture` step earlier",
                    "state files and status are captured before any act, even one expected to be refused (S11)",
                );
            }
        }
        if step.action.needs_freeze() {
            let frozen = earlier(&Action::Freeze);
            if frozen.is_none() {
                self.refuse(
                    &draft.action,
                    format!("`{name}` on a node that is not frozen"),
                    "expected a `freeze` step on its node earlier",
                    "automation is frozen first and unfrozen last, on every way out (S21)",
                );
            } else if step.action == Action::Bootstrap
                && frozen.is_none_or(|by| by.step.scope != Scope::EachData)
            {
                self.refuse(
                    &draft.action,
                    "`bootstrap` while other nodes can start by themselves",
                    "expected a `freeze` step on \"each\" earlier",
                    "whoever starts meanwhile could form a second cluster (S6, S21)",
                );
            }
        }
        if step.action == Action::Bootstrap
            && before.iter().any(|earlier| earlier.step.action == Action::Bootstrap)
        {
            self.refuse(&draft.action, "two bootstraps", "here again", "one cluster has one bootstrap (S10)");
        }
        if step.action == Action::ReadBack
            && !before.iter().any(|earlier| earlier.step.action == Action::Write)
        {
            self.refuse(
                &draft.action,
                "nothing was written",
                "expected a `write` step earlier",
                "write one row first (S22)",
            );
        }
    }

    /// Whatever a runbook takes or changes for its own sake, it gives back on every way out.
    fn frame(&self) {
        for (at, draft) in self.steps.iter().enumerate() {
            let after = self.steps.get(at + 1..).unwrap_or_default();
            let (back, what) = match draft.step.action {
                Action::Lease => (Action::Release, "the lease is never given back"),
                Action::Freeze => (Action::Unfreeze, "the freeze is never taken away"),
                Action::Write => (Action::DropCheck, "the check's schema is never dropped"),
                _ => continue,
            };
            let gives_back = |later: &&Draft| {
                later.step.action == back
                    && later.step.always
                    && self.is_there_for(&later.step, &draft.step)
                    && (back == Action::DropCheck || reaches(&later.step.scope, &draft.step.scope))
            };
            if !after.iter().any(|later| gives_back(&later)) {
                let label = format!(
                    "expected a later step of `{}` on the same nodes with `always = true`",
                    back.name()
                );
                self.refuse(&draft.action, what, label, "what a run takes, it gives back on every way out");
            }
        }
        let releases = self.steps.iter().rev().skip(1).filter(|draft| draft.step.action == Action::Release);
        for draft in releases {
            self.refuse(
                &draft.action,
                "a step after the lease was given back",
                "expected to be the last step",
                "`release-lease` comes last",
            );
        }
    }

    /// An input that no step uses would be asked for nothing.
    fn used(&self) {
        for draft in self.inputs {
            let name = draft.input.name.as_str();
            let uses = |step: &Step| step.scope.input() == Some(name) || step.needs.as_deref() == Some(name);
            if !self.steps.iter().any(|draft| uses(&draft.step)) {
                self.refuse(
                    &draft.at,
                    format!("no step uses the input \"{name}\""),
                    "expected a step on it",
                    &format!("write `on = {{ input = \"{name}\" }}` where it is meant, or leave it out"),
                );
            }
        }
    }
}

/// Whether every node of `of` is a node of `by`, whatever the inputs turn out to be.
fn reaches(by: &Scope, of: &Scope) -> bool {
    *by == Scope::EachData || by == of
}
