//! What moves by itself: facts whose value changes from survey to survey while nothing happens.

use crate::facts::{Plain, Value, keys};

/// How a fact moves while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moves {
    /// From survey to survey, to any value.
    Always,
    /// As long as a server runs; of one that is down a change tells that somebody was there.
    WhileRunning,
    /// By less than this many hundredths of what it was.
    Within(u64),
    /// By this much either way, in its own unit.
    By(u64),
    /// It falls by itself; that it rises is news.
    Down,
    /// Behind the first word of each entry.
    BehindFirstWord,
    /// As an entry does behind its first word; and entries go by themselves.
    Forgets,
    /// Between the states of a process that lives: it sleeps, runs, waits for a disk.
    Alive,
}

/// The table. What does not stand here does not move by itself.
const MOVING: &[(&str, Moves)] = &[
    (keys::HOST_CLOCK.name(), Moves::Always),
    (keys::HOST_UPTIME.name(), Moves::Always),
    (keys::HOST_CLOCK_SKEW.name(), Moves::By(2)),
    (keys::SERVER_PIDS.name(), Moves::BehindFirstWord),
    (keys::SERVER_STATE.name(), Moves::Alive),
    (keys::ENGINE_STAMP.name(), Moves::WhileRunning),
    (keys::DATADIR_USED.name(), Moves::Within(10)),
    (keys::DISK_FREE.name(), Moves::Within(10)),
    (keys::DISK_INODES_FREE.name(), Moves::Within(10)),
    (keys::GCACHE_BYTES.name(), Moves::Within(10)),
    // What was read of them are facts of their own.
    (keys::GRASTATE_RAW.name(), Moves::Always),
    (keys::GVWSTATE_RAW.name(), Moves::Always),
    // The log's own news are its known lines, and what the other log facts say of it.
    (keys::LOG_TAIL.name(), Moves::Always),
    (keys::LOG_MARKS.name(), Moves::Always),
    (keys::LOG_REACH.name(), Moves::Always),
    // An entry's first word is the line; how often and when it came is counted behind it.
    (keys::LOG_KNOWN.name(), Moves::Forgets),
    (keys::LOG_TOOK_PART.name(), Moves::WhileRunning),
    (keys::LOG_STARTS.name(), Moves::Down),
    (keys::LOG_TRANSFERS.name(), Moves::Down),
    (keys::WSREP_LAST_COMMITTED.name(), Moves::Always),
    (keys::WSREP_SE_CHECKPOINT.name(), Moves::Always),
    (keys::WSREP_CACHED_DOWNTO.name(), Moves::Always),
    (keys::WSREP_RECV_QUEUE.name(), Moves::Always),
    (keys::WSREP_SEND_QUEUE.name(), Moves::Always),
    (keys::WSREP_FLOW_CONTROL.name(), Moves::Always),
    (keys::WSREP_FLOW_SENT.name(), Moves::Always),
    (keys::WSREP_PEERS_SILENT.name(), Moves::BehindFirstWord),
];

/// Whether two values of a fact are the same but for what moves by itself; `runs` where a server runs, or may run.
pub(super) fn same(name: &str, (from, to): (&Value, &Value), runs: bool) -> bool {
    let moves = MOVING.iter().find(|(there, _)| *there == name).map(|(_, moves)| *moves);
    if is_same(from, to, |entry| entry) {
        return true;
    }
    match moves {
        None => false,
        Some(Moves::Always) => true,
        Some(Moves::WhileRunning) => runs,
        Some(Moves::Within(hundredths)) => number(from, to)
            .is_some_and(|(from, to)| from.abs_diff(to) * 100 < u128::from(hundredths) * from.unsigned_abs()),
        Some(Moves::By(most)) => {
            number(from, to).is_some_and(|(from, to)| from.abs_diff(to) <= u128::from(most))
        }
        Some(Moves::Down) => number(from, to).is_some_and(|(from, to)| to < from),
        Some(Moves::BehindFirstWord) => is_same(from, to, first),
        Some(Moves::Forgets) => match (from, to) {
            (Value::Texts(from), Value::Texts(to)) => {
                to.iter().all(|new| from.iter().any(|old| first(new.as_str()) == first(old.as_str())))
            }
            _ => false,
        },
        Some(Moves::Alive) => {
            let lives = |value: &Value| matches!(value, Value::Text(state) if matches!(state.as_str(), "S" | "R" | "D" | "I"));
            lives(from) && lives(to)
        }
    }
}

