//! The deeds that outlive the connection that began them: they begin once or never, and what must hold then.

use std::net::TcpListener;

use breakglass::facts::{Position, Seqno};

use super::*;

/// A machine whose server is down, and whose session 1 holds the lease.
fn down(shell: &'static [&'static str]) -> Machine {
    let mut machine = Machine::new(shell).with_unit();
    machine.tool("systemctl", SYSTEMCTL);
    machine.put("bin/state", "inactive");
    let position = "0cb3db35-e56d-11f1-98c2-3bdded13c08b:42";
    machine.tool(
        "server",
        &format!("echo x >>\"${{0%/*}}/asked\"; echo 'WSREP: Recovered position: {position}'"),
    );
    machine.tool("galera_new_cluster", "echo x >>\"${0%/*}/asked\"; echo active >\"${0%/*}/state\"");
    machine.path("bin/server").to_str().unwrap().clone_into(&mut machine.binary);
    launches(&machine, "", "exit 0");
    done(&machine.take(1, 1, None));
    machine
}

/// A service manager that runs the job apart, in the shell under test.
fn launches(machine: &Machine, before: &str, after: &str) {
    let shell = machine.shell.join(" ");
    let run = format!("setsid {shell} \"$job\" </dev/null >/dev/null 2>&1 &");
    machine.tool("systemd-run", &format!("for job do :; done\n{before}\n{run}\n{after}"));
}

/// A service manager that is so slow that nobody waits for it.
fn is_slow(machine: &Machine, then: &str) {
    machine.tool("systemd-run", &format!("for job do :; done\necho \"$job\" >\"${{0%/*}}/queued\"\n{then}"));
}

