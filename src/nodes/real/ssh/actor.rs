//! One thread per node owns its session and everything made of it; the async side sends scripts and waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::engine::Outcome;
use crate::facts::{NodeName, Reach, ReachWord};
use crate::inventory::Ssh;

use super::super::Shared;
use super::connect::Connection;
use super::exec::{self, Script};
use super::{Events, establish};

/// How often an idle session says that it is there; NATs and firewalls forget what is silent.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How long an idle session is kept.
const IDLE: Duration = Duration::from_mins(10);
/// For how long a refused login is not repeated: sshd punishes sources that fail again and again (sshd_config(5),
/// PerSourcePenalties).
const BACK_OFF: Duration = Duration::from_secs(10);

/// What the thread says while it works.
#[derive(Debug)]
pub(crate) enum Event {
    /// The operator is being asked, which has no deadline; or no longer.
    Asking(bool),
    /// The session stands: fingerprint of the host key that was accepted.
    Connected(String),
    /// The end.
    Done(Outcome),
}

struct Job {
    script: Script,
    reply: UnboundedSender<Event>,
}

/// The async side's end of a node's thread. Dropping it ends the thread as soon as it is idle.
#[derive(Debug)]
pub(crate) struct Handle {
    jobs: mpsc::Sender<Job>,
    whole: Duration,
    script: Duration,
}

struct Actor {
    ssh: Ssh,
    shared: Arc<Shared>,
    place: String,
    connection: Option<Connection>,
    used: Instant,
    refused: Option<(Instant, Reach)>,
}

impl Handle {
    /// Starts the thread of a node. It connects when the first script comes.
    pub(crate) fn start(name: &NodeName, ssh: &Ssh, shared: &Arc<Shared>) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        let mut actor = Actor {
            ssh: ssh.clone(),
            shared: Arc::clone(shared),
            place: ssh.destination.clone(),
            connection: None,
            used: Instant::now(),
            refused: None,
        };
        thread::Builder::new().name(format!("bg-{name}")).spawn(move || actor.serve(&inbox))?;
        let deadlines = &shared.options.deadlines;
        Ok(Self { jobs, whole: deadlines.whole(), script: deadlines.script })
    }

    /// Whether the thread is there.
    pub(crate) fn send(&self, script: Script) -> Option<UnboundedReceiver<Event>> {
        let (reply, events) = unbounded_channel();
        self.jobs.send(Job { script, reply }).ok().map(|()| events)
    }

    /// Waits for the end of a script that may take `limit`. The single steps have deadlines of their own; the one here is
    /// for what has none.
    pub(crate) async fn outcome(
        &self,
        mut events: UnboundedReceiver<Event>,
        limit: Duration,
        mut connected: impl FnMut(String),
    ) -> Outcome {
        let whole = self.whole + limit.saturating_sub(self.script) * 2;
        let mut deadline = tokio::time::Instant::now() + whole;
        let mut asking: Option<tokio::time::Instant> = None;
        let mut sent = false;
        loop {
            let event = if asking.is_some() {
                events.recv().await
            } else {
                match tokio::time::timeout_at(deadline, events.recv()).await {
                    Ok(event) => event,
                    Err(_) => return given_up(whole, sent),
                }
            };
            match event {
                Some(Event::Asking(true)) => asking = Some(tokio::time::Instant::now()),
                Some(Event::Asking(false)) => {
                    deadline += asking.take().map(|since| since.elapsed()).unwrap_or_default();
                }
                Some(Event::Connected(key)) => {
                    sent = true;
                    connected(key);
                }
                Some(Event::Done(outcome)) => return outcome,
                None => return broke_down(sent),
            }
        }
    }
}

fn given_up(whole: Duration, sent: bool) -> Outcome {
    let why = Reach::failed(
        ReachWord::Timeout,
        format!("the way to the node did not end in {whole:?}: an agent or a jump host keeps us waiting"),
        "try `ssh-add -l` and `ssh` to the node by hand, then survey again",
    );
    ending(why, sent)
}

