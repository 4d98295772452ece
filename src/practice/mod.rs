//! Practice: the lab, a real cluster on this host.

pub mod lab;
