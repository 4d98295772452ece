//! The nodes' views of the group, held against each other. One node's view is not truth (S6).

use std::collections::BTreeSet;

use super::{NodeReading, Primary, Server, standing};
use crate::facts::{ClusterUuid, Facts, Known, NodeName, Role, WhyKind, keys};

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
    /// It has a connection to every other member, as far as it could be told.
    connected: bool,
    /// It has heard every other member within the last seconds: read, not assumed.
    hears_all: bool,
}

/// All claims to be in a Primary Component, in groups that agree with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Views {
    /// Claims that name the same UUID, view number and size.
    pub(super) groups: Vec<Vec<Claim>>,
    /// Nodes that say Primary, however little else they say, and running ones that do not say.
    suspects: Vec<NodeName>,
    /// Nodes that say Primary.
    saying: Vec<NodeName>,
    /// Members that vote and cannot speak for themselves: arbitrators of the inventory, and joiners, which take their
    /// data with the door closed.
    mute: u64,
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
        let saying = nodes.iter().filter(|node| node.is_data() && says_primary(node));
        let saying = saying.map(|node| node.name().clone()).collect();
        let mute = nodes.iter().filter(|node| is_mute(node)).count() as u64;
        Self { groups, suspects, saying, mute }
    }

    /// The claims that prove a Primary: members of one view, each confirming every other, more than half of it.
    ///
    /// Half or less proves nothing: such nodes may be cut off since seconds and not know it yet (a thawed node
    /// claims its old view for 4 s and more, a partitioned one for 6 s).
    ///
    /// A member that cannot speak for itself counts where all that speak have heard every member within seconds.
    pub(super) fn proved(&self) -> Vec<Vec<&Claim>> {
        self.groups.iter().filter_map(|group| confirmed(group, self.mute)).collect()
    }

    /// Claims of another Primary than the one that is proved: views that share no member with it. A stale view still
    /// names the survivors.
    pub(super) fn rivals(&self) -> Vec<&Claim> {
        let proved = self.proved();
        let [members] = &proved[..] else { return Vec::new() };
        let Some(Known::Known(view)) = members.first().map(|claim| &claim.members) else { return Vec::new() };
        self.groups
            .iter()
            .flatten()
            .filter(|claim| claim.members.is(|other| other.is_disjoint(view)))
            .collect()
    }

    /// More than one Primary is proved, or a second is claimed by others than the first's members. Views that share a
    /// member are one group's before and after a change: two Primaries have none in common.
    pub(super) fn split(&self) -> bool {
        let proved = self.proved();
        let apart = |one: &[&Claim], other: &[&Claim]| match (view_of(one), view_of(other)) {
            (Some(one), Some(other)) => one.is_disjoint(other),
            // Whose members are not known has none in common that could be seen.
            _ => true,
        };
        let two = proved
            .iter()
            .enumerate()
            .any(|(at, one)| proved.iter().skip(at + 1).any(|other| apart(one, other)));
        two || !self.rivals().is_empty()
    }

    /// Whether this node says Primary, however little else it says.
    pub(super) fn says(&self, node: &NodeName) -> bool {
        self.saying.contains(node)
    }

    /// Whether some node says Primary, however little else it says.
    pub(super) fn said(&self) -> bool {
        !self.saying.is_empty()
    }

    /// The one proved Primary. Two of them are a split brain, and then none is *the* Primary.
    pub(super) fn primary(&self, nodes: &[NodeReading<'_>]) -> Option<Primary> {
        if self.split() {
            return None;
        }
        let proved = self.proved();
        let [members] = &proved[..] else { return None };
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
            && self.connected
            && self.members.is(|members| other.me.is(|them| members.contains(them)))
            // One server under two names would confirm itself.
            && self.me != other.me
            && match &self.silent {
                Known::Known(silent) => other.address.is(|address| !silent.contains(address)),
                // Where no tool can tell, the members' mutual word has to do; any other ignorance is a doubt.
                Known::Unknown(why) => why.kind == WhyKind::NoTool,
            }
    }
}

