//! Runs as the engine would tell them, for tests of the screens that show one.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::fixtures::{ALL, Node, later, matrix, plain, stopped};
use crate::engine::{Challenge, Choice, WaiverAsked, challenge};
use crate::facts::{EvidenceDigest, Mode, NodeName, SessionId, keys};
use crate::judge::{Blocked, judge};
use crate::record::body::{
    Body, OpIntent, OpOutcome, OpOutput, OpSent, Operator, Outcome, RuleSeen, SessionOpen, StepSeen,
    StepState, VerdictSeen,
};
use crate::record::{NO_HASH, Record};
use crate::runbook::{Plan, library, plan};
use crate::ui::tui::model::{Layer, Model};
use crate::ui::tui::walk::{Ask, Finish, Told, Walk};

/// A node by its name.
pub(super) fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// Three nodes, cleanly stopped, `g2` ahead of the others, with all that a confirmation shows of a host.
pub(super) fn nodes() -> Vec<Node> {
    let with_host = |node: Node| {
        let host = node.0.name.to_string();
        node.set(keys::HOST_NAME, plain(&format!("{host}.shop.internal")))
            .set(keys::HOST_KEY, plain(&format!("SHA256:Zk3q{host}4u8vQm0fN7xW2aR5cT9eY1hB6dL3kJ8sP0oI")))
            .set(keys::HOST_MACHINE_ID, plain("4f1c0d9ab27e4c53a1d8f6e2b7c905a2"))
            .set(keys::VAR_FLUSH, 1)
            .set(keys::VAR_SYNC_BINLOG, 1)
    };
    stopped([9749, 9750, 8546]).into_iter().map(with_host).collect()
}

/// A model with a run of that runbook about to begin, and the walker in front.
pub(super) fn model(runbook: &str, target: Option<&str>) -> Model {
    let mut model = matrix(nodes()).broken().on(Layer::Walker { at: None, scroll: 0 });
    model.walk = Some(Walk::new(0, &planned(runbook, target), model.now));
    hear(&mut model, recorded(open(runbook)));
    model
}

/// A runbook's plan for the three nodes.
pub(super) fn planned(runbook: &str, target: Option<&str>) -> Plan {
    let book = library().into_iter().find(|book| book.id == runbook).unwrap();
    let nodes: Vec<NodeName> = ALL.iter().map(|node| name(node)).collect();
    let inputs = target.map(|target| ("target".to_owned(), name(target)));
    plan(&book, &nodes, &inputs.into_iter().collect()).unwrap()
}

/// The run hears it.
pub(super) fn hear(model: &mut Model, told: Told) {
    model.walk.as_mut().unwrap().hear(told);
}

fn recorded(body: impl Into<Body>) -> Told {
    Told::Recorded(Box::new(Record {
        seq: 7,
        prev: NO_HASH.to_owned(),
        t: later(10),
        mono: 0,
        session: SessionId::new(1, [1; 10]),
        mode: Mode::Live,
        body: body.into(),
        hash: "3fa94c1e".repeat(8),
        offset: 0,
    }))
}

fn open(runbook: &str) -> SessionOpen {
    SessionOpen {
        version: "0.1.0".to_owned(),
        operator: Operator {
            login: "ann".to_owned(),
            uid: 1000,
            workstation: "desk".to_owned(),
            ssh_key: None,
        },
        pid: 42,
        reason: Some("all nodes down".to_owned()),
        incident: Some("INC-4711".to_owned()),
        runbook: runbook.to_owned(),
        cluster: "shop".to_owned(),
        inventory: format!("sha256:{NO_HASH}"),
        signature: None,
    }
}

/// A step begins.
pub(super) fn begins(model: &mut Model, step: &str, node: Option<&str>) {
    hear(model, Told::Step { step: step.to_owned(), node: node.map(name) });
}

/// A step ends.
pub(super) fn ends(model: &mut Model, step: &str, node: Option<&str>, state: StepState, detail: &str) {
    let seen =
        StepSeen { step: step.to_owned(), node: node.map(str::to_owned), state, detail: detail.to_owned() };
    hear(model, recorded(seen));
}

/// Every step before that one is done; on every node of it where it names none, else only before its node.
pub(super) fn up_to(model: &mut Model, step: &str, node: Option<&str>) {
    let steps: Vec<(String, Option<NodeName>)> =
        model.walk.as_ref().unwrap().steps.iter().map(|line| (line.id.clone(), line.node.clone())).collect();
    for (id, on) in steps {
        let on = on.as_ref().map(NodeName::as_str);
        if id == step && (node.is_none() || on == node) {
            break;
        }
        let (state, detail) = match id.as_str() {
            "end-stuck" => (StepState::Skipped, "no server waits for a Primary Component"),
            "clear-leftovers" => (StepState::Skipped, "nothing could bootstrap it by itself"),
            _ => (StepState::Done, ""),
        };
        begins(model, &id, on);
        ends(model, &id, on, state, detail);
    }
    begins(model, step, node);
}

