//! Servers that are down: one of a living cluster, or all of them.

use super::{
    Blocked, Context, Finding, POSITION_FACTS, SERVER_FACTS, Server, Severity, Verdict, evidence, is_in,
    list, names,
};
use crate::facts::{Known, NodeName, Plain, Survey, keys};
use crate::judge::safety::{s07, s13};
use crate::judge::standing::{self, is_bare, is_blank};
use crate::judge::waiver::Lifted;
use crate::judge::{NodeReading, Reading, Standing};

/// Some server is down, and a Primary is proved without it.
pub(super) fn node_down(context: &Context<'_>) -> Vec<Finding> {
    let down = context.data(|node, _| node.is_gone());
    if context.verdict != Verdict::Degraded || down.is_empty() {
        return Vec::new();
    }
    let (next, runbook) = rejoin(context, &down);
    vec![Finding {
        id: "galera.node-down",
        cases: vec![5],
        severity: Severity::Degraded,
        nodes: names(&down),
        text: Plain::new(format!(
            "{} {} down; the Primary Component goes on without.",
            list(&down),
            are(&down)
        )),
        next: Plain::new(next),
        evidence: evidence(&down, &[SERVER_FACTS, POSITION_FACTS].concat()),
        runbook,
        blocked_by: vec![],
    }]
}

