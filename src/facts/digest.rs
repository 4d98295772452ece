//! The evidence digest: what a decision rested on, as one short value.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// SHA-256 over the predicates and facts that one decision read.
///
/// A live counter enters as the predicate it satisfied, so a moving `wsrep_last_committed` does not change the
/// digest, and anything that matters does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceDigest([u8; 32]);

impl EvidenceDigest {
    /// Digests named pieces of evidence. The order they are given in does not matter; lengths are part of what is
    /// hashed, so no two different sets run together.
    pub fn over<'a>(evidence: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let sorted: BTreeMap<&str, String> = evidence.into_iter().collect();
        let mut hash = Sha256::new();
        for (name, value) in sorted {
            for part in [name, value.as_str()] {
                hash.update(part.len().to_be_bytes());
                hash.update(part.as_bytes());
            }
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Display for EvidenceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for EvidenceDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_content_does() {
        let a = EvidenceDigest::over([("x", "1".to_owned()), ("y", "2".to_owned())]);
        let b = EvidenceDigest::over([("y", "2".to_owned()), ("x", "1".to_owned())]);
        let c = EvidenceDigest::over([("x", "12".to_owned()), ("y", String::new())]);
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert!(a.to_string().starts_with("sha256:"));
    }
}
