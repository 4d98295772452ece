//! df.txt: `df -P`, also with `-i`, of one file system or of all.

use crate::facts::{Known, WhyKind};

/// What df said of the data directory's file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Size in bytes.
    pub(super) size: Known<u64>,
    /// What is left, in bytes.
    pub(super) free: Known<u64>,
    /// Free inodes.
    pub(super) inodes: Known<u64>,
}

/// What the numbers of a table count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    /// Blocks of so many bytes.
    Blocks(u64),
    /// Index nodes.
    Inodes,
}

/// One file system.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    size: Option<u64>,
    free: u64,
    point: &'a str,
}

/// Reads the tables of df. Where they list several file systems, the longest mount point above `datadir` counts; where
/// the data directory is not known either, the one mounted where packages put it, else none.
pub(super) fn read(text: &str, datadir: Option<&str>) -> Room {
    let tables = match tables(text) {
        Ok(tables) => tables,
        Err(why) => {
            let none = || Known::unknown(WhyKind::Malformed, why);
            return Room { size: none(), free: none(), inodes: none() };
        }
    };
    let blocks = table(&tables, datadir, "df -P", |counts| match counts {
        Counts::Blocks(bytes) => Some(bytes),
        Counts::Inodes => None,
    });
    let inodes = table(&tables, datadir, "df -Pi", |counts| (counts == Counts::Inodes).then_some(1));
    let times = |number: u64, bytes: u64| match number.checked_mul(bytes) {
        Some(bytes) => Known::Known(bytes),
        None => Known::unknown(WhyKind::Malformed, "df said more than 2^64 bytes"),
    };
    let limitless = |line: &Line<'_>| line.size == Some(0);
    let no_limit = || Known::unknown(WhyKind::Undefined, "the file system has no such limit");
    Room {
        size: blocks.clone().and_then(|(bytes, line)| match line.size {
            Some(0) => no_limit(),
            Some(size) => times(size, bytes),
            None => Known::unknown(WhyKind::Undefined, "df did not say the size"),
        }),
        free: blocks
            .and_then(|(bytes, line)| if limitless(&line) { no_limit() } else { times(line.free, bytes) }),
        // btrfs and others without an inode table say 0 of 0.
        inodes: inodes
            .and_then(|(_, line)| if limitless(&line) { no_limit() } else { Known::Known(line.free) }),
    }
}

/// Where packages put the data directory.
const USUAL: &str = "/var/lib/mysql";

type Table<'a> = (Counts, Vec<Line<'a>>);

fn tables(text: &str) -> Result<Vec<Table<'_>>, &'static str> {
    let mut tables: Vec<Table<'_>> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.starts_with("Filesystem") {
            tables.push((heading(line)?, Vec::new()));
        } else if let Some((_, lines)) = tables.last_mut() {
            lines.extend(numbers(line));
        }
    }
    if tables.is_empty() {
        return Err("df.txt has no heading: take `LC_ALL=C df -P DATADIR` as it is");
    }
    Ok(tables)
}

fn heading(line: &str) -> Result<Counts, &'static str> {
    match line.split_ascii_whitespace().nth(1) {
        Some("Inodes") => Ok(Counts::Inodes),
        Some("Size") => Err("df.txt is of `df -h`, which rounds: take `LC_ALL=C df -P DATADIR`"),
        Some(word) => {
            word.strip_suffix("-blocks").and_then(block).map(Counts::Blocks).ok_or(
                "the heading of df.txt does not say the size of a block: take `LC_ALL=C df -P DATADIR`",
            )
        }
        None => Err("the heading of df.txt is cut"),
    }
}

/// The bytes of a block: `1024`, `1K`, `512`, `1`, `1B`, `1M`.
fn block(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits)? {
        "" | "B" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok().filter(|number| *number > 0)?.checked_mul(unit)
}

/// A source may hold blanks, and so may a mount point: the numbers are those before the percentage.
fn numbers(line: &str) -> Option<Line<'_>> {
    let words: Vec<(usize, &str)> = words(line);
    words.windows(5).find_map(|window| match window {
        [(_, size), (_, used), (_, free), (_, percent), (point, _)]
            if (percent.ends_with('%') || *percent == "-") && (number(used).is_some() || *used == "-") =>
        {
            let size = if *size == "-" { None } else { Some(number(size)?) };
            Some(Line { size, free: number(free)?, point: line.get(*point..)? })
        }
        _ => None,
    })
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The words with where they begin.
fn words(line: &str) -> Vec<(usize, &str)> {
    let begin = line.as_ptr().addr();
    line.split_ascii_whitespace().map(|word| (word.as_ptr().addr() - begin, word)).collect()
}

