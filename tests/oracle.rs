//! The choice, held against a second, differently written oracle over every state a node can be found in; and what must
//! hold of any survey: its order says nothing, and less evidence, or waiting, is never bolder.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[path = "oracle/answer.rs"]
mod answer;
#[path = "oracle/paper.rs"]
mod paper;
#[path = "oracle/states.rs"]
mod states;
#[path = "oracle/stories.rs"]
mod stories;
#[path = "support/surveys.rs"]
#[expect(dead_code, reason = "shared with the judge's suite")]
mod surveys;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use answer::{Answer, answer};
use breakglass::facts::{Known, NodeName, NodeSurvey, Reach, ReachWord, Survey, Why, WhyKind, keys};
use breakglass::judge::{
    Doing, Judgement, Standing, Verdict, Waiver, Waivers, WriteSets, judge, judge_with, permit,
};
use jiff::{SignedDuration, Timestamp};
use paper::Sheet;
use proptest::prelude::*;
use states::{At, STATES};
use stories::Stories;
use surveys::survey;

/// The nodes of a survey by their states, and what they mean on paper.
struct Case {
    survey: Survey,
    sheets: Vec<Sheet>,
}

fn case(states: &[usize]) -> Case {
    let nodes = states.len();
    let made = states.iter().enumerate().map(|(index, state)| STATES[*state].1(At { index, nodes }));
    let (nodes, sheets) = made.unzip();
    Case { survey: survey(nodes), sheets }
}

/// Every state of every one of three nodes, made once.
struct Made(Vec<[(NodeSurvey, Sheet); 3]>);

impl Made {
    fn new() -> Self {
        let of = |state: usize, index| {
            let (node, sheet) = STATES[state].1(At { index, nodes: 3 });
            (node.0, sheet)
        };
        Self((0..STATES.len()).map(|state| [0, 1, 2].map(|index| of(state, index))).collect())
    }

    fn case(&self, states: [usize; 3]) -> Case {
        let made = states.iter().enumerate().map(|(index, state)| self.0[*state][index].clone());
        let (nodes, sheets) = made.unzip();
        Case { survey: Survey { nodes, ..survey(Vec::new()) }, sheets }
    }
}

fn named(states: &[usize]) -> String {
    let named = states.iter().enumerate().map(|(i, state)| format!("g{}: {}", i + 1, STATES[*state].0));
    named.collect::<Vec<_>>().join(" | ")
}

fn state(name: &str) -> usize {
    STATES.iter().position(|(known, _)| *known == name).unwrap()
}

/// What is in the way of a bootstrap of one node at a moment, by rule and the index of the node it is about: empty is a
/// permission.
fn in_the_way(
    survey: &Survey,
    judged: &Judgement,
    target: usize,
    now: Timestamp,
) -> BTreeSet<(&'static str, Option<usize>)> {
    let names: Vec<NodeName> = survey.nodes.iter().map(|node| node.name.clone()).collect();
    let others: Vec<NodeName> = names.iter().filter(|name| **name != names[target]).cloned().collect();
    let doing = Doing::Bootstrap { target: &names[target], others: &others };
    let rulings = permit(survey, judged, &doing, &Waivers::NONE, now);
    let blocked = rulings.iter().flat_map(|ruling| &ruling.blocked);
    let index = |name: &NodeName| names.iter().position(|other| other == name);
    blocked.map(|blocked| (blocked.rule, blocked.node.as_ref().and_then(index))).collect()
}

fn candidates(judged: &Judgement) -> impl Iterator<Item = usize> {
    let is_one =
        |(_, node): &(usize, &breakglass::judge::NodeJudgement)| node.standing == Some(Standing::Candidate);
    judged.nodes.iter().enumerate().filter(is_one).map(|(index, _)| index)
}

/// The nodes of which a bootstrap is permitted. Nobody but a candidate ever is: the exhaustive test asks of others too.
fn permitted(survey: &Survey, judged: &Judgement, now: Timestamp) -> BTreeSet<usize> {
    candidates(judged).filter(|target| in_the_way(survey, judged, *target, now).is_empty()).collect()
}

