//! A file of answers: a run without anybody at the keyboard, for drills, tests and the lab.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;

use crate::engine::{self, Answered, Challenge, Choice, WaiverAsked, WaiverGiven};
use crate::facts::{Mode, NodeName};
use crate::judge::safety::RULES;
use crate::runbook::{Plan, Runbook};

use super::super::Failure;

/// The most an answers file may hold.
const MAX_BYTES: u64 = 1 << 20;
const FORMAT: &str = "breakglass.answers/1";
/// Stands for whatever is asked; practice only.
const WHATEVER: &str = "@asked";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    #[serde(default)]
    answer: Vec<Answer>,
    #[serde(default)]
    choose: Vec<Choose>,
    #[serde(default)]
    waive: Vec<Waive>,
}

/// A typed confirmation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    step: String,
    node: String,
    #[serde(rename = "type")]
    typed: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choose {
    input: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waive {
    rule: String,
    node: String,
    reason: String,
    minutes: u32,
}

/// The answers that are left.
#[derive(Debug)]
pub(in crate::ui) struct Answers {
    file: File,
    used: Vec<bool>,
    /// Waivers that were given; each is one.
    given: Vec<bool>,
}

impl Answers {
    /// Reads a file; anything malformed is the caller's mistake, with its place.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let usage = |why: String| Failure::Usage(format!("answers {shown}: {why}"));
        let size = fs::metadata(path).map_err(|error| usage(format!("cannot be read: {error}")))?.len();
        if size > MAX_BYTES {
            return Err(usage(format!("{size} bytes; the most is {MAX_BYTES}")).into());
        }
        let text = fs::read_to_string(path).map_err(|error| usage(format!("cannot be read: {error}")))?;
        Ok(Self::parse(&text).map_err(usage)?)
    }

    /// No answers: whatever is asked is refused.
    pub(super) fn none() -> Self {
        let file =
            File { format: FORMAT.to_owned(), answer: Vec::new(), choose: Vec::new(), waive: Vec::new() };
        Self { file, used: Vec::new(), given: Vec::new() }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.format != FORMAT {
            return Err(format!("format is {:?}; it must be {FORMAT:?}", file.format));
        }
        let used = vec![false; file.answer.len()];
        let given = vec![false; file.waive.len()];
        Ok(Self { file, used, given })
    }

    /// Adds the file's choices to those of `--set`; the same input may be named twice if both agree.
    pub(super) fn choices(
        &self,
        runbook: &Runbook,
        inputs: &mut BTreeMap<String, String>,
    ) -> Result<(), String> {
        for choose in &self.file.choose {
            let name = super::canonical(runbook, &choose.input);
            if !runbook.inputs.iter().any(|input| input.name == name) {
                return Err(format!(
                    "the answers name input {:?}, which {} does not have",
                    choose.input, runbook.id
                ));
            }
            match inputs.get(&name) {
                Some(other) if *other != choose.value => {
                    return Err(format!("--set says {name}={other}, and the answers say {}", choose.value));
                }
                _ => {
                    inputs.insert(name, choose.value.clone());
                }
            }
        }
        Ok(())
    }

    /// Holds the answers against the plan, before anything is sent.
    pub(super) fn held_against(&self, plan: &Plan, data: &[NodeName]) -> Result<(), String> {
        let known = |name: &str| data.iter().any(|node| node.as_str() == name);
        for answer in &self.file.answer {
            if !known(&answer.node) {
                return Err(format!(
                    "an answer names {:?}, which is no data node of the cluster",
                    answer.node
                ));
            }
            if answer.step == engine::RESOLVE_STEP {
                continue;
            }
            let mut steps = plan.steps.iter().filter(|step| step.id == answer.step).peekable();
            if steps.peek().is_none() {
                return Err(format!("an answer names step {:?}, which the plan does not have", answer.step));
            }
            if !steps.any(|step| step.node.as_ref().is_none_or(|node| node.as_str() == answer.node)) {
                return Err(format!("the plan has no step {:?} on {}", answer.step, answer.node));
            }
        }
        for waive in &self.file.waive {
            if !known(&waive.node) {
                return Err(format!("a waiver names {:?}, which is no data node of the cluster", waive.node));
            }
            let waivable =
                RULES.iter().any(|rule| rule.waivable && format!("S{}", rule.number) == waive.rule);
            if !waivable {
                return Err(format!("{:?} cannot be waived; S4, S5, S8, S13, S17 and S25 can", waive.rule));
            }
            if waive.reason.trim().is_empty() {
                return Err(format!("the waiver of {} on {} has no reason", waive.rule, waive.node));
            }
        }
        Ok(())
    }

    /// Waivers and `@asked` are for practice: in earnest somebody reads what is asked.
    pub(super) fn fit(&self, mode: Mode) -> Result<(), String> {
        if mode != Mode::Live {
            return Ok(());
        }
        if !self.file.waive.is_empty() {
            return Err(
                "waivers are taken from a file only in LAB and DRILL; in LIVE they are typed".to_owned()
            );
        }
        if self.file.answer.iter().any(|answer| answer.typed == WHATEVER) {
            return Err(
                "\"@asked\" is taken only in LAB and DRILL; in LIVE what is asked is typed".to_owned()
            );
        }
        Ok(())
    }

    pub(super) fn choose(choice: &Choice) -> Answered<NodeName> {
        let among: Vec<&str> = choice.among.iter().map(NodeName::as_str).collect();
        Answered::Refused(match among.as_slice() {
            [] => format!("{} is not given, and no node offers itself", choice.input),
            several => format!(
                "{} is not given, and {} offer themselves: choose one (--set {}=…)",
                choice.input,
                several.join(" and "),
                choice.input
            ),
        })
    }

    pub(super) fn confirm(&mut self, challenge: &Challenge) -> Answered<String> {
        let fits = |answer: &Answer| answer.step == challenge.step && answer.node == challenge.node.as_str();
        let next = self.file.answer.iter().zip(&mut self.used).find(|(answer, used)| !**used && fits(answer));
        match next {
            None => Answered::Refused(format!(
                "step {} on {} asks for {:?}, and the answers hold nothing for it",
                challenge.step, challenge.node, challenge.asked
            )),
            Some((answer, used)) => {
                *used = true;
                let typed = if answer.typed == WHATEVER { &challenge.asked } else { &answer.typed };
                Answered::Given(typed.clone())
            }
        }
    }

    pub(super) fn waive(&mut self, asked: &WaiverAsked) -> Answered<WaiverGiven> {
        let fits = |waive: &Waive| waive.rule == asked.blocked.rule && waive.node == asked.node.as_str();
        let next = self.file.waive.iter().zip(&mut self.given).find(|(waive, given)| !**given && fits(waive));
        match next {
            Some((waive, given)) => {
                *given = true;
                Answered::Given(WaiverGiven {
                    typed: asked.asked.clone(),
                    reason: waive.reason.clone(),
                    holds: Duration::from_secs(u64::from(waive.minutes) * 60),
                })
            }
            None => Answered::Refused(format!("{} on {} is not waived", asked.blocked.rule, asked.node)),
        }
    }

    /// Answers that nothing asked for.
    pub(super) fn left(&self) -> impl Iterator<Item = String> {
        let unused = self.file.answer.iter().zip(&self.used).filter(|(_, used)| !**used);
        unused.map(|(answer, _)| {
            format!("the answer for step {} on {} was not needed", answer.step, answer.node)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_strictly() {
        let good = "format = \"breakglass.answers/1\"\n[[answer]]\nstep = \"bootstrap\"\nnode = \"g2\"\ntype = \"g2 lose 0\"\n[[choose]]\ninput = \"target\"\nvalue = \"g2\"\n[[waive]]\nrule = \"S4\"\nnode = \"g3\"\nreason = \"off\"\nminutes = 30\n";
        assert!(Answers::parse(good).is_ok());
        for bad in [
            "",
            "format = \"breakglass.answers/2\"",
            "format = \"breakglass.answers/1\"\n[[answer]]\nstep = \"bootstrap\"",
            "format = \"breakglass.answers/1\"\napprove = true",
            "format = \"breakglass.answers/1\"\n[[waive]]\nrule = \"S4\"\nnode = \"g3\"\nreason = \"off\"\nminutes = -1",
        ] {
            assert!(Answers::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_choices_of_one_input_have_to_agree() {
        let text = "format = \"breakglass.answers/1\"\n[[choose]]\ninput = \"target\"\nvalue = \"g2\"";
        let answers = Answers::parse(text).unwrap();
        let books = crate::runbook::library();
        let book = books.iter().find(|book| book.id == "galera-bootstrap").unwrap();
        let given = |value: &str| BTreeMap::from([("target".to_owned(), value.to_owned())]);
        assert!(answers.choices(book, &mut given("g2")).is_ok());
        assert!(answers.choices(book, &mut given("g1")).is_err());
    }

    #[test]
    fn practice_only_words_are_refused_in_earnest() {
        let text = "format = \"breakglass.answers/1\"\n[[answer]]\nstep = \"bootstrap\"\nnode = \"g2\"\ntype = \"@asked\"";
        let answers = Answers::parse(text).unwrap();
        assert!(answers.fit(Mode::Lab).is_ok() && answers.fit(Mode::Live).is_err());
    }
}
