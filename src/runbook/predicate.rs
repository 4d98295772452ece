//! The named predicates a runbook may use, with their typed arguments.

use std::fmt;

use crate::facts::{NodeName, keys};
use crate::judge::Server;

use super::Scene;

/// A predicate with its arguments, over a survey and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// The machine answers.
    Reachable,
    /// No server process runs and none is on its way.
    ServerDown,
    /// The one server process shown waits for a Primary Component (cases 17, 18).
    ServerWaiting,
    /// What runs is one of these.
    ServerIs(Vec<Server>),
    /// No data node's server is starting or stopping.
    NoServerStarting,
    /// The node's position is known.
    PositionKnown,
    /// The server is down and the node's position is not known.
    PositionUnknown,
    /// Something could bootstrap this node by itself (S10).
    HasLeftovers,
    /// Nothing could.
    NoLeftovers,
    /// The unit is kept from starting (S21).
    Frozen,
    /// It is not.
    NotFrozen,
    /// The node's history is worth one of these.
    Standing(Vec<&'static str>),
    /// No node is in a Primary Component, nor says so.
    NoPrimary,
    /// A Primary Component is proved by its members.
    PrimaryProved,
    /// This node is a confirmed member of it.
    PrimaryIncludes,
    /// This node is a confirmed member, SYNCED, ready and connected.
    Synced,
    /// So is every planned node, the view has the planned size, and nobody else is in it (S22).
    AllSynced,
    /// This node is synced and takes writes.
    Writable,
    /// All members of the last Primary view are here and can form it again by themselves (case 12).
    LastViewComplete,
}

/// A row of the table of predicates.
#[derive(Clone, Copy, Debug)]
pub struct PredicateInfo {
    /// Its name in runbooks.
    pub name: &'static str,
    /// Whether it is about one node; else it is about the cluster.
    pub node: bool,
    /// Its argument, where it has one.
    pub argument: Option<Argument>,
    /// What it says when it passes, in one sentence.
    pub about: &'static str,
    /// What to do where it does not pass and nothing nearer is known.
    pub remedy: &'static str,
    /// Names of the facts it reads of each node.
    pub facts: &'static [&'static str],
}

/// A predicate's argument: a list of words.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its key.
    pub name: &'static str,
    /// The words it may hold.
    pub words: &'static [&'static str],
}

/// The words of standings, as `status --json` says them.
const STANDINGS: &[&str] = &[
    "ARBITRATOR",
    "TAINTED",
    "SYNCED",
    "DONOR",
    "JOINING",
    "NON-PRIMARY",
    "EMPTY",
    "UNKNOWN",
    "DIVERGED",
    "AHEAD",
    "BEHIND",
    "CANDIDATE",
];

/// The words of servers.
const SERVERS: &[(&str, Server)] = &[
    ("running", Server::Running),
    ("starting", Server::Starting),
    ("stopping", Server::Stopping),
    ("stopped", Server::Stopped),
    ("crashed", Server::Crashed),
    ("frozen", Server::Frozen),
];

const SERVER_WORDS: &[&str] = &["running", "starting", "stopping", "stopped", "crashed", "frozen"];

const SERVER: &[&str] = &[
    keys::SERVER_STATE.name(),
    keys::UNIT_ACTIVE.name(),
    keys::UNIT_SUB.name(),
    keys::UNIT_EXIT_CODE.name(),
    keys::UNIT_EXIT_STATUS.name(),
    keys::LOG_LAST_END.name(),
];

const VIEW: &[&str] = &[
    keys::WSREP_CLUSTER_STATUS.name(),
    keys::WSREP_CLUSTER_UUID.name(),
    keys::WSREP_CLUSTER_SIZE.name(),
    keys::WSREP_CONF_ID.name(),
    keys::WSREP_MEMBERS.name(),
    keys::WSREP_PEERS.name(),
    keys::WSREP_PEERS_SILENT.name(),
    keys::WSREP_EVS_STATE.name(),
];

const MEMBER: &[&str] = &[
    keys::WSREP_CLUSTER_STATUS.name(),
    keys::WSREP_CLUSTER_UUID.name(),
    keys::WSREP_CLUSTER_SIZE.name(),
    keys::WSREP_CONF_ID.name(),
    keys::WSREP_MEMBERS.name(),
    keys::WSREP_LOCAL_STATE.name(),
    keys::WSREP_READY.name(),
    keys::WSREP_CONNECTED.name(),
    keys::VAR_READ_ONLY.name(),
];

const POSITION: &[&str] = &[
    keys::RECOVERED.name(),
    keys::GRASTATE_FILE.name(),
    keys::GRASTATE_UUID.name(),
    keys::GRASTATE_SEQNO.name(),
    keys::LOG_POSITION.name(),
    keys::WSREP_LOCAL_UUID.name(),
    keys::WSREP_LAST_COMMITTED.name(),
];

const LAST_VIEW: &[&str] = &[
    keys::SERVER_STATE.name(),
    keys::GVWSTATE_FILE.name(),
    keys::GVWSTATE_VIEW.name(),
    keys::GVWSTATE_MEMBERS.name(),
    keys::LOG_BOOTSTRAPS.name(),
];

