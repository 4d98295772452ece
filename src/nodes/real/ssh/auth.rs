//! Who we are to a node: keys of an agent, then key files; a handful of attempts, never more.
//!
//! sshd counts every key that is offered (MaxAuthTries 6) and, since OpenSSH 9.8, punishes sources that fail, so the
//! key that worked is remembered and tried first on the next connection.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ssh2::{Agent, ErrorCode, PublicKey};

use crate::facts::{Plain, Reach, ReachWord};

use super::super::secret::{Answers, lock};
use super::Events;
use super::config::Target;
use super::connect::{Connection, Fault};
use super::keyfile::{beside, public_blob, read_key};
use super::known_hosts::{fingerprint, key_type};

/// Attempts on one connection, one below sshd's usual MaxAuthTries.
const ATTEMPTS: usize = 5;
/// Fingerprints of keys that some node accepted, the last one first.
pub(crate) type Good = Mutex<Vec<String>>;

/// Something to prove who we are with.
enum Candidate {
    Agent(Rc<PublicKey>),
    File { path: PathBuf, certificate: Option<PathBuf>, encrypted: bool, blob: Option<Vec<u8>> },
}

impl Candidate {
    fn fingerprint(&self) -> Option<String> {
        match self {
            Self::Agent(key) => Some(fingerprint(key.blob())),
            Self::File { blob, .. } => blob.as_deref().map(fingerprint),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Agent(key) => {
                format!("{} {} (agent: {})", key_type(key.blob()), fingerprint(key.blob()), key.comment())
            }
            Self::File { path, certificate: None, .. } => path.display().to_string(),
            Self::File { path, certificate: Some(certificate), .. } => {
                format!("{} with {}", path.display(), certificate.display())
            }
        }
    }
}

/// How one attempt ended.
enum Attempt {
    Accepted,
    Refused(String),
    Broken(Fault),
}

/// Logs in, or says which keys were tried and what the server would take.
pub(crate) fn login(
    connection: &Connection,
    target: &Target,
    answers: &Answers,
    good: &Good,
    limit: Duration,
    events: &dyn Events,
) -> Result<(), Reach> {
    let mut deadline = Instant::now() + limit;
    let mut agent = open_agent(connection, target);
    let (candidates, missing) = candidates(agent.as_mut().ok(), target, good);
    let place = format!("{}@{}", target.user, target.place());
    if let [missing] = missing.as_slice()
        && candidates.is_empty()
        && target.explicit_key
    {
        return Err(Reach::failed(
            ReachWord::Auth,
            format!("{place}: {missing}; nothing was sent"),
            "correct `key` in the inventory, or put the key there",
        ));
    }
    let mut tried = Vec::new();
    for candidate in candidates.iter().take(ATTEMPTS) {
        let attempt = match (candidate, &agent) {
            (Candidate::Agent(key), Ok(agent)) => {
                judge(connection.drive(deadline, |_| agent.userauth(&target.user, key)))
            }
            (Candidate::Agent(_), Err(_)) => continue,
            (Candidate::File { path, certificate, encrypted, .. }, _) => {
                let file = KeyFile { path, certificate: certificate.as_deref(), encrypted: *encrypted };
                attempt_file(connection, target, &file, answers, &mut deadline, events)
            }
        };
        match attempt {
            Attempt::Accepted => {
                if let Some(print) = candidate.fingerprint() {
                    let mut good = lock(good);
                    good.retain(|other| *other != print);
                    good.insert(0, print);
                }
                return Ok(());
            }
            Attempt::Refused(why) => tried.push(format!("{}: {why}", candidate.shown())),
            Attempt::Broken(Fault::Timeout) => {
                return Err(Reach::failed(
                    ReachWord::Timeout,
                    format!("{place} did not end the login in {limit:?}; tried {}", candidate.shown()),
                    "a key in hardware may wait for a touch; else the machine is overloaded (slow PAM, slow name service)",
                ));
            }
            Attempt::Broken(fault @ Fault::Ssh(_)) => {
                tried.push(candidate.shown());
                return Err(Reach::failed(
                    ReachWord::Auth,
                    format!(
                        "{place} broke the connection during the login ({fault}); tried {}",
                        tried.join("; ")
                    ),
                    "sshd ends a login after MaxAuthTries keys: give the right one as `key` in the inventory",
                ));
            }
        }
    }
    if let Err(why) = &agent {
        tried.extend(why.clone());
    }
    tried.extend(missing);
    Err(refused(connection, target, &place, &tried, deadline))
}

/// The message for a login that nothing opened.
fn refused(
    connection: &Connection,
    target: &Target,
    place: &str,
    tried: &[String],
    deadline: Instant,
) -> Reach {
    // The question is an attempt too, which may be one too many.
    let offered = if tried.len() >= ATTEMPTS {
        String::new()
    } else {
        let methods = connection.drive(deadline, |session| match session.auth_methods(&target.user) {
            Ok(methods) => Ok(methods.to_owned()),
            // A server that wants no proof leaves an error of some earlier call behind.
            Err(_) if session.authenticated() => Ok(String::new()),
            Err(error) => Err(error),
        });
        methods.unwrap_or_default()
    };
    if offered.is_empty() && connection.session.authenticated() {
        // A server that asks for nothing is not one that we were told to expect.
        return Reach::failed(
            ReachWord::Auth,
            format!("{place} lets anybody in without proof"),
            "this is not how a database server's sshd behaves: make sure it is the right machine",
        );
    }
    let tried = if tried.is_empty() {
        "no key was found to try".to_owned()
    } else {
        format!("tried {}", tried.join("; "))
    };
    let methods = if offered.is_empty() { String::new() } else { format!("; the server takes {offered}") };
    let next = if offered.is_empty() || offered.split(',').any(|method| method == "publickey") {
        format!(
            "load the key with `ssh-add`, or set `key` or `user` in the inventory; check with `ssh {}`",
            target.destination
        )
    } else {
        format!(
            "passwords and Kerberos go through ssh itself: via = [\"ssh\", \"-T\", \"--\", \"{}\", \"sh\", \"-s\"]",
            target.destination
        )
    };
    Reach::failed(ReachWord::Auth, format!("{place} did not accept us; {tried}{methods}"), next)
}

