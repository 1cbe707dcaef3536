//! Why a certificate was refused.

use hither_model::{ErrorCode, Failure, SocketErrorStatus};

/// A certificate, or a signature by its key, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// None was shown.
    #[error("the other device showed no certificate")]
    Missing,
    /// The chain has too many certificates.
    #[error("the other device showed more than {} certificates", super::MAX_CHAIN)]
    TooMany,
    /// The chain has too many bytes.
    #[error("the certificate is larger than {} KiB", super::MAX_CHAIN_BYTES / 1024)]
    TooLarge,
    /// It is not a whole, well-formed certificate.
    #[error("the certificate is malformed: {0}")]
    Malformed(&'static str),
    /// The kind or size of key is not accepted.
    #[error("the certificate's key is not accepted: {0}")]
    Key(&'static str),
    /// It was signed with an outdated algorithm.
    #[error("the certificate was signed with an algorithm that is not accepted, such as SHA-1")]
    Algorithm,
    /// It is a certificate authority's own.
    #[error("the certificate belongs to a certificate authority, not to a device or person")]
    Authority,
    /// Its key is not for signing.
    #[error("the certificate is not meant for signing in (no digitalSignature)")]
    Usage,
    /// It demands something this program does not know.
    #[error("the certificate has a critical extension that is not understood ({0})")]
    Critical(String),
    /// Its time has not come.
    #[error("the certificate is valid only from {from}")]
    NotYetValid {
        /// RFC 3339.
        from: String,
    },
    /// Its time is over.
    #[error("the certificate expired on {since}")]
    Expired {
        /// RFC 3339.
        since: String,
    },
    /// The signature is not by that key.
    #[error("the signature is not valid for that key")]
    Signature,
}

impl CertificateFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing
            | Self::TooMany
            | Self::TooLarge
            | Self::Malformed(_)
            | Self::Key(_)
            | Self::Algorithm
            | Self::Authority
            | Self::Usage
            | Self::Critical(_)
            | Self::NotYetValid { .. }
            | Self::Expired { .. }
            | Self::Signature => ErrorCode::CertificateRefused,
        }
    }

    /// The socket's own word.
    pub fn status(&self) -> SocketErrorStatus {
        match self {
            // "Not within its validity period", on either side.
            Self::NotYetValid { .. } | Self::Expired { .. } => SocketErrorStatus::CertificateExpired,
            Self::Authority | Self::Usage => SocketErrorStatus::CertificateWrongUsage,
            Self::Missing
            | Self::TooMany
            | Self::TooLarge
            | Self::Malformed(_)
            | Self::Key(_)
            | Self::Algorithm
            | Self::Critical(_)
            | Self::Signature => SocketErrorStatus::CertificateIsInvalid,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotYetValid { .. } | Self::Expired { .. } => {
                "check the date and time on both devices; if they are right, the other one needs a new certificate"
            }
            Self::Signature => "do not trust what was signed; ask the other person whether their device was replaced",
            Self::Missing
            | Self::TooMany
            | Self::TooLarge
            | Self::Malformed(_)
            | Self::Key(_)
            | Self::Algorithm
            | Self::Authority
            | Self::Usage
            | Self::Critical(_) => "the other person has to choose another certificate",
        }
    }
}

impl From<CertificateFault> for Failure {
    fn from(fault: CertificateFault) -> Self {
        Failure::new(fault.code(), fault.to_string()).hint(fault.hint()).status(fault.status())
    }
}
