//! What stands before a message: the times, hosts, processes and levels of journals, containers and servers.

/// The message of a line, without whatever a journal, a container runtime, syslog or the server put before it.
pub fn message(line: &str) -> &str {
    let mut rest = line;
    let bare = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_graphic() && byte != b'}');
    if !bare(rest.bytes().next()) || !bare(rest.bytes().next_back()) {
        rest = rest.trim_start_matches(['\u{feff}', '}', ' ']).trim();
    }
    // A line that was kept as JSON: the message ends before the newline that is written out.
    if let Some(inside) = rest.strip_prefix("{\"log\":\"") {
        rest = inside.split("\\n\"").next().unwrap_or(inside);
    }
    // Each of them can stand before another: a shown line has the journal's time, then the server's own.
    for _ in 0..8 {
        let Some(after) = time(rest).or_else(|| container(rest)).or_else(|| brackets(rest)) else { break };
        // A dump before the message may have ended without a newline.
        rest = after.trim_start_matches(['}', ' ']);
    }
    // Who speaks, and at which level, in either order.
    while let Some(after) = tag(rest).or_else(|| brackets(rest)) {
        rest = after.trim_start();
    }
    // Some scripts draw a frame of stars around what they give up with.
    inner(rest.trim_start_matches(['*', ' ']))
}

/// Who speaks, before the message.
const TAGS: [&str; 12] = [
    "info     : ",
    "warning  : ",
    "error    : ",
    "UTC - ",
    "mysqld_safe ",
    "mariadbd-safe ",
    "INFO: ",
    "WARN: ",
    "ERROR: ",
    "FATAL: ",
    "WSREP: ",
    "WSREP_SST: ",
];

/// Takes off who speaks.
fn tag(text: &str) -> Option<&str> {
    let first = text.bytes().next()?;
    TAGS.iter().filter(|tag| tag.as_bytes().first() == Some(&first)).find_map(|tag| text.strip_prefix(tag))
}

/// Takes a time off, and what belongs to it: the host and process of a journal, or the server's thread.
fn time(text: &str) -> Option<&str> {
    let rest = stamp(text)?.trim_start();
    Some(process(rest).or_else(|| thread(rest)).unwrap_or(rest))
}

