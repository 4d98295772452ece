//! A bundle: what a node knows, from files that somebody collected by hand or that `status --save` wrote.
//!
//! The same facts as a probe's, read by the same parsers. What is not in the bundle is Unknown, what is damaged is
//! Unknown with its reason, and nothing is made up of what is there: files of different moments may contradict each
//! other, and nobody can be asked again.

mod arbitrator;
mod error_log;
mod prefix;
mod recover;
mod room;
mod rows;
mod server;
mod state;
mod units;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::facts::{
    Facts, Key, Known, NodeName, NodeSurvey, Plain, Reach, ReachWord, Role, ValueType, Why, WhyKind, keys,
};

pub use write::written;

/// The files a node's folder can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum File {
    /// The state file, as it is.
    Grastate,
    /// The saved view, as it is.
    Gvwstate,
    /// `SHOW GLOBAL STATUS LIKE 'wsrep%'`.
    Status,
    /// `SHOW GLOBAL VARIABLES LIKE 'wsrep%'`.
    Variables,
    /// `SELECT node_uuid, node_name FROM mysql.wsrep_cluster_members`.
    Members,
    /// `ss -tinH state established '( sport = :4567 or dport = :4567 )'`.
    Peers,
    /// The error log or a journal.
    Log,
    /// `ls -la` of the data directory.
    Listing,
    /// What galera_recovery or `--wsrep-recover` printed.
    Recover,
    /// `df -P`, also with `-i`.
    Room,
    /// `systemctl show`.
    Unit,
}

impl File {
    /// Every file there can be.
    pub const ALL: [Self; 11] = [
        Self::Grastate,
        Self::Gvwstate,
        Self::Status,
        Self::Variables,
        Self::Members,
        Self::Peers,
        Self::Log,
        Self::Listing,
        Self::Recover,
        Self::Room,
        Self::Unit,
    ];

    /// Its name in a node's folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grastate => "grastate.dat",
            Self::Gvwstate => "gvwstate.dat",
            Self::Status => "status.tsv",
            Self::Variables => "variables.tsv",
            Self::Members => "members.tsv",
            Self::Peers => "ss.txt",
            Self::Log => "error.log",
            Self::Listing => "ls.txt",
            Self::Recover => "recover.txt",
            Self::Room => "df.txt",
            Self::Unit => "unit.txt",
        }
    }

    /// The most that is read of it, in bytes. Of a log it is the end that counts, of all others a longer one is none.
    pub fn limit(self) -> u64 {
        match self {
            Self::Grastate | Self::Gvwstate => 64 << 10,
            Self::Log => 16 << 20,
            _ => 1 << 20,
        }
    }
}

/// The files of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The node.
    pub name: NodeName,
    /// Where the folder is, for people.
    pub place: String,
    /// What it holds: a file that is there and could not be read is Unknown; one that is not there is not named.
    pub files: BTreeMap<File, Known<Vec<u8>>>,
}

impl Folder {
    /// The bytes of a file.
    fn bytes(&self, file: File) -> Known<&[u8]> {
        match self.files.get(&file) {
            Some(bytes) => bytes.as_ref().map(Vec::as_slice),
            None => Known::unknown(WhyKind::NotAsked, format!("{} is not in the bundle", file.name())),
        }
    }

    /// A file as text, without what Windows tools put before and between lines. Bytes that are not text become U+FFFD:
    /// one of them must not hide everything else.
    fn text(&self, file: File) -> Known<String> {
        self.bytes(file).map(|bytes| {
            let text = match (bytes.strip_prefix(&[0xff, 0xfe]), bytes.strip_prefix(&[0xfe, 0xff])) {
                (Some(wide), _) => utf16(wide, u16::from_le_bytes),
                (_, Some(wide)) => utf16(wide, u16::from_be_bytes),
                _ => String::from_utf8_lossy(bytes).into_owned(),
            };
            text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
        })
    }

    /// Where a file is, for people.
    fn source(&self, file: File) -> Plain {
        Plain::new(format!("{}/{}", self.place, file.name()))
    }
}

/// What PowerShell's `>` and editors of Windows write.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Sets facts that were read from one file.
struct Setter<'a> {
    out: &'a mut Facts,
    source: Plain,
    at: Timestamp,
}

impl Setter<'_> {
    fn set<T: ValueType>(&mut self, key: Key<T>, value: Known<T>) {
        self.out.set(key, value, &self.source, self.at);
    }
}

/// Reads a node's folder. `at` is when its files were read, on this workstation's clock; when they were collected is not
/// known.
pub fn read(folder: &Folder, at: Timestamp) -> NodeSurvey {
    let mut facts = Facts::new();
    state::facts(folder, at, &mut facts);
    let unit = server::unit(folder, at, &mut facts);
    let asked = server::asked(folder, at, &mut facts);
    server::process(folder, &unit, &asked, at, &mut facts);
    error_log::facts(folder, server::offset(&unit), at, &mut facts);
    let recovered = folder.text(File::Recover).and_then(|text| recover::read(&text));
    facts.set(keys::RECOVERED, recovered, &folder.source(File::Recover), at);
    let role = if arbitrator::is_one(folder, unit.known(), &asked) { Role::Arbitrator } else { Role::Data };
    if role == Role::Arbitrator {
        arbitrator::facts(folder, at, &mut facts);
    }
    facts.set(keys::HOST_DRILL, Known::Known(false), &Plain::new(&folder.place), at);
    let why = Why::new(WhyKind::NotAsked, "not in the bundle");
    facts.fill(&why, &Plain::new(&folder.place), at);
    NodeSurvey { name: folder.name.clone(), role, ssh: reach(folder), sql: asked.reach, facts, at }
}

/// Whether anything of the node was read. Its machine was not reached, its files were.
fn reach(folder: &Folder) -> Reach {
    if folder.files.values().any(|bytes| bytes.known().is_some()) {
        return Reach::ok();
    }
    let names: Vec<&str> = File::ALL.iter().map(|file| file.name()).collect();
    let detail = match folder.files.values().find_map(Known::why) {
        Some(why) => format!("nothing of it could be read: {}", why.text),
        None => format!("{} holds none of its files", folder.place),
    };
    Reach::failed(ReachWord::NotTried, detail, format!("collect what can be had of {}", names.join(", ")))
}
