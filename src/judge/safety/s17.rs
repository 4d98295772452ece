//! S17 (waivable): One joiner of a living Primary at a time; the next only after SYNCED and seen so by the others.
//! (Re-forming the last Primary view starts all its members together.) Room (including gcache pages), ports, donor and
//! start timeout are proved before a transfer starts; after two failed transfers the run stops.

use super::Blocked;
use crate::facts::{Key, Known, NodeName, NodeSurvey, Seqno, Why, WhyKind, keys};
use crate::judge::Standing;

/// A joiner and whom it would join.
pub struct Join<'a> {
    /// The node that is to be started.
    pub joiner: &'a NodeSurvey,
    /// Where it stands, where that is known; one without a position takes everything.
    pub position: Option<Seqno>,
    /// The confirmed members of the proved Primary, each with its standing.
    pub members: Vec<(&'a NodeSurvey, Option<Standing>)>,
    /// The other data nodes that are joining, giving a transfer, starting or stopping.
    pub busy: Vec<&'a NodeName>,
}

/// What of a transfer to the joiner is not proved to go well.
pub fn in_the_way(join: &Join<'_>) -> Vec<Blocked> {
    let mut found = Found { joiner: join.joiner, blocked: Vec::new() };
    if !join.members.iter().any(|(_, standing)| *standing == Some(Standing::Synced)) {
        found.block("no member of a proved Primary is SYNCED and could give a transfer", "wait for a donor");
    }
    for busy in &join.busy {
        found.block(
            &format!(
                "{busy} is joining, giving a transfer, starting or stopping, and one at a time is enough"
            ),
            "wait until it is SYNCED",
        );
    }
    for (key, port) in [(keys::LISTEN_SST, 4444), (keys::LISTEN_IST, 4568)] {
        match join.joiner.facts.get(key) {
            Known::Known(false) => {}
            Known::Known(true) => found.block(
                &format!("something listens on its port {port}, which a transfer needs (case 24)"),
                "find out which process that is (ss -ltnp) and end it by its pid",
            ),
            Known::Unknown(why) => found.unknown(&format!("whether its port {port} is free"), &why),
        }
    }
    found.timeout();
    found.room(join);
    found.blocked
}

struct Found<'a> {
    joiner: &'a NodeSurvey,
    blocked: Vec<Blocked>,
}

impl Found<'_> {
    fn block(&mut self, why: &str, remedy: &str) {
        self.blocked.push(Blocked::on("S17", &self.joiner.name, why, remedy));
    }

    fn unknown(&mut self, what: &str, why: &Why) {
        self.block(&format!("{what} is not known: {}", why.text), "read the node");
    }

    /// systemd ends a transfer that takes longer than its unit may start (case 22).
    fn timeout(&mut self) {
        if self.joiner.facts.get(keys::HOST_MANAGER).is(|manager| manager.as_str() == "none") {
            return;
        }
        match self.joiner.facts.get(keys::UNIT_START_TIMEOUT) {
            Known::Known(timeout) if timeout.as_str() == "infinity" => {}
            Known::Known(timeout) => self.block(
                &format!(
                    "its unit may start for {timeout}, and a transfer that takes longer would be killed"
                ),
                "lift the start timeout (TimeoutStartSec=infinity); freezing the node does",
            ),
            Known::Unknown(why) => self.unknown("how long its unit may start", &why),
        }
    }

    /// Room for a gcache page; where a full transfer may come, for the largest member's data directory too.
    fn room(&mut self, join: &Join<'_>) {
        let joiner = self.joiner;
        match joiner.facts.get(keys::DISK_READ_ONLY) {
            Known::Known(false) => {}
            Known::Known(true) => self.block(
                "its data directory is mounted read-only",
                "find out why (dmesg), and mount it read-write",
            ),
            Known::Unknown(why) => self.unknown("whether its data directory can be written", &why),
        }
        let free = joiner.facts.get(keys::DISK_FREE);
        let page = largest(&join.members, page_size);
        let page = match page {
            Known::Known(page) => page,
            Known::Unknown(why) => return self.unknown("how much a gcache page takes", &why),
        };
        let free = match free {
            Known::Known(free) => free,
            Known::Unknown(why) => return self.unknown("how much room it has", &why),
        };
        if free < page {
            self.block(
                &format!("it has {} free, and one gcache page takes {} (case 26)", mib(free), mib(page)),
                "make room on its data directory's file system",
            );
        }
        if incremental(join) {
            return;
        }
        let need = largest(&join.members, |member| member.facts.get(keys::DATADIR_USED));
        match (need, joiner.facts.get(keys::DATADIR_USED)) {
            (Known::Known(largest), Known::Known(used)) => {
                let need = copy_needs(largest, page);
                let room = free.saturating_add(used);
                if room < need {
                    self.block(
                        &format!(
                            "a full transfer needs {} with a gcache page, and it has room for {} (case 27)",
                            mib(need),
                            mib(room)
                        ),
                        "make room on its data directory's file system",
                    );
                }
            }
            (Known::Unknown(why), _) => self.unknown("how much a full transfer takes", &why),
            (_, Known::Unknown(why)) => self.unknown("how much its data directory takes", &why),
        }
    }
}

/// Whether every member that could give a transfer still caches all that the joiner lacks.
fn incremental(join: &Join<'_>) -> bool {
    let Some(position) = join.position else { return false };
    let mut donors =
        join.members.iter().filter(|(_, standing)| *standing == Some(Standing::Synced)).peekable();
    donors.peek().is_some()
        && donors.all(|(donor, _)| {
            donor.facts.get(keys::WSREP_CACHED_DOWNTO).is(|lowest| lowest.get() <= position.get() + 1)
        })
}

