//! Host names and endpoint pairs as a person or a program gives them (R3.1, R3.2). Pure: nothing is looked up here.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Longest DNS name, in characters (RFC 1035, without the final dot).
const MAX_NAME: usize = 253;
/// Longest label of a DNS name (RFC 1035).
const MAX_LABEL: usize = 63;
/// Longest zone identifier taken (RFC 4007 names an interface).
const MAX_ZONE: usize = 32;

/// What a [`HostName`] is; the numbers are the table's of R3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HostNameType {
    /// A DNS name.
    DomainName = 0,
    /// An IPv4 address.
    Ipv4 = 1,
    /// An IPv6 address, with or without zone.
    Ipv6 = 2,
    /// A Bluetooth device address.
    Bluetooth = 3,
}

/// Why a text is not a host name or an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostNameFault {
    /// Nothing, or only spaces.
    #[error("a host name must not be empty")]
    Empty,
    /// More than a DNS name can have.
    #[error("a host name has at most {MAX_NAME} characters and {MAX_LABEL} between two dots")]
    TooLong,
    /// A character or arrangement that no host name has.
    #[error("a host name has letters, digits, hyphens and dots only; write names in other scripts in their xn-- form")]
    Malformed,
    /// The remote service of a pair is missing.
    #[error("the remote service must be a port or a service name")]
    NoService,
}

/// A host: a DNS name, an IP address or a Bluetooth address. Compared by its canonical form.
#[derive(Debug, Clone)]
pub struct HostName {
    raw: String,
    canonical: String,
    kind: HostNameType,
}

impl HostName {
    /// Takes a name as it was written. IPv6 may stand in brackets, Bluetooth addresses in parentheses.
    ///
    /// # Errors
    /// [`HostNameFault`]; no text makes it panic.
    pub fn new(text: &str) -> Result<Self, HostNameFault> {
        if text.trim().is_empty() {
            return Err(HostNameFault::Empty);
        }
        let (kind, canonical) = match address(text) {
            Some(found) => found,
            None => (HostNameType::DomainName, domain(text)?),
        };
        Ok(Self { raw: text.to_owned(), canonical, kind })
    }

    /// The text as it was given.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The form that is compared: lower case, no final dot, addresses in their shortest spelling.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// What it is.
    pub fn kind(&self) -> HostNameType {
        self.kind
    }

    /// The addresses it stands for without asking anybody: itself if it is one, all loopback addresses for `localhost`
    /// (RFC 6761), otherwise none. A zone is not part of them.
    pub fn literals(&self) -> Vec<IpAddr> {
        match self.kind {
            HostNameType::DomainName if self.canonical == "localhost" || self.canonical.ends_with(".localhost") => {
                vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            }
            HostNameType::DomainName | HostNameType::Bluetooth => Vec::new(),
            HostNameType::Ipv4 | HostNameType::Ipv6 => {
                let bare = self.canonical.split('%').next().unwrap_or_default();
                bare.parse().into_iter().collect()
            }
        }
    }
}

/// An address in one of its spellings, and its canonical one.
fn address(text: &str) -> Option<(HostNameType, String)> {
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some((HostNameType::Ipv4, v4.to_string()));
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let (ip, zone) = match bare.split_once('%') {
        Some((ip, zone)) => (ip, Some(zone)),
        None => (bare, None),
    };
    if let Ok(v6) = ip.parse::<Ipv6Addr>() {
        return match zone {
            None => Some((HostNameType::Ipv6, v6.to_string())),
            Some(zone) if is_zone(zone) => Some((HostNameType::Ipv6, format!("{v6}%{zone}"))),
            Some(_) => None,
        };
    }
    bluetooth(text).map(|canonical| (HostNameType::Bluetooth, canonical))
}

fn is_zone(zone: &str) -> bool {
    (1..=MAX_ZONE).contains(&zone.len())
        && zone.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'@'))
}

fn bluetooth(text: &str) -> Option<String> {
    let bare = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    let parts: Vec<&str> = bare.split(':').collect();
    let well_formed =
        parts.len() == 6 && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()));
    well_formed.then(|| format!("({})", bare.to_ascii_uppercase()))
}

fn domain(text: &str) -> Result<String, HostNameFault> {
    let bare = text.strip_suffix('.').unwrap_or(text);
    if bare.len() > MAX_NAME {
        return Err(HostNameFault::TooLong);
    }
    for label in bare.split('.') {
        if label.len() > MAX_LABEL {
            return Err(HostNameFault::TooLong);
        }
        let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if label.is_empty() || !plain || label.starts_with('-') || label.ends_with('-') {
            return Err(HostNameFault::Malformed);
        }
    }
    // Four numbers that are no address, such as 300.1.1.1, are a mistyped address and never a name (RFC 1123 2.1).
    let last = bare.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(HostNameFault::Malformed);
    }
    Ok(bare.to_ascii_lowercase())
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.canonical == other.canonical
    }
}

impl Eq for HostName {}

impl Hash for HostName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.canonical.hash(state);
    }
}

impl PartialOrd for HostName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HostName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical.cmp(&other.canonical).then((self.kind as u8).cmp(&(other.kind as u8)))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

/// Where a connection goes from and to (R3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPair {
    /// The local host; `None` lets the system pick.
    pub local_host: Option<HostName>,
    /// The local port or service; empty lets the system pick.
    pub local_service: String,
    /// The remote host.
    pub remote_host: HostName,
    /// The remote port or service; never empty.
    pub remote_service: String,
}

impl EndpointPair {
    /// A pair whose remote part is complete.
    ///
    /// # Errors
    /// [`HostNameFault::NoService`] if the remote service is empty; [`HostNameFault::Malformed`] if a service has
    /// characters that no service name has.
    pub fn new(
        local_host: Option<HostName>,
        local_service: &str,
        remote_host: HostName,
        remote_service: &str,
    ) -> Result<Self, HostNameFault> {
        if remote_service.trim().is_empty() {
            return Err(HostNameFault::NoService);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !local_service.bytes().all(plain) || !remote_service.bytes().all(plain) {
            return Err(HostNameFault::Malformed);
        }
        Ok(Self {
            local_host,
            local_service: local_service.to_owned(),
            remote_host,
            remote_service: remote_service.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
