//! The server's unix socket, brought here through a second SSH session (`direct-streamlocal`, PROTOCOL of OpenSSH).
//!
//! The session has a thread of its own: reading blocks a libssh2 session as a whole, and the probe must not wait for SQL.
//! The local end is a unix socket too, in a directory only the operator can enter: a TCP port would be open to every user
//! of this machine.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::Channel;
use tokio::sync::oneshot;

use crate::facts::{NodeName, Plain, Reach, ReachWord};
use crate::inventory::Ssh;

use super::super::Shared;
use super::super::secret::lock;
use super::super::ssh::connect::{Connection, Fault};
use super::super::ssh::{Events, establish};
use super::SqlFailure;

enum Job {
    /// Connect already; an opening will follow.
    Warm,
    /// Open a channel to this socket of the node and hand out the local path that leads there, for one connection.
    Open { remote: String, reply: oneshot::Sender<Result<PathBuf, Closed>> },
}

/// Why no way was opened.
#[derive(Clone, Debug)]
pub(crate) enum Closed {
    /// The machine was not reached.
    Ssh(Reach),
    /// The machine was reached, and its socket was not.
    Sql(SqlFailure),
}

impl Closed {
    /// The word and the next step.
    pub(crate) fn reach(&self) -> Reach {
        match self {
            Self::Ssh(reach) => reach.clone(),
            Self::Sql(failure) => failure.reach(),
        }
    }
}

/// Where the next connection is awaited. Both sides can take it away: the thread once the connection is there, the async
/// side when it goes, because a thread does not outlive the program long enough to clean up.
type Door = Arc<Mutex<Option<Local>>>;

/// The async side's end of a tunnel's thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Handle {
    jobs: mpsc::Sender<Job>,
    door: Door,
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.door).take();
    }
}

