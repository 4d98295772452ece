//! What the records say, type by type. Fields without a comment are text.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ask::act::Class;

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident($body:ident) = $name:literal,)*) => {
        /// The typed body of a record; in the line it is the members `type` and `body`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "body")]
        pub enum Body {
            $($(#[$doc])* #[serde(rename = $name)] $variant($body),)*
        }

        impl Body {
            /// The record's type as the line says it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }

        $(impl From<$body> for Body {
            fn from(body: $body) -> Self {
                Self::$variant(body)
            }
        })*
    };
}

bodies! {
    /// The glass was broken.
    SessionOpen(SessionOpen) = "session.open",
    /// A survey that a decision used.
    Survey(SurveyTaken) = "survey",
    /// What was judged of it.
    Verdict(VerdictSeen) = "verdict",
    /// What was meant to be done.
    Plan(PlanMade) = "plan",
    /// A typed confirmation, right or wrong.
    Confirm(Confirm) = "confirm",
    /// A rule set aside for one node.
    Waiver(WaiverGiven) = "waiver",
    /// What is about to be done, before it is.
    OpIntent(OpIntent) = "op.intent",
    /// It is on its way.
    OpSent(OpSent) = "op.sent",
    /// What came back.
    OpOutput(OpOutput) = "op.output",
    /// How it ended.
    OpOutcome(OpOutcome) = "op.outcome",
    /// What an unknown outcome turned out to be.
    OpResolve(OpResolve) = "op.resolve",
    /// How far a step of the plan is.
    Step(StepSeen) = "step",
    /// A file moved out of the way.
    Quarantine(Quarantined) = "quarantine",
    /// The operator's words.
    Note(Note) = "note",
    /// Something that happened is missing here.
    Gap(Gap) = "gap",
    /// The torn end of a write that never finished, put away.
    Recover(TornTail) = "recover",
    /// The head was planted elsewhere.
    Head(HeadPlanted) = "head",
    /// The session rests and can be resumed.
    SessionPause(SessionPause) = "session.pause",
    /// The session's last record.
    SessionClose(SessionClose) = "session.close",
}

macro_rules! object {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field:meta])* $member:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $($(#[$field])* pub $member: $type,)*
            }
        )*
    };
}

macro_rules! word {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case:meta])* $variant:ident = $text:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub enum $name {
                $($(#[$case])* #[serde(rename = $text)] $variant,)*
            }

            impl $name {
                /// The word in the line.
                pub fn as_str(self) -> &'static str {
                    match self {
                        $(Self::$variant => $text,)*
                    }
                }
            }
        )*
    };
}

object! {
    /// Evidence kept beside the log, named by its content.
    BlobRef {
        /// SHA-256 in 64 lower-case hexadecimal digits; the file's name in `blob/`.
        sha256: String,
        /// Its length.
        bytes: u64,
    }

    /// Who broke the glass.
    Operator {
        /// Login name.
        login: String,
        /// User id.
        uid: u32,
        /// Host name of the workstation.
        workstation: String,
        /// Fingerprint of the SSH key, where one is known.
        ssh_key: Option<String>,
    }

    /// First record of a session.
    SessionOpen {
        /// Breakglass's version.
        version: String,
        /// Who.
        operator: Operator,
        /// Process id.
        pid: u32,
        /// Why, in the operator's words.
        reason: Option<String>,
        /// The incident's reference.
        incident: Option<String>,
        /// Id of the runbook.
        runbook: String,
        /// The cluster's name.
        cluster: String,
        /// Digest of the inventory, `sha256:…`.
        inventory: String,
        /// Signature over the head before this record. `null`: this version signs nothing.
        signature: Option<String>,
    }

    /// One node in a survey.
    NodeSeen {
        /// Its name in the inventory.
        name: String,
        /// How far SSH got.
        ssh: String,
        /// How far SQL got.
        sql: String,
        /// What the server does.
        server: String,
        /// Its standing.
        standing: String,
        /// Its position, where it is known.
        position: Option<String>,
        /// Fingerprint of the host key that was shown.
        host_key: Option<String>,
        /// `/etc/machine-id`.
        machine_id: Option<String>,
    }