fn first(entry: &str) -> &str {
    entry.split(' ').next().unwrap_or_default()
}

/// Lists hold the same in any order: who asks a group for its members gets them as they come.
fn is_same(from: &Value, to: &Value, part: impl Fn(&str) -> &str) -> bool {
    let sorted = |entries: &[Plain]| {
        let mut parts: Vec<String> = entries.iter().map(|entry| part(entry.as_str()).to_owned()).collect();
        parts.sort();
        parts
    };
    match (from, to) {
        (Value::Texts(from), Value::Texts(to)) => sorted(from) == sorted(to),
        _ => from == to,
    }
}

fn number(from: &Value, to: &Value) -> Option<(i128, i128)> {
    let of = |value: &Value| match value {
        Value::Count(count) => Some(i128::from(*count)),
        Value::Signed(count) => Some(i128::from(*count)),
        _ => None,
    };
    Some((of(from)?, of(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(n: u64) -> Value {
        Value::Count(n)
    }

    fn texts(all: &[&str]) -> Value {
        Value::Texts(all.iter().map(Plain::new).collect())
    }

    #[test]
    fn every_row_names_a_fact_of_the_table() {
        for (name, _) in MOVING {
            assert!(keys::ALL.iter().any(|key| key.name == *name), "{name}");
        }
    }

    #[test]
    fn a_counter_moves_and_an_option_does_not() {
        let turned = (&count(3), &count(4));
        assert!(same("wsrep.local_recv_queue", turned, true));
        assert!(!same("wsrep.cluster_size", turned, true));
    }

    #[test]
    fn room_moves_a_little_and_a_full_disk_is_news() {
        let free = |to| same("disk.datadir.free", (&count(1000), &count(to)), true);
        assert!(free(950) && free(1099));
        assert!(!free(900) && !free(1100) && !free(0));
        assert!(
            !same("disk.datadir.free", (&count(0), &count(1)), true),
            "any room is news where there was none"
        );
    }

    #[test]
    fn a_clock_goes_a_little_wrong() {
        let skew = |to| same("host.clock_skew", (&Value::Signed(-1), &Value::Signed(to)), true);
        assert!(skew(1) && skew(-3));
        assert!(!skew(2) && !skew(-40));
    }

    #[test]
    fn what_falls_by_itself_is_news_where_it_rises() {
        assert!(same("log.starts_last_hour", (&count(3), &count(2)), true));
        assert!(!same("log.starts_last_hour", (&count(3), &count(4)), true));
    }

    #[test]
    fn the_engines_files_move_under_a_server_only() {
        let turned = (&Value::Text(Plain::new("a")), &Value::Text(Plain::new("b")));
        assert!(same("engine.stamp", turned, true));
        assert!(!same("engine.stamp", turned, false));
    }

    #[test]
    fn a_process_sleeps_and_runs_and_a_stopped_one_is_news() {
        let state = |from: &str, to: &str| {
            same("server.state", (&Value::Text(Plain::new(from)), &Value::Text(Plain::new(to))), true)
        };
        assert!(state("S", "R") && state("D", "S"));
        assert!(!state("S", "T") && !state("S", "") && !state("", "S"));
    }

    #[test]
    fn lists_have_no_order_and_silence_grows() {
        let members = (&texts(&["a g1", "b g2"]), &texts(&["b g2", "a g1"]));
        assert!(same("wsrep.members", members, true));
        assert!(!same("wsrep.members", (&texts(&["a g1"]), &texts(&["a g1", "b g2"])), true));
        let silent = |to: &[&str]| same("wsrep.peers_silent", (&texts(&["10.0.0.2 2.1"]), &texts(to)), true);
        assert!(silent(&["10.0.0.2 7.4"]));
        assert!(!silent(&[]) && !silent(&["10.0.0.3 2.1"]));
    }
}
