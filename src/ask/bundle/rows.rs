//! What the client printed, in any of its forms: tabs, table borders, `\G`.

use crate::ask::client;
use crate::facts::ClusterUuid;

/// A row: name and value; of a member its UUID and name.
pub(super) type Row = (String, String);

/// What a file of the client's output holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Names and values.
    pub(super) rows: Vec<Row>,
    /// Members of the view: UUID and name.
    pub(super) members: Vec<Row>,
    /// Lines that are no rows: the client's errors, or whatever else went into the file.
    pub(super) rest: Vec<String>,
}

impl Said {
    /// Whether a server answered: rows that no server writes are somebody's notes.
    pub(super) fn answered(&self) -> bool {
        self.rows.iter().any(|(name, _)| is_wsrep(name) || name.eq_ignore_ascii_case("uptime"))
    }
}

/// Reads the client's output. A row that the end of the file may have cut is none: a position that lost its last digit
/// looks like a position.
pub(super) fn read(text: &str) -> Said {
    let mut said = Said::default();
    let mut name: Option<&str> = None;
    for raw in text.split_inclusive('\n') {
        let whole = raw.ends_with('\n');
        let line = raw.trim_end_matches(['\n', '\r']);
        if let Some(inner) = line.trim().strip_prefix('|') {
            match inner.strip_suffix('|') {
                Some(inner) => said.row(&inner.split('|').map(str::trim).collect::<Vec<_>>()),
                None => said.rest.push(line.to_owned()),
            }
        } else if let Some(found) = labelled(line, &["variable_name", "node_uuid"]) {
            name = Some(found);
        } else if let (Some(named), Some(value)) =
            (name, labelled(line, &["value", "variable_value", "node_name"]))
        {
            if whole || is_word(value) {
                said.row(&[named, value]);
            }
            name = None;
        } else if line.contains('\t') {
            let cells: Vec<String> = line.split('\t').map(client::unescape).collect();
            if whole || cells.last().is_some_and(|value| is_word(value)) {
                // A page or a mail that the rows went through may have padded them.
                said.row(&cells.iter().map(|cell| cell.trim()).collect::<Vec<_>>());
            }
        } else if let Some((found, value)) = line.trim().split_once([' ', '\t']).filter(|(n, _)| is_wsrep(n))
        {
            // A terminal's copy has blanks where the client printed a tab.
            if whole || is_word(value.trim()) {
                said.row(&[found, value.trim()]);
            }
        } else if !is_frame(line) {
            said.rest.push(line.to_owned());
        }
    }
    said
}

impl Said {
    fn row(&mut self, cells: &[&str]) {
        let ([name, value] | [name, _, value, ..]) = cells else { return };
        if ClusterUuid::parse(name).is_ok_and(|uuid| uuid.is_some()) {
            // `SELECT *` has the cluster's UUID between the member's and its name.
            self.members.push(((*name).to_owned(), (*value).to_owned()));
        } else if is_name(name) && !name.eq_ignore_ascii_case("variable_name") && *name != "node_uuid" {
            // A value may hold what separates cells elsewhere.
            let value = cells.get(1..).unwrap_or_default().join("|");
            self.rows.push(((*name).to_owned(), value));
        } else if !is_name(name) {
            self.rest.push(cells.join(" "));
        }
    }
}

/// The rest of a line `NAME: value` of the form `\G`, whose names stand flush right.
fn labelled<'a>(line: &'a str, names: &[&str]) -> Option<&'a str> {
    let (name, value) = line.trim_start().split_once(':')?;
    names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)).then(|| value.trim())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_wsrep(text: &str) -> bool {
    is_name(text) && text.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("wsrep_"))
}

/// Words that no cut can have left: where they end the file, they end their row.
fn is_word(value: &str) -> bool {
    ["ON", "OFF", "Primary", "non-Primary", "Disconnected", "Synced"].contains(&value)
        || ClusterUuid::parse(value).is_ok()
}

