//! What is said to a node and how its answer is read. Pure: bytes in, facts out.
//!
//! Every script is fixed text with typed parameters, sent over standard input; every parser is total: whatever a node
//! answers, the result is Known or Unknown with a reason, never a panic and never an invented value.

pub mod act;
mod automation;
pub mod bundle;
mod client;
pub mod client_error;
mod disk;
mod edge;
mod frame;
mod gcache;
pub mod grastate;
pub mod gvwstate;
mod keeping;
mod kernel;
mod leftovers;
pub mod lines;
mod listen;
mod log;
mod machine;
mod marks;
pub mod probe;
pub mod process;
pub mod quote;
pub mod recovered;
mod redact;
pub mod script;
pub mod sql;
mod state;
mod unit;
mod x509;

pub use process::processes;
