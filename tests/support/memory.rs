//! A folder that costs no disk: in memory where this host has such a place, else in the usual one for temporary files.

use std::path::Path;

use tempfile::TempDir;

/// A new folder, gone with what is returned.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
