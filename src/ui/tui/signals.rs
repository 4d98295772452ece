//! Signals, and what they want of the program.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal wants.
pub(super) enum Called {
    /// The program is to end.
    End,
    /// The terminal is gone.
    Gone,
    /// Somebody wants the program put aside.
    Aside,
    /// It was stopped, and goes on.
    Back,
}

/// Signals that ask the program to end, or tell that it goes on.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    aside: Signal,
    back: Signal,
}

impl Signals {
    /// From now on they no longer end or stop the program by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            aside: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            back: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Called {
        tokio::select! {
            _ = self.interrupt.recv() => Called::End,
            _ = self.terminate.recv() => Called::End,
            _ = self.hangup.recv() => Called::Gone,
            _ = self.aside.recv() => Called::Aside,
            _ = self.back.recv() => Called::Back,
        }
    }
}
