//! known_hosts files: which host keys are known, revoked or certified for a host. Pure.
//!
//! libssh2's own check takes a key that the file revokes for a match, knows no patterns, and calls a host that is
//! known by another key type an attack; so this matcher follows OpenSSH's (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT",
//! and hostfile.c), and a property test holds it against `ssh-keygen -F`. Like OpenSSH it skips lines it cannot read.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// What a line says about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Marker {
    /// The key is the host's.
    None,
    /// The key signs host certificates.
    CertAuthority,
    /// The key must never be accepted.
    Revoked,
}

/// One line that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What the line says about its key.
    pub(crate) marker: Marker,
    hosts: Hosts,
    /// The public key in SSH's wire form.
    pub(crate) blob: Vec<u8>,
    /// The file's name, for messages.
    pub(crate) file: String,
    /// The line's number, from 1.
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Patterns(String),
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

/// The names under which a host is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    primary: String,
    without_port: Option<String>,
}

impl Names {
    /// The names of `host`, which may be an alias that ssh_config's HostKeyAlias gives. Like OpenSSH: an alias stands
    /// as it is, a port other than 22 is part of the name, and an entry without port then counts only where it
    /// matches.
    pub(crate) fn new(host: &str, port: u16, alias: Option<&str>) -> Self {
        if let Some(alias) = alias {
            return Self { primary: alias.to_owned(), without_port: None };
        }
        let host = host.to_ascii_lowercase();
        if port == 22 {
            return Self { primary: host, without_port: None };
        }
        Self { primary: format!("[{host}]:{port}"), without_port: Some(host) }
    }

    /// The name as known_hosts writes it.
    pub(crate) fn primary(&self) -> &str {
        &self.primary
    }
}

/// What the files say about a host's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the host's.
    Known,
    /// No line names this host.
    Unknown,
    /// Lines name this host, and hold other keys: their fingerprints with file and line.
    Changed(Vec<(String, String)>),
    /// A line revokes this key: file and line.
    Revoked(String),
    /// Only a certificate authority is known for this host: file and line.
    NeedsCertAuthority(String),
}

/// The fingerprint in OpenSSH's form, `SHA256:…`.
pub(crate) fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

/// The key type a public key in wire form names, such as `ssh-ed25519`; empty where it names none.
pub(crate) fn key_type(blob: &[u8]) -> &str {
    let text = blob.split_first_chunk::<4>().and_then(|(length, rest)| {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        std::str::from_utf8(rest.get(..length)?).ok()
    });
    text.unwrap_or_default()
}

/// Reads a file's text; `file` is only for messages.
pub(crate) fn parse(file: &str, text: &[u8]) -> Vec<Entry> {
    let text = String::from_utf8_lossy(text);
    text.lines()
        .enumerate()
        .filter_map(|(at, line)| {
            let (marker, hosts, blob) = parse_line(line)?;
            Some(Entry { marker, hosts, blob, file: file.to_owned(), line: at + 1 })
        })
        .collect()
}

fn parse_line(line: &str) -> Option<(Marker, Hosts, Vec<u8>)> {
    let blanks = [' ', '\t'];
    let mut rest = line.trim_end_matches('\r').trim_start_matches(blanks);
    let mut marker = Marker::None;
    if rest.starts_with('@') {
        // OpenSSH 9.2 overlooks a marker that ends in a tab where a blank follows later; what a file says to revoke is
        // revoked here.
        let (word, after) = rest.split_once(blanks)?;
        marker = match word {
            "@cert-authority" => Marker::CertAuthority,
            "@revoked" => Marker::Revoked,
            _ => return None,
        };
        rest = after.trim_start_matches(blanks);
    }
    if rest.starts_with('#') {
        return None;
    }
    let (names, rest) = rest.split_once(blanks)?;
    let (kind, rest) = rest.trim_start_matches(blanks).split_once(blanks)?;
    let key = rest.trim_start_matches(blanks).split(blanks).next()?;
    let blob = STANDARD.decode(key).ok()?;
    if kind.is_empty() || key_type(&blob) != kind {
        return None;
    }
    let hosts = match names.strip_prefix('|') {
        None => Hosts::Patterns(names.to_owned()),
        Some(hashed) => {
            let (salt, hash) = hashed.strip_prefix("1|")?.split_once('|')?;
            Hosts::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? }
        }
    };
    Some((marker, hosts, blob))
}

impl Entry {
    /// Whether the line names `host`.
    pub(crate) fn names(&self, host: &str) -> bool {
        match &self.hosts {
            Hosts::Patterns(list) => list_matches(list, &host.to_ascii_lowercase()),
            Hosts::Hashed { salt, hash } => Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mut mac| {
                mac.update(host.as_bytes());
                mac.finalize().into_bytes().as_slice() == hash
            }),
        }
    }

    fn names_any(&self, names: &Names) -> bool {
        self.names(&names.primary) || names.without_port.as_deref().is_some_and(|host| self.names(host))
    }

    /// File and line, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// A list of patterns separated by commas: one must match, and none that begins with `!`.
