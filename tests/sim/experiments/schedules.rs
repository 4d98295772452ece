//! What was done in each experiment, and when: seconds are those of the captures, from the first of its kind on, unless a
//! comment says why not.

use breakglass::nodes::sim::Topology;

use super::Run;
use crate::walk::name;

/// A data directory of some 150 MB.
fn usual(topology: Topology) -> Topology {
    Topology { data: 150, ..topology }
}

/// Where Restart=no was set, so that what was killed stayed down.
fn stays_down(topology: Topology) -> Topology {
    Topology { restarts: false, ..usual(topology) }
}

/// Clients write as long as it goes on.
fn under_load(topology: Topology) -> Topology {
    Topology { load: 8, ..usual(topology) }
}

/// Two data nodes and an arbitrator.
fn with_garbd(topology: Topology) -> Topology {
    let nodes = topology.nodes.iter().take(2).cloned().collect();
    Topology { nodes, arbitrators: vec![name("a1")], ..usual(topology) }
}

pub(crate) const RUNS: &[Run] = &[
    GRACEFUL,
    KILLED,
    PARTITIONED,
    DIVERGED,
    FULL_GCACHE,
    FULL_ENGINE,
    FULL_JOINER,
    ARBITRATED,
    DONOR_KILLED,
    DONOR_KILLED_MARIABACKUP,
    JOINER_KILLED,
    STOPPED_BY_A_SIGNAL,
];

/// Stopped one after the other, the wrong one bootstrapped, the right one, and stopped again. Seconds from 05:51:33 on.
const GRACEFUL: Run = Run {
    seed: 1,
    topology: usual,
    schedule: "
        0 look 01-healthy
        1 load 2003
        39 stop g3
        39.15 look 02-graceful/after-stop-g3
        39.3 stop g2
        39.48 look 02-graceful/after-stop-g2
        39.65 stop g1
        39.86 look 02-graceful/all-stopped
        66 log
        66 bootstrap g3
        66.62 look 02-graceful/wrong-node-bootstrap
        66.75 bootstrap g1
        67.28 look 02-graceful/right-bootstrap
        67.42 start g2
        71 start g3
        75.34 look 02-graceful/rejoined
        76 stop g2
        76.2 bootstrap g2
        77 start g2
        105 stop g3
        106 stop g2
        110 kill g1
        110.7 look 02-graceful/last-node-killed
    ",
};

/// Killed under load, formed again by itself, killed again for good; then without saved views, and with them but one
/// short until systemd gave up. Seconds are not those of the day.
const KILLED: Run = Run {
    seed: 2,
    topology: usual,
    schedule: "
        0 load 6216
        1 stop g3
        1.5 stop g2
        2 crash g1
        2.1 stop g1
        3 bootstrap g1
        4 start g2
        9 start g3
        26 look 03-kill9/before
        27 crash g1
        27 crash g2
        27 crash g3
        27.6 look 03-kill9/just-killed
        67.6 look 03-kill9/after-autoreform
        100 load 3213
        138 kill g1
        138 kill g2
        138 kill g3
        138.5 look 03-kill9/norestart-killed
        150 mark-safe g1
        150 bootstrap g1
        152 start g2
        157 start g3
        200 partition g1
        200 partition g2
        210 stop g1
        210 stop g2
        210 stop g3
        212 heal
        213 log
        220 start g1
        220 start g2
        220 start g3
        223.77 look 03-kill9/no-gvwstate-starting
        260.89 look 03-kill9/no-gvwstate-after
        270 mark-safe g1
        270 bootstrap g1
        272 start g2
        277 start g3
        285 kill g1
        285 kill g2
        285 kill g3
        300 start g1
        316.3 look 03-kill9/two-of-three-with-gvwstate
        1500 start g2
        1627.7 look 03-kill9/stuck-activating
        1640 start g3
        1649.2 look 03-kill9/stuck-activating-after-third
    ",
};

/// Cut into three, healed; cut again, bootstrapped on one side and then on two; the side that lost, started again.
/// Seconds from 06:30:00 on.
const PARTITIONED: Run = Run {
    seed: 1,
    topology: usual,
    schedule: "
        0 stop g3
        0.2 stop g2
        0.5 start g3
        5 start g2
        10 load 100
        15 log
        19.56 partition g1
        19.56 partition g2
        35.85 look 04-partition/nonprim
        64.4 heal
        73.1 look 04-partition/healed
        73.3 partition g1
        73.3 partition g2
        81.3 pc-bootstrap g1
        81.6 load 5
        81.72 look 04-partition/pcbootstrap-one-side
        81.9 heal
        113.4 partition g1
        113.4 partition g2
        122.2 pc-bootstrap g1
        122.4 pc-bootstrap g2
        122.6 load 3 g1
        122.6 load 7 g2
        123.74 look 04-partition/split-brain
        124.5 heal
        139.6 look 04-partition/split-brain-healed
        163.04 look 05-ahead/before-rejoin
        163.3 log
        163.3 stop g2
        163.45 start g2
        171.09 look 05-ahead/rejoin-refused
        197.9 look 05-ahead/after-auto-sst
    ",
};

