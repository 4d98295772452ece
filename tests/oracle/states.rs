//! The states a node can be found in: each as a probe would have found it, beside what it means on paper.
//!
//! The oracle sees the paper only, the judge the facts only.

use breakglass::facts::{Position, WhyKind, keys};

use super::paper::{Group, History, Log, Part, Place, Set, Sheet, View};
use super::surveys::{self, Node, OTHER_UUID, UUID, ago, plain, seqno, uuid};
use Group::{Filling, NonPrimary, Out, Says, Silent};
use History::{A, B};

/// A node and what it means.
pub(crate) type State = (Node, Sheet);

/// Which node of how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) index: usize,
    pub(crate) nodes: usize,
}

const NAMES: [&str; 9] = ["g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9"];
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// A quiet log: no bootstrap, it reaches a month back, and the node was in the group ten minutes ago.
const QUIET: Log = Log { bootstrap: None, took_part: Some(10), seen_in: None, reach: 30 * 24 * 60 };

impl At {
    pub(crate) fn name(self) -> &'static str {
        NAMES[self.index]
    }

    fn all(self) -> Set {
        (1 << self.nodes) - 1
    }

    /// A bare majority that this node is in: the first nodes, or the last.
    fn majority(self) -> Set {
        let votes = self.nodes / 2 + 1;
        let first = (1 << votes) - 1;
        if self.index < votes { first } else { first << (self.nodes - votes) }
    }

    /// The majority of the last nodes, for those in both.
    fn other_majority(self) -> Set {
        let votes = self.nodes / 2 + 1;
        let last = ((1 << votes) - 1) << (self.nodes - votes);
        if last >> self.index & 1 == 1 { last } else { self.majority() }
    }

    fn alone(self) -> Set {
        1 << self.index
    }

    fn node(self) -> Node {
        Node::new(self.name()).frozen().roomy()
    }
}

fn names(set: Set) -> Vec<&'static str> {
    NAMES.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, name)| *name).collect()
}

fn id(of: History) -> &'static str {
    match of {
        A => UUID,
        B => OTHER_UUID,
    }
}

fn position((of, at): Place) -> Position {
    Position { uuid: uuid(id(of)), seqno: seqno(at.cast_signed()) }
}

/// A server that is down, proved so, with nothing against it.
fn down(server: &'static str, place: Option<Place>, saved: Option<Set>) -> Sheet {
    Sheet {
        server,
        place,
        tainted: false,
        evicted: false,
        empty: false,
        group: Out(saved),
        log: QUIET,
        holds_back: &[],
    }
}

impl Sheet {
    fn held_back(self, holds_back: &'static [&'static str]) -> Self {
        Self { holds_back, ..self }
    }

    fn evicted(self) -> Self {
        Self { evicted: true, ..self.tainted() }
    }

    fn tainted(self) -> Self {
        Self { tainted: true, ..self }
    }

    fn empty(self) -> Self {
        Self { empty: true, ..self }
    }

    fn log(self, log: Log) -> Self {
        Self { log, ..self }
    }
}

fn stopped(at: At, place: Place) -> State {
    let node = at.node().stopped(place.1.cast_signed()).state_file(id(place.0), place.1.cast_signed());
    (node, down("stopped", Some(place), None))
}

fn crashed(at: At, saved: Set) -> State {
    (at.node().crashed(&names(saved)), down("crashed", None, Some(saved)))
}

fn recovered(at: At, place: Place, saved: Set) -> State {
    let node = at.node().crashed(&names(saved)).state_file(id(place.0), -1);
    (node.set(keys::RECOVERED, position(place)), down("crashed", Some(place), Some(saved)))
}

fn logged(at: At, place: Place) -> State {
    (
        at.node().crashed(&names(at.all())).logged(place.1.cast_signed()),
        down("crashed", Some(place), Some(at.all())),
    )
}

/// The state file is of another kind than Galera's: `missing`, `empty` or `malformed`; what it says is nothing.
fn without_file(node: Node, word: &str) -> Node {
    let kind = if word == "malformed" { WhyKind::Malformed } else { WhyKind::Undefined };
    node.set(keys::GRASTATE_FILE, plain(word))
        .unknown(keys::GRASTATE_UUID, kind, word)
        .unknown(keys::GRASTATE_SEQNO, kind, word)
        .unknown(keys::GRASTATE_SAFE, kind, word)
}

/// What the probe says of a saved view with one member while no server runs.
fn alone_by_its_view(node: Node) -> Node {
    node.set(keys::LEFTOVERS, vec![plain("/var/lib/mysql/gvwstate.dat: a saved view of this node alone")])
}