fn list_matches(list: &str, host: &str) -> bool {
    let mut found = false;
    for pattern in list.to_ascii_lowercase().split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if pattern_matches(pattern, host) => return false,
            Some(_) => {}
            None => found |= pattern_matches(pattern, host),
        }
    }
    found
}

/// `*` is any text, `?` any one byte; bytes, as OpenSSH compares them.
fn pattern_matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.as_bytes(), text.as_bytes());
    // Where the last star stood, and the text from which it has not yet swallowed a byte.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', after)), _) => {
                pattern = after;
                retry = Some((after, text));
                continue;
            }
            (Some((p, after)), Some((t, rest))) if *p == b'?' || p == t => {
                pattern = after;
                text = rest;
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after, from)) = retry else { return false };
        let Some((_, rest)) = from.split_first() else { return false };
        retry = Some((after, rest));
        pattern = after;
        text = rest;
    }
}

/// What `entries` say about the key `blob` of the host with these names.
pub(crate) fn verdict(entries: &[Entry], names: &Names, blob: &[u8]) -> Verdict {
    let of = |marker: Marker| entries.iter().filter(move |entry| entry.marker == marker);
    if let Some(entry) = of(Marker::Revoked).find(|entry| entry.blob == blob && entry.names_any(names)) {
        return Verdict::Revoked(entry.place());
    }
    let lines: Vec<&Entry> = of(Marker::None).filter(|entry| entry.names(&names.primary)).collect();
    if lines.iter().any(|entry| entry.blob == blob) {
        return Verdict::Known;
    }
    if !lines.is_empty() {
        return Verdict::Changed(
            lines
                .into_iter()
                .map(|entry| {
                    (format!("{} {}", key_type(&entry.blob), fingerprint(&entry.blob)), entry.place())
                })
                .collect(),
        );
    }
    if of(Marker::None).any(|entry| entry.blob == blob && entry.names_any(names)) {
        return Verdict::Known;
    }
    match of(Marker::CertAuthority).find(|entry| entry.names_any(names)) {
        Some(entry) => Verdict::NeedsCertAuthority(entry.place()),
        None => Verdict::Unknown,
    }
}

