//! The socket's own word for a failure (R7.4): from the system's error number and from the TLS library's error. Below: the
//! table with numbers and classes, the words of HTTP and WebSockets, and what happens after a failure.

mod retry;
mod table;
mod web;

pub use retry::{Act, Attempts, Stage};
pub use table::*;
pub use web::WebErrorStatus;

use hither_model::SocketErrorStatus;
use nix::errno::Errno;
use rustls::{AlertDescription, CertificateError, Error as Tls};
use std::io;

/// The status of a system error. An error that wraps another of ours or of the TLS library's has that one's status.
pub fn of_io(error: &io::Error) -> SocketErrorStatus {
    if let Some(number) = error.raw_os_error() {
        return of_errno(Errno::from_raw(number));
    }
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<Tls>() {
            return of_tls(tls);
        }
        if let Some(socket) = inner.downcast_ref::<crate::SocketError>() {
            return socket.status();
        }
        if let Some(server) = inner.downcast_ref::<crate::ServerError>() {
            return server.status();
        }
    }
    match error.kind() {
        io::ErrorKind::TimedOut => SocketErrorStatus::ConnectionTimedOut,
        io::ErrorKind::ConnectionRefused => SocketErrorStatus::ConnectionRefused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            SocketErrorStatus::ConnectionResetByPeer
        }
        io::ErrorKind::ConnectionAborted => SocketErrorStatus::SoftwareCausedConnectionAbort,
        io::ErrorKind::AddrInUse => SocketErrorStatus::AddressAlreadyInUse,
        io::ErrorKind::AddrNotAvailable => SocketErrorStatus::CannotAssignRequestedAddress,
        io::ErrorKind::HostUnreachable => SocketErrorStatus::UnreachableHost,
        io::ErrorKind::NetworkUnreachable => SocketErrorStatus::NetworkIsUnreachable,
        io::ErrorKind::NetworkDown => SocketErrorStatus::NetworkIsDown,
        _ => SocketErrorStatus::Unknown,
    }
}

fn of_errno(errno: Errno) -> SocketErrorStatus {
    match errno {
        Errno::ECANCELED => SocketErrorStatus::OperationAborted,
        Errno::ETIMEDOUT => SocketErrorStatus::ConnectionTimedOut,
        Errno::EAFNOSUPPORT => SocketErrorStatus::AddressFamilyNotSupported,
        Errno::ESOCKTNOSUPPORT => SocketErrorStatus::SocketTypeNotSupported,
        Errno::EADDRINUSE => SocketErrorStatus::AddressAlreadyInUse,
        Errno::EADDRNOTAVAIL => SocketErrorStatus::CannotAssignRequestedAddress,
        Errno::ECONNREFUSED => SocketErrorStatus::ConnectionRefused,
        Errno::ENETUNREACH => SocketErrorStatus::NetworkIsUnreachable,
        Errno::EHOSTUNREACH => SocketErrorStatus::UnreachableHost,
        Errno::ENETDOWN => SocketErrorStatus::NetworkIsDown,
        Errno::ENETRESET => SocketErrorStatus::NetworkDroppedConnectionOnReset,
        Errno::ECONNABORTED => SocketErrorStatus::SoftwareCausedConnectionAbort,
        Errno::ECONNRESET | Errno::EPIPE => SocketErrorStatus::ConnectionResetByPeer,
        Errno::EHOSTDOWN => SocketErrorStatus::HostIsDown,
        Errno::EMFILE | Errno::ENFILE => SocketErrorStatus::TooManyOpenFiles,
        Errno::EMSGSIZE => SocketErrorStatus::MessageTooLong,
        _ => SocketErrorStatus::Unknown,
    }
}

/// The status of a TLS failure, whichever end found the fault.
pub fn of_tls(error: &Tls) -> SocketErrorStatus {
    match error {
        Tls::InvalidCertificate(fault) => of_certificate(fault),
        Tls::NoCertificatesPresented => SocketErrorStatus::CertificateUntrustedRoot,
        Tls::AlertReceived(alert) => of_alert(*alert),
        _ => SocketErrorStatus::Unknown,
    }
}

fn of_certificate(fault: &CertificateError) -> SocketErrorStatus {
    match fault {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => SocketErrorStatus::CertificateExpired,
        CertificateError::UnknownIssuer | CertificateError::ApplicationVerificationFailure => {
            SocketErrorStatus::CertificateUntrustedRoot
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            SocketErrorStatus::CertificateCommonNameIsIncorrect
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            SocketErrorStatus::CertificateWrongUsage
        }
        CertificateError::Revoked => SocketErrorStatus::CertificateRevoked,
        CertificateError::UnknownRevocationStatus => SocketErrorStatus::CertificateNoRevocationCheck,
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            SocketErrorStatus::CertificateRevocationServerOffline
        }
        _ => SocketErrorStatus::CertificateIsInvalid,
    }
}

