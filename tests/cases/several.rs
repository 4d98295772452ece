//! Faults that come together, and healthy clusters that look like faults: what one finding says must not be undone by
//! another, and nothing is said that the facts do not show.

use breakglass::facts::{Known, NodeName, Position, Role, WhyKind, keys};
use breakglass::judge::{
    Doing, Finding, Judgement, Server, Transfer, Waiver, Waivers, judge, judge_with, permit,
};

use super::surveys::{Node, UUID, ago, now, plain, seqno, survey, uuid};
use super::{ALL, beside, crashed_at, in_sync, logged, stands};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";

fn judged(nodes: Vec<Node>) -> Judgement {
    judge(&survey(nodes))
}

fn finding<'j>(judgement: &'j Judgement, id: &str) -> Option<&'j Finding> {
    judgement.findings.iter().find(|finding| finding.id == id)
}

fn next(judgement: &Judgement, id: &str) -> String {
    finding(judgement, id).unwrap().next.to_string()
}

fn about(judgement: &Judgement, id: &str) -> Vec<String> {
    finding(judgement, id)
        .map_or_else(Vec::new, |found| found.nodes.iter().map(ToString::to_string).collect())
}

/// Two servers that no machine id tells apart, and an arbitrator that was stopped: systemd soon forgets how.
#[test]
fn clones_and_an_arbitrator_at_rest() {
    let id = plain("3d1219c7c4c5404aaa1f6d2a48adfda4");
    let twin = |name: &str, at: &str| {
        Node::new(name)
            .stopped(5)
            .set(keys::HOST_MACHINE_ID, id.clone())
            .set(keys::DATADIR_IDENTITY, plain(at))
    };
    let judgement = judged(vec![
        twin("g1", "1793:2"),
        twin("g2", "1794:2"),
        Node::new("g3").stopped(5),
        Node::new("a1").role(Role::Arbitrator).no_process("inactive", "dead", "none", 0),
    ]);
    assert_eq!(about(&judgement, "galera.same-machine-id"), ["g1", "g2"]);
    assert!(finding(&judgement, "galera.same-machine").is_none());
    assert_eq!(judgement.nodes[3].server, Known::Known(Server::Stopped));
}

/// A state file without an identity says so also where nobody knows what runs: never a candidate, and a position is missing.
#[test]
fn an_empty_state_file_where_what_runs_is_not_known() {
    let unread =
        Node::new("g1").state_file(ZERO, -1).unknown(keys::SERVER_STATE, WhyKind::NotAsked, "not collected");
    let judgement = judged(vec![
        unread,
        Node::new("g2").crashed(ALL).recovered(9),
        Node::new("g3").crashed(ALL).recovered(8),
    ]);
    assert_eq!(stands(&judgement), "EMPTY UNKNOWN BEHIND 1");
    assert!(judgement.candidates.is_empty());
}

/// Every member logs that a transfer between two of them failed. The donor, killed seconds later, is the last good copy.
#[test]
fn a_joiner_and_its_donor_killed_together() {
    let judgement = judged(vec![
        logged(Node::new("g1").crashed(ALL).took_part(0).recovered(100), &["sst-failed"]),
        logged(Node::new("g2").crashed(ALL).took_part(0).recovered(100), &["sst-failed", "donor-gone"])
            .set(keys::LOG_HALF_FILLED, true),
        Node::new("g3").crashed(ALL).recovered(99),
    ]);
    assert_eq!(stands(&judgement), "CANDIDATE TAINTED BEHIND 1");
    assert_eq!(about(&judgement, "galera.transfer-failed"), ["g2"]);
    // Nobody is there to fill it, and without its state file it would read as safe to bootstrap.
    let next = next(&judgement, "galera.tainted");
    assert!(next.contains("Leave it as it is") && !next.contains("state file and gcache away"), "{next}");
}