/// The key types known for the host, best known first: what to ask the server for, so that a host known by one type
/// is not met with another.
pub(crate) fn known_types<'a>(entries: &'a [Entry], names: &Names) -> Vec<&'a str> {
    let plain = || entries.iter().filter(|entry| entry.marker == Marker::None);
    let mut types = Vec::new();
    for entry in
        plain().filter(|e| e.names(&names.primary)).chain(plain().filter(|entry| entry.names_any(names)))
    {
        let kind = key_type(&entry.blob);
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn ed25519(seed: u8) -> Vec<u8> {
        let mut blob = Vec::new();
        for part in [b"ssh-ed25519".as_slice(), &[seed; 32]] {
            blob.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
            blob.extend_from_slice(part);
        }
        blob
    }

    fn line(hosts: &str, seed: u8) -> String {
        format!("{hosts} ssh-ed25519 {} a comment\n", STANDARD.encode(ed25519(seed)))
    }

    fn check(text: &str, names: &Names, seed: u8) -> Verdict {
        verdict(&parse("f", text.as_bytes()), names, &ed25519(seed))
    }

    fn plain(host: &str) -> Names {
        Names::new(host, 22, None)
    }

    #[test]
    fn known_changed_unknown() {
        let text = line("db1,10.0.0.1", 1);
        assert_eq!(check(&text, &plain("DB1"), 1), Verdict::Known);
        assert_eq!(check(&text, &plain("db2"), 1), Verdict::Unknown);
        let Verdict::Changed(known) = check(&text, &plain("db1"), 2) else { panic!("not changed") };
        assert_eq!(known, [(format!("ssh-ed25519 {}", fingerprint(&ed25519(1))), "f:1".to_owned())]);
    }

    #[test]
    fn revoked_wins_over_everything() {
        let text = line("db1", 1) + &line("@revoked *", 1);
        assert_eq!(check(&text, &plain("db1"), 1), Verdict::Revoked("f:2".to_owned()));
        assert_eq!(check(&text, &Names::new("db1", 2222, None), 1), Verdict::Revoked("f:2".to_owned()));
        assert!(matches!(check(&text, &plain("db1"), 2), Verdict::Changed(_)));
    }

    #[test]
    fn an_authority_is_not_a_host_key() {
        let text = line("@cert-authority *.example.com", 1);
        assert_eq!(check(&text, &plain("db1.example.com"), 1), Verdict::NeedsCertAuthority("f:1".to_owned()));
        assert_eq!(check(&text, &plain("db1.example.org"), 1), Verdict::Unknown);
    }

    #[test]
    fn an_entry_without_port_counts_only_where_it_matches() {
        let text = line("db1", 1);
        let names = Names::new("db1", 2222, None);
        assert_eq!(check(&text, &names, 1), Verdict::Known);
        assert_eq!(check(&text, &names, 2), Verdict::Unknown);
        let text = text + &line("[db1]:2222", 2);
        assert_eq!(check(&text, &names, 2), Verdict::Known);
        assert!(matches!(check(&text, &names, 1), Verdict::Changed(_)));
    }

    #[test]
    fn an_alias_has_no_port() {
        let names = Names::new("10.0.0.1", 2222, Some("db1"));
        assert_eq!(check(&line("db1", 1), &names, 1), Verdict::Known);
        assert_eq!(check(&line("10.0.0.1", 1), &names, 1), Verdict::Unknown);
    }

    #[test]
    fn what_cannot_be_read_is_skipped() {
        let mut text = String::from("# db1\n\ngarbage\n@other db1 ssh-ed25519 AAAA\ndb1 ssh-rsa ");
        text.push_str(&STANDARD.encode(ed25519(1)));
        text.push_str("\n|1|x|y ssh-ed25519 AAAA\n|2|a|b\ndb1 ssh-ed25519 !!!!\n");
        assert_eq!(parse("f", text.as_bytes()), []);
        assert_eq!(check(&(text + &line("db1", 1)), &plain("db1"), 1), Verdict::Known);
    }

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("k.pub");
        std::fs::write(&file, format!("ssh-ed25519 {}\n", STANDARD.encode(ed25519(9)))).unwrap();
        let output = Command::new("ssh-keygen").arg("-lf").arg(&file).output().expect("ssh-keygen runs");
        assert!(String::from_utf8_lossy(&output.stdout).contains(&fingerprint(&ed25519(9))), "{output:?}");
    }

    fn by_ssh_keygen(host: &str, file: &Path) -> BTreeSet<(usize, Marker)> {
        let output =
            Command::new("ssh-keygen").args(["-F", host, "-f"]).arg(file).output().expect("ssh-keygen runs");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("# Host ")?.split_once(" found: line "))
            .map(|(_, rest)| match rest.trim().split_once(' ') {
                None => (rest.trim().parse().unwrap(), Marker::None),
                Some((line, "CA")) => (line.parse().unwrap(), Marker::CertAuthority),
                Some((line, "REVOKED")) => (line.parse().unwrap(), Marker::Revoked),
                Some(other) => panic!("{other:?}"),
            })
            .collect()
    }

    fn by_us(host: &str, file: &Path) -> BTreeSet<(usize, Marker)> {
        let entries = parse("f", &std::fs::read(file).unwrap());
        entries.iter().filter(|e| e.names(host)).map(|e| (e.line, e.marker)).collect()
    }

    const HOSTS: &[&str] =
        &["db1", "db2", "db10", "a.b", "10.0.0.1", "[db1]:2222", "[10.0.0.1]:22", "DB1", "fe80::1", "x"];

    fn pattern() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => prop::sample::select(HOSTS).prop_map(str::to_owned),
            3 => "!?[adbx1*?.]{1,5}",
            1 => r"\[[db1*?]{1,4}\]:(2222|\*|22)",
            1 => Just("*".to_owned()),
        ]
    }

    fn any_line() -> impl Strategy<Value = String> {
        let hosts = prop::collection::vec(pattern(), 1..4).prop_map(|list| list.join(","));
        let marker = prop_oneof![5 => Just(""), 1 => Just("@revoked "), 1 => Just("@cert-authority ")];
        prop_oneof![
            8 => (marker, hosts, 0u8..4).prop_map(|(marker, hosts, seed)| format!("{marker}{}", line(&hosts, seed))),
            1 => Just("# a comment\n".to_owned()),
            1 => Just("\n".to_owned()),
            1 => Just("  \t".to_owned() + &line("db1", 1)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn agrees_with_ssh_keygen(lines in prop::collection::vec(any_line(), 0..8)) {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("known_hosts");
            std::fs::write(&file, lines.concat()).unwrap();
            for host in HOSTS {
                prop_assert_eq!(by_us(host, &file), by_ssh_keygen(host, &file), "{} in {}", host, lines.concat());
            }
            // Once more with the names hashed, as Debian keeps them.
            Command::new("ssh-keygen").arg("-H").arg("-f").arg(&file).output().expect("ssh-keygen runs");
            let text = std::fs::read_to_string(&file).unwrap();
            for host in HOSTS {
                prop_assert_eq!(by_us(host, &file), by_ssh_keygen(host, &file), "{} in {}", host, text);
            }
        }

        #[test]
        fn never_panics(text in prop::collection::vec(any::<u8>(), 0..400), host in "\\PC{0,20}") {
            let names = Names::new(&host, 2222, None);
            let _ = verdict(&parse("f", &text), &names, &text);
            let _ = known_types(&parse("f", &text), &names);
        }
    }
}
