//! Where an SSH destination leads: the inventory's word first, then the user's ssh config as `ssh -G` reads it.
//!
//! `ssh -G` is the only reader of ssh_config(5) that knows all of it (Match, tokens, Include, canonical names).

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::facts::{Reach, ReachWord};
use crate::inventory::Ssh;

use super::super::options::{Deadlines, Surroundings};
use super::super::outcome::last_words;
use super::super::process::{Silent, briefly};

/// Everything one connection needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As the inventory calls it, for messages.
    pub(crate) destination: String,
    /// Name or address to connect to.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// Login name.
    pub(crate) user: String,
    /// Whether only `identities` may be used, not what else an agent holds.
    pub(crate) identities_only: bool,
    /// Whether the inventory names the one key: its absence is an error then.
    pub(crate) explicit_key: bool,
    /// Private key files (or public ones whose private half an agent holds).
    pub(crate) identities: Vec<PathBuf>,
    /// Certificate files beside those named like a key.
    pub(crate) certificates: Vec<PathBuf>,
    /// The agent's socket.
    pub(crate) agent: Option<PathBuf>,
    /// Fingerprint the inventory pins.
    pub(crate) pinned: Option<String>,
    /// known_hosts files; those that do not exist are no error.
    pub(crate) known_hosts: Vec<PathBuf>,
    /// HostKeyAlias.
    pub(crate) host_key_alias: Option<String>,
    /// What the config wants for host keys and only OpenSSH can do.
    pub(crate) beyond_us: Vec<&'static str>,
    /// The way there, where it is not direct.
    pub(crate) proxy: Option<Proxy>,
}

/// The way to a host that is not reached directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// ProxyJump: hosts separated by commas, the first one first.
    Jump(String),
    /// ProxyCommand, before its tokens are expanded.
    Command(String),
}

impl Target {
    /// Host and port, for messages.
    pub(crate) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Expands the tokens of ssh_config(5) that a path or ProxyCommand of ours can hold; others stay as they are.
    pub(crate) fn expand(&self, text: &str, surroundings: &Surroundings) -> String {
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('%') | None => out.push('%'),
                Some('h') => out.push_str(&self.host),
                Some('n') => out.push_str(&self.destination),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(&self.user),
                Some('u') => out.push_str(&surroundings.user),
                Some('d') => out.push_str(&surroundings.home.to_string_lossy()),
                Some('k') => out.push_str(self.host_key_alias.as_deref().unwrap_or(&self.destination)),
                Some(other) => out.extend(['%', other]),
            }
        }
        out
    }
}

/// Resolves what the inventory says into a target.
pub(crate) fn resolve(
    ssh: &Ssh,
    surroundings: &Surroundings,
    deadlines: &Deadlines,
) -> Result<Target, Reach> {
    let config = if ssh.alias { ask_ssh(ssh, surroundings, deadlines)? } else { None };
    Ok(target(ssh, surroundings, config.as_deref()))
}

