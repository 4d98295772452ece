//! tests/fixtures/galera: what real servers showed, taken apart into the files that a colleague would have collected.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use breakglass::ask::bundle::File;

/// Texts of files, by name.
pub(crate) type Files = BTreeMap<File, Vec<u8>>;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/galera")
}

/// The sections of a capture: `## NAME`, which stands behind the padding of the state file before it.
fn sections(capture: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut all: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut name = None;
    for line in capture.split_inclusive(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte != b' ').unwrap_or(0);
        match line.get(at..).unwrap().strip_prefix(b"## ") {
            Some(title) => {
                // The padding belongs to the file.
                let before: Option<&String> = name.as_ref();
                all.entry(before.cloned().unwrap_or_default()).or_default().extend(line.get(..at).unwrap());
                let title = String::from_utf8_lossy(title).trim_end().to_owned();
                all.entry(title.clone()).or_default();
                name = Some(title);
            }
            // A title comes first.
            None => all.get_mut(name.as_ref().unwrap()).unwrap().extend(line),
        }
    }
    all
}

/// The files of one capture.
fn files(capture: &[u8]) -> Files {
    let mut files = Files::new();
    for (name, text) in sections(capture) {
        let file = match name.as_str() {
            "grastate.dat" => File::Grastate,
            "gvwstate.dat" => File::Gvwstate,
            "systemctl show" => File::Unit,
            "df" => File::Room,
            "sql" => File::Status,
            _ => continue,
        };
        let text = match file {
            // The captures show bytes, without df's heading.
            File::Room => {
                [b"Filesystem 1-blocks Used Available Capacity Mounted on\n".to_vec(), text].concat()
            }
            _ => text,
        };
        files.insert(file, text);
    }
    files
}

/// The nodes of an experiment, each with its files.
pub(crate) fn captured(experiment: &str) -> Vec<(String, Files)> {
    let dir = fixtures().join(experiment);
    let node = |name: &&str| {
        let mut files = files(&fs::read(dir.join(format!("{name}.txt"))).ok()?);
        for (file, end) in [(File::Log, "log"), (File::Listing, "ls")] {
            if let Ok(text) = fs::read(dir.join(format!("{name}-{end}.txt"))) {
                files.insert(file, text);
            }
        }
        Some(((*name).to_owned(), files))
    };
    ["g1", "g2", "g3"].iter().filter_map(node).collect()
}

/// Every experiment of which a node's files were taken.
pub(crate) fn all() -> Vec<String> {
    let mut folders = vec![fixtures()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.extend(entries.iter().filter(|path| path.is_dir()).cloned());
        let nodes = ["g1.txt", "g2.txt", "g3.txt"];
        if entries.iter().any(|path| nodes.iter().any(|node| path.ends_with(node))) {
            found.push(folder.strip_prefix(fixtures()).unwrap().to_str().unwrap().to_owned());
        }
    }
    // What was recovered of killed nodes, beside what they showed.
    found.retain(|name| name != "03-kill9/recover");
    found.sort();
    found
}
