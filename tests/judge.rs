//! The judge over whole surveys: the first families, the safety rules, and what must hold for every survey.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "judge/advice.rs"]
mod advice;
#[path = "judge/histories.rs"]
mod histories;
#[path = "judge/permit.rs"]
mod permit;
#[path = "support/surveys.rs"]
mod surveys;

use breakglass::facts::{Known, NodeName, PositionSource, Role, Survey, WhyKind, keys};
use breakglass::judge::{Judgement, Server, Severity, Standing, Verdict, WriteSets, judge};
use proptest::prelude::*;
use surveys::{Node, OTHER_UUID, UUID, plain, seqno, survey};

const ALL: &[&str] = &["g1", "g2", "g3"];

fn standings(judgement: &Judgement) -> Vec<Standing> {
    judgement.nodes.iter().map(|node| node.standing.unwrap()).collect()
}

fn candidates(judgement: &Judgement) -> Vec<&str> {
    judgement.candidates.iter().map(NodeName::as_str).collect()
}

fn found(judgement: &Judgement, id: &str) -> bool {
    judgement.findings.iter().any(|finding| finding.id == id)
}

fn rules(judgement: &Judgement, id: &str) -> Vec<(&'static str, Option<String>)> {
    let finding = judgement.findings.iter().find(|finding| finding.id == id).unwrap();
    finding.blocked_by.iter().map(|b| (b.rule, b.node.as_ref().map(ToString::to_string))).collect()
}

fn healthy() -> Vec<Node> {
    ALL.iter().map(|name| Node::new(name).synced(3, ALL, 100)).collect()
}

fn stopped(positions: [i64; 3]) -> Vec<Node> {
    ALL.iter().zip(positions).map(|(name, at)| Node::new(name).stopped(at)).collect()
}

fn crashed() -> Vec<Node> {
    ALL.iter().map(|name| Node::new(name).crashed(ALL)).collect()
}

#[test]
fn a_healthy_cluster() {
    let judgement = judge(&survey(healthy()));
    assert_eq!(judgement.verdict, Verdict::Healthy);
    assert_eq!(standings(&judgement), [Standing::Synced; 3]);
    assert_eq!(judgement.loss, Known::Known(WriteSets(0)));
    let primary = judgement.primary.as_ref().unwrap();
    assert_eq!((primary.size, primary.seqno, primary.members.len()), (3, seqno(100), 3));
    assert!(found(&judgement, "galera.healthy"));
}

#[test]
fn one_node_down() {
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100)).collect();
    nodes.push(Node::new("g3").stopped(90));
    let judgement = judge(&survey(nodes));
    assert_eq!(judgement.verdict, Verdict::Degraded);
    assert_eq!(standings(&judgement), [Standing::Synced, Standing::Synced, Standing::Behind(10)]);
    assert!(found(&judgement, "galera.node-down") && candidates(&judgement).is_empty());
}

#[test]
fn all_stopped_cleanly() {
    let judgement = judge(&survey(stopped([2008, 2007, 2006])));
    assert_eq!(judgement.verdict, Verdict::Outage);
    assert_eq!(standings(&judgement), [Standing::Candidate, Standing::Behind(1), Standing::Behind(2)]);
    assert_eq!(candidates(&judgement), ["g1"]);
    assert_eq!(judgement.loss, Known::Known(WriteSets(0)));
    assert!(found(&judgement, "galera.all-stopped"));
    assert_eq!(judgement.nodes[0].position.known().unwrap().source, PositionSource::StateFile);
}

#[test]
fn all_crashed() {
    let judgement = judge(&survey(crashed()));
    assert_eq!(judgement.verdict, Verdict::Outage);
    assert_eq!(standings(&judgement), [Standing::Unknown; 3]);
    assert!(candidates(&judgement).is_empty() && judgement.loss.known().is_none());
    assert_eq!(judgement.nodes[0].server, Known::Known(Server::Crashed));
    let blocked = rules(&judgement, "galera.all-crashed");
    for name in ALL {
        assert!(blocked.contains(&("S4", Some((*name).to_owned()))), "{blocked:?}");
    }
}

