//! Real nodes: SSH, SQL and commands.

pub mod ssh;
