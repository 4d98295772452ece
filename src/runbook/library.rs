//! The runbooks that are part of the program.

use super::{Origin, Runbook, parse};

/// Their files: name and text.
const FILES: &[(&str, &str)] = &[
    ("galera-positions.toml", include_str!("../../runbooks/galera-positions.toml")),
    ("galera-start-all.toml", include_str!("../../runbooks/galera-start-all.toml")),
    ("galera-bootstrap.toml", include_str!("../../runbooks/galera-bootstrap.toml")),
    ("galera-rejoin.toml", include_str!("../../runbooks/galera-rejoin.toml")),
];

/// The built-in runbooks, in the order in which a recovery needs them. A test proves that every file is one.
pub fn library() -> Vec<Runbook> {
    FILES
        .iter()
        .filter_map(|(name, text)| parse(name, text.as_bytes()).ok())
        .map(|runbook| Runbook { origin: Origin::BuiltIn, ..runbook })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::ask::act::Class;

    #[test]
    fn every_file_is_a_runbook_and_named_like_it() {
        for (name, text) in FILES {
            let runbook = parse(name, text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
            assert_eq!(format!("{}.toml", runbook.id), *name);
        }
        assert_eq!(library().len(), FILES.len());
        assert!(library().iter().all(|runbook| runbook.origin == Origin::BuiltIn));
        assert!(library().iter().all(|runbook| runbook.digest.starts_with("sha256:")));
    }

    #[test]
    fn every_file_of_the_folder_is_built_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let on_disk: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(on_disk, FILES.iter().map(|(name, _)| (*name).to_owned()).collect());
    }

    #[test]
    fn what_they_answer_are_findings_that_exist() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/judge/findings");
        let code: String = fs::read_dir(folder)
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        for runbook in library() {
            assert!(!runbook.answers.is_empty(), "{}", runbook.id);
            for id in &runbook.answers {
                assert!(code.contains(&format!("\"{id}\"")), "{}: {id}", runbook.id);
            }
        }
    }

    #[test]
    fn a_recovery_asks_for_few_words() {
        // Each destructive step on a node that is not covered is one typed confirmation (U2).
        let own = |id: &str| -> Vec<String> {
            let runbook = library().into_iter().find(|runbook| runbook.id == id).unwrap();
            let destructive =
                runbook.steps.into_iter().filter(|step| step.action.class() == Class::Destructive);
            destructive.filter(|step| step.covered_by.is_none()).map(|step| step.id).collect()
        };
        assert_eq!(own("galera-positions"), ["recover-direct"]);
        assert_eq!(own("galera-start-all"), [""; 0]);
        assert_eq!(own("galera-bootstrap"), ["bootstrap"]);
        assert_eq!(own("galera-rejoin"), ["join"]);
    }
}
