//! Every captured experiment of tests/fixtures/galera once more on the simulated cluster: the same things done to it at
//! the same moments, and what its nodes then show beside what the real ones showed. Both are read as bundles of the same
//! files, so that neither side knows more than the other; facts are compared key by key, then servers, standings,
//! verdict and findings. What is not the same stands in a table with its reason.

#[path = "experiments/canon.rs"]
mod canon;
#[path = "experiments/differences.rs"]
mod differences;
#[path = "experiments/schedules.rs"]
mod schedules;
#[path = "experiments/times.rs"]
mod times;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::time::Duration;

use breakglass::ask::bundle::{self, File, Folder};
use breakglass::ask::lines::{self, Weight};
use breakglass::engine::Nodes as _;
use breakglass::facts::{ClusterName, Family, Known, Mode, NodeSurvey, Survey, WhyKind};
use breakglass::judge::{self, Judgement};
use breakglass::nodes::sim::{Fault, Sim, Topology};
use jiff::Timestamp;

use crate::captures::{self, Files};
use crate::walk::{name, topology};
use canon::told;
use differences::{DIFFERS, LINES};
use schedules::RUNS;

/// A schedule, and what it is done to.
pub(crate) struct Run {
    /// What chance depends on: where real groups did now this and now that, one with which it comes out as captured.
    pub(crate) seed: u64,
    /// What is not as `topology` has it.
    pub(crate) topology: fn(Topology) -> Topology,
    /// Lines of seconds and a fault; or `load N [NODE]`: write-sets; `log`: captured logs begin here; `look EXPERIMENT`: what the
    /// nodes show now, one after the other as the probe went round.
    pub(crate) schedule: &'static str,
}

/// When all bundles are read.
fn now() -> Timestamp {
    "2026-11-22T03:00:00Z".parse().unwrap()
}

/// A node's files as a bundle's folder, read.
fn read(node: &str, files: &Files) -> NodeSurvey {
    let files = files.iter().map(|(file, bytes)| (*file, Known::Known(bytes.clone()))).collect();
    bundle::read(&Folder { name: name(node), place: node.to_owned(), files }, now())
}

fn surveyed(nodes: Vec<NodeSurvey>, mode: Mode) -> Survey {
    Survey {
        cluster: ClusterName::new("shop").unwrap(),
        family: Family::Galera,
        mode,
        taken: nodes.first().map_or_else(now, |node| node.at),
        nodes,
    }
}

/// What a simulated node shows, in the files of the capture and with no more in them than there.
fn shown(node: &NodeSurvey, capture: &Files, since: Timestamp) -> Files {
    let mut files = Files::new();
    for (written, bytes) in bundle::written(node) {
        let named = |file: &&File| file.name() == written || (written, **file) == ("log-part.txt", File::Log);
        let Some(file) = File::ALL.iter().find(named) else { continue };
        let Some(theirs) = capture.get(file) else { continue };
        let (ours, theirs) = (String::from_utf8_lossy(&bytes), String::from_utf8_lossy(theirs));
        let kept: Vec<&str> = match file {
            File::Unit => {
                let has = |name: &str| {
                    theirs.lines().any(|line| line.split_once('=').is_some_and(|(n, _)| n == name))
                };
                ours.lines().filter(|line| line.split_once('=').is_some_and(|(name, _)| has(name))).collect()
            }
            File::Status => {
                let has = |name: &str| {
                    theirs.lines().any(|line| line.split_once('\t').is_some_and(|(n, _)| n == name))
                };
                let keeps = |line: &&str| {
                    !theirs.contains('\t') || line.split_once('\t').is_none_or(|(name, _)| has(name))
                };
                ours.lines().filter(keeps).collect()
            }
            // The first table is of bytes, the second of inodes.
            File::Room => ours.lines().take(2).collect(),
            File::Log => {
                let at = |line: &&str| line.split(' ').next().and_then(|word| word.parse::<Timestamp>().ok());
                ours.lines().filter(|line| at(line).is_none_or(|at| at >= since)).collect()
            }
            _ => {
                files.insert(*file, bytes);
                continue;
            }
        };
        let end = if kept.is_empty() { "" } else { "\n" };
        files.insert(*file, (kept.join("\n") + end).into_bytes());
    }
    files
}

