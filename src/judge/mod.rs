//! Facts to standings.
