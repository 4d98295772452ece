//! The program over a bundle: exit codes, messages, and what `--save` leaves.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const UUID: &str = "0cb3db35-e56d-11f1-98c2-3bdded13c08b";
const UNIT: &str = "Id=mariadb.service\nActiveState=failed\nSubState=failed\nMainPID=0\nResult=signal\nExecMainCode=2\nExecMainStatus=9\n";

fn run(arguments: &[&str], home: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.args(arguments).stdin(Stdio::null()).env_clear().env("HOME", home).current_dir(home);
    command.output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A bundle of three killed nodes, `shop`.
fn killed() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("shop");
    for (name, seqno) in [("g1", 9749), ("g2", 9750), ("g3", 9748)] {
        let node = dir.join(name);
        fs::create_dir_all(&node).unwrap();
        let state = format!(
            "# GALERA saved state\nversion: 2.1\nuuid:    {UUID}\nseqno:   -1\nsafe_to_bootstrap: 0\n"
        );
        fs::write(node.join("grastate.dat"), state).unwrap();
        fs::write(node.join("recover.txt"), format!("WSREP: Recovered position {UUID}:{seqno}\n")).unwrap();
        fs::write(node.join("unit.txt"), UNIT).unwrap();
        fs::write(node.join("status.tsv"), "ERROR 2002 (HY000): Can't connect to local server (2)\n")
            .unwrap();
    }
    (place, dir)
}

fn json(output: &Output) -> Value {
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    value["clusters"][0].clone()
}

#[test]
fn a_bundle_needs_no_inventory_and_names_the_candidate() {
    let (place, dir) = killed();
    fs::write(dir.join("README.md"), "from the ticket").unwrap();
    fs::write(dir.join(".hidden"), "").unwrap();
    fs::write(dir.join("g1/error.log.gz"), "").unwrap();
    let output = run(&["status", "--json", "--bundle", "shop"], place.path());
    assert_eq!(code(&output), 20, "{}", stderr(&output));
    let cluster = json(&output);
    assert_eq!((cluster["name"].as_str(), cluster["mode"].as_str()), (Some("shop"), Some("bundle")));
    assert_eq!(cluster["candidates"], serde_json::json!(["g2"]));
    assert_eq!(cluster["nodes"][0]["by"], 1);
    assert_eq!(cluster["nodes"][1]["facts"]["grastate.uuid"]["source"], "shop/g2/grastate.dat");
    assert_eq!(cluster["nodes"][0]["sql"], "down");
    let said = stderr(&output);
    assert!(
        said.contains("g1/error.log.gz") && !said.contains("README") && !said.contains("hidden"),
        "{said}"
    );
    let text = run(&["status", "--bundle", "./shop/"], place.path());
    assert_eq!(code(&text), 20);
    assert!(String::from_utf8(text.stdout).unwrap().contains("BUNDLE"));
    // The folder one stands in has a name, too.
    let here = run(&["status", "--bundle", "."], &dir);
    assert_eq!(code(&here), 20, "{}", stderr(&here));
}

#[test]
fn what_is_no_bundle_is_a_usage_error_that_says_what_was_expected() {
    let place = tempfile::tempdir().unwrap();
    let make = |path: &str| fs::create_dir_all(place.path().join(path)).unwrap();
    let refused = |dir: &str, words: &[&str]| {
        let output = run(&["status", "--bundle", dir], place.path());
        assert_eq!(code(&output), 2, "{dir}: {}", stderr(&output));
        for word in words {
            assert!(stderr(&output).contains(word), "{dir}: {}", stderr(&output));
        }
    };
    refused("nowhere", &["nowhere", "No such file"]);
    make("empty");
    refused("empty", &["it is empty", "grastate.dat", "unit.txt"]);
    make("node");
    fs::write(place.path().join("node/grastate.dat"), "").unwrap();
    refused("node", &["looks like the folder of one node"]);
    make("bad name/g1");
    refused("bad name", &["bad name", "rename"]);
    make("shop/a node");
    refused("shop", &["a node", "rename"]);
    make("linked");
    symlink(place.path().join("node"), place.path().join("linked/g1")).unwrap();
    refused("linked", &["symbolic link"]);
    fs::write(place.path().join("shop.tar.gz"), "x").unwrap();
    refused("shop.tar.gz", &["unpack it"]);
    (0..65).for_each(|n| make(&format!("crowd/g{n}")));
    refused("crowd", &["more than 64 folders"]);
    for arguments in [
        ["status", "--bundle", "shop", "--watch"].as_slice(),
        &["status", "shop", "--bundle", "shop"],
        &["status", "--watch", "--save", "kept"],
    ] {
        assert_eq!(code(&run(arguments, place.path())), 2, "{arguments:?}");
    }
}

