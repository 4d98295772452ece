//! Which Debian mirror this host uses: read from its own apt sources, in both their forms.

use std::path::Path;

use super::error::LabError;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// One archive named by apt's sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Archive {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: Option<String>,
    trusted: bool,
}

/// The sources for one release, as lines of a `sources.list`, taken from this host's apt configuration.
pub(crate) fn for_release(release: &str) -> Result<String, LabError> {
    let (list, parts) = (Path::new("/etc/apt/sources.list"), Path::new("/etc/apt/sources.list.d"));
    let mut archives = std::fs::read_to_string(list).map(|text| one_line(&text)).unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(parts)
        .map(|dir| dir.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    for file in files {
        // A file that cannot be read is one apt cannot read either; what is left decides.
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => archives.extend(one_line(&text)),
            Some("sources") => archives.extend(deb822(&text)),
            _ => {}
        }
    }
    let keyring = Path::new(KEYRING).is_file().then_some(KEYRING);
    let lines = render(&archives, release, keyring);
    if lines.is_empty() {
        return Err(LabError::NoSources {
            searched: format!("{} and {}", list.display(), parts.display()),
            release: release.to_owned(),
        });
    }
    Ok(lines)
}

/// The lines for one release from the Debian archives among these. Every other archive is left out: a machine of
/// the lab holds Debian's packages only, whatever else the host installs from.
fn render(archives: &[Archive], release: &str, keyring: Option<&str>) -> String {
    let mut debian: Vec<&Archive> = archives.iter().filter(|archive| archive.is_debian()).collect();
    // One that says it is signed by Debian is Debian; only without any of those do path and suite decide.
    if debian.iter().any(|archive| archive.signed_by_debian()) {
        debian.retain(|archive| archive.signed_by_debian());
    }
    let mut lines: Vec<String> = Vec::new();
    for archive in debian {
        let mut options = Vec::new();
        let named = archive.signed_by.as_deref().filter(|path| path.starts_with('/'));
        if let Some(path) = named.or(keyring) {
            options.push(format!("signed-by={path}"));
        }
        if archive.trusted {
            options.push("trusted=yes".to_owned());
        }
        let options = if options.is_empty() { String::new() } else { format!("[{}] ", options.join(" ")) };
        let mut suites = Vec::new();
        // What is unstable gets its updates and its security fixes as new packages of its own.
        let rolls = ["sid", "unstable"].contains(&release);
        if rolls {
            suites.extend((!archive.is_security()).then(|| release.to_owned()));
        } else if archive.is_security() {
            suites.push(format!("{release}-security"));
        } else if archive.suites.iter().any(|suite| !suite.contains('-')) {
            suites.push(release.to_owned());
            if archive.suites.iter().any(|suite| suite.ends_with("-updates")) {
                suites.push(format!("{release}-updates"));
            }
        }
        for suite in suites {
            let line = format!("deb {options}{} {suite} main", archive.uri);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    // Only the archive itself can fill a root; security updates alone cannot.
    if lines.iter().any(|line| line.ends_with(&format!(" {release} main"))) {
        lines.join("\n") + "\n"
    } else {
        String::new()
    }
}

impl Archive {
    fn signed_by_debian(&self) -> bool {
        self.signed_by.as_deref().is_some_and(|keyring| keyring.contains("debian-archive"))
    }

    fn is_security(&self) -> bool {
        self.suites.iter().any(|suite| suite.ends_with("-security") || suite.ends_with("/updates"))
    }

    fn is_debian(&self) -> bool {
        let known =
            ["stable", "testing", "unstable", "sid", "oldstable", "bullseye", "bookworm", "trixie", "forky"];
        let suite = |suite: &String| {
            let base = suite.split(['-', '/']).next().unwrap_or_default();
            let rest = suite.strip_prefix(base).unwrap_or_default();
            known.contains(&base) && ["", "-updates", "-security", "/updates", "-backports"].contains(&rest)
        };
        let last = self.uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        // A mirror list (`mirror+file:/etc/apt/mirrors/debian.list`) is named like the archive it leads to.
        let last = last.strip_suffix(".list").unwrap_or(last);
        let other_keyring = self
            .signed_by
            .as_ref()
            .is_some_and(|keyring| keyring.starts_with('/') && !self.signed_by_debian());
        let path = ["debian", "debian-security"].contains(&last) || self.signed_by_debian();
        path && !other_keyring && self.components.iter().any(|c| c == "main") && self.suites.iter().any(suite)
    }
}

/// Reads the one-line form: `deb [options] URI SUITE COMPONENT…`.
fn one_line(text: &str) -> Vec<Archive> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default().trim();
            let mut rest = line.strip_prefix("deb")?.strip_prefix(char::is_whitespace)?.trim_start();
            let mut archive = Archive::default();
            if let Some(inside) = rest.strip_prefix('[') {
                let (options, after) = inside.split_once(']')?;
                for option in options.split_whitespace() {
                    match option.split_once('=') {
                        Some(("signed-by", path)) => archive.signed_by = Some(path.to_owned()),
                        Some(("trusted", yes)) => archive.trusted = yes == "yes",
                        _ => {}
                    }
                }
                rest = after.trim_start();
            }
            let mut words = rest.split_whitespace().map(str::to_owned);
            archive.uri = words.next()?;
            archive.suites = vec![words.next()?];
            archive.components = words.collect();
            Some(archive)
        })
        .collect()
}

