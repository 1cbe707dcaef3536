//! From a host and a service to addresses (R3.1 to R3.5): the system's resolver on a thread of its own, SRV records where
//! the service is neither a port nor one of the system's names. The order is the system's (RFC 6724).
//!
//! What is *not* here: devices near (discovery), and whether an address may be dialled (capability).

pub(crate) mod race;
pub(crate) mod srv;

use crate::{EndpointPair, HostName, HostNameType, outward::ServerError};
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType};
use hither_capability::Reach;
use hither_model::SocketErrorStatus;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// Most addresses taken for one name.
const MAX_ADDRESSES: usize = 32;

/// Why a name gave no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// There is no such name.
    #[error("there is no host of this name")]
    NotFound,
    /// The name exists but has no address.
    #[error("the name has no address")]
    NoRecord,
    /// The name servers did not answer, or not usefully; usually for the moment only.
    #[error("the name servers gave no answer")]
    TryAgain,
    /// The answer was empty.
    #[error("the name has no addresses")]
    Empty,
    /// The service is no port, no name the system knows, and the host offers no such service.
    #[error("the service is unknown: it is no port, no name of this system and no service of the host")]
    NoSuchService,
    /// The interface in an address does not exist.
    #[error("there is no such network interface")]
    NoInterface,
    /// The resolver failed for good.
    #[error("names cannot be looked up here")]
    Failed,
}

impl NameFault {
    /// The socket's own word (R7.4).
    pub fn status(self) -> SocketErrorStatus {
        match self {
            Self::NotFound => SocketErrorStatus::HostNotFound,
            Self::NoRecord => SocketErrorStatus::NoDataRecordOfRequestedType,
            Self::TryAgain => SocketErrorStatus::NonAuthoritativeHostNotFound,
            Self::Empty => SocketErrorStatus::NoAddressesFound,
            Self::NoSuchService => SocketErrorStatus::ClassTypeNotFound,
            Self::NoInterface => SocketErrorStatus::CannotAssignRequestedAddress,
            Self::Failed => SocketErrorStatus::Unknown,
        }
    }
}

/// In which order the pairs of a server come (R3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum HostNameSortOptions {
    /// As the system prefers; after a failure another pair is tried.
    #[default]
    None = 0,
    /// For connections that last: other ways to the same address before other addresses.
    OptimizeForLongConnections = 2,
}

/// Where names are looked up: the system, and for SRV records the system's name servers or one that was named.
#[derive(Debug, Clone, Default)]
pub struct Names {
    server: Option<SocketAddr>,
}

/// What a service text means.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Port(u16),
    Srv(Vec<srv::Target>),
}

impl Names {
    /// The system's resolver.
    pub fn system() -> Self {
        Self::default()
    }

    /// SRV records come from this name server, everything else from the system.
    pub fn with_server(server: SocketAddr) -> Self {
        Self { server: Some(server) }
    }

    /// One pair for each server that stands behind the host and service, best first (R3.5).
    ///
    /// # Errors
    /// [`ServerError::Denied`] before anything is asked; [`ServerError::Name`], [`ServerError::Argument`].
    pub async fn endpoint_pairs(
        &self,
        permission: &Reach,
        host: &HostName,
        service: &str,
        sort: HostNameSortOptions,
    ) -> Result<Vec<EndpointPair>, ServerError> {
        permission.check()?;
        let mut addresses = self.addresses(host, service).await?;
        if sort == HostNameSortOptions::OptimizeForLongConnections {
            addresses.sort_by_key(SocketAddr::is_ipv4);
        }
        let pair = |address: SocketAddr| {
            let host = HostName::new(&address.ip().to_string())?;
            EndpointPair::new(None, "", host, &address.port().to_string())
        };
        Ok(addresses.into_iter().map(pair).collect::<Result<_, _>>()?)
    }

    /// The addresses behind a host and service, best first.
    pub(crate) async fn addresses(&self, host: &HostName, service: &str) -> Result<Vec<SocketAddr>, ServerError> {
        let failed = |fault| ServerError::Name { name: host.canonical().to_owned(), fault };
        match self.wanted(host, service).await? {
            Wanted::Port(port) => look_up(host, port).await.map_err(failed),
            Wanted::Srv(targets) => {
                let mut out = Vec::new();
                let mut last = NameFault::Empty;
                for target in targets {
                    let found = match HostName::new(&target.host) {
                        Ok(host) => look_up(&host, target.port).await,
                        Err(_) => Err(NameFault::NotFound),
                    };
                    match found {
                        Ok(addresses) => out.extend(addresses),
                        Err(fault) => last = fault,
                    }
                }
                out.truncate(MAX_ADDRESSES);
                if out.is_empty() { Err(failed(last)) } else { Ok(out) }
            }
        }
    }

