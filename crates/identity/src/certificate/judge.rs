//! Whether a certificate chain is acceptable in form (X1, X2, X7).

use super::{CertificateFault, MAX_CHAIN, MAX_CHAIN_BYTES, facts::rfc3339, id_of, parsed, public_key::Kind};
use hither_model::{PeerId, text::shortened};
use x509_parser::{
    certificate::X509Certificate,
    extensions::ParsedExtension,
    oid_registry::{
        OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512, OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384,
        OID_SIG_ECDSA_WITH_SHA512, OID_SIG_ED25519,
    },
    signature_algorithm::RsaSsaPssParams,
    x509::{AlgorithmIdentifier, X509Version},
};

/// How far in the future a certificate may begin: two days, in seconds.
pub const TOLERATED_SKEW_S: u64 = 2 * 24 * 60 * 60;

/// A certificate of acceptable form. It says nothing about who holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// The identity to look up.
    pub peer_id: PeerId,
}

/// Judges a chain as a peer showed it, leaf first; `now` in unix seconds. Only the leaf is looked into, what follows is
/// only bounded.
///
/// Dates: peers are pinned by key, so a date is no proof of anything, but an expired certificate is a sign that its
/// owner has stopped caring for it. A leaf is accepted from two days before its start (clocks differ, and devices make
/// their certificates the minute before they first meet somebody) to the very second of its end; a year of 9999 is
/// as good as any. There is no tolerance after the end: whoever issues has room to leave some.
///
/// # Errors
/// [`CertificateFault`], at the first thing that is wrong. Never panics and takes time linear in the bounded input.
pub fn judge(chain: &[&[u8]], now: u64) -> Result<Judged, CertificateFault> {
    let Some(leaf) = chain.first() else { return Err(CertificateFault::Missing) };
    if chain.len() > MAX_CHAIN {
        return Err(CertificateFault::TooMany);
    }
    if chain.iter().fold(0_usize, |sum, der| sum.saturating_add(der.len())) > MAX_CHAIN_BYTES {
        return Err(CertificateFault::TooLarge);
    }
    let leaf = parsed(leaf)?;
    if leaf.version() != X509Version::V3 {
        return Err(CertificateFault::Malformed("not of version 3"));
    }
    Kind::of(&leaf.tbs_certificate.subject_pki)?;
    algorithm(&leaf)?;
    extensions(&leaf)?;
    dates(&leaf, now)?;
    Ok(Judged { peer_id: id_of(&leaf) })
}

fn algorithm(leaf: &X509Certificate<'_>) -> Result<(), CertificateFault> {
    let signed = &leaf.signature_algorithm;
    if *signed != leaf.tbs_certificate.signature {
        return Err(CertificateFault::Malformed("two different signature algorithms"));
    }
    let accepted = [
        OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
        OID_SIG_ECDSA_WITH_SHA512,
        OID_SIG_ED25519,
        OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA,
        OID_PKCS1_SHA512WITHRSA,
    ];
    if accepted.contains(&signed.algorithm) || strong_pss(signed) { Ok(()) } else { Err(CertificateFault::Algorithm) }
}

/// RSA-PSS says its hash in the parameters, and means SHA-1 if it says none.
fn strong_pss(signed: &AlgorithmIdentifier<'_>) -> bool {
    if signed.algorithm != OID_PKCS1_RSASSAPSS {
        return false;
    }
    let Some(Ok(params)) = signed.parameters.as_ref().map(RsaSsaPssParams::try_from) else { return false };
    [OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512].contains(params.hash_algorithm_oid())
}

fn extensions(leaf: &X509Certificate<'_>) -> Result<(), CertificateFault> {
    if leaf.extensions_map().is_err() {
        return Err(CertificateFault::Malformed("an extension twice"));
    }
    for extension in leaf.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::ParseError { .. } => return Err(CertificateFault::Malformed("an extension")),
            ParsedExtension::BasicConstraints(basic) if basic.ca => return Err(CertificateFault::Authority),
            ParsedExtension::KeyUsage(usage) if !usage.digital_signature() => return Err(CertificateFault::Usage),
            ParsedExtension::BasicConstraints(_)
            | ParsedExtension::KeyUsage(_)
            // Names and purposes decide nothing here, so leaving them unread is understanding them well enough.
            | ParsedExtension::SubjectAlternativeName(_)
            | ParsedExtension::ExtendedKeyUsage(_) => {}
            _ if extension.critical => {
                return Err(CertificateFault::Critical(shortened(&extension.oid.to_id_string(), 64)));
            }
            _ => {}
        }
    }
    Ok(())
}

fn dates(leaf: &X509Certificate<'_>, now: u64) -> Result<(), CertificateFault> {
    let validity = leaf.validity();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    if validity.not_after < validity.not_before {
        return Err(CertificateFault::Malformed("it ends before it begins"));
    }
    if validity.not_before.timestamp() > now.saturating_add_unsigned(TOLERATED_SKEW_S) {
        return Err(CertificateFault::NotYetValid { from: rfc3339(&validity.not_before) });
    }
    if validity.not_after.timestamp() < now {
        return Err(CertificateFault::Expired { since: rfc3339(&validity.not_after) });
    }
    Ok(())
}
