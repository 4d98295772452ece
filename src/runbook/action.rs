//! The actions a runbook may combine: each with its class, where it may act, the rules it is held to and its undo.

use std::collections::BTreeSet;

use super::Scope;
use crate::ask::act::Class;
use crate::judge::{self, DoingKind};

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Takes a node's lease for this session.
    Lease,
    /// Copies state files and status into the record (S11).
    Capture,
    /// Keeps the unit from starting by itself or by others (S21).
    Freeze,
    /// Ends a server that waits for a Primary Component, by its shown pid (S15).
    EndStuck,
    /// Recovers the engine's position without changing a byte of the data directory (S14).
    Recover,
    /// Recovers it in the data directory itself (S14).
    RecoverDirect,
    /// Asks the operator for this input (S8).
    Choose(String),
    /// Moves away what could bootstrap a node by itself (S10).
    ClearLeftovers,
    /// Starts a node as a new Primary Component.
    Bootstrap,
    /// Starts a server whose group forms itself again from the last view.
    Start,
    /// Starts a server beside a living Primary: it takes what it lacks, or everything.
    Join,
    /// Looks until the checks hold.
    Watch,
    /// Writes one row into the schema breakglass_check (S22).
    Write,
    /// Reads that row back (S22).
    ReadBack,
    /// Drops that schema.
    DropCheck,
    /// Takes the freeze away (S21).
    Unfreeze,
    /// Gives the lease back.
    Release,
}

/// Where an action may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The cluster as a whole.
    Cluster,
    /// Any selection of nodes; the plan names them one by one.
    Nodes,
    /// Each data node, and nothing less.
    Each,
    /// The node of one input.
    One,
    /// The cluster, which leaves the node to the engine, or the node of one input.
    ClusterOrOne,
    /// Anything.
    Any,
}

impl On {
    /// Whether the scope fits.
    pub fn allows(self, scope: &Scope) -> bool {
        match self {
            Self::Cluster => *scope == Scope::Cluster,
            Self::Nodes => *scope != Scope::Cluster,
            Self::Each => *scope == Scope::EachData,
            Self::One => matches!(scope, Scope::Input(_)),
            Self::ClusterOrOne => matches!(scope, Scope::Cluster | Scope::Input(_)),
            Self::Any => true,
        }
    }

    /// What fits, as it is written.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Cluster => "\"cluster\"",
            Self::Nodes => "\"each\", { input = … } or { others = … }",
            Self::Each => "\"each\"",
            Self::One => "{ input = … }",
            Self::ClusterOrOne => "\"cluster\" or { input = … }",
            Self::Any => "\"cluster\", \"each\", { input = … } or { others = … }",
        }
    }
}

/// A row of the table of actions.
struct Row {
    name: &'static str,
    class: Class,
    on: On,
    undo: Option<&'static str>,
    about: &'static str,
}

impl Action {
    /// All actions, in the order in which a recovery uses them; `choose` of no input in particular.
    pub const ALL: [Self; 17] = [
        Self::Lease,
        Self::Capture,
        Self::Freeze,
        Self::EndStuck,
        Self::Recover,
        Self::RecoverDirect,
        Self::Choose(String::new()),
        Self::ClearLeftovers,
        Self::Bootstrap,
        Self::Start,
        Self::Join,
        Self::Watch,
        Self::Write,
        Self::ReadBack,
        Self::DropCheck,
        Self::Unfreeze,
        Self::Release,
    ];

    #[expect(clippy::too_many_lines, reason = "a table: one row per action")]
    fn row(&self) -> Row {
        use Class::{Destructive, Read, Reversible};
        let row = |name, class, on, undo, about| Row { name, class, on, undo, about };
        match self {
            Self::Lease => row(
                "take-lease",
                Reversible,
                On::Each,
                Some("release-lease"),
                "takes the node's lease: one session acts on a cluster, a second one only watches",
            ),
            Self::Capture => row(
                "capture",
                Read,
                On::Cluster,
                None,
                "copies the state files and the status of every node into the record, before anything is touched",
            ),
            Self::Freeze => row(
                "freeze",
                Reversible,
                On::Nodes,
                Some("unfreeze"),
                "keeps the unit from starting by itself or by others, and lifts its start timeout, until the next boot at most",
            ),
            Self::EndStuck => row(
                "end-stuck",
                Reversible,
                On::Nodes,
                None,
                "ends a server whose start waits for a Primary Component and ignores SIGTERM, by the pid that was shown",
            ),
            Self::Recover => row(
                "recover",
                Read,
                On::Nodes,
                None,
                "reads the engine's own position on an overlay: no byte of the data directory changes",
            ),
            Self::RecoverDirect => row(
                "recover-direct",
                Destructive,
                On::Nodes,
                None,
                "reads the engine's position in the data directory itself: the server's crash recovery rewrites engine files",
            ),
            Self::Choose(_) => row(
                "choose",
                Read,
                On::Cluster,
                None,
                "asks which node; a tie is shown and never decided by the program",
            ),
            Self::ClearLeftovers => row(
                "clear-leftovers",
                Reversible,
                On::Nodes,
                Some("put the kept files back from the node's quarantine, by hand"),
                "moves away what could bootstrap this node by itself; what is moved is kept in quarantine",
            ),
            Self::Bootstrap => row(
                "bootstrap",
                Destructive,
                On::One,
                None,
                "starts the node as a new Primary Component: its history becomes the cluster's",
            ),
            Self::Start => row(
                "start",
                Reversible,
                On::Nodes,
                Some("stop the server again, by hand"),
                "starts the server; with all other members of the last view it forms the same Primary again",
            ),
            Self::Join => row(
                "join",
                Destructive,
                On::Nodes,
                None,
                "starts the server beside the living Primary: it takes what it lacks, and in a full transfer its data is replaced",
            ),
            Self::Watch => row(
                "watch",
                Read,
                On::Any,
                None,
                "changes nothing: looks until the checks hold, and shows what is still missing",
            ),
            Self::Write => row(
                "write",
                Reversible,
                On::ClusterOrOne,
                Some("drop-check"),
                "writes one row into the schema breakglass_check, on the node given or on the first that is SYNCED",
            ),
            Self::ReadBack => {
                row("read-back", Read, On::Nodes, None, "reads that row back through the node's own server")
            }
            Self::DropCheck => row(
                "drop-check",
                Reversible,
                On::ClusterOrOne,
                None,
                "drops the schema breakglass_check again; nothing to do where nothing was written",
            ),
            Self::Unfreeze => {
                row("unfreeze", Reversible, On::Nodes, Some("freeze"), "gives the unit its own settings back")
            }
            Self::Release => row(
                "release-lease",
                Reversible,
                On::Each,
                None,
                "gives the node's lease back and removes what the session left on the node, quarantine excepted",
            ),
        }
    }

