//! What it means that a survey was read from files.

use super::{Context, Finding, Severity, Sign};
use crate::facts::{Mode, keys};

/// The survey is a bundle: nobody knows how old it is, and nothing can be acted on from it.
pub(super) fn from_files(context: &Context<'_>) -> Vec<Finding> {
    if context.reading.survey.mode != Mode::Bundle {
        return Vec::new();
    }
    let nodes = context.data(|_, _| true);
    Sign {
        id: "galera.from-files",
        cases: &[],
        severity: Severity::Info,
        next: "Before anything is done, survey the nodes themselves: what is true now decides, not what was collected.",
        facts: &[keys::GRASTATE_FILE.name(), keys::UNIT_ACTIVE.name(), keys::WSREP_CLUSTER_STATUS.name()],
    }
    .that(&nodes, "Read from files that somebody collected: as old as they are, and as true.".to_owned())
}
