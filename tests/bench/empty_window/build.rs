//! Nothing to do; but Tauri wants a package to have such a program.

fn main() {}
