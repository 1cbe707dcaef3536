//! DER in steps, for what the parsers in use keep to themselves. Linear in the input, no recursion.

use x509_parser::asn1_rs::{Any, FromDer};

/// The first element: as it is encoded, parsed, and what follows. `None` if it is not whole.
pub(super) fn first(bytes: &[u8]) -> Option<(&[u8], Any<'_>, &[u8])> {
    let (rest, element) = Any::from_der(bytes).ok()?;
    let raw = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
    Some((raw, element, rest))
}

/// The inside of the one element that the bytes are.
pub(super) fn inside(bytes: &[u8]) -> Option<&[u8]> {
    match first(bytes)? {
        (_, element, []) => Some(element.data),
        _ => None,
    }
}

/// Each element with its encoding; `None` stands for one that is not whole, and is the last.
pub(super) fn each(bytes: &[u8]) -> impl Iterator<Item = Option<(&[u8], Any<'_>)>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((raw, element, after)) = first(rest) else {
            rest = &[];
            return Some(None);
        };
        rest = after;
        Some(Some((raw, element)))
    })
}
