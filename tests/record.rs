//! Attacks on a record: whoever changes, cuts, reorders or makes anew what was written is found, as far as a remembered
//! head reaches; and what cannot be proved is never called whole.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::process::Command;

use breakglass::facts::{ClusterName, Mode, SessionId};
use breakglass::record::body::{Gap, OpOutcome, Outcome};
use breakglass::record::{Body, Finding, Head, Log, NO_HASH, Place, Reason, Verdict, read, verify};
use jiff::Timestamp;
use tempfile::TempDir;

#[path = "support/records.rs"]
mod records;

use records::{
    close, confirm, destructive, intent, note, open, outcome, output, sent, session, sha256, twelve,
};

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

/// A log in a folder of its own, and the head that was remembered of it.
struct Kept {
    _dir: TempDir,
    dir: PathBuf,
    head: Head,
    bytes: Vec<u8>,
}

impl Kept {
    /// Writes these records with the one writer.
    fn new(records: impl IntoIterator<Item = (SessionId, Body)>) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let cluster = ClusterName::new("shop").unwrap();
        let head = temp.path().join("head");
        let place = Place::new(&temp.path().join("state"), Mode::Live, &cluster, Some(head.clone()));
        let (mut log, _) = Log::open(&place, &now).unwrap();
        for (mono, (session, body)) in (0..).zip(records) {
            log.append(&session, now(), mono, body).unwrap();
        }
        log.remember_head().unwrap();
        drop(log);
        let bytes = fs::read(place.dir.join("log.jsonl")).unwrap();
        Self { head: Head::read(&head).unwrap().unwrap(), dir: place.dir, bytes, _dir: temp }
    }

    fn twelve() -> Self {
        Self::new(twelve().into_iter().map(|body| (session(1), body)))
    }

    fn put(&self, bytes: &[u8]) {
        fs::write(self.dir.join("log.jsonl"), bytes).unwrap();
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.bytes.clone()).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn verdict(&self) -> Verdict {
        verify(&self.dir, Some(&self.head)).unwrap()
    }

    /// The most severe reason, once the log is these lines.
    fn with(&self, lines: &[String]) -> Reason {
        self.put(lines.concat().as_bytes());
        self.reason()
    }

    fn reason(&self) -> Reason {
        self.verdict().worst().unwrap().reason
    }
}

/// Makes the chain anew from line `from` on: what somebody does who can write the file and knows the format.
fn rechain(lines: &mut [String], from: usize) {
    for at in from..lines.len() {
        let prev = at
            .checked_sub(1)
            .map_or(NO_HASH.to_owned(), |before| sha256(lines[before].trim_end().as_bytes()));
        let begin = lines[at].find("\"prev\":\"").unwrap() + 8;
        lines[at].replace_range(begin..begin + 64, &prev);
    }
}

/// The same, with the numbers put right as well.
fn renumber(lines: &mut [String]) {
    for (seq, line) in lines.iter_mut().enumerate() {
        let begin = line.find("\"seq\":").unwrap() + 6;
        let end = begin + line[begin..].find(',').unwrap();
        line.replace_range(begin..end, &seq.to_string());
    }
    rechain(lines, 0);
}

#[test]
fn the_best_there_is_is_unsigned() {
    let kept = Kept::twelve();
    let verdict = kept.verdict();
    assert_eq!((verdict.result(), verdict.exit()), (Finding::NotProvable, 61));
    assert_eq!(verdict.faults.iter().map(|fault| fault.reason).collect::<Vec<_>>(), [Reason::Unsigned]);
    assert_eq!((verdict.records, verdict.proved, verdict.head.as_ref()), (12, Some(11), Some(&kept.head)));
    let without = verify(&kept.dir, None).unwrap();
    assert_eq!(without.worst().unwrap().reason, Reason::NoHead);
    assert_eq!((without.exit(), without.proved), (61, None));
}

