//! The lab suite: real servers, broken for real, seen through the program as an operator runs it.
//!
//! It needs root and some minutes, so it runs only when asked: `BREAKGLASS_LAB=fast` (one scenario of each family) or
//! `BREAKGLASS_LAB=full`, then `cargo test --test lab`. Without it every scenario says that it was not run.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unnecessary_wraps,
    reason = "a test suite"
)]

#[path = "lab/act.rs"]
mod act;
#[path = "lab/faults.rs"]
mod faults;
#[path = "support/harness.rs"]
mod harness;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/pty.rs"]
#[expect(dead_code, reason = "shared with the suite of the screens")]
mod pty;
#[path = "lab/screen.rs"]
mod screen;
#[path = "lab/sight.rs"]
mod sight;
#[path = "support/tmux.rs"]
mod tmux;
#[path = "lab/walk.rs"]
mod walk;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use harness::Case;
use lab::{Lab, until};
use serde_json::{Value, json};
use sight::Sight;

fn main() -> ExitCode {
    harness::main(
        "lab",
        &[
            Case { name: "sight_of_every_first_family_as_root", needs: fast, run: sight_as_root },
            Case { name: "sight_of_every_first_family_as_ops_with_sudo", needs: full, run: sight_as_ops },
            Case { name: "a_node_out_of_reach_holds_up_nobody", needs: fast, run: nobody_waits },
            Case { name: "sql_by_probe_by_forwarded_socket_and_by_tcp", needs: fast, run: sql_transports },
            Case { name: "one_history_is_ranked_and_two_are_not", needs: fast, run: histories },
            Case { name: "bad_input_is_named_and_the_other_node_is_whole", needs: fast, run: bad_input },
            Case { name: "killed_at_different_moments_and_all_back", needs: fast, run: act::killed_and_back },
            Case { name: "a_missing_node_is_waived_by_name", needs: full, run: act::one_is_missing },
            Case {
                name: "every_way_down_has_its_way_up_or_its_refusal",
                needs: fast,
                run: act::every_way_down,
            },
            Case {
                name: "a_primary_out_of_sight_forbids_a_bootstrap",
                needs: full,
                run: act::a_primary_out_of_sight,
            },
            Case { name: "silent_divergence_never_joins", needs: fast, run: act::silent_divergence },
            Case { name: "killed_anywhere_the_next_run_finishes", needs: traced, run: act::killed_anywhere },
            Case { name: "trouble_on_the_way", needs: fast, run: act::trouble_on_the_way },
            Case { name: "on_the_screen_killed_and_back", needs: seen, run: screen::killed_and_back },
            Case { name: "on_the_screen_a_missing_node_is_waived", needs: seen, run: screen::one_is_missing },
            Case { name: "faults_of_files_and_room_are_named", needs: fast, run: faults::files },
            Case { name: "transfers_cut_short_are_named", needs: full, run: faults::transfers },
            Case { name: "two_primaries_of_both_releases_are_named", needs: full, run: faults::both_sides },
            Case { name: "expired_certificates_are_named", needs: full, run: faults::certificates },
            Case { name: "what_stands_around_the_nodes_is_named", needs: full, run: faults::around },
            Case { name: "sight_of_every_first_family_on_a_newer_server", needs: full, run: sight_of_trixie },
            Case { name: "the_lab_keeps_its_own_promises", needs: fast, run: lab_promises },
        ],
    )
}

fn fast() -> Result<(), String> {
    asked(&["fast", "full"])
}

/// The program is killed under strace, at one system call on its record.
fn traced() -> Result<(), String> {
    fast()?;
    let found = std::process::Command::new("strace").arg("-V").stdout(std::process::Stdio::null()).status();
    found.map(|_| ()).map_err(|_| "strace is not installed".to_owned())
}

/// The program is walked on a screen, inside tmux.
fn seen() -> Result<(), String> {
    fast()?;
    tmux::requirements()
}

fn full() -> Result<(), String> {
    asked(&["full"])
}

fn asked(wanted: &[&str]) -> Result<(), String> {
    let tier = std::env::var("BREAKGLASS_LAB").unwrap_or_default();
    if !wanted.contains(&tier.as_str()) {
        return Err(format!("set BREAKGLASS_LAB={}", wanted.join(" or ")));
    }
    lab::requirements()
}

fn sight_as_root() -> Result<(), String> {
    every_family(&Lab::up("bgs-root", &[]));
    Ok(())
}

fn sight_as_ops() -> Result<(), String> {
    every_family(&Lab::up("bgs-ops", &["--ssh-user", "ops"]));
    Ok(())
}

