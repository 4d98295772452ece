//! Surveys that were saved and read again: the same judgement, as far as the forms can carry it, and never a bolder one.

use std::time::Duration;

use breakglass::engine;
use breakglass::facts::{NodeSurvey, Plain, WhyKind, keys};
use breakglass::judge::{Standing, Verdict};
use breakglass::nodes::sim::{Fault, Sim, Topology};
use proptest::prelude::*;

use super::surveys::{Node, member, plain};
use super::*;

/// The survey that a bundle saved from `survey` holds.
fn again(survey: &Survey) -> Survey {
    let read = |node: &NodeSurvey| {
        let written = bundle::written(node);
        let files = File::ALL.into_iter().filter_map(|file| {
            let (_, bytes) = written.iter().find(|(name, _)| *name == file.name())?;
            Some((file, Known::Known(bytes.clone())))
        });
        let folder = Folder { name: node.name.clone(), place: "shop".to_owned(), files: files.collect() };
        bundle::read(&folder, survey.taken)
    };
    Survey { mode: Mode::Bundle, nodes: survey.nodes.iter().map(read).collect(), ..survey.clone() }
}

/// What has to be the same: the verdict, and of each node the standing and the position itself.
fn compared(judgement: &Judgement) -> (Verdict, Vec<String>, Vec<Option<String>>, Vec<NodeName>) {
    let held = |node: &breakglass::judge::NodeJudgement| {
        node.position.known().map(|held| format!("{} {:?}", held.position, held.source))
    };
    let positions = judgement.nodes.iter().map(held).collect();
    (judgement.verdict, standings(judgement), positions, judgement.candidates.clone())
}

fn assert_same(survey: &Survey) {
    let (was, is) = (judge(survey), judge(&again(survey)));
    // A log of which too much was left out is kept for people only: less is known, and nobody more is a candidate.
    let in_part = |node: &NodeSurvey| bundle::written(node).iter().any(|(name, _)| *name == "log-part.txt");
    if survey.nodes.iter().any(in_part) {
        assert!(is.candidates.iter().all(|node| was.candidates.contains(node)), "{:#?}", is.nodes);
        return;
    }
    assert_eq!(compared(&is), compared(&was), "{:#?}", is.nodes);
}

async fn surveyed(sim: &Sim) -> Survey {
    let clock = sim.clock();
    let cluster = ClusterName::new("drill").unwrap();
    engine::survey(sim, &cluster, Family::Galera, &sim.names(), || clock.now(), |_| ()).await.unwrap()
}

fn sim(seed: u64) -> Sim {
    let nodes = ["g1", "g2", "g3"].map(|name| NodeName::new(name).unwrap()).into();
    let begin = "2026-11-21T03:00:00Z".parse().unwrap();
    Sim::new(Topology::new(ClusterName::new("drill").unwrap(), nodes, begin), seed)
}

#[tokio::test]
async fn simulated_clusters_in_every_state() {
    for seed in 0..6u8 {
        let sim = sim(seed.into());
        assert_same(&surveyed(&sim).await);
        let names = sim.names();
        let hit: [fn(NodeName) -> Fault; 3] = [Fault::Kill, Fault::Crash, Fault::Stop];
        for (turn, name) in names.iter().cycle().take(9).enumerate() {
            let fault = hit[(turn + usize::from(seed)) % 3](name.clone());
            sim.fault(&fault).unwrap();
            sim.pass(Duration::from_millis(700 + 500 * u64::from(seed)));
            assert_same(&surveyed(&sim).await);
            sim.pass(Duration::from_secs(40));
            assert_same(&surveyed(&sim).await);
            if turn % 4 == 3 {
                // One that hangs on its way down cannot be started.
                let _ = sim.fault(&Fault::Start(names[turn % 3].clone()));
                sim.pass(Duration::from_secs(2));
                assert_same(&surveyed(&sim).await);
            }
        }
        let _ = sim.fault(&Fault::Bootstrap(names[0].clone()));
        sim.pass(Duration::from_secs(20));
        assert_same(&surveyed(&sim).await);
    }
}

const ALL: &[&str] = &["g1", "g2", "g3"];

