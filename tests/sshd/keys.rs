//! Host keys: whom we talk to.

use std::process::Command;
use std::time::Duration;

use breakglass::ask::act::{Answer, Identity, Look, Target, answer};
use breakglass::engine::{Nodes, Outcome};
use breakglass::facts::{Plain, Reach, ReachWord};

use crate::harness::Case;
use crate::support::{Sshd, World, block_on, exec, name, run, ssh, until};
use crate::{case, sshd};

pub fn cases() -> Vec<Case> {
    vec![
        case("an_unknown_host_key_stops_everything", sshd, an_unknown_host_key_stops_everything),
        case("a_changed_host_key_stops_everything", sshd, a_changed_host_key_stops_everything),
        case("a_revoked_host_key_stops_everything", sshd, a_revoked_host_key_stops_everything),
        case("a_hashed_known_hosts_is_read", sshd, a_hashed_known_hosts_is_read),
        case("an_entry_without_port_is_enough", sshd, an_entry_without_port_is_enough),
        case("another_key_type_is_no_alarm", sshd, another_key_type_is_no_alarm),
        case("a_cert_authority_goes_to_ssh_itself", sshd, a_cert_authority_goes_to_ssh_itself),
        case("a_pinned_key_wins", sshd, a_pinned_key_wins),
        case("a_look_goes_to_the_host_that_was_shown", sshd, a_look_goes_to_the_host_that_was_shown),
    ]
}

/// The refusal of a node whose host key is not accepted; sshd must have seen no login.
fn refusal(world: &World, sshd: &Sshd, pin: Option<String>) -> Result<Reach, String> {
    let mut node = world.node("n", sshd.port);
    ssh(&mut node).host_key = pin;
    let nodes = world.nodes(vec![node]);
    let outcome = exec(&nodes, "n", "echo x");
    let Outcome::NotSent { why } = outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::HostKey, "{why:?}");
    assert!(why.detail.as_str().contains(&sshd.fingerprint()), "{why:?}");
    assert!(why.detail.as_str().contains("nothing was sent"), "{why:?}");
    until("sshd sees the connection end", || {
        let log = sshd.log();
        log.contains("Connection closed by")
            || log.contains("Received disconnect")
            || log.contains("Connection reset")
    });
    let log = sshd.log();
    assert!(log.contains("Connection from"), "{log}");
    assert!(!log.contains("userauth-request") && !log.contains("Failed "), "a login was tried: {log}");
    Ok(why)
}

fn an_unknown_host_key_stops_everything() -> Result<(), String> {
    let world = World::new();
    let sshd = world.unknown_sshd("");
    let why = refusal(&world, &sshd, None)?;
    assert!(why.next.as_str().contains("host_key = \"SHA256:"), "{why:?}");
    assert!(why.next.as_str().contains("console"), "{why:?}");
    Ok(())
}

fn a_changed_host_key_stops_everything() -> Result<(), String> {
    let world = World::new();
    let sshd = world.unknown_sshd("");
    let other = world.keygen("other", "");
    let public = std::fs::read_to_string(other.with_extension("pub")).unwrap();
    world.know(&format!("[127.0.0.1]:{} {}", sshd.port, public.trim()));
    let why = refusal(&world, &sshd, None)?;
    let output = run(Command::new("ssh-keygen").arg("-lf").arg(&other));
    let known = String::from_utf8(output.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    assert!(why.detail.as_str().contains(&known), "{why:?}");
    assert!(why.detail.as_str().contains("known_hosts:1"), "{why:?}");
    Ok(())
}

fn a_revoked_host_key_stops_everything() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    world.know(&format!("@revoked * {}", sshd.public_key));
    let why = refusal(&world, &sshd, None)?;
    assert!(why.detail.as_str().contains("known_hosts:2 revokes"), "{why:?}");
    refusal(&world, &sshd, Some(sshd.fingerprint()))?;
    Ok(())
}

fn accepted(world: &World, sshd: &Sshd) -> Result<(), String> {
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    match exec(&nodes, "n", "exit 5") {
        Outcome::Exited { status: 5, .. } => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn a_hashed_known_hosts_is_read() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    run(Command::new("ssh-keygen").arg("-H").arg("-f").arg(world.path("known_hosts")));
    assert!(std::fs::read_to_string(world.path("known_hosts")).unwrap().starts_with("|1|"));
    accepted(&world, &sshd)
}

fn an_entry_without_port_is_enough() -> Result<(), String> {
    let world = World::new();
    let sshd = world.unknown_sshd("");
    world.know(&format!("127.0.0.1 {}", sshd.public_key));
    accepted(&world, &sshd)
}

fn another_key_type_is_no_alarm() -> Result<(), String> {
    let world = World::new();
    let ecdsa = world.path("ecdsa");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ecdsa", "-N", "", "-f"]).arg(&ecdsa));
    let sshd = world.unknown_sshd(&format!("HostKey {}", ecdsa.display()));
    let public = std::fs::read_to_string(ecdsa.with_extension("pub")).unwrap();
    world.know(&format!("[127.0.0.1]:{} {}", sshd.port, public.trim()));
    accepted(&world, &sshd)
}

fn a_cert_authority_goes_to_ssh_itself() -> Result<(), String> {
    let world = World::new();
    let sshd = world.unknown_sshd("");
    world.know(&format!("@cert-authority * {}", sshd.public_key));
    let why = refusal(&world, &sshd, None)?;
    assert!(why.next.as_str().contains("via = "), "{why:?}");
    Ok(())
}

fn a_pinned_key_wins() -> Result<(), String> {
    let world = World::new();
    let sshd = world.unknown_sshd("");
    let why = refusal(&world, &sshd, Some("SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()))?;
    assert!(why.detail.as_str().contains("pins SHA256:AAAA"), "{why:?}");
    let mut node = world.node("n", sshd.port);
    ssh(&mut node).host_key = Some(sshd.fingerprint());
    match exec(&world.nodes(vec![node]), "n", "exit 5") {
        Outcome::Exited { status: 5, .. } => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// A host that answers with an accepted key, but not with the one that was shown, receives nothing (S18).
fn a_look_goes_to_the_host_that_was_shown() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let look = |host_key: String| {
        let identity = Identity {
            host_key: Some(Plain::new(host_key)),
            machine_id: Plain::from("another"),
            datadir: Plain::from("/"),
            datadir_identity: Plain::from("0:0"),
        };
        let target = Target { unit: None, user: Plain::from("x"), binary: Plain::from("/bin/false") };
        let look = Look::Recover { identity, target };
        block_on(nodes.look(&name("n"), &look, Duration::from_secs(10)))
    };
    let outcome = look("SHA256:another".to_owned());
    let Outcome::NotSent { why } = outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::HostKey, "{why:?}");
    assert!(why.detail.as_str().contains("nothing was sent"), "{why:?}");
    let outcome = look(sshd.fingerprint());
    let Outcome::Exited { status: 0, stdout, .. } = outcome else { return Err(format!("{outcome:?}")) };
    let Ok(Answer::Refused { word, .. }) = answer(&stdout) else { return Err(format!("{stdout:?}")) };
    assert_eq!(word, "identity");
    assert_eq!(sshd.logins(), 1, "the session is kept");
    Ok(())
}
