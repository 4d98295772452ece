//! What makes one machine itself: its identity, keys, addresses and configuration, laid over the shared root.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::error::LabError;
use super::host::Call;
use super::role::Role;
use super::services;
use super::state::{Lab, Node, SshUser};

/// The writable layer of one machine, over the root all machines share.
struct Layer {
    upper: PathBuf,
    lower: PathBuf,
}

impl Layer {
    /// Writes one file, with directories that look as they do in the root.
    fn put(&self, path: &str, text: &str, mode: u32, owner: u32) -> Result<(), LabError> {
        let target = self.upper.join(path);
        if let Some(parent) = Path::new(path).parent() {
            self.dir(parent, owner)?;
        }
        fs::write(&target, text).map_err(LabError::io("write", &target))?;
        set(&target, mode, owner)
    }

    fn dir(&self, path: &Path, owner: u32) -> Result<(), LabError> {
        let target = self.upper.join(path);
        if path.as_os_str().is_empty() || target.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.dir(parent, owner)?;
        }
        fs::create_dir(&target).map_err(LabError::io("make", &target))?;
        match fs::metadata(self.lower.join(path)) {
            Ok(below) => {
                set(&target, below.mode() & 0o7777, below.uid())?;
                chown(&target, None, Some(below.gid())).map_err(LabError::io("give", &target))
            }
            // Only what holds keys is not in the root, and its owner alone may look.
            Err(_) => set(&target, 0o700, owner),
        }
    }
}

fn set(path: &Path, mode: u32, owner: u32) -> Result<(), LabError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(LabError::io("set the mode of", path))?;
    chown(path, Some(owner), Some(owner)).map_err(LabError::io("give", path))
}

/// Makes everything of one machine that must be there before it starts, and gives its host key's line for
/// `known_hosts`.
pub(crate) fn prepare(lab: &Lab, node: &Node, login: &str) -> Result<String, LabError> {
    let place = lab.place(node);
    for dir in ["upper", "work", "root"].map(|dir| place.join(dir)) {
        fs::create_dir_all(&dir).map_err(LabError::io("make", &dir))?;
        set(&dir, 0o755, 0)?;
    }
    set(&place, 0o700, 0)?;
    if node.role == Role::Data {
        volume(lab, &place)?;
    }
    let layer = Layer { upper: place.join("upper"), lower: lab.root.clone() };
    let (private, public) = key_pair(&place.join("host_key"), &node.name)?;
    layer.put("etc/ssh/ssh_host_ed25519_key", &private, 0o600, 0)?;
    layer.put("etc/ssh/ssh_host_ed25519_key.pub", &public, 0o644, 0)?;
    layer.put("etc/machine-id", &format!("{}\n", machine_id()?), 0o444, 0)?;
    layer.put("etc/hostname", &format!("{}\n", node.name), 0o644, 0)?;
    layer.put("etc/hosts", &hosts(lab, node), 0o644, 0)?;
    layer.put("etc/breakglass-lab", &format!("{}\n", lab.name), 0o644, 0)?;
    layer.put("etc/systemd/network/10-host0.network", &network(node.address), 0o644, 0)?;
    layer.put(
        "etc/systemd/journald.conf.d/breakglass-lab.conf",
        "[Journal]\nSystemMaxUse=64M\n",
        0o644,
        0,
    )?;
    for file in services::files(lab, node) {
        layer.put(file.path, &file.text, file.mode, 0)?;
    }
    match lab.ssh_user {
        SshUser::Root => layer.put("root/.ssh/authorized_keys", login, 0o600, 0)?,
        SshUser::Ops => {
            let ops = Path::new("home/ops");
            let owner = fs::metadata(lab.root.join(ops)).map_err(LabError::io("look at", ops))?.uid();
            layer.put("home/ops/.ssh/authorized_keys", login, 0o600, owner)?;
            layer.put("etc/sudoers.d/ops", "ops ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440, 0)?;
        }
    }
    let key: Vec<&str> = public.split_whitespace().take(2).collect();
    Ok(format!("{} {}\n", node.address, key.join(" ")))
}

/// The node's data volume: a file system of its own and of the size asked for, filled from the root's data
/// directory without being mounted here.
fn volume(lab: &Lab, place: &Path) -> Result<(), LabError> {
    let image = place.join("volume.img");
    let file = fs::File::create(&image).map_err(LabError::io("make", &image))?;
    file.set_len(lab.volume).map_err(LabError::io("size", &image))?;
    let data = lab.root.join(lab.datadir().trim_start_matches('/'));
    let owner = fs::metadata(&data).map_err(LabError::io("look at", &data))?;
    // Ended with its parent: it would go on filling the image of a lab that is taken down meanwhile.
    Call::new("setpriv")
        .args(["--pdeathsig", "KILL", "mkfs.ext4", "-q", "-F", "-m", "0", "-E"])
        .arg(format!("root_owner={}:{},nodiscard", owner.uid(), owner.gid()))
        .arg("-d")
        .args([data, image])
        .limit(120)
        .run()?;
    Ok(())
}

/// An ed25519 key pair, made where it is not there yet.
pub(crate) fn key_pair(path: &Path, comment: &str) -> Result<(String, String), LabError> {
    let public = path.with_extension("pub");
    // A pair left half-written by a crash would make ssh-keygen ask whether to overwrite it.
    for old in [path, &public] {
        if old.exists() {
            fs::remove_file(old).map_err(LabError::io("remove", old))?;
        }
    }
    Call::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(path).run()?;
    let read = |path: &Path| fs::read_to_string(path).map_err(LabError::io("read", path));
    Ok((read(path)?, read(&public)?))
}

fn machine_id() -> Result<String, LabError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(LabError::Random)?;
    let mut id = u128::from_be_bytes(bytes);
    // A version 4 UUID, as the service manager itself would make.
    id = id & !(0xf << 76) | 0x4 << 76;
    id = id & !(0x3 << 62) | 0x2 << 62;
    Ok(format!("{id:032x}"))
}

/// Every name a machine may be asked for: nothing resolves names in a lab, and sudo stops to resolve its own.
fn hosts(lab: &Lab, own: &Node) -> String {
    let mut text = format!("127.0.0.1 localhost\n127.0.1.1 {}\n{} lab-host\n", own.name, lab.host);
    for node in &lab.node {
        for part in [&node.address.to_string(), " ", &node.name, "\n"] {
            text.push_str(part);
        }
    }
    text
}

fn network(address: Ipv4Addr) -> String {
    format!(
        "[Match]\nName=host0\n\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    #[test]
    fn machine_ids_are_random_version_four() {
        let (one, two) = (machine_id().unwrap(), machine_id().unwrap());
        assert_ne!(one, two);
        assert_eq!((one.len(), one.as_bytes()[12]), (32, b'4'));
        assert!(b"89ab".contains(&one.as_bytes()[16]));
    }

    #[test]
    fn every_node_knows_every_name() {
        let lab = sample();
        let text = hosts(&lab, &lab.node[1]);
        assert!(
            text.contains("127.0.1.1 g2\n")
                && text.contains("10.99.7.13 g3\n")
                && text.contains("10.99.7.1 lab-host")
        );
    }
}
