//! Behind the engine's `Nodes`: the transports that reach real machines.

pub mod real;
