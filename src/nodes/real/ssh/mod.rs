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
mod keyfile;
mod known_hosts;
mod proxy;

use std::io::Read as _;
use std::os::unix::net::UnixStream;
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
    let connection = connect::connect(&target, &options.surroundings, &options.deadlines)?;
    let login =
        auth::login(&connection, &target, &shared.answers, &shared.good, options.deadlines.auth, events);
    match login {
        Ok(()) => Ok((connection, target.place())),
        Err(reach) if matches!(reach.word, ReachWord::Lost) => Err(connection.blame(&target, reach)),
        Err(reach) => Err(reach),
    }
}

/// The version of libssh2 that is linked into this program, as it tells every server: `1.11.2_DEV`; `None` where it
/// says nothing. The binding has no safe call for it, so a session is asked to greet us.
pub fn linked_libssh2() -> Option<String> {
    let (ours, mut theirs) = UnixStream::pair().ok()?;
    let mut session = ssh2::Session::new().ok()?;
    session.set_tcp_stream(ours);
    session.set_blocking(false);
    // It sends its banner and then waits for one that never comes.
    let _ = session.handshake();
    theirs.set_nonblocking(true).ok()?;
    let mut buffer = [0; 256];
    let read = theirs.read(&mut buffer).ok()?;
    let banner = String::from_utf8_lossy(buffer.get(..read)?).into_owned();
    Some(banner.trim().strip_prefix("SSH-2.0-libssh2_")?.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_linked_libssh2_is_not_one_with_known_holes() {
        let version = super::linked_libssh2().expect("a version");
        let numbers = version.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u32> = numbers.map_while(|number| number.parse().ok()).collect();
        // Up to 1.11.1 a server can write to the client's heap (CVE-2026-55200).
        assert!(numbers.as_slice() >= [1, 11, 2].as_slice(), "{version}");
    }
}
