//! What collectors leave: every form of every file, damage, and what is not there.

use breakglass::facts::{ReachWord, Role, WhyKind, keys};
use breakglass::judge::{Standing, Verdict};

use super::*;

const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";
pub(super) const KILLED: &str = "Id=mariadb.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nMainPID=0\nResult=signal\nExecMainCode=2\nExecMainStatus=9\n";
const VIEW: &str = "my_uuid: 0cb32036-e56d-11f1-af3f-2a57ada6977c\n#vwbeg\n\
    view_id: 3 0cb32036-e56d-11f1-af3f-2a57ada6977c 3\nbootstrap: 0\n\
    member: 0cb32036-e56d-11f1-af3f-2a57ada6977c 0\n\
    member: 0d2c0326-e56d-11f1-aa9f-22bd3ec68ccd 0\n\
    member: 0ffb3ebb-e56d-11f1-95d9-7ff21b390128 0\n#vwend\n";

pub(super) fn state(seqno: i64) -> String {
    format!("# GALERA saved state\nversion: 2.1\nuuid:    {UUID}\nseqno:   {seqno}\nsafe_to_bootstrap: 0\n")
}

pub(super) fn files(texts: &[(File, &str)]) -> Files {
    texts.iter().map(|(file, text)| (*file, text.as_bytes().to_vec())).collect()
}

pub(super) fn one(texts: &[(File, &str)]) -> breakglass::facts::NodeSurvey {
    bundle::read(&folder("g1", &files(texts)), now())
}

pub(super) fn killed(seqno: u64) -> Files {
    let recover =
        format!("WSREP: Recovered position {UUID}:{seqno}\n--wsrep_start_position={UUID}:{seqno}\n");
    let grastate = state(-1);
    files(&[
        (File::Grastate, &grastate),
        (File::Gvwstate, VIEW),
        (File::Recover, &recover),
        (File::Unit, KILLED),
    ])
}

#[test]
fn three_killed_nodes_rank_by_what_was_recovered() {
    let judgement = judge(&survey(&[("g1", killed(9750)), ("g2", killed(9750)), ("g3", killed(9749))]));
    assert_eq!(judgement.verdict, Verdict::Outage);
    assert_eq!(standings(&judgement), ["CANDIDATE", "CANDIDATE", "BEHIND 1"]);
    let ids: Vec<&str> = judgement.findings.iter().map(|finding| finding.id).collect();
    assert!(!ids.contains(&"galera.not-found"), "{ids:?}");
}

#[test]
fn without_the_unit_the_phase_is_not_known_and_nobody_ranks() {
    let without = |seqno| {
        let mut files = killed(seqno);
        files.remove(&File::Unit);
        files
    };
    let judgement = judge(&survey(&[("g1", without(9750)), ("g2", without(9750)), ("g3", without(9749))]));
    assert_eq!(servers(&judgement), ["unknown"; 3]);
    assert_eq!(standings(&judgement), ["UNKNOWN"; 3]);
    assert_eq!(judgement.verdict, Verdict::Undetermined);
}

#[test]
fn an_empty_folder_is_a_data_node_of_which_nothing_is_known() {
    let judgement = judge(&survey(&[("g1", killed(9750)), ("g2", killed(9749)), ("g3", Files::new())]));
    assert_eq!(standings(&judgement), ["UNKNOWN", "BEHIND 1", "UNKNOWN"]);
    let node = one(&[]);
    assert!(!node.ssh.is_ok() && node.role == Role::Data);
    let seqno = node.facts.get(keys::GRASTATE_SEQNO);
    assert_eq!(seqno.why().unwrap().kind, WhyKind::NotAsked);
    assert!(seqno.why().unwrap().text.as_str().contains("not in the bundle"));
}

#[test]
fn state_files_as_commands_leave_them() {
    let word = |text: &str| one(&[(File::Grastate, text)]).facts.get(keys::GRASTATE_FILE);
    assert!(word(&state(7)).is(|word| word.as_str() == "valid"));
    assert!(word(&state(7).replace('\n', "\r\n")).is(|word| word.as_str() == "valid"));
    assert!(word("").is(|word| word.as_str() == "empty"));
    assert!(word("\0\0\0").is(|word| word.as_str() == "malformed"));
    for missing in [
        "cat: /var/lib/mysql/grastate.dat: No such file or directory\n",
        "scp: /var/lib/mysql/grastate.dat: No such file or directory",
        "cat: can't open '/var/lib/mysql/grastate.dat': No such file or directory\n",
    ] {
        assert!(word(missing).is(|word| word.as_str() == "missing"), "{missing}");
    }
    let denied = word("cat: /var/lib/mysql/grastate.dat: Permission denied\n");
    assert_eq!(denied.why().unwrap().kind, WhyKind::Denied);
    let galera3 = format!("# GALERA saved state\nversion: 2.1\nuuid:    {UUID}\nseqno:   12\ncert_index:\n");
    let old = one(&[(File::Grastate, &galera3)]).facts;
    assert!(old.get(keys::GRASTATE_SEQNO).is(|seqno| seqno.get() == 12));
    assert!(old.get(keys::GRASTATE_FILE).is(|word| word.as_str() == "valid"));
    assert_eq!(old.get(keys::GRASTATE_SAFE).why().unwrap().kind, WhyKind::Undefined);
}

