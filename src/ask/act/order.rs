//! An act as the text that is sent.

use super::{Act, Deed, Identity, Look, Target};
use crate::facts::Plain;

/// What is sent to a node: fixed text, its positional parameters, and the host that alone may receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The fixed text of the script.
    pub body: String,
    /// Its positional parameters.
    pub arguments: Vec<String>,
    /// Fingerprint of the host key that was shown (S18); the transport compares it. `None` where none was.
    pub host_key: Option<Plain>,
}

/// What every script begins with. The tests put another root before the paths; nothing from outside can.
const ROOT: &str = "BG_ROOT=\n";
const PRELUDE: &str = include_str!("prelude.sh");
const BEGIN: &str = include_str!("begin.sh");
const SHORT: &str = include_str!("short.sh");
const LAUNCH: &str = include_str!("launch.sh");
const JOB: &str = include_str!("job.sh");
const SERVER: &str = include_str!("server.sh");
const UNIT: &str = include_str!("unit.sh");
const PLACES: &str = include_str!("../places.sh");
const QUARANTINE: &str = include_str!("quarantine.sh");
const DEFAULTS: &str = include_str!("defaults.sh");
const STAMP: &str = include_str!("../stamp.sh");
const CLIENT: &str = include_str!("client.sh");
const LOOK: &str = include_str!("look.sh");

impl Act {
    /// The text of this act. `head` is the sequence number and the hash of the record that holds the intent: the
    /// node's own journal names them beside the act.
    pub fn order(&self, head: (u64, &str)) -> Order {
        let words = [self.op.as_str(), self.session.as_str(), self.deed.name(), &head.0.to_string(), head.1];
        let mut arguments: Vec<String> = words.map(str::to_owned).into();
        arguments.extend(host(&self.identity, &self.target));
        arguments.extend(self.deed.arguments());
        Order { body: self.deed.body(), arguments, host_key: self.identity.host_key.clone() }
    }
}

/// The host and the server, as every script that needs them gets them.
fn host(identity: &Identity, target: &Target) -> [String; 6] {
    let unit = target.unit.clone().unwrap_or_default();
    let words = [
        &identity.machine_id,
        &identity.datadir,
        &identity.datadir_identity,
        &unit,
        &target.user,
        &target.binary,
    ];
    words.map(|word| word.as_str().to_owned())
}

impl Deed {
    /// The fixed text of the script, the same for every node.
    pub fn body(&self) -> String {
        let parts: &[&str] = match self {
            Self::TakeLease { .. } => &[include_str!("take_lease.sh")],
            Self::ReleaseLease { .. } => &[include_str!("release_lease.sh")],
            Self::Freeze => &[UNIT, include_str!("freeze.sh")],
            Self::Unfreeze => &[UNIT, include_str!("unfreeze.sh")],
            Self::EndStuck { .. } => &[UNIT, include_str!("end_stuck.sh")],
            Self::ClearLeftovers => {
                &[SERVER, PLACES, QUARANTINE, DEFAULTS, include_str!("clear_leftovers.sh")]
            }
            Self::RecoverDirect => &[SERVER, DEFAULTS, include_str!("recover_direct.sh")],
            Self::Bootstrap { .. } => &[SERVER, UNIT, PLACES, QUARANTINE, include_str!("bootstrap.sh")],
            Self::Start { .. } => &[SERVER, UNIT, PLACES, include_str!("start.sh")],
            Self::Write { .. } => &[CLIENT, include_str!("write.sh")],
            Self::DropCheck => &[CLIENT, include_str!("drop_check.sh")],
        };
        let deed = format!("{ROOT}{PRELUDE}{}", parts.concat());
        if self.is_long() {
            return format!(
                "{deed}{BEGIN}job_text() {{\ncat <<'__bg_job'\n{deed}{JOB}__bg_job\n}}\n{LAUNCH}"
            );
        }
        format!("{deed}{BEGIN}{SHORT}")
    }

    /// Whether it outlives the connection that began it (S16).
    pub(super) fn is_long(&self) -> bool {
        matches!(self, Self::RecoverDirect | Self::Bootstrap { .. } | Self::Start { .. })
    }

    fn arguments(&self) -> Vec<String> {
        match self {
            Self::TakeLease { holder, over } => {
                let over = over.as_ref().map(ToString::to_string).unwrap_or_default();
                vec![holder.as_str().to_owned(), over]
            }
            Self::EndStuck { pid, started } => vec![pid.to_string(), started.to_string()],
            Self::Bootstrap { position, peers } => {
                let count = peers.len().to_string();
                let mut all = vec![position.uuid.to_string(), position.seqno.to_string(), count];
                all.extend(peers.iter().cloned());
                all
            }
            Self::Write { token } => vec![token.as_str().to_owned()],
            Self::ReleaseLease { buried } => buried.iter().map(ToString::to_string).collect(),
            Self::Freeze
            | Self::Unfreeze
            | Self::ClearLeftovers
            | Self::RecoverDirect
            | Self::Start { .. }
            | Self::DropCheck => Vec::new(),
        }
    }
}

/// A function `NAME_text` that prints a script as it is.
fn carried(name: &str, text: &str) -> String {
    format!("{name}_text() {{\ncat <<'__bg_{name}'\n{text}__bg_{name}\n}}\n")
}

/// How long a recovery on an overlay may take, in seconds: the crash recovery of a large redo log takes minutes.
const RECOVER_SECONDS: &str = "1800";

