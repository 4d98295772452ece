//! Faults of files: the disk, the state file's owner, the certificate of replication, what a bootstrap leaves.

use super::{FaultKind, script};
use crate::practice::lab::error::LabError;
use crate::practice::lab::galera;
use crate::practice::lab::state::{Lab, Node};

/// Fills the data volume. The file's name is none that a server makes, and it is no directory, which a server would
/// take for a database.
const FILL: &str = r#"set -eu
file=$1/.breakglass-lab-filler
touch "$file"
for turn in 1 2 3; do
    left=$(df -B1 --output=avail "$file" | tail -n1)
    if [ "$left" -lt 1048576 ]; then exit 0; fi
    fallocate --offset "$(stat -c %s "$file")" --length $((left - 524288)) "$file"
done
left=$(df -B1 --output=avail "$file" | tail -n1)
if [ "$left" -ge 1048576 ]; then echo "$left bytes are still free" >&2; exit 1; fi
"#;
const DRAIN: &str = r#"rm -f "$1/.breakglass-lab-filler""#;

/// A certificate that was valid in January 2024, in a place and with a setting of its own.
const EXPIRE: &str = r#"set -eu
dir=/etc/mysql/breakglass-lab-tls name=$2 options=$3
mkdir -p "$dir"
cd "$dir"
printf '%s\n' '[ca]' 'default_ca=own' '[own]' 'new_certs_dir=.' 'database=index' 'serial=serial' \
    'default_md=sha256' 'policy=any' '[any]' 'commonName=supplied' '[req]' 'distinguished_name=dn' '[dn]' > ca.cnf
: > index
echo 01 > serial
openssl req -new -newkey rsa:2048 -nodes -config ca.cnf -subj "/CN=$name" -keyout key.pem -out request.pem 2>/dev/null
openssl ca -batch -selfsign -notext -config ca.cnf -keyfile key.pem -in request.pem -out cert.pem \
    -startdate 20240101000000Z -enddate 20240201000000Z 2>/dev/null
find . -type f ! -name key.pem ! -name cert.pem -delete
chown mysql: key.pem cert.pem
chmod 0600 key.pem
chmod 0644 cert.pem
printf '[galera]\nwsrep_provider_options = "%s;socket.ssl=yes;socket.ssl_key=%s/key.pem;socket.ssl_cert=%s/cert.pem;socket.ssl_ca=%s/cert.pem"\n' \
    "$options" "$dir" "$dir" "$dir" > /etc/mysql/mariadb.conf.d/99-breakglass-lab-tls.cnf
"#;
const RENEW: &str =
    "rm -rf /etc/mysql/breakglass-lab-tls /etc/mysql/mariadb.conf.d/99-breakglass-lab-tls.cnf";

/// What `mariadbd --wsrep-recover` or an editor, run as root, leave.
const DISOWN: &str = r#"set -eu; chown root:root "$1/grastate.dat"; chmod 0600 "$1/grastate.dat""#;
/// The server itself makes it so.
const OWN: &str = r#"set -eu; cd "$1"; [ -e grastate.dat ] || exit 0; chown --reference=. grastate.dat; chmod 0660 grastate.dat"#;

/// `galera_new_cluster` sets a flag, restarts the server and takes the flag away; killed in between it leaves it. It
/// does so with a file; older ones did with the service manager's environment.
const FLAG: &str = r#"set -eu
flag=$(sed -n 's/^EnvironmentFile=-*\(.*wsrep-new-cluster\)$/\1/p' /lib/systemd/system/mariadb.service)
echo "_WSREP_NEW_CLUSTER='--wsrep-new-cluster'" > "${flag:-/run/mysqld/wsrep-new-cluster}"
systemctl set-environment _WSREP_NEW_CLUSTER=--wsrep-new-cluster
"#;
const UNFLAG: &str = "set -eu; rm -f /run/mysqld/wsrep-new-cluster /run/mariadb-wsrep-new-cluster; systemctl unset-environment _WSREP_NEW_CLUSTER";

pub(super) fn set(lab: &Lab, kind: FaultKind, node: &Node) -> Result<(), LabError> {
    match kind {
        FaultKind::FillDisk => script(lab, node, FILL, &[lab.datadir()]),
        FaultKind::ExpireCertificate => {
            script(lab, node, EXPIRE, &[lab.datadir(), &node.name, galera::OPTIONS])
        }
        FaultKind::WrongOwner => script(lab, node, DISOWN, &[lab.datadir()]),
        _ => script(lab, node, FLAG, &[]),
    }
}

pub(super) fn clear(lab: &Lab, kind: FaultKind, node: &Node) -> Result<(), LabError> {
    let text = match kind {
        FaultKind::FillDisk => DRAIN,
        FaultKind::ExpireCertificate => RENEW,
        FaultKind::WrongOwner => OWN,
        _ => UNFLAG,
    };
    script(lab, node, text, &[lab.datadir()])
}