/// Which of the nodes that are down can be started, and what has to come first for the others (S8, S25, S26).
fn rejoin(context: &Context<'_>, down: &[&NodeReading<'_>]) -> (String, Option<&'static str>) {
    let of = |test: &dyn Fn(&NodeReading<'_>, Standing) -> bool| -> Vec<&NodeReading<'_>> {
        let fits =
            |node: &&NodeReading<'_>| context.standing(node.name()).is_some_and(|word| test(node, word));
        down.iter().copied().filter(fits).collect()
    };
    let doubted =
        |node: &NodeReading<'_>| context.reading.relations.iter().any(|there| there.node == *node.name());
    let behind = of(&|node, word| matches!(word, Standing::Behind(_)) && !doubted(node));
    let in_doubt = of(&|node, word| matches!(word, Standing::Behind(_)) && doubted(node));
    let blank =
        of(&|node, word| word == Standing::Empty && s13::may_hold_rows(node.survey, is_bare(node)).is_none());
    let strange = of(&|node, word| {
        word == Standing::Empty
            && s13::holds_none(node.survey)
            && s13::may_hold_rows(node.survey, is_bare(node)).is_some()
    });
    let unknown = of(&|node, word| {
        word == Standing::Unknown
            || word == Standing::Empty
                && !s13::holds_none(node.survey)
                && s13::may_hold_rows(node.survey, is_bare(node)).is_some()
    });
    let cluster = &context.reading.survey.cluster;
    let run =
        |node: &NodeReading<'_>| format!("breakglass run galera-rejoin {cluster} --set node={}", node.name());
    let mut next = Vec::new();
    if let Some(first) = behind.first() {
        next.push(format!(
            "{} {} behind and can be started: {} (by hand: systemctl start), one node at a time, the next when the one \
             before is SYNCED; look at the end of its log first for why it went down.",
            list(&behind),
            are(&behind),
            run(first)
        ));
    }
    if let Some(first) = in_doubt.first() {
        let mut why = context.reading.relations.iter().filter(|there| there.node == *first.name());
        next.push(format!(
            "{}: behind, and whether its history is the Primary's is not known ({}). Until it is, it needs a full \
             transfer.",
            list(&in_doubt),
            why.next().map(|relation| relation.why.clone()).unwrap_or_default()
        ));
    }
    if let Some(first) = blank.first() {
        next.push(format!(
            "{} holds nothing and takes everything: see that its volume is mounted, then {}.",
            list(&blank),
            run(first)
        ));
    }
    if let Some(first) = strange.first() {
        next.push(format!(
            "The engine of {} is of no history, and there is no state file: see that its volume is mounted, and look into its \
             data directory for what a hand put there; then {} asks for a waiver (S13) and fills it whole.",
            list(&strange),
            run(first)
        ));
    }
    if !unknown.is_empty() {
        next.push(format!(
            "{}: recover the position first: breakglass run galera-positions {cluster} (by hand: mariadbd --wsrep-recover \
             on an overlay or a copy of the data directory). A node that turns out to be ahead of the Primary would, once \
             started, abort and be overwritten.",
            list(&unknown)
        ));
    }
    let named = [&behind, &in_doubt, &blank, &strange, &unknown];
    let others: Vec<&NodeReading<'_>> = down
        .iter()
        .copied()
        .filter(|node| !named.iter().any(|all| all.iter().any(|one| one.name() == node.name())))
        .collect();
    if !others.is_empty() {
        next.push(format!("Do not start {} before what else is found there is answered.", list(&others)));
    }
    next.push("Never bootstrap beside a living Primary.".to_owned());
    let runbook = if !behind.is_empty() || !blank.is_empty() || !strange.is_empty() {
        Some("galera-rejoin")
    } else {
        (!unknown.is_empty()).then_some("galera-positions")
    };
    (next.join(" "), runbook)
}

/// No Primary is proved, and servers are down: what stopped, what crashed, who holds the most, what is in the way.
pub(super) fn all_down(context: &Context<'_>) -> Vec<Finding> {
    let down = context.data(|node, _| node.is_gone());
    if down.is_empty() || !context.reading.views.proved().is_empty() {
        return Vec::new();
    }
    let up = context.data(|node, _| !node.is_gone() && node.server.known().is_some());
    let unread = context.data(|node, _| !node.is_gone() && node.server.known().is_none());
    let stopped = down.iter().filter(|node| is_in(node, Server::Stopped)).count();
    let crashed = down.iter().filter(|node| is_in(node, Server::Crashed)).count();
    let (id, cases, how) = if !up.is_empty() {
        ("galera.no-primary", vec![], "is down")
    } else if stopped == down.len() {
        ("galera.all-stopped", vec![4, 48], "has stopped cleanly")
    } else if crashed == down.len() {
        ("galera.all-crashed", vec![12, 13], "has crashed")
    } else {
        ("galera.all-down", vec![4, 12], "is down")
    };
    let mut text = vec![match (up.is_empty(), unread.is_empty()) {
        (true, true) => format!("Every server {how}; there is no Primary Component."),
        (true, false) => format!("Every server that could be read {how}."),
        (false, _) => {
            format!("{} {} down, and {} in no proved Primary Component.", list(&down), are(&down), list(&up))
        }
    }];
    if !unread.is_empty() {
        let were = if unread.len() == 1 { "was" } else { "were" };
        let may = if context.verdict == Verdict::Outage {
            "hold more"
        } else {
            "be in a Primary Component, or hold more"
        };
        text.push(format!("{} {were} not read and may {may}.", list(&unread)));
    }
    let candidates: Vec<&str> = context.candidates.iter().map(NodeName::as_str).collect();
    text.push(match candidates.as_slice() {
        [] => "Which node holds the most is not known.".to_owned(),
        [one] => format!("{one} has the highest position."),
        several => {
            format!("{} have the same position, the highest; the choice is yours.", several.join(", "))
        }
    });
    if let Some(said) = empty_positions(context) {
        text.push(said);
    }
    if crashed > 1 {
        text.push(
            "Galera can lose acknowledged writes when nodes crash close together; no position shows those."
                .to_owned(),
        );
    }
    let blocked_by = context.bootstrap_blockers();
    let next = next(context, &down, &unread, &blocked_by);
    vec![Finding {
        id,
        cases,
        severity: if context.verdict == Verdict::Outage { Severity::Outage } else { Severity::Degraded },
        nodes: names(&down),
        text: Plain::new(text.join(" ")),
        next: Plain::new(next),
        evidence: evidence(&down, &[SERVER_FACTS, POSITION_FACTS, &[keys::GVWSTATE_VIEW.name()]].concat()),
        runbook: context.runbook(),
        blocked_by,
    }]
}

/// Nodes that are behind by so little that membership changes alone explain it: each takes a position and carries nothing.
fn empty_positions(context: &Context<'_>) -> Option<String> {
    let nodes = context.data(|_, _| true).len() as u64;
    let few = context.data(|_, judged| matches!(judged.standing, Some(Standing::Behind(by)) if by < nodes));
    (!few.is_empty()).then(|| {
        format!(
            "{} {} behind by no more than the membership changes of a shutdown take: that need not be data.",
            list(&few),
            are(&few)
        )
    })
}

/// Servers that run and can be a Primary Component again by themselves: what is said of them comes before any recovery.
fn running_first(context: &Context<'_>, down: &[&NodeReading<'_>]) -> Option<String> {
    let cluster = &context.reading.survey.cluster;
    let waiting = context.data(|node, _| {
        let facts = &node.survey.facts;
        facts.get(keys::LOG_WAITING).is(|waits| *waits) && facts.get(keys::GVWSTATE_MEMBERS).known().is_some()
    });
    if !waiting.is_empty() {
        return Some(format!(
            "{} cannot go on without the other members of the saved view: what galera.waiting-for-primary says comes first. \
             Where a member is lost for good, every position decides: breakglass run galera-positions {cluster}.",
            list(&waiting)
        ));
    }
    // Several that run outside a Primary are cut from each other: together they can be one again.
    let apart = context.data(|_, judged| judged.standing == Some(Standing::NonPrimary));
    if apart.len() > 1 {
        return Some(format!(
            "{} run: what galera.non-primary says comes first, for they can become Primary again by themselves; then look at \
             {} again. Where they cannot, every position decides: breakglass run galera-positions {cluster}.",
            list(&apart),
            list(down)
        ));
    }
    None
}