/// Whoever reads the first finding only must not start a node on a full disk.
#[test]
fn a_full_disk_under_the_highest_position() {
    let mut nodes: Vec<Node> =
        [100, 99, 98].iter().zip(ALL).map(|(at, name)| Node::new(name).stopped(*at).roomy()).collect();
    let judgement = judged(std::mem::take(&mut nodes));
    assert!(next(&judgement, "galera.all-stopped").starts_with("breakglass run galera-bootstrap"));
    for (at, name) in [100, 99, 98].iter().zip(ALL) {
        let node = Node::new(name).stopped(*at).roomy();
        nodes.push(if *name == "g1" { node.set(keys::DISK_FREE, 1 << 20) } else { node });
    }
    let judgement = judged(nodes);
    let next = next(&judgement, "galera.all-stopped");
    assert!(next.starts_with("First what stands against a start on g1 (galera.disk-full)"), "{next}");
}

/// A node that is down beside a Primary, on a disk with no room for what would come.
#[test]
fn a_joiner_without_room_is_not_named_as_one_that_can_be_started() {
    let third = Node::new("g3").stopped(90).roomy().set(keys::DISK_FREE, 200 << 20);
    let next = next(&judged(beside(third.set(keys::DATADIR_USED, 300 << 20))), "galera.node-down");
    assert!(
        next.starts_with("First what stands against a start on g3 (galera.no-room-for-transfer"),
        "{next}"
    );
}

/// The abort for being ahead took the identity from the state file; the engine still holds what nobody else does.
#[test]
fn a_node_that_aborted_for_being_ahead_is_not_taken_for_a_half_copy() {
    let g3 = Node::new("g3")
        .no_process("failed", "failed", "killed", 6)
        .state_file(ZERO, -1)
        .took_part(0)
        .set(keys::RECOVERED, Position { uuid: uuid(UUID), seqno: seqno(103) });
    let judgement = judged(beside(logged(g3, &["reversing-history"])));
    assert_eq!(stands(&judgement), "SYNCED SYNCED TAINTED");
    assert_eq!(about(&judgement, "galera.node-ahead"), ["g3"]);
    let told = next(&judgement, "galera.node-ahead");
    assert!(told.contains("take no file away") && told.contains("copy its data directory"), "{told}");
    assert!(judgement.loss.known().is_none());
    assert!(finding(&judgement, "galera.tainted").is_none(), "which would have its state file taken away");
}

/// An operator says that g3 is fenced, and the load balancer sends clients there (cases 5 and 46).
#[test]
fn nobody_is_fenced_whom_a_load_balancer_serves() {
    let row = |state: &str| {
        Node::new("p1")
            .role(Role::Proxy)
            .set(keys::PROXY_KIND, plain("haproxy"))
            .set(keys::PROXY_BACKENDS, vec![plain(&format!("galera/g3 10.0.0.13:3306 {state}"))])
    };
    let given = [4, 5].map(|rule| Waiver {
        rule,
        node: NodeName::new("g3").unwrap(),
        until: now() + jiff::SignedDuration::from_mins(30),
    });
    let waivers = Waivers::new(given);
    let target = NodeName::new("g1").unwrap();
    for (state, verdict, wanted) in [
        ("UP L7OK/200", "undetermined", vec!["S6 g3"]),
        ("DOWN L4TOUT", "outage", vec![]),
        ("MAINT -", "outage", vec![]),
    ] {
        let mut nodes: Vec<Node> = ["g1", "g2"]
            .iter()
            .map(|name| Node::new(name).crashed(ALL).recovered(100).frozen().roomy())
            .collect();
        nodes.extend([Node::new("g3").unreachable(), row(state)]);
        let survey = survey(nodes);
        let judgement = judge_with(&survey, &waivers, now());
        assert_eq!(judgement.verdict.to_string(), verdict, "{state}");
        let doing = Doing::Bootstrap { target: &target, others: &[] };
        let held: Vec<String> = permit(&survey, &judgement, &doing, &waivers, now())
            .iter()
            .flat_map(|ruling| &ruling.blocked)
            .map(|found| format!("{} {}", found.rule, found.node.as_ref().map_or("-", NodeName::as_str)))
            .collect();
        assert_eq!(held, wanted, "{state}");
    }
}

