//! What runs on a node.

use std::fmt;

use crate::facts::{Facts, Known, NodeSurvey, Role, Why, WhyKind, keys};

/// What runs. Unknown is [`Known::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// A server process runs and its start is over.
    Running,
    /// A start is under way; a server waiting for a Primary Component is this, for as long as it waits.
    Starting,
    /// A stop is under way; it may never end (SIGTERM is ignored while a start waits for a Primary).
    Stopping,
    /// No process, and the last end was a clean shutdown by the unit's result or the log.
    Stopped,
    /// No process, and the last end was not a clean shutdown.
    Crashed,
    /// The process is stopped by a signal: it keeps its ports and answers nothing.
    Frozen,
}

impl Server {
    /// The word, as in `status --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::Frozen => "frozen",
        }
    }

    /// Whether there is no server process and none is on its way.
    pub fn is_down(self) -> bool {
        matches!(self, Self::Stopped | Self::Crashed)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Derives what runs from the process and the unit.
///
/// grastate.dat has no say: neither sign of its seqno proves how the server stopped (S3). `StatusText` has none
/// either: it is stale (galera: "Taking your SQL requests now..." on a killed node).
pub(super) fn server(node: &NodeSurvey) -> Known<Server> {
    let facts = &node.facts;
    match facts.get(keys::SERVER_STATE) {
        Known::Unknown(why) => Known::Unknown(why),
        Known::Known(state) => match state.as_str() {
            // Nothing rests on how one ended that holds no data; systemd soon forgets it.
            "" if node.role != Role::Data && ended(facts) => {
                let failed = facts.get(keys::UNIT_ACTIVE).is(|active| active.as_str() == "failed");
                Known::Known(if failed { Server::Crashed } else { Server::Stopped })
            }
            "" => absent(facts),
            "T" | "t" => Known::Known(Server::Frozen),
            "Z" | "X" => {
                Known::unknown(WhyKind::Contradicted, "the server process is dead and not yet reaped")
            }
            // Of files without the unit's: a server that answered runs, and nothing more is known of its process.
            "?" if facts.get(keys::UNIT_ACTIVE).known().is_none() => Known::Known(Server::Running),
            _ => present(facts),
        },
    }
}

/// Whether it is certain that no server process is there; one may be about to start.
pub(super) fn no_process(facts: &Facts) -> bool {
    facts.get(keys::SERVER_STATE).is(|state| state.as_str().is_empty())
}

/// No server process, and no unit that would start one.
pub(super) fn ended(facts: &Facts) -> bool {
    no_process(facts)
        && (facts.get(keys::UNIT_ACTIVE).is(|active| matches!(active.as_str(), "inactive" | "failed"))
            || facts.get(keys::HOST_MANAGER).is(|manager| manager.as_str() == "none"))
}

fn manager_is_systemd(facts: &Facts) -> Known<bool> {
    facts.get(keys::HOST_MANAGER).map(|manager| manager.as_str() == "systemd")
}

fn present(facts: &Facts) -> Known<Server> {
    match manager_is_systemd(facts) {
        Known::Unknown(why) => return Known::Unknown(why),
        // Without a service manager the open SQL port tells a finished start from one under way.
        Known::Known(false) => {
            return facts
                .get(keys::LISTEN_SQL)
                .map(|open| if open { Server::Running } else { Server::Starting });
        }
        Known::Known(true) => {}
    }
    facts.get(keys::UNIT_ACTIVE).and_then(|active| match active.as_str() {
        "active" | "reloading" => Known::Known(Server::Running),
        "activating" => Known::Known(Server::Starting),
        "deactivating" => Known::Known(Server::Stopping),
        // Somebody started it past its unit.
        _ => facts.get(keys::LISTEN_SQL).map(|open| if open { Server::Running } else { Server::Starting }),
    })
}

fn absent(facts: &Facts) -> Known<Server> {
    match manager_is_systemd(facts) {
        Known::Unknown(why) => return Known::Unknown(why),
        Known::Known(false) => return by_log(facts),
        Known::Known(true) => {}
    }
    let sub = facts.get(keys::UNIT_SUB);
    facts.get(keys::UNIT_ACTIVE).and_then(|active| match active.as_str() {
        "inactive" | "failed" => last_end(facts),
        // Between two starts there is no process; that systemd will start one is S5's to see.
        "activating" if sub.is(|sub| sub.as_str().starts_with("auto-restart")) => last_end(facts),
        "activating" => sub.map(|_| Server::Starting),
        "deactivating" => Known::Known(Server::Stopping),
        other => {
            Known::unknown(WhyKind::Contradicted, format!("the unit is {other}, and no server process runs"))
        }
    })
}

/// How the unit's last main process ended. `Result` alone would not do: `systemctl reset-failed` sets it back.
fn last_end(facts: &Facts) -> Known<Server> {
    let status = facts.get(keys::UNIT_EXIT_STATUS);
    facts.get(keys::UNIT_EXIT_CODE).and_then(|code| match code.as_str() {
        "exited" => status.map(|status| if status == 0 { Server::Stopped } else { Server::Crashed }),
        "killed" | "dumped" => Known::Known(Server::Crashed),
        // The unit never ran since the machine started: only the log remembers.
        _ => by_log(facts),
    })
}

fn by_log(facts: &Facts) -> Known<Server> {
    match facts.get(keys::LOG_LAST_END) {
        Known::Known(end) if end.as_str() == "clean" => Known::Known(Server::Stopped),
        Known::Known(_) => Known::Known(Server::Crashed),
        Known::Unknown(why) => Known::Unknown(Why::new(
            why.kind,
            format!("no server process; how the last one ended is not known: {}", why.text),
        )),
    }
}
