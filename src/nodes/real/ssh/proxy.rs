//! ProxyJump and ProxyCommand: a child process on one end of a socket pair, libssh2 on the other.
//!
//! The child is the operator's own `ssh`, so the way through the jump host honours all of the ssh config, while
//! everything that would hand something of the operator's to the far side is switched off.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::facts::{Plain, Reach, ReachWord};

use super::super::options::Surroundings;
use super::super::outcome::last_words;
use super::super::process::Guard;
use super::super::secret::lock;
use super::config::{Proxy, Target};

/// What is switched off whatever the config says.
const OFF: &[&str] = &[
    "BatchMode=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "ControlMaster=no",
    "PermitLocalCommand=no",
    "Tunnel=no",
    "RemoteCommand=none",
    "RequestTTY=no",
];

/// A running proxy; dropping it ends the process and all it started.
#[derive(Debug)]
pub(crate) struct Running {
    _child: Guard,
    said: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    shown: String,
}

/// Starts the way to `target`; what is written to the stream comes out there.
pub(crate) fn start(
    proxy: &Proxy,
    target: &Target,
    surroundings: &Surroundings,
) -> Result<(UnixStream, Running), Reach> {
    let (mut command, shown) = command(proxy, target, surroundings);
    let failed = |error: io::Error| {
        Reach::failed(
            ReachWord::Command,
            format!("`{shown}` could not be started: {error}; nothing was sent"),
            "install the program, or correct ProxyJump or ProxyCommand in the ssh config",
        )
    };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let also_theirs = theirs.try_clone().map_err(failed)?;
    command
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(OwnedFd::from(also_theirs)))
        .stderr(Stdio::piped())
        // Questions would hang without anybody seeing them: they are answered with no.
        .env("SSH_ASKPASS", "/bin/false")
        .env("SSH_ASKPASS_REQUIRE", "force")
        .process_group(0);
    let mut child = Guard(command.spawn().map_err(failed)?);
    // The command keeps copies of the child's ends; they must go, or the end of the child is never seen.
    drop(command);
    let said = Arc::new(Mutex::new(Vec::new()));
    let stderr = child.0.stderr.take();
    let heard = Arc::clone(&said);
    let reader = thread::Builder::new().name("bg-proxy".to_owned()).spawn(move || {
        let Some(mut stderr) = stderr else { return };
        let mut buffer = [0; 1024];
        while let Ok(n @ 1..) = stderr.read(&mut buffer) {
            let mut heard = lock(&heard);
            if heard.len() < 8192 {
                heard.extend_from_slice(buffer.get(..n).unwrap_or_default());
            }
        }
    });
    let reader = reader.map_err(failed)?;
    Ok((ours, Running { _child: child, said, reader, shown }))
}

/// The program, and how a message shows it.
fn command(proxy: &Proxy, target: &Target, surroundings: &Surroundings) -> (Command, String) {
    match proxy {
        Proxy::Command(text) => {
            let text = target.expand(text, surroundings);
            let mut command = Command::new("sh");
            // As OpenSSH does: a shell's line, of the operator's own config.
            command.arg("-c").arg(format!("exec {text}"));
            (command, text)
        }
        Proxy::Jump(jumps) => {
            let arguments = jump_arguments(jumps, target, surroundings);
            let mut command = Command::new(&surroundings.ssh);
            command.args(&arguments);
            (command, format!("ssh -W {} {jumps}", target.place()))
        }
    }
}

/// The arguments that make `ssh` connect through the last jump host, and to that one through those before it.
fn jump_arguments(jumps: &str, target: &Target, surroundings: &Surroundings) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    if let Some(file) = &surroundings.ssh_config {
        arguments.extend(["-F".to_owned(), file.to_string_lossy().into_owned()]);
    }
    for option in OFF {
        arguments.extend(["-o".to_owned(), (*option).to_owned()]);
    }
    let (before, last) = match jumps.rsplit_once(',') {
        Some((before, last)) => (Some(before), last),
        None => (None, jumps),
    };
    if let Some(before) = before {
        arguments.extend(["-J".to_owned(), before.to_owned()]);
    }
    let last = last.strip_prefix("ssh://").unwrap_or(last).trim_end_matches('/');
    let (user, place) = match last.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, last),
    };
    if let Some(user) = user {
        arguments.extend(["-l".to_owned(), user.to_owned()]);
    }
    let (host, port) = host_and_port(place);
    if let Some(port) = port {
        arguments.extend(["-p".to_owned(), port.to_owned()]);
    }
    arguments.extend(["-W".to_owned(), format!("[{}]:{}", target.host, target.port)]);
    arguments.extend(["--".to_owned(), host.to_owned()]);
    arguments
}

