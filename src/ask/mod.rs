//! What is said to a node and how its answer is read. Pure: bytes in, facts out.
//!
//! Every script is fixed text with typed parameters, sent over standard input; every parser is total: whatever a node
//! answers, the result is Known or Unknown with a reason, never a panic and never an invented value.

pub mod probe;
pub mod quote;
pub mod script;
