//! Machines, units, disks and files of the simulated cluster, beside what real ones did.

use std::time::Duration;

use breakglass::engine::Nodes as _;
use breakglass::facts::{Known, NodeSurvey, Plain, ReachWord, keys};
use breakglass::judge::{self, Standing};
use breakglass::nodes::sim::{Fault, NodeTruth, NotPossible, Sim, Topology};

use crate::group::does;
use crate::walk::{self, name, sim, topology};

fn after(sim: &Sim, seconds: u64) {
    sim.pass(Duration::from_secs(seconds));
}

async fn read(sim: &Sim, node: &str) -> NodeSurvey {
    sim.survey(&name(node)).await
}

fn word<T: std::fmt::Display>(value: Known<T>) -> String {
    match value {
        Known::Known(value) => value.to_string(),
        Known::Unknown(why) => format!("unknown: {}", why.text),
    }
}

fn unit(node: &NodeSurvey) -> String {
    let of = |key| word(node.facts.get(key));
    format!("{}/{} {}", of(keys::UNIT_ACTIVE), of(keys::UNIT_SUB), of(keys::UNIT_RESULT))
}

fn log(node: &NodeSurvey, text: &str) -> usize {
    let lines = node.facts.get(keys::LOG_TAIL);
    lines.known().unwrap().iter().filter(|line| line.as_str().contains(text)).count()
}

fn is(sim: &Sim, node: &str) -> NodeTruth {
    sim.truth().nodes.into_iter().find(|truth| truth.name == name(node)).unwrap()
}

fn synced(sim: &Sim) -> usize {
    sim.truth().nodes.iter().filter(|node| node.synced).count()
}

fn kill_all(sim: &Sim) {
    does(sim, &["kill g1", "kill g2", "kill g3"]);
    after(sim, 1);
}

fn refuses(sim: &Sim, line: &str) -> String {
    let refused = sim.fault(&line.parse::<Fault>().unwrap());
    let Err(NotPossible::Pointless { why, .. }) = refused else { return format!("{refused:?}") };
    why.to_owned()
}

/// tests/fixtures/galera/13-hangs/sigstop-mariadbd.txt: dropped after 6.6 s; for 4 s after SIGCONT it believes its old
/// view; back by itself in 9 s.
#[tokio::test]
async fn a_stopped_server_listens_says_nothing_and_lies_when_it_goes_on() {
    let sim = sim(1);
    does(&sim, &["freeze g2"]);
    after(&sim, 8);
    let node = read(&sim, "g2").await;
    assert_eq!(unit(&node), "active/running success");
    assert_eq!(word(node.facts.get(keys::SERVER_STATE)), "T");
    assert!(node.facts.get(keys::LISTEN_SQL).is(|open| *open));
    assert_eq!(node.sql.word, ReachWord::Timeout, "{:?}", node.sql);
    assert_eq!(word(read(&sim, "g1").await.facts.get(keys::WSREP_CLUSTER_SIZE)), "2");
    let held = is(&sim, "g2").seqno;
    after(&sim, 20);
    assert_eq!(is(&sim, "g2").seqno, held, "it applies nothing");
    does(&sim, &["thaw g2"]);
    after(&sim, 2);
    let node = read(&sim, "g2").await;
    assert_eq!(word(node.facts.get(keys::WSREP_CLUSTER_SIZE)), "3");
    assert_eq!(word(node.facts.get(keys::WSREP_LOCAL_COMMENT)), "Synced");
    after(&sim, 15);
    assert_eq!(synced(&sim), 3);
    assert_eq!(refuses(&sim, "thaw g2"), "no stopped server is there");
}

/// systemd.kill(5): SIGCONT follows the signal, so a stop is obeyed.
#[tokio::test]
async fn a_stop_wakes_a_stopped_server() {
    let sim = sim(2);
    does(&sim, &["freeze g2"]);
    after(&sim, 1);
    does(&sim, &["stop g2"]);
    let node = read(&sim, "g2").await;
    assert_eq!(unit(&node), "inactive/dead success");
    assert!(node.facts.get(keys::GRASTATE_SEQNO).known().is_some());
}

