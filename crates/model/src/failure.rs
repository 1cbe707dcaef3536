//! What went wrong, sorted by who must act. [`ErrorCode`] is small, stable and serialised; scripts depend on it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Who must act for the operation to succeed another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// This machine or its settings.
    Us,
    /// The network; trying again later may help.
    Network,
    /// The other program.
    Peer,
    /// A person said no, or nobody answered.
    Person,
    /// The thing that was to be moved.
    Content,
    /// Whoever made the call.
    Caller,
    /// A defect in hither.
    Bug,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $blame:ident),+ $(,)?) => {
        /// The stable name of a failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS))]
        pub enum ErrorCode { $($(#[$doc])* $name),+ }

        impl ErrorCode {
            /// Every code, in order of blame.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Who must act.
            pub const fn blame(self) -> Blame {
                match self { $(Self::$name => Blame::$blame),+ }
            }

            /// The stable name, as in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

codes! {
    /// A capability is not declared, was revoked, or consent is missing.
    AccessDenied => Us,
    /// The card or token is not there.
    TokenAbsent => Us,
    /// The card or token needs its PIN.
    TokenLocked => Us,
    /// The PIN was wrong.
    PinWrong => Us,
    /// The PIN is blocked.
    PinBlocked => Us,
    /// The key cannot be used: damaged, readable by others, or of the wrong kind.
    KeyUnusable => Us,
    /// The radio is off.
    RadioOff => Us,
    /// The disk is full.
    DiskFull => Us,
    /// A file or directory could not be read or written.
    StorageFailed => Us,
    /// No way to the other device.
    Unreachable => Network,
    /// The other device did not answer in time.
    TimedOut => Network,
    /// The connection broke.
    Interrupted => Network,
    /// A certificate was refused.
    CertificateRefused => Peer,
    /// Somebody known shows another key.
    IdentityChanged => Peer,
    /// The other program broke the protocol.
    Misbehaved => Peer,
    /// The other program is of another version or lacks something.
    Incompatible => Peer,
    /// The other person said no.
    Declined => Person,
    /// Nobody answered in time.
    Expired => Person,
    /// The asker took it back.
    Withdrawn => Person,
    /// The other person has too many questions open, or pairing is paused.
    Busy => Person,
    /// The person here took it back.
    Canceled => Person,
    /// A file name cannot be written here safely.
    NameRefused => Content,
    /// Larger than allowed.
    TooLarge => Content,
    /// Fewer bytes came than were declared.
    Truncated => Content,
    /// The bytes do not match their digest.
    DigestWrong => Content,
    /// The source changed while it was being sent.
    SourceChanged => Content,
    /// The call makes no sense here.
    Misuse => Caller,
    /// No such peer, session, transfer or question.
    UnknownId => Caller,
    /// It was answered or ended already.
    Stale => Caller,
    /// Client and agent are of different versions.
    VersionSkew => Caller,
    /// No agent is running.
    NoAgent => Caller,
    /// A defect in hither; the ticket finds it in the log.
    Internal => Bug,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure as it is told to a face of hither: a stable code, a sentence for a person, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[error("{message}")]
pub struct Failure {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence: what happened. Free of secrets; peers' text in it is escaped.
    pub message: String,
    /// One sentence: what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The socket's own word, for network failures (SPEC 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SocketErrorStatus>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, status: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the socket's own word.
    #[must_use]
    pub fn status(mut self, status: SocketErrorStatus) -> Self {
        self.status = Some(status);
        self
    }
}

/// Why a socket failed (SPEC 7, table R7.4); the numbers are those of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the table's; docs/wire.md explains each")]
pub enum SocketErrorStatus {
    Unknown = 0,
    OperationAborted = 1,
    HttpInvalidServerResponse = 2,
    ConnectionTimedOut = 3,
    AddressFamilyNotSupported = 4,
    SocketTypeNotSupported = 5,
    HostNotFound = 6,
    NoDataRecordOfRequestedType = 7,
    NonAuthoritativeHostNotFound = 8,
    ClassTypeNotFound = 9,
    AddressAlreadyInUse = 10,
    CannotAssignRequestedAddress = 11,
    ConnectionRefused = 12,
    NetworkIsUnreachable = 13,
    UnreachableHost = 14,
    NetworkIsDown = 15,
    NetworkDroppedConnectionOnReset = 16,
    SoftwareCausedConnectionAbort = 17,
    ConnectionResetByPeer = 18,
    HostIsDown = 19,
    NoAddressesFound = 20,
    TooManyOpenFiles = 21,
    MessageTooLong = 22,
    CertificateExpired = 23,
    CertificateUntrustedRoot = 24,
    CertificateCommonNameIsIncorrect = 25,
    CertificateWrongUsage = 26,
    CertificateRevoked = 27,
    CertificateNoRevocationCheck = 28,
    CertificateRevocationServerOffline = 29,
    CertificateIsInvalid = 30,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_shape_for_scripts() {
        let failure = Failure::new(ErrorCode::TimedOut, "no answer").hint("is it awake?");
        let json = serde_json::to_string(&failure).unwrap();
        assert_eq!(json, r#"{"code":"TimedOut","message":"no answer","hint":"is it awake?"}"#);
    }

    #[test]
    fn every_code_has_a_name_equal_to_its_json() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.name()));
        }
    }
}
