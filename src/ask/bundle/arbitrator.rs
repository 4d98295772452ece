//! Whether a folder is an arbitrator's, and what garbd's own words say.

use jiff::Timestamp;

use super::server::Asked;
use super::{File, Folder, Setter};
use crate::ask::unit::Unit;
use crate::facts::{Facts, Known, Plain, WhyKind, keys};

/// Whether the files are an arbitrator's: its unit is garbd's, or nothing of a server is there and the log is garbd's. A
/// folder that could be either is a data node's, which has to be answered for (S4).
pub(super) fn is_one(folder: &Folder, unit: Option<&String>, asked: &Asked) -> bool {
    if let Some(unit) = unit.map(|unit| Unit::parse(unit)) {
        let garb = |text: &&str| text.starts_with("garb");
        let runs = |text: &&str| text.contains("/garbd") || text.contains("=garbd");
        if unit.get("Id").is(garb) || unit.get("ExecStart").is(runs) {
            return true;
        }
        if unit.get("Id").known().is_some() {
            return false;
        }
    }
    let of_a_server = [File::Grastate, File::Variables, File::Members, File::Recover];
    !asked.answered
        && of_a_server.iter().all(|file| !folder.files.contains_key(file))
        && folder.text(File::Log).is(|log| log.lines().any(is_garbd))
}

/// A line that garbd alone writes: its configuration at the start, or a unit's about it.
fn is_garbd(line: &str) -> bool {
    option(line, "sst").is_some_and(|sst| sst == "trivial")
        || line.contains(" garbd[")
        || line.contains("/garbd")
        || line.contains("garb.service")
}

/// The value of a line `name:    value` of garbd's own account of its configuration.
fn option<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (head, value) = line.split_once(':')?;
    let head = head.trim();
    (head == name).then(|| value.trim())
}

/// What garbd was started with, by the last account in its log.
pub(super) fn facts(folder: &Folder, at: Timestamp, out: &mut Facts) {
    let log = folder.text(File::Log);
    let last = |name: &str| {
        log.as_ref().and_then(|log| match log.lines().rev().find_map(|line| option(line, name)) {
            Some(value) => Known::Known(Plain::new(value)),
            None => Known::unknown(WhyKind::Undefined, "garbd's start is not in the log"),
        })
    };
    let process = match out.get(keys::SERVER_STATE) {
        Known::Known(state) if state.as_str().is_empty() => Known::Known(state),
        Known::Known(_) => {
            Known::unknown(WhyKind::NotAsked, "its unit runs; the process is not in the bundle")
        }
        Known::Unknown(why) => Known::Unknown(why),
    };
    out.set(keys::ARBITRATOR_PROCESS, process, &folder.source(File::Unit), at);
    let mut set = Setter { out, source: folder.source(File::Log), at };
    set.set(keys::ARBITRATOR_GROUP, last("group"));
    set.set(keys::ARBITRATOR_ADDRESS, last("address"));
}
