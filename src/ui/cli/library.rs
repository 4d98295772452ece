//! The runbooks there are: the built-in ones, and the site's own from the user's folder.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::{Failure, places};
use crate::inventory::nearest;
use crate::runbook::{self, Runbook};

/// All runbooks of this user. A bad file of the site hinders no other runbook, and is not silent either.
#[derive(Debug)]
pub(in crate::ui) struct Library {
    /// The built-in ones first, then the site's, in the order of their files' names.
    pub(in crate::ui) runbooks: Vec<Runbook>,
    /// Files, or the folder as a whole, that were not taken.
    pub(in crate::ui) refused: Vec<Refused>,
}

/// A file that is no runbook of ours.
#[derive(Debug)]
pub(in crate::ui) struct Refused {
    /// The file, or the folder.
    pub(in crate::ui) path: PathBuf,
    /// Why, in one line or as rendered diagnostics.
    pub(in crate::ui) why: String,
}

impl Library {
    /// Reads the user's folder, `$XDG_CONFIG_HOME/breakglass/runbooks`, where there is one.
    pub(in crate::ui) fn load() -> Self {
        Self::with(places::config().map(|dir| dir.join("runbooks")).as_deref())
    }

    fn with(folder: Option<&Path>) -> Self {
        let mut library = Self { runbooks: runbook::library(), refused: Vec::new() };
        let Some(folder) = folder else { return library };
        let files = match files(folder) {
            Ok(files) => files,
            Err(why) => {
                library.refused.push(Refused { path: folder.to_owned(), why });
                return library;
            }
        };
        for path in files {
            match read_own(&path) {
                Ok(own) if library.runbooks.iter().any(|other| other.id == own.id) => {
                    let why = format!("there is a runbook called {} already; give it another id", own.id);
                    library.refused.push(Refused { path, why });
                }
                Ok(own) => library.runbooks.push(own),
                Err(why) => library.refused.push(Refused { path, why }),
            }
        }
        library
    }

    /// The runbook of that id.
    pub(in crate::ui) fn find(&self, id: &str) -> Result<&Runbook, Failure> {
        if let Some(found) = self.runbooks.iter().find(|runbook| runbook.id == id) {
            return Ok(found);
        }
        if let Some(refused) =
            self.refused.iter().find(|refused| refused.path.file_stem().is_some_and(|s| s == id))
        {
            return Err(Failure::Usage(format!(
                "runbook {} is refused: {}",
                refused.path.display(),
                refused.why
            )));
        }
        let names: Vec<&str> = self.runbooks.iter().map(|runbook| runbook.id.as_str()).collect();
        Err(Failure::Usage(match nearest(id, &names) {
            Some(near) => format!("there is no runbook \"{id}\"; did you mean {near}?"),
            None => format!("there is no runbook \"{id}\"; there is {}", names.join(", ")),
        }))
    }
}

