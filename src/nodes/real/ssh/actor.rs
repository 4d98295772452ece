//! One thread per node owns its session and everything made of it; the async side sends scripts and waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::engine::Outcome;
use crate::facts::{NodeName, Reach, ReachWord};
use crate::inventory::Ssh;

use super::super::Shared;
use super::connect::{Connection, PROXY_KEEPALIVE};
use super::exec::{self, Script};
use super::{Events, establish};

/// How long an idle session is kept.
const IDLE: Duration = Duration::from_mins(10);
/// For how long a refused login is not repeated: sshd punishes sources that fail again and again (sshd_config(5),
/// PerSourcePenalties).
const BACK_OFF: Duration = Duration::from_secs(10);

/// An answer that is read this soon was there already.
const AT_ONCE: Duration = Duration::from_millis(20);

/// What the thread says while it works.
#[derive(Debug)]
pub(crate) enum Event {
    /// The operator is being asked, which has no deadline; or no longer.
    Asking(bool),
    /// A new session stands: fingerprint of the host key that was accepted.
    Connected(String),
    /// The end, and the host key of the session it ended on. One message where the session stood before: each wakes the
    /// other side.
    Done(Outcome, Option<String>),
}

struct Job {
    script: Script,
    reply: UnboundedSender<Event>,
    begun: Arc<AtomicBool>,
}

/// What comes of a script that was handed to the thread.
pub(crate) struct Pending {
    events: UnboundedReceiver<Event>,
    /// From here on the node may have received something.
    begun: Arc<AtomicBool>,
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
    /// How long the last script took, by the length of its text.
    took: Option<(usize, Duration)>,
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
            took: None,
            refused: None,
        };
        thread::Builder::new().name(format!("bg-{name}")).spawn(move || actor.serve(&inbox))?;
        let deadlines = &shared.options.deadlines;
        Ok(Self { jobs, whole: deadlines.whole(), script: deadlines.script })
    }

    /// Whether the thread is there.
    pub(crate) fn send(&self, script: Script) -> Option<Pending> {
        let (reply, events) = unbounded_channel();
        let begun = Arc::<AtomicBool>::default();
        let job = Job { script, reply, begun: Arc::clone(&begun) };
        self.jobs.send(job).ok().map(|()| Pending { events, begun })
    }

    /// Waits for the end of a script that may take `limit`. The single steps have deadlines of their own; the one here is
    /// for what has none.
    pub(crate) async fn outcome(
        &self,
        mut pending: Pending,
        limit: Duration,
        mut connected: impl FnMut(String),
    ) -> Outcome {
        let whole = self.whole + limit.saturating_sub(self.script) * 2;
        let mut deadline = tokio::time::Instant::now() + whole;
        let mut asking: Option<tokio::time::Instant> = None;
        let begun = || pending.begun.load(Ordering::SeqCst);
        loop {
            let event = if asking.is_some() {
                pending.events.recv().await
            } else {
                match tokio::time::timeout_at(deadline, pending.events.recv()).await {
                    Ok(event) => event,
                    Err(_) => return given_up(whole, begun()),
                }
            };
            match event {
                Some(Event::Asking(true)) => asking = Some(tokio::time::Instant::now()),
                Some(Event::Asking(false)) => {
                    deadline += asking.take().map(|since| since.elapsed()).unwrap_or_default();
                }
                Some(Event::Connected(key)) => connected(key),
                Some(Event::Done(outcome, key)) => {
                    key.into_iter().for_each(connected);
                    return outcome;
                }
                None => return broke_down(begun()),
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

/// How long the same script is expected to take the next time. One whose whole answer was there after the time that was
/// slept through may have been done long before: the next sleep is shorter.
fn expected(usual: Option<Duration>, took: Duration) -> Duration {
    usual.filter(|usual| took < *usual + AT_ONCE).map_or(took, |usual| took.min(usual) * 15 / 16)
}

/// The host that receives an act is the host that was shown (S18).
pub(crate) fn another_host(place: &str, shown: &str, here: &str) -> Reach {
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
            let job = if let Some(rest) = self.rest() {
                match inbox.recv_timeout(rest) {
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
            let (outcome, key) = done.unwrap_or_else(|_| {
                self.connection = None;
                (broke_down(true), None)
            });
            let _ = job.reply.send(Event::Done(outcome, key));
        }
    }

    /// How long the thread may sleep beside its session; `None` where it has none.
    fn rest(&self) -> Option<Duration> {
        let left = IDLE.saturating_sub(self.used.elapsed());
        self.connection.as_ref().map(|held| if held.proxied() { left.min(PROXY_KEEPALIVE) } else { left })
    }

    /// Says that we are there where the kernel does not, and lets go of a session that is dead or was not used for long.
    fn keep_alive(&mut self) {
        let dead = self.connection.as_ref().is_some_and(|connection| {
            self.used.elapsed() >= IDLE
                || !connection.stands()
                || (connection.proxied() && connection.session.keepalive_send().is_err())
        });
        if dead {
            self.connection = None;
        }
    }

    /// The outcome, and the host key of the session it came by where nobody was told of it yet.
    fn run(&mut self, job: &Job) -> (Outcome, Option<String>) {
        if let Some(kept) = self.connection.take().filter(Connection::stands) {
            let key = kept.host_key.clone();
            let outcome = self.send(kept, job);
            // A session that died while nobody looked is no news about the node: nothing was sent, so it is tried afresh.
            if !matches!(outcome, Outcome::NotSent { .. }) {
                return (outcome, Some(key));
            }
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.connect(&job.reply) {
                Ok(connection) => connection,
                Err(why) => return (Outcome::NotSent { why }, None),
            },
        };
        let _ = job.reply.send(Event::Connected(connection.host_key.clone()));
        (self.send(connection, job), None)
    }

    fn send(&mut self, connection: Connection, job: &Job) -> Outcome {
        if let Some(shown) = job.script.host_key.as_ref().filter(|shown| **shown != connection.host_key) {
            let why = another_host(&self.place, shown, &connection.host_key);
            self.connection = Some(connection);
            return Outcome::NotSent { why };
        }
        job.begun.store(true, Ordering::SeqCst);
        let deadlines = &self.shared.options.deadlines;
        let length = job.script.text.len();
        let usual = self.took.take().filter(|(text, _)| *text == length).map(|(_, took)| took);
        let begun = Instant::now();
        let outcome = exec::run(&connection, &job.script, &self.place, deadlines.channel, usual);
        self.used = Instant::now();
        if matches!(outcome, Outcome::Exited { .. } | Outcome::Signalled { .. }) {
            self.took = Some((length, expected(usual, self.used - begun)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_was_slow_once_is_slept_through_less_and_less() {
        let ms = Duration::from_millis;
        assert_eq!(expected(None, ms(300)), ms(300));
        // It was not done when we looked: that is how long it takes.
        assert_eq!(expected(Some(ms(300)), ms(340)), ms(340));
        // All was there: it may have been for long. A rest that was cut short counts as long as it was.
        assert_eq!(expected(Some(ms(320)), ms(321)), ms(300));
        assert_eq!(expected(Some(ms(3000)), ms(1600)), ms(1500));
        let mut usual = ms(3000);
        for _ in 0..20 {
            usual = expected(Some(usual), usual.min(ms(1000)));
        }
        assert!(usual < ms(300), "{usual:?}");
    }
}
