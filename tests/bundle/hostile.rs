//! Bundles as tired people and their tools make them: what must not be misread.

use breakglass::facts::{Role, WhyKind, keys};
use breakglass::judge::Verdict;

use super::forms::{KILLED, files, killed, one, state};
use super::*;

const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";

fn primary(me: &str) -> String {
    format!(
        "Variable_name\tValue\nwsrep_cluster_status\tPrimary\nwsrep_cluster_size\t1\nwsrep_cluster_conf_id\t1\n\
         wsrep_cluster_state_uuid\t{UUID}\nwsrep_local_state_uuid\t{UUID}\nwsrep_last_committed\t100\nwsrep_local_state\t4\n\
         wsrep_ready\tON\nwsrep_connected\tON\nwsrep_evs_state\tOPERATIONAL\nwsrep_gcomm_uuid\t{me}\n"
    )
}

const ME: &str = "0cb32036-e56d-11f1-af3f-2a57ada6977c";
const ALONE: &str = "my_uuid: 0cb32036-e56d-11f1-af3f-2a57ada6977c\n#vwbeg\nview_id: 3 0cb32036-e56d-11f1-af3f-2a57ada6977c 1\n\
    bootstrap: 0\nmember: 0cb32036-e56d-11f1-af3f-2a57ada6977c 0\n#vwend\n";

/// A server in a Primary Component reads as one, however its rows were pasted, or as nothing; never as one outside.
#[test]
fn padded_rows_do_not_make_an_outage_of_a_healthy_cluster() {
    let rows = primary(ME);
    let verdict = |rows: Vec<u8>| {
        let mut files = files(&[(File::Gvwstate, ALONE)]);
        files.insert(File::Status, rows);
        judge(&survey(&[("g1", files)])).verdict
    };
    assert_eq!(verdict(rows.clone().into()), Verdict::Healthy);
    assert_eq!(verdict(rows.replace('\n', "  \n").into()), Verdict::Healthy);
    assert_eq!(verdict(rows.replace("wsrep_", "    wsrep_").into()), Verdict::Healthy);
    assert_eq!(verdict(rows.trim_end().into()), Verdict::Healthy, "a whole UUID is not cut");
    let wide: Vec<u8> = rows.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(verdict([vec![0xfe, 0xff], wide].concat()), Verdict::Healthy);
    assert_eq!(verdict(rows.replace("\tPrimary", "\tPrimary?").into()), Verdict::Undetermined);
}

const DOWN: &str = "Id=mysql.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nMainPID=0\nExecMainCode=0\nExecMainStatus=0\n";
const UP: &str = "Id=mysql@bootstrap.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=584\nExecMainCode=0\n";

#[test]
fn a_unit_that_runs_is_not_hidden_by_the_one_behind_it() {
    for unit in [format!("{UP}\n{DOWN}"), format!("{DOWN}\n{UP}"), format!("{UP}{DOWN}")] {
        let judgement = judge(&survey(&[("g1", files(&[(File::Unit, &unit)]))]));
        assert_eq!(servers(&judgement), ["running"], "{unit}");
        assert_eq!(judgement.verdict, Verdict::Undetermined, "{unit}");
    }
    let moments = format!("{}\n{KILLED}", UP.replace("mysql@bootstrap", "mariadb"));
    assert_eq!(servers(&judge(&survey(&[("g1", files(&[(File::Unit, &moments)]))]))), ["unknown"]);
    let other = KILLED.replace("mariadb", "haproxy");
    let node = one(&[(File::Unit, &other)]);
    assert!(node.facts.get(keys::SERVER_STATE).why().unwrap().text.as_str().contains("haproxy.service"));
    let indented = KILLED.replace('\n', "\n  ");
    assert_eq!(servers(&judge(&survey(&[("g1", files(&[(File::Unit, &indented)]))]))), ["crashed"]);
}

/// What no server wrote does not say that none was evicted.
#[test]
fn a_log_that_cannot_be_read_clears_nobody() {
    for log in
        ["", "\n \n", "hello\nworld\n", "Nov 21 05:54:03 g1 systemd[1]: Started mariadb.service - MariaDB.\n"]
    {
        let facts = one(&[(File::Log, log)]).facts;
        for key in [keys::LOG_EVICTED, keys::LOG_HALF_FILLED, keys::LOG_PREPARED] {
            assert!(facts.get(key).known().is_none(), "{log:?}");
        }
        assert!(facts.get(keys::LOG_KNOWN).known().is_none(), "{log:?}");
    }
}

const EVICTED: &str = "2026-11-21  6:31:10 2 [ERROR] WSREP: Inconsistency detected: Inconsistent by consensus on 0cb3db35-e56d-11f1-98c2-3bdded13c08b:12372\n\
    2026-11-21  6:31:10 2 [Note] WSREP: Closing send monitor...\n";

