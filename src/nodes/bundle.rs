//! A bundle of files: the nodes of a cluster as folders that somebody collected. Read, and never acted on.

use std::collections::BTreeMap;
use std::fs::{self, File as Handle};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{Mode as Bits, OFlags};

use crate::ask::bundle::{self, File, Folder};
use crate::facts::{ClusterName, Family, Known, Mode, NodeName, Survey, WhyKind};

/// No cluster has more nodes.
const MOST_FOLDERS: usize = 64;

/// Folders that archivers and file systems make.
const NOT_NODES: [&str; 2] = ["__MACOSX", "lost+found"];

/// A folder that is no bundle, or cannot be read as one.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder cannot be listed.
    #[error("the bundle {} cannot be read: {source}; correct the path or its mode", .dir.display())]
    Unreadable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no folder of a node in it.
    #[error("{0} holds no folder of a node: {found}; expected {0}/NODE/ with any of {1}", .dir.display(), names())]
    Empty {
        /// The folder.
        dir: PathBuf,
        /// What was found instead.
        found: String,
    },
    /// It is a file, perhaps the archive.
    #[error("{} is no folder; unpack it if it is an archive, and name the folder that holds the nodes' folders", .0.display())]
    File(PathBuf),
    /// There are more folders in it than a cluster has nodes.
    #[error("{} holds more than {MOST_FOLDERS} folders, so it is no bundle; name the folder that holds the nodes' folders", .0.display())]
    Many(PathBuf),
    /// A folder's name is no name.
    #[error("{}: {why}; rename the folder", .path.display())]
    Name {
        /// The folder.
        path: PathBuf,
        /// What is wrong with its name.
        why: String,
    },
}

fn names() -> String {
    File::ALL.map(File::name).join(", ")
}

/// What was found in a bundle.
#[derive(Debug)]
pub struct Bundle {
    /// The cluster: its name is the folder's, its nodes are the folders in it, by name.
    pub survey: Survey,
    /// What else lies there and was not looked at; hidden files and READMEs are not named.
    pub ignored: Vec<PathBuf>,
}

/// Reads the bundle `dir`. `now` is the clock: when the files were collected is not known.
pub fn read(dir: &Path, now: &dyn Fn() -> Timestamp) -> Result<Bundle, BundleError> {
    let unreadable = |source| BundleError::Unreadable { dir: dir.to_owned(), source };
    let real = dir.canonicalize().map_err(unreadable)?;
    if real.is_file() {
        return Err(BundleError::File(dir.to_owned()));
    }
    let cluster = cluster(&real)?;
    let mut folders: Vec<Folder> = Vec::new();
    let mut ignored = Vec::new();
    let mut strays = Vec::new();
    for (name, kind) in list(&real).map_err(unreadable)? {
        let path = dir.join(&name);
        if kind.is_dir() && NOT_NODES.contains(&name.as_str()) {
            strays.push(name);
        } else if kind.is_dir() {
            if folders.len() >= MOST_FOLDERS {
                return Err(BundleError::Many(dir.to_owned()));
            }
            let node = NodeName::new(&name)
                .map_err(|error| BundleError::Name { path: path.clone(), why: error.to_string() })?;
            folders.push(folder(&path, node, &mut ignored));
        } else if kind.is_symlink() && path.is_dir() {
            let why = "it is a symbolic link, which is not followed: put the folder itself there".to_owned();
            return Err(BundleError::Name { path, why });
        } else {
            strays.push(name);
        }
    }
    if folders.is_empty() {
        let known = strays.iter().find(|name| File::ALL.iter().any(|file| file.name() == **name));
        let found = match (known, strays.len()) {
            (Some(file), _) => format!("{file} lies in it, so it looks like the folder of one node"),
            (None, 0) => "it is empty".to_owned(),
            (None, number) => format!("{number} other files lie in it"),
        };
        return Err(BundleError::Empty { dir: dir.to_owned(), found });
    }
    ignored.extend(strays.into_iter().filter(|name| !is_readme(name)).map(|name| dir.join(name)));
    let at = now();
    let nodes = folders.iter().map(|folder| bundle::read(folder, at)).collect();
    let survey = Survey { cluster, family: Family::Galera, mode: Mode::Bundle, taken: now(), nodes };
    Ok(Bundle { survey, ignored })
}

/// The cluster is called as its folder is.
fn cluster(dir: &Path) -> Result<ClusterName, BundleError> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    ClusterName::new(&name)
        .map_err(|error| BundleError::Name { path: dir.to_owned(), why: error.to_string() })
}

/// What lies in a folder, by name, but for what is hidden.
fn list(dir: &Path) -> io::Result<Vec<(String, fs::FileType)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            all.push((name, entry.file_type()?));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all)
}

fn is_readme(name: &str) -> bool {
    name.to_ascii_uppercase().starts_with("README")
}

/// The files of one node. A folder that cannot be listed is a node of which nothing could be read.
fn folder(path: &Path, name: NodeName, ignored: &mut Vec<PathBuf>) -> Folder {
    let mut files = BTreeMap::new();
    match list(path) {
        Ok(found) => {
            for (found, _) in found {
                match File::ALL.into_iter().find(|file| file.name() == found) {
                    Some(file) => {
                        files.insert(file, bytes(&path.join(&found), file));
                    }
                    None if is_readme(&found) => {}
                    None => ignored.push(path.join(found)),
                }
            }
        }
        Err(error) => {
            let why = Known::unknown(kind_of(&error), format!("its folder cannot be listed: {error}"));
            files.extend(File::ALL.map(|file| (file, why.clone())));
        }
    }
    Folder { name, place: path.display().to_string(), files }
}

fn kind_of(error: &io::Error) -> WhyKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => WhyKind::Denied,
        _ => WhyKind::NotRead,
    }
}

/// A file's bytes, bounded: of a log its end, of any other file all or nothing. Links are not followed, and what is no
/// regular file is not waited for.
fn bytes(path: &Path, file: File) -> Known<Vec<u8>> {
    let shown = path.display();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let handle = match rustix::fs::open(path, flags, Bits::empty()) {
        Ok(fd) => Handle::from(fd),
        Err(rustix::io::Errno::LOOP) => {
            return Known::unknown(
                WhyKind::NotRead,
                format!("it is a symbolic link, which is not followed: {shown}"),
            );
        }
        Err(error) => {
            let error = io::Error::from(error);
            return Known::unknown(kind_of(&error), format!("it cannot be opened: {error}: {shown}"));
        }
    };
    match bounded(handle, file) {
        Ok(Some(bytes)) => Known::Known(bytes),
        Ok(None) => Known::unknown(
            WhyKind::Malformed,
            format!("it is no regular file of at most {} bytes: {shown}", file.limit()),
        ),
        Err(error) => Known::unknown(kind_of(&error), format!("it cannot be read: {error}: {shown}")),
    }
}

/// `None` where the handle is no regular file or is longer than this file can be.
fn bounded(mut handle: Handle, file: File) -> io::Result<Option<Vec<u8>>> {
    let metadata = handle.metadata()?;
    let over = metadata.len().saturating_sub(file.limit());
    if !metadata.is_file() || (over > 0 && file != File::Log) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    handle.seek(SeekFrom::Start(over))?;
    handle.take(file.limit()).read_to_end(&mut bytes)?;
    if over > 0 {
        // The first line is cut: what is left of it could say something else.
        let whole = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.drain(..whole);
    }
    Ok(Some(bytes))
}
