//! The probe's script, run for real in every shell this machine has, and its answer read.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test says what is wrong by panicking, and what it did not run on standard error"
)]

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use breakglass::ask::probe::{self, Answer, Request};
use breakglass::facts::{Facts, Key, Known, NodeName, Plain, ReachWord, Role, ValueType, WhyKind, keys};
use breakglass::inventory::{Node, Server, Sql, Transport};
use jiff::Timestamp;

const SHELLS: [&[&str]; 4] = [&["sh"], &["dash"], &["bash"], &["busybox", "sh"]];
const CLEAN: &[u8] = include_bytes!("fixtures/galera/11-parsing/clean-control.grastate.dat");
const VIEW: &[u8] = b"my_uuid: 0cb32036-e56d-11f1-af3f-2a57ada6977c\n#vwbeg\n\
    view_id: 3 0cb32036-e56d-11f1-af3f-2a57ada6977c 3\nbootstrap: 0\n\
    member: 0cb32036-e56d-11f1-af3f-2a57ada6977c 0\n#vwend\n";

/// The tests share one machine and its processes.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

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

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Runs the probe as a transport would and reads its answer.
fn run(shell: &[&str], server: &Server, sql: &Sql, path: Option<&Path>, nobody: bool) -> Answer {
    run_for(shell, &Request::new(server, sql), path, nobody, None)
}

/// Runs what was requested, on a machine whose /etc, /run and /var stand below `root`.
fn run_for(
    shell: &[&str],
    request: &Request,
    path: Option<&Path>,
    nobody: bool,
    root: Option<&Path>,
) -> Answer {
    let arguments: Vec<String> = request.arguments().iter().map(|a| quote(a)).collect();
    let script = format!(
        "set -- {}\nbody() {{\n{}\n}}\nbody \"$@\" </dev/null\n",
        arguments.join(" "),
        request.script()
    );
    let script = match root {
        Some(root) => {
            script.replacen("BG_ROOT=\n", &format!("BG_ROOT={}\n", quote(root.to_str().unwrap())), 1)
        }
        None => script,
    };
    let mut words: Vec<&str> = Vec::new();
    if nobody {
        words.extend(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    }
    words.extend(shell);
    words.push("-s");
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(path) = path {
        let mut all = OsString::from(path);
        all.push(":");
        all.push(std::env::var_os("PATH").unwrap());
        command.env("PATH", all);
    }
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shell:?}: {said}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
    assert!(output.stdout.len() < 128 * 1024);
    probe::read(request, &output.stdout, Timestamp::now())
        .unwrap_or_else(|e| panic!("{shell:?}: {e}\n{said}"))
}

/// A data directory with a blank and a letter of two bytes in its name, and some state.
fn datadir() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
    let datadir = root.path().join("my dätä");
    fs::create_dir(&datadir).unwrap();
    fs::set_permissions(&datadir, Permissions::from_mode(0o755)).unwrap();
    fs::write(datadir.join("grastate.dat"), CLEAN).unwrap();
    fs::write(datadir.join("gvwstate.dat"), VIEW).unwrap();
    fs::create_dir(datadir.join("mysql")).unwrap();
    (root, datadir)
}

fn server(datadir: &Path) -> Server {
    Server { datadir: Some(datadir.to_str().unwrap().to_owned()), ..Server::default() }
}

/// A node of this role, without a server of its own choosing.
fn node(role: Role) -> Request {
    Request::of(&Node {
        name: NodeName::new("n1").unwrap(),
        role,
        transport: Transport::Command(vec!["sh".to_owned(), "-s".to_owned()]),
        sudo: false,
        sql: Sql::None,
        server: Server::default(),
    })
}

