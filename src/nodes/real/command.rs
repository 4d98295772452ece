//! The command transport: a local program (kubectl, docker, ssh) that runs `sh -s` on the node with our script on its
//! standard input. It is for everything libssh2 cannot do, by the programs that can.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

use rustix::process::Pid;

use crate::ask::script::under_sudo;
use crate::engine::Outcome;
use crate::facts::{Reach, ReachWord};

use super::outcome::Capture;
use super::process::kill_group;
use super::ssh::exec::{Script, sudo_refused};

/// The process group of a child that was not reaped yet: after that its number may be somebody else's.
struct Group(Option<Pid>);

impl Group {
    fn kill(&self) {
        if let Some(leader) = self.0 {
            kill_group(leader);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How the exchange with the program ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It closed both streams.
    Closed,
    /// The trailer is there, and something still holds a stream open.
    Complete,
    /// Time is up.
    Deadline,
}

/// Runs a script by `argv`, which is never read by a shell.
pub(crate) async fn run(argv: &[String], script: &Script) -> Outcome {
    let Some((program, arguments)) = argv.split_first() else {
        return Outcome::NotSent {
            why: Reach::failed(ReachWord::Command, "`via` is empty", "correct the inventory"),
        };
    };
    let mut child = match spawn(program, arguments) {
        Ok(child) => child,
        Err(error) => {
            let why = Reach::failed(
                ReachWord::Command,
                format!("`{program}` could not be started: {error}; nothing was sent"),
                format!("install {program} on this workstation, or correct `via` in the inventory"),
            );
            return Outcome::NotSent { why };
        }
    };
    let leader = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut group = Group(leader);
    let text = if script.sudo { under_sudo(&script.text, &script.nonce) } else { script.text.clone() };
    let deadline = Instant::now() + script.limit;
    let mut capture = Capture::default();
    let ending = exchange(&mut child, &text, script, &mut capture, deadline).await;
    if ending != Ending::Closed {
        group.kill();
    }
    // What has closed its output gets a moment to end by itself.
    let mut killed = ending != Ending::Closed;
    let mut status = timeout_at(Instant::now() + Duration::from_secs(2), child.wait()).await;
    if status.is_err() {
        group.kill();
        killed = true;
        status = Ok(child.wait().await);
    }
    group.0 = None;
    let shown = argv.join(" ");
    let why = match status {
        _ if ending == Ending::Deadline => Reach::failed(
            ReachWord::Timeout,
            format!(
                "`{shown}` did not finish the script in {:?}; it may still be running on the node",
                script.limit
            ),
            "run the command by hand and see what it waits for",
        ),
        Ok(Ok(status)) => {
            let code = status.code().unwrap_or(-1);
            sudo_refused(capture.complaint(), script.sudo, program, code).unwrap_or_else(|| {
                let words = capture.last_words();
                Reach::failed(
                    ReachWord::Command,
                    format!(
                        "`{shown}` ended ({status}) without running our script to its end, and said: {words}"
                    ),
                    "run the command by hand; it must run `sh -s` on the node and pass its standard input on",
                )
            })
        }
        Ok(Err(_)) | Err(_) => Reach::failed(
            ReachWord::Command,
            format!("`{shown}` closed its output and did not end"),
            "run the command by hand; it must run `sh -s` on the node and pass its standard input on",
        ),
    };
    match capture.end(&script.nonce) {
        Ok(outcome) => outcome,
        Err((stdout, stderr)) => {
            match status.ok().and_then(Result::ok).and_then(signal).filter(|_| !killed) {
                Some(signal) => Outcome::Signalled { signal: signal.to_string(), stdout, stderr },
                None => Outcome::Lost { why, stdout, stderr },
            }
        }
    }
}

fn signal(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

fn spawn(program: &str, arguments: &[String]) -> std::io::Result<Child> {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // ssh must not ask on the operator's terminal in the middle of a screen.
        .env("SSH_ASKPASS", "/bin/false")
        .env("SSH_ASKPASS_REQUIRE", "force")
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Sends the text and reads both streams to their end, or to the trailer.
async fn exchange(
    child: &mut Child,
    text: &str,
    script: &Script,
    capture: &mut Capture,
    deadline: Instant,
) -> Ending {
    let (mut stdin, mut stdout, mut stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (vec![0; 32 << 10], vec![0; 8 << 10]);
    let mut left = text.as_bytes();
    let mut grace: Option<Instant> = None;
    loop {
        if stdout.is_none() && stderr.is_none() {
            return Ending::Closed;
        }
        if capture.complete(&script.nonce) {
            grace.get_or_insert_with(|| Instant::now() + Duration::from_millis(200));
        }
        let until = grace.map_or(deadline, |grace| grace.min(deadline));
        tokio::select! {
            written = async { match stdin.as_mut() { Some(pipe) => pipe.write(left).await, None => Ok(0) } },
                if stdin.is_some() => {
                left = written.ok().and_then(|n| left.get(n..)).unwrap_or_default();
                if left.is_empty() {
                    // Dropping it is the end of file the script's shell waits for.
                    stdin = None;
                }
            }
            read = async { match stdout.as_mut() { Some(pipe) => pipe.read(&mut out).await, None => Ok(0) } },
                if stdout.is_some() => {
                match read {
                    Ok(n @ 1..) => capture.stdout(out.get(..n).unwrap_or_default()),
                    _ => stdout = None,
                }
            }
            read = async { match stderr.as_mut() { Some(pipe) => pipe.read(&mut err).await, None => Ok(0) } },
                if stderr.is_some() => {
                match read {
                    Ok(n @ 1..) => capture.stderr(err.get(..n).unwrap_or_default()),
                    _ => stderr = None,
                }
            }
            () = tokio::time::sleep_until(until) => {
                return if capture.complete(&script.nonce) { Ending::Complete } else { Ending::Deadline };
            }
        }
    }
}
