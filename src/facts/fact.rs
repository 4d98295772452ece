//! Facts: one thing observed on one node, where it was read and when.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::keys::ALL;
use super::{ClusterUuid, Known, Plain, Position, Seqno, Why, WhyKind};

/// A fact's value. Seconds, bytes and counts are told apart by the key's [`Unit`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number of the key's unit.
    Count(u64),
    /// A signed whole number of the key's unit.
    Signed(i64),
    /// A place in a history.
    Seqno(Seqno),
    /// A cluster state UUID.
    Uuid(ClusterUuid),
    /// A UUID with its seqno.
    Position(Position),
    /// A moment on the node's clock.
    Time(Timestamp),
    /// Text, safe to show.
    Text(Plain),
    /// Several texts, in the order they were read.
    Texts(Vec<Plain>),
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Not a number, or a number that counts nothing.
    None,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Write-sets.
    WriteSets,
    /// Nodes.
    Nodes,
    /// Index nodes of a file system.
    Inodes,
}

impl Unit {
    /// The unit's name in `status --json`; empty where there is none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bytes => "bytes",
            Self::Seconds => "seconds",
            Self::WriteSets => "write-sets",
            Self::Nodes => "nodes",
            Self::Inodes => "inodes",
        }
    }
}

/// One thing observed: a value, where it was read, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The value or why there is none.
    pub value: Known<Value>,
    /// What the value counts.
    pub unit: Unit,
    /// Where it was read: a file, a command, a statement.
    pub source: Plain,
    /// When it was read, on this workstation's clock.
    pub at: Timestamp,
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Known::Known(value) => {
                let mut out = serializer.serialize_struct("Fact", 4)?;
                out.serialize_field("value", value)?;
                out.serialize_field("unit", self.unit.as_str())?;
                out.serialize_field("source", &self.source)?;
                out.serialize_field("at", &self.at)?;
                out.end()
            }
            Known::Unknown(why) => {
                let mut out = serializer.serialize_struct("Fact", 2)?;
                out.serialize_field("unknown", &why.text)?;
                out.serialize_field("kind", &why.kind)?;
                out.end()
            }
        }
    }
}

/// The name and type of a fact. All keys stand in [`super::keys`].
pub struct Key<T> {
    name: &'static str,
    unit: Unit,
    place: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> Key<T> {
    /// A key; only the table in [`super::keys`] makes them.
    pub(super) const fn new(name: &'static str, unit: Unit, place: usize) -> Self {
        Self { name, unit, place, of: PhantomData }
    }

    /// The fact's name, as `status --json` and evidence lists say it.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

/// A row of the table of all facts.
#[derive(Clone, Copy, Debug)]
pub struct KeyInfo {
    /// The fact's name.
    pub name: &'static str,
    /// What its number counts.
    pub unit: Unit,
    /// What it is, in one sentence.
    pub about: &'static str,
}

/// The Rust types a fact can have.
pub trait ValueType: Sized {
    /// Wraps the value.
    fn into_value(self) -> Value;
    /// Unwraps it; `None` where the value is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! value_type {
    ($type:ty, $variant:ident) => {
        impl ValueType for $type {
            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(inner) => Some(inner.clone()),
                    _ => None,
                }
            }
        }
    };
}

value_type!(bool, Flag);
value_type!(u64, Count);
value_type!(i64, Signed);
value_type!(Seqno, Seqno);
value_type!(ClusterUuid, Uuid);
value_type!(Position, Position);
value_type!(Timestamp, Time);
value_type!(Plain, Text);
value_type!(Vec<Plain>, Texts);

/// The facts of one node: each at its place in the table of all facts, which a key knows. To everybody else they are in
/// the order of their names.
#[derive(Clone, Debug, Default)]
pub struct Facts(Vec<Option<Fact>>);

/// Names with their places, in the order of the names.
static PLACES: LazyLock<BTreeMap<&'static str, usize>> =
    LazyLock::new(|| ALL.iter().enumerate().map(|(place, key)| (key.name, place)).collect());

