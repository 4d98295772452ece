//! Driving a lab through the program, as an operator does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const BREAKGLASS: &str = env!("CARGO_BIN_EXE_breakglass");

/// What a lab needs of this host.
pub(crate) fn requirements() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("needs root".to_owned());
    }
    for program in ["systemd-nspawn", "mmdebstrap", "iptables", "ip", "mkfs.ext4", "nsenter"] {
        let found = std::env::var("PATH")
            .unwrap_or_default()
            .split(':')
            .chain(["/usr/sbin", "/sbin"])
            .any(|dir| PathBuf::from(dir).join(program).exists());
        if !found {
            return Err(format!("{program} is not installed"));
        }
    }
    Ok(())
}

/// Waits until `test` holds; panics with `what` after `within`.
pub(crate) fn until(within: Duration, what: &str, test: impl Fn() -> bool) {
    let end = Instant::now() + within;
    while !test() {
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A lab that is taken down when dropped.
pub(crate) struct Lab {
    name: String,
    arguments: Vec<String>,
    path: String,
    scratch: tempfile::TempDir,
}

impl Lab {
    /// A fresh lab; an old one of that name is taken down first.
    pub(crate) fn up(name: &str, arguments: &[&str]) -> Self {
        down(name);
        let mut lab = Self {
            name: name.to_owned(),
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            path: String::new(),
            scratch: tempfile::tempdir().expect("a directory"),
        };
        let begun = Instant::now();
        lab.path = lab.up_again();
        eprintln!("  lab {name} {} up in {:.1} s", arguments.join(" "), begun.elapsed().as_secs_f64());
        lab
    }

    /// `lab up` once more; returns what it printed.
    pub(crate) fn up_again(&self) -> String {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        output(&[&["lab", "up", &self.name], &arguments[..]].concat()).trim_end().to_owned()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn inventory(&self) -> String {
        std::fs::read_to_string(&self.path).expect("the inventory")
    }

    /// The inventory with this `[cluster.defaults.sql]` table, in a file of its own.
    pub(crate) fn inventory_with(&self, sql: &str) -> PathBuf {
        let at = "\n[[cluster.node]]";
        let text = self.inventory().replacen(at, &format!("\n[cluster.defaults.sql]\n{sql}\n{at}"), 1);
        self.keep("sql.toml", &text)
    }

    pub(crate) fn keep(&self, name: &str, text: &str) -> PathBuf {
        let path = self.scratch.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Exit code and document of `status --json`.
    pub(crate) fn status(&self) -> (i32, Value) {
        Self::status_with(Path::new(&self.path))
    }

    pub(crate) fn status_with(inventory: &Path) -> (i32, Value) {
        let out = Command::new(BREAKGLASS)
            .args(["status", "--json", "--inventory"])
            .arg(inventory)
            .stdin(Stdio::null())
            .output()
            .expect("breakglass runs");
        let text = String::from_utf8_lossy(&out.stdout);
        let value = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("status: {e}\n{text}\n{}", String::from_utf8_lossy(&out.stderr)));
        (out.status.code().unwrap_or(-1), value)
    }

    /// The page an operator would see, for a failed test's message.
    pub(crate) fn status_text(&self) -> String {
        let out =
            Command::new(BREAKGLASS).args(["status", "--inventory", &self.path]).output().expect("it runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    pub(crate) fn fault(&self, kind: &str, nodes: &[&str]) -> String {
        output(&[&["lab", "fault", &self.name, kind], nodes].concat()).trim_end().to_owned()
    }

    pub(crate) fn fault_code(&self, kind: &str, node: &str) -> i32 {
        run(&["lab", "fault", &self.name, kind, node]).status.code().unwrap_or(-1)
    }

    pub(crate) fn heal(&self, id: &str) {
        output(&["lab", "heal", &self.name, id]);
    }

    pub(crate) fn heal_all(&self) {
        output(&["lab", "heal", &self.name]);
    }

    pub(crate) fn exec(&self, node: &str, argv: &[&str]) -> String {
        let out = run(&[&["lab", "exec", &self.name, node, "--"], argv].concat());
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    pub(crate) fn exec_code(&self, node: &str, argv: &[&str]) -> i32 {
        run(&[&["lab", "exec", &self.name, node, "--"], argv].concat()).status.code().unwrap_or(-1)
    }

    pub(crate) fn sql(&self, node: &str, statement: &str) -> String {
        self.exec(
            node,
            &["timeout", "-k", "1", "8", "mariadb", "-N", "-B", "--connect-timeout=3", "-e", statement],
        )
    }

    /// The unit's ActiveState.
    pub(crate) fn unit(&self, node: &str) -> String {
        self.exec(node, &["systemctl", "show", "mariadb", "-p", "ActiveState", "--value"])
            .trim_end()
            .to_owned()
    }

    /// Waits until each node says by itself that it is in a group of this status and size.
    pub(crate) fn until_group(&self, nodes: &[&str], status: &str, size: u64) {
        let wanted = format!("OPERATIONAL {size} {status}");
        let query = "SELECT GROUP_CONCAT(variable_value ORDER BY variable_name DESC SEPARATOR ' ') FROM \
                     information_schema.global_status WHERE variable_name IN \
                     ('WSREP_CLUSTER_STATUS','WSREP_CLUSTER_SIZE','WSREP_EVS_STATE')";
        for node in nodes {
            until(Duration::from_mins(1), &format!("{node} in a {status} group of {size}"), || {
                let mut found: Vec<String> =
                    self.sql(node, query).split_whitespace().map(str::to_owned).collect();
                let mut wanted: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
                found.sort();
                wanted.sort();
                found == wanted
            });
        }
    }

    /// Waits until the program itself calls the cluster healthy.
    pub(crate) fn until_healthy(&self) {
        until(Duration::from_mins(2), "healthy again", || self.status().0 == 0);
    }

    /// Bootstraps `first` and starts the others, by hand.
    pub(crate) fn form_again(&self, first: &str) {
        assert_eq!(self.exec_code(first, &["galera_new_cluster"]), 0, "bootstrap of {first}");
        for node in ["g1", "g2", "g3"].iter().filter(|node| **node != first) {
            assert_eq!(self.exec_code(node, &["systemctl", "start", "mariadb"]), 0, "start of {node}");
        }
        self.until_healthy();
    }

    /// A writer inside the machine, until dropped; returns once it has written.
    pub(crate) fn load(&self, node: &str) -> Load<'_> {
        self.sql(node, "CREATE DATABASE IF NOT EXISTS t; CREATE TABLE IF NOT EXISTS t.w (id INT AUTO_INCREMENT PRIMARY KEY, pad CHAR(100))");
        let script =
            "while :; do mariadb -e \"INSERT INTO t.w (pad) VALUES (REPEAT('x',100))\" || sleep 0.1; done";
        self.exec(node, &["systemd-run", "-q", "--collect", "--unit=writer", "sh", "-c", script]);
        let load = Load { lab: self, node: node.to_owned() };
        until(Duration::from_secs(20), "rows are written", || {
            self.sql(node, "SELECT COUNT(*) > 20 FROM t.w").trim() == "1"
        });
        load
    }

    /// Holds so many connections to the server until its `sleep`s are killed.
    pub(crate) fn hold_connections(&self, node: &str, n: u32) {
        let script = format!("for i in $(seq {n}); do (sleep 300 | mariadb >/dev/null 2>&1) & done; wait");
        self.exec(node, &["systemd-run", "-q", "--collect", "--unit=holders", "sh", "-c", &script]);
        until(Duration::from_secs(10), "no connection is left", || {
            self.exec(node, &["sh", "-c", "mariadb -e 'select 1' 2>&1"]).contains("Too many connections")
        });
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        down(&self.name);
    }
}

/// A writer that ends when dropped.
pub(crate) struct Load<'a> {
    lab: &'a Lab,
    node: String,
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.lab.exec(&self.node, &["systemctl", "kill", "-s", "KILL", "writer"]);
    }
}

fn run(arguments: &[&str]) -> std::process::Output {
    Command::new(BREAKGLASS).args(arguments).stdin(Stdio::null()).output().expect("breakglass runs")
}

fn output(arguments: &[&str]) -> String {
    let out = run(arguments);
    assert!(
        out.status.success(),
        "breakglass {}: {:?}\n{}",
        arguments.join(" "),
        out.status.code(),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn down(name: &str) {
    output(&["lab", "down", name]);
}

/// No mount, interface, loop device, cgroup or process speaks of the lab any more.
pub(crate) fn nothing_left(name: &str) {
    let trace = format!("/{name}/");
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    assert!(!mounts.contains(&trace), "mounts of {name} are left");
    assert!(!PathBuf::from("/var/lib/breakglass-lab").join(name).exists(), "the state of {name} is left");
    let loops = Command::new("losetup").arg("-a").output().expect("losetup runs");
    assert!(!String::from_utf8_lossy(&loops.stdout).contains(&trace), "loop devices of {name} are left");
    for process in std::fs::read_dir("/proc").expect("proc").flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        assert!(!line.contains("nspawn") || !line.contains(&trace), "a machine of {name} is left: {line}");
    }
}
