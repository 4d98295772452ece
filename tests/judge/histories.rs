//! Histories that parted (S25, case 49), positions recovered from engines, and what waivers leave out of a comparison.

use breakglass::facts::{Known, PositionSource, Survey, WhyKind, keys};
use breakglass::judge::{Doing, Standing, Verdict, Waivers, judge, judge_with};

use super::permit::{bootstrap, held, name, waive};
use super::surveys::{Node, OTHER_UUID, UUID, ago, now, plain, survey};
use super::{ALL, candidates, rules, standings, stopped};

fn ready(nodes: Vec<Node>) -> Survey {
    survey(nodes.into_iter().map(|node| node.frozen().roomy()).collect())
}

/// Both bootstrapped g1 and g2 after a clean stop; g3 joined one of them, and its log does not say which.
fn both_bootstrapped() -> Survey {
    ready(vec![
        Node::new("g1").stopped(12240).bootstrapped(60, 12170, 120),
        Node::new("g2").stopped(12224).bootstrapped(59, 12170, 120),
        Node::new("g3").stopped(12220).took_part(30),
    ])
}

#[test]
fn two_bootstraps_diverge_and_the_third_is_of_neither_for_certain() {
    let judged = judge(&both_bootstrapped());
    assert_eq!(standings(&judged), [Standing::Diverged, Standing::Diverged, Standing::Unknown]);
    assert!(judged.nodes[2].why.as_str().contains("g1 and g2 bootstrapped apart"), "{}", judged.nodes[2].why);
    assert!(candidates(&judged).is_empty() && judged.findings[0].runbook.is_none());
}

/// To go on from g1, the operator leaves out g2, and g3 too: its rows may be g2's.
#[test]
fn leaving_out_one_history_leaves_the_doubt_about_the_third() {
    let s = both_bootstrapped();
    let without_g2 = waive(&[(8, "g2")]);
    let judged = judge_with(&s, &without_g2, now());
    assert_eq!(standings(&judged), [Standing::Candidate, Standing::Diverged, Standing::Unknown]);
    assert!(judged.loss.known().is_none());
    assert_eq!(bootstrap(&s, "g1", &without_g2), ["S25 g3"]);
    assert!(bootstrap(&s, "g1", &waive(&[(8, "g2"), (25, "g3")])).is_empty());
    assert!(
        bootstrap(&s, "g2", &waive(&[(8, "g2")])).contains(&"S8 g2".to_owned()),
        "it is the one left out"
    );
}

/// One wrong bootstrap, g1 outside it and further on.
fn one_wrong() -> Survey {
    ready(vec![
        Node::new("g1").stopped(107).took_part(90),
        Node::new("g2").stopped(140).bootstrapped(60, 100, 120),
        Node::new("g3").stopped(138),
    ])
}

#[test]
fn a_wrong_bootstrap_without_the_node_that_held_more_diverges() {
    let judged = judge(&one_wrong());
    assert_eq!(standings(&judged), [Standing::Diverged; 3]);
    let why = judged.nodes[0].why.as_str();
    assert!(why.contains("holds at least 7 write-sets of its own since"), "{why}");
    assert!(!bootstrap(&one_wrong(), "g2", &Waivers::NONE).is_empty());
    let judged = judge_with(&one_wrong(), &waive(&[(8, "g1")]), now());
    assert_eq!(standings(&judged), [Standing::Diverged, Standing::Candidate, Standing::Behind(2)]);
}