/// A bootstrap is only ever named where nothing is in its way and nothing surveyed would be lost by it.
fn next(
    context: &Context<'_>,
    down: &[&NodeReading<'_>],
    unread: &[&NodeReading<'_>],
    blocked_by: &[Blocked],
) -> String {
    let cluster = &context.reading.survey.cluster;
    if !unread.is_empty() {
        return "Reach the missing nodes first: nothing may be bootstrapped past a node that was not seen."
            .to_owned();
    }
    if context.reading.views.said() {
        return "Read again in a few seconds before anything is started: a Primary Component is claimed. If it is proved, \
                the others join it; if the claim goes away, every position counts."
            .to_owned();
    }
    if context.nodes.iter().any(|node| node.standing == Some(Standing::Diverged)) {
        return "Start and bootstrap nothing: there is more than one history here, and the first to start decides which \
                one is overwritten. Copy the data directories, then choose."
            .to_owned();
    }
    if let Some(first) = running_first(context, down) {
        return first;
    }
    let soon: Vec<&NodeReading<'_>> = down
        .iter()
        .copied()
        .filter(|node| {
            node.survey.facts.get(keys::UNIT_SUB).is(|sub| sub.as_str().starts_with("auto-restart"))
        })
        .collect();
    if !soon.is_empty() {
        return format!(
            "systemd is about to start {} by itself (Restart=): look again in some seconds. Members of one saved view \
             re-form it so; a node that is ahead of the others would be overwritten, and only Restart=no stops that.",
            list(&soon)
        );
    }
    if context.re_forms(blocked_by) {
        return format!(
            "All members of the last Primary view are here with their saved view (gvwstate.dat): started together they \
             re-form it by themselves, with no bootstrap: breakglass run galera-start-all {cluster} (by hand: systemctl \
             start on all of them within seconds)."
        );
    }
    if blocked_by.is_empty() && context.loss.is(|loss| loss.0 == 0) {
        return by_bootstrap(context, down);
    }
    if let Some(said) = past_the_blank(context, blocked_by) {
        return said;
    }
    if context.candidates.is_empty() {
        return format!(
            "Recover the position of every node before any start: breakglass run galera-positions {cluster} (by hand: \
             mariadbd --wsrep-recover as the server's user, on an overlay or a copy of the data directory); \
             safe_to_bootstrap is only a hint."
        );
    }
    let tainted = context.data(|_, judged| judged.standing == Some(Standing::Tainted));
    // What only a TAINTED node says (S8) is all that is in the way.
    let beyond: Vec<&Blocked> = blocked_by.iter().filter(|blocked| blocked.rule == "S8").collect();
    if let Some(first) = beyond.first().filter(|_| beyond.len() == blocked_by.len()) {
        let of =
            |node: &&NodeReading<'_>| beyond.iter().any(|found| found.node.as_ref() == Some(node.name()));
        let named: Vec<&NodeReading<'_>> = tainted.iter().copied().filter(of).collect();
        return format!(
            "Copy the data directory of {} before anything else: {}. The runbook galera-bootstrap then goes on from {}, and asks \
             first for a waiver on {}, by name.",
            list(&named),
            first.why,
            target(context),
            list(&named)
        );
    }
    match (context.loss, context.candidates) {
        (Known::Unknown(why), [one]) if blocked_by.is_empty() && !tainted.is_empty() => format!(
            "Nothing that was read is in the way of going on from {one}, with {} left out and untouched. What was there and \
             nowhere else is not known ({}): copy that data directory before anything else.",
            list(&tainted),
            why.text
        ),
        (Known::Unknown(why), _) => format!(
            "Start and bootstrap nothing yet: what that would lose is not known ({}). Settle it, and what is listed \
             below, first.",
            why.text
        ),
        (Known::Known(_), _) => {
            "Start and bootstrap nothing yet: clear what is listed below first.".to_owned()
        }
    }
}

/// How to go on from the candidate, where nothing is in the way.
fn by_bootstrap(context: &Context<'_>, down: &[&NodeReading<'_>]) -> String {
    let cluster = &context.reading.survey.cluster;
    let behind: Vec<&NodeReading<'_>> = down
        .iter()
        .copied()
        .filter(|node| matches!(context.standing(node.name()), Some(Standing::Behind(_))))
        .collect();
    let then = if behind.is_empty() {
        String::new()
    } else {
        format!(", then start {} one at a time, each when the one before is SYNCED", list(&behind))
    };
    let target = target(context);
    let set = if context.candidates.len() == 1 { target } else { "NODE" };
    format!(
        "breakglass run galera-bootstrap {cluster} --set target={set} (by hand: copy every node's grastate.dat first, \
         for a refused bootstrap rewrites it; then galera_new_cluster on {target}{then})."
    )
}

/// The node to go on from, where there is one, or that one is to be chosen.
fn target<'c>(context: &Context<'c>) -> &'c str {
    match context.candidates {
        [one] => one.as_str(),
        _ => "the candidate you choose",
    }
}

