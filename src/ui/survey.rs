//! One survey of a cluster with its judgement, for whoever shows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use crate::engine::{self, Nodes, Recovered, SurveyError};
use crate::facts::{ClusterName, Family, NodeName, NodeSurvey, Survey};
use crate::judge::{self, Judgement};
use crate::record::{self, Place};

/// While the group is seeking a new view, what it says does not last: one more look, this much later.
const SETTLE_AFTER: Duration = Duration::from_millis(1500);
/// No further look is begun after this time: where a dead node takes its whole deadline, the others' facts do not wait
/// for it again.
const SETTLE_WITHIN: Duration = Duration::from_secs(4);

/// A survey with its judgement.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// The facts.
    pub(super) survey: Survey,
    /// What they mean.
    pub(super) judgement: Judgement,
}

/// Who is asked, and what is known of them here.
pub(super) struct Asked<'a, N> {
    /// The nodes.
    pub(super) nodes: &'a N,
    /// The cluster's name.
    pub(super) cluster: &'a ClusterName,
    /// Its kind.
    pub(super) family: Family,
    /// All nodes, in the inventory's order.
    pub(super) names: &'a [NodeName],
    /// Where records are kept.
    pub(super) state: Option<&'a Path>,
    /// What was read of them before.
    pub(super) memory: &'a Memory,
    /// The clock that ages are told by.
    pub(super) now: &'a (dyn Fn() -> Timestamp + Sync),
}

impl<N: Nodes> Asked<'_, N> {
    /// Surveys, and judges; where the group is just seeking a new view, the first survey that is settled. `arrived` hears
    /// of every node the moment it has answered.
    pub(super) async fn picture(&self, arrived: impl Fn(&NodeSurvey)) -> Result<Picture, SurveyError> {
        let begun = Instant::now();
        loop {
            let (cluster, family, names) = (self.cluster, self.family, self.names);
            let mut survey = engine::survey(self.nodes, cluster, family, names, self.now, &arrived).await?;
            self.remember(&mut survey).await;
            let judgement = judge::judge(&survey);
            let settling = judgement.findings.iter().any(|finding| finding.id == "galera.view-changing");
            if !settling || begun.elapsed() > SETTLE_WITHIN {
                return Ok(Picture { survey, judgement });
            }
            tokio::time::sleep(SETTLE_AFTER).await;
        }
    }

    /// Positions that a run recovered on this workstation count where the engine's files are as they were. A record that
    /// cannot be read remembers nothing.
    async fn remember(&self, survey: &mut Survey) {
        let Some(state) = self.state else { return };
        let place = Place::new(state, survey.mode, &survey.cluster, None);
        self.memory.recall(&place, survey).await;
    }
}

/// What earlier runs recovered. A record is read again only where it is another one than before: whoever surveys every
/// few seconds does not read a long record each time.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Option<Remembered>>);

#[derive(Debug)]
struct Remembered {
    /// Place, length and time of the record that was read.
    of: (PathBuf, u64, Option<SystemTime>),
    found: BTreeMap<NodeName, Recovered>,
}

impl Memory {
    async fn recall(&self, place: &Place, survey: &mut Survey) {
        let Ok(log) = place.log().metadata() else { return };
        let of = (place.dir.clone(), log.len(), log.modified().ok());
        if self.memory().as_ref().is_none_or(|memory| memory.of != of) {
            // A long record takes its time, and holds up nobody.
            let dir = place.dir.clone();
            let read = tokio::task::spawn_blocking(move || {
                record::read(&dir).map(|records| engine::remembered(&records))
            });
            let Ok(Ok(found)) = read.await else { return };
            *self.memory() = Some(Remembered { of, found });
        }
        if let Some(memory) = &*self.memory() {
            engine::recall(survey, &memory.found);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Option<Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
