//! Asking the operator for a secret, on the terminal itself and without echo.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use crate::facts::Plain;
use crate::nodes::real::{Prompter, Secret};

/// The controlling terminal, if there is one. Standard input may be anything.
#[derive(Debug, Default)]
pub(super) struct Terminal;

impl Prompter for Terminal {
    fn secret(&self, question: &Plain) -> Option<Secret> {
        let mut tty = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        write!(tty, "{question}: ").ok()?;
        let quiet = Quiet::new(&tty)?;
        let mut line = String::new();
        let read = BufReader::new(&tty).read_line(&mut line);
        drop(quiet);
        // The operator's own line feed was not echoed.
        let _ = writeln!(tty);
        match read {
            // End of input is a refusal, an empty line an empty secret.
            Ok(0) | Err(_) => None,
            Ok(_) => {
                let end = line.trim_end_matches(['\r', '\n']).len();
                line.truncate(end);
                Some(Secret::new(line))
            }
        }
    }
}

/// No echo until dropped.
struct Quiet<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(tty: &'a File) -> Option<Self> {
        let before = termios::tcgetattr(tty).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(tty, OptionalActions::Flush, &quiet).ok()?;
        Some(Self { tty, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // There is nothing to be done about a terminal that is gone.
        let _ = termios::tcsetattr(self.tty, OptionalActions::Now, &self.before);
    }
}
