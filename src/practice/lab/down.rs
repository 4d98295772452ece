//! `lab down`: nothing is left, whatever is missing, broken or half-made.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::cgroup::Hierarchies;
use super::error::LabError;
use super::host::{self, Call};
use super::name::LabName;
use super::state::{self, Lock};
use super::{Say, cgroup, network};

/// Takes a lab down. All it needs to know is the lab's name.
pub fn down(name: &LabName, say: Say<'_>) -> Result<(), LabError> {
    host::require_root()?;
    let lock = Lock::take(name, false, say)?;
    let groups = Hierarchies::of_this_host()?;
    let nothing = groups.lab(name).iter().all(|dir| !dir.exists()) && network::links(name).is_empty();
    if lock.is_none() && nothing {
        say(&format!("there is no lab {name}; nothing to take down"));
        return Ok(());
    }
    clear(name)?;
    // Last: until here another `lab down` finds the lab by its directory.
    let dir = state::dir(name);
    remove(&dir, name)?;
    say(&format!("lab {name} is gone"));
    Ok(())
}

/// Ends everything of a lab but its directory itself, which carries the lock.
pub(crate) fn clear(name: &LabName) -> Result<(), LabError> {
    let groups = Hierarchies::of_this_host()?;
    let locks = locks(&groups.lab(name));
    cgroup::end(name, &groups.lab(name))?;
    let dir = state::dir(name);
    unmount(&dir)?;
    release(name, &dir)?;
    network::take_down(name)?;
    leftovers(name, &locks);
    for entry in fs::read_dir(&dir).into_iter().flatten().filter_map(Result::ok) {
        remove(&entry.path(), name)?;
    }
    Ok(())
}

/// Unmounts what this host's own mount namespace holds of a lab. The machines' mounts are not in it and end with
/// the machines; this is for what somebody mounted by hand to look at.
fn unmount(dir: &Path) -> Result<(), LabError> {
    let table = Path::new("/proc/self/mountinfo");
    let text = fs::read_to_string(table).map_err(LabError::io("read", table))?;
    for point in mounts(&text, dir).iter().rev() {
        Call::new("umount").arg(point).run()?;
    }
    Ok(())
}

fn mounts(mountinfo: &str, dir: &Path) -> Vec<PathBuf> {
    mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from)
        .filter(|at| at.starts_with(dir))
        .collect()
}

/// Waits until the volumes' loop devices are free; the kernel lets them go a moment after their mount.
fn release(name: &LabName, dir: &Path) -> Result<(), LabError> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let nodes = fs::read_dir(dir.join("machines")).into_iter().flatten().filter_map(Result::ok);
    for image in nodes.map(|node| node.path().join("volume.img")).filter(|image| image.exists()) {
        loop {
            let held = Call::new("losetup").arg("--associated").arg(&image).run()?.stdout;
            let Some((device, _)) = held.split_once(':') else { break };
            if Instant::now() > deadline {
                Call::new("losetup").args(["--detach", device]).run()?;
                return Err(LabError::Stuck {
                    lab: name.to_string(),
                    what: format!("loop device {device}"),
                    found: "it is still in use 10 s after the machine's end".to_owned(),
                });
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// The lock files the container manager's processes hold; ended by force, they leave them.
fn locks(groups: &[PathBuf]) -> Vec<PathBuf> {
    let pids = groups.iter().flat_map(|group| cgroup::pids(group));
    let open =
        |pid: i32| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().filter_map(Result::ok);
    pids.flat_map(open)
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|path| path.starts_with("/run/systemd/nspawn/locks"))
        .collect()
}

/// Removes what the container manager keeps about a machine outside the lab's own places: empty files in /run that
/// no one uses any more, so not worth failing for.
fn leftovers(name: &LabName, locks: &[PathBuf]) {
    for lock in locks {
        fs::remove_file(lock).unwrap_or_default();
    }
    let prefix = format!("{}-", name.short());
    for dir in ["/run/systemd/nspawn/propagate", "/run/systemd/nspawn/unix-export"] {
        for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_dir(entry.path()).unwrap_or_default();
            }
        }
    }
}

/// Removes a file or a tree. A command that a killed `lab up` left running may still write into it for a moment.
fn remove(path: &Path, name: &LabName) -> Result<(), LabError> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let result = match fs::symlink_metadata(path) {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.exists() => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(LabError::Stuck {
                    lab: name.to_string(),
                    what: path.display().to_string(),
                    found: error.to_string(),
                });
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_only_the_labs_own_mounts() {
        let text = "1 0 8:1 / / rw - ext4 /dev/a rw\n\
            2 1 0:9 / /var/lib/breakglass-lab/shop/machines/g1/root rw - overlay overlay rw\n\
            3 1 0:9 / /var/lib/breakglass-lab/shop2/machines/g1/root rw - overlay overlay rw\n";
        assert_eq!(
            mounts(text, Path::new("/var/lib/breakglass-lab/shop")),
            [PathBuf::from("/var/lib/breakglass-lab/shop/machines/g1/root")]
        );
    }
}
