//! What the records of a short session say, for tests of the record.

use breakglass::ask::act::Class;
use breakglass::facts::SessionId;
use breakglass::record::NO_HASH;
use breakglass::record::body::{
    Automation, BlobRef, Body, CloseResult, Confirm, Note, OpIntent, OpOutcome, OpOutput, OpSent, Operator,
    Outcome, PlanMade, SessionClose, SessionOpen, StepSeen, StepState,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

pub(crate) fn session(number: u8) -> SessionId {
    SessionId::new(u64::from(number), [number; 10])
}

pub(crate) fn open() -> SessionOpen {
    SessionOpen {
        version: "0.1.0".to_owned(),
        operator: Operator {
            login: "ann".to_owned(),
            uid: 1000,
            workstation: "desk".to_owned(),
            ssh_key: None,
        },
        pid: 42,
        reason: Some("all down".to_owned()),
        incident: None,
        runbook: "galera.all-down".to_owned(),
        cluster: "shop".to_owned(),
        inventory: format!("sha256:{NO_HASH}"),
        signature: None,
    }
}

pub(crate) fn confirm(matched: bool) -> Confirm {
    let asked = "g2 lose 0".to_owned();
    let typed = if matched { asked.clone() } else { "yes".to_owned() };
    let evidence = format!("sha256:{NO_HASH}");
    Confirm {
        step: "bootstrap".to_owned(),
        node: "g2".to_owned(),
        asked,
        typed,
        millis: 4200,
        matched,
        evidence,
    }
}

const SCRIPT: &str = "set -eu\ntrue\n";

pub(crate) fn intent(op: &str, confirmation: Option<u64>) -> OpIntent {
    OpIntent {
        op: op.to_owned(),
        step: "bootstrap".to_owned(),
        node: "g2".to_owned(),
        attempt: 1,
        deed: "freeze".to_owned(),
        class: Class::Reversible,
        machine_id: "f".repeat(32),
        datadir: "/var/lib/mysql".to_owned(),
        host_key: None,
        script_sha256: sha256(SCRIPT.as_bytes()),
        script: SCRIPT.to_owned(),
        script_blob: None,
        args: vec!["a b".to_owned()],
        guards: Vec::new(),
        confirmation,
        loss: json!({"write_sets": 0}),
        timeout_ms: 30_000,
    }
}

pub(crate) fn destructive(op: &str, confirmation: u64) -> OpIntent {
    OpIntent { class: Class::Destructive, ..intent(op, Some(confirmation)) }
}

pub(crate) fn sent(op: &str) -> OpSent {
    OpSent { op: op.to_owned() }
}

pub(crate) fn output(op: &str, blob: Option<BlobRef>) -> OpOutput {
    OpOutput { op: op.to_owned(), text: "ok\n".to_owned(), bytes: 3, blob }
}

pub(crate) fn outcome(op: &str, outcome: Outcome) -> OpOutcome {
    OpOutcome { op: op.to_owned(), outcome, detail: String::new(), checks: Vec::new() }
}

pub(crate) fn step(state: StepState) -> StepSeen {
    StepSeen { step: "bootstrap".to_owned(), node: Some("g2".to_owned()), state, detail: String::new() }
}

pub(crate) fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

pub(crate) fn plan() -> PlanMade {
    let inputs = [("target".to_owned(), Some("g2".to_owned()))].into();
    let steps = json!([{"id": "bootstrap", "class": "destructive"}]);
    PlanMade { runbook: "galera.all-down".to_owned(), digest: format!("sha256:{NO_HASH}"), inputs, steps }
}

pub(crate) fn close(open: &[&str]) -> SessionClose {
    SessionClose {
        result: CloseResult::Done,
        exit: 0,
        open: open.iter().map(|op| (*op).to_owned()).collect(),
        automation: Automation::Restored,
        detail: String::new(),
    }
}

/// What a session of 12 records says: one destructive act, done.
pub(crate) fn twelve() -> Vec<Body> {
    vec![
        open().into(),
        plan().into(),
        step(StepState::Begun).into(),
        confirm(false).into(),
        confirm(true).into(),
        destructive("a", 4).into(),
        sent("a").into(),
        output("a", None).into(),
        outcome("a", Outcome::Done).into(),
        step(StepState::Done).into(),
        note("g2 is up").into(),
        close(&[]).into(),
    ]
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
