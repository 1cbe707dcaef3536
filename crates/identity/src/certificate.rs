//! What a peer's certificate says, whether its form is acceptable, and whether a signature is by its key.
//!
//! A certificate here is a wrapper round a public key: peers are known by the hash of that key, the TLS handshake proves
//! that they hold it, and no name in it ever decides anything. So certificates are judged by their form only: bounded
//! before they are parsed, with modern keys and algorithms, meant for signing, within their dates. The signature *on*
//! the certificate is not verified here (for a self-signed one it would prove nothing that the handshake does not);
//! a path to a certificate authority, where one matters, is [`crate::authority`]'s for people and the socket's for servers.

mod chain;
pub(crate) mod der;
mod facts;
mod fault;
mod judge;
mod public_key;
mod verify;

pub(crate) use chain::chain;
pub use facts::facts;
pub use fault::CertificateFault;
pub use judge::{Judged, TOLERATED_SKEW_S, judge};
pub(crate) use public_key::Kind;
pub use verify::verify;
pub(crate) use verify::verify_as;

use hither_model::PeerId;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Most certificates in a chain.
pub const MAX_CHAIN: usize = 4;

/// Most bytes in a chain, all certificates together.
pub const MAX_CHAIN_BYTES: usize = 16 * 1024;

/// The identity behind a certificate: SHA-256 of its SubjectPublicKeyInfo. Says nothing about whether the certificate is
/// acceptable or who holds the key.
///
/// # Errors
/// [`CertificateFault::TooLarge`] or [`CertificateFault::Malformed`].
pub fn spki_id(der: &[u8]) -> Result<PeerId, CertificateFault> {
    Ok(id_of(&parsed(der)?))
}

/// The SubjectPublicKeyInfo, DER, and the kind of key in it.
pub(crate) fn key_of(der: &[u8]) -> Result<(Vec<u8>, Kind), CertificateFault> {
    let certificate = parsed(der)?;
    let spki = &certificate.tbs_certificate.subject_pki;
    Ok((spki.raw.to_vec(), Kind::of(spki)?))
}

/// Whether the certificate's purposes, if it names any, include proving who somebody is to a server: clientAuth, or the
/// smart card logon that some cards have instead. Nobody's trust depends on it; it keeps people from choosing a
/// certificate that others refuse.
pub(crate) fn for_signing_in(certificate: &X509Certificate<'_>) -> bool {
    let Ok(Some(purposes)) = certificate.extended_key_usage() else { return true };
    let purposes = purposes.value;
    let logon = |oid: &x509_parser::oid_registry::Oid<'_>| oid.to_id_string() == "1.3.6.1.4.1.311.20.2.2";
    purposes.any || purposes.client_auth || purposes.other.iter().any(logon)
}

fn id_of(certificate: &X509Certificate<'_>) -> PeerId {
    PeerId::new(Sha256::digest(certificate.tbs_certificate.subject_pki.raw).into())
}

/// One whole certificate and nothing after it.
pub(crate) fn parsed(der: &[u8]) -> Result<X509Certificate<'_>, CertificateFault> {
    if der.len() > MAX_CHAIN_BYTES {
        return Err(CertificateFault::TooLarge);
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(CertificateFault::Malformed("bytes after its end")),
        Err(_) => Err(CertificateFault::Malformed("not DER of a certificate")),
    }
}

#[cfg(test)]
mod forge;
#[cfg(test)]
mod tests;