/// Beside the Primary of the wrong bootstrap the one outside stays out, whatever is waived; its seqno is lower by now.
#[test]
fn beside_the_primary_it_stays_out_and_the_members_stay() {
    let two = ["g2", "g3"];
    let member = |name: &str| Node::new(name).synced(4, &two, 140).roomy();
    let s = survey(vec![
        Node::new("g1").stopped(107).took_part(90).frozen().roomy(),
        member("g2").bootstrapped(60, 100, 120),
        member("g3"),
    ]);
    let judged = judge(&s);
    assert_eq!(standings(&judged), [Standing::Diverged, Standing::Synced, Standing::Synced]);
    assert_eq!(judged.verdict, Verdict::Degraded);
    let all = waive(&[(8, "g1"), (25, "g1"), (13, "g1")]);
    assert_eq!(held(&s, &Doing::Join { node: &name("g1") }, &all), ["S8 g1", "S25 g1"]);
    // From where it would have parted is not known: a doubt, which can be waived.
    let line = plain(&format!("{:.0} component 1 after -", now() - jiff::SignedDuration::from_mins(60)));
    let mut s = s;
    s.nodes[1] = member("g2").set(keys::LOG_BOOTSTRAPS, vec![line]).0;
    assert_eq!(standings(&judge(&s))[0], Standing::Behind(33));
    let join = |waivers: &Waivers| held(&s, &Doing::Join { node: &name("g1") }, waivers);
    assert_eq!(join(&Waivers::NONE), ["S25 g1"]);
    assert_eq!(join(&waive(&[(25, "g2")])), ["S25 g1"], "of another node");
    assert!(join(&waive(&[(25, "g1")])).is_empty());
    let node_down = judge(&s).findings.into_iter().find(|finding| finding.id == "galera.node-down").unwrap();
    assert_eq!(node_down.runbook, None, "a start would be incremental");
}

#[test]
fn logs_that_do_not_reach_back_hold_the_act_and_hide_no_candidate() {
    let mut nodes = stopped([2008, 2007, 2006]);
    nodes[1] = Node::new("g2").stopped(2007).set(keys::LOG_REACH, now() - jiff::SignedDuration::from_mins(5));
    let s = ready(nodes);
    assert_eq!(candidates(&judge(&s)), ["g1"]);
    // Of the two whose histories may have parted either can be left out; only without g2 does g1 go on.
    assert_eq!(bootstrap(&s, "g1", &Waivers::NONE), ["S25 g1", "S25 g2", "S25 g3"]);
    assert!(bootstrap(&s, "g1", &waive(&[(25, "g1")])).contains(&"S8 g1".to_owned()));
    assert!(rules(&judge(&s), "galera.all-stopped").contains(&("S25", Some("g1".to_owned()))));
    let without = judge_with(&s, &waive(&[(25, "g2")]), now());
    assert_eq!(candidates(&without), ["g1"]);
    assert!(bootstrap(&s, "g1", &waive(&[(25, "g2")])).is_empty(), "g2 is left out, and stays so");
    assert_eq!(without.nodes[1].standing, Some(Standing::Behind(1)));
}

/// A machine that lost its power logged no end of its part in the group: what it was seen in is a bound, and where all other
/// logs reach back to it and show no bootstrap since, nothing can have come between.
#[test]
fn a_log_without_an_end_is_a_doubt_only_where_the_others_do_not_reach_back() {
    let cut = |seen: i64| {
        let line = format!("became-primary 1 {0:.0} {0:.0}", ago(seen));
        let node = Node::new("g1").crashed(ALL).recovered(2008);
        let node = node.unknown(keys::LOG_TOOK_PART, WhyKind::Undefined, "the log does not show until when");
        node.set(keys::LOG_KNOWN, vec![plain(&line)])
    };
    let beside = |first: Node, second: Node| ready(vec![first, second, Node::new("g3").stopped(2006)]);
    let g2 = || Node::new("g2").stopped(2007);
    let s = beside(cut(40), g2());
    assert_eq!(candidates(&judge(&s)), ["g1"]);
    assert!(bootstrap(&s, "g1", &Waivers::NONE).is_empty());
    // Its own log shows it in no Primary at all: nothing bounds what may have come between.
    let s = beside(cut(40).set(keys::LOG_KNOWN, vec![]), g2());
    assert_eq!(bootstrap(&s, "g1", &Waivers::NONE), ["S25 g1", "S25 g2", "S25 g3"]);
    // Another's log begins later.
    let s = beside(cut(40), g2().set(keys::LOG_REACH, ago(30)));
    assert_eq!(bootstrap(&s, "g1", &Waivers::NONE), ["S25 g1", "S25 g2", "S25 g3"]);
    let held = bootstrap(&s, "g1", &waive(&[(25, "g2")]));
    assert_eq!(held, ["S25 g1", "S25 g3"], "g3 may have been in what g2 bootstrapped");
    assert!(bootstrap(&s, "g1", &waive(&[(25, "g2"), (25, "g3")])).is_empty(), "it leads on past both");
    // A bootstrap since: whether g1 was in it nobody saw. One before: it was seen in a Primary after it.
    let s = beside(cut(40), g2().bootstrapped(30, 2000, 60));
    assert!(bootstrap(&s, "g1", &Waivers::NONE).contains(&"S25 g1".to_owned()));
    let s = beside(cut(40), g2().bootstrapped(50, 2000, 60));
    assert!(bootstrap(&s, "g1", &Waivers::NONE).is_empty());
    // Two bootstraps apart from each other before it: in whose group it was is as open as ever.
    let s = ready(vec![
        cut(40),
        Node::new("g2").stopped(2007).bootstrapped(50, 2000, 60),
        Node::new("g3").stopped(2006).bootstrapped(49, 2000, 60),
    ]);
    assert_eq!(standings(&judge(&s)), [Standing::Unknown, Standing::Diverged, Standing::Diverged]);
}

