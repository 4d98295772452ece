//! Scripts on a session: what is an answer and what is not.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use breakglass::facts::ReachWord;
use breakglass::nodes::real::{Deadlines, Options, Outcome, RealNodes};

use crate::harness::Case;
use crate::support::{Stalling, World, cluster, exec, kill, processes, threads, until};
use crate::{case, sshd, sshd_9_2};

pub fn cases() -> Vec<Case> {
    vec![
        case("exit_codes_are_exact", sshd, exit_codes_are_exact),
        case("arguments_reach_the_script_untouched", sshd, arguments_reach_the_script_untouched),
        case("nothing_is_in_an_argument_vector", sshd, nothing_is_in_an_argument_vector),
        case("huge_stderr_does_not_deadlock", sshd, huge_stderr_does_not_deadlock),
        case("huge_stdout_is_cut_and_counted", sshd, huge_stdout_is_cut_and_counted),
        case("a_long_script_is_sent_whole", sshd, a_long_script_is_sent_whole),
        case("sshd_killed_mid_command_is_lost", sshd, sshd_killed_mid_command_is_lost),
        case("channel_timeout_is_lost", sshd_9_2, channel_timeout_is_lost),
        case("a_killed_shell_is_signalled", sshd, a_killed_shell_is_signalled),
        case("a_path_that_stops_forwarding_is_given_up", sshd, a_path_that_stops_forwarding_is_given_up),
        case(
            "a_child_that_holds_the_output_does_not_hold_us",
            sshd,
            a_child_that_holds_the_output_does_not_hold_us,
        ),
        case("sessions_stay_warm_and_come_back", sshd, sessions_stay_warm_and_come_back),
        case("a_forced_command_is_no_answer", sshd, a_forced_command_is_no_answer),
        case("without_sudo_it_says_so", sshd, without_sudo_it_says_so),
        case("sudo_that_wants_a_password_is_refused", sshd, sudo_that_wants_a_password_is_refused),
        case("sudo_that_works_is_used", sshd, sudo_that_works_is_used),
        case("thirty_two_nodes_at_once", sshd, thirty_two_nodes_at_once),
        case("nothing_is_left_behind", sshd, nothing_is_left_behind),
    ]
}

fn stdout(outcome: Outcome) -> String {
    match outcome {
        Outcome::Exited { status: 0, stdout, .. } => String::from_utf8(stdout).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn exit_codes_are_exact() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    for status in [0, 1, 7, 127, 255] {
        let outcome = exec(&nodes, "n", &format!("printf 'out\\n\\n'; echo err >&2; exit {status}"));
        let Outcome::Exited { status: got, stdout, stderr, dropped: 0 } = outcome else {
            return Err(format!("{outcome:?}"));
        };
        assert_eq!(
            (got, stdout.as_slice(), stderr.as_slice()),
            (status, b"out\n\n".as_slice(), b"err\n".as_slice())
        );
    }
    assert_eq!(sshd.logins(), 1);
    Ok(())
}

fn arguments_reach_the_script_untouched() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let arguments = ["it's", "$(id)", "a\nb", "", "-n", "ü"].map(str::to_owned);
    let outcome = crate::support::block_on(nodes.run(
        &crate::support::name("n"),
        "for a in \"$@\"; do printf '[%s]' \"$a\"; done; cat",
        &arguments,
    ));
    assert_eq!(stdout(outcome), "[it's][$(id)][a\nb][][-n][ü]");
    Ok(())
}

fn nothing_is_in_an_argument_vector() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let body = ": canary-in-the-body; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c \"${1}canary\"";
    let outcome = crate::support::block_on(nodes.run(&crate::support::name("n"), body, &["x-".to_owned()]));
    let Outcome::Exited { stdout, .. } = outcome else { return Err(format!("{outcome:?}")) };
    // Only grep itself, whose pattern holds it.
    assert!(matches!(stdout.as_slice(), b"0\n" | b"1\n"), "{}", String::from_utf8_lossy(&stdout));
    Ok(())
}

fn huge_stderr_does_not_deadlock() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let outcome = exec(&nodes, "n", "head -c 8388608 /dev/zero | tr '\\0' e >&2; echo done");
    let Outcome::Exited { status: 0, stdout, stderr, .. } = outcome else {
        return Err(format!("{outcome:?}"));
    };
    assert_eq!((stdout.as_slice(), stderr.len()), (b"done\n".as_slice(), 64 << 10));
    Ok(())
}

fn huge_stdout_is_cut_and_counted() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let outcome = exec(&nodes, "n", "head -c 9000000 /dev/zero; exit 3");
    let Outcome::Exited { status: 3, stdout, dropped, .. } = outcome else {
        return Err("no answer".to_owned());
    };
    assert_eq!((stdout.len(), dropped), (4 << 20, 9_000_000 - (4 << 20)));
    Ok(())
}

fn a_long_script_is_sent_whole() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let body = format!("{}echo end", ": some words that fill a line of the script\n".repeat(60_000));
    assert_eq!(stdout(exec(&nodes, "n", &body)), "end\n");
    Ok(())
}

fn sshd_killed_mid_command_is_lost() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let flag = world.path("flag");
    // The word has to have left the machine: on a busy one sshd takes its time to send it on.
    let body = format!("echo begun; sleep 1; : >{}; sleep 20", flag.display());
    let begun = Instant::now();
    let outcome = thread::scope(|scope| {
        let running = scope.spawn(|| exec(&nodes, "n", &body));
        until("the script runs", || flag.exists());
        sshd.kill_sessions();
        running.join().unwrap()
    });
    let Outcome::Lost { why, stdout, .. } = outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!((why.word, stdout.as_slice()), (ReachWord::Lost, b"begun\n".as_slice()));
    assert!(begun.elapsed() < Duration::from_secs(10));
    Ok(())
}