/// A rule as it was seen.
pub(super) fn rule(rule: &str, node: Option<&str>, pass: bool, why: &str) -> RuleSeen {
    RuleSeen { rule: rule.to_owned(), node: node.map(str::to_owned), pass, why: why.to_owned() }
}

/// The rules of a step were asked.
pub(super) fn judged(model: &mut Model, step: &str, rules: Vec<RuleSeen>) {
    hear(
        model,
        recorded(VerdictSeen {
            step: Some(step.to_owned()),
            evidence: format!("sha256:{NO_HASH}"),
            verdict: "outage".to_owned(),
            candidates: vec!["g2".to_owned()],
            loss: json!({"write_sets": 0}),
            rules,
        }),
    );
}

/// An act is meant, sent and answered, as far as is given.
pub(super) fn acts(
    model: &mut Model,
    (op, step, node): (&str, &str, &str),
    output: &str,
    outcome: Option<(Outcome, &str)>,
) {
    let script = "set -eu\nserver=mariadb.service\nif systemctl is-active --quiet \"$server\"; then\n\techo RUNS\n\texit 3\nfi\ngalera_new_cluster\n";
    hear(
        model,
        recorded(OpIntent {
            op: op.to_owned(),
            step: step.to_owned(),
            node: node.to_owned(),
            attempt: 1,
            deed: step.to_owned(),
            class: crate::ask::act::Class::Reversible,
            machine_id: "4f1c0d9ab27e4c53a1d8f6e2b7c905a2".to_owned(),
            datadir: "/var/lib/mysql".to_owned(),
            host_key: Some("SHA256:Zk3qg24u8vQm0fN7xW2aR5cT9eY1hB6dL3kJ8sP0oI".to_owned()),
            script_sha256: NO_HASH.to_owned(),
            script: script.to_owned(),
            script_blob: None,
            args: vec![
                "01JQ8ZW6V3N5D7F9H2K4M6P8R0".to_owned(),
                "mariadb.service".to_owned(),
                "a b".to_owned(),
            ],
            guards: Vec::new(),
            confirmation: None,
            loss: json!({"write_sets": 0}),
            timeout_ms: 30_000,
        }),
    );
    hear(model, recorded(OpSent { op: op.to_owned() }));
    if !output.is_empty() {
        let bytes = output.len() as u64;
        hear(model, recorded(OpOutput { op: op.to_owned(), text: output.to_owned(), blob: None, bytes }));
    }
    if let Some((outcome, detail)) = outcome {
        let (op, detail) = (op.to_owned(), detail.to_owned());
        hear(model, recorded(OpOutcome { op, outcome, detail, checks: Vec::new() }));
    }
}

/// The run shows progress.
pub(super) fn moves(model: &mut Model, step: &str, node: &str, seconds: u64, text: &str) {
    hear(
        model,
        Told::Progress {
            step: step.to_owned(),
            node: Some(name(node)),
            elapsed: Duration::from_secs(seconds),
            text: plain(text),
        },
    );
}

/// The bootstrap of `g2` as it stands before its confirmation, its rules asked.
pub(super) fn before_bootstrap() -> Model {
    let mut model = model("galera-bootstrap", Some("g2"));
    up_to(&mut model, "bootstrap", Some("g2"));
    judged(
        &mut model,
        "bootstrap",
        vec![
            rule("S4", None, true, "every node's position is known: g1 9749, g2 9750, g3 8546"),
            rule("S5", None, true, "every server is proved down over SSH"),
            rule("S6", None, true, "no Primary anywhere, port 4567 closed on 3 nodes, no server starting"),
            rule("S8", None, true, "g2 9750 > g1 9749 > g3 8546, one uuid"),
            rule("S10", None, true, "no leftover on 3 nodes"),
            rule("S25", None, true, "one epoch: no other bootstrap in the journals"),
        ],
    );
    model
}

/// The confirmation of that bootstrap.
pub(super) fn challenge_of_bootstrap(model: &Model) -> Challenge {
    let walk = model.walk.as_ref().unwrap();
    let picture = model.clusters.first().unwrap().picture.as_ref().unwrap();
    let plan = planned(&walk.runbook.id, Some("g2"));
    let step = plan.steps.iter().find(|step| step.id == "bootstrap").unwrap();
    let node = name("g2");
    let others = [name("g1"), name("g3")];
    let judgement = judge(&picture.survey);
    Challenge {
        step: "bootstrap".to_owned(),
        title: challenge::title(&step.action, &node),
        lines: challenge::lines(&picture.survey, &judgement, &node, step, &others, later(4)),
        asked: challenge::asked(&node),
        evidence: EvidenceDigest::over([("step", "bootstrap".to_owned())]),
        node,
    }
}

