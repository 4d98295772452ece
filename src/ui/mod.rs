//! What the operator sees.

mod cells;
pub mod cli;
mod survey;
mod tui;
