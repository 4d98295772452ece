//! Names that are unique without anybody to ask: ULIDs (48 bits of time, 80 random bits).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a ULID.
const LENGTH: usize = 26;

macro_rules! ulid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// A new one; `millis` since 1970 and the random bits come from the caller's ports.
            pub fn new(millis: u64, random: [u8; 10]) -> Self {
                Self(encode(millis, random))
            }

            /// Reads 26 characters of Crockford's base 32 in upper case, nothing else around them.
            pub fn parse(text: &str) -> Option<Self> {
                is_ulid(text).then(|| Self(text.to_owned()))
            }

            /// The 26 characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a ULID of 26 characters"))
            }
        }
    };
}

ulid!(
    /// One broken glass until it is sealed.
    SessionId
);
ulid!(
    /// One act on one node: its name in the record, and its idempotency key on the node (S16).
    OpId
);

fn encode(millis: u64, random: [u8; 10]) -> String {
    let mut value = u128::from(millis) << 80;
    for (place, byte) in random.iter().rev().enumerate() {
        value |= u128::from(*byte) << (8 * place);
    }
    let digit = |place: usize| DIGITS.get((value >> (5 * place)) as usize & 31).copied().unwrap_or(b'0');
    (0..LENGTH).rev().map(|place| char::from(digit(place))).collect()
}

fn is_ulid(text: &str) -> bool {
    text.len() == LENGTH
        && text.bytes().all(|b| DIGITS.contains(&b))
        // 26 digits hold 130 bits; the first may only hold 3 of its 5.
        && text.starts_with(|first: char| ('0'..='7').contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ulid_sorts_by_time_and_reads_back() {
        let (a, b) = (OpId::new(1, [0xff; 10]), OpId::new(2, [0; 10]));
        assert!(a < b);
        assert_eq!(OpId::parse(a.as_str()), Some(a.clone()));
        assert_eq!(a.as_str(), "0000000001ZZZZZZZZZZZZZZZZ");
    }

    #[test]
    fn what_a_shell_could_read_is_none() {
        for bad in [
            "",
            "0000000001ZZZZZZZZZZZZZZZ",
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "0000000001zzzzzzzzzzzzzzzz",
            "../../../../../../../../..",
            "0000000001ZZZZZZZZZZZZZZ;x",
        ] {
            assert_eq!(SessionId::parse(bad), None, "{bad:?}");
        }
    }
}