/// It waits for that confirmation.
pub(super) fn confirming() -> Model {
    let mut model = before_bootstrap();
    let challenge = challenge_of_bootstrap(&model);
    hear(&mut model, Told::Asked(Ask::Confirm(challenge)));
    model
}

/// It waits for the waiver of S17 on `g3`.
pub(super) fn waiving() -> Model {
    let mut model = joining("g3");
    let blocked = Blocked::on(
        "S17",
        &name("g3"),
        "g3 has 512 MiB free on /var/lib/mysql, and the transfer needs 38 GiB",
        "free 37.5 GiB on g3, then walk galera-rejoin",
    );
    judged(&mut model, "join", vec![rule("S17", Some("g3"), false, blocked.why.as_str())]);
    let asked = "g3 transfer unproved".to_owned();
    let waiver = WaiverAsked { step: "join".to_owned(), blocked, node: name("g3"), asked };
    hear(&mut model, Told::Asked(Ask::Waive(waiver)));
    model
}

/// `g2` is bootstrapped, and that node joins.
pub(super) fn joining(node: &str) -> Model {
    let mut model = before_bootstrap();
    let output = "safe_to_bootstrap: 1\n\tgalera_new_cluster\n";
    acts(&mut model, ("01OP1", "bootstrap", "g2"), output, Some((Outcome::Done, "exit status 0")));
    ends(&mut model, "bootstrap", Some("g2"), StepState::Done, "g2 is Primary, alone");
    up_to(&mut model, "join", Some(node));
    model
}

/// `g1` takes what it lacks.
pub(super) fn transferring() -> Model {
    let mut model = joining("g1");
    judged(
        &mut model,
        "join",
        vec![
            rule("S13", None, true, "g2 is SYNCED in the same epoch, at 9750"),
            rule("S17", None, true, "no other transfer; 40 GiB free, 38 GiB needed"),
            rule("standing", None, true, "g1 is BEHIND by 1"),
        ],
    );
    acts(&mut model, ("01OP2", "join", "g1"), "systemctl start mariadb.service\n", None);
    moves(&mut model, "join", "g1", 12, "synced: g1 is JOINING, not SYNCED");
    model
}

/// `g3` was left out, and the run is over.
pub(super) fn partial() -> Model {
    let mut model = joining("g3");
    let why = "S17 on g3: g3 has 512 MiB free, and the transfer needs 38 GiB; what would change it: free 37.5 GiB on \
               g3 (can be waived)\nS17 on g3 is not waived";
    let seen = rule("S17", Some("g3"), false, "g3 has 512 MiB free, and the transfer needs 38 GiB");
    judged(
        &mut model,
        "join",
        vec![seen, rule("S13", None, true, "g2 is SYNCED in the same epoch, at 9750")],
    );
    ends(&mut model, "join", Some("g3"), StepState::LeftOut, why);
    up_to_end(&mut model);
    let detail = "g3 stays out: S17 on g3: g3 has 512 MiB free, and the transfer needs 38 GiB".to_owned();
    hear(&mut model, Told::Ended(Finish { result: "partial", exit: 10, detail }));
    model
}

fn up_to_end(model: &mut Model) {
    let left: Vec<(String, Option<NodeName>)> = model
        .walk
        .as_ref()
        .unwrap()
        .steps
        .iter()
        .filter(|line| line.state.is_none())
        .map(|line| (line.id.clone(), line.node.clone()))
        .collect();
    for (id, node) in left {
        ends(model, &id, node.as_ref().map(NodeName::as_str), StepState::Done, "");
    }
}

/// It waits for the choice of the target: two hold the same.
pub(super) fn choosing() -> Model {
    let mut model = model("galera-bootstrap", None);
    up_to(&mut model, "choose", None);
    let input = Arc::clone(&model.walk.as_ref().unwrap().runbook).inputs.first().unwrap().clone();
    let standings = [
        ("g1", "CANDIDATE: it holds 9750, the highest position of all"),
        ("g2", "CANDIDATE: it holds 9750, the highest position of all"),
        ("g3", "BEHIND by 1204"),
    ];
    let choice = Choice {
        input: input.name.clone(),
        names: vec![input.name, "node".to_owned()],
        about: input.about,
        among: vec![name("g1"), name("g2")],
        standings: standings.map(|(node, standing)| (name(node), standing.to_owned())).into(),
    };
    hear(&mut model, Told::Asked(Ask::Choose(choice)));
    model
}
