//! Bundles of files, judged: every capture of real servers taken apart into files and read again, what collectors leave,
//! and surveys that were saved and judged once more.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by panicking")]

#[path = "bundle/captures.rs"]
mod captures;
#[path = "bundle/cli.rs"]
mod cli;
#[path = "bundle/forms.rs"]
mod forms;
#[path = "bundle/hostile.rs"]
mod hostile;
#[path = "bundle/saved.rs"]
mod saved;
#[path = "support/captures.rs"]
mod support;
#[expect(dead_code, reason = "shared with the tests of the judge")]
#[path = "support/surveys.rs"]
mod surveys;

use breakglass::ask::bundle::{self, File, Folder};
use breakglass::facts::{ClusterName, Family, Known, Mode, NodeName, Survey};
use breakglass::judge::{Judgement, judge};
use jiff::Timestamp;
use support::Files;

/// When the files are read.
fn now() -> Timestamp {
    "2026-11-22T03:00:00Z".parse().unwrap()
}

fn folder(name: &str, files: &Files) -> Folder {
    let files = files.iter().map(|(file, bytes)| (*file, Known::Known(bytes.clone()))).collect();
    Folder { name: NodeName::new(name).unwrap(), place: format!("shop/{name}"), files }
}

/// The survey of a bundle with these folders.
fn survey(nodes: &[(&str, Files)]) -> Survey {
    Survey {
        cluster: ClusterName::new("shop").unwrap(),
        family: Family::Galera,
        mode: Mode::Bundle,
        taken: now(),
        nodes: nodes.iter().map(|(name, files)| bundle::read(&folder(name, files), now())).collect(),
    }
}

/// Standings in the order of the nodes, with their number where they have one: `CANDIDATE`, `BEHIND 1`.
fn standings(judgement: &Judgement) -> Vec<String> {
    let word = |node: &breakglass::judge::NodeJudgement| match node.standing {
        None => "-".to_owned(),
        Some(standing) => match standing.by() {
            Some(by) => format!("{} {by}", standing.as_str()),
            None => standing.as_str().to_owned(),
        },
    };
    judgement.nodes.iter().map(word).collect()
}

fn servers(judgement: &Judgement) -> Vec<&'static str> {
    judgement
        .nodes
        .iter()
        .map(|node| node.server.known().map_or("unknown", |server| server.as_str()))
        .collect()
}
