//! Real nodes: SSH, SQL and commands.
//!
//! Everything here answers within its deadlines, and a node that does not is nobody else's concern: each has its own
//! threads, connections and questions. An answer counts only whole ([`Outcome::Exited`]).

mod command;
mod options;
mod outcome;
mod process;
mod secret;
mod sql;
mod ssh;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

pub use crate::engine::Outcome;
pub use options::{Deadlines, Options, Surroundings};
pub(super) use outcome::last_words;
pub use secret::{NoPrompt, Prompter, Secret};
pub use sql::SqlFailure;
pub use ssh::linked_libssh2;
pub(super) use ssh::{
    actor::another_host,
    connect::{dial_failure, no_banner},
    exec::{lost, not_finished},
};

use crate::ask::act::{Look, Order};
use crate::ask::probe;
use crate::ask::script::{Nonce, compose};
use crate::engine::{Authorization, Nodes};
use crate::facts::{Facts, Known, NodeName, NodeSurvey, Plain, Reach, ReachWord, Role, keys};
use crate::inventory::{Cluster, Login, Node, Sql, Tls, Transport};

use super::surveyed::{fill, probed, simulated, unread};
use secret::{Answers, lock};
use sql::{Place, tunnel};
use ssh::actor;
use ssh::exec::Script;

/// What all nodes of a cluster share.
pub(crate) struct Shared {
    options: Options,
    answers: Answers,
    good: ssh::Good,
    gates: ssh::Gates,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The nodes of a cluster as they are, behind the engine's [`Nodes`].
///
/// Sessions are made when they are first needed, kept, and made again when they died. Dropping this ends every thread
/// and process.
#[derive(Debug)]
pub struct RealNodes {
    nodes: HashMap<NodeName, Reached>,
    shared: Arc<Shared>,
}

/// One node and what leads to it.
#[derive(Debug)]
struct Reached {
    node: Node,
    /// One question at a time, so that a slow answer is never mixed with the next.
    turn: tokio::sync::Mutex<()>,
    control: Mutex<Option<Arc<actor::Handle>>>,
    tunnel: Mutex<Option<Arc<tunnel::Handle>>>,
}

impl RealNodes {
    /// The nodes of `cluster`. Nothing is connected yet.
    pub fn new(cluster: &Cluster, options: Options) -> Self {
        let answers = Answers::new(Arc::clone(&options.prompter));
        let shared =
            Arc::new(Shared { options, answers, good: Mutex::default(), gates: ssh::Gates::default() });
        let reached = |node: &Node| Reached {
            node: node.clone(),
            turn: tokio::sync::Mutex::default(),
            control: Mutex::default(),
            tunnel: Mutex::default(),
        };
        let nodes = cluster.nodes.iter().map(|node| (node.name.clone(), reached(node))).collect();
        Self { nodes, shared }
    }

    /// Runs a fixed script that only reads on one node, as root where the inventory says so.
    pub async fn run(&self, name: &NodeName, body: &str, arguments: &[String]) -> Outcome {
        let Some(reached) = self.nodes.get(name) else { return Outcome::NotSent { why: no_such_node(name) } };
        let _turn = reached.turn.lock().await;
        let asked = Asked { body, arguments, limit: self.shared.options.deadlines.script, host_key: None };
        reached.run(asked, &self.shared, |_| ()).await
    }

    /// Sends what was ordered, once, with `limit` from its first byte to its trailer.
    async fn send(&self, name: &NodeName, order: &Order, limit: Duration) -> Outcome {
        let Some(reached) = self.nodes.get(name) else { return Outcome::NotSent { why: no_such_node(name) } };
        let _turn = reached.turn.lock().await;
        let host_key = order.host_key.as_ref().map(Plain::as_str);
        let asked = Asked { body: &order.body, arguments: &order.arguments, limit, host_key };
        reached.run(asked, &self.shared, |_| ()).await
    }

    /// Opens a way to a unix socket of the node: the path of a local socket that leads there, for one connection, to be
    /// made at once. It lasts as long as that connection.
    pub async fn forward(&self, name: &NodeName, socket: &str) -> Result<PathBuf, Reach> {
        let reached = self.nodes.get(name).ok_or_else(|| no_such_node(name))?;
        let tunnel = reached.tunnel(&self.shared)?;
        tunnel.open(socket).await.map_err(|closed| closed.reach())
    }
}

impl Nodes for RealNodes {
    async fn survey(&self, name: &NodeName) -> NodeSurvey {
        let Some(reached) = self.nodes.get(name) else {
            return unread(name.clone(), Role::Data, no_such_node(name), Timestamp::now());
        };
        let _turn = reached.turn.lock().await;
        reached.survey(&self.shared).await
    }