    /// A survey that a decision used, or whose verdict changed.
    SurveyTaken {
        /// When.
        taken: Timestamp,
        /// In the inventory's order.
        nodes: Vec<NodeSeen>,
        /// All its facts.
        facts: BlobRef,
    }

    /// One safety rule's answer.
    RuleSeen {
        /// `S1` and so on.
        rule: String,
        /// The node it speaks of.
        node: Option<String>,
        /// Whether it holds.
        pass: bool,
        /// Why.
        why: String,
    }

    /// What was judged.
    VerdictSeen {
        /// The step it was judged for.
        step: Option<String>,
        /// Evidence digest, `sha256:…`.
        evidence: String,
        /// `healthy`, `degraded`, `outage` or `undetermined`.
        verdict: String,
        /// Nodes of standing CANDIDATE.
        candidates: Vec<String>,
        /// `{"write_sets": n}` or `{"unknown": why}`.
        loss: Value,
        /// The rules that were asked.
        rules: Vec<RuleSeen>,
    }

    /// What was meant to be done.
    PlanMade {
        /// Id of the runbook.
        runbook: String,
        /// Digest of its text, `sha256:…`.
        digest: String,
        /// Its inputs; `null` where none was given.
        inputs: BTreeMap<String, Option<String>>,
        /// Its steps as `run --dry-run --json` prints them.
        steps: Value,
    }

    /// A typed confirmation.
    Confirm {
        /// The step.
        step: String,
        /// The node.
        node: String,
        /// The exact text asked for.
        asked: String,
        /// The exact text typed.
        typed: String,
        /// From the question to Enter, in milliseconds.
        millis: u64,
        /// Whether it was what was asked.
        matched: bool,
        /// Digest of the evidence on the screen, `sha256:…`.
        evidence: String,
    }

    /// A safety rule set aside for one node.
    WaiverGiven {
        /// `S4` and so on.
        rule: String,
        /// The node.
        node: String,
        /// The exact text asked for.
        asked: String,
        /// The exact text typed.
        typed: String,
        /// Why, in the operator's words.
        reason: String,
        /// When it ends.
        until: Timestamp,
    }

    /// A guard and the values it read.
    GuardSeen {
        /// Its name.
        name: String,
        /// What it said.
        outcome: String,
        /// What it read.
        read: String,
    }

    /// What is about to be done, durable before it is.
    OpIntent {
        /// The op's id, never used twice in a log.
        op: String,
        /// The step.
        step: String,
        /// The node.
        node: String,
        /// From 1 on.
        attempt: u64,
        /// What it does, by the act's name.
        deed: String,
        /// What it does to the world.
        class: Class,
        /// The host that must be there (S18).
        machine_id: String,
        /// The data directory.
        datadir: String,
        /// Fingerprint of the host key.
        host_key: Option<String>,
        /// SHA-256 of the script's bytes.
        script_sha256: String,
        /// The script; empty where it is in `script_blob`.
        script: String,
        /// The script, where it is longer than 32 KiB.
        script_blob: Option<BlobRef>,
        /// Its arguments.
        args: Vec<String>,
        /// The guards that were asked.
        guards: Vec<GuardSeen>,
        /// `seq` of the confirmation that covers it; a destructive op must have one.
        confirmation: Option<u64>,
        /// `{"write_sets": n}` or `{"unknown": why}`.
        loss: Value,
        /// How long it may take, in milliseconds.
        timeout_ms: u64,
    }

    /// It is on its way.
    OpSent {
        /// The op.
        op: String,
    }

    /// What came back.
    OpOutput {
        /// The op.
        op: String,
        /// Its beginning, at most 8 KiB.
        text: String,
        /// All of it, where that is longer.
        blob: Option<BlobRef>,
        /// Length of all of it.
        bytes: u64,
    }

    /// How it ended.
    OpOutcome {
        /// The op.
        op: String,
        /// The word.
        outcome: Outcome,
        /// What was found.
        detail: String,
        /// What was checked afterwards, and what that showed.
        checks: Vec<String>,
    }

    /// What an unknown outcome turned out to be.
    OpResolve {
        /// The op.
        op: String,
        /// Anything but unknown.
        outcome: Outcome,
        /// What told.
        by: ResolvedBy,
        /// What was found.
        detail: String,
    }

