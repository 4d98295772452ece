//! A node's facts as the files of a bundle: only what was read, in the forms that [`super::read`] knows.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::{File, Folder, server};
use crate::ask::client_error;
use crate::ask::redact::redacted;
use crate::facts::{Facts, Key, Known, NodeSurvey, Plain, Reach, ReachWord, Value, WhyKind, keys};

/// What a log is called that does not read back as what was surveyed: people may look at it, and nothing is judged by it.
const PART_OF_LOG: &str = "log-part.txt";

/// The files of one node, by name. What the forms cannot carry is left out; a node that was not reached has one that says
/// so. Words that look like passwords are taken out.
pub fn written(node: &NodeSurvey) -> Vec<(&'static str, Vec<u8>)> {
    if !node.ssh.is_ok() {
        let text = format!("{} was not read: {} ({})\n", node.name, node.ssh.word.as_str(), node.ssh.detail);
        return vec![("README.txt", text.into_bytes())];
    }
    let facts = &node.facts;
    let texts = [
        (File::Status, status(facts, &node.sql)),
        (File::Variables, variables(facts, &node.sql)),
        (File::Members, members(facts)),
        (File::Peers, peers(facts)),
        (File::Listing, listing(facts)),
        (
            File::Recover,
            facts.get(keys::RECOVERED).known().map(|at| format!("WSREP: Recovered position {at}\n")),
        ),
        (File::Room, room(facts)),
        (File::Unit, unit(facts)),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(file, text)| Some((file.name(), redacted(&text?).into_owned().into_bytes())));
    let state = [(File::Grastate, grastate(facts)), (File::Gvwstate, gvwstate(facts))];
    let state = state.into_iter().filter_map(|(file, bytes)| Some((file.name(), bytes?)));
    let mut files: Vec<(&'static str, Vec<u8>)> = state.chain(texts).collect();
    if let Some(log) = log(facts) {
        files.push((File::Log.name(), redacted(&log).into_owned().into_bytes()));
        if !reads_back(node, &files)
            && let Some(last) = files.last_mut()
        {
            last.0 = PART_OF_LOG;
        }
    }
    files
}

/// Whether the log says of the node's data what the whole log said: an old line that is not among those that were kept
/// must not make an evicted node a sound one.
fn reads_back(node: &NodeSurvey, files: &[(&'static str, Vec<u8>)]) -> bool {
    let held = |file: &File| {
        files
            .iter()
            .find(|(name, _)| *name == file.name())
            .map(|(_, bytes)| (*file, Known::Known(bytes.clone())))
    };
    let folder = Folder {
        name: node.name.clone(),
        place: String::new(),
        files: File::ALL.iter().filter_map(held).collect(),
    };
    let again = super::read(&folder, node.at).facts;
    let same = |key: Key<bool>| again.get(key).known() == node.facts.get(key).known();
    [keys::LOG_EVICTED, keys::LOG_HALF_FILLED, keys::LOG_PREPARED].into_iter().all(same)
        && again.get(keys::LOG_POSITION).known() == node.facts.get(keys::LOG_POSITION).known()
        && again.get(keys::LOG_BOOTSTRAPS).known() == node.facts.get(keys::LOG_BOOTSTRAPS).known()
}

/// What a command says of a file that it cannot copy, which [`super::read`] takes as the kernel's word.
fn not_copied(name: &str, file: &Known<Plain>) -> Option<Vec<u8>> {
    let said = match file {
        Known::Known(word) if word.as_str() == "missing" => "No such file or directory",
        Known::Known(word) if word.as_str() == "empty" => return Some(Vec::new()),
        Known::Unknown(why) if why.kind == WhyKind::Denied => "Permission denied",
        _ => return None,
    };
    Some(format!("cat: {name}: {said}\n").into_bytes())
}

fn grastate(facts: &Facts) -> Option<Vec<u8>> {
    if let Known::Known(raw) = facts.get(keys::GRASTATE_RAW) {
        return Some(unescaped(raw.as_str()));
    }
    let file = facts.get(keys::GRASTATE_FILE);
    if !file.is(|word| word.as_str() == "valid") {
        return not_copied(File::Grastate.name(), &file);
    }
    let uuid = match facts.get(keys::GRASTATE_UUID) {
        Known::Known(uuid) => uuid.to_string(),
        Known::Unknown(why) => undefined(why.kind, ZERO)?,
    };
    let seqno = match facts.get(keys::GRASTATE_SEQNO) {
        Known::Known(seqno) => seqno.to_string(),
        Known::Unknown(why) => undefined(why.kind, "-1")?,
    };
    let safe = facts.get(keys::GRASTATE_SAFE);
    let safe =
        safe.known().map(|safe| format!("safe_to_bootstrap: {}\n", u8::from(*safe))).unwrap_or_default();
    let version = facts.get(keys::GRASTATE_VERSION);
    let version = version.known().map_or("2.1", Plain::as_str);
    let text = format!("# GALERA saved state\nversion: {version}\nuuid:    {uuid}\nseqno:   {seqno}\n{safe}");
    Some(text.into_bytes())
}

const ZERO: &str = "00000000-0000-0000-0000-000000000000";

fn undefined(kind: WhyKind, text: &str) -> Option<String> {
    (kind == WhyKind::Undefined).then(|| text.to_owned())
}

fn gvwstate(facts: &Facts) -> Option<Vec<u8>> {
    if let Known::Known(raw) = facts.get(keys::GVWSTATE_RAW) {
        return Some(unescaped(raw.as_str()));
    }
    let file = facts.get(keys::GVWSTATE_FILE);
    if !file.is(|word| word.as_str() == "valid") {
        return not_copied(File::Gvwstate.name(), &file);
    }
    let me = facts.get(keys::GVWSTATE_MY_UUID);
    let (view, members) = (facts.get(keys::GVWSTATE_VIEW), facts.get(keys::GVWSTATE_MEMBERS));
    let bootstrap = facts.get(keys::GVWSTATE_BOOTSTRAP).is(|bootstrap| *bootstrap);
    let members: Vec<String> =
        members.known()?.iter().map(|member| format!("member: {member} 0\n")).collect();
    let text = format!(
        "my_uuid: {}\n#vwbeg\nview_id: {}\nbootstrap: {}\n{}#vwend\n",
        me.known()?,
        view.known()?,
        u8::from(bootstrap),
        members.concat()
    );
    Some(text.into_bytes())
}

/// Takes back what [`Plain`] made visible.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((bytes, after)) = escape(rest) {
            out.extend(bytes);
            rest = after;
        } else {
            let (one, after) = rest.split_at(c.len_utf8());
            out.extend(one.as_bytes());
            rest = after;
        }
    }
    out
}

