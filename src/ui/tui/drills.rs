//! Drills on the screen: the same engine, the same screens, on a simulated cluster.

use std::path::PathBuf;
use std::sync::Arc;

use super::model::{Cluster, DrillOffer, DrillView, Origin, Question};
use super::seat::{Reached, Seat};
use crate::facts::{Plain, Role};
use crate::nodes::sim::Pace;
use crate::practice::drill::{Answers, Drill, library};
use crate::record;

/// A drill under way, and how many records its cluster's log held before: those are of earlier drills.
#[derive(Debug)]
pub(crate) struct Begun {
    drill: Drill,
    before: usize,
}

/// The built-in drills.
pub(crate) fn offers() -> Vec<DrillOffer> {
    library()
        .into_iter()
        .map(|scenario| DrillOffer { id: scenario.id, title: scenario.title, level: scenario.level })
        .collect()
}

/// Begins a drill: what stands behind its cluster, and the cluster as the screens show it.
pub(crate) fn begin(
    id: &str,
    seed: Option<u64>,
    pace: Pace,
    state: Option<PathBuf>,
) -> Result<(Seat, Cluster), String> {
    let scenario = library().into_iter().find(|scenario| scenario.id == id);
    let scenario = scenario.ok_or_else(|| format!("there is no drill {id:?}"))?;
    let drill = Drill::begin(scenario, seed).map_err(|error| error.to_string())?;
    let ports = drill.sim.clock().paced(pace);
    let nodes: Vec<_> = drill.names().into_iter().map(|name| (name, Role::Data)).collect();
    let scenario = &drill.scenario;
    // The right answer stands in another place each time, and the same seed puts it in the same.
    let question = |of: &crate::practice::drill::Question, turn: u64| {
        let mut order: Vec<usize> = (0..of.options.len()).collect();
        let turn = usize::try_from(turn % order.len().max(1) as u64).unwrap_or(0);
        order.rotate_left(turn);
        let options = order.iter().filter_map(|at| of.options.get(*at)).map(|option| option.text.clone());
        Question { text: of.question.clone(), options: options.collect(), order: order.clone() }
    };
    let view = DrillView {
        title: scenario.title.clone(),
        brief: vec![scenario.brief.clone()],
        questions: vec![
            question(&scenario.diagnosis, drill.seed / 7 + 1),
            question(&scenario.node, drill.seed / 3 + 1),
        ],
        answered: Vec::new(),
        began: drill.paged,
        debrief: Vec::new(),
    };
    let origin = Origin::Drill(Box::new(view));
    let cluster = Cluster::new(drill.cluster().clone(), scenario.family, nodes.clone(), origin, ports.now());
    let before = state.as_ref().map_or(0, |state| {
        // A record that cannot be read is said so by the run that opens it.
        record::read(&drill.place(state).dir).map_or(0, |records| records.len())
    });
    let seat = Seat {
        name: drill.cluster().clone(),
        family: scenario.family,
        nodes,
        reached: Reached::Sim(drill.sim.clone(), ports),
        inventory: scenario.digest.clone(),
        state,
        memory: Arc::default(),
        drill: Some(Arc::new(Begun { drill, before })),
    };
    Ok((seat, cluster))
}

/// What the drill came to, once everything is reached; `answered` are the answers given before the first act.
pub(crate) async fn debrief(begun: &Begun, seat: &Seat, answered: &[usize]) -> Option<Vec<Plain>> {
    let picture = seat.picture(|_| ()).await.ok()?;
    let Begun { drill, before } = begun;
    if !drill.won(&picture.survey, &picture.judgement).is(|won| *won) {
        return None;
    }
    let place = seat.state.as_ref().map(|state| drill.place(state))?;
    let records = record::read(&place.dir).unwrap_or_default();
    let own = records.get(*before..).unwrap_or_default();
    let answers = Answers { diagnosis: answered.first().copied(), node: answered.get(1).copied() };
    let mut drill = drill.clone();
    drill.answers = answers;
    let debrief = drill.debrief(own, &picture.survey);
    Some(std::iter::once(debrief.one_line).chain(debrief.lines).collect())
}