    async fn look(&self, node: &NodeName, look: &Look, limit: Duration) -> Outcome {
        self.send(node, &look.order(), limit).await
    }

    async fn perform(&self, authorization: &Authorization, limit: Duration) -> Outcome {
        self.send(&authorization.act().node, authorization.order(), limit).await
    }
}

/// A script on its way to a node.
struct Asked<'a> {
    body: &'a str,
    arguments: &'a [String],
    /// From its first byte sent to its trailer.
    limit: Duration,
    /// The only host key it may be sent to, where one was shown (S18).
    host_key: Option<&'a str>,
}

fn no_such_node(name: &NodeName) -> Reach {
    Reach::failed(ReachWord::NotTried, format!("the inventory has no node {name}"), "correct the name")
}

/// A connection that stands, and what the operator must know of it: who can read and change what goes over it.
fn trust(tls: &Tls) -> Reach {
    let detail = match tls {
        Tls::Verify { .. } => "",
        Tls::AcceptInvalid => "certificate not verified",
        Tls::Off => "not encrypted",
    };
    Reach { detail: Plain::new(detail), ..Reach::ok() }
}

impl Reached {
    fn control(&self, shared: &Arc<Shared>) -> Result<Arc<actor::Handle>, Reach> {
        let Transport::Ssh(ssh) = &self.node.transport else { return Err(needs_ssh()) };
        let mut control = lock(&self.control);
        if let Some(handle) = control.as_ref() {
            return Ok(Arc::clone(handle));
        }
        let handle = Arc::new(actor::Handle::start(&self.node.name, ssh, shared).map_err(|e| no_thread(&e))?);
        *control = Some(Arc::clone(&handle));
        Ok(handle)
    }

    fn tunnel(&self, shared: &Arc<Shared>) -> Result<Arc<tunnel::Handle>, Reach> {
        let Transport::Ssh(ssh) = &self.node.transport else { return Err(needs_ssh()) };
        let mut tunnel = lock(&self.tunnel);
        if let Some(handle) = tunnel.as_ref() {
            return Ok(Arc::clone(handle));
        }
        let handle =
            Arc::new(tunnel::Handle::start(&self.node.name, ssh, shared).map_err(|e| no_thread(&e))?);
        *tunnel = Some(Arc::clone(&handle));
        Ok(handle)
    }

    async fn run(&self, asked: Asked<'_>, shared: &Arc<Shared>, connected: impl FnMut(String)) -> Outcome {
        let mut random = [0; 16];
        if let Err(error) = getrandom::fill(&mut random) {
            let why = Reach::failed(
                ReachWord::Error,
                format!("no random bits: {error}"),
                "look at this workstation",
            );
            return Outcome::NotSent { why };
        }
        let nonce = Nonce::new(random);
        let script = Script {
            text: compose(asked.body, asked.arguments, &nonce),
            nonce,
            sudo: self.node.sudo,
            limit: asked.limit,
            host_key: asked.host_key.map(str::to_owned),
        };
        match &self.node.transport {
            Transport::Command(argv) => command::run(argv, &script).await,
            Transport::Ssh(_) => {
                let handle = match self.control(shared) {
                    Ok(handle) => handle,
                    Err(why) => return Outcome::NotSent { why },
                };
                if let Some(events) = handle.send(script) {
                    return handle.outcome(events, asked.limit, connected).await;
                }
                // The thread is gone; the next script gets a new one.
                *lock(&self.control) = None;
                let why =
                    Reach::failed(ReachWord::Protocol, "the transport's thread is gone", "survey again");
                Outcome::NotSent { why }
            }
        }
    }

    async fn survey(&self, shared: &Arc<Shared>) -> NodeSurvey {
        let direct = async {
            match &self.node.sql {
                Sql::Tcp { host, port, login, tls } => {
                    let facts = self.direct(host.as_deref(), *port, login, tls, shared).await;
                    Some(facts.map(|facts| (facts, trust(tls))))
                }
                Sql::Probe | Sql::Socket { .. } | Sql::None => None,
            }
        };
        let (mut survey, direct) = tokio::join!(self.indirect(shared), direct);
        match direct {
            Some(Ok((facts, sql))) => {
                probe::join(&mut survey.facts, facts);
                survey.sql = sql;
            }
            Some(Err(reach)) => survey.sql = reach,
            None => {}
        }
        // Nothing answers, and the probe saw that no server runs: together they say "down", neither does alone.
        let no_process = survey.facts.get(keys::SERVER_PIDS).is(Vec::is_empty);
        if survey.sql.word == ReachWord::Refused && no_process {
            let next = "no server runs here; its unit and its log say why";
            survey.sql = Reach::failed(ReachWord::Down, survey.sql.detail.as_str(), next);
        }
        survey.at = Timestamp::now();
        fill(&mut survey);
        survey
    }

