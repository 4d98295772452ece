//! All clusters, the worst first.
//!
//! ```text
//! ▶shop        LIVE   OUTAGE         3 nodes   4 s ago   7F3K-Q2MD
//!    No Primary Component. Which node holds the most is not known.
//!  stock       LIVE   HEALTHY        3 nodes   4 s ago   record ready
//!    Primary Component 0cb3db35 at 100, size 3: g1 g2 g3.
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{matrix, paint};
use crate::facts::Mode;
use crate::judge::Verdict;
use crate::ui::cells::sentence;
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::{Cluster, Model, RecordState};

/// Lines a cluster.
const LINES: u16 = 2;

/// Draws it.
pub(super) fn draw(model: &Model, at: usize, filter: &str, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let order = model.fleet(filter);
    let mut head = vec![Span::styled(" clusters, the worst first", look.style(Ink::Dim))];
    if !filter.is_empty() {
        head.push(Span::styled(format!("   /{filter}"), look.style(Ink::Asked)));
    }
    paint::scrolled(&[Line::from(head)], 0, Rect { height: area.height.min(1), ..area }, look, buf);
    let list = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
    if order.is_empty() {
        let text = if model.clusters.is_empty() {
            " there is no cluster in the inventory".to_owned()
        } else {
            format!(" no cluster's name holds \"{filter}\"")
        };
        paint::scrolled(&[Line::styled(text, look.style(Ink::Dim))], 0, list, look, buf);
        return;
    }
    let room = usize::from(list.height / LINES).max(1);
    let at = at.min(order.len().saturating_sub(1));
    let first = at.saturating_add(1).saturating_sub(room);
    let mut y = list.y;
    for (place, cluster) in order.iter().enumerate().skip(first).take(room) {
        let Some(cluster) = model.clusters.get(*cluster) else { continue };
        let chosen = place == at;
        for line in entry(cluster, chosen, place == 0, area.width, look) {
            if y < list.bottom() {
                paint::line(buf, (area.x, y), area.width, &line, look);
            }
            y = y.saturating_add(1);
        }
        if chosen {
            let top = Rect { y: y.saturating_sub(LINES), height: 1, ..area }.intersection(list);
            paint::tint(buf, top, look.style(Ink::Chosen));
        }
    }
    let below = order.len().saturating_sub(first.saturating_add(room));
    let mut more = Vec::new();
    if first > 0 {
        more.push(format!("{} {first}", look.signs.up));
    }
    if below > 0 {
        more.push(format!("{} {below}", look.signs.down));
    }
    if !more.is_empty() && area.height > 0 {
        paint::right(buf, area, area.y, &format!(" {} more ", more.join(" ")), look.style(Ink::Key), look);
    }
}

/// A cluster's two lines.
fn entry(cluster: &Cluster, chosen: bool, worst: bool, width: u16, look: Look) -> [Line<'static>; 2] {
    let sign = if chosen { look.signs.now } else { " " };
    let (word, ink, text) = match &cluster.picture {
        Some(picture) => {
            let verdict = picture.judgement.verdict;
            let ink = match verdict {
                Verdict::Outage if worst => Ink::Bad,
                verdict => matrix::verdict_ink(verdict),
            };
            (verdict.as_str().to_uppercase(), ink, sentence(&picture.judgement))
        }
        None if cluster.reading.is_some() => {
            ("READING".to_owned(), Ink::Title, matrix::awaited(cluster, "waiting for"))
        }
        None => ("NOT READ".to_owned(), Ink::Unknown, "no survey yet".to_owned()),
    };
    let (text, text_ink) = match &cluster.failed {
        Some(why) => (format!("{} the last survey came to nothing: {why}", look.signs.not), Ink::Warn),
        None => (text, Ink::Dim),
    };
    let mode = match cluster.mode() {
        Some(mode) => mode.as_str().to_uppercase(),
        None => "?".to_owned(),
    };
    let mode_ink = match cluster.mode() {
        Some(Mode::Live | Mode::Lab) => Ink::Text,
        Some(Mode::Drill | Mode::Bundle) => Ink::Title,
        None => Ink::Unknown,
    };
    let nodes = match cluster.nodes.len() {
        1 => "1 node".to_owned(),
        count => format!("{count} nodes"),
    };
    let age = cluster.age().map(paint::past);
    let record = match &cluster.record {
        RecordState::Unread => ("record not read".to_owned(), Ink::Unknown),
        RecordState::Ready => ("record ready".to_owned(), Ink::Dim),
        RecordState::Head { code, open: 0, .. } => (code.clone(), Ink::Text),
        RecordState::Head { code, open, .. } => (format!("{code} {open} open"), Ink::Warn),
        RecordState::Trouble(why) => (format!("{} RECORD TROUBLE: {why}", look.signs.not), Ink::Warn),
    };
    let names = if width >= 100 { 24 } else { 14 };
    let span = |text: &str, wide: usize, ink: Ink| {
        Span::styled(format!("{} ", paint::fit(text, wide, look)), look.style(ink))
    };
    let mut first = vec![
        Span::raw(sign),
        span(cluster.name.as_str(), names, Ink::Title),
        span(&mode, 5, mode_ink),
        span(&word, 12, ink),
    ];
    if width >= 72 {
        first.push(span(&nodes, 8, Ink::Dim));
    }
    first.push(span(&age.unwrap_or_default(), 10, Ink::Dim));
    first.push(Span::styled(record.0, look.style(record.1)));
    let second = paint::cut(&format!("   {text}"), usize::from(width), look);
    [Line::from(first), Line::styled(second, look.style(text_ink))]
}