/// Where the judge and the oracle say different things, and how many bootstraps both permit. Asked of every candidate
/// and of `also`.
fn differences(case: &Case, wanted: &Answer, also: Option<usize>) -> (Vec<String>, usize) {
    let judged = judge(&case.survey);
    let mut found = Vec::new();
    let mut compare = |what: &dyn Fn() -> String, judge: &str, oracle: &str| {
        if judge != oracle {
            found.push(format!("{}: judge {judge}, oracle {oracle}", what()));
        }
    };
    // The judge counts heads where the oracle tells stories, and may so be in doubt where no story is left.
    if !(judged.verdict == Verdict::Undetermined && wanted.verdict == "outage" && wanted.by_heads) {
        compare(&|| "verdict".to_owned(), judged.verdict.as_str(), wanted.verdict);
    }
    for ((node, standing), sheet) in judged.nodes.iter().zip(&wanted.standings).zip(&case.sheets) {
        let said = node.standing.unwrap();
        match standing {
            Some((word, by)) => {
                compare(&|| format!("standing of {}", node.name), said.as_str(), word);
                let [said, by] = [said.by(), *by].map(|by| format!("{by:?}"));
                compare(&|| format!("distance of {}", node.name), &said, &by);
            }
            None => assert_ne!(said, Standing::Candidate, "{}", node.name),
        }
        let server = node.server.known().map_or("unknown", |server| server.as_str());
        compare(&|| format!("server of {}", node.name), server, sheet.server);
        let held = node.position.known().map(|held| held.position.seqno.get());
        let [held, place] = [held, sheet.place.map(|place| place.1)].map(|seqno| format!("{seqno:?}"));
        compare(&|| format!("position of {}", node.name), &held, &place);
    }
    let [loss, none] =
        [judged.loss.known() == Some(&WriteSets(0)), wanted.loses_nothing].map(|l| l.to_string());
    compare(&|| "that nothing is lost".to_owned(), &loss, &none);
    let mut both = 0;
    let targets: BTreeSet<usize> = candidates(&judged).chain(also).collect();
    for target in targets {
        let blocked = in_the_way(&case.survey, &judged, target, case.survey.taken);
        let [may, should] = [blocked.is_empty(), wanted.may_bootstrap(target)].map(|may| may.to_string());
        compare(&|| format!("whether node {target} may be bootstrapped"), &may, &should);
        let mut wanted = wanted.in_the_way.iter();
        let silent = wanted.find(|(rule, node)| !blocked.contains(&(*rule, Some(*node))));
        compare(&|| "the rule that is not named".to_owned(), "None", &format!("{silent:?}"));
        if blocked.is_empty() {
            both += 1;
            // The property over all rules, said of the paper alone.
            let own = case.sheets[target].place.unwrap();
            for sheet in &case.sheets {
                let kept = sheet.place.is_some_and(|place| place.0 == own.0 && place.1 <= own.1);
                compare(&|| "that what is surveyed is kept".to_owned(), &kept.to_string(), "true");
            }
        }
    }
    (found, both)
}

/// What a part of the exhaustive test came to.
#[derive(Default)]
struct Tally {
    surveys: usize,
    permitted: usize,
    careful: usize,
    /// Each kind of difference, how often, and the first survey.
    kinds: BTreeMap<String, (usize, String)>,
}

/// The surveys whose first state is one of these. Which node is in which state turns from one to the next; with `full`
/// every node is in every state.
fn surveys_from(first: impl Iterator<Item = usize>, full: bool) -> Tally {
    let (mut tally, mut stories, made) = (Tally::default(), Stories::default(), Made::new());
    for a in first {
        for b in 0..STATES.len() {
            for c in 0..STATES.len() {
                // Of the six orders of three states two are looked at.
                let sorted = a <= b && b <= c;
                let turned = b < c && c < a;
                if !(full || sorted || turned) {
                    continue;
                }
                let mut states = [a, b, c];
                states.rotate_left((a + b + c) % 3);
                let case = made.case(states);
                let wanted = answer(&case.sheets, &mut stories);
                let also = (tally.surveys % 4 < 3).then_some(tally.surveys % 4);
                let (found, permitted) = differences(&case, &wanted, also);
                tally.surveys += 1;
                tally.permitted += permitted;
                tally.careful += usize::from(wanted.by_heads && wanted.verdict == "outage");
                for kind in found {
                    tally.kinds.entry(kind).or_insert_with(|| (0, named(&states))).0 += 1;
                }
            }
        }
    }
    tally
}

