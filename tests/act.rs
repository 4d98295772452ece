//! The scripts of the acts, run for real in every shell this machine has, in a root of their own: happening once, the
//! lease, what is told afterwards, and what must hold before anything is done. What they do to a real server is the lab
//! suite's.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test says what is wrong by panicking, and what it did not run on standard error"
)]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use breakglass::ask::act::{Act, Answer, Deed, Identity, Look, Order, Target, answer, recovered};
use breakglass::ask::script::{Nonce, compose, trailer};
use breakglass::facts::{NodeName, OpId, Plain, SessionId};

#[path = "act/long.rs"]
mod long;

const SHELLS: [&[&str]; 4] = [&["sh"], &["dash"], &["bash"], &["busybox", "sh"]];
const MACHINE: &str = "3d1219c7c4c5404aaa1f6d2a48adfda4";

/// The shells this machine has; says which it lacks.
fn shells() -> Vec<&'static [&'static str]> {
    let mut found = SHELLS.to_vec();
    found.retain(|words| {
        let there =
            Command::new(words[0]).args(&words[1..]).args(["-c", ":"]).status().is_ok_and(|s| s.success());
        if !there {
            eprintln!("not run in {}: this machine lacks it", words.join(" "));
        }
        there
    });
    assert!(!found.is_empty());
    found
}

fn op(n: u64) -> OpId {
    OpId::new(n, [1; 10])
}

fn session(n: u64) -> SessionId {
    SessionId::new(n, [2; 10])
}

/// A machine in a directory: its id, a data directory with an awkward name, tools of its own.
struct Machine {
    root: tempfile::TempDir,
    shell: &'static [&'static str],
    binary: String,
    unit: Option<&'static str>,
}

impl Machine {
    fn new(shell: &'static [&'static str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for place in ["etc", "run", "var/lib", "bin", "my 'dätä'"] {
            fs::create_dir_all(root.path().join(place)).unwrap();
        }
        let machine = Self { root, shell, binary: String::new(), unit: None };
        machine.put("etc/machine-id", &format!("{MACHINE}\n"));
        // The machine's own journal is not for tests.
        machine.tool("logger", "exit 0");
        machine
    }

    fn path(&self, place: &str) -> PathBuf {
        self.root.path().join(place)
    }

    fn put(&self, place: &str, text: &str) {
        fs::create_dir_all(self.path(place).parent().unwrap()).unwrap();
        fs::write(self.path(place), text).unwrap();
    }

    fn read(&self, place: &str) -> String {
        fs::read_to_string(self.path(place)).unwrap()
    }