#[test]
fn a_restart_that_comes_by_itself_is_said() {
    let nodes = ALL.iter().map(|name| {
        Node::new(name)
            .crashed(ALL)
            .set(keys::UNIT_ACTIVE, plain("activating"))
            .set(keys::UNIT_SUB, plain("auto-restart"))
    });
    let judgement = judge(&survey(nodes.collect()));
    assert_eq!(judgement.nodes[0].server, Known::Known(Server::Crashed));
    assert!(
        judgement.findings[0].next.as_str().starts_with("systemd is about to start g1, g2 and g3 by itself")
    );
}

#[test]
fn running_and_non_primary() {
    let nodes = ALL.iter().map(|name| Node::new(name).non_primary(ALL, 100)).collect();
    let judgement = judge(&survey(nodes));
    assert_eq!(judgement.verdict, Verdict::Outage);
    assert_eq!(standings(&judgement), [Standing::NonPrimary; 3]);
    assert!(found(&judgement, "galera.non-primary"));
}

#[test]
fn starts_that_wait_for_a_primary() {
    let waiting =
        |name| Node::new(name).process("activating", "start").view(3, ALL).set(keys::LOG_WAITING, true);
    let judgement = judge(&survey(vec![
        waiting("g1").logged(9750),
        waiting("g2").logged(9749),
        Node::new("g3").crashed(ALL),
    ]));
    assert_eq!(judgement.verdict, Verdict::Outage);
    assert_eq!(standings(&judgement), [Standing::Unknown, Standing::Behind(1), Standing::Unknown]);
    assert!(found(&judgement, "galera.waiting-for-primary"));
    assert!(rules(&judgement, "galera.waiting-for-primary").contains(&("S6", Some("g1".to_owned()))));
}

#[test]
fn one_unreachable_member_of_a_living_primary() {
    let mut nodes = healthy();
    nodes[2] = Node::new("g3").unreachable();
    let judgement = judge(&survey(nodes));
    assert_eq!(judgement.verdict, Verdict::Degraded);
    assert_eq!(standings(&judgement)[2], Standing::Unknown);
    assert!(found(&judgement, "galera.unreachable"));
}

#[test]
fn unreachable_nodes_decide_between_outage_and_undetermined_by_the_last_views() {
    let dead = |n: usize| -> Vec<Node> {
        ALL.iter()
            .enumerate()
            .map(|(i, name)| if i < n { Node::new(name).crashed(ALL) } else { Node::new(name).unreachable() })
            .collect()
    };
    assert_eq!(judge(&survey(dead(2))).verdict, Verdict::Outage);
    assert_eq!(judge(&survey(dead(1))).verdict, Verdict::Undetermined);
    // A clean leave shrinks the view: the one that was not read may be a Primary of one.
    let left = vec![Node::new("g1").stopped(5), Node::new("g2").stopped(6), Node::new("g3").unreachable()];
    assert_eq!(judge(&survey(left)).verdict, Verdict::Undetermined);
}

#[test]
fn a_thawed_node_is_not_believed() {
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100)).collect();
    nodes.push(Node::new("g3").synced(3, ALL, 90));
    let judgement = judge(&survey(nodes));
    assert_eq!(judgement.verdict, Verdict::Degraded);
    assert_eq!(standings(&judgement), [Standing::Synced, Standing::Synced, Standing::Unknown]);
    assert!(found(&judgement, "galera.views-contradict"));
}

#[test]
fn one_witness_of_three_proves_no_primary() {
    let nodes = vec![
        Node::new("g1").synced(3, ALL, 100),
        Node::new("g2").unreachable(),
        Node::new("g3").unreachable(),
    ];
    let judgement = judge(&survey(nodes));
    assert_eq!((judgement.verdict, judgement.primary), (Verdict::Undetermined, None));
}

