//! Faults of the network: out of reach, cut apart, and cut apart with a Primary Component on both sides.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use super::{FaultKind, all};
use crate::practice::lab::error::LabError;
use crate::practice::lab::galera::{self, View};
use crate::practice::lab::role::Role;
use crate::practice::lab::state::{Lab, Node};
use crate::practice::lab::{Say, machine, rules};

pub(super) fn set(lab: &Lab, kind: FaultKind, id: &str, nodes: &[Node]) -> Result<(), LabError> {
    let text = match kind {
        FaultKind::Unreachable => rules::unreachable(id),
        _ => rules::partition(id, &others(lab, nodes)),
    };
    all(nodes, |node| rules::set(machine::init(&lab.name, &node.name)?, &text))
}

/// The addresses of all nodes not named.
fn others(lab: &Lab, named: &[Node]) -> Vec<Ipv4Addr> {
    lab.node.iter().filter(|node| !named.contains(node)).map(|node| node.address).collect()
}

/// Cuts the named nodes from all others and sees to it that each side is a Primary Component: the side that the cut
/// left without one gets it by `pc.bootstrap`, as somebody on each side would do who believes the other dead.
pub(super) fn bootstrap_both(lab: &Lab, id: &str, named: &[Node], say: Say<'_>) -> Result<(), LabError> {
    set(lab, FaultKind::BootstrapBoth, id, named)?;
    let others: Vec<Node> = lab.of(Role::Data).into_iter().filter(|node| !named.contains(node)).collect();
    for side in [named, &others] {
        let Some(first) = side.iter().find(|node| galera::view(lab, node).is_ok()) else {
            return Err(not_set(lab, side.first(), "no server on its side of the cut answers"));
        };
        let primary = until(lab, first, "its group did not settle after the cut", |view| {
            // Members on the far side are told apart by the size alone; an arbitrator may stand on either.
            view.settled() && view.members() <= side.len() + lab.of(Role::Arbitrator).len()
        })?
        .is_primary();
        if primary {
            say(&format!("the side of {} is still a Primary Component", first.name));
        } else {
            galera::bootstrap_component(lab, first)?;
            until(lab, first, "pc.bootstrap made no Primary Component", View::is_primary)?;
            say(&format!("{} made its side a Primary Component", first.name));
        }
    }
    Ok(())
}

fn until(lab: &Lab, node: &Node, what: &str, test: impl Fn(&View) -> bool) -> Result<View, LabError> {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let found = galera::view(lab, node);
        match found {
            Ok(view) if test(&view) => return Ok(view),
            _ if Instant::now() > deadline => return Err(not_set(lab, Some(node), what)),
            _ => thread::sleep(Duration::from_millis(200)),
        }
    }
}

fn not_set(lab: &Lab, node: Option<&Node>, found: &str) -> LabError {
    LabError::NotSet {
        lab: lab.name.to_string(),
        node: node.map(|node| node.name.clone()).unwrap_or_default(),
        kind: FaultKind::BootstrapBoth.as_str(),
        found: found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    #[test]
    fn a_partition_cuts_from_all_others_and_joins_the_named() {
        let lab = sample();
        let [one, _, three] = &lab.node[..] else { panic!("three nodes") };
        assert_eq!(
            others(&lab, std::slice::from_ref(one)),
            [Ipv4Addr::new(10, 99, 7, 12), Ipv4Addr::new(10, 99, 7, 13)]
        );
        assert_eq!(others(&lab, &[one.clone(), three.clone()]), [Ipv4Addr::new(10, 99, 7, 12)]);
    }
}
