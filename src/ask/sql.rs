//! What a running server says of itself: `SHOW GLOBAL STATUS` and `SHOW GLOBAL VARIABLES`.
//!
//! One reading for both ways to ask: the client that the probe runs on the node, and our own connection.

use jiff::Timestamp;

use super::recovered;
use super::redact::redacted;
use crate::facts::keys;
use crate::facts::{ClusterUuid, Facts, Key, Known, Plain, Position, Seqno, ValueType, Why, WhyKind};

/// The facts in the rows of `SHOW GLOBAL STATUS LIKE 'wsrep\_%'`, of `SHOW GLOBAL VARIABLES` (wsrep and the few named
/// in [`VARIABLES`]), and in `node_uuid, node_name` of `mysql.wsrep_cluster_members`. Names may be in either case.
///
/// A row that is not there, a value outside its grammar, and Galera's ways to say "undefined" (-1, 2^64-1, the zero
/// UUID) are Unknown (S1, S2).
pub fn facts(
    status: &[(String, String)],
    variables: &[(String, String)],
    members: Known<Vec<(String, String)>>,
    source: &Plain,
    at: Timestamp,
) -> Facts {
    let mut out = Reading { status, variables, source, at, facts: Facts::new() };
    out.status(keys::WSREP_CLUSTER_STATUS, "wsrep_cluster_status", component);
    out.status(keys::WSREP_CLUSTER_SIZE, "wsrep_cluster_size", count);
    out.status(keys::WSREP_CONF_ID, "wsrep_cluster_conf_id", count);
    out.status(keys::WSREP_CLUSTER_UUID, "wsrep_cluster_state_uuid", uuid);
    out.status(keys::WSREP_LOCAL_UUID, "wsrep_local_state_uuid", uuid);
    out.status(keys::WSREP_LAST_COMMITTED, "wsrep_last_committed", seqno);
    out.status(keys::WSREP_LOCAL_STATE, "wsrep_local_state", count);
    out.status(keys::WSREP_LOCAL_COMMENT, "wsrep_local_state_comment", text);
    out.status(keys::WSREP_READY, "wsrep_ready", flag);
    out.status(keys::WSREP_CONNECTED, "wsrep_connected", flag);
    out.status(keys::WSREP_EVS_STATE, "wsrep_evs_state", text);
    out.status(keys::WSREP_GCOMM_UUID, "wsrep_gcomm_uuid", member);
    out.status(keys::WSREP_INCOMING, "wsrep_incoming_addresses", list);
    out.status(keys::WSREP_WEIGHT, "wsrep_cluster_weight", count);
    out.status(keys::WSREP_DESYNC, "wsrep_desync_count", count);
    out.status(keys::WSREP_RECV_QUEUE, "wsrep_local_recv_queue", count);
    out.status(keys::WSREP_FLOW_CONTROL, "wsrep_flow_control_paused", text);
    out.status(keys::WSREP_FLOW_ACTIVE, "wsrep_flow_control_active", truth);
    out.status(keys::WSREP_FLOW_SENT, "wsrep_flow_control_sent", count);
    out.status(keys::WSREP_SEND_QUEUE, "wsrep_local_send_queue", count);
    out.status(keys::WSREP_SE_CHECKPOINT, "wsrep_se_checkpoint", checkpoint);
    out.status(keys::WSREP_CACHED_DOWNTO, "wsrep_local_cached_downto", seqno);
    out.status(keys::WSREP_PROVIDER_VERSION, "wsrep_provider_version", text);

    let rows = |rows: Vec<(String, String)>| {
        rows.iter().map(|(id, name)| Plain::new(format!("{id} {name}"))).collect()
    };
    out.facts.set(keys::WSREP_MEMBERS, members.map(rows), source, at);

    out.variable(keys::VAR_WSREP_ON, "wsrep_on", flag);
    out.variable(keys::VAR_CLUSTER_NAME, "wsrep_cluster_name", text);
    out.variable(keys::VAR_CLUSTER_ADDRESS, "wsrep_cluster_address", options);
    out.variable(keys::VAR_NODE_NAME, "wsrep_node_name", text);
    out.variable(keys::VAR_NODE_ADDRESS, "wsrep_node_address", text);
    out.variable(keys::VAR_SST_METHOD, "wsrep_sst_method", text);
    out.variable(keys::VAR_SST_DONOR, "wsrep_sst_donor", text);
    out.variable(keys::VAR_REJECT, "wsrep_reject_queries", text);
    out.variable(keys::VAR_DESYNC, "wsrep_desync", flag);
    out.variable(keys::VAR_PROVIDER_OPTIONS, "wsrep_provider_options", options);
    out.variable(keys::VAR_FLUSH, "innodb_flush_log_at_trx_commit", count);
    out.variable(keys::VAR_SYNC_BINLOG, "sync_binlog", count);
    out.variable(keys::VAR_READ_ONLY, "read_only", text);
    out.variable(keys::VAR_DATADIR, "datadir", text);
    // Elsewhere the version is read from the log; here it is the server's own word.
    if variables.iter().any(|(name, _)| name.eq_ignore_ascii_case("version")) {
        out.variable(keys::SERVER_VERSION, "version", text);
    }
    out.facts
}