/// Two of one seqno are one history only where no bootstrap may stand between them (case 49).
#[test]
fn a_tie_in_doubt_is_no_free_choice() {
    let calm =
        judged(vec![Node::new("g1").stopped(100), Node::new("g2").stopped(100), Node::new("g3").stopped(99)]);
    assert!(finding(&calm, "galera.tie").unwrap().text.as_str().contains("any one of them will do"));
    let mut g1 = Node::new("g1").stopped(100);
    g1.0.facts.remove(keys::LOG_REACH.name());
    let judgement = judged(vec![g1, Node::new("g2").stopped(100), Node::new("g3").stopped(99)]);
    let said = finding(&judgement, "galera.tie").unwrap().text.to_string();
    assert!(said.contains("whether they hold the same rows is not known"), "{said}");
}

/// Galera would send a node whose history is in doubt the missing write-sets alone: what is forecast is what it needs.
#[test]
fn a_history_in_doubt_needs_a_full_copy_that_galera_would_not_choose() {
    let mut nodes = beside(Node::new("g3").stopped(90).roomy());
    for node in nodes.iter_mut().take(2) {
        node.0.facts.remove(keys::LOG_REACH.name());
    }
    let judgement = judged(nodes);
    let forecast = judgement.nodes[2].forecast.as_ref().unwrap();
    assert_eq!(forecast.transfer, Transfer::Sst);
    let why = forecast.why.as_str();
    assert!(why.starts_with("it must be") && why.contains("write-sets alone"), "{why}");
    assert!(finding(&judgement, "galera.donor-window").is_none(), "no window is what stands in the way");
}

/// A node that holds nothing for certain may be filled, and the two findings about it say one thing.
#[test]
fn an_empty_node_that_was_asked_is_not_told_to_be_asked() {
    let blank = Node::new("g3")
        .no_process("inactive", "dead", "exited", 0)
        .state_file(ZERO, -1)
        .unknown(keys::RECOVERED, WhyKind::Undefined, "the engine holds no position")
        .took_part(30);
    let judgement = judged(beside(blank));
    let found = finding(&judgement, "galera.empty").unwrap();
    assert_eq!(found.runbook, Some("galera-rejoin"));
    assert!(!found.next.as_str().contains("Do not start"), "{}", found.next);
}

/// A vote that is not garbd's may be another copy of the data.
#[test]
fn a_member_that_was_not_read_may_be_a_copy() {
    let garbd = || Node::new("a4").role(Role::Arbitrator).set(keys::ARBITRATOR_PROCESS, plain("441 _garbd"));
    let judgement = judged(vec![
        Node::new("g1").synced(4, &["g1", "g2", "a4"], 100),
        Node::new("g2").unreachable(),
        garbd(),
    ]);
    assert!(judgement.primary.is_some());
    assert!(finding(&judgement, "galera.arbitrator").is_none());
    let judgement =
        judged(vec![Node::new("g1").synced(4, &["g1", "a4"], 100), Node::new("g2").stopped(90), garbd()]);
    let said = finding(&judgement, "galera.arbitrator").unwrap().text.to_string();
    assert!(said.contains("one copy of the data left"), "{said}");
}

/// tests/fixtures/lab/garbd-alone: left alone, garbd goes on as a component of its own, and nobody looks for it.
#[test]
fn an_arbitrator_outside_of_a_whole_primary_is_a_vote_that_is_missing() {
    let garbd = || Node::new("a4").role(Role::Arbitrator).set(keys::ARBITRATOR_PROCESS, plain("441 _garbd"));
    let with = |view: &[&str]| {
        let members = ["g1", "g2"].map(|name| Node::new(name).synced(4, view, 100));
        judged(members.into_iter().chain([garbd()]).collect())
    };
    assert!(finding(&with(&["g1", "g2", "a4"]), "galera.arbitrator").is_none());
    let judgement = with(&["g1", "g2"]);
    let said = finding(&judgement, "galera.arbitrator").unwrap().text.to_string();
    assert!(said.contains("its vote is missing until garbd is restarted"), "{said}");
}