/// All triples of states, each in two orders of three; in all orders with `BREAKGLASS_ORACLE=full`.
#[test]
fn three_nodes_in_every_state() {
    let full = std::env::var("BREAKGLASS_ORACLE").is_ok_and(|value| value == "full");
    let began = Instant::now();
    let half = |of: usize| (0..STATES.len()).filter(move |first| first % 2 == of);
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| surveys_from(half(0), full));
        (surveys_from(half(1), full), one.join().unwrap())
    });
    let surveys = one.surveys + other.surveys;
    eprintln!(
        "oracle: {} states, {surveys} surveys, {} bootstraps permitted, {} verdicts left open by counting heads, {:.1} s",
        STATES.len(),
        one.permitted + other.permitted,
        one.careful + other.careful,
        began.elapsed().as_secs_f64()
    );
    let kinds: Vec<_> = one.kinds.iter().chain(&other.kinds).collect();
    for (kind, (count, example)) in &kinds {
        eprintln!("{count:6} × {kind}\n         {example}");
    }
    assert!(kinds.is_empty(), "the judge and the oracle differ in {} ways", kinds.len());
    assert!(surveys > 100_000 && one.permitted + other.permitted > 500, "too few were looked at");
}

/// The judgement of three named states, and who may be bootstrapped.
fn at_a_glance(states: &[&str]) -> (Verdict, BTreeSet<usize>) {
    let states: Vec<usize> = states.iter().map(|name| state(name)).collect();
    let s = case(&states).survey;
    let judged = judge(&s);
    let permitted = (0..states.len()).filter(|target| in_the_way(&s, &judged, *target, s.taken).is_empty());
    (judged.verdict, permitted.collect())
}

#[test]
fn half_of_a_view_proves_nothing() {
    assert_eq!(at_a_glance(&["a member of all", "unreachable"]).0, Verdict::Undetermined);
    assert_eq!(at_a_glance(&["a member of all", "a member of all"]).0, Verdict::Healthy);
}

/// Who takes a full transfer cannot speak, and is counted only where nobody who speaks wavers.
#[test]
fn a_silent_joiner_is_no_vote_beside_a_member_that_wavers() {
    let (donor, joiner) = ("a donor in all", "starts and takes a full transfer");
    let beside = |other| at_a_glance(&[donor, joiner, donor, other]).0;
    assert_eq!(beside("a member of all, looking for another view"), Verdict::Undetermined);
    assert_eq!(beside("unreachable"), Verdict::Degraded);
}

#[test]
fn nobody_heard_is_nobody_known() {
    assert_eq!(at_a_glance(&["unreachable"; 3]), (Verdict::Undetermined, BTreeSet::new()));
    assert_eq!(at_a_glance(&["answers, and nothing was read"; 3]).0, Verdict::Undetermined);
}

#[test]
fn what_runs_and_does_not_answer_holds_every_bootstrap() {
    let beside = |other| at_a_glance(&["crashed, recovered at 3", "stopped at 1", other]).1;
    assert_eq!(beside("stopped at 2"), BTreeSet::from([0]));
    for other in ["frozen", "runs, no SQL answer", "being stopped, no SQL answer"] {
        assert!(beside(other).is_empty(), "{other}");
    }
    let states = ["crashed, recovered at 3", "stopped at 1", "frozen"].map(state);
    let s = case(&states).survey;
    assert!(in_the_way(&s, &judge(&s), 0, s.taken).contains(&("S5", Some(2))));
    // Nobody's word fences a machine that answers and on which a server is: it may thaw.
    let until = s.taken + SignedDuration::from_mins(30);
    let fenced = Waivers::new([4, 5].map(|rule| Waiver { rule, node: s.nodes[2].name.clone(), until }));
    let doing = Doing::Bootstrap { target: &s.nodes[0].name, others: &[] };
    let rulings = permit(&s, &judge_with(&s, &fenced, s.taken), &doing, &fenced, s.taken);
    assert!(rulings.iter().any(|ruling| ruling.rule == "S5" && !ruling.passes()), "{rulings:#?}");
}

#[test]
fn prepared_transactions_hold_a_bootstrap() {
    let beside = |other| at_a_glance(&["stopped at 1", "stopped at 2", other]).1;
    assert_eq!(beside("crashed, recovered at 3"), BTreeSet::from([2]));
    assert!(beside("prepared transactions, at 3").is_empty());
}

