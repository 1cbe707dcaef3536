//! Whether a signature is by the key of a certificate, outside TLS: for receipts.

use super::{CertificateFault, MAX_CHAIN_BYTES, parsed, public_key::Kind};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls::SignatureScheme;
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

/// Checks a signature over a message. `key` is a certificate or a SubjectPublicKeyInfo, DER.
///
/// The algorithm follows from the kind of key alone: ECDSA with SHA-256 (P-256) or SHA-384 (P-384), Ed25519, or RSA-PSS
/// with SHA-256.
///
/// # Errors
/// [`CertificateFault::Signature`] if it does not match, or what is wrong with the key.
pub fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CertificateFault> {
    match spki(key) {
        Some(spki) => check(&spki, message, signature),
        None => check(&parsed(key)?.tbs_certificate.subject_pki, message, signature),
    }
}

/// Checks a signature made for TLS under this scheme. `spki` is a SubjectPublicKeyInfo, DER.
pub(crate) fn verify_as(
    scheme: SignatureScheme,
    spki_der: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CertificateFault> {
    let spki = spki(spki_der).ok_or(CertificateFault::Malformed("not DER of a public key"))?;
    let algorithm: &'static dyn VerificationAlgorithm = match scheme {
        SignatureScheme::RSA_PSS_SHA384 => &RSA_PSS_2048_8192_SHA384,
        SignatureScheme::RSA_PSS_SHA512 => &RSA_PSS_2048_8192_SHA512,
        _ => return check(&spki, message, signature),
    };
    let key = UnparsedPublicKey::new(algorithm, &spki.subject_public_key.data);
    key.verify(message, signature).map_err(|_| CertificateFault::Signature)
}

fn spki(der: &[u8]) -> Option<SubjectPublicKeyInfo<'_>> {
    if der.len() > MAX_CHAIN_BYTES {
        return None;
    }
    SubjectPublicKeyInfo::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, spki)| spki)
}

fn check(spki: &SubjectPublicKeyInfo<'_>, message: &[u8], signature: &[u8]) -> Result<(), CertificateFault> {
    let algorithm: &'static dyn VerificationAlgorithm = match Kind::of(spki)? {
        Kind::P256 => &ECDSA_P256_SHA256_ASN1,
        Kind::P384 => &ECDSA_P384_SHA384_ASN1,
        Kind::Ed25519 => &ED25519,
        Kind::Rsa(_) => &RSA_PSS_2048_8192_SHA256,
    };
    let key = UnparsedPublicKey::new(algorithm, &spki.subject_public_key.data);
    key.verify(message, signature).map_err(|_| CertificateFault::Signature)
}
