//! What a lab may be called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::LabError;

/// A lab's name: `[a-z][a-z0-9-]{0,19}`. It becomes a directory, a cgroup and a cluster name, so nothing in it
/// ever needs quoting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabName(String);

impl LabName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Six hex digits that stand for this lab where the kernel allows only 15 characters.
    pub(crate) fn short(&self) -> String {
        super::hex(self.digest().get(..3).unwrap_or_default())
    }

    /// A number that spreads labs over the address range.
    pub(crate) fn spread(&self) -> u8 {
        self.digest().get(3).copied().unwrap_or_default()
    }

    fn digest(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

impl FromStr for LabName {
    type Err = LabError;

    fn from_str(text: &str) -> Result<Self, LabError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.len() <= 20 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(LabError::BadName { given: text.to_owned() })
        }
    }
}

impl TryFrom<String> for LabName {
    type Error = LabError;

    fn try_from(text: String) -> Result<Self, LabError> {
        text.parse()
    }
}

impl From<LabName> for String {
    fn from(name: LabName) -> Self {
        name.0
    }
}

impl fmt::Display for LabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_grammar_and_nothing_else() {
        for good in ["a", "shop", "dev-1", "a2345678901234567890"] {
            assert!(good.parse::<LabName>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "-a", "Shop", "a_b", "a/b", "a.b", "..", "a b", "a23456789012345678901", "é"] {
            assert!(bad.parse::<LabName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_short_form_is_stable_and_differs() {
        let (one, two): (LabName, LabName) = ("shop".parse().unwrap(), "shop2".parse().unwrap());
        assert_eq!(one.short(), one.short());
        assert_eq!(one.short().len(), 6);
        assert_ne!(one.short(), two.short());
    }
}
