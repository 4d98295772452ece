//! Models for tests of the screens, and pictures of what is drawn of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::facts::{Family, Plain};
use crate::judge::judge;
use crate::runbook;
use crate::ui::tui::look::{Look, Palette};
use crate::ui::tui::model::{
    Cluster, DrillView, Glass, Layer, MatrixAt, Model, Origin, Picture, Question, RecordState,
};
use crate::ui::tui::past::Past;

#[path = "../../../../tests/support/surveys.rs"]
#[expect(dead_code, clippy::duplicate_mod, reason = "shared builders; each user needs some of them")]
pub(super) mod surveys;

pub(super) use surveys::{Node, ago, now, plain, survey};

/// The names of three nodes.
pub(super) const ALL: &[&str] = &["g1", "g2", "g3"];

/// A cluster that was surveyed 4 s ago.
pub(super) fn cluster(nodes: Vec<Node>) -> Cluster {
    let survey = survey(nodes);
    let judgement = judge(&survey);
    let mut cluster = unread(survey.nodes.iter().map(|node| (node.name.clone(), node.role)).collect());
    cluster.record = RecordState::Ready;
    cluster.picture = Some(Picture { survey, judgement });
    cluster
}

/// A cluster of which nothing was read yet.
pub(super) fn unread(nodes: Vec<(crate::facts::NodeName, crate::facts::Role)>) -> Cluster {
    let name = crate::facts::ClusterName::new("shop").unwrap();
    Cluster::new(name, Family::Galera, nodes, Origin::Inventory, later(4))
}

/// So many seconds after the survey.
pub(super) fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// A cluster as it was found by several surveys, 5 s apart.
pub(super) fn watched(surveys: Vec<Vec<Node>>) -> Cluster {
    let mut past = Past::default();
    let mut last: Option<Picture> = None;
    let count = i64::try_from(surveys.len()).unwrap();
    for (at, nodes) in (0..).zip(surveys) {
        let mut survey = survey(nodes);
        let judgement = judge(&survey);
        survey.taken -= SignedDuration::from_secs(5 * (count - 1 - at));
        let picture = Picture { survey, judgement };
        past.hear(last.as_ref(), &picture);
        if last.is_none() {
            past.pin(&picture, false);
        }
        last = Some(picture);
    }
    let picture = last.unwrap();
    let mut cluster =
        unread(picture.survey.nodes.iter().map(|node| (node.name.clone(), node.role)).collect());
    cluster.record = RecordState::Ready;
    cluster.past = past;
    cluster.picture = Some(picture);
    cluster
}

/// Three nodes that were killed; nothing touched yet.
pub(super) fn crashed() -> Vec<Node> {
    ALL.iter().map(|name| Node::new(name).crashed(ALL)).collect()
}

/// Three nodes in one Primary Component.
pub(super) fn healthy() -> Vec<Node> {
    ALL.iter().map(|name| Node::new(name).synced(3, ALL, 100)).collect()
}

/// Three nodes that were stopped at these positions.
pub(super) fn stopped(at: [i64; 3]) -> Vec<Node> {
    ALL.iter().zip(at).map(|(name, at)| Node::new(name).stopped(at)).collect()
}

/// The matrix of one open cluster.
pub(super) fn matrix(nodes: Vec<Node>) -> Model {
    let fleet = Layer::Fleet { at: 0, filter: String::new() };
    model(vec![cluster(nodes)], vec![fleet, Layer::Matrix(MatrixAt::default())])
}

/// Any screen.
pub(super) fn model(clusters: Vec<Cluster>, layers: Vec<Layer>) -> Model {
    Model {
        look: Look::of(Palette::Ansi, true),
        size: (80, 24),
        now: later(4),
        open: (!clusters.is_empty()).then_some(0),
        clusters,
        drills: Vec::new(),
        runbooks: runbook::library().into_iter().map(Arc::new).collect(),
        layers,
        walk: None,
        glass: None,
        notice: None,
        last_key: now(),
        secret: None,
        leaving: false,
        preset: None,
        seed: None,
    }
}

