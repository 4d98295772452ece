//! Errors with file, line, caret, expectation and nearest name.

/// Everything that is wrong with an inventory, rendered for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Diagnostics(pub String);
