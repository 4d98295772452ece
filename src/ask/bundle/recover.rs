//! recover.txt: what galera_recovery or `--wsrep-recover` printed, or did not print.

use crate::ask::recovered;
use crate::facts::{Known, Position, Why, WhyKind};

/// What a text without a position says of why there is none; the first that stands in it.
const CAUSES: &[(&str, WhyKind, &str)] = &[
    (
        "skipping position recovery",
        WhyKind::NotRead,
        "the server has no wsrep in it, so its position was skipped",
    ),
    (
        "an't lock aria control file",
        WhyKind::Contradicted,
        "a server runs on this data directory and holds its files",
    ),
    (
        "nable to lock ./ibdata1",
        WhyKind::Contradicted,
        "a server runs on this data directory and holds its files",
    ),
    ("how to run mysqld as root", WhyKind::Denied, "it was run as root; it has to run as the server's user"),
    ("Errcode: 13", WhyKind::Denied, "its user may not read or write the data directory"),
    ("Permission denied", WhyKind::Denied, "its user was denied a file it needs"),
    ("Operation not permitted", WhyKind::Denied, "its user was denied a file it needs"),
    (
        "prepared transactions",
        WhyKind::NotRead,
        "prepared transactions stand open, and the engine did not start over them",
    ),
    ("unknown variable", WhyKind::NotRead, "the server does not know an option it was given"),
    ("unknown option", WhyKind::NotRead, "the server does not know an option it was given"),
    ("command not found", WhyKind::NotRead, "the program is not there"),
    ("No such file or directory", WhyKind::NotRead, "the program or a file it needs is not there"),
    ("No space left", WhyKind::NotRead, "the file system is full"),
    ("prevents crash recovery", WhyKind::NotRead, "innodb_read_only forbids the recovery"),
];

/// Reads the last recovered position. Where none was printed, says why as far as the text tells: no position is never 0.
pub(super) fn read(text: &str) -> Known<Position> {
    let read = recovered::last(text);
    let printed = text.lines().any(|line| recovered::line(line).is_some());
    if printed { read } else { Known::Unknown(cause(text)) }
}

fn cause(text: &str) -> Why {
    if text.trim().is_empty() {
        return Why::new(
            WhyKind::NotRead,
            "recover.txt is empty: nothing was printed, as where the server logs into a file of its own",
        );
    }
    if let Some((_, kind, cause)) = CAUSES.iter().find(|(words, ..)| text.contains(words)) {
        return Why::new(*kind, format!("no recovered position was printed: {cause}"));
    }
    let error = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.contains("[ERROR]") && !line.ends_with("Aborting"));
    match error {
        Some(error) => Why::new(
            WhyKind::NotRead,
            format!(
                "no recovered position was printed; the last error: {}",
                error.chars().take(200).collect::<String>()
            ),
        ),
        None => Why::new(WhyKind::NotRead, "no recovered position was printed, and no cause is seen"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn captured_recoveries_and_refusals() {
        let seqno = |text: &str| read(text).known().map(|position| position.seqno.get());
        assert_eq!(seqno(include_str!("../../../tests/fixtures/galera/03-kill9/recover/g1.txt")), Some(9750));
        assert_eq!(seqno(include_str!("../../../tests/fixtures/galera/03-kill9/recover/g3.txt")), Some(9749));
        let running = include_str!("../../../tests/fixtures/galera/03-kill9/recover-variants/running.txt");
        let refused = running.split("### ").nth(1).unwrap();
        let why = read(refused).why().unwrap().clone();
        assert_eq!(why.kind, WhyKind::Contradicted, "{}", why.text);
        assert!(why.text.as_str().contains("a server runs"));
    }

    #[test]
    fn no_line_is_not_nothing() {
        for (text, kind, words) in [
            ("", WhyKind::NotRead, "logs into a file"),
            (
                "WSREP: mariadbd was built without wsrep, skipping position recovery",
                WhyKind::NotRead,
                "no wsrep",
            ),
            (
                "/usr/bin/galera_recovery: line 71: /tmp/wsrep_recovery.x: Permission denied",
                WhyKind::Denied,
                "denied",
            ),
            (
                "[ERROR] Please consult the Knowledge Base to find out how to run mysqld as root!",
                WhyKind::Denied,
                "as root",
            ),
            (
                "2026-11-21  5:58:11 0 [ERROR] Something new\n2026-11-21  5:58:11 0 [ERROR] Aborting",
                WhyKind::NotRead,
                "Something new",
            ),
            ("hello", WhyKind::NotRead, "no cause"),
        ] {
            let why = read(text).why().unwrap().clone();
            assert_eq!(why.kind, kind, "{text}");
            assert!(why.text.as_str().contains(words), "{text}: {}", why.text);
        }
        let cut = "WSREP: Recovered position 0cb3db35-e56d-11f1-98c2-3bdded13c08b:";
        assert_eq!(read(cut).why().unwrap().kind, WhyKind::Malformed);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(WSREP: Recovered position:? |\\[ERROR\\] )?\\PC{0,60}") {
            let _ = read(&text);
        }
    }
}
