//! What stands between a dead node and its position: a recovery that said nothing, prepared transactions, encryption (cases
//! 15, 29, 30, 34).

use super::{Context, Finding, Severity, Sign, logged, quoted};
use crate::facts::{Plain, WhyKind, keys};
use crate::judge::standing::is_blank;
use crate::judge::{Standing, Verdict};

/// A recovery that ended without a position (cases 29, 30).
pub(super) fn failed(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.recovery-failed",
        cases: &[29, 30],
        severity: Severity::Warning,
        next: "An exit status of 0 is no position. Recover it with the log sent to a file of its own (--log-error=PATH), as \
               the server's user, on an overlay or a copy; the cause stands in that log.",
        facts: &[
            keys::LOG_KNOWN.name(),
            keys::LOG_SOURCE.name(),
            keys::RECOVERED.name(),
            keys::LOG_POSITION.name(),
        ],
    }
    .on(context, |node| {
        if !node.is_gone() || node.position.known().is_some() {
            return None;
        }
        // It came to its end, and there is no position to be had.
        if context.standing(node.name()) == Some(Standing::Empty) && is_blank(node) {
            return None;
        }
        let ids = ["recovery-skipped", "recovery-failed", "recovery-not-writable", "aria-locked", "innodb-locked"];
        if let Some(seen) = logged(node, &ids) {
            return Some(quoted(&seen));
        }
        // A recovery was tried, and its output was read.
        let recovered = node.survey.facts.get(keys::RECOVERED);
        let kinds = [WhyKind::Undefined, WhyKind::NotRead, WhyKind::Denied, WhyKind::Contradicted];
        let why = recovered.why().filter(|why| kinds.contains(&why.kind))?;
        Some(format!("its recovery gave no position: {}", why.text))
    })
}

/// Transactions that are prepared and neither committed nor rolled back (case 15).
pub(super) fn prepared(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.prepared-xa",
        cases: &[15],
        severity: Severity::Degraded,
        next: "Keep a copy of the data directory. Rolling them back (--tc-heuristic-recover=ROLLBACK) is for a node that will \
               not be the candidate: what was acknowledged may be among them.",
        facts: &[keys::LOG_PREPARED.name(), keys::XA_PREPARED.name(), keys::LOG_KNOWN.name()],
    }
    .on(context, |node| {
        let facts = &node.survey.facts;
        if facts.get(keys::LOG_PREPARED).is(|prepared| *prepared) {
            return Some("its last start found prepared transactions, and cannot go on past them".to_owned());
        }
        if let Some(count) = facts.get(keys::XA_PREPARED).known().filter(|count| **count > 0) {
            return Some(format!("{count} XA transactions are prepared: a crash now would leave them so"));
        }
        logged(node, &["prepared-xa"]).map(|seen| quoted(&seen))
    })
}

const ENCRYPTION: &[&str] = &[keys::ENCRYPTION.name(), keys::ENCRYPTION_KEYS.name(), keys::LOG_KNOWN.name()];

/// Data that cannot be opened here (case 34).
pub(super) fn keys_missing(context: &Context<'_>) -> Vec<Finding> {
    Sign {
        id: "galera.encryption",
        cases: &[34],
        severity: Severity::Degraded,
        next: "Bring the keys back first (key file, keyring component, Vault): without them neither a recovery nor a join can \
               open the tablespaces, and such a node is nobody to bootstrap from. A joiner needs the donor's keys.",
        facts: ENCRYPTION,
    }
    .on(context, |node| {
        let file = node.survey.facts.get(keys::ENCRYPTION_KEYS);
        if let Some(how) = file.known().filter(|how| matches!(how.as_str(), "missing" | "denied")) {
            return Some(format!("its encryption key file is {how} for the server's user"));
        }
        logged(node, &["keys-missing"]).map(|seen| quoted(&seen))
    })
}

/// Encryption at rest is in use: a recovery and every joiner need its keys (case 34).
pub(super) fn encrypted(context: &Context<'_>) -> Vec<Finding> {
    if context.verdict == Verdict::Healthy {
        return Vec::new();
    }
    Sign {
        id: "galera.encryption",
        cases: &[34],
        severity: Severity::Info,
        next: "See that the keys can be had on every node before a position is recovered or a node joins.",
        facts: ENCRYPTION,
    }
    .on(context, |node| {
        let options = node.survey.facts.get(keys::ENCRYPTION);
        let options = options.known().filter(|options| !options.is_empty())?;
        let bad = node
            .survey
            .facts
            .get(keys::ENCRYPTION_KEYS)
            .is(|how| matches!(how.as_str(), "missing" | "denied"));
        let names: Vec<&str> = options.iter().map(Plain::as_str).collect();
        (!bad).then(|| format!("its data is encrypted at rest ({})", names.join(", ")))
    })
}
