//! What comes from the terminal: keys, pastes, sizes. The stream is asked only when it has something to say: its reader
//! holds a lock while it waits, and whoever asks meanwhile gives the processor away again and again.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use futures_util::task::AtomicWaker;

/// The terminal's events.
pub(crate) struct Keys {
    stream: EventStream,
    bell: Arc<Bell>,
}

/// Rung by the stream's reader.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    hearer: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.hearer.wake();
    }
}

impl Keys {
    /// Listens from now on. Dropping it leaves the keys to others.
    pub(crate) fn listen() -> Self {
        let bell = Bell { rung: AtomicBool::new(true), ..Bell::default() };
        Self { stream: EventStream::new(), bell: Arc::new(bell) }
    }

    /// The next event is looked for even where the reader has not rung: one that fails again and again never does.
    pub(crate) fn look(&self) {
        self.bell.rung.store(true, Ordering::SeqCst);
    }

    /// The next event; nothing or an error where the terminal is gone.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Event>> {
        poll_fn(|context| {
            self.bell.hearer.register(context.waker());
            if !self.bell.rung.swap(false, Ordering::SeqCst) {
                return Poll::Pending;
            }
            let waker = Waker::from(Arc::clone(&self.bell));
            let event = self.stream.poll_next_unpin(&mut Context::from_waker(&waker));
            if event.is_ready() {
                // More may have come with it.
                self.look();
            }
            event
        })
        .await
    }
}
