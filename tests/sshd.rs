//! The transports against a real sshd on loopback, with every fault that can be made there.
//!
//! `cargo test --test sshd`; it needs OpenSSH's sshd, ssh, ssh-keygen and ssh-agent, and no privileges.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test suite"
)]

#[path = "sshd/exec.rs"]
mod exec;
#[path = "support/harness.rs"]
mod harness;
#[path = "sshd/idle.rs"]
mod idle;
#[path = "sshd/keys.rs"]
mod keys;
#[path = "sshd/logins.rs"]
mod logins;
#[path = "sshd/sql.rs"]
mod sql;
#[path = "support/sshd.rs"]
mod support;
#[path = "sshd/ways.rs"]
mod ways;

use std::process::{Command, ExitCode};

use harness::{Case, Needs};

fn main() -> ExitCode {
    let mut cases = Vec::new();
    cases.extend(exec::cases());
    cases.extend(keys::cases());
    cases.extend(logins::cases());
    cases.extend(ways::cases());
    cases.extend(sql::cases());
    cases.extend(idle::cases());
    harness::main("sshd", &cases)
}

/// An sshd that can run as who we are.
pub(crate) fn sshd() -> Result<(), String> {
    for name in ["sshd", "ssh", "ssh-keygen"] {
        support::program(name).ok_or(format!("{name} is not installed"))?;
    }
    // sshd lets nobody in whose account has no login shell.
    let shell = Command::new("sh").args(["-c", "getent passwd \"$(id -u)\""]).output();
    let shell =
        shell.map(|output| String::from_utf8_lossy(&output.stdout).trim_end().to_owned()).unwrap_or_default();
    if shell.ends_with("nologin") || shell.ends_with("/false") {
        return Err("needs an account with a login shell".to_owned());
    }
    if support::user() == "root" {
        // As root sshd wants its privilege separation directory, which a service would make.
        std::fs::create_dir_all("/run/sshd").map_err(|error| format!("/run/sshd: {error}"))?;
    }
    Ok(())
}

/// An sshd of OpenSSH 9.2 or later.
pub(crate) fn sshd_9_2() -> Result<(), String> {
    sshd()?;
    let output = Command::new("ssh").arg("-V").output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = text.trim_start_matches("OpenSSH_").split(|c: char| !c.is_ascii_digit() && c != '.').next();
    let numbers: Vec<u32> = version.unwrap_or_default().split('.').filter_map(|n| n.parse().ok()).collect();
    if numbers.as_slice() >= [9, 2].as_slice() {
        Ok(())
    } else {
        Err(format!("needs OpenSSH 9.2, found {text}"))
    }
}

/// An sshd and an agent.
pub(crate) fn sshd_and_agent() -> Result<(), String> {
    sshd()?;
    for name in ["ssh-agent", "ssh-add"] {
        support::program(name).ok_or(format!("{name} is not installed"))?;
    }
    Ok(())
}

/// Nothing beyond a plain machine.
pub(crate) fn nothing() -> Result<(), String> {
    Ok(())
}

pub(crate) fn case(name: &'static str, needs: Needs, run: fn() -> Result<(), String>) -> Case {
    Case { name, needs, run }
}
