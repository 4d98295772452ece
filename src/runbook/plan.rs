//! From a runbook to a plan: one action on one node per step, never a selector.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Choose, Runbook, Scope, Step};
use crate::ask::act::Class;
use crate::facts::NodeName;
use crate::inventory::nearest;

/// What a run will do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The runbook.
    pub runbook: Arc<Runbook>,
    /// Every input by its own name, and its node where it is known yet.
    pub inputs: BTreeMap<String, Option<NodeName>>,
    /// The steps.
    pub steps: Vec<PlanStep>,
    data_nodes: Vec<NodeName>,
}

/// One step of a plan. Its id and its node together are its name in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// The id of the runbook's step.
    pub id: String,
    /// The node. `None` where the step is about the cluster, or its input is not chosen yet.
    pub node: Option<NodeName>,
    /// The step's place in [`Runbook::steps`].
    pub step: usize,
    /// The runbook's step.
    pub of: Arc<Step>,
}

impl std::ops::Deref for PlanStep {
    type Target = Step;

    fn deref(&self) -> &Step {
        &self.of
    }
}

impl PlanStep {
    /// Whether it waits for an input that is not chosen yet.
    pub fn is_open(&self) -> bool {
        self.node.is_none() && self.of.scope != Scope::Cluster
    }
}

/// The inputs do not fit the runbook or the inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No such input.
    #[error("runbook {runbook} has no input \"{name}\"; {}", or_nearest(.near.as_deref(), .names))]
    UnknownInput {
        /// The runbook.
        runbook: String,
        /// What was given.
        name: String,
        /// What was most likely meant.
        near: Option<String>,
        /// What there is.
        names: Vec<String>,
    },
    /// Not a data node of the inventory.
    #[error("\"{node}\" (given as {input}) is no data node of this cluster; {}", or_nearest(.near.as_deref(), .names))]
    NotADataNode {
        /// The input.
        input: String,
        /// What was given.
        node: NodeName,
        /// What was most likely meant.
        near: Option<String>,
        /// The data nodes.
        names: Vec<String>,
    },
    /// The input stands for another node already.
    #[error("input {input} is {first} already, and cannot be {second} too; give it once")]
    TwoNodes {
        /// The input.
        input: String,
        /// What it is.
        first: NodeName,
        /// What was given beside.
        second: NodeName,
    },
    /// It must be given beforehand.
    #[error("runbook {runbook} needs the input \"{name}\" ({about}); give it: --set {name}=NODE")]
    Missing {
        /// The runbook.
        runbook: String,
        /// The input.
        name: String,
        /// What it is.
        about: String,
    },
    /// There is no data node to act on.
    #[error("the cluster has no data node; there is nothing to recover")]
    NoDataNodes,
}

fn or_nearest(near: Option<&str>, names: &[String]) -> String {
    match near {
        Some(near) => format!("did you mean {near}?"),
        None if names.is_empty() => "it has none".to_owned(),
        None => format!("there is {}", names.join(", ")),
    }
}

