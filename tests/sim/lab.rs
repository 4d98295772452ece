//! The faults of a lab and the same faults in the simulator: facts, standings, verdict and findings of real machines
//! (tests/fixtures/sim/fault-*, its README says what was done when) beside those of simulated ones.

use std::collections::BTreeSet;
use std::time::Duration;

use breakglass::engine::Nodes as _;
use breakglass::facts::{Facts, Family, Mode, NodeSurvey, Reach, ReachWord, Role, Survey};
use breakglass::judge::{self, Judgement};
use breakglass::nodes::sim::{Fault, NotPossible, Sim, Topology};
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::beside::{captured, differences, folder, told};
use crate::walk::{name, topology};

/// One fault of a lab.
struct Case {
    /// Its folder.
    folder: &'static str,
    seed: u64,
    /// Whether systemd restarts a server that crashed.
    restarts: bool,
    /// What happens when, in milliseconds: a line of the simulator's faults, `commit N` write-sets, or `see MOMENT`.
    schedule: &'static [(u64, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        folder: "fault-crash",
        seed: 1,
        restarts: true,
        schedule: &[(0, "crash g1"), (2_000, "see crashed"), (25_000, "see back")],
    },
    Case {
        folder: "fault-kill",
        seed: 1,
        restarts: true,
        schedule: &[(0, "kill g1"), (12_000, "see killed")],
    },
    Case {
        folder: "fault-stop",
        seed: 1,
        restarts: true,
        schedule: &[(0, "stop g1"), (6_000, "see stopped")],
    },
    Case {
        folder: "fault-freeze",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "freeze g1"),
            (2_900, "see at-2"),
            (16_000, "see at-16"),
            (30_000, "thaw g1"),
            (32_000, "see healed-2"),
            (44_000, "see healed-14"),
        ],
    },
    Case {
        folder: "fault-freeze-machine",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "freeze-machine g1"),
            (2_900, "see at-2"),
            (16_000, "see at-16"),
            (30_000, "thaw-machine g1"),
            (32_000, "see healed-2"),
            (44_000, "see healed-14"),
        ],
    },
    Case {
        folder: "fault-unreachable",
        seed: 1,
        restarts: true,
        schedule: &[(0, "unreachable g1"), (3_000, "see set")],
    },
    Case {
        folder: "fault-partition",
        seed: 3,
        restarts: true,
        schedule: &[
            (0, "partition g1"),
            // By its journals the view changed 1.9 s after this look.
            (4_000, "see at-2"),
            (16_000, "see at-16"),
            (30_000, "heal"),
            (32_000, "see healed-2"),
            (44_000, "see healed-14"),
        ],
    },
    Case {
        folder: "fault-bootstrap-both",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "partition g1"),
            (7_500, "pc-bootstrap g1"),
            (12_000, "see set"),
            (23_000, "heal"),
            (25_000, "see healed-2"),
            (43_000, "see healed-20"),
        ],
    },
    Case {
        folder: "fault-fill-disk",
        seed: 1,
        restarts: true,
        schedule: &[(0, "fill-disk g1"), (3_000, "see set"), (4_000, "commit 2"), (9_500, "see written")],
    },
    Case {
        folder: "fault-kill-joiner",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "stop g3"),
            (100, "wipe-state g3"),
            (200, "start g3"),
            (3_500, "kill-all g3"),
            (10_000, "see set"),
        ],
    },
    Case {
        folder: "fault-kill-donor",
        seed: 1,
        restarts: false,
        schedule: &[
            (0, "stop g3"),
            (100, "wipe-state g3"),
            (200, "start g3"),
            (3_500, "kill-all g1"),
            (16_500, "see set"),
        ],
    },
    Case {
        folder: "fault-orphan-transfer",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "stop g3"),
            (2_200, "orphan-transfer g3"),
            (6_000, "see set"),
            (7_000, "wipe-state g3"),
            (7_000, "start g3"),
            (21_000, "see started"),
        ],
    },
    Case {
        folder: "fault-wrong-owner",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "stop g3"),
            (200, "wrong-owner g3"),
            (4_000, "see set"),
            (5_600, "start g3"),
            (9_000, "see started"),
        ],
    },
    Case {
        folder: "fault-leftover-flag",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "stop g3"),
            (200, "leftover-flag g3"),
            (4_000, "see set"),
            (4_700, "start g3"),
            (8_000, "see started"),
        ],
    },
    Case {
        folder: "stop-in-sst",
        seed: 1,
        restarts: true,
        schedule: &[
            (0, "stop g3"),
            (1_000, "wipe-state g3"),
            (2_000, "start g3"),
            (5_000, "stall-transfer g3"),
            (5_500, "see mid"),
            (6_000, "stop g3"),
            (7_000, "see after"),
            (22_000, "see after-15"),
        ],
    },
    Case {
        folder: "stop-waiting",
        seed: 2,
        restarts: true,
        schedule: &[
            (0, "kill g1"),
            (0, "kill g2"),
            (0, "kill g3"),
            (1_000, "start g1"),
            (13_500, "stop g1"),
            (104_000, "start g2"),
            (104_000, "start g3"),
            (119_700, "see others-started"),
        ],
    },
    Case {
        folder: "vote",
        seed: 1,
        restarts: true,
        schedule: &[(0, "differ g2"), (10, "commit 1"), (3_000, "see after")],
    },
];

