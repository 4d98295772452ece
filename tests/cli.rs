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

#[test]
fn runbooks_are_listed_shown_and_checked() {
    let place = Place::new();
    let list = place.run(&["runbook", "list"], &[]);
    assert_eq!(code(&list), 0, "{}", stderr(&list));
    for id in ["galera-positions", "galera-start-all", "galera-bootstrap", "galera-rejoin"] {
        assert!(stdout(&list).lines().any(|line| line == id), "{}", stdout(&list));
        let shown = place.run(&["runbook", "show", id], &[]);
        assert_eq!(code(&shown), 0, "{}", stderr(&shown));
        assert!(stdout(&shown).contains("Safety rules"), "{}", stdout(&shown));
        let file = format!("{}/runbooks/{id}.toml", env!("CARGO_MANIFEST_DIR"));
        let checked = place.run(&["runbook", "check", &file], &[]);
        assert_eq!(code(&checked), 0, "{}", stderr(&checked));
    }
    let misspelt = place.run(&["runbook", "show", "galera-rejion"], &[]);
    assert_eq!(code(&misspelt), 2);
    assert!(stderr(&misspelt).contains("did you mean galera-rejoin?"), "{}", stderr(&misspelt));
    let schema = place.run(&["runbook", "schema"], &[]);
    let schema: Value = serde_json::from_str(&stdout(&schema)).unwrap();
    assert_eq!(schema["properties"]["format"]["const"], "breakglass.runbook/1");
}

#[test]
fn a_runbook_that_would_lift_a_rule_is_refused_with_its_place() {
    let place = Place::new();
    let sound = format!("{}/runbooks/galera-rejoin.toml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&sound).unwrap().replace("id = \"galera-rejoin\"", "id = \"mine\"");
    let bad = place.dir.path().join("mine.toml");
    fs::write(&bad, text.replace("id = \"join\"", "id = \"join\"\nwaive = [\"S13\"]")).unwrap();
    let bad = bad.to_str().unwrap();
    let output = place.run(&["runbook", "check", &sound, bad], &[]);
    assert_eq!(code(&output), 2);
    assert!(stdout(&output).contains("galera-rejoin, 14 steps, destructive"), "{}", stdout(&output));
    assert!(stderr(&output).contains("unknown key \"waive\""), "{}", stderr(&output));
    assert!(stderr(&output).contains("can never lift a safety rule"), "{}", stderr(&output));
    assert!(stderr(&output).contains("mine.toml:"), "{}", stderr(&output));
    assert_eq!(code(&place.run(&["runbook", "check", "/nonexistent.toml"], &[])), 2);
}

