//! How the run of a script on a node ended, as the transport can tell.

use crate::facts::Reach;

/// How the run of a script ended. Only [`Outcome::Exited`] is an answer: it took the script's own trailer to make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The script ended and said so.
    Exited {
        /// Exit status of its body.
        status: i32,
        /// What its body wrote, the first 4 MiB.
        stdout: Vec<u8>,
        /// What it and the login wrote to standard error, the first 64 KiB.
        stderr: Vec<u8>,
        /// Bytes of standard output that were thrown away.
        dropped: u64,
    },
    /// A signal ended the shell that ran the script.
    Signalled {
        /// The signal's name without `SIG`, or its number.
        signal: String,
        /// What arrived before.
        stdout: Vec<u8>,
        /// What arrived before.
        stderr: Vec<u8>,
    },
    /// The script was sent, in part at least, and how it ended is not known.
    Lost {
        /// What was found and what to do next.
        why: Reach,
        /// What arrived before.
        stdout: Vec<u8>,
        /// What arrived before.
        stderr: Vec<u8>,
    },
    /// Nothing of the script was sent.
    NotSent {
        /// What was found and what to do next.
        why: Reach,
    },
}
