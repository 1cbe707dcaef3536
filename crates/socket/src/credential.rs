//! A user's name and password for one server or proxy (R6.1, R6.2), and the answers to what HTTP asks (RFC 7617 Basic,
//! RFC 7616 Digest). Sent only after being asked, only to the resource named, never on a redirect, never written anywhere.
//!
//! What is *not* here: where passwords are kept.

mod answer;
mod challenge;
mod sign_in;

pub(crate) use answer::{Asked, authorization};
pub(crate) use challenge::{Challenge, challenges};
pub(crate) use sign_in::{Reply, answerable, reply};
pub use sign_in::{SignIn, SignInFault};

use crate::{Proxy, ws::WebSocketUrl};
use std::fmt;
use zeroize::Zeroizing;

/// Longest user name or password, bytes.
const MAX_PART: usize = 1024;

/// Why a credential cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialFault {
    /// No user name or password.
    #[error("a credential needs a user name and a password")]
    Empty,
    /// A part is longer than 1024 bytes.
    #[error("a user name or password has at most {MAX_PART} bytes")]
    TooLong,
    /// A control character, or a colon in the user name.
    #[error("a user name has no colon, and neither part has control characters")]
    Malformed,
    /// The text names no server or proxy with its port.
    #[error("a resource is written as host:port, http://host:port, socks5://host:port or wss://host")]
    Resource,
}

/// A user name and password for one resource: `host:port` of a server or proxy.
#[derive(Clone)]
pub struct PasswordCredential {
    resource: String,
    user: String,
    secret: Zeroizing<String>,
}

impl PasswordCredential {
    /// A credential for `resource`.
    ///
    /// # Errors
    /// [`CredentialFault`].
    pub fn new(resource: &str, user: &str, secret: Zeroizing<String>) -> Result<Self, CredentialFault> {
        if user.is_empty() || secret.is_empty() {
            return Err(CredentialFault::Empty);
        }
        if user.len() > MAX_PART || secret.len() > MAX_PART {
            return Err(CredentialFault::TooLong);
        }
        if user.contains(':') || user.chars().chain(secret.chars()).any(char::is_control) {
            return Err(CredentialFault::Malformed);
        }
        Ok(Self { resource: resource.to_ascii_lowercase(), user: user.to_owned(), secret })
    }

    /// The resource that a text names: `host:port`, a proxy's address, or a WebSocket's.
    ///
    /// # Errors
    /// [`CredentialFault::Resource`].
    pub fn resource_named(text: &str) -> Result<String, CredentialFault> {
        let fault = |_| CredentialFault::Resource;
        if text.starts_with("wss://") || text.starts_with("ws://") {
            let url = WebSocketUrl::parse(text).map_err(|_| CredentialFault::Resource)?;
            return Ok(url.resource());
        }
        if text.contains("://") {
            return Proxy::parse(text).map(|proxy| proxy.resource()).map_err(fault);
        }
        // Nothing is guessed: two servers on one host are two resources.
        let port = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let named = if port {
            Proxy::parse(&format!("http://{text}")).map_err(fault)?
        } else {
            return Err(CredentialFault::Resource);
        };
        Ok(named.resource())
    }

    /// Whom it is for.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether it may be sent to this server or proxy.
    pub(crate) fn is_for(&self, host: &str, port: u16) -> bool {
        self.resource == resource(host, port)
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(crate) fn resource(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Never the password, nor the user.
impl fmt::Debug for PasswordCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordCredential").field("resource", &self.resource).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.into())
    }

    #[test]
    fn r6_1_a_credential_has_both_parts_and_shows_neither() {
        assert_eq!(PasswordCredential::new("p:1", "", secret("x")).unwrap_err(), CredentialFault::Empty);
        assert_eq!(PasswordCredential::new("p:1", "x", secret("")).unwrap_err(), CredentialFault::Empty);
        assert_eq!(PasswordCredential::new("p:1", "a:b", secret("x")).unwrap_err(), CredentialFault::Malformed);
        assert_eq!(PasswordCredential::new("p:1", "a", secret("x\r\ny")).unwrap_err(), CredentialFault::Malformed);
        let text = format!("{:?}", PasswordCredential::new("p:1", "ana", secret("hunter2")).unwrap());
        assert!(!text.contains("hunter2") && !text.contains("ana"), "{text}");
    }

    #[test]
    fn r6_2_a_resource_is_named_with_its_port_and_in_one_spelling() {
        for (text, named) in [
            ("Proxy.example:3128", "proxy.example:3128"),
            ("http://Proxy.example:3128/", "proxy.example:3128"),
            ("socks5://[::1]:1080", "[::1]:1080"),
            ("wss://chat.example/room", "chat.example:443"),
            ("[::1]:99", "[::1]:99"),
        ] {
            assert_eq!(PasswordCredential::resource_named(text).as_deref(), Ok(named), "{text}");
        }
        for text in ["proxy.example", "", "ftp://x:1", "x:0", "http://ana:pw@x:1", "a b:1", "x:y"] {
            assert_eq!(PasswordCredential::resource_named(text), Err(CredentialFault::Resource), "{text}");
        }
    }

    #[test]
    fn r6_2_a_credential_is_for_one_resource() {
        let credential = PasswordCredential::new("Proxy.example:3128", "ana", secret("x")).unwrap();
        assert!(credential.is_for("proxy.example", 3128));
        assert!(!credential.is_for("proxy.example", 3129) && !credential.is_for("other.example", 3128));
    }
}