impl Model {
    /// With one more layer on top.
    pub(super) fn on(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// With the glass broken 72 s ago.
    pub(super) fn broken(mut self) -> Self {
        self.glass = Some(Glass {
            cluster: 0,
            since: self.now - SignedDuration::from_secs(72),
            reason: "all nodes down".to_owned(),
            incident: "INC-4711".to_owned(),
            last_key: self.now,
        });
        self
    }

    /// Its open cluster as a drill.
    pub(super) fn drilled(mut self) -> Self {
        let drill = DrillView {
            title: plain("The night watch"),
            brief: vec![
                plain("03:00 The shop does not answer."),
                plain("All three nodes are said to be down."),
            ],
            questions: vec![Question {
                text: plain("What is wrong?"),
                options: vec![plain("All nodes crashed"), plain("A partition"), plain("A full disk")],
                order: vec![0, 1, 2],
            }],
            answered: Vec::new(),
            began: now(),
            debrief: vec![plain("You won.")],
        };
        if let Some(cluster) = self.clusters.first_mut() {
            cluster.origin = Origin::Drill(Box::new(drill));
        }
        self
    }

    /// In other colours and signs.
    pub(super) fn looking(mut self, palette: Palette, utf8: bool) -> Self {
        self.look = Look::of(palette, utf8);
        self
    }
}

/// What is drawn at this size.
pub(super) fn drawn(model: &mut Model, size: (u16, u16)) -> Buffer {
    model.size = size;
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buf = Buffer::empty(area);
    super::draw(model, area, &mut buf);
    buf
}

/// The text of what is drawn, a line a row.
pub(super) fn text(buf: &Buffer) -> String {
    let rows = buf.content.chunks(usize::from(buf.area.width).max(1));
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        let mut hidden = 0;
        for cell in row {
            if hidden == 0 {
                line.push_str(cell.symbol());
            }
            hidden = super::paint::width(cell.symbol()).max(hidden).saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The runs of one style, a line a row: column, length, look.
fn runs(buf: &Buffer) -> String {
    let mut out = String::new();
    for (y, row) in buf.content.chunks(usize::from(buf.area.width).max(1)).enumerate() {
        let mut line = String::new();
        let mut x = 0;
        for run in row.chunk_by(|a, b| a.style() == b.style()) {
            let style = style(run);
            if !style.is_empty() {
                write!(line, " {x}+{}:{style}", run.len()).unwrap();
            }
            x += run.len();
        }
        if !line.is_empty() {
            writeln!(out, "{y:>2}{line}").unwrap();
        }
    }
    out
}

fn style(run: &[Cell]) -> String {
    let Some(cell) = run.first() else { return String::new() };
    let mut out = String::new();
    if cell.fg != Color::Reset {
        write!(out, "{}", cell.fg).unwrap();
    }
    if cell.bg != Color::Reset {
        write!(out, "/{}", cell.bg).unwrap();
    }
    let marks = [
        (Modifier::BOLD, "*"),
        (Modifier::ITALIC, "~"),
        (Modifier::UNDERLINED, "_"),
        (Modifier::REVERSED, "!"),
        (Modifier::SLOW_BLINK, "BLINK"),
    ];
    out.extend(marks.into_iter().filter(|(mark, _)| cell.modifier.contains(*mark)).map(|(_, sign)| sign));
    out
}

/// Text and styles at 60×15, 80×24 and 120×40, with sixteen colours and with none.
pub(super) fn snapshot(name: &str, mut model: Model) {
    let utf8 = !model.look.signs.across.is_ascii();
    for size in [(60, 15), (80, 24), (120, 40)] {
        model = model.looking(Palette::Mono, utf8);
        let mono = drawn(&mut model, size);
        model = model.looking(Palette::Ansi, utf8);
        let ansi = drawn(&mut model, size);
        assert_eq!(text(&ansi), text(&mono), "colour says something that words do not");
        let page = format!("{}\n— ansi —\n{}\n— mono —\n{}", text(&ansi), runs(&ansi), runs(&mono));
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path("snapshots");
        settings.bind(|| insta::assert_snapshot!(format!("{name}_{}", size.0), page));
    }
}

/// A text no node should be able to hurt us with.
pub(super) fn hostile() -> Plain {
    plain("\u{1b}[31mred\u{202e}\u{200b}数据库\u{301}é\n")
}

/// Counters as a few surveys left them.
pub(super) fn pulses(model: &mut Model) {
    use crate::ui::tui::model::Pulse;
    let Some(cluster) = model.clusters.first_mut() else { return };
    let pulse = |base: u64| Pulse {
        seqno: [0, 3, 9, 9, 40, 44, 100].into_iter().map(|at| Some(base + at)).collect(),
        queue: [Some(0), Some(0), None, Some(7), Some(3), Some(0), Some(0)].into_iter().collect(),
    };
    let names = cluster.nodes.iter().map(|(name, _)| name.clone());
    cluster.pulse = names.map(|name| (name, pulse(100))).collect::<BTreeMap<_, _>>();
}