/// One that waits does not obey SIGTERM; when the others come it joins them. Then it ends at once
/// (tests/fixtures/lab/stop-waiting, tests/fixtures/lab/restart-one-fails), or it stays and never answers
/// (tests/fixtures/galera/03-kill9/stuck-activating-after-third).
#[tokio::test]
async fn one_that_was_told_to_end_while_it_waited_ends_as_a_member_or_never_answers() {
    for (line, told, ended) in [
        ("free-disk g1", "deactivating/stop-sigterm timeout", "failed/failed timeout"),
        ("stop g1", "deactivating/stop-sigterm success", "inactive/dead success"),
    ] {
        let mut seen = [0; 2];
        for seed in 0..12 {
            let sim = Sim::new(Topology { load: 0, ..topology() }, seed);
            kill_all(&sim);
            does(&sim, &["start g1"]);
            after(&sim, if line == "stop g1" { 10 } else { 905 });
            does(&sim, &[line]);
            assert_eq!(unit(&read(&sim, "g1").await), told);
            does(&sim, &["start g2", "start g3"]);
            after(&sim, 20);
            let (node, other) = (read(&sim, "g1").await, read(&sim, "g2").await);
            let size = word(other.facts.get(keys::WSREP_CLUSTER_SIZE));
            if is(&sim, "g1").running {
                seen[0] += 1;
                assert_eq!((size.as_str(), unit(&node).as_str(), synced(&sim)), ("3", told, 3));
                assert!(node.facts.get(keys::LISTEN_SQL).is(|open| *open));
                assert_eq!(node.sql.word, ReachWord::Timeout, "{:?}", node.sql);
                // Only SIGKILL ends it.
                does(&sim, &["kill g1"]);
                assert!(!is(&sim, "g1").running);
            } else {
                seen[1] += 1;
                assert_eq!((size.as_str(), unit(&node).as_str(), synced(&sim)), ("2", ended, 2));
                assert!(node.facts.get(keys::GRASTATE_SEQNO).known().is_some(), "it ended in good order");
                assert!(node.facts.get(keys::GVWSTATE_VIEW).why().is_some());
            }
        }
        assert!(seen.iter().all(|times| *times > 1), "{line}: {seen:?}");
    }
}

/// tests/fixtures/lab/stop-in-sst: until its packets go through the donor answers with the view of before.
#[tokio::test]
async fn a_donor_whose_transfer_stands_still_sees_no_view() {
    let sim = Sim::new(Topology { load: 0, ..topology() }, 17);
    does(&sim, &["stop g3", "wipe-state g3", "start g3"]);
    after(&sim, 3);
    does(&sim, &["stall-transfer g3"]);
    after(&sim, 120);
    assert_eq!(synced(&sim), 2);
    does(&sim, &["stop g3"]);
    after(&sim, 20);
    let size = |node: NodeSurvey| word(node.facts.get(keys::WSREP_CLUSTER_SIZE));
    assert_eq!(
        (size(read(&sim, "g1").await), size(read(&sim, "g2").await)),
        ("3".to_owned(), "2".to_owned())
    );
    assert_eq!(word(read(&sim, "g1").await.facts.get(keys::WSREP_LOCAL_COMMENT)), "Donor/Desynced");
    does(&sim, &["heal"]);
    after(&sim, 3);
    let donor = read(&sim, "g1").await;
    assert_eq!(log(&donor, "(left the group) failed: Unknown error 255"), 1);
    assert_eq!(word(donor.facts.get(keys::WSREP_LOCAL_COMMENT)), "Synced");
    assert_eq!(size(donor), "2");
    does(&sim, &["start g3"]);
    after(&sim, 30);
    assert_eq!(synced(&sim), 3);
}

