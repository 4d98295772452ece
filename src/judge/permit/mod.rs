//! Which rules hold an act back, on a fresh survey. The engine asks before every guarded step; nobody acts past it.

mod bootstrap;
mod join;
mod single;
mod together;

use jiff::Timestamp;

use super::safety::{Blocked, s09, s11, s18, s21, s26};
use super::view::says_primary;
use super::waiver::Lifted;
use super::{Judgement, NodeReading, Reading, Server, Waivers};
use crate::facts::{NodeName, Survey};

/// What is about to be done, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing<'a> {
    /// Keep the node's unit from starting by itself or by others.
    Freeze(&'a NodeName),
    /// End a server that is stuck in its start or stop.
    EndStuck(&'a NodeName),
    /// Recover the engine's position on an overlay.
    Recover(&'a NodeName),
    /// Recover the engine's position in the data directory itself: the server's own crash recovery.
    RecoverDirect(&'a NodeName),
    /// Move away what could make the node bootstrap by itself.
    ClearLeftovers(&'a NodeName),
    /// Begin the Primary Component anew on one node.
    Bootstrap {
        /// The node that begins it.
        target: &'a NodeName,
        /// The nodes that are to join it afterwards, each judged by [`Doing::Join`] at its turn.
        others: &'a [NodeName],
    },
    /// Start a node beside a living Primary.
    Join {
        /// The node that is to be started.
        node: &'a NodeName,
    },
    /// Start all members of the last Primary view at once, so that they re-form it.
    StartTogether(&'a [NodeName]),
    /// The closing write on a member.
    Write(&'a NodeName),
    /// Give the node's automation back.
    Unfreeze(&'a NodeName),
    /// Take or give back the node's lease.
    Lease(&'a NodeName),
    /// Read.
    Look(&'a NodeName),
}

/// The kind of a [`Doing`], for a plan that names the rules before anybody is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the kind of the Doing of its name")]
pub enum DoingKind {
    Freeze,
    EndStuck,
    Recover,
    RecoverDirect,
    ClearLeftovers,
    Bootstrap,
    Join,
    StartTogether,
    Write,
    Unfreeze,
    Lease,
    Look,
}

impl Doing<'_> {
    /// Its kind.
    pub fn kind(&self) -> DoingKind {
        match self {
            Self::Freeze(_) => DoingKind::Freeze,
            Self::EndStuck(_) => DoingKind::EndStuck,
            Self::Recover(_) => DoingKind::Recover,
            Self::RecoverDirect(_) => DoingKind::RecoverDirect,
            Self::ClearLeftovers(_) => DoingKind::ClearLeftovers,
            Self::Bootstrap { .. } => DoingKind::Bootstrap,
            Self::Join { .. } => DoingKind::Join,
            Self::StartTogether(_) => DoingKind::StartTogether,
            Self::Write(_) => DoingKind::Write,
            Self::Unfreeze(_) => DoingKind::Unfreeze,
            Self::Lease(_) => DoingKind::Lease,
            Self::Look(_) => DoingKind::Look,
        }
    }
}

/// What one rule says of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// `S4`.
    pub rule: &'static str,
    /// What is in the way; empty where the rule passes.
    pub blocked: Vec<Blocked>,
    /// What would be in the way, and a waiver lifts.
    pub waived: Vec<Blocked>,
    /// What was read where it passes, in one sentence fragment.
    pub says: String,
}

impl Ruling {
    /// Whether the rule lets the act go on.
    pub fn passes(&self) -> bool {
        self.blocked.is_empty()
    }
}

/// The rules that an act of this kind is held against, in order.
pub fn rules_of(kind: DoingKind) -> &'static [&'static str] {
    match kind {
        DoingKind::Freeze | DoingKind::ClearLeftovers => &["S9", "S11", "S18"],
        DoingKind::EndStuck => &["S6", "S9", "S11", "S15", "S18", "S21"],
        DoingKind::Recover => &["S9", "S11", "S14", "S18"],
        DoingKind::RecoverDirect => &["S9", "S11", "S14", "S18", "S21"],
        DoingKind::Bootstrap => {
            &["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S18", "S21", "S25", "S26"]
        }
        DoingKind::Join => &[
            "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S13", "S17", "S18", "S21", "S25", "S26",
        ],
        DoingKind::StartTogether => {
            &["S3", "S5", "S6", "S7", "S9", "S10", "S11", "S17", "S18", "S21", "S25", "S26"]
        }
        DoingKind::Write => &["S6", "S9", "S18", "S22"],
        DoingKind::Unfreeze | DoingKind::Lease => &["S9", "S18"],
        DoingKind::Look => &[],
    }
}

/// What every rule says of an act on this survey at `now`. `judgement` is the survey's, judged with the same waivers at
/// the same moment. Where every ruling passes, no rule of this room is in the way; what the acting scripts and the engine
/// keep is theirs.
pub fn permit(
    survey: &Survey,
    judgement: &Judgement,
    doing: &Doing<'_>,
    waivers: &Waivers,
    now: Timestamp,
) -> Vec<Ruling> {
    let asked = Asked {
        survey,
        judgement,
        whole: Reading::of(survey, Lifted::nothing(now)),
        waived: Reading::of(survey, Lifted { waivers, now }),
        now,
    };
    let answer = match doing {
        Doing::Look(_) => Answer::default(),
        Doing::Bootstrap { target, others } => bootstrap::answer(&asked, target, others),
        Doing::Join { node } => join::answer(&asked, node),
        Doing::StartTogether(nodes) => together::answer(&asked, nodes),
        Doing::Freeze(node)
        | Doing::EndStuck(node)
        | Doing::Recover(node)
        | Doing::RecoverDirect(node)
        | Doing::ClearLeftovers(node)
        | Doing::Write(node)
        | Doing::Unfreeze(node)
        | Doing::Lease(node) => single::answer(&asked, doing.kind(), node),
    };
    answer.rulings(doing.kind())
}

/// What is asked, read once with nothing waived and once as the waivers let it be read.
struct Asked<'a> {
    survey: &'a Survey,
    judgement: &'a Judgement,
    whole: Reading<'a>,
    waived: Reading<'a>,
    now: Timestamp,
}

impl<'a> Asked<'a> {
    /// The node's reading with nothing waived.
    fn node(&self, name: &NodeName) -> Option<&NodeReading<'a>> {
        self.whole.data().find(|node| node.name() == name)
    }

    fn lifts(&self, rule: u8, name: &NodeName) -> bool {
        self.waived.lifted.lifts(rule, name)
    }

    /// S9, S11 and S18 over the nodes that are acted on.
    fn acted_on(&self, nodes: &[&NodeReading<'a>], answer: &mut Answer) {
        for node in nodes {
            answer.block(s09::stale(node.survey, self.now));
            answer.block(s11::not_learnt(node.survey));
            answer.block(s18::unproved(node.survey));
            answer.block(s18::twins(node.survey, self.survey.data_nodes()));
        }
    }

    /// S11 over every node that answers, S21 over those that act and every other one whose server is down, S26.
    fn before_a_start(&self, acting: &[&NodeName], answer: &mut Answer) {
        for node in self.whole.data() {
            answer.block(s11::not_learnt(node.survey));
            let acts = acting.contains(&node.name());
            // Beside a living Primary a node that somebody starts joins it; only what must never be started is S26's.
            let forms = self.judgement.primary.is_none();
            if acts || forms && node.survey.ssh.is_ok() && node.is_gone() {
                answer.block(s21::not_frozen(node.survey));
            }
            let standing = self.judgement.node(node.name()).and_then(|judged| judged.standing);
            answer.block(s26::would_overwrite_itself(node.survey, standing));
        }
    }
}

/// S6 beside a proved Primary: who else says that it is in one, or runs and does not say. Such a node may be a member of
/// the proved one that was not heard; it may as well be another's.
fn other_primary(reading: &Reading<'_>) -> Vec<Blocked> {
    if reading.primary.is_none() {
        return Vec::new();
    }
    // A machine that answers, and on which a server may run of which nothing is known.
    let unseen =
        |node: &NodeReading<'_>| node.survey.ssh.is_ok() && node.server.known().is_none() && !node.is_gone();
    reading
        .data()
        // A server that is stopped by a signal serves nobody, whatever it said before.
        .filter(|node| !reading.is_member(node.name()) && !node.server.is(|server| *server == Server::Frozen))
        .filter(|node| reading.views.claims(node.name()) || says_primary(node) || unseen(node))
        .map(|node| {
            Blocked::on(
                "S6",
                node.name(),
                "it claims a Primary Component that is not the proved one, or runs and does not say",
                "read again in some seconds; stale views do not last, and a server that answers no SQL has to",
            )
        })
        .collect()
}

/// A node that the survey does not hold as a data node: nothing of it can be proved.
fn stranger(name: &NodeName) -> Blocked {
    Blocked::on("S18", name, "it is no data node of this survey", "choose a data node of the inventory")
}

/// What was found, of all rules.
#[derive(Default)]
struct Answer {
    blocked: Vec<Blocked>,
    waived: Vec<Blocked>,
    /// Sentences of rules that say something of their own here when they pass.
    says: Vec<(&'static str, String)>,
}

impl Answer {
    fn block(&mut self, found: impl IntoIterator<Item = Blocked>) {
        self.blocked.extend(found);
    }

    fn say(&mut self, rule: &'static str, says: impl Into<String>) {
        self.says.push((rule, says.into()));
    }

    fn rulings(mut self, kind: DoingKind) -> Vec<Ruling> {
        self.blocked.sort();
        self.blocked.dedup();
        self.waived.sort();
        self.waived.dedup();
        let mut rules = rules_of(kind).to_vec();
        // A rule that speaks is heard, whether it was expected or not.
        for found in &self.blocked {
            if !rules.contains(&found.rule) {
                rules.push(found.rule);
            }
        }
        rules.into_iter().map(|rule| self.ruling(rule)).collect()
    }

    fn ruling(&self, rule: &'static str) -> Ruling {
        let of = |all: &[Blocked]| all.iter().filter(|found| found.rule == rule).cloned().collect();
        let waived: Vec<Blocked> = of(&self.waived);
        let own = self.says.iter().find(|(said, _)| *said == rule).map(|(_, says)| says.clone());
        let mut says = own.unwrap_or_else(|| passing(rule).to_owned());
        let mut names: Vec<&str> =
            waived.iter().filter_map(|lifted| lifted.node.as_ref()).map(NodeName::as_str).collect();
        names.dedup();
        if !names.is_empty() {
            says = format!("{says}, but for what is waived on {}", names.join(", "));
        }
        Ruling { rule, blocked: of(&self.blocked), waived, says }
    }
}

/// What was read where the rule passes.
fn passing(rule: &str) -> &'static str {
    match rule {
        "S1" => "only positions of one UUID were compared",
        "S2" => "no unknown position took part in the choice",
        "S3" => "no state file contradicts its engine",
        "S4" => "every node's position is known",
        "S5" => "every data node is proved down",
        "S6" => "nobody shows a Primary Component, and no server is starting",
        "S7" => "the node's data is whole, and nobody's speaks against it",
        "S8" => "no node is AHEAD or DIVERGED, no TAINTED has more",
        "S9" => "the facts are fresh",
        "S10" => "nothing is left that could bootstrap another node",
        "S11" => "the state files of every node that answers were read",
        "S13" => "it holds nothing that the Primary does not",
        "S14" => "no server and no transfer is there",
        "S15" => "one waiting server is shown, and it answers no SQL",
        "S17" => "a donor, room, ports and time are there, and nobody else is joining",
        "S18" => "the machine and its data directory are known, and nobody else's",
        "S21" => "every node that is down is frozen",
        "S22" => "it is SYNCED in the proved Primary",
        "S25" => "no history parted from another, by logs that reach back far enough",
        "S26" => "no AHEAD or DIVERGED node can start by itself",
        _ => "nothing is in the way",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: &[DoingKind] = &[
        DoingKind::Freeze,
        DoingKind::EndStuck,
        DoingKind::Recover,
        DoingKind::RecoverDirect,
        DoingKind::ClearLeftovers,
        DoingKind::Bootstrap,
        DoingKind::Join,
        DoingKind::StartTogether,
        DoingKind::Write,
        DoingKind::Unfreeze,
        DoingKind::Lease,
        DoingKind::Look,
    ];

    #[test]
    fn every_rule_that_is_named_is_a_rule_and_says_what_passes() {
        for rule in KINDS.iter().flat_map(|kind| rules_of(*kind)) {
            let number: u8 = rule.trim_start_matches('S').parse().unwrap();
            assert!(super::super::safety::RULES.iter().any(|row| row.number == number), "{rule}");
            assert_ne!(passing(rule), "nothing is in the way", "{rule}");
        }
    }

    #[test]
    fn a_rule_nobody_expected_is_heard() {
        let mut answer = Answer::default();
        answer.block([Blocked::cluster("S30", "x", "y")]);
        assert_eq!(answer.rulings(DoingKind::Lease).last().map(|ruling| ruling.rule), Some("S30"));
    }
}
