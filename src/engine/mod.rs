//! The survey of a whole cluster through the trait [`Nodes`].

mod authorization;
pub mod challenge;
mod driver;
mod effect;
pub mod machine;
mod operator;
mod outcome;
mod ports;
mod subject;

use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

pub use authorization::{Authorization, NotAuthorized};
pub use driver::{
    Book, Ended, Fatal, Moment, RESOLVE_STEP, Recovered, RunError, RunResult, Setting, recall, remembered,
    run,
};
pub use operator::{Answered, Challenge, Choice, Event, Operator, WaiverAsked, WaiverGiven};
pub use outcome::Outcome;
pub use ports::{Ports, Stop};

use crate::ask::act::Look;
use crate::facts::{ClusterName, Family, Mode, NodeName, NodeSurvey, Survey, keys};

/// The seam behind which the real nodes stand, and later simulated ones and bundles of files.
pub trait Nodes: Sync {
    /// Reads one node. It never fails and never waits longer than its deadlines: what could not be read is Unknown
    /// in the answer. Asked for several nodes at once, none waits for another.
    fn survey(&self, node: &NodeName) -> impl Future<Output = NodeSurvey> + Send;

    /// A read beyond the probe; `limit` is its whole time on the node.
    fn look(&self, node: &NodeName, look: &Look, limit: Duration) -> impl Future<Output = Outcome> + Send;

    /// Does what was permitted, once: it is never sent again, whatever becomes of the answer (S16).
    fn perform(&self, authorization: &Authorization, limit: Duration)
    -> impl Future<Output = Outcome> + Send;
}

/// The survey cannot be trusted as one of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurveyError {
    /// Practice and earnest must not mix (a lab is practice as a whole).
    #[error(
        "cluster {cluster}: {} are machines of the lab {cluster}, {} are not; a cluster is practice or it is not. \
         Next: correct the inventory.",
        list(.lab), list(.live)
    )]
    MixedLab {
        /// The cluster.
        cluster: ClusterName,
        /// Its nodes that hold /etc/breakglass-lab naming it.
        lab: Vec<NodeName>,
        /// Its nodes that were read and do not.
        live: Vec<NodeName>,
    },
    /// Simulated nodes and others must not mix either.
    #[error(
        "cluster {cluster}: {} are simulated, {} are not; a cluster is a drill's or it is not. Next: leave the drill.",
        list(.drill), list(.others)
    )]
    MixedDrill {
        /// The cluster.
        cluster: ClusterName,
        /// Its nodes that are simulated.
        drill: Vec<NodeName>,
        /// Its other nodes, read or not.
        others: Vec<NodeName>,
    },
}

fn list(names: &[NodeName]) -> String {
    names.iter().map(NodeName::as_str).collect::<Vec<_>>().join(", ")
}

/// Facts older than this when the survey ends are read again: half of what a decision allows them (S9).
const STILL_FRESH: SignedDuration = SignedDuration::from_secs(5);

/// Reads all nodes of a cluster at once. `arrived` hears of every node the moment its answer is complete; `now` is
/// the clock. The survey keeps the order of `names`.
pub async fn survey<N: Nodes>(
    nodes: &N,
    cluster: &ClusterName,
    family: Family,
    names: &[NodeName],
    now: impl Fn() -> Timestamp,
    arrived: impl Fn(&NodeSurvey),
) -> Result<Survey, SurveyError> {
    let reading = names.iter().map(|name| async {
        let node = nodes.survey(name).await;
        arrived(&node);
        node
    });
    let mut read = join_all(reading).await;
    // A slow node made the others' facts old: they are read once more, and it is not waited for again.
    let old: Vec<usize> = read
        .iter()
        .enumerate()
        .filter(|(_, node)| now().duration_since(node.at) > STILL_FRESH)
        .map(|(index, _)| index)
        .collect();
    let again =
        join_all(old.iter().filter_map(|index| names.get(*index)).map(|name| nodes.survey(name))).await;
    for (index, node) in old.into_iter().zip(again) {
        if let Some(place) = read.get_mut(index) {
            *place = node;
        }
    }
    let nodes = read;
    Ok(Survey { cluster: cluster.clone(), family, mode: mode(cluster, &nodes)?, taken: now(), nodes })
}

/// A cluster is a drill's iff what reached its nodes made them up, all of them. It is a lab's iff its nodes hold
/// /etc/breakglass-lab naming it; a node that was not read has no say in that.
fn mode(cluster: &ClusterName, nodes: &[NodeSurvey]) -> Result<Mode, SurveyError> {
    let simulated = |node: &&NodeSurvey| node.facts.get(keys::HOST_DRILL).is(|is| *is);
    let (drill, others): (Vec<&NodeSurvey>, Vec<&NodeSurvey>) = nodes.iter().partition(simulated);
    if !drill.is_empty() {
        let names = |nodes: Vec<&NodeSurvey>| nodes.into_iter().map(|node| node.name.clone()).collect();
        if others.is_empty() {
            return Ok(Mode::Drill);
        }
        return Err(SurveyError::MixedDrill {
            cluster: cluster.clone(),
            drill: names(drill),
            others: names(others),
        });
    }
    let mut lab = Vec::new();
    let mut live = Vec::new();
    for node in nodes {
        if let Some(name) = node.facts.get(keys::HOST_LAB).known() {
            let list = if name.as_str() == cluster.as_str() { &mut lab } else { &mut live };
            list.push(node.name.clone());
        }
    }
    match (lab.is_empty(), live.is_empty()) {
        (false, true) => Ok(Mode::Lab),
        (false, false) => Err(SurveyError::MixedLab { cluster: cluster.clone(), lab, live }),
        _ => Ok(Mode::Live),
    }
}
