//! One node, and what a cluster says once for all of them.

use std::path::PathBuf;

use super::diagnostic::{Problem, Span};
use super::sql::SqlSaid;
use super::table::{Said, Table};
use super::{Node, Server, Ssh, Transport, grammar};
use crate::facts::{NodeName, Role};

const ROLES: &[(&str, Role)] = &[
    ("data", Role::Data),
    ("arbitrator", Role::Arbitrator),
    ("router", Role::Router),
    ("proxy", Role::Proxy),
];

/// What a cluster's defaults may say, and each node again: the node wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    user: Option<Said<String>>,
    port: Option<Said<u16>>,
    key: Option<Said<PathBuf>>,
    known_hosts: Option<Said<PathBuf>>,
    sudo: Option<Said<bool>>,
    unit: Option<Said<String>>,
    datadir: Option<Said<String>>,
    server_user: Option<Said<String>>,
    binary: Option<Said<String>>,
    backup: Option<Said<String>>,
    sql: Option<SqlSaid>,
}

impl Settings {
    fn read(table: &Table<'_>) -> Self {
        Self {
            user: table.parsed("user", grammar::user),
            port: table.port("port"),
            key: table.parsed("key", grammar::local_path),
            known_hosts: table.parsed("known_hosts", grammar::local_path),
            sudo: table.flag("become"),
            unit: table.parsed("unit", grammar::unit),
            datadir: table.parsed("datadir", grammar::remote_path),
            server_user: table.parsed("server_user", grammar::user),
            binary: table.parsed("binary", grammar::remote_path),
            backup: table.parsed("backup", grammar::remote_path),
            sql: table.table("sql", "a `sql` table").map(|sql| SqlSaid::read(&sql)),
        }
    }

    /// Reads `[cluster.defaults]`.
    pub(super) fn defaults(table: &Table<'_>) -> Self {
        let settings = Self::read(table);
        if let Some(sql) = &settings.sql {
            sql.check_defaults(table.problems);
        }
        table.finish(|key| match key {
            "name" | "role" | "ssh" | "host" | "host_key" | "via" => {
                Some("this differs from node to node: say it under `[[cluster.node]]`")
            }
            "socket" | "tls" | "ca" | "password" => Some("say it under `[cluster.defaults.sql]`"),
            _ => None,
        });
        settings
    }

    fn server(&self, defaults: &Self) -> Server {
        Server {
            unit: value(self.unit.as_ref(), defaults.unit.as_ref()),
            datadir: value(self.datadir.as_ref(), defaults.datadir.as_ref()),
            user: value(self.server_user.as_ref(), defaults.server_user.as_ref()),
            binary: value(self.binary.as_ref(), defaults.binary.as_ref()),
            backup: value(self.backup.as_ref(), defaults.backup.as_ref()),
        }
    }
}

/// What the node says, else what the defaults say.
pub(super) fn value<T: Clone>(own: Option<&Said<T>>, defaults: Option<&Said<T>>) -> Option<T> {
    own.or(defaults).map(|said| said.value.clone())
}

/// Reads one `[[cluster.node]]`: its name, and the node where nothing is wrong with it.
pub(super) fn read(table: &Table<'_>, defaults: &Settings) -> (Option<Said<NodeName>>, Option<Node>) {
    let name = table.parsed("name", grammar::node_name);
    if table.has("name").is_none() {
        table.missing("name", "give it one: `name = \"g1\"`; it is the only way the node is ever named");
    }
    let node = beyond_name(table, name.as_ref(), defaults);
    (name, node)
}

fn beyond_name(table: &Table<'_>, name: Option<&Said<NodeName>>, defaults: &Settings) -> Option<Node> {
    let before = table.problems.count();
    let role = table.word("role", ROLES).map_or(Role::Data, |role| role.value);
    let own = Settings::read(table);
    let transport = transport(table, name, &own, defaults);
    table.finish(|key| match key {
        "socket" | "tls" | "ca" | "password" => Some("say it under `[cluster.node.sql]`"),
        _ => None,
    });
    let (name, transport) = (name?.value.clone(), transport?);
    let command = matches!(transport, Transport::Command(_)).then(|| table.has("via")).flatten();
    let sql = SqlSaid::resolve(own.sql.as_ref(), defaults.sql.as_ref(), role, command.as_ref(), table)?;
    let sudo = command.is_none() && value(own.sudo.as_ref(), defaults.sudo.as_ref()).unwrap_or(false);
    let node = Node { name, role, transport, sudo, sql, server: own.server(defaults) };
    (table.problems.count() == before).then_some(node)
}

