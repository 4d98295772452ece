//! Processes, from /proc: servers and state transfers.

use crate::facts::Plain;

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A server.
    Server,
    /// A server that only recovers its position.
    Recover,
    /// Part of a state transfer.
    Transfer,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) kind: Kind,
    /// Whether it works on the data directory that was looked at, or may.
    pub(super) ours: bool,
    pub(super) pid: u64,
    pub(super) name: Plain,
    pub(super) user: Plain,
    /// The state letter.
    pub(super) state: char,
    /// When it started, in ticks after the machine did.
    start: u64,
}

impl Process {
    /// Whether a signal stopped it.
    pub(super) fn frozen(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// `pid state user start`, as the facts say it. The start is the kernel's own number (ticks after the machine
    /// started), not a time made of it: it proves that a pid is still the same process (S15).
    pub(super) fn describe(&self) -> Plain {
        Plain::new(format!("{} {} {} {}", self.pid, self.state, self.user, self.start))
    }
}

/// Reads the probe's lines: `ours|elsewhere`, kind, pid, name, user and the line of /proc/PID/stat, between tabs.
/// `None` where a line is not of that form: one process overlooked could make a node look stopped.
pub(super) fn parse(text: &str) -> Option<Vec<Process>> {
    text.lines().filter(|line| !line.is_empty()).map(process).collect()
}

/// Pid and start (ticks after the machine's) of each process in the fact `server.pids`: together they name one process
/// (S15).
pub fn processes(fact: &[Plain]) -> Vec<(u64, u64)> {
    let read = |text: &Plain| {
        let mut words = text.as_str().split(' ');
        Some((words.next()?.parse().ok()?, words.next_back()?.parse().ok()?))
    };
    fact.iter().filter_map(read).collect()
}

fn process(line: &str) -> Option<Process> {
    let mut fields = line.splitn(6, '\t');
    let ours = match fields.next()? {
        "ours" => true,
        "elsewhere" => false,
        _ => return None,
    };
    let kind = match fields.next()? {
        "server" => Kind::Server,
        "wsrep-recover" => Kind::Recover,
        "transfer" => Kind::Transfer,
        _ => return None,
    };
    let pid = fields.next()?.parse().ok()?;
    let name = Plain::new(fields.next()?);
    let user = Plain::new(fields.next()?);
    // The name in parentheses may itself hold blanks and parentheses: what counts stands after the last one.
    let (_, rest) = fields.next()?.rsplit_once(") ")?;
    let mut rest = rest.split(' ');
    let mut state = rest.next()?.chars();
    let (Some(letter), None) = (state.next(), state.next()) else { return None };
    let start = rest.nth(18)?.parse().ok()?;
    Some(Process { kind, ours, pid, name, user, state: letter, start })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAT: &str =
        "2082 (mariadbd) T 2021 2021 25238 0 -1 4194304 169 102 0 1 0 0 0 0 20 0 1 0 229259 2990080 421";

    #[test]
    fn a_stopped_server() {
        let all = parse(&format!("ours\tserver\t2082\tmariadbd\tmysql\t{STAT}\n")).unwrap();
        assert_eq!((all[0].pid, all[0].state, all[0].frozen()), (2082, 'T', true));
        assert_eq!(all[0].describe().as_str(), "2082 T mysql 229259");
        assert_eq!(processes(&[all[0].describe(), Plain::from("x")]), [(2082, 229_259)]);
    }

    #[test]
    fn a_name_may_hold_parentheses() {
        let stat = STAT.replace("(mariadbd)", "(maria) T (x)").replace(" T 2021", " S 2021");
        let all = parse(&format!("elsewhere\ttransfer\t1\tx\ty\t{stat}")).unwrap();
        assert_eq!((all[0].state, all[0].ours, all[0].kind), ('S', false, Kind::Transfer));
    }

    #[test]
    fn a_line_of_another_form_makes_all_unknown() {
        for bad in [
            "x",
            "ours\tserver\tx\ty\tz\t1 (a) S",
            "ours\tserver\t1\ty\tz\t1 (a) S 1",
            "theirs\tserver\t1\ta\tb\t",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse(""), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(ours\tserver\t)?[\\PC\t)( ]{0,60}") {
            let _ = parse(&text);
        }
    }
}
