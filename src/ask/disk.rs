//! Room on the data directory's file system: `df -P` and mountinfo.

use crate::facts::{Known, WhyKind};

/// Size and room, in the unit `df` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) size: u64,
    pub(super) free: u64,
}

/// Reads `LC_ALL=C df -P`: a heading and one line. The third number is what is left for others than root, who may
/// use a reserve the server may not.
pub(super) fn df(text: &str) -> Known<Room> {
    let malformed = || Known::unknown(WhyKind::Malformed, "df did not answer in the POSIX form");
    let mut lines = text.lines();
    if !lines.next().is_some_and(|heading| heading.starts_with("Filesystem")) {
        return malformed();
    }
    let Some(line) = lines.next() else { return malformed() };
    // A source may hold blanks (`//server/my share`): the numbers are the three before the percentage.
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let read = words.windows(4).find_map(|window| match window {
        [size, used, free, percent] if percent.ends_with('%') || *percent == "-" => {
            used.parse::<u64>().ok()?;
            Some(Room { size: size.parse().ok()?, free: free.parse().ok()? })
        }
        _ => None,
    });
    match read {
        // btrfs and others without an inode table say 0 of 0.
        Some(Room { size: 0, .. }) => Known::unknown(WhyKind::Undefined, "the file system has no such limit"),
        Some(room) => Known::Known(room),
        None => malformed(),
    }
}

/// Whether the file system of a directory is mounted read-only. The first line is the directory's real path, the others
/// are of /proc/self/mountinfo; the longest mount point above the path counts, and of equals the last.
pub(super) fn read_only(text: &str) -> Known<bool> {
    let (real, mounts) = text.split_once('\n').unwrap_or((text, ""));
    if !real.starts_with('/') {
        return Known::unknown(WhyKind::NotRead, "the real path of the data directory is not known");
    }
    let mut best: Option<(usize, bool)> = None;
    for line in mounts.lines() {
        let Some((point, read_only)) = mount(line) else { continue };
        let below = point == "/"
            || real.strip_prefix(point.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        if below && best.is_none_or(|(length, _)| point.len() >= length) {
            best = Some((point.len(), read_only));
        }
    }
    match best {
        Some((_, read_only)) => Known::Known(read_only),
        None => Known::unknown(WhyKind::Undefined, "no mount above the data directory was found"),
    }
}

/// The device of the directory's file system, by its short name (`sda1`, `dm-0` only where it is called so). The text is that
/// of [`read_only`].
pub(super) fn device(text: &str) -> Known<String> {
    let (real, mounts) = text.split_once('\n').unwrap_or((text, ""));
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((point, _)) = mount(line) else { continue };
        let below = point == "/"
            || real.strip_prefix(point.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        let source = line.split_once(" - ").and_then(|(_, system)| system.split(' ').nth(1));
        if let Some(source) = source.filter(|_| below && best.is_none_or(|(length, _)| point.len() >= length))
        {
            best = Some((point.len(), source));
        }
    }
    match best.and_then(|(_, source)| source.strip_prefix("/dev/")) {
        Some(device) => Known::Known(device.rsplit('/').next().unwrap_or(device).to_owned()),
        None => Known::unknown(WhyKind::Undefined, "the data directory lies on no device of this machine"),
    }
}

/// Mount point and read-only flag (of the mount or of the file system) of one line of mountinfo.
fn mount(line: &str) -> Option<(String, bool)> {
    let (mount, system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ');
    let point = fields.nth(4)?;
    let options = fields.next()?;
    let of_system = system.split(' ').nth(2).unwrap_or_default();
    let flagged = |options: &str| options.split(',').any(|option| option == "ro");
    Some((unescape(point), flagged(options) || flagged(of_system)))
}

/// Undoes mountinfo's octal escapes (`\040` is a blank).
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if let (b'\\', Some((&[a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'], after))) =
            (first, after.split_first_chunk())
        {
            bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn df_in_its_forms() {
        let df_k = "Filesystem     1024-blocks     Used Available Capacity Mounted on\noverlay          264212084 17800676  77485212      19% /\n";
        assert_eq!(df(df_k), Known::Known(Room { size: 264_212_084, free: 77_485_212 }));
        let busybox = "Filesystem           1024-blocks    Used Available Capacity Mounted on\n//s/my share 100 40 60 40% /my data\n";
        assert_eq!(df(busybox), Known::Known(Room { size: 100, free: 60 }));
        assert_eq!(
            df("Filesystem Inodes IUsed IFree IUse% Mounted on\nx 0 0 0 - /").why().unwrap().kind,
            WhyKind::Undefined
        );
        for bad in ["", "Filesystem", "df: /x: No such file", "Filesystem\nx 1 2 -3 4% /"] {
            assert_eq!(df(bad).why().unwrap().kind, WhyKind::Malformed, "{bad}");
        }
    }

    #[test]
    fn the_mount_above_the_directory_counts() {
        let mounts = "/srv/my data/mysql\n27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
            30 27 0:9 / /srv/my\\040data rw,noatime shared:1 - xfs /dev/vdb ro,attr2\n31 27 0:9 / /srv/my rw - xfs /dev/vdc rw\n";
        assert_eq!(read_only(mounts), Known::Known(true));
        assert_eq!(read_only(&mounts.replace("ro,attr2", "rw,attr2")), Known::Known(false));
        assert_eq!(
            read_only(&mounts.replace("rw,noatime", "ro,noatime").replace("ro,attr2", "rw")),
            Known::Known(true)
        );
        assert!(read_only("\n27 1 254:0 / / rw - ext4 /dev/vda rw").why().is_some());
        assert!(read_only("/x\n").why().is_some());
        assert_eq!(device(mounts), Known::Known("vdb".to_owned()));
        assert!(device("/x\n27 1 0:39 / / rw - overlay overlay rw").why().is_some());
    }

    proptest! {
        #[test]
        fn never_panics(text in "(Filesystem|/a)\\n[ 0-9%/\\\\rwo,\\-]{0,60}") {
            let _ = (df(&text), read_only(&text), device(&text));
        }
    }
}
