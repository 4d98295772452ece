//! One machine: start it, see that it answers, run something inside it.

use std::fs::{self, File};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cgroup::Hierarchies;
use super::error::LabError;
use super::host::{self, Call, HostError};
use super::name::LabName;
use super::state::{Lab, Node, Release};
use super::{cgroup, network};

/// Enters the machine's cgroups, mounts its root and volume in a mount namespace of its own, then runs the machine
/// for as long as it wants to run. The text is fixed; everything that varies is an argument.
///
/// The cgroups are entered before anything else is done and are not made here: a machine whose lab was taken down
/// meanwhile finds none and ends. Their keeper stays beside the machine, not above it, as v2 asks.
const START: &str = r#"
set -eu
place=$1 lower=$2 bridge=$3 machine=$4 host=$5 datadir=$6
shift 6
for group do echo $$ > "$group/cgroup.procs"; done
for group do mkdir -p "$group/keeper"; echo $$ > "$group/keeper/cgroup.procs"; done
mount -t overlay -o "lowerdir=$lower,upperdir=$place/upper,workdir=$place/work" overlay "$place/root"
data=$place/root$datadir
if [ -e "$place/volume.img" ]; then
    mount -t ext4 -o loop,noatime "$place/volume.img" "$data"
    # The server would take it for a database.
    if [ -d "$data/lost+found" ]; then rmdir "$data/lost+found"; fi
    chmod --reference="$lower$datadir" "$data"
    chown --reference="$lower$datadir" "$data"
else
    # An arbitrator, a load balancer: they hold no data.
    find "$data" -mindepth 1 -delete
fi
enter='for group do [ "$group" != -- ] || break; echo $$ > "$group/cgroup.procs"; shift; done; shift; exec "$@"'
# A machine that restarts itself ends with 133 and wants to be started again.
code=133
while [ "$code" = 133 ]; do
    code=0
    sh -c "$enter" breakglass-lab "$@" -- systemd-nspawn --quiet --register=no --keep-unit --settings=no \
        --link-journal=no --resolv-conf=off --timezone=off --machine="$machine" --hostname="$host" \
        --network-bridge="$bridge" --directory="$place/root" --boot || code=$?
done
exit "$code"
"#;

/// A machine that was started and is not known to answer yet.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    console: PathBuf,
}

/// Starts a machine. It goes on when this process ends.
pub(crate) fn start(lab: &Lab, node: &Node) -> Result<Started, LabError> {
    let groups = Hierarchies::of_this_host()?;
    // Whatever is left of an earlier start would hold the volume.
    cgroup::end(&lab.name, &groups.machine(&lab.name, &node.name))?;
    let place = lab.place(node);
    let console = place.join("console.log");
    let log = File::create(&console).map_err(LabError::io("make", &console))?;
    let errors = log.try_clone().map_err(LabError::io("open", &console))?;
    let call = Call::new("setsid")
        .args(["unshare", "--mount", "--propagation", "private", "sh", "-c", START, "breakglass-lab"])
        .arg(place)
        .arg(&lab.root)
        .arg(&lab.bridge)
        .arg(network::machine(&lab.name, &node.name))
        .arg(&node.name)
        .arg(lab.datadir())
        .args(groups.make(&lab.name, &node.name)?);
    let mut command = call.command()?;
    if groups.only_unified() || lab.release == Release::Sid {
        // What the guest's version suggests may be v1, which such a host cannot give, and newer guests do not take.
        command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|source| HostError::Spawn { attempt: call.to_string(), source })?;
    Ok(Started { child, console })
}

/// Waits until a machine answers at its SSH port with its greeting.
pub(crate) fn wait(node: &Node, mut started: Started, seconds: u64) -> Result<(), LabError> {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let fail = |found: String, console: PathBuf| {
        let text = fs::read(&console).unwrap_or_default();
        let text: String =
            String::from_utf8_lossy(&text).chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        LabError::NotStarted { node: node.name.clone(), found, tail: host::tail(text.trim(), 15), console }
    };
    loop {
        if greets(SocketAddr::from((node.address, 22))) {
            return Ok(());
        }
        if let Ok(Some(status)) = started.child.try_wait() {
            return Err(fail(format!("it ended at once ({status})"), started.console));
        }
        if Instant::now() > deadline {
            return Err(fail(
                format!("no SSH greeting from {} within {seconds} s", node.address),
                started.console,
            ));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn greets(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) else {
        return false;
    };
    let mut greeting = [0_u8; 4];
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && stream.read_exact(&mut greeting).is_ok()
        && &greeting == b"SSH-"
}

/// The machine's first process; that it runs is looked up now, in its own cgroup.
pub(crate) fn init(lab: &LabName, node: &str) -> Result<i32, LabError> {
    Hierarchies::of_this_host()?
        .init(lab, node)
        .ok_or_else(|| LabError::MachineDown { lab: lab.to_string(), node: node.to_owned() })
}

/// A command inside a machine, as its root: not through SSH, and not in its cgroup, so that it works whatever is
/// broken or frozen there.
pub(crate) fn inside(lab: &LabName, node: &str) -> Result<Call, LabError> {
    let pid = init(lab, node)?.to_string();
    Ok(Call::new("nsenter")
        .args(["--target", &pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"])
        .arg("--")
        .inside())
}

/// A command of this host in a machine's network.
pub(crate) fn in_network(pid: i32) -> Call {
    Call::new("nsenter").args(["--target", &pid.to_string(), "--net", "--"])
}

/// Runs a command inside a machine with this process's own input and output, and gives its exit status; a command
/// ended by a signal gives 128 and the signal's number.
pub fn exec(name: &LabName, node: &str, argv: &[String]) -> Result<u8, LabError> {
    host::require_root()?;
    let lab = Lab::load(name)?;
    let call = inside(&lab.name, &lab.node(node)?.name)?.args(argv);
    let mut command = call.command()?;
    if let Some(term) = std::env::var_os("TERM") {
        command.env("TERM", term);
    }
    let status = command.status().map_err(|source| HostError::Spawn { attempt: call.to_string(), source })?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
