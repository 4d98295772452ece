//! The screens at the sizes that count, and at all others.

mod any;

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::SignedDuration;

use super::fixtures::*;
use crate::ask::lines::classify;
use crate::facts::{ClusterName, Mode, NodeName, Role, WhyKind, keys};
use crate::runbook::plan;
use crate::ui::tui::keymap::Context;
use crate::ui::tui::look::Palette;
use crate::ui::tui::model::{Cluster, Layer, MatrixAt, Model, NodeAt, NodeTab, Only, Reading, RecordState};
use crate::ui::tui::msg::Msg;
use crate::ui::tui::past::Past;
use crate::ui::tui::update::update;
use crate::ui::tui::walk::{Told, Walk};

fn chosen(node: usize, finding: usize) -> Layer {
    Layer::Matrix(MatrixAt { node, finding, ..MatrixAt::default() })
}

fn node(node: usize, tab: NodeTab) -> Layer {
    Layer::Node(NodeAt { node, tab, ..NodeAt::default() })
}

/// Every kind of column, more of them than fit, and five findings.
fn mixed() -> Vec<Node> {
    vec![
        Node::new("g1").synced(4, &["g1", "g2"], 12168).set(keys::WSREP_RECV_QUEUE, 0),
        Node::new("g2").synced(4, &["g1", "g2"], 12168).set(keys::WSREP_RECV_QUEUE, 4),
        Node::new("g3").stopped(12171),
        Node::new("g4").unreachable(),
        Node::new("g5").crashed(ALL).set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]),
        Node::new("arb1").role(Role::Arbitrator),
        Node::new("proxy1").role(Role::Proxy),
    ]
}

/// A node that was killed, with its files and its log.
fn told() -> Node {
    let lines = [
        "2026-11-21T02:51:00Z 0 [Note] WSREP: Synchronized with group, ready for connections",
        "2026-11-21T02:51:00Z 3 [Note] Event Scheduler: Loaded 0 events",
        "2026-11-21T02:58:12Z mariadb.service: Main process exited, code=killed, status=9/KILL",
    ];
    let marked = vec![
        plain("2026-11-21T02:40:00Z mariadbd: ready for connections."),
        plain(lines[0]),
        plain(lines[2]),
    ];
    Node::new("g1")
        .crashed(ALL)
        .set(keys::HOST_NAME, plain("g1.shop.internal"))
        .set(keys::HOST_KEY, plain("SHA256:Zk3qB1f8uQ0m7yW5d2hJ4sN6tR9vX1cE3gI5kL7oPqA"))
        .set(keys::GRASTATE_RAW, plain("# GALERA saved state\nversion: 2.1\nuuid:    0cb3db35-e56d-11f1-98c2-3bdded13c08b\nseqno:   -1\nsafe_to_bootstrap: 0\n"))
        .set(keys::GRASTATE_MTIME, ago(40))
        .unknown(keys::GVWSTATE_RAW, WhyKind::Denied, "permission denied for breakglass")
        .set(keys::DISK_FREE, 512 << 20)
        .set(keys::DISK_SIZE, 52 << 30)
        .set(keys::LOG_SOURCE, plain("the journal of mariadb.service"))
        .set(keys::LOG_LAST_END, plain("killed"))
        .unknown(keys::LOG_POSITION, WhyKind::Stale, "a server took part in the group since")
        .set(keys::LOG_TAIL, lines.iter().map(|line| plain(line)).collect())
        .set(keys::LOG_MARKS, marked)
}

fn killed() -> Vec<Node> {
    vec![told(), Node::new("g2").crashed(ALL), Node::new("g3").unreachable()]
}

#[test]
fn the_matrix_of_a_dead_cluster() {
    snapshot("matrix_crashed", matrix(crashed()).broken());
}

#[test]
fn the_matrix_once_positions_are_known() {
    snapshot("matrix_stopped", matrix(stopped([9749, 9750, 8546])).on(chosen(1, 0)));
}

#[test]
fn the_matrix_of_a_living_cluster_with_its_counters() {
    let mut model = matrix(healthy());
    pulses(&mut model);
    snapshot("matrix_healthy", model);
}

#[test]
fn the_matrix_of_seven_columns() {
    let mut model = matrix(mixed()).on(chosen(5, 2));
    pulses(&mut model);
    snapshot("matrix_mixed", model);
}