/// Nodes of which no recovery would tell more keep all others from being a candidate, and a waiver of each by name (S4) is
/// what leads on.
fn past_the_blank(context: &Context<'_>, blocked_by: &[Blocked]) -> Option<String> {
    let (blank, offered) = blank(context)?;
    let offered: Vec<&str> = offered.iter().map(NodeName::as_str).collect();
    let first = format!(
        "There is no position to recover on {}: see that its volume is mounted. Of what else was read, the highest position is \
         that of {}",
        list(&blank),
        offered.join(", ")
    );
    let waiver =
        format!("the runbook galera-bootstrap goes on from there past a waiver of {}, by name", list(&blank));
    let is_blank = |found: &Blocked| {
        found.rule == "S4" && blank.iter().any(|node| Some(node.name()) == found.node.as_ref())
    };
    Some(if blocked_by.iter().all(is_blank) {
        format!("{first}: {waiver} (S4).")
    } else {
        format!(
            "{first}. Start and bootstrap nothing yet: clear what is listed below first; then {waiver} (S4)."
        )
    })
}

/// The nodes whose position is missing, where no recovery would tell more of any of them, and those that would be CANDIDATEs
/// without them.
fn blank<'c>(context: &Context<'c>) -> Option<(Vec<&'c NodeReading<'c>>, Vec<NodeName>)> {
    let missing = context.data(|node, _| node.position.known().is_none());
    if missing.is_empty() || !missing.iter().all(|node| is_blank(node)) {
        return None;
    }
    let offered = standing::candidates_without(context.reading, &missing);
    (!offered.is_empty()).then_some((missing, offered))
}

