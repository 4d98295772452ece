//! The Galera cluster in a lab: its configuration, its first start, and whether it is whole.

use std::thread;
use std::time::{Duration, Instant};

use super::error::LabError;
use super::machine;
use super::role::Role;
use super::state::{Lab, Node};
use super::{Say, each};

/// The provider's options that a lab sets; faults that set others say these again.
pub(crate) const OPTIONS: &str = "gcache.size=32M";

/// The configuration of one node; everything not named keeps Debian's default.
pub(crate) fn config(lab: &Lab, node: &Node) -> String {
    let addresses: Vec<String> = lab.of(Role::Data).iter().map(|node| node.address.to_string()).collect();
    format!(
        "[mysqld]\nbind-address = 0.0.0.0\ninnodb_buffer_pool_size = 64M\nbinlog_format = ROW\n\
         default_storage_engine = InnoDB\ninnodb_autoinc_lock_mode = 2\n\n\
         [galera]\nwsrep_on = ON\nwsrep_provider = /usr/lib/galera/libgalera_smm.so\n\
         wsrep_cluster_name = {}\nwsrep_cluster_address = gcomm://{}\nwsrep_node_name = {}\n\
         wsrep_node_address = {}\nwsrep_sst_method = rsync\nwsrep_provider_options = \"{OPTIONS}\"\n",
        lab.name,
        addresses.join(","),
        node.name,
        node.address
    )
}

/// What one node says of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct View {
    state: String,
    status: String,
    size: String,
    uuid: String,
    members: String,
    evs: String,
}

impl View {
    fn parse(text: &str) -> Self {
        let mut view = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('\t')) {
            let field = match name.to_ascii_lowercase().as_str() {
                "wsrep_local_state_comment" => &mut view.state,
                "wsrep_cluster_status" => &mut view.status,
                "wsrep_cluster_size" => &mut view.size,
                "wsrep_cluster_state_uuid" => &mut view.uuid,
                "wsrep_incoming_addresses" => &mut view.members,
                "wsrep_evs_state" => &mut view.evs,
                _ => continue,
            };
            value.clone_into(field);
        }
        // The same members are listed in another order by each node's own counting.
        let mut members: Vec<&str> = view.members.split(',').collect();
        members.sort_unstable();
        view.members = members.join(",");
        view
    }

    fn is_synced(&self, size: usize) -> bool {
        self.state == "Synced" && self.is_primary() && self.size == size.to_string()
    }

    /// Whether this node is in a Primary Component.
    pub(crate) fn is_primary(&self) -> bool {
        self.status == "Primary"
    }

    /// Whether the group is not just about to change.
    pub(crate) fn settled(&self) -> bool {
        self.evs == "OPERATIONAL"
    }

    /// How many members the group has; what is no number is more than any.
    pub(crate) fn members(&self) -> usize {
        self.size.parse().unwrap_or(usize::MAX)
    }
}

/// What a node says of its cluster; else why it says nothing.
pub(crate) fn view(lab: &Lab, node: &Node) -> Result<View, String> {
    let call = machine::inside(&lab.name, &node.name).map_err(|error| error.to_string())?;
    let answer = call
        .args(["mariadb", "--connect-timeout=3", "--batch", "--skip-column-names", "--execute"])
        .arg("SET SESSION wsrep_sync_wait = 0; SHOW GLOBAL STATUS LIKE 'wsrep%'")
        .limit(6)
        .ask()
        .map_err(|_| "its server does not answer".to_owned())?;
    if answer.status.success() {
        Ok(View::parse(&answer.stdout))
    } else {
        Err("its server does not answer".to_owned())
    }
}

/// Whether these data nodes are one healthy cluster, each confirming the others, of so many members with its
/// arbitrators; else why not.
fn whole(lab: &Lab, nodes: &[Node], members: usize) -> Result<(), String> {
    let views = each(nodes, |node| view(lab, node));
    judge(&nodes.iter().map(|node| node.name.as_str()).zip(views).collect::<Vec<_>>(), members)
}

/// The same, for the whole lab.
pub(crate) fn healthy(lab: &Lab) -> Result<(), String> {
    let nodes = lab.of(Role::Data);
    whole(lab, &nodes, nodes.len() + lab.of(Role::Arbitrator).len())
}