macro_rules! predicates {
    ($($name:literal, $node:literal, $argument:expr, $facts:expr, $about:literal, $remedy:literal;)*) => {
        /// Every predicate there is, in the order of the documentation.
        pub const PREDICATES: &[PredicateInfo] = &[$(PredicateInfo {
            name: $name, node: $node, argument: $argument, about: $about, remedy: $remedy, facts: $facts,
        }),*];
    };
}

predicates! {
    "reachable", true, None, &[],
        "The node's machine answers.",
        "look at its console, its power and the network to it";
    "server-down", true, None, SERVER,
        "No server process runs on the node, and none is starting or stopping.",
        "look at the unit and the process on the node; a start or stop under way has to end first";
    "server-waiting", true, None, &[keys::SERVER_STATE.name(), keys::UNIT_ACTIVE.name(), keys::LOG_WAITING.name(), keys::SERVER_PIDS.name()],
        "The node's server is starting or stopping, waits for a Primary Component by its log, and is the one process shown.",
        "read the end of the node's log and the processes on its data directory";
    "server-is", true, Some(Argument { name: "one_of", words: SERVER_WORDS }), SERVER,
        "What runs on the node is one of the words given.",
        "look at the unit and the process on the node";
    "no-server-starting", false, None, SERVER,
        "No data node's server is starting or stopping.",
        "wait until it has started or stopped; one that waits for a Primary Component has to be ended";
    "position-known", true, None, POSITION,
        "The node's position is known.",
        "recover it: `breakglass run galera-positions`";
    "position-unknown", true, None, POSITION,
        "The node's server is down, and its position is not known.",
        "look at the unit and the process on the node";
    "has-leftovers", true, None, &[keys::LEFTOVERS.name()],
        "Something on the node could bootstrap it by itself: a flag file, an option, a variable of the manager.",
        "read the node's option files and the manager's environment as root";
    "no-leftovers", true, None, &[keys::LEFTOVERS.name()],
        "Nothing on the node could bootstrap it by itself.",
        "clear what is shown; an address of `gcomm://` alone is mended by hand: name the peers";
    "frozen", true, None, &[keys::UNIT_FROZEN.name(), keys::HOST_MANAGER.name()],
        "The node's unit is kept from starting by itself or by others.",
        "freeze it, and look whether anything else rewrites the unit's settings";
    "not-frozen", true, None, &[keys::UNIT_FROZEN.name(), keys::HOST_MANAGER.name()],
        "The node's unit has its own settings.",
        "close or resume the session that froze it: `breakglass resume`";
    "standing", true, Some(Argument { name: "one_of", words: STANDINGS }), POSITION,
        "The node's standing is one of the words given.",
        "read the node's column in `breakglass status`: its standing says what it needs";
    "no-primary", false, None, VIEW,
        "No node is in a Primary Component, and none says so.",
        "join that Primary instead: `breakglass run galera-rejoin`";
    "primary-proved", false, None, VIEW,
        "One Primary Component is proved: more than half of its members confirm each other.",
        "read again in some seconds; without any Primary, start with `breakglass status`";
    "primary-includes", true, None, VIEW,
        "The node is a confirmed member of the Primary Component.",
        "read the end of the node's log, and try the ports 4567, 4568 and 4444 between it and the members";
    "synced", true, None, MEMBER,
        "The node is a confirmed member of the Primary Component: SYNCED, ready and connected.",
        "wait for its transfer to end; its log shows how far it is";
    "all-synced", false, None, MEMBER,
        "Every planned node is SYNCED in one Primary Component of the planned size, and nobody else is in it.",
        "look at the node named here: its column shows what it waits for";
    "writable", true, None, MEMBER,
        "The node is synced and takes writes.",
        "set read_only to OFF on the node, if that was not meant";
    "last-view-complete", false, None, LAST_VIEW,
        "All members of the last Primary view are down with that view saved, and nobody bootstrapped since: started \
         together, they form it again by themselves.",
        "recover the positions and bootstrap one node: `breakglass run galera-bootstrap`";
}

impl Predicate {
    /// Builds the predicate of that name. `words` are its argument, each of which is one the table allows; `None` where
    /// there is no such predicate, or it takes no argument and has one, or the other way round.
    pub(super) fn new(name: &str, words: Option<&[String]>) -> Option<Self> {
        let simple = |predicate| words.is_none().then_some(predicate);
        match name {
            "reachable" => simple(Self::Reachable),
            "server-down" => simple(Self::ServerDown),
            "server-waiting" => simple(Self::ServerWaiting),
            "server-is" => {
                let known =
                    |word: &String| SERVERS.iter().find(|(name, _)| name == word).map(|(_, server)| *server);
                words?.iter().map(known).collect::<Option<_>>().map(Self::ServerIs)
            }
            "no-server-starting" => simple(Self::NoServerStarting),
            "position-known" => simple(Self::PositionKnown),
            "position-unknown" => simple(Self::PositionUnknown),
            "has-leftovers" => simple(Self::HasLeftovers),
            "no-leftovers" => simple(Self::NoLeftovers),
            "frozen" => simple(Self::Frozen),
            "not-frozen" => simple(Self::NotFrozen),
            "standing" => {
                let known = |word: &String| STANDINGS.iter().find(|name| *name == word).copied();
                words?.iter().map(known).collect::<Option<_>>().map(Self::Standing)
            }
            "no-primary" => simple(Self::NoPrimary),
            "primary-proved" => simple(Self::PrimaryProved),
            "primary-includes" => simple(Self::PrimaryIncludes),
            "synced" => simple(Self::Synced),
            "all-synced" => simple(Self::AllSynced),
            "writable" => simple(Self::Writable),
            "last-view-complete" => simple(Self::LastViewComplete),
            _ => None,
        }
    }

