//! The position lines of `--wsrep-recover`, galera_recovery and the server's start.

use crate::facts::{ClusterUuid, Known, Position, Seqno, WhyKind};

/// What stands before a recovered position in what the server and galera_recovery write, the longest form first; the
/// last is what galera_recovery hands to the unit.
const FORMS: [&str; 6] = [
    "WSREP: Recovered position from storage: ",
    "[WSREP] Recovered position from storage: ",
    "WSREP: Recovered position: ",
    // MySQL 8 with wsrep, and PXC 8.
    "[WSREP] Recovered position: ",
    "WSREP: Recovered position ",
    "--wsrep_start_position=",
];

/// Reads the last recovered position in `text` (case 31: strictly `uuid:seqno`, with an optional
/// `,domain-server-sequence` behind it). A last line that does not follow the grammar is Unknown, however good the
/// lines before it are.
pub fn last(text: &str) -> Known<Position> {
    text.lines()
        .rev()
        .find_map(line)
        .unwrap_or_else(|| Known::unknown(WhyKind::NotRead, "no recovered position was printed"))
}

/// Reads one line; `None` where it is not about a recovered position.
pub fn line(line: &str) -> Option<Known<Position>> {
    FORMS.iter().find_map(|form| line.split_once(form)).map(|(_, rest)| position(rest.trim_end()))
}

/// Reads `uuid:seqno[,d-s-n]`.
pub fn position(text: &str) -> Known<Position> {
    let malformed =
        || Known::unknown(WhyKind::Malformed, format!("{text:?} is not a UUID, a colon and a seqno"));
    let (main, gtid) = text.split_once(',').map_or((text, None), |(main, gtid)| (main, Some(gtid)));
    let part = |part: &str| !part.is_empty() && part.len() <= 20 && part.bytes().all(|b| b.is_ascii_digit());
    if gtid.is_some_and(|gtid| gtid.split('-').count() != 3 || !gtid.split('-').all(part)) {
        return malformed();
    }
    let Some((uuid, seqno)) = main.split_once(':') else { return malformed() };
    match (ClusterUuid::parse(uuid), Seqno::parse(seqno)) {
        (Ok(Some(uuid)), Ok(Some(seqno))) => Known::Known(Position { uuid, seqno }),
        (Ok(None), Ok(_)) => {
            Known::unknown(WhyKind::Undefined, "the recovered UUID is zero: the engine holds no position")
        }
        (Ok(Some(_)), Ok(None)) => Known::unknown(WhyKind::NotRead, "the recovered seqno is -1"),
        _ => malformed(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";

    fn seqno_in(text: &str) -> Option<u64> {
        last(text).known().map(|p| {
            assert_eq!(p.uuid.to_string(), UUID);
            p.seqno.get()
        })
    }

    #[test]
    fn every_form_is_read_and_the_last_counts() {
        for form in [
            "WSREP: Recovered position UUID:9750",
            "2026-11-21  5:55:50 0 [Note] WSREP: Recovered position: UUID:9750",
            "2026-11-21  6:35:17 3 [Note] WSREP: Recovered position from storage: UUID:9750",
            "--wsrep_start_position=UUID:9750",
            "WSREP: Recovered position: UUID:9750,0-1-12181",
            "WSREP: Recovered position: UUID:9750\r",
        ] {
            assert_eq!(seqno_in(&form.replace("UUID", UUID)), Some(9750), "{form}");
        }
        assert_eq!(
            seqno_in(&format!("WSREP: Recovered position {UUID}:1\nWSREP: Recovered position {UUID}:2\n")),
            Some(2)
        );
    }

    #[test]
    fn the_captured_recoveries() {
        assert_eq!(seqno_in(include_str!("../../tests/fixtures/galera/03-kill9/recover/g1.txt")), Some(9750));
        assert_eq!(seqno_in(include_str!("../../tests/fixtures/galera/03-kill9/recover/g3.txt")), Some(9749));
        assert_eq!(
            seqno_in(include_str!("../../tests/fixtures/galera/03-kill9/recover-variants/stopped.txt")),
            Some(9750)
        );
    }

    #[test]
    fn what_means_nothing_is_unknown() {
        let why = |text: &str| last(text).why().unwrap().kind;
        assert_eq!(why("no line"), WhyKind::NotRead, "no line is not \"nothing\" (case 29)");
        assert_eq!(
            why("WSREP: Recovered position: 00000000-0000-0000-0000-000000000000:-1"),
            WhyKind::Undefined
        );
        assert_eq!(why(&format!("WSREP: Recovered position: {UUID}:-1")), WhyKind::NotRead);
        assert_eq!(why(&format!("WSREP: Recovered position: {UUID}:18446744073709551615")), WhyKind::NotRead);
        for bad in [
            ":",
            "",
            "12",
            "UUID",
            "UUID:",
            "UUID:1:2",
            "UUID:1,",
            "UUID:1,0-1",
            "UUID:1,a-b-c",
            "UUID:1 x",
            "x UUID:1",
            "UUID:1,0-1-2,3",
        ] {
            assert_eq!(
                why(&format!("WSREP: Recovered position: {}", bad.replace("UUID", UUID))),
                WhyKind::Malformed,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_broken_last_line_hides_the_good_one_before() {
        assert_eq!(
            seqno_in(&format!("WSREP: Recovered position {UUID}:7\nWSREP: Recovered position {UUID}:")),
            None
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents(text in "(WSREP: Recovered position:? )?[0-9a-f:,\\-]{0,50}") {
            if let Known::Known(position) = last(&text) {
                prop_assert!(text.contains(&position.uuid.to_string()));
                prop_assert!(text.contains(&position.seqno.to_string()));
            }
        }

        #[test]
        fn what_is_printed_is_read(seqno in 0..i64::MAX) {
            prop_assert_eq!(seqno_in(&format!("WSREP: Recovered position {UUID}:{seqno}")), u64::try_from(seqno).ok());
        }
    }
}
