//! From the end of the probe's run to a node's survey: the same for a real node and for a simulated one.

use jiff::Timestamp;

use crate::ask::probe;
use crate::engine::Outcome;
use crate::facts::{Facts, Known, NodeName, NodeSurvey, Plain, Reach, ReachWord, Role, Why, WhyKind, keys};

/// A node as the probe's answer shows it, and the server's socket where one was found. `asked` is whether anything was to
/// ask the server.
pub(super) fn probed(
    (name, role): (NodeName, Role),
    request: &probe::Request,
    outcome: Outcome,
    asked: bool,
    at: Timestamp,
) -> (NodeSurvey, Option<String>) {
    let mut survey = NodeSurvey {
        name,
        role,
        ssh: Reach::ok(),
        sql: Reach::failed(ReachWord::NotTried, "nothing asks this node by SQL", ""),
        facts: Facts::new(),
        at,
    };
    let mut socket = None;
    match read(request, outcome, at) {
        Ok(answer) => {
            survey.facts = answer.facts;
            survey.sql = answer.sql.unwrap_or(survey.sql);
            socket = answer.socket;
        }
        Err(reach) => {
            if asked {
                survey.sql = Reach::failed(ReachWord::NotTried, "the machine was not read", "");
            }
            survey.ssh = reach;
        }
    }
    (survey, socket)
}

/// A node of which nothing was read.
pub(super) fn unread(name: NodeName, role: Role, ssh: Reach, at: Timestamp) -> NodeSurvey {
    let mut survey = NodeSurvey {
        name,
        role,
        sql: Reach::failed(ReachWord::NotTried, "the machine was not reached", ""),
        ssh,
        facts: Facts::new(),
        at,
    };
    fill(&mut survey);
    survey
}

/// Gives every fact that was not read its reason.
pub(super) fn fill(survey: &mut NodeSurvey) {
    let why = if survey.ssh.is_ok() {
        Why::new(WhyKind::NotAsked, "not asked")
    } else {
        Why::new(WhyKind::NotRead, format!("{}: {}", survey.ssh.word.as_str(), survey.ssh.detail))
    };
    survey.facts.fill(&why, &Plain::new("survey"), survey.at);
}

/// Says whether the node is simulated. Only whoever reached it can know: nothing that a node prints has a say in it.
pub(super) fn simulated(survey: &mut NodeSurvey, is: bool) {
    survey.facts.set(keys::HOST_DRILL, Known::Known(is), &Plain::new("the transport"), survey.at);
}

/// The probe's answer, or why there is none.
fn read(request: &probe::Request, outcome: Outcome, at: Timestamp) -> Result<probe::Answer, Reach> {
    match outcome {
        Outcome::Exited { status, stdout, stderr, dropped } => {
            let answer = probe::read(request, &stdout, at);
            answer.map_err(|error| {
                let cut = if dropped > 0 { format!("; {dropped} bytes were thrown away") } else { String::new() };
                let words = crate::nodes::real::last_words(&stderr);
                Reach::failed(
                    ReachWord::Protocol,
                    format!("the probe ended with {status} and its answer cannot be read: {error}{cut}; it said: {words}"),
                    "look at the node's shell and tools; report this",
                )
            })
        }
        Outcome::Signalled { signal, .. } => Err(Reach::failed(
            ReachWord::Lost,
            format!("the probe was ended by signal {signal}"),
            "something on the node kills processes (out of memory?): look at its kernel log",
        )),
        Outcome::Lost { why, .. } | Outcome::NotSent { why } => Err(why),
    }
}