#[test]
fn every_flip_of_a_single_bit_is_found() {
    let kept = Kept::twelve();
    assert_eq!(read(&kept.dir).unwrap().len(), 12);
    let mut file = File::options().write(true).open(kept.dir.join("log.jsonl")).unwrap();
    let mut put = |at: usize, byte: u8| {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&[byte]).unwrap();
    };
    for (at, byte) in kept.bytes.iter().enumerate() {
        for bit in 0..8 {
            put(at, byte ^ (1 << bit));
            assert_eq!(kept.verdict().result(), Finding::Broken, "bit {bit} of byte {at}");
        }
        put(at, *byte);
    }
    assert_eq!(kept.reason(), Reason::Unsigned);
}

#[test]
fn a_cut_at_every_byte_is_found() {
    let kept = Kept::twelve();
    for cut in 0..kept.bytes.len() {
        kept.put(&kept.bytes[..cut]);
        assert_eq!(kept.reason(), Reason::Truncated, "cut at {cut}");
    }
    // Without the head it cannot be told, and that is said.
    let lines = kept.lines();
    kept.put(lines[..8].concat().as_bytes());
    assert_eq!(verify(&kept.dir, None).unwrap().worst().unwrap().reason, Reason::NoHead);
}

#[test]
fn lines_swapped_doubled_removed_and_spliced_are_found() {
    let kept = Kept::twelve();
    let other = Kept::new(twelve().into_iter().map(|body| (session(2), body))).lines();
    let good = kept.lines();
    for at in 0..good.len() {
        let mut doubled = good.clone();
        doubled.insert(at, good[at].clone());
        assert_eq!(kept.with(&doubled), Reason::Order, "doubled {at}");
        renumber(&mut doubled);
        assert!(kept.with(&doubled).is_broken(), "doubled {at} and made anew");

        let mut spliced = good.clone();
        spliced[at] = other[at].clone();
        assert!(kept.with(&spliced).is_broken(), "spliced {at}");
        rechain(&mut spliced, 0);
        assert!(kept.with(&spliced).is_broken(), "spliced {at} and made anew");

        let mut removed = good.clone();
        removed.remove(at);
        assert!(kept.with(&removed).is_broken(), "removed {at}");
        renumber(&mut removed);
        assert!(kept.with(&removed).is_broken(), "removed {at} and made anew");

        for to in 0..at {
            let mut swapped = good.clone();
            swapped.swap(at, to);
            assert_eq!(kept.with(&swapped), Reason::Order, "swapped {to} and {at}");
        }
    }
}

#[test]
fn a_chain_made_anew_is_found_by_the_head_alone() {
    let kept = Kept::twelve();
    let good = kept.lines();
    for at in 0..good.len() {
        let mut forged = good.clone();
        forged[at] = forged[at].replace("03:00:00.", "03:00:01.");
        assert_ne!(forged[at], good[at]);
        rechain(&mut forged, at);
        assert_eq!(kept.with(&forged), Reason::Fork, "made anew from {at}");
        let alone = verify(&kept.dir, None).unwrap();
        assert_eq!(alone.result(), Finding::NotProvable, "nothing else can tell: {:?}", alone.faults);
    }
}

#[test]
fn what_follows_the_head_is_told_apart_from_what_it_covers() {
    let kept = Kept::twelve();
    let longer = Kept::new(
        twelve()
            .into_iter()
            .map(|body| (session(1), body))
            .chain([(session(2), open().into()), (session(2), close(&[]).into())]),
    );
    kept.put(&longer.bytes);
    let verdict = kept.verdict();
    assert_eq!((verdict.exit(), verdict.records, verdict.proved), (61, 14, Some(11)));
}

#[test]
fn a_rolled_back_folder_and_another_log_are_found() {
    let kept = Kept::twelve();
    let older = Kept::new(twelve().into_iter().take(6).map(|body| (session(1), body)));
    assert_eq!(verify(&older.dir, Some(&kept.head)).unwrap().worst().unwrap().reason, Reason::Truncated);
    let other = Kept::new(twelve().into_iter().map(|body| (session(2), body)));
    let verdict = verify(&other.dir, Some(&kept.head)).unwrap();
    let worst = verdict.worst().unwrap();
    assert_eq!((worst.reason, worst.seq, verdict.proved), (Reason::Fork, Some(0), None));
    kept.put(b"");
    assert_eq!(kept.reason(), Reason::Truncated);
}

