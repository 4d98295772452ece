//! SQL through the tunnel and over TCP, against a real MariaDB with Galera.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use breakglass::engine::Nodes as _;
use breakglass::facts::{NodeSurvey, ReachWord, keys};
use breakglass::inventory::{Login, PasswordFrom, Sql, Tls};
use breakglass::nodes::real::{Options, RealNodes};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::Case;
use crate::support::{Answering, Sshd, World, block_on, cluster, free_port, name, program, run, until, user};
use crate::{case, sshd};

const PROVIDER: &str = "/usr/lib/galera/libgalera_smm.so";

pub fn cases() -> Vec<Case> {
    vec![case("sql_by_every_way_to_a_real_server", mariadb, sql_by_every_way_to_a_real_server)]
}

fn mariadb() -> Result<(), String> {
    sshd()?;
    for name in ["mariadbd", "mariadb-install-db", "mariadb", "openssl"] {
        program(name).ok_or(format!("{name} is not installed"))?;
    }
    if provider().exists() { Ok(()) } else { Err(format!("{PROVIDER} is not installed")) }
}

fn provider() -> PathBuf {
    std::env::var_os("WSREP_PROVIDER").map_or_else(|| PathBuf::from(PROVIDER), PathBuf::from)
}

struct Server {
    child: Child,
    socket: PathBuf,
    port: u16,
}

impl Server {
    fn start(world: &World) -> Self {
        let data = world.path("data");
        let by = format!("--user={}", user());
        run(Command::new("mariadb-install-db")
            .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal", &by])
            .arg(format!("--datadir={}", data.display())));
        certificate(world, "server", "db.test");
        let users = "CREATE USER bg@'%' IDENTIFIED BY 'canary';\nGRANT SELECT ON mysql.* TO bg@'%';\n";
        let users = world.write("users.sql", users);
        let (socket, port, group) = (world.path("db.sock"), free_port(), free_port());
        let options = [
            "--no-defaults".to_owned(),
            by,
            format!("--datadir={}", data.display()),
            format!("--socket={}", socket.display()),
            format!("--port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--init-file={}", users.display()),
            format!("--ssl-cert={}", world.path("server.pem").display()),
            format!("--ssl-key={}", world.path("server.key").display()),
            "--binlog-format=ROW".to_owned(),
            "--wsrep-on=ON".to_owned(),
            "--wsrep-node-name=g1".to_owned(),
            "--wsrep-cluster-name=test".to_owned(),
            "--wsrep-node-address=127.0.0.1".to_owned(),
            format!("--wsrep-provider={}", provider().display()),
            format!(
                "--wsrep-provider-options=gcache.size=8M;pc.wait_prim=no;pc.wait_prim_timeout=PT1S;gmcast.listen_addr=tcp://127.0.0.1:{group}"
            ),
            "--wsrep-cluster-address=gcomm://".to_owned(),
        ];
        let log = File::create(world.path("db.log")).unwrap();
        let child = Command::new("mariadbd")
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child, socket, port };
        until("the server listens", || {
            let log = std::fs::read_to_string(world.path("db.log")).unwrap();
            assert!(server.child.try_wait().unwrap().is_none(), "{log}");
            UnixStream::connect(&server.socket).is_ok() && log.contains("ready for connections")
        });
        server
    }

    fn say(&self, statement: &str) {
        run(Command::new("mariadb")
            .args(["--no-defaults", "-u", "root", "-S"])
            .arg(&self.socket)
            .args(["-e", statement]));
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn certificate(world: &World, file: &str, host: &str) -> PathBuf {
    let pem = world.path(&format!("{file}.pem"));
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"])
        .arg(format!("/CN={host}"))
        .args(["-addext", &format!("subjectAltName=DNS:{host},IP:127.0.0.1"), "-keyout"])
        .arg(world.path(&format!("{file}.key")))
        .arg("-out")
        .arg(&pem));
    pem
}

fn surveyed(world: &World, sshd: &Sshd, sql: Sql) -> NodeSurvey {
    let mut node = world.node("n", sshd.port);
    node.sql = sql;
    let prompter = Arc::new(Answering(Mutex::new(vec!["canary"])));
    let nodes = RealNodes::new(&cluster(vec![node]), Options { prompter, ..world.options() });
    block_on(nodes.survey(&name("n")))
}

fn login(password: Option<PasswordFrom>) -> Login {
    Login { user: "bg".to_owned(), password }
}

fn echo(password: &str) -> Option<PasswordFrom> {
    Some(PasswordFrom::Command(vec!["echo".to_owned(), password.to_owned()]))
}

