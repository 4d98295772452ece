//! The same situation before the real scripts and before the simulated machine: the answers are the same.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use super::super::founding::{FLAG, VARIABLE};
use super::super::topology::Topology;
use super::*;
use crate::ask::act::{Look, Order, Target, answer};
use crate::ask::script::{Nonce, compose, trailer};
use crate::facts::{ClusterName, NodeName, OpId, Plain, Position, Seqno, SessionId};

const SINCE: &str = "2026-11-21T02:00:00Z";
const HOLDER: &str = "ann on ws";
const REFUSED_SQL: &str =
    "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (111)";

fn session(n: u64) -> SessionId {
    SessionId::new(n, [2; 10])
}

fn op(n: u64) -> OpId {
    OpId::new(n, [1; 10])
}

fn nonce() -> Nonce {
    Nonce::new([5; 16])
}

/// A machine of the simulator, and the same machine as files below a root with tools of its own.
struct Both {
    world: World,
    root: tempfile::TempDir,
    ops: u64,
}

impl Both {
    /// g1 is down, session 1 holds its lease.
    fn new() -> Self {
        let nodes = ["g1", "g2", "g3"].map(|name| NodeName::new(name).unwrap()).into();
        let begin = "2026-11-21T03:00:00Z".parse().unwrap();
        let mut world = World::new(Topology::new(ClusterName::new("drill").unwrap(), nodes, begin), 1);
        for line in ["kill g1", "kill g2", "kill g3"] {
            world.fault(&line.parse().unwrap()).unwrap();
        }
        let mut both = Self { world, root: tempfile::tempdir().unwrap(), ops: 0 };
        for place in ["etc", "run/systemd/system", "run/mysqld", "var/lib/mysql", "bin"] {
            fs::create_dir_all(both.root.path().join(place)).unwrap();
        }
        both.put("etc/machine-id", &format!("{}\n", both.world.machines[0].id));
        both.lease(Some(1));
        both.unit("failed");
        both.machine().unit.restart = true;
        both.put("environment", "");
        both.tool("logger", "exit 0");
        // What systemd says of a unit: its state as the test has it, and its freeze as the file is.
        both.tool(
            "systemctl",
            r#"root=${0%/bin/*}
drop=/run/systemd/system/mariadb.service.d/zz-breakglass.conf
frozen=; [ ! -f "$root$drop" ] || frozen=yes
case "$*" in
"show -p ActiveState mariadb.service") echo "ActiveState=$(cat "$root/active")" ;;
"show -p Restart mariadb.service") if [ -n "$frozen" ]; then echo Restart=no; else echo Restart=on-abnormal; fi ;;
"show -p TimeoutStartUSec mariadb.service") echo TimeoutStartUSec=infinity ;;
"show -p DropInPaths mariadb.service") echo "DropInPaths=${frozen:+$drop}" ;;
"show -p LoadState "*) echo LoadState=not-found ;;
show-environment) cat "$root/environment" ;;
"unset-environment "*) : >"$root/environment" ;;
esac"#,
        );
        both.tool("systemd-run", "for last; do :; done\nsh \"$last\"");
        both.tool("galera_new_cluster", "exit 9");
        both.client(&format!("echo \"{REFUSED_SQL}\"; exit 1"));
        both.state(|_| ());
        both
    }

    fn machine(&mut self) -> &mut Machine {
        &mut self.world.machines[0]
    }

    fn put(&self, place: &str, text: &str) {
        let path = self.root.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn tool(&self, name: &str, body: &str) {
        self.put(&format!("bin/{name}"), &format!("#!/bin/sh\n{body}\n"));
        let path = self.root.path().join("bin").join(name);
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    fn client(&self, body: &str) {
        self.tool("mariadb", body);
    }

    fn lease(&mut self, of: Option<u64>) {
        let lease = of.map(|of| Lease {
            session: session(of).to_string(),
            holder: HOLDER.to_owned(),
            since: SINCE.to_owned(),
        });
        match &lease {
            Some(Lease { session, holder, since }) => {
                self.put(
                    "var/lib/breakglass/lease",
                    &format!("session={session}\nholder={holder}\nsince={since}\n"),
                );
            }
            None => drop(fs::remove_file(self.root.path().join("var/lib/breakglass/lease"))),
        }
        self.machine().lease = lease;
    }

    fn unit(&mut self, active: &'static str) {
        self.put("active", active);
        self.machine().unit.active = active;
    }

    fn frozen(&mut self, by: u64) {
        let text = format!("# breakglass session {}\n", session(by));
        self.put("run/systemd/system/mariadb.service.d/zz-breakglass.conf", &text);
        self.machine().unit.frozen = Some(session(by).to_string());
    }

    /// What a bootstrap left, at the same second.
    fn leftovers(&mut self) {
        self.world.leave_flag(0);
        let since = self.machine().leftover().unwrap();
        self.put(FLAG.trim_start_matches('/'), "_WSREP_NEW_CLUSTER='--wsrep-new-cluster'\n");
        let path = self.root.path().join(FLAG.trim_start_matches('/'));
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(since.as_second().unsigned_abs())).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        self.put("environment", &format!("{VARIABLE}\n"));
    }

    /// It was alone in its Primary Component when it was killed.
    fn view_alone(&mut self) {
        let member = "member: 9febc8e3-e628-11f1-a398-b79fc432aa0a 0\n";
        let text = format!(
            "my_uuid: 9febc8e3-e628-11f1-a398-b79fc432aa0a\n#vwbeg\nview_id: 3 9febc8e3-e628-11f1-a398-b79fc432aa0a 4\n\
             bootstrap: 1\n{member}#vwend\n"
        );
        let at = "2026-11-21T02:59:00Z".parse::<jiff::Timestamp>().unwrap();
        self.put("var/lib/mysql/gvwstate.dat", &text);
        let path = self.root.path().join("var/lib/mysql/gvwstate.dat");
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(at.as_second().unsigned_abs())).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
        self.machine().dir.gvwstate = Some((text, at));
    }

    /// The state file, after a change.
    fn state(&mut self, change: impl Fn(&mut String)) {
        let file = self.machine().dir.grastate.as_mut().unwrap();
        change(&mut file.0);
        let text = file.0.clone();
        self.put("var/lib/mysql/grastate.dat", &text);
    }

    fn held(&mut self) -> Position {
        let engine = &self.machine().dir.engine;
        let seqno = Seqno::new(i64::try_from(engine.seqno).unwrap()).unwrap();
        Position { uuid: engine.uuid.parse().unwrap(), seqno }
    }

    fn identities(&mut self) -> (Identity, Identity) {
        let datadir = self.root.path().join("var/lib/mysql");
        let stat = fs::metadata(&datadir).unwrap();
        let machine_id = Plain::new(&self.machine().id);
        let real = Identity {
            host_key: None,
            machine_id: machine_id.clone(),
            datadir: Plain::new(datadir.to_str().unwrap()),
            datadir_identity: Plain::new(format!("{}:{}", stat.dev(), stat.ino())),
        };
        let simulated = Identity {
            datadir: Plain::new(DATADIR),
            datadir_identity: Plain::new(identity(0)),
            ..real.clone()
        };
        (real, simulated)
    }

    /// Runs a script below the root; what it says of its own root and volume is said as on the simulated machine.
    fn run(&mut self, order: &Order) -> String {
        let root = self.root.path().to_str().unwrap().to_owned();
        let body = order.body.replace("BG_ROOT=\n", &format!("BG_ROOT='{root}'\n"));
        let text = compose(&body, &order.arguments, &nonce());
        let path = format!("{root}/bin:{}", std::env::var("PATH").unwrap());
        let mut child = Command::new("sh")
            .arg("-s")
            .env("PATH", path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let (body, status) = trailer(&output.stdout, &nonce()).unwrap();
        assert_eq!(status, 0, "{}", String::from_utf8_lossy(&output.stderr));
        answer(body).unwrap();
        let said = String::from_utf8(body.to_vec()).unwrap();
        let (real, _) = self.identities();
        said.trim_start_matches("%breakglass-act 1\n")
            .replace(&root, "")
            .replace(real.datadir_identity.as_str(), &identity(0))
    }

    /// What both answer to a deed of a session.
    fn both(&mut self, of: u64, deed: &Deed) -> (String, String) {
        self.ops += 1;
        self.named(self.ops, of, deed, |_| ())
    }

    fn named(&mut self, n: u64, of: u64, deed: &Deed, change: fn(&mut Identity)) -> (String, String) {
        let (mut real, mut simulated) = self.identities();
        change(&mut real);
        change(&mut simulated);
        let act = |identity: Identity| Act {
            op: op(n),
            session: session(of),
            node: NodeName::new("g1").unwrap(),
            identity,
            target: Target {
                unit: Some(Plain::from(UNIT)),
                user: Plain::from("root"),
                binary: Plain::from("/bin/true"),
            },
            deed: deed.clone(),
        };
        let told = self.run(&act(real).order((3, "beef")));
        let begun = match self.world.act(0, &act(simulated)) {
            Begun::Answered(said) => said,
            Begun::Runs => "running\n".to_owned(),
        };
        (told, begun)
    }

    fn look(&mut self, make: impl Fn(Identity) -> Look) -> (String, String) {
        let (real, simulated) = self.identities();
        let told = self.run(&make(real).order());
        (told, self.world.look(0, &make(simulated)))
    }
}