/// The statement behind [`more`]'s first argument.
pub const CONNECTIONS: &str = "SELECT user, host FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' OR user = 'system user'";

/// The facts in `user, host` of the connections that read the binary log and of the server's own threads
/// ([`CONNECTIONS`]), and in how many rows `XA RECOVER` gave.
///
/// Who may not see the connections of others sees no thread of the server either, of which one with wsrep has some: then
/// that no replica is there is not known.
pub fn more(
    connections: Known<Vec<(String, String)>>,
    prepared: Known<u64>,
    source: &Plain,
    at: Timestamp,
) -> Facts {
    let mut out = Facts::new();
    let replicas = connections.and_then(|rows| {
        if !rows.iter().any(|(user, _)| user == "system user") {
            return Known::unknown(
                WhyKind::Denied,
                "the connections of others are not shown to this user (PROCESS)",
            );
        }
        let others = rows.iter().filter(|(user, _)| user != "system user");
        Known::Known(others.map(|(user, host)| Plain::new(format!("{user} {host}"))).collect())
    });
    out.set(keys::REPLICAS, replicas, source, at);
    out.set(keys::XA_PREPARED, prepared, source, at);
    out
}

/// The variables wanted besides those named `wsrep_…`.
pub const VARIABLES: [&str; 7] =
    ["innodb_flush_log_at_trx_commit", "sync_binlog", "read_only", "datadir", "version", "port", "socket"];

/// The facts of [`facts`] and [`more`] where the server could not be asked, all with one reason.
pub fn unknown(why: &Why, source: &Plain, at: Timestamp) -> Facts {
    let mut out = Facts::new();
    let asked = |name: &str| {
        let more = [keys::REPLICAS.name(), keys::XA_PREPARED.name()].contains(&name);
        let elsewhere = [keys::WSREP_PEERS.name(), keys::WSREP_PEERS_SILENT.name()].contains(&name);
        (name.starts_with("wsrep.") || name.starts_with("var.") || more) && !elsewhere
    };
    out.fill_where(asked, why, source, at);
    out
}

struct Reading<'a> {
    status: &'a [(String, String)],
    variables: &'a [(String, String)],
    source: &'a Plain,
    at: Timestamp,
    facts: Facts,
}

impl Reading<'_> {
    fn status<T: ValueType>(&mut self, key: Key<T>, name: &str, read: fn(&str) -> Known<T>) {
        let value = find(self.status, name).and_then(read);
        self.facts.set(key, value, self.source, self.at);
    }

    fn variable<T: ValueType>(&mut self, key: Key<T>, name: &str, read: fn(&str) -> Known<T>) {
        let value = find(self.variables, name).and_then(read);
        self.facts.set(key, value, self.source, self.at);
    }
}

/// The value of the row `name`; rows that contradict each other have none.
fn find<'a>(rows: &'a [(String, String)], name: &str) -> Known<&'a str> {
    let mut values =
        rows.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    match values.next() {
        None => Known::unknown(WhyKind::NotAsked, format!("the server's answer holds no {name}")),
        Some(first) if values.all(|other| other == first) => Known::Known(first),
        Some(_) => {
            Known::unknown(WhyKind::Contradicted, format!("{name} stands there with different values"))
        }
    }
}

fn text(value: &str) -> Known<Plain> {
    Known::Known(Plain::new(value))
}

/// Options of the provider, which can hold the password of its key.
fn options(value: &str) -> Known<Plain> {
    Known::Known(Plain::new(redacted(value)))
}

/// The words that wsrep has for a component. Any other is no word for "outside": a server that is in a Primary Component
/// must not read as one that is not.
fn component(value: &str) -> Known<Plain> {
    match ["Primary", "non-Primary", "Disconnected"].iter().find(|word| word.eq_ignore_ascii_case(value)) {
        Some(word) => Known::Known(Plain::from(*word)),
        None => malformed(value, "Primary, non-Primary or Disconnected"),
    }
}

fn count(value: &str) -> Known<u64> {
    match value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse()) {
        Some(Ok(u64::MAX)) => Known::unknown(WhyKind::Undefined, "2^64-1: the server has no such number now"),
        Some(Ok(count)) => Known::Known(count),
        _ => malformed(value, "a number"),
    }
}