/// tests/fixtures/lab/stop-in-sst
#[tokio::test]
async fn a_stop_within_a_full_transfer_leaves_half_of_it() {
    let sim = sim(17);
    does(&sim, &["stop g3", "wipe-state g3", "start g3"]);
    after(&sim, 6);
    assert!(read(&sim, "g3").await.facts.get(keys::TRANSFER_MARKERS).is(|files| files.len() == 4));
    does(&sim, &["stop g3"]);
    after(&sim, 10);
    let node = read(&sim, "g3").await;
    assert_eq!(unit(&node), "failed/failed signal");
    assert_eq!(word(node.facts.get(keys::GRASTATE_FILE)), "empty");
    assert!(node.facts.get(keys::TRANSFER_MARKERS).is(Vec::is_empty));
    assert_eq!(word(read(&sim, "g1").await.facts.get(keys::WSREP_LOCAL_COMMENT)), "Synced");
    let judgement = judge::judge(&walk::survey(&sim).await);
    assert_eq!(judgement.node(&name("g3")).unwrap().standing, Some(Standing::Tainted));
}

#[tokio::test]
async fn what_was_ordered_to_stop_does_not_come_back_and_what_timed_out_does() {
    for (line, comes_back) in [("stop g1", false), ("crash g1", true)] {
        let sim = sim(4);
        does(&sim, &["crash g1", "crash g2", "crash g3", "stop g2", "stop g3"]);
        after(&sim, 20);
        assert_eq!(unit(&read(&sim, "g1").await), "activating/start success", "it waits for the others");
        assert_eq!(word(read(&sim, "g1").await.facts.get(keys::UNIT_RESTARTS)), "1");
        does(&sim, &[line]);
        after(&sim, 1);
        does(&sim, &["crash g1"]);
        after(&sim, 10);
        assert_eq!(is(&sim, "g1").running, comes_back, "{line}: {}", unit(&read(&sim, "g1").await));
    }
}

/// `stop-timeout` in tests/fixtures/log/published.tsv: SendSIGKILL=no leaves the process there.
#[tokio::test]
async fn a_unit_can_have_failed_while_its_server_runs() {
    let sim = sim(5);
    kill_all(&sim);
    does(&sim, &["start g1"]);
    after(&sim, 905 + 1_800);
    let node = read(&sim, "g1").await;
    assert_eq!(unit(&node), "failed/failed timeout");
    assert!(node.facts.get(keys::SERVER_PIDS).is(|pids| pids.len() == 1));
    assert_eq!(log(&node, "State 'final-sigterm' timed out. Skipping SIGKILL. Entering failed mode."), 1);
    assert_eq!(refuses(&sim, "start g1"), "its server is not down, or its unit is frozen");
    // It is no longer systemd's: its end moves no unit.
    does(&sim, &["crash g1"]);
    after(&sim, 10);
    assert_eq!(
        (unit(&read(&sim, "g1").await).as_str(), is(&sim, "g1").running),
        ("failed/failed timeout", false)
    );
}

#[tokio::test]
async fn a_machine_that_boots_has_another_boot_id_and_starts_its_server_where_it_is_enabled() {
    for enabled in [true, false] {
        let sim = Sim::new(Topology { enabled, ..topology() }, 6);
        let before = read(&sim, "g2").await;
        assert_eq!(word(before.facts.get(keys::UNIT_ENABLED)), if enabled { "enabled" } else { "disabled" });
        does(&sim, &["power-off g2"]);
        assert_eq!(refuses(&sim, "start g2"), "its machine has no power, or stands still");
        assert_eq!(refuses(&sim, "power-off g2"), "it has no power");
        after(&sim, 10);
        assert_eq!((synced(&sim), is(&sim, "g2").running), (2, false));
        does(&sim, &["power-on g2"]);
        after(&sim, 30);
        let node = read(&sim, "g2").await;
        assert_ne!(word(node.facts.get(keys::HOST_BOOT_ID)), word(before.facts.get(keys::HOST_BOOT_ID)));
        assert!(
            node.facts.get(keys::HOST_UPTIME).is(|up| *up < 30),
            "{:?}",
            node.facts.get(keys::HOST_UPTIME)
        );
        assert_eq!(is(&sim, "g2").synced, enabled);
        assert!(enabled || unit(&node) == "inactive/dead success", "{}", unit(&node));
    }
}

