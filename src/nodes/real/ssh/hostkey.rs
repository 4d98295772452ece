//! Whether the machine that answered is the one that was meant. Nothing but the key exchange has happened before.

use crate::facts::{Reach, ReachWord};

use super::config::Target;
use super::known_hosts::{Entry, Names, Verdict, fingerprint, key_type, known_types, parse, verdict};

/// All host key algorithms we take, in OpenSSH's order. Certificates are left out: only OpenSSH itself checks those.
const ALGORITHMS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// The known_hosts lines that a connection is held against.
#[derive(Debug)]
pub(crate) struct Trust {
    names: Names,
    entries: Vec<Entry>,
    files: String,
}

impl Trust {
    /// Reads the files; one that is not there holds nothing.
    pub(crate) fn read(target: &Target) -> Self {
        let mut entries = Vec::new();
        for file in &target.known_hosts {
            if let Ok(text) = std::fs::read(file) {
                entries.extend(parse(&file.to_string_lossy(), &text));
            }
        }
        let files: Vec<_> = target.known_hosts.iter().map(|file| file.to_string_lossy()).collect();
        Self {
            names: Names::new(&target.host, target.port, target.host_key_alias.as_deref()),
            entries,
            files: files.join(", "),
        }
    }

    /// The algorithms to ask the server for, those of known keys first, so that a host that has several keys shows one
    /// that is known.
    pub(crate) fn algorithms(&self) -> String {
        let known = known_types(&self.entries, &self.names);
        let of_known = |name: &&&str| known.iter().any(|kind| algorithm_of(name, kind));
        let first = ALGORITHMS.iter().filter(of_known);
        let rest = ALGORITHMS.iter().filter(|name| !of_known(name));
        first.chain(rest).copied().collect::<Vec<_>>().join(",")
    }

    /// The fingerprint of an accepted key, or why it is refused.
    pub(crate) fn judge(&self, target: &Target, blob: &[u8]) -> Result<String, Reach> {
        let seen = fingerprint(blob);
        let found = verdict(&self.entries, &self.names, blob);
        let refuse = |detail: String, next: String| {
            Err(Reach::failed(ReachWord::HostKey, format!("{detail}; nothing was sent"), next))
        };
        let (place, kind, name) = (target.place(), key_type(blob), self.names.primary());
        let via = format!("via = [\"ssh\", \"-T\", \"--\", \"{}\", \"sh\", \"-s\"]", target.destination);
        if let Verdict::Revoked(line) = found {
            return refuse(
                format!("{place} showed the host key {kind} {seen}, which {line} revokes"),
                "do not connect: whoever holds a revoked key can pose as this host; ask who revoked it"
                    .to_owned(),
            );
        }
        if !target.beyond_us.is_empty() {
            let options = target.beyond_us.join(" and ");
            return refuse(
                format!("the ssh config sets {options} for {name}, which only ssh itself can honour"),
                format!("reach the node by ssh itself: {via}"),
            );
        }
        if let Some(pinned) = &target.pinned {
            // A pin is a statement about this one node; it outranks what files say.
            if pinned.trim_end_matches('=') == seen {
                return Ok(seen);
            }
            return refuse(
                format!("{place} showed the host key {kind} {seen}; the inventory pins {pinned}"),
                "find out on the node's console which key is right (`ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub`); \
                 only if the machine was replaced, correct host_key in the inventory"
                    .to_owned(),
            );
        }
        match found {
            Verdict::Known => Ok(seen),
            Verdict::Revoked(_) | Verdict::Unknown => refuse(
                format!(
                    "{place} showed the host key {kind} {seen}, and no line of {} names {name}",
                    self.files
                ),
                format!(
                    "compare with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the node's console; if it is the \
                     same, enrol it: host_key = \"{seen}\" in the inventory, or the line that `ssh-keyscan -p {} {}` \
                     prints, in {}",
                    target.port, target.host, self.files
                ),
            ),
            Verdict::Changed(known) => {
                let known: Vec<_> = known.iter().map(|(key, line)| format!("{key} ({line})")).collect();
                refuse(
                    format!("{place} showed the host key {kind} {seen}; known is {}", known.join(", ")),
                    "another machine may be answering: compare with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the \
                     node's console; only if it was reinstalled, remove that line and enrol it anew"
                        .to_owned(),
                )
            }
            Verdict::NeedsCertAuthority(line) => refuse(
                format!(
                    "{place} showed the host key {kind} {seen}; {name} is known only by a certificate authority \
                     ({line}), which only ssh itself checks"
                ),
                format!(
                    "reach the node by ssh itself: {via}; or pin host_key = \"{seen}\" after comparing it"
                ),
            ),
        }
    }
}

/// Whether a key of this type is shown by that algorithm.
fn algorithm_of(algorithm: &str, kind: &str) -> bool {
    algorithm == kind || (kind == "ssh-rsa" && algorithm.starts_with("rsa-sha2-"))
}
