//! What TLS needs of whoever we appear as.

use hither_model::{CertificateFacts, PeerId};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// A certificate and the ability to sign with its key.
pub trait Credential: Send + Sync {
    /// SHA-256 of the SubjectPublicKeyInfo.
    fn peer_id(&self) -> PeerId;

    /// The certificate chain and its signer, for TLS.
    fn certified_key(&self) -> Arc<CertifiedKey>;

    /// What the certificate says, for showing.
    fn facts(&self) -> CertificateFacts;
}
