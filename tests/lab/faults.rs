//! Every fault the lab can set, named by one survey.

use std::time::Duration;

use serde_json::json;

use crate::lab::{self, Lab, until};
use crate::sight::Sight;
use crate::walk::{Desk, yes};

fn start(lab: &Lab, node: &str) {
    assert_eq!(lab.exec_code(node, &["systemctl", "start", "mariadb"]), 0, "start of {node}");
}

/// Files and room: a full disk, a flag that a bootstrap left, a state file of root's, all in one survey; healed, none
/// is left.
pub(crate) fn files() -> Result<(), String> {
    let lab = Lab::up("bgs-files", &[]);
    lab.fault("stop", &["g3"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    assert_eq!(lab.fault_code("wrong-owner", "g1"), 2, "its server runs");
    let owner = lab.fault("wrong-owner", &["g3"]);
    let disk = lab.fault("fill-disk", &["g2"]);
    let flag = lab.fault("leftover-flag", &["g1"]);
    let sight = Sight::of(&lab);
    sight.names("galera.disk-full", &["g2"]);
    sight.names("galera.bootstrap-leftover", &["g1"]);
    sight.names("galera.wrong-owner", &["g3"]);
    sight.stands("g1", "SYNCED");
    // Set once more on the same node: each goes away with its own id, and the means only with the last.
    let again = lab.fault("fill-disk", &["g2"]);
    lab.heal(&disk);
    Sight::of(&lab).names("galera.disk-full", &["g2"]);
    for id in [again, flag, owner] {
        lab.heal(&id);
    }
    start(&lab, "g3");
    lab.until_healthy();
    let sight = Sight::of(&lab);
    for id in ["galera.disk-full", "galera.bootstrap-leftover", "galera.wrong-owner"] {
        sight.silent(id);
    }
    sight.only(&["galera.healthy"]);
    assert_eq!(sight.code, 0);
    Ok(())
}

/// A full transfer cut short at either end, and one of whose processes outlived its server.
pub(crate) fn transfers() -> Result<(), String> {
    let lab = Lab::up("bgs-sst", &[]);
    let cut = lab.fault("kill-joiner", &["g3"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    let sight = Sight::of(&lab);
    sight.names("galera.tainted", &["g3"]).stands("g3", "TAINTED");
    assert_eq!(sight.cluster["candidates"], json!([]));
    // Killed at once, nobody took away what tells of the transfer.
    let markers = &sight.node("g3")["facts"]["transfer.markers"]["value"];
    assert!(markers.to_string().contains("sst_in_progress"), "{markers}");
    lab.heal(&cut);
    start(&lab, "g3");
    lab.until_healthy();

    let cut = lab.fault("kill-donor", &["g3"]);
    let survivor = if lab.unit("g1") == "active" { "g1" } else { "g2" };
    let donor = if survivor == "g1" { "g2" } else { "g1" };
    lab.until_group(&[survivor], "Primary", 1);
    let sight = Sight::of(&lab);
    sight.names("galera.tainted", &["g3"]).stands("g3", "TAINTED").stands(survivor, "SYNCED");
    sight.names("galera.transfer-failed", &["g3"]);
    assert_eq!(sight.node(donor)["server"], "crashed", "{}", lab.status_text());
    lab.fault("kill", &[survivor]);
    donor_is_whole(&lab, survivor, donor);
    lab.heal(&cut);
    start(&lab, "g3");
    lab.until_healthy();
    Sight::of(&lab).only(&["galera.healthy"]);

    lab.fault("stop", &["g3"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    let orphan = lab.fault("orphan-transfer", &["g3"]);
    Sight::of(&lab).names("galera.orphan-transfer", &["g3"]);
    lab.heal(&orphan);
    Sight::of(&lab).silent("galera.orphan-transfer");
    start(&lab, "g3");
    lab.until_healthy();
    Ok(())
}

/// The donor was killed while it gave, and has the mark of a transfer; what it holds counts, and it comes back, though the
/// half-filled joiner stays out.
fn donor_is_whole(lab: &Lab, survivor: &str, donor: &str) {
    let desk = Desk::new(lab, "desk");
    desk.walk("galera-positions", &[], "").ended(0, "done");
    let (_, status) = desk.status();
    let cluster = &status["clusters"][0];
    assert_eq!(cluster["candidates"], json!([survivor]), "{cluster}");
    let nodes = cluster["nodes"].as_array().expect("nodes");
    let of = |name: &str| nodes.iter().find(|node| node["name"] == name).expect("the node");
    assert!(of(donor)["facts"]["transfer.markers"].to_string().contains("wsrep_sst.pid"), "{}", of(donor));
    assert_eq!(
        (&of(donor)["standing"], &of(donor)["position"]["source"]),
        (&json!("BEHIND"), &json!("recover"))
    );
    let run = desk.walk("galera-bootstrap", &[&format!("target={survivor}")], &yes("bootstrap", survivor));
    run.ended(10, "partial");
    assert!(run.detail().contains("g3 stays out: S7"), "{}", run.text());
    Sight::of(lab).stands(survivor, "SYNCED").stands(donor, "SYNCED").stands("g3", "TAINTED");
}

/// Both sides of a cut made a Primary Component, on the usual server and on a newer one, which is told so by another
/// variable.
pub(crate) fn both_sides() -> Result<(), String> {
    for release in ["bookworm", "trixie"] {
        let lab = Lab::up(&format!("bgs-both-{release}"), &["--release", release]);
        let both = lab.fault("bootstrap-both", &["g1"]);
        let sight = Sight::of(&lab);
        sight.names("galera.two-primaries", &["g1", "g2", "g3"]);
        assert_eq!(sight.cluster["candidates"], json!([]));
        lab.heal(&both);
    }
    Ok(())
}

/// A certificate that has expired: seen on a node that is down, before anybody starts it, and when its start does not
/// get through. A server that runs is held to what it has loaded.
pub(crate) fn certificates() -> Result<(), String> {
    let lab = Lab::up("bgs-tls", &[]);
    lab.fault("stop", &["g3"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    let expired = lab.fault("expire-certificate", &["g3"]);
    Sight::of(&lab).names("galera.certificate", &["g3"]).stands("g1", "SYNCED").stands("g2", "SYNCED");
    lab.exec("g3", &["systemctl", "start", "--no-block", "mariadb"]);
    until(Duration::from_secs(30), "the handshake fails", || {
        lab.exec("g3", &["journalctl", "-q", "-o", "cat", "--no-pager", "-u", "mariadb", "--since", "-1min"])
            .contains("certificate has expired")
    });
    Sight::of(&lab).about("galera.certificate", "g3");
    lab.heal(&expired);
    Ok(())
}

/// Two data nodes with an arbitrator, a load balancer in front of them and monit beside them.
pub(crate) fn around() -> Result<(), String> {
    let arguments = ["--nodes", "2", "--arbitrators", "1", "--proxies", "1", "--manager", "monit"];
    let lab = Lab::up("bgs-round", &arguments);
    let sight = Sight::of(&lab);
    assert_eq!((sight.code, &sight.cluster["verdict"]), (0, &json!("healthy")), "{}", lab.status_text());
    assert_eq!(sight.cluster["primary"]["size"], 3);
    sight.stands("a1", "ARBITRATOR");
    assert_eq!(sight.node("p1")["role"], "proxy");
    sight.names("galera.automation", &["g1", "g2"]);
    sight.only(&["galera.healthy", "galera.automation"]);

    // What load balancers are left in after somebody's maintenance.
    let ask = |words: &str| format!("echo '{words}' | socat - UNIX-CONNECT:/run/haproxy/admin.sock");
    lab.exec("p1", &["sh", "-c", &ask("set server galera/g1 state maint")]);
    Sight::of(&lab).names("galera.proxy-view", &["p1"]);
    lab.exec("p1", &["sh", "-c", &ask("set server galera/g1 state ready")]);
    let away = lab.fault("stop", &["p1"]);
    Sight::of(&lab).names("galera.proxy-view", &["p1"]);
    lab.heal(&away);
    lab.exec("p1", &["systemctl", "start", "haproxy"]);

    assert_eq!(lab.fault_code("fill-disk", "a1"), 2, "it holds no data");
    lab.fault("kill", &["a1"]);
    lab.until_group(&["g1", "g2"], "Primary", 2);
    Sight::of(&lab).names("galera.arbitrator", &["a1"]).stands("g1", "SYNCED").stands("g2", "SYNCED");
    lab.heal_all();
    lab.exec("a1", &["systemctl", "start", "garb"]);
    lab.until_group(&["g1", "g2"], "Primary", 3);

    // The second restarter: the unit alone would not start it again.
    lab.fault("kill", &["g2"]);
    until(Duration::from_mins(1), "monit starts the server again", || lab.unit("g2") == "active");
    let name = lab.name().to_owned();
    drop(lab);
    lab::nothing_left(&name);
    Ok(())
}