    /// Port, then the system's names for ports, then SRV (R3.4).
    async fn wanted(&self, host: &HostName, service: &str) -> Result<Wanted, ServerError> {
        if service.is_empty() {
            return Err(ServerError::Argument("the service is missing: give a port or the name of a service"));
        }
        if service.bytes().all(|b| b.is_ascii_digit()) {
            let port = service.parse().ok().filter(|port| *port != 0);
            return port.map(Wanted::Port).ok_or(ServerError::Argument("a port is a number from 1 to 65535"));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if service.len() > 128 || !service.bytes().all(plain) || service.split('.').any(str::is_empty) {
            return Err(ServerError::Argument("a service is a port or a name of letters, digits and hyphens"));
        }
        if !service.contains(['.', '_'])
            && let Some(port) = known_port(service.to_owned()).await
        {
            return Ok(Wanted::Port(port));
        }
        let failed = |fault| ServerError::Name { name: service.to_owned(), fault };
        if host.kind() != HostNameType::DomainName {
            return Err(failed(NameFault::NoSuchService));
        }
        let targets = srv::ask(self.server, &srv::question(service, host.canonical())).await.map_err(failed)?;
        Ok(Wanted::Srv(srv::ordered(targets, below)))
    }
}

/// A number below `n`, by chance.
fn below(n: u32) -> u32 {
    getrandom::u32().unwrap_or_default().checked_rem(n).unwrap_or_default()
}

fn stream() -> AddrInfoHints {
    AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() }
}

/// The system's number for a name such as `https`.
async fn known_port(service: String) -> Option<u16> {
    let ask = move || {
        let mut found = dns_lookup::getaddrinfo(None, Some(&service), Some(stream())).ok()?;
        found.find_map(|entry| Some(entry.ok()?.sockaddr.port()))
    };
    tokio::task::spawn_blocking(ask).await.ok().flatten().filter(|port| *port != 0)
}

async fn look_up(host: &HostName, port: u16) -> Result<Vec<SocketAddr>, NameFault> {
    match host.kind() {
        HostNameType::Bluetooth => return Err(NameFault::NoRecord),
        HostNameType::Ipv6 if host.canonical().contains('%') => return zoned(host, port).map(|address| vec![address]),
        _ => {}
    }
    let literals = host.literals();
    if !literals.is_empty() {
        return Ok(literals.into_iter().map(|ip| SocketAddr::new(ip, port)).collect());
    }
    let name = host.canonical().to_owned();
    let ask = move || {
        let found = dns_lookup::getaddrinfo(Some(&name), None, Some(stream())).map_err(|e| fault(e.kind()))?;
        let addresses = found.filter_map(|entry| Some(SocketAddr::new(entry.ok()?.sockaddr.ip(), port)));
        Ok(addresses.take(MAX_ADDRESSES).collect::<Vec<_>>())
    };
    let found = tokio::task::spawn_blocking(ask).await.map_err(|_| NameFault::Failed)??;
    if found.is_empty() { Err(NameFault::Empty) } else { Ok(found) }
}

/// A link-local address with its interface, by number or name.
fn zoned(host: &HostName, port: u16) -> Result<SocketAddr, NameFault> {
    let (ip, zone) = host.canonical().split_once('%').ok_or(NameFault::NoInterface)?;
    let ip = ip.parse().map_err(|_| NameFault::NotFound)?;
    let scope = match zone.parse() {
        Ok(number) => number,
        Err(_) => nix::net::if_::if_nametoindex(zone).map_err(|_| NameFault::NoInterface)?,
    };
    Ok(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)))
}

/// The address of a local host for binding.
pub(crate) fn local_address(host: &HostName, port: u16) -> Result<SocketAddr, ServerError> {
    if host.canonical().contains('%') {
        return zoned(host, port).map_err(|fault| ServerError::Name { name: host.canonical().to_owned(), fault });
    }
    let ip: Option<IpAddr> = host.literals().into_iter().next();
    let ip = ip.ok_or(ServerError::Argument("the local host is one of this machine's addresses"))?;
    Ok(SocketAddr::new(ip, port))
}

fn fault(kind: LookupErrorKind) -> NameFault {
    match kind {
        LookupErrorKind::NoName => NameFault::NotFound,
        LookupErrorKind::NoData => NameFault::NoRecord,
        LookupErrorKind::Again => NameFault::TryAgain,
        LookupErrorKind::Service => NameFault::NoSuchService,
        _ => NameFault::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn addresses(host: &str, service: &str) -> Result<Vec<SocketAddr>, ServerError> {
        Names::system().addresses(&HostName::new(host).unwrap(), service).await
    }

    #[tokio::test]
    async fn r3_4_a_service_is_a_port_or_one_of_the_systems_names() {
        assert_eq!(addresses("10.1.2.3", "443").await.unwrap(), ["10.1.2.3:443".parse().unwrap()]);
        assert_eq!(addresses("[fe80::1%7]", "80").await.unwrap(), ["[fe80::1%7]:80".parse().unwrap()]);
        for wrong in ["", "0", "65536", "a b", "..", "x\0"] {
            assert!(matches!(addresses("10.1.2.3", wrong).await, Err(ServerError::Argument(_))), "{wrong:?}");
        }
        let unknown = addresses("10.1.2.3", "no-such-service").await.unwrap_err();
        assert_eq!(unknown.status(), SocketErrorStatus::ClassTypeNotFound);
        if let Some(port) = known_port("https".into()).await {
            assert_eq!(port, 443);
        }
    }

    #[tokio::test]
    async fn r3_1_localhost_is_all_loopback_addresses() {
        let all = addresses("localhost", "9").await.unwrap();
        assert_eq!(all, ["127.0.0.1:9".parse().unwrap(), "[::1]:9".parse().unwrap()]);
        let pairs = Names::system()
            .endpoint_pairs(
                &crate::outward::tests::lab::permission(),
                &HostName::new("localhost").unwrap(),
                "9",
                HostNameSortOptions::default(),
            )
            .await
            .unwrap();
        assert_eq!(pairs.len(), 2);
        assert_eq!(pairs[0].remote_service, "9");
    }
}