    /// Its name in runbooks, plans and records.
    pub fn name(&self) -> &'static str {
        self.row().name
    }

    /// What it does to the world.
    pub fn class(&self) -> Class {
        self.row().class
    }

    /// Where it may act.
    pub fn on(&self) -> On {
        self.row().on
    }

    /// The numbers of the safety rules it is held to, in order: those that are asked before it, and those of every act.
    pub fn rules(&self) -> Vec<u8> {
        let asked =
            judge::rules_of(self.doing()).iter().filter_map(|rule| rule.strip_prefix('S')?.parse().ok());
        let of_every_act: &[u8] = if self.class() == Class::Read { &[] } else { &[16, 18, 19, 20] };
        let all: BTreeSet<u8> = asked.chain(of_every_act.iter().copied()).collect();
        all.into_iter().collect()
    }

    /// What it is to the rules.
    pub fn doing(&self) -> DoingKind {
        match self {
            Self::Lease | Self::Release => DoingKind::Lease,
            Self::Freeze => DoingKind::Freeze,
            Self::Unfreeze => DoingKind::Unfreeze,
            Self::EndStuck => DoingKind::EndStuck,
            Self::Recover => DoingKind::Recover,
            Self::RecoverDirect => DoingKind::RecoverDirect,
            Self::ClearLeftovers => DoingKind::ClearLeftovers,
            Self::Bootstrap => DoingKind::Bootstrap,
            Self::Join => DoingKind::Join,
            Self::Start => DoingKind::StartTogether,
            Self::Write | Self::DropCheck => DoingKind::Write,
            Self::Capture | Self::Choose(_) | Self::Watch | Self::ReadBack => DoingKind::Look,
        }
    }

    /// What takes it back: another action, or what to do by hand. `None` where nothing does, or nothing has to.
    pub fn undo(&self) -> Option<&'static str> {
        self.row().undo
    }

    /// What it does, in a sentence fragment that begins with a verb.
    pub fn about(&self) -> &'static str {
        self.row().about
    }

    /// Whether a server may start by it, or must not start beside it: the unit is frozen before (S21).
    pub(super) fn needs_freeze(&self) -> bool {
        matches!(self, Self::EndStuck | Self::RecoverDirect | Self::Bootstrap | Self::Start | Self::Join)
    }

    /// Whether its confirmation speaks for the whole cluster: a bootstrap's names every node that follows.
    pub(super) fn speaks_for_all(&self) -> bool {
        *self == Self::Bootstrap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::safety::RULES;

    #[test]
    fn every_action_says_what_it_is() {
        let mut names: Vec<&str> = Action::ALL.iter().map(Action::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            assert!(!action.about().is_empty() && !action.about().ends_with('.'), "{}", action.name());
            assert!(action.rules().is_sorted(), "{}", action.name());
            for number in action.rules() {
                assert!(RULES.iter().any(|rule| rule.number == number), "{} S{number}", action.name());
            }
        }
    }

    #[test]
    fn what_changes_a_node_is_held_to_the_rules_of_acting() {
        for action in Action::ALL.iter().filter(|action| action.class() != Class::Read) {
            for number in [18, 19, 20] {
                assert!(action.rules().contains(&number), "{} S{number}", action.name());
            }
        }
    }

    #[test]
    fn what_cannot_be_taken_back_is_destructive() {
        let destructive: Vec<&str> = Action::ALL
            .iter()
            .filter(|action| action.class() == Class::Destructive)
            .map(Action::name)
            .collect();
        assert_eq!(destructive, ["recover-direct", "bootstrap", "join"]);
        assert!(
            Action::ALL.iter().all(|action| action.class() != Class::Destructive || action.undo().is_none())
        );
    }
}
