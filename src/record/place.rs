//! Where a log and its remembered head are.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode as Bits, OFlags};
use serde::{Deserialize, Serialize};

use super::line::is_hash;
use crate::facts::{ClusterName, Mode};

/// The places of one cluster's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `<state dir>/audit/<mode>/<cluster>`.
    pub dir: PathBuf,
    /// The file of the last head that this workstation has seen, outside `dir`; `None` where none is remembered.
    pub head: Option<PathBuf>,
    /// Whether it is practice; every record says the same.
    pub mode: Mode,
}

impl Place {
    /// The place under `state_dir`. A lab or a drill named like the real cluster never shares its log.
    pub fn new(state_dir: &Path, mode: Mode, cluster: &ClusterName, head: Option<PathBuf>) -> Self {
        let dir = state_dir.join("audit").join(mode.as_str()).join(cluster.as_str());
        Self { dir, head, mode }
    }

    /// The log's file.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log.jsonl")
    }
}

/// A head: the one value that stands for a whole log up to a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Hash of record 0: which log.
    pub log: String,
    /// Number of the record.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

/// The longest file that can be a head.
const MAX_HEAD: u64 = 4096;

impl Head {
    /// Reads a remembered head; `None` where there is no such file. What is there and is no head is an error of kind
    /// `InvalidData`.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut text = String::new();
        match open_file(path) {
            Ok(file) => file.take(MAX_HEAD).read_to_string(&mut text)?,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let head: Option<Self> = serde_json::from_str(&text).ok();
        head.filter(|head| is_hash(&head.log) && is_hash(&head.hash))
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it holds no head"))
    }

    /// The head as its file holds it.
    pub(super) fn line(&self) -> io::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

/// Opens a regular file for reading; never follows a link, never waits for a pipe.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Bits::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

/// Crockford's base 32: no letter that could be read as another.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The first 40 bits of a hash as eight letters to read aloud and to paste: `7F3K-Q2MD`.
pub fn short_code(hash: &str) -> String {
    let bits = hash.get(..10).and_then(|start| u64::from_str_radix(start, 16).ok()).unwrap_or(0);
    let digit =
        |place: u32| usize::try_from(bits >> (5 * place) & 31).ok().and_then(|digit| DIGITS.get(digit));
    let letters: String =
        (0..8).rev().map(|place| char::from(digit(place).copied().unwrap_or(b'0'))).collect();
    let (left, right) = letters.split_at(4);
    format!("{left}-{right}")
}

#[cfg(test)]
mod tests {
    use super::super::line::NO_HASH;
    use super::*;

    #[test]
    fn a_practice_record_is_never_the_real_ones() {
        let cluster = ClusterName::new("shop").unwrap();
        let dirs = [Mode::Live, Mode::Lab, Mode::Drill]
            .map(|mode| Place::new(Path::new("/s"), mode, &cluster, None).dir);
        assert_eq!(
            dirs,
            ["/s/audit/live/shop", "/s/audit/lab/shop", "/s/audit/drill/shop"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_head_is_read_back_and_nothing_else_is_a_head() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        assert!(Head::read(&path).unwrap().is_none());
        let head = Head { log: NO_HASH.to_owned(), seq: 7, hash: "a".repeat(64) };
        std::fs::write(&path, head.line().unwrap()).unwrap();
        assert_eq!(Head::read(&path).unwrap(), Some(head.clone()));
        for bad in ["", "{}", "null", &head.line().unwrap().replace("aa", "aA"), "\u{ff}"] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(Head::read(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{bad}");
        }
        std::fs::rename(&path, dir.path().join("other")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("other"), &path).unwrap();
        assert!(Head::read(&path).is_err(), "a link is not followed");
    }

    #[test]
    fn a_code_is_the_beginning_of_the_hash() {
        assert_eq!(short_code(NO_HASH), "0000-0000");
        assert_eq!(short_code(&"f".repeat(64)), "ZZZZ-ZZZZ");
        assert_eq!(short_code("3bdc7a0a3f"), "7FE7-M2HZ");
    }
}
