//! Between the run, which has a thread of its own, and the loop that draws: what the engine tells goes into the
//! mailbox, what the operator answers comes back over a channel.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedReceiver;

use super::mailbox::Mailbox;
use super::model::Picture;
use super::msg::{Msg, Reply};
use super::update::WRONG;
use super::walk::{Ask, Told};
use crate::engine::{Answered, Challenge, Choice, Event, Operator, WaiverAsked, WaiverGiven};
use crate::facts::{Mode, NodeName, Plain};
use crate::nodes::real::{Prompter, Secret};

/// The operator at the terminal, as the engine sees one.
pub(crate) struct Walker {
    mailbox: Arc<Mailbox>,
    replies: UnboundedReceiver<Reply>,
    stop: Arc<AtomicU8>,
    /// A waiver was declined: the operator is not asked for another one.
    declined: bool,
}

impl Walker {
    /// Tells into `mailbox`, and hears from `replies`. `stop` is how far the operator wants it stopped.
    pub(crate) fn new(mailbox: Arc<Mailbox>, replies: UnboundedReceiver<Reply>, stop: Arc<AtomicU8>) -> Self {
        Self { mailbox, replies, stop, declined: false }
    }

    async fn ask<T>(&mut self, ask: Ask, read: impl Fn(Reply) -> Result<T, String>) -> Answered<T> {
        // An answer to an earlier question is none to this one.
        while self.replies.try_recv().is_ok() {}
        if self.stop.load(Ordering::SeqCst) > 0 {
            return Answered::Refused("stopped before it was asked".to_owned());
        }
        self.mailbox.post(Msg::Told(Told::Asked(ask)));
        match self.replies.recv().await.map(read) {
            Some(Ok(given)) => Answered::Given(given),
            Some(Err(why)) => Answered::Refused(why),
            None => Answered::Refused("the terminal is gone".to_owned()),
        }
    }
}

/// A reply that is not of the question's kind is a refusal, whatever it says.
fn other(reply: Reply) -> String {
    match reply {
        Reply::Refused(why) => why,
        _ => "the answer was to another question".to_owned(),
    }
}

impl Operator for Walker {
    fn mode(&mut self, _mode: Mode) -> Result<(), String> {
        Ok(())
    }

    fn tries(&self) -> u8 {
        WRONG
    }

    async fn choose(&mut self, choice: &Choice) -> Answered<NodeName> {
        let read = |reply| match reply {
            Reply::Chosen(node) => Ok(node),
            reply => Err(other(reply)),
        };
        self.ask(Ask::Choose(choice.clone()), read).await
    }

    async fn confirm(&mut self, challenge: &Challenge) -> Answered<String> {
        let read = |reply| match reply {
            Reply::Typed(text) => Ok(text),
            reply => Err(other(reply)),
        };
        self.ask(Ask::Confirm(challenge.clone()), read).await
    }

    async fn waive(&mut self, waiver: &WaiverAsked) -> Answered<WaiverGiven> {
        if self.declined {
            return Answered::Refused(format!("{} on {} is not waived", waiver.blocked.rule, waiver.node));
        }
        let read = |reply| match reply {
            Reply::Waived(given) => Ok(given),
            reply => Err(other(reply)),
        };
        let answer = self.ask(Ask::Waive(waiver.clone()), read).await;
        self.declined = matches!(answer, Answered::Refused(_));
        answer
    }

    fn hear(&mut self, event: &Event<'_>) {
        self.mailbox.post(Msg::Told(own(event)));
    }
}

/// The event with everything it borrows made its own.
fn own(event: &Event<'_>) -> Told {
    match event {
        Event::Recorded(record) => Told::Recorded(Box::new((*record).clone())),
        Event::Planned(plan) => Told::Planned(Box::new((*plan).clone())),
        Event::Surveyed { survey, judgement } => {
            Told::Surveyed(Box::new(Picture { survey: (*survey).clone(), judgement: (*judgement).clone() }))
        }
        Event::Step { step, node, .. } => Told::Step { step: (*step).to_owned(), node: node.cloned() },
        Event::Progress { step, node, elapsed, text } => Told::Progress {
            step: (*step).to_owned(),
            node: node.cloned(),
            elapsed: *elapsed,
            text: (*text).clone(),
        },
        Event::Said { step, node, text } => {
            Told::Said { step: (*step).to_owned(), node: node.cloned(), text: (*text).clone() }
        }
    }
}

/// Asks for secrets on the screen, one at a time, whichever cluster wants one.
pub(crate) struct Asker {
    mailbox: Arc<Mailbox>,
    turn: Mutex<()>,
    waiting: Mutex<Option<SyncSender<Option<Secret>>>>,
}

impl Asker {
    /// Asks through `mailbox`.
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, turn: Mutex::default(), waiting: Mutex::default() }
    }

    /// Gives the answer to whoever waits for it.
    pub(crate) fn answer(&self, secret: Option<Secret>) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            // Nobody waits any more where the node was given up meanwhile.
            let _ = waiting.send(secret);
        }
    }
}

impl Prompter for Asker {
    fn secret(&self, question: &Plain) -> Option<Secret> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (waiting, answer) = sync_channel(1);
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting);
        self.mailbox.post(Msg::SecretAsked(question.clone()));
        answer.recv().ok().flatten()
    }
}
