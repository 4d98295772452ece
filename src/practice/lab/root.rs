//! The Debian root every machine lies over: built once, cached, never written to afterwards.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use super::error::LabError;
use super::host::Call;
use super::state::Release;
use super::{CACHE, Say, sources};

const PACKAGES: &str = "systemd,systemd-sysv,dbus,openssh-server,sudo,mariadb-server,mariadb-client,mariadb-backup,\
     galera-4,galera-arbitrator-4,rsync,socat,iproute2,iptables,procps,monit,haproxy,openssl";

/// What is done to the root after its packages are in. Each is run by a shell with the root as `$1`.
const HOOKS: &[&str] = &[
    // Each server is started by hand, never by a boot; a socket would hold 3306 before the server does.
    r#"chroot "$1" systemctl disable mariadb.service mariadb.socket garb.service haproxy.service monit.service"#,
    r#"chroot "$1" systemctl enable systemd-networkd.service"#,
    // Nothing in a lab reaches a network beyond its bridge: what waits for one or looks for updates only delays.
    r#"chroot "$1" systemctl disable systemd-networkd-wait-online.service"#,
    // Not every release has all of them.
    r#"for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer e2scrub_reap.service; do if [ -e "$1/usr/lib/systemd/system/$unit" ] || [ -e "$1/lib/systemd/system/$unit" ]; then chroot "$1" systemctl disable "$unit"; fi; done"#,
    r#"chroot "$1" useradd --create-home --shell /bin/bash --uid 1000 ops"#,
    r#"mkdir -p "$1/var/log/journal""#,
    // Identity belongs to the machine, names and proxies to this host.
    r#"rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/machine-id" "$1/var/lib/dbus/machine-id" "$1/etc/hostname" "$1/etc/apt/apt.conf.d/99mmdebstrap""#,
    r#"rm -f "$1/etc/resolv.conf" && : > "$1/etc/resolv.conf""#,
];

/// Goes up when the recipe changes in a way its text does not show.
const RECIPE: u32 = 1;

/// The root of a release, built where it is not cached yet.
pub(crate) fn ensure(release: Release, say: Say<'_>) -> Result<PathBuf, LabError> {
    let cache = Path::new(CACHE);
    let wanted = cache.join(format!("{}-{}", release.as_str(), key()));
    if wanted.is_dir() {
        return Ok(wanted);
    }
    fs::create_dir_all(cache).map_err(LabError::io("make", cache))?;
    // The directory itself is the lock: it is released by the end of the process, however it ends.
    let lock = File::open(cache).map_err(LabError::io("open", cache))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        say("another `lab up` builds the Debian root; waiting for it");
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| LabError::io("lock", cache)(e.into()))?;
    }
    if wanted.is_dir() {
        return Ok(wanted);
    }
    build(release, &wanted, say)?;
    Ok(wanted)
}

fn build(release: Release, wanted: &Path, say: Say<'_>) -> Result<(), LabError> {
    let (cache, release) = (Path::new(CACHE), release.as_str());
    for entry in fs::read_dir(cache).map_err(LabError::io("list", cache))?.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(".building-") {
            say("throwing away a root that was left half-built");
            fs::remove_dir_all(entry.path()).map_err(LabError::io("remove", &entry.path()))?;
        }
    }
    let sources = sources::for_release(release)?;
    say(&format!("building the Debian {release} root in {CACHE} (once; about a minute)"));
    let half = cache.join(format!(".building-{release}"));
    fs::create_dir(&half).map_err(LabError::io("make", &half))?;
    // Machines must be able to read their own files, nobody else on this host needs to.
    restrict(cache)?;
    let (list, options, root) = (half.join("sources.list"), half.join("apt.conf"), half.join("root"));
    fs::write(&list, sources).map_err(LabError::io("write", &list))?;
    // In a file, not on the command line: a proxy's address may hold a password.
    fs::write(&options, apt_options()?).map_err(LabError::io("write", &options))?;
    // In a process namespace of its own, ended with its parent: a killed `lab up` leaves no build behind, and no
    // mount, since those are the namespace's.
    let built = Call::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--mount-proc", "--fork"])
        .args(["--kill-child=KILL", "mmdebstrap", "--mode=root", "--variant=minbase"])
        .arg(format!("--include={PACKAGES}"))
        .arg(format!("--aptopt={}", options.display()))
        .args(HOOKS.iter().map(|hook| format!("--customize-hook={hook}")))
        .arg(release)
        .arg(&root)
        .arg(&list)
        .limit(1800)
        .run();
    if built.is_err() {
        fs::remove_dir_all(&half).map_err(LabError::io("remove", &half))?;
    }
    built?;
    fs::rename(&root, wanted).map_err(LabError::io("rename into place", wanted))?;
    fs::remove_dir_all(&half).map_err(LabError::io("remove", &half))?;
    say("the root is built");
    Ok(())
}

fn restrict(path: &Path) -> Result<(), LabError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(LabError::io("restrict", path))
}

/// How this host's apt fetches: its proxy, certificates and checks, which a new root would not know.
fn apt_options() -> Result<String, LabError> {
    let dump = Call::new("apt-config").arg("dump").run()?.stdout;
    Ok(fetching(&dump) + "Apt::Install-Recommends \"false\";\n")
}

fn fetching(dump: &str) -> String {
    const KEPT: &[&str] = &[
        "acquire::http::",
        "acquire::https::",
        "acquire::retries ",
        "acquire::check-valid-until ",
        "acquire::check-date ",
        "acquire::forceipv4 ",
        "acquire::forceipv6 ",
    ];
    dump.lines()
        .filter(|line| {
            let line = line.to_ascii_lowercase();
            KEPT.iter().any(|kept| line.starts_with(kept)) && !line.ends_with("\"\";")
        })
        .fold(String::new(), |text, line| text + line + "\n")
}

/// A recipe's key: another recipe is another root, never a changed one under running machines.
fn key() -> String {
    let mut digest = Sha256::new();
    for part in [RECIPE.to_string().as_str(), PACKAGES].into_iter().chain(HOOKS.iter().copied()) {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    super::hex(digest.finalize().get(..6).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_how_this_host_fetches_and_nothing_else() {
        let dump = "APT \"\";\nAcquire::Languages:: \"none\";\nAcquire::http \"\";\nAcquire::http::Proxy \"http://p:1\";\n\
            Acquire::https::CaInfo \"/ca\";\nAcquire::Check-Date \"false\";\nAcquire::http::Pipeline-Depth \"\";\n\
            Acquire::IndexTargets \"\";\n";
        assert_eq!(
            fetching(dump),
            "Acquire::http::Proxy \"http://p:1\";\nAcquire::https::CaInfo \"/ca\";\nAcquire::Check-Date \"false\";\n"
        );
    }

    #[test]
    fn the_recipe_has_one_key() {
        assert_eq!(key(), key());
        assert_eq!(key().len(), 12);
        assert!(!PACKAGES.contains(' '), "the list is one word for mmdebstrap");
    }
}
