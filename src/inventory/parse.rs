//! From text to [`Inventory`].

use std::collections::BTreeMap;
use std::fmt;

use toml::de::DeTable;

use super::diagnostic::{Diagnostics, Problem, Problems};
use super::grammar::{self, quoted};
use super::node::{self, Settings};
use super::table::{Said, Table};
use super::{Cluster, Inventory, Node};
use crate::facts::{ClusterName, Family, NodeName, Role};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The format this version reads, less its number.
const FORMAT: &str = "breakglass.inventory/";

/// The families the project knows; those without a value are not supported by this version.
const FAMILIES: &[(&str, Option<Family>)] = &[("galera", Some(Family::Galera)), ("group-replication", None)];

/// Reads an inventory as it came from its file: at most [`MAX_BYTES`] of UTF-8. `file` is only for messages.
pub fn parse_bytes(file: &str, bytes: &[u8]) -> Result<Inventory, Diagnostics> {
    let refuse = |problem| Err(Diagnostics::new(file, "", vec![problem]));
    if bytes.len() > MAX_BYTES {
        return refuse(too_large());
    }
    match core::str::from_utf8(bytes) {
        Ok(text) => parse(file, text),
        Err(_) if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) => {
            refuse(Problem::of_file("the inventory is UTF-16").help("save it as UTF-8"))
        }
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            refuse(Problem::of_file("the inventory is not UTF-8").help(format!(
                "the first byte that does not fit is byte {} in line {line}",
                before.len() + 1
            )))
        }
    }
}

/// Reads an inventory. `file` is only for messages.
pub fn parse(file: &str, text: &str) -> Result<Inventory, Diagnostics> {
    let problems = Problems::default();
    let inventory = read(text, &problems);
    match (problems.diagnostics(file, text), inventory) {
        (None, Some(inventory)) => Ok(inventory),
        (Some(diagnostics), _) => Err(diagnostics),
        // A reader that gives up says why; this keeps a forgotten reason from passing for an inventory.
        (None, None) => {
            Err(Diagnostics::new(file, text, vec![Problem::of_file("the inventory cannot be read")]))
        }
    }
}

fn too_large() -> Problem {
    Problem::of_file("the inventory is larger than 1 MiB")
        .help("an inventory of a thousand nodes is a tenth of that: is this the right file?")
}

