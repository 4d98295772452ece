//! The failure catalogue, case by case: the survey that shows it, and what is made of it. Where facts cannot hold a case, the
//! entry says why, and what the operator is told instead.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "cases/around.rs"]
mod around;
#[path = "cases/choice.rs"]
mod choice;
#[path = "cases/files.rs"]
mod files;
#[path = "cases/other.rs"]
mod other;
#[path = "cases/several.rs"]
mod several;
#[path = "support/surveys.rs"]
#[expect(dead_code, reason = "shared builders; each user needs some of them")]
mod surveys;
#[path = "cases/transfer.rs"]
mod transfer;

use std::collections::BTreeSet;

use breakglass::facts::{NodeName, Survey};
use breakglass::judge::{Doing, Judgement, Waivers, judge, permit};
use surveys::{Node, now, survey};

/// How many cases the catalogue has.
const CASES: u8 = 49;

const ALL: &[&str] = &["g1", "g2", "g3"];

/// An entry: the number in the catalogue, and what is to come of it.
struct Case {
    number: u8,
    shows: Shows,
}

enum Shows {
    /// A survey holds it.
    Survey {
        nodes: fn() -> Vec<Node>,
        verdict: &'static str,
        /// The standings in the inventory's order, with `by` behind AHEAD and BEHIND.
        standings: &'static str,
        /// Findings that name it. Each lists the case's number.
        named: &'static [&'static str],
        /// Findings that come with it.
        also: &'static [&'static str],
        /// What is refused, and by which rule on which node (`-`: the cluster): `bootstrap g1: S7 g1`.
        refused: &'static [&'static str],
    },
    /// No survey can: why, and what proves what the operator is told instead.
    Not { why: &'static str, told: fn() },
}

#[test]
fn every_case_of_the_catalogue_has_its_entry() {
    let numbers: Vec<u8> = cases().map(|case| case.number).collect();
    let mut once: Vec<u8> = numbers.clone();
    once.sort_unstable();
    assert_eq!(once, (1..=CASES).collect::<Vec<_>>(), "each once");
}

#[test]
fn every_case_is_named_with_its_evidence_and_refuses_what_it_must() {
    let mut wrong = Vec::new();
    for case in cases() {
        match &case.shows {
            Shows::Not { why, told } => {
                assert!(!why.is_empty(), "case {} says why", case.number);
                told();
            }
            Shows::Survey { nodes, verdict, standings, named, also, refused } => {
                let survey = survey(nodes());
                let judgement = judge(&survey);
                let mut expect = |what: &str, found: String, wanted: &str| {
                    if found != wanted {
                        wrong.push(format!(
                            "case {}: {what}\n  found  {found}\n  wanted {wanted}",
                            case.number
                        ));
                    }
                };
                expect("verdict", judgement.verdict.to_string(), verdict);
                expect("standings", stands(&judgement), standings);
                let ids: BTreeSet<&str> = judgement.findings.iter().map(|finding| finding.id).collect();
                for id in named.iter().chain(*also) {
                    let there = ids.contains(id);
                    expect(&format!("findings {ids:?}"), if there { *id } else { "" }.to_owned(), id);
                }
                let of_case =
                    judgement.findings.iter().filter(|finding| finding.cases.contains(&case.number));
                let naming: Vec<&str> = of_case.clone().map(|finding| finding.id).collect();
                for id in *named {
                    expect(&format!("named by {naming:?}"), naming.contains(id).to_string(), "true");
                }
                for finding in of_case {
                    expect(
                        &format!("{} says what to do", finding.id),
                        finding.next.as_str().is_empty().to_string(),
                        "false",
                    );
                    let shown = !finding.evidence.is_empty() || finding.id == "galera.unreachable";
                    expect(&format!("{} shows its evidence", finding.id), shown.to_string(), "true");
                }
                for refusal in *refused {
                    let (doing, rule) = refusal.split_once(": ").unwrap();
                    let held = held(&survey, &judgement, doing);
                    expect(
                        &format!("{doing} held by {held:?}"),
                        held.iter().any(|held| held == rule).to_string(),
                        "true",
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn cases() -> impl Iterator<Item = &'static Case> {
    [choice::CASES, files::CASES, transfer::CASES, around::CASES, other::CASES].into_iter().flatten()
}

#[test]
fn a_healthy_cluster_says_nothing_else() {
    let judgement = judge(&survey(in_sync()));
    let ids: Vec<&str> = judgement.findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["galera.healthy"]);
}

/// `CANDIDATE BEHIND 1 UNKNOWN`; `-` for what has no history.
fn stands(judgement: &Judgement) -> String {
    let word = |node: &breakglass::judge::NodeJudgement| match node.standing {
        None => "-".to_owned(),
        Some(standing) => match standing.by() {
            Some(by) => format!("{} {by}", standing.as_str()),
            None => standing.as_str().to_owned(),
        },
    };
    judgement.nodes.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// `S7 g1` for all that holds back `bootstrap g1`, `join g1` or `start-all`.
fn held(survey: &Survey, judgement: &Judgement, doing: &str) -> Vec<String> {
    let name = |text: &str| NodeName::new(text).unwrap();
    let all: Vec<NodeName> = survey.data_nodes().map(|node| node.name.clone()).collect();
    let target;
    let doing = match doing.split_once(' ') {
        Some(("bootstrap", node)) => {
            target = name(node);
            Doing::Bootstrap { target: &target, others: &[] }
        }
        Some(("join", node)) => {
            target = name(node);
            Doing::Join { node: &target }
        }
        Some(("recover", node)) => {
            target = name(node);
            Doing::Recover(&target)
        }
        _ => {
            assert_eq!(doing, "start-all");
            Doing::StartTogether(&all)
        }
    };
    permit(survey, judgement, &doing, &Waivers::NONE, now())
        .iter()
        .flat_map(|ruling| &ruling.blocked)
        .map(|blocked| format!("{} {}", blocked.rule, blocked.node.as_ref().map_or("-", NodeName::as_str)))
        .collect()
}

/// Known lines in the node's log, each seen once at the survey.
fn logged(node: Node, ids: &[&str]) -> Node {
    let lines = ids.iter().map(|id| surveys::plain(&format!("{id} 1 {0} {0}", now()))).collect();
    node.set(breakglass::facts::keys::LOG_KNOWN, lines)
}

/// Two members of a Primary of two, and a third node.
fn beside(third: Node) -> Vec<Node> {
    let two = ["g1", "g2"];
    let mut nodes: Vec<Node> = two.iter().map(|name| Node::new(name).synced(4, &two, 100).roomy()).collect();
    nodes.push(third);
    nodes
}

/// All three crashed, their positions recovered.
fn crashed_at(positions: [i64; 3]) -> Vec<Node> {
    ALL.iter().zip(positions).map(|(name, at)| Node::new(name).crashed(ALL).recovered(at)).collect()
}

/// All three in sync.
fn in_sync() -> Vec<Node> {
    ALL.iter().map(|name| Node::new(name).synced(3, ALL, 100).roomy()).collect()
}
