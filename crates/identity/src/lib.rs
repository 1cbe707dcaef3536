//! Who we are: the device key, session keys, certificates and fingerprints.
//!
//! An identity is a key; its name is the SHA-256 of the SubjectPublicKeyInfo ([`hither_model::PeerId`]) and survives
//! every new certificate for that key. [`DeviceKey`] lasts as long as the profile and lives in two files; [`SessionKey`]
//! lasts a day and lives in memory. [`certificate`] looks at what a peer shows: what it says, whether its form is
//! acceptable, and whether a signature is by its key.
//!
//! What is *not* here: trust (the engine's), TLS configuration (the socket's), and certification paths.

pub mod card;
pub mod certificate;
mod credential;
mod device;
mod error;
mod issue;
mod key;
mod pem;
mod session;
mod store;

pub use credential::Credential;
pub use device::DeviceKey;
pub use error::IdentityError;
pub use session::{SESSION_KEY_LASTS_S, SessionKey};
