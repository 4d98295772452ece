//! The command line: what the words mean, and what the program's exit says.

mod audit;
mod drill;
mod exit;
mod lab;
mod library;
mod output;
pub(in crate::ui) mod places;
mod prompt;
mod run;
mod runbook;
mod status;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use super::tui::{self, Begin};
pub(in crate::ui) use audit::page as record_page;
pub use exit::Failure;
pub(in crate::ui) use library::Library;
pub(in crate::ui) use output::{locale_is_utf8, wrap};
pub(in crate::ui) use run::plain::USUAL_MINUTES;
pub(in crate::ui) use run::{Finish, RealPorts, operator, sent};

/// See a broken database cluster whole.
#[derive(Debug, Parser)]
#[command(name = "breakglass", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where things are; accepted before and after the subcommand.
#[derive(Args, Debug)]
pub(in crate::ui) struct Places {
    /// The inventory [default: $BREAKGLASS_INVENTORY, ~/.config/breakglass/inventory.toml, /etc/breakglass/inventory.toml]
    #[arg(long, global = true, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Where records are kept [default: $BREAKGLASS_STATE_DIR, ~/.local/state/breakglass]
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read every node once and show them side by side; changes nothing
    Status(status::StatusArgs),
    /// The library of runbooks: list, show, check, schema
    Runbook(runbook::RunbookArgs),
    /// The record of what was done: its sessions, their records, and whether it is whole
    Audit(audit::AuditArgs),
    /// Walk a runbook, step by guarded step, with a record
    Run(run::RunArgs),
    /// Practise on a simulated cluster: list the drills, play one, check a scenario's file
    Drill(drill::DrillArgs),
    /// A real practice cluster on this Linux host (root)
    Lab(lab::LabArgs),
}

const AFTER_HELP: &str = "\
Exit codes: 0 healthy or done · 1 internal error · 2 usage, configuration, bad input · 10 degraded · 20 outage · \
30 undetermined · 40 refused before anything destructive · 50 outcome unknown or unproven · 60 a record is broken · \
61 a record is intact but not provable · 130 stopped by a signal";

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayVersion => {
            // Holes of libssh2 are ours: which one is linked is part of the version.
            let libssh2 = crate::nodes::real::linked_libssh2().unwrap_or_else(|| "not known".to_owned());
            // A version that nobody reads any more is no error.
            let _ = writeln!(io::stdout(), "breakglass {} (libssh2 {libssh2})", env!("CARGO_PKG_VERSION"));
            return ExitCode::from(exit::OK);
        }
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::OK };
            // Help that nobody reads any more is no error.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let outcome = match cli.command {
        Some(Command::Status(args)) => status::run(&cli.places, &args),
        Some(Command::Runbook(args)) => runbook::run(args),
        Some(Command::Run(args)) => run::run(&cli.places, &args),
        Some(Command::Audit(args)) => audit::run(&cli.places, &args),
        Some(Command::Drill(args)) => drill::run(&cli.places, args),
        Some(Command::Lab(args)) => lab::run(args),
        None if tui::has_screen() => tui::run(&cli.places, &Begin::Usual),
        None => status::run_or_welcome(&cli.places),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
