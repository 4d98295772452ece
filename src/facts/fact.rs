//! Facts: one thing observed on one node, where it was read and when.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

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
    pub(super) const fn new(name: &'static str, unit: Unit) -> Self {
        Self { name, unit, of: PhantomData }
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

/// The facts of one node, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<&'static str, Fact>);

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a fact; a later one of the same name takes the place of the earlier.
    pub fn set<T: ValueType>(&mut self, key: Key<T>, value: Known<T>, source: &Plain, at: Timestamp) {
        let value = value.map(ValueType::into_value);
        self.0.insert(key.name, Fact { value, unit: key.unit, source: source.clone(), at });
    }

    /// The value of a fact. What was never noted is Unknown, like everything else that was not read.
    pub fn get<T: ValueType>(&self, key: Key<T>) -> Known<T> {
        match self.0.get(key.name) {
            Some(fact) => fact.value.as_ref().and_then(|value| match T::from_value(value) {
                Some(value) => Known::Known(value),
                None => Known::unknown(WhyKind::Malformed, format!("{} is of another type", key.name)),
            }),
            None => Known::Unknown(Why::new(WhyKind::NotAsked, "not read")),
        }
    }

    /// When a fact was read; `None` where it never was.
    pub fn at<T>(&self, key: Key<T>) -> Option<Timestamp> {
        self.0.get(key.name).map(|fact| fact.at)
    }

    /// Notes every fact of the table that is not there yet as Unknown, with one reason.
    pub fn fill(&mut self, why: &Why, source: &Plain, at: Timestamp) {
        for key in super::keys::ALL {
            self.0.entry(key.name).or_insert_with(|| Fact {
                value: Known::Unknown(why.clone()),
                unit: key.unit,
                source: source.clone(),
                at,
            });
        }
    }

    /// Takes back what was noted of the facts whose names pass `test`: they are Unknown for this reason now.
    pub fn doubt(&mut self, test: impl Fn(&str) -> bool, why: &Why) {
        for (_, fact) in self.0.iter_mut().filter(|(name, _)| test(name)) {
            fact.value = Known::Unknown(why.clone());
        }
    }

    /// Says of all of them that they were read from `source`.
    pub fn read_from(&mut self, source: &Plain) {
        for fact in self.0.values_mut() {
            fact.source = source.clone();
        }
    }

    /// Forgets every fact whose name does not pass `test`.
    pub fn retain(&mut self, test: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| test(name));
    }

    /// Forgets a fact; property tests take evidence away with it.
    pub fn remove(&mut self, name: &str) -> Option<Fact> {
        self.0.remove(name)
    }

    /// All facts in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Fact)> {
        self.0.iter().map(|(name, fact)| (*name, fact))
    }

    /// Adds the facts of `other`, which win where both have one.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}
