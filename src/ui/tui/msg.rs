//! What comes to the model, and what it wants done. Data only: nothing here can be run, everything can be compared.

use std::fmt;

use crossterm::event::KeyEvent;
use zeroize::Zeroizing;

use super::model::{Cluster, Picture, RecordState};
use super::walk::{Stopping, Told};
use crate::engine::WaiverGiven;
use crate::facts::{NodeName, NodeSurvey, Plain};
use crate::runbook::Plan;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
    /// A node of a survey under way has answered.
    Arrived { cluster: Which, node: Box<NodeSurvey> },
    /// A survey has come to its end.
    Surveyed { cluster: Which, result: Result<Box<Picture>, Plain> },
    /// The state of a cluster's record.
    Record { cluster: usize, state: RecordState },
    /// The open cluster's record as lines.
    RecordLines(Vec<String>),
    /// The run says something.
    Told(Told),
    /// A drill has begun on this cluster.
    DrillBegan(Box<Cluster>),
    /// How the drill on this cluster went.
    Debrief { cluster: Which, lines: Vec<Plain> },
    /// A passphrase or password is wanted.
    SecretAsked(Plain),
    /// Something could not be done.
    Trouble(Plain),
    /// A moment that was waited for is there.
    Due,
    /// A signal asks the program to end.
    Signalled,
}

/// Something to be done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Survey this cluster.
    Survey(usize),
    /// Read the state of its record.
    ReadRecord(usize),
    /// Read its record as lines.
    ShowRecord(usize),
    /// Begin the drill of this id.
    BeginDrill(String),
    /// Look whether the drill on this cluster is won.
    Debrief(usize),
    /// Walk.
    Walk(Box<Order>),
    /// Answer what the run asked.
    Answer(Reply),
    /// Stop the run so far.
    Stop(Stopping),
    /// The secret that was typed, or none.
    Secret(Option<Hidden>),
    /// Put this on the operator's clipboard.
    Copy(String),
    /// Put the program aside.
    Suspend,
    /// Take the terminal over again: it was given back by somebody else.
    Resume,
    /// Draw everything again.
    Redraw,
    /// End with this exit code.
    Quit(u8),
}

/// A cluster: its place, and which of those that had it ([`Cluster::serial`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Which {
    /// Its place.
    pub(crate) at: usize,
    /// Which one.
    pub(crate) serial: u64,
}

/// Text that is shown nowhere, not by `Debug` either (S24).
pub(crate) struct Hidden(pub(crate) Zeroizing<String>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

/// What is to be walked, and why.
#[derive(Debug)]
pub(crate) struct Order {
    /// On which cluster.
    pub(crate) cluster: usize,
    /// What.
    pub(crate) plan: Plan,
    /// Why; none where it only reads.
    pub(crate) reason: Option<String>,
    /// For which incident.
    pub(crate) incident: Option<String>,
}

/// The operator's answer to what the run asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// This node.
    Chosen(NodeName),
    /// This was typed.
    Typed(String),
    /// It is waived.
    Waived(WaiverGiven),
    /// No; the reason is for the record.
    Refused(String),
}