/// Both say the same, and it begins so.
fn same((real, simulated): (String, String), begins: &str) {
    assert_eq!(simulated, real);
    assert!(real.starts_with(begins), "{real:?} does not begin with {begins:?}");
}

fn take(over: Option<u64>) -> Deed {
    Deed::TakeLease { holder: Plain::from("bob on ws2"), over: over.map(session) }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

#[test]
fn the_host_comes_first_then_the_lease() {
    let mut both = Both::new();
    both.lease(None);
    same(
        both.named(90, 1, &Deed::DropCheck, |shown| shown.machine_id = Plain::from("0")),
        "refused identity this machine's id is ",
    );
    same(
        both.named(91, 1, &Deed::DropCheck, |shown| shown.datadir_identity = Plain::from("9:9")),
        "refused identity /var/lib/mysql is ",
    );
    same(both.both(1, &Deed::DropCheck), "refused lease nobody holds the lease of this node");
    both.lease(Some(2));
    let other = format!("refused lease {HOLDER} since {SINCE}, session {}", session(2));
    for deed in
        [Deed::DropCheck, Deed::Freeze, Deed::ReleaseLease { buried: Vec::new() }, take(None), take(Some(7))]
    {
        same(both.both(1, &deed), &other);
    }
    same(both.both(1, &take(Some(2))), "done 0\ntaken over from session ");
    both.lease(Some(1));
    same(both.both(1, &take(None)), "done 0\nheld already, since ");
    both.lease(None);
    same(both.both(1, &take(None)), "done 0\ntaken\n");
}

#[test]
fn what_is_frozen_is_not_given_back_and_not_thawed_by_others() {
    let mut both = Both::new();
    same(both.both(1, &Deed::Freeze), "done 0\nmariadb.service is frozen\n");
    let release = Deed::ReleaseLease { buried: Vec::new() };
    same(both.both(1, &release), "refused frozen this session's freeze is still there: /run/systemd");
    both.unit("activating");
    same(both.both(1, &Deed::Unfreeze), "refused starting mariadb.service is starting: ");
    both.unit("failed");
    same(both.both(1, &Deed::Unfreeze), "done 0\nmariadb.service is ");
    both.frozen(2);
    same(both.both(1, &Deed::Unfreeze), "refused freeze mariadb.service is frozen by session ");
    same(both.both(1, &release), "refused frozen the freeze of session ");
    // A frozen node becomes this session's by another freeze.
    same(both.both(1, &Deed::Freeze), "done 0\nmariadb.service is frozen\n");
    same(both.both(1, &Deed::Unfreeze), "done 0\n");
    same(both.both(1, &release), "done 0\nreleased\n");
}

#[test]
fn an_act_is_told_as_it_was_and_a_settled_name_is_taken() {
    let mut both = Both::new();
    let machine = Plain::new(&both.machine().id);
    let follow = |n: u64, settle: bool| {
        let machine = machine.clone();
        move |_: Identity| Look::Follow { machine: machine.clone(), op: op(n), settle }
    };
    same(both.look(follow(50, false)), "not-begun\n");
    same(both.named(50, 1, &Deed::Freeze, |_| ()), "done 0\n");
    same(both.named(50, 1, &Deed::Freeze, |_| ()), "done 0\nmariadb.service is frozen\n");
    same(both.look(follow(50, true)), "done 0\nmariadb.service is frozen\n");
    same(both.look(follow(51, true)), "absent\n");
    same(both.named(51, 1, &Deed::Unfreeze, |_| ()), "absent\n");
    let other = |_: Identity| Look::Follow { machine: Plain::from("0"), op: op(50), settle: true };
    same(both.look(other), "refused identity this machine's id is ");
}

#[test]
fn what_could_found_a_cluster_stops_a_start_and_goes_into_quarantine() {
    if !is_root() {
        return;
    }
    let mut both = Both::new();
    same(both.both(1, &Deed::ClearLeftovers), "done 0\nnothing is left that could bootstrap this node\n");
    both.leftovers();
    same(
        both.both(1, &Deed::Start { together: false }),
        "refused leftovers it would start as a new cluster: /run/",
    );
    let (real, simulated) = both.both(1, &Deed::ClearLeftovers);
    assert_eq!(simulated, real);
    assert!(real.contains("/1-mariadb-wsrep-new-cluster sha256 ") && real.contains(VARIABLE), "{real}");
    assert!(both.machine().leftover().is_none());
}

#[test]
fn a_saved_view_of_a_node_alone_stops_a_start_and_goes_into_quarantine() {
    if !is_root() {
        return;
    }
    let mut both = Both::new();
    both.leftovers();
    both.view_alone();
    let (real, simulated) = both.both(1, &Deed::ClearLeftovers);
    // Here the file is root's.
    assert_eq!(simulated, real.replace("root:root 660", "mysql:mysql 660"));
    assert!(real.contains("/2-gvwstate.dat sha256 ") && real.contains(" root:root 660 "), "{real}");
    assert!(both.machine().dir.gvwstate.is_none());
    assert!(!both.root.path().join("var/lib/mysql/gvwstate.dat").exists());
    same(both.both(1, &Deed::ClearLeftovers), "done 0\nnothing is left that could bootstrap this node\n");

    both.view_alone();
    same(
        both.both(1, &Deed::Start { together: true }),
        "refused leftovers it would be a Primary Component by itself: /var/lib/mysql/gvwstate.dat saves a view of this \
         node alone",
    );
}

#[test]
fn no_server_may_be_there_or_on_its_way() {
    if !is_root() {
        return;
    }
    let mut both = Both::new();
    both.unit("activating");
    let down = "refused server mariadb.service is not down: ActiveState=activating";
    same(both.both(1, &Deed::Start { together: false }), down);
    same(both.both(1, &Deed::RecoverDirect), down);
    let target =
        Target { unit: Some(Plain::from(UNIT)), user: Plain::from("root"), binary: Plain::from("/bin/true") };
    same(both.look(|identity| Look::Recover { identity, target: target.clone() }), down);
    let position = both.held();
    same(both.both(1, &Deed::Bootstrap { position, peers: Vec::new() }), down);
    // No process has such a number.
    same(
        both.both(1, &Deed::EndStuck { pid: 5_000_000, started: 1 }),
        "refused gone there is no process 5000000",
    );
}

#[test]
fn a_bootstrap_is_for_the_history_and_the_position_that_were_chosen() {
    if !is_root() {
        return;
    }
    let mut both = Both::new();
    let held = both.held();
    let deed = |peers: &[&str]| Deed::Bootstrap {
        position: held,
        peers: peers.iter().map(|peer| (*peer).to_owned()).collect(),
    };
    same(
        both.both(1, &deed(&["nobody.invalid"])),
        "refused peer nobody else could be asked (nobody.invalid): ",
    );
    both.state(|text| *text = text.replace("seqno:   -1", "seqno:   7"));
    same(both.both(1, &deed(&[])), "refused state-file grastate.dat says seqno 7, ");
    let uuid = held.uuid.to_string();
    both.state(|text| *text = text.replace(&uuid, super::super::machine::ZERO));
    same(both.both(1, &deed(&[])), "refused state-file grastate.dat names the history 00000000-");
    both.state(String::clear);
    same(both.both(1, &deed(&[])), "refused state-file /var/lib/mysql/grastate.dat is no state file");
}

#[test]
fn the_client_says_why_a_write_does_not_go_through() {
    let mut both = Both::new();
    let write = Deed::Write { token: Plain::from("t-1") };
    let machine = Plain::new(&both.machine().id);
    let read = move |_: Identity| Look::ReadBack { machine: machine.clone(), token: Plain::from("t-1") };
    for deed in [&write, &Deed::DropCheck] {
        same(both.both(1, deed), "refused sql the server does not answer: ERROR 2002 (HY000): ");
    }
    same(both.look(&read), "done 1\nERROR 2002 (HY000): ");

    // A server without a Primary Component shows its schemas and takes no statement.
    both.client(&format!(
        "case \"$*\" in *information_schema*) exit 0 ;; esac; echo '{NOT_PREPARED}'; exit 1"
    ));
    both.world.fault(&"start g1".parse().unwrap()).unwrap();
    both.world.run_to(both.world.now + 3_000_000_000);
    let server = both.machine().server.as_mut().unwrap();
    (server.phase, server.ready) = (Phase::NonPrimary, true);
    for deed in [&write, &Deed::DropCheck] {
        same(both.both(1, deed), "done 1\nERROR 1047 (08S01) at line 1: ");
    }
    same(both.look(&read), "done 1\nERROR 1047 (08S01) at line 1: ");
}
