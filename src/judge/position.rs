//! What a node holds, and where that was read.

use jiff::Timestamp;

use super::Server;
use super::safety::{s02, s03};
use super::server::ended;
use crate::facts::{Known, NodeSurvey, Position, PositionSource, Why, WhyKind, keys};

/// A position with its witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The position.
    pub position: Position,
    /// Where it was read.
    pub source: PositionSource,
    /// When it was read, on this workstation's clock; of a logged position, when it was logged, where its line says so.
    pub at: Timestamp,
}

/// What the node holds: the running server's word; of one that is down, what was recovered from its engine, else the
/// state file of a clean stop, else what its unit's own start logged. Sources are tried in that order and never mixed.
pub(super) fn held(node: &NodeSurvey, server: &Known<Server>) -> Known<Held> {
    // The engine was asked itself, and its files are as they were then: how the server ended does not matter any more.
    let gone = server.known().map_or_else(|| ended(&node.facts), |server| server.is_down());
    if gone && let Known::Known(held) = s03::recovered(node) {
        return Known::Known(held);
    }
    match server {
        Known::Unknown(why) => Known::Unknown(why.clone()),
        Known::Known(Server::Running | Server::Stopping) => live(node),
        Known::Known(Server::Stopped) => match s03::state_file(node) {
            Known::Known(held) => Known::Known(held),
            Known::Unknown(file) => match s02::logged(node) {
                Known::Known(held) => Known::Known(held),
                Known::Unknown(_) => Known::Unknown(file),
            },
        },
        // A start counts as over only when systemd hears so; the server may long have been answering.
        Known::Known(Server::Starting) if live(node).known().is_some() => live(node),
        Known::Known(Server::Crashed | Server::Starting) => s02::logged(node).or_why(|why| {
            // The state file's -1 is what people look for first; the log's reason is a fact of its own.
            let text = match why.kind {
                WhyKind::Stale | WhyKind::Undefined => "not recovered since its server last ran",
                _ => why.text.as_str(),
            };
            Why::new(why.kind, text)
        }),
        Known::Known(Server::Frozen) => {
            Known::unknown(WhyKind::NotRead, "the server is frozen and cannot be asked")
        }
    }
}

fn live(node: &NodeSurvey) -> Known<Held> {
    let facts = &node.facts;
    if facts.get(keys::VAR_WSREP_ON).is(|on| !on) {
        return Known::unknown(WhyKind::Contradicted, "wsrep_on is OFF: its own writes are in no history");
    }
    facts.get(keys::WSREP_LOCAL_UUID).and_then(|uuid| {
        facts.get(keys::WSREP_LAST_COMMITTED).map(|seqno| Held {
            position: Position { uuid, seqno },
            source: PositionSource::Status,
            at: facts.at(keys::WSREP_LAST_COMMITTED).unwrap_or(node.at),
        })
    })
}
