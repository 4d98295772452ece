//! What could make a node bootstrap by itself (S10, case 8).
//!
//! A stale `wsrep-start-position` is none, and neither is the unit's own mention of `$_WSREP_NEW_CLUSTER`.

use crate::facts::Plain;

/// Finds them in `PATH:LINE:TEXT` lines of option files, drop-ins and flag files.
pub(super) fn in_files(text: &str) -> Vec<Plain> {
    text.lines()
        .filter_map(|line| {
            let (place, text) = place(line)?;
            if let Some(path) = place.strip_suffix("%flag:0") {
                return Some(Plain::new(format!("{path}: the new-cluster flag file exists")));
            }
            bootstraps(text).then(|| Plain::new(format!("{place}: {}", text.trim())))
        })
        .collect()
}

/// Finds them among the options that take effect, one `--name=value` per line.
pub(super) fn in_options(text: &str) -> Vec<Plain> {
    // The last of several wins; the cluster address is a leftover only where it takes effect.
    let address =
        text.lines().rfind(|line| option(line).is_some_and(|(name, _)| name == "wsrep-cluster-address"));
    let flags = text.lines().filter(|line| option(line).is_some_and(|(name, _)| name == "wsrep-new-cluster"));
    address
        .into_iter()
        .chain(flags)
        .filter(|line| bootstraps(line))
        .map(|line| Plain::new(format!("option files: {line}")))
        .collect()
}

/// Finds them in the manager's environment or the unit's `Environment=`.
pub(super) fn in_environment(place: &str, text: &str) -> Vec<Plain> {
    let set = |word: &&str| {
        word.trim_matches(['"', '\'']).split_once('=').is_some_and(|(name, value)| {
            name.contains("WSREP_NEW_CLUSTER") && !value.trim_matches(['"', '\'']).is_empty()
        }) || word.contains("--wsrep-new-cluster")
            || word.contains("--wsrep_new_cluster")
    };
    text.split_whitespace().filter(set).map(|word| Plain::new(format!("{place}: {word}"))).collect()
}

/// Splits `PATH:LINE:TEXT`; a path may hold colons, so the first `:digits:` counts.
fn place(line: &str) -> Option<(&str, &str)> {
    line.match_indices(':').find_map(|(at, _)| {
        let (digits, text) = line.get(at + 1..)?.split_once(':')?;
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        number.then(|| (line.get(..=at + digits.len()).unwrap_or(line), text))
    })
}

/// Whether a line of an option file, a drop-in or an environment file bootstraps.
fn bootstraps(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with(';') {
        return false;
    }
    if let Some((name, value)) = option(line) {
        return match name.as_str() {
            "wsrep-new-cluster" => !matches!(value.to_ascii_lowercase().as_str(), "0" | "off" | "false"),
            "wsrep-cluster-address" => names_nobody(value),
            _ => in_other(line),
        };
    }
    in_other(line)
}

/// A drop-in's `Environment=…` or `ExecStart=…`, or a shell's variable.
fn in_other(line: &str) -> bool {
    let lower = line.to_ascii_lowercase().replace('_', "-");
    // `UnsetEnvironment=` and `ExecStart=… $_WSREP_NEW_CLUSTER` are the stock unit's.
    let set = !lower.starts_with("unsetenvironment") && lower.contains("-wsrep-new-cluster=");
    let empty_address = lower
        .split_once("--wsrep-cluster-address=")
        .is_some_and(|(_, value)| names_nobody(value.split_whitespace().next().unwrap_or_default()));
    set || lower.contains("--wsrep-new-cluster") || empty_address
}

/// `name` and `value` of an option in an option file's or a command line's form; `-` and `_` are one. A comment behind
/// the value is left out.
fn option(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    let name = name.trim().trim_start_matches("--").replace('_', "-").to_ascii_lowercase();
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    named.then_some((name, value))
}

/// Whether a cluster address is `gcomm://` without a member: options alone (`?…`) are no member.
fn names_nobody(value: &str) -> bool {
    value.strip_prefix("gcomm://").is_some_and(|rest| {
        rest.split('?').next().unwrap_or_default().trim_matches([',', ' ', '/']).is_empty()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(line: &str) -> bool {
        !in_files(&format!("/etc/mysql/x.cnf:3:{line}")).is_empty()
    }

    #[test]
    fn what_bootstraps() {
        for line in [
            "wsrep_cluster_address=gcomm://",
            "wsrep-cluster-address = \"gcomm://\"",
            "loose_x=1\nwsrep_cluster_address='gcomm://?pc.wait_prim=no'",
            "wsrep_new_cluster",
            "wsrep-new-cluster=ON",
            "Environment=_WSREP_NEW_CLUSTER=--wsrep-new-cluster",
            "Environment=\"MYSQLD_OPTS=--wsrep-new-cluster\"",
            "_WSREP_NEW_CLUSTER='--wsrep-new-cluster'",
            "ExecStart=/usr/sbin/mariadbd --wsrep_new_cluster",
            "MYSQLD_OPTS=--wsrep_cluster_address=gcomm://",
            "wsrep_cluster_address=gcomm:// # for now",
        ] {
            assert!(found(line.lines().next_back().unwrap()), "{line}");
        }
    }

    #[test]
    fn what_does_not() {
        for line in [
            "#wsrep_cluster_address=gcomm://",
            "; wsrep_new_cluster",
            "wsrep_cluster_address=gcomm://10.99.0.11,10.99.0.12",
            "wsrep_new_cluster=0",
            "UnsetEnvironment=_WSREP_START_POSITION _WSREP_NEW_CLUSTER",
            "ExecStart=/usr/sbin/mariadbd $MYSQLD_OPTS $_WSREP_NEW_CLUSTER $_WSREP_START_POSITION",
            "EnvironmentFile=-/run/mysqld/wsrep-new-cluster",
            "",
        ] {
            assert!(!found(line), "{line}");
        }
    }

    #[test]
    fn places_are_named() {
        assert_eq!(
            in_files("/etc/my:1.d/x.cnf:12:wsrep_new_cluster\n/run/mysqld/wsrep-new-cluster%flag:0:exists"),
            [
                Plain::from("/etc/my:1.d/x.cnf:12: wsrep_new_cluster"),
                Plain::from("/run/mysqld/wsrep-new-cluster: the new-cluster flag file exists")
            ]
        );
        assert_eq!(
            in_environment("manager environment", "A=1\n_WSREP_NEW_CLUSTER=--wsrep-new-cluster").len(),
            1
        );
        assert!(
            in_environment("x", "_WSREP_NEW_CLUSTER=\n_WSREP_START_POSITION=--wsrep_start_position=a:1")
                .is_empty()
        );
    }

    #[test]
    fn of_the_options_the_last_address_takes_effect() {
        let empty = "--wsrep_cluster_address=gcomm://";
        let full = "--wsrep-cluster-address=gcomm://a,b";
        assert_eq!(in_options(&format!("{empty}\n{full}")).len(), 0);
        assert_eq!(in_options(&format!("{full}\n{empty}\n--wsrep-new-cluster")).len(), 2);
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}") {
            let _ = (in_files(&text), in_options(&text), in_environment("x", &text));
        }
    }
}
