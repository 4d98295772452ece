//! Exit codes and the one place where errors are printed.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::facts::Plain;
use crate::judge::Verdict;

/// Healthy or done.
pub(super) const OK: u8 = 0;
/// An internal error.
pub(super) const INTERNAL: u8 = 1;
/// Usage, configuration, bad input.
pub(super) const USAGE: u8 = 2;
/// A record is broken.
pub(super) const BROKEN: u8 = 60;
/// Stopped by a signal.
pub(super) const SIGNAL: u8 = 130;

/// An error whose exit code is not 1.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Usage, configuration or bad input: exit code 2.
    #[error("{0}")]
    Usage(String),
}

/// The exit code of a verdict.
pub(super) fn of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Healthy => OK,
        Verdict::Degraded => 10,
        Verdict::Outage => 20,
        Verdict::Undetermined => 30,
    }
}

/// The exit code of several verdicts: 20 > 30 > 10 > 0.
pub(super) fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> u8 {
    let rank = |code: &u8| [0, 10, 30, 20].iter().position(|c| c == code);
    verdicts.into_iter().map(of).max_by_key(rank).unwrap_or(OK)
}

/// Prints an error once, with its chain of causes, and returns its exit code.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    let usage = error.downcast_ref::<Failure>().is_some();
    let mut err = io::stderr().lock();
    // Each line by itself: sanitising the whole would turn the line breaks of a rendered diagnostic into escapes.
    let text = format!("{error:#}");
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let _ = writeln!(err, "breakglass: {}", Plain::new(first));
    for line in lines {
        let _ = writeln!(err, "{}", Plain::new(line));
    }
    ExitCode::from(if usage { USAGE } else { INTERNAL })
}

/// Says something on standard error that is no error of the program; each line by itself, safe to show.
pub(super) fn warn(text: &str) {
    let mut err = io::stderr().lock();
    for line in text.lines() {
        // Nobody reads it where standard error is closed, and the work goes on.
        let _ = writeln!(err, "breakglass: {}", Plain::new(line));
    }
}

/// Whether the reader of our output has gone: nobody to tell, and nothing went wrong here.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_clusters_say_the_worst() {
        use Verdict::{Degraded, Healthy, Outage, Undetermined};
        assert_eq!(worst([Healthy, Degraded]), 10);
        assert_eq!(worst([Undetermined, Degraded]), 30);
        assert_eq!(worst([Undetermined, Outage, Healthy]), 20);
        assert_eq!(worst([Healthy]), 0);
    }
}
