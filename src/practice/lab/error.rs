//! What can go wrong with a lab: what was attempted, what was found, what to do next.

use std::io;
use std::path::{Path, PathBuf};

use super::host::HostError;

/// Why a lab command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The name does not fit the grammar.
    #[error("a lab's name is a lower-case letter and up to 19 of a-z, 0-9 and '-'; got {given:?}")]
    BadName {
        /// What was given.
        given: String,
    },
    /// The volume's size cannot be read or is too small.
    #[error("--volume {given}: {why}; give a size such as 1GiB or 800M")]
    BadVolume {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Not root.
    #[error("a lab starts machines, so it needs root; run: sudo breakglass lab …")]
    NotRoot,
    /// Root without the rights of root.
    #[error(
        "this root may not {missing}: it runs inside a container without that privilege; run the lab on the host \
         itself, or in a container started with --privileged"
    )]
    NoPrivilege {
        /// What it may not do.
        missing: String,
    },
    /// Programs are missing.
    #[error("this host lacks {}; install with: apt-get install {}", programs.join(", "), packages.join(" "))]
    Missing {
        /// The programs.
        programs: Vec<&'static str>,
        /// The Debian packages that hold them.
        packages: Vec<&'static str>,
    },
    /// No such lab.
    #[error("there is no lab {name}{}; `breakglass lab up {name}` makes it", known(labs))]
    NoLab {
        /// What was asked for.
        name: String,
        /// The labs there are.
        labs: Vec<String>,
    },
    /// No such node.
    #[error("lab {lab} has no node {node:?}; the nearest name is {nearest}, its nodes are {}", nodes.join(", "))]
    NoNode {
        /// The lab.
        lab: String,
        /// What was asked for.
        node: String,
        /// The closest node.
        nearest: String,
        /// All nodes.
        nodes: Vec<String>,
    },
    /// No such fault.
    #[error("lab {lab} has no fault {id}; {}", if faults.is_empty() { "it has none".to_owned() } else { format!("it has {}", faults.join(", ")) })]
    NoFault {
        /// The lab.
        lab: String,
        /// What was asked for.
        id: String,
        /// The faults there are.
        faults: Vec<String>,
    },
    /// The lab exists, but not as asked for.
    #[error(
        "lab {lab} exists with {what} {has}, not {asked}; `breakglass lab down {lab}` removes it, then it can be made anew"
    )]
    Differs {
        /// The lab.
        lab: String,
        /// Which property.
        what: &'static str,
        /// What it is.
        has: String,
        /// What was asked for.
        asked: String,
    },
    /// Apt's sources name no Debian archive.
    #[error(
        "no Debian archive found in {searched}: the lab's machines are Debian, and their packages come from the \
         mirror this host's own apt uses; add the archive of Debian {release} to those sources"
    )]
    NoSources {
        /// Where was looked.
        searched: String,
        /// The release asked for.
        release: String,
    },
    /// No free range.
    #[error(
        "every address range the lab may use overlaps a route of this host; take a lab down, or see `ip route show table all`"
    )]
    NoAddresses,
    /// The machine does not run.
    #[error("the machine {node} of lab {lab} does not run; `breakglass lab up {lab}` starts it")]
    MachineDown {
        /// The lab.
        lab: String,
        /// The node.
        node: String,
    },
    /// The root the machines lie over is gone.
    #[error(
        "the Debian root {} that the machines of lab {lab} lie over is gone, so they cannot be started again; \
         `breakglass lab down {lab}` removes the lab, then it can be made anew", root.display()
    )]
    RootGone {
        /// The lab.
        lab: String,
        /// Where it was.
        root: PathBuf,
    },
    /// The machine did not start.
    #[error("machine {node}: {found}; its console ({}) ends:\n{tail}", console.display())]
    NotStarted {
        /// The node.
        node: String,
        /// What was seen.
        found: String,
        /// The console's log.
        console: PathBuf,
        /// The end of it.
        tail: String,
    },
    /// There is no server to act on.
    #[error(
        "no {program} runs on {node} of lab {lab}, so there is nothing to {verb}; start it first: breakglass lab exec {lab} {node} -- systemctl start {unit}"
    )]
    ServerDown {
        /// The lab.
        lab: String,
        /// The node.
        node: String,
        /// What should run.
        program: &'static str,
        /// The unit that starts it.
        unit: &'static str,
        /// What was to be done to it.
        verb: &'static str,
    },
    /// A server runs where none may.
    #[error(
        "{program} runs on {node} of lab {lab}, and {kind} is for a node whose server is down; stop it first: breakglass lab fault {lab} stop {node}"
    )]
    ServerUp {
        /// The lab.
        lab: String,
        /// The node.
        node: String,
        /// What runs.
        program: &'static str,
        /// The fault.
        kind: &'static str,
    },
    /// The fault is one of a data node.
    #[error("{node} of lab {lab} holds no data, and {kind} is for data nodes: {}", nodes.join(", "))]
    NotData {
        /// The lab.
        lab: String,
        /// The node.
        node: String,
        /// The fault.
        kind: &'static str,
        /// The data nodes.
        nodes: Vec<String>,
    },
    /// What a fault waits for did not come.
    #[error("{kind} on {node} of lab {lab}: {found}; nothing of it is left set")]
    NotSet {
        /// The lab.
        lab: String,
        /// The node.
        node: String,
        /// The fault.
        kind: &'static str,
        /// What was seen.
        found: String,
    },
    /// Another fault is in the way.
    #[error(
        "{node} is frozen by fault {fault}, so its service manager cannot act; first: breakglass lab heal {lab} {fault}"
    )]
    Blocked {
        /// The lab.
        lab: String,
        /// The node.
        node: String,
        /// The fault in the way.
        fault: String,
    },
    /// A partition that names every node cuts nothing.
    #[error(
        "a partition joins the nodes it names and cuts them from all others, and this names every node of lab {lab}; to isolate each node, call it once per node"
    )]
    NothingToCut {
        /// The lab.
        lab: String,
    },
    /// The cluster did not become whole.
    #[error(
        "lab {lab} did not become a healthy cluster within {seconds} s: {found}; `breakglass lab up {lab}` begins again"
    )]
    NotFormed {
        /// The lab.
        lab: String,
        /// How long was waited.
        seconds: u64,
        /// What was seen.
        found: String,
    },
    /// The state file says what we do not understand.
    #[error("{}: {found}; `breakglass lab down {lab}` removes the lab", path.display())]
    BadState {
        /// The lab.
        lab: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// The kernel offers nothing to freeze a machine with.
    #[error("this host has neither a v2 nor a v1 freezer cgroup for {node}, so its machine cannot be frozen")]
    NoFreezer {
        /// The node.
        node: String,
    },
    /// Something that should be gone is still there.
    #[error("lab {lab}: {what} could not be removed: {found}; run `breakglass lab down {lab}` again")]
    Stuck {
        /// The lab.
        lab: String,
        /// What is left.
        what: String,
        /// What was seen.
        found: String,
    },
    /// A command of this host did not work.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A file of this host could not be read or written.
    #[error("{attempt} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system's random numbers could not be read.
    #[error("read random numbers: {0}")]
    Random(getrandom::Error),
}

impl LabError {
    /// Whether the caller asked for something that cannot be, or the host lacks what it takes: exit code 2.
    pub fn is_usage(&self) -> bool {
        !matches!(
            self,
            Self::NotStarted { .. }
                | Self::NotFormed { .. }
                | Self::NotSet { .. }
                | Self::Stuck { .. }
                | Self::Host(HostError::Spawn { .. } | HostError::Failed { .. } | HostError::TimedOut { .. })
                | Self::Io { .. }
                | Self::Random(_)
        )
    }

    pub(crate) fn io(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { attempt, path, source }
    }
}

fn known(labs: &[String]) -> String {
    if labs.is_empty() { String::new() } else { format!(" (there is {})", labs.join(", ")) }
}
