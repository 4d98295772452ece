//! The program as a script sees it: exit codes, messages and the JSON document, over this very machine (a command
//! transport runs the probe with the local `sh`), so that neither root nor network is needed.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// An inventory of nodes that are this machine, told apart by their data directories.
fn local(names: &[&str]) -> String {
    let node = |name: &&str| {
        format!(
            "[[cluster.node]]\nname = \"{name}\"\nvia = [\"sh\", \"-s\"]\ndatadir = \"/nonexistent/{name}\"\n"
        )
    };
    let nodes: Vec<String> = names.iter().map(node).collect();
    let head = "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"shop\"\nfamily = \"galera\"\n";
    format!("{head}{}", nodes.concat())
}

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, text: &str, mode: u32) -> PathBuf {
        let path = self.dir.path().join("inventory.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.args(arguments).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.dir.path());
        for (name, value) in environment {
            command.env(name, value);
        }
        command.output().unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_and_version_touch_no_file_and_succeed() {
    let place = Place::new();
    let bad = place.file("not toml [", 0o666);
    for argument in ["--help", "--version"] {
        let output = place.run(&[argument], &[("BREAKGLASS_INVENTORY", &bad)]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stdout(&output).contains("breakglass"), "{}", stdout(&output));
    }
    assert!(stdout(&place.run(&["--version"], &[])).contains("(libssh2 1."));
}

#[test]
fn usage_errors_exit_with_2() {
    let place = Place::new();
    for arguments in
        [&["nonsense"][..], &["status", "--no-such"], &["lab", "up"], &["lab", "fault", "x", "no-such", "g1"]]
    {
        assert_eq!(code(&place.run(arguments, &[])), 2, "{arguments:?}");
    }
}

#[test]
fn without_an_inventory_there_is_a_welcome_and_status_says_where_it_looked() {
    let place = Place::new();
    let own = Path::new("/etc/breakglass/inventory.toml").exists();
    assert!(
        !own,
        "this machine has an inventory of its own, so this test cannot say what happens without one"
    );
    let welcome = place.run(&[], &[]);
    assert_eq!(code(&welcome), 0);
    assert!(stdout(&welcome).contains("breakglass lab up"), "{}", stdout(&welcome));
    assert!(stdout(&welcome).lines().all(|line| line.chars().count() <= 80), "{}", stdout(&welcome));
    let status = place.run(&["status"], &[]);
    assert_eq!(code(&status), 2);
    assert!(stderr(&status).contains(".config/breakglass/inventory.toml"), "{}", stderr(&status));
}

#[test]
fn a_named_inventory_must_be_there_be_ours_and_be_right() {
    let place = Place::new();
    let gone = place.dir.path().join("gone.toml");
    let output = place.run(&["status", "--inventory", gone.to_str().unwrap()], &[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("gone.toml"), "{}", stderr(&output));

    let writable = place.file(&local(&["g1"]), 0o664);
    let output = place.run(&["--inventory", writable.to_str().unwrap(), "status"], &[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("chmod go-w"), "{}", stderr(&output));

    let wrong = place.file(&local(&["g1"]).replace("datadir", "datadri"), 0o600);
    let output = place.run(&["status"], &[("BREAKGLASS_INVENTORY", &wrong)]);
    assert_eq!(code(&output), 2);
    let said = stderr(&output);
    assert!(said.contains("inventory.toml:8") && said.contains("did you mean `datadir`"), "{said}");
}

#[test]
fn an_unknown_cluster_is_answered_with_the_nearest() {
    let place = Place::new();
    let path = place.file(&local(&["g1"]), 0o600);
    let output = place.run(&["status", "shpo", "--inventory", path.to_str().unwrap()], &[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("Did you mean shop?"), "{}", stderr(&output));
}

#[test]
fn the_document_has_the_shape_that_is_pinned() {
    let place = Place::new();
    let path = place.file(&local(&["g1", "g2"]), 0o600);
    let output = place.run(&["status", "--json", "--inventory", path.to_str().unwrap()], &[]);
    let text = stdout(&output);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    let status: Value =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}\n{}", stderr(&output)));
    assert_eq!(status["schema"], "breakglass.status/1");
    assert!(status["taken"].as_str().unwrap().ends_with('Z'));
    let cluster = &status["clusters"][0];
    assert_eq!(
        (&cluster["name"], &cluster["family"], &cluster["mode"]),
        (&"shop".into(), &"galera".into(), &"live".into())
    );
    assert!(cluster["evidence_digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(cluster["primary"].is_null() && cluster["candidates"].as_array().unwrap().is_empty());
    assert!(cluster["loss"]["unknown"].is_string());
    let expected = match cluster["verdict"].as_str().unwrap() {
        "outage" => 20,
        "undetermined" => 30,
        other => panic!("no Galera cluster runs here, and the verdict is {other}"),
    };
    assert_eq!(code(&output), expected);
    for node in cluster["nodes"].as_array().unwrap() {
        assert_eq!((&node["role"], &node["ssh"]), (&"data".into(), &"ok".into()), "{node}");
        for field in ["name", "sql", "server", "standing", "by", "position", "facts"] {
            assert!(node.get(field).is_some(), "{field} is missing");
        }
        for (name, fact) in node["facts"].as_object().unwrap() {
            let known = ["value", "unit", "source", "at"].iter().all(|field| fact.get(field).is_some());
            assert!(known != fact["unknown"].is_string(), "{name} is neither known nor unknown: {fact}");
        }
    }
    for finding in cluster["findings"].as_array().unwrap() {
        for field in ["id", "cases", "severity", "nodes", "text", "evidence", "runbook", "blocked_by"] {
            assert!(finding.get(field).is_some(), "{field} is missing in {finding}");
        }
    }
}

#[test]
fn a_page_fits_80_columns() {
    let place = Place::new();
    let path = place.file(&local(&["g1", "g2", "g3", "g4", "g5"]), 0o600);
    let output = place.run(&["--inventory", path.to_str().unwrap()], &[]);
    let text = stdout(&output);
    assert!(text.contains("standing") && text.contains("g5"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_no_health() {
    let place = Place::new();
    let path = place.file(&local(&["g1"]), 0o600);
    let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["status", "--json", "--inventory", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
    assert!([20, 30].contains(&code(&output)), "no reader, and still the verdict: {}", code(&output));
}
