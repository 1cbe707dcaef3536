//! Judges one server's chain during the handshake and remembers what it found, so that it can be read after a failure.

use super::{
    examine::examine,
    roots::Anchors,
    validation::{ChainValidationResult, ServerCertificate},
};
use rustls::{
    CertificateError, DigitallySignedStruct, Error as Tls, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::sync::{Arc, Mutex, PoisonError};

/// Accepts a server if nothing is wrong, or nothing but what the person decided to ignore for this one connection.
#[derive(Debug)]
pub(crate) struct ServerJudge {
    provider: Arc<CryptoProvider>,
    anchors: Arc<Anchors>,
    ignored: Vec<ChainValidationResult>,
    shown: Mutex<Option<ServerCertificate>>,
}

impl ServerJudge {
    pub(crate) fn new(
        provider: Arc<CryptoProvider>,
        anchors: Arc<Anchors>,
        ignored: Vec<ChainValidationResult>,
    ) -> Arc<Self> {
        Arc::new(Self { provider, anchors, ignored, shown: Mutex::new(None) })
    }

    /// What the server showed, if it came to that.
    pub(crate) fn shown(&self) -> Option<ServerCertificate> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether what was found is acceptable.
    fn accepts(&self, found: &ServerCertificate) -> bool {
        found.errors.iter().all(|error| self.ignored.contains(error))
    }

    /// Whether a server was shown and accepted.
    pub(crate) fn accepted(&self) -> bool {
        self.shown().is_some_and(|shown| self.accepts(&shown))
    }
}

/// The TLS library chooses the alert from this.
fn alert_for(worst: Option<&ChainValidationResult>) -> CertificateError {
    use ChainValidationResult as Found;
    match worst {
        Some(Found::Expired) => CertificateError::Expired,
        Some(Found::InvalidName) => CertificateError::NotValidForName,
        Some(Found::Revoked) => CertificateError::Revoked,
        Some(Found::InvalidSignature) => CertificateError::BadSignature,
        Some(Found::WrongUsage) => CertificateError::InvalidPurpose,
        Some(Found::UnknownCriticalExtension) => CertificateError::UnhandledCriticalExtension,
        Some(Found::Untrusted | Found::IncompleteChain) => CertificateError::UnknownIssuer,
        _ => CertificateError::BadEncoding,
    }
}

impl ServerCertVerifier for ServerJudge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Tls> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let found = ServerCertificate {
            leaf: leaf.to_vec(),
            intermediates: rest.iter().map(|certificate| certificate.to_vec()).collect(),
            errors: examine(&self.anchors, algorithms, leaf, rest, name, now),
        };
        let outcome = match self.accepts(&found) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Tls::InvalidCertificate(alert_for(found.errors.first()))),
        };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        outcome
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
