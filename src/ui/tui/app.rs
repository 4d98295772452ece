//! The one loop: signals, then keys, then what the threads tell, then what is due. It draws when something changed and
//! rests when nothing moves.

#[cfg(test)]
mod stage;
#[cfg(test)]
mod walks;
mod work;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crossterm::event::{Event as Input, KeyEventKind};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use rustix::io::Errno;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;

use super::bridge::Asker;
use super::keys::Keys;
use super::mailbox::Mailbox;
use super::model::Model;
use super::msg::{Effect, Msg, Reply};
use super::seat::Seat;
use super::signals::{Called, Signals};
use super::terminal::Face;
use super::update::{next_due, update};
use super::walk::{Stopping, Told};
use crate::nodes::real::Secret;
use crate::nodes::sim::Pace;

/// What the threads tell is drawn no more often than this; a key is drawn at once.
const FRAME: Duration = Duration::from_millis(33);

/// More clusters than that are not surveyed at the same time: each has its nodes, and each node a thread.
const AT_ONCE: usize = 16;

/// The program while it runs.
pub(crate) struct App {
    model: Model,
    seats: Vec<Seat>,
    mailbox: Arc<Mailbox>,
    asker: Arc<Asker>,
    handle: Handle,
    /// The workstation's clock when the program began, and the moment on one that never goes back.
    began: (Timestamp, Instant),
    /// How far the run under way is to be stopped.
    stop: Arc<AtomicU8>,
    /// Answers to the run under way.
    replies: Option<UnboundedSender<Reply>>,
    /// Where records are kept.
    state: Option<PathBuf>,
    /// Surveys of clusters that may go on at once.
    turns: Arc<Semaphore>,
    /// So many drills were begun.
    drills: u64,
    /// How fast a drill's clock goes while it waits.
    pace: Pace,
    /// The terminal is gone, which was heard.
    hung_up: bool,
}

impl App {
    /// Everything in place, nothing begun.
    pub(crate) fn new(
        model: Model,
        seats: Vec<Seat>,
        mailbox: Arc<Mailbox>,
        asker: Arc<Asker>,
        state: Option<PathBuf>,
    ) -> Self {
        Self {
            model,
            seats,
            mailbox,
            asker,
            handle: Handle::current(),
            began: (Timestamp::now(), Instant::now()),
            stop: Arc::default(),
            replies: None,
            state,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            drills: 0,
            pace: Pace::Lively,
            hung_up: false,
        }
    }

    /// Runs until the operator leaves, and returns the exit code. `effects` are done after the first frame.
    pub(crate) async fn run(&mut self, screen: &mut impl Face, effects: Vec<Effect>) -> io::Result<u8> {
        let mut signals = Signals::listen()?;
        self.clocks();
        screen.draw(&self.model)?;
        let mut drawn = Instant::now();
        let mut dirty = false;
        let mut input = Some(Keys::listen());
        let mut left = self.perform(effects, screen)?;
        loop {
            if let Some(exit) = left {
                return Ok(exit);
            }
            let frame = dirty.then(|| FRAME.saturating_sub(drawn.elapsed()));
            let due = next_due(&self.model)
                .map(|at| Duration::try_from(at.duration_since(self.model.now)).unwrap_or_default());
            let wait = frame.into_iter().chain(due).min();
            let mut effects = Vec::new();
            tokio::select! {
                biased;
                called = signals.next() => {
                    match called {
                        Called::End => effects.extend(self.hear(Msg::Signalled)),
                        Called::Gone => {
                            // Whoever goes on reading a terminal that is gone never rests.
                            input = None;
                            effects.extend(self.hung_up());
                        }
                        Called::Aside => {
                            drop(input.take());
                            self.perform(vec![Effect::Suspend], screen)?;
                            input = Some(Keys::listen());
                        }
                        // Stopped by somebody else and called back: the shell had the terminal meanwhile.
                        Called::Back => effects.push(Effect::Resume),
                    }
                    dirty = true;
                }
                event = next(&mut input) => {
                    let mut event = Some(event);
                    // All that is there: what came at once is told from what was typed by when it came, not by how long a
                    // frame takes; and one frame is enough for it.
                    while let Some(read) = event {
                        if let Some(Ok(read)) = read {
                            effects.extend(self.input(read));
                        } else {
                            // The terminal is gone.
                            input = None;
                            effects.extend(self.hung_up());
                        }
                        let aside = effects.iter().any(|effect| matches!(effect, Effect::Suspend));
                        if aside {
                            // A stream that lives on would take the shell's keys.
                            drop(input.take());
                        }
                        left = self.perform(std::mem::take(&mut effects), screen)?;
                        if aside {
                            input = Some(Keys::listen());
                        }
                        event = if left.is_none() { next(&mut input).now_or_never() } else { None };
                    }
                    if left.is_none() {
                        self.draw(screen)?;
                        drawn = Instant::now();
                        dirty = false;
                    }
                    continue;
                }
                messages = self.mailbox.take() => {
                    for msg in messages {
                        dirty |= self.is_seen(&msg);
                        effects.extend(self.hear(msg));
                    }
                }
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {
                    input.iter().for_each(Keys::look);
                    if due.is_some_and(|due| due.is_zero() || Some(due) == wait) {
                        effects.extend(self.hear(Msg::Due));
                        dirty = true;
                    }
                }
            }
            left = self.perform(effects, screen)?;
            if dirty && left.is_none() && drawn.elapsed() >= FRAME {
                self.draw(screen)?;
                drawn = Instant::now();
                dirty = false;
            }
        }
    }