#[test]
fn the_matrix_in_ascii() {
    let mut model = matrix(mixed()).on(chosen(1, 1)).looking(Palette::Ansi, false);
    pulses(&mut model);
    snapshot("matrix_ascii", model);
}

#[test]
fn an_ascii_terminal_gets_ascii_alone() {
    for layer in any::layers() {
        let mut model = matrix(killed()).drilled().broken().looking(Palette::Mono, false).on(layer.clone());
        pulses(&mut model);
        for size in [(60, 15), (120, 40)] {
            let page = text(&drawn(&mut model, size));
            assert!(page.is_ascii(), "{layer:?}\n{page}");
        }
    }
}

#[test]
fn one_red_thing_at_a_time() {
    let mut two = matrix(crashed());
    let findings = &mut two.clusters[0].picture.as_mut().unwrap().judgement.findings;
    findings.push(findings[0].clone());
    let mut fleet = model(
        vec![cluster(crashed()), cluster(crashed())],
        vec![Layer::Fleet { at: 0, filter: String::new() }],
    );
    for model in [&mut two, &mut fleet] {
        let buf = drawn(model, (80, 24));
        let red =
            |row: &[ratatui::buffer::Cell]| row.iter().any(|cell| cell.fg == ratatui::style::Color::Red);
        assert_eq!(buf.content.chunks(80).filter(|row| red(row)).count(), 1);
    }
}

#[test]
fn a_first_survey_under_way() {
    let mut model = matrix(killed());
    let cluster = &mut model.clusters[0];
    let picture = cluster.picture.take().unwrap();
    let arrived = picture.survey.nodes[..2].to_vec();
    cluster.reading = Some(Reading { since: cluster.now - SignedDuration::from_secs(3), arrived });
    cluster.record = RecordState::Unread;
    snapshot("matrix_reading", model);
}

#[test]
fn a_survey_that_failed_and_one_that_is_slow() {
    let mut model = matrix(stopped([5, 5, 5]));
    let cluster = &mut model.clusters[0];
    cluster.failed = Some(plain("no route to any node"));
    cluster.reading =
        Some(Reading { since: cluster.now - SignedDuration::from_secs(9), arrived: Vec::new() });
    cluster.auto = false;
    let page = text(&drawn(&mut model, (80, 24)));
    assert!(page.contains("✗ the last survey came to nothing: no route to any node"), "{page}");
    assert!(page.contains("reading again, waiting for g1, g2, g3 (9 s)"), "{page}");
    assert!(page.contains("4 s ago held"), "{page}");
}

#[test]
fn a_run_under_way_is_said_on_the_matrix() {
    let mut model = matrix(crashed());
    let book = model.runbooks.iter().find(|book| book.id == "galera-start-all").unwrap();
    let nodes: Vec<NodeName> = ALL.iter().map(|name| NodeName::new(name).unwrap()).collect();
    let mut walk = Walk::new(0, &plan(book, &nodes, &BTreeMap::new()).unwrap(), model.now);
    walk.head = Some("M6XW-R81C".to_owned());
    model.walk = Some(walk);
    let page = text(&drawn(&mut model, (80, 24)));
    assert!(page.contains("▶ galera-start-all: is being prepared  (w)"), "{page}");
    assert!(page.lines().next().unwrap().contains("M6XW-R81C"), "{page}");
    let step = model.walk.as_ref().unwrap().steps[0].clone();
    model.walk.as_mut().unwrap().hear(Told::Step { step: step.id, node: step.node });
    let page = text(&drawn(&mut model, (80, 24)));
    assert!(page.contains(&format!("▶ galera-start-all: {}", step.of.title)), "{page}");
}

#[test]
fn a_nodes_facts() {
    snapshot("node_facts", matrix(killed()).on(node(0, NodeTab::Facts)));
}

#[test]
fn a_nodes_files() {
    snapshot("node_files", matrix(killed()).on(node(0, NodeTab::Files)));
}

#[test]
fn a_nodes_log() {
    snapshot("node_log", matrix(killed()).on(node(0, NodeTab::Log)));
}

#[test]
fn a_node_that_was_not_read() {
    snapshot("node_unread", matrix(killed()).on(node(2, NodeTab::Facts)));
}

#[test]
fn a_finding() {
    snapshot("finding", matrix(crashed()).on(Layer::Finding { at: 0, scroll: 0, evidence: 0 }));
}

