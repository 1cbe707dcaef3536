//! Revocation lists (RFC 5280 section 5), as a person hands them over in files.
//!
//! Their form is webpki's: version 2, with a next update and extensions; no delta lists, no indirect ones, none by
//! reason. The signature is checked once, when a list comes in; a list that covers only a part of the certificates
//! (issuing distribution point) stands beside those of other parts.

use super::{Authority, AuthorityFault, one, path::ALGORITHMS, text, tlv};
use crate::certificate::TOLERATED_SKEW_S;
use std::cmp::Ordering;
use webpki::{BorrowedCertRevocationList, CertRevocationList, Error};
use x509_parser::{
    asn1_rs::{Class, Tag},
    certificate::X509Certificate,
    prelude::FromDer,
    time::ASN1Time,
};

/// Longest revocation list, in bytes.
pub const MAX_LIST: usize = 4 * 1024 * 1024;

/// id-ce-cRLNumber, encoded.
const NUMBER: &[u8] = &[0x55, 0x1d, 0x14];

/// A revocation list whose signature was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    /// The issuer's name and key, both as a trust anchor has them: without the outermost header.
    issuer: Vec<u8>,
    key: Vec<u8>,
    /// Its number, big-endian, without leading zeros.
    number: Option<Vec<u8>>,
    /// The part of the certificates it covers; `None` for all.
    scope: Option<Vec<u8>>,
    this_update: i64,
    next_update: i64,
    revoked: usize,
}

impl RevocationList {
    /// Reads a list, PEM (`X509 CRL`) or DER, and checks that one of the authorities signed it. With it comes which.
    pub(super) fn read<'a>(bytes: &[u8], among: &'a [Authority]) -> Result<(Self, &'a Authority), AuthorityFault> {
        // PEM is a third longer, and has lines.
        if bytes.len() > MAX_LIST / 2 * 3 {
            return Err(AuthorityFault::ListTooLarge);
        }
        let der = one(bytes, "X509 CRL").map_err(|_| AuthorityFault::ListUnreadable)?;
        if der.len() > MAX_LIST {
            return Err(AuthorityFault::ListTooLarge);
        }
        let list = Parsed::of(&der)?;
        let named = || among.iter().filter(|authority| authority.anchor.subject.as_ref() == list.issuer);
        if named().next().is_none() {
            return Err(AuthorityFault::ListForeign);
        }
        let mut signers = named().filter(|one| list.signed_by(&one.anchor.subject_public_key_info)).peekable();
        let first = *signers.peek().ok_or(AuthorityFault::ListForged)?;
        // A renewed authority may have two certificates for one key.
        let may = signers.find(|one| one.lists);
        let signer = may.ok_or_else(|| AuthorityFault::ListNotAllowed { name: first.name.clone() })?;
        let (issuer, key) = (list.issuer.to_vec(), signer.anchor.subject_public_key_info.to_vec());
        let list = Self {
            issuer,
            key,
            number: list.number.map(<[u8]>::to_vec),
            scope: list.scope.map(<[u8]>::to_vec),
            this_update: list.this_update,
            next_update: list.next_update,
            revoked: list.revoked,
            der: der.into_owned(),
        };
        Ok((list, signer))
    }

    /// Whether it begins too far in the future, as clocks go.
    pub(super) fn early(&self, now: u64) -> bool {
        self.this_update > text::seconds(now).saturating_add_unsigned(TOLERATED_SKEW_S)
    }

    /// Whether it takes the other's place, or the other takes its.
    pub(super) fn same_place(&self, other: &Self) -> bool {
        (&self.issuer, &self.key, &self.scope) == (&other.issuer, &other.key, &other.scope)
    }

    /// Whether anything says that it is older.
    pub(super) fn older_than(&self, other: &Self) -> bool {
        let by_number = match (&self.number, &other.number) {
            (Some(ours), Some(theirs)) => (ours.len(), ours).cmp(&(theirs.len(), theirs)),
            _ => Ordering::Equal,
        };
        by_number == Ordering::Less || self.this_update < other.this_update
    }

    /// Whether it is a list of whoever has this name and key (without their outermost headers).
    pub(super) fn is_of(&self, subject: &[u8], key: &[u8]) -> bool {
        self.issuer == subject && self.key == key
    }

    /// Whether it is a list of this certificate's owner.
    pub(super) fn is_by(&self, certificate: &X509Certificate<'_>) -> bool {
        let subject = tlv::inside(certificate.subject().as_raw());
        let key = tlv::inside(certificate.tbs_certificate.subject_pki.raw);
        subject.zip(key).is_some_and(|(subject, key)| self.is_of(subject, key))
    }

    /// As webpki wants it.
    pub(super) fn borrowed(&self) -> Option<CertRevocationList<'_>> {
        BorrowedCertRevocationList::from_der(&self.der).ok().map(CertRevocationList::from)
    }

    /// The list, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// When it was made, RFC 3339 UTC.
    pub fn this_update(&self) -> String {
        text::rfc3339(self.this_update)
    }

    /// When the next one was to come, RFC 3339 UTC.
    pub fn next_update(&self) -> String {
        text::rfc3339(self.next_update)
    }

    /// Whether the next one should have come by `now` (unix seconds).
    pub fn stale(&self, now: u64) -> bool {
        self.next_update <= text::seconds(now)
    }

    /// How many certificates it revokes.
    pub fn revoked(&self) -> usize {
        self.revoked
    }
}

