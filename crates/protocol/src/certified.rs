//! A certificate shown beside the device's key, and the proof of holding its key, as they travel in an invite and in its
//! answer. Here they are bytes within bounds; what they prove is judged by whoever runs the machines.

use crate::breach::Breach;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// Most certificates in a chain.
pub const MAX_CERTIFICATES: usize = 4;

/// Most bytes in a chain, all certificates together.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// Longest signature, in bytes.
pub const MAX_SIGNATURE: usize = 1024;

/// Bytes that travel as base64 (RFC 4648 section 4).
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&BASE64.encode_display(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        // The frame it is in is bounded already.
        let text = String::deserialize(d)?;
        BASE64.decode(text.as_bytes()).map(Self).map_err(|_| D::Error::custom("not base64"))
    }
}

/// A certificate and the proof that whoever shows it holds its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certified {
    /// The chain, DER, leaf first.
    pub chain: Vec<Blob>,
    /// The leaf's key over the statement that names this connection.
    pub signature: Blob,
}

impl Certified {
    /// Whether it keeps to its bounds.
    ///
    /// # Errors
    /// [`Breach::TooLong`] names the part.
    pub fn check(&self) -> Result<(), Breach> {
        let bytes = self.chain.iter().fold(0_usize, |sum, der| sum.saturating_add(der.0.len()));
        if self.chain.is_empty() || self.chain.len() > MAX_CERTIFICATES || bytes > MAX_CERTIFICATE_BYTES {
            return Err(Breach::TooLong("the certificate"));
        }
        if self.signature.0.len() > MAX_SIGNATURE {
            return Err(Breach::TooLong("the proof"));
        }
        Ok(())
    }
}

pub(crate) fn check(certified: Option<&Certified>) -> Result<(), Breach> {
    certified.map_or(Ok(()), Certified::check)
}
