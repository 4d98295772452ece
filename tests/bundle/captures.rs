//! tests/fixtures/galera: what real servers showed, taken apart into the files that a colleague would have collected.

use std::fs;

use breakglass::facts::keys;
use breakglass::judge::Verdict::{self, Degraded, Healthy, Outage, Undetermined};

use super::support::{all, captured, fixtures};
use super::*;

fn judged(nodes: &[(String, Files)]) -> (Survey, Judgement) {
    let nodes: Vec<(&str, Files)> =
        nodes.iter().map(|(name, files)| (name.as_str(), files.clone())).collect();
    let survey = survey(&nodes);
    let judgement = judge(&survey);
    (survey, judgement)
}

/// What galera did in each experiment, as Breakglass has to see it in its files: verdict, then of g1, g2 and g3 the server
/// and the standing.
const SEEN: &[(&str, Verdict, &str, &str)] = &[
    ("01-healthy", Healthy, "running running running", "SYNCED SYNCED SYNCED"),
    // A membership change takes a seqno: each that left earlier is one behind.
    ("02-graceful/after-stop-g3", Degraded, "running running stopped", "SYNCED SYNCED BEHIND-1"),
    ("02-graceful/after-stop-g2", Degraded, "running stopped stopped", "SYNCED BEHIND-1 BEHIND-2"),
    // systemd forgot how g2 and g3 ended, and no log is there to tell.
    ("02-graceful/all-stopped", Outage, "stopped unknown unknown", "UNKNOWN UNKNOWN UNKNOWN"),
    ("02-graceful/last-node-killed", Outage, "crashed unknown stopped", "UNKNOWN UNKNOWN UNKNOWN"),
    ("02-graceful/rejoined", Healthy, "running running running", "SYNCED SYNCED SYNCED"),
    ("02-graceful/right-bootstrap", Healthy, "running", "SYNCED"),
    // The refused bootstrap took the seqno out of the state file; its start had logged it.
    ("02-graceful/wrong-node-bootstrap", Outage, "crashed", "CANDIDATE"),
    ("03-kill9/before", Healthy, "running running running", "SYNCED SYNCED SYNCED"),
    ("03-kill9/just-killed", Outage, "crashed crashed crashed", "UNKNOWN UNKNOWN UNKNOWN"),
    ("03-kill9/after-autoreform", Healthy, "running running running", "SYNCED SYNCED SYNCED"),
    ("03-kill9/norestart-killed", Outage, "crashed crashed crashed", "UNKNOWN UNKNOWN UNKNOWN"),
    ("03-kill9/no-gvwstate-starting", Undetermined, "starting starting starting", "UNKNOWN UNKNOWN UNKNOWN"),
    ("03-kill9/no-gvwstate-after", Outage, "crashed crashed crashed", "CANDIDATE CANDIDATE CANDIDATE"),
    ("03-kill9/two-of-three-with-gvwstate", Outage, "starting unknown crashed", "UNKNOWN UNKNOWN UNKNOWN"),
    ("03-kill9/stuck-activating", Undetermined, "stopping starting crashed", "UNKNOWN UNKNOWN UNKNOWN"),
    // The half-dead g1 is a member that cannot be asked.
    ("03-kill9/stuck-activating-after-third", Degraded, "stopping running running", "UNKNOWN SYNCED SYNCED"),
    ("04-partition/nonprim", Outage, "running running running", "NON-PRIMARY NON-PRIMARY NON-PRIMARY"),
    ("04-partition/healed", Healthy, "running running running", "SYNCED SYNCED SYNCED"),
    (
        "04-partition/pcbootstrap-one-side",
        Degraded,
        "running running running",
        "SYNCED NON-PRIMARY NON-PRIMARY",
    ),
    ("04-partition/split-brain", Degraded, "running running running", "DIVERGED DIVERGED NON-PRIMARY"),
    ("04-partition/split-brain-healed", Degraded, "running running running", "SYNCED NON-PRIMARY SYNCED"),
    ("05-ahead/before-rejoin", Degraded, "running running running", "SYNCED NON-PRIMARY SYNCED"),
    // g1 was read before g2 came and g3 after it: two moments, two views, no proof.
    ("05-ahead/rejoin-refused", Undetermined, "running starting running", "UNKNOWN UNKNOWN UNKNOWN"),
    ("05-ahead/after-auto-sst", Degraded, "running running running", "SYNCED NON-PRIMARY SYNCED"),
    ("05-ahead/dup-bootstrap", Degraded, "running running unknown", "DIVERGED DIVERGED UNKNOWN"),
    // Equal seqnos over different rows: nothing in these files can show it.
    ("05-ahead/silent-divergence", Healthy, "running running running", "SYNCED SYNCED SYNCED"),
    (
        "05-ahead/divergence-detected-inconsistent",
        Degraded,
        "running running running",
        "SYNCED TAINTED SYNCED",
    ),
    ("05-ahead/new-uuid", Healthy, "running", "SYNCED"),
    ("06-diskfull/full", Degraded, "running running running", "SYNCED NON-PRIMARY SYNCED"),
    ("06-diskfull/full-innodb", Degraded, "running running running", "SYNCED TAINTED SYNCED"),
    ("06-diskfull/sst-into-full", Degraded, "running crashed running", "SYNCED TAINTED SYNCED"),
    ("07-garbd/with-garbd", Healthy, "running running", "SYNCED SYNCED"),
    ("07-garbd/one-data-node-plus-garbd", Undetermined, "running", "UNKNOWN"),
    ("08-sst-fail/rsync-mid", Degraded, "running starting running", "SYNCED JOINING DONOR"),
    ("08-sst-fail/rsync-after", Degraded, "running crashed crashed", "SYNCED TAINTED UNKNOWN"),
    ("08-sst-fail/mariabackup-mid", Degraded, "running starting running", "SYNCED JOINING DONOR"),
    ("08-sst-fail/mariabackup-after", Degraded, "running crashed crashed", "SYNCED TAINTED UNKNOWN"),
    ("08-sst-fail/joiner-killed", Degraded, "running crashed running", "SYNCED UNKNOWN SYNCED"),
    ("13-hangs/sigstop-g2", Healthy, "running running", "SYNCED SYNCED"),
];

