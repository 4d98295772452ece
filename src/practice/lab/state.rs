//! What a lab is: one file, written whole, and the lock that keeps two commands apart.

use std::fs::{self, File};
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::error::LabError;
use super::faults::FaultKind;
use super::name::LabName;
use super::role::Role;
use super::{LABS, Say};

const FORMAT: &str = "breakglass.lab-state/1";

/// Who Breakglass logs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SshUser {
    /// `root` itself.
    Root,
    /// `ops`: an ordinary user with sudo and no password; root's login is closed.
    Ops,
}

impl SshUser {
    /// The login name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Ops => "ops",
        }
    }
}

/// Which Debian the machines are; with it goes the server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// Debian 12: `MariaDB` 10.11.
    #[default]
    Bookworm,
    /// Debian 13: `MariaDB` 11.8.
    Trixie,
    /// Debian unstable: the newest there is.
    Sid,
}

impl Release {
    /// Its name in an archive.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Sid => "sid",
        }
    }
}

/// Who starts a server again that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// Its unit alone.
    #[default]
    Systemd,
    /// Its unit, and monit, which watches it too.
    Monit,
}

impl Manager {
    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Monit => "monit",
        }
    }
}

/// One fault that was set and not healed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its short name: `f1`.
    pub id: String,
    /// What was done.
    pub kind: FaultKind,
    /// To which nodes.
    pub nodes: Vec<String>,
    /// When.
    pub since: jiff::Timestamp,
}

/// One machine of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    #[serde(default)]
    pub(crate) role: Role,
}

/// A lab as it is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lab {
    pub(crate) format: String,
    pub(crate) name: LabName,
    pub(crate) family: String,
    pub(crate) release: Release,
    pub(crate) ssh_user: SshUser,
    #[serde(default)]
    pub(crate) manager: Manager,
    /// Bytes of each node's data volume.
    pub(crate) volume: u64,
    pub(crate) bridge: String,
    /// The bridge's own address; the lab's range is the /24 around it.
    pub(crate) host: Ipv4Addr,
    /// The cached root the machines lie over.
    pub(crate) root: PathBuf,
    /// Whether the cluster was healthy once. Until then nothing in the lab is worth keeping, from then on
    /// everything is.
    pub(crate) formed: bool,
    pub(crate) next_fault: u32,
    pub(crate) node: Vec<Node>,
    #[serde(default)]
    pub(crate) fault: Vec<Fault>,
}

impl Lab {
    pub(crate) const FORMAT: &'static str = FORMAT;

    pub(crate) fn dir(&self) -> PathBuf {
        dir(&self.name)
    }

    pub(crate) fn node(&self, name: &str) -> Result<&Node, LabError> {
        self.node.iter().find(|node| node.name == name).ok_or_else(|| {
            let nodes: Vec<String> = self.node.iter().map(|node| node.name.clone()).collect();
            let nearest = nodes.iter().min_by_key(|node| strsim::levenshtein(node, name)).cloned();
            LabError::NoNode {
                lab: self.name.to_string(),
                node: name.to_owned(),
                nearest: nearest.unwrap_or_default(),
                nodes,
            }
        })
    }

    /// The nodes of one role, in the order of their numbers.
    pub(crate) fn of(&self, role: Role) -> Vec<Node> {
        self.node.iter().filter(|node| node.role == role).cloned().collect()
    }

    /// Where the machines keep their data: Debian moved it after release 13.
    pub(crate) fn datadir(&self) -> &'static str {
        if self.moved() { "/var/lib/mariadb" } else { "/var/lib/mysql" }
    }

    /// Where a server keeps its process id and its socket, moved likewise.
    pub(crate) fn run(&self) -> &'static str {
        if self.moved() { "/run/mariadbd" } else { "/run/mysqld" }
    }

    fn moved(&self) -> bool {
        self.root.join("var/lib/mariadb").is_dir()
    }

    /// Where a node's own files are on this host.
    pub(crate) fn place(&self, node: &Node) -> PathBuf {
        self.dir().join("machines").join(&node.name)
    }

    /// A fault of this kind on this node, other than the one named.
    pub(crate) fn fault_on(&self, node: &str, kind: FaultKind, except: &str) -> Option<&Fault> {
        self.fault.iter().find(|fault| {
            fault.kind == kind && fault.id != except && fault.nodes.iter().any(|name| name == node)
        })
    }

    /// Reads a lab; a lab that is not there is an error that names those that are.
    pub(crate) fn load(name: &LabName) -> Result<Self, LabError> {
        Self::find(name)?.ok_or_else(|| LabError::NoLab { name: name.to_string(), labs: labs() })
    }

    /// Reads a lab, if it has a state file.
    pub(crate) fn find(name: &LabName) -> Result<Option<Self>, LabError> {
        let path = dir(name).join("lab.toml");
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map(Some).map_err(|found| LabError::BadState {
                lab: name.to_string(),
                path,
                found,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LabError::io("read", &path)(error)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lab: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if lab.format == FORMAT {
            Ok(lab)
        } else {
            Err(format!("its format is {:?}, not {FORMAT:?}", lab.format))
        }
    }

    /// Writes it whole: a reader sees the old state or the new one, also after a crash.
    pub(crate) fn save(&self) -> Result<(), LabError> {
        let path = self.dir().join("lab.toml");
        let text = toml::to_string(self).map_err(|error| LabError::BadState {
            lab: self.name.to_string(),
            path: path.clone(),
            found: error.to_string(),
        })?;
        write(&path, &text, 0o644)
    }
}

/// Writes a file whole and on disk, under its final name only once it is.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<(), LabError> {
    let new = path.with_extension("new");
    let run = || -> std::io::Result<()> {
        let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(&new)?;
        // The mode given above passes through the umask, and a file left by a crash keeps its old one.
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    run().map_err(LabError::io("write", path))
}

/// A lab's directory.
pub(crate) fn dir(name: &LabName) -> PathBuf {
    Path::new(LABS).join(name.as_str())
}

/// The labs that have a directory.
pub(crate) fn labs() -> Vec<String> {
    let mut labs: Vec<String> = fs::read_dir(LABS)
        .map(|dir| {
            dir.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok()).collect()
        })
        .unwrap_or_default();
    labs.sort();
    labs
}

