//! What holds an act back: bootstraps, joins, starts together, and acts on one node.

use breakglass::facts::{NodeName, Role, Survey, WhyKind, keys};
use breakglass::judge::{
    Doing, Judgement, Ruling, Standing, Waiver, Waivers, judge, judge_with, on_offer, permit, re_forms,
};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::surveys::{self, Node, OTHER_UUID, UUID, now, plain, survey};
use super::{ALL, State, any_states, candidates, found, node_in, standings, stopped};

pub(crate) fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

pub(crate) fn waive(given: &[(u8, &str)]) -> Waivers {
    let until = now() + SignedDuration::from_mins(30);
    Waivers::new(given.iter().map(|(rule, node)| Waiver { rule: *rule, node: name(node), until }))
}

fn ask(s: &Survey, doing: &Doing<'_>, waivers: &Waivers) -> Vec<Ruling> {
    permit(s, &judge_with(s, waivers, now()), doing, waivers, now())
}

/// `S4 g3`, of everything in the way.
pub(crate) fn held(s: &Survey, doing: &Doing<'_>, waivers: &Waivers) -> Vec<String> {
    let mut held: Vec<String> = ask(s, doing, waivers)
        .iter()
        .flat_map(|ruling| &ruling.blocked)
        .map(|b| format!("{} {}", b.rule, b.node.as_ref().map_or("-", NodeName::as_str)))
        .collect();
    held.dedup();
    held
}

fn said(s: &Survey, doing: &Doing<'_>, rule: &str) -> String {
    let rulings = ask(s, doing, &Waivers::NONE);
    let ruling = rulings.iter().find(|ruling| ruling.rule == rule).unwrap();
    let said: Vec<String> =
        ruling.blocked.iter().map(|b| format!("{} → {}", b.why, b.would_change)).collect();
    said.join("\n")
}

pub(crate) fn bootstrap(s: &Survey, target: &str, waivers: &Waivers) -> Vec<String> {
    held(s, &Doing::Bootstrap { target: &name(target), others: &[] }, waivers)
}

fn join(s: &Survey, node: &str, waivers: &Waivers) -> Vec<String> {
    held(s, &Doing::Join { node: &name(node) }, waivers)
}

fn ready(nodes: Vec<Node>) -> Survey {
    survey(nodes.into_iter().map(|node| node.frozen().roomy()).collect())
}

/// g1 and g2 are the Primary, and g3 is what is given.
fn beside(third: Node) -> Survey {
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100).roomy()).collect();
    nodes.push(third);
    survey(nodes)
}

fn g3() -> Node {
    Node::new("g3").frozen().roomy()
}

/// The node of that name, changed.
fn change(nodes: Vec<Node>, which: &str, how: impl Fn(Node) -> Node) -> Vec<Node> {
    nodes.into_iter().map(|node| if node.0.name.as_str() == which { how(node) } else { node }).collect()
}

#[test]
fn the_candidate_of_a_cluster_at_rest_may_be_bootstrapped() {
    let s = ready(stopped([2008, 2007, 2006]));
    let rulings = ask(&s, &Doing::Bootstrap { target: &name("g1"), others: &[name("g2")] }, &Waivers::NONE);
    assert!(rulings.iter().all(Ruling::passes), "{rulings:#?}");
    let rules: Vec<&str> = rulings.iter().map(|ruling| ruling.rule).collect();
    assert_eq!(rules[..4], ["S1", "S2", "S3", "S4"]);
    assert_eq!(rulings[3].says, "every node's position is known");
}

/// tests/fixtures/lab/garbd-alone: it is a Primary Component by itself once the last data node has left in order.
#[test]
fn a_running_arbitrator_holds_a_bootstrap_and_one_that_is_stopped_does_not() {
    let with = |process: &str| {
        let mut nodes: Vec<Node> =
            stopped([2008, 2007, 2006]).into_iter().map(|node| node.frozen().roomy()).collect();
        nodes.push(Node::new("a1").role(Role::Arbitrator).set(keys::ARBITRATOR_PROCESS, plain(process)));
        survey(nodes)
    };
    assert_eq!(bootstrap(&with("812 garb"), "g1", &Waivers::NONE), ["S6 a1"]);
    assert_eq!(bootstrap(&with("812 garb"), "g1", &waive(&[(5, "a1")])), ["S6 a1"]);
    assert!(bootstrap(&with(""), "g1", &Waivers::NONE).is_empty());
}

