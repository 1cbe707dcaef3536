//! Which proxy, if any: what the caller names, or what the environment says (`https_proxy`, `http_proxy`, `all_proxy`,
//! `no_proxy`). A proxy's address never carries a password: it would stand in process lists and environments.

use crate::{HostName, HostNameFault, credential::PasswordCredential};
use std::net::IpAddr;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP CONNECT.
    Http,
    /// SOCKS 5; the proxy looks names up.
    Socks5,
}

/// Why a text is no proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// Its scheme is another.
    #[error("a proxy begins with http:// or socks5://")]
    Scheme,
    /// It carries a user or password.
    #[error("a proxy's address must not carry a user name or password; give them another way")]
    Secret,
    /// Its host is none.
    #[error("the proxy's host is wrong: {0}")]
    Host(#[from] HostNameFault),
    /// Its port is none.
    #[error("a proxy's port is a number from 1 to 65535, and nothing comes after it")]
    Port,
}

/// A proxy and, if there is one, the credential for it.
#[derive(Debug, Clone)]
pub struct Proxy {
    kind: ProxyKind,
    host: HostName,
    port: u16,
    credential: Option<PasswordCredential>,
}

impl Proxy {
    /// Reads `http://host:port` or `socks5://host:port` (`socks5h` is the same). Without a port: 8080 or 1080.
    ///
    /// # Errors
    /// [`ProxyFault`].
    pub fn parse(text: &str) -> Result<Self, ProxyFault> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (kind, usual) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http, 8080),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            _ => return Err(ProxyFault::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(ProxyFault::Secret);
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let port = match port {
            None => usual,
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or(ProxyFault::Port)?,
        };
        Ok(Self { kind, host: HostName::new(host)?, port, credential: None })
    }

    /// Adds the credential for it. One that names another resource is not taken.
    #[must_use]
    pub fn with_credential(mut self, credential: PasswordCredential) -> Self {
        if credential.is_for(self.host.canonical(), self.port) {
            self.credential = Some(credential);
        }
        self
    }

    /// How it is spoken to.
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its host.
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, as a credential for it names it.
    pub fn resource(&self) -> String {
        crate::credential::resource(self.host.canonical(), self.port)
    }

    pub(crate) fn credential(&self) -> Option<&PasswordCredential> {
        self.credential.as_ref()
    }
}

/// How a server is reached.
#[derive(Debug, Clone, Default)]
pub enum Proxies {
    /// Directly.
    #[default]
    Direct,
    /// Through this proxy and not otherwise.
    Only(Proxy),
    /// Directly and through this proxy at once; the first to get there is taken (R3.7).
    Raced(Proxy),
}

/// What the environment says about proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    http: Option<String>,
    https: Option<String>,
    all: Option<String>,
    except: Vec<String>,
}

impl Environment {
    /// Reads it by `variable`. `HTTP_PROXY` in capitals is not read: in a web server it is a visitor's header.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |lower: &str, upper: &str| variable(lower).or_else(|| variable(upper)).filter(|v| !v.is_empty());
        let except = either("no_proxy", "NO_PROXY").unwrap_or_default();
        let except = except.split(',').map(|part| part.trim().to_ascii_lowercase());
        Self {
            http: variable("http_proxy").filter(|value| !value.is_empty()),
            https: either("https_proxy", "HTTPS_PROXY"),
            all: either("all_proxy", "ALL_PROXY"),
            except: except.filter(|part| !part.is_empty()).collect(),
        }
    }

    /// The proxy for a server, if one is to be used; `protected` tells which variable counts.
    ///
    /// # Errors
    /// [`ProxyFault`] if the variable makes no sense: nothing is guessed.
    pub fn proxy(&self, host: &HostName, protected: bool) -> Result<Option<Proxy>, ProxyFault> {
        let own = if protected { &self.https } else { &self.http };
        match own.as_ref().or(self.all.as_ref()) {
            Some(text) if !self.is_excepted(host) => Proxy::parse(text).map(Some),
            _ => Ok(None),
        }
    }

    fn is_excepted(&self, host: &HostName) -> bool {
        if host.literals().iter().any(IpAddr::is_loopback) {
            return true;
        }
        self.except.iter().any(|part| {
            let bare = part.strip_prefix("*.").or_else(|| part.strip_prefix('.')).unwrap_or(part);
            let name = host.canonical();
            part == "*" || name == bare || name.strip_suffix(bare).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn chosen(environment: &Environment, host: &str, protected: bool) -> Option<String> {
        environment.proxy(&HostName::new(host).unwrap(), protected).unwrap().map(|proxy| proxy.resource())
    }

    #[test]
    fn r3_7_a_proxy_is_read_and_its_password_is_not_taken() {
        let proxy = Proxy::parse("socks5h://[::1]:99/").unwrap();
        assert_eq!((proxy.kind(), proxy.resource().as_str()), (ProxyKind::Socks5, "[::1]:99"));
        assert_eq!(Proxy::parse("proxy.example").unwrap().resource(), "proxy.example:8080");
        assert_eq!(Proxy::parse("http://ana:pw@p:1").unwrap_err(), ProxyFault::Secret);
        assert_eq!(Proxy::parse("https://p:1").unwrap_err(), ProxyFault::Scheme);
        for wrong in ["http://p:0", "http://p:99999", "http://p:x", "http://p:1/x"] {
            assert_eq!(Proxy::parse(wrong).unwrap_err(), ProxyFault::Port, "{wrong}");
        }
        assert!(matches!(Proxy::parse("http://"), Err(ProxyFault::Host(_))));
    }

    #[test]
    fn r3_7_the_environment_says_which_proxy_and_for_whom_none() {
        let env = environment(&[
            ("https_proxy", "http://p:1"),
            ("ALL_PROXY", "socks5://q:2"),
            ("HTTP_PROXY", "http://evil:3"),
            ("no_proxy", "example.com, .corp, 10.0.0.1"),
        ]);
        assert_eq!(chosen(&env, "a.org", true).as_deref(), Some("p:1"));
        assert_eq!(chosen(&env, "a.org", false).as_deref(), Some("q:2"));
        for direct in ["example.com", "www.example.com", "x.corp", "10.0.0.1", "localhost", "127.0.0.1"] {
            assert_eq!(chosen(&env, direct, true), None, "{direct}");
        }
        assert!(chosen(&env, "notexample.com", true).is_some());
        assert_eq!(chosen(&environment(&[("all_proxy", "http://p:1"), ("NO_PROXY", "*")]), "a.org", true), None);
        assert!(environment(&[("all_proxy", "ftp://x")]).proxy(&HostName::new("a").unwrap(), true).is_err());
    }
}
