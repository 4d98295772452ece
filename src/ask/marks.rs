//! The lines of an error log that say where a server stood: entries with their time, and what each means.
//!
//! A client can put text into an error log (a user name in "Access denied"), so a line counts only where the message
//! itself begins with the server's words.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::redact::redacted;
use super::{lines, recovered};
use crate::facts::{Known, Position};

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// When it was logged; a line that does not say takes the time of the one before it.
    pub(super) at: Option<Timestamp>,
    /// The line without time, host and process.
    pub(super) line: &'a str,
    /// The message alone, without the server's own time and level and without who inside it speaks.
    pub(super) message: &'a str,
}

/// How a server's run ended by its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It shut down.
    Clean,
    /// It gave up.
    Aborted,
    /// A signal ended it.
    Killed,
}

/// What a message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// A server started; its version, where the line says it.
    Start(Option<&'a str>),
    /// A server's run ended.
    End(End),
    /// The unit's start recovered this position from the engine.
    Recovered(Known<Position>),
    /// A server was started with this position, also as it stands there: a new cluster's is a zero UUID and -1.
    Initial(Known<Position>, &'a str),
    /// The server bootstrapped a new group.
    Bootstrap,
    /// A component was formed by bootstrap: pc.bootstrap, or the last view formed again.
    Component(Option<&'a str>),
    /// gcomm has a view that is Primary: its representative and number, the same on each of its members. The component
    /// that is made of it comes next.
    PrimView(&'a str),
    /// A Primary Component has another view, of so many members.
    View(Option<&'a str>),
    /// What was begun as a transfer turned out incremental and ended: the data was never touched by a full one.
    Caught,
    /// A transfer began on this joiner. If it is a full one, from here on its data is neither the old nor the new.
    Transferring,
    /// The server took part in a Primary Component or in a transfer.
    TookPart,
    /// The server is in sync with its group.
    Synced,
    /// A full state transfer ended well on this joiner.
    Transferred,
    /// The server accepts clients, which says nothing of the group.
    Served,
    /// The server waits for a Primary Component.
    Waiting,
    /// The component the server is in is not Primary, or no longer.
    NonPrimary,
    /// The server closed its connection to the group: at its end, or because the group went on without it.
    Left,
    /// The server was found inconsistent and left the group.
    Inconsistent,
    /// The start found prepared transactions it cannot resolve.
    Prepared,
}

/// Reads `journalctl -o short-unix`: `SECONDS.MICROS host name[pid]: message`. Lines of other forms are the journal's
/// own remarks, or go on with a message.
pub(super) fn journal(text: &str) -> Vec<Entry<'_>> {
    text.lines()
        .filter_map(|raw| {
            let (time, rest) = lines::split_at(b' ', raw)?;
            let (seconds, micros) = lines::split_at(b'.', time)?;
            let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            if !digits(seconds) || !digits(micros) || micros.len() != 6 {
                return None;
            }
            let at =
                Timestamp::new(seconds.parse().ok()?, micros.parse::<i32>().ok()?.checked_mul(1000)?).ok()?;
            let (_, line) = lines::split_at(b' ', rest)?;
            let (name, message) = lines::split_colon(line)?;
            // The name has no blank; a message behind one that has is not where we think it is.
            (!name.as_bytes().contains(&b' ')).then(|| Entry {
                at: Some(at),
                line,
                message: lines::message(message),
            })
        })
        .collect()
}

/// Reads the lines of a server's own log file, whose times are local: `offset` is the node's.
pub(super) fn file(text: &str, offset: Option<Offset>) -> Vec<Entry<'_>> {
    let mut last = None;
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("%code "))
        .map(|line| {
            last = time_of(line, offset).or(last);
            Entry { at: last, line, message: lines::message(line) }
        })
        .collect()
}

/// The time at the start of a line: `2026-11-21  5:54:03`, `261121  5:54:03`, or RFC 3339.
pub(super) fn time_of(line: &str, offset: Option<Offset>) -> Option<Timestamp> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    if first.contains('T') {
        return first.parse().ok();
    }
    let date: Date =
        if first.len() == 6 { format!("20{first}").parse().ok()? } else { first.parse().ok()? };
    let mut parts = words.next()?.splitn(3, ':').map(str::parse::<i8>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let time = Time::new(hour, minute, second, 0).ok()?;
    offset?.to_timestamp(DateTime::from_parts(date, time)).ok()
}

impl<'a> Entry<'a> {
    /// What the message means; `None` where it says nothing of where the server stands.
    pub(super) fn mark(&self) -> Option<Mark<'a>> {
        let message = self.message;
        let begins = |words: &str| message.starts_with(words);
        if let Some(rest) =
            message.strip_prefix("Starting MariaDB ").filter(|rest| rest.contains(" as process "))
        {
            return Some(Mark::Start(rest.split(' ').next()));
        }
        let started = message.strip_prefix("(mysqld ").or_else(|| message.strip_prefix("(mariadbd "));
        if let Some((version, _)) = started.and_then(|rest| rest.split_once(") starting as process ")) {
            let version = version.split(' ').next();
            return Some(Mark::Start(
                version.filter(|version| version.starts_with(|c: char| c.is_ascii_digit())),
            ));
        }
        if begins("Recovered position from storage") {
            return Some(Mark::TookPart);
        }
        if let Some(rest) = message.strip_prefix("Recovered position") {
            return Some(Mark::Recovered(recovered::position(rest.strip_prefix(':').unwrap_or(rest).trim())));
        }
        if begins("Loading provider ") {
            let (_, position) = message.split_once("initial position: ")?;
            return Some(Mark::Initial(recovered::position(position), position));
        }
        self.end().map(Mark::End).or_else(|| self.standing())
    }

    /// Whether the message ends a run.
    fn end(&self) -> Option<End> {
        let message = self.message;
        if message == "Shutdown complete" || message.starts_with("Shutdown complete (") {
            return Some(End::Clean);
        }
        // The provider's own end; a signal follows where the server does not catch it.
        if message == "Aborting" || message == "Terminated." {
            return Some(End::Aborted);
        }
        if message.starts_with("got signal ") {
            return Some(End::Killed);
        }
        // systemd's own word: `Main process exited, code=killed, status=6/ABRT`.
        let exited = message
            .strip_prefix("Main process exited, code=")
            .or_else(|| message.strip_prefix("main process exited, code="))?;
        if exited.starts_with("killed") || exited.starts_with("dumped") {
            Some(End::Killed)
        } else {
            (!exited.contains("status=0")).then_some(End::Aborted)
        }
    }

    /// What the message says of the group.
    fn standing(&self) -> Option<Mark<'a>> {
        let message = self.message;
        let begins = |words: &str| message.starts_with(words);
        // `rsync SST started on joiner (…)`, as the transfer scripts of MariaDB say it.
        let sst = message.split_once(' ').map_or("", |(_, rest)| rest);
        if begins("Inconsistency detected")
            || begins("Node consistency compromi")
            || (begins("Vote ") && message.ends_with(" is inconsistent with group. Leaving cluster."))
        {
            return Some(Mark::Inconsistent);
        }
        if begins("gcomm: bootstrapping new group") {
            return Some(Mark::Bootstrap);
        }
        if let Some(view) = message.strip_prefix("view(view_id(PRIM,") {
            return view.split_once(')').map(|(id, _)| Mark::PrimView(id));
        }
        if begins("New COMPONENT: primary = yes, bootstrap = yes") {
            return Some(Mark::Component(
                message.split_once("memb_num = ").map(|(_, members)| members.trim()),
            ));
        }
        if begins("New COMPONENT: primary = yes") {
            return Some(Mark::View(message.split_once("memb_num = ").map(|(_, members)| members.trim())));
        }
        if begins("New COMPONENT: primary = no") {
            return Some(Mark::NonPrimary);
        }
        if begins("No nodes coming from prim") || begins("no nodes coming from prim") {
            return Some(Mark::Waiting);
        }
        if begins("ready for connections.") {
            return Some(Mark::Served);
        }
        if begins("Synchronized with group") {
            return Some(Mark::Synced);
        }
        // Every server says that it runs the script; what the script then says differs.
        if sst.starts_with("SST started on joiner")
            || (begins("Running: 'wsrep_sst_") && message.contains(" --role 'joiner' "))
            || begins("Initiating SST/IST transfer on JOINER side (")
            || begins("Proceeding with SST")
        {
            return Some(Mark::Transferring);
        }
        if sst.starts_with("IST completed on joiner")
            || begins("xtrabackup_ist received from donor: Running IST")
        {
            return Some(Mark::Caught);
        }
        // xtrabackup's script says nothing at its end; when it moves the copy, the copy is whole.
        if sst.starts_with("SST completed on joiner") || begins("Moving the backup to ") {
            return Some(Mark::Transferred);
        }
        if begins("Found ") && message.contains(" prepared transactions!") {
            return Some(Mark::Prepared);
        }
        if begins("Shifting ") && message.contains(" -> CLOSED ") {
            return Some(Mark::Left);
        }
        let arrived = message.strip_prefix("Shifting ").and_then(|rest| rest.split_once(" -> ")).is_some_and(
            |(_, to)| ["PRIMARY", "JOINER", "JOINED", "SYNCED", "DONOR"].iter().any(|s| to.starts_with(s)),
        );
        let took_part = arrived
            || begins("New COMPONENT: primary = yes")
            || (begins("Server ") && message.ends_with(" synced with group"))
            || begins("Reversing history: ")
            || begins("####### IST uuid:")
            || begins("Prepared IST receiver")
            || begins("Receiving IST")
            || begins("IST received")
            || begins("SST received")
            || ((sst.starts_with("SST ") || sst.starts_with("IST ")) && sst.contains(" on joiner"));
        took_part.then_some(Mark::TookPart)
    }

    /// The line with its time, as people read it: without passwords (S24).
    pub(super) fn describe(&self) -> String {
        let line = redacted(self.line);
        match self.at {
            Some(at) => format!("{at:.0} {line}"),
            None => line.into_owned(),
        }
    }
}

