use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// `ID, tab, where it is from, tab, the line`; lines without a tab are remarks.
fn samples(text: &'static str) -> Vec<(&'static str, &'static str, &'static str)> {
    text.lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, '\t');
            Some((parts.next()?, parts.next()?, parts.next()?))
        })
        .collect()
}

/// Rows that fit one message: the first is meant, the second is for what is left.
const BOTH: &[(&str, &str)] = &[
    ("stored-position", "recovered-position"),
    ("tls-expired", "tls-handshake"),
    ("too-many-connections", "aborted-connection"),
];

fn captured() -> Vec<(&'static str, &'static str, &'static str)> {
    samples(include_str!("../../../tests/fixtures/log/captured.tsv"))
}

fn published() -> Vec<(&'static str, &'static str, &'static str)> {
    samples(include_str!("../../../tests/fixtures/log/published.tsv"))
}

#[test]
fn every_sample_is_its_row_and_no_other() {
    let mut wrong = Vec::new();
    for (id, _, line) in captured().into_iter().chain(published()) {
        let message = message(line);
        let fit: Vec<&str> = KNOWN
            .iter()
            .filter(|known| known.patterns.iter().any(|pattern| fits(pattern, message)))
            .map(|known| known.id)
            .collect();
        let both = BOTH.iter().any(|(first, second)| fit == [*first, *second] && id == *first);
        if (fit != [id] && !both) || classify(line).map(|known| known.id) != Some(id) {
            wrong.push(format!("{id}: {line}\n  read as: {message}\n  fits {fit:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_has_a_sample_of_its_proof() {
    let ids =
        |samples: Vec<(&'static str, _, _)>| samples.iter().map(|(id, ..)| *id).collect::<BTreeSet<_>>();
    let (captured, published) = (ids(captured()), ids(published()));
    for known in KNOWN.iter() {
        let (of, what) = match known.proof {
            Proof::Lab => (&captured, "captured.tsv"),
            Proof::Source | Proof::Doc => (&published, "published.tsv"),
        };
        assert!(of.contains(known.id), "{} has no line in {what}", known.id);
        let seen = known.proof != Proof::Lab && captured.contains(known.id);
        assert!(!seen, "{} was seen in a lab", known.id);
    }
}

#[test]
fn rows_are_well_formed() {
    let mut ids = BTreeSet::new();
    for known in KNOWN.iter() {
        assert!(ids.insert(known.id), "{} stands twice", known.id);
        assert!(
            known.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "{}",
            known.id
        );
        assert!(known.meaning.ends_with('.') && known.meaning.len() > 15, "{}", known.id);
        assert!(known.finding.is_none_or(|finding| finding.starts_with("galera.")), "{}", known.id);
        assert!(!known.patterns.is_empty());
        for pattern in known.patterns {
            let begin = pattern.split(['*', '$']).next().unwrap();
            assert!(begin.len() >= 3, "{}: {pattern} does not say how the message begins", known.id);
            assert_eq!(
                message(begin),
                begin.trim_end(),
                "{}: this is taken off before the message",
                known.id
            );
        }
    }
}

#[test]
fn patterns_fit() {
    assert!(fits("a", "abc") && !fits("b", "abc"));
    assert!(fits("a$", "a") && !fits("a$", "ab"));
    assert!(fits("a*c", "abcd") && !fits("a*c", "abd"));
    assert!(fits("a*c$", "abcbc") && !fits("a*c$", "abcd"));
}

#[test]
fn whatever_stands_before_a_message_is_taken_off() {
    for before in [
        "",
        "1795239243.120000 g1 mariadbd[9]: ",
        "1795239243.120000 g1 mariadbd[9]: 2026-11-21  5:54:03 0 [Warning] WSREP: ",
        "2026-11-21T05:54:03Z mariadbd[9]: 2026-11-21  5:54:03 0 [Warning] WSREP: ",
        "2026-11-21T04:54:03Z 2026-11-21  5:54:03 140225 [Warning] WSREP: ",
        "Nov 21 05:54:03 g1 mysqld[812]: 2026-11-21T05:54:03.123456Z 0 [Warning] [MY-000000] [Galera] ",
        "Nov  1 05:54:03.123456 g1 mysqld[812]: ",
        "2026-11-21T05:54:03+0000 g1 mysqld[812]: 2026-11-21 05:54:03 139 [Warning] WSREP: ",
        "2026-11-21T05:54:03,123456+00:00 g1 mariadbd[9]: ",
        "2026-11-21T05:54:03.1234567Z stderr F 2026-11-21  5:54:03 2 [Warning] WSREP: ",
        "galera-1  | 2026-11-21  5:54:03 2 [Warning] WSREP: ",
        "[pod/galera-0/mariadb] 2026-11-21  5:54:03 2 [Warning] WSREP: ",
        "140101  1:00:00 [Warning] WSREP: ",
        "2026-11-21 05:54:03.123  WARN: ",
        "}2026-11-21  5:54:03 0 [Warning] WSREP: ",
        "2026-11-21T05:54:03+0000 g1 mariadbd[9]: }2026-11-21  5:54:03 0 [Warning] WSREP: ",
        "2026-11-21T05:54:03.123456Z 0 [Warning] WSREP: ",
    ] {
        for inside in ["", "72994ab0-8919 ", "./gcs/src/gcs_group.cpp:group_find_node_by_state():1234: "] {
            assert_eq!(
                message(&format!("{before}{inside}words: of 'it'")),
                "words: of 'it'",
                "{before}{inside}"
            );
        }
    }
}

#[test]
fn a_client_cannot_forge_a_line() {
    for known in captured().into_iter().chain(published()) {
        let words = message(known.2);
        for line in [
            format!(
                "2026-11-21  5:52:12 9 [Warning] Access denied for user '{words}'@'x' (using password: NO)"
            ),
            format!(
                "2026-11-21  5:52:12 9 [Warning] Access denied for user 'a' {words} '@'x' (using password: NO)"
            ),
            format!(
                "2026-11-21  5:52:12 9 [Warning] Aborted connection 9 to db: 'unconnected' user: '{words}' host: 'x' (Got timeout)"
            ),
            format!(
                "2026-11-21T05:52:12.1Z 9 [Note] [MY-010926] [Server] Access denied for user ''{words}'@'x'"
            ),
        ] {
            let id = classify(&line).map(|known| known.id);
            assert!(matches!(id, None | Some("access-denied" | "aborted-connection")), "{line}: {id:?}");
        }
    }
}

#[test]
fn seen_lines_are_read_as_they_are_written() {
    let seen = Seen {
        line: by_id("conflicting-prims").unwrap(),
        count: 3,
        first: None,
        last: Timestamp::from_second(1_795_239_243).ok(),
    };
    assert_eq!(seen.describe().as_str(), "conflicting-prims 3 - 2026-11-21T05:34:03Z");
    assert_eq!(Seen::parse(seen.describe().as_str()), Some(seen));
    for bad in
        ["", "conflicting-prims", "nothing 3 - -", "conflicting-prims x - -", "conflicting-prims 3 - - -"]
    {
        assert_eq!(Seen::parse(bad), None, "{bad}");
    }
    assert!(super::seen(&Facts::new()).why().is_some());
}

proptest! {
    #[test]
    fn never_panics(line in "([0-9]{6,10}[-.: ])?(\\[[A-Za-z]{0,5}\\] ?)?[\\PC\\n]{0,80}") {
        let _ = classify(&line);
        prop_assert!(line.contains(message(&line)));
    }
}
