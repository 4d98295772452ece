//! The states that this version has no way out of, and says so: each with what has to be the case, and the finding that has
//! to be shown there.

use breakglass::facts::{NodeName, Survey};
use breakglass::judge::{Judgement, Standing};
use breakglass::nodes::sim::{NodeTruth, Truth};

use super::holds::lacks;

/// What a state is told by.
struct Scene<'a> {
    truth: &'a Truth,
    survey: &'a Survey,
    judgement: &'a Judgement,
}

struct Class {
    name: &'static str,
    is: fn(&Scene<'_>) -> bool,
    /// One of these is shown: a finding, with these words in what it says is to be done next.
    shown: &'static [(&'static str, &'static str)],
}

/// The first that fits names the state.
const CLASSES: &[Class] = &[
    Class {
        name: "two primaries",
        is: |scene| parts(scene.truth).len() > 1,
        shown: &[("galera.two-primaries", "Stop the writers of one side now")],
    },
    // A server that was told to stop while it waited, and joined afterwards (tests/fixtures/galera/03-kill9); and what became
    // of it when its group was gone.
    Class {
        name: "a member that answers no SQL",
        is: |scene| {
            scene.survey.data_nodes().any(|node| {
                let really = scene.truth.nodes.iter().find(|of| of.name == node.name);
                node.ssh.is_ok()
                    && !node.sql.is_ok()
                    && really.is_some_and(|node| {
                        node.running && (node.synced || shows(scene, "galera.sql-unanswered"))
                    })
            })
        },
        shown: &[("galera.sql-unanswered", "")],
    },
    Class {
        name: "a state file of another owner",
        is: |scene| shows(scene, "galera.wrong-owner"),
        shown: &[("galera.wrong-owner", "chown")],
    },
    // Killed while it gave a transfer (tests/fixtures/lab/kill-donor/all-killed-donor.txt): a start would begin where the file
    // says, and take what the engine has once more.
    Class {
        name: "a state file that its engine is beyond",
        is: |scene| shows(scene, "galera.positions-disagree"),
        shown: &[("galera.positions-disagree", "the state file is what a start would use")],
    },
    Class {
        name: "a port held by a dead transfer",
        is: |scene| shows(scene, "galera.orphan-transfer"),
        shown: &[("galera.orphan-transfer", "End that process by its pid")],
    },
    Class {
        name: "tainted",
        is: |scene| stands(scene, |word| word == Standing::Tainted),
        shown: &[("galera.tainted", ""), ("galera.node-ahead", "Do not start it")],
    },
    Class {
        name: "holds what the primary does not",
        is: |scene| {
            let parts = parts(scene.truth);
            let Some(members) = parts.first() else { return false };
            let Some(member) = members.first() else { return false };
            scene.truth.nodes.iter().any(|node| {
                !members.iter().any(|of| of.name == node.name)
                    && !lacks(&member.holds, &node.holds).is_empty()
            })
        },
        shown: &[
            ("galera.node-ahead", "Do not start it"),
            ("galera.diverged", "Copy its data directory"),
            ("galera.empty", ""),
            ("galera.non-primary", ""),
            ("galera.node-down", "whether its history is the Primary's is not known"),
        ],
    },
    Class {
        name: "no node holds all",
        is: |scene| {
            let nodes = &scene.truth.nodes;
            let holds_all =
                |one: &NodeTruth| nodes.iter().all(|other| lacks(&one.holds, &other.holds).is_empty());
            parts(scene.truth).is_empty() && !nodes.iter().any(holds_all)
        },
        shown: &[
            ("galera.diverged", "Copy its data directory"),
            ("galera.non-primary", "who may go on is decided by all positions"),
            ("galera.no-primary", "Start and bootstrap nothing"),
            ("galera.all-down", "Start and bootstrap nothing"),
            ("galera.all-stopped", "Start and bootstrap nothing"),
            ("galera.all-crashed", "Start and bootstrap nothing"),
        ],
    },
    // What a waiver of S25 could lift; the operator who knows what really is gives none, for it would lose something.
    Class {
        name: "a history in doubt by the logs",
        is: |scene| {
            shows_next(scene, "galera.node-down", "whether its history is the Primary's is not known")
        },
        shown: &[("galera.node-down", "whether its history is the Primary's is not known")],
    },
    // The logs tell of two bootstraps, whatever became of the second one's data since.
    Class {
        name: "histories parted by the logs",
        is: |scene| stands(scene, |word| word == Standing::Diverged),
        shown: &[("galera.diverged", "Copy its data directory")],
    },
    Class {
        name: "runs outside of a primary",
        is: |scene| {
            parts(scene.truth).is_empty() && scene.truth.nodes.iter().any(|node| node.running && !node.synced)
        },
        shown: &[
            ("galera.non-primary", "pc.bootstrap"),
            ("galera.waiting-for-primary", "Recover every position"),
        ],
    },
    // It runs on after it left: an IST that failed, conflicting Primaries (tests/fixtures/galera/04-partition, 06-diskfull).
    Class {
        name: "runs beside a primary",
        is: |scene| {
            !parts(scene.truth).is_empty()
                && scene.truth.nodes.iter().any(|node| node.running && !node.synced)
        },
        shown: &[
            ("galera.non-primary", "Disconnected does not"),
            ("galera.waiting-for-primary", "mend the network"),
            ("galera.transfer-loop", "Stop its restarts first"),
        ],
    },
];

/// The Primary Components that hold data, each by those of its members that do.
pub(crate) fn parts(truth: &Truth) -> Vec<Vec<&NodeTruth>> {
    let of = |members: &Vec<NodeName>| -> Vec<&NodeTruth> {
        truth.nodes.iter().filter(|node| members.contains(&node.name)).collect()
    };
    truth.primaries.iter().map(of).filter(|members| !members.is_empty()).collect()
}

/// How many runs back what was said is still of this state.
const LATELY: usize = 6;

fn shows_next(scene: &Scene<'_>, id: &str, words: &str) -> bool {
    scene.judgement.findings.iter().any(|finding| finding.id == id && finding.next.as_str().contains(words))
}

fn shows(scene: &Scene<'_>, id: &str) -> bool {
    scene.judgement.findings.iter().any(|finding| finding.id == id)
}

fn stands(scene: &Scene<'_>, is: impl Fn(Standing) -> bool) -> bool {
    scene.judgement.nodes.iter().any(|node| node.standing.is_some_and(&is))
}

/// The class of a state that nothing leads out of; `Err` where it is none, or what is to be shown is not.
pub(crate) fn class(
    truth: &Truth,
    survey: &Survey,
    judgement: &Judgement,
    said: &[String],
) -> Result<&'static str, String> {
    let scene = Scene { truth, survey, judgement };
    let shown: Vec<&str> = judgement.findings.iter().map(|finding| finding.id).collect();
    let nodes = judgement
        .nodes
        .iter()
        .map(|node| format!("{} {}: {}", node.name, node.standing.map_or("-", Standing::as_str), node.why));
    let really = truth.nodes.iter().map(|node| {
        format!(
            "{} at {}, running {}, synced {}, holds {:?}",
            node.name, node.seqno, node.running, node.synced, node.holds
        )
    });
    let all = format!(
        "it shows {}\n{}\nreally: {}\nthe last run: {}",
        shown.join(", "),
        nodes.collect::<Vec<_>>().join("\n"),
        really.collect::<Vec<_>>().join("; "),
        said.last().map_or("none", String::as_str)
    );
    let Some(class) = CLASSES.iter().find(|class| (class.is)(&scene)) else {
        return Err(format!("no way out was offered: {all}"));
    };
    let says = |(id, words): &(&str, &str)| {
        judgement.findings.iter().any(|finding| finding.id == *id && finding.next.as_str().contains(words))
    };
    // A doubt of S25 is no finding: the runs that it holds back say it.
    let held = ["holds what the primary does not", "no node holds all"].contains(&class.name)
        && said.iter().rev().take(LATELY).any(|said| said.contains("S25"));
    if held || class.shown.iter().any(says) {
        return Ok(class.name);
    }
    Err(format!("the state is `{}`, and what it shows does not say so: {all}", class.name))
}