/// Three machines that started together and were killed within seconds: everything is seen.
#[test]
fn logs_from_boot_to_a_common_end_leave_no_doubt() {
    let boot = now() - jiff::SignedDuration::from_mins(60);
    let nodes = ALL.iter().zip([0, 2, 1]).map(|(name, seconds)| {
        let end = now() - jiff::SignedDuration::from_secs(600 - seconds);
        let line = plain(&format!("{boot:.0} component 3 after -"));
        Node::new(name)
            .crashed(ALL)
            .recovered(100 + seconds)
            .set(keys::LOG_REACH, boot)
            .set(keys::LOG_TOOK_PART, end)
            .set(keys::LOG_BOOTSTRAPS, vec![line])
    });
    let s = ready(nodes.collect());
    assert_eq!(standings(&judge(&s)), [Standing::Behind(2), Standing::Candidate, Standing::Behind(1)]);
    assert!(bootstrap(&s, "g2", &Waivers::NONE).is_empty());
}

#[test]
fn a_recovered_position_outranks_log_and_file() {
    let nodes = vec![
        Node::new("g1").crashed(ALL).logged(5).recovered(9),
        Node::new("g2").stopped(7),
        Node::new("g3")
            .no_process("inactive", "dead", "none", 0)
            .state_file(UUID, -1)
            .took_part(10)
            .recovered(8),
    ];
    let judged = judge(&survey(nodes));
    assert_eq!(judged.nodes[0].position.known().unwrap().source, PositionSource::Recover);
    assert_eq!(standings(&judged), [Standing::Candidate, Standing::Behind(2), Standing::Behind(1)]);
    // A server that runs is asked, and nothing recovered before counts.
    let judged = judge(&survey(vec![Node::new("g1").synced(2, &["g1"], 50).recovered(9)]));
    assert_eq!(judged.nodes[0].position.known().unwrap().source, PositionSource::Status);
}

/// A zeroed state file over an engine that holds a position: evicted, half-filled, or aborted for being ahead.
#[test]
fn a_recovered_position_makes_no_candidate_of_a_node_without_identity() {
    let zero = "00000000-0000-0000-0000-000000000000";
    let ended = |node: Node| node.state_file(zero, -1).recovered(99);
    for node in [
        ended(Node::new("g1").stopped(0)),
        ended(Node::new("g1").no_process("inactive", "dead", "none", 0).took_part(10)),
    ] {
        let judged = judge(&survey(vec![node, Node::new("g2").stopped(5), Node::new("g3").stopped(4)]));
        assert_eq!(standings(&judged), [Standing::Tainted, Standing::Candidate, Standing::Behind(1)]);
    }
}

