//! One script on one session.
//!
//! libssh2 reports exit status 0 for a command whose channel was closed early, whose server was killed, or that a signal
//! ended (libssh2 #2515), so its exit status is never taken for an answer: the script's trailer is.

use std::io::{self, Read, Write as _};
use std::time::{Duration, Instant};

use ssh2::Channel;

use crate::ask::script::Nonce;
use crate::engine::Outcome;
use crate::facts::{Reach, ReachWord};

use super::super::outcome::{Capture, last_words};
use super::connect::{Connection, Fault};

/// What is to run, and how long each part may take.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The composed text.
    pub(crate) text: String,
    /// Its nonce.
    pub(crate) nonce: Nonce,
    /// Whether it runs under `sudo -n`.
    pub(crate) sudo: bool,
    /// From the first byte sent to the trailer.
    pub(crate) limit: Duration,
    /// The only host key it may be sent to (S18); `None` where no host was shown.
    pub(crate) host_key: Option<String>,
}

/// How long at least and at most an answer that has begun is left to grow before it is read again: a shell says it word
/// by word, and every word would wake us.
const PACE: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(200));
/// A node that was slow once is not slept through the next time.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How the transmission ended, the trailer aside.
enum Ending {
    /// The far side closed the channel.
    Closed,
    /// The trailer is there; whatever still holds the channel open does not matter.
    Complete,
    /// Time is up.
    Deadline,
    /// The connection broke.
    Broken(io::Error),
}

/// Runs the script. After anything but `Exited` and `Signalled` the connection is not to be used again. `usual` is how
/// long the same script took before: that time is slept through, because a shell says its answer word by word.
pub(crate) fn run(
    connection: &Connection,
    script: &Script,
    place: &str,
    opening: Duration,
    usual: Option<Duration>,
) -> Outcome {
    let quiet = Instant::now() + usual.unwrap_or_default().min(LONGEST_REST);
    let mut channel = match open(connection, script, opening) {
        Ok(channel) => channel,
        Err(fault) => return Outcome::NotSent { why: not_opened(place, &fault, opening) },
    };
    let mut capture = Capture::default();
    let mut sent = false;
    let ending = exchange(connection, &mut channel, script, quiet, &mut capture, &mut sent);
    if let Ending::Broken(error) = &ending
        && !sent
    {
        let why = Reach::failed(
            ReachWord::Lost,
            format!("the connection to {place} broke before anything was sent: {error}"),
            "try again",
        );
        return Outcome::NotSent { why };
    }
    if capture.complete(&script.nonce) {
        // A polite end; the answer is there whether or not it succeeds.
        let _ = channel.close();
        return match capture.end(&script.nonce) {
            Ok(outcome) => outcome,
            Err((stdout, stderr)) => Outcome::Lost { why: lost(place, "its answer was cut"), stdout, stderr },
        };
    }
    let closed = matches!(ending, Ending::Closed);
    let (signal, status) = if closed { how_it_ended(connection, &mut channel) } else { (None, 0) };
    let why = match ending {
        Ending::Broken(error) => lost(place, &format!("the connection broke ({error})")),
        Ending::Deadline => not_finished(place, script.limit),
        Ending::Closed | Ending::Complete => closed_early(&capture, script, place, status),
    };
    let (stdout, stderr) = match capture.end(&script.nonce) {
        Ok(outcome) => return outcome,
        Err(streams) => streams,
    };
    // A login shell that waits for ours tells a signal by its exit status only.
    let by_status = (129..=159).contains(&status).then(|| (status - 128).to_string());
    match signal.or(by_status) {
        Some(signal) => Outcome::Signalled { signal, stdout, stderr },
        None => Outcome::Lost { why, stdout, stderr },
    }
}

fn open(connection: &Connection, script: &Script, limit: Duration) -> Result<Channel, Fault> {
    let deadline = Instant::now() + limit;
    let mut channel = connection.drive(deadline, ssh2::Session::channel_session)?;
    let command = if script.sudo { "sudo -n sh -s" } else { "sh -s" };
    connection.drive(deadline, |_| channel.exec(command))?;
    Ok(channel)
}

fn not_opened(place: &str, fault: &Fault, limit: Duration) -> Reach {
    match fault {
        Fault::Timeout => Reach::failed(
            ReachWord::Timeout,
            format!("{place} let us in and opened no channel in {limit:?}; nothing was sent"),
            "the machine is overloaded or frozen: look at its console",
        ),
        Fault::Ssh(_) => Reach::failed(
            ReachWord::Lost,
            format!("{place} let us in and refused to run a command ({fault}); nothing was sent"),
            "look at sshd_config on the node: MaxSessions, ForceCommand, the login's shell",
        ),
    }
}