#[test]
fn silent_peers_and_a_view_being_sought_are_doubts() {
    let mut silent = healthy();
    for node in &mut silent {
        let peers = ALL.iter().filter(|peer| **peer != node.0.name.as_str());
        let peers = peers.map(|peer| plain(&format!("{}:4567 4 s", surveys::address(peer)))).collect();
        let taken = std::mem::replace(node, Node::new("g9"));
        *node = taken.set(keys::WSREP_PEERS_SILENT, peers);
    }
    assert_eq!(judge(&survey(silent)).verdict, Verdict::Undetermined);
    let gather = healthy().into_iter().map(|node| node.set(keys::WSREP_EVS_STATE, plain("GATHER"))).collect();
    assert_eq!(judge(&survey(gather)).verdict, Verdict::Undetermined);
}

#[test]
fn two_primaries_are_a_split_brain() {
    let nodes = vec![
        Node::new("g1").synced(7, &["g1"], 12167),
        Node::new("g2").synced(7, &["g2"], 12171),
        Node::new("g3").non_primary(ALL, 12166),
    ];
    let judgement = judge(&survey(nodes));
    assert!(found(&judgement, "galera.two-primaries"));
    assert_eq!(judgement.primary, None);
    assert_eq!(standings(&judgement), [Standing::Diverged, Standing::Diverged, Standing::NonPrimary]);
}

/// One Primary whose position cannot be read is not two Primaries.
#[test]
fn a_primary_without_a_position_is_no_split_brain() {
    let unread = |node: Node| node.unknown(keys::WSREP_LAST_COMMITTED, WhyKind::Undefined, "-1");
    let judgement = judge(&survey(healthy().into_iter().map(unread).collect()));
    assert!(!standings(&judgement).contains(&Standing::Diverged));
    assert!(!found(&judgement, "galera.two-primaries") && judgement.verdict == Verdict::Degraded);
}

#[test]
fn a_donor_is_degraded_and_a_joiner_is_joining() {
    let mut nodes = healthy();
    let donor = nodes.remove(0).set(keys::WSREP_LOCAL_STATE, 2);
    let joiner = Node::new("g3")
        .process("activating", "start")
        .set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]);
    let judgement = judge(&survey(vec![donor, nodes.remove(0), joiner]));
    assert_eq!(judgement.verdict, Verdict::Degraded);
    assert_eq!(standings(&judgement), [Standing::Donor, Standing::Synced, Standing::Joining]);
}

#[test]
fn an_arbitrator_has_no_history() {
    let mut nodes = healthy();
    nodes.push(Node::new("a1").role(Role::Arbitrator));
    let judgement = judge(&survey(nodes));
    assert_eq!(judgement.nodes[3].standing, Some(Standing::Arbitrator));
    assert_eq!(judgement.verdict, Verdict::Healthy);
}

#[test]
fn different_uuids_without_a_primary_diverge() {
    let mut nodes = stopped([5, 6, 7]);
    nodes[2] = Node::new("g3").stopped(1).state_file(OTHER_UUID, 99999);
    let judgement = judge(&survey(nodes));
    assert_eq!(standings(&judgement), [Standing::Diverged; 3]);
    assert!(candidates(&judgement).is_empty());
}

/// S3: a donor killed in the middle of a transfer keeps a seqno of 0 or more in its state file.
#[test]
fn grastate_alone_proves_no_clean_stop() {
    let killed_donor = Node::new("g1").crashed(ALL).state_file(UUID, 12433).set(keys::GRASTATE_SAFE, true);
    let judgement =
        judge(&survey(vec![killed_donor, Node::new("g2").stopped(5), Node::new("g3").stopped(6)]));
    assert_eq!(judgement.nodes[0].position.known(), None);
    assert!(candidates(&judgement).is_empty(), "the flag and the number chose a node");
}

/// S3: a refused bootstrap, or a parallel stop, leaves -1 and the flag of a node that stopped cleanly.
#[test]
fn the_safe_flag_outranks_nothing() {
    let mut nodes = stopped([5, 6, 7]);
    let flagged = Node::new("g1").stopped(5).set(keys::GRASTATE_SAFE, true);
    nodes[0] = flagged;
    assert_eq!(candidates(&judge(&survey(nodes))), ["g3"]);
}

