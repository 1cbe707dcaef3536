//! Why a WebSocket failed. What a server wrote is in it only where it is a list of names for a person: escaped and short.

use crate::{
    Offered, ServerError,
    status::{self, WebErrorStatus},
};
use hither_model::{ErrorCode, Failure, text};
use std::io;
use tokio_tungstenite::tungstenite::{Error as Inner, error::ProtocolError};

/// An operation of a WebSocket failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The stream below failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The address is none of a WebSocket.
    #[error("{0}")]
    Address(&'static str),
    /// A parameter makes no sense.
    #[error("{0}")]
    Argument(&'static str),
    /// The call cannot be made in this state.
    #[error("{0}")]
    IllegalCall(&'static str),
    /// The server or the proxy in front of it answered with another HTTP status.
    #[error("the server did not open a WebSocket (HTTP {status}){}", expecting(.expected))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Sub-protocols the server said it expects (R5.7); escaped.
        expected: Vec<String>,
    },
    /// The server wants to know who we are.
    #[error("the server asks for a user name and password ({0})")]
    NeedsCredential(Offered),
    /// The server did not accept who we are.
    #[error("the server did not accept the user name or password")]
    CredentialRefused,
    /// A password would go through the clear.
    #[error("a password is not sent without protection: use wss")]
    CredentialInClear,
    /// The sub-protocols do not fit (R5.6).
    #[error("the sub-protocols do not fit: {0}")]
    SubProtocol(&'static str),
    /// The answer is not one of a WebSocket.
    #[error("the server's answer makes no sense: {0}")]
    Handshake(String),
    /// The deadline passed.
    #[error("the WebSocket did not answer in time")]
    TimedOut,
    /// A message is larger than allowed (R5.5).
    #[error("a message is larger than the {limit} bytes allowed")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Text came on a socket for bytes (R5.1).
    #[error("text came where only bytes are allowed")]
    UnexpectedText,
    /// The other end broke the protocol.
    #[error("the other end broke the WebSocket protocol: {0}")]
    Misbehaved(String),
    /// The connection broke without a proper end (R5.10).
    #[error("the connection broke: {0}")]
    Aborted(io::Error),
    /// It is closed.
    #[error("the WebSocket is closed")]
    Closed,
}

fn expecting(expected: &[String]) -> String {
    if expected.is_empty() { String::new() } else { format!("; it expects one of: {}", expected.join(", ")) }
}

impl WebSocketError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Server(error) => error.code(),
            Self::Address(_) | Self::Argument(_) | Self::IllegalCall(_) | Self::CredentialInClear => ErrorCode::Misuse,
            Self::Refused { status: 403, .. } | Self::NeedsCredential(_) | Self::CredentialRefused => {
                ErrorCode::AccessDenied
            }
            Self::Refused { .. } | Self::SubProtocol(_) => ErrorCode::Incompatible,
            Self::TimedOut => ErrorCode::TimedOut,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Handshake(_) | Self::UnexpectedText | Self::Misbehaved(_) => ErrorCode::Misbehaved,
            Self::Aborted(_) | Self::Closed => ErrorCode::Interrupted,
        }
    }

    /// The word of WebSockets and HTTP (R7.7).
    pub fn status(&self) -> WebErrorStatus {
        match self {
            Self::Server(error) => WebErrorStatus::of_socket(error.status()),
            Self::Refused { status, .. } => WebErrorStatus::of_http(*status),
            Self::NeedsCredential(_) | Self::CredentialRefused => WebErrorStatus::Unauthorized,
            Self::SubProtocol(_) | Self::Handshake(_) => WebErrorStatus::ErrorHttpInvalidServerResponse,
            Self::TimedOut => WebErrorStatus::Timeout,
            Self::TooLarge { .. } => WebErrorStatus::RequestEntityTooLarge,
            Self::Aborted(_) => WebErrorStatus::ConnectionAborted,
            Self::Closed => WebErrorStatus::Disconnected,
            Self::Address(_)
            | Self::Argument(_)
            | Self::IllegalCall(_)
            | Self::CredentialInClear
            | Self::UnexpectedText
            | Self::Misbehaved(_) => WebErrorStatus::Unknown,
        }
    }

    /// The number other systems know the error by (R7.6).
    pub fn hresult(&self) -> u32 {
        match self {
            Self::Server(error) => error.hresult(),
            Self::Address(_) | Self::Argument(_) => status::E_INVALIDARG,
            Self::IllegalCall(_) => status::E_ILLEGAL_METHOD_CALL,
            Self::Closed => status::RO_E_CLOSED,
            Self::Aborted(_) => status::WININET_E_CONNECTION_ABORTED,
            Self::TimedOut => status::WININET_E_TIMEOUT,
            Self::Refused { .. }
            | Self::NeedsCredential(_)
            | Self::CredentialRefused
            | Self::CredentialInClear
            | Self::SubProtocol(_)
            | Self::Handshake(_)
            | Self::TooLarge { .. }
            | Self::UnexpectedText
            | Self::Misbehaved(_) => status::E_FAIL,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Server(error) => error.hint(),
            Self::Address(_) => "write it as wss://host/path".into(),
            Self::Argument(_) | Self::IllegalCall(_) | Self::SubProtocol(_) => "change the call".into(),
            Self::Refused { expected, .. } if !expected.is_empty() => "ask for one of these with `--protocol`".into(),
            Self::Refused { .. } => "check the address, and whether the server speaks WebSocket there".into(),
            Self::NeedsCredential(_) | Self::CredentialRefused => "give the user name and password for it".into(),
            Self::CredentialInClear => "use wss, or leave the password out".into(),
            Self::TooLarge { .. } => "connect again, and let the other end send less at once".into(),
            Self::Handshake(_) | Self::UnexpectedText | Self::Misbehaved(_) => {
                "check what program is at the other end".into()
            }
            Self::TimedOut | Self::Aborted(_) | Self::Closed => "connect again".into(),
        }
    }

    /// From the library's error, after the handshake.
    pub(crate) fn of(error: Inner, limit: usize) -> Self {
        match error {
            Inner::ConnectionClosed | Inner::AlreadyClosed => Self::Closed,
            Inner::Io(error) => match ServerError::from(error) {
                ServerError::Interrupted(cause) => Self::Aborted(cause),
                other => Self::Server(other),
            },
            Inner::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Aborted(io::ErrorKind::ConnectionReset.into())
            }
            Inner::Protocol(ProtocolError::SendAfterClosing) => Self::Closed,
            Inner::Capacity(_) => Self::TooLarge { limit },
            other => Self::Misbehaved(text::shortened(&text::printable(&other.to_string()), 200)),
        }
    }

    /// The code to close with when this came up while reading.
    pub(crate) fn close_code(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 1009,
            Self::UnexpectedText => 1003,
            Self::Misbehaved(why) if why.contains("UTF-8") => 1007,
            _ => 1002,
        }
    }
}

impl From<WebSocketError> for Failure {
    fn from(error: WebSocketError) -> Self {
        match error {
            WebSocketError::Server(error) => error.into(),
            other => Failure::new(other.code(), text::printable(&other.to_string())).hint(other.hint()),
        }
    }
}