fn read(text: &str, problems: &Problems) -> Option<Inventory> {
    if text.len() > MAX_BYTES {
        problems.push(too_large());
        return None;
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        problems.push(
            Problem::of_file("the inventory is empty")
                .help("its first line is `format = \"breakglass.inventory/1\"`, its first cluster begins with `[[cluster]]`"),
        );
        return None;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    // What follows a syntax error is read by guess, so only the first is sure.
    if let Some(first) = errors.iter().min_by_key(|error| error.span().map(|span| span.start)) {
        let span = first.span().unwrap_or(0..0);
        problems.push(match text.find('\0') {
            Some(nul) => Problem::new(&(nul..nul + 1), "the inventory holds a NUL byte", "expected text"),
            None => Problem::new(&span, "this is not TOML", first.message()),
        });
        return None;
    }
    let top = Table::new("the inventory", 0..0, document.get_ref(), problems);
    if !is_our_format(&top) {
        return None;
    }
    let tables = top.tables("cluster", "a cluster", "cluster");
    if top.has("cluster").is_none_or(|_| tables.is_empty() && problems.count() == 0) {
        problems
            .push(Problem::of_file("the inventory names no cluster").help("begin one with `[[cluster]]`"));
    }
    let (names, clusters): (Vec<_>, Vec<_>) = tables.iter().map(cluster).unzip();
    top.finish(|key| match key {
        "node" => Some("a node belongs to a cluster: write `[[cluster.node]]`"),
        "defaults" => Some("defaults belong to a cluster: write `[cluster.defaults]`"),
        _ => None,
    });
    unique(names.iter().flatten(), "cluster", problems);
    let clusters: Option<Vec<Cluster>> = clusters.into_iter().collect();
    Some(Inventory { clusters: clusters? })
}

/// Checks the format. Only a file of another version is not read further: its keys may mean something else.
fn is_our_format(top: &Table<'_>) -> bool {
    let Some(said) = top.text("format") else {
        if top.has("format").is_none() {
            top.missing("format", format!("begin the file with `format = \"{FORMAT}1\"`"));
        }
        return true;
    };
    let version = said.value.strip_prefix(FORMAT).and_then(|version| version.parse::<u32>().ok());
    let problem = Problem::new(&said.at, format!("`format` cannot be {}", quoted(said.value)), {
        format!("expected \"{FORMAT}1\"")
    });
    match version {
        Some(1) if said.value == "breakglass.inventory/1" => true,
        Some(2..) => {
            top.problems.push(
                problem.help("this file was written for a newer Breakglass; this version reads format 1"),
            );
            false
        }
        _ => {
            top.problems.push(problem);
            true
        }
    }
}

/// Reads one `[[cluster]]`: its name, and the cluster where nothing is wrong with it.
fn cluster(table: &Table<'_>) -> (Option<Said<ClusterName>>, Option<Cluster>) {
    let name = table.parsed("name", grammar::cluster_name);
    if table.has("name").is_none() {
        table.missing("name", "give it one: `name = \"shop\"`");
    }
    let family = family(table);
    let nodes = nodes(table);
    table.finish(|key| match key {
        "nodes" => Some("write each node as `[[cluster.node]]`"),
        "ssh" | "host" | "via" | "role" | "host_key" => {
            Some("this belongs to a node: write `[[cluster.node]]` first")
        }
        "user" | "port" | "key" | "known_hosts" | "become" | "unit" | "datadir" | "server_user"
        | "binary" | "sql" => Some("what holds for all nodes belongs under `[cluster.defaults]`"),
        _ => None,
    });
    let whole = || Some(Cluster { name: name.as_ref()?.value.clone(), family: family?, nodes: nodes? });
    let cluster = whole();
    (name, cluster)
}

fn nodes(cluster: &Table<'_>) -> Option<Vec<Node>> {
    let problems = cluster.problems;
    let defaults = cluster.table("defaults", "a cluster's defaults");
    let defaults = defaults.map(|defaults| Settings::defaults(&defaults)).unwrap_or_default();
    let before = problems.count();
    let tables = cluster.tables("node", "a node", "cluster.node");
    let (names, nodes): (Vec<_>, Vec<_>) = tables.iter().map(|node| node::read(node, &defaults)).unzip();
    unique(names.iter().flatten(), "node", problems);
    if tables.is_empty() && problems.count() > before {
        return None;
    }
    // Whether an unsound node was meant to hold data is not known.
    let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
    let names: Vec<Said<NodeName>> = names.into_iter().flatten().collect();
    refuse_twins(&names, &nodes, problems);
    if !nodes.iter().any(|node| node.role == Role::Data) {
        problems.push(
            Problem::new(&cluster.span, "this cluster has no data node", "in here")
                .help("write at least one `[[cluster.node]]` of role \"data\""),
        );
    }
    Some(nodes)
}

fn family(table: &Table<'_>) -> Option<Family> {
    if table.has("family").is_none() {
        table.missing("family", "write `family = \"galera\"`, the only one this version knows");
    }
    let said = table.word("family", FAMILIES)?;
    if said.value.is_none() {
        table.problems.push(
            Problem::new(
                &said.at,
                "this family is known, and not supported by this version",
                "expected \"galera\"",
            )
            .help("leave the cluster out of this file until a version supports it"),
        );
    }
    said.value
}

/// Refuses a name that is given twice, with both places.
fn unique<'s, T: Ord + fmt::Display + 's>(
    names: impl Iterator<Item = &'s Said<T>>,
    what: &str,
    problems: &Problems,
) {
    let mut seen: BTreeMap<&T, &Said<T>> = BTreeMap::new();
    for name in names {
        let first = *seen.entry(&name.value).or_insert(name);
        if first.at != name.at {
            problems.push(
                Problem::new(&name.at, format!("two {what}s are called \"{}\"", name.value), "here again")
                    .also(&first.at, "first here")
                    .help("a name is the only way it is ever named, so each needs its own"),
            );
        }
    }
}

/// Refuses two nodes that are one server: it would confirm itself, and be counted twice in every vote.
fn refuse_twins(names: &[Said<NodeName>], nodes: &[Node], problems: &Problems) {
    let mut seen: BTreeMap<String, &Said<NodeName>> = BTreeMap::new();
    for (name, node) in names.iter().zip(nodes) {
        let same = format!("{:?}", (node.role, &node.transport, &node.server, &node.sql));
        let first = *seen.entry(same).or_insert(name);
        if first.value != name.value {
            let title = format!("\"{}\" is the same server as \"{}\"", name.value, first.value);
            problems.push(
                Problem::new(&name.at, title, "reached the same way")
                    .also(&first.at, "reached the same way")
                    .help("one server under two names would confirm itself; say where the other one is"),
            );
        }
    }
}