/// Its saved view is in quarantine.
fn without_view(node: Node) -> Node {
    node.set(keys::GVWSTATE_FILE, plain("missing"))
        .unknown(keys::GVWSTATE_VIEW, WhyKind::Undefined, "missing")
        .unknown(keys::GVWSTATE_VIEW_SEQ, WhyKind::Undefined, "missing")
        .unknown(keys::GVWSTATE_MEMBERS, WhyKind::Undefined, "missing")
}

fn denied(node: Node) -> Node {
    let node = node
        .unknown(keys::GRASTATE_FILE, WhyKind::Denied, "denied")
        .unknown(keys::GRASTATE_UUID, WhyKind::Denied, "denied")
        .unknown(keys::GRASTATE_SEQNO, WhyKind::Denied, "denied");
    node.unknown(keys::GRASTATE_SAFE, WhyKind::Denied, "denied")
}

/// Its log ends without an end, having shown it in a Primary Component so many minutes ago.
fn cut(node: Node, minutes: Option<i64>) -> Node {
    let node = node.unknown(keys::LOG_TOOK_PART, WhyKind::Undefined, "not until when");
    let Some(minutes) = minutes else { return node };
    let line = format!("became-primary 1 {0:.0} {0:.0}", ago(minutes));
    node.set(keys::LOG_KNOWN, vec![plain(&line)])
}

const RUNS: &[&str] = &["S5", "S6"];

/// A member of a Primary Component, by its own word.
fn member(at: At, number: u64, members: Set, seqno: u64) -> State {
    let node = at.node().synced(number, &names(members), seqno.cast_signed());
    let view = View { of: A, number, members };
    let group = Says { view, firm: true, part: Part::Synced };
    (node, Sheet { group, ..down("running", Some((A, seqno)), None) }.held_back(RUNS))
}

fn takes_part(state: State, part: Part) -> State {
    let (node, sheet) = state;
    let group = match sheet.group {
        Says { view, firm, .. } => Says { view, firm, part },
        other => other,
    };
    (node, Sheet { group, ..sheet })
}

fn wavers(state: State) -> State {
    let (node, sheet) = state;
    let group = match sheet.group {
        Says { view, part, .. } => Says { view, firm: false, part },
        other => other,
    };
    (node, Sheet { group, ..sheet })
}

fn non_primary(at: At, place: u64, saved: Set) -> State {
    let node = at.node().non_primary(&names(saved), place.cast_signed());
    let sheet = Sheet { group: NonPrimary(Some(saved)), ..down("running", Some((A, place)), None) };
    (node, sheet.held_back(&["S5"]).log(Log { took_part: None, ..QUIET }))
}

/// A server that runs and was not heard over SQL.
fn unheard(at: At) -> State {
    let node = at.node().process("active", "running").view(3, &names(at.all())).set(keys::LISTEN_SQL, true);
    (node, Sheet { group: Silent { runs: true }, ..down("running", None, None) }.held_back(RUNS))
}

fn starting(at: At) -> Node {
    at.node().process("activating", "start").view(3, &names(at.all()))
}

