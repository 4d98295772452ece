//! One difference between two surveys, told line by line: first what it means, then the facts. What is the same on several
//! nodes is told once.

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use super::super::matrix::severity_ink;
use super::super::{paint, values};
use crate::ask::lines;
use crate::facts::{Known, NodeName, Plain, Value, keys};
use crate::judge::{
    Difference, FactTurn, Fate, Finding, Held, NodeDifference, Primary, Server, Turn, WriteSets,
};
use crate::ui::cells;
use crate::ui::tui::look::{Ink, Look};

/// So many facts of one kind are told one by one; of more it is said how many there are.
const FEW: usize = 6;
/// The longest value that is shown.
const LONGEST: usize = 120;

/// How changes are told.
pub(super) struct Told {
    pub(super) look: Look,
    pub(super) width: u16,
    /// The cluster's clock.
    pub(super) now: Timestamp,
    /// How many nodes the cluster has.
    pub(super) nodes: usize,
}

/// One thing that changed.
struct Entry {
    sign: (&'static str, Ink),
    /// The nodes on which it did; none where it is about the cluster.
    nodes: Vec<NodeName>,
    what: String,
    text: String,
}

impl Entry {
    fn new(node: Option<&NodeName>, what: &str, text: String) -> Self {
        Self {
            sign: (" ", Ink::Text),
            nodes: node.cloned().into_iter().collect(),
            what: what.to_owned(),
            text,
        }
    }
}

impl Told {
    /// A sentence.
    pub(super) fn words(&self, text: &str) -> Vec<Line<'static>> {
        paint::hanging(&[Span::raw(" ")], text, self.look.style(Ink::Text), self.width)
    }