/// The folder's runbooks, in order. Whoever can write the folder decides what is run from it.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let open = match rustix::fs::open(folder, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT) => return Ok(Vec::new()),
        Err(error) => {
            return Err(format!("it cannot be opened: {error}; it has to be a folder you can read"));
        }
    };
    is_ours(&open, folder)?;
    let entries = fs::read_dir(folder).map_err(|error| format!("it cannot be listed: {error}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("it cannot be listed: {error}"))?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Refuses what is not this user's, or what others can write.
fn is_ours(file: &File, path: &Path) -> Result<(), String> {
    let metadata = file.metadata().map_err(|error| format!("it cannot be looked at: {error}"))?;
    let owner = metadata.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return Err(format!("it belongs to uid {owner}, and not to you; take a copy of your own"));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(format!(
            "group or others can write it (mode {mode:04o}); chmod go-w {}, and read what is in it first",
            path.display()
        ));
    }
    Ok(())
}

fn read_own(path: &Path) -> Result<Runbook, String> {
    let file = open(path)?;
    is_ours(&file, path)?;
    parse(path, file)
}

/// Reads any file as a runbook, whoever it belongs to: to be checked, not to be run.
pub(in crate::ui) fn read(path: &Path) -> Result<Runbook, String> {
    parse(path, open(path)?)
}

fn open(path: &Path) -> Result<File, String> {
    // A pipe without a writer would keep us waiting.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|error| format!("it cannot be opened: {error}; correct the path, or its mode"))?;
    let file = File::from(fd);
    let metadata = file.metadata().map_err(|error| format!("it cannot be looked at: {error}"))?;
    if metadata.is_file() {
        Ok(file)
    } else {
        Err("it is not a regular file; name the file itself".to_owned())
    }
}

/// The bytes of any regular file, one more than `most` at most: the parser then says that it is too large.
pub(super) fn bytes(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    all(open(path)?, most)
}

fn all(file: File, most: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(bytes)
}

fn parse(path: &Path, file: File) -> Result<Runbook, String> {
    let bytes = all(file, runbook::MAX_BYTES)?;
    runbook::parse(&path.display().to_string(), &bytes).map_err(|errors| errors.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::runbook::Origin;

    const READS: &str = "format = \"breakglass.runbook/1\"\nid = \"ours\"\ntitle = \"t\"\nabout = \"a\"\nfamily = \"galera\"\n\
        [[step]]\nid = \"look\"\ntitle = \"t\"\nexplain = \"e\"\naction = \"capture\"\non = \"cluster\"\n";

    fn folder(mode: u32, files: &[(&str, &str, u32)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text, mode) in files {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        dir
    }

    fn why(library: &Library) -> Vec<&str> {
        library.refused.iter().map(|refused| refused.why.as_str()).collect()
    }

    #[test]
    fn the_sites_own_come_after_the_built_in_and_are_marked() {
        let dir =
            folder(0o700, &[("ours.toml", READS, 0o600), ("notes.txt", "x", 0o600), (".a.toml", "x", 0o600)]);
        let library = Library::with(Some(dir.path()));
        assert!(library.refused.is_empty(), "{:?}", library.refused);
        assert_eq!(library.find("ours").unwrap().origin, Origin::Site(dir.path().join("ours.toml")));
        assert_eq!(library.find("galera-bootstrap").unwrap().origin, Origin::BuiltIn);
        assert_eq!(library.runbooks.len(), runbook::library().len() + 1);
    }

    #[test]
    fn what_others_can_write_is_refused_and_hinders_nothing() {
        let dir = folder(0o770, &[("ours.toml", READS, 0o600)]);
        let library = Library::with(Some(dir.path()));
        assert!(
            why(&library)[0].contains("group or others can write it (mode 0770)"),
            "{:?}",
            library.refused
        );
        assert!(library.find("ours").is_err());
        assert!(library.find("galera-bootstrap").is_ok());

        let dir = folder(0o700, &[("ours.toml", READS, 0o666)]);
        let library = Library::with(Some(dir.path()));
        assert!(why(&library)[0].contains("group or others can write it"), "{:?}", library.refused);
        let refusal = library.find("ours").unwrap_err().to_string();
        assert!(refusal.contains("is refused"), "{refusal}");
    }

    #[test]
    fn a_bad_file_a_folder_and_a_borrowed_name_are_refused() {
        let taken = READS.replace("\"ours\"", "\"galera-rejoin\"");
        let dir = folder(0o700, &[("a.toml", "shell = 1", 0o600), ("b.toml", &taken, 0o600)]);
        fs::create_dir(dir.path().join("c.toml")).unwrap();
        let library = Library::with(Some(dir.path()));
        let why = why(&library);
        assert!(why[0].contains("holds no shell"), "{why:?}");
        assert!(why[1].contains("galera-rejoin already"), "{why:?}");
        assert!(why[2].contains("not a regular file"), "{why:?}");
        assert_eq!(library.runbooks.len(), runbook::library().len());
    }

    #[test]
    fn where_there_is_no_folder_the_built_in_ones_are_all() {
        let dir = folder(0o700, &[]);
        for place in [None, Some(dir.path().join("none"))] {
            let library = Library::with(place.as_deref());
            assert!(library.refused.is_empty());
            assert_eq!(library.runbooks.len(), runbook::library().len());
        }
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        let refusal = Library::with(None).find("galera-bootstarp").unwrap_err().to_string();
        assert!(refusal.contains("did you mean galera-bootstrap?"), "{refusal}");
    }
}