/// A view that was saved is formed again where all of its members are there: beside a living Primary that is a second one.
#[test]
fn whoever_would_form_its_last_view_with_one_that_is_cut_off_is_not_started() {
    let uuid = |name: &str| plain(&surveys::member(name));
    let with = |view: &[&str], third: fn(Node) -> Node| {
        let mut nodes: Vec<Node> =
            ["g1", "g2"].map(|name| Node::new(name).synced(4, &["g1", "g2"], 100)).into();
        nodes.push(third(Node::new("g3")).set(keys::GVWSTATE_MY_UUID, uuid("g3")));
        nodes.push(Node::new("g4").crashed(view).recovered(90).set(keys::GVWSTATE_MY_UUID, uuid("g4")));
        join(&ready(nodes), "g4", &Waivers::NONE)
    };
    let apart = |node: Node| node.non_primary(&["g3", "g4"], 90);
    let says = |held: &[String]| held.contains(&"S6 g4".to_owned());
    assert!(says(&with(&["g3", "g4"], apart)));
    assert!(!says(&with(&["g1", "g3", "g4"], apart)), "g1 is in the Primary");
    assert!(!says(&with(&["g3", "g4"], |node| node.stopped(90))), "nobody is there to form it with");
}

/// Whoever has no CANDIDATE is not left without a choice: what is missing is asked for at the bootstrap, by name.
#[test]
fn where_no_candidate_is_left_those_are_offered_that_waivers_could_make_one() {
    let offered = |nodes: Vec<Node>| {
        let names = on_offer(&ready(nodes), &Waivers::NONE, now());
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(offered(stopped([2008, 2007, 2006])), "g1", "a candidate is the only one");
    let missing = |third: Node| {
        let mut nodes = stopped([2008, 2007, 2006]);
        nodes.pop();
        nodes.push(third);
        offered(nodes)
    };
    assert_eq!(missing(Node::new("g3").unreachable()), "g1", "never g2, which is BEHIND");
    assert_eq!(missing(Node::new("g3").crashed(ALL)), "g1");
    let parted = vec![
        Node::new("g1").no_process("inactive", "dead", "exited", 0).state_file(UUID, 2008).took_part(10),
        Node::new("g2").no_process("inactive", "dead", "exited", 0).state_file(OTHER_UUID, 12).took_part(10),
        Node::new("g3").no_process("inactive", "dead", "exited", 0).state_file(UUID, 2006).took_part(10),
    ];
    let names = offered(parted);
    assert!(names.contains("g1") && names.contains("g2"), "which history goes on is the operator's: {names}");
    let two = ["g1", "g2"];
    let mut served: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100)).collect();
    served.push(Node::new("g3").unreachable());
    assert_eq!(offered(served), "", "there is a Primary");
}

#[test]
fn a_node_that_is_behind_is_refused_with_what_it_would_lose() {
    let s = ready(stopped([2008, 2005, 2008]));
    assert_eq!(bootstrap(&s, "g2", &Waivers::NONE), ["S7 g2"]);
    let why = said(&s, &Doing::Bootstrap { target: &name("g2"), others: &[] }, "S7");
    assert!(why.starts_with("g2 is BEHIND by 3: it would lose 3 write-sets that g1 and g3 hold"), "{why}");
}

/// A clean stop one by one, and a refused bootstrap that rewrote g2's seqno to -1.
#[test]
fn a_recovered_position_takes_the_place_of_the_one_that_was_rewritten() {
    let nodes = |recovered: Option<i64>| {
        let lost =
            Node::new("g2").no_process("failed", "failed", "exited", 1).state_file(UUID, -1).took_part(10);
        let lost = match recovered {
            Some(at) => lost.recovered(at),
            None => lost,
        };
        ready(vec![Node::new("g1").stopped(2006), lost, Node::new("g3").stopped(2008)])
    };
    assert_eq!(bootstrap(&nodes(None), "g3", &Waivers::NONE), ["S4 g2"]);
    assert!(bootstrap(&nodes(Some(2007)), "g3", &Waivers::NONE).is_empty());
    assert_eq!(candidates(&judge(&nodes(Some(2009)))), ["g2"]);
}

