//! Packet rules of the network faults: one chain per fault inside the machine's own network, so that taking one
//! fault away leaves the others.

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::error::LabError;
use super::machine;

/// The ports a member of the cluster meets another member on.
const CLUSTER: [u16; 4] = [4567, 4568, 4444, 3306];

/// The chain of a fault.
fn chain(fault: &str) -> String {
    format!("breakglass-{fault}")
}

/// The rules that cut a node from these addresses, in the form of `iptables-restore`. No rule asks whether a
/// connection is new: what is established is cut too.
pub(crate) fn partition(fault: &str, others: &[Ipv4Addr]) -> String {
    restore(fault, |rules, chain| {
        for other in others {
            for port in CLUSTER {
                // Galera's own port can be spoken to over UDP as well.
                let protocols: &[&str] = if port == 4567 { &["tcp", "udp"] } else { &["tcp"] };
                for (side, protocol) in protocols.iter().flat_map(|p| [("-s", p), ("-d", p)]) {
                    for end in ["--sport", "--dport"] {
                        rule(rules, &format!("-A {chain} {side} {other} -p {protocol} {end} {port} -j DROP"));
                    }
                }
            }
        }
    })
}

/// The rules that keep SSH from answering, also in sessions that are open.
pub(crate) fn unreachable(fault: &str) -> String {
    restore(fault, |rules, chain| {
        for end in ["--sport", "--dport"] {
            rule(rules, &format!("-A {chain} -p tcp {end} 22 -j DROP"));
        }
    })
}

/// The rules that let so many bytes of a full transfer reach the node and then no more.
pub(crate) fn half_transfer(fault: &str, bytes: u64) -> String {
    let chain = chain(fault);
    let mut rules = format!("*filter\n:{chain} - [0:0]\n");
    rule(&mut rules, &format!("-A {chain} -p tcp --dport 4444 -m quota --quota {bytes} -j ACCEPT"));
    rule(&mut rules, &format!("-A {chain} -p tcp --dport 4444 -j DROP"));
    rule(&mut rules, &format!("-I INPUT -j {chain}"));
    rule(&mut rules, "COMMIT");
    rules
}

/// Whether a transfer has come to where those rules hold it: a first packet was dropped.
pub(crate) fn stalled(pid: i32, fault: &str) -> Result<bool, LabError> {
    let args = ["iptables", "--wait", "10", "--list", &chain(fault), "--verbose", "--numeric", "--exact"];
    Ok(dropped(&machine::in_network(pid).args(args).run()?.stdout))
}

fn dropped(listed: &str) -> bool {
    listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .any(|words| words.get(2) == Some(&"DROP") && words.first().is_some_and(|packets| *packets != "0"))
}

fn restore(fault: &str, fill: impl FnOnce(&mut String, &str)) -> String {
    let chain = chain(fault);
    let mut rules = format!("*filter\n:{chain} - [0:0]\n");
    fill(&mut rules, &chain);
    // Entered last, so that the cut is made by one rule per direction and not bit by bit.
    rule(&mut rules, &format!("-I INPUT -j {chain}"));
    rule(&mut rules, &format!("-I OUTPUT -j {chain}"));
    rule(&mut rules, "COMMIT");
    rules
}

/// The rules that take a fault's chain away again, from what the kernel lists now; none where nothing is left.
fn undo(fault: &str, listed: &str) -> Option<String> {
    let chain = chain(fault);
    let exists = listed.lines().any(|line| line == format!("-N {chain}"));
    exists.then(|| {
        let mut rules = "*filter\n".to_owned();
        for from in ["INPUT", "OUTPUT"] {
            let jump = format!("-A {from} -j {chain}");
            for _ in listed.lines().filter(|line| *line == jump) {
                rule(&mut rules, &format!("-D {from} -j {chain}"));
            }
        }
        rule(&mut rules, &format!("-F {chain}"));
        rule(&mut rules, &format!("-X {chain}"));
        rule(&mut rules, "COMMIT");
        rules
    })
}

fn rule(rules: &mut String, line: &str) {
    // Writing to a string cannot fail.
    writeln!(rules, "{line}").unwrap_or_default();
}

/// Sets rules in the network of the machine with this first process.
pub(crate) fn set(pid: i32, rules: &str) -> Result<(), LabError> {
    machine::in_network(pid).args(["iptables-restore", "--noflush", "--wait", "10"]).stdin(rules).run()?;
    Ok(())
}

/// Takes a fault's rules out of the network of the machine with this first process.
pub(crate) fn clear(pid: i32, fault: &str) -> Result<(), LabError> {
    let listed = machine::in_network(pid).args(["iptables", "--wait", "10", "--list-rules"]).run()?.stdout;
    undo(fault, &listed).map_or(Ok(()), |rules| set(pid, &rules))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_drops_every_cluster_port_both_ways_and_nothing_else() {
        let text = partition("f1", &[Ipv4Addr::new(10, 99, 7, 12)]);
        let drops: Vec<&str> = text.lines().filter(|line| line.ends_with("-j DROP")).collect();
        // Four ports over TCP and one over UDP, from and to, as source and as destination port.
        assert_eq!(drops.len(), 5 * 4);
        assert!(drops.iter().all(|line| line.contains(" 10.99.7.12 ") && !line.contains(" 22 ")));
        assert!(!text.contains("state") && !text.contains("conntrack"));
        assert!(text.contains("-A breakglass-f1 -d 10.99.7.12 -p tcp --sport 3306 -j DROP"));
        assert!(text.ends_with("-I INPUT -j breakglass-f1\n-I OUTPUT -j breakglass-f1\nCOMMIT\n"));
    }

    #[test]
    fn unreachable_touches_port_22_only() {
        let text = unreachable("f2");
        assert_eq!(text.lines().filter(|line| line.ends_with("-j DROP")).count(), 2);
        assert!(text.contains("--dport 22") && text.contains("--sport 22"));
    }

    #[test]
    fn a_transfer_is_held_after_its_bytes_and_that_is_seen() {
        let text = half_transfer("f4", 20);
        assert!(text.contains("--quota 20 -j ACCEPT\n-A breakglass-f4 -p tcp --dport 4444 -j DROP\n"));
        let listed = |packets: u32| {
            format!(
                "Chain breakglass-f4 (1 references)\n    pkts      bytes target     prot opt in     out     source\n\
                 \x20     10      900 ACCEPT     6    --  *      *       0.0.0.0/0\n\
                 \x20      {packets}        0 DROP       6    --  *      *       0.0.0.0/0\n"
            )
        };
        assert!(!dropped(&listed(0)) && dropped(&listed(3)) && !dropped(""));
    }

    #[test]
    fn undoing_takes_only_its_own_chain() {
        let listed = "-P INPUT ACCEPT\n-N breakglass-f1\n-N breakglass-f10\n-A INPUT -j breakglass-f10\n\
            -A INPUT -j breakglass-f1\n-A OUTPUT -j breakglass-f1\n-A OUTPUT -j breakglass-f10\n";
        assert_eq!(
            undo("f1", listed).unwrap(),
            "*filter\n-D INPUT -j breakglass-f1\n-D OUTPUT -j breakglass-f1\n-F breakglass-f1\n-X breakglass-f1\nCOMMIT\n"
        );
        assert_eq!(undo("f3", listed), None);
    }
}