/// A node in one of its states, with what only a real probe adds.
fn node(name: &str, state: usize, at: i64) -> Node {
    let node = Node::new(name).set(keys::GVWSTATE_MY_UUID, plain(&member(name)));
    match state {
        0 => node.synced(3, ALL, at),
        1 => node.synced(3, &["g1", "g2"], at),
        2 => node.non_primary(ALL, at),
        3 => node.stopped(at),
        4 => node.crashed(ALL),
        5 => node.crashed(ALL).recovered(at),
        6 => node.crashed(ALL).recovered(at).set(keys::TRANSFER_MARKERS, vec![plain("sst_in_progress")]),
        7 => node.stopped(at).state_file("00000000-0000-0000-0000-000000000000", -1),
        8 => node.unreachable(),
        9 => node.synced(3, ALL, at).set(keys::WSREP_PEERS_SILENT, vec![plain("10.0.0.11:4567 3 s")]),
        10 => node.synced(3, ALL, at).set(keys::WSREP_PEERS, vec![]),
        11 => node.stopped(at).state_file(surveys::OTHER_UUID, at),
        12 => node.process("activating", "start"),
        13 => node.stopped(at).set(keys::GRASTATE_FILE, plain("missing")),
        14 => node.crashed(ALL).unknown(keys::SERVER_STATE, WhyKind::Denied, "the processes of others"),
        15 => node.synced(3, ALL, at).set(keys::WSREP_LOCAL_STATE, 2),
        _ => node.no_process("activating", "auto-restart", "killed", 9).state_file(surveys::UUID, -1),
    }
}

proptest! {
    #[test]
    fn built_surveys(states in proptest::collection::vec((0..17usize, 98..102i64), 3)) {
        let nodes = states.iter().zip(ALL).map(|((state, at), name)| node(name, *state, *at)).collect();
        let survey = surveys::survey(nodes);
        let (was, is) = (judge(&survey), judge(&again(&survey)));
        prop_assert_eq!(compared(&is), compared(&was));
    }

    /// What cannot be carried makes nobody a candidate and nothing healthy.
    #[test]
    fn never_bolder(states in proptest::collection::vec((0..17usize, 98..102i64, 0..4usize), 3)) {
        let nodes = states.iter().zip(ALL).map(|((state, at, tainted), name)| {
            let node = node(name, *state, *at);
            match tainted {
                0 => node.set(keys::LOG_EVICTED, true),
                1 => node.set(keys::LOG_HALF_FILLED, true),
                2 => node.set(keys::LOG_TAIL, vec![plain("2026-11-21T02:00:00Z mariadbd[1]: x")]).set(keys::LOG_EVICTED, true),
                _ => node,
            }
        });
        let survey = surveys::survey(nodes.collect());
        let read = again(&survey);
        // An eviction that no line shows is not made up for: the log is not judged by at all.
        for (was, is) in survey.nodes.iter().zip(&read.nodes).filter(|(was, _)| was.ssh.is_ok()) {
            if was.facts.get(keys::LOG_EVICTED).is(|evicted| *evicted) {
                prop_assert!(!is.facts.get(keys::LOG_EVICTED).is(|evicted| !evicted), "{}", was.name);
            }
        }
    }
}

#[test]
fn only_facts_and_no_secrets_are_written() {
    let line =
        "2026-11-21T02:00:00Z mariadbd[1]: WSREP_SST: [INFO] mariabackup --user=root --password=geheim";
    let node = Node::new("g1")
        .synced(3, ALL, 100)
        .set(keys::LOG_TAIL, vec![Plain::new(line)])
        .set(keys::LOG_MARKS, vec![])
        .set(
            keys::VAR_PROVIDER_OPTIONS,
            plain("gcache.size = 1G; socket.ssl_key = /etc/key.pem; socket.ssl_password = geheim; x.password=geheim"),
        )
        .set(keys::HOST_KEY, plain("SHA256:geheim"));
    for (name, bytes) in bundle::written(&node.0) {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("geheim"), "{name}: {text}");
    }
    assert!(judge(&surveys::survey(vec![node])).nodes[0].standing.is_some_and(|s| s != Standing::Empty));
}

/// A bundle of a bundle says what the first one said.
#[test]
fn the_clients_words_are_kept_and_ours_are_not() {
    for (text, kept) in [
        (None, None),
        (Some(""), Some("")),
        (Some("bash: mariadb: command not found\n"), Some("bash: mariadb: command not found\n")),
        (
            Some("Enter password: ERROR 1045 (28000): Access denied\n"),
            Some("ERROR 1045 (28000): Access denied\n"),
        ),
    ] {
        let mut files = Files::from([(File::Grastate, Vec::new())]);
        files.extend(text.map(|text| (File::Status, text.into())));
        let node = bundle::read(&folder("g1", &files), now());
        let written = bundle::written(&node);
        let status = written.iter().find(|(name, _)| *name == "status.tsv");
        assert_eq!(
            status.map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap()).as_deref(),
            kept,
            "{text:?}"
        );
    }
}

#[test]
fn a_log_says_once_from_where_on_it_was_read() {
    let line = "2026-11-21T02:00:00Z mariadbd[1]: 2026-11-21  2:00:00 0 [Note] WSREP: Synchronized with group, ready for connections\n";
    let mut log = line.as_bytes().to_vec();
    for _ in 0..3 {
        let node = bundle::read(&folder("g1", &Files::from([(File::Log, log)])), now());
        log = bundle::written(&node).into_iter().find(|(name, _)| *name == "error.log").unwrap().1;
        assert_eq!(String::from_utf8_lossy(&log).matches("from here on").count(), 1);
    }
}
