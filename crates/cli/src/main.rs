//! hither on the command line.
fn main() {}
