//! The inventory a lab hands out: one cluster, called like the lab.

use std::path::PathBuf;

use super::role::Role;
use super::state::{Lab, Node, SshUser};

/// Where a lab's inventory is.
pub(crate) fn path(lab: &Lab) -> PathBuf {
    lab.dir().join("inventory.toml")
}

/// The private key that opens a lab's machines.
pub(crate) fn key(lab: &Lab) -> PathBuf {
    lab.dir().join("id")
}

/// The host keys of a lab's machines.
pub(crate) fn known_hosts(lab: &Lab) -> PathBuf {
    lab.dir().join("known_hosts")
}

/// The inventory's text. Every value in it comes from a grammar that knows no quote.
pub(crate) fn render(lab: &Lab) -> String {
    let becomes = if lab.ssh_user == SshUser::Ops { "become = true\n" } else { "" };
    let head = format!(
        "# Written by `breakglass lab up {0}`; removed by `breakglass lab down {0}`.\n\
         format = \"breakglass.inventory/1\"\n\n[[cluster]]\nname = \"{0}\"\nfamily = \"{1}\"\n\n\
         [cluster.defaults]\nuser = \"{2}\"\n{becomes}key = \"{3}\"\nknown_hosts = \"{4}\"\n",
        lab.name,
        lab.family,
        lab.ssh_user.as_str(),
        key(lab).display(),
        known_hosts(lab).display()
    );
    let node = |node: &Node| {
        let role = match node.role {
            Role::Data => String::new(),
            other => format!("role = \"{}\"\n", other.as_str()),
        };
        format!("\n[[cluster.node]]\nname = \"{}\"\n{role}host = \"{}\"\n", node.name, node.address)
    };
    lab.node.iter().map(node).fold(head, |text, node| text + &node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    #[test]
    fn names_one_cluster_and_all_its_nodes() {
        insta::assert_snapshot!(render(&sample()), @r#"
        # Written by `breakglass lab up shop`; removed by `breakglass lab down shop`.
        format = "breakglass.inventory/1"

        [[cluster]]
        name = "shop"
        family = "galera"

        [cluster.defaults]
        user = "root"
        key = "/var/lib/breakglass-lab/shop/id"
        known_hosts = "/var/lib/breakglass-lab/shop/known_hosts"

        [[cluster.node]]
        name = "g1"
        host = "10.99.7.11"

        [[cluster.node]]
        name = "g2"
        host = "10.99.7.12"

        [[cluster.node]]
        name = "g3"
        host = "10.99.7.13"
        "#);
    }

    #[test]
    fn an_arbitrator_says_that_it_is_one() {
        let mut lab = sample();
        lab.node.push(Node { name: "a1".to_owned(), address: lab.host, role: Role::Arbitrator });
        assert!(render(&lab).ends_with("name = \"a1\"\nrole = \"arbitrator\"\nhost = \"10.99.7.1\"\n"));
    }

    #[test]
    fn an_ordinary_user_becomes_root() {
        let lab = Lab { ssh_user: SshUser::Ops, ..sample() };
        assert!(render(&lab).contains("user = \"ops\"\nbecome = true\n"));
        assert!(toml::from_str::<toml::Table>(&render(&lab)).is_ok());
    }
}
