//! Addresses of WebSockets: `wss://host[:port]/path?query`, absolute and without user, password or fragment (R5.2).

use super::WebSocketError;
use crate::HostName;
use tokio_tungstenite::tungstenite::http::Uri;

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketUrl {
    pub(crate) protected: bool,
    pub(crate) host: HostName,
    pub(crate) port: u16,
    pub(crate) uri: Uri,
}

impl WebSocketUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`WebSocketError::Address`].
    pub fn parse(text: &str) -> Result<Self, WebSocketError> {
        let wrong = WebSocketError::Address;
        if text.contains('#') || text.len() > 4096 {
            return Err(wrong("the address of a WebSocket has no fragment and at most 4096 characters"));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("this is no address of a WebSocket"))?;
        let protected = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => return Err(wrong("the address of a WebSocket begins with wss:// or ws://")),
        };
        let authority = uri.authority().ok_or(wrong("the address names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("the address must not carry a user name or password"));
        }
        let host = HostName::new(authority.host()).map_err(|_| wrong("the address names no valid host"))?;
        let named = authority.as_str().len() > authority.host().len();
        let port = match authority.port_u16() {
            Some(0) => return Err(wrong("the port is a number from 1 to 65535")),
            Some(port) => port,
            None if named => return Err(wrong("the port is a number from 1 to 65535")),
            None if protected => 443,
            None => 80,
        };
        Ok(Self { protected, host, port, uri })
    }

    /// Whether it asks for protection.
    pub fn is_protected(&self) -> bool {
        self.protected
    }

    /// The host.
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// `host:port`, as a credential for the server names it.
    pub fn resource(&self) -> String {
        crate::credential::resource(self.host.canonical(), self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as the request names them.
    pub(crate) fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_2_only_absolute_addresses_of_websockets_are_taken() {
        let url = WebSocketUrl::parse("wss://Example.org/a?b=c").unwrap();
        assert_eq!((url.is_protected(), url.host().canonical(), url.port()), (true, "example.org", 443));
        assert_eq!(url.path(), "/a?b=c");
        let url = WebSocketUrl::parse("ws://[::1]:81").unwrap();
        assert_eq!((url.is_protected(), url.port(), url.path()), (false, 81, "/"));
        for wrong in [
            "",
            "/x",
            "example.org",
            "http://x/",
            "wss://",
            "wss:///x",
            "wss://a:b@x/",
            "wss://x/#y",
            "wss://x:0/",
            "wss://x:70000/",
            "wss://a b/",
            "wss://x:/",
            "wss://x\r\ny/",
        ] {
            assert!(matches!(WebSocketUrl::parse(wrong), Err(WebSocketError::Address(_))), "{wrong:?}");
        }
    }
}