#[test]
fn a_wiped_node_is_never_the_one() {
    let wiped = Node::new("g1")
        .no_process("inactive", "dead", "exited", 0)
        .set(keys::GRASTATE_FILE, plain("missing"))
        .set(keys::GRASTATE_SAFE, true)
        .set(keys::DATADIR_SYSTEM_SCHEMA, false);
    let s = ready(vec![wiped, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]);
    assert!(bootstrap(&s, "g1", &waive(&[(4, "g1")])).contains(&"S7 g1".to_owned()));
    assert!(bootstrap(&s, "g2", &waive(&[(4, "g1")])).is_empty(), "its missing position was waived");
}

/// What did not answer is named by every rule it stops, and only its own waivers lift them.
#[test]
fn an_unreachable_node_is_waived_by_name_or_not_at_all() {
    let nodes = vec![Node::new("g1").crashed(ALL).recovered(9), Node::new("g2").crashed(ALL).recovered(9)];
    let mut nodes: Vec<Node> = nodes.into_iter().map(|node| node.frozen().roomy()).collect();
    nodes.push(Node::new("g3").unreachable());
    let s = survey(nodes);
    assert_eq!(bootstrap(&s, "g1", &Waivers::NONE), ["S4 g3", "S5 g3"]);
    assert_eq!(bootstrap(&s, "g1", &waive(&[(4, "g3")])), ["S5 g3"]);
    assert_eq!(bootstrap(&s, "g1", &waive(&[(5, "g3")])), ["S4 g3"]);
    assert_eq!(bootstrap(&s, "g1", &waive(&[(4, "g2"), (5, "g2")])).len(), 2, "of another node");
    let both = waive(&[(4, "g3"), (5, "g3")]);
    let rulings = ask(&s, &Doing::Bootstrap { target: &name("g1"), others: &[] }, &both);
    assert!(rulings.iter().all(Ruling::passes), "{rulings:#?}");
    let s5 = rulings.iter().find(|ruling| ruling.rule == "S5").unwrap();
    assert_eq!(s5.waived.len(), 1);
    assert_eq!(s5.says, "every data node is proved down, but for what is waived on g3");
    assert!(judge_with(&s, &both, now()).loss.known().is_none(), "what g3 holds is not known");
    let later = now() + SignedDuration::from_mins(30);
    let judged = judge_with(&s, &both, later);
    let rulings = permit(&s, &judged, &Doing::Bootstrap { target: &name("g1"), others: &[] }, &both, later);
    assert!(!rulings.iter().all(Ruling::passes), "the waivers have ended");
}

/// Two of five see no Primary; the three that were not read may be one.
#[test]
fn the_majority_that_was_not_read_may_be_the_primary() {
    let five = ["g1", "g2", "g3", "g4", "g5"];
    let mut nodes: Vec<Node> = five[..3].iter().map(|name| Node::new(name).unreachable()).collect();
    nodes.extend(five[3..].iter().map(|name| Node::new(name).non_primary(&five, 9)));
    let held = bootstrap(&survey(nodes), "g4", &Waivers::NONE);
    for wanted in ["S5 g1", "S5 g2", "S5 g3", "S6 g1", "S6 g2", "S6 g3", "S5 g4", "S5 g5"] {
        assert!(held.contains(&wanted.to_owned()), "{wanted}: {held:?}");
    }
    // One of the three is read, and says Primary.
    let mut nodes = vec![Node::new("g1").synced(5, &five[..3], 12)];
    nodes.extend(five[1..3].iter().map(|name| Node::new(name).unreachable()));
    nodes.extend(five[3..].iter().map(|name| Node::new(name).non_primary(&five, 9)));
    let s = survey(nodes);
    let fenced = waive(&[(4, "g2"), (5, "g2"), (4, "g3"), (5, "g3"), (5, "g1"), (4, "g1")]);
    for waivers in [Waivers::NONE, fenced] {
        assert!(bootstrap(&s, "g4", &waivers).contains(&"S6 g1".to_owned()), "no waiver lifts S6");
    }
}

