use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// A captured log had no times (`journalctl -o cat`): line n is logged n seconds after the first.
fn timed(text: &str) -> String {
    let mut out = String::new();
    for (n, line) in text.lines().enumerate() {
        let _ = writeln!(out, "{}.000000 g1 x[1]: {line}", 1_795_000_000 + n);
    }
    out
}

fn story(text: &str) -> Story {
    let text = timed(text);
    tell(&marks::journal(&text), Origin::Journal, None)
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/galera/", $name))
    };
}

fn seqno(story: &Story) -> Option<u64> {
    story.position.known().map(|(position, at)| {
        assert!(at.is_some());
        position.seqno.get()
    })
}

fn kind(story: &Story) -> WhyKind {
    story.position.why().unwrap().kind
}

fn end(story: &Story) -> Option<End> {
    story.last_end.unwrap().0
}

#[test]
fn a_refused_bootstrap_leaves_the_position_its_start_logged() {
    let story = story(fixture!("02-graceful/wrong-node-bootstrap/g3-log.txt"));
    assert_eq!(seqno(&story), Some(2006));
    assert_eq!(end(&story), Some(End::Aborted));
    assert_eq!(story.waiting, Some(false));
    assert_eq!(story.version, Some(Plain::from("10.11.18-MariaDB-0+deb12u1")));
}

#[test]
fn a_start_that_found_no_primary_keeps_its_position() {
    for (text, wanted) in [
        (fixture!("03-kill9/no-gvwstate-after/g1-log.txt"), 9753),
        (fixture!("03-kill9/no-gvwstate-after/g2-log.txt"), 9753),
        (fixture!("03-kill9/no-gvwstate-after/g3-log.txt"), 9753),
    ] {
        let whole = story(text);
        assert_eq!(end(&whole), Some(End::Aborted));
        assert_eq!(seqno(&whole), Some(wanted));
        // While it waited.
        let before = text.split("failed to reach primary view").next().unwrap();
        let waiting = story(before);
        assert_eq!(waiting.waiting, Some(true));
        assert_eq!(end(&waiting), None);
        assert_eq!(seqno(&waiting), Some(wanted));
    }
}

#[test]
fn a_server_that_took_part_makes_the_position_stale() {
    for text in [
        fixture!("02-graceful/right-bootstrap/g1-log.txt"),
        fixture!("02-graceful/right-bootstrap/g2-rejoin-log.txt"),
        fixture!("03-kill9/autorestart-g1-log.txt"),
        fixture!("03-kill9/manual-bootstrap-g2-log.txt"),
        fixture!("05-ahead/rejoin-refused/g2-log-full.txt"),
        fixture!("08-sst-fail/rsync-after/g2-log.txt"),
    ] {
        let story = story(text);
        assert_eq!(kind(&story), WhyKind::Stale, "{:?}", story.position);
    }
}

#[test]
fn a_bootstrap_tells_where_it_began() {
    let story = story(fixture!("02-graceful/right-bootstrap/g1-log.txt"));
    let told: Vec<&str> = story.bootstraps.iter().map(Plain::as_str).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains(" group 0cb3db35-e56d-11f1-98c2-3bdded13c08b:2008 after 2026-"), "{told:?}");
    assert_eq!(end(&story), None);
}

#[test]
fn a_view_formed_again_by_itself_tells_its_size() {
    let story = story(fixture!("03-kill9/autorestart-g1-log.txt"));
    let told: Vec<&str> = story.bootstraps.iter().map(Plain::as_str).collect();
    assert!(told.iter().any(|line| line.contains(" component 3 in c2ec50de-8ffd,15 after ")), "{told:?}");
}

#[test]
fn a_transfer_that_did_not_end_leaves_the_node_half_filled() {
    assert!(story(fixture!("08-sst-fail/rsync-after/g2-log.txt")).half_filled);
    assert!(!story(fixture!("02-graceful/right-bootstrap/g2-rejoin-log.txt")).half_filled);
}