    /// All of a difference but what moves by itself.
    pub(super) fn difference(&self, difference: &Difference) -> Vec<Line<'static>> {
        let mut entries = self.cluster(difference);
        entries.extend(difference.findings.iter().filter_map(|turn| self.finding(turn)));
        entries.extend(merged(difference.nodes.iter().flat_map(|node| self.node(node))));
        let facts = merged(difference.nodes.iter().flat_map(|node| self.facts(node)));
        [self.lines(&entries), self.lines(&facts)].concat()
    }

    /// What running servers committed meanwhile.
    pub(super) fn advanced(&self, difference: &Difference) -> Vec<Line<'static>> {
        if difference.advanced.is_empty() {
            return Vec::new();
        }
        let on: Vec<String> = difference.advanced.iter().map(|(name, by)| format!("{name} {by}")).collect();
        let mut out = vec![Line::default()];
        out.extend(self.words(&format!("write-sets committed meanwhile: {}", on.join(", "))));
        out
    }

    /// Entries below each other, their texts in one column where there is room for that.
    fn lines(&self, entries: &[Entry]) -> Vec<Line<'static>> {
        let look = self.look;
        let label = |entry: &Entry| match entry.nodes.len() {
            0 => entry.what.clone(),
            count if count == self.nodes && count > 1 => format!("all {}", entry.what),
            _ => format!("{} {}", names(&entry.nodes), entry.what),
        };
        let labels: Vec<String> = entries.iter().map(label).collect();
        let widest = labels.iter().map(|label| paint::width(label)).max().unwrap_or(0);
        let columns = widest.min(usize::from(self.width) * 2 / 5);
        let told = labels.iter().zip(entries).map(|(label, entry)| {
            let (sign, ink) = entry.sign;
            // What is too wide for the column pushes its text along.
            let label =
                if paint::width(label) > columns { label.clone() } else { paint::fit(label, columns, look) };
            let lead = [
                Span::styled(format!("   {sign} "), look.style(ink)),
                Span::styled(format!("{label}  "), look.style(Ink::Dim)),
            ];
            paint::hanging(&lead, &entry.text, look.style(Ink::Text), self.width)
        });
        told.flatten().collect()
    }

    fn turned(&self, node: Option<&NodeName>, what: &str, (from, to): (&str, &str)) -> Entry {
        Entry::new(node, what, format!("{from} {} {to}", self.look.signs.arrow))
    }

    fn unknown(&self, why: &Plain) -> String {
        format!("{} {why}", self.look.signs.unknown)
    }

    fn cluster(&self, difference: &Difference) -> Vec<Entry> {
        let mut out = Vec::new();
        if let Some(Turn { from, to }) = &difference.verdict {
            out.push(self.turned(None, "verdict", (from.as_str(), to.as_str())));
        }
        if let Some(Turn { from, to }) = &difference.primary {
            out.push(self.turned(None, "Primary", (&primary(from.as_ref()), &primary(to.as_ref()))));
        }
        if let Some(Turn { from, to }) = &difference.candidates {
            out.push(self.turned(None, "candidates", (&names(from), &names(to))));
        }
        if let Some(Turn { from, to }) = &difference.loss {
            let loss = |loss: &Known<WriteSets>| match loss {
                Known::Known(lost) => format!("{} write-sets", lost.0),
                Known::Unknown(why) => self.unknown(&why.text),
            };
            out.push(self.turned(None, "would be lost", (&loss(from), &loss(to))));
        }
        out
    }

    fn finding(&self, turn: &Turn<Option<Finding>>) -> Option<Entry> {
        let signs = self.look.signs;
        let about = |finding: &Finding| {
            format!("{} ({}) {}", finding.id, finding.severity.as_str(), names(&finding.nodes))
        };
        let (sign, what, text) = match (&turn.from, &turn.to) {
            (None, None) => return None,
            // The worst one's red is the matrix's alone.
            (None, Some(new)) => ((signs.finding, severity_ink(1, new.severity)), "came", about(new)),
            (Some(old), None) => ((signs.skipped, Ink::Dim), "went", about(old)),
            (Some(old), Some(new)) => {
                let text = format!("{}, {}", about(new), self.was(old, new));
                ((signs.finding, severity_ink(1, new.severity)), "changed", text)
            }
        };
        Some(Entry { sign, nodes: Vec::new(), what: what.to_owned(), text })
    }

    /// What a finding that is still the case was before.
    fn was(&self, old: &Finding, new: &Finding) -> String {
        if old.nodes != new.nodes {
            return format!("was about {}", names(&old.nodes));
        }
        if old.severity != new.severity {
            return format!("was {}", old.severity.as_str());
        }
        let rules = |finding: &Finding| {
            let rows = cells::blocked(&finding.blocked_by);
            let rows: Vec<String> =
                rows.into_iter().map(|(rule, nodes, _, _)| format!("{rule}{nodes}")).collect();
            if rows.is_empty() { "nothing".to_owned() } else { rows.join(", ") }
        };
        format!("in the way: {} {} {}", rules(old), self.look.signs.arrow, rules(new))
    }

    /// How far we got, and what it means.
    fn node(&self, node: &NodeDifference) -> Vec<Entry> {
        let name = Some(&node.name);
        let mut out = Vec::new();
        for (way, turn) in [("ssh", &node.ssh), ("sql", &node.sql)] {
            if let Some(Turn { from, to }) = turn {
                out.push(self.turned(name, way, (from.as_str(), to.as_str())));
            }
        }
        if let Some(Turn { from, to }) = &node.server {
            let word = |server: &Known<Server>| match server {
                Known::Known(server) => server.to_string(),
                Known::Unknown(why) => self.unknown(&why.text),
            };
            out.push(self.turned(name, "server", (&word(from), &word(to))));
        }
        if let Some(Turn { from, to }) = &node.standing {
            out.push(self.turned(name, "standing", (&cells::stands(*from), &cells::stands(*to))));
        }
        if let Some(turn) = &node.position {
            let held = |held: &Known<Held>| match held {
                Known::Known(held) => format!("{} {}", held.position.seqno, cells::source(held.source)),
                Known::Unknown(why) => self.unknown(&why.text),
            };
            let to = format!("{}{}", held(&turn.to), distance(turn));
            out.push(self.turned(name, "position", (&held(&turn.from), &to)));
        }
        out
    }

    /// Changed facts one by one; those that are known now, or no longer, together where there are many for one reason.
    fn facts(&self, node: &NodeDifference) -> Vec<Entry> {
        let of = |fate| node.facts.iter().filter(move |fact| fact.fate() == fate);
        let mut out: Vec<Entry> = of(Fate::Changed).flat_map(|fact| self.changed(&node.name, fact)).collect();
        let learnt: Vec<&FactTurn> = of(Fate::Learnt).collect();
        out.extend(self.together(&node.name, &learnt, None));
        let mut lost: Vec<(&Plain, Vec<&FactTurn>)> = Vec::new();
        for fact in of(Fate::Lost) {
            let Known::Unknown(why) = &fact.value.to else { continue };
            match lost.iter_mut().find(|(text, _)| **text == why.text) {
                Some((_, facts)) => facts.push(fact),
                None => lost.push((&why.text, vec![fact])),
            }
        }
        out.extend(lost.into_iter().flat_map(|(why, facts)| self.together(&node.name, &facts, Some(why))));
        out
    }

    /// Facts that became known, or unknown for a reason.
    fn together(&self, node: &NodeName, facts: &[&FactTurn], why: Option<&Plain>) -> Vec<Entry> {
        if facts.len() <= FEW {
            return facts.iter().flat_map(|fact| self.changed(node, fact)).collect();
        }
        let mut rooms: Vec<(&str, usize)> = Vec::new();
        for fact in facts {
            let room = fact.name.split('.').next().unwrap_or_default();
            match rooms.iter_mut().find(|(there, _)| *there == room) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => rooms.push((room, 1)),
            }
        }
        let rooms: Vec<String> = rooms.into_iter().map(|(room, count)| format!("{room} {count}")).collect();
        let (count, rooms, signs) = (facts.len(), rooms.join(", "), self.look.signs);
        let (sign, text) = match why {
            None => ((signs.done, Ink::Good), format!("{count} are known now ({rooms})")),
            Some(why) => {
                ((signs.unknown, Ink::Unknown), format!("{count} are no longer known ({rooms}): {why}"))
            }
        };
        vec![Entry { sign, nodes: vec![node.clone()], what: "facts".to_owned(), text }]
    }

    fn changed(&self, node: &NodeName, fact: &FactTurn) -> Vec<Entry> {
        let Turn { from, to } = &fact.value;
        if let (Known::Known(Value::Texts(from)), Known::Known(Value::Texts(to))) = (from, to) {
            return if fact.name == keys::LOG_KNOWN.name() {
                Self::logged(node, from, to)
            } else {
                self.listed(node, fact.name, (from, to))
            };
        }
        let word = |value: &Known<Value>| match value {
            Known::Known(value) => {
                paint::cut(&values::said(value, fact.unit, self.now).join(", "), LONGEST, self.look)
            }
            Known::Unknown(why) => self.unknown(&why.text),
        };
        vec![self.turned(Some(node), fact.name, (&word(from), &word(to)))]
    }

    /// Of a list what came and what went.
    fn listed(&self, node: &NodeName, name: &str, (from, to): (&[Plain], &[Plain])) -> Vec<Entry> {
        let only = |sign: &str, these: &[Plain], those: &[Plain]| {
            let only: Vec<String> =
                these.iter().filter(|one| !those.contains(one)).map(ToString::to_string).collect();
            (!only.is_empty()).then(|| format!("{sign} {}", paint::cut(&only.join(", "), LONGEST, self.look)))
        };
        let both = [only("came:", to, from), only("went:", from, to)];
        // The same ones, some of them more often or less.
        let text: Vec<String> = both.into_iter().flatten().collect();
        let text = if text.is_empty() {
            format!("{} {} {} entries", from.len(), self.look.signs.arrow, to.len())
        } else {
            text.join("; ")
        };
        vec![Entry::new(Some(node), name, text)]
    }

    /// Known lines of the log that were not there before, with what they mean. That one is no longer in the part that is
    /// read is no news.
    fn logged(node: &NodeName, from: &[Plain], to: &[Plain]) -> Vec<Entry> {
        let id = |entry: &Plain| entry.as_str().split(' ').next().unwrap_or_default().to_owned();
        let there: Vec<String> = from.iter().map(id).collect();
        let new = to.iter().map(id).filter(|one| !there.contains(one));
        let known = new.filter_map(|one| lines::by_id(&one));
        known.map(|line| Entry::new(Some(node), "log", format!("{}: {}", line.id, line.meaning))).collect()
    }
}

/// What is the same on several nodes, once.
fn merged(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for entry in entries {
        match out.iter_mut().find(|other| (&other.what, &other.text) == (&entry.what, &entry.text)) {
            Some(same) => same.nodes.extend(entry.nodes),
            None => out.push(entry),
        }
    }
    out
}

/// How much higher or lower a position is, where the two compare.
fn distance(turn: &Turn<Known<Held>>) -> String {
    match turn.by() {
        Some(Ok(0)) => String::new(),
        Some(Ok(by)) => format!(" ({by} write-sets higher)"),
        Some(Err(by)) => format!(" ({by} write-sets lower)"),
        None if turn.from.known().is_some() && turn.to.known().is_some() => {
            " (of another history: not to be compared)".to_owned()
        }
        None => String::new(),
    }
}

fn primary(primary: Option<&Primary>) -> String {
    let Some(primary) = primary else { return "none".to_owned() };
    let members = names(&primary.members);
    format!("{} at {}, size {}: {members}", primary.uuid.short(), primary.seqno, primary.size)
}

fn names(names: &[NodeName]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(NodeName::as_str).collect::<Vec<_>>().join(" ")
}
