//! Servers that show a certificate for their name: which roots vouch for them, what is wrong with what they show, and the
//! TLS configuration that asks for it. Never used for devices near: those are known by their key (see `verifier`).

mod examine;
mod judge;
mod roots;
mod tls;
mod validation;

pub(crate) use judge::ServerJudge;
pub use roots::{Roots, RootsFault};
pub(crate) use tls::{checked, client_config, provider};
pub use validation::{ChainValidationResult, ServerCertificate, SocketSslErrorSeverity};

#[cfg(test)]
pub(crate) mod tests;
