//! The output of a script while it arrives.

use crate::ask::script::{Nonce, TRAILER_MAX, trailer};
use crate::engine::Outcome;
use crate::facts::Plain;

/// How much of standard output is kept.
const STDOUT_KEPT: usize = 4 << 20;
/// How much of standard error is kept.
const STDERR_KEPT: usize = 64 << 10;

/// Both output streams of a script while they arrive: the beginning of each, and of standard output also the end, where
/// the trailer will be.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    stdout: Vec<u8>,
    tail: Vec<u8>,
    total: u64,
    stderr: Vec<u8>,
}

impl Capture {
    /// Takes bytes of standard output.
    pub(crate) fn stdout(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        keep(&mut self.stdout, bytes, STDOUT_KEPT);
        let last = bytes.len().saturating_sub(TRAILER_MAX);
        self.tail.extend_from_slice(bytes.get(last..).unwrap_or_default());
        let excess = self.tail.len().saturating_sub(TRAILER_MAX);
        self.tail.drain(..excess);
    }

    /// Takes bytes of standard error.
    pub(crate) fn stderr(&mut self, bytes: &[u8]) {
        keep(&mut self.stderr, bytes, STDERR_KEPT);
    }

    /// Whether the trailer has arrived: nothing more is to come that counts.
    pub(crate) fn complete(&self, nonce: &Nonce) -> bool {
        trailer(&self.tail, nonce).is_some()
    }

    /// What was said last on both streams, as one line for messages.
    pub(crate) fn last_words(&self) -> Plain {
        let said = [last_words(&self.stdout), last_words(&self.stderr)];
        let said: Vec<&str> = said.iter().map(Plain::as_str).filter(|words| !words.is_empty()).collect();
        if said.is_empty() { Plain::new("nothing") } else { Plain::new(said.join("; ")) }
    }

    /// What arrived on standard error.
    pub(crate) fn complaint(&self) -> &[u8] {
        &self.stderr
    }

    /// Whether nothing at all arrived on standard output.
    pub(crate) fn silent(&self) -> bool {
        self.total == 0
    }

    /// The answer, where the trailer is there; else the bytes, whose meaning the caller knows.
    pub(crate) fn end(self, nonce: &Nonce) -> Result<Outcome, (Vec<u8>, Vec<u8>)> {
        let Self { mut stdout, tail, total, stderr } = self;
        let Some((before, status)) = trailer(&tail, nonce) else { return Err((stdout, stderr)) };
        let body = total - (tail.len() - before.len()) as u64;
        stdout.truncate(usize::try_from(body).unwrap_or(usize::MAX));
        let dropped = body - stdout.len() as u64;
        Ok(Outcome::Exited { status, stdout, stderr, dropped })
    }
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let room = most.saturating_sub(kept.len()).min(bytes.len());
    kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
}

/// The last lines of what a program said, joined to one of at most some 300 bytes.
pub(crate) fn last_words(bytes: &[u8]) -> Plain {
    let start = bytes.len().saturating_sub(300);
    let text = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Plain::new(lines.join("; "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nonce() -> Nonce {
        Nonce::new([3; 16])
    }

    #[test]
    fn the_end_counts_where_the_middle_was_thrown_away() {
        for length in [0, 1, STDOUT_KEPT - 20, STDOUT_KEPT, STDOUT_KEPT + 1, STDOUT_KEPT + 70_000] {
            let mut output = vec![b'x'; length];
            output.extend_from_slice(format!("\n__bg_{} 4\n", nonce()).as_bytes());
            let mut capture = Capture::default();
            for chunk in output.chunks(8192) {
                capture.stdout(chunk);
            }
            assert!(capture.complete(&nonce()));
            let Ok(Outcome::Exited { status: 4, stdout, dropped, .. }) = capture.end(&nonce()) else {
                panic!("{length}: no trailer")
            };
            assert_eq!(stdout.len() as u64 + dropped, length as u64);
            assert!(stdout.iter().all(|byte| *byte == b'x'), "{length}");
        }
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(body in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..70) {
            let mut output = body.clone();
            output.extend_from_slice(format!("\n__bg_{} 0\n", nonce()).as_bytes());
            let mut capture = Capture::default();
            for chunk in output.chunks(size) {
                prop_assert!(!capture.complete(&nonce()));
                capture.stdout(chunk);
            }
            prop_assert_eq!(
                capture.end(&nonce()),
                Ok(Outcome::Exited { status: 0, stdout: body, stderr: Vec::new(), dropped: 0 })
            );
        }
    }
}
