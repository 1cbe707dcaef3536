//! A stream to any server: `StreamSocket` in full (R3.1 to R3.17, R3.25 to R3.28). It is set up, connected, perhaps
//! upgraded, used, closed; what may be set when is checked (R3.10), what protects it is compared with what was asked before
//! anybody gets it (R3.13), and what a server showed can be read after a connection that failed (R3.16).
//!
//! What is *not* here: devices near and their keys (`dial`, `listen`), and what the bytes mean.

mod control;
mod error;
mod reach;
mod stream;
mod upgrade;

pub use control::{OutwardControl, Validation, Verdict};
pub use error::ServerError;
pub use stream::{StreamSocket, StreamSocketInformation};

#[cfg(test)]
pub(crate) mod tests;
