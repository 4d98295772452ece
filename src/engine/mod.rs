//! The survey of a whole cluster through the trait [`Nodes`].

use std::future::Future;

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::facts::{ClusterName, Family, Mode, NodeName, NodeSurvey, Survey, keys};

/// The seam behind which the real nodes stand, and later simulated ones and bundles of files.
pub trait Nodes {
    /// Reads one node. It never fails and never waits longer than its deadlines: what could not be read is Unknown
    /// in the answer. Asked for several nodes at once, none waits for another.
    fn survey(&self, node: &NodeName) -> impl Future<Output = NodeSurvey> + Send;
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
}

fn list(names: &[NodeName]) -> String {
    names.iter().map(NodeName::as_str).collect::<Vec<_>>().join(", ")
}

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
    let nodes = join_all(reading).await;
    Ok(Survey { cluster: cluster.clone(), family, mode: mode(cluster, &nodes)?, taken: now(), nodes })
}

/// A cluster is a lab's iff its nodes hold /etc/breakglass-lab naming it; a node that was not read has no say.
fn mode(cluster: &ClusterName, nodes: &[NodeSurvey]) -> Result<Mode, SurveyError> {
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
