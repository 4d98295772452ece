//! grastate.dat, gvwstate.dat, ls.txt and df.txt.

use jiff::Timestamp;

use super::{File, Folder, Setter, room, rows};
use crate::ask::{grastate, gvwstate};
use crate::facts::{Facts, Known, Plain, WhyKind, keys};

pub(super) fn facts(folder: &Folder, at: Timestamp, out: &mut Facts) {
    grastate_facts(folder, at, out);
    gvwstate_facts(folder, at, out);
    listing_facts(folder, at, out);
    room_facts(folder, at, out);
}

/// A state file as it was collected.
enum Collected<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// On the node it does not exist: whoever collected it kept what the kernel said.
    Missing,
}

/// What stands in the file: the node's own, or the error of the command that should have copied it.
fn collected(folder: &Folder, file: File) -> Known<Collected<'_>> {
    folder.bytes(file).and_then(|bytes| {
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let said = String::from_utf8_lossy(first);
        let said = said.trim_end();
        let is_error = said.contains(file.name()) && said.contains(": ") && said.len() < 400;
        if is_error && said.ends_with("No such file or directory") {
            return Known::Known(Collected::Missing);
        }
        if is_error && said.ends_with("Permission denied") {
            return Known::unknown(WhyKind::Denied, format!("it was not collected: {said}"));
        }
        if COMMANDS.iter().any(|command| said.starts_with(command)) {
            return Known::unknown(WhyKind::NotRead, format!("it was not collected: {said}"));
        }
        // An editor's mark is none of the node's.
        Known::Known(Collected::Bytes(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)))
    })
}

/// How the errors of those begin who should have copied the file; a state file never does.
const COMMANDS: [&str; 13] = [
    "cat: ",
    "tail: ",
    "head: ",
    "cp: ",
    "scp: ",
    "ssh: ",
    "sudo: ",
    "su: ",
    "bash: ",
    "sh: ",
    "command terminated",
    "Error from server",
    "Permission denied",
];

/// The bytes; of a file that does not exist, why there are none.
fn bytes<'a>(collected: &Known<Collected<'a>>, name: &str) -> Known<&'a [u8]> {
    collected.as_ref().and_then(|collected| match collected {
        Collected::Bytes(bytes) => Known::Known(*bytes),
        Collected::Missing => Known::unknown(WhyKind::Undefined, format!("{name} does not exist")),
    })
}

/// The word for what the file is.
fn word<T>(collected: &Known<Collected<'_>>, read: &Known<T>, of: fn(&T) -> &'static str) -> Known<Plain> {
    match collected {
        Known::Known(Collected::Missing) => Known::Known(Plain::from("missing")),
        _ => read.as_ref().map(|read| Plain::from(of(read))),
    }
}

fn grastate_facts(folder: &Folder, at: Timestamp, out: &mut Facts) {
    let mut set = Setter { out, source: folder.source(File::Grastate), at };
    let collected = collected(folder, File::Grastate);
    let bytes = bytes(&collected, "grastate.dat");
    let read = bytes.as_ref().map(|bytes| grastate::parse(bytes));
    set.set(keys::GRASTATE_FILE, word(&collected, &read, |read| read.file));
    set.set(keys::GRASTATE_RAW, bytes.map(Plain::from_bytes));
    let read = read.as_ref();
    set.set(keys::GRASTATE_VERSION, read.clone().and_then(|read| read.version.clone()));
    set.set(keys::GRASTATE_UUID, read.clone().and_then(|read| read.uuid.clone()));
    set.set(keys::GRASTATE_SEQNO, read.clone().and_then(|read| read.seqno.clone()));
    set.set(keys::GRASTATE_SAFE, read.and_then(|read| read.safe.clone()));
}

