//! The only judge of certificates: the form of the chain, then the key. Names, issuers and dates beyond their form
//! decide nothing; the handshake signature, checked by the provider's own algorithms, proves that the key is held.

use crate::SocketError;
use hither_identity::certificate::{self, CertificateFault};
use hither_model::PeerId;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as Tls, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use std::sync::{Arc, Mutex, PoisonError};

/// Whose key the other end must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// This one's. Anybody else is refused during the handshake.
    Only(PeerId),
    /// One of these two: the key a device has, or the one that it named as its successor.
    Either(PeerId, PeerId),
    /// Anybody's, for pairing: what comes out is a [`Channel<Stranger>`](crate::Channel).
    Anyone,
}

/// Signature algorithms for the handshake: no PKCS#1 v1.5, no SHA-1.
const SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];

#[derive(Debug, Clone)]
enum Verdict {
    Accepted(PeerId),
    Fault(CertificateFault),
    Changed { expected: PeerId, shown: PeerId },
    Myself,
}

/// Judges one handshake and remembers its verdict, so that the precise reason outlives the TLS library's own error.
#[derive(Debug)]
pub(crate) struct PeerVerifier {
    provider: Arc<CryptoProvider>,
    expected: Expected,
    me: PeerId,
    verdict: Mutex<Option<Verdict>>,
}

impl PeerVerifier {
    /// The only way to make one: it always judges.
    pub(crate) fn new(provider: Arc<CryptoProvider>, expected: Expected, me: PeerId) -> Arc<Self> {
        Arc::new(Self { provider, expected, me, verdict: Mutex::new(None) })
    }

    /// The key that was accepted, if one was.
    pub(crate) fn accepted(&self) -> Option<PeerId> {
        match *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Verdict::Accepted(peer)) => Some(peer),
            _ => None,
        }
    }

    /// The precise reason behind a failed handshake, if this judge was the reason.
    pub(crate) fn explain(&self, error: SocketError) -> SocketError {
        if !matches!(error, SocketError::CertificateRefused(_)) {
            return error;
        }
        let verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match verdict {
            Some(Verdict::Fault(fault)) => fault.into(),
            Some(Verdict::Changed { expected, shown }) => SocketError::IdentityChanged { expected, shown },
            Some(Verdict::Myself) => SocketError::SelfDial,
            Some(Verdict::Accepted(_)) | None => error,
        }
    }

    fn judge(&self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Tls> {
        let chain: Vec<&[u8]> =
            std::iter::once(leaf).chain(rest).take(certificate::MAX_CHAIN + 1).map(AsRef::as_ref).collect();
        let verdict = match certificate::judge(&chain, now.as_secs()) {
            Err(fault) => Verdict::Fault(fault),
            Ok(judged) if judged.peer_id == self.me => Verdict::Myself,
            Ok(judged) => match self.expected {
                Expected::Only(expected) if expected != judged.peer_id => {
                    Verdict::Changed { expected, shown: judged.peer_id }
                }
                Expected::Either(expected, heir) if expected != judged.peer_id && heir != judged.peer_id => {
                    Verdict::Changed { expected, shown: judged.peer_id }
                }
                Expected::Only(_) | Expected::Either(..) | Expected::Anyone => Verdict::Accepted(judged.peer_id),
            },
        };
        let outcome = match &verdict {
            Verdict::Accepted(_) => Ok(()),
            Verdict::Fault(fault) => Err(Tls::InvalidCertificate(alert_for(fault))),
            // unknown_ca tells the other end that its key is not the expected one (R3.20).
            Verdict::Changed { .. } | Verdict::Myself => Err(Tls::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        outcome
    }

    fn allows(scheme: SignatureScheme) -> Result<(), Tls> {
        match SCHEMES.contains(&scheme) {
            true => Ok(()),
            false => Err(Tls::PeerMisbehaved(rustls::PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)),
        }
    }

    fn tls12(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        Self::allows(d.scheme)?;
        verify_tls12_signature(m, c, d, &self.provider.signature_verification_algorithms)
    }

    fn tls13(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        Self::allows(d.scheme)?;
        verify_tls13_signature(m, c, d, &self.provider.signature_verification_algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        let known = self.provider.signature_verification_algorithms.supported_schemes();
        SCHEMES.iter().copied().filter(|scheme| known.contains(scheme)).collect()
    }
}

/// The TLS library chooses the alert from this.
fn alert_for(fault: &CertificateFault) -> CertificateError {
    match fault {
        CertificateFault::Expired { .. } => CertificateError::Expired,
        CertificateFault::NotYetValid { .. } => CertificateError::NotValidYet,
        CertificateFault::Authority | CertificateFault::Usage => CertificateError::InvalidPurpose,
        CertificateFault::Critical(_) => CertificateError::UnhandledCriticalExtension,
        CertificateFault::Malformed(_) => CertificateError::BadEncoding,
        other => CertificateError::Other(OtherError(Arc::new(other.clone()))),
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Tls> {
        self.judge(leaf, rest, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Tls> {
        self.judge(leaf, rest, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}