impl Handle {
    /// Starts the thread; it connects when it is asked to.
    pub(crate) fn start(name: &NodeName, ssh: &Ssh, shared: &Arc<Shared>) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        let door = Door::default();
        let mut tunnel = Tunnel {
            ssh: ssh.clone(),
            shared: Arc::clone(shared),
            connection: None,
            door: Arc::clone(&door),
        };
        thread::Builder::new().name(format!("bg-sql-{name}")).spawn(move || tunnel.serve(&inbox))?;
        Ok(Self { jobs, door })
    }

    /// Lets the tunnel connect while the caller does something else.
    pub(crate) fn warm(&self) {
        // A thread that is gone is noticed at `open`.
        let _ = self.jobs.send(Job::Warm);
    }

    /// Opens the way to a socket of the node: a local path for one connection, to be made within a few seconds.
    pub(crate) async fn open(&self, remote: &str) -> Result<PathBuf, Closed> {
        let (reply, answer) = oneshot::channel();
        let gone = || {
            Closed::Ssh(Reach::failed(
                ReachWord::Protocol,
                "the tunnel's thread broke down",
                "survey again; report this",
            ))
        };
        self.jobs.send(Job::Open { remote: remote.to_owned(), reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Secrets were asked for by the node's first session; this one only uses the answers.
struct Quiet;

impl Events for Quiet {
    fn asking(&self, _now: bool) {}
}

struct Tunnel {
    ssh: Ssh,
    shared: Arc<Shared>,
    connection: Option<Connection>,
    door: Door,
}

/// A listening socket in a directory of its own; both go when it is dropped.
#[derive(Debug)]
struct Local {
    directory: PathBuf,
    path: PathBuf,
    listener: UnixListener,
}

impl Local {
    fn new(runtime: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("breakglass-{:016x}", u64::from_be_bytes(random));
        let directory = runtime.join(name);
        // It fails where the name is taken, so nobody else's directory is ever used.
        fs::DirBuilder::new().mode(0o700).create(&directory)?;
        let path = directory.join("sql");
        match UnixListener::bind(&path) {
            Ok(listener) => Ok(Self { directory, path, listener }),
            Err(error) => {
                let _ = fs::remove_dir(&directory);
                Err(error)
            }
        }
    }
}

/// The one connection the way was opened for.
fn accept(listener: &UnixListener, limit: Duration) -> io::Result<UnixStream> {
    let mut fds = [PollFd::new(listener, PollFlags::IN)];
    match poll(&mut fds, Timespec::try_from(limit).ok().as_ref())? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => listener.accept().map(|(stream, _)| stream),
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_dir(&self.directory);
    }
}

impl Tunnel {
    fn serve(&mut self, inbox: &mpsc::Receiver<Job>) {
        while let Ok(job) = inbox.recv() {
            match job {
                Job::Warm => {
                    if let Some(Err(_)) = self.guarded(Self::connect) {
                        // The reason comes again, with the opening that follows.
                        self.connection = None;
                    }
                }
                Job::Open { remote, reply } => {
                    if reply.is_closed() {
                        continue;
                    }
                    let opened = self.guarded(|tunnel| tunnel.open(&remote));
                    let opened = opened.unwrap_or_else(|| Err(Closed::Sql(lost("the tunnel broke down"))));
                    match opened {
                        Err(closed) => {
                            let _ = reply.send(Err(closed));
                        }
                        Ok((channel, path)) => {
                            if reply.send(Ok(path)).is_ok() {
                                self.guarded(|tunnel| tunnel.carry(channel));
                            }
                            lock(&self.door).take();
                        }
                    }
                }
            }
        }
    }

    /// The binding panics where a server sends text that is not UTF-8; then the session goes.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| work(self))).ok();
        if done.is_none() {
            self.connection = None;
        }
        done
    }

    fn connect(&mut self) -> Result<(), Reach> {
        if self.connection.as_ref().is_some_and(Connection::stands) {
            return Ok(());
        }
        self.connection = None;
        let (connection, _place) = establish(&self.ssh, &self.shared, &Quiet)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn open(&mut self, remote: &str) -> Result<(Channel, PathBuf), Closed> {
        self.connect().map_err(Closed::Ssh)?;
        let Some(connection) = &self.connection else {
            return Err(Closed::Sql(lost("the tunnel is not connected")));
        };
        let deadline = Instant::now() + self.shared.options.deadlines.channel;
        let opened = connection.drive(deadline, |session| session.channel_direct_streamlocal(remote, None));
        let channel = match opened {
            Ok(channel) => channel,
            Err(fault) => {
                let closed = Closed::Sql(not_opened(remote, &fault));
                if fault.is_gone() || matches!(fault, Fault::Timeout) {
                    self.connection = None;
                }
                return Err(closed);
            }
        };
        let runtime = &self.shared.options.surroundings.runtime;
        let local = Local::new(runtime).map_err(|error| {
            Closed::Sql(SqlFailure::Other {
                code: 0,
                message: Plain::new(format!(
                    "no private socket could be made in {}: {error}",
                    runtime.display()
                )),
            })
        })?;
        let path = local.path.clone();
        *lock(&self.door) = Some(local);
        Ok((channel, path))
    }

    /// Carries one connection to its end.
    fn carry(&mut self, mut channel: Channel) {
        let Some(connection) = &self.connection else { return };
        let listener = lock(&self.door).as_ref().map(|local| local.listener.try_clone());
        let accepted = match listener {
            Some(listener) => {
                listener.and_then(|listener| accept(&listener, self.shared.options.deadlines.sql_connect))
            }
            // The other side has gone.
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        lock(&self.door).take();
        let carried = accepted.and_then(|stream| pump(connection, &mut channel, stream));
        // What broke off broke the connection of the one who made it, who knows what to say.
        if carried.is_err() {
            drop(channel);
            self.connection = None;
        } else {
            let _ = connection.drive(Instant::now() + Duration::from_millis(500), |_| channel.close());
        }
    }
}

fn lost(text: &str) -> SqlFailure {
    SqlFailure::Lost(Plain::new(text))
}

fn not_opened(remote: &str, fault: &Fault) -> SqlFailure {
    match fault {
        Fault::Timeout => {
            SqlFailure::Timeout(Plain::new(format!("the node opened no way to its socket {remote} in time")))
        }
        Fault::Ssh(error) if fault.is_gone() => SqlFailure::Lost(Plain::new(error.message())),
        // sshd tells a socket that is not there, that nobody listens on, or that it may not forward, all in one word.
        Fault::Ssh(error) => SqlFailure::CannotConnect(Plain::new(format!(
            "sshd could not open {remote} on the node ({}): no server behind it, no access for this login, or \
             AllowStreamLocalForwarding off",
            error.message()
        ))),
    }
}

/// What is under way in one direction.
#[derive(Default)]
struct Flow {
    bytes: Vec<u8>,
    /// The giving side has said that no more comes.
    ended: bool,
    /// The taking side was told.
    told: bool,
}

impl Flow {
    const ROOM: usize = 64 << 10;

    fn wants(&self) -> bool {
        !self.ended && self.bytes.len() < Self::ROOM
    }

    fn done(&self) -> bool {
        self.ended && self.bytes.is_empty()
    }

    /// One read of the giving side; whether anything moved.
    fn take(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        let mut buffer = [0; 16 << 10];
        match read(&mut buffer) {
            Ok(n) => {
                self.bytes.extend_from_slice(buffer.get(..n).unwrap_or_default());
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(usize::MAX),
            Err(error) => Err(error),
        }
    }

    /// One write to the taking side; whether anything moved.
    fn give(&mut self, write: impl FnOnce(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
        if self.bytes.is_empty() {
            return Ok(false);
        }
        match write(&self.bytes) {
            Ok(n) => {
                self.bytes.drain(..n.min(self.bytes.len()));
                Ok(n > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Copies both ways until both ends are done, without ever blocking on one of them.
fn pump(connection: &Connection, channel: &mut Channel, mut local: UnixStream) -> io::Result<()> {
    /// A connection over which nothing moves for so long has no living owner.
    const SILENCE: Duration = Duration::from_mins(2);
    local.set_nonblocking(true)?;
    let (mut up, mut down) = (Flow::default(), Flow::default());
    loop {
        let mut moved = false;
        if up.wants() {
            match up.take(|buffer| local.read(buffer))? {
                0 => up.ended = true,
                usize::MAX => {}
                _ => moved = true,
            }
        }
        moved |= up.give(|bytes| channel.write(bytes))?;
        if up.done() && !up.told {
            up.told = match channel.send_eof() {
                Ok(()) => true,
                Err(error) if super::super::ssh::connect::not_yet(&error) => false,
                Err(error) => return Err(error.into()),
            };
        }
        if down.wants() {
            match down.take(|buffer| channel.read(buffer))? {
                0 => down.ended = channel.eof(),
                usize::MAX => {}
                _ => moved = true,
            }
        }
        match down.give(|bytes| local.write(bytes)) {
            Ok(wrote) => moved |= wrote,
            // Whoever asked has gone; that is an end like any other.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error),
        }
        if down.done() && !down.told {
            local.shutdown(std::net::Shutdown::Write)?;
            down.told = true;
        }
        // When our own side has hung up, nobody reads what may still come.
        if (up.told && down.told) || (up.told && up.ended && hung_up(&local)) {
            return Ok(());
        }
        if moved || (channel.read_window().available > 0 && down.wants()) {
            continue;
        }
        let mut flags = PollFlags::empty();
        if up.wants() {
            flags |= PollFlags::IN;
        }
        if !down.bytes.is_empty() {
            flags |= PollFlags::OUT;
        }
        let other = (!flags.is_empty()).then(|| (local.as_fd(), flags));
        if !connection.wait_for(Instant::now() + SILENCE, down.wants(), other) {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// Whether the other end of a local stream is closed for both directions.
fn hung_up(local: &UnixStream) -> bool {
    let mut fds = [PollFd::new(local, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok_and(|n| n > 0)
        && fds.iter().any(|fd| fd.revents().intersects(PollFlags::HUP | PollFlags::ERR))
}