/// S5: no answer, a start under way, a unit about to restart, an open group port: none of them is down.
#[test]
fn not_answering_is_not_being_down() {
    let blocked = |node: Node| {
        let nodes = vec![Node::new("g1").crashed(ALL), Node::new("g2").crashed(ALL), node];
        let judgement = judge(&survey(nodes));
        judgement
            .findings
            .iter()
            .flat_map(|finding| &finding.blocked_by)
            .any(|b| b.rule == "S5" && b.node.as_ref().is_some_and(|name| name.as_str() == "g3"))
    };
    assert!(!blocked(Node::new("g3").crashed(ALL)), "a proved crash is down");
    assert!(blocked(Node::new("g3").unreachable()));
    assert!(blocked(Node::new("g3").process("activating", "start").set(keys::LOG_WAITING, true)));
    assert!(blocked(
        Node::new("g3")
            .crashed(ALL)
            .set(keys::UNIT_ACTIVE, plain("activating"))
            .set(keys::UNIT_SUB, plain("auto-restart"))
    ));
    assert!(blocked(Node::new("g3").crashed(ALL).set(keys::LISTEN_GROUP, true)));
    assert!(blocked(Node::new("g3").crashed(ALL).unknown(keys::LISTEN_GROUP, WhyKind::Denied, "denied")));
}

/// S6: a claim of a Primary from anywhere, and a start anywhere, stop a bootstrap.
#[test]
fn a_claimed_primary_or_a_start_blocks() {
    let with = |node: Node| {
        let nodes = vec![Node::new("g1").crashed(ALL), Node::new("g2").crashed(ALL), node];
        let judgement = judge(&survey(nodes));
        judgement.findings.iter().flat_map(|f| &f.blocked_by).any(|b| b.rule == "S6")
    };
    assert!(with(Node::new("g3").synced(3, ALL, 7)));
    assert!(with(Node::new("g3").process("activating", "start").set(keys::LOG_WAITING, true)));
    assert!(!with(Node::new("g3").crashed(ALL)));
}

/// S7: whatever its position says.
#[test]
fn nothing_tainted_is_a_candidate() {
    let tainted = [
        Node::new("g1").stopped(99).set(keys::LOG_EVICTED, true),
        Node::new("g1").stopped(99).set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]),
        Node::new("g1").stopped(99).set(keys::WSREP_LOCAL_COMMENT, plain("Inconsistent")),
    ];
    for node in tainted {
        let judgement = judge(&survey(vec![node, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]));
        assert_eq!(standings(&judgement), [Standing::Tainted, Standing::Candidate, Standing::Behind(1)]);
        assert!(judgement.loss.known().is_none(), "what a tainted node holds is not known to be worthless");
    }
    // Wiped, or its volume not mounted: nobody is chosen past it.
    let wiped = Node::new("g1")
        .no_process("inactive", "dead", "exited", 0)
        .set(keys::GRASTATE_FILE, plain("missing"))
        .set(keys::DATADIR_SYSTEM_SCHEMA, false);
    let judgement = judge(&survey(vec![wiped, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]));
    assert_eq!(standings(&judgement), [Standing::Empty, Standing::Unknown, Standing::Behind(1)]);
    assert!(judgement.loss.known().is_none());
    // After a failed transfer the state file is empty, and the engine's position equals the real one.
    let half = Node::new("g1").crashed(ALL).set(keys::GRASTATE_FILE, plain("empty")).logged(12454);
    let judgement = judge(&survey(vec![half, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]));
    assert_eq!(standings(&judgement), [Standing::Tainted, Standing::Candidate, Standing::Behind(1)]);
    // A zeroed state file over data may hide a position: nobody is chosen past it.
    let zeroed = Node::new("g1").stopped(0).state_file("00000000-0000-0000-0000-000000000000", -1);
    let judgement = judge(&survey(vec![zeroed, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]));
    assert_eq!(standings(&judgement), [Standing::Empty, Standing::Unknown, Standing::Behind(1)]);
}