/// The members of the view that these claim.
fn view_of<'a>(claims: &[&'a Claim]) -> Option<&'a BTreeSet<String>> {
    claims.first().and_then(|claim| claim.members.known())
}

/// The members of `group` that all confirm each other, if they are more than half of the view.
fn confirmed(group: &[Claim], mute: u64) -> Option<Vec<&Claim>> {
    // Groups are as small as clusters; dropping whoever is least confirmed first finds the largest mutual set in
    // every case but ties that no real view can produce, and never a set that is not mutual.
    let mut members: Vec<&Claim> = group.iter().collect();
    loop {
        let doubts = |claim: &Claim| {
            let others = members.iter().filter(|other| other.index != claim.index);
            others.filter(|other| !(claim.confirms(other) && other.confirms(claim))).count()
        };
        let worst = members.iter().map(|claim| doubts(claim)).max()?;
        if worst == 0 {
            break;
        }
        members = members.iter().copied().filter(|claim| doubts(claim) < worst).collect();
    }
    // A single member has nobody to doubt it, and still has to be settled itself.
    let first = members.first().filter(|claim| claim.settled)?;
    // Also those whose word was dropped above: who looks for another view is about to leave this one.
    let heard = group.iter().all(|claim| claim.settled && claim.hears_all);
    let votes = members.len() as u64;
    let votes = if heard { votes + mute.min(first.size.saturating_sub(votes)) } else { votes };
    (votes * 2 > first.size).then_some(members)
}

fn is_mute(node: &NodeReading<'_>) -> bool {
    match node.survey.role {
        Role::Arbitrator => true,
        Role::Data => {
            let facts = &node.survey.facts;
            // By its log it has been in a Primary Component since this start.
            let arrived = node.server == Known::Known(Server::Starting)
                && facts.get(keys::LOG_POSITION).why().is_some_and(|why| why.kind == WhyKind::Stale)
                && facts.get(keys::LOG_WAITING).is(|waiting| !waiting);
            (standing::is_joining(node) || arrived) && facts.get(keys::WSREP_CLUSTER_STATUS).known().is_none()
        }
        Role::Router | Role::Proxy => false,
    }
}

/// Whether the node says Primary, whatever else is known of it.
pub(super) fn says_primary(node: &NodeReading<'_>) -> bool {
    node.survey.facts.get(keys::WSREP_CLUSTER_STATUS).is(|status| status.as_str() == "Primary")
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
        || !says_primary(node)
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
        connected: has_all_peers(facts),
        hears_all: facts.get(keys::WSREP_PEERS).known().is_some()
            && has_all_peers(facts)
            && facts.get(keys::WSREP_PEERS_SILENT).is(Vec::is_empty),
    })
}

/// Whether the node has a connection to every other member of its view. A dropped connection shows seconds before the
/// view changes.
pub(super) fn has_all_peers(facts: &Facts) -> bool {
    match (facts.get(keys::WSREP_PEERS), facts.get(keys::WSREP_CLUSTER_SIZE)) {
        (Known::Known(peers), Known::Known(size)) => peers.len() as u64 + 1 >= size,
        (Known::Unknown(why), _) => why.kind == WhyKind::NoTool,
        (_, Known::Unknown(_)) => false,
    }
}

/// The members by mysql.wsrep_cluster_members (the first word of each row is the member's UUID); where the server has no
/// such table, by the view it keeps in gvwstate.dat.
fn members(facts: &Facts) -> Known<BTreeSet<String>> {
    let rows = match facts.get(keys::WSREP_MEMBERS) {
        Known::Known(rows) => Known::Known(rows),
        Known::Unknown(_) => facts.get(keys::GVWSTATE_MEMBERS),
    };
    rows.map(|rows| {
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
