//! The data directory: what it is, its room, its state files.

use jiff::Timestamp;

use super::frame::{Frame, Status};
use super::unit::Setter;
use super::{disk, grastate, gvwstate};
use crate::facts::{Facts, Key, Known, Plain, Why, WhyKind, keys};

/// The data directory's facts.
pub(super) fn facts(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let path = frame.word("datadir", "the data directory");
    let shown = path.known().map_or_else(|| "the data directory".to_owned(), Plain::to_string);
    let source = Plain::new(&shown);
    let mut set = Setter { out, source: &source, at };
    set.set(keys::DATADIR_PATH, path);
    let real = frame.text("mounts", "the mounts").and_then(|text| match text.lines().next() {
        Some(real) if real.starts_with('/') => Known::Known(Plain::new(real)),
        _ => Known::unknown(WhyKind::NotRead, "the real path of the data directory is not known"),
    });
    set.set(keys::DATADIR_REAL, real);
    set.set(keys::DATADIR_SOURCE, frame.word("datadir-source", "how the data directory was found"));
    let stat = frame.text("datadir-stat", &shown).and_then(|text| {
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            [device, inode, owner, mode] => {
                Known::Known((format!("{device}:{inode}"), format!("{owner}, mode {mode}")))
            }
            _ => Known::unknown(WhyKind::Malformed, format!("{text:?} is not what stat says")),
        }
    });
    set.set(keys::DATADIR_IDENTITY, stat.as_ref().map(|(identity, _)| Plain::new(identity)));
    set.set(keys::DATADIR_OWNER, stat.as_ref().map(|(_, owner)| Plain::new(owner)));
    let schema = frame.text("system-schema", "the system schema").and_then(|text| match text {
        "yes" => Known::Known(true),
        "no" => Known::Known(false),
        other => Known::unknown(WhyKind::Malformed, format!("{other:?} is neither yes nor no")),
    });
    set.set(keys::DATADIR_SYSTEM_SCHEMA, within(&stat, schema));
    let markers = frame.text("markers", "the data directory's listing");
    let markers = markers.map(|text| text.lines().filter(|line| !line.is_empty()).map(Plain::new).collect());
    set.set(keys::TRANSFER_MARKERS, within(&stat, markers));

    set.set(keys::ENGINE_STAMP, within(&stat, frame.word("engine-stamp", "the engine's files")));
    let used = frame.text("used", "the room it takes (du)").and_then(|text| {
        match text.split_ascii_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()?.checked_mul(1024))
        {
            Some(bytes) => Known::Known(bytes),
            None => Known::unknown(WhyKind::Malformed, "du did not say a number"),
        }
    });
    set.set(keys::DATADIR_USED, within(&stat, used));

    let blocks = frame.text("df-k", "the room (df)").and_then(disk::df);
    let bytes = |kib: u64| match kib.checked_mul(1024) {
        Some(bytes) => Known::Known(bytes),
        None => Known::unknown(WhyKind::Malformed, "df said more than 2^64 bytes"),
    };
    set.set(keys::DISK_FREE, blocks.as_ref().and_then(|room| bytes(room.free)));
    set.set(keys::DISK_SIZE, blocks.and_then(|room| bytes(room.size)));
    let inodes = frame.text("df-i", "the free inodes (df -i)").and_then(disk::df);
    set.set(keys::DISK_INODES_FREE, inodes.map(|room| room.free));
    set.set(
        keys::DISK_READ_ONLY,
        within(&stat, frame.text("mounts", "the mounts").and_then(disk::read_only)),
    );

    grastate_facts(frame, &stat, &shown, at, out);
    gvwstate_facts(frame, &stat, &shown, at, out);
}

/// `value`, where the data directory itself was seen. In a directory that is not there nothing is "missing": we may
/// be looking at the wrong place.
fn within<S, T>(stat: &Known<S>, value: Known<T>) -> Known<T> {
    match stat {
        Known::Known(_) => value,
        Known::Unknown(why) => Known::Unknown(why.clone()),
    }
}

fn grastate_facts<S>(frame: &Frame<'_>, stat: &Known<S>, datadir: &str, at: Timestamp, out: &mut Facts) {
    let path = format!("{}/grastate.dat", datadir.trim_end_matches('/'));
    let source = Plain::new(&path);
    let mut set = Setter { out, source: &source, at };
    let bytes = within(stat, state_file(frame, "grastate", &path));
    let read = bytes.as_ref().map(|bytes| grastate::parse(bytes));
    set.set(keys::GRASTATE_FILE, file_word(frame, "grastate", stat, read.as_ref().map(|read| read.file)));
    set.set(keys::GRASTATE_RAW, bytes.map(|bytes| Plain::from_bytes(&bytes)));
    set.set(keys::GRASTATE_VERSION, read.as_ref().and_then(|read| read.version.clone()));
    set.set(keys::GRASTATE_UUID, read.as_ref().and_then(|read| read.uuid.clone()));
    set.set(keys::GRASTATE_SEQNO, read.as_ref().and_then(|read| read.seqno.clone()));
    set.set(keys::GRASTATE_SAFE, read.and_then(|read| read.safe));
    stat_facts(
        &mut set,
        within(stat, frame.text("grastate-stat", &path)),
        keys::GRASTATE_STAT,
        keys::GRASTATE_MTIME,
    );
}