/// A cluster that writes, loses a node, and then all of them; then nothing more.
fn lost() -> Model {
    let known = |node: Node| {
        let entries = ["sst-failed 1 2026-11-21T02:40:00Z 2026-11-21T02:40:00Z"];
        node.set(keys::LOG_KNOWN, entries.iter().map(|entry| plain(entry)).collect())
            .set(keys::DISK_FREE, 40 << 30)
    };
    let writing =
        |at| ALL.iter().map(|name| Node::new(name).synced(3, ALL, at)).map(known).collect::<Vec<_>>();
    let two = &ALL[..2];
    let mut one_down: Vec<Node> = two.iter().map(|name| known(Node::new(name).synced(4, two, 180))).collect();
    one_down.push(Node::new("g3").unreachable());
    let surveys = vec![writing(100), writing(160), one_down, crashed(), crashed(), crashed()];
    let matrix = Layer::Matrix(MatrixAt::default());
    model(vec![watched(surveys)], vec![Layer::Fleet { at: 0, filter: String::new() }, matrix])
}

#[test]
fn known_lines_of_a_log_with_what_they_mean() {
    let at = "2026-11-21T02:5";
    let tail = [
        "0:01Z mariadbd[812]: 2026-11-21  3:50:01 0 [Note] WSREP: Synchronized with group, ready for connections",
        "0:02Z mariadbd[812]: 2026-11-21  3:50:02 0 [Note] InnoDB: Completed initialization of buffer pool",
        "8:10Z mariadbd[812]: 2026-11-21  3:58:10 0 [ERROR] WSREP: SST failed: 1 (Operation not permitted)",
        "8:12Z systemd[1]: mariadb.service: Main process exited, code=killed, status=9/KILL",
    ];
    let tail: Vec<_> = tail.iter().map(|line| plain(&format!("{at}{line}"))).collect();
    let id = classify(tail[2].as_str()).unwrap().id;
    let seen = vec![plain(&format!("{id} 3 2026-11-21T01:58:10Z 2026-11-21T02:58:10Z"))];
    let with = || {
        told()
            .set(keys::LOG_TAIL, tail.clone())
            .set(keys::LOG_MARKS, vec![])
            .set(keys::LOG_KNOWN, seen.clone())
    };
    let log = NodeAt { tab: NodeTab::Log, ..NodeAt::default() };
    let known = NodeAt { only: Only::Known, at: Some(tail[0].to_string()), ..log.clone() };
    snapshot("node_log_known", matrix(vec![with()]).on(Layer::Node(known)));
    let page = |at: NodeAt| text(&drawn(&mut matrix(vec![with()]).on(Layer::Node(at)), (80, 60)));
    let all = page(log.clone());
    assert!(all.contains("✗ 02:58:10 SST failed: 1 (Operation not permitted)"), "{all}");
    assert!(all.contains("→ galera.transfer-failed"), "{all}");
    assert!(all.contains("02:50:02 [Note] InnoDB: Completed"), "an unknown line as it was read\n{all}");
    let bad = page(NodeAt { only: Only::Bad, ..log.clone() });
    assert!(bad.contains("SST failed") && !bad.contains("Synchronized") && !bad.contains("InnoDB"), "{bad}");
    let named = page(NodeAt { filter: id.to_owned(), ..log });
    assert!(
        named.contains("SST failed") && named.contains("3 times from"),
        "a line is found by its name\n{named}"
    );
}

#[test]
fn evidence_of_the_log_leads_to_the_line_that_points_to_the_finding() {
    let tail: Vec<_> = [
        "2026-11-21T02:58:10Z mariadbd[812]: 2026-11-21  3:58:10 0 [ERROR] WSREP: SST failed: 1 (Operation not permitted)",
        "2026-11-21T02:58:12Z systemd[1]: mariadb.service: Main process exited, code=killed, status=9/KILL",
    ]
    .map(plain)
    .to_vec();
    let mut model = matrix(vec![Node::new("g2").crashed(ALL), told().set(keys::LOG_TAIL, tail.clone())]);
    let finding = &mut model.clusters[0].picture.as_mut().unwrap().judgement.findings[0];
    finding.id = "galera.transfer-failed";
    finding.evidence = vec!["g1.log.known".to_owned()];
    model.size = (80, 24);
    let press = |model: &mut Model, letter| {
        let key = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE);
        drop(update(model, Msg::Key(key)));
    };
    let mut model = model.on(Layer::Finding { at: 0, scroll: 0, evidence: 0 });
    press(&mut model, 'e');
    let page = text(&drawn(&mut model, (80, 24)));
    assert!(page.contains("g1 · data node") && page.contains("▶✗ 02:58:10 SST failed"), "{page}");
    // Where no line points to it the evidence itself is what is chosen.
    model.layers.pop();
    model.clusters[0].picture.as_mut().unwrap().judgement.findings[0].id = "galera.encryption";
    press(&mut model, 'e');
    assert!(matches!(model.top(), Some(Layer::Node(at)) if at.at.as_deref() == Some("log.known")));
}

