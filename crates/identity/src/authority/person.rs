//! The person a certificate is about, as the authority knows them. For showing; nothing in it decides anything, and it
//! is never mixed with a display name.

use super::text;
use crate::certificate;
use hither_model::CertificateSource;
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    oid_registry::{
        OID_X509_COMMON_NAME, OID_X509_GIVEN_NAME, OID_X509_ORGANIZATION_NAME, OID_X509_SURNAME, asn1_rs::Oid,
    },
    x509::X509Name,
};

/// Who a certificate says somebody is: each text on one line, at most 256 characters, hidden characters escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedPerson {
    /// The common name, else given name and surname, else the whole subject, else the e-mail address.
    pub name: String,
    /// The organisation in the subject.
    pub organisation: Option<String>,
    /// The first e-mail address among the alternative names.
    pub email: Option<String>,
    /// The subject, RFC 4514 style.
    pub subject: String,
    /// The issuer, like the subject.
    pub issuer: String,
}

impl CertifiedPerson {
    /// `None` if it names nobody.
    pub(super) fn of(der: &[u8], certificate: &X509Certificate<'_>) -> Option<Self> {
        let facts = certificate::facts(der, CertificateSource::Ca).ok()?;
        let subject = certificate.subject();
        let last = |oid: &Oid<'_>| last(subject, oid);
        let full = || match (last(&OID_X509_GIVEN_NAME), last(&OID_X509_SURNAME)) {
            (Some(given), Some(surname)) => text::shown(&format!("{given} {surname}")),
            (given, surname) => given.or(surname),
        };
        let email = email(certificate);
        let subject_or_email = || text::shown(&facts.subject).or_else(|| email.clone());
        Some(Self {
            name: last(&OID_X509_COMMON_NAME).or_else(full).or_else(subject_or_email)?,
            organisation: last(&OID_X509_ORGANIZATION_NAME),
            email,
            subject: facts.subject,
            issuer: facts.issuer,
        })
    }
}

/// What an authority is called: its common name, else its organisation.
pub(super) fn name(subject: &X509Name<'_>) -> Option<String> {
    last(subject, &OID_X509_COMMON_NAME).or_else(|| last(subject, &OID_X509_ORGANIZATION_NAME))
}

/// The last part of this kind that has any text: names go from the general to the particular.
fn last(subject: &X509Name<'_>, oid: &Oid<'_>) -> Option<String> {
    subject.iter_attributes().filter(|part| part.attr_type() == oid).filter_map(text::of).last()
}

fn email(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| match name {
        // Anything but ASCII is not an address here (RFC 5280 section 4.2.1.6), and might look like another one.
        GeneralName::RFC822Name(address) if address.is_ascii() => text::shown(address),
        _ => None,
    })
}
