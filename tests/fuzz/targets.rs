//! Every parser of text that somebody else wrote, as one function each: bytes in, and nothing may be thrown or made up.
//!
//! Shared by the libFuzzer crate beside this file and by tests/parsers.rs, which replays the kept corpus and mutations of it.

use std::fs;
use std::path::PathBuf;

use breakglass::ask::bundle::{self, File, Folder};
use breakglass::ask::probe::{self, Request};
use breakglass::ask::script::{self, Nonce};
use breakglass::ask::{act, client_error, grastate, gvwstate, lines, processes, recovered, sql};
use breakglass::facts::{ClusterUuid, Facts, Known, NodeName, Plain, Seqno, Value, keys};
use breakglass::inventory::{self, Server, Sql};
use breakglass::practice::drill;
use breakglass::{record, runbook};
use jiff::Timestamp;

/// A parser, by the name of its folder in the corpus.
#[derive(Clone, Copy)]
pub struct Target {
    /// The folder.
    pub name: &'static str,
    /// Panics where the parser does, or where it says what does not stand in the bytes.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "probe", run: whole_answer },
    Target { name: "section", run: section },
    Target { name: "grastate", run: state_file },
    Target { name: "gvwstate", run: saved_view },
    Target { name: "recovered", run: recovered_position },
    Target { name: "sql", run: rows },
    Target { name: "client-error", run: client_errors },
    Target { name: "known-lines", run: known_lines },
    Target { name: "bundle", run: collected },
    Target { name: "processes", run: process_list },
    Target { name: "act-answer", run: act_answer },
    Target { name: "trailer", run: trailer },
    Target { name: "ids", run: ids },
    Target { name: "inventory", run: inventory_file },
    Target { name: "runbook", run: runbook_file },
    Target { name: "drill", run: drill_file },
    Target { name: "record", run: record_log },
    Target { name: "bundle-folder", run: bundle_folder },
];

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// A seqno that is known stands in the text it was read from.
fn stands_there(seqno: Seqno, said: &str) {
    assert!(said.contains(&seqno.to_string()), "{seqno} was made up");
}

fn uuid_stands_there(uuid: ClusterUuid, said: &str) {
    assert!(said.to_ascii_lowercase().contains(&uuid.to_string()), "{uuid} was made up");
}

/// Whatever is shown is safe to show.
fn is_plain(shown: &Plain) {
    assert!(!shown.as_str().chars().any(char::is_control), "{shown:?}");
}

fn facts_are_plain(facts: &Facts) {
    for (_, fact) in facts.iter() {
        is_plain(&fact.source);
        match &fact.value {
            Known::Known(Value::Text(text)) => is_plain(text),
            Known::Known(Value::Texts(texts)) => texts.iter().for_each(is_plain),
            Known::Known(_) => {}
            Known::Unknown(why) => is_plain(&why.text),
        }
    }
}

/// One file of a bundle: its name in the first line, then its bytes. What is saved of it reads as the same again.
fn collected(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (name, rest) = data.split_at(end);
    let Some(file) = File::ALL.into_iter().find(|file| file.name().as_bytes() == name) else { return };
    let Ok(name) = NodeName::new("g1") else { return };
    let folder = |files: &[(File, &[u8])]| Folder {
        name: name.clone(),
        place: "shop/g1".to_owned(),
        files: files.iter().map(|(file, bytes)| (*file, Known::Known(bytes.to_vec()))).collect(),
    };
    let read = bundle::read(&folder(&[(file, rest.get(1..).unwrap_or_default())]), Timestamp::UNIX_EPOCH);
    facts_are_plain(&read.facts);
    let written = bundle::written(&read);
    let named = |file: File| written.iter().find(|(name, _)| *name == file.name());
    let files: Vec<(File, &[u8])> =
        File::ALL.into_iter().filter_map(|file| Some((file, named(file)?.1.as_slice()))).collect();
    let again = bundle::read(&folder(&files), Timestamp::UNIX_EPOCH);
    // A form may not carry a value, and never makes another of it.
    for key in [keys::SERVER_STATE, keys::GRASTATE_FILE, keys::GVWSTATE_FILE, keys::WSREP_CLUSTER_STATUS] {
        let (was, is) = (read.facts.get(key), again.facts.get(key));
        assert!(is.known().is_none() || is == was);
    }
    let (was, is) = (read.facts.get(keys::GRASTATE_SEQNO), again.facts.get(keys::GRASTATE_SEQNO));
    assert!(is.known().is_none() || is == was);
    let (was, is) = (read.facts.get(keys::RECOVERED), again.facts.get(keys::RECOVERED));
    assert!(is.known().is_none() || is == was);
}

/// Whether it was an answer.
fn read(answer: &[u8]) -> bool {
    let request = Request::new(&Server::default(), &Sql::Probe);
    match probe::read(&request, answer, Timestamp::UNIX_EPOCH) {
        Ok(answer) => {
            facts_are_plain(&answer.facts);
            true
        }
        Err(why) => {
            assert!(!why.0.is_empty());
            false
        }
    }
}

