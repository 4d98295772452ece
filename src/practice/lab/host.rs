//! This host: running one of its commands, and what it must have.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::error::LabError;

/// Where programs are looked for: `su` without `-` leaves root without the sbin directories.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The programs a lab uses, and the Debian packages they come from.
const PROGRAMS: &[(&str, &str)] = &[
    ("systemd-nspawn", "systemd-container"),
    ("mmdebstrap", "mmdebstrap"),
    ("apt-get", "apt"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("iptables-restore", "iptables"),
    ("mkfs.ext4", "e2fsprogs"),
    ("ssh-keygen", "openssh-client"),
    ("mount", "mount"),
    ("losetup", "mount"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("setsid", "util-linux"),
];

/// Why a command of this host did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// There is no such program.
    #[error("{program} was not found in {PATH}; install with: apt-get install {package}")]
    NotFound {
        /// The program.
        program: String,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// It could not be started or spoken to.
    #[error("run `{attempt}`: {source}")]
    Spawn {
        /// The command.
        attempt: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It failed.
    #[error("`{attempt}` ended with {status}: {said}")]
    Failed {
        /// The command.
        attempt: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// It did not end.
    #[error("`{attempt}` did not end within {seconds} s and was stopped; it said: {said}")]
    TimedOut {
        /// The command.
        attempt: String,
        /// How long was waited.
        seconds: u64,
        /// What it said until then.
        said: String,
    },
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One command of this host: a program and its arguments, never a line for a shell to split.
#[derive(Debug)]
pub(crate) struct Call {
    program: &'static str,
    args: Vec<OsString>,
    stdin: Option<Vec<u8>>,
    inside: bool,
    limit: Duration,
}

impl Call {
    pub(crate) fn new(program: &'static str) -> Self {
        Self { program, args: Vec::new(), stdin: None, inside: false, limit: Duration::from_secs(30) }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Keeps this host's environment out: what runs inside a machine is that machine's.
    pub(crate) fn inside(mut self) -> Self {
        self.inside = true;
        self
    }

    pub(crate) fn limit(mut self, seconds: u64) -> Self {
        self.limit = Duration::from_secs(seconds);
        self
    }

    /// The command, ready for callers that want its input and output themselves.
    pub(crate) fn command(&self) -> Result<Command, HostError> {
        let mut command = Command::new(find(self.program)?);
        command.args(&self.args);
        if self.inside {
            command.env_clear().env("HOME", "/root").env("USER", "root").env("LANG", "C.UTF-8");
        } else {
            command.env("LC_ALL", "C");
        }
        command.env("PATH", PATH);
        Ok(command)
    }

    /// Runs it to its end and gives what it said, however it ended.
    pub(crate) fn ask(&self) -> Result<Answer, HostError> {
        let spawn = |source| HostError::Spawn { attempt: self.to_string(), source };
        let mut command = self.command()?;
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        // Its own process group: what is stopped at the limit is the command and all it started, such as a client
        // that waits inside a frozen machine.
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(spawn)?;
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        if let (Some(bytes), Some(mut pipe)) = (self.stdin.clone(), child.stdin.take()) {
            // A command that ends early closes its input; its status and words say why.
            thread::spawn(move || pipe.write_all(&bytes).is_ok());
        }
        let deadline = Instant::now() + self.limit;
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait().map_err(spawn)? {
                break status;
            }
            if Instant::now() >= deadline {
                let group = rustix::process::Pid::from_child(&child);
                rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
                    .map_err(|errno| spawn(errno.into()))?;
                child.wait().map_err(spawn)?;
                return Err(HostError::TimedOut {
                    attempt: self.to_string(),
                    seconds: self.limit.as_secs(),
                    said: stderr.recv_timeout(Duration::from_secs(1)).unwrap_or_default(),
                });
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        // A process left in the background may hold the pipes open; what was said so far is lost then, not the end.
        let said =
            |pipe: mpsc::Receiver<String>| pipe.recv_timeout(Duration::from_secs(2)).unwrap_or_default();
        Ok(Answer { status, stdout: said(stdout), stderr: said(stderr) })
    }

    /// Runs it to its end; anything but success is an error.
    pub(crate) fn run(&self) -> Result<Answer, HostError> {
        let answer = self.ask()?;
        if answer.status.success() {
            return Ok(answer);
        }
        let said = if answer.stderr.trim().is_empty() { &answer.stdout } else { &answer.stderr };
        Err(HostError::Failed {
            attempt: self.to_string(),
            status: answer.status,
            said: if said.trim().is_empty() { "nothing was said".to_owned() } else { tail(said.trim(), 12) },
        })
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = self.args.iter().map(|arg| arg.to_string_lossy());
        // A script or a long list says less than how the command begins.
        let line = words.fold(self.program.to_owned(), |line, word| {
            line + " " + word.split_once('\n').map_or(&*word, |_| "…")
        });
        match line.char_indices().nth(200) {
            Some((end, _)) => write!(f, "{}…", line.get(..end).unwrap_or_default()),
            None => f.write_str(&line),
        }
    }
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error still says more than nothing.
            pipe.read_to_end(&mut bytes).unwrap_or_default();
        }
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    receiver
}

/// Where a program is.
pub(crate) fn find(program: &str) -> Result<PathBuf, HostError> {
    PATH.split(':').map(|dir| Path::new(dir).join(program)).find(|path| path.is_file()).ok_or_else(|| {
        let package =
            PROGRAMS.iter().find(|(name, _)| *name == program).map_or("util-linux", |(_, package)| package);
        HostError::NotFound { program: program.to_owned(), package }
    })
}

/// Only root may touch machines.
pub(crate) fn require_root() -> Result<(), LabError> {
    if rustix::process::geteuid().is_root() { Ok(()) } else { Err(LabError::NotRoot) }
}

/// What `lab up` needs of this host, all of it at once, so that nobody installs one package after the other.
pub(crate) fn require_all() -> Result<(), LabError> {
    require_root()?;
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, _)| find(program).is_err()).collect();
    if !missing.is_empty() {
        let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
        packages.dedup();
        return Err(LabError::Missing {
            programs: missing.iter().map(|(program, _)| *program).collect(),
            packages,
        });
    }
    let status = Path::new("/proc/self/status");
    let text = std::fs::read_to_string(status).map_err(LabError::io("read", status))?;
    let missing = missing_privileges(&text);
    if missing.is_empty() { Ok(()) } else { Err(LabError::NoPrivilege { missing: missing.join(" nor ") }) }
}

/// What this process may not do, by the effective capabilities in its status file.
fn missing_privileges(status: &str) -> Vec<&'static str> {
    let held = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        // A kernel that does not say lets the commands themselves say.
        .unwrap_or(u64::MAX);
    [(12, "make a bridge (CAP_NET_ADMIN)"), (21, "mount a file system (CAP_SYS_ADMIN)")]
        .into_iter()
        .filter(|(bit, _)| held & (1 << bit) == 0)
        .map(|(_, what)| what)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_a_container_took_away() {
        assert!(missing_privileges("Name:\tx\nCapEff:\t000001ffffffffff\n").is_empty());
        assert_eq!(missing_privileges("CapEff:\t00000000a80425fb\n").len(), 2);
        assert!(missing_privileges("Name:\tx\n").is_empty());
    }

    #[test]
    fn keeps_arguments_whole_and_the_answer_apart() {
        let answer = Call::new("printf").args(["%s|", "a b", "c'd"]).run().unwrap();
        assert_eq!(answer.stdout, "a b|c'd|");
        let failed = Call::new("sh").args(["-c", "echo no >&2; exit 3"]).run().unwrap_err();
        assert!(failed.to_string().contains("exit status: 3: no"), "{failed}");
    }

    #[test]
    fn stops_what_does_not_end_with_all_it_started() {
        let started = Instant::now();
        let call = Call::new("sh").args(["-c", "sleep 30 & wait"]).limit(1);
        assert!(matches!(call.ask(), Err(HostError::TimedOut { seconds: 1, .. })));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn passes_input() {
        assert_eq!(Call::new("cat").stdin("hello").run().unwrap().stdout, "hello");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = find("mkfs.ext4-missing").unwrap_err();
        assert!(error.to_string().contains("apt-get install"));
        assert_eq!(tail("a\nb\nc", 2), "b\nc");
    }
}
