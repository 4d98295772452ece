//! The table of known log lines beside the captures it rests on.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use breakglass::ask::lines::{Proof, by_id, classify};

/// What the table calls seen in a lab stands, word for word, in the capture it names.
#[test]
fn captured_lines_stand_in_their_captures() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut read = 0;
    for sample in include_str!("fixtures/log/captured.tsv").lines() {
        let mut parts = sample.splitn(3, '\t');
        let (Some(id), Some(origin), Some(line)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        assert_eq!(by_id(id).unwrap().proof, Proof::Lab, "{id}");
        let capture = std::fs::read(fixtures.join(origin)).unwrap();
        let capture = String::from_utf8_lossy(&capture);
        assert!(capture.lines().any(|other| other.trim() == line), "{id}: {origin} does not hold: {line}");
        read += 1;
    }
    assert!(read > 0, "no sample was read");
}

/// What the judge reads of a log; the first four repeat every second or with every client, and are seen in the tail.
const READ: &[&str] = &[
    "peer-refused",
    "tls-handshake",
    "tls-expired",
    "too-many-connections",
    "conflicting-prims",
    "reversing-history",
    "not-safe-to-bootstrap",
    "no-primary-view",
    "gvwstate-invalid",
    "pc-bootstrap-refused",
    "pc-bootstrap-ignored",
    "start-timeout",
    "sst-no-space",
    "page-no-space",
    "disk-full",
    "donor-gone",
    "sst-failed",
    "never-receives-state",
    "state-file-unwritable",
    "recovery-skipped",
    "recovery-failed",
    "recovery-not-writable",
    "keys-missing",
    "prepared-xa",
    "ist-not-cached",
    "ist-failed",
    "inconsistent",
    "aria-locked",
    "innodb-locked",
    "address-in-use",
    "protocol-unsupported",
    "gcache-broken",
    "gcache-reset",
    "io-error",
    "read-only-filesystem",
    "evicted",
    "older-overrides",
    "no-prim-members",
    "plugin-missing",
    "datadir-missing",
    "restored-view",
    "unknown-option",
];

/// The probe brings what the judge reads from far back too, not only from the last lines.
#[test]
fn the_probe_looks_for_what_the_judge_reads() {
    let probe = include_str!("../src/ask/probe.sh");
    let marks = probe.lines().find_map(|line| line.strip_prefix("marks='")?.strip_suffix('\'')).unwrap();
    let samples =
        concat!(include_str!("fixtures/log/captured.tsv"), include_str!("fixtures/log/published.tsv"));
    for id in READ {
        assert!(by_id(id).is_some(), "{id} is no row");
        let mut read = 0;
        for sample in samples.lines().filter(|sample| sample.split('\t').next() == Some(*id)) {
            let line = sample.splitn(3, '\t').last().unwrap();
            let mut grep = Command::new("grep")
                .args(["-cE", "-e", marks])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            grep.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
            let found = grep.wait().unwrap().success();
            assert_eq!(found, !READ[..4].contains(id), "{id}: {line}");
            read += 1;
        }
        assert!(read > 0, "{id} has no sample");
    }
}

/// A long log is classified while nobody notices.
#[test]
fn two_thousand_lines_take_no_time() {
    let samples =
        concat!(include_str!("fixtures/log/captured.tsv"), include_str!("fixtures/log/published.tsv"));
    let lines: Vec<&str> = samples.lines().filter_map(|sample| sample.splitn(3, '\t').nth(2)).collect();
    let started = Instant::now();
    let known = lines.iter().cycle().take(2000).filter(|line| classify(line).is_some()).count();
    let took = started.elapsed();
    assert_eq!(known, 2000);
    assert!(
        took.as_millis() < 500,
        "{took:?}, and this is what an unoptimised build may take on a busy machine"
    );
}
