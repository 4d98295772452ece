//! Practice: the lab, a real cluster on this host; drills, on a simulated one.

pub mod drill;
pub mod lab;