#[test]
fn what_changed_from_survey_to_survey() {
    snapshot("changes", lost().on(Layer::Changes { pinned: false, scroll: 0 }));
}

#[test]
fn what_changed_since_the_pin() {
    snapshot("changes_pinned", lost().on(Layer::Changes { pinned: true, scroll: 0 }));
}

#[test]
fn that_nothing_changed_is_said() {
    let said = |cluster: Cluster, pinned| {
        let mut model = model(vec![cluster], vec![Layer::Changes { pinned, scroll: 0 }]);
        text(&drawn(&mut model, (80, 24)))
    };
    let quiet = || watched(vec![healthy(), healthy(), healthy()]);
    assert!(
        said(quiet(), false).contains("nothing has changed so far (3 surveys)"),
        "{}",
        said(quiet(), false)
    );
    assert!(said(quiet(), true).contains("nothing has changed since 02:59:50"), "{}", said(quiet(), true));
    let once = || watched(vec![healthy()]);
    assert!(said(once(), false).contains("one survey so far"), "{}", said(once(), false));
    let then = watched(vec![healthy(), crashed(), crashed(), crashed()]);
    let page = said(then, false);
    assert!(page.contains("nothing has changed since 02:59:50 (2 surveys)"), "{page}");
    let unpinned = said(cluster(healthy()), true);
    assert!(unpinned.contains("no survey is pinned yet"), "{unpinned}");
}

#[test]
fn a_pin_that_is_moved_counts_from_there_and_little_is_kept() {
    let mut cluster = watched(vec![healthy(), crashed()]);
    let picture = cluster.picture.take().unwrap();
    cluster.past.pin(&picture, true);
    assert!(cluster.past.pin.as_ref().is_some_and(|pin| pin.since.is_nothing() && pin.chosen));
    let other = watched(vec![healthy()]).picture.unwrap();
    for _ in 0..60 {
        cluster.past.hear(Some(&picture), &other);
        cluster.past.hear(Some(&other), &picture);
    }
    assert_eq!((cluster.past.changes.len(), cluster.past.forgotten, cluster.past.surveys), (50, 71, 122));
    assert!(cluster.past.pin.as_ref().is_some_and(|pin| pin.since.is_nothing() && pin.surveys == 120));
    let mut quiet = Past::default();
    quiet.hear(None, &picture);
    quiet.hear(Some(&picture), &picture);
    assert_eq!((quiet.surveys, quiet.quiet, quiet.changes.len()), (2, 1, 0));
}

#[test]
fn the_fleet() {
    let named = |name: &str, nodes| {
        let mut cluster = cluster(nodes);
        cluster.name = ClusterName::new(name).unwrap();
        cluster
    };
    let mut lab = named("lab1", mixed());
    lab.picture.as_mut().unwrap().survey.mode = Mode::Lab;
    lab.record = RecordState::Head { code: "7F3K-Q2MD".to_owned(), records: 41, open: 1 };
    let mut fresh = named("fresh", healthy());
    fresh.picture = None;
    fresh.reading = Some(Reading { since: fresh.now - SignedDuration::from_secs(2), arrived: Vec::new() });
    let mut broken = named("stock", healthy());
    broken.record = RecordState::Trouble(plain("record 7 does not follow record 6"));
    let clusters = vec![broken, lab, fresh, named("shop", crashed()), named("crm", crashed())];
    snapshot("fleet", model(clusters, vec![Layer::Fleet { at: 1, filter: String::new() }]));
}

#[test]
fn the_help() {
    snapshot("help", matrix(crashed()).on(Layer::Help { of: Context::Matrix, scroll: 0 }));
}

#[test]
fn the_palette() {
    let palette = Layer::Palette { typed: "re".to_owned(), at: 1 };
    snapshot("palette", matrix(crashed()).drilled().on(palette));
}

