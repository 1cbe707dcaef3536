//! A key on a token as the TLS library sees it. Each signature is made by the token and checked here against the
//! certificate before anybody gets it: a certificate may be paired with the wrong key, and modules make mistakes.

use super::{
    error::CardError,
    permit::SharedCertificates,
    process::Host,
    token::{CardCertificate, Token},
    wire::{Answer, MAX_SIGNED, Request},
};
use crate::certificate::{self, Kind, MAX_CHAIN, MAX_CHAIN_BYTES, der};
use hither_model::{CertificateFacts, CertificateSource};
use rustls::{
    OtherError, SignatureAlgorithm, SignatureScheme,
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer},
    sign::{Signer, SigningKey},
};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// What is known of a key before anybody logs in.
pub(super) struct Prepared {
    chain: Vec<CertificateDer<'static>>,
    spki: Vec<u8>,
    kind: Kind,
    label: String,
    facts: CertificateFacts,
}

/// An unlocked key. Ends its login when it is dropped.
pub(super) struct CardKey {
    host: Arc<Host>,
    generation: u64,
    lease: u64,
    pub(super) each_time: bool,
    permit: SharedCertificates,
    limit: Duration,
    known: Prepared,
    signatures: AtomicU64,
    locked: AtomicBool,
    failure: Mutex<Option<CardError>>,
}

impl CardKey {
    /// Looks at the certificate; asks nothing of the token.
    pub(super) fn prepare(token: &Token, certificate: &CardCertificate) -> Result<Prepared, CardError> {
        let refused = |fault: certificate::CertificateFault| CardError::Certificate(fault.to_string());
        let label = CardError::words(&token.name.label);
        let (spki, kind) = certificate::key_of(&certificate.der).map_err(refused)?;
        match kind {
            Kind::P256 | Kind::P384 => {}
            Kind::Rsa(_) if token.pss => {}
            Kind::Rsa(_) => return Err(CardError::NoPss { token: label }),
            Kind::Ed25519 => {
                return Err(CardError::Unsupported { token: label, why: "Ed25519 keys on tokens are not used".into() });
            }
        }
        let others: Vec<&[u8]> = token.certificates.iter().map(|other| other.der.as_slice()).collect();
        let chain = certificate::chain(&certificate.der, &others, MAX_CHAIN, MAX_CHAIN_BYTES);
        let chain = chain.into_iter().map(|der| CertificateDer::from(der.to_vec())).collect();
        let facts = certificate::facts(&certificate.der, CertificateSource::Card).map_err(refused)?;
        Ok(Prepared { chain, spki, kind, label, facts })
    }

    pub(super) fn facts(&self) -> &CertificateFacts {
        &self.known.facts
    }

    /// The chain, leaf first.
    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.known.chain
    }

    pub(super) fn signatures(&self) -> u64 {
        self.signatures.load(Ordering::Relaxed)
    }

    pub(super) fn failure(&self) -> Option<CardError> {
        self.failure.lock().unwrap_or_else(|poison| poison.into_inner()).clone()
    }

    /// Ends the login. Returns when the token has heard it.
    pub(super) fn lock(&self) {
        if !self.locked.swap(true, Ordering::AcqRel) {
            // A process that is gone took the login with it.
            let _ = self.host.ask(&Request::Lock { lease: self.lease }, Some(self.generation), self.limit);
        }
    }

    fn schemes(&self) -> &'static [SignatureScheme] {
        match self.known.kind {
            Kind::P256 => &[SignatureScheme::ECDSA_NISTP256_SHA256],
            Kind::P384 => &[SignatureScheme::ECDSA_NISTP384_SHA384],
            Kind::Rsa(_) => {
                &[SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PSS_SHA384, SignatureScheme::RSA_PSS_SHA512]
            }
            Kind::Ed25519 => &[],
        }
    }

    /// Signs, and takes note of a failure for whoever only sees that the handshake failed.
    pub(super) fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, CardError> {
        let signed = self.signed(scheme, message);
        *self.failure.lock().unwrap_or_else(|poison| poison.into_inner()) = signed.as_ref().err().cloned();
        signed
    }

    pub(super) fn sign_statement(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        match self.schemes().first() {
            Some(scheme) => self.sign(*scheme, message),
            None => Err(CardError::PinNeeded { token: self.known.label.clone() }),
        }
    }

    fn signed(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, CardError> {
        self.permit.check()?;
        let token = || self.known.label.clone();
        if self.locked.load(Ordering::Acquire) {
            return Err(CardError::PinNeeded { token: token() });
        }
        if message.len() > MAX_SIGNED {
            return Err(CardError::Unsupported { token: token(), why: "what is to be signed is too long".into() });
        }
        let request = Request::Sign { lease: self.lease, scheme: scheme.into(), message: message.to_vec() };
        let (answer, _) = self.host.ask(&request, Some(self.generation), self.limit).map_err(|error| match error {
            CardError::PinNeeded { .. } => CardError::PinNeeded { token: token() },
            other => other,
        })?;
        let made = match answer {
            Answer::Signed(made) => made,
            Answer::Failed(fault, words) => {
                return Err(fault.into_error(words, self.host.source.path(), &self.known.label, (0, 0)));
            }
            _ => return Err(CardError::Process("it answered something else".into())),
        };
        self.signatures.fetch_add(1, Ordering::Relaxed);
        let signature = match self.known.kind {
            Kind::P256 | Kind::P384 => der::ecdsa(&made).ok_or(CardError::KeyMismatch { token: token() })?,
            Kind::Rsa(_) | Kind::Ed25519 => made,
        };
        match certificate::verify_as(scheme, &self.known.spki, message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(CardError::KeyMismatch { token: token() }),
        }
    }
}

impl Prepared {
    pub(super) fn unlocked(
        self,
        host: Arc<Host>,
        (generation, lease): (u64, u64),
        each_time: bool,
        permit: SharedCertificates,
        limit: Duration,
    ) -> CardKey {
        CardKey {
            host,
            generation,
            lease,
            each_time,
            permit,
            limit,
            known: self,
            signatures: AtomicU64::new(0),
            locked: AtomicBool::new(false),
            failure: Mutex::default(),
        }
    }
}

impl Drop for CardKey {
    fn drop(&mut self) {
        if self.locked.swap(true, Ordering::AcqRel) {
            return;
        }
        // Whoever drops it may be a worker that must not wait for a card.
        let (host, lease, generation, limit) = (Arc::clone(&self.host), self.lease, self.generation, self.limit);
        let _ = thread::Builder::new()
            .name("card-lock".into())
            .spawn(move || host.ask(&Request::Lock { lease }, Some(generation), limit).map(drop));
    }
}

impl fmt::Debug for CardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardKey")
            .field("token", &self.known.label)
            .field("kind", &self.known.kind)
            .finish_non_exhaustive()
    }
}

/// The key, for the TLS library.
#[derive(Debug)]
pub(super) struct Shared(pub(super) Arc<CardKey>);

impl SigningKey for Shared {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = *self.0.schemes().iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(Chosen { key: Arc::clone(&self.0), scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.0.known.spki.as_slice()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.known.kind {
            Kind::P256 | Kind::P384 => SignatureAlgorithm::ECDSA,
            Kind::Rsa(_) => SignatureAlgorithm::RSA,
            Kind::Ed25519 => SignatureAlgorithm::ED25519,
        }
    }
}

/// The key with the scheme of one handshake.
#[derive(Debug)]
struct Chosen {
    key: Arc<CardKey>,
    scheme: SignatureScheme,
}

impl Signer for Chosen {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.key.sign(self.scheme, message).map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
