//! What the operator sees.

pub mod cli;
