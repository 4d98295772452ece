//! The lab: a real practice cluster of systemd machines on this host.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `name` | what a lab may be called |
//! | `state` | what a lab is, on disk, and its lock |
//! | `host` | running one command of this host, and what the host must have |
//! | `sources` | which Debian mirror this host uses |
//! | `root` | the cached Debian root every machine lies over |
//! | `network` | bridge and addresses |
//! | `cgroup` | one host cgroup per machine: who is in it, freeze, kill |
//! | `files` | what makes one machine itself: identity, keys, configuration |
//! | `machine` | start a machine, run something inside it |
//! | `role` | what a machine is for, and which service it runs for that |
//! | `galera` | form the cluster, see whether it is whole |
//! | `services` | arbitrators, load balancers and what they ask the nodes, monit |
//! | `rules` | packet rules of the network faults |
//! | `faults` | break it, and take the breaking away; one file per family of faults |
//! | `inventory` | the inventory `lab up` hands out |
//! | `up`, `down`, `status` | the commands |
//!
//! Everything a machine holds on this host hangs on one cgroup: its mounts live in the mount namespace of its
//! processes, its interfaces in their network namespace, its loop device is released with its mount. So whoever
//! ends the cgroup's processes leaves nothing behind, even where `lab up` itself was killed half-way.

use std::fmt::Write;

mod cgroup;
mod down;
mod error;
mod faults;
mod files;
mod galera;
mod host;
mod inventory;
mod machine;
mod name;
mod network;
mod role;
mod root;
mod rules;
mod services;
mod sources;
mod state;
mod status;
mod up;

pub use down::down;
pub use error::LabError;
pub use faults::{FaultKind, fault, heal};
pub use host::HostError;
pub use machine::exec;
pub use name::LabName;
pub use role::Role;
pub use state::{Fault, Manager, Release, SshUser};
pub use status::{NodeStatus, Status, status};
pub use up::{Request, Volume, up};

/// Where labs live.
pub(crate) const LABS: &str = "/var/lib/breakglass-lab";
/// Where roots are cached.
pub(crate) const CACHE: &str = "/var/cache/breakglass-lab";

/// Says how a long command gets on, one line at a time.
pub type Say<'a> = &'a (dyn Fn(&str) + Sync);

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// Does the same for every item at once, one thread each, and gives the answers in the items' order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
