//! Passwords and their like, taken out of text that a node said (S24): what a server logs of a statement, what it was
//! started with, and options that hold a secret. Rather a word too many than one too few.

use std::borrow::Cow;

/// What stands for what was taken out.
const STARS: &str = "***";

/// Ends of names whose value is a secret, in lower case.
const NAMES: [&str; 16] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "sst_auth",
    "sst-auth",
    "access_key",
    "api_key",
    "api-key",
    "apikey",
    "filekey",
    "encrypt-key",
    "encrypt_key",
    "credentials",
];

/// Words behind which a blank is enough: `--password VALUE`, `--auth 'USER:VALUE'`, `Bearer VALUE`.
const BARE: [&str; 6] = ["--password ", "--passwd ", "--auth ", "bearer ", "basic ", "passphrase "];

/// The text without its secrets, line by line; the number of lines stays.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    if may_hold_one(text) {
        Cow::Owned(text.split_inclusive('\n').map(line).collect::<Vec<_>>().concat())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether anything in the text can be the mark of a secret: three bytes of each of the words that are looked for, in
/// either case. Most lines have none, and are read no further.
fn may_hold_one(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| {
        let three: [u8; 3] = three.try_into().unwrap_or_default();
        matches!(
            &three.map(|byte| byte.to_ascii_lowercase()),
            // password and passwd, pwd, passphrase
            b"ssw" | b"pwd" | b"ssp"
                // secret and credentials, token, sst_auth and --auth
                | b"cre" | b"tok" | b"uth"
                // access_key and the like, apikey, filekey
                | b"_ke" | b"-ke" | b"ike" | b"eke"
                // bearer, basic, identified, ://, -p
                | b"rer" | b"asi" | b"nti" | b"://" | b" -p"
        )
    })
}

fn line(text: &str) -> Cow<'_, str> {
    let (body, end) = text.strip_suffix('\n').map_or((text, ""), |body| (body, "\n"));
    let lower = body.to_ascii_lowercase();
    let mut secrets = named(body, &lower);
    secrets.extend(statements(body, &lower));
    secrets.extend(urls(body));
    secrets.extend(short_option(body, &lower));
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    secrets.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (from, to) in secrets {
        if from < done {
            // Within what was taken out; what reaches further goes, too.
            done = done.max(to);
            continue;
        }
        out.push_str(body.get(done..from).unwrap_or_default());
        out.push_str(STARS);
        done = to;
    }
    out.push_str(body.get(done..).unwrap_or_default());
    Cow::Owned(out + end)
}

/// Where in a line a secret stands, from byte to byte.
type Span = (usize, usize);

/// `NAME=VALUE`, `NAME = VALUE`, `"NAME": "VALUE"`, `NAME('VALUE')`, `--NAME VALUE`.
fn named(text: &str, lower: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for name in NAMES {
        for (at, _) in lower.match_indices(name) {
            let behind = at + name.len();
            let rest = text.get(behind..).unwrap_or_default();
            let after = rest.trim_start_matches(['"', '\'', '`', '\\']).trim_start_matches([' ']);
            let Some(value) = after.strip_prefix(['=', ':', '(', '\t']) else { continue };
            let from = text.len() - value.trim_start_matches([' ', '\\']).len();
            // What the server says of a refused login is no secret.
            if !["YES)", "NO)"].iter().any(|word| text.get(from..).is_some_and(|rest| rest.starts_with(word)))
            {
                found.extend(value_at(text, from));
            }
        }
    }
    for name in BARE {
        for (at, _) in lower.match_indices(name) {
            let from = at + name.len();
            found.extend(value_at(text, from + blanks(text, from)));
        }
    }
    found
}

fn blanks(text: &str, from: usize) -> usize {
    text.get(from..).map_or(0, |rest| rest.len() - rest.trim_start_matches(' ').len())
}

/// `IDENTIFIED [VIA|WITH PLUGIN] BY|AS|USING [PASSWORD] VALUE` and `SET PASSWORD …`: whatever is quoted behind it, and the
/// word behind `BY` where it is not.
fn statements(text: &str, lower: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for words in ["identified", "set password"] {
        let Some(at) = lower.find(words) else { continue };
        let mut from = at + words.len();
        if let Some(by) = lower.get(from..).and_then(|rest| rest.find(" by ")) {
            let value = from + by + " by ".len();
            found.extend(value_at(text, value + blanks(text, value)));
        }
        while let Some(quote) = text.get(from..).and_then(|rest| rest.find(['\'', '"'])) {
            let Some(span) = value_at(text, from + quote) else {
                from += quote + 1;
                continue;
            };
            // A last one that is not closed closes what the statement itself is quoted in.
            if span.1 == text.len() {
                break;
            }
            from = span.1 + 1;
            found.push(span);
        }
    }
    found
}

/// `SCHEME://USER:VALUE@HOST`.
fn urls(text: &str) -> Vec<Span> {
    let spans = text.match_indices("://").filter_map(|(at, marker)| {
        let from = at + marker.len();
        let rest = text.get(from..)?;
        let end = rest.find([' ', '\t', '/', '\'', '"', '?', ')', '<', '>']).unwrap_or(rest.len());
        let host = rest.get(..end)?.rfind('@')?;
        let user = rest.get(..host)?.find(':')?;
        Some((from + user + 1, from + host))
    });
    spans.filter(|(from, to)| from < to).collect()
}

