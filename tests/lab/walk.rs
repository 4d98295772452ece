//! Walking runbooks on a lab, as an operator with a file of answers does.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::lab::Lab;

const BREAKGLASS: &str = env!("CARGO_BIN_EXE_breakglass");

/// A walked run.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) code: i32,
    pub(crate) events: Vec<Value>,
    pub(crate) said: String,
}

impl Walked {
    /// The last line of the stream.
    pub(crate) fn close(&self) -> &Value {
        self.events.last().unwrap_or_else(|| panic!("no events\n{}", self.said))
    }

    /// Everything it said, for a failed test's message and for words that must be in it.
    pub(crate) fn text(&self) -> String {
        let events: Vec<String> = self.events.iter().map(Value::to_string).collect();
        format!("exit {}\n{}\n{}", self.code, events.join("\n"), self.said)
    }

    /// The reason it ended with.
    pub(crate) fn detail(&self) -> &str {
        self.close()["detail"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn ended(&self, code: i32, result: &str) -> &Self {
        assert_eq!((self.code, self.close()["result"].as_str()), (code, Some(result)), "{}", self.text());
        assert_eq!(self.events[0]["type"], "session.open", "{}", self.text());
        assert_eq!(self.close()["type"], "session.close", "{}", self.text());
        self
    }
}

/// A workstation: its own state directory.
pub(crate) struct Desk<'a> {
    lab: &'a Lab,
    state: PathBuf,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(lab: &'a Lab, name: &str) -> Self {
        Self { lab, state: lab.keep(&format!("{name}.mark"), "").with_extension("state") }
    }

    fn command(&self, runbook: &str, set: &[&str], answers: &str) -> Command {
        let name = format!("answers-{:016x}.toml", hash(answers));
        let file = self.lab.keep(&name, &format!("format = \"breakglass.answers/1\"\n{answers}"));
        let mut command = Command::new(BREAKGLASS);
        command.args(["run", runbook, "--inventory", self.lab.path(), "--state-dir"]).arg(&self.state);
        for set in set {
            command.args(["--set", set]);
        }
        command.args(["--json", "--reason", "the suite", "--incident", "LAB-1", "--answers"]).arg(file);
        command.stdin(Stdio::null());
        command
    }

    /// Walks a runbook to its end.
    pub(crate) fn walk(&self, runbook: &str, set: &[&str], answers: &str) -> Walked {
        walked(&self.command(runbook, set, answers).output().expect("breakglass runs"))
    }

    /// Begins to walk one. What it says goes into files: nobody reads a pipe meanwhile.
    pub(crate) fn begin(&self, runbook: &str, set: &[&str], answers: &str) -> Walking {
        let out = self.lab.keep("walking.out", "");
        let err = self.lab.keep("walking.err", "");
        let file = |path: &Path| std::fs::File::create(path).expect("a file");
        let child = self.command(runbook, set, answers).stdout(file(&out)).stderr(file(&err)).spawn();
        Walking { child: child.expect("it starts"), out, err }
    }

    /// Walks one under a tracer that kills the program (SIGKILL) when it enters its `nth` system call of that kind on
    /// the record; whether it was killed.
    pub(crate) fn walk_killed(
        &self,
        call: &str,
        nth: usize,
        runbook: &str,
        set: &[&str],
        answers: &str,
    ) -> bool {
        let plain = self.command(runbook, set, answers);
        let mut traced = Command::new("strace");
        traced.args(["-f", "-q", "-o", "/dev/null", "-P"]).arg(self.log());
        traced.args([
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={call}:signal=SIGKILL:when={nth}"),
        ]);
        traced.arg(plain.get_program()).args(plain.get_args());
        let status = traced.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        std::os::unix::process::ExitStatusExt::signal(&status.expect("strace runs")) == Some(9)
    }

    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    fn folder(&self) -> PathBuf {
        self.state.join("audit/lab").join(self.lab.name())
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder().join("log.jsonl")
    }

    pub(crate) fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.log()).expect("a log");
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }

    /// The record is never broken, whatever happened (exit 0 or 61).
    #[track_caller]
    pub(crate) fn verify(&self) {
        let out = Command::new(BREAKGLASS)
            .args(["audit", "verify", "--json"])
            .arg(self.folder())
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let code = out.status.code().unwrap_or(-1);
        assert!(
            code == 0 || code == 61,
            "audit verify: {code}\n{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }

    /// `status --json` with this desk's memory.
    pub(crate) fn status(&self) -> (i32, Value) {
        let out = Command::new(BREAKGLASS)
            .args(["status", "--json", "--inventory", self.lab.path(), "--state-dir"])
            .arg(&self.state)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let value = serde_json::from_slice(&out.stdout).expect("json");
        (out.status.code().unwrap_or(-1), value)
    }
}

/// A run that is under way.
pub(crate) struct Walking {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Walking {
    /// Waits for its end.
    pub(crate) fn end(mut self) -> Walked {
        let status = self.child.wait().expect("it ends");
        let read = |path: &Path| std::fs::read(path).expect("what it said");
        walked(&std::process::Output { status, stdout: read(&self.out), stderr: read(&self.err) })
    }
}

fn walked(out: &std::process::Output) -> Walked {
    let text = String::from_utf8_lossy(&out.stdout);
    let events =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    Walked {
        code: out.status.code().unwrap_or(-1),
        events: events.collect(),
        said: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The answer that confirms `step` on `node`, whatever it asks for.
pub(crate) fn yes(step: &str, node: &str) -> String {
    format!("[[answer]]\nstep = \"{step}\"\nnode = \"{node}\"\ntype = \"@asked\"\n")
}

/// A waiver.
pub(crate) fn waive(rule: &str, node: &str) -> String {
    format!("[[waive]]\nrule = \"{rule}\"\nnode = \"{node}\"\nreason = \"the suite says so\"\nminutes = 10\n")
}