/// A state's name, and what makes a node in it.
pub(crate) type Named = (&'static str, fn(At) -> State);

/// Every state, by name.
pub(crate) const STATES: &[Named] = &[
    // What cannot be seen.
    ("unreachable", |at| {
        let sheet = Sheet { group: Silent { runs: false }, ..down("unknown", None, None) };
        (at.node().unreachable(), sheet.held_back(&["S5"]))
    }),
    ("answers, and nothing was read", |at| {
        let mut node = at.node().unreachable();
        node.0.ssh = breakglass::facts::Reach::ok();
        let sheet = Sheet { group: Silent { runs: false }, ..down("unknown", None, None) };
        (node, sheet.held_back(&["S5", "S10", "S11"]))
    }),
    ("stopped, its files not shown to us", |at| {
        (denied(stopped(at, (A, 3)).0), down("stopped", None, None).held_back(&["S11"]))
    }),
    // Stopped, and the state file says where.
    ("stopped at 1", |at| stopped(at, (A, 1))),
    ("stopped at 2", |at| stopped(at, (A, 2))),
    ("stopped at 3", |at| stopped(at, (A, 3))),
    ("stopped at 1 of another history", |at| stopped(at, (B, 1))),
    ("stopped at 9 of another history", |at| stopped(at, (B, 9))),
    ("stopped at 1, the flag set", |at| {
        let (node, sheet) = stopped(at, (A, 1));
        (node.set(keys::GRASTATE_SAFE, true), sheet)
    }),
    ("stopped at 3, its unit not frozen", |at| {
        let (node, sheet) = stopped(at, (A, 3));
        (node.set(keys::UNIT_FROZEN, plain("")), sheet.held_back(&["S21"]))
    }),
    ("stopped at 2, something left that bootstraps", |at| {
        let (node, sheet) = stopped(at, (A, 2));
        (node.set(keys::LEFTOVERS, vec![plain("my.cnf:3: gcomm://")]), sheet.held_back(&["S10"]))
    }),
    // Stopped, and the state file is no witness.
    ("stopped with -1 and the flag set", |at| {
        let node = at.node().stopped(-1).set(keys::GRASTATE_SAFE, true);
        (node, down("stopped", None, None))
    }),
    ("wiped: no files, which Galera takes for safe", |at| {
        let node = without_file(at.node().stopped(0), "missing").set(keys::DATADIR_SYSTEM_SCHEMA, false);
        (node.set(keys::GRASTATE_SAFE, true), down("stopped", None, None).empty())
    }),
    ("its state file taken away", |at| {
        (without_file(at.node().stopped(0), "missing"), down("stopped", None, None))
    }),
    ("its state file empty", |at| (without_file(at.node().stopped(0), "empty"), down("stopped", None, None))),
    ("its state file not Galera's: seqno abc", |at| {
        let node = at.node().stopped(3).set(keys::GRASTATE_FILE, plain("malformed"));
        (node.unknown(keys::GRASTATE_SEQNO, WhyKind::Malformed, "abc"), down("stopped", None, None))
    }),
    ("zero UUID, the flag set", |at| {
        let node = at.node().stopped(0).state_file(ZERO, -1).set(keys::GRASTATE_SAFE, true);
        (node, down("stopped", None, None).empty())
    }),
    ("zero UUID at 0", |at| (at.node().stopped(0).state_file(ZERO, 0), down("stopped", None, None).empty())),
    ("zero UUID, the engine at 3", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (node.state_file(ZERO, -1), sheet.tainted())
    }),
    ("state file empty, the engine at 3: half a copy", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (without_file(node, "empty"), sheet.tainted())
    }),
    ("stopped; file at 9 and engine at 3", |at| {
        let node = at.node().stopped(9).recovered(3);
        (node, down("stopped", Some((A, 3)), None).held_back(&["S3"]))
    }),
    ("stopped at 3, the file written after the end", |at| {
        let (node, sheet) = stopped(at, (A, 3));
        let node = node.set(keys::UNIT_EXITED, ago(9)).set(keys::GRASTATE_MTIME, ago(6));
        (node, sheet.held_back(&["S3"]))
    }),
    ("stopped, and its last run did not write the file", |at| {
        let node = at.node().stopped(3).set(keys::UNIT_STARTED, ago(20)).set(keys::GRASTATE_MTIME, ago(90));
        (node, down("stopped", None, None))
    }),
    // Crashed.
    ("crashed", |at| crashed(at, at.all())),
    ("crashed out of a bare majority", |at| crashed(at, at.majority())),
    // With that view it would be a Primary by itself: one of S10's, until it is moved away.
    ("crashed alone", |at| {
        let (node, sheet) = crashed(at, at.alone());
        (alone_by_its_view(node), sheet.held_back(&["S10"]))
    }),
    ("crashed alone, recovered at 3", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.alone());
        (alone_by_its_view(node), sheet.held_back(&["S10"]))
    }),
    ("crashed alone, recovered at 3, that view moved away", |at| {
        let (node, _) = recovered(at, (A, 3), at.alone());
        (without_view(node), down("crashed", Some((A, 3)), None))
    }),
    ("killed as a donor: 3 in the file, the flag set", |at| {
        let node = at.node().crashed(&names(at.all())).state_file(UUID, 3).set(keys::GRASTATE_SAFE, true);
        (node, down("crashed", None, Some(at.all())))
    }),
    ("crashed, recovered at 1", |at| recovered(at, (A, 1), at.all())),
    ("crashed, recovered at 2", |at| recovered(at, (A, 2), at.all())),
    ("crashed, recovered at 3", |at| recovered(at, (A, 3), at.all())),
    ("crashed, recovered at 2 of another history", |at| recovered(at, (B, 2), at.all())),
    ("crashed, its start logged 2", |at| logged(at, (A, 2))),
    ("crashed, its start logged 3", |at| logged(at, (A, 3))),
    ("crashed, recovered at 3, its unit about to restart", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        let node =
            node.set(keys::UNIT_ACTIVE, plain("activating")).set(keys::UNIT_SUB, plain("auto-restart"));
        (node, sheet.held_back(&["S5"]))
    }),
    ("crashed, recovered at 3, its group port open", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (node.set(keys::LISTEN_GROUP, true), sheet.held_back(&["S5"]))
    }),
    // Data that cannot be trusted, and data of which it is not known.
    ("evicted, at 3", |at| {
        let (node, sheet) = stopped(at, (A, 3));
        (node.set(keys::LOG_EVICTED, true), sheet.evicted())
    }),
    ("half-filled by its log, at 3", |at| {
        let (node, sheet) = stopped(at, (A, 3));
        (node.set(keys::LOG_HALF_FILLED, true), sheet.tainted())
    }),
    ("half-filled by its files, at 3", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (node.set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]), sheet.tainted())
    }),
    ("prepared transactions, at 3", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (node.set(keys::LOG_PREPARED, true), sheet.held_back(&["S7"]))
    }),
    ("stopped at 3, its log not shown to us", |at| {
        let (node, sheet) = stopped(at, (A, 3));
        let node = node.unknown(keys::LOG_EVICTED, WhyKind::Denied, "denied");
        (node.unknown(keys::LOG_HALF_FILLED, WhyKind::Denied, "denied"), sheet.held_back(&["S7"]))
    }),
    ("runs, evicted: Inconsistent", |at| {
        let (node, sheet) = non_primary(at, 3, at.all());
        let node = node.set(keys::WSREP_CLUSTER_STATUS, plain("Disconnected"));
        let node = node.set(keys::WSREP_LOCAL_COMMENT, plain("Inconsistent"));
        let node = node.unknown(keys::WSREP_LAST_COMMITTED, WhyKind::Undefined, "-1");
        (node, Sheet { place: None, ..sheet }.tainted())
    }),
    // Members, by their own word.
    ("a member of all", |at| member(at, 3, at.all(), 3)),
    ("a member of the first majority", |at| member(at, 4, at.majority(), 3)),
    ("a member of the other majority", |at| member(at, 4, at.other_majority(), 2)),
    ("a member alone", |at| member(at, 5, at.alone(), 2)),
    ("a member of the view before", |at| member(at, 2, at.all(), 2)),
    ("a member alone of another history", |at| {
        let (node, sheet) = member(at, 1, at.alone(), 2);
        let other = uuid(OTHER_UUID);
        let view = View { of: B, number: 1, members: at.alone() };
        let group = Says { view, firm: true, part: Part::Synced };
        let node = node.set(keys::WSREP_CLUSTER_UUID, other).set(keys::WSREP_LOCAL_UUID, other);
        (node, Sheet { group, place: Some((B, 2)), ..sheet })
    }),
    ("a member of all, looking for another view", |at| {
        let (node, sheet) = member(at, 3, at.all(), 3);
        wavers((node.set(keys::WSREP_EVS_STATE, plain("GATHER")), sheet))
    }),
    ("a member of all, hearing nobody", |at| {
        let (node, sheet) = member(at, 3, at.all(), 3);
        let others = names(at.all() & !at.alone());
        let silent = others.iter().map(|peer| plain(&format!("{}:4567 4 s", surveys::address(peer))));
        let state = (node.set(keys::WSREP_PEERS_SILENT, silent.collect()), sheet);
        // Who is all of the view has nobody to hear.
        if others.is_empty() { state } else { wavers(state) }
    }),
    ("a donor in all", |at| {
        let (node, sheet) = member(at, 3, at.all(), 3);
        takes_part((node.set(keys::WSREP_LOCAL_STATE, 2), sheet), Part::Donor)
    }),
    ("a member of all that catches up", |at| {
        let (node, sheet) = member(at, 3, at.all(), 1);
        takes_part((node.set(keys::WSREP_LOCAL_STATE, 3), sheet), Part::Joining)
    }),
    ("a member of all, not ready", |at| {
        let (node, sheet) = member(at, 3, at.all(), 3);
        takes_part((node.set(keys::WSREP_READY, false), sheet), Part::SyncedAndNotWell)
    }),
    ("a member of all, being stopped", |at| {
        let (node, sheet) = member(at, 3, at.all(), 3);
        let node =
            node.set(keys::UNIT_ACTIVE, plain("deactivating")).set(keys::UNIT_SUB, plain("stop-sigterm"));
        takes_part((node, Sheet { server: "stopping", ..sheet }), Part::SyncedAndNotWell)
    }),
    ("a member of all with wsrep_on off", |at| {
        let (node, sheet) = member(at, 3, at.all(), 3);
        let sheet = Sheet { place: None, ..sheet };
        takes_part((node.set(keys::VAR_WSREP_ON, false), sheet), Part::SyncedAndNotWell)
    }),
    // Servers outside, or nobody knows where.
    ("non-Primary at 2", |at| non_primary(at, 2, at.all())),
    ("non-Primary at 3, from a bare majority", |at| non_primary(at, 3, at.majority())),
    ("runs, no SQL answer", unheard),
    ("being stopped, no SQL answer", |at| {
        let (node, sheet) = unheard(at);
        let node =
            node.set(keys::UNIT_ACTIVE, plain("deactivating")).set(keys::UNIT_SUB, plain("stop-sigterm"));
        (node, Sheet { server: "stopping", ..sheet })
    }),
    ("frozen", |at| {
        let (node, sheet) = unheard(at);
        let sheet = Sheet { server: "frozen", group: Silent { runs: false }, ..sheet };
        (node.set(keys::SERVER_STATE, plain("T")), sheet.held_back(&["S5"]))
    }),
    ("waits for a Primary, logged 3", |at| {
        let node = starting(at).set(keys::LOG_WAITING, true).logged(3).took_part(10);
        (node, down("starting", Some((A, 3)), Some(at.all())).held_back(RUNS))
    }),
    ("waits for a Primary, no position", |at| {
        (starting(at).set(keys::LOG_WAITING, true), down("starting", None, Some(at.all())).held_back(RUNS))
    }),
    ("starts, and where it stands is not known", |at| {
        (
            starting(at),
            Sheet { group: Silent { runs: false }, ..down("starting", None, None) }.held_back(RUNS),
        )
    }),
    ("starts and takes a full transfer", |at| {
        let node = starting(at).set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]);
        (node, Sheet { group: Filling { seen: true }, ..down("starting", None, None) }.held_back(RUNS))
    }),
    ("starts, and came to a Primary by its log", |at| {
        let node = starting(at).unknown(keys::LOG_POSITION, WhyKind::Stale, "it took part since");
        (node, Sheet { group: Filling { seen: false }, ..down("starting", None, None) }.held_back(RUNS))
    }),
    // Histories of one UUID that may have parted (S25).
    ("stopped at 3, bootstrapped an hour ago from 2", |at| {
        let (node, sheet) = stopped(at, (A, 3));
        let log = Log { bootstrap: Some((2, 60, 120)), ..QUIET };
        (node.bootstrapped(60, 2, 120), sheet.log(log))
    }),
    ("stopped at 4, bootstrapped half an hour ago from 2", |at| {
        let (node, sheet) = stopped(at, (A, 4));
        let log = Log { bootstrap: Some((2, 30, 120)), ..QUIET };
        (node.bootstrapped(30, 2, 120), sheet.log(log))
    }),
    ("stopped at 3, in no Primary for 90 minutes", |at| {
        let (node, sheet) = stopped(at, (A, 3));
        (node.took_part(90), sheet.log(Log { took_part: Some(90), ..QUIET }))
    }),
    ("stopped at 2, its log of 5 minutes", |at| {
        let (node, sheet) = stopped(at, (A, 2));
        let node = node.set(keys::LOG_REACH, ago(5));
        (node, sheet.log(Log { reach: 5, ..QUIET }))
    }),
    ("its machine lost its power, recovered at 3", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (cut(node, Some(40)), sheet.log(Log { took_part: None, seen_in: Some(40), ..QUIET }))
    }),
    ("its machine lost its power, recovered at 3, in a Primary two hours ago", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (cut(node, Some(120)), sheet.log(Log { took_part: None, seen_in: Some(120), ..QUIET }))
    }),
    ("recovered at 3, its log without a Primary", |at| {
        let (node, sheet) = recovered(at, (A, 3), at.all());
        (cut(node, None), sheet.log(Log { took_part: None, ..QUIET }))
    }),
    ("no state file, and its engine holds nothing", |at| {
        let node = without_file(at.node().stopped(0), "missing");
        (node.unknown(keys::RECOVERED, WhyKind::Undefined, "zero"), down("stopped", None, None).empty())
    }),
    ("evicted, at 4", |at| {
        let (node, sheet) = stopped(at, (A, 4));
        (node.set(keys::LOG_EVICTED, true), sheet.evicted())
    }),
    ("state file empty, the engine at 2: half a copy", |at| {
        let (node, sheet) = recovered(at, (A, 2), at.all());
        (without_file(node, "empty"), sheet.tainted())
    }),
    ("state file empty, the engine at 1 of another history", |at| {
        let (node, sheet) = recovered(at, (B, 1), at.all());
        (without_file(node, "empty"), sheet.tainted())
    }),
];