fn channel_timeout_is_lost() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("ChannelTimeout session:*=1s");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let outcome = exec(&nodes, "n", "sleep 4; exit 7");
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Lost, "{why:?}");
    Ok(())
}

fn a_killed_shell_is_signalled() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let outcome = exec(&nodes, "n", "echo before; kill -KILL $$");
    let Outcome::Signalled { signal, stdout, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert!(signal == "KILL" || signal == "9", "{signal}");
    assert_eq!(stdout, b"before\n");
    Ok(())
}

fn a_path_that_stops_forwarding_is_given_up() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let path = Stalling::before(sshd.port);
    world.know(&format!("[127.0.0.1]:{} {}", path.port, sshd.public_key));
    let deadlines = Deadlines { script: Duration::from_secs(2), ..world.options().deadlines };
    let nodes =
        RealNodes::new(&cluster(vec![world.node("n", path.port)]), Options { deadlines, ..world.options() });
    let flag = world.path("flag");
    let body = format!(": >{}; sleep 1; echo never seen", flag.display());
    let begun = Instant::now();
    let outcome = thread::scope(|scope| {
        let running = scope.spawn(|| exec(&nodes, "n", &body));
        until("the script runs", || flag.exists());
        path.stopped.store(true, Ordering::SeqCst);
        running.join().unwrap()
    });
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    Ok(())
}

fn a_child_that_holds_the_output_does_not_hold_us() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let begun = Instant::now();
    let said = stdout(exec(&nodes, "n", "sleep 8 & echo $!"));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    kill(said.trim().parse().unwrap());
    Ok(())
}

fn sessions_stay_warm_and_come_back() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    for _ in 0..3 {
        assert_eq!(stdout(exec(&nodes, "n", "echo x")), "x\n");
    }
    assert_eq!(sshd.logins(), 1);
    sshd.kill_sessions();
    assert_eq!(stdout(exec(&nodes, "n", "echo x")), "x\n");
    assert_eq!(sshd.logins(), 2);
    Ok(())
}

fn a_forced_command_is_no_answer() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("ForceCommand echo go away; exit 1");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let outcome = exec(&nodes, "n", "echo x");
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Protocol);
    assert!(why.detail.as_str().contains("go away"), "{why:?}");
    Ok(())
}

/// A directory with the few programs a script needs, as the only PATH; and what is given as sudo.
fn path_with_sudo(world: &World, sudo: Option<&str>) -> String {
    let bin = world.path("bin");
    std::fs::create_dir(&bin).unwrap();
    for name in ["sh", "id", "cat"] {
        std::os::unix::fs::symlink(crate::support::program(name).unwrap(), bin.join(name)).unwrap();
    }
    if let Some(sudo) = sudo {
        world.script("bin/sudo", sudo);
    }
    format!("SetEnv PATH={}", bin.display())
}

fn with_sudo(world: &World, sudo: Option<&str>) -> Outcome {
    let sshd = world.sshd(&path_with_sudo(world, sudo));
    let mut node = world.node("n", sshd.port);
    node.sudo = true;
    exec(&world.nodes(vec![node]), "n", "echo ran")
}

fn without_sudo_it_says_so() -> Result<(), String> {
    let outcome = with_sudo(&World::new(), None);
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Become, "{why:?}");
    assert!(why.next.as_str().contains("install sudo"), "{why:?}");
    Ok(())
}

fn sudo_that_wants_a_password_is_refused() -> Result<(), String> {
    let outcome =
        with_sudo(&World::new(), Some("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n"));
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Become, "{why:?}");
    assert!(why.next.as_str().contains("NOPASSWD"), "{why:?}");
    Ok(())
}

fn sudo_that_works_is_used() -> Result<(), String> {
    let outcome = with_sudo(
        &World::new(),
        Some("#!/bin/sh\n[ \"$1\" = -n ] || exit 9\nshift\necho used >&2\nexec \"$@\"\n"),
    );
    let Outcome::Exited { status: 0, stdout, stderr, .. } = &outcome else {
        return Err(format!("{outcome:?}"));
    };
    // A login shell may complain about the PATH before.
    assert!(stdout == b"ran\n" && stderr.ends_with(b"used\n"), "{outcome:?}");
    Ok(())
}

fn thirty_two_nodes_at_once() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let names: Vec<String> = (0..32).map(|n| format!("n{n}")).collect();
    let nodes = world.nodes(names.iter().map(|name| world.node(name, sshd.port)).collect());
    let nodes = &nodes;
    thread::scope(|scope| {
        let running: Vec<_> =
            names.iter().map(|name| scope.spawn(move || exec(nodes, name, "echo x"))).collect();
        for outcome in running {
            assert_eq!(stdout(outcome.join().unwrap()), "x\n");
        }
    });
    Ok(())
}

fn nothing_is_left_behind() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    assert_eq!(stdout(exec(&nodes, "n", "echo x")), "x\n");
    // No server listens there; the tunnel's thread and directory are there all the same.
    crate::support::block_on(nodes.forward(&crate::support::name("n"), "/nonexistent/sock")).unwrap_err();
    assert!(!threads().is_empty());
    drop(nodes);
    until("the threads have ended", || threads().is_empty());
    assert_eq!(std::fs::read_dir(world.path("run")).unwrap().count(), 0);
    drop(sshd);
    let own = std::process::id();
    let left: Vec<_> =
        processes().into_iter().filter(|p| p.parent == own).map(|p| (p.name, p.state)).collect();
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}
