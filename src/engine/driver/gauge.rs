//! How a state transfer gets on: bytes, rate and what is left, from the data directory as it grows (U13).

use std::collections::VecDeque;
use std::time::Duration;

/// So many looks make a rate.
const LOOKS: usize = 6;

/// What was seen of one joiner's data directory, the latest last: moment in nanoseconds, bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauge(VecDeque<(u64, u64)>);

impl Gauge {
    /// Takes a look at moment `at`, in nanoseconds on a clock that never goes back.
    pub(super) fn look(&mut self, at: u64, bytes: u64) {
        // A transfer that begins empties the directory: what was there before is no part of it.
        if self.0.back().is_some_and(|(_, before)| bytes < *before) {
            self.0.clear();
        }
        self.0.push_back((at, bytes));
        while self.0.len() > LOOKS {
            self.0.pop_front();
        }
    }

    /// `312 MiB of about 700 MiB, 42 MiB/s, about 9 s left`, as far as it can be said. `whole` is what the donor's data
    /// takes; a transfer that writes over old data shows no growth, and then no rate.
    pub(super) fn says(&self, whole: Option<u64>) -> Option<String> {
        let (last, bytes) = *self.0.back()?;
        let mut says = format!("{} MiB", bytes >> 20);
        if let Some(whole) = whole {
            says = format!("{says} of about {} MiB", whole >> 20);
        }
        let (first, before) = *self.0.front()?;
        let took = Duration::from_nanos(last.saturating_sub(first)).as_millis();
        let grown = u128::from(bytes.saturating_sub(before));
        if let Some(rate) = (grown * 1000).checked_div(took).filter(|rate| *rate > 0) {
            says = format!("{says}, {} MiB/s", rate >> 20);
            let left = whole.and_then(|whole| whole.checked_sub(bytes)).filter(|left| *left > 0);
            if let Some(left) = left {
                says = format!("{says}, about {} s left", u128::from(left).div_ceil(rate));
            }
        }
        Some(says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn after(looks: &[(u64, u64)]) -> Gauge {
        let mut gauge = Gauge::default();
        for (second, mib) in looks {
            gauge.look(second * SECOND, mib << 20);
        }
        gauge
    }

    #[test]
    fn a_rate_needs_two_looks_and_growth() {
        assert_eq!(Gauge::default().says(Some(1 << 30)), None);
        assert_eq!(after(&[(0, 100)]).says(Some(700 << 20)).unwrap(), "100 MiB of about 700 MiB");
        let grown = after(&[(0, 100), (5, 200), (10, 300)]);
        assert_eq!(
            grown.says(Some(700 << 20)).unwrap(),
            "300 MiB of about 700 MiB, 20 MiB/s, about 20 s left"
        );
        assert_eq!(grown.says(None).unwrap(), "300 MiB, 20 MiB/s");
        assert_eq!(after(&[(0, 700), (5, 700)]).says(Some(700 << 20)).unwrap(), "700 MiB of about 700 MiB");
    }

    #[test]
    fn a_directory_that_was_emptied_begins_anew() {
        let gauge = after(&[(0, 700), (5, 10), (10, 60)]);
        assert_eq!(
            gauge.says(Some(700 << 20)).unwrap(),
            "60 MiB of about 700 MiB, 10 MiB/s, about 64 s left"
        );
    }
}