/// An abort for being ahead, half a copy and an eviction can look the same: what such a node says beyond the candidate is left
/// behind by nobody who waives nothing.
#[test]
fn what_only_a_tainted_node_says_it_holds_is_left_out_by_name() {
    let zero = "00000000-0000-0000-0000-000000000000";
    let beside =
        |first: Node| ready(vec![first, Node::new("g2").stopped(10221), Node::new("g3").stopped(10222)]);
    let without_file =
        |at| Node::new("g1").crashed(ALL).recovered(at).set(keys::GRASTATE_FILE, plain("missing"));
    for first in [
        without_file(10333),
        Node::new("g1").crashed(ALL).state_file(zero, -1).recovered(10333),
        Node::new("g1").crashed(ALL).recovered(10333).set(keys::LOG_HALF_FILLED, true),
        Node::new("g1").stopped(10333).set(keys::LOG_EVICTED, true),
    ] {
        let s = beside(first);
        let judged = judge(&s);
        assert_eq!(standings(&judged), [Standing::Tainted, Standing::Behind(1), Standing::Candidate]);
        assert_eq!(bootstrap(&s, "g3", &Waivers::NONE), ["S8 g1"]);
        let loss = judged.loss.why().unwrap().text.to_string();
        assert!(loss.contains("111 write-sets beyond 10222") && loss.contains("not known"), "{loss}");
        let finding = &judged.findings[0];
        assert!(finding.next.as_str().starts_with("Copy the data directory of g1"), "{}", finding.next);
        assert_eq!(finding.runbook, Some("galera-bootstrap"));
        assert!(bootstrap(&s, "g3", &waive(&[(8, "g1")])).is_empty());
        assert!(!bootstrap(&s, "g1", &waive(&[(8, "g1")])).is_empty(), "it is never the one");
        assert_eq!(bootstrap(&s, "g3", &waive(&[(8, "g2")])), ["S8 g1"], "of another node");
    }
    assert!(bootstrap(&beside(without_file(10222)), "g3", &Waivers::NONE).is_empty(), "all of it is g3's");
    // The group that evicted it went on from its number with other rows.
    let evicted = beside(Node::new("g1").stopped(10200).set(keys::LOG_EVICTED, true));
    assert_eq!(bootstrap(&evicted, "g3", &Waivers::NONE), ["S8 g1"]);
    let loss = judge(&evicted).loss.why().unwrap().text.to_string();
    assert!(loss.contains("which of its rows nobody else has is not known"), "{loss}");
    let other = Node::new("g1").stopped(5).state_file(OTHER_UUID, 5).set(keys::LOG_EVICTED, true);
    assert_eq!(bootstrap(&beside(other), "g3", &Waivers::NONE), ["S8 g1"]);
}

/// A data directory that was emptied, and the engine that a start made anew in one: asked, it holds no history. What led to
/// it is not known, so nothing is overwritten and nobody is chosen past it without a word.
#[test]
fn an_engine_without_history_is_empty_and_a_waiver_leads_past_it() {
    let fresh = || {
        let node = Node::new("g3").crashed(ALL).set(keys::GRASTATE_FILE, plain("missing"));
        let node = node.unknown(keys::GRASTATE_UUID, WhyKind::Undefined, "missing");
        node.unknown(keys::GRASTATE_SEQNO, WhyKind::Undefined, "missing")
    };
    let asked = || fresh().unknown(keys::RECOVERED, WhyKind::Undefined, "the engine holds no position");
    let with = |third: Node| ready(vec![Node::new("g1").stopped(8), Node::new("g2").stopped(7), third]);
    let judged = judge(&with(fresh()));
    assert_eq!(standings(&judged)[2], Standing::Unknown, "it was not asked");
    assert!(
        judged.findings[0].next.as_str().starts_with("Recover the position"),
        "{}",
        judged.findings[0].next
    );

    let emptied = || fresh().set(keys::DATADIR_SYSTEM_SCHEMA, false);
    for third in [asked(), emptied(), emptied().unknown(keys::RECOVERED, WhyKind::Undefined, "none")] {
        let s = with(third);
        let judged = judge(&s);
        assert_eq!(standings(&judged), [Standing::Unknown, Standing::Behind(1), Standing::Empty]);
        assert_eq!(bootstrap(&s, "g1", &Waivers::NONE), ["S4 g3"]);
        assert!(bootstrap(&s, "g1", &waive(&[(4, "g3")])).is_empty());
        let finding = &judged.findings[0];
        assert!(
            finding.next.as_str().starts_with("There is no position to recover on g3"),
            "{}",
            finding.next
        );
        assert!(
            finding.next.as_str().contains("that of g1: the runbook galera-bootstrap goes on from there")
        );
        assert_eq!(finding.runbook, Some("galera-bootstrap"));
        assert!(!judged.findings.iter().any(|finding| finding.id == "galera.recovery-failed"));
    }
    // Something else is in the way as well: that comes first, and what leads on is named all the same.
    let s = ready(vec![
        Node::new("g1").stopped(8).set(keys::LEFTOVERS, vec![plain("my.cnf:3: gcomm://")]),
        Node::new("g2").stopped(7),
        asked(),
    ]);
    let next = judge(&s).findings[0].next.to_string();
    assert!(next.contains("clear what is listed below first; then the runbook galera-bootstrap"), "{next}");

    let two = ["g1", "g2"];
    let beside = |third: Node| {
        let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100)).collect();
        nodes.push(third);
        ready(nodes)
    };
    let join = |s: &Survey, waivers: &Waivers| held(s, &Doing::Join { node: &name("g3") }, waivers);
    assert_eq!(join(&beside(asked()), &Waivers::NONE), ["S13 g3"]);
    assert!(join(&beside(asked()), &waive(&[(13, "g3")])).is_empty());
    assert!(join(&beside(fresh()), &waive(&[(13, "g3"), (4, "g3")])).contains(&"S4 g3".to_owned()));
    let judged = judge(&beside(asked()));
    let node_down = judged.findings.iter().find(|finding| finding.id == "galera.node-down").unwrap();
    assert!(node_down.next.as_str().contains("asks for a waiver (S13)"), "{}", node_down.next);
    assert_eq!(node_down.runbook, Some("galera-rejoin"));
}

