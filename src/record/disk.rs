//! The files of a log as its writer uses them, behind a trait so that tests can make every step of it fail.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode as Bits, OFlags};

use super::error::OpenError;
use super::line::hash;

const PRIVATE_DIR: Bits = Bits::RWXU;
const PRIVATE_FILE: Bits = Bits::RUSR.union(Bits::WUSR);

/// What the writer does to the disk. No step is tried twice.
pub(super) trait Disk: Send {
    /// Writes into the log at this offset.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Ends the log at this offset.
    fn cut(&mut self, offset: u64) -> io::Result<()>;
    /// Returns when the log's bytes are on stable storage.
    fn sync(&mut self) -> io::Result<()>;
    /// Keeps evidence under its name, on stable storage.
    fn keep(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Puts these bytes in the place of the remembered head, on stable storage.
    fn remember(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// The record's folder, opened.
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens `<state dir>/audit/<mode>/<cluster>`, and makes what is missing of it. The last three follow no link and
    /// are ours alone.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let mut names: Vec<_> = path.components().rev().take(3).collect();
        names.reverse();
        let base = path.ancestors().nth(names.len()).unwrap_or(path);
        let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
        DirBuilder::new().recursive(true).mode(0o700).create(base).map_err(OpenError::io("making", base))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(base, flags, Bits::empty())
            .map_err(|error| OpenError::io("opening", base)(error.into()))?;
        let mut folder = Self { fd, path: base.to_owned() };
        for name in names {
            folder = folder.child(Path::new(name.as_os_str()))?;
        }
        Ok(folder)
    }

    /// A folder in this one, made where it is missing.
    fn child(&self, name: &Path) -> Result<Self, OpenError> {
        let path = self.path.join(name);
        let fd = open_dir(&self.fd, name).map_err(OpenError::io("opening the folder", &path))?;
        let found = rustix::fs::fstat(&fd).map_err(|error| OpenError::io("reading", &path)(error.into()))?;
        private(found.st_uid, found.st_mode, &path)?;
        Ok(Self { fd, path })
    }

    /// A file in it for reading and writing, made where it is missing. A regular file with one name, and ours alone.
    pub(super) fn file(&self, name: &str) -> Result<File, OpenError> {
        let path = self.path.join(name);
        let open = || -> io::Result<File> {
            let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
            match rustix::fs::openat(&self.fd, name, flags, Bits::empty()) {
                Ok(fd) => Ok(File::from(fd)),
                Err(rustix::io::Errno::NOENT) => {
                    let flags = flags | OFlags::CREATE | OFlags::EXCL;
                    let file = File::from(rustix::fs::openat(&self.fd, name, flags, PRIVATE_FILE)?);
                    rustix::fs::fsync(&self.fd)?;
                    Ok(file)
                }
                Err(error) => Err(error.into()),
            }
        };
        let file = open().map_err(OpenError::io("opening", &path))?;
        let found = file.metadata().map_err(OpenError::io("reading", &path))?;
        if !found.is_file() || found.nlink() != 1 {
            let found = "is not a regular file with one name";
            return Err(OpenError::Unsafe { path, found, next: "move it aside" });
        }
        private(found.uid(), found.mode(), &path)?;
        Ok(file)
    }

    /// Bytes that are free for us.
    pub(super) fn free(&self) -> Result<u64, OpenError> {
        let found = rustix::fs::fstatvfs(&self.fd)
            .map_err(|error| OpenError::io("looking at the space under", &self.path)(error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

/// A record holds what an operator typed and what servers said: it is for nobody else, and nobody else wrote it.
fn private(uid: u32, mode: u32, path: &Path) -> Result<(), OpenError> {
    let unsafe_ = |found, next| Err(OpenError::Unsafe { path: path.to_owned(), found, next });
    if uid != rustix::process::geteuid().as_raw() {
        return unsafe_(
            "belongs to another user",
            "work as that user, or name another place with --state-dir",
        );
    }
    if mode & 0o077 != 0 {
        return unsafe_("is open to group or others", "find out why, then chmod go= it");
    }
    Ok(())
}

/// Opens the folder `name` beneath `parent`, without following a link, and makes it where it is missing.
fn open_dir(parent: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Bits::empty()) {
        Err(rustix::io::Errno::NOENT) => {
            match rustix::fs::mkdirat(parent, name, PRIVATE_DIR) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => rustix::fs::fsync(parent)?,
                Err(error) => return Err(error.into()),
            }
            Ok(rustix::fs::openat(parent, name, flags, Bits::empty())?)
        }
        other => Ok(other?),
    }
}

/// Real files.
pub(super) struct Files {
    log: File,
    folder: Folder,
    head: Option<PathBuf>,
}

impl Files {
    pub(super) fn new(log: File, folder: Folder, head: Option<PathBuf>) -> Self {
        Self { log, folder, head }
    }
}

impl Disk for Files {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all_at(bytes, offset)
    }

    fn cut(&mut self, offset: u64) -> io::Result<()> {
        self.log.set_len(offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log.sync_data()
    }

    fn keep(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let dir = open_dir(&self.folder.fd, Path::new("blob"))?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        if let Ok(fd) = rustix::fs::openat(&dir, name, flags, Bits::empty()) {
            let mut there = Vec::new();
            File::from(fd).take(bytes.len() as u64 + 1).read_to_end(&mut there)?;
            if hash(&there) == name {
                return Ok(());
            }
        }
        replace(&dir, Path::new(name), bytes)
    }

    fn remember(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(path) = &self.head else { return Ok(()) };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the head's place is no file"));
        };
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(parent, flags, Bits::empty())?;
        replace(&dir, Path::new(name), bytes)
    }
}

/// Writes a file whole: whoever looks sees the old one or the new one, also after a crash.
fn replace(dir: &OwnedFd, name: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = name.as_os_str().to_owned();
    fresh.push(".new");
    // What a crash left there; a link is removed and not followed.
    match rustix::fs::unlinkat(dir, &fresh, rustix::fs::AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(dir, &fresh, flags, PRIVATE_FILE)?);
    file.write_all(bytes)?;
    file.sync_all()?;
    rustix::fs::renameat(dir, &fresh, dir, name)?;
    Ok(rustix::fs::fsync(dir)?)
}
