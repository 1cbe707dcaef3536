//! The words of WebSockets and HTTP for a failure (R7.7), from an HTTP status, from the socket's own word, and what each
//! allows.

use super::table::Class;
use hither_model::SocketErrorStatus;

macro_rules! web {
    ($($name:ident = $number:literal),+ $(,)?) => {
        /// Why a WebSocket or an HTTP exchange failed. Numbers from 300 are those of HTTP.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[allow(missing_docs, reason = "the names are the table's (R7.7) and HTTP's")]
        pub enum WebErrorStatus { $($name = $number),+ }

        impl WebErrorStatus {
            /// Every word, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

web! {
    Unknown = 0,
    CertificateCommonNameIsIncorrect = 1,
    CertificateExpired = 2,
    CertificateContainsErrors = 3,
    CertificateRevoked = 4,
    CertificateIsInvalid = 5,
    ServerUnreachable = 6,
    Timeout = 7,
    ErrorHttpInvalidServerResponse = 8,
    ConnectionAborted = 9,
    ConnectionReset = 10,
    Disconnected = 11,
    HttpToHttpsOnRedirection = 12,
    HttpsToHttpOnRedirection = 13,
    CannotConnect = 14,
    HostNameNotResolved = 15,
    OperationCanceled = 16,
    RedirectFailed = 17,
    UnexpectedStatusCode = 18,
    UnexpectedRedirection = 19,
    UnexpectedClientError = 20,
    UnexpectedServerError = 21,
    InsufficientRangeSupport = 22,
    MissingContentLengthSupport = 23,
    MultipleChoices = 300,
    MovedPermanently = 301,
    Found = 302,
    SeeOther = 303,
    NotModified = 304,
    UseProxy = 305,
    TemporaryRedirect = 307,
    BadRequest = 400,
    Unauthorized = 401,
    PaymentRequired = 402,
    Forbidden = 403,
    NotFound = 404,
    MethodNotAllowed = 405,
    NotAcceptable = 406,
    ProxyAuthenticationRequired = 407,
    RequestTimeout = 408,
    Conflict = 409,
    Gone = 410,
    LengthRequired = 411,
    PreconditionFailed = 412,
    RequestEntityTooLarge = 413,
    RequestUriTooLong = 414,
    UnsupportedMediaType = 415,
    RequestedRangeNotSatisfiable = 416,
    ExpectationFailed = 417,
    InternalServerError = 500,
    NotImplemented = 501,
    BadGateway = 502,
    ServiceUnavailable = 503,
    GatewayTimeout = 504,
    HttpVersionNotSupported = 505,
}

impl WebErrorStatus {
    /// The word for an HTTP status: itself where there is one, else the word for its hundred, else
    /// [`Self::UnexpectedStatusCode`].
    pub fn of_http(status: u16) -> Self {
        let known = Self::ALL.iter().copied().find(|word| *word as u16 == status && status >= 300);
        known.unwrap_or(match status {
            300..=399 => Self::UnexpectedRedirection,
            400..=499 => Self::UnexpectedClientError,
            500..=599 => Self::UnexpectedServerError,
            _ => Self::UnexpectedStatusCode,
        })
    }

    /// The word for a socket's word.
    pub fn of_socket(status: SocketErrorStatus) -> Self {
        use SocketErrorStatus as S;
        match status {
            S::Unknown => Self::Unknown,
            S::OperationAborted => Self::OperationCanceled,
            S::HttpInvalidServerResponse => Self::ErrorHttpInvalidServerResponse,
            S::ConnectionTimedOut => Self::Timeout,
            S::HostNotFound
            | S::NoDataRecordOfRequestedType
            | S::NonAuthoritativeHostNotFound
            | S::ClassTypeNotFound
            | S::NoAddressesFound => Self::HostNameNotResolved,
            S::NetworkIsUnreachable | S::UnreachableHost | S::HostIsDown => Self::ServerUnreachable,
            S::NetworkIsDown => Self::Disconnected,
            S::AddressFamilyNotSupported
            | S::SocketTypeNotSupported
            | S::AddressAlreadyInUse
            | S::CannotAssignRequestedAddress
            | S::ConnectionRefused
            | S::TooManyOpenFiles => Self::CannotConnect,
            S::ConnectionResetByPeer | S::NetworkDroppedConnectionOnReset => Self::ConnectionReset,
            S::SoftwareCausedConnectionAbort => Self::ConnectionAborted,
            S::MessageTooLong => Self::RequestEntityTooLarge,
            S::CertificateExpired => Self::CertificateExpired,
            S::CertificateCommonNameIsIncorrect => Self::CertificateCommonNameIsIncorrect,
            S::CertificateRevoked => Self::CertificateRevoked,
            S::CertificateUntrustedRoot | S::CertificateWrongUsage => Self::CertificateContainsErrors,
            S::CertificateNoRevocationCheck | S::CertificateRevocationServerOffline | S::CertificateIsInvalid => {
                Self::CertificateIsInvalid
            }
        }
    }

    /// Who must act.
    pub fn class(self) -> Class {
        match self {
            Self::ServerUnreachable
            | Self::Timeout
            | Self::ConnectionAborted
            | Self::ConnectionReset
            | Self::Disconnected
            | Self::CannotConnect
            | Self::RequestTimeout
            | Self::BadGateway
            | Self::ServiceUnavailable
            | Self::GatewayTimeout => Class::Transient,
            Self::HostNameNotResolved => Class::Network,
            Self::Unauthorized
            | Self::ProxyAuthenticationRequired
            | Self::CertificateCommonNameIsIncorrect
            | Self::CertificateExpired
            | Self::CertificateContainsErrors => Class::User,
            _ => Class::Fatal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_7_the_words_are_the_whole_table() {
        let numbers: Vec<u16> = WebErrorStatus::ALL.iter().map(|word| *word as u16).collect();
        let http = [300, 301, 302, 303, 304, 305, 307].into_iter().chain(400..=417).chain(500..=505);
        assert_eq!(numbers, (0..=23).chain(http).collect::<Vec<_>>());
        for (http, word) in [
            (401, WebErrorStatus::Unauthorized),
            (308, WebErrorStatus::UnexpectedRedirection),
            (451, WebErrorStatus::UnexpectedClientError),
            (599, WebErrorStatus::UnexpectedServerError),
            (200, WebErrorStatus::UnexpectedStatusCode),
            (7, WebErrorStatus::UnexpectedStatusCode),
        ] {
            assert_eq!(WebErrorStatus::of_http(http), word, "{http}");
        }
    }

    #[test]
    fn r7_7_each_word_says_who_must_act() {
        let of =
            |class| WebErrorStatus::ALL.iter().filter(|w| w.class() == class).map(|w| *w as u16).collect::<Vec<_>>();
        assert_eq!(of(Class::Transient), [6, 7, 9, 10, 11, 14, 408, 502, 503, 504]);
        assert_eq!(of(Class::Network), [15]);
        assert_eq!(of(Class::User), [1, 2, 3, 401, 407]);
        assert_eq!(WebErrorStatus::HttpsToHttpOnRedirection.class(), Class::Fatal, "never down to the clear");
        for (status, ..) in crate::status::TABLE {
            let web = WebErrorStatus::of_socket(*status);
            assert_eq!(web == WebErrorStatus::Unknown, *status == SocketErrorStatus::Unknown, "{status:?}");
        }
    }
}