    /// The probe, and SQL where it goes the same way.
    async fn indirect(&self, shared: &Arc<Shared>) -> NodeSurvey {
        let tunnel = match &self.node.sql {
            Sql::Socket { .. } => Some(self.tunnel(shared)),
            Sql::Probe | Sql::Tcp { .. } | Sql::None => None,
        };
        let mut host_key = None;
        let request = probe::Request::of(&self.node);
        let asked = Asked {
            body: request.script(),
            arguments: request.arguments(),
            limit: shared.options.deadlines.script,
            host_key: None,
        };
        let outcome = self
            .run(asked, shared, |key| {
                // Now that somebody is known to answer, the second session can be made while the probe runs.
                if let Some(Ok(tunnel)) = &tunnel {
                    tunnel.warm();
                }
                host_key = Some(key);
            })
            .await;
        let at = Timestamp::now();
        let asked = !matches!(self.node.sql, Sql::None);
        let (mut survey, socket) =
            probed((self.node.name.clone(), self.node.role), &request, outcome, asked, at);
        simulated(&mut survey, false);
        if let Some(key) = host_key {
            survey.facts.set(
                keys::HOST_KEY,
                Known::Known(Plain::new(key)),
                &Plain::new("SSH key exchange"),
                at,
            );
        }
        if let (Sql::Socket { path, login }, Some(tunnel)) = (&self.node.sql, tunnel)
            && survey.ssh.is_ok()
        {
            match self.through(tunnel, path.clone().or(socket), login, shared).await {
                Ok(facts) => {
                    probe::join(&mut survey.facts, facts);
                    survey.sql = Reach::ok();
                }
                Err(reach) => survey.sql = reach,
            }
        }
        survey
    }

    /// SQL over the server's socket, brought here by SSH.
    async fn through(
        &self,
        tunnel: Result<Arc<tunnel::Handle>, Reach>,
        path: Option<String>,
        login: &Login,
        shared: &Arc<Shared>,
    ) -> Result<Facts, Reach> {
        let Some(remote) = path else {
            return Err(Reach::failed(
                ReachWord::Refused,
                "the probe found no socket of the server",
                "see whether the server's process runs; where its socket is in an unusual place, give `socket` under sql",
            ));
        };
        let password = sql::password(login, shared).await?;
        let deadlines = &shared.options.deadlines;
        let limit = deadlines.whole();
        let opened = tokio::time::timeout(limit, async {
            tunnel?.open(&remote).await.map_err(|closed| closed.reach())
        });
        let local = opened.await.map_err(|_| {
            Reach::failed(ReachWord::Timeout, format!("no way to {remote} in {limit:?}"), "survey again")
        })??;
        let source = Plain::new(format!("SQL over {remote}"));
        sql::ask(&Place::Socket(local), login, password.as_deref(), &source, deadlines)
            .await
            .map_err(|failure| failure.reach())
    }

    /// SQL over TCP.
    async fn direct(
        &self,
        host: Option<&str>,
        port: u16,
        login: &Login,
        tls: &Tls,
        shared: &Arc<Shared>,
    ) -> Result<Facts, Reach> {
        let host = match (host, &self.node.transport) {
            (Some(host), _) => host,
            (None, Transport::Ssh(ssh)) => &ssh.destination,
            (None, Transport::Command(_)) => {
                let next = "give the server's host in the inventory";
                return Err(Reach::failed(ReachWord::NotTried, "no host is known to ask by TCP", next));
            }
        };
        let deadlines = &shared.options.deadlines;
        let password = sql::password(login, shared).await?;
        let address = sql::address(host, port, deadlines.resolve).await?;
        let source = Plain::new(format!("SQL over TCP {host}:{port}"));
        let tls = match tls {
            Tls::Verify { ca: Some(ca) } => Tls::Verify { ca: Some(shared.options.surroundings.expand(ca)) },
            other => other.clone(),
        };
        let place = Place::Tcp { address, host: host.to_owned(), tls };
        sql::ask(&place, login, password.as_deref(), &source, deadlines)
            .await
            .map_err(|failure| failure.reach())
    }
}

fn needs_ssh() -> Reach {
    Reach::failed(
        ReachWord::NotTried,
        "the server's socket can be forwarded only by SSH, and this node is reached by a command",
        "let the probe ask the server (`via = \"probe\"` under sql), or ask it by TCP",
    )
}

fn no_thread(error: &std::io::Error) -> Reach {
    Reach::failed(
        ReachWord::Error,
        format!("no thread could be started: {error}"),
        "this workstation is out of processes or memory",
    )
}