/// Expands a runbook over the data nodes of a cluster, in the inventory's order.
///
/// `inputs` may use an input's other names. What a `choose` step will ask may be missing: steps on that input have no
/// node yet, and steps on all others cover every data node until [`Plan::resolve`]. Steps of an optional input that is
/// not given are not in the plan.
pub fn plan(
    runbook: &Runbook,
    data_nodes: &[NodeName],
    inputs: &BTreeMap<String, NodeName>,
) -> Result<Plan, PlanError> {
    if data_nodes.is_empty() {
        return Err(PlanError::NoDataNodes);
    }
    let mut known: BTreeMap<String, Option<NodeName>> =
        runbook.inputs.iter().map(|input| (input.name.clone(), None)).collect();
    for (name, node) in inputs {
        let input = runbook.input(name).ok_or_else(|| unknown(runbook, name))?;
        is_data(data_nodes, &input.name, node)?;
        let place = known.entry(input.name.clone()).or_default();
        is_free(&input.name, place.as_ref(), node)?;
        *place = Some(node.clone());
    }
    for input in runbook.inputs.iter().filter(|input| input.choose == Choose::Required) {
        if known.get(&input.name).is_none_or(Option::is_none) {
            return Err(PlanError::Missing {
                runbook: runbook.id.clone(),
                name: input.name.clone(),
                about: input.about.to_string(),
            });
        }
    }
    let given = |name: &str| known.get(name).and_then(Option::as_ref);
    let mut steps = Vec::new();
    for (index, step) in runbook.steps.iter().enumerate() {
        if runbook.condition(step).is_some_and(|input| given(input).is_none()) {
            continue;
        }
        let of = Arc::new(step.clone());
        let nodes: Vec<Option<NodeName>> = match &step.scope {
            Scope::Cluster => vec![None],
            Scope::EachData => data_nodes.iter().cloned().map(Some).collect(),
            Scope::Input(input) => vec![given(input).cloned()],
            Scope::Others(input) => {
                data_nodes.iter().filter(|node| given(input) != Some(*node)).cloned().map(Some).collect()
            }
        };
        let planned = |node| PlanStep { id: step.id.clone(), node, step: index, of: Arc::clone(&of) };
        steps.extend(nodes.into_iter().map(planned));
    }
    let runbook = Arc::new(runbook.clone());
    Ok(Plan { runbook, inputs: known, steps, data_nodes: data_nodes.to_vec() })
}

fn unknown(runbook: &Runbook, name: &str) -> PlanError {
    let names: Vec<&str> = runbook.inputs.iter().map(|input| input.name.as_str()).collect();
    PlanError::UnknownInput {
        runbook: runbook.id.clone(),
        name: name.to_owned(),
        near: nearest(name, &names).map(str::to_owned),
        names: names.into_iter().map(str::to_owned).collect(),
    }
}

fn is_data(data_nodes: &[NodeName], input: &str, node: &NodeName) -> Result<(), PlanError> {
    if data_nodes.contains(node) {
        return Ok(());
    }
    let names: Vec<&str> = data_nodes.iter().map(NodeName::as_str).collect();
    Err(PlanError::NotADataNode {
        input: input.to_owned(),
        node: node.clone(),
        near: nearest(node.as_str(), &names).map(str::to_owned),
        names: names.into_iter().map(str::to_owned).collect(),
    })
}

fn is_free(input: &str, known: Option<&NodeName>, node: &NodeName) -> Result<(), PlanError> {
    match known {
        Some(first) if first != node => {
            Err(PlanError::TwoNodes { input: input.to_owned(), first: first.clone(), second: node.clone() })
        }
        _ => Ok(()),
    }
}

impl Plan {
    /// Gives an input its node: its steps get it, and steps on all others leave it out. An input that has its node
    /// keeps it; the plan is unchanged where an error is returned.
    pub fn resolve(&mut self, input: &str, node: &NodeName) -> Result<(), PlanError> {
        let name = match self.runbook.input(input) {
            Some(input) => input.name.clone(),
            None => return Err(unknown(&self.runbook, input)),
        };
        is_data(&self.data_nodes, &name, node)?;
        let place = self.inputs.entry(name.clone()).or_default();
        is_free(&name, place.as_ref(), node)?;
        *place = Some(node.clone());
        for step in &mut self.steps {
            if step.of.scope == Scope::Input(name.clone()) {
                step.node = Some(node.clone());
            }
        }
        let others = Scope::Others(name);
        self.steps.retain(|step| step.of.scope != others || step.node.as_ref() != Some(node));
        Ok(())
    }

    /// The data nodes it was made for, in the inventory's order.
    pub fn data_nodes(&self) -> &[NodeName] {
        &self.data_nodes
    }

    /// Inputs that a `choose` step will still ask for, in the runbook's order.
    pub fn open_inputs(&self) -> Vec<&str> {
        let open = |name: &str| self.inputs.get(name).is_some_and(Option::is_none);
        let asked = self.runbook.inputs.iter().filter(|input| input.choose.is_asked());
        asked.map(|input| input.name.as_str()).filter(|name| open(name)).collect()
    }

    /// Whether nothing in it changes anything.
    pub fn all_reads(&self) -> bool {
        self.steps.iter().all(|step| step.of.action.class() == Class::Read)
    }
}