    /// Its name in runbooks.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::ServerDown => "server-down",
            Self::ServerWaiting => "server-waiting",
            Self::ServerIs(_) => "server-is",
            Self::NoServerStarting => "no-server-starting",
            Self::PositionKnown => "position-known",
            Self::PositionUnknown => "position-unknown",
            Self::HasLeftovers => "has-leftovers",
            Self::NoLeftovers => "no-leftovers",
            Self::Frozen => "frozen",
            Self::NotFrozen => "not-frozen",
            Self::Standing(_) => "standing",
            Self::NoPrimary => "no-primary",
            Self::PrimaryProved => "primary-proved",
            Self::PrimaryIncludes => "primary-includes",
            Self::Synced => "synced",
            Self::AllSynced => "all-synced",
            Self::Writable => "writable",
            Self::LastViewComplete => "last-view-complete",
        }
    }

    /// The words of its argument; empty where it has none.
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::ServerIs(servers) => servers.iter().map(|server| server.as_str()).collect(),
            Self::Standing(words) => words.clone(),
            _ => Vec::new(),
        }
    }
}

/// A predicate as a condition of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// What must hold.
    pub predicate: Predicate,
}

impl Guard {
    /// The predicate's name.
    pub fn name(&self) -> &'static str {
        self.predicate.name()
    }

    /// Its row of the table.
    pub fn info(&self) -> Option<&'static PredicateInfo> {
        PREDICATES.iter().find(|row| row.name == self.name())
    }

    /// Whether it is about one node; else it is about the cluster.
    pub fn is_about_node(&self) -> bool {
        self.info().is_some_and(|row| row.node)
    }

    /// What to do where nothing nearer is known.
    pub fn remedy(&self) -> &'static str {
        self.info().map_or("", |row| row.remedy)
    }

    /// Names of the facts it reads of each of its [`Guard::nodes`].
    pub fn facts(&self) -> &'static [&'static str] {
        self.info().map_or(&[], |row| row.facts)
    }

    /// The nodes whose facts it reads: the scene's own, or every data node where it is about the cluster.
    pub fn nodes(&self, scene: &Scene<'_>) -> Vec<NodeName> {
        if self.is_about_node() {
            scene.node.into_iter().cloned().collect()
        } else {
            scene.survey.data_nodes().map(|node| node.name.clone()).collect()
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.predicate.words();
        f.write_str(self.name())?;
        if words.is_empty() { Ok(()) } else { write!(f, " {}", words.join(" or ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Standing;

    #[test]
    fn the_table_and_the_type_hold_the_same_predicates() {
        for row in PREDICATES {
            let words: Option<Vec<String>> =
                row.argument.map(|argument| argument.words.iter().map(|word| (*word).to_owned()).collect());
            let predicate = Predicate::new(row.name, words.as_deref()).expect(row.name);
            assert_eq!(predicate.name(), row.name);
            assert_eq!(
                Some(predicate.words()),
                row.argument.map(|argument| argument.words.to_vec()).or(Some(vec![]))
            );
            assert!(row.about.ends_with('.') && !row.remedy.ends_with('.'), "{}", row.name);
            let guard = Guard { predicate };
            assert_eq!(guard.info().map(|info| info.name), Some(row.name));
            // An argument too few or too many is no predicate.
            let other = words.is_none().then(|| vec!["x".to_owned()]);
            assert_eq!(Predicate::new(row.name, other.as_deref()), None);
        }
        assert_eq!(Predicate::new("no-such", None), None);
    }

    #[test]
    fn every_standing_has_its_word() {
        for standing in [
            Standing::Arbitrator,
            Standing::Tainted,
            Standing::Synced,
            Standing::Donor,
            Standing::Joining,
            Standing::NonPrimary,
            Standing::Empty,
            Standing::Unknown,
            Standing::Diverged,
            Standing::Ahead(1),
            Standing::Behind(1),
            Standing::Candidate,
        ] {
            assert!(STANDINGS.contains(&standing.as_str()), "{}", standing.as_str());
        }
        for (name, server) in SERVERS {
            assert_eq!(*name, server.as_str());
        }
        assert_eq!(SERVER_WORDS.len(), SERVERS.len());
    }
}