/// The unit forgets how it ended, and galera.cache was closed by nobody.
#[tokio::test]
async fn power_that_goes_leaves_files_as_a_crash_does() {
    let sim = Sim::new(Topology { enabled: false, ..topology() }, 7);
    does(&sim, &["power-off g1", "power-off g2", "power-off g3"]);
    does(&sim, &["power-on g1", "power-on g2", "power-on g3"]);
    after(&sim, 15);
    let node = read(&sim, "g1").await;
    assert!(node.facts.get(keys::GRASTATE_RAW).is(|text| text.as_str().contains("seqno:   -1")));
    assert!(node.facts.get(keys::GVWSTATE_VIEW).known().is_some());
    assert!(node.facts.get(keys::GCACHE_LOW).why().is_some(), "{:?}", node.facts.get(keys::GCACHE_LOW));
    does(&sim, &["start g1", "start g2", "start g3"]);
    after(&sim, 15);
    assert_eq!(synced(&sim), 3);
}

/// tests/fixtures/lab/kill-joiner/all-killed-joiner.txt
#[tokio::test]
async fn power_that_goes_within_a_full_transfer_leaves_its_marks() {
    let sim = Sim::new(Topology { enabled: false, ..topology() }, 8);
    does(&sim, &["kill g3"]);
    after(&sim, 30);
    sim.load(40_000);
    does(&sim, &["start g3"]);
    after(&sim, 5);
    does(&sim, &["power-off g3"]);
    does(&sim, &["power-on g3"]);
    after(&sim, 15);
    let node = read(&sim, "g3").await;
    assert_eq!(word(node.facts.get(keys::GRASTATE_FILE)), "empty");
    let markers = node.facts.get(keys::TRANSFER_MARKERS);
    assert_eq!(
        markers.known().unwrap().iter().map(Plain::as_str).collect::<Vec<_>>(),
        ["sst_in_progress", "rsync_sst.conf", "rsync_sst.pid", "wsrep_sst.pid"]
    );
    let judgement = judge::judge(&walk::survey(&sim).await);
    assert_eq!(judgement.node(&name("g3")).unwrap().standing, Some(Standing::Tainted));
    does(&sim, &["start g3"]);
    after(&sim, 30);
    assert!(is(&sim, "g3").synced);
    assert!(read(&sim, "g3").await.facts.get(keys::TRANSFER_MARKERS).is(Vec::is_empty));
}

/// How many of the write-sets that were committed nobody holds, once all are gone at once, at this moment.
async fn lost(flush: u8, end: &str, tenth: u64) -> u64 {
    let sim = Sim::new(Topology { flush, load: 400, ..topology() }, 9);
    sim.pass(Duration::from_millis(3_000 + 100 * tenth));
    let word = word(read(&sim, "g1").await.facts.get(keys::VAR_FLUSH));
    assert_eq!(word, flush.to_string());
    let most = |sim: &Sim| sim.truth().nodes.iter().map(|node| node.seqno.get()).max().unwrap();
    let before = most(&sim);
    for node in ["g1", "g2", "g3"] {
        does(&sim, &[&format!("{end} {node}")]);
    }
    let held = most(&sim);
    for node in sim.truth().nodes {
        let part = node.holds.last().unwrap();
        assert_eq!(part.to, node.seqno.get(), "what it holds ends where it says: {node:?}");
    }
    before - held
}