#[test]
fn the_filter() {
    let below = Layer::Matrix(MatrixAt { filter: "st".to_owned(), ..MatrixAt::default() });
    snapshot("filter", matrix(crashed()).on(below).on(Layer::Filter { typed: "st".to_owned() }));
}

#[test]
fn a_drill_says_so_on_every_screen() {
    for layer in any::layers() {
        let mut model = matrix(crashed()).drilled().on(layer.clone());
        for size in [(60, 15), (80, 24), (120, 40), (20, 5)] {
            let page = text(&drawn(&mut model, size));
            // The typed screens show the mode in their own layout, the first two are about no cluster or about all.
            let own = matches!(layer, Layer::Confirm { .. } | Layer::Waive(_) | Layer::Welcome { .. });
            let over_all = matches!(layer, Layer::Fleet { .. }) && size.0 < 60;
            assert!(own || over_all || page.contains("DRILL"), "{layer:?}\n{page}");
        }
    }
}

#[test]
fn the_banner_keeps_what_counts_where_there_is_little_room() {
    let mut model = matrix(crashed()).broken();
    let top = |model: &mut _, width| text(&drawn(model, (width, 15))).lines().next().unwrap().to_owned();
    assert_eq!(
        top(&mut model, 80),
        " LIVE  shop · galera · 3 data nodes  GLASS BROKEN 01:12 INC-4711 · record ready"
    );
    assert_eq!(top(&mut model, 40), " LIVE  shop          GLASS BROKEN 01:12");
    // Files that somebody collected have no record, and nothing to be broken for.
    let mut files = matrix(crashed());
    files.clusters[0].picture.as_mut().unwrap().survey.mode = Mode::Bundle;
    assert_eq!(
        top(&mut files, 80),
        " BUNDLE  shop · galera · 3 data nodes                    READ-ONLY · from files"
    );
    // Broken for another cluster: said, and the row of this one is not in its colours.
    let mut other = cluster(crashed());
    other.name = ClusterName::new("crm").unwrap();
    model.clusters.push(other);
    model.clusters[0].picture.as_mut().unwrap().survey.mode = Mode::Lab;
    model.glass.as_mut().unwrap().cluster = 1;
    assert_eq!(
        top(&mut model, 80),
        " LAB  shop · galera               GLASS BROKEN crm 01:12 INC-4711 · record ready"
    );
}

#[test]
fn a_small_terminal_is_told_what_is_needed() {
    let page = text(&drawn(&mut matrix(crashed()), (40, 10)));
    assert!(page.contains("60x15 needed"), "{page}");
    assert!(page.contains("LIVE"), "{page}");
}

#[test]
fn a_notice_takes_the_keys_place() {
    let mut model = matrix(crashed());
    model.notice = Some(plain("copied"));
    let page = text(&drawn(&mut model, (80, 24)));
    assert_eq!(page.lines().last(), Some(" copied"));
}

#[test]
fn what_can_be_scrolled_and_by_how_much() {
    let mut model = matrix(crashed()).on(Layer::Help { of: Context::Matrix, scroll: 0 });
    drawn(&mut model, (80, 24));
    let (extent, room) = (super::extent(&model), super::room(&model));
    assert_eq!(room, 22);
    let last = Layer::Help { of: Context::Matrix, scroll: extent };
    let beyond = Layer::Help { of: Context::Matrix, scroll: extent + 50 };
    let end = text(&drawn(&mut matrix(crashed()).on(last), (80, 24)));
    assert!(end.contains("never changes."), "{end}");
    assert_eq!(end, text(&drawn(&mut matrix(crashed()).on(beyond), (80, 24))));
    let mut small = matrix(crashed());
    drawn(&mut small, (60, 15));
    assert_eq!((super::extent(&small), super::room(&small)), (5, 6));
}

#[test]
fn the_cursor_stands_where_one_types() {
    let area = ratatui::layout::Rect::new(0, 0, 80, 24);
    let filter = matrix(crashed()).on(Layer::Filter { typed: "数据".to_owned() });
    assert_eq!(super::cursor(&filter, area), Some((6, 23)));
    let palette = matrix(crashed()).on(Layer::Palette { typed: "ab".to_owned(), at: 0 });
    assert_eq!(super::cursor(&palette, area), Some((5, 2)));
    assert_eq!(super::cursor(&matrix(crashed()), area), None);
}