/// The line of the data directory's file system in the table that `wanted` takes, with what `wanted` says of it.
fn table<'a>(
    tables: &[Table<'a>],
    datadir: Option<&str>,
    command: &str,
    wanted: impl Fn(Counts) -> Option<u64>,
) -> Known<(u64, Line<'a>)> {
    let mut found = tables.iter().filter_map(|(counts, lines)| Some((wanted(*counts)?, lines)));
    let Some((unit, lines)) = found.next() else {
        return Known::unknown(WhyKind::NotAsked, format!("`{command}` is not in the bundle"));
    };
    if found.next().is_some() {
        return Known::unknown(WhyKind::Contradicted, format!("df.txt holds `{command}` more than once"));
    }
    let above = |line: &&Line<'_>| {
        datadir.is_some_and(|datadir| {
            line.point == "/"
                || datadir
                    .strip_prefix(line.point)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    match &lines[..] {
        [] => Known::unknown(WhyKind::Malformed, "df did not answer in the POSIX form"),
        [line] => Known::Known((unit, *line)),
        // A file system of this name was made for what every package puts there.
        several if datadir.is_none() => match several.iter().find(|line| line.point == USUAL) {
            Some(line) => Known::Known((unit, *line)),
            None => Known::unknown(
                WhyKind::NotAsked,
                "df.txt lists several file systems, and the data directory is not in the bundle: take `df -P DATADIR`",
            ),
        },
        several => match several.iter().filter(above).max_by_key(|line| line.point.len()) {
            Some(line) => Known::Known((unit, *line)),
            None => {
                Known::unknown(WhyKind::Undefined, "df.txt lists no file system above the data directory")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn free(text: &str) -> Option<u64> {
        read(text, None).free.known().copied()
    }

    #[test]
    fn one_file_system_in_any_block_size() {
        let line = "/dev/vda1 264212084 17800676 77485212 19% /var/lib/mysql\n";
        for (heading, bytes) in [
            ("1024-blocks", 1024),
            ("1K-blocks", 1024),
            ("512-blocks", 512),
            ("1-blocks", 1),
            ("1B-blocks", 1),
        ] {
            let text = format!("Filesystem {heading} Used Available Capacity Mounted on\n{line}");
            assert_eq!(free(&text), Some(77_485_212 * bytes), "{heading}");
            assert_eq!(free(&text.replace('\n', "\r\n")), Some(77_485_212 * bytes), "{heading}");
        }
    }

    #[test]
    fn room_and_inodes_in_one_file() {
        let text = "Filesystem     1024-blocks     Used Available Capacity Mounted on\ntmpfs 716800 716784 16 100% /var/lib/mysql\n\
            Filesystem      Inodes  IUsed   IFree IUse% Mounted on\ntmpfs 183500 200 183300 1% /var/lib/mysql\n";
        let room = read(text, None);
        assert_eq!(room.size, Known::Known(716_800 * 1024));
        assert_eq!(room.free, Known::Known(16 * 1024));
        assert_eq!(room.inodes, Known::Known(183_300));
        assert_eq!(
            read("Filesystem Inodes IUsed IFree IUse% Mounted on\nx 0 0 0 - /\n", None)
                .inodes
                .why()
                .unwrap()
                .kind,
            WhyKind::Undefined
        );
    }

    #[test]
    fn of_several_the_one_above_the_data_directory() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 9 1 8 10% /\n/dev/vdb 9 4 5 50% /srv/my data\n//s/my share 9 3 6 30% /srv/my\n";
        let of = |datadir| read(text, datadir).free;
        assert_eq!(of(Some("/srv/my data/mysql")), Known::Known(5 * 1024));
        assert_eq!(of(Some("/srv/my/")), Known::Known(6 * 1024));
        assert_eq!(of(Some("/srv/mysql")), Known::Known(8 * 1024));
        assert_eq!(of(None).why().unwrap().kind, WhyKind::NotAsked);
    }

    #[test]
    fn what_is_not_accepted_is_named() {
        let why = |text: &str| read(text, None).free.why().unwrap().text.to_string();
        assert!(
            why("Filesystem Size Used Avail Use% Mounted on\n/dev/vda 9G 1G 8G 10% /\n").contains("df -h")
        );
        assert!(why("overlay 270553174016 18227847168 79344902144 19% /\n").contains("no heading"));
        assert!(why("").contains("no heading"));
        assert!(why("Filesystem 1024-blocks Used Available Capacity Mounted on\n").contains("POSIX"));
        assert!(why("df: /x: No such file or directory\n").contains("no heading"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(Filesystem [0-9]{0,20}[A-Za-z]{0,2}-blocks\\n)?([ 0-9%/a-z\\-]{0,40}\\n?){0,4}", datadir in proptest::option::of("/?[a-z/]{0,8}")) {
            let _ = read(&text, datadir.as_deref());
        }
    }
}
