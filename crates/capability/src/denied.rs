//! Why something may not be done here. Always [`ErrorCode::AccessDenied`]; the text says what to do about it.

use crate::{capability::Capability, endpoint::EndpointClass};
use hither_model::{ErrorCode, Failure};
use std::net::SocketAddr;

/// The gate said no. Nothing has left the machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The manifest does not declare the capability, so nobody can grant it.
    #[error("this needs the capability {0}, which this program does not declare")]
    NotDeclared(Capability),
    /// The person took the capability away.
    #[error("this needs the capability {0}, which is revoked here")]
    Revoked(Capability),
    /// The person's yes is older than a minute.
    #[error("the consent to connect to {subject} has expired")]
    ConsentExpired {
        /// Whom the consent was for; escape it before showing.
        subject: String,
    },
    /// The consent came without an address.
    #[error("no address of {subject} is known")]
    NoRoute {
        /// Whom the consent was for; escape it before showing.
        subject: String,
    },
    /// The session that the grant belonged to is over.
    #[error("the permission to connect to {subject} ended with its session")]
    Ended {
        /// Whom the grant was for; escape it before showing.
        subject: String,
    },
    /// The grant is for other addresses.
    #[error("{address} is not an address this permission was given for")]
    OtherAddress {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Peers are never at such an address.
    #[error("{address} is a {class} address, and those are never used for other devices")]
    Address {
        /// The address that was asked for.
        address: SocketAddr,
        /// What kind of address it is.
        class: EndpointClass,
    },
    /// Servers are not reached at such an address.
    #[error("{address} is a {class} address, and servers are not reached there")]
    NotForServers {
        /// The address that was asked for.
        address: SocketAddr,
        /// What kind of address it is.
        class: EndpointClass,
    },
    /// Only addresses of this machine, in their plain spelling, are lent and listened on for services.
    #[error("only services of this machine are lent, and they are reached on it alone; {address} is {class}")]
    NotOwn {
        /// The address that was asked for.
        address: SocketAddr,
        /// What kind of address it is.
        class: EndpointClass,
    },
    /// An address of a service is written in one way only, so that what is checked is what is meant.
    #[error("{text:?} is not the plain address and port of a service of this machine")]
    Spelling {
        /// What was written; escape it before showing.
        text: String,
    },
    /// The port belongs to the system or to a well-known program (R1.7).
    #[error("port {port} is reserved for other programs")]
    CriticalPort {
        /// The port.
        port: u16,
    },
}

impl Denied {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotDeclared(_)
            | Self::Revoked(_)
            | Self::ConsentExpired { .. }
            | Self::NoRoute { .. }
            | Self::Ended { .. }
            | Self::OtherAddress { .. }
            | Self::Address { .. }
            | Self::NotForServers { .. }
            | Self::NotOwn { .. }
            | Self::Spelling { .. }
            | Self::CriticalPort { .. } => ErrorCode::AccessDenied,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotDeclared(_) => "it cannot be granted; only a program that declares it can do this".into(),
            Self::Revoked(capability) => format!("grant it with `hither capability grant {capability}`"),
            Self::ConsentExpired { .. } | Self::Ended { .. } => "invite the device again".into(),
            Self::NoRoute { .. } => "look for the device again with `hither near`, or use an invite link".into(),
            Self::OtherAddress { .. } => "invite the device again at its present address".into(),
            Self::Address { .. } => "the device announces an address that cannot be its own; do not trust it".into(),
            Self::NotForServers { class: EndpointClass::Loopback, .. } => {
                "programs on this machine are reached only where that is asked for (`--loopback`)".into()
            }
            Self::NotForServers { .. } => "check the name: its address is no server's".into(),
            Self::NotOwn { .. } | Self::Spelling { .. } => {
                "write it as 127.0.0.1:PORT or [::1]:PORT; names, other spellings and other machines are not taken"
                    .into()
            }
            Self::CriticalPort { .. } => "use port 0 (any free one) or one above 1023".into(),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        let message = hither_model::text::printable(&denied.to_string());
        Failure::new(denied.code(), message).hint(denied.hint())
    }
}