/// Reads the deb822 form: paragraphs of `Field: value`, continued on indented lines.
fn deb822(text: &str) -> Vec<Archive> {
    let mut archives = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            archives.extend(paragraph(&std::mem::take(&mut fields)));
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((field, value)) = line.split_once(':') {
            fields.push((field.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    archives
}

fn paragraph(fields: &[(String, String)]) -> Vec<Archive> {
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let words = |name: &str| -> Vec<String> {
        field(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let disabled = field("enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    if disabled || !words("types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    words("uris")
        .into_iter()
        .map(|uri| Archive {
            uri,
            suites: words("suites"),
            components: words("components"),
            signed_by: field("signed-by").map(str::to_owned),
            trusted: field("trusted").is_some_and(|value| value.eq_ignore_ascii_case("yes")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n\
        Components: main contrib\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\nTypes: deb\n\
        URIs: http://mirror.example/debian-security\nSuites: trixie-security\nComponents: main\n\
        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";

    #[test]
    fn takes_the_release_asked_for_from_the_hosts_mirror() {
        assert_eq!(
            render(&deb822(DEB822), "bookworm", None),
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian bookworm main\n\
             deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian bookworm-updates main\n\
             deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian-security bookworm-security main\n"
        );
    }

    #[test]
    fn leaves_out_every_other_archive() {
        let other = "deb https://packages.example/apt cloud-bookworm main\n\
            deb [signed-by=/etc/apt/keyrings/db.gpg] https://db.example/10.11/debian bookworm main\n\
            deb https://node.example/node_20.x nodistro main\n\
            # deb http://off.example/debian bookworm main\n\
            deb-src http://mirror.example/debian bookworm main\n";
        assert_eq!(render(&one_line(other), "bookworm", Some(KEYRING)), "");
        let own = format!("{other}deb http://mirror.example/debian/ bookworm main contrib # here\n");
        assert_eq!(
            render(&one_line(&own), "bookworm", None),
            "deb http://mirror.example/debian/ bookworm main\n"
        );
    }

    #[test]
    fn an_archive_signed_by_debian_outranks_one_that_only_looks_like_it() {
        let text = "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://proxy:3142/d stable main\n\
            deb http://db.example/debian bookworm main\n";
        assert_eq!(
            render(&one_line(text), "bookworm", None),
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://proxy:3142/d bookworm main\n"
        );
    }

    #[test]
    fn reads_mirror_lists_embedded_keys_and_switched_off_entries() {
        let text = "Types: deb\nURIs: mirror+file:/etc/apt/mirrors/debian.list\nSuites: bookworm\nComponents: main\n\
            Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n xyz\n\nEnabled: no\nTypes: deb\n\
            URIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n";
        assert_eq!(
            render(&deb822(text), "bookworm", Some("/k.gpg")),
            "deb [signed-by=/k.gpg] mirror+file:/etc/apt/mirrors/debian.list bookworm main\n"
        );
    }

    #[test]
    fn security_updates_alone_fill_no_root() {
        let text = "deb http://mirror.example/debian-security bookworm-security main\n";
        assert_eq!(render(&one_line(text), "bookworm", None), "");
    }
}
