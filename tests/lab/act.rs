//! The dead cluster comes back, and every wrong turn is refused.

use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::{Lab, until};
use crate::walk::{Desk, Walked, waive, yes};

pub(crate) const ALL: [&str; 3] = ["g1", "g2", "g3"];

/// All killed under load at different moments; the one that holds the most is found and bootstrapped, the others join
/// one at a time, and every acknowledged row is everywhere.
pub(crate) fn killed_and_back() -> Result<(), String> {
    let lab = Lab::up("bga-kill", &[]);
    let desk = Desk::new(&lab, "desk");
    kill_apart(&lab);
    positions(&lab, &desk);
    target_behind(&lab, &desk);

    let best = candidate(&desk);
    let run = desk.walk("galera-bootstrap", &[&format!("target={best}")], &yes("bootstrap", &best));
    run.ended(0, "done");
    whole(&lab, &desk);
    nothing_acknowledged_is_lost(&lab);
    for joined in ALL.iter().filter(|node| **node != best) {
        assert!(
            run.text()
                .contains(&format!("{joined} is SYNCED and seen so by the others; its data came by IST")),
            "{}",
            run.text()
        );
    }
    // A healthy cluster is not bootstrapped: that is S6, and nothing was touched.
    let again = desk.walk("galera-bootstrap", &["target=g1"], &yes("bootstrap", "g1"));
    assert!(again.code == 40 || again.code == 0, "{}", again.text());
    whole(&lab, &desk);
    Ok(())
}

/// g1 took the writes and fell last, so that it held every row that was acknowledged.
pub(crate) fn nothing_acknowledged_is_lost(lab: &Lab) {
    let lost = "mariadb -N -B -e 'SELECT id FROM t.w' | sort >/root/have; sort /root/acked | comm -23 - /root/have | wc -l";
    let lost = lab.exec("g1", &["sh", "-c", lost]);
    assert_eq!(lost.trim(), "0", "acknowledged rows that are gone");
}