fn of_alert(alert: AlertDescription) -> SocketErrorStatus {
    match alert {
        AlertDescription::UnknownCA | AlertDescription::CertificateRequired | AlertDescription::AccessDenied => {
            SocketErrorStatus::CertificateUntrustedRoot
        }
        AlertDescription::CertificateExpired => SocketErrorStatus::CertificateExpired,
        AlertDescription::CertificateRevoked => SocketErrorStatus::CertificateRevoked,
        AlertDescription::UnsupportedCertificate => SocketErrorStatus::CertificateWrongUsage,
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown | AlertDescription::DecryptError => {
            SocketErrorStatus::CertificateIsInvalid
        }
        _ => SocketErrorStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SocketErrorStatus as S;

    const ERRNOS: &[(Errno, S)] = &[
        (Errno::ECANCELED, S::OperationAborted),
        (Errno::ETIMEDOUT, S::ConnectionTimedOut),
        (Errno::EAFNOSUPPORT, S::AddressFamilyNotSupported),
        (Errno::ESOCKTNOSUPPORT, S::SocketTypeNotSupported),
        (Errno::EADDRINUSE, S::AddressAlreadyInUse),
        (Errno::EADDRNOTAVAIL, S::CannotAssignRequestedAddress),
        (Errno::ECONNREFUSED, S::ConnectionRefused),
        (Errno::ENETUNREACH, S::NetworkIsUnreachable),
        (Errno::EHOSTUNREACH, S::UnreachableHost),
        (Errno::ENETDOWN, S::NetworkIsDown),
        (Errno::ENETRESET, S::NetworkDroppedConnectionOnReset),
        (Errno::ECONNABORTED, S::SoftwareCausedConnectionAbort),
        (Errno::ECONNRESET, S::ConnectionResetByPeer),
        (Errno::EHOSTDOWN, S::HostIsDown),
        (Errno::EMFILE, S::TooManyOpenFiles),
        (Errno::EMSGSIZE, S::MessageTooLong),
    ];

    #[test]
    fn r7_5_each_error_number_has_its_status_and_back() {
        for (errno, status) in ERRNOS {
            assert_eq!(of_io(&io::Error::from_raw_os_error(*errno as i32)), *status, "{errno}");
            let back: Vec<_> = ERRNOS.iter().filter(|(_, s)| s == status).map(|(e, _)| e).collect();
            assert_eq!(back, [errno], "{status:?} comes from one number only");
        }
        for (errno, status) in [(Errno::EPIPE, S::ConnectionResetByPeer), (Errno::ENFILE, S::TooManyOpenFiles)] {
            assert_eq!(of_io(&io::Error::from_raw_os_error(errno as i32)), status);
        }
        assert_eq!(of_io(&io::Error::from_raw_os_error(Errno::EBADF as i32)), S::Unknown);
    }

    #[test]
    fn r7_5_each_certificate_error_has_its_status() {
        let table = [
            (CertificateError::Expired, S::CertificateExpired),
            (CertificateError::NotValidYet, S::CertificateExpired),
            (CertificateError::UnknownIssuer, S::CertificateUntrustedRoot),
            (CertificateError::NotValidForName, S::CertificateCommonNameIsIncorrect),
            (CertificateError::InvalidPurpose, S::CertificateWrongUsage),
            (CertificateError::Revoked, S::CertificateRevoked),
            (CertificateError::UnknownRevocationStatus, S::CertificateNoRevocationCheck),
            (CertificateError::ExpiredRevocationList, S::CertificateRevocationServerOffline),
            (CertificateError::BadEncoding, S::CertificateIsInvalid),
            (CertificateError::BadSignature, S::CertificateIsInvalid),
            (CertificateError::UnhandledCriticalExtension, S::CertificateIsInvalid),
        ];
        for (fault, status) in table {
            assert_eq!(of_tls(&Tls::InvalidCertificate(fault.clone())), status, "{fault:?}");
            let wrapped = io::Error::new(io::ErrorKind::InvalidData, Tls::InvalidCertificate(fault));
            assert_eq!(of_io(&wrapped), status);
        }
        assert_eq!(of_tls(&Tls::NoCertificatesPresented), S::CertificateUntrustedRoot);
        assert_eq!(of_tls(&Tls::AlertReceived(AlertDescription::UnknownCA)), S::CertificateUntrustedRoot);
        assert_eq!(of_tls(&Tls::AlertReceived(AlertDescription::CertificateRequired)), S::CertificateUntrustedRoot);
        assert_eq!(of_tls(&Tls::AlertReceived(AlertDescription::CertificateExpired)), S::CertificateExpired);
    }
}
