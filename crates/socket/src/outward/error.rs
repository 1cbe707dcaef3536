//! Why a stream to a server failed. Nothing a server wrote is in a message, but the names it claims in its certificate
//! can be read from [`ServerCertificate`].

use crate::{
    HostNameFault, NameFault, Phase, ProxyError, ProxyFault, SignInFault, SocketError, SocketProtectionLevel,
    server::{ServerCertificate, SocketSslErrorSeverity},
    status,
};
use hither_capability::Denied;
use hither_model::{ErrorCode, Failure, SocketErrorStatus};
use rustls::{AlertDescription, Error as Tls};
use std::{io, net::SocketAddr};

/// An operation of a stream to a server failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The capability gate said no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The level is not offered.
    #[error("the protection level {0} is not offered: it is too weak, or not for this kind of connection")]
    LevelRefused(SocketProtectionLevel),
    /// A parameter makes no sense.
    #[error("{0}")]
    Argument(&'static str),
    /// A host name makes no sense.
    #[error(transparent)]
    Host(#[from] HostNameFault),
    /// The call cannot be made in this state of the socket.
    #[error("{0}")]
    IllegalCall(&'static str),
    /// The name gave no address.
    #[error("{name}: {fault}")]
    Name {
        /// The host or service; as the caller gave it.
        name: String,
        /// Why.
        fault: NameFault,
    },
    /// No TCP connection came about.
    #[error("{to} cannot be reached: {cause}")]
    Connect {
        /// The address that was tried last.
        to: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The deadline passed.
    #[error("the server did not answer in time ({0})")]
    TimedOut(Phase),
    /// The server's certificate is not acceptable.
    #[error("the server's certificate is not acceptable: {}", .0.words())]
    Certificate(Box<ServerCertificate>),
    /// The caller's own check said no to the server.
    #[error("the server was not accepted: {0}")]
    Rejected(&'static str),
    /// The server did not accept us.
    #[error("the server refused us ({0:?})")]
    RefusedByServer(AlertDescription),
    /// No common ground: TLS version or algorithms.
    #[error("the server offers no protection of the level asked for: {0}")]
    Incompatible(String),
    /// What was negotiated is not what was asked for (R3.13).
    #[error("the connection is not protected as asked: {0}")]
    Unprotected(&'static str),
    /// Bytes came before the upgrade that would have counted as protected (R3.26).
    #[error("the server sent bytes in the clear where the protection was to begin")]
    Injected,
    /// The server broke the protocol.
    #[error("the server broke the protocol: {0}")]
    Misbehaved(String),
    /// The proxy did not let us through.
    #[error(transparent)]
    Proxy(ProxyError),
    /// The person's sign-in gave no answer to who asked for it.
    #[error(transparent)]
    SignIn(SignInFault),
    /// The proxy that was named is none.
    #[error(transparent)]
    ProxyChoice(#[from] ProxyFault),
    /// The connection broke, or ended without its proper end.
    #[error("the connection broke: {0}")]
    Interrupted(io::Error),
    /// The socket is closed, or an operation on it was cancelled midway.
    #[error("the socket is closed")]
    Closed,
    /// A defect, or the system's cryptography failed.
    #[error("the connection failed inside: {0}")]
    Internal(String),
}

impl ServerError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::SignIn(_) => ErrorCode::AccessDenied,
            Self::Connect { cause, .. } if status::of_io(cause) == SocketErrorStatus::ConnectionTimedOut => {
                ErrorCode::TimedOut
            }
            Self::Name { .. } | Self::Connect { .. } => ErrorCode::Unreachable,
            Self::TimedOut(_) => ErrorCode::TimedOut,
            Self::Certificate(_) | Self::Rejected(_) | Self::RefusedByServer(_) => ErrorCode::CertificateRefused,
            Self::LevelRefused(_) | Self::Incompatible(_) | Self::Unprotected(_) => ErrorCode::Incompatible,
            Self::Injected | Self::Misbehaved(_) => ErrorCode::Misbehaved,
            Self::Proxy(error) => error.code(),
            Self::Argument(_) | Self::Host(_) | Self::IllegalCall(_) | Self::ProxyChoice(_) => ErrorCode::Misuse,
            Self::Interrupted(_) | Self::Closed => ErrorCode::Interrupted,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// The socket's own word (R7.4). Wrong parameters and calls have none: [`SocketErrorStatus::Unknown`] (R7.1).
    pub fn status(&self) -> SocketErrorStatus {
        match self {
            Self::Name { fault, .. } => fault.status(),
            Self::Connect { cause, .. } | Self::Interrupted(cause) => status::of_io(cause),
            Self::TimedOut(_) => SocketErrorStatus::ConnectionTimedOut,
            Self::Certificate(shown) => shown.status(),
            Self::RefusedByServer(alert) => status::of_tls(&Tls::AlertReceived(*alert)),
            Self::Proxy(error) => error.status(),
            Self::Closed => SocketErrorStatus::OperationAborted,
            Self::Denied(_)
            | Self::LevelRefused(_)
            | Self::Argument(_)
            | Self::Host(_)
            | Self::IllegalCall(_)
            | Self::Rejected(_)
            | Self::Incompatible(_)
            | Self::Unprotected(_)
            | Self::Injected
            | Self::Misbehaved(_)
            | Self::ProxyChoice(_)
            | Self::SignIn(_)
            | Self::Internal(_) => SocketErrorStatus::Unknown,
        }
    }

    /// The number other systems know the error by (R7.1, R7.6).
    pub fn hresult(&self) -> u32 {
        match self {
            Self::Denied(_) | Self::SignIn(_) => status::E_ACCESSDENIED,
            Self::LevelRefused(_) | Self::Argument(_) | Self::Host(_) | Self::ProxyChoice(_) => status::E_INVALIDARG,
            Self::IllegalCall(_) => status::E_ILLEGAL_METHOD_CALL,
            Self::Closed => status::RO_E_CLOSED,
            other => status::hresult(other.status()),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Denied(denied) => denied.hint(),
            Self::LevelRefused(_) => "ask for tls12 or tls13".into(),
            Self::Argument(_) | Self::Host(_) | Self::IllegalCall(_) => "change the call".into(),
            Self::Name { fault: NameFault::TryAgain, .. } => "try again, or check the network's name servers".into(),
            Self::Name { .. } => "check the spelling of the name".into(),
            Self::Connect { .. } | Self::TimedOut(_) => "check the name, the port and the network".into(),
            Self::Certificate(shown) if shown.severity() == SocketSslErrorSeverity::Fatal => {
                "do not go on: tell whoever runs the server".into()
            }
            Self::Certificate(_) => {
                "if you expect this, name the authority that vouches for the server (`--ca FILE`)".into()
            }
            Self::Rejected(_) => "check that this is the server you mean".into(),
            Self::RefusedByServer(_) => "the server may want a certificate of yours; choose one".into(),
            Self::Incompatible(_) | Self::Unprotected(_) => {
                "the server is older than what was asked for: ask for tls12, or have it brought up to date".into()
            }
            Self::Injected | Self::Misbehaved(_) => "do not trust this server, or the network in between".into(),
            Self::Proxy(error) => error.hint().into(),
            Self::SignIn(fault) => fault.hint(),
            Self::ProxyChoice(_) => "write it as http://host:port or socks5://host:port".into(),
            Self::Interrupted(_) | Self::Closed => "connect again".into(),
            Self::Internal(_) => "try again; if it stays, report it together with the log".into(),
        }
    }
}

/// What the machinery below says, as it looks towards a server.
impl From<SocketError> for ServerError {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::Denied(denied) => Self::Denied(denied),
            SocketError::Connect { to, cause } | SocketError::Listen { at: to, cause } => Self::Connect { to, cause },
            SocketError::TimedOut(phase) => Self::TimedOut(phase),
            SocketError::TurnedAway => Self::Interrupted(io::ErrorKind::ConnectionReset.into()),
            SocketError::RefusedByPeer(alert) => Self::RefusedByServer(alert),
            SocketError::Incompatible(why) => Self::Incompatible(why),
            SocketError::Unprotected(why) => Self::Unprotected(why),
            SocketError::Misbehaved(why) => Self::Misbehaved(why),
            SocketError::Interrupted(cause) => Self::Interrupted(cause),
            SocketError::Dead | SocketError::LaneSpent => Self::Closed,
            SocketError::AlreadySettled(_) => Self::IllegalCall("options are set before connecting"),
            SocketError::Misuse(why) => Self::IllegalCall(why),
            SocketError::Internal(why) => Self::Internal(why),
            SocketError::CertificateRefused(why) => Self::Misbehaved(why.to_string()),
            other @ (SocketError::SelfDial
            | SocketError::IdentityChanged { .. }
            | SocketError::Certificate(_)
            | SocketError::FrameTooLarge { .. }
            | SocketError::TooManyFrames(_)) => Self::Internal(other.to_string()),
        }
    }
}

/// A missing capability is that, wherever it was missed.
impl From<SignInFault> for ServerError {
    fn from(fault: SignInFault) -> Self {
        match fault {
            SignInFault::Denied(denied) => Self::Denied(denied),
            other => Self::SignIn(other),
        }
    }
}

/// For those who read and write by `std::io`: the error is wrapped and can be had back by downcasting.
impl From<ServerError> for io::Error {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Interrupted(cause) => cause,
            ServerError::Denied(_) => Self::new(io::ErrorKind::PermissionDenied, error),
            ServerError::Closed => Self::new(io::ErrorKind::ConnectionAborted, error),
            ServerError::TimedOut(_) => Self::new(io::ErrorKind::TimedOut, error),
            ServerError::Argument(_) | ServerError::IllegalCall(_) => Self::new(io::ErrorKind::InvalidInput, error),
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// Reading and writing errors of the system are interruptions; one that wraps an error of ours is that one again.
impl From<io::Error> for ServerError {
    fn from(error: io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Self>()) {
            let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
            return inner.map_or_else(|| Self::Internal("an error was lost".into()), |inner| *inner);
        }
        Self::Interrupted(error)
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Denied(denied) => denied.into(),
            other => {
                let message = hither_model::text::printable(&other.to_string());
                Failure::new(other.code(), message).hint(other.hint()).status(other.status())
            }
        }
    }
}
