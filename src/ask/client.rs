//! What the `mariadb` client on the node printed: rows between markers, then its exit code and errors.

use super::client_error;
use crate::facts::{Known, Reach, ReachWord, WhyKind};

/// Rows of name and value.
pub(super) type Rows = Vec<(String, String)>;

/// The client's output taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// How far the client got.
    pub(super) reach: Reach,
    /// wsrep status; Unknown where its block is not complete.
    pub(super) status: Known<Rows>,
    /// wsrep variables and the few others; both blocks together, Unknown where the wsrep one is not complete.
    pub(super) variables: Known<Rows>,
    /// Members of the view.
    pub(super) members: Known<Rows>,
    /// Replicas that read the binary log, and the server's own threads, which prove that all connections were shown.
    pub(super) connections: Known<Rows>,
    /// How many transactions are prepared.
    pub(super) prepared: Known<u64>,
}

/// The line of the probe's statements that asks for prepared transactions: an error names it.
const PREPARED_AT: &str = "at line 13:";

/// Takes the client's output apart. A block counts only where the marker after it was printed: the client flushes in
/// pieces, and a piece may end in a line.
pub(super) fn parse(text: &str) -> Said {
    let (out, end) = text.rsplit_once("\n%client ").unwrap_or((text, ""));
    let (code, errors) = end.split_once('\n').unwrap_or((end, ""));
    let status = block(out, "status", "variables");
    let mut variables = block(out, "variables", "server");
    if let (Known::Known(rows), Known::Known(more)) = (&mut variables, block(out, "server", "members")) {
        // Statements behind this one may fail alone (`--force`): what they would say is then missing row by row.
        rows.extend(more);
    }
    let mut members = block(out, "members", "connections");
    if members.is(Vec::is_empty) {
        // A view has at least its own node: an empty table is a table that is not filled.
        members = Known::unknown(WhyKind::Undefined, "mysql.wsrep_cluster_members is empty");
    }
    let connections = block(out, "connections", "xa");
    let prepared = block(out, "xa", "done").and_then(|rows| {
        match errors.lines().find(|line| line.starts_with("ERROR") && line.contains(PREPARED_AT)) {
            Some(error) => Known::unknown(WhyKind::NotRead, error),
            None => Known::Known(u64::try_from(rows.len()).unwrap_or(u64::MAX)),
        }
    });
    let reach = if status.known().is_some() {
        Reach::ok()
    } else {
        match code {
            "124" | "137" | "143" => client_error::hung(),
            "" => Reach::failed(ReachWord::Lost, "the client's answer is cut", ""),
            _ => client_error::classify(errors),
        }
    };
    Said { reach, status, variables, members, connections, prepared }
}

/// The rows between `%from` and `%to`.
fn block(out: &str, from: &str, to: &str) -> Known<Rows> {
    let mut lines = out.lines().skip_while(|line| line.strip_prefix('%') != Some(from)).skip(1);
    let mut rows = Rows::new();
    loop {
        match lines.next() {
            None => {
                return Known::unknown(
                    WhyKind::NotRead,
                    format!("the server's answer has no complete {from}"),
                );
            }
            Some(line) if line.strip_prefix('%') == Some(to) => return Known::Known(rows),
            Some(line) if line.starts_with('%') => {
                return Known::unknown(
                    WhyKind::NotRead,
                    format!("the server's answer has no complete {from}"),
                );
            }
            Some(line) => match line.split_once('\t') {
                Some((name, value)) => rows.push((unescape(name), unescape(value))),
                None if line.is_empty() => {}
                None => {
                    return Known::unknown(WhyKind::Malformed, format!("{line:?} is not a row of {from}"));
                }
            },
        }
    }
}

/// Undoes the client's batch escapes: `\t`, `\n`, `\0` and `\\`.
pub(super) fn unescape(text: &str) -> String {
    if !text.as_bytes().contains(&b'\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match (c, if c == '\\' { chars.next() } else { None }) {
            (_, Some('t')) => '\t',
            (_, Some('n')) => '\n',
            (_, Some('0')) => '\0',
            (_, Some(escaped)) => escaped,
            (c, None) => c,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = "%status\nwsrep_ready\tON\n%variables\nwsrep_on\tON\n%server\nversion\t10.11.18\n\
        %members\nu1\tg1\nu2\tg\\t2\n%connections\nrepl\t10.0.0.9:4711\nsystem user\t\n%xa\n1\t3\t0\tabc\n%done\n\n%client 0\n\n";

    #[test]
    fn a_whole_answer() {
        let said = parse(WHOLE);
        assert!(said.reach.is_ok());
        assert_eq!(said.status.known().unwrap().len(), 1);
        assert_eq!(said.variables.known().unwrap().len(), 2);
        assert_eq!(said.members.known().unwrap()[1].1, "g\t2");
        assert!(said.connections.is(|rows| rows.len() == 2));
        assert_eq!(said.prepared, Known::Known(1));
    }

    #[test]
    fn a_cut_answer_keeps_only_whole_blocks() {
        let cut = "%status\nwsrep_ready\tON\n%variables\nwsrep_cluster_na\n%client 137\n\n";
        let said = parse(cut);
        assert!(said.reach.is_ok());
        assert!(said.status.known().is_some());
        assert!(said.variables.why().is_some());
        assert!(said.members.why().is_some());
        let hung = parse("\n%client 124\n\n");
        assert_eq!(hung.reach.word, ReachWord::Timeout);
    }

    #[test]
    fn a_failing_last_statement_loses_only_itself() {
        let text = WHOLE.replace("u1\tg1\nu2\tg\\t2\n", "").replace(
            "%client 0\n",
            "%client 1\nERROR 1047 (08S01) at line 1: WSREP has not yet prepared node for application use",
        );
        let said = parse(&text);
        assert!(said.reach.is_ok());
        assert!(said.variables.is(|rows| rows.len() == 2));
        assert!(said.members.why().is_some());
        assert_eq!(said.prepared, Known::Known(1));
    }

    #[test]
    fn transactions_that_could_not_be_asked_for_are_not_none() {
        let none = WHOLE.replace("1\t3\t0\tabc\n", "");
        assert_eq!(parse(&none).prepared, Known::Known(0));
        let refused = none.replace(
            "%client 0\n",
            "%client 0\n--------------\nXA RECOVER\n--------------\n\nERROR 1227 (42000) at line 13: Access denied; you need the XA_RECOVER_ADMIN privilege",
        );
        assert!(parse(&refused).prepared.why().is_some_and(|why| why.text.as_str().contains("1227")));
        // The line is the one in the script.
        let script = include_str!("probe.sh");
        let statements = script.split_once("sql=\"").unwrap().1;
        let line = statements.lines().position(|line| line == "XA RECOVER;").unwrap() + 1;
        assert_eq!(PREPARED_AT, format!("at line {line}:"));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let down = parse(
            "\n%client 1\nERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (111)\n",
        );
        assert_eq!(down.reach.word, ReachWord::Down);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents(at in 0usize..140, text in "\\PC{0,6}") {
            let mut mutated = WHOLE.to_owned();
            if mutated.is_char_boundary(at) {
                mutated.insert_str(at.min(mutated.len()), &text);
            }
            for rows in [parse(&mutated).status, parse(&mutated).members].iter().filter_map(Known::known) {
                for (_, value) in rows {
                    prop_assert!(mutated.contains(value) || mutated.contains('\\'));
                }
            }
        }
    }
}
