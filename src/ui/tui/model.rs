//! Everything the screens show, as data. Views read it, [`super::update`] alone changes it.
//!
//! ```text
//! Model
//!  ├─ clusters   what is known of each: the last survey, the one under way, its record
//!  ├─ walk       the run under way, or the last one
//!  ├─ glass      whether anything may be changed, since when and why
//!  └─ layers     what is on the screen: the top one is drawn and gets the keys
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::keymap::Context;
use super::look::Look;
use super::msg::Which;
use super::past::Past;
pub(crate) use super::place::{NodeAt, NodeTab, Only};
use super::walk::Walk;
use crate::facts::{ClusterName, Family, Mode, NodeName, NodeSurvey, Plain, Role};
use crate::judge::{Finding, NodeJudgement, Verdict};
use crate::runbook::Runbook;
pub(in crate::ui) use crate::ui::survey::Picture;

/// The whole of it.
#[derive(Debug)]
pub(crate) struct Model {
    /// Colours and signs.
    pub(crate) look: Look,
    /// Columns and rows of the terminal.
    pub(crate) size: (u16, u16),
    /// This workstation's clock at the last message; it never goes back while the program runs.
    pub(crate) now: Timestamp,
    /// When the last key came.
    pub(crate) last_key: Timestamp,
    /// The inventory's, and a drill's.
    pub(crate) clusters: Vec<Cluster>,
    /// The one in front.
    pub(crate) open: Option<usize>,
    /// The drills that can be begun.
    pub(crate) drills: Vec<DrillOffer>,
    /// The runbooks there are.
    pub(crate) runbooks: Vec<Arc<Runbook>>,
    /// Bottom first; never empty while the program runs.
    pub(crate) layers: Vec<Layer>,
    /// The run under way, or the last one.
    pub(crate) walk: Option<Walk>,
    /// Whether anything may be changed.
    pub(crate) glass: Option<Glass>,
    /// One line for the operator, until the next key.
    pub(crate) notice: Option<Plain>,
    /// A passphrase or password that is waited for.
    pub(crate) secret: Option<SecretAsked>,
    /// The program ends when the run has ended.
    pub(crate) leaving: bool,
    /// Inputs that were given beforehand for one runbook, by its place.
    pub(crate) preset: Option<(usize, BTreeMap<String, NodeName>)>,
    /// What makes the next drill come out the same again.
    pub(crate) seed: Option<u64>,
}

/// A passphrase or password that is waited for.
pub(crate) struct SecretAsked {
    /// What is asked.
    pub(crate) question: Plain,
    /// What was typed so far; shown nowhere (S24).
    pub(crate) typed: Zeroizing<String>,
    /// Enter was pressed on an empty line: once more, and the empty secret is the answer.
    pub(crate) empty: bool,
}

impl fmt::Debug for SecretAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretAsked").field("question", &self.question).finish_non_exhaustive()
    }
}

/// A drill on offer.
#[derive(Clone, Debug)]
pub(crate) struct DrillOffer {
    /// Its id.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) title: Plain,
    /// How hard it is, 1 to 5.
    pub(crate) level: u64,
}

/// The glass is broken: acts are possible.
#[derive(Clone, Debug)]
pub(crate) struct Glass {
    /// The cluster it was broken for.
    pub(crate) cluster: usize,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Why.
    pub(crate) reason: String,
    /// For which incident.
    pub(crate) incident: String,
    /// The last key; fifteen minutes after it the glass closes by itself where nothing runs.
    pub(crate) last_key: Timestamp,
}

