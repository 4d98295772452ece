//! The survey of a whole cluster through the trait [`Nodes`].

use std::future::Future;

use crate::facts::{NodeName, NodeSurvey};

/// The seam behind which the real nodes stand, and later simulated ones and bundles of files.
pub trait Nodes {
    /// Reads one node. It never fails and never waits longer than its deadlines: what could not be read is Unknown
    /// in the answer. Asked for several nodes at once, none waits for another.
    fn survey(&self, node: &NodeName) -> impl Future<Output = NodeSurvey> + Send;
}
