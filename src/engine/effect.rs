//! Whether the effect of an act is there: the last way to tell what became of it, after its unit and the node's journal
//! (S16).

use crate::facts::{Facts, Known, NodeSurvey, SessionId, WhyKind, keys};

/// Looks for the effect of the deed of that name in a survey of its node that was read afterwards.
pub(super) fn seen(deed: &str, node: &NodeSurvey, session: &SessionId) -> Known<bool> {
    let facts = &node.facts;
    let state = || facts.get(keys::SERVER_STATE);
    match deed {
        "take-lease" => facts.get(keys::HOST_LEASE).map(|lease| names(lease.as_str(), session)),
        "release-lease" => facts.get(keys::HOST_LEASE).map(|lease| !names(lease.as_str(), session)),
        "freeze" => facts.get(keys::UNIT_FROZEN).map(|by| by.as_str() == session.as_str()),
        "unfreeze" => facts.get(keys::UNIT_FROZEN).map(|by| by.as_str() != session.as_str()),
        "end-stuck" => state().map(|state| state.as_str().is_empty()),
        "clear-leftovers" => facts.get(keys::LEFTOVERS).map(|leftovers| leftovers.is_empty()),
        "start" | "bootstrap" => state().and_then(|state| match state.as_str() {
            "" => started_no_more(facts),
            // A process alone could be anybody's start: only a server that answers tells.
            _ => facts.get(keys::WSREP_CLUSTER_STATUS).and_then(|status| match status.as_str() {
                "Primary" => Known::Known(true),
                other => Known::unknown(WhyKind::Contradicted, format!("its server says {other}")),
            }),
        }),
        // What a write leaves is dropped with the next one's; a position that was not said is recovered again.
        "write" | "drop-check" | "recover-direct" => Known::Known(false),
        _ => Known::unknown(WhyKind::NotAsked, "it leaves nothing that a survey sees"),
    }
}

fn names(lease: &str, session: &SessionId) -> bool {
    lease.split_whitespace().next() == Some(session.as_str())
}

/// Without a server process: that the start is over, too. The service manager may still be before it, in a command of
/// its unit that goes first, or waiting.
fn started_no_more(facts: &Facts) -> Known<bool> {
    if facts.get(keys::HOST_MANAGER).is(|manager| manager.as_str() == "none") {
        return Known::Known(false);
    }
    facts.get(keys::UNIT_ACTIVE).and_then(|active| match active.as_str() {
        "inactive" | "failed" => Known::Known(false),
        other => Known::unknown(WhyKind::Contradicted, format!("no server runs, and its unit is {other}")),
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::facts::{Key, NodeName, Plain, Reach, Role};

    fn node(said: &[(Key<Plain>, &str)]) -> NodeSurvey {
        let mut facts = Facts::new();
        for (key, value) in said {
            facts.set(*key, Known::Known(Plain::from(*value)), &Plain::from("t"), Timestamp::UNIX_EPOCH);
        }
        NodeSurvey {
            name: NodeName::new("g1").unwrap(),
            role: Role::Data,
            ssh: Reach::ok(),
            sql: Reach::ok(),
            facts,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_start_is_over_where_nothing_runs_and_nothing_is_about_to() {
        let session = SessionId::new(1, [1; 10]);
        for deed in ["start", "bootstrap"] {
            let seen = |said: &[(Key<Plain>, &str)]| seen(deed, &node(said), &session);
            let down = (keys::SERVER_STATE, "");
            let systemd = (keys::HOST_MANAGER, "systemd");
            for over in ["inactive", "failed"] {
                assert!(seen(&[down, systemd, (keys::UNIT_ACTIVE, over)]).is(|there| !there), "{over}");
            }
            // Before the server itself, systemd runs the commands that go first.
            for open in ["activating", "deactivating", "active", "reloading"] {
                let why = seen(&[down, systemd, (keys::UNIT_ACTIVE, open)]);
                assert_eq!(why.why().unwrap().kind, WhyKind::Contradicted, "{open}");
            }
            assert!(seen(&[down, (keys::HOST_MANAGER, "none")]).is(|there| !there));
            assert!(seen(&[down, systemd]).known().is_none(), "its unit was not read");
            assert!(seen(&[down]).known().is_none());
            let up = (keys::SERVER_STATE, "S");
            assert!(seen(&[up, (keys::WSREP_CLUSTER_STATUS, "Primary")]).is(|there| *there));
            assert!(seen(&[up, (keys::WSREP_CLUSTER_STATUS, "non-Primary")]).known().is_none());
            assert!(seen(&[up]).known().is_none());
        }
    }
}