/// The bytes of the escape that a text begins with, and what follows it.
fn escape(text: &str) -> Option<(Vec<u8>, &str)> {
    if let Some((digits, after)) = text.strip_prefix("\\u{").and_then(|rest| rest.split_once('}')) {
        let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        return Some((c.to_string().into_bytes(), after));
    }
    let (digits, after) = text.strip_prefix("\\x")?.split_at_checked(2)?;
    Some((vec![u8::from_str_radix(digits, 16).ok()?], after))
}

/// The rows of what the server answered, or the client's error.
fn status(facts: &Facts, sql: &Reach) -> Option<String> {
    let apart = [keys::WSREP_MEMBERS.name(), keys::WSREP_PEERS.name(), keys::WSREP_PEERS_SILENT.name()];
    let rows = rows(facts, "wsrep.", |name| {
        let named = name.strip_prefix("wsrep.").filter(|_| !apart.contains(&name));
        named.map(|name| format!("wsrep_{name}"))
    });
    match rows {
        Some(rows) if sql.is_ok() => Some(rows),
        _ if sql.is_ok() || sql.word == ReachWord::NotTried => None,
        // What we say of it ourselves is none of the client's words.
        _ if sql.detail.as_str().is_empty() || sql.detail.as_str() == server::NO_ROW => Some(String::new()),
        _ => Some(format!("{}\n", sql.detail.as_str().trim_start_matches(client_error::SAID))),
    }
}

/// The variables that the server said. What a probe reads in the option files of a server that is down is none of them:
/// rows say that a server answered.
fn variables(facts: &Facts, sql: &Reach) -> Option<String> {
    if !sql.is_ok() {
        return None;
    }
    rows(facts, "var.", |name| name.strip_prefix("var.").map(str::to_owned))
}

