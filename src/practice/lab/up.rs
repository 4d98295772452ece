//! `lab up`: from nothing, from half-way, or from a lab whose machines ended, to a lab that runs.

use std::path::PathBuf;
use std::str::FromStr;

use super::cgroup::Hierarchies;
use super::error::LabError;
use super::name::LabName;
use super::role::Role;
use super::state::{self, Lab, Lock, Manager, Node, Release, SshUser};
use super::{Say, down, each, files, galera, host, inventory, machine, network, root, services};

const FAMILY: &str = "galera";

/// The size of a node's data volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume(u64);

impl Default for Volume {
    fn default() -> Self {
        Self(1 << 30)
    }
}

impl FromStr for Volume {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, LabError> {
        let bad = |why| LabError::BadVolume { given: text.to_owned(), why };
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let shift = match unit.to_ascii_lowercase().as_str() {
            "k" | "kib" => 10,
            "m" | "mib" => 20,
            "g" | "gib" => 30,
            "t" | "tib" => 40,
            _ => return Err(bad("its unit is none of K, M, G, T, KiB, MiB, GiB, TiB")),
        };
        let bytes = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(1 << shift))
            .ok_or(bad("it does not begin with a whole number"))?;
        // An empty data directory, gcache and one page of it take about 300 MiB.
        if bytes < 384 << 20 {
            return Err(bad("a node needs at least 384 MiB to join"));
        }
        if bytes > 1 << 40 {
            return Err(bad("more than 1 TiB is more than a practice cluster needs"));
        }
        Ok(Self(bytes))
    }
}

/// What is asked of a lab; what is not asked is as it is, or as usual where the lab is new.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// How many data nodes.
    pub nodes: Option<u8>,
    /// How many arbitrators.
    pub arbitrators: Option<u8>,
    /// How many load balancers.
    pub proxies: Option<u8>,
    /// Who logs in.
    pub ssh_user: Option<SshUser>,
    /// How large each data volume is.
    pub volume: Option<Volume>,
    /// Which Debian the machines are.
    pub release: Option<Release>,
    /// Who starts a server again that ended.
    pub manager: Option<Manager>,
}

impl Request {
    /// What made a lab, so that it can be made again.
    fn of(lab: &Lab) -> Self {
        let count = |role| u8::try_from(lab.of(role).len()).ok();
        Self {
            nodes: count(Role::Data),
            arbitrators: count(Role::Arbitrator),
            proxies: count(Role::Proxy),
            ssh_user: Some(lab.ssh_user),
            volume: Some(Volume(lab.volume)),
            release: Some(lab.release),
            manager: Some(lab.manager),
        }
    }

    fn count(&self, role: Role) -> u8 {
        match role {
            Role::Data => self.nodes.unwrap_or(3),
            Role::Arbitrator => self.arbitrators.unwrap_or(0),
            Role::Proxy => self.proxies.unwrap_or(0),
        }
    }
}

/// Makes a lab, or brings an existing one back to running, and gives its inventory's path.
pub fn up(name: &LabName, request: &Request, say: Say<'_>) -> Result<PathBuf, LabError> {
    host::require_all()?;
    let _lock = Lock::take(name, true, say)?;
    let inventory = go_on(name, request, say);
    if inventory.is_err() {
        // Where nothing was laid out yet nothing is left; a directory that holds something stays.
        std::fs::remove_dir(state::dir(name)).unwrap_or_default();
    }
    inventory
}

fn go_on(name: &LabName, request: &Request, say: Say<'_>) -> Result<PathBuf, LabError> {
    match Lab::find(name)? {
        Some(lab) => {
            agrees(&lab, request)?;
            if lab.formed {
                return revive(lab, say);
            }
            say(&format!("lab {name} was never finished; beginning again"));
            make(name, &Request::of(&lab), say)
        }
        None => make(name, request, say),
    }
}

fn agrees(lab: &Lab, request: &Request) -> Result<(), LabError> {
    let differs = |what, has: String, asked: String| {
        if has == asked {
            Ok(())
        } else {
            Err(LabError::Differs { lab: lab.name.to_string(), what, has, asked })
        }
    };
    let counts = [
        ("--nodes", Role::Data, request.nodes),
        ("--arbitrators", Role::Arbitrator, request.arbitrators),
        ("--proxies", Role::Proxy, request.proxies),
    ];
    for (what, role, asked) in counts {
        if let Some(asked) = asked {
            differs(what, lab.of(role).len().to_string(), asked.to_string())?;
        }
    }
    if let Some(manager) = request.manager {
        differs("--manager", lab.manager.as_str().to_owned(), manager.as_str().to_owned())?;
    }
    if let Some(user) = request.ssh_user {
        differs("--ssh-user", lab.ssh_user.as_str().to_owned(), user.as_str().to_owned())?;
    }
    if let Some(release) = request.release {
        differs("--release", lab.release.as_str().to_owned(), release.as_str().to_owned())?;
    }
    if let Some(Volume(bytes)) = request.volume {
        differs("--volume", format!("{}M", lab.volume >> 20), format!("{}M", bytes >> 20))?;
    }
    Ok(())
}