/// The probe's answer as it comes over the wire.
fn whole_answer(data: &[u8]) {
    read(data);
}

/// One section of the answer, whatever its name: the first line is the name, the rest its bytes. It stands in an answer
/// that has a data directory and a clock.
fn section(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (name, body) = data.split_at(at);
    let name = text(name);
    let body = body.get(1..).unwrap_or_default();
    let around: [(&str, &[u8]); 5] = [
        ("clock", b"1795280400 0"),
        ("datadir", b"/var/lib/mysql"),
        ("datadir-stat", b"64769 131 mysql:mysql 755"),
        ("manager", b"systemd"),
        ("processes", b""),
    ];
    let mut answer = b"%breakglass-probe 1\n".to_vec();
    let mut add = |name: &str, body: &[u8]| {
        answer.extend(format!("%section {name} ok {}\n", body.len()).into_bytes());
        answer.extend(body);
        answer.push(b'\n');
    };
    for (known, body) in around.into_iter().filter(|(known, _)| *known != name) {
        add(known, body);
    }
    add(&name, body);
    answer.extend(b"%end\n");
    let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    assert_eq!(
        read(&answer),
        !name.is_empty() && name.bytes().all(is_name),
        "whatever a section holds, it is an answer"
    );
}

fn state_file(data: &[u8]) {
    let said = text(data);
    let read = grastate::parse(data);
    if let Known::Known(uuid) = read.uuid {
        uuid_stands_there(uuid, &said);
    }
    if let Known::Known(seqno) = read.seqno {
        stands_there(seqno, &said);
    }
    if let Known::Known(safe) = read.safe {
        assert!(said.contains("safe_to_bootstrap") && said.contains(if safe { '1' } else { '0' }));
    }
    if let Known::Known(version) = &read.version {
        is_plain(version);
    }
}

fn saved_view(data: &[u8]) {
    let read = gvwstate::parse(data);
    if let Known::Known(view) = &read.view {
        let said = text(data);
        for member in view.members.iter().chain([&view.my_uuid, &view.view_id]) {
            is_plain(member);
        }
        assert!(
            view.members
                .iter()
                .all(|member| { said.to_ascii_lowercase().contains(&member.as_str().to_ascii_lowercase()) })
        );
        assert_eq!(read.file, "valid");
    }
}

fn recovered_position(data: &[u8]) {
    let said = text(data);
    let mut found = vec![recovered::last(&said), recovered::position(&said), act::recovered(data)];
    found.extend(said.lines().filter_map(recovered::line));
    for position in found.iter().filter_map(Known::known) {
        stands_there(position.seqno, &said);
        uuid_stands_there(position.uuid, &said);
    }
}

fn rows(data: &[u8]) {
    let said = text(data);
    let row = |line: &str| line.split_once('\t').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let rows: Vec<(String, String)> = said.lines().filter_map(row).collect();
    let members = Known::Known(rows.clone());
    let facts = sql::facts(&rows, &rows, members, &Plain::new("fuzz"), Timestamp::UNIX_EPOCH);
    for (name, fact) in facts.iter() {
        match fact.value {
            Known::Known(Value::Seqno(seqno)) => stands_there(seqno, &said),
            Known::Known(Value::Uuid(uuid)) => uuid_stands_there(uuid, &said),
            _ => {}
        }
        assert!(!name.is_empty());
    }
    facts_are_plain(&facts);
}

fn client_errors(data: &[u8]) {
    let reach = client_error::classify(&text(data));
    assert!(!reach.is_ok(), "an error is never an answer");
    is_plain(&reach.detail);
    is_plain(&reach.next);
}

fn known_lines(data: &[u8]) {
    for line in text(data).lines() {
        let message = lines::message(line);
        assert!(line.contains(message), "{message:?} was made up");
        if let Some(known) = lines::classify(line) {
            assert_eq!(lines::by_id(known.id), Some(known));
        }
    }
}

fn process_list(data: &[u8]) {
    let shown: Vec<Plain> = text(data).lines().map(Plain::new).collect();
    assert!(processes(&shown).len() <= shown.len());
}

fn act_answer(data: &[u8]) {
    match act::answer(data) {
        Ok(act::Answer::Done { status, .. }) => assert!((0..=255).contains(&status)),
        Ok(act::Answer::Refused { word, .. }) => assert!(!word.is_empty()),
        Ok(_) => {}
        Err(why) => is_plain(&why.0),
    }
    act::lines(data).iter().for_each(is_plain);
    if let Known::Known(stamp) = act::stamp(data) {
        is_plain(&stamp);
    }
}

fn trailer(data: &[u8]) {
    let nonce = Nonce::new([7; 16]);
    if let Some((output, _)) = script::trailer(data, &nonce) {
        assert!(data.starts_with(output));
    }
}