/// `NAME<tab>VALUE` of the facts whose names begin so; what Galera says instead of "undefined" is said so again.
fn rows(facts: &Facts, prefix: &str, name_of: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = String::new();
    for (fact_name, fact) in facts.iter().filter(|(name, _)| name.starts_with(prefix)) {
        let Some(name) = name_of(fact_name) else { continue };
        let value = match &fact.value {
            Known::Known(value) => written_value(value),
            Known::Unknown(why) if why.kind == WhyKind::Undefined => match name.as_str() {
                "wsrep_cluster_conf_id" => u64::MAX.to_string(),
                "wsrep_last_committed" => "-1".to_owned(),
                name if name.ends_with("_uuid") => ZERO.to_owned(),
                _ => continue,
            },
            Known::Unknown(_) => continue,
        };
        let value = value.replace('\\', "\\\\").replace('\t', "\\t");
        text.extend([name.as_str(), "\t", value.as_str(), "\n"]);
    }
    (!text.is_empty()).then_some(text)
}

fn written_value(value: &Value) -> String {
    match value {
        Value::Flag(flag) => if *flag { "ON" } else { "OFF" }.to_owned(),
        Value::Count(count) => count.to_string(),
        Value::Signed(number) => number.to_string(),
        Value::Seqno(seqno) => seqno.to_string(),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Position(position) => position.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Texts(texts) => texts.iter().map(Plain::as_str).collect::<Vec<_>>().join(","),
    }
}

fn members(facts: &Facts) -> Option<String> {
    let rows = facts.get(keys::WSREP_MEMBERS);
    let rows: Vec<String> = rows
        .known()?
        .iter()
        .map(|row| {
            let (uuid, name) = row.as_str().split_once(' ').unwrap_or((row.as_str(), ""));
            format!("{uuid}\t{name}\n")
        })
        .collect();
    Some(format!("node_uuid\tnode_name\n{}", rows.concat()))
}

/// The connections as `ss -tinH` shows them, as far as they are facts.
fn peers(facts: &Facts) -> Option<String> {
    let (peers, silent) = (facts.get(keys::WSREP_PEERS), facts.get(keys::WSREP_PEERS_SILENT));
    let silent: Vec<(&str, u64)> = silent.known()?.iter().filter_map(|peer| silence(peer.as_str())).collect();
    let host = |address: &str| address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
    let line =
        |address: &str, seconds: u64| format!("0 0 0.0.0.0:4567 {address}\n\t lastrcv:{}\n", seconds * 1000);
    let heard = peers
        .known()?
        .iter()
        .filter(|peer| !silent.iter().any(|(address, _)| host(address) == peer.as_str()));
    let heard = heard.map(|peer| line(&format!("{peer}:4567"), 0));
    Some(heard.chain(silent.iter().map(|(address, seconds)| line(address, *seconds))).collect())
}

/// `ADDRESS N s`.
fn silence(text: &str) -> Option<(&str, u64)> {
    let (address, rest) = text.split_once(' ')?;
    Some((address, rest.split(' ').next()?.parse().ok()?))
}

/// What is known of the data directory's entries.
fn listing(facts: &Facts) -> Option<String> {
    let (markers, schema) = (facts.get(keys::TRANSFER_MARKERS), facts.get(keys::DATADIR_SYSTEM_SCHEMA));
    let mut names: Vec<&str> = markers.known()?.iter().map(Plain::as_str).collect();
    if *schema.known()? {
        names.push("mysql");
    }
    let there = |key: Key<Plain>| facts.get(key).is(|file| file.as_str() != "missing");
    for (key, name) in
        [(keys::GRASTATE_FILE, File::Grastate.name()), (keys::GVWSTATE_FILE, File::Gvwstate.name())]
    {
        if there(key) {
            names.push(name);
        }
    }
    Some(format!("{}\n{}\n", super::state::LISTING_HEAD, names.join("\n")))
}

fn room(facts: &Facts) -> Option<String> {
    let count = |key: Key<u64>| facts.get(key).known().map(u64::to_string);
    let point = facts.get(keys::DATADIR_PATH);
    let point = point.known().map_or("/", Plain::as_str);
    let table = |unit: &str, size: Option<String>, free: String| {
        let size = size.unwrap_or_else(|| "-".to_owned());
        format!("Filesystem {unit} Used Available Capacity Mounted on\n- {size} - {free} - {point}\n")
    };
    let blocks = count(keys::DISK_FREE).map(|free| table("1-blocks", count(keys::DISK_SIZE), free));
    let inodes = count(keys::DISK_INODES_FREE).map(|free| table("Inodes", None, free));
    let text: String = [blocks, inodes].into_iter().flatten().collect();
    (!text.is_empty()).then_some(text)
}

