//! Finds everything that is wrong with a chain, not only the first thing: a person who is to decide must know all of it
//! (R3.16). Name, time, path and signatures are looked at one by one.

use super::{roots::Anchors, validation::ChainValidationResult as Found};
use rustls::{
    crypto::WebPkiSupportedAlgorithms,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::time::Duration;
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

/// Most certificates of a chain that are looked at.
const MAX_CHAIN: usize = 10;

/// Everything that is wrong; empty if nothing is.
pub(super) fn examine(
    anchors: &Anchors,
    algorithms: &WebPkiSupportedAlgorithms,
    leaf: &CertificateDer<'_>,
    rest: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
) -> Vec<Found> {
    let (end, parsed) = match (EndEntityCert::try_from(leaf), read(leaf)) {
        (Ok(end), Ok(parsed)) => (end, parsed),
        (Err(Error::UnsupportedCriticalExtension), Ok(_)) => return vec![Found::UnknownCriticalExtension],
        _ => return vec![Found::OtherErrors],
    };
    if rest.len() >= MAX_CHAIN {
        return vec![Found::OtherErrors];
    }
    let chain = Chain { anchors, algorithms, leaf, rest, end: &end, parsed: &parsed };
    let mut found = Vec::new();
    if end.verify_is_valid_for_subject_name(name).is_err() {
        found.push(Found::InvalidName);
    }
    if anchors.named.iter().any(|named| named.as_ref() == leaf.as_ref()) {
        // The person named this very certificate: nobody else has to vouch for it.
        found.extend(chain.time(now));
    } else {
        chain.path(now, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn read<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, ()> {
    X509Certificate::from_der(der).map_err(drop).and_then(|(rest, parsed)| rest.is_empty().then_some(parsed).ok_or(()))
}

struct Chain<'a> {
    anchors: &'a Anchors,
    algorithms: &'a WebPkiSupportedAlgorithms,
    leaf: &'a CertificateDer<'a>,
    rest: &'a [CertificateDer<'a>],
    end: &'a EndEntityCert<'a>,
    parsed: &'a X509Certificate<'a>,
}

impl Chain<'_> {
    fn time(&self, now: UnixTime) -> Option<Found> {
        let validity = self.parsed.validity();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let inside = validity.not_before.timestamp() <= now && now <= validity.not_after.timestamp();
        (!inside).then_some(Found::Expired)
    }

    fn path(&self, now: UnixTime, found: &mut Vec<Found>) {
        match self.walk(now) {
            Ok(()) => {}
            // The path is walked again at a time when all were valid, to see what else is wrong.
            Err(fault) if is_time(&fault) => {
                found.push(Found::Expired);
                match self.walk(self.common_time()) {
                    Err(fault) if !is_time(&fault) => self.name(&fault, found),
                    Ok(()) | Err(_) => {}
                }
            }
            Err(fault) => {
                found.extend(self.time(now));
                self.name(&fault, found);
            }
        }
    }

    fn walk(&self, at: UnixTime) -> Result<(), Error> {
        let usage = KeyUsage::server_auth();
        let lists: Vec<&CertRevocationList<'_>> = self.anchors.revoked.0.iter().collect();
        // Without lists there is nothing to build, and nothing is looked up.
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        self.end
            .verify_for_usage(self.algorithms.all, &self.anchors.trusted, self.rest, at, usage, revocation, None)
            .map(drop)
    }

    /// The latest moment at which the first certificate of the chain became valid.
    fn common_time(&self) -> UnixTime {
        let others = self.rest.iter().filter_map(|der| Some(read(der).ok()?.validity().not_before.timestamp()));
        let from = others.fold(self.parsed.validity().not_before.timestamp(), i64::max);
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(from).unwrap_or(0)))
    }

    fn name(&self, fault: &Error, found: &mut Vec<Found>) {
        let own_issuer = self.parsed.subject() == self.parsed.issuer();
        found.push(match fault {
            // A self-signed certificate usually calls itself an authority: it is its own, and that is all that says.
            Error::CaUsedAsEndEntity if own_issuer => self.without_root(),
            Error::UnknownIssuer => self.without_root(),
            Error::CertRevoked => Found::Revoked,
            Error::UnknownRevocationStatus => Found::RevocationInformationMissing,
            Error::CrlExpired { .. } => Found::RevocationFailure,
            Error::InvalidSignatureForPublicKey => Found::InvalidSignature,
            Error::CertNotValidForName(_) => Found::InvalidName,
            Error::NameConstraintViolation => Found::InvalidCertificateAuthorityPolicy,
            Error::UnsupportedCriticalExtension => Found::UnknownCriticalExtension,
            Error::CaUsedAsEndEntity | Error::EndEntityUsedAsCa | Error::PathLenConstraintViolated => {
                Found::BasicConstraintsError
            }
            fault if is_time(fault) => Found::Expired,
            // Two that carry details which differ between builds of the library.
            fault => match format!("{fault:?}") {
                text if text.contains("Crl") => Found::RevocationFailure,
                text if text.starts_with("RequiredEku") => Found::WrongUsage,
                text if text.contains("SignatureAlgorithm") => Found::InvalidSignature,
                _ => Found::OtherErrors,
            },
        });
    }

    /// No root was found: whether the signatures that are there are good still matters, a wrong one is fatal.
    fn without_root(&self) -> Found {
        let mut below = self.leaf;
        for above in self.rest {
            match self.signed(below, above) {
                Some(true) => below = above,
                Some(false) => return Found::InvalidSignature,
                None => return Found::IncompleteChain,
            }
        }
        match self.signed(below, below) {
            Some(true) => Found::Untrusted,
            Some(false) => Found::InvalidSignature,
            None => Found::IncompleteChain,
        }
    }

    /// Whether `below` is signed by the key of `above`; `None` if it does not claim to be.
    fn signed(&self, below: &CertificateDer<'_>, above: &CertificateDer<'_>) -> Option<bool> {
        let (child, parent) = (read(below).ok()?, read(above).ok()?);
        if child.issuer() != parent.subject() {
            return None;
        }
        let key = EndEntityCert::try_from(above).ok()?;
        let (text, signature) = (child.tbs_certificate.as_ref(), child.signature_value.as_ref());
        Some(self.algorithms.all.iter().any(|algorithm| key.verify_signature(*algorithm, text, signature).is_ok()))
    }
}

fn is_time(fault: &Error) -> bool {
    matches!(fault, Error::CertExpired { .. } | Error::CertNotValidYet { .. })
}