#[tokio::test]
async fn only_what_was_flushed_outlives_all_of_them() {
    for (flush, end) in [(1, "kill"), (1, "power-off"), (2, "kill")] {
        let lost = lost(flush, end, 0).await;
        assert!(lost < 3, "flush {flush}, {end}: {lost}");
    }
    for (flush, end) in [(0, "kill"), (0, "power-off"), (2, "power-off")] {
        let mut most = 0;
        for tenth in 0..10 {
            most = most.max(lost(flush, end, tenth).await);
        }
        // The one whose last flush was the latest keeps the most: with three, within some two thirds of a second.
        assert!((20..700).contains(&most), "flush {flush}, {end}: {most}");
    }
}

#[tokio::test]
async fn one_that_crashes_alone_is_given_again_what_it_lost() {
    let sim = Sim::new(Topology { flush: 0, load: 400, ..topology() }, 10);
    after(&sim, 2);
    does(&sim, &["crash g2"]);
    let (one, other) = (is(&sim, "g1"), is(&sim, "g2"));
    assert!(other.seqno < one.seqno, "{other:?}");
    after(&sim, 30);
    assert_eq!(synced(&sim), 3);
    assert_eq!(is(&sim, "g1").holds, is(&sim, "g2").holds);
    assert!(sim.truth().overwritten.is_empty());
}

#[tokio::test]
async fn a_machine_that_stands_still_does_later_what_it_was_about_to_do() {
    let sim = sim(11);
    does(&sim, &["crash g2", "freeze-machine g2"]);
    after(&sim, 60);
    assert!(!is(&sim, "g2").running, "its systemd stands still, too");
    assert_eq!(refuses(&sim, "kill g2"), "its machine has no power, or stands still");
    does(&sim, &["thaw-machine g2"]);
    after(&sim, 20);
    assert_eq!(synced(&sim), 3);
    does(&sim, &["freeze-machine g3"]);
    after(&sim, 10);
    assert_eq!(word(read(&sim, "g1").await.facts.get(keys::WSREP_CLUSTER_SIZE)), "2");
    does(&sim, &["thaw-machine g3"]);
    after(&sim, 20);
    assert_eq!(synced(&sim), 3);
}

/// tests/fixtures/galera/06-diskfull/sst-into-full
#[tokio::test]
async fn a_full_transfer_into_a_full_volume_breaks_off() {
    let sim = sim(12);
    does(&sim, &["kill g3", "fill-disk g3"]);
    after(&sim, 10);
    let node = read(&sim, "g3").await;
    assert!(
        node.facts.get(keys::DISK_FREE).is(|free| *free < 1 << 20),
        "{:?}",
        node.facts.get(keys::DISK_FREE)
    );
    does(&sim, &["wipe-state g3", "start g3"]);
    after(&sim, 30);
    let node = read(&sim, "g3").await;
    assert_eq!(unit(&node), "failed/failed signal");
    assert_eq!(word(node.facts.get(keys::GRASTATE_FILE)), "empty");
    assert_eq!(log(&node, "No space left on device (28)"), 1);
    assert_eq!(word(read(&sim, "g1").await.facts.get(keys::WSREP_LOCAL_COMMENT)), "Synced");
    assert_eq!(synced(&sim), 2);
    does(&sim, &["free-disk g3", "start g3"]);
    after(&sim, 30);
    assert_eq!(synced(&sim), 3);
}

/// tests/fixtures/sim/fault-fill-disk
#[tokio::test]
async fn a_member_aborts_once_it_has_to_write_into_a_full_volume() {
    let sim = Sim::new(Topology { load: 0, ..topology() }, 18);
    does(&sim, &["fill-disk g1"]);
    after(&sim, 5);
    assert_eq!(synced(&sim), 3);
    sim.load(60);
    after(&sim, 3);
    let node = read(&sim, "g1").await;
    assert_eq!(unit(&node), "activating/auto-restart signal");
    assert_eq!(log(&node, "preallocating 475136 bytes for file ./t/big.ibd failed with error 28"), 1);
    assert_eq!(word(node.facts.get(keys::GRASTATE_SAFE)), "false");
}

