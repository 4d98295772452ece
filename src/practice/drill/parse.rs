//! From a file's bytes to a [`Scenario`]. Strict: an unknown key, a wrong word or a node that is not there is an error
//! with its place.

use std::time::Duration;

use super::scenario::{Action, Answer, FaultAt, Need, Question, Scenario};
use crate::facts::{ClusterName, Family, NodeName, Plain};
use crate::inventory::Diagnostics;
use crate::inventory::diagnostic::Problem;
use crate::inventory::document::Kind;
use crate::inventory::grammar::{Misfit, prose, quoted, slug};
use crate::inventory::table::{Said, Table, none_of};
use crate::record;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 10;

const KIND: Kind = Kind {
    what: "the scenario",
    format: "breakglass.drill/",
    most: MAX_BYTES,
    too_large: "a scenario is a tenth of that: is this the right file?",
    begin: "its first line is `format = \"breakglass.drill/1\"`; the built-in scenarios show the rest",
};

const TITLE: usize = 80;
const TEXT: usize = 1200;
/// The last moment at which something may happen, in milliseconds: a drill is short.
const LATEST: u64 = 3_600_000;

/// Reads a scenario as it came from its file. `name` is the file's, for messages.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Scenario, Diagnostics> {
    let mut scenario = KIND.read_bytes(name, bytes, scenario)?;
    scenario.digest = format!("sha256:{}", record::hash(bytes));
    Ok(scenario)
}

/// The cluster of a scenario.
struct Cluster {
    name: ClusterName,
    nodes: Vec<NodeName>,
    load: u64,
    restarts: bool,
    gcache: u64,
}

fn scenario(top: &Table<'_>) -> Option<Scenario> {
    let id = top.needed("id", "give it one: `id = \"all-killed\"`", slug);
    let version = number(top, "version", 1..=1000, Some("count its changes from 1: `version = 1`"));
    let title = top.needed("title", "say in one line what happened", |text| prose(text, TITLE));
    let source = top.needed("source_url", "name the public report it was made from", url);
    if top.has("family").is_none() {
        top.missing("family", "write `family = \"galera\"`, the only one this version knows");
    }
    let family = top.word("family", &[("galera", Family::Galera)]);
    let level = number(top, "level", 1..=5, Some("from 1, for a first time, to 5"));
    if top.has("backend").is_none() {
        top.missing("backend", "write `backend = \"sim\"`, the only one this version knows");
    }
    let backend = top.word("backend", &[("sim", ())]);
    let seed =
        number(top, "seed", 0..=u64::MAX, Some("any whole number: the same seed makes the same drill"));
    let brief = top.needed("brief", "say what the pager says", |text| prose(text, TEXT));
    let cluster = needed_table(top, "topology", "a topology").and_then(|table| topology(&table));
    let nodes = cluster.as_ref().map(|cluster| cluster.nodes.clone()).unwrap_or_default();
    let tables = top.tables("fault", "a fault", "fault");
    if tables.is_empty() && top.problems.count() == 0 {
        top.problems.push(Problem::of_file("nothing happens in the scenario").help("begin with `[[fault]]`"));
    }
    let faults: Vec<Option<FaultAt>> = tables.iter().map(|table| fault(table, &nodes)).collect();
    let diagnosis =
        needed_table(top, "diagnosis", "a question").and_then(|table| question(&table, "diagnosis.option"));
    let node = needed_table(top, "node", "a question").and_then(|table| question(&table, "node.option"));
    let win = needed_table(top, "win", "what has to be reached").and_then(|table| win(&table));
    let debrief = needed_table(top, "debrief", "a debrief").and_then(|table| debrief(&table));
    top.finish(|key| match key {
        "faults" => Some("write each fault as `[[fault]]`"),
        "question" | "option" => Some("this belongs to `[diagnosis]` or `[node]`"),
        "cluster" | "nodes" | "load" | "restarts" | "gcache" => Some("this belongs to `[topology]`"),
        _ => None,
    });
    let mut faults: Vec<FaultAt> = faults.into_iter().collect::<Option<_>>()?;
    faults.sort_by_key(|fault| fault.at);
    backend?;
    let cluster = cluster?;
    Some(Scenario {
        id: id?.value,
        version: version?,
        title: title?.value,
        source_url: source?.value,
        family: family?.value,
        level: level?,
        seed: seed?,
        brief: brief?.value,
        cluster: cluster.name,
        nodes: cluster.nodes,
        load: cluster.load,
        restarts: cluster.restarts,
        gcache: cluster.gcache,
        faults,
        diagnosis: diagnosis?,
        node: node?,
        win: win?,
        debrief: debrief?,
        digest: String::new(),
    })
}

fn topology(table: &Table<'_>) -> Option<Cluster> {
    let name = table.needed("cluster", "name the cluster: `cluster = \"shop\"`", |text| {
        ClusterName::new(text).map_err(|_| a_name())
    });
    if table.has("nodes").is_none() {
        table.missing("nodes", "name them: `nodes = [\"db1\", \"db2\", \"db3\"]`");
    }
    let nodes = table.words("nodes").and_then(|said| nodes(table, &said));
    let load = number(table, "load", 0..=10_000, None);
    let restarts = table.flag("restarts");
    let gcache = number(table, "gcache", 1..=10_000_000, None);
    table.finish(|_| None);
    let usual = |key: &'static str, said: Option<u64>, usual: u64| {
        if table.has(key).is_some() { said } else { Some(usual) }
    };
    Some(Cluster {
        name: name?.value,
        nodes: nodes?,
        load: usual("load", load, 40)?,
        restarts: if table.has("restarts").is_some() { restarts?.value } else { true },
        gcache: usual("gcache", gcache, 10_000)?,
    })
}

