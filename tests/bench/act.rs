//! A whole recovery by Breakglass beside the same bare commands in a script, on the same lab.
//!
//! Needs root: `cargo bench --bench act`. Each pair kills all three servers, recovers once by `run galera-bootstrap` and once by a
//! shell script over SSH with the same waits: every position recovered, bootstrap, SYNCED after each join, 10 s stable
//! at the end. It prints both times and the ratio of the medians; the target is at most 1.25.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark"
)]

#[path = "../support/lab.rs"]
#[expect(dead_code, reason = "shared with the lab suite")]
mod lab;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab::{Lab, until};

const PAIRS: usize = 3;
const ALL: [&str; 3] = ["g1", "g2", "g3"];

fn main() {
    if let Err(why) = lab::requirements() {
        println!("act: not run ({why})");
        return;
    }
    let lab = Lab::up("bgb-act", &[]);
    let inventory = lab.inventory();
    let hosts: Vec<&str> =
        inventory.lines().filter_map(|line| line.strip_prefix("host = \"")?.strip_suffix('"')).collect();
    let folder = Path::new(lab.path()).parent().expect("a folder").to_owned();
    let script = lab.keep("bare.sh", SCRIPT);
    let answers =
        ALL.map(|node| format!("[[answer]]\nstep = \"bootstrap\"\nnode = \"{node}\"\ntype = \"@asked\"\n"));
    let answers = lab.keep("answers.toml", &format!("format = \"breakglass.answers/1\"\n{}", answers[0]));
    let state = lab.keep("mark", "").with_extension("state");
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        kill(&lab);
        let begun = Instant::now();
        let run = Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(["run", "galera-bootstrap", "--inventory", lab.path(), "--set", "target=g1", "--json"])
            .args(["--reason", "bench", "--incident", "B-1", "--answers"])
            .arg(&answers)
            .arg("--state-dir")
            .arg(&state)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
        ours.push(begun.elapsed().as_secs_f64());
        lab.heal_all();
        kill(&lab);
        let begun = Instant::now();
        let run = Command::new("timeout")
            .args(["180", "sh"])
            .arg(&script)
            .arg(&folder)
            .args(&hosts)
            .output()
            .expect("it runs");
        assert!(
            run.status.success(),
            "{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
        bare.push(begun.elapsed().as_secs_f64());
        lab.heal_all();
        println!("act: pair {}: breakglass {:.1} s, bare script {:.1} s", pair + 1, ours[pair], bare[pair]);
    }
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    println!(
        "act: breakglass {ours:.1} s, bare script {bare:.1} s, ratio {:.2} (medians of {PAIRS})",
        ours / bare
    );
}

/// All at once after the group has come to rest: g1 is as high as any.
fn kill(lab: &Lab) {
    lab.until_healthy();
    lab.fault("kill", &["g3"]);
    lab.fault("kill", &["g2"]);
    lab.fault("kill", &["g1"]);
    until(Duration::from_secs(10), "every unit is down", || {
        ALL.iter().all(|node| lab.unit(node) == "failed")
    });
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a careful operator would have in a script: the same bare commands and the same waits, over one multiplexed SSH
/// connection a node. Arguments: the lab's state directory, and the hosts of g1, g2, g3.
const SCRIPT: &str = r#"set -eu
state=$1
sockets=$(mktemp -d)
trap 'for h in "$2" "$3" "$4"; do ssh -F none -o ControlPath="$sockets/%h" -O exit "root@$h" 2>/dev/null || :; done; rm -rf "$sockets"' EXIT
on() {
  host=$1
  shift
  ssh -F none -n -o BatchMode=yes -o UserKnownHostsFile="$state/known_hosts" -o IdentitiesOnly=yes -i "$state/id" \
    -o ControlMaster=auto -o ControlPath="$sockets/%h" -o ControlPersist=60 "root@$host" "$@"
}
synced() { # HOST SIZE
  until on "$1" "mariadb -N -B -e \"SHOW STATUS WHERE Variable_name IN ('wsrep_local_state_comment', 'wsrep_cluster_size', 'wsrep_cluster_status', 'wsrep_ready')\"" 2>/dev/null | sort |
    tr '\t\n' '  ' | grep -q "wsrep_cluster_size $2 wsrep_cluster_status Primary wsrep_local_state_comment Synced wsrep_ready ON"; do
    sleep 0.2
  done
}
for host in "$2" "$3" "$4"; do on "$host" 'cat /var/lib/mysql/grastate.dat; systemctl is-active mariadb || :' & done
wait
for host in "$2" "$3" "$4"; do
  on "$host" 'sudo -u mysql mariadbd --wsrep-recover --log-error=/tmp/recover.err --skip-networking; grep -a "Recovered position" /tmp/recover.err; rm -f /tmp/recover.err' &
done
wait
on "$2" 'sed -i "s/^safe_to_bootstrap: 0/safe_to_bootstrap: 1/" /var/lib/mysql/grastate.dat && galera_new_cluster'
synced "$2" 1
on "$3" 'systemctl start mariadb'
synced "$3" 2
synced "$2" 2
on "$4" 'systemctl start mariadb'
for host in "$2" "$3" "$4"; do synced "$host" 3; done
on "$2" 'mariadb -e "CREATE DATABASE bare; CREATE TABLE bare.c (id INT PRIMARY KEY); INSERT INTO bare.c VALUES (1)"'
for host in "$2" "$3" "$4"; do on "$host" 'mariadb -N -e "SET wsrep_sync_wait=1; SELECT id FROM bare.c"'; done
on "$2" 'mariadb -e "DROP DATABASE bare"'
end=$(($(date +%s) + 10))
while [ "$(date +%s)" -lt "$end" ]; do
  for host in "$2" "$3" "$4"; do synced "$host" 3; done
  sleep 1
done
"#;