#[test]
fn an_eviction_is_seen_behind_every_prefix() {
    let wrap = |before: &str| EVICTED.lines().flat_map(|line| [before, line, "\n"]).collect::<String>();
    let each =
        |make: &dyn Fn(&str) -> String| EVICTED.lines().map(|line| make(line) + "\n").collect::<String>();
    let array: Vec<_> = EVICTED.lines().map(|line| serde_json::json!({ "message": line })).collect();
    for text in [
        wrap("Nov 21 06:31:10 g1 mysqld: "),
        wrap("<27>1 2026-11-21T06:31:10.123Z g1 mariadbd 584 - - "),
        wrap("g1-0 mariadb "),
        wrap("> "),
        wrap("/var/log/mysql/error.log:17:"),
        wrap("\u{1b}[38;5;6mmariadb \u{1b}[38;5;5m06:31:10.12 \u{1b}[0m"),
        each(&|line| format!("\u{1b}[33m{line}\u{1b}[0m")),
        each(&|line| format!("2026-11-21T06:31:10+00:00\tdocker.db\t{}", serde_json::json!({ "log": line }))),
        each(&|line| {
            serde_json::json!({ "log": serde_json::json!({ "message": line }).to_string() }).to_string()
        }),
        each(&|line| serde_json::json!({ "short_message": line, "version": "1.1" }).to_string()),
        each(&|line| {
            format!("\u{1e}{}", serde_json::json!({ "MESSAGE": line, "SYSLOG_IDENTIFIER": "mariadbd" }))
        }),
        each(&|line| format!("{:#}", serde_json::json!({ "MESSAGE": line, "_PID": "584" }))),
        serde_json::Value::from(array.clone()).to_string(),
        serde_json::json!({ "hits": { "hits": array } }).to_string(),
    ] {
        let facts = one(&[(File::Log, &text)]).facts;
        assert!(facts.get(keys::LOG_EVICTED).is(|evicted| *evicted), "{text}");
    }
}

#[test]
fn transfers_of_days_are_no_loop() {
    let begun = |day: u8| {
        format!(
            "2026-11-{day}  6:43:49 0 [Note] WSREP: Running: 'wsrep_sst_rsync --role 'joiner' --address 'g2''\n2026-11-{day}  6:43:51 0 [ERROR] Aborting\n"
        )
    };
    let transfers = |log: &str| one(&[(File::Log, log)]).facts.get(keys::LOG_TRANSFERS);
    assert_eq!(
        transfers(&[begun(18), begun(19), begun(20)].concat()),
        Known::Known(1),
        "no zone, and days apart"
    );
    let undated: String = begun(18).lines().flat_map(|line| [&line[22..], "\n"]).map(str::to_owned).collect();
    assert_eq!(transfers(&undated).why().unwrap().kind, WhyKind::Undefined);
}

#[test]
fn an_arbitrator_alone_proves_no_outage() {
    let unit = "Id=garb.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=5\n";
    let survey = survey(&[("a1", files(&[(File::Unit, unit)]))]);
    assert_eq!(survey.nodes[0].role, Role::Arbitrator);
    assert_eq!(judge(&survey).verdict, Verdict::Undetermined);
}

#[test]
fn a_recovered_position_as_mysql_8_prints_it() {
    let text =
        format!("2026-11-21T05:58:11.123456Z 0 [Note] [MY-000000] [WSREP] Recovered position: {UUID}:9750\n");
    assert!(one(&[(File::Recover, &text)]).facts.get(keys::RECOVERED).is(|at| at.seqno.get() == 9750));
}

#[test]
fn what_a_command_said_instead_of_a_state_file_is_no_state_file() {
    for said in ["sudo: a password is required\n", "Error from server (NotFound): pods \"g1\" not found\n"] {
        let file = one(&[(File::Grastate, said)]).facts.get(keys::GRASTATE_FILE);
        let why = file.why().unwrap();
        assert!(
            why.kind == WhyKind::NotRead && why.text.as_str().contains(said.trim()),
            "{said}: {}",
            why.text
        );
    }
    let marked = format!("\u{feff}{}", state(7));
    assert!(one(&[(File::Grastate, &marked)]).facts.get(keys::GRASTATE_SEQNO).is(|seqno| seqno.get() == 7));
}

#[test]
fn room_of_all_file_systems() {
    let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 1000 100 900 10% /\n\
        /dev/vdb1 10000000 9999990 10 100% /var/lib/mysql\n";
    assert_eq!(one(&[(File::Room, text)]).facts.get(keys::DISK_FREE), Known::Known(10240));
    let elsewhere = text.replace("/var/lib/mysql", "/data");
    assert!(one(&[(File::Room, &elsewhere)]).facts.get(keys::DISK_FREE).known().is_none());
}

/// A fresh joiner has no state file, and its owner is not wrong for that.
#[test]
fn a_state_file_that_is_not_there_is_nobodys() {
    let mut node = killed(7);
    let log = "2026-11-21  6:43:49 0 [Note] Starting MariaDB 10.11.18-MariaDB source revision x server_uid y as process 7\n\
        2026-11-21  6:43:49 0 [Warning] WSREP: Could not open state file for reading: '/var/lib/mysql//grastate.dat'\n";
    node.insert(File::Log, log.into());
    let ids: Vec<&str> = judge(&survey(&[("g1", node)])).findings.iter().map(|finding| finding.id).collect();
    assert!(!ids.contains(&"galera.wrong-owner"), "{ids:?}");
}

#[test]
fn votes_are_what_the_group_counts() {
    let capture = |name: &str| {
        std::fs::read_to_string(format!(
            "{}/tests/fixtures/galera/07-garbd/with-garbd/{name}.txt",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    };
    let rows = |name: &str| {
        let text = capture(name);
        let rows: String =
            text.lines().filter(|line| line.starts_with("wsrep_")).flat_map(|line| [line, "\n"]).collect();
        let view = text.split("## gvwstate.dat\n").nth(1).unwrap().split("## ").next().unwrap().to_owned();
        files(&[(File::Status, &rows), (File::Gvwstate, &view)])
    };
    let judgement = judge(&survey(&[("g1", rows("g1")), ("g2", rows("g2"))]));
    let ids: Vec<&str> = judgement.findings.iter().map(|finding| finding.id).collect();
    assert!(ids.contains(&"galera.unknown-member") && !ids.contains(&"galera.even-size"), "{ids:?}");
}
