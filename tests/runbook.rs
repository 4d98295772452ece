//! Runbooks: how every bad file is answered, what steps owe each other, and what a plan is.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use breakglass::ask::act::Class;
use breakglass::facts::{NodeName, Plain};
use breakglass::runbook::{Action, MAX_BYTES, Plan, PlanError, Runbook, library, parse, plan};
use proptest::prelude::*;

const ALL: &[&str] = &["g1", "g2", "g3"];

fn malformed() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runbook");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn built_in(id: &str) -> Runbook {
    library().into_iter().find(|runbook| runbook.id == id).unwrap()
}

fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

fn names(texts: &[&str]) -> Vec<NodeName> {
    texts.iter().map(|text| name(text)).collect()
}

#[test]
fn every_malformed_file_is_answered_as_expected() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = malformed();
    assert!(files.len() >= 15);
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let errors = parse("mine.toml", &fs::read(&path).unwrap()).expect_err(&name);
        let text = errors.to_string();
        assert!(text.contains("mine.toml") && errors.count() >= 1, "{text}");
        assert!(text.lines().all(|line| Plain::new(line).as_str() == line), "{text:?}");
        settings.bind(|| insta::assert_snapshot!(format!("runbook_{name}"), text));
    }
}

#[test]
fn every_expected_answer_has_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let names: BTreeSet<String> = malformed()
        .iter()
        .map(|path| format!("runbook_{}.snap", path.file_stem().unwrap().display()))
        .collect();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with("runbook_") || names.contains(&name), "{name} belongs to no file");
    }
}

#[test]
fn a_file_beyond_any_runbook_is_refused_unread() {
    let errors = parse("mine.toml", &vec![b'#'; MAX_BYTES + 1]).unwrap_err();
    assert!(errors.to_string().contains("larger than 256 KiB"), "{errors}");
}

#[test]
fn the_digest_is_of_the_files_bytes() {
    let text = include_str!("../runbooks/galera-rejoin.toml");
    let changed = format!("{text}# one more line\n");
    let (one, other) = (parse("a", text.as_bytes()).unwrap(), parse("a", changed.as_bytes()).unwrap());
    assert_eq!(one.steps, other.steps);
    assert_ne!(one.digest, other.digest);
    assert_eq!(one.digest, parse("b", text.as_bytes()).unwrap().digest);
}

/// A runbook that brings a node back, of steps written short: `action @ on ; more`.
fn book(inputs: &[(&str, &str)], steps: &[&str]) -> String {
    let mut text = "format = \"breakglass.runbook/1\"\nid = \"mine\"\ntitle = \"t\"\nabout = \"a\"\nfamily = \"galera\"\n".to_owned();
    for (name, choose) in inputs {
        let _ = write!(
            text,
            "[[input]]\nname = \"{name}\"\nkind = \"data-node\"\nchoose = \"{choose}\"\nabout = \"a\"\n"
        );
    }
    for (number, step) in steps.iter().enumerate() {
        let (action, rest) = step.split_once(" @ ").unwrap();
        let (on, more) = rest.split_once(" ; ").unwrap_or((rest, ""));
        let on = match on {
            "cluster" | "each" => format!("\"{on}\""),
            "others" => "{ others = \"n\" }".to_owned(),
            input => format!("{{ input = \"{input}\" }}"),
        };
        let more = more.replace(" ; ", "\n");
        let _ = write!(
            text,
            "[[step]]\nid = \"s{number}-{action}\"\ntitle = \"t\"\nexplain = \"e\"\naction = \"{action}\"\non = {on}\n{more}\n"
        );
    }
    text
}

/// A sound runbook with one destructive step, to be broken in one way each.
const SOUND: &[&str] = &[
    "take-lease @ each",
    "capture @ cluster",
    "choose @ cluster ; input = \"n\"",
    "freeze @ each",
    "bootstrap @ n",
    "write @ n",
    "join @ others ; covered_by = \"s4-bootstrap\"",
    "read-back @ each",
    "drop-check @ n ; always = true",
    "unfreeze @ each ; always = true",
    "release-lease @ each ; always = true",
];