    /// How far a step of the plan is.
    StepSeen {
        /// The step.
        step: String,
        /// The node, where it has one.
        node: Option<String>,
        /// How far.
        state: StepState,
        /// Why.
        detail: String,
    }

    /// A file moved out of the way, never deleted.
    Quarantined {
        /// The node.
        node: String,
        /// Its path before.
        from: String,
        /// Its path now.
        to: String,
        /// SHA-256 of its content.
        sha256: String,
        /// Its length in bytes.
        size: u64,
        /// Owner and group.
        owner: String,
        /// Permissions.
        mode: String,
        /// When it was last written.
        mtime: String,
    }

    /// The operator's words.
    Note {
        /// The words.
        text: String,
    }

    /// Something that happened is missing here.
    Gap {
        /// What, and why.
        why: String,
    }

    /// The torn end of a write that never finished.
    TornTail {
        /// Its bytes.
        blob: BlobRef,
        /// Where in the log they stood.
        offset: u64,
    }

    /// The head was planted elsewhere, where it bears witness.
    HeadPlanted {
        /// In which journal, file or channel; `where` in the line.
        #[serde(rename = "where")]
        place: String,
        /// What that place answered.
        receipt: String,
        /// `seq` of the head.
        seq: u64,
        /// Its hash.
        hash: String,
    }

    /// The session rests and can be resumed.
    SessionPause {
        /// Why.
        why: String,
    }

    /// The session's last record. One that died is closed as abandoned by the next, under its own id.
    SessionClose {
        /// How it ended.
        result: CloseResult,
        /// The exit code.
        exit: u8,
        /// Ops without an outcome, or with an unknown one that is not resolved.
        open: Vec<String>,
        /// What became of the nodes' own automation.
        automation: Automation,
        /// The rest.
        detail: String,
    }
}

word! {
    /// How an op ended.
    Outcome {
        /// Done, and seen to be.
        Done = "done",
        /// Not done, and said so.
        Failed = "failed",
        /// The script's own guards said no.
        Refused = "refused",
        /// It never left.
        NotSent = "not-sent",
        /// Nobody can say. Never the same as failed.
        Unknown = "unknown",
    }

    /// What told how an op of unknown outcome had ended.
    ResolvedBy {
        /// The transient unit it ran in.
        Unit = "unit",
        /// The node's journal.
        Journal = "journal",
        /// Its effect, seen in a survey.
        Effect = "effect",
        /// The operator.
        Operator = "operator",
    }

    /// How far a step is.
    StepState {
        /// Begun.
        Begun = "begun",
        /// Done and proved.
        Done = "done",
        /// Not needed.
        Skipped = "skipped",
        /// Left out by choice.
        LeftOut = "left-out",
        /// A rule or guard said no.
        Refused = "refused",
        /// It failed.
        Failed = "failed",
        /// Done, and its effect not seen.
        Unproven = "unproven",
    }

    /// How a session ended.
    CloseResult {
        /// All of it.
        Done = "done",
        /// Some of it.
        Partial = "partial",
        /// Nothing, by a rule, a guard or a wrong answer.
        Refused = "refused",
        /// Nobody can say.
        Unknown = "unknown",
        /// It died, or was left.
        Abandoned = "abandoned",
    }

    /// What became of the nodes' own automation.
    Automation {
        /// As it was before.
        Restored = "restored",
        /// Still held back.
        NotRestored = "not-restored",
        /// Never touched.
        Untouched = "untouched",
    }
}

impl Body {
    /// The evidence beside the log that this body rests on.
    pub fn blobs(&self) -> Vec<&BlobRef> {
        match self {
            Self::Survey(survey) => vec![&survey.facts],
            Self::OpIntent(intent) => intent.script_blob.iter().collect(),
            Self::OpOutput(output) => output.blob.iter().collect(),
            Self::Recover(torn) => vec![&torn.blob],
            _ => Vec::new(),
        }
    }

    /// The op it speaks of.
    pub fn op(&self) -> Option<&str> {
        match self {
            Self::OpIntent(OpIntent { op, .. })
            | Self::OpSent(OpSent { op })
            | Self::OpOutput(OpOutput { op, .. })
            | Self::OpOutcome(OpOutcome { op, .. })
            | Self::OpResolve(OpResolve { op, .. }) => Some(op),
            _ => None,
        }
    }
}
