//! What stands around the data nodes: arbitrators, load balancers and what they ask the nodes, monit. Written into
//! the machines before they start, and started once the cluster is whole.

use std::thread;
use std::time::{Duration, Instant};

use super::error::LabError;
use super::host::Call;
use super::role::Role;
use super::state::{Lab, Manager, Node};
use super::{Say, galera, machine};

/// One file of a machine.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: &'static str,
    pub(crate) text: String,
    pub(crate) mode: u32,
}

/// Answers on port 9200 whether this node may be sent clients: what most load balancers in front of Galera ask.
const CLUSTERCHECK: &str = r#"#!/bin/sh
# 200 where this node is Synced, else 503: the load balancer asks before it sends anybody here.
while IFS= read -r line; do
    line=${line%"$(printf '\r')"}
    [ -n "$line" ] || break
done
state=$(timeout -k 1 3 mariadb --connect-timeout=2 -NBe "SHOW GLOBAL STATUS LIKE 'wsrep_local_state'" 2>/dev/null | cut -f2)
if [ "$state" = 4 ]; then
    head='200 OK' text='Galera cluster node is synced.'
else
    head='503 Service Unavailable' text='Galera cluster node is not synced.'
fi
printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\r\n' \
    "$head" $((${#text} + 2)) "$text"
"#;

const CLUSTERCHECK_SOCKET: &str = "[Unit]\nDescription=Whether this node may be sent clients\n\n\
    [Socket]\nListenStream=9200\nAccept=yes\n\n[Install]\nWantedBy=sockets.target\n";

const CLUSTERCHECK_SERVICE: &str = "[Unit]\nDescription=One answer of clustercheck\nCollectMode=inactive-or-failed\n\n\
    [Service]\nExecStart=/usr/local/bin/clustercheck\nStandardInput=socket\nStandardOutput=socket\n\
    StandardError=journal\nRuntimeMaxSec=10\n";

/// A second restarter beside the unit, as many a cluster has: it looks every five seconds.
const MONITRC: &str = "set daemon 5\nset log /var/log/monit.log\nset idfile /var/lib/monit/id\n\
    set statefile /var/lib/monit/state\nset httpd port 2812 and\n    use address localhost\n    allow localhost\n\n\
    check process mariadb with pidfile /run/mysqld/mysqld.pid\n\
    \x20   start program = \"/usr/bin/systemctl start mariadb.service\" with timeout 60 seconds\n\
    \x20   stop program = \"/usr/bin/systemctl stop mariadb.service\" with timeout 60 seconds\n";

/// What a machine needs for its role.
pub(crate) fn files(lab: &Lab, node: &Node) -> Vec<File> {
    let file = |path, text: String, mode| File { path, text, mode };
    match node.role {
        Role::Data => {
            let mut files =
                vec![file("etc/mysql/mariadb.conf.d/60-galera.cnf", galera::config(lab, node), 0o644)];
            if !lab.of(Role::Proxy).is_empty() {
                files.push(file("usr/local/bin/clustercheck", CLUSTERCHECK.to_owned(), 0o755));
                files.push(file(
                    "etc/systemd/system/clustercheck.socket",
                    CLUSTERCHECK_SOCKET.to_owned(),
                    0o644,
                ));
                files.push(file(
                    "etc/systemd/system/clustercheck@.service",
                    CLUSTERCHECK_SERVICE.to_owned(),
                    0o644,
                ));
            }
            if lab.manager == Manager::Monit {
                files.push(file("etc/monit/monitrc", MONITRC.replace("/run/mysqld", lab.run()), 0o600));
            }
            files
        }
        Role::Arbitrator => vec![file("etc/default/garb", garb(lab), 0o644)],
        Role::Proxy => vec![file("etc/haproxy/haproxy.cfg", haproxy(lab), 0o644)],
    }
}

fn garb(lab: &Lab) -> String {
    let nodes: Vec<String> = lab.of(Role::Data).iter().map(|node| format!("{}:4567", node.address)).collect();
    format!("GALERA_NODES=\"{}\"\nGALERA_GROUP=\"{}\"\n", nodes.join(" "), lab.name)
}

fn haproxy(lab: &Lab) -> String {
    let servers = lab.of(Role::Data).iter().fold(String::new(), |text, node| {
        text + &format!("    server {} {}:3306 check\n", node.name, node.address)
    });
    format!(
        "global\n    stats socket /run/haproxy/admin.sock mode 660 level admin\n    user haproxy\n    group haproxy\n\n\
         defaults\n    mode tcp\n    timeout connect 3s\n    timeout check 3s\n    timeout client 1h\n    timeout server 1h\n\n\
         listen galera\n    bind *:3306\n    balance leastconn\n    option httpchk\n    \
         default-server port 9200 inter 1s fall 2 rise 1\n{servers}"
    )
}

