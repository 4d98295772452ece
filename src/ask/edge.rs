//! Around the servers: arbitrators, load balancers, and the check that tells a load balancer about a node.

use jiff::Timestamp;

use super::frame::{Frame, Status};
use super::unit::Setter;
use crate::facts::{Facts, Known, Plain, WhyKind, keys};

/// The facts of the edge.
pub(super) fn facts(frame: &Frame<'_>, at: Timestamp, out: &mut Facts) {
    let text = frame.text("arbitrator", "an arbitrator's process");
    let source = Plain::from("the process of garbd, or its file");
    let mut set = Setter { out, source: &source, at };
    let process = text.as_ref().map(|text| Plain::new(named(text, "process").unwrap_or_default()));
    set.set(keys::ARBITRATOR_PROCESS, process);
    let said = |value: fn(&str) -> Option<String>, what: &str| {
        text.as_ref().and_then(|text| match value(text) {
            Some(value) => Known::Known(Plain::new(value)),
            None => Known::unknown(WhyKind::Undefined, format!("no arbitrator that runs here says {what}")),
        })
    };
    set.set(keys::ARBITRATOR_GROUP, said(|text| named(text, "group").map(str::to_owned), "its group"));
    set.set(keys::ARBITRATOR_ADDRESS, said(address, "its addresses"));

    let kind = frame.text("proxy", "the processes of others");
    let source = Plain::from("/proc");
    let mut set = Setter { out, source: &source, at };
    set.set(keys::PROXY_KIND, kind.as_ref().map(Plain::new));
    let backends = kind.and_then(|kind| match (kind, frame.section("proxy-backends")) {
        ("", _) => Known::unknown(WhyKind::Undefined, "no load balancer runs here"),
        (kind, Some(section)) if matches!(section.status, Status::Missing | Status::Failed(_)) => {
            Known::unknown(WhyKind::NotRead, format!("{kind} runs, and no admin socket of it answered"))
        }
        _ => frame.text("proxy-backends", "what the load balancer thinks").and_then(backends),
    });
    let source = Plain::from("the load balancer's admin socket");
    Setter { out, source: &source, at }.set(keys::PROXY_BACKENDS, backends);

    let check = match frame.section("clustercheck") {
        None => Known::unknown(WhyKind::Undefined, "nothing listens on port 9200"),
        Some(_) => frame.text("clustercheck", "the node's clustercheck").and_then(answer),
    };
    let source = Plain::from("GET / on port 9200");
    Setter { out, source: &source, at }.set(keys::CLUSTERCHECK, check);
}

/// The first value of a line `name value`.
fn named<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.trim();
    (!value.is_empty()).then_some(value)
}

/// The addresses garbd was started with, or would be by its file (addresses with blanks or commas between them).
fn address(text: &str) -> Option<String> {
    named(text, "address").map(str::to_owned).or_else(|| {
        let nodes: Vec<&str> =
            named(text, "nodes")?.split([' ', ',']).filter(|node| !node.is_empty()).collect();
        Some(format!("gcomm://{}", nodes.join(",")))
    })
}

/// Reads what a load balancer said of its servers: its kind, then its own table.
fn backends(text: &str) -> Known<Vec<Plain>> {
    let (kind, table) = text.split_once('\n').unwrap_or((text, ""));
    let rows = match kind {
        "haproxy" => haproxy(table),
        "proxysql" => proxysql(table),
        _ => None,
    };
    match rows {
        Some(rows) => Known::Known(rows),
        None => Known::unknown(WhyKind::Malformed, format!("{kind} did not answer in the form of its table")),
    }
}

/// HAProxy's `show stat`: comma-separated, with its columns named in the first line. `backend/server address state check`.
fn haproxy(table: &str) -> Option<Vec<Plain>> {
    let mut lines = table.lines().filter(|line| !line.trim().is_empty());
    let names: Vec<&str> = lines.next()?.strip_prefix("# ")?.split(',').collect();
    let place = |name: &str| names.iter().position(|n| *n == name);
    let (proxy, server, status) = (place("pxname")?, place("svname")?, place("status")?);
    let (address, check, code) = (place("addr"), place("check_status"), place("check_code"));
    let mut rows = Vec::new();
    for line in lines {
        let fields = fields(line);
        let get = |at: usize| fields.get(at).map(String::as_str);
        let some = |at: Option<usize>| at.and_then(get).filter(|text| !text.is_empty());
        let (proxy, server, status) = (get(proxy)?, get(server)?, get(status)?);
        if matches!(server, "FRONTEND" | "BACKEND") {
            continue;
        }
        // `UP 1/3` is up and about to be taken for down.
        let state = if status == "no check" { "no-check" } else { status.split(' ').next()? };
        // `* L7OK`: a check runs just now, and this is the one before it; its code is 0 then.
        let check = some(check).map(|check| check.trim_start_matches("* "));
        let check = match (check, some(code).filter(|code| *code != "0")) {
            (Some(check), Some(code)) => format!("{check}/{code}"),
            (Some(check), None) => check.to_owned(),
            (None, _) => "-".to_owned(),
        };
        rows.push(Plain::new(format!("{proxy}/{server} {} {state} {check}", some(address).unwrap_or("-"))));
    }
    Some(rows)
}