/// S8.
#[test]
fn a_tie_names_all_and_ahead_stops() {
    assert_eq!(candidates(&judge(&survey(stopped([7, 7, 5])))), ["g1", "g2"]);
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 12168)).collect();
    nodes.push(Node::new("g3").stopped(12171));
    let judgement = judge(&survey(nodes));
    assert_eq!(standings(&judgement)[2], Standing::Ahead(3));
    assert!(judgement.loss.why().unwrap().text.as_str().contains("at least 3"), "the fork lies below");
    assert!(found(&judgement, "galera.node-ahead"));
}

/// A clean leave counts for those that stay: g1 died, g2 left, and g3 may be a Primary of one.
#[test]
fn a_clean_leave_counts_for_those_that_stay() {
    let nodes = vec![Node::new("g1").crashed(ALL), Node::new("g2").stopped(6), Node::new("g3").unreachable()];
    assert_eq!(judge(&survey(nodes)).verdict, Verdict::Undetermined);
}

/// Five were in the last view, and the inventory names two of them.
#[test]
fn members_that_the_inventory_does_not_name_are_not_forgotten() {
    let five = ["g1", "g2", "g3", "g4", "g5"];
    let nodes = vec![Node::new("g1").crashed(&five).logged(7), Node::new("g2").crashed(&five).logged(7)];
    let judgement = judge(&survey(nodes));
    assert_eq!(judgement.verdict, Verdict::Undetermined);
    assert!(judgement.loss.known().is_none() && found(&judgement, "galera.unknown-member"));
}

/// A second name for g2 would make a majority out of a minority.
#[test]
fn one_server_under_two_names_counts_once() {
    let twin = Node::new("g2").synced(3, ALL, 7);
    let mut alias = Node::new("g3").synced(3, ALL, 7);
    alias = alias
        .set(keys::WSREP_GCOMM_UUID, plain(&surveys::member("g2")))
        .set(keys::HOST_MACHINE_ID, plain("machine-of-g2"));
    let judgement = judge(&survey(vec![Node::new("g1").unreachable(), twin, alias]));
    assert_eq!((judgement.verdict, judgement.primary.as_ref()), (Verdict::Undetermined, None));
    assert!(found(&judgement, "galera.same-machine"));
}

/// The second step of every recovery: one member, and a joiner that answers no SQL while it is filled.
#[test]
fn a_primary_that_takes_in_a_joiner_is_proved() {
    let two = ["g1", "g2"];
    let joiner = Node::new("g2")
        .process("activating", "start")
        .set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]);
    let member = Node::new("g1").synced(2, &two, 9).set(keys::WSREP_LOCAL_STATE, 2);
    let judgement = judge(&survey(vec![member, joiner, Node::new("g3").stopped(3)]));
    assert_eq!(judgement.verdict, Verdict::Degraded);
    assert_eq!(standings(&judgement), [Standing::Donor, Standing::Joining, Standing::Behind(6)]);
    assert_eq!(judgement.primary.unwrap().size, 2);
}

/// galera: three nodes SYNCED at one seqno with different rows began so.
/// A survey takes a moment: one member was read before a joiner came, the other after.
#[test]
fn views_that_share_a_member_are_no_split_brain() {
    let judgement = judge(&survey(vec![
        Node::new("g1").synced(10, &["g1", "g3"], 100),
        Node::new("g2")
            .process("activating", "start")
            .set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")])
            .set(keys::TRANSFER_PROCESSES, vec![plain("9 rsync")])
            .set(keys::TRANSFER_ROLE, plain("joiner")),
        Node::new("g3").synced(11, ALL, 101),
    ]));
    assert!(!found(&judgement, "galera.two-primaries"), "{:?}", judgement.findings);
    assert!(found(&judgement, "galera.views-contradict"));
    assert_eq!(standings(&judgement), [Standing::Unknown, Standing::Joining, Standing::Unknown]);
    assert!(judgement.candidates.is_empty() && judgement.primary.is_none());
}