/// The slow one gets to it.
fn gets_to_it(machine: &Machine) {
    let job = machine.read("bin/queued");
    let tools = format!("{}:{}", machine.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(machine.shell[0]);
    command.args(&machine.shell[1..]).arg(job.trim()).env("PATH", tools).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    fs::remove_file(machine.path("bin/queued")).unwrap();
}

fn await_file(path: &Path, there: bool) {
    let since = Instant::now();
    while path.exists() != there {
        assert!(since.elapsed() < Duration::from_secs(10), "{} stays or never comes", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kill(signal: &str, pid_file: &Path) {
    let pid = fs::read_to_string(pid_file).unwrap();
    let pid = pid.split(' ').next().unwrap();
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

#[test]
fn what_was_refused_or_settled_never_begins_later() {
    for shell in shells() {
        let machine = down(shell);
        is_slow(&machine, "echo 'Connection timed out' >&2; exit 1");
        assert_eq!(refused(&machine.send(&machine.act(2, 1, Deed::RecoverDirect))), "not-launched");
        gets_to_it(&machine);
        assert!(!machine.path("bin/asked").exists(), "{shell:?}: it happened after all");
        assert_eq!(refused(&machine.follow(2, true)), "not-launched");

        // The connection is lost while the service manager has the request.
        is_slow(&machine, "sleep 3");
        let order = machine.act(3, 1, Deed::RecoverDirect);
        let mut child = machine.start(&order);
        await_file(&machine.path("bin/queued"), true);
        kill("-KILL", &machine.path(&format!("var/lib/breakglass/ops/{}/pid", op(3))));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(machine.follow(3, false), Answer::NotBegun, "{shell:?}");
        assert_eq!(machine.follow(3, true), Answer::Absent, "{shell:?}");
        gets_to_it(&machine);
        assert!(!machine.path("bin/asked").exists(), "{shell:?}: it happened after all");
        assert_eq!(machine.send(&order), Answer::Absent);
    }
}

#[test]
fn what_has_begun_is_never_refused_as_not_launched() {
    for shell in shells() {
        let machine = down(shell);
        launches(&machine, "", "while ! [ -d \"${job%/*}/begun\" ]; do sleep 0.1; done; exit 1");
        let answer = machine.send(&machine.act(2, 1, Deed::RecoverDirect));
        if is_root() {
            done(&answer);
        } else {
            assert_eq!(refused(&answer), "denied", "{shell:?}");
        }
    }
}

#[test]
fn a_lease_that_passed_on_meanwhile_ends_what_had_not_begun() {
    if !is_root() {
        eprintln!("not run: a recovery takes root");
        return;
    }
    for shell in shells() {
        let machine = down(shell);
        let lease = "printf 'session=X\\nholder=bob\\nsince=now\\n' >\"${job%/ops/*}/lease\"";
        launches(&machine, lease, "exit 0");
        let answer = machine.send(&machine.act(2, 1, Deed::RecoverDirect));
        assert_eq!(refused(&answer), "lease", "{shell:?}");
        let Answer::Refused { text, .. } = answer else { return };
        assert!(text.as_str().contains("bob, session X"), "{text}");
        assert!(!machine.path("bin/asked").exists(), "{shell:?}");
    }
}

#[test]
fn only_a_variable_that_says_something_makes_a_start_a_new_cluster() {
    if !is_root() {
        eprintln!("not run: a start takes root");
        return;
    }
    for shell in shells() {
        let machine = down(shell);
        let starts = |n| machine.send(&machine.act(n, 1, Deed::Start { together: false }));
        machine.put("bin/environment", "A=1\n_WSREP_NEW_CLUSTER=--wsrep-new-cluster\n");
        assert_eq!(refused(&starts(2)), "leftovers", "{shell:?}");
        machine.put("bin/environment", "MYSQLD_OPTS=$'--x --wsrep_new_cluster'\n");
        assert_eq!(refused(&starts(3)), "leftovers", "{shell:?}");
        // Alone in its last view it would need nobody (tests/fixtures/lab/view-alone).
        machine.put("bin/environment", "");
        machine.put(
            "my 'dätä'/gvwstate.dat",
            "#vwbeg\nmember: 9febc8e3-e628-11f1-a398-b79fc432aa0a 0\n#vwend\n",
        );
        assert_eq!(refused(&starts(5)), "leftovers", "{shell:?}");
        assert!(!machine.path("bin/asked").exists(), "{shell:?}");
        fs::remove_file(machine.path("my 'dätä'/gvwstate.dat")).unwrap();
        // An older galera_new_cluster leaves the name behind, with nothing in it.
        machine.put("bin/environment", "A=1\n_WSREP_NEW_CLUSTER=\nB=\n");
        done(&starts(4));
        assert_eq!(machine.read("bin/state"), "active\n");
        assert!(!machine.path("run/breakglass/start-allowed").exists());
    }
}

#[test]
fn a_gate_is_shut_also_by_whoever_is_ended_in_it() {
    if !is_root() {
        eprintln!("not run: a start takes root");
        return;
    }
    for shell in shells() {
        let machine = down(shell);
        let gate = machine.path("run/breakglass/start-allowed");
        for (n, signal) in [(2, "-TERM"), (3, "-HUP")] {
            machine.put("bin/start", "sleep 2; exit 0\n");
            let mut child = machine.start(&machine.act(n, 1, Deed::Start { together: false }));
            await_file(&gate, true);
            kill(signal, &machine.path(&format!("var/lib/breakglass/ops/{}/pid", op(n))));
            await_file(&gate, false);
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(machine.follow(n, true), Answer::Vanished, "{shell:?} {signal}");
        }
    }
}

#[test]
fn a_bootstrap_asks_the_others_or_is_refused() {
    if !is_root() {
        eprintln!("not run: a bootstrap takes root");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().to_string();
    for shell in shells() {
        let machine = down(shell);
        let uuid = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";
        let file = format!(
            "# GALERA saved state\nversion: 2.1\nuuid:    {uuid}\nseqno:   42\nsafe_to_bootstrap: 0\n"
        );
        let position = Position { uuid: uuid.parse().unwrap(), seqno: Seqno::new(42).unwrap() };
        let bootstraps = |n, peers: &[&str]| {
            machine.put("bin/state", "inactive");
            machine.put("my 'dätä'/grastate.dat", &file);
            let peers = peers.iter().map(|peer| (*peer).to_owned()).collect();
            machine.send(&machine.act(n, 1, Deed::Bootstrap { position, peers }))
        };
        for (n, peers) in [
            (2, [open.as_str(), "127.0.0.1:1"]),
            (3, ["127.0.0.1:1", "x y"]),
            (4, ["127.0.0.1:1", "127.0.0.1:65536"]),
            (5, ["127.0.0.1:1", "$(id)"]),
            (6, ["no-such-name.invalid", "[no-such-name.invalid]:1"]),
        ] {
            assert_eq!(refused(&bootstraps(n, &peers)), "peer", "{shell:?} {peers:?}");
        }
        assert!(!machine.path("bin/asked").exists());
        assert!(machine.read("my 'dätä'/grastate.dat").ends_with(": 0\n"), "{shell:?}");

        done(&bootstraps(7, &["127.0.0.1:1", "[127.0.0.1]:1", "no-such-name.invalid"]));
        assert!(machine.read("my 'dätä'/grastate.dat").ends_with(": 1\n"), "{shell:?}");
        done(&bootstraps(8, &[]));
        assert_eq!(machine.read("bin/asked").lines().count(), 2);
        // How many there are is said apart from who they are.
        for (n, count) in [(9, "2"), (10, "0"), (11, "")] {
            let mut order =
                machine.act(n, 1, Deed::Bootstrap { position, peers: vec!["127.0.0.1:1".into()] });
            let at = order.arguments.len() - 2;
            order.arguments[at] = count.to_owned();
            machine.put("bin/state", "inactive");
            assert_eq!(refused(&machine.send(&order)), "peer", "{shell:?} {count}");
        }
        if shell != ["bash"] {
            // Neither can connect: nobody was asked.
            machine.tool("bash", "echo 'bash: /dev/tcp/127.0.0.1/1: No such file or directory' >&2; exit 1");
            machine.tool("nc", "echo 'Usage: nc HOST PORT' >&2; exit 1");
            assert_eq!(refused(&bootstraps(12, &["127.0.0.1:1"])), "peer", "{shell:?}");
        }
        assert_eq!(machine.read("bin/asked").lines().count(), 2);
    }
}
