//! Identifiers, each with its grammar.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A name that does not follow its grammar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {found:?} does not fit: {grammar}")]
pub struct IdError {
    what: &'static str,
    found: String,
    grammar: &'static str,
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() <= 63
        && chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the grammar: 1 to 63 characters, letters, digits, `.`, `_`, `-`, the first a letter or digit.
            /// No metacharacter of any shell and no leading `-` can pass.
            pub fn new(text: &str) -> Result<Self, IdError> {
                if is_name(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(IdError {
                    what: $what,
                    found: text.to_owned(),
                    grammar: "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
                })
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// A cluster's name in the inventory.
    ClusterName,
    "cluster name"
);
name!(
    /// A node's name in the inventory: the only way a node is ever named.
    NodeName,
    "node name"
);

/// A Galera cluster state UUID, never zero: a zero UUID is "no identity" (S1) and is read as such by the parsers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterUuid(u128);

impl ClusterUuid {
    /// The UUID, or `None` for the zero UUID.
    pub fn new(value: u128) -> Option<Self> {
        (value != 0).then_some(Self(value))
    }

    /// Reads `8-4-4-4-12` hexadecimal digits in either case. `Ok(None)` is the zero UUID.
    pub fn parse(text: &str) -> Result<Option<Self>, IdError> {
        parse_uuid(text).map(Self::new)
    }

    /// The first eight digits, as people say them.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

/// Reads `8-4-4-4-12` hexadecimal digits in either case, nothing else around them.
fn parse_uuid(text: &str) -> Result<u128, IdError> {
    let error = || IdError { what: "UUID", found: text.to_owned(), grammar: "8-4-4-4-12 hexadecimal digits" };
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths != [8, 4, 4, 4, 12] || !groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(error());
    }
    u128::from_str_radix(&groups.concat(), 16).map_err(|_| error())
}

impl FromStr for ClusterUuid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)?.ok_or_else(|| IdError {
            what: "UUID",
            found: text.to_owned(),
            grammar: "a UUID other than zero",
        })
    }
}

impl fmt::Display for ClusterUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for ClusterUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ClusterUuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_is_no_identity() {
        assert_eq!(ClusterUuid::parse("00000000-0000-0000-0000-000000000000"), Ok(None));
        assert!("00000000-0000-0000-0000-000000000000".parse::<ClusterUuid>().is_err());
    }

    #[test]
    fn upper_case_is_the_same_uuid() {
        let lower: ClusterUuid = "0cb3db35-e56d-11f1-98c2-3bdded13c08b".parse().unwrap();
        assert_eq!("0CB3DB35-E56D-11F1-98C2-3BDDED13C08B".parse(), Ok(lower));
        assert_eq!(lower.short(), "0cb3db35");
    }

    #[test]
    fn names_refuse_what_a_shell_or_an_option_parser_could_read() {
        for bad in ["", "-oProxyCommand=x", "a b", "a;b", "a\nb", "$(x)", "ü", ".", "_a", &"x".repeat(64)] {
            assert!(NodeName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["g1", "db-1.shop.internal", "9", "a_b"] {
            assert!(NodeName::new(good).is_ok(), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn uuids_survive_the_way_out_and_in(value in 1u128..) {
            let uuid = ClusterUuid::new(value).unwrap();
            prop_assert_eq!(uuid.to_string().parse(), Ok(uuid));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,60}") {
            let _ = ClusterUuid::parse(&text);
            let _ = NodeName::new(&text);
        }
    }
}
