//! Every parser and machine of hither under a fuzzer. The bodies of the targets are plain functions, so that they run
//! on stable Rust as well (`script/test fuzz`).
//!
//! Long runs, in `fuzz/`: `cargo run --bin write-seeds`, then `cargo +nightly fuzz run <target> -- -max_total_time=600`.
//! A finding lies in `artifacts/<target>/`; `cargo run --bin <target> -- <file>` repeats it without a fuzzer. What was
//! found once belongs into `seeds/<target>/`.

pub mod machines;
pub mod mutations;
pub mod targets;
