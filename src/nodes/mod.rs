//! Behind the engine's `Nodes`: the transports that reach real machines, and the simulated cluster.

pub mod real;
pub mod sim;
mod surveyed;