/// Takes off the time alone.
fn stamp(text: &str) -> Option<&str> {
    // A number, or three letters of a month: most of what is asked begins with neither.
    if !text.starts_with(|c: char| c.is_ascii_digit()) && text.as_bytes().get(3) != Some(&b' ') {
        return None;
    }
    let (first, rest) = split_at(b' ', text)?;
    // Only a crash report has a time of day alone.
    if is_clock(first) && rest.starts_with("UTC - ") {
        return Some(rest);
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // RFC 3339 and its like: `2026-11-21T05:54:03.123456Z`, `…+0100`.
    if let Some((date, clock)) = first.split_once('T')
        && is_date(date)
        && clock.starts_with(|c: char| c.is_ascii_digit())
    {
        return Some(rest);
    }
    // `2026-11-21  5:54:03`, `261121  6:32:46`.
    if is_date(first) || (first.len() == 6 && digits(first)) {
        let rest = rest.trim_start();
        let (clock, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        return is_clock(clock).then_some(rest);
    }
    // `Nov 21 05:54:03`.
    if MONTHS.contains(&first) {
        let (day, rest) = rest.trim_start().split_once(' ')?;
        let (clock, rest) = rest.trim_start().split_once(' ')?;
        return (digits(day) && is_clock(clock)).then_some(rest);
    }
    // `1795239243.120000`: the journal's short-unix.
    let (seconds, micros) = first.split_once('.')?;
    (digits(seconds) && seconds.len() > 8 && digits(micros)).then_some(rest)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(n, b)| if n == 4 || n == 7 { matches!(b, b'-' | b'/') } else { b.is_ascii_digit() })
}

/// `5:54:03`, also with a fraction or a zone behind it.
fn is_clock(text: &str) -> bool {
    let mut parts = text.splitn(3, ':');
    let small = |part: Option<&str>| {
        part.is_some_and(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    small(parts.next())
        && small(parts.next())
        && parts.next().is_some_and(|seconds| {
            seconds.starts_with(|c: char| c.is_ascii_digit())
                && seconds
                    .bytes()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'+' | b'-' | b':' | b'Z'))
        })
}

/// Takes `host name[pid]: `, `name[pid]: ` or `host kernel: ` off.
fn process(text: &str) -> Option<&str> {
    let (head, rest) = split_colon(text)?;
    let mut words = head.split(' ');
    let (first, second, third) = (words.next()?, words.next(), words.next());
    let has_pid = |word: &str| {
        word.strip_suffix(']').and_then(|word| word.rsplit_once('[')).is_some_and(|(name, pid)| {
            !name.is_empty() && !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let named = |word: &str| has_pid(word) || word == "kernel";
    match (second, third) {
        (None, _) if named(first) => Some(rest),
        (Some(name), None) if named(name) => Some(rest),
        _ => None,
    }
}

/// What stands before the first of these ASCII characters, and what behind it. Words are short: nothing is to be gained
/// by searching for it in larger steps.
pub(in crate::ask) fn split_at(separator: u8, text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before the first colon that a blank follows, and what behind it.
pub(in crate::ask) fn split_colon(text: &str) -> Option<(&str, &str)> {
    let at = text.as_bytes().windows(2).position(|two| two == b": ")?;
    Some((text.get(..at)?, text.get(at + 2..)?))
}

/// Takes the server's thread off, where its level or its storage engine's name follows.
fn thread(text: &str) -> Option<&str> {
    let (thread, rest) = split_at(b' ', text)?;
    let number = !thread.is_empty() && thread.bytes().all(|b| b.is_ascii_hexdigit() || b == b'x');
    (number && (rest.starts_with('[') || rest.trim_start().starts_with("InnoDB: "))).then_some(rest)
}

/// Takes off what a container's log says before the container's own words: `stdout F ` (CRI), `name-1  | ` (compose).
fn container(text: &str) -> Option<&str> {
    let stream =
        text.strip_prefix("std").and_then(|text| text.strip_prefix("out").or(text.strip_prefix("err")));
    if let Some(rest) = stream.and_then(|text| text.strip_prefix(" F ").or(text.strip_prefix(" P "))) {
        return Some(rest);
    }
    let (name, rest) = split_at(b' ', text)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let rest = rest.trim_start().strip_prefix("| ")?;
    (!name.is_empty() && name.chars().all(plain)).then_some(rest)
}

/// Takes one `[word] ` off: a level, a code, a subsystem, a pod.
fn brackets(text: &str) -> Option<&str> {
    let (word, rest) = text.strip_prefix('[')?.split_once("] ")?;
    (word.len() < 120 && !word.contains([' ', '['])).then_some(rest.trim_start())
}

/// Takes off who inside the program speaks: a place in its source, a node, a unit, the server's binary.
fn inner(text: &str) -> &str {
    if let Some(rest) = place(text) {
        return rest;
    }
    let Some((head, rest)) = split_at(b' ', text) else { return text };
    let unit = head.strip_suffix(".service:").is_some();
    let name = head.strip_suffix(':').unwrap_or(head);
    let binary = matches!(name, "mysqld" | "mariadbd")
        || (name.starts_with('/') && (name.ends_with("/mariadbd") || name.ends_with("/mysqld")));
    if unit || binary || is_short_id(head) {
        return rest;
    }
    // `0.1 (g2): …`: a member by its index and name.
    if let Some((segment, index)) = head.split_once('.')
        && segment.parse::<u32>().is_ok()
        && index.parse::<u32>().is_ok()
        && rest.starts_with('(')
        && let Some((_, rest)) = rest.split_once("): ")
    {
        return rest;
    }
    // `(72994ab0-8919, 'tcp://0.0.0.0:4567') …`, `evs::proto(72994ab0, GATHER, view_id(REG,72994ab0,3)) …`.
    let spoken = text.strip_prefix('(').map(|text| (text, "') "));
    let spoken = spoken.or_else(|| text.strip_prefix("evs::proto(").map(|text| (text, ")) ")));
    match spoken.and_then(|(text, end)| Some((text.split_once(',')?.0, text.split_once(end)?.1))) {
        Some((id, rest)) if is_short_id(id) => rest,
        _ => text,
    }
}

/// Takes a place in the source off: `./gcs/src/gcs.cpp:gcs_open():1701: `, and older ones with the whole declaration.
fn place(text: &str) -> Option<&str> {
    // A path holds no colon, so the first one ends it.
    let (file, rest) = split_at(b':', text)?;
    let file = file.strip_suffix(".cpp")?;
    let path = !file.is_empty() && file.bytes().all(|b| b.is_ascii_alphanumeric() || b"./_-".contains(&b));
    let (_, rest) = rest.split_once("():")?;
    let (line, rest) = rest.split_once(": ")?;
    (path && line.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}

/// `72994ab0-8919`, as gcomm names a node; older ones say the first eight digits, or the whole UUID.
fn is_short_id(text: &str) -> bool {
    matches!(text.len(), 8 | 13 | 36) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}
