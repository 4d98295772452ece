//! What a server needs besides its data: keys of encryption at rest, certificates of replication; and its backup.

use jiff::Timestamp;

use super::frame::{Frame, Status};
use super::unit::Setter;
use super::x509::{self, Certificate};
use crate::facts::{Facts, Known, Plain, WhyKind, keys};

/// The facts; `backup` is whether a folder was named.
pub(super) fn facts(frame: &Frame<'_>, backup: bool, at: Timestamp, out: &mut Facts) {
    let source = Plain::from("the option files, by my_print_defaults");
    let mut set = Setter { out, source: &source, at };
    set.set(keys::ENCRYPTION, frame.text("encryption", "the options").map(encryption));
    set.set(keys::ENCRYPTION_KEYS, frame.text("key-file", "the key file").and_then(key_file));
    certificates(frame, at, out);
    let newest = if backup {
        frame.text("backup", "the backup folder").and_then(newest)
    } else {
        Known::unknown(WhyKind::NotAsked, "no backup folder is named in the inventory")
    };
    let source = Plain::from("the backup folder");
    let mut set = Setter { out, source: &source, at };
    set.set(
        keys::BACKUP_NEWEST,
        newest.as_ref().map(|newest| newest.as_ref().map_or_else(Plain::default, |(_, name)| name.clone())),
    );
    set.set(
        keys::BACKUP_AT,
        newest.and_then(|newest| match newest {
            Some((time, _)) => Known::Known(time),
            None => Known::unknown(WhyKind::Undefined, "the backup folder is empty"),
        }),
    );
}

/// Options in use, with `-` in their names. One that is switched off is none.
fn encryption(text: &str) -> Vec<Plain> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let name = name.replace('_', "-");
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            continue;
        }
        let one = if value.is_empty() { name.clone() } else { format!("{name}={value}") };
        // The last of several wins; only plugins add up.
        if !name.contains("plugin-load") {
            found.retain(|(other, _)| *other != name);
        }
        let off = matches!(value.to_ascii_lowercase().as_str(), "0" | "off" | "false" | "no");
        if !off {
            found.push((name, Plain::new(one)));
        }
    }
    found.into_iter().map(|(_, one)| one).collect()
}

fn key_file(text: &str) -> Known<Plain> {
    match text {
        "" | "readable" | "missing" | "denied" => Known::Known(Plain::from(text)),
        other => Known::unknown(WhyKind::Malformed, format!("{other:?} is no state of a key file")),
    }
}

/// `SECONDS NAME` of the newest entry; nothing where the folder is empty.
fn newest(text: &str) -> Known<Option<(Timestamp, Plain)>> {
    if text.is_empty() {
        return Known::Known(None);
    }
    let read = text.split_once(' ').and_then(|(seconds, name)| {
        let good = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit());
        let time = good.then(|| Timestamp::from_second(seconds.parse().ok()?).ok())??;
        Some((time, Plain::new(name)))
    });
    match read {
        Some(read) => Known::Known(Some(read)),
        None => Known::unknown(WhyKind::Malformed, format!("{text:?} is not a time and a name")),
    }
}

fn certificates(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let file = match frame.section("cert-file").map(|section| section.status) {
        Some(Status::Failed(_)) => Known::unknown(
            WhyKind::Undefined,
            "no option names a certificate, and Percona's server would find its own: only the running server can tell",
        ),
        _ => frame.text("cert-file", "the options").map(Plain::new),
    };
    let source = Plain::from("the provider's options");
    Setter { out, source: &source, at }.set(keys::CERT_FILE, file.clone());
    let own = file.and_then(|file| {
        if file.as_str().is_empty() {
            return Known::unknown(WhyKind::Undefined, "replication is not encrypted");
        }
        read(frame, "cert", &format!("the certificate {file}"))
    });
    // In a file of several the first is the node's own, the others lead up to its authority.
    let own = own.map(|all| all.into_iter().next());
    let missing = || Known::unknown(WhyKind::Undefined, "the file holds no certificate");
    let of_own = |pick: fn(&Certificate) -> Timestamp| {
        own.as_ref().and_then(|own| own.as_ref().map(pick).map_or_else(missing, Known::Known))
    };
    let (not_before, not_after) = (of_own(|one| one.not_before), of_own(|one| one.not_after));
    let authority = own.and_then(|own| {
        let all = read(frame, "ca", "the certificate of the authority (socket.ssl_ca)");
        all.and_then(|all| {
            // A file of several may hold an old authority beside its successor: the one that signed counts.
            let signed = |one: &&Certificate| own.as_ref().is_some_and(|own| own.issuer == one.subject);
            let until = all.iter().filter(signed).map(|one| one.not_after).max();
            until.or_else(|| all.iter().map(|one| one.not_after).max()).map_or_else(missing, Known::Known)
        })
    });
    let source = Plain::from("the certificate's file");
    let mut set = Setter { out, source: &source, at };
    set.set(keys::CERT_NOT_BEFORE, not_before);
    set.set(keys::CERT_NOT_AFTER, not_after);
    set.set(keys::CERT_CA_NOT_AFTER, authority);
}