/// However the way to a machine ends, its node is not proved down by it.
#[test]
fn no_way_of_not_answering_is_being_down() {
    use ReachWord::{
        Auth, Become, Command, Dns, HostKey, Lost, NotTried, Protocol, Refused, Timeout, Unreachable,
    };
    let mut s = case(&["stopped at 3", "stopped at 2", "unreachable"].map(state)).survey;
    for word in [Refused, Timeout, Auth, HostKey, Dns, Lost, Unreachable, Become, Command, Protocol, NotTried]
    {
        s.nodes[2].ssh = Reach::failed(word, "", "");
        let judged = judge(&s);
        let way = in_the_way(&s, &judged, 0, s.taken);
        assert!(way.contains(&("S4", Some(2))) && way.contains(&("S5", Some(2))), "{word:?}: {way:?}");
        assert_eq!(judged.verdict, Verdict::Undetermined, "{word:?}");
    }
}

/// How bold a judgement is: which bootstraps are permitted, who is a candidate, what is said to be lost, what is healthy.
struct Boldness {
    permitted: BTreeSet<usize>,
    candidates: BTreeSet<usize>,
    loses_nothing: bool,
    healthy: bool,
}

fn boldness(survey: &Survey, now: Timestamp) -> Boldness {
    let judged = judge_with(survey, &Waivers::NONE, now);
    Boldness {
        permitted: permitted(survey, &judged, now),
        candidates: candidates(&judged).collect(),
        loses_nothing: judged.loss.known() == Some(&WriteSets(0)),
        healthy: judged.verdict == Verdict::Healthy,
    }
}

impl Boldness {
    /// In what this is bolder than `base`. `against`: what was taken away could only speak against a node; then its name may
    /// appear among the candidates, and the loss with it, as long as nothing is permitted.
    fn bolder(&self, base: &Self, against: bool) -> Option<&'static str> {
        if !self.permitted.is_subset(&base.permitted) {
            return Some("a bootstrap is permitted that was not");
        }
        let held = against && self.permitted.is_empty();
        if !self.candidates.is_subset(&base.candidates) && !held {
            return Some("a candidate more");
        }
        if self.loses_nothing && !base.loses_nothing && !held {
            return Some("the loss is smaller");
        }
        (self.healthy && !base.healthy).then_some("healthy")
    }
}

/// The facts that can only speak against a node, or against its history.
const AGAINST: &[&str] = &[
    keys::LOG_EVICTED.name(),
    keys::LOG_HALF_FILLED.name(),
    keys::LOG_PREPARED.name(),
    keys::TRANSFER_MARKERS.name(),
    keys::GRASTATE_FILE.name(),
    keys::GRASTATE_UUID.name(),
    keys::GRASTATE_MTIME.name(),
    keys::LOG_BOOTSTRAPS.name(),
    keys::LOG_TOOK_PART.name(),
    keys::LOG_REACH.name(),
    keys::HOST_CLOCK_SKEW.name(),
];

/// The ways not to know something. That it was read and says "undefined" is another reading, not a lack of one; that no tool
/// can tell is judged by what else is there.
const LACKS: [WhyKind; 4] = [WhyKind::NotRead, WhyKind::Denied, WhyKind::TimedOut, WhyKind::Malformed];

fn take_away(node: &mut NodeSurvey, name: &str, lack: Option<WhyKind>) {
    match lack {
        None => drop(node.facts.remove(name)),
        Some(kind) => node.facts.doubt(|known| known == name, &Why::new(kind, "taken away")),
    }
}

fn silenced(node: &NodeSurvey) -> NodeSurvey {
    let at = At { index: 0, nodes: 3 };
    let mut silent = STATES[state("unreachable")].1(at).0.0;
    silent.name = node.name.clone();
    silent
}

/// The nodes a state is looked at beside.
const COMPANIONS: &[[&str; 2]] = &[
    ["stopped at 1", "stopped at 2"],
    ["crashed, recovered at 3", "stopped at 1 of another history"],
    ["stopped at 3", "evicted, at 3"],
    ["crashed", "non-Primary at 2"],
    ["a member of the other majority", "a member of the other majority"],
    ["stopped at 3, bootstrapped an hour ago from 2", "stopped at 2"],
];

const FILE_AGAINST_ENGINE: &str = "stopped; file at 9 and engine at 3";
const FILE_BY_HAND: &str = "stopped at 3, the file written after the end";

/// States that two witnesses make, who contradict each other. Without one of them it is another state, and an innocent one: an
/// engine that was never asked, a unit that did not run since the machine started.
const WITNESSES: [(&str, &str); 2] = [
    (FILE_AGAINST_ENGINE, keys::RECOVERED.name()),
    ("stopped, and its last run did not write the file", keys::UNIT_STARTED.name()),
];

