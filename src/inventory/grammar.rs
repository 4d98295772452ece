//! The grammars of what an inventory says. Whatever passes here may stand in an argument vector or a script's
//! parameters; nothing that passes can be read as an option or by a shell.

use std::path::PathBuf;

use crate::facts::{ClusterName, NodeName, Plain};

/// A value that does not fit: what is expected, and what to write instead where that can be guessed.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) expected: String,
    pub(crate) help: Option<String>,
}

impl Misfit {
    pub(crate) fn new(expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

const NAME: &str = "1 to 63 letters, digits, `.`, `_` or `-`, the first a letter or digit";

/// A cluster's name.
pub(super) fn cluster_name(text: &str) -> Result<ClusterName, Misfit> {
    ClusterName::new(text).map_err(|_| Misfit::new(NAME))
}

/// A node's name.
pub(super) fn node_name(text: &str) -> Result<NodeName, Misfit> {
    NodeName::new(text).map_err(|_| Misfit::new(NAME))
}

/// A host name, an address or an alias of the user's ssh config.
pub(super) fn host(text: &str) -> Result<String, Misfit> {
    let expected = "a host name or address: letters, digits, `.`, `_`, `-`, never a leading `-`";
    let named = is_wordy(text, 253, |c| matches!(c, '.' | '_' | '-'));
    if named || is_ipv6(text) {
        return Ok(text.to_owned());
    }
    let misfit = Misfit::new(expected);
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    Err(match (inner, text.split_once('@'), text.split_once(':')) {
        (Some(inner), ..) if is_ipv6(inner) => misfit.help(format!("without brackets: \"{inner}\"")),
        (_, Some((user, host)), _) if self::host(host).is_ok() && self::user(user).is_ok() => {
            misfit.help(format!("the user has its own key: `user = \"{user}\"`"))
        }
        (.., Some((host, port))) if self::host(host).is_ok() && port.parse::<u16>().is_ok() => {
            misfit.help(format!("the port has its own key: `port = {port}`"))
        }
        _ => misfit,
    })
}

fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    address.parse::<core::net::Ipv6Addr>().is_ok() && is_wordy(zone, 32, |c| matches!(c, '.' | '_' | '-'))
}

/// A login name: of this side's choosing for SSH, of the node's for the server.
pub(super) fn user(text: &str) -> Result<String, Misfit> {
    if is_wordy(text, 128, |c| matches!(c, '.' | '_' | '-' | '@' | '+')) {
        return Ok(text.to_owned());
    }
    Err(Misfit::new("a login name: letters, digits, `.`, `_`, `-`, `@`, `+`, never a leading `-`"))
}

/// A database user.
pub(super) fn sql_user(text: &str) -> Result<String, Misfit> {
    let misfit = Misfit::new("a database user: 1 to 128 characters, no spaces, quotes or control characters");
    if let Some((user, host)) = text.split_once('@')
        && (host.is_empty() || self::host(host.trim_matches('\'')).is_ok() || host.contains('%'))
    {
        return Err(misfit.help(format!(
            "only the name, without the host it may come from: \"{}\"",
            user.trim_matches('\'')
        )));
    }
    let good = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '`' | '\\');
    if (1..=128).contains(&text.len()) && is_visible(text) && text.chars().all(good) {
        return Ok(text.to_owned());
    }
    Err(misfit)
}

/// A host key's fingerprint.
pub(super) fn host_key(text: &str) -> Result<String, Misfit> {
    let digest = text.strip_prefix("SHA256:").unwrap_or_default();
    if digest.len() == 43 && digest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')) {
        return Ok(text.to_owned());
    }
    let misfit = Misfit::new("`SHA256:` and 43 characters of base64");
    Err(if text.starts_with("MD5:") || text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        misfit.help("`ssh-keygen -lf FILE` prints a key's fingerprint in this form")
    } else if text.ends_with('=') {
        misfit.help("without the `=` at the end")
    } else {
        misfit
    })
}

