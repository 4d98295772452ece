//! unit.txt: which of the units in it is the server's. `systemctl show mariadb mysql 'mysql@*'` prints one behind the other,
//! and the last of them is not the one that runs.

use crate::ask::unit::Unit;
use crate::facts::{Known, WhyKind};

/// What stands once in each unit's part.
const ONCE: [&str; 5] = ["Id", "ActiveState", "MainPID", "LoadState", "SubState"];

/// The part of unit.txt that is of the server's unit, or of garbd's.
pub(super) fn pick(text: &str) -> Known<String> {
    let named = |block: &String| {
        let unit = Unit::parse(block);
        ["ActiveState", "MainPID", "Id", "LoadState"].iter().any(|name| unit.get(name).known().is_some())
    };
    let shown: Vec<String> = blocks(text).into_iter().filter(named).collect();
    if shown.is_empty() {
        return Known::unknown(WhyKind::Malformed, none_shown(text));
    }
    let ours: Vec<&String> = shown.iter().filter(|block| may_be_ours(&Unit::parse(block))).collect();
    if ours.is_empty() {
        let ids = ids(&shown.iter().collect::<Vec<_>>());
        return Known::unknown(
            WhyKind::NotAsked,
            format!("unit.txt shows {ids}, which is no database server's unit as far as its name says"),
        );
    }
    let exists = |block: &&String| !Unit::parse(block).get("LoadState").is(|load| *load == "not-found");
    let loaded: Vec<&String> = ours.iter().copied().filter(exists).collect();
    let asked = if loaded.is_empty() { ours } else { loaded };
    let up: Vec<&String> =
        asked.iter().copied().filter(|block| by_unit(&Unit::parse(block)) != Known::Known(false)).collect();
    let ran = |block: &&String| !Unit::parse(block).get("ExecMainCode").is(|code| *code == "0");
    let ever: Vec<&String> = asked.iter().copied().filter(ran).collect();
    let clear = match (&asked[..], &up[..], &ever[..]) {
        ([single], ..) | (_, [single], _) | (_, [], [single]) => Some(*single),
        _ => None,
    };
    // Two parts of one unit are two moments, and nothing says which is the later.
    match clear.or_else(|| said_twice(&asked)).filter(|_| !two_moments(&asked)) {
        Some(unit) => Known::Known(unit.clone()),
        None => Known::unknown(
            WhyKind::Contradicted,
            format!(
                "unit.txt shows {}, and which of them is the server now is not known: keep the one that starts it",
                ids(&asked)
            ),
        ),
    }
}

/// The one part of all, where each says the same.
fn said_twice<'a>(blocks: &[&'a String]) -> Option<&'a String> {
    let first = *blocks.first()?;
    blocks.iter().all(|block| block.trim() == first.trim()).then_some(first)
}

/// Whether two parts name one unit and say different things of it.
fn two_moments(blocks: &[&String]) -> bool {
    let id = |block: &String| Unit::parse(block).get("Id").known().map(|id| (*id).to_owned());
    let differs = |one: &&String, other: &&String| id(one) == id(other) && one.trim() != other.trim();
    blocks.iter().enumerate().any(|(at, one)| blocks.iter().skip(at + 1).any(|other| differs(one, other)))
}

fn ids(blocks: &[&String]) -> String {
    let id = |block: &&String| {
        Unit::parse(block)
            .get("Id")
            .known()
            .map_or_else(|| "a unit without its name".to_owned(), |id| (*id).to_owned())
    };
    blocks.iter().map(id).collect::<Vec<_>>().join(", ")
}

/// The parts of the text: one ends at an empty line, or where a property stands that it has already.
fn blocks(text: &str) -> Vec<String> {
    let mut all: Vec<String> = vec![String::new()];
    for line in text.lines().map(str::trim) {
        let name = line.split_once('=').map(|(name, _)| name).filter(|name| ONCE.contains(name));
        let again = |block: &String| name.is_some_and(|name| Unit::parse(block).get(name).known().is_some());
        if line.is_empty() || all.last().is_some_and(again) {
            all.push(String::new());
        }
        if let Some(last) = all.last_mut() {
            last.extend([line, "\n"]);
        }
    }
    all
}

fn none_shown(text: &str) -> &'static str {
    if text.trim().is_empty() {
        "unit.txt is empty"
    } else if text.contains("Loaded: ") || text.contains("Active: ") {
        "unit.txt is of `systemctl status`; take `systemctl show mariadb`"
    } else {
        "unit.txt is not what `systemctl show UNIT` prints"
    }
}

