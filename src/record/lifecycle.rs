//! The life of an op: which record may follow which.

use super::body::{Body, Outcome};

/// How far an op is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpState {
    /// Its intent is durable; nobody has said yet that it left.
    Intended,
    /// On its way.
    Sent,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Its script said no.
    Refused,
    /// It never left.
    NotSent,
    /// Nobody can say how it ended.
    Unknown,
    /// Nobody could say; then this was found out. Never [`Outcome::Unknown`].
    Resolved(Outcome),
}

impl OpState {
    /// Whether it has no outcome that anybody knows: shown until it is resolved.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Intended | Self::Sent | Self::Unknown)
    }
}

/// A record that may not follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} for an op that {}", said(*.state))]
pub struct IllegalEdge {
    /// Where the op was.
    pub state: Option<OpState>,
    /// The record's type.
    pub kind: &'static str,
}

fn said(state: Option<OpState>) -> &'static str {
    match state {
        None => "has no intent",
        Some(OpState::Intended) => "is intended and not sent",
        Some(OpState::Sent) => "is sent and has no outcome",
        Some(OpState::Unknown) => "has an unknown outcome",
        Some(OpState::Resolved(_)) => "is resolved",
        Some(OpState::Done | OpState::Failed | OpState::Refused | OpState::NotSent) => "has its outcome",
    }
}

/// Where an op is after a record that speaks of it.
///
/// Intent, sent, output, outcome, in this order. What was intended may turn out not to have been sent; and after a
/// crash between intent and sent nobody can say, which is unknown. An unknown outcome can be resolved, once, and not to
/// unknown. Nothing else is legal, and a record of another type is no edge at all.
pub fn next(state: Option<OpState>, body: &Body) -> Result<OpState, IllegalEdge> {
    let illegal = Err(IllegalEdge { state, kind: body.kind() });
    match (state, body) {
        (None, Body::OpIntent(_)) => Ok(OpState::Intended),
        (Some(OpState::Intended), Body::OpSent(_)) | (Some(OpState::Sent), Body::OpOutput(_)) => {
            Ok(OpState::Sent)
        }
        (Some(OpState::Intended), Body::OpOutcome(body)) => match body.outcome {
            Outcome::NotSent => Ok(OpState::NotSent),
            Outcome::Unknown => Ok(OpState::Unknown),
            Outcome::Done | Outcome::Failed | Outcome::Refused => illegal,
        },
        (Some(OpState::Sent), Body::OpOutcome(body)) => match body.outcome {
            Outcome::Done => Ok(OpState::Done),
            Outcome::Failed => Ok(OpState::Failed),
            Outcome::Refused => Ok(OpState::Refused),
            Outcome::Unknown => Ok(OpState::Unknown),
            // What was handed to the transport may still not have left: it knows, and says so.
            Outcome::NotSent => Ok(OpState::NotSent),
        },
        (Some(OpState::Unknown), Body::OpResolve(body)) if body.outcome != Outcome::Unknown => {
            Ok(OpState::Resolved(body.outcome))
        }
        _ => illegal,
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::{Note, OpOutcome, OpOutput, OpResolve, OpSent, ResolvedBy};
    use super::super::samples;
    use super::*;

    const OUTCOMES: [Outcome; 5] =
        [Outcome::Done, Outcome::Failed, Outcome::Refused, Outcome::NotSent, Outcome::Unknown];

    fn outcome(outcome: Outcome) -> Body {
        OpOutcome { op: "a".to_owned(), outcome, detail: String::new(), checks: Vec::new() }.into()
    }

    fn resolve(outcome: Outcome) -> Body {
        OpResolve { op: "a".to_owned(), outcome, by: ResolvedBy::Unit, detail: String::new() }.into()
    }

    /// Every state and every record, so that an edge nobody meant cannot slip in.
    #[test]
    fn these_edges_and_no_others() {
        let sent: Body = OpSent { op: "a".to_owned() }.into();
        let output: Body = OpOutput { op: "a".to_owned(), text: String::new(), blob: None, bytes: 0 }.into();
        let mut bodies =
            vec![samples::intent("a", None).into(), sent, output, Note { text: "n".to_owned() }.into()];
        bodies.extend(OUTCOMES.map(outcome));
        bodies.extend(OUTCOMES.map(resolve));
        let mut states = vec![
            None,
            Some(OpState::Intended),
            Some(OpState::Sent),
            Some(OpState::Done),
            Some(OpState::Failed),
            Some(OpState::Refused),
            Some(OpState::NotSent),
            Some(OpState::Unknown),
        ];
        states.extend(OUTCOMES.map(|outcome| Some(OpState::Resolved(outcome))));
        let mut legal = Vec::new();
        for state in states {
            for (at, body) in bodies.iter().enumerate() {
                if let Ok(to) = next(state, body) {
                    legal.push(format!("{state:?} {at} {to:?}"));
                }
            }
        }
        let expected = [
            "None 0 Intended",
            "Some(Intended) 1 Sent",
            "Some(Intended) 7 NotSent",
            "Some(Intended) 8 Unknown",
            "Some(Sent) 2 Sent",
            "Some(Sent) 4 Done",
            "Some(Sent) 5 Failed",
            "Some(Sent) 6 Refused",
            "Some(Sent) 7 NotSent",
            "Some(Sent) 8 Unknown",
            "Some(Unknown) 9 Resolved(Done)",
            "Some(Unknown) 10 Resolved(Failed)",
            "Some(Unknown) 11 Resolved(Refused)",
            "Some(Unknown) 12 Resolved(NotSent)",
        ];
        assert_eq!(legal, expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = next(None, &outcome(Outcome::Done)).unwrap_err();
        assert_eq!(error.to_string(), "op.outcome for an op that has no intent");
    }
}