/// How commands get to the node: exactly one of three ways.
fn transport(
    table: &Table<'_>,
    name: Option<&Said<NodeName>>,
    own: &Settings,
    defaults: &Settings,
) -> Option<Transport> {
    let given: Vec<(&str, Span)> =
        ["ssh", "host", "via"].into_iter().filter_map(|key| Some((key, table.has(key)?))).collect();
    let host_key = table.parsed("host_key", grammar::host_key);
    let (way, at) = match given.as_slice() {
        [one] => one,
        [] => {
            let name = name.map_or("db1", |name| name.value.as_str());
            table.problems.push(
                Problem::new(
                    &table.span,
                    "this node says no way to it",
                    "expected one of `ssh`, `host` or `via`",
                )
                .help(format!("write `ssh = \"{name}\"` if that is its name for ssh")),
            );
            return None;
        }
        [(first, first_at), (second, at), ..] => {
            table.problems.push(
                Problem::new(at, "this node says two ways to it", format!("`{second}` is one"))
                    .also(first_at, format!("`{first}` is one"))
                    .help("keep exactly one of `ssh`, `host` and `via`"),
            );
            return None;
        }
    };
    if *way == "via" {
        return command(table, at, own);
    }
    Some(Transport::Ssh(Ssh {
        destination: table.parsed(if *way == "ssh" { "ssh" } else { "host" }, grammar::host)?.value,
        alias: *way == "ssh",
        port: value(own.port.as_ref(), defaults.port.as_ref()),
        user: value(own.user.as_ref(), defaults.user.as_ref()),
        key: value(own.key.as_ref(), defaults.key.as_ref()),
        host_key: host_key.map(|said| said.value),
        known_hosts: value(own.known_hosts.as_ref(), defaults.known_hosts.as_ref()),
    }))
}

/// A command that ends in a shell on the node. What is said about SSH has no place beside it.
fn command(table: &Table<'_>, via: &Span, own: &Settings) -> Option<Transport> {
    let sudo = own.sudo.as_ref().filter(|sudo| sudo.value);
    for key in ["user", "port", "key", "known_hosts", "host_key", "become"] {
        // `become = false` says what holds anyway.
        let Some(at) = table.has(key).filter(|_| key != "become" || sudo.is_some()) else { continue };
        let help = if key == "become" {
            "put sudo into the words: [\"ssh\", \"-T\", \"db1\", \"sudo\", \"-n\", \"sh\", \"-s\"]"
        } else {
            "the command's own words say how it connects"
        };
        table.problems.push(
            Problem::new(
                &at,
                format!("`{key}` says nothing beside `via`"),
                "a command needs no such setting",
            )
            .also(via, "this node is reached by a command")
            .help(help),
        );
    }
    let said = table.words("via")?;
    let refuse = |label: &str, help: &str| {
        table.problems.push(Problem::new(&said.at, "`via` cannot be these words", label).help(help));
        None
    };
    match said.value.as_slice() {
        [program, ..] if program.starts_with('-') => {
            refuse("expected a program first, found an option", "say the program: [\"kubectl\", \"exec\", …]")
        }
        [.., shell, option] if is_shell(shell) && option == "-s" => Some(Transport::Command(said.value)),
        _ => refuse(
            "expected words that end in \"sh\", \"-s\"",
            "the command runs `sh -s` on the node and hands our script to its standard input",
        ),
    }
}

fn is_shell(word: &str) -> bool {
    let name = word.rsplit_once('/').map_or(word, |(_, name)| name);
    matches!(name, "sh" | "ash" | "dash" | "bash")
}