/// Verdict, servers and standings in one line.
fn summary(judgement: &Judgement) -> String {
    let node = |node: &judge::NodeJudgement| {
        let server = node.server.known().map_or("unknown", |server| server.as_str());
        let standing = node.standing.map_or("-".to_owned(), |standing| match standing.by() {
            Some(by) => format!("{}-{by}", standing.as_str()),
            None => standing.as_str().to_owned(),
        });
        format!("{server} {standing}")
    };
    let nodes: Vec<String> = judgement.nodes.iter().map(node).collect();
    format!("{:?}: {}", judgement.verdict, nodes.join(", "))
}

/// The findings' names, each once.
fn findings(judgement: &Judgement) -> BTreeSet<&'static str> {
    judgement.findings.iter().map(|finding| finding.id).collect()
}

/// The known lines of a log of which a finding is made that something is wrong.
fn deciding(node: &NodeSurvey) -> BTreeSet<&'static str> {
    let seen = lines::seen(&node.facts);
    let rows = seen.known().into_iter().flatten().map(|seen| seen.line);
    let decides = |line: &&lines::KnownLine| line.finding.is_some() && line.weight >= Weight::Warning;
    rows.filter(decides).map(|line| line.id).collect()
}

/// A side of a difference, as much of it as is read.
fn short(told: Option<&Result<String, WhyKind>>) -> String {
    match told {
        Some(Ok(text)) => text.chars().take(100).collect(),
        Some(Err(kind)) => format!("({kind:?})"),
        None => "none".to_owned(),
    }
}