fn are(nodes: &[&NodeReading<'_>]) -> &'static str {
    if nodes.len() == 1 { "is" } else { "are" }
}

impl Context<'_> {
    /// Whether starting all members of the last view together is what answers this.
    fn re_forms(&self, blocked_by: &[Blocked]) -> bool {
        let diverged = self.nodes.iter().any(|node| node.standing == Some(Standing::Diverged));
        let apart = self.reading.relations.iter().any(|relation| relation.kind.is_certain());
        let leftover = blocked_by.iter().any(|blocked| matches!(blocked.rule, "S3" | "S10"));
        view_is_whole(self.reading) && !diverged && !apart && !leftover
    }

    /// The runbook that answers a cluster without a Primary; `None` where there is none yet.
    pub(super) fn runbook(&self) -> Option<&'static str> {
        if self.nodes.iter().any(|node| node.standing == Some(Standing::Diverged)) {
            return None;
        }
        let missing = |node: &NodeReading<'_>| {
            node.survey.ssh.is_ok() && node.is_gone() && node.position.known().is_none() && !is_blank(node)
        };
        let blocked = self.blockers_without_primary();
        if self.re_forms(&blocked) {
            return Some("galera-start-all");
        }
        if self.reading.data().any(missing) {
            return Some("galera-positions");
        }
        // A state file that may be a hand's work is settled by the engine's own word; whose engine has spoken, by hand.
        let by_hand = |found: &&Blocked| found.rule == "S3";
        if blocked.iter().any(|found| by_hand(&found)) {
            let spoken = |found: &Blocked| {
                let node = self.reading.data().find(|node| Some(node.name()) == found.node.as_ref());
                node.is_some_and(|node| node.survey.facts.get(keys::RECOVERED).known().is_some())
            };
            return blocked.iter().filter(by_hand).any(|found| !spoken(found)).then_some("galera-positions");
        }
        if !blocked.iter().any(|found| found.rule == "S7") && blank(self).is_some() {
            return Some("galera-bootstrap");
        }
        // Nothing that the runbook does would clear these, and no waiver lifts S7.
        if blocked.iter().any(|found| matches!(found.rule, "S4" | "S7")) {
            return None;
        }
        (!self.candidates.is_empty()).then_some("galera-bootstrap")
    }
}

/// Whether all members of the last Primary view are here, down, each with that view and none of them in doubt, so that
/// started together they re-form it by themselves. Their positions need not be known.
pub fn re_forms(survey: &Survey) -> bool {
    let lifted = Lifted::nothing(survey.taken);
    // Most surveys show a server that runs, and need not be held against each other.
    view_is_whole(&Reading::one_by_one(survey, lifted))
        && !Reading::of(survey, lifted).relations.iter().any(|relation| relation.kind.is_certain())
}

/// All data nodes are down, all members of one saved Primary view are here, each with that view and none of them in doubt.
/// A bootstrap since would have left its node another view.
pub(in crate::judge) fn view_is_whole(reading: &Reading<'_>) -> bool {
    let nodes: Vec<&NodeReading<'_>> = reading.data().collect();
    let view = |node: &NodeReading<'_>| node.survey.facts.get(keys::GVWSTATE_VIEW).known().cloned();
    let Some(first) = nodes.first().and_then(|node| view(node)) else { return false };
    nodes.iter().all(|node| {
        node.is_gone()
            && view(node).as_ref() == Some(&first)
            && node.survey.facts.get(keys::GVWSTATE_MEMBERS).is(|members| members.len() == nodes.len())
            // Without an identity in its state file it may be half a copy, whatever view it saved.
            && node.survey.facts.get(keys::GRASTATE_FILE).is(|file| file.as_str() == "valid")
            && node.survey.facts.get(keys::GRASTATE_UUID).known().is_some()
            && node.tainted().is_none()
            && s07::not_cleared(node.survey).is_none()
    })
}
