//! No size, no text and no place in a list makes a screen panic, or puts into a cell what a terminal would obey.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use unicode_width::UnicodeWidthStr as _;

use super::super::fixtures::*;
use crate::facts::keys;
use crate::judge::judge;
use crate::runbook::library;
use crate::ui::tui::keymap::Context;
use crate::ui::tui::look::Palette;
use crate::ui::tui::model::{
    Layer, MatrixAt, Model, NodeAt, NodeTab, Only, Picture, ReasonForm, RecordState, WaiveForm,
};

/// One of each.
pub(super) fn layers() -> Vec<Layer> {
    with("", 0, 0)
}

fn with(typed: &str, at: usize, scroll: usize) -> Vec<Layer> {
    let text = || typed.to_owned();
    let book = library().into_iter().map(Arc::new).next().unwrap();
    let node = |tab, only| {
        let chosen = Some(format!("{typed} (2)"));
        Layer::Node(NodeAt { node: at, tab, scroll, filter: text(), only, explained: at > 0, at: chosen })
    };
    vec![
        Layer::Welcome { at },
        Layer::Fleet { at, filter: text() },
        Layer::Brief { scroll },
        Layer::Matrix(MatrixAt { node: at, finding: at, scroll, filter: text() }),
        node(NodeTab::Facts, Only::All),
        node(NodeTab::Files, Only::All),
        node(NodeTab::Log, Only::All),
        node(NodeTab::Log, Only::Bad),
        Layer::Finding { at, scroll, evidence: at },
        Layer::Changes { pinned: false, scroll },
        Layer::Changes { pinned: true, scroll },
        Layer::Picker { at },
        Layer::Diagnose { at: Some(at), then: None },
        Layer::Reason(ReasonForm { runbook: Some(at), reason: text(), incident: text(), field: at }),
        Layer::Walker { at: Some(at), scroll },
        Layer::Choose { at: Some(at) },
        Layer::Confirm { typed: text(), burst: crate::ui::tui::model::Burst::default(), wrong: 1, scroll },
        Layer::Waive(WaiveForm {
            burst: crate::ui::tui::model::Burst::default(),
            typed: text(),
            reason: text(),
            minutes: text(),
            field: at,
            wrong: 2,
            scroll,
        }),
        Layer::Script { step: at, scroll },
        Layer::Plan { runbook: book, scroll },
        Layer::Secret,
        Layer::Record { lines: vec![text()], scroll, filter: text() },
        Layer::Help { of: Context::Matrix, scroll },
        Layer::Palette { typed: text(), at },
        Layer::Filter { typed: text() },
        Layer::Leave,
        Layer::Debrief { scroll },
    ]
}

/// A cluster whose every text is `text`.
fn poisoned(text: &str) -> Model {
    let hurt = |node: Node| {
        node.set(keys::HOST_NAME, plain(text))
            .set(keys::GRASTATE_RAW, plain(text))
            .set(keys::LOG_TAIL, vec![plain(text), plain(text)])
            .set(keys::LOG_MARKS, vec![plain(text)])
            .set(keys::LOG_KNOWN, vec![plain(text)])
            .set(keys::LEFTOVERS, vec![plain(text)])
            .set(keys::UNIT_RESTART, plain(text))
            .set(keys::WSREP_LOCAL_COMMENT, plain(text))
    };
    let mut model = matrix(vec![
        hurt(Node::new("g1").synced(3, ALL, 100)),
        hurt(Node::new("g2").crashed(ALL)),
        Node::new("g3").unreachable(),
        hurt(Node::new("g4").stopped(7)),
    ]);
    pulses(&mut model);
    let cluster = model.clusters.first_mut().unwrap();
    cluster.record = RecordState::Trouble(plain(text));
    cluster.failed = Some(plain(text));
    let picture = cluster.picture.as_mut().unwrap();
    picture.judgement = judge(&picture.survey);
    for finding in &mut picture.judgement.findings {
        finding.text = plain(text);
        finding.next = plain(text);
        finding.evidence.push(format!("g1.{text}"));
    }
    let before = Picture { survey: picture.survey.clone(), judgement: picture.judgement.clone() };
    let later = watched(vec![vec![hurt(Node::new("g1").crashed(ALL)), hurt(Node::new("g2").crashed(ALL))]]);
    cluster.past.pin(&before, true);
    cluster.past.hear(Some(&before), &later.picture.unwrap());
    model = model.broken();
    if let Some(glass) = &mut model.glass {
        text.clone_into(&mut glass.incident);
    }
    model
}

/// Whether a terminal shows the cell as what it is: one letter of the width the layout gave it.
fn is_calm(symbol: &str) -> bool {
    let plain = crate::facts::Plain::new(symbol);
    plain.as_str() == symbol && symbol.chars().count() == 1 && (1..=2).contains(&symbol.width())
}

fn check(model: &mut Model, size: (u16, u16)) {
    let buf = drawn(model, size);
    for cell in &buf.content {
        assert!(is_calm(cell.symbol()), "{:?} at {size:?}", cell.symbol());
    }
    let area = buf.area;
    if let Some((x, y)) = super::super::cursor(model, area) {
        assert!(x < area.width && y < area.height);
    }
    let _ = (super::super::extent(model), super::super::room(model));
    // Nothing of a wide letter hangs out of the screen.
    for row in buf.content.chunks(usize::from(area.width)) {
        assert!(row.last().is_none_or(|cell| cell.symbol().width() == 1));
    }
}

#[test]
fn every_size_of_every_screen() {
    let hostile = hostile();
    for layer in with(hostile.as_str(), 1, 2) {
        let mut model = poisoned(hostile.as_str()).on(layer);
        for (width, height) in
            [(1, 1), (1, 40), (2, 2), (3, 300), (17, 4), (18, 9), (59, 14), (60, 15), (300, 1), (300, 100)]
        {
            check(&mut model, (width, height));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_size_and_any_text(
        size in (1u16..=300, 1u16..=100),
        text in "(\\PC|[\\x00-\\x1f\u{200b}-\u{200f}\u{202a}-\u{202e}\u{300}-\u{36f}数 ]){0,60}",
        at in 0..9usize,
        scroll in prop_oneof![0..40usize, Just(usize::MAX)],
        utf8: bool,
        of: Index,
    ) {
        let layer = of.get(&with(&text, at, scroll)).clone();
        let mut model = poisoned(&text).looking(Palette::Contrast, utf8).on(layer);
        check(&mut model, size);
    }

    #[test]
    fn nothing_is_known(size in (1u16..=300, 1u16..=100), at in 0..9usize, of: Index) {
        let mut model = model(Vec::new(), with("x", at, at)).on(of.get(&with("x", at, at)).clone());
        check(&mut model, size);
        let mut unread = matrix(crashed());
        unread.clusters.first_mut().unwrap().picture = None;
        check(&mut unread.on(of.get(&with("x", at, at)).clone()), size);
    }
}