    fn draw(&mut self, screen: &mut impl Face) -> io::Result<()> {
        self.clocks();
        let drawn = screen.draw(&self.model);
        self.unless_gone(drawn)
    }

    /// A terminal that fails does not end a run. Where it is gone the end of its keys is heard as well, and leads out in
    /// good order.
    fn unless_gone(&self, done: io::Result<()>) -> io::Result<()> {
        let gone = [Errno::IO, Errno::NXIO, Errno::NOTTY].map(|errno| Some(errno.raw_os_error()));
        match done {
            Err(error) if self.model.running().is_none() && !gone.contains(&error.raw_os_error()) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// The terminal is gone. It is told by a signal and by the end of the keys, and counts once: the second signal would
    /// stop the run at once.
    fn hung_up(&mut self) -> Vec<Effect> {
        if std::mem::replace(&mut self.hung_up, true) {
            return Vec::new();
        }
        self.hear(Msg::Signalled)
    }

    /// Ends the run under way in good order where the screen cannot go on: it stops after its step, and puts back what it
    /// froze. Returns its exit code, where there is one.
    pub(crate) async fn wind_down(&mut self) -> Option<u8> {
        self.model.running()?;
        self.stop.fetch_max(1, Ordering::SeqCst);
        // Whatever it asks is refused.
        self.replies = None;
        self.asker.answer(None);
        loop {
            for msg in self.mailbox.take().await {
                match msg {
                    Msg::Told(Told::Ended(finish)) => return Some(finish.exit),
                    Msg::SecretAsked(_) => self.asker.answer(None),
                    _ => {}
                }
            }
        }
    }

    fn input(&mut self, event: Input) -> Vec<Effect> {
        match event {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.hear(Msg::Key(key)),
            Input::Paste(text) => self.hear(Msg::Paste(text)),
            Input::Resize(columns, rows) => self.hear(Msg::Resize(columns, rows)),
            _ => Vec::new(),
        }
    }

    /// Whether it changes what is on the screen. One node's answer of many does only where nothing is shown yet.
    fn is_seen(&self, msg: &Msg) -> bool {
        match msg {
            Msg::Arrived { cluster, .. } => {
                self.model.clusters.get(cluster.at).is_some_and(|cluster| cluster.picture.is_none())
            }
            _ => true,
        }
    }

    fn hear(&mut self, msg: Msg) -> Vec<Effect> {
        self.clocks();
        update(&mut self.model, msg)
    }

    fn clocks(&mut self) {
        // A clock that is set back must not stop what is due.
        self.model.now = self.began.0 + self.began.1.elapsed();
        for (cluster, seat) in self.model.clusters.iter_mut().zip(&self.seats) {
            cluster.now = seat.now();
        }
    }

    /// Does what is wanted; `Some` is the exit code the program ends with.
    fn perform(&mut self, effects: Vec<Effect>, screen: &mut impl Face) -> io::Result<Option<u8>> {
        let mut waiting = effects;
        while !waiting.is_empty() {
            for effect in std::mem::take(&mut waiting) {
                match effect {
                    Effect::Survey(at) => self.survey(at),
                    Effect::ReadRecord(at) => self.read_record(at),
                    Effect::ShowRecord(at) => self.show_record(at),
                    Effect::BeginDrill(id) => waiting.extend(self.begin_drill(&id)),
                    Effect::Debrief(at) => self.debrief(at),
                    Effect::Walk(order) => self.walk(*order),
                    Effect::Answer(reply) => self.answer(reply),
                    Effect::Stop(how) => self.stop.store(degree(how), Ordering::SeqCst),
                    Effect::Secret(typed) => {
                        self.asker.answer(typed.map(|typed| Secret::new(typed.0.to_string())));
                    }
                    Effect::Copy(text) => self.unless_gone(screen.copy(&text))?,
                    Effect::Suspend => {
                        self.unless_gone(screen.suspend())?;
                        let (columns, rows) = screen.size().unwrap_or(self.model.size);
                        waiting.extend(self.hear(Msg::Resize(columns, rows)));
                    }
                    Effect::Resume => self.unless_gone(screen.resume())?,
                    Effect::Redraw => self.unless_gone(screen.forget())?,
                    Effect::Quit(exit) => return Ok(Some(exit)),
                }
            }
        }
        Ok(None)
    }
}

/// The next key; never, where there is no terminal any more.
async fn next(input: &mut Option<Keys>) -> Option<io::Result<Input>> {
    match input {
        Some(input) => input.next().await,
        None => std::future::pending().await,
    }
}

fn degree(how: Stopping) -> u8 {
    match how {
        Stopping::No => 0,
        Stopping::AfterStep => 1,
        Stopping::Now => 2,
    }
}