/// How long ago an entry was logged, for people.
pub(super) fn age(at: Timestamp, now: Timestamp) -> String {
    format!("{:#}", SignedDuration::from_secs(now.duration_since(at).as_secs()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(message: &str) -> Option<Mark<'_>> {
        Entry { at: None, line: message, message: lines::message(message) }.mark()
    }

    #[test]
    fn journal_lines() {
        let text = "-- Boot 1234 --\n1795239243.120000 g1 systemd[1]: Starting mariadb.service - MariaDB\n    goes on\n\
            1795239243.500000 g1 mariadbd[9]: 2026-11-21  5:54:03 0 [Note] WSREP: New COMPONENT: primary = no, bootstrap = no\n";
        let entries = journal(text);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].at.unwrap().as_microsecond(), 1_795_239_243_500_000);
        assert_eq!(entries[1].message, "New COMPONENT: primary = no, bootstrap = no");
        assert_eq!(entries[1].mark(), Some(Mark::NonPrimary));
    }

    #[test]
    fn file_lines_and_their_zone() {
        let text = "2026-11-21  5:54:03 0 [Note] WSREP: x\nWSREP_SST: [INFO] rsync SST started on joiner (20261121 05:33:23.165)\n\
            2026-11-21T05:54:04.123456Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting as process 9\n";
        let entries = file(text, Some(jiff::tz::offset(1)));
        assert_eq!(entries[0].at.unwrap().to_string(), "2026-11-21T04:54:03Z");
        assert_eq!(entries[1].at, entries[0].at);
        assert_eq!(entries[1].mark(), Some(Mark::Transferring));
        assert_eq!(entries[2].at.unwrap().to_string(), "2026-11-21T05:54:04.123456Z");
        assert_eq!(entries[2].mark(), Some(Mark::Start(Some("8.0.36"))));
        assert_eq!(file(text, None)[0].at, None);
    }

    #[test]
    fn what_messages_mean() {
        for (message, wanted) in [
            (
                "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18-MariaDB-0+deb12u1 source revision 1 server_uid x as process 7015",
                Mark::Start(Some("10.11.18-MariaDB-0+deb12u1")),
            ),
            ("2026-11-21  5:52:12 0 [Note] /usr/sbin/mariadbd: Shutdown complete", Mark::End(End::Clean)),
            ("2026-11-21  6:32:46 0 [ERROR] Aborting", Mark::End(End::Aborted)),
            ("261121  6:32:46 [ERROR] /usr/sbin/mariadbd got signal 6 ;", Mark::End(End::Killed)),
            ("mariadb.service: Main process exited, code=killed, status=9/KILL", Mark::End(End::Killed)),
            ("mariadb.service: Main process exited, code=exited, status=1/FAILURE", Mark::End(End::Aborted)),
            ("2026-11-21  6:35:17 3 [Note] WSREP: Recovered position from storage: x", Mark::TookPart),
            ("WSREP_SST: [INFO] rsync SST completed on joiner (20261121 06:35:16.451)", Mark::Transferred),
            ("WSREP_SST: [INFO] rsync IST completed on joiner (20261121 06:35:16.451)", Mark::Caught),
            ("2026-11-21  6:55:01 0 [Note] WSREP: Shifting PRIMARY -> JOINER (TO: 12512)", Mark::TookPart),
            ("2026-11-21  5:52:12 0 [Note] WSREP: Shifting SYNCED -> CLOSED (TO: 2008)", Mark::Left),
            (
                "2026-11-21  6:38:24 2 [ERROR] WSREP: Inconsistency detected: Inconsistent by consensus on x:12372",
                Mark::Inconsistent,
            ),
        ] {
            assert_eq!(mark(message), Some(wanted), "{message}");
        }
        for nothing in [
            "2026-11-21  5:52:12 0 [Note] Shutdown completed; log sequence number 844511; transaction id 4047",
            "2026-11-21  5:52:12 0 [Note] WSREP: last_prim(type: 3, uuid: 637ef61c-ab2c) is inconsistent to restored view",
            "mariadb.service: Main process exited, code=exited, status=0/SUCCESS",
            "Starting mariadb.service - MariaDB 10.11.18 database server...",
        ] {
            assert_eq!(mark(nothing), None, "{nothing}");
        }
    }

    /// Percona XtraDB Cluster 5.7 and 8.0, mysql-wsrep, Galera 3, mysqld_safe.
    #[test]
    fn what_other_servers_say() {
        let uuid = "9a4db4a5-5cf1-11ec-940d-6ba8c5905c02";
        for (message, wanted) in [
            (
                "2021-06-03T12:12:12.123456Z 0 [Note] /usr/sbin/mysqld (mysqld 5.7.31-34-log) starting as process 2 ...",
                Mark::Start(Some("5.7.31-34-log")),
            ),
            (
                "2020-08-27 20:36:46 139787412055360 [Note] mysqld (mysqld 10.2.23-MariaDB-1:10.2.23+maria~bionic) starting as process 34 ...",
                Mark::Start(Some("10.2.23-MariaDB-1:10.2.23+maria~bionic")),
            ),
            (
                "2025-02-18T11:56:57.759992Z 0 [System] [MY-010910] [Server] /usr/sbin/mysqld: Shutdown complete (mysqld 8.0.36-28.1)  Percona XtraDB Cluster (GPL)",
                Mark::End(End::Clean),
            ),
            ("2021-06-03T12:12:12.123456Z 0 [ERROR] [MY-010119] [Server] Aborting", Mark::End(End::Aborted)),
            (
                "2021-06-03T12:12:12.123456Z 8 [Note] WSREP: /usr/sbin/mysqld: Terminated.",
                Mark::End(End::Aborted),
            ),
            ("12:12:12 UTC - mysqld got signal 11 ;", Mark::End(End::Killed)),
            ("mysql.service: main process exited, code=killed, status=9/KILL", Mark::End(End::Killed)),
            (
                "2021-06-03T12:12:12.123456Z 0 [Note] [MY-000000] [Galera] New COMPONENT: primary = yes, bootstrap = no, my_idx = 0, memb_num = 2",
                Mark::View(Some("2")),
            ),
            (
                "2021-06-03T12:12:12.123456Z 0 [Note] [MY-000000] [Galera] New COMPONENT: primary = no, bootstrap = no, my_idx = 0, memb_num = 2",
                Mark::NonPrimary,
            ),
            (
                "150224 21:16:58 [Warning] WSREP: no nodes coming from prim view, prim not possible",
                Mark::Waiting,
            ),
            (
                "2001-01-01  5:06:12 47285568576576 [Note] WSREP: gcomm: bootstrapping new group 'cluster'",
                Mark::Bootstrap,
            ),
            (
                "2021-06-03T12:12:12.123456Z 2 [Note] [MY-000000] [WSREP] Synchronized with group, ready for connections",
                Mark::Synced,
            ),
            (
                "2021-06-03T12:12:12.123456Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.36-28.1'  socket: '/var/lib/mysql/mysql.sock'  port: 3306",
                Mark::Served,
            ),
            (
                "2022-08-12T17:42:03.730918Z 0 [Note] WSREP: Initiating SST/IST transfer on JOINER side (wsrep_sst_xtrabackup-v2 --role 'joiner' --address '192.168.170.141' )",
                Mark::Transferring,
            ),
            (
                "2021-03-11T15:24:32.924229+01:00 0 [Note] [MY-000000] [WSREP] Running: 'wsrep_sst_clone --role 'joiner' --address '127.0.0.1'  '",
                Mark::Transferring,
            ),
            (
                "2001-01-01T01:01:01.000000Z WSREP_SST: [INFO] Proceeding with SST.........",
                Mark::Transferring,
            ),
            (
                "2021-06-03T12:12:12.123456Z 0 [Note] [MY-000000] [WSREP-SST] xtrabackup_ist received from donor: Running IST",
                Mark::Caught,
            ),
            (
                "2021-06-03T12:12:12.123456Z 0 [Note] [MY-000000] [WSREP-SST] Moving the backup to /var/lib/mysql/",
                Mark::Transferred,
            ),
            (
                "2021-06-03T12:12:12.123456Z 0 [ERROR] [MY-000000] [Galera] gcs/src/gcs_group.cpp:group_post_state_exchange():431: Reversing history: 150 -> 10, this member has applied 140 more events",
                Mark::TookPart,
            ),
            (
                "2001-01-01T01:01:01.000000Z 86 [ERROR] WSREP: Node consistency compromized, aborting...",
                Mark::Inconsistent,
            ),
        ] {
            assert_eq!(mark(message), Some(wanted), "{message}");
        }
        let recovered = format!("150224 21:16:58 mysqld_safe WSREP: Recovered position {uuid}:30");
        assert_eq!(mark(&recovered), Some(Mark::Recovered(recovered::position(&format!("{uuid}:30")))));
        for nothing in [
            "2021-06-03T12:12:12.123456Z 0 [System] [MY-011323] [Server] X Plugin ready for connections. Bind-address: '::' port: 33060",
            "2025-02-18T12:06:11.553625Z 3 [System] [MY-000000] [WSREP] SST completed",
            "2022-08-12T17:42:03.730918Z 0 [Note] WSREP: Initiating SST/IST transfer on DONOR side (wsrep_sst_xtrabackup-v2 --role 'donor' )",
            "2025-02-18T11:56:57.756889Z 0 [Note] [MY-012980] [InnoDB] Shutdown completed; log sequence number 11051296464304",
        ] {
            assert_eq!(mark(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_line_with_a_year_of_two_digits_has_a_time() {
        let entries = file("261121  6:32:46 [ERROR] /usr/sbin/mariadbd got signal 6 ;", Some(Offset::UTC));
        assert_eq!(entries[0].at.unwrap().to_string(), "2026-11-21T06:32:46Z");
        assert_eq!(entries[0].mark(), Some(Mark::End(End::Killed)));
    }

    #[test]
    fn a_client_cannot_forge_a_position() {
        let forged = "2026-11-21  5:52:12 9 [Warning] Access denied for user 'WSREP: Recovered position 0cb3db35-e56d-11f1-98c2-3bdded13c08b:99'@'x'";
        assert_eq!(mark(forged), None);
        for words in [
            "x: Main process exited, code=killed",
            "Inconsistent by consensus on x",
            "./gcs/src/gcs.cpp:gcs_open():1: Reversing history: 1 -> 0",
            "' is inconsistent with group. Leaving cluster.",
        ] {
            let forged = format!("2026-11-21  5:52:12 9 [Warning] Access denied for user '{words}");
            assert_eq!(mark(&forged), None, "{forged}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "([0-9]{10}\\.[0-9]{6} g1 )?[\\PC\\n]{0,80}") {
            for entry in journal(&text).into_iter().chain(file(&text, Some(Offset::UTC))) {
                let _ = (entry.mark(), entry.describe());
            }
        }
    }
}
