//! Logins: who we are.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use breakglass::facts::{Reach, ReachWord};
use breakglass::inventory::Node;
use breakglass::nodes::real::{Deadlines, Options, Outcome, RealNodes};

use crate::harness::Case;
use crate::support::{Answering, World, cluster, exec, run, ssh, until};
use crate::{case, sshd, sshd_and_agent};

pub fn cases() -> Vec<Case> {
    vec![
        case("a_wrong_key_is_named", sshd, a_wrong_key_is_named),
        case("a_missing_key_is_named", sshd, a_missing_key_is_named),
        case("a_refused_login_is_not_repeated_at_once", sshd, a_refused_login_is_not_repeated_at_once),
        case("the_usual_keys_are_found", sshd, the_usual_keys_are_found),
        case("an_encrypted_key_is_asked_for_once", sshd, an_encrypted_key_is_asked_for_once),
        case(
            "an_encrypted_key_without_answer_says_ssh_add",
            sshd,
            an_encrypted_key_without_answer_says_ssh_add,
        ),
        case("a_certificate_beside_the_key_is_used", sshd, a_certificate_beside_the_key_is_used),
        case("an_agent_with_several_keys", sshd_and_agent, an_agent_with_several_keys),
        case("an_agent_with_too_many_keys", sshd_and_agent, an_agent_with_too_many_keys),
        case("an_agent_opens_an_encrypted_key", sshd_and_agent, an_agent_opens_an_encrypted_key),
        case("an_agent_that_never_answers", sshd, an_agent_that_never_answers),
        case("a_server_without_public_keys_says_so", sshd, a_server_without_public_keys_says_so),
    ]
}

fn refusal(outcome: Outcome) -> Reach {
    match outcome {
        Outcome::NotSent { why } => why,
        other => panic!("{other:?}"),
    }
}

fn accepted(nodes: &RealNodes) -> Result<(), String> {
    match exec(nodes, "n", "exit 5") {
        Outcome::Exited { status: 5, .. } => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn one(world: &World, node: Node, change: impl FnOnce(&mut Options)) -> RealNodes {
    let mut options = world.options();
    change(&mut options);
    RealNodes::new(&cluster(vec![node]), options)
}

/// A node whose key the inventory does not name.
fn keyless(world: &World, port: u16) -> Node {
    let mut node = world.node("n", port);
    ssh(&mut node).key = None;
    node
}

fn a_wrong_key_is_named() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let mut node = world.node("n", sshd.port);
    ssh(&mut node).key = Some(world.keygen("wrong", ""));
    let why = refusal(exec(&world.nodes(vec![node]), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Auth);
    assert!(why.detail.as_str().contains("/wrong: not accepted"), "{why:?}");
    assert!(why.detail.as_str().contains("the server takes publickey"), "{why:?}");
    assert!(why.next.as_str().contains("ssh-add"), "{why:?}");
    Ok(())
}

fn a_missing_key_is_named() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let mut node = world.node("n", sshd.port);
    ssh(&mut node).key = Some(world.path("nowhere"));
    let why = refusal(exec(&world.nodes(vec![node]), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Auth);
    assert!(why.detail.as_str().contains("nowhere: No such file"), "{why:?}");
    Ok(())
}

fn a_refused_login_is_not_repeated_at_once() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let mut node = world.node("n", sshd.port);
    ssh(&mut node).key = Some(world.keygen("wrong", ""));
    let nodes = world.nodes(vec![node]);
    refusal(exec(&nodes, "n", "echo x"));
    let why = refusal(exec(&nodes, "n", "echo x"));
    assert!(why.detail.as_str().contains("not tried again"), "{why:?}");
    assert_eq!(sshd.log().matches("Connection from").count(), 1);
    Ok(())
}

fn the_usual_keys_are_found() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    std::fs::create_dir(world.path(".ssh")).unwrap();
    std::fs::copy(world.path("id"), world.path(".ssh/id_ed25519")).unwrap();
    std::fs::copy(world.path("known_hosts"), world.path(".ssh/known_hosts")).unwrap();
    let mut node = keyless(&world, sshd.port);
    ssh(&mut node).known_hosts = None;
    accepted(&one(&world, node, |_| ()))
}

fn locked_world() -> World {
    let world = World::new();
    let key = world.keygen("locked", "open sesame");
    std::fs::copy(key.with_extension("pub"), world.path("authorized_keys")).unwrap();
    world
}

fn an_encrypted_key_is_asked_for_once() -> Result<(), String> {
    let world = locked_world();
    let sshd = world.sshd("");
    let nodes: Vec<Node> = ["n", "m"]
        .map(|name| {
            let mut node = world.node(name, sshd.port);
            ssh(&mut node).key = Some(world.path("locked"));
            node
        })
        .to_vec();
    let prompter = Arc::new(Answering(Mutex::new(vec!["wrong", "open sesame"])));
    let options = Options { prompter: Arc::clone(&prompter) as _, ..world.options() };
    let nodes = RealNodes::new(&cluster(nodes), options);
    accepted(&nodes)?;
    assert!(prompter.0.lock().unwrap().is_empty());
    // The second node, and a session made anew, use the same answer.
    assert!(matches!(exec(&nodes, "m", "exit 6"), Outcome::Exited { status: 6, .. }));
    sshd.kill_sessions();
    accepted(&nodes)
}

