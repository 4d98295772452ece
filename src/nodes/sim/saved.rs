//! What Galera itself makes of grastate.dat: it takes almost anything, and a file that is none says that it is safe to
//! bootstrap (tests/fixtures/galera/11-parsing/results.txt). Ours is stricter (src/ask/grastate.rs).

use super::machine::{Machine, ZERO};

/// The state a provider starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    /// The history; zero where the file names none.
    pub(super) uuid: String,
    /// -1 where it is not known.
    pub(super) seqno: i64,
    pub(super) safe: bool,
}

impl Saved {
    /// Reads the file's text; `None` is a file that is not there.
    pub(super) fn read(text: Option<&str>) -> Self {
        let mut saved = Self { uuid: ZERO.to_owned(), seqno: -1, safe: true };
        for line in text.unwrap_or_default().lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
            match name {
                "uuid:" => saved.uuid = uuid(value).unwrap_or_else(|| ZERO.to_owned()),
                // What is no number is read as 0.
                "seqno:" => saved.seqno = value.parse().unwrap_or(0),
                "safe_to_bootstrap:" => saved.safe = value.parse().unwrap_or(0) != 0,
                _ => {}
            }
        }
        // Of a history that is not named nothing else is known.
        if saved.uuid == ZERO {
            saved.seqno = -1;
        }
        saved
    }
}

fn uuid(value: &str) -> Option<String> {
    let sizes = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = value.split('-').collect();
    let good =
        |(group, size): (&&str, usize)| group.len() == size && group.bytes().all(|b| b.is_ascii_hexdigit());
    (groups.len() == sizes.len() && groups.iter().zip(sizes).all(good)).then(|| value.to_ascii_lowercase())
}

impl Machine {
    /// What a provider that starts now would read.
    pub(super) fn saved(&self) -> Saved {
        Saved::read(self.dir.grastate.as_ref().map(|(text, _)| text.as_str()))
    }

    /// The safe_to_bootstrap line as Galera reads it.
    pub(super) fn is_safe(&self) -> bool {
        self.saved().safe
    }

    /// Whether the state file gave its history up: it then takes everything, whatever its engine holds.
    pub(super) fn gave_up(&self) -> bool {
        self.saved().uuid == ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each variant as it was written to a stopped node, and what its log said of it.
    #[test]
    fn every_variant_is_read_as_galera_read_it() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/galera/11-parsing");
        let log = std::fs::read_to_string(format!("{dir}/results.txt")).unwrap();
        let mut told = 0;
        for line in log.lines() {
            let name = line.trim_start_matches('[').split(']').next().unwrap();
            let Ok(bytes) = std::fs::read(format!("{dir}/{name}.grastate.dat")) else {
                assert!(["missing", "rootowned"].contains(&name), "{name}");
                continue;
            };
            let saved = Saved::read(Some(&String::from_utf8_lossy(&bytes)));
            // By an incremental transfer came back whoever's history was read.
            let aborted = name == "wrong-seqno-ahead";
            let by_all = line.contains("rsync SST completed");
            assert_eq!(saved.uuid == ZERO || saved.seqno == 0, by_all, "{name}: {saved:?}");
            assert!(!aborted || saved.seqno == 99_999, "{name}: {saved:?}");
            if let Some((_, said)) = line.split_once("Found saved state: ") {
                let (position, safe) = said.split_once(", safe_to_bootstrap: ").unwrap();
                assert_eq!(format!("{}:{}", saved.uuid, saved.seqno), position, "{name}");
                assert_eq!(u8::from(saved.safe).to_string(), safe[..1], "{name}");
                told += 1;
            }
        }
        assert!(told >= 7, "{told} variants were told of");
        assert_eq!(Saved::read(None), Saved { uuid: ZERO.to_owned(), seqno: -1, safe: true });
    }
}