fn read(frame: &Frame<'_>, section: &str, what: &str) -> Known<Vec<Certificate>> {
    frame.text(section, what).and_then(|text| match x509::read(text) {
        Some(all) => Known::Known(all),
        None => Known::unknown(WhyKind::Malformed, format!("{what} holds no certificate that can be read")),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::answer;
    use super::*;

    const CERT: &str = include_str!("../../tests/fixtures/certificates/cert.pem");
    const CA: &str = include_str!("../../tests/fixtures/certificates/ca.pem");
    const FAR: &str = include_str!("../../tests/fixtures/certificates/far.pem");

    fn told(sections: &[(&str, &str, &str)], backup: bool) -> Facts {
        let answer = answer(sections);
        let mut out = Facts::new();
        facts(&Frame::parse(answer.as_bytes()).unwrap(), backup, Timestamp::UNIX_EPOCH, &mut out);
        out
    }

    #[test]
    fn certificates_of_a_node_and_the_authority_that_signed_it() {
        let both = format!("{FAR}{CA}");
        let facts =
            told(&[("cert-file", "ok", "/etc/x.pem"), ("cert", "ok", CERT), ("ca", "ok", &both)], false);
        assert!(facts.get(keys::CERT_NOT_AFTER).is(|at| at.to_string() == "2026-12-21T20:50:32Z"));
        assert!(facts.get(keys::CERT_NOT_BEFORE).is(|at| at.to_string() == "2026-11-21T20:50:32Z"));
        assert!(facts.get(keys::CERT_CA_NOT_AFTER).is(|at| at.to_string() == "2036-11-18T20:50:32Z"));
        let plain = told(&[("cert-file", "ok", "")], false);
        assert_eq!(plain.get(keys::CERT_FILE), Known::Known(Plain::default()));
        assert_eq!(plain.get(keys::CERT_NOT_AFTER).why().unwrap().kind, WhyKind::Undefined);
        let denied = told(&[("cert-file", "ok", "/etc/x.pem"), ("cert", "denied", "")], false);
        assert_eq!(denied.get(keys::CERT_NOT_AFTER).why().unwrap().kind, WhyKind::Denied);
        let broken = told(&[("cert-file", "ok", "/etc/x.pem"), ("cert", "ok", "x")], false);
        assert_eq!(broken.get(keys::CERT_NOT_AFTER).why().unwrap().kind, WhyKind::Malformed);
    }

    #[test]
    fn encryption_at_rest_that_is_in_use() {
        let text = "plugin_load_add=file_key_management\nfile_key_management_filename=/etc/mysql/keys\n\
            file_key_management_filekey\ninnodb_encrypt_tables=ON\ninnodb-encrypt-tables=OFF\nencrypt_binlog\n";
        let shown = encryption(text);
        let shown: Vec<&str> = shown.iter().map(Plain::as_str).collect();
        assert_eq!(
            shown,
            [
                "plugin-load-add=file_key_management",
                "file-key-management-filename=/etc/mysql/keys",
                "file-key-management-filekey",
                "encrypt-binlog"
            ]
        );
        assert!(encryption("").is_empty());
        assert!(key_file("x").why().is_some());
    }

    #[test]
    fn the_newest_backup() {
        let facts = told(&[("backup", "ok", "1795294031 full backup 1.mbs")], true);
        assert!(facts.get(keys::BACKUP_NEWEST).is(|name| name.as_str() == "full backup 1.mbs"));
        assert!(facts.get(keys::BACKUP_AT).is(|at| at.to_string() == "2026-11-21T20:47:11Z"));
        let empty = told(&[("backup", "ok", "")], true);
        assert_eq!(empty.get(keys::BACKUP_NEWEST), Known::Known(Plain::default()));
        assert_eq!(empty.get(keys::BACKUP_AT).why().unwrap().kind, WhyKind::Undefined);
        assert_eq!(told(&[], false).get(keys::BACKUP_AT).why().unwrap().kind, WhyKind::NotAsked);
        assert_eq!(
            told(&[("backup", "missing", "")], true).get(keys::BACKUP_NEWEST).why().unwrap().kind,
            WhyKind::Undefined
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\PC\n=]{0,60}") {
            let _ = (encryption(&text), key_file(&text), newest(&text));
        }
    }
}
