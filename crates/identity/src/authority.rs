//! Certificate authorities a person chose to trust, and what they vouch for (R1.20: the system's and the web's roots are
//! never used for people).
//!
//! An [`Authority`] is one certificate that a person added; [`Authorities`] is the set of one profile, with a few
//! [`Rules`] for each and the revocation lists ([`RevocationList`]) that were given for them. [`Authorities::judge`] says whether
//! a chain, leaf first, as a peer showed it, leads to one of them, and who the person is that it certifies. All of it
//! is pure: no file, no network, no clock; lists come from files that a person hands over, and no URL that stands in a
//! certificate is ever followed.
//!
//! The path is built by rustls-webpki after RFC 5280, for client authentication, without a DNS name. Around it stands
//! what it leaves out: the dates, the path length, the purposes and the critical extensions of the authority itself,
//! keyCertSign of every certificate above the leaf, and key sizes.
//!
//! Name constraints: dNSName and iPAddress are enforced. Every other form makes a certificate useless as an authority
//! here: webpki refuses whatever stands below directoryName and URI constraints, and does not hold rfc822Name
//! constraints against an e-mail address in the subject; refusing the lot says so at once. A DNS name that
//! somebody wrote into a common name is not a DNS name, so constraints do not see it.
//!
//! Purposes: where a certificate on the path names any, clientAuth has to be among them; anyExtendedKeyUsage and smart
//! card logon do not stand in for it. Revocation: a certificate is looked up in the lists of its issuer's key; one that
//! no list covers counts as not revoked. The signature under an authority's own certificate proves nothing and is not
//! checked: a person's choice is what makes it trusted.
//!
//! What is *not* here: what the engine does with the rules, and the proof that a peer holds the leaf's key (TLS).

mod fault;
mod form;
mod list;
mod path;
mod person;
mod set;
mod stored;
mod text;
mod tlv;

pub use fault::AuthorityFault;
pub use list::{MAX_LIST, RevocationList};
pub use path::Vouched;
pub use person::CertifiedPerson;
pub use set::{Authorities, MAX_AUTHORITIES, MAX_LIST_BYTES, MAX_LISTS, MIN_ID, StaleCrl};
pub use stored::MAX_STORED;

use crate::{certificate, pem};
use data_encoding::HEXLOWER;
use hither_model::{CertificateFacts, CertificateSource};
use rustls::pki_types::{CertificateDer, TrustAnchor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Longest file that is read for an authority, in bytes.
pub const MAX_FILE: usize = 64 * 1024;

/// What an authority's word is good for, beyond a name that is shown as proven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Anyone it vouches for may invite me, though my visibility would not let them in.
    pub invite: bool,
    /// Its proof is accepted instead of comparing a code.
    pub codeless: bool,
}

/// A person's trust in a certificate authority: its certificate, of acceptable form.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    id: String,
    name: String,
    facts: CertificateFacts,
    der: CertificateDer<'static>,
    anchor: TrustAnchor<'static>,
    /// The subject as it is encoded, header included.
    subject: Vec<u8>,
    /// Most authorities between it and a leaf.
    path_length: Option<u32>,
    /// Whether its key may sign revocation lists.
    lists: bool,
    /// Unix seconds, both inclusive.
    valid: (i64, i64),
}

impl Authority {
    /// Reads one certificate, PEM or DER, at `now` (unix seconds). One whose time has not come is accepted and vouches
    /// for nobody until then.
    ///
    /// # Errors
    /// [`AuthorityFault`]: the file is too large or holds something else or more than one certificate; it is not an
    /// authority's, not of acceptable form, limited in a way that is not understood, or expired.
    pub fn read(bytes: &[u8], now: u64) -> Result<Self, AuthorityFault> {
        if bytes.len() > MAX_FILE {
            return Err(AuthorityFault::TooLarge);
        }
        let authority = Self::from_der(&one(bytes, "CERTIFICATE").map_err(|blocks| match blocks {
            None => AuthorityFault::Unreadable,
            Some(blocks) => AuthorityFault::NotOne(blocks),
        })?)?;
        if authority.valid.1 < text::seconds(now) {
            return Err(AuthorityFault::AuthorityExpired { name: authority.name, since: authority.facts.not_after });
        }
        Ok(authority)
    }

    /// One whose dates do not matter yet.
    fn from_der(der: &[u8]) -> Result<Self, AuthorityFault> {
        let certificate = form::authority(der)?;
        let facts = certificate::facts(der, CertificateSource::Ca)?;
        let whole = CertificateDer::from(der).into_owned();
        let anchor = webpki::anchor_from_trusted_cert(&whole).map_err(|_| AuthorityFault::Unreadable)?.to_owned();
        let validity = certificate.validity();
        Ok(Self {
            id: HEXLOWER.encode(&Sha256::digest(der)),
            name: person::name(certificate.subject()).unwrap_or_else(|| facts.subject.clone()),
            anchor,
            subject: certificate.subject().as_raw().to_vec(),
            path_length: form::path_length(&certificate),
            lists: form::signs_lists(&certificate),
            valid: (validity.not_before.timestamp(), validity.not_after.timestamp()),
            der: whole,
            facts,
        })
    }

    /// SHA-256 of the certificate, lower hexadecimal: names it in commands.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first eight digits of the id: enough for a person to tell rows apart.
    pub fn short(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }

    /// Its common name, else its organisation, else its subject: at most 256 characters, hidden ones escaped.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says, for showing.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The certificate, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("id", &self.short()).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The DER in a file: the one PEM block of this kind and nothing else, or the file as it is. `Err` tells how many
/// blocks there were, or `None` if the PEM is damaged.
fn one<'a>(bytes: &'a [u8], label: &str) -> Result<Cow<'a, [u8]>, Option<usize>> {
    // Longer than 127 bytes, so that the second byte is no ASCII: text may begin with a "0" as well.
    if matches!(bytes, [0x30, 0x81..=0x84, ..]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let blocks = pem::blocks(bytes).ok_or(None)?;
    match blocks.as_slice() {
        [] => Err(None),
        [(found, der)] if found == label => Ok(Cow::Owned(der.to_vec())),
        others => Err(Some(others.iter().filter(|(found, _)| found == label).count())),
    }
}

#[cfg(test)]
mod tests;