fn ids(data: &[u8]) {
    let said = text(data);
    if let Ok(Some(uuid)) = ClusterUuid::parse(&said) {
        assert_eq!(uuid.to_string(), said.to_ascii_lowercase());
    }
    if let Ok(Some(seqno)) = Seqno::parse(&said) {
        stands_there(seqno, &said);
    }
    if let Ok(name) = NodeName::new(&said) {
        assert!(!name.as_str().starts_with('-') && name.as_str() == said);
    }
    is_plain(&Plain::from_bytes(data));
}

fn inventory_file(data: &[u8]) {
    match inventory::parse_bytes("fuzz.toml", data) {
        Ok(inventory) => assert!(!inventory.clusters.is_empty()),
        Err(wrong) => assert!(!wrong.to_string().is_empty()),
    }
}

fn runbook_file(data: &[u8]) {
    match runbook::parse("fuzz.toml", data) {
        Ok(runbook) => assert!(!runbook.steps.is_empty()),
        Err(wrong) => assert!(!wrong.to_string().is_empty()),
    }
}

fn drill_file(data: &[u8]) {
    if let Err(wrong) = drill::parse("fuzz.toml", data) {
        assert!(!wrong.to_string().is_empty());
    }
}

/// A log that was copied from somewhere: read, and verified. What can be read is never more than there are lines.
fn record_log(data: &[u8]) {
    let folder = folder();
    if fs::write(folder.join("log.jsonl"), data).is_err() {
        return;
    }
    let there = data.split(|byte| *byte == b'\n').count();
    if let Ok(scan) = record::scan(&folder) {
        assert!(scan.records.len() <= there);
    }
    // A log of which anything is wrong is never proved; without its head none is.
    if let Ok(verdict) = record::verify(&folder, None) {
        assert!(verdict.exit() != 0, "proved without a head");
    }
}

/// The files of one node as somebody collected them: each begins with a line `%file NAME`. A name that no bundle knows is no
/// file.
fn bundle_folder(data: &[u8]) {
    let mut files = std::collections::BTreeMap::new();
    let mut current = None;
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"%file ") {
            let name = text(name);
            current = File::ALL.into_iter().find(|file| file.name() == name.trim_end());
            if let Some(file) = current {
                files.entry(file).or_insert_with(Vec::new);
            }
        } else if let Some(bytes) = current.and_then(|file| files.get_mut(&file)) {
            bytes.extend(line);
        }
    }
    let said = text(data).replace('\0', "");
    let files = files.into_iter().map(|(file, bytes)| (file, Known::Known(bytes))).collect();
    let Ok(name) = NodeName::new("g1") else { return };
    let node = bundle::read(&Folder { name, place: "fuzz/g1".to_owned(), files }, Timestamp::UNIX_EPOCH);
    facts_are_plain(&node.facts);
    for key in [keys::GRASTATE_SEQNO, keys::WSREP_LAST_COMMITTED] {
        if let Known::Known(seqno) = node.facts.get(key) {
            stands_there(seqno, &said);
        }
    }
    // A collector may write a line as the numbers of its bytes: then the text stands nowhere.
    let numbers =
        said.split('[').skip(1).any(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    for key in [keys::RECOVERED, keys::LOG_POSITION] {
        if let (Known::Known(position), false) = (node.facts.get(key), numbers) {
            stands_there(position.seqno, &said);
            uuid_stands_there(position.uuid, &said);
        }
    }
    // What is kept of it, state files byte for byte, makes nothing up either.
    let known = |name: &str| File::ALL.into_iter().find(|file| file.name() == name);
    let mut files = std::collections::BTreeMap::new();
    for (name, bytes) in bundle::written(&node) {
        let file = known(name);
        let as_it_is = matches!(file, Some(File::Grastate | File::Gvwstate));
        assert!(as_it_is || !bytes.contains(&0), "{name} is text");
        files.extend(file.map(|file| (file, Known::Known(bytes))));
    }
    let again = bundle::read(&Folder { name: node.name.clone(), place: String::new(), files }, node.at);
    for key in [keys::GRASTATE_SEQNO, keys::WSREP_LAST_COMMITTED] {
        if let Known::Known(seqno) = again.facts.get(key) {
            assert_eq!(node.facts.get(key), Known::Known(seqno), "made up by keeping it");
        }
    }
    if let Known::Known(position) = again.facts.get(keys::RECOVERED) {
        assert_eq!(node.facts.get(keys::RECOVERED), Known::Known(position), "made up by keeping it");
    }
}

/// A folder of this process and thread, where the record's target works.
pub fn folder() -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "");
    let folder = std::env::temp_dir().join(format!("breakglass-fuzz-{}-{thread}", std::process::id()));
    drop(fs::create_dir_all(&folder));
    folder
}