/// The fields of a comma-separated line; quotes, doubled inside, hold commas.
fn fields(line: &str) -> Vec<String> {
    let (mut out, mut field) = (Vec::new(), String::new());
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    out.push(field);
    out
}

/// ProxySQL's runtime_mysql_servers: host group, host, port, status.
fn proxysql(table: &str) -> Option<Vec<Plain>> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            [group, host, port, state] if port.parse::<u16>().is_ok() => {
                Some(Plain::new(format!("{group}/{host} {host}:{port} {state} -")))
            }
            _ => None,
        }
    };
    table.lines().filter(|line| !line.is_empty()).map(row).collect()
}

/// The status code of an HTTP answer. Something else, such as a search engine, may live on port 9200.
fn answer(text: &str) -> Known<u64> {
    let stranger = ["\"cluster_name\"", "lasticsearch", "pensearch", "penSearch"];
    if stranger.iter().any(|word| text.contains(word)) {
        return Known::unknown(WhyKind::Undefined, "what answers on port 9200 is no clustercheck");
    }
    let first = text.lines().next().unwrap_or_default();
    let mut words = first.split_ascii_whitespace();
    let code = words.next().filter(|word| word.starts_with("HTTP/")).and(words.next());
    match code.filter(|code| code.len() == 3).and_then(|code| code.parse().ok()) {
        Some(code) => Known::Known(code),
        None => Known::unknown(WhyKind::Malformed, format!("{first:?} is no HTTP answer")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAT: &str = "# pxname,svname,qcur,status,weight,check_status,check_code,last_chk,addr,\n\
        galera,FRONTEND,,OPEN,,,,,,\ngalera,g1,0,UP,1,L7OK,200,\"OK, \"\"fine\"\"\",10.99.0.11:3306,\n\
        galera,g2,0,DOWN,1,* L7STS,503,Service Unavailable,10.99.0.12:3306,\ngalera,g3,0,UP 1/3,1,L4CON,,,10.99.0.13:3306,\n\
        galera,g4,0,UP,1,* L7OK,0,,10.99.0.14:3306,\nplain,x,0,no check,1,,,,,\ngalera,BACKEND,0,UP,1,,,,,\n";

    #[test]
    fn a_load_balancers_servers() {
        assert_eq!(
            haproxy(STAT).unwrap(),
            [
                "galera/g1 10.99.0.11:3306 UP L7OK/200",
                "galera/g2 10.99.0.12:3306 DOWN L7STS/503",
                "galera/g3 10.99.0.13:3306 UP L4CON",
                "galera/g4 10.99.0.14:3306 UP L7OK",
                "plain/x - no-check -",
            ]
            .map(Plain::from)
        );
        assert_eq!(
            backends("proxysql\n10\t10.0.0.1\t3306\tONLINE\n").known().unwrap(),
            &[Plain::from("10/10.0.0.1 10.0.0.1:3306 ONLINE -")]
        );
        for bad in [
            "",
            "haproxy\n",
            "haproxy\nUnknown command.",
            "haproxy\n# pxname,svname\na,b",
            "proxysql\nx",
            "nginx\n",
        ] {
            assert!(backends(bad).why().is_some(), "{bad}");
        }
    }

    #[test]
    fn what_a_node_tells_its_load_balancer() {
        assert_eq!(answer("HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\nnot synced"), Known::Known(503));
        assert_eq!(
            answer("HTTP/1.0 200 OK\r\n\r\nPercona XtraDB Cluster Node is synced."),
            Known::Known(200)
        );
        let other = "HTTP/1.0 200 OK\r\n\r\n{\"cluster_name\" : \"logs\"}";
        assert_eq!(answer(other).why().unwrap().kind, WhyKind::Undefined);
        assert_eq!(answer("SSH-2.0-x").why().unwrap().kind, WhyKind::Malformed);
    }

    #[test]
    fn an_arbitrators_words() {
        let runs = "process 77 nobody\ngroup shop\naddress gcomm://a,b\n";
        assert_eq!(named(runs, "process"), Some("77 nobody"));
        assert_eq!(address(runs).as_deref(), Some("gcomm://a,b"));
        assert_eq!(
            address("group shop\nnodes 10.0.0.1:4567 10.0.0.2\n").as_deref(),
            Some("gcomm://10.0.0.1:4567,10.0.0.2")
        );
        assert_eq!(address("nodes \n"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(haproxy\n# pxname,svname,status\n|HTTP/1.1 |process )?[\\PC,\"\n]{0,60}") {
            let _ = (backends(&text), answer(&text), address(&text), fields(&text));
        }
    }
}
