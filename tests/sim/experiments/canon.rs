//! Two clusters' facts in one form: whose a UUID is instead of its digits, how far a seqno is from the lowest instead of
//! its number, so that what is left to compare is what matters.

use std::collections::BTreeMap;

use breakglass::facts::{Known, Survey, Value, WhyKind, keys};

/// Room below which nothing can be written, and below which gcache finds no page (gcache.page_size,
/// tests/fixtures/galera/06-diskfull/full/g2-log.txt).
const FULL: u64 = 1 << 20;
const PAGE: u64 = 128 << 20;

/// A fact of a node in that form; what is not known is the kind of its reason.
pub(crate) type Told = BTreeMap<(String, &'static str), Result<String, WhyKind>>;

/// What a survey's UUIDs and numbers are held against.
struct Against {
    /// Which node a member is: all of its UUID but the counter in it.
    members: Vec<((String, String), String)>,
    histories: Vec<String>,
    seqno: u64,
    view: u64,
    conf: u64,
}

/// The facts of a survey.
pub(crate) fn told(survey: &Survey) -> Told {
    let against = Against::of(survey);
    let mut all = Told::new();
    for node in &survey.nodes {
        for (key, fact) in node.facts.iter() {
            let value = match &fact.value {
                Known::Known(value) => Ok(against.told(key, value)),
                Known::Unknown(why) => Err(why.kind),
            };
            all.insert((node.name.to_string(), key), value);
        }
    }
    all
}

impl Against {
    fn of(survey: &Survey) -> Self {
        let (mut members, mut histories) = (Vec::new(), Vec::new());
        let (mut seqnos, mut views, mut confs) = (Vec::new(), Vec::new(), Vec::new());
        for node in &survey.nodes {
            let facts = &node.facts;
            for me in [facts.get(keys::WSREP_GCOMM_UUID), facts.get(keys::GVWSTATE_MY_UUID)] {
                if let Some(me) = me.known() {
                    members.push((member(me.as_str()), node.name.to_string()));
                }
            }
            for uuid in [keys::GRASTATE_UUID, keys::WSREP_CLUSTER_UUID, keys::WSREP_LOCAL_UUID] {
                if let Some(uuid) = facts.get(uuid).known().map(ToString::to_string)
                    && !histories.contains(&uuid)
                {
                    histories.push(uuid);
                }
            }
            for seqno in [keys::GRASTATE_SEQNO, keys::WSREP_LAST_COMMITTED] {
                seqnos.extend(facts.get(seqno).known().map(|seqno| seqno.get()));
            }
            seqnos.extend(facts.get(keys::LOG_POSITION).known().map(|at| at.seqno.get()));
            views.extend(facts.get(keys::GVWSTATE_VIEW_SEQ).known().copied());
            confs.extend(facts.get(keys::WSREP_CONF_ID).known().copied());
        }
        let lowest = |all: Vec<u64>| all.into_iter().min().unwrap_or_default();
        Self {
            members,
            histories,
            seqno: lowest(seqnos),
            view: lowest(views),
            // A view that formed again by itself is number 0.
            conf: lowest(confs.into_iter().filter(|conf| *conf > 0).collect()),
        }
    }

    fn told(&self, key: &str, value: &Value) -> String {
        match value {
            Value::Seqno(seqno) => self.seqno(seqno.get()),
            Value::Uuid(uuid) => self.history(&uuid.to_string()),
            Value::Position(at) => {
                format!("{}:{}", self.history(&at.uuid.to_string()), self.seqno(at.seqno.get()))
            }
            Value::Count(view) if key == keys::GVWSTATE_VIEW_SEQ.name() => from(self.view, *view),
            Value::Count(conf) if key == keys::WSREP_CONF_ID.name() && *conf > 0 => from(self.conf, *conf),
            Value::Count(free) if key == keys::DISK_FREE.name() => match *free {
                free if free < FULL => "full".to_owned(),
                free if free < PAGE => "no room for a page of gcache".to_owned(),
                _ => "room".to_owned(),
            },
            Value::Text(text) if key == keys::GVWSTATE_VIEW.name() => match text.as_str().rsplit_once(' ') {
                Some((head, view)) => {
                    format!("{} {}", self.words(head), from(self.view, view.parse().unwrap()))
                }
                None => text.to_string(),
            },
            Value::Text(text) => self.words(text.as_str()),
            Value::Texts(texts)
                if [keys::GVWSTATE_MEMBERS.name(), keys::TRANSFER_MARKERS.name()].contains(&key) =>
            {
                // Their order is that of their UUIDs, or of a listing.
                let mut all: Vec<String> = texts.iter().map(|text| self.words(text.as_str())).collect();
                all.sort();
                all.join(", ")
            }
            Value::Texts(texts) => {
                texts.iter().map(|text| self.words(text.as_str())).collect::<Vec<_>>().join(", ")
            }
            Value::Flag(flag) => flag.to_string(),
            Value::Count(count) => count.to_string(),
            Value::Signed(number) => number.to_string(),
            Value::Time(_) => "a time".to_owned(),
        }
    }

    fn seqno(&self, seqno: u64) -> String {
        from(self.seqno, seqno)
    }

    fn history(&self, uuid: &str) -> String {
        match self.histories.iter().position(|known| known == uuid) {
            Some(place) => format!("history {place}"),
            None => "another history".to_owned(),
        }
    }

    /// A text, its UUIDs and positions told as all others, and no times.
    fn words(&self, text: &str) -> String {
        // How it grew is told by times alone, which logs without a zone do not have.
        let text = text.split(" grew ").next().unwrap_or_default();
        let word = |word: &str| {
            if word.parse::<jiff::Timestamp>().is_ok() {
                // Of logs without a zone no time is known.
                return "-".to_owned();
            }
            if let Some((uuid, seqno)) = word.split_once(':')
                && uuid.len() == 36
                && let Ok(seqno) = seqno.parse()
            {
                return format!("{}:{}", self.history(uuid), self.seqno(seqno));
            }
            if word.len() == 36 && word.matches('-').count() == 4 {
                self.member(word)
            } else {
                word.to_owned()
            }
        };
        // Nor since when a bootstrapped group had how many members.
        let text = text.split_once(" grew ").map_or(text, |(text, _)| text);
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    fn member(&self, uuid: &str) -> String {
        let me = member(uuid);
        let known = self.members.iter().find(|(member, _)| *member == me);
        known.map_or_else(|| "a member".to_owned(), |(_, node)| format!("{node} as member"))
    }
}

/// A member's UUID without its clock sequence, which counts its lives under one saved view.
fn member(uuid: &str) -> (String, String) {
    let mut parts = uuid.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    (first, parts.next_back().unwrap_or_default().to_owned())
}

fn from(base: u64, number: u64) -> String {
    match number.checked_sub(base) {
        Some(more) => format!("lowest + {more}"),
        None => format!("lowest - {}", base - number),
    }
}