/// One after the other with a pause, so that they stand at different places; the writer's acknowledged ids are kept.
pub(crate) fn kill_apart(lab: &Lab) {
    lab.sql("g1", "CREATE DATABASE IF NOT EXISTS t; CREATE TABLE IF NOT EXISTS t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100))");
    let script = "while :; do id=$(mariadb -N -B -e \"INSERT INTO t.w (pad) VALUES (REPEAT('x',100)); SELECT LAST_INSERT_ID()\") \
                  && echo $id >>/root/acked || sleep 0.1; done";
    lab.exec("g1", &["systemd-run", "-q", "--collect", "--unit=writer", "sh", "-c", script]);
    until(Duration::from_secs(20), "rows are written", || {
        lab.sql("g1", "SELECT COUNT(*) > 50 FROM t.w").trim() == "1"
    });
    lab.fault("kill", &["g3"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    std::thread::sleep(Duration::from_millis(1500));
    lab.fault("kill", &["g2"]);
    lab.fault("kill", &["g1"]);
    lab.exec("g1", &["systemctl", "kill", "-s", "KILL", "writer"]);
    until(Duration::from_secs(10), "every unit is down", || {
        ALL.iter().all(|node| lab.unit(node) == "failed")
    });
}

/// The positions are read without a byte of any data directory changing, and status knows them afterwards.
fn positions(lab: &Lab, desk: &Desk<'_>) {
    let before = fingerprints(lab);
    let run = desk.walk("galera-positions", &[], "");
    run.ended(0, "done");
    assert_eq!(fingerprints(lab), before, "the data directories changed");
    let (code, status) = desk.status();
    assert_eq!(code, 20);
    let nodes = status["clusters"][0]["nodes"].as_array().expect("nodes");
    for node in nodes {
        assert_eq!(node["position"]["source"], "recover", "{node}");
    }
    let candidates = status["clusters"][0]["candidates"].as_array().map_or(0, Vec::len);
    assert!(
        (1..3).contains(&candidates),
        "g3 stopped earlier than the others: {}",
        status["clusters"][0]["candidates"]
    );
}

/// A target that is behind is refused, and everything is as it was: files, processes, what was frozen.
fn target_behind(lab: &Lab, desk: &Desk<'_>) {
    let behind = "g3";
    let before = (fingerprints(lab), processes(lab), units(lab));
    let run = desk.walk("galera-bootstrap", &["target=g3"], &yes("bootstrap", behind));
    run.ended(40, "refused");
    assert!(run.detail().contains("S7") && run.detail().contains("BEHIND"), "{}", run.text());
    assert_eq!((fingerprints(lab), processes(lab), units(lab)), before, "something changed");
    desk.verify();
}

fn candidate(desk: &Desk<'_>) -> String {
    let (_, status) = desk.status();
    let best = status["clusters"][0]["candidates"][0].as_str();
    best.unwrap_or_else(|| panic!("no candidate: {}", status["clusters"][0]["findings"])).to_owned()
}

/// Checksums of the whole data directory.
pub(crate) fn fingerprints(lab: &Lab) -> Vec<String> {
    let sums = "cd /var/lib/mysql && find . -type f -print0 | sort -z | xargs -0 sha256sum; find . -printf '%p %s %m %u %T@\\n' | sort";
    ALL.iter().map(|node| lab.exec(node, &["sh", "-c", sums])).collect()
}

pub(crate) fn processes(lab: &Lab) -> Vec<String> {
    let list = "ps -eo pid,lstart,comm --no-headers | grep -E 'maria|mysql|wsrep|rsync' || :";
    ALL.iter().map(|node| lab.exec(node, &["sh", "-c", list])).collect()
}

/// What the service manager says, what it was told, and what we leave on a node.
pub(crate) fn units(lab: &Lab) -> Vec<String> {
    let show = "systemctl show mariadb -p ActiveState,SubState,Result,Restart,TimeoutStartUSec,DropInPaths,NRestarts; \
                systemctl show-environment; ls -A /var/lib/breakglass /run/breakglass 2>/dev/null; true";
    ALL.iter().map(|node| lab.exec(node, &["sh", "-c", show])).collect()
}

/// All in sync, with the same rows, nothing of a run left on any node, and a record that is not broken.
#[track_caller]
pub(crate) fn whole(lab: &Lab, desk: &Desk<'_>) {
    let (code, status) = lab.status();
    assert_eq!(code, 0, "{}\n{status}", lab.status_text());
    let sums: Vec<String> = ALL
        .iter()
        .map(|node| {
            lab.sql(node, "SELECT COUNT(*) FROM t.w; CHECKSUM TABLE t.w; SHOW DATABASES LIKE 'breakglass%'")
        })
        .collect();
    assert!(sums.windows(2).all(|two| two[0] == two[1]), "rows differ: {sums:?}");
    assert!(!sums[0].contains("breakglass"), "the check schema is left: {sums:?}");
    nothing_of_ours(lab);
    desk.verify();
}

#[track_caller]
fn nothing_of_ours(lab: &Lab) {
    for node in ALL {
        let left = "ls -A /var/lib/breakglass 2>/dev/null | grep -v '^quarantine$'; ls /run/systemd/system/mariadb.service.d/zz-breakglass.conf 2>/dev/null; \
                    systemctl show-environment | grep -i wsrep_new; ls /run/mysqld/wsrep-new-cluster 2>/dev/null; true";
        assert_eq!(lab.exec(node, &["sh", "-c", left]), "", "{node}: something of the run is left");
    }
}

/// Stopped cleanly one by one; a refused bootstrap by hand; killed with their saved views, and without.
pub(crate) fn every_way_down() -> Result<(), String> {
    let lab = Lab::up("bga-down", &[]);
    let desk = Desk::new(&lab, "desk");
    lab.sql("g1", "CREATE DATABASE t; CREATE TABLE t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100)); INSERT INTO t.w (pad) VALUES ('x')");
    lab.until_healthy();

    for node in ["g3", "g2", "g1"] {
        lab.fault("stop", &[node]);
    }
    // The wrong one by hand: refused by Galera, which rewrites its seqno to -1.
    assert_ne!(lab.exec_code("g3", &["galera_new_cluster"]), 0);
    let file = lab.exec("g3", &["cat", "/var/lib/mysql/grastate.dat"]);
    assert!(file.contains("seqno:   -1"), "{file}");
    let wrong = desk.walk("galera-bootstrap", &["target=g3"], &yes("bootstrap", "g3"));
    wrong.ended(40, "refused");
    desk.walk("galera-bootstrap", &[], &yes("bootstrap", "g1")).ended(0, "done");
    whole(&lab, &desk);

    // All killed, all with their saved view: started together they re-form it by themselves.
    lab.fault("kill", &ALL);
    desk.walk("galera-start-all", &[], "").ended(0, "done");
    whole(&lab, &desk);
    lab.heal_all();

    // The same without the saved views.
    lab.fault("kill", &ALL);
    for node in ALL {
        lab.exec(node, &["rm", "/var/lib/mysql/gvwstate.dat"]);
    }
    desk.walk("galera-start-all", &[], "").ended(40, "refused");
    nothing_of_ours(&lab);
    let best = {
        desk.walk("galera-positions", &[], "").ended(0, "done");
        let (_, status) = desk.status();
        let candidates = status["clusters"][0]["candidates"].as_array().cloned().unwrap_or_default();
        candidates.first().and_then(Value::as_str).expect("a candidate").to_owned()
    };
    desk.walk("galera-bootstrap", &[&format!("target={best}")], &yes("bootstrap", &best)).ended(0, "done");
    whole(&lab, &desk);
    Ok(())
}

/// A wiped data directory, and a node out of reach.
pub(crate) fn one_is_missing() -> Result<(), String> {
    let lab = Lab::up("bga-miss", &[]);
    let desk = Desk::new(&lab, "desk");
    lab.sql("g1", "CREATE DATABASE t; CREATE TABLE t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100)); INSERT INTO t.w (pad) VALUES ('x')");
    lab.until_healthy();
    wiped(&lab, &desk);
    out_of_reach(&lab, &desk);
    Ok(())
}

/// An emptied data directory reads as safe to bootstrap by default; it is never chosen.
fn wiped(lab: &Lab, desk: &Desk<'_>) {
    for node in ["g3", "g2", "g1"] {
        lab.fault("stop", &[node]);
    }
    lab.exec("g3", &["sh", "-c", "find /var/lib/mysql -mindepth 1 -delete"]);
    let empty = desk.walk("galera-bootstrap", &["target=g3"], &yes("bootstrap", "g3"));
    empty.ended(40, "refused");
    // As a witness it is missing too (S4), until somebody says that it is to be.
    let unsaid = desk.walk("galera-bootstrap", &["target=g1"], &yes("bootstrap", "g1"));
    unsaid.ended(40, "refused");
    assert!(unsaid.detail().contains("S4 on g3"), "{}", unsaid.text());
    let said = format!("{}{}", yes("bootstrap", "g1"), waive("S4", "g3"));
    let run = desk.walk("galera-bootstrap", &["target=g1"], &said);
    assert!(matches!(run.code, 0 | 10), "{}", run.text());
    if run.code == 10 {
        desk.walk("galera-rejoin", &["node=g3"], &format!("{}{}", yes("join", "g3"), waive("S17", "g3")))
            .ended(0, "done");
    }
    whole(lab, desk);
}

/// A node that does not answer is named, and goes by its waivers only; what comes back later is rejoined.
fn out_of_reach(lab: &Lab, desk: &Desk<'_>) {
    lab.fault("kill", &ALL);
    let away = lab.fault("unreachable", &["g3"]);
    let run = desk.walk("galera-bootstrap", &["target=g1"], &yes("bootstrap", "g1"));
    run.ended(40, "refused");
    for rule in ["S4 on g3", "S5 on g3"] {
        assert!(run.detail().contains(rule), "{rule}: {}", run.text());
    }
    desk.walk("galera-positions", &[], "").ended(10, "partial");
    let both = format!("{}{}{}", yes("bootstrap", "g1"), waive("S4", "g3"), waive("S5", "g3"));
    let run = desk.walk("galera-bootstrap", &["target=g1"], &both);
    let (target, run) = if run.code == 40 {
        let both = format!("{}{}{}", yes("bootstrap", "g2"), waive("S4", "g3"), waive("S5", "g3"));
        ("g2", desk.walk("galera-bootstrap", &["target=g2"], &both))
    } else {
        ("g1", run)
    };
    run.ended(10, "partial");
    assert!(run.detail().contains("g3 stays out"), "{target}: {}", run.text());
    lab.heal(&away);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    desk.walk("galera-rejoin", &["node=g3"], &yes("join", "g3")).ended(0, "done");
    whole(lab, desk);
    lab.heal_all();
}

/// Five nodes, two of them cut off from a Primary that cannot be reached: neither is ever bootstrapped.
pub(crate) fn a_primary_out_of_sight() -> Result<(), String> {
    let lab = Lab::up("bga-five", &["--nodes", "5"]);
    let desk = Desk::new(&lab, "desk");
    lab.fault("partition", &["g4", "g5"]);
    lab.until_group(&["g4", "g5"], "non-Primary", 2);
    lab.until_group(&["g1", "g2", "g3"], "Primary", 3);
    let mut away = vec![
        lab.fault("unreachable", &["g1"]),
        lab.fault("unreachable", &["g2"]),
        lab.fault("unreachable", &["g3"]),
    ];
    let refused = |run: &Walked, what: &str| {
        run.ended(40, "refused");
        for rule in ["S5", "S6"] {
            assert!(run.detail().contains(rule), "{what}: {rule}: {}", run.text());
        }
    };
    refused(
        &desk.walk("galera-bootstrap", &["target=g4"], &yes("bootstrap", "g4")),
        "none of the Primary is in sight",
    );
    lab.heal(&away.remove(0));
    refused(
        &desk.walk("galera-bootstrap", &["target=g4"], &yes("bootstrap", "g4")),
        "one of the Primary is in sight",
    );
    lab.until_group(&["g4", "g5"], "non-Primary", 2);
    desk.verify();
    Ok(())
}

/// Two bootstraps apart, the loser overtaken: it never joins by a plain start, and is named with what it holds.
pub(crate) fn silent_divergence() -> Result<(), String> {
    let lab = Lab::up("bga-split", &[]);
    let desk = Desk::new(&lab, "desk");
    lab.sql("g1", "CREATE DATABASE t; CREATE TABLE t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100))");
    lab.until_healthy();
    for node in ["g3", "g2", "g1"] {
        lab.fault("stop", &[node]);
    }
    let bootstrap = |node: &str| {
        lab.exec(
            node,
            &["sed", "-i", "s/^safe_to_bootstrap: 0/safe_to_bootstrap: 1/", "/var/lib/mysql/grastate.dat"],
        );
        assert_eq!(lab.exec_code(node, &["galera_new_cluster"]), 0, "bootstrap of {node}");
    };
    let rows = |node: &str, tag: &str, n: u32| {
        for _ in 0..n {
            lab.sql(node, &format!("INSERT INTO t.w (pad) VALUES ('{tag}')"));
        }
    };
    bootstrap("g1");
    rows("g1", "A", 3);
    lab.fault("stop", &["g1"]);
    // Bootstraps closer than clocks are trusted would leave a doubt where this is about a certainty.
    std::thread::sleep(Duration::from_secs(3));
    bootstrap("g2");
    rows("g2", "B", 3);
    lab.fault("stop", &["g2"]);
    // The second overtakes the first.
    bootstrap("g2");
    rows("g2", "B", 20);

    let rejoin = desk.walk("galera-rejoin", &["node=g1"], &yes("join", "g1"));
    rejoin.ended(40, "refused");
    assert!(rejoin.detail().contains("DIVERGED"), "{}", rejoin.text());
    assert_eq!(lab.unit("g1"), "inactive");

    lab.fault("stop", &["g2"]);
    let plain = desk.walk("galera-bootstrap", &["target=g2"], &yes("bootstrap", "g2"));
    plain.ended(40, "refused");
    assert!(plain.detail().contains("S25"), "{}", plain.text());
    let waived = format!(
        "{}{}{}{}",
        yes("bootstrap", "g2"),
        waive("S25", "g1"),
        waive("S25", "g3"),
        waive("S8", "g1")
    );
    let run = desk.walk("galera-bootstrap", &["target=g2"], &waived);
    run.ended(10, "partial");
    assert!(run.detail().contains("g1 stays out") && run.text().contains("DIVERGED"), "{}", run.text());
    assert_eq!(lab.unit("g1"), "inactive", "the loser stays stopped");
    let seen = lab.exec(
        "g1",
        &["sh", "-c", "journalctl -q -o cat -u mariadb --since -2min | grep -c 'IST receive' || :"],
    );
    assert_eq!(seen.trim(), "0", "the loser joined incrementally");
    desk.verify();
    Ok(())
}

/// The program is killed at many places; the next run always finishes, and no node is ever bootstrapped twice.
pub(crate) fn killed_anywhere() -> Result<(), String> {
    let lab = Lab::up("bga-crash", &[]);
    lab.sql("g1", "CREATE DATABASE t; CREATE TABLE t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100)); INSERT INTO t.w (pad) VALUES ('x')");
    let full = std::env::var("BREAKGLASS_LAB").is_ok_and(|tier| tier == "full");
    let answers = yes("bootstrap", "g1");
    // How many records a whole run has decides where it is cut.
    let desk = Desk::new(&lab, "whole");
    stop_all(&lab);
    desk.walk("galera-bootstrap", &["target=g1"], &answers).ended(0, "done");
    let records = desk.records().len();
    assert!(records > 40, "{records} records");
    let intent = desk
        .records()
        .iter()
        .position(|record| record["type"] == "op.intent" && record["body"]["deed"] == "bootstrap");
    let intent = intent.expect("a bootstrap");
    let every = if full { 8 } else { records };
    let mut cuts: Vec<usize> = vec![intent, intent + 1, intent + 2];
    cuts.extend((3..records).step_by(every));
    for (at, nth) in cuts.into_iter().enumerate() {
        let desk = Desk::new(&lab, &format!("cut{at}"));
        stop_all(&lab);
        let before = bootstraps(&lab);
        let killed = desk.walk_killed("pwrite64", nth + 1, "galera-bootstrap", &["target=g1"], &answers);
        assert!(killed, "write {nth} was not reached");
        let run = desk.walk("galera-bootstrap", &["target=g1"], &answers);
        run.ended(0, "done");
        assert_eq!(bootstraps(&lab) - before, 1, "cut at {nth}: bootstrapped more than once\n{}", run.text());
        whole(&lab, &desk);
        let abandoned =
            desk.records().iter().any(|r| r["type"] == "session.close" && r["body"]["result"] == "abandoned");
        assert!(abandoned || nth == 0, "cut at {nth}: nobody closed the dead session");
    }
    Ok(())
}

fn stop_all(lab: &Lab) {
    for node in ["g3", "g2", "g1"] {
        lab.fault("stop", &[node]);
    }
}

fn bootstraps(lab: &Lab) -> u32 {
    let count = "journalctl -q -o cat -u mariadb | grep -c 'gcomm: bootstrapping new group' || :";
    ALL.iter().map(|node| lab.exec(node, &["sh", "-c", count]).trim().parse::<u32>().unwrap_or(0)).sum()
}

/// SSH cut in the middle of the bootstrap; a second operator at the same time; automation that fights.
pub(crate) fn trouble_on_the_way() -> Result<(), String> {
    let lab = Lab::up("bga-trouble", &[]);
    let desk = Desk::new(&lab, "desk");
    lab.sql("g1", "CREATE DATABASE t; CREATE TABLE t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100)); INSERT INTO t.w (pad) VALUES ('x')");
    cut_in_the_middle(&lab, &desk);
    two_operators(&lab, &desk);
    meddled(&lab, &desk);
    Ok(())
}

fn cut_in_the_middle(lab: &Lab, desk: &Desk<'_>) {
    stop_all(lab);
    // A slow start, so that there is a middle.
    for node in ALL {
        lab.exec(node, &["sh", "-c", "mkdir -p /etc/systemd/system/mariadb.service.d && printf '[Service]\\nExecStartPre=/bin/sleep 5\\n' >/etc/systemd/system/mariadb.service.d/slow.conf && systemctl daemon-reload"]);
    }
    let child = desk.begin("galera-bootstrap", &["target=g1"], &yes("bootstrap", "g1"));
    until(Duration::from_mins(1), "the bootstrap runs", || {
        desk.log().exists()
            && std::fs::read_to_string(desk.log()).is_ok_and(|log| log.contains("\"deed\":\"bootstrap\""))
    });
    std::thread::sleep(Duration::from_secs(1));
    let away = lab.fault("unreachable", &["g1"]);
    std::thread::sleep(Duration::from_secs(25));
    lab.heal(&away);
    let run = child.end();
    assert!(matches!(run.code, 0 | 50), "{}", run.text());
    if run.code == 50 {
        desk.walk("galera-bootstrap", &["target=g1"], &yes("bootstrap", "g1")).ended(0, "done");
    }
    let text = run.text();
    assert!(
        text.contains("\"outcome\":\"unknown\"") && text.contains("op.resolve"),
        "no answer was lost: {text}"
    );
    for node in ALL {
        lab.exec(
            node,
            &["sh", "-c", "rm /etc/systemd/system/mariadb.service.d/slow.conf && systemctl daemon-reload"],
        );
    }
    lab.until_healthy();
    whole(lab, desk);
}

/// Whoever comes second is refused: on the same workstation by the record, on another by the lease on the nodes.
fn two_operators(lab: &Lab, desk: &Desk<'_>) {
    stop_all(lab);
    let child = desk.begin("galera-bootstrap", &["target=g1"], &yes("bootstrap", "g1"));
    until(Duration::from_secs(30), "the leases are held", || {
        ALL.iter().all(|node| lab.exec_code(node, &["test", "-e", "/var/lib/breakglass/lease"]) == 0)
    });
    let same = desk.walk("galera-bootstrap", &["target=g1"], &yes("bootstrap", "g1"));
    same.ended(40, "refused");
    let other = Desk::new(lab, "other");
    let second = other.walk("galera-bootstrap", &["target=g2"], &yes("bootstrap", "g2"));
    second.ended(40, "refused");
    assert!(second.detail().contains("lease"), "{}", second.text());
    child.end().ended(0, "done");
    other.verify();
    whole(lab, desk);
}

/// The stock Restart=, and a script like monit that starts whatever is down: neither gets between.
fn meddled(lab: &Lab, desk: &Desk<'_>) {
    for node in ALL {
        let meddle =
            "while :; do systemctl is-active -q mariadb || systemctl start --no-block mariadb; sleep 1; done";
        lab.exec(node, &["systemd-run", "-q", "--collect", "--unit=meddler", "sh", "-c", meddle]);
        lab.exec(node, &["rm", "-f", "/var/lib/mysql/gvwstate.dat"]);
    }
    lab.fault("crash", &ALL);
    for node in ALL {
        lab.exec(node, &["rm", "-f", "/var/lib/mysql/gvwstate.dat"]);
    }
    // What is started without a saved view waits for a Primary that nobody forms.
    until(Duration::from_secs(30), "the meddler has started them", || {
        ALL.iter().all(|node| lab.unit(node) == "activating")
    });
    std::thread::sleep(Duration::from_secs(3));
    let run =
        desk.walk("galera-bootstrap", &[], &["g1", "g2", "g3"].map(|node| yes("bootstrap", node)).concat());
    let run = if run.code == 40 {
        // A tie is the operator's: the first of them.
        let first =
            ALL.iter().find(|node| run.detail().contains(&format!("{node}: CANDIDATE"))).expect("a tie");
        desk.walk("galera-bootstrap", &[&format!("target={first}")], &yes("bootstrap", first))
    } else {
        run
    };
    run.ended(0, "done");
    for node in ALL {
        lab.exec(node, &["systemctl", "stop", "meddler"]);
    }
    whole(lab, desk);
    let (_, status) = lab.status();
    assert_eq!(status["clusters"][0]["primary"]["size"], json!(3));
}