/// Where gvwstate.dat saves a view of one member alone, its path; `None` too where its bytes were not read.
pub(super) fn lone_view(frame: &Frame<'_>) -> Option<String> {
    let datadir = frame.word("datadir", "the data directory");
    let path = format!("{}/gvwstate.dat", datadir.known()?.as_str().trim_end_matches('/'));
    let bytes = state_file(frame, "gvwstate", &path);
    bytes.is(|bytes| gvwstate::is_lone(bytes)).then_some(path)
}

fn gvwstate_facts<S>(frame: &Frame<'_>, stat: &Known<S>, datadir: &str, at: Timestamp, out: &mut Facts) {
    let path = format!("{}/gvwstate.dat", datadir.trim_end_matches('/'));
    let source = Plain::new(&path);
    let mut set = Setter { out, source: &source, at };
    let bytes = within(stat, state_file(frame, "gvwstate", &path));
    let read = bytes.as_ref().map(|bytes| gvwstate::parse(bytes));
    set.set(keys::GVWSTATE_FILE, file_word(frame, "gvwstate", stat, read.as_ref().map(|read| read.file)));
    set.set(keys::GVWSTATE_RAW, bytes.map(|bytes| Plain::from_bytes(&bytes)));
    let view = read.and_then(|read| read.view);
    set.set(keys::GVWSTATE_MY_UUID, view.as_ref().map(|view| view.my_uuid.clone()));
    set.set(keys::GVWSTATE_VIEW, view.as_ref().map(|view| view.view_id.clone()));
    set.set(keys::GVWSTATE_VIEW_SEQ, view.as_ref().map(|view| view.seq));
    set.set(keys::GVWSTATE_MEMBERS, view.as_ref().map(|view| view.members.clone()));
    set.set(keys::GVWSTATE_BOOTSTRAP, view.map(|view| view.bootstrap));
    stat_facts(
        &mut set,
        within(stat, frame.text("gvwstate-stat", &path)),
        keys::GVWSTATE_STAT,
        keys::GVWSTATE_MTIME,
    );
}

/// The bytes of a state file.
fn state_file(frame: &Frame<'_>, name: &str, path: &str) -> Known<Vec<u8>> {
    frame.text(name, path).and_then(|text| match hexadecimal(text) {
        Some(bytes) => Known::Known(bytes),
        None => Known::unknown(WhyKind::Malformed, format!("the bytes of {path} did not come through")),
    })
}

/// What a state file is. `missing` is a reading: the kernel said so, in a directory that was seen.
fn file_word<S>(frame: &Frame<'_>, name: &str, stat: &Known<S>, read: Known<&'static str>) -> Known<Plain> {
    let missing = frame.section(name).is_some_and(|section| section.status == Status::Missing);
    if missing && stat.known().is_some() {
        return Known::Known(Plain::from("missing"));
    }
    read.map(Plain::from)
}

/// Reads what `od -An -v -tx1` or `hexdump` printed.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let byte = |word: &str| {
        let good = word.len() == 2 && word.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| u8::from_str_radix(word, 16).ok()).flatten()
    };
    text.split_ascii_whitespace().map(byte).collect()
}

/// Reads `SIZE OWNER MODE MTIME`.
fn stat_facts(set: &mut Setter<'_>, text: Known<&str>, stat: Key<Plain>, mtime: Key<Timestamp>) {
    let words = text.and_then(|text| {
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            [size, owner, mode, seconds] => {
                match seconds.parse().ok().and_then(|s| Timestamp::from_second(s).ok()) {
                    Some(time) => Known::Known((format!("{size} bytes, {owner}, mode {mode}"), time)),
                    None => Known::unknown(WhyKind::Malformed, format!("{seconds:?} is not a time")),
                }
            }
            _ => Known::unknown(WhyKind::Malformed, format!("{text:?} is not what stat says")),
        }
    });
    set.set(stat, words.as_ref().map(|(stat, _)| Plain::new(stat)));
    set.set(mtime, words.map(|(_, time)| time));
}

/// Where the running server works on another data directory than the one that was looked at, nothing read there says
/// anything of it.
pub(super) fn contradict(facts: &mut Facts) {
    let (Known::Known(server), Known::Known(looked_at), Known::Known(real)) =
        (facts.get(keys::VAR_DATADIR), facts.get(keys::DATADIR_PATH), facts.get(keys::DATADIR_REAL))
    else {
        return;
    };
    let bare = |path: &Plain| path.as_str().trim_end_matches('/').to_owned();
    if [bare(&looked_at), bare(&real)].contains(&bare(&server)) {
        return;
    }
    let why = Why::new(
        WhyKind::Contradicted,
        format!("the running server works on {server}, and {looked_at} was looked at"),
    );
    let there = ["datadir.", "grastate.", "gvwstate.", "gcache.", "disk.", "transfer.markers"];
    facts.doubt(|name| there.iter().any(|prefix| name.starts_with(prefix)), &why);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_exactly() {
        assert_eq!(hexadecimal(" 23 20\n 0a ff\n 00"), Some(vec![0x23, 0x20, 0x0a, 0xff, 0]));
        assert_eq!(hexadecimal(""), Some(vec![]));
        for bad in ["2", "233", "zz", "+1", "od: x"] {
            assert_eq!(hexadecimal(bad), None, "{bad}");
        }
    }
}
