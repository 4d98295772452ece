//! Known or Unknown: the only two answers a reading of the world can give.

use serde::Serialize;

use super::Plain;

/// A value that was read, or the reason why it was not. There is no default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// The value was read.
    Known(T),
    /// The value was not read, or what was read says nothing.
    Unknown(Why),
}

/// Why a value is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// What class of reason it is; rules may look at this, never at the text.
    pub kind: WhyKind,
    /// One sentence fragment for people.
    pub text: Plain,
}

/// The classes of reasons for not knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyKind {
    /// The node did not answer, so nothing on it was read.
    NotRead,
    /// The question was not asked, or the answer held no such section.
    NotAsked,
    /// The node refused to show it to this user.
    Denied,
    /// The node lacks what is needed to read it.
    NoTool,
    /// The reading did not end in time.
    TimedOut,
    /// Something was read, and it does not follow the grammar.
    Malformed,
    /// What was read is the value that means "undefined" (-1, a zero UUID, `u64::MAX`).
    Undefined,
    /// What was read no longer holds.
    Stale,
    /// Sources that must agree do not.
    Contradicted,
}

impl Why {
    /// A reason of `kind`, with one sentence fragment for people.
    pub fn new(kind: WhyKind, text: impl AsRef<str>) -> Self {
        Self { kind, text: Plain::new(text) }
    }
}

impl<T> Known<T> {
    /// An unknown of `kind`, with one sentence fragment for people.
    pub fn unknown(kind: WhyKind, text: impl AsRef<str>) -> Self {
        Self::Unknown(Why::new(kind, text))
    }

    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// The reason, where the value is unknown.
    pub fn why(&self) -> Option<&Why> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(why) => Some(why),
        }
    }

    /// Whether the value is known and satisfies `test`; an unknown satisfies nothing.
    pub fn is(&self, test: impl FnOnce(&T) -> bool) -> bool {
        self.known().is_some_and(test)
    }

    /// Maps the known value and keeps the reason of an unknown one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Known(value) => Known::Known(f(value)),
            Self::Unknown(why) => Known::Unknown(why),
        }
    }

    /// Says the reason of an unknown in other words.
    #[must_use]
    pub fn or_why(self, f: impl FnOnce(Why) -> Why) -> Self {
        match self {
            Self::Known(value) => Self::Known(value),
            Self::Unknown(why) => Self::Unknown(f(why)),
        }
    }

    /// Goes on with the known value and keeps the reason of an unknown one.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Known<U>) -> Known<U> {
        match self {
            Self::Known(value) => f(value),
            Self::Unknown(why) => Known::Unknown(why),
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Known(value) => Known::Known(value),
            Self::Unknown(why) => Known::Unknown(why.clone()),
        }
    }
}

impl<T: Copy> Known<&T> {
    /// Copies a borrowed value.
    pub fn copied(self) -> Known<T> {
        self.map(|value| *value)
    }
}