/// Folders without a case.
const LEFT_OUT: &[(&str, &str)] =
    &[("fault-expire-certificate", "the simulated group does not encrypt what it sends")];

/// What differs at one moment on one node (`gN`), or in the judgement of all (`all`), and why it may: place, fact, reason.
/// A place is the beginning of `FOLDER/MOMENT-NODE`.
const ACCEPTED: &[(&str, &str, &str)] = &[
    (
        "",
        "kernel.io_errors",
        "a lab's machine is a container: its root may not read the kernel's log over SSH",
    ),
    (
        "",
        "kernel.oom_kills",
        "a lab's machine is a container: its root may not read the kernel's log over SSH",
    ),
    ("fault-kill-donor/set-g2", "unit.restart", "the simulator's units restart what crashed all or none"),
    ("fault-fill-disk/written-g2", "wsrep.evs_state", FIVE_SECONDS),
    ("fault-fill-disk/written-g3", "wsrep.evs_state", FIVE_SECONDS),
    ("fault-orphan-transfer/started-g1", "wsrep.cluster_weight", LEAVES),
    ("fault-orphan-transfer/started-g1", "wsrep.incoming_addresses", LEAVES),
    ("fault-orphan-transfer/started-g2", "wsrep.cluster_conf_id", LEAVES),
    ("fault-orphan-transfer/started-g2", "wsrep.cluster_size", LEAVES),
    ("fault-orphan-transfer/started-g2", "wsrep.cluster_weight", LEAVES),
    ("fault-orphan-transfer/started-g2", "wsrep.incoming_addresses", LEAVES),
    ("fault-orphan-transfer/started-g3", "log.last_end", LEAVES),
    ("fault-orphan-transfer/started-g3", "log.last_end_at", LEAVES),
    ("fault-orphan-transfer/started-all", "standing g1", LEAVES),
    ("fault-orphan-transfer/started-all", "standing g2", LEAVES),
    ("fault-orphan-transfer/started-all", "finding galera.views-contradict", LEAVES),
];

/// Why members look for a view in one and not yet in the other.
const FIVE_SECONDS: &str = "chance: systemd was asked before 5 s had passed since the end of g1's server, and the other servers after it; the simulated probe asks all in one moment";
/// Why the view differs in which the joiner without a port was.
const LEAVES: &str = "chance: it left while the real probes went round; by g3's journal its server ended within its own answer, and g1 shows three members of the old view beside two addresses of the next";

/// When a node answered, by its own clock.
fn clock(text: &str) -> Timestamp {
    let seconds = text.split("%section clock ok ").nth(1).and_then(|rest| rest.lines().nth(1)).unwrap();
    let seconds = seconds.split(['.', ' ']).next().unwrap().parse().unwrap();
    Timestamp::from_second(seconds).unwrap()
}

