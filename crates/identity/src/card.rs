//! Certificates whose key lives on a smart card, a security key or in an HSM, reached through PKCS#11 modules (R3.23).
//!
//! A module is somebody else's C code: it can crash, hang, or read memory. It never runs in this process. For each
//! module that is in use [`Cards`] keeps a process of its own ([`serve`], started as `hither card-helper`), speaks to it
//! through pipes, gives every request a deadline, and kills a process that misses one. The private key stays on the
//! token; the PIN goes from [`Pin`] through one pipe into the module and is wiped on both sides of it.
//!
//! Everything here blocks: call it on a thread for blocking work. [`CardCredential`] signs inside the TLS handshake, so
//! connections with it want the socket's `Signing::Aside`.
//!
//! What is *not* here: asking a person (the engine's questions), choosing among certificates ([`crate::picker`]), trust.

mod cards;
mod credential;
mod error;
mod inside;
mod key;
mod modules;
mod permit;
mod pin;
mod process;
mod readers;
mod token;
mod turn;
mod unseal;
mod wire;

pub use cards::{Cards, Shelf, Unlock};
pub use credential::CardCredential;
pub use error::{CardError, Left};
pub use inside::serve;
pub use modules::{Directories, Found, ModuleSource, Registered, Unusable, discover};
pub use permit::SharedCertificates;
pub use pin::Pin;
pub use process::{Limits, Program};
pub use readers::{ReaderState, ReaderWatch, Readers, ReadersFault, Watching, watch_readers};
pub use rustls::SignatureScheme;
pub use token::{CardCertificate, Token, TokenName, Tries};
pub(crate) use unseal::unsealed;
