//! What the cells of the matrix say, and how they look.

use super::super::paint;
use crate::facts::{Known, NodeName, NodeSurvey, Plain, Position, Role, WhyKind};
use crate::judge::{NodeJudgement, Server, Standing};
use crate::ui::cells::{Cell, ROWS, Row};
use crate::ui::tui::look::{Ink, Look};
use crate::ui::tui::model::{Cluster, Model, Pulse};

/// A node's facts with what they mean, where it was surveyed.
type Column<'a> = Option<(&'a NodeSurvey, &'a NodeJudgement)>;

/// One row over all columns, also those that are not seen: it does not come and go with the window.
pub(super) struct Shown {
    /// What it is called.
    pub(super) name: &'static str,
    /// Its cells, a node each.
    pub(super) cells: Vec<Mark>,
}

/// A cell as it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// The sign before it.
    pub(super) sign: &'static str,
    /// What it says.
    pub(super) text: String,
    /// How it looks.
    pub(super) ink: Ink,
}

impl Mark {
    fn blank() -> Self {
        Self { sign: " ", text: String::new(), ink: Ink::Text }
    }

    fn unknown(text: impl Into<String>, look: Look) -> Self {
        Self { sign: look.signs.unknown, text: text.into(), ink: Ink::Unknown }
    }
}

/// The rows whose name holds `filter` and that say anything of any node. `width` is a cell's.
pub(super) fn rows(model: &Model, cluster: &Cluster, filter: &str, width: u16) -> Vec<Shown> {
    let look = model.look;
    let all = if cluster.picture.is_some() { judged(cluster, width, look) } else { arriving(cluster, look) };
    let filter = filter.trim().to_lowercase();
    let says = |row: &Shown| row.cells.iter().any(|mark| !mark.text.is_empty());
    all.into_iter().filter(|row| row.name.contains(&filter) && says(row)).collect()
}

/// The rows of a survey that is complete, and what the counters did.
fn judged(cluster: &Cluster, width: u16, look: Look) -> Vec<Shown> {
    let columns: Vec<Column<'_>> = (0..cluster.nodes.len()).map(|node| cluster.column(node)).collect();
    let mut rows = Vec::new();
    for row in ROWS {
        rows.push(shown(row, &columns, look));
        if row.name == "wsrep state" {
            rows.push(Shown { name: "seqno", cells: sparks(cluster, &columns, width, look, seqno) });
            rows.push(Shown { name: "queue", cells: sparks(cluster, &columns, width, look, queue) });
        }
    }
    rows
}

fn shown(row: &Row, columns: &[Column<'_>], look: Look) -> Shown {
    let cell = |column: &Column<'_>| match column {
        Some((node, judged)) => (row.cell)(node, judged),
        None => Cell::Unknown("not surveyed".to_owned()),
    };
    let cells: Vec<Cell> = columns.iter().map(cell).collect();
    // What is expected of data nodes is neither missed at the others nor compared with theirs.
    let holds_data = |column: &Column<'_>| column.is_none_or(|(node, _)| node.role == Role::Data);
    let of_data = cells.iter().zip(columns).map(|(cell, column)| match column {
        column if holds_data(column) => cell.clone(),
        _ => Cell::Blank,
    });
    let differing = row.differing(&of_data.collect::<Vec<_>>());
    let everyones = matches!(row.name, "server" | "standing" | "ssh" | "sql");
    let marks = cells.into_iter().zip(differing).zip(columns).map(|((cell, differs), column)| match cell {
        Cell::Unknown(_) if !everyones && !holds_data(column) => Mark::blank(),
        Cell::Unknown(text) => Mark::unknown(text, look),
        Cell::Blank => Mark::blank(),
        Cell::Is(text) if differs => Mark { sign: look.signs.differs, text, ink: Ink::Warn },
        Cell::Is(text) => {
            let (sign, ink) =
                column.map_or((" ", Ink::Text), |(node, judged)| tone(row.name, node, judged, look));
            Mark { sign, text, ink }
        }
    });
    Shown { name: row.name, cells: marks.collect() }
}

