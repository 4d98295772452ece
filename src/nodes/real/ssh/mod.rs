//! SSH by libssh2: one thread per node owns its session.
//!
//! The order is fixed: resolve, connect, key exchange, **host key**, login, command. Whatever goes wrong before the
//! command is "not sent", whatever goes wrong after it is "lost", and neither is ever an answer.

pub(crate) mod actor;
mod auth;
mod config;
pub(crate) mod connect;
pub(crate) mod exec;
mod hostkey;
mod known_hosts;
mod proxy;

use std::time::Instant;

use crate::facts::{Reach, ReachWord};
use crate::inventory::Ssh;

use super::Shared;
use config::Proxy;
use connect::Connection;

pub(crate) use auth::Good;
pub(crate) use proxy::Gates;

/// What the way to a session tells while it goes on.
pub(crate) trait Events {
    /// The operator is being asked for a secret, or no longer.
    fn asking(&self, now: bool);
}

/// A session that is logged in, and how messages call its place.
pub(crate) fn establish(
    ssh: &Ssh,
    shared: &Shared,
    events: &dyn Events,
) -> Result<(Connection, String), Reach> {
    let options = &shared.options;
    let target = config::resolve(ssh, &options.surroundings, &options.deadlines)?;
    let _pass = match &target.proxy {
        Some(Proxy::Jump(jump)) => {
            Some(shared.gates.pass(jump, Instant::now() + options.deadlines.auth).ok_or_else(|| {
                Reach::failed(
                    ReachWord::Timeout,
                    format!("too many others wait for the jump host {jump}; nothing was sent"),
                    "survey again",
                )
            })?)
        }
        Some(Proxy::Command(_)) | None => None,
    };
    let mut connection = connect::connect(&target, &options.surroundings, &options.deadlines)?;
    let login =
        auth::login(&connection, &target, &shared.answers, &shared.good, options.deadlines.auth, events);
    match login {
        Ok(()) => Ok((connection, target.place())),
        Err(reach) if matches!(reach.word, ReachWord::Lost) => Err(connection.blame(&target, reach)),
        Err(reach) => Err(reach),
    }
}