fn sound_but(change: impl FnOnce(&mut Vec<&'static str>)) -> String {
    let mut steps = SOUND.to_vec();
    change(&mut steps);
    book(&[("n", "candidate")], &steps)
}

#[test]
fn a_sound_runbook_passes() {
    let text = sound_but(|_| {});
    let runbook = parse("mine.toml", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(runbook.steps.len(), SOUND.len());
    assert_eq!(runbook.class(), Class::Destructive);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: one row per way to break a rule")]
fn each_rule_of_the_checker_catches_what_it_is_for() {
    let one = |inputs: &[(&str, &str)], steps: &[&str]| book(inputs, steps);
    let candidate = &[("n", "candidate")][..];
    let cases: Vec<(&str, String)> = vec![
        ("no step uses the input \"n\"", one(&[("n", "required")], &["capture @ cluster"])),
        ("there is no input \"x\"", one(&[], &["watch @ x"])),
        ("there is no input \"m\"", one(candidate, &["choose @ cluster ; input = \"m\"", "watch @ n"])),
        ("\"n\" is always there", one(&[("n", "required")], &["watch @ n ; needs = \"n\""])),
        ("`capture` cannot be on each data node", one(&[], &["capture @ each"])),
        ("`bootstrap` cannot be on each data node", sound_but(|s| s[4] = "bootstrap @ each")),
        ("`take-lease` cannot be on n", sound_but(|s| s[0] = "take-lease @ n")),
        (
            "`synced` is about a node, and this step names none",
            one(&[], &["watch @ cluster ; check = [\"synced\"]"]),
        ),
        (
            "there is nobody else to go on with",
            sound_but(|s| s[4] = "bootstrap @ n ; refused = \"leave-out\""),
        ),
        (
            "there is nothing to choose for \"n\"",
            one(&[("n", "required")], &["choose @ cluster ; input = \"n\"", "watch @ n"]),
        ),
        ("\"n\" is chosen twice", sound_but(|s| s.insert(3, "choose @ cluster ; input = \"n\""))),
        (
            "\"n\" is used before it is chosen",
            one(candidate, &["watch @ n", "choose @ cluster ; input = \"n\""]),
        ),
        ("\"n\" is used before it is chosen", one(&[("n", "down-node")], &["watch @ n"])),
        (
            "`freeze` is confirmed by nobody",
            sound_but(|s| s[3] = "freeze @ each ; covered_by = \"s0-take-lease\""),
        ),
        (
            "no earlier step is called \"s9-nothing\"",
            sound_but(|s| s[6] = "join @ others ; covered_by = \"s9-nothing\""),
        ),
        (
            "no earlier step is called \"s6-join\"",
            sound_but(|s| s[6] = "join @ others ; covered_by = \"s6-join\""),
        ),
        (
            "\"s3-freeze\" has no confirmation of its own",
            sound_but(|s| s[6] = "join @ others ; covered_by = \"s3-freeze\""),
        ),
        (
            "\"s6-join\" has no confirmation of its own",
            sound_but(|s| s.insert(7, "join @ others ; covered_by = \"s6-join\"")),
        ),
        (
            "the confirmation of \"s4-recover-direct\" does not reach as far as this step",
            sound_but(|s| {
                s[4] = "recover-direct @ n";
                s[6] = "join @ others ; covered_by = \"s4-recover-direct\"";
            }),
        ),
        ("an ordinary step after one that always runs", sound_but(|s| s.insert(9, "watch @ cluster"))),
        ("`join` cannot always run", sound_but(|s| s.insert(8, "join @ each ; always = true"))),
        (
            "`guards` could keep a step from running that always runs",
            sound_but(|s| s[9] = "unfreeze @ each ; always = true ; guards = [\"frozen\"]"),
        ),
        (
            "`when` could keep a step from running that always runs",
            sound_but(|s| s[9] = "unfreeze @ each ; always = true ; when = [\"frozen\"]"),
        ),
        (
            "`freeze` changes a node without its lease",
            sound_but(|s| s.retain(|step| !step.starts_with("take"))),
        ),
        ("`freeze` changes a node without its lease", sound_but(|s| s.swap(0, 3))),
        (
            "`bootstrap` touches a node before anything was learnt from it",
            sound_but(|s| s[1] = "watch @ cluster"),
        ),
        ("`bootstrap` on a node that is not frozen", sound_but(|s| s[3] = "watch @ cluster")),
        ("`bootstrap` on a node that is not frozen", sound_but(|s| s.swap(3, 4))),
        ("`join` on a node that is not frozen", sound_but(|s| s[3] = "freeze @ n")),
        ("`bootstrap` while other nodes can start by themselves", sound_but(|s| s[3] = "freeze @ n")),
        ("`start` on a node that is not frozen", sound_but(|s| s.insert(3, "start @ each"))),
        ("two bootstraps", sound_but(|s| s.insert(5, "bootstrap @ n"))),
        ("nothing was written", sound_but(|s| s[5] = "watch @ cluster")),
        ("the lease is never given back", sound_but(|s| s.truncate(10))),
        ("the lease is never given back", sound_but(|s| s[10] = "release-lease @ each")),
        ("the freeze is never taken away", sound_but(|s| s[9] = "watch @ cluster ; always = true")),
        ("the freeze is never taken away", sound_but(|s| s[9] = "unfreeze @ n ; always = true")),
        ("the check's schema is never dropped", sound_but(|s| s[8] = "watch @ cluster ; always = true")),
        ("a step after the lease was given back", sound_but(|s| s.swap(9, 10))),
        // What frames a conditional act must be there whenever that act is.
        (
            "`recover-direct` changes a node without its lease",
            one(
                &[("a", "optional"), ("b", "optional")],
                &[
                    "take-lease @ each ; needs = \"b\"",
                    "capture @ cluster",
                    "freeze @ a",
                    "recover-direct @ a",
                    "unfreeze @ a ; always = true",
                    "release-lease @ each ; always = true ; needs = \"b\"",
                ],
            ),
        ),
        (
            "the lease is never given back",
            one(
                &[("a", "optional")],
                &["take-lease @ each", "watch @ a", "release-lease @ each ; always = true ; needs = \"a\""],
            ),
        ),
    ];
    for (title, text) in cases {
        let errors = parse("mine.toml", text.as_bytes()).expect_err(title).to_string();
        assert!(errors.contains(&format!("error: {title}")), "{title} is not in\n{errors}");
    }
}

#[test]
fn no_file_can_make_a_class_milder_or_a_step_confirmed() {
    for key in [
        "waive", "waivers", "approve", "approved", "confirm", "force", "shell", "command", "script", "sql",
        "class",
    ] {
        let step = format!("capture @ cluster ; {key} = \"x\"");
        let errors = parse("mine.toml", book(&[], &[&step]).as_bytes()).expect_err(key).to_string();
        assert!(errors.contains(&format!("unknown key \"{key}\"")), "{errors}");
        assert!(
            ["can never lift", "no shell", "no file can make it milder"].iter().any(|s| errors.contains(s)),
            "{errors}"
        );
    }
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| match &step.node {
            Some(node) => format!("{} {node}", step.id),
            None => step.id.clone(),
        })
        .collect()
}

fn inputs(pairs: &[(&str, &str)]) -> BTreeMap<String, NodeName> {
    pairs.iter().map(|(input, node)| ((*input).to_owned(), name(node))).collect()
}

#[test]
fn a_plan_names_one_node_per_step() {
    let plan = plan(&built_in("galera-bootstrap"), &names(ALL), &inputs(&[("node", "g2")])).unwrap();
    let steps = steps(&plan);
    assert_eq!(&steps[..4], ["lease g1", "lease g2", "lease g3", "capture"]);
    let joins: Vec<&String> = steps.iter().filter(|step| step.starts_with("join")).collect();
    assert_eq!(joins, ["join g1", "join g3"]);
    assert!(steps.contains(&"bootstrap g2".to_owned()));
    assert_eq!(&steps[steps.len() - 3..], ["release g1", "release g2", "release g3"]);
    assert_eq!(plan.inputs["target"], Some(name("g2")));
    assert!(plan.open_inputs().is_empty() && plan.steps.iter().all(|step| !step.is_open()));
    assert!(!plan.all_reads());
    for step in &plan.steps {
        assert_eq!(plan.runbook.steps[step.step].id, step.id);
        assert_eq!(*step.of, plan.runbook.steps[step.step]);
    }
}

#[test]
fn an_input_is_resolved_once_and_for_all() {
    let mut plan = plan(&built_in("galera-bootstrap"), &names(ALL), &BTreeMap::new()).unwrap();
    assert_eq!(plan.open_inputs(), ["target"]);
    let open: Vec<&str> =
        plan.steps.iter().filter(|step| step.is_open()).map(|step| step.id.as_str()).collect();
    assert_eq!(open, ["bootstrap", "primary", "write", "drop-check"]);
    let joins =
        |plan: &Plan| steps(plan).into_iter().filter(|step| step.starts_with("join")).collect::<Vec<_>>();
    assert_eq!(joins(&plan), ["join g1", "join g2", "join g3"]);
    let before = plan.clone();
    assert!(matches!(plan.resolve("target", &name("g9")), Err(PlanError::NotADataNode { .. })));
    assert!(matches!(
        plan.resolve("targte", &name("g1")),
        Err(PlanError::UnknownInput { near: Some(_), .. })
    ));
    assert_eq!(plan, before);

    plan.resolve("target", &name("g3")).unwrap();
    assert_eq!(joins(&plan), ["join g1", "join g2"]);
    let given = self::plan(&built_in("galera-bootstrap"), &names(ALL), &inputs(&[("target", "g3")])).unwrap();
    assert_eq!(plan, given);
    plan.resolve("node", &name("g3")).unwrap();
    assert_eq!(plan, given);
    assert!(matches!(plan.resolve("target", &name("g1")), Err(PlanError::TwoNodes { .. })));
    assert_eq!(plan, given);
}

#[test]
fn steps_of_an_optional_input_are_there_only_with_it() {
    let runbook = built_in("galera-positions");
    let without = plan(&runbook, &names(ALL), &BTreeMap::new()).unwrap();
    assert_eq!(steps(&without), ["capture", "recover g1", "recover g2", "recover g3"]);
    assert!(without.all_reads());
    let with = plan(&runbook, &names(ALL), &inputs(&[("direct", "g2")])).unwrap();
    assert!(!with.all_reads());
    let steps = steps(&with);
    assert_eq!(
        steps[4..],
        [
            "lease g1",
            "lease g2",
            "lease g3",
            "freeze g2",
            "recover-direct g2",
            "unfreeze g2",
            "release g1",
            "release g2",
            "release g3"
        ]
    );
}

#[test]
fn inputs_that_do_not_fit_are_refused_with_the_nearest() {
    let runbook = built_in("galera-rejoin");
    let refusal =
        |pairs: &[(&str, &str)]| plan(&runbook, &names(ALL), &inputs(pairs)).unwrap_err().to_string();
    assert_eq!(refusal(&[("noed", "g1")]), "runbook galera-rejoin has no input \"noed\"; did you mean node?");
    assert_eq!(
        refusal(&[("node", "g4x")]),
        "\"g4x\" (given as node) is no data node of this cluster; there is g1, g2, g3"
    );
    assert_eq!(
        refusal(&[("node", "g1"), ("target", "g2")]),
        "input node is g1 already, and cannot be g2 too; give it once"
    );
    assert!(plan(&runbook, &names(ALL), &inputs(&[("node", "g1"), ("target", "g1")])).is_ok());
    assert_eq!(plan(&runbook, &[], &BTreeMap::new()), Err(PlanError::NoDataNodes));

    let required = parse("mine.toml", book(&[("n", "required")], &["watch @ n"]).as_bytes()).unwrap();
    let missing = plan(&required, &names(ALL), &BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(missing, "runbook mine needs the input \"n\" (a); give it: --set n=NODE");
}

proptest! {
    #[test]
    fn whatever_is_planned_has_one_action_on_one_node(
        which in 0..4usize, nodes in 1..7usize, target in 0..7usize, given in any::<bool>(),
    ) {
        let runbook = library().swap_remove(which);
        let nodes: Vec<NodeName> = (1..=nodes).map(|n| name(&format!("g{n}"))).collect();
        let target = nodes[target % nodes.len()].clone();
        let input = runbook.inputs.first().map(|input| input.name.clone());
        let given = input.clone().filter(|_| given).map(|input| (input, target.clone())).into_iter().collect();
        let mut plan = plan(&runbook, &nodes, &given).unwrap();
        if let Some(input) = plan.open_inputs().first().map(|input| (*input).to_owned()) {
            plan.resolve(&input, &target).unwrap();
        }
        let mut seen = BTreeSet::new();
        for step in &plan.steps {
            prop_assert!(!step.is_open());
            prop_assert!(step.node.as_ref().is_none_or(|node| nodes.contains(node)));
            prop_assert!(seen.insert((step.id.clone(), step.node.clone())), "{} twice", step.id);
        }
        prop_assert!(plan.steps.windows(2).all(|pair| pair[0].step <= pair[1].step));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse("mine.toml", &bytes).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_slip_in_a_good_file_makes_it_panic(at in 0..4000usize, what in "[\\PC\"\\[\\]{}=.]{0,3}", cut in 0..20usize) {
        let mut text = include_str!("../runbooks/galera-bootstrap.toml").to_owned();
        let from = text.floor_char_boundary(at.min(text.len()));
        let to = text.floor_char_boundary((from + cut).min(text.len()));
        text.replace_range(from..to, &what);
        if let Err(errors) = parse("mine.toml", text.as_bytes()) {
            prop_assert!(errors.to_string().lines().all(|line| Plain::new(line).as_str() == line));
        }
    }
}

#[test]
fn what_is_destructive_is_never_on_a_way_out_of_ours() {
    for runbook in library() {
        for step in runbook.steps.iter().filter(|step| step.always) {
            assert_ne!(step.action.class(), Class::Destructive, "{} {}", runbook.id, step.id);
        }
        let last = runbook.steps.last().unwrap();
        assert_eq!((&last.action, last.always), (&Action::Release, true), "{}", runbook.id);
    }
}