/// Lines that only frame the rows: borders, row numbers, counts, the prompt, nothing.
fn is_frame(line: &str) -> bool {
    let line = line.trim();
    let border = |c: char| matches!(c, '+' | '-');
    line.is_empty()
        || line.chars().all(border)
        || (line.starts_with("***") && line.ends_with("***"))
        || line.contains(" in set (")
        || line.starts_with("Empty set")
        || line.starts_with("rc=")
        || ["cluster_uuid:", "node_incoming_address:"].iter().any(|other| line.starts_with(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Vec<(String, String)> {
        read(text).rows
    }

    fn row(name: &str, value: &str) -> Row {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn every_form_of_the_client() {
        let wanted = vec![
            row("wsrep_cluster_status", "Primary"),
            row("wsrep_incoming_addresses", "10.99.0.11:0,,10.99.0.12:0"),
            row("wsrep_evs_delayed", ""),
        ];
        let tabs = "Variable_name\tValue\nwsrep_cluster_status\tPrimary\nwsrep_incoming_addresses\t10.99.0.11:0,,10.99.0.12:0\nwsrep_evs_delayed\t\n";
        assert_eq!(rows(tabs), wanted);
        assert_eq!(rows(&tabs.replace("Variable_name\tValue\n", "")), wanted);
        assert_eq!(rows(&tabs.replace('\n', "\r\n")), wanted);
        let table = "+---------------+-------+\n| Variable_name | Value |\n+---------------+-------+\n\
            | wsrep_cluster_status     | Primary                    |\n\
            | wsrep_incoming_addresses | 10.99.0.11:0,,10.99.0.12:0 |\n\
            | wsrep_evs_delayed        |                            |\n+---+---+\n3 rows in set (0.001 sec)\n";
        assert_eq!(rows(table), wanted);
        assert_eq!(read(table).rest, Vec::<String>::new());
        let vertical = "*************************** 1. row ***************************\nVariable_name: wsrep_cluster_status\n        Value: Primary\n\
            *************************** 2. row ***************************\nVariable_name: wsrep_incoming_addresses\n        Value: 10.99.0.11:0,,10.99.0.12:0\n\
            *************************** 3. row ***************************\nVariable_name: wsrep_evs_delayed\n        Value: \n3 rows in set (0.001 sec)\n";
        assert_eq!(rows(vertical), wanted);
        assert_eq!(rows(&tabs.replace('\n', "  \n")), wanted, "padded");
        assert_eq!(rows(&tabs.replace("wsrep_", "  wsrep_")), wanted, "indented");
        let copied =
            "wsrep_cluster_status        Primary\nwsrep_incoming_addresses    10.99.0.11:0,,10.99.0.12:0\n";
        assert_eq!(rows(copied), wanted[..2]);
    }

    #[test]
    fn members_are_told_from_rows() {
        let member = "0cb32036-e56d-11f1-af3f-2a57ada6977c";
        let wanted = vec![row(member, "g1")];
        assert_eq!(read(&format!("node_uuid\tnode_name\n{member}\tg1\n")).members, wanted);
        let all = format!(
            "node_uuid\tcluster_uuid\tnode_name\tnode_incoming_address\n{member}\t{member}\tg1\tAUTO\n"
        );
        assert_eq!(read(&all).members, wanted);
        let table = format!("| node_uuid | cluster_uuid | node_name |\n| {member} | {member} | g1 |\n");
        assert_eq!(read(&table).members, wanted);
        assert_eq!(read(&table).rows, []);
    }

    #[test]
    fn a_row_that_may_be_cut_is_none() {
        assert_eq!(rows("wsrep_ready\tON\nwsrep_last_committed\t97"), [row("wsrep_ready", "ON")]);
        assert_eq!(rows("wsrep_ready\tON"), [row("wsrep_ready", "ON")], "what is stripped is not cut");
        assert_eq!(rows("Variable_name: wsrep_last_committed\n        Value: 97"), []);
        assert_eq!(rows("| wsrep_last_committed | 97"), []);
    }

    #[test]
    fn errors_are_kept_apart() {
        let said = read(
            "ERROR 2002 (HY000): Can't connect to local server through socket '/run/x.sock' (2)\nrc=1\n",
        );
        assert_eq!(said.rows, []);
        assert_eq!(said.rest.len(), 1);
        let noise = read("grep: warning: ? at start of expression\nwsrep_ready\tON\n");
        assert!(noise.answered() && noise.rest.len() == 1);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_invents(text in "((wsrep_ready|\\||Variable_name:|        Value:|ERROR)[\\t |]?\\PC{0,12}[\\n\\r|]?){0,6}") {
            for (name, _) in read(&text).rows {
                prop_assert!(text.contains(&name));
            }
        }
    }
}
