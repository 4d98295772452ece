//! Wrong elections from other tools' history, written into our judge one at a time: the suite has to notice each.
//!
//! The table is tests/mutants/table.toml. That each of them still applies to the code, and that the test it names is there,
//! is looked at every time. `tests/mutants/run [ID…]` changes a copy of the tree, runs the named test and wants it to fail.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    mutant: Vec<Mutant>,
}

/// A change of the code that makes a wrong choice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    id: String,
    /// Rows of the catalogue of failures.
    case: Vec<u8>,
    story: String,
    file: String,
    old: String,
    new: String,
    /// The suite of the killing test; empty for the library's own.
    #[serde(default)]
    suite: String,
    test: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table() -> Vec<Mutant> {
    let text = fs::read_to_string(root().join("tests/mutants/table.toml")).unwrap();
    toml::from_str::<Table>(&text).unwrap().mutant
}

impl Mutant {
    /// The file with the change, or why it does not apply.
    fn applied(&self, tree: &Path) -> Result<String, String> {
        let text = fs::read_to_string(tree.join(&self.file)).map_err(|e| format!("{}: {e}", self.file))?;
        match text.matches(&self.old).count() {
            1 => Ok(text.replace(&self.old, &self.new)),
            found => Err(format!("its old text stands {found} times in {}", self.file)),
        }
    }

    /// The source that holds the killing test.
    fn suite_files(&self) -> Vec<PathBuf> {
        let mut modules: Vec<&str> = self.test.split("::").collect();
        modules.pop();
        if self.suite.is_empty() {
            modules.retain(|module| *module != "tests");
            return vec![root().join("src").join(modules.join("/")).with_extension("rs")];
        }
        let suite = root().join("tests").join(&self.suite);
        if modules.is_empty() {
            return vec![suite.with_extension("rs")];
        }
        vec![suite.join(modules.join("/")).with_extension("rs")]
    }
}

#[test]
fn every_mutant_applies_and_names_a_test() {
    let table = table();
    let ids: BTreeSet<&str> = table.iter().map(|mutant| mutant.id.as_str()).collect();
    assert!(ids.len() == table.len() && table.len() >= 25, "{} of {}", ids.len(), table.len());
    for mutant in &table {
        let id = &mutant.id;
        let changed = mutant.applied(root());
        assert!(changed.is_ok(), "{id}: {:?}", changed.err());
        assert!(!mutant.story.is_empty() && mutant.case.iter().all(|case| (1..=49).contains(case)), "{id}");
        let name = mutant.test.rsplit("::").next().unwrap();
        let there = mutant
            .suite_files()
            .iter()
            .any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {name}("))));
        assert!(there, "{id}: no test {name} in {:?}", mutant.suite_files());
    }
}

/// What became of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Killed,
    Survived,
    DoesNotApply,
    /// It is no wrong choice if it is no program.
    DoesNotCompile,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Killed => "killed",
            Self::Survived => "SURVIVED",
            Self::DoesNotApply => "DOES NOT APPLY",
            Self::DoesNotCompile => "DOES NOT COMPILE",
        })
    }
}

/// A copy of the tree, for as long as mutants are made in it.
struct Copy {
    tree: PathBuf,
    target: PathBuf,
    _folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("breakglass-mutants-").tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir(&tree).unwrap();
        for part in ["Cargo.toml", "Cargo.lock", "README.md", "src", "tests", "assets", "runbooks"] {
            copy(&root().join(part), &tree.join(part));
        }
        // Kept from run to run: it holds the dependencies.
        let target = std::env::var_os("BREAKGLASS_MUTANTS_TARGET")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants"), PathBuf::from);
        Self { tree, target, _folder: folder }
    }

    fn cargo(&self, suite: &str, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target).env("RUST_BACKTRACE", "0");
        command.args(["test", "--locked", "--quiet"]);
        if suite.is_empty() {
            command.arg("--lib");
        } else {
            command.args(["--test", suite]);
        }
        command.args(arguments).output().unwrap()
    }

    /// Whether exactly these tests ran, and passed.
    fn pass(&self, suite: &str, tests: &BTreeSet<&str>) -> bool {
        let mut arguments = vec!["--", "--exact"];
        arguments.extend(tests);
        let said = self.cargo(suite, &arguments);
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        if !said.status.success() {
            println!("{text}{}", String::from_utf8_lossy(&said.stderr));
        }
        said.status.success() && text.contains(&format!("{} passed", tests.len()))
    }

    fn fate(&self, mutant: &Mutant) -> Fate {
        let Ok(changed) = mutant.applied(&self.tree) else { return Fate::DoesNotApply };
        let file = self.tree.join(&mutant.file);
        let whole = fs::read_to_string(&file).unwrap();
        fs::write(&file, changed).unwrap();
        let built = self.cargo(&mutant.suite, &["--no-run"]);
        let fate = if built.status.success() {
            let said = self.cargo(&mutant.suite, &["--", "--exact", &mutant.test]);
            let text = String::from_utf8_lossy(&said.stdout);
            if !said.status.success() && text.contains("1 failed") { Fate::Killed } else { Fate::Survived }
        } else {
            println!("{}", String::from_utf8_lossy(&built.stderr));
            Fate::DoesNotCompile
        };
        fs::write(&file, whole).unwrap();
        fate
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// With `BREAKGLASS_MUTANTS=all`, or some ids between blanks.
#[test]
fn every_mutant_is_killed() {
    let Ok(wanted) = std::env::var("BREAKGLASS_MUTANTS") else {
        println!("mutants: not run (set BREAKGLASS_MUTANTS=all, or tests/mutants/run)");
        return;
    };
    let wanted: BTreeSet<&str> = wanted.split_whitespace().collect();
    let table = table();
    let unknown: Vec<_> =
        wanted.iter().filter(|id| **id != "all" && !table.iter().any(|mutant| mutant.id == **id)).collect();
    assert!(unknown.is_empty(), "no such mutant: {unknown:?}");
    let chosen: Vec<&Mutant> =
        table.iter().filter(|mutant| wanted.contains("all") || wanted.contains(mutant.id.as_str())).collect();
    let copy = Copy::new();
    // A test that fails without the mutant kills nothing.
    let mut suites: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mutant in &chosen {
        suites.entry(&mutant.suite).or_default().insert(&mutant.test);
    }
    for (suite, tests) in &suites {
        assert!(
            copy.pass(suite, tests),
            "without a mutant the tests of {suite:?} do not all run and pass: {tests:?}"
        );
    }
    let mut fates = Vec::new();
    for mutant in &chosen {
        let began = Instant::now();
        let fate = copy.fate(mutant);
        println!(
            "{:16} {:32} {} {} ({:.0} s)",
            fate,
            mutant.id,
            if mutant.suite.is_empty() { "lib" } else { &mutant.suite },
            mutant.test,
            began.elapsed().as_secs_f64()
        );
        fates.push(fate);
    }
    let killed = fates.iter().filter(|fate| **fate == Fate::Killed).count();
    println!("{killed} of {} mutants killed", fates.len());
    assert_eq!(killed, fates.len(), "not every mutant is killed");
}