fn is_witness(of: usize, fact: &str) -> bool {
    WITNESSES.contains(&(STATES[of].0, fact))
}

#[test]
fn a_seqno_that_was_not_read_does_not_agree() {
    let states = [FILE_AGAINST_ENGINE, "stopped at 1", "stopped at 2"].map(state);
    let mut s = case(&states).survey;
    assert!(boldness(&s, s.taken).permitted.is_empty());
    take_away(&mut s.nodes[0], keys::GRASTATE_SEQNO.name(), Some(WhyKind::Denied));
    assert!(boldness(&s, s.taken).permitted.is_empty());
}

#[test]
fn a_state_file_without_a_time_is_not_known_to_be_the_servers() {
    let states = [FILE_BY_HAND, "stopped at 1", "stopped at 2"].map(state);
    let mut s = case(&states).survey;
    assert!(boldness(&s, s.taken).permitted.is_empty());
    take_away(&mut s.nodes[0], keys::GRASTATE_MTIME.name(), Some(WhyKind::Denied));
    assert!(boldness(&s, s.taken).permitted.is_empty());
}

#[test]
fn a_doubt_about_histories_is_a_doubt_about_the_loss() {
    let states =
        ["stopped at 3, bootstrapped an hour ago from 2", "stopped at 3, in no Primary for 90 minutes"];
    let mut s = case(&states.map(state)).survey;
    assert!(!boldness(&s, s.taken).loses_nothing);
    take_away(&mut s.nodes[0], keys::LOG_BOOTSTRAPS.name(), Some(WhyKind::Denied));
    assert!(!boldness(&s, s.taken).loses_nothing);
}