fn nodes(table: &Table<'_>, said: &Said<Vec<String>>) -> Option<Vec<NodeName>> {
    let refuse = |title: String, label: &str| {
        table.problems.push(Problem::new(&said.at, title, label));
        None
    };
    let mut names: Vec<NodeName> = Vec::new();
    for word in &said.value {
        match NodeName::new(word) {
            Ok(name) if names.contains(&name) => {
                return refuse(
                    format!("two nodes are called {}", quoted(word)),
                    "each needs a name of its own",
                );
            }
            Ok(name) => names.push(name),
            Err(_) => {
                return refuse(
                    format!("`nodes` cannot hold {}", quoted(word)),
                    "expected letters, digits, `.`, `_`, `-`",
                );
            }
        }
    }
    if (2..=9).contains(&names.len()) {
        Some(names)
    } else {
        refuse("a drill has 2 to 9 nodes".to_owned(), "in here")
    }
}

fn fault(table: &Table<'_>, nodes: &[NodeName]) -> Option<FaultAt> {
    let at = number(table, "at", 0..=LATEST, Some("when, in milliseconds: `at = 0`"));
    let known: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
    let node = table.needed("node", "say to which node", |text| {
        let found = nodes.iter().find(|node| node.as_str() == text).cloned();
        // Where the nodes themselves could not be read, that is said once, there.
        found.ok_or_else(|| if known.is_empty() { a_name() } else { none_of(text, &known) })
    });
    if table.has("action").is_none() {
        table.missing("action", "say what happens: \"kill\"");
    }
    let action = table.word("action", &Action::WORDS);
    table.finish(|_| None);
    Some(FaultAt { at: Duration::from_millis(at?), node: node?.value, action: action?.value })
}

fn question(table: &Table<'_>, header: &str) -> Option<Question> {
    let question = table.needed("question", "say what is asked", |text| prose(text, TEXT));
    let tables = table.tables("option", "an answer", header);
    let options: Vec<Option<Answer>> = tables.iter().map(answer).collect();
    let right = options.iter().flatten().filter(|answer| answer.right).count();
    let sound = options.iter().all(Option::is_some);
    if sound && (right != 1 || options.len() < 2) {
        let title = format!("{right} of {} answers are right", options.len());
        table.problems.push(
            Problem::new(&table.span, title, "expected two answers or more, exactly one of them right")
                .help(format!("write each as `[[{header}]]`")),
        );
        return None;
    }
    table.finish(|_| None);
    Some(Question { question: question?.value, options: options.into_iter().collect::<Option<_>>()? })
}

fn answer(table: &Table<'_>) -> Option<Answer> {
    let text = table.needed("text", "say what the answer is", |text| prose(text, TEXT));
    if table.has("right").is_none() {
        table.missing("right", "write `right = true` or `right = false`");
    }
    let right = table.flag("right");
    let why = table.needed("why", "say in one sentence which facts decide it", |text| prose(text, TEXT));
    table.finish(|_| None);
    Some(Answer { text: text?.value, right: right?.value, why: why?.value })
}

fn win(table: &Table<'_>) -> Option<Vec<Need>> {
    let names = Need::WORDS.map(|(word, _)| word);
    if table.has("needs").is_none() {
        table.missing("needs", "say what has to be reached: `needs = [\"synced\"]`");
    }
    let said = table.words("needs");
    table.finish(|_| None);
    let said = said?;
    let mut needs = Vec::new();
    for word in &said.value {
        let Some((_, need)) = Need::WORDS.iter().find(|(name, _)| name == word) else {
            let misfit = none_of(word, &names);
            let title = format!("`needs` cannot hold {}", quoted(word));
            let label = format!("expected {}", misfit.expected);
            table.problems.push(Problem::new(&said.at, title, label).maybe_help(misfit.help));
            return None;
        };
        needs.push(*need);
    }
    Some(needs)
}

fn debrief(table: &Table<'_>) -> Option<Vec<Plain>> {
    if table.has("lines").is_none() {
        table.missing("lines", "say what to take away: `lines = [\"…\"]`");
    }
    let lines = table.words("lines");
    table.finish(|_| None);
    Some(lines?.value.iter().map(Plain::new).collect())
}

fn needed_table<'t>(top: &Table<'t>, key: &'static str, place: &'static str) -> Option<Table<'t>> {
    if top.has(key).is_none() {
        top.missing(key, format!("write `[{key}]`"));
    }
    top.table(key, place)
}

/// A whole number in a range; `help` says what to write where it must be there.
fn number(
    table: &Table<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
    help: Option<&str>,
) -> Option<u64> {
    let Some(said) = table.value(key) else {
        if let Some(help) = help {
            table.missing(key, help);
        }
        return None;
    };
    let value =
        said.value.as_integer().and_then(|digits| u64::from_str_radix(digits.as_str(), digits.radix()).ok());
    if let Some(value) = value.filter(|value| range.contains(value)) {
        return Some(value);
    }
    let label = if *range.end() == u64::MAX {
        "expected a whole number without quotes".to_owned()
    } else {
        format!("expected a whole number from {} to {}, without quotes", range.start(), range.end())
    };
    table.problems.push(Problem::new(&said.at, format!("`{key}` cannot be this"), label));
    None
}

fn a_name() -> Misfit {
    Misfit::new("1 to 63 letters, digits, `.`, `_` or `-`, the first a letter or digit")
}

fn url(text: &str) -> Result<Plain, Misfit> {
    let good =
        text.starts_with("https://") && text.len() <= 300 && text.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(Plain::new(text)) } else { Err(Misfit::new("an address that begins with `https://`")) }
}
