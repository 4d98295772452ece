//! A lab's own bridge and addresses.

use std::net::Ipv4Addr;
use std::path::Path;

use super::error::LabError;
use super::host::Call;
use super::name::LabName;
use super::state::Lab;

/// A range of addresses, as routes name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    base: u32,
    prefix: u8,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let (address, prefix): (Ipv4Addr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
        (prefix <= 32).then(|| Self { base: u32::from(address) & mask(prefix), prefix })
    }

    fn overlaps(self, other: Self) -> bool {
        let both = mask(self.prefix.min(other.prefix));
        self.base & both == other.base & both
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

/// The bridge of a lab: from its name alone, so that it can be removed when nothing else is known.
pub(crate) fn bridge(name: &LabName) -> String {
    format!("bgl-{}", name.short())
}

/// A machine's name on this host; its interface is called after it.
pub(crate) fn machine(name: &LabName, node: &str) -> String {
    format!("{}-{node}", name.short())
}

/// An address for a lab's bridge whose /24 nothing on this host uses.
pub(crate) fn choose(name: &LabName) -> Result<Ipv4Addr, LabError> {
    let mut routes = Call::new("ip").args(["-4", "route", "show", "table", "all"]).run()?.stdout;
    // Labs whose bridge is gone, after the host started anew, still own their addresses.
    for lab in super::state::labs().iter().filter(|other| *other != name.as_str()) {
        if let Some(Ok(Some(lab))) = lab.parse().ok().map(|other| Lab::find(&other)) {
            routes.push_str(&lab.host.to_string());
            routes.push_str("/24\n");
        }
    }
    free(&taken(&routes), name.spread()).ok_or(LabError::NoAddresses)
}

/// The ranges routes name, without the default route, which names none.
fn taken(routes: &str) -> Vec<Range> {
    const KINDS: &[&str] = &[
        "unicast",
        "local",
        "broadcast",
        "multicast",
        "throw",
        "unreachable",
        "prohibit",
        "blackhole",
        "nat",
        "anycast",
    ];
    routes
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| !KINDS.contains(word)))
        .filter_map(Range::parse)
        .filter(|range| range.prefix > 0)
        .collect()
}

/// The first free /24, beginning where the lab's name points, so that a lab made anew keeps its addresses.
fn free(taken: &[Range], spread: u8) -> Option<Ipv4Addr> {
    [(10, 99), (172, 29), (192, 168)].into_iter().find_map(|(a, b)| {
        (0..=u8::MAX).map(|step| spread.wrapping_add(step)).find_map(|c| {
            let range = Range { base: u32::from(Ipv4Addr::new(a, b, c, 0)), prefix: 24 };
            (!taken.iter().any(|other| other.overlaps(range))).then_some(Ipv4Addr::new(a, b, c, 1))
        })
    })
}

/// The address of a lab's n-th place; the first data node has the first.
pub(crate) fn address(host: Ipv4Addr, number: u8) -> Ipv4Addr {
    let [a, b, c, _] = host.octets();
    Ipv4Addr::new(a, b, c, number.saturating_add(10))
}

/// Makes the bridge, where it is not there yet.
pub(crate) fn bring_up(lab: &Lab) -> Result<(), LabError> {
    if !Path::new("/sys/class/net").join(&lab.bridge).exists() {
        Call::new("ip").args(["link", "add", "name", &lab.bridge, "type", "bridge"]).run()?;
    }
    let address = format!("{}/24", lab.host);
    Call::new("ip").args(["address", "replace", &address, "dev", &lab.bridge]).run()?;
    Call::new("ip").args(["link", "set", "dev", &lab.bridge, "up"]).run()?;
    Ok(())
}

/// Removes the bridge and every interface left on this host's side.
pub(crate) fn take_down(name: &LabName) -> Result<(), LabError> {
    for link in links(name) {
        // It may go by itself at this moment, with the machine at its other end.
        let gone = Call::new("ip").args(["link", "delete", "dev", &link]).ask()?;
        if Path::new("/sys/class/net").join(&link).exists() {
            return Err(LabError::Stuck {
                lab: name.to_string(),
                what: format!("interface {link}"),
                found: gone.stderr.trim().to_owned(),
            });
        }
    }
    Ok(())
}

/// The interfaces of a lab on this host, the bridge last.
pub(crate) fn links(name: &LabName) -> Vec<String> {
    let (bridge, prefix) = (bridge(name), format!("vb-{}-", name.short()));
    let mut links: Vec<String> = std::fs::read_dir("/sys/class/net")
        .map(|dir| {
            dir.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok()).collect()
        })
        .unwrap_or_default();
    links.retain(|link| *link == bridge || link.starts_with(&prefix));
    links.sort_by_key(|link| *link == bridge);
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(routes: &str) -> Vec<Range> {
        taken(routes)
    }

    #[test]
    fn reads_routes_of_every_kind() {
        let routes = "default via 192.0.2.1 dev eth0\n192.0.2.0/24 dev eth0 proto kernel\n\
            local 10.99.7.1 dev x table local\nbroadcast 10.99.8.255 dev x\nunreachable 10.98.0.0/16\n";
        assert_eq!(ranges(routes).len(), 4);
    }

    #[test]
    fn takes_the_range_its_name_points_to_when_it_is_free() {
        assert_eq!(free(&[], 7), Some(Ipv4Addr::new(10, 99, 7, 1)));
    }

    #[test]
    fn steps_over_what_is_in_use() {
        let used = ranges("10.99.7.0/24 dev a\nlocal 10.99.8.1 dev b\n10.99.255.0/24 dev c\n");
        assert_eq!(free(&used, 7), Some(Ipv4Addr::new(10, 99, 9, 1)));
        assert_eq!(free(&used, 255), Some(Ipv4Addr::new(10, 99, 0, 1)));
    }

    #[test]
    fn leaves_the_usual_range_where_a_wide_route_holds_it() {
        assert_eq!(free(&ranges("10.0.0.0/8 dev vpn\n"), 7), Some(Ipv4Addr::new(172, 29, 7, 1)));
        assert_eq!(free(&ranges("0.0.0.0/1 dev vpn\n128.0.0.0/1 dev vpn\n"), 7), None);
    }

    #[test]
    fn names_fit_the_kernels_fifteen_characters() {
        let name: LabName = "a2345678901234567890".parse().unwrap();
        assert!(bridge(&name).len() <= 15);
        assert!(format!("vb-{}", machine(&name, "g9")).len() <= 15);
        assert_eq!(address(Ipv4Addr::new(10, 99, 7, 1), 3), Ipv4Addr::new(10, 99, 7, 13));
    }
}
