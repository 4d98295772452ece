//! How the server is asked, from what the node and its cluster's defaults say.

use std::path::PathBuf;

use toml::de::DeValue;

use super::diagnostic::{Problem, Problems, Span};
use super::node::value;
use super::table::{Said, Table};
use super::{Login, PasswordFrom, Sql, Tls, grammar};
use crate::facts::Role;

/// The ways to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Probe,
    Socket,
    Tcp,
    None,
}

const WAYS: &[(&str, Way)] =
    &[("probe", Way::Probe), ("socket", Way::Socket), ("tcp", Way::Tcp), ("none", Way::None)];

impl Way {
    fn as_str(self) -> &'static str {
        WAYS.iter().find(|(_, way)| *way == self).map_or("", |(word, _)| word)
    }
}

/// How a certificate is held, before the CA file joins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TlsWord {
    Verify,
    AcceptInvalid,
    Off,
}

const TLS: &[(&str, TlsWord)] =
    &[("verify", TlsWord::Verify), ("accept-invalid", TlsWord::AcceptInvalid), ("off", TlsWord::Off)];

/// What one `sql` table says.
#[derive(Clone, Debug)]
pub(super) struct SqlSaid {
    header: Span,
    /// Whether nothing is wrong in it, taken alone.
    sound: bool,
    via: Option<Said<Way>>,
    user: Option<Said<String>>,
    password: Option<Said<PasswordFrom>>,
    socket: Option<Said<String>>,
    host: Option<Said<String>>,
    port: Option<Said<u16>>,
    tls: Option<Said<TlsWord>>,
    ca: Option<Said<PathBuf>>,
}

impl SqlSaid {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let before = table.problems.count();
        let mut said = Self {
            header: table.span.clone(),
            sound: true,
            via: table.word("via", WAYS),
            user: table.parsed("user", grammar::sql_user),
            password: password(table),
            socket: table.parsed("socket", grammar::remote_path),
            host: table.parsed("host", grammar::host),
            port: table.port("port"),
            tls: table.word("tls", TLS),
            ca: table.parsed("ca", grammar::local_path),
        };
        table.finish(|_| None);
        said.sound = table.problems.count() == before;
        said
    }

    /// The keys that are said, each with the ways it belongs to.
    fn keys(&self) -> impl Iterator<Item = (&'static str, &Span, &'static [Way])> {
        fn at<T>(said: Option<&Said<T>>) -> Option<&Span> {
            said.map(|said| &said.key)
        }
        const LOGIN: &[Way] = &[Way::Socket, Way::Tcp];
        const TCP: &[Way] = &[Way::Tcp];
        [
            ("user", at(self.user.as_ref()), LOGIN),
            ("password", at(self.password.as_ref()), LOGIN),
            ("socket", at(self.socket.as_ref()), &[Way::Socket]),
            ("host", at(self.host.as_ref()), TCP),
            ("port", at(self.port.as_ref()), TCP),
            ("tls", at(self.tls.as_ref()), TCP),
            ("ca", at(self.ca.as_ref()), TCP),
        ]
        .into_iter()
        .filter_map(|(key, at, ways)| Some((key, at?, ways)))
    }

    /// The way where `via` does not say it: whoever gives a user, a password or a socket wants us to log in
    /// ourselves, for a password never goes into a script.
    fn implied(&self) -> Option<Way> {
        let login = self.user.is_some() || self.password.is_some() || self.socket.is_some();
        login.then_some(Way::Socket)
    }

    /// Refuses keys that do not belong to the chosen way.
    fn refuse_strangers(&self, way: Way, via: Option<&Said<Way>>, problems: &Problems) {
        for (key, at, ways) in self.keys().filter(|(.., ways)| !ways.contains(&way)) {
            let names: Vec<String> = ways.iter().map(|way| format!("`via = \"{}\"`", way.as_str())).collect();
            let problem = if way == Way::Probe && key == "password" {
                Problem::new(at, "the probe takes no `password`", "a password never goes into a script")
            } else {
                let label = format!("belongs to {}", names.join(" or "));
                Problem::new(at, format!("`{key}` says nothing when the server is asked this way"), label)
            };
            let problem = match via {
                Some(via) => problem.also(&via.at, "the way that is chosen"),
                None => problem.help(format!("no `via` is said, which here means \"{}\"", way.as_str())),
            };
            problems.push(problem.help(match key {
                "user" | "password" => {
                    "write `via = \"socket\"` (over SSH) or `via = \"tcp\"`, or leave it out"
                }
                "socket" => "write `via = \"socket\"`, or leave it out",
                _ => "write `via = \"tcp\"`, or leave it out",
            }));
        }
    }

    /// Checks what a cluster says once for all nodes.
    pub(super) fn check_defaults(&self, problems: &Problems) {
        if let Some(host) = &self.host {
            problems.push(
                Problem::new(
                    &host.key,
                    "`host` cannot be a default",
                    "one server would answer for every node",
                )
                .help(
                    "say it under each node's `[cluster.node.sql]`, or leave it out: it is the SSH host then",
                ),
            );
        }
        if self.sound {
            let way = self.via.as_ref().map(|via| via.value).or(self.implied()).unwrap_or(Way::Probe);
            self.refuse_strangers(way, self.via.as_ref(), problems);
        }
    }

    /// Puts a node's own table over the defaults, key by key. `command` is where the node says that a command
    /// reaches it. `None` where something is wrong.
    pub(super) fn resolve(
        own: Option<&Self>,
        defaults: Option<&Self>,
        role: Role,
        command: Option<&Span>,
        node: &Table<'_>,
    ) -> Option<Sql> {
        if own.is_none() && role != Role::Data {
            return Some(Sql::None);
        }
        let layers: Vec<&Self> = own.into_iter().chain(defaults).collect();
        if !layers.iter().all(|layer| layer.sound) {
            return None;
        }
        let before = node.problems.count();
        let via = layers.iter().find_map(|layer| layer.via.as_ref());
        let implied = || layers.iter().find_map(|layer| layer.implied());
        let way = via.map(|via| via.value).or_else(implied).unwrap_or(Way::Probe);
        if let Some(own) = own {
            own.refuse_strangers(way, via, node.problems);
        }
        let merged = Merged { own, defaults, via, command, node };
        let sql = match way {
            Way::Probe => Sql::Probe,
            Way::None => Sql::None,
            Way::Socket => merged.socket()?,
            Way::Tcp => merged.tcp()?,
        };
        (node.problems.count() == before).then_some(sql)
    }
}

