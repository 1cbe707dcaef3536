//! What can go wrong when a socket is handed over or taken back.

use crate::message::Word;
use hither_model::{ErrorCode, Failure};
use std::io;

/// A socket was not handed over, not taken, or not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// Not at this time.
    #[error("{0}")]
    IllegalMethodCall(String),
    /// No such thing.
    #[error("{0}")]
    ElementNotFound(String),
    /// An argument cannot be so.
    #[error("{0}")]
    InvalidArgument(String),
    /// The socket was handed over or closed: this handle is dead (R4.5).
    #[error("the socket was handed over and is no longer this program's")]
    Closed,
    /// What was under way was ended by [`crate::Socket::cancel_io`] (R4.4).
    #[error("what was under way was canceled")]
    Canceled,
    /// A capability was revoked.
    #[error("{0}")]
    AccessDenied(String),
    /// There is no room for more.
    #[error("{0}")]
    Full(String),
    /// The agent speaks another version.
    #[error("{0}")]
    Version(String),
    /// The agent could not do it.
    #[error("{0}")]
    Failed(String),
    /// No agent answers.
    #[error("no agent answers at {0}: start one, or set up `hither background on`")]
    NoAgent(String),
    /// Whoever answers belongs to another user.
    #[error("the socket of the broker belongs to another user (uid {0})")]
    Stranger(u32),
    /// The connection broke, or what came is not what was agreed.
    #[error("the connection to the agent broke: {0}")]
    Lost(io::Error),
    /// The system refuses something about the socket.
    #[error("the system refuses: {0}")]
    System(io::Error),
}

impl BrokerError {
    /// Its stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::IllegalMethodCall(_) | Self::InvalidArgument(_) => ErrorCode::Misuse,
            Self::ElementNotFound(_) => ErrorCode::UnknownId,
            Self::Closed => ErrorCode::Stale,
            Self::Canceled => ErrorCode::Canceled,
            Self::AccessDenied(_) => ErrorCode::AccessDenied,
            Self::Full(_) => ErrorCode::Busy,
            Self::Version(_) => ErrorCode::VersionSkew,
            Self::Failed(_) => ErrorCode::StorageFailed,
            Self::NoAgent(_) => ErrorCode::NoAgent,
            Self::Stranger(_) => ErrorCode::Misbehaved,
            Self::Lost(_) | Self::System(_) => ErrorCode::Interrupted,
        }
    }

    /// The number by which the system implemented knows it (an `HRESULT`), where it has one.
    pub fn hresult(&self) -> Option<u32> {
        match self {
            Self::IllegalMethodCall(_) => Some(0x8000_000E),
            Self::ElementNotFound(_) => Some(0x8007_0490),
            Self::InvalidArgument(_) => Some(0x8007_0057),
            Self::Closed => Some(0x8000_0013),
            Self::Canceled => Some(0x8007_04C7),
            Self::AccessDenied(_) => Some(0x8007_0005),
            Self::Full(_)
            | Self::Version(_)
            | Self::Failed(_)
            | Self::NoAgent(_)
            | Self::Stranger(_)
            | Self::Lost(_)
            | Self::System(_) => None,
        }
    }

    pub(crate) fn refused(word: Word, message: String) -> Self {
        match word {
            Word::IllegalMethodCall => Self::IllegalMethodCall(message),
            Word::ElementNotFound => Self::ElementNotFound(message),
            Word::InvalidArgument => Self::InvalidArgument(message),
            Word::AccessDenied => Self::AccessDenied(message),
            Word::Full => Self::Full(message),
            Word::Version => Self::Version(message),
            Word::Failed => Self::Failed(message),
        }
    }

    pub(crate) fn unexpected(what: &str) -> Self {
        Self::Lost(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()))
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