/// Whether the unit is a database server's or garbd's, by its name and by what it starts. One that does not say its name was
/// chosen by whoever asked.
fn may_be_ours(unit: &Unit<'_>) -> bool {
    const SERVERS: [&str; 6] = ["mysql", "maria", "galera", "percona", "pxc", "garb"];
    const BESIDE: [&str; 7] = ["export", "router", "proxy", "check", "backup", "agent", "monitor"];
    const BINARIES: [&str; 5] = ["/mariadbd ", "/mysqld ", "/mysqld_safe ", "/mariadbd-safe ", "/garbd "];
    let starts = unit.get("ExecStart").is(|start| BINARIES.iter().any(|binary| start.contains(binary)));
    let id = unit.get("Id").map(str::to_ascii_lowercase);
    starts
        || match id {
            Known::Known(id) => {
                SERVERS.iter().any(|word| id.contains(word)) && !BESIDE.iter().any(|word| id.contains(word))
            }
            Known::Unknown(_) => true,
        }
}

/// Whether the unit has a process.
pub(super) fn by_unit(unit: &Unit<'_>) -> Known<bool> {
    if unit.get("LoadState").is(|load| *load == "not-found") {
        return Known::unknown(WhyKind::Undefined, "the unit of unit.txt does not exist on the node");
    }
    let active = unit.get("ActiveState");
    let sub = unit.get("SubState");
    let between_starts = sub.is(|sub| sub.starts_with("auto-restart"));
    match (unit.get("MainPID").known().copied(), active.known().copied()) {
        (Some("0") | None, Some("inactive" | "failed"))
        | (Some("0"), Some("activating" | "deactivating")) => Known::Known(false),
        (None, Some("activating")) if between_starts => Known::Known(false),
        (Some("0"), Some(other)) => {
            Known::unknown(WhyKind::Contradicted, format!("its unit is {other}, and names no process"))
        }
        (Some(pid), Some("inactive" | "failed")) => {
            Known::unknown(WhyKind::Contradicted, format!("its unit is down, and names process {pid}"))
        }
        (_, None) => Known::unknown(WhyKind::NotAsked, "unit.txt does not say ActiveState"),
        _ => Known::Known(true),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(id: &str, active: &str, pid: u32, code: u32) -> String {
        format!(
            "Id={id}.service\nLoadState=loaded\nActiveState={active}\nMainPID={pid}\nExecMainCode={code}\n"
        )
    }

    fn id(text: &str) -> Result<String, WhyKind> {
        match pick(text) {
            Known::Known(text) => Ok(Unit::parse(&text).get("Id").known().unwrap().to_string()),
            Known::Unknown(why) => Err(why.kind),
        }
    }

    #[test]
    fn the_unit_that_runs_counts_wherever_it_stands() {
        let (up, down) = (unit("mysql@bootstrap", "active", 5, 0), unit("mysql", "inactive", 0, 0));
        for text in
            [format!("{up}\n{down}"), format!("{down}\n{up}"), format!("{up}{down}"), format!("{down}{up}")]
        {
            assert_eq!(id(&text), Ok("mysql@bootstrap.service".to_owned()), "{text}");
        }
        let killed = unit("mysql@bootstrap", "failed", 0, 2);
        assert_eq!(id(&format!("{killed}\n{down}")), Ok("mysql@bootstrap.service".to_owned()));
        let other = unit("mariadb", "active", 7, 0);
        assert_eq!(id(&format!("{up}\n{other}")), Err(WhyKind::Contradicted));
        assert_eq!(id(&format!("{killed}\n{}", unit("mariadb", "failed", 0, 1))), Err(WhyKind::Contradicted));
        let missing = "Id=mysqld.service\nLoadState=not-found\nActiveState=inactive\nMainPID=0\n";
        assert_eq!(id(&format!("{other}\n{missing}")), Ok("mariadb.service".to_owned()));
    }

    #[test]
    fn one_unit_at_two_moments_is_neither() {
        let (up, down) = (unit("mariadb", "active", 5, 0), unit("mariadb", "failed", 0, 2));
        assert_eq!(id(&format!("{up}\n{down}")), Err(WhyKind::Contradicted));
        assert_eq!(id(&format!("{down}\n{down}")), Ok("mariadb.service".to_owned()), "said twice");
    }

    #[test]
    fn another_programs_unit_says_nothing_of_the_server() {
        for other in ["ssh", "haproxy", "mysqld_exporter", "mysqlrouter", "proxysql"] {
            assert_eq!(id(&unit(other, "inactive", 0, 1)), Err(WhyKind::NotAsked), "{other}");
        }
        let own = format!(
            "{}ExecStart={{ path=/usr/sbin/mariadbd ; argv[]=/usr/sbin/mariadbd $OPTS ; }}\n",
            unit("shopdb", "active", 5, 0)
        );
        assert_eq!(id(&own), Ok("shopdb.service".to_owned()));
        assert_eq!(id(&unit("garb", "active", 5, 0)), Ok("garb.service".to_owned()));
        assert_eq!(id(&unit("mariadb@node1", "active", 5, 0)), Ok("mariadb@node1.service".to_owned()));
    }

    proptest! {
        #[test]
        fn never_panics(text in "((Id|ActiveState|MainPID|LoadState|X)=\\PC{0,8}\\n|\\n|\\PC{0,5}\\n){0,12}") {
            let _ = pick(&text);
        }
    }
}
