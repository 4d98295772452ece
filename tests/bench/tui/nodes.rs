//! Inventories to open: real sshds on loopback, machines that answer at once, and one that accepts and says nothing.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::pty::{Home, Screen};
use crate::sshd::{Sshd, World, user};

/// The size of the terminal.
pub(crate) const SIZE: (u16, u16) = (120, 40);

/// Machines that are reached by SSH, and a home whose inventory names them.
pub(crate) struct Fleet {
    pub(crate) home: Home,
    pub(crate) sshds: Vec<Sshd>,
    _world: World,
}

impl Fleet {
    pub(crate) fn up(count: usize) -> Result<Self, String> {
        for name in ["sshd", "ssh-keygen"] {
            crate::sshd::program(name).ok_or(format!("{name} is not installed"))?;
        }
        if user() == "root" {
            // As root sshd wants its privilege separation directory, which a service would make.
            fs::create_dir_all("/run/sshd").map_err(|error| format!("/run/sshd: {error}"))?;
        }
        let world = World::new();
        let sshds: Vec<Sshd> = (0..count).map(|_| world.sshd("")).collect();
        let (user, key, known) = (user(), world.path("id"), world.path("known_hosts"));
        let nodes = sshds.iter().enumerate().map(|(at, sshd)| {
            format!(
                "[[cluster.node]]\nname = \"g{}\"\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\nkey = \"{}\"\n\
                 known_hosts = \"{}\"\n",
                at + 1,
                sshd.port,
                key.display(),
                known.display()
            )
        });
        let home = Home::new();
        home.write(INVENTORY, &format!("{HEAD}{}", nodes.collect::<String>()));
        Ok(Self { home, sshds, _world: world })
    }

    /// How many scripts the machines have run.
    pub(crate) fn scripts(&self) -> usize {
        self.sshds.iter().map(|sshd| sshd.log().matches("Starting session: command").count()).sum()
    }

    /// The program on this fleet, once every machine has been read and the screen stands still. It refreshes by itself
    /// unless it is `calm`.
    pub(crate) fn open(&self, calm: bool) -> Screen {
        let before = self.scripts();
        let screen = self.home.start(&[], &[], SIZE.0, SIZE.1);
        screen.until("every node was asked", |_| self.scripts() >= before + self.sshds.len());
        if calm {
            screen.keys("a");
        }
        screen.still(Duration::from_secs(2));
        screen
    }
}

pub(crate) const INVENTORY: &str = ".config/breakglass/inventory.toml";
pub(crate) const HEAD: &str =
    "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"shop\"\nfamily = \"galera\"\n";

/// A home whose three nodes accept and never say anything, and what keeps them so.
pub(crate) fn silent() -> (Home, Vec<TcpListener>) {
    let listeners: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let node = |(at, listener): (usize, &TcpListener)| {
        let port = listener.local_addr().expect("an address").port();
        format!("[[cluster.node]]\nname = \"g{}\"\nhost = \"127.0.0.1\"\nport = {port}\n", at + 1)
    };
    let home = Home::new();
    let nodes: String = listeners.iter().enumerate().map(node).collect();
    home.write(INVENTORY, &format!("{HEAD}{nodes}"));
    (home, listeners)
}

/// A place in the answers of a flood that is never the same twice.
const CHANGING: &str = "4711471147";

/// Nodes that answer at once: what one has said the first time it says again, with another position.
pub(crate) struct Flood(Home);

impl Flood {
    pub(crate) fn up(count: usize) -> Self {
        let home = Home::new();
        let state = format!(
            "# GALERA saved state\nversion: 2.1\nuuid:    0cb3db35-c5b1-11f0-a1b2-0242ac110002\nseqno:   {CHANGING}\n\
             safe_to_bootstrap: 0\n"
        );
        let data = home.write("data/grastate.dat", &state);
        let data = data.parent().expect("a folder").display();
        let me = std::env::current_exe().expect("a path");
        let node = |at: usize| {
            format!(
                "[[cluster.node]]\nname = \"g{at}\"\nvia = [\"{}\", \"{ANSWER}\", \"{}\", \"g{at}\", \"sh\", \"-s\"]\n\
                 datadir = \"{data}\"\n",
                me.display(),
                home.path().display()
            )
        };
        let nodes: String = (1..=count).map(node).collect();
        home.write(INVENTORY, &format!("{HEAD}{nodes}"));
        Self(home)
    }

    /// The program on it, its first survey done; it surveys only when it is told to.
    pub(crate) fn open(&self) -> Screen {
        let screen = self.0.start(&[], &[], SIZE.0, SIZE.1);
        screen.until("every node has answered", |screen| screen.contents().contains("finding"));
        screen.keys("a");
        screen.still(Duration::from_secs(2));
        screen
    }

    /// How many answers were given.
    pub(crate) fn answers(&self) -> usize {
        fs::metadata(self.0.path().join("answers")).map_or(0, |file| usize::try_from(file.len()).unwrap_or(0))
    }
}

/// The first argument of this program where it is a node of a flood.
pub(crate) const ANSWER: &str = "answer";

/// Answers as a node of a flood: `HOME NAME COMMAND…`. The command is run the first time only.
pub(crate) fn answer(arguments: &[String]) {
    let [home, name, command, rest @ ..] = arguments else { panic!("{arguments:?}") };
    let said = Path::new(home).join(name);
    let mut script = String::new();
    std::io::stdin().read_to_string(&mut script).expect("a script");
    let nonce = script.strip_prefix("__bg_").and_then(|rest| rest.get(..32)).expect("a nonce");
    if !said.exists() {
        let mut child = Command::new(command)
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).replace(nonce, "NONCE");
        // Whole or not at all.
        let new = said.with_extension("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &said)).expect("written");
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_millis();
    let position = format!("{:010}", 1_000_000_000 + now % 1_000_000_000);
    let text = fs::read_to_string(&said).expect("an answer");
    let text = text.replace("NONCE", nonce).replace(CHANGING, &position);
    std::io::stdout().write_all(text.as_bytes()).expect("it is read");
    let answers = OpenOptions::new().create(true).append(true).open(Path::new(home).join("answers"));
    answers.and_then(|mut file| file.write_all(b".")).expect("counted");
}
