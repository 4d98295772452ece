//! Ways to a node: names, ports, jump hosts, local commands, sockets; and how each can be closed.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use breakglass::engine::Nodes as _;
use breakglass::facts::{Reach, ReachWord, WhyKind, keys};
use breakglass::inventory::{Node, Transport};
use breakglass::nodes::real::{Deadlines, Options, Outcome, RealNodes};

use crate::harness::Case;
use crate::support::{World, block_on, cluster, exec, free_port, name, processes, ssh, until, user};
use crate::{case, nothing, sshd};

pub fn cases() -> Vec<Case> {
    vec![
        case("a_refused_port", nothing, a_refused_port),
        case("a_black_hole", nothing, a_black_hole),
        case("a_frozen_machine_without_banner", nothing, a_frozen_machine_without_banner),
        case("a_server_that_hangs_up", nothing, a_server_that_hangs_up),
        case("a_server_that_is_no_ssh_server", nothing, a_server_that_is_no_ssh_server),
        case("a_name_that_does_not_resolve", nothing, a_name_that_does_not_resolve),
        case("a_dead_node_delays_no_other", sshd, a_dead_node_delays_no_other),
        case("an_unread_node_says_why_for_every_fact", nothing, an_unread_node_says_why_for_every_fact),
        case("an_alias_of_the_ssh_config", sshd, an_alias_of_the_ssh_config),
        case("an_ssh_config_that_hangs", sshd, an_ssh_config_that_hangs),
        case("a_jump_host", sshd, a_jump_host),
        case("a_jump_host_before_a_closed_port", sshd, a_jump_host_before_a_closed_port),
        case("a_jump_host_that_does_not_know_us", sshd, a_jump_host_that_does_not_know_us),
        case("a_proxy_command", sshd, a_proxy_command),
        case("a_proxy_command_that_fails", sshd, a_proxy_command_that_fails),
        case("a_local_command", nothing, a_local_command),
        case("a_local_command_with_sudo", nothing, a_local_command_with_sudo),
        case("a_local_command_that_is_missing", nothing, a_local_command_that_is_missing),
        case("a_local_command_that_fails", nothing, a_local_command_that_fails),
        case("a_local_command_that_hangs", nothing, a_local_command_that_hangs),
        case("a_local_command_with_huge_stderr", nothing, a_local_command_with_huge_stderr),
        case("a_socket_of_the_node", sshd, a_socket_of_the_node),
        case("a_socket_that_is_not_there", sshd, a_socket_that_is_not_there),
        case("an_sshd_that_forwards_no_sockets", sshd, an_sshd_that_forwards_no_sockets),
    ]
}

fn refusal(outcome: Outcome) -> Reach {
    match outcome {
        Outcome::NotSent { why } => why,
        other => panic!("{other:?}"),
    }
}

fn a_refused_port() -> Result<(), String> {
    let world = World::new();
    let why = refusal(exec(&world.nodes(vec![world.node("n", free_port())]), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Refused);
    assert!(why.next.as_str().contains("start sshd"), "{why:?}");
    Ok(())
}

fn short(world: &World, node: Node, seconds: u64) -> RealNodes {
    let deadlines = Deadlines { connect: Duration::from_secs(seconds), ..Deadlines::default() };
    RealNodes::new(&cluster(vec![node]), Options { deadlines, ..world.options() })
}

/// A port whose queue of connections is full: the kernel drops what else comes, like a firewall.
fn black_hole() -> (rustix::fd::OwnedFd, u16, Vec<TcpStream>) {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let fd = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&fd, &"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()).unwrap();
    listen(&fd, 0).unwrap();
    let address: std::net::SocketAddr = getsockname(&fd).unwrap().try_into().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        held.push(stream);
    }
    (fd, address.port(), held)
}