fn seqno(value: &str) -> Known<Seqno> {
    match Seqno::parse(value) {
        Ok(Some(seqno)) => Known::Known(seqno),
        Ok(None) => Known::unknown(WhyKind::Undefined, format!("{value}: the server has no position now")),
        Err(_) => malformed(value, "a seqno"),
    }
}

fn uuid(value: &str) -> Known<ClusterUuid> {
    match ClusterUuid::parse(value) {
        Ok(Some(uuid)) => Known::Known(uuid),
        Ok(None) => Known::unknown(WhyKind::Undefined, "the UUID is zero: no identity"),
        Err(_) => malformed(value, "a UUID"),
    }
}

/// A member's UUID in the group.
fn member(value: &str) -> Known<Plain> {
    uuid(value).map(|_| Plain::new(value))
}

fn flag(value: &str) -> Known<bool> {
    match value {
        "ON" => Known::Known(true),
        "OFF" => Known::Known(false),
        other => malformed(other, "ON or OFF"),
    }
}

/// The provider's own flags are written `true`; other servers write ON.
fn truth(value: &str) -> Known<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" => Known::Known(true),
        "false" | "off" => Known::Known(false),
        _ => malformed(value, "true or false"),
    }
}

/// `uuid:seqno`, and where the server counts them a tail of GTIDs.
fn checkpoint(value: &str) -> Known<Position> {
    recovered::position(value.split(' ').next().unwrap_or_default())
}

/// An arbitrator's address is an empty element and stays one; an empty value is no element at all.
fn list(value: &str) -> Known<Vec<Plain>> {
    Known::Known(if value.is_empty() { Vec::new() } else { value.split(',').map(Plain::new).collect() })
}