#[test]
fn bootstraps_apart_from_each_other_diverge() {
    let with =
        |name, at, line: &str| Node::new(name).stopped(at).set(keys::LOG_BOOTSTRAPS, vec![plain(line)]);
    let judgement = judge(&survey(vec![
        with("g1", 12235, &format!("2026-11-21T02:00:00Z group {UUID}:12170 after 2026-11-21T01:00:00Z")),
        with("g2", 12224, &format!("2026-11-21T02:00:05Z group {UUID}:12170 after 2026-11-21T01:00:00Z")),
        Node::new("g3").stopped(12170),
    ]));
    assert_eq!(standings(&judgement), [Standing::Diverged; 3]);
    assert!(judgement.loss.known().is_none() && candidates(&judgement).is_empty());
}

#[test]
fn a_server_without_wsrep_is_named_and_ranks_nobody() {
    let alone = Node::new("g1").non_primary(ALL, 99).set(keys::VAR_WSREP_ON, false);
    let judgement = judge(&survey(vec![alone, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]));
    assert!(found(&judgement, "galera.wsrep-off") && !found(&judgement, "galera.non-primary"));
    assert!(candidates(&judgement).is_empty() && judgement.loss.known().is_none());
}

/// A state file that somebody wrote after the server ended is no server's word.
#[test]
fn a_state_file_written_by_hand_stops_the_advice() {
    let ended = surveys::now() - jiff::SignedDuration::from_mins(9);
    let edited = Node::new("g1")
        .stopped(99999)
        .set(keys::UNIT_EXITED, ended)
        .set(keys::GRASTATE_MTIME, ended + jiff::SignedDuration::from_mins(3));
    let judgement = judge(&survey(vec![edited, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]));
    assert!(rules(&judgement, "galera.all-stopped").contains(&("S3", Some("g1".to_owned()))));
    assert!(!judgement.findings[0].next.as_str().contains("galera_new_cluster"));
}

#[test]
fn the_digest_ignores_a_moving_counter_and_nothing_else() {
    let at = |n| survey(ALL.iter().map(|name| Node::new(name).synced(3, ALL, n)).collect());
    assert_eq!(judge(&at(100)).evidence_digest, judge(&at(200)).evidence_digest);
    assert_ne!(
        judge(&survey(stopped([1, 2, 3]))).evidence_digest,
        judge(&survey(stopped([1, 2, 4]))).evidence_digest
    );
    assert_ne!(judge(&at(100)).evidence_digest, judge(&survey(crashed())).evidence_digest);
}

/// One of the states a node can be found in, and a seqno for it.
type State = (u8, i64);

const STATES: u8 = 28;

fn node_in(name: &'static str, (state, at): State) -> Node {
    let node = Node::new(name);
    match state {
        // A node is always a member of the view it claims.
        1 if name != "g3" => node.synced(4, &["g1", "g2"], at),
        2 => node.non_primary(ALL, at),
        3 => node.stopped(at),
        4 => node.stopped(-1),
        5 => node.crashed(ALL),
        6 => node.crashed(ALL).logged(at),
        7 => node.process("activating", "start").set(keys::LOG_WAITING, true).logged(at).view(3, ALL),
        8 => node.unreachable(),
        9 => node.stopped(at).state_file(OTHER_UUID, at),
        10 => node.stopped(at).set(keys::LOG_EVICTED, true),
        11 => node.stopped(0).state_file("00000000-0000-0000-0000-000000000000", -1),
        12 => node.synced(5, &[name], at),
        13 => node.crashed(ALL).set(keys::GRASTATE_FILE, plain("empty")).logged(at),
        14 => node.stopped(at).set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]),
        15 => node.no_process("inactive", "dead", "exited", 0).set(keys::GRASTATE_FILE, plain("missing")),
        16 => node.synced(3, ALL, at).set(keys::SERVER_STATE, plain("T")),
        17 => node.process("deactivating", "stop-sigterm").set(keys::LOG_WAITING, true).view(3, ALL),
        18 => node.no_process("inactive", "dead", "none", 0).state_file(UUID, at),
        19 if name != "g1" => node.synced(4, &["g2", "g3"], at),
        0 | 1 | 19 => node.synced(3, ALL, at),
        20 => node.stopped(at).set(keys::LOG_PREPARED, true),
        21 => node.synced(3, ALL, at).set(keys::VAR_WSREP_ON, false),
        22 => node.crashed(ALL).recovered(at),
        // Bootstraps of one history at its third write-set, and nodes that may have been outside them.
        23 => node.stopped(at).bootstrapped(60, 2, 120),
        24 => node.stopped(at).took_part(90),
        25 => node.stopped(at).set(keys::LOG_REACH, surveys::ago(5)),
        26 => node.crashed(ALL).state_file("00000000-0000-0000-0000-000000000000", -1).recovered(at),
        _ => node.stopped(at).recovered(at).bootstrapped(30, 2, 100),
    }
}