fn make(name: &LabName, request: &Request, say: Say<'_>) -> Result<PathBuf, LabError> {
    down::clear(name)?;
    let root = root::ensure(request.release.unwrap_or_default(), say)?;
    let lab = lay_out(name, request, root)?;
    say(&format!("preparing machines: {}", lab.node.len()));
    let (private, public) = files::key_pair(&inventory::key(&lab), &format!("breakglass lab {name}"))?;
    state::write(&inventory::key(&lab), &private, 0o600)?;
    let hosts: Result<Vec<String>, LabError> = each(&lab.node, |node| {
        let line = files::prepare(&lab, node, &public)?;
        // Started as soon as it is prepared: its boot overlaps with the next one's preparation.
        let started = machine::start(&lab, node)?;
        Ok::<_, LabError>((line, started))
    })
    .into_iter()
    .zip(&lab.node)
    .map(|(done, node)| {
        let (line, started) = done?;
        machine::wait(node, started, 90)?;
        say(&format!("{} is up at {}", node.name, node.address));
        Ok(line)
    })
    .collect();
    state::write(&inventory::known_hosts(&lab), &hosts?.concat(), 0o644)?;
    galera::form(&lab, say)?;
    services::start(&lab, say)?;
    finish(&Lab { formed: true, ..lab }, say)
}

/// Chooses the lab's addresses and notes them before anything is made, so that no other lab chooses the same.
fn lay_out(name: &LabName, request: &Request, root: PathBuf) -> Result<Lab, LabError> {
    let _all = Lock::all()?;
    let host = network::choose(name)?;
    let lab = Lab {
        format: Lab::FORMAT.to_owned(),
        name: name.clone(),
        family: FAMILY.to_owned(),
        release: request.release.unwrap_or_default(),
        ssh_user: request.ssh_user.unwrap_or(SshUser::Root),
        manager: request.manager.unwrap_or_default(),
        volume: request.volume.unwrap_or_default().0,
        bridge: network::bridge(name),
        host,
        root,
        formed: false,
        next_fault: 1,
        node: [Role::Data, Role::Arbitrator, Role::Proxy]
            .into_iter()
            .flat_map(|role| (1..=request.count(role)).map(move |n| (role, n)))
            .map(|(role, n)| Node {
                name: format!("{}{n}", role.letter()),
                address: network::address(host, role.place(n)),
                role,
            })
            .collect(),
        fault: Vec::new(),
    };
    lab.save()?;
    network::bring_up(&lab)?;
    Ok(lab)
}

fn finish(lab: &Lab, say: Say<'_>) -> Result<PathBuf, LabError> {
    let path = inventory::path(lab);
    state::write(&path, &inventory::render(lab), 0o644)?;
    lab.save()?;
    say(&format!("lab {} is healthy: all {} Synced", lab.name, lab.of(Role::Data).len()));
    Ok(path)
}

/// Starts the machines that do not run. Servers are left as they are: which of them may found the cluster again is
/// the question a lab is there to practise.
fn revive(mut lab: Lab, say: Say<'_>) -> Result<PathBuf, LabError> {
    network::bring_up(&lab)?;
    let groups = Hierarchies::of_this_host()?;
    let down: Vec<Node> =
        lab.node.iter().filter(|node| groups.init(&lab.name, &node.name).is_none()).cloned().collect();
    if !down.is_empty() && !lab.root.is_dir() {
        return Err(LabError::RootGone { lab: lab.name.to_string(), root: lab.root });
    }
    let started =
        each(&down, |node| machine::start(&lab, node).and_then(|started| machine::wait(node, started, 90)));
    started.into_iter().collect::<Result<Vec<()>, _>>()?;
    for node in &down {
        say(&format!("{} was started again; its server was not", node.name));
    }
    if !down.is_empty() {
        // The means of a fault end with the machine.
        for fault in &mut lab.fault {
            fault.nodes.retain(|name| !down.iter().any(|node| node.name == *name));
        }
        lab.fault.retain(|fault| !fault.nodes.is_empty());
        lab.save()?;
    }
    match galera::healthy(&lab) {
        Ok(()) => say(&format!("lab {} is healthy: all {} Synced", lab.name, lab.of(Role::Data).len())),
        Err(found) => {
            say(&format!(
                "the cluster of lab {} is not healthy, and its servers are left as they are: {found}",
                lab.name
            ));
            if !lab.fault.is_empty() {
                let faults: Vec<String> = lab
                    .fault
                    .iter()
                    .map(|f| format!("{} {} {}", f.id, f.kind.as_str(), f.nodes.join(" ")))
                    .collect();
                say(&format!("faults not healed: {}", faults.join("; ")));
            }
        }
    }
    Ok(inventory::path(&lab))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::lab::state::sample;

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [("1GiB", 1 << 30), ("1G", 1 << 30), ("800M", 800 << 20), ("512mib", 512 << 20)]
        {
            assert_eq!(text.parse::<Volume>().unwrap(), Volume(bytes), "{text}");
        }
        for bad in ["", "1", "G", "1.5G", "-1G", "1GB", "100M", "99999999999999999999G", "2T"] {
            assert!(bad.parse::<Volume>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_asked_agrees_and_what_differs_is_said() {
        assert!(agrees(&sample(), &Request::default()).is_ok());
        assert!(agrees(&sample(), &Request { nodes: Some(3), ..Request::default() }).is_ok());
        let error = agrees(&sample(), &Request { nodes: Some(5), ..Request::default() }).unwrap_err();
        assert!(error.is_usage());
        assert!(error.to_string().contains("exists with --nodes 3, not 5"), "{error}");
        assert!(agrees(&sample(), &Request { ssh_user: Some(SshUser::Ops), ..Request::default() }).is_err());
    }
}
