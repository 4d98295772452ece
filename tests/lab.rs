//! placeholder until the suite lands in this change
fn main() {}