fn an_encrypted_key_without_answer_says_ssh_add() -> Result<(), String> {
    let world = locked_world();
    let sshd = world.sshd("");
    let mut node = world.node("n", sshd.port);
    ssh(&mut node).key = Some(world.path("locked"));
    let why = refusal(exec(&world.nodes(vec![node]), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Auth);
    assert!(why.detail.as_str().contains("encrypted") && why.next.as_str().contains("ssh-add"), "{why:?}");
    Ok(())
}

fn a_certificate_beside_the_key_is_used() -> Result<(), String> {
    let world = World::new();
    let ca = world.keygen("ca", "");
    let user = crate::support::user();
    run(Command::new("ssh-keygen")
        .arg("-s")
        .arg(&ca)
        .args(["-I", "test", "-n", &user])
        .arg(world.path("id.pub")));
    assert!(world.path("id-cert.pub").exists());
    world.write("authorized_keys", "");
    let sshd = world.sshd(&format!("TrustedUserCAKeys {}", ca.with_extension("pub").display()));
    accepted(&world.nodes(vec![world.node("n", sshd.port)]))
}

/// An ssh-agent of our own.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(world: &World) -> Self {
        let socket = world.path("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the agent listens", || socket.exists());
        Self { child, socket }
    }

    fn add(&self, key: &Path) {
        run(Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn an_agent_with_several_keys() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let agent = Agent::start(&world);
    for name in ["a", "b", "c"] {
        agent.add(&world.keygen(name, ""));
    }
    agent.add(&world.path("id"));
    let nodes =
        one(&world, keyless(&world, sshd.port), |o| o.surroundings.agent = Some(agent.socket.clone()));
    accepted(&nodes)?;
    let before = sshd.log().matches("Failed publickey").count();
    // The key that worked goes first on the next connection.
    sshd.kill_sessions();
    accepted(&nodes)?;
    assert_eq!((sshd.log().matches("Failed publickey").count(), sshd.logins()), (before, 2));
    Ok(())
}

fn an_agent_with_too_many_keys() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let agent = Agent::start(&world);
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        agent.add(&world.keygen(name, ""));
    }
    let nodes =
        one(&world, keyless(&world, sshd.port), |o| o.surroundings.agent = Some(agent.socket.clone()));
    let why = refusal(exec(&nodes, "n", "echo x"));
    assert_eq!(why.word, ReachWord::Auth);
    assert_eq!(why.detail.as_str().matches("SHA256:").count(), 5, "{why:?}");
    assert!(!sshd.log().contains("Too many authentication failures"));
    Ok(())
}

fn an_agent_opens_an_encrypted_key() -> Result<(), String> {
    let world = locked_world();
    let sshd = world.sshd("");
    let agent = Agent::start(&world);
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        agent.add(&world.keygen(name, ""));
    }
    let askpass = world.script("askpass", "#!/bin/sh\necho open sesame\n");
    run(Command::new("ssh-add")
        .arg("-q")
        .arg(world.path("locked"))
        .env("SSH_AUTH_SOCK", &agent.socket)
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force"));
    let mut node = world.node("n", sshd.port);
    ssh(&mut node).key = Some(world.path("locked"));
    let nodes = one(&world, node, |o| o.surroundings.agent = Some(agent.socket.clone()));
    accepted(&nodes)?;
    assert_eq!(sshd.log().matches("Failed publickey").count(), 0);
    Ok(())
}

fn an_agent_that_never_answers() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let socket = world.path("mute");
    let listener = UnixListener::bind(&socket).unwrap();
    let short = Duration::from_millis(300);
    let nodes = one(&world, keyless(&world, sshd.port), |o| {
        o.surroundings.agent = Some(socket);
        o.deadlines = Deadlines {
            config: short,
            resolve: short,
            connect: short,
            proxy: short,
            handshake: short,
            auth: short,
            channel: short,
            script: short,
            ..o.deadlines
        };
    });
    let begun = Instant::now();
    let why = refusal(exec(&nodes, "n", "echo x"));
    assert_eq!(why.word, ReachWord::Timeout, "{why:?}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    // The agent hangs up; the thread that waited for it can end.
    drop(listener);
    Ok(())
}

fn a_server_without_public_keys_says_so() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("PubkeyAuthentication no\nHostbasedAuthentication yes");
    let why = refusal(exec(&world.nodes(vec![world.node("n", sshd.port)]), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Auth);
    assert!(why.next.as_str().contains("via = "), "{why:?}");
    Ok(())
}