/// Held while a command changes a lab. The lab's directory itself is locked, so no lock file is ever left.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Locks a lab's directory, made first where `make` says so; `None` where there is none.
    pub(crate) fn take(name: &LabName, make: bool, say: Say<'_>) -> Result<Option<Self>, LabError> {
        let path = dir(name);
        loop {
            if make {
                fs::create_dir_all(&path).map_err(LabError::io("make", &path))?;
            }
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && make => continue,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(LabError::io("open", &path)(error)),
            };
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                say(&format!("another command works on lab {name}; waiting for it"));
                flock(&file, FlockOperation::LockExclusive)
                    .map_err(|e| LabError::io("lock", &path)(e.into()))?;
            }
            // Whoever held it may have removed the directory; then this lock guards nothing.
            let held = file.metadata().map_err(LabError::io("look at", &path))?;
            if fs::metadata(&path).is_ok_and(|now| now.ino() == held.ino() && now.dev() == held.dev()) {
                return Ok(Some(Self(file)));
            }
        }
    }

    /// Locks an existing lab.
    pub(crate) fn existing(name: &LabName, say: Say<'_>) -> Result<Self, LabError> {
        Self::take(name, false, say)?.ok_or_else(|| LabError::NoLab { name: name.to_string(), labs: labs() })
    }

    /// Keeps two labs from choosing the same addresses at the same time.
    pub(crate) fn all() -> Result<Self, LabError> {
        let path = Path::new(LABS);
        fs::create_dir_all(path).map_err(LabError::io("make", path))?;
        let file = File::open(path).map_err(LabError::io("open", path))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| LabError::io("lock", path)(e.into()))?;
        Ok(Self(file))
    }
}

#[cfg(test)]
pub(crate) fn sample() -> Lab {
    Lab {
        format: FORMAT.to_owned(),
        name: "shop".parse().unwrap(),
        family: "galera".to_owned(),
        release: Release::Bookworm,
        ssh_user: SshUser::Root,
        manager: Manager::Systemd,
        volume: 1 << 30,
        bridge: "bgl-0a1b2c".to_owned(),
        host: Ipv4Addr::new(10, 99, 7, 1),
        root: PathBuf::from("/var/cache/breakglass-lab/bookworm-0"),
        formed: true,
        next_fault: 2,
        node: (1..=3)
            .map(|n| Node {
                name: format!("g{n}"),
                address: Ipv4Addr::new(10, 99, 7, 10 + n),
                role: Role::Data,
            })
            .collect(),
        fault: vec![Fault {
            id: "f1".to_owned(),
            kind: FaultKind::FreezeMachine,
            nodes: vec!["g2".to_owned()],
            since: "2026-01-02T03:04:05Z".parse().unwrap(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = toml::to_string(&sample()).unwrap();
        assert_eq!(Lab::parse(&text).unwrap(), sample());
        assert!(text.contains("kind = \"freeze-machine\""), "{text}");
    }

    #[test]
    fn another_format_is_refused() {
        let text = toml::to_string(&sample()).unwrap().replace("state/1", "state/2");
        assert!(Lab::parse(&text).unwrap_err().contains("lab-state/2"));
        assert!(Lab::parse("x = ").is_err());
    }

    #[test]
    fn an_unknown_node_names_the_nearest() {
        let error = sample().node("g22").unwrap_err();
        assert!(matches!(&error, LabError::NoNode { nearest, .. } if nearest == "g2"), "{error}");
        assert!(error.is_usage());
    }

    #[test]
    fn files_are_written_whole_with_their_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id");
        write(&path, "one", 0o600).unwrap();
        write(&path, "two", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