/// Lines as somebody would write them who knows the format and cares nothing for the rules.
fn forge(bodies: &[(u8, Body)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (seq, (number, body)) in bodies.iter().enumerate() {
        let body = serde_json::to_string(body).unwrap();
        let body = body.strip_prefix('{').unwrap();
        lines.push(format!(
            "{{\"v\":1,\"seq\":{seq},\"prev\":\"{NO_HASH}\",\"t\":\"2026-11-21T03:00:00Z\",\"mono\":0,\"session\":\"{}\",\"mode\":\"live\",{body}\n",
            session(*number)
        ));
    }
    rechain(&mut lines, 0);
    lines
}

#[test]
fn records_that_contradict_each_other_are_found() {
    let head = |lines: &[String]| Head {
        log: sha256(lines[0].trim_end().as_bytes()),
        seq: lines.len() as u64 - 1,
        hash: sha256(lines.last().unwrap().trim_end().as_bytes()),
    };
    let kept = Kept::twelve();
    let told = |bodies: &[(u8, Body)]| {
        let lines = forge(bodies);
        kept.put(lines.concat().as_bytes());
        let verdict = verify(&kept.dir, Some(&head(&lines))).unwrap();
        let worst = verdict.worst().unwrap();
        (worst.reason, worst.seq)
    };
    let begin = (1, open().into());
    let end = (1, close(&[]).into());
    let semantics = |seq| (Reason::Semantics, Some(seq));
    assert_eq!(told(&[begin.clone(), end.clone()]), (Reason::Unsigned, None));
    assert_eq!(told(&[begin.clone(), (1, sent("a").into()), end.clone()]), semantics(1));
    assert_eq!(told(&[begin.clone(), (1, outcome("a", Outcome::Done).into()), end.clone()]), semantics(1));
    let act =
        |at: u64| [(1, destructive("a", at).into()), (1, sent("a").into()), (1, output("a", None).into())];
    let done = |result| (1, Body::from(OpOutcome { detail: "seen".to_owned(), ..outcome("a", result) }));
    let asked = |matched| (1, confirm(matched).into());
    let walk = |asked, at, result| {
        let mut bodies = vec![begin.clone(), asked];
        bodies.extend(act(at));
        bodies.extend([done(result), end.clone()]);
        told(&bodies)
    };
    assert_eq!(walk(asked(true), 1, Outcome::Done), (Reason::Unsigned, None));
    assert_eq!(walk(asked(false), 1, Outcome::Done), semantics(2));
    assert_eq!(walk(asked(true), 0, Outcome::Done), semantics(2));
    assert_eq!(walk(asked(true), 1, Outcome::Unknown), semantics(6));
    assert_eq!(told(&[begin.clone(), (1, intent("a", None).into()), end.clone()]), semantics(2));
    assert_eq!(told(&[begin.clone(), end.clone(), (1, note("late").into())]), semantics(2));
    // Not broken, and never called whole: a session that nobody closed, and a gap that is declared.
    assert_eq!(told(&[begin.clone(), (1, note("on").into())]), (Reason::NotClosed, Some(0)));
    let gap = Gap { why: "the disk was full".to_owned() };
    assert_eq!(told(&[begin.clone(), (1, gap.into()), end.clone()]), (Reason::Gap, Some(1)));

    let lines: Vec<String> = forge(&[begin, end]).iter().map(|line| line.replace("live", "drill")).collect();
    let mut mixed = kept.lines();
    mixed.extend(lines);
    renumber(&mut mixed);
    kept.put(mixed.concat().as_bytes());
    assert_eq!(verify(&kept.dir, Some(&head(&mixed))).unwrap().worst().unwrap().seq, Some(12));
}

#[test]
fn evidence_that_is_gone_or_changed_is_found() {
    let temp = tempfile::tempdir().unwrap();
    let place = Place::new(temp.path(), Mode::Drill, &ClusterName::new("shop").unwrap(), None);
    let (mut log, _) = Log::open(&place, &now).unwrap();
    let blob = log.blob(b"all of it").unwrap();
    assert_eq!(log.blob(b"all of it").unwrap(), blob);
    for body in [
        open().into(),
        intent("a", None).into(),
        sent("a").into(),
        output("a", Some(blob.clone())).into(),
        outcome("a", Outcome::Done).into(),
        close(&[]).into(),
    ] {
        log.durable(&session(1), now(), 0, body).unwrap();
    }
    let reason = || verify(&place.dir, None).unwrap().worst().map(|fault| (fault.reason, fault.seq)).unwrap();
    assert_eq!(reason(), (Reason::NoHead, None));
    let path = place.dir.join("blob").join(&blob.sha256);
    for changed in [&b"all of iT"[..], b"all of it.", b""] {
        fs::write(&path, changed).unwrap();
        assert_eq!(reason(), (Reason::BlobMissing, Some(3)));
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(reason(), (Reason::BlobMissing, Some(3)));
    std::os::unix::fs::symlink(place.dir.join("log.jsonl"), &path).unwrap();
    assert_eq!(reason(), (Reason::BlobMissing, Some(3)));
    // A writer that finds something else under the name puts the right thing back.
    fs::remove_file(&path).unwrap();
    fs::write(&path, "all of iT").unwrap();
    assert_eq!(log.blob(b"all of it").unwrap(), blob);
    assert_eq!(reason(), (Reason::NoHead, None));
}

#[test]
fn a_later_versions_records_are_not_called_altered() {
    let kept = Kept::twelve();
    let mut lines = kept.lines();
    lines[11] = lines[11].replace("\"v\":1", "\"v\":2");
    kept.put(lines.concat().as_bytes());
    let verdict = verify(&kept.dir, None).unwrap();
    let worst = verdict.worst().unwrap();
    assert_eq!((worst.reason, worst.seq, verdict.exit()), (Reason::NewerSchema, Some(11), 60));
    assert_eq!(worst.offset, Some(lines[..11].concat().len() as u64));
}

#[test]
fn no_log_is_an_error_and_not_an_answer() {
    let temp = tempfile::tempdir().unwrap();
    let error = verify(temp.path(), None).unwrap_err();
    assert!(error.to_string().contains("no log.jsonl"), "{error}");
}

/// The program over one home folder.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn place(&self, mode: Mode) -> Place {
        let state = self.dir.path().join(".local/state/breakglass");
        let head = (mode == Mode::Live).then(|| self.dir.path().join(".config/breakglass/heads/live/shop"));
        Place::new(&state, mode, &ClusterName::new("shop").unwrap(), head)
    }

    fn write(&self, mode: Mode, number: u8, bodies: Vec<Body>) {
        let (mut log, _) = Log::open(&self.place(mode), &now).unwrap();
        for body in bodies {
            log.durable(&session(number), now(), 0, body).unwrap();
        }
    }

    /// Exit code, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        let output = command.args(arguments).env_clear().env("HOME", self.dir.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

#[test]
fn the_program_lists_shows_and_verifies() {
    let home = Home::new();
    home.write(Mode::Live, 1, twelve());
    home.write(Mode::Live, 2, vec![open().into(), note("on\u{1b}[31m \u{202e}it").into()]);
    let (code, text, error) = home.run(&["audit", "list", "--cluster", "shop"]);
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let row = |number| text.lines().find(|line| line.contains(session(number).as_str())).unwrap();
    assert!(row(1).contains("live") && row(1).contains("galera.all-") && row(1).contains("done"), "{text}");
    assert!(row(2).contains("not ended"), "{text}");

    let (code, text, _) = home.run(&["audit", "show", "--cluster", "shop"]);
    assert!(code == 0 && text.contains(session(2).as_str()) && !text.contains("DESTRUCTIVE"), "{text}");
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text}");
    let (code, text, _) = home.run(&["audit", "show", session(1).as_str(), "--cluster", "shop"]);
    assert_eq!(code, 0);
    assert!(text.contains("DESTRUCTIVE") && text.contains("confirmed by record 4"), "{text}");
    assert!(text.contains("DID NOT MATCH") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let (_, text, _) = home.run(&["audit", "show", "--json", "--cluster", "shop"]);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[1]["seq"]), (2, &13.into()));
    assert_eq!(lines[1]["body"]["text"], "on\u{1b}[31m \u{202e}it");
    assert!(!text.contains('\u{202e}'), "{text}");

    let (code, text, _) = home.run(&["audit", "verify", "--cluster", "shop"]);
    assert_eq!(code, 61);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.starts_with("NOT PROVABLE: not-closed at record 12"), "{text}");
    assert!(text.contains("also unsigned") && text.contains("the 2 after it rest on"), "{text}");
}