/// Starts them, and waits until they see the cluster as it is.
pub(crate) fn start(lab: &Lab, say: Say<'_>) -> Result<(), LabError> {
    let proxies = lab.of(Role::Proxy);
    if !proxies.is_empty() {
        for node in lab.of(Role::Data) {
            // What only answers starts with its machine again; no server does.
            inside(lab, &node)?
                .args(["systemctl", "enable", "--quiet", "--now", "clustercheck.socket"])
                .run()?;
        }
    }
    for node in &proxies {
        inside(lab, node)?.args(["systemctl", "enable", "--quiet", "--now", node.role.unit()]).run()?;
        until(lab, || backends(lab, node))?;
        say(&format!("{} sends clients to the data nodes", node.name));
    }
    if lab.manager == Manager::Monit {
        for node in lab.of(Role::Data) {
            inside(lab, &node)?.args(["systemctl", "start", "monit.service"]).run()?;
            until(lab, || watched(lab, &node))?;
            say(&format!("monit watches the server of {}", node.name));
        }
    }
    Ok(())
}

fn inside(lab: &Lab, node: &Node) -> Result<Call, LabError> {
    machine::inside(&lab.name, &node.name)
}

fn until(lab: &Lab, test: impl Fn() -> Result<(), String>) -> Result<(), LabError> {
    let seconds = 30;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let Err(found) = test() else { return Ok(()) };
        if Instant::now() > deadline {
            return Err(LabError::NotFormed { lab: lab.name.to_string(), seconds, found });
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Whether a load balancer sees every data node as up, by its own checks; else what it sees.
fn backends(lab: &Lab, node: &Node) -> Result<(), String> {
    let call = inside(lab, node).map_err(|error| error.to_string())?;
    let text = call
        .args(["socat", "-t5", "-", "UNIX-CONNECT:/run/haproxy/admin.sock"])
        .stdin("show stat\n")
        .ask()
        .map_err(|error| error.to_string())?
        .stdout;
    judge(&text, lab.of(Role::Data).len()).map_err(|found| format!("{} {found}", node.name))
}

fn judge(stat: &str, nodes: usize) -> Result<(), String> {
    let rows = stat.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let states: Vec<(String, String)> = rows
        .filter_map(|row| match (row.first(), row.get(1), row.get(17)) {
            (Some(&"galera"), Some(name), Some(state)) if !["FRONTEND", "BACKEND"].contains(name) => {
                Some(((*name).to_owned(), (*state).to_owned()))
            }
            _ => None,
        })
        .collect();
    if states.len() == nodes && states.iter().all(|(_, state)| state == "UP") {
        return Ok(());
    }
    let seen: Vec<String> = states.iter().map(|(name, state)| format!("{name} {state}")).collect();
    Err(format!("does not see all data nodes UP: {}", seen.join(", ")))
}

/// Whether monit watches a node's server.
fn watched(lab: &Lab, node: &Node) -> Result<(), String> {
    let call = inside(lab, node).map_err(|error| error.to_string())?;
    let said = call.args(["monit", "-B", "status", "mariadb"]).ask().map_err(|error| error.to_string())?;
    // The long form says the state whole; the summary cuts it.
    let monitored = said.stdout.lines().any(|line| {
        line.trim().strip_prefix("monitoring status").is_some_and(|state| state.trim() == "Monitored")
    });
    if monitored { Ok(()) } else { Err(format!("monit does not watch the server of {}", node.name)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    #[test]
    fn each_role_gets_its_own_files() {
        let mut lab = sample();
        let paths = |lab: &Lab, index: usize| -> Vec<&str> {
            files(lab, &lab.node[index]).iter().map(|file| file.path).collect()
        };
        assert_eq!(paths(&lab, 0), ["etc/mysql/mariadb.conf.d/60-galera.cnf"]);
        lab.node.push(Node { name: "a1".to_owned(), address: lab.host, role: Role::Arbitrator });
        lab.node.push(Node { name: "p1".to_owned(), address: lab.host, role: Role::Proxy });
        lab.manager = Manager::Monit;
        assert_eq!(paths(&lab, 0).len(), 5);
        assert_eq!(paths(&lab, 3), ["etc/default/garb"]);
        assert_eq!(paths(&lab, 4), ["etc/haproxy/haproxy.cfg"]);
        // Only what holds data is in the group's addresses and behind the load balancer.
        assert!(garb(&lab).starts_with(
            "GALERA_NODES=\"10.99.7.11:4567 10.99.7.12:4567 10.99.7.13:4567\"\nGALERA_GROUP=\"shop\"\n"
        ));
        assert_eq!(haproxy(&lab).matches("    server g").count(), 3);
        assert_eq!(galera::config(&lab, &lab.node[0]).matches("10.99.7.").count(), 4);
    }

    #[test]
    fn a_load_balancer_has_to_see_all_nodes_up() {
        let row = |name: &str, state: &str| format!("galera,{name},0,0,0,0,,0,0,0,,0,,0,0,0,0,{state},1\n");
        let stat = |two: &str| {
            format!(
                "# pxname,svname\n{}{}{}{}",
                row("FRONTEND", "OPEN"),
                row("g1", "UP"),
                row("g2", two),
                row("BACKEND", "UP")
            )
        };
        assert_eq!(judge(&stat("UP"), 2), Ok(()));
        assert!(judge(&stat("DOWN"), 2).unwrap_err().contains("g2 DOWN"));
        assert!(judge(&stat("UP"), 3).is_err());
        assert!(judge("", 1).is_err());
    }
}
