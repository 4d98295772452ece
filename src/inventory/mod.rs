//! Which clusters and nodes exist, and how each is reached.
//!
//! [`parse()`] is pure: text in, [`Inventory`] or diagnostics with line and caret out. It never looks at the world: what
//! a file does not say (unit, data directory, …) is found on the node by the probe.

pub(crate) mod diagnostic;
pub(crate) mod document;
pub(crate) mod grammar;
mod node;
mod parse;
mod source;
mod sql;
pub(crate) mod table;

use std::path::PathBuf;

pub use diagnostic::Diagnostics;
pub use grammar::nearest;
pub use parse::{MAX_BYTES, parse, parse_bytes};

use crate::facts::{ClusterName, Family, NodeName, Role};

/// All clusters this workstation knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// In the file's order; never empty, names unique.
    pub clusters: Vec<Cluster>,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: ClusterName,
    /// Its kind.
    pub family: Family,
    /// In the file's order, which the screens keep; at least one data node, names unique.
    pub nodes: Vec<Node>,
}

/// One node and the ways to it. The defaults of the cluster are merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The only way the node is ever named.
    pub name: NodeName,
    /// What it is for.
    pub role: Role,
    /// How commands get there.
    pub transport: Transport,
    /// Whether commands run under `sudo -n`.
    pub sudo: bool,
    /// How the server is asked.
    pub sql: Sql,
    /// What the probe need not find by itself.
    pub server: Server,
}

/// How commands get to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// SSH by libssh2.
    Ssh(Ssh),
    /// A local command that runs `sh -s` on the node with our script on its standard input: kubectl, docker, ssh.
    /// At least one word; the words are an argument vector, never a shell's line.
    Command(Vec<String>),
}

/// An SSH destination. What is `None` is asked of `ssh -G`, and where there is no `ssh`, of OpenSSH's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// Alias or host name; never begins with `-`, holds no metacharacter.
    pub destination: String,
    /// Whether `destination` is an alias to be resolved by the user's ssh config; else a host given outright, for
    /// which no config is read.
    pub alias: bool,
    /// TCP port.
    pub port: Option<u16>,
    /// Login name.
    pub user: Option<String>,
    /// Private key file; `~/` is the operator's home. Others are not tried then.
    pub key: Option<PathBuf>,
    /// Pinned host key fingerprint in OpenSSH's form, `SHA256:…`.
    pub host_key: Option<String>,
    /// known_hosts file that is read instead of the user's and the system's.
    pub known_hosts: Option<PathBuf>,
}

/// How the server is asked for its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sql {
    /// The probe runs the `mariadb` client on the node, as the user it runs as: one exec for everything.
    Probe,
    /// We speak the protocol ourselves, over the server's unix socket forwarded by SSH (`direct-streamlocal`).
    Socket {
        /// Path of the socket on the node; found by the probe where it is not given.
        path: Option<String>,
        /// Who we are to the server.
        login: Login,
    },
    /// We speak the protocol ourselves, directly over TCP with TLS.
    Tcp {
        /// Host name or address; the SSH host where it is not given.
        host: Option<String>,
        /// TCP port.
        port: u16,
        /// Who we are to the server.
        login: Login,
        /// How the server's certificate is held.
        tls: Tls,
    },
    /// The node runs no server that answers SQL (an arbitrator, a proxy), or it must not be asked.
    None,
}

/// Who we are to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Where the password comes from; `None` logs in without one (`unix_socket`).
    pub password: Option<PasswordFrom>,
}

/// Where a password comes from: never the file itself (S24).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordFrom {
    /// An environment variable of Breakglass.
    Env(String),
    /// Standard output, less one final newline, of a command run on this workstation.
    Command(Vec<String>),
    /// The operator is asked, once per run.
    Prompt,
}

/// How the server's certificate is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Chain and name are verified, against this CA file or the system's.
    Verify {
        /// PEM file with the CA's certificates.
        ca: Option<PathBuf>,
    },
    /// Encrypted, and anybody's certificate is taken: for reads, shown on screen.
    AcceptInvalid,
    /// Plain text. Only where the file says so.
    Off,
}

/// What the probe need not find by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// systemd unit, such as `mariadb.service`.
    pub unit: Option<String>,
    /// Data directory.
    pub datadir: Option<String>,
    /// User the server runs as.
    pub user: Option<String>,
    /// The server's binary.
    pub binary: Option<String>,
    /// Folder on the node that its backups are written to; nothing is looked for where it is not given.
    pub backup: Option<String>,
}

impl Inventory {
    /// The cluster of that name.
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.name.as_str() == name)
    }
}
