//! A PIN or password on its way from a person to a token or a key file. Wiped when dropped; cannot be shown, compared,
//! copied or stored.

use zeroize::Zeroizing;

/// Longest PIN, in bytes.
const MAX: usize = 255;

/// What a person typed to unlock a key.
///
/// It has no `Debug`, `Display`, `Clone` or `Serialize`:
///
/// ```compile_fail
/// let pin = hither_identity::card::Pin::new("123456".to_owned()).unwrap();
/// println!("{pin:?}");
/// ```
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// Takes what was typed, and wipes the text it came in. `None` if it is empty (S4), longer than 255 bytes, or
    /// contains a NUL: no token is bothered with such a thing.
    pub fn new(typed: String) -> Option<Self> {
        Self::from_bytes(&Zeroizing::new(typed.into_bytes()))
    }

    /// A copy of these bytes; they stay the caller's to wipe.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let fits = !bytes.is_empty() && bytes.len() <= MAX && !bytes.contains(&0) && str::from_utf8(bytes).is_ok();
        fits.then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    /// For handing it on: into the helper's pipe, into a module, into a key derivation.
    pub(crate) fn expose(&self) -> &str {
        // It was text when it was made.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many characters were typed.
    pub(crate) fn length(&self) -> usize {
        self.expose().chars().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_an_empty_pin_is_refused_here() {
        assert!(Pin::new(String::new()).is_none());
        assert!(Pin::new("12\0".into()).is_none());
        assert!(Pin::new("1".repeat(MAX + 1)).is_none());
        assert_eq!(Pin::new("1234".into()).map(|pin| pin.length()), Some(4));
    }
}
