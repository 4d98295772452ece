//! Behind the engine's `Nodes`: the transports that reach real machines, bundles of files, and the simulated cluster.

pub mod bundle;
pub mod real;
pub mod sim;
mod surveyed;
