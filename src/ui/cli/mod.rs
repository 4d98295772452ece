//! The command line.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

pub mod lab;

#[derive(Debug, Parser)]
enum Cli {
    Lab(lab::LabArgs),
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    let Cli::Lab(args) = Cli::parse();
    lab::run(args).unwrap_or_else(|error| {
        writeln!(std::io::stderr(), "error: {error:#}").unwrap_or_default();
        ExitCode::FAILURE
    })
}
