//! From text to [`Inventory`].

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostics, Problem, Problems};
use super::document::{Kind, unique};
use super::grammar;
use super::node::{self, Settings};
use super::table::{Said, Table};
use super::{Cluster, Inventory, Node, Server};
use crate::facts::{ClusterName, Family, NodeName, Role};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// What every message calls the file, and what it is held to before its keys are read.
const KIND: Kind = Kind {
    what: "the inventory",
    format: "breakglass.inventory/",
    most: MAX_BYTES,
    too_large: "an inventory of a thousand nodes is a tenth of that: is this the right file?",
    begin: "its first line is `format = \"breakglass.inventory/1\"`, its first cluster begins with `[[cluster]]`",
};

/// The families the project knows; those without a value are not supported by this version.
const FAMILIES: &[(&str, Option<Family>)] = &[("galera", Some(Family::Galera)), ("group-replication", None)];

/// Reads an inventory as it came from its file: at most [`MAX_BYTES`] of UTF-8. `file` is only for messages.
pub fn parse_bytes(file: &str, bytes: &[u8]) -> Result<Inventory, Diagnostics> {
    KIND.read_bytes(file, bytes, inventory)
}

/// Reads an inventory. `file` is only for messages.
pub fn parse(file: &str, text: &str) -> Result<Inventory, Diagnostics> {
    KIND.read(file, text, inventory)
}

fn inventory(top: &Table<'_>) -> Option<Inventory> {
    let problems = top.problems;
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
        | "binary" | "backup" | "sql" => Some("what holds for all nodes belongs under `[cluster.defaults]`"),
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

/// Refuses two nodes that are one server: it would confirm itself, and be counted twice in every vote.
fn refuse_twins(names: &[Said<NodeName>], nodes: &[Node], problems: &Problems) {
    let mut seen: BTreeMap<String, &Said<NodeName>> = BTreeMap::new();
    for (name, node) in names.iter().zip(nodes) {
        let server = Server { backup: None, ..node.server.clone() };
        let same = format!("{:?}", (node.role, &node.transport, server, &node.sql));
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
