//! Breakglass: see a broken database cluster whole, and bring it back step by guarded step.
//!
//! # The house
//!
//! Each room imports only from rooms above it; `tests/house.rs` keeps it so.
//!
//! | room | what it holds |
//! | --- | --- |
//! | [`facts`] | values: ids with grammars, Known or Unknown, positions, the survey, the evidence digest |
//! | [`inventory`] | which clusters and nodes exist and how each is reached; errors with line and caret |
//! | [`ask`] | what is said to a node and how its answer is read: the probe and total parsers |
//! | [`record`] | the append-only log of sessions: chained, durable, verified |
//! | [`judge`] | facts → standings, verdict and findings; one file per safety rule in [`judge::safety`] |
//! | [`runbook`] | files → plan: typed inputs, named predicates, typed actions |
//! | [`engine`] | the survey of a whole cluster; a run as a fold over its records, and the one loop that acts |
//! | [`nodes`] | behind `Nodes`: SSH, SQL and command transports; bundles of files; a simulated cluster |
//! | [`practice`] | the lab: a real cluster on this host; drills on a simulated one |
//! | [`ui`] | the screen; the command line and its plain text |
//!
//! The core (facts, inventory, ask, judge, runbook, the engine's machine, the screen's update and views) is synchronous
//! and pure: no clock, no files, no sockets.

// Lets a module's tests share the builders of tests/support.
#[cfg(test)]
extern crate self as breakglass;

pub mod ask;
pub mod engine;
pub mod facts;
pub mod inventory;
pub mod judge;
pub mod nodes;
pub mod practice;
pub mod record;
pub mod runbook;
pub mod ui;