#[test]
fn a_sites_runbooks_are_marked_and_a_folder_others_can_write_is_refused() {
    let place = Place::new();
    let folder = place.dir.path().join("breakglass/runbooks");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let sound = format!("{}/runbooks/galera-positions.toml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(sound).unwrap().replace("id = \"galera-positions\"", "id = \"mine\"");
    let file = folder.join("mine.toml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let config: &[(&str, &Path)] = &[("XDG_CONFIG_HOME", place.dir.path())];

    let list = place.run(&["runbook", "list"], config);
    assert_eq!(code(&list), 0, "{}", stderr(&list));
    assert!(stdout(&list).lines().any(|line| line == "mine (site)"), "{}", stdout(&list));
    assert!(stdout(&place.run(&["runbook", "show", "mine"], config)).contains("mine (site): Recover"));

    fs::set_permissions(&folder, fs::Permissions::from_mode(0o770)).unwrap();
    let list = place.run(&["runbook", "list"], config);
    assert_eq!(code(&list), 2);
    assert!(stderr(&list).contains("group or others can write it"), "{}", stderr(&list));
    assert!(!stdout(&list).contains("mine"), "{}", stdout(&list));
    assert!(stdout(&list).contains("galera-rejoin"), "{}", stdout(&list));
}

/// The arguments that break the glass.
const GLASS: [&str; 4] = ["--reason", "a test", "--incident", "T-1"];

fn answers(place: &Place, text: &str) -> String {
    let path = place.dir.path().join("answers.toml");
    fs::write(&path, format!("format = \"breakglass.answers/1\"\n{text}")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A plan needs nobody: it is the same with every node gone, and holds each command.
#[test]
fn a_dry_run_sends_nothing_and_shows_every_step() {
    let place = Place::new();
    let gone = local(&["g1", "g2", "g3"])
        .replace("via = [\"sh\", \"-s\"]", "via = [\"/nonexistent/kubectl\", \"sh\", \"-s\"]");
    let inventory = place.file(&gone, 0o600);
    let run = |more: &[&str]| {
        let first = ["run", "galera-bootstrap", "--inventory", inventory.to_str().unwrap(), "--dry-run"];
        place.run(&[&first, more].concat(), &[])
    };
    let output = run(&["--json", "--set", "target=g2"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["schema"], "breakglass.plan/1");
    let steps = plan["steps"].as_array().unwrap();
    let asked: Vec<&str> = steps.iter().filter_map(|step| step["challenge"].as_str()).collect();
    assert_eq!(asked, ["g2 lose 0"], "one typed confirmation");
    let bootstrap = steps.iter().find(|step| step["id"] == "bootstrap").unwrap();
    assert_eq!((&bootstrap["node"], &bootstrap["class"]), (&Value::from("g2"), &Value::from("destructive")));
    assert!(bootstrap["commands"].to_string().contains("galera_new_cluster"), "{bootstrap}");
    assert!(bootstrap["script"].as_str().unwrap().contains("safe_to_bootstrap"));
    assert!(bootstrap["rules"].as_array().unwrap().contains(&Value::from("S25")));
    let joins: Vec<&Value> =
        steps.iter().filter(|step| step["id"] == "join").map(|step| &step["node"]).collect();
    assert_eq!(joins, ["g1", "g3"]);
    let page = stdout(&run(&[]));
    assert!(page.contains("TARGET lose 0") && page.contains("Nothing is sent"), "{page}");
    assert!(!place.dir.path().join(".local").exists(), "a dry run leaves no record");
}

#[test]
fn a_run_without_its_words_is_a_usage_error() {
    let place = Place::new();
    let inventory = place.file(&local(&["g1", "g2", "g3"]), 0o600);
    let inventory = inventory.to_str().unwrap();
    for (arguments, word) in [
        (vec!["run", "galera-bootstrap"], "--reason"),
        (vec!["run", "galera-bootstrap", "--reason", " ", "--incident", "x"], "--reason"),
        (vec!["run", "galera-botstrap"], "galera-bootstrap"),
        (vec!["run", "galera-bootstrap", "--set", "taget=g1"], "target"),
        (vec!["run", "galera-bootstrap", "--set", "target=g9"], "g1, g2, g3"),
        (vec!["run", "galera-bootstrap", "--set", "target"], "INPUT=NODE"),
        (vec!["run", "galera-bootstrap", "--json"], "--reason"),
        (vec!["run", "galera-bootstrap", "--answers", "/nonexistent"], "/nonexistent"),
    ] {
        let output = place.run(&[&arguments[..], &["--inventory", inventory]].concat(), &[]);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
        assert!(stdout(&output).is_empty());
    }
}

/// Answers that do not fit the plan are a refusal before anything is sent: with a stream of its own, and no record.
#[test]
fn answers_are_held_against_the_plan_first() {
    let place = Place::new();
    let inventory = place.file(&local(&["g1", "g2", "g3"]), 0o600);
    for (text, word) in [
        ("[[answer]]\nstep = \"botstrap\"\nnode = \"g1\"\ntype = \"x\"", "botstrap"),
        ("[[answer]]\nstep = \"bootstrap\"\nnode = \"g9\"\ntype = \"x\"", "g9"),
        ("[[answer]]\nstep = \"bootstrap\"\nnode = \"g1\"\ntype = \"x\"", "no step \"bootstrap\" on g1"),
        ("[[choose]]\ninput = \"tagret\"\nvalue = \"g2\"", "tagret"),
        ("[[choose]]\ninput = \"target\"\nvalue = \"g1\"", "--set says"),
        ("[[waive]]\nrule = \"S6\"\nnode = \"g3\"\nreason = \"x\"\nminutes = 1", "cannot be waived"),
        ("[[waive]]\nrule = \"S4\"\nnode = \"g3\"\nreason = \" \"\nminutes = 1", "no reason"),
    ] {
        let file = answers(&place, text);
        let first = ["run", "galera-bootstrap", "--inventory", inventory.to_str().unwrap(), "--json"];
        let rest = ["--set", "target=g2", "--answers", &file];
        let output = place.run(&[&first[..], &rest, &GLASS].concat(), &[]);
        assert_eq!(code(&output), 40, "{text}: {}", stderr(&output));
        let lines: Vec<Value> =
            stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["session.open", "session.close"], "{text}");
        assert_eq!((&lines[1]["result"], &lines[1]["exit"]), (&Value::from("refused"), &Value::from(40)));
        assert!(lines[1]["detail"].as_str().unwrap().contains(word), "{text}: {}", lines[1]);
        assert!(!place.dir.path().join(".local").exists(), "nothing was recorded");
    }
}

/// In earnest, practice's words are refused: these nodes are of no lab.
#[test]
fn waivers_and_at_asked_are_for_practice() {
    let place = Place::new();
    let inventory = place.file(&local(&["g1", "g2", "g3"]), 0o600);
    let file = answers(&place, "[[answer]]\nstep = \"bootstrap\"\nnode = \"g2\"\ntype = \"@asked\"");
    let first = ["run", "galera-bootstrap", "--inventory", inventory.to_str().unwrap(), "--json"];
    let output = place.run(&[&first[..], &["--set", "target=g2", "--answers", &file], &GLASS].concat(), &[]);
    assert_eq!(code(&output), 40, "{}", stderr(&output));
    assert!(stdout(&output).contains("LAB and DRILL"), "{}", stdout(&output));
}
