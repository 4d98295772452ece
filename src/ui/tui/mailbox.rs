//! From the threads that work to the loop that draws. Bounded without blocking anybody: of what only shows how things
//! are, the latest takes the place of the one before.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::msg::Msg;
use super::walk::Told;

/// Messages that wait for the loop.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    waiting: Mutex<VecDeque<Msg>>,
    bell: Notify,
}

impl Mailbox {
    /// Puts a message in; never waits.
    pub(crate) fn post(&self, msg: Msg) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = waiting.iter_mut().find(|old| supersedes(&msg, old)) {
            *place = msg;
        } else {
            waiting.push_back(msg);
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// All that is there, the oldest first; waits where there is nothing.
    pub(crate) async fn take(&self) -> VecDeque<Msg> {
        loop {
            let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !taken.is_empty() {
                return taken;
            }
            self.bell.notified().await;
        }
    }
}

/// Whether `new` says everything that `old` said, newer.
fn supersedes(new: &Msg, old: &Msg) -> bool {
    match (new, old) {
        (Msg::Surveyed { cluster: new, .. }, Msg::Surveyed { cluster: old, .. }) => new == old,
        (Msg::Record { cluster: new, .. }, Msg::Record { cluster: old, .. }) => new == old,
        (Msg::Arrived { cluster, node }, Msg::Arrived { cluster: of, node: old }) => {
            cluster == of && node.name == old.name
        }
        (Msg::Told(Told::Surveyed(_)), Msg::Told(Told::Surveyed(_))) => true,
        (
            Msg::Told(Told::Progress { step, node, .. }),
            Msg::Told(Told::Progress { step: of, node: old, .. }),
        ) => step == of && node == old,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::facts::Plain;

    fn progress(seconds: u64) -> Msg {
        Msg::Told(Told::Progress {
            step: "join".to_owned(),
            node: None,
            elapsed: Duration::from_secs(seconds),
            text: Plain::new("waiting"),
        })
    }

    #[tokio::test]
    async fn a_flood_of_progress_is_one_message_and_nothing_else_is_dropped() {
        let mailbox = Mailbox::default();
        for second in 0..1000 {
            mailbox.post(progress(second));
        }
        mailbox.post(Msg::Due);
        mailbox.post(Msg::Signalled);
        let taken: Vec<Msg> = mailbox.take().await.into();
        let [Msg::Told(Told::Progress { elapsed, .. }), Msg::Due, Msg::Signalled] = taken.as_slice() else {
            panic!("{taken:?}");
        };
        assert_eq!(elapsed.as_secs(), 999);
    }
}
