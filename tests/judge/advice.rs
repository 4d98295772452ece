//! What an operator is told to do: one advice per page, and none that another finding forbids.

use breakglass::facts::{Known, keys};
use breakglass::judge::{Finding, Judgement, judge};

use crate::surveys::{Node, UUID, ago, now, plain, survey};
use crate::{ALL, crashed, found, healthy};

fn of<'j>(judgement: &'j Judgement, id: &str) -> &'j Finding {
    judgement.findings.iter().find(|finding| finding.id == id).unwrap()
}

fn beside(third: Node) -> Judgement {
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100)).collect();
    nodes.push(third);
    judge(&survey(nodes))
}

#[test]
fn a_start_is_advised_only_after_what_stands_against_it() {
    let down = || Node::new("g3").stopped(90);
    let free = of(&beside(down()), "galera.node-down").next.to_string();
    assert!(free.starts_with("g3 is behind and can be started"), "{free}");
    let expired = down().set(keys::HOST_CLOCK, now()).set(keys::CERT_NOT_AFTER, ago(60));
    let held = of(&beside(expired), "galera.node-down").next.to_string();
    assert!(
        held.starts_with("First what stands against a start on g3 (galera.certificate). Then: g3 is behind"),
        "{held}"
    );
    // A certificate that ends soon is no reason to wait.
    let soon = down().set(keys::HOST_CLOCK, now()).set(keys::CERT_NOT_AFTER, ago(-60 * 24));
    let judgement = beside(soon);
    assert!(found(&judgement, "galera.certificate"));
}

#[test]
fn healthy_is_not_nothing_to_do_beside_a_warning() {
    assert_eq!(of(&judge(&survey(healthy())), "galera.healthy").next.as_str(), "Nothing to do.");
    let mut nodes = healthy();
    let first = nodes.remove(0);
    nodes.insert(0, first.set(keys::LEFTOVERS, vec![plain("/run/mysqld/wsrep-new-cluster")]));
    let judgement = judge(&survey(nodes));
    assert!(found(&judgement, "galera.bootstrap-leftover"));
    let next = &of(&judgement, "galera.healthy").next;
    assert!(next.as_str().ends_with("see what else was found."), "{next}");
}

#[test]
fn members_that_wait_for_a_view_come_before_any_recovery() {
    let waits =
        |name| Node::new(name).process("activating", "start").view(3, ALL).set(keys::LOG_WAITING, true);
    let judgement = judge(&survey(vec![waits("g1"), waits("g2"), Node::new("g3").crashed(ALL)]));
    let next = &of(&judgement, "galera.no-primary").next;
    assert!(next.as_str().starts_with("g1 and g2 cannot go on without the other members"), "{next}");
    assert!(
        of(&judgement, "galera.waiting-for-primary").next.as_str().starts_with("Start the missing members")
    );
}

#[test]
fn a_claimed_primary_is_waited_for() {
    // The others have just died, and g1 has not given them up.
    let mut nodes = healthy();
    nodes.truncate(1);
    nodes.extend(["g2", "g3"].map(|name| Node::new(name).crashed(ALL)));
    let judgement = judge(&survey(nodes));
    let claims = of(&judgement, "galera.views-contradict").text.to_string();
    assert!(claims.starts_with("g1 says that it is in a Primary Component"), "{claims}");
    let next = &of(&judgement, "galera.no-primary").next;
    assert!(next.as_str().starts_with("Read again in a few seconds"), "{next}");
}

#[test]
fn servers_cut_from_each_other_come_before_one_that_is_down() {
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).non_primary(&two, 100)).collect();
    nodes.push(Node::new("g3").stopped(90));
    let next = of(&judge(&survey(nodes)), "galera.no-primary").next.to_string();
    assert!(next.starts_with("g1 and g2 run: what galera.non-primary says comes first"), "{next}");
}

#[test]
fn a_half_filled_node_and_an_evicted_one_are_told_apart() {
    let half = Node::new("g3").crashed(ALL).set(keys::LOG_HALF_FILLED, true);
    let next = of(&beside(half), "galera.tainted").next.to_string();
    assert!(next.starts_with("What is there is part of a copy"), "{next}");
    let evicted = Node::new("g3").crashed(ALL).set(keys::LOG_EVICTED, true);
    let next = of(&beside(evicted), "galera.tainted").next.to_string();
    assert!(next.starts_with("Do not simply start it"), "{next}");
}

#[test]
fn what_is_left_out_untouched_is_no_dead_end() {
    let mut nodes = crashed();
    nodes.pop();
    let recovered = nodes.into_iter().zip([100, 98]).map(|(node, at)| {
        node.recovered(at).took_part(10).set(keys::GRASTATE_MTIME, ago(10)).set(keys::UNIT_EXITED, ago(9))
    });
    let mut nodes: Vec<Node> = recovered.collect();
    nodes.push(Node::new("g3").crashed(ALL).recovered(50).set(keys::LOG_HALF_FILLED, true));
    let judgement = judge(&survey(nodes));
    let finding = of(&judgement, "galera.all-crashed");
    assert!(finding.blocked_by.is_empty(), "{:?}", finding.blocked_by);
    assert!(matches!(judgement.loss, Known::Unknown(_)));
    assert!(
        finding
            .next
            .as_str()
            .starts_with("Nothing that was read is in the way of going on from g1, with g3 left out"),
        "{}",
        finding.next
    );
}

#[test]
fn an_old_line_of_a_log_says_nothing_of_a_member_or_of_a_file_that_was_seen() {
    let line = "state-file-unwritable 1 2026-11-21T02:00:00Z 2026-11-21T02:00:00Z";
    // A log without the hour in which the node took part.
    let mut nodes = healthy();
    let first = nodes.remove(0);
    nodes.insert(0, first.set(keys::LOG_KNOWN, vec![plain(line)]));
    assert!(!found(&judge(&survey(nodes)), "galera.wrong-owner"));

    let down = || Node::new("g3").stopped(90).took_part(120).set(keys::LOG_KNOWN, vec![plain(line)]);
    assert!(found(&beside(down()), "galera.wrong-owner"));
    let seen = down()
        .set(keys::GRASTATE_STAT, plain("104 mysql:mysql 660"))
        .set(keys::DATADIR_OWNER, plain("mysql:mysql 755"))
        .set(keys::SERVER_USER, plain("mysql"))
        .state_file(UUID, 90);
    assert!(!found(&beside(seen), "galera.wrong-owner"));
}
