//! The survey of a whole cluster through the trait `Nodes`.
