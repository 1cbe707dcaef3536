//! A key for one session's lanes: made in memory, never stored, vouched for inside the session that made it.

use crate::{
    certificate,
    credential::Credential,
    error::IdentityError,
    issue::{DAY_S, clock, self_signed},
    key::Key,
};
use hither_model::{CertificateFacts, CertificateSource, PeerId};
use rustls::{pki_types::CertificateDer, sign::CertifiedKey};
use std::{fmt, sync::Arc};

/// How long a session key may be used, in seconds.
pub const SESSION_KEY_LASTS_S: u64 = DAY_S;

/// A short-lived identity that says nothing about the device.
///
/// Its certificate's dates leave two days more at the end, as much as [`certificate::judge`] tolerates at the start, so
/// that a peer whose clock is ahead does not take it for expired. Use [`Self::is_fresh`] for its real age.
pub struct SessionKey {
    key: Key,
    certified: Arc<CertifiedKey>,
    facts: CertificateFacts,
    certificate: CertificateDer<'static>,
    made: u64,
}

impl SessionKey {
    /// Makes one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, IdentityError> {
        let made = clock();
        let key = Key::generate()?;
        let until = made + SESSION_KEY_LASTS_S + certificate::TOLERATED_SKEW_S;
        let certificate = self_signed(&key, made, until)?;
        let certified = key.certified(certificate.clone())?;
        let facts = certificate::facts(&certificate, CertificateSource::Local)?;
        Ok(Self { key, certified, facts, certificate, made })
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// ECDSA P-256 with SHA-256 over the message, ASN.1; [`certificate::verify`] checks it.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IdentityError> {
        self.key.sign(message)
    }

    /// Whether it may still be used at `now` (unix seconds).
    pub fn is_fresh(&self, now: u64) -> bool {
        now.abs_diff(self.made) < SESSION_KEY_LASTS_S
    }
}

impl Credential for SessionKey {
    fn peer_id(&self) -> PeerId {
        self.facts.spki_sha256
    }

    fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    fn facts(&self) -> CertificateFacts {
        self.facts.clone()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("peer_id", &self.facts.spki_sha256).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_session_keys_have_nothing_in_common_but_the_name_everybody_has() {
        let (one, two) = (SessionKey::generate().unwrap(), SessionKey::generate().unwrap());
        assert_ne!(one.peer_id(), two.peer_id());
        assert_eq!(one.facts().subject, "CN=hither");
        one.certified_key().keys_match().unwrap();
        let judged = certificate::judge(&[&one.certificate()], one.made).unwrap();
        assert_eq!(judged.peer_id, one.peer_id());
    }

    #[test]
    fn it_ages_in_a_day_whatever_the_dates_in_its_certificate_say() {
        let key = SessionKey::generate().unwrap();
        assert!(key.is_fresh(key.made + SESSION_KEY_LASTS_S - 1));
        assert!(!key.is_fresh(key.made + SESSION_KEY_LASTS_S));
        let ahead = key.made + SESSION_KEY_LASTS_S + certificate::TOLERATED_SKEW_S;
        certificate::judge(&[&key.certificate()], ahead).unwrap();
        assert!(certificate::judge(&[&key.certificate()], ahead + 1).is_err());
    }

    #[test]
    fn its_signature_is_its_own() {
        let key = SessionKey::generate().unwrap();
        let signature = key.sign(b"hello").unwrap();
        certificate::verify(&key.certificate(), b"hello", &signature).unwrap();
        assert!(certificate::verify(&key.certificate(), b"hullo", &signature).is_err());
        assert!(certificate::verify(&SessionKey::generate().unwrap().certificate(), b"hello", &signature).is_err());
    }

    #[test]
    fn nothing_of_the_key_is_shown() {
        let key = SessionKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SessionKey {{ peer_id: {:?}, .. }}", key.peer_id()));
    }
}