/// The unit's properties, where it is known whether a process was there: without, a unit that is down would prove it.
fn unit(facts: &Facts) -> Option<String> {
    let state = facts.get(keys::SERVER_STATE);
    let state = state.known()?;
    let mut text = String::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.extend([name, "=", value.as_str(), "\n"]);
        }
    };
    let words = [
        ("Id", keys::UNIT_NAME),
        ("LoadState", keys::UNIT_LOAD),
        ("ActiveState", keys::UNIT_ACTIVE),
        ("SubState", keys::UNIT_SUB),
        ("Result", keys::UNIT_RESULT),
        ("Restart", keys::UNIT_RESTART),
        ("RestartUSec", keys::UNIT_RESTART_DELAY),
        ("TimeoutStartUSec", keys::UNIT_START_TIMEOUT),
        ("UnitFileState", keys::UNIT_ENABLED),
    ];
    for (name, key) in words {
        add(name, facts.get(key).known().map(Plain::to_string));
    }
    let code = facts.get(keys::UNIT_EXIT_CODE);
    let codes = ["none", "exited", "killed", "dumped"];
    let number = |code: &Plain| codes.iter().position(|known| *known == code.as_str());
    add("ExecMainCode", code.known().and_then(number).map(|number| number.to_string()));
    let pid = facts.get(keys::UNIT_MAIN_PID).known().copied();
    add(
        "MainPID",
        if state.as_str().is_empty() { Some(0) } else { pid.filter(|pid| *pid > 0) }
            .map(|pid| pid.to_string()),
    );
    for (name, key) in [("ExecMainStatus", keys::UNIT_EXIT_STATUS), ("NRestarts", keys::UNIT_RESTARTS)] {
        add(name, facts.get(key).known().map(u64::to_string));
    }
    add(
        "SendSIGKILL",
        facts.get(keys::UNIT_SENDS_SIGKILL).known().map(|sends| if *sends { "yes" } else { "no" }.to_owned()),
    );
    for (name, key) in
        [("ExecMainStartTimestamp", keys::UNIT_STARTED), ("ExecMainExitTimestamp", keys::UNIT_EXITED)]
    {
        add(name, facts.get(key).known().and_then(|time| moment(*time)));
    }
    facts.get(keys::UNIT_ACTIVE).known().map(|_| text)
}

/// As systemd writes a time under UTC.
fn moment(time: Timestamp) -> Option<String> {
    strtime::format("%a %Y-%m-%d %H:%M:%S UTC", &time.to_zoned(TimeZone::UTC)).ok()
}

/// A line that says nothing but when the part of a log begins that was read.
const REACH: &str = "-- from here on the log was read --";

/// The lines that were kept: marks older than the tail, then the tail.
fn log(facts: &Facts) -> Option<String> {
    let (marks, tail) = (facts.get(keys::LOG_MARKS), facts.get(keys::LOG_TAIL));
    let tail = tail.known()?;
    let mut older: &[Plain] = marks.known().map(Vec::as_slice).unwrap_or_default();
    // The latest marks stand in the tail, too, there in full.
    let mut within = &tail[..];
    while let Some((mark, rest)) = older.split_last() {
        let Some(at) = within.iter().rposition(|line| line.as_str().starts_with(mark.as_str())) else {
            break;
        };
        within = within.get(..at).unwrap_or_default();
        older = rest;
    }
    let reach = facts.get(keys::LOG_REACH);
    let reach = reach.known().map(|at| format!("{at:.0} {REACH}\n")).unwrap_or_default();
    let kept = older.iter().chain(tail).filter(|line| !line.as_str().ends_with(REACH));
    let lines: Vec<String> = kept.map(|line| format!("{line}\n")).collect();
    Some(reach + &lines.concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_survive_being_shown(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assume!(!bytes.contains(&b'\\'));
            prop_assert_eq!(unescaped(Plain::from_bytes(&bytes).as_str()), bytes);
        }
    }
}