/// Old trouble in a rotated log, whose lines no longer show when the node took part, is no trouble of a member that serves.
#[test]
fn old_lines_say_nothing_of_a_member_that_serves() {
    let mut nodes = in_sync();
    let first = nodes.remove(0);
    let lines = ["tls-handshake", "disk-full", "prepared-xa", "state-file-unreadable", "conflicting-prims"]
        .map(|id| plain(&format!("{id} 1 {0:.0} {0:.0}", ago(9000))));
    nodes.insert(0, first.set(keys::LOG_KNOWN, lines.to_vec()));
    let judgement = judged(nodes);
    let ids: Vec<&str> = judgement.findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["galera.healthy"]);
}

/// ProxySQL with one writer keeps the others SHUNNED as writers and ONLINE in reserve.
#[test]
fn a_writer_in_reserve_is_served() {
    let mut nodes: Vec<Node> = in_sync();
    let rows = |of: [(&str, &str); 4]| {
        let row = |(group, state): &(&str, &str), n: usize| {
            plain(&format!("{group}/10.0.0.1{n} 10.0.0.1{n}:3306 {state} -"))
        };
        vec![row(&of[0], 1), row(&of[1], 2), row(&of[2], 2), row(&of[3], 3)]
    };
    let proxy = |rows| {
        let node = Node::new("p1").role(Role::Proxy).set(keys::PROXY_KIND, plain("proxysql"));
        node.set(keys::PROXY_BACKENDS, rows)
    };
    nodes.push(proxy(rows([("10", "ONLINE"), ("10", "SHUNNED"), ("11", "ONLINE"), ("11", "ONLINE")])));
    assert!(finding(&judged(nodes), "galera.proxy-view").is_none());
    let mut nodes = in_sync();
    nodes.push(proxy(rows([("10", "ONLINE"), ("10", "SHUNNED"), ("11", "SHUNNED"), ("11", "ONLINE")])));
    let judgement = judged(nodes);
    let said = finding(&judgement, "galera.proxy-view").unwrap().text.to_string();
    assert!(said.contains("it holds g2, which is SYNCED, for SHUNNED"), "{said}");
}

/// A backup that garbd asks a donor for has no joiner either (case 36).
#[test]
fn a_donor_to_a_member_that_is_not_listed_is_left_alone() {
    let gives = |members: &[&str]| {
        let mut nodes: Vec<Node> = ALL.iter().map(|name| Node::new(name).synced(4, members, 100)).collect();
        let donor = nodes.remove(0).set(keys::WSREP_LOCAL_STATE, 2);
        nodes.insert(0, donor.set(keys::TRANSFER_PROCESSES, vec![plain("812 wsrep_sst_rsync")]));
        judged(nodes)
    };
    assert!(finding(&gives(ALL), "galera.donor-without-joiner").is_some());
    assert!(finding(&gives(&["g1", "g2", "g3", "g9"]), "galera.donor-without-joiner").is_none());
}

/// What no runbook clears is not answered by one.
#[test]
fn a_runbook_is_named_only_where_it_could_go_on() {
    let mut nodes = crashed_at([100, 99, 98]);
    let second = nodes.remove(1);
    nodes.insert(1, second.view(2, &["g1"]).set(keys::LOG_PREPARED, true));
    let judgement = judged(nodes);
    assert_eq!(finding(&judgement, "galera.all-crashed").unwrap().runbook, None, "S7 is lifted by nobody");
    let nodes = ["g1", "g2", "g3"].iter().zip([8, 9, 7]).map(|(name, at)| Node::new(name).stopped(at));
    let mut nodes: Vec<Node> = nodes.collect();
    let second = nodes.remove(1);
    nodes.insert(1, second.set(keys::GRASTATE_MTIME, ago(1)));
    let judgement = judged(nodes);
    let named = finding(&judgement, "galera.all-stopped").unwrap().runbook;
    assert_eq!(named, Some("galera-positions"), "the engine's own word settles what a hand has written");
}