/// A folder of tools that stand in front of this machine's.
fn tools(root: &Path, all: &[(&str, &str)]) -> PathBuf {
    let folder = root.join("bin");
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in all {
        fs::write(folder.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// A process of this name and with these words, which does nothing until it is dropped.
struct Idle(std::process::Child);

impl Idle {
    fn new(root: &Path, name: &str, words: &[&str]) -> Self {
        let binary = root.join(name);
        fs::copy("/bin/sh", &binary).unwrap();
        // What it waits for never comes: its standard input stays open as long as it is kept.
        let child = Command::new(&binary)
            .args(["-c", "read -r x", name])
            .args(words)
            .current_dir(root)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn shown(found: &Known<Vec<Plain>>) -> Vec<&str> {
    found.known().unwrap().iter().map(Plain::as_str).collect()
}

fn kind<T: ValueType>(facts: &Facts, key: Key<T>) -> WhyKind {
    facts.get(key).why().unwrap_or_else(|| panic!("{} is known", key.name())).kind
}

fn super_user() -> bool {
    rustix::process::getuid().is_root()
}

#[test]
fn state_files_come_back_exactly_in_every_shell() {
    let _alone = alone();
    let (_root, datadir) = datadir();
    let padded = [CLEAN, b"  \0"].concat();
    fs::write(datadir.join("grastate.dat"), &padded).unwrap();
    fs::write(datadir.join("sst_in_progress"), b"").unwrap();
    for shell in shells() {
        let facts = run(shell, &server(&datadir), &Sql::None, None, false).facts;
        assert!(facts.get(keys::GRASTATE_RAW).is(|raw| raw.as_str().ends_with("0\\u{a}  \\u{0}")));
        assert!(facts.get(keys::GRASTATE_SEQNO).is(|seqno| seqno.get() == 12481), "{shell:?}");
        assert!(
            facts.get(keys::GRASTATE_MTIME).is(|mtime| mtime.duration_until(Timestamp::now()).as_secs() < 60)
        );
        assert!(facts.get(keys::GVWSTATE_MEMBERS).is(|members| members.len() == 1));
        assert!(facts.get(keys::DATADIR_PATH).is(|path| path.as_str() == datadir.to_str().unwrap()));
        assert!(facts.get(keys::DATADIR_SYSTEM_SCHEMA).is(|there| *there));
        assert!(facts.get(keys::TRANSFER_MARKERS).is(|m| m.len() == 1 && m[0].as_str() == "sst_in_progress"));
        assert!(facts.get(keys::DISK_FREE).is(|free| *free > 0), "{:?}", facts.get(keys::DISK_FREE));
        assert!(facts.get(keys::DISK_READ_ONLY).is(|read_only| !*read_only));
        assert!(facts.get(keys::LISTEN_SQL).known().is_some());
        assert!(facts.get(keys::HOST_CLOCK_SKEW).is(|skew| skew.abs() <= 2));
        assert!(facts.get(keys::HOST_UPTIME).known().is_some());
        assert!(facts.get(keys::TRANSFER_PROCESSES).known().is_some());
        assert!(
            facts.get(keys::LEFTOVERS).known().is_some() || !super_user(),
            "{:?}",
            facts.get(keys::LEFTOVERS)
        );
    }
}

#[test]
fn a_saved_view_of_the_node_alone_is_a_leftover_unless_its_server_runs() {
    let _alone = alone();
    let (_root, datadir) = datadir();
    let view = datadir.join("gvwstate.dat");
    let path = view.to_str().unwrap();
    let left = |facts: &Facts| {
        let found = facts.get(keys::LEFTOVERS).known().cloned().unwrap_or_default();
        found.iter().any(|place| place.as_str() == format!("{path}: a saved view of this node alone"))
    };
    for shell in shells() {
        let read = || run(shell, &server(&datadir), &Sql::None, None, false).facts;
        fs::write(&view, VIEW).unwrap();
        assert!(left(&read()), "{shell:?}");
        let runs = Idle::new(&datadir, "mariadbd", &[]);
        let facts = read();
        assert!(facts.get(keys::SERVER_PIDS).is(|pids| pids.len() == 1) && !left(&facts), "{shell:?}");
        drop(runs);
        let two = String::from_utf8_lossy(VIEW)
            .replace("#vwend", "member: 0d2c0326-e56d-11f1-aa9f-22bd3ec68ccd 0\n#vwend");
        fs::write(&view, two).unwrap();
        assert!(!left(&read()), "{shell:?}");
        // An arbitrator alone is a Primary Component without data, and no rule of a data node's start.
        fs::write(&view, VIEW).unwrap();
        assert!(!left(&run_for(shell, &node(Role::Arbitrator), None, false, None).facts));
    }
}

#[test]
fn what_is_missing_is_missing_and_nothing_else() {
    let _alone = alone();
    let (_root, datadir) = datadir();
    fs::remove_file(datadir.join("grastate.dat")).unwrap();
    fs::write(datadir.join("gvwstate.dat"), b"").unwrap();
    for shell in shells() {
        let facts = run(shell, &server(&datadir), &Sql::None, None, false).facts;
        assert!(facts.get(keys::GRASTATE_FILE).is(|file| file.as_str() == "missing"));
        assert_eq!(kind(&facts, keys::GRASTATE_SAFE), WhyKind::Undefined);
        assert!(facts.get(keys::GVWSTATE_FILE).is(|file| file.as_str() == "empty"));
        // A data directory that is not there says nothing of its files.
        let facts = run(shell, &server(&datadir.join("none")), &Sql::None, None, false).facts;
        assert!(facts.get(keys::GRASTATE_FILE).known().is_none());
        assert!(facts.get(keys::TRANSFER_MARKERS).known().is_none());
    }
}

#[test]
fn what_is_not_shown_is_denied_and_never_missing() {
    let _alone = alone();
    if !super_user() {
        eprintln!("not run: needs root to become another user");
        return;
    }
    let (_root, datadir) = datadir();
    for shell in shells() {
        // The directory may be searched, the file not read.
        fs::set_permissions(&datadir, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(datadir.join("grastate.dat"), Permissions::from_mode(0o600)).unwrap();
        let facts = run(shell, &server(&datadir), &Sql::None, None, true).facts;
        assert_eq!(kind(&facts, keys::GRASTATE_FILE), WhyKind::Denied);
        assert_eq!(kind(&facts, keys::GRASTATE_SEQNO), WhyKind::Denied);
        assert!(facts.get(keys::GVWSTATE_FILE).is(|file| file.as_str() == "valid"));
        // The directory may not be searched: `test -e` would say that nothing is there.
        fs::set_permissions(&datadir, Permissions::from_mode(0o700)).unwrap();
        let facts = run(shell, &server(&datadir), &Sql::None, None, true).facts;
        for unknown in [
            kind(&facts, keys::GRASTATE_FILE),
            kind(&facts, keys::GRASTATE_SAFE),
            kind(&facts, keys::GVWSTATE_FILE),
            kind(&facts, keys::TRANSFER_MARKERS),
            kind(&facts, keys::DATADIR_SYSTEM_SCHEMA),
            kind(&facts, keys::DATADIR_IDENTITY),
            kind(&facts, keys::DISK_FREE),
        ] {
            assert_eq!(unknown, WhyKind::Denied, "{shell:?}");
        }
    }
}

#[test]
fn a_stopped_server_is_seen_and_not_asked() {
    let _alone = alone();
    let (root, datadir) = datadir();
    let binary = root.path().join("mariadbd");
    fs::copy("/bin/sleep", &binary).unwrap();
    let mut process = Command::new(&binary).arg("60").current_dir(&datadir).spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    for shell in shells() {
        let answer = run(shell, &server(&datadir), &Sql::Probe, None, false);
        assert!(answer.facts.get(keys::SERVER_STATE).is(|state| state.as_str() == "T"), "{shell:?}");
        let wanted = format!("{} T ", pid.as_raw_nonzero());
        assert!(answer.facts.get(keys::SERVER_PIDS).is(|pids| pids[0].as_str().starts_with(&wanted)));
        assert!(answer.facts.get(keys::SERVER_BINARY).is(|found| found.as_str() == binary.to_str().unwrap()));
        let sql = answer.sql.unwrap();
        assert_eq!(sql.word, ReachWord::Timeout);
        assert!(sql.next.as_str().contains("kill -CONT"));
        assert_eq!(kind(&answer.facts, keys::WSREP_READY), WhyKind::TimedOut);
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn the_client_and_the_options_are_read() {
    let _alone = alone();
    let (root, datadir) = datadir();
    let tools = root.path().join("bin");
    fs::create_dir(&tools).unwrap();
    let tool = |name: &str, text: &str| {
        fs::write(tools.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(tools.join(name), Permissions::from_mode(0o755)).unwrap();
    };
    let log = root.path().join("error.log");
    fs::write(
        &log,
        "2026-11-21  5:54:03 0 [Note] Starting MariaDB 10.11.18 source revision 1 as process 7\n\
         2026-11-21  5:54:03 0 [Note] WSREP: Loading provider /x initial position: 0cb3db35-e56d-11f1-98c2-3bdded13c08b:77\n\
         2026-11-21  5:54:04 0 [ERROR] Aborting\n",
    )
    .unwrap();
    let datadir_option = datadir.to_str().unwrap();
    tool(
        "my_print_defaults",
        &format!(
            "echo '--datadir=/nowhere'\necho '--datadir={datadir_option}'\necho '--socket=/run/x y.sock'\n\
             echo '--log-error={}'\necho '--wsrep_sst_auth=u:secret'\necho '--wsrep_cluster_address=gcomm://'",
            log.display()
        ),
    );
    tool(
        "mariadb",
        "case \"$*\" in *--socket=/run/x\\ y.sock*) ;; *) exit 9;; esac\n\
         printf '%%status\\nwsrep_ready\\tON\\n%%variables\\nwsrep_sst_auth\\tsecret\\nwsrep_on\\tON\\n%%server\\nversion\\t10.11.18-x\\n%%members\\n'\n\
         echo 'ERROR 1047 (08S01) at line 1: WSREP has not yet prepared node for application use' >&2\n\
         printf '%%done\\n'\nexit 1",
    );
    for shell in shells() {
        let answer = run(shell, &Server::default(), &Sql::Probe, Some(&tools), false);
        let facts = &answer.facts;
        assert!(answer.sql.as_ref().unwrap().is_ok(), "{:?}", answer.sql);
        assert_eq!(answer.socket.as_deref(), Some("/run/x y.sock"));
        assert!(facts.get(keys::DATADIR_PATH).is(|path| path.as_str() == datadir_option));
        assert!(facts.get(keys::DATADIR_SOURCE).is(|source| source.as_str().contains("my_print_defaults")));
        assert!(facts.get(keys::WSREP_READY).is(|ready| *ready));
        assert!(facts.get(keys::VAR_WSREP_ON).is(|on| *on));
        assert!(facts.get(keys::SERVER_VERSION).is(|version| version.as_str() == "10.11.18-x"));
        assert!(facts.get(keys::WSREP_MEMBERS).known().is_none());
        assert!(facts.get(keys::LOG_SOURCE).is(|source| source.as_str().contains("error.log")));
        assert!(
            facts.get(keys::LOG_POSITION).is(|position| position.seqno.get() == 77),
            "{:?}",
            facts.get(keys::LOG_POSITION)
        );
        assert!(facts.get(keys::LOG_LAST_END).is(|end| end.as_str() == "aborted"));
        assert!(facts.get(keys::LEFTOVERS).is(|left| left.iter().any(|l| l.as_str().contains("gcomm://"))));
        assert!(!format!("{facts:?}").contains("secret"), "a password left the node");
    }
    tool("mariadb", "echo \"ERROR 1698 (28000): Access denied for user 'nobody'@'localhost'\" >&2; exit 1");
    let answer = run(&["sh"], &Server::default(), &Sql::Probe, Some(&tools), false);
    assert_eq!(answer.sql.unwrap().word, ReachWord::Auth);
    assert_eq!(kind(&answer.facts, keys::WSREP_READY), WhyKind::Denied);
}

#[test]
fn the_engine_is_stamped_wherever_its_files_are() {
    let _alone = alone();
    let (root, datadir) = datadir();
    let (tools, redo) = (root.path().join("bin"), root.path().join("re do"));
    for place in [&tools, &redo, &datadir.join("#innodb_redo"), &datadir.join("undo_schema")] {
        fs::create_dir(place).unwrap();
    }
    fs::write(
        tools.join("my_print_defaults"),
        format!(
            "#!/bin/sh\necho '--innodb_log_group_home_dir={}'\necho '--innodb-undo-directory=./'\n\
             echo '--aria-log-dir-path=/nowhere'\necho '--datadir={}'\n",
            redo.display(),
            datadir.display()
        ),
    )
    .unwrap();
    fs::set_permissions(tools.join("my_print_defaults"), Permissions::from_mode(0o755)).unwrap();
    let parts = ["ibdata1", "aria_log_control", "undo001", "#innodb_redo/#ib_redo7", "ib_logfile0"];
    let path = |part: &str| if part == "ib_logfile0" { redo.join(part) } else { datadir.join(part) };
    for part in parts {
        fs::write(path(part), b"x").unwrap();
    }
    for shell in shells() {
        let stamp = || {
            let facts = run(shell, &server(&datadir), &Sql::None, Some(&tools), false).facts;
            facts.get(keys::ENGINE_STAMP).known().unwrap().to_string()
        };
        let before = stamp();
        assert_eq!(before.matches("; ").count(), parts.len() - 1, "{shell:?}: {before}");
        assert!(before.contains(&format!("{} ", redo.join("ib_logfile0").display())), "{before}");
        assert_eq!(stamp(), before);
        for part in parts {
            let before = stamp();
            let mut file = fs::OpenOptions::new().append(true).open(path(part)).unwrap();
            file.write_all(b"x").unwrap();
            assert_ne!(stamp(), before, "{shell:?}: {part}");
        }
        fs::write(datadir.join("undo_schema/t.ibd"), b"x").unwrap();
        fs::write(datadir.join("t.ibd"), b"x").unwrap();
        let before = stamp();
        for number in 0..60 {
            fs::write(datadir.join(format!("undo9{number:02}")), b"x").unwrap();
        }
        let many = stamp();
        assert_ne!(many, before);
        assert!(many.matches("; ").count() == 50 && many.ends_with("; and 15 more"), "{shell:?}: {many}");
        for number in 0..60 {
            fs::remove_file(datadir.join(format!("undo9{number:02}"))).unwrap();
        }
        // A directory that cannot be listed is not one that holds nothing.
        if super_user() {
            fs::set_permissions(&redo, Permissions::from_mode(0o711)).unwrap();
            let facts = run(shell, &server(&datadir), &Sql::None, Some(&tools), true).facts;
            assert_eq!(kind(&facts, keys::ENGINE_STAMP), WhyKind::Denied, "{shell:?}");
            fs::set_permissions(&redo, Permissions::from_mode(0o755)).unwrap();
        }
    }
}

#[test]
fn a_hanging_client_is_cut_off() {
    let _alone = alone();
    let (root, datadir) = datadir();
    let tools = root.path().join("bin");
    fs::create_dir(&tools).unwrap();
    fs::write(tools.join("mariadb"), "#!/bin/sh\ntrap '' TERM\nprintf '%%status\\nwsrep_ready\\tON\\nwsrep_conn'\nsleep 30 & wait; sleep 30\n")
        .unwrap();
    fs::set_permissions(tools.join("mariadb"), Permissions::from_mode(0o755)).unwrap();
    let begun = std::time::Instant::now();
    let answer = run(&["sh"], &server(&datadir), &Sql::Probe, Some(&tools), false);
    assert!(begun.elapsed().as_secs() < 15);
    assert_eq!(answer.sql.unwrap().word, ReachWord::Timeout);
    assert_eq!(kind(&answer.facts, keys::WSREP_READY), WhyKind::TimedOut);
    assert!(answer.facts.get(keys::GRASTATE_SEQNO).known().is_some());
}

#[test]
fn what_stands_beside_the_state_files_is_read_and_no_secret_leaves() {
    let _alone = alone();
    let (root, datadir) = datadir();
    let backups = root.path().join("back ups");
    fs::create_dir(&backups).unwrap();
    fs::write(datadir.join("galera.cache"), b"Version: 2\nGID: 0cb3db35-e56d-11f1-98c2-3bdded13c08b\nseqno_min: 3\nseqno_max: 9\noffset: 1280\nsynced: 1\n\n\0\0\0").unwrap();
    fs::write(datadir.join("gcache.page.000000"), [0; 100]).unwrap();
    let pem = concat!(
        "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n",
        include_str!("fixtures/certificates/cert.pem")
    );
    fs::write(datadir.join("node.pem"), pem).unwrap();
    fs::write(root.path().join("ca.pem"), include_str!("fixtures/certificates/ca.pem")).unwrap();
    let keys_file = root.path().join("keys");
    let path = tools(
        root.path(),
        &[(
            "my_print_defaults",
            &format!(
                "echo '--plugin_load_add=file_key_management'\necho '--file-key-management-filekey=secret'\n\
                 echo '--file_key_management_filename={}'\necho '--innodb-encrypt-tables=FORCE'\necho '--encrypt_binlog=0'\n\
                 echo '--hashicorp-key-management-token=secret'\n\
                 echo '--wsrep_provider_options=gcache.size=32M; socket.ssl_cert=node.pem ;socket.ssl_ca = {}/ca.pem;socket.ssl_key=k'",
                keys_file.display(),
                root.path().display()
            ),
        )],
    );
    let told = Server { backup: Some(backups.to_str().unwrap().to_owned()), ..server(&datadir) };
    for shell in shells() {
        let read = |server: &Server| run(shell, server, &Sql::None, Some(&path), false).facts;
        let _ = fs::remove_file(&keys_file);
        let facts = read(&told);
        assert!(facts.get(keys::GCACHE_UUID).is(|uuid| uuid.short() == "0cb3db35"), "{shell:?}");
        assert!(facts.get(keys::GCACHE_LOW).is(|low| low.get() == 3));
        assert!(facts.get(keys::GCACHE_HIGH).is(|high| high.get() == 9));
        assert!(facts.get(keys::GCACHE_BYTES).is(|bytes| (200..400).contains(bytes)));
        assert_eq!(facts.get(keys::BACKUP_NEWEST), Known::Known(Plain::default()));
        assert!(facts.get(keys::CERT_FILE).is(|file| file.as_str().ends_with("/node.pem")));
        assert!(facts.get(keys::CERT_NOT_AFTER).is(|at| at.to_string() == "2026-12-21T20:50:32Z"));
        assert!(facts.get(keys::CERT_CA_NOT_AFTER).is(|at| at.to_string() == "2036-11-18T20:50:32Z"));
        let encryption = facts.get(keys::ENCRYPTION);
        assert_eq!(
            shown(&encryption),
            [
                "plugin-load-add=file_key_management",
                "file-key-management-filekey",
                &format!("file-key-management-filename={}", keys_file.display()),
                "innodb-encrypt-tables=FORCE",
                "hashicorp-key-management-token",
            ]
        );
        assert!(!format!("{facts:?}").contains("secret"), "a secret left the node");
        assert!(facts.get(keys::ENCRYPTION_KEYS).is(|how| how.as_str() == "missing"));
        fs::write(&keys_file, b"1;secret").unwrap();
        fs::set_permissions(&keys_file, Permissions::from_mode(0o600)).unwrap();
        assert!(read(&told).get(keys::ENCRYPTION_KEYS).is(|how| how.as_str() == "readable"));
        if super_user() {
            let other = Server { user: Some("nobody".to_owned()), ..told.clone() };
            assert!(read(&other).get(keys::ENCRYPTION_KEYS).is(|how| how.as_str() == "denied"), "{shell:?}");
        }
        // Without a folder named, none is looked at; one that is not there is no empty one.
        assert_eq!(kind(&read(&server(&datadir)), keys::BACKUP_NEWEST), WhyKind::NotAsked);
        let nowhere = Server { backup: Some("/nowhere".to_owned()), ..server(&datadir) };
        assert_eq!(kind(&read(&nowhere), keys::BACKUP_NEWEST), WhyKind::Undefined);
        fs::write(backups.join("old"), b"").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(backups.join("new one"), b"").unwrap();
        let facts = read(&told);
        assert!(facts.get(keys::BACKUP_NEWEST).is(|name| name.as_str() == "new one"), "{shell:?}");
        assert!(facts.get(keys::BACKUP_AT).is(|at| at.duration_until(Timestamp::now()).as_secs() < 60));
        for file in ["old", "new one"] {
            fs::remove_file(backups.join(file)).unwrap();
        }
    }
}

#[test]
fn who_else_starts_servers_is_found_by_what_it_does() {
    let _alone = alone();
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
    let put = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("etc/crontab", "# systemctl restart mariadb\n");
    let path = tools(
        root.path(),
        &[(
            "monit",
            "printf \"Process 'db'\\n  monitoring status            Not monitored\\nProcess 'web'\\n  monitoring status  Monitored\\n\"",
        )],
    );
    for shell in shells() {
        let read = |nobody| run_for(shell, &node(Role::Data), Some(&path), nobody, Some(root.path())).facts;
        let _ = fs::remove_dir_all(root.path().join("etc/cron.d"));
        let none = read(false);
        // A machine that is a container itself says so.
        assert_eq!(none.get(keys::AUTOMATION), Known::Known(Vec::new()), "{shell:?}");
        put(
            "etc/cron.d/db",
            "0 3 * * * root mysqldump -psecret x\n* * * * * root mysqladmin -psecret ping || systemctl restart mariadb\n\
             #@reboot root galera_new_cluster\n@reboot root galera_new_cluster --secret\n",
        );
        put(
            "etc/monit/monitrc",
            "allow admin:secret\ncheck process db\n  start \"/etc/init.d/mysql start\"\ncheck process web\n",
        );
        let monit = Idle::new(root.path(), "monit", &[]);
        let facts = read(false);
        let cron = root.path().join("etc/cron.d/db");
        let found = facts.get(keys::AUTOMATION);
        let mut found = shown(&found);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                format!("cron: {}:2 systemctl restart mariadb", cron.display()),
                format!("cron: {}:4 galera_new_cluster", cron.display()),
                "monit: db Not monitored".to_owned(),
            ],
            "{shell:?}"
        );
        assert!(!format!("{facts:?}").contains("secret"), "a password left the node");
        drop(monit);
        if super_user() {
            // That nobody is there is not known where a place was not shown.
            fs::write(root.path().join("etc/cron.d/db"), "").unwrap();
            fs::set_permissions(root.path().join("etc/cron.d"), Permissions::from_mode(0o700)).unwrap();
            assert_eq!(kind(&read(true), keys::AUTOMATION), WhyKind::Denied, "{shell:?}");
            fs::set_permissions(root.path().join("etc/cron.d"), Permissions::from_mode(0o755)).unwrap();
        }
    }
}

#[test]
fn an_arbitrator_and_a_load_balancer_have_columns_of_their_own() {
    let _alone = alone();
    let root = tempfile::tempdir().unwrap();
    let socket = root.path().join("admin.sock");
    let config = root.path().join("haproxy.cfg");
    fs::write(&config, format!("global\n    stats socket {} mode 660 level admin\n", socket.display()))
        .unwrap();
    fs::write(root.path().join("gvwstate.dat"), VIEW).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 64];
            let n = std::io::Read::read(&mut stream, &mut asked).unwrap();
            assert_eq!(&asked[..n], b"show stat -1 4 -1\n");
            stream
                .write_all(b"# pxname,svname,status,check_status,check_code,addr,\ngalera,g1,UP,L7OK,200,10.0.0.1:3306,\n\n")
                .unwrap();
        }
    });
    for shell in shells() {
        let arbitrator = Idle::new(
            root.path(),
            "garbd",
            &["-a", "gcomm://10.0.0.1,10.0.0.2?pc.wait_prim=no", "-g", "shop"],
        );
        let facts = run_for(shell, &node(Role::Arbitrator), None, false, None).facts;
        let pid = arbitrator.0.id();
        assert!(
            facts.get(keys::ARBITRATOR_PROCESS).is(|said| said.as_str().starts_with(&format!("{pid} "))),
            "{shell:?}"
        );
        assert!(facts.get(keys::ARBITRATOR_GROUP).is(|group| group.as_str() == "shop"));
        assert!(
            facts.get(keys::ARBITRATOR_ADDRESS).is(|address| address.as_str() == "gcomm://10.0.0.1,10.0.0.2")
        );
        assert!(facts.get(keys::SERVER_STATE).is(|state| state.as_str() == "S"));
        assert!(facts.get(keys::DATADIR_PATH).is(|path| path.as_str() == root.path().to_str().unwrap()));
        assert!(facts.get(keys::GVWSTATE_MEMBERS).is(|members| members.len() == 1));
        assert!(facts.get(keys::GRASTATE_FILE).known().is_none());
        // On a data node it is nobody's server.
        let facts = run_for(shell, &node(Role::Data), None, false, None).facts;
        assert!(facts.get(keys::SERVER_PIDS).is(Vec::is_empty), "{shell:?}");
        drop(arbitrator);
        let facts = run_for(shell, &node(Role::Arbitrator), None, false, None).facts;
        assert_eq!(facts.get(keys::ARBITRATOR_PROCESS), Known::Known(Plain::default()));
        assert!(facts.get(keys::SERVER_STATE).is(|state| state.as_str().is_empty()));

        let proxy = Idle::new(root.path(), "haproxy", &["-Ws", "-f", config.to_str().unwrap()]);
        let facts = run_for(shell, &node(Role::Proxy), None, false, None).facts;
        assert!(facts.get(keys::PROXY_KIND).is(|kind| kind.as_str() == "haproxy"), "{shell:?}");
        assert_eq!(
            shown(&facts.get(keys::PROXY_BACKENDS)),
            ["galera/g1 10.0.0.1:3306 UP L7OK/200"],
            "{shell:?}"
        );
        assert!(facts.get(keys::SERVER_PIDS).is(|pids| pids.len() == 1));
        drop(proxy);
        let facts = run_for(shell, &node(Role::Proxy), None, false, None).facts;
        assert_eq!(facts.get(keys::PROXY_KIND), Known::Known(Plain::default()));
        assert!(facts.get(keys::PROXY_BACKENDS).known().is_none());
    }
}

#[test]
fn a_transfers_role_is_in_its_words_and_a_clustercheck_is_asked() {
    let _alone = alone();
    let (root, datadir) = datadir();
    let check = std::net::TcpListener::bind("127.0.0.1:9200");
    if check.is_err() {
        eprintln!("not run: something else has port 9200 here");
    }
    let asked = check.is_ok();
    if let Ok(listener) = check {
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = std::io::Read::read(&mut stream, &mut [0; 256]);
                let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
            }
        });
    }
    for shell in shells() {
        let transfer =
            Idle::new(root.path(), "wsrep_sst_rsync", &["--role", "joiner", "--address", "10.0.0.1"]);
        let facts = run(shell, &server(&datadir), &Sql::None, None, false).facts;
        let mine = format!("{} wsrep_sst_rsync", transfer.0.id());
        assert!(shown(&facts.get(keys::TRANSFER_PROCESSES)).contains(&mine.as_str()), "{shell:?}");
        assert!(facts.get(keys::TRANSFER_ROLE).is(|role| role.as_str() == "joiner"), "{shell:?}");
        let donor = Idle::new(root.path(), "wsrep_sst_mariabac", &["--role", "donor"]);
        let facts = run(shell, &server(&datadir), &Sql::None, None, false).facts;
        assert_eq!(kind(&facts, keys::TRANSFER_ROLE), WhyKind::Contradicted);
        drop((transfer, donor));
        let facts = run(shell, &server(&datadir), &Sql::None, None, false).facts;
        assert_eq!(facts.get(keys::TRANSFER_ROLE), Known::Known(Plain::default()));
        assert!(facts.get(keys::SERVER_UNIT).is(|unit| unit.as_str().is_empty()));
        if asked {
            assert_eq!(facts.get(keys::CLUSTERCHECK), Known::Known(503), "{shell:?}");
        }
    }
}
