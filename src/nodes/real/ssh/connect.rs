//! From a target to an SSH session whose host key is accepted: resolve, connect, shake hands, compare.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;
use ssh2::{BlockDirections, ErrorCode, MethodType, Session};

use crate::facts::{Reach, ReachWord};

use super::super::options::{Deadlines, Surroundings};
use super::config::Target;
use super::hostkey::Trust;
use super::proxy;

/// The socket under a session: kept beside it to wait on, and to end it.
#[derive(Debug)]
enum Wire {
    Tcp(TcpStream),
    Pair(UnixStream),
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Pair(stream) => stream.as_fd(),
        }
    }
}

/// How often an idle session through a proxy says that it is there: NATs and firewalls forget what is silent, and the
/// kernel keeps only connections of its own alive.
pub(crate) const PROXY_KEEPALIVE: Duration = Duration::from_mins(1);

/// A session and what it stands on. It lives on one thread: libssh2 locks nothing (ssh2-rs #322).
pub(crate) struct Connection {
    pub(crate) session: Session,
    wire: Wire,
    proxy: Option<proxy::Running>,
    /// Fingerprint of the host key that was accepted.
    pub(crate) host_key: String,
}

/// Why a step on a session did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It did not end in time.
    #[error("no answer in time")]
    Timeout,
    /// libssh2 or the server refused.
    #[error("{}", .0.message())]
    Ssh(#[from] ssh2::Error),
}

/// libssh2's codes that mean "the connection is gone": send, disconnect, recv, socket timeout, bad socket.
const GONE: &[i32] = &[-7, -13, -43, -30, -45];
/// libssh2's code for "not yet" in non-blocking mode.
const AGAIN: i32 = -37;

impl Fault {
    /// Whether the connection itself is gone.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Ssh(error) if matches!(error.code(), ErrorCode::Session(code) if GONE.contains(&code)))
    }
}

/// Whether libssh2 says "not yet".
pub(crate) fn not_yet(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(AGAIN)
}

impl Connection {
    /// Repeats a call of the session until it no longer says "not yet", or until `deadline`.
    pub(crate) fn drive<T>(
        &self,
        deadline: Instant,
        mut step: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<T, Fault> {
        loop {
            match step(&self.session) {
                Err(error) if not_yet(&error) => {
                    if !self.wait(deadline) {
                        return Err(Fault::Timeout);
                    }
                }
                other => return Ok(other?),
            }
        }
    }

    /// Waits until the session can go on; false at the deadline.
    pub(crate) fn wait(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, true, None)
    }

    /// Waits until the session can go on (with news only where `listening`), or until `other`, a stream and what it
    /// waits for, can; false at the deadline.
    pub(crate) fn wait_for(
        &self,
        deadline: Instant,
        listening: bool,
        other: Option<(BorrowedFd<'_>, PollFlags)>,
    ) -> bool {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
        let mut ours = if listening { PollFlags::IN } else { PollFlags::empty() };
        if matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both) {
            ours |= PollFlags::OUT;
        }
        let mut fds = vec![PollFd::new(&self.wire, ours)];
        if let Some((fd, flags)) = other {
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        }
        let limit = Timespec::try_from(left).ok();
        match poll(&mut fds, limit.as_ref()) {
            Ok(0) => false,
            // An interrupted wait is tried again by the caller, whose deadline stands.
            Ok(_) | Err(_) => true,
        }
    }

    /// Lets the time pass until `end`; only the end of the connection is news.
    pub(crate) fn rest(&self, end: Instant) {
        let Some(left) = end.checked_duration_since(Instant::now()) else { return };
        let mut fds = [PollFd::new(&self.wire, PollFlags::RDHUP)];
        // An interrupted rest is a shorter one.
        let _ = poll(&mut fds, Timespec::try_from(left).ok().as_ref());
    }

    /// Whether the session goes through a proxy, so that the kernel's keepalive does not reach the far side.
    pub(crate) fn proxied(&self) -> bool {
        self.proxy.is_some()
    }

