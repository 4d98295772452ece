//! A real sshd on loopback that needs no privileges, with keys of its own; and the nodes that lead to it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use breakglass::facts::{ClusterName, Family, NodeName, Plain, Role};
use breakglass::inventory::{Cluster, Node, Server, Sql, Ssh, Transport};
use breakglass::nodes::real::{
    Deadlines, NoPrompt, Options, Outcome, Prompter, RealNodes, Secret, Surroundings,
};
use tempfile::TempDir;

/// Waits until `done` is true; fails the case where that takes too long.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin:/sbin";
    path.split(':').map(|dir| Path::new(dir).join(name)).find(|file| file.is_file())
}

pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

pub fn user() -> String {
    String::from_utf8(run(Command::new("id").arg("-un")).stdout).unwrap().trim().to_owned()
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A directory with client keys, known_hosts and whatever a case puts there.
pub struct World {
    pub dir: TempDir,
}

impl World {
    pub fn new() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        world.keygen("id", "");
        fs::copy(world.path("id.pub"), world.path("authorized_keys")).unwrap();
        fs::create_dir(world.path("run")).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub fn keygen(&self, name: &str, passphrase: &str) -> PathBuf {
        let path = self.path(name);
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f"])
            .arg(&path));
        path
    }

    /// Starts an sshd with these further lines of sshd_config, and lets known_hosts know it.
    pub fn sshd(&self, more: &str) -> Sshd {
        let sshd = self.unknown_sshd(more);
        self.know(&format!("[127.0.0.1]:{} {}", sshd.port, sshd.public_key));
        sshd
    }

    pub fn know(&self, line: &str) {
        let old = fs::read_to_string(self.path("known_hosts")).unwrap_or_default();
        self.write("known_hosts", &format!("{old}{line}\n"));
    }

    pub fn unknown_sshd(&self, more: &str) -> Sshd {
        let port = free_port();
        let name = |what: &str| format!("{what}-{port}");
        let key = self.keygen(&name("host"), "");
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nStrictModes no\nUsePAM no\n\
             AuthorizedKeysFile {}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             LogLevel DEBUG2\nMaxStartups 100\nPrintMotd no\n{more}\n",
            key.display(),
            self.path("authorized_keys").display(),
        );
        let config = self.write(&name("sshd_config"), &config);
        let log = self.path(&name("log"));
        let child = Command::new(program("sshd").expect("sshd"))
            .args(["-D", "-f"])
            .arg(config)
            .arg("-E")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let public_key = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let mut sshd = Sshd { child, port, log, key, public_key };
        until("sshd listens", || {
            assert!(sshd.child.try_wait().unwrap().is_none(), "sshd ended: {}", sshd.log());
            sshd.log().contains("Server listening")
        });
        sshd
    }

    pub fn node(&self, name: &str, port: u16) -> Node {
        Node {
            name: NodeName::new(name).unwrap(),
            role: Role::Data,
            transport: Transport::Ssh(Ssh {
                destination: "127.0.0.1".to_owned(),
                alias: false,
                port: Some(port),
                user: Some(user()),
                key: Some(self.path("id")),
                host_key: None,
                known_hosts: Some(self.path("known_hosts")),
            }),
            sudo: false,
            sql: Sql::None,
            server: Server::default(),
        }
    }

    pub fn options(&self) -> Options {
        Options {
            deadlines: Deadlines { connect: Duration::from_secs(3), ..Deadlines::default() },
            prompter: Arc::new(NoPrompt),
            surroundings: Surroundings {
                home: self.dir.path().to_owned(),
                user: user(),
                agent: None,
                ssh: "ssh".into(),
                ssh_config: None,
                system_known_hosts: Vec::new(),
                runtime: self.path("run"),
            },
        }
    }

    pub fn nodes(&self, nodes: Vec<Node>) -> RealNodes {
        RealNodes::new(&cluster(nodes), self.options())
    }
}

pub fn cluster(nodes: Vec<Node>) -> Cluster {
    Cluster { name: ClusterName::new("test").unwrap(), family: Family::Galera, nodes }
}

pub fn ssh(node: &mut Node) -> &mut Ssh {
    match &mut node.transport {
        Transport::Ssh(ssh) => ssh,
        Transport::Command(_) => panic!("not an SSH node"),
    }
}

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub fn exec(nodes: &RealNodes, node: &str, body: &str) -> Outcome {
    block_on(nodes.run(&name(node), body, &[]))
}

pub struct Sshd {
    pub child: Child,
    pub port: u16,
    pub log: PathBuf,
    pub key: PathBuf,
    pub public_key: String,
}

impl Sshd {
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub fn fingerprint(&self) -> String {
        let output = run(Command::new("ssh-keygen").arg("-lf").arg(&self.key));
        String::from_utf8(output.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned()
    }

    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Kills the processes that serve connections, not what they run nor the listener.
    pub fn kill_sessions(&self) {
        let mut family = vec![self.child.id()];
        let all = processes();
        let mut at = 0;
        while let Some(parent) = family.get(at).copied() {
            family.extend(
                all.iter().filter(|p| p.parent == parent && p.name.starts_with("sshd")).map(|p| p.pid),
            );
            at += 1;
        }
        for pid in family.iter().skip(1).rev() {
            kill(*pid);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_sessions();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

pub struct Process {
    pub pid: u32,
    pub parent: u32,
    pub name: String,
    pub state: char,
}

pub fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (head, tail) = stat.rsplit_once(')')?;
            let mut words = tail.split_whitespace();
            let state = words.next()?.chars().next()?;
            let parent = words.next()?.parse().ok()?;
            Some(Process { pid, parent, name: head.split_once('(')?.1.to_owned(), state })
        })
        .collect()
}

/// Threads of this process that belong to the transports.
pub fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("bg-")).collect()
}

/// Answers with the passphrases in turn.
pub struct Answering(pub std::sync::Mutex<Vec<&'static str>>);

impl Prompter for Answering {
    fn secret(&self, _question: &Plain) -> Option<Secret> {
        let mut left = self.0.lock().unwrap();
        (!left.is_empty()).then(|| Secret::new(left.remove(0).to_owned()))
    }
}

/// Forwards TCP to `port` until it is told to stop; then it keeps every connection open and moves nothing.
pub struct Stalling {
    pub port: u16,
    pub stopped: Arc<std::sync::atomic::AtomicBool>,
}

impl Stalling {
    pub fn before(target: u16) -> Self {
        use std::io::{Read as _, Write as _};
        use std::sync::atomic::{AtomicBool, Ordering};
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        thread::spawn(move || {
            for here in listener.incoming().flatten() {
                let there = TcpStream::connect(("127.0.0.1", target)).unwrap();
                for (mut from, mut to) in
                    [(here.try_clone().unwrap(), there.try_clone().unwrap()), (there, here)]
                {
                    let flag = Arc::clone(&flag);
                    thread::spawn(move || {
                        let mut buffer = [0; 16384];
                        while let Ok(n @ 1..) = from.read(&mut buffer) {
                            while flag.load(Ordering::SeqCst) {
                                thread::sleep(Duration::from_millis(20));
                            }
                            if to.write_all(&buffer[..n]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
        Self { port, stopped }
    }
}