#[test]
fn findings_name_the_runbook_that_answers_them() {
    let first = |nodes: Vec<Node>| {
        let judged = judge(&survey(nodes));
        let finding = judged.findings.into_iter().next().unwrap();
        (finding.runbook, finding.next.to_string())
    };
    let (runbook, next) = first(stopped([2006, 2008, 2007]));
    assert_eq!(runbook, Some("galera-bootstrap"));
    assert!(next.contains("breakglass run galera-bootstrap shop --set target=g2"), "{next}");
    let lost =
        |name| Node::new(name).no_process("failed", "failed", "killed", 9).state_file(UUID, -1).took_part(10);
    let (runbook, next) = first(vec![lost("g1"), lost("g2"), Node::new("g3").stopped(7)]);
    assert_eq!(runbook, Some("galera-positions"));
    assert!(next.contains("breakglass run galera-positions shop"), "{next}");
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100)).collect();
    nodes.push(Node::new("g3").stopped(90));
    let (runbook, next) = first(nodes);
    assert_eq!(runbook, Some("galera-rejoin"));
    assert!(next.contains("breakglass run galera-rejoin shop --set node=g3"), "{next}");
}

#[test]
fn what_waivers_may_not_change() {
    let s = both_bootstrapped();
    assert_eq!(judge(&s), judge_with(&s, &Waivers::NONE, now()));
    assert_eq!(
        judge(&s),
        judge_with(&s, &waive(&[(6, "g1"), (7, "g2")]), now()),
        "S6 and S7 are lifted by nobody"
    );
    // A statement that it is fenced does not stand against a server that is seen.
    let seen =
        vec![Node::new("g1").synced(3, ALL, 9), Node::new("g2").crashed(ALL), Node::new("g3").crashed(ALL)];
    assert!(bootstrap(&ready(seen), "g2", &waive(&[(5, "g1")])).contains(&"S6 g1".to_owned()));
    let unknown = Node::new("g3").stopped(5).unknown(keys::LOG_BOOTSTRAPS, WhyKind::Denied, "denied");
    let s = ready(vec![Node::new("g1").stopped(7), Node::new("g2").stopped(6), unknown]);
    assert_eq!(judge(&s).loss, judge_with(&s, &waive(&[(25, "g9")]), now()).loss);
    assert!(matches!(judge_with(&s, &waive(&[(25, "g3")]), now()).loss, Known::Unknown(_)));
}
