//! What may differ between the simulated experiments and the real ones, each with its reason. A row that is needed no
//! more fails as a difference does that has no row.

/// Facts that may differ everywhere.
pub(crate) const DIFFERS: &[(&str, &str)] = &[
    ("grastate.raw", "its parts are compared; how many blanks pad it depends on the seqno's digits"),
    ("gvwstate.raw", "its parts are compared"),
    ("disk.datadir.size", "a number"),
    ("unit.main_pid", "a number"),
    ("server.version", "the lab was a version older than the one that is simulated"),
    ("log.last_end_at", "these logs do not say in which zone their times are"),
    ("log.recovered_at", "the same"),
    ("log.took_part_at", "the same"),
    ("log.starts_last_hour", "the same"),
    ("log.tail", "the simulator logs what decides, not every line"),
    ("log.marks", "the same"),
    ("log.known", "the same; of the lines that decide, whether they stand there is compared"),
    ("log.reach", "the captures are cut where their experiment began, or before"),
    ("wsrep.local_cached_downto", "where a node's gcache begins is from what it did before"),
];

/// Known lines that only one side logs.
pub(crate) const LINES: &[(&str, &str)] = &[
    (
        "peer-timeout",
        "on the way: the simulator logs what decides, and the findings are compared by themselves",
    ),
    ("peer-refused", "the same"),
    ("late-check", "the same"),
    ("no-complete-state", "the same"),
    ("non-primary-received", "the same"),
    ("apply-failed", "the same"),
    ("join-not-sent", "the same"),
    ("sst-not-complete", "the same"),
    ("error-ignored", "the same"),
    ("vote-begun", "the same"),
    ("ist-sender-failed", "the same"),
    ("sst-cleanup", "the same"),
    ("sst-no-space", "the same"),
    ("sst-script-failed", "the same"),
    ("sst-sending-failed", "the same"),
    ("sst-failed", "the same"),
    ("rsync-failed", "the same"),
    ("queries-rejected", "a client's, and there was none"),
    ("not-primary", "who waits, or leaves others behind, says so on both sides; these logs begin later"),
];

/// Why systemd's word on a unit that was stopped differs.
const FORGETS: &str =
    "nothing keeps the lab's unit loaded: systemd forgets how it ended, at once or half a second later";
/// Why what clients did differs.
const CLIENTS: &str = "clients wrote while the probe went round";
/// Why a start of g2 failed that nobody simulates.
const CGROUP: &str = "the lab's own cgroups kept g2 from starting";
/// Why a client said nothing.
const CUT_OFF: &str =
    "the lab's client had no limit of its own for the connection, and was killed before it said why";
/// Why views are half a second older in the real group.
const EXCHANGE: &str = "between a view and the state exchange, half a second that is not simulated";
/// Why a log tells less of a start.
const CUT: &str = "the captured log has lost the lines of the start";
/// What nobody found out the reason of.
const UNEXPLAINED: &str = "after several bootstraps by pc.bootstrap that transfer failed, and why was never found out: it is not simulated";
/// Of another way to copy.
const MARIABACKUP: &str =
    "mariabackup, which empties the joiner first and leaves the donor's state file alone; rsync is simulated";
/// Why less is known in files.
const MORE: &str = "the whole survey has logs and processes, the captured files have not";

/// Facts of one experiment: experiment, nodes, facts (all that begin so before a star), reason.
pub(crate) const FACTS: &[(&str, &str, &[&str], &str)] = &[
    ("02-graceful/after-stop-g3", "g3", &["unit.exec_main_code"], FORGETS),
    ("02-graceful/after-stop-g2", "g2 g3", &["unit.exec_main_code"], FORGETS),
    ("02-graceful/all-stopped", "g1", &["unit.exec_main_code"], FORGETS),
    ("02-graceful/last-node-killed", "g3", &["unit.exec_main_code"], FORGETS),
    ("03-kill9/before", "g1 g2 g3", &["wsrep.flow_control_paused"], CLIENTS),
    ("03-kill9/before", "g2 g3", &["wsrep.last_committed", "wsrep.se_checkpoint"], CLIENTS),
    (
        "03-kill9/two-of-three-with-gvwstate",
        "g2",
        &["unit.exec_main_code", "unit.exec_main_status", "unit.result"],
        CGROUP,
    ),
    ("03-kill9/stuck-activating-after-third", "g1", &["var.*", "wsrep.*"], CUT_OFF),
    (
        "05-ahead/rejoin-refused",
        "g2",
        &[
            "grastate.file",
            "grastate.safe_to_bootstrap",
            "grastate.version",
            "log.half_filled",
            "log.last_transfer",
            "log.recovered_position",
            "log.transfers_last_hour",
        ],
        EXCHANGE,
    ),
    (
        "05-ahead/rejoin-refused",
        "g3",
        &[
            "wsrep.cluster_conf_id",
            "wsrep.cluster_size",
            "wsrep.incoming_addresses",
            "wsrep.last_committed",
            "wsrep.se_checkpoint",
        ],
        EXCHANGE,
    ),
    (
        "05-ahead/after-auto-sst",
        "g1 g3",
        &[
            "gvwstate.members",
            "wsrep.cluster_size",
            "wsrep.cluster_weight",
            "wsrep.incoming_addresses",
            "wsrep.last_committed",
            "wsrep.se_checkpoint",
        ],
        UNEXPLAINED,
    ),
    ("05-ahead/after-auto-sst", "g2", &["grastate.seqno", "gvwstate.*", "wsrep.*"], UNEXPLAINED),
    (
        "05-ahead/divergence-detected-inconsistent",
        "g2",
        &["log.last_end", "log.last_transfer", "log.waiting_for_primary"],
        CUT,
    ),
    ("06-diskfull/full", "g1 g3", &["wsrep.last_committed", "wsrep.se_checkpoint"], CLIENTS),
    ("06-diskfull/full", "g2", &["disk.datadir.free"], "the fault leaves 16 KiB, the lab had left 56 MiB"),
    ("08-sst-fail/mariabackup-mid", "g2", &["datadir.system_schema", "transfer.markers"], MARIABACKUP),
    ("08-sst-fail/mariabackup-mid", "g3", &["grastate.seqno"], MARIABACKUP),
    ("08-sst-fail/mariabackup-after", "g1", &["wsrep.last_committed", "wsrep.se_checkpoint"], MARIABACKUP),
    ("08-sst-fail/mariabackup-after", "g2", &["datadir.system_schema", "transfer.markers"], MARIABACKUP),
    ("08-sst-fail/mariabackup-after", "g3", &["grastate.seqno"], MARIABACKUP),
    (
        "08-sst-fail/mariabackup-after",
        "g3",
        &["log.last_transfer", "log.recovered_position"],
        "its captured log begins before its last start, the simulated one after it",
    ),
    ("08-sst-fail/joiner-killed", "g1 g3", &["wsrep.cluster_size", "wsrep.incoming_addresses"], EXCHANGE),
    (
        "08-sst-fail/joiner-killed",
        "g3",
        &["grastate.seqno", "wsrep.desync_count", "wsrep.local_state", "wsrep.local_state_comment"],
        EXCHANGE,
    ),
];

