//! What changed: from one survey to the next with the latest first, or since the pinned one.
//!
//! ```text
//!  nothing has changed since 03:12:05 (40 surveys)         ▶each survey   since 02:59:01
//! ────────────────────────────────────────────────────────────────────────────────
//!  03:12:05  3 min ago
//!      verdict       degraded → outage
//!    ● came          galera.all-crashed (outage) g1 g2 g3
//!    – went          galera.node-down (degraded) g3
//!      g1 server     running → crashed
//!      g1 position   9750 live → ? not recovered since its server last ran
//!    ? all facts     23 are no longer known (wsrep 20, xa 1, …): no server runs
//! ```

mod told;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use self::told::Told;
use super::paint::{self, Page};
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::Model;
use crate::ui::tui::past::Past;

/// Draws it.
pub(super) fn draw(model: &Model, pinned: bool, scroll: usize, area: Rect, buf: &mut Buffer) {
    let look = model.look;
    let top = Rect { height: area.height.min(1), ..area };
    if let Some(past) = model.cluster().map(|cluster| &cluster.past) {
        head(past, pinned, look, top, buf);
    }
    let under = Rect { y: top.bottom(), height: area.height.saturating_sub(1).min(1), ..area };
    paint::rule(buf, under, look);
    page(model, pinned, area).draw(scroll, look, buf);
}

/// Its text, and where it stands.
pub(super) fn page(model: &Model, pinned: bool, area: Rect) -> Page {
    let head = area.height.min(2);
    let area = Rect { y: area.y.saturating_add(head), height: area.height.saturating_sub(head), ..area };
    Page { lines: lines(model, pinned, area.width), area }
}

/// The two ways to look at it, the open one reversed and marked; what can be said in a line before them.
fn head(past: &Past, pinned: bool, look: Look, area: Rect, buf: &mut Buffer) {
    let since = past.pin.as_ref().map(|pin| format!("since {}", pin.taken().strftime("%H:%M:%S")));
    let mut end = area.right();
    for (open, text) in
        [(pinned, since.unwrap_or_else(|| "since the pin".to_owned())), (!pinned, "each survey".to_owned())]
    {
        let text = if open { format!(" {}{text} ", look.signs.now) } else { format!("  {text} ") };
        let room = Rect { width: end.saturating_sub(area.x), ..area };
        let ink = if open { Ink::Chosen } else { Ink::Dim };
        if area.height > 0 {
            end = paint::right(buf, room, area.y, &text, look.style(ink), look);
        }
    }
    if area.height > 0 {
        let room = end.saturating_sub(area.x);
        paint::text(buf, (area.x, area.y), room, " what changed", look.style(Ink::Title), look);
    }
}

fn lines(model: &Model, pinned: bool, width: u16) -> Vec<Line<'static>> {
    let look = model.look;
    let Some(cluster) = model.cluster().filter(|cluster| cluster.picture.is_some()) else {
        return vec![Line::styled(" nothing was read yet", look.style(Ink::Unknown))];
    };
    let past = &cluster.past;
    let told = Told { look, width, now: cluster.now, nodes: cluster.nodes.len() };
    let mut out = Vec::new();
    if pinned {
        let Some(pin) = &past.pin else {
            return told.words("no survey is pinned yet: p pins the one that is shown");
        };
        let what = if pin.chosen {
            "the survey that you pinned"
        } else {
            "the first survey, as long as p pins no other"
        };
        let when = pin.taken().strftime("%H:%M:%S").to_string();
        out.extend(told.words(&format!("since {when}, {what}; surveys since: {}", pin.surveys)));
        out.push(Line::default());
        if pin.since.is_nothing() {
            out.extend(told.words(&format!("nothing has changed since {when}")));
        } else {
            out.extend(told.difference(&pin.since));
        }
        out.extend(told.advanced(&pin.since));
        return out;
    }
    let latest = past.changes.back();
    let then = latest.map(|latest| latest.taken.to);
    let surveys = |count: u64| if count == 1 { "1 survey".to_owned() } else { format!("{count} surveys") };
    match then {
        Some(then) if past.quiet > 0 => {
            let when = then.strftime("%H:%M:%S");
            out.extend(told.words(&format!("nothing has changed since {when} ({})", surveys(past.quiet))));
            out.push(Line::default());
        }
        Some(_) => {}
        None if past.surveys < 2 => {
            return told.words("one survey so far: the next one is held against it");
        }
        None => {
            let text = format!("nothing has changed so far ({})", surveys(past.surveys));
            return told.words(&text);
        }
    }
    for difference in past.changes.iter().rev() {
        let when = difference.taken.to.strftime("%H:%M:%S").to_string();
        out.push(Line::from(vec![
            Span::styled(format!(" {when}"), look.style(Ink::Title)),
            Span::styled(format!("  {}", paint::ago(difference.taken.to, cluster.now)), look.style(Ink::Dim)),
        ]));
        out.extend(told.difference(difference));
        out.push(Line::default());
    }
    if past.forgotten > 0 {
        out.extend(told.words(&format!("{} earlier changes are no longer kept", past.forgotten)));
    } else if out.last().is_some_and(|line| line.spans.is_empty()) {
        out.pop();
    }
    out
}