/// Every fact of every state taken away, in every way it can be missing.
#[test]
fn no_fact_that_is_missing_makes_it_bolder() {
    let mut looked_at = 0;
    let mut found = BTreeMap::new();
    for (first, (first_name, _)) in STATES.iter().enumerate() {
        for companions in COMPANIONS {
            let states = [first, state(companions[0]), state(companions[1])];
            let whole = case(&states).survey;
            let base = boldness(&whole, whole.taken);
            let names: Vec<&'static str> = whole.nodes[0].facts.iter().map(|(name, _)| name).collect();
            // A server that tells its status and not its wsrep_on is taken at its word: the two may be collected apart.
            for (turn, name) in
                names.into_iter().filter(|name| *name != keys::VAR_WSREP_ON.name()).enumerate()
            {
                if is_witness(first, name) {
                    continue;
                }
                // Every fact is missed in every way, in one state or another.
                let lack = LACKS.get((turn + first) % (LACKS.len() + 1)).copied();
                let mut less = whole.clone();
                take_away(&mut less.nodes[0], name, lack);
                if let Some(bolder) = boldness(&less, less.taken).bolder(&base, AGAINST.contains(&name)) {
                    found.insert((name, *first_name, bolder), (lack, named(&states)));
                }
                looked_at += 1;
            }
            let mut less = whole.clone();
            less.nodes[0] = silenced(&whole.nodes[0]);
            let silent = boldness(&less, less.taken).bolder(&base, false);
            assert_eq!(silent, None, "without g1: {}", named(&states));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(looked_at > 15_000, "{looked_at}");
}

/// S9: the clock moves on, and nobody reads again.
#[test]
fn waiting_makes_nothing_bolder() {
    for first in 0..STATES.len() {
        for companions in COMPANIONS {
            let states = [first, state(companions[0]), state(companions[1])];
            let s = case(&states).survey;
            let mut base = boldness(&s, s.taken);
            for seconds in [1, 10, 11, 3600, 3_600_000] {
                let later = boldness(&s, s.taken + SignedDuration::from_secs(seconds));
                assert_eq!(later.bolder(&base, false), None, "after {seconds} s: {}", named(&states));
                assert!(seconds <= 10 || later.permitted.is_empty(), "on stale facts: {}", named(&states));
                base = later;
            }
        }
    }
}

/// A waiver lifts no more as time goes on, and nothing at all after its end.
#[test]
fn no_waiver_outlives_its_end() {
    let states = ["crashed, recovered at 3", "crashed, recovered at 2", "unreachable"].map(state);
    let s = case(&states).survey;
    let until = s.taken + SignedDuration::from_secs(5);
    let lost = s.nodes[2].name.clone();
    let waivers = Waivers::new([4, 5].map(|rule| Waiver { rule, node: lost.clone(), until }));
    let held = |now: Timestamp| {
        let judged = judge_with(&s, &waivers, now);
        let doing = Doing::Bootstrap { target: &s.nodes[0].name, others: &[] };
        let rulings = permit(&s, &judged, &doing, &waivers, now);
        rulings.iter().flat_map(|ruling| &ruling.blocked).map(|blocked| blocked.rule).collect::<Vec<_>>()
    };
    assert!(held(s.taken).is_empty() && held(until - SignedDuration::from_secs(1)).is_empty());
    assert_eq!(held(until), ["S4", "S5"]);
}

fn any_states(nodes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..STATES.len(), nodes)
}

/// States in which a group at rest can be chosen from, so that large surveys are not all hopeless.
fn at_rest(nodes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    let down: Vec<usize> = (0..STATES.len())
        .filter(|state| {
            let sheet = STATES[*state].1(At { index: 0, nodes: 3 }).1;
            sheet.place.is_some_and(|place| place.0 == paper::History::A) && sheet.holds_back.is_empty()
        })
        .collect();
    prop::collection::vec(prop::sample::select(down), nodes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn up_to_nine_nodes(states in prop_oneof![any_states(1..=9), at_rest(4..=9)], also in any::<prop::sample::Index>()) {
        let case = case(&states);
        let wanted = answer(&case.sheets, &mut Stories::default());
        let (found, _) = differences(&case, &wanted, Some(also.index(states.len())));
        prop_assert!(found.is_empty(), "{}: {found:#?}", named(&states));
    }

    #[test]
    fn the_order_of_nodes_says_nothing(
        states in prop_oneof![any_states(2..=6), at_rest(2..=6)],
        keys in prop::collection::vec(any::<u32>(), 6),
    ) {
        let straight = case(&states).survey;
        let mut mixed = straight.clone();
        let place = |node: &NodeSurvey| straight.nodes.iter().position(|other| other.name == node.name);
        mixed.nodes.sort_by_key(|node| place(node).map(|index| keys[index]));
        let (before, after) = (judge(&straight), judge(&mixed));
        prop_assert_eq!(before.verdict, after.verdict);
        prop_assert_eq!(before.loss.known(), after.loss.known());
        prop_assert_eq!(&before.evidence_digest, &after.evidence_digest);
        for (index, node) in before.nodes.iter().enumerate() {
            prop_assert_eq!(node.standing, after.node(&node.name).unwrap().standing, "{}", named(&states));
            let moved = mixed.nodes.iter().position(|other| other.name == node.name).unwrap();
            prop_assert_eq!(
                in_the_way(&straight, &before, index, straight.taken).is_empty(),
                in_the_way(&mixed, &after, moved, mixed.taken).is_empty()
            );
        }
    }

    /// Several facts of several nodes at once.
    #[test]
    fn the_less_is_known_the_less_is_dared(
        states in prop_oneof![any_states(2..=5), at_rest(2..=5)],
        taken in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5usize), 1..6),
    ) {
        let whole = case(&states).survey;
        let base = boldness(&whole, whole.taken);
        let mut less = whole.clone();
        let mut against = false;
        for (node, fact, lack) in taken {
            let index = node.index(states.len());
            let node = &mut less.nodes[index];
            let names: Vec<&'static str> =
                node.facts.iter().map(|(name, _)| name).filter(|name| *name != keys::VAR_WSREP_ON.name()).collect();
            if names.is_empty() {
                continue;
            }
            let name = names[fact.index(names.len())];
            if is_witness(states[index], name) {
                continue;
            }
            against |= AGAINST.contains(&name);
            take_away(node, name, LACKS.get(lack).copied());
        }
        let found = boldness(&less, less.taken).bolder(&base, against);
        prop_assert!(found.is_none(), "{}: {:?}", named(&states), found);
    }
}

/// What the oracle knows is what the facts say: no state is on the paper and not in the facts.
#[test]
fn every_state_is_another_one() {
    let made: Vec<_> = STATES.iter().map(|(_, make)| make(At { index: 0, nodes: 3 }).0.0).collect();
    for (index, one) in made.iter().enumerate() {
        for (other, two) in made.iter().enumerate().skip(index + 1) {
            assert!(one != two, "{} is {}", STATES[index].0, STATES[other].0);
        }
    }
    let known = Known::Known(Verdict::Outage);
    assert!(
        known.is(|verdict| *verdict > Verdict::Undetermined),
        "the order of the verdicts is what is compared"
    );
}