/// Findings: experiment, findings, reason.
pub(crate) const FINDINGS: &[(&str, &[&str], &str)] = &[
    ("02-graceful/after-stop-g3", &["galera.server-unknown"], FORGETS),
    ("02-graceful/after-stop-g2", &["galera.server-unknown"], FORGETS),
    ("03-kill9/two-of-three-with-gvwstate", &["galera.server-unknown"], CGROUP),
    ("05-ahead/after-auto-sst", &["galera.non-primary", "galera.views-contradict"], UNEXPLAINED),
];

/// What the simulated nodes are judged to be by the same files: experiment, verdict with servers and standings, reason.
pub(crate) const JUDGED: &[(&str, &str, &str)] = &[
    ("02-graceful/after-stop-g3", "Degraded: running SYNCED, running SYNCED, unknown UNKNOWN", FORGETS),
    ("02-graceful/after-stop-g2", "Degraded: running SYNCED, unknown UNKNOWN, unknown UNKNOWN", FORGETS),
    ("02-graceful/all-stopped", "Outage: unknown UNKNOWN, unknown UNKNOWN, unknown UNKNOWN", FORGETS),
    ("02-graceful/last-node-killed", "Outage: crashed UNKNOWN, unknown UNKNOWN, unknown UNKNOWN", FORGETS),
    (
        "03-kill9/two-of-three-with-gvwstate",
        "Outage: starting UNKNOWN, crashed UNKNOWN, crashed UNKNOWN",
        CGROUP,
    ),
    ("05-ahead/after-auto-sst", "Degraded: running SYNCED, running UNKNOWN, running SYNCED", UNEXPLAINED),
    ("08-sst-fail/joiner-killed", "Degraded: running SYNCED, crashed UNKNOWN, running DONOR", EXCHANGE),
];

/// What they are judged to be by everything they show: experiment, verdict with servers and standings, reason.
pub(crate) const WHOLE: &[(&str, &str, &str)] = &[
    ("02-graceful/all-stopped", "Outage: stopped CANDIDATE, stopped BEHIND-1, stopped BEHIND-2", MORE),
    ("02-graceful/last-node-killed", "Outage: crashed UNKNOWN, stopped UNKNOWN, stopped BEHIND-1", MORE),
    (
        "03-kill9/no-gvwstate-starting",
        "Outage: starting CANDIDATE, starting CANDIDATE, starting CANDIDATE",
        MORE,
    ),
    (
        "03-kill9/two-of-three-with-gvwstate",
        "Outage: starting UNKNOWN, crashed UNKNOWN, crashed UNKNOWN",
        CGROUP,
    ),
    ("03-kill9/stuck-activating", "Outage: stopping UNKNOWN, starting UNKNOWN, crashed UNKNOWN", MORE),
    ("05-ahead/dup-bootstrap", "Degraded: running DIVERGED, running DIVERGED, stopped DIVERGED", MORE),
    ("05-ahead/rejoin-refused", "Degraded: running UNKNOWN, starting JOINING, running UNKNOWN", MORE),
    ("05-ahead/after-auto-sst", "Healthy: running SYNCED, running SYNCED, running SYNCED", UNEXPLAINED),
    ("08-sst-fail/joiner-killed", "Undetermined: running UNKNOWN, crashed TAINTED, running UNKNOWN", MORE),
];

/// Every row and its reason, as it is noted when it is used.
pub(crate) fn rows() -> impl Iterator<Item = (String, &'static str)> {
    let everywhere = DIFFERS.iter().chain(LINES).map(|(what, why)| ((*what).to_owned(), *why));
    let facts = FACTS.iter().flat_map(|(experiment, nodes, keys, why)| {
        nodes
            .split(' ')
            .flat_map(move |node| keys.iter().map(move |key| (format!("{experiment} {node} {key}"), *why)))
    });
    let findings = FINDINGS
        .iter()
        .flat_map(|(experiment, ids, why)| ids.iter().map(move |id| (format!("{experiment} {id}"), *why)));
    let judged = JUDGED.iter().map(|(experiment, said, why)| (format!("{experiment} judged {said}"), *why));
    let whole = WHOLE.iter().map(|(experiment, said, why)| (format!("{experiment} whole {said}"), *why));
    everywhere.chain(facts).chain(findings).chain(judged).chain(whole)
}