impl PartialEq for Facts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Facts {}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    fn at_place(&self, place: usize) -> Option<&Fact> {
        self.0.get(place)?.as_ref()
    }

    fn named(&self, name: &str) -> Option<&Fact> {
        self.at_place(*PLACES.get(name)?)
    }

    /// The room for every fact of the table, each with its row.
    fn room(&mut self) -> impl Iterator<Item = (&'static KeyInfo, &mut Option<Fact>)> {
        self.0.resize(ALL.len(), None);
        ALL.iter().zip(&mut self.0)
    }

    /// Notes a fact; a later one of the same name takes the place of the earlier.
    pub fn set<T: ValueType>(&mut self, key: Key<T>, value: Known<T>, source: &Plain, at: Timestamp) {
        let value = value.map(ValueType::into_value);
        self.0.resize(ALL.len(), None);
        if let Some(room) = self.0.get_mut(key.place) {
            *room = Some(Fact { value, unit: key.unit, source: source.clone(), at });
        }
    }

    /// The value of a fact. What was never noted is Unknown, like everything else that was not read.
    pub fn get<T: ValueType>(&self, key: Key<T>) -> Known<T> {
        match self.at_place(key.place).map(|fact| &fact.value) {
            Some(Known::Known(value)) => match T::from_value(value) {
                Some(value) => Known::Known(value),
                None => Known::unknown(WhyKind::Malformed, format!("{} is of another type", key.name)),
            },
            Some(Known::Unknown(why)) => Known::Unknown(why.clone()),
            None => Known::Unknown(Why::new(WhyKind::NotAsked, "not read")),
        }
    }

    /// What was noted under a name, of whatever type; `None` where nothing was.
    pub fn value(&self, name: &str) -> Option<&Known<Value>> {
        self.named(name).map(|fact| &fact.value)
    }

    /// When a fact was read; `None` where it never was.
    pub fn at<T>(&self, key: Key<T>) -> Option<Timestamp> {
        self.at_place(key.place).map(|fact| fact.at)
    }

    /// Notes every fact of the table that is not there yet as Unknown, with one reason.
    pub fn fill(&mut self, why: &Why, source: &Plain, at: Timestamp) {
        self.fill_where(|_| true, why, source, at);
    }

    /// The same for the facts whose names pass `test`.
    pub fn fill_where(&mut self, test: impl Fn(&str) -> bool, why: &Why, source: &Plain, at: Timestamp) {
        for (key, room) in self.room().filter(|(key, room)| room.is_none() && test(key.name)) {
            let value = Known::Unknown(why.clone());
            *room = Some(Fact { value, unit: key.unit, source: source.clone(), at });
        }
    }

    /// Takes back what was noted of the facts whose names pass `test`: they are Unknown for this reason now.
    pub fn doubt(&mut self, test: impl Fn(&str) -> bool, why: &Why) {
        for (_, room) in self.room().filter(|(key, _)| test(key.name)) {
            if let Some(fact) = room {
                fact.value = Known::Unknown(why.clone());
            }
        }
    }

    /// Says of all of them that they were read from `source`.
    pub fn read_from(&mut self, source: &Plain) {
        for fact in self.0.iter_mut().flatten() {
            fact.source = source.clone();
        }
    }

    /// Forgets every fact whose name does not pass `test`.
    pub fn retain(&mut self, test: impl Fn(&str) -> bool) {
        for (_, room) in self.room().filter(|(key, _)| !test(key.name)) {
            *room = None;
        }
    }

    /// Forgets a fact; property tests take evidence away with it.
    pub fn remove(&mut self, name: &str) -> Option<Fact> {
        self.0.get_mut(*PLACES.get(name)?)?.take()
    }

    /// All facts in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Fact)> {
        PLACES.iter().filter_map(|(name, place)| Some((*name, self.at_place(*place)?)))
    }

    /// Adds the facts of `other`, which win where both have one.
    pub fn extend(&mut self, other: Self) {
        for ((_, room), fact) in self.room().zip(other.0) {
            if fact.is_some() {
                *room = fact;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    fn noted<T: ValueType>(facts: &mut Facts, key: Key<T>, value: T) {
        facts.set(key, Known::Known(value), &Plain::new("test"), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_fact_is_found_by_its_key_and_by_its_name() {
        let mut facts = Facts::new();
        noted(&mut facts, keys::PROXY_KIND, Plain::new("haproxy"));
        noted(&mut facts, keys::HOST_NAME, Plain::new("g1"));
        noted(&mut facts, keys::GRASTATE_SAFE, true);
        let names: Vec<&str> = facts.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["grastate.safe_to_bootstrap", "host.name", "proxy.kind"], "by name");
        assert_eq!(facts.value("proxy.kind"), Some(&Known::Known(Value::Text(Plain::new("haproxy")))));
        assert!(facts.get(keys::GRASTATE_SAFE).is(|safe| *safe));
        assert_eq!(facts.get(keys::HOST_USER).why().unwrap().kind, WhyKind::NotAsked);
        assert!(facts.value("no.fact").is_none());
    }

    #[test]
    fn what_was_taken_away_leaves_no_trace() {
        let mut facts = Facts::new();
        noted(&mut facts, keys::HOST_NAME, Plain::new("g1"));
        assert!(facts.remove("host.name").is_some() && facts.remove("host.name").is_none());
        assert_eq!(facts, Facts::new());
        let mut other = Facts::new();
        noted(&mut other, keys::HOST_NAME, Plain::new("g2"));
        noted(&mut facts, keys::HOST_NAME, Plain::new("g1"));
        noted(&mut facts, keys::HOST_USER, Plain::new("root"));
        facts.extend(other);
        facts.retain(|name| name == "host.name");
        assert_eq!(serde_json::to_string(&facts).unwrap().matches("g2").count(), 1);
        assert_eq!(facts.iter().count(), 1);
    }
}