/// What differs at one look: a word for it as the tables have it, and both sides.
type Differing = Vec<(Kind, String)>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A fact of a node.
    Fact(String, &'static str),
    /// A known line in a node's log.
    Line(String, &'static str),
    /// A finding.
    Finding(&'static str),
    /// Servers, standings and verdict by the files.
    Judged(String),
    /// The same by everything that the simulated nodes show.
    Whole(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fact(node, key) => write!(f, "{node} {key}"),
            Self::Line(node, id) => write!(f, "{node} line {id}"),
            Self::Finding(id) => write!(f, "finding {id}"),
            Self::Judged(_) => f.write_str("judged by the same files"),
            Self::Whole(_) => f.write_str("judged by all that is shown"),
        }
    }
}

/// The nodes of the simulated cluster beside an experiment.
async fn look(sim: &Sim, experiment: &str, since: Timestamp) -> Differing {
    let captured = captures::captured(experiment);
    let (mut whole, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for (node, files) in &captured {
        let survey = sim.survey(&name(node)).await;
        ours.push(read(node, &shown(&survey, files, since)));
        theirs.push(read(node, files));
        whole.push(survey);
    }
    let mut differing = Differing::new();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let node = theirs.name.to_string();
        let (said, heard) = (deciding(ours), deciding(theirs));
        for id in said.symmetric_difference(&heard) {
            let who = if said.contains(id) { "simulated" } else { "real" };
            differing.push((Kind::Line(node.clone(), id), format!("{who} alone")));
        }
    }
    let (ours, theirs) = (surveyed(ours, Mode::Bundle), surveyed(theirs, Mode::Bundle));
    let told_by_us = told(&ours);
    for ((node, key), real) in told(&theirs) {
        let ours = told_by_us.get(&(node.clone(), key));
        if real != Err(WhyKind::NotAsked) && ours != Some(&real) {
            differing.push((
                Kind::Fact(node, key),
                format!("simulated {}, real {}", short(ours), short(Some(&real))),
            ));
        }
    }
    let (ours, theirs) = (judge::judge(&ours), judge::judge(&theirs));
    let (of_ours, of_theirs) = (findings(&ours), findings(&theirs));
    for id in of_ours.symmetric_difference(&of_theirs) {
        let who = if of_ours.contains(id) { "simulated" } else { "real" };
        differing.push((Kind::Finding(id), format!("{who} alone")));
    }
    let (simulated, real) = (summary(&ours), summary(&theirs));
    if simulated != real {
        differing.push((
            Kind::Judged(simulated.clone()),
            format!("simulated {simulated}\n      real      {real}"),
        ));
    }
    let whole = summary(&judge::judge(&surveyed(whole, Mode::Drill)));
    if whole != real {
        differing.push((Kind::Whole(whole.clone()), format!("simulated {whole}\n      real      {real}")));
    }
    differing
}

/// What was seen at a look, or why it was not reached.
type Seen = (&'static str, Result<Differing, String>);

/// The simulated cluster as it is where a schedule looks at an experiment.
async fn go_to(run: &Run, experiment: &str) -> Sim {
    go(run, Some(experiment)).await.0
}

/// Goes through a schedule, to its end or to one of its looks.
async fn go(run: &Run, to: Option<&str>) -> (Sim, Vec<Seen>) {
    // A member's UUID begins with the low digits of its clock, which wrap every 429 s: then its order among the others is
    // another. From here on they come in the order of their starts, as those of the captures mostly did.
    let epoch = "2026-11-21T03:01:36Z".parse().unwrap();
    let sim = Sim::new((run.topology)(Topology { load: 0, epoch, ..topology() }), run.seed);
    let clock = sim.clock();
    let begun = clock.now();
    let mut since = Timestamp::MIN;
    let mut broken: Option<String> = None;
    let mut looks = Vec::new();
    for line in run.schedule.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (seconds, what) = line.split_once(' ').unwrap();
        let at = Duration::from_secs_f64(seconds.parse().unwrap());
        let passed = clock.now().duration_since(begun).unsigned_abs();
        assert!(at >= passed, "{line}: it is {passed:?} already");
        sim.pass(at.checked_sub(passed).unwrap());
        let what = what.trim();
        match what.split_once(' ') {
            Some(("look", experiment)) => {
                if to == Some(experiment) {
                    assert_eq!(broken, None);
                    return (sim, looks);
                }
                let seen = match &broken {
                    Some(why) => Err(why.clone()),
                    None => Ok(look(&sim, experiment, since).await),
                };
                looks.push((experiment, seen));
            }
            Some(("load", how)) => match how.split_once(' ') {
                Some((write_sets, node)) => sim.load_on(&name(node), write_sets.parse().unwrap()),
                None => sim.load(how.parse().unwrap()),
            },
            _ if what == "log" => since = clock.now(),
            _ => {
                let fault: Fault = what.parse().unwrap();
                if let Err(error) = sim.fault(&fault) {
                    broken.get_or_insert(format!("{line}: {error}"));
                }
            }
        }
    }
    assert_eq!(to, None, "no look at it");
    (sim, looks)
}

#[tokio::test]
async fn every_experiment_ends_as_the_real_one_did() {
    let mut wrong = String::new();
    let mut used = BTreeSet::new();
    for run in RUNS {
        for (experiment, seen) in go(run, None).await.1 {
            let left: Vec<String> = match seen {
                Ok(differing) => differing
                    .into_iter()
                    .filter(|(kind, _)| !is_accepted(experiment, kind, &mut used))
                    .map(|(kind, sides)| format!("{kind}: {sides}"))
                    .collect(),
                Err(why) => vec![format!("not reached: {why}")],
            };
            if !left.is_empty() {
                writeln!(wrong, "{experiment}\n  {}", left.join("\n  ")).unwrap();
            }
        }
    }
    for (row, why) in differences::rows() {
        if !used.contains(&row) {
            writeln!(wrong, "{row} ({why}) differs no more").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Whether a table has it; notes the row.
fn is_accepted(experiment: &str, kind: &Kind, used: &mut BTreeSet<String>) -> bool {
    let is_everywhere = |table: &[(&str, &str)], what: &str| table.iter().any(|(row, _)| *row == what);
    let row = match kind {
        Kind::Fact(_, key) if is_everywhere(DIFFERS, key) => (*key).to_owned(),
        Kind::Line(_, id) if is_everywhere(LINES, id) => (*id).to_owned(),
        Kind::Fact(node, key) => format!("{experiment} {node} {key}"),
        Kind::Line(node, id) => format!("{experiment} {node} {id}"),
        Kind::Finding(id) => format!("{experiment} {id}"),
        Kind::Judged(said) => format!("{experiment} judged {said}"),
        Kind::Whole(said) => format!("{experiment} whole {said}"),
    };
    let fits = |known: &str| match known.strip_suffix('*') {
        Some(head) => row.starts_with(head),
        None => row == known,
    };
    let known = differences::rows().map(|(known, _)| known).find(|known| fits(known));
    known.is_some_and(|known| {
        used.insert(known);
        true
    })
}

#[test]
fn every_capture_has_its_moment() {
    let looks = RUNS.iter().flat_map(|run| run.schedule.lines()).filter_map(|line| line.split_once("look "));
    let mut looks: Vec<&str> = looks.map(|(_, experiment)| experiment.trim()).collect();
    looks.sort_unstable();
    assert_eq!(captures::all(), looks);
}

#[test]
fn no_row_hides_what_decides() {
    for key in
        ["wsrep.cluster_status", "wsrep.local_state", "unit.active_state", "server.state", "log.last_end"]
    {
        assert!(DIFFERS.iter().all(|(name, _)| *name != key), "{key}");
    }
    for (row, why) in differences::rows() {
        assert!(!why.is_empty(), "{row}");
    }
}
