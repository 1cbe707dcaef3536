//! The address a radio shows (48 bits). It may be the maker's own, which never changes, or one drawn for a while: hither
//! can make no use of the difference, and keeps both out of everything but debug logs.

use std::{fmt, str::FromStr};

/// Six bytes, the most significant first, as people write them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RadioAddress([u8; 6]);

/// The text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a Bluetooth address is written as six pairs of hexadecimal digits with colons between, as in 00:1a:7d:da:71:13"
)]
pub struct AddressFault;

impl RadioAddress {
    /// The address with these bytes.
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 6] {
        &self.0
    }
}

impl fmt::Display for RadioAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for RadioAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RadioAddress({self})")
    }
}

impl FromStr for RadioAddress {
    type Err = AddressFault;

    fn from_str(text: &str) -> Result<Self, AddressFault> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()));
            *byte = part.and_then(|p| u8::from_str_radix(p, 16).ok()).ok_or(AddressFault)?;
        }
        if parts.next().is_some() { Err(AddressFault) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_way_through_text() {
        let address = RadioAddress::new([0x00, 0xaa, 0x01, 0xff, 0x0b, 0x7f]);
        assert_eq!(address.to_string(), "00:aa:01:ff:0b:7f");
        assert_eq!(address.to_string().parse(), Ok(address));
        assert_eq!("00:AA:01:FF:0B:7F".parse(), Ok(address), "however it is written");
    }

    #[test]
    fn text_that_is_not_exactly_an_address_is_refused() {
        for bad in [
            "",
            "00:aa:01:ff:0b",
            "00:aa:01:ff:0b:7f:00",
            "00:aa:01:ff:0b:7",
            "0:0aa:01:ff:0b:7f",
            "00-aa-01-ff-0b-7f",
            "+0:aa:01:ff:0b:7f",
        ] {
            assert_eq!(bad.parse::<RadioAddress>(), Err(AddressFault), "{bad:?} was taken");
        }
    }
}