/// S10: on the target or on anybody else who answers.
#[test]
fn a_leftover_anywhere_holds_a_bootstrap() {
    let left = || vec![plain("/etc/mysql/z.cnf:3: wsrep_cluster_address=gcomm://")];
    for which in ALL {
        let there = |node: Node| node.set(keys::LEFTOVERS, left());
        let unread = |node: Node| node.unknown(keys::LEFTOVERS, WhyKind::Denied, "denied");
        let at_rest = || stopped([2008, 2007, 2006]);
        for nodes in [change(at_rest(), which, there), change(at_rest(), which, unread)] {
            assert_eq!(bootstrap(&ready(nodes), "g1", &Waivers::NONE), [format!("S10 {which}")]);
        }
    }
    // A view of itself alone, which a start beside the living Primary would make another one of.
    let alone = vec![plain("/var/lib/mysql/gvwstate.dat: a saved view of this node alone")];
    let joiner = g3().crashed(&["g3"]).recovered(90).set(keys::LEFTOVERS, alone);
    assert_eq!(join(&beside(joiner), "g3", &Waivers::NONE), ["S10 g3"]);
}

/// S21: the node that acts, and every other one that is down.
#[test]
fn what_is_not_frozen_holds_a_start() {
    for which in ALL {
        let nodes = stopped([2008, 2007, 2006]).into_iter().map(|node| node.frozen().roomy()).collect();
        let nodes = change(nodes, which, |node| node.set(keys::UNIT_FROZEN, plain("")));
        assert_eq!(bootstrap(&survey(nodes), "g1", &Waivers::NONE), [format!("S21 {which}")]);
    }
    let unfrozen = g3().stopped(90).set(keys::UNIT_FROZEN, plain(""));
    assert_eq!(join(&beside(unfrozen), "g3", &Waivers::NONE), ["S21 g3"]);
}

#[test]
fn a_state_file_against_its_engine_holds_every_start() {
    let against = || g3().stopped(99999).recovered(90);
    let judged = judge(&survey(vec![Node::new("g1").stopped(95), Node::new("g2").stopped(94), against()]));
    assert_eq!(standings(&judged)[2], Standing::Behind(5), "the engine is what it holds");
    let s = ready(vec![Node::new("g1").stopped(95), Node::new("g2").stopped(94), against()]);
    assert_eq!(bootstrap(&s, "g1", &Waivers::NONE), ["S3 g3"]);
    assert_eq!(join(&beside(against()), "g3", &Waivers::NONE), ["S3 g3"]);
    assert!(join(&beside(g3().stopped(90).recovered(90)), "g3", &Waivers::NONE).is_empty());
}

#[test]
fn a_node_that_is_behind_may_join_and_bring_nothing() {
    let s = beside(g3().stopped(90));
    let rulings = ask(&s, &Doing::Join { node: &name("g3") }, &Waivers::NONE);
    assert!(rulings.iter().all(Ruling::passes), "{rulings:#?}");
    assert_eq!(join(&ready(stopped([5, 4, 3])), "g2", &Waivers::NONE)[0], "S6 -", "there is no Primary");
}

/// S13, S7, S8, S4: whatever only this node holds, or may hold, would be overwritten.
#[test]
fn a_join_overwrites_nothing_that_only_this_node_holds() {
    let zeroed = || g3().stopped(0).state_file("00000000-0000-0000-0000-000000000000", -1);
    let bare = || {
        g3().no_process("inactive", "dead", "exited", 0)
            .set(keys::GRASTATE_FILE, plain("missing"))
            .set(keys::DATADIR_SYSTEM_SCHEMA, false)
    };
    let everything = waive(&[(4, "g3"), (5, "g3"), (8, "g3"), (25, "g3")]);
    for (node, wanted, answer) in [
        (g3().stopped(107), "S8 g3", "galera-adopt-ahead"),
        (g3().stopped(90).state_file(OTHER_UUID, 3), "S8 g3", "galera-export-divergence"),
        (g3().stopped(90).set(keys::LOG_EVICTED, true), "S7 g3", "galera-evicted-node"),
        (g3().stopped(90).set(keys::LOG_HALF_FILLED, true), "S7 g3", "galera-abandon-state"),
        (g3().crashed(ALL), "S4 g3", "galera-positions"),
        (zeroed(), "S13 g3", "galera-positions"),
    ] {
        let s = beside(node);
        assert_eq!(join(&s, "g3", &everything), [wanted], "no waiver of a bootstrap starts it");
        assert!(said(&s, &Doing::Join { node: &name("g3") }, &wanted[..wanted.len() - 3]).contains(answer));
    }
    assert!(join(&beside(bare()), "g3", &Waivers::NONE).is_empty());
    let asked = zeroed().unknown(keys::RECOVERED, WhyKind::Undefined, "the engine holds no position");
    assert!(join(&beside(asked), "g3", &Waivers::NONE).is_empty());
    assert!(join(&beside(zeroed()), "g3", &waive(&[(13, "g3")])).is_empty(), "the loss was waived");
}