#[test]
fn the_abort_of_an_ahead_node_is_a_signal() {
    let text = fixture!("05-ahead/rejoin-refused/g2-log.txt");
    let first_run = text.split("Scheduled restart job").next().unwrap();
    let story = story(first_run);
    assert_eq!(end(&story), Some(End::Killed));
    assert_eq!(kind(&story), WhyKind::Stale);
}

#[test]
fn an_evicted_node_is_evicted_until_a_full_transfer() {
    let evicted = fixture!("05-ahead/divergence-detected-inconsistent/g2-log.txt");
    assert!(story(evicted).evicted);
    assert!(story(fixture!("06-diskfull/full-innodb/g2-log.txt")).evicted);
    assert!(!story(fixture!("02-graceful/right-bootstrap/g1-log.txt")).evicted);
    let synced = "2026-11-21  6:38:24 2 [Note] WSREP: Synchronized with group, ready for connections\n";
    let ist = "WSREP_SST: [INFO] rsync IST completed on joiner (20261121 06:38:23.270)\n";
    let sst = "WSREP_SST: [INFO] rsync SST completed on joiner (20261121 06:38:23.270)\n";
    assert!(story(&format!("{evicted}\n{ist}{synced}")).evicted, "an IST keeps the bad rows (case 11)");
    assert!(story(&format!("{evicted}\n{sst}")).evicted);
    assert!(!story(&format!("{evicted}\n{sst}{synced}")).evicted);
}

#[test]
fn the_last_transfer_of_the_last_start() {
    for (text, wanted) in [
        (fixture!("02-graceful/right-bootstrap/g1-log.txt"), Some(Transfer::None)),
        (fixture!("02-graceful/right-bootstrap/g2-rejoin-log.txt"), Some(Transfer::Incremental)),
        (fixture!("05-ahead/new-uuid/g2-rejoin-log.txt"), Some(Transfer::Full)),
        (fixture!("08-sst-fail/rsync-after/g2-log.txt"), Some(Transfer::Begun)),
        ("nothing", None),
    ] {
        assert_eq!(story(text).transfer, wanted);
    }
    assert_eq!(transfer(Some(Transfer::Full)), Known::Known(Plain::from("SST")));
    assert!(transfer(Some(Transfer::Begun)).why().is_some(), "it is not known to be none");
}

/// As Percona XtraDB Cluster 8.0 says it: by a full copy, by the missing write-sets, and by a copy that did not end.
#[test]
fn the_transfers_of_other_servers() {
    let line =
        |level: &str, words: &str| format!("2026-11-21T05:54:03.000000Z 0 [{level}] [MY-000000] {words}\n");
    let start = line("System", "[Server] /usr/sbin/mysqld (mysqld 8.0.36-28.1) starting as process 7");
    let begun = line(
        "Note",
        "[WSREP] Initiating SST/IST transfer on JOINER side (wsrep_sst_xtrabackup-v2 --role 'joiner' )",
    );
    let wipes = line("Note", "[WSREP-SST] Proceeding with SST.........");
    let moves = line("Note", "[WSREP-SST] Moving the backup to /var/lib/mysql/");
    let ist = line("Note", "[WSREP-SST] xtrabackup_ist received from donor: Running IST");
    let ended = line("System", "[WSREP] SST completed");
    let synced = line("Note", "[WSREP] Synchronized with group, ready for connections");
    let full = story(&format!("{start}{begun}{wipes}{moves}{ended}{synced}"));
    assert_eq!((full.transfer, full.half_filled), (Some(Transfer::Full), false));
    let part = story(&format!("{start}{begun}{ist}{ended}{synced}"));
    assert_eq!((part.transfer, part.half_filled), (Some(Transfer::Incremental), false));
    let broken = story(&format!("{start}{begun}{wipes}{ended}"));
    assert_eq!((broken.transfer, broken.half_filled), (Some(Transfer::Begun), true));
}