fn survey_of(states: [State; 3]) -> Survey {
    survey(ALL.iter().zip(states).map(|(name, state)| node_in(name, state)).collect())
}

fn any_states() -> impl Strategy<Value = [State; 3]> {
    let state = || (0..STATES, 0..6i64);
    [state(), state(), state()]
}

/// The facts that can speak against a node's data whatever its position says (S7).
const EVIDENCE_AGAINST: &[&str] = &[
    keys::LOG_EVICTED.name(),
    keys::LOG_HALF_FILLED.name(),
    keys::LOG_PREPARED.name(),
    keys::TRANSFER_MARKERS.name(),
    keys::GRASTATE_FILE.name(),
    keys::GRASTATE_UUID.name(),
];

/// The facts that can show that histories parted (S25).
const EVIDENCE_APART: &[&str] = &[
    keys::LOG_BOOTSTRAPS.name(),
    keys::LOG_TOOK_PART.name(),
    keys::LOG_REACH.name(),
    keys::HOST_CLOCK_SKEW.name(),
];

/// How bold a verdict is: what says more than its evidence invites an act.
fn claims_more(bolder: &Judgement, base: &Judgement) -> Option<String> {
    let names: Vec<&NodeName> =
        bolder.candidates.iter().filter(|name| !base.candidates.contains(name)).collect();
    if !names.is_empty() {
        return Some(format!("new candidates {names:?}"));
    }
    if bolder.verdict == Verdict::Healthy && base.verdict != Verdict::Healthy {
        return Some("healthy on less evidence".to_owned());
    }
    if bolder.primary.is_some() && base.primary.is_none() && base.verdict != Verdict::Degraded {
        return Some("a Primary proved on less evidence".to_owned());
    }
    // A doubted claim, once it is not seen any more, leaves an outage by the quorum of the last views;
    // that the claimant was not seen is then S5's, and holds every act.
    let doubted = found(base, "galera.views-contradict") || found(base, "galera.two-primaries");
    if bolder.verdict == Verdict::Outage && base.verdict == Verdict::Undetermined && !doubted {
        return Some("an outage on less evidence".to_owned());
    }
    match (&bolder.loss, &base.loss) {
        (Known::Known(_), Known::Unknown(_)) if base.primary.is_none() => {
            Some("a loss known on less".to_owned())
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_order_of_nodes_changes_no_verdict(states in any_states(), turn in 0..3usize, swap in any::<bool>()) {
        let mut s = survey_of(states);
        let before = judge(&s);
        s.nodes.rotate_left(turn);
        if swap {
            s.nodes.swap(0, 1);
        }
        let after = judge(&s);
        prop_assert_eq!(before.verdict, after.verdict);
        prop_assert_eq!(before.loss.known(), after.loss.known());
        prop_assert_eq!(&before.evidence_digest, &after.evidence_digest);
        for node in &before.nodes {
            prop_assert_eq!(node.standing, after.node(&node.name).unwrap().standing);
        }
    }

    #[test]
    fn less_evidence_is_never_bolder(states in any_states(), node in 0..3usize, fact in any::<prop::sample::Index>()) {
        let s = survey_of(states);
        let base = judge(&s);
        let names: Vec<&'static str> = s.nodes[node].facts.iter().map(|(name, _)| name).collect();
        // A server that tells its status and not its wsrep_on is taken at its word: the two may be collected apart.
        let names: Vec<&'static str> = names.into_iter().filter(|name| *name != keys::VAR_WSREP_ON.name()).collect();
        if !names.is_empty() {
            let mut less = s.clone();
            let gone = names[fact.index(names.len())];
            less.nodes[node].facts.remove(gone);
            let judged = judge(&less);
            let mut bolder = claims_more(&judged, &base);
            let rule = if EVIDENCE_APART.contains(&gone) { "S25" } else { "S7" };
            let against = rule == "S25" || EVIDENCE_AGAINST.contains(&gone);
            if against && judged.candidates.iter().any(|name| !base.candidates.contains(name)) {
                // Not having read the evidence against a node does not exclude it, and holds
                // every act on it.
                let held = judged.findings.iter().flat_map(|f| &f.blocked_by).any(|b| b.rule == rule);
                bolder = (!held).then(|| "a candidate nothing holds".to_owned());
            }
            prop_assert!(bolder.is_none(), "without {}.{}: {:?}", s.nodes[node].name, gone, bolder);
        }
        let mut silent = s.clone();
        silent.nodes[node] = Node::new(["g1", "g2", "g3"][node]).unreachable().0;
        let bolder = claims_more(&judge(&silent), &base);
        prop_assert!(bolder.is_none(), "without {}: {:?}", s.nodes[node].name, bolder);
    }

    /// Whatever is advised can be followed to the letter without losing what a surveyed node holds.
    #[test]
    fn no_advice_names_a_bootstrap_that_anything_speaks_against(states in any_states()) {
        let judgement = judge(&survey_of(states));
        for finding in &judgement.findings {
            let next = finding.next.as_str();
            if next.contains("galera_new_cluster") || next.contains("run galera-bootstrap") {
                prop_assert!(finding.blocked_by.is_empty(), "{:?}", finding.blocked_by);
                prop_assert_eq!(judgement.loss.known(), Some(&WriteSets(0)));
                prop_assert!(!judgement.candidates.is_empty() && judgement.verdict == Verdict::Outage);
            }
            prop_assert!(!next.contains("pc.bootstrap=") && !next.contains("then bootstrap."), "{}", next);
            // What stands against a start, and on whom, is said before.
            let told = next.rsplit("Then: ").next().unwrap_or(next);
            let started = [" is behind and can be started", " are behind and can be started"];
            for (names, _) in started.iter().filter_map(|words| told.split_once(words)) {
                for node in &judgement.nodes {
                    let named = names.split([' ', ',']).any(|name| name == node.name.as_str());
                    prop_assert!(!named || matches!(node.standing, Some(Standing::Behind(_))), "{}", next);
                }
            }
        }
    }

    #[test]
    fn an_outage_is_always_explained(states in any_states()) {
        let judgement = judge(&survey_of(states));
        prop_assert!(!judgement.findings.is_empty());
        let worst = judgement.findings[0].severity;
        match judgement.verdict {
            Verdict::Healthy => prop_assert!(worst <= Severity::Warning),
            Verdict::Degraded | Verdict::Undetermined => prop_assert!(worst >= Severity::Degraded),
            Verdict::Outage => prop_assert_eq!(worst, Severity::Outage),
        }
    }

    #[test]
    fn a_candidate_is_the_highest_of_all_and_stands_alone_in_no_doubt(states in any_states()) {
        let judgement = judge(&survey_of(states));
        for name in &judgement.candidates {
            let top = judgement.node(name).unwrap().position.known().unwrap().position;
            prop_assert!(judgement.primary.is_none());
            for node in &judgement.nodes {
                if let Known::Known(held) = &node.position {
                    if node.standing != Some(Standing::Tainted) {
                        prop_assert_eq!(held.position.uuid, top.uuid);
                        prop_assert!(held.position.seqno <= top.seqno);
                    }
                } else {
                    prop_assert_eq!(node.standing, Some(Standing::Tainted));
                }
            }
        }
    }
}
