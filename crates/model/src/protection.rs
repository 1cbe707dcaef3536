//! What protects a stream: the level that was asked for and what was negotiated (R3.13), and who stands at its ends.

use crate::id::PeerId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The protection a caller demands (`SocketProtectionLevel`). A floor: TLS 1.3 satisfies [`Self::Tls12`].
///
/// Levels that permit NULL or weak ciphers, or TLS before 1.2, do not exist here: they cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum ProtectionLevel {
    /// No encryption.
    Plain,
    /// TLS 1.2 or later.
    Tls12,
    /// TLS 1.3 or later.
    Tls13,
}

impl fmt::Display for ProtectionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Tls12 => "tls12",
            Self::Tls13 => "tls13",
        })
    }
}

/// What the live connection really uses, read from the TLS library and not from configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Negotiated {
    /// `TLS1.3` or `TLS1.2`.
    pub version: String,
    /// IANA name of the cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// Named group of the key exchange, such as `X25519MLKEM768`.
    pub kx: String,
    /// Application protocol (RFC 7301), `hither/1`.
    pub alpn: String,
}

/// Where a certificate's key lives or who vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum CertificateSource {
    /// Made on the machine that shows it.
    Local,
    /// On a smart card or token.
    Card,
    /// Issued by a certificate authority.
    Ca,
}

/// What a certificate says, cleaned for showing. Never used to decide anything: decisions use [`PeerId`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CertificateFacts {
    /// Subject, RFC 4514 style, hidden characters escaped, at most 256 characters.
    pub subject: String,
    /// Issuer, like the subject.
    pub issuer: String,
    /// Start of validity, RFC 3339 UTC.
    pub not_before: String,
    /// End of validity, RFC 3339 UTC.
    pub not_after: String,
    /// SHA-256 of the whole certificate (DER), hexadecimal.
    pub sha256: String,
    /// SHA-256 of its SubjectPublicKeyInfo: the identity.
    pub spki_sha256: PeerId,
    /// Kind of key: `p256`, `p384`, `rsa2048`, `ed25519` …
    pub key: String,
    /// Where it comes from.
    pub source: CertificateSource,
}