/// A node's `sql` table over its cluster's.
struct Merged<'s> {
    own: Option<&'s SqlSaid>,
    defaults: Option<&'s SqlSaid>,
    via: Option<&'s Said<Way>>,
    command: Option<&'s Span>,
    node: &'s Table<'s>,
}

impl Merged<'_> {
    fn get<T: Clone>(&self, key: impl Fn(&SqlSaid) -> Option<&Said<T>>) -> Option<T> {
        value(self.own.and_then(&key), self.defaults.and_then(&key))
    }

    /// Where the file speaks of SQL for this node: its own table, else the defaults', else the node.
    fn place(&self) -> &Span {
        self.own.or(self.defaults).map_or(&self.node.span, |said| &said.header)
    }

    fn problem(&self, title: &str, label: &str) -> Problem {
        let problem = Problem::new(&self.node.span, title, label);
        let place = self.via.map_or(self.place(), |via| &via.at);
        if *place == self.node.span { problem } else { problem.also(place, "said here") }
    }

    fn socket(&self) -> Option<Sql> {
        if let Some(command) = self.command {
            self.node.problems.push(
                Problem::new(
                    command,
                    "a unix socket is reached over SSH",
                    "this node is reached by a command",
                )
                .also(self.via.map_or(self.place(), |via| &via.at), "asks for the socket")
                .help("write `sql.via = \"probe\"`, \"tcp\" or \"none\" for this node"),
            );
            return None;
        }
        Some(Sql::Socket { path: self.get(|said| said.socket.as_ref()), login: self.login()? })
    }

    fn tcp(&self) -> Option<Sql> {
        let host = self.get(|said| said.host.as_ref());
        if self.command.is_some() && host.is_none() {
            let problem =
                self.problem("this node's `sql` has no `host`", "a command reaches it, so no host is known");
            self.node.problems.push(problem.help("write `sql.host = \"…\"`: where the server listens"));
        }
        let ca = self.get(|said| said.ca.as_ref());
        let tls = match self.get(|said| said.tls.as_ref()).unwrap_or(TlsWord::Verify) {
            TlsWord::Verify => Tls::Verify { ca },
            TlsWord::AcceptInvalid => self.without_ca(Tls::AcceptInvalid),
            TlsWord::Off => self.without_ca(Tls::Off),
        };
        Some(Sql::Tcp {
            host,
            port: self.get(|said| said.port.as_ref()).unwrap_or(3306),
            login: self.login()?,
            tls,
        })
    }

    /// A CA file that nothing is held against is a mistake about what is safe.
    fn without_ca(&self, tls: Tls) -> Tls {
        let tls_at =
            self.own.and_then(|own| own.tls.as_ref()).or(self.defaults.and_then(|all| all.tls.as_ref()));
        let ca = self.own.and_then(|own| own.ca.as_ref()).or(self.defaults.and_then(|all| all.ca.as_ref()));
        // A node that says `tls` itself does not have to answer for the defaults' `ca`.
        let ca = ca.filter(|_| self.own.is_none_or(|own| own.ca.is_some() || own.tls.is_none()));
        if let (Some(ca), Some(tls_at)) = (ca, tls_at) {
            self.node.problems.push(
                Problem::new(
                    &ca.key,
                    "`ca` says nothing when no certificate is verified",
                    "belongs to `tls = \"verify\"`",
                )
                .also(&tls_at.at, "nothing is verified"),
            );
        }
        tls
    }

    fn login(&self) -> Option<Login> {
        let Some(user) = self.get(|said| said.user.as_ref()) else {
            let problem =
                self.problem("this node's `sql` has no `user`", "to log in there, a user is needed");
            self.node.problems.push(problem.help(
                "write `sql.user = \"breakglass\"`, or `sql.via = \"probe\"` to log in as the node's root",
            ));
            return None;
        };
        Some(Login { user, password: self.get(|said| said.password.as_ref()) })
    }
}

