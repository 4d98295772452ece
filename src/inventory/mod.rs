//! Which clusters exist.