#[test]
fn the_program_finds_a_records_head_by_its_name_by_its_folder_and_by_its_first_record() {
    let home = Home::new();
    home.write(Mode::Live, 1, twelve());
    home.write(Mode::Drill, 2, vec![open().into(), close(&[]).into()]);
    let place = home.place(Mode::Live);
    let own = place.dir.to_str().unwrap();
    let copy = home.dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(place.dir.join("log.jsonl"), copy.join("log.jsonl")).unwrap();
    let copy = copy.to_str().unwrap();
    let verdict = |arguments: &[&str]| {
        let (code, text, error) = home.run(&[&["audit", "verify", "--json"], arguments].concat());
        let told: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{error}"));
        assert_eq!(told["schema"], "breakglass.verify/1");
        (code, told["result"].clone(), told["reason"].clone(), told["seq"].clone())
    };
    let unsigned = (61, "not-provable".into(), "unsigned".into(), serde_json::Value::Null);
    assert_eq!(verdict(&["--cluster", "shop"]), unsigned);
    assert_eq!(verdict(&[own]), unsigned);
    assert_eq!(verdict(&[copy]), unsigned);
    assert_eq!(verdict(&["--cluster", "shop", "--mode", "drill"]).2, "no-head");
    let (_, _, error) = home.run(&["audit", "verify", "--cluster", "shop"]);
    assert!(error.contains("in mode live; there is one in mode drill"), "{error}");

    // Made anew from the first record on: by its name or its folder it is still held to what was remembered.
    let text = fs::read_to_string(place.dir.join("log.jsonl")).unwrap();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    lines[0] = lines[0].replace("ann", "bob");
    rechain(&mut lines, 0);
    fs::write(place.dir.join("log.jsonl"), lines.concat()).unwrap();
    let fork = (60, "broken".into(), "fork".into(), 0.into());
    assert_eq!(verdict(&["--cluster", "shop"]), fork);
    assert_eq!(verdict(&[own]), fork);
    fs::write(place.dir.join("log.jsonl"), &text[..text.len() / 2]).unwrap();
    assert_eq!(verdict(&["--cluster", "shop"]).2, "truncated");
    fs::remove_dir_all(&place.dir).unwrap();
    assert_eq!(verdict(&["--cluster", "shop"]).2, "truncated");
}

#[test]
fn the_program_asks_for_what_it_is_not_told() {
    let home = Home::new();
    for (arguments, why) in [
        (&["audit", "verify"][..], "no inventory"),
        (&["audit", "list", "--cluster", "shop"], "no record of shop"),
        (&["audit", "verify", "/nonexistent"], "no log.jsonl"),
        (&["audit", "show", "--cluster", "../x"], "--cluster"),
        (&["audit", "verify", "x", "--cluster", "shop"], "cannot be used with"),
    ] {
        let (code, _, error) = home.run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {error}");
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
    home.write(Mode::Live, 1, twelve());
    let (code, _, error) = home.run(&["audit", "show", "7Z", "--cluster", "shop"]);
    assert_eq!(code, 2, "{error}");
    let path = home.place(Mode::Live).dir.join("log.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("ann", "bob", 1)).unwrap();
    let (code, text, error) = home.run(&["audit", "list", "--cluster", "shop"]);
    assert!(
        code == 60 && error.contains("broken: altered at record 0") && text.contains("done"),
        "{error}{text}"
    );
}
