//! Tests about the shape of the code: who may depend on whom, how long a file may be, which words are not used, what
//! the documents must say. They run wherever plain `cargo test` runs and need no other tool.

mod documents;
mod habits;
mod layers;
mod lengths;
mod source;
mod words;