/// One cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Its name.
    pub(crate) name: ClusterName,
    /// Its kind.
    pub(crate) family: Family,
    /// Its nodes and what they are for, in the inventory's order: the order of the columns for ever (U8).
    pub(crate) nodes: Vec<(NodeName, Role)>,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Which cluster it is of those that had this place: a drill that is begun again is another one.
    pub(crate) serial: u64,
    /// The last survey that was complete.
    pub(crate) picture: Option<Picture>,
    /// The survey under way.
    pub(crate) reading: Option<Reading>,
    /// When the last survey came to its end, on this workstation's clock.
    pub(crate) read_at: Option<Timestamp>,
    /// Why the last survey came to nothing.
    pub(crate) failed: Option<Plain>,
    /// What changed while it was looked at.
    pub(crate) past: Past,
    /// What each node's counters did, survey by survey.
    pub(crate) pulse: BTreeMap<NodeName, Pulse>,
    /// The state of its record.
    pub(crate) record: RecordState,
    /// Whether it is surveyed again and again.
    pub(crate) auto: bool,
    /// The clock its ages are told by: this workstation's, or the drill's.
    pub(crate) now: Timestamp,
}

/// Where a cluster comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// The inventory.
    Inventory,
    /// A drill, on a simulated cluster.
    Drill(Box<DrillView>),
}

/// What the screens show of a drill.
#[derive(Clone, Debug)]
pub(crate) struct DrillView {
    /// What it is called.
    pub(crate) title: Plain,
    /// What the pager says.
    pub(crate) brief: Vec<Plain>,
    /// What is asked before the first act.
    pub(crate) questions: Vec<Question>,
    /// The answers that were given, in the order of the questions.
    pub(crate) answered: Vec<usize>,
    /// When the pager went off, on the drill's clock.
    pub(crate) began: Timestamp,
    /// The debrief, once everything is reached; the first line says it all.
    pub(crate) debrief: Vec<Plain>,
}

/// A question before the first act.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// What is asked.
    pub(crate) text: Plain,
    /// The answers on offer.
    pub(crate) options: Vec<Plain>,
    /// The place of each in the scenario.
    pub(crate) order: Vec<usize>,
}

impl DrillView {
    /// The question that is not answered yet.
    pub(crate) fn asks(&self) -> Option<&Question> {
        self.questions.get(self.answered.len())
    }
}

/// A survey under way.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Since when, on the cluster's clock.
    pub(crate) since: Timestamp,
    /// Those that have answered.
    pub(crate) arrived: Vec<NodeSurvey>,
}

/// What a node's counters did, the latest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse {
    /// wsrep_last_committed, survey by survey; `None` where it was not known.
    pub(crate) seqno: VecDeque<Option<u64>>,
    /// The receive queue's length, survey by survey.
    pub(crate) queue: VecDeque<Option<u64>>,
}

/// The state of a cluster's record, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordState {
    /// Not read yet.
    Unread,
    /// There is none yet; it begins with the first session.
    Ready,
    /// It has records.
    Head {
        /// The short code of its head, to read aloud and to paste.
        code: String,
        /// How many.
        records: u64,
        /// Sessions that were never closed.
        open: usize,
    },
    /// It cannot be read, or is broken.
    Trouble(Plain),
}

/// What is on the screen. The lower ones wait under it.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// No inventory: drills first.
    Welcome { at: usize },
    /// All clusters, the worst first.
    Fleet { at: usize, filter: String },
    /// What the pager says.
    Brief { scroll: usize },
    /// The matrix of the open cluster with its findings.
    Matrix(MatrixAt),
    /// One node's evidence.
    Node(NodeAt),
    /// One finding with its evidence, of which one piece is chosen.
    Finding { at: usize, scroll: usize, evidence: usize },
    /// What changed, survey by survey or since the pinned one.
    Changes { pinned: bool, scroll: usize },
    /// The runbooks: possible now or why not.
    Picker { at: usize },
    /// The drill's question before the first act; then the runbook that is walked afterwards, by its place.
    Diagnose { at: Option<usize>, then: Option<usize> },
    /// Why the glass is broken.
    Reason(ReasonForm),
    /// The run.
    Walker { at: Option<usize>, scroll: usize },
    /// Whom to choose (S8). Nobody, until a key has chosen.
    Choose { at: Option<usize> },
    /// A typed confirmation (U2 to U5).
    Confirm { typed: String, burst: Burst, wrong: u8, scroll: usize },
    /// A waiver (U11).
    Waive(WaiveForm),
    /// The exact script of a step.
    Script { step: usize, scroll: usize },
    /// A runbook's plan with every command; nothing is sent.
    Plan { runbook: Arc<Runbook>, scroll: usize },
    /// The record of the open cluster.
    Record { lines: Vec<String>, scroll: usize, filter: String },
    /// The keys.
    Help { of: Context, scroll: usize },
    /// All that can be done here, by name.
    Palette { typed: String, at: usize },
    /// Narrows the layer below while it is typed.
    Filter { typed: String },
    /// Leaving while something runs.
    Leave,
    /// A passphrase or password; what is typed stands in [`Model::secret`].
    Secret,
    /// How the drill went.
    Debrief { scroll: usize },
}

