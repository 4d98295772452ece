//! The probe: one read-only script that answers everything in one exec.

use jiff::Timestamp;

use super::client::{self, Said};
use super::frame::{Frame, Status};
use super::machine::{self, Clock};
use super::{automation, client_error, edge, gcache, keeping, kernel, log, sql, state, unit};
use crate::facts::{Facts, Known, Plain, Reach, ReachWord, Role, Why, WhyKind};
use crate::inventory::{Node, Server, Sql};

/// What the probe is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    arguments: Vec<String>,
    asks_sql: bool,
    backup: bool,
    role: Role,
}

impl Request {
    /// A request for a node of the inventory.
    pub fn of(node: &Node) -> Self {
        Self::for_role(node.role, &node.server, &node.sql)
    }

    /// A request for a data node with these settings; `sql` decides whether the probe runs the client itself.
    pub fn new(server: &Server, sql: &Sql) -> Self {
        Self::for_role(Role::Data, server, sql)
    }

    /// A request for a node of this role.
    pub(crate) fn for_role(role: Role, server: &Server, sql: &Sql) -> Self {
        let asks_sql = *sql == Sql::Probe;
        let told = [&server.unit, &server.datadir, &server.user, &server.binary];
        let mut arguments: Vec<String> = told.map(|told| told.clone().unwrap_or_default()).into();
        arguments.push(if asks_sql { "1" } else { "0" }.to_owned());
        let word = match role {
            Role::Data => "data",
            Role::Arbitrator => "arbitrator",
            Role::Router => "router",
            Role::Proxy => "proxy",
        };
        arguments.extend([word.to_owned(), server.backup.clone().unwrap_or_default()]);
        Self { arguments, asks_sql, backup: server.backup.is_some(), role }
    }

    /// The fixed text of the script, the same for every node.
    pub fn script(&self) -> &'static str {
        concat!(
            "BG_ROOT=\n",
            include_str!("places.sh"),
            include_str!("stamp.sh"),
            include_str!("automation.sh"),
            include_str!("files.sh"),
            include_str!("edge.sh"),
            include_str!("probe.sh")
        )
    }

    /// The script's positional parameters: unit, data directory, server user, binary (each empty where the probe is to
    /// find it), 1 where it is to run the client, the node's role, and the folder of its backups (empty where none is named).
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

/// What the probe answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The facts; whatever was not answered is Unknown with its reason.
    pub facts: Facts,
    /// How far the client on the node got; `None` where it was not to ask.
    pub sql: Option<Reach>,
    /// The server's unix socket on the node, where one was found.
    pub socket: Option<String>,
}

/// The answer is not one of our probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnAnswer(pub String);

/// Reads the probe's output. `at` is when it was complete, on this workstation's clock.
///
/// Facts that only a running server knows are set where the probe was to ask it; the SSH host key is the transport's
/// to say.
pub fn read(request: &Request, output: &[u8], at: Timestamp) -> Result<Answer, NotAnAnswer> {
    let frame = Frame::parse(output)?;
    let clock = frame.text("clock", "the clock").known().map(|text| Clock::parse(text)).unwrap_or_default();
    let mut facts = Facts::new();
    machine::facts(&frame, request.role, clock, at, &mut facts);
    unit::facts(&frame, at, &mut facts);
    let frozen = machine::processes(&frame, at, &mut facts);
    state::facts(&frame, at, &mut facts);
    gcache::facts(&frame, at, &mut facts);
    keeping::facts(&frame, request.backup, at, &mut facts);
    edge::facts(&frame, at, &mut facts);
    automation::facts(&frame, at, &mut facts);
    kernel::facts(&frame, clock, at, &mut facts);
    log::facts(&frame, clock, at, &mut facts);
    let sql = request.asks_sql.then(|| {
        let (reach, asked) = server(&frame, frozen, at);
        join(&mut facts, asked);
        reach
    });
    machine::flush_by_options(&frame, at, &mut facts);
    machine::group_by_options(&frame, at, &mut facts);
    leave_out(request.role, &mut facts);
    let socket = frame.text("socket", "the server's socket");
    let socket = socket.known().filter(|path| path.starts_with('/')).map(|path| (*path).to_owned());
    Ok(Answer { facts, sql, socket })
}

/// Forgets what says nothing on a node that holds no data.
fn leave_out(role: Role, facts: &mut Facts) {
    let data = [
        "grastate.",
        "gcache.",
        "encryption.",
        "cert.",
        "backup.",
        "engine.",
        "transfer.",
        "clustercheck.",
        "datadir.used",
        "datadir.system_schema",
    ];
    let place = ["gvwstate.", "datadir.", "disk."];
    let unasked: Vec<&str> = facts
        .iter()
        .map(|(name, _)| name)
        .filter(|name| match role {
            Role::Data => false,
            Role::Arbitrator => data.iter().any(|part| name.starts_with(part)),
            Role::Router | Role::Proxy => data.iter().chain(&place).any(|part| name.starts_with(part)),
        })
        .collect();
    for name in unasked {
        facts.remove(name);
    }
}

/// Adds what the server said to what the probe found on its machine. What the two contradict each other in is Unknown
/// afterwards.
pub fn join(machine: &mut Facts, server: Facts) {
    machine.extend(server);
    state::contradict(machine);
}

/// What the client on the node said, and how far it got.
fn server(frame: &Frame<'_>, frozen: Option<u64>, at: Timestamp) -> (Reach, Facts) {
    let source = Plain::from("the client on the node");
    let said = match (frame.section("sql"), frozen) {
        (Some(section), _) if section.status == Status::Ok => {
            Ok(client::parse(&String::from_utf8_lossy(section.body)))
        }
        (Some(section), _) if section.status == Status::NoTool => Err(Reach::failed(
            ReachWord::NotTried,
            "there is no mariadb client on the node, or nothing to bound its time with",
            "install mariadb-client, or give the node `sql.user` and `sql.password` in the inventory",
        )),
        (Some(_), _) => {
            Err(Reach::failed(ReachWord::Protocol, "the client's answer is too long to be one", ""))
        }
        (None, Some(pid)) => Err(client_error::frozen(pid)),
        (None, None) => {
            Err(Reach::failed(ReachWord::Protocol, "the probe did not say how its question went", ""))
        }
    };
    match said {
        Ok(Said { reach, status: Known::Known(status), variables, members, connections, prepared }) => {
            let variables = variables.known().cloned().unwrap_or_default();
            let mut facts = sql::facts(&status, &variables, members, &source, at);
            facts.extend(sql::more(connections, prepared, &source, at));
            (reach, facts)
        }
        Ok(Said { reach, .. }) | Err(reach) => {
            let kind = match reach.word {
                ReachWord::Auth => WhyKind::Denied,
                ReachWord::Timeout => WhyKind::TimedOut,
                ReachWord::NotTried => WhyKind::NoTool,
                ReachWord::Protocol => WhyKind::Malformed,
                _ => WhyKind::NotRead,
            };
            let unknown = sql::unknown(&Why::new(kind, &reach.detail), &source, at);
            (reach, unknown)
        }
    }
}
