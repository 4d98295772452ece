//! Quoting for the shell.