/// A systemd service.
pub(super) fn unit(text: &str) -> Result<String, Misfit> {
    let good = |name: &str| is_wordy(name, 247, |c| matches!(c, ':' | '_' | '.' | '\\' | '@' | '-'));
    match text.strip_suffix(".service") {
        Some(name) if name.ends_with('@') => Err(Misfit::new("a unit that can run, found a template")
            .help(format!("write the instance too: \"{name}1.service\""))),
        Some(name) if good(name) => Ok(text.to_owned()),
        None if good(text) => {
            let stem = text.rsplit_once('.').map_or(text, |(stem, _)| stem);
            Err(Misfit::new("a name that ends in `.service`").help(format!("write \"{stem}.service\"")))
        }
        _ => Err(Misfit::new(
            "a systemd service: letters, digits, `:`, `_`, `.`, `@`, `-`, `\\`, ending in `.service`",
        )),
    }
}

/// A path on a node.
pub(super) fn remote_path(text: &str) -> Result<String, Misfit> {
    if !is_path(text) {
        return Err(Misfit::new("a path of at most 4096 bytes, all of them visible characters"));
    }
    if !text.starts_with('/') {
        return Err(Misfit::new("an absolute path, one that begins with `/`"));
    }
    Ok(text.to_owned())
}

/// A path on this workstation. `~/` is left to whoever opens it, for this room does not look at the world.
pub(super) fn local_path(text: &str) -> Result<PathBuf, Misfit> {
    if !is_path(text) {
        return Err(Misfit::new("a path of at most 4096 bytes, all of them visible characters"));
    }
    if text.starts_with('/') || text.strip_prefix("~/").is_some_and(|rest| !rest.is_empty()) {
        return Ok(PathBuf::from(text));
    }
    let misfit = Misfit::new("a path that begins with `/` or `~/`");
    Err(match text.strip_prefix("$HOME/").or_else(|| text.strip_prefix("${HOME}/")) {
        Some(rest) => misfit.help(format!("variables are not read here; write \"~/{rest}\"")),
        None => misfit,
    })
}

/// The name of an environment variable.
pub(super) fn variable(text: &str) -> Result<String, Misfit> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if (1..=255).contains(&text.len())
        && text.chars().all(good)
        && !text.starts_with(|c: char| c.is_ascii_digit())
    {
        return Ok(text.to_owned());
    }
    let misfit = Misfit::new("a variable's name: letters, digits, `_`, the first no digit");
    Err(match text.strip_prefix('$') {
        Some(name) if variable(name).is_ok() => misfit.help(format!("without the `$`: \"{name}\"")),
        _ => misfit,
    })
}

/// Whether `text` is made of ASCII letters, digits and what `more` allows, and is no option.
fn is_wordy(text: &str, longest: usize, more: impl Fn(char) -> bool) -> bool {
    (1..=longest).contains(&text.len())
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || more(c))
}

fn is_path(text: &str) -> bool {
    (1..=4096).contains(&text.len()) && is_visible(text)
}

/// Whether every character is shown as itself: no control, bidirectional or invisible ones.
pub(crate) fn is_visible(text: &str) -> bool {
    Plain::new(text).as_str() == text
}

/// The name of a runbook, a scenario, an input or a step.
pub(crate) fn slug(text: &str) -> Result<String, Misfit> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=63).contains(&text.len())
        && text.chars().all(good)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
    {
        return Ok(text.to_owned());
    }
    Err(Misfit::new("1 to 63 lower-case letters, digits and `-`, the first a letter, the last no `-`"))
}

/// Text for people: line ends and blanks run together, everything visible.
pub(crate) fn prose(text: &str, most: usize) -> Result<Plain, Misfit> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.is_empty() && text.chars().count() <= most && is_visible(&text) {
        return Ok(Plain::new(text));
    }
    Err(Misfit::new(format!("1 to {most} visible characters")))
}

/// A piece of the file in a message: in quotes, and short.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("\"{}…\"", text.get(..end).unwrap_or_default()),
        None => format!("\"{text}\""),
    }
}

/// The name that was most likely meant, if one is near enough to be worth saying.
pub fn nearest<'n>(text: &str, names: &[&'n str]) -> Option<&'n str> {
    if text.len() > 64 {
        return None;
    }
    let text = text.to_ascii_lowercase().replace('-', "_");
    let distance = |name: &str| strsim::damerau_levenshtein(&text, &name.replace('-', "_"));
    let best = names.iter().copied().min_by_key(|name| distance(name))?;
    (distance(best) <= 1.max(best.len().max(text.len()) / 3)).then_some(best)
}
