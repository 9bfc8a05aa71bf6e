//! The one binary: composition root.
fn main() {}