/// `host`, `host:port`, `[v6]` and `[v6]:port`; a bare IPv6 address has no port.
fn host_and_port(place: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (place, None),
    }
}

impl Running {
    /// Why the way broke, by what the proxy said; `fallback` where it said nothing.
    pub(crate) fn blame(&self, target: &Target, fallback: &Reach) -> Reach {
        // What ends the stream ends the process, whose last words may be a moment behind; one that hangs says nothing.
        let deadline = Instant::now() + Duration::from_secs(2);
        let hangs = fallback.word == ReachWord::Timeout;
        while !hangs && !self.reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let said = lock(&self.said).clone();
        let words = last_words(&said);
        if words.as_str().is_empty() {
            let detail = format!("{} (through `{}`)", fallback.detail, self.shown);
            return Reach::failed(fallback.word, detail, fallback.next.as_str());
        }
        let (word, next) = classify(&words);
        Reach::failed(
            word,
            format!("the way to {} broke: `{}` said: {words}", target.place(), self.shown),
            next,
        )
    }
}

/// What OpenSSH's messages on the way mean.
fn classify(words: &Plain) -> (ReachWord, &'static str) {
    let said = |text: &str| words.as_str().contains(text);
    if said("Host key verification failed") || said("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        (
            ReachWord::HostKey,
            "the jump host's key is not accepted: connect to the jump host once by hand and compare",
        )
    } else if said("Permission denied") {
        (
            ReachWord::Auth,
            "the jump host refuses the login: try `ssh` to it by hand, load the key with ssh-add",
        )
    } else if said("Could not resolve hostname") || said("Name or service not known") {
        (ReachWord::Dns, "a name on the way does not resolve: check ProxyJump and the name service")
    } else if said("Connection refused") || said("connect failed") {
        (ReachWord::Refused, "the jump host answers and the way behind it is closed: is sshd up on the node?")
    } else if said("timed out") {
        (ReachWord::Timeout, "check the way by hand: ssh -v")
    } else if said("No route to host") || said("unreachable") {
        (ReachWord::Unreachable, "check the network between the jump host and the node")
    } else {
        (ReachWord::Lost, "check the way by hand: ssh -v")
    }
}

/// At most eight handshakes at once through one jump host: its sshd drops the eleventh and later ones at random
/// (sshd_config(5), MaxStartups 10:30:100).
#[derive(Debug, Default)]
pub(crate) struct Gates {
    busy: Mutex<HashMap<String, usize>>,
    freed: Condvar,
}

/// A place in front of a jump host.
pub(crate) struct Pass<'a> {
    gates: &'a Gates,
    jump: String,
}

impl Gates {
    /// Waits for a place; `None` where there is none until `deadline`.
    pub(crate) fn pass(&self, jump: &str, deadline: Instant) -> Option<Pass<'_>> {
        const AT_ONCE: usize = 8;
        let mut busy = lock(&self.busy);
        while busy.get(jump).is_some_and(|count| *count >= AT_ONCE) {
            let left = deadline.checked_duration_since(Instant::now())?;
            busy = self.freed.wait_timeout(busy, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *busy.entry(jump.to_owned()).or_default() += 1;
        Some(Pass { gates: self, jump: jump.to_owned() })
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.gates.busy).get_mut(&self.jump) {
            *count = count.saturating_sub(1);
        }
        self.gates.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_jump_hosts() {
        assert_eq!(host_and_port("jump"), ("jump", None));
        assert_eq!(host_and_port("jump:2222"), ("jump", Some("2222")));
        assert_eq!(host_and_port("[::1]:2222"), ("::1", Some("2222")));
        assert_eq!(host_and_port("[::1]"), ("::1", None));
        assert_eq!(host_and_port("::1"), ("::1", None));
    }

    #[test]
    fn eight_pass_and_the_ninth_waits() {
        let gates = Gates::default();
        let soon = || Instant::now() + Duration::from_millis(20);
        let mut inside: Vec<_> = (0..8).map(|_| gates.pass("j", soon()).expect("room")).collect();
        assert!(gates.pass("j", soon()).is_none());
        assert!(gates.pass("other", soon()).is_some());
        inside.pop();
        assert!(gates.pass("j", soon()).is_some());
    }
}