#[test]
fn the_last_moment_in_a_primary_component() {
    let yes =
        "2026-11-21  5:54:03 0 [Note] WSREP: New COMPONENT: primary = yes, bootstrap = no, my_idx = 0\n";
    let no = "2026-11-21  5:54:03 0 [Note] WSREP: New COMPONENT: primary = no, bootstrap = no, my_idx = 0\n";
    let served = "2026-11-21  5:54:03 0 [Note] /usr/sbin/mariadbd: ready for connections.\n";
    let killed = "mariadb.service: Main process exited, code=killed, status=9/KILL\n";
    let start = "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18 source revision 1 as process 7\n";
    let at = |line: i64| Part::Until(Timestamp::from_second(1_795_000_000 + line).ok());
    for (text, wanted) in [
        (format!("{start}{no}{served}"), Part::Never),
        (format!("{start}{no}{yes}{served}"), Part::Still),
        (format!("{start}{yes}{no}{served}{killed}"), at(2)),
        (format!("{start}{yes}{killed}{start}{no}{killed}"), at(2)),
        (format!("{start}{yes}{start}{no}"), Part::Unseen),
        (format!("{start}{yes}{no}{yes}"), Part::Still),
    ] {
        assert_eq!(story(&text).part, wanted, "{text}");
    }
    let partitioned = story(fixture!("04-partition/healed/g1-log.txt"));
    assert_eq!(partitioned.part, Part::Still, "it healed");
    assert!(matches!(
        story(fixture!("03-kill9/no-gvwstate-after/g1-log.txt")).part,
        Part::Never | Part::Until(_)
    ));

    let now = Timestamp::from_second(5).ok();
    assert_eq!(took_part(Part::Still, true, now), Known::Known(now.unwrap()));
    assert_eq!(took_part(Part::Until(now), false, None), Known::Known(now.unwrap()));
    for unknown in
        [(Part::Still, false), (Part::Unseen, true), (Part::Never, true), (Part::Until(None), false)]
    {
        assert_eq!(took_part(unknown.0, unknown.1, now).why().unwrap().kind, WhyKind::Undefined);
    }
}

const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";

#[test]
fn what_is_not_seen_is_not_believed() {
    let recovered = format!("WSREP: Recovered position {UUID}:5\n");
    assert_eq!(kind(&story(&recovered)), WhyKind::Stale, "the server logs elsewhere");
    let start = "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18 source revision 1 as process 7\n";
    assert_eq!(seqno(&story(&format!("{recovered}{start}"))), Some(5));
    let loading = |seqno| {
        format!(
            "2026-11-21  5:54:03 0 [Note] WSREP: Loading provider /x.so initial position: {UUID}:{seqno}\n"
        )
    };
    assert_eq!(seqno(&story(&format!("{recovered}{start}{}", loading(5)))), Some(5));
    assert_eq!(kind(&story(&format!("{recovered}{start}{}", loading(6)))), WhyKind::Contradicted);
    let zero = "WSREP: Recovered position 00000000-0000-0000-0000-000000000000:-1\n";
    assert_eq!(kind(&story(&format!("{recovered}{start}{zero}{start}"))), WhyKind::Undefined);
    let older = format!("{start}mariadb.service: Main process exited, code=killed, status=9/KILL\n");
    assert_eq!(kind(&story(&format!("{older}{recovered}"))), WhyKind::Stale, "its own start is not seen");
    let bad = "WSREP: Recovered position garbage\n";
    assert_eq!(kind(&story(&format!("{recovered}{start}{bad}{start}"))), WhyKind::Malformed);
    assert_eq!(story("nothing").last_end, None);
}

#[test]
fn in_a_file_the_position_is_what_the_server_was_started_with() {
    let text = format!(
        "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18 source revision 1 as process 7\n\
         2026-11-21  5:54:03 0 [Note] WSREP: Loading provider /x.so initial position: {UUID}:77\n\
         2026-11-21  5:54:04 0 [Note] WSREP: No nodes coming from primary view, primary view is not possible\n"
    );
    let entries = marks::file(&text, Some(jiff::tz::Offset::UTC));
    let waits = tell(&entries, Origin::File, None);
    assert_eq!(seqno(&waits), Some(77));
    assert_eq!(waits.waiting, Some(true));
}