fn gvwstate_facts(folder: &Folder, at: Timestamp, out: &mut Facts) {
    let mut set = Setter { out, source: folder.source(File::Gvwstate), at };
    let collected = collected(folder, File::Gvwstate);
    let bytes = bytes(&collected, "gvwstate.dat");
    let read = bytes.as_ref().map(|bytes| gvwstate::parse(bytes));
    set.set(keys::GVWSTATE_FILE, word(&collected, &read, |read| read.file));
    set.set(keys::GVWSTATE_RAW, bytes.map(Plain::from_bytes));
    let view = read.and_then(|read| read.view);
    set.set(keys::GVWSTATE_MY_UUID, view.as_ref().map(|view| view.my_uuid.clone()));
    set.set(keys::GVWSTATE_VIEW, view.as_ref().map(|view| view.view_id.clone()));
    set.set(keys::GVWSTATE_VIEW_SEQ, view.as_ref().map(|view| view.seq));
    set.set(keys::GVWSTATE_MEMBERS, view.as_ref().map(|view| view.members.clone()));
    set.set(keys::GVWSTATE_BOOTSTRAP, view.map(|view| view.bootstrap));
}

/// The first line of a listing that `status --save` wrote, which names only what it looked for.
pub(super) const LISTING_HEAD: &str = "# of the data directory, what Breakglass looks for:";

/// Names that a state transfer gives the files it leaves while it runs, as the probe looks for them.
const MARKERS: &[&str] =
    &["sst_in_progress", ".sst", "sst-xb-tmp", "rsync_sst.conf", "rsync_sst.pid", "wsrep_sst.pid"];

/// As [`MARKERS`], for what has a number or a method in its name.
const MARKER_ENDS: &[(&str, &str)] = &[
    ("wsrep_sst_", ".pid"),
    ("wsrep_sst_", ".conf"),
    ("mariabackup_sst", ".pid"),
    ("xtrabackup_sst", ".pid"),
];

fn is_marker(name: &str) -> bool {
    MARKERS.contains(&name)
        || MARKER_ENDS.iter().any(|(head, end)| {
            name.strip_prefix(head).is_some_and(|rest| rest.len() >= end.len() && rest.ends_with(end))
        })
}

/// What the data directory holds, where the listing is one of a data directory: its files prove that.
fn listing_facts(folder: &Folder, at: Timestamp, out: &mut Facts) {
    let text = folder.text(File::Listing).and_then(|text| {
        let proof = ["ibdata1", "aria_log_control", "grastate.dat", "galera.cache"];
        let is_ours = text.starts_with(LISTING_HEAD) || names(&text).any(|name| proof.contains(&name));
        if is_ours {
            Known::Known(text)
        } else {
            Known::unknown(
                WhyKind::Malformed,
                "ls.txt lists no file of a data directory: take `ls -la DATADIR`",
            )
        }
    });
    let mut set = Setter { out, source: folder.source(File::Listing), at };
    let markers = |text: &String| names(text).filter(|name| is_marker(name)).map(Plain::new).collect();
    set.set(keys::TRANSFER_MARKERS, text.as_ref().map(markers));
    set.set(keys::DATADIR_SYSTEM_SCHEMA, text.map(|text| names(&text).any(|name| name == "mysql")));
}

/// The names in a listing: the last word of each line, of a link the one before its arrow.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.split(" -> ").next().unwrap_or(line);
        let name = line.split_ascii_whitespace().next_back()?;
        Some(name.trim_end_matches(['/', '*', '@']))
    })
}

fn room_facts(folder: &Folder, at: Timestamp, out: &mut Facts) {
    let datadir = datadir(folder);
    let mut set = Setter { out, source: folder.source(File::Room), at };
    match folder.text(File::Room).map(|text| room::read(&text, datadir.as_deref())) {
        Known::Known(room) => {
            set.set(keys::DISK_SIZE, room.size);
            set.set(keys::DISK_FREE, room.free);
            set.set(keys::DISK_INODES_FREE, room.inodes);
        }
        Known::Unknown(why) => {
            set.set(keys::DISK_SIZE, Known::Unknown(why.clone()));
            set.set(keys::DISK_FREE, Known::Unknown(why.clone()));
            set.set(keys::DISK_INODES_FREE, Known::Unknown(why));
        }
    }
}

/// The data directory as the server said it.
fn datadir(folder: &Folder) -> Option<String> {
    let said = [File::Variables, File::Status]
        .map(|file| folder.text(file).known().map(|text| rows::read(text).rows));
    let rows: Vec<rows::Row> = said.into_iter().flatten().flatten().collect();
    let named =
        |name: &str| rows.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
    named("datadir").or_else(|| named("wsrep_data_home_dir")).filter(|path| path.starts_with('/'))
}
