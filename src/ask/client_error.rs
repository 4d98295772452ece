//! What an error of the `mariadb` client means for the operator.

use crate::facts::{Reach, ReachWord};

/// Reads the client's error text, or a server's error in the same form (`ERROR 1045 (28000): …`): a word for
/// `status --json`, what was found and the next step.
pub fn classify(errors: &str) -> Reach {
    // The client asks for a password on the same line.
    let own = |line: &str| {
        let line = line.trim();
        line.strip_prefix("Enter password:").map_or(line, str::trim_start).to_owned()
    };
    let first = errors.lines().map(own).find(|line| line.starts_with("ERROR "));
    let Some(first) = first else {
        let said = errors.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing");
        let said: String = said.chars().take(MOST_SAID).collect();
        return Reach::failed(ReachWord::Error, format!("{SAID}{said}"), "");
    };
    let number = first.strip_prefix("ERROR ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let (word, next) = match number {
        // The text comes before the number: 2002 is also what the client calls a refusal before TLS.
        _ if number == "1040" || first.contains("Too many connections") => (
            ReachWord::TooManyConnections,
            "use the server's extra_port if it has one, or end client connections at the proxy",
        ),
        "1045" | "1698" | "1044" | "1130" | "1227" => (
            ReachWord::Auth,
            "let the probe run as root (sudo), or give the node `sql.user` and `sql.password` in the inventory",
        ),
        "1047" => (ReachWord::NotReady, "look at wsrep_cluster_status and wsrep_reject_queries on the node"),
        "1205" => {
            (ReachWord::NotReady, "a session waits for the group: unset wsrep_sync_wait for this login")
        }
        "2013" | "2006" | "2026"
            if first.contains("initial communication packet") || first.ends_with("system error: 110") =>
        {
            (ReachWord::Timeout, HUNG)
        }
        "2013" | "2006" => (ReachWord::Lost, "ask again; if it stays so, read the error log for a crash"),
        "2003" if first.contains("(110") || first.contains("(113") => (ReachWord::Timeout, HUNG),
        "2002" | "2003" => (ReachWord::Down, "look at the unit, the process and the end of the error log"),
        "2005" => (ReachWord::Dns, "check the host name in the client's options on the node"),
        _ => (ReachWord::Error, ""),
    };
    Reach::failed(word, first, next)
}

/// What stands before the words of a client that said no number.
pub(super) const SAID: &str = "the client failed and said: ";

/// How much is quoted of what is no error of the client's, in characters.
const MOST_SAID: usize = 200;

/// The client was cut off by its time limit.
pub fn hung() -> Reach {
    Reach::failed(ReachWord::Timeout, "the client got no answer from the server within 8 s", HUNG)
}

/// The server process is stopped by a signal, so it was not asked: the client would hang.
pub fn frozen(pid: u64) -> Reach {
    Reach::failed(
        ReachWord::Timeout,
        format!("server process {pid} is stopped by a signal (state T)"),
        format!("find out who stopped it; `kill -CONT {pid}` lets it go on"),
    )
}

const HUNG: &str =
    "the server accepts and does not answer: look at its process state, its disk and its error log";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_captured_errors() {
        for (text, word) in [
            (
                "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (111)",
                ReachWord::Down,
            ),
            (
                "ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/run/mysqld/mysqld.sock' (2)",
                ReachWord::Down,
            ),
            (
                "ERROR 2002 (HY000): Received error packet before completion of TLS handshake. The authenticity of the following error cannot be verified: 1040 - Too many connections",
                ReachWord::TooManyConnections,
            ),
            ("ERROR 1040 (08004): Too many connections", ReachWord::TooManyConnections),
            ("ERROR 1698 (28000): Access denied for user 'nobody'@'localhost'", ReachWord::Auth),
            (
                "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: NO)",
                ReachWord::Auth,
            ),
            (
                "ERROR 1047 (08S01) at line 1: WSREP has not yet prepared node for application use",
                ReachWord::NotReady,
            ),
            (
                "ERROR 1205 (HY000) at line 1: Lock wait timeout exceeded; try restarting transaction",
                ReachWord::NotReady,
            ),
            (
                "ERROR 2013 (HY000): Lost connection to server at 'handshake: reading initial communication packet', system error: 110",
                ReachWord::Timeout,
            ),
            ("ERROR 2013 (HY000): Lost connection to server during query", ReachWord::Lost),
            ("ERROR 1064 (42000) at line 1: You have an error in your SQL syntax", ReachWord::Error),
            ("mariadb: unknown option '--x'", ReachWord::Error),
            ("", ReachWord::Error),
        ] {
            let reach = classify(text);
            assert_eq!(reach.word, word, "{text}");
            assert!(reach.detail.as_str().contains(text.trim()), "{text}");
        }
        assert!(frozen(7).next.as_str().contains("kill -CONT 7"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(ERROR )?\\PC{0,60}") {
            let _ = classify(&text);
        }
    }
}