fn judge(views: &[(&str, Result<View, String>)], members: usize) -> Result<(), String> {
    let mut wrong = Vec::new();
    for (name, view) in views {
        match view {
            Ok(view) if view.is_synced(members) => {}
            Ok(view) => wrong.push(format!("{name} is {} ({}, size {})", view.state, view.status, view.size)),
            Err(found) => wrong.push(format!("{name}: {found}")),
        }
    }
    let mut known = views.iter().filter_map(|(_, view)| view.as_ref().ok());
    if let Some(first) = known.next()
        && known.any(|view| (&view.uuid, &view.members) != (&first.uuid, &first.members))
    {
        wrong.push("the nodes do not see the same cluster".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Makes the group that a node is in a Primary Component, which is `pc.bootstrap`: an option among others, or where the
/// provider's options are variables of their own (from `MariaDB` 11.4 on, as Debian builds it) one of those.
pub(crate) fn bootstrap_component(lab: &Lab, node: &Node) -> Result<(), LabError> {
    let ask = |statement: &str| {
        machine::inside(&lab.name, &node.name).map(|call| {
            call.args(["mariadb", "--connect-timeout=3", "--batch", "--skip-column-names", "--execute"])
                .arg(statement)
                .limit(20)
        })
    };
    let variable = ask("SHOW GLOBAL VARIABLES LIKE 'wsrep_provider_pc_bootstrap'")?.run()?;
    ask(if variable.stdout.trim().is_empty() {
        "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'"
    } else {
        "SET GLOBAL wsrep_provider_pc_bootstrap = ON"
    })?
    .run()?;
    Ok(())
}

/// Starts the cluster for the first time: one node founds it, the others join one after the other, as Galera gives
/// its state to one joiner per donor; the arbitrators come last.
pub(crate) fn form(lab: &Lab, say: Say<'_>) -> Result<(), LabError> {
    let nodes = lab.of(Role::Data);
    for (index, node) in nodes.iter().enumerate() {
        let call = machine::inside(&lab.name, &node.name)?.limit(180);
        if index == 0 {
            say(&format!("{} founds the cluster", node.name));
            call.arg("galera_new_cluster").run()?;
        } else {
            say(&format!("{} joins", node.name));
            call.args(["systemctl", "start", "mariadb.service"]).run()?;
        }
        await_whole(lab, nodes.get(..=index).unwrap_or_default(), index + 1)?;
    }
    for (index, node) in lab.of(Role::Arbitrator).iter().enumerate() {
        say(&format!("{} joins as an arbitrator", node.name));
        machine::inside(&lab.name, &node.name)?.args(["systemctl", "start", node.role.unit()]).run()?;
        await_whole(lab, &nodes, nodes.len() + index + 1)?;
    }
    Ok(())
}

fn await_whole(lab: &Lab, nodes: &[Node], members: usize) -> Result<(), LabError> {
    let seconds = 60;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let Err(found) = whole(lab, nodes, members) else { return Ok(()) };
        if Instant::now() > deadline {
            return Err(LabError::NotFormed { lab: lab.name.to_string(), seconds, found });
        }
        thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    fn text(state: &str, size: u32, members: &str) -> String {
        format!(
            "wsrep_local_state_comment\t{state}\nwsrep_cluster_status\tPrimary\nwsrep_cluster_size\t{size}\n\
             wsrep_cluster_state_uuid\tu\nwsrep_incoming_addresses\t{members}\nwsrep_x\t1\n"
        )
    }

    #[test]
    fn whole_means_all_synced_at_the_same_size_with_the_same_members() {
        let good = |members: &str| Ok(View::parse(&text("Synced", 2, members)));
        assert_eq!(judge(&[("g1", good("a:0,b:0")), ("g2", good("b:0,a:0"))], 2), Ok(()));
        let found = judge(
            &[("g1", good("a:0,b:0")), ("g2", Ok(View::parse(&text("Donor/Desynced", 2, "a:0,b:0"))))],
            2,
        );
        assert_eq!(found.unwrap_err(), "g2 is Donor/Desynced (Primary, size 2)");
        assert!(
            judge(&[("g1", good("a:0,b:0")), ("g2", good("a:0,c:0"))], 2)
                .unwrap_err()
                .contains("same cluster")
        );
        assert!(judge(&[("g1", good("a:0,b:0")), ("g2", Err("down".to_owned()))], 2).is_err());
        // With an arbitrator they are three, though only two have anything to say.
        assert!(judge(&[("g1", good("a:0,b:0")), ("g2", good("b:0,a:0"))], 3).is_err());
    }

    #[test]
    fn the_configuration_names_the_node_and_all_addresses() {
        let lab = sample();
        let text = config(&lab, &lab.node[2]);
        assert!(text.contains("wsrep_cluster_address = gcomm://10.99.7.11,10.99.7.12,10.99.7.13\n"));
        assert!(text.contains("wsrep_cluster_name = shop\n") && text.contains("wsrep_node_name = g3\n"));
    }
}