#[test]
fn one_joiner_at_a_time_with_room_and_time() {
    assert_eq!(
        join(&beside(g3().stopped(90).set(keys::DISK_FREE, 1 << 20)), "g3", &Waivers::NONE),
        ["S17 g3"]
    );
    let short = || beside(g3().stopped(90).set(keys::UNIT_START_TIMEOUT, plain("15min")));
    assert_eq!(join(&short(), "g3", &Waivers::NONE), ["S17 g3"]);
    assert!(join(&short(), "g3", &waive(&[(17, "g3")])).is_empty());
    assert_eq!(join(&short(), "g3", &waive(&[(17, "g2")])), ["S17 g3"]);
    let two = ["g1", "g2"];
    let joining = Node::new("g2")
        .process("activating", "start")
        .set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]);
    let giving = Node::new("g1").synced(4, &two, 100).set(keys::WSREP_LOCAL_STATE, 2).roomy();
    let s = survey(vec![giving, joining, g3().stopped(90)]);
    assert_eq!(join(&s, "g3", &Waivers::NONE), ["S17 g3"]);
    assert!(said(&s, &Doing::Join { node: &name("g3") }, "S17").contains("g2 is joining"));
}

#[test]
fn a_view_that_is_whole_is_started_together_without_positions() {
    let all: Vec<NodeName> = ALL.iter().map(|node| name(node)).collect();
    let crashed = || -> Vec<Node> { ALL.iter().map(|name| Node::new(name).crashed(ALL)).collect() };
    let s = ready(crashed());
    assert!(re_forms(&s));
    let together = |s: &Survey| held(s, &Doing::StartTogether(&all), &Waivers::NONE);
    assert!(together(&s).is_empty());
    assert!(!held(&s, &Doing::StartTogether(&all[..2]), &Waivers::NONE).is_empty());
    let judged = judge(&s);
    assert_eq!(judged.findings[0].runbook, Some("galera-start-all"));
    // One left cleanly: the last view is smaller, and it is not in it.
    let mut nodes = crashed();
    nodes[2] = Node::new("g3").stopped(9);
    let s = ready(nodes);
    assert!(!re_forms(&s) && together(&s) == ["S17 -"]);
    assert_eq!(judge(&s).findings[0].runbook, Some("galera-positions"));
    // One bootstrapped since: it has another view.
    let mut nodes = crashed();
    nodes[1] = Node::new("g2").crashed(ALL).view(7, &["g2"]);
    assert!(!re_forms(&ready(nodes)));
    let mut nodes = crashed();
    nodes[1] = Node::new("g2").crashed(ALL).set(keys::LOG_EVICTED, true);
    assert!(together(&ready(nodes)).contains(&"S7 g2".to_owned()));
}

/// S14.
#[test]
fn a_position_is_recovered_only_beside_no_server_and_no_transfer() {
    let recover = |node: Node| held(&survey(vec![node]), &Doing::Recover(&name("g3")), &Waivers::NONE);
    assert!(recover(Node::new("g3").crashed(ALL)).is_empty());
    assert!(recover(Node::new("g3").stopped(7)).is_empty());
    // How the last server ended may be unknown.
    assert!(
        recover(Node::new("g3").no_process("inactive", "dead", "none", 0).state_file(UUID, -1)).is_empty()
    );
    for node in [
        Node::new("g3").synced(3, ALL, 7),
        Node::new("g3").process("activating", "start"),
        Node::new("g3").process("deactivating", "stop-sigterm"),
        Node::new("g3").crashed(ALL).set(keys::UNIT_ACTIVE, plain("activating")),
        Node::new("g3").crashed(ALL).set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]),
        Node::new("g3").crashed(ALL).set(keys::TRANSFER_PROCESSES, vec![plain("77 rsync")]),
        Node::new("g3").crashed(ALL).unknown(keys::TRANSFER_PROCESSES, WhyKind::NoTool, "no ps"),
        Node::new("g3").crashed(ALL).unknown(keys::SERVER_STATE, WhyKind::NoTool, "no ps"),
    ] {
        assert_eq!(recover(node), ["S14 g3"]);
    }
    assert!(recover(Node::new("g3").unreachable()).contains(&"S18 g3".to_owned()));
    let direct = |node| held(&survey(vec![node]), &Doing::RecoverDirect(&name("g3")), &Waivers::NONE);
    assert_eq!(direct(Node::new("g3").crashed(ALL).set(keys::UNIT_FROZEN, plain(""))), ["S21 g3"]);
    assert!(direct(Node::new("g3").crashed(ALL).frozen()).is_empty());
}

