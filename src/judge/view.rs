//! The nodes' views of the group, held against each other. One node's view is not truth (S6).

use std::collections::BTreeSet;

use super::{NodeReading, Primary, Server};
use crate::facts::{ClusterUuid, Facts, Known, NodeName, WhyKind, keys};

/// What one node says of the group it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) node: NodeName,
    /// The node's index among the surveyed nodes, for the inventory's order.
    index: usize,
    uuid: ClusterUuid,
    conf_id: u64,
    pub(super) size: u64,
    /// The node's own UUID in the group.
    me: Known<String>,
    /// UUIDs of the view's members.
    members: Known<BTreeSet<String>>,
    /// Addresses of members that the node has not heard for seconds.
    silent: Known<Vec<String>>,
    /// This node's address, as the others see it.
    address: Known<String>,
    /// The group is not looking for another view at this moment.
    settled: bool,
}

/// All claims to be in a Primary Component, in groups that agree with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Views {
    /// Claims that name the same UUID, view number and size.
    pub(super) groups: Vec<Vec<Claim>>,
    /// Nodes that say Primary, however little else they say, and running ones that do not say.
    suspects: Vec<NodeName>,
}

impl Views {
    pub(super) fn of(nodes: &[NodeReading<'_>]) -> Self {
        let mut groups: Vec<Vec<Claim>> = Vec::new();
        for claim in nodes.iter().enumerate().filter_map(|(index, node)| claim(index, node)) {
            let same = |group: &Vec<Claim>| group.first().is_some_and(|first| first.same_view(&claim));
            match groups.iter().position(same).and_then(|at| groups.get_mut(at)) {
                Some(group) => group.push(claim),
                None => groups.push(vec![claim]),
            }
        }
        let suspects = nodes.iter().filter(|node| may_claim(node)).map(|node| node.name().clone()).collect();
        Self { groups, suspects }
    }

    /// The claims that prove a Primary: members of one view, each confirming every other, more than half of it.
    ///
    /// Half or less proves nothing: such nodes may be cut off since seconds and not know it yet (a thawed node
    /// claims its old view for 4 s and more, a partitioned one for 6 s).
    pub(super) fn proved(&self) -> Vec<Vec<&Claim>> {
        self.groups.iter().filter_map(|group| confirmed(group)).collect()
    }

    /// The one proved Primary. Two of them are a split brain, and then none is *the* Primary.
    pub(super) fn primary(&self, nodes: &[NodeReading<'_>]) -> Option<Primary> {
        let [members] = &self.proved()[..] else { return None };
        let first = members.first()?;
        let seqno = members
            .iter()
            .filter_map(|claim| nodes.get(claim.index))
            .filter_map(|node| node.position.known())
            .filter(|held| held.position.uuid == first.uuid)
            .map(|held| held.position.seqno)
            .max()?;
        Some(Primary {
            uuid: first.uuid,
            seqno,
            size: first.size,
            members: members.iter().map(|claim| claim.node.clone()).collect(),
        })
    }

    /// Whether any node may be in a Primary Component by its own word or for want of it (S6).
    pub(super) fn any(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// Whether this node may.
    pub(super) fn claims(&self, node: &NodeName) -> bool {
        self.suspects.contains(node)
    }
}

impl Claim {
    fn same_view(&self, other: &Self) -> bool {
        self.uuid == other.uuid
            && self.conf_id == other.conf_id
            && self.size == other.size
            && match (&self.members, &other.members) {
                (Known::Known(mine), Known::Known(theirs)) => mine == theirs,
                // A view whose members are not known confirms nothing; it contradicts nothing either.
                _ => true,
            }
    }

    fn confirms(&self, other: &Self) -> bool {
        self.settled
            && self.members.is(|members| other.me.is(|them| members.contains(them)))
            && match &self.silent {
                Known::Known(silent) => other.address.is(|address| !silent.contains(address)),
                // Where no tool can tell, the members' mutual word has to do; any other ignorance is a doubt.
                Known::Unknown(why) => why.kind == WhyKind::NoTool,
            }
    }
}

/// The members of `group` that all confirm each other, if they are more than half of the view.
fn confirmed(group: &[Claim]) -> Option<Vec<&Claim>> {
    // Groups are as small as clusters; dropping whoever is least confirmed first finds the largest mutual set in
    // every case but ties that no real view can produce, and never a set that is not mutual.
    let mut members: Vec<&Claim> = group.iter().collect();
    loop {
        let doubts = |claim: &Claim| {
            members.iter().filter(|other| !(claim.confirms(other) && other.confirms(claim))).count()
        };
        let worst = members.iter().map(|claim| doubts(claim)).max()?;
        if worst == 0 {
            break;
        }
        members = members.iter().copied().filter(|claim| doubts(claim) < worst).collect();
    }
    let size = members.first()?.size;
    (u64::try_from(members.len()).ok()? * 2 > size).then_some(members)
}

/// Whether the node says Primary, or runs and does not say what it is in.
fn may_claim(node: &NodeReading<'_>) -> bool {
    if !node.is_data() {
        return false;
    }
    match node.survey.facts.get(keys::WSREP_CLUSTER_STATUS) {
        Known::Known(status) => status.as_str() == "Primary",
        Known::Unknown(_) => matches!(node.server, Known::Known(Server::Running | Server::Stopping)),
    }
}

fn claim(index: usize, node: &NodeReading<'_>) -> Option<Claim> {
    let facts = &node.survey.facts;
    if !node.is_data()
        || !matches!(node.server, Known::Known(Server::Running | Server::Stopping | Server::Starting))
        || !facts.get(keys::WSREP_CLUSTER_STATUS).is(|status| status.as_str() == "Primary")
    {
        return None;
    }
    Some(Claim {
        node: node.name().clone(),
        index,
        uuid: *facts.get(keys::WSREP_CLUSTER_UUID).known()?,
        conf_id: *facts.get(keys::WSREP_CONF_ID).known()?,
        size: *facts.get(keys::WSREP_CLUSTER_SIZE).known()?,
        me: facts.get(keys::WSREP_GCOMM_UUID).map(|uuid| uuid.to_string()),
        members: members(facts),
        silent: facts
            .get(keys::WSREP_PEERS_SILENT)
            .map(|peers| peers.iter().filter_map(|peer| peer.as_str().split(' ').next()).map(host).collect()),
        address: facts.get(keys::VAR_NODE_ADDRESS).map(|address| host(address.as_str())),
        settled: facts.get(keys::WSREP_EVS_STATE).is(|state| state.as_str() == "OPERATIONAL"),
    })
}

/// The members by mysql.wsrep_cluster_members: the first word of each row is the member's UUID.
fn members(facts: &Facts) -> Known<BTreeSet<String>> {
    facts.get(keys::WSREP_MEMBERS).map(|rows| {
        rows.iter().filter_map(|row| row.as_str().split_whitespace().next()).map(str::to_owned).collect()
    })
}

/// The host of `host`, `host:port` or `[host]:port`.
fn host(address: &str) -> String {
    let bare = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, _)) => inside,
        None => match address.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => address,
        },
    };
    bare.to_owned()
}
