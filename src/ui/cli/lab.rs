//! `breakglass lab`: a real practice cluster on this host.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

use crate::practice::lab::{
    self, FaultKind, LabError, LabName, Manager, Release, Request, Role, SshUser, Status, Volume,
};

/// A real practice cluster of systemd machines on this Linux host (root).
#[derive(Debug, Args)]
pub(super) struct LabArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Make a lab, or start the machines of one that stopped; prints its inventory's path
    Up(UpArgs),
    /// Show a lab's machines and faults
    Status {
        /// The lab
        name: LabName,
        /// As JSON (breakglass.lab/1)
        #[arg(long)]
        json: bool,
    },
    /// Break something; prints the fault's id
    Fault {
        /// The lab
        name: LabName,
        /// What to do
        #[arg(value_parser = PossibleValuesParser::new(FaultKind::ALL.map(FaultKind::as_str)).try_map(|text| kind(&text)))]
        kind: FaultKind,
        /// To which nodes
        #[arg(required = true, value_name = "NODE")]
        nodes: Vec<String>,
    },
    /// Take a fault's means away, or those of all; never starts a server
    Heal {
        /// The lab
        name: LabName,
        /// The fault; all of them where it is left out
        id: Option<String>,
    },
    /// Run a command inside a machine as root, not through SSH; its input, output and exit status are passed through
    Exec {
        /// The lab
        name: LabName,
        /// The node
        node: String,
        /// The command and its arguments, after `--`
        #[arg(last = true, required = true, value_name = "ARGV")]
        argv: Vec<String>,
    },
    /// Remove a lab and everything of it
    Down {
        /// The lab
        name: LabName,
    },
}