/// The sign and the look of a value.
fn tone(row: &str, node: &NodeSurvey, judged: &NodeJudgement, look: Look) -> (&'static str, Ink) {
    let signs = look.signs;
    match row {
        "standing" => match judged.standing {
            Some(Standing::Candidate) => (signs.candidate, Ink::Best),
            Some(Standing::Synced) => (signs.done, Ink::Good),
            Some(Standing::Behind(_)) => (signs.behind, Ink::Text),
            Some(Standing::Ahead(_)) => (signs.best, Ink::Warn),
            Some(Standing::Tainted | Standing::Diverged) => (signs.not, Ink::Warn),
            Some(Standing::Unknown) => (signs.unknown, Ink::Unknown),
            _ => (" ", Ink::Text),
        },
        "server" if judged.server.is(|server| matches!(server, Server::Crashed | Server::Frozen)) => {
            (signs.not, Ink::Text)
        }
        "transfer" => (signs.now, Ink::Warn),
        "ssh" if !node.ssh.is_ok() => (signs.not, Ink::Text),
        "sql" if !node.sql.is_ok() => (signs.not, Ink::Text),
        _ => (" ", Ink::Text),
    }
}

/// The rows of a first survey under way: the facts of those that have answered. What they mean takes all of them.
fn arriving(cluster: &Cluster, look: Look) -> Vec<Shown> {
    let Some(reading) = &cluster.reading else {
        let cells = cluster.nodes.iter().map(|_| Mark::unknown("not read", look)).collect();
        return vec![Shown { name: "answer", cells }];
    };
    let time = paint::span(cluster.now.duration_since(reading.since));
    let arrived: Vec<Option<&NodeSurvey>> = cluster
        .nodes
        .iter()
        .map(|(name, _)| reading.arrived.iter().find(|node| node.name == *name))
        .collect();
    let answer = |node: Option<&NodeSurvey>| match node {
        Some(_) => Mark { sign: look.signs.done, text: "arrived".to_owned(), ink: Ink::Text },
        None => Mark::unknown(format!("asking{} {time}", look.signs.cut), look),
    };
    let first = Shown { name: "answer", cells: arrived.iter().copied().map(answer).collect() };
    let rows = ROWS.iter().filter(|row| !row.judged).map(|row| Shown {
        name: row.name,
        cells: arrived
            .iter()
            .map(|node| node.map_or_else(Mark::blank, |node| fact(row, node, look)))
            .collect(),
    });
    std::iter::once(first).chain(rows).collect()
}

/// A cell of a node that nothing was concluded of yet.
fn fact(row: &Row, node: &NodeSurvey, look: Look) -> Mark {
    let nothing = NodeJudgement {
        name: node.name.clone(),
        server: Known::unknown(WhyKind::NotAsked, "not judged yet"),
        standing: None,
        why: Plain::default(),
        position: Known::unknown(WhyKind::NotAsked, "not judged yet"),
        forecast: None,
    };
    match (row.cell)(node, &nothing) {
        Cell::Is(text) => Mark { sign: " ", text, ink: Ink::Text },
        Cell::Unknown(text) => Mark::unknown(text, look),
        Cell::Blank => Mark::blank(),
    }
}

/// What is drawn of a counter: a number a survey, and what the last one says.
type Counter = fn(&Pulse) -> (Vec<Option<u64>>, String);

/// The write-sets that each survey found beyond the one before it.
fn seqno(pulse: &Pulse) -> (Vec<Option<u64>>, String) {
    let pairs = pulse.seqno.iter().zip(pulse.seqno.iter().skip(1));
    // A seqno that went back is another history's or another start's: no rate.
    let rates: Vec<Option<u64>> = pairs.map(|(old, new)| (*new)?.checked_sub((*old)?)).collect();
    let last = rates.last().copied().flatten().map(|rate| format!("+{rate}"));
    (rates, last.unwrap_or_else(|| "?".to_owned()))
}

