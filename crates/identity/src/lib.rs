//! Who we are: the device key, session keys, certificates and fingerprints.
//!
//! An identity is a key; its name is the SHA-256 of the SubjectPublicKeyInfo ([`hither_model::PeerId`]) and survives
//! every new certificate for that key. [`DeviceKey`] lasts as long as the profile and lives in two files; [`SessionKey`]
//! lasts a day and lives in memory. A person may also be known by a certificate they have already: on a [`card`], or
//! [`import`]ed from a file and kept in a [`Wallet`]; [`picker`] says which of them can be chosen. [`certificate`] looks at what a peer shows: what it says, whether its form is
//! acceptable, and whether a signature is by its key.
//!
//! [`proof`] is how somebody shows to hold a certificate's key, [`authority`] who vouches for people.
//!
//! What is *not* here: trust in devices (the engine's) and TLS configuration (the socket's).

pub mod authority;
mod backup;
pub mod card;
pub mod certificate;
mod credential;
mod device;
mod error;
mod import;
mod issue;
mod key;
mod keyring;
mod pem;
pub mod picker;
pub mod proof;
mod session;
mod store;
mod succession;
mod vault;
mod wallet;

pub use backup::MIN_PASSWORD;
pub use credential::Credential;
pub use device::DeviceKey;
pub use error::IdentityError;
pub use import::{ImportFault, Imported, MAX_FILE, import, import_apart};
pub use keyring::Keyring;
pub use session::{SESSION_KEY_LASTS_S, SessionKey};
pub use succession::Succession;
pub use vault::{MAX_CREDENTIALS, Vault, VaultEntry, VaultError};
pub use wallet::{FileCredential, Kept, Wallet};
