//! The evidence digest of a judgement.

use super::{NodeJudgement, Reading, Verdict};
use crate::facts::{EvidenceDigest, Known, PositionSource, keys};

/// Over what the verdict read. A live node's seqno enters as the standing it leads to, so that writes going on do not
/// change the digest; a dead node's position enters as it is.
pub(super) fn digest(reading: &Reading<'_>, nodes: &[NodeJudgement], verdict: Verdict) -> EvidenceDigest {
    let mut evidence: Vec<(String, String)> = vec![("verdict".to_owned(), verdict.to_string())];
    for (node, judged) in reading.nodes.iter().zip(nodes) {
        let name = node.name();
        let mut note = |what: &str, value: String| evidence.push((format!("{name}.{what}"), value));
        note("ssh", node.survey.ssh.word.as_str().to_owned());
        note("server", judged.server.known().map_or("unknown", |server| server.as_str()).to_owned());
        note("standing", judged.standing.map_or("", super::Standing::as_str).to_owned());
        if let Known::Known(held) = &judged.position {
            let live = held.source == PositionSource::Status;
            let shown = if live { held.position.uuid.to_string() } else { held.position.to_string() };
            note("position", shown);
        }
        for key in [
            keys::WSREP_CLUSTER_STATUS.name(),
            keys::WSREP_CLUSTER_SIZE.name(),
            keys::WSREP_CONF_ID.name(),
            keys::WSREP_CLUSTER_UUID.name(),
            keys::WSREP_MEMBERS.name(),
            keys::WSREP_LOCAL_STATE.name(),
            keys::WSREP_READY.name(),
            keys::WSREP_CONNECTED.name(),
            keys::WSREP_EVS_STATE.name(),
            keys::GVWSTATE_MEMBERS.name(),
            keys::TRANSFER_MARKERS.name(),
        ] {
            if let Some(Known::Known(value)) = node.survey.facts.value(key) {
                note(key, format!("{value:?}"));
            }
        }
    }
    for relation in &reading.relations {
        // A pair can have several; each is a piece of its own.
        let name = format!("{}.s25.{}.{}", relation.node, relation.other, relation.why);
        evidence.push((name, format!("{:?}", relation.kind)));
    }
    EvidenceDigest::over(evidence.iter().map(|(name, value)| (name.as_str(), value.clone())))
}