/// The facts that a probe's answer of these sections gives.
fn answered(sections: &[(&str, &str)]) -> Facts {
    let mut answer = "%breakglass-probe 1\n".to_owned();
    for (name, body) in sections {
        let _ = write!(answer, "%section {name} ok {}\n{body}\n", body.len());
    }
    answer.push_str("%end\n");
    let mut facts = Facts::new();
    let clock = Clock { now: None, offset: Some(jiff::tz::Offset::UTC) };
    super::facts(&Frame::parse(answer.as_bytes()).unwrap(), clock, Timestamp::UNIX_EPOCH, &mut facts);
    facts
}

fn known(facts: &Facts) -> Vec<String> {
    facts.get(keys::LOG_KNOWN).known().unwrap().iter().map(Plain::to_string).collect()
}

#[test]
fn a_known_line_of_both_readings_is_counted_once() {
    let line = |second, words: &str| format!("{}.000000 g1 mariadbd[9]: {words}\n", 1_795_000_000 + second);
    let unsafe_start = "2026-11-21  5:52:39 0 [ERROR] WSREP: It may not be safe to bootstrap the cluster from this node. It was";
    let no_primary = "2026-11-21  5:52:39 0 [ERROR] WSREP: failed to open gcomm backend connection: 110: failed to reach primary view";
    let long = format!("{unsafe_start} {}", "x".repeat(600));
    let cut: String = long.chars().take(360).collect();
    let marks =
        line(1, unsafe_start) + &line(2, no_primary) + &line(2, no_primary) + &line(3, &cut) + "\n%code 0";
    let tail = line(2, no_primary) + &line(2, no_primary) + &line(3, &long) + &line(4, "something else");
    let seen = |marks: &str, tail: &str| {
        known(&answered(&[("log-file", ""), ("journal-tail", tail), ("journal-marks", marks)]))
    };
    let wanted = [
        "no-primary-view 2 2026-11-18T11:06:42Z 2026-11-18T11:06:42Z",
        "not-safe-to-bootstrap 2 2026-11-18T11:06:41Z 2026-11-18T11:06:43Z",
    ];
    assert_eq!(seen(&marks, &tail), wanted);
    assert_eq!(seen("cut off", &tail).len(), 2, "the tail alone");
    assert_eq!(seen(&marks, "").len(), 2, "the marks alone");
    assert!(seen("%code 0", "").is_empty());
    let facts = answered(&[("log-file", "")]);
    assert_eq!(facts.get(keys::LOG_KNOWN).why().unwrap().kind, WhyKind::NotAsked);
    assert_eq!(facts.get(keys::LOG_STARTS).why().unwrap().kind, WhyKind::NotAsked);
}

#[test]
fn starts_and_transfers_of_the_last_hour() {
    let line =
        |second: i64, words: &str| format!("{}.000000 g1 mariadbd[9]: {words}\n", 1_795_000_000 + second);
    let start = "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18 source revision 1 as process 7";
    let asked =
        "2026-11-21  5:54:03 0 [Note] WSREP: Recovered position: 0cb3db35-e56d-11f1-98c2-3bdded13c08b:9";
    let transfer = "WSREP_SST: [INFO] rsync SST started on joiner (20261121 05:33:23.165)";
    let marks = line(0, start) + &line(1, transfer) // more than an hour before the end
        + &line(4000, start) + &line(4001, asked) // asked for its position only
        + &line(4002, start) + &line(4003, transfer) + &line(5000, start) + &line(5001, transfer) + "\n%code 0";
    let facts =
        answered(&[("log-file", ""), ("journal-tail", &line(5001, transfer)), ("journal-marks", &marks)]);
    assert_eq!(facts.get(keys::LOG_STARTS), Known::Known(2));
    assert_eq!(facts.get(keys::LOG_TRANSFERS), Known::Known(2));
    // One that brought the node into sync is no round of a loop.
    let synced = "2026-11-21  5:54:03 2 [Note] WSREP: Synchronized with group, ready for connections";
    let marks = line(4002, start)
        + &line(4003, transfer)
        + &line(4004, synced)
        + &line(5000, start)
        + &line(5001, transfer)
        + "\n%code 0";
    let facts = answered(&[("log-file", ""), ("journal-tail", ""), ("journal-marks", &marks)]);
    assert_eq!(facts.get(keys::LOG_TRANSFERS), Known::Known(1));
}

