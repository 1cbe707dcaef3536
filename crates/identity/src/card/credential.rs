//! Whoever we appear as when the key is on a token.

use super::{
    error::CardError,
    key::{CardKey, Shared},
};
use crate::credential::Credential;
use hither_model::{CertificateFacts, PeerId};
use rustls::sign::CertifiedKey;
use std::{fmt, sync::Arc};

/// An unlocked certificate on a token. Its login ends when it and every connection configured with it are dropped, or
/// with [`Self::lock`].
///
/// Signing blocks for as long as the token takes: use it with the socket's `Signing::Aside`.
pub struct CardCredential {
    key: Arc<CardKey>,
    certified: Arc<CertifiedKey>,
}

impl CardCredential {
    pub(super) fn new(key: CardKey) -> Self {
        let key = Arc::new(key);
        let certified = Arc::new(CertifiedKey::new(key.chain().to_vec(), Arc::new(Shared(Arc::clone(&key)))));
        Self { key, certified }
    }

    /// How many signatures the token has made for it.
    pub fn signatures(&self) -> u64 {
        self.key.signatures()
    }

    /// Whether the key wants its PIN for every signature, and so is unlocked for one only.
    pub fn each_time(&self) -> bool {
        self.key.each_time
    }

    /// Why the latest signature failed, if it did: a handshake that fails by it says little more than that it failed.
    /// The same error is inside the TLS library's `OtherError`.
    pub fn failure(&self) -> Option<CardError> {
        self.key.failure()
    }

    /// A signature by the card over a message that says what kind of statement it is, such as
    /// [`Succession::statement`](crate::Succession::statement); [`certificate::verify`](crate::certificate::verify)
    /// checks it. Costs one signature of the card.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        self.key.sign_statement(message)
    }

    /// Ends the login now. Signing fails from here on.
    pub fn lock(&self) {
        self.key.lock();
    }
}

impl Credential for CardCredential {
    fn peer_id(&self) -> PeerId {
        self.key.facts().spki_sha256
    }

    fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    fn facts(&self) -> CertificateFacts {
        self.key.facts().clone()
    }
}

impl fmt::Debug for CardCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardCredential").field("peer_id", &self.key.facts().spki_sha256).finish_non_exhaustive()
    }
}
