//! Where a device is behind a web server: `wss://host[:port]/path`, as it stands in an invite link and in what is remembered.
//!
//! The grammar is strict: no other scheme, no user name, no query, no fragment, no escapes; at most 180 bytes behind the
//! scheme. What is read is written the same way. Where such a route leads is proven by the device's key alone.

use hither_model::{ErrorCode, Failure};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, net::Ipv6Addr, str::FromStr};

const SCHEME: &str = "wss://";

/// Why a text is not such a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RouteFault(&'static str);

impl RouteFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::Misuse
    }
}

impl From<RouteFault> for Failure {
    fn from(fault: RouteFault) -> Self {
        Failure::new(fault.code(), fault.to_string()).hint("write it as wss://host/path")
    }
}

/// A route through a web server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebRoute(String);

impl WebRoute {
    /// Longest text behind `wss://`, bytes.
    pub const MAX: usize = 180;

    /// Reads a route. Capital letters of the host become small, and a missing path becomes `/`.
    ///
    /// # Errors
    /// [`RouteFault`].
    pub fn parse(text: &str) -> Result<Self, RouteFault> {
        let rest = text.strip_prefix(SCHEME).ok_or(RouteFault("the address of a web server begins with wss://"))?;
        Self::of_rest(rest)
    }

    /// The same without `wss://`, as it stands in a link.
    pub(crate) fn of_rest(rest: &str) -> Result<Self, RouteFault> {
        if rest.len() > Self::MAX {
            return Err(RouteFault("the address of a web server is longer than a link can hold"));
        }
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let host = host_of(authority)?;
        if !path.bytes().all(in_path) || path.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(RouteFault("the path may have letters, digits, and - . _ ~ / only"));
        }
        let text = format!("{SCHEME}{}{path}", host.to_ascii_lowercase());
        match text.len() - SCHEME.len() <= Self::MAX {
            true => Ok(Self(text)),
            false => Err(RouteFault("the address of a web server is longer than a link can hold")),
        }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without `wss://`.
    pub(crate) fn rest(&self) -> &str {
        self.0.get(SCHEME.len()..).unwrap_or_default()
    }

    /// Host, and port if one is named.
    pub fn authority(&self) -> &str {
        self.rest().split('/').next().unwrap_or_default()
    }

    /// The host alone; an IPv6 address with its brackets.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            _ => authority,
        }
    }
}

fn in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte)
}

/// Checks host and port; gives both as they were.
fn host_of(authority: &str) -> Result<&str, RouteFault> {
    let wrong = RouteFault("the address names no valid host");
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if let Some(port) = port {
        let number = port.parse::<u16>().ok().filter(|number| *number != 0 && !port.starts_with(['0', '+']));
        number.ok_or(RouteFault("the port is a number from 1 to 65535"))?;
    }
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(wrong)?;
        return inner.parse::<Ipv6Addr>().map(|_| authority).map_err(|_| wrong);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.split('.').all(label) { Ok(authority) } else { Err(wrong) }
}

impl fmt::Display for WebRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WebRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebRoute({})", self.0)
    }
}

impl FromStr for WebRoute {
    type Err = RouteFault;

    fn from_str(text: &str) -> Result<Self, RouteFault> {
        Self::parse(text)
    }
}

impl Serialize for WebRoute {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WebRoute {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn i7_only_a_route_through_tls_to_a_plain_host_and_path_is_one() {
        for (text, host, authority) in [
            ("wss://example.org/hither", "example.org", "example.org"),
            ("wss://Example.ORG:8443/a/b-c_d.e~f", "example.org", "example.org:8443"),
            ("wss://10.0.0.1", "10.0.0.1", "10.0.0.1"),
            ("wss://[fd77::1]:443/x", "[fd77::1]", "[fd77::1]:443"),
            ("wss://[fd77::1]/", "[fd77::1]", "[fd77::1]"),
        ] {
            let route = WebRoute::parse(text).unwrap();
            assert_eq!((route.host(), route.authority()), (host, authority), "{text}");
            assert!(route.as_str().starts_with(SCHEME) && route.rest().contains('/'));
        }
        let long = format!("wss://x/{}", "a".repeat(WebRoute::MAX));
        for wrong in [
            "",
            "ws://x/",
            "https://x/",
            "WSS://x/",
            "wss://",
            "wss:///x",
            "wss://a@x/",
            "wss://a:b@x/",
            "wss://x/#y",
            "wss://x/?y",
            "wss://x/%41",
            "wss://x:0/",
            "wss://x:070/",
            "wss://x:+70/",
            "wss://x:70000/",
            "wss://x:/",
            "wss://a b/",
            "wss://x\r\ny/",
            "wss://x/a b",
            "wss://x/../y",
            "wss://x/.",
            "wss://-x/",
            "wss://x..y/",
            "wss://[::1/",
            "wss://[x]/",
            "wss://x\u{e9}/",
            "wss://x/\u{e9}",
            &long,
        ] {
            assert!(WebRoute::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn what_is_read_is_written_the_same(text in "wss://[A-Za-z0-9.:\\[\\]/?#@%~_-]{0,190}|\\PC{0,40}") {
            if let Ok(route) = WebRoute::parse(&text) {
                prop_assert!(route.rest().len() <= WebRoute::MAX);
                prop_assert_eq!(WebRoute::parse(route.as_str()), Ok(route.clone()));
                prop_assert_eq!(WebRoute::of_rest(route.rest()), Ok(route));
            }
        }
    }
}