fn a_black_hole() -> Result<(), String> {
    let world = World::new();
    let (_fd, port, _held) = black_hole();
    let begun = Instant::now();
    let why = refusal(exec(&short(&world, world.node("n", port), 1), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Timeout);
    assert!(why.detail.as_str().contains("did not answer in 1s"), "{why:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    Ok(())
}

/// Accepts connections and does `then` with each.
fn listener(then: fn(TcpStream)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(then));
    port
}

fn a_frozen_machine_without_banner() -> Result<(), String> {
    let world = World::new();
    let port = listener(|stream| {
        // Kept until the other side hangs up.
        thread::spawn(move || (&stream).read_to_end(&mut Vec::new()));
    });
    let begun = Instant::now();
    let why = refusal(exec(&short(&world, world.node("n", port), 1), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Timeout);
    assert!(
        why.detail.as_str().contains(&format!("TCP port {port} accepted, no SSH banner in 1s")),
        "{why:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    Ok(())
}

fn a_server_that_hangs_up() -> Result<(), String> {
    let world = World::new();
    let port = listener(|stream| stream.shutdown(Shutdown::Both).unwrap());
    let why = refusal(exec(&world.nodes(vec![world.node("n", port)]), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Lost, "{why:?}");
    assert!(why.next.as_str().contains("MaxStartups"), "{why:?}");
    Ok(())
}

fn a_server_that_is_no_ssh_server() -> Result<(), String> {
    let world = World::new();
    let port = listener(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-strange\r\nwhat a day\r\nand \xff\xfe on it goes\r\n");
        thread::spawn(move || stream.read_to_end(&mut Vec::new()));
    });
    let deadlines = Deadlines { handshake: Duration::from_secs(1), ..world.options().deadlines };
    let nodes =
        RealNodes::new(&cluster(vec![world.node("n", port)]), Options { deadlines, ..world.options() });
    let begun = Instant::now();
    let why = refusal(exec(&nodes, "n", "echo x"));
    assert!(matches!(why.word, ReachWord::Protocol | ReachWord::Timeout), "{why:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    Ok(())
}

fn a_name_that_does_not_resolve() -> Result<(), String> {
    let world = World::new();
    for limit in [Duration::from_secs(2), Duration::ZERO] {
        let mut node = world.node("n", 22);
        "no-such-host.invalid".clone_into(&mut ssh(&mut node).destination);
        let deadlines = Deadlines { resolve: limit, ..Deadlines::default() };
        let nodes = RealNodes::new(&cluster(vec![node]), Options { deadlines, ..world.options() });
        let begun = Instant::now();
        let why = refusal(exec(&nodes, "n", "echo x"));
        assert_eq!(why.word, ReachWord::Dns);
        assert!(why.detail.as_str().contains("no-such-host.invalid"), "{why:?}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    Ok(())
}

fn a_dead_node_delays_no_other() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let (_fd, dead, _held) = black_hole();
    let nodes = world.nodes(vec![world.node("dead", dead), world.node("n", sshd.port)]);
    let (nodes, begun) = (&nodes, Instant::now());
    thread::scope(|scope| {
        let dead = scope.spawn(move || (exec(nodes, "dead", "echo x"), begun.elapsed()));
        let alive = scope.spawn(move || (exec(nodes, "n", "echo x"), begun.elapsed()));
        let (outcome, alive_took) = alive.join().unwrap();
        assert!(matches!(outcome, Outcome::Exited { status: 0, .. }), "{outcome:?}");
        let (outcome, dead_took) = dead.join().unwrap();
        assert_eq!(refusal(outcome).word, ReachWord::Timeout);
        assert!(
            alive_took < Duration::from_secs(2) && dead_took > alive_took,
            "{alive_took:?} {dead_took:?}"
        );
    });
    Ok(())
}

fn an_unread_node_says_why_for_every_fact() -> Result<(), String> {
    let world = World::new();
    let nodes = world.nodes(vec![world.node("n", free_port())]);
    let survey = block_on(nodes.survey(&name("n")));
    assert_eq!((survey.ssh.word, survey.sql.word), (ReachWord::Refused, ReachWord::NotTried));
    // That it is none of a drill's the way to it says, and not the node.
    let read = keys::ALL.iter().filter(|key| key.name != keys::HOST_DRILL.name());
    assert!(survey.facts.get(keys::HOST_DRILL).is(|drill| !drill));
    for key in read {
        let fact = survey.facts.iter().find(|(name, _)| *name == key.name).ok_or(key.name)?.1;
        let why = fact.value.why().ok_or(format!("{} is known", key.name))?;
        assert_eq!(why.kind, WhyKind::NotRead, "{}", key.name);
        assert!(why.text.as_str().starts_with("refused: "), "{why:?}");
    }
    Ok(())
}

/// A node by alias, whose way stands in an ssh config.
fn by_alias(world: &World, config: &str) -> RealNodes {
    let common = format!(
        "\nHost *\n HostName 127.0.0.1\n User {}\n IdentityFile {}\n IdentitiesOnly yes\n UserKnownHostsFile {}\n \
         GlobalKnownHostsFile none\n",
        user(),
        world.path("id").display(),
        world.path("known_hosts").display(),
    );
    let config = world.write("config", &(config.to_owned() + &common));
    let mut node = world.node("n", 0);
    let ssh = ssh(&mut node);
    "target".clone_into(&mut ssh.destination);
    ssh.alias = true;
    (ssh.port, ssh.user, ssh.key, ssh.known_hosts) = (None, None, None, None);
    let mut options = world.options();
    options.surroundings.ssh_config = Some(config);
    RealNodes::new(&cluster(vec![node]), options)
}

fn accepted(nodes: &RealNodes) -> Result<(), String> {
    match exec(nodes, "n", "exit 5") {
        Outcome::Exited { status: 5, .. } => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn an_alias_of_the_ssh_config() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    accepted(&by_alias(
        &world,
        &format!("Host target\n Port {}\n ForwardAgent yes\n ForwardX11 yes\n", sshd.port),
    ))?;
    let log = sshd.log();
    assert!(!log.contains("auth-agent-req") && !log.contains("x11-req"), "{log}");
    Ok(())
}

fn an_ssh_config_that_hangs() -> Result<(), String> {
    let world = World::new();
    let begun = Instant::now();
    let why = refusal(exec(&by_alias(&world, "Match exec \"sleep 30\"\n Port 1\n"), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Command);
    assert!(why.detail.as_str().contains("ssh -G target"), "{why:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    Ok(())
}

fn a_jump_host() -> Result<(), String> {
    let world = World::new();
    let (jump, sshd) = (world.sshd(""), world.sshd(""));
    let config =
        format!("Host target\n Port {}\n ProxyJump jump\nHost jump\n Port {}\n", sshd.port, jump.port);
    let nodes = by_alias(&world, &config);
    accepted(&nodes)?;
    assert_eq!((jump.logins(), sshd.logins()), (1, 1));
    // Through two of them.
    let config = format!(
        "Host target\n Port {}\n ProxyJump jump,{}@127.0.0.1:{}\nHost jump\n Port {}\n",
        sshd.port,
        user(),
        jump.port,
        jump.port
    );
    accepted(&by_alias(&world, &config))?;
    drop(nodes);
    let own = std::process::id();
    until("the helpers have ended", || !processes().iter().any(|p| p.parent == own && p.name == "ssh"));
    Ok(())
}

fn a_jump_host_before_a_closed_port() -> Result<(), String> {
    let world = World::new();
    let jump = world.sshd("");
    let config =
        format!("Host target\n Port {}\n ProxyJump jump\nHost jump\n Port {}\n", free_port(), jump.port);
    let why = refusal(exec(&by_alias(&world, &config), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Refused, "{why:?}");
    assert!(why.detail.as_str().contains("ssh -W"), "{why:?}");
    Ok(())
}

fn a_jump_host_that_does_not_know_us() -> Result<(), String> {
    let world = World::new();
    let jump = world.unknown_sshd("");
    let config = format!("Host target\n Port 22\n ProxyJump jump\nHost jump\n Port {}\n", jump.port);
    let why = refusal(exec(&by_alias(&world, &config), "n", "echo x"));
    assert_eq!(why.word, ReachWord::HostKey, "{why:?}");
    world.know(&format!("[127.0.0.1]:{} {}", jump.port, jump.public_key));
    world.write("authorized_keys", "");
    let why = refusal(exec(&by_alias(&world, &config), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Auth, "{why:?}");
    Ok(())
}

fn a_proxy_command() -> Result<(), String> {
    let world = World::new();
    let (jump, sshd) = (world.sshd(""), world.sshd(""));
    let command = format!("ssh -F {} -W %h:%p jump", world.path("config").display());
    let config = format!(
        "Host target\n Port {}\n ProxyCommand {command}\nHost jump\n Port {}\n",
        sshd.port, jump.port
    );
    accepted(&by_alias(&world, &config))?;
    assert_eq!(jump.logins(), 1);
    Ok(())
}

fn a_proxy_command_that_fails() -> Result<(), String> {
    let world = World::new();
    let config = "Host target\n ProxyCommand echo the tunnel is down >&2\n";
    let why = refusal(exec(&by_alias(&world, config), "n", "echo x"));
    assert!(why.detail.as_str().contains("the tunnel is down"), "{why:?}");
    Ok(())
}

fn by_command(world: &World, argv: &[&str], sudo: bool) -> RealNodes {
    let mut node = world.node("n", 1);
    node.transport = Transport::Command(argv.iter().map(|word| (*word).to_owned()).collect());
    node.sudo = sudo;
    let deadlines = Deadlines { script: Duration::from_secs(2), ..Deadlines::default() };
    RealNodes::new(&cluster(vec![node]), Options { deadlines, ..world.options() })
}

fn a_local_command() -> Result<(), String> {
    let nodes = by_command(&World::new(), &["sh", "-s"], false);
    accepted(&nodes)?;
    assert!(matches!(exec(&nodes, "n", "kill -KILL $$"), Outcome::Signalled { .. }));
    let begun = Instant::now();
    let Outcome::Exited { stdout, .. } = exec(&nodes, "n", "sleep 30 & echo $!") else {
        return Err("lost".to_owned());
    };
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    // Its process group went with it.
    let pid: u32 = String::from_utf8(stdout).unwrap().trim().parse().unwrap();
    until("the script's child is gone", || !processes().iter().any(|p| p.pid == pid && p.state != 'Z'));
    Ok(())
}

fn a_local_command_with_sudo() -> Result<(), String> {
    let world = World::new();
    world.script("sudo", "#!/bin/sh\n[ \"$1\" = -n ] || exit 9\nshift\necho used >&2\nexec \"$@\"\n");
    let path = format!("PATH={}:{}", world.dir.path().display(), std::env::var("PATH").unwrap());
    let outcome = exec(&by_command(&world, &["env", &path, "sh", "-s"], true), "n", "echo ran; exit 4");
    let Outcome::Exited { status: 4, stdout, stderr, .. } = &outcome else {
        return Err(format!("{outcome:?}"));
    };
    assert_eq!((stdout.as_slice(), stderr.as_slice()), (b"ran\n".as_slice(), b"used\n".as_slice()));
    world.script("sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n");
    let outcome = exec(&by_command(&world, &["env", &path, "sh", "-s"], true), "n", "echo ran");
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Become);
    Ok(())
}

fn a_local_command_that_is_missing() -> Result<(), String> {
    let why = refusal(exec(&by_command(&World::new(), &["no-such-program", "x"], false), "n", "echo x"));
    assert_eq!(why.word, ReachWord::Command);
    assert!(why.detail.as_str().contains("no-such-program"), "{why:?}");
    Ok(())
}

fn a_local_command_that_fails() -> Result<(), String> {
    let argv = ["sh", "-c", "echo 'error: pod shop-0 not found' >&2; exit 1"];
    let outcome = exec(&by_command(&World::new(), &argv, false), "n", "echo x");
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Command);
    assert!(why.detail.as_str().contains("pod shop-0 not found"), "{why:?}");
    Ok(())
}

fn a_local_command_that_hangs() -> Result<(), String> {
    let begun = Instant::now();
    let outcome = exec(&by_command(&World::new(), &["sh", "-c", "sleep 61"], false), "n", "echo x");
    let Outcome::Lost { why, .. } = &outcome else { return Err(format!("{outcome:?}")) };
    assert_eq!(why.word, ReachWord::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    Ok(())
}

fn a_local_command_with_huge_stderr() -> Result<(), String> {
    let nodes = by_command(&World::new(), &["sh", "-s"], false);
    let outcome = exec(&nodes, "n", "head -c 4000000 /dev/zero >&2; head -c 5000000 /dev/zero; exit 5");
    let Outcome::Exited { status: 5, stdout, stderr, dropped } = outcome else {
        return Err("lost".to_owned());
    };
    assert_eq!((stdout.len(), stderr.len(), dropped), (4 << 20, 64 << 10, 5_000_000 - (4 << 20)));
    Ok(())
}

fn a_socket_of_the_node() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let remote = world.path("echo");
    let listener = UnixListener::bind(&remote).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut reader = stream.try_clone().unwrap();
                let mut writer = stream;
                let _ = std::io::copy(&mut reader, &mut writer);
                let _ = writer.shutdown(Shutdown::Write);
            });
        }
    });
    let sent: Vec<u8> = (0..5_000_000u32).flat_map(|n| n.to_le_bytes()[..1].to_vec()).collect();
    for round in 0..2 {
        let begun = Instant::now();
        let local = block_on(nodes.forward(&name("n"), remote.to_str().unwrap()))
            .map_err(|why| format!("{why:?}"))?;
        let mode = std::fs::metadata(local.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let mut stream = UnixStream::connect(&local).unwrap();
        until("the private socket is gone again", || !local.parent().unwrap().exists());
        let mut back = Vec::new();
        thread::scope(|scope| {
            let mut writer = stream.try_clone().unwrap();
            let sent = &sent;
            scope.spawn(move || {
                writer.write_all(sent).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            stream.read_to_end(&mut back).unwrap();
        });
        assert!(back == sent, "round {round}: {} of {} bytes came back", back.len(), sent.len());
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    assert_eq!(sshd.logins(), 1);
    // A way that nobody went is closed by whoever leaves, at once.
    let local =
        block_on(nodes.forward(&name("n"), remote.to_str().unwrap())).map_err(|why| format!("{why:?}"))?;
    assert!(local.exists());
    drop(nodes);
    assert!(!local.parent().unwrap().exists());
    Ok(())
}

fn a_socket_that_is_not_there() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let why = block_on(nodes.forward(&name("n"), "/nonexistent/mysqld.sock")).unwrap_err();
    assert_eq!(why.word, ReachWord::Refused, "{why:?}");
    assert!(why.detail.as_str().contains("/nonexistent/mysqld.sock"), "{why:?}");
    Ok(())
}

fn an_sshd_that_forwards_no_sockets() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("AllowStreamLocalForwarding no");
    let nodes = world.nodes(vec![world.node("n", sshd.port)]);
    let why = block_on(nodes.forward(&name("n"), "/run/mysqld/mysqld.sock")).unwrap_err();
    // sshd 9.2 tells this like a socket that is not there.
    assert_eq!(why.word, ReachWord::Refused, "{why:?}");
    assert!(why.detail.as_str().contains("AllowStreamLocalForwarding"), "{why:?}");
    Ok(())
}