/// `mysql -uUSER -pVALUE`.
fn short_option(text: &str, lower: &str) -> Vec<Span> {
    if !lower.contains("mysql") && !lower.contains("mariadb") {
        return Vec::new();
    }
    let spans = text.match_indices(" -p").filter_map(|(at, option)| {
        let from = at + option.len();
        text.get(from..)?
            .starts_with(|c: char| !c.is_whitespace() && c != '-')
            .then(|| value_at(text, from))?
    });
    spans.collect()
}

/// The value that begins there, without its quotes: to the closing quote, or to the end of the word. `None` where there
/// is none.
fn value_at(text: &str, from: usize) -> Option<Span> {
    let rest = text.get(from..)?;
    let first = rest.chars().next()?;
    let span = if matches!(first, '\'' | '"') {
        (from + 1, from + 1 + quoted(rest.get(1..)?, first))
    } else {
        let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '\'' | '"' | '&' | ')' | '}');
        (from, from + rest.find(ends).unwrap_or(rest.len()))
    };
    (span.0 < span.1).then_some(span)
}

/// How long a quoted text is. A quote can stand in it behind a backslash, or twice.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            // Two quotes and a word go on with it; two quotes and an end close a text within a text.
            let after = body.get(at + 1..).unwrap_or_default();
            let second = at > 0 && body.get(..at).is_some_and(|head| head.ends_with(quote));
            let word = if second { Some(after) } else { after.strip_prefix(quote) };
            if !word.is_some_and(|word| word.starts_with(char::is_alphanumeric)) {
                return at;
            }
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        for (text, wanted) in [
            ("--password=geheim --user=x\n", "--password=*** --user=x\n"),
            ("MYSQL_PASSWORD='a b' y", "MYSQL_PASSWORD='***' y"),
            ("wsrep_sst_auth=root:pw; x", "wsrep_sst_auth=***; x"),
            ("wsrep_sst_auth\troot:pw\n", "wsrep_sst_auth\t***\n"),
            ("IDENTIFIED BY 'pw' and password=pw2", "IDENTIFIED BY '***' and password=***"),
            ("socket.ssl_password = pw; gcs.fc_limit = 16", "socket.ssl_password = ***; gcs.fc_limit = 16"),
            ("?socket.ssl_password=pw&x=1", "?socket.ssl_password=***&x=1"),
            ("MASTER_PASSWORD = \"pw\"', Error", "MASTER_PASSWORD = \"***\"', Error"),
            (
                "Query: 'SET PASSWORD FOR a = PASSWORD('pw')', Error",
                "Query: 'SET PASSWORD FOR a = PASSWORD('***')', Error",
            ),
            (
                "CREATE USER a IDENTIFIED WITH plugin BY 'pw'', Error",
                "CREATE USER a IDENTIFIED WITH plugin BY '***'', Error",
            ),
            ("CREATE USER a IDENTIFIED BY PASSWORD '*0A'", "CREATE USER a IDENTIFIED BY *** '***'"),
            ("IDENTIFIED VIA x USING 'pw' OR y USING 'pw2'", "IDENTIFIED VIA x USING '***' OR y USING '***'"),
            ("identified  by  pw", "identified  by  ***"),
            ("IDENTIFIED BY 'p''w' x", "IDENTIFIED BY '***' x"),
            ("IDENTIFIED BY 'p\\'w' x", "IDENTIFIED BY '***' x"),
            ("wsrep_sst_auth: root:pw", "wsrep_sst_auth: ***"),
            ("--user=sst --password pw --host=x", "--user=sst --password *** --host=x"),
            ("--role 'donor' --auth 'root:pw' --x", "--role 'donor' --auth '***' --x"),
            ("mysql -uroot -ppw -e x", "mysql -uroot -p*** -e x"),
            (
                "http://admin:pw@10.0.0.9:8080/x mysql://u:p@h/db",
                "http://admin:***@10.0.0.9:8080/x mysql://u:***@h/db",
            ),
            ("{\"password\": \"pw\", \"token\":\"t\"}", "{\"password\": \"***\", \"token\":\"***\"}"),
            ("Authorization: Bearer abc", "Authorization: Bearer ***"),
            ("AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=***"),
        ] {
            assert_eq!(redacted(text), wanted);
            assert_eq!(redacted(wanted), wanted, "once is enough");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "nothing here\n",
            "Access denied for user 'root'@'localhost' (using password: YES)",
            "socket.ssl_password_file=/etc/x",
            "socket.ssl_password = ; x",
            "gcomm://10.0.0.1:4567,10.0.0.2:4567",
            "gcomm://10.0.0.1?gmcast.listen_addr=tcp://0.0.0.0:4567",
            "evs.send_window = 4; pc.weight = 1; socket.ssl_key = /etc/k.pem",
            "mariadb.service: Main process exited, code=killed, status=9/KILL",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn every_word_that_is_looked_for_is_seen_at_first_sight() {
        let others = ["identified", "set password", "://", " -p"];
        for word in NAMES.into_iter().chain(BARE).chain(others) {
            assert!(may_hold_one(word), "{word}");
            assert!(may_hold_one(&word.to_uppercase()), "{word}");
        }
        assert!(!may_hold_one("2026-11-21  5:54:03 0 [Note] WSREP: Shifting JOINED -> SYNCED (TO: 12)"));
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_lines(text in "((PASSWORD=|identified by |token=|://|--auth | -p|mysql)?['\"@:]?\\PC{0,10}['\"]?\\n?){0,4}") {
            let once = redacted(&text);
            prop_assert_eq!(once.matches('\n').count(), text.matches('\n').count());
        }
    }
}