    /// Whether the connection still stands as far as this side can see, without waiting.
    pub(crate) fn stands(&self) -> bool {
        let mut fds = [PollFd::new(&self.wire, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut fds, Some(&now)) {
            Ok(0) => true,
            Ok(_) => {
                let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL | PollFlags::RDHUP;
                !fds.iter().any(|fd| fd.revents().intersects(gone)) && !self.at_end()
            }
            Err(_) => false,
        }
    }

    /// Whether the next thing to read is the end.
    fn at_end(&self) -> bool {
        let mut byte = [0; 1];
        let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
        matches!(rustix::net::recv(&self.wire, &mut byte, flags), Ok((_, 0)))
    }

    /// The reason why the connection broke; a proxy on the way knows better than we do.
    pub(crate) fn blame(&self, target: &Target, reach: Reach) -> Reach {
        match &self.proxy {
            Some(proxy) => proxy.blame(target, &reach),
            None => reach,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A farewell is polite and may fail; then the socket is shut, so that freeing the session cannot wait.
        let _ = self.session.disconnect(None, "done", None);
        let _ = match &self.wire {
            Wire::Tcp(stream) => stream.shutdown(std::net::Shutdown::Both),
            Wire::Pair(stream) => stream.shutdown(std::net::Shutdown::Both),
        };
    }
}

/// Connects to the target and accepts its host key, or says why not. Nothing is sent beyond the key exchange.
pub(crate) fn connect(
    target: &Target,
    surroundings: &Surroundings,
    deadlines: &Deadlines,
) -> Result<Connection, Reach> {
    // Read before anything is sent: the known keys decide which algorithms are asked for.
    let trust = Trust::read(target);
    let (wire, proxy, limit) = if let Some(proxy) = &target.proxy {
        let (stream, running) = proxy::start(proxy, target, surroundings)?;
        (Wire::Pair(stream), Some(running), deadlines.proxy)
    } else {
        let addresses = addresses(&target.host, target.port, deadlines.resolve)?;
        let begun = Instant::now();
        let stream = dial(target, &addresses, deadlines.connect)?;
        tune(&stream);
        (Wire::Tcp(stream), None, deadlines.connect.saturating_sub(begun.elapsed()))
    };
    let io = |error: io::Error| {
        Reach::failed(ReachWord::Lost, format!("{}: {error}; nothing was sent", target.place()), "try again")
    };
    let internal = |error: ssh2::Error| {
        Reach::failed(ReachWord::Protocol, format!("libssh2: {}", error.message()), "report this")
    };
    let mut session = Session::new().map_err(internal)?;
    match &wire {
        Wire::Tcp(stream) => session.set_tcp_stream(stream.try_clone().map_err(io)?),
        Wire::Pair(stream) => session.set_tcp_stream(stream.try_clone().map_err(io)?),
    }
    session.set_blocking(false);
    if proxy.is_some() {
        session.set_keepalive(true, PROXY_KEEPALIVE.as_secs().try_into().unwrap_or(60));
    }
    session.method_pref(MethodType::HostKey, &trust.algorithms()).map_err(internal)?;
    let mut connection = Connection { session, wire, proxy, host_key: String::new() };
    if let Err(reach) = shake_hands(&connection, target, limit, deadlines) {
        return Err(connection.blame(target, reach));
    }
    let blob = connection.session.host_key().map(|(blob, _)| blob.to_vec()).unwrap_or_default();
    connection.host_key = trust.judge(target, &blob)?;
    Ok(connection)
}

/// Banner and key exchange.
fn shake_hands(
    connection: &Connection,
    target: &Target,
    banner: Duration,
    deadlines: &Deadlines,
) -> Result<(), Reach> {
    let place = target.place();
    let begun = Instant::now();
    let mut session = connection.session.clone();
    let greeted = || connection.session.banner_bytes().is_some_and(|bytes| !bytes.is_empty());
    loop {
        let error = match session.handshake() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if not_yet(&error) {
            let deadline = begun + if greeted() { banner + deadlines.handshake } else { banner };
            if connection.wait(deadline) {
                continue;
            }
            // The banner may have come with the last bytes before the deadline.
            if greeted() && begun.elapsed() < banner + deadlines.handshake {
                continue;
            }
            return Err(if greeted() {
                Reach::failed(
                    ReachWord::Timeout,
                    format!(
                        "{place} answered, and the SSH key exchange did not end in {:?}",
                        deadlines.handshake
                    ),
                    "the machine is overloaded or frozen, or the path drops large packets (MTU); look at its console",
                )
            } else {
                let limit = if target.proxy.is_some() { deadlines.proxy } else { deadlines.connect };
                no_banner(target.port, limit)
            });
        }
        let message = error.message();
        return Err(if greeted() {
            Reach::failed(
                ReachWord::Protocol,
                format!("the SSH key exchange with {place} failed: {message}; nothing was sent"),
                format!(
                    "if its sshd offers only algorithms that libssh2 lacks, reach it by ssh itself: \
                     via = [\"ssh\", \"-T\", \"--\", \"{}\", \"sh\", \"-s\"]",
                    target.destination
                ),
            )
        } else {
            Reach::failed(
                ReachWord::Lost,
                format!("{place} accepted and closed before its SSH banner: {message}; nothing was sent"),
                "sshd may be shutting us out for a while (MaxStartups, PerSourcePenalties), or this is not an SSH \
                 server; wait a minute and try again",
            )
        });
    }
}

/// What a connection means on which nobody says anything.
pub(crate) fn no_banner(port: u16, limit: Duration) -> Reach {
    Reach::failed(
        ReachWord::Timeout,
        format!("TCP port {port} accepted, no SSH banner in {limit:?}"),
        "the machine is frozen or overloaded, or this is not an SSH server; look at its console",
    )
}

/// The addresses of a host, or why there are none. getaddrinfo has no deadline, so it runs on a thread that is given up.
pub(crate) fn addresses(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, Reach> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let failed = |found: String| {
        Reach::failed(
            ReachWord::Dns,
            format!("the name {host} {found}; nothing was sent"),
            "check the spelling and the name service (`getent hosts`), or give the node's address in the inventory",
        )
    };
    let (say, said) = mpsc::channel();
    let name = host.to_owned();
    let resolver = thread::Builder::new().name("bg-dns".to_owned()).spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody listens any more where it took too long.
        let _ = say.send(found);
    });
    resolver.map_err(|error| failed(format!("was not resolved: {error}")))?;
    match said.recv_timeout(limit) {
        Ok(Ok(found)) if !found.is_empty() => Ok(found),
        Ok(Ok(_)) => Err(failed("has no address".to_owned())),
        Ok(Err(error)) => Err(failed(format!("does not resolve: {error}"))),
        Err(_) => Err(failed(format!("did not resolve in {limit:?}"))),
    }
}

