//! S22: Success is measured: every surveyed member confirms Primary, SYNCED, ready, connected, the same UUID and the planned
//! size, mutually, stable for 10 s; a write is read back on each. `systemctl start` returning 0 and `active/running`
//! prove nothing. Anything less is said as partial.
//!
//! Kept by the runbooks' checks (the predicates `synced` and `all-synced` over the judgement, where a member counts only as
//! the others confirm it) and by the engine, which waits for them and holds them.

use std::time::Duration;

/// How long success has to hold.
pub const STABLE: Duration = Duration::from_secs(10);
