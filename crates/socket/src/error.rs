//! Why a socket failed. Every message says what happened, every hint what to do; nothing a peer wrote is in either.

use crate::status;
use hither_capability::Denied;
use hither_identity::certificate::CertificateFault;
use hither_model::{ErrorCode, Failure, PeerId, SocketErrorStatus};
use rustls::{AlertDescription, Error as Tls};
use std::{fmt, io, net::SocketAddr};

/// Which step did not come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The TCP connection.
    Connect,
    /// TLS and READY.
    Handshake,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Handshake => "the handshake",
        })
    }
}

/// An operation of a socket failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The capability gate said no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No TCP connection came about.
    #[error("{} cannot be reached: {cause}", place(*to))]
    Connect {
        /// The address that was dialled.
        to: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {at}: {cause}")]
    Listen {
        /// The address.
        at: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The deadline passed.
    #[error("the other device did not answer in time ({0})")]
    TimedOut(Phase),
    /// The other end closed the connection without showing who it is: it does not expect this call.
    #[error("the other device does not expect this call")]
    TurnedAway,
    /// The other end is this device itself.
    #[error("this device cannot connect to itself")]
    SelfDial,
    /// The key is another one than expected.
    #[error("the device shows the key {} instead of {}", shown.short(), expected.short())]
    IdentityChanged {
        /// The key that was expected.
        expected: PeerId,
        /// The key that was shown. Whether its holder can sign with it is not known.
        shown: PeerId,
    },
    /// We refused their certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// TLS found the certificate or its signature wanting.
    #[error("the other device's certificate was refused: {0}")]
    CertificateRefused(Tls),
    /// They refused our certificate.
    #[error("the other device refused our certificate ({0:?})")]
    RefusedByPeer(AlertDescription),
    /// No common ground: TLS version, algorithms or application protocol.
    #[error("the two programs have no common protocol: {0}")]
    Incompatible(String),
    /// What was negotiated is not what was asked for (R3.13).
    #[error("the connection is not protected as asked: {0}")]
    Unprotected(&'static str),
    /// The other end broke the protocol.
    #[error("the other program broke the protocol: {0}")]
    Misbehaved(String),
    /// A frame of the other end is larger than allowed here.
    #[error("a frame of {size} bytes came where {limit} are allowed")]
    FrameTooLarge {
        /// What it declared.
        size: u64,
        /// What was allowed.
        limit: usize,
    },
    /// A stranger used up its frames.
    #[error("more than {0} frames before the invitation was accepted")]
    TooManyFrames(u32),
    /// The connection broke, or ended without its proper end (T9).
    #[error("the connection broke: {0}")]
    Interrupted(io::Error),
    /// An earlier operation on this connection failed or was cancelled midway (R3.9).
    #[error("the connection is unusable since an operation on it was cancelled or failed")]
    Dead,
    /// A lane has sent all that one set of keys may protect.
    #[error("the lane has carried as much as its keys may protect")]
    LaneSpent,
    /// Socket options are set before connecting or binding (R3.10, R3.11).
    #[error("{0} must be set before the socket is connected or bound")]
    AlreadySettled(&'static str),
    /// The call makes no sense.
    #[error("{0}")]
    Misuse(&'static str),
    /// A defect, or the system's cryptography failed.
    #[error("the secure connection failed inside: {0}")]
    Internal(String),
}

impl SocketError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Connect { cause, .. } if status::of_io(cause) == SocketErrorStatus::ConnectionTimedOut => {
                ErrorCode::TimedOut
            }
            Self::Connect { .. } | Self::TurnedAway => ErrorCode::Unreachable,
            Self::Listen { .. } => ErrorCode::Misuse,
            Self::TimedOut(_) => ErrorCode::TimedOut,
            Self::SelfDial => ErrorCode::Misuse,
            Self::IdentityChanged { .. } => ErrorCode::IdentityChanged,
            Self::Certificate(fault) => fault.code(),
            Self::CertificateRefused(_) | Self::RefusedByPeer(_) => ErrorCode::CertificateRefused,
            Self::Incompatible(_) | Self::Unprotected(_) => ErrorCode::Incompatible,
            Self::Misbehaved(_) | Self::FrameTooLarge { .. } | Self::TooManyFrames(_) => ErrorCode::Misbehaved,
            Self::Interrupted(_) | Self::Dead | Self::LaneSpent => ErrorCode::Interrupted,
            Self::AlreadySettled(_) | Self::Misuse(_) => ErrorCode::Misuse,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// The socket's own word (R7.4).
    pub fn status(&self) -> SocketErrorStatus {
        match self {
            Self::Connect { cause, .. } | Self::Listen { cause, .. } | Self::Interrupted(cause) => status::of_io(cause),
            Self::TimedOut(_) => SocketErrorStatus::ConnectionTimedOut,
            Self::TurnedAway => SocketErrorStatus::ConnectionResetByPeer,
            Self::IdentityChanged { .. } => SocketErrorStatus::CertificateUntrustedRoot,
            Self::Certificate(fault) => fault.status(),
            Self::CertificateRefused(tls) => status::of_tls(tls),
            Self::RefusedByPeer(alert) => status::of_tls(&Tls::AlertReceived(*alert)),
            Self::FrameTooLarge { .. } => SocketErrorStatus::MessageTooLong,
            Self::Dead | Self::LaneSpent => SocketErrorStatus::OperationAborted,
            Self::Denied(_)
            | Self::SelfDial
            | Self::Incompatible(_)
            | Self::Unprotected(_)
            | Self::Misbehaved(_)
            | Self::TooManyFrames(_)
            | Self::AlreadySettled(_)
            | Self::Misuse(_)
            | Self::Internal(_) => SocketErrorStatus::Unknown,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Denied(denied) => denied.hint(),
            Self::Certificate(fault) => fault.hint().into(),
            Self::Connect { .. } | Self::TimedOut(_) => {
                "make sure that it is awake and on this network; `hither doctor` looks for firewalls".into()
            }
            Self::Listen { .. } => "choose another port, or 0 for any free one".into(),
            Self::TurnedAway => "look for it again with `hither near`, then try once more".into(),
            Self::SelfDial => "choose another device".into(),
            Self::IdentityChanged { .. } => {
                "ask its owner whether the device was replaced; if not, somebody else answers in its place".into()
            }
            Self::CertificateRefused(_) | Self::RefusedByPeer(_) => {
                "check the date and time on both devices, then pair them again".into()
            }
            Self::Incompatible(_) | Self::Unprotected(_) => "bring hither up to date on both devices".into(),
            Self::Misbehaved(_) | Self::FrameTooLarge { .. } | Self::TooManyFrames(_) => {
                "bring hither up to date on the other device; if it stays, do not trust that program".into()
            }
            Self::Interrupted(_) | Self::Dead | Self::LaneSpent => "it is tried again; nothing is lost".into(),
            Self::AlreadySettled(_) | Self::Misuse(_) => "change the call".into(),
            Self::Internal(_) => "try again; if it stays, report it together with the log".into(),
        }
    }
}

/// What a TLS error means. An error inside our own library is `Internal`, never blamed on the peer.
impl From<Tls> for SocketError {
    fn from(error: Tls) -> Self {
        match error {
            Tls::AlertReceived(alert) => of_alert(alert),
            Tls::InvalidCertificate(_) | Tls::NoCertificatesPresented => Self::CertificateRefused(error),
            Tls::PeerIncompatible(_) | Tls::NoApplicationProtocol => Self::Incompatible(error.to_string()),
            Tls::PeerMisbehaved(_)
            | Tls::InvalidMessage(_)
            | Tls::InappropriateMessage { .. }
            | Tls::InappropriateHandshakeMessage { .. }
            | Tls::PeerSentOversizedRecord
            | Tls::DecryptError => Self::Misbehaved(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

fn of_alert(alert: AlertDescription) -> SocketError {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::CertificateRequired
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => SocketError::RefusedByPeer(alert),
        AlertDescription::UserCanceled | AlertDescription::InternalError => {
            SocketError::Interrupted(io::Error::new(io::ErrorKind::ConnectionAborted, Tls::AlertReceived(alert)))
        }
        _ => SocketError::Incompatible(format!("the other program answered {alert:?}")),
    }
}

/// For the faces of a connection that speak `std::io`: the error is wrapped and can be had back by downcasting.
impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::Interrupted(cause) => cause,
            SocketError::Misuse(_) | SocketError::AlreadySettled(_) => Self::new(io::ErrorKind::InvalidInput, error),
            SocketError::TimedOut(_) => Self::new(io::ErrorKind::TimedOut, error),
            SocketError::Dead | SocketError::LaneSpent => Self::new(io::ErrorKind::ConnectionAborted, error),
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// Reading and writing errors of the system are interruptions.
impl From<io::Error> for SocketError {
    fn from(error: io::Error) -> Self {
        Self::Interrupted(error)
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::Denied(denied) => denied.into(),
            other => {
                let message = hither_model::text::printable(&other.to_string());
                Failure::new(other.code(), message).hint(other.hint()).status(other.status())
            }
        }
    }
}

/// The connection ended without a close_notify: cut off, by accident or on purpose (T9).
pub(crate) fn cut_off() -> SocketError {
    SocketError::Interrupted(io::Error::new(io::ErrorKind::UnexpectedEof, "it was cut off without a proper end"))
}

/// An address as people know it: that of a radio or of a route through a web server tells them nothing.
fn place(to: SocketAddr) -> String {
    if hither_capability::is_place(to) { to.to_string() } else { "that device".to_owned() }
}