/// Where the operator is on the matrix.
#[derive(Clone, Debug, Default)]
pub(crate) struct MatrixAt {
    /// The node, by its column.
    pub(crate) node: usize,
    /// The finding.
    pub(crate) finding: usize,
    /// How far the rows are scrolled.
    pub(crate) scroll: usize,
    /// Rows whose name holds this.
    pub(crate) filter: String,
}

/// How a line came: key by key, or all at once as a paste does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Burst {
    /// So many letters came at once just now.
    now: usize,
    /// The most that ever did in this line.
    most: usize,
}

impl Burst {
    /// More at once than a line over a bad connection brings.
    const PASTE: usize = 6;

    /// A letter came, apart from the one before it or at once with it.
    pub(crate) fn letter(&mut self, apart: bool) {
        self.now = if apart { 0 } else { self.now + 1 };
        self.most = self.most.max(self.now);
    }

    /// Whether any part of the line was pasted.
    pub(crate) fn is_paste(self) -> bool {
        self.most >= Self::PASTE
    }
}

/// The form that breaks the glass.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReasonForm {
    /// The runbook that is walked afterwards, by its place in [`Model::runbooks`].
    pub(crate) runbook: Option<usize>,
    /// Why.
    pub(crate) reason: String,
    /// For which incident.
    pub(crate) incident: String,
    /// Which of the two is typed: 0 or 1.
    pub(crate) field: usize,
}

/// The form of a waiver.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaiveForm {
    /// What is typed.
    pub(crate) typed: String,
    /// How it came.
    pub(crate) burst: Burst,
    /// Why.
    pub(crate) reason: String,
    /// For how many minutes.
    pub(crate) minutes: String,
    /// Which of the three is typed: 0 to 2.
    pub(crate) field: usize,
    /// How often the first was wrong.
    pub(crate) wrong: u8,
    /// How far the text above is scrolled.
    pub(crate) scroll: usize,
}

impl Model {
    /// The cluster in front.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        self.clusters.get(self.open?)
    }

    /// The cluster that is meant, if it is still the one at its place.
    pub(crate) fn which(&mut self, which: Which) -> Option<&mut Cluster> {
        self.clusters.get_mut(which.at).filter(|cluster| cluster.serial == which.serial)
    }

    /// The layer on top.
    pub(crate) fn top(&self) -> Option<&Layer> {
        self.layers.last()
    }

    /// The run that is under way.
    pub(crate) fn running(&self) -> Option<&Walk> {
        self.walk.as_ref().filter(|walk| walk.ended.is_none())
    }

    /// The clusters that a filter leaves, the worst first; within one verdict in the inventory's order.
    pub(crate) fn fleet(&self, filter: &str) -> Vec<usize> {
        let named = |cluster: &Cluster| cluster.name.as_str().contains(filter.trim());
        let mut all: Vec<usize> = self
            .clusters
            .iter()
            .enumerate()
            .filter(|(_, cluster)| named(cluster))
            .map(|(at, _)| at)
            .collect();
        all.sort_by_key(|at| self.clusters.get(*at).map(Cluster::urgency));
        all
    }

    /// The finding at that place of the open cluster, worst first.
    pub(crate) fn finding(&self, at: usize) -> Option<&Finding> {
        self.cluster()?.picture.as_ref()?.judgement.findings.get(at)
    }
}