#[test]
fn a_stuck_server_is_ended_where_no_primary_may_count_on_it() {
    let stuck = || {
        let mut node = Node::new("g3")
            .process("activating", "start")
            .set(keys::LOG_WAITING, true)
            .set(keys::SERVER_PIDS, vec![plain("7 S mysql 99")])
            .frozen();
        node.0.sql =
            breakglass::facts::Reach::failed(breakglass::facts::ReachWord::Timeout, "no greeting", "");
        node
    };
    let g3 = name("g3");
    let end = |s: &Survey| held(s, &Doing::EndStuck(&g3), &Waivers::NONE);
    assert!(end(&survey(vec![Node::new("g1").crashed(ALL), stuck()])).is_empty());
    assert_eq!(end(&beside(stuck())), ["S6 g3"]);
    let serving = survey(vec![stuck().set(keys::LOG_WAITING, false)]);
    assert_eq!(end(&serving), ["S15 g3"]);
}

#[test]
fn acts_on_one_node_need_its_identity_and_fresh_facts() {
    let g1 = name("g1");
    let fresh = survey(vec![Node::new("g1").stopped(5)]);
    let acts = [Doing::Freeze(&g1), Doing::ClearLeftovers(&g1), Doing::Unfreeze(&g1), Doing::Lease(&g1)];
    for doing in &acts {
        assert!(held(&fresh, doing, &Waivers::NONE).is_empty(), "{doing:?}");
        let later = now() + SignedDuration::from_secs(11);
        let rulings = permit(&fresh, &judge(&fresh), doing, &Waivers::NONE, later);
        assert!(rulings.iter().any(|ruling| ruling.rule == "S9" && !ruling.passes()), "{doing:?}");
        let twin = Node::new("g2").stopped(4).set(keys::HOST_MACHINE_ID, plain("machine-of-g1"));
        assert_eq!(held(&survey(vec![Node::new("g1").stopped(5), twin]), doing, &Waivers::NONE), ["S18 g1"]);
        let stranger = survey(vec![Node::new("g2").stopped(5)]);
        assert_eq!(held(&stranger, doing, &Waivers::NONE), ["S18 g1"]);
    }
    assert!(ask(&fresh, &Doing::Look(&g1), &Waivers::NONE).is_empty());
    assert_eq!(held(&fresh, &Doing::Write(&g1), &Waivers::NONE), ["S22 g1"]);
    assert!(held(&beside(g3().stopped(90)), &Doing::Write(&g1), &Waivers::NONE).is_empty());
}

fn ready_of(states: [State; 3]) -> Survey {
    ready(ALL.iter().zip(states).map(|(name, state)| node_in(name, state)).collect())
}

fn passes(s: &Survey, doing: &Doing<'_>, waivers: &Waivers) -> bool {
    ask(s, doing, waivers).iter().all(Ruling::passes)
}