/// Where a password comes from; never the password.
fn password(table: &Table<'_>) -> Option<Said<PasswordFrom>> {
    const WANTED: &str = "expected { env = \"…\" }, { command = [\"…\"] } or \"prompt\"";
    let said = table.value("password")?;
    let with = |value| Some(Said { key: said.key.clone(), at: said.at.clone(), value });
    match said.value {
        DeValue::String(word) if word == "prompt" => with(PasswordFrom::Prompt),
        DeValue::Table(entries) => {
            let source = Table::new("a password's source", said.at.clone(), entries, table.problems);
            let (env, command) = (source.has("env"), source.has("command"));
            let from_env = source.parsed_unshown("env", grammar::variable);
            let from_command = source.words("command");
            source.finish(|key| (env.is_none() && command.is_none()).then(|| literal(key)).flatten());
            match (env, command) {
                (Some(env), Some(command)) => {
                    table.problems.push(
                        Problem::new(&command, "this password has two sources", "`command` is one")
                            .also(&env, "`env` is one")
                            .help("keep exactly one of `env` and `command`"),
                    );
                    None
                }
                (None, None) if entries.is_empty() => {
                    table.problems.push(Problem::new(&said.at, "this password has no source", WANTED));
                    None
                }
                _ => with(
                    from_env
                        .map(|env| PasswordFrom::Env(env.value))
                        .or_else(|| from_command.map(|command| PasswordFrom::Command(command.value)))?,
                ),
            }
        }
        _ => {
            table.problems.push(
                Problem::new(&said.at, "a password is never in the inventory", WANTED)
                    .help(
                        "files are copied, committed and shown on screens; say where the password comes from: \
                         `password = { env = \"SHOP_PASSWORD\" }`, `password = { command = [\"pass\", \"show\", \
                         \"db\"] }` or `password = \"prompt\"`",
                    )
                    .help("what stands there now has been seen by whoever could read this file: change it on the server"),
            );
            None
        }
    }
}

/// What to say of a key that looks like the password itself.
fn literal(key: &str) -> Option<&'static str> {
    matches!(key, "value" | "literal" | "plain" | "text")
        .then_some("a password is never in the inventory; write `env`, `command`, or `password = \"prompt\"`")
}