fn broke_down(sent: bool) -> Outcome {
    let why =
        Reach::failed(ReachWord::Protocol, "the transport's thread broke down", "survey again; report this");
    ending(why, sent)
}

fn ending(why: Reach, sent: bool) -> Outcome {
    if sent {
        Outcome::Lost { why, stdout: Vec::new(), stderr: Vec::new() }
    } else {
        Outcome::NotSent { why }
    }
}

/// The host that receives an act is the host that was shown (S18).
fn another_host(place: &str, shown: &str, here: &str) -> Reach {
    Reach::failed(
        ReachWord::HostKey,
        format!(
            "{place} answers with the host key {here}, what was shown came from {shown}; nothing was sent"
        ),
        "find out which machine answers here, then survey again",
    )
}

impl Events for UnboundedSender<Event> {
    fn asking(&self, now: bool) {
        // Nobody listens where the async side has given up.
        let _ = self.send(Event::Asking(now));
    }
}

impl Actor {
    fn serve(&mut self, inbox: &mpsc::Receiver<Job>) {
        loop {
            let job = if self.connection.is_some() {
                match inbox.recv_timeout(KEEPALIVE) {
                    Ok(job) => job,
                    Err(RecvTimeoutError::Timeout) => {
                        self.keep_alive();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            } else {
                match inbox.recv() {
                    Ok(job) => job,
                    Err(mpsc::RecvError) => return,
                }
            };
            if job.reply.is_closed() {
                continue;
            }
            // The binding panics where a server sends text that is not UTF-8; that server gets no second word.
            let done = catch_unwind(AssertUnwindSafe(|| self.run(&job)));
            let outcome = done.unwrap_or_else(|_| {
                self.connection = None;
                broke_down(true)
            });
            let _ = job.reply.send(Event::Done(outcome));
        }
    }

    /// Says that we are there, and lets go of a session that is dead or was not used for long.
    fn keep_alive(&mut self) {
        let dead = self.connection.as_ref().is_some_and(|connection| {
            self.used.elapsed() >= IDLE
                || !connection.stands()
                || connection.session.keepalive_send().is_err()
        });
        if dead {
            self.connection = None;
        }
    }

    fn run(&mut self, job: &Job) -> Outcome {
        let kept = self.connection.take().filter(Connection::stands);
        let warm = kept.is_some();
        self.connection = kept;
        let outcome = self.attempt(job);
        // A session that died while nobody looked is no news about the node: nothing was sent, so it is tried afresh.
        if warm && matches!(outcome, Outcome::NotSent { .. }) {
            return self.attempt(job);
        }
        outcome
    }

    fn attempt(&mut self, job: &Job) -> Outcome {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.connect(&job.reply) {
                Ok(connection) => connection,
                Err(why) => return Outcome::NotSent { why },
            },
        };
        if let Some(shown) = job.script.host_key.as_ref().filter(|shown| **shown != connection.host_key) {
            let why = another_host(&self.place, shown, &connection.host_key);
            self.connection = Some(connection);
            return Outcome::NotSent { why };
        }
        let _ = job.reply.send(Event::Connected(connection.host_key.clone()));
        let deadlines = &self.shared.options.deadlines;
        let outcome = exec::run(&connection, &job.script, &self.place, deadlines.channel);
        self.used = Instant::now();
        if matches!(outcome, Outcome::Exited { .. } | Outcome::Signalled { .. }) {
            self.connection = Some(connection);
        }
        outcome
    }

    fn connect(&mut self, events: &dyn Events) -> Result<Connection, Reach> {
        if let Some((since, reach)) = &self.refused
            && since.elapsed() < BACK_OFF
        {
            let detail = format!("{} (not tried again within {BACK_OFF:?})", reach.detail);
            return Err(Reach::failed(reach.word, detail, reach.next.as_str()));
        }
        self.refused = None;
        match establish(&self.ssh, &self.shared, events) {
            Ok((connection, place)) => {
                self.place = place;
                Ok(connection)
            }
            Err(reach) => {
                if reach.word == ReachWord::Auth {
                    self.refused = Some((Instant::now(), reach.clone()));
                }
                Err(reach)
            }
        }
    }
}