#[test]
fn a_position_in_a_file_is_stale_once_a_server_logged_to_the_journal() {
    let file = format!(
        "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18 source revision 1 as process 7\n\
         2026-11-21  5:54:03 0 [Note] WSREP: Loading provider /x.so initial position: {UUID}:77\n\n%code 0"
    );
    let journal = |seconds| {
        format!("{seconds}.000000 g1 x[1]: WSREP: New COMPONENT: primary = yes, bootstrap = no\n\n%code 0")
    };
    let logged = "2026-11-21T05:54:03Z".parse::<Timestamp>().unwrap().as_second();
    let read = |journal: &str| {
        let sections =
            [("log-file", "/x/y.err"), ("file-tail", ""), ("file-marks", &file), ("journal-marks", journal)];
        answered(&sections).get(keys::LOG_POSITION)
    };
    assert!(read(&journal(logged - 60)).is(|position| position.seqno.get() == 77));
    assert_eq!(read(&journal(logged + 60)).why().unwrap().kind, WhyKind::Stale);
}

#[test]
fn a_reading_that_did_not_reach_the_end_is_none() {
    assert_eq!(whole("a\n%code 0\n"), Some("a\n"));
    assert_eq!(whole("a\n%code 137\n"), None);
    assert_eq!(whole("a\n"), None);
}

proptest! {
    /// A position is known only where nothing after its line shows that the server took part.
    #[test]
    fn never_invents(lines in proptest::collection::vec(0usize..7, 0..12)) {
        let forms = [
            format!("WSREP: Recovered position {UUID}:1"),
            format!("WSREP: Recovered position {UUID}:2"),
            "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18 source revision 1 as process 7".to_owned(),
            "2026-11-21  5:54:03 0 [Note] WSREP: New COMPONENT: primary = yes, bootstrap = no, my_idx = 0".to_owned(),
            "2026-11-21  5:54:03 0 [Note] WSREP: New COMPONENT: primary = no, bootstrap = no, my_idx = 0".to_owned(),
            "mariadb.service: Main process exited, code=killed, status=9/KILL".to_owned(),
            "other".to_owned(),
        ];
        let text: Vec<&str> = lines.iter().map(|n| forms[*n].as_str()).collect();
        let story = story(&text.join("\n"));
        let last = lines.iter().rposition(|n| *n < 2);
        if let Some((position, _)) = story.position.known() {
            let last = last.unwrap();
            prop_assert_eq!(position.seqno.get(), lines[last] as u64 + 1);
            prop_assert!(lines[last..].contains(&2) && !lines[last..].contains(&3));
        } else if let Some(last) = last {
            prop_assert!(lines[last..].contains(&3) || !lines[last..].contains(&2));
        }
    }

    #[test]
    fn never_panics_on_pieces_of_real_logs(from in 0usize..20000, to in 0usize..20000) {
        let text = fixture!("03-kill9/autorestart-g1-log.txt");
        let piece = text.get(from.min(to)..from.max(to)).unwrap_or_default();
        let _ = story(piece);
    }
}

/// Its server goes on outside the group, and no line says "primary = no": only that it closed its connection.
#[test]
fn the_half_that_lost_took_part_until_it_gave_up() {
    let lost = story(fixture!("04-partition/split-brain/g2-heal-log.txt"));
    assert!(matches!(lost.part, Part::Until(Some(_))), "{:?}", lost.part);
}
