//! The virtual clock: waiting moves it, and nothing else has to pass meanwhile.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::rng::Rng;
use super::topology::Pace;
use super::world::World;
use crate::engine::{Ports, Stop};

/// The world with its clock, shared by the nodes and the ports.
pub(super) struct Shared {
    inner: Mutex<Inner>,
    stop: Arc<AtomicU8>,
}

struct Inner {
    world: World,
    pace: Pace,
    /// When the virtual clock was last held against the real one.
    seen: Instant,
    /// Who waits, until when: the first of them moves the clock.
    waiting: BTreeSet<(u64, u64)>,
    ticket: u64,
    bits: Rng,
}

impl Shared {
    pub(super) fn new(world: World, seed: u64) -> Self {
        let inner = Inner {
            world,
            pace: Pace::Instant,
            seen: Instant::now(),
            waiting: BTreeSet::new(),
            ticket: 0,
            bits: Rng::new(!seed),
        };
        Self { inner: Mutex::new(inner), stop: Arc::default() }
    }

    /// The world as it is at this moment. A panic of somebody else's leaves it usable: nothing is changed in halves.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.pace == Pace::Lively {
            let passed = nanos(inner.seen.elapsed());
            inner.seen = Instant::now();
            let now = inner.world.now.saturating_add(passed);
            inner.world.run_to(now);
        }
        inner
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.lock().world)
    }

    /// Waits on the virtual clock.
    pub(super) async fn wait(&self, time: Duration) {
        let (until, pace) = {
            let inner = self.lock();
            (inner.world.now.saturating_add(nanos(time)), inner.pace)
        };
        if pace == Pace::Lively {
            tokio::time::sleep((time / 10).min(Duration::from_secs(1))).await;
            self.with(|world| world.run_to(until));
        } else {
            Wait { shared: self, until, ticket: None }.await;
        }
    }
}

/// A wait of which whoever wakes first moves the clock, so that several at once take as long as the longest.
struct Wait<'a> {
    shared: &'a Shared,
    until: u64,
    ticket: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let until = self.until;
        let mut inner = self.shared.lock();
        let Some(ticket) = self.ticket else {
            let ticket = inner.ticket;
            inner.ticket += 1;
            inner.waiting.insert((until, ticket));
            drop(inner);
            self.ticket = Some(ticket);
            // The others get their turn to say how long they wait.
            context.waker().wake_by_ref();
            return Poll::Pending;
        };
        let first = inner.waiting.first() == Some(&(until, ticket));
        if first || inner.world.now >= until {
            inner.world.run_to(until);
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.lock().waiting.remove(&(self.until, ticket));
        }
    }
}

/// The engine's surroundings on the virtual clock of one simulated cluster.
#[derive(Clone)]
pub struct SimPorts {
    shared: Arc<Shared>,
}

impl fmt::Debug for SimPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimPorts").finish_non_exhaustive()
    }
}

impl SimPorts {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sets how the clock goes: the cluster has one clock, so this holds for everybody who looks at it. A lively one
    /// needs an asynchronous runtime with a timer.
    #[must_use]
    pub fn paced(self, pace: Pace) -> Self {
        {
            let mut inner = self.shared.lock();
            inner.pace = pace;
            inner.seen = Instant::now();
        }
        self
    }

    /// How far the run is to be stopped: 0 not at all, 1 after the step that runs, more at once.
    pub fn stopper(&self) -> Arc<AtomicU8> {
        Arc::clone(&self.shared.stop)
    }

    /// The virtual clock.
    pub fn now(&self) -> Timestamp {
        self.shared.with(|world| world.time())
    }

    /// Virtual time since the cluster was there.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.shared.with(|world| world.since_epoch()))
    }
}

impl Ports for SimPorts {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn mono(&self) -> u64 {
        self.shared.with(|world| world.now)
    }

    async fn sleep(&self, time: Duration) {
        self.shared.wait(time).await;
    }

    fn random(&self) -> Option<[u8; 10]> {
        let mut inner = self.shared.lock();
        let bytes = [inner.bits.next().to_be_bytes(), inner.bits.next().to_be_bytes()].concat();
        bytes.get(..10)?.try_into().ok()
    }

    fn stop(&self) -> Stop {
        match self.shared.stop.load(Ordering::SeqCst) {
            0 => Stop::No,
            1 => Stop::AfterStep,
            _ => Stop::Now,
        }
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}
