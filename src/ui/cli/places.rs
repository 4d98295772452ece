//! Where the inventory is, and whether it may be believed.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::{Mode, OFlags};

use super::{Failure, Places};
use crate::inventory::{self, Inventory};

/// Finds and reads the inventory; `None` where no place holds one. A place named by option or environment must.
pub(super) fn inventory(places: &Places) -> Result<Option<Inventory>> {
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
    let config = variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")));
    let mut places: Vec<PathBuf> =
        config.into_iter().map(|dir| dir.join("breakglass/inventory.toml")).collect();
    places.push(PathBuf::from("/etc/breakglass/inventory.toml"));
    places
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn read(path: &Path) -> Result<Option<Inventory>> {
    let shown = path.display();
    let file =
        match rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()) {
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
    Ok(Some(inventory))
}
