//! 32 bytes that travel in the open: commitments, nonces, confirmations, hashes. Written as 64 lower-case hexadecimal
//! digits. Secrets have types of their own ([`crate::PairKey`], [`crate::LinkToken`]).

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use subtle::ConstantTimeEq;

/// 32 public bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Whether both are equal, in a time that does not depend on where they differ. For anything that proves.
    pub fn same(&self, other: &[u8; 32]) -> bool {
        self.0.ct_eq(other).into()
    }

    /// Whether every bit is zero.
    pub fn is_zero(&self) -> bool {
        self.same(&[0; 32])
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = HEXLOWER.encode(&self.0);
        write!(f, "Digest({})", text.get(..8).unwrap_or_default())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        hex_bytes(d).map(Self)
    }
}

/// Reads exactly `N` bytes from lower-case hexadecimal digits.
pub(crate) fn hex_bytes<'de, D: Deserializer<'de>, const N: usize>(d: D) -> Result<[u8; N], D::Error> {
    struct Text<const N: usize>;
    impl<const N: usize> de::Visitor<'_> for Text<N> {
        type Value = [u8; N];
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} hexadecimal digits", N * 2)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<[u8; N], E> {
            if text.len() != N * 2 {
                return Err(E::invalid_length(text.len(), &self));
            }
            let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| E::custom("not hexadecimal"))?;
            bytes.try_into().map_err(|_| E::custom("not hexadecimal"))
        }
    }
    d.deserialize_str(Text::<N>)
}
