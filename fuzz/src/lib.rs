//! Every parser of hither under a fuzzer. The same targets run for a short time on stable Rust (`script/test fuzz`).

pub mod targets;
