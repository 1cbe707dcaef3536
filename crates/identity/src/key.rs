//! A P-256 key pair: made, parsed and used here; wiped from memory when dropped. It cannot be shown or copied.

use crate::{error::IdentityError, pem};
use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use hither_model::PeerId;
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use zeroize::Zeroizing;

const LABEL: &str = "PRIVATE KEY";

/// A P-256 key pair.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    /// SubjectPublicKeyInfo, DER.
    spki: Vec<u8>,
}

impl Key {
    /// Draws a new one.
    pub(crate) fn generate() -> Result<Self, IdentityError> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|_| IdentityError::Unusable("made"))?;
        Self::from_pkcs8(Zeroizing::new(made.as_ref().to_vec())).ok_or(IdentityError::Unusable("made"))
    }

    /// Reads one; `None` unless the text is exactly one whole P-256 key.
    pub(crate) fn from_pem(text: &[u8]) -> Option<Self> {
        Self::from_pkcs8(pem::decode(LABEL, text)?)
    }

    pub(crate) fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8).ok()?;
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let spki = spki.as_ref().to_vec();
        Some(Self { pair, pkcs8, spki })
    }

    /// The key for its file.
    pub(crate) fn to_pem(&self) -> Zeroizing<String> {
        pem::encode(LABEL, &self.pkcs8)
    }

    /// The key as it is stored.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// SubjectPublicKeyInfo, DER.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Who this key is.
    pub(crate) fn peer_id(&self) -> PeerId {
        PeerId::new(Sha256::digest(&self.spki).into())
    }

    /// ECDSA with SHA-256 over the message, as ASN.1.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature.map(|s| s.as_ref().to_vec()).map_err(|_| IdentityError::Unusable("used"))
    }

    /// The certificate with this key as its signer, for TLS.
    pub(crate) fn certified(&self, certificate: CertificateDer<'static>) -> Result<Arc<CertifiedKey>, IdentityError> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8.as_slice()));
        let signer = rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&der);
        let signer = signer.map_err(|_| IdentityError::Unusable("used"))?;
        Ok(Arc::new(CertifiedKey::new(vec![certificate], signer)))
    }
}

impl rcgen::PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Key::sign(self, message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