    fn tool(&self, name: &str, body: &str) {
        self.put(&format!("bin/{name}"), &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(self.path(&format!("bin/{name}")), Permissions::from_mode(0o755)).unwrap();
    }

    fn identity(&self) -> Identity {
        let datadir = self.path("my 'dätä'");
        let stat = fs::metadata(&datadir).unwrap();
        Identity {
            host_key: None,
            machine_id: Plain::from(MACHINE),
            datadir: Plain::new(datadir.to_str().unwrap()),
            datadir_identity: Plain::new(format!("{}:{}", stat.dev(), stat.ino())),
        }
    }

    fn target(&self) -> Target {
        Target {
            unit: self.unit.map(Plain::from),
            user: Plain::from("root"),
            binary: Plain::new(&self.binary),
        }
    }

    fn act(&self, n: u64, of: u64, deed: Deed) -> Order {
        let node = NodeName::new("g1").unwrap();
        let act = Act {
            op: op(n),
            session: session(of),
            node,
            identity: self.identity(),
            target: self.target(),
            deed,
        };
        act.order((3, "beef"))
    }

    fn start(&self, order: &Order) -> Child {
        let root = self.root.path().to_str().unwrap();
        let body = order.body.replace("BG_ROOT=\n", &format!("BG_ROOT='{root}'\n"));
        let text = compose(&body, &order.arguments, &nonce());
        let tools = self.path("bin");
        let path = format!("{}:{}", tools.to_str().unwrap(), std::env::var("PATH").unwrap());
        let mut child = Command::new(self.shell[0])
            .args(&self.shell[1..])
            .arg("-s")
            .env("PATH", path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child
    }

    fn send(&self, order: &Order) -> Answer {
        let shell = self.shell;
        let output = self.start(order).wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
        let (body, status) = trailer(&output.stdout, &nonce())
            .unwrap_or_else(|| panic!("{shell:?}: {}", String::from_utf8_lossy(&output.stdout)));
        assert_eq!(status, 0, "{shell:?}");
        answer(body).unwrap_or_else(|e| panic!("{shell:?}: {e}: {}", String::from_utf8_lossy(body)))
    }

    fn take(&self, n: u64, of: u64, over: Option<u64>) -> Answer {
        self.send(&self.act(
            n,
            of,
            Deed::TakeLease { holder: Plain::from("ann's on ws"), over: over.map(session) },
        ))
    }

    fn follow(&self, n: u64, settle: bool) -> Answer {
        self.send(&Look::Follow { machine: MACHINE.into(), op: op(n), settle }.order())
    }

    /// A process that could be the server, in the data directory until its standard input is closed. It sits among a
    /// server's files, so that other machines here know it for another's.
    fn serves(&self) -> Child {
        let binary = self.path("mariadbd");
        fs::copy("/bin/sh", &binary).unwrap();
        self.put("my 'dätä'/ibdata1", "");
        let mut child = Command::new(&binary);
        child.args(["-c", "read -r x", "mariadbd"]).current_dir(self.path("my 'dätä'"));
        child.stdin(Stdio::piped()).spawn().unwrap()
    }

    fn with_unit(mut self) -> Self {
        self.unit = Some("db.service");
        fs::create_dir_all(self.path("run/systemd/system")).unwrap();
        self
    }
}

fn nonce() -> Nonce {
    Nonce::new([5; 16])
}

fn done(answer: &Answer) -> String {
    match answer {
        Answer::Done { status: 0, output } => String::from_utf8(output.clone()).unwrap(),
        other => panic!("not done: {other:?}"),
    }
}

fn refused(answer: &Answer) -> &str {
    match answer {
        Answer::Refused { word, .. } => word,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_lease_is_one_sessions_and_goes_without_a_trace() {
    for shell in shells() {
        let machine = Machine::new(shell);
        assert_eq!(refused(&machine.send(&machine.act(9, 1, Deed::DropCheck))), "lease", "nobody holds it");
        assert!(!machine.path("var/lib/breakglass").exists(), "what is refused leaves nothing");
        done(&machine.take(1, 1, None));
        done(&machine.take(2, 1, None));
        let Answer::Refused { word, text } = machine.take(3, 2, None) else {
            panic!("{shell:?}: taken twice")
        };
        assert_eq!(word, "lease");
        assert!(
            text.as_str().contains("ann's on ws") && text.as_str().contains(session(1).as_str()),
            "{text}"
        );
        assert_eq!(refused(&machine.take(3, 2, Some(7))), "lease", "over another session than the holder");
        assert_eq!(refused(&machine.send(&machine.act(4, 2, Deed::DropCheck))), "lease");
        done(&machine.take(5, 2, Some(1)));
        assert_eq!(refused(&machine.take(6, 1, None)), "lease");
        assert_eq!(
            refused(&machine.send(&machine.act(7, 1, Deed::ReleaseLease { buried: Vec::new() }))),
            "lease"
        );
        let mode = fs::metadata(machine.path("var/lib/breakglass")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);

        assert_eq!(machine.follow(8, true), Answer::Absent);
        done(&machine.send(&machine.act(10, 2, Deed::ReleaseLease { buried: Vec::new() })));
        assert_eq!(machine.follow(5, false), Answer::NotBegun);
        let left: Vec<String> = fs::read_dir(machine.path("var/lib/breakglass/ops"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(left.len(), 2, "{shell:?}: what another session did is its own to follow: {left:?}");
        done(&machine.take(11, 1, None));
        done(&machine.send(&machine.act(12, 1, Deed::ReleaseLease { buried: Vec::new() })));
        done(&machine.send(&machine.act(12, 1, Deed::ReleaseLease { buried: Vec::new() })));
        assert!(!machine.path("var/lib/breakglass").exists(), "{shell:?}");
    }
}

#[test]
fn the_host_is_the_one_that_was_shown() {
    let machine = Machine::new(SHELLS[0]);
    let order = machine.act(1, 1, Deed::TakeLease { holder: Plain::from("x"), over: None });
    machine.put("etc/machine-id", "00000000000000000000000000000000\n");
    assert_eq!(refused(&machine.send(&order)), "identity");
    machine.put("etc/machine-id", &format!("{MACHINE}\n"));
    fs::rename(machine.path("my 'dätä'"), machine.path("old")).unwrap();
    assert_eq!(refused(&machine.send(&order)), "identity");
    fs::create_dir(machine.path("my 'dätä'")).unwrap();
    assert_eq!(refused(&machine.send(&order)), "identity", "a path is not a directory's identity");
    fs::remove_dir(machine.path("my 'dätä'")).unwrap();
    fs::rename(machine.path("old"), machine.path("my 'dätä'")).unwrap();
    done(&machine.send(&order));
}

#[test]
fn an_act_happens_once_and_is_told_as_it_was() {
    for shell in shells() {
        let machine = Machine::new(shell);
        machine.tool(
            "mariadb",
            "echo asked >>\"${0%/*}/asked\"; case \"$*\" in *REPLACE*) echo row; exit 3;; esac",
        );
        done(&machine.take(1, 1, None));
        let write = machine.act(2, 1, Deed::Write { token: Plain::from("t-1") });
        assert_eq!(machine.follow(2, false), Answer::NotBegun);
        let first = machine.send(&write);
        assert_eq!(first, Answer::Done { status: 3, output: b"row\n".to_vec() }, "{shell:?}");
        let asked = machine.read("bin/asked").lines().count();
        assert_eq!(machine.send(&write), first);
        assert_eq!(machine.follow(2, false), first);
        assert_eq!(machine.follow(2, true), first);
        assert_eq!(machine.read("bin/asked").lines().count(), asked, "{shell:?}: done twice");

        // What is settled as not begun never begins, also when its message comes late.
        let late = machine.act(3, 1, Deed::Write { token: Plain::from("t-2") });
        assert_eq!(machine.follow(3, true), Answer::Absent);
        assert_eq!(machine.send(&late), Answer::Absent);
        assert_eq!(machine.read("bin/asked").lines().count(), asked);

        let bad = machine.act(4, 1, Deed::Write { token: Plain::from("x' OR '1") });
        assert_eq!(refused(&machine.send(&bad)), "malformed");
        assert_eq!(refused(&machine.follow(4, false)), "malformed", "a refusal is told again");
    }
}

#[test]
fn what_was_cut_off_is_vanished_and_what_goes_on_is_running() {
    for shell in shells() {
        let machine = Machine::new(shell);
        machine.tool("mariadb", "case \"$*\" in *REPLACE*) sleep 4;; esac");
        done(&machine.take(1, 1, None));
        let mut child = machine.start(&machine.act(2, 1, Deed::Write { token: Plain::from("t") }));
        let begun = machine.path(&format!("var/lib/breakglass/ops/{}/pid", op(2)));
        let since = Instant::now();
        while !begun.exists() && since.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(machine.follow(2, true), Answer::Running, "{shell:?}");
        // Whoever sent it is gone; the work goes on.
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(machine.follow(2, true), Answer::Running, "{shell:?}");
        let pid = fs::read_to_string(&begun).unwrap();
        let pid = pid.split(' ').next().unwrap();
        assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
        assert_eq!(machine.follow(2, true), Answer::Vanished, "{shell:?}");
        // The power went between the name and the bytes.
        fs::write(machine.path(&format!("var/lib/breakglass/ops/{}/result", op(2))), "").unwrap();
        assert_eq!(machine.follow(2, true), Answer::Vanished, "{shell:?}");
    }
}

/// A systemctl that keeps what the freeze is proved by.
const SYSTEMCTL: &str = r#"
run=${0%/bin/*}/run/systemd/system
dropin=$run/db.service.d/zz-breakglass.conf
state=$(cat "${0%/*}/state" 2>/dev/null)
case "$*" in
*breakglass-*) echo ActiveState=inactive; exit 0 ;;
"start db.service") if [ -f "${0%/*}/start" ]; then . "${0%/*}/start"; fi; echo active >"${0%/*}/state"; exit 0 ;;
unset-environment*) : >"${0%/*}/environment"; exit 0 ;;
*@bootstrap*) echo LoadState=not-found; exit 0 ;;
daemon-reload) if [ -f "$dropin" ]; then echo yes; else echo no; fi >"${0%/*}/frozen"; exit 0 ;;
"stop db.service") echo failed >"${0%/*}/state"; exit 0 ;;
show-environment) cat "${0%/*}/environment" 2>/dev/null || :; exit 0 ;;
esac
frozen=$(cat "${0%/*}/frozen" 2>/dev/null)
for word in "$@"; do
  case $word in
  LoadState) echo LoadState=loaded ;;
  ActiveState) case $state in auto-restart) echo ActiveState=activating ;; *) echo "ActiveState=${state:-active}" ;; esac ;;
  SubState) echo "SubState=$state" ;;
  Restart) if [ "$frozen" = yes ]; then echo Restart=no; else echo Restart=on-abnormal; fi ;;
  TimeoutStartUSec) if [ "$frozen" = yes ]; then echo TimeoutStartUSec=infinity; else echo TimeoutStartUSec=15min; fi ;;
  DropInPaths) if [ "$frozen" = yes ]; then echo "DropInPaths=$dropin"; else echo DropInPaths=; fi ;;
  esac
done
"#;

#[test]
fn a_freeze_is_proved_and_only_its_own_session_lifts_it() {
    for shell in shells() {
        let machine = Machine::new(shell).with_unit();
        machine.tool("systemctl", SYSTEMCTL);
        machine.put("bin/state", "auto-restart");
        done(&machine.take(1, 1, None));
        let said = done(&machine.send(&machine.act(2, 1, Deed::Freeze)));
        assert!(said.contains("called off") && said.contains("db.service is frozen"), "{shell:?}: {said}");
        let drop_in = machine.read("run/systemd/system/db.service.d/zz-breakglass.conf");
        assert!(drop_in.starts_with(&format!("# breakglass session {}\n", session(1))));
        assert!(drop_in.contains("\nAssertPathExists=/run/breakglass/start-allowed\n"), "{drop_in}");
        assert!(drop_in.contains("\nRestart=no\nTimeoutStartSec=infinity\n"));
        let gate = machine.path("run/breakglass/start-allowed");
        machine.put("run/breakglass/start-allowed", "");
        done(&machine.send(&machine.act(3, 1, Deed::Freeze)));
        assert!(!gate.exists(), "{shell:?}: the gate that one left open");
        assert_eq!(
            refused(&machine.send(&machine.act(4, 1, Deed::ReleaseLease { buried: Vec::new() }))),
            "frozen"
        );

        // A dead session's freeze is taken over, and lifted by whoever took it over.
        done(&machine.take(5, 2, Some(1)));
        assert_eq!(refused(&machine.send(&machine.act(6, 2, Deed::Unfreeze))), "freeze");
        // Given back now, nobody's lease would say by whom the node is frozen.
        let Answer::Refused { word, text } =
            machine.send(&machine.act(11, 2, Deed::ReleaseLease { buried: Vec::new() }))
        else {
            panic!("{shell:?}: released")
        };
        assert!(word == "frozen" && text.as_str().contains(session(1).as_str()), "{text}");
        done(&machine.send(&machine.act(7, 2, Deed::Freeze)));
        machine.put("bin/state", "activating");
        assert_eq!(refused(&machine.send(&machine.act(8, 2, Deed::Unfreeze))), "starting");
        machine.put("bin/state", "active");
        machine.put("run/breakglass/start-allowed", "");
        assert!(done(&machine.send(&machine.act(9, 2, Deed::Unfreeze))).contains("no longer frozen"));
        assert!(!machine.path("run/systemd/system/db.service.d").exists() && !gate.exists());
        done(&machine.send(&machine.act(12, 2, Deed::ReleaseLease { buried: Vec::new() })));
        done(&machine.take(13, 2, None));

        // A freeze that systemd does not show is none.
        machine.tool("systemctl", &SYSTEMCTL.replace("daemon-reload)", "daemon-reload) exit 0 ;; never)"));
        machine.put("bin/frozen", "no");
        let answer = machine.send(&machine.act(10, 2, Deed::Freeze));
        assert!(matches!(&answer, Answer::Done { status: 1, .. }), "{shell:?}: {answer:?}");
    }
}

#[test]
fn leftovers_go_into_quarantine_and_nothing_else_changes() {
    for shell in shells() {
        let machine = Machine::new(shell);
        done(&machine.take(1, 1, None));
        let stock =
            "[mysqld]\n#wsrep_new_cluster\nwsrep_new_cluster=OFF\nwsrep_cluster_address=gcomm://a,b\n";
        machine.put("etc/mysql/stock.cnf", stock);
        machine.put("etc/mysql/conf.d/x y.cnf", "[mysqld]\nwsrep-new-cluster\nport=1 # \\\n");
        fs::set_permissions(machine.path("etc/mysql/conf.d/x y.cnf"), Permissions::from_mode(0o640)).unwrap();
        machine.put("etc/default/mysql", "_WSREP_NEW_CLUSTER='--wsrep-new-cluster'\n");
        machine.put("run/mysqld/wsrep-new-cluster", "");
        let said = done(&machine.send(&machine.act(2, 1, Deed::ClearLeftovers)));
        assert!(said.contains("nothing is left"), "{said}");
        assert_eq!(said.matches(" sha256 ").count(), 3, "{shell:?}: {said}");
        assert_eq!(machine.read("etc/mysql/stock.cnf"), stock);
        assert_eq!(
            machine.read("etc/mysql/conf.d/x y.cnf"),
            "[mysqld]\n# breakglass: wsrep-new-cluster\nport=1 # \\\n"
        );
        assert_eq!(fs::metadata(machine.path("etc/mysql/conf.d/x y.cnf")).unwrap().mode() & 0o777, 0o640);
        assert!(machine.read("etc/default/mysql").starts_with("# breakglass: "));
        assert!(!machine.path("run/mysqld/wsrep-new-cluster").exists());
        let kept = machine.path(&format!("var/lib/breakglass/quarantine/{}", session(1)));
        let manifest = fs::read_to_string(kept.join("MANIFEST")).unwrap();
        assert!(said.starts_with(manifest.lines().next().unwrap()), "{shell:?}: {manifest}\n{said}");
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 4);
        done(&machine.send(&machine.act(3, 1, Deed::ClearLeftovers)));

        // A cluster address that names nobody: only its owner knows whom it should name.
        machine.put("etc/mysql/y.cnf", "[galera]\nwsrep_cluster_address = \"gcomm://\"\n");
        assert_eq!(refused(&machine.send(&machine.act(4, 1, Deed::ClearLeftovers))), "by-hand");
        fs::remove_file(machine.path("etc/mysql/y.cnf")).unwrap();
        by_hand(&machine);
        done(&machine.send(&machine.act(5, 1, Deed::ReleaseLease { buried: Vec::new() })));
        assert!(kept.exists(), "what was moved away outlives the session");
        let left = fs::read_dir(machine.path("var/lib/breakglass")).unwrap().count();
        assert_eq!(left, 1, "{shell:?}: nothing but the quarantine");
    }
}

#[test]
fn a_saved_view_of_the_node_alone_goes_into_quarantine_and_another_stays() {
    let other = "member: 0cb32036-e56d-11f1-af3f-2a57ada6977c 0\n";
    let lone = format!(
        "my_uuid: 9febc8e3-e628-11f1-a398-b79fc432aa0a\n#vwbeg\nview_id: 3 9febc8e3-e628-11f1-a398-b79fc432aa0a 4\n\
         bootstrap: 1\n{}#vwend\n",
        other.replace("0cb32036-e56d-11f1-af3f-2a57ada6977c", "9febc8e3-e628-11f1-a398-b79fc432aa0a")
    );
    let view = "my 'dätä'/gvwstate.dat";
    for shell in shells() {
        let machine = Machine::new(shell);
        done(&machine.take(1, 1, None));
        let two = lone.replace("#vwend", &format!("{other}#vwend"));
        for (n, stays) in (10..).zip([two.as_str(), "", "\0\0", "nothing of a view\n"]) {
            machine.put(view, stays);
            let said = done(&machine.send(&machine.act(n, 1, Deed::ClearLeftovers)));
            assert!(!said.contains(" sha256 "), "{shell:?}: {said}");
            assert_eq!(machine.read(view), stays);
        }
        // A server in the data directory: the view is its own.
        machine.put(view, &lone);
        let mut server = machine.serves();
        let said = done(&machine.send(&machine.act(4, 1, Deed::ClearLeftovers)));
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(machine.path(view).exists(), "{shell:?}: {said}");

        let said = done(&machine.send(&machine.act(5, 1, Deed::ClearLeftovers)));
        assert!(!machine.path(view).exists(), "{shell:?}: {said}");
        let kept = format!("var/lib/breakglass/quarantine/{}/1-gvwstate.dat", session(1));
        assert_eq!(machine.read(&kept), lone);
        assert!(
            said.contains("gvwstate.dat sha256 ") && said.contains("nothing is left"),
            "{shell:?}: {said}"
        );
    }
}

/// A line that holds more than the one option is its owner's to change: commented out, the rest would be gone too.
fn by_hand(machine: &Machine) {
    let shell = machine.shell;
    let path = "etc/systemd/system/mysql.service.d/x.conf";
    let shown = machine.path(path).to_str().unwrap().to_owned();
    for (n, line) in [
        "ExecStart=/usr/sbin/mariadbd --wsrep-new-cluster",
        "ExecStart=/usr/sbin/mariadbd --wsrep_new_cluster --password=secret",
        "Environment=A=1 _WSREP_NEW_CLUSTER=--wsrep-new-cluster",
        "Environment=\"MYSQLD_OPTS=--datadir=/x --wsrep-new-cluster\"",
        "Environment=\"_WSREP_NEW_CLUSTER=--wsrep-new-cluster --x\"",
        "_WSREP_NEW_CLUSTER='--wsrep-new-cluster'; A=1",
        "wsrep_new_cluster=1 more",
    ]
    .iter()
    .enumerate()
    {
        let text = format!("[Service]\n{line}\n");
        machine.put(path, &text);
        let n = 100 + u64::try_from(n).unwrap();
        let Answer::Refused { word, text: said } = machine.send(&machine.act(n, 1, Deed::ClearLeftovers))
        else {
            panic!("{shell:?}: {line}")
        };
        assert_eq!(word, "by-hand", "{shell:?}: {line}: {said}");
        let said = said.as_str();
        assert!(said.contains(&format!("{shown}:2 holds more")) && !said.contains("secret"), "{said}");
        assert_eq!(machine.read(path), text);
    }
    for (n, line) in [
        "Environment=_WSREP_NEW_CLUSTER=--wsrep-new-cluster",
        "Environment=\"_WSREP_NEW_CLUSTER=--wsrep-new-cluster\"",
        "export _WSREP_NEW_CLUSTER='--wsrep-new-cluster'",
        "  wsrep-new-cluster = 1 # for now",
        "wsrep_new_cluster\r",
    ]
    .iter()
    .enumerate()
    {
        machine.put(path, &format!("[Service]\n{line}\nRestart=no\n"));
        done(&machine.send(&machine.act(200 + u64::try_from(n).unwrap(), 1, Deed::ClearLeftovers)));
        assert_eq!(machine.read(path), format!("[Service]\n# breakglass: {line}\nRestart=no\n"), "{shell:?}");
    }
    fs::remove_file(machine.path(path)).unwrap();
}

fn is_root() -> bool {
    Path::new("/proc/self").metadata().unwrap().uid() == 0
}

#[test]
fn a_long_deed_runs_apart_with_every_argument_and_tells_its_end() {
    if !is_root() {
        eprintln!("not run: a recovery takes root");
        return;
    }
    for shell in shells() {
        let mut machine = Machine::new(shell);
        let position = "0cb3db35-e56d-11f1-98c2-3bdded13c08b:42";
        machine.tool(
            "server",
            &format!("echo \"$@\" >>\"${{0%/*}}/asked\"; echo 'WSREP: Recovered position: {position}' >&2"),
        );
        machine.binary = machine.path("bin/server").to_str().unwrap().to_owned();
        done(&machine.take(1, 1, None));
        // A donor that was killed keeps the first; only the second is a joiner's.
        machine.put("my 'dätä'/wsrep_sst.pid", "");
        machine.put("my 'dätä'/sst_in_progress", "");
        assert_eq!(refused(&machine.send(&machine.act(2, 1, Deed::RecoverDirect))), "transfer");
        fs::remove_file(machine.path("my 'dätä'/sst_in_progress")).unwrap();
        let order = machine.act(3, 1, Deed::RecoverDirect);
        let first = machine.send(&order);
        let Answer::Done { status: 0, output } = &first else { panic!("{shell:?}: {first:?}") };
        assert!(recovered(output).is(|position| position.seqno.get() == 42));
        assert_eq!(machine.send(&order), first);
        assert_eq!(machine.follow(3, false), first);
        let asked = machine.read("bin/asked");
        assert_eq!(asked.lines().count(), 1, "{shell:?}: run twice");
        assert!(
            asked.contains(&format!("--datadir={} ", machine.path("my 'dätä'").to_str().unwrap())),
            "{asked}"
        );

        assert_eq!(
            refused(&machine.send(&machine.act(5, 1, Deed::Start { together: false }))),
            "no-way",
            "there is no service manager"
        );
        if shell != SHELLS[0] {
            continue;
        }
        // One that takes longer is left alone: nothing of it holds our output.
        machine.tool("server", "sleep 14");
        let since = Instant::now();
        assert_eq!(machine.send(&machine.act(4, 1, Deed::RecoverDirect)), Answer::Running, "{shell:?}");
        assert!(since.elapsed() < Duration::from_millis(13_900), "{shell:?}: {:?}", since.elapsed());
        assert_eq!(machine.follow(4, true), Answer::Running);
        while machine.follow(4, false) == Answer::Running {
            std::thread::sleep(Duration::from_millis(200));
        }
        assert!(matches!(machine.follow(4, false), Answer::Done { status: 0, .. }));
    }
}