#[test]
fn what_the_client_could_not_do_is_read_as_what_it_is() {
    for (text, word, kind) in [
        (
            "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)\n",
            ReachWord::Down,
            WhyKind::NotRead,
        ),
        (
            "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (111)\n",
            ReachWord::Down,
            WhyKind::NotRead,
        ),
        ("ERROR 1040 (08004): Too many connections\n", ReachWord::TooManyConnections, WhyKind::NotRead),
        (
            "ERROR 1047 (08S01) at line 1: WSREP has not yet prepared node for application use\n",
            ReachWord::NotReady,
            WhyKind::NotRead,
        ),
        ("ERROR 1698 (28000): Access denied for user 'x'@'localhost'\n", ReachWord::Auth, WhyKind::Denied),
        (
            "ERROR 1045 (28000): Access denied for user 'x'@'localhost' (using password: NO)\n",
            ReachWord::Auth,
            WhyKind::Denied,
        ),
        (
            "ERROR 2013 (HY000): Lost connection to server at 'handshake: reading initial communication packet', system error: 110\n",
            ReachWord::Timeout,
            WhyKind::TimedOut,
        ),
        ("bash: mariadb: command not found\n", ReachWord::Error, WhyKind::Malformed),
        ("", ReachWord::Error, WhyKind::Malformed),
    ] {
        let node = one(&[(File::Status, text)]);
        assert_eq!(node.sql.word, word, "{text}");
        for status in [node.facts.get(keys::WSREP_CLUSTER_STATUS), node.facts.get(keys::VAR_CLUSTER_NAME)] {
            assert_eq!(status.why().unwrap().kind, kind, "{text}");
        }
        assert!(
            node.facts.get(keys::SERVER_STATE).known().is_none(),
            "an error proves no process, nor that there is none"
        );
    }
    assert_eq!(one(&[(File::Grastate, "")]).sql.word, ReachWord::NotTried);
}

#[test]
fn both_outputs_in_one_file_and_each_in_its_own() {
    let both =
        "Variable_name\tValue\nwsrep_cluster_status\tPrimary\nwsrep_on\tON\nwsrep_cluster_name\tshop\n";
    let facts = one(&[(File::Status, both)]).facts;
    assert!(facts.get(keys::WSREP_CLUSTER_STATUS).is(|status| status.as_str() == "Primary"));
    assert!(facts.get(keys::VAR_CLUSTER_NAME).is(|name| name.as_str() == "shop"));
    let node = one(&[(File::Status, "ERROR 1045 (28000): Access denied\n"), (File::Variables, both)]);
    assert!(node.sql.is_ok());
    assert!(node.facts.get(keys::WSREP_CLUSTER_STATUS).known().is_some());
    let name = node.facts.iter().find(|(name, _)| *name == "var.wsrep_cluster_name").unwrap().1;
    assert_eq!(name.source.as_str(), "shop/g1/variables.tsv");
}

#[test]
fn a_server_that_answered_ran() {
    let rows = "wsrep_cluster_status\tnon-Primary\nwsrep_ready\tOFF\n";
    let judgement = judge(&survey(&[("g1", files(&[(File::Status, rows)]))]));
    assert_eq!(
        (servers(&judgement), standings(&judgement)),
        (vec!["running"], vec!["NON-PRIMARY".to_owned()])
    );
    // By the unit it is down: two moments, or a server past its unit.
    let node = one(&[(File::Status, rows), (File::Unit, KILLED)]);
    assert_eq!(node.facts.get(keys::SERVER_STATE).why().unwrap().kind, WhyKind::Contradicted);
}

#[test]
fn units_as_systemctl_shows_them() {
    let server = |unit: &str| servers(&judge(&survey(&[("g1", files(&[(File::Unit, unit)]))])))[0];
    assert_eq!(server(KILLED), "crashed");
    assert_eq!(server(&KILLED.replace('\n', "\r\n")), "crashed");
    assert_eq!(
        server("ExecMainStatus=0\nExecMainCode=1\nSubState=dead\nActiveState=inactive\nMainPID=0\n"),
        "stopped"
    );
    assert_eq!(server("MainPID=584\nActiveState=active\nSubState=running\n"), "running");
    assert_eq!(server("MainPID=584\nActiveState=activating\nSubState=start\n"), "starting");
    assert_eq!(server("MainPID=584\nActiveState=deactivating\nSubState=stop-sigterm\n"), "stopping");
    assert_eq!(
        server(
            "MainPID=0\nActiveState=activating\nSubState=auto-restart\nExecMainCode=2\nExecMainStatus=9\n"
        ),
        "crashed"
    );
    assert_eq!(server("LoadState=not-found\nActiveState=inactive\nSubState=dead\nMainPID=0\n"), "unknown");
    assert_eq!(server("MainPID=0\nActiveState=active\n"), "unknown");
    let status = "● mariadb.service - MariaDB\n     Loaded: loaded\n     Active: failed (Result: signal)\n";
    assert_eq!(server(status), "unknown");
    let why = one(&[(File::Unit, status)]).facts.get(keys::UNIT_ACTIVE).why().unwrap().text.to_string();
    assert!(why.contains("systemctl show"), "{why}");
}