fn queue(pulse: &Pulse) -> (Vec<Option<u64>>, String) {
    let all: Vec<Option<u64>> = pulse.queue.iter().copied().collect();
    let last = all.last().copied().flatten().map(|length| length.to_string());
    (all, last.unwrap_or_else(|| "?".to_owned()))
}

fn sparks(cluster: &Cluster, columns: &[Column<'_>], width: u16, look: Look, counter: Counter) -> Vec<Mark> {
    let cell = |column: &Column<'_>| {
        let (node, judged) = (*column)?;
        let pulse = cluster.pulse.get(&node.name)?;
        if !judged.server.is(|server| *server == Server::Running) {
            return None;
        }
        let (values, last) = counter(pulse);
        if values.iter().all(Option::is_none) {
            return None;
        }
        let room = usize::from(width).saturating_sub(last.len().saturating_add(1)).min(24);
        Some(Mark { sign: " ", text: format!("{} {last}", spark(&values, room, look)), ink: Ink::Text })
    };
    columns.iter().map(|column| cell(column).unwrap_or_else(Mark::blank)).collect()
}

/// The latest values that fit, the highest of them as the highest step; a hole is no zero.
fn spark(values: &[Option<u64>], room: usize, look: Look) -> String {
    let shown = values.get(values.len().saturating_sub(room)..).unwrap_or_default();
    let highest = shown.iter().flatten().max().copied().unwrap_or(0).max(1);
    let steps = look.signs.spark;
    let top = steps.len().saturating_sub(1) as u64;
    let step = |value: &u64| {
        let up = (u128::from(*value) * u128::from(top)).div_ceil(u128::from(highest));
        usize::try_from(up).ok().and_then(|at| steps.get(at)).copied().unwrap_or_default()
    };
    shown.iter().map(|value| value.as_ref().map_or(look.signs.unknown, step)).collect()
}

/// Who holds the highest position, where there is no Primary or somebody is beyond it. Histories that differ have no
/// order (S1), and a tainted one ranks nobody (S7).
pub(super) fn highest(cluster: &Cluster) -> Vec<NodeName> {
    let Some(picture) = &cluster.picture else { return Vec::new() };
    let judgement = &picture.judgement;
    let ranked = judgement.nodes.iter().filter(|node| node.standing != Some(Standing::Tainted));
    let held: Vec<(&NodeName, Position)> =
        ranked.filter_map(|node| Some((&node.name, node.position.known()?.position))).collect();
    let Some(top) = held.iter().map(|(_, position)| position.seqno).max() else { return Vec::new() };
    let one = held.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a.uuid == b.uuid));
    let served = judgement.primary.as_ref().is_some_and(|primary| primary.seqno >= top);
    if !one || served {
        return Vec::new();
    }
    held.into_iter().filter(|(_, at)| at.seqno == top).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::{Node, cluster, crashed, healthy, stopped};
    use super::*;
    use crate::ui::tui::look::Palette;

    fn look() -> Look {
        Look::of(Palette::Mono, true)
    }

    #[test]
    fn the_highest_position_is_marked_only_where_it_says_something() {
        let names = |nodes| highest(&cluster(nodes)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(stopped([7, 9, 9])), ["g2", "g3"]);
        assert!(names(healthy()).is_empty());
        assert!(names(crashed()).is_empty());
        let ahead = vec![
            Node::new("g1").synced(3, &["g1", "g2"], 10),
            Node::new("g2").synced(3, &["g1", "g2"], 10),
            Node::new("g3").stopped(12),
        ];
        assert_eq!(names(ahead), ["g3"]);
    }

    #[test]
    fn a_hole_in_a_counter_is_no_zero() {
        let (rates, last) =
            seqno(&Pulse { seqno: [Some(5), None, Some(9), Some(12), Some(3)].into(), queue: [].into() });
        assert_eq!(rates, [None, None, Some(3), None]);
        assert_eq!(last, "?");
        assert_eq!(spark(&[Some(0), None, Some(1), Some(u64::MAX)], 9, look()), "▁?▂█");
        assert_eq!(spark(&[Some(0), Some(9)], 1, look()), "█");
        assert_eq!(spark(&[Some(0)], 9, look()), "▁");
    }
}