/// The largest number that any member says; Unknown where one does not say.
fn largest(
    members: &[(&NodeSurvey, Option<Standing>)],
    of: impl Fn(&NodeSurvey) -> Known<u64>,
) -> Known<u64> {
    let mut best = None;
    for (member, _) in members {
        match of(member) {
            Known::Known(value) => best = best.max(Some(value)),
            Known::Unknown(why) => {
                return Known::unknown(why.kind, format!("{}: {}", member.name, why.text));
            }
        }
    }
    match best {
        Some(best) => Known::Known(best),
        None => Known::unknown(WhyKind::NotRead, "there is no member to ask"),
    }
}

/// Room that a full copy of so many bytes needs, with a gcache page. A tenth more: the donor goes on writing, and a copy is
/// never quite as dense.
pub fn copy_needs(bytes: u64, page: u64) -> u64 {
    bytes.saturating_add(bytes / 10).saturating_add(page)
}

/// gcache.page_size of a member, in bytes. The provider names all its options; one that is missing is not known.
pub fn page_size(member: &NodeSurvey) -> Known<u64> {
    const OPTIONS: Key<crate::facts::Plain> = keys::VAR_PROVIDER_OPTIONS;
    member.facts.get(OPTIONS).and_then(|options| {
        let said = options
            .as_str()
            .split(';')
            .filter_map(|option| option.split_once('='))
            .find(|(name, _)| name.trim() == "gcache.page_size")
            .and_then(|(_, value)| size(value.trim()));
        match said {
            Some(size) => Known::Known(size),
            None => Known::unknown(WhyKind::Undefined, "its provider options do not say gcache.page_size"),
        }
    })
}

/// Reads `134217728`, `128M`, `1G`.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text.get(digits.len()..)?.to_ascii_uppercase().as_str() {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, Plain, Reach, Role};

    fn node(name: &str) -> NodeSurvey {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let name = NodeName::new(name).unwrap();
        NodeSurvey { name, role: Role::Data, ssh: Reach::ok(), sql: Reach::ok(), facts: Facts::new(), at }
    }

    fn set(node: &mut NodeSurvey, free: u64, used: u64) {
        let (source, at) = (Plain::new("test"), node.at);
        for key in [keys::LISTEN_SST, keys::LISTEN_IST, keys::DISK_READ_ONLY] {
            node.facts.set(key, Known::Known(false), &source, at);
        }
        node.facts.set(keys::UNIT_START_TIMEOUT, Known::Known(Plain::new("infinity")), &source, at);
        let options = Plain::new("base_port = 4567; gcache.page_size = 128M; gcache.recover = yes");
        node.facts.set(keys::VAR_PROVIDER_OPTIONS, Known::Known(options), &source, at);
        node.facts.set(keys::DISK_FREE, Known::Known(free << 20), &source, at);
        node.facts.set(keys::DATADIR_USED, Known::Known(used << 20), &source, at);
    }

    fn why(join: &Join<'_>) -> Vec<String> {
        in_the_way(join).iter().map(|blocked| blocked.why.to_string()).collect()
    }

    /// What is in the way of `joiner` beside one member.
    fn beside(joiner: &NodeSurvey, at: Option<i64>, member: &NodeSurvey, standing: Standing) -> Vec<String> {
        let position = at.and_then(Seqno::new);
        why(&Join { joiner, position, members: vec![(member, Some(standing))], busy: vec![] })
    }

    #[test]
    fn a_transfer_needs_a_donor_room_ports_and_time() {
        let (mut joiner, mut member) = (node("g2"), node("g1"));
        set(&mut member, 500, 1000);
        set(&mut joiner, 700, 600);
        assert!(beside(&joiner, None, &member, Standing::Synced).is_empty());
        assert!(beside(&joiner, None, &member, Standing::Donor)[0].contains("no member"));
        set(&mut joiner, 600, 600);
        assert!(beside(&joiner, None, &member, Standing::Synced)[0].contains("needs 1228 MiB"));
        let source = Plain::new("test");
        let at = joiner.at;
        joiner.facts.set(keys::UNIT_START_TIMEOUT, Known::Known(Plain::new("15min")), &source, at);
        joiner.facts.set(keys::LISTEN_SST, Known::Known(true), &source, at);
        assert_eq!(beside(&joiner, None, &member, Standing::Synced).len(), 3);
        let unread = beside(&node("g2"), None, &member, Standing::Synced);
        assert!(unread.len() >= 5, "unknown is in the way: {unread:?}");
    }

    #[test]
    fn what_every_donor_still_caches_needs_no_room_for_a_copy() {
        let (mut joiner, mut member) = (node("g2"), node("g1"));
        set(&mut member, 500, 1000);
        set(&mut joiner, 200, 100);
        assert_eq!(beside(&joiner, Some(90), &member, Standing::Synced).len(), 1);
        for (lowest, found) in [(91, 0), (92, 1)] {
            let (at, lowest) = (member.at, Known::Known(Seqno::new(lowest).unwrap()));
            member.facts.set(keys::WSREP_CACHED_DOWNTO, lowest, &Plain::new("test"), at);
            assert_eq!(beside(&joiner, Some(90), &member, Standing::Synced).len(), found);
        }
    }

    #[test]
    fn sizes_as_the_provider_says_them() {
        assert_eq!(size("128M"), Some(128 << 20));
        assert_eq!(size("134217728"), Some(128 << 20));
        assert_eq!(size("128MB"), None);
        assert_eq!(size(""), None);
    }
}
