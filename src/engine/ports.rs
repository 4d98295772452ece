//! What the engine needs from its surroundings besides the nodes and the record.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

/// Clock, waiting and randomness: real in the program, virtual in tests.
pub trait Ports: Sync {
    /// This workstation's clock.
    fn now(&self) -> Timestamp;
    /// Nanoseconds since some fixed moment; never goes back.
    fn mono(&self) -> u64;
    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
    /// Random bits for a name; `None` where the system gives none.
    fn random(&self) -> Option<[u8; 10]>;
    /// How far the operator wants to be stopped.
    fn stop(&self) -> Stop;
}

/// How far the operator, or a signal, wants the run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    No,
    /// After the step that runs.
    AfterStep,
    /// At once; what runs on a node is left as it is, and unknown.
    Now,
}
