//! What a certificate says, made safe to show (X3). Nothing here decides anything.

use super::{CertificateFault, id_of, parsed, public_key::Kind};
use data_encoding::{HEXLOWER, HEXUPPER};
use hither_model::{
    CertificateFacts, CertificateSource,
    text::{printable, shortened},
};
use sha2::{Digest, Sha256};
use x509_parser::{
    asn1_rs::Tag,
    oid_registry::{OidRegistry, asn1_rs::Oid},
    time::ASN1Time,
    x509::{AttributeTypeAndValue, X509Name},
};

/// Longest subject or issuer shown, in characters.
const MAX_NAME: usize = 256;

/// What the certificate says, for showing: one line each, hidden characters escaped, names cut at 256 characters.
///
/// # Errors
/// [`CertificateFault::TooLarge`] or [`CertificateFault::Malformed`]. A certificate that [`judge`](super::judge) refuses
/// for another reason can still be shown.
pub fn facts(der: &[u8], source: CertificateSource) -> Result<CertificateFacts, CertificateFault> {
    let certificate = parsed(der)?;
    Ok(CertificateFacts {
        subject: name(certificate.subject()),
        issuer: name(certificate.issuer()),
        not_before: rfc3339(&certificate.validity().not_before),
        not_after: rfc3339(&certificate.validity().not_after),
        sha256: HEXLOWER.encode(&Sha256::digest(der)),
        spki_sha256: id_of(&certificate),
        key: Kind::of(&certificate.tbs_certificate.subject_pki).map_or_else(|_| "other".into(), Kind::word),
        source,
    })
}

/// A time as RFC 3339, UTC, whole seconds.
pub(super) fn rfc3339(time: &ASN1Time) -> String {
    let t = time.to_datetime();
    let (year, month, day) = (t.year(), u8::from(t.month()), t.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", t.hour(), t.minute(), t.second())
}

/// A name in the manner of RFC 4514: the last part first.
fn name(name: &X509Name<'_>) -> String {
    let registry = OidRegistry::default().with_x509().with_pkcs9();
    let parts: Vec<_> = name.iter_rdn().collect();
    let mut text = String::new();
    for part in parts.into_iter().rev() {
        let mut between = if text.is_empty() { "" } else { "," };
        for attribute in part.iter() {
            text.push_str(between);
            text.push_str(&kind(attribute.attr_type(), &registry));
            text.push('=');
            text.push_str(&value(attribute));
            between = "+";
        }
    }
    shortened(&text, MAX_NAME)
}

/// The short word of RFC 4514 section 3, else the number.
fn kind(oid: &Oid<'_>, registry: &OidRegistry<'_>) -> String {
    let word = match registry.get(oid).map_or("", |entry| entry.sn()) {
        "commonName" => "CN",
        "localityName" => "L",
        "stateOrProvinceName" => "ST",
        "organizationName" => "O",
        "organizationalUnit" | "organizationalUnitName" => "OU",
        "countryName" => "C",
        "streetAddress" => "STREET",
        "emailAddress" => "emailAddress",
        "serialNumber" => "serialNumber",
        "surname" => "SN",
        "givenName" => "GN",
        _ => return oid.to_id_string(),
    };
    word.to_owned()
}

/// The value as text if it is text, else `#` and its bytes. What means something in a name is escaped, so that
/// `O=a` inside a common name cannot look like an organisation.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let raw = attribute.as_slice();
    let text = match attribute.attr_value().tag() {
        Tag::BmpString => {
            let units = raw.chunks(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => match attribute.as_str() {
            Ok(text) => text.to_owned(),
            // Far more than is ever shown, and not the whole of a hostile 16 KiB.
            Err(_) => return format!("#{}", HEXUPPER.encode(raw.get(..MAX_NAME).unwrap_or(raw))),
        },
    };
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        let special = matches!(c, '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\');
        if special || (c == '#' && at == 0) || (c == ' ' && (at == 0 || at == last)) {
            out.push('\\');
        }
        out.push(c);
    }
    printable(&out)
}