fn primary(what: &str, survey: &NodeSurvey) {
    assert!(survey.ssh.is_ok() && survey.sql.is_ok(), "{what}: {:?} {:?}", survey.ssh, survey.sql);
    let status = survey.facts.get(keys::WSREP_CLUSTER_STATUS);
    assert!(status.is(|text| text.as_str() == "Primary"), "{what}: {status:?}");
    let members = survey.facts.get(keys::WSREP_MEMBERS);
    assert!(members.is(|all| all.len() == 1 && all[0].as_str().ends_with(" g1")), "{what}: {members:?}");
    assert!(survey.facts.get(keys::VAR_FLUSH).known().is_some(), "{what}");
}

fn by_socket(path: &Path, password: Option<PasswordFrom>) -> Sql {
    Sql::Socket { path: Some(path.to_str().unwrap().to_owned()), login: login(password) }
}

fn sql_by_every_way_to_a_real_server() -> Result<(), String> {
    let world = World::new();
    let sshd = world.sshd("");
    let server = Server::start(&world);
    let socket = server.socket.clone();
    let tcp = |tls: Tls, host: &str| Sql::Tcp {
        host: Some(host.to_owned()),
        port: server.port,
        login: login(echo("canary")),
        tls,
    };
    primary("socket", &surveyed(&world, &sshd, by_socket(&socket, echo("canary"))));
    primary("prompt", &surveyed(&world, &sshd, by_socket(&socket, Some(PasswordFrom::Prompt))));
    primary("plain TCP", &surveyed(&world, &sshd, tcp(Tls::Off, "127.0.0.1")));
    let ca = |file: &str| Tls::Verify { ca: Some(world.path(file)) };
    primary("TLS", &surveyed(&world, &sshd, tcp(ca("server.pem"), "127.0.0.1")));
    primary("TLS unverified", &surveyed(&world, &sshd, tcp(Tls::AcceptInvalid, "127.0.0.1")));
    certificate(&world, "other", "127.0.0.1");
    for (what, tls, host) in [
        ("another CA", ca("other.pem"), "127.0.0.1"),
        ("the system's CAs", Tls::Verify { ca: None }, "127.0.0.1"),
        ("another name", ca("server.pem"), "localhost"),
        ("no such CA file", ca("nowhere.pem"), "127.0.0.1"),
    ] {
        let survey = surveyed(&world, &sshd, tcp(tls, host));
        assert_eq!(survey.sql.word, ReachWord::Error, "{what}: {:?}", survey.sql);
        assert!(survey.ssh.is_ok(), "{what}");
    }
    for wrong in [echo("wrong"), None] {
        let survey = surveyed(&world, &sshd, by_socket(&socket, wrong));
        assert_eq!((survey.ssh.word, survey.sql.word), (ReachWord::Ok, ReachWord::Auth), "{:?}", survey.sql);
        assert!(survey.sql.detail.as_str().contains("1045"), "{:?}", survey.sql);
    }
    let failing = Some(PasswordFrom::Command(vec!["false".to_owned()]));
    let survey = surveyed(&world, &sshd, by_socket(&socket, failing));
    assert_eq!(survey.sql.word, ReachWord::Auth);
    assert!(survey.sql.detail.as_str().contains("`false` failed"), "{:?}", survey.sql);

    // Waiting for the cluster before each read is what a session must switch off for itself.
    server.say("SET GLOBAL wsrep_sync_wait=15");
    server.say("SET GLOBAL wsrep_cluster_address='gcomm://127.0.0.1:1'");
    let survey = surveyed(&world, &sshd, by_socket(&socket, echo("canary")));
    assert!(survey.sql.is_ok(), "{:?}", survey.sql);
    let status = survey.facts.get(keys::WSREP_CLUSTER_STATUS);
    assert!(status.is(|text| text.as_str() != "Primary"), "{status:?}");

    server.signal(Signal::STOP);
    let begun = Instant::now();
    let survey = surveyed(&world, &sshd, by_socket(&socket, echo("canary")));
    assert_eq!((survey.ssh.word, survey.sql.word), (ReachWord::Ok, ReachWord::Timeout), "{:?}", survey.sql);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    server.signal(Signal::CONT);
    drop(server);
    let survey = surveyed(&world, &sshd, by_socket(&socket, echo("canary")));
    // "Down" takes a look at the processes, which not everybody may see; without it the port is closed, no more.
    let seen = survey.facts.get(keys::SERVER_PIDS).is(Vec::is_empty);
    let expected = if seen { ReachWord::Down } else { ReachWord::Refused };
    assert_eq!((survey.ssh.word, survey.sql.word), (ReachWord::Ok, expected), "{:?}", survey.sql);
    Ok(())
}
