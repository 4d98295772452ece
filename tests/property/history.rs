//! A history as text: the cluster, the operator, and what happens when. This is what a failure prints and what is kept
//! in `tests/regressions`.
//!
//! ```text
//! why g3 was left frozen after a crash
//! seed 17
//! operator plain
//! nodes 3
//! restarts no
//! arrives 30.000
//! 2.500 kill g1
//! on bootstrap kill g2
//! dies 1 17 before
//! ```
//!
//! Times are seconds of the virtual clock since the cluster was whole. `on DEED` happens when the first act of that name
//! has left and has not arrived yet: between the survey that decided and the act. `dies RUN RECORD before|after` ends
//! Breakglass's own process at that record of that run. What the operator decides comes from the seed.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use breakglass::facts::{ClusterName, NodeName};
use breakglass::nodes::sim::{Fault, Topology};

/// Who walks the runbooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Confirms everything that is offered, and waives nothing.
    Plain,
    /// Does random permitted things, and waives nothing.
    Random,
    /// Confirms everything, and waives whatever can be waived.
    Waiving,
}

impl Who {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Random, Self::Waiving];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Random => "random",
            Self::Waiving => "waiving",
        }
    }
}

/// One line of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Something happens at that time.
    At(Duration, Fault),
    /// Something happens while the first act of that name is on its way.
    On(String, Fault),
    /// Breakglass itself ends at that record of that run, both counted from 1.
    Dies { run: usize, record: usize, before: bool },
}

/// A history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    /// What went wrong, of a kept one.
    pub(crate) why: String,
    pub(crate) seed: u64,
    pub(crate) who: Who,
    pub(crate) topology: Topology,
    /// When the operator is there.
    pub(crate) arrives: Duration,
    pub(crate) lines: Vec<Line>,
}

pub(crate) fn topology(nodes: usize) -> Topology {
    let names = (1..=nodes).map(|n| NodeName::new(&format!("g{n}")).unwrap()).collect();
    Topology::new(ClusterName::new("shop").unwrap(), names, "2026-11-21T03:00:00Z".parse().unwrap())
}

fn names(prefix: &str, count: usize) -> Vec<NodeName> {
    (1..=count).map(|n| NodeName::new(&format!("{prefix}{n}")).unwrap()).collect()
}

pub(crate) fn arbitrators(count: usize) -> Vec<NodeName> {
    names("arb", count)
}

pub(crate) fn proxies(count: usize) -> Vec<NodeName> {
    names("lb", count)
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at, fault) => write!(f, "{} {fault}", seconds(*at)),
            Self::On(deed, fault) => write!(f, "on {deed} {fault}"),
            Self::Dies { run, record, before } => {
                write!(f, "dies {run} {record} {}", if *before { "before" } else { "after" })
            }
        }
    }
}

impl fmt::Display for History {
    /// What is as in a cluster set up by packages is not said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is, usual) = (&self.topology, topology(self.topology.nodes.len()));
        let mut text =
            format!("seed {}\noperator {}\nnodes {}\n", self.seed, self.who.as_str(), is.nodes.len());
        let mut differs = |key: &str, is: String, usual: String| {
            if is != usual {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{key} {is}");
            }
        };
        differs("load", is.load.to_string(), usual.load.to_string());
        differs("gcache", is.gcache.to_string(), usual.gcache.to_string());
        differs("data", is.data.to_string(), usual.data.to_string());
        differs("restarts", yes(is.restarts).to_owned(), yes(usual.restarts).to_owned());
        differs("enabled", yes(is.enabled).to_owned(), yes(usual.enabled).to_owned());
        differs("flush", is.flush.to_string(), usual.flush.to_string());
        differs("disk", is.disk.to_string(), usual.disk.to_string());
        differs("weights", list(&is.weights), list(&usual.weights));
        differs("arbitrators", is.arbitrators.len().to_string(), "0".to_owned());
        differs("proxies", is.proxies.len().to_string(), "0".to_owned());
        differs("monit", yes(is.monit).to_owned(), yes(usual.monit).to_owned());
        if !self.why.is_empty() {
            writeln!(f, "why {}", self.why)?;
        }
        write!(f, "{text}arrives {}", seconds(self.arrives))?;
        self.lines.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

fn list(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

impl FromStr for History {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let value = |key: &str| lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        let number = |key: &str, usual: u64| match value(key) {
            None => Ok(usual),
            Some(text) => text.parse::<u64>().map_err(|error| format!("{key}: {error}")),
        };
        let count = |key: &str| number(key, 0).map(|n| usize::try_from(n).unwrap_or(0));
        let answer = |key: &str, usual: bool| value(key).map_or(usual, |word| word == "yes");
        let mut topology = topology(count("nodes")?);
        if topology.nodes.is_empty() {
            return Err("it says no number of nodes".to_owned());
        }
        topology.load = number("load", topology.load)?;
        topology.gcache = number("gcache", topology.gcache)?;
        topology.data = number("data", topology.data)?;
        topology.restarts = answer("restarts", topology.restarts);
        topology.enabled = answer("enabled", topology.enabled);
        topology.flush = u8::try_from(number("flush", u64::from(topology.flush))?).unwrap_or(1);
        topology.disk = number("disk", topology.disk)?;
        topology.weights = value("weights")
            .unwrap_or_default()
            .split_whitespace()
            .map(|word| word.parse().map_err(|error| format!("weights: {error}")))
            .collect::<Result<_, _>>()?;
        topology.arbitrators = arbitrators(count("arbitrators")?);
        topology.proxies = proxies(count("proxies")?);
        topology.monit = answer("monit", topology.monit);
        let who = Who::ALL.into_iter().find(|who| Some(who.as_str()) == value("operator"));
        let schedule = lines().filter(|line| {
            line.starts_with(|c: char| c.is_ascii_digit())
                || line.starts_with("on ")
                || line.starts_with("dies ")
        });
        Ok(Self {
            why: value("why").unwrap_or_default().to_owned(),
            seed: number("seed", 0)?,
            who: who.ok_or("it names no operator")?,
            topology,
            arrives: time(value("arrives").ok_or("it does not say when the operator arrives")?)?,
            lines: schedule.map(str::parse).collect::<Result<_, _>>()?,
        })
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{text}: {error}"))?;
    Duration::try_from_secs_f64((seconds * 1000.0).round() / 1000.0)
        .map_err(|error| format!("{text}: {error}"))
}

impl FromStr for Line {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (first, rest) = line.split_once(' ').ok_or_else(|| format!("{line}: nothing happens"))?;
        let fault = |text: &str| text.parse::<Fault>().map_err(|error| error.to_string());
        match first {
            "on" => {
                let (deed, text) = rest.split_once(' ').ok_or_else(|| format!("{line}: nothing happens"))?;
                Ok(Self::On(deed.to_owned(), fault(text)?))
            }
            "dies" => {
                let words: Vec<&str> = rest.split(' ').collect();
                let number = |text: &str| text.parse::<usize>().map_err(|error| format!("{line}: {error}"));
                match words.as_slice() {
                    [run, record, "before"] => {
                        Ok(Self::Dies { run: number(run)?, record: number(record)?, before: true })
                    }
                    [run, record, "after"] => {
                        Ok(Self::Dies { run: number(run)?, record: number(record)?, before: false })
                    }
                    _ => Err(format!("{line}: not `dies RUN RECORD before|after`")),
                }
            }
            at => Ok(Self::At(time(at)?, fault(rest)?)),
        }
    }
}
