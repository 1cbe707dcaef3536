//! What a certificate has to look like to vouch for others: the authority a person adds, and those between it and a leaf.

use super::{AuthorityFault, tlv};
use crate::certificate::{self, CertificateFault};
use hither_model::text::shortened;
use x509_parser::{
    asn1_rs::{Class, Tag},
    certificate::X509Certificate,
    extensions::{ParsedExtension, X509Extension},
};

/// Judges its form; its dates are another matter.
pub(super) fn authority(der: &[u8]) -> Result<X509Certificate<'_>, AuthorityFault> {
    // Version, key and algorithm are the same question as for a peer's certificate; what that answers about the rest
    // concerns a leaf, and comes after them.
    match certificate::judge(&[der], 0) {
        Ok(_)
        | Err(
            CertificateFault::Authority
            | CertificateFault::Usage
            | CertificateFault::Critical(_)
            | CertificateFault::NotYetValid { .. }
            | CertificateFault::Expired { .. },
        ) => {}
        Err(fault) => return Err(fault.into()),
    }
    let certificate = certificate::parsed(der)?;
    if !certificate.is_ca() {
        return Err(AuthorityFault::NotAuthority);
    }
    let validity = certificate.validity();
    if validity.not_after < validity.not_before {
        return Err(CertificateFault::Malformed("it ends before it begins").into());
    }
    certificate.extensions().iter().try_for_each(extension)?;
    Ok(certificate)
}

fn extension(extension: &X509Extension<'_>) -> Result<(), AuthorityFault> {
    match extension.parsed_extension() {
        ParsedExtension::ParseError { .. } => Err(CertificateFault::Malformed("an extension").into()),
        ParsedExtension::KeyUsage(usage) if !usage.key_cert_sign() => Err(AuthorityFault::NotForSigning),
        ParsedExtension::ExtendedKeyUsage(purposes) if !purposes.client_auth => Err(AuthorityFault::AuthorityPurpose),
        ParsedExtension::NameConstraints(_) => constraints(extension.value),
        ParsedExtension::BasicConstraints(_)
        | ParsedExtension::KeyUsage(_)
        | ParsedExtension::ExtendedKeyUsage(_)
        | ParsedExtension::SubjectAlternativeName(_) => Ok(()),
        _ if extension.critical => Err(CertificateFault::Critical(shortened(&extension.oid.to_id_string(), 64)).into()),
        _ => Ok(()),
    }
}

/// Refuses constraints on names that nobody would enforce (RFC 5280 section 4.2.1.10).
fn constraints(value: &[u8]) -> Result<(), AuthorityFault> {
    let malformed = || CertificateFault::Malformed("its name constraints");
    for part in tlv::each(tlv::inside(value).ok_or_else(malformed)?) {
        let (_, part) = part.ok_or_else(malformed)?;
        if part.class() != Class::ContextSpecific || part.tag().0 > 1 {
            return Err(malformed().into());
        }
        for subtree in tlv::each(part.data) {
            let (_, subtree) = subtree.filter(|(_, subtree)| subtree.tag() == Tag::Sequence).ok_or_else(malformed)?;
            let (_, base, _) = tlv::first(subtree.data).ok_or_else(malformed)?;
            match base.tag().0 {
                2 | 7 => {}
                0 => return Err(AuthorityFault::Constraint("other names")),
                1 => return Err(AuthorityFault::Constraint("e-mail addresses")),
                4 => return Err(AuthorityFault::Constraint("directory names")),
                6 => return Err(AuthorityFault::Constraint("URIs")),
                _ => return Err(AuthorityFault::Constraint("names of an unknown kind")),
            }
        }
    }
    Ok(())
}

/// Most authorities between this one and a leaf.
pub(super) fn path_length(certificate: &X509Certificate<'_>) -> Option<u32> {
    certificate.basic_constraints().ok().flatten().and_then(|basic| basic.value.path_len_constraint)
}

/// Whether its key may sign revocation lists.
pub(super) fn signs_lists(certificate: &X509Certificate<'_>) -> bool {
    certificate.key_usage().ok().flatten().is_none_or(|usage| usage.value.crl_sign())
}
