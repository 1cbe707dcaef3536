//! Texts and times out of certificates, for showing (X3).

use hither_model::text::{printable, shortened};
use x509_parser::{asn1_rs::Tag, time::ASN1Time, x509::AttributeTypeAndValue};

/// Longest name or address shown, in characters.
pub(super) const MAX_TEXT: usize = 256;

/// On one line, hidden characters escaped, cut at 256 characters; `None` if nothing is left to see.
pub(super) fn shown(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| shortened(&printable(text), MAX_TEXT))
}

/// The text of a part of a name, if it is text.
pub(super) fn of(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    if attribute.attr_value().tag() == Tag::BmpString {
        let units = attribute.as_slice().chunks(2).map(|pair| pair.iter().fold(0, |unit, b| unit << 8 | u16::from(*b)));
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        return shown(&text);
    }
    shown(attribute.as_str().ok()?)
}

/// Unix seconds as the parsers have them.
pub(super) fn seconds(now: u64) -> i64 {
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// Unix seconds as RFC 3339, UTC.
pub(super) fn rfc3339(seconds: i64) -> String {
    let Ok(time) = ASN1Time::from_timestamp(seconds) else { return seconds.to_string() };
    let t = time.to_datetime();
    let (year, month, day) = (t.year(), u8::from(t.month()), t.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", t.hour(), t.minute(), t.second())
}