#[test]
fn links_pipes_and_huge_files_are_unknown_with_their_reason() {
    let (place, dir) = killed();
    let replace = |path: &str| {
        let path = dir.join(path);
        fs::remove_file(&path).unwrap();
        path
    };
    symlink("/etc/passwd", replace("g1/grastate.dat")).unwrap();
    fs::write(replace("g2/recover.txt"), vec![b'x'; 2 << 20]).unwrap();
    let pipe = replace("g3/unit.txt");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = run(&["status", "--json", "--bundle", "shop"], place.path());
    let cluster = json(&output);
    let unknown = |node: usize, fact: &str| {
        cluster["nodes"][node]["facts"][fact]["unknown"].as_str().unwrap().to_owned()
    };
    assert!(unknown(0, "grastate.uuid").contains("symbolic link"));
    assert!(unknown(1, "recover.position").contains("at most 1048576 bytes"));
    assert!(unknown(2, "unit.active_state").contains("no regular file"));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("root:"));
}

#[test]
fn a_saved_survey_is_private_whole_and_judged_the_same() {
    let (place, _) = killed();
    let output = run(&["status", "--bundle", "shop", "--save", "kept"], place.path());
    assert_eq!(code(&output), 20, "{}", stderr(&output));
    let kept = place.path().join("kept");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&kept), mode(&kept.join("g1")), mode(&kept.join("g1/unit.txt"))), (0o700, 0o700, 0o600));
    assert!(!place.path().join("kept.partial").exists());
    let again = run(&["status", "--json", "--bundle", "kept"], place.path());
    let cluster = json(&again);
    assert_eq!(cluster["candidates"], serde_json::json!(["g2"]), "{}", stderr(&again));
    for file in ["grastate.dat", "status.tsv"] {
        let read = |dir: &str| fs::read(place.path().join(dir).join("g2").join(file)).unwrap();
        assert_eq!(read("kept"), read("shop"), "{file}");
    }
    // Nothing is overwritten, and what a save left that did not end is not passed over.
    let output = run(&["status", "--bundle", "shop", "--save", "kept"], place.path());
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("not empty"), "{}", stderr(&output));
    fs::create_dir(place.path().join("other.partial")).unwrap();
    let output = run(&["status", "--bundle", "shop", "--save", "other"], place.path());
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did not end"), "{}", stderr(&output));
    assert!(!place.path().join("other").exists());
}

#[test]
fn a_live_survey_of_several_clusters_is_kept_one_at_a_time() {
    let place = tempfile::tempdir().unwrap();
    let cluster = |name: &str| {
        format!(
            "[[cluster]]\nname = \"{name}\"\nfamily = \"galera\"\n[[cluster.node]]\nname = \"{name}1\"\nvia = [\"false\", \"sh\", \"-s\"]\n"
        )
    };
    let inventory = place.path().join("inventory.toml");
    let text = format!("format = \"breakglass.inventory/1\"\n{}{}", cluster("a"), cluster("b"));
    fs::write(&inventory, text).unwrap();
    fs::set_permissions(&inventory, fs::Permissions::from_mode(0o600)).unwrap();
    let inventory = inventory.to_str().unwrap();
    let output = run(&["status", "--inventory", inventory, "--save", "kept"], place.path());
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("a, b"), "{}", stderr(&output));
    let output = run(&["status", "a", "--inventory", inventory, "--save", "kept"], place.path());
    assert_eq!(code(&output), 30, "{}", stderr(&output));
    assert!(fs::read_to_string(place.path().join("kept/a1/README.txt")).unwrap().contains("was not read"));
    assert_eq!(code(&run(&["status", "--bundle", "kept"], place.path())), 30);
}