const START: &str = "2026-11-21  5:55:50 0 [Note] Starting MariaDB 10.11.18-MariaDB source revision 1 server_uid x as process 7015\n\
    2026-11-21  5:55:50 0 [Note] WSREP: Loading provider /usr/lib/galera/libgalera_smm.so initial position: UUID:9750\n\
    2026-11-21  5:56:20 0 [ERROR] WSREP: failed to open gcomm backend connection: 110: failed to reach primary view\n\
    2026-11-21  5:56:20 0 [ERROR] Aborting\n";

#[test]
fn a_position_in_a_log_counts_whatever_its_prefix() {
    let log = START.replace("UUID", UUID);
    let wrap = |prefix: &str| log.lines().flat_map(|line| [prefix, line, "\n"]).collect::<String>();
    let json = |key: &str| {
        log.lines()
            .map(|line| serde_json::json!({ key: line, "time": "2026-11-21T05:56:00Z" }).to_string())
            .collect::<Vec<_>>()
            .join("\n")
    };
    for text in [
        log.clone(),
        wrap("Nov 21 05:56:20 g1 mariadbd[7015]: "),
        wrap("2026-11-21T05:56:20+0000 g1 mariadbd[7015]: "),
        wrap("1795240443.120000 g1 mariadbd[7015]: "),
        wrap("Sat 2026-11-21 05:56:20 UTC g1 mariadbd[7015]: "),
        wrap("2026-11-21T05:56:20.123456789Z "),
        wrap("2026-11-21T05:56:20.123456789Z stderr F "),
        json("log"),
        json("MESSAGE"),
        log.replace('\n', "\r\n"),
    ] {
        let grastate = state(-1);
        let unit = KILLED.replace("ExecMainCode=2\nExecMainStatus=9", "ExecMainCode=1\nExecMainStatus=1");
        let node = files(&[(File::Log, &text), (File::Grastate, &grastate), (File::Unit, &unit)]);
        let judgement = judge(&survey(&[("g1", node)]));
        let held =
            judgement.nodes[0].position.known().unwrap_or_else(|| panic!("{text}: {:?}", judgement.nodes[0]));
        assert_eq!(held.position.seqno.get(), 9750, "{text}");
        assert_eq!(judgement.nodes[0].standing, Some(Standing::Candidate), "{text}");
    }
}

#[test]
fn an_arbitrator_is_told_by_its_files() {
    let log = include_str!("../fixtures/galera/07-garbd/garbd.log");
    let node = one(&[(File::Log, log), (File::Gvwstate, VIEW)]);
    assert_eq!(node.role, Role::Arbitrator);
    assert!(node.facts.get(keys::ARBITRATOR_GROUP).is(|group| group.as_str() == "lab"));
    let unit = "Id=garb.service\nActiveState=active\nSubState=running\nMainPID=5\n";
    assert_eq!(one(&[(File::Unit, unit)]).role, Role::Arbitrator);
    // Its words among a data node's files change nothing.
    let grastate = state(-1);
    assert_eq!(one(&[(File::Log, log), (File::Grastate, &grastate)]).role, Role::Data);
    assert_eq!(one(&[(File::Gvwstate, VIEW)]).role, Role::Data, "it could be either");
}

#[test]
fn what_a_transfer_left_is_seen_in_a_listing() {
    let listing = "total 123\ndrwxr-xr-x 6 mysql mysql 4096 Nov 21 05:50 .\n-rw-rw---- 1 mysql mysql 12582912 Nov 21 05:50 ibdata1\n\
        drwx------ 2 mysql mysql 4096 Nov 21 05:50 mysql\n-rw-r--r-- 1 mysql mysql 0 Nov 21 05:50 sst_in_progress\n";
    let mut half = killed(9750);
    half.insert(File::Listing, listing.into());
    let judgement = judge(&survey(&[("g1", half), ("g2", killed(9740))]));
    assert_eq!(standings(&judgement), ["TAINTED", "CANDIDATE"]);
    let other = one(&[(File::Listing, "total 0\n-rw-r--r-- 1 x x 0 Nov 21 05:50 notes\n")]);
    assert_eq!(other.facts.get(keys::TRANSFER_MARKERS).why().unwrap().kind, WhyKind::Malformed);
}