/// Sends the text and takes what comes, both streams at once: libssh2's window is common to both, and a stream that is
/// not read stops the other.
fn exchange(
    connection: &Connection,
    channel: &mut Channel,
    script: &Script,
    quiet: Instant,
    capture: &mut Capture,
    sent: &mut bool,
) -> Ending {
    let begun = Instant::now();
    let deadline = begun + script.limit;
    let mut left = script.text.as_bytes();
    let mut ended = false;
    let mut grace: Option<Instant> = None;
    loop {
        let mut moved = false;
        if !left.is_empty() {
            match channel.write(left) {
                Ok(n) => {
                    *sent = true;
                    moved |= n > 0;
                    left = left.get(n..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => *sent = true,
                Err(error) => {
                    // A shell that is already gone (sudo refused) closes its input; its words are still to be read.
                    if channel.eof() || drain(channel, capture).is_ok_and(|read| read > 0) {
                        left = &[];
                        ended = true;
                    } else {
                        return Ending::Broken(error);
                    }
                }
            }
        }
        if left.is_empty() && !ended {
            match channel.send_eof() {
                Ok(()) => ended = true,
                Err(error) if super::connect::not_yet(&error) => {}
                Err(error) => return Ending::Broken(error.into()),
            }
        }
        match drain(channel, capture) {
            Ok(0) => {}
            Ok(_) => moved = true,
            Err(error) => return Ending::Broken(error),
        }
        if channel.eof() {
            return Ending::Closed;
        }
        if moved {
            continue;
        }
        if capture.complete(&script.nonce) {
            // What the script left running may hold the channel open for ever; it gets a moment to be nothing.
            let until = *grace.get_or_insert_with(|| Instant::now() + Duration::from_millis(200));
            if !connection.wait(until.min(deadline)) {
                return Ending::Complete;
            }
            continue;
        }
        // Reading one stream may have queued data of the other; only an empty queue is worth waiting for.
        if channel.read_window().available == 0 {
            if ended {
                let pace = (begun.elapsed() / 4).clamp(PACE.0, PACE.1);
                let pause = if capture.silent() { quiet } else { quiet.max(Instant::now() + pace) };
                connection.rest(pause.min(deadline));
            }
            if !connection.wait(deadline) {
                return Ending::Deadline;
            }
        }
        if Instant::now() >= deadline {
            return Ending::Deadline;
        }
    }
}

/// Reads what is there of both streams, without waiting.
fn drain(channel: &mut Channel, capture: &mut Capture) -> io::Result<usize> {
    let mut buffer = vec![0; 32 << 10];
    let mut read = 0;
    for is_error in [false, true] {
        let mut stream = channel.stream(i32::from(is_error));
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    let bytes = buffer.get(..n).unwrap_or_default();
                    if is_error {
                        capture.stderr(bytes);
                    } else {
                        capture.stdout(bytes);
                    }
                    read += n;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(read)
}

/// The signal and exit status the server told, where it told one. A status of 0 tells nothing.
fn how_it_ended(connection: &Connection, channel: &mut Channel) -> (Option<String>, i32) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let _ = connection.drive(deadline, |_| channel.close());
    let _ = connection.drive(deadline, |_| channel.wait_close());
    let signal = channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
    (signal, channel.exit_status().unwrap_or_default())
}

/// What it means that the script's time is up.
pub(crate) fn not_finished(place: &str, limit: Duration) -> Reach {
    Reach::failed(
        ReachWord::Timeout,
        format!("{place} did not finish the script in {limit:?}; it may still be running there"),
        "the machine is overloaded or a disk hangs: look at its console, then survey again",
    )
}

/// What it means that a connection ended after the script was sent.
pub(crate) fn lost(place: &str, what: &str) -> Reach {
    Reach::failed(
        ReachWord::Lost,
        format!("{place}: {what} after the script was sent; whether it ran to its end is not known"),
        "survey again",
    )
}

/// The channel ended in order and without trailer: the script's shell did not run, or was not allowed to end.
fn closed_early(capture: &Capture, script: &Script, place: &str, status: i32) -> Reach {
    if let Some(reach) = sudo_refused(capture.complaint(), script.sudo, place, status) {
        return reach;
    }
    if status == 0 && capture.silent() && capture.complaint().is_empty() {
        return lost(place, "the channel was closed");
    }
    if status == 0 {
        return lost(
            place,
            &format!("the channel was closed, the last words were {:?},", capture.last_words().as_str()),
        );
    }
    Reach::failed(
        ReachWord::Protocol,
        format!(
            "{place} ran something else than our script, which ended with {status} and said: {}",
            capture.last_words()
        ),
        "the login must run commands by a POSIX shell: look at its shell (nologin?), at ForceCommand and at command= in \
         authorized_keys",
    )
}

/// What a script under sudo that never began says: the line of sudoers that is missing.
pub(crate) fn sudo_refused(stderr: &[u8], sudo: bool, place: &str, status: i32) -> Option<Reach> {
    let text = String::from_utf8_lossy(stderr);
    let named = text.lines().any(|line| line.contains("sudo") && (line.contains(':') || status == 127));
    if !sudo || !named {
        return None;
    }
    let words = last_words(stderr);
    if status == 127 || words.as_str().contains("not found") {
        return Some(Reach::failed(
            ReachWord::Become,
            format!("{place} has no sudo: {words}"),
            "install sudo on the node, or set `become = false` and connect as root",
        ));
    }
    Some(Reach::failed(
        ReachWord::Become,
        format!("{place} refused `sudo -n sh -s`: {words}"),
        "let the login become root without a password, by a line such as `ops ALL=(root) NOPASSWD: /bin/sh` in \
         /etc/sudoers.d (with `Defaults:ops !requiretty` where requiretty is set), or connect as root",
    ))
}