#[derive(Debug, Args)]
struct UpArgs {
    /// The lab: a-z, then up to 19 of a-z, 0-9 and '-'
    name: LabName,
    /// Kind of cluster
    #[arg(long, value_enum, default_value_t = Family::Galera)]
    family: Family,
    /// Data nodes, 1 to 9 [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: Option<u8>,
    /// Arbitrators (garbd), up to 3 [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=3))]
    arbitrators: Option<u8>,
    /// Load balancers (`HAProxy`), up to 3 [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=3))]
    proxies: Option<u8>,
    /// Who Breakglass logs in as [default: root]
    #[arg(long, value_enum, value_name = "USER")]
    ssh_user: Option<User>,
    /// Size of each node's data volume [default: 1GiB]
    #[arg(long, value_name = "SIZE")]
    volume: Option<Volume>,
    /// Debian release of the machines [default: bookworm]
    #[arg(long, value_enum, value_name = "RELEASE")]
    release: Option<Debian>,
    /// Who starts a server again that ended [default: systemd]
    #[arg(long, value_enum, value_name = "MANAGER")]
    manager: Option<Restarter>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Family {
    /// `MariaDB` with Galera
    Galera,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Debian {
    /// Debian 12 with `MariaDB` 10.11
    Bookworm,
    /// Debian 13 with `MariaDB` 11.8
    Trixie,
    /// Debian unstable
    Sid,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Restarter {
    /// Its unit alone
    Systemd,
    /// Its unit, and monit beside it
    Monit,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum User {
    /// root itself
    Root,
    /// an ordinary user with sudo
    Ops,
}

fn kind(text: &str) -> Result<FaultKind, String> {
    FaultKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| format!("no fault is called {text}"))
}

/// Runs `breakglass lab …`. What the caller got wrong is said on standard error and is exit code 2; what went wrong
/// here is the error.
pub(super) fn run(args: LabArgs) -> anyhow::Result<ExitCode> {
    match dispatch(args.command) {
        Err(Trouble::Lab(error)) if error.is_usage() => {
            say(&format!("error: {error}"));
            Ok(ExitCode::from(2))
        }
        Err(Trouble::Lab(error)) => Err(error.into()),
        Err(Trouble::Output(error)) => Err(error.into()),
        Ok(code) => Ok(code),
    }
}

enum Trouble {
    Lab(LabError),
    Output(io::Error),
}

impl From<LabError> for Trouble {
    fn from(error: LabError) -> Self {
        Self::Lab(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn dispatch(command: LabCommand) -> Result<ExitCode, Trouble> {
    match command {
        LabCommand::Up(args) => {
            // One family so far: what clap let through is what there is.
            let Family::Galera = args.family;
            let release = args.release.map(|release| match release {
                Debian::Bookworm => Release::Bookworm,
                Debian::Trixie => Release::Trixie,
                Debian::Sid => Release::Sid,
            });
            let ssh_user = args.ssh_user.map(|user| match user {
                User::Root => SshUser::Root,
                User::Ops => SshUser::Ops,
            });
            let manager = args.manager.map(|manager| match manager {
                Restarter::Systemd => Manager::Systemd,
                Restarter::Monit => Manager::Monit,
            });
            let (nodes, arbitrators, proxies) = (args.nodes, args.arbitrators, args.proxies);
            let request =
                Request { nodes, arbitrators, proxies, ssh_user, volume: args.volume, release, manager };
            let inventory = lab::up(&args.name, &request, &say)?;
            writeln!(io::stdout().lock(), "{}", inventory.display())?;
        }
        LabCommand::Status { name, json } => {
            let status = lab::status(&name)?;
            let mut out = io::stdout().lock();
            if json {
                serde_json::to_writer_pretty(&mut out, &status).map_err(io::Error::from)?;
                writeln!(out)?;
            } else {
                print(&mut out, &status)?;
            }
        }
        LabCommand::Fault { name, kind, nodes } => {
            let id = lab::fault(&name, kind, &nodes, &say)?;
            writeln!(io::stdout().lock(), "{id}")?;
        }
        LabCommand::Heal { name, id } => lab::heal(&name, id.as_deref(), &say)?,
        LabCommand::Exec { name, node, argv } => return Ok(ExitCode::from(lab::exec(&name, &node, &argv)?)),
        LabCommand::Down { name } => lab::down(&name, &say)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let finished = if status.formed { "" } else { ", never finished: `lab up` makes it anew" };
    writeln!(
        out,
        "lab {} ({} on {}, login {}{finished})",
        status.name,
        status.family,
        status.release.as_str(),
        status.ssh_user.as_str()
    )?;
    writeln!(out, "inventory {}", status.inventory.display())?;
    for node in &status.nodes {
        let address = node.address.to_string();
        let service = match node.role {
            Role::Data => "server",
            Role::Arbitrator => "garbd",
            Role::Proxy => "haproxy",
        };
        writeln!(
            out,
            "  {:<3} {address:<15} machine {:<8} {service} {}",
            node.name, node.machine, node.server
        )?;
    }
    for fault in &status.faults {
        writeln!(
            out,
            "  fault {} {} {} since {}",
            fault.id,
            fault.kind.as_str(),
            fault.nodes.join(" "),
            fault.since
        )?;
    }
    Ok(())
}

/// Progress goes to standard error: standard output is for the answer alone.
fn say(line: &str) {
    // Nobody reads it where standard error is closed, and the work goes on.
    writeln!(io::stderr().lock(), "{line}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        lab: LabArgs,
    }

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn takes_what_there_is_and_refuses_what_is_not_there_yet() {
        for good in [
            "lab up shop",
            "lab up shop --nodes 5 --ssh-user ops --volume 2GiB --release bookworm --family galera",
            "lab up shop --nodes 2 --arbitrators 1 --proxies 1 --manager monit --release trixie",
            "lab status shop --json",
            "lab fault shop partition g1 g2",
            "lab heal shop",
            "lab heal shop f1",
            "lab exec shop g1 -- sh -c true",
            "lab down shop",
        ] {
            parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        for bad in [
            "lab up Shop",
            "lab up shop --nodes 0",
            "lab up shop --arbitrators 4",
            "lab up shop --manager cron",
            "lab up shop --release buster",
            "lab up shop --family group-replication",
            "lab up shop --volume 1",
            "lab fault shop fill g1",
            "lab fault shop kill",
            "lab exec shop g1",
            "lab exec shop g1 true",
        ] {
            let error = parse(bad).expect_err(bad);
            assert_eq!(error.exit_code(), 2, "{bad}");
        }
    }

    #[test]
    fn arguments_of_a_command_stay_as_they_are() {
        let cli = Cli::try_parse_from(["lab", "exec", "shop", "g1", "--", "printf", "%s", "a b", "--json"])
            .unwrap();
        let LabCommand::Exec { argv, .. } = cli.lab.command else { panic!("not exec") };
        assert_eq!(argv, ["printf", "%s", "a b", "--json"]);
    }
}
