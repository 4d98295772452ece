//! SSH by libssh2.

mod known_hosts;