/// A real node as a survey found it.
fn real(folder_name: &str, moment: &str, node: &str) -> NodeSurvey {
    let capture = format!("{folder_name}/{moment}-{node}");
    let mut survey = NodeSurvey {
        name: name(node),
        role: Role::Data,
        ssh: Reach::ok(),
        sql: Reach::ok(),
        facts: Facts::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    let refused = std::fs::read_to_string(folder().join(format!("{capture}.ssh.txt")));
    if let Ok(said) = refused {
        assert!(said.contains("timed out"), "{capture}: {said}");
        survey.ssh = Reach::failed(ReachWord::Timeout, said.trim(), "");
        survey.sql = Reach::failed(ReachWord::NotTried, "", "");
        return survey;
    }
    let text = std::fs::read_to_string(folder().join(format!("{capture}.txt"))).unwrap();
    survey.at = clock(&text);
    let answer = captured(&capture, survey.at);
    survey.sql = answer.sql.unwrap();
    survey.facts = answer.facts;
    survey
}

/// What the judge makes of it, line by line.
fn judged(judgement: &Judgement) -> BTreeSet<(String, String)> {
    let mut lines = BTreeSet::new();
    lines.insert(("verdict".to_owned(), format!("{:?}", judgement.verdict)));
    for node in &judgement.nodes {
        let standing = node.standing.as_ref().map(|standing| format!("{standing:?}"));
        lines.insert((format!("standing {}", node.name), standing.unwrap_or_default()));
    }
    for finding in &judgement.findings {
        let nodes: Vec<&str> = finding.nodes.iter().map(breakglass::facts::NodeName::as_str).collect();
        lines.insert((format!("finding {}", finding.id), nodes.join(" ")));
    }
    lines
}

fn survey_of(nodes: Vec<NodeSurvey>) -> Survey {
    let taken = nodes.iter().map(|node| node.at).max().unwrap();
    Survey { cluster: topology().cluster, family: Family::Galera, mode: Mode::Drill, taken, nodes }
}

/// Every difference of one moment: where, what, and both.
async fn moment(sim: &Sim, folder: &str, moment: &str) -> Vec<(String, String, String)> {
    let names = sim.names();
    // Not as an operator's survey, which asks again whatever grew old while one machine was waited for.
    let ours = join_all(names.iter().map(|node| sim.survey(node))).await;
    let theirs = names.iter().map(|node| real(folder, moment, node.as_str())).collect::<Vec<_>>();
    let (simulated, real) = (survey_of(ours), survey_of(theirs));
    let mut all = Vec::new();
    for (ours, real) in simulated.nodes.iter().zip(&real.nodes) {
        let place = format!("{folder}/{moment}-{}", ours.name);
        for (what, ours, real) in [("ssh", &ours.ssh, &real.ssh), ("sql", &ours.sql, &real.sql)]
            .map(|(what, a, b)| (what, a.word, b.word))
        {
            if ours != real {
                all.push((place.clone(), what.to_owned(), format!("simulated {ours:?}, real {real:?}")));
            }
        }
        let wrong = differences(&told(ours.facts.iter()), &told(real.facts.iter()));
        all.extend(wrong.into_iter().map(|(key, both)| (place.clone(), key, both)));
    }
    let (ours, theirs) = (judged(&judge::judge(&simulated)), judged(&judge::judge(&real)));
    let place = format!("{folder}/{moment}-all");
    for (what, said) in ours.difference(&theirs) {
        all.push((place.clone(), what.clone(), format!("only simulated: {said}")));
    }
    for (what, said) in theirs.difference(&ours) {
        all.push((place.clone(), what.clone(), format!("only real: {said}")));
    }
    all
}

/// Every difference of a fault, or the error of the simulator that does not have it.
async fn case(case: &Case) -> Result<Vec<(String, String, String)>, NotPossible> {
    let calm =
        Topology { load: 0, data: 54, disk: 973, enabled: false, restarts: case.restarts, ..topology() };
    let sim = Sim::new(calm, case.seed);
    let (begun, mut all) = (sim.clock().elapsed(), Vec::new());
    for (at, what) in case.schedule {
        sim.pass((begun + Duration::from_millis(*at)).saturating_sub(sim.clock().elapsed()));
        match what.split_once(' ') {
            Some(("see", seen)) => all.extend(moment(&sim, case.folder, seen).await),
            Some(("commit", sets)) => sim.load(sets.parse().unwrap()),
            _ => sim.fault(&what.parse::<Fault>().unwrap())?,
        }
    }
    Ok(all)
}

#[tokio::test]
async fn every_fault_of_a_lab_is_told_as_its_real_machines_told_it() {
    let mut found = Vec::new();
    for one in CASES {
        found.extend(case(one).await.unwrap_or_else(|error| panic!("{}: {error}", one.folder)));
    }
    let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
    for (place, what, both) in found {
        let listed = |(at, key, _): &(&str, &str, &str)| place.starts_with(at) && *key == what;
        match ACCEPTED.iter().position(listed) {
            Some(at) => drop(used.insert(at)),
            None => wrong.push(format!("{place} {what}: {both}")),
        }
    }
    for (at, (place, what, _)) in ACCEPTED.iter().enumerate() {
        if !used.contains(&at) {
            wrong.push(format!("{place} {what}: listed, and does not differ any more"));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_folder_of_a_fault_has_a_case_that_sees_all_its_moments() {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        let called = entry.file_name().into_string().unwrap();
        if !entry.file_type().unwrap().is_dir() || LEFT_OUT.iter().any(|(folder, _)| *folder == called) {
            continue;
        }
        let case = CASES.iter().find(|case| case.folder == called).unwrap_or_else(|| panic!("{called}"));
        for file in std::fs::read_dir(entry.path()).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            let moment = file.split("-g").next().unwrap();
            let sees = case.schedule.iter().any(|(_, what)| what.strip_prefix("see ") == Some(moment));
            assert!(sees, "{called}/{file}");
        }
        folders.insert(called);
    }
    assert_eq!(folders.len(), CASES.len());
    for (place, what, why) in ACCEPTED {
        // What is concluded may only differ where the real machines were met by chance in a moment between two.
        let concluded =
            ["standing", "finding", "verdict", "ssh", "sql"].iter().any(|of| what.starts_with(of));
        assert!(why.len() > 20 && (!concluded || why.starts_with("chance: ")), "{place} {what}");
    }
}
