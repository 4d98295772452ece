//! The screens at the sizes that count, and at all others.

mod any;

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::fixtures::*;
use crate::facts::{ClusterName, Mode, NodeName, Role, WhyKind, keys};
use crate::runbook::plan;
use crate::ui::tui::keymap::Context;
use crate::ui::tui::look::Palette;
use crate::ui::tui::model::{Layer, MatrixAt, NodeTab, Reading, RecordState};
use crate::ui::tui::walk::{Told, Walk};

fn chosen(node: usize, finding: usize) -> Layer {
    Layer::Matrix(MatrixAt { node, finding, ..MatrixAt::default() })
}

fn node(node: usize, tab: NodeTab) -> Layer {
    Layer::Node { node, tab, scroll: 0, filter: String::new() }
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
    snapshot("finding", matrix(crashed()).on(Layer::Finding { at: 0, scroll: 0 }));
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
