//! Real nodes: SSH, SQL and commands.
