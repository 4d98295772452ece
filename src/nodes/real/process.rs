//! Local helper processes, each in a process group of its own so that it ends with all it started.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// What a short command said.
#[derive(Debug)]
pub(crate) struct Said {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Its standard error.
    pub(crate) stderr: Vec<u8>,
}

/// Why a short command said nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silent {
    /// It could not be started.
    #[error("could not be started: {0}")]
    NotStarted(#[source] std::io::Error),
    /// It did not end in time, and was killed.
    #[error("did not end in {0:?}")]
    TimedOut(Duration),
}

/// At most this much of each stream is read.
const KEPT: u64 = 1 << 20;

/// Runs a command that answers at once, with nothing on its standard input.
pub(crate) fn briefly(command: &mut Command, limit: Duration) -> Result<Said, Silent> {
    let deadline = Instant::now() + limit;
    let mut child = Guard(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(Silent::NotStarted)?,
    );
    let (stdout, stderr) = (child.0.stdout.take(), child.0.stderr.take());
    let (say, said) = mpsc::channel();
    let reader = thread::Builder::new().name("bg-reader".to_owned()).spawn(move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        // What breaks off is what there is; the exit status tells the rest.
        let _ = stdout.map(|pipe| pipe.take(KEPT).read_to_end(&mut out));
        let _ = stderr.map(|pipe| pipe.take(KEPT).read_to_end(&mut err));
        let _ = say.send((out, err));
    });
    reader.map_err(Silent::NotStarted)?;
    let (stdout, stderr) = said.recv_timeout(limit).map_err(|_| Silent::TimedOut(limit))?;
    loop {
        match child.0.try_wait() {
            Ok(Some(status)) => return Ok(Said { status, stdout, stderr }),
            Ok(None) if Instant::now() >= deadline => return Err(Silent::TimedOut(limit)),
            Ok(None) => thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(Silent::NotStarted(error)),
        }
    }
}

/// A child that leads its own process group; dropping it kills the group and reaps the child.
#[derive(Debug)]
pub(crate) struct Guard(pub(crate) Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // A group whose leader was reaped may be somebody else's by now.
        if matches!(self.0.try_wait(), Ok(None)) {
            kill_group(Pid::from_child(&self.0));
            let _ = self.0.wait();
        }
    }
}

/// Ends every process of the group.
pub(crate) fn kill_group(leader: Pid) {
    // It may have ended by itself.
    let _ = kill_process_group(leader, Signal::KILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let begun = Instant::now();
        let result =
            briefly(Command::new("sh").args(["-c", "sleep 77 & sleep 77"]), Duration::from_millis(200));
        assert!(matches!(result, Err(Silent::TimedOut(_))), "{result:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_command_that_answers_is_heard() {
        let said = briefly(
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
            Duration::from_secs(5),
        );
        let said = said.unwrap();
        assert_eq!(
            (said.status.code(), said.stdout, said.stderr),
            (Some(3), b"out\n".to_vec(), b"err\n".to_vec())
        );
    }
}