fn malformed<T>(value: &str, wanted: &str) -> Known<T> {
    Known::unknown(WhyKind::Malformed, format!("{value:?} is not {wanted}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Rows = Vec<(String, String)>;

    fn rows(text: &str) -> Rows {
        text.lines().filter_map(|l| l.split_once('\t')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    fn read(status: &str, variables: &str) -> Facts {
        let members = Known::unknown(WhyKind::NotAsked, "not asked");
        facts(&rows(status), &rows(variables), members, &Plain::new("test"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_healthy_node() {
        let facts = read(
            include_str!("../../tests/fixtures/galera/01-healthy/g1-status-wsrep.tsv"),
            include_str!("../../tests/fixtures/galera/01-healthy/g1-variables-wsrep.tsv"),
        );
        assert!(facts.get(keys::WSREP_CLUSTER_STATUS).is(|v| v.as_str() == "Primary"));
        assert!(facts.get(keys::WSREP_CLUSTER_SIZE).is(|v| *v == 3));
        assert!(facts.get(keys::WSREP_LOCAL_STATE).is(|v| *v == 4));
        assert!(facts.get(keys::WSREP_READY).is(|v| *v));
        assert!(facts.get(keys::WSREP_LAST_COMMITTED).is(|v| v.get() == 3));
        assert!(facts.get(keys::WSREP_LOCAL_UUID).is(|v| v.short() == "0cb3db35"));
        assert!(facts.get(keys::WSREP_INCOMING).is(|v| v.len() == 3));
        assert!(
            facts
                .get(keys::VAR_CLUSTER_ADDRESS)
                .is(|v| v.as_str() == "gcomm://10.99.0.11,10.99.0.12,10.99.0.13")
        );
        assert!(facts.get(keys::VAR_WSREP_ON).is(|v| *v));
        assert_eq!(facts.get(keys::VAR_FLUSH).why().unwrap().kind, WhyKind::NotAsked);
        assert!(facts.get(keys::WSREP_FLOW_ACTIVE).is(|v| !*v));
        assert!(facts.get(keys::WSREP_FLOW_SENT).is(|v| *v == 0));
        assert!(facts.get(keys::WSREP_SEND_QUEUE).is(|v| *v == 0));
        assert!(facts.get(keys::WSREP_SE_CHECKPOINT).is(|p| p.seqno.get() == 3));
        assert!(facts.get(keys::VAR_DESYNC).is(|v| !*v));
        assert!(facts.get(keys::VAR_REJECT).is(|v| v.as_str() == "NONE"));
        assert!(facts.get(keys::VAR_SST_DONOR).is(|v| v.as_str().is_empty()));
    }

    #[test]
    fn replicas_are_none_only_where_all_connections_were_shown() {
        let row = |user: &str, host: &str| (user.to_owned(), host.to_owned());
        let told = |rows: Rows| {
            let facts = more(Known::Known(rows), Known::Known(2), &Plain::new("x"), Timestamp::UNIX_EPOCH);
            assert_eq!(facts.get(keys::XA_PREPARED), Known::Known(2));
            facts.get(keys::REPLICAS)
        };
        assert_eq!(told(vec![row("system user", "")]), Known::Known(Vec::new()));
        let one = told(vec![row("system user", ""), row("repl", "10.0.0.9:4711")]);
        assert_eq!(one, Known::Known(vec![Plain::from("repl 10.0.0.9:4711")]));
        assert_eq!(told(Vec::new()).why().unwrap().kind, WhyKind::Denied);
        assert_eq!(
            checkpoint("0cb3db35-e56d-11f1-98c2-3bdded13c08b:-1").why().unwrap().kind,
            WhyKind::NotRead
        );
    }

    #[test]
    fn non_primary_disconnected_and_evicted_nodes_invent_nothing() {
        let nonprim = read(include_str!("../../tests/fixtures/galera/04-partition/nonprim/g1.txt"), "");
        assert!(nonprim.get(keys::WSREP_CLUSTER_STATUS).is(|v| v.as_str() == "non-Primary"));
        assert_eq!(nonprim.get(keys::WSREP_CONF_ID).why().unwrap().kind, WhyKind::Undefined);
        let evicted = read(
            include_str!("../../tests/fixtures/galera/05-ahead/divergence-detected-inconsistent/g2.txt"),
            "",
        );
        for why in [
            evicted.get(keys::WSREP_LAST_COMMITTED).why(),
            evicted.get(keys::WSREP_LOCAL_UUID).why(),
            evicted.get(keys::WSREP_CONF_ID).why(),
        ] {
            assert_eq!(why.unwrap().kind, WhyKind::Undefined);
        }
        assert!(evicted.get(keys::WSREP_INCOMING).is(Vec::is_empty));
        assert!(evicted.get(keys::WSREP_LOCAL_COMMENT).is(|v| v.as_str() == "Inconsistent"));
    }

    #[test]
    fn an_arbitrator_stays_an_empty_element() {
        let facts = read(include_str!("../../tests/fixtures/galera/07-garbd/with-garbd/g1.txt"), "");
        let addresses = facts.get(keys::WSREP_INCOMING).known().unwrap().clone();
        assert_eq!(addresses, ["10.99.0.12:0", "", "10.99.0.11:0"].map(Plain::from));
    }

    #[test]
    fn a_component_is_one_of_three_words() {
        let status = |value: &str| {
            read(&format!("wsrep_cluster_status\t{value}\n"), "").get(keys::WSREP_CLUSTER_STATUS)
        };
        assert!(status("Primary").is(|word| word.as_str() == "Primary"));
        assert!(status("Non-primary").is(|word| word.as_str() == "non-Primary"));
        for other in ["Primary ", "Prim", "", "Primary, Synced"] {
            assert_eq!(status(other).why().unwrap().kind, WhyKind::Malformed, "{other:?}");
        }
    }

    #[test]
    fn names_in_either_case_and_contradictions() {
        let facts = read("WSREP_READY\tON\nwsrep_connected\tON\nwsrep_connected\tOFF\n", "");
        assert!(facts.get(keys::WSREP_READY).is(|v| *v));
        assert_eq!(facts.get(keys::WSREP_CONNECTED).why().unwrap().kind, WhyKind::Contradicted);
    }

    #[test]
    fn where_the_server_cannot_be_asked_every_fact_says_why() {
        let why = Why::new(WhyKind::Denied, "refused");
        let unknown = unknown(&why, &Plain::new("x"), Timestamp::UNIX_EPOCH);
        let names: Vec<_> = unknown.iter().map(|(name, _)| name).collect();
        let mut answered = read("", "");
        let none = || Known::unknown(WhyKind::NotAsked, "x");
        answered.extend(more(
            none(),
            Known::unknown(WhyKind::NotAsked, "x"),
            &Plain::new("x"),
            Timestamp::UNIX_EPOCH,
        ));
        answered.remove(keys::SERVER_VERSION.name());
        assert_eq!(names, answered.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents(value in "(ON|-1|18446744073709551615|[0-9a-f,.:-]{0,40}|\\PC{0,8})") {
            let status = format!("wsrep_last_committed\t{value}\nwsrep_ready\t{value}\nwsrep_cluster_size\t{value}\nwsrep_local_state_uuid\t{value}");
            let facts = read(&status, "");
            if let Known::Known(seqno) = facts.get(keys::WSREP_LAST_COMMITTED) {
                prop_assert_eq!(value.parse::<u64>().ok(), Some(seqno.get()));
            }
            if let Known::Known(size) = facts.get(keys::WSREP_CLUSTER_SIZE) {
                prop_assert_eq!(value.parse::<u64>().ok(), Some(size));
            }
            if facts.get(keys::WSREP_READY).known().is_some() {
                prop_assert_eq!(value, "ON");
            }
        }
    }
}
