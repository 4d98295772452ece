//! What must hold of every act, by what really is.

use breakglass::ask::act::{Act, Deed};
use breakglass::engine::machine::Machine;
use breakglass::facts::NodeName;
use breakglass::nodes::sim::{NodeTruth, Part, Truth};
use jiff::{SignedDuration, Timestamp};

use super::holds::{common, lacks, parted_silently, told};
use super::stage::{Walked, holding};
use super::tally::Tally;

/// The oldest that a fact may be when an act leaves (S9).
const FRESH: SignedDuration = SignedDuration::from_secs(10);

type Judged = Result<(), String>;

/// Before an act leaves: its intent is on disk (S20; `line`, as it is read there), the facts are fresh (S9), and what was
/// confirmed is still what is known (S19).
pub(crate) fn may_leave(act: &Act, line: &str, now: Timestamp, walked: &Walked) -> Judged {
    let name = format!("{} on {}", act.deed.name(), act.node);
    let intended = line.contains("\"op.intent\"") && line.contains(act.op.as_str());
    if !intended || !line.ends_with('\n') {
        return Err(format!("{name} left without an intent on disk (S20)"));
    }
    for (node, read) in &walked.read {
        let age = now.duration_since(read.at);
        if age > FRESH {
            return Err(format!("{name} left on facts of {node} that are {} s old (S9)", age.as_secs()));
        }
    }
    if !walked.read.contains_key(&act.node) {
        return Err(format!("{name} left, and the node was never read (S9)"));
    }
    let starts = matches!(act.deed, Deed::Bootstrap { .. } | Deed::Start { together: false });
    if let (true, Some((node, evidence))) = (starts, &walked.confirmed)
        && *node == act.node
        && walked.evidence.as_ref() != Some(evidence)
    {
        return Err(format!("{name} left on other evidence than was confirmed (S19)"));
    }
    Ok(())
}

/// After an act: what it did to what the surveyed nodes held, and to the Primary Components. `alone` where nothing else
/// happened meanwhile.
pub(crate) fn after(
    deed: &Act,
    before: &Truth,
    after: &Truth,
    alone: bool,
    walked: &Walked,
    tally: &mut Tally,
) -> Judged {
    if before.nodes.iter().all(|node| node.holds.is_empty()) {
        tally.add("unchecked", "the simulator does not say what the nodes hold");
        return Ok(());
    }
    let (before, after) = (&of_data(before), &of_data(after));
    // A name leads to a machine; what is said below is said of machines.
    let Some(node) = walked.read.get(&deed.node).map(|read| &read.machine) else { return Ok(()) };
    let act = &Did { what: deed.deed.name(), node };
    match deed.deed {
        Deed::Bootstrap { .. } => {
            dropped_by_bootstrap(act, before, walked, tally)?;
            second_primary(act, before, after, alone, walked)?;
            last_copy(act, before, after, alone, walked, true)
        }
        Deed::Start { together: true } => {
            second_primary(act, before, after, alone, walked)?;
            last_copy(act, before, after, alone, walked, true)
        }
        Deed::Start { together: false } => {
            dropped_by_join(act, before, walked, tally)?;
            silently_apart(act, before, after, walked, tally)?;
            second_primary(act, before, after, alone, walked)?;
            last_copy(act, before, after, alone, walked, false)
        }
        _ => Ok(()),
    }
}

/// The same with Primary Components as far as they hold data: an arbitrator is a member, and holds nothing.
fn of_data(truth: &Truth) -> Truth {
    let mut truth = truth.clone();
    for members in &mut truth.primaries {
        members.retain(|member| truth.nodes.iter().any(|node| node.name == *member));
    }
    truth.primaries.retain(|members| !members.is_empty());
    truth
}

/// What Galera did before we came is no act of ours, and nothing that is read shows it.
const PARTED: &str = "they had parted silently before";

/// An act, and the machine on which it was done.
struct Did<'a> {
    what: &'static str,
    node: &'a NodeName,
}

/// Whether a rule was waived on the machine.
fn is_waived(walked: &Walked, node: &NodeName) -> bool {
    walked.waived.iter().any(|(_, of)| machine(walked, of) == node)
}

fn machine<'a>(walked: &'a Walked, name: &'a NodeName) -> &'a NodeName {
    walked.read.get(name).map_or(name, |read| &read.machine)
}

/// What the surveyed nodes held when they were read and still hold: name and write-sets.
fn surveyed<'a>(before: &'a Truth, walked: &'a Walked) -> impl Iterator<Item = (&'a NodeTruth, Vec<Part>)> {
    before.nodes.iter().filter_map(|node| {
        let read = walked.read.values().find(|read| read.answered && read.machine == node.name)?;
        Some((node, common(&read.held, &node.holds)))
    })
}

/// Every write-set that a surveyed node holds is on the node that is bootstrapped, or its loss was waived on that node.
fn dropped_by_bootstrap(act: &Did<'_>, before: &Truth, walked: &Walked, tally: &mut Tally) -> Judged {
    let target = holding(before, act.node);
    for (node, held) in surveyed(before, walked) {
        let lost = lacks(&target, &held);
        if lost.is_empty() || is_waived(walked, &node.name) {
            continue;
        }
        if parted_silently(&target, &held) {
            tally.add("note", PARTED);
        } else {
            return Err(format!(
                "{} was bootstrapped without {} that {} holds, and nobody waived it",
                act.node,
                told(&lost),
                node.name
            ));
        }
    }
    Ok(())
}

