//! An unlocked key of a certificate, for the one signature of a session.

use hither_identity::{
    Credential, FileCredential,
    card::CardCredential,
    proof::{Occasion, Speaker},
};
use hither_model::{CertificateFacts, Failure, row::CertifiedRow};
use hither_protocol::{Blob, Certified};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a card was when its key was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardPlace {
    /// Label of the token.
    pub(crate) token: String,
    /// Its serial number.
    pub(crate) serial: String,
    /// The reader it was in.
    pub(crate) reader: String,
}

/// The certificate we showed in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// Its id in commands.
    pub(crate) id: String,
    /// What it says.
    pub(crate) row: CertifiedRow,
    /// Set if its key is on a card.
    pub(crate) card: Option<CardPlace>,
}

enum Key {
    Card(CardCredential),
    File(FileCredential),
}

/// An unlocked key. Its login ends when this is dropped.
pub(crate) struct Holder {
    key: Key,
    shown: Shown,
}

impl Holder {
    pub(crate) fn card(id: String, credential: CardCredential, place: CardPlace) -> Self {
        let row = own_row(&credential.facts());
        Self { key: Key::Card(credential), shown: Shown { id, row, card: Some(place) } }
    }

    pub(crate) fn file(id: String, credential: FileCredential) -> Self {
        let row = own_row(&credential.facts());
        Self { key: Key::File(credential), shown: Shown { id, row, card: None } }
    }

    pub(crate) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// The proof for one connection: one signature. Blocks for as long as a card takes.
    fn prove(&self, occasion: &Occasion, speaker: Speaker) -> Result<Certified, Failure> {
        let credential: &dyn Credential = match &self.key {
            Key::Card(card) => card,
            Key::File(file) => file,
        };
        let chain: Vec<Blob> = credential.certified_key().cert.iter().map(|der| Blob(der.to_vec())).collect();
        let leaf = chain.first().map(|blob| blob.0.as_slice()).unwrap_or_default();
        let statement = occasion.statement(speaker, leaf);
        let signature = match &self.key {
            Key::Card(card) => card.sign(&statement)?,
            Key::File(file) => file.sign(&statement)?,
        };
        Ok(Certified { chain, signature: Blob(signature) })
    }
}

/// As [`Holder::prove`], on a thread for blocking work. The login is over when this returns: each session is one
/// signature.
pub(crate) async fn prove(
    holder: Arc<Holder>,
    occasion: Occasion,
    speaker: Speaker,
) -> Result<Box<Certified>, Failure> {
    let proving = tokio::task::spawn_blocking(move || holder.prove(&occasion, speaker));
    match proving.await {
        Ok(proof) => proof.map(Box::new),
        Err(error) => Err(Failure::new(hither_model::ErrorCode::Internal, error.to_string())),
    }
}

/// Our own certificate as a row: nobody has to vouch for it here.
fn own_row(facts: &CertificateFacts) -> CertifiedRow {
    CertifiedRow {
        name: facts.subject.clone(),
        organisation: None,
        email: None,
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        not_after: facts.not_after.clone(),
        sha256: facts.sha256.clone(),
        fingerprint: facts.spki_sha256,
        authority: None,
        unvouched: None,
    }
}
