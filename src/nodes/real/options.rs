//! What the transports are told from outside: deadlines, whom to ask, and where things are on this workstation.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::secret::Prompter;

/// How the transports work.
#[derive(Clone)]
pub struct Options {
    /// How long each step may take.
    pub deadlines: Deadlines,
    /// Who is asked for passphrases and passwords.
    pub prompter: Arc<dyn Prompter>,
    /// Where things are on this workstation.
    pub surroundings: Surroundings,
}

impl Options {
    /// The usual deadlines, and what the environment says.
    pub fn new(prompter: Arc<dyn Prompter>) -> Self {
        Self { deadlines: Deadlines::default(), prompter, surroundings: Surroundings::from_environment() }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("deadlines", &self.deadlines).finish_non_exhaustive()
    }
}

/// How long each step on the way to a node may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// `ssh -G`, which may run commands of the user's config (`Match exec`).
    pub config: Duration,
    /// Name resolution.
    pub resolve: Duration,
    /// TCP connection and SSH banner together, as OpenSSH's ConnectTimeout counts.
    pub connect: Duration,
    /// The same through ProxyJump or ProxyCommand, which connect and log in themselves.
    pub proxy: Duration,
    /// SSH key exchange.
    pub handshake: Duration,
    /// SSH authentication; a key in hardware waits for a touch. A question to the operator does not count.
    pub auth: Duration,
    /// Opening a channel in an SSH session that stands.
    pub channel: Duration,
    /// A script, from its first byte sent to its trailer.
    pub script: Duration,
    /// The command that yields a password.
    pub password: Duration,
    /// SQL: connection, greeting and login.
    pub sql_connect: Duration,
    /// SQL: each statement.
    pub sql_query: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            config: seconds(3),
            resolve: seconds(5),
            connect: seconds(5),
            proxy: seconds(15),
            handshake: seconds(10),
            auth: seconds(30),
            channel: seconds(5),
            script: seconds(20),
            password: seconds(10),
            sql_connect: seconds(3),
            sql_query: seconds(8),
        }
    }
}

impl Deadlines {
    /// More than all steps of one script can take together: the net under the single deadlines, for what has none of
    /// its own (an agent that never answers, a full jump host).
    pub(crate) fn whole(&self) -> Duration {
        self.config
            + self.resolve
            + self.connect.max(self.proxy)
            + self.handshake
            + self.auth
            + (self.channel + self.script) * 2
    }
}

/// Where things are on this workstation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The operator's home directory.
    pub home: PathBuf,
    /// The operator's login name.
    pub user: String,
    /// The agent's socket, `SSH_AUTH_SOCK`.
    pub agent: Option<PathBuf>,
    /// The `ssh` program: asked for its config (`ssh -G`), and run for ProxyJump.
    pub ssh: PathBuf,
    /// Read instead of `~/.ssh/config` and the system's (`ssh -F`).
    pub ssh_config: Option<PathBuf>,
    /// The system's known_hosts files.
    pub system_known_hosts: Vec<PathBuf>,
    /// Where private sockets are made, each in a fresh directory only the operator can enter.
    pub runtime: PathBuf,
}

impl Surroundings {
    /// What the environment says.
    pub fn from_environment() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let user = set("USER").or_else(|| set("LOGNAME")).map(OsString::into_string);
        Self {
            home: set("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from),
            user: user.and_then(Result::ok).unwrap_or_else(|| "root".to_owned()),
            agent: set("SSH_AUTH_SOCK").map(PathBuf::from),
            ssh: PathBuf::from("ssh"),
            ssh_config: None,
            system_known_hosts: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
                .map(PathBuf::from)
                .to_vec(),
            runtime: set("XDG_RUNTIME_DIR").map_or_else(env::temp_dir, PathBuf::from),
        }
    }

    /// A path as people write it: `~/` is the home directory.
    pub(crate) fn expand(&self, path: &Path) -> PathBuf {
        path.strip_prefix("~").map_or_else(|_| path.to_owned(), |rest| self.home.join(rest))
    }
}