fn any_waivers() -> impl Strategy<Value = Vec<(u8, &'static str)>> {
    let rule = prop::sample::select(vec![4u8, 5, 8, 13, 17, 25]);
    prop::collection::vec((rule, prop::sample::select(ALL)), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever is not read any more, no act passes that was held back.
    #[test]
    fn less_evidence_never_lets_an_act_go_on(
        states in any_states(), node in 0..3usize, fact in any::<prop::sample::Index>(),
        given in any_waivers(), acting in 0..3usize,
    ) {
        let s = ready_of(states);
        // A server that tells its status and not its wsrep_on is taken at its word: the two may be collected apart.
        let names = s.nodes[node].facts.iter().map(|(name, _)| name);
        let names: Vec<&'static str> = names.filter(|name| *name != keys::VAR_WSREP_ON.name()).collect();
        prop_assume!(!names.is_empty());
        // Whose missing position is waived may lose it, and whose history is left out may lose what it was: that is
        // what was waived.
        let given: Vec<_> =
            given.into_iter().filter(|(rule, of)| *of != ALL[node] || !matches!(rule, 4 | 8 | 25)).collect();
        let gone = names[fact.index(names.len())];
        let mut less = s.clone();
        less.nodes[node].facts.remove(gone);
        let acting = name(ALL[acting]);
        let all: Vec<NodeName> = ALL.iter().map(|node| name(node)).collect();
        let waivers = waive(&given);
        for doing in [
            Doing::Bootstrap { target: &acting, others: &[] },
            Doing::Join { node: &acting },
            Doing::StartTogether(&all),
            Doing::EndStuck(&acting),
            Doing::RecoverDirect(&acting),
            Doing::Write(&acting),
        ] {
            let bolder = passes(&less, &doing, &waivers) && !passes(&s, &doing, &waivers);
            prop_assert!(!bolder, "{doing:?} without {}.{gone}", ALL[node]);
        }
    }

    /// A waiver lifts its own rule on its own node; only what is left out of the comparison changes what others are.
    #[test]
    fn a_waiver_lifts_its_own_rule_and_node(states in any_states(), rule in 0..6usize, node in 0..3usize, acting in 0..3usize) {
        let s = ready_of(states);
        let rule = [4u8, 5, 8, 13, 17, 25][rule];
        let waivers = waive(&[(rule, ALL[node])]);
        let acting = name(ALL[acting]);
        for doing in [Doing::Bootstrap { target: &acting, others: &[] }, Doing::Join { node: &acting }] {
            let (before, after) = (held(&s, &doing, &Waivers::NONE), held(&s, &doing, &waivers));
            for lifted in before.iter().filter(|was| !after.contains(was)) {
                let own = *lifted == format!("S{rule} {}", ALL[node]);
                let fenced = rule == 5 && lifted.starts_with("S6 ");
                // What was missing alone kept the target from being a candidate.
                let chosen = rule == 4 && *lifted == format!("S4 {acting}");
                let left_out = matches!(rule, 8 | 25)
                    && ["S8 ", "S25 ", "S4 ", "S7 "].iter().any(|lifts| lifted.starts_with(lifts));
                let joins = matches!(doing, Doing::Join { .. });
                prop_assert!(own || !joins && (fenced || chosen || left_out), "S{rule} {} lifted {lifted}", ALL[node]);
            }
        }
    }

    #[test]
    fn the_order_of_nodes_changes_no_ruling(states in any_states(), turn in 0..3usize, acting in 0..3usize) {
        let s = ready_of(states);
        let mut turned = s.clone();
        turned.nodes.rotate_left(turn);
        let acting = name(ALL[acting]);
        for doing in [Doing::Bootstrap { target: &acting, others: &[] }, Doing::Join { node: &acting }] {
            let sorted = |s: &Survey| {
                let mut held = held(s, &doing, &Waivers::NONE);
                held.sort();
                held
            };
            prop_assert_eq!(sorted(&s), sorted(&turned));
        }
    }

    /// Confirming all that is offered and waiving nothing: what passes loses nothing.
    #[test]
    fn what_passes_without_a_waiver_loses_nothing_that_was_read(states in any_states(), acting in 0..3usize) {
        let s = ready_of(states);
        let judgement: Judgement = judge(&s);
        let acting = name(ALL[acting]);
        if passes(&s, &Doing::Bootstrap { target: &acting, others: &[] }, &Waivers::NONE) {
            prop_assert!(judgement.candidates.contains(&acting));
            prop_assert!(judgement.primary.is_none());
        }
        if passes(&s, &Doing::Join { node: &acting }, &Waivers::NONE) {
            let standing = judgement.node(&acting).unwrap().standing;
            prop_assert!(matches!(standing, Some(Standing::Behind(_) | Standing::Empty)), "{standing:?}");
            prop_assert!(judgement.primary.is_some());
            prop_assert!(!found(&judgement, "galera.two-primaries"));
        }
    }
}

/// Whoever looks at the cluster sees that a session holds it, or held it and never let go.
#[test]
fn a_frozen_node_is_named_with_its_session() {
    let nodes =
        vec![Node::new("g1").stopped(5).frozen(), Node::new("g2").stopped(4), Node::new("g3").stopped(3)];
    let judged = judge(&survey(nodes));
    let finding = judged.findings.iter().find(|finding| finding.id == "galera.frozen").expect("a finding");
    assert_eq!(finding.nodes, [name("g1")]);
    let free = judge(&survey(vec![Node::new("g1").stopped(5), Node::new("g2").stopped(4)]));
    assert!(free.findings.iter().all(|finding| finding.id != "galera.frozen"));
}
