//! What is chosen stays chosen: lists are sorted anew with every survey, and a key acts on what was read, never on what
//! came to stand in its row.

use super::super::model::{Layer, Model};
use super::super::view;
use super::looking::Anchor;
use crate::facts::{NodeName, Plain};

/// What each layer's cursor is on.
pub(super) struct Chosen(Vec<On>);

enum On {
    /// A finding, by its id and its nodes.
    Finding(Option<(&'static str, Vec<NodeName>)>),
    /// A runbook, by its place in the library.
    Runbook(Option<usize>),
    /// A cluster, by its place in the model.
    Cluster(Option<usize>),
    /// A row of a node's screen, by what stands there.
    Row(Option<Anchor>),
    /// Nothing that moves.
    Nothing,
}

impl Chosen {
    /// Before the lists change.
    pub(super) fn of(model: &Model) -> Self {
        let finding = |at: usize| model.finding(at).map(|finding| (finding.id, finding.nodes.clone()));
        let on = |layer: &Layer| match layer {
            Layer::Matrix(at) => On::Finding(finding(at.finding)),
            Layer::Finding { at, .. } => On::Finding(finding(*at)),
            Layer::Picker { at } => On::Runbook(view::picker_order(model).get(*at).copied()),
            Layer::Fleet { at, filter } => On::Cluster(model.fleet(filter).get(*at).copied()),
            Layer::Node(at) => On::Row(Anchor::of(model, at)),
            _ => On::Nothing,
        };
        Self(model.layers.iter().map(on).collect())
    }

    /// After they have changed.
    pub(super) fn put_back(self, model: &mut Model) {
        let findings = model.cluster().and_then(|cluster| cluster.picture.as_ref());
        let findings: Vec<(&str, Vec<NodeName>)> = findings.map_or_else(Vec::new, |picture| {
            picture.judgement.findings.iter().map(|finding| (finding.id, finding.nodes.clone())).collect()
        });
        // The same claim about other nodes is the nearest to it.
        let place = |(id, nodes): &(&str, Vec<NodeName>)| {
            let same = findings.iter().position(|(other, of)| other == id && of == nodes);
            same.or_else(|| findings.iter().position(|(other, _)| other == id))
        };
        let order = view::picker_order(model);
        let fleets: Vec<Option<Vec<usize>>> = model
            .layers
            .iter()
            .map(|layer| match layer {
                Layer::Fleet { filter, .. } => Some(model.fleet(filter)),
                _ => None,
            })
            .collect();
        let mut gone = None;
        let mut rows = Vec::new();
        for (index, (layer, on)) in model.layers.iter_mut().zip(self.0).enumerate() {
            match (layer, on) {
                (Layer::Matrix(at), On::Finding(Some(finding))) => at.finding = place(&finding).unwrap_or(0),
                (Layer::Finding { at, .. }, On::Finding(Some(finding))) => match place(&finding) {
                    Some(found) => *at = found,
                    None => gone = Some((index, finding.0)),
                },
                (Layer::Picker { at }, On::Runbook(Some(book))) => {
                    *at = order.iter().position(|other| *other == book).unwrap_or(*at);
                }
                (Layer::Fleet { at, .. }, On::Cluster(Some(cluster))) => {
                    let fleet = fleets.get(index).and_then(Option::as_ref);
                    *at = fleet.and_then(|fleet| fleet.iter().position(|one| *one == cluster)).unwrap_or(*at);
                }
                (Layer::Node(at), On::Row(Some(anchor))) => rows.push((index, at.clone(), anchor)),
                _ => {}
            }
        }
        for (index, mut at, anchor) in rows {
            anchor.put_back(model, &mut at);
            if let Some(layer) = model.layers.get_mut(index) {
                *layer = Layer::Node(at);
            }
        }
        if let Some((index, id)) = gone {
            model.layers.remove(index);
            model.notice =
                Some(Plain::new(format!("{id} is no longer the case: the nodes say something else now")));
        }
    }
}