/// Bootstrapped on both sides of a partition, joined again: noticed where rows collide, silent where they do not; and a
/// bootstrap without a state file. Seconds from 06:35:00 on.
pub(crate) const DIVERGED: Run = Run {
    seed: 1,
    topology: usual,
    schedule: "
        1 load 100
        10 stop g3
        10.2 stop g2
        10.4 stop g1
        10.6 partition g2
        11 bootstrap g1
        11.6 mark-safe g2
        11.6 bootstrap g2
        13 load 3 g1
        13 load 5 g2
        13.34 look 05-ahead/dup-bootstrap
        13.6 stop g2
        13.7 heal
        13.8 load 12
        14 start g2
        18 start g3
        21.79 look 05-ahead/divergence-detected-inconsistent
        47 log
        47 stop g2
        48 start g2
        54.3 stop g3
        54.5 stop g2
        54.7 stop g1
        54.9 partition g2
        55 bootstrap g1
        55.4 mark-safe g2
        55.4 bootstrap g2
        56.4 load 3 g1
        56.4 load 5 g2
        56.7 stop g2
        56.9 heal
        57 load 12
        57.1 start g2
        61 start g3
        65.88 look 05-ahead/silent-divergence
        107 stop g2
        107.5 wipe-state g2
        107.9 bootstrap g2
        108.55 look 05-ahead/new-uuid
    ",
};

/// No room for a page of gcache, which a node needs that applies more slowly than the others write. Seconds from 06:37:00
/// on.
const FULL_GCACHE: Run = Run {
    seed: 1,
    topology: under_load,
    schedule: "
        1 load 100
        23 stop g2
        24 log
        24 start g2
        28 slow g2
        28 fill-disk g2
        53.17 look 06-diskfull/full
    ",
};

/// No room for the engine's files: a table cannot be made on g2, and the next write-set for it not be applied. Seconds from 06:38:00 on.
const FULL_ENGINE: Run = Run {
    seed: 1,
    topology: usual,
    schedule: "
        1 load 100
        19 log
        20 stop g2
        20.2 start g2
        23.5 fill-disk g2
        23.9 differ g2
        24 load 60
        30 free-disk g2
        44.8 look 06-diskfull/full-innodb
    ",
};

/// A full transfer into a full disk. Seconds from 06:39:00 on.
const FULL_JOINER: Run = Run {
    seed: 1,
    topology: stays_down,
    schedule: "
        1 load 100
        10 log
        11 stop g2
        11.3 wipe-state g2
        11.5 fill-disk g2
        12 start g2
        24.8 look 06-diskfull/sst-into-full
    ",
};

/// Two data nodes and garbd; then one. Seconds from 06:40:00 on.
const ARBITRATED: Run = Run {
    seed: 1,
    topology: with_garbd,
    schedule: "
        1 load 100
        2 stop g1
        3 start g1
        9.4 look 07-garbd/with-garbd
        10 kill g2
        20.03 look 07-garbd/one-data-node-plus-garbd
    ",
};

/// The donor killed in a full transfer by rsync: g3 is made the first member, which is asked first. Seconds from 06:43:00
/// on.
pub(crate) const DONOR_KILLED: Run = Run {
    seed: 1,
    topology: stays_down,
    schedule: "
        1 load 100
        2 stop g1
        3 start g1
        10 stop g2
        20 wipe-state g2
        49 log
        49.5 start g2
        52.87 look 08-sst-fail/rsync-mid
        53.2 kill g3
        62.39 look 08-sst-fail/rsync-after
    ",
};

/// The same by mariabackup. Seconds from 06:43:00 on.
const DONOR_KILLED_MARIABACKUP: Run = Run {
    seed: 1,
    topology: stays_down,
    schedule: "
        1 load 100
        2 stop g1
        3 start g1
        10 stop g2
        20 wipe-state g2
        99 log
        100 start g2
        103.06 look 08-sst-fail/mariabackup-mid
        103.4 kill g3
        110.65 look 08-sst-fail/mariabackup-after
    ",
};

/// The joiner killed before the group had counted it. Seconds from 06:44:00 on.
const JOINER_KILLED: Run = Run {
    seed: 1,
    topology: stays_down,
    schedule: "
        1 load 100
        2 stop g1
        3 start g1
        10 stop g2
        20 wipe-state g2
        114 start g2
        115.45 kill g2
        115.53 look 08-sst-fail/joiner-killed
    ",
};

/// SIGSTOP to g2's server. Seconds from 06:54:00 on.
const STOPPED_BY_A_SIGNAL: Run = Run {
    seed: 1,
    topology: usual,
    schedule: "
        1 load 100
        2 stop g1
        3 start g1
        40 freeze g2
        52.18 look 13-hangs/sigstop-g2
    ",
};
