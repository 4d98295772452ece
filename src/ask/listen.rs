//! Sockets: who listens, from /proc/net/tcp, and which group connections are silent, from `ss`.

use crate::facts::{Known, Plain, WhyKind};

/// Keepalives of the group come every second; after two missed ones a peer is silent. Galera itself drops the
/// connection after about 3.3 s (gmcast.peer_timeout), so a longer wait would see nothing.
const SILENT_MS: u64 = 2000;

/// The ports of the sockets that listen. `None` where a line is not of the kernel's form: a port overlooked would
/// look closed.
pub(super) fn ports(text: &str) -> Option<Vec<u16>> {
    text.lines().filter(|line| !line.trim().is_empty()).map(port).collect()
}

/// The local port of a line such as `  0: 00000000:0CEA 00000000:0000 0A …`; addresses and ports are hexadecimal.
fn port(line: &str) -> Option<u16> {
    let mut words = line.split_ascii_whitespace();
    words.next()?.strip_suffix(':')?.parse::<u64>().ok()?;
    let (_, port) = words.next()?.rsplit_once(':')?;
    words.next()?;
    (words.next()? == "0A" && port.len() == 4).then_some(())?;
    u16::from_str_radix(port, 16).ok()
}

/// The ports whose owners are told.
const WATCHED: [u16; 4] = [3306, 4567, 4568, 4444];

/// Who listens on the server's ports, `port pid name` each, from `ss -ltnpH`. Another user's sockets are shown without
/// their owner: then the answer is not known.
pub(super) fn owners(text: &str) -> Known<Vec<Plain>> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let port = line.split_ascii_whitespace().nth(3).and_then(|local| local.rsplit_once(':'));
        let Some(port) = port.and_then(|(_, port)| port.parse::<u16>().ok()) else {
            return Known::unknown(WhyKind::Malformed, format!("{line:?} is no line of ss"));
        };
        if !WATCHED.contains(&port) {
            continue;
        }
        let Some((_, users)) = line.split_once("users:(") else {
            return Known::unknown(
                WhyKind::Denied,
                format!("who listens on {port} is not shown to this user"),
            );
        };
        // (("rsync",pid=12,fd=4),("rsync",pid=13,fd=4))
        for user in users.split("(\"").skip(1) {
            let owner = user.rsplit_once("\",pid=").and_then(|(name, rest)| {
                let (pid, _) = rest.split_once(',')?;
                pid.parse::<u64>().ok().map(|pid| Plain::new(format!("{port} {pid} {name}")))
            });
            let Some(owner) = owner else {
                return Known::unknown(WhyKind::Malformed, format!("{line:?} names no process"));
            };
            if !found.contains(&owner) {
                found.push(owner);
            }
        }
    }
    Known::Known(found)
}

/// The addresses of the peers with an established group connection, each once.
pub(super) fn peers(text: &str) -> Vec<Plain> {
    let mut peers: Vec<Plain> = text
        .lines()
        .filter(|line| !line.starts_with(char::is_whitespace))
        .filter_map(|line| line.split_ascii_whitespace().nth(3)?.rsplit_once(':'))
        .map(|(address, _)| Plain::new(address))
        .collect();
    peers.sort();
    peers.dedup();
    peers
}

/// Established group connections over which nothing came for 2 s or more: `address silence`. Reads
/// `ss -tinH state established`: a line of queues and addresses, then an indented one with `lastrcv:MS`.
pub(super) fn silent_peers(text: &str) -> Vec<Plain> {
    let mut silent = Vec::new();
    let mut peer = None;
    for line in text.lines() {
        if !line.starts_with(char::is_whitespace) {
            peer = line.split_ascii_whitespace().nth(3);
        }
        let ms = line
            .split_ascii_whitespace()
            .find_map(|word| word.strip_prefix("lastrcv:"))
            .and_then(|ms| ms.parse::<u64>().ok());
        if let (Some(peer), Some(ms)) = (peer, ms.filter(|ms| *ms >= SILENT_MS)) {
            silent.push(Plain::new(format!("{peer} {} s", ms / 1000)));
        }
    }
    silent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn listening_ports_of_both_families() {
        let text = "   0: 00000000:0CEA 00000000:0000 0A 00000000:00000000 00:00\n\
              12: 00000000000000000000000000000000:11D7 00000000000000000000000000000000:0000 0A 0\n\n";
        assert_eq!(ports(text), Some(vec![3306, 4567]));
        assert_eq!(ports(""), Some(vec![]));
        assert_eq!(ports("   0: 00000000:0CEA 00000000:0000 01 0"), None);
        assert_eq!(ports("sl local_address"), None);
    }

    #[test]
    fn owners_of_the_ports() {
        let text = "LISTEN 0      4096   0.0.0.0:4567 0.0.0.0:* users:((\"mariadbd\",pid=42,fd=8)) \n\
            LISTEN 0      80        [::]:3306    [::]:* users:((\"mariadbd\",pid=42,fd=28))\n\
            LISTEN 0 5 *:4444 *:* users:((\"rsync\",pid=12,fd=4),(\"a b\",pid=13,fd=4))\nLISTEN 0 1 *:22 *:*\n";
        assert_eq!(
            owners(text),
            Known::Known(
                ["4567 42 mariadbd", "3306 42 mariadbd", "4444 12 rsync", "4444 13 a b"]
                    .map(Plain::from)
                    .to_vec()
            )
        );
        assert_eq!(owners(""), Known::Known(Vec::new()));
        assert_eq!(owners("LISTEN 0 5 *:4444 *:*").why().unwrap().kind, WhyKind::Denied);
        assert_eq!(owners("ss: cannot").why().unwrap().kind, WhyKind::Malformed);
        assert_eq!(
            owners("LISTEN 0 5 *:4444 *:* users:((\"x\",fd=1))").why().unwrap().kind,
            WhyKind::Malformed
        );
    }

    #[test]
    fn a_peer_that_says_nothing() {
        let text = "0      0      10.99.0.11:4567  10.99.0.12:41312 timer:(keepalive,1min,0)\n\t cubic wscale:7,7 rto:204 lastsnd:300 lastrcv:7044 lastack:44\n\
             0      0      10.99.0.11:33800 10.99.0.13:4567\n\t cubic lastsnd:300 lastrcv:812 lastack:44\n";
        assert_eq!(silent_peers(text), [Plain::from("10.99.0.12:41312 7 s")]);
        assert_eq!(peers(text), ["10.99.0.12", "10.99.0.13"].map(Plain::from));
        let one_line = "0 0 10.99.0.11:4567 10.99.0.12:41312 cubic lastrcv:3000";
        assert_eq!(silent_peers(one_line).len(), 1);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(LISTEN 0 5 [*]:4444 [*]:[*] users:)?[ 0-9A-F:\\nlastrcv(\",=pid]{0,80}") {
            let _ = (ports(&text), silent_peers(&text), owners(&text));
        }
    }
}