/// Tries the addresses one after the other; all of them together have `limit`.
fn dial(target: &Target, addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, Reach> {
    let deadline = Instant::now() + limit;
    let mut worst: Option<(SocketAddr, io::Error)> = None;
    for (at, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        if share.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            // A machine that refuses is there; that says more than silence.
            Err(error) => {
                if worst.as_ref().is_none_or(|(_, kept)| kept.kind() != io::ErrorKind::ConnectionRefused) {
                    worst = Some((*address, error));
                }
            }
        }
    }
    let place = target.place();
    let Some((address, error)) = worst else {
        return Err(Reach::failed(
            ReachWord::Dns,
            format!("{place} has no address"),
            "check the name service",
        ));
    };
    Err(dial_failure(&place, address, &error, limit))
}

/// What a failed TCP connection means.
pub(crate) fn dial_failure(place: &str, address: SocketAddr, error: &io::Error, limit: Duration) -> Reach {
    let at = if place == address.to_string() { String::new() } else { format!(" ({address})") };
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Reach::failed(
            ReachWord::Refused,
            format!("{place}{at} refused the connection: the machine is up, nothing listens on the port"),
            "start sshd on the node's console (`systemctl status ssh`), or correct the port in the inventory",
        ),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Reach::failed(
            ReachWord::Timeout,
            format!("{place}{at} did not answer in {limit:?}"),
            "the machine is off or cut off, or a firewall drops packets: look at its console or its hypervisor; this \
             does not prove that the server is down",
        ),
        _ => Reach::failed(
            ReachWord::Unreachable,
            format!("{place}{at} cannot be reached: {error}"),
            "check the route, the VPN and the network between this workstation and the node",
        ),
    }
}

/// Small packets go out at once (a handshake takes a fifth of the time), and a dead peer is noticed within 10 s. The
/// kernel keeps an idle connection alive, which wakes nobody here.
pub(crate) fn tune(stream: &TcpStream) {
    // Each is a help and none is needed: a kernel that lacks one still connects.
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_tcp_user_timeout(stream, 10_000);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, Duration::from_secs(5));
    let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(3));
    let _ = sockopt::set_tcp_keepcnt(stream, 3);
}
