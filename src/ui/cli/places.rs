//! Where the inventory is, and whether it may be believed; where records and their heads are kept.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::{Access, Mode as Bits, OFlags};

use super::{Failure, Places};
use crate::facts::{ClusterName, Mode};
use crate::inventory::{self, Inventory};
use crate::record::{self, Head};

/// Finds and reads the inventory; `None` where no place holds one. A place named by option or environment must.
pub(super) fn inventory(places: &Places) -> Result<Option<Inventory>> {
    Ok(inventory_and_digest(places)?.map(|(inventory, _)| inventory))
}

/// As [`inventory()`], with the digest of the file's bytes, `sha256:…`.
pub(in crate::ui) fn inventory_and_digest(places: &Places) -> Result<Option<(Inventory, String)>> {
    let named = places
        .inventory
        .clone()
        .map(|path| (path, "--inventory"))
        .or_else(|| variable("BREAKGLASS_INVENTORY").map(|path| (path, "$BREAKGLASS_INVENTORY")));
    if let Some((path, by)) = named {
        let inventory = read(&path)?.ok_or_else(|| {
            Failure::Usage(format!("{} (named by {by}) does not exist; correct the path", path.display()))
        })?;
        return Ok(Some(inventory));
    }
    for path in usual() {
        if let Some(inventory) = read(&path)? {
            return Ok(Some(inventory));
        }
    }
    Ok(None)
}

/// The places looked at where none is named, in order.
pub(super) fn usual() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = config().into_iter().map(|dir| dir.join("inventory.toml")).collect();
    places.push(PathBuf::from("/etc/breakglass/inventory.toml"));
    places
}

/// Where records are kept: `--state-dir`, else `$BREAKGLASS_STATE_DIR`, else `$XDG_STATE_HOME/breakglass`, else
/// `~/.local/state/breakglass`.
pub(in crate::ui) fn state_dir(places: &Places) -> Result<PathBuf> {
    let usual = || {
        let state = variable("XDG_STATE_HOME");
        let state = state.or_else(|| variable("HOME").map(|home| home.join(".local/state")));
        state.map(|dir| dir.join("breakglass"))
    };
    let named = places.state_dir.clone().or_else(|| variable("BREAKGLASS_STATE_DIR"));
    named.or_else(usual).ok_or_else(|| {
        Failure::Usage("no place for records: HOME is not set; name one with --state-dir".to_owned()).into()
    })
}

/// Labs keep their heads with themselves, so that both go together.
const LABS: &str = "/var/lib/breakglass-lab";

/// The file of the head that is remembered of a cluster's record: outside the record's folder, and for a real cluster
/// outside the state directory. `None` where none is remembered: in drills, and for a lab that is not on this host or
/// not ours.
pub(in crate::ui) fn head(mode: Mode, cluster: &ClusterName) -> Option<PathBuf> {
    match mode {
        Mode::Live => heads().map(|dir| dir.join(cluster.as_str())),
        Mode::Lab => {
            let lab = Path::new(LABS).join(cluster.as_str());
            rustix::fs::access(&lab, Access::WRITE_OK | Access::EXEC_OK).ok().map(|()| lab.join("head"))
        }
        // Files have no record.
        Mode::Drill | Mode::Bundle => None,
    }
}

/// Where the heads of real clusters are.
fn heads() -> Option<PathBuf> {
    config().map(|dir| dir.join("heads/live"))
}

/// The head of the log whose record 0 has the hash `log`, among all that this workstation remembers, and its file. What
/// cannot be read is none: it may belong to anything.
pub(super) fn head_of(log: &str) -> Option<(PathBuf, Head)> {
    let list = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let live = heads().into_iter().flat_map(|dir| list(&dir).collect::<Vec<_>>());
    let labs = list(Path::new(LABS)).map(|lab| lab.join("head"));
    let mut known = live.chain(labs).filter_map(|path| Some((Head::read(&path).ok()??, path)));
    known.find(|(head, _)| head.log == log).map(|(head, path)| (path, head))
}

/// This user's folder of settings: `$XDG_CONFIG_HOME/breakglass`.
pub(super) fn config() -> Option<PathBuf> {
    let config = variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")))?;
    Some(config.join("breakglass"))
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn read(path: &Path) -> Result<Option<(Inventory, String)>> {
    let shown = path.display();
    let file =
        match rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Bits::empty()) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
            Err(error) => {
                return Err(Failure::Usage(format!(
                    "inventory {shown} cannot be opened: {error}; check its mode"
                ))
                .into());
            }
        };
    let metadata = file.metadata().with_context(|| format!("looking at the inventory {shown}"))?;
    let refuse = |why: String| Err(Failure::Usage(format!("inventory {shown} is refused: {why}")).into());
    if !metadata.is_file() {
        return refuse("it is not a regular file; name the file itself".to_owned());
    }
    // Whoever can write the inventory decides where our commands go.
    let owner = metadata.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return refuse(format!(
            "it belongs to uid {owner}, who is neither you nor root; take a copy of your own"
        ));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return refuse(format!("group or others can write it (mode {mode:04o}); chmod go-w {shown}"));
    }
    let mut bytes = Vec::new();
    // One byte more than an inventory may have: the parser then says that it is too large.
    file.take(inventory::MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("reading the inventory {shown}"))?;
    let inventory = inventory::parse_bytes(&shown.to_string(), &bytes)
        .map_err(|errors| Failure::Usage(errors.to_string()))?;
    let digest = format!("sha256:{}", record::hash(&bytes));
    Ok(Some((inventory, digest)))
}