impl std::fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, to) = (self.this_update(), self.next_update());
        write!(f, "RevocationList({from} to {to}, {} revoked)", self.revoked)
    }
}

/// A list of acceptable form, in pieces.
struct Parsed<'a> {
    tbs: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    number: Option<&'a [u8]>,
    scope: Option<&'a [u8]>,
    this_update: i64,
    next_update: i64,
    revoked: usize,
}

impl<'a> Parsed<'a> {
    fn of(der: &'a [u8]) -> Result<Self, AuthorityFault> {
        let list = BorrowedCertRevocationList::from_der(der).map_err(|fault| unsupported(&fault))?;
        let mut revoked = 0;
        for entry in &list {
            entry.map_err(|fault| unsupported(&fault))?;
            revoked += 1;
        }
        Self::pieces(der, revoked).ok_or(AuthorityFault::ListUnreadable)
    }

    /// The pieces that webpki does not give. What comes here has passed it.
    fn pieces(der: &'a [u8], revoked: usize) -> Option<Self> {
        let (tbs, inner, rest) = tlv::first(tlv::inside(der)?)?;
        let (_, algorithm, rest) = tlv::first(rest)?;
        let signature = tlv::inside(rest)?.get(1..)?;
        let (_, _version, rest) = tlv::first(inner.data)?;
        let (_, _algorithm, rest) = tlv::first(rest)?;
        let (_, issuer, rest) = tlv::first(rest)?;
        let (rest, this_update) = ASN1Time::from_der(rest).ok()?;
        let (rest, next_update) = ASN1Time::from_der(rest).ok()?;
        let (mut number, mut scope) = (None, None);
        for part in tlv::each(rest) {
            let (_, part) = part?;
            if part.class() != Class::ContextSpecific {
                continue;
            }
            for extension in tlv::each(tlv::inside(part.data)?) {
                let (oid, value) = extension_of(extension?.1.data)?;
                match oid {
                    NUMBER => number = Some(digits(tlv::inside(value)?)),
                    // id-ce-issuingDistributionPoint.
                    [0x55, 0x1d, 0x1c] => scope = Some(value),
                    _ => {}
                }
            }
        }
        let (this_update, next_update) = (this_update.timestamp(), next_update.timestamp());
        let (algorithm, issuer) = (algorithm.data, issuer.data);
        Some(Self { tbs, algorithm, signature, issuer, number, scope, this_update, next_update, revoked })
    }

    /// Whether the key made the signature. `key` is a SubjectPublicKeyInfo without its outermost header.
    fn signed_by(&self, key: &[u8]) -> bool {
        let Some((_, algorithm, rest)) = tlv::first(key) else { return false };
        let Some([0, point @ ..]) = tlv::inside(rest) else { return false };
        ALGORITHMS.iter().any(|one| {
            one.public_key_alg_id().as_ref() == algorithm.data
                && one.signature_alg_id().as_ref() == self.algorithm
                && one.verify_signature(point, self.tbs, self.signature).is_ok()
        })
    }
}

/// An extension's kind and its value.
fn extension_of(extension: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, oid, rest) = tlv::first(extension)?;
    let (_, value) = tlv::each(rest).last()??;
    (value.tag() == Tag::OctetString).then_some((oid.data, value.data))
}

/// A number without the zeros before it.
fn digits(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn unsupported(fault: &Error) -> AuthorityFault {
    match fault {
        Error::UnsupportedDeltaCrl => AuthorityFault::ListUnsupported("it is a delta list"),
        Error::UnsupportedIndirectCrl => AuthorityFault::ListUnsupported("it is an indirect list"),
        Error::UnsupportedRevocationReasonsPartitioning => {
            AuthorityFault::ListUnsupported("it covers only some reasons for revocation")
        }
        Error::UnsupportedCrlIssuingDistributionPoint => {
            AuthorityFault::ListUnsupported("it does not say in full what it covers")
        }
        Error::UnsupportedCrlVersion => AuthorityFault::ListUnsupported("it is not of version 2"),
        Error::UnsupportedCriticalExtension => {
            AuthorityFault::ListUnsupported("it has a critical extension that is not understood")
        }
        _ => AuthorityFault::ListUnreadable,
    }
}