/// The Primary Component that the joiner meets.
fn met<'a>(truth: &'a Truth, joiner: &NodeName) -> Option<&'a Vec<NodeName>> {
    let others = |members: &&Vec<NodeName>| members.iter().any(|member| member != joiner);
    truth.primaries.iter().find(|members| members.contains(joiner)).or(truth.primaries.iter().find(others))
}

/// A node that joins holds nothing that its donors do not, or the loss was waived on it.
fn dropped_by_join(act: &Did<'_>, before: &Truth, walked: &Walked, tally: &mut Tally) -> Judged {
    if is_waived(walked, act.node) {
        return Ok(());
    }
    let Some(members) = met(before, act.node) else { return Ok(()) };
    if differ(&synced(before, members)).is_some() {
        tally.add("note", PARTED);
        return Ok(());
    }
    // One whose engine holds no history at all is not there.
    let Some((_, held)) = surveyed(before, walked).find(|(node, _)| node.name == *act.node) else {
        return Ok(());
    };
    // Who takes its data itself gives none.
    let gives = synced(before, members);
    let gives = |member: &&NodeName| gives.is_empty() || gives.iter().any(|node| node.name == **member);
    for member in members.iter().filter(|member| *member != act.node).filter(gives) {
        let lost = lacks(&holding(before, member), &held);
        if !lost.is_empty() && parted_silently(&holding(before, member), &held) {
            tally.add("note", PARTED);
        } else if !lost.is_empty() {
            return Err(format!(
                "{} was started beside {member} with {} that {member} does not hold, and nobody waived it",
                act.node,
                told(&lost)
            ));
        }
    }
    Ok(())
}

fn synced(truth: &Truth, members: &[NodeName]) -> Vec<NodeTruth> {
    truth.nodes.iter().filter(|node| node.synced && members.contains(&node.name)).cloned().collect()
}

/// Members that are SYNCED hold the same, if those that were there before did.
fn silently_apart(
    act: &Did<'_>,
    before: &Truth,
    after: &Truth,
    walked: &Walked,
    tally: &mut Tally,
) -> Judged {
    let Some(members) = after.primaries.iter().find(|members| members.contains(act.node)) else {
        return Ok(());
    };
    let now = synced(after, members);
    if !now.iter().any(|node| node.name == *act.node) {
        return Ok(());
    }
    let was = met(before, act.node).map(|members| synced(before, members)).unwrap_or_default();
    let joins = holding(before, act.node);
    if differ(&was).is_some() || was.iter().any(|member| parted_silently(&member.holds, &joins)) {
        tally.add("note", PARTED);
        return Ok(());
    }
    if differ(&now).is_some() && is_waived(walked, act.node) {
        tally.add("note", "joined incrementally after a waiver of S25, and differs");
        return Ok(());
    }
    match differ(&now) {
        Some((one, other)) => Err(format!(
            "after {} joined, {one} and {other} are SYNCED and hold different write-sets",
            act.node
        )),
        None => Ok(()),
    }
}

/// Two of these that do not hold the same.
pub(crate) fn differ(nodes: &[NodeTruth]) -> Option<(NodeName, NodeName)> {
    let first = nodes.first()?;
    let differs = |node: &&NodeTruth| {
        !lacks(&first.holds, &node.holds).is_empty() || !lacks(&node.holds, &first.holds).is_empty()
    };
    nodes.iter().find(differs).map(|node| (first.name.clone(), node.name.clone()))
}

/// No second Primary Component by an act, unless the nodes of the other were said to be fenced (S5).
fn second_primary(act: &Did<'_>, before: &Truth, after: &Truth, alone: bool, walked: &Walked) -> Judged {
    if !alone || after.primaries.len() < 2 || after.primaries.len() <= before.primaries.len() {
        return Ok(());
    }
    let others = after.primaries.iter().filter(|members| !members.contains(act.node));
    let fenced = |members: &Vec<NodeName>| {
        members
            .iter()
            .all(|node| walked.waived.iter().any(|(rule, of)| rule == "S5" && machine(walked, of) == node))
    };
    match others.clone().find(|members| !fenced(members)) {
        None => Ok(()),
        Some(other) => {
            let other: Vec<&str> = other.iter().map(NodeName::as_str).collect();
            Err(format!(
                "{} on {} made a second Primary Component beside that of {}",
                act.what,
                act.node,
                other.join(", ")
            ))
        }
    }
}

/// What a surveyed node held is still somewhere, in one place.
fn last_copy(
    act: &Did<'_>,
    before: &Truth,
    after: &Truth,
    alone: bool,
    walked: &Walked,
    all: bool,
) -> Judged {
    if !alone {
        return Ok(());
    }
    for (node, held) in surveyed(before, walked) {
        if is_waived(walked, &node.name) || !all && node.name != *act.node {
            continue;
        }
        if !after.nodes.iter().any(|holder| lacks(&holder.holds, &held).is_empty()) {
            return Err(format!(
                "after {} on {}, nobody holds any more what {} held: its last good copy is gone",
                act.what, act.node, node.name
            ));
        }
    }
    Ok(())
}

/// After a run: no act is left of which nobody knows whether it happened, unless the run said so.
pub(crate) fn open_acts(machine: &Machine) -> Vec<String> {
    let nobody = breakglass::facts::SessionId::new(0, [0; 10]);
    machine
        .open_beside(&nobody)
        .iter()
        .map(|(session, op)| format!("{} on {} of {session}", op.deed, op.node))
        .collect()
}