/// tests/fixtures/galera/06-diskfull/full: no room for a page of 128 MiB, long before the volume is full.
#[tokio::test]
async fn one_that_lags_aborts_where_no_page_fits_and_runs_on_in_no_group() {
    let sim = Sim::new(Topology { disk: 780, ..topology() }, 13);
    does(&sim, &["slow g2"]);
    after(&sim, 3);
    let node = read(&sim, "g2").await;
    assert_eq!(unit(&node), "activating/auto-restart signal");
    assert_eq!(log(&node, "Cannot create new cache page: Requested size 134217728"), 1);
    after(&sim, 20);
    let node = read(&sim, "g2").await;
    assert_eq!(unit(&node), "active/running success");
    assert_eq!(word(node.facts.get(keys::WSREP_CLUSTER_STATUS)), "Disconnected");
    assert!(node.facts.get(keys::GRASTATE_SEQNO).is(|seqno| *seqno == is(&sim, "g2").seqno));
    assert_eq!(synced(&sim), 2);
}

/// `rootowned` in tests/fixtures/galera/11-parsing/results.txt
#[tokio::test]
async fn a_state_file_of_root_ends_the_start() {
    let sim = sim(14);
    assert_eq!(refuses(&sim, "wrong-owner g3"), "a server works on its files");
    does(&sim, &["stop g3", "wrong-owner g3", "start g3"]);
    after(&sim, 2);
    let node = read(&sim, "g3").await;
    assert_eq!(unit(&node), "failed/failed exit-code");
    assert!(word(node.facts.get(keys::GRASTATE_STAT)).ends_with("root:root, mode 600"));
    assert_eq!(log(&node, "System error: 13 (Permission denied)"), 1);
    assert!(!is(&sim, "g3").running);
}

#[tokio::test]
async fn an_emptied_directory_holds_nothing_founds_nothing_and_is_filled_again() {
    let sim = sim(15);
    does(&sim, &["stop g3", "wipe-data g3"]);
    let node = read(&sim, "g3").await;
    assert_eq!(word(node.facts.get(keys::GRASTATE_FILE)), "missing");
    assert!(node.facts.get(keys::DATADIR_SYSTEM_SCHEMA).is(|there| !there));
    assert!(node.facts.get(keys::ENGINE_STAMP).why().is_some());
    let judgement = judge::judge(&walk::survey(&sim).await);
    assert!(!judgement.candidates.contains(&name("g3")));
    does(&sim, &["bootstrap g3"]);
    after(&sim, 2);
    assert_eq!(unit(&read(&sim, "g3").await), "failed/failed exit-code");
    does(&sim, &["start g3"]);
    after(&sim, 30);
    assert_eq!(synced(&sim), 3);
    assert!(sim.truth().overwritten.is_empty(), "there was nothing to overwrite");
    assert!(read(&sim, "g3").await.facts.get(keys::DATADIR_SYSTEM_SCHEMA).is(|there| *there));
}

/// `missing` in tests/fixtures/galera/11-parsing/results.txt, and tests/fixtures/galera/05-ahead/new-uuid.
#[tokio::test]
async fn without_its_state_file_it_takes_everything_or_begins_a_history_of_its_own() {
    let sim = sim(16);
    does(&sim, &["stop g3", "wipe-state g3", "start g3"]);
    after(&sim, 30);
    assert_eq!((synced(&sim), sim.truth().overwritten.len()), (3, 1));
    does(&sim, &["stop g3", "wipe-state g3", "bootstrap g3"]);
    after(&sim, 3);
    assert_ne!(is(&sim, "g3").uuid, is(&sim, "g1").uuid);
    assert_eq!(sim.truth().primaries.len(), 2);
}
