//! Whether a runbook has a point now, before anybody walks it (U10). A hint: what decides is what its steps meet.

use serde::Serialize;

use super::{Action, Guard, Refused, Runbook, Scene, Verdict};
use crate::facts::{NodeName, Survey};
use crate::judge::{Judgement, re_forms};

/// What walking a runbook now would come to, as far as a survey can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// In a word.
    pub fit: Fit,
    /// Why, a sentence each; where it is blocked also what would change it.
    pub why: Vec<String>,
}

/// The word of an [`Outlook`], best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// A finding names it.
    Suggested,
    /// It answers something that was found.
    Possible,
    /// It would be refused: something stands in its way.
    Blocked,
    /// Nothing that was found asks for it.
    Unneeded,
}

impl Fit {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suggested => "suggested",
            Self::Possible => "possible",
            Self::Blocked => "not now",
            Self::Unneeded => "not needed",
        }
    }
}

impl Runbook {
    /// What walking it now would come to.
    pub fn outlook(&self, survey: &Survey, judgement: &Judgement) -> Outlook {
        let blocked = self.obstacles(survey, judgement);
        let named = judgement.findings.iter().find(|finding| finding.runbook == Some(self.id.as_str()));
        let answered: Vec<&str> = judgement
            .findings
            .iter()
            .map(|finding| finding.id)
            .filter(|id| self.answers.iter().any(|answer| answer == id))
            .collect();
        let (fit, why) = match (named, blocked.is_empty(), answered.is_empty()) {
            (Some(finding), true, _) => (Fit::Suggested, vec![format!("the answer to {}", finding.id)]),
            (None, true, false) => (Fit::Possible, vec![format!("it answers {} too", answered.join(", "))]),
            (_, _, true) if named.is_none() => (
                Fit::Unneeded,
                vec![format!("nothing found asks for it: it answers {}", self.answers.join(", "))],
            ),
            _ => (Fit::Blocked, blocked),
        };
        Outlook { fit, why }
    }

    /// What would end it before anything is changed: its guards about the cluster, and a Primary that is there already.
    fn obstacles(&self, survey: &Survey, judgement: &Judgement) -> Vec<String> {
        let planned: Vec<NodeName> = survey.data_nodes().map(|node| node.name.clone()).collect();
        let scene = Scene { survey, judgement, node: None, planned: &planned, reforms: re_forms(survey) };
        let stops = self.steps.iter().filter(|step| step.refused == Refused::Stop && !step.always);
        let guards = stops.flat_map(|step| &step.guards).filter(|guard| !guard.is_about_node());
        let held = guards.filter_map(|guard| held_back(guard, &scene));
        let bootstraps = self.steps.iter().any(|step| step.action == Action::Bootstrap);
        let primary = judgement.primary.as_ref().filter(|_| bootstraps).map(|primary| {
            let members: Vec<&str> = primary.members.iter().map(NodeName::as_str).collect();
            format!("S6: there is a Primary Component ({}); the others join it", members.join(", "))
        });
        held.chain(primary).collect()
    }
}

fn held_back(guard: &Guard, scene: &Scene<'_>) -> Option<String> {
    match guard.hold(scene) {
        Verdict::Pass { .. } => None,
        Verdict::Fail { why, remedy } => Some(format!("{why}; what would change it: {remedy}")),
        Verdict::Unknown { why, remedy } => Some(format!("not known: {why}; what would change it: {remedy}")),
    }
}

#[cfg(test)]
#[path = "../../tests/support/surveys.rs"]
#[expect(dead_code, reason = "shared builders; each user needs some of them")]
mod surveys;

#[cfg(test)]
mod tests {
    use super::surveys::{Node, survey};
    use super::*;

    fn fits(nodes: Vec<Node>) -> Vec<(String, Fit)> {
        let survey = survey(nodes);
        let judgement = crate::judge::judge(&survey);
        let fit = |book: &Runbook| (book.id.clone(), book.outlook(&survey, &judgement).fit);
        super::super::library().iter().map(fit).collect()
    }

    fn fit_of(fits: &[(String, Fit)], id: &str) -> Fit {
        fits.iter().find(|(name, _)| name == id).map(|(_, fit)| *fit).unwrap()
    }

    #[test]
    fn nobody_is_sent_to_bootstrap_beside_a_primary() {
        let names = ["g1", "g2", "g3"];
        let fits = fits(names.map(|name| Node::new(name).synced(3, &names, 10)).into());
        assert_eq!(fit_of(&fits, "galera-bootstrap"), Fit::Unneeded);
        assert_eq!(fit_of(&fits, "galera-start-all"), Fit::Unneeded);
    }

    #[test]
    fn what_re_forms_by_itself_is_suggested_before_a_bootstrap() {
        let names = ["g1", "g2", "g3"];
        let fits = fits(names.map(|name| Node::new(name).crashed(&names)).into());
        assert_eq!(fit_of(&fits, "galera-start-all"), Fit::Suggested);
        assert_eq!(fit_of(&fits, "galera-bootstrap"), Fit::Possible);
        assert_eq!(fit_of(&fits, "galera-rejoin"), Fit::Unneeded);
    }

    #[test]
    fn a_runbook_that_would_be_refused_says_why() {
        let names = ["g1", "g2", "g3"];
        let stopped = survey(vec![
            Node::new("g1").stopped(10),
            Node::new("g2").stopped(9),
            Node::new("g3").crashed(&names),
        ]);
        let judgement = crate::judge::judge(&stopped);
        let library = super::super::library();
        let start = library.iter().find(|book| book.id == "galera-start-all").unwrap();
        let outlook = start.outlook(&stopped, &judgement);
        assert_eq!(outlook.fit, Fit::Blocked);
        assert!(outlook.why.iter().any(|why| why.contains("what would change it")), "{:?}", outlook.why);
    }
}
