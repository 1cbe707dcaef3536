//! What is wrong with a server's certificate, all of it, and how bad that is (R3.16). It can be read after a connection
//! that failed: that is what it is for.

use hither_identity::certificate;
use hither_model::{CertificateFacts, CertificateSource, SocketErrorStatus};
use std::fmt;

/// One finding; the numbers are the table's of R3.16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ChainValidationResult {
    /// Nothing is wrong. Never in a list of findings.
    Success = 0,
    /// No root vouches for it.
    Untrusted = 1,
    /// It was revoked.
    Revoked = 2,
    /// It is not valid at this time: expired, or not valid yet.
    Expired = 3,
    /// An issuer between it and a root is missing.
    IncompleteChain = 4,
    /// A signature in the chain is wrong, or by an algorithm that is not taken.
    InvalidSignature = 5,
    /// It is not for servers.
    WrongUsage = 6,
    /// It is for another name.
    InvalidName = 7,
    /// An issuer may not vouch for this name.
    InvalidCertificateAuthorityPolicy = 8,
    /// An issuer is no authority, or an authority stands where a server should.
    BasicConstraintsError = 9,
    /// It demands something that is not understood.
    UnknownCriticalExtension = 10,
    /// Whether it was revoked is not known.
    RevocationInformationMissing = 11,
    /// Whether it was revoked could not be found out.
    RevocationFailure = 12,
    /// Something else: it cannot be read, or the chain is too long.
    OtherErrors = 13,
}

/// How bad the findings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum SocketSslErrorSeverity {
    /// There are none.
    None = 0,
    /// A person may decide to go on all the same.
    Ignorable = 1,
    /// Nobody may.
    Fatal = 2,
}

impl ChainValidationResult {
    /// Every result, by its number.
    pub const ALL: &'static [Self] = &[
        Self::Success,
        Self::Untrusted,
        Self::Revoked,
        Self::Expired,
        Self::IncompleteChain,
        Self::InvalidSignature,
        Self::WrongUsage,
        Self::InvalidName,
        Self::InvalidCertificateAuthorityPolicy,
        Self::BasicConstraintsError,
        Self::UnknownCriticalExtension,
        Self::RevocationInformationMissing,
        Self::RevocationFailure,
        Self::OtherErrors,
    ];

    /// How bad it is. A chain without its issuer is one kind of untrusted issuer.
    pub const fn severity(self) -> SocketSslErrorSeverity {
        match self {
            Self::Success => SocketSslErrorSeverity::None,
            Self::Untrusted | Self::Expired | Self::InvalidName | Self::IncompleteChain => {
                SocketSslErrorSeverity::Ignorable
            }
            Self::Revoked
            | Self::InvalidSignature
            | Self::WrongUsage
            | Self::InvalidCertificateAuthorityPolicy
            | Self::BasicConstraintsError
            | Self::UnknownCriticalExtension
            | Self::RevocationInformationMissing
            | Self::RevocationFailure
            | Self::OtherErrors => SocketSslErrorSeverity::Fatal,
        }
    }

    /// The socket's own word for it (R7.4).
    pub const fn status(self) -> SocketErrorStatus {
        match self {
            Self::Success => SocketErrorStatus::Unknown,
            Self::Untrusted | Self::IncompleteChain => SocketErrorStatus::CertificateUntrustedRoot,
            Self::Revoked => SocketErrorStatus::CertificateRevoked,
            Self::Expired => SocketErrorStatus::CertificateExpired,
            Self::WrongUsage => SocketErrorStatus::CertificateWrongUsage,
            Self::InvalidName => SocketErrorStatus::CertificateCommonNameIsIncorrect,
            Self::RevocationInformationMissing => SocketErrorStatus::CertificateNoRevocationCheck,
            Self::RevocationFailure => SocketErrorStatus::CertificateRevocationServerOffline,
            Self::InvalidSignature
            | Self::InvalidCertificateAuthorityPolicy
            | Self::BasicConstraintsError
            | Self::UnknownCriticalExtension
            | Self::OtherErrors => SocketErrorStatus::CertificateIsInvalid,
        }
    }

    /// The finding in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Success => "nothing is wrong",
            Self::Untrusted => "no trusted authority vouches for it",
            Self::Revoked => "it was revoked",
            Self::Expired => "it is not valid at this time",
            Self::IncompleteChain => "its issuer is unknown",
            Self::InvalidSignature => "a signature is wrong",
            Self::WrongUsage => "it is not for servers",
            Self::InvalidName => "it is for another name",
            Self::InvalidCertificateAuthorityPolicy => "its issuer may not vouch for this name",
            Self::BasicConstraintsError => "its issuer is no authority",
            Self::UnknownCriticalExtension => "it demands something unknown",
            Self::RevocationInformationMissing => "whether it was revoked is not known",
            Self::RevocationFailure => "whether it was revoked could not be found out",
            Self::OtherErrors => "it cannot be read",
        }
    }
}

impl fmt::Display for ChainValidationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What a server showed, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerCertificate {
    /// Its own certificate, DER.
    pub leaf: Vec<u8>,
    /// The others, in the order they were sent.
    pub intermediates: Vec<Vec<u8>>,
    /// Everything that is wrong; empty if nothing is. Sorted, without doubles.
    pub errors: Vec<ChainValidationResult>,
}

impl ServerCertificate {
    /// The worst of the errors.
    pub fn severity(&self) -> SocketSslErrorSeverity {
        self.errors.iter().map(|error| error.severity()).max().unwrap_or(SocketSslErrorSeverity::None)
    }

    /// What the certificate says, made safe to show; `None` if it cannot be read.
    pub fn facts(&self) -> Option<CertificateFacts> {
        certificate::facts(&self.leaf, CertificateSource::Ca).ok()
    }

    /// The word for the worst error; fatal ones first.
    pub fn status(&self) -> SocketErrorStatus {
        let worst = self.errors.iter().max_by_key(|error| (error.severity(), std::cmp::Reverse(**error)));
        worst.map_or(SocketErrorStatus::Unknown, |error| error.status())
    }

    /// The errors in words, one after the other.
    pub fn words(&self) -> String {
        self.errors.iter().map(|error| error.words()).collect::<Vec<_>>().join(", ")
    }
}
