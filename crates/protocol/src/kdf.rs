//! HMAC-SHA256 and HKDF-SHA256 (RFC 2104, RFC 5869) over fixed-length parts. Every input is a label of fixed length
//! followed by values of fixed length, so that no two different inputs run together to the same bytes.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// HMAC-SHA256 of the parts, one after the other.
#[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A pseudorandom key from which several keys can be expanded, each under its own label.
pub(crate) struct Root(Hkdf<Sha256>);

impl Root {
    /// HKDF-Extract.
    pub(crate) fn new(salt: &[u8], secret: &[u8]) -> Self {
        Self(Hkdf::new(Some(salt), secret))
    }

    /// HKDF-Expand to 32 bytes; `parts` together are the info.
    #[allow(clippy::expect_used, reason = "32 bytes are one block; the limit is 255 blocks")]
    pub(crate) fn key(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        self.0.expand_multi_info(parts, key.as_mut()).expect("32 bytes are one block");
        key
    }
}

/// The first `N` bytes of 32.
pub(crate) fn first<const N: usize>(bytes: &[u8; 32]) -> [u8; N] {
    const { assert!(N <= 32) };
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER as HEX;

    #[test]
    fn rfc_5869_case_1_comes_out_right() {
        let salt = HEX.decode(b"000102030405060708090a0b0c").unwrap();
        let info = HEX.decode(b"f0f1f2f3f4f5f6f7f8f9").unwrap();
        let okm = Root::new(&salt, &[0x0b; 22]).key(&[&info[..4], &info[4..]]);
        assert_eq!(HEX.encode(okm.as_ref()), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn rfc_4231_case_2_comes_out_right() {
        let mac = mac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(HEX.encode(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
