//! Values: what was observed, where and when; never what it means.
//!
//! Everything here is plain data. A value that could not be read is [`Known::Unknown`] with its reason and never a
//! default (S2). Remote text is held as [`Plain`], which cannot carry a control character (S24).

mod digest;
mod fact;
mod id;
pub mod keys;
mod known;
mod position;
mod survey;
mod text;
mod ulid;

pub use digest::EvidenceDigest;
pub use fact::{Fact, Facts, Key, KeyInfo, Unit, Value, ValueType};
pub use id::{ClusterName, ClusterUuid, IdError, NodeName};
pub use known::{Known, Why, WhyKind};
pub use position::{Position, PositionSource, Seqno};
pub use survey::{Family, Mode, NodeSurvey, Reach, ReachWord, Role, Survey};
pub use text::Plain;
pub use ulid::{OpId, SessionId};
