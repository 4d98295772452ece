//! S12: Never delete state: quarantine it. Redo logs, tablespaces and binlogs are never touched by us; the server's own
//! crash recovery is named as such (S14).
//!
//! Kept in the scripts: whatever leaves its place goes to `/var/lib/breakglass/quarantine`, which no state transfer
//! empties, with a manifest. The one file of the data directory that is ever written is grastate.dat, as an edited copy
//! renamed over it, the original kept; the one that is ever moved away is gvwstate.dat, where it saves a view of the node
//! alone (S10).

#[cfg(test)]
mod tests {
    use crate::ask::act::Deed;
    use crate::facts::{ClusterUuid, Plain, Position, Seqno};

    fn deeds() -> Vec<Deed> {
        let position = Position { uuid: ClusterUuid::new(1).unwrap(), seqno: Seqno::new(1).unwrap() };
        vec![
            Deed::TakeLease { holder: Plain::default(), over: None },
            Deed::ReleaseLease { buried: Vec::new() },
            Deed::Freeze,
            Deed::Unfreeze,
            Deed::EndStuck { pid: 1, started: 1 },
            Deed::ClearLeftovers,
            Deed::RecoverDirect,
            Deed::Bootstrap { position, peers: Vec::new() },
            Deed::Start { together: false },
            Deed::Write { token: Plain::default() },
            Deed::DropCheck,
        ]
    }

    /// What a removal may name: this session's own files, the freeze's drop-in and its gate, our own socket, and what was
    /// copied into quarantine on the line before.
    const OURS: [&str; 8] = [
        "\"$op_dir\"",
        "\"$BG_ROOT$gate\"",
        "breakglass-recover.",
        "\"$path\"",
        "\"$state",
        "\"$new\"",
        "\"$drop_in\"",
        "if [ \"$2\" = move ]; then rm \"$1\"",
    ];

    #[test]
    fn no_script_removes_what_a_server_wrote() {
        let mut removals = 0;
        for deed in deeds() {
            for line in deed.body().lines().map(str::trim).filter(|line| !line.starts_with('#')) {
                let words: Vec<&str> = line.split([' ', ';', '(', '{']).collect();
                if ["rm", "unlink", "shred", "truncate"].iter().any(|word| words.contains(word)) {
                    removals += 1;
                    assert!(OURS.iter().any(|ours| line.contains(ours)), "{}: {line}", deed.name());
                }
                let engine =
                    ["ibdata", "ib_logfile", "undo0", "galera.cache", ".ibd", "mysql-bin", "aria_log"];
                let names = engine.iter().any(|name| line.contains(name));
                assert!(
                    !names || line.starts_with("for ") || line.contains("stat ") || line.contains("[ -e "),
                    "{}: {line}",
                    deed.name()
                );
            }
        }
        assert!(removals > 10, "{removals}");
    }
}
