//! The real surroundings of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::engine::{Ports, Stop};

/// Clock, waiting and randomness of this workstation.
#[derive(Debug)]
pub(in crate::ui) struct RealPorts {
    begun: Instant,
    stop: Arc<AtomicU8>,
}

impl RealPorts {
    /// Begins now; `stop` is raised by whoever wants the run stopped: 1 after its step, 2 at once.
    pub(in crate::ui) fn new(stop: Arc<AtomicU8>) -> Self {
        Self { begun: Instant::now(), stop }
    }
}

impl Ports for RealPorts {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn mono(&self) -> u64 {
        self.begun.elapsed().as_nanos().try_into().unwrap_or(u64::MAX)
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn random(&self) -> Option<[u8; 10]> {
        let mut bits = [0; 10];
        getrandom::fill(&mut bits).ok().map(|()| bits)
    }

    fn stop(&self) -> Stop {
        match self.stop.load(Ordering::SeqCst) {
            0 => Stop::No,
            1 => Stop::AfterStep,
            _ => Stop::Now,
        }
    }
}