fn open_agent(connection: &Connection, target: &Target) -> Result<Agent, Option<String>> {
    let Some(socket) = &target.agent else { return Err(None) };
    let failed = |error: ssh2::Error| Some(format!("agent {}: {}", socket.display(), error.message()));
    let mut agent = connection.session.agent().map_err(failed)?;
    agent.set_identity_path(socket).map_err(failed)?;
    agent.connect().map_err(failed)?;
    agent.list_identities().map_err(failed)?;
    Ok(agent)
}

/// What to try, in order, and notes about what could not be tried.
fn candidates(agent: Option<&mut Agent>, target: &Target, good: &Good) -> (Vec<Candidate>, Vec<String>) {
    let held = agent.and_then(|agent| agent.identities().ok()).unwrap_or_default();
    let held: Vec<Rc<PublicKey>> = held.into_iter().map(Rc::new).collect();
    let mut missing = Vec::new();
    let mut from_agent = Vec::new();
    let mut files = Vec::new();
    let mut wanted: Vec<Vec<u8>> = target.certificates.iter().filter_map(|path| public_blob(path)).collect();
    for path in &target.identities {
        let key = match read_key(path) {
            Ok(key) => key,
            Err(why) => {
                if target.explicit_key {
                    missing.push(format!("key {}: {why}", path.display()));
                }
                continue;
            }
        };
        let certificate = beside(path, "-cert.pub").filter(|path| path.exists());
        // A certificate shows the same key and more; it goes first.
        for blob in certificate.as_deref().and_then(public_blob).iter().chain(&key.blob) {
            wanted.push(blob.clone());
        }
        if key.private {
            if key.hardware {
                missing.push(format!(
                    "{}: a key in hardware works through ssh-agent: ssh-add it",
                    path.display()
                ));
            } else {
                files.push(Candidate::File {
                    path: path.clone(),
                    certificate,
                    encrypted: key.encrypted,
                    blob: key.blob,
                });
            }
        }
    }
    for blob in &wanted {
        from_agent.extend(held.iter().filter(|key| key.blob() == blob).cloned().map(Candidate::Agent));
    }
    if target.explicit_key {
        // The named file itself is read where that needs no question.
        let silent = files.iter().any(|file| matches!(file, Candidate::File { encrypted: false, .. }));
        if silent {
            from_agent.clear();
        }
    } else if !target.identities_only {
        let others = held.iter().filter(|key| !wanted.iter().any(|blob| blob == key.blob()));
        from_agent.extend(others.cloned().map(Candidate::Agent));
    }
    let in_agent: Vec<Option<String>> = from_agent.iter().map(Candidate::fingerprint).collect();
    files.retain(|file| file.fingerprint().is_none() || !in_agent.contains(&file.fingerprint()));
    let mut all = from_agent;
    all.extend(files);
    let good = lock(good).clone();
    all.sort_by_key(|candidate| {
        let print = candidate.fingerprint().unwrap_or_default();
        good.iter().position(|known| *known == print).unwrap_or(usize::MAX)
    });
    (all, missing)
}

struct KeyFile<'a> {
    path: &'a Path,
    certificate: Option<&'a Path>,
    encrypted: bool,
}

fn attempt_file(
    connection: &Connection,
    target: &Target,
    file: &KeyFile<'_>,
    answers: &Answers,
    deadline: &mut Instant,
    events: &dyn Events,
) -> Attempt {
    let try_with = |passphrase: Option<&str>, deadline: Instant| {
        judge(connection.drive(deadline, |session| {
            session.userauth_pubkey_file(&target.user, file.certificate, file.path, passphrase)
        }))
    };
    if !file.encrypted {
        return try_with(None, *deadline);
    }
    let what = format!("passphrase of {}", file.path.display());
    for _ in 0..3 {
        let passphrase = if let Some(given) = answers.given(&what) {
            given
        } else {
            let begun = Instant::now();
            events.asking(true);
            let answer = answers.ask(&what, &Plain::new(format!("Passphrase for {}", file.path.display())));
            events.asking(false);
            *deadline += begun.elapsed();
            answer
        };
        let Some(passphrase) = passphrase.secret() else {
            return Attempt::Refused("is encrypted and no passphrase was given; `ssh-add` it".to_owned());
        };
        match try_with(Some(passphrase.expose()), *deadline) {
            Attempt::Refused(why) if why == UNREADABLE => answers.forget(&what, &passphrase),
            other => return other,
        }
    }
    Attempt::Refused("wrong passphrase".to_owned())
}

const UNREADABLE: &str = "could not be read";

/// libssh2's codes: -16 file, -18 authentication failed, -19 key refused, -48 key file failed.
fn judge(result: Result<(), Fault>) -> Attempt {
    match result {
        Ok(()) => Attempt::Accepted,
        Err(fault @ Fault::Timeout) => Attempt::Broken(fault),
        Err(fault) if fault.is_gone() => Attempt::Broken(fault),
        Err(Fault::Ssh(error)) => Attempt::Refused(match error.code() {
            ErrorCode::Session(-16) => UNREADABLE.to_owned(),
            ErrorCode::Session(-18 | -19) => "not accepted".to_owned(),
            _ => error.message().to_owned(),
        }),
    }
}