impl Look {
    /// The text of this read.
    pub fn order(&self) -> Order {
        let (arguments, host_key) = match self {
            Self::Recover { identity, target } => {
                let mut all: Vec<String> = host(identity, target).into();
                all.push(RECOVER_SECONDS.to_owned());
                (all, identity.host_key.clone())
            }
            Self::ReadBack { machine, token } => {
                (vec![machine.as_str().to_owned(), token.as_str().to_owned()], None)
            }
            Self::Follow { machine, op, settle } => (
                vec![machine.as_str().to_owned(), op.to_string(), if *settle { "1" } else { "0" }.to_owned()],
                None,
            ),
        };
        Order { body: self.body(), arguments, host_key }
    }

    /// The fixed text of the script, the same for every node.
    pub fn body(&self) -> String {
        let parts = match self {
            Self::Recover { .. } => {
                let inside =
                    carried("inside", &format!("{ROOT}{PRELUDE}{}", include_str!("recover_inside.sh")));
                format!("{SERVER}{DEFAULTS}{STAMP}{inside}{}", include_str!("recover.sh"))
            }
            Self::ReadBack { .. } => format!("{CLIENT}{}", include_str!("read_back.sh")),
            Self::Follow { .. } => include_str!("follow.sh").to_owned(),
        };
        format!("{ROOT}{PRELUDE}{LOOK}{parts}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::facts::{NodeName, OpId, Position, Seqno, SessionId};

    const SHELLS: &[&[&str]] = &[&["sh"], &["dash"], &["bash"], &["busybox", "sh"]];

    fn identity() -> Identity {
        Identity {
            host_key: Some(Plain::from("SHA256:x")),
            machine_id: Plain::from("m"),
            datadir: Plain::from("/my dätä/it's $x"),
            datadir_identity: Plain::from("1:2"),
        }
    }

    fn target() -> Target {
        let plain = Plain::from;
        Target { unit: Some(plain("u.service")), user: plain("mysql"), binary: plain("/usr/sbin/mariadbd") }
    }

    fn deeds() -> Vec<Deed> {
        let uuid = "0cb3db35-e56d-11f1-98c2-3bdded13c08b".parse().unwrap();
        vec![
            Deed::TakeLease { holder: Plain::from("ann on ws"), over: Some(SessionId::new(1, [1; 10])) },
            Deed::ReleaseLease { buried: Vec::new() },
            Deed::Freeze,
            Deed::Unfreeze,
            Deed::EndStuck { pid: 7, started: 9 },
            Deed::ClearLeftovers,
            Deed::RecoverDirect,
            Deed::Bootstrap {
                position: Position { uuid, seqno: Seqno::new(5).unwrap() },
                peers: vec!["a".to_owned(), "b".to_owned()],
            },
            Deed::Start { together: false },
            Deed::Write { token: Plain::from("t-1") },
            Deed::DropCheck,
        ]
    }

    fn looks() -> Vec<Look> {
        vec![
            Look::Recover { identity: identity(), target: target() },
            Look::ReadBack { machine: Plain::from("m"), token: Plain::from("t-1") },
            Look::Follow { machine: Plain::from("m"), op: OpId::new(1, [1; 10]), settle: true },
        ]
    }

    fn act(deed: Deed) -> Act {
        Act {
            op: OpId::new(1, [2; 10]),
            session: SessionId::new(1, [3; 10]),
            node: NodeName::new("g1").unwrap(),
            identity: identity(),
            target: target(),
            deed,
        }
    }

    #[test]
    fn the_arguments_in_their_order() {
        let bootstrap = deeds().remove(7);
        let order = act(bootstrap).order((12, "beef"));
        let act = act(Deed::Start { together: false });
        let wanted = [
            act.op.as_str(),
            act.session.as_str(),
            "bootstrap",
            "12",
            "beef",
            "m",
            "/my dätä/it's $x",
            "1:2",
            "u.service",
            "mysql",
            "/usr/sbin/mariadbd",
            "0cb3db35-e56d-11f1-98c2-3bdded13c08b",
            "5",
            "2",
            "a",
            "b",
        ];
        assert_eq!(order.arguments, wanted);
        assert_eq!(order.host_key, Some(Plain::from("SHA256:x")));
    }

    #[test]
    fn every_text_is_fixed_and_every_shell_can_read_it() {
        let orders: Vec<(&str, Order)> = deeds()
            .into_iter()
            .map(|deed| (deed.name(), act(deed).order((1, "x"))))
            .chain(looks().into_iter().map(|look| (look.name(), look.order())))
            .collect();
        for (name, order) in &orders {
            assert!(order.body.starts_with("BG_ROOT=\n"), "{name}: its root is set by itself, and empty");
            assert!(!order.body.contains("dätä"), "{name}");
            for shell in SHELLS {
                let child = Command::new(shell[0]).args(&shell[1..]).arg("-n").stdin(Stdio::piped()).spawn();
                let mut child = match child {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && shell[0] != "sh" => {
                        continue;
                    }
                    child => child.unwrap(),
                };
                child.stdin.take().unwrap().write_all(order.body.as_bytes()).unwrap();
                assert!(child.wait().unwrap().success(), "{name} in {shell:?}");
            }
        }
        let names: HashSet<&str> = orders.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), orders.len());
    }

    #[test]
    fn every_deed_says_what_it_does_and_each_undo_is_a_deed() {
        let node = NodeName::new("g1").unwrap();
        let names: Vec<&str> = deeds().iter().map(Deed::name).collect();
        for deed in deeds() {
            assert!(deed.effect(&node).contains("g1"), "{deed:?}");
            assert!(!deed.commands().is_empty());
            let Some(undo) = deed.undo() else { continue };
            assert!(names.contains(&undo), "{undo}");
            assert_ne!(
                deed.class(),
                super::super::Class::Destructive,
                "what can be undone is not destructive"
            );
        }
        assert!(looks().iter().all(|look| !look.commands().is_empty()));
    }
}