/// `ssh -G` for the destination; `None` where there is no ssh on this workstation.
fn ask_ssh(ssh: &Ssh, surroundings: &Surroundings, deadlines: &Deadlines) -> Result<Option<String>, Reach> {
    let mut command = Command::new(&surroundings.ssh);
    command.arg("-G");
    if let Some(file) = &surroundings.ssh_config {
        command.arg("-F").arg(file);
    }
    if let Some(port) = ssh.port {
        command.arg("-p").arg(port.to_string());
    }
    if let Some(user) = &ssh.user {
        command.arg("-l").arg(user);
    }
    command.arg("--").arg(&ssh.destination);
    let shown = format!("ssh -G {}", ssh.destination);
    let failed = |found: String| {
        Reach::failed(
            ReachWord::Command,
            format!("`{shown}` {found}; nothing was sent"),
            format!(
                "run `{shown}` by hand and correct the ssh config, or give host, port and user in the inventory"
            ),
        )
    };
    match briefly(&mut command, deadlines.config) {
        Ok(said) if said.status.success() => Ok(Some(String::from_utf8_lossy(&said.stdout).into_owned())),
        Ok(said) => Err(failed(format!("failed: {}", last_words(&said.stderr)))),
        Err(Silent::NotStarted(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(silent) => Err(failed(silent.to_string())),
    }
}

/// The settings of one `ssh -G`, by lower-case name, each with its values in order.
fn settings(text: &str) -> HashMap<&str, Vec<&str>> {
    let mut found: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        found.entry(name).or_default().push(value.trim());
    }
    found
}

fn target(ssh: &Ssh, surroundings: &Surroundings, config: Option<&str>) -> Target {
    let config = settings(config.unwrap_or_default());
    let all = |name: &str| config.get(name).map(Vec::as_slice).unwrap_or_default();
    let one =
        |name: &str| all(name).first().copied().filter(|value| !matches!(*value, "" | "none" | "(null)"));
    let mut target = Target {
        destination: ssh.destination.clone(),
        host: one("hostname").unwrap_or(&ssh.destination).to_owned(),
        port: ssh.port.or_else(|| one("port")?.parse().ok()).unwrap_or(22),
        user: ssh
            .user
            .clone()
            .or_else(|| one("user").map(str::to_owned))
            .unwrap_or_else(|| surroundings.user.clone()),
        identities_only: one("identitiesonly") == Some("yes"),
        explicit_key: false,
        identities: Vec::new(),
        certificates: Vec::new(),
        agent: surroundings.agent.clone(),
        pinned: ssh.host_key.clone(),
        known_hosts: Vec::new(),
        host_key_alias: one("hostkeyalias").map(str::to_owned),
        beyond_us: [("knownhostscommand", "KnownHostsCommand"), ("revokedhostkeys", "RevokedHostKeys")]
            .into_iter()
            .filter_map(|(name, shown)| one(name).map(|_| shown))
            .collect(),
        proxy: one("proxycommand")
            .map(|command| Proxy::Command(command.to_owned()))
            .or_else(|| one("proxyjump").map(|jump| Proxy::Jump(jump.to_owned()))),
    };
    let path = |text: &str| surroundings.expand(Path::new(&target.expand(text, surroundings)));
    let paths = |name: &str| all(name).iter().map(|text| path(text)).collect::<Vec<_>>();

    let agent = match all("identityagent").first().copied() {
        None | Some("SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK" | "${SSH_AUTH_SOCK}") => surroundings.agent.clone(),
        Some("none") => None,
        Some(text) => match text.strip_prefix('$') {
            Some(variable) => std::env::var_os(variable.trim_matches(['{', '}'])).map(PathBuf::from),
            None => Some(path(text)),
        },
    };
    let certificates =
        paths("certificatefile").into_iter().filter(|path| path != Path::new("none")).collect();
    let identities = if let Some(key) = &ssh.key {
        vec![surroundings.expand(key)]
    } else if all("identityfile").is_empty() {
        let usual = ["id_ed25519", "id_ecdsa", "id_rsa"];
        usual.iter().map(|name| surroundings.home.join(".ssh").join(name)).collect()
    } else {
        paths("identityfile").into_iter().filter(|path| path != Path::new("none")).collect()
    };
    let known_hosts = if let Some(file) = &ssh.known_hosts {
        vec![surroundings.expand(file)]
    } else if config.contains_key("userknownhostsfile") || config.contains_key("globalknownhostsfile") {
        let files = all("userknownhostsfile").iter().chain(all("globalknownhostsfile"));
        files.flat_map(|list| list.split_whitespace()).filter(|name| *name != "none").map(path).collect()
    } else {
        let own = ["known_hosts", "known_hosts2"].map(|name| surroundings.home.join(".ssh").join(name));
        own.into_iter().chain(surroundings.system_known_hosts.iter().cloned()).collect()
    };
    if ssh.key.is_some() {
        target.identities_only = true;
        target.explicit_key = true;
    }
    target.agent = agent;
    target.certificates = certificates;
    target.identities = identities;
    target.known_hosts = known_hosts;
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            home: "/home/op".into(),
            user: "op".to_owned(),
            agent: Some("/run/agent".into()),
            ssh: "ssh".into(),
            ssh_config: None,
            system_known_hosts: vec!["/etc/ssh/ssh_known_hosts".into()],
            runtime: "/tmp".into(),
        }
    }

    fn ssh(alias: bool) -> Ssh {
        Ssh {
            destination: "db1".to_owned(),
            alias,
            port: None,
            user: None,
            key: None,
            host_key: None,
            known_hosts: None,
        }
    }

    #[test]
    fn a_host_outright_has_opensshs_defaults() {
        let target = target(&ssh(false), &surroundings(), None);
        assert_eq!((target.host.as_str(), target.port, target.user.as_str()), ("db1", 22, "op"));
        assert_eq!(target.identities[0], Path::new("/home/op/.ssh/id_ed25519"));
        assert_eq!(target.known_hosts.len(), 3);
        assert_eq!(target.agent.as_deref(), Some(Path::new("/run/agent")));
        assert_eq!(target.proxy, None);
    }

    #[test]
    fn the_config_is_read_and_the_inventory_wins() {
        let config = "host db1\nhostname 10.0.0.7\nport 2200\nuser root\nidentityfile ~/.ssh/%h_key\n\
                      identitiesonly yes\nuserknownhostsfile /a /b\nglobalknownhostsfile none\nproxyjump u@j:22,k\n\
                      hostkeyalias shop1\nidentityagent none\nrevokedhostkeys /x\ncertificatefile ~/c-cert.pub\n";
        let mut asked = ssh(true);
        let read = target(&asked, &surroundings(), Some(config));
        assert_eq!((read.host.as_str(), read.port, read.user.as_str()), ("10.0.0.7", 2200, "root"));
        assert_eq!(read.identities, [Path::new("/home/op/.ssh/10.0.0.7_key")]);
        assert_eq!(read.known_hosts, [Path::new("/a"), Path::new("/b")]);
        assert_eq!(read.proxy, Some(Proxy::Jump("u@j:22,k".to_owned())));
        assert_eq!(read.host_key_alias.as_deref(), Some("shop1"));
        assert_eq!(read.certificates, [Path::new("/home/op/c-cert.pub")]);
        assert_eq!(read.agent, None);
        assert_eq!(read.beyond_us, ["RevokedHostKeys"]);
        assert!(read.identities_only && !read.explicit_key);

        asked.port = Some(22);
        asked.user = Some("dba".to_owned());
        asked.key = Some("~/k".into());
        asked.known_hosts = Some("~/kh".into());
        let read = target(&asked, &surroundings(), Some(config));
        assert_eq!((read.port, read.user.as_str()), (22, "dba"));
        assert_eq!(read.identities, [Path::new("/home/op/k")]);
        assert_eq!(read.known_hosts, [Path::new("/home/op/kh")]);
        assert!(read.explicit_key);
    }

    #[test]
    fn tokens() {
        let target = target(&ssh(false), &surroundings(), None);
        assert_eq!(
            target.expand("nc %h %p %% %r %u %n %d %Z %", &surroundings()),
            "nc db1 22 % op op db1 /home/op %Z %"
        );
    }
}