#[test]
fn every_capture_is_judged_as_what_happened() {
    let mut wrong = Vec::new();
    for (experiment, verdict, servers_seen, standings_seen) in SEEN {
        let (_, judgement) = judged(&captured(experiment));
        let seen = (judgement.verdict, servers(&judgement).join(" "), words(&judgement));
        if seen != (*verdict, (*servers_seen).to_owned(), (*standings_seen).to_owned()) {
            wrong.push(format!("{experiment}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Standings in one line.
fn words(judgement: &Judgement) -> String {
    standings(judgement).iter().map(|word| word.replace(' ', "-")).collect::<Vec<_>>().join(" ")
}

#[test]
fn no_capture_is_left_out() {
    let mut seen: Vec<&str> = SEEN.iter().map(|row| row.0).collect();
    seen.sort_unstable();
    assert_eq!(all(), seen);
}

#[test]
fn stopped_one_after_the_other_the_last_holds_the_most() {
    let clean = b"2026-11-21  5:52:12 0 [Note] /usr/sbin/mariadbd: Shutdown complete\n".to_vec();
    let mut nodes = captured("02-graceful/all-stopped");
    for (_, files) in &mut nodes {
        files.insert(File::Log, clean.clone());
    }
    let (_, judgement) = judged(&nodes);
    assert_eq!(servers(&judgement), ["stopped"; 3]);
    assert_eq!(words(&judgement), "CANDIDATE BEHIND-1 BEHIND-2");
    // The refused bootstrap of g3 made its state file say -1, and changes nothing of what it holds.
    let refused = captured("02-graceful/wrong-node-bootstrap").remove(0);
    assert_eq!(refused.0, "g3");
    nodes[2] = refused;
    let (_, judgement) = judged(&nodes);
    assert_eq!(servers(&judgement), ["stopped", "stopped", "crashed"]);
    assert_eq!(words(&judgement), "CANDIDATE BEHIND-1 BEHIND-2");
}

#[test]
fn killed_nodes_rank_by_what_their_engines_hold() {
    let mut nodes = captured("03-kill9/norestart-killed");
    for (name, files) in &mut nodes {
        let text = fs::read(fixtures().join(format!("03-kill9/recover/{name}.txt"))).unwrap();
        files.insert(File::Recover, text);
    }
    let (survey, judgement) = judged(&nodes);
    assert_eq!(judgement.verdict, Outage);
    assert_eq!(words(&judgement), "CANDIDATE CANDIDATE BEHIND-1");
    assert!(survey.nodes.iter().all(|node| node.facts.get(keys::GRASTATE_SEQNO).known().is_none()));
    // One of them taken while its server ran says nothing.
    let running = fs::read(fixtures().join("03-kill9/recover-variants/running.txt")).unwrap();
    let running = String::from_utf8(running).unwrap().split("### ").nth(1).unwrap().to_owned();
    nodes[0].1.insert(File::Recover, running.into_bytes());
    assert_eq!(words(&judged(&nodes).1), "UNKNOWN UNKNOWN BEHIND-1");
}

#[test]
fn a_node_without_files_has_to_be_answered_for() {
    let mut nodes = captured("13-hangs/sigstop-g2");
    nodes.insert(1, ("g2".to_owned(), Files::new()));
    let (_, judgement) = judged(&nodes);
    assert_eq!(judgement.verdict, Degraded);
    assert_eq!(words(&judgement), "SYNCED UNKNOWN SYNCED");
}

#[test]
fn the_rooms_that_df_showed() {
    let (survey, _) = judged(&captured("06-diskfull/sst-into-full"));
    let free: Vec<Option<u64>> =
        survey.nodes.iter().map(|node| node.facts.get(keys::DISK_FREE).known().copied()).collect();
    assert_eq!(free[1], Some(16384));
    let (survey, _) = judged(&captured("01-healthy"));
    assert!(survey.nodes[0].facts.get(keys::DISK_FREE).is(|free| *free == 79_344_902_144));
}

#[test]
fn state_files_of_every_shape_survive_being_saved() {
    for entry in fs::read_dir(fixtures().join("11-parsing")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().ends_with(".grastate.dat") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let node = bundle::read(&folder("g1", &Files::from([(File::Grastate, bytes.clone())])), now());
        let written = bundle::written(&node);
        let (_, saved) = written.iter().find(|(name, _)| *name == "grastate.dat").unwrap();
        assert_eq!(*saved, bytes, "{}", path.display());
    }
}
