//! The kept corpus of every parser of foreign text, replayed; and some thousand mutations of it, the same in every run.
//!
//! tests/fuzz is the same targets for libFuzzer. What it finds goes into tests/fuzz/corpus, and is then replayed here.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test, and functions shared with a crate of their own"
)]

#[path = "fuzz/targets.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use targets::{TARGETS, Target};

/// Mutations of each target's corpus.
const MUTATIONS: usize = 1500;
/// The longest input: what is longer is cut by the ways that bring it.
const LONGEST: usize = 48 * 1024;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

/// The kept inputs of a target, by name.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus().join(target);
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

/// Numbers that are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % below.max(1)
    }
}

/// What parsers trip over.
const TOKENS: &[&[u8]] = &[
    b"",
    b"\n",
    b"\r\n",
    b"\0",
    b":",
    b"=",
    b" ",
    b"-1",
    b"0",
    b"1",
    b"18446744073709551615",
    b"9223372036854775808",
    b"99999999999999999999999",
    b"-9223372036854775809",
    b"00000000-0000-0000-0000-000000000000",
    b"%end\n",
    b"%client ",
    b"%section ",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\x1b[2J",
    b"{",
    b"\"",
    b"[[",
    b"'''",
    b"\t",
    b",",
    b"/",
    b"..",
    b"1970-01-01T00:00:00Z",
    b"9999-12-31T23:59:59Z",
    b"seqno:",
    b"WSREP: Recovered position",
];

/// One to four small changes.
fn mutated(numbers: &mut Numbers, kept: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut data = kept[numbers.next(kept.len())].1.clone();
    for _ in 0..=numbers.next(4) {
        let at = numbers.next(data.len() + 1);
        let to = (at + numbers.next(64)).min(data.len());
        match numbers.next(8) {
            0 if at < data.len() => data[at] ^= 1 << numbers.next(8),
            1 if at < data.len() => data[at] = u8::try_from(numbers.next(256)).unwrap(),
            2 => data.truncate(at),
            3 => drop(data.drain(at..to)),
            4 => {
                let again = data[at..to].to_vec();
                data.splice(at..at, again);
            }
            5 => {
                // The head of one, the tail of another.
                let other = &kept[numbers.next(kept.len())].1;
                let from = numbers.next(other.len() + 1);
                data.truncate(at);
                data.extend(&other[from..]);
            }
            6 => {
                // A line goes somewhere else.
                let mut lines: Vec<&[u8]> = data.split_inclusive(|byte| *byte == b'\n').collect();
                let (one, other) = (numbers.next(lines.len()), numbers.next(lines.len()));
                if !lines.is_empty() {
                    lines.swap(one, other);
                }
                data = lines.concat();
            }
            _ => {
                let token = TOKENS[numbers.next(TOKENS.len())];
                data.splice(at..at, token.iter().copied());
            }
        }
    }
    data.truncate(LONGEST);
    data
}

/// Runs one input; what it panics on is written where it can be kept.
fn run(target: &Target, name: &str, data: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(data))).is_err() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", target.name));
        fs::write(&file, data).unwrap();
        panic!("{} does not bear {name}: see {}", target.name, file.display());
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    for target in TARGETS {
        assert!(kept(target.name).len() >= 3, "{}", target.name);
        let namesakes = TARGETS.iter().filter(|other| other.name == target.name).count();
        assert_eq!(namesakes, 1, "{} is two targets", target.name);
    }
    for entry in fs::read_dir(corpus()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(TARGETS.iter().any(|target| target.name == name), "corpus/{name} has no target");
    }
}

#[test]
fn the_kept_corpus_is_borne() {
    for target in TARGETS {
        for (name, data) in kept(target.name) {
            run(target, &name, &data);
        }
    }
    fs::remove_dir_all(targets::folder()).unwrap();
}

#[test]
fn mutations_of_the_corpus_are_borne() {
    for target in TARGETS {
        let kept = kept(target.name);
        let seed = target
            .name
            .bytes()
            .fold(0x9e37_79b9_7f4a_7c15, |seed: u64, b| seed.rotate_left(7) ^ u64::from(b));
        let mut numbers = Numbers(seed);
        for turn in 0..MUTATIONS {
            run(target, &format!("mutation-{turn}"), &mutated(&mut numbers, &kept));
        }
    }
    fs::remove_dir_all(targets::folder()).unwrap();
}
