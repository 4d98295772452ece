//! Key files from the outside: what can be known of a key without its passphrase.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::known_hosts::key_type;

/// What a key file shows without its passphrase.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyInfo {
    /// The private half is in the file.
    pub(crate) private: bool,
    /// It takes a passphrase to read it.
    pub(crate) encrypted: bool,
    /// The private half never leaves a hardware token.
    pub(crate) hardware: bool,
    /// The public key in SSH's wire form, where it can be seen.
    pub(crate) blob: Option<Vec<u8>>,
}

/// Looks at a key file; where only its public half is there, at that.
pub(crate) fn read_key(path: &Path) -> Result<KeyInfo, String> {
    let beside = || beside(path, ".pub").and_then(|path| public_blob(&path));
    match std::fs::read(path) {
        Ok(bytes) => {
            let mut key = inspect(&String::from_utf8_lossy(&bytes));
            key.blob = key.blob.or_else(beside);
            key.hardware |= key.blob.as_deref().is_some_and(|blob| key_type(blob).starts_with("sk-"));
            Ok(key)
        }
        Err(error) => match beside() {
            // Only the public half is here; an agent may hold the other one.
            Some(blob) => Ok(KeyInfo { private: false, encrypted: false, hardware: false, blob: Some(blob) }),
            None => Err(error.to_string()),
        },
    }
}

/// Reads the outside of a key file: OpenSSH's own form shows its public key and cipher, PEM shows whether it is
/// encrypted, a public key shows itself (PROTOCOL.key of OpenSSH).
fn inspect(text: &str) -> KeyInfo {
    let mut key = KeyInfo { private: true, encrypted: false, hardware: false, blob: None };
    if let Some(blob) = public_line(text) {
        return KeyInfo { private: false, blob: Some(blob), ..key };
    }
    key.encrypted = text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED");
    let body: String = text
        .lines()
        .skip_while(|line| !line.contains("BEGIN OPENSSH PRIVATE KEY"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----"))
        .map(str::trim)
        .collect();
    let decoded = STANDARD.decode(body).unwrap_or_default();
    if let Some((cipher, blob)) = decoded.strip_prefix(b"openssh-key-v1\0").and_then(container) {
        key.encrypted = cipher != b"none";
        key.blob = Some(blob.to_vec());
    }
    key
}

/// Cipher and public key of the container: cipher, kdf, kdf options, number of keys, public key.
fn container(mut rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut next = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (field, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        rest = after;
        Some(field)
    };
    let cipher = next()?;
    next()?;
    next()?;
    // The count stands where a length would; it is 1 in every file there is.
    rest = rest.split_first_chunk::<4>()?.1;
    let (length, after) = rest.split_first_chunk::<4>()?;
    Some((cipher, after.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?))
}

/// The public key of a `.pub` file, in SSH's wire form.
pub(crate) fn public_blob(path: &Path) -> Option<Vec<u8>> {
    public_line(&String::from_utf8_lossy(&std::fs::read(path).ok()?))
}

/// A line `type base64 comment`.
fn public_line(text: &str) -> Option<Vec<u8>> {
    let mut words = text.split_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(key).ok()?;
    (key_type(&blob) == kind).then_some(blob)
}

/// The file of the same name with a suffix.
pub(crate) fn beside(path: &Path, suffix: &str) -> Option<PathBuf> {
    let mut name = path.file_name()?.to_owned();
    name.push(suffix);
    Some(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn keygen(dir: &Path, name: &str, more: &[&str]) -> PathBuf {
        let path = dir.join(name);
        let done = Command::new("ssh-keygen").args(["-q", "-f"]).arg(&path).args(more).status();
        assert!(done.expect("ssh-keygen runs").success());
        path
    }

    #[test]
    fn key_files_show_their_outside() {
        let dir = tempfile::tempdir().unwrap();
        for (name, more, encrypted) in [
            ("plain", ["-t", "ed25519", "-N", ""].as_slice(), false),
            ("locked", ["-t", "ed25519", "-N", "secret"].as_slice(), true),
            ("pem", ["-t", "ecdsa", "-m", "PEM", "-N", "secret"].as_slice(), true),
            ("pkcs8", ["-t", "ecdsa", "-m", "PKCS8", "-N", "secret"].as_slice(), true),
        ] {
            let path = keygen(dir.path(), name, more);
            let public = public_blob(&beside(&path, ".pub").unwrap()).expect("a public key");
            let key = read_key(&path).unwrap();
            assert_eq!((key.private, key.encrypted, key.hardware), (true, encrypted, false), "{name}");
            assert_eq!(key.blob, Some(public.clone()), "{name}");
            std::fs::remove_file(&path).unwrap();
            assert!(!read_key(&path).unwrap().private);
        }
        assert!(read_key(Path::new("/nonexistent/key")).is_err());
    }
}