impl Layer {
    /// Where a key is pressed while this is on top.
    pub(crate) fn context(&self) -> Context {
        match self {
            Self::Welcome { .. } => Context::Welcome,
            Self::Fleet { .. } => Context::Fleet,
            Self::Brief { .. } => Context::Brief,
            Self::Matrix(_) => Context::Matrix,
            Self::Node(at) if at.tab == NodeTab::Log => Context::Log,
            Self::Node(_) => Context::Node,
            Self::Finding { .. } => Context::Finding,
            Self::Changes { .. } => Context::Changes,
            Self::Picker { .. } => Context::Picker,
            Self::Diagnose { .. } => Context::Diagnose,
            Self::Reason(_) => Context::Reason,
            Self::Walker { .. } => Context::Walker,
            Self::Choose { .. } => Context::Choose,
            Self::Confirm { .. } => Context::Confirm,
            Self::Waive(_) => Context::Waive,
            Self::Script { .. } | Self::Plan { .. } => Context::Script,
            Self::Record { .. } => Context::Record,
            Self::Help { .. } => Context::Help,
            Self::Palette { .. } => Context::Palette,
            Self::Filter { .. } => Context::Filter,
            Self::Leave => Context::Leave,
            Self::Secret => Context::Secret,
            Self::Debrief { .. } => Context::Debrief,
        }
    }
}

impl Cluster {
    /// A cluster of which nothing is known yet.
    pub(crate) fn new(
        name: ClusterName,
        family: Family,
        nodes: Vec<(NodeName, Role)>,
        origin: Origin,
        now: Timestamp,
    ) -> Self {
        Self {
            name,
            family,
            nodes,
            origin,
            serial: 0,
            picture: None,
            reading: None,
            read_at: None,
            failed: None,
            past: Past::default(),
            pulse: BTreeMap::new(),
            record: RecordState::Unread,
            auto: true,
            now,
        }
    }

    /// The worst first: an outage, then what cannot be told, then a degraded one, then those not read yet.
    fn urgency(&self) -> u8 {
        match self.picture.as_ref().map(|picture| picture.judgement.verdict) {
            Some(Verdict::Outage) => 0,
            Some(Verdict::Undetermined) => 1,
            Some(Verdict::Degraded) => 2,
            None => 3,
            Some(Verdict::Healthy) => 4,
        }
    }

    /// Whether it is the real thing. `None` while nobody has said so yet.
    pub(crate) fn mode(&self) -> Option<Mode> {
        match &self.origin {
            Origin::Drill(_) => Some(Mode::Drill),
            Origin::Inventory => self.picture.as_ref().map(|picture| picture.survey.mode),
        }
    }

    /// Whether its record is to be read: it is known whose it is, and nobody has looked yet.
    pub(crate) fn is_record_due(&self) -> bool {
        self.record == RecordState::Unread && self.mode().is_some()
    }

    /// The drill it is.
    pub(crate) fn drill(&self) -> Option<&DrillView> {
        match &self.origin {
            Origin::Drill(drill) => Some(drill),
            Origin::Inventory => None,
        }
    }

    /// The column's facts and what they mean, where a survey is there.
    pub(crate) fn column(&self, node: usize) -> Option<(&NodeSurvey, &NodeJudgement)> {
        let picture = self.picture.as_ref()?;
        let (name, _) = self.nodes.get(node)?;
        Some((picture.survey.node(name)?, picture.judgement.node(name)?))
    }

    /// How old the last survey is.
    pub(crate) fn age(&self) -> Option<SignedDuration> {
        let picture = self.picture.as_ref()?;
        Some(self.now.duration_since(picture.survey.taken).max(SignedDuration::ZERO))
    }

    /// The nodes of the survey under way that have not answered yet.
    pub(crate) fn awaited(&self) -> Vec<&NodeName> {
        let Some(reading) = &self.reading else { return Vec::new() };
        let there = |name: &NodeName| reading.arrived.iter().any(|node| node.name == *name);
        self.nodes.iter().map(|(name, _)| name).filter(|name| !there(name)).collect()
    }
}
