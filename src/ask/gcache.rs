//! galera.cache: the write-sets a node can still give to others, as its preamble says it while no server runs.

use jiff::Timestamp;

use super::frame::Frame;
use super::unit::Setter;
use crate::facts::{ClusterUuid, Facts, Known, Plain, Seqno, WhyKind, keys};

/// What a cache that was closed cleanly holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    uuid: ClusterUuid,
    low: Seqno,
    high: Seqno,
}

/// The cache's facts. What runs must have been read before.
pub(super) fn facts(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let held = out.get(keys::SERVER_STATE).and_then(|state| {
        if state.as_str().is_empty() {
            return frame.text("gcache-head", "galera.cache").and_then(preamble);
        }
        Known::unknown(WhyKind::Undefined, "the server runs: its status says what it caches")
    });
    let source = Plain::from("galera.cache");
    let mut set = Setter { out, source: &source, at };
    set.set(keys::GCACHE_UUID, held.as_ref().map(|held| held.uuid));
    set.set(keys::GCACHE_LOW, held.as_ref().map(|held| held.low));
    set.set(keys::GCACHE_HIGH, held.map(|held| held.high));
    set.set(keys::GCACHE_BYTES, frame.text("gcache-sizes", "galera.cache").and_then(sizes));
}

/// Reads the preamble: lines `name: value`. A cache that was not closed says `synced: 0`, and its bounds, where they stand
/// there at all, are of another time.
fn preamble(text: &str) -> Known<Held> {
    let value = |name: &str| {
        let mut found =
            text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    let malformed =
        || Known::unknown(WhyKind::Malformed, "the preamble of galera.cache is not of the known form");
    match value("synced") {
        Some("1") => {}
        Some("0") => {
            return Known::unknown(WhyKind::Undefined, "galera.cache was not closed cleanly");
        }
        _ => return malformed(),
    }
    let (Some(uuid), Some(low), Some(high)) = (value("GID"), value("seqno_min"), value("seqno_max")) else {
        return malformed();
    };
    match (ClusterUuid::parse(uuid), Seqno::parse(low), Seqno::parse(high)) {
        (Ok(Some(uuid)), Ok(Some(low)), Ok(Some(high))) if low <= high => {
            Known::Known(Held { uuid, low, high })
        }
        (Ok(_), Ok(low), Ok(high)) if low.is_none() || high.is_none() => {
            Known::unknown(WhyKind::Undefined, "galera.cache holds no write-set")
        }
        (Ok(None), ..) => Known::unknown(WhyKind::Undefined, "galera.cache is of no history"),
        _ => malformed(),
    }
}

/// The sum of sizes in bytes, one a line.
fn sizes(text: &str) -> Known<u64> {
    let mut sum = Some(0_u64);
    for line in text.lines() {
        let size = line.bytes().all(|b| b.is_ascii_digit()).then(|| line.parse::<u64>().ok()).flatten();
        sum = sum.zip(size).and_then(|(sum, size)| sum.checked_add(size));
    }
    match sum.filter(|_| !text.is_empty()) {
        Some(sum) => Known::Known(sum),
        None => Known::unknown(WhyKind::Malformed, "the sizes of galera.cache and its pages are no numbers"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of a server that was stopped, and of one that runs or was killed (MariaDB 10.11.19, galera 26.4.23).
    const CLOSED: &str = "Version: 2\nGID: 67281eaa-e5eb-11f1-a672-1fa6f5819879\nseqno_min: 1\nseqno_max: 3\noffset: 1280\nsynced: 1\n\n";
    const OPEN: &str = "Version: 2\nGID: 67281eaa-e5eb-11f1-a672-1fa6f5819879\nsynced: 0\n";

    #[test]
    fn a_cache_closed_and_one_that_was_not() {
        let held = preamble(CLOSED);
        assert!(
            held.is(
                |held| (held.low.get(), held.high.get(), held.uuid.short().as_ref()) == (1, 3, "67281eaa")
            )
        );
        assert_eq!(preamble(OPEN).why().unwrap().kind, WhyKind::Undefined);
        assert_eq!(
            preamble(&CLOSED.replace("synced: 1", "synced: 0")).why().unwrap().kind,
            WhyKind::Undefined
        );
        assert_eq!(preamble(&CLOSED.replace(": 3", ": -1")).why().unwrap().kind, WhyKind::Undefined);
        for bad in [
            String::new(),
            CLOSED.replace("seqno_min: 1\n", ""),
            CLOSED.replace(": 3", ": 0"),
            CLOSED.replace("synced: 1", "synced: 1\nsynced: 0"),
            CLOSED.replace("67281eaa", "x"),
        ] {
            assert_eq!(preamble(&bad).why().unwrap().kind, WhyKind::Malformed, "{bad}");
        }
    }

    #[test]
    fn the_room_is_a_sum() {
        assert_eq!(sizes("33555736\n134217728"), Known::Known(167_773_464));
        for bad in ["", "x", "1\n-1", "18446744073709551615\n1"] {
            assert!(sizes(bad).why().is_some(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents(at in 0usize..120, with in "\\PC{0,4}") {
            let mut text = CLOSED.to_owned();
            if text.is_char_boundary(at) && at <= text.len() {
                text.insert_str(at, &with);
            }
            if let Known::Known(held) = preamble(&text) {
                prop_assert!(text.contains(&held.high.to_string()) && text.contains("synced: 1"));
            }
            let _ = sizes(&with);
        }
    }
}