fn sight_of_trixie() -> Result<(), String> {
    every_family(&Lab::up("bgs-trixie", &["--release", "trixie"]));
    Ok(())
}

/// The first picture that is `wanted`, within `within`; after the fault has had the time Galera itself takes, the
/// first look has to be it.
fn expect<'a>(lab: &'a Lab, what: &str, code: i32, wanted: &Value) -> Sight<'a> {
    let sight = Sight::of(lab);
    let (found_code, found) = (sight.code, sight.picture());
    let fits = wanted.as_object().expect("an object").iter().all(|(field, value)| found[field] == *value);
    assert!(
        fits && found_code == code,
        "{what}\n  wanted {code} {wanted}\n  found  {found_code} {found}\n{}",
        lab.status_text()
    );
    eprintln!("  {what}: {found_code} {}", found["verdict"]);
    sight
}

/// Waits until the cluster is healthy again; then nothing that was is held against it.
fn healed(lab: &Lab) {
    lab.until_healthy();
    Sight::of(lab).only(&["galera.healthy"]);
}

/// `healthy`, `stop` one by one, `kill` all under load, `partition`, `freeze`, `freeze-machine`, `unreachable`, and a
/// restart stuck without a peer: one survey each.
fn every_family(lab: &Lab) {
    let synced = json!(["SYNCED", "SYNCED", "SYNCED"]);
    expect(lab, "healthy", 0, &json!({"verdict": "healthy", "standing": synced, "candidates": []}))
        .only(&["galera.healthy"]);
    let (_, status) = lab.status();
    assert_eq!(status["clusters"][0]["mode"], "lab");
    assert_eq!(status["clusters"][0]["primary"]["size"], 3);
    assert_eq!(status["clusters"][0]["loss"], json!({"write_sets": 0}));

    let frozen = lab.fault("freeze", &["g3"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    expect(
        lab,
        "a frozen server",
        10,
        &json!({"verdict": "degraded", "server": ["running", "running", "frozen"], "ssh": ["ok", "ok", "ok"]}),
    )
    .names("galera.server-frozen", &["g3"]);
    lab.heal(&frozen);
    healed(lab);

    let away = lab.fault("unreachable", &["g2"]);
    expect(
        lab,
        "a node out of reach",
        10,
        &json!({
            "verdict": "degraded",
            "server": ["running", "unknown", "running"],
            "standing": ["SYNCED", "UNKNOWN", "SYNCED"],
            "ssh": ["ok", "timeout", "ok"],
        }),
    )
    .names("galera.unreachable", &["g2"]);
    lab.heal(&away);

    let ice = lab.fault("freeze-machine", &["g1"]);
    lab.until_group(&["g2", "g3"], "Primary", 2);
    expect(
        lab,
        "a frozen machine",
        10,
        &json!({"verdict": "degraded", "server": ["unknown", "running", "running"], "ssh": ["timeout", "ok", "ok"]}),
    )
    .names("galera.unreachable", &["g1"]);
    lab.heal(&ice);
    healed(lab);

    let cut = lab.fault("partition", &["g3"]);
    lab.until_group(&["g3"], "non-Primary", 1);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    expect(
        lab,
        "one node cut off",
        10,
        &json!({"verdict": "degraded", "standing": ["SYNCED", "SYNCED", "NON-PRIMARY"], "candidates": []}),
    )
    .names("galera.non-primary", &["g3"]);
    let second = lab.fault("partition", &["g2"]);
    for node in ["g1", "g2", "g3"] {
        lab.until_group(&[node], "non-Primary", 1);
    }
    expect(
        lab,
        "every node cut off from every other",
        20,
        &json!({"verdict": "outage", "standing": ["NON-PRIMARY", "NON-PRIMARY", "NON-PRIMARY"], "candidates": []}),
    )
    .names("galera.non-primary", &["g1", "g2", "g3"]);
    lab.heal(&second);
    lab.heal(&cut);
    healed(lab);

    stopped_one_by_one(lab);
    crashed_and_restarted(lab);
    killed_under_load(lab);
    stuck_without_a_peer(lab);
}

fn stopped_one_by_one(lab: &Lab) {
    lab.fault("stop", &["g3"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    expect(
        lab,
        "one stopped",
        10,
        &json!({
            "verdict": "degraded",
            "server": ["running", "running", "stopped"],
            "standing": ["SYNCED", "SYNCED", "BEHIND"],
        }),
    )
    .names("galera.node-down", &["g3"]);
    lab.fault("stop", &["g2"]);
    lab.fault("stop", &["g1"]);
    expect(
        lab,
        "all stopped, g1 last",
        20,
        &json!({
            "verdict": "outage",
            "server": ["stopped", "stopped", "stopped"],
            "standing": ["CANDIDATE", "BEHIND", "BEHIND"],
            "candidates": ["g1"],
        }),
    )
    .names("galera.all-stopped", &["g1", "g2", "g3"]);
    let (_, status) = lab.status();
    for node in status["clusters"][0]["nodes"].as_array().expect("nodes") {
        assert_eq!(node["position"]["source"], "state-file", "{node}");
    }
    lab.form_again("g1");
    Sight::of(lab).only(&["galera.healthy"]);
}

/// All crash, and their units start them again: seen in between, and whole afterwards by their saved view.
fn crashed_and_restarted(lab: &Lab) {
    lab.fault("crash", &["g1", "g2", "g3"]);
    let crashed = json!(["crashed", "crashed", "crashed"]);
    let sight =
        expect(lab, "all crashed", 20, &json!({"verdict": "outage", "server": crashed, "candidates": []}));
    sight.names("galera.all-crashed", &["g1", "g2", "g3"]);
    let next = sight.cluster["findings"][0]["next"].to_string();
    assert!(next.contains("systemd is about to start g1, g2 and g3 by itself"), "{next}");
    healed(lab);
}

fn killed_under_load(lab: &Lab) {
    let load = lab.load("g1");
    lab.fault("kill", &["g1", "g2", "g3"]);
    drop(load);
    until(Duration::from_secs(10), "every unit is down", || {
        ["g1", "g2", "g3"].iter().all(|node| lab.unit(node) == "failed")
    });
    let sight = expect(
        lab,
        "all killed under load",
        20,
        &json!({
            "verdict": "outage",
            "server": ["crashed", "crashed", "crashed"],
            "standing": ["UNKNOWN", "UNKNOWN", "UNKNOWN"],
            "candidates": [],
        }),
    );
    sight.names("galera.all-crashed", &["g1", "g2", "g3"]);
    assert!(sight.cluster["loss"]["unknown"].is_string());
}

/// After [`killed_under_load`]: two of three are started; with their saved view they wait for the third.
fn stuck_without_a_peer(lab: &Lab) {
    for node in ["g1", "g2"] {
        lab.exec(node, &["systemctl", "start", "--no-block", "mariadb"]);
    }
    for node in ["g1", "g2"] {
        until(Duration::from_secs(30), "a start waits", || {
            let log = "journalctl -q -o cat --no-pager _PID=$(systemctl show mariadb -p MainPID --value)";
            lab.exec(node, &["sh", "-c", log]).contains("No nodes coming from prim")
                && lab.unit(node) == "activating"
        });
    }
    let sight = expect(
        lab,
        "two starts waiting for the third",
        20,
        &json!({"verdict": "outage", "server": ["starting", "starting", "crashed"], "candidates": []}),
    );
    sight.names("galera.waiting-for-primary", &["g1", "g2"]);
    for node in ["g1", "g2"] {
        let position = &sight.node(node)["position"];
        assert_eq!(position["source"], "journal", "{position}");
    }
}

/// With one of five out of reach, no fact of the other four waits for its deadline.
fn nobody_waits() -> Result<(), String> {
    let lab = Lab::up("bgs-five", &["--nodes", "5"]);
    for kind in ["unreachable", "freeze-machine"] {
        let id = lab.fault(kind, &["g5"]);
        let begun = jiff::Timestamp::now();
        let (_, status) = lab.status();
        let nodes = status["clusters"][0]["nodes"].as_array().expect("nodes").clone();
        for node in &nodes[..4] {
            let at: jiff::Timestamp = node["at"].as_str().expect("at").parse().expect("a time");
            let took = at.duration_since(begun);
            assert!(took.as_secs() < 4, "{kind}: {} took {took:?}", node["name"]);
            assert_eq!(node["ssh"], "ok");
        }
        assert_eq!(nodes[4]["ssh"], "timeout", "{kind}");
        lab.heal(&id);
    }
    Ok(())
}

/// The three ways to the server say the same.
fn sql_transports() -> Result<(), String> {
    let lab = Lab::up("bgs-sql", &["--nodes", "1"]);
    lab.sql("g1", "CREATE USER 'eye'@'%' IDENTIFIED BY 'see'; GRANT PROCESS ON *.* TO 'eye'@'%'");
    lab.sql("g1", "GRANT SELECT ON mysql.wsrep_cluster_members TO 'eye'@'%'");
    let healthy = |sql: &str| {
        let (code, status) = Lab::status_with(&lab.inventory_with(sql));
        let node = &status["clusters"][0]["nodes"][0];
        assert_eq!((code, &node["sql"]), (0, &json!("ok")), "{sql}: {} {}", node["sql_detail"], node["why"]);
        assert_eq!(node["standing"], "SYNCED");
    };
    healthy("via = \"probe\"");
    healthy("via = \"socket\"\nuser = \"root\"");
    healthy("via = \"socket\"\nuser = \"eye\"\npassword = { command = [\"echo\", \"see\"] }");
    let tcp = "via = \"tcp\"\nuser = \"eye\"\npassword = { command = [\"echo\", \"see\"] }\ntls = \"off\"";
    healthy(tcp);
    let (_, status) = Lab::status_with(&lab.inventory_with(tcp));
    assert_eq!(status["clusters"][0]["nodes"][0]["sql_detail"], "not encrypted");
    let (_, status) =
        Lab::status_with(&lab.inventory_with(
            "via = \"socket\"\nuser = \"eye\"\npassword = { command = [\"echo\", \"wrong\"] }",
        ));
    let node = &status["clusters"][0]["nodes"][0];
    assert_eq!((&node["ssh"], &node["sql"]), (&json!("ok"), &json!("auth")), "{node}");
    assert!(!node["sql_next"].as_str().expect("a next step").is_empty());
    assert_eq!(
        node["facts"]["grastate.seqno"]["unknown"].as_str().map(|text| text.starts_with("-1")),
        Some(true)
    );

    // A frozen server: accepts, and greets nobody.
    lab.fault("freeze", &["g1"]);
    let begun = Instant::now();
    let (_, status) = Lab::status_with(&lab.inventory_with(
        "via = \"tcp\"\nuser = \"eye\"\npassword = { command = [\"echo\", \"see\"] }\ntls = \"off\"",
    ));
    let node = &status["clusters"][0]["nodes"][0];
    assert_eq!((&node["server"], &node["sql"]), (&json!("frozen"), &json!("timeout")), "{node}");
    assert!(begun.elapsed() < Duration::from_secs(12));
    Ok(())
}

/// A bootstrap by hand is a Primary of one with the others behind it; two of them apart from each other are two
/// histories, whatever their seqnos say.
fn histories() -> Result<(), String> {
    let lab = Lab::up("bgs-hist", &[]);
    for node in ["g3", "g2", "g1"] {
        lab.fault("stop", &[node]);
    }
    assert_eq!(lab.exec_code("g1", &["galera_new_cluster"]), 0);
    lab.until_group(&["g1"], "Primary", 1);
    expect(
        &lab,
        "bootstrapped by hand",
        10,
        &json!({"verdict": "degraded", "standing": ["SYNCED", "BEHIND", "BEHIND"], "candidates": []}),
    );
    // A refused bootstrap of the wrong node rewrites its state file; its journal still knows.
    lab.fault("stop", &["g1"]);
    assert_ne!(lab.exec_code("g3", &["galera_new_cluster"]), 0);
    let (_, status) = lab.status();
    let refused = &status["clusters"][0]["nodes"][2];
    assert_eq!(
        (&refused["server"], &refused["position"]["source"]),
        (&json!("crashed"), &json!("journal")),
        "{refused}"
    );
    assert_eq!(status["clusters"][0]["candidates"], json!(["g1"]), "{}", lab.status_text());

    lab.fault("partition", &["g1"]);
    lab.fault("partition", &["g2"]);
    for node in ["g1", "g2"] {
        let flag = "sed -i 's/^safe_to_bootstrap: 0/safe_to_bootstrap: 1/' /var/lib/mysql/grastate.dat";
        lab.exec(node, &["sh", "-c", flag]);
        assert_eq!(lab.exec_code(node, &["galera_new_cluster"]), 0, "bootstrap of {node}");
        lab.sql(node, &format!("CREATE DATABASE only_{node}"));
    }
    let (code, status) = lab.status();
    let two = status["clusters"][0]["findings"][0]["id"].as_str();
    assert_eq!((code, two), (10, Some("galera.two-primaries")), "{}", lab.status_text());
    lab.fault("stop", &["g1", "g2"]);
    lab.heal_all();
    expect(
        &lab,
        "two histories of one UUID",
        20,
        &json!({"verdict": "outage", "standing": ["DIVERGED", "DIVERGED", "DIVERGED"], "candidates": []}),
    );
    let (_, status) = lab.status();
    assert!(status["clusters"][0]["loss"]["unknown"].is_string());
    Ok(())
}

/// What is wrong with one node is said, and the others are whole.
fn bad_input() -> Result<(), String> {
    let lab = Lab::up("bgs-bad", &["--nodes", "2", "--ssh-user", "ops"]);
    let one = |what: &str, break_it: &dyn Fn(), word: (&str, &str), mend: &dyn Fn()| {
        break_it();
        let (_, status) = lab.status();
        mend();
        let nodes = &status["clusters"][0]["nodes"];
        let (field, wanted) = word;
        assert_eq!(nodes[1][field], wanted, "{what}: {}", nodes[1]);
        let next = nodes[1][format!("{field}_next")].as_str().unwrap_or_default();
        assert!(!next.is_empty(), "{what}: no next step: {}", nodes[1]);
        assert_eq!(
            (&nodes[0]["ssh"], &nodes[0]["sql"]),
            (&json!("ok"), &json!("ok")),
            "{what}: {}",
            nodes[0]
        );
        eprintln!("  {what}: {wanted}: {} -> {next}", nodes[1][format!("{field}_detail")]);
    };
    let run = |argv: &[&str]| {
        lab.exec("g2", argv);
    };
    one(
        "no sudo",
        &|| run(&["sh", "-c", "mkdir -p /root/aside && mv /etc/sudoers.d/* /root/aside/"]),
        ("ssh", "become"),
        &|| run(&["sh", "-c", "mv /root/aside/* /etc/sudoers.d/"]),
    );
    one(
        "a key that is not accepted",
        &|| run(&["mv", "/home/ops/.ssh/authorized_keys", "/home/ops/.ssh/aside"]),
        ("ssh", "auth"),
        &|| run(&["mv", "/home/ops/.ssh/aside", "/home/ops/.ssh/authorized_keys"]),
    );
    one(
        "a closed port",
        &|| run(&["systemctl", "stop", "ssh.socket", "ssh.service"]),
        ("ssh", "refused"),
        &|| run(&["systemctl", "start", "ssh.service"]),
    );
    one(
        "another host key",
        &|| {
            run(&[
                "sh",
                "-c",
                "cp -a /etc/ssh /root/ssh.aside; rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null",
            ]);
            run(&["systemctl", "restart", "ssh.service"]);
        },
        ("ssh", "host-key"),
        &|| {
            run(&["sh", "-c", "cp -a /root/ssh.aside/. /etc/ssh/"]);
            run(&["systemctl", "restart", "ssh.service"]);
        },
    );
    one(
        "too many connections",
        &|| {
            lab.sql("g2", "SET GLOBAL max_connections = 10; SET GLOBAL extra_max_connections = 1");
            lab.hold_connections("g2", 14);
        },
        ("sql", "too-many-connections"),
        &|| run(&["sh", "-c", "pkill -x sleep; systemctl stop holders.service 2>/dev/null; true"]),
    );
    one("no server", &|| run(&["systemctl", "stop", "mariadb"]), ("sql", "down"), &|| {
        run(&["systemctl", "start", "mariadb"]);
    });
    // An unreadable data directory, seen without sudo, is never a missing file.
    let plain = lab.inventory().replace("become = true", "become = false");
    let plain = lab.keep("plain.toml", &plain);
    run(&["chmod", "0700", "/var/lib/mysql"]);
    let (_, status) = Lab::status_with(&plain);
    run(&["chmod", "0755", "/var/lib/mysql"]);
    let facts = &status["clusters"][0]["nodes"][1]["facts"];
    assert_eq!(facts["grastate.file"]["kind"], "denied", "{}", facts["grastate.file"]);
    Ok(())
}

/// Idempotent, side by side, exec as it is, nothing left behind.
fn lab_promises() -> Result<(), String> {
    let lab = Lab::up("bgs-lab", &["--nodes", "1"]);
    let again = Instant::now();
    assert_eq!(lab.up_again(), lab.path(), "up twice gives the same inventory");
    assert!(again.elapsed() < Duration::from_secs(10));
    let other = Lab::up("bgs-lab2", &["--nodes", "1"]);
    assert_ne!(lab.inventory(), other.inventory());
    assert_eq!(lab.exec("g1", &["printf", "%s|", "a b", "", "c'd"]), "a b||c'd|");
    assert_eq!(lab.exec_code("g1", &["sh", "-c", "exit 7"]), 7);
    assert_eq!(lab.fault_code("no-such-fault", "g1"), 2);
    assert_eq!(lab.fault_code("stop", "g9"), 2);
    let names = [lab.name().to_owned(), other.name().to_owned()];
    drop(other);
    drop(lab);
    for name in names {
        lab::nothing_left(&name);
    }
    Ok(())
}
